/* SPDX-License-Identifier: MIT */
/*
 * Lease arithmetic: when an account may be given to a node.
 *
 * Both sides count on their own monotonic clock.  The node's deadline runs from
 * the moment it *sent* the request that was answered; the control plane's wait
 * runs from the moment it *answered*, which is later, plus grace.  So the node
 * has hung up before the account can be given away, whatever the network does.
 *
 * Pure: no clock, no store.  The epoch, the holder and "released" live in the
 * store; the time of the last answer lives in the control plane's memory only, and
 * counts from its start when it does not remember (`answered_known` false).
 *
 *   owner     views and holds are plain values
 *   threads   none
 *   failure   only settings that could not keep the promise are refused
 */
#ifndef FLEET_LEASE_H
#define FLEET_LEASE_H

#include "base/clock.h"
#include "base/err.h"

struct lease_rules {
	int64_t beat_us; /* a node beats this often */
	int64_t ttl_us;	 /* a lease lasts this long after the sending */
	int64_t grace_us;
};

/* ttl >= 3 beats, grace >= 2 % of ttl (clock rates), all positive. */
enum err lease_rules_check(const struct lease_rules *r, struct err_info *ei);

/* What the control plane knows of one account's lease. */
struct lease_view {
	int64_t epoch;	    /* 0 = never granted */
	const char *holder; /* last node; NULL = none */
	bool released;
	bool answered_known;  /* answered since this process started */
	struct mono answered; /* last grant or renewal answered */
};

enum lease_verdict {
	LEASE_GRANT,	/* free, or its holder asks again */
	LEASE_TAKEOVER, /* out, but over by the clock */
	LEASE_WAIT,	/* until *ret_until */
};

/*
 * May `node` be granted the account now?  `started` is when this process began.
 * A holder that asks again gets a new epoch at once: its state folder is locked,
 * so whatever ran under the old epoch on that node is gone or is this process.
 */
enum lease_verdict lease_may_grant(const struct lease_rules *r,
				   const struct lease_view *v, const char *node,
				   struct mono started, struct mono now,
				   struct mono *ret_until);
/* When the lease is over for every node, if nothing more is answered. */
struct mono lease_over_at(const struct lease_rules *r,
			  const struct lease_view *v, struct mono started);

/* The node's side: one account's right to be connected. */
struct lease_hold {
	int64_t epoch; /* 0 = none */
	struct mono deadline;
};

/*
 * An answer to the request sent at `sent` confirms `epoch` for ttl_us.  A higher
 * epoch replaces the hold; answers may come late and out of order, so a deadline
 * never moves back.  False, and nothing changes, for an older epoch.
 */
bool lease_hold_confirm(struct lease_hold *h, int64_t epoch, struct mono sent,
			int64_t ttl_us);
bool lease_hold_valid(const struct lease_hold *h, struct mono now);

#endif /* FLEET_LEASE_H */
