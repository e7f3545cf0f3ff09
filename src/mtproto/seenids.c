/* SPDX-License-Identifier: MIT */
#include "mtproto/seenids.h"

#include <stdlib.h>
#include <string.h>

void seenids_init(struct seenids *s)
{
	*s = (struct seenids){ .cap = SEENIDS_INLINE };
}

void seenids_deinit(struct seenids *s)
{
	free(s->many);
	seenids_init(s);
}

/* Ascending. */
static const uint64_t *ids(const struct seenids *s)
{
	return s->many ? s->many : s->few;
}

static uint64_t *room(struct seenids *s)
{
	return s->many ? s->many : s->few;
}

/* Index of the first id >= id.  Ids mostly arrive in order: try the end. */
static uint32_t lower_bound(const struct seenids *s, uint64_t id)
{
	const uint64_t *v = ids(s);
	uint32_t lo = 0, hi = s->n;

	if (s->n > 0 && v[s->n - 1] < id)
		return s->n;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool seenids_has(const struct seenids *s, uint64_t id)
{
	uint32_t at = lower_bound(s, id);

	return id <= s->floor || (at < s->n && ids(s)[at] == id);
}

static enum err grow(struct seenids *s)
{
	uint32_t cap = s->cap * 2 < SEENIDS_MAX ? s->cap * 2 : SEENIDS_MAX;
	uint64_t *v = malloc(cap * sizeof(*v));

	if (!v)
		return ERR_NOMEM;
	memcpy(v, ids(s), s->n * sizeof(*v));
	free(s->many);
	s->many = v;
	s->cap = cap;
	return ERR_OK;
}

/* Lets go of the n lowest, under which everything is refused from now on. */
static void drop(struct seenids *s, uint32_t n)
{
	uint64_t *v = room(s);

	if (n == 0)
		return;
	if (v[n - 1] > s->floor)
		s->floor = v[n - 1];
	s->n -= n;
	memmove(v, v + n, s->n * sizeof(*v));
	if (s->many && s->n <= SEENIDS_INLINE / 2) {
		memcpy(s->few, s->many, s->n * sizeof(*v));
		free(s->many);
		s->many = NULL;
		s->cap = SEENIDS_INLINE;
	}
}

enum err seenids_add(struct seenids *s, uint64_t id, bool *ret_fresh)
{
	uint64_t *v;
	uint32_t at;

	if (seenids_has(s, id)) {
		*ret_fresh = false;
		return ERR_OK;
	}
	if (s->n == s->cap && s->cap < SEENIDS_MAX) {
		enum err rc = grow(s);

		if (rc)
			return rc;
	}
	/* Below everything kept, in a full set: as if below the floor. */
	if (s->n == s->cap && id < ids(s)[0]) {
		*ret_fresh = false;
		return ERR_OK;
	}
	if (s->n == s->cap)
		drop(s, s->n / 8);
	at = lower_bound(s, id);
	v = room(s);
	memmove(v + at + 1, v + at, (s->n - at) * sizeof(*v));
	v[at] = id;
	s->n++;
	*ret_fresh = true;
	return ERR_OK;
}

void seenids_forget(struct seenids *s, uint64_t below)
{
	drop(s, lower_bound(s, below));
	if (below > 0 && below - 1 > s->floor)
		s->floor = below - 1;
}
