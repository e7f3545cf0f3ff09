/* SPDX-License-Identifier: MIT */
/*
 * RSA-2048 as the key exchange uses it: RSA_PAD and the older SHA-1 padding.
 *
 *   owner     rsa_*_parse() / rsa_generate() give one; rsa_free()
 *   memory    a key; never changed after it was made
 *   threads   any number may use one key at a time
 *   failure   ERR_SYNTAX for a bad PEM, ERR_INVALID for one that is no RSA key
 *             of 2048 bits, ERR_PROTO for a ciphertext that does not open
 */
#ifndef CRYPTO_RSA_H
#define CRYPTO_RSA_H

#include "base/buf.h"
#include "base/rnd.h"

#define RSA_BLOCK_LEN 256
#define RSA_PAD_DATA_MAX 144  /* bytes RSA_PAD can carry */
#define RSA_PAD_OPEN_LEN 192  /* data and its random padding */
#define RSA_SHA1_DATA_MAX 235 /* bytes the older padding can carry */

struct rsa_key;

/* PKCS#1 ("RSA PUBLIC KEY") or SPKI ("PUBLIC KEY"). */
enum err rsa_public_parse(const char *pem, size_t len, struct rsa_key **ret,
			  struct err_info *ei);
/* PKCS#1 or PKCS#8, not encrypted. */
enum err rsa_private_parse(const char *pem, size_t len, struct rsa_key **ret,
			   struct err_info *ei);
/* 2048 bits, e = 65537, and a fingerprint whose top nibble is not 0: some
 * clients compare it as unpadded hex.  Slow. */
enum err rsa_generate(struct rsa_key **ret, struct err_info *ei);
void rsa_free(struct rsa_key *k);

bool rsa_has_private(const struct rsa_key *k);
/* SHA-1 of (n, e) as TL bytes, [12, 20): as it travels, little endian. */
uint64_t rsa_fingerprint(const struct rsa_key *k);
/* PKCS#1, appended. */
enum err rsa_public_pem(const struct rsa_key *k, struct buf *out);
enum err rsa_private_pem(const struct rsa_key *k, struct buf *out);

enum err rsa_pad_encrypt(const struct rsa_key *k, const void *data, size_t len,
			 struct rnd *rnd, uint8_t out[static RSA_BLOCK_LEN],
			 struct err_info *ei);
/* The result ends in the sender's padding: the reader of the data knows where. */
enum err rsa_pad_decrypt(const struct rsa_key *k,
			 const uint8_t in[static RSA_BLOCK_LEN],
			 uint8_t out[static RSA_PAD_OPEN_LEN],
			 struct err_info *ei);

enum err rsa_sha1_encrypt(const struct rsa_key *k, const void *data, size_t len,
			  struct rnd *rnd, uint8_t out[static RSA_BLOCK_LEN],
			  struct err_info *ei);
/*
 * The hash covers the data without padding, so only who has read the data can
 * check it: sha1 is to be compared with SHA-1(data[0, its length)).
 */
struct rsa_sha1_open {
	uint8_t sha1[20];
	uint8_t data[RSA_SHA1_DATA_MAX];
};
enum err rsa_sha1_decrypt(const struct rsa_key *k,
			  const uint8_t in[static RSA_BLOCK_LEN],
			  struct rsa_sha1_open *ret, struct err_info *ei);

#endif /* CRYPTO_RSA_H */
