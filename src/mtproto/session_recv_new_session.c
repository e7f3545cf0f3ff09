/* SPDX-License-Identifier: MIT */
/*
 * new_session_created: what we sent before first_msg_id is forgotten, and updates
 * may have been missed.
 */
#include "mtproto/session_int.h"
#include "tl/cursor.h"

/* Sent before the server's session began: it knows nothing of them. */
static void requeue_before(struct rpcq *q, uint64_t first_msg_id)
{
	for (uint32_t i = 0; i < q->n; i++) {
		struct rpcq_item *item = q->items[i];

		if (item->in_flight && item->msg_id < first_msg_id)
			rpcq_requeue_item(item);
	}
}

enum err session_recv_new_session(struct session *s,
				  const struct session_in *in,
				  struct err_info *ei)
{
	struct tl_reader r;
	uint64_t first_msg_id, salt;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	first_msg_id = (uint64_t)cursor_get_i64(&r);
	(void)cursor_get_i64(&r); /* unique_id */
	salt = (uint64_t)cursor_get_i64(&r);
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "new_session_created is malformed");
	session_init_again(s);
	requeue_before(&s->queries, first_msg_id);
	session_set_salt(s, salt);
	session_emit(s, &(struct session_event){ .type = SESSION_NEW_SESSION,
						 .msg_id = in->msg_id });
	return ERR_OK;
}
