/* SPDX-License-Identifier: MIT */
/*
 * MD5: only as the checksum inside Telegram Desktop's files and of small uploads.
 * Not for security.
 */
#ifndef CRYPTO_MD5_H
#define CRYPTO_MD5_H

#include "crypto/sha.h"

#define MD5_LEN 16

void md5_parts(const struct sha_part *parts, size_t count,
	       uint8_t out[static MD5_LEN]);

/* Of what comes piece by piece. */
struct md5_sum {
	uint64_t state[12];
};

void md5_begin(struct md5_sum *s);
void md5_add(struct md5_sum *s, const void *data, size_t len);
void md5_end(struct md5_sum *s, uint8_t out[static MD5_LEN]);

#endif /* CRYPTO_MD5_H */
