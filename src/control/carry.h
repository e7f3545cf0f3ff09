/* SPDX-License-Identifier: MIT */
/*
 * What goes with an account from node to node: its position in its updates and
 * the waits Telegram asked for.  Nodes tell them in heartbeats, the store keeps
 * them as text, the grant of a lease hands them out.
 *
 *   owner     texts and lists: the arena
 *   memory    STORE_POSITION_MAX and STORE_LIMITS_MAX
 *   threads   none
 *   failure   what the store holds and is damaged: the grant fails, named
 */
#ifndef CONTROL_CARRY_H
#define CONTROL_CARRY_H

#include "control/control_int.h"
#include "wire/wire_beat.h"

/* *ret stays as it is when there is nothing to keep. */
enum err carry_position_text(const struct wire_account *acc, struct arena *a,
			     const char **ret);
enum err carry_limits_text(const struct wire_account *acc, struct arena *a,
			   const char **ret);
/* Into a lease that was granted just now. */
enum err carry_add(struct control *c, struct arena *a, struct wire_lease *l,
		   struct err_info *ei);

#endif /* CONTROL_CARRY_H */
