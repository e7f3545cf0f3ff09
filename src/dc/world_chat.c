/* SPDX-License-Identifier: MIT */
/* Who is in a basic group; what is said there lies in everybody's own box. */
#include <stdlib.h>
#include <string.h>

#include "dc/world_int.h"

struct world_member *world_chat_member(const struct world_chat *c,
				       int64_t user_id)
{
	uint32_t i;

	for (i = 0; i < c->n_members; i++) {
		if (c->members[i].user_id == user_id)
			return &c->members[i];
	}
	return NULL;
}

bool world_chat_admin(const struct world_chat *c, int64_t user_id)
{
	const struct world_member *m = world_chat_member(c, user_id);

	return m && (m->admin || user_id == c->creator);
}

void world_chat_changed(struct world *w, struct world_chat *c)
{
	c->version++;
	if (w->observer)
		w->observer->on_chat(w->observer_ctx, c);
}

enum err world_chat_add(struct world *w, struct world_chat *c, int64_t user_id,
			int64_t inviter_id, int32_t date)
{
	struct world_member *more;

	if (!world_user(w, user_id))
		return ERR_NOTFOUND;
	if (world_chat_member(c, user_id))
		return ERR_DUPLICATE;
	if (c->n_members >= WORLD_MEMBERS_MAX)
		return ERR_TOOBIG;
	more = realloc(c->members, (c->n_members + 1) * sizeof(*more));
	if (!more)
		return ERR_NOMEM;
	c->members = more;
	c->members[c->n_members++] = (struct world_member){
		.user_id = user_id, .inviter_id = inviter_id, .date = date
	};
	world_chat_changed(w, c);
	return ERR_OK;
}

void world_chat_remove(struct world *w, struct world_chat *c, int64_t user_id)
{
	struct world_member *m = world_chat_member(c, user_id);
	uint32_t at;

	if (!m)
		return;
	at = (uint32_t)(m - c->members);
	memmove(m, m + 1, (c->n_members - at - 1) * sizeof(*m));
	c->n_members--;
	world_chat_changed(w, c);
}
