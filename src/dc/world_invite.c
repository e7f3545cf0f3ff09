/* SPDX-License-Identifier: MIT */
#include "dc/world_invite.h"

#include <stdlib.h>
#include <string.h>

#include "dc/world_int.h"

struct world_invite *world_invite(const struct world *w, const char *hash)
{
	struct world_invite *i =
		*hash ? imap_get(&w->invites, world_name_key(hash)) : NULL;

	return i && !strcmp(i->hash, hash) ? i : NULL;
}

void world_invite_changed(struct world *w, const struct world_invite *i)
{
	if (w->observer)
		w->observer->on_invite(w->observer_ctx, i);
}

bool world_invite_good(const struct world_invite *i, int32_t now)
{
	return !i->revoked && (!i->expires || now < i->expires) &&
	       (!i->limit || i->used < i->limit);
}

static void revoke_old(struct world *w, const struct world_invite *fresh)
{
	struct world_invite *i;
	uint32_t cursor = 0;

	while ((i = imap_next(&w->invites, &cursor))) {
		if (i == fresh || i->peer != fresh->peer ||
		    i->admin != fresh->admin || !i->permanent || i->revoked)
			continue;
		i->revoked = true;
		world_invite_changed(w, i);
	}
}

enum err world_invite_add(struct world *w, const struct world_invite *i,
			  struct world_invite **ret)
{
	struct world_invite *copy;
	enum err rc;

	if (world_invite(w, i->hash))
		return ERR_DUPLICATE;
	if (w->invites.len >= WORLD_INVITES_MAX)
		return ERR_TOOBIG;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return ERR_NOMEM;
	*copy = *i;
	rc = imap_put(&w->invites, world_name_key(copy->hash), copy);
	if (rc) {
		free(copy);
		return rc;
	}
	world_invite_changed(w, copy);
	if (copy->permanent && !copy->revoked && w->observer)
		revoke_old(w, copy);
	*ret = copy;
	return ERR_OK;
}

void world_invite_free_all(struct world *w)
{
	struct world_invite *i;
	uint32_t cursor = 0;

	while ((i = imap_next(&w->invites, &cursor)))
		free(i);
	imap_deinit(&w->invites);
}
