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

void sim_plan(struct sim *s, int64_t delay_us, enum sim_what what, uint64_t a,
	      uint64_t b, const void *data, size_t len)
{
	size_t i = s->nheap++;

	if (s->nheap > s->heap_cap) {
		s->heap_cap = s->heap_cap ? 2 * s->heap_cap : 1024;
		s->heap = realloc(s->heap, s->heap_cap * sizeof(*s->heap));
		if (!s->heap)
			abort();
	}
	s->heap[i] = (struct sim_event){ .at = sim_now(s) + delay_us,
					 .order = s->order++,
					 .what = what,
					 .a = a,
					 .b = b,
					 .len = len };
	if (len) {
		s->heap[i].data = malloc(len);
		if (!s->heap[i].data)
			abort();
		memcpy(s->heap[i].data, data, len);
	}
	for (; i && sooner(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&s->heap[i], &s->heap[(i - 1) / 2]);
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
