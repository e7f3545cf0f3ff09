/* SPDX-License-Identifier: MIT */
/*
 * The operations' SQL in PostgreSQL's words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/defs.h"
#include "store/pg_sql.h"

static void check(const char *sql, const char *want)
{
	struct buf out;

	buf_init(&out, 1024);
	assert_int_equal(pg_sql_translate(sql, &out), ERR_OK);
	assert_string_equal(buf_cstr(&out), want);
	buf_deinit(&out);
}

static void test_parameters(void **state)
{
	check("a = ? AND b = ?", "a = $1 AND b = $2");
	check("a = ?2 OR b = ?1 OR c = ?12", "a = $2 OR b = $1 OR c = $12");
	check("", "");
	check("?", "$1");
}

static void test_literals(void **state)
{
	check("x = '?' AND y = ?", "x = '?' AND y = $1");
	check("x = 'it''s char(1)?' AND y = ?",
	      "x = 'it''s char(1)?' AND y = $1");
	check("x = '", "x = '");
}

static void test_words(void **state)
{
	check("SELECT group_concat(t, char(31))",
	      "SELECT string_agg(t, chr(31))");
	check("a LIKE ? ESCAPE '\\'", "a ILIKE $1 ESCAPE '\\'");
	check("SELECT 1 FROM t WHERE a = ? /* FOR UPDATE */",
	      "SELECT 1 FROM t WHERE a = $1 FOR UPDATE");
	check("SELECT key FROM json_each(json(?1))",
	      "SELECT key FROM json_each_text(json($1))");
	/* inside a longer word they are not meant */
	check("varchar(3), my_group_concat(x)",
	      "varchar(3), my_group_concat(x)");
}

static void test_limit(void **state)
{
	struct buf out;

	buf_init(&out, 8);
	assert_int_equal(pg_sql_translate("SELECT 123456789", &out),
			 ERR_TOOBIG);
	buf_deinit(&out);
}

static void test_kinds(void **state)
{
	assert_int_equal(pg_sql_kind("BEGIN"), PG_SQL_CONTROL);
	assert_int_equal(pg_sql_kind("SAVEPOINT op"), PG_SQL_CONTROL);
	assert_int_equal(pg_sql_kind("RELEASE op"), PG_SQL_CONTROL);
	assert_int_equal(pg_sql_kind("SELECT 1"), PG_SQL_READ);
	assert_int_equal(pg_sql_kind("SELECT 1 /* FOR UPDATE */"),
			 PG_SQL_WRITE);
	assert_int_equal(pg_sql_kind("UPDATE x"), PG_SQL_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
