/* SPDX-License-Identifier: MIT */
#include "../vectors.h"
#include "crypto/aes_ctr.h"
#include "crypto/aes_ige.h"

#define LEN_MAX 8192

static uint8_t plain[LEN_MAX], work[LEN_MAX];

static void ige_vector(struct json v)
{
	uint8_t key[32], iv[32];
	size_t len = vectors_hex(v, "plain", plain, sizeof(plain));

	vectors_hex(v, "key", key, sizeof(key));
	vectors_hex(v, "iv", iv, sizeof(iv));
	assert_int_equal(aes_ige_encrypt(key, iv, plain, work, len), 0);
	vectors_check(v, "encrypted", work, len);
	assert_int_equal(aes_ige_decrypt(key, iv, work, work, len), 0);
	assert_memory_equal(work, plain, len);
	assert_int_equal(aes_ige_encrypt(key, iv, work, work, len), 0);
	vectors_check(v, "encrypted", work, len);
	assert_int_equal(aes_ige_decrypt(key, iv, plain, work, len), 0);
	vectors_check(v, "decrypt_of_plain", work, len);
}

static void ige_vectors(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "aes_ige.json");
	struct json_iter it = json_iter(json_get(root, "vectors"));
	int n = 0;

	for (; json_next(&it); n++)
		ige_vector(it.val);
	assert_true(n >= 17);
	json_free(&doc);
}

static void ige_refuses_broken_blocks(void **state)
{
	uint8_t key[32] = { 0 }, iv[32] = { 0 }, b[32] = { 0 };

	assert_int_equal(aes_ige_encrypt(key, iv, b, b, 17), ERR_INVALID);
	assert_int_equal(aes_ige_decrypt(key, iv, b, b, 15), ERR_INVALID);
	assert_int_equal(aes_ige_encrypt(key, iv, b, b, 0), 0);
}

static void ctr_vector(struct json v)
{
	struct json_iter it = json_iter(json_get(v, "chunks"));
	struct aes_ctr c = { 0 };
	uint8_t key[32], iv[16];
	size_t len = vectors_hex(v, "plain", plain, sizeof(plain));
	size_t at = 0, n;

	vectors_hex(v, "key", key, sizeof(key));
	vectors_hex(v, "iv", iv, sizeof(iv));
	assert_int_equal(aes_ctr_init(&c, key, iv), 0);
	while (json_next(&it)) {
		n = (size_t)json_int(it.val, -1);
		assert_int_equal(aes_ctr_xor(&c, plain + at, work + at, n), 0);
		at += n;
	}
	assert_int_equal(at, len);
	vectors_check(v, "encrypted", work, len);
	aes_ctr_deinit(&c);
	/* the same again byte by byte, in place */
	memcpy(work, plain, len);
	assert_int_equal(aes_ctr_init(&c, key, iv), 0);
	for (at = 0; at < len; at++)
		assert_int_equal(aes_ctr_xor(&c, work + at, work + at, 1), 0);
	vectors_check(v, "encrypted", work, len);
	aes_ctr_deinit(&c);
	aes_ctr_deinit(&c);
}

static void ctr_vectors(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "aes_ctr.json");
	struct json_iter it = json_iter(json_get(root, "stream"));
	int n = 0;

	for (; json_next(&it); n++)
		ctr_vector(it.val);
	assert_true(n >= 8);
	json_free(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ige_vectors),
		cmocka_unit_test(ige_refuses_broken_blocks),
		cmocka_unit_test(ctr_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
