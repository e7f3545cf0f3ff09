/* SPDX-License-Identifier: MIT */
/* The world's things as TL objects of layer 223. */
#include <string.h>

#include "dc/dc_int.h"

struct dyn *dc_objects_user(struct arena *a, const struct world *w,
			    int64_t viewer, const struct world_user *u)
{
	struct dyn *d = dyn_new(a, TLN_user);

	dyn_set_int(d, TLF_id, u->id);
	dyn_set_int(d, TLF_access_hash, world_access_hash(w, viewer, u->id));
	if (u->deleted) {
		dyn_set_bool(d, TLF_deleted, true);
		return d;
	}
	dyn_set_str(d, TLF_first_name, u->first);
	if (*u->last)
		dyn_set_str(d, TLF_last_name, u->last);
	if (*u->username)
		dyn_set_str(d, TLF_username, u->username);
	if (*u->bot_token) {
		dyn_set_bool(d, TLF_bot, true);
		dyn_set_int(d, TLF_bot_info_version, 1);
	}
	if (u->id == viewer) {
		dyn_set_bool(d, TLF_self, true);
		if (*u->phone)
			dyn_set_str(d, TLF_phone, u->phone);
	}
	dyn_set_obj(d, TLF_status, dyn_new(a, TLN_userStatusRecently));
	return d;
}

static void put_group_standing(struct dyn *d, const struct world *w,
			       int64_t viewer, const struct world_chat *c)
{
	struct arena *a = d->arena;

	if (world_chat_admin(c, viewer))
		dyn_set_obj(d, TLF_admin_rights,
			    dc_objects_rights(a, WORLD_MAY_ALL &
							 ~WORLD_MAY_TOPICS));
	dyn_set_obj(d, TLF_default_banned_rights, dc_objects_banned(a, 0));
	if (c->migrated_to) {
		struct dyn *to = dyn_new(a, TLN_inputChannel);

		dyn_set_int(to, TLF_channel_id, c->migrated_to);
		dyn_set_int(
			to, TLF_access_hash,
			world_access_hash(w, viewer,
					  world_channel_mark(c->migrated_to)));
		dyn_set_bool(d, TLF_deactivated, true);
		dyn_set_obj(d, TLF_migrated_to, to);
	}
}

struct dyn *dc_objects_chat(struct arena *a, const struct world *w,
			    int64_t viewer, const struct world_chat *c,
			    bool member)
{
	struct dyn *d;

	if (!member) {
		d = dyn_new(a, TLN_chatForbidden);
		dyn_set_int(d, TLF_id, c->id);
		dyn_set_str(d, TLF_title, c->title);
		return d;
	}
	d = dyn_new(a, TLN_chat);
	dyn_set_int(d, TLF_id, c->id);
	if (c->creator == viewer)
		dyn_set_bool(d, TLF_creator, true);
	dyn_set_str(d, TLF_title, c->title);
	dyn_set_obj(d, TLF_photo, dyn_new(a, TLN_chatPhotoEmpty));
	dyn_set_int(d, TLF_participants_count, c->n_members);
	dyn_set_int(d, TLF_date, c->date);
	dyn_set_int(d, TLF_version, c->version);
	if (c->noforwards)
		dyn_set_bool(d, TLF_noforwards, true);
	put_group_standing(d, w, viewer, c);
	return d;
}

struct dyn *dc_objects_peer(struct arena *a, int64_t peer)
{
	int64_t channel = world_mark_channel(peer);
	struct dyn *d = dyn_new(a, channel    ? TLN_peerChannel
				   : peer > 0 ? TLN_peerUser
					      : TLN_peerChat);

	if (channel)
		dyn_set_int(d, TLF_channel_id, channel);
	else if (peer > 0)
		dyn_set_int(d, TLF_user_id, peer);
	else
		dyn_set_int(d, TLF_chat_id, -peer);
	return d;
}

/* ---- who is mentioned */

void dc_refs_init(struct dc_refs *r, const struct world *w, int64_t viewer,
		  struct dyn *into)
{
	*r = (struct dc_refs){ .w = w, .viewer = viewer };
	r->users = dyn_add_vec(into, TLF_users);
	r->chats = dyn_add_vec(into, TLF_chats);
}

void dc_refs_deinit(struct dc_refs *r)
{
	imap_deinit(&r->seen);
}

void dc_refs_peer(struct dc_refs *r, int64_t peer)
{
	struct world_user *u = peer > 0 ? world_user(r->w, peer) : NULL;
	struct world_chat *c = peer < 0 ? world_chat(r->w, -peer) : NULL;
	struct world_channel *ch = world_channel_of(r->w, peer);

	if ((!u && !c && !ch) || imap_get(&r->seen, peer) ||
	    r->seen.len >= DC_REFS_MAX || imap_put(&r->seen, peer, r))
		return;
	if (!r->users || !r->chats)
		return;
	if (u)
		dyn_push_obj(r->users, dc_objects_user(r->users->arena, r->w,
						       r->viewer, u));
	else if (ch)
		dyn_push_obj(r->chats, dc_objects_channel(r->chats->arena, r->w,
							  r->viewer, ch));
	else
		dyn_push_obj(r->chats,
			     dc_objects_chat(r->chats->arena, r->w, r->viewer,
					     c, world_is_member(c, r->viewer)));
}

void dc_refs_msg(struct dc_refs *r, const struct world_msg *m)
{
	dc_refs_peer(r, m->peer);
	dc_refs_peer(r, m->body->from);
	if (world_extra(m->body)->fwd_from)
		dc_refs_peer(r, world_extra(m->body)->fwd_from);
}

/* ---- updates */

struct dyn *dc_objects_event(struct arena *a, const struct world *w,
			     const struct world_user *u,
			     const struct world_event *e)
{
	struct dyn *d;

	switch ((enum world_event_kind)e->kind) {
	case WORLD_EV_PIN:
	case WORLD_EV_UNPIN:
		d = dyn_new(a, TLN_updatePinnedMessages);
		if (e->kind == WORLD_EV_PIN)
			dyn_set_bool(d, TLF_pinned, true);
		dyn_set_obj(d, TLF_peer, dc_objects_peer(a, e->peer));
		dyn_push_int(dyn_add_vec(d, TLF_messages), e->value);
		break;
	case WORLD_EV_READ_IN:
		d = dyn_new(a, TLN_updateReadHistoryInbox);
		dyn_set_obj(d, TLF_peer, dc_objects_peer(a, e->peer));
		dyn_set_int(d, TLF_max_id, e->value);
		dyn_set_int(d, TLF_still_unread_count,
			    world_dialog(u, e->peer)->unread);
		break;
	case WORLD_EV_READ_OUT:
		d = dyn_new(a, TLN_updateReadHistoryOutbox);
		dyn_set_obj(d, TLF_peer, dc_objects_peer(a, e->peer));
		dyn_set_int(d, TLF_max_id, e->value);
		break;
	case WORLD_EV_DELETE:
		d = dyn_new(a, TLN_updateDeleteMessages);
		dyn_push_int(dyn_add_vec(d, TLF_messages), e->value);
		break;
	case WORLD_EV_EDIT:
		/* What is no more cannot be shown; the log stays dense. */
		if (!world_msg(u, e->value)) {
			d = dyn_new(a, TLN_updateDeleteMessages);
			dyn_add_vec(d, TLF_messages);
			break;
		}
		d = dyn_new(a, TLN_updateEditMessage);
		dyn_set_obj(d, TLF_message,
			    dc_objects_message(a, w, world_msg(u, e->value)));
		break;
	default:
		d = dyn_new(a, TLN_updateNewMessage);
		dyn_set_obj(d, TLF_message,
			    dc_objects_message(a, w, world_msg(u, e->value)));
		break;
	}
	dyn_set_int(d, TLF_pts, e->pts);
	dyn_set_int(d, TLF_pts_count, 1);
	return d;
}

struct dyn *dc_objects_updates(struct dc_refs *r, struct arena *a,
			       struct dyn *update, int32_t date)
{
	struct dyn *d = dyn_new(a, TLN_updates);
	struct dyn_vec *v = dyn_add_vec(d, TLF_updates);

	if (update)
		dyn_push_obj(v, update);
	dyn_set_vec(d, TLF_users, r->users);
	dyn_set_vec(d, TLF_chats, r->chats);
	dyn_set_int(d, TLF_date, date);
	dyn_set_int(d, TLF_seq, 0);
	return d;
}
