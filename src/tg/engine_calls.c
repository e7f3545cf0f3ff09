/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tg/engine_int.h"

#define CALL_CHANNEL_LIMIT 100 /* 100000 is for bots */

static struct tl_bytes text(const char *s)
{
	return (struct tl_bytes){ (const uint8_t *)s, strlen(s) };
}

/* Both calls need a query inside; the prefix ends where it begins. */
static enum err write_prefix(const struct engine_app *app, struct buf *inner,
			     struct buf *out, struct err_info *ei)
{
	static const uint8_t query[4];
	const struct tlf_initConnection init = {
		.api_id = app->api_id,
		.device_model = text(app->device_model),
		.system_version = text(app->system_version),
		.app_version = text(app->app_version),
		.system_lang_code = text("en"),
		.lang_pack = text(""), /* only official apps have one */
		.lang_code = text("en"),
		.query = { query, sizeof(query) },
	};
	struct tlf_invokeWithLayer call = { .layer = ENGINE_LAYER };
	struct tl_writer w;
	enum err rc;

	cursor_write(&w, inner);
	rc = tlf_initConnection_write(&w, &init, ei);
	if (rc)
		return rc;
	call.query = (struct tl_bytes){ buf_head(inner), buf_len(inner) };
	cursor_write(&w, out);
	rc = tlf_invokeWithLayer_write(&w, &call, ei);
	if (!rc)
		out->len -= sizeof(query);
	return rc;
}

enum err engine_env_init(struct engine_env *env, const struct engine_app *app,
			 struct err_info *ei)
{
	struct buf inner, out;
	enum err rc;

	if (app->api_id <= 0)
		return err_set(ei, ERR_INVALID,
			       "api_id %d: use your own from my.telegram.org",
			       app->api_id);
	buf_init(&inner, sizeof(env->prefix));
	buf_init(&out, sizeof(env->prefix));
	rc = write_prefix(app, &inner, &out, ei);
	if (rc) {
		rc = err_set(ei, rc, "names of device and app too long");
	} else {
		env->prefix_len = buf_len(&out);
		memcpy(env->prefix, buf_head(&out), env->prefix_len);
	}
	buf_deinit(&inner);
	buf_deinit(&out);
	return rc;
}

static enum err ask(struct engine *e, const struct engine_request *q,
		    struct err_info *ei)
{
	struct engine_call c;
	struct tl_writer w;
	struct buf body;
	enum err rc = engine_call_begin(e, q, ei);

	if (rc)
		return rc;
	buf_init(&body, ENGINE_QUERY_MAX);
	cursor_write(&w, &body);
	rc = bind_write(&w, q->function, q->args, ei);
	if (!rc)
		rc = session_query(&e->session, q->tag, buf_head(&body),
				   buf_len(&body), q->deadline, ei);
	buf_deinit(&body);
	if (rc && rc != ERR_DUPLICATE) {
		c = engine_call_end(e, q->tag);
		engine_call_drop(&c);
	}
	return rc;
}

enum err engine_call(struct engine *e, const struct engine_request *q,
		     struct err_info *ei)
{
	struct engine_request r = *q;
	enum err rc;

	if (!r.tag || ENGINE_TAG_KIND(r.tag))
		return err_set(ei, ERR_INVALID,
			       "a call's tag is not 0 and below 2^60");
	rc = engine_check_rules(e, &r, ei);
	if (rc)
		return rc;
	if (!r.deadline.us)
		r.deadline = mono_add(e->now, ENGINE_CALL_US);
	return ask(e, &r, ei);
}

bool engine_cancel(struct engine *e, uint64_t tag)
{
	return !ENGINE_TAG_KIND(tag) && session_cancel(&e->session, tag);
}

/* A question of our own, small and with our own patience. */
static enum err ask_own(struct engine *e, uint64_t tag, uint16_t function,
			const void *args, struct err_info *ei)
{
	const struct engine_request q = { .function = function,
					  .args = args,
					  .tag = tag,
					  .deadline = mono_add(
						  e->now, ENGINE_CALL_US) };

	/* one of a kind: an older one was for a connection that is gone */
	(void)session_cancel(&e->session, tag);
	return ask(e, &q, ei);
}

enum err engine_ask_self(struct engine *e, struct err_info *ei)
{
	struct tlc_inputUserSelf self = { 0 };
	struct tlt_InputUser user = { .kind = TLN_inputUserSelf,
				      .inputUserSelf = &self };
	const struct tlf_users_getUsers f = { .id = { 1, &user } };

	return ask_own(e, ENGINE_TAG_SELF, TLN_users_getUsers, &f, ei);
}

enum err engine_ask_state(struct engine *e, struct err_info *ei)
{
	const struct tlf_updates_getState f = { 0 };

	return ask_own(e, ENGINE_TAG_STATE, TLN_updates_getState, &f, ei);
}

enum err engine_ask_config(struct engine *e, struct mono now,
			   struct err_info *ei)
{
	const struct tlf_help_getConfig f = { 0 };

	e->now = now;
	return ask_own(e, ENGINE_TAG_CONFIG, TLN_help_getConfig, &f, ei);
}

static enum err ask_channel(struct engine *e, const struct updates_ask *a,
			    struct err_info *ei)
{
	struct tlc_inputChannel channel = { .channel_id = a->channel_id,
					    .access_hash = a->access_hash };
	struct tlc_channelMessagesFilterEmpty all = { 0 };
	const struct tlf_updates_getChannelDifference f = {
		.channel = { .kind = TLN_inputChannel,
			     .inputChannel = &channel },
		.filter = { .kind = TLN_channelMessagesFilterEmpty,
			    .channelMessagesFilterEmpty = &all },
		.pts = a->pos.pts,
		.limit = CALL_CHANNEL_LIMIT,
	};

	peers_use(&e->peers, PEERS_CHANNEL - a->channel_id);
	return ask_own(e, ENGINE_TAG_CHANNEL | (uint64_t)a->channel_id,
		       TLN_updates_getChannelDifference, &f, ei);
}

static enum err ask_difference(struct engine *e, const struct updates_ask *a,
			       struct err_info *ei)
{
	const struct tlf_updates_getDifference f = { .pts = a->pos.pts,
						     .date = a->pos.date,
						     .qts = a->pos.qts };

	if (a->channel)
		return ask_channel(e, a, ei);
	return ask_own(e, ENGINE_TAG_DIFF, TLN_updates_getDifference, &f, ei);
}

/* Its time has not come: it is asked for again later, and then, if it has. */
static void put_off(struct engine *e, const struct updates_ask *a)
{
	if (a->channel)
		updates_channel_failed(&e->updates, a->channel_id, false,
				       e->now);
	else
		updates_diff_failed(&e->updates, e->now);
}

enum err engine_ask_differences(struct engine *e, struct err_info *ei)
{
	struct updates_ask a;
	enum err rc;

	while (updates_poll(&e->updates, e->now, &a)) {
		rc = ask_difference(e, &a, ei);
		if (rc == ERR_FLOOD)
			put_off(e, &a);
		else if (rc)
			return rc;
	}
	return ERR_OK;
}
