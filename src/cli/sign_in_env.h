/* SPDX-License-Identifier: MIT */
/*
 * The Telegram environment file, with what only a sign-in needs of it: api_hash
 * and the data centres' RSA keys (see worker/telegram.h for the rest).
 *
 *   memory    keys on the heap; api_hash is wiped by sign_in_env_free()
 *   failure   ERR_INVALID naming the file and the member
 */
#ifndef CLI_SIGN_IN_ENV_H
#define CLI_SIGN_IN_ENV_H

#include "crypto/rsa.h"
#include "worker/telegram.h"

#define SIGN_IN_KEYS_MAX 8

struct sign_in_env {
	struct telegram telegram;
	int32_t api_id;
	char api_hash[65];
	struct rsa_key *owned[SIGN_IN_KEYS_MAX];
	const struct rsa_key *keys[SIGN_IN_KEYS_MAX];
	size_t nkeys;
};

enum err sign_in_env_load(struct sign_in_env *e, const char *path,
			  struct err_info *ei);
void sign_in_env_free(struct sign_in_env *e);

#endif /* CLI_SIGN_IN_ENV_H */
