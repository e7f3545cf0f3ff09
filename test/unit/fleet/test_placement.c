/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rnd.h"
#include "fleet/placement.h"

static void picks(enum placement_strategy s, const struct placement_node *n,
		  size_t count, const char *last, char *out, size_t max)
{
	struct placement p;
	size_t i, k = 0;

	assert_int_equal(placement_init(&p, s, n, count, last, NULL), ERR_OK);
	while (k < max && placement_next(&p, &i))
		out[k++] = n[i].node_id[0];
	out[k] = '\0';
	placement_deinit(&p);
}

static void test_balanced(void **state)
{
	const struct placement_node n[] = {
		{ "b", true, 0, 2 },
		{ "a", true, 5, 10 },
		{ "c", false, 0, 100 },
		{ "d", true, 4, 4 },
	};
	char out[32];

	/* b 0/2 before a 5/10; at 1/2 each b has fewer; then a until full */
	picks(PLACEMENT_BALANCED, n, 4, NULL, out, 20);
	assert_string_equal(out, "bbaaaaa");
}

static void test_least_loaded(void **state)
{
	const struct placement_node n[] = {
		{ "b", true, 1, 100 },
		{ "a", true, 1, 3 },
		{ "c", true, 3, 100 },
	};
	char out[32];

	picks(PLACEMENT_LEAST_LOADED, n, 3, NULL, out, 6);
	assert_string_equal(out, "ababbc");
}

static void test_round_robin(void **state)
{
	const struct placement_node n[] = {
		{ "c", true, 9, 100 },
		{ "a", true, 0, 100 },
		{ "b", true, 0, 1 },
	};
	char out[32];

	picks(PLACEMENT_ROUND_ROBIN, n, 3, NULL, out, 6);
	assert_string_equal(out, "abcaca");
	picks(PLACEMENT_ROUND_ROBIN, n, 3, "a", out, 6);
	assert_string_equal(out, "bcacac");
}

static void test_none(void **state)
{
	const struct placement_node n[] = { { "a", false, 0, 5 },
					    { "b", true, 7, 5 },
					    { "c", true, 0, 0 } };
	char out[8];

	picks(PLACEMENT_BALANCED, n, 3, NULL, out, 5);
	assert_string_equal(out, "");
	picks(PLACEMENT_BALANCED, n, 0, NULL, out, 5);
	assert_string_equal(out, "");
}

static void test_parse(void **state)
{
	enum placement_strategy s = PLACEMENT_BALANCED;
	struct err_info ei;

	assert_int_equal(placement_parse("round_robin", &s, &ei), ERR_OK);
	assert_int_equal(s, PLACEMENT_ROUND_ROBIN);
	assert_int_equal(placement_parse("best", &s, &ei), ERR_INVALID);
	assert_non_null(strstr(ei.msg, "least_loaded"));
	assert_int_equal(s, PLACEMENT_ROUND_ROBIN);
}

/* Never over capacity, never on an unusable node, all room used, any order. */
static void check_fleet(struct rnd *r, enum placement_strategy s)
{
	struct placement_node n[40], m[40];
	static char ids[40][24];
	char one[2100], two[2100];
	size_t count = 1 + rnd_below(r, 40), room = 0, i;
	struct placement p;

	for (i = 0; i < count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%c%02zu",
			 (char)('A' + rnd_below(r, 26)), i);
		n[i] = (struct placement_node){ ids[i], rnd_below(r, 4) != 0,
						(int64_t)rnd_below(r, 30),
						(int64_t)rnd_below(r, 50) };
		m[count - 1 - i] = n[i];
		if (n[i].usable && n[i].used < n[i].max)
			room += (size_t)(n[i].max - n[i].used);
	}
	picks(s, n, count, NULL, one, sizeof(one) - 1);
	picks(s, m, count, NULL, two, sizeof(two) - 1);
	assert_string_equal(one, two);
	assert_int_equal(strlen(one), room);
	assert_int_equal(placement_init(&p, s, n, count, NULL, NULL), ERR_OK);
	while (placement_next(&p, &i)) {
		assert_true(n[i].usable);
		m[0] = n[i];
		n[i].used++;
		assert_true(n[i].used <= n[i].max);
		if (s != PLACEMENT_LEAST_LOADED)
			continue;
		for (size_t k = 0; k < count; k++)
			if (n[k].usable && n[k].used < n[k].max)
				assert_true(m[0].used <= n[k].used);
	}
	placement_deinit(&p);
}

static void test_properties(void **state)
{
	struct rnd_seeded r;

	rnd_seeded_init(&r, 7);
	for (int i = 0; i < 300; i++)
		check_fleet(&r.rnd, (enum placement_strategy)(i % 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balanced),
		cmocka_unit_test(test_least_loaded),
		cmocka_unit_test(test_round_robin),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
