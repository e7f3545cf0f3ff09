/* SPDX-License-Identifier: MIT */
/* /users: who the people are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control_int.h"
#include "control/pwjob.h"

#define NAME_MAX_LEN 64
#define PASSWORD_MIN 8

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
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->user_add(c->store, &u, &u.id, ei);
	if (rc)
		return rc;
	rc = audit_note(c, req, "user.create", x->name, NULL, ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	write_user(&w, &u);
	control_reply(req, 201, &b, &w);
	return ERR_OK;
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
	if (strcmp(role, "admin") != 0 && strcmp(role, "operator") != 0 &&
	    strcmp(role, "viewer") != 0)
		return err_set(ei, ERR_INVALID,
			       "role is admin, operator or viewer");
	if (!*name || strlen(password) < PASSWORD_MIN)
		return err_set(ei, ERR_INVALID,
			       "a name, and a password of at least %d "
			       "characters, are needed",
			       PASSWORD_MIN);
	x = calloc(1, sizeof(*x));
	if (!x)
		return ERR_NOMEM;
	snprintf(x->name, sizeof(x->name), "%s", name);
	snprintf(x->role, sizeof(x->role), "%s", role);
	return pwjob_start(ctx, req,
			   &(struct pwjob_ask){ NULL, password, on_hashed, x },
			   ei);
}

static const struct router_row rows[] = {
	{ "GET", API "/users", AUTH_ADMIN, 0, 0, users_list, "List users" },
	{ "POST", API "/users", AUTH_ADMIN, CHANGE_OWN, 8192, users_add,
	  "Add a user" },
};

API_TABLE(api_users_table);
