/* SPDX-License-Identifier: MIT */
#include "fleet/allocate.h"

#include <stdlib.h>

/* What is to become of an account; the order is that of the rules in roles(). */
enum allocate_role {
	ALLOCATE_STAYS,	   /* and counts where it is */
	ALLOCATE_SEATED,   /* may move, and there is a place where it is */
	ALLOCATE_UNHOUSED, /* has no node */
	ALLOCATE_DISPLACED /* may not stay */
};

struct allocate_tally {
	int64_t load;  /* accounts that are there for certain */
	int64_t here;  /* accounts there that may move */
	int64_t quota; /* of those that may move, from anywhere */
	int64_t seats; /* of `here`, how many stay */
	int64_t taken; /* seats given so far */
};

struct allocate_work {
	const struct allocate_ask *ask;
	struct allocate_tally *tally; /* a node */
	struct placement_node *nodes;
	uint8_t *roles;	 /* an account */
	uint32_t *picks; /* nodes, in the order they are to be given */
	size_t nloose, npicks;
};

static int64_t allocate_cap(const struct allocate_work *w, uint32_t node)
{
	const struct allocate_ask *ask = w->ask;
	int64_t max = ask->nodes[node].max;

	if (ask->nodes[node].kind != ALLOCATE_OPEN)
		return 0;
	return ask->max_per_node && ask->max_per_node < max ? ask->max_per_node
							    : max;
}

static int64_t allocate_room(const struct allocate_work *w, uint32_t node)
{
	int64_t room = allocate_cap(w, node) - w->tally[node].load;

	return room > 0 ? room : 0;
}

/* --- who may move at all --- */

static bool allocate_stays(const struct allocate_work *w,
			   const struct allocate_account *a)
{
	if (a->fixed || a->pin != ALLOCATE_NOWHERE)
		return true;
	return a->from != ALLOCATE_NOWHERE &&
	       (w->ask->mode == ALLOCATE_NEW ||
		w->ask->nodes[a->from].kind == ALLOCATE_CLOSED);
}

static void allocate_roles(struct allocate_work *w)
{
	for (size_t i = 0; i < w->ask->naccounts; i++) {
		struct allocate_account *a = &w->ask->accounts[i];
		bool stays = allocate_stays(w, a);

		a->to = a->from;
		w->roles[i] = stays ? ALLOCATE_STAYS
			      : a->from == ALLOCATE_NOWHERE
				      ? ALLOCATE_UNHOUSED
				      : ALLOCATE_DISPLACED;
		w->nloose += !stays;
		if (a->from == ALLOCATE_NOWHERE)
			continue;
		if (stays)
			w->tally[a->from].load++;
		else
			w->tally[a->from].here++;
	}
}

static bool allocate_may_pin(const struct allocate_work *w,
			     const struct allocate_account *a)
{
	if (a->pin == ALLOCATE_NOWHERE || a->pin == a->to || a->fixed)
		return false;
	return a->from == ALLOCATE_NOWHERE || w->ask->mode != ALLOCATE_NEW;
}

static void allocate_pin(struct allocate_work *w, struct allocate_account *a)
{
	if (a->from != ALLOCATE_NOWHERE)
		w->tally[a->from].load--;
	w->tally[a->pin].load++;
	a->to = a->pin;
}

/*
 * Pinned accounts come before all others: first where there is a place, then
 * where somebody gives one up, as long as there is one elsewhere for everybody.
 */
static void allocate_pinned(struct allocate_work *w)
{
	const struct allocate_ask *ask = w->ask;
	int64_t spare = -(int64_t)w->nloose;

	for (size_t i = 0; i < ask->naccounts; i++) {
		struct allocate_account *a = &ask->accounts[i];

		if (allocate_may_pin(w, a) &&
		    allocate_room(w, a->pin) > w->tally[a->pin].here)
			allocate_pin(w, a);
	}
	for (uint32_t i = 0; i < ask->nnodes; i++)
		spare += allocate_room(w, i);
	for (size_t i = 0; i < ask->naccounts && spare > 0; i++) {
		struct allocate_account *a = &ask->accounts[i];

		if (allocate_may_pin(w, a) && allocate_room(w, a->pin)) {
			allocate_pin(w, a);
			spare--;
		}
	}
}

/* --- how many where --- */

static enum err allocate_pick(struct allocate_work *w, struct err_info *ei)
{
	const struct allocate_ask *ask = w->ask;
	struct placement p;
	size_t node;
	enum err rc;

	for (uint32_t i = 0; i < ask->nnodes; i++)
		w->nodes[i] = (struct placement_node){
			.node_id = ask->nodes[i].node_id,
			.usable = ask->nodes[i].kind == ALLOCATE_OPEN,
			.used = w->tally[i].load,
			.max = allocate_cap(w, i),
			.keeps = ask->mode == ALLOCATE_REBALANCE
					 ? w->tally[i].here
					 : 0,
		};
	rc = placement_init(&p, ask->strategy, w->nodes, ask->nnodes, ask->last,
			    ei);
	if (rc)
		return rc;
	while (w->npicks < w->nloose && placement_next(&p, &node)) {
		w->picks[w->npicks++] = (uint32_t)node;
		w->tally[node].quota++;
	}
	placement_deinit(&p);
	return ERR_OK;
}

/* Balanced fills one node after the other; who goes where is then easy to see. */
static void allocate_blocks(struct allocate_work *w)
{
	size_t n = 0;

	for (uint32_t i = 0; i < w->ask->nnodes; i++)
		for (int64_t k = 0; k < w->tally[i].quota; k++)
			w->picks[n++] = i;
}

/* --- who --- */

/* The first ones of each node keep their seats. */
static void allocate_seat(struct allocate_work *w)
{
	for (uint32_t i = 0; i < w->ask->nnodes; i++) {
		struct allocate_tally *t = &w->tally[i];
		int64_t most = w->ask->mode == ALLOCATE_ANEW
				       ? allocate_room(w, i)
				       : t->quota;

		t->seats = t->here < most ? t->here : most;
	}
	for (size_t i = 0; i < w->ask->naccounts; i++) {
		struct allocate_tally *t;

		if (w->roles[i] != ALLOCATE_DISPLACED)
			continue;
		t = &w->tally[w->ask->accounts[i].from];
		if (t->taken < t->seats) {
			t->taken++;
			w->roles[i] = ALLOCATE_SEATED;
		}
	}
}

/* Picks that seated accounts have used up go. */
static void allocate_drop_seats(struct allocate_work *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->npicks; i++) {
		struct allocate_tally *t = &w->tally[w->picks[i]];

		if (t->seats > 0)
			t->seats--;
		else
			w->picks[n++] = w->picks[i];
	}
	w->npicks = n;
}

static size_t allocate_give(struct allocate_work *w, enum allocate_role role,
			    size_t at)
{
	for (size_t i = 0; i < w->ask->naccounts && at < w->npicks; i++)
		if (w->roles[i] == role)
			w->ask->accounts[i].to = w->picks[at++];
	return at;
}

/*
 * All that fit, as if none had a node.  Those that have a seat fit for certain;
 * where room is scarce the others stay as they are.
 */
static void allocate_deal(struct allocate_work *w)
{
	size_t spare = w->npicks, at = 0;

	for (uint32_t i = 0; i < w->ask->nnodes; i++)
		spare -= (size_t)w->tally[i].seats;
	for (int role = ALLOCATE_UNHOUSED; role <= ALLOCATE_DISPLACED; role++)
		for (size_t i = 0; i < w->ask->naccounts && spare; i++)
			if (w->roles[i] == role) {
				w->roles[i] = ALLOCATE_SEATED;
				spare--;
			}
	allocate_give(w, ALLOCATE_SEATED, at);
}

static void allocate_fill(struct allocate_work *w)
{
	size_t at;

	if (w->ask->strategy == PLACEMENT_BALANCED)
		allocate_blocks(w);
	allocate_seat(w);
	if (w->ask->mode == ALLOCATE_ANEW) {
		allocate_deal(w);
		return;
	}
	allocate_drop_seats(w);
	at = allocate_give(w, ALLOCATE_UNHOUSED, 0);
	allocate_give(w, ALLOCATE_DISPLACED, at);
}

static void allocate_count(const struct allocate_ask *ask,
			   struct allocate_plan *ret)
{
	*ret = (struct allocate_plan){ 0 };
	for (size_t i = 0; i < ask->naccounts; i++) {
		const struct allocate_account *a = &ask->accounts[i];

		if (a->to == ALLOCATE_NOWHERE)
			ret->homeless += !a->fixed;
		else if (a->from == ALLOCATE_NOWHERE)
			ret->placed++;
		else if (a->to != a->from)
			ret->moved++;
		else if (ask->mode != ALLOCATE_NEW && !a->fixed &&
			 a->pin != a->from &&
			 ask->nodes[a->from].kind == ALLOCATE_DRAINING)
			ret->left_over++;
	}
}

static enum err allocate_run(struct allocate_work *w, struct err_info *ei)
{
	enum err rc;

	for (size_t i = 0; i < w->ask->nnodes; i++)
		w->tally[i].load = w->ask->nodes[i].used;
	allocate_roles(w);
	allocate_pinned(w);
	rc = allocate_pick(w, ei);
	if (!rc)
		allocate_fill(w);
	return rc;
}

enum err allocate(const struct allocate_ask *ask, struct allocate_plan *ret,
		  struct err_info *ei)
{
	struct allocate_work w = { .ask = ask };
	enum err rc;

	if (ask->naccounts > ALLOCATE_ACCOUNTS_MAX)
		return err_set(ei, ERR_TOOBIG,
			       "%zu accounts to allocate, at most %d",
			       ask->naccounts, ALLOCATE_ACCOUNTS_MAX);
	w.tally = calloc(ask->nnodes + 1, sizeof(*w.tally));
	w.nodes = calloc(ask->nnodes + 1, sizeof(*w.nodes));
	w.roles = calloc(ask->naccounts + 1, sizeof(*w.roles));
	w.picks = calloc(ask->naccounts + 1, sizeof(*w.picks));
	if (w.tally && w.nodes && w.roles && w.picks)
		rc = allocate_run(&w, ei);
	else
		rc = err_set(ei, ERR_NOMEM, "allocation of %zu accounts",
			     ask->naccounts);
	if (!rc)
		allocate_count(ask, ret);
	free(w.tally);
	free(w.nodes);
	free(w.roles);
	free(w.picks);
	return rc;
}
