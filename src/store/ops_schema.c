/* SPDX-License-Identifier: MIT */
/*
 * Migrations.  The steps done are rows of schema_migrations; all steps of one
 * call are one transaction, so a failed migration leaves the schema as it was.
 */
#include <stdio.h>
#include <string.h>

#include "store/db.h"
#include "store/migrations.h"

static enum err schema_table(struct db *db, bool *ret, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_scalar(db, 0, &n, ei, db->drv->has_schema, "");
	if (rc == ERR_OK)
		*ret = n != 0;
	return rc;
}

static enum err schema_steps(struct db *db, struct store_schema *ret,
			     struct err_info *ei)
{
	struct db_row r;
	bool more = false;
	enum err rc;

	rc = db_query(db, NULL, &r, ei,
		      "SELECT version, applied, name FROM "
		      "schema_migrations ORDER BY version",
		      "");
	if (rc)
		return rc;
	while ((rc = db_next(&r, &more, ei)) == ERR_OK && more) {
		size_t i = ret->n_steps;
		int64_t version = db_i64(&r);
		struct wall applied = db_wall(&r);

		ret->version = (int)version;
		if (i == ARRAY_LEN(ret->steps))
			continue;
		ret->steps[i].version = (int)version;
		ret->steps[i].applied = applied;
		snprintf(ret->steps[i].name, sizeof(ret->steps[i].name), "%s",
			 db_peek(&r));
		ret->n_steps++;
	}
	return rc;
}

static enum err schema_get(struct store *st, struct store_schema *ret,
			   struct err_info *ei)
{
	struct db *db = db_of(st);
	struct store_schema s = { .newest = migrations_newest };
	bool have = false;
	enum err rc;

	rc = schema_table(db, &have, ei);
	if (rc == ERR_OK && have)
		rc = schema_steps(db, &s, ei);
	if (rc == ERR_OK)
		*ret = s;
	return rc;
}

static enum err schema_up(struct db *db, const struct migrations_step *m,
			  struct wall now, struct err_info *ei)
{
	enum err rc = db_script(db, m->up[db->drv->migrations], ei);

	if (rc)
		return err_wrap(ei, rc, "migration %d %s", m->version, m->name);
	return db_run(db, NULL, ei,
		      "INSERT INTO schema_migrations (version, name, "
		      "applied) VALUES (?, ?, ?)",
		      "dtw", m->version, m->name, now);
}

static enum err schema_down(struct db *db, const struct migrations_step *m,
			    struct err_info *ei)
{
	enum err rc = db_script(db, m->down[db->drv->migrations], ei);

	if (rc)
		return err_wrap(ei, rc, "rollback of %d %s", m->version,
				m->name);
	return db_run(db, NULL, ei,
		      "DELETE FROM schema_migrations WHERE version = ?", "d",
		      m->version);
}

static enum err schema_move(struct db *db, int to, struct wall now,
			    struct err_info *ei)
{
	struct store_schema s = { 0 };
	enum err rc;

	if (db->drv->schema_lock) {
		rc = db_script(db, db->drv->schema_lock, ei);
		if (rc)
			return rc;
	}
	rc = db_script(db,
		       "CREATE TABLE IF NOT EXISTS schema_migrations ("
		       "version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
		       "applied BIGINT NOT NULL)",
		       ei);
	if (rc)
		return rc;
	rc = schema_get(&db->store, &s, ei);
	if (rc)
		return rc;
	if (s.version > migrations_newest)
		return err_set(ei, ERR_CONFLICT,
			       "the database has schema %d, this program only "
			       "knows up to %d: use the newer program",
			       s.version, migrations_newest);
	for (int v = s.version; rc == ERR_OK && v < to; v++)
		rc = schema_up(db, &migrations_steps[v], now, ei);
	for (int v = s.version; rc == ERR_OK && v > to; v--)
		rc = schema_down(db, &migrations_steps[v - 1], ei);
	return rc;
}

static enum err schema_migrate(struct store *st, int version, struct wall now,
			       struct err_info *ei)
{
	struct db *db = db_of(st);
	int to = version < 0 ? migrations_newest : version;
	enum err rc;

	BUG_ON(db->batches);
	if (to > migrations_newest)
		return err_set(ei, ERR_INVALID,
			       "no schema %d: this program knows 0 to %d", to,
			       migrations_newest);
	db->drv->forget(db);
	rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	rc = schema_move(db, to, now, ei);
	rc = db_atomic_end(db, rc, ei);
	db->drv->forget(db);
	return rc;
}

static enum err schema_integrity(struct store *st, struct err_info *ei)
{
	struct db *db = db_of(st);

	return db->drv->integrity(db, ei);
}

void ops_schema(struct store_ops *ops)
{
	ops->schema = schema_get;
	ops->migrate = schema_migrate;
	ops->integrity = schema_integrity;
}
