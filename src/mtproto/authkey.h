/* SPDX-License-Identifier: MIT */
/*
 * An authorisation key: 2048 bits shared with a data centre, and its name.
 *
 *   owner     whoever embeds it
 *   memory    the bytes live in a struct secret
 */
#ifndef MTPROTO_AUTHKEY_H
#define MTPROTO_AUTHKEY_H

#include "base/secret.h"

#define AUTHKEY_LEN 256U

struct authkey {
	struct secret secret; /* empty: no key */
	uint64_t id;	      /* auth_key_id as it travels, little endian */
};

/* Copies; the caller wipes its own copy. */
enum err authkey_init(struct authkey *k, const uint8_t bytes[AUTHKEY_LEN]);
void authkey_deinit(struct authkey *k);
/* The lower 64 bits of SHA-1. */
uint64_t authkey_id(const uint8_t bytes[AUTHKEY_LEN]);

static inline bool authkey_present(const struct authkey *k)
{
	return k->secret.len == AUTHKEY_LEN;
}

#endif /* MTPROTO_AUTHKEY_H */
