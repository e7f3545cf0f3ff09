/* SPDX-License-Identifier: MIT */
/*
 * MD5: only as the checksum inside Telegram Desktop's files.  Not for security.
 */
#ifndef CRYPTO_MD5_H
#define CRYPTO_MD5_H

#include "crypto/sha.h"

#define MD5_LEN 16

void md5_parts(const struct sha_part *parts, size_t count,
	       uint8_t out[static MD5_LEN]);

#endif /* CRYPTO_MD5_H */
