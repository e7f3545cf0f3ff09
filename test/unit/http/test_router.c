/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "http/router.h"

static enum err nothing(struct http_req *req, void *ctx, struct err_info *ei)
{
	return ERR_OK;
}

static const struct router_row rows[] = {
	{ "GET", "/workers/{node}", 0, 0, 0, nothing, "" },
	{ "DELETE", "/workers/{node}", 0, 0, 0, nothing, "" },
	{ "POST", "/workers/enroll", 0, 0, 0, nothing, "" },
	{ "GET", "/workers/{node}/commands/{id}", 0, 0, 0, nothing, "" },
	{ "GET", "/workers/check/duplicates", 0, 0, 0, nothing, "" },
	{ "GET", "/", 0, 0, 0, nothing, "" },
	{ "GET", "/workers", 0, 0, 0, nothing, "" },
};

static struct router r;

static enum err find(const char *method, const char *path,
		     struct router_match *m, char *allow)
{
	return router_find(&r, method, path, strlen(path), m, allow);
}

static int setup(void **state)
{
	router_init(&r);
	return router_add(&r, rows, ARRAY_LEN(rows), NULL);
}

static int teardown(void **state)
{
	router_deinit(&r);
	return 0;
}

static void test_find(void **state)
{
	char allow[ROUTER_ALLOW_MAX];
	struct router_match m;

	assert_int_equal(find("GET", "/workers/n1", &m, allow), ERR_OK);
	assert_ptr_equal(m.row, &rows[0]);
	assert_int_equal(m.nparams, 1);
	assert_memory_equal(m.params[0].name, "node", 4);
	assert_memory_equal(m.params[0].value, "n1", 2);
	assert_int_equal(m.params[0].value_len, 2);
	assert_int_equal(find("GET", "/workers/n/commands/42", &m, allow),
			 ERR_OK);
	assert_int_equal(m.nparams, 2);
	assert_memory_equal(m.params[1].value, "42", 2);
	assert_int_equal(find("GET", "/workers", &m, allow), ERR_OK);
	assert_ptr_equal(m.row, &rows[6]);
	assert_int_equal(find("GET", "/", &m, allow), ERR_OK);
	assert_ptr_equal(m.row, &rows[5]);
	assert_int_equal(find("HEAD", "/workers", &m, allow), ERR_OK);
	assert_ptr_equal(m.row, &rows[6]);
}

static void test_literal_wins_and_others_still_match(void **state)
{
	char allow[ROUTER_ALLOW_MAX];
	struct router_match m;

	assert_int_equal(find("POST", "/workers/enroll", &m, allow), ERR_OK);
	assert_ptr_equal(m.row, &rows[2]);
	/* a node may be called "enroll" */
	assert_int_equal(find("GET", "/workers/enroll", &m, allow), ERR_OK);
	assert_ptr_equal(m.row, &rows[0]);
	assert_int_equal(find("GET", "/workers/check/duplicates", &m, allow),
			 ERR_OK);
	assert_ptr_equal(m.row, &rows[4]);
}

static void test_refusals(void **state)
{
	static const char *const none[] = {
		"",	     "workers",	   "/worker",	   "/workersx",
		"/workers/", "/workers//", "/workers/a/b", "//workers",
		"/WORKERS",
	};
	char allow[ROUTER_ALLOW_MAX];
	struct router_match m;

	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(find("GET", none[i], &m, allow), ERR_NOTFOUND);
	assert_int_equal(find("PUT", "/workers/n1", &m, allow), ERR_METHOD);
	assert_string_equal(allow, "DELETE, GET, HEAD");
}

static void test_bad_tables(void **state)
{
	static const struct router_row twice[] = {
		{ "GET", "/workers/{other}", 0, 0, 0, nothing, "" },
	};
	static const struct router_row bad[] = {
		{ "GET", "no/slash", 0, 0, 0, nothing, "" },
		{ "GET", "/half{brace", 0, 0, 0, nothing, "" },
		{ "GET", "/{a}/{b}/{c}/{d}/{e}", 0, 0, 0, nothing, "" },
		{ "GET", "/nobody", 0, 0, 0, NULL, "" },
	};
	struct err_info ei = { 0 };

	assert_int_equal(router_add(&r, twice, 1, &ei), ERR_DUPLICATE);
	assert_non_null(strstr(ei.msg, "/workers/{"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(router_add(&r, &bad[i], 1, &ei), ERR_INVALID);
}

static void test_iterate(void **state)
{
	size_t n = 0;

	while (router_row_at(&r, n))
		n++;
	assert_int_equal(n, ARRAY_LEN(rows));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_find),	  T(test_literal_wins_and_others_still_match),
		T(test_refusals), T(test_bad_tables),
		T(test_iterate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
