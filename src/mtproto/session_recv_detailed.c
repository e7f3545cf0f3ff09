/* SPDX-License-Identifier: MIT */
/*
 * msg_detailed_info and msg_new_detailed_info: the server has an answer it does
 * not want to send twice.  Ask for it unless we have it or do not need it.
 */
#include "mtproto/service.h"
#include "mtproto/session_int.h"
#include "tl/cursor.h"

static enum err want(struct session *s, const struct session_in *in,
		     uint64_t answer_id, bool needed, struct err_info *ei)
{
	enum err rc;

	if (!needed || seenids_has(&s->seen, answer_id)) {
		session_ack(s, in->now, answer_id);
		return ERR_OK;
	}
	rc = session_reply_id(s, SERVICE_MSG_RESEND_REQ, true, answer_id);
	return rc ? err_set(ei, rc, "msg_resend_req") : ERR_OK;
}

enum err session_recv_detailed(struct session *s, const struct session_in *in,
			       struct err_info *ei)
{
	struct tl_reader r;
	uint64_t msg_id, answer_id;
	struct rpcq_item *item;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	msg_id = (uint64_t)cursor_get_i64(&r);
	answer_id = (uint64_t)cursor_get_i64(&r);
	(void)cursor_get_i32(&r); /* bytes */
	(void)cursor_get_i32(&r); /* status */
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "msg_detailed_info is malformed");
	item = rpcq_by_msg(&s->queries, msg_id);
	if (item && item->msg_id == msg_id)
		item->acked = true;
	return want(s, in, answer_id, item != NULL, ei);
}

enum err session_recv_new_detailed(struct session *s,
				   const struct session_in *in,
				   struct err_info *ei)
{
	struct tl_reader r;
	uint64_t answer_id;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	answer_id = (uint64_t)cursor_get_i64(&r);
	(void)cursor_get_i32(&r);
	(void)cursor_get_i32(&r);
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "msg_new_detailed_info is malformed");
	return want(s, in, answer_id, true, ei);
}
