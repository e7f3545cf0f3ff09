/* SPDX-License-Identifier: MIT */
/*
 * Limits as on Telegram, written by the test: so many calls of a method in so
 * many seconds, then a wait (or another error) for that account, or for that
 * account in that chat.  And what became of an account: banned, frozen, gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"
#include "http/http_req.h"

#define BODY_MAX 65536
#define SPENT_MAX 200000U
#define META_RULES "rules"
#define META_SET "rules_set"

static const char *const states[] = { "ok", "banned", "frozen", "deactivated" };

/* What one account used up under one rule, in one chat. */
struct spent {
	struct mono since, until;
	uint32_t calls;
};

void dc_rules_clear(struct dc *dc)
{
	struct spent *s;
	uint32_t cursor = 0;

	while ((s = imap_next(&dc->spent, &cursor)))
		free(s);
	imap_deinit(&dc->spent);
	dc->spent = (struct imap){ 0 };
	dc->n_rules = 0;
}

static int64_t chat_of(struct dc_call *call)
{
	const struct dyn *in = dyn_obj(call->fn, TLF_to_peer);
	int64_t peer = 0;

	if (!in)
		in = dyn_obj(call->fn, TLF_peer);
	return in && !dc_peers_input(call, in, &peer) ? peer : 0;
}

static int64_t spent_key(struct dc_call *call, uint32_t rule, int64_t chat)
{
	int64_t who = world_access_hash(&call->dc->world,
					(int64_t)call->dc->rules_set,
					call->user->id * DC_RULES_MAX + rule);

	return world_access_hash(&call->dc->world, who, chat);
}

/* A wait that was told counts after a restart as well. */
static void wait_name(int64_t key, char *dst, size_t size)
{
	snprintf(dst, size, "wait:%llx", (unsigned long long)key);
}

static void wait_save(struct dc *dc, int64_t key, int64_t wait_us)
{
	int64_t until = dc_wall(dc).us + wait_us;
	char name[32];

	wait_name(key, name, sizeof(name));
	dc_store_put_meta(dc->store, name, &until, sizeof(until));
}

static void wait_load(struct dc *dc, int64_t key, struct spent *s)
{
	int64_t until = 0, left;
	char name[32];
	size_t len;

	wait_name(key, name, sizeof(name));
	if (dc_store_get_meta(dc->store, name, &until, sizeof(until), &len,
			      NULL) ||
	    len != sizeof(until))
		return;
	left = until - dc_wall(dc).us;
	if (left > 0)
		s->until = mono_add(loop_now(dc->loop), left);
}

static struct spent *spent_of(struct dc_call *call, uint32_t rule, int64_t chat)
{
	struct imap *m = &call->dc->spent;
	int64_t key = spent_key(call, rule, chat);
	struct spent *s = imap_get(m, key);

	if (s || m->len >= SPENT_MAX)
		return s;
	s = calloc(1, sizeof(*s));
	if (s && imap_put(m, key, s)) {
		free(s);
		s = NULL;
	}
	if (s)
		wait_load(call->dc, key, s);
	return s;
}

static enum err refuse(struct dc_call *call, const struct dc_rule *r,
		       int64_t left_us)
{
	call->dc->counters.floods++;
	/* PEER_FLOOD and the like say no time. */
	if (!strstr(r->error, "WAIT"))
		return dc_call_fail(call, 400, "%s", r->error);
	return dc_call_fail(
		call, 420, "%s_%lld", r->error,
		(long long)((left_us + US_PER_SEC - 1) / US_PER_SEC));
}

static enum err check_rule(struct dc_call *call, uint32_t i)
{
	const struct dc_rule *r = &call->dc->rules[i];
	struct mono now = loop_now(call->dc->loop);
	int64_t chat = r->chat || r->per_chat ? chat_of(call) : 0;
	struct spent *s;
	int64_t left;

	if (r->chat && r->chat != chat)
		return ERR_OK;
	s = spent_of(call, i, chat);
	if (!s)
		return ERR_NOMEM;
	left = mono_diff(s->until, now);
	if (s->until.us && left > 0) {
		call->dc->counters.flood_ignored +=
			strstr(r->error, "WAIT") != NULL;
		return refuse(call, r, left);
	}
	if (!s->since.us || s->until.us ||
	    mono_diff(now, s->since) >= r->window_sec * US_PER_SEC)
		*s = (struct spent){ .since = now };
	if (s->calls++ < r->budget)
		return ERR_OK;
	s->until = mono_add(now, r->wait_sec * US_PER_SEC);
	wait_save(call->dc, spent_key(call, i, chat), r->wait_sec * US_PER_SEC);
	return refuse(call, r, r->wait_sec * US_PER_SEC);
}

static enum err check_state(struct dc_call *call, unsigned int flags)
{
	switch (call->dc->n_states ? dc_rules_state(call->dc, call->user->id)
				   : DC_STATE_OK) {
	case DC_STATE_BANNED:
		return dc_call_fail(call, 401, "USER_DEACTIVATED_BAN");
	case DC_STATE_GONE:
		return dc_call_fail(call, 401, "USER_DEACTIVATED");
	case DC_STATE_FROZEN:
		if (flags & DC_WRITE)
			return dc_call_fail(call, 420, "FROZEN_METHOD_INVALID");
		return ERR_OK;
	default:
		return ERR_OK;
	}
}

enum err dc_rules_check(struct dc_call *call, unsigned int flags)
{
	const char *method = schema_name_text(call->fn->name);
	enum err rc;
	uint32_t i;

	rc = check_state(call, flags);
	for (i = 0; i < call->dc->n_rules && !rc; i++) {
		const struct dc_rule *r = &call->dc->rules[i];

		if ((r->user_id && r->user_id != call->user->id) ||
		    strcmp(r->method, method) != 0)
			continue;
		rc = check_rule(call, i);
	}
	return rc;
}

/* What a frozen account is told about it, by help.getAppConfig. */
void dc_rules_describe(struct dc_call *call, struct dyn_vec *v)
{
	static const struct {
		const char *key;
		int64_t in_sec;
	} dates[] = { { "freeze_since_date", 0 },
		      { "freeze_until_date", 30 * 86400 } };
	struct dyn *pair, *value;
	size_t i;

	if (!call->user || !call->dc->n_states ||
	    dc_rules_state(call->dc, call->user->id) != DC_STATE_FROZEN)
		return;
	for (i = 0; i < ARRAY_LEN(dates); i++) {
		pair = dyn_new(call->arena, TLN_jsonObjectValue);
		value = dyn_new(call->arena, TLN_jsonNumber);
		dyn_set_double(value, TLF_value,
			       (double)(call->now + dates[i].in_sec));
		dyn_set_str(pair, TLF_key, dates[i].key);
		dyn_set_obj(pair, TLF_value, value);
		dyn_push_obj(v, pair);
	}
}

/* ---- what became of an account; kept in the state file */

static void state_name(int64_t user_id, char *dst, size_t size)
{
	snprintf(dst, size, "state:%lld", (long long)user_id);
}

enum dc_account_state dc_rules_state(struct dc *dc, int64_t user_id)
{
	const struct dc_account *a = imap_get(&dc->accounts, user_id);

	return a ? a->state : DC_STATE_OK;
}

enum err dc_rules_set_state(struct dc *dc, struct world_user *u,
			    const char *text, struct err_info *ei)
{
	struct dc_account *a;
	uint8_t state;
	char name[40];
	size_t i;

	for (i = 0; i < ARRAY_LEN(states); i++) {
		if (!strcmp(states[i], text))
			break;
	}
	if (i == ARRAY_LEN(states))
		return err_set(ei, ERR_INVALID,
			       "state: ok, banned, frozen or deactivated");
	state = (uint8_t)i;
	a = dc_key_account(dc, u->id);
	if (!a)
		return err_set(ei, ERR_NOMEM, "account");
	a->state = (enum dc_account_state)state;
	u->deleted = a->state == DC_STATE_GONE;
	dc->n_states++; /* only ever asked: any at all? */
	state_name(u->id, name, sizeof(name));
	dc_store_put_meta(dc->store, name, &state, 1);
	return ERR_OK;
}

static enum err post_state(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct dc *dc = ctx;
	struct world_user *u;
	const char *text;
	struct json body;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = dc_admin_user(dc, body, "phone", &u, ei);
	if (!rc)
		rc = json_need_str(body, "state", 16, &text, ei);
	if (!rc)
		rc = dc_rules_set_state(dc, u, text, ei);
	return rc ? rc : dc_admin_ok(req);
}

/* ---- rules by the admin port */

static enum err read_rule(struct dc *dc, struct json v, struct dc_rule *r,
			  struct err_info *ei)
{
	const char *method, *error = "FLOOD_WAIT";
	int64_t budget = 0;
	struct world_user *u;
	enum err rc;

	*r = (struct dc_rule){ .window_sec = 60, .wait_sec = 30 };
	rc = json_need_str(v, "method", DC_RULE_TEXT_MAX, &method, ei);
	if (!rc)
		rc = json_want_str(v, "error", DC_RULE_TEXT_MAX, &error, ei);
	if (!rc)
		rc = json_want_int(v, "budget", 0, INT32_MAX, &budget, ei);
	if (!rc)
		rc = json_want_int(v, "window", 1, INT32_MAX, &r->window_sec,
				   ei);
	if (!rc)
		rc = json_want_int(v, "wait", 0, INT32_MAX, &r->wait_sec, ei);
	if (!rc)
		rc = json_want_int(v, "chat", INT64_MIN / 2, INT64_MAX / 2,
				   &r->chat, ei);
	if (!rc && !json_missing(json_get(v, "phone"))) {
		rc = dc_admin_user(dc, v, "phone", &u, ei);
		r->user_id = rc ? 0 : u->id;
	}
	if (rc)
		return rc;
	r->per_chat = json_bool(json_get(v, "per_chat"), false);
	r->budget = (uint32_t)budget;
	if (!text_copy(r->method, sizeof(r->method), method) ||
	    !text_copy(r->error, sizeof(r->error), error))
		return err_set(ei, ERR_INVALID, "method, error: too long");
	return ERR_OK;
}

/* All of them at once: what was spent under the old ones is forgotten. */
static enum err set_rules(struct dc *dc, struct json list, struct err_info *ei)
{
	struct dc_rule rules[DC_RULES_MAX];
	enum err rc = ERR_OK;
	uint32_t n = 0;

	if (!json_is_array(list) || json_len(list) > DC_RULES_MAX)
		return err_set(ei, ERR_INVALID, "rules: a list of up to %d",
			       DC_RULES_MAX);
	for (struct json_iter it = json_iter(list); json_next(&it) && !rc;)
		rc = read_rule(dc, it.val, &rules[n++], ei);
	if (rc)
		return rc;
	dc_rules_clear(dc);
	if (n)
		memcpy(dc->rules, rules, n * sizeof(*rules));
	dc->n_rules = n;
	return ERR_OK;
}

/* As they came, so that they are read in the same way again. */
static enum err load_rules(struct dc *dc, struct err_info *ei)
{
	struct json_doc doc;
	char *text = malloc(BODY_MAX);
	size_t len = 0, n;
	enum err rc;

	if (!text)
		return err_set(ei, ERR_NOMEM, "rules");
	rc = dc_store_get_meta(dc->store, META_SET, &dc->rules_set,
			       sizeof(dc->rules_set), &n, ei);
	if (!rc)
		rc = dc_store_get_meta(dc->store, META_RULES, text, BODY_MAX,
				       &len, ei);
	if (!rc && len) {
		rc = json_parse(&doc, text, len, BODY_MAX, ei);
		if (!rc) {
			rc = set_rules(dc, json_get(json_root(&doc), "rules"),
				       ei);
			json_free(&doc);
		}
	}
	free(text);
	return rc;
}

enum err dc_rules_load(struct dc *dc, struct err_info *ei)
{
	struct world_user *u;
	struct dc_account *a;
	uint32_t cursor = 0;
	uint8_t state;
	char name[40];
	enum err rc;
	size_t len;

	while ((u = imap_next(&dc->world.users, &cursor))) {
		state_name(u->id, name, sizeof(name));
		rc = dc_store_get_meta(dc->store, name, &state, 1, &len, ei);
		if (rc)
			return rc;
		if (!len || state >= ARRAY_LEN(states))
			continue;
		a = dc_key_account(dc, u->id);
		if (!a)
			return ERR_NOMEM;
		a->state = (enum dc_account_state)state;
		u->deleted = a->state == DC_STATE_GONE;
		dc->n_states++;
	}
	return load_rules(dc, ei);
}

static enum err post_rules(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct dc *dc = ctx;
	const uint8_t *text;
	struct json body;
	size_t len;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = set_rules(dc, json_get(body, "rules"), ei);
	if (rc)
		return rc;
	text = http_req_body(req, &len);
	dc->rules_set++;
	dc_store_put_meta(dc->store, META_RULES, text, len);
	dc_store_put_meta(dc->store, META_SET, &dc->rules_set,
			  sizeof(dc->rules_set));
	return dc_admin_ok(req);
}

enum err dc_rules_routes(struct dc *dc, struct err_info *ei)
{
	static const struct router_row rows[] = {
		{ "POST", "/rules", 0, 0, BODY_MAX, post_rules,
		  "Replace the flood rules" },
		{ "POST", "/accounts/state", 0, 0, BODY_MAX, post_state,
		  "Ban, freeze, deactivate" },
	};

	return router_add(&dc->router, rows, ARRAY_LEN(rows), ei);
}
