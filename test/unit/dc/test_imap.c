/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/rnd.h"
#include "dc/imap.h"

#define KEYS 512

/* Against a plain array, with a fixed seed: insert, replace, remove, look up. */
static void test_agrees_with_an_array(void **state)
{
	static char model[KEYS];
	struct rnd_seeded r;
	struct imap m = { 0 };
	uint32_t live = 0, cursor = 0;
	int i;

	(void)state;
	memset(model, 0, sizeof(model));
	rnd_seeded_init(&r, 7);
	for (i = 0; i < 100000; i++) {
		size_t k = rnd_below(&r.rnd, KEYS);
		/* Keys that collide in their low bits. */
		int64_t key = (int64_t)k << 32;

		assert_ptr_equal(imap_get(&m, key),
				 model[k] ? &model[k] : NULL);
		if (rnd_below(&r.rnd, 2)) {
			assert_int_equal(imap_put(&m, key, &model[k]), ERR_OK);
			live += !model[k];
			model[k] = 1;
		} else {
			assert_ptr_equal(imap_remove(&m, key),
					 model[k] ? &model[k] : NULL);
			live -= model[k] != 0;
			model[k] = 0;
		}
		assert_int_equal(m.len, live);
	}
	while (imap_next(&m, &cursor))
		live--;
	assert_int_equal(live, 0);
	imap_deinit(&m);
}

static void test_empty(void **state)
{
	struct imap m = { 0 };
	uint32_t cursor = 0;

	(void)state;
	assert_null(imap_get(&m, 1));
	assert_null(imap_remove(&m, 1));
	assert_null(imap_next(&m, &cursor));
	imap_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_an_array),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
