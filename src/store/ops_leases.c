/* SPDX-License-Identifier: MIT */
/*
 * Leases and the one-use downloads bound to them.  Every change is one
 * conditional write; what a write that changed nothing means is read afterwards,
 * only to say it well.
 */
#include "store/db.h"

static void leases_read(struct db_row *r, void *ret)
{
	struct store_lease *l = ret;

	l->account_id = db_must(r);
	l->node_id = db_must(r);
	l->epoch = db_i64(r);
	l->renewals = db_i64(r);
	l->released = db_i64(r) != 0;
	l->granted = db_wall(r);
	l->renewed = db_wall(r);
}

static enum err leases_why_not(struct db *db, const struct store_lease_grant *g,
			       struct err_info *ei)
{
	int64_t epoch = 0;
	enum err rc;

	rc = db_scalar(db, 0, &epoch, ei,
		       "SELECT epoch FROM leases WHERE account_id = ?", "t",
		       g->account_id);
	if (rc)
		return rc;
	if (epoch != g->expect_epoch)
		return err_set(ei, ERR_STALE_EPOCH,
			       "account %s: lease epoch is %lld, not %lld",
			       g->account_id, (long long)epoch,
			       (long long)g->expect_epoch);
	return err_set(ei, ERR_CONFLICT,
		       "account %s: another node still holds its lease",
		       g->account_id);
}

static enum err leases_grant(struct store *st,
			     const struct store_lease_grant *g,
			     int64_t *ret_epoch, struct err_info *ei)
{
	struct db *db = db_of(st);
	int64_t n = 0;
	enum err rc = db_check_text("account id", g->account_id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("node id", g->node_id, true, ei);
	if (rc)
		return rc;
	if (g->expect_epoch == 0)
		rc = db_run(db, &n, ei,
			    "INSERT INTO leases (account_id, node_id, "
			    "epoch, granted, renewed, ttl, session_version, "
			    "route_version, fetched) VALUES (?1, ?2, 1, ?3, "
			    "?3, ?4, ?5, ?6, 0) ON CONFLICT (account_id) DO "
			    "NOTHING",
			    "ttwiii", g->account_id, g->node_id, g->now,
			    g->ttl_us, g->session_version, g->route_version);
	else
		rc = db_run(db, &n, ei,
			    "UPDATE leases SET node_id = ?2, epoch = epoch "
			    "+ 1, released = 0, granted = ?3, renewed = ?3, "
			    "renewals = 0, ttl = ?7, session_version = ?8, "
			    "route_version = ?9, fetched = 0 "
			    "WHERE account_id = ?1 AND epoch = ?4 AND "
			    "(released <> 0 OR node_id = ?2 OR (?5 <> 0 AND "
			    "renewals = ?6))",
			    "ttwidiiii", g->account_id, g->node_id, g->now,
			    g->expect_epoch, g->takeover, g->expect_renewals,
			    g->ttl_us, g->session_version, g->route_version);
	if (rc)
		return rc;
	if (n == 0)
		return leases_why_not(db, g, ei);
	*ret_epoch = g->expect_epoch + 1;
	return ERR_OK;
}

static enum err leases_get(struct store *st, const char *account_id,
			   struct arena *a, struct store_lease *ret,
			   struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT account_id, node_id, epoch, renewals, "
		      "released, granted, renewed FROM leases WHERE "
		      "account_id = ?",
		      "t", account_id);
	if (rc == ERR_OK)
		rc = db_one(&r, leases_read, sizeof(*ret), ret, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, rc, "account %s was never leased",
			       account_id);
	return rc;
}

enum err ops_leases_out(struct db *db, const char *account_id, bool *ret,
			struct err_info *ei)
{
	int64_t out = 0;
	enum err rc;

	rc = db_scalar(db, 0, &out, ei,
		       "SELECT 1 FROM leases WHERE account_id = ? AND "
		       "released = 0",
		       "t", account_id);
	if (rc == ERR_OK)
		*ret = out != 0;
	return rc;
}

enum err ops_leases_renew_ref(struct db *db, const char *node_id,
			      struct store_lease_ref *ref, int64_t ttl_us,
			      struct wall now, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db, &n, ei,
		    "UPDATE leases SET renewed = ?4, renewals = renewals + 1, "
		    "ttl = CASE WHEN ttl > ?5 THEN ttl ELSE ?5 END WHERE "
		    "account_id = ?1 AND node_id = ?2 AND epoch = ?3 AND "
		    "released = 0",
		    "ttiwi", ref->account_id, node_id, ref->epoch, now, ttl_us);
	ref->ok = rc == ERR_OK && n != 0;
	return rc;
}

/* NOLINTNEXTLINE(readability-function-size): parameters as in the vtable */
static enum err leases_renew(struct store *st, const char *node_id,
			     struct store_lease_ref *refs, size_t n,
			     int64_t ttl_us, struct wall now,
			     struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = db_atomic_begin(db, ei);

	if (rc)
		return rc;
	for (size_t i = 0; rc == ERR_OK && i < n; i++)
		rc = ops_leases_renew_ref(db, node_id, &refs[i], ttl_us, now,
					  ei);
	rc = db_atomic_end(db, rc, ei);
	for (size_t i = 0; rc && i < n; i++)
		refs[i].ok = false;
	return rc;
}

enum err ops_leases_release_ref(struct db *db, const char *node_id,
				const struct store_lease_ref *ref,
				struct wall now, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db, &n, ei,
		    "UPDATE leases SET renewed = CASE WHEN released <> 0 "
		    "THEN renewed ELSE ?4 END, released = 1 WHERE account_id = "
		    "?1 AND node_id = "
		    "?2 AND epoch = ?3",
		    "ttiw", ref->account_id, node_id, ref->epoch, now);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_STALE_EPOCH,
		       "account %s: epoch %lld is not a lease of node %s",
		       ref->account_id, (long long)ref->epoch, node_id);
}

static enum err leases_release(struct store *st, const char *node_id,
			       const struct store_lease_ref *ref,
			       struct wall now, struct err_info *ei)
{
	return ops_leases_release_ref(db_of(st), node_id, ref, now, ei);
}

static enum err leases_end_all(struct db *db, const struct store_lease_end *q,
			       int64_t *ret_n, int64_t *ret_left,
			       struct err_info *ei)
{
	enum err rc = ops_nodes_still(db, q->node_id, q->beats, ei);

	if (rc == ERR_OK)
		rc = db_run(db, ret_n, ei,
			    "UPDATE leases SET released = 1 WHERE node_id = ? "
			    "AND released = 0 AND ttl <= ?",
			    "ti", q->node_id, q->ttl_us);
	if (rc)
		return rc;
	return db_scalar(db, 0, ret_left, ei,
			 "SELECT count(*) FROM leases WHERE node_id = ? AND "
			 "released = 0",
			 "t", q->node_id);
}

static enum err leases_end(struct store *st, const struct store_lease_end *q,
			   size_t *ret_rows, size_t *ret_left,
			   struct err_info *ei)
{
	struct db *db = db_of(st);
	int64_t n = 0, left = 0;
	enum err rc = db_atomic_begin(db, ei);

	if (rc)
		return rc;
	rc = leases_end_all(db, q, &n, &left, ei);
	rc = db_atomic_end(db, rc, ei);
	if (rc)
		return rc;
	*ret_rows = (size_t)n;
	*ret_left = (size_t)left;
	return ERR_OK;
}

static enum err leases_list(struct store *st, const struct store_lease_query *q,
			    struct arena *a, struct store_leases *ret,
			    struct err_info *ei)
{
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT account_id, node_id, epoch, renewals, "
		      "released, granted, renewed FROM leases WHERE "
		      "released = 0 AND "
		      "(?1 IS NULL OR node_id = ?1) AND account_id > "
		      "coalesce(?2, '') ORDER BY account_id LIMIT ?3",
		      "tti", q->node_id, q->after, db_page(q->limit));
	if (rc == ERR_OK)
		rc = db_all(&r, leases_read, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

static void leases_read_assignment(struct db_row *r, void *ret)
{
	struct store_assignment *x = ret;

	x->account_id = db_must(r);
	x->node_id = db_text(r);
	x->enabled = db_i64(r) != 0;
	x->desired_online = db_i64(r) != 0;
	x->status = db_must(r);
	x->script_id = db_text(r);
	x->lease_node = db_text(r);
	x->lease_epoch = db_i64(r);
	x->lease_renewals = db_i64(r);
	x->lease_ttl_us = db_i64(r);
	x->lease_session = db_i64(r);
	x->lease_route = db_i64(r);
	x->fetched = db_i64(r) != 0;
	x->released = db_i64(r) != 0;
	x->session_version = db_i64(r);
	db_fixed(r, x->session_fingerprint.bytes,
		 sizeof(x->session_fingerprint.bytes));
	x->route_version = db_i64(r);
	x->route_tested = db_i64(r);
	x->version = db_i64(r);
}

/* Accounts only: a lease without its account cannot be (see account_delete). */
static enum err leases_assignments(struct store *st,
				   const struct store_lease_query *q,
				   struct arena *a,
				   struct store_assignments *ret,
				   struct err_info *ei)
{
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(
		db_of(st), a, &r, ei,
		"SELECT a.account_id, a.node_id, a.enabled, a.desired_online, "
		"a.status, a.script_id, l.node_id, coalesce(l.epoch, 0), "
		"coalesce(l.renewals, 0), coalesce(l.ttl, 0), "
		"coalesce(l.session_version, 0), coalesce(l.route_version, "
		"-1), coalesce(l.fetched, 0), "
		"coalesce(l.released, 1), coalesce(s.version, 0), "
		"s.fingerprint, coalesce(r.version, 0), coalesce(r.tested, 0), "
		"a.version FROM (SELECT account_id FROM accounts WHERE "
		"node_id = ?1 AND account_id > ?2 UNION SELECT account_id FROM "
		"leases WHERE node_id = ?1 AND released = 0 AND account_id > "
		"?2 ORDER BY 1 LIMIT ?3) i JOIN accounts a ON a.account_id = "
		"i.account_id LEFT JOIN leases l ON l.account_id = "
		"a.account_id LEFT JOIN sessions s ON s.account_id = "
		"a.account_id AND s.quarantined = 0 LEFT JOIN routes r ON "
		"r.account_id = a.account_id ORDER BY a.account_id",
		"tti", q->node_id, q->after ? q->after : "", db_page(q->limit));
	if (rc == ERR_OK)
		rc = db_all(&r, leases_read_assignment, sizeof(*ret->items), &l,
			    ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

/* --- one-use downloads --- */

static enum err leases_grant_add(struct store *st, const struct store_grant *g,
				 struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db_of(st), &n, ei,
		    "INSERT INTO grants (hash, node_id, account_id, epoch, "
		    "session_version, created, expires) SELECT ?1, ?2, ?3, "
		    "?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM nodes "
		    "WHERE node_id = ?2) ON CONFLICT DO NOTHING",
		    "httiiww", &g->hash, g->node_id, g->account_id, g->epoch,
		    g->session_version, g->created, g->expires);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "no node %s", g->node_id);
}

static enum err leases_grant_read(struct db *db, const struct store_hash *hash,
				  struct arena *a, struct store_grant *ret,
				  struct err_info *ei)
{
	struct store_grant g = { .hash = *hash };
	struct db_row r;
	bool have = false;
	enum err rc;

	rc = db_query(db, a, &r, ei,
		      "SELECT node_id, account_id, epoch, session_version, "
		      "created, expires FROM grants WHERE hash = ?",
		      "h", hash);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc)
		return rc;
	BUG_ON(!have);
	g.node_id = db_must(&r);
	g.account_id = db_must(&r);
	g.epoch = db_i64(&r);
	g.session_version = db_i64(&r);
	g.created = db_wall(&r);
	g.expires = db_wall(&r);
	db_end(&r);
	rc = db_row_check(&r, ei);
	if (rc == ERR_OK)
		*ret = g;
	return rc;
}

static enum err leases_grant_use(struct db *db, const struct store_hash *hash,
				 const char *node_id, struct wall now,
				 struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db, &n, ei,
		    "UPDATE grants SET used = ?3 WHERE hash = ?1 AND "
		    "node_id = ?2 AND used = 0 AND expires > ?3",
		    "htw", hash, node_id, now);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_UNAUTHORIZED,
		       "the download address is unknown, used or expired: "
		       "beat again for a new one");
}

/* The lease is still the one, and now its session is with the node. */
static enum err leases_grant_current(struct db *db, const struct store_grant *g,
				     struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db, &n, ei,
		    "UPDATE leases SET fetched = 1 WHERE account_id = ? AND "
		    "node_id = ? AND epoch = ? AND released = 0",
		    "tti", g->account_id, g->node_id, g->epoch);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_STALE_EPOCH,
		       "the lease of account %s this download was made for is "
		       "over",
		       g->account_id);
}

/* NOLINTNEXTLINE(readability-function-size): parameters as in the vtable */
static enum err leases_grant_consume(struct store *st,
				     const struct store_hash *hash,
				     const char *node_id, struct wall now,
				     struct arena *a, struct store_grant *ret,
				     struct err_info *ei)
{
	struct db *db = db_of(st);
	struct store_grant g = { 0 };
	enum err rc = db_atomic_begin(db, ei);

	if (rc)
		return rc;
	rc = leases_grant_use(db, hash, node_id, now, ei);
	if (rc == ERR_OK)
		rc = leases_grant_read(db, hash, a, &g, ei);
	if (rc == ERR_OK)
		rc = leases_grant_current(db, &g, ei);
	rc = db_atomic_end(db, rc, ei);
	if (rc == ERR_OK)
		*ret = g;
	return rc;
}

void ops_leases(struct store_ops *ops)
{
	ops->lease_grant = leases_grant;
	ops->lease_get = leases_get;
	ops->lease_renew = leases_renew;
	ops->lease_release = leases_release;
	ops->lease_end = leases_end;
	ops->lease_list = leases_list;
	ops->assignment_list = leases_assignments;
	ops->grant_add = leases_grant_add;
	ops->grant_consume = leases_grant_consume;
}
