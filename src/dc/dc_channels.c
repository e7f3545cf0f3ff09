/* SPDX-License-Identifier: MIT */
/* channels.* about a channel itself; members and links have files of their own. */
#include <stdio.h>
#include <string.h>

#include "dc/dc_int.h"

#define DIFFERENCE_MAX 100U
#define TOO_LONG 3000U

enum err dc_channels_open(struct dc_call *call, unsigned int right,
			  struct world_channel **ret)
{
	struct world_channel *c = NULL;
	const struct dyn *in = dyn_obj(call->fn, TLF_channel);
	enum err rc;

	rc = dc_peers_channel(call, in ? in : dyn_obj(call->fn, TLF_peer), &c);
	if (rc)
		return rc;
	if (right && !world_channel_can(c, call->user->id, right))
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	*ret = c;
	return ERR_OK;
}

struct dyn *dc_channels_look(struct dc_call *call,
			     const struct world_channel *c)
{
	struct dyn *update = dyn_new(call->arena, TLN_updateChannel), *d;
	struct dc_refs refs;

	dyn_set_int(update, TLF_channel_id, c->id);
	dc_refs_init(&refs, &call->dc->world, call->user->id,
		     dyn_new(call->arena, TLN_updates));
	dc_refs_peer(&refs, c->box.peer);
	d = dc_objects_updates(&refs, call->arena, update, call->now);
	dc_refs_deinit(&refs);
	return d;
}

enum err dc_channels_create(struct dc_call *call, struct err_info *ei)
{
	struct world_new_channel n = {
		.title = dyn_str(call->fn, TLF_title),
		.about = dyn_str(call->fn, TLF_about),
		.creator = call->user->id,
		.megagroup = dyn_bool(call->fn, TLF_megagroup) ||
			     dyn_bool(call->fn, TLF_forum),
		.date = call->now,
	};
	struct world_channel *c;
	struct world_msg *m;
	enum err rc;

	(void)ei;
	if (!n.title || !n.about)
		return ERR_NOMEM;
	rc = world_add_channel(&call->dc->world, &n, &c, &m);
	if (rc == ERR_INVALID)
		return dc_call_fail(call, 400, "CHAT_TITLE_EMPTY");
	if (!rc && dyn_bool(call->fn, TLF_forum))
		rc = world_topic_forum(&call->dc->world, c, true);
	if (rc)
		return rc;
	dc_call_obj(call, dc_view_sent(call, &m, 1));
	return ERR_OK;
}

enum err dc_channels_get(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_chats);
	const struct dyn_vec *ids = dyn_vec(call->fn, TLF_id);
	struct dyn_vec *v = dyn_add_vec(d, TLF_chats);
	struct world_channel *c;
	uint32_t i;

	(void)ei;
	for (i = 0; i < dyn_len(ids); i++) {
		enum err rc = dc_peers_channel(call, dyn_item(ids, i), &c);

		if (rc)
			return rc;
		dyn_push_obj(v,
			     dc_objects_channel(call->arena, &call->dc->world,
						call->user->id, c));
	}
	dc_call_obj(call, d);
	return ERR_OK;
}

static struct dyn *full(struct dc_call *call, const struct world_channel *c)
{
	const struct world_seat *s = world_seat(c, call->user->id);
	struct dyn *d = dyn_new(call->arena, TLN_channelFull);

	dyn_set_int(d, TLF_id, c->id);
	dyn_set_str(d, TLF_about, c->about);
	dyn_set_int(d, TLF_participants_count, c->n_in);
	dyn_set_int(d, TLF_pts, world_channel_pts(c));
	dyn_set_obj(d, TLF_chat_photo, dyn_new(call->arena, TLN_photoEmpty));
	dyn_set_obj(d, TLF_notify_settings,
		    dyn_new(call->arena, TLN_peerNotifySettings));
	dyn_add_vec(d, TLF_bot_info);
	if (c->megagroup || (s && (s->rights || c->creator == s->user_id)))
		dyn_set_bool(d, TLF_can_view_participants, true);
	if (s) {
		dyn_set_int(d, TLF_read_inbox_max_id, s->read_in);
		dyn_set_int(d, TLF_unread_count, world_channel_unread(c, s));
	}
	if (c->migrated_from)
		dyn_set_int(d, TLF_migrated_from_chat_id, c->migrated_from);
	if (c->slow_sec)
		dyn_set_int(d, TLF_slowmode_seconds, c->slow_sec);
	if (c->slow_sec && s && s->next_send > call->now)
		dyn_set_int(d, TLF_slowmode_next_send_date, s->next_send);
	return d;
}

enum err dc_channels_full(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_chatFull);
	struct world_channel *c = NULL;
	struct dc_refs refs;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, 0, &c);
	if (rc)
		return rc;
	dyn_set_obj(d, TLF_full_chat, full(call, c));
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	dc_refs_peer(&refs, c->box.peer);
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
	return ERR_OK;
}

static struct dyn *chat_full(struct dc_call *call, const struct world_chat *c)
{
	struct dyn *d = dyn_new(call->arena, TLN_chatFull);
	struct dyn *all = dyn_new(call->arena, TLN_chatParticipants);
	struct dyn_vec *v = dyn_add_vec(all, TLF_participants);
	uint32_t i;

	for (i = 0; i < c->n_members; i++) {
		const struct world_member *m = &c->members[i];
		bool creator = m->user_id == c->creator;
		struct dyn *p = dyn_new(call->arena,
					creator	   ? TLN_chatParticipantCreator
					: m->admin ? TLN_chatParticipantAdmin
						   : TLN_chatParticipant);

		dyn_set_int(p, TLF_user_id, m->user_id);
		dyn_set_int(p, TLF_inviter_id, m->inviter_id);
		dyn_set_int(p, TLF_date, m->date);
		dyn_push_obj(v, p);
	}
	dyn_set_int(all, TLF_chat_id, c->id);
	dyn_set_int(all, TLF_version, c->version);
	dyn_set_int(d, TLF_id, c->id);
	dyn_set_str(d, TLF_about, c->about);
	dyn_set_obj(d, TLF_participants, all);
	dyn_set_obj(d, TLF_notify_settings,
		    dyn_new(call->arena, TLN_peerNotifySettings));
	return d;
}

enum err dc_channels_full_chat(struct dc_call *call, struct err_info *ei)
{
	const struct world_chat *c =
		world_chat(&call->dc->world, dyn_int(call->fn, TLF_chat_id, 0));
	struct dyn *d = dyn_new(call->arena, TLN_messages_chatFull);
	struct dc_refs refs;
	uint32_t i;

	(void)ei;
	if (!c || !world_is_member(c, call->user->id))
		return dc_call_fail(call, 400, "CHAT_ID_INVALID");
	dyn_set_obj(d, TLF_full_chat, chat_full(call, c));
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	dc_refs_peer(&refs, -c->id);
	for (i = 0; i < c->n_members; i++)
		dc_refs_peer(&refs, c->members[i].user_id);
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_channels_username(struct dc_call *call, struct err_info *ei)
{
	const char *name = dyn_str(call->fn, TLF_username);
	struct world_channel *c = NULL;
	enum err rc;

	(void)ei;
	if (!name)
		return ERR_NOMEM;
	rc = dc_channels_open(call, WORLD_MAY_INFO, &c);
	if (rc)
		return rc;
	if (*name && strlen(name) < 4)
		return dc_call_fail(call, 400, "USERNAME_INVALID");
	rc = world_channel_rename(&call->dc->world, c, name);
	if (rc == ERR_DUPLICATE)
		return dc_call_fail(call, 400, "USERNAME_OCCUPIED");
	if (rc == ERR_INVALID)
		return dc_call_fail(call, 400, "USERNAME_INVALID");
	if (!rc)
		dc_call_bool(call, true);
	return rc;
}

enum err dc_channels_slow(struct dc_call *call, struct err_info *ei)
{
	static const int32_t steps[] = { 0, 5, 10, 30, 60, 300, 900, 3600 };
	int64_t sec = dyn_int(call->fn, TLF_seconds, 0);
	struct world_channel *c = NULL;
	enum err rc;
	size_t i;

	(void)ei;
	rc = dc_channels_open(call, WORLD_MAY_BAN, &c);
	if (rc)
		return rc;
	for (i = 0; i < ARRAY_LEN(steps) && steps[i] != sec; i++)
		;
	if (i == ARRAY_LEN(steps) || !c->megagroup)
		return dc_call_fail(call, 400, "SECONDS_INVALID");
	c->slow_sec = (int32_t)sec;
	world_channel_changed(&call->dc->world, c);
	dc_call_obj(call, dc_channels_look(call, c));
	return ERR_OK;
}

static int64_t dialog_peer(struct dc_call *call, const struct dyn *item)
{
	int64_t peer = 0;

	if (!dyn_is(item, TLN_inputDialogPeer) ||
	    dc_peers_input(call, dyn_obj(item, TLF_peer), &peer))
		return 0;
	return peer;
}

enum err dc_channels_peer_dialogs(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_peerDialogs);
	const struct dyn_vec *peers = dyn_vec(call->fn, TLF_peers);
	struct dyn_vec *dialogs = dyn_add_vec(d, TLF_dialogs);
	struct dyn_vec *msgs = dyn_add_vec(d, TLF_messages);
	struct dc_refs refs;
	uint32_t i;

	(void)ei;
	dyn_set_obj(d, TLF_state,
		    dc_updates_state_object(call, world_pts(call->user)));
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	for (i = 0; i < dyn_len(peers); i++) {
		int64_t peer = dialog_peer(call, dyn_item(peers, i));

		if (!peer) {
			dc_refs_deinit(&refs);
			return dc_call_fail(call, 400, "PEER_ID_INVALID");
		}
		dyn_push_obj(dialogs, dc_dialog_object(call, peer));
		dc_dialog_push_top(call, msgs, &refs, peer);
	}
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
	return ERR_OK;
}

/* ---- what was missed */

static void fill(struct dc_call *call, struct dyn *d,
		 const struct world_channel *c, const struct world_event *e,
		 uint32_t n)
{
	struct dyn_vec *msgs = dyn_add_vec(d, TLF_new_messages);
	struct dyn_vec *other = dyn_add_vec(d, TLF_other_updates);
	const struct world *w = &call->dc->world;
	struct dc_refs refs;
	uint32_t i;

	dc_refs_init(&refs, w, call->user->id, d);
	dc_refs_peer(&refs, c->box.peer);
	for (i = 0; i < n; i++) {
		const struct world_msg *m = world_channel_msg(c, e[i].value);

		if (m)
			dc_refs_msg(&refs, m);
		if (e[i].kind != WORLD_EV_MESSAGE)
			dyn_push_obj(other, dc_objects_channel_event(
						    call->arena, w,
						    call->user->id, c, &e[i]));
		else if (m)
			dyn_push_obj(msgs, dc_objects_post(call->arena, w,
							   call->user->id, m));
	}
	dc_refs_deinit(&refs);
}

static struct dyn *too_long(struct dc_call *call, const struct world_channel *c)
{
	struct dyn *d =
		dyn_new(call->arena, TLN_updates_channelDifferenceTooLong);
	struct dyn_vec *msgs = dyn_add_vec(d, TLF_messages);
	struct dc_refs refs;

	dyn_set_bool(d, TLF_final, true);
	dyn_set_obj(d, TLF_dialog, dc_dialog_object(call, c->box.peer));
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	dc_dialog_push_top(call, msgs, &refs, c->box.peer);
	dc_refs_deinit(&refs);
	return d;
}

enum err dc_channels_difference(struct dc_call *call, struct err_info *ei)
{
	int64_t pts = dyn_int(call->fn, TLF_pts, -1);
	int64_t limit = dyn_int(call->fn, TLF_limit, DIFFERENCE_MAX);
	const struct world_event *events;
	struct world_channel *c = NULL;
	uint32_t n, total;
	struct dyn *d;
	enum err rc;

	(void)ei;
	if (limit < 1 || limit > DIFFERENCE_MAX)
		limit = DIFFERENCE_MAX;
	rc = dc_channels_open(call, 0, &c);
	if (rc)
		return rc;
	if (pts < 0 || pts > INT32_MAX ||
	    world_channel_difference(c, (int32_t)pts, (uint32_t)limit, &events,
				     &n, &total))
		return dc_call_fail(call, 400, "PERSISTENT_TIMESTAMP_INVALID");
	if (total > TOO_LONG) {
		d = too_long(call, c);
	} else {
		d = dyn_new(call->arena,
			    total ? TLN_updates_channelDifference
				  : TLN_updates_channelDifferenceEmpty);
		dyn_set_int(d, TLF_pts,
			    n ? events[n - 1].pts : world_channel_pts(c));
		if (n == total)
			dyn_set_bool(d, TLF_final, true);
		if (total)
			fill(call, d, c, events, n);
	}
	dc_call_obj(call, d);
	return ERR_OK;
}
