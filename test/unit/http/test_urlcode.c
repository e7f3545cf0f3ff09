/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "http/urlcode.h"

static void test_decode(void **state)
{
	char out[64];
	size_t n;

	assert_int_equal(urlcode_decode(out, &n, "a%20b+c%2B", 10, false),
			 ERR_OK);
	assert_string_equal(out, "a b+c+");
	assert_int_equal(urlcode_decode(out, &n, "a%20b+c%2B", 10, true),
			 ERR_OK);
	assert_string_equal(out, "a b c+");
	assert_int_equal(n, 6);
	static const char *const bad[] = { "%",	  "%1",	 "%zz", "%00",
					   "%ff", "%+1", "a%2" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			urlcode_decode(out, &n, bad[i], strlen(bad[i]), true),
			ERR_SYNTAX);
}

static void test_encode_is_undone(void **state)
{
	static const char text[] = "a/b c+\xc3\xbc%?&=~";
	char out[64];
	struct buf b;
	size_t n;

	buf_init(&b, 100);
	assert_int_equal(urlcode_encode(&b, text, strlen(text)), ERR_OK);
	assert_string_equal(buf_cstr(&b), "a%2Fb%20c%2B%C3%BC%25%3F%26%3D~");
	assert_int_equal(
		urlcode_decode(out, &n, buf_cstr(&b), buf_len(&b), true),
		ERR_OK);
	assert_string_equal(out, text);
	buf_deinit(&b);
}

static void test_pairs(void **state)
{
	static const char text[] = "&a=1&&b&=x&c=d=e&";
	struct urlcode_pair p;
	size_t pos = 0, len = sizeof(text) - 1;

	assert_true(urlcode_next(text, len, &pos, &p));
	assert_memory_equal(p.name, "a", p.name_len);
	assert_memory_equal(p.value, "1", p.value_len);
	assert_true(urlcode_next(text, len, &pos, &p));
	assert_int_equal(p.name_len, 1);
	assert_int_equal(p.value_len, 0);
	assert_true(urlcode_next(text, len, &pos, &p));
	assert_int_equal(p.name_len, 0);
	assert_int_equal(p.value_len, 1);
	assert_true(urlcode_next(text, len, &pos, &p));
	assert_int_equal(p.value_len, 3);
	assert_memory_equal(p.value, "d=e", 3);
	assert_false(urlcode_next(text, len, &pos, &p));
}

static void test_credentials(void **state)
{
	const char *user, *password;
	char b[32];

	assert_int_equal(urlcode_basic("basic bm9kZTo6YTpi", b, sizeof(b),
				       &user, &password),
			 ERR_OK);
	assert_string_equal(user, "node");
	assert_string_equal(password, ":a:b");
	static const char *const bad[] = {
		"", "Basic",
		"Bearer bm9kZTphOmI=", "Basic bm9kZQ==", "Basic !!!",
		"Basic bm9kZTphOmI",
		/* longer than the buffer */
		"Basic YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYTphYWFhYWFhYWE=",
		"Basic YQA6Yg==", /* NUL inside */
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			urlcode_basic(bad[i], b, sizeof(b), &user, &password),
			ERR_SYNTAX);
	assert_string_equal(urlcode_bearer("bearer  x.y"), "x.y");
	assert_null(urlcode_bearer("Bearer "));
	assert_null(urlcode_bearer("Basic x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_encode_is_undone),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
