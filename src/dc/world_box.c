/* SPDX-License-Identifier: MIT */
/* The boxes: messages, their numbers, read marks, and the log of events. */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "dc/world_int.h"

struct world_msg *world_msg(const struct world_user *u, int32_t id)
{
	if (id < 1 || (uint32_t)id > u->n_msgs)
		return NULL;
	return u->msgs[id - 1];
}

struct world_dialog *world_dialog(const struct world_user *u, int64_t peer)
{
	return imap_get(&u->dialogs, peer);
}

/* Body ids grow with message ids, so this can be bisected. */
int32_t world_box_find(const struct world_dialog *d,
		       struct world_msg *const *msgs, int64_t body_id)
{
	uint32_t lo = 0, hi = d ? d->n : 0;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (msgs[d->ids[mid] - 1]->body->id <= body_id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? d->ids[lo - 1] : 0;
}

void world_box_drop(struct world_dialog *d, int32_t id)
{
	uint32_t lo = 0, hi = d->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (d->ids[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == d->n || d->ids[lo] != id)
		return;
	memmove(d->ids + lo, d->ids + lo + 1,
		(d->n - lo - 1) * sizeof(*d->ids));
	d->n--;
}

int32_t world_msg_of_body(const struct world_user *u,
			  const struct world_dialog *d,
			  const struct world_body *b)
{
	int32_t id = world_box_find(d, u->msgs, b->id);

	return id && u->msgs[id - 1]->body == b ? id : 0;
}

/* What the message answers, by its number in this box. */
int32_t world_box_reply(const struct world_dialog *d,
			struct world_msg *const *msgs,
			const struct world_body *b)
{
	int64_t to = world_extra(b)->reply_to;
	int32_t id = to ? world_box_find(d, msgs, to) : 0;

	return id && msgs[id - 1]->body->id == to ? id : 0;
}

static enum err dialog_open(struct world_user *u, int64_t peer,
			    struct world_dialog **ret)
{
	struct world_dialog *d = world_dialog(u, peer);
	enum err rc;

	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d)
			return ERR_NOMEM;
		d->peer = peer;
		rc = imap_put(&u->dialogs, peer, d);
		if (rc) {
			free(d);
			return rc;
		}
	}
	*ret = d;
	return ERR_OK;
}

enum err world_box_room(void **items, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t want = *cap ? *cap * 2 : 4;
	void *p;

	if (n < *cap)
		return ERR_OK;
	if (n >= WORLD_BOX_MAX)
		return ERR_TOOBIG;
	p = realloc(*items, want * size);
	if (!p)
		return ERR_NOMEM;
	*items = p;
	*cap = want;
	return ERR_OK;
}

static enum err event_room(struct world_user *u)
{
	return world_box_room((void **)&u->events, u->n_events, &u->cap_events,
			      sizeof(*u->events));
}

/* The log is dense: pts without an event of its own cannot be. */
enum err world_box_event(struct world_user *u, const struct world_event *e)
{
	enum err rc = event_room(u);

	if (rc)
		return rc;
	if (e->pts != world_pts(u) + 1)
		return ERR_CORRUPT;
	u->events[u->n_events++] = *e;
	return ERR_OK;
}

/* All memory first, so that a failure leaves the box as it was. */
static enum err box_add(struct world_user *u, const struct world_msg *m,
			struct world_msg **ret)
{
	struct world_dialog *d = NULL;
	struct world_msg *copy;
	enum err rc;

	rc = dialog_open(u, m->peer, &d);
	if (!rc)
		rc = world_box_room((void **)&u->msgs, u->n_msgs, &u->cap_msgs,
				    sizeof(struct world_msg *));
	if (!rc)
		rc = world_box_room((void **)&d->ids, d->n, &d->cap,
				    sizeof(*d->ids));
	if (!rc)
		rc = event_room(u);
	if (rc)
		return rc;
	if (m->id != (int32_t)u->n_msgs + 1)
		return ERR_CORRUPT;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return ERR_NOMEM;
	*copy = *m;
	copy->reply_id = world_box_reply(d, u->msgs, m->body);
	if (m->random_id) {
		rc = imap_put(&d->by_random, m->random_id, copy);
		if (rc)
			goto fail;
	}
	rc = world_box_event(u,
			     &(struct world_event){ WORLD_EV_MESSAGE, m->peer,
						    m->id, m->pts });
	if (rc)
		goto fail;
	copy->body->refs++;
	u->msgs[u->n_msgs++] = copy;
	d->ids[d->n++] = m->id;
	if (!m->out)
		d->unread++;
	*ret = copy;
	return ERR_OK;

fail:
	if (m->random_id)
		imap_remove(&d->by_random, m->random_id);
	free(copy);
	return rc;
}

enum err world_load_message(struct world *w, int64_t owner,
			    const struct world_msg *m)
{
	struct world_user *u = world_user(w, owner);
	struct world_msg *copy;

	if (!u)
		return ERR_CORRUPT;
	if (m->body->id >= w->next_body)
		w->next_body = m->body->id + 1;
	return box_add(u, m, &copy);
}

static enum err deliver(struct world *w, struct world_user *u, int64_t peer,
			struct world_body *body, int64_t random_id,
			struct world_msg **ret)
{
	struct world_msg m = { .body = body,
			       .peer = peer,
			       .random_id = random_id,
			       .id = (int32_t)u->n_msgs + 1,
			       .pts = world_pts(u) + 1,
			       .out = body->from == u->id };
	enum err rc = box_add(u, &m, ret);

	if (!rc && w->observer)
		w->observer->on_message(w->observer_ctx, u, *ret);
	return rc;
}

static enum err deliver_group(struct world *w, const struct world_chat *c,
			      struct world_body *body)
{
	struct world_msg *m;
	enum err rc;
	uint32_t i;

	for (i = 0; i < c->n_members; i++) {
		struct world_user *u = world_user(w, c->members[i].user_id);

		if (!u || u->id == body->from)
			continue;
		rc = deliver(w, u, -c->id, body, 0, &m);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err check_peer(const struct world *w, int64_t from, int64_t peer)
{
	const struct world_chat *c;

	if (peer > 0)
		return world_user(w, peer) ? ERR_OK : ERR_NOTFOUND;
	c = world_chat(w, -peer);
	if (!c || c->migrated_to)
		return ERR_NOTFOUND;
	return world_is_member(c, from) ? ERR_OK : ERR_FORBIDDEN;
}

enum err world_send(struct world *w, const struct world_new_msg *n,
		    struct world_msg **ret_msg, bool *ret_again)
{
	struct world_user *from = world_user(w, n->from);
	struct world_dialog *d;
	struct world_body *body;
	struct world_msg *m;
	enum err rc;

	if (!from || n->text_len > WORLD_TEXT_MAX)
		return ERR_INVALID;
	if (world_mark_channel(n->peer))
		return world_channel_post(w, n, ret_msg, ret_again);
	rc = check_peer(w, n->from, n->peer);
	if (rc)
		return rc;
	d = world_dialog(from, n->peer);
	m = d && n->random_id ? imap_get(&d->by_random, n->random_id) : NULL;
	*ret_again = m != NULL;
	if (m) {
		*ret_msg = m;
		return ERR_OK;
	}
	rc = world_body_make(w, n, &body);
	if (rc)
		return rc;
	rc = deliver(w, from, n->peer, body, n->random_id, ret_msg);
	if (!rc && n->peer < 0)
		rc = deliver_group(w, world_chat(w, -n->peer), body);
	else if (!rc && n->peer != n->from)
		rc = deliver(w, world_user(w, n->peer), n->from, body, 0, &m);
	world_body_unref(body);
	return rc;
}

/* How many incoming messages of the dialog lie in (from, to]. */
static int32_t count_incoming(const struct world_user *u,
			      const struct world_dialog *d, int32_t from,
			      int32_t to)
{
	int32_t count = 0;
	uint32_t i;

	for (i = d->n; i > 0 && d->ids[i - 1] > from; i--) {
		if (d->ids[i - 1] <= to && !world_msg(u, d->ids[i - 1])->out)
			count++;
	}
	return count;
}

static enum err read_event(struct world *w, struct world_user *u,
			   struct world_dialog *d, enum world_event_kind kind,
			   int32_t max_id)
{
	struct world_event e = { kind, d->peer, max_id, world_pts(u) + 1 };
	enum err rc = world_box_event(u, &e);

	if (rc)
		return rc;
	if (kind == WORLD_EV_READ_IN) {
		d->unread -= count_incoming(u, d, d->read_in, max_id);
		d->read_in = max_id;
	} else {
		d->read_out = max_id;
	}
	if (w->observer)
		w->observer->on_read(w->observer_ctx, u, &e, d);
	return ERR_OK;
}

static enum err tell_sender(struct world *w, const struct world_user *reader,
			    int64_t peer, const struct world_msg *last)
{
	struct world_user *other = world_user(w, peer);
	struct world_dialog *d;
	int32_t id;

	if (!other || other->id == reader->id)
		return ERR_OK;
	d = world_dialog(other, reader->id);
	id = world_box_find(d, other->msgs, last->body->id);
	if (!d || id <= d->read_out)
		return ERR_OK;
	return read_event(w, other, d, WORLD_EV_READ_OUT, id);
}

enum err world_read(struct world *w, struct world_user *u, int64_t peer,
		    int32_t max_id, const struct world_event **ret_event)
{
	struct world_dialog *d = world_dialog(u, peer);
	enum err rc;

	*ret_event = NULL;
	if (!d || !d->n)
		return ERR_OK;
	if (max_id <= 0 || max_id > d->ids[d->n - 1])
		max_id = d->ids[d->n - 1];
	if (max_id <= d->read_in || !world_msg(u, max_id))
		return ERR_OK;
	rc = read_event(w, u, d, WORLD_EV_READ_IN, max_id);
	if (rc)
		return rc;
	*ret_event = &u->events[u->n_events - 1];
	return peer > 0 ? tell_sender(w, u, peer, world_msg(u, max_id))
			: ERR_OK;
}

enum err world_load_read(struct world *w, int64_t owner,
			 const struct world_event *e, int32_t unread)
{
	struct world_user *u = world_user(w, owner);
	struct world_dialog *d = u ? world_dialog(u, e->peer) : NULL;
	enum err rc;

	if (!d)
		return ERR_CORRUPT;
	rc = world_box_event(u, e);
	if (rc)
		return rc;
	if (e->kind == WORLD_EV_READ_IN) {
		d->read_in = e->value;
		d->unread = unread;
	} else {
		d->read_out = e->value;
	}
	return ERR_OK;
}

enum err world_difference(const struct world_user *u, int32_t pts,
			  uint32_t limit, const struct world_event **ret,
			  uint32_t *ret_n, uint32_t *ret_total)
{
	uint32_t skip, left;

	if (pts < 0 || pts > world_pts(u))
		return ERR_INVALID;
	/* A client without a state asks with 0: it gets everything. */
	skip = pts < WORLD_FIRST_PTS ? 0 : (uint32_t)(pts - WORLD_FIRST_PTS);
	left = u->n_events - skip;
	*ret = left ? &u->events[skip] : NULL;
	*ret_total = left;
	*ret_n = left < limit ? left : limit;
	return ERR_OK;
}
