/* SPDX-License-Identifier: MIT */
#include "store/db.h"

#include <stdarg.h>
#include <string.h>

/* --- batches --- */

static void db_close(struct store *st)
{
	struct db *db = db_of(st);

	db->drv->close(db);
}

static enum err db_lost(const struct db *db, struct err_info *ei)
{
	return err_set(ei, ERR_IO,
		       "database %s: the batch was lost by an earlier failure",
		       db->name);
}

static enum err db_begin(struct store *st, struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc;

	rc = db_atomic_begin(db, ei);
	if (rc == ERR_OK)
		db->batches++;
	return rc;
}

static enum err db_commit(struct store *st, struct err_info *ei)
{
	struct db *db = db_of(st);

	BUG_ON(!db->batches);
	db->batches--;
	if (!db->drv->in_transaction(db)) {
		db->depth--;
		return db_lost(db, ei);
	}
	return db_atomic_end(db, ERR_OK, ei);
}

static void db_rollback(struct store *st)
{
	struct db *db = db_of(st);
	enum err rc;

	BUG_ON(!db->batches);
	db->batches--;
	rc = db_atomic_end(db, ERR_CANCELED, NULL);
	(void)rc;
}

void db_init(struct db *db, const struct db_driver *drv, struct store_ops *ops,
	     const char *name)
{
	ops->name = name;
	ops->close = db_close;
	ops->begin = db_begin;
	ops->commit = db_commit;
	ops->rollback = db_rollback;
	ops_schema(ops);
	ops_people(ops);
	ops_nodes(ops);
	ops_accounts(ops);
	ops_allocation(ops);
	ops_sessions(ops);
	ops_routes(ops);
	ops_scripts(ops);
	ops_leases(ops);
	ops_beat(ops);
	ops_commands(ops);
	ops_jobs(ops);
	ops_replicas(ops);
	db->drv = drv;
	db->store.ops = ops;
}

enum err db_atomic_begin(struct db *db, struct err_info *ei)
{
	enum err rc;

	/* a savepoint outside would be a transaction of its own */
	if (db->depth && !db->drv->in_transaction(db))
		return db_lost(db, ei);
	if (db->depth == 0)
		db_forget_queues(db);
	if (db->depth == 0)
		rc = db_run(db, NULL, ei, db->drv->begin, "");
	else
		rc = db_run(db, NULL, ei, "SAVEPOINT op", "");
	if (rc == ERR_OK)
		db->depth++;
	return rc;
}

enum err db_atomic_end(struct db *db, enum err rc, struct err_info *ei)
{
	bool outer = --db->depth == 0;
	enum err rc2;

	if (db->spoilt > db->depth) {
		db->spoilt = 0;
		if (rc == ERR_OK)
			rc = db_lost(db, ei);
	}
	if (rc == ERR_OK) {
		rc = outer ? db_run(db, NULL, ei, "COMMIT", "")
			   : db_run(db, NULL, ei, "RELEASE op", "");
		if (rc == ERR_OK)
			return ERR_OK;
	}
	db_forget_queues(db);
	/* A failing disk may have ended the transaction already. */
	if (!db->drv->in_transaction(db))
		return rc;
	if (outer)
		rc2 = db_run(db, NULL, NULL, "ROLLBACK", "");
	else
		rc2 = db_script(db, "ROLLBACK TO op; RELEASE op", NULL);
	return rc2 && rc == ERR_OK ? rc2 : rc;
}

enum err db_joined_begin(struct db *db, struct err_info *ei)
{
	if (db->depth == 0)
		return db_atomic_begin(db, ei);
	if (!db->drv->in_transaction(db))
		return db_lost(db, ei);
	db->depth++;
	return ERR_OK;
}

enum err db_joined_end(struct db *db, enum err rc, struct err_info *ei)
{
	if (db->depth == 1)
		return db_atomic_end(db, rc, ei);
	db->depth--;
	if (rc && !db->spoilt)
		db->spoilt = db->depth;
	return rc;
}

void db_forget_queues(struct db *db)
{
	memset(db->queues, 0, sizeof(db->queues));
}

/* --- statements --- */

struct db_slot *db_cache_slot(struct db_cache *c, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) * 0x9e3779b1U;
	struct db_slot *slot;

	for (;; i++) {
		slot = &c->slots[i & (DB_CACHE_SLOTS - 1)];
		if (slot->sql == sql)
			return slot;
		if (!slot->sql)
			break;
	}
	BUG_ON(c->n >= DB_CACHE_SLOTS / 2);
	slot->sql = sql;
	c->n++;
	return slot;
}

static struct db_arg db_arg_of(char kind, va_list *ap)
{
	const struct store_hash *h;
	struct db_arg x = { 0 };

	switch (kind) {
	case 't':
		x.is_text = true;
		x.data = va_arg(*ap, const char *);
		break;
	case 'i':
		x.i64 = va_arg(*ap, int64_t);
		break;
	case 'd':
		x.i64 = va_arg(*ap, int);
		break;
	case 'w':
		x.i64 = va_arg(*ap, struct wall).us;
		break;
	case 'h':
		h = va_arg(*ap, const struct store_hash *);
		x.is_blob = true;
		x.data = h->bytes;
		x.len = sizeof(h->bytes);
		break;
	case 'b':
		x.is_blob = true;
		x.data = va_arg(*ap, const void *);
		x.len = va_arg(*ap, size_t);
		break;
	default:
		BUG_ON(kind);
	}
	return x;
}

static enum err db_start(struct db *db, struct db_row *ret, struct err_info *ei,
			 const char *sql, const char *fmt, va_list *ap)
{
	struct db_arg args[DB_ARGS_MAX];
	size_t n = strlen(fmt);

	BUG_ON(n > DB_ARGS_MAX);
	for (size_t i = 0; i < n; i++)
		args[i] = db_arg_of(fmt[i], ap);
	ret->db = db;
	return db->drv->start(ret, sql, true, args, n, ei);
}

enum err db_query(struct db *db, struct arena *a, struct db_row *ret,
		  struct err_info *ei, const char *sql, const char *fmt, ...)
{
	va_list ap;
	enum err rc;

	*ret = (struct db_row){ .arena = a };
	va_start(ap, fmt);
	rc = db_start(db, ret, ei, sql, fmt, &ap);
	va_end(ap);
	return rc;
}

enum err db_query_text(struct db *db, struct arena *a, struct db_row *ret,
		       const char *sql, const char *const *args, size_t nargs,
		       struct err_info *ei)
{
	struct db_arg list[DB_ARGS_MAX];

	BUG_ON(nargs > DB_ARGS_MAX);
	for (size_t i = 0; i < nargs; i++)
		list[i] = (struct db_arg){ .is_text = true, .data = args[i] };
	*ret = (struct db_row){ .db = db, .arena = a };
	return db->drv->start(ret, sql, false, list, nargs, ei);
}

void db_end(struct db_row *r)
{
	r->db->drv->end(r);
}

enum err db_next(struct db_row *r, bool *ret_row, struct err_info *ei)
{
	r->col = 0;
	return r->db->drv->next(r, ret_row, ei);
}

enum err db_row_check(struct db_row *r, struct err_info *ei)
{
	if (!r->oom)
		return ERR_OK;
	return err_set(ei, ERR_NOMEM, "database: result too large");
}

enum err db_run(struct db *db, int64_t *ret_changes, struct err_info *ei,
		const char *sql, const char *fmt, ...)
{
	struct db_row r = { 0 };
	bool more = true;
	va_list ap;
	enum err rc;

	va_start(ap, fmt);
	rc = db_start(db, &r, ei, sql, fmt, &ap);
	va_end(ap);
	while (rc == ERR_OK && more)
		rc = db_next(&r, &more, ei);
	if (rc == ERR_OK && ret_changes)
		*ret_changes = r.changes;
	return rc;
}

enum err db_scalar(struct db *db, int64_t dflt, int64_t *ret,
		   struct err_info *ei, const char *sql, const char *fmt, ...)
{
	struct db_row r = { 0 };
	bool have = false;
	va_list ap;
	enum err rc;

	va_start(ap, fmt);
	rc = db_start(db, &r, ei, sql, fmt, &ap);
	va_end(ap);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc)
		return rc;
	*ret = have ? db_i64(&r) : dflt;
	if (have)
		db_end(&r);
	return ERR_OK;
}

enum err db_script(struct db *db, const char *sql, struct err_info *ei)
{
	return db->drv->script(db, sql, ei);
}

/* --- columns --- */

const void *db_blob(struct db_row *r, size_t *ret_len)
{
	size_t n = 0;
	const void *p = r->db->drv->blob(r, r->col++, &n);
	void *copy;

	*ret_len = 0;
	if (!p)
		return NULL;
	copy = arena_dup(r->arena, p, n);
	if (!copy) {
		r->oom = true;
		return NULL;
	}
	*ret_len = n;
	return copy;
}

char *db_text(struct db_row *r)
{
	size_t n = 0;
	const char *p = r->db->drv->text(r, r->col++, &n);
	char *copy;

	if (!p)
		return NULL;
	copy = arena_str(r->arena, p, n);
	if (!copy)
		r->oom = true;
	return copy;
}

const char *db_must(struct db_row *r)
{
	const char *text = db_text(r);

	return text ? text : "";
}

const char *db_peek(struct db_row *r)
{
	size_t n = 0;
	const char *p = r->db->drv->text(r, r->col++, &n);

	return p ? p : "";
}

int64_t db_i64(struct db_row *r)
{
	return r->db->drv->i64(r, r->col++);
}

struct wall db_wall(struct db_row *r)
{
	return (struct wall){ db_i64(r) };
}

bool db_fixed(struct db_row *r, void *dst, size_t len)
{
	size_t n = 0;
	const void *p = r->db->drv->blob(r, r->col++, &n);

	if (!p || n != len) {
		memset(dst, 0, len);
		return false;
	}
	memcpy(dst, p, len);
	return true;
}

enum err db_one(struct db_row *r, db_read_fn read, size_t size, void *ret,
		struct err_info *ei)
{
	bool have = false;
	void *item;
	enum err rc;

	rc = db_next(r, &have, ei);
	if (rc)
		return rc;
	if (!have)
		return ERR_NOTFOUND;
	item = arena_alloc(r->arena, size);
	if (item)
		read(r, item);
	db_end(r);
	rc = item ? db_row_check(r, ei) : ERR_NOMEM;
	if (rc == ERR_OK)
		memcpy(ret, item, size);
	return rc;
}

/* Room for one more, zeroed. */
static void *db_more(struct arena *a, struct db_list *l, size_t *room,
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

enum err db_all(struct db_row *r, db_read_fn read, size_t size,
		struct db_list *ret, struct err_info *ei)
{
	struct db_list l = { 0 };
	size_t room = 0;
	bool more = false;
	void *item;
	enum err rc;

	while ((rc = db_next(r, &more, ei)) == ERR_OK && more) {
		item = db_more(r->arena, &l, &room, size);
		if (!item) {
			db_end(r);
			return err_set(ei, ERR_NOMEM, "list of rows");
		}
		read(r, item);
	}
	if (rc == ERR_OK)
		rc = db_row_check(r, ei);
	if (rc == ERR_OK)
		*ret = l;
	return rc;
}

/* --- bounds --- */

enum err db_check_text(const char *what, const char *text, bool needed,
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

enum err db_check_json(const char *what, const char *text, struct err_info *ei)
{
	if (text && strnlen(text, STORE_JSON_MAX + 1) > STORE_JSON_MAX)
		return err_set(ei, ERR_TOOBIG, "%s is longer than %d bytes",
			       what, STORE_JSON_MAX);
	return ERR_OK;
}
