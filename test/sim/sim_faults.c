/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "sim.h"

enum fault {
	CUT_CONTROL, /* node */
	CUT_DC,	     /* node */
	FREEZE,	     /* node */
	KILL,	     /* node */
	KILL_TORN,   /* node */
	WALL_JUMP,   /* node */
	DC_DOWN,     /* dc */
	DC_RESTART,  /* dc */
	CONTROL_DOWN,
	/* some accounts: */
	HANG_UP,
	BLACK_HOLE,
	MOVE,	 /* to other nodes */
	FLOOD,	 /* are told to wait */
	MIGRATE, /* to the other data centre */
	FORGET,	 /* their sessions */
	DIE,
	REVIVE, /* get a new session */
	FAULTS,
};

static const struct sim_end ends[] = {
	{ HIT_REVOKED, 401, "SESSION_REVOKED", ACCOUNT_REVOKED, WIRE_REVOKED },
	{ HIT_BANNED, 401, "USER_DEACTIVATED_BAN", ACCOUNT_BANNED,
	  WIRE_BANNED },
	{ HIT_FROZEN, 420, "FROZEN_METHOD_INVALID", ACCOUNT_FROZEN,
	  WIRE_FROZEN },
	{ HIT_DUPLICATED, 406, "AUTH_KEY_DUPLICATED", ACCOUNT_DUPLICATED,
	  WIRE_REVOKED },
	{ HIT_KEY_UNKNOWN, ENGINE_KEY_UNKNOWN_CODE, NULL, ACCOUNT_REVOKED,
	  WIRE_REVOKED },
};

static void new_salts(struct sim *s, struct sim_account *a)
{
	for (int dc = 1; dc <= SIM_DCS; dc++)
		a->auth[dc].salt = rnd_u64(&s->rnd.rnd);
}

/* The operator signs in anew: another key, known everywhere. */
static void revive(struct sim *s, struct sim_account *a)
{
	uint8_t key[AUTHKEY_LEN];

	if (!a->dead)
		return;
	sim_hit(s, HIT_REVIVED);
	rnd_fill(&s->rnd.rnd, key, sizeof(key));
	authkey_deinit(&a->key);
	if (authkey_init(&a->key, key))
		abort();
	a->dead = NULL;
	a->version++;
	for (int dc = 1; dc <= SIM_DCS; dc++)
		sim_server_forget(a, dc);
	new_salts(s, a);
}

static void one_account(struct sim *s, enum fault f, struct sim_account *a)
{
	struct sim_link *l = sim_link_get(s, a->link);

	switch (f) {
	case MOVE:
		a->wanted = (int)sim_between(s, 0, SIM_NODES - 1);
		return;
	case FLOOD:
		a->waits[sim_between(s, 0, CALLS - 1)].due = true;
		a->waits[CALL_SELF].due |= sim_chance(s, 30);
		break;
	case MIGRATE:
		a->home = 3 - a->home;
		break;
	case FORGET:
		sim_server_forget(a, a->home);
		return;
	case BLACK_HOLE:
		if (l)
			sim_net_black_hole(s, l);
		return;
	case DIE:
		if (!a->dead)
			a->dead = &ends[sim_between(s, 0, ARRAY_LEN(ends) - 1)];
		break;
	case REVIVE:
		revive(s, a);
		return;
	default:
		break;
	}
	if (l)
		sim_net_hang_up(s, l);
}

static void some_accounts(struct sim *s, enum fault f)
{
	int n = 1 + s->naccounts / (f == DIE ? 30 : 10);

	if (f == REVIVE)
		n = s->naccounts / 2;
	for (int i = 0; i < n; i++)
		one_account(s, f, sim_some_account(s));
}

static void hang_up_all(struct sim *s, int dc)
{
	for (uint64_t i = 0; i < s->nlinks; i++)
		if (s->links[i] && s->links[i]->dc == dc)
			sim_net_hang_up(s, s->links[i]);
}

static void dc_restarts(struct sim *s, int dc)
{
	sim_hit(s, HIT_DC_RESTART);
	hang_up_all(s, dc);
	for (int i = 0; i < s->naccounts; i++) {
		struct sim_account *a = &s->accounts[i];

		sim_server_forget(a, dc);
		a->auth[dc].salt = rnd_u64(&s->rnd.rnd);
	}
}

/* Every other time only one of the two. */
static bool is_struck(int where, int replica)
{
	return where % 2 == 0 || where / 2 % SIM_REPLICAS == replica;
}

/* What it saw is forgotten; the database is not. */
static void control_goes_down(struct sim *s, int where)
{
	for (int r = 0; r < SIM_REPLICAS; r++) {
		if (!is_struck(where, r))
			continue;
		s->replica_down[r] = true;
		for (int i = 0; i < s->naccounts; i++)
			s->accounts[i].watch[r] = (struct lease_watch){ 0 };
	}
}

/* Whoever has not spoken to Telegram yet takes the wall clock for the truth. */
static void wall_jumps(struct sim *s, int node)
{
	static const int64_t sec[] = { 0,  0, -7200, -600, -61,
				       -7, 9, 45,    900,  3600 };
	struct sim_worker *w = &s->workers[node];

	sim_hit(s, HIT_WALL_JUMP);
	w->clock.wall_off_us =
		sec[sim_between(s, 0, ARRAY_LEN(sec) - 1)] * US_PER_SEC;
	for (int i = 0; w->incarnation && i < s->naccounts; i++) {
		struct sim_account *a = &s->accounts[i];
		struct account *wa = fleet_find(&w->fleet, a->name);

		for (int c = 0; c < CALLS; c++)
			if (a->waits[c].told == node + 1 &&
			    !(wa && wa->engine.session.time_known))
				a->waits[c].told = 0;
	}
}

/* Whoever operates the fleet may move accounts from there, and will. */
static void control_is_cut(struct sim *s, int node)
{
	s->workers[node].cut_control = true;
	for (int i = 0; i < s->naccounts; i++)
		if (s->accounts[i].holder == node && sim_chance(s, 20))
			s->accounts[i].wanted =
				(int)sim_between(s, 0, SIM_NODES - 1);
}

static void strike(struct sim *s, enum fault f, int where)
{
	struct sim_worker *w = &s->workers[where % SIM_NODES];

	switch (f) {
	case CUT_CONTROL:
		control_is_cut(s, where);
		break;
	case CUT_DC:
		w->cut_dc = true;
		break;
	case FREEZE:
		if (w->incarnation && !w->frozen)
			w->frozen_at = sim_now(s);
		w->frozen = w->incarnation != 0;
		break;
	case KILL:
		sim_worker_kill(s, where, false);
		break;
	case KILL_TORN:
		w->doomed = w->incarnation != 0;
		break;
	case WALL_JUMP:
		wall_jumps(s, where);
		break;
	case DC_DOWN:
		s->dc_down[where] = true;
		hang_up_all(s, where);
		break;
	case DC_RESTART:
		dc_restarts(s, where);
		break;
	case CONTROL_DOWN:
		control_goes_down(s, where);
		break;
	default:
		some_accounts(s, f);
		break;
	}
}

void sim_faults_strike(struct sim *s)
{
	enum fault f = (enum fault)rnd_below(&s->rnd.rnd, FAULTS);
	int where = (int)sim_between(s, 0, SIM_NODES - 1);

	if (s->calm)
		return;
	if (f == DC_DOWN || f == DC_RESTART)
		where = 1 + where % SIM_DCS;
	strike(s, f, where);
	sim_plan(s, sim_between(s, 1, 40) * US_PER_SEC, SIM_HEAL, f,
		 (uint64_t)where, NULL, 0);
	sim_plan(s, sim_between(s, 500, 8000) * US_PER_MS, SIM_FAULT, 0, 0,
		 NULL, 0);
}

static void thaw(struct sim *s, int node)
{
	struct sim_worker *w = &s->workers[node];

	if (!w->frozen)
		return;
	sim_hit(s, sim_now(s) - w->frozen_at > SIM_TTL_US ? HIT_FREEZE_LONG
							  : HIT_FREEZE);
	w->frozen = false;
	sim_worker_turn(s, node);
}

static void control_comes_back(struct sim *s, int where)
{
	int down = 0;

	for (int r = 0; r < SIM_REPLICAS; r++)
		down += s->replica_down[r];
	for (int r = 0; r < SIM_REPLICAS; r++)
		if (is_struck(where, r))
			s->replica_down[r] = false;
	if (down)
		sim_hit(s, HIT_CONTROL_RESTART);
	if (down < SIM_REPLICAS)
		return;
	/* silence is counted from here */
	for (int i = 0; i < SIM_NODES; i++)
		s->heard[i] = s->now;
}

static void heal(struct sim *s, enum fault f, int where)
{
	struct sim_worker *w = &s->workers[where % SIM_NODES];

	switch (f) {
	case CUT_CONTROL:
		w->cut_control = false;
		break;
	case CUT_DC:
		w->cut_dc = false;
		break;
	case FREEZE:
		thaw(s, where);
		break;
	case KILL:
	case KILL_TORN:
		w->doomed = false;
		sim_worker_start(s, where);
		break;
	case DC_DOWN:
		s->dc_down[where] = false;
		break;
	case CONTROL_DOWN:
		control_comes_back(s, where);
		break;
	default:
		break;
	}
}

void sim_faults_heal(struct sim *s, const struct sim_event *ev)
{
	heal(s, (enum fault)ev->a, (int)ev->b);
}

/* All is healed, but for every other of the dead. */
void sim_faults_end(struct sim *s)
{
	s->calm = true;
	for (int i = 0; i < SIM_NODES; i++) {
		heal(s, CUT_CONTROL, i);
		heal(s, CUT_DC, i);
		heal(s, KILL, i);
		heal(s, FREEZE, i);
		s->workers[i].clock.wall_off_us = 0;
	}
	for (int i = 1; i <= SIM_DCS; i++)
		s->dc_down[i] = false;
	heal(s, CONTROL_DOWN, 0);
	for (int i = 0; i < s->naccounts; i += 2)
		revive(s, &s->accounts[i]);
}
