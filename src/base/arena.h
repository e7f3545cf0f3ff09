/* SPDX-License-Identifier: MIT */
/*
 * Memory that dies all at once: one request, one decoded message.
 *
 *   owner     whoever embeds it
 *   memory    chunks that double up to 64 KiB, total never above `max`;
 *             arena_reset() keeps the first chunk, arena_deinit() frees all
 *   failure   NULL above max or when out of memory
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"

struct arena_chunk;
struct arena_hook;

struct arena {
	struct arena_chunk *chunks;
	struct arena_hook *hooks;
	size_t used, max;
};

void arena_init(struct arena *a, size_t max);
void arena_deinit(struct arena *a);
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);
/* count * size, overflow checked. */
void *arena_array(struct arena *a, size_t count, size_t size);
void *arena_dup(struct arena *a, const void *data, size_t len);
/* A NUL-terminated copy of data[0, len). */
char *arena_str(struct arena *a, const void *data, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_FMT(2, 3);

/* Runs fn(ctx) when the arena is reset or freed, last added first. */
enum err arena_on_free(struct arena *a, void (*fn)(void *ctx), void *ctx);

#endif /* BASE_ARENA_H */
