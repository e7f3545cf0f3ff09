/* SPDX-License-Identifier: MIT */
/* messages.* that write: sending, making groups. */
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
	/* What was sent before needs no leave again. */
	rc = dc_view_by_random(call, n.peer, n.random_id)
		     ? ERR_OK
		     : dc_peers_may_post(call, n.peer);
	if (!rc)
		rc = dc_compose(call, call->fn, &n);
	if (rc)
		return rc;
	rc = world_send(&call->dc->world, &n, &m, &again);
	dc_compose_end(&n);
	if (rc)
		return dc_peers_error(call, rc);
	if (again && call->dc->knobs.repeat == DC_REPEAT_ERROR)
		return dc_call_fail(call, 500, "RANDOM_ID_DUPLICATE");
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
	dc_members_invited(call, dc_view_sent(call, &m, 1));
	return ERR_OK;
}
