/* SPDX-License-Identifier: MIT */
/*
 * SHA-1, SHA-256, SHA-512 over one region or several, and HMAC / PBKDF2 on top.
 *
 * The digests work on the stack and cannot fail, which keeps key derivation free
 * of error paths.
 *
 *   owner     nothing is kept between calls, but in a sha_256_sum
 *   memory    stack only for digests; PBKDF2 and HMAC allocate for their run
 *   threads   any
 *   failure   PBKDF2 and HMAC: ERR_CRYPTO
 */
#ifndef CRYPTO_SHA_H
#define CRYPTO_SHA_H

#include "base/err.h"

#define SHA_1_LEN 20
#define SHA_256_LEN 32
#define SHA_512_LEN 64

/* One region of the input; several are hashed as if joined. */
struct sha_part {
	const void *data;
	size_t len;
};

/* out may lie inside an input: it is written last. */
void sha_1(const void *data, size_t len, uint8_t out[static SHA_1_LEN]);
void sha_1_parts(const struct sha_part *parts, size_t count,
		 uint8_t out[static SHA_1_LEN]);
void sha_256(const void *data, size_t len, uint8_t out[static SHA_256_LEN]);
void sha_256_parts(const struct sha_part *parts, size_t count,
		   uint8_t out[static SHA_256_LEN]);
/* Of what comes piece by piece; libcrypto's state, which owns nothing. */
struct sha_256_sum {
	uint64_t state[14];
};

void sha_256_begin(struct sha_256_sum *s);
void sha_256_add(struct sha_256_sum *s, const void *data, size_t len);
void sha_256_end(struct sha_256_sum *s, uint8_t out[static SHA_256_LEN]);

void sha_512(const void *data, size_t len, uint8_t out[static SHA_512_LEN]);
void sha_512_parts(const struct sha_part *parts, size_t count,
		   uint8_t out[static SHA_512_LEN]);

enum err sha_256_hmac(const void *key, size_t key_len, const void *data,
		      size_t len, uint8_t out[static SHA_256_LEN]);
enum err sha_512_hmac(const void *key, size_t key_len, const void *data,
		      size_t len, uint8_t out[static SHA_512_LEN]);

struct sha_pbkdf2 {
	const void *password;
	size_t password_len;
	const void *salt;
	size_t salt_len;
	unsigned int iterations; /* at least 1 */
};
/* PBKDF2-HMAC-SHA512; slow by design: for the workpool. */
enum err sha_512_pbkdf2(const struct sha_pbkdf2 *in, void *out, size_t out_len);

/* The linked library's own word for its version. */
const char *sha_library_version(void);

#endif /* CRYPTO_SHA_H */
