/* SPDX-License-Identifier: MIT */
/*
 * The lease promise under lossy, slow networks, clocks that run apart, and
 * restarts: two nodes never believe at the same time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rnd.h"
#include "fleet/lease.h"

static const struct lease_rules rules = { 30 * US_PER_SEC, 90 * US_PER_SEC,
					  30 * US_PER_SEC };

static struct mono at(int64_t sec)
{
	return (struct mono){ sec * US_PER_SEC };
}

static void test_rules(void **state)
{
	struct lease_rules r = rules;
	struct err_info ei;

	assert_int_equal(lease_rules_check(&r, NULL), ERR_OK);
	r.ttl_us = 90 * US_PER_SEC - 1;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_INVALID);
	assert_non_null(strstr(ei.msg, "3 heartbeat"));
	r = rules;
	r.grace_us = r.ttl_us / 50 - 1;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_INVALID);
	r.grace_us = r.ttl_us / 50;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_OK);
	r.beat_us = 0;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_INVALID);
	r = rules;
	r.ttl_us = INT64_MAX;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_INVALID);
}

static void test_may_grant(void **state)
{
	struct lease_view v = { 0 };
	struct mono until = { -1 };

	assert_int_equal(lease_may_grant(&rules, &v, "a", at(0), at(0), &until),
			 LEASE_GRANT);
	v = (struct lease_view){ .epoch = 3,
				 .holder = "a",
				 .answered_known = true,
				 .answered = at(100) };
	assert_int_equal(
		lease_may_grant(&rules, &v, "a", at(0), at(101), &until),
		LEASE_GRANT);
	assert_int_equal(until.us, -1);
	assert_int_equal(
		lease_may_grant(&rules, &v, "b", at(0), at(219), &until),
		LEASE_WAIT);
	assert_int_equal(until.us, at(220).us);
	assert_int_equal(
		lease_may_grant(&rules, &v, "b", at(0), at(220), &until),
		LEASE_TAKEOVER);
	v.released = true;
	assert_int_equal(
		lease_may_grant(&rules, &v, "b", at(0), at(101), &until),
		LEASE_GRANT);
}

/* After a restart the last answer is unknown: the start counts instead. */
static void test_restart(void **state)
{
	struct lease_view v = { .epoch = 3, .holder = "a" };
	struct mono until;

	assert_int_equal(
		lease_may_grant(&rules, &v, "b", at(1000), at(1119), &until),
		LEASE_WAIT);
	assert_int_equal(until.us, at(1120).us);
	assert_int_equal(
		lease_may_grant(&rules, &v, "b", at(1000), at(1120), &until),
		LEASE_TAKEOVER);
	v.released = true;
	assert_int_equal(
		lease_may_grant(&rules, &v, "b", at(1000), at(1000), &until),
		LEASE_GRANT);
}

static void test_hold(void **state)
{
	struct lease_hold h = { 0 };

	assert_false(lease_hold_valid(&h, at(0)));
	assert_false(lease_hold_confirm(&h, 0, at(0), rules.ttl_us));
	assert_true(lease_hold_confirm(&h, 5, at(10), rules.ttl_us));
	assert_true(lease_hold_valid(&h, at(99)));
	assert_false(lease_hold_valid(&h, at(100)));
	/* an answer to an earlier request comes late */
	assert_true(lease_hold_confirm(&h, 5, at(5), rules.ttl_us));
	assert_int_equal(h.deadline.us, at(100).us);
	/* another epoch altogether */
	assert_false(lease_hold_confirm(&h, 4, at(50), rules.ttl_us));
	assert_int_equal(h.deadline.us, at(100).us);
	assert_true(lease_hold_confirm(&h, 6, at(20), rules.ttl_us));
	assert_int_equal(h.epoch, 6);
	assert_int_equal(h.deadline.us, at(110).us);
}

/*
 * A world of one account and two nodes on a true clock; each party's clock runs up
 * to 1 % fast or slow.  Requests and answers take up to 40 s or get lost; the
 * control plane restarts at times and forgets when it answered.
 */
struct flight {
	bool on;
	bool answer;
	int node;
	int64_t due, sent, epoch;
};

struct world {
	struct rnd_seeded rnd;
	int64_t now, started, next_beat[2];
	double rate[3]; /* node 0, node 1, control */
	struct lease_view view;
	struct lease_hold hold[2];
	struct flight net[32];
	unsigned int grants, takeovers;
};

static struct mono local(const struct world *w, int who)
{
	return (struct mono){ (int64_t)((double)w->now * w->rate[who]) };
}

static void post(struct world *w, bool answer, int node, int64_t sent,
		 int64_t epoch)
{
	if (rnd_below(&w->rnd.rnd, 100) < 20)
		return; /* lost */
	for (size_t i = 0; i < ARRAY_LEN(w->net); i++) {
		if (w->net[i].on)
			continue;
		w->net[i] = (struct flight){
			true,
			answer,
			node,
			w->now + (int64_t)rnd_below(&w->rnd.rnd, 40 * US_PER_SEC),
			sent,
			epoch
		};
		return;
	}
}

static void control_gets(struct world *w, int node, int64_t sent, int64_t epoch)
{
	static const char *const names[] = { "a", "b" };
	struct lease_view *v = &w->view;
	struct mono now = local(w, 2), until;
	enum lease_verdict verdict;

	if (!(v->holder == names[node] && epoch == v->epoch && epoch)) {
		verdict = lease_may_grant(&rules, v, names[node],
					  (struct mono){ w->started }, now,
					  &until);
		if (verdict == LEASE_WAIT)
			return;
		w->grants++;
		w->takeovers += verdict == LEASE_TAKEOVER;
		v->epoch++;
		v->holder = names[node];
	}
	v->answered_known = true;
	v->answered = now;
	post(w, true, node, sent, v->epoch);
}

static void world_step(struct world *w)
{
	w->now += (int64_t)rnd_below(&w->rnd.rnd, US_PER_SEC / 2);
	for (size_t i = 0; i < ARRAY_LEN(w->net); i++) {
		struct flight f = w->net[i];

		if (!f.on || f.due > w->now)
			continue;
		w->net[i].on = false;
		if (f.answer)
			lease_hold_confirm(&w->hold[f.node], f.epoch,
					   (struct mono){ f.sent },
					   rules.ttl_us);
		else
			control_gets(w, f.node, f.sent, f.epoch);
	}
	for (int n = 0; n < 2; n++) {
		int64_t epoch = lease_hold_valid(&w->hold[n], local(w, n))
					? w->hold[n].epoch
					: 0;

		if (w->now < w->next_beat[n])
			continue;
		/* beats early, late, or sulks for minutes */
		w->next_beat[n] = w->now + (int64_t)rnd_below(&w->rnd.rnd,
							      200 * US_PER_SEC);
		post(w, false, n, local(w, n).us, epoch);
	}
	if (rnd_below(&w->rnd.rnd, 2000) == 0) {
		w->started = local(w, 2).us;
		w->view.answered_known = false;
	}
	assert_false(lease_hold_valid(&w->hold[0], local(w, 0)) &&
		     lease_hold_valid(&w->hold[1], local(w, 1)));
}

static void test_never_two(void **state)
{
	unsigned int takeovers = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct world w = { 0 };

		rnd_seeded_init(&w.rnd, seed);
		for (size_t i = 0; i < 3; i++)
			w.rate[i] = 0.99 + (double)rnd_below(&w.rnd.rnd, 2001) /
						   100000.0;
		for (int i = 0; i < 20000; i++)
			world_step(&w);
		assert_true(w.grants > 1);
		takeovers += w.takeovers;
	}
	/* The test would be worth nothing if the account never moved. */
	assert_true(takeovers > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_may_grant),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_never_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
