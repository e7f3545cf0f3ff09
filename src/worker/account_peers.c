/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "worker/account_int.h"

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

static void import_where(struct account *a, const struct wire_peer *peers,
			 size_t n, bool people)
{
	struct peers *book = &a->engine.peers;

	for (size_t i = 0; i < n; i++) {
		const struct wire_peer *p = &peers[i];
		int64_t id = id_of(p);

		if (!id || !p->access_hash || (id > 0) != people)
			continue;
		peers_restore(book, id, p->access_hash,
			      !strcmp(p->type, "bot") ? PEERS_BOT : 0);
	}
}

void account_peers_import(struct account *a, const struct wire_peer *peers,
			  size_t n)
{
	/* there may be more than the book holds: chats are worth more */
	import_where(a, peers, n, false);
	import_where(a, peers, n, true);
}
