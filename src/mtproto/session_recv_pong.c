/* SPDX-License-Identifier: MIT */
/*
 * pong: the connection lives.  ping: the server wants to know the same.
 */
#include "mtproto/service.h"
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

enum err session_recv_ping(struct session *s, const struct session_in *in,
			   struct err_info *ei)
{
	struct tl_reader r;
	struct tl_writer w;
	struct buf body;
	int64_t ping_id;
	bool delayed;
	enum err rc;

	cursor_read(&r, in->body, in->len);
	delayed = cursor_get_u32(&r) == SERVICE_PING_DELAY_DISCONNECT;
	ping_id = cursor_get_i64(&r);
	if (delayed)
		(void)cursor_get_i32(&r); /* when it will hang up */
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "ping is malformed");
	buf_init(&body, 64);
	cursor_write(&w, &body);
	cursor_put_u32(&w, SERVICE_PONG);
	cursor_put_i64(&w, (int64_t)in->msg_id);
	cursor_put_i64(&w, ping_id);
	rc = w.rc;
	if (!rc)
		rc = session_reply(s, &body);
	buf_deinit(&body);
	return rc ? err_set(ei, rc, "pong") : ERR_OK;
}

/* Belongs to the HTTP transport; harmless here. */
enum err session_recv_http_wait(struct session *s, const struct session_in *in,
				struct err_info *ei)
{
	(void)s;
	if (in->len != 16)
		return err_set(ei, ERR_PROTO, "http_wait is malformed");
	return ERR_OK;
}
