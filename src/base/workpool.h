/* SPDX-License-Identifier: MIT */
/*
 * Threads for work that would stall a loop: modular powers, argon2, prime tests.
 *
 * A job is copied data and two functions: run() on a pool thread, done() on the
 * thread that calls workpool_drain() -- the loop, woken through `wake`.  Jobs
 * never touch objects of the loop; done() re-resolves its id.
 *
 *   owner     the program; the job belongs to the pool from submit to done()
 *   limits    `queue_max` jobs waiting; ERR_UNAVAILABLE above
 */
#ifndef BASE_WORKPOOL_H
#define BASE_WORKPOOL_H

#include "base/err.h"

struct workpool;

struct workpool_job {
	void (*run)(struct workpool_job *job);	/* pool thread */
	void (*done)(struct workpool_job *job); /* loop; frees the job */
	struct workpool_job *next;		/* the pool's */
};

/* wake(ctx) is called from pool threads when something is ready to drain. */
enum err workpool_new(struct workpool **ret, unsigned int threads,
		      size_t queue_max, void (*wake)(void *ctx), void *ctx,
		      struct err_info *ei);
/* Waits for running jobs; done() of everything submitted runs before it ends. */
void workpool_free(struct workpool *p);
enum err workpool_submit(struct workpool *p, struct workpool_job *job);
/* Runs done() of finished jobs; returns how many. */
size_t workpool_drain(struct workpool *p);

#endif /* BASE_WORKPOOL_H */
