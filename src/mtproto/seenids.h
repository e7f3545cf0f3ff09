/* SPDX-License-Identifier: MIT */
/*
 * Message ids seen lately, so that nothing is handled twice.
 *
 * Ids are kept until they are so old that the time window refuses them anyway
 * (seenids_forget()), or until there are SEENIDS_MAX; the floor under what was
 * forgotten refuses everything below it.
 *
 *   memory    a few ids inline, more on the heap while traffic is dense
 */
#ifndef MTPROTO_SEENIDS_H
#define MTPROTO_SEENIDS_H

#include "base/err.h"

#define SEENIDS_INLINE 12U
#define SEENIDS_MAX 2048U

struct seenids {
	uint64_t few[SEENIDS_INLINE];
	uint64_t *many; /* NULL while `few` is enough */
	uint64_t floor;
	uint32_t n, cap;
};

void seenids_init(struct seenids *s);
void seenids_deinit(struct seenids *s);
/* *ret_fresh: false if seen before, or at or below the floor. */
enum err seenids_add(struct seenids *s, uint64_t id, bool *ret_fresh);
bool seenids_has(const struct seenids *s, uint64_t id);
/* Drops ids below `below`, which becomes the floor. */
void seenids_forget(struct seenids *s, uint64_t below);

#endif /* MTPROTO_SEENIDS_H */
