/* SPDX-License-Identifier: MIT */
/* /users: who the people are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/control_int.h"
#include "control/pwjob.h"

#define NAME_MAX_LEN 64

static void write_user(struct jsonw *w, const struct store_user *u)
{
	jsonw_object(w, NULL);
	jsonw_int(w, "id", u->id);
	jsonw_str(w, "name", u->name);
	jsonw_str(w, "role", u->role);
	jsonw_bool(w, "disabled", u->disabled);
	jsonw_time(w, "last_login", u->last_login);
	jsonw_time(w, "created_at", u->created);
	jsonw_object_end(w);
}

static enum err users_list(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_users users;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->user_list(c->store, http_req_arena(req), &users,
				      ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < users.n; i++)
		write_user(&w, &users.items[i]);
	return control_list_reply(req, (int64_t)users.n, &b, &w);
}

static enum err read_id(const struct http_req *req, int64_t *ret,
			struct err_info *ei)
{
	const char *text = http_req_param(req, "id");

	if (text_i64(text, ret))
		return err_set(ei, ERR_NOTFOUND,
			       "no user %.40s: a user's id is a number, see "
			       "GET " API "/users",
			       text);
	return ERR_OK;
}

static enum err find(struct control *c, struct http_req *req,
		     struct store_user *ret, struct err_info *ei)
{
	int64_t id;
	enum err rc = read_id(req, &id, ei);

	return rc ? rc
		  : c->store->ops->user_get_id(c->store, id,
					       http_req_arena(req), ret, ei);
}

static enum err reply_user(struct http_req *req, int status,
			   const struct store_user *u)
{
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	write_user(&w, u);
	control_reply(req, status, &b, &w);
	return ERR_OK;
}

static enum err get(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct store_user u;
	enum err rc = find(ctx, req, &u, ei);

	return rc ? rc : reply_user(req, 200, &u);
}

/* What the audit log has of a user; NULL when out of memory. */
static const char *summary(struct arena *a, const struct store_user *u)
{
	return arena_printf(a, "{\"role\":\"%s\",\"disabled\":%s}", u->role,
			    u->disabled ? "true" : "false");
}

static enum err patch(struct http_req *req, void *ctx, struct err_info *ei)
{
	static const char *const known[] = { "role", "disabled", NULL };
	struct arena *a = http_req_arena(req);
	const char *before = NULL, *role = NULL;
	struct control *c = ctx;
	struct store_user u;
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = find(c, req, &u, ei);
	if (!rc)
		before = summary(a, &u);
	if (!rc)
		rc = json_want_str(body, "role", 8, &role, ei);
	if (!rc && role)
		rc = control_check_role(role, ei);
	if (!rc)
		rc = json_want_bool(body, "disabled", &u.disabled, ei);
	if (rc)
		return rc;
	u.role = role ? role : u.role;
	rc = c->store->ops->user_update(
		c->store, &u,
		(role ? STORE_USER_ROLE : 0U) |
			(json_missing(json_get(body, "disabled"))
				 ? 0U
				 : STORE_USER_DISABLED),
		ei);
	if (!rc)
		rc = audit_change(c, req, "user.update", u.name, before,
				  summary(a, &u), ei);
	return rc ? rc : reply_user(req, 200, &u);
}

static enum err drop(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_user u;
	enum err rc;

	rc = find(c, req, &u, ei);
	if (!rc)
		rc = c->store->ops->user_delete(c->store, u.id, ei);
	if (!rc)
		rc = audit_change(c, req, "user.delete", u.name,
				  summary(http_req_arena(req), &u), NULL, ei);
	return rc ? rc : control_reply_ok(req);
}

struct user_ctx {
	char name[NAME_MAX_LEN + 1];
	char role[16];
};

struct adding_user {
	struct control *c;
	const struct user_ctx *user;
	const char *hash;
};

static enum err add_user(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct adding_user *s = ctx;
	const struct user_ctx *x = s->user;
	struct control *c = s->c;
	struct store_user u = {
		.name = x->name,
		.role = x->role,
		.password_hash = s->hash,
		.created = control_wall(c),
	};
	enum err rc;

	rc = c->store->ops->user_add(c->store, &u, &u.id, ei);
	if (!rc)
		rc = audit_note(c, req, "user.create", x->name,
				summary(http_req_arena(req), &u), ei);
	return rc ? rc : reply_user(req, 201, &u);
}

static void on_hashed(struct control *c, struct http_req *req, void *ctx,
		      enum err rc, const char *text)
{
	struct err_info ei = { 0 };

	if (!req)
		return;
	if (!rc)
		rc = change_run(c, req, add_user,
				&(struct adding_user){ c, ctx, text }, &ei);
	if (rc)
		http_reply_error(req, rc, &ei);
}

static enum err users_add(struct http_req *req, void *ctx, struct err_info *ei)
{
	static const char *const known[] = { "name", "password", "role", NULL };
	const char *name, *password, *role;
	struct user_ctx *x;
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_need_str(body, "name", NAME_MAX_LEN, &name, ei);
	if (!rc)
		rc = json_need_str(body, "password", PWJOB_PASSWORD_MAX - 1,
				   &password, ei);
	if (!rc)
		rc = json_need_str(body, "role", 8, &role, ei);
	if (rc)
		return rc;
	if (!*name)
		return err_set(ei, ERR_INVALID, "a name is needed");
	rc = control_check_role(role, ei);
	if (!rc)
		rc = control_check_password(password, ei);
	if (rc)
		return rc;
	x = calloc(1, sizeof(*x));
	if (!x)
		return ERR_NOMEM;
	snprintf(x->name, sizeof(x->name), "%s", name);
	snprintf(x->role, sizeof(x->role), "%s", role);
	return pwjob_start(ctx, req,
			   &(struct pwjob_ask){ NULL, password, on_hashed, x },
			   ei);
}

/* --- a password set by an admin --- */

struct setting_password {
	struct control *c;
	const char *hash;
};

static enum err set_password(struct http_req *req, void *ctx,
			     struct err_info *ei)
{
	const struct setting_password *s = ctx;
	struct control *c = s->c;
	struct store_user u;
	enum err rc;

	rc = find(c, req, &u, ei);
	if (rc)
		return rc;
	u.password_hash = s->hash;
	rc = c->store->ops->user_update(c->store, &u, STORE_USER_PASSWORD, ei);
	if (!rc)
		rc = audit_note(c, req, "user.password", u.name, NULL, ei);
	return rc ? rc : control_reply_ok(req);
}

static void on_reset(struct control *c, struct http_req *req, void *ctx,
		     enum err rc, const char *text)
{
	struct err_info ei = { 0 };

	if (!req)
		return;
	if (!rc)
		rc = change_run(c, req, set_password,
				&(struct setting_password){ c, text }, &ei);
	if (rc)
		http_reply_error(req, rc, &ei);
}

static enum err reset_password(struct http_req *req, void *ctx,
			       struct err_info *ei)
{
	static const char *const known[] = { "password", NULL };
	const char *password;
	struct store_user u;
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_need_str(body, "password", PWJOB_PASSWORD_MAX - 1,
				   &password, ei);
	if (!rc)
		rc = control_check_password(password, ei);
	if (!rc)
		rc = find(ctx, req, &u, ei);
	if (rc)
		return rc;
	return pwjob_start(
		ctx, req, &(struct pwjob_ask){ NULL, password, on_reset, NULL },
		ei);
}

static const struct router_row rows[] = {
	{ "GET", API "/users", AUTH_ADMIN, 0, 0, users_list, "List users" },
	{ "POST", API "/users", AUTH_ADMIN, CHANGE_OWN | AUTH_CONFIRMED, 8192,
	  users_add, "Add a user" },
	{ "GET", API "/users/{id}", AUTH_ADMIN, 0, 0, get, "One user" },
	{ "PATCH", API "/users/{id}", AUTH_ADMIN, AUTH_CONFIRMED, 8192, patch,
	  "Change a user's role, or lock it out" },
	{ "DELETE", API "/users/{id}", AUTH_ADMIN, AUTH_CONFIRMED, 0, drop,
	  "Remove a user; its sign-ins end" },
	{ "POST", API "/users/{id}/password", AUTH_ADMIN,
	  CHANGE_OWN | AUTH_CONFIRMED, 8192, reset_password,
	  "Give a user another password; its sign-ins end" },
};

API_TABLE(api_users_table);
