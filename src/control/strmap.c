/* SPDX-License-Identifier: MIT */
#include "control/strmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/rnd.h"

#define SLOTS_MIN 64

struct strmap_entry {
	struct strmap_entry *next;
	void *value;
	char key[];
};

void strmap_init(struct strmap *m, size_t max)
{
	*m = (struct strmap){ .max = max, .seed = rnd_u64(rnd_system()) };
}

void strmap_deinit(struct strmap *m)
{
	for (size_t i = 0; i < m->nslots; i++)
		for (struct strmap_entry *e = m->slots[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	free(m->slots);
	*m = (struct strmap){ .max = m->max, .seed = m->seed };
}

/* FNV-1a over a secret start, finished by a multiply-shift mix. */
static uint64_t hash(const struct strmap *m, const char *key)
{
	uint64_t h = m->seed ^ UINT64_C(0xcbf29ce484222325);

	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * UINT64_C(0x100000001b3);
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 29;
}

static struct strmap_entry **find(const struct strmap *m, const char *key)
{
	struct strmap_entry **at = &m->slots[hash(m, key) & (m->nslots - 1)];

	while (*at && strcmp((*at)->key, key) != 0)
		at = &(*at)->next;
	return at;
}

void *strmap_get(const struct strmap *m, const char *key)
{
	struct strmap_entry *e = m->nslots ? *find(m, key) : NULL;

	return e ? e->value : NULL;
}

static enum err grow(struct strmap *m)
{
	size_t n = m->nslots ? m->nslots * 2 : SLOTS_MIN;
	struct strmap_entry **slots = calloc(n, sizeof(void *));

	if (!slots)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->nslots; i++)
		for (struct strmap_entry *e = m->slots[i], *next; e; e = next) {
			size_t to = hash(m, e->key) & (n - 1);

			next = e->next;
			e->next = slots[to];
			slots[to] = e;
		}
	free(m->slots);
	m->slots = slots;
	m->nslots = n;
	return ERR_OK;
}

enum err strmap_set(struct strmap *m, const char *key, void *value)
{
	struct strmap_entry **at, *e;
	size_t len = strlen(key) + 1;
	enum err rc;

	if (m->count >= m->nslots) {
		rc = grow(m);
		if (rc)
			return rc;
	}
	at = find(m, key);
	if (*at) {
		(*at)->value = value;
		return ERR_OK;
	}
	if (m->count >= m->max)
		return ERR_TOOBIG;
	e = malloc(sizeof(*e) + len);
	if (!e)
		return ERR_NOMEM;
	*e = (struct strmap_entry){ .value = value };
	memcpy(e->key, key, len);
	*at = e;
	m->count++;
	return ERR_OK;
}

void *strmap_remove(struct strmap *m, const char *key)
{
	struct strmap_entry **at, *e;
	void *value;

	if (!m->nslots)
		return NULL;
	at = find(m, key);
	e = *at;
	if (!e)
		return NULL;
	value = e->value;
	*at = e->next;
	free(e);
	m->count--;
	return value;
}

struct strmap_iter strmap_iter(const struct strmap *m)
{
	return (struct strmap_iter){ .slot = 0 };
}

bool strmap_next(const struct strmap *m, struct strmap_iter *it)
{
	while (!it->next && it->slot < m->nslots)
		it->next = m->slots[it->slot++];
	if (!it->next)
		return false;
	it->key = it->next->key;
	it->value = it->next->value;
	it->next = it->next->next;
	return true;
}
