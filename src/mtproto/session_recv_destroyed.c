/* SPDX-License-Identifier: MIT */
/*
 * destroy_session_ok and _none: either way it is gone.
 */
#include "mtproto/session_int.h"
#include "tl/cursor.h"

enum err session_recv_destroyed(struct session *s, const struct session_in *in,
				struct err_info *ei)
{
	struct tl_reader r;
	uint64_t id;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	id = (uint64_t)cursor_get_i64(&r);
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "destroy_session answer is malformed");
	if (id == s->old_session_id)
		s->old_session_id = 0;
	return ERR_OK;
}
