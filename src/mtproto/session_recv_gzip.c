/* SPDX-License-Identifier: MIT */
/*
 * gzip_packed around a whole message.
 */
#include "mtproto/gzip.h"
#include "mtproto/session_int.h"

enum err session_recv_gzip(struct session *s, const struct session_in *in,
			   struct err_info *ei)
{
	struct session_in inner = *in;
	struct buf plain;
	enum err rc;

	if (in->in_gzip)
		return err_set(ei, ERR_PROTO, "gzip_packed inside gzip_packed");
	buf_init(&plain, GZIP_UNPACKED_MAX);
	rc = gzip_unpack(in->body, in->len, &plain, ei);
	if (!rc && (buf_len(&plain) < 4 || buf_len(&plain) % 4 != 0))
		rc = err_set(ei, ERR_PROTO, "gzip_packed holds no object");
	if (!rc) {
		inner.body = buf_head(&plain);
		inner.len = buf_len(&plain);
		inner.in_gzip = true;
		rc = session_handle(s, &inner, ei);
	}
	buf_deinit(&plain);
	return rc;
}
