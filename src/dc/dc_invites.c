/* SPDX-License-Identifier: MIT */
/* Links into groups and channels: made, listed, changed, used. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"

#define LIST_MAX 100
#define PREFIX "https://t.me/+"

static void fresh_hash(char hash[WORLD_INVITE_LEN + 1])
{
	uint8_t random[WORLD_INVITE_LEN / 2];

	rnd_fill(rnd_system(), random, sizeof(random));
	text_hex(hash, random, sizeof(random));
}

enum err dc_invites_make(struct dc *dc, int64_t peer, int64_t admin,
			 struct world_invite **ret)
{
	struct world_invite i = { .peer = peer,
				  .admin = admin,
				  .date = dc_now(dc),
				  .permanent = true };

	fresh_hash(i.hash);
	return world_invite_add(&dc->world, &i, ret);
}

static struct dyn *invite_object(struct dc_call *call,
				 const struct world_invite *i)
{
	struct dyn *d = dyn_new(call->arena, TLN_chatInviteExported);
	char link[sizeof(PREFIX) + WORLD_INVITE_LEN];

	snprintf(link, sizeof(link), PREFIX "%s", i->hash);
	dyn_set_str(d, TLF_link, link);
	dyn_set_int(d, TLF_admin_id, i->admin);
	dyn_set_int(d, TLF_date, i->date);
	if (i->revoked)
		dyn_set_bool(d, TLF_revoked, true);
	if (i->permanent)
		dyn_set_bool(d, TLF_permanent, true);
	if (i->request)
		dyn_set_bool(d, TLF_request_needed, true);
	if (i->expires)
		dyn_set_int(d, TLF_expire_date, i->expires);
	if (i->limit)
		dyn_set_int(d, TLF_usage_limit, i->limit);
	if (i->used)
		dyn_set_int(d, TLF_usage, i->used);
	if (*i->title)
		dyn_set_str(d, TLF_title, i->title);
	return d;
}

/* ---- for admins */

static enum err read_limits(struct dc_call *call, struct world_invite *i)
{
	int64_t expires = dyn_int(call->fn, TLF_expire_date, i->expires);
	int64_t limit = dyn_int(call->fn, TLF_usage_limit, i->limit);
	const char *title = dyn_str(call->fn, TLF_title);

	if (!title)
		return ERR_NOMEM;
	if (expires < 0 || expires > INT32_MAX ||
	    (expires && expires <= call->now))
		return dc_call_fail(call, 400, "EXPIRE_DATE_INVALID");
	if (limit < 0 || limit > 99999)
		return dc_call_fail(call, 400, "USAGE_LIMIT_INVALID");
	i->expires = (int32_t)expires;
	i->limit = (int32_t)limit;
	if (dyn_has(call->fn, TLF_request_needed))
		i->request = dyn_bool(call->fn, TLF_request_needed);
	if (dyn_has(call->fn, TLF_title) &&
	    !text_copy(i->title, sizeof(i->title), title))
		return dc_call_fail(call, 400, "CHAT_TITLE_EMPTY");
	return ERR_OK;
}

enum err dc_invites_export(struct dc_call *call, struct err_info *ei)
{
	struct world_invite i = { .admin = call->user->id, .date = call->now },
			    *made;
	struct dc_group g;
	enum err rc;

	(void)ei;
	rc = dc_groups_open(call, WORLD_MAY_INVITE, &g);
	if (!rc)
		rc = read_limits(call, &i);
	if (rc)
		return rc;
	i.peer = g.peer;
	i.permanent = !i.expires && !i.limit && !i.request && !*i.title;
	fresh_hash(i.hash);
	rc = world_invite_add(&call->dc->world, &i, &made);
	if (rc)
		return rc;
	dc_call_obj(call, invite_object(call, made));
	return ERR_OK;
}

enum err dc_invites_list(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_exportedChatInvites);
	struct dyn_vec *v = dyn_add_vec(d, TLF_invites);
	bool revoked = dyn_bool(call->fn, TLF_revoked);
	const struct world_invite *i;
	struct world_user *admin;
	uint32_t cursor = 0, n = 0;
	struct dc_group g;
	enum err rc;

	(void)ei;
	rc = dc_groups_open(call, WORLD_MAY_INVITE, &g);
	if (!rc)
		rc = dc_peers_user(call, dyn_obj(call->fn, TLF_admin_id),
				   &admin);
	if (rc)
		return rc;
	while ((i = imap_next(&call->dc->world.invites, &cursor))) {
		if (i->peer != g.peer || i->admin != admin->id ||
		    i->revoked != revoked)
			continue;
		if (n++ < LIST_MAX)
			dyn_push_obj(v, invite_object(call, i));
	}
	dyn_set_int(d, TLF_count, n);
	dyn_add_vec(d, TLF_users);
	dc_call_obj(call, d);
	return ERR_OK;
}

static const char *hash_of_link(const char *link)
{
	const char *plus = strrchr(link, '+');

	return plus ? plus + 1 : link;
}

static enum err open_link(struct dc_call *call, struct dc_group *g,
			  struct world_invite **ret)
{
	const char *link = dyn_str(call->fn, TLF_link);
	enum err rc = dc_groups_open(call, WORLD_MAY_INVITE, g);

	if (rc)
		return rc;
	if (!link)
		return ERR_NOMEM;
	*ret = world_invite(&call->dc->world, hash_of_link(link));
	if (!*ret || (*ret)->peer != g->peer)
		return dc_call_fail(call, 400, "INVITE_HASH_EXPIRED");
	return ERR_OK;
}

static void answer_link(struct dc_call *call, const struct world_invite *i)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_exportedChatInvite);
	struct dc_refs refs;

	dyn_set_obj(d, TLF_invite, invite_object(call, i));
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	dc_refs_peer(&refs, i->admin);
	dc_refs_deinit(&refs);
	dyn_unset(d, TLF_chats);
	dc_call_obj(call, d);
}

enum err dc_invites_get(struct dc_call *call, struct err_info *ei)
{
	struct world_invite *i = NULL;
	struct dc_group g;
	enum err rc;

	(void)ei;
	rc = open_link(call, &g, &i);
	if (!rc)
		answer_link(call, i);
	return rc;
}

enum err dc_invites_edit(struct dc_call *call, struct err_info *ei)
{
	struct world_invite *i = NULL;
	struct dc_group g;
	enum err rc;

	(void)ei;
	rc = open_link(call, &g, &i);
	if (!rc && i->revoked)
		rc = dc_call_fail(call, 400, "INVITE_REVOKED_MISSING");
	if (!rc)
		rc = read_limits(call, i);
	if (rc)
		return rc;
	i->revoked = dyn_bool(call->fn, TLF_revoked);
	world_invite_changed(&call->dc->world, i);
	answer_link(call, i);
	return ERR_OK;
}

/* Only what was revoked before; here it stays, unlisted. */
enum err dc_invites_delete(struct dc_call *call, struct err_info *ei)
{
	struct world_invite *i = NULL;
	struct dc_group g;
	enum err rc;

	(void)ei;
	rc = open_link(call, &g, &i);
	if (rc)
		return rc;
	if (!i->revoked)
		return dc_call_fail(call, 400, "INVITE_REVOKED_MISSING");
	i->admin = 0;
	world_invite_changed(&call->dc->world, i);
	dc_call_bool(call, true);
	return ERR_OK;
}

/* ---- for those who come */

static enum err by_hash(struct dc_call *call, struct world_invite **ret)
{
	const char *hash = dyn_str(call->fn, TLF_hash);

	if (!hash)
		return ERR_NOMEM;
	if (!*hash)
		return dc_call_fail(call, 400, "INVITE_HASH_EMPTY");
	*ret = world_invite(&call->dc->world, hash);
	if (!*ret || !world_invite_good(*ret, call->now))
		return dc_call_fail(call, 400, "INVITE_HASH_EXPIRED");
	return ERR_OK;
}

static bool is_in(const struct dc_call *call, int64_t peer)
{
	const struct world *w = &call->dc->world;
	const struct world_channel *ch = world_channel_of(w, peer);
	const struct world_chat *c = world_chat(w, -peer);

	return ch ? world_channel_in(ch, call->user->id)
		  : c && world_is_member(c, call->user->id);
}

static struct dyn *preview(struct dc_call *call, const struct world_invite *i)
{
	const struct world_channel *ch =
		world_channel_of(&call->dc->world, i->peer);
	const struct world_chat *c = world_chat(&call->dc->world, -i->peer);
	struct dyn *d = dyn_new(call->arena, TLN_chatInvite);

	if (ch) {
		dyn_set_bool(d, TLF_channel, true);
		dyn_set_bool(d, ch->megagroup ? TLF_megagroup : TLF_broadcast,
			     true);
	}
	if (i->request)
		dyn_set_bool(d, TLF_request_needed, true);
	dyn_set_str(d, TLF_title, ch ? ch->title : c ? c->title : "");
	dyn_set_obj(d, TLF_photo, dyn_new(call->arena, TLN_photoEmpty));
	dyn_set_int(d, TLF_participants_count,
		    ch	? ch->n_in
		    : c ? c->n_members
			: 0);
	return d;
}

enum err dc_invites_check(struct dc_call *call, struct err_info *ei)
{
	const struct world *w = &call->dc->world;
	const struct world_channel *ch;
	struct world_invite *i = NULL;
	struct dyn *d;
	enum err rc;

	(void)ei;
	rc = by_hash(call, &i);
	if (rc)
		return rc;
	ch = world_channel_of(w, i->peer);
	if (!is_in(call, i->peer)) {
		dc_call_obj(call, preview(call, i));
		return ERR_OK;
	}
	d = dyn_new(call->arena, TLN_chatInviteAlready);
	dyn_set_obj(d, TLF_chat,
		    ch ? dc_objects_channel(call->arena, w, call->user->id, ch)
		       : dc_objects_chat(call->arena, w, call->user->id,
					 world_chat(w, -i->peer), true));
	dc_call_obj(call, d);
	return ERR_OK;
}

/* An admin must agree: the wish is noted. */
static enum err ask(struct dc_call *call, struct world_channel *c)
{
	struct world_seat *s = NULL;
	enum err rc =
		world_channel_seat(&call->dc->world, c, call->user->id, &s);

	if (rc)
		return rc;
	if (s->banned & WORLD_BANNED_VIEW)
		return dc_members_join_error(call, ERR_FORBIDDEN);
	s->asks = true;
	dc_store_put_seat(call->dc->store, c, s);
	return dc_call_fail(call, 400, "INVITE_REQUEST_SENT");
}

static enum err enter(struct dc_call *call, const struct world_invite *i,
		      struct dyn **ret)
{
	struct world_channel *ch = world_channel_of(&call->dc->world, i->peer);
	struct world_chat *c = world_chat(&call->dc->world, -i->peer);
	struct world_msg *m;
	enum err rc;

	if (ch && i->request)
		return ask(call, ch);
	if (ch)
		return dc_members_join(call, ch, i->admin, ret);
	if (!c || c->migrated_to)
		return dc_call_fail(call, 400, "INVITE_HASH_EXPIRED");
	rc = dc_groups_add(call, c, call->user, &m);
	if (!rc)
		*ret = dc_view_sent(call, &m, 1);
	return rc;
}

enum err dc_invites_import(struct dc_call *call, struct err_info *ei)
{
	struct world_invite *i = NULL;
	struct dyn *d = NULL;
	enum err rc;

	(void)ei;
	rc = by_hash(call, &i);
	if (rc)
		return rc;
	if (is_in(call, i->peer))
		return dc_call_fail(call, 400, "USER_ALREADY_PARTICIPANT");
	rc = enter(call, i, &d);
	if (rc)
		return rc;
	i->used++;
	world_invite_changed(&call->dc->world, i);
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_invites_decide(struct dc_call *call, struct err_info *ei)
{
	bool yes = dyn_bool(call->fn, TLF_approved);
	struct world_seat *s;
	struct world_user *u;
	struct dc_group g;
	enum err rc;

	(void)ei;
	rc = dc_groups_open(call, WORLD_MAY_INVITE, &g);
	if (!rc)
		rc = dc_peers_user(call, dyn_obj(call->fn, TLF_user_id), &u);
	if (rc)
		return rc;
	s = g.channel ? world_seat(g.channel, u->id) : NULL;
	if (!s || !s->asks)
		return dc_call_fail(call, 400, "HIDE_REQUESTER_MISSING");
	s->asks = false;
	rc = yes ? world_channel_join(&call->dc->world, g.channel, u->id,
				      call->user->id, call->now)
		 : ERR_OK;
	if (rc)
		return dc_members_join_error(call, rc);
	dc_store_put_seat(call->dc->store, g.channel, s);
	dc_call_obj(call, dc_channels_look(call, g.channel));
	return ERR_OK;
}
