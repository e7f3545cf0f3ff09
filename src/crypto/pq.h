/* SPDX-License-Identifier: MIT */
/*
 * The proof of work of the key exchange: pq = p * q, p < q, both prime.
 *
 *   memory    none
 *   threads   any; some milliseconds for a 62-bit pq
 *   failure   ERR_PROTO if pq is no product of two different primes or above
 *             2^63 - 1; the time is bounded in any case
 */
#ifndef CRYPTO_PQ_H
#define CRYPTO_PQ_H

#include "base/err.h"

#define PQ_LEN_MAX 8

enum err pq_factor(uint64_t pq, uint64_t *ret_p, uint64_t *ret_q,
		   struct err_info *ei);
bool pq_is_prime(uint64_t n);

/* Big endian, as pq, p and q travel; ERR_PROTO for 0 or above 8 bytes. */
enum err pq_read(const void *data, size_t len, uint64_t *ret,
		 struct err_info *ei);
/* Without leading zeros; returns the length (1..8). */
size_t pq_write(uint64_t n, uint8_t out[static PQ_LEN_MAX]);

#endif /* CRYPTO_PQ_H */
