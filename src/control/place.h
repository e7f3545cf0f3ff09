/* SPDX-License-Identifier: MIT */
/*
 * Picking nodes for accounts that have none: fleet/placement over the nodes that
 * are online, not draining, and able to receive a session.
 *
 *   owner     the caller, for one batch of picks
 *   memory    in the caller's arena, which must outlive it
 */
#ifndef CONTROL_PLACE_H
#define CONTROL_PLACE_H

#include "control/control_int.h"
#include "fleet/placement.h"

struct place {
	struct placement_node *nodes;
	size_t n;
	struct placement p;
};

enum err place_init(struct place *pl, struct control *c, struct arena *a,
		    struct err_info *ei);
void place_deinit(struct place *pl);
/* NULL when nobody has room. */
const char *place_next(struct place *pl);

#endif /* CONTROL_PLACE_H */
