/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite_int.h"

enum err sqlite_fail(struct sqlite_db *db, struct err_info *ei)
{
	const char *msg = sqlite3_errmsg(db->db);

	switch (sqlite3_errcode(db->db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(ei, ERR_UNAVAILABLE,
			       "database %s: %s: another program writes to it",
			       db->path, msg);
	case SQLITE_NOMEM:
		return err_set(ei, ERR_NOMEM, "database %s: %s", db->path, msg);
	case SQLITE_CONSTRAINT:
		return err_set(ei, ERR_CONFLICT, "database: %s", msg);
	case SQLITE_NOTADB:
		return err_set(ei, ERR_CORRUPT,
			       "%s is not an SQLite database: name another "
			       "file",
			       db->path);
	case SQLITE_CORRUPT:
		return err_set(ei, ERR_CORRUPT,
			       "database %s: %s: restore a backup", db->path,
			       msg);
	case SQLITE_READONLY:
		return err_set(ei, ERR_FORBIDDEN,
			       "database %s: %s: check owner and mode of the "
			       "file and its folder",
			       db->path, msg);
	case SQLITE_TOOBIG:
		return err_set(ei, ERR_TOOBIG, "database: %s", msg);
	case SQLITE_FULL:
		return err_set(ei, ERR_IO, "database %s: %s: free some space",
			       db->path, msg);
	default:
		return err_set(ei, ERR_IO, "database %s: %s (%d)", db->path,
			       msg, sqlite3_extended_errcode(db->db));
	}
}

static enum err sqlite_prepare(struct sqlite_db *db, const char *sql,
			       sqlite3_stmt **ret, struct err_info *ei)
{
	size_t i = ((uintptr_t)sql >> 3) * 0x9e3779b1U;
	struct sqlite_cached *c;

	for (;; i++) {
		c = &db->cache[i & (SQLITE_CACHE_SLOTS - 1)];
		if (!c->sql)
			break;
		if (c->sql == sql) {
			*ret = c->stmt;
			return ERR_OK;
		}
	}
	BUG_ON(db->ncached >= SQLITE_CACHE_SLOTS / 2);
	if (sqlite3_prepare_v3(db->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       &c->stmt, NULL) != SQLITE_OK)
		return sqlite_fail(db, ei);
	c->sql = sql;
	db->ncached++;
	*ret = c->stmt;
	return ERR_OK;
}

void sqlite_cache_clear(struct sqlite_db *db)
{
	for (size_t i = 0; i < SQLITE_CACHE_SLOTS; i++)
		sqlite3_finalize(db->cache[i].stmt);
	memset(db->cache, 0, sizeof(db->cache));
	db->ncached = 0;
}

static int sqlite_bind_one(sqlite3_stmt *s, int i, char kind, va_list *ap)
{
	const struct store_hash *h;
	const char *text;
	const void *blob;
	size_t len;

	switch (kind) {
	case 't':
		text = va_arg(*ap, const char *);
		return sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
	case 'i':
		return sqlite3_bind_int64(s, i, va_arg(*ap, int64_t));
	case 'd':
		return sqlite3_bind_int(s, i, va_arg(*ap, int));
	case 'w':
		return sqlite3_bind_int64(s, i, va_arg(*ap, struct wall).us);
	case 'h':
		h = va_arg(*ap, const struct store_hash *);
		return sqlite3_bind_blob(s, i, h->bytes, sizeof(h->bytes),
					 SQLITE_STATIC);
	case 'b':
		blob = va_arg(*ap, const void *);
		len = va_arg(*ap, size_t);
		return sqlite3_bind_blob64(s, i, blob, len, SQLITE_STATIC);
	default:
		BUG_ON(kind);
		return SQLITE_MISUSE;
	}
}

static enum err sqlite_bind(struct sqlite_db *db, sqlite3_stmt *s,
			    const char *fmt, va_list *ap, struct err_info *ei)
{
	int n = (int)strlen(fmt);

	BUG_ON(n != sqlite3_bind_parameter_count(s));
	BUG_ON(sqlite3_stmt_busy(s));
	for (int i = 0; i < n; i++) {
		if (sqlite_bind_one(s, i + 1, fmt[i], ap) != SQLITE_OK)
			return sqlite_fail(db, ei);
	}
	return ERR_OK;
}

static enum err sqlite_start(struct sqlite_db *db, struct sqlite_row *ret,
			     struct err_info *ei, const char *sql,
			     const char *fmt, va_list *ap)
{
	enum err rc;

	ret->db = db;
	rc = sqlite_prepare(db, sql, &ret->stmt, ei);
	if (rc)
		return rc;
	return sqlite_bind(db, ret->stmt, fmt, ap, ei);
}

enum err sqlite_query(struct sqlite_db *db, struct arena *a,
		      struct sqlite_row *ret, struct err_info *ei,
		      const char *sql, const char *fmt, ...)
{
	va_list ap;
	enum err rc;

	*ret = (struct sqlite_row){ .arena = a };
	va_start(ap, fmt);
	rc = sqlite_start(db, ret, ei, sql, fmt, &ap);
	va_end(ap);
	return rc;
}

void sqlite_end(struct sqlite_row *r)
{
	sqlite3_reset(r->stmt);
	/* Bound text is the caller's and may go now. */
	sqlite3_clear_bindings(r->stmt);
}

enum err sqlite_next(struct sqlite_row *r, bool *ret_row, struct err_info *ei)
{
	enum err rc = ERR_OK;
	int got = sqlite3_step(r->stmt);

	r->col = 0;
	*ret_row = got == SQLITE_ROW;
	if (*ret_row)
		return ERR_OK;
	if (got != SQLITE_DONE)
		rc = sqlite_fail(r->db, ei);
	sqlite_end(r);
	return rc;
}

enum err sqlite_row_check(struct sqlite_row *r, struct err_info *ei)
{
	if (!r->oom)
		return ERR_OK;
	return err_set(ei, ERR_NOMEM, "database: result too large");
}

enum err sqlite_run(struct sqlite_db *db, int64_t *ret_changes,
		    struct err_info *ei, const char *sql, const char *fmt, ...)
{
	struct sqlite_row r = { 0 };
	bool more = true;
	va_list ap;
	enum err rc;

	va_start(ap, fmt);
	rc = sqlite_start(db, &r, ei, sql, fmt, &ap);
	va_end(ap);
	while (rc == ERR_OK && more)
		rc = sqlite_next(&r, &more, ei);
	if (rc == ERR_OK && ret_changes)
		*ret_changes = sqlite3_changes64(db->db);
	return rc;
}

enum err sqlite_scalar(struct sqlite_db *db, int64_t dflt, int64_t *ret,
		       struct err_info *ei, const char *sql, const char *fmt,
		       ...)
{
	struct sqlite_row r = { 0 };
	bool have = false;
	va_list ap;
	enum err rc;

	va_start(ap, fmt);
	rc = sqlite_start(db, &r, ei, sql, fmt, &ap);
	va_end(ap);
	if (rc == ERR_OK)
		rc = sqlite_next(&r, &have, ei);
	if (rc)
		return rc;
	*ret = have ? sqlite_i64(&r) : dflt;
	if (have)
		sqlite_end(&r);
	return ERR_OK;
}

enum err sqlite_script(struct sqlite_db *db, const char *sql,
		       struct err_info *ei)
{
	if (sqlite3_exec(db->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_fail(db, ei);
	return ERR_OK;
}

const void *sqlite_blob(struct sqlite_row *r, size_t *ret_len)
{
	int i = r->col++;
	const void *p = sqlite3_column_blob(r->stmt, i);
	int n = sqlite3_column_bytes(r->stmt, i);
	void *copy;

	*ret_len = 0;
	if (!p)
		return NULL;
	copy = arena_dup(r->arena, p, (size_t)n);
	if (!copy) {
		r->oom = true;
		return NULL;
	}
	*ret_len = (size_t)n;
	return copy;
}

char *sqlite_text(struct sqlite_row *r)
{
	int i = r->col++;
	const unsigned char *p = sqlite3_column_text(r->stmt, i);
	char *copy;

	if (!p)
		return NULL;
	copy = arena_str(r->arena, p, (size_t)sqlite3_column_bytes(r->stmt, i));
	if (!copy)
		r->oom = true;
	return copy;
}

const char *sqlite_must(struct sqlite_row *r)
{
	const char *text = sqlite_text(r);

	return text ? text : "";
}

int64_t sqlite_i64(struct sqlite_row *r)
{
	return sqlite3_column_int64(r->stmt, r->col++);
}

struct wall sqlite_wall(struct sqlite_row *r)
{
	return (struct wall){ sqlite_i64(r) };
}

bool sqlite_fixed(struct sqlite_row *r, void *dst, size_t len)
{
	int i = r->col++;
	const void *p = sqlite3_column_blob(r->stmt, i);

	if (!p || (size_t)sqlite3_column_bytes(r->stmt, i) != len) {
		memset(dst, 0, len);
		return false;
	}
	memcpy(dst, p, len);
	return true;
}

enum err sqlite_one(struct sqlite_row *r, sqlite_read_fn read, size_t size,
		    void *ret, struct err_info *ei)
{
	bool have = false;
	void *item;
	enum err rc;

	rc = sqlite_next(r, &have, ei);
	if (rc)
		return rc;
	if (!have)
		return ERR_NOTFOUND;
	item = arena_alloc(r->arena, size);
	if (item)
		read(r, item);
	sqlite_end(r);
	rc = item ? sqlite_row_check(r, ei) : ERR_NOMEM;
	if (rc == ERR_OK)
		memcpy(ret, item, size);
	return rc;
}

/* Room for one more, zeroed. */
static void *sqlite_more(struct arena *a, struct sqlite_list *l, size_t *room,
			 size_t size)
{
	size_t want = *room ? 2 * *room : 16;
	void *items;

	if (l->n < *room)
		return (char *)l->items + l->n++ * size;
	items = arena_array(a, want, size);
	if (!items)
		return NULL;
	if (l->n)
		memcpy(items, l->items, l->n * size);
	l->items = items;
	*room = want;
	return (char *)items + l->n++ * size;
}

enum err sqlite_all(struct sqlite_row *r, sqlite_read_fn read, size_t size,
		    struct sqlite_list *ret, struct err_info *ei)
{
	struct sqlite_list l = { 0 };
	size_t room = 0;
	bool more = false;
	void *item;
	enum err rc;

	while ((rc = sqlite_next(r, &more, ei)) == ERR_OK && more) {
		item = sqlite_more(r->arena, &l, &room, size);
		if (!item) {
			sqlite_end(r);
			return err_set(ei, ERR_NOMEM, "list of rows");
		}
		read(r, item);
	}
	if (rc == ERR_OK)
		rc = sqlite_row_check(r, ei);
	if (rc == ERR_OK)
		*ret = l;
	return rc;
}

enum err sqlite_atomic_begin(struct sqlite_db *db, struct err_info *ei)
{
	enum err rc;

	/* a savepoint outside would be a transaction of its own */
	if (db->depth && sqlite3_get_autocommit(db->db))
		return err_set(ei, ERR_IO,
			       "database %s: the batch was lost by an earlier "
			       "failure",
			       db->path);
	if (db->depth == 0)
		rc = sqlite_run(db, NULL, ei, "BEGIN IMMEDIATE", "");
	else
		rc = sqlite_run(db, NULL, ei, "SAVEPOINT op", "");
	if (rc == ERR_OK)
		db->depth++;
	return rc;
}

enum err sqlite_atomic_end(struct sqlite_db *db, enum err rc,
			   struct err_info *ei)
{
	bool outer = --db->depth == 0;
	enum err rc2;

	if (rc == ERR_OK) {
		rc = outer ? sqlite_run(db, NULL, ei, "COMMIT", "")
			   : sqlite_run(db, NULL, ei, "RELEASE op", "");
		if (rc == ERR_OK)
			return ERR_OK;
	}
	/* A failing disk may have ended the transaction already. */
	if (sqlite3_get_autocommit(db->db))
		return rc;
	if (outer)
		rc2 = sqlite_run(db, NULL, NULL, "ROLLBACK", "");
	else
		rc2 = sqlite_script(db, "ROLLBACK TO op; RELEASE op", NULL);
	return rc2 && rc == ERR_OK ? rc2 : rc;
}

enum err sqlite_check_text(const char *what, const char *text, bool needed,
			   struct err_info *ei)
{
	if (!text && !needed)
		return ERR_OK;
	if (!text || (needed && !*text))
		return err_set(ei, ERR_INVALID, "%s is missing", what);
	if (strnlen(text, STORE_TEXT_MAX + 1) > STORE_TEXT_MAX)
		return err_set(ei, ERR_TOOBIG, "%s is longer than %d bytes",
			       what, STORE_TEXT_MAX);
	return ERR_OK;
}

enum err sqlite_check_json(const char *what, const char *text,
			   struct err_info *ei)
{
	if (text && strnlen(text, STORE_JSON_MAX + 1) > STORE_JSON_MAX)
		return err_set(ei, ERR_TOOBIG, "%s is longer than %d bytes",
			       what, STORE_JSON_MAX);
	return ERR_OK;
}
