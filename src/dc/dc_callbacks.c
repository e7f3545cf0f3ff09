/* SPDX-License-Identifier: MIT */
/*
 * Buttons under a bot's message: who presses one waits for the bot's answer.
 *
 *	messages.getBotCallbackAnswer -> updateBotCallbackQuery to the bot
 *	messages.setBotCallbackAnswer -> the answer to the first call
 *
 * A bot that says nothing in time is BOT_RESPONSE_TIMEOUT for who pressed.
 */
#include <stdlib.h>
#include <string.h>

#include "dc/dc_int.h"

#define PENDING_MAX 10000U

struct query {
	struct wheel_timer timer;
	struct dc *dc;
	int64_t id, bot_id, key_id;
	uint64_t session_id, req_id;
};

static void query_free(struct query *q)
{
	imap_remove(&q->dc->queries, q->id);
	loop_cancel(q->dc->loop, &q->timer);
	free(q);
}

void dc_callbacks_end(struct dc *dc)
{
	struct query *q;
	uint32_t cursor;

	for (cursor = 0; (q = imap_next(&dc->queries, &cursor)); cursor = 0)
		query_free(q);
	imap_deinit(&dc->queries);
}

/* The session that asked, if it is still there. */
static struct dc_sess *asker(const struct query *q)
{
	struct dc_key *k = dc_key_get(q->dc, (uint64_t)q->key_id);
	struct dc_sess *s = k ? k->sessions : NULL;

	while (s && s->id != q->session_id)
		s = s->next;
	return s;
}

/* d NULL: the bot did not answer. */
static void settle(struct query *q, struct dyn *d)
{
	struct dc_call call;
	struct dc_sess *s = asker(q);
	enum err rc = ERR_OK;

	if (s) {
		dc_rpc_resume(q->dc, s, TLN_messages_getBotCallbackAnswer,
			      &call);
		if (d)
			dc_call_obj(&call, d);
		else
			rc = dc_call_fail(&call, 400, "BOT_RESPONSE_TIMEOUT");
		if (dc_rpc_finish(&call, q->req_id, rc) && s->conn)
			dc_conn_drop(q->dc, s->conn);
	}
	query_free(q);
}

static void on_timeout(struct wheel_timer *t, void *ctx)
{
	struct query *q = ctx;
	struct dc *dc = q->dc;

	(void)t;
	settle(q, NULL);
	arena_reset(&dc->arena);
}

/* ---- who presses */

static bool has_button(struct dc_call *call, const struct world_msg *m,
		       struct tl_bytes data)
{
	const struct dyn *markup =
		dc_blob_object(call->arena, world_extra(m->body)->markup);
	const struct dyn_vec *rows = dyn_vec(markup, TLF_rows);
	uint32_t i, j;

	for (i = 0; i < dyn_len(rows); i++) {
		const struct dyn_vec *v =
			dyn_vec(dyn_item(rows, i), TLF_buttons);

		for (j = 0; j < dyn_len(v); j++) {
			const struct dyn *b = dyn_item(v, j);
			struct tl_bytes has = dyn_bytes(b, TLF_data);

			if (dyn_is(b, TLN_keyboardButtonCallback) &&
			    has.len == data.len &&
			    (!has.len || !memcmp(has.data, data.data, has.len)))
				return true;
		}
	}
	return false;
}

/* Where the bot has the same message. */
static bool bots_view(struct dc_call *call, const struct world_user *bot,
		      const struct world_msg *m, int64_t *ret_peer,
		      int32_t *ret_id)
{
	const struct world_dialog *d;

	*ret_peer = m->peer > 0 ? call->user->id : m->peer;
	*ret_id = m->id;
	if (world_mark_channel(m->peer))
		return true;
	d = world_dialog(bot, *ret_peer);
	*ret_id = world_msg_of_body(bot, d, m->body);
	return *ret_id != 0;
}

static enum err tell_bot(struct dc_call *call, const struct world_user *bot,
			 const struct world_msg *m, const struct query *q)
{
	struct dyn *d = dyn_new(call->arena, TLN_updateBotCallbackQuery);
	struct tl_bytes data = dyn_bytes(call->fn, TLF_data);
	struct dyn *holder = dyn_new(call->arena, TLN_updates);
	struct dc_refs refs;
	int64_t peer;
	int32_t id;

	if (!bots_view(call, bot, m, &peer, &id))
		return dc_call_fail(call, 400, "MESSAGE_ID_INVALID");
	dyn_set_int(d, TLF_query_id, q->id);
	dyn_set_int(d, TLF_user_id, call->user->id);
	dyn_set_obj(d, TLF_peer, dc_objects_peer(call->arena, peer));
	dyn_set_int(d, TLF_msg_id, id);
	dyn_set_int(d, TLF_chat_instance,
		    world_access_hash(&call->dc->world, bot->id, peer));
	dyn_set_bytes(d, TLF_data, data.data, data.len);
	dc_refs_init(&refs, &call->dc->world, bot->id, holder);
	dc_refs_peer(&refs, call->user->id);
	dc_refs_peer(&refs, peer);
	dc_push_update(call->dc, bot->id,
		       dc_objects_updates(&refs, call->arena, d, call->now));
	dc_refs_deinit(&refs);
	return ERR_OK;
}

static enum err wait_for(struct dc_call *call, const struct world_user *bot,
			 struct query **ret)
{
	struct dc *dc = call->dc;
	struct query *q;
	enum err rc;

	if (dc->queries.len >= PENDING_MAX)
		return dc_call_fail(call, 400, "BOT_RESPONSE_TIMEOUT");
	q = calloc(1, sizeof(*q));
	if (!q)
		return ERR_NOMEM;
	q->dc = dc;
	q->id = (int64_t)(rnd_u64(rnd_system()) >> 1);
	q->bot_id = bot->id;
	q->key_id = (int64_t)call->key->auth.id;
	q->session_id = call->sess->id;
	q->req_id = call->msg_id;
	rc = imap_put(&dc->queries, q->id, q);
	if (rc) {
		free(q);
		return rc;
	}
	wheel_timer_init(&q->timer, on_timeout, q);
	loop_arm(dc->loop, &q->timer, dc->knobs.callback_ms * US_PER_MS);
	*ret = q;
	return ERR_OK;
}

enum err dc_callbacks_ask(struct dc_call *call, struct err_info *ei)
{
	int64_t id = dyn_int(call->fn, TLF_msg_id, 0);
	const struct world_user *bot;
	struct query *q = NULL;
	struct world_msg m;
	struct dc_view v;
	int64_t peer = 0;
	enum err rc;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &peer);
	if (rc)
		return rc;
	dc_view_open(call, peer, &v);
	if (id <= 0 || id > INT32_MAX || !dc_view_msg(&v, (int32_t)id, &m) ||
	    m.peer != peer)
		return dc_call_fail(call, 400, "MESSAGE_ID_INVALID");
	bot = world_user(&call->dc->world, m.body->from);
	if (!bot || !*bot->bot_token)
		return dc_call_fail(call, 400, "BOT_INVALID");
	if (!has_button(call, &m, dyn_bytes(call->fn, TLF_data)))
		return dc_call_fail(call, 400, "DATA_INVALID");
	rc = wait_for(call, bot, &q);
	if (!rc)
		rc = tell_bot(call, bot, &m, q);
	if (rc && q)
		query_free(q);
	call->later = !rc;
	return rc;
}

/* ---- the bot */

enum err dc_callbacks_answer(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_botCallbackAnswer);
	struct query *q = imap_get(&call->dc->queries,
				   dyn_int(call->fn, TLF_query_id, 0));
	struct tl_bytes text = dyn_bytes(call->fn, TLF_message);
	struct tl_bytes url = dyn_bytes(call->fn, TLF_url);

	(void)ei;
	if (!*call->user->bot_token)
		return dc_call_fail(call, 400, "USER_BOT_REQUIRED");
	if (!q || q->bot_id != call->user->id)
		return dc_call_fail(call, 400, "QUERY_ID_INVALID");
	if (text.len > 200 * 4)
		return dc_call_fail(call, 400, "MESSAGE_TOO_LONG");
	if (dyn_bool(call->fn, TLF_alert))
		dyn_set_bool(d, TLF_alert, true);
	if (dyn_has(call->fn, TLF_message))
		dyn_set_bytes(d, TLF_message, text.data, text.len);
	if (dyn_has(call->fn, TLF_url)) {
		dyn_set_bool(d, TLF_has_url, true);
		dyn_set_bytes(d, TLF_url, url.data, url.len);
	}
	dyn_set_int(d, TLF_cache_time, dyn_int(call->fn, TLF_cache_time, 0));
	settle(q, d);
	dc_call_bool(call, true);
	return ERR_OK;
}
