/* SPDX-License-Identifier: MIT */
/*
 * Which account belongs on which node: a plan for all of them at once.
 *
 * placement says how many each node is to have; this keeps as many accounts as
 * possible where they are.  The plan is as even as the strategy can make it, and
 * among the plans that are as even it is one with the fewest moves.  No node gets
 * above its room; one that is above it already gets nothing.
 *
 *   owner     the caller's arrays, in the order of their ids; the plan is in `to`
 *   memory    while it runs, 5 bytes an account and 120 a node
 *   threads   none
 */
#ifndef FLEET_ALLOCATE_H
#define FLEET_ALLOCATE_H

#include "fleet/placement.h"

#define ALLOCATE_NOWHERE UINT32_MAX
#define ALLOCATE_ACCOUNTS_MAX 2000000

enum allocate_mode {
	ALLOCATE_NEW,	    /* accounts without a node; nothing moves */
	ALLOCATE_REBALANCE, /* all, with the fewest moves */
	ALLOCATE_ANEW,	    /* all, dealt as if none had a node */
};

enum allocate_kind {
	ALLOCATE_OPEN,
	ALLOCATE_CLOSED,   /* gets nothing, keeps what it has */
	ALLOCATE_DRAINING, /* gets nothing, gives what may move */
};

struct allocate_node {
	const char *node_id;
	enum allocate_kind kind;
	int64_t max;
	int64_t used; /* accounts on it that are not in the list */
};

struct allocate_account {
	uint32_t from; /* index of a node, or ALLOCATE_NOWHERE */
	uint32_t pin;  /* the only node it may go to, or ALLOCATE_NOWHERE */
	bool fixed;    /* stays as it is */
	uint32_t to;   /* answered */
};

struct allocate_ask {
	enum placement_strategy strategy;
	enum allocate_mode mode;
	int64_t max_per_node; /* 0: each node's own */
	const char *last;     /* see placement_init(); may be NULL */
	const struct allocate_node *nodes;
	size_t nnodes;
	struct allocate_account *accounts;
	size_t naccounts;
};

struct allocate_plan {
	size_t placed;	  /* had no node and get one */
	size_t moved;	  /* had one and get another */
	size_t homeless;  /* get none: there is no room */
	size_t left_over; /* stay on a draining node: there is no room */
};

/* Fills in `to` of each account. */
enum err allocate(const struct allocate_ask *ask, struct allocate_plan *ret,
		  struct err_info *ei);

#endif /* FLEET_ALLOCATE_H */
