/* SPDX-License-Identifier: MIT */
/*
 * pong: the connection lives.
 */
#include "mtproto/session_int.h"
#include "tl/cursor.h"

enum err session_recv_pong(struct session *s, const struct session_in *in,
			   struct err_info *ei)
{
	struct tl_reader r;
	uint64_t ping_id;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	(void)cursor_get_i64(&r); /* msg_id */
	ping_id = (uint64_t)cursor_get_i64(&r);
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "pong is malformed");
	if (s->ping_id == 0 || ping_id != s->ping_id)
		return ERR_OK; /* late, of a ping given up */
	s->ping_id = 0;
	s->refused = 0;
	session_emit(s, &(struct session_event){
				.type = SESSION_PONG,
				.value = mono_diff(in->now, s->ping_sent) });
	return ERR_OK;
}
