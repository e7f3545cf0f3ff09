/* SPDX-License-Identifier: MIT */
#include "crypto/sealbox.h"

#include <sodium.h>

_Static_assert(crypto_box_SEALBYTES == SEALBOX_OVERHEAD, "documented overhead");
_Static_assert(crypto_box_PUBLICKEYBYTES == SEALBOX_PUBLIC_LEN, "key size");
_Static_assert(crypto_box_SECRETKEYBYTES == SEALBOX_SECRET_LEN, "key size");

enum err sealbox_keypair(uint8_t ret_public[static SEALBOX_PUBLIC_LEN],
			 struct secret *ret_secret)
{
	uint8_t pk[SEALBOX_PUBLIC_LEN], sk[SEALBOX_SECRET_LEN];
	enum err rc;
	size_t i;

	/* seeds libsodium's random source; cheap after the first time */
	if (sodium_init() < 0 || crypto_box_keypair(pk, sk))
		return ERR_CRYPTO;
	rc = secret_init(ret_secret, sk, sizeof(sk));
	secret_wipe(sk, sizeof(sk));
	if (rc)
		return rc;
	for (i = 0; i < sizeof(pk); i++)
		ret_public[i] = pk[i];
	return ERR_OK;
}

enum err sealbox_public(const struct secret *secret,
			uint8_t ret_public[static SEALBOX_PUBLIC_LEN])
{
	if (secret->len != SEALBOX_SECRET_LEN)
		return ERR_INVALID;
	if (crypto_scalarmult_base(ret_public, secret->bytes))
		return ERR_CRYPTO;
	return ERR_OK;
}

enum err sealbox_seal(const uint8_t public_key[static SEALBOX_PUBLIC_LEN],
		      const void *data, size_t len, uint8_t *out)
{
	if (sodium_init() < 0)
		return ERR_CRYPTO;
	/* fails for keys of small order, which would hide nothing */
	if (crypto_box_seal(out, data, len, public_key))
		return ERR_INVALID;
	return ERR_OK;
}

enum err sealbox_open(const struct secret *secret, const void *data, size_t len,
		      uint8_t *out)
{
	uint8_t pk[SEALBOX_PUBLIC_LEN];
	enum err rc = sealbox_public(secret, pk);

	if (rc)
		return rc;
	if (len < SEALBOX_OVERHEAD)
		return ERR_CORRUPT;
	if (crypto_box_seal_open(out, data, len, pk, secret->bytes))
		return ERR_CORRUPT;
	return ERR_OK;
}

const char *sealbox_library_version(void)
{
	return sodium_version_string();
}
