/* SPDX-License-Identifier: MIT */
/* messages.* that write: sending, groups, read marks, typing. */
#include <string.h>

#include "dc/dc_int.h"

#define CHARS_MAX 4096

static size_t count_chars(struct tl_bytes text)
{
	size_t i, n = 0;

	for (i = 0; i < text.len; i++)
		n += (text.data[i] & 0xc0) != 0x80;
	return n;
}

static struct dyn *short_sent(struct dc_call *call, const struct world_msg *m)
{
	struct dyn *d = dyn_new(call->arena, TLN_updateShortSentMessage);

	dyn_set_bool(d, TLF_out, true);
	dyn_set_int(d, TLF_id, m->id);
	dyn_set_int(d, TLF_pts, m->pts);
	dyn_set_int(d, TLF_pts_count, 1);
	dyn_set_int(d, TLF_date, m->body->date);
	return d;
}

enum err dc_messages_send(struct dc_call *call, struct err_info *ei)
{
	struct tl_bytes text = dyn_bytes(call->fn, TLF_message);
	struct world_new_msg n = {
		.from = call->user->id,
		.kind = WORLD_TEXT,
		.text = (const char *)text.data,
		.text_len = text.len,
		.random_id = dyn_int(call->fn, TLF_random_id, 0),
		.date = call->now,
	};
	struct world_msg *m;
	bool again;
	enum err rc;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &n.peer);
	if (rc)
		return rc;
	if (!text.len)
		return dc_call_fail(call, 400, "MESSAGE_EMPTY");
	if (count_chars(text) > CHARS_MAX)
		return dc_call_fail(call, 400, "MESSAGE_TOO_LONG");
	if (!n.random_id)
		return dc_call_fail(call, 400, "RANDOM_ID_EMPTY");
	n.extra.reply_to = dc_peers_reply(call, n.peer);
	rc = dc_peers_may_post(call, n.peer);
	if (rc)
		return rc;
	rc = world_send(&call->dc->world, &n, &m, &again);
	if (rc)
		return dc_peers_error(call, rc);
	if (!again)
		dc_peers_posted(call, n.peer);
	/* As Telegram: the short form for others, the long one for oneself. */
	dc_call_obj(call, n.peer > 0 && n.peer != call->user->id
				  ? short_sent(call, m)
				  : dc_view_sent(call, &m, 1));
	return ERR_OK;
}

enum err dc_messages_create_chat(struct dc_call *call, struct err_info *ei)
{
	const struct dyn_vec *users = dyn_vec(call->fn, TLF_users);
	int64_t members[WORLD_MEMBERS_MAX];
	struct world_new_chat n = { .title = dyn_str(call->fn, TLF_title),
				    .creator = call->user->id,
				    .members = members,
				    .date = call->now };
	struct world_chat *c;
	struct world_user *u;
	struct world_msg *m;
	struct dyn *d;
	enum err rc;
	uint32_t i;

	(void)ei;
	if (!dyn_len(users))
		return dc_call_fail(call, 400, "USERS_TOO_FEW");
	if (dyn_len(users) >= WORLD_MEMBERS_MAX)
		return dc_call_fail(call, 400, "USERS_TOO_MUCH");
	for (i = 0; i < dyn_len(users); i++) {
		rc = dc_peers_user(call, dyn_item(users, i), &u);
		if (rc)
			return rc;
		members[n.n_members++] = u->id;
	}
	rc = world_add_chat(&call->dc->world, &n, &c, &m);
	if (rc == ERR_INVALID)
		return dc_call_fail(call, 400, "CHAT_TITLE_EMPTY");
	if (rc)
		return rc;
	d = dc_view_sent(call, &m, 1);
	/* Newer layers also say who could not be invited. */
	if (schema_by_name(call->schema, TLN_messages_invitedUsers)) {
		struct dyn *invited =
			dyn_new(call->arena, TLN_messages_invitedUsers);

		dyn_set_obj(invited, TLF_updates, d);
		dyn_add_vec(invited, TLF_missing_invitees);
		d = invited;
	}
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_messages_read(struct dc_call *call, struct err_info *ei)
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

static void typing_to(struct dc_call *call, int64_t to, struct dyn *update)
{
	struct dyn *d = dyn_new(call->arena, TLN_updateShort);

	dyn_set_obj(d, TLF_update, update);
	dyn_set_int(d, TLF_date, call->now);
	if (to != call->user->id)
		dc_push_update(call->dc, to, d);
}

enum err dc_messages_typing(struct dc_call *call, struct err_info *ei)
{
	struct dyn *action = dyn_obj(call->fn, TLF_action), *d;
	const struct world_chat *c;
	int64_t peer;
	enum err rc;
	uint32_t i;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &peer);
	if (rc)
		return rc;
	c = peer < 0 ? world_chat(&call->dc->world, -peer) : NULL;
	d = dyn_new(call->arena,
		    c ? TLN_updateChatUserTyping : TLN_updateUserTyping);
	dyn_set_obj(d, TLF_action, action);
	if (c) {
		dyn_set_int(d, TLF_chat_id, c->id);
		dyn_set_obj(d, TLF_from_id,
			    dc_objects_peer(call->arena, call->user->id));
	} else {
		dyn_set_int(d, TLF_user_id, call->user->id);
		typing_to(call, peer, d);
	}
	for (i = 0; c && i < c->n_members; i++)
		typing_to(call, c->members[i].user_id, d);
	dc_call_bool(call, true);
	return ERR_OK;
}
