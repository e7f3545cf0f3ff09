/* SPDX-License-Identifier: MIT */
#include "crypto/rsa.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/secret.h"
#include "crypto/aes_ige.h"
#include "crypto/sha.h"

#define KEY_BITS 2048
#define PEM_MAX 16384

struct rsa_key {
	EVP_PKEY *pkey;
	uint64_t fingerprint;
	uint8_t n[RSA_BLOCK_LEN];
	bool has_private;
};

static size_t tl_bytes(uint8_t *out, const uint8_t *data, size_t len)
{
	size_t head = 1, total;

	if (len < 254) {
		out[0] = (uint8_t)len;
	} else {
		head = 4;
		out[0] = 254;
		out[1] = (uint8_t)len;
		out[2] = (uint8_t)(len >> 8);
		out[3] = (uint8_t)(len >> 16);
	}
	memcpy(out + head, data, len);
	for (total = head + len; total % 4; total++)
		out[total] = 0;
	return total;
}

static uint64_t fingerprint(const uint8_t n[RSA_BLOCK_LEN], const BIGNUM *e)
{
	uint8_t e_bytes[8], tl[RSA_BLOCK_LEN + 24], h[SHA_1_LEN];
	size_t len;
	uint64_t v = 0;
	int e_len, i;

	e_len = BN_bn2bin(e, e_bytes);
	len = tl_bytes(tl, n, RSA_BLOCK_LEN);
	len += tl_bytes(tl + len, e_bytes, (size_t)e_len);
	sha_1(tl, len, h);
	for (i = 19; i >= 12; i--)
		v = v << 8 | h[i];
	return v;
}

void rsa_free(struct rsa_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

static enum err read_numbers(struct rsa_key *k, struct err_info *ei)
{
	BIGNUM *n = NULL, *e = NULL;
	enum err rc = ERR_OK;

	if (!EVP_PKEY_is_a(k->pkey, "RSA") ||
	    !EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_N, &n) ||
	    !EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_E, &e))
		rc = err_set(ei, ERR_INVALID, "not an RSA key");
	else if (BN_num_bits(n) != KEY_BITS)
		rc = err_set(ei, ERR_INVALID, "RSA key of %d bits, not %d",
			     BN_num_bits(n), KEY_BITS);
	else if (BN_num_bits(e) > 64 || BN_num_bits(e) < 2 || !BN_is_odd(e) ||
		 !BN_is_odd(n))
		rc = err_set(ei, ERR_INVALID, "not a usable RSA key");
	else if (BN_bn2binpad(n, k->n, RSA_BLOCK_LEN) != RSA_BLOCK_LEN)
		rc = ERR_CRYPTO;
	else
		k->fingerprint = fingerprint(k->n, e);
	BN_free(n);
	BN_free(e);
	return rc;
}

/* Takes pkey, also when it fails. */
static enum err wrap(EVP_PKEY *pkey, bool has_private, struct rsa_key **ret,
		     struct err_info *ei)
{
	struct rsa_key *k = calloc(1, sizeof(*k));
	enum err rc;

	if (!k) {
		EVP_PKEY_free(pkey);
		return ERR_NOMEM;
	}
	k->pkey = pkey;
	k->has_private = has_private;
	rc = read_numbers(k, ei);
	if (rc) {
		rsa_free(k);
		return rc;
	}
	*ret = k;
	return ERR_OK;
}

static enum err parse(const char *pem, size_t len, int selection,
		      struct rsa_key **ret, struct err_info *ei)
{
	const uint8_t *at = (const uint8_t *)pem;
	OSSL_DECODER_CTX *ctx;
	EVP_PKEY *pkey = NULL;
	int ok;

	if (len > PEM_MAX)
		return err_set(ei, ERR_SYNTAX, "RSA key: PEM too long");
	ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, "PEM", NULL, "RSA",
					    selection, NULL, NULL);
	if (!ctx)
		return ERR_NOMEM;
	ok = OSSL_DECODER_from_data(ctx, &at, &len);
	OSSL_DECODER_CTX_free(ctx);
	if (!ok || !pkey) {
		EVP_PKEY_free(pkey);
		return err_set(ei, ERR_SYNTAX,
			       "RSA key: not a PEM of the kind expected");
	}
	return wrap(pkey, selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY, ret, ei);
}

enum err rsa_public_parse(const char *pem, size_t len, struct rsa_key **ret,
			  struct err_info *ei)
{
	return parse(pem, len, OSSL_KEYMGMT_SELECT_PUBLIC_KEY, ret, ei);
}

enum err rsa_private_parse(const char *pem, size_t len, struct rsa_key **ret,
			   struct err_info *ei)
{
	return parse(pem, len, EVP_PKEY_KEYPAIR, ret, ei);
}

enum err rsa_generate(struct rsa_key **ret, struct err_info *ei)
{
	struct rsa_key *k;
	EVP_PKEY *pkey;
	enum err rc;

	for (;;) {
		pkey = EVP_RSA_gen(KEY_BITS);
		if (!pkey)
			return err_set(ei, ERR_CRYPTO, "RSA key generation");
		rc = wrap(pkey, true, &k, ei);
		if (rc)
			return rc;
		if (k->fingerprint >> 60)
			break;
		rsa_free(k);
	}
	*ret = k;
	return ERR_OK;
}

bool rsa_has_private(const struct rsa_key *k)
{
	return k->has_private;
}

uint64_t rsa_fingerprint(const struct rsa_key *k)
{
	return k->fingerprint;
}

static enum err write_pem(const struct rsa_key *k, int selection,
			  struct buf *out)
{
	OSSL_ENCODER_CTX *ctx;
	uint8_t *data = NULL;
	size_t len = 0;
	enum err rc = ERR_CRYPTO;

	ctx = OSSL_ENCODER_CTX_new_for_pkey(k->pkey, selection, "PEM",
					    "type-specific", NULL);
	if (!ctx)
		return ERR_NOMEM;
	if (OSSL_ENCODER_to_data(ctx, &data, &len))
		rc = buf_append(out, data, len);
	OSSL_ENCODER_CTX_free(ctx);
	OPENSSL_clear_free(data, len);
	return rc;
}

enum err rsa_public_pem(const struct rsa_key *k, struct buf *out)
{
	return write_pem(k, OSSL_KEYMGMT_SELECT_PUBLIC_KEY, out);
}

enum err rsa_private_pem(const struct rsa_key *k, struct buf *out)
{
	if (!k->has_private)
		return ERR_INVALID;
	return write_pem(k, EVP_PKEY_KEYPAIR, out);
}

/* The bare operation on one block; in must be below the modulus. */
static enum err raw(const struct rsa_key *k, bool encrypt, const uint8_t *in,
		    uint8_t *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	size_t len = RSA_BLOCK_LEN;
	bool ok = false;

	if (!ctx)
		return ERR_NOMEM;
	if (encrypt)
		ok = EVP_PKEY_encrypt_init(ctx) == 1 &&
		     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
		     EVP_PKEY_encrypt(ctx, out, &len, in, RSA_BLOCK_LEN) == 1;
	else
		ok = EVP_PKEY_decrypt_init(ctx) == 1 &&
		     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
		     EVP_PKEY_decrypt(ctx, out, &len, in, RSA_BLOCK_LEN) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok && len == RSA_BLOCK_LEN ? ERR_OK : ERR_CRYPTO;
}

static bool below_modulus(const struct rsa_key *k, const uint8_t *block)
{
	return memcmp(block, k->n, RSA_BLOCK_LEN) < 0;
}

static void reverse(uint8_t *dst, const uint8_t *src, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		dst[i] = src[len - 1 - i];
}

#define TEMP_KEY_LEN 32
#define HASHED_LEN (RSA_PAD_OPEN_LEN + SHA_256_LEN)

static const uint8_t zero_iv[AES_IGE_IV_LEN];

/* Step 4.1 of core.telegram.org/mtproto/auth_key, for one temp_key. */
static enum err pad_block(const uint8_t *padded, const uint8_t *temp_key,
			  uint8_t block[static RSA_BLOCK_LEN])
{
	const struct sha_part parts[] = { { temp_key, TEMP_KEY_LEN },
					  { padded, RSA_PAD_OPEN_LEN } };
	uint8_t plain[HASHED_LEN], h[SHA_256_LEN];
	enum err rc;
	size_t i;

	reverse(plain, padded, RSA_PAD_OPEN_LEN);
	sha_256_parts(parts, 2, plain + RSA_PAD_OPEN_LEN);
	rc = aes_ige_encrypt(temp_key, zero_iv, plain, block + TEMP_KEY_LEN,
			     HASHED_LEN);
	sha_256(block + TEMP_KEY_LEN, HASHED_LEN, h);
	for (i = 0; i < TEMP_KEY_LEN; i++)
		block[i] = temp_key[i] ^ h[i];
	secret_wipe(plain, sizeof(plain));
	return rc;
}

enum err rsa_pad_encrypt(const struct rsa_key *k, const void *data, size_t len,
			 struct rnd *rnd, uint8_t out[static RSA_BLOCK_LEN],
			 struct err_info *ei)
{
	uint8_t padded[RSA_PAD_OPEN_LEN], temp_key[TEMP_KEY_LEN];
	uint8_t block[RSA_BLOCK_LEN];
	enum err rc;

	if (len > RSA_PAD_DATA_MAX)
		return err_set(ei, ERR_TOOBIG, "RSA_PAD: %zu bytes", len);
	memcpy(padded, data, len);
	rnd_fill(rnd, padded + len, sizeof(padded) - len);
	do {
		rnd_fill(rnd, temp_key, sizeof(temp_key));
		rc = pad_block(padded, temp_key, block);
	} while (!rc && !below_modulus(k, block));
	if (!rc)
		rc = raw(k, true, block, out);
	secret_wipe(padded, sizeof(padded));
	secret_wipe(temp_key, sizeof(temp_key));
	secret_wipe(block, sizeof(block));
	return rc;
}

/* The inverse of pad_block(). */
static enum err unpad_block(const uint8_t block[static RSA_BLOCK_LEN],
			    uint8_t *out, struct err_info *ei)
{
	uint8_t temp_key[TEMP_KEY_LEN], plain[HASHED_LEN], h[SHA_256_LEN];
	const struct sha_part parts[] = { { temp_key, TEMP_KEY_LEN },
					  { out, RSA_PAD_OPEN_LEN } };
	enum err rc;
	size_t i;

	sha_256(block + TEMP_KEY_LEN, HASHED_LEN, h);
	for (i = 0; i < TEMP_KEY_LEN; i++)
		temp_key[i] = block[i] ^ h[i];
	rc = aes_ige_decrypt(temp_key, zero_iv, block + TEMP_KEY_LEN, plain,
			     HASHED_LEN);
	if (!rc) {
		reverse(out, plain, RSA_PAD_OPEN_LEN);
		sha_256_parts(parts, 2, h);
		if (!secret_memeq(h, plain + RSA_PAD_OPEN_LEN, sizeof(h)))
			rc = err_set(ei, ERR_PROTO, "RSA_PAD: hash differs");
	}
	secret_wipe(temp_key, sizeof(temp_key));
	secret_wipe(plain, sizeof(plain));
	return rc;
}

static enum err open_raw(const struct rsa_key *k, const uint8_t *in,
			 uint8_t *block, struct err_info *ei)
{
	if (!k->has_private)
		return err_set(ei, ERR_INVALID, "RSA key without private half");
	if (!below_modulus(k, in))
		return err_set(ei, ERR_PROTO, "RSA: number above the modulus");
	return raw(k, false, in, block);
}

enum err rsa_pad_decrypt(const struct rsa_key *k,
			 const uint8_t in[static RSA_BLOCK_LEN],
			 uint8_t out[static RSA_PAD_OPEN_LEN],
			 struct err_info *ei)
{
	uint8_t block[RSA_BLOCK_LEN] = { 0 }, data[RSA_PAD_OPEN_LEN];
	enum err rc = open_raw(k, in, block, ei);

	if (rc)
		return rc;
	rc = unpad_block(block, data, ei);
	if (!rc)
		memcpy(out, data, sizeof(data));
	secret_wipe(block, sizeof(block));
	secret_wipe(data, sizeof(data));
	return rc;
}

enum err rsa_sha1_encrypt(const struct rsa_key *k, const void *data, size_t len,
			  struct rnd *rnd, uint8_t out[static RSA_BLOCK_LEN],
			  struct err_info *ei)
{
	uint8_t block[RSA_BLOCK_LEN] = { 0 };
	uint8_t *at = block + 1 + SHA_1_LEN;
	enum err rc;

	if (len > RSA_SHA1_DATA_MAX)
		return err_set(ei, ERR_TOOBIG, "RSA: %zu bytes", len);
	sha_1(data, len, block + 1);
	memcpy(at, data, len);
	rnd_fill(rnd, at + len, RSA_SHA1_DATA_MAX - len);
	rc = raw(k, true, block, out);
	secret_wipe(block, sizeof(block));
	return rc;
}

enum err rsa_sha1_decrypt(const struct rsa_key *k,
			  const uint8_t in[static RSA_BLOCK_LEN],
			  struct rsa_sha1_open *ret, struct err_info *ei)
{
	uint8_t block[RSA_BLOCK_LEN] = { 0 };
	enum err rc = open_raw(k, in, block, ei);

	if (rc)
		return rc;
	if (block[0] == 0) {
		memcpy(ret->sha1, block + 1, sizeof(ret->sha1));
		memcpy(ret->data, block + 1 + SHA_1_LEN, sizeof(ret->data));
	} else {
		rc = err_set(ei, ERR_PROTO, "RSA: more than 255 bytes");
	}
	secret_wipe(block, sizeof(block));
	return rc;
}
