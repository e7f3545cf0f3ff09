/* SPDX-License-Identifier: MIT */
/*
 * The event loop: libuv inside, one turn at a time, one thread.
 *
 * A turn is:
 *
 *	read the clock once      loop_now() is this until the next read
 *	run due timers           one wheel, driven by one uv timer
 *	poll                     sleeps here, and only here
 *	read the clock, wake hook
 *	I/O callbacks            links, listeners, fds, children, signals
 *	workpool results         done() of finished jobs
 *	deferred calls           loop_defer(), until none is left
 *	flush                    writes gathered during the turn
 *	graveyard                loop_bury(): memory dies here and only here
 *
 * Nothing else runs code.  The wake hook runs once after every poll, before any
 * byte that was read is given to anybody and before any timer: a worker that
 * was stopped (SIGSTOP, sleep of the machine) looks at its leases there, and a
 * link it closes in the hook delivers nothing more.
 *
 *   owner     the program's main(); everything else holds `struct loop *`
 *   memory    one 64 KiB receive scratch for all links
 *   threads   its own only; loop_submit() jobs run elsewhere, loop_wake() may be
 *             called from any thread and from signal handlers
 *   failure   creating reports; running does not fail
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/clock.h"
#include "base/err.h"
#include "base/wheel.h"
#include "base/workpool.h"

struct loop;

struct loop_options {
	const struct clock *clock; /* NULL: clock_system() */
	unsigned int threads;	   /* of the work pool; 0: 2 */
	size_t jobs_max;	   /* waiting jobs; 0: 4096 */
	uint32_t links_max;	   /* 0: 65536 */
};

/* o may be NULL: all defaults.  The process may open as many files as its hard
 * limit says from then on. */
enum err loop_new(struct loop **ret, const struct loop_options *o,
		  struct err_info *ei);
/* Closes what is still open (links get on_close SHUTDOWN) and runs the last
 * graveyard.  Accepts NULL.  Not from inside a callback. */
void loop_free(struct loop *l);

/* Turns until loop_stop(). */
void loop_run(struct loop *l);
/* One turn that sleeps at most max_wait_us (0: not at all): tests, CLI. */
void loop_turn(struct loop *l, int64_t max_wait_us);
/* The current turn is the last; from the loop's thread. */
void loop_stop(struct loop *l);

/* When the earliest timer is due: for simulations, which move the clock. */
struct mono loop_due(const struct loop *l);

struct mono loop_now(const struct loop *l);
struct wall loop_wall(const struct loop *l);
const struct clock *loop_clock(const struct loop *l);

/* Timers are initialised with wheel_timer_init(). */
void loop_arm(struct loop *l, struct wheel_timer *t, int64_t delay_us);
void loop_arm_at(struct loop *l, struct wheel_timer *t, struct mono due);
void loop_cancel(struct loop *l, struct wheel_timer *t);

/* Embedded; queued once however often it is deferred before it runs. */
struct loop_call {
	void (*fn)(void *ctx);
	void *ctx;
	struct loop_call *prev, *next; /* the loop's; NULL: not queued */
};
/* Runs c->fn(c->ctx) later in this turn (or this one, when called from there). */
void loop_defer(struct loop *l, struct loop_call *c);
void loop_undefer(struct loop *l, struct loop_call *c);

/* free_fn(ptr) at the end of the turn; free_fn NULL means free(). */
void loop_bury(struct loop *l, void *ptr, void (*free_fn)(void *ptr));

/* One hook; see above.  fn NULL removes it. */
void loop_on_wake(struct loop *l, void (*fn)(void *ctx), void *ctx);
/* Called on the loop after SIGINT, SIGTERM or SIGHUP. */
enum err loop_on_signal(struct loop *l, void (*fn)(void *ctx, int signum),
			void *ctx, struct err_info *ei);
/* Called after a turn whose work took longer than limit_us (0: 250 ms). */
void loop_on_stall(struct loop *l, int64_t limit_us,
		   void (*fn)(void *ctx, int64_t took_us), void *ctx);

/* ERR_UNAVAILABLE when the queue is full; the job stays the caller's then. */
enum err loop_submit(struct loop *l, struct workpool_job *job);
/* Any thread: ends the sleep of the present poll. */
void loop_wake(struct loop *l);

struct loop_stats {
	uint64_t turns, stalls;
	uint64_t links_opened, links_closed;
	uint32_t links;
	uint64_t bytes_in, bytes_out;
	size_t timers;
};
void loop_get_stats(const struct loop *l, struct loop_stats *ret);
/* How many links ended for `reason` (an enum close_reason). */
uint64_t loop_closed_count(const struct loop *l, unsigned int reason);

/* A foreign file descriptor (libcurl's); never closed by us. */
struct loop_fd;
enum {
	LOOP_FD_READ = 1,
	LOOP_FD_WRITE = 2,
	LOOP_FD_ERROR = 4, /* only reported */
};
typedef void (*loop_fd_fn)(void *ctx, int fd, unsigned int events);
enum err loop_fd_new(struct loop *l, int fd, loop_fd_fn fn, void *ctx,
		     struct loop_fd **ret, struct err_info *ei);
enum err loop_fd_set(struct loop_fd *f, unsigned int events);
void loop_fd_free(struct loop_fd *f);

/* The linked library's own word for its version. */
const char *loop_library_version(void);

#endif /* NET_LOOP_H */
