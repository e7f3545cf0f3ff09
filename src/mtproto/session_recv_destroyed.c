/* SPDX-License-Identifier: MIT */
/*
 * destroy_session_ok and _none: either way it is gone.
 * destroy_auth_key_ok, _none and _fail, when they do not come as an rpc_result.
 */
#include "mtproto/bytes.h"
#include "mtproto/service.h"
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

enum err session_recv_key_destroyed(struct session *s,
				    const struct session_in *in,
				    struct err_info *ei)
{
	struct session_event ev = { .type = SESSION_RESULT,
				    .msg_id = in->msg_id,
				    .data = in->body,
				    .len = in->len };

	if (in->len != 4)
		return err_set(ei, ERR_PROTO,
			       "destroy_auth_key answer is malformed");
	for (uint32_t i = 0; i < s->queries.n; i++) {
		struct rpcq_item *item = s->queries.items[i];

		if (!item->bare || !item->in_flight || item->len != 4 ||
		    bytes_get_u32(item->body) != SERVICE_DESTROY_AUTH_KEY)
			continue;
		ev.tag = item->tag;
		rpcq_remove(&s->queries, item);
		session_emit(s, &ev);
		break;
	}
	return ERR_OK;
}
