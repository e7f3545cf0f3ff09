/* SPDX-License-Identifier: MIT */
/*
 * Bytes that must not leak: auth keys, tokens, passwords, the master key.
 *
 * The struct holds a pointer to locked, dump-excluded memory and cannot be
 * printed by %s; there is no log field that takes one.  Memory comes from
 * locked pages shared by many secrets (mlock, MADV_DONTDUMP), zeroed on deinit.
 *
 *   owner     whoever embeds it
 *   failure   ERR_NOMEM; ERR_TOOBIG above SECRET_MAX
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"

#define SECRET_MAX 4096

struct secret {
	uint8_t *bytes; /* NULL when empty */
	size_t len;
};

/* Copies; the caller wipes its own copy with secret_wipe(). */
enum err secret_init(struct secret *s, const void *data, size_t len);
void secret_deinit(struct secret *s);
/* Constant time in the content; lengths are not secret. */
bool secret_equal(const struct secret *s, const void *data, size_t len);
/* Overwrites in a way the compiler may not drop. */
void secret_wipe(void *data, size_t len);
/* Constant-time comparison of two plain regions. */
bool secret_memeq(const void *a, const void *b, size_t len);

#endif /* BASE_SECRET_H */
