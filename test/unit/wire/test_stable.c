/* SPDX-License-Identifier: MIT */
/*
 * Every message as text: the whole of it comes out as it went in, and whatever
 * of its many damaged copies is still understood is said the same way twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire/wire_beat.h"
#include "wire/wire_enroll.h"

#define TEXT_MAX 4096
#define ROUNDS 4000

/* Decodes and encodes again. */
typedef enum err (*again_fn)(const void *text, size_t len, struct arena *a,
			     struct buf *out);

#define AGAIN(name)                                                            \
	static enum err name##_again(const void *text, size_t len,             \
				     struct arena *a, struct buf *out)         \
	{                                                                      \
		struct wire_##name msg;                                        \
		enum err rc = wire_##name##_decode(text, len, a, &msg, NULL);  \
                                                                               \
		if (rc)                                                        \
			return rc;                                             \
		assert_int_equal(wire_##name##_encode(&msg, out), ERR_OK);     \
		return ERR_OK;                                                 \
	}
AGAIN(beat)
AGAIN(answer)
AGAIN(enroll)
AGAIN(enrolled)

static const struct message {
	again_fn again;
	const char *text;
} messages[] = {
	{ beat_again,
	  "{\"node_id\":\"n1\",\"status\":\"draining\",\"account_count\":2,"
	  "\"accounts\":[{\"account_id\":\"a-1\",\"status\":\"limited\","
	  "\"script_id\":\"s\",\"message_count\":9223372036854775807,"
	  "\"reply_count\":0,\"last_activity\":\"2026-11-22T09:15:22.500Z\","
	  "\"session_file\":\"a.session\",\"group_ids\":[-100,5],"
	  "\"epoch\":7,\"state_since\":\"2026-11-22T09:15:22.501Z\","
	  "\"last_error\":{\"code\":\"flood\",\"message\":\"m\\u000a\","
	  "\"advice\":\"wait\"},\"user_id\":7000000000,\"username\":\"u\","
	  "\"phone\":\"99966\","
	  "\"limited_until\":\"2026-11-22T09:15:22.501Z\",\"limits\":["
	  "{\"method\":\"messages.sendMessage\","
	  "\"until\":\"2026-11-22T09:15:22.501Z\","
	  "\"error\":\"FLOOD_WAIT_5\"},{\"method\":\"sending\","
	  "\"peer\":-1000000000007,\"until\":null,"
	  "\"error\":\"SLOWMODE_WAIT_9\"}],\"position\":{\"epoch\":6,"
	  "\"pts\":100,\"qts\":1,\"date\":2,\"seq\":3,\"channels\":["
	  "{\"id\":77,\"access_hash\":-5,\"pts\":9},"
	  "{\"id\":78,\"pts\":1}]}},{\"account_id\":\"b\",\"status\":"
	  "\"offline\","
	  "\"message_count\":1,\"reply_count\":2,\"group_ids\":[]}],"
	  "\"metadata\":{\"a\":[1,null]},\"command_responses\":{"
	  "\"c1\":{\"success\":true,\"data\":{\"x\":1.5},\"error\":null},"
	  "\"c2\":{\"success\":false,\"error\":\"no\"}},"
	  "\"version\":\"1.0\",\"boot_id\":\"b1\",\"seq\":3,\"full\":false,"
	  "\"held\":[{\"account_id\":\"a-1\",\"epoch\":7},"
	  "{\"account_id\":\"b\",\"epoch\":0}],"
	  "\"released\":[{\"account_id\":\"c\",\"epoch\":1}]}" },
	{ answer_again,
	  "{\"success\":true,\"node_id\":\"n1\",\"pending_commands\":["
	  "{\"command_id\":\"c\",\"action\":\"reload\",\"params\":{\"p\":[]},"
	  "\"created_at\":\"2026-11-22T09:15:22.500Z\"},"
	  "{\"command_id\":\"d\",\"action\":\"stop_account\",\"params\":{},"
	  "\"created_at\":null}],\"message\":\"ok\","
	  "\"heartbeat_interval\":0.3,\"full_wanted\":true,\"leases\":["
	  "{\"account_id\":\"a\",\"epoch\":1,\"ttl_ms\":900,\"session\":null},"
	  "{\"account_id\":\"b\",\"epoch\":2,\"ttl_ms\":900,\"session\":"
	  "{\"version\":0,\"fingerprint\":\"ff\",\"url\":null},"
	  "\"position\":{\"epoch\":1,\"pts\":2147483647,\"qts\":0,"
	  "\"date\":0,\"seq\":0},\"limits\":[{\"method\":\"*\","
	  "\"until\":\"2026-11-22T09:15:22.501Z\","
	  "\"error\":\"FLOOD_WAIT_5\"}]}],"
	  "\"stop\":[{\"account_id\":\"c\",\"epoch\":0,"
	  "\"reason\":\"moved\"}]}" },
	{ enroll_again, "{\"join_token\":\"t\",\"node_name\":\"n\","
			"\"public_key\":\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"
			"BwcHBwc=\",\"version\":null,\"hostname\":\"h\"}" },
	{ enrolled_again, "{\"node_id\":\"n\",\"node_token\":\"secret\","
			  "\"heartbeat_interval\":30,\"lease_ttl\":1.5}" },
};

/* What a careless or hostile peer may put where something else was. */
static const char *const bits[] = {
	"null",	 "true", "{}",	    "[]",    "\"\"",
	"-1",	 "0",	 "1.5",	    "1e300", "99999999999999999999",
	"\"x\"", "[{}]", "\\u0000", ",",     "",
};

static unsigned int seed;

static size_t below(size_t n)
{
	seed = seed * 1103515245U + 12345U;
	return (seed >> 8) % n;
}

/* One value of the text, or a few of its bytes, become something else. */
static size_t damage(const char *text, char *out)
{
	size_t len = strlen(text), at = below(len), cut = below(6);
	const char *bit = bits[below(ARRAY_LEN(bits))];
	const char *colon = strchr(text + at, ':');

	if (colon && below(4)) {
		at = (size_t)(colon + 1 - text);
		cut = strcspn(text + at, ",}]");
	}
	if (cut > len - at)
		cut = len - at;
	return (size_t)snprintf(out, TEXT_MAX, "%.*s%s%s", (int)at, text, bit,
				text + at + cut);
}

static void check(const struct message *m, const char *text, size_t len)
{
	struct buf one, two;
	struct arena a;

	arena_init(&a, 1U << 20);
	buf_init(&one, WIRE_BODY_MAX);
	buf_init(&two, WIRE_BODY_MAX);
	if (!m->again(text, len, &a, &one)) {
		assert_int_equal(
			m->again(buf_head(&one), buf_len(&one), &a, &two),
			ERR_OK);
		assert_int_equal(buf_len(&one), buf_len(&two));
		assert_memory_equal(buf_head(&one), buf_head(&two),
				    buf_len(&one));
	}
	buf_deinit(&one);
	buf_deinit(&two);
	arena_deinit(&a);
}

static void test_whole(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		const struct message *m = &messages[i];
		struct arena a;
		struct buf out;

		arena_init(&a, 1U << 20);
		buf_init(&out, WIRE_BODY_MAX);
		assert_int_equal(m->again(m->text, strlen(m->text), &a, &out),
				 ERR_OK);
		assert_int_equal(buf_append(&out, "", 1), ERR_OK);
		assert_string_equal(buf_head(&out), m->text);
		buf_deinit(&out);
		arena_deinit(&a);
	}
}

static void test_damaged(void **state)
{
	char text[TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		for (unsigned int n = 0; n < ROUNDS; n++) {
			seed = n;
			check(&messages[i], text,
			      damage(messages[i].text, text));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
