/* SPDX-License-Identifier: MIT */
/* /auth/confirm, /auth/password: who is signed in says the password once more. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "control/attempts.h"
#include "control/control_int.h"
#include "control/pwjob.h"

struct self_ctx {
	int64_t user_id;
	char remote[ADDR_TEXT_MAX];
	char fresh[PWJOB_PASSWORD_MAX]; /* the new password, if one is set */
};

struct self_change {
	struct control *c;
	const struct self_ctx *x;
	const char *hash;
};

static enum err confirm(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct self_change *s = ctx;
	const struct principal *p = control_caller(req);
	struct control *c = s->c;
	const struct wall now = control_wall(c);
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->login_confirm(c->store, &p->login.token, now, ei);
	if (!rc)
		rc = audit_note(c, req, "auth.confirm", p->login.user_name,
				NULL, ei);
	if (!rc)
		rc = attempts_good(c, s->x->remote, ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_time(&w, "confirmed_until",
		   (struct wall){ now.us + c->cfg->confirm_ttl_us });
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

static enum err set_password(struct http_req *req, void *ctx,
			     struct err_info *ei)
{
	const struct self_change *s = ctx;
	const struct store_user u = { .id = s->x->user_id,
				      .password_hash = s->hash };
	struct control *c = s->c;
	enum err rc;

	rc = c->store->ops->user_update(c->store, &u, STORE_USER_PASSWORD, ei);
	if (!rc)
		rc = audit_note(c, req, "user.password",
				control_caller(req)->login.user_name, NULL, ei);
	if (!rc)
		rc = attempts_good(c, s->x->remote, ei);
	return rc ? rc : control_reply_ok(req);
}

static void on_hashed(struct control *c, struct http_req *req, void *ctx,
		      enum err rc, const char *text)
{
	struct err_info ei = { 0 };

	if (!req)
		return;
	if (!rc)
		rc = change_run(c, req, set_password,
				&(struct self_change){ c, ctx, text }, &ei);
	if (rc)
		http_reply_error(req, rc, &ei);
}

/* The right password: the new one is hashed next, in a job of its own. */
static enum err hash_fresh(struct control *c, struct http_req *req,
			   struct self_ctx *x, struct err_info *ei)
{
	struct self_ctx *next = calloc(1, sizeof(*next));
	enum err rc;

	if (!next)
		return ERR_NOMEM;
	next->user_id = x->user_id;
	text_copy(next->remote, sizeof(next->remote), x->remote);
	rc = pwjob_start(c, req,
			 &(struct pwjob_ask){ NULL, x->fresh, on_hashed, next },
			 ei);
	return rc;
}

static void on_verified(struct control *c, struct http_req *req, void *ctx,
			enum err rc, const char *text)
{
	struct self_ctx *x = ctx;
	struct err_info ei = { 0 };

	if (!req) {
		rc = ERR_OK;
	} else if (rc) {
		attempts_failed(c, x->user_id, x->remote);
		rc = err_set(&ei, ERR_FORBIDDEN, "this is not your password");
	} else if (*x->fresh) {
		rc = hash_fresh(c, req, x, &ei);
	} else {
		rc = change_run(c, req, confirm,
				&(struct self_change){ c, x, NULL }, &ei);
	}
	secret_wipe(x->fresh, sizeof(x->fresh));
	if (rc)
		http_reply_error(req, rc, &ei);
}

/* The limits of signing in hold here, too: it is the same guessing. */
static enum err verify(struct control *c, struct http_req *req,
		       const char *password, struct self_ctx *x,
		       struct err_info *ei)
{
	const struct principal *p = control_caller(req);
	struct store_user user;
	enum err rc;

	x->user_id = p->login.user_id;
	addr_format_ip(http_req_peer(req), x->remote);
	rc = attempts_check_address(c, x->remote, ei);
	if (!rc)
		rc = c->store->ops->user_get_id(c->store, x->user_id,
						http_req_arena(req), &user, ei);
	if (!rc)
		rc = attempts_check_user(c, &user, ei);
	if (!rc)
		rc = attempts_count(c, x->remote);
	if (rc) {
		secret_wipe(x->fresh, sizeof(x->fresh));
		free(x);
		return rc;
	}
	return pwjob_start(c, req,
			   &(struct pwjob_ask){ user.password_hash, password,
						on_verified, x },
			   ei);
}

static enum err post_confirm(struct http_req *req, void *ctx,
			     struct err_info *ei)
{
	static const char *const known[] = { "password", NULL };
	const char *password;
	struct self_ctx *x;
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_need_str(body, "password", PWJOB_PASSWORD_MAX - 1,
				   &password, ei);
	if (rc)
		return rc;
	x = calloc(1, sizeof(*x));
	return x ? verify(ctx, req, password, x, ei) : ERR_NOMEM;
}

static enum err post_password(struct http_req *req, void *ctx,
			      struct err_info *ei)
{
	static const char *const known[] = { "password", "new_password", NULL };
	const char *password, *fresh;
	struct self_ctx *x;
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_need_str(body, "password", PWJOB_PASSWORD_MAX - 1,
				   &password, ei);
	if (!rc)
		rc = json_need_str(body, "new_password", PWJOB_PASSWORD_MAX - 1,
				   &fresh, ei);
	if (!rc)
		rc = control_check_password(fresh, ei);
	if (rc)
		return rc;
	x = calloc(1, sizeof(*x));
	if (!x)
		return ERR_NOMEM;
	text_copy(x->fresh, sizeof(x->fresh), fresh);
	return verify(ctx, req, password, x, ei);
}

static const struct router_row rows[] = {
	{ "POST", API "/auth/confirm", AUTH_READ, CHANGE_OWN, 8192,
	  post_confirm, "Give your password again, before what takes it" },
	{ "POST", API "/auth/password", AUTH_READ, CHANGE_OWN, 8192,
	  post_password, "Change your own password; all your sign-ins end" },
};

API_TABLE(api_self_table);
