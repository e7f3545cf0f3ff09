/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tg/engine_int.h"
#include "tl/cursor.h"

/* Layer 223, as spelled in src/tl/schema/api_223.tl. */
enum call_id {
	CALL_INVOKE_WITH_LAYER = 0xda9b0d0d,
	CALL_INIT_CONNECTION = 0xc1cd5ea9,
	CALL_GET_USERS = 0x0d91a548,
	CALL_GET_STATE = 0xedd4882a,
	CALL_GET_DIFFERENCE = 0x19c2f763,
	CALL_GET_CHANNEL_DIFFERENCE = 0x03173d78,
	CALL_SEND_MESSAGE = 0x545cd15a,
	CALL_INPUT_USER_SELF = 0xf7c1b13f,
	CALL_INPUT_PEER_SELF = 0x7da07ec9,
	CALL_INPUT_PEER_CHAT = 0x35a95cb9,
	CALL_INPUT_PEER_CHANNEL = 0x27bcbbfc,
	CALL_INPUT_CHANNEL = 0xf35aec28,
	CALL_FILTER_EMPTY = 0x94d42ee7,
};

#define CALL_CHANNEL_LIMIT 100 /* 100000 is for bots */

enum err engine_env_init(struct engine_env *env, const struct engine_app *app,
			 struct err_info *ei)
{
	struct buf out;
	struct tl_writer w;

	if (app->api_id <= 0)
		return err_set(ei, ERR_INVALID,
			       "api_id %d: use your own from my.telegram.org",
			       app->api_id);
	buf_init(&out, sizeof(env->prefix));
	cursor_write(&w, &out);
	cursor_put_u32(&w, CALL_INVOKE_WITH_LAYER);
	cursor_put_i32(&w, ENGINE_LAYER);
	cursor_put_u32(&w, CALL_INIT_CONNECTION);
	cursor_put_u32(&w, 0); /* flags: no proxy, no params */
	cursor_put_i32(&w, app->api_id);
	cursor_put_string(&w, app->device_model);
	cursor_put_string(&w, app->system_version);
	cursor_put_string(&w, app->app_version);
	cursor_put_string(&w, "en");
	cursor_put_string(&w, ""); /* lang_pack: only official apps have one */
	cursor_put_string(&w, "en");
	if (!w.rc) {
		env->prefix_len = buf_len(&out);
		memcpy(env->prefix, buf_head(&out), env->prefix_len);
	}
	buf_deinit(&out);
	if (w.rc)
		return err_set(ei, w.rc, "names of device and app too long");
	return ERR_OK;
}

static enum err ask(struct engine *e, uint64_t tag, struct buf *body,
		    const struct tl_writer *w, struct mono deadline,
		    struct err_info *ei)
{
	enum err rc = w->rc;

	/* one of a kind: an older one was for a connection that is gone */
	if (ENGINE_TAG_KIND(tag))
		(void)session_cancel(&e->session, tag);
	if (rc)
		rc = err_set(ei, rc, "request too long");
	else
		rc = session_query(&e->session, tag, buf_head(body),
				   buf_len(body), deadline, ei);
	buf_deinit(body);
	return rc;
}

enum err engine_ask_self(struct engine *e, struct err_info *ei)
{
	struct buf body;
	struct tl_writer w;

	buf_init(&body, 64);
	cursor_write(&w, &body);
	cursor_put_u32(&w, CALL_GET_USERS);
	cursor_put_vector(&w, 1);
	cursor_put_u32(&w, CALL_INPUT_USER_SELF);
	return ask(e, ENGINE_TAG_SELF, &body, &w,
		   mono_add(e->now, ENGINE_CALL_US), ei);
}

enum err engine_ask_state(struct engine *e, struct err_info *ei)
{
	struct buf body;
	struct tl_writer w;

	buf_init(&body, 64);
	cursor_write(&w, &body);
	cursor_put_u32(&w, CALL_GET_STATE);
	return ask(e, ENGINE_TAG_STATE, &body, &w,
		   mono_add(e->now, ENGINE_CALL_US), ei);
}

static enum err ask_difference(struct engine *e, const struct updates_ask *a,
			       struct err_info *ei)
{
	struct buf body;
	struct tl_writer w;
	uint64_t tag = ENGINE_TAG_DIFF;

	buf_init(&body, 128);
	cursor_write(&w, &body);
	if (a->channel) {
		tag = ENGINE_TAG_CHANNEL | (uint64_t)a->channel_id;
		cursor_put_u32(&w, CALL_GET_CHANNEL_DIFFERENCE);
		cursor_put_u32(&w, 0);
		cursor_put_u32(&w, CALL_INPUT_CHANNEL);
		cursor_put_i64(&w, a->channel_id);
		cursor_put_i64(&w, a->access_hash);
		cursor_put_u32(&w, CALL_FILTER_EMPTY);
		cursor_put_i32(&w, a->pos.pts);
		cursor_put_i32(&w, CALL_CHANNEL_LIMIT);
	} else {
		cursor_put_u32(&w, CALL_GET_DIFFERENCE);
		cursor_put_u32(&w, 0);
		cursor_put_i32(&w, a->pos.pts);
		cursor_put_i32(&w, a->pos.date);
		cursor_put_i32(&w, a->pos.qts);
	}
	return ask(e, tag, &body, &w, mono_add(e->now, ENGINE_CALL_US), ei);
}

enum err engine_ask_differences(struct engine *e, struct err_info *ei)
{
	struct updates_ask a;
	enum err rc;

	while (updates_poll(&e->updates, e->now, &a)) {
		rc = ask_difference(e, &a, ei);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err put_peer(struct engine *e, struct tl_writer *w, int64_t peer,
			 struct err_info *ei)
{
	int64_t hash;

	if (!peer || peer == e->self_id) {
		cursor_put_u32(w, CALL_INPUT_PEER_SELF);
		return ERR_OK;
	}
	if (peer > 0)
		return err_set(ei, ERR_FORBIDDEN,
			       "no private messages to other people");
	if (peer > -ENGINE_CHANNEL_BASE) {
		cursor_put_u32(w, CALL_INPUT_PEER_CHAT);
		cursor_put_i64(w, -peer);
		return ERR_OK;
	}
	peer = -(peer + ENGINE_CHANNEL_BASE);
	hash = updates_get_hash(&e->updates, peer);
	if (!hash)
		return err_set(ei, ERR_NOTFOUND,
			       "the account has not seen this channel yet");
	cursor_put_u32(w, CALL_INPUT_PEER_CHANNEL);
	cursor_put_i64(w, peer);
	cursor_put_i64(w, hash);
	return ERR_OK;
}

enum err engine_send_text(struct engine *e, int64_t peer, const char *text,
			  int64_t random_id, uint64_t tag, struct mono deadline,
			  struct err_info *ei)
{
	struct buf body;
	struct tl_writer w;
	enum err rc;

	if (!text[0] || strlen(text) > 4 * ENGINE_TEXT_MAX)
		return err_set(ei, ERR_INVALID,
			       "a message has 1 to %d characters",
			       ENGINE_TEXT_MAX);
	buf_init(&body, 4 * ENGINE_TEXT_MAX + 128);
	cursor_write(&w, &body);
	cursor_put_u32(&w, CALL_SEND_MESSAGE);
	cursor_put_u32(&w, 0);
	rc = put_peer(e, &w, peer, ei);
	if (rc) {
		buf_deinit(&body);
		return rc;
	}
	cursor_put_string(&w, text);
	cursor_put_i64(&w, random_id);
	return ask(e, ENGINE_TAG_ID(tag), &body, &w, deadline, ei);
}
