/* SPDX-License-Identifier: MIT */
/* /auth, /workers/join-tokens: who may come in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "control/attempts.h"
#include "control/control_int.h"
#include "control/pwjob.h"

#define NAME_MAX_LEN 64

/* --- sign-in --- */

struct login_ctx {
	int64_t user_id; /* 0: no such user */
	bool usable, cookie;
	char name[NAME_MAX_LEN + 1];
	char role[16];
	char remote[ADDR_TEXT_MAX];
};

/* Over plain HTTP a Secure cookie would not come back. */
static bool is_secure(const struct http_req *req)
{
	const char *proto = http_req_header(req, "x-forwarded-proto");

	return proto && !strcmp(proto, "https");
}

/* token "": forget it. */
static void set_cookie(struct http_req *req, const char *token, int64_t sec)
{
	char text[CONTROL_TOKEN_MAX + 128];

	snprintf(text, sizeof(text),
		 "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
		 AUTH_COOKIE, token, (long long)sec,
		 is_secure(req) ? "; Secure" : "");
	http_reply_header(req, "Set-Cookie", text);
	secret_wipe(text, sizeof(text));
}

/* A browser keeps the token where no script can read it, and a script has what
 * another page's request does not: the CSRF token. */
static void write_token(struct control *c, struct http_req *req,
			const struct login_ctx *x, const char *token,
			struct jsonw *w)
{
	char csrf[CONTROL_TOKEN_MAX];

	if (!x->cookie) {
		jsonw_str(w, "access_token", token);
		jsonw_str(w, "token_type", "bearer");
		return;
	}
	auth_csrf(token, csrf);
	set_cookie(req, token, c->cfg->login_ttl_us / US_PER_SEC);
	jsonw_str(w, "csrf_token", csrf);
	jsonw_str(w, "token_type", "cookie");
	secret_wipe(csrf, sizeof(csrf));
}

static void reply_token(struct control *c, struct http_req *req,
			const struct login_ctx *x, const char *token)
{
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	write_token(c, req, x, token, &w);
	jsonw_int(&w, "expires_in", c->cfg->login_ttl_us / US_PER_SEC);
	jsonw_object(&w, "user");
	jsonw_str(&w, "name", x->name);
	jsonw_str(&w, "role", x->role);
	jsonw_object_end(&w);
	jsonw_object_end(&w);
	http_reply_header(req, "Cache-Control", "no-store");
	control_reply(req, 200, &b, &w);
}

static enum err note_login(struct control *c, struct http_req *req,
			   const struct login_ctx *x, const char *action,
			   struct err_info *ei)
{
	const struct store_audit e = {
		.at = control_wall(c),
		.actor = arena_printf(http_req_arena(req), "user:%s", x->name),
		.action = action,
		.target = x->name,
		.remote = x->remote,
		.request_id = http_req_request_id(req),
	};

	return e.actor ? c->store->ops->audit_add(c->store, &e, ei) : ERR_NOMEM;
}

struct signing_in {
	struct control *c;
	const struct login_ctx *login;
};

static enum err sign_in(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct signing_in *s = ctx;
	const struct login_ctx *x = s->login;
	struct control *c = s->c;
	char token[CONTROL_TOKEN_MAX];
	const struct wall now = control_wall(c);
	struct store_login login = {
		.user_id = x->user_id,
		.remote = x->remote,
		.created = now,
		.expires = { now.us + c->cfg->login_ttl_us },
	};
	enum err rc;

	control_random_id("tgu_", CONTROL_TOKEN_BYTES, token, sizeof(token));
	login.token = control_hash(token);
	if (x->cookie)
		login.csrf = auth_csrf_hash(token);
	rc = c->store->ops->login_add(c->store, &login, ei);
	if (!rc)
		rc = c->store->ops->user_login_ok(c->store, x->user_id, now,
						  ei);
	if (!rc)
		rc = note_login(c, req, x, "auth.login", ei);
	if (!rc)
		rc = attempts_good(c, x->remote, ei);
	if (!rc)
		reply_token(c, req, x, token);
	secret_wipe(token, sizeof(token));
	return rc;
}

static void on_verified(struct control *c, struct http_req *req, void *ctx,
			enum err rc, const char *text)
{
	const struct login_ctx *x = ctx;
	struct err_info ei = { 0 };

	if (!req)
		return;
	if (!rc && x->user_id && x->usable) {
		rc = change_run(c, req, sign_in, &(struct signing_in){ c, x },
				&ei);
		if (rc)
			http_reply_error(req, rc, &ei);
		return;
	}
	attempts_failed(c, x->user_id, x->remote);
	rc = err_set(&ei, ERR_UNAUTHORIZED, "wrong user name or password");
	http_reply_error(req, rc, &ei);
}

/*
 * JSON, or the form older clients send.  A form gets no cookie: a page elsewhere
 * can send one, and sign its reader in as somebody else.
 */
static enum err read_credentials(struct http_req *req, const char **ret_name,
				 const char **ret_password, bool *ret_cookie,
				 struct err_info *ei)
{
	struct json body;
	enum err rc;

	if (!strcmp(http_req_content_type(req),
		    "application/x-www-form-urlencoded")) {
		*ret_name = http_req_form(req, "username");
		*ret_password = http_req_form(req, "password");
		if (!*ret_name || !*ret_password)
			return err_set(ei, ERR_INVALID,
				       "username and password are needed");
		return ERR_OK;
	}
	rc = http_req_json(req, &body, ei);
	if (rc)
		return rc;
	rc = json_want_bool(body, "cookie", ret_cookie, ei);
	if (!rc)
		rc = json_need_str(body, "username", STORE_TEXT_MAX, ret_name,
				   ei);
	if (rc)
		return rc;
	return json_need_str(body, "password", PWJOB_PASSWORD_MAX - 1,
			     ret_password, ei);
}

static enum err find_user(struct control *c, struct http_req *req,
			  const char *name, struct login_ctx *x,
			  const char **ret_hash, struct err_info *ei)
{
	struct store_user user;
	enum err rc;

	*ret_hash = c->dummy_hash;
	rc = c->store->ops->user_get(c->store, name, http_req_arena(req), &user,
				     ei);
	if (rc == ERR_NOTFOUND)
		return ERR_OK;
	if (rc)
		return rc;
	rc = attempts_check_user(c, &user, ei);
	if (rc)
		return rc;
	x->user_id = user.id;
	x->usable = !user.disabled;
	text_copy(x->name, sizeof(x->name), user.name);
	text_copy(x->role, sizeof(x->role), user.role);
	*ret_hash = user.password_hash;
	return ERR_OK;
}

static enum err login(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	const char *name, *password, *hash;
	bool cookie = false;
	struct login_ctx *x;
	enum err rc;

	rc = read_credentials(req, &name, &password, &cookie, ei);
	if (rc)
		return rc;
	x = calloc(1, sizeof(*x));
	if (!x)
		return ERR_NOMEM;
	x->cookie = cookie;
	addr_format_ip(http_req_peer(req), x->remote);
	rc = attempts_check_address(c, x->remote, ei);
	if (!rc)
		rc = find_user(c, req, name, x, &hash, ei);
	if (!rc)
		rc = attempts_count(c, x->remote);
	if (rc) {
		free(x);
		return rc;
	}
	return pwjob_start(
		c, req, &(struct pwjob_ask){ hash, password, on_verified, x },
		ei);
}

static enum err logout(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct principal *p = control_caller(req);
	struct control *c = ctx;
	enum err rc;

	rc = c->store->ops->login_delete(c->store, &p->login.token, ei);
	if (rc && rc != ERR_NOTFOUND)
		return rc;
	rc = audit_note(c, req, "auth.logout", p->login.user_name, NULL, ei);
	if (rc)
		return rc;
	if (p->cookie)
		set_cookie(req, "", 0);
	return control_reply_ok(req);
}

static enum err me(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct principal *p = control_caller(req);
	char csrf[CONTROL_TOKEN_MAX] = "";
	struct jsonw w;
	struct buf b;

	if (p->cookie)
		auth_csrf(p->cookie, csrf);
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "name", p->login.user_name);
	jsonw_str(&w, "role", p->login.role);
	jsonw_time(&w, "expires_at", p->login.expires);
	jsonw_str_or_null(&w, "csrf_token", p->cookie ? csrf : NULL);
	http_reply_header(req, "Cache-Control", "no-store");
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

/* --- join tokens --- */

static enum err join_reply(struct http_req *req, const struct store_join *j,
			   const char *token)
{
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "id", j->id);
	jsonw_str(&w, "join_token", token);
	jsonw_str_or_null(&w, "label", j->label);
	jsonw_time(&w, "expires_at", j->expires);
	jsonw_object_end(&w);
	http_reply_header(req, "Cache-Control", "no-store");
	control_reply(req, 201, &b, &w);
	return ERR_OK;
}

static enum err join_add(struct http_req *req, void *ctx, struct err_info *ei)
{
	static const char *const known[] = { "label", "expires_in", NULL };
	char token[CONTROL_TOKEN_MAX], id[CONTROL_ID_MAX];
	struct control *c = ctx;
	int64_t ttl_sec = c->cfg->join_ttl_us / US_PER_SEC;
	struct store_join j = { .id = id, .created = control_wall(c) };
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_want_str(body, "label", WIRE_NAME_MAX, &j.label, ei);
	if (!rc)
		rc = json_want_int(body, "expires_in", 1, INT64_C(30) * 86400,
				   &ttl_sec, ei);
	if (rc)
		return rc;
	control_random_id("join_", 8, id, sizeof(id));
	control_random_id("tgj_", CONTROL_TOKEN_BYTES, token, sizeof(token));
	j.hash = control_hash(token);
	j.created_by = control_caller(req)->actor;
	j.expires.us = j.created.us + ttl_sec * US_PER_SEC;
	rc = c->store->ops->join_add(c->store, &j, ei);
	if (!rc)
		rc = audit_note(c, req, "join_token.create", id, NULL, ei);
	if (!rc)
		rc = join_reply(req, &j, token);
	secret_wipe(token, sizeof(token));
	return rc;
}

static enum err join_list(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_joins list;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->join_list(c->store, http_req_arena(req), &list, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < list.n; i++) {
		jsonw_object(&w, NULL);
		jsonw_str(&w, "id", list.items[i].id);
		jsonw_str_or_null(&w, "label", list.items[i].label);
		jsonw_str(&w, "created_by", list.items[i].created_by);
		jsonw_time(&w, "created_at", list.items[i].created);
		jsonw_time(&w, "expires_at", list.items[i].expires);
		jsonw_time(&w, "used_at", list.items[i].used);
		jsonw_str_or_null(&w, "used_by_node",
				  list.items[i].used_by_node);
		jsonw_object_end(&w);
	}
	return control_list_reply(req, (int64_t)list.n, &b, &w);
}

static enum err join_delete(struct http_req *req, void *ctx,
			    struct err_info *ei)
{
	const char *id = http_req_param(req, "id");
	struct control *c = ctx;
	enum err rc;

	rc = c->store->ops->join_delete(c->store, id, ei);
	if (!rc)
		rc = audit_note(c, req, "join_token.delete", id, NULL, ei);
	return rc ? rc : control_reply_ok(req);
}

static const struct router_row rows[] = {
	{ "POST", API "/auth/login", 0, CHANGE_OWN, 8192, login,
	  "Sign in: user name and password against a bearer token" },
	{ "POST", API "/auth/logout", AUTH_READ, 0, 0, logout,
	  "End this sign-in" },
	{ "GET", API "/auth/me", AUTH_READ, 0, 0, me, "Who am I" },
	{ "POST", API "/workers/join-tokens", AUTH_ADMIN, 0, 8192, join_add,
	  "Make a single-use join token for a node" },
	{ "GET", API "/workers/join-tokens", AUTH_ADMIN, 0, 0, join_list,
	  "List join tokens, without the tokens" },
	{ "DELETE", API "/workers/join-tokens/{id}", AUTH_ADMIN, 0, 0,
	  join_delete, "Take a join token back" },
};

API_TABLE(api_auth_table);
