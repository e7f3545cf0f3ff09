/* SPDX-License-Identifier: MIT */
/*
 * Requests that wait for something: long polls of nodes, ?wait= of jobs.
 *
 * answer() runs once, when woken or when the time is over, with the request; it
 * never runs for a client that went away.
 *
 *   owner     the thing waited for embeds the queue; a waiter lives as long as
 *             its request does
 *   memory    at most WAITQ_MAX waiters a queue; the oldest is answered early
 */
#ifndef CONTROL_WAITQ_H
#define CONTROL_WAITQ_H

#include "base/err.h"

#define WAITQ_MAX 64

struct control;
struct http_req;
struct waitq_item;

struct waitq {
	struct waitq_item *first, *last;
	size_t n;
};

/* woken: false when only the time is over. */
typedef void (*waitq_fn)(struct control *c, struct http_req *req, void *ctx,
			 bool woken);

/* ctx must live until answered, or in the request's arena. */
enum err waitq_add(struct waitq *q, struct control *c, struct http_req *req,
		   int64_t wait_us, waitq_fn fn, void *ctx);
void waitq_wake(struct waitq *q);
/* Nobody waits any more: who did is answered by somebody else. */
void waitq_drop(struct waitq *q);

#endif /* CONTROL_WAITQ_H */
