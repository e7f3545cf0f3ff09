/* SPDX-License-Identifier: MIT */
/* Who is calling, and may they. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "control/control_int.h"
#include "control/scope.h"
#include "crypto/pwhash.h"
#include "crypto/sha.h"
#include "http/urlcode.h"

#define BASIC_MAX 512
#define PASSWORD_BYTES 15

static unsigned int class_of(const char *role)
{
	if (!strcmp(role, "admin"))
		return AUTH_ADMIN;
	if (!strcmp(role, "operator"))
		return AUTH_OPERATOR;
	if (!strcmp(role, "viewer"))
		return AUTH_VIEWER;
	return 0;
}

static enum err refuse(struct err_info *ei)
{
	return err_set(ei, ERR_UNAUTHORIZED,
		       "sign in first: the credentials are missing, wrong or "
		       "expired");
}

/* user_id is only given with Basic, and must be the token's own node then. */
static enum err as_node(struct control *c, struct arena *a, const char *token,
			const char *node_id, struct principal *p,
			struct err_info *ei)
{
	const struct store_hash hash = control_hash(token);
	enum err rc;

	rc = c->store->ops->node_by_token(c->store, &hash, a, &p->node, ei);
	if (rc == ERR_UNAUTHORIZED || rc == ERR_NOTFOUND)
		return refuse(ei);
	if (rc)
		return rc;
	if (node_id && strcmp(node_id, p->node.node_id) != 0)
		return refuse(ei);
	p->class = AUTH_NODE;
	p->actor = arena_printf(a, "node:%s", p->node.node_id);
	return p->actor ? ERR_OK : ERR_NOMEM;
}

static bool is_zero(const struct store_hash *h)
{
	static const struct store_hash zero;

	return !memcmp(h, &zero, sizeof(zero));
}

/* cookie: how it came.  A token is good for the way it was made for only. */
static enum err as_user(struct control *c, struct arena *a, const char *token,
			bool cookie, struct principal *p, struct err_info *ei)
{
	const struct store_hash hash = control_hash(token);
	enum err rc;

	rc = c->store->ops->login_get(c->store, &hash, control_wall(c), a,
				      &p->login, ei);
	if (rc == ERR_UNAUTHORIZED || rc == ERR_NOTFOUND)
		return refuse(ei);
	if (rc)
		return rc;
	if (cookie == is_zero(&p->login.csrf))
		return refuse(ei);
	p->cookie = cookie ? token : NULL;
	p->class = class_of(p->login.role);
	p->actor = arena_printf(a, "user:%s", p->login.user_name);
	return p->actor ? ERR_OK : ERR_NOMEM;
}

static enum err as_key(struct control *c, struct arena *a, const char *token,
		       struct principal *p, struct err_info *ei)
{
	const struct store_hash hash = control_hash(token);
	struct store_apikey key;
	enum err rc;

	rc = c->store->ops->apikey_get(c->store, &hash, control_wall(c), a,
				       &key, ei);
	if (rc == ERR_UNAUTHORIZED)
		return refuse(ei);
	if (rc)
		return rc;
	p->class = class_of(key.role);
	p->scopes = key.scopes;
	p->actor = arena_printf(a, "key:%s", key.id);
	return p->actor ? ERR_OK : ERR_NOMEM;
}

static enum err as_bearer(struct control *c, struct arena *a, const char *token,
			  struct principal *p, struct err_info *ei)
{
	if (!strncmp(token, "tgn_", 4))
		return as_node(c, a, token, NULL, p, ei);
	if (!strncmp(token, "tgk_", 4))
		return as_key(c, a, token, p, ei);
	return as_user(c, a, token, false, p, ei);
}

static enum err identify(struct control *c, struct http_req *req,
			 struct principal *p, struct err_info *ei)
{
	const char *header = http_req_header(req, "authorization");
	struct arena *a = http_req_arena(req);
	const char *user, *token;
	char basic[BASIC_MAX];
	enum err rc;

	if (!header) {
		token = http_req_cookie(req, AUTH_COOKIE);
		return token ? as_user(c, a, token, true, p, ei) : refuse(ei);
	}
	token = urlcode_bearer(header);
	if (token)
		return as_bearer(c, a, token, p, ei);
	rc = urlcode_basic(header, basic, sizeof(basic), &user, &token);
	rc = rc ? refuse(ei) : as_node(c, a, token, user, p, ei);
	secret_wipe(basic, sizeof(basic));
	return rc;
}

/* Derived, so that a page which was loaded again can be told it again. */
void auth_csrf(const char *token, char ret[static CONTROL_TOKEN_MAX])
{
	const struct sha_part parts[] = { { "csrf:", 5 },
					  { token, strlen(token) } };
	struct store_hash h;

	sha_256_parts(parts, ARRAY_LEN(parts), h.bytes);
	text_hex(ret, h.bytes, sizeof(h.bytes));
}

struct store_hash auth_csrf_hash(const char *token)
{
	char csrf[CONTROL_TOKEN_MAX];
	struct store_hash h;

	auth_csrf(token, csrf);
	h = control_hash(csrf);
	secret_wipe(csrf, sizeof(csrf));
	return h;
}

/* A browser sends its cookie with requests other pages make, too. */
static enum err check_csrf(struct http_req *req, const struct principal *p,
			   struct err_info *ei)
{
	const struct router_row *row = http_req_row(req);
	const char *given = http_req_header(req, "x-csrf-token");
	struct store_hash h;

	if (!p->cookie ||
	    (!strcmp(row->method, "GET") && !(row->flags & CHANGE_GET)))
		return ERR_OK;
	h = control_hash(given ? given : "");
	if (!memcmp(&h, &p->login.csrf, sizeof(h)))
		return ERR_OK;
	return err_set(ei, ERR_FORBIDDEN,
		       "with a cookie it takes the header X-CSRF-Token: the "
		       "csrf_token of the sign-in, or of GET /auth/me");
}

static enum err check_class(const struct router_row *row,
			    const struct principal *p, struct err_info *ei)
{
	if (p->class & row->auth)
		return ERR_OK;
	return err_set(ei, ERR_FORBIDDEN, "%s may not do this: it takes %s",
		       p->actor,
		       row->auth & AUTH_VIEWER	   ? "a user's sign-in"
		       : row->auth & AUTH_OPERATOR ? "an operator"
		       : row->auth & AUTH_ADMIN	   ? "an admin"
						   : "a node's token");
}

static enum err check_scope(const struct router_row *row,
			    const struct principal *p, struct err_info *ei)
{
	char need[SCOPE_TEXT_MAX];

	if (!p->scopes || scope_allows(p->scopes, row))
		return ERR_OK;
	scope_of(row, need);
	if (!*need)
		return err_set(ei, ERR_FORBIDDEN,
			       "%s may not do this: no API key may", p->actor);
	return err_set(ei, ERR_FORBIDDEN,
		       "%s may not do this: it takes the scope %s", p->actor,
		       need);
}

static enum err check_confirmed(struct control *c, const struct router_row *row,
				const struct principal *p, struct err_info *ei)
{
	const int64_t age_us = control_wall(c).us - p->login.created.us;

	if (!(row->flags & AUTH_CONFIRMED) || age_us < c->cfg->confirm_ttl_us)
		return ERR_OK;
	return err_set(ei, ERR_CONFIRM,
		       "your password was given too long ago for this: give it "
		       "again with POST " API "/auth/confirm");
}

enum err auth_check(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct router_row *row = http_req_row(req);
	struct control *c = ctx;
	struct principal *p;
	enum err rc;

	if (!row->auth)
		return ERR_OK;
	p = arena_alloc(http_req_arena(req), sizeof(*p));
	if (!p)
		return ERR_NOMEM;
	*p = (struct principal){ 0 };
	rc = identify(c, req, p, ei);
	if (!rc)
		rc = check_class(row, p, ei);
	if (!rc)
		rc = check_scope(row, p, ei);
	if (!rc)
		rc = check_csrf(req, p, ei);
	if (!rc)
		rc = check_confirmed(c, row, p, ei);
	if (!rc)
		http_req_set_user(req, p);
	return rc;
}

/* A new one, to be said once by the ready line, and its hash. */
static enum err new_password(struct control *c, char text[PWHASH_TEXT_MAX],
			     struct err_info *ei)
{
	char password[CONTROL_TOKEN_MAX];
	enum err rc;

	control_random_id("", PASSWORD_BYTES, password, sizeof(password));
	rc = pwhash_make(password, &pwhash_cost_default, text);
	if (rc)
		return err_set(ei, rc, "hash the admin's password");
	c->admin_password = strdup(password);
	secret_wipe(password, sizeof(password));
	return c->admin_password ? ERR_OK : ERR_NOMEM;
}

static enum err add_admin(struct control *c, struct err_info *ei)
{
	char text[PWHASH_TEXT_MAX];
	struct store_user user = {
		.name = "admin",
		.role = "admin",
		.password_hash = text,
		.created = control_wall(c),
	};
	int64_t id;
	enum err rc;

	rc = new_password(c, text, ei);
	if (!rc)
		rc = c->store->ops->user_add(c->store, &user, &id, ei);
	return rc ? rc : audit_self(c, "user.create", "admin", NULL, ei);
}

/*
 * For who has lost the password: whoever starts serve has the database anyway.
 * The user is an enabled admin again, whatever it was; its logins end.
 */
static enum err reset_admin(struct control *c, struct arena *a,
			    struct err_info *ei)
{
	char text[PWHASH_TEXT_MAX];
	struct store_user user;
	enum err rc;

	rc = c->store->ops->user_get(c->store, "admin", a, &user, ei);
	if (rc == ERR_NOTFOUND)
		return add_admin(c, ei);
	if (!rc)
		rc = new_password(c, text, ei);
	if (rc)
		return rc;
	user.password_hash = text;
	user.role = "admin";
	user.disabled = false;
	rc = c->store->ops->user_update(c->store, &user,
					STORE_USER_PASSWORD | STORE_USER_ROLE |
						STORE_USER_DISABLED,
					ei);
	return rc ? rc : audit_self(c, "user.reset", "admin", NULL, ei);
}

/* Somebody who is not there costs as much to check as somebody who is. */
static enum err make_dummy(struct control *c, struct err_info *ei)
{
	char password[CONTROL_TOKEN_MAX], text[PWHASH_TEXT_MAX];
	enum err rc;

	control_random_id("", PASSWORD_BYTES, password, sizeof(password));
	rc = pwhash_make(password, &pwhash_cost_default, text);
	if (rc)
		return err_set(ei, rc, "argon2id does not work here");
	c->dummy_hash = strdup(text);
	return c->dummy_hash ? ERR_OK : ERR_NOMEM;
}

static enum err start_admin(struct control *c, bool reset, struct arena *a,
			    struct err_info *ei)
{
	struct store_users users;
	enum err rc;

	rc = c->store->ops->begin(c->store, ei);
	if (rc)
		return rc;
	rc = c->store->ops->user_list(c->store, a, &users, ei);
	if (!rc && users.n == 0)
		rc = add_admin(c, ei);
	else if (!rc && reset)
		rc = reset_admin(c, a, ei);
	return store_batch_end(c->store, rc, ei);
}

enum err auth_start(struct control *c, bool reset, struct err_info *ei)
{
	struct arena a;
	enum err rc;

	rc = make_dummy(c, ei);
	if (rc)
		return rc;
	arena_init(&a, 16U << 20);
	rc = start_admin(c, reset, &a, ei);
	arena_deinit(&a);
	return rc;
}

void auth_printed(struct control *c)
{
	if (c->admin_password)
		secret_wipe(c->admin_password, strlen(c->admin_password));
	free(c->admin_password);
	c->admin_password = NULL;
}

void auth_deinit(struct control *c)
{
	auth_printed(c);
	free(c->dummy_hash);
	c->dummy_hash = NULL;
}
