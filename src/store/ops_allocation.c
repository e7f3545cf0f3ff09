/* SPDX-License-Identifier: MIT */
/*
 * Allocation: many accounts at once.  Lists go to the database as one JSON object
 * each, so that a plan of any size is one statement.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "store/db.h"

#define ALLOCATION_LIST_MAX (256U << 20)

/* --- reading --- */

#define ALLOCATION_SELECT                                                      \
	"SELECT a.account_id, a.node_id, p.node_id, CASE WHEN l.released = 0 " \
	"OR a.status IN ('starting', 'online', 'limited') THEN 1 ELSE 0 END, " \
	"CASE WHEN a.enabled = 0 OR (a.source = 'remote' AND a.node_id IS "    \
	"NOT NULL AND NOT EXISTS (SELECT 1 FROM sessions s WHERE "             \
	"s.account_id = a.account_id AND s.quarantined = 0)) THEN 1 ELSE 0 "   \
	"END FROM accounts a LEFT JOIN leases l ON l.account_id = "            \
	"a.account_id LEFT JOIN pins p ON p.account_id = a.account_id "
#define ALLOCATION_ORDER "ORDER BY a.account_id LIMIT ?1"

static void allocation_read_place(struct db_row *r, void *ret)
{
	struct store_place *p = ret;

	p->account_id = db_must(r);
	p->node_id = db_text(r);
	p->pinned_node = db_text(r);
	p->running = db_i64(r) != 0;
	p->kept = db_i64(r) != 0;
}

static enum err allocation_places(struct store *st,
				  const struct store_place_query *q,
				  struct arena *a, struct store_places *ret,
				  struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	struct db_row r;
	enum err rc;

	if (q->accounts)
		rc = db_query(db, a, &r, ei,
			      ALLOCATION_SELECT
			      "WHERE a.account_id IN (SELECT key FROM "
			      "json_each(json(?2))) " ALLOCATION_ORDER,
			      "it", (int64_t)q->limit, q->accounts);
	else if (q->unassigned)
		rc = db_query(db, a, &r, ei,
			      ALLOCATION_SELECT
			      "WHERE a.node_id IS NULL " ALLOCATION_ORDER,
			      "i", (int64_t)q->limit);
	else
		rc = db_query(db, a, &r, ei, ALLOCATION_SELECT ALLOCATION_ORDER,
			      "i", (int64_t)q->limit);
	if (rc == ERR_OK)
		rc = db_all(&r, allocation_read_place, sizeof(*ret->items), &l,
			    ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

static void allocation_read_load(struct db_row *r, void *ret)
{
	struct store_load *l = ret;

	l->node_id = db_must(r);
	l->max_accounts = db_i64(r);
	l->draining = db_i64(r) != 0;
	l->has_public_key = db_i64(r) != 0;
	l->accounts = db_i64(r);
}

static enum err allocation_loads(struct store *st, struct arena *a,
				 struct store_loads *ret, struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db, a, &r, ei,
		      "SELECT n.node_id, n.max_accounts, n.draining, CASE WHEN "
		      "n.public_key IS NULL THEN 0 ELSE 1 END, (SELECT "
		      "count(*) FROM accounts a WHERE a.node_id = n.node_id) "
		      "FROM nodes n ORDER BY n.node_id LIMIT ?",
		      "i", (int64_t)STORE_NODES_MAX);
	if (rc == ERR_OK)
		rc = db_all(&r, allocation_read_load, sizeof(*ret->items), &l,
			    ei);
	if (rc == ERR_OK)
		rc = db_scalar(
			db, 0, &ret->unassigned, ei,
			"SELECT count(*) FROM accounts WHERE node_id IS NULL",
			"");
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

/* --- assigning --- */

/* {"account":"node", ...} of a list, and {"node":1, ...} of its targets. */
struct allocation_lists {
	struct buf moves, targets;
	size_t ntargets;
};

static int allocation_by_node(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static enum err allocation_targets(struct allocation_lists *l,
				   const struct store_assign *list, size_t n)
{
	const char **ids = calloc(n + 1, sizeof(*ids));
	const char *before = NULL;
	size_t count = 0;
	struct jsonw w;

	if (!ids)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		if (list[i].node_id)
			ids[count++] = list[i].node_id;
	qsort(ids, count, sizeof(*ids), allocation_by_node);
	jsonw_init(&w, &l->targets);
	jsonw_object(&w, NULL);
	for (size_t i = 0; i < count; i++) {
		if (before && strcmp(before, ids[i]) == 0)
			continue;
		before = ids[i];
		jsonw_int(&w, before, 1);
		l->ntargets++;
	}
	jsonw_object_end(&w);
	free(ids);
	return jsonw_end(&w);
}

static enum err allocation_make_lists(struct allocation_lists *l,
				      const struct store_assign *list, size_t n,
				      struct err_info *ei)
{
	struct jsonw w;
	enum err rc;

	jsonw_init(&w, &l->moves);
	jsonw_object(&w, NULL);
	for (size_t i = 0; i < n; i++)
		jsonw_str_or_null(&w, list[i].account_id, list[i].node_id);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	if (rc == ERR_OK)
		rc = allocation_targets(l, list, n);
	if (rc == ERR_OK && (!buf_cstr(&l->moves) || !buf_cstr(&l->targets)))
		rc = ERR_NOMEM;
	return rc ? err_set(ei, rc, "list of %zu accounts", n) : ERR_OK;
}

/* Nobody else may fill the nodes until we are done. */
static enum err allocation_lock(struct db *db, const char *targets, size_t n,
				struct err_info *ei)
{
	struct db_row r;
	bool have = true;
	size_t found = 0;
	enum err rc;

	rc = db_query(db, NULL, &r, ei,
		      "SELECT node_id FROM nodes WHERE node_id IN (SELECT key "
		      "FROM json_each(json(?))) ORDER BY node_id "
		      "/* FOR UPDATE */",
		      "t", targets);
	while (rc == ERR_OK && have) {
		rc = db_next(&r, &have, ei);
		found += have;
	}
	if (rc || found == n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "a node of the list is gone");
}

static enum err allocation_fits(struct db *db, struct arena *a,
				const char *targets, struct err_info *ei)
{
	long long count, max;
	const char *node_id;
	struct db_row r;
	bool have = false;
	enum err rc;

	rc = db_query(db, a, &r, ei,
		      "SELECT x.node_id, x.n, x.max_accounts FROM (SELECT "
		      "n.node_id, n.max_accounts, (SELECT count(*) FROM "
		      "accounts a WHERE a.node_id = n.node_id) AS n FROM nodes "
		      "n WHERE n.node_id IN (SELECT key FROM "
		      "json_each(json(?)))) x WHERE x.n > x.max_accounts LIMIT "
		      "1",
		      "t", targets);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc || !have)
		return rc;
	node_id = db_must(&r);
	count = (long long)db_i64(&r);
	max = (long long)db_i64(&r);
	db_end(&r);
	return err_set(ei, ERR_CAPACITY,
		       "node %s would hold %lld accounts, and may hold %lld",
		       node_id, count, max);
}

static enum err allocation_write(struct db *db, struct allocation_lists *l,
				 size_t n, struct wall now, struct err_info *ei)
{
	const char *targets = buf_cstr(&l->targets);
	int64_t changed = 0;
	struct arena a;
	enum err rc;

	rc = allocation_lock(db, targets, l->ntargets, ei);
	if (rc == ERR_OK)
		rc = db_run(db, &changed, ei,
			    "UPDATE accounts SET node_id = m.value, updated = "
			    "?2, version = version + 1 FROM "
			    "json_each(json(?1)) m WHERE accounts.account_id = "
			    "m.key",
			    "tw", buf_cstr(&l->moves), now);
	if (rc)
		return rc;
	if ((size_t)changed != n)
		return err_set(ei, ERR_NOTFOUND,
			       "of %zu accounts %lld are not there", n,
			       (long long)n - (long long)changed);
	arena_init(&a, 65536);
	rc = allocation_fits(db, &a, targets, ei);
	arena_deinit(&a);
	return rc;
}

static enum err allocation_assign(struct store *st,
				  const struct store_assign *list, size_t n,
				  struct wall now, struct err_info *ei)
{
	struct db *db = db_of(st);
	struct allocation_lists l = { 0 };
	enum err rc;

	buf_init(&l.moves, ALLOCATION_LIST_MAX);
	buf_init(&l.targets, ALLOCATION_LIST_MAX);
	rc = allocation_make_lists(&l, list, n, ei);
	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc == ERR_OK)
		rc = db_atomic_end(db, allocation_write(db, &l, n, now, ei),
				   ei);
	buf_deinit(&l.moves);
	buf_deinit(&l.targets);
	return rc;
}

/* --- pins --- */

enum err ops_allocation_pin_allows(struct db *db, const char *account_id,
				   const char *node_id, struct err_info *ei)
{
	int64_t elsewhere = 0;
	enum err rc;

	rc = db_scalar(db, 0, &elsewhere, ei,
		       "SELECT 1 FROM pins WHERE account_id = ? AND node_id "
		       "<> ?",
		       "tt", account_id, node_id);
	if (rc || !elsewhere)
		return rc;
	return err_set(ei, ERR_CONFLICT,
		       "account %s is pinned to another node: unpin it first",
		       account_id);
}

static enum err allocation_put_pin(struct db *db, const char *account_id,
				   const char *node_id, struct wall now,
				   struct err_info *ei)
{
	int64_t n = 0, exists = 0;
	enum err rc;

	rc = db_run(db, &n, ei,
		    "UPDATE accounts SET updated = ?2, version = version + 1 "
		    "WHERE account_id = ?1",
		    "tw", account_id, now);
	if (rc == ERR_OK && n == 0)
		rc = err_set(ei, ERR_NOTFOUND, "no account %s", account_id);
	if (rc == ERR_OK)
		rc = db_run(db, NULL, ei,
			    "DELETE FROM pins WHERE account_id = ?", "t",
			    account_id);
	if (rc || !node_id)
		return rc;
	rc = db_scalar(db, 0, &exists, ei,
		       "SELECT 1 FROM nodes WHERE node_id = ? "
		       "/* FOR UPDATE */",
		       "t", node_id);
	if (rc)
		return rc;
	if (!exists)
		return err_set(ei, ERR_NOTFOUND, "no node %s", node_id);
	return db_run(db, NULL, ei,
		      "INSERT INTO pins (account_id, node_id) VALUES (?, ?)",
		      "tt", account_id, node_id);
}

static enum err allocation_pin(struct store *st, const char *account_id,
			       const char *node_id, struct wall now,
			       struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = db_check_text("account id", account_id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("node id", node_id, false, ei);
	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	rc = allocation_put_pin(db, account_id, node_id, now, ei);
	return db_atomic_end(db, rc, ei);
}

/* --- what is and what should be --- */

static void allocation_read_finding(struct db_row *r, void *ret)
{
	struct store_finding *f = ret;

	f->kind = db_must(r);
	f->account_id = db_must(r);
	f->node_id = db_must(r);
	f->expected = db_text(r);
	f->detail = db_text(r);
	f->first_seen = db_wall(r);
	f->last_seen = db_wall(r);
	f->count = db_i64(r);
}

/* Only one that is reported to run somewhere else is twice there. */
static enum err allocation_differences(struct store *st, struct wall since,
				       struct arena *a,
				       struct store_findings *ret,
				       struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(
		db, a, &r, ei,
		"SELECT 'duplicate' AS kind, f.account_id AS account_id, "
		"f.node_id AS node_id, a.node_id, f.detail, f.first_seen, "
		"f.last_seen, f.count FROM findings f JOIN accounts a ON "
		"a.account_id = f.account_id WHERE f.kind = 'foreign_report' "
		"AND f.last_seen >= ?1 AND f.detail IN ('starting', 'online', "
		"'limited') UNION ALL SELECT 'orphan', l.account_id, "
		"l.node_id, a.node_id, a.status, l.granted, l.renewed, 1 FROM "
		"leases l JOIN accounts a ON a.account_id = l.account_id "
		"WHERE l.released = 0 AND (a.node_id IS NULL OR a.node_id <> "
		"l.node_id) UNION ALL SELECT 'missing', a.account_id, '', "
		"a.node_id, a.status, a.status_since, a.updated, 1 FROM "
		"accounts a WHERE a.enabled <> 0 AND a.desired_online <> 0 "
		"AND a.status IN ('offline', 'error') AND NOT EXISTS (SELECT 1 "
		"FROM leases l WHERE l.account_id = a.account_id AND "
		"l.released = 0) ORDER BY 1, 2, 3 LIMIT ?2",
		"wi", since, (int64_t)STORE_FINDINGS_MAX);
	if (rc == ERR_OK)
		rc = db_all(&r, allocation_read_finding, sizeof(*ret->items),
			    &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

void ops_allocation(struct store_ops *ops)
{
	ops->place_list = allocation_places;
	ops->load_list = allocation_loads;
	ops->assign = allocation_assign;
	ops->pin = allocation_pin;
	ops->difference_list = allocation_differences;
}
