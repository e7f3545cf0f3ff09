/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* A node that was silent longer may be given up. */
#define SILENT_US (SIM_TTL_US + 2 * SIM_GRACE_US)

static const struct lease_rules rules = { SIM_BEAT_US, SIM_TTL_US,
					  SIM_GRACE_US };

static const char *node_name(int node)
{
	static const char *const names[SIM_NODES] = { "n0", "n1", "n2", "n3" };

	return node < 0 ? NULL : names[node];
}

static struct sim_account *find(struct sim *s, const char *name)
{
	int i = atoi(name + 1);

	if (name[0] != 'a' || i < 0 || i >= s->naccounts)
		sim_fail(s, "a beat tells of %s", name);
	return &s->accounts[i];
}

static void take_released(struct sim *s, int node, const struct wire_beat *b)
{
	for (size_t i = 0; i < b->nreleased; i++) {
		struct sim_account *a = find(s, b->released[i].account_id);

		if (a->holder == node && a->epoch == b->released[i].epoch)
			a->released = true;
	}
}

static void take_limits(struct sim_account *a, const struct wire_account *w)
{
	a->nlimits = w->nlimits;
	for (size_t i = 0; i < w->nlimits; i++) {
		char(*words)[64] = a->words[i];

		a->limits[i] = w->limits[i];
		snprintf(words[0], sizeof(*words), "%s", w->limits[i].method);
		snprintf(words[1], sizeof(*words), "%s", w->limits[i].error);
		a->limits[i].method = words[0];
		a->limits[i].error = words[1];
	}
}

/* Before what is released: the last word comes with it. */
static void take_reports(struct sim *s, int node, const struct wire_beat *b)
{
	for (size_t i = 0; i < b->naccounts; i++) {
		const struct wire_account *w = &b->accounts[i];
		struct sim_account *a = find(s, w->account_id);

		if (a->holder != node || a->epoch != w->epoch)
			continue;
		take_limits(a, w);
		if (!w->has_position)
			continue;
		a->has_pos = true;
		a->pos = w->position;
	}
}

static bool holds(const struct wire_beat *b, const struct sim_account *a)
{
	for (size_t i = 0; i < b->nheld; i++)
		if (!strcmp(b->held[i].account_id, a->name))
			return b->held[i].epoch == a->epoch;
	return false;
}

/* Shall `node` run the account after this beat? */
static bool lease(struct sim *s, int node, const struct wire_beat *b,
		  struct sim_account *a, bool *ret_new)
{
	const struct lease_view v = { .epoch = a->epoch,
				      .holder = node_name(a->holder),
				      .released = a->released,
				      .answered_known = a->answered_known,
				      .answered = a->answered };
	struct mono until;

	if (a->wanted != node)
		return false;
	if (a->holder == node && !a->released && holds(b, a))
		goto answered;
	switch (lease_may_grant(&rules, &v, node_name(node), s->control_started,
				s->clock.mono, &until)) {
	case LEASE_WAIT:
		return false;
	case LEASE_TAKEOVER:
		s->takeovers++;
		a->taken = true;
		a->told = 0; /* it may not have told what it heard */
		break;
	case LEASE_GRANT:
		if (a->told && a->told == a->holder + 1)
			a->told = node + 1; /* waits travel */
		break;
	}
	*ret_new = true;
	a->epoch++;
	a->holder = node;
	a->released = false;
answered:
	a->answered_known = true;
	a->answered = s->clock.mono;
	return true;
}

static void answer(struct sim *s, int node, uint64_t tag,
		   const struct wire_beat *b)
{
	struct wire_lease *l = calloc((size_t)s->naccounts, sizeof(*l));
	struct wire_answer ans = { .success = true,
				   .node_id = node_name(node),
				   .heartbeat_interval_ms =
					   SIM_BEAT_US / US_PER_MS,
				   .leases = l };
	struct buf out;

	if (!l)
		abort();
	for (int i = 0; i < s->naccounts; i++) {
		struct sim_account *a = &s->accounts[i];
		bool granted = false;

		if (!lease(s, node, b, a, &granted))
			continue;
		l[ans.nleases++] = (struct wire_lease){
			.account_id = a->name,
			.epoch = a->epoch,
			.ttl_ms = SIM_TTL_US / US_PER_MS,
			.has_session = true,
			.session = { .version = 1, .fingerprint = "00" },
			.has_position = granted && a->has_pos,
			.position = a->pos,
			.limits = a->limits,
			.nlimits = granted ? a->nlimits : 0,
		};
	}
	buf_init(&out, WIRE_BODY_MAX);
	if (wire_answer_encode(&ans, &out))
		sim_fail(s, "cannot encode an answer");
	sim_plan(s, sim_between(s, 2, 300) * US_PER_MS, SIM_ANSWER,
		 (uint64_t)node, tag, buf_head(&out), buf_len(&out));
	buf_deinit(&out);
	free(l);
}

void sim_control_beat(struct sim *s, const struct sim_event *ev)
{
	int node = (int)ev->a;
	struct err_info ei = { 0 };
	struct wire_beat b;
	struct arena arena;

	if (s->control_down || s->workers[node].cut_control)
		return;
	arena_init(&arena, 64U << 20);
	if (wire_beat_decode(ev->data, ev->len, &arena, &b, &ei))
		sim_fail(s, "a beat is refused: %s", ei.msg);
	s->heard[node] = s->clock.mono;
	s->beats++;
	take_reports(s, node, &b);
	take_released(s, node, &b);
	sim_control_place(s);
	answer(s, node, ev->b, &b);
	arena_deinit(&arena);
}

void sim_control_move(struct sim_account *a, int node)
{
	a->wanted = node;
}

/* Accounts of nodes that are silent go to one that is not. */
void sim_control_place(struct sim *s)
{
	int alive[SIM_NODES], n = 0;

	for (int i = 0; i < SIM_NODES; i++)
		if (mono_diff(s->clock.mono, s->heard[i]) < SILENT_US)
			alive[n++] = i;
	if (!n)
		return;
	for (int i = 0; i < s->naccounts; i++) {
		struct sim_account *a = &s->accounts[i];

		if (mono_diff(s->clock.mono, s->heard[a->wanted]) >= SILENT_US)
			sim_control_move(a, alive[i % n]);
	}
}
