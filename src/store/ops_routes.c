/* SPDX-License-Identifier: MIT */
/*
 * Routes.  Versions of an account only grow, also over deletion: what is sealed is
 * bound to (account, version), and nodes tell routes apart by them.
 */
#include "store/db.h"

#define ROUTES_SEALED_MAX 16384
#define ROUTES_WRAPPED_MAX 512

static void routes_read(struct db_row *r, void *ret)
{
	struct store_route *x = ret;

	x->account_id = db_must(r);
	x->version = db_i64(r);
	x->kind = db_text(r);
	x->host = db_text(r);
	x->port = (int)db_i64(r);
	x->user = db_text(r);
	x->sealed = db_blob(r, &x->sealed_len);
	x->wrapped_key = db_blob(r, &x->wrapped_key_len);
	x->tested = db_i64(r);
	x->test = db_text(r);
}

static enum err routes_get(struct store *st, const char *account_id,
			   struct arena *a, struct store_route *ret,
			   struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT account_id, version, kind, host, port, login, "
		      "sealed, wrapped_key, tested, test FROM routes WHERE "
		      "account_id = ?",
		      "t", account_id);
	if (rc == ERR_OK)
		rc = db_one(&r, routes_read, sizeof(*ret), ret, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, rc, "account %s has no route", account_id);
	return rc;
}

static enum err routes_next_version(struct store *st, const char *account_id,
				    int64_t *ret, struct err_info *ei)
{
	return db_scalar(db_of(st), 1, ret, ei,
			 "SELECT version + 1 FROM routes WHERE account_id "
			 "= ?",
			 "t", account_id);
}

static enum err routes_check(const struct store_route *r, struct err_info *ei)
{
	enum err rc = db_check_text("account id", r->account_id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("route's host", r->host, r->kind, ei);
	if (rc == ERR_OK)
		rc = db_check_text("route's user", r->user, false, ei);
	if (rc)
		return rc;
	if (r->kind && (!r->sealed || !r->sealed_len || !r->wrapped_key ||
			!r->wrapped_key_len))
		return err_set(ei, ERR_INVALID, "the route is not sealed");
	if (r->sealed_len > ROUTES_SEALED_MAX ||
	    r->wrapped_key_len > ROUTES_WRAPPED_MAX)
		return err_set(ei, ERR_TOOBIG, "the sealed route is too big");
	return ERR_OK;
}

static enum err routes_put(struct store *st, const struct store_route *r,
			   struct err_info *ei)
{
	int64_t n = 0;
	enum err rc = routes_check(r, ei);

	if (rc)
		return rc;
	rc = db_run(db_of(st), &n, ei,
		    "INSERT INTO routes (account_id, version, kind, host, "
		    "port, login, sealed, wrapped_key, tested, test) VALUES "
		    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL) ON "
		    "CONFLICT (account_id) DO UPDATE SET version = ?2, "
		    "kind = ?3, host = ?4, port = ?5, login = ?6, sealed = "
		    "?7, wrapped_key = ?8, tested = ?9, test = NULL WHERE "
		    "routes.version = ?2 - 1",
		    "tittdtbbi", r->account_id, r->version, r->kind, r->host,
		    r->port, r->user, r->sealed, r->sealed_len, r->wrapped_key,
		    r->wrapped_key_len, r->tested);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_CONFLICT,
		       "the route of account %s was changed by somebody else",
		       r->account_id);
}

static enum err routes_set_test(struct store *st, const struct store_route *r,
				struct err_info *ei)
{
	int64_t n = 0;
	enum err rc = db_check_json("test of a route", r->test, ei);

	if (rc)
		return rc;
	rc = db_run(db_of(st), &n, ei,
		    "UPDATE routes SET test = ?3, tested = ?4 WHERE "
		    "account_id = ?1 AND version = ?2",
		    "titi", r->account_id, r->version, r->test, r->tested);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND,
		       "the route of account %s is another one by now",
		       r->account_id);
}

enum err ops_routes_forget(struct db *db, const char *account_id,
			   struct err_info *ei)
{
	return db_run(db, NULL, ei,
		      "UPDATE routes SET version = version + 1, kind = "
		      "NULL, host = NULL, port = 0, login = NULL, sealed = "
		      "NULL, wrapped_key = NULL, tested = version + 1, "
		      "test = NULL WHERE account_id = ?",
		      "t", account_id);
}

void ops_routes(struct store_ops *ops)
{
	ops->route_get = routes_get;
	ops->route_next_version = routes_next_version;
	ops->route_put = routes_put;
	ops->route_set_test = routes_set_test;
}
