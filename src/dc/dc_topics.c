/* SPDX-License-Identifier: MIT */
/*
 * Forums: topics made, changed, listed.  The calls are channels.* in older
 * layers and messages.* in the newest; the fields have the same names but the
 * chat's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"

#define LIST_MAX 100
#define DELETE_MAX 1000

static enum err open_forum(struct dc_call *call, struct world_channel **ret)
{
	struct world_channel *c = NULL;
	enum err rc = dc_channels_open(call, 0, &c);

	if (rc)
		return rc;
	if (!c->forum)
		return dc_call_fail(call, 400, "CHANNEL_FORUM_MISSING");
	*ret = c;
	return ERR_OK;
}

static struct world_topic *named(const struct world_channel *c, int64_t id)
{
	return id > 0 && id <= INT32_MAX ? world_topic(c, (int32_t)id) : NULL;
}

static enum err open_topic(struct dc_call *call, uint16_t field,
			   struct world_channel **ret_c,
			   struct world_topic **ret)
{
	enum err rc = open_forum(call, ret_c);

	if (rc)
		return rc;
	*ret = named(*ret_c, dyn_int(call->fn, field, 0));
	return *ret ? ERR_OK : dc_call_fail(call, 400, "TOPIC_ID_INVALID");
}

/* Its maker, and admins who have the right. */
static bool may_edit(const struct dc_call *call, const struct world_channel *c,
		     const struct world_topic *t)
{
	return t->creator == call->user->id ||
	       world_channel_can(c, call->user->id, WORLD_MAY_TOPICS);
}

enum err dc_topics_toggle(struct dc_call *call, struct err_info *ei)
{
	bool on = dyn_bool(call->fn, TLF_enabled);
	struct world_channel *c = NULL;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, 0, &c);
	if (rc)
		return rc;
	if (c->creator != call->user->id)
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	if (!c->megagroup)
		return dc_call_fail(call, 400, "CHANNEL_INVALID");
	if (c->forum == on)
		return dc_call_fail(call, 400, "CHAT_NOT_MODIFIED");
	rc = world_topic_forum(&call->dc->world, c, on);
	if (!rc)
		dc_call_obj(call, dc_channels_look(call, c));
	return rc;
}

/* ---- making and changing */

static enum err set_title(struct dc_call *call, struct world_topic *t)
{
	const char *title = dyn_str(call->fn, TLF_title);

	if (!title)
		return ERR_NOMEM;
	if (!*title)
		return dc_call_fail(call, 400, "TOPIC_TITLE_EMPTY");
	if (!text_copy(t->title, sizeof(t->title), title))
		return dc_call_fail(call, 400, "TOPIC_TITLE_TOO_LONG");
	return ERR_OK;
}

static enum err say_made(struct dc_call *call, struct world_channel *c,
			 const struct world_topic *t, struct world_msg **ret)
{
	struct dyn *action = dyn_new(call->arena, TLN_messageActionTopicCreate);
	struct world_extra x = { .topic = t->id };

	dyn_set_str(action, TLF_title, t->title);
	dyn_set_int(action, TLF_icon_color, t->color);
	if (t->emoji)
		dyn_set_int(action, TLF_icon_emoji_id, t->emoji);
	return dc_compose_action(call, c->box.peer, action, &x, ret);
}

enum err dc_topics_create(struct dc_call *call, struct err_info *ei)
{
	int64_t random_id = dyn_int(call->fn, TLF_random_id, 0);
	struct world_topic t = { .creator = call->user->id,
				 .date = call->now,
				 .color = 0x6fb9f0 };
	struct world_channel *c = NULL;
	struct world_topic *made;
	struct world_msg *m;
	enum err rc;

	(void)ei;
	rc = open_forum(call, &c);
	if (!rc)
		rc = dc_peers_may_write(call, c);
	if (!rc)
		rc = set_title(call, &t);
	if (rc)
		return rc;
	if (!random_id)
		return dc_call_fail(call, 400, "RANDOM_ID_EMPTY");
	if (imap_get(&c->box.by_random, random_id ^ call->user->id))
		return dc_call_fail(call, 500, "RANDOM_ID_DUPLICATE");
	t.color = (int32_t)dyn_int(call->fn, TLF_icon_color, t.color);
	t.emoji = dyn_int(call->fn, TLF_icon_emoji_id, 0);
	/* It is named by the message that comes next. */
	t.id = (int32_t)c->n_msgs + 1;
	rc = world_topic_add(&call->dc->world, c, &t, &made);
	if (!rc)
		rc = say_made(call, c, made, &m);
	if (!rc)
		dc_call_obj(call, dc_view_sent(call, &m, 1));
	return rc;
}

/* The changes, put into the topic and into what is said about them. */
static enum err change(struct dc_call *call, struct world_topic *t,
		       struct dyn *action)
{
	enum err rc;

	if (dyn_has(call->fn, TLF_title)) {
		rc = set_title(call, t);
		if (rc)
			return rc;
		dyn_set_str(action, TLF_title, t->title);
	}
	if (dyn_has(call->fn, TLF_icon_emoji_id)) {
		t->emoji = dyn_int(call->fn, TLF_icon_emoji_id, 0);
		dyn_set_int(action, TLF_icon_emoji_id, t->emoji);
	}
	if (dyn_has(call->fn, TLF_closed)) {
		t->closed = dyn_bool(call->fn, TLF_closed);
		dyn_set_bool(action, TLF_closed, t->closed);
	}
	if (dyn_has(call->fn, TLF_hidden)) {
		if (t->id != WORLD_TOPIC_GENERAL)
			return dc_call_fail(call, 400, "TOPIC_ID_INVALID");
		t->hidden = dyn_bool(call->fn, TLF_hidden);
		dyn_set_bool(action, TLF_hidden, t->hidden);
	}
	return ERR_OK;
}

static bool same(const struct world_topic *a, const struct world_topic *b)
{
	return !strcmp(a->title, b->title) && a->emoji == b->emoji &&
	       a->closed == b->closed && a->hidden == b->hidden;
}

enum err dc_topics_edit(struct dc_call *call, struct err_info *ei)
{
	struct dyn *action = dyn_new(call->arena, TLN_messageActionTopicEdit);
	struct world_extra x = { 0 };
	struct world_channel *c = NULL;
	struct world_topic *t = NULL, wanted;
	struct world_msg *m;
	enum err rc;

	(void)ei;
	rc = open_topic(call, TLF_topic_id, &c, &t);
	if (rc)
		return rc;
	if (!may_edit(call, c, t))
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	wanted = *t;
	rc = change(call, &wanted, action);
	if (rc)
		return rc;
	if (same(t, &wanted))
		return dc_call_fail(call, 400, "TOPIC_NOT_MODIFIED");
	*t = wanted;
	world_topic_changed(&call->dc->world, c, t);
	x.topic = t->id == WORLD_TOPIC_GENERAL ? 0 : t->id;
	rc = dc_compose_action(call, c->box.peer, action, &x, &m);
	if (!rc)
		dc_call_obj(call, dc_view_sent(call, &m, 1));
	return rc;
}

enum err dc_topics_pin(struct dc_call *call, struct err_info *ei)
{
	struct world_channel *c = NULL;
	struct world_topic *t = NULL;
	enum err rc;

	(void)ei;
	rc = open_topic(call, TLF_topic_id, &c, &t);
	if (rc)
		return rc;
	if (!world_channel_can(c, call->user->id, WORLD_MAY_TOPICS))
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	t->pinned = dyn_bool(call->fn, TLF_pinned);
	world_topic_changed(&call->dc->world, c, t);
	dc_call_obj(call, dc_channels_look(call, c));
	return ERR_OK;
}

enum err dc_topics_delete(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_affectedHistory);
	struct world_channel *c = NULL;
	struct world_topic *t = NULL;
	uint32_t left, n = 0;
	enum err rc;

	(void)ei;
	rc = open_topic(call, TLF_top_msg_id, &c, &t);
	if (rc)
		return rc;
	if (!world_channel_can(c, call->user->id, WORLD_MAY_DELETE))
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	if (t->id == WORLD_TOPIC_GENERAL)
		return dc_call_fail(call, 400, "TOPIC_ID_INVALID");
	for (; t->box.n && n < DELETE_MAX && !rc; n++)
		rc = world_channel_delete(&call->dc->world, c,
					  t->box.ids[t->box.n - 1]);
	if (rc)
		return rc;
	left = t->box.n;
	if (!left)
		world_topic_remove(&call->dc->world, c, t);
	dyn_set_int(d, TLF_pts, world_channel_pts(c));
	dyn_set_int(d, TLF_pts_count, n);
	dyn_set_int(d, TLF_offset, left);
	dc_call_obj(call, d);
	return ERR_OK;
}

/* ---- listing */

static int32_t top_of(const struct world_topic *t)
{
	return t->box.n ? t->box.ids[t->box.n - 1] : 0;
}

static int32_t read_in(const struct dc_call *call,
		       const struct world_channel *c,
		       const struct world_topic *t)
{
	const struct world_seat *s = world_seat(c, call->user->id);
	int32_t own = world_topic_read_by(t, call->user->id);

	return s && s->read_in > own ? s->read_in : own;
}

static int32_t unread(const struct dc_call *call, const struct world_channel *c,
		      const struct world_topic *t, int32_t read)
{
	int32_t n = 0;
	uint32_t i;

	for (i = t->box.n; i > 0 && t->box.ids[i - 1] > read; i--)
		n += world_channel_msg(c, t->box.ids[i - 1])->body->from !=
		     call->user->id;
	return n;
}

static struct dyn *topic_object(struct dc_call *call,
				const struct world_channel *c,
				const struct world_topic *t)
{
	struct dyn *d = dyn_new(call->arena, TLN_forumTopic);
	int32_t read = read_in(call, c, t);

	if (t->creator == call->user->id)
		dyn_set_bool(d, TLF_my, true);
	if (t->closed)
		dyn_set_bool(d, TLF_closed, true);
	if (t->pinned)
		dyn_set_bool(d, TLF_pinned, true);
	if (t->hidden)
		dyn_set_bool(d, TLF_hidden, true);
	dyn_set_int(d, TLF_id, t->id);
	dyn_set_int(d, TLF_date, t->date);
	dyn_set_obj(d, TLF_peer, dc_objects_peer(call->arena, c->box.peer));
	dyn_set_str(d, TLF_title, t->title);
	dyn_set_int(d, TLF_icon_color, t->color);
	if (t->emoji)
		dyn_set_int(d, TLF_icon_emoji_id, t->emoji);
	dyn_set_int(d, TLF_top_message, top_of(t));
	dyn_set_int(d, TLF_read_inbox_max_id, read);
	dyn_set_int(d, TLF_unread_count, unread(call, c, t, read));
	dyn_set_obj(d, TLF_from_id, dc_objects_peer(call->arena, t->creator));
	dyn_set_obj(d, TLF_notify_settings,
		    dyn_new(call->arena, TLN_peerNotifySettings));
	return d;
}

struct listing {
	struct dyn *d;
	struct dyn_vec *topics, *msgs;
	struct dc_refs refs;
};

static void list_begin(struct dc_call *call, const struct world_channel *c,
		       uint32_t count, struct listing *l)
{
	l->d = dyn_new(call->arena, TLN_messages_forumTopics);
	dyn_set_int(l->d, TLF_count, count);
	dyn_set_int(l->d, TLF_pts, world_channel_pts(c));
	l->topics = dyn_add_vec(l->d, TLF_topics);
	l->msgs = dyn_add_vec(l->d, TLF_messages);
	dc_refs_init(&l->refs, &call->dc->world, call->user->id, l->d);
	dc_refs_peer(&l->refs, c->box.peer);
}

static void list_add(struct dc_call *call, const struct world_channel *c,
		     const struct world_topic *t, struct listing *l)
{
	const struct world_msg *m = world_channel_msg(c, top_of(t));

	dyn_push_obj(l->topics, topic_object(call, c, t));
	dc_refs_peer(&l->refs, t->creator);
	if (!m)
		return;
	dyn_push_obj(l->msgs, dc_objects_post(call->arena, &call->dc->world,
					      call->user->id, m));
	dc_refs_msg(&l->refs, m);
}

static void list_end(struct dc_call *call, struct listing *l)
{
	dc_refs_deinit(&l->refs);
	dc_call_obj(call, l->d);
}

/* Pinned ones first, then where something was said last. */
static int newer_first(const void *a, const void *b)
{
	const struct world_topic *x = *(const struct world_topic *const *)a;
	const struct world_topic *y = *(const struct world_topic *const *)b;

	if (x->pinned != y->pinned)
		return x->pinned ? -1 : 1;
	if (top_of(x) != top_of(y))
		return top_of(x) < top_of(y) ? 1 : -1;
	return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

static const struct world_topic **
sorted(struct dc_call *call, const struct world_channel *c, uint32_t *ret_n)
{
	const char *q = dyn_str(call->fn, TLF_q);
	const struct world_topic **all, *t;
	uint32_t cursor = 0, n = 0;

	all = arena_array(call->arena, c->topics.len + 1, sizeof(*all));
	if (!all || !q)
		return NULL;
	while ((t = imap_next(&c->topics, &cursor))) {
		if (!*q || strcasestr(t->title, q))
			all[n++] = t;
	}
	qsort(all, n, sizeof(*all), newer_first);
	*ret_n = n;
	return all;
}

enum err dc_topics_list(struct dc_call *call, struct err_info *ei)
{
	int64_t offset = dyn_int(call->fn, TLF_offset_topic, 0);
	int64_t limit = dyn_int(call->fn, TLF_limit, LIST_MAX);
	const struct world_topic **all;
	struct world_channel *c = NULL;
	uint32_t i = 0, n, done = 0;
	struct listing l;
	enum err rc;

	(void)ei;
	rc = open_forum(call, &c);
	if (rc)
		return rc;
	if (limit < 0 || limit > LIST_MAX)
		limit = LIST_MAX;
	all = sorted(call, c, &n);
	if (!all)
		return ERR_NOMEM;
	/* After the topic that was the last of the page before. */
	while (offset && i < n && all[i]->id != offset)
		i++;
	list_begin(call, c, n, &l);
	for (i += offset != 0; i < n && done < limit; i++, done++)
		list_add(call, c, all[i], &l);
	list_end(call, &l);
	return ERR_OK;
}

enum err dc_topics_get(struct dc_call *call, struct err_info *ei)
{
	const struct dyn_vec *ids = dyn_vec(call->fn, TLF_topics);
	struct world_channel *c = NULL;
	struct listing l;
	enum err rc;
	uint32_t i;

	(void)ei;
	rc = open_forum(call, &c);
	if (rc)
		return rc;
	list_begin(call, c, dyn_len(ids), &l);
	for (i = 0; i < dyn_len(ids) && i < LIST_MAX; i++) {
		const struct world_topic *t = named(c, ids->items[i].i);
		struct dyn *d;

		if (t) {
			list_add(call, c, t, &l);
			continue;
		}
		d = dyn_new(call->arena, TLN_forumTopicDeleted);
		dyn_set_int(d, TLF_id, ids->items[i].i);
		dyn_push_obj(l.topics, d);
	}
	list_end(call, &l);
	return ERR_OK;
}
