/* SPDX-License-Identifier: MIT */
/* Read marks and "is typing". */
#include "dc/dc_int.h"

static void short_to(struct dc_call *call, int64_t to, struct dyn *update)
{
	struct dyn *d = dyn_new(call->arena, TLN_updateShort);

	dyn_set_obj(d, TLF_update, update);
	dyn_set_int(d, TLF_date, call->now);
	dc_push_update(call->dc, to, d);
}

/* ---- read marks */

enum err dc_reading_history(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_affectedMessages);
	const struct world_event *e;
	int64_t peer;
	enum err rc;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &peer);
	if (!rc)
		rc = world_read(&call->dc->world, call->user, peer,
				(int32_t)dyn_int(call->fn, TLF_max_id, 0), &e);
	if (rc)
		return rc;
	dyn_set_int(d, TLF_pts, world_pts(call->user));
	dyn_set_int(d, TLF_pts_count, e ? 1 : 0);
	dc_call_obj(call, d);
	return ERR_OK;
}

/* Those whose messages were read, each once, the newest of each. */
static void tell_authors(struct dc_call *call, const struct world_channel *c,
			 int32_t from, int32_t to)
{
	struct imap told = { 0 };
	uint32_t i;

	for (i = c->box.n; i > 0 && c->box.ids[i - 1] > from; i--) {
		const struct world_msg *m =
			world_channel_msg(c, c->box.ids[i - 1]);
		struct dyn *d;

		if (m->id > to || m->body->from == call->user->id ||
		    imap_get(&told, m->body->from) ||
		    imap_put(&told, m->body->from, call))
			continue;
		d = dyn_new(call->arena, TLN_updateReadChannelOutbox);
		dyn_set_int(d, TLF_channel_id, c->id);
		dyn_set_int(d, TLF_max_id, m->id);
		short_to(call, m->body->from, d);
	}
	imap_deinit(&told);
}

/* The reader's other sessions. */
static void tell_self(struct dc_call *call, const struct world_channel *c,
		      const struct world_seat *s)
{
	struct dyn *d = dyn_new(call->arena, TLN_updateReadChannelInbox);

	dyn_set_int(d, TLF_channel_id, c->id);
	dyn_set_int(d, TLF_max_id, s->read_in);
	dyn_set_int(d, TLF_still_unread_count, world_channel_unread(c, s));
	dyn_set_int(d, TLF_pts, world_channel_pts(c));
	short_to(call, call->user->id, d);
}

enum err dc_reading_channel(struct dc_call *call, struct err_info *ei)
{
	int64_t max_id = dyn_int(call->fn, TLF_max_id, 0);
	struct world_channel *c = NULL;
	struct world_seat *s;
	int32_t before;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, 0, &c);
	if (rc)
		return rc;
	s = world_seat(c, call->user->id);
	if (max_id <= 0 || max_id > c->n_msgs)
		max_id = c->n_msgs;
	if (s && s->in && max_id > s->read_in) {
		before = s->read_in;
		s->read_in = (int32_t)max_id;
		dc_store_put_seat(call->dc->store, c, s);
		tell_self(call, c, s);
		if (c->megagroup)
			tell_authors(call, c, before, s->read_in);
	}
	dc_call_bool(call, true);
	return ERR_OK;
}

enum err dc_reading_topic(struct dc_call *call, struct err_info *ei)
{
	int64_t id = dyn_int(call->fn, TLF_msg_id, 0);
	int64_t max_id = dyn_int(call->fn, TLF_read_max_id, 0);
	struct world_channel *c = NULL;
	struct world_topic *t;
	struct dyn *d;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, 0, &c);
	if (rc)
		return rc;
	t = id > 0 && id <= INT32_MAX ? world_topic(c, (int32_t)id) : NULL;
	if (!t || max_id < 0 || max_id > INT32_MAX)
		return dc_call_fail(call, 400, "MSG_ID_INVALID");
	if (max_id > c->n_msgs)
		max_id = c->n_msgs;
	rc = world_topic_read_to(t, call->user->id, (int32_t)max_id);
	if (rc)
		return rc;
	dc_store_put_topic_read(call->dc->store, c, t, call->user->id);
	d = dyn_new(call->arena, TLN_updateReadChannelDiscussionInbox);
	dyn_set_int(d, TLF_channel_id, c->id);
	dyn_set_int(d, TLF_top_msg_id, t->id);
	dyn_set_int(d, TLF_read_max_id, max_id);
	short_to(call, call->user->id, d);
	dc_call_bool(call, true);
	return ERR_OK;
}

/* ---- typing */

static void typing_channel(struct dc_call *call, const struct world_channel *c,
			   struct dyn *action)
{
	struct dyn *d = dyn_new(call->arena, TLN_updateChannelUserTyping);
	const struct world_seat *s;
	uint32_t cursor = 0;

	dyn_set_int(d, TLF_channel_id, c->id);
	if (dyn_has(call->fn, TLF_top_msg_id))
		dyn_set_int(d, TLF_top_msg_id,
			    dyn_int(call->fn, TLF_top_msg_id, 0));
	dyn_set_obj(d, TLF_from_id,
		    dc_objects_peer(call->arena, call->user->id));
	dyn_set_obj(d, TLF_action, action);
	while ((s = imap_next(&c->seats, &cursor))) {
		if (s->in && s->user_id != call->user->id)
			short_to(call, s->user_id, d);
	}
}

static void typing_group(struct dc_call *call, const struct world_chat *c,
			 struct dyn *action)
{
	struct dyn *d = dyn_new(call->arena, TLN_updateChatUserTyping);
	uint32_t i;

	dyn_set_int(d, TLF_chat_id, c->id);
	dyn_set_obj(d, TLF_from_id,
		    dc_objects_peer(call->arena, call->user->id));
	dyn_set_obj(d, TLF_action, action);
	for (i = 0; i < c->n_members; i++) {
		if (c->members[i].user_id != call->user->id)
			short_to(call, c->members[i].user_id, d);
	}
}

static void typing_user(struct dc_call *call, int64_t to, struct dyn *action)
{
	struct dyn *d = dyn_new(call->arena, TLN_updateUserTyping);

	dyn_set_int(d, TLF_user_id, call->user->id);
	dyn_set_obj(d, TLF_action, action);
	if (to != call->user->id)
		short_to(call, to, d);
}

enum err dc_reading_typing(struct dc_call *call, struct err_info *ei)
{
	struct dyn *action = dyn_obj(call->fn, TLF_action);
	const struct world *w = &call->dc->world;
	int64_t peer;
	enum err rc;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &peer);
	if (!rc && world_mark_channel(peer))
		rc = dc_peers_may_write(call, world_channel_of(w, peer));
	if (rc)
		return rc;
	if (world_mark_channel(peer))
		typing_channel(call, world_channel_of(w, peer), action);
	else if (peer < 0)
		typing_group(call, world_chat(w, -peer), action);
	else
		typing_user(call, peer, action);
	dc_call_bool(call, true);
	return ERR_OK;
}
