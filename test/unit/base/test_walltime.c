/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/walltime.h"

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-22T09:15:22Z", INT64_C(1795338922000000) },
		{ "2026-11-22T09:15:22", INT64_C(1795338922000000) },
		{ "2026-11-22 09:15:22.5", INT64_C(1795338922500000) },
		{ "2026-11-22T09:15:22.1234567Z", INT64_C(1795338922123456) },
		{ "2026-11-22T10:15:22+01:00", INT64_C(1795338922000000) },
		{ "2026-11-22T03:45:22-05:30", INT64_C(1795338922000000) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wall t = { -1 };

		assert_int_equal(walltime_parse(rows[i].text, &t), ERR_OK);
		assert_int_equal(t.us, rows[i].us);
	}
}

static void test_refusals(void **state)
{
	static const char *const rows[] = {
		"",
		"now",
		"2026-11-22",
		"2026-11-22T09:15",
		"2026-13-01T00:00:00Z",
		"2026-11-22T09:15:22+1",
		"2026-11-22T09:15:22 x",
		"1969-12-31T23:59:59Z",
		"2026-11-22T09:15:22+25:00",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wall t = { 77 };

		assert_int_equal(walltime_parse(rows[i], &t), ERR_SYNTAX);
		assert_int_equal(t.us, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
