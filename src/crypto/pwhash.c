/* SPDX-License-Identifier: MIT */
#include "crypto/pwhash.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_pwhash_STRBYTES <= PWHASH_TEXT_MAX, "text fits");

const struct pwhash_cost pwhash_cost_default = {
	crypto_pwhash_OPSLIMIT_INTERACTIVE,
	crypto_pwhash_MEMLIMIT_INTERACTIVE,
};

const struct pwhash_cost pwhash_cost_min = {
	crypto_pwhash_OPSLIMIT_MIN,
	crypto_pwhash_MEMLIMIT_MIN,
};

enum err pwhash_make(const char *password, const struct pwhash_cost *cost,
		     char ret_text[static PWHASH_TEXT_MAX])
{
	if (sodium_init() < 0)
		return ERR_CRYPTO;
	if (crypto_pwhash_str_alg(ret_text, password, strlen(password),
				  cost->passes, cost->memory_bytes,
				  crypto_pwhash_ALG_ARGON2ID13))
		return ERR_NOMEM;
	return ERR_OK;
}

static int needs_rehash(const char *text, const struct pwhash_cost *cost)
{
	return crypto_pwhash_argon2id_str_needs_rehash(text, cost->passes,
						       cost->memory_bytes);
}

enum err pwhash_verify(const char *text, const char *password)
{
	if (sodium_init() < 0)
		return ERR_CRYPTO;
	if (strlen(text) >= PWHASH_TEXT_MAX ||
	    needs_rehash(text, &pwhash_cost_default) < 0)
		return ERR_CORRUPT;
	if (crypto_pwhash_argon2id_str_verify(text, password, strlen(password)))
		return ERR_UNAUTHORIZED;
	return ERR_OK;
}

bool pwhash_outdated(const char *text, const struct pwhash_cost *cost)
{
	return needs_rehash(text, cost) != 0;
}
