/* SPDX-License-Identifier: MIT */
/*
 * Two-step verification: the SRP proof of core.telegram.org/api/srp.
 *
 * Client: srp_client_proof() answers account.getPassword's parameters with A and
 * M1.  Server: verifier, B and the check of a proof, for the emulator.
 *
 *   owner     nothing is kept between calls
 *   memory    big numbers for the run, wiped
 *   threads   any; PBKDF2 takes about 0.1 s and an unknown prime about 1 s, so
 *             run it on the workpool
 *   failure   ERR_PROTO naming the parameter that was refused
 */
#ifndef CRYPTO_SRP_H
#define CRYPTO_SRP_H

#include "base/rnd.h"
#include "crypto/dh.h"

#define SRP_SALT_MAX 256
#define SRP_M1_LEN 32

/* passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow */
struct srp_algo {
	const uint8_t *salt1;
	size_t salt1_len;
	const uint8_t *salt2;
	size_t salt2_len;
	int32_t g;
	const uint8_t *p;
	size_t p_len; /* must be 256 */
};

struct srp_proof {
	uint8_t a[DH_LEN];
	uint8_t m1[SRP_M1_LEN];
};

/* account.password's srp_B; shorter than 256 bytes is fine, it is padded. */
struct srp_b {
	const uint8_t *data;
	size_t len;
};
enum err srp_client_proof(const struct srp_algo *algo, struct srp_b b,
			  const char *password, struct rnd *rnd,
			  struct srp_proof *ret, struct err_info *ei);

/* What a server stores for a password: v = g^x mod p. */
enum err srp_verifier(const struct srp_algo *algo, const char *password,
		      uint8_t ret_v[static DH_LEN], struct err_info *ei);
/* B = k * v + g^b mod p. */
enum err srp_server_b(const struct srp_algo *algo,
		      const uint8_t v[static DH_LEN],
		      const uint8_t b[static DH_LEN],
		      uint8_t ret_b[static DH_LEN], struct err_info *ei);
/* ERR_UNAUTHORIZED if the proof does not match (the password was wrong). */
enum err srp_server_check(const struct srp_algo *algo,
			  const uint8_t v[static DH_LEN],
			  const uint8_t b[static DH_LEN],
			  const struct srp_proof *proof, struct err_info *ei);

#endif /* CRYPTO_SRP_H */
