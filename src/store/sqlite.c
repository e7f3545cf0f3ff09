/* SPDX-License-Identifier: MIT */
/*
 * SQLite: WAL, one writer, every commit synced (synchronous=FULL): a lease epoch
 * that was answered and then lost with the power would be granted twice.  What a
 * sync costs is shared by begin()/commit() around a turn of the loop.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite_int.h"

#define SQLITE_APPLICATION_ID 0x74676665 /* "tgfe" */

static void sqlite_close(struct store *st)
{
	struct sqlite_db *db = sqlite_of(st);

	if (db->db && !sqlite3_get_autocommit(db->db))
		sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
	sqlite_cache_clear(db);
	BUG_ON(sqlite3_close(db->db) != SQLITE_OK);
	free(db->path);
	free(db);
}

static enum err sqlite_begin(struct store *st, struct err_info *ei)
{
	struct sqlite_db *db = sqlite_of(st);
	enum err rc;

	rc = sqlite_atomic_begin(db, ei);
	if (rc == ERR_OK)
		db->batches++;
	return rc;
}

static enum err sqlite_commit(struct store *st, struct err_info *ei)
{
	struct sqlite_db *db = sqlite_of(st);

	BUG_ON(!db->batches);
	db->batches--;
	if (sqlite3_get_autocommit(db->db)) {
		db->depth--;
		return err_set(ei, ERR_IO,
			       "database %s: the batch was lost by an earlier "
			       "failure",
			       db->path);
	}
	return sqlite_atomic_end(db, ERR_OK, ei);
}

static void sqlite_rollback(struct store *st)
{
	struct sqlite_db *db = sqlite_of(st);
	enum err rc;

	BUG_ON(!db->batches);
	db->batches--;
	rc = sqlite_atomic_end(db, ERR_CANCELED, NULL);
	(void)rc;
}

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

static enum err sqlite_setup(struct sqlite_db *db,
			     const struct store_options *opt,
			     struct err_info *ei)
{
	int64_t ms = opt->busy_timeout_ms ? opt->busy_timeout_ms : 5000;
	enum err rc;

	sqlite3_busy_timeout(db->db, (int)ms);
	sqlite3_extended_result_codes(db->db, 1);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_limit(db->db, SQLITE_LIMIT_LENGTH, STORE_SEALED_MAX + 65536);
	/* Reads the file: what is no database fails here. */
	rc = sqlite_script(db, "SELECT count(*) FROM sqlite_schema", ei);
	if (rc == ERR_OK)
		rc = sqlite_script(db,
				   "PRAGMA foreign_keys = ON;"
				   "PRAGMA synchronous = FULL;"
				   "PRAGMA temp_store = MEMORY;"
				   "PRAGMA cache_size = -16384;"
				   "PRAGMA journal_size_limit = 67108864",
				   ei);
	if (rc == ERR_OK && !opt->read_only)
		rc = sqlite_script(db, "PRAGMA journal_mode = WAL", ei);
	return rc;
}

/* Empty, or marked as ours: never write into somebody else's database. */
static enum err sqlite_check_ours(struct sqlite_db *db, bool read_only,
				  struct err_info *ei)
{
	int64_t app = 0, tables = 0;
	enum err rc;

	rc = sqlite_scalar(db, 0, &app, ei, "PRAGMA application_id", "");
	if (rc || app == SQLITE_APPLICATION_ID)
		return rc;
	rc = sqlite_scalar(db, 0, &tables, ei,
			   "SELECT count(*) FROM sqlite_schema", "");
	if (rc)
		return rc;
	if (app != 0 || tables != 0)
		return err_set(ei, ERR_CORRUPT,
			       "%s is a database of another program: name "
			       "another file",
			       db->path);
	if (read_only)
		return ERR_OK;
	return sqlite_script(db, "PRAGMA application_id = 1952933477", ei);
}

static enum err sqlite_connect(struct sqlite_db *db, const char *path,
			       const struct store_options *opt,
			       struct err_info *ei)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	enum err rc;

	_Static_assert(SQLITE_APPLICATION_ID == 1952933477, "the pragma");
	db->path = strdup(path);
	if (!db->path)
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
	if (sqlite3_open_v2(path, &db->db, flags, NULL) != SQLITE_OK)
		return db->db ? sqlite_fail(db, ei)
			      : err_set(ei, ERR_NOMEM, "database %s", path);
	rc = sqlite_setup(db, opt, ei);
	if (rc)
		return rc;
	return sqlite_check_ours(db, opt->read_only, ei);
}

static const struct store_ops *sqlite_ops(void)
{
	static struct store_ops ops = {
		.name = "sqlite",
		.close = sqlite_close,
		.schema = sqlite_schema_get,
		.migrate = sqlite_schema_migrate,
		.integrity = sqlite_schema_integrity,
		.begin = sqlite_begin,
		.commit = sqlite_commit,
		.rollback = sqlite_rollback,
	};

	if (!ops.kv_set) {
		sqlite_people_ops(&ops);
		sqlite_nodes_ops(&ops);
		sqlite_accounts_ops(&ops);
		sqlite_sessions_ops(&ops);
		sqlite_leases_ops(&ops);
		sqlite_beat_ops(&ops);
		sqlite_commands_ops(&ops);
		sqlite_jobs_ops(&ops);
	}
	return &ops;
}

enum err sqlite_open(const char *path, const struct store_options *opt,
		     struct store **ret, struct err_info *ei)
{
	struct sqlite_db *db = calloc(1, sizeof(*db));
	enum err rc;

	if (!db)
		return err_set(ei, ERR_NOMEM, "database %s", path);
	db->store.ops = sqlite_ops();
	rc = sqlite_connect(db, path, opt, ei);
	if (rc) {
		sqlite_close(&db->store);
		return rc;
	}
	*ret = &db->store;
	return ERR_OK;
}

const char *sqlite_library_version(void)
{
	return sqlite3_libversion();
}
