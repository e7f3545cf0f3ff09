/* SPDX-License-Identifier: MIT */
/*
 * Other serves on the same database.
 *
 * What matters is settled there, by conditional writes (leases, commands,
 * failover).  This is what makes it quick, and what looks after what only one
 * process knows:
 *
 *	calls	 "there is news for node x", told with the commit that made it
 *	looks	 at the nodes, three times an interval: who was heard by others,
 *		 and what a lost call would have told
 *	beats	 of ours, so that others see us; jobs of one that is gone end as
 *		 "interrupted"
 *	waiting	 each second: starts and jobs that others may have finished
 *
 * On SQLite there is one serve, and none of this runs.
 *
 *   owner     control
 *   failure   looked again with the next look; logged
 */
#ifndef CONTROL_REPLICAS_H
#define CONTROL_REPLICAS_H

#include "control/control_int.h"

/* Ours, from the data folder; made when there is none: c->replica_id. */
enum err replicas_name(struct control *c, struct arena *a, struct err_info *ei);
/* What we and those who are gone had not finished is; then we are there. */
enum err replicas_start(struct control *c, struct err_info *ei);
void replicas_free(struct control *c);
/* There is news for this node: told to the others with the change under way. */
void replicas_call(struct control *c, const char *node_id);

#endif /* CONTROL_REPLICAS_H */
