/* SPDX-License-Identifier: MIT */
/*
 * How often a password may be tried: by an address in a minute, and for a user in
 * a row.  Whoever verifies one asks first, counts, and says how it ended.
 *
 *   memory    control->limits, one entry an address that failed lately
 *   failure   ERR_FLOOD with the seconds left in ei->arg
 */
#ifndef CONTROL_ATTEMPTS_H
#define CONTROL_ATTEMPTS_H

#include "store/store.h"

struct control;

enum err attempts_check_address(struct control *c, const char *remote,
				struct err_info *ei);
/* Locked after too many failures in a row. */
enum err attempts_check_user(struct control *c, const struct store_user *u,
			     struct err_info *ei);
/* Counted when it begins: what runs in parallel counts too. */
enum err attempts_count(struct control *c, const char *remote);
/* Only failures stay counted; with the commit, if a change is under way. */
enum err attempts_good(struct control *c, const char *remote,
		       struct err_info *ei);
/* user_id 0: nobody. */
void attempts_failed(struct control *c, int64_t user_id, const char *remote);

#endif /* CONTROL_ATTEMPTS_H */
