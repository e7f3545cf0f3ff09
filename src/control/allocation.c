/* SPDX-License-Identifier: MIT */
#include "control/allocation.h"

#include <math.h>
#include <string.h>

#include "control/nodes.h"

/* Where round robin goes on the next time. */
#define LAST_KEY "allocation_last"

uint32_t allocation_node(const struct store_loads *l, const char *node_id)
{
	size_t low = 0, high = l->n;

	while (node_id && low < high) {
		size_t mid = low + (high - low) / 2;
		int d = strcmp(node_id, l->items[mid].node_id);

		if (d == 0)
			return (uint32_t)mid;
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return ALLOCATE_NOWHERE;
}

/* --- before --- */

static bool any_sealed(const struct store_loads *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].has_public_key)
			return true;
	return false;
}

static enum err read_nodes(struct allocation *al,
			   const struct allocation_ask *ask,
			   struct err_info *ei)
{
	struct store *st = al->c->store;
	bool sealed;
	enum err rc;

	rc = st->ops->load_list(st, al->arena, &al->loads, ei);
	if (rc)
		return rc;
	al->nodes = arena_array(al->arena, al->loads.n + 1, sizeof(*al->nodes));
	if (!al->nodes)
		return ERR_NOMEM;
	sealed = any_sealed(&al->loads);
	for (size_t i = 0; i < al->loads.n; i++) {
		const struct store_load *l = &al->loads.items[i];
		bool up =
			ask->include_offline || nodes_online(al->c, l->node_id);

		al->nodes[i] = (struct allocate_node){
			.node_id = l->node_id,
			.kind = l->draining ? ALLOCATE_DRAINING
				: up && (l->has_public_key || !sealed)
					? ALLOCATE_OPEN
					: ALLOCATE_CLOSED,
			.max = l->max_accounts,
			.used = ask->mode == ALLOCATE_NEW ? l->accounts : 0,
		};
	}
	return ERR_OK;
}

const char *allocation_closed(const struct allocation *al, size_t node)
{
	const struct store_load *l = &al->loads.items[node];

	if (al->nodes[node].kind == ALLOCATE_OPEN)
		return NULL;
	if (l->draining)
		return "draining";
	return nodes_online(al->c, l->node_id) ? "plain" : "offline";
}

static enum err read_accounts(struct allocation *al,
			      const struct allocation_ask *ask,
			      struct err_info *ei)
{
	const struct store_place_query q = {
		.unassigned = ask->mode == ALLOCATE_NEW,
		.limit = ALLOCATE_ACCOUNTS_MAX + 1,
	};
	struct store *st = al->c->store;
	enum err rc;

	rc = st->ops->place_list(st, &q, al->arena, &al->places, ei);
	if (rc)
		return rc;
	al->accounts =
		arena_array(al->arena, al->places.n + 1, sizeof(*al->accounts));
	if (!al->accounts)
		return ERR_NOMEM;
	for (size_t i = 0; i < al->places.n; i++) {
		const struct store_place *p = &al->places.items[i];

		al->accounts[i] = (struct allocate_account){
			.from = allocation_node(&al->loads, p->node_id),
			.pin = allocation_node(&al->loads, p->pinned_node),
			.fixed = p->kept || (p->running && !ask->move_running),
		};
	}
	return ERR_OK;
}

/* --- the plan --- */

static void count_changes(struct allocation *al)
{
	for (size_t i = 0; i < al->places.n; i++) {
		const struct allocate_account *a = &al->accounts[i];

		if (a->from == a->to)
			continue;
		al->nchanged++;
		al->loads.items[a->to].accounts++;
		if (a->from == ALLOCATE_NOWHERE) {
			al->loads.unassigned--;
			al->last = al->nodes[a->to].node_id;
		} else {
			al->loads.items[a->from].accounts--;
		}
	}
}

enum err allocation_plan(struct allocation *al, struct control *c,
			 const struct allocation_ask *ask, struct arena *a,
			 struct err_info *ei)
{
	struct allocate_ask plan = {
		.strategy = ask->strategy,
		.mode = ask->mode,
		.max_per_node = ask->max_per_node,
	};
	bool turns = ask->strategy == PLACEMENT_ROUND_ROBIN &&
		     ask->mode == ALLOCATE_NEW;
	enum err rc;

	*al = (struct allocation){ .c = c, .arena = a };
	rc = read_nodes(al, ask, ei);
	if (!rc)
		rc = read_accounts(al, ask, ei);
	if (!rc && turns)
		rc = c->store->ops->kv_get(c->store, LAST_KEY, a, &plan.last,
					   ei);
	if (rc == ERR_NOTFOUND)
		rc = ERR_OK;
	if (rc)
		return rc;
	plan.nodes = al->nodes;
	plan.nnodes = al->loads.n;
	plan.accounts = al->accounts;
	plan.naccounts = al->places.n;
	rc = allocate(&plan, &al->plan, ei);
	if (rc)
		return rc;
	count_changes(al);
	if (!turns)
		al->last = NULL;
	return ERR_OK;
}

/* --- after --- */

static enum err poke_nodes(struct allocation *al)
{
	bool *news = arena_array(al->arena, al->loads.n + 1, sizeof(*news));

	if (!news)
		return ERR_NOMEM;
	for (size_t i = 0; i < al->places.n; i++) {
		const struct allocate_account *a = &al->accounts[i];

		if (a->from == a->to)
			continue;
		news[a->to] = true;
		if (a->from != ALLOCATE_NOWHERE)
			news[a->from] = true;
	}
	for (size_t i = 0; i < al->loads.n; i++)
		if (news[i])
			nodes_poke(al->c, al->nodes[i].node_id);
	return ERR_OK;
}

enum err allocation_keep(struct allocation *al, struct err_info *ei)
{
	struct store *st = al->c->store;
	struct store_assign *list;
	size_t n = 0;
	enum err rc;

	list = arena_array(al->arena, al->nchanged + 1, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < al->places.n; i++)
		if (al->accounts[i].from != al->accounts[i].to)
			list[n++] = (struct store_assign){
				al->places.items[i].account_id,
				al->nodes[al->accounts[i].to].node_id,
			};
	rc = st->ops->assign(st, list, n, control_wall(al->c), ei);
	if (!rc && al->last)
		rc = st->ops->kv_set(st, LAST_KEY, al->last, ei);
	return rc ? rc : poke_nodes(al);
}

/* --- the summary --- */

static void write_server(struct jsonw *w, const struct store_load *l)
{
	const int64_t left = l->max_accounts - l->accounts;
	const double share =
		l->max_accounts ? (double)l->accounts / (double)l->max_accounts
				: 1;

	jsonw_object(w, l->node_id);
	jsonw_int(w, "current", l->accounts);
	jsonw_int(w, "max", l->max_accounts);
	jsonw_int(w, "available", left > 0 ? left : 0);
	jsonw_double(w, "usage_percent", round(share * 10000) / 100);
	jsonw_object_end(w);
}

void allocation_write_summary(struct jsonw *w, const char *key,
			      const struct store_loads *l)
{
	int64_t allocated = 0;

	for (size_t i = 0; i < l->n; i++)
		allocated += l->items[i].accounts;
	jsonw_object(w, key);
	jsonw_int(w, "total_accounts", allocated + l->unassigned);
	jsonw_int(w, "unallocated", l->unassigned);
	jsonw_int(w, "allocated", allocated);
	jsonw_object(w, "servers");
	for (size_t i = 0; i < l->n; i++)
		write_server(w, &l->items[i]);
	jsonw_object_end(w);
	jsonw_object_end(w);
}
