/* SPDX-License-Identifier: MIT */
#include "base/idtab.h"

#include <stdlib.h>

#include "base/bug.h"

#define NO_SLOT UINT32_MAX

struct idtab_slot {
	void *obj;     /* NULL = free */
	uint32_t gen;  /* never 0 once used */
	uint32_t next; /* free list */
};

void idtab_init(struct idtab *t, uint32_t max)
{
	*t = (struct idtab){ .free_head = NO_SLOT, .max = max };
}

void idtab_deinit(struct idtab *t)
{
	free(t->slots);
	idtab_init(t, t->max);
}

static enum err grow(struct idtab *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : 16;
	struct idtab_slot *slots;

	if (cap > t->max)
		cap = t->max;
	if (cap <= t->cap)
		return ERR_TOOBIG;
	slots = realloc(t->slots, cap * sizeof(*slots));
	if (!slots)
		return ERR_NOMEM;
	/* lowest index first, so tables stay dense */
	for (uint32_t i = cap; i-- > t->cap;) {
		slots[i] = (struct idtab_slot){ .next = t->free_head };
		t->free_head = i;
	}
	t->slots = slots;
	t->cap = cap;
	return ERR_OK;
}

enum err idtab_add(struct idtab *t, void *obj, uint64_t *ret_id)
{
	struct idtab_slot *s;
	uint32_t index;
	enum err rc;

	BUG_ON(!obj);
	if (t->free_head == NO_SLOT) {
		rc = grow(t);
		if (rc)
			return rc;
	}
	index = t->free_head;
	s = &t->slots[index];
	t->free_head = s->next;
	s->obj = obj;
	s->gen = s->gen == UINT32_MAX ? 1 : s->gen + 1;
	t->used++;
	*ret_id = (uint64_t)s->gen << 32 | index;
	return ERR_OK;
}

static struct idtab_slot *resolve(const struct idtab *t, uint64_t id)
{
	uint32_t index = idtab_index(id);
	struct idtab_slot *s;

	if (index >= t->cap)
		return NULL;
	s = &t->slots[index];
	return s->obj && s->gen == (uint32_t)(id >> 32) ? s : NULL;
}

void *idtab_get(const struct idtab *t, uint64_t id)
{
	const struct idtab_slot *s = resolve(t, id);

	return s ? s->obj : NULL;
}

void *idtab_remove(struct idtab *t, uint64_t id)
{
	struct idtab_slot *s = resolve(t, id);
	void *obj;

	if (!s)
		return NULL;
	obj = s->obj;
	s->obj = NULL;
	s->next = t->free_head;
	t->free_head = idtab_index(id);
	t->used--;
	return obj;
}

void *idtab_next(const struct idtab *t, uint32_t *cursor)
{
	while (*cursor < t->cap) {
		void *obj = t->slots[(*cursor)++].obj;

		if (obj)
			return obj;
	}
	return NULL;
}
