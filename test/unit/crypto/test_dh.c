/* SPDX-License-Identifier: MIT */
#include "../vectors.h"
#include "crypto/dh.h"

static void vector(struct json v)
{
	struct json round = json_get(v, "rounds");
	struct json_iter it = json_iter(round);
	uint8_t p[256], a[256], b[256], g_a[256], g_b[256], key[256], got[256];
	int32_t g = (int32_t)json_int(json_get(v, "g"), 0);

	vectors_number(v, "dh_prime", p, 256);
	vectors_number(v, "a", a, 256);
	vectors_number(v, "g_a", g_a, 256);
	assert_int_equal(dh_check_group(p, g, NULL), 0);
	assert_int_equal(dh_power(g, a, p, got), 0);
	assert_memory_equal(got, g_a, 256);
	while (json_next(&it)) {
		vectors_number(it.val, "b", b, 256);
		vectors_number(it.val, "g_b", g_b, 256);
		vectors_number(it.val, "auth_key", key, 256);
		assert_int_equal(dh_power(g, b, p, got), 0);
		assert_memory_equal(got, g_b, 256);
		assert_int_equal(dh_modexp(g_a, b, p, got), 0);
		assert_memory_equal(got, key, 256);
		assert_int_equal(dh_modexp(g_b, a, p, g_b), 0);
		assert_memory_equal(g_b, key, 256);
	}
}

static void vectors_agree(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "handshake.json");
	struct json_iter it = json_iter(json_get(root, "handshakes"));

	while (json_next(&it))
		vector(it.val);
	json_free(&doc);
}

static void groups_are_checked(void **state)
{
	static const struct {
		int32_t g;
		bool good;
	} t[] = { { 0, false }, { 1, false }, { 2, false }, { 3, true },
		  { 4, true },	{ 5, false }, { 6, false }, { 7, true },
		  { 8, false }, { -3, false } };
	uint8_t p[256];
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(!dh_check_group(dh_known_prime, t[i].g, NULL),
				 t[i].good);
	/* near it, but composite; one bit less; even */
	memcpy(p, dh_known_prime, 256);
	p[255] ^= 0x10;
	assert_int_equal(dh_check_group(p, 4, NULL), ERR_PROTO);
	memcpy(p, dh_known_prime, 256);
	p[0] = 0x47;
	assert_int_equal(dh_check_group(p, 4, NULL), ERR_PROTO);
	memcpy(p, dh_known_prime, 256);
	p[255] ^= 1;
	assert_int_equal(dh_check_group(p, 4, NULL), ERR_PROTO);
	assert_int_equal(dh_modexp(p, p, p, p), ERR_INVALID);
}

/* 2^1984 and p - 2^1984 are the first and last numbers that pass. */
static void range_is_exact(void **state)
{
	struct err_info ei = { 0 };
	uint8_t x[256] = { 0 }, low[256];
	int i;

	x[7] = 1; /* 2^1984 */
	assert_int_equal(dh_check_public(dh_known_prime, x, "g_a", NULL), 0);
	memset(low, 0, sizeof(low));
	memset(low + 8, 0xff, 248);
	assert_int_equal(dh_check_public(dh_known_prime, low, "g_a", &ei),
			 ERR_PROTO);
	assert_string_equal(ei.msg, "g_a is below 2^1984");
	memcpy(x, dh_known_prime, 256);
	for (i = 7; x[i]-- == 0; i--)
		;
	assert_int_equal(dh_check_public(dh_known_prime, x, "g_b", NULL), 0);
	x[255]++;
	assert_int_equal(dh_check_public(dh_known_prime, x, "g_b", &ei),
			 ERR_PROTO);
	assert_string_equal(ei.msg, "g_b is above dh_prime - 2^1984");
}

static void numbers_are_padded(void **state)
{
	uint8_t in[300] = { 0 }, out[256];

	in[299] = 5;
	assert_int_equal(dh_pad(in, 300, out, NULL), 0);
	assert_int_equal(out[255], 5);
	assert_int_equal(out[0], 0);
	assert_int_equal(dh_pad(in + 299, 1, out, NULL), 0);
	assert_int_equal(out[255], 5);
	assert_int_equal(dh_pad(NULL, 0, out, NULL), 0);
	assert_int_equal(out[255], 0);
	in[43] = 1;
	assert_int_equal(dh_pad(in, 300, out, NULL), ERR_PROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_agree),
		cmocka_unit_test(groups_are_checked),
		cmocka_unit_test(range_is_exact),
		cmocka_unit_test(numbers_are_padded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
