/* SPDX-License-Identifier: MIT */
/*
 * bad_msg_notification: the server refused a message of ours, and why.
 */
#include "mtproto/service.h"
#include "mtproto/session_int.h"
#include "tl/cursor.h"

struct refusal {
	uint64_t msg_id;
	uint32_t code;
};

/* Sent again, but not for ever. */
static void again(struct session *s, const struct session_in *in,
		  uint64_t msg_id)
{
	struct rpcq_item *item = NULL;

	if (rpcq_requeue(&s->queries, msg_id) == 0)
		session_ping_again(s, in->now); /* then it was a ping or acks */
	for (uint32_t i = s->queries.n; i-- > 0;) {
		/* The callback may change the queue under us. */
		if (i >= s->queries.n)
			continue;
		item = s->queries.items[i];
		if (!item->in_flight && item->tries >= SESSION_TRIES_MAX)
			session_fail(s, item, ERR_PROTO);
	}
}

static void act(struct session *s, const struct session_in *in,
		const struct refusal *r)
{
	switch (r->code) {
	case SERVICE_BAD_ID_HIGH:
		session_learn_time(s, in->now, in->msg_id);
		/* Ids must rise within a session; lower ones need a new one. */
		session_renew(s);
		break;
	case SERVICE_BAD_ID_LOW:
		session_learn_time(s, in->now, in->msg_id);
		again(s, in, r->msg_id);
		break;
	case SERVICE_BAD_SEQ_LOW:
	case SERVICE_BAD_SEQ_HIGH:
	case SERVICE_BAD_SEQ_NOT_EVEN:
	case SERVICE_BAD_SEQ_NOT_ODD:
		session_renew(s);
		break;
	case SERVICE_BAD_CONTAINER:
		s->no_containers = true;
		again(s, in, r->msg_id);
		break;
	default: /* 18, 19, 20, 48: a new msg_id, by the present salt */
		again(s, in, r->msg_id);
	}
}

enum err session_recv_bad_msg(struct session *s, const struct session_in *in,
			      struct err_info *ei)
{
	struct refusal refusal;
	struct tl_reader r;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	refusal.msg_id = (uint64_t)cursor_get_i64(&r);
	(void)cursor_get_i32(&r); /* seq_no */
	refusal.code = cursor_get_u32(&r);
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "bad_msg_notification is malformed");
	/* Not of this session, or of the time before it was begun anew. */
	if (refusal.msg_id > s->last_msg_id || refusal.msg_id % 4 != 0)
		return ERR_OK;
	act(s, in, &refusal);
	return session_refused(s, ei);
}
