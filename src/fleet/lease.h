/* SPDX-License-Identifier: MIT */
/*
 * Lease arithmetic: when an account may be given to a node.
 *
 * Both sides count on their own monotonic clock.  The node's deadline runs from
 * the moment it *sent* the request that was answered.  The control plane may be
 * several processes on one store, and any of them may have answered; what each
 * knows is when it first *saw* the lease as it stands in the store.  A renewal
 * changes the lease there before it is answered, so the last answered one was
 * sent before that, and the wait runs from then, plus grace: the node has hung
 * up before the account can be given away, whatever the network does.
 *
 * Pure: no clock, no store.  Epoch, renewals, holder, "released" and ttl live in
 * the store; the time of the first sight lives in the memory of who saw it.
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

/* Which state of a lease: no other one, before or after, has the same. */
struct lease_stamp {
	int64_t epoch;	  /* 0 = never granted */
	int64_t renewals; /* of this epoch */
};

/* What one control plane knows of one account's lease. */
struct lease_view {
	struct lease_stamp stamp;
	const char *holder; /* last node; NULL = none */
	bool released;
	int64_t ttl_us;	  /* its holder was told so, at most; 0 = as we would */
	struct mono seen; /* when we first saw this very stamp */
};

enum lease_verdict {
	LEASE_GRANT,	/* free, or its holder asks again */
	LEASE_TAKEOVER, /* out, but over by the clock */
	LEASE_WAIT,	/* until *ret_until */
};

/*
 * May `node` be granted the account now?  A takeover is right only while the
 * stamp in the store is the one that was looked at: the grant compares it.
 * A holder that asks again gets a new epoch at once: its state folder is locked,
 * so whatever ran under the old epoch on that node is gone or is this process.
 */
enum lease_verdict lease_may_grant(const struct lease_rules *r,
				   const struct lease_view *v, const char *node,
				   struct mono now, struct mono *ret_until);
/* When the lease is over for every node, if nothing more is answered. */
struct mono lease_over_at(const struct lease_rules *r,
			  const struct lease_view *v);

/* A stamp and when it was first seen. */
struct lease_watch {
	struct lease_stamp stamp;
	struct mono seen;
};

/* The store says `now`: a stamp that is another one counts from here. */
void lease_watch_see(struct lease_watch *w, const struct lease_stamp *stamp,
		     struct mono now);

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
