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

/* A new one each time: the old one is worth nothing then. */
static void make_token(struct dc *dc, struct world_user *u)
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
	make_token(dc, u);
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
