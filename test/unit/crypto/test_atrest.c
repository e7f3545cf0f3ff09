/* SPDX-License-Identifier: MIT */
/* What protects data at rest and on the way to a node. */
#include "../vectors.h"
#include "crypto/aead.h"
#include "crypto/pwhash.h"
#include "crypto/sealbox.h"

static void aead_binds_key_and_data(void **state)
{
	uint8_t key[AEAD_KEY_LEN] = { 1 }, out[5], box[5 + AEAD_OVERHEAD];
	struct aead_ad ad = { "row 1", 5 }, other = { "row 2", 5 };
	size_t i;

	assert_int_equal(aead_seal(key, ad, rnd_system(), "hello", 5, box), 0);
	assert_int_equal(aead_open(key, ad, box, sizeof(box), out), 0);
	assert_memory_equal(out, "hello", 5);
	assert_int_equal(aead_open(key, other, box, sizeof(box), out),
			 ERR_CORRUPT);
	for (i = 0; i < sizeof(box); i++) {
		box[i] ^= 4;
		assert_int_equal(aead_open(key, ad, box, sizeof(box), out),
				 ERR_CORRUPT);
		box[i] ^= 4;
	}
	assert_int_equal(aead_open(key, ad, box, AEAD_OVERHEAD - 1, out),
			 ERR_CORRUPT);
	key[0] = 2;
	assert_int_equal(aead_open(key, ad, box, sizeof(box), out),
			 ERR_CORRUPT);
}

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
static void aead_is_known(void **state)
{
	static const char plain[] =
		"Ladies and Gentlemen of the class of '99: If I could offer "
		"you "
		"only one tip for the future, sunscreen would be it.";
	static const char box_hex[] =
		"404142434445464748494a4b4c4d4e4f5051525354555657"
		"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c2139"
		"6cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e"
		"1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2"
		"383565d3fff921f9664c97637da9768812f615c68b13b52e"
		"c0875924c1c7987947deafd8780acf49";
	uint8_t key[32], nonce[24], ad[12], box[256], want[256];
	size_t len = strlen(plain), box_len = len + AEAD_OVERHEAD;
	struct rnd_fixed rnd;

	assert_int_equal(text_unhex(key, 32,
				    "808182838485868788898a8b8c8d8e8f9091929394"
				    "95969798999a9b9c9d9e9f",
				    64),
			 0);
	assert_int_equal(text_unhex(ad, 12, "50515253c0c1c2c3c4c5c6c7", 24), 0);
	assert_int_equal(strlen(box_hex), 2 * box_len);
	assert_int_equal(text_unhex(want, box_len, box_hex, 2 * box_len), 0);
	memcpy(nonce, want, sizeof(nonce));
	rnd_fixed_init(&rnd, nonce, sizeof(nonce));
	assert_int_equal(aead_seal(key, (struct aead_ad){ ad, 12 }, &rnd.rnd,
				   plain, len, box),
			 0);
	assert_memory_equal(box, want, box_len);
}

static void box_opens_for_its_owner_only(void **state)
{
	struct secret mine = { 0 }, yours = { 0 };
	uint8_t pub[32], again[32], other[32];
	uint8_t box[5 + SEALBOX_OVERHEAD], out[5];

	assert_int_equal(sealbox_keypair(pub, &mine), 0);
	assert_int_equal(sealbox_keypair(other, &yours), 0);
	assert_int_equal(sealbox_public(&mine, again), 0);
	assert_memory_equal(pub, again, 32);
	assert_int_equal(sealbox_seal(pub, "hello", 5, box), 0);
	assert_int_equal(sealbox_open(&mine, box, sizeof(box), out), 0);
	assert_memory_equal(out, "hello", 5);
	assert_int_equal(sealbox_open(&yours, box, sizeof(box), out),
			 ERR_CORRUPT);
	box[40] ^= 1;
	assert_int_equal(sealbox_open(&mine, box, sizeof(box), out),
			 ERR_CORRUPT);
	assert_int_equal(sealbox_open(&mine, box, 10, out), ERR_CORRUPT);
	memset(pub, 0, sizeof(pub));
	assert_int_equal(sealbox_seal(pub, "hello", 5, box), ERR_INVALID);
	secret_deinit(&mine);
	secret_deinit(&yours);
	assert_int_equal(sealbox_open(&mine, box, sizeof(box), out),
			 ERR_INVALID);
}

static void password_is_verified(void **state)
{
	char text[PWHASH_TEXT_MAX], again[PWHASH_TEXT_MAX];

	assert_int_equal(pwhash_make("secret", &pwhash_cost_min, text), 0);
	assert_int_equal(pwhash_make("secret", &pwhash_cost_min, again), 0);
	assert_string_not_equal(text, again);
	assert_memory_equal(text, "$argon2id$", 10);
	assert_int_equal(pwhash_verify(text, "secret"), 0);
	assert_int_equal(pwhash_verify(text, "Secret"), ERR_UNAUTHORIZED);
	assert_int_equal(pwhash_verify(text, ""), ERR_UNAUTHORIZED);
	assert_int_equal(pwhash_verify("", "secret"), ERR_CORRUPT);
	assert_int_equal(pwhash_verify("$argon2id$v=19", "x"), ERR_CORRUPT);
	assert_false(pwhash_outdated(text, &pwhash_cost_min));
	assert_true(pwhash_outdated(text, &pwhash_cost_default));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aead_binds_key_and_data),
		cmocka_unit_test(aead_is_known),
		cmocka_unit_test(box_opens_for_its_owner_only),
		cmocka_unit_test(password_is_verified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
