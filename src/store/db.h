/* SPDX-License-Identifier: MIT */
/*
 * Inside the store: one way to say SQL to any of the databases.
 *
 * The operations (ops_*.c) are written once, in the SQL that SQLite and
 * PostgreSQL share; a driver (sqlite.c, pg.c) runs it.  What they do not share
 * is in the driver's table, not in the operations.
 *
 * A statement is a literal next to its use, prepared when first used; the cache
 * is keyed by its address.  Parameters are ? or ?1, ?2 ... (one of both kinds);
 * their types are told by the bind format:
 *
 *	t text or NULL   i int64_t   d int   w struct wall   b const void *, size_t
 *	h const struct store_hash *
 *
 * Truth values are stored as 0 and 1.  A comment FOR UPDATE at the end of a query
 * locks its rows where there is more than one writer; SQLite has one.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/buf.h"
#include "base/bug.h"
#include "store/store.h"

#define DB_ARGS_MAX 32

struct db_row;

struct db_arg {
	bool is_text, is_blob; /* neither: i64 */
	int64_t i64;
	const void *data; /* NULL: NULL */
	size_t len;	  /* of a blob */
};

/* What waits for a node, counted by the transaction under way. */
#define DB_QUEUES 16

struct db_queue {
	char node_id[64]; /* "": not counted */
	int64_t n;
};

struct db {
	struct store store; /* first */
	const struct db_driver *drv;
	char *name; /* for messages: a path, or an address without password */
	/* nested atomic sections; the batch counts as one */
	unsigned int depth;
	unsigned int batches; /* begun and not ended: one in another */
	unsigned int spoilt;  /* the section that must not succeed; 0: none */
	struct db_queue queues[DB_QUEUES];
};

struct db_driver {
	const char *begin; /* starts a transaction that will write */
	/* Lets one at a time change the schema; NULL: begin does. */
	const char *schema_lock;
	/* How many tables there are called schema_migrations. */
	const char *has_schema;
	/* Which of the texts of a migration is ours. */
	unsigned int migrations;
	void (*close)(struct db *db);
	/*
	 * Binds and starts.  keep: the text is a literal, prepared once.  What
	 * args point to is borrowed until end(); start() that fails has ended.
	 */
	enum err (*start)(struct db_row *r, const char *sql, bool keep,
			  const struct db_arg *args, size_t nargs,
			  struct err_info *ei);
	/* The next row, or the end: then, and on failure, end() is done. */
	enum err (*next)(struct db_row *r, bool *ret_row, struct err_info *ei);
	void (*end)(struct db_row *r);
	/* Of the current row, on loan until next() or end(); NULL for NULL. */
	const char *(*text)(struct db_row *r, int col, size_t *ret_len);
	int64_t (*i64)(struct db_row *r, int col);
	const void *(*blob)(struct db_row *r, int col, size_t *ret_len);
	/* Several statements without parameters. */
	enum err (*script)(struct db *db, const char *sql, struct err_info *ei);
	/* Is a transaction under way? */
	bool (*in_transaction)(struct db *db);
	/* The schema changes: prepared statements go. */
	void (*forget)(struct db *db);
	enum err (*integrity)(struct db *db, struct err_info *ei);
	/* Between the processes that share it; NULL: there is one. */
	enum err (*ring)(struct db *db, const char *text, struct err_info *ei);
	enum err (*bell_open)(struct db *db, int *ret_fd, struct err_info *ei);
	enum err (*bell_next)(struct db *db, struct arena *a, const char **ret,
			      struct err_info *ei);
};

/* Prepared statements, by the address of their text. */
#define DB_CACHE_SLOTS 512 /* power of two, well above our statements */

struct db_slot {
	const char *sql; /* NULL: free */
	void *stmt;
};

struct db_cache {
	unsigned int n;
	struct db_slot slots[DB_CACHE_SLOTS];
};

/* Where the statement is, or a free place that is now its: stmt is NULL. */
struct db_slot *db_cache_slot(struct db_cache *c, const char *sql);

static inline struct db *db_of(struct store *st)
{
	return container_of(st, struct db, store);
}

/* Fills in the table of operations, which all databases share. */
void db_init(struct db *db, const struct db_driver *drv, struct store_ops *ops,
	     const char *name);

/* A running statement; columns are read in order. */
struct db_row {
	struct db *db;
	void *stmt; /* the driver's */
	bool kept;
	int64_t at;	 /* the driver's */
	int64_t changes; /* rows changed; valid once it ended */
	struct arena *arena;
	int col;
	bool oom;
};

/* Prepares (or finds), binds; then step with db_next(). */
enum err db_query(struct db *db, struct arena *a, struct db_row *ret,
		  struct err_info *ei, const char *sql, const char *fmt, ...);
/* The same with a text made for the occasion, and text arguments only. */
enum err db_query_text(struct db *db, struct arena *a, struct db_row *ret,
		       const char *sql, const char *const *args, size_t nargs,
		       struct err_info *ei);
/* *ret_row: is there one?  Ends the statement when not, or on failure. */
enum err db_next(struct db_row *r, bool *ret_row, struct err_info *ei);
/* Gives the statement back; needed when not read to the end. */
void db_end(struct db_row *r);
/* ERR_NOMEM if a column could not be copied. */
enum err db_row_check(struct db_row *r, struct err_info *ei);

/* One row into a struct that is zero. */
typedef void (*db_read_fn)(struct db_row *r, void *ret);

struct db_list {
	void *items;
	size_t n;
};

/*
 * The first row, of a struct of `size` bytes, to its end.  ERR_NOTFOUND without
 * words: the caller knows what it asked for.
 */
enum err db_one(struct db_row *r, db_read_fn read, size_t size, void *ret,
		struct err_info *ei);
/* All rows, as an array in the arena; the statement has a LIMIT. */
enum err db_all(struct db_row *r, db_read_fn read, size_t size,
		struct db_list *ret, struct err_info *ei);
/* What a page may have at most of what was asked for. */
static inline int64_t db_page(unsigned int limit)
{
	return limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX;
}

/* Runs to the end; *ret_changes (may be NULL) rows were changed. */
enum err db_run(struct db *db, int64_t *ret_changes, struct err_info *ei,
		const char *sql, const char *fmt, ...);
/* The first column of the first row; dflt when there is no row. */
enum err db_scalar(struct db *db, int64_t dflt, int64_t *ret,
		   struct err_info *ei, const char *sql, const char *fmt, ...);
/* SQL without parameters, several statements allowed, not cached. */
enum err db_script(struct db *db, const char *sql, struct err_info *ei);

char *db_text(struct db_row *r);       /* NULL for NULL */
const char *db_must(struct db_row *r); /* "" for NULL */
/* On loan until db_next() or db_end(); "" for NULL. */
const char *db_peek(struct db_row *r);
int64_t db_i64(struct db_row *r);
struct wall db_wall(struct db_row *r);
const void *db_blob(struct db_row *r, size_t *ret_len);
/* Exactly `len` bytes; zeroes if NULL or of another length: false. */
bool db_fixed(struct db_row *r, void *dst, size_t len);

/*
 * An operation of several statements: all or nothing, inside a batch or not.
 *
 *	rc = db_atomic_begin(db, ei); if (rc) return rc;
 *	rc = ...;
 *	return db_atomic_end(db, rc, ei);
 */
enum err db_atomic_begin(struct db *db, struct err_info *ei);
enum err db_atomic_end(struct db *db, enum err rc, struct err_info *ei);
/*
 * The same for what writes thousands of rows, and after whose failure nobody
 * goes on: inside a batch it is a part of it, without a way back of its own, and
 * if it fails the batch cannot be committed.  SQLite walks all it noted for an
 * outer savepoint after each statement: ten thousand reports took minutes.
 */
enum err db_joined_begin(struct db *db, struct err_info *ei);
enum err db_joined_end(struct db *db, enum err rc, struct err_info *ei);
/* Something left a queue, or was undone: they are counted anew. */
void db_forget_queues(struct db *db);

/* Bounds: ERR_INVALID naming `what`; NULL passes unless `needed`. */
enum err db_check_text(const char *what, const char *text, bool needed,
		       struct err_info *ei);
enum err db_check_json(const char *what, const char *text, struct err_info *ei);

/* --- the operations, by file: each fills in its part of the table --- */

void ops_schema(struct store_ops *ops);
void ops_people(struct store_ops *ops);
void ops_nodes(struct store_ops *ops);
void ops_accounts(struct store_ops *ops);
void ops_allocation(struct store_ops *ops);
void ops_sessions(struct store_ops *ops);
void ops_routes(struct store_ops *ops);
void ops_scripts(struct store_ops *ops);
void ops_leases(struct store_ops *ops);
void ops_beat(struct store_ops *ops);
void ops_commands(struct store_ops *ops);
void ops_jobs(struct store_ops *ops);
void ops_replicas(struct store_ops *ops);

/* Shared between the files; db level, no atomic section of their own. */
enum err ops_leases_release_ref(struct db *db, const char *node_id,
				const struct store_lease_ref *ref,
				struct wall now, struct err_info *ei);
enum err ops_leases_renew_ref(struct db *db, const char *node_id,
			      struct store_lease_ref *ref, int64_t ttl_us,
			      struct wall now, struct err_info *ei);
enum err ops_leases_out(struct db *db, const char *account_id, bool *ret,
			struct err_info *ei);
enum err ops_commands_settle_one(struct db *db, const char *node_id,
				 const struct store_command_result *r,
				 struct wall now, struct err_info *ei);
/* The route goes, its version stays. */
enum err ops_routes_forget(struct db *db, const char *account_id,
			   struct err_info *ei);
/* ERR_CONFLICT when it is pinned to another node. */
enum err ops_allocation_pin_allows(struct db *db, const char *account_id,
				   const char *node_id, struct err_info *ei);
/* ERR_CONFLICT when it was heard since; else its row is locked. */
enum err ops_nodes_still(struct db *db, const char *node_id, int64_t beats,
			 struct err_info *ei);
enum err ops_nodes_room(struct db *db, const char *node_id,
			const char *account_id, struct err_info *ei);

#endif /* STORE_DB_H */
