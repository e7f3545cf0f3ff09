/* SPDX-License-Identifier: MIT */
/*
 * Queries a session has to get answered: waiting to be sent, or sent and waiting
 * for the result.  They survive reconnects; a query is kept, body and all, until
 * it is answered, cancelled or out of time.
 *
 *   owner     struct session; others use session_query() and events
 *   memory    one allocation a query (body included, wiped) and an array of
 *             pointers that goes away when the queue is empty; at most RPCQ_MAX
 *             queries and RPCQ_BYTES_MAX bytes of bodies
 */
#ifndef MTPROTO_RPCQ_H
#define MTPROTO_RPCQ_H

#include "base/clock.h"
#include "base/err.h"

#define RPCQ_MAX 1024U
#define RPCQ_BYTES_MAX (16U << 20)

struct rpcq_item {
	uint64_t tag; /* the caller's name for it */
	/* The latest id it was sent under, and the one before; 0 = none. */
	uint64_t msg_id, prev_msg_id;
	uint64_t container_id; /* of the latest sending; 0 = alone */
	uint64_t state_req_id; /* msgs_state_req that asked about it */
	struct mono deadline;
	struct mono sent_at;
	struct mono not_before; /* it is sent again; 0: at once */
	uint32_t state_index;
	uint16_t tries;
	bool in_flight; /* sent on this connection */
	bool acked;	/* the server has it */
	bool prefixed;	/* sent with the session's prefix */
	bool bare;	/* never with it: not a call of the API */
	uint32_t len;
	uint8_t body[];
};

struct rpcq {
	struct rpcq_item **items; /* in the order asked */
	uint32_t n, cap;
	size_t bytes;
};

void rpcq_init(struct rpcq *q);
void rpcq_deinit(struct rpcq *q);

/* ERR_CAPACITY when full; ERR_DUPLICATE if the tag is in use. */
enum err rpcq_add(struct rpcq *q, uint64_t tag, const void *body, size_t len,
		  struct mono deadline);
struct rpcq_item *rpcq_by_tag(const struct rpcq *q, uint64_t tag);
/* By the present or the previous msg_id. */
struct rpcq_item *rpcq_by_msg(const struct rpcq *q, uint64_t msg_id);
/* Frees the item. */
void rpcq_remove(struct rpcq *q, struct rpcq_item *item);
/* The first that is due to be sent, or NULL. */
struct rpcq_item *rpcq_unsent(const struct rpcq *q, struct mono now);
/* Everything in flight is to be sent again. */
void rpcq_requeue_all(struct rpcq *q);
/* ... in another session, whose ids may be those of this one. */
void rpcq_restart(struct rpcq *q);
/* To be sent again: sent as msg_id, or in the container msg_id. */
size_t rpcq_requeue(struct rpcq *q, uint64_t msg_id);
void rpcq_requeue_item(struct rpcq_item *item);
/* The first whose deadline has come, or NULL. */
struct rpcq_item *rpcq_expired(const struct rpcq *q, struct mono now);
/* The earliest deadline; MONO_NEVER if none. */
struct mono rpcq_deadline(const struct rpcq *q);
/* When the first of those that wait for it is to be sent again. */
struct mono rpcq_again(const struct rpcq *q);

#endif /* MTPROTO_RPCQ_H */
