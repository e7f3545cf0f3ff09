/* SPDX-License-Identifier: MIT */
/* The session document and enrolment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "wire/wire_beat.h"
#include "wire/wire_enroll.h"
#include "wire/wire_session.h"

static struct arena arena;

static int setup(void **state)
{
	arena_init(&arena, 16U << 20);
	return 0;
}

static int teardown(void **state)
{
	arena_deinit(&arena);
	return 0;
}

/* A document whose key has `bytes` bytes, with `more` members. */
static void document(char *text, size_t size, size_t bytes, const char *more)
{
	uint8_t key[300];
	char b64[TEXT_B64_LEN(sizeof(key)) + 1];

	memset(key, 0xa5, sizeof(key));
	text_b64(b64, key, bytes, TEXT_B64_STD);
	snprintf(text, size, "{\"auth_key\":\"%s\"%s}", b64, more);
}

static void test_session(void **state)
{
	char text[2048];
	struct wire_session s;

	document(text, sizeof(text), 256,
		 ",\"account_id\":\"a\",\"version\":3,\"dc_id\":2,\"port\":80,"
		 "\"server_address\":null,\"user_id\":7000000000,"
		 "\"is_bot\":true,\"update_state\":{\"pts\":1,\"qts\":2,"
		 "\"date\":3,\"seq\":4},\"channels\":[{\"id\":6,\"pts\":7}],"
		 "\"peers\":[{\"id\":5,"
		 "\"access_hash\":-9223372036854775808,\"type\":\"user\","
		 "\"username\":\"u\"}]");
	assert_int_equal(
		wire_session_decode(text, strlen(text), &arena, &s, NULL),
		ERR_OK);
	assert_int_equal(s.auth_key.len, 256);
	assert_int_equal(s.auth_key.bytes[255], 0xa5);
	assert_int_equal(s.user_id, INT64_C(7000000000));
	assert_null(s.server_address);
	assert_true(s.is_bot && s.has_update_state && !s.test_mode);
	assert_int_equal(s.seq, 4);
	assert_int_equal(s.nchannels, 1);
	assert_int_equal(s.channels[0].id, 6);
	assert_int_equal(s.channels[0].pts, 7);
	assert_int_equal(s.npeers, 1);
	assert_true(s.peers[0].access_hash == INT64_MIN);
	wire_session_deinit(&s);
	assert_null(s.auth_key.bytes);
}

static void test_session_refusals(void **state)
{
	static const struct {
		size_t bytes;
		const char *more;
	} rows[] = {
		{ 255, ",\"dc_id\":2" },
		{ 257, ",\"dc_id\":2" },
		{ 256, "" },
		{ 256, ",\"dc_id\":0" },
		{ 256, ",\"dc_id\":2,\"port\":65536" },
		{ 256, ",\"dc_id\":2,\"update_state\":{\"pts\":1}" },
		{ 256, ",\"dc_id\":2,\"peers\":[{\"id\":1}]" },
	};
	char text[2048];
	struct wire_session s;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		document(text, sizeof(text), rows[i].bytes, rows[i].more);
		assert_int_not_equal(wire_session_decode(text, strlen(text),
							 &arena, &s, NULL),
				     ERR_OK);
	}
}

static void test_enroll_round_trip(void **state)
{
	struct wire_enroll in = { .join_token = "t", .node_name = "n" }, out;
	const struct wire_enrolled ain = { "n", "secret", 300, 1000 };
	struct wire_enrolled aout;
	struct buf b;

	memset(in.public_key, 7, sizeof(in.public_key));
	buf_init(&b, 4096);
	assert_int_equal(wire_enroll_encode(&in, &b), ERR_OK);
	assert_int_equal(wire_enroll_decode(buf_head(&b), buf_len(&b), &arena,
					    &out, NULL),
			 ERR_OK);
	assert_memory_equal(in.public_key, out.public_key, 32);
	assert_string_equal(out.join_token, "t");
	assert_null(out.version);
	buf_reset(&b);
	assert_int_equal(wire_enrolled_encode(&ain, &b), ERR_OK);
	assert_int_equal(wire_enrolled_decode(buf_head(&b), buf_len(&b), &arena,
					      &aout, NULL),
			 ERR_OK);
	assert_int_equal(aout.heartbeat_interval_ms, 300);
	assert_int_equal(aout.lease_ttl_ms, 1000);
	assert_string_equal(aout.node_token, "secret");
	buf_deinit(&b);
}

static void test_enroll_refuses_short_keys(void **state)
{
	static const char text[] = "{\"join_token\":\"t\",\"node_name\":\"n\","
				   "\"public_key\":\"AAAA\"}";
	struct err_info ei = { 0 };
	struct wire_enroll e;

	assert_int_equal(
		wire_enroll_decode(text, strlen(text), &arena, &e, &ei),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "public_key"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_session, setup, teardown),
		cmocka_unit_test_setup_teardown(test_session_refusals, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_enroll_round_trip, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_enroll_refuses_short_keys,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
