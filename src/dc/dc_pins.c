/* SPDX-License-Identifier: MIT */
/* Messages pinned and unpinned. */
#include "dc/dc_int.h"

static enum err may_pin(struct dc_call *call, int64_t peer)
{
	const struct world *w = &call->dc->world;
	const struct world_channel *ch = world_channel_of(w, peer);

	if (ch && !world_channel_can(ch, call->user->id, WORLD_MAY_PIN))
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	return ERR_OK;
}

static enum err pin(struct dc_call *call, int64_t peer, int32_t id, bool on)
{
	struct world *w = &call->dc->world;
	struct world_channel *ch = world_channel_of(w, peer);
	const struct world_msg *m = ch ? NULL : world_msg(call->user, id);

	if (ch)
		return world_channel_pin(w, ch, id, on);
	if (!m || m->peer != peer)
		return ERR_NOTFOUND;
	return world_pin(w, call->user, id, on,
			 dyn_bool(call->fn, TLF_pm_oneside));
}

/* "Ada pinned ...", as an answer to what was pinned. */
static enum err say_pinned(struct dc_call *call, int64_t peer, int32_t id,
			   struct dyn **ret)
{
	struct world_extra x = { 0 };
	struct world_msg *said, m;
	struct dc_view v;
	enum err rc;

	dc_view_open(call, peer, &v);
	if (!dc_view_msg(&v, id, &m))
		return ERR_NOTFOUND;
	x.reply_to = m.body->id;
	x.topic = world_extra(m.body)->topic;
	rc = dc_compose_action(
		call, peer, dyn_new(call->arena, TLN_messageActionPinMessage),
		&x, &said);
	if (!rc)
		*ret = dc_view_sent(call, &said, 1);
	return rc;
}

static struct dyn *pin_update(struct dc_call *call, int64_t peer, int32_t id,
			      bool on)
{
	const struct world *w = &call->dc->world;
	const struct world_channel *ch = world_channel_of(w, peer);
	struct world_event e = { on ? WORLD_EV_PIN : WORLD_EV_UNPIN, peer, id,
				 ch ? world_channel_pts(ch)
				    : world_pts(call->user) };

	return ch ? dc_objects_channel_event(call->arena, w, call->user->id, ch,
					     &e)
		  : dc_objects_event(call->arena, w, call->user, &e);
}

static struct dyn *pin_news(struct dc_call *call, int64_t peer,
			    struct dyn *update)
{
	struct dc_refs refs;
	struct dyn *d;

	dc_refs_init(&refs, &call->dc->world, call->user->id,
		     dyn_new(call->arena, TLN_updates));
	dc_refs_peer(&refs, peer);
	d = dc_objects_updates(&refs, call->arena, update, call->now);
	dc_refs_deinit(&refs);
	return d;
}

enum err dc_pins_one(struct dc_call *call, struct err_info *ei)
{
	int32_t id = (int32_t)dyn_int(call->fn, TLF_id, 0);
	bool on = !dyn_bool(call->fn, TLF_unpin);
	struct dyn *d, *update, *said = NULL;
	int64_t peer = 0;
	enum err rc;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &peer);
	if (!rc)
		rc = may_pin(call, peer);
	if (!rc)
		rc = pin(call, peer, id, on);
	if (rc == ERR_NOTFOUND)
		return dc_call_fail(call, 400, "MESSAGE_ID_INVALID");
	if (rc == ERR_INVALID)
		return dc_call_fail(call, 400, "CHAT_NOT_MODIFIED");
	if (rc)
		return rc;
	update = pin_update(call, peer, id, on);
	d = pin_news(call, peer, update);
	/* One's own side of a private chat is nobody else's business. */
	if (on && !dyn_bool(call->fn, TLF_pm_oneside))
		rc = say_pinned(call, peer, id, &said);
	if (said) {
		dyn_push_obj(dyn_vec(said, TLF_updates), update);
		d = said;
	}
	if (!rc)
		dc_call_obj(call, d);
	return rc;
}

enum err dc_pins_none(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_affectedHistory);
	const struct world_channel *ch;
	int32_t before, after;
	struct world_msg m;
	int64_t peer = 0;
	struct dc_view v;
	enum err rc;
	uint32_t i;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &peer);
	if (!rc)
		rc = may_pin(call, peer);
	if (rc)
		return rc;
	dc_view_open(call, peer, &v);
	ch = v.channel;
	before = ch ? world_channel_pts(ch) : world_pts(call->user);
	for (i = 0; v.box && i < v.box->n && !rc; i++) {
		if (dc_view_msg(&v, v.box->ids[i], &m) && m.pinned)
			rc = pin(call, peer, m.id, false);
	}
	after = ch ? world_channel_pts(ch) : world_pts(call->user);
	dyn_set_int(d, TLF_pts, after);
	dyn_set_int(d, TLF_pts_count, after - before);
	dyn_set_int(d, TLF_offset, 0);
	dc_call_obj(call, d);
	return rc;
}
