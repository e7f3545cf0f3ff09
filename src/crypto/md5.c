/* SPDX-License-Identifier: MIT */
#define OPENSSL_SUPPRESS_DEPRECATED /* see sha.c */

#include "crypto/md5.h"

#include <openssl/md5.h>

void md5_parts(const struct sha_part *parts, size_t count,
	       uint8_t out[static MD5_LEN])
{
	MD5_CTX ctx;

	MD5_Init(&ctx);
	for (size_t i = 0; i < count; i++)
		MD5_Update(&ctx, parts[i].data, parts[i].len);
	MD5_Final(out, &ctx);
}

_Static_assert(sizeof(MD5_CTX) <= sizeof(struct md5_sum), "too small");

void md5_begin(struct md5_sum *s)
{
	MD5_Init((MD5_CTX *)(void *)s);
}

void md5_add(struct md5_sum *s, const void *data, size_t len)
{
	MD5_Update((MD5_CTX *)(void *)s, data, len);
}

void md5_end(struct md5_sum *s, uint8_t out[static MD5_LEN])
{
	MD5_Final(out, (MD5_CTX *)(void *)s);
}
