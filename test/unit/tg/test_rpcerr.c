/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
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
	/* an unknown 420 is a wait if there is a number in it, else a stop */
	{ 420, "flood_wait_5", ERR_FLOOD, A, ERR_RETRY_AFTER,
	  RPCERR_STATE_LIMITED, 5 },
	{ 420, "3D_NEW_WAIT_77_SECONDS", ERR_FLOOD, A, ERR_RETRY_AFTER,
	  RPCERR_STATE_LIMITED, 77 },
	{ 420, "FLOOD_WAIT_", ERR_FLOOD, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_LIMITED, 0 },
	{ 420, "", ERR_FLOOD, A, ERR_RETRY_NEVER, RPCERR_STATE_LIMITED, 0 },
	{ 420, "FLOOD_WAIT_%d", ERR_FLOOD, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_LIMITED, 0 },
	{ 420, "FLOOD_WAIT_0", ERR_FLOOD, A, ERR_RETRY_AFTER,
	  RPCERR_STATE_LIMITED, 0 },
	{ 420, "FLOOD_WAIT_007", ERR_FLOOD, A, ERR_RETRY_AFTER,
	  RPCERR_STATE_LIMITED, 7 },
	{ 420, "SLOWMODE_WAIT_9", ERR_FLOOD, C, ERR_RETRY_AFTER,
	  RPCERR_STATE_KEEP, 9 },
	{ 400, "SLOWMODE_MULTI_MSGS_DISABLED", ERR_INVALID, C, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 0 },
	{ 400, "PASSWORD_TOO_FRESH_86400", ERR_FLOOD, M, ERR_RETRY_AFTER,
	  RPCERR_STATE_KEEP, 86400 },
	{ 400, "SESSION_TOO_FRESH_5", ERR_FLOOD, M, ERR_RETRY_AFTER,
	  RPCERR_STATE_KEEP, 5 },
	{ 420, "2FA_CONFIRM_WAIT_600", ERR_FLOOD, A, ERR_RETRY_AFTER,
	  RPCERR_STATE_KEEP, 600 },
	/* in minutes; and no number of minutes is more than a year */
	{ 406, "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_3MIN", ERR_FLOOD, M,
	  ERR_RETRY_AFTER, RPCERR_STATE_KEEP, 180 },
	{ 406, "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_9999999MIN", ERR_FLOOD, M,
	  ERR_RETRY_AFTER, RPCERR_STATE_KEEP, 31536000 },
	{ 400, "FILE_PART_12_MISSING", ERR_INVALID, M, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 12 },
	{ 500, "INTERDC_2_CALL_RICH_ERROR", ERR_UNAVAILABLE, M, ERR_RETRY_SOON,
	  RPCERR_STATE_KEEP, 2 },
	/* 401, and the session is fine */
	{ 401, "ACTIVE_USER_REQUIRED", ERR_FORBIDDEN, A, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 0 },
	{ 403, "SOMETHING_NEW", ERR_FORBIDDEN, M, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 0 },
	/* an error of ours is not tried again for its -500 */
	{ -500, "Invalid msgs_ack query", ERR_RPC, M, ERR_RETRY_NEVER,
	  RPCERR_STATE_KEEP, 0 },
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

/* The name with its number put in. */
static size_t with_number(char *dst, size_t size, const char *name,
			  const char *number)
{
	const char *d = strstr(name, "%d");

	if (!d)
		return (size_t)snprintf(dst, size, "%s", name);
	return (size_t)snprintf(dst, size, "%.*s%s%s", (int)(d - name), name,
				number, d + 2);
}

/* Every row can be reached: none is hidden by one above it. */
static void test_rows_reachable(void **state)
{
	size_t n;
	const struct rpcerr_row *rows = rpcerr_rows(&n);

	for (size_t i = 0; i < n; i++) {
		struct rpcerr e;
		char name[RPCERR_NAME_MAX];

		(void)with_number(name, sizeof(name), rows[i].pattern, "1");
		rpcerr_classify(&e, 400, name, strlen(name));
		assert_ptr_equal(e.row, &rows[i]);
		assert_non_null(rows[i].advice);
	}
}

static struct json_doc load_vector(void)
{
	struct json_doc doc;
	char path[512], *text = malloc(1U << 20);
	size_t n;
	FILE *f;

	assert_non_null(text);
	snprintf(path, sizeof(path), "%s/vectors/errors.json",
		 getenv("TEST_DATA"));
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(text, 1, 1U << 20, f);
	fclose(f);
	assert_int_equal(json_parse(&doc, text, n, 1U << 20, NULL), ERR_OK);
	free(text);
	return doc;
}

/* Without the links and arrows of the web pages the text was written for. */
static void plain(char *dst, size_t size, const char *s)
{
	size_t n = 0;

	while (*s && n + 1 < size) {
		if (!strncmp(s, "&raquo;", 7)) {
			s += 7;
			while (n && dst[n - 1] == ' ')
				n--;
		} else if (!strncmp(s, "](", 2)) {
			s = strchr(s, ')') + 1;
		} else if (*s == '[') {
			s++;
		} else {
			dst[n++] = *s++;
		}
	}
	dst[n] = 0;
}

static void check_listed(struct json v)
{
	const char *name = json_str(json_get(v, "name"), NULL);
	int32_t code = (int32_t)json_int(json_get(v, "code"), 0);
	const struct rpcerr_known *k = rpcerr_list_find(name);
	struct rpcerr e;
	char said[128], cut[128], text[512];
	size_t len = with_number(said, sizeof(said), name, "17");

	plain(text, sizeof(text), json_str(json_get(v, "description"), ""));
	assert_non_null(k);
	assert_string_equal(k->name, name);
	assert_int_equal(k->code, code);
	assert_string_equal(k->description, text);
	assert_int_equal(k->methods, json_int(json_get(v, "methods"), -1));
	rpcerr_classify(&e, code, said, len);
	assert_ptr_equal(e.known, k);
	assert_string_equal(e.name, said);
	assert_true(rpcerr_advice(&e)[0]);
	/* nothing is learnt from half a name, or from more than one */
	if (said[len - 1] != '7') {
		rpcerr_classify(&e, code, said, len - 1);
		assert_ptr_not_equal(e.known, k);
	}
	len = (size_t)snprintf(cut, sizeof(cut), "%s_", said);
	rpcerr_classify(&e, code, cut, len);
	assert_ptr_not_equal(e.known, k);
}

/* Every error of Telegram's list. */
static void test_vector(void **state)
{
	struct json_doc doc = load_vector();
	struct json all = json_get(json_root(&doc), "errors");
	size_t n;

	(void)rpcerr_list(&n);
	assert_int_equal(n, 552);
	assert_int_equal(json_len(all), n);
	for (struct json_iter it = json_iter(all); json_next(&it);)
		check_listed(it.val);
	json_free(&doc);
}

/* What has a number has a row of its own, which reads it. */
static void check_parameterised(const char *name)
{
	static const char *const not_numbers[] = { "",	      "-1",  " 1",
						   "+1",      "1 ",  "0x10",
						   "1e3",     "1.5", "%d",
						   "\xd9\xa1" };
	const struct rpcerr_known *k = rpcerr_list_find(name);
	int64_t unit = strstr(name, "%dMIN") ? 60 : 1;
	struct rpcerr e;
	char said[128];
	size_t len;

	len = with_number(said, sizeof(said), name, "42");
	rpcerr_classify(&e, 0, said, len);
	assert_string_equal(e.row->pattern, name);
	assert_int_equal(e.arg, 42 * unit);
	len = with_number(said, sizeof(said), name, "0");
	rpcerr_classify(&e, 0, said, len);
	/* FILE_PART_0_MISSING is in the list by itself, too */
	if (!rpcerr_list_find(said))
		assert_ptr_equal(e.known, k);
	assert_string_equal(e.row->pattern, name);
	assert_int_equal(e.arg, 0);
	len = with_number(said, sizeof(said), name,
			  "18446744073709551617000000000000000001");
	rpcerr_classify(&e, 0, said, len);
	assert_ptr_equal(e.known, k);
	assert_int_equal(e.arg, 31536000);
	for (size_t i = 0; i < ARRAY_LEN(not_numbers); i++) {
		len = with_number(said, sizeof(said), name, not_numbers[i]);
		rpcerr_classify(&e, 400, said, len);
		assert_null(e.known);
		assert_string_equal(e.row->pattern, "*");
	}
}

static void test_parameterised(void **state)
{
	struct json_doc doc = load_vector();
	struct json all = json_get(json_root(&doc), "parameterised");

	assert_int_equal(json_len(all), 17);
	for (struct json_iter it = json_iter(all); json_next(&it);)
		check_parameterised(json_str(it.val, NULL));
	json_free(&doc);
}

/* Names without a rule of ours say what Telegram says of them. */
static void test_advice(void **state)
{
	struct rpcerr e;

	rpcerr_classify(&e, 400, "ABOUT_TOO_LONG", 14);
	assert_int_equal(e.row->err, ERR_RPC);
	assert_string_equal(rpcerr_advice(&e), "About string too long.");
	/* ours is better */
	rpcerr_classify(&e, 420, "FLOOD_WAIT_3", 12);
	assert_ptr_equal(rpcerr_advice(&e), e.row->advice);
	/* in the list, but without a description */
	rpcerr_classify(&e, 406, "PREMIUM_CURRENTLY_UNAVAILABLE", 29);
	assert_non_null(e.known);
	assert_ptr_equal(rpcerr_advice(&e), e.row->advice);
	rpcerr_classify(&e, 400, "NO_SUCH_NAME", 12);
	assert_null(e.known);
	assert_ptr_equal(rpcerr_advice(&e), e.row->advice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_hostile_name),
		cmocka_unit_test(test_to_err),
		cmocka_unit_test(test_rows_reachable),
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_parameterised),
		cmocka_unit_test(test_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
