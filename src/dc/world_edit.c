/* SPDX-License-Identifier: MIT */
/* Messages changed and taken back, in every box that holds them. */
#include <stdlib.h>
#include <string.h>

#include "dc/world_int.h"

/* Takes the message out of the box; its number is not used again. */
static void forget(struct world_user *u, struct world_msg *m)
{
	struct world_dialog *d = world_dialog(u, m->peer);

	world_box_drop(d, m->id);
	if (m->random_id)
		imap_remove(&d->by_random, m->random_id);
	if (!m->out && m->id > d->read_in && d->unread > 0)
		d->unread--;
	u->msgs[m->id - 1] = NULL;
	world_body_unref(m->body);
	free(m);
}

static enum err change(struct world *w, struct world_user *u,
		       enum world_event_kind kind, struct world_msg *m)
{
	struct world_event e = { kind, m->peer, m->id, world_pts(u) + 1 };
	enum err rc = world_box_event(u, &e);

	if (rc)
		return rc;
	if (kind == WORLD_EV_DELETE)
		forget(u, m);
	else if (kind != WORLD_EV_EDIT)
		m->pinned = kind == WORLD_EV_PIN;
	if (w->observer)
		w->observer->on_change(w->observer_ctx, u, &e);
	return ERR_OK;
}

static enum err change_copy(struct world *w, int64_t owner, int64_t peer,
			    enum world_event_kind kind,
			    const struct world_body *b)
{
	struct world_user *u = world_user(w, owner);
	struct world_msg *m;

	if (!u)
		return ERR_OK;
	m = world_msg(u, world_box_find(world_dialog(u, peer), u->msgs, b->id));
	return m && m->body == b ? change(w, u, kind, m) : ERR_OK;
}

/* u's own copy first. */
static enum err change_all(struct world *w, struct world_user *u,
			   enum world_event_kind kind, struct world_msg *m)
{
	struct world_body *b = m->body;
	int64_t peer = m->peer;
	const struct world_chat *c = peer < 0 ? world_chat(w, -peer) : NULL;
	enum err rc;
	uint32_t i;

	b->refs++;
	rc = change(w, u, kind, m);
	if (!rc && peer > 0 && peer != u->id)
		rc = change_copy(w, peer, u->id, kind, b);
	for (i = 0; c && i < c->n_members && !rc; i++) {
		if (c->members[i].user_id != u->id)
			rc = change_copy(w, c->members[i].user_id, peer, kind,
					 b);
	}
	world_body_unref(b);
	return rc;
}

enum err world_edit(struct world *w, struct world_user *u, int32_t id,
		    const struct world_rewrite *r)
{
	struct world_msg *m = world_msg(u, id);
	enum err rc;

	if (!m || m->body->kind != WORLD_TEXT)
		return ERR_NOTFOUND;
	if (m->body->from != u->id)
		return ERR_FORBIDDEN;
	rc = world_body_edit(m->body, r);
	if (rc)
		return rc;
	if (w->observer)
		w->observer->on_body(w->observer_ctx, m->body);
	return change_all(w, u, WORLD_EV_EDIT, m);
}

enum err world_delete(struct world *w, struct world_user *u, int32_t id,
		      bool revoke)
{
	struct world_msg *m = world_msg(u, id);

	if (!m)
		return ERR_NOTFOUND;
	return revoke ? change_all(w, u, WORLD_EV_DELETE, m)
		      : change(w, u, WORLD_EV_DELETE, m);
}

enum err world_pin(struct world *w, struct world_user *u, int32_t id, bool on,
		   bool oneside)
{
	enum world_event_kind kind = on ? WORLD_EV_PIN : WORLD_EV_UNPIN;
	struct world_msg *m = world_msg(u, id);

	if (!m)
		return ERR_NOTFOUND;
	if (m->pinned == on)
		return ERR_INVALID;
	return oneside ? change(w, u, kind, m) : change_all(w, u, kind, m);
}

enum err world_load_change(struct world *w, int64_t owner,
			   const struct world_event *e)
{
	struct world_user *u = world_user(w, owner);
	struct world_msg *m = u ? world_msg(u, e->value) : NULL;
	enum err rc;

	if (!u)
		return ERR_CORRUPT;
	rc = world_box_event(u, e);
	if (rc || !m)
		return rc;
	if (e->kind == WORLD_EV_DELETE)
		forget(u, m);
	else if (e->kind != WORLD_EV_EDIT)
		m->pinned = e->kind == WORLD_EV_PIN;
	return rc;
}
