/* SPDX-License-Identifier: MIT */
/* What is said in a channel: its messages and its log. */
#include <stdlib.h>
#include <string.h>

#include "dc/world_int.h"

struct world_msg *world_channel_msg(const struct world_channel *c, int32_t id)
{
	if (id < 1 || (uint32_t)id > c->n_msgs)
		return NULL;
	return c->msgs[id - 1];
}

static enum err log_room(struct world_channel *c)
{
	return world_box_room((void **)&c->events, c->n_events, &c->cap_events,
			      sizeof(*c->events));
}

static enum err log_event(struct world_channel *c, const struct world_event *e)
{
	enum err rc = log_room(c);

	if (rc)
		return rc;
	if (e->pts != world_channel_pts(c) + 1)
		return ERR_CORRUPT;
	c->events[c->n_events++] = *e;
	return ERR_OK;
}

/* All memory first, so that a failure leaves the box as it was. */
static enum err post_add(struct world_channel *c, const struct world_msg *m,
			 struct world_msg **ret)
{
	struct world_msg *copy;
	enum err rc;

	rc = world_box_room((void **)&c->msgs, c->n_msgs, &c->cap_msgs,
			    sizeof(struct world_msg *));
	if (!rc)
		rc = world_box_room((void **)&c->box.ids, c->box.n, &c->box.cap,
				    sizeof(*c->box.ids));
	if (!rc)
		rc = log_room(c);
	if (rc)
		return rc;
	if (m->id != (int32_t)c->n_msgs + 1)
		return ERR_CORRUPT;
	rc = world_topic_put(c, m);
	if (rc)
		return rc;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return ERR_NOMEM;
	*copy = *m;
	copy->reply_id = world_box_reply(&c->box, c->msgs, m->body);
	if (m->random_id) {
		rc = imap_put(&c->box.by_random, m->random_id ^ m->body->from,
			      copy);
		if (rc) {
			free(copy);
			return rc;
		}
	}
	copy->body->refs++;
	c->msgs[c->n_msgs++] = copy;
	c->box.ids[c->box.n++] = m->id;
	*ret = copy;
	return log_event(c, &(struct world_event){ WORLD_EV_MESSAGE, m->peer,
						   m->id, m->pts });
}

static void tell(struct world *w, const struct world_channel *c)
{
	if (w->observer)
		w->observer->on_channel_event(w->observer_ctx, c,
					      &c->events[c->n_events - 1]);
}

enum err world_channel_post(struct world *w, const struct world_new_msg *n,
			    struct world_msg **ret_msg, bool *ret_again)
{
	struct world_channel *c = world_channel_of(w, n->peer);
	struct world_msg m = { .peer = n->peer, .random_id = n->random_id };
	struct world_seat *seat;
	enum err rc;

	if (!c)
		return ERR_NOTFOUND;
	*ret_msg = n->random_id
			   ? imap_get(&c->box.by_random, n->random_id ^ n->from)
			   : NULL;
	*ret_again = *ret_msg != NULL;
	if (*ret_again)
		return ERR_OK;
	m.id = (int32_t)c->n_msgs + 1;
	m.pts = world_channel_pts(c) + 1;
	rc = world_body_make(w, n, &m.body);
	if (rc)
		return rc;
	rc = post_add(c, &m, ret_msg);
	world_body_unref(m.body);
	if (rc)
		return rc;
	seat = world_seat(c, n->from);
	if (seat && seat->in)
		seat->read_in = m.id;
	tell(w, c);
	return ERR_OK;
}

static void mark_pinned(struct world_channel *c, const struct world_event *e)
{
	struct world_msg *m = world_channel_msg(c, e->value);

	if (m && (e->kind == WORLD_EV_PIN || e->kind == WORLD_EV_UNPIN))
		m->pinned = e->kind == WORLD_EV_PIN;
}

static enum err change(struct world *w, struct world_channel *c,
		       enum world_event_kind kind, int32_t id)
{
	struct world_event e = { kind, c->box.peer, id,
				 world_channel_pts(c) + 1 };
	enum err rc = log_event(c, &e);

	if (rc)
		return rc;
	mark_pinned(c, &e);
	tell(w, c);
	return ERR_OK;
}

enum err world_channel_edit(struct world *w, struct world_channel *c,
			    int32_t id, const struct world_rewrite *r)
{
	struct world_msg *m = world_channel_msg(c, id);
	enum err rc;

	if (!m || m->body->kind != WORLD_TEXT)
		return ERR_NOTFOUND;
	rc = world_body_edit(m->body, r);
	if (rc)
		return rc;
	if (w->observer)
		w->observer->on_body(w->observer_ctx, m->body);
	return change(w, c, WORLD_EV_EDIT, id);
}

static void forget(struct world_channel *c, int32_t id)
{
	struct world_msg *m = world_channel_msg(c, id);

	if (!m)
		return;
	world_box_drop(&c->box, id);
	world_topic_drop(c, m);
	if (m->random_id)
		imap_remove(&c->box.by_random, m->random_id ^ m->body->from);
	c->msgs[id - 1] = NULL;
	world_body_unref(m->body);
	free(m);
}

enum err world_channel_pin(struct world *w, struct world_channel *c, int32_t id,
			   bool on)
{
	const struct world_msg *m = world_channel_msg(c, id);

	if (!m)
		return ERR_NOTFOUND;
	if (m->pinned == on)
		return ERR_INVALID;
	return change(w, c, on ? WORLD_EV_PIN : WORLD_EV_UNPIN, id);
}

enum err world_channel_delete(struct world *w, struct world_channel *c,
			      int32_t id)
{
	if (!world_channel_msg(c, id))
		return ERR_NOTFOUND;
	forget(c, id);
	return change(w, c, WORLD_EV_DELETE, id);
}

enum err world_channel_difference(const struct world_channel *c, int32_t pts,
				  uint32_t limit,
				  const struct world_event **ret,
				  uint32_t *ret_n, uint32_t *ret_total)
{
	uint32_t skip, left;

	if (pts < 0 || pts > world_channel_pts(c))
		return ERR_INVALID;
	skip = pts < WORLD_FIRST_PTS ? 0 : (uint32_t)(pts - WORLD_FIRST_PTS);
	left = c->n_events - skip;
	*ret = left ? &c->events[skip] : NULL;
	*ret_total = left;
	*ret_n = left < limit ? left : limit;
	return ERR_OK;
}

int32_t world_channel_unread(const struct world_channel *c,
			     const struct world_seat *seat)
{
	int32_t n = 0;
	uint32_t i;

	for (i = c->box.n; i > 0 && c->box.ids[i - 1] > seat->read_in; i--)
		n += world_channel_msg(c, c->box.ids[i - 1])->body->from !=
		     seat->user_id;
	return n;
}

enum err world_load_post(struct world *w, int64_t channel_id,
			 const struct world_event *e, const struct world_msg *m)
{
	struct world_channel *c = world_channel(w, channel_id);
	struct world_msg *copy;

	if (!c)
		return ERR_CORRUPT;
	if (e->kind == WORLD_EV_MESSAGE) {
		if (m->body->id >= w->next_body)
			w->next_body = m->body->id + 1;
		return post_add(c, m, &copy);
	}
	if (e->kind == WORLD_EV_DELETE)
		forget(c, e->value);
	mark_pinned(c, e);
	return log_event(c, e);
}
