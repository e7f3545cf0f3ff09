/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static void reads_exact_integers(void **state)
{
	static const char text[] =
		"{\"a\":9223372036854775807,\"b\":-5,\"c\":1.0,"
		"\"d\":18446744073709551615,\"s\":\"x\\u0000y\"}";
	struct json_doc d;
	struct err_info ei;
	struct json o;
	const char *s = NULL;
	int64_t v = 7;

	(void)state;
	assert_int_equal(json_parse(&d, text, strlen(text), 1000, &ei), ERR_OK);
	o = json_root(&d);
	assert_true(json_int(json_get(o, "a"), 0) == INT64_MAX);
	assert_int_equal(json_int(json_get(o, "b"), 0), -5);
	assert_int_equal(json_int(json_get(o, "c"), 3), 3);
	assert_int_equal(json_int(json_get(o, "d"), 3), 3);
	assert_int_equal(json_need_int(o, "c", 0, 9, &v, &ei), ERR_INVALID);
	assert_string_equal(ei.msg, "c: a whole number is expected");
	assert_int_equal(json_need_int(o, "b", 0, 9, &v, &ei), ERR_INVALID);
	assert_int_equal(v, 7);
	assert_int_equal(json_need_int(o, "zz", 0, 9, &v, &ei), ERR_INVALID);
	assert_string_equal(ei.msg, "zz: missing");
	assert_int_equal(json_want_int(o, "zz", 0, 9, &v, &ei), ERR_OK);
	assert_int_equal(json_need_str(o, "s", 100, &s, &ei), ERR_INVALID);
	assert_null(s);
	assert_true(json_missing(json_get(json_get(o, "no"), "where")));
	json_free(&d);
}

static void refuses(void **state)
{
	static const char *const bad[] = { "",	       "{",	  "{'a':1}",
					   "[1,]",     "nul",	  "{\"a\":1}x",
					   "\"\xff\"", "[01]",	  "[NaN]",
					   "/* */ 1",  "\x00\x00" };
	char deep[200];
	struct json_doc d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			json_parse(&d, bad[i], strlen(bad[i]), 100, NULL),
			ERR_SYNTAX);
	memset(deep, '[', sizeof(deep));
	assert_int_equal(json_parse(&d, deep, JSON_DEPTH_MAX + 1, 1000, NULL),
			 ERR_SYNTAX);
	assert_int_equal(json_parse(&d, "[1]", 3, 2, NULL), ERR_TOOBIG);
}

static void iterates(void **state)
{
	static const char text[] = "{\"x\":1,\"y\":[2,[3],{}]}";
	struct json_doc d;
	struct json_iter it;

	(void)state;
	assert_int_equal(json_parse(&d, text, strlen(text), 100, NULL), ERR_OK);
	it = json_iter(json_root(&d));
	assert_true(json_next(&it));
	assert_string_equal(it.key, "x");
	assert_true(json_next(&it));
	assert_string_equal(it.key, "y");
	assert_int_equal(json_len(it.val), 3);
	assert_false(json_next(&it));
	it = json_iter(json_get(json_root(&d), "y"));
	assert_true(json_next(&it));
	assert_int_equal(json_int(it.val, 0), 2);
	assert_true(json_next(&it) && json_is_array(it.val));
	assert_true(json_next(&it) && json_is_object(it.val));
	assert_false(json_next(&it));
	it = json_iter((struct json){ NULL });
	assert_false(json_next(&it));
	json_free(&d);
}

static void writes_what_it_reads(void **state)
{
	struct json_doc d;
	struct jsonw w;
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	jsonw_init(&w, &b);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "s", "a\"b\\c\n\x01 中");
	jsonw_str(&w, "bad", "\xff\xfe");
	jsonw_array(&w, "a");
	jsonw_int(&w, NULL, INT64_MIN);
	jsonw_u64(&w, NULL, UINT64_MAX);
	jsonw_bool(&w, NULL, true);
	jsonw_null(&w, NULL);
	jsonw_object(&w, NULL);
	jsonw_object_end(&w);
	jsonw_array_end(&w);
	jsonw_time(&w, "t", (struct wall){ INT64_C(1700000000123456) });
	jsonw_time(&w, "never", (struct wall){ 0 });
	jsonw_object_end(&w);
	assert_int_equal(jsonw_end(&w), ERR_OK);
	assert_string_equal(
		buf_cstr(&b),
		"{\"s\":\"a\\\"b\\\\c\\u000a\\u0001 "
		"中\",\"bad\":\"\\ufffd\\ufffd\","
		"\"a\":[-9223372036854775808,18446744073709551615,true,null,{}]"
		","
		"\"t\":\"2023-11-14T22:13:20.123Z\",\"never\":null}");
	assert_int_equal(json_parse(&d, buf_head(&b), buf_len(&b), 10000, NULL),
			 ERR_OK);
	assert_string_equal(json_str(json_get(json_root(&d), "s"), ""),
			    "a\"b\\c\n\x01 中");
	json_free(&d);
	buf_deinit(&b);
}

static void a_full_buffer_is_reported_at_the_end(void **state)
{
	struct jsonw w;
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	jsonw_init(&w, &b);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "key", "value");
	jsonw_object_end(&w);
	assert_int_equal(jsonw_end(&w), ERR_TOOBIG);
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_exact_integers),
		cmocka_unit_test(refuses),
		cmocka_unit_test(iterates),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(a_full_buffer_is_reported_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
