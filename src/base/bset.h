/* SPDX-License-Identifier: MIT */
/*
 * A set of small integers (id table indices), safe to change while walking.
 * Used for "dirty", "due", "wants to write": work follows what changed.
 */
#ifndef BASE_BSET_H
#define BASE_BSET_H

#include "base/err.h"

struct bset {
	uint64_t *words;
	uint32_t nwords;
	uint32_t count;
};

void bset_init(struct bset *s);
void bset_deinit(struct bset *s);
enum err bset_add(struct bset *s, uint32_t bit);
void bset_remove(struct bset *s, uint32_t bit);
bool bset_has(const struct bset *s, uint32_t bit);
/* The smallest member >= from; false when there is none. */
bool bset_next(const struct bset *s, uint32_t from, uint32_t *ret);

#endif /* BASE_BSET_H */
