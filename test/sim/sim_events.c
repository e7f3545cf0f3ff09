/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static bool sooner(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
	struct sim_event t = *a;

	*a = *b;
	*b = t;
}

static void put_in(struct sim *s, const struct sim_event *ev)
{
	size_t i = s->nheap++;

	if (s->nheap > s->heap_cap) {
		s->heap_cap = s->heap_cap ? 2 * s->heap_cap : 1024;
		s->heap = realloc(s->heap, s->heap_cap * sizeof(*s->heap));
		if (!s->heap)
			abort();
	}
	if (s->nheap > s->heap_max)
		s->heap_max = s->nheap;
	s->heap[i] = *ev;
	s->heap[i].order = s->order++;
	for (; i && sooner(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&s->heap[i], &s->heap[(i - 1) / 2]);
}

void sim_plan(struct sim *s, int64_t delay_us, enum sim_what what, uint64_t a,
	      uint64_t b, const void *data, size_t len)
{
	struct sim_event ev = { .at = sim_now(s) + delay_us,
				.born = sim_now(s),
				.what = what,
				.a = a,
				.b = b,
				.len = len };

	if (len) {
		ev.data = malloc(len);
		if (!ev.data)
			abort();
		memcpy(ev.data, data, len);
	}
	put_in(s, &ev);
}

void sim_plan_again(struct sim *s, int64_t delay_us, struct sim_event *ev)
{
	struct sim_event later = *ev;

	later.at = sim_now(s) + delay_us;
	ev->data = NULL;
	ev->len = 0;
	put_in(s, &later);
}

bool sim_next_event(struct sim *s, int64_t before, struct sim_event *ret)
{
	size_t i = 0;

	if (!s->nheap || s->heap[0].at > before)
		return false;
	*ret = s->heap[0];
	s->heap[0] = s->heap[--s->nheap];
	for (;;) {
		size_t k = 2 * i + 1;

		if (k >= s->nheap)
			return true;
		if (k + 1 < s->nheap && sooner(&s->heap[k + 1], &s->heap[k]))
			k++;
		if (!sooner(&s->heap[k], &s->heap[i]))
			return true;
		swap(&s->heap[k], &s->heap[i]);
		i = k;
	}
}

void sim_drop_events(struct sim *s)
{
	for (size_t i = 0; i < s->nheap; i++)
		free(s->heap[i].data);
	free(s->heap);
	s->heap = NULL;
	s->nheap = s->heap_cap = 0;
}

/* Eight bytes at a time; not against anybody, only against chance. */
void sim_trace(struct sim *s, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t h = s->trace ^ len;

	while (len) {
		size_t n = len < 8 ? len : 8;
		uint64_t word = 0;

		memcpy(&word, at, n);
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
		at += n;
		len -= n;
	}
	s->trace = h;
}
