/* SPDX-License-Identifier: MIT */
#include "crypto/aes_ctr.h"

#include <limits.h>

#include "crypto/aes_int.h"

enum err aes_ctr_init(struct aes_ctr *c,
		      const uint8_t key[static AES_CTR_KEY_LEN],
		      const uint8_t iv[static AES_CTR_IV_LEN])
{
	const EVP_CIPHER *cipher = aes_cipher(AES_CIPHER_256_CTR);
	EVP_CIPHER_CTX *ctx;

	c->ctx = NULL;
	if (!cipher)
		return ERR_CRYPTO;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		return ERR_NOMEM;
	if (EVP_EncryptInit_ex2(ctx, cipher, key, iv, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return ERR_CRYPTO;
	}
	c->ctx = ctx;
	return ERR_OK;
}

void aes_ctr_deinit(struct aes_ctr *c)
{
	EVP_CIPHER_CTX_free(c->ctx);
	c->ctx = NULL;
}

enum err aes_ctr_xor(struct aes_ctr *c, const void *in, void *out, size_t len)
{
	const uint8_t *from = in;
	uint8_t *to = out;
	int n, got;

	for (; len; from += n, to += n, len -= (size_t)n) {
		n = len < INT_MAX ? (int)len : INT_MAX;
		if (EVP_EncryptUpdate(c->ctx, to, &got, from, n) != 1)
			return ERR_CRYPTO;
	}
	return ERR_OK;
}
