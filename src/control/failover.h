/* SPDX-License-Identifier: MIT */
/*
 * What happens to the accounts of a node that is gone.
 *
 * `beats`: how often it had been heard when our clock judged it.  Heard since, by
 * whichever replica, nothing is changed; two replicas at once do it once.
 *
 *   failure   logged here; the node's timer tries again
 */
#ifndef CONTROL_FAILOVER_H
#define CONTROL_FAILOVER_H

#include "control/control_int.h"

/* Its accounts show offline, last error "node offline".  False: try again. */
bool failover_mark_offline(struct control *c, const char *node_id,
			   int64_t beats);
/*
 * Its leases of at most ttl_us are over by the clock: stored as released.  False:
 * some are left, try again.
 */
bool failover_end_leases(struct control *c, const char *node_id, int64_t beats,
			 int64_t ttl_us);
/*
 * Its leases are over: wanted accounts get another node.  The grant itself is
 * still decided account by account when that node beats.
 */
void failover_move(struct control *c, const char *node_id, int64_t beats);

#endif /* CONTROL_FAILOVER_H */
