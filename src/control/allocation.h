/* SPDX-License-Identifier: MIT */
/*
 * A plan for the whole fleet: fleet/allocate over what the database knows.
 *
 * A node is open when it is online, not draining, and able to receive a session;
 * in a fleet of plain clients only, where none is, those count.  A node that is
 * not open keeps its accounts, unless it drains.  What runs is fixed unless the
 * caller says yes to moving it.
 *
 *   owner     the caller, for one request
 *   memory    in the caller's arena: about 200 bytes an account
 *   failure   ERR_TOOBIG above ALLOCATE_ACCOUNTS_MAX accounts
 */
#ifndef CONTROL_ALLOCATION_H
#define CONTROL_ALLOCATION_H

#include "control/control_int.h"
#include "fleet/allocate.h"

/* What an arena must be able to hold for the largest fleet. */
#define ALLOCATION_ARENA_MAX (UINT64_C(1) << 30)

struct allocation_ask {
	enum placement_strategy strategy;
	enum allocate_mode mode;
	int64_t max_per_node; /* 0: each node's own */
	bool move_running;    /* the yes */
	bool include_offline;
};

struct allocation {
	struct control *c;
	struct arena *arena;
	struct store_loads loads; /* as they are after the plan */
	struct store_places places;
	struct allocate_node *nodes;	   /* of loads */
	struct allocate_account *accounts; /* of places */
	struct allocate_plan plan;
	size_t nchanged;
	const char *last; /* node that got the last one, in turn; or NULL */
};

enum err allocation_plan(struct allocation *al, struct control *c,
			 const struct allocation_ask *ask, struct arena *a,
			 struct err_info *ei);
/* Into the database; the nodes hear of it after the change under way. */
enum err allocation_keep(struct allocation *al, struct err_info *ei);
/* Why a node gets nothing: "offline", "draining", "plain"; or NULL. */
const char *allocation_closed(const struct allocation *al, size_t node);

/* The place of a node in the list, or ALLOCATE_NOWHERE; id may be NULL. */
uint32_t allocation_node(const struct store_loads *l, const char *node_id);
/* {total_accounts, unallocated, allocated, servers: {...}} */
void allocation_write_summary(struct jsonw *w, const char *key,
			      const struct store_loads *l);

#endif /* CONTROL_ALLOCATION_H */
