/* SPDX-License-Identifier: MIT */
#include "../vectors.h"
#include "crypto/aes_ige.h"
#include "crypto/mtkdf.h"

static void check_id(struct json v, const char *key_name, const char *id_name)
{
	uint8_t key[256], id[8];
	uint64_t got;
	int i;

	vectors_hex(v, key_name, key, sizeof(key));
	got = mtkdf_auth_key_id(key);
	for (i = 0; i < 8; i++)
		id[i] = (uint8_t)(got >> 8 * i);
	vectors_check(v, id_name, id, 8);
}

static void bind_vector(struct json v)
{
	uint8_t key[256], msg_key[16], plain[256], box[24 + 256];
	struct mtkdf_aes aes;
	size_t len;

	vectors_hex(v, "perm_auth_key", key, sizeof(key));
	len = vectors_hex(v, "plaintext_without_padding", plain, 256);
	mtkdf_v1_msg_key(plain, len, msg_key);
	vectors_check(v, "msg_key", msg_key, 16);
	mtkdf_v1_aes(key, MTKDF_TO_SERVER, msg_key, &aes);
	vectors_check(v, "aes_key", aes.key, 32);
	vectors_check(v, "aes_iv", aes.iv, 32);
	len = vectors_hex(v, "plaintext", plain, sizeof(plain));
	vectors_hex(v, "perm_auth_key_id", box, 8);
	memcpy(box + 8, msg_key, 16);
	assert_int_equal(aes_ige_encrypt(aes.key, aes.iv, plain, box + 24, len),
			 0);
	vectors_check(v, "encrypted_message", box, 24 + len);
	check_id(v, "perm_auth_key", "perm_auth_key_id");
	check_id(v, "temp_auth_key", "temp_auth_key_id");
}

static void bind_vectors(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "mtproto1_bind.json");
	struct json_iter it = json_iter(json_get(root, "vectors"));
	int n = 0;

	for (; json_next(&it); n++)
		bind_vector(it.val);
	assert_true(n >= 6);
	json_free(&doc);
}

static void envelope_vector(struct json v)
{
	enum mtkdf_dir dir = MTKDF_TO_SERVER;
	uint8_t key[256], msg_key[16];
	struct mtkdf_aes aes;

	if (!strcmp(json_str(json_get(v, "direction"), ""), "from_server"))
		dir = MTKDF_FROM_SERVER;
	vectors_hex(v, "auth_key", key, sizeof(key));
	vectors_hex(v, "msg_key", msg_key, sizeof(msg_key));
	mtkdf_aes(key, dir, msg_key, &aes);
	vectors_check(v, "aes_key", aes.key, 32);
	vectors_check(v, "aes_iv", aes.iv, 32);
}

/* The derivation opens the packet, and the opened bytes give the msg_key. */
static void envelope_packet(struct json v)
{
	bool from =
		!strcmp(json_str(json_get(v, "direction"), ""), "from_server");
	enum mtkdf_dir dir = from ? MTKDF_FROM_SERVER : MTKDF_TO_SERVER;
	static uint8_t packet[1 << 16];
	uint8_t key[256], got[16];
	struct mtkdf_aes aes;
	size_t len;

	vectors_hex(v, "auth_key", key, sizeof(key));
	len = vectors_hex(v, "packet", packet, sizeof(packet));
	mtkdf_aes(key, dir, packet + 8, &aes);
	assert_int_equal(aes_ige_decrypt(aes.key, aes.iv, packet + 24,
					 packet + 24, len - 24),
			 0);
	mtkdf_msg_key(key, dir, packet + 24, len - 24, got);
	vectors_check(v, "msg_key", got, 16);
}

static void envelope_vectors(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "envelope.json");
	struct json_iter it = json_iter(json_get(root, "vectors"));
	int n = 0;

	for (; json_next(&it); n++) {
		envelope_vector(it.val);
		envelope_packet(it.val);
	}
	assert_true(n > 0);
	json_free(&doc);
}

static void handshake_vector(struct json v)
{
	uint8_t key[256], new_nonce[32], server_nonce[16], hash[16];
	char name[] = "new_nonce_hash0";
	struct mtkdf_aes aes;
	uint8_t i;

	vectors_hex(v, "auth_key", key, sizeof(key));
	vectors_hex(v, "new_nonce", new_nonce, sizeof(new_nonce));
	vectors_hex(v, "server_nonce", server_nonce, sizeof(server_nonce));
	mtkdf_handshake_aes(new_nonce, server_nonce, &aes);
	vectors_check(v, "tmp_aes_key", aes.key, 32);
	vectors_check(v, "tmp_aes_iv", aes.iv, 32);
	for (i = 1; i <= 3; i++) {
		name[sizeof(name) - 2] = (char)('0' + i);
		mtkdf_new_nonce_hash(new_nonce, i, key, hash);
		vectors_check(v, name, hash, 16);
	}
	check_id(v, "auth_key", "auth_key_id");
}

static void handshake_vectors(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "handshake.json");
	struct json_iter it = json_iter(json_get(root, "handshakes"));
	int n = 0;

	for (; json_next(&it); n++)
		handshake_vector(it.val);
	assert_true(n >= 11);
	json_free(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bind_vectors),
		cmocka_unit_test(envelope_vectors),
		cmocka_unit_test(handshake_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
