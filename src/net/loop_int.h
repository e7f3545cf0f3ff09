/* SPDX-License-Identifier: MIT */
/*
 * The inside of the loop, shared by the files of net/ only.
 *
 * Every libuv callback starts with loop_enter(): it reads the clock and runs the
 * wake hook once a turn, before anything else of ours runs.
 */
#ifndef NET_LOOP_INT_H
#define NET_LOOP_INT_H

#include <uv.h>

#include "base/dlist.h"
#include "base/idtab.h"
#include "net/link.h"
#include "net/loop.h"

#define LOOP_SCRATCH_BYTES 65536
#define LOOP_SIGNALS 3

struct link;
struct child;

struct loop_grave {
	void *ptr;
	void (*free_fn)(void *ptr);
};

/* First member of a child: what the loop needs to end it. */
struct loop_child_base {
	struct dlist_node node;
	void (*abandon)(struct loop_child_base *b);
};

DLIST_DECLARE(loop_children, loop_child_base, node);

struct loop {
	uv_loop_t uv;
	uv_timer_t timer;
	uv_async_t async;
	uv_signal_t signals[LOOP_SIGNALS];
	size_t nsignals;

	const struct clock *clock;
	struct wheel wheel;
	struct mono now, entered_at;
	bool entered, in_turn, stopping, jobs_ready;

	struct loop_call calls;	  /* list head */
	struct loop_call flushes; /* list head: links with bytes to write */
	struct loop_grave *graves;
	size_t ngraves, graves_cap;

	struct workpool *pool;
	unsigned int threads;
	size_t jobs_max;

	struct idtab links;
	struct loop_children children;
	uint8_t *scratch;

	void (*wake_fn)(void *ctx);
	void *wake_ctx;
	void (*signal_fn)(void *ctx, int signum);
	void *signal_ctx;
	void (*stall_fn)(void *ctx, int64_t took_us);
	void *stall_ctx;
	int64_t stall_us;

	struct loop_stats stats;
	uint64_t closed[CLOSE_REASON_COUNT];
};

void loop_enter(struct loop *l);
/*
 * Reads the clock and runs the wake hook though the turn has begun: the process
 * may have been stopped in the middle of it, for any time.
 */
void loop_look(struct loop *l);
/* Queues a call for the flush phase of this turn. */
void loop_flush_later(struct loop *l, struct loop_call *c);
/* errno-like libuv code -> our error with libuv's words. */
enum err loop_uv_err(struct err_info *ei, int uv_rc, const char *what);

#endif /* NET_LOOP_INT_H */
