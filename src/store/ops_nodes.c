/* SPDX-License-Identifier: MIT */
/*
 * Join tokens and nodes.
 */
#include "store/db.h"

#define NODES_DEFAULT_MAX 1000

static enum err nodes_join_add(struct store *st, const struct store_join *j,
			       struct err_info *ei)
{
	int64_t n = 0;
	enum err rc = db_check_text("join token id", j->id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("label", j->label, false, ei);
	if (rc == ERR_OK)
		rc = db_run(db_of(st), &n, ei,
			    "INSERT INTO joins (id, hash, label, "
			    "created_by, created, expires) SELECT ?1, ?2, "
			    "?3, ?4, ?5, ?6 WHERE (SELECT count(*) FROM "
			    "joins) < ?7 ON CONFLICT DO NOTHING",
			    "thttwwd", j->id, &j->hash, j->label, j->created_by,
			    j->created, j->expires, STORE_USERS_MAX);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_DUPLICATE,
		       "join token %s exists already, or there are %d", j->id,
		       STORE_USERS_MAX);
}

static void nodes_read_join(struct db_row *r, void *ret)
{
	struct store_join *j = ret;

	j->id = db_must(r);
	db_fixed(r, j->hash.bytes, sizeof(j->hash.bytes));
	j->label = db_text(r);
	j->created_by = db_must(r);
	j->created = db_wall(r);
	j->expires = db_wall(r);
	j->used = db_wall(r);
	j->used_by_node = db_text(r);
}

static enum err nodes_join_list(struct store *st, struct arena *a,
				struct store_joins *ret, struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db, a, &r, ei,
		      "SELECT id, hash, label, created_by, created, "
		      "expires, used, used_by_node FROM joins ORDER BY "
		      "created, id LIMIT ?",
		      "i", (int64_t)STORE_USERS_MAX);
	if (rc == ERR_OK)
		rc = db_all(&r, nodes_read_join, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

static enum err nodes_join_delete(struct store *st, const char *id,
				  struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db_of(st), &n, ei, "DELETE FROM joins WHERE id = ?", "t",
		    id);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "no join token %s", id);
}

static enum err nodes_check(const struct store_node *n, struct err_info *ei)
{
	enum err rc = db_check_text("node id", n->node_id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("node name", n->name, true, ei);
	if (rc == ERR_OK)
		rc = db_check_text("host name", n->hostname, false, ei);
	if (rc == ERR_OK)
		rc = db_check_text("version", n->version, false, ei);
	if (rc == ERR_OK)
		rc = db_check_json("metadata", n->metadata, ei);
	return rc;
}

static enum err nodes_insert(struct db *db, const struct store_node *n,
			     struct wall now, struct err_info *ei)
{
	int64_t max = n->max_accounts > 0 ? n->max_accounts : NODES_DEFAULT_MAX;
	size_t key_len = sizeof(n->public_key);
	int64_t count = 0, added = 0;
	enum err rc;

	rc = db_scalar(db, 0, &count, ei, "SELECT count(*) FROM nodes", "");
	if (rc)
		return rc;
	if (count >= STORE_NODES_MAX)
		return err_set(ei, ERR_CAPACITY, "there are %d nodes already",
			       STORE_NODES_MAX);
	rc = db_run(db, &added, ei,
		    "INSERT INTO nodes (node_id, name, token, public_key, "
		    "draining, ack_on_delivery, allow_plain, hostname, "
		    "version, metadata, max_accounts, created, updated) "
		    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON "
		    "CONFLICT DO NOTHING",
		    "tthbdddtttiww", n->node_id, n->name, &n->token,
		    n->has_public_key ? n->public_key : NULL, key_len,
		    n->draining, n->ack_on_delivery, n->allow_plain,
		    n->hostname, n->version, n->metadata, max, now, now);
	if (rc || added)
		return rc;
	return err_set(ei, ERR_DUPLICATE,
		       "a node with the id %s or the name %s exists already",
		       n->node_id, n->name);
}

static enum err nodes_add(struct store *st, const struct store_node *n,
			  struct wall now, struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = nodes_check(n, ei);

	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	return db_atomic_end(db, nodes_insert(db, n, now, ei), ei);
}

static enum err nodes_join_use(struct db *db, const struct store_hash *join,
			       const char *node_id, struct wall now,
			       struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db, &n, ei,
		    "UPDATE joins SET used = ?2, used_by_node = ?3 WHERE "
		    "hash = ?1 AND used = 0 AND expires > ?2",
		    "hwt", join, now, node_id);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_UNAUTHORIZED,
		       "the join token is unknown, used or expired: make a new "
		       "one");
}

static enum err nodes_enroll(struct store *st, const struct store_hash *join,
			     const struct store_node *n, struct wall now,
			     struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = nodes_check(n, ei);

	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	rc = nodes_join_use(db, join, n->node_id, now, ei);
	if (rc == ERR_OK)
		rc = nodes_insert(db, n, now, ei);
	return db_atomic_end(db, rc, ei);
}

#define NODES_SELECT                                                           \
	"SELECT node_id, name, token, public_key, draining, "                  \
	"ack_on_delivery, allow_plain, hostname, version, boot_id, status, "   \
	"metadata, max_accounts, last_heartbeat, created, updated, beats, "    \
	"leaving, "                                                            \
	"(SELECT count(*) FROM accounts a WHERE a.node_id = n.node_id), "      \
	"(SELECT count(*) FROM accounts a WHERE a.node_id = n.node_id AND "    \
	"a.status = 'online'), "                                               \
	"(SELECT count(*) FROM leases l WHERE l.node_id = n.node_id AND "      \
	"l.released = 0) FROM nodes n "

static void nodes_read(struct db_row *r, void *ret)
{
	struct store_node *n = ret;

	n->node_id = db_must(r);
	n->name = db_must(r);
	db_fixed(r, n->token.bytes, sizeof(n->token.bytes));
	n->has_public_key = db_fixed(r, n->public_key, sizeof(n->public_key));
	n->draining = db_i64(r) != 0;
	n->ack_on_delivery = db_i64(r) != 0;
	n->allow_plain = db_i64(r) != 0;
	n->hostname = db_text(r);
	n->version = db_text(r);
	n->boot_id = db_text(r);
	n->status = db_text(r);
	n->metadata = db_text(r);
	n->max_accounts = db_i64(r);
	n->last_heartbeat = db_wall(r);
	n->created = db_wall(r);
	n->updated = db_wall(r);
	n->beats = db_i64(r);
	n->leaving = db_i64(r) != 0;
	n->accounts = db_i64(r);
	n->accounts_online = db_i64(r);
	n->leases = db_i64(r);
}

static enum err nodes_get(struct store *st, const char *node_id,
			  struct arena *a, struct store_node *ret,
			  struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei, NODES_SELECT "WHERE node_id = ?",
		      "t", node_id);
	if (rc == ERR_OK)
		rc = db_one(&r, nodes_read, sizeof(*ret), ret, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, rc, "no node %s", node_id);
	return rc;
}

static enum err nodes_by_token(struct store *st, const struct store_hash *token,
			       struct arena *a, struct store_node *ret,
			       struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei, NODES_SELECT "WHERE token = ?", "h",
		      token);
	if (rc == ERR_OK)
		rc = db_one(&r, nodes_read, sizeof(*ret), ret, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, ERR_UNAUTHORIZED,
			       "no node has this token: enrol again");
	return rc;
}

static enum err nodes_list(struct store *st, struct arena *a,
			   struct store_nodes *ret, struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db, a, &r, ei, NODES_SELECT "ORDER BY node_id LIMIT ?",
		      "i", (int64_t)STORE_NODES_MAX);
	if (rc == ERR_OK)
		rc = db_all(&r, nodes_read, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

static void nodes_read_news(struct db_row *r, void *ret)
{
	struct store_node_news *n = ret;

	n->node_id = db_must(r);
	n->beats = db_i64(r);
	n->leaving = db_i64(r) != 0;
	n->queued = db_i64(r) != 0;
}

static enum err nodes_news(struct store *st, struct arena *a,
			   struct store_node_newses *ret, struct err_info *ei)
{
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT node_id, beats, leaving, (SELECT count(*) FROM "
		      "commands c WHERE c.node_id = n.node_id AND c.state = 0) "
		      "FROM nodes n ORDER BY node_id LIMIT ?",
		      "i", (int64_t)STORE_NODES_MAX);
	if (rc == ERR_OK)
		rc = db_all(&r, nodes_read_news, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

static enum err nodes_check_update(const struct store_node *n, uint32_t fields,
				   struct err_info *ei)
{
	if ((fields & STORE_NODE_MAX_ACCOUNTS) && n->max_accounts < 0)
		return err_set(ei, ERR_INVALID,
			       "max_accounts must not be negative");
	if (fields & STORE_NODE_NAME)
		return db_check_text("node name", n->name, true, ei);
	return ERR_OK;
}

static enum err nodes_change(struct db *db, const struct store_node *n,
			     uint32_t fields, struct wall now,
			     struct err_info *ei)
{
	size_t key_len = sizeof(n->public_key);
	int64_t taken = 0, changed = 0;
	enum err rc = ERR_OK;

	if (fields & STORE_NODE_NAME)
		rc = db_scalar(db, 0, &taken, ei,
			       "SELECT 1 FROM nodes WHERE name = ? AND "
			       "node_id <> ?",
			       "tt", n->name, n->node_id);
	if (rc)
		return rc;
	if (taken)
		return err_set(ei, ERR_DUPLICATE,
			       "another node is called %s already", n->name);
	rc = db_run(
		db, &changed, ei,
		"UPDATE nodes SET name = CASE WHEN ?2 & 1 <> 0 THEN ?3 ELSE "
		"name END, "
		"token = CASE WHEN ?2 & 2 <> 0 THEN ?4 ELSE token END, "
		"public_key = CASE WHEN ?2 & 4 <> 0 THEN ?5 ELSE public_key "
		"END, "
		"draining = CASE WHEN ?2 & 8 <> 0 THEN ?6 ELSE draining END, "
		"max_accounts = CASE WHEN ?2 & 16 <> 0 THEN ?7 ELSE "
		"max_accounts END, "
		"ack_on_delivery = CASE WHEN ?2 & 32 <> 0 THEN ?8 ELSE "
		"ack_on_delivery END, "
		"allow_plain = CASE WHEN ?2 & 64 <> 0 THEN ?9 ELSE allow_plain "
		"END, "
		"updated = ?10 WHERE node_id = ?1",
		"tdthbdiddw", n->node_id, (int)fields, n->name, &n->token,
		n->has_public_key ? n->public_key : NULL, key_len, n->draining,
		n->max_accounts, n->ack_on_delivery, n->allow_plain, now);
	if (rc || changed)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "no node %s", n->node_id);
}

static enum err nodes_update(struct store *st, const struct store_node *n,
			     uint32_t fields, struct wall now,
			     struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = nodes_check_update(n, fields, ei);

	_Static_assert(STORE_NODE_NAME == 1 && STORE_NODE_ALLOW_PLAIN == 64,
		       "the UPDATE above");
	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	return db_atomic_end(db, nodes_change(db, n, fields, now, ei), ei);
}

static enum err nodes_remove(struct db *db, const char *node_id,
			     struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_scalar(db, 0, &n, ei,
		       "SELECT count(*) FROM leases WHERE node_id = ? AND "
		       "released = 0",
		       "t", node_id);
	if (rc)
		return rc;
	if (n)
		return err_set(ei, ERR_CONFLICT,
			       "node %s still holds %lld leases: drain it and "
			       "wait",
			       node_id, (long long)n);
	rc = db_run(db, &n, ei, "DELETE FROM nodes WHERE node_id = ?", "t",
		    node_id);
	db_forget_queues(db);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "no node %s", node_id);
}

static enum err nodes_delete(struct store *st, const char *node_id,
			     struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = db_atomic_begin(db, ei);

	if (rc)
		return rc;
	return db_atomic_end(db, nodes_remove(db, node_id, ei), ei);
}

enum err ops_nodes_still(struct db *db, const char *node_id, int64_t beats,
			 struct err_info *ei)
{
	int64_t now = -1;
	enum err rc;

	rc = db_scalar(db, -1, &now, ei,
		       "SELECT beats FROM nodes WHERE node_id = ? "
		       "/* FOR UPDATE */",
		       "t", node_id);
	if (rc || now == beats)
		return rc;
	return err_set(ei, ERR_CONFLICT, "node %s was heard meanwhile",
		       node_id);
}

static enum err nodes_still(struct store *st, const char *node_id,
			    int64_t beats, struct err_info *ei)
{
	return ops_nodes_still(db_of(st), node_id, beats, ei);
}

static enum err nodes_stale(struct store *st, const char *node_id,
			    struct err_info *ei)
{
	return db_run(db_of(st), NULL, ei,
		      "UPDATE nodes SET stale = 1 WHERE node_id = ?", "t",
		      node_id);
}

enum err ops_nodes_room(struct db *db, const char *node_id,
			const char *account_id, struct err_info *ei)
{
	int64_t max = -1, n = 0;
	enum err rc;

	rc = db_scalar(db, -1, &max, ei,
		       "SELECT max_accounts FROM nodes WHERE node_id = ? "
		       "/* FOR UPDATE */",
		       "t", node_id);
	if (rc)
		return rc;
	if (max < 0)
		return err_set(ei, ERR_NOTFOUND, "no node %s", node_id);
	rc = db_scalar(db, 0, &n, ei,
		       "SELECT count(*) FROM accounts WHERE node_id = ? "
		       "AND account_id <> ?",
		       "tt", node_id, account_id);
	if (rc || n < max)
		return rc;
	return err_set(ei, ERR_CAPACITY, "node %s holds %lld of %lld accounts",
		       node_id, (long long)n, (long long)max);
}

void ops_nodes(struct store_ops *ops)
{
	ops->join_add = nodes_join_add;
	ops->join_list = nodes_join_list;
	ops->join_delete = nodes_join_delete;
	ops->node_enroll = nodes_enroll;
	ops->node_add = nodes_add;
	ops->node_get = nodes_get;
	ops->node_by_token = nodes_by_token;
	ops->node_list = nodes_list;
	ops->node_update = nodes_update;
	ops->node_delete = nodes_delete;
	ops->node_still = nodes_still;
	ops->node_news = nodes_news;
	ops->node_stale = nodes_stale;
}
