/* SPDX-License-Identifier: MIT */
#include "net/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/bug.h"
#include "net/link_int.h"
#include "net/loop_int.h"

#define STALL_DEFAULT_US (250 * US_PER_MS)
/* A deferred call that defers itself for ever must not stop the turn. */
#define CALL_ROUNDS_MAX 64

static void calls_init(struct loop_call *head)
{
	*head = (struct loop_call){ .prev = head, .next = head };
}

static bool calls_empty(const struct loop_call *head)
{
	return head->next == head;
}

static void calls_push(struct loop_call *head, struct loop_call *c)
{
	if (c->next)
		return;
	c->prev = head->prev;
	c->next = head;
	c->prev->next = c;
	head->prev = c;
}

static void calls_unlink(struct loop_call *c)
{
	BUG_ON(!c->prev || !c->next);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	c->prev = c->next = NULL;
}

/* Runs what is queued now and what those queue, round by round. */
static void calls_run(struct loop_call *head)
{
	struct loop_call stop = { 0 }, *c;
	unsigned int round;

	for (round = 0; round < CALL_ROUNDS_MAX && !calls_empty(head);
	     round++) {
		calls_push(head, &stop);
		while ((c = head->next) != &stop) {
			calls_unlink(c);
			c->fn(c->ctx);
		}
		calls_unlink(&stop);
	}
}

enum err loop_uv_err(struct err_info *ei, int uv_rc, const char *what)
{
	enum err rc = ERR_IO;

	if (uv_rc == UV_ENOMEM)
		rc = ERR_NOMEM;
	else if (uv_rc == UV_ECONNREFUSED)
		rc = ERR_REFUSED;
	else if (uv_rc == UV_ETIMEDOUT)
		rc = ERR_TIMEOUT;
	else if (uv_rc == UV_ENOENT)
		rc = ERR_NOTFOUND;
	rc = err_set(ei, rc, "%s: %s", what, uv_strerror(uv_rc));
	if (ei)
		ei->arg = -uv_rc;
	return rc;
}

static void read_clock(struct loop *l)
{
	struct mono t = clock_mono(l->clock);

	if (mono_before(l->now, t))
		l->now = t;
	if (l->wake_fn)
		l->wake_fn(l->wake_ctx);
}

void loop_look(struct loop *l)
{
	read_clock(l);
}

void loop_enter(struct loop *l)
{
	if (l->entered)
		return;
	l->entered = true;
	read_clock(l);
	l->entered_at = l->now;
}

/*
 * uv_run() runs due timers before it polls, too.  One that came due between being
 * armed and that would leave the poll with nothing to wait for but I/O, for ever:
 * uv_stop() makes that poll return at once, and means nothing after it.
 */
static void on_timer(uv_timer_t *t)
{
	uv_stop(t->loop);
	loop_enter(t->data);
}

static void on_async(uv_async_t *a)
{
	struct loop *l = a->data;

	loop_enter(l);
	l->jobs_ready = true;
}

static void pool_wake(void *ctx)
{
	struct loop *l = ctx;

	uv_async_send(&l->async);
}

static void apply_options(struct loop *l, const struct loop_options *o)
{
	static const struct loop_options none;

	if (!o)
		o = &none;
	l->clock = o->clock ? o->clock : clock_system();
	l->threads = o->threads ? o->threads : 2;
	l->jobs_max = o->jobs_max ? o->jobs_max : 4096;
	idtab_init(&l->links, o->links_max ? o->links_max : 65536);
	loop_children_init(&l->children);
	calls_init(&l->calls);
	calls_init(&l->flushes);
	l->stall_us = STALL_DEFAULT_US;
	l->now = l->entered_at = clock_mono(l->clock);
	wheel_init(&l->wheel, l->now);
}

/*
 * Each connection is a descriptor, and shells give 1,024.  Above that is only what
 * nobody here does: select().
 */
static void use_all_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur == r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

enum err loop_new(struct loop **ret, const struct loop_options *o,
		  struct err_info *ei)
{
	struct loop *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return err_set(ei, ERR_NOMEM, "event loop");
	l->scratch = malloc(LOOP_SCRATCH_BYTES);
	if (!l->scratch) {
		free(l);
		return err_set(ei, ERR_NOMEM, "event loop");
	}
	rc = uv_loop_init(&l->uv);
	if (rc) {
		free(l->scratch);
		free(l);
		return loop_uv_err(ei, rc, "event loop");
	}
	apply_options(l, o);
	rc = uv_async_init(&l->uv, &l->async, on_async);
	if (rc) {
		uv_loop_close(&l->uv);
		free(l->scratch);
		free(l);
		return loop_uv_err(ei, rc, "event loop");
	}
	uv_timer_init(&l->uv, &l->timer);
	l->timer.data = l->async.data = l;
	/* A peer that is gone is an error code, not the end of the program. */
	signal(SIGPIPE, SIG_IGN);
	use_all_files();
	*ret = l;
	return ERR_OK;
}

static void close_one(uv_handle_t *h, void *arg)
{
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static void run_graves(struct loop *l)
{
	struct loop_grave g;

	while (l->ngraves) {
		g = l->graves[--l->ngraves];
		g.free_fn(g.ptr);
	}
}

static void end_children(struct loop *l)
{
	struct loop_child_base *b;

	while ((b = loop_children_first(&l->children))) {
		loop_children_remove(&l->children, b);
		b->abandon(b);
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	BUG_ON(l->in_turn);
	workpool_free(l->pool);
	l->pool = NULL;
	l->wake_fn = NULL;
	link_shut_all(l);
	end_children(l);
	while (l->stats.links || !calls_empty(&l->calls)) {
		calls_run(&l->calls);
		link_shut_all(l);
		uv_run(&l->uv, l->stats.links ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	}
	uv_walk(&l->uv, close_one, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	BUG_ON(uv_loop_close(&l->uv));
	run_graves(l);
	free(l->graves);
	idtab_deinit(&l->links);
	free(l->scratch);
	free(l);
}

/* How long poll may sleep, in microseconds from now. */
static int64_t sleep_us(const struct loop *l, int64_t max_wait_us)
{
	struct mono due = wheel_next(&l->wheel);
	int64_t us;

	if (l->stopping || !calls_empty(&l->calls) ||
	    !calls_empty(&l->flushes) || l->jobs_ready)
		return 0;
	if (due.us == MONO_NEVER.us)
		return max_wait_us;
	us = mono_diff(due, l->now);
	if (us < 0)
		us = 0;
	return us < max_wait_us ? us : max_wait_us;
}

static void poll_io(struct loop *l, int64_t wait_us)
{
	uint64_t ms;

	l->entered = false;
	if (wait_us <= 0) {
		uv_run(&l->uv, UV_RUN_NOWAIT);
	} else {
		ms = ((uint64_t)wait_us + 999) / 1000;
		uv_update_time(&l->uv);
		uv_timer_start(&l->timer, on_timer, ms, 0);
		uv_run(&l->uv, UV_RUN_ONCE);
		uv_timer_stop(&l->timer);
	}
	loop_enter(l);
}

static void end_turn(struct loop *l)
{
	if (l->jobs_ready) {
		l->jobs_ready = false;
		if (l->pool)
			workpool_drain(l->pool);
	}
	calls_run(&l->calls);
	calls_run(&l->flushes);
	calls_run(&l->calls);
	run_graves(l);
}

static void watch_stall(struct loop *l, int64_t timers_us)
{
	struct mono end = clock_mono(l->clock);
	int64_t took = mono_diff(end, l->entered_at) + timers_us;

	if (took <= l->stall_us)
		return;
	l->stats.stalls++;
	if (l->stall_fn)
		l->stall_fn(l->stall_ctx, took);
}

void loop_turn(struct loop *l, int64_t max_wait_us)
{
	struct mono start;

	BUG_ON(l->in_turn);
	l->in_turn = true;
	l->stats.turns++;
	read_clock(l);
	start = l->now;
	wheel_advance(&l->wheel, l->now);
	if (!calls_empty(&l->flushes))
		calls_run(&l->flushes);
	start.us = mono_diff(clock_mono(l->clock), start);
	poll_io(l, sleep_us(l, max_wait_us));
	end_turn(l);
	watch_stall(l, start.us);
	l->in_turn = false;
}

void loop_run(struct loop *l)
{
	/* An hour is as good as for ever, and never overflows. */
	l->stopping = false;
	while (!l->stopping)
		loop_turn(l, 3600 * US_PER_SEC);
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
}

struct mono loop_due(const struct loop *l)
{
	return wheel_next(&l->wheel);
}

struct mono loop_now(const struct loop *l)
{
	return l->now;
}

struct wall loop_wall(const struct loop *l)
{
	return clock_wall(l->clock);
}

const struct clock *loop_clock(const struct loop *l)
{
	return l->clock;
}

void loop_arm(struct loop *l, struct wheel_timer *t, int64_t delay_us)
{
	wheel_arm(&l->wheel, t, mono_add(l->now, delay_us));
}

void loop_arm_at(struct loop *l, struct wheel_timer *t, struct mono due)
{
	wheel_arm(&l->wheel, t, due);
}

void loop_cancel(struct loop *l, struct wheel_timer *t)
{
	wheel_cancel(&l->wheel, t);
}

void loop_defer(struct loop *l, struct loop_call *c)
{
	calls_push(&l->calls, c);
}

void loop_undefer(struct loop *l, struct loop_call *c)
{
	if (c->next)
		calls_unlink(c);
}

void loop_flush_later(struct loop *l, struct loop_call *c)
{
	calls_push(&l->flushes, c);
}

void loop_bury(struct loop *l, void *ptr, void (*free_fn)(void *ptr))
{
	struct loop_grave *g;
	size_t cap;

	if (l->ngraves == l->graves_cap) {
		cap = l->graves_cap ? 2 * l->graves_cap : 64;
		g = realloc(l->graves, cap * sizeof(*g));
		/* Nothing can be freed safely now, and 1 KiB is not to be had:
		 * leaking the object is the harmless way out. */
		if (!g)
			return;
		l->graves = g;
		l->graves_cap = cap;
	}
	l->graves[l->ngraves++] =
		(struct loop_grave){ ptr, free_fn ? free_fn : free };
}

void loop_on_wake(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	l->wake_fn = fn;
	l->wake_ctx = ctx;
}

void loop_on_stall(struct loop *l, int64_t limit_us,
		   void (*fn)(void *ctx, int64_t took_us), void *ctx)
{
	l->stall_us = limit_us ? limit_us : STALL_DEFAULT_US;
	l->stall_fn = fn;
	l->stall_ctx = ctx;
}

static void on_signal(uv_signal_t *s, int signum)
{
	struct loop *l = s->data;

	loop_enter(l);
	if (l->signal_fn)
		l->signal_fn(l->signal_ctx, signum);
}

enum err loop_on_signal(struct loop *l, void (*fn)(void *ctx, int signum),
			void *ctx, struct err_info *ei)
{
	static const int signums[LOOP_SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
	uv_signal_t *s;
	int rc;

	l->signal_fn = fn;
	l->signal_ctx = ctx;
	while (l->nsignals < LOOP_SIGNALS) {
		s = &l->signals[l->nsignals];
		rc = uv_signal_init(&l->uv, s);
		if (rc)
			return loop_uv_err(ei, rc, "watch signals");
		s->data = l;
		rc = uv_signal_start(s, on_signal, signums[l->nsignals++]);
		if (rc)
			return loop_uv_err(ei, rc, "watch signals");
	}
	return ERR_OK;
}

enum err loop_submit(struct loop *l, struct workpool_job *job)
{
	enum err rc;

	if (!l->pool) {
		rc = workpool_new(&l->pool, l->threads, l->jobs_max, pool_wake,
				  l, NULL);
		if (rc)
			return rc;
	}
	return workpool_submit(l->pool, job);
}

void loop_wake(struct loop *l)
{
	uv_async_send(&l->async);
}

void loop_get_stats(const struct loop *l, struct loop_stats *ret)
{
	*ret = l->stats;
	ret->timers = l->wheel.count;
}

uint64_t loop_closed_count(const struct loop *l, unsigned int reason)
{
	return reason < CLOSE_REASON_COUNT ? l->closed[reason] : 0;
}

const char *loop_library_version(void)
{
	return uv_version_string();
}
