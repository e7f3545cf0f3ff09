/* SPDX-License-Identifier: MIT */
/*
 * msg_resend_req: the server lost queries of ours.
 */
#include "mtproto/session_int.h"
#include "tl/cursor.h"

enum err session_recv_resend(struct session *s, const struct session_in *in,
			     struct err_info *ei)
{
	struct tl_reader r;
	uint32_t n;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	n = cursor_get_vector(&r, 8);
	if (n > SESSION_ACKS_MAX)
		return err_set(ei, ERR_PROTO, "msg_resend_req of %u ids", n);
	for (uint32_t i = 0; i < n; i++)
		(void)rpcq_requeue(&s->queries, (uint64_t)cursor_get_i64(&r));
	rc = cursor_finish(&r);
	return rc ? err_set(ei, rc, "msg_resend_req is malformed") : ERR_OK;
}
