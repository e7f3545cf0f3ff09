/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire/wire_beat.h"

static struct arena arena;

static int setup(void **state)
{
	arena_init(&arena, 64U << 20);
	return 0;
}

static int teardown(void **state)
{
	arena_deinit(&arena);
	return 0;
}

static enum err decode(const char *text, struct wire_beat *b,
		       struct err_info *ei)
{
	return wire_beat_decode(text, strlen(text), &arena, b, ei);
}

static void test_plain_client(void **state)
{
	static const char text[] =
		"{\"node_id\":\"n1\",\"status\":\"online\",\"account_count\":1,"
		"\"accounts\":[{\"account_id\":\"99966\",\"status\":\"online\","
		"\"script_id\":null,\"message_count\":7,\"reply_count\":3,"
		"\"last_activity\":\"2026-11-22T09:15:22.5\","
		"\"session_file\":\"a.session\",\"group_ids\":[-100,\"-5\"],"
		"\"something_else\":{\"x\":[1]}}],\"metadata\":{\"a\":1},"
		"\"command_responses\":{\"c1\":{\"success\":false,"
		"\"data\":null,\"error\":\"no\"}}}";
	struct wire_beat b;

	assert_int_equal(decode(text, &b, NULL), ERR_OK);
	assert_true(b.plain && b.full);
	assert_null(b.boot_id);
	assert_string_equal(b.metadata, "{\"a\":1}");
	assert_int_equal(b.naccounts, 1);
	assert_int_equal(b.accounts[0].status, WIRE_ONLINE);
	assert_null(b.accounts[0].script_id);
	assert_int_equal(b.accounts[0].message_count, 7);
	assert_int_equal(b.accounts[0].last_activity.us,
			 INT64_C(1795338922500000));
	assert_int_equal(b.accounts[0].ngroup_ids, 2);
	assert_int_equal(b.accounts[0].group_ids[1], -5);
	assert_int_equal(b.nresults, 1);
	assert_false(b.results[0].success);
	assert_null(b.results[0].data);
	assert_string_equal(b.results[0].error, "no");
}

static void test_round_trip(void **state)
{
	static const int64_t groups[] = { -100, 5 };
	const struct wire_account acc = {
		.account_id = "a\"1",
		.status = WIRE_REVOKED,
		.message_count = INT64_MAX,
		.epoch = 9,
		.state_since = { INT64_C(1795338922123000) },
		.last_error = { "session_revoked", "gone", NULL },
		.user_id = INT64_C(7000000000),
		.group_ids = groups,
		.ngroup_ids = 2,
	};
	const struct wire_held held = { "a\"1", 9 };
	const struct wire_beat in = {
		.node_id = "n",
		.accounts = &acc,
		.naccounts = 1,
		.boot_id = "b",
		.seq = 4,
		.held = &held,
		.nheld = 1,
	};
	struct wire_beat out;
	struct buf text;

	buf_init(&text, WIRE_BODY_MAX);
	assert_int_equal(wire_beat_encode(&in, &text), ERR_OK);
	assert_int_equal(wire_beat_decode(buf_head(&text), buf_len(&text),
					  &arena, &out, NULL),
			 ERR_OK);
	assert_false(out.plain || out.full);
	assert_int_equal(out.seq, 4);
	assert_int_equal(out.nheld, 1);
	assert_int_equal(out.held[0].epoch, 9);
	assert_string_equal(out.accounts[0].account_id, "a\"1");
	assert_int_equal(out.accounts[0].message_count, INT64_MAX);
	assert_int_equal(out.accounts[0].state_since.us, acc.state_since.us);
	assert_string_equal(out.accounts[0].last_error.code, "session_revoked");
	assert_null(out.accounts[0].last_error.advice);
	assert_int_equal(out.accounts[0].user_id, acc.user_id);
	buf_deinit(&text);
}

static void test_refusals_name_the_member(void **state)
{
	static const struct {
		const char *text;
		enum err rc;
		const char *says;
	} rows[] = {
		{ "", ERR_SYNTAX, "" },
		{ "[1]", ERR_INVALID, "object" },
		{ "{\"accounts\":{}}", ERR_INVALID, "accounts" },
		{ "{\"accounts\":[3]}", ERR_INVALID, "accounts[0]" },
		{ "{\"accounts\":[{\"account_id\":\"1\"}]}", ERR_INVALID,
		  "status" },
		{ "{\"accounts\":[{\"account_id\":\"\",\"status\":\"online\"}]"
		  "}",
		  ERR_INVALID, "account_id" },
		{ "{\"accounts\":[{\"account_id\":\"1\\u0000\","
		  "\"status\":\"online\"}]}",
		  ERR_INVALID, "NUL" },
		{ "{\"accounts\":[{\"account_id\":\"1\",\"status\":\"online\","
		  "\"epoch\":-1}]}",
		  ERR_INVALID, "epoch" },
		{ "{\"accounts\":[{\"account_id\":\"1\",\"status\":\"online\","
		  "\"message_count\":1.5}]}",
		  ERR_INVALID, "message_count" },
		{ "{\"accounts\":[{\"account_id\":\"1\",\"status\":\"online\","
		  "\"group_ids\":[true]}]}",
		  ERR_INVALID, "group_ids" },
		{ "{\"held\":[{\"account_id\":\"1\"}]}", ERR_INVALID,
		  "held[0]" },
		{ "{\"seq\":\"1\"}", ERR_INVALID, "seq" },
		{ "{\"accounts\":[{\"account_id\":\"1\",\"status\":\"online\"},"
		  "{\"account_id\":\"1\",\"status\":\"online\","
		  "\"last_error\":{\"code\":5}}]}",
		  ERR_INVALID, "accounts[1]: last_error: code" },
		{ "{\"command_responses\":{\"c7\":{\"error\":\"\\u0000\"}}}",
		  ERR_INVALID, "command_responses[c7]: error" },
		{ "{\"command_responses\":{\"\":{}}}", ERR_INVALID,
		  "command_responses" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_beat b = { .seq = 77 };
		struct err_info ei = { 0 };

		assert_int_equal(decode(rows[i].text, &b, &ei), rows[i].rc);
		assert_non_null(strstr(ei.msg, rows[i].says));
		assert_int_equal(b.seq, 77);
	}
}

/* One account more than may be told. */
static void test_too_many_accounts(void **state)
{
	struct wire_beat b;
	struct buf text;

	buf_init(&text, WIRE_BODY_MAX);
	assert_int_equal(buf_append_str(&text, "{\"accounts\":[0"), ERR_OK);
	for (int i = 0; i < WIRE_ACCOUNTS_MAX; i++)
		assert_int_equal(buf_append_str(&text, ",0"), ERR_OK);
	assert_int_equal(buf_append_str(&text, "]}"), ERR_OK);
	assert_int_equal(wire_beat_decode(buf_head(&text), buf_len(&text),
					  &arena, &b, NULL),
			 ERR_TOOBIG);
	buf_deinit(&text);
}

static void test_answer_round_trip(void **state)
{
	const struct wire_lease leases[] = {
		{ "a", 3, 900, true, { 2, "ff", 5, "/x" } },
		{ "b", 4, 900, true, { 1, "ee", 0, NULL } },
		{ "c", 5, 900, false, { 0 } },
	};
	const struct wire_stop stop = { "d", 6, "moved" };
	const struct wire_command cmd = { "c1", "reload", NULL, { 0 } };
	const struct wire_answer in = {
		.success = true,
		.node_id = "n",
		.heartbeat_interval_ms = 300,
		.full_wanted = true,
		.leases = leases,
		.nleases = 3,
		.stops = &stop,
		.nstops = 1,
		.commands = &cmd,
		.ncommands = 1,
	};
	struct wire_answer out;
	struct buf text;

	buf_init(&text, WIRE_BODY_MAX);
	assert_int_equal(wire_answer_encode(&in, &text), ERR_OK);
	assert_int_equal(wire_answer_decode(buf_head(&text), buf_len(&text),
					    &arena, &out, NULL),
			 ERR_OK);
	assert_int_equal(out.heartbeat_interval_ms, 300);
	assert_true(out.full_wanted);
	assert_int_equal(out.nleases, 3);
	assert_string_equal(out.leases[0].session.url, "/x");
	assert_null(out.leases[1].session.url);
	assert_true(out.leases[1].has_session);
	assert_false(out.leases[2].has_session);
	assert_string_equal(out.stops[0].reason, "moved");
	assert_string_equal(out.commands[0].params, "{}");
	buf_deinit(&text);
}

/* A lease without an epoch or a time is no lease. */
static void test_answer_refusals(void **state)
{
	static const char *const rows[] = {
		"{}",
		"{\"node_id\":\"n\"}",
		"{\"node_id\":\"n\",\"heartbeat_interval\":0}",
		"{\"node_id\":\"n\",\"heartbeat_interval\":0.0001}",
		"{\"node_id\":\"n\",\"heartbeat_interval\":1,"
		"\"leases\":[{\"account_id\":\"a\",\"epoch\":0,\"ttl_ms\":1}]}",
		"{\"node_id\":\"n\",\"heartbeat_interval\":1,"
		"\"leases\":[{\"account_id\":\"a\",\"epoch\":1,\"ttl_ms\":0}]}",
	};
	struct wire_answer ans;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(wire_answer_decode(rows[i], strlen(rows[i]),
						    &arena, &ans, NULL),
				 ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain_client, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_round_trip, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_refusals_name_the_member,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_accounts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_answer_round_trip, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_answer_refusals, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
