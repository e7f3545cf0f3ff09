/* SPDX-License-Identifier: MIT */
/* Bots: made at the admin port, as @BotFather would; signed in by their token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "dc/dc_int.h"
#include "http/http_req.h"

#define BODY_MAX 65536U
#define COMMANDS_MAX 100
#define START_MAX 64
#define START_CHARS                                                            \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define SECRET_BYTES 26 /* 35 characters, as real ones have */

static struct world_user *by_token(const struct dc *dc, struct tl_bytes token)
{
	struct world_user *u;
	int64_t id = 0;
	size_t i;

	for (i = 0; i < token.len && i < 18 && token.data[i] >= '0' &&
		    token.data[i] <= '9';
	     i++)
		id = id * 10 + (token.data[i] - '0');
	u = world_user(&dc->world, id);
	if (!u || !*u->bot_token || strlen(u->bot_token) != token.len ||
	    !secret_memeq(u->bot_token, token.data, token.len))
		return NULL;
	return u;
}

enum err dc_auth_import_bot(struct dc_call *call, struct err_info *ei)
{
	struct world_user *u =
		by_token(call->dc, dyn_bytes(call->fn, TLF_bot_auth_token));

	(void)ei;
	if (dyn_int(call->fn, TLF_api_id, 0) <= 0 ||
	    !dyn_bytes(call->fn, TLF_api_hash).len)
		return dc_call_fail(call, 400, "API_ID_INVALID");
	if (!u)
		return dc_call_fail(call, 400, "ACCESS_TOKEN_INVALID");
	if (u->home_dc && u->home_dc != call->conn->node->id)
		return dc_call_fail(call, 303, "USER_MIGRATE_%d", u->home_dc);
	dc_auth_authorise(call, u);
	return ERR_OK;
}

/* ---- what a bot is asked for: its commands, "/start" */

struct dyn *dc_bots_info(struct arena *a, const struct world_user *u)
{
	struct dyn *d = dyn_new(a, TLN_botInfo);

	dyn_set_int(d, TLF_user_id, u->id);
	dc_blob_put_vec(d, TLF_commands, u->commands);
	return d;
}

static enum err own_commands(struct dc_call *call)
{
	if (!*call->user->bot_token)
		return dc_call_fail(call, 400, "USER_BOT_REQUIRED");
	/* There is one list, for everybody. */
	if (!dyn_is(dyn_obj(call->fn, TLF_scope), TLN_botCommandScopeDefault))
		return dc_call_fail(call, 400, "BOT_COMMAND_INVALID");
	return ERR_OK;
}

enum err dc_bots_set_commands(struct dc_call *call, struct err_info *ei)
{
	struct dyn_vec *v = dyn_vec(call->fn, TLF_commands);
	struct world_blob *fresh = NULL;
	enum err rc;

	(void)ei;
	rc = own_commands(call);
	if (!rc && dyn_len(v) > COMMANDS_MAX)
		rc = dc_call_fail(call, 400, "BOT_COMMANDS_TOO_MUCH");
	if (!rc)
		rc = dc_blob_pack_vec(call, TLN_botInfo, TLF_commands, v,
				      &fresh);
	if (rc)
		return rc;
	world_blob_unref(call->user->commands);
	call->user->commands = fresh;
	dc_store_put_bot(call->dc->store, call->user);
	dc_call_bool(call, true);
	return ERR_OK;
}

enum err dc_bots_reset_commands(struct dc_call *call, struct err_info *ei)
{
	enum err rc;

	(void)ei;
	rc = own_commands(call);
	if (rc)
		return rc;
	world_blob_unref(call->user->commands);
	call->user->commands = NULL;
	dc_store_put_bot(call->dc->store, call->user);
	dc_call_bool(call, true);
	return ERR_OK;
}

enum err dc_bots_get_commands(struct dc_call *call, struct err_info *ei)
{
	const struct dyn *d = dc_blob_object(call->arena, call->user->commands);
	struct dyn_vec *v = dyn_vec(d, TLF_commands);
	enum err rc;

	(void)ei;
	rc = own_commands(call);
	if (!v)
		v = dyn_vec_new(call->arena);
	if (!rc)
		call->result = (struct dyn_val){ .kind = DYN_VEC, .vec = v };
	return rc;
}

/* A deep link: t.me/bot?start=... */
enum err dc_bots_start(struct dc_call *call, struct err_info *ei)
{
	const char *param = dyn_str(call->fn, TLF_start_param);
	struct world_new_msg n = {
		.from = call->user->id,
		.kind = WORLD_TEXT,
		.random_id = dyn_int(call->fn, TLF_random_id, 0),
		.date = call->now,
	};
	char text[WORLD_USERNAME_MAX + START_MAX + 10];
	struct world_user *bot = NULL;
	struct world_msg *m;
	bool again;
	enum err rc;

	(void)ei;
	rc = dc_peers_user(call, dyn_obj(call->fn, TLF_bot), &bot);
	if (!rc)
		rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &n.peer);
	if (rc)
		return rc;
	if (!param)
		return ERR_NOMEM;
	if (!*bot->bot_token)
		return dc_call_fail(call, 400, "BOT_INVALID");
	if (strlen(param) > START_MAX ||
	    strspn(param, START_CHARS) != strlen(param))
		return dc_call_fail(call, 400, "START_PARAM_INVALID");
	if (!n.random_id)
		return dc_call_fail(call, 400, "RANDOM_ID_EMPTY");
	rc = dc_peers_may_post(call, n.peer);
	if (rc)
		return rc;
	n.text = text;
	n.text_len = (size_t)snprintf(
		text, sizeof(text), "/start%s%s%s%s", n.peer < 0 ? "@" : "",
		n.peer < 0 ? bot->username : "", *param ? " " : "", param);
	rc = world_send(&call->dc->world, &n, &m, &again);
	if (rc)
		return dc_peers_error(call, rc);
	dc_call_obj(call, dc_view_sent(call, &m, 1));
	return ERR_OK;
}

/* ---- the admin port */

/* A new one each time: the old one is worth nothing then. */
void dc_bots_token(struct dc *dc, struct world_user *u)
{
	uint8_t random[SECRET_BYTES];
	char text[TEXT_B64_LEN(SECRET_BYTES) + 1];

	rnd_fill(rnd_system(), random, sizeof(random));
	text_b64(text, random, sizeof(random), TEXT_B64_URL);
	snprintf(u->bot_token, sizeof(u->bot_token), "%lld:%s",
		 (long long)u->id, text);
	dc_store_put_bot(dc->store, u);
}

static enum err make_bot(struct dc *dc, struct json body,
			 struct world_user **ret, struct err_info *ei)
{
	struct world_new_user n = { .first = "Bot" };
	int64_t home = 0;
	enum err rc;

	rc = json_need_str(body, "username", WORLD_USERNAME_MAX, &n.username,
			   ei);
	if (!rc)
		rc = json_want_str(body, "first_name", WORLD_NAME_MAX, &n.first,
				   ei);
	if (!rc)
		rc = json_want_int(body, "home_dc", 0, dc->n_nodes, &home, ei);
	if (rc)
		return rc;
	*ret = world_user_by_name(&dc->world, n.username);
	if (*ret && *(*ret)->bot_token)
		return ERR_OK;
	n.home_dc = (int)home;
	rc = world_add_user(&dc->world, &n, ret);
	return rc ? err_set(ei, rc, "username: taken, or no good") : ERR_OK;
}

static enum err post_bots(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct dc *dc = ctx;
	struct world_user *u;
	struct json body;
	struct jsonw w;
	struct buf out;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = make_bot(dc, body, &u, ei);
	if (rc)
		return rc;
	dc_bots_token(dc, u);
	buf_init(&out, BODY_MAX);
	jsonw_init(&w, &out);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "user_id", u->id);
	jsonw_str(&w, "username", u->username);
	jsonw_str(&w, "token", u->bot_token);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	if (!rc)
		http_reply_json(req, 200, &out);
	buf_wipe(&out);
	return rc;
}

enum err dc_bots_routes(struct dc *dc, struct err_info *ei)
{
	static const struct router_row rows[] = {
		{ "POST", "/bots", 0, 0, BODY_MAX, post_bots,
		  "Make a bot, or a new token for one" },
	};

	return router_add(&dc->router, rows, ARRAY_LEN(rows), ei);
}
