/* SPDX-License-Identifier: MIT */
/* Who is in a channel, and with what rights. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"

#define LIST_MAX 200

/* ---- coming and going */

static enum err service(struct dc_call *call, const struct world_channel *c,
			enum world_kind kind, const char *text,
			struct world_msg **ret)
{
	struct world_new_msg n = { .from = call->user->id,
				   .peer = c->box.peer,
				   .kind = kind,
				   .text = text,
				   .text_len = strlen(text),
				   .date = call->now };
	bool again;

	return world_channel_post(&call->dc->world, &n, ret, &again);
}

enum err dc_members_join_error(struct dc_call *call, enum err rc)
{
	if (rc == ERR_FORBIDDEN)
		return dc_call_fail(call, 400, "USER_KICKED");
	if (rc == ERR_TOOBIG)
		return dc_call_fail(call, 400, "USERS_TOO_MUCH");
	return rc;
}

enum err dc_members_join(struct dc_call *call, struct world_channel *c,
			 int64_t inviter, struct dyn **ret)
{
	struct world_msg *m;
	char text[24];
	enum err rc;

	rc = world_channel_join(&call->dc->world, c, call->user->id, inviter,
				call->now);
	if (rc)
		return dc_members_join_error(call, rc);
	*ret = dc_channels_look(call, c);
	if (!c->megagroup)
		return ERR_OK;
	snprintf(text, sizeof(text), "%lld", (long long)inviter);
	rc = service(call, c, WORLD_JOINED, text, &m);
	if (!rc)
		*ret = dc_view_sent(call, &m, 1);
	return rc;
}

enum err dc_channels_join(struct dc_call *call, struct err_info *ei)
{
	struct world_channel *c = NULL;
	struct dyn *d = NULL;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, 0, &c);
	if (rc)
		return rc;
	if (world_channel_in(c, call->user->id))
		return dc_call_fail(call, 400, "USER_ALREADY_PARTICIPANT");
	rc = dc_members_join(call, c, call->user->id, &d);
	if (!rc)
		dc_call_obj(call, d);
	return rc;
}

enum err dc_channels_leave(struct dc_call *call, struct err_info *ei)
{
	struct world_channel *c = NULL;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, 0, &c);
	if (rc)
		return rc;
	if (!world_channel_in(c, call->user->id))
		return dc_call_fail(call, 400, "USER_NOT_PARTICIPANT");
	world_channel_leave(&call->dc->world, c, call->user->id);
	dc_call_obj(call, dc_channels_look(call, c));
	return ERR_OK;
}

/* Newer layers also say who could not be invited. */
void dc_members_invited(struct dc_call *call, struct dyn *updates)
{
	struct dyn *d = updates;

	if (schema_by_name(call->schema, TLN_messages_invitedUsers)) {
		d = dyn_new(call->arena, TLN_messages_invitedUsers);
		dyn_set_obj(d, TLF_updates, updates);
		dyn_add_vec(d, TLF_missing_invitees);
	}
	dc_call_obj(call, d);
}

static enum err add_users(struct dc_call *call, struct world_channel *c,
			  char *text, size_t size)
{
	const struct dyn_vec *users = dyn_vec(call->fn, TLF_users);
	struct world_user *u;
	size_t len = 0;
	enum err rc;
	uint32_t i;

	if (!dyn_len(users) || dyn_len(users) > LIST_MAX)
		return dc_call_fail(call, 400, "USERS_TOO_MUCH");
	for (i = 0; i < dyn_len(users); i++) {
		rc = dc_peers_user(call, dyn_item(users, i), &u);
		if (rc)
			return rc;
		if (world_channel_in(c, u->id))
			continue;
		rc = world_channel_join(&call->dc->world, c, u->id,
					call->user->id, call->now);
		if (rc)
			return dc_members_join_error(call, rc);
		len += (size_t)snprintf(text + len, size - len, "%s%lld",
					len ? "," : "", (long long)u->id);
	}
	return ERR_OK;
}

enum err dc_channels_invite(struct dc_call *call, struct err_info *ei)
{
	struct world_channel *c = NULL;
	char text[LIST_MAX * 21] = "";
	struct dyn *d;
	struct world_msg *m;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, 0, &c);
	if (!rc && !world_channel_in(c, call->user->id))
		return dc_call_fail(call, 400, "USER_NOT_PARTICIPANT");
	if (!rc && !c->megagroup)
		rc = dc_channels_open(call, WORLD_MAY_INVITE, &c);
	if (!rc)
		rc = add_users(call, c, text, sizeof(text));
	if (rc)
		return rc;
	d = dc_channels_look(call, c);
	if (c->megagroup && *text) {
		rc = service(call, c, WORLD_ADDED, text, &m);
		if (rc)
			return rc;
		d = dc_view_sent(call, &m, 1);
	}
	dc_members_invited(call, d);
	return ERR_OK;
}

/* ---- lists */

static struct dyn *participant(struct dc_call *call,
			       const struct world_channel *c,
			       const struct world_seat *s)
{
	bool self = s->user_id == call->user->id;
	bool creator = s->user_id == c->creator;
	uint16_t name = s->banned   ? TLN_channelParticipantBanned
			: creator   ? TLN_channelParticipantCreator
			: s->rights ? TLN_channelParticipantAdmin
			: self	    ? TLN_channelParticipantSelf
				    : TLN_channelParticipant;
	struct dyn *d = dyn_new(call->arena, name);

	if (s->banned) {
		dyn_set_obj(d, TLF_peer,
			    dc_objects_peer(call->arena, s->user_id));
		dyn_set_obj(d, TLF_banned_rights,
			    dc_objects_banned(call->arena, s->banned));
		if (!s->in)
			dyn_set_bool(d, TLF_left, true);
		dyn_set_int(d, TLF_kicked_by, c->creator);
		dyn_set_int(d, TLF_date, s->date);
		return d;
	}
	dyn_set_int(d, TLF_user_id, s->user_id);
	dyn_set_int(d, TLF_date, s->date);
	if (creator || s->rights)
		dyn_set_obj(
			d, TLF_admin_rights,
			dc_objects_rights(call->arena,
					  creator ? WORLD_MAY_ALL : s->rights));
	if (s->rights && !creator) {
		dyn_set_int(d, TLF_promoted_by, s->inviter_id);
		if (self)
			dyn_set_bool(d, TLF_self, true);
	}
	if (self)
		dyn_set_int(d, TLF_inviter_id, s->inviter_id);
	if (*s->rank)
		dyn_set_str(d, TLF_rank, s->rank);
	return d;
}

enum err dc_members_one(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_channels_channelParticipant);
	const struct dyn *who = dyn_obj(call->fn, TLF_participant);
	struct world_channel *c = NULL;
	const struct world_seat *s;
	struct world_user *u;
	struct dc_refs refs;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, 0, &c);
	if (!rc)
		rc = dc_peers_user(call, who, &u);
	if (rc)
		return rc;
	s = world_seat(c, u->id);
	if (!s || (!s->in && !s->banned))
		return dc_call_fail(call, 400, "USER_NOT_PARTICIPANT");
	dyn_set_obj(d, TLF_participant, participant(call, c, s));
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	dc_refs_peer(&refs, u->id);
	dc_refs_peer(&refs, c->box.peer);
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
	return ERR_OK;
}

static bool listed(const struct dc_call *call, const struct world_channel *c,
		   const struct world_seat *s)
{
	const struct dyn *filter = dyn_obj(call->fn, TLF_filter);

	if (dyn_is(filter, TLN_channelParticipantsAdmins))
		return s->in && (s->rights || s->user_id == c->creator);
	if (dyn_is(filter, TLN_channelParticipantsKicked))
		return s->banned & WORLD_BANNED_VIEW;
	if (dyn_is(filter, TLN_channelParticipantsBanned))
		return s->banned == WORLD_BANNED_SEND;
	return s->in;
}

enum err dc_members_all(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_channels_channelParticipants);
	int64_t offset = dyn_int(call->fn, TLF_offset, 0);
	int64_t limit = dyn_int(call->fn, TLF_limit, 0), n = 0;
	struct dyn_vec *v = dyn_add_vec(d, TLF_participants);
	struct world_channel *c = NULL;
	const struct world_seat *s;
	struct dc_refs refs;
	uint32_t cursor = 0;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, 0, &c);
	if (rc)
		return rc;
	if (!c->megagroup && !world_channel_can(c, call->user->id, 0))
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	if (limit < 0 || limit > LIST_MAX)
		limit = LIST_MAX;
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	dc_refs_peer(&refs, c->box.peer);
	while ((s = imap_next(&c->seats, &cursor))) {
		if (!listed(call, c, s))
			continue;
		if (n >= offset && n < offset + limit) {
			dyn_push_obj(v, participant(call, c, s));
			dc_refs_peer(&refs, s->user_id);
		}
		n++;
	}
	dyn_set_int(d, TLF_count, n);
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
	return ERR_OK;
}

/* ---- rights */

enum err dc_members_promote(struct dc_call *call, struct err_info *ei)
{
	const char *rank = dyn_str(call->fn, TLF_rank);
	struct world_channel *c = NULL;
	struct world_seat *s;
	struct world_user *u;
	enum err rc;

	(void)ei;
	if (!rank)
		return ERR_NOMEM;
	rc = dc_channels_open(call, WORLD_MAY_PROMOTE, &c);
	if (!rc)
		rc = dc_peers_user(call, dyn_obj(call->fn, TLF_user_id), &u);
	if (rc)
		return rc;
	if (u->id == c->creator)
		return dc_call_fail(call, 400, "USER_CREATOR");
	rc = world_channel_join(&call->dc->world, c, u->id, call->user->id,
				call->now);
	if (rc)
		return dc_members_join_error(call, rc);
	s = world_seat(c, u->id);
	s->rights = dc_objects_rights_of(dyn_obj(call->fn, TLF_admin_rights));
	if (!text_copy(s->rank, sizeof(s->rank), rank))
		return dc_call_fail(call, 400, "ADMIN_RANK_INVALID");
	world_channel_seat_changed(&call->dc->world, c, s);
	dc_call_obj(call, dc_channels_look(call, c));
	return ERR_OK;
}

enum err dc_members_ban(struct dc_call *call, struct err_info *ei)
{
	const struct dyn *how = dyn_obj(call->fn, TLF_banned_rights);
	const struct dyn *who = dyn_obj(call->fn, TLF_participant);
	struct world_channel *c = NULL;
	struct world_seat *s;
	struct world_user *u;
	enum err rc;

	(void)ei;
	rc = dc_channels_open(call, WORLD_MAY_BAN, &c);
	if (!rc)
		rc = dc_peers_user(call, who, &u);
	if (rc)
		return rc;
	if (u->id == c->creator)
		return dc_call_fail(call, 400, "USER_ADMIN_INVALID");
	rc = world_channel_seat(&call->dc->world, c, u->id, &s);
	if (rc)
		return rc;
	s->banned = (dyn_bool(how, TLF_view_messages) ? WORLD_BANNED_VIEW : 0) |
		    (dyn_bool(how, TLF_send_messages) ? WORLD_BANNED_SEND : 0);
	s->rights = 0;
	if (s->banned & WORLD_BANNED_VIEW && s->in)
		world_channel_leave(&call->dc->world, c, u->id);
	else
		world_channel_seat_changed(&call->dc->world, c, s);
	dc_call_obj(call, dc_channels_look(call, c));
	return ERR_OK;
}
