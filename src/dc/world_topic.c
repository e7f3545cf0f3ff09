/* SPDX-License-Identifier: MIT */
#include "dc/world_topic.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/world_int.h"

#define GENERAL_COLOR 0x6fb9f0

struct world_topic *world_topic(const struct world_channel *c, int32_t id)
{
	return imap_get(&c->topics, id);
}

static int32_t number_of(const struct world_msg *m)
{
	int32_t id = world_extra(m->body)->topic;

	return id ? id : WORLD_TOPIC_GENERAL;
}

struct world_topic *world_topic_of(const struct world_channel *c,
				   const struct world_msg *m)
{
	return world_topic(c, number_of(m));
}

static void topic_free(struct world_topic *t)
{
	struct world_topic_read *r;
	uint32_t cursor = 0;

	while ((r = imap_next(&t->reads, &cursor)))
		free(r);
	imap_deinit(&t->reads);
	free(t->box.ids);
	free(t);
}

void world_topic_free_all(struct world_channel *c)
{
	struct world_topic *t;
	uint32_t cursor = 0;

	while ((t = imap_next(&c->topics, &cursor)))
		topic_free(t);
	imap_deinit(&c->topics);
}

void world_topic_changed(struct world *w, const struct world_channel *c,
			 const struct world_topic *t)
{
	if (w->observer)
		w->observer->on_topic(w->observer_ctx, c, t);
}

enum err world_topic_add(struct world *w, struct world_channel *c,
			 const struct world_topic *t, struct world_topic **ret)
{
	struct world_topic *copy;
	enum err rc;

	if (world_topic(c, t->id))
		return ERR_DUPLICATE;
	if (c->topics.len >= WORLD_TOPICS_MAX)
		return ERR_TOOBIG;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return ERR_NOMEM;
	*copy = *t;
	copy->box = (struct world_dialog){ .peer = c->box.peer };
	copy->reads = (struct imap){ 0 };
	rc = imap_put(&c->topics, copy->id, copy);
	if (rc) {
		free(copy);
		return rc;
	}
	world_topic_changed(w, c, copy);
	*ret = copy;
	return ERR_OK;
}

void world_topic_remove(struct world *w, struct world_channel *c,
			struct world_topic *t)
{
	imap_remove(&c->topics, t->id);
	t->gone = true;
	world_topic_changed(w, c, t);
	topic_free(t);
}

enum err world_topic_forum(struct world *w, struct world_channel *c, bool on)
{
	struct world_topic general = { .id = WORLD_TOPIC_GENERAL,
				       .creator = c->creator,
				       .date = c->date,
				       .color = GENERAL_COLOR,
				       .title = "General" };
	struct world_topic *t;
	enum err rc = ERR_OK;
	uint32_t i;

	if (on && !world_topic(c, general.id)) {
		rc = world_topic_add(w, c, &general, &t);
		for (i = 0; i < c->box.n && !rc; i++)
			rc = world_topic_put(
				c, world_channel_msg(c, c->box.ids[i]));
	}
	if (rc)
		return rc;
	c->forum = on;
	world_channel_changed(w, c);
	return ERR_OK;
}

enum err world_topic_put(struct world_channel *c, const struct world_msg *m)
{
	struct world_topic *t = c->topics.len ? world_topic_of(c, m) : NULL;
	enum err rc;

	if (!t)
		return ERR_OK;
	rc = world_box_room((void **)&t->box.ids, t->box.n, &t->box.cap,
			    sizeof(*t->box.ids));
	if (!rc)
		t->box.ids[t->box.n++] = m->id;
	return rc;
}

void world_topic_drop(struct world_channel *c, const struct world_msg *m)
{
	struct world_topic *t = c->topics.len ? world_topic_of(c, m) : NULL;

	if (t)
		world_box_drop(&t->box, m->id);
}

/* ---- read marks */

int32_t world_topic_read_by(const struct world_topic *t, int64_t user_id)
{
	const struct world_topic_read *r = imap_get(&t->reads, user_id);

	return r ? r->max_id : 0;
}

enum err world_topic_read_to(struct world_topic *t, int64_t user_id,
			     int32_t max_id)
{
	struct world_topic_read *r = imap_get(&t->reads, user_id);
	enum err rc;

	if (!r) {
		r = malloc(sizeof(*r));
		if (!r)
			return ERR_NOMEM;
		*r = (struct world_topic_read){ .user_id = user_id };
		rc = imap_put(&t->reads, user_id, r);
		if (rc) {
			free(r);
			return rc;
		}
	}
	if (max_id > r->max_id)
		r->max_id = max_id;
	return ERR_OK;
}
