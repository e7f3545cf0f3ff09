/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/rnd.h"

static void hex_and_back(void **state)
{
	uint8_t all[256], back[256];
	char text[513];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	text_hex(text, all, sizeof(all));
	assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
	assert_int_equal(text_unhex(back, 256, text, 512), ERR_OK);
	assert_memory_equal(all, back, 256);
	assert_int_equal(text_unhex(back, 2, "AbCd", 4), ERR_OK);
	assert_int_equal(back[0], 0xab);
	assert_int_equal(text_unhex(back, 2, "abc", 3), ERR_SYNTAX);
	for (int c = 0; c < 256; c++) {
		char pair[2] = { '0', (char)c };
		bool digit = c && strchr("0123456789abcdefABCDEF", c);

		assert_int_equal(text_unhex(back, 1, pair, 2) == ERR_OK, digit);
	}
}

static void base64_known_answers(void **state)
{
	static const struct {
		const char *plain, *std, *url;
	} rows[] = {
		{ "", "", "" },
		{ "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" },
		{ "\xfb\xff\xbf", "+/+/", "-_-_" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].plain), n;
		char text[32];
		uint8_t back[32];

		text_b64(text, rows[i].plain, len, TEXT_B64_STD);
		assert_string_equal(text, rows[i].std);
		text_b64(text, rows[i].plain, len, TEXT_B64_URL);
		assert_string_equal(text, rows[i].url);
		assert_int_equal(text_unb64(back, 32, &n, rows[i].std,
					    strlen(rows[i].std), TEXT_B64_STD),
				 ERR_OK);
		assert_int_equal(n, len);
		assert_memory_equal(back, rows[i].plain, len);
	}
}

static void base64_round_trip(void **state)
{
	struct rnd_seeded r;

	(void)state;
	rnd_seeded_init(&r, 3);
	for (size_t len = 0; len < 100; len++) {
		for (int kind = 0; kind < 3; kind++) {
			uint8_t data[100], back[100];
			char text[TEXT_B64_LEN(100) + 1];
			size_t n, back_len;

			rnd_fill(&r.rnd, data, len);
			n = text_b64(text, data, len, (enum text_b64)kind);
			assert_int_equal(n, strlen(text));
			assert_int_equal(text_unb64(back, len, &back_len, text,
						    n, (enum text_b64)kind),
					 ERR_OK);
			assert_int_equal(back_len, len);
			assert_memory_equal(back, data, len);
			if (len > 0)
				assert_int_equal(
					text_unb64(back, len - 1, &back_len,
						   text, n,
						   (enum text_b64)kind),
					ERR_TOOBIG);
		}
	}
}

static void base64_refusals(void **state)
{
	static const char *const std[] = { "Zg",   "Zg=",  "Zh==", "Zg==\n",
					   "Z g=", "Zg-=", "====", "Z===" };
	uint8_t out[16];
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(std); i++)
		assert_int_equal(text_unb64(out, 16, &n, std[i], strlen(std[i]),
					    TEXT_B64_STD),
				 ERR_SYNTAX);
	assert_int_equal(text_unb64(out, 16, &n, "Zg==", 4, TEXT_B64_URL),
			 ERR_SYNTAX);
	assert_int_equal(text_unb64(out, 16, &n, "+/+/", 4, TEXT_B64_URL),
			 ERR_SYNTAX);
}

static void utf8(void **state)
{
	static const char *const good[] = { "",	    "a", "é",
					    "中文", "😀", "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80",
					   "\xc0\x80",
					   "\xc3",
					   "\xe0\x80\x80",
					   "\xed\xa0\x80",
					   "\xf5\x80\x80\x80",
					   "\xf4\x90\x80\x80",
					   "\xff",
					   "a\xe4\xb8" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(text_utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(text_utf8_valid(bad[i], strlen(bad[i])));
}

static void numbers(void **state)
{
	uint64_t u;
	int64_t i;

	(void)state;
	assert_int_equal(text_u64("18446744073709551615", &u), ERR_OK);
	assert_true(u == UINT64_MAX);
	assert_int_equal(text_u64("18446744073709551616", &u), ERR_SYNTAX);
	assert_int_equal(text_u64("-1", &u), ERR_SYNTAX);
	assert_int_equal(text_u64("", &u), ERR_SYNTAX);
	assert_int_equal(text_u64("1 ", &u), ERR_SYNTAX);
	assert_int_equal(text_i64("-9223372036854775808", &i), ERR_OK);
	assert_true(i == INT64_MIN);
	assert_int_equal(text_duration_us("1500ms", &i), ERR_OK);
	assert_int_equal(i, 1500000);
	assert_int_equal(text_duration_us("2m", &i), ERR_OK);
	assert_int_equal(i, 120000000);
	assert_int_equal(text_duration_us("9999999999999d", &i), ERR_TOOBIG);
	assert_int_equal(text_duration_us("5 s", &i), ERR_SYNTAX);
	assert_int_equal(text_size("64k", &u), ERR_OK);
	assert_int_equal(u, 65536);
	assert_int_equal(text_size("k", &u), ERR_SYNTAX);
}

static void account_ids(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "+99966 1-0001", "9996610001" },
		{ "(99966) [10002]", "9996610002" },
		{ "@name", "@name" },
		{ "@na me", NULL },
		{ "a/b", NULL },
		{ "..", NULL },
		{ "", NULL },
		{ "+ -", NULL },
		{ "x\ny", NULL },
		{ "\xff", NULL },
		{ "a_b.c7", "a_b.c7" },
		{ "@na-me", "@na-me" },
		{ "alice-1", "alice-1" },
		{ "99966-a", "99966-a" },
		{ "-alice", NULL },
		{ "alice 1", NULL },
		{ "alice(1)", NULL },
		{ "+alice", NULL },
		{ ".hidden", NULL },
		{ "@", NULL },
		{ "a@b", NULL },
		{ "%2e%2e", NULL },
		{ "$(id)", NULL },
		{ "a;b", NULL },
		{ "it's", NULL },
		{ "\xc3\xa4", NULL },
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err rc = text_account_id(rows[i].in, out, sizeof(out));

		assert_int_equal(rc, rows[i].out ? ERR_OK : ERR_INVALID);
		if (rows[i].out)
			assert_string_equal(out, rows[i].out);
	}
	assert_int_equal(text_account_id("123456", out, 6), ERR_TOOBIG);
	text_mask_phone("9996610001", out, sizeof(out));
	assert_string_equal(out, "99966*****");
}

static void copies(void **state)
{
	char out[4] = "xyz";

	(void)state;
	assert_true(text_copy(out, sizeof(out), "abc"));
	assert_string_equal(out, "abc");
	assert_false(text_copy(out, sizeof(out), "defg"));
	assert_string_equal(out, "def");
	assert_true(text_copy(out, sizeof(out), ""));
	assert_string_equal(out, "");
	assert_false(text_copy(out, 1, "a"));
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_and_back),
		cmocka_unit_test(base64_known_answers),
		cmocka_unit_test(base64_round_trip),
		cmocka_unit_test(base64_refusals),
		cmocka_unit_test(utf8),
		cmocka_unit_test(numbers),
		cmocka_unit_test(account_ids),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
