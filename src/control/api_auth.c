/* SPDX-License-Identifier: MIT */
/* /auth, /workers/join-tokens: who may come in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "control/control_int.h"
#include "control/pwjob.h"

#define LIMIT_WINDOW_US (60 * US_PER_SEC)
#define USER_FAILURES_MAX 10
#define USER_LOCK_US (60 * US_PER_SEC)
#define NAME_MAX_LEN 64

struct login_limit {
	struct mono since;
	int64_t failures;
};

/* --- sign-in --- */

static enum err check_limit(struct control *c, const char *remote,
			    struct err_info *ei)
{
	struct login_limit *l = strmap_get(&c->limits, remote);
	int64_t age_us;

	if (!l)
		return ERR_OK;
	age_us = mono_diff(control_mono(c), l->since);
	if (age_us >= LIMIT_WINDOW_US) {
		free(strmap_remove(&c->limits, remote));
		return ERR_OK;
	}
	if (l->failures < c->cfg->login_attempts)
		return ERR_OK;
	if (ei)
		ei->arg = (LIMIT_WINDOW_US - age_us) / US_PER_SEC + 1;
	return err_set(ei, ERR_FLOOD,
		       "too many failed sign-ins from this address");
}

/* Counted when it begins: what runs in parallel counts too. */
static enum err count_attempt(struct control *c, const char *remote)
{
	struct login_limit *l = strmap_get(&c->limits, remote);

	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return ERR_NOMEM;
		l->since = control_mono(c);
		if (strmap_set(&c->limits, remote, l)) {
			free(l);
			return ERR_UNAVAILABLE;
		}
	}
	l->failures++;
	return ERR_OK;
}

struct login_ctx {
	int64_t user_id; /* 0: no such user */
	bool usable;
	char name[NAME_MAX_LEN + 1];
	char role[16];
	char remote[ADDR_TEXT_MAX];
};

static void reply_token(struct control *c, struct http_req *req,
			const struct login_ctx *x, const char *token)
{
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "access_token", token);
	jsonw_str(&w, "token_type", "bearer");
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

static void count_good(struct control *c, void *arg, bool committed)
{
	struct login_limit *l = strmap_get(&c->limits, arg);

	if (committed && l && l->failures > 0)
		l->failures--; /* only failures stay counted */
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
	rc = c->store->ops->login_add(c->store, &login, ei);
	if (!rc)
		rc = c->store->ops->user_login_ok(c->store, x->user_id, now,
						  ei);
	if (!rc)
		rc = note_login(c, req, x, "auth.login", ei);
	if (!rc)
		rc = change_after(c, count_good, x->remote, sizeof(x->remote),
				  ei);
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
	struct wall until;

	if (!req)
		return;
	if (!rc && x->user_id && x->usable) {
		rc = change_run(c, req, sign_in, &(struct signing_in){ c, x },
				&ei);
		if (rc)
			http_reply_error(req, rc, &ei);
		return;
	}
	until = control_wall(c);
	until.us += USER_LOCK_US;
	if (x->user_id &&
	    c->store->ops->user_login_failed(c->store, x->user_id,
					     USER_FAILURES_MAX, until, &ei))
		log_error(LOGEV_AUTH, log_str("msg", ei.msg));
	log_warn(LOGEV_AUTH, log_str("why", "sign-in refused"),
		 log_str("remote", x->remote));
	rc = err_set(&ei, ERR_UNAUTHORIZED, "wrong user name or password");
	http_reply_error(req, rc, &ei);
}

/* JSON, or the form older clients send. */
static enum err read_credentials(struct http_req *req, const char **ret_name,
				 const char **ret_password, struct err_info *ei)
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
	rc = json_need_str(body, "username", STORE_TEXT_MAX, ret_name, ei);
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
	if (user.locked_until.us > control_wall(c).us) {
		ei->arg = (user.locked_until.us - control_wall(c).us) /
				  US_PER_SEC +
			  1;
		return err_set(ei, ERR_FLOOD,
			       "too many failed sign-ins of this user");
	}
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
	struct login_ctx *x;
	enum err rc;

	rc = read_credentials(req, &name, &password, ei);
	if (rc)
		return rc;
	x = calloc(1, sizeof(*x));
	if (!x)
		return ERR_NOMEM;
	addr_format_ip(http_req_peer(req), x->remote);
	rc = check_limit(c, x->remote, ei);
	if (!rc)
		rc = find_user(c, req, name, x, &hash, ei);
	if (!rc)
		rc = count_attempt(c, x->remote);
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
	return rc ? rc : control_reply_ok(req);
}

static enum err me(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct principal *p = control_caller(req);
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "name", p->login.user_name);
	jsonw_str(&w, "role", p->login.role);
	jsonw_time(&w, "expires_at", p->login.expires);
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
