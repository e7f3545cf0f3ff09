/* SPDX-License-Identifier: MIT */
/*
 * Stored passwords: argon2id in its PHC string form.
 *
 *   owner     nothing is kept between calls
 *   memory    cost.memory_bytes for the run
 *   threads   any; slow by design, so run it on the workpool
 *   failure   ERR_UNAUTHORIZED if the password does not match, ERR_CORRUPT if
 *             the stored text is none of ours, ERR_NOMEM
 */
#ifndef CRYPTO_PWHASH_H
#define CRYPTO_PWHASH_H

#include "base/err.h"

#define PWHASH_TEXT_MAX 128 /* NUL included */

struct pwhash_cost {
	uint64_t passes;
	size_t memory_bytes;
};

/* What libsodium calls interactive: 64 MiB, two passes. */
extern const struct pwhash_cost pwhash_cost_default;
/* The least argon2id takes: for tests. */
extern const struct pwhash_cost pwhash_cost_min;

enum err pwhash_make(const char *password, const struct pwhash_cost *cost,
		     char ret_text[static PWHASH_TEXT_MAX]);
enum err pwhash_verify(const char *text, const char *password);
/* True if `text` was made at another cost: hash anew after the next login. */
bool pwhash_outdated(const char *text, const struct pwhash_cost *cost);

#endif /* CRYPTO_PWHASH_H */
