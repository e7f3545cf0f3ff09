/* SPDX-License-Identifier: MIT */
/* account.*, users.*, contacts.* */
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"

/* ---- account */

enum err dc_account_status(struct dc_call *call, struct err_info *ei)
{
	(void)ei;
	dc_call_bool(call, true);
	return ERR_OK;
}

struct dyn *dc_account_authorization(struct dc_call *call,
				     const struct dc_key *k)
{
	struct dyn *d = dyn_new(call->arena, TLN_authorization);

	if (k == call->key)
		dyn_set_bool(d, TLF_current, true);
	dyn_set_int(d, TLF_hash, k == call->key ? 0 : (int64_t)k->auth.id);
	dyn_set_str(d, TLF_device_model, k->device);
	dyn_set_str(d, TLF_app_version, k->app);
	dyn_set_int(d, TLF_api_id, k->api_id);
	dyn_set_int(d, TLF_date_created, k->created);
	dyn_set_int(d, TLF_date_active, k->active);
	dyn_set_str(d, TLF_ip, "127.0.0.1");
	return d;
}

enum err dc_account_authorizations(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_account_authorizations);
	struct dyn_vec *v = dyn_add_vec(d, TLF_authorizations);
	const struct dc_key *k;
	uint32_t cursor = 0;

	(void)ei;
	dyn_set_int(d, TLF_authorization_ttl_days, 180);
	while ((k = imap_next(&call->dc->keys, &cursor))) {
		if (k->user_id == call->user->id)
			dyn_push_obj(v, dc_account_authorization(call, k));
	}
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_account_reset(struct dc_call *call, struct err_info *ei)
{
	uint64_t hash = (uint64_t)dyn_int(call->fn, TLF_hash, 0);
	struct dc_key *k = hash ? dc_key_get(call->dc, hash) : NULL;

	(void)ei;
	if (!k || k == call->key || k->user_id != call->user->id)
		return dc_call_fail(call, 400, "HASH_INVALID");
	dc_key_revoke(call->dc, k);
	dc_call_bool(call, true);
	return ERR_OK;
}

/* Every session but the caller's. */
enum err dc_account_reset_all(struct dc_call *call, struct err_info *ei)
{
	struct dc_key *k;
	uint32_t cursor = 0;

	(void)ei;
	while ((k = imap_next(&call->dc->keys, &cursor))) {
		if (k != call->key && k->user_id == call->user->id)
			dc_key_revoke(call->dc, k);
	}
	dc_call_bool(call, true);
	return ERR_OK;
}

static bool good_username(const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < len; i++) {
		char c = name[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    c != '_' && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return len >= 4 && len <= WORLD_USERNAME_MAX;
}

static void answer_self(struct dc_call *call)
{
	dc_call_obj(call, dc_objects_user(call->arena, &call->dc->world,
					  call->user->id, call->user));
}

enum err dc_users_username(struct dc_call *call, struct err_info *ei)
{
	const char *name = dyn_str(call->fn, TLF_username);
	enum err rc;

	(void)ei;
	if (!name)
		return ERR_NOMEM;
	if (*name && !good_username(name))
		return dc_call_fail(call, 400, "USERNAME_INVALID");
	if (!strcmp(name, call->user->username))
		return dc_call_fail(call, 400, "USERNAME_NOT_MODIFIED");
	rc = world_user_rename(&call->dc->world, call->user, name);
	if (rc == ERR_DUPLICATE)
		return dc_call_fail(call, 400, "USERNAME_OCCUPIED");
	if (!rc)
		answer_self(call);
	return rc;
}

enum err dc_users_check_username(struct dc_call *call, struct err_info *ei)
{
	const char *name = dyn_str(call->fn, TLF_username);
	const struct world *w = &call->dc->world;

	(void)ei;
	if (!name)
		return ERR_NOMEM;
	if (!good_username(name))
		return dc_call_fail(call, 400, "USERNAME_INVALID");
	dc_call_bool(call, !world_user_by_name(w, name) &&
				   !world_channel_by_name(w, name));
	return ERR_OK;
}

enum err dc_users_profile(struct dc_call *call, struct err_info *ei)
{
	const char *first = dyn_str(call->fn, TLF_first_name);
	const char *last = dyn_str(call->fn, TLF_last_name);
	struct world_user *u = call->user;

	(void)ei;
	if (!first || !last)
		return ERR_NOMEM;
	if (strlen(first) > WORLD_NAME_MAX || strlen(last) > WORLD_NAME_MAX ||
	    (dyn_has(call->fn, TLF_first_name) && !*first))
		return dc_call_fail(call, 400, "FIRSTNAME_INVALID");
	if ((dyn_has(call->fn, TLF_first_name) &&
	     !text_copy(u->first, sizeof(u->first), first)) ||
	    (dyn_has(call->fn, TLF_last_name) &&
	     !text_copy(u->last, sizeof(u->last), last)))
		return ERR_INVALID;
	world_user_changed(&call->dc->world, u);
	answer_self(call);
	return ERR_OK;
}

/* ---- users */

enum err dc_users_get(struct dc_call *call, struct err_info *ei)
{
	const struct dyn_vec *ids = dyn_vec(call->fn, TLF_id);
	struct dyn_vec *out = dyn_vec_new(call->arena);
	struct world_user *u;
	uint32_t i;

	(void)ei;
	if (!out)
		return ERR_NOMEM;
	for (i = 0; i < dyn_len(ids); i++) {
		/* Who cannot be named is left out, as Telegram does. */
		if (dc_peers_user(call, dyn_item(ids, i), &u))
			continue;
		dyn_push_obj(out, dc_objects_user(call->arena, &call->dc->world,
						  call->user->id, u));
	}
	call->result = (struct dyn_val){ .kind = DYN_VEC, .vec = out };
	return ERR_OK;
}

enum err dc_users_full(struct dc_call *call, struct err_info *ei)
{
	struct dyn *full = dyn_new(call->arena, TLN_userFull);
	struct dyn *d = dyn_new(call->arena, TLN_users_userFull);
	struct dc_refs refs;
	struct world_user *u;
	enum err rc;

	(void)ei;
	rc = dc_peers_user(call, dyn_obj(call->fn, TLF_id), &u);
	if (rc)
		return rc;
	dyn_set_int(full, TLF_id, u->id);
	dyn_set_obj(full, TLF_settings, dyn_new(call->arena, TLN_peerSettings));
	dyn_set_obj(full, TLF_notify_settings,
		    dyn_new(call->arena, TLN_peerNotifySettings));
	if (*u->bot_token)
		dyn_set_obj(full, TLF_bot_info, dc_bots_info(call->arena, u));
	dyn_set_obj(d, TLF_full_user, full);
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	dc_refs_peer(&refs, u->id);
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
	return ERR_OK;
}

/* ---- contacts */

enum err dc_contacts_get(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_contacts_contacts);

	(void)ei;
	dyn_add_vec(d, TLF_contacts);
	dyn_add_vec(d, TLF_users);
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_contacts_resolve(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_contacts_resolvedPeer);
	const char *name = dyn_str(call->fn, TLF_username);
	const struct world_channel *c;
	const struct world_user *u;
	int64_t peer;
	struct dc_refs refs;

	(void)ei;
	if (!name)
		return ERR_NOMEM;
	if (!*name)
		return dc_call_fail(call, 400, "USERNAME_INVALID");
	u = world_user_by_name(&call->dc->world, name);
	c = world_channel_by_name(&call->dc->world, name);
	if (!u && !c)
		return dc_call_fail(call, 400, "USERNAME_NOT_OCCUPIED");
	peer = u ? u->id : c->box.peer;
	dyn_set_obj(d, TLF_peer, dc_objects_peer(call->arena, peer));
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	dc_refs_peer(&refs, peer);
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
	return ERR_OK;
}
