/* SPDX-License-Identifier: MIT */
#include "base/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rnd.h"

#define MS(n) ((struct mono){ (n)*US_PER_MS })

struct probe {
	struct wheel_timer timer;
	struct wheel *wheel;
	struct mono ran_at;
	int runs;
	int order;
};

static struct mono now;
static int sequence;

static void on_timer(struct wheel_timer *t, void *ctx)
{
	struct probe *p = ctx;

	assert_ptr_equal(t, &p->timer);
	p->ran_at = now;
	p->runs++;
	p->order = ++sequence;
}

static void never_early_never_lost(void **state)
{
	enum { N = 2000 };
	struct probe *p = calloc(N, sizeof(*p));
	struct rnd_seeded r;
	struct wheel w;

	(void)state;
	assert_non_null(p);
	rnd_seeded_init(&r, 1);
	now = MS(123456789);
	wheel_init(&w, now);
	for (int i = 0; i < N; i++) {
		/* from 0 ms to about 12 days, all magnitudes */
		int64_t us = (int64_t)rnd_below(
			&r.rnd, UINT64_C(1) << (rnd_u64(&r.rnd) % 40));

		wheel_timer_init(&p[i].timer, on_timer, &p[i]);
		wheel_arm(&w, &p[i].timer, mono_add(now, us));
	}
	while (w.count > 0) {
		struct mono next = wheel_next(&w);

		assert_true(next.us >= now.us);
		now = next;
		wheel_advance(&w, now);
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(p[i].runs, 1);
		assert_true(mono_diff(p[i].ran_at, p[i].timer.due) >= 0 ||
			    p[i].timer.due.us <= MS(123456789).us);
		assert_true(mono_diff(p[i].ran_at, p[i].timer.due) <=
			    2 * US_PER_MS);
	}
	free(p);
}

static void random_against_a_list(void **state)
{
	enum { N = 200, ROUNDS = 20000 };
	struct probe *p = calloc(N, sizeof(*p));
	struct rnd_seeded r;
	struct wheel w;
	size_t armed = 0;

	(void)state;
	assert_non_null(p);
	rnd_seeded_init(&r, 7);
	now = MS(1000);
	wheel_init(&w, now);
	for (int i = 0; i < N; i++)
		wheel_timer_init(&p[i].timer, on_timer, &p[i]);
	for (int round = 0; round < ROUNDS; round++) {
		struct probe *x = &p[rnd_below(&r.rnd, N)];

		switch (rnd_below(&r.rnd, 4)) {
		case 0:
			wheel_cancel(&w, &x->timer);
			break;
		case 1:
			now = mono_add(now,
				       (int64_t)rnd_below(&r.rnd, 90000000));
			wheel_advance(&w, now);
			/* nothing due may still wait */
			for (int i = 0; i < N; i++)
				assert_false(wheel_armed(&p[i].timer) &&
					     p[i].timer.due.us <=
						     now.us - US_PER_MS);
			break;
		default:
			wheel_arm(&w, &x->timer,
				  mono_add(now, (int64_t)rnd_below(&r.rnd,
								   300000000)));
		}
		armed = 0;
		for (int i = 0; i < N; i++)
			armed += wheel_armed(&p[i].timer);
		assert_int_equal(armed, w.count);
	}
	free(p);
}

static void same_tick_runs_in_order(void **state)
{
	struct probe p[3] = { 0 };
	struct wheel w;

	(void)state;
	now = MS(10);
	sequence = 0;
	wheel_init(&w, now);
	for (int i = 0; i < 3; i++) {
		wheel_timer_init(&p[i].timer, on_timer, &p[i]);
		wheel_arm(&w, &p[i].timer, MS(20));
	}
	now = MS(20);
	assert_int_equal(wheel_advance(&w, now), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(p[i].order, i + 1);
}

static void cancel_other(struct wheel_timer *t, void *ctx)
{
	struct probe *other = ctx;

	(void)t;
	wheel_cancel(other->wheel, &other->timer);
}

static void cancelled_by_an_earlier_callback(void **state)
{
	struct wheel_timer first;
	struct probe p = { 0 };
	struct wheel w;

	(void)state;
	now = MS(0);
	wheel_init(&w, now);
	p.wheel = &w;
	wheel_timer_init(&first, cancel_other, &p);
	wheel_timer_init(&p.timer, on_timer, &p);
	wheel_arm(&w, &first, MS(5));
	wheel_arm(&w, &p.timer, MS(5));
	now = MS(5);
	assert_int_equal(wheel_advance(&w, now), 1);
	assert_int_equal(p.runs, 0);
	assert_int_equal(w.count, 0);
}

static void a_jump_of_days_is_cheap(void **state)
{
	struct probe p = { 0 };
	struct wheel w;

	(void)state;
	now = MS(0);
	wheel_init(&w, now);
	wheel_timer_init(&p.timer, on_timer, &p);
	wheel_arm(&w, &p.timer, MS(INT64_C(400) * 86400000)); /* 400 days */
	now = MS(INT64_C(399) * 86400000);
	assert_int_equal(wheel_advance(&w, now), 0);
	now = MS(INT64_C(400) * 86400000);
	assert_int_equal(wheel_advance(&w, now), 1);
	assert_int_equal(wheel_next(&w).us, MONO_NEVER.us);
	wheel_arm(&w, &p.timer, MONO_NEVER);
	wheel_cancel(&w, &p.timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_early_never_lost),
		cmocka_unit_test(random_against_a_list),
		cmocka_unit_test(same_tick_runs_in_order),
		cmocka_unit_test(cancelled_by_an_earlier_callback),
		cmocka_unit_test(a_jump_of_days_is_cheap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
