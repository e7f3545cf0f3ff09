/* SPDX-License-Identifier: MIT */
#include "mtproto/authkey.h"

#include "crypto/mtkdf.h"

uint64_t authkey_id(const uint8_t bytes[AUTHKEY_LEN])
{
	return mtkdf_auth_key_id(bytes);
}

enum err authkey_init(struct authkey *k, const uint8_t bytes[AUTHKEY_LEN])
{
	struct authkey fresh = { 0 };
	enum err rc;

	rc = secret_init(&fresh.secret, bytes, AUTHKEY_LEN);
	if (rc)
		return rc;
	fresh.id = authkey_id(bytes);
	*k = fresh;
	return ERR_OK;
}

void authkey_deinit(struct authkey *k)
{
	secret_deinit(&k->secret);
	*k = (struct authkey){ 0 };
}
