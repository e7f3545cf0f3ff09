/* SPDX-License-Identifier: MIT */
#include "../vectors.h"
#include "crypto/md5.h"
#include "crypto/sha.h"

static void expect(const void *data, size_t len, const char *hex)
{
	char text[2 * SHA_512_LEN + 1];

	text_hex(text, data, len);
	assert_string_equal(text, hex);
}

/* FIPS 180: "abc" */
static void abc_is_known(void **state)
{
	uint8_t h[SHA_512_LEN];

	sha_1("abc", 3, h);
	expect(h, SHA_1_LEN, "a9993e364706816aba3e25717850c26c9cd0d89d");
	sha_256("abc", 3, h);
	expect(h, SHA_256_LEN,
	       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
	       "f20015ad");
	sha_512("abc", 3, h);
	expect(h, SHA_512_LEN,
	       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee6"
	       "4b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
	       "2a9ac94fa54ca49f");
}

static void parts_hash_as_if_joined(void **state)
{
	const struct sha_part parts[] = { { "a", 1 },
					  { NULL, 0 },
					  { "bc", 2 } };
	uint8_t joined[SHA_512_LEN], apart[SHA_512_LEN];

	sha_1("abc", 3, joined);
	sha_1_parts(parts, 3, apart);
	assert_memory_equal(joined, apart, SHA_1_LEN);
	sha_256("abc", 3, joined);
	sha_256_parts(parts, 3, apart);
	assert_memory_equal(joined, apart, SHA_256_LEN);
	sha_512("abc", 3, joined);
	sha_512_parts(parts, 3, apart);
	assert_memory_equal(joined, apart, SHA_512_LEN);
}

static void pieces_hash_as_the_whole(void **state)
{
	uint8_t data[1000], whole[SHA_256_LEN], apart[SHA_256_LEN];
	struct sha_256_sum sha;
	struct md5_sum md5;

	memset(data, 'x', sizeof(data));
	sha_256_begin(&sha);
	md5_begin(&md5);
	for (size_t at = 0, n = 0; at < sizeof(data); at += n) {
		n = at % 131 + 1;
		if (n > sizeof(data) - at)
			n = sizeof(data) - at;
		sha_256_add(&sha, data + at, n);
		md5_add(&md5, data + at, n);
	}
	sha_256_end(&sha, apart);
	sha_256(data, sizeof(data), whole);
	assert_memory_equal(whole, apart, SHA_256_LEN);
	md5_end(&md5, apart);
	md5_parts(&(struct sha_part){ data, sizeof(data) }, 1, whole);
	assert_memory_equal(whole, apart, MD5_LEN);
}

/* RFC 1321, appendix A.5 */
static void md5_is_known(void **state)
{
	uint8_t h[MD5_LEN];

	md5_parts(NULL, 0, h);
	expect(h, MD5_LEN, "d41d8cd98f00b204e9800998ecf8427e");
	md5_parts(&(struct sha_part){ "abc", 3 }, 1, h);
	expect(h, MD5_LEN, "900150983cd24fb0d6963f7d28e17f72");
}

/* RFC 4231, test case 2 */
static void hmac_is_known(void **state)
{
	static const char data[] = "what do ya want for nothing?";
	uint8_t h[SHA_512_LEN];

	assert_int_equal(sha_256_hmac("Jefe", 4, data, strlen(data), h), 0);
	expect(h, SHA_256_LEN,
	       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b9"
	       "64ec3843");
	assert_int_equal(sha_512_hmac("Jefe", 4, data, strlen(data), h), 0);
	expect(h, SHA_512_LEN,
	       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7"
	       "ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b"
	       "636e070a38bce737");
	assert_int_equal(sha_256_hmac(NULL, 0, "", 0, h), 0);
	expect(h, SHA_256_LEN,
	       "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c71214"
	       "4292c5ad");
}

/* "password" / "salt", known from the RFC 6070 inputs run with SHA-512 */
static void pbkdf2_is_known(void **state)
{
	struct sha_pbkdf2 in = { "password", 8, "salt", 4, 1 };
	uint8_t out[SHA_512_LEN];

	assert_int_equal(sha_512_pbkdf2(&in, out, sizeof(out)), 0);
	expect(out, sizeof(out),
	       "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e"
	       "1c8cf252c02d470a285a0501bad999bfe943c08f050235d7d68b1da5"
	       "5e63f73b60a57fce");
	in.iterations = 4096;
	assert_int_equal(sha_512_pbkdf2(&in, out, sizeof(out)), 0);
	expect(out, sizeof(out),
	       "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e0"
	       "72f457b5143f30602641b3d55cd335988cb36b84376060ecd532e039"
	       "b742a239434af2d5");
	in.iterations = 0;
	assert_int_equal(sha_512_pbkdf2(&in, out, sizeof(out)), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abc_is_known),
		cmocka_unit_test(parts_hash_as_if_joined),
		cmocka_unit_test(pieces_hash_as_the_whole),
		cmocka_unit_test(md5_is_known),
		cmocka_unit_test(hmac_is_known),
		cmocka_unit_test(pbkdf2_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
