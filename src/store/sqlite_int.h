/* SPDX-License-Identifier: MIT */
/*
 * Private to sqlite*.c: the connection, cached statements, binding and reading.
 *
 * A statement is written once as text next to its use and prepared on first use;
 * the cache is keyed by the text's address, so it must be a literal.  Bind formats:
 *
 *	t text or NULL   i int64_t   d int   w struct wall   b const void *, size_t
 *	h const struct store_hash *
 */
#ifndef STORE_SQLITE_INT_H
#define STORE_SQLITE_INT_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/bug.h"
#include "store/store.h"

#define SQLITE_CACHE_SLOTS 512 /* power of two, well above our statements */

struct sqlite_cached {
	const char *sql;
	sqlite3_stmt *stmt;
};

struct sqlite_db {
	struct store store; /* first */
	sqlite3 *db;
	char *path;
	unsigned int
		depth; /* nested atomic sections; the batch counts as one */
	unsigned int batches; /* begun and not ended: one in another */
	unsigned int ncached;
	struct sqlite_cached cache[SQLITE_CACHE_SLOTS];
};

static inline struct sqlite_db *sqlite_of(struct store *st)
{
	return container_of(st, struct sqlite_db, store);
}

/* --- sqlite_stmt.c --- */

/* The database's own words, as one of our errors. */
enum err sqlite_fail(struct sqlite_db *db, struct err_info *ei);

/* A running statement; columns are read in order. */
struct sqlite_row {
	struct sqlite_db *db;
	sqlite3_stmt *stmt;
	struct arena *arena;
	int col;
	bool oom;
};

/* Prepares (or finds), binds; then step with sqlite_next(). */
enum err sqlite_query(struct sqlite_db *db, struct arena *a,
		      struct sqlite_row *ret, struct err_info *ei,
		      const char *sql, const char *fmt, ...);
/* *ret_row: is there one?  Ends the statement when not, or on failure. */
enum err sqlite_next(struct sqlite_row *r, bool *ret_row, struct err_info *ei);
/* Gives the statement back; needed when not read to the end. */
void sqlite_end(struct sqlite_row *r);
/* ERR_NOMEM if a column could not be copied. */
enum err sqlite_row_check(struct sqlite_row *r, struct err_info *ei);

/* One row into a struct that is zero. */
typedef void (*sqlite_read_fn)(struct sqlite_row *r, void *ret);

struct sqlite_list {
	void *items;
	size_t n;
};

/*
 * The first row, of a struct of `size` bytes, to its end.  ERR_NOTFOUND without
 * words: the caller knows what it asked for.
 */
enum err sqlite_one(struct sqlite_row *r, sqlite_read_fn read, size_t size,
		    void *ret, struct err_info *ei);
/* All rows, as an array in the arena; the statement has a LIMIT. */
enum err sqlite_all(struct sqlite_row *r, sqlite_read_fn read, size_t size,
		    struct sqlite_list *ret, struct err_info *ei);
/* What a page may have at most of what was asked for. */
static inline int64_t sqlite_page(unsigned int limit)
{
	return limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX;
}

/* Runs to the end; *ret_changes (may be NULL) rows were changed. */
enum err sqlite_run(struct sqlite_db *db, int64_t *ret_changes,
		    struct err_info *ei, const char *sql, const char *fmt, ...);
/* The first column of the first row; dflt when there is no row. */
enum err sqlite_scalar(struct sqlite_db *db, int64_t dflt, int64_t *ret,
		       struct err_info *ei, const char *sql, const char *fmt,
		       ...);
/* SQL without parameters, several statements allowed, not cached. */
enum err sqlite_script(struct sqlite_db *db, const char *sql,
		       struct err_info *ei);
void sqlite_cache_clear(struct sqlite_db *db);

char *sqlite_text(struct sqlite_row *r);       /* NULL for NULL */
const char *sqlite_must(struct sqlite_row *r); /* "" for NULL */
int64_t sqlite_i64(struct sqlite_row *r);
struct wall sqlite_wall(struct sqlite_row *r);
const void *sqlite_blob(struct sqlite_row *r, size_t *ret_len);
/* Exactly `len` bytes; zeroes if NULL or of another length: false. */
bool sqlite_fixed(struct sqlite_row *r, void *dst, size_t len);

/*
 * An operation of several statements: all or nothing, inside a batch or not.
 *
 *	rc = sqlite_atomic_begin(db, ei); if (rc) return rc;
 *	rc = ...;
 *	return sqlite_atomic_end(db, rc, ei);
 */
enum err sqlite_atomic_begin(struct sqlite_db *db, struct err_info *ei);
enum err sqlite_atomic_end(struct sqlite_db *db, enum err rc,
			   struct err_info *ei);

/* Bounds: ERR_INVALID naming `what`; NULL passes unless `needed`. */
enum err sqlite_check_text(const char *what, const char *text, bool needed,
			   struct err_info *ei);
enum err sqlite_check_json(const char *what, const char *text,
			   struct err_info *ei);

/* --- the operations, by file --- */

/* sqlite_schema.c */
enum err sqlite_schema_get(struct store *st, struct store_schema *ret,
			   struct err_info *ei);
enum err sqlite_schema_migrate(struct store *st, int version, struct wall now,
			       struct err_info *ei);
enum err sqlite_schema_integrity(struct store *st, struct err_info *ei);

/* Each fills in its part of the table. */
void sqlite_people_ops(struct store_ops *ops);
void sqlite_nodes_ops(struct store_ops *ops);
void sqlite_accounts_ops(struct store_ops *ops);
void sqlite_sessions_ops(struct store_ops *ops);
void sqlite_leases_ops(struct store_ops *ops);
void sqlite_beat_ops(struct store_ops *ops);
void sqlite_commands_ops(struct store_ops *ops);
void sqlite_jobs_ops(struct store_ops *ops);

/* Shared between the files; db level, no atomic section of their own. */
enum err sqlite_leases_release_ref(struct sqlite_db *db, const char *node_id,
				   const struct store_lease_ref *ref,
				   struct wall now, struct err_info *ei);
enum err sqlite_leases_renew_ref(struct sqlite_db *db, const char *node_id,
				 struct store_lease_ref *ref, struct wall now,
				 struct err_info *ei);
enum err sqlite_leases_out(struct sqlite_db *db, const char *account_id,
			   bool *ret, struct err_info *ei);
enum err sqlite_commands_settle_one(struct sqlite_db *db, const char *node_id,
				    const struct store_command_result *r,
				    struct wall now, struct err_info *ei);
enum err sqlite_nodes_room(struct sqlite_db *db, const char *node_id,
			   const char *account_id, struct err_info *ei);

#endif /* STORE_SQLITE_INT_H */
