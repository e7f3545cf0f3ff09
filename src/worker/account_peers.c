/* SPDX-License-Identifier: MIT */
/*
 * Whom the account knows: what its session file brought, what this node kept, and
 * what the engine learned since.
 */
#include <string.h>

#include "base/log.h"
#include "net/loop.h"
#include "worker/account_int.h"
#include "worker/fleet.h"
#include "worker/peerbook.h"

/* Not more often: a busy account learns all the time. */
#define PEERS_KEEP_EVERY_US (INT64_C(60) * US_PER_SEC)

static void complain(const struct account *a, enum err rc,
		     const struct err_info *ei)
{
	log_fail(LOG_WARN, LOGEV_ACC_MSG, rc, ei, log_str("acc", a->account_id),
		 log_str("what", "peers"));
}

/* Session files number peers by their type; 0: of no use. */
static int64_t id_of(const struct wire_peer *p)
{
	if (!p->type || p->id <= 0 || p->id >= -PEERS_CHANNEL)
		return 0;
	if (!strcmp(p->type, "channel") || !strcmp(p->type, "supergroup"))
		return PEERS_CHANNEL - p->id;
	if (!strcmp(p->type, "user") || !strcmp(p->type, "bot"))
		return p->id;
	return 0; /* a basic group has no hash */
}

static uint32_t flags_of(const struct wire_peer *p)
{
	if (!strcmp(p->type, "bot"))
		return PEERS_BOT;
	return !strcmp(p->type, "channel") ? PEERS_BROADCAST : 0;
}

static void import_some(struct peers *book, const struct wire_session *s,
			bool people)
{
	for (size_t i = 0; i < s->npeers; i++) {
		const struct wire_peer *p = &s->peers[i];
		int64_t id = id_of(p);

		if (id && p->access_hash && (id > 0) == people)
			peers_restore(book, id, p->access_hash, flags_of(p));
	}
}

void account_peers_take(struct account *a, const struct wire_session *s)
{
	struct peers *book = &a->engine.peers;
	struct err_info ei = { 0 };
	enum err rc = ERR_OK;

	/* hashes are one user's; of another they open nothing */
	if (s->user_id && a->user_id && s->user_id != a->user_id)
		peers_deinit(book);
	if (a->fleet->peerbook && !book->n)
		rc = peerbook_load(a->fleet->peerbook, a->account_id,
				   s->user_id, book, loop_wall(a->fleet->loop),
				   &ei);
	if (rc)
		complain(a, rc, &ei);
	/* there may be more than the book holds: chats are worth more */
	import_some(book, s, false);
	import_some(book, s, true);
	a->peers_kept = book->changes;
}

void account_peers_keep(struct account *a, bool now)
{
	const struct peers *book = &a->engine.peers;
	struct mono at = loop_now(a->fleet->loop);
	struct err_info ei = { 0 };
	enum err rc;

	if (!a->fleet->peerbook || book->changes == a->peers_kept ||
	    (!now && mono_before(at, a->peers_due)))
		return;
	rc = peerbook_save(a->fleet->peerbook, a->account_id, a->user_id, book,
			   &ei);
	if (rc)
		complain(a, rc, &ei);
	/* without luck, again at the next change */
	a->peers_kept = book->changes;
	a->peers_due = mono_add(at, PEERS_KEEP_EVERY_US);
}

void account_peers_forget(struct account *a)
{
	struct err_info ei = { 0 };
	enum err rc = ERR_OK;

	peers_deinit(&a->engine.peers);
	a->peers_kept = 0;
	if (a->fleet->peerbook)
		rc = peerbook_drop(a->fleet->peerbook, a->account_id, &ei);
	if (rc)
		complain(a, rc, &ei);
}
