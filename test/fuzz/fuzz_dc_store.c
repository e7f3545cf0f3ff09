/* SPDX-License-Identifier: MIT */
/*
 * A state file of the data centre that a crash, a disk or a person left.  The
 * first byte says how it is told: the bytes of the file, or rows for the tables
 * that the data centre makes.  It loads or is refused with a reason, and loads
 * the same once more.
 */
#include <sqlite3.h>

#include "dc/dc_store.h"

#include "fuzz_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* As the data centre makes them. */
static struct {
	char name[32];
	int columns;
} tables[64];
static size_t ntables;

static uint8_t *empty; /* the file the data centre begins with */
static size_t empty_len;

static void learn_tables(void)
{
	sqlite3_stmt *st;
	sqlite3 *db;

	if (sqlite3_open(fuzz_dir_path("db"), &db) != SQLITE_OK ||
	    sqlite3_prepare_v2(db,
			       "SELECT name, (SELECT count(*) FROM "
			       "pragma_table_info(m.name)) FROM sqlite_schema "
			       "m WHERE type = 'table' ORDER BY name",
			       -1, &st, NULL) != SQLITE_OK)
		abort();
	while (sqlite3_step(st) == SQLITE_ROW && ntables < 64) {
		snprintf(tables[ntables].name, sizeof(tables[0].name), "%s",
			 (const char *)sqlite3_column_text(st, 0));
		tables[ntables++].columns = sqlite3_column_int(st, 1);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	if (!ntables)
		abort();
}

static void make_empty(void)
{
	struct dc_store *s;
	long size;
	FILE *f;

	fuzz_dir_make();
	fuzz_dir_empty("");
	if (dc_store_open(&s, fuzz_dir_path("db"), NULL))
		abort();
	dc_store_close(s);
	learn_tables();
	f = fopen(fuzz_dir_path("db"), "rb");
	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) <= 0)
		abort();
	rewind(f);
	empty_len = (size_t)size;
	empty = malloc(empty_len);
	if (!empty || fread(empty, 1, empty_len, f) != empty_len)
		abort();
	fclose(f);
}

/* A kind, and bytes behind it as the kind has them. */
static void bind(sqlite3_stmt *st, int i, const uint8_t **at,
		 const uint8_t *end)
{
	uint8_t kind = *at < end ? *(*at)++ : 0;
	size_t left = (size_t)(end - *at), n = kind >> 3;
	int64_t v = 0;

	switch (kind % 8) {
	case 0:
		sqlite3_bind_null(st, i);
		return;
	case 1:
	case 2: /* small numbers are ids of others */
		sqlite3_bind_int64(st, i, (int64_t)n);
		return;
	case 3:
		n = left < 8 ? left : 8;
		memcpy(&v, *at, n);
		sqlite3_bind_int64(st, i, v);
		break;
	case 4:
		sqlite3_bind_zeroblob(st, i, 256);
		return;
	case 5:
		n = n < left ? n : left;
		sqlite3_bind_blob(st, i, *at, (int)n, SQLITE_TRANSIENT);
		break;
	default:
		n = n < left ? n : left;
		sqlite3_bind_text(st, i, (const char *)*at, (int)n,
				  SQLITE_TRANSIENT);
	}
	*at += n;
}

static void put_rows(const uint8_t *data, size_t len)
{
	const uint8_t *end = data + len;
	char sql[128];
	sqlite3 *db;

	if (sqlite3_open(fuzz_dir_path("db"), &db) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA synchronous=OFF; BEGIN", NULL, NULL,
			 NULL) != SQLITE_OK)
		abort();
	while (data < end) {
		size_t t = *data++ % ntables;
		sqlite3_stmt *st;

		snprintf(sql, sizeof(sql),
			 "INSERT OR REPLACE INTO %s VALUES (?%.*s)",
			 tables[t].name, 2 * (tables[t].columns - 1),
			 ",?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?");
		if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
			abort();
		for (int i = 1; i <= tables[t].columns; i++)
			bind(st, i, &data, end);
		(void)sqlite3_step(st);
		sqlite3_finalize(st);
	}
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		abort();
	sqlite3_close(db);
}

static enum err on_key(void *ctx, const struct dc_store_key *k)
{
	if (k->device && strlen(k->device) > 1U << 20)
		abort();
	++*(size_t *)ctx;
	return ERR_OK;
}

static enum err load(size_t *ret_keys)
{
	struct err_info ei = { 0 };
	struct dc_store *s = NULL;
	struct world w;
	enum err rc;

	*ret_keys = 0;
	rc = dc_store_open(&s, fuzz_dir_path("db"), &ei);
	if (rc) {
		if (!ei.msg[0])
			abort();
		return rc;
	}
	world_init(&w, 7);
	rc = dc_store_load(s, &w, on_key, ret_keys, &ei);
	if (rc && !ei.msg[0])
		abort();
	world_deinit(&w);
	dc_store_close(s);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t keys, again;
	enum err rc;

	if (!len || len > 1U << 18)
		return 0;
	if (!empty)
		make_empty();
	fuzz_dir_empty("");
	if (data[0] & 1) {
		fuzz_dir_put("db", empty, empty_len);
		put_rows(data + 1, len - 1);
	} else {
		fuzz_dir_put("db", data + 1, len - 1);
	}
	rc = load(&keys);
	if (load(&again) != rc || (!rc && keys != again))
		abort();
	return 0;
}
