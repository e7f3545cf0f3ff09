/* SPDX-License-Identifier: MIT */
#include "mtproto/rpcq.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/secret.h"

void rpcq_init(struct rpcq *q)
{
	*q = (struct rpcq){ 0 };
}

/* A query may hold a code, a bot's token or somebody's words. */
static void item_free(struct rpcq_item *item)
{
	secret_wipe(item->body, item->len);
	free(item);
}

void rpcq_deinit(struct rpcq *q)
{
	for (uint32_t i = 0; i < q->n; i++)
		item_free(q->items[i]);
	free(q->items);
	rpcq_init(q);
}

static enum err grow(struct rpcq *q)
{
	uint32_t cap = q->cap ? q->cap * 2 : 4;
	struct rpcq_item **items;

	if (q->n < q->cap)
		return ERR_OK;
	items = realloc(q->items, cap * sizeof(struct rpcq_item *));
	if (!items)
		return ERR_NOMEM;
	q->items = items;
	q->cap = cap;
	return ERR_OK;
}

enum err rpcq_add(struct rpcq *q, uint64_t tag, const void *body, size_t len,
		  struct mono deadline)
{
	struct rpcq_item *item;
	enum err rc;

	BUG_ON(tag == 0);
	if (rpcq_by_tag(q, tag))
		return ERR_DUPLICATE;
	if (q->n >= RPCQ_MAX || len > RPCQ_BYTES_MAX - q->bytes)
		return ERR_CAPACITY;
	rc = grow(q);
	if (rc)
		return rc;
	item = calloc(1, sizeof(*item) + len);
	if (!item)
		return ERR_NOMEM;
	item->tag = tag;
	item->deadline = deadline;
	item->len = (uint32_t)len;
	memcpy(item->body, body, len);
	q->items[q->n++] = item;
	q->bytes += len;
	return ERR_OK;
}

struct rpcq_item *rpcq_by_tag(const struct rpcq *q, uint64_t tag)
{
	for (uint32_t i = 0; i < q->n; i++)
		if (q->items[i]->tag == tag)
			return q->items[i];
	return NULL;
}

struct rpcq_item *rpcq_by_msg(const struct rpcq *q, uint64_t msg_id)
{
	for (uint32_t i = 0; i < q->n; i++) {
		struct rpcq_item *item = q->items[i];

		if (msg_id != 0 &&
		    (item->msg_id == msg_id || item->prev_msg_id == msg_id))
			return item;
	}
	return NULL;
}

void rpcq_remove(struct rpcq *q, struct rpcq_item *item)
{
	uint32_t at = 0;

	while (at < q->n && q->items[at] != item)
		at++;
	BUG_ON(at == q->n);
	q->n--;
	q->bytes -= item->len;
	memmove(q->items + at, q->items + at + 1,
		(q->n - at) * sizeof(struct rpcq_item *));
	item_free(item);
	if (q->n == 0) {
		free(q->items);
		q->items = NULL;
		q->cap = 0;
	}
}

struct rpcq_item *rpcq_unsent(const struct rpcq *q, struct mono now)
{
	for (uint32_t i = 0; i < q->n; i++)
		if (!q->items[i]->in_flight &&
		    !mono_before(now, q->items[i]->not_before))
			return q->items[i];
	return NULL;
}

void rpcq_requeue_item(struct rpcq_item *item)
{
	item->in_flight = false;
	item->acked = false;
	item->state_req_id = 0;
	item->container_id = 0;
}

void rpcq_requeue_all(struct rpcq *q)
{
	for (uint32_t i = 0; i < q->n; i++)
		rpcq_requeue_item(q->items[i]);
}

void rpcq_restart(struct rpcq *q)
{
	rpcq_requeue_all(q);
	for (uint32_t i = 0; i < q->n; i++)
		q->items[i]->msg_id = q->items[i]->prev_msg_id = 0;
}

size_t rpcq_requeue(struct rpcq *q, uint64_t msg_id)
{
	size_t n = 0;

	for (uint32_t i = 0; i < q->n; i++) {
		struct rpcq_item *item = q->items[i];

		if (!item->in_flight || msg_id == 0 ||
		    (item->msg_id != msg_id && item->container_id != msg_id))
			continue;
		rpcq_requeue_item(item);
		n++;
	}
	return n;
}

struct rpcq_item *rpcq_expired(const struct rpcq *q, struct mono now)
{
	for (uint32_t i = 0; i < q->n; i++)
		if (q->items[i]->deadline.us <= now.us)
			return q->items[i];
	return NULL;
}

struct mono rpcq_deadline(const struct rpcq *q)
{
	struct mono min = MONO_NEVER;

	for (uint32_t i = 0; i < q->n; i++)
		min = mono_min(min, q->items[i]->deadline);
	return min;
}

struct mono rpcq_again(const struct rpcq *q)
{
	struct mono min = MONO_NEVER;

	for (uint32_t i = 0; i < q->n; i++)
		if (!q->items[i]->in_flight && q->items[i]->not_before.us)
			min = mono_min(min, q->items[i]->not_before);
	return min;
}
