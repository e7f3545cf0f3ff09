/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "net/addr.h"

static void test_round_trip(void **state)
{
	static const char *const good[] = {
		"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535",
		"[::1]:443",	"[::]:0",    "[2001:67c:4e8:f002::a]:443",
	};
	char text[ADDR_TEXT_MAX];
	struct addr a;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(addr_parse(good[i], &a, NULL), ERR_OK);
		addr_format(&a, text);
		assert_string_equal(text, good[i]);
	}
}

static void test_refusals(void **state)
{
	static const char *const bad[] = {
		"",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"::1:80",
		"[::1]",
		"[::1:80",
		"[127.0.0.1]:80",
		"127.0.0.1:-1",
		"127.0.0.1:+1",
		"127.0.0.1: 1",
		"1.2.3:4:5",
		"ho st:1",
		"host/:1",
		":80",
	};
	struct addr_host h = { .host = "untouched" };
	struct err_info ei;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(addr_parse_host(bad[i], &h, &ei), ERR_SYNTAX);
		assert_string_equal(h.host, "untouched");
	}
	struct addr a;

	assert_int_equal(addr_parse("localhost:80", &a, &ei), ERR_SYNTAX);
}

static void test_host(void **state)
{
	struct addr_host h;

	assert_int_equal(addr_parse_host("venus.example.org:443", &h, NULL),
			 ERR_OK);
	assert_string_equal(h.host, "venus.example.org");
	assert_int_equal(h.port, 443);
	assert_int_equal(addr_parse_host("[fe80::1]:1", &h, NULL), ERR_OK);
	assert_string_equal(h.host, "fe80::1");
}

static void test_compare(void **state)
{
	struct addr a, b;

	assert_int_equal(addr_parse("127.9.9.9:1", &a, NULL), ERR_OK);
	assert_int_equal(addr_parse("127.9.9.9:2", &b, NULL), ERR_OK);
	assert_true(addr_same_ip(&a, &b));
	assert_true(addr_is_loopback(&a));
	assert_int_equal(addr_parse("[::1]:2", &b, NULL), ERR_OK);
	assert_false(addr_same_ip(&a, &b));
	assert_true(addr_is_loopback(&b));
	assert_int_equal(addr_parse("10.0.0.1:2", &b, NULL), ERR_OK);
	assert_false(addr_is_loopback(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
