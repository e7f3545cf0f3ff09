/* SPDX-License-Identifier: MIT */
/*
 * rpc_result: the answer to a query, or its error.
 */
#include <string.h>

#include "mtproto/bytes.h"
#include "mtproto/gzip.h"
#include "mtproto/service.h"
#include "mtproto/session_int.h"
#include "tl/cursor.h"

static bool forbidden(uint32_t constructor)
{
	return constructor == SERVICE_MSG_CONTAINER ||
	       constructor == SERVICE_RPC_RESULT ||
	       constructor == SERVICE_MSG_COPY ||
	       constructor == SERVICE_GZIP_PACKED;
}

/* The server has forgotten initConnection: say it again, with the query. */
static bool wants_init(const struct session *s, const struct rpcq_item *item,
		       struct tl_bytes name)
{
	static const char not_inited[] = "CONNECTION_NOT_INITED";

	return s->prefix_len > 0 && !item->prefixed && !item->bare &&
	       item->tries < SESSION_TRIES_MAX &&
	       name.len == sizeof(not_inited) - 1 &&
	       memcmp(name.data, not_inited, name.len) == 0;
}

/* Trouble of the server's that passes: the caller says whether to try again. */
static bool may_again(const struct session *s, struct rpcq_item *item,
		      const struct session_event *ev)
{
	return s->again && item->tag != SESSION_BIND_TAG &&
	       s->again(s->ctx, ev, &item->not_before);
}

static enum err rpc_error(struct session *s, const struct session_in *in,
			  struct rpcq_item *item, struct tl_bytes obj,
			  struct err_info *ei)
{
	struct session_event ev = { .type = SESSION_RPC_ERROR,
				    .msg_id = in->msg_id,
				    .tag = item->tag };
	struct tl_reader r;
	struct tl_bytes name;
	enum err rc;

	cursor_read(&r, obj.data + 4, obj.len - 4);
	ev.code = cursor_get_i32(&r);
	name = cursor_get_bytes(&r);
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "rpc_error is malformed");
	if (wants_init(s, item, name)) {
		session_init_again(s);
		rpcq_requeue_item(item);
		return ERR_OK;
	}
	ev.data = name.data;
	ev.len = name.len;
	if (may_again(s, item, &ev)) {
		rpcq_requeue_item(item);
		return ERR_OK;
	}
	rpcq_remove(&s->queries, item);
	session_emit(s, &ev);
	return ERR_OK;
}

static enum err deliver(struct session *s, const struct session_in *in,
			struct rpcq_item *item, struct tl_bytes obj,
			struct err_info *ei)
{
	struct session_event ev = { .type = SESSION_RESULT,
				    .msg_id = in->msg_id,
				    .tag = item->tag,
				    .data = obj.data,
				    .len = obj.len };
	uint32_t constructor;

	if (!obj.data || obj.len < 4 || obj.len % 4 != 0)
		return err_set(ei, ERR_PROTO, "rpc_result of %zu bytes",
			       obj.len);
	constructor = bytes_get_u32(obj.data);
	if (forbidden(constructor))
		return err_set(ei, ERR_PROTO, "rpc_result holding %08x",
			       constructor);
	if (constructor == SERVICE_RPC_ERROR)
		return rpc_error(s, in, item, obj, ei);
	if (item->prefixed)
		s->init_done = true;
	rpcq_remove(&s->queries, item);
	session_emit(s, &ev);
	return ERR_OK;
}

static enum err deliver_packed(struct session *s, const struct session_in *in,
			       struct rpcq_item *item, struct tl_bytes obj,
			       struct err_info *ei)
{
	struct buf plain;
	enum err rc;

	if (in->in_gzip)
		return err_set(ei, ERR_PROTO, "gzip_packed inside gzip_packed");
	buf_init(&plain, GZIP_UNPACKED_MAX);
	rc = gzip_unpack(obj.data, obj.len, &plain, ei);
	if (!rc)
		rc = deliver(
			s, in, item,
			(struct tl_bytes){ buf_head(&plain), buf_len(&plain) },
			ei);
	buf_deinit(&plain);
	return rc;
}

enum err session_recv_result(struct session *s, const struct session_in *in,
			     struct err_info *ei)
{
	struct tl_bytes obj = { in->body + 12, in->len - 12 };
	struct rpcq_item *item;
	enum err rc;

	if (in->len < 16)
		return err_set(ei, ERR_PROTO, "rpc_result without a body");
	item = rpcq_by_msg(&s->queries, bytes_get_u64(in->body + 4));
	if (!item)
		return ERR_OK; /* cancelled, or answered before */
	s->refused = 0;
	if (bytes_get_u32(obj.data) == SERVICE_GZIP_PACKED)
		rc = deliver_packed(s, in, item, obj, ei);
	else
		rc = deliver(s, in, item, obj, ei);
	return rc;
}
