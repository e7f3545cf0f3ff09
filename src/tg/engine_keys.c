/* SPDX-License-Identifier: MIT */
/*
 * Which key the session has: the account's own, or a temporary one that is made,
 * bound and renewed beside it.
 */
#include <stdlib.h>

#include "mtproto/bytes.h"
#include "tg/engine_int.h"

static enum err begin_pfs(struct engine *e)
{
	const struct pfs_config cfg = { .keys = e->env->keys,
					.key_count = e->env->key_count,
					.rnd = e->rnd };

	e->pfs = calloc(1, sizeof(*e->pfs));
	if (!e->pfs)
		return ERR_NOMEM;
	pfs_init(e->pfs, &cfg, &e->session);
	return ERR_OK;
}

enum err engine_keys_set(struct engine *e, const uint8_t key[AUTHKEY_LEN])
{
	enum err rc = ERR_OK;

	if (!e->env->key_count)
		return session_set_key(&e->session, key, 0);
	if (!e->pfs)
		rc = begin_pfs(e);
	return rc ? rc : pfs_set_perm(e->pfs, key);
}

void engine_keys_deinit(struct engine *e)
{
	if (!e->pfs)
		return;
	pfs_disconnected(e->pfs); /* work that is out is nobody's then */
	pfs_deinit(e->pfs);
	free(e->pfs);
	e->pfs = NULL;
}

bool engine_needs_key(const struct engine *e, struct mono now)
{
	return e->pfs && pfs_needs_key(e->pfs, now);
}

enum err engine_keys_connected(struct engine *e, struct err_info *ei)
{
	if (e->pfs)
		return pfs_connected(e->pfs, e->now, ei);
	session_connected(&e->session, e->now);
	return ERR_OK;
}

void engine_keys_disconnected(struct engine *e)
{
	if (e->pfs)
		pfs_disconnected(e->pfs);
	else
		session_disconnected(&e->session);
}

enum err engine_keys_recv(struct engine *e, uint8_t *packet, size_t len,
			  struct err_info *ei)
{
	if (e->pfs && len >= 8 && bytes_get_u64(packet) == 0)
		return pfs_recv(e->pfs, packet, len, e->now, ei);
	if (!e->session.connected)
		return err_set(ei, ERR_PROTO,
			       "an encrypted packet before there is a key");
	return session_recv(&e->session, packet, len, e->now, ei);
}

bool engine_keys_event(struct engine *e, const struct session_event *ev)
{
	return e->pfs && pfs_on_event(e->pfs, ev);
}

enum err engine_keys_verdict(const struct engine *e, struct err_info *ei)
{
	return e->pfs ? pfs_verdict(e->pfs, ei) : ERR_OK;
}

enum err engine_keys_tick(struct engine *e, struct err_info *ei)
{
	enum err rc = session_tick(&e->session, e->now, ei);

	return rc || !e->pfs ? rc : pfs_tick(e->pfs, e->now, ei);
}

struct mono engine_keys_deadline(const struct engine *e)
{
	return e->pfs ? pfs_deadline(e->pfs) : MONO_NEVER;
}

enum err engine_keys_next_packet(struct engine *e, struct buf *out,
				 bool *ret_has, struct err_info *ei)
{
	enum err rc = ERR_OK;

	*ret_has = false;
	if (e->pfs)
		rc = pfs_next_packet(e->pfs, e->now, out, ret_has, ei);
	if (rc || *ret_has || !session_wants_send(&e->session, e->now))
		return rc;
	return session_next_packet(&e->session, e->now, out, ret_has, ei);
}

struct handshake_client *engine_take_work(struct engine *e)
{
	return e->pfs ? pfs_take_work(e->pfs) : NULL;
}

enum err engine_give_back(struct engine *e, struct handshake_client *work,
			  struct mono now, struct err_info *ei)
{
	enum err rc;

	if (!e->pfs) {
		handshake_client_free(work);
		return ERR_OK;
	}
	e->now = now;
	rc = pfs_give_back(e->pfs, work, now, ei);
	return e->connected ? engine_finish(e, rc, ei) : ERR_OK;
}
