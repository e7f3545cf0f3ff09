/* SPDX-License-Identifier: MIT */
/*
 * msgs_ack: the server has these; no need to ask about them.
 */
#include "mtproto/session_int.h"
#include "tl/cursor.h"

enum err session_recv_acks(struct session *s, const struct session_in *in,
			   struct err_info *ei)
{
	struct tl_reader r;
	uint32_t n;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	n = cursor_get_vector(&r, 8);
	if (n > SESSION_ACKS_MAX)
		return err_set(ei, ERR_PROTO, "msgs_ack of %u ids", n);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t id = (uint64_t)cursor_get_i64(&r);
		struct rpcq_item *item = rpcq_by_msg(&s->queries, id);

		if (item && item->msg_id == id)
			item->acked = true;
	}
	rc = cursor_finish(&r);
	return rc ? err_set(ei, rc, "msgs_ack is malformed") : ERR_OK;
}
