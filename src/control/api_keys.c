/* SPDX-License-Identifier: MIT */
/* /api-keys: programs that come in by themselves. */
#include <string.h>

#include "base/secret.h"
#include "control/control_int.h"
#include "control/scope.h"

#define NAME_MAX_LEN 64
#define SCOPES_MAX 32
#define TTL_MAX_SEC (INT64_C(3650) * 86400)

static void write_scopes(struct jsonw *w, const char *scopes)
{
	size_t len;

	jsonw_array(w, "scopes");
	for (; *scopes; scopes += len) {
		scopes += strspn(scopes, " ");
		len = strcspn(scopes, " ");
		if (len)
			jsonw_strn(w, NULL, scopes, len);
	}
	jsonw_array_end(w);
}

/* token: NULL but once. */
static void write_key(struct jsonw *w, const struct store_apikey *k,
		      const char *token)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "id", k->id);
	jsonw_str(w, "name", k->name);
	if (token)
		jsonw_str(w, "api_key", token);
	jsonw_str(w, "role", k->role);
	write_scopes(w, k->scopes);
	jsonw_str(w, "created_by", k->created_by);
	jsonw_time(w, "created_at", k->created);
	jsonw_time(w, "expires_at", k->expires);
	jsonw_time(w, "last_used", k->last_used);
	jsonw_object_end(w);
}

static enum err list(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_apikeys keys;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->apikey_list(c->store, http_req_arena(req), &keys,
					ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < keys.n; i++)
		write_key(&w, &keys.items[i], NULL);
	return control_list_reply(req, (int64_t)keys.n, &b, &w);
}

/* The array as one text, a space between. */
static enum err read_scopes(struct control *c, struct json body,
			    struct arena *a, const char **ret,
			    struct err_info *ei)
{
	const struct json list = json_get(body, "scopes");
	const size_t n = json_is_array(list) ? json_len(list) : 0;
	const char *text = "", *word;

	if (n == 0 || n > SCOPES_MAX)
		return err_set(ei, ERR_INVALID,
			       "scopes is a list of 1 to %d, like "
			       "[\"accounts:read\"]; [\"*\"] is all the role "
			       "may",
			       SCOPES_MAX);
	for (struct json_iter it = json_iter(list); json_next(&it);) {
		enum err rc;

		word = json_str(it.val, "");
		rc = scope_check(word, &c->router, ei);
		if (rc)
			return rc;
		text = arena_printf(a, "%s%s%s", text, *text ? " " : "", word);
		if (!text)
			return ERR_NOMEM;
	}
	*ret = text;
	return ERR_OK;
}

static enum err read_key(struct control *c, struct http_req *req,
			 struct store_apikey *k, struct err_info *ei)
{
	static const char *const known[] = { "name", "role", "scopes",
					     "expires_in", NULL };
	int64_t ttl_sec = 0;
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_need_str(body, "name", NAME_MAX_LEN, &k->name, ei);
	if (!rc)
		rc = json_need_str(body, "role", 8, &k->role, ei);
	if (!rc)
		rc = control_check_role(k->role, ei);
	if (!rc)
		rc = read_scopes(c, body, http_req_arena(req), &k->scopes, ei);
	if (!rc)
		rc = json_want_int(body, "expires_in", 1, TTL_MAX_SEC, &ttl_sec,
				   ei);
	if (!rc && ttl_sec)
		k->expires.us = k->created.us + ttl_sec * US_PER_SEC;
	return rc;
}

static enum err reply_made(struct http_req *req, const struct store_apikey *k,
			   const char *token)
{
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	write_key(&w, k, token);
	http_reply_header(req, "Cache-Control", "no-store");
	control_reply(req, 201, &b, &w);
	return ERR_OK;
}

static enum err add(struct http_req *req, void *ctx, struct err_info *ei)
{
	char token[CONTROL_TOKEN_MAX], id[CONTROL_ID_MAX];
	struct control *c = ctx;
	struct store_apikey k = { .id = id, .created = control_wall(c) };
	const char *after;
	enum err rc;

	rc = read_key(c, req, &k, ei);
	if (rc)
		return rc;
	control_random_id("key_", 8, id, sizeof(id));
	control_random_id("tgk_", CONTROL_TOKEN_BYTES, token, sizeof(token));
	k.hash = control_hash(token);
	k.created_by = control_caller(req)->actor;
	after = arena_printf(http_req_arena(req),
			     "{\"role\":\"%s\",\"scopes\":\"%s\"}", k.role,
			     k.scopes);
	rc = c->store->ops->apikey_add(c->store, &k, ei);
	if (!rc)
		rc = audit_note(c, req, "api_key.create", id, after, ei);
	if (!rc)
		rc = reply_made(req, &k, token);
	secret_wipe(token, sizeof(token));
	return rc;
}

static enum err drop(struct http_req *req, void *ctx, struct err_info *ei)
{
	const char *id = http_req_param(req, "id");
	struct control *c = ctx;
	enum err rc;

	rc = c->store->ops->apikey_delete(c->store, id, ei);
	if (!rc)
		rc = audit_note(c, req, "api_key.delete", id, NULL, ei);
	return rc ? rc : control_reply_ok(req);
}

static const struct router_row rows[] = {
	{ "GET", API "/api-keys", AUTH_ADMIN, 0, 0, list,
	  "List API keys, without the keys" },
	{ "POST", API "/api-keys", AUTH_ADMIN, AUTH_CONFIRMED, 8192, add,
	  "Make an API key with a role and scopes" },
	{ "DELETE", API "/api-keys/{id}", AUTH_ADMIN, 0, 0, drop,
	  "Take an API key back" },
};

API_TABLE(api_keys_table);
