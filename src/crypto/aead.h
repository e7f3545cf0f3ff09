/* SPDX-License-Identifier: MIT */
/*
 * XChaCha20-Poly1305: sealed bytes at rest, bound to associated data.
 *
 * Sealed form: 24-byte random nonce, ciphertext, 16-byte tag.
 *
 *   owner     nothing is kept between calls
 *   memory    none
 *   threads   any
 *   failure   ERR_CORRUPT if the bytes, the data or the key do not match
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/err.h"
#include "base/rnd.h"

#define AEAD_KEY_LEN 32
#define AEAD_OVERHEAD 40

struct aead_ad {
	const void *data;
	size_t len;
};

/* out has len + AEAD_OVERHEAD bytes, apart from data. */
enum err aead_seal(const uint8_t key[static AEAD_KEY_LEN], struct aead_ad ad,
		   struct rnd *rnd, const void *data, size_t len, uint8_t *out);
/* out has len - AEAD_OVERHEAD bytes, apart from data. */
enum err aead_open(const uint8_t key[static AEAD_KEY_LEN], struct aead_ad ad,
		   const void *data, size_t len, uint8_t *out);

#endif /* CRYPTO_AEAD_H */
