/* SPDX-License-Identifier: MIT */
#include "store/pg_sql.h"

#include <ctype.h>
#include <string.h>

#include "base/defs.h"

#define PG_SQL_LOCK "/* FOR UPDATE */"

static const struct {
	const char *what, *instead;
} words[] = {
	{ "group_concat(", "string_agg(" },
	{ "json_each(", "json_each_text(" },
	{ "char(", "chr(" },
	{ "LIKE ", "ILIKE " }, /* SQLite's does not look at the case */
	{ PG_SQL_LOCK, "FOR UPDATE" },
};

static bool pg_sql_in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Length of the word of ours at p, and what to say for it; 0: none. */
static size_t pg_sql_word(const char *sql, const char *p, const char **ret)
{
	if (p > sql && pg_sql_in_word(p[-1]))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i].what);

		if (strncmp(p, words[i].what, n) == 0) {
			*ret = words[i].instead;
			return n;
		}
	}
	return 0;
}

/* From one quote to the next: '' inside is two literals, which is the same. */
static size_t pg_sql_literal(const char *p)
{
	const char *end = strchr(p + 1, '\'');

	return end ? (size_t)(end - p) + 1 : strlen(p);
}

/* ? is the next, ?7 the seventh. */
static enum err pg_sql_param(const char **p, unsigned int *next,
			     struct buf *out)
{
	unsigned int n = 0;

	for (++*p; isdigit((unsigned char)**p); ++*p)
		n = n * 10 + (unsigned int)(**p - '0');
	return buf_printf(out, "$%u", n ? n : ++*next);
}

enum err pg_sql_translate(const char *sql, struct buf *out)
{
	unsigned int next = 0;
	enum err rc = ERR_OK;

	for (const char *p = sql; *p && rc == ERR_OK;) {
		const char *instead = NULL;
		size_t n = pg_sql_word(sql, p, &instead);

		if (*p == '?') {
			rc = pg_sql_param(&p, &next, out);
			continue;
		}
		if (n) {
			rc = buf_append_str(out, instead);
		} else {
			n = *p == '\'' ? pg_sql_literal(p) : 1;
			rc = buf_append(out, p, n);
		}
		p += n;
	}
	return rc;
}

enum pg_sql_kind pg_sql_kind(const char *sql)
{
	static const char *const control[] = { "BEGIN", "COMMIT", "ROLLBACK",
					       "SAVEPOINT", "RELEASE" };

	for (size_t i = 0; i < ARRAY_LEN(control); i++)
		if (strncmp(sql, control[i], strlen(control[i])) == 0)
			return PG_SQL_CONTROL;
	if (strncmp(sql, "SELECT", 6) == 0 && !strstr(sql, PG_SQL_LOCK))
		return PG_SQL_READ;
	return PG_SQL_WRITE;
}
