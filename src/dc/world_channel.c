/* SPDX-License-Identifier: MIT */
#include "dc/world_channel.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/world_int.h"

struct world_channel *world_channel(const struct world *w, int64_t id)
{
	return imap_get(&w->channels, id);
}

struct world_channel *world_channel_of(const struct world *w, int64_t peer)
{
	int64_t id = world_mark_channel(peer);

	return id ? world_channel(w, id) : NULL;
}

struct world_channel *world_channel_by_name(const struct world *w,
					    const char *name)
{
	return *name ? imap_get(&w->channel_names, world_name_key(name)) : NULL;
}

struct world_seat *world_seat(const struct world_channel *c, int64_t user_id)
{
	return imap_get(&c->seats, user_id);
}

bool world_channel_in(const struct world_channel *c, int64_t user_id)
{
	const struct world_seat *s = world_seat(c, user_id);

	return s && s->in;
}

bool world_channel_can(const struct world_channel *c, int64_t user_id,
		       unsigned int right)
{
	const struct world_seat *s = world_seat(c, user_id);

	return s && s->in &&
	       (user_id == c->creator || (s->rights & right) == right);
}

bool world_channel_sees(const struct world_channel *c, int64_t user_id)
{
	const struct world_seat *s = world_seat(c, user_id);

	if (s && s->banned & WORLD_BANNED_VIEW)
		return false;
	return (s && s->in) || *c->username;
}

static void channel_free(struct world_channel *c)
{
	struct world_seat *s;
	uint32_t i, cursor = 0;

	while ((s = imap_next(&c->seats, &cursor)))
		free(s);
	imap_deinit(&c->seats);
	for (i = 0; i < c->n_msgs; i++) {
		if (!c->msgs[i])
			continue;
		world_body_unref(c->msgs[i]->body);
		free(c->msgs[i]);
	}
	world_topic_free_all(c);
	imap_deinit(&c->box.by_random);
	free(c->box.ids);
	free(c->msgs);
	free(c->events);
	free(c);
}

void world_channel_free_all(struct world *w)
{
	struct world_channel *c;
	uint32_t cursor = 0;

	while ((c = imap_next(&w->channels, &cursor)))
		channel_free(c);
	imap_deinit(&w->channels);
	imap_deinit(&w->channel_names);
}

void world_channel_changed(struct world *w, struct world_channel *c)
{
	if (w->observer)
		w->observer->on_channel(w->observer_ctx, c);
}

void world_channel_seat_changed(struct world *w, struct world_channel *c,
				const struct world_seat *seat)
{
	if (w->observer)
		w->observer->on_seat(w->observer_ctx, c, seat);
}

enum err world_load_channel(struct world *w, const struct world_channel *c)
{
	struct world_channel *copy = calloc(1, sizeof(*copy));
	enum err rc = ERR_OK;

	if (!copy)
		return ERR_NOMEM;
	*copy = *c;
	copy->box.peer = world_channel_mark(c->id);
	if (*c->username)
		rc = imap_put(&w->channel_names, world_name_key(c->username),
			      copy);
	if (!rc)
		rc = imap_put(&w->channels, c->id, copy);
	if (rc) {
		imap_remove(&w->channel_names, world_name_key(c->username));
		free(copy);
		return rc;
	}
	if (c->id >= w->next_channel)
		w->next_channel = c->id + 1;
	return ERR_OK;
}

enum err world_add_channel(struct world *w, const struct world_new_channel *n,
			   struct world_channel **ret,
			   struct world_msg **ret_msg)
{
	struct world_channel c = { .id = w->next_channel,
				   .creator = n->creator,
				   .date = n->date,
				   .megagroup = n->megagroup,
				   .migrated_from = n->migrated_from };
	struct world_new_msg msg;
	bool again;
	enum err rc;

	if (!*n->title || !text_copy(c.title, sizeof(c.title), n->title) ||
	    !text_copy(c.about, sizeof(c.about), n->about))
		return ERR_INVALID;
	rc = world_load_channel(w, &c);
	if (rc)
		return rc;
	*ret = world_channel(w, c.id);
	world_channel_changed(w, *ret);
	rc = world_channel_join(w, *ret, n->creator, n->creator, n->date);
	if (rc || n->migrated_from)
		return rc;
	msg = (struct world_new_msg){ .from = n->creator,
				      .peer = world_channel_mark(c.id),
				      .kind = WORLD_CHANNEL_CREATE,
				      .text = c.title,
				      .text_len = strlen(c.title),
				      .date = n->date };
	return world_channel_post(w, &msg, ret_msg, &again);
}

/* ---- who is in */

enum err world_channel_seat(struct world *w, struct world_channel *c,
			    int64_t user_id, struct world_seat **ret)
{
	struct world_seat *s = world_seat(c, user_id);
	enum err rc;

	(void)w;
	if (!s) {
		if (c->seats.len >= WORLD_SEATS_MAX)
			return ERR_TOOBIG;
		s = calloc(1, sizeof(*s));
		if (!s)
			return ERR_NOMEM;
		s->user_id = user_id;
		rc = imap_put(&c->seats, user_id, s);
		if (rc) {
			free(s);
			return rc;
		}
	}
	*ret = s;
	return ERR_OK;
}

enum err world_channel_join(struct world *w, struct world_channel *c,
			    int64_t user_id, int64_t inviter_id, int32_t date)
{
	struct world_user *u = world_user(w, user_id);
	struct world_seat *s = NULL;
	enum err rc;

	if (!u)
		return ERR_NOTFOUND;
	rc = world_channel_seat(w, c, user_id, &s);
	if (rc || s->in)
		return rc;
	if (s->banned & WORLD_BANNED_VIEW)
		return ERR_FORBIDDEN;
	rc = imap_put(&u->channels, c->id, c);
	if (rc)
		return rc;
	s->in = true;
	s->asks = false;
	s->inviter_id = inviter_id;
	s->date = date;
	s->read_in = (int32_t)c->n_msgs;
	c->n_in++;
	world_channel_seat_changed(w, c, s);
	return ERR_OK;
}

void world_channel_leave(struct world *w, struct world_channel *c,
			 int64_t user_id)
{
	struct world_seat *s = world_seat(c, user_id);
	struct world_user *u = world_user(w, user_id);

	if (!s || !s->in || !u)
		return;
	s->in = false;
	s->rights = 0;
	c->n_in--;
	imap_remove(&u->channels, c->id);
	world_channel_seat_changed(w, c, s);
}

enum err world_load_seat(struct world *w, int64_t channel_id,
			 const struct world_seat *seat)
{
	struct world_channel *c = world_channel(w, channel_id);
	struct world_user *u = world_user(w, seat->user_id);
	struct world_seat *s = NULL;
	enum err rc;

	if (!c || !u)
		return ERR_CORRUPT;
	rc = world_channel_seat(w, c, seat->user_id, &s);
	if (rc)
		return rc;
	*s = *seat;
	if (!s->in)
		return ERR_OK;
	c->n_in++;
	return imap_put(&u->channels, c->id, c);
}

/* ---- names */

enum err world_channel_rename(struct world *w, struct world_channel *c,
			      const char *username)
{
	enum err rc;

	if (strlen(username) > WORLD_USERNAME_MAX)
		return ERR_INVALID;
	if (world_user_by_name(w, username) ||
	    (world_channel_by_name(w, username) &&
	     world_channel_by_name(w, username) != c))
		return ERR_DUPLICATE;
	if (*username) {
		rc = imap_put(&w->channel_names, world_name_key(username), c);
		if (rc)
			return rc;
	}
	if (*c->username &&
	    world_name_key(c->username) != world_name_key(username))
		imap_remove(&w->channel_names, world_name_key(c->username));
	if (!text_copy(c->username, sizeof(c->username), username))
		return ERR_INVALID;
	world_channel_changed(w, c);
	return ERR_OK;
}
