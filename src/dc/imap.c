/* SPDX-License-Identifier: MIT */
#include "dc/imap.h"

#include <stdlib.h>

#include "base/bug.h"

#define IMAP_FIRST 8U

static uint32_t slot_of(const struct imap *m, int64_t key)
{
	uint64_t h = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);

	h ^= h >> 32;
	return (uint32_t)h & (m->cap - 1);
}

static uint32_t find(const struct imap *m, int64_t key)
{
	uint32_t i = slot_of(m, key);

	while (m->slots[i].value && m->slots[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

void imap_deinit(struct imap *m)
{
	free(m->slots);
	*m = (struct imap){ 0 };
}

static enum err grow(struct imap *m)
{
	struct imap bigger = { .cap = m->cap ? m->cap * 2 : IMAP_FIRST };
	uint32_t i;

	if (bigger.cap > IMAP_MAX)
		return ERR_TOOBIG;
	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return ERR_NOMEM;
	for (i = 0; i < m->cap; i++) {
		if (m->slots[i].value)
			bigger.slots[find(&bigger, m->slots[i].key)] =
				m->slots[i];
	}
	bigger.len = m->len;
	free(m->slots);
	*m = bigger;
	return ERR_OK;
}

enum err imap_put(struct imap *m, int64_t key, void *value)
{
	enum err rc;
	uint32_t i;

	BUG_ON(!value);
	if (m->len * 2 >= m->cap) {
		rc = grow(m);
		if (rc)
			return rc;
	}
	i = find(m, key);
	if (!m->slots[i].value)
		m->len++;
	m->slots[i] = (struct imap_slot){ key, value };
	return ERR_OK;
}

void *imap_get(const struct imap *m, int64_t key)
{
	return m->len ? m->slots[find(m, key)].value : NULL;
}

/* Moves later entries of the same run up, so that no tombstones are needed. */
static void close_gap(struct imap *m, uint32_t gap)
{
	uint32_t i = gap;

	for (;;) {
		uint32_t home;

		i = (i + 1) & (m->cap - 1);
		if (!m->slots[i].value)
			break;
		home = slot_of(m, m->slots[i].key);
		if (((i - home) & (m->cap - 1)) < ((i - gap) & (m->cap - 1)))
			continue;
		m->slots[gap] = m->slots[i];
		gap = i;
	}
	m->slots[gap] = (struct imap_slot){ 0 };
}

void *imap_remove(struct imap *m, int64_t key)
{
	uint32_t i;
	void *value;

	if (!m->len)
		return NULL;
	i = find(m, key);
	value = m->slots[i].value;
	if (value) {
		m->len--;
		close_gap(m, i);
	}
	return value;
}

void *imap_next(const struct imap *m, uint32_t *cursor)
{
	while (*cursor < m->cap) {
		void *value = m->slots[(*cursor)++].value;

		if (value)
			return value;
	}
	return NULL;
}
