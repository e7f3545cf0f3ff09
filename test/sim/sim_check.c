/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "sim.h"

/* Of one account: queries under way, waits, what is held for a gap. */
#define QUERIES_MAX 64

void sim_check_got(struct sim *s, struct sim_account *a, int box, int id)
{
	struct sim_box *b = &a->boxes[box];

	sim_say(s, a, "%s message %d of %d delivered",
		box == BOX_CHANNEL ? "channel" : "chat", id, b->pts);
	if (id < 1 || id > b->pts)
		sim_fail(s, "%s got a message %d nobody wrote", a->name, id);
	if (++b->got[id] > 1 + b->again[id])
		sim_fail(s, "%s got message %d of %s twice", a->name, id,
			 box == BOX_CHANNEL ? "the channel" : "its chat");
	for (int i = 1; b->anew && i < id; i++)
		b->mark[i] |= MARK_SKIPPED;
	b->anew = false;
}

void sim_check_written(struct sim *s, const struct sim_worker *w)
{
	for (size_t i = 0; i < w->nfresh; i++) {
		const struct sim_account *a = &s->accounts[w->fresh[i].account];
		struct updates_pos pos = { 0 };
		int64_t epoch;

		(void)!journal_get(&w->journal, a->name, &pos, &epoch);
		if (pos.pts <= w->fresh[i].id)
			sim_fail(s, "%s got message %d, and %d is written",
				 a->name, w->fresh[i].id, pos.pts);
	}
}

void sim_check_again(struct sim_box *b, int id)
{
	b->again[id] = b->got[id];
}

static void lost_after(struct sim_box *b, bool known, int told)
{
	for (int id = known ? told + 1 : 1; id <= b->pts; id++)
		sim_check_again(b, id);
	b->anew = b->anew || !known;
}

void sim_check_lost(struct sim_account *a, bool common)
{
	lost_after(&a->boxes[BOX_CHANNEL], a->has_pos && a->pos.nchannels,
		   (int)a->channel.pts);
	if (common)
		lost_after(&a->boxes[BOX_COMMON], a->has_pos,
			   (int)a->pos.pts - 1);
}

static const struct account *find_at(struct sim *s, int node,
				     const struct sim_account *a)
{
	return fleet_find(&s->workers[node].fleet, a->name);
}

static bool is_online(struct sim *s, const struct sim_account *a)
{
	int n = 0;

	for (int i = 0; i < SIM_NODES; i++) {
		const struct account *w = find_at(s, i, a);

		if (w && account_state(w) == ACCOUNT_ONLINE)
			n++;
	}
	return n == 1 && a->live == 1;
}

static void say_why(struct sim *s, const struct sim_account *a)
{
	for (int i = 0; i < SIM_NODES; i++) {
		const struct account *w = find_at(s, i, a);

		if (w)
			fprintf(stderr, "sim: %s on n%d: %s: %s\n", a->name, i,
				sm_state_name(&w->sm, w->sm.state),
				w->fault.message ? w->fault.message : "");
	}
	sim_fail(s, "%s is not %s (wanted on n%d, holder n%d, %d links)",
		 a->name,
		 a->dead ? wire_status_name(a->dead->status) : "online",
		 a->wanted, a->holder, a->live);
}

static void check_dead(struct sim *s, const struct sim_account *a)
{
	const struct account *w = find_at(s, a->holder, a);

	if (a->live || !w || account_state(w) != a->dead->state)
		say_why(s, a);
	if (a->status != a->dead->status)
		sim_fail(s, "%s is %s, and the control plane heard %s", a->name,
			 wire_status_name(a->dead->status),
			 wire_status_name(a->status));
}

void sim_check_online(struct sim *s)
{
	for (int i = 0; i < s->naccounts; i++) {
		const struct sim_account *a = &s->accounts[i];

		if (a->dead)
			check_dead(s, a);
		else if (!is_online(s, a))
			say_why(s, a);
	}
}

/* Everything came; the last may be under way. */
static void check_box(struct sim *s, const struct sim_account *a, int box)
{
	const struct sim_box *b = &a->boxes[box];

	for (int id = 1; id < b->pts; id++)
		if (!b->got[id] && !(b->mark[id] & (MARK_OWN | MARK_SKIPPED)))
			sim_fail(s, "%s lost message %d of %d of %s", a->name,
				 id, b->pts,
				 box == BOX_CHANNEL ? "the channel"
						    : "its chat");
}

static void check_sends(struct sim *s)
{
	for (int i = 0; i < s->nsends; i++) {
		const struct sim_send *m = &s->sends[i];

		if (s->accounts[m->account].dead)
			continue;
		if (!m->done || m->stored != 1)
			sim_fail(s,
				 "message %d of a%d was sent %d times (order "
				 "%d %s)",
				 i, m->account, m->stored, m->tries,
				 m->done ? "done" : "open");
	}
}

static void check_orders(struct sim *s, const struct sim_worker *w)
{
	for (uint32_t i = 0; i < ORDERS_MAX; i++)
		if (w->orders.ring[i].state == ORDER_RUNNING)
			sim_fail(s, "n%d never ends the order %s", w->node,
				 w->orders.ring[i].command_id);
}

static void check_idle(struct sim *s, const struct account *a)
{
	const struct engine *e = &a->engine;

	if (e->ncalls || e->session.queries.n || e->session.nreplies ||
	    e->updates.nheld)
		sim_fail(s,
			 "%s has %u calls, %u queries, %u replies, %u updates "
			 "left",
			 a->account_id, e->ncalls, e->session.queries.n,
			 e->session.nreplies, e->updates.nheld);
}

void sim_check_end(struct sim *s)
{
	for (int i = 0; i < s->naccounts; i++) {
		if (s->accounts[i].dead)
			continue;
		check_box(s, &s->accounts[i], BOX_COMMON);
		check_box(s, &s->accounts[i], BOX_CHANNEL);
	}
	check_sends(s);
	for (int i = 0; i < SIM_NODES; i++) {
		struct account *a;
		uint32_t cursor = 0;

		check_orders(s, &s->workers[i]);
		while ((a = fleet_next(&s->workers[i].fleet, &cursor)))
			check_idle(s, a);
	}
}

/* Nothing grows without an end. */
void sim_check_bounds(struct sim *s)
{
	for (int i = 0; i < SIM_NODES; i++) {
		const struct sim_worker *w = &s->workers[i];
		size_t journal = JOURNAL_SLACK_BYTES +
				 4 * ((size_t)w->journal.n * 64 +
				      (size_t)w->journal.nfloods * 160);
		struct account *a;
		uint32_t cursor = 0;

		if (!w->incarnation)
			continue;
		/* one turn's lines may be above it until the next */
		if (w->journal.file_bytes >
		    2 * journal + 512 * (size_t)s->naccounts)
			sim_fail(s, "n%d's journal has %zu bytes", i,
				 w->journal.file_bytes);
		while ((a = fleet_next(&w->fleet, &cursor)))
			if (a->engine.session.queries.n > QUERIES_MAX ||
			    a->engine.flood.n > FLOOD_ENTRIES_MAX ||
			    a->engine.updates.nheld > UPDATES_HELD_MAX)
				sim_fail(s, "%s has %u queries under way",
					 a->account_id,
					 a->engine.session.queries.n);
	}
}
