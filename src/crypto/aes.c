/* SPDX-License-Identifier: MIT */
#include "crypto/aes_int.h"

#include <stdatomic.h>

static const char *const names[AES_CIPHER_COUNT] = {
	[AES_CIPHER_256_CBC] = "AES-256-CBC",
	[AES_CIPHER_256_ECB] = "AES-256-ECB",
	[AES_CIPHER_256_CTR] = "AES-256-CTR",
};

/*
 * The one piece of process-wide state in crypto/: a cache of constants, so that
 * no caller can observe it.
 */
static _Atomic(EVP_CIPHER *) found[AES_CIPHER_COUNT];

const EVP_CIPHER *aes_cipher(enum aes_cipher_kind kind)
{
	EVP_CIPHER *c =
		atomic_load_explicit(&found[kind], memory_order_acquire);
	EVP_CIPHER *before = NULL;

	if (c)
		return c;
	c = EVP_CIPHER_fetch(NULL, names[kind], NULL);
	if (!c)
		return NULL;
	if (atomic_compare_exchange_strong(&found[kind], &before, c))
		return c;
	EVP_CIPHER_free(c);
	return before;
}
