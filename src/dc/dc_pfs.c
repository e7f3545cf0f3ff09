/* SPDX-License-Identifier: MIT */
/*
 * Temporary keys: made by p_q_inner_data_temp(_dc), of no use until
 * auth.bindTempAuthKey says for which permanent key they stand, and then as good
 * as that one until they expire.  https://core.telegram.org/api/pfs
 *
 * They are kept in memory only: after a restart the client is told -404 and makes
 * another.  A permanent key may have several at a time: clients open connections
 * for files beside the main one, each with a key of its own.
 *
 * Keys that their client gives up are here too.
 */
#include <string.h>

#include "dc/dc_int.h"
#include "mtproto/service.h"
#include "mtproto/tempbind.h"

#define TEMPS_PER_KEY 16U
#define EXPIRES_SLACK_SEC 300 /* clients count from other moments than we */

struct dc_key *dc_pfs_owner(struct dc_key *k)
{
	return k->perm ? k->perm : k;
}

/* Sessions that speak under it go: nobody else has its key. */
static void unbind(struct dc *dc, struct dc_key *temp)
{
	struct dc_sess *s, *next;

	if (!temp->perm)
		return;
	for (s = temp->perm->sessions; s; s = next) {
		next = s->next;
		if (s->crypt != temp)
			continue;
		if (s->conn) {
			s->conn->closing = true;
			dc_conn_touch(dc, s->conn);
		}
		dc_session_free(dc, s);
	}
	temp->perm->n_temps--;
	temp->perm = NULL;
}

void dc_pfs_forget(struct dc *dc, struct dc_key *k)
{
	struct dc_key *other;
	uint32_t cursor = 0;

	if (k->expires_at) {
		unbind(dc, k);
		return;
	}
	while (k->n_temps && (other = imap_next(&dc->keys, &cursor))) {
		if (other->perm == k)
			unbind(dc, other);
	}
}

/* One at a time: the map may not change while it is walked. */
static bool sweep_one(struct dc *dc)
{
	int32_t now = dc_now(dc);
	uint32_t cursor = 0;
	struct dc_key *k;

	while ((k = imap_next(&dc->keys, &cursor))) {
		if (k->expires_at && k->expires_at <= now) {
			dc_key_free(dc, k);
			return true;
		}
	}
	return false;
}

void dc_pfs_made(struct dc *dc, struct dc_key *k, int32_t expires_in_sec)
{
	int64_t until = (int64_t)dc_now(dc) + expires_in_sec;

	k->expires_at = until < INT32_MAX ? (int32_t)until : INT32_MAX;
	if (dc->keys.len > DC_KEYS_MAX / 2)
		(void)sweep_one(dc);
}

bool dc_pfs_usable(struct dc *dc, const struct dc_key *k)
{
	if (k->state == DC_KEY_DESTROYED ||
	    (k->perm && k->perm->state == DC_KEY_DESTROYED))
		return false;
	return !k->expires_at || k->expires_at > dc_now(dc);
}

bool dc_pfs_unbound(const struct dc_key *k)
{
	return k->expires_at != 0;
}

/* ---- auth.bindTempAuthKey */

static void make_room(struct dc *dc, const struct dc_key *perm)
{
	struct dc_key *k, *oldest = NULL;
	uint32_t cursor = 0;

	if (perm->n_temps < TEMPS_PER_KEY)
		return;
	while ((k = imap_next(&dc->keys, &cursor))) {
		if (k->perm == perm &&
		    (!oldest || k->expires_at < oldest->expires_at))
			oldest = k;
	}
	dc_key_free(dc, oldest);
}

/* The sessions it has had so far are the permanent key's from now on. */
static void bind(struct dc *dc, struct dc_key *temp, struct dc_key *perm)
{
	struct dc_sess *s;

	make_room(dc, perm);
	temp->perm = perm;
	perm->n_temps++;
	while ((s = temp->sessions)) {
		temp->sessions = s->next;
		temp->n_sessions--;
		s->key = perm;
		s->next = perm->sessions;
		perm->sessions = s;
		perm->n_sessions++;
	}
	if (!temp->layer)
		return;
	perm->layer = temp->layer;
	perm->api_id = temp->api_id;
	memcpy(perm->device, temp->device, sizeof(perm->device));
	memcpy(perm->app, temp->app, sizeof(perm->app));
	dc_key_save(dc, perm);
}

static bool proves(const struct dc_call *call, const struct dc_key *temp,
		   const struct dc_key *perm)
{
	struct tl_bytes sealed = dyn_bytes(call->fn, TLF_encrypted_message);
	struct tempbind b;

	return !tempbind_open(&perm->auth, sealed.data, sealed.len, &b, NULL) &&
	       b.nonce == (uint64_t)dyn_int(call->fn, TLF_nonce, 0) &&
	       b.expires_at == dyn_int(call->fn, TLF_expires_at, 0) &&
	       b.temp_key_id == temp->auth.id &&
	       b.perm_key_id == perm->auth.id &&
	       b.session_id == call->sess->id && b.msg_id == call->msg_id;
}

enum err dc_pfs_bind(struct dc_call *call, struct err_info *ei)
{
	int64_t expires = dyn_int(call->fn, TLF_expires_at, 0);
	struct dc_key *temp = call->sess->crypt;
	struct dc_key *perm = dc_key_get(
		call->dc, (uint64_t)dyn_int(call->fn, TLF_perm_auth_key_id, 0));

	(void)ei;
	if (!temp->expires_at)
		return dc_call_fail(call, 400, "TEMP_AUTH_KEY_EMPTY");
	if (temp->perm && temp->perm != perm)
		return dc_call_fail(call, 400, "TEMP_AUTH_KEY_ALREADY_BOUND");
	if (!perm || perm->expires_at || perm->dc_id != temp->dc_id ||
	    perm->state == DC_KEY_DESTROYED)
		return dc_call_fail(call, 400, "ENCRYPTED_MESSAGE_INVALID");
	if (!proves(call, temp, perm))
		return dc_call_fail(call, 400, "ENCRYPTED_MESSAGE_INVALID");
	if (expires <= call->now ||
	    expires > (int64_t)temp->expires_at + EXPIRES_SLACK_SEC)
		return dc_call_fail(call, 400, "EXPIRES_AT_INVALID");
	if (!temp->perm)
		bind(call->dc, temp, perm);
	temp->expires_at = (int32_t)expires;
	dc_call_bool(call, true);
	return ERR_OK;
}

/* ---- keys that their client gives up */

/* The answer still travels under the key; the packet after it gets -404. */
static void end(struct dc_key *k)
{
	const struct dc_key *owner = dc_pfs_owner(k);
	struct dc_sess *s;

	k->state = DC_KEY_DESTROYED;
	k->user_id = 0;
	for (s = owner->sessions; s; s = s->next) {
		if (s->crypt == k || owner == k)
			dc_key_offline(s);
	}
}

uint32_t dc_pfs_destroy(struct dc *dc, struct dc_sess *s)
{
	struct dc_key *k = s->crypt;

	if (k->state == DC_KEY_DESTROYED)
		return SERVICE_DESTROY_AUTH_KEY_NONE;
	end(k);
	if (!k->expires_at)
		dc_store_del_key(dc->store, (int64_t)k->auth.id);
	return SERVICE_DESTROY_AUTH_KEY_OK;
}

static bool among(const struct dyn_vec *ids, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < dyn_len(ids); i++) {
		if ((uint64_t)ids->items[i].i == id)
			return true;
	}
	return false;
}

/*
 * Those bound to the caller's permanent key, but for the ones it names and the one
 * it speaks under: a client that makes a key while its call waits to be sent does
 * not know that key yet.
 */
enum err dc_pfs_drop(struct dc_call *call, struct err_info *ei)
{
	const struct dyn_vec *keep = dyn_vec(call->fn, TLF_except_auth_keys);
	uint32_t cursor = 0;
	struct dc_key *k;

	(void)ei;
	while ((k = imap_next(&call->dc->keys, &cursor))) {
		if (k->perm == call->key && k != call->sess->crypt &&
		    !among(keep, k->auth.id))
			end(k);
	}
	dc_call_bool(call, true);
	return ERR_OK;
}
