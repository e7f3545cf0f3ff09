/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN 1024U
#define CHUNK_MAX 65536U
#define ALIGN (alignof(max_align_t))

struct arena_chunk {
	struct arena_chunk *next; /* older */
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

struct arena_hook {
	struct arena_hook *next;
	void (*fn)(void *ctx);
	void *ctx;
};

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

static void run_hooks(struct arena *a)
{
	while (a->hooks) {
		struct arena_hook *h = a->hooks;

		a->hooks = h->next;
		h->fn(h->ctx);
	}
}

static void free_chunks(struct arena *a, bool keep_first)
{
	struct arena_chunk *c = a->chunks;

	while (c && (c->next || !keep_first)) {
		struct arena_chunk *older = c->next;

		free(c);
		c = older;
	}
	a->chunks = c;
	if (c)
		c->used = 0;
}

void arena_deinit(struct arena *a)
{
	run_hooks(a);
	free_chunks(a, false);
	*a = (struct arena){ .max = a->max };
}

void arena_reset(struct arena *a)
{
	run_hooks(a);
	free_chunks(a, true);
	a->used = 0;
}

static struct arena_chunk *add_chunk(struct arena *a, size_t need)
{
	size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_MIN;
	struct arena_chunk *c;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	c = malloc(sizeof(*c) + size);
	if (!c)
		return NULL;
	*c = (struct arena_chunk){ .next = a->chunks, .size = size };
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	if (size > a->max)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (size == 0)
		size = ALIGN;
	if (a->used > a->max || size > a->max - a->used)
		return NULL;
	if (!c || size > c->size - c->used)
		c = add_chunk(a, size);
	if (!c)
		return NULL;
	p = c->data + c->used;
	c->used += size;
	a->used += size;
	memset(p, 0, size);
	return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc(a, total);
}

void *arena_dup(struct arena *a, const void *data, size_t len)
{
	void *p = arena_alloc(a, len);

	if (p && len > 0)
		memcpy(p, data, len);
	return p;
}

char *arena_str(struct arena *a, const void *data, size_t len)
{
	char *p = len < SIZE_MAX ? arena_alloc(a, len + 1) : NULL;

	if (p && len > 0)
		memcpy(p, data, len);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	p = arena_alloc(a, (size_t)n + 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

enum err arena_on_free(struct arena *a, void (*fn)(void *ctx), void *ctx)
{
	struct arena_hook *h = arena_alloc(a, sizeof(*h));

	if (!h)
		return ERR_NOMEM;
	*h = (struct arena_hook){ a->hooks, fn, ctx };
	a->hooks = h;
	return ERR_OK;
}
