/* SPDX-License-Identifier: MIT */
/*
 * One AES-256-CTR key stream, taken in pieces of any size.
 *
 * The counter is 128 bits, big endian, and wraps.  Encrypting and decrypting are
 * the same.
 *
 *   owner     whoever embeds it by value
 *   memory    one cipher context from init to deinit
 *   threads   none
 *   failure   ERR_NOMEM, ERR_CRYPTO
 */
#ifndef CRYPTO_AES_CTR_H
#define CRYPTO_AES_CTR_H

#include "base/err.h"

#define AES_CTR_KEY_LEN 32
#define AES_CTR_IV_LEN 16

struct aes_ctr {
	void *ctx; /* NULL before init */
};

enum err aes_ctr_init(struct aes_ctr *c,
		      const uint8_t key[static AES_CTR_KEY_LEN],
		      const uint8_t iv[static AES_CTR_IV_LEN]);
/* Accepts a zeroed or already ended one. */
void aes_ctr_deinit(struct aes_ctr *c);
/* out == in is fine; otherwise they must not overlap. */
enum err aes_ctr_xor(struct aes_ctr *c, const void *in, void *out, size_t len);

#endif /* CRYPTO_AES_CTR_H */
