/* SPDX-License-Identifier: MIT */
#include "base/bset.h"

#include <stdlib.h>
#include <string.h>

void bset_init(struct bset *s)
{
	*s = (struct bset){ 0 };
}

void bset_deinit(struct bset *s)
{
	free(s->words);
	bset_init(s);
}

static enum err grow(struct bset *s, uint32_t word)
{
	uint32_t n = s->nwords ? s->nwords : 1;
	uint64_t *words;

	while (n <= word)
		n *= 2;
	words = realloc(s->words, n * sizeof(*words));
	if (!words)
		return ERR_NOMEM;
	memset(words + s->nwords, 0, (n - s->nwords) * sizeof(*words));
	s->words = words;
	s->nwords = n;
	return ERR_OK;
}

enum err bset_add(struct bset *s, uint32_t bit)
{
	uint64_t mask = UINT64_C(1) << (bit % 64);
	uint32_t word = bit / 64;
	enum err rc;

	if (word >= s->nwords) {
		rc = grow(s, word);
		if (rc)
			return rc;
	}
	if (!(s->words[word] & mask))
		s->count++;
	s->words[word] |= mask;
	return ERR_OK;
}

void bset_remove(struct bset *s, uint32_t bit)
{
	if (!bset_has(s, bit))
		return;
	s->words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
	s->count--;
}

bool bset_has(const struct bset *s, uint32_t bit)
{
	return bit / 64 < s->nwords && s->words[bit / 64] >> (bit % 64) & 1;
}

bool bset_next(const struct bset *s, uint32_t from, uint32_t *ret)
{
	for (uint32_t word = from / 64; word < s->nwords; word++) {
		uint64_t w = s->words[word];

		if (word == from / 64)
			w &= ~UINT64_C(0) << (from % 64);
		if (w) {
			*ret = word * 64 + (uint32_t)__builtin_ctzll(w);
			return true;
		}
	}
	return false;
}
