/* SPDX-License-Identifier: MIT */
/*
 * A foreign SQLite file, opened: sessfile_sqlite.c opens and guards it,
 * sessfile_sqlite_rows.c reads the tables of the programs.
 */
#ifndef TG_SESSFILE_SQLITE_INT_H
#define TG_SESSFILE_SQLITE_INT_H

#include <sqlite3.h>

#include "tg/sessfile_int.h"

struct sessfile_db {
	sqlite3 *db;
	struct sessfile *s;
	struct err_info *ei;
	int steps_left;
	bool locked; /* nothing but SELECTs of plain tables passes */
};

/* Columns of a plain table, as a set of names; none = there is no such table. */
#define SESSFILE_COLUMNS_MAX 32
struct sessfile_columns {
	char name[SESSFILE_COLUMNS_MAX][40];
	size_t n;
};
enum err sessfile_sqlite_columns(struct sessfile_db *f, const char *table,
				 struct sessfile_columns *ret);
bool sessfile_sqlite_has(const struct sessfile_columns *c, const char *name);

/* Runs fn on each row, locked; more than `max` rows are refused. */
typedef enum err (*sessfile_row_fn)(struct sessfile_db *f, sqlite3_stmt *st);
enum err sessfile_sqlite_rows(struct sessfile_db *f, const char *sql,
			      size_t max, sessfile_row_fn fn, size_t *ret_rows);

/* NULL is 0; text or a float where a number belongs is refused. */
enum err sessfile_sqlite_int(struct sessfile_db *f, sqlite3_stmt *st, int i,
			     int64_t *ret);
/* In the arena; NULL if there is none, or none that is fit to be shown. */
const char *sessfile_sqlite_str(struct sessfile_db *f, sqlite3_stmt *st, int i);

/* Everything known of the file, into f->s. */
enum err sessfile_sqlite_read(struct sessfile_db *f);

#endif /* TG_SESSFILE_SQLITE_INT_H */
