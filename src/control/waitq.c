/* SPDX-License-Identifier: MIT */
#include "control/waitq.h"

#include <stdlib.h>

#include "control/control_int.h"

struct waitq_item {
	struct waitq *q; /* NULL: being answered */
	struct waitq_item *prev, *next;
	struct control *c;
	uint64_t req_id;
	waitq_fn answer;
	void *ctx;
	struct wheel_timer timer;
};

static void unlink_item(struct waitq_item *it)
{
	struct waitq *q = it->q;

	if (!q)
		return;
	if (it->prev)
		it->prev->next = it->next;
	else
		q->first = it->next;
	if (it->next)
		it->next->prev = it->prev;
	else
		q->last = it->prev;
	q->n--;
	it->q = NULL;
	loop_cancel(it->c->loop, &it->timer);
}

/* The request's end frees the waiter, however it came. */
static void on_close(void *ctx)
{
	struct waitq_item *it = ctx;

	unlink_item(it);
	free(it);
}

static void answer(struct waitq_item *it, bool woken)
{
	struct http_req *req = server_req(it->c->server, it->req_id);
	struct control *c = it->c;
	waitq_fn fn = it->answer;
	void *ctx = it->ctx;

	unlink_item(it);
	if (req)
		fn(c, req, ctx, woken);
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	answer(ctx, false);
}

enum err waitq_add(struct waitq *q, struct control *c, struct http_req *req,
		   int64_t wait_us, waitq_fn fn, void *ctx)
{
	struct waitq_item *it = calloc(1, sizeof(*it));

	if (!it)
		return ERR_NOMEM;
	if (q->n >= WAITQ_MAX)
		answer(q->first, false);
	it->q = q;
	it->c = c;
	it->req_id = http_req_id(req);
	it->answer = fn;
	it->ctx = ctx;
	it->prev = q->last;
	if (it->prev)
		it->prev->next = it;
	else
		q->first = it;
	q->last = it;
	q->n++;
	wheel_timer_init(&it->timer, on_timer, it);
	loop_arm(c->loop, &it->timer, wait_us);
	http_req_on_close(req, on_close, it);
	return ERR_OK;
}

void waitq_drop(struct waitq *q)
{
	while (q->first)
		unlink_item(q->first);
}

void waitq_wake(struct waitq *q)
{
	while (q->first)
		answer(q->first, true);
}
