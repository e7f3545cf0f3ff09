/* SPDX-License-Identifier: MIT */
/*
 * msg_copy: a message under its original id, if we have not had it.
 */
#include "mtproto/session_int.h"
#include "tl/cursor.h"

enum err session_recv_copy(struct session *s, const struct session_in *in,
			   struct err_info *ei)
{
	struct session_in orig = *in;
	struct tl_reader r;
	uint32_t len;
	bool fresh;
	enum err rc;

	if (in->in_copy)
		return err_set(ei, ERR_PROTO, "msg_copy inside msg_copy");
	cursor_read(&r, in->body + 4, in->len - 4);
	orig.msg_id = (uint64_t)cursor_get_i64(&r);
	orig.seq_no = cursor_get_u32(&r);
	len = cursor_get_u32(&r);
	orig.body = cursor_get_raw(&r, len);
	orig.len = len;
	orig.in_copy = true;
	orig.in_container = true; /* a container is never copied */
	rc = cursor_finish(&r);
	if (rc || len < 4 || len % 4 != 0)
		return err_set(ei, ERR_PROTO, "msg_copy is malformed");
	rc = session_admit(s, &orig, &fresh, ei);
	if (rc || !fresh)
		return rc;
	return session_handle(s, &orig, ei);
}
