/* SPDX-License-Identifier: MIT */
/*
 * Basic groups: who is in, who is admin, what it is called, how it becomes a
 * supergroup; and what groups and channels share.
 */
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"

/* ---- which one */

static enum err open_chat(struct dc_call *call, int64_t id, unsigned int right,
			  struct dc_group *ret)
{
	struct world_chat *c = id > 0 ? world_chat(&call->dc->world, id) : NULL;

	if (!c || c->migrated_to || !world_is_member(c, call->user->id))
		return dc_call_fail(call, 400, "CHAT_ID_INVALID");
	if (right && !world_chat_admin(c, call->user->id))
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	*ret = (struct dc_group){ .peer = -id, .chat = c };
	return ERR_OK;
}

enum err dc_groups_open(struct dc_call *call, unsigned int right,
			struct dc_group *ret)
{
	const struct dyn *peer = dyn_obj(call->fn, TLF_peer);
	struct world_channel *c = NULL;
	enum err rc;

	if (dyn_has(call->fn, TLF_chat_id))
		return open_chat(call, dyn_int(call->fn, TLF_chat_id, 0), right,
				 ret);
	if (dyn_is(peer, TLN_inputPeerChat))
		return open_chat(call, dyn_int(peer, TLF_chat_id, 0), right,
				 ret);
	rc = dc_channels_open(call, right, &c);
	if (!rc)
		*ret = (struct dc_group){ .peer = c->box.peer, .channel = c };
	return rc;
}

/* A basic group, by its chat_id. */
static enum err open_basic(struct dc_call *call, unsigned int right,
			   struct world_chat **ret)
{
	struct dc_group g = { 0 };
	enum err rc = dc_groups_open(call, right, &g);

	if (rc)
		return rc;
	if (!g.chat)
		return dc_call_fail(call, 400, "CHAT_ID_INVALID");
	*ret = g.chat;
	return ERR_OK;
}

static struct dyn *look(struct dc_call *call, const struct dc_group *g)
{
	struct dc_refs refs;
	struct dyn *d;

	if (g->channel)
		return dc_channels_look(call, g->channel);
	dc_refs_init(&refs, &call->dc->world, call->user->id,
		     dyn_new(call->arena, TLN_updates));
	dc_refs_peer(&refs, g->peer);
	d = dc_objects_updates(&refs, call->arena, NULL, call->now);
	dc_refs_deinit(&refs);
	return d;
}

static void changed(struct dc_call *call, const struct dc_group *g)
{
	if (g->channel)
		world_channel_changed(&call->dc->world, g->channel);
	else
		world_chat_changed(&call->dc->world, g->chat);
}

/* ---- coming and going */

enum err dc_groups_add(struct dc_call *call, struct world_chat *c,
		       struct world_user *u, struct world_msg **ret)
{
	bool self = u == call->user;
	struct dyn *action =
		dyn_new(call->arena, self ? TLN_messageActionChatJoinedByLink
					  : TLN_messageActionChatAddUser);
	enum err rc;

	rc = world_chat_add(&call->dc->world, c, u->id,
			    self ? c->creator : call->user->id, call->now);
	if (rc == ERR_DUPLICATE)
		return dc_call_fail(call, 400, "USER_ALREADY_PARTICIPANT");
	if (rc == ERR_TOOBIG)
		return dc_call_fail(call, 400, "USERS_TOO_MUCH");
	if (rc)
		return rc;
	if (self)
		dyn_set_int(action, TLF_inviter_id, c->creator);
	else
		dyn_push_int(dyn_add_vec(action, TLF_users), u->id);
	return dc_compose_action(call, -c->id, action, NULL, ret);
}

enum err dc_groups_add_user(struct dc_call *call, struct err_info *ei)
{
	struct world_user *u = NULL;
	struct world_msg *m;
	struct world_chat *c = NULL;
	enum err rc;

	(void)ei;
	rc = open_basic(call, 0, &c);
	if (!rc)
		rc = dc_peers_user(call, dyn_obj(call->fn, TLF_user_id), &u);
	if (!rc && u == call->user)
		rc = dc_call_fail(call, 400, "USER_ALREADY_PARTICIPANT");
	if (!rc)
		rc = dc_groups_add(call, c, u, &m);
	if (!rc)
		dc_members_invited(call, dc_view_sent(call, &m, 1));
	return rc;
}

/* Anybody may go; others are sent away by admins or who brought them. */
static bool may_remove(const struct dc_call *call, const struct world_chat *c,
		       const struct world_user *u)
{
	const struct world_member *m = world_chat_member(c, u->id);

	return u == call->user || (u->id != c->creator &&
				   (world_chat_admin(c, call->user->id) ||
				    (m && m->inviter_id == call->user->id)));
}

enum err dc_groups_delete_user(struct dc_call *call, struct err_info *ei)
{
	struct dyn *action =
		dyn_new(call->arena, TLN_messageActionChatDeleteUser);
	struct world_user *u = NULL;
	struct world_msg *m;
	struct world_chat *c = NULL;
	enum err rc;

	(void)ei;
	rc = open_basic(call, 0, &c);
	if (!rc)
		rc = dc_peers_user(call, dyn_obj(call->fn, TLF_user_id), &u);
	if (rc)
		return rc;
	if (!world_is_member(c, u->id))
		return dc_call_fail(call, 400, "USER_NOT_PARTICIPANT");
	if (!may_remove(call, c, u))
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	dyn_set_int(action, TLF_user_id, u->id);
	/* Said first: whom it is about hears it, too. */
	rc = dc_compose_action(call, -c->id, action, NULL, &m);
	if (rc)
		return rc;
	world_chat_remove(&call->dc->world, c, u->id);
	dc_call_obj(call, dc_view_sent(call, &m, 1));
	return ERR_OK;
}

static void tell_members(struct dc_call *call, const struct world_chat *c,
			 struct dyn *update)
{
	struct dyn *d = dyn_new(call->arena, TLN_updateShort);
	uint32_t i;

	dyn_set_obj(d, TLF_update, update);
	dyn_set_int(d, TLF_date, call->now);
	for (i = 0; i < c->n_members; i++)
		dc_push_update(call->dc, c->members[i].user_id, d);
}

enum err dc_groups_admin(struct dc_call *call, struct err_info *ei)
{
	struct dyn *update =
		dyn_new(call->arena, TLN_updateChatParticipantAdmin);
	bool on = dyn_bool(call->fn, TLF_is_admin);
	struct world_member *m;
	struct world_user *u = NULL;
	struct world_chat *c = NULL;
	enum err rc;

	(void)ei;
	rc = open_basic(call, WORLD_MAY_PROMOTE, &c);
	if (!rc)
		rc = dc_peers_user(call, dyn_obj(call->fn, TLF_user_id), &u);
	if (rc)
		return rc;
	if (c->creator != call->user->id)
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	m = world_chat_member(c, u->id);
	if (!m || u == call->user)
		return dc_call_fail(call, 400, "USER_NOT_PARTICIPANT");
	m->admin = on;
	world_chat_changed(&call->dc->world, c);
	dyn_set_int(update, TLF_chat_id, c->id);
	dyn_set_int(update, TLF_user_id, u->id);
	dyn_set_bool(update, TLF_is_admin, on);
	dyn_set_int(update, TLF_version, c->version);
	tell_members(call, c, update);
	dc_call_bool(call, true);
	return ERR_OK;
}

/* ---- what it is called, what may be done with its messages */

enum err dc_groups_title(struct dc_call *call, struct err_info *ei)
{
	struct dyn *action =
		dyn_new(call->arena, TLN_messageActionChatEditTitle);
	const char *title = dyn_str(call->fn, TLF_title);
	struct world_msg *m;
	struct dc_group g;
	char *to;
	enum err rc;

	(void)ei;
	if (!title)
		return ERR_NOMEM;
	rc = dc_groups_open(call, WORLD_MAY_INFO, &g);
	if (rc)
		return rc;
	to = g.channel ? g.channel->title : g.chat->title;
	if (!*title || strlen(title) > WORLD_TITLE_MAX)
		return dc_call_fail(call, 400, "CHAT_TITLE_EMPTY");
	if (!strcmp(to, title))
		return dc_call_fail(call, 400, "CHAT_NOT_MODIFIED");
	if (!text_copy(to, WORLD_TITLE_MAX + 1, title))
		return ERR_INVALID;
	changed(call, &g);
	dyn_set_str(action, TLF_title, title);
	rc = dc_compose_action(call, g.peer, action, NULL, &m);
	if (!rc)
		dc_call_obj(call, dc_view_sent(call, &m, 1));
	return rc;
}

enum err dc_groups_about(struct dc_call *call, struct err_info *ei)
{
	const char *about = dyn_str(call->fn, TLF_about);
	struct dc_group g;
	char *to;
	enum err rc;

	(void)ei;
	if (!about)
		return ERR_NOMEM;
	rc = dc_groups_open(call, WORLD_MAY_INFO, &g);
	if (rc)
		return rc;
	to = g.channel ? g.channel->about : g.chat->about;
	if (!strcmp(to, about))
		return dc_call_fail(call, 400, "CHAT_ABOUT_NOT_MODIFIED");
	if (!text_copy(to, WORLD_ABOUT_MAX + 1, about))
		return dc_call_fail(call, 400, "CHAT_ABOUT_TOO_LONG");
	changed(call, &g);
	dc_call_bool(call, true);
	return ERR_OK;
}

enum err dc_groups_no_forwards(struct dc_call *call, struct err_info *ei)
{
	bool on = dyn_bool(call->fn, TLF_enabled), *to;
	struct dc_group g;
	enum err rc;

	(void)ei;
	rc = dc_groups_open(call, 0, &g);
	if (rc)
		return rc;
	if ((g.channel ? g.channel->creator : g.chat->creator) !=
	    call->user->id)
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	to = g.channel ? &g.channel->noforwards : &g.chat->noforwards;
	if (*to == on)
		return dc_call_fail(call, 400, "CHAT_NOT_MODIFIED");
	*to = on;
	changed(call, &g);
	dc_call_obj(call, look(call, &g));
	return ERR_OK;
}

/* ---- a basic group becomes a supergroup */

static enum err move_members(struct dc_call *call, const struct world_chat *c,
			     struct world_channel *to)
{
	struct world_seat *s;
	enum err rc = ERR_OK;
	uint32_t i;

	for (i = 0; i < c->n_members && !rc; i++) {
		const struct world_member *m = &c->members[i];

		rc = world_channel_join(&call->dc->world, to, m->user_id,
					m->inviter_id, m->date);
		s = rc ? NULL : world_seat(to, m->user_id);
		if (!s || !m->admin)
			continue;
		s->rights = WORLD_MAY_ALL & ~(unsigned int)WORLD_MAY_PROMOTE;
		world_channel_seat_changed(&call->dc->world, to, s);
	}
	return rc;
}

static enum err say_moved(struct dc_call *call, struct world_chat *c,
			  struct world_channel *to, struct world_msg *ret[2])
{
	struct dyn *there =
		dyn_new(call->arena, TLN_messageActionChatMigrateTo);
	struct dyn *here =
		dyn_new(call->arena, TLN_messageActionChannelMigrateFrom);
	enum err rc;

	dyn_set_int(there, TLF_channel_id, to->id);
	dyn_set_str(here, TLF_title, c->title);
	dyn_set_int(here, TLF_chat_id, c->id);
	rc = dc_compose_action(call, -c->id, there, NULL, &ret[0]);
	c->migrated_to = to->id;
	world_chat_changed(&call->dc->world, c);
	return rc ? rc
		  : dc_compose_action(call, to->box.peer, here, NULL, &ret[1]);
}

enum err dc_groups_migrate(struct dc_call *call, struct err_info *ei)
{
	struct world_new_channel n = { .megagroup = true, .date = call->now };
	struct world_channel *to;
	struct world_msg *m[2];
	struct world_chat *c = NULL;
	enum err rc;

	(void)ei;
	rc = open_basic(call, 0, &c);
	if (rc)
		return rc;
	if (c->creator != call->user->id)
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	n.title = c->title;
	n.about = c->about;
	n.creator = c->creator;
	n.migrated_from = c->id;
	rc = world_add_channel(&call->dc->world, &n, &to, m);
	if (!rc)
		rc = move_members(call, c, to);
	if (rc)
		return rc;
	to->noforwards = c->noforwards;
	world_channel_changed(&call->dc->world, to);
	rc = say_moved(call, c, to, m);
	if (!rc)
		dc_call_obj(call, dc_view_sent(call, m, 2));
	return rc;
}
