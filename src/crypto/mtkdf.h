/* SPDX-License-Identifier: MIT */
/*
 * MTProto's key derivations: message keys, AES keys and ids out of an auth key.
 *
 * Version 2 is the normal envelope; version 1 (SHA-1) lives on in
 * auth.bindTempAuthKey (to the server) and in tdata files (from the server).
 *
 *   owner     nothing is kept between calls
 *   memory    stack, wiped
 *   threads   any
 *   failure   none
 */
#ifndef CRYPTO_MTKDF_H
#define CRYPTO_MTKDF_H

#include "crypto/sha.h"

#define MTKDF_AUTH_KEY_LEN 256
#define MTKDF_MSG_KEY_LEN 16

/* The `x` of the specification. */
enum mtkdf_dir {
	MTKDF_TO_SERVER = 0,
	MTKDF_FROM_SERVER = 8,
};

/* Input for aes_ige_*(); the caller wipes it with secret_wipe(). */
struct mtkdf_aes {
	uint8_t key[32];
	uint8_t iv[32];
};

/* SHA-1(auth_key)[12, 20): the id as it travels, little endian. */
uint64_t mtkdf_auth_key_id(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN]);
/* SHA-1(auth_key)[0, 8), as it travels. */
uint64_t mtkdf_aux_hash(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN]);

/* plain: with its padding. */
void mtkdf_msg_key(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN],
		   enum mtkdf_dir dir, const void *plain, size_t len,
		   uint8_t ret_msg_key[static MTKDF_MSG_KEY_LEN]);
void mtkdf_aes(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN],
	       enum mtkdf_dir dir,
	       const uint8_t msg_key[static MTKDF_MSG_KEY_LEN],
	       struct mtkdf_aes *ret);

/* plain: WITHOUT padding, unlike version 2. */
void mtkdf_v1_msg_key(const void *plain, size_t len,
		      uint8_t ret_msg_key[static MTKDF_MSG_KEY_LEN]);
void mtkdf_v1_aes(const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN],
		  enum mtkdf_dir dir,
		  const uint8_t msg_key[static MTKDF_MSG_KEY_LEN],
		  struct mtkdf_aes *ret);

/* tmp_aes_key and tmp_aes_iv of the key exchange. */
void mtkdf_handshake_aes(const uint8_t new_nonce[static 32],
			 const uint8_t server_nonce[static 16],
			 struct mtkdf_aes *ret);
/* new_nonce_hash<number>, number 1, 2 or 3. */
void mtkdf_new_nonce_hash(const uint8_t new_nonce[static 32], uint8_t number,
			  const uint8_t auth_key[static MTKDF_AUTH_KEY_LEN],
			  uint8_t ret_hash[static 16]);

#endif /* CRYPTO_MTKDF_H */
