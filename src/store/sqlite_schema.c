/* SPDX-License-Identifier: MIT */
/*
 * Migrations.  The steps done are rows of schema_migrations; all steps of one
 * call are one transaction, so a failed migration leaves the schema as it was.
 */
#include <stdio.h>
#include <string.h>

#include "store/migrations.h"
#include "store/sqlite_int.h"

static enum err sqlite_schema_table(struct sqlite_db *db, bool *ret,
				    struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = sqlite_scalar(db, 0, &n, ei,
			   "SELECT count(*) FROM sqlite_schema WHERE type = "
			   "'table' AND name = 'schema_migrations'",
			   "");
	if (rc == ERR_OK)
		*ret = n != 0;
	return rc;
}

static enum err sqlite_schema_steps(struct sqlite_db *db,
				    struct store_schema *ret,
				    struct err_info *ei)
{
	struct sqlite_row r;
	bool more = false;
	enum err rc;

	rc = sqlite_query(db, NULL, &r, ei,
			  "SELECT version, applied, name FROM "
			  "schema_migrations ORDER BY version",
			  "");
	if (rc)
		return rc;
	while ((rc = sqlite_next(&r, &more, ei)) == ERR_OK && more) {
		size_t i = ret->n_steps;
		int64_t version = sqlite_i64(&r);
		struct wall applied = sqlite_wall(&r);

		ret->version = (int)version;
		if (i == ARRAY_LEN(ret->steps))
			continue;
		ret->steps[i].version = (int)version;
		ret->steps[i].applied = applied;
		snprintf(ret->steps[i].name, sizeof(ret->steps[i].name), "%s",
			 (const char *)sqlite3_column_text(r.stmt, r.col));
		ret->n_steps++;
	}
	return rc;
}

enum err sqlite_schema_get(struct store *st, struct store_schema *ret,
			   struct err_info *ei)
{
	struct sqlite_db *db = sqlite_of(st);
	struct store_schema s = { .newest = migrations_newest };
	bool have = false;
	enum err rc;

	rc = sqlite_schema_table(db, &have, ei);
	if (rc == ERR_OK && have)
		rc = sqlite_schema_steps(db, &s, ei);
	if (rc == ERR_OK)
		*ret = s;
	return rc;
}

static enum err sqlite_schema_up(struct sqlite_db *db,
				 const struct migrations_step *m,
				 struct wall now, struct err_info *ei)
{
	enum err rc = sqlite_script(db, m->up, ei);

	if (rc)
		return err_wrap(ei, rc, "migration %d %s", m->version, m->name);
	return sqlite_run(db, NULL, ei,
			  "INSERT INTO schema_migrations (version, name, "
			  "applied) VALUES (?, ?, ?)",
			  "dtw", m->version, m->name, now);
}

static enum err sqlite_schema_down(struct sqlite_db *db,
				   const struct migrations_step *m,
				   struct err_info *ei)
{
	enum err rc = sqlite_script(db, m->down, ei);

	if (rc)
		return err_wrap(ei, rc, "rollback of %d %s", m->version,
				m->name);
	return sqlite_run(db, NULL, ei,
			  "DELETE FROM schema_migrations WHERE version = ?",
			  "d", m->version);
}

static enum err sqlite_schema_move(struct sqlite_db *db, int to,
				   struct wall now, struct err_info *ei)
{
	struct store_schema s = { 0 };
	enum err rc;

	rc = sqlite_script(db,
			   "CREATE TABLE IF NOT EXISTS schema_migrations ("
			   "version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
			   "applied INTEGER NOT NULL)",
			   ei);
	if (rc)
		return rc;
	rc = sqlite_schema_get(&db->store, &s, ei);
	if (rc)
		return rc;
	if (s.version > migrations_newest)
		return err_set(ei, ERR_CONFLICT,
			       "the database has schema %d, this program only "
			       "knows up to %d: use the newer program",
			       s.version, migrations_newest);
	for (int v = s.version; rc == ERR_OK && v < to; v++)
		rc = sqlite_schema_up(db, &migrations_steps[v], now, ei);
	for (int v = s.version; rc == ERR_OK && v > to; v--)
		rc = sqlite_schema_down(db, &migrations_steps[v - 1], ei);
	return rc;
}

enum err sqlite_schema_migrate(struct store *st, int version, struct wall now,
			       struct err_info *ei)
{
	struct sqlite_db *db = sqlite_of(st);
	int to = version < 0 ? migrations_newest : version;
	enum err rc;

	BUG_ON(db->batches);
	if (to > migrations_newest)
		return err_set(ei, ERR_INVALID,
			       "no schema %d: this program knows 0 to %d", to,
			       migrations_newest);
	sqlite_cache_clear(db);
	rc = sqlite_atomic_begin(db, ei);
	if (rc)
		return rc;
	rc = sqlite_schema_move(db, to, now, ei);
	rc = sqlite_atomic_end(db, rc, ei);
	sqlite_cache_clear(db);
	return rc;
}

enum err sqlite_schema_integrity(struct store *st, struct err_info *ei)
{
	struct sqlite_db *db = sqlite_of(st);
	struct sqlite_row r;
	bool more = false;
	enum err rc;

	rc = sqlite_query(db, NULL, &r, ei, "PRAGMA integrity_check(1)", "");
	if (rc == ERR_OK)
		rc = sqlite_next(&r, &more, ei);
	if (rc)
		return rc;
	if (more) {
		const char *said = (const char *)sqlite3_column_text(r.stmt, 0);

		if (!said || strcmp(said, "ok") != 0)
			rc = err_set(ei, ERR_CORRUPT,
				     "database %s: %s: restore a backup",
				     db->path, said ? said : "no answer");
		sqlite_end(&r);
	}
	if (rc)
		return rc;
	rc = sqlite_query(db, NULL, &r, ei, "PRAGMA foreign_key_check", "");
	if (rc == ERR_OK)
		rc = sqlite_next(&r, &more, ei);
	if (rc || !more)
		return rc;
	rc = err_set(ei, ERR_CORRUPT, "database %s: broken reference in %s",
		     db->path, (const char *)sqlite3_column_text(r.stmt, 0));
	sqlite_end(&r);
	return rc;
}
