/* SPDX-License-Identifier: MIT */
#include "control/failover.h"

#include <string.h>

#include "base/text.h"
#include "control/leases.h"
#include "control/nodes.h"
#include "control/place.h"
#include "control/startall.h"

#define PAGE 500

struct walk {
	struct control *c;
	const char *node_id;
	int64_t beats; /* as often as it was heard, and not since */
	bool stale;    /* its next beat has to say everything */
	struct place place;
	size_t moved;
};

typedef enum err (*walk_fn)(struct walk *w, const struct store_assignment *as,
			    struct err_info *ei);

static enum err each_page(struct walk *w, walk_fn fn,
			  const struct store_lease_query *q, struct arena *a,
			  struct store_assignments *ret, struct err_info *ei)
{
	struct store *st = w->c->store;
	enum err rc = st->ops->node_still(st, w->node_id, w->beats, ei);

	if (!rc && w->stale)
		rc = st->ops->node_stale(st, w->node_id, ei);
	if (!rc)
		rc = st->ops->assignment_list(st, q, a, ret, ei);
	for (size_t i = 0; !rc && i < ret->n; i++)
		rc = fn(w, &ret->items[i], ei);
	return rc;
}

/*
 * One transaction a page; `after` keeps the place in its own memory.  The node's
 * row is locked in each: no beat comes in between, and what another replica did
 * is seen.
 */
static enum err each(struct walk *w, walk_fn fn, struct err_info *ei)
{
	char after[WIRE_ID_MAX + 1] = "";
	const struct store_lease_query q = { w->node_id, after, PAGE };
	size_t n = PAGE;
	struct change change;
	struct arena a;
	enum err rc = ERR_OK;

	arena_init(&a, 16U << 20);
	while (!rc && n == PAGE) {
		struct store_assignments list = { 0 };

		arena_reset(&a);
		rc = change_begin(&change, w->c, ei);
		if (rc)
			break;
		rc = each_page(w, fn, &q, &a, &list, ei);
		rc = change_end(&change, rc, ei);
		n = list.n;
		if (!rc && n)
			text_copy(after, sizeof(after),
				  list.items[n - 1].account_id);
	}
	arena_deinit(&a);
	return rc;
}

/* Heard meanwhile, by another replica: then all is well. */
static void log_trouble(const char *node_id, enum err rc,
			const struct err_info *ei)
{
	if (rc && rc != ERR_CONFLICT)
		log_fail(LOG_ERROR, LOGEV_NODE, rc, ei,
			 log_str("node", node_id));
}

static enum err mark(struct walk *w, const struct store_assignment *as,
		     struct err_info *ei)
{
	const struct store_account acc = {
		.account_id = as->account_id,
		.status = wire_status_name(WIRE_OFFLINE),
		.status_since = control_wall(w->c),
		.error_code = err_code(ERR_NODE_OFFLINE),
		.error_message = "node offline",
		.error_advice = "start the node again; wanted accounts come "
				"back by themselves",
	};
	enum err rc;

	if (!as->node_id || strcmp(as->node_id, w->node_id) != 0 ||
	    leases_terminal(as->status))
		return ERR_OK;
	rc = startall_fail(w->c, as->account_id,
			   &(struct startall_why){ ERR_NODE_OFFLINE,
						   "node offline",
						   acc.error_advice },
			   ei);
	if (rc)
		return rc;
	rc = w->c->store->ops->account_update(
		w->c->store, &acc, STORE_ACC_STATUS, control_wall(w->c), ei);
	return rc ? rc
		  : events_tell(w->c, EVENTS_ACCOUNTS, as->account_id,
				"account.offline", ei);
}

bool failover_mark_offline(struct control *c, const char *node_id,
			   int64_t beats)
{
	struct walk w = {
		.c = c,
		.node_id = node_id,
		.beats = beats,
		.stale = true,
	};
	struct err_info ei = { 0 };
	enum err rc = each(&w, mark, &ei);

	log_trouble(node_id, rc, &ei);
	return !rc;
}

/*
 * Rule 5: nobody runs under these any more.  Else an account whose node never
 * comes back could not be deleted, nor the node.
 */
bool failover_end_leases(struct control *c, const char *node_id, int64_t beats,
			 int64_t ttl_us)
{
	const struct store_lease_end q = { node_id, beats, ttl_us };
	struct err_info ei = { 0 };
	size_t rows = 0, left = 0;
	enum err rc;

	rc = c->store->ops->lease_end(c->store, &q, &rows, &left, &ei);
	log_trouble(node_id, rc, &ei);
	if (!rc && rows)
		log_warn(LOGEV_LEASE, log_str("node", node_id),
			 log_str("why", "silent for longer than a lease: its "
					"leases are over"),
			 log_u64("n", rows));
	return !rc && !left;
}

static enum err move(struct walk *w, const struct store_assignment *as,
		     struct err_info *ei)
{
	struct store_account acc = {
		.account_id = as->account_id,
		.version = as->version,
	};
	enum err rc;

	if (!as->node_id || strcmp(as->node_id, w->node_id) != 0 ||
	    !leases_wanted(as))
		return ERR_OK;
	acc.node_id = place_next(&w->place);
	if (!acc.node_id)
		return ERR_OK;
	rc = w->c->store->ops->account_update(w->c->store, &acc, STORE_ACC_NODE,
					      control_wall(w->c), ei);
	if (rc == ERR_CONFLICT) /* pinned, or an operator moved it */
		return ERR_OK;
	if (rc)
		return rc;
	w->moved++;
	nodes_poke(w->c, acc.node_id);
	return audit_self(w->c, "account.failover", as->account_id, NULL, ei);
}

void failover_move(struct control *c, const char *node_id, int64_t beats)
{
	struct walk w = { .c = c, .node_id = node_id, .beats = beats };
	struct err_info ei = { 0 };
	struct arena a;
	enum err rc;

	arena_init(&a, 64U << 20);
	rc = place_init(&w.place, c, &a, &ei);
	if (!rc) {
		rc = each(&w, move, &ei);
		place_deinit(&w.place);
	}
	arena_deinit(&a);
	log_trouble(node_id, rc, &ei);
	if (!rc && w.moved)
		log_warn(LOGEV_NODE, log_str("node", node_id),
			 log_str("why", "its accounts were placed elsewhere"),
			 log_u64("accounts", w.moved));
}
