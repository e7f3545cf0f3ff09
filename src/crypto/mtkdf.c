/* SPDX-License-Identifier: MIT */
#include "crypto/mtkdf.h"

#include <string.h>

#include "base/secret.h"

static uint64_t le64(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

uint64_t mtkdf_auth_key_id(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN])
{
	uint8_t h[SHA_1_LEN];

	sha_1(auth_key, MTKDF_AUTH_KEY_LEN, h);
	return le64(h + 12);
}

uint64_t mtkdf_aux_hash(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN])
{
	uint8_t h[SHA_1_LEN];

	sha_1(auth_key, MTKDF_AUTH_KEY_LEN, h);
	return le64(h);
}

void mtkdf_msg_key(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN],
		   enum mtkdf_dir dir, const void *plain, size_t len,
		   uint8_t ret_msg_key[static MTKDF_MSG_KEY_LEN])
{
	const struct sha_part parts[] = {
		{ auth_key + 88 + dir, 32 },
		{ plain, len },
	};
	uint8_t large[SHA_256_LEN];

	sha_256_parts(parts, 2, large);
	memcpy(ret_msg_key, large + 8, MTKDF_MSG_KEY_LEN);
}

void mtkdf_aes(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN],
	       enum mtkdf_dir dir,
	       const uint8_t msg_key[static MTKDF_MSG_KEY_LEN],
	       struct mtkdf_aes *ret)
{
	const struct sha_part pa[] = { { msg_key, 16 },
				       { auth_key + dir, 36 } };
	const struct sha_part pb[] = { { auth_key + 40 + dir, 36 },
				       { msg_key, 16 } };
	uint8_t a[SHA_256_LEN], b[SHA_256_LEN];

	sha_256_parts(pa, 2, a);
	sha_256_parts(pb, 2, b);
	memcpy(ret->key, a, 8);
	memcpy(ret->key + 8, b + 8, 16);
	memcpy(ret->key + 24, a + 24, 8);
	memcpy(ret->iv, b, 8);
	memcpy(ret->iv + 8, a + 8, 16);
	memcpy(ret->iv + 24, b + 24, 8);
	secret_wipe(a, sizeof(a));
	secret_wipe(b, sizeof(b));
}

void mtkdf_v1_msg_key(const void *plain, size_t len,
		      uint8_t ret_msg_key[static MTKDF_MSG_KEY_LEN])
{
	uint8_t h[SHA_1_LEN];

	sha_1(plain, len, h);
	memcpy(ret_msg_key, h + 4, MTKDF_MSG_KEY_LEN);
}

void mtkdf_v1_aes(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN],
		  enum mtkdf_dir dir,
		  const uint8_t msg_key[static MTKDF_MSG_KEY_LEN],
		  struct mtkdf_aes *ret)
{
	const uint8_t *k = auth_key + dir;
	const struct sha_part pa[] = { { msg_key, 16 }, { k, 32 } };
	const struct sha_part pb[] = { { k + 32, 16 },
				       { msg_key, 16 },
				       { k + 48, 16 } };
	const struct sha_part pc[] = { { k + 64, 32 }, { msg_key, 16 } };
	const struct sha_part pd[] = { { msg_key, 16 }, { k + 96, 32 } };
	uint8_t h[4][SHA_1_LEN];

	sha_1_parts(pa, 2, h[0]);
	sha_1_parts(pb, 3, h[1]);
	sha_1_parts(pc, 2, h[2]);
	sha_1_parts(pd, 2, h[3]);
	memcpy(ret->key, h[0], 8);
	memcpy(ret->key + 8, h[1] + 8, 12);
	memcpy(ret->key + 20, h[2] + 4, 12);
	memcpy(ret->iv, h[0] + 8, 12);
	memcpy(ret->iv + 12, h[1], 8);
	memcpy(ret->iv + 20, h[2] + 16, 4);
	memcpy(ret->iv + 24, h[3], 8);
	secret_wipe(h, sizeof(h));
}

void mtkdf_handshake_aes(const uint8_t new_nonce[static 32],
			 const uint8_t server_nonce[static 16],
			 struct mtkdf_aes *ret)
{
	const struct sha_part ns[] = { { new_nonce, 32 },
				       { server_nonce, 16 } };
	const struct sha_part sn[] = { { server_nonce, 16 },
				       { new_nonce, 32 } };
	const struct sha_part nn[] = { { new_nonce, 32 }, { new_nonce, 32 } };
	uint8_t h[3][SHA_1_LEN];

	sha_1_parts(ns, 2, h[0]);
	sha_1_parts(sn, 2, h[1]);
	sha_1_parts(nn, 2, h[2]);
	memcpy(ret->key, h[0], 20);
	memcpy(ret->key + 20, h[1], 12);
	memcpy(ret->iv, h[1] + 12, 8);
	memcpy(ret->iv + 8, h[2], 20);
	memcpy(ret->iv + 28, new_nonce, 4);
	secret_wipe(h, sizeof(h));
}

void mtkdf_new_nonce_hash(const uint8_t new_nonce[static 32], uint8_t number,
			  const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN],
			  uint8_t ret_hash[static 16])
{
	uint8_t aux[SHA_1_LEN], h[SHA_1_LEN];
	const struct sha_part parts[] = {
		{ new_nonce, 32 },
		{ &number, 1 },
		{ aux, 8 },
	};

	sha_1(auth_key, MTKDF_AUTH_KEY_LEN, aux);
	sha_1_parts(parts, 3, h);
	memcpy(ret_hash, h + 4, 16);
	secret_wipe(aux, sizeof(aux));
}
