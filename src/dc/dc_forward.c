/* SPDX-License-Identifier: MIT */
/* messages.* and channels.* that change or copy what was said. */
#include <string.h>

#include "dc/dc_int.h"

#define FORWARD_MAX 100
#define DELETE_MAX 100

/* ---- forwarding */

struct batch {
	int64_t from, to;
	struct dc_view source;
	const struct dyn_vec *ids, *randoms;
	struct world_msg *sent[FORWARD_MAX];
	struct {
		int64_t old, fresh;
	} albums[FORWARD_MAX];
	uint32_t n_albums;
	int32_t topic;
	bool repeated;
};

static struct world_extra header(const struct dc_call *call,
				 const struct batch *b,
				 const struct world_msg *m)
{
	struct world_extra x = *world_extra(m->body);
	const struct world_channel *c = b->source.channel;

	x.reply_to = 0;
	x.topic = b->topic;
	x.markup = NULL; /* buttons stay where they are */
	if (dyn_bool(call->fn, TLF_drop_author)) {
		x.fwd_from = 0;
		x.fwd_date = x.fwd_post = 0;
	} else if (!x.fwd_from) {
		bool post = c && !c->megagroup;

		x.fwd_from = post ? c->box.peer : m->body->from;
		x.fwd_date = m->body->date;
		x.fwd_post = post ? m->id : 0;
	}
	return x;
}

/* An album stays one, under a number of its own. */
static int64_t album(struct batch *b, int64_t old)
{
	uint32_t i;

	for (i = 0; i < b->n_albums; i++) {
		if (b->albums[i].old == old)
			return b->albums[i].fresh;
	}
	b->albums[i].old = old;
	b->albums[i].fresh = (int64_t)(rnd_u64(rnd_system()) >> 1);
	b->n_albums++;
	return b->albums[i].fresh;
}

/* All of the batch was sent before, and may be answered again. */
static bool sent_before(struct dc_call *call, struct batch *b)
{
	uint32_t i;

	if (call->dc->knobs.repeat != DC_REPEAT_ANSWER)
		return false;
	for (i = 0; i < dyn_len(b->randoms); i++) {
		b->sent[i] =
			dc_view_by_random(call, b->to, b->randoms->items[i].i);
		if (!b->sent[i])
			return false;
	}
	return true;
}

static enum err used_before(struct dc_call *call, const struct batch *b)
{
	uint32_t i, j;

	for (i = 0; i < dyn_len(b->randoms); i++) {
		int64_t id = b->randoms->items[i].i;

		if (!id)
			return dc_call_fail(call, 400, "RANDOM_ID_EMPTY");
		if (dc_view_by_random(call, b->to, id))
			return dc_call_fail(call, 500, "RANDOM_ID_DUPLICATE");
		for (j = 0; j < i; j++) {
			if (b->randoms->items[j].i == id)
				return dc_call_fail(call, 500,
						    "RANDOM_ID_DUPLICATE");
		}
	}
	return ERR_OK;
}

static enum err check_batch(struct dc_call *call, struct batch *b)
{
	struct world_msg m;
	uint32_t i;

	b->ids = dyn_vec(call->fn, TLF_id);
	b->randoms = dyn_vec(call->fn, TLF_random_id);
	if (!dyn_len(b->ids))
		return dc_call_fail(call, 400, "MESSAGE_IDS_EMPTY");
	if (dyn_len(b->ids) > FORWARD_MAX)
		return dc_call_fail(call, 400, "LIMIT_INVALID");
	if (dyn_len(b->ids) != dyn_len(b->randoms))
		return dc_call_fail(call, 400, "RANDOM_ID_INVALID");
	if (dc_peers_protected(call, b->from))
		return dc_call_fail(call, 400, "CHAT_FORWARDS_RESTRICTED");
	for (i = 0; i < dyn_len(b->ids); i++) {
		if (!dc_view_msg(&b->source, (int32_t)b->ids->items[i].i, &m) ||
		    m.peer != b->from || m.body->kind != WORLD_TEXT)
			return dc_call_fail(call, 400, "MESSAGE_ID_INVALID");
		if (m.body->noforwards)
			return dc_call_fail(call, 400,
					    "CHAT_FORWARDS_RESTRICTED");
	}
	b->repeated = sent_before(call, b);
	return b->repeated ? ERR_OK : used_before(call, b);
}

static enum err forward_one(struct dc_call *call, struct batch *b, uint32_t i)
{
	struct world_new_msg n = { .from = call->user->id,
				   .peer = b->to,
				   .kind = WORLD_TEXT,
				   .random_id = b->randoms->items[i].i,
				   .date = call->now };
	struct world_msg m;
	bool again;

	if (!dc_view_msg(&b->source, (int32_t)b->ids->items[i].i, &m))
		return dc_call_fail(call, 400, "MESSAGE_ID_INVALID");
	n.text = m.body->text;
	n.text_len = m.body->text_len;
	n.extra = header(call, b, &m);
	n.noforwards = dyn_bool(call->fn, TLF_noforwards);
	if (dyn_bool(call->fn, TLF_drop_media_captions) && n.extra.file_id) {
		n.text_len = 0;
		n.extra.entities = NULL;
	}
	if (n.extra.grouped_id)
		n.extra.grouped_id = album(b, n.extra.grouped_id);
	return world_send(&call->dc->world, &n, &b->sent[i], &again);
}

enum err dc_messages_forward(struct dc_call *call, struct err_info *ei)
{
	struct world_extra place = { 0 };
	struct batch b = { 0 };
	enum err rc;
	uint32_t i;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_from_peer), &b.from);
	if (!rc)
		rc = dc_peers_input(call, dyn_obj(call->fn, TLF_to_peer),
				    &b.to);
	if (rc)
		return rc;
	dc_view_open(call, b.from, &b.source);
	rc = check_batch(call, &b);
	if (!rc && b.repeated)
		dc_call_obj(call, dc_view_sent(call, b.sent, dyn_len(b.ids)));
	if (rc || b.repeated)
		return rc;
	rc = dc_peers_may_post(call, b.to);
	if (!rc && dyn_len(b.ids) > 1 && dc_peers_slow(call, b.to))
		rc = dc_call_fail(call, 400, "SLOWMODE_MULTI_MSGS_DISABLED");
	if (!rc)
		rc = dc_compose_place(call, b.to, &place);
	if (rc)
		return rc;
	b.topic = place.topic;
	for (i = 0; i < dyn_len(b.ids) && !rc; i++)
		rc = forward_one(call, &b, i);
	if (rc)
		return rc == ERR_RPC ? rc : dc_peers_error(call, rc);
	dc_peers_posted(call, b.to);
	dc_call_obj(call, dc_view_sent(call, b.sent, dyn_len(b.ids)));
	return ERR_OK;
}

/* ---- editing */

static enum err edit_error(struct dc_call *call, enum err rc)
{
	switch (rc) {
	case ERR_NOTFOUND:
		return dc_call_fail(call, 400, "MESSAGE_ID_INVALID");
	case ERR_FORBIDDEN:
		return dc_call_fail(call, 403, "MESSAGE_AUTHOR_REQUIRED");
	case ERR_INVALID:
		return dc_call_fail(call, 400, "MESSAGE_NOT_MODIFIED");
	default:
		return rc;
	}
}

static enum err edit_post(struct dc_call *call, struct world_channel *c,
			  int32_t id, const struct world_rewrite *r)
{
	const struct world_msg *m = world_channel_msg(c, id);

	if (m && m->body->from != call->user->id &&
	    !(!c->megagroup &&
	      world_channel_can(c, call->user->id, WORLD_MAY_EDIT)))
		return ERR_FORBIDDEN;
	return world_channel_edit(&call->dc->world, c, id, r);
}

/* Text, buttons, or both; without a text the one there is stays. */
static enum err read_rewrite(struct dc_call *call, struct world_rewrite *r)
{
	struct tl_bytes text = dyn_bytes(call->fn, TLF_message);
	enum err rc = ERR_OK;

	r->date = call->now;
	r->keep_markup = !*call->user->bot_token;
	if (dyn_has(call->fn, TLF_message)) {
		if (!text.len)
			return dc_call_fail(call, 400, "MESSAGE_EMPTY");
		if (text.len > WORLD_TEXT_MAX)
			return dc_call_fail(call, 400, "MESSAGE_TOO_LONG");
		r->text = (const char *)text.data;
		r->text_len = text.len;
		rc = dc_compose_entities(call, call->fn, &r->entities);
	} else if (!dyn_has(call->fn, TLF_reply_markup)) {
		return dc_call_fail(call, 400, "MESSAGE_EMPTY");
	}
	return rc ? rc : dc_compose_markup(call, &r->markup);
}

static enum err rewrite(struct dc_call *call, struct world_channel *c,
			int32_t id)
{
	struct world_rewrite r = { 0 };
	enum err rc = read_rewrite(call, &r);

	if (!rc)
		rc = c ? edit_post(call, c, id, &r)
		       : world_edit(&call->dc->world, call->user, id, &r);
	world_blob_unref(r.entities);
	world_blob_unref(r.markup);
	return rc;
}

enum err dc_messages_edit(struct dc_call *call, struct err_info *ei)
{
	int32_t id = (int32_t)dyn_int(call->fn, TLF_id, 0);
	struct world *w = &call->dc->world;
	struct world_channel *c;
	struct world_event e;
	struct dyn *d, *update;
	struct dc_refs refs;
	struct dc_view v;
	int64_t peer;
	enum err rc;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &peer);
	if (rc)
		return rc;
	c = world_channel_of(w, peer);
	rc = rewrite(call, c, id);
	if (rc)
		return edit_error(call, rc);
	dc_view_open(call, peer, &v);
	e = (struct world_event){ WORLD_EV_EDIT, peer, id,
				  c ? world_channel_pts(c)
				    : world_pts(call->user) };
	dc_refs_init(&refs, w, call->user->id,
		     dyn_new(call->arena, TLN_updates));
	dc_refs_peer(&refs, peer);
	dc_refs_peer(&refs, call->user->id);
	update = c ? dc_objects_channel_event(call->arena, w, call->user->id, c,
					      &e)
		   : dc_objects_event(call->arena, w, call->user, &e);
	d = dc_objects_updates(&refs, call->arena, update, call->now);
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
	return ERR_OK;
}

/* ---- deleting */

static void affected(struct dc_call *call, int32_t pts, int32_t count)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_affectedMessages);

	dyn_set_int(d, TLF_pts, pts);
	dyn_set_int(d, TLF_pts_count, count);
	dc_call_obj(call, d);
}

enum err dc_messages_delete(struct dc_call *call, struct err_info *ei)
{
	const struct dyn_vec *ids = dyn_vec(call->fn, TLF_id);
	bool revoke = dyn_bool(call->fn, TLF_revoke);
	int32_t before = world_pts(call->user);
	enum err rc = ERR_OK;
	uint32_t i;

	(void)ei;
	for (i = 0; i < dyn_len(ids) && i < DELETE_MAX && !rc; i++) {
		rc = world_delete(&call->dc->world, call->user,
				  (int32_t)ids->items[i].i, revoke);
		/* What is not there any more needs no deleting. */
		if (rc == ERR_NOTFOUND)
			rc = ERR_OK;
	}
	affected(call, world_pts(call->user), world_pts(call->user) - before);
	return rc;
}

#define HISTORY_MAX 1000

/* Some at a time: offset says how many are left. */
enum err dc_messages_delete_history(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_affectedHistory);
	int64_t max_id = dyn_int(call->fn, TLF_max_id, 0), peer = 0;
	bool revoke = dyn_bool(call->fn, TLF_revoke);
	const struct world_dialog *box;
	int32_t before, done = 0;
	enum err rc;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &peer);
	if (!rc && world_mark_channel(peer))
		rc = dc_call_fail(call, 400, "PEER_ID_INVALID");
	if (rc)
		return rc;
	box = world_dialog(call->user, peer);
	before = world_pts(call->user);
	for (; box && box->n && done < HISTORY_MAX && !rc; done++) {
		if (max_id > 0 && box->ids[0] > max_id)
			break;
		rc = world_delete(&call->dc->world, call->user, box->ids[0],
				  revoke);
	}
	if (rc)
		return rc;
	dyn_set_int(d, TLF_pts, world_pts(call->user));
	dyn_set_int(d, TLF_pts_count, world_pts(call->user) - before);
	dyn_set_int(d, TLF_offset,
		    box && box->n && (max_id <= 0 || box->ids[0] <= max_id));
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_channels_delete(struct dc_call *call, struct err_info *ei)
{
	const struct dyn_vec *ids = dyn_vec(call->fn, TLF_id);
	struct world_channel *c = NULL;
	const struct world_msg *m;
	int32_t before;
	enum err rc;
	uint32_t i;

	(void)ei;
	rc = dc_peers_channel(call, dyn_obj(call->fn, TLF_channel), &c);
	if (rc)
		return rc;
	before = world_channel_pts(c);
	for (i = 0; i < dyn_len(ids) && i < DELETE_MAX && !rc; i++) {
		m = world_channel_msg(c, (int32_t)ids->items[i].i);
		if (!m)
			continue;
		if (m->body->from != call->user->id &&
		    !world_channel_can(c, call->user->id, WORLD_MAY_DELETE))
			return dc_call_fail(call, 403,
					    "MESSAGE_DELETE_FORBIDDEN");
		rc = world_channel_delete(&call->dc->world, c, m->id);
	}
	affected(call, world_channel_pts(c), world_channel_pts(c) - before);
	return rc;
}
