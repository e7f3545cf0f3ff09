/* SPDX-License-Identifier: MIT */
/*
 * JSON objects as a table that fits the terminal.
 *
 * Cells are made harmless first: control characters and escape sequences of a
 * name cannot drive the terminal.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/json.h"

struct table_column {
	const char *title; /* "NODE" */
	const char *path;  /* "node_id", "last_error.code" */
};

/* items: an array of objects. */
enum err table_print(struct json items, const struct table_column *columns,
		     size_t ncolumns);
/* One object, "name  value" lines. */
enum err table_print_one(struct json object);

#endif /* CLI_TABLE_H */
