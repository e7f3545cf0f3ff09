/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "control/control_int.h"
#include "control/scope.h"

static enum err nothing(struct http_req *req, void *ctx, struct err_info *ei)
{
	return ERR_OK;
}

static const struct router_row rows[] = {
	{ "GET", API "/group-ai/accounts/{id}", AUTH_READ, 0, 0, nothing, "x" },
	{ "POST", API "/group-ai/accounts", AUTH_WRITE, 0, 0, nothing, "x" },
	{ "GET", API "/group-ai/chat-features/chat/x", AUTH_READ, 0, 0, nothing,
	  "x" },
	{ "GET", "/metrics", AUTH_READ, 0, 0, nothing, "x" },
	{ "GET", API "/openapi.yaml", AUTH_READ, 0, 0, nothing, "x" },
	{ "GET", API "/workers/take", AUTH_READ, CHANGE_GET, 0, nothing, "x" },
	{ "GET", API "/users", AUTH_ADMIN, 0, 0, nothing, "x" },
	{ "GET", API "/sessions/{id}", AUTH_ADMIN, AUTH_CONFIRMED, 0, nothing,
	  "x" },
	{ "GET", API "/node/x", AUTH_NODE, 0, 0, nothing, "x" },
};

static void test_every_row_has_its_scope(void **state)
{
	static const char *const want[] = {
		"accounts:read",
		"accounts:write",
		"chat:read",
		"metrics:read",
		"openapi:read",
		"workers:write",
		"",
		"",
		"",
	};
	char got[SCOPE_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scope_of(&rows[i], got);
		assert_string_equal(got, want[i]);
	}
}

static void test_what_scopes_allow(void **state)
{
	static const struct {
		const char *scopes;
		size_t row;
		bool yes;
	} table[] = {
		{ "accounts:read", 0, true },
		{ "accounts:write", 0, true },
		{ "accounts:read", 1, false },
		{ "accounts:write", 1, true },
		{ "jobs:read accounts:write", 1, true },
		{ "  accounts:write ", 1, true },
		{ "accounts:writer", 1, false },
		{ "account:write", 1, false },
		{ "accounts", 0, false },
		{ "", 0, false },
		{ "*", 1, true },
		{ "**", 1, false },
		{ "*", 6, false },
		{ "users:read", 6, false },
		{ "*", 7, false },
		{ "*", 8, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(
			scope_allows(table[i].scopes, &rows[table[i].row]),
			table[i].yes);
}

static void test_words_that_name_nothing_are_refused(void **state)
{
	static const char *const good[] = { "*", "accounts:read",
					    "accounts:write", "metrics:write" };
	static const char *const bad[] = {
		"",	      "accounts",
		"accounts:",  "x:y",
		"users:read", "node:read",
		" *",	      "accounts:read jobs:read"
	};
	struct err_info ei = { 0 };
	struct router r;

	router_init(&r);
	assert_int_equal(router_add(&r, rows, ARRAY_LEN(rows), &ei), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(scope_check(good[i], &r, &ei), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(scope_check(bad[i], &r, &ei), ERR_INVALID);
		assert_non_null(strstr(ei.msg, bad[i]));
	}
	router_deinit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_has_its_scope),
		cmocka_unit_test(test_what_scopes_allow),
		cmocka_unit_test(test_words_that_name_nothing_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
