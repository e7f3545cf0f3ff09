/* SPDX-License-Identifier: MIT */
/*
 * libcrypto's EVP digests allocate and can therefore fail; the older functions
 * below work on the stack, run the same code, and are only marked as deprecated.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/sha.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

void sha_1_parts(const struct sha_part *parts, size_t count,
		 uint8_t out[static SHA_1_LEN])
{
	SHA_CTX ctx;
	size_t i;

	SHA1_Init(&ctx);
	for (i = 0; i < count; i++)
		SHA1_Update(&ctx, parts[i].data, parts[i].len);
	SHA1_Final(out, &ctx);
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

void sha_1(const void *data, size_t len, uint8_t out[static SHA_1_LEN])
{
	sha_1_parts(&(struct sha_part){ data, len }, 1, out);
}

void sha_256_parts(const struct sha_part *parts, size_t count,
		   uint8_t out[static SHA_256_LEN])
{
	SHA256_CTX ctx;
	size_t i;

	SHA256_Init(&ctx);
	for (i = 0; i < count; i++)
		SHA256_Update(&ctx, parts[i].data, parts[i].len);
	SHA256_Final(out, &ctx);
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

void sha_256(const void *data, size_t len, uint8_t out[static SHA_256_LEN])
{
	sha_256_parts(&(struct sha_part){ data, len }, 1, out);
}

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha_256_sum), "too small");

void sha_256_begin(struct sha_256_sum *s)
{
	SHA256_Init((SHA256_CTX *)(void *)s);
}

void sha_256_add(struct sha_256_sum *s, const void *data, size_t len)
{
	SHA256_Update((SHA256_CTX *)(void *)s, data, len);
}

void sha_256_end(struct sha_256_sum *s, uint8_t out[static SHA_256_LEN])
{
	SHA256_Final(out, (SHA256_CTX *)(void *)s);
	OPENSSL_cleanse(s, sizeof(*s));
}

void sha_512_parts(const struct sha_part *parts, size_t count,
		   uint8_t out[static SHA_512_LEN])
{
	SHA512_CTX ctx;
	size_t i;

	SHA512_Init(&ctx);
	for (i = 0; i < count; i++)
		SHA512_Update(&ctx, parts[i].data, parts[i].len);
	SHA512_Final(out, &ctx);
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

void sha_512(const void *data, size_t len, uint8_t out[static SHA_512_LEN])
{
	sha_512_parts(&(struct sha_part){ data, len }, 1, out);
}

static enum err hmac(const EVP_MD *md, struct sha_part key,
		     struct sha_part data, uint8_t *out)
{
	/* libcrypto reads a NULL key as "the one before" */
	const void *bytes = key.data ? key.data : "";

	if (key.len > INT_MAX)
		return ERR_TOOBIG;
	if (!HMAC(md, bytes, (int)key.len, data.data, data.len, out, NULL))
		return ERR_CRYPTO;
	return ERR_OK;
}

enum err sha_256_hmac(const void *key, size_t key_len, const void *data,
		      size_t len, uint8_t out[static SHA_256_LEN])
{
	return hmac(EVP_sha256(), (struct sha_part){ key, key_len },
		    (struct sha_part){ data, len }, out);
}

enum err sha_512_hmac(const void *key, size_t key_len, const void *data,
		      size_t len, uint8_t out[static SHA_512_LEN])
{
	return hmac(EVP_sha512(), (struct sha_part){ key, key_len },
		    (struct sha_part){ data, len }, out);
}

enum err sha_512_pbkdf2(const struct sha_pbkdf2 *in, void *out, size_t out_len)
{
	if (in->iterations < 1 || in->iterations > INT_MAX ||
	    in->password_len > INT_MAX || in->salt_len > INT_MAX ||
	    out_len > INT_MAX)
		return ERR_INVALID;
	if (PKCS5_PBKDF2_HMAC(in->password, (int)in->password_len, in->salt,
			      (int)in->salt_len, (int)in->iterations,
			      EVP_sha512(), (int)out_len, out) != 1)
		return ERR_CRYPTO;
	return ERR_OK;
}

const char *sha_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}
