/* SPDX-License-Identifier: MIT */
/*
 * Signing in by QR code (core.telegram.org/api/qr-login): one key asks for a
 * token, somebody signed in accepts it, the first one asks again and is in.  If
 * the accepting user lives in another DC, the token is imported there.
 */
#include <stdlib.h>
#include <string.h>

#include "dc/dc_int.h"

#define TOKEN_LEN 32
#define TTL_SEC 30
#define LOGINS_MAX 10000U

struct dc_login {
	int64_t id; /* the first bytes of the token */
	uint8_t token[TOKEN_LEN];
	uint64_t key_id; /* who asked */
	int32_t until;
	int64_t user_id; /* who accepted; 0 = nobody yet */
};

static int64_t id_of(const uint8_t *token)
{
	int64_t id;

	memcpy(&id, token, sizeof(id));
	return id;
}

static struct dc_login *by_token(const struct dc *dc, struct tl_bytes token)
{
	struct dc_login *l;

	if (token.len != TOKEN_LEN)
		return NULL;
	l = imap_get(&dc->logins, id_of(token.data));
	return l && secret_memeq(l->token, token.data, TOKEN_LEN) ? l : NULL;
}

static void drop(struct dc *dc, struct dc_login *l)
{
	free(imap_remove(&dc->logins, l->id));
}

/* Of this key; old ones go on the way. */
static struct dc_login *by_key(struct dc_call *call)
{
	struct dc_login *l, *found = NULL;
	uint32_t cursor = 0;

	while ((l = imap_next(&call->dc->logins, &cursor)))
		if (l->key_id == call->key->auth.id && l->until >= call->now)
			found = l;
	return found;
}

/* Removing moves what is behind the cursor: begin again each time. */
static void sweep(struct dc_call *call)
{
	struct dc_login *l;
	uint32_t cursor = 0;

	while ((l = imap_next(&call->dc->logins, &cursor))) {
		if (l->until >= call->now)
			continue;
		drop(call->dc, l);
		cursor = 0;
	}
}

static enum err make_login(struct dc_call *call, struct dc_login **ret)
{
	struct dc_login *l;
	enum err rc;

	sweep(call);
	if (call->dc->logins.len >= LOGINS_MAX)
		return dc_call_fail(call, 500, "AUTH_TOKEN_UNAVAILABLE");
	l = calloc(1, sizeof(*l));
	if (!l)
		return ERR_NOMEM;
	rnd_fill(rnd_system(), l->token, sizeof(l->token));
	l->id = id_of(l->token);
	l->key_id = call->key->auth.id;
	rc = imap_put(&call->dc->logins, l->id, l);
	if (rc) {
		free(l);
		return rc;
	}
	*ret = l;
	return ERR_OK;
}

/* The scan was allowed: this key becomes that user's. */
static enum err succeed(struct dc_call *call, struct dc_login *l)
{
	struct world_user *u = world_user(&call->dc->world, l->user_id);
	struct dyn *d;

	drop(call->dc, l);
	if (!u)
		return dc_call_fail(call, 400, "AUTH_TOKEN_INVALIDX");
	if (u->password)
		return dc_password_need(call, u);
	dc_auth_authorise(call, u);
	d = dyn_new(call->arena, TLN_auth_loginTokenSuccess);
	dyn_set_obj(d, TLF_authorization, call->result.obj);
	dc_call_obj(call, d);
	return ERR_OK;
}

static enum err accepted(struct dc_call *call, struct dc_login *l)
{
	const struct world_user *u = world_user(&call->dc->world, l->user_id);
	struct dyn *d;

	if (!u || !u->home_dc || u->home_dc == call->conn->node->id)
		return succeed(call, l);
	d = dyn_new(call->arena, TLN_auth_loginTokenMigrateTo);
	dyn_set_int(d, TLF_dc_id, u->home_dc);
	dyn_set_bytes(d, TLF_token, l->token, sizeof(l->token));
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_auth_export_login(struct dc_call *call, struct err_info *ei)
{
	struct dc_login *l = by_key(call);
	struct dyn *d;
	enum err rc = ERR_OK;

	(void)ei;
	if (dyn_int(call->fn, TLF_api_id, 0) <= 0 ||
	    !dyn_bytes(call->fn, TLF_api_hash).len)
		return dc_call_fail(call, 400, "API_ID_INVALID");
	if (l && l->user_id)
		return accepted(call, l);
	if (l)
		drop(call->dc, l); /* the older picture is worth nothing */
	rc = make_login(call, &l);
	if (rc)
		return rc;
	l->until = call->now + TTL_SEC;
	d = dyn_new(call->arena, TLN_auth_loginToken);
	dyn_set_int(d, TLF_expires, l->until);
	dyn_set_bytes(d, TLF_token, l->token, sizeof(l->token));
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_auth_import_login(struct dc_call *call, struct err_info *ei)
{
	struct dc_login *l = by_token(call->dc, dyn_bytes(call->fn, TLF_token));

	(void)ei;
	if (!l)
		return dc_call_fail(call, 400, "AUTH_TOKEN_INVALIDX");
	if (l->until < call->now) {
		drop(call->dc, l);
		return dc_call_fail(call, 400, "AUTH_TOKEN_EXPIRED");
	}
	if (!l->user_id)
		return dc_call_fail(call, 400, "AUTH_TOKEN_INVALIDX");
	return accepted(call, l);
}

/* To a key that belongs to nobody yet. */
static void tell(struct dc_call *call, struct dc_key *k)
{
	struct dc *dc = call->dc;
	struct dyn *u = dyn_new(call->arena, TLN_updateShort);
	struct dc_sess *s;

	dyn_set_obj(u, TLF_update, dyn_new(call->arena, TLN_updateLoginToken));
	dyn_set_int(u, TLF_date, call->now);
	for (s = k->sessions; s; s = s->next) {
		struct tl_writer w;

		if (!s->conn)
			continue;
		buf_reset(&dc->answer);
		cursor_write(&w, &dc->answer);
		if (!dyn_write(&w, schema_for_layer(k->layer), u, NULL) &&
		    !dc_session_push(dc, s, buf_head(&dc->answer),
				     buf_len(&dc->answer), true))
			dc->counters.updates++;
	}
}

enum err dc_auth_accept_login(struct dc_call *call, struct err_info *ei)
{
	struct dc_login *l = by_token(call->dc, dyn_bytes(call->fn, TLF_token));
	struct dc_key *k = l ? dc_key_get(call->dc, l->key_id) : NULL;

	(void)ei;
	if (!k)
		return dc_call_fail(call, 400, "AUTH_TOKEN_INVALIDX");
	if (l->until < call->now) {
		drop(call->dc, l);
		return dc_call_fail(call, 400, "AUTH_TOKEN_EXPIRED");
	}
	if (l->user_id)
		return dc_call_fail(call, 400, "AUTH_TOKEN_ALREADY_ACCEPTED");
	l->user_id = call->user->id;
	tell(call, k);
	dc_call_obj(call, dc_account_authorization(call, k));
	return ERR_OK;
}
