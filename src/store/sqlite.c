/* SPDX-License-Identifier: MIT */
/*
 * SQLite: WAL, one writer, every commit synced (synchronous=FULL): a lease epoch
 * that was answered and then lost with the power would be granted twice.  What a
 * sync costs is shared by begin()/commit() around a turn of the loop.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"
#include "store/migrations.h"

#define SQLITE_APPLICATION_ID 0x74676665 /* "tgfe" */

struct sqlite {
	struct db db; /* first */
	sqlite3 *conn;
	struct db_cache cache;
};

static struct sqlite *sqlite_of(struct db *db)
{
	return container_of(db, struct sqlite, db);
}

static enum err sqlite_fail(const struct sqlite *s, struct err_info *ei)
{
	const char *msg = sqlite3_errmsg(s->conn);

	switch (sqlite3_errcode(s->conn) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(ei, ERR_UNAVAILABLE,
			       "database %s: %s: another program writes to it",
			       s->db.name, msg);
	case SQLITE_NOMEM:
		return err_set(ei, ERR_NOMEM, "database %s: %s", s->db.name,
			       msg);
	case SQLITE_CONSTRAINT:
		return err_set(ei, ERR_CONFLICT, "database: %s", msg);
	case SQLITE_NOTADB:
		return err_set(ei, ERR_CORRUPT,
			       "%s is not an SQLite database: name another "
			       "file",
			       s->db.name);
	case SQLITE_CORRUPT:
		return err_set(ei, ERR_CORRUPT,
			       "database %s: %s: restore a backup", s->db.name,
			       msg);
	case SQLITE_READONLY:
		return err_set(ei, ERR_FORBIDDEN,
			       "database %s: %s: check owner and mode of the "
			       "file and its folder",
			       s->db.name, msg);
	case SQLITE_TOOBIG:
		return err_set(ei, ERR_TOOBIG, "database: %s", msg);
	case SQLITE_FULL:
		return err_set(ei, ERR_IO, "database %s: %s: free some space",
			       s->db.name, msg);
	default:
		return err_set(ei, ERR_IO, "database %s: %s (%d)", s->db.name,
			       msg, sqlite3_extended_errcode(s->conn));
	}
}

/* --- statements --- */

static enum err sqlite_prepare(struct sqlite *s, const char *sql,
			       sqlite3_stmt **ret, struct err_info *ei)
{
	struct db_slot *slot = db_cache_slot(&s->cache, sql);

	if (!slot->stmt) {
		if (sqlite3_prepare_v3(s->conn, sql, -1,
				       SQLITE_PREPARE_PERSISTENT, ret,
				       NULL) != SQLITE_OK)
			return sqlite_fail(s, ei);
		slot->stmt = *ret;
	}
	*ret = slot->stmt;
	return ERR_OK;
}

static void sqlite_forget(struct db *db)
{
	struct sqlite *s = sqlite_of(db);

	for (size_t i = 0; i < DB_CACHE_SLOTS; i++)
		sqlite3_finalize(s->cache.slots[i].stmt);
	s->cache = (struct db_cache){ 0 };
}

static int sqlite_bind_one(sqlite3_stmt *stmt, int i, const struct db_arg *x)
{
	if (x->is_text)
		return sqlite3_bind_text(stmt, i, x->data, -1, SQLITE_STATIC);
	if (x->is_blob)
		return sqlite3_bind_blob64(stmt, i, x->data, x->len,
					   SQLITE_STATIC);
	return sqlite3_bind_int64(stmt, i, x->i64);
}

static void sqlite_end(struct db_row *r)
{
	if (!r->kept) {
		sqlite3_finalize(r->stmt);
		return;
	}
	sqlite3_reset(r->stmt);
	/* Bound text is the caller's and may go now. */
	sqlite3_clear_bindings(r->stmt);
}

static enum err sqlite_start(struct db_row *r, const char *sql, bool keep,
			     const struct db_arg *args, size_t nargs,
			     struct err_info *ei)
{
	struct sqlite *s = sqlite_of(r->db);
	sqlite3_stmt *stmt = NULL;
	enum err rc = ERR_OK;

	if (keep)
		rc = sqlite_prepare(s, sql, &stmt, ei);
	else if (sqlite3_prepare_v2(s->conn, sql, -1, &stmt, NULL) != SQLITE_OK)
		rc = sqlite_fail(s, ei);
	if (rc)
		return rc;
	r->stmt = stmt;
	r->kept = keep;
	BUG_ON(nargs != (size_t)sqlite3_bind_parameter_count(stmt));
	BUG_ON(sqlite3_stmt_busy(stmt));
	for (size_t i = 0; i < nargs; i++) {
		if (sqlite_bind_one(stmt, (int)i + 1, &args[i]) == SQLITE_OK)
			continue;
		rc = sqlite_fail(s, ei);
		sqlite_end(r);
		return rc;
	}
	return ERR_OK;
}

static enum err sqlite_next(struct db_row *r, bool *ret_row,
			    struct err_info *ei)
{
	struct sqlite *s = sqlite_of(r->db);
	enum err rc = ERR_OK;
	int got = sqlite3_step(r->stmt);

	*ret_row = got == SQLITE_ROW;
	if (*ret_row)
		return ERR_OK;
	if (got != SQLITE_DONE)
		rc = sqlite_fail(s, ei);
	else
		r->changes = sqlite3_changes64(s->conn);
	sqlite_end(r);
	return rc;
}

static enum err sqlite_script(struct db *db, const char *sql,
			      struct err_info *ei)
{
	struct sqlite *s = sqlite_of(db);

	if (sqlite3_exec(s->conn, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_fail(s, ei);
	return ERR_OK;
}

static const char *sqlite_text(struct db_row *r, int col, size_t *ret_len)
{
	const unsigned char *p = sqlite3_column_text(r->stmt, col);

	*ret_len = (size_t)sqlite3_column_bytes(r->stmt, col);
	return (const char *)p;
}

static int64_t sqlite_i64(struct db_row *r, int col)
{
	return sqlite3_column_int64(r->stmt, col);
}

static const void *sqlite_blob(struct db_row *r, int col, size_t *ret_len)
{
	const void *p = sqlite3_column_blob(r->stmt, col);

	*ret_len = (size_t)sqlite3_column_bytes(r->stmt, col);
	return p;
}

static bool sqlite_in_transaction(struct db *db)
{
	return !sqlite3_get_autocommit(sqlite_of(db)->conn);
}

static enum err sqlite_integrity(struct db *db, struct err_info *ei)
{
	struct db_row r;
	bool more = false;
	enum err rc;

	rc = db_query(db, NULL, &r, ei, "PRAGMA integrity_check(1)", "");
	if (rc == ERR_OK)
		rc = db_next(&r, &more, ei);
	if (rc)
		return rc;
	if (more) {
		const char *said = db_peek(&r);

		if (strcmp(said, "ok") != 0)
			rc = err_set(ei, ERR_CORRUPT,
				     "database %s: %s: restore a backup",
				     db->name, said);
		db_end(&r);
	}
	if (rc)
		return rc;
	rc = db_query(db, NULL, &r, ei, "PRAGMA foreign_key_check", "");
	if (rc == ERR_OK)
		rc = db_next(&r, &more, ei);
	if (rc || !more)
		return rc;
	rc = err_set(ei, ERR_CORRUPT, "database %s: broken reference in %s",
		     db->name, db_peek(&r));
	db_end(&r);
	return rc;
}

static void sqlite_close(struct db *db)
{
	struct sqlite *s = sqlite_of(db);

	if (s->conn && !sqlite3_get_autocommit(s->conn))
		sqlite3_exec(s->conn, "ROLLBACK", NULL, NULL, NULL);
	sqlite_forget(db);
	BUG_ON(sqlite3_close(s->conn) != SQLITE_OK);
	free(db->name);
	free(s);
}

static const struct db_driver sqlite_driver = {
	.begin = "BEGIN IMMEDIATE",
	.has_schema = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' "
		      "AND name = 'schema_migrations'",
	.migrations = MIGRATIONS_SQLITE,
	.close = sqlite_close,
	.start = sqlite_start,
	.next = sqlite_next,
	.end = sqlite_end,
	.text = sqlite_text,
	.i64 = sqlite_i64,
	.blob = sqlite_blob,
	.script = sqlite_script,
	.in_transaction = sqlite_in_transaction,
	.forget = sqlite_forget,
	.integrity = sqlite_integrity,
};

/* --- opening --- */

/*
 * The file is made by us, so that its mode is 0600 from the first moment; SQLite
 * gives -wal and -shm the mode of the database.
 */
static enum err sqlite_make_file(const char *path, struct err_info *ei)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return ERR_OK;
	if (fd < 0)
		return err_set(ei, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
			       "database %s: cannot create: %s", path,
			       strerror(errno));
	close(fd);
	return ERR_OK;
}

static enum err sqlite_check_file(const char *path, bool read_only,
				  struct err_info *ei)
{
	struct stat sb;

	if (stat(path, &sb) < 0)
		return err_set(ei, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
			       "database %s: %s", path, strerror(errno));
	if (!S_ISREG(sb.st_mode))
		return err_set(ei, ERR_INVALID,
			       "database %s: not a regular file", path);
	if (access(path, read_only ? R_OK : R_OK | W_OK) < 0)
		return err_set(ei, ERR_FORBIDDEN,
			       "database %s: %s: check owner and mode", path,
			       strerror(errno));
	return ERR_OK;
}

static enum err sqlite_setup(struct sqlite *s, const struct store_options *opt,
			     struct err_info *ei)
{
	int64_t ms = opt->busy_timeout_ms ? opt->busy_timeout_ms : 5000;
	enum err rc;

	sqlite3_busy_timeout(s->conn, (int)ms);
	sqlite3_extended_result_codes(s->conn, 1);
	sqlite3_db_config(s->conn, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->conn, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_limit(s->conn, SQLITE_LIMIT_LENGTH, STORE_SEALED_MAX + 65536);
	/* Reads the file: what is no database fails here. */
	rc = sqlite_script(&s->db, "SELECT count(*) FROM sqlite_schema", ei);
	if (rc == ERR_OK)
		rc = sqlite_script(&s->db,
				   "PRAGMA foreign_keys = ON;"
				   "PRAGMA synchronous = FULL;"
				   "PRAGMA temp_store = MEMORY;"
				   "PRAGMA cache_size = -16384;"
				   "PRAGMA journal_size_limit = 67108864",
				   ei);
	if (rc == ERR_OK && !opt->read_only)
		rc = sqlite_script(&s->db, "PRAGMA journal_mode = WAL", ei);
	return rc;
}

/* Empty, or marked as ours: never write into somebody else's database. */
static enum err sqlite_check_ours(struct sqlite *s, bool read_only,
				  struct err_info *ei)
{
	int64_t app = 0, tables = 0;
	enum err rc;

	rc = db_scalar(&s->db, 0, &app, ei, "PRAGMA application_id", "");
	if (rc || app == SQLITE_APPLICATION_ID)
		return rc;
	rc = db_scalar(&s->db, 0, &tables, ei,
		       "SELECT count(*) FROM sqlite_schema", "");
	if (rc)
		return rc;
	if (app != 0 || tables != 0)
		return err_set(ei, ERR_CORRUPT,
			       "%s is a database of another program: name "
			       "another file",
			       s->db.name);
	if (read_only)
		return ERR_OK;
	return sqlite_script(&s->db, "PRAGMA application_id = 1952933477", ei);
}

static enum err sqlite_connect(struct sqlite *s, const char *path,
			       const struct store_options *opt,
			       struct err_info *ei)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	enum err rc;

	_Static_assert(SQLITE_APPLICATION_ID == 1952933477, "the pragma");
	s->db.name = strdup(path);
	if (!s->db.name)
		return err_set(ei, ERR_NOMEM, "database %s", path);
	if (!opt->must_exist && !opt->read_only) {
		rc = sqlite_make_file(path, ei);
		if (rc)
			return rc;
	}
	rc = sqlite_check_file(path, opt->read_only, ei);
	if (rc)
		return rc;
	flags |= opt->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	if (sqlite3_open_v2(path, &s->conn, flags, NULL) != SQLITE_OK)
		return s->conn ? sqlite_fail(s, ei)
			       : err_set(ei, ERR_NOMEM, "database %s", path);
	rc = sqlite_setup(s, opt, ei);
	if (rc)
		return rc;
	return sqlite_check_ours(s, opt->read_only, ei);
}

enum err sqlite_open(const char *path, const struct store_options *opt,
		     struct store **ret, struct err_info *ei)
{
	static struct store_ops ops;
	struct sqlite *s = calloc(1, sizeof(*s));
	enum err rc;

	if (!s)
		return err_set(ei, ERR_NOMEM, "database %s", path);
	db_init(&s->db, &sqlite_driver, &ops, "sqlite");
	rc = sqlite_connect(s, path, opt, ei);
	if (rc) {
		sqlite_close(&s->db);
		return rc;
	}
	*ret = &s->db.store;
	return ERR_OK;
}

const char *sqlite_library_version(void)
{
	return sqlite3_libversion();
}
