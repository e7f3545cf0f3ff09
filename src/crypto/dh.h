/* SPDX-License-Identifier: MIT */
/*
 * Diffie-Hellman over 2048-bit safe primes with Telegram's checks.
 *
 * Numbers are 256 bytes, big endian, always padded.  Exponentiation takes the
 * same time whatever the exponent.
 *
 *   owner     nothing is kept between calls
 *   memory    big numbers for the run, wiped
 *   threads   any
 *   failure   ERR_PROTO naming the check that failed, ERR_NOMEM, ERR_CRYPTO
 */
#ifndef CRYPTO_DH_H
#define CRYPTO_DH_H

#include "base/err.h"

#define DH_LEN 256

/* The prime Telegram has used since 2013; every client accepts it. */
extern const uint8_t dh_known_prime[DH_LEN];

/* Big-endian bytes of any length into 256; ERR_PROTO if the number is larger. */
enum err dh_pad(const void *data, size_t len, uint8_t out[static DH_LEN],
		struct err_info *ei);
/*
 * p is 2048 bits, p and (p - 1) / 2 are prime, and g is 2..7 and generates the
 * large subgroup.  The known prime costs nothing, another one about a second.
 */
enum err dh_check_group(const uint8_t p[static DH_LEN], int32_t g,
			struct err_info *ei);
bool dh_prime_known(const uint8_t p[static DH_LEN]);
/* 2^1984 <= x <= p - 2^1984; `what` ("g_a") begins the error text. */
enum err dh_check_public(const uint8_t p[static DH_LEN],
			 const uint8_t x[static DH_LEN], const char *what,
			 struct err_info *ei);

/* out = base^exp mod p; out may be one of the inputs. */
enum err dh_modexp(const uint8_t base[static DH_LEN],
		   const uint8_t exp[static DH_LEN],
		   const uint8_t p[static DH_LEN], uint8_t out[static DH_LEN]);
/* out = g^exp mod p. */
enum err dh_power(int32_t g, const uint8_t exp[static DH_LEN],
		  const uint8_t p[static DH_LEN], uint8_t out[static DH_LEN]);

#endif /* CRYPTO_DH_H */
