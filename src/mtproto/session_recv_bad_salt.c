/* SPDX-License-Identifier: MIT */
/*
 * bad_server_salt: use this one, and send that again.
 */
#include "mtproto/session_int.h"
#include "tl/cursor.h"

enum err session_recv_bad_salt(struct session *s, const struct session_in *in,
			       struct err_info *ei)
{
	struct tl_reader r;
	uint64_t msg_id, salt;
	struct rpcq_item *item;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	msg_id = (uint64_t)cursor_get_i64(&r);
	(void)cursor_get_i32(&r); /* seq_no */
	(void)cursor_get_i32(&r); /* 48 */
	salt = (uint64_t)cursor_get_i64(&r);
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "bad_server_salt is malformed");
	s->nsalts = 0; /* what we thought we knew was wrong */
	session_set_salt(s, salt);
	item = rpcq_by_msg(&s->queries, msg_id);
	if (item && item->msg_id == msg_id && item->tries >= SESSION_TRIES_MAX)
		session_fail(s, item, ERR_PROTO);
	else
		(void)rpcq_requeue(&s->queries, msg_id);
	/* What else was in that packet is lost too; a ping replaces it. */
	session_ping_again(s, in->now);
	return session_refused(s, ei);
}
