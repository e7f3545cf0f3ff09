/* SPDX-License-Identifier: MIT */
#include "../vectors.h"
#include "crypto/rsa.h"
#include "crypto/sha.h"

static struct json_doc doc;
static struct json root;
static struct rsa_key *key;

static int load(void **state)
{
	const char *pem;

	root = vectors_open(&doc, "handshake.json");
	pem = json_str(json_get(json_get(root, "test_key"), "private_pem"), "");
	return rsa_private_parse(pem, strlen(pem), &key, NULL);
}

static int unload(void **state)
{
	rsa_free(key);
	json_free(&doc);
	return 0;
}

static void fingerprint_is_known(void **state)
{
	struct json v = json_get(root, "test_key");
	const char *pem = json_str(json_get(v, "public_pem_pkcs1"), "");
	struct rsa_key *pub;
	int64_t want;

	assert_int_equal(
		text_i64(json_str(json_get(v, "fingerprint_i64"), ""), &want),
		0);
	assert_int_equal(rsa_fingerprint(key), (uint64_t)want);
	assert_int_equal(rsa_public_parse(pem, strlen(pem), &pub, NULL), 0);
	assert_int_equal(rsa_fingerprint(pub), (uint64_t)want);
	assert_true(rsa_has_private(key));
	assert_false(rsa_has_private(pub));
	rsa_free(pub);
}

/* Telegram's own keys, of today and of old, as several clients ship them. */
static void shipped_keys_have_their_fingerprints(void **state)
{
	struct json_doc d;
	struct json all = json_get(vectors_open(&d, "endpoints.json"), "keys");
	int n = 0;

	for (struct json_iter it = json_iter(all); json_next(&it); n++) {
		const char *pem = json_str(json_get(it.val, "pem"), "");
		uint8_t wire[8];
		struct rsa_key *k;
		uint64_t got;
		int64_t want;

		assert_int_equal(rsa_public_parse(pem, strlen(pem), &k, NULL),
				 0);
		got = rsa_fingerprint(k);
		assert_int_equal(
			text_i64(json_str(json_get(it.val, "fingerprint_i64"),
					  ""),
				 &want),
			0);
		assert_true(got == (uint64_t)want);
		for (int i = 0; i < 8; i++)
			wire[i] = (uint8_t)(got >> 8 * i);
		vectors_check(it.val, "fingerprint_wire", wire, 8);
		rsa_free(k);
	}
	assert_int_equal(n, 11);
	json_free(&d);
}

static void written_pem_reads_back(void **state)
{
	struct json v = json_get(root, "test_key");
	struct buf out;
	struct rsa_key *k;

	buf_init(&out, 8192);
	assert_int_equal(rsa_public_pem(key, &out), 0);
	assert_string_equal(buf_cstr(&out),
			    json_str(json_get(v, "public_pem_pkcs1"), ""));
	buf_reset(&out);
	assert_int_equal(rsa_private_pem(key, &out), 0);
	assert_string_equal(buf_cstr(&out),
			    json_str(json_get(v, "private_pem"), ""));
	assert_int_equal(rsa_private_parse((const char *)buf_head(&out),
					   buf_len(&out), &k, NULL),
			 0);
	assert_int_equal(rsa_fingerprint(k), rsa_fingerprint(key));
	rsa_free(k);
	buf_wipe(&out);
}

static void spki_reads(void **state)
{
	/* the test key's public half wrapped the other way */
	static const char pem[] =
		"-----BEGIN PUBLIC KEY-----\n"
		"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsBU6IvVz7ih69w7oaG"
		"of\n"
		"UEBAotPSBes4/JYEi86Gra6VbSPoSZp5av92zPcqNeIQSyuKTia/"
		"AERSix0301Ro\n"
		"hd1PIRfMIpA9Z9dDj0O01r/"
		"pXHMW0C00i4OqYzRKijTwyaZIvcQG9nWmvRALjTm7\n"
		"7vprv7EogDxWLKsCrE4+j1sfY3a5WRLYMf63gGW4hGcCyihoyqC/"
		"QRWr68RMLjBB\n"
		"P/24wqSzB4lh8YzzOCeToHhmrLA4o2+7LWfVmUN1fjBkmM9IxRNrq/7b/"
		"fdF9g/I\n"
		"Mi2Usu0IQR0GxryWDvL11mh3IrHjkPQB0JCQrFXDEfHDffarpZ4SG4NYmxLeR4"
		"+0\n"
		"EQIDAQAB\n"
		"-----END PUBLIC KEY-----\n";
	struct rsa_key *k;

	assert_int_equal(rsa_public_parse(pem, strlen(pem), &k, NULL), 0);
	assert_int_equal(rsa_fingerprint(k), rsa_fingerprint(key));
	rsa_free(k);
}

static void bad_pem_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"nonsense",
		"-----BEGIN RSA PUBLIC KEY-----\nAAAA\n"
		"-----END RSA PUBLIC KEY-----\n",
		/* 512 bits */
		"-----BEGIN PUBLIC KEY-----\n"
		"MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALJV3VTVRFL0YDYgMxgdGv9bv/"
		"zEonHt\n"
		"VYYrcxWqPomTkzNYJsepIWN5cNStVOHPd2WFkg1htwlqWftSERmerasCAwEAAQ"
		"==\n"
		"-----END PUBLIC KEY-----\n",
		/* an elliptic curve */
		"-----BEGIN PUBLIC KEY-----\n"
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1/F/x/"
		"KkARUOsXNVnTd4BrsWPQQ3\n"
		"4AarRf7g9MtoF9l4KC+YiQzF+C8FpyD4bmXArkf7MMFUK7j6/cmWYht6EQ==\n"
		"-----END PUBLIC KEY-----\n",
	};
	struct rsa_key *k;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		struct err_info ei = { 0 };

		assert_int_not_equal(
			rsa_public_parse(bad[i], strlen(bad[i]), &k, &ei), 0);
		assert_true(ei.msg[0] != '\0');
	}
	assert_int_not_equal(
		rsa_private_parse(bad[3], strlen(bad[3]), &k, NULL), 0);
}

/* Padding, the temp_keys that gave too large a number, the one that fitted. */
static void replay_pad(struct json h, struct json rsa)
{
	struct json_iter it = json_iter(json_get(rsa, "rejected_temp_keys"));
	uint8_t data[256], random[1024], out[256];
	struct rnd_fixed rnd;
	size_t len, n;

	len = vectors_hex(h, "p_q_inner_data", data, sizeof(data));
	n = vectors_hex(rsa, "padding", random, 256);
	for (; json_next(&it); n += 32)
		assert_int_equal(
			text_unhex(random + n, 32, json_str(it.val, ""), 64),
			0);
	n += vectors_hex(rsa, "temp_key", random + n, 32);
	rnd_fixed_init(&rnd, random, n);
	assert_int_equal(rsa_pad_encrypt(key, data, len, &rnd.rnd, out, NULL),
			 0);
	assert_int_equal(rnd.pos, n);
	vectors_check(h, "encrypted_data", out, sizeof(out));
	assert_int_equal(rsa_pad_decrypt(key, out, random, NULL), 0);
	vectors_check(rsa, "data_with_padding", random, RSA_PAD_OPEN_LEN);
}

static void replay_sha1(struct json h, struct json rsa)
{
	uint8_t data[256], random[256], out[256];
	struct rsa_sha1_open open;
	struct rnd_fixed rnd;
	size_t len, n;

	len = vectors_hex(h, "p_q_inner_data", data, sizeof(data));
	n = vectors_hex(rsa, "padding", random, sizeof(random));
	rnd_fixed_init(&rnd, random, n);
	assert_int_equal(rsa_sha1_encrypt(key, data, len, &rnd.rnd, out, NULL),
			 0);
	vectors_check(h, "encrypted_data", out, sizeof(out));
	assert_int_equal(rsa_sha1_decrypt(key, out, &open, NULL), 0);
	vectors_check(rsa, "sha1", open.sha1, sizeof(open.sha1));
	assert_memory_equal(open.data, data, len);
	assert_int_equal(rsa_pad_decrypt(key, out, random, NULL), ERR_PROTO);
}

static void vectors_replay(void **state)
{
	struct json_iter it = json_iter(json_get(root, "handshakes"));
	int pad = 0, sha1 = 0;

	while (json_next(&it)) {
		struct json rsa = json_get(it.val, "rsa");

		if (strcmp(json_str(json_get(rsa, "method"), ""), "rsa_pad")) {
			replay_sha1(it.val, rsa);
			sha1++;
		} else {
			replay_pad(it.val, rsa);
			pad++;
		}
	}
	assert_true(pad >= 9);
	assert_true(sha1 >= 2);
}

static void damage_is_refused(void **state)
{
	uint8_t out[256], data[RSA_PAD_OPEN_LEN], big[256];
	struct err_info ei = { 0 };
	struct rnd_seeded rnd;

	rnd_seeded_init(&rnd, 7);
	memset(data, 1, sizeof(data));
	assert_int_equal(rsa_pad_encrypt(key, data, RSA_PAD_DATA_MAX + 1,
					 &rnd.rnd, out, &ei),
			 ERR_TOOBIG);
	assert_int_equal(rsa_pad_encrypt(key, data, RSA_PAD_DATA_MAX, &rnd.rnd,
					 out, &ei),
			 0);
	out[200] ^= 1;
	assert_int_equal(rsa_pad_decrypt(key, out, data, &ei), ERR_PROTO);
	memset(big, 0xff, sizeof(big));
	assert_int_equal(rsa_pad_decrypt(key, big, data, &ei), ERR_PROTO);
	assert_non_null(strstr(ei.msg, "modulus"));
}

static void generated_key_works(void **state)
{
	struct rsa_key *k;
	struct rnd_seeded rnd;
	uint8_t out[256], data[RSA_PAD_OPEN_LEN];

	rnd_seeded_init(&rnd, 9);
	assert_int_equal(rsa_generate(&k, NULL), 0);
	assert_true(rsa_fingerprint(k) >> 60);
	assert_int_equal(rsa_pad_encrypt(k, "hello", 5, &rnd.rnd, out, NULL),
			 0);
	assert_int_equal(rsa_pad_decrypt(k, out, data, NULL), 0);
	assert_memory_equal(data, "hello", 5);
	/* another key's message does not open */
	assert_int_not_equal(rsa_pad_decrypt(key, out, data, NULL), 0);
	rsa_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fingerprint_is_known),
		cmocka_unit_test(shipped_keys_have_their_fingerprints),
		cmocka_unit_test(written_pem_reads_back),
		cmocka_unit_test(spki_reads),
		cmocka_unit_test(bad_pem_is_refused),
		cmocka_unit_test(vectors_replay),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(generated_key_works),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
