/* SPDX-License-Identifier: MIT */
/*
 * AES-256 in IGE mode: what MTProto puts its messages into.
 *
 * The 32-byte iv is the one of MTProto: the previous ciphertext block, then the
 * previous plaintext block.
 *
 *   owner     nothing is kept between calls
 *   memory    a cipher context for the run
 *   threads   any
 *   failure   ERR_INVALID if len is no multiple of 16 (it may be 0), ERR_NOMEM,
 *             ERR_CRYPTO; out is then undefined
 */
#ifndef CRYPTO_AES_IGE_H
#define CRYPTO_AES_IGE_H

#include "base/err.h"

#define AES_IGE_BLOCK 16
#define AES_IGE_KEY_LEN 32
#define AES_IGE_IV_LEN 32

/* out == in is fine; otherwise they must not overlap. */
enum err aes_ige_encrypt(const uint8_t key[static AES_IGE_KEY_LEN],
			 const uint8_t iv[static AES_IGE_IV_LEN],
			 const uint8_t *in, uint8_t *out, size_t len);
enum err aes_ige_decrypt(const uint8_t key[static AES_IGE_KEY_LEN],
			 const uint8_t iv[static AES_IGE_IV_LEN],
			 const uint8_t *in, uint8_t *out, size_t len);

#endif /* CRYPTO_AES_IGE_H */
