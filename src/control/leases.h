/* SPDX-License-Identifier: MIT */
/*
 * Who may run what: the answer to a heartbeat.
 *
 * The store keeps holder, epoch, renewals and "released"; this keeps, per account,
 * when it first saw them as they are, on our own clock.  It is the only place that
 * grants, and it follows fleet/lease.h.
 *
 *   memory    one small struct an account under lease
 */
#ifndef CONTROL_LEASES_H
#define CONTROL_LEASES_H

#include "control/control_int.h"
#include "wire/wire_beat.h"

void leases_free(struct control *c);
/* A node's beat, and its report as it was applied. */
struct leases_ask {
	const struct principal *node;
	const struct wire_beat *beat;
	const struct store_heartbeat *hb;
};
/*
 * Fills leases and stops of *ans for a node whose report was applied.  Call
 * it inside the store's batch; the grants count when the commit succeeded.
 */
enum err leases_answer(struct control *c, const struct leases_ask *ask,
		       struct arena *a, struct wire_answer *ans,
		       struct err_info *ei);
/* Revoked, banned: connecting again cannot help, only an operator can. */
bool leases_terminal(const char *status);
/* Should some node run it? */
bool leases_wanted(const struct store_assignment *as);

#endif /* CONTROL_LEASES_H */
