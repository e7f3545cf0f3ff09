/* SPDX-License-Identifier: MIT */
/*
 * The secret of an MTProxy as people paste it: hex, or base64 in either alphabet,
 * with or without padding.
 *
 *	16 bytes			plain: any obfuscated transport
 *	0xdd, 16 bytes			padded intermediate only
 *	0xee, 16 bytes, domain name	the same inside what looks like TLS
 *
 *   owner     whoever embeds it; proxy_secret_wipe() when done
 *   failure   ERR_INVALID saying what a secret looks like; never its bytes
 */
#ifndef MTPROTO_PROXY_SECRET_H
#define MTPROTO_PROXY_SECRET_H

#include "base/err.h"

#define PROXY_SECRET_KEY_LEN 16U
#define PROXY_SECRET_DOMAIN_MAX 182U

enum proxy_secret_kind {
	PROXY_SECRET_PLAIN,
	PROXY_SECRET_PADDED,
	PROXY_SECRET_TLS,
};

struct proxy_secret {
	enum proxy_secret_kind kind;
	uint8_t key[PROXY_SECRET_KEY_LEN];
	char domain[PROXY_SECRET_DOMAIN_MAX + 1]; /* "" but for TLS */
};

enum err proxy_secret_parse(const char *text, size_t len,
			    struct proxy_secret *ret, struct err_info *ei);
void proxy_secret_wipe(struct proxy_secret *s);

#endif /* MTPROTO_PROXY_SECRET_H */
