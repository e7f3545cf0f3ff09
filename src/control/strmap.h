/* SPDX-License-Identifier: MIT */
/*
 * Text to pointer: nodes by id, accounts by id.
 *
 * A chained hash table with a per-process random seed, so that chosen names do
 * not collide on purpose.
 *
 *   owner     whoever embeds it; keys are copied, values are the caller's
 *   memory    an entry each plus its key, at most `max` entries
 *   failure   ERR_NOMEM, ERR_TOOBIG at max
 */
#ifndef CONTROL_STRMAP_H
#define CONTROL_STRMAP_H

#include "base/err.h"

struct strmap_entry;

struct strmap {
	struct strmap_entry **slots;
	size_t nslots, count, max;
	uint64_t seed;
};

void strmap_init(struct strmap *m, size_t max);
/* Values are the caller's: free them with strmap_next() before. */
void strmap_deinit(struct strmap *m);
void *strmap_get(const struct strmap *m, const char *key);
/* Replaces; value is not NULL. */
enum err strmap_set(struct strmap *m, const char *key, void *value);
/* The value that was there, or NULL. */
void *strmap_remove(struct strmap *m, const char *key);

/* Any order; the present entry may be removed while walking. */
struct strmap_iter {
	size_t slot;
	struct strmap_entry *next;
	const char *key;
	void *value;
};
struct strmap_iter strmap_iter(const struct strmap *m);
bool strmap_next(const struct strmap *m, struct strmap_iter *it);

#endif /* CONTROL_STRMAP_H */
