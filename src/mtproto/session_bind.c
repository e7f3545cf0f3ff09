/* SPDX-License-Identifier: MIT */
/*
 * Binding of a temporary key.  The request is a query of its own kind: made anew
 * for each sending, as it must name the msg_id it travels under.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "mtproto/bytes.h"
#include "mtproto/service.h"
#include "mtproto/session_int.h"
#include "mtproto/tempbind.h"

#define BOOL_TRUE 0x997275b5U

struct session_bind {
	struct authkey perm;
	uint64_t nonce;
	int32_t expires_at;
};

static void forget(struct session *s)
{
	if (!s->bind)
		return;
	authkey_deinit(&s->bind->perm);
	free(s->bind);
	s->bind = NULL;
}

void session_bind_drop(struct session *s)
{
	struct rpcq_item *item = rpcq_by_tag(&s->queries, SESSION_BIND_TAG);

	forget(s);
	if (item)
		rpcq_remove(&s->queries, item);
}

static enum err queue(struct session *s, struct mono deadline)
{
	static const uint8_t room[TEMPBIND_REQUEST_LEN];
	enum err rc;

	rc = rpcq_add(&s->queries, SESSION_BIND_TAG, room, sizeof(room),
		      deadline);
	if (!rc)
		rpcq_by_tag(&s->queries, SESSION_BIND_TAG)->bare = true;
	return rc;
}

enum err session_set_bind(struct session *s, const struct authkey *perm,
			  int32_t expires_at, struct err_info *ei)
{
	struct session_bind *b;
	enum err rc;

	BUG_ON(!authkey_present(perm) || !authkey_present(&s->key));
	session_bind_drop(s);
	b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(ei, ERR_NOMEM, "bind a temporary key");
	rc = authkey_init(&b->perm, perm->secret.bytes);
	if (!rc)
		rc = queue(s, MONO_NEVER);
	b->nonce = rnd_u64(s->rnd);
	b->expires_at = expires_at;
	s->bind = b;
	if (rc) {
		forget(s);
		return err_set(ei, rc, "bind a temporary key");
	}
	return ERR_OK;
}

enum err session_bind_refresh(struct session *s, struct rpcq_item *item,
			      uint64_t msg_id)
{
	const struct tempbind b = {
		.nonce = s->bind->nonce,
		.temp_key_id = s->key.id,
		.perm_key_id = s->bind->perm.id,
		.session_id = s->session_id,
		.msg_id = msg_id,
		.expires_at = s->bind->expires_at,
	};
	struct buf out;
	enum err rc;

	buf_init(&out, TEMPBIND_REQUEST_LEN);
	rc = tempbind_make(&b, &s->bind->perm, s->rnd, &out, NULL);
	BUG_ON(!rc && buf_len(&out) != item->len);
	if (!rc)
		memcpy(item->body, buf_head(&out), item->len);
	buf_deinit(&out);
	return rc;
}

void session_bind_ended(struct session *s, const struct session_event *ev)
{
	struct session_event told = *ev;

	forget(s);
	told.type = SESSION_BOUND;
	told.tag = 0;
	if (ev->type == SESSION_RPC_ERROR)
		told.rc = ERR_RPC;
	else if (ev->type == SESSION_RESULT)
		told.rc = ev->len == 4 && bytes_get_u32(ev->data) == BOOL_TRUE
				  ? ERR_OK
				  : ERR_PROTO;
	session_emit(s, &told);
}

struct rpcq_item *session_unsent(const struct session *s, struct mono now)
{
	struct rpcq_item *item;

	if (!s->bind)
		return rpcq_unsent(&s->queries, now);
	item = rpcq_by_tag(&s->queries, SESSION_BIND_TAG);
	return item && !item->in_flight ? item : NULL;
}

enum err session_destroy_key(struct session *s, uint64_t tag,
			     struct mono deadline, struct err_info *ei)
{
	uint8_t body[4];
	enum err rc;

	bytes_put_u32(body, SERVICE_DESTROY_AUTH_KEY);
	rc = session_query(s, tag, body, sizeof(body), deadline, ei);
	if (!rc)
		rpcq_by_tag(&s->queries, tag)->bare = true;
	return rc;
}
