/* SPDX-License-Identifier: MIT */
/*
 * A map from 64-bit keys to pointers: open addressing, half full at most.
 * The emulator's worlds are keyed by ids and message ids; a lookup must not
 * depend on how many there are.
 *
 *   owner     whoever embeds it; the values are the caller's
 *   memory    16 bytes a slot, never given back before deinit; IMAP_MAX keys
 *   failure   ERR_NOMEM, ERR_TOOBIG; the map stays as it was
 */
#ifndef DC_IMAP_H
#define DC_IMAP_H

#include "base/err.h"

#define IMAP_MAX (1U << 26)

struct imap_slot {
	int64_t key;
	void *value; /* NULL = free */
};

struct imap {
	struct imap_slot *slots;
	uint32_t cap, len;
};

void imap_deinit(struct imap *m);
/* value must not be NULL; replaces. */
enum err imap_put(struct imap *m, int64_t key, void *value);
void *imap_get(const struct imap *m, int64_t key);
void *imap_remove(struct imap *m, int64_t key);
/* *cursor starts at 0; NULL at the end.  No changes while walking. */
void *imap_next(const struct imap *m, uint32_t *cursor);

#endif /* DC_IMAP_H */
