/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/strmap.h"

static void test_set_get_remove(void **state)
{
	int one = 1, two = 2;
	struct strmap m;

	strmap_init(&m, 10);
	assert_null(strmap_get(&m, "a"));
	assert_null(strmap_remove(&m, "a"));
	assert_int_equal(strmap_set(&m, "a", &one), ERR_OK);
	assert_int_equal(strmap_set(&m, "a", &two), ERR_OK);
	assert_ptr_equal(strmap_get(&m, "a"), &two);
	assert_int_equal(m.count, 1);
	assert_ptr_equal(strmap_remove(&m, "a"), &two);
	assert_null(strmap_get(&m, "a"));
	strmap_deinit(&m);
}

/* Against a plain array, through growth, with half taken out while walking. */
static void test_many(void **state)
{
	static int values[5000];
	struct strmap_iter it;
	struct strmap m;
	char key[16];
	size_t seen = 0;

	strmap_init(&m, ARRAY_LEN(values));
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		values[i] = (int)i;
		snprintf(key, sizeof(key), "k%zu", i);
		assert_int_equal(strmap_set(&m, key, &values[i]), ERR_OK);
	}
	assert_int_equal(strmap_set(&m, "one too many", values), ERR_TOOBIG);
	it = strmap_iter(&m);
	while (strmap_next(&m, &it)) {
		const int *v = it.value;

		snprintf(key, sizeof(key), "k%d", *v);
		assert_string_equal(it.key, key);
		seen++;
		if (*v % 2)
			assert_ptr_equal(strmap_remove(&m, key), v);
	}
	assert_int_equal(seen, ARRAY_LEN(values));
	assert_int_equal(m.count, ARRAY_LEN(values) / 2);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		snprintf(key, sizeof(key), "k%zu", i);
		assert_ptr_equal(strmap_get(&m, key),
				 i % 2 ? NULL : &values[i]);
	}
	strmap_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_get_remove),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
