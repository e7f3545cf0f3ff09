/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/loop.h"

static char trail[256];

static void mark(const char *s)
{
	strncat(trail, s, sizeof(trail) - strlen(trail) - 1);
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	mark(ctx);
}

static int setup(void **state)
{
	struct loop *l;

	trail[0] = 0;
	assert_int_equal(loop_new(&l, NULL, NULL), ERR_OK);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	loop_free(*state);
	return 0;
}

static void test_timers_run_in_order_of_due(void **state)
{
	struct loop *l = *state;
	struct wheel_timer a, b, c, d;

	wheel_timer_init(&a, on_timer, (void *)(uintptr_t) "a");
	wheel_timer_init(&b, on_timer, (void *)(uintptr_t) "b");
	wheel_timer_init(&c, on_timer, (void *)(uintptr_t) "c");
	wheel_timer_init(&d, on_timer, (void *)(uintptr_t) "d");
	loop_arm(l, &a, 30 * US_PER_MS);
	loop_arm(l, &b, 10 * US_PER_MS);
	loop_arm(l, &c, 20 * US_PER_MS);
	loop_arm(l, &d, 5 * US_PER_MS);
	loop_cancel(l, &d);
	for (int i = 0; i < 100 && strlen(trail) < 3; i++)
		loop_turn(l, 50 * US_PER_MS);
	assert_string_equal(trail, "bca");
}

static void test_a_timer_is_not_early(void **state)
{
	struct loop *l = *state;
	struct wheel_timer t;
	struct mono from = clock_mono(clock_system());

	wheel_timer_init(&t, on_timer, (void *)(uintptr_t) "x");
	loop_arm(l, &t, 25 * US_PER_MS);
	while (!trail[0])
		loop_turn(l, US_PER_SEC);
	assert_true(mono_diff(clock_mono(clock_system()), from) >=
		    24 * US_PER_MS);
}

struct order {
	struct loop *l;
	struct loop_call call;
	int left;
};

static void bury_fn(void *ptr)
{
	mark("G");
	free(ptr);
}

static void on_call(void *ctx)
{
	struct order *o = ctx;

	mark("d");
	if (o->left--)
		loop_defer(o->l, &o->call);
	else
		loop_bury(o->l, malloc(1), bury_fn);
}

static void on_wake(void *ctx)
{
	mark("w");
}

static void test_turn_order(void **state)
{
	struct loop *l = *state;
	struct order o = { .l = l, .left = 2 };
	struct wheel_timer t;

	o.call = (struct loop_call){ .fn = on_call, .ctx = &o };
	loop_on_wake(l, on_wake, NULL);
	wheel_timer_init(&t, on_timer, (void *)(uintptr_t) "t");
	loop_arm(l, &t, 0);
	loop_defer(l, &o.call);
	loop_defer(l, &o.call); /* queued once */
	loop_bury(l, malloc(1), bury_fn);
	usleep(2000);
	loop_turn(l, 0);
	/* clock, timer, poll, clock, deferred three times, both graves */
	assert_string_equal(trail, "wtwdddGG");
}

static void test_a_call_that_repeats_for_ever_does_not_hang(void **state)
{
	struct loop *l = *state;
	struct order o = { .l = l, .left = 1 << 30 };

	o.call = (struct loop_call){ .fn = on_call, .ctx = &o };
	loop_defer(l, &o.call);
	loop_turn(l, US_PER_SEC);
	assert_true(o.left < 1 << 30);
	assert_non_null(o.call.next);
	loop_undefer(l, &o.call);
	assert_null(o.call.next);
}

struct job {
	struct workpool_job job;
	int in, out;
	struct loop *l;
};

static void job_run(struct workpool_job *j)
{
	struct job *me = (struct job *)j;

	me->out = me->in * me->in;
}

static void job_done(struct workpool_job *j)
{
	mark("j");
	loop_stop(((struct job *)j)->l);
}

static void test_a_job_comes_back_to_the_loop(void **state)
{
	struct loop *l = *state;
	struct job j = { .job = { .run = job_run, .done = job_done },
			 .in = 12,
			 .l = l };

	assert_int_equal(loop_submit(l, &j.job), ERR_OK);
	loop_run(l);
	assert_int_equal(j.out, 144);
	assert_string_equal(trail, "j");
}

static void on_signal(void *ctx, int signum)
{
	assert_int_equal(signum, SIGTERM);
	mark("s");
	loop_stop(ctx);
}

static void test_signal_stops(void **state)
{
	struct loop *l = *state;

	assert_int_equal(loop_on_signal(l, on_signal, l, NULL), ERR_OK);
	kill(getpid(), SIGTERM);
	loop_run(l);
	assert_string_equal(trail, "s");
}

static void on_slow(struct wheel_timer *t, void *ctx)
{
	usleep(30000);
}

static void on_stall(void *ctx, int64_t took_us)
{
	assert_true(took_us >= 29000);
	mark("!");
}

static void test_watchdog_counts_long_turns(void **state)
{
	struct loop *l = *state;
	struct wheel_timer t;
	struct loop_stats st;

	loop_on_stall(l, 20 * US_PER_MS, on_stall, NULL);
	loop_turn(l, 0);
	/* sleeping is not working */
	loop_turn(l, 40 * US_PER_MS);
	assert_string_equal(trail, "");
	wheel_timer_init(&t, on_slow, NULL);
	loop_arm(l, &t, 0);
	usleep(2000);
	loop_turn(l, 0);
	assert_string_equal(trail, "!");
	loop_get_stats(l, &st);
	assert_int_equal(st.stalls, 1);
}

static void on_pipe(void *ctx, int fd, unsigned int events)
{
	char c;

	assert_true(events & LOOP_FD_READ);
	assert_int_equal(read(fd, &c, 1), 1);
	mark("f");
}

static void test_foreign_fd(void **state)
{
	struct loop *l = *state;
	struct loop_fd *f;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(loop_fd_new(l, p[0], on_pipe, NULL, &f, NULL), ERR_OK);
	assert_int_equal(loop_fd_set(f, LOOP_FD_READ), ERR_OK);
	loop_turn(l, 0);
	assert_string_equal(trail, "");
	assert_int_equal(write(p[1], "xy", 2), 2);
	loop_turn(l, US_PER_SEC);
	assert_string_equal(trail, "f");
	assert_int_equal(loop_fd_set(f, 0), ERR_OK);
	loop_turn(l, 0);
	assert_string_equal(trail, "f");
	loop_fd_free(f);
	close(p[0]);
	close(p[1]);
}

static void test_manual_clock(void **state)
{
	struct loop_options o = { 0 };
	struct clock_manual m;
	struct wheel_timer t;
	struct loop *l;

	clock_manual_init(&m, (struct mono){ 1000 }, (struct wall){ 5 });
	o.clock = &m.clock;
	assert_int_equal(loop_new(&l, &o, NULL), ERR_OK);
	wheel_timer_init(&t, on_timer, (void *)(uintptr_t) "t");
	loop_arm(l, &t, 60 * US_PER_SEC);
	loop_turn(l, 0);
	assert_string_equal(trail, "");
	clock_manual_advance(&m, 61 * US_PER_SEC);
	loop_turn(l, 0);
	assert_string_equal(trail, "t");
	loop_free(l);
}

/* Waits until `ns` before the monotonic clock's next millisecond. */
static void approach_millisecond(long ns)
{
	struct timespec t;

	do
		clock_gettime(CLOCK_MONOTONIC, &t);
	while (t.tv_nsec % 1000000 < 1000000 - ns);
}

static void on_too_long(int signum)
{
	static const char text[] = "a turn did not wake up\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

/* A time-out of a millisecond may pass between arming it and sleeping: it must
 * not be lost then.  libuv counts in milliseconds, so this is the place. */
static void test_a_turn_at_the_edge_of_a_millisecond(void **state)
{
	signal(SIGALRM, on_too_long);
	for (long ns = 200; ns < 30000; ns += 50) {
		alarm(20);
		approach_millisecond(ns);
		loop_turn(*state, 300);
	}
	alarm(0);
}

static void test_all_files_may_be_open(void **state)
{
	struct rlimit before, few, now;
	struct loop *l;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(loop_new(&l, NULL, NULL), ERR_OK);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_true(now.rlim_cur == before.rlim_max);
	loop_free(l);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_timers_run_in_order_of_due),
		T(test_a_timer_is_not_early),
		T(test_turn_order),
		T(test_a_call_that_repeats_for_ever_does_not_hang),
		T(test_a_job_comes_back_to_the_loop),
		T(test_signal_stops),
		T(test_watchdog_counts_long_turns),
		T(test_a_turn_at_the_edge_of_a_millisecond),
		T(test_foreign_fd),
		T(test_manual_clock),
		T(test_all_files_may_be_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
