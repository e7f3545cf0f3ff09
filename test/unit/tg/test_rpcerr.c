/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tg/rpcerr.h"

struct row_case {
	int code;
	const char *name;
	enum err err;
	enum rpcerr_scope scope;
	enum err_retry retry;
	enum rpcerr_state state;
	int64_t arg;
};

#define A RPCERR_SCOPE_ACCOUNT
#define C RPCERR_SCOPE_CHAT
#define M RPCERR_SCOPE_METHOD
#define N RPCERR_SCOPE_NODE

static const struct row_case cases[] = {
	{ 420, "FLOOD_WAIT_30", ERR_FLOOD, A, ERR_RETRY_AFTER,
	  RPCERR_STATE_LIMITED, 30 },
	{ 420, "FLOOD_PREMIUM_WAIT_7", ERR_FLOOD, A, ERR_RETRY_AFTER,
	  RPCERR_STATE_KEEP, 7 },
	/* the code of a wait, but none */
	{ 420, "FROZEN_METHOD_INVALID", ERR_FROZEN, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_FROZEN, 0 },
	{ 303, "USER_MIGRATE_4", ERR_WRONG_DC, A, ERR_RETRY_ELSEWHERE,
	  RPCERR_STATE_KEEP, 4 },
	{ 401, "AUTH_KEY_UNREGISTERED", ERR_AUTH_GONE, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_REVOKED, 0 },
	{ 401, "SESSION_REVOKED", ERR_AUTH_GONE, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_REVOKED, 0 },
	{ 401, "USER_DEACTIVATED_BAN", ERR_BANNED, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_BANNED, 0 },
	{ 406, "AUTH_KEY_DUPLICATED", ERR_DUPLICATED, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_DUPLICATED, 0 },
	/* 401, and the session is fine */
	{ 401, "SESSION_PASSWORD_NEEDED", ERR_UNAUTHORIZED, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 0 },
	/* the same name under any code */
	{ 400, "CHAT_FORWARDS_RESTRICTED", ERR_FORBIDDEN, C, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 0 },
	{ 406, "CHAT_FORWARDS_RESTRICTED", ERR_FORBIDDEN, C, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 0 },
	{ 400, "API_ID_INVALID", ERR_INVALID, N, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 0 },
	/* by number */
	{ 500, "WHATEVER", ERR_UNAVAILABLE, M, ERR_RETRY_SOON,
	  RPCERR_STATE_KEEP, 0 },
	{ -503, "Timeout", ERR_TIMEOUT, M, ERR_RETRY_SOON, RPCERR_STATE_KEEP,
	  0 },
	{ 401, "SOMETHING_NEW", ERR_AUTH_GONE, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_REVOKED, 0 },
	{ 400, "SOMETHING_NEW", ERR_RPC, M, ERR_RETRY_NEVER, RPCERR_STATE_KEEP,
	  0 },
	/* near misses are not matches */
	{ 400, "FLOOD_WAIT_", ERR_RPC, M, ERR_RETRY_NEVER, RPCERR_STATE_KEEP,
	  0 },
	{ 400, "FLOOD_WAIT_3X", ERR_RPC, M, ERR_RETRY_NEVER, RPCERR_STATE_KEEP,
	  0 },
	{ 400, "XFLOOD_WAIT_3", ERR_RPC, M, ERR_RETRY_NEVER, RPCERR_STATE_KEEP,
	  0 },
	{ 400, "FLOOD_WAIT_-3", ERR_RPC, M, ERR_RETRY_NEVER, RPCERR_STATE_KEEP,
	  0 },
	{ 400, "USER_DEACTIVATE", ERR_RPC, M, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 0 },
	{ 400, "", ERR_RPC, M, ERR_RETRY_NEVER, RPCERR_STATE_KEEP, 0 },
	/* a number no int64 holds is a year, not a wrap-around */
	{ 420, "FLOOD_WAIT_99999999999999999999999", ERR_FLOOD, A,
	  ERR_RETRY_AFTER, RPCERR_STATE_LIMITED, 31536000 },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct row_case *c = &cases[i];
		struct rpcerr e;

		rpcerr_classify(&e, c->code, c->name, strlen(c->name));
		if (e.row->err != c->err || e.row->scope != c->scope ||
		    e.row->retry != c->retry || e.row->state != c->state ||
		    e.arg != c->arg)
			fail_msg("case %zu: %d %s gave %s", i, c->code, c->name,
				 e.row->pattern);
	}
}

static void test_final(void **state)
{
	struct rpcerr e;

	rpcerr_classify(&e, 401, "SESSION_EXPIRED", 15);
	assert_true(rpcerr_is_final(&e));
	rpcerr_classify(&e, 420, "FROZEN_METHOD_INVALID", 21);
	assert_true(rpcerr_is_final(&e));
	rpcerr_classify(&e, 420, "FLOOD_WAIT_1", 12);
	assert_false(rpcerr_is_final(&e));
}

static void test_hostile_name(void **state)
{
	struct rpcerr e;
	char long_name[500];
	static const char nul[] = "FLOOD_WAIT_5\0X";

	memset(long_name, 'A', sizeof(long_name));
	rpcerr_classify(&e, 400, long_name, sizeof(long_name));
	assert_int_equal(strlen(e.name), RPCERR_NAME_MAX - 1);

	rpcerr_classify(&e, 400, "a\nb\"\xff", 5);
	assert_string_equal(e.name, "a?b\"?");

	/* bytes behind a NUL are not ignored */
	rpcerr_classify(&e, 400, nul, sizeof(nul) - 1);
	assert_int_equal(e.row->err, ERR_RPC);
}

static void test_to_err(void **state)
{
	struct rpcerr e;
	struct err_info ei = { 0 };

	rpcerr_classify(&e, 420, "FLOOD_WAIT_42", 13);
	assert_int_equal(rpcerr_to_err(&e, &ei), ERR_FLOOD);
	assert_int_equal(ei.arg, 42);
	assert_non_null(strstr(ei.msg, "FLOOD_WAIT_42 (420): "));
}

/* Every row can be reached: none is hidden by one above it. */
static void test_rows_reachable(void **state)
{
	size_t n;
	const struct rpcerr_row *rows = rpcerr_rows(&n);

	for (size_t i = 0; i < n; i++) {
		struct rpcerr e;
		char name[RPCERR_NAME_MAX];
		const char *d = strstr(rows[i].pattern, "%d");
		size_t head = d ? (size_t)(d - rows[i].pattern)
				: strlen(rows[i].pattern);

		memcpy(name, rows[i].pattern, head);
		snprintf(name + head, sizeof(name) - head, "%s", d ? "1" : "");
		rpcerr_classify(&e, 400, name, strlen(name));
		assert_ptr_equal(e.row, &rows[i]);
		assert_non_null(rows[i].advice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_hostile_name),
		cmocka_unit_test(test_to_err),
		cmocka_unit_test(test_rows_reachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
