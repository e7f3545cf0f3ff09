/* SPDX-License-Identifier: MIT */
#include "crypto/aead.h"

#include <sodium.h>

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(NONCE + TAG == AEAD_OVERHEAD, "documented overhead");

enum err aead_seal(const uint8_t key[static AEAD_KEY_LEN], struct aead_ad ad,
		   struct rnd *rnd, const void *data, size_t len, uint8_t *out)
{
	rnd_fill(rnd, out, NONCE);
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE, NULL, data,
						       len, ad.data, ad.len,
						       NULL, out, key))
		return ERR_CRYPTO;
	return ERR_OK;
}

enum err aead_open(const uint8_t key[static AEAD_KEY_LEN], struct aead_ad ad,
		   const void *data, size_t len, uint8_t *out)
{
	const uint8_t *in = data;

	if (len < AEAD_OVERHEAD)
		return ERR_CORRUPT;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		    out, NULL, NULL, in + NONCE, len - NONCE, ad.data, ad.len,
		    in, key))
		return ERR_CORRUPT;
	return ERR_OK;
}
