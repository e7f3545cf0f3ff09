/* SPDX-License-Identifier: MIT */
/*
 * Telethon's and Pyrogram's SQLite files: opened here, read in
 * sessfile_sqlite_rows.c.
 *
 * The file is foreign and may be hostile.  It is opened as bytes in memory,
 * read-only and defensive; an authorizer lets pass nothing but SELECTs of the
 * columns named here, a step limit ends whatever takes too long.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tg/sessfile_sqlite_int.h"

#define STEPS_MAX 20000000 /* virtual machine steps over all queries */
#define STEPS_EACH 10000
#define TEXT_MAX_BYTES 512

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

bool sessfile_sqlite_magic(const uint8_t *data, size_t len)
{
	return len >= 16 && memcmp(data, "SQLite format 3", 16) == 0;
}

/* Whether the header and the length agree, before SQLite believes either. */
static enum err check_header(const uint8_t *data, size_t len,
			     struct err_info *ei)
{
	size_t page;

	if (len < 512)
		return err_set(ei, ERR_INVALID,
			       "an SQLite header and nothing behind it");
	page = (size_t)data[16] << 8 | data[17];
	page = page == 1 ? 65536 : page;
	if (page < 512 || (page & (page - 1)) != 0)
		return err_set(ei, ERR_INVALID,
			       "damaged: an SQLite page size of %zu", page);
	if (len % page != 0)
		return err_set(ei, ERR_INVALID,
			       "damaged: %zu bytes are no whole number of "
			       "%zu-byte pages; it was cut",
			       len, page);
	if (be32(data + 24) == be32(data + 92) && be32(data + 28) != len / page)
		return err_set(ei, ERR_INVALID,
			       "damaged: the header says %u pages, the file "
			       "has %zu; it was cut",
			       be32(data + 28), len / page);
	return ERR_OK;
}

static int on_steps(void *ctx)
{
	struct sessfile_db *f = ctx;

	f->steps_left -= STEPS_EACH;
	return f->steps_left < 0;
}

static int authorize(void *ctx, int action, const char *a, const char *b,
		     const char *db, const char *inner)
{
	const struct sessfile_db *f = ctx;

	(void)a;
	(void)b;
	(void)db;
	if (!f->locked)
		return SQLITE_OK;
	/* `inner` names a view or trigger that the file brought along */
	if ((action == SQLITE_SELECT || action == SQLITE_READ) && !inner)
		return SQLITE_OK;
	return SQLITE_DENY;
}

static enum err damaged(struct sessfile_db *f)
{
	int rc = sqlite3_errcode(f->db);

	if (rc == SQLITE_NOMEM)
		return ERR_NOMEM;
	if (rc == SQLITE_INTERRUPT)
		return err_set(f->ei, ERR_INVALID,
			       "reading it takes too long; refused");
	return err_set(f->ei, ERR_INVALID, "damaged: SQLite says: %s",
		       sqlite3_errmsg(f->db));
}

static void limit(sqlite3 *db)
{
	static const struct {
		int what, max;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, 1 << 20 },
		{ SQLITE_LIMIT_SQL_LENGTH, 16384 },
		{ SQLITE_LIMIT_COLUMN, 100 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 20 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 2 },
		{ SQLITE_LIMIT_VDBE_OP, 25000 },
		{ SQLITE_LIMIT_FUNCTION_ARG, 8 },
		{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
	};
	static const struct {
		int what, on;
	} configs[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		sqlite3_limit(db, limits[i].what, limits[i].max);
	for (size_t i = 0; i < ARRAY_LEN(configs); i++)
		sqlite3_db_config(db, configs[i].what, configs[i].on, NULL);
}

static enum err open_copy(struct sessfile_db *f, const uint8_t *data,
			  size_t len)
{
	uint8_t *copy;

	if (sqlite3_open_v2(":memory:", &f->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY |
				    SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return ERR_NOMEM;
	copy = sqlite3_malloc64(len);
	if (!copy)
		return ERR_NOMEM;
	memcpy(copy, data, len);
	/* a file left in WAL mode: its log is not here, and not needed */
	copy[18] = copy[19] = 1;
	limit(f->db);
	sqlite3_progress_handler(f->db, STEPS_EACH, on_steps, f);
	/* FREEONCLOSE frees the copy on failure, too */
	if (sqlite3_deserialize(
		    f->db, "main", copy, (sqlite3_int64)len, (sqlite3_int64)len,
		    SQLITE_DESERIALIZE_FREEONCLOSE |
			    SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
		return damaged(f);
	sqlite3_set_authorizer(f->db, authorize, f);
	return ERR_OK;
}

bool sessfile_sqlite_has(const struct sessfile_columns *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->name[i], name) == 0)
			return true;
	return false;
}

static enum err prepare(struct sessfile_db *f, const char *sql,
			sqlite3_stmt **ret)
{
	if (sqlite3_prepare_v2(f->db, sql, -1, ret, NULL) != SQLITE_OK)
		return damaged(f);
	return ERR_OK;
}

/* *ret_is_table: there is one; a view or anything else by that name is not. */
static enum err find_table(struct sessfile_db *f, const char *table,
			   bool *ret_is_table)
{
	sqlite3_stmt *st;
	enum err rc;
	int step;

	rc = prepare(f,
		     "SELECT type FROM sqlite_master WHERE name = ?1 COLLATE "
		     "NOCASE AND type IN ('table', 'view')",
		     &st);
	if (rc)
		return rc;
	sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		const char *type = (const char *)sqlite3_column_text(st, 0);

		*ret_is_table = type && strcmp(type, "table") == 0;
		if (!*ret_is_table)
			rc = err_set(f->ei, ERR_INVALID,
				     "its %s is a view, not a table: no "
				     "program writes that; refused",
				     table);
	} else if (step == SQLITE_DONE) {
		*ret_is_table = false;
	} else {
		rc = damaged(f);
	}
	sqlite3_finalize(st);
	return rc;
}

enum err sessfile_sqlite_columns(struct sessfile_db *f, const char *table,
				 struct sessfile_columns *ret)
{
	sqlite3_stmt *st;
	bool is_table = false;
	enum err rc;
	int step;

	ret->n = 0;
	rc = find_table(f, table, &is_table);
	if (rc || !is_table)
		return rc;
	rc = prepare(f, "SELECT name, hidden FROM pragma_table_xinfo(?1)", &st);
	if (rc)
		return rc;
	sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(st, 0);

		/* generated columns are code of the file: not read */
		if (!name || sqlite3_column_int(st, 1) != 0 ||
		    strlen(name) >= sizeof(ret->name[0]) ||
		    ret->n == SESSFILE_COLUMNS_MAX)
			continue;
		snprintf(ret->name[ret->n++], sizeof(ret->name[0]), "%s", name);
	}
	if (step != SQLITE_DONE)
		rc = damaged(f);
	sqlite3_finalize(st);
	return rc;
}

enum err sessfile_sqlite_int(struct sessfile_db *f, sqlite3_stmt *st, int i,
			     int64_t *ret)
{
	switch (sqlite3_column_type(st, i)) {
	case SQLITE_INTEGER:
		*ret = sqlite3_column_int64(st, i);
		return ERR_OK;
	case SQLITE_NULL:
		*ret = 0;
		return ERR_OK;
	default:
		return err_set(f->ei, ERR_INVALID, "its %s is no number",
			       sqlite3_column_name(st, i));
	}
}

/* Text (or a number shown as text: Telethon's phones) kept short and valid. */
const char *sessfile_sqlite_str(struct sessfile_db *f, sqlite3_stmt *st, int i)
{
	int type = sqlite3_column_type(st, i);
	const char *text;
	size_t len;

	if (type != SQLITE_TEXT && type != SQLITE_INTEGER)
		return NULL;
	text = (const char *)sqlite3_column_text(st, i);
	len = text ? strlen(text) : 0;
	if (len == 0 || len > TEXT_MAX_BYTES || !text_utf8_valid(text, len))
		return NULL;
	return arena_str(&f->s->arena, text, len);
}

enum err sessfile_sqlite_rows(struct sessfile_db *f, const char *sql,
			      size_t max, sessfile_row_fn fn, size_t *ret_rows)
{
	sqlite3_stmt *st;
	size_t rows = 0;
	enum err rc;
	int step;

	f->locked = true;
	rc = prepare(f, sql, &st);
	if (rc) {
		f->locked = false;
		return rc;
	}
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		if (++rows > max)
			rc = err_set(f->ei, ERR_TOOBIG,
				     "more than %zu rows where at most that "
				     "many belong",
				     max);
		else
			rc = fn(f, st);
	}
	if (!rc && step != SQLITE_DONE)
		rc = damaged(f);
	f->locked = false;
	sqlite3_finalize(st);
	if (!rc)
		*ret_rows = rows;
	return rc;
}

enum err sessfile_read_sqlite(const uint8_t *data, size_t len,
			      struct sessfile *ret, struct err_info *ei)
{
	struct sessfile_db f = { .s = ret, .ei = ei, .steps_left = STEPS_MAX };
	enum err rc;

	sessfile_init(ret, SESSFILE_TELETHON_SQLITE);
	rc = check_header(data, len, ei);
	if (rc)
		return rc;
	rc = open_copy(&f, data, len);
	if (!rc)
		rc = sessfile_sqlite_read(&f);
	sqlite3_close(f.db);
	return rc;
}
