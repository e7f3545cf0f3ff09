/* SPDX-License-Identifier: MIT */
/*
 * X25519 sealed boxes: anyone seals to a public key, its owner alone opens.
 *
 *   owner     nothing is kept between calls
 *   memory    none; the secret key belongs to the caller (struct secret)
 *   threads   any
 *   failure   ERR_CORRUPT if a box does not open, ERR_INVALID for a bad key
 */
#ifndef CRYPTO_SEALBOX_H
#define CRYPTO_SEALBOX_H

#include "base/secret.h"

#define SEALBOX_PUBLIC_LEN 32
#define SEALBOX_SECRET_LEN 32
#define SEALBOX_OVERHEAD 48

enum err sealbox_keypair(uint8_t ret_public[static SEALBOX_PUBLIC_LEN],
			 struct secret *ret_secret);
/* The public half of a stored secret key. */
enum err sealbox_public(const struct secret *secret,
			uint8_t ret_public[static SEALBOX_PUBLIC_LEN]);
/* out has len + SEALBOX_OVERHEAD bytes. */
enum err sealbox_seal(const uint8_t public_key[static SEALBOX_PUBLIC_LEN],
		      const void *data, size_t len, uint8_t *out);
/* out has len - SEALBOX_OVERHEAD bytes. */
enum err sealbox_open(const struct secret *secret, const void *data, size_t len,
		      uint8_t *out);

/* The linked library's own word for its version. */
const char *sealbox_library_version(void);

#endif /* CRYPTO_SEALBOX_H */
