/* SPDX-License-Identifier: MIT */
/*
 * Ciphers looked up in libcrypto's provider once: a look-up by name on every
 * message costs more than the message.
 *
 *   owner     the process; never given back
 *   threads   any
 */
#ifndef CRYPTO_AES_INT_H
#define CRYPTO_AES_INT_H

#include <openssl/evp.h>

enum aes_cipher_kind {
	AES_CIPHER_256_CBC,
	AES_CIPHER_256_ECB,
	AES_CIPHER_256_CTR,
	AES_CIPHER_COUNT,
};

/* NULL if libcrypto has none. */
const EVP_CIPHER *aes_cipher(enum aes_cipher_kind kind);

#endif /* CRYPTO_AES_INT_H */
