/* SPDX-License-Identifier: MIT */
/*
 * Ids instead of pointers.
 *
 * A table hands out {index, generation} packed in a uint64_t; 0 is never an id.
 * Looking up an id whose object is gone gives NULL, also when its index was used
 * again.  Callbacks and timers carry ids and resolve them when they run.
 *
 *   owner     whoever embeds it; the objects are the caller's
 *   memory    16 bytes an entry, grows by doubling up to `max` entries
 */
#ifndef BASE_IDTAB_H
#define BASE_IDTAB_H

#include "base/err.h"

struct idtab_slot;

struct idtab {
	struct idtab_slot *slots;
	uint32_t cap, used, free_head, max;
};

void idtab_init(struct idtab *t, uint32_t max);
/* The table must be empty or its objects already the caller's again. */
void idtab_deinit(struct idtab *t);

enum err idtab_add(struct idtab *t, void *obj, uint64_t *ret_id);
void *idtab_get(const struct idtab *t, uint64_t id);
/* Returns the object, or NULL when the id is stale. */
void *idtab_remove(struct idtab *t, uint64_t id);
/* Iterates in index order; *cursor starts at 0; NULL at the end. */
void *idtab_next(const struct idtab *t, uint32_t *cursor);

static inline uint32_t idtab_index(uint64_t id)
{
	return (uint32_t)id;
}

#endif /* BASE_IDTAB_H */
