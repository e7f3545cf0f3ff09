/* SPDX-License-Identifier: MIT */
/*
 * Chat scripts: what was stored is never written over, only followed by another
 * version; and which nodes were given which.
 */
#include "store/db.h"

#define SCRIPTS_COLS                                                           \
	"v.script_id, v.version, v.label, v.sha256, v.size, v.author, "        \
	"v.note, v.created "
#define SCRIPTS_JOIN                                                           \
	"FROM scripts s JOIN script_versions v ON v.script_id = s.script_id "

static void scripts_read(struct db_row *r, void *ret)
{
	struct store_script *s = ret;

	s->script_id = db_must(r);
	s->version = db_i64(r);
	s->label = db_must(r);
	db_fixed(r, s->sha256.bytes, sizeof(s->sha256.bytes));
	s->size = (size_t)db_i64(r);
	s->author = db_must(r);
	s->note = db_text(r);
	s->created = db_wall(r);
}

static void scripts_read_all(struct db_row *r, void *ret)
{
	struct store_script *s = ret;

	scripts_read(r, ret);
	s->content = db_blob(r, &s->size);
}

static enum err scripts_check(const struct store_script *s, struct err_info *ei)
{
	enum err rc = db_check_text("script id", s->script_id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("label", s->label, false, ei);
	if (rc == ERR_OK)
		rc = db_check_text("author", s->author, true, ei);
	if (rc == ERR_OK)
		rc = db_check_text("note", s->note, false, ei);
	if (rc)
		return rc;
	if (!s->content || !s->size)
		return err_set(ei, ERR_INVALID, "the script is empty");
	if (s->size > STORE_SCRIPT_MAX)
		return err_set(ei, ERR_TOOBIG,
			       "the script is longer than %d bytes",
			       STORE_SCRIPT_MAX);
	return ERR_OK;
}

static enum err scripts_begin(struct db *db, const struct store_script *s,
			      struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_scalar(db, 0, &n, ei, "SELECT count(*) FROM scripts", "");
	if (rc)
		return rc;
	if (n >= STORE_SCRIPTS_MAX)
		return err_set(ei, ERR_CAPACITY,
			       "there are %d scripts already: delete one",
			       STORE_SCRIPTS_MAX);
	rc = db_run(db, &n, ei,
		    "INSERT INTO scripts (script_id, version, created) VALUES "
		    "(?, 1, ?) ON CONFLICT (script_id) DO NOTHING",
		    "tw", s->script_id, s->created);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_DUPLICATE, "script %s exists already",
		       s->script_id);
}

static enum err scripts_follow(struct db *db, const struct store_script *s,
			       struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db, &n, ei,
		    "UPDATE scripts SET version = ?2 WHERE script_id = ?1 AND "
		    "version = ?2 - 1",
		    "ti", s->script_id, s->version);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_CONFLICT,
		       "script %s was changed by somebody else: read it again",
		       s->script_id);
}

static enum err scripts_write(struct db *db, const struct store_script *s,
			      struct err_info *ei)
{
	enum err rc = s->version == 1 ? scripts_begin(db, s, ei)
				      : scripts_follow(db, s, ei);

	if (rc == ERR_OK)
		rc = db_run(db, NULL, ei,
			    "INSERT INTO script_versions (script_id, version, "
			    "label, sha256, size, content, author, note, "
			    "created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			    "tithibttw", s->script_id, s->version, s->label,
			    &s->sha256, (int64_t)s->size, s->content, s->size,
			    s->author, s->note, s->created);
	if (rc)
		return rc;
	return db_run(db, NULL, ei,
		      "DELETE FROM script_versions WHERE script_id = ? AND "
		      "version <= ?",
		      "ti", s->script_id,
		      s->version - STORE_SCRIPT_VERSIONS_MAX);
}

static enum err scripts_put(struct store *st, const struct store_script *s,
			    struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = scripts_check(s, ei);

	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	return db_atomic_end(db, scripts_write(db, s, ei), ei);
}

static enum err scripts_get(struct store *st, const char *script_id,
			    int64_t version, struct arena *a,
			    struct store_script *ret, struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT " SCRIPTS_COLS ", v.content " SCRIPTS_JOIN
		      "WHERE s.script_id = ?1 AND v.version = CASE WHEN ?2 = 0 "
		      "THEN s.version ELSE ?2 END",
		      "ti", script_id, version);
	if (rc == ERR_OK)
		rc = db_one(&r, scripts_read_all, sizeof(*ret), ret, ei);
	if (rc != ERR_NOTFOUND)
		return rc;
	if (!version)
		return err_set(ei, rc, "no script %s", script_id);
	return err_set(ei, rc, "script %s has no version %lld", script_id,
		       (long long)version);
}

static enum err scripts_page(struct store *st,
			     const struct store_script_query *q,
			     struct arena *a, struct db_row *ret, int64_t *n,
			     struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc;

	if (!q->script_id) {
		rc = db_scalar(db, 0, n, ei, "SELECT count(*) FROM scripts",
			       "");
		return rc ? rc
			  : db_query(db, a, ret, ei,
				     "SELECT " SCRIPTS_COLS SCRIPTS_JOIN
				     "AND v.version = s.version ORDER BY "
				     "v.script_id LIMIT ? OFFSET ?",
				     "ii", db_page(q->limit),
				     (int64_t)q->offset);
	}
	rc = db_scalar(db, 0, n, ei,
		       "SELECT count(*) FROM script_versions WHERE script_id "
		       "= ?",
		       "t", q->script_id);
	if (rc == ERR_OK && !*n)
		rc = err_set(ei, ERR_NOTFOUND, "no script %s", q->script_id);
	return rc ? rc
		  : db_query(db, a, ret, ei,
			     "SELECT " SCRIPTS_COLS "FROM script_versions v "
			     "WHERE v.script_id = ? ORDER BY v.version DESC "
			     "LIMIT ? OFFSET ?",
			     "tii", q->script_id, db_page(q->limit),
			     (int64_t)q->offset);
}

static enum err scripts_list(struct store *st,
			     const struct store_script_query *q,
			     struct arena *a, struct store_scripts *ret,
			     struct err_info *ei)
{
	struct db_list l = { 0 };
	struct db_row r;
	int64_t total = 0;
	enum err rc = scripts_page(st, q, a, &r, &total, ei);

	if (rc == ERR_OK)
		rc = db_all(&r, scripts_read, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	*ret = (struct store_scripts){ .items = l.items,
				       .n = l.n,
				       .total = total };
	return ERR_OK;
}

static enum err scripts_delete(struct store *st, const char *script_id,
			       struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db_of(st), &n, ei,
		    "DELETE FROM scripts WHERE script_id = ? AND NOT EXISTS "
		    "(SELECT 1 FROM accounts WHERE accounts.script_id = "
		    "scripts.script_id)",
		    "t", script_id);
	if (rc || n)
		return rc;
	rc = db_scalar(db_of(st), 0, &n, ei,
		       "SELECT count(*) FROM accounts WHERE script_id = ? AND "
		       "EXISTS (SELECT 1 FROM scripts WHERE "
		       "scripts.script_id = accounts.script_id)",
		       "t", script_id);
	if (rc)
		return rc;
	if (n)
		return err_set(ei, ERR_CONFLICT,
			       "%lld accounts have script %s: give them "
			       "another one first",
			       (long long)n, script_id);
	return err_set(ei, ERR_NOTFOUND, "no script %s", script_id);
}

/* --- deployments --- */

#define DEPLOYED                                                               \
	"FROM script_deployments d LEFT JOIN commands c ON c.command_id = "    \
	"d.command_id WHERE d.script_id = ?1 "

static void deployments_read(struct db_row *r, void *ret)
{
	struct store_deployment *d = ret;

	d->command_id = db_must(r);
	d->script_id = db_must(r);
	d->version = db_i64(r);
	d->node_id = db_must(r);
	d->created_by = db_must(r);
	d->created = db_wall(r);
	d->state = (enum store_command_state)db_i64(r);
	d->error = db_text(r);
	d->finished = db_wall(r);
}

static enum err deployments_add(struct store *st,
				const struct store_deployment *d,
				struct err_info *ei)
{
	int64_t n = 0;
	enum err rc = db_check_text("command id", d->command_id, true, ei);

	if (rc == ERR_OK)
		rc = db_run(db_of(st), &n, ei,
			    "INSERT INTO script_deployments (command_id, "
			    "script_id, version, node_id, created_by, "
			    "created, state, error) SELECT ?1, s.script_id, "
			    "?3, n.node_id, ?5, ?6, 4, 'the command was taken "
			    "back' FROM scripts s, nodes n WHERE s.script_id "
			    "= ?2 AND n.node_id = ?4",
			    "ttittw", d->command_id, d->script_id, d->version,
			    d->node_id, d->created_by, d->created);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "no script %s, or no node %s",
		       d->script_id, d->node_id);
}

static enum err deployments_list(struct store *st,
				 const struct store_deployment_query *q,
				 struct arena *a, struct store_deployments *ret,
				 struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l = { 0 };
	int64_t total = 0;
	struct db_row r;
	enum err rc;

	rc = db_scalar(db, 0, &total, ei,
		       "SELECT count(*) FROM script_deployments WHERE "
		       "script_id = ?1 AND (?2 IS NULL OR node_id = ?2)",
		       "tt", q->script_id, q->node_id);
	if (rc == ERR_OK)
		rc = db_query(db, a, &r, ei,
			      "SELECT d.command_id, d.script_id, d.version, "
			      "d.node_id, d.created_by, d.created, "
			      "coalesce(c.state, d.state), CASE WHEN c.state "
			      "IS NULL THEN d.error ELSE c.error END, "
			      "coalesce(c.finished, d.finished) " DEPLOYED
			      "AND (?2 IS NULL OR d.node_id = ?2) ORDER BY "
			      "d.seq DESC LIMIT ?3 OFFSET ?4",
			      "ttii", q->script_id, q->node_id,
			      db_page(q->limit), (int64_t)q->offset);
	if (rc == ERR_OK)
		rc = db_all(&r, deployments_read, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	*ret = (struct store_deployments){ .items = l.items,
					   .n = l.n,
					   .total = total };
	return ERR_OK;
}

void ops_scripts(struct store_ops *ops)
{
	ops->script_put = scripts_put;
	ops->script_get = scripts_get;
	ops->script_list = scripts_list;
	ops->script_delete = scripts_delete;
	ops->deployment_add = deployments_add;
	ops->deployment_list = deployments_list;
}
