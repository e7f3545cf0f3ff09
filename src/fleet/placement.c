/* SPDX-License-Identifier: MIT */
#include "fleet/placement.h"

#include <stdlib.h>
#include <string.h>

#define PLACEMENT_NODES_MAX 100000
#define PLACEMENT_ROOM_MAX INT64_C(1000000000) /* products fit 64 bits */

#define PLACEMENT_WRAPPED (1U << 31) /* its turn is after all others' */

struct placement_slot {
	const char *id;
	size_t node;
	int64_t used, keeps;
	uint32_t given; /* picks of this placement */
	uint32_t order; /* by id; in round robin from `last` on */
};

static int64_t placement_room(const struct placement_node *n)
{
	return n->max < PLACEMENT_ROOM_MAX ? n->max : PLACEMENT_ROOM_MAX;
}

/* Below 0: a is the better choice.  Never 0 for two nodes. */
static int64_t placement_cmp(const struct placement *p,
			     const struct placement_slot *a,
			     const struct placement_slot *b)
{
	const struct placement_node *na = &p->nodes[a->node];
	const struct placement_node *nb = &p->nodes[b->node];
	int64_t d = 0;

	switch (p->strategy) {
	case PLACEMENT_BALANCED:
		d = a->used * placement_room(nb) - b->used * placement_room(na);
		break;
	case PLACEMENT_LEAST_LOADED:
		d = a->used - b->used;
		break;
	case PLACEMENT_ROUND_ROBIN:
		d = (int64_t)a->given - b->given;
		break;
	}
	if (d == 0)
		d = (a->keeps <= 0) - (b->keeps <= 0);
	if (d == 0 && p->strategy == PLACEMENT_BALANCED)
		d = a->used - b->used;
	return d ? d : (int64_t)a->order - b->order;
}

static void placement_sift(struct placement *p, size_t i)
{
	struct placement_slot *h = p->heap;

	for (;;) {
		size_t best = i;
		struct placement_slot tmp;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < p->n; c++)
			if (placement_cmp(p, &h[c], &h[best]) < 0)
				best = c;
		if (best == i)
			return;
		tmp = h[i];
		h[i] = h[best];
		h[best] = tmp;
		i = best;
	}
}

static bool placement_has_room(const struct placement *p,
			       const struct placement_slot *s)
{
	return s->used < placement_room(&p->nodes[s->node]);
}

static int placement_by_id(const void *a, const void *b)
{
	const struct placement_slot *x = a, *y = b;

	return strcmp(x->id, y->id);
}

/* A round goes up by id from after `last`; ids up to it come at the end. */
static void placement_order(struct placement *p, const char *last)
{
	qsort(p->heap, p->n, sizeof(*p->heap), placement_by_id);
	for (size_t i = 0; i < p->n; i++) {
		struct placement_slot *s = &p->heap[i];

		s->order = (uint32_t)i;
		if (p->strategy == PLACEMENT_ROUND_ROBIN && last &&
		    strcmp(s->id, last) <= 0)
			s->order |= PLACEMENT_WRAPPED;
	}
}

enum err placement_init(struct placement *p, enum placement_strategy strategy,
			const struct placement_node *nodes, size_t n,
			const char *last, struct err_info *ei)
{
	*p = (struct placement){ .nodes = nodes, .strategy = strategy };
	if (n > PLACEMENT_NODES_MAX)
		return err_set(ei, ERR_TOOBIG, "%zu nodes, at most %d", n,
			       PLACEMENT_NODES_MAX);
	p->heap = calloc(n ? n : 1, sizeof(*p->heap));
	if (!p->heap)
		return err_set(ei, ERR_NOMEM, "placement of %zu nodes", n);
	for (size_t i = 0; i < n; i++) {
		struct placement_slot s = { .id = nodes[i].node_id,
					    .node = i,
					    .used = nodes[i].used,
					    .keeps = nodes[i].keeps };

		if (s.used < 0)
			s.used = 0;
		if (nodes[i].usable && placement_has_room(p, &s))
			p->heap[p->n++] = s;
	}
	placement_order(p, last);
	for (size_t i = p->n / 2; i-- > 0;)
		placement_sift(p, i);
	return ERR_OK;
}

void placement_deinit(struct placement *p)
{
	free(p->heap);
	*p = (struct placement){ 0 };
}

bool placement_next(struct placement *p, size_t *ret_index)
{
	struct placement_slot *top = p->heap;

	if (p->n == 0)
		return false;
	*ret_index = top->node;
	top->used++;
	top->given++;
	top->keeps--;
	if (!placement_has_room(p, top))
		*top = p->heap[--p->n];
	placement_sift(p, 0);
	return true;
}

enum err placement_parse(const char *text, enum placement_strategy *ret,
			 struct err_info *ei)
{
	static const char *const names[] = { "balanced", "least_loaded",
					     "round_robin" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum placement_strategy)i;
			return ERR_OK;
		}
	}
	return err_set(ei, ERR_INVALID,
		       "unknown strategy \"%.40s\": use balanced, "
		       "least_loaded or round_robin",
		       text);
}
