/* SPDX-License-Identifier: MIT */
/*
 * Which node an account goes to.
 *
 * Only accounts without a node are placed; one that has a node stays there, so a
 * placement never moves anything.  Deterministic: the same nodes in any order give
 * the same answers, ties go to the smaller node id.
 *
 *	placement_init(&p, PLACEMENT_BALANCED, nodes, n, NULL, ei);
 *	while (more && placement_next(&p, &i))
 *		... account goes to nodes[i] ...
 *
 *   owner     whoever embeds it; `nodes` are borrowed until deinit
 *   memory    40 bytes a node; a pick costs O(log n)
 *   threads   none
 */
#ifndef FLEET_PLACEMENT_H
#define FLEET_PLACEMENT_H

#include "base/err.h"

enum placement_strategy {
	PLACEMENT_BALANCED,	/* the smallest share of its room in use */
	PLACEMENT_LEAST_LOADED, /* the fewest accounts */
	PLACEMENT_ROUND_ROBIN,	/* each in turn, by id */
};

struct placement_node {
	const char *node_id;
	bool usable; /* online and not draining */
	int64_t used, max;
	/* This many picks of it leave an account where it is: among nodes that
	 * are equal otherwise they come first (fleet/allocate). */
	int64_t keeps;
};

struct placement_slot;

struct placement {
	const struct placement_node *nodes;
	enum placement_strategy strategy;
	struct placement_slot *heap;
	size_t n;
};

/* "balanced", "least_loaded", "round_robin"; ERR_INVALID naming the choices. */
enum err placement_parse(const char *text, enum placement_strategy *ret,
			 struct err_info *ei);
/* Round robin begins after the node `last`, if there is one. */
enum err placement_init(struct placement *p, enum placement_strategy strategy,
			const struct placement_node *nodes, size_t n,
			const char *last, struct err_info *ei);
void placement_deinit(struct placement *p);
/* The node for one more account, which is counted; false when all are full. */
bool placement_next(struct placement *p, size_t *ret_index);

#endif /* FLEET_PLACEMENT_H */
