/* SPDX-License-Identifier: MIT */
/* A node's folder, as it is made and as others may leave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "worker/node.h"

static const char *const names[] = { "lock",  "node.json", "node.key",
				     "boots", "sessions",  "scripts" };
static char dir[64];

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int setup(void **state)
{
	strcpy(dir, "/tmp/test_node.XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)remove(path_of(names[i]));
	return rmdir(dir);
}

static void put(const char *name, const char *text)
{
	assert_int_equal(files_write(path_of(name), text, strlen(text), NULL),
			 ERR_OK);
}

static void open_it(struct node *n)
{
	struct err_info ei = { 0 };

	if (node_open(n, dir, &ei))
		fail_msg("%s", ei.msg);
}

static void starts_are_counted(void **state)
{
	struct node n;
	int64_t first;

	open_it(&n);
	first = n.boots;
	assert_true(first > 0);
	node_close(&n);
	open_it(&n);
	assert_true(n.boots > first);
	node_close(&n);
	/* ahead of the clock: it goes on from there */
	put("boots", "99999999999");
	open_it(&n);
	assert_true(n.boots == INT64_C(100000000000));
	node_close(&n);
	/* what cannot grow, or is no number, begins with the time of day */
	put("boots", "9223372036854775807");
	open_it(&n);
	assert_in_range(n.boots, first, INT64_C(99999999999));
	node_close(&n);
	put("boots", "many");
	open_it(&n);
	assert_in_range(n.boots, first, INT64_C(99999999999));
	node_close(&n);
}

static void impossible_intervals_are_refused(void **state)
{
	struct err_info ei = { 0 };
	struct node n;
	char text[256];

	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			 "{\"server\":\"http://a\",\"node_id\":\"n\","
			 "\"token\":\"t\",\"heartbeat_us\":%s,"
			 "\"lease_ttl_us\":90000000}",
			 i ? "9223372036854775807" : "30000000");
		put("node.json", text);
		if (!i) {
			open_it(&n);
			assert_int_equal(n.beat_us, 30000000);
			assert_string_equal(n.id, "n");
		} else {
			assert_int_equal(node_open(&n, dir, &ei), ERR_INVALID);
			assert_non_null(strstr(ei.msg, "heartbeat_us"));
		}
		node_close(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(starts_are_counted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			impossible_intervals_are_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
