/* SPDX-License-Identifier: MIT */
/* Authorisation keys, the accounts they are signed in to, who is online. */
#include <stdlib.h>
#include <string.h>

#include "dc/dc_int.h"

struct dc_key *dc_key_get(const struct dc *dc, uint64_t id)
{
	return imap_get(&dc->keys, (int64_t)id);
}

static void copy_name(char *dst, const char *src)
{
	size_t len = src ? strnlen(src, DC_DEVICE_MAX) : 0;

	memcpy(dst, src ? src : "", len);
	dst[len] = '\0';
}

enum err dc_key_add(struct dc *dc, const struct dc_store_key *k,
		    struct dc_key **ret)
{
	struct dc_key *key;
	enum err rc;

	if (dc->keys.len >= DC_KEYS_MAX)
		return ERR_CAPACITY;
	key = calloc(1, sizeof(*key));
	if (!key)
		return ERR_NOMEM;
	rc = authkey_init(&key->auth, k->key);
	if (rc) {
		free(key);
		return rc;
	}
	key->dc_id = k->dc_id;
	key->state = (enum dc_key_state)k->state;
	key->user_id = k->user_id;
	key->salt = k->salt;
	key->created = k->created;
	key->active = k->created;
	key->layer = k->layer;
	key->api_id = k->api_id;
	copy_name(key->device, k->device);
	copy_name(key->app, k->app);
	rc = imap_put(&dc->keys, (int64_t)key->auth.id, key);
	if (rc) {
		authkey_deinit(&key->auth);
		free(key);
		return rc;
	}
	*ret = key;
	return ERR_OK;
}

void dc_key_save(struct dc *dc, const struct dc_key *k)
{
	struct dc_store_key row = {
		.id = (int64_t)k->auth.id,
		.dc_id = k->dc_id,
		.user_id = k->user_id,
		.state = (int)k->state,
		.layer = k->layer,
		.created = k->created,
		.salt = k->salt,
		.device = k->device,
		.app = k->app,
		.api_id = k->api_id,
	};

	if (k->expires_at || k->state == DC_KEY_DESTROYED)
		return; /* temporary: in memory only */
	memcpy(row.key, k->auth.secret.bytes, sizeof(row.key));
	dc_store_put_key(dc->store, &row);
	secret_wipe(row.key, sizeof(row.key));
}

void dc_key_free(struct dc *dc, struct dc_key *k)
{
	dc_pfs_forget(dc, k);
	while (k->sessions)
		dc_session_free(dc, k->sessions);
	imap_remove(&dc->keys, (int64_t)k->auth.id);
	authkey_deinit(&k->auth);
	dc_password_forget(k);
	free(k);
}

struct dc_account *dc_key_account(struct dc *dc, int64_t user_id)
{
	struct dc_account *a = imap_get(&dc->accounts, user_id);

	if (a)
		return a;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->user_id = user_id;
	if (imap_put(&dc->accounts, user_id, a)) {
		free(a);
		return NULL;
	}
	return a;
}

void dc_key_online(struct dc *dc, struct dc_sess *s, int64_t user_id)
{
	struct dc_account *a = dc_key_account(dc, user_id);

	if (!a || s->account == a)
		return;
	dc_key_offline(s);
	s->account = a;
	s->next_online = a->online;
	a->online = s;
}

void dc_key_offline(struct dc_sess *s)
{
	struct dc_sess **at;

	if (!s->account)
		return;
	for (at = &s->account->online; *at != s; at = &(*at)->next_online)
		;
	*at = s->next_online;
	s->next_online = NULL;
	s->account = NULL;
}

/* As when its owner ends the session elsewhere: told, and hung up on. */
void dc_key_revoke(struct dc *dc, struct dc_key *k)
{
	struct dyn *too_long = dyn_new(&dc->arena, TLN_updatesTooLong);
	struct dc_sess *s;

	if (k->user_id)
		dc_push_update(dc, k->user_id, too_long);
	k->state = DC_KEY_REVOKED;
	k->user_id = 0;
	k->main_link = 0;
	for (s = k->sessions; s; s = s->next) {
		dc_key_offline(s);
		if (s->conn)
			s->conn->closing = true;
		if (s->conn)
			dc_conn_touch(dc, s->conn);
	}
	dc_key_save(dc, k);
}

uint32_t dc_key_revoke_all(struct dc *dc, int64_t user_id)
{
	struct dc_key *k;
	uint32_t cursor = 0, n = 0;

	while ((k = imap_next(&dc->keys, &cursor))) {
		if (k->user_id != user_id)
			continue;
		dc_key_revoke(dc, k);
		n++;
	}
	return n;
}
