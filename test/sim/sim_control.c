/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* A node that was silent longer may be given up. */
#define SILENT_US (SIM_TTL_US + US_PER_SEC)
#define SEND_AGAIN_US (4 * US_PER_SEC)
#define ORDERS_IN_ANSWER 64

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

static void take_position(struct sim_account *a, const struct wire_position *p)
{
	a->has_pos = true;
	a->pos = *p;
	a->pos.channels = &a->channel;
	if (p->nchannels)
		a->channel = p->channels[0];
	a->pos.nchannels = p->nchannels != 0;
}

/* Before what is released: the last word comes with it. */
static void take_reports(struct sim *s, int node, const struct wire_beat *b)
{
	for (size_t i = 0; i < b->naccounts; i++) {
		const struct wire_account *w = &b->accounts[i];
		struct sim_account *a = find(s, w->account_id);

		if (a->holder != node || a->epoch != w->epoch)
			continue;
		sim_say(s, a, "n%d reports %s, pts %lld, channel %lld", node,
			wire_status_name(w->status), (long long)w->position.pts,
			(long long)(w->position.nchannels
					    ? w->position.channels[0].pts
					    : 0));
		a->status = w->status;
		take_limits(a, w);
		if (w->has_position)
			take_position(a, &w->position);
	}
}

/* What the beat says of leases it lives under; 0 = nothing. */
static void note_held(struct sim *s, const struct wire_beat *b)
{
	memset(s->held, 0, (size_t)s->naccounts * sizeof(*s->held));
	for (size_t i = 0; i < b->nheld; i++) {
		const struct sim_account *a = find(s, b->held[i].account_id);

		s->held[sim_number(s, a)] = b->held[i].epoch;
	}
}

static void take_result(struct sim *s, int node, const struct wire_result *r)
{
	struct sim_send *m;
	int n = 0, tries = 0;

	if (sscanf(r->command_id, "c%d.%d", &n, &tries) != 2 || n < 0 ||
	    n >= s->nsends)
		sim_fail(s, "a beat answers the order %s", r->command_id);
	m = &s->sends[n];
	if (m->done || m->node != node || m->tries != tries)
		return;
	if (r->success || strstr(r->error, "already")) {
		if (!m->stored)
			sim_fail(s, "a%d says it sent message %d, and did not",
				 m->account, n);
		m->done = true;
		return;
	}
	if (strstr(r->error, "Telegram said"))
		sim_hit(s, HIT_FLOOD_HELD);
	sim_hit(s, HIT_SEND_RETRIED);
	m->node = -1;
	m->again_at = sim_now(s) + SEND_AGAIN_US;
}

static void take_results(struct sim *s, int node, const struct wire_beat *b)
{
	for (size_t i = 0; i < b->nresults; i++)
		take_result(s, node, &b->results[i]);
}

/* The waits go with the account.  A node whose wall clock is wrong cannot know
 * when they end until it has spoken to Telegram. */
static void move_waits(struct sim *s, struct sim_account *a, int node)
{
	bool wrong = s->workers[node].clock.wall_off_us != 0;

	for (int i = 0; i < CALLS; i++) {
		struct sim_wait *w = &a->waits[i];

		if (wrong)
			w->told = 0;
		else if (w->told && w->told == a->holder + 1)
			w->told = node + 1;
	}
}

static void taken_over(struct sim *s, struct sim_account *a)
{
	sim_hit(s, HIT_TAKEOVER);
	/* it may not have told what it heard */
	for (int i = 0; i < CALLS; i++)
		a->waits[i].told = 0;
	sim_check_lost(a, true);
	a->lost = 0;
}

static void granted(struct sim *s, struct sim_account *a, int node)
{
	if (a->holder >= 0 && a->holder != node) {
		sim_hit(s, HIT_MOVED);
		if (a->has_pos)
			sim_hit(s, HIT_MOVED_PLACE);
	}
	if (a->lost)
		sim_check_lost(a, false);
	move_waits(s, a, node);
}

/* As the replica that has the beat finds it in the database. */
static struct lease_watch *see(struct sim *s, struct sim_account *a)
{
	struct lease_watch *w = &a->watch[s->replica];

	lease_watch_see(w, &(struct lease_stamp){ a->epoch, a->renewals },
			s->now);
	return w;
}

/* Shall `node` run the account after this beat? */
static bool lease(struct sim *s, int node, struct sim_account *a, bool *ret_new)
{
	const struct lease_view v = { .stamp = { a->epoch, a->renewals },
				      .holder = node_name(a->holder),
				      .released = a->released,
				      .seen = see(s, a)->seen };
	struct mono until;

	if (a->wanted != node)
		return false;
	if (a->holder == node && !a->released &&
	    s->held[sim_number(s, a)] == a->epoch) {
		if (s->workers[node].known_boot > a->lost)
			a->lost = 0;
		a->renewals++;
		see(s, a);
		return true;
	}
	switch (lease_may_grant(&rules, &v, node_name(node), s->now, &until)) {
	case LEASE_WAIT:
		return false;
	case LEASE_TAKEOVER:
		taken_over(s, a);
		break;
	case LEASE_GRANT:
		granted(s, a, node);
		break;
	}
	sim_say(s, a,
		"lease %lld for n%d, from n%d (released %d), pts %lld, "
		"channel %lld",
		(long long)a->epoch + 1, node, a->holder, a->released,
		(long long)a->pos.pts, (long long)a->channel.pts);
	*ret_new = true;
	a->epoch++;
	a->holder = node;
	a->released = false;
	a->renewals = 0;
	see(s, a);
	return true;
}

bool sim_control_lease_is(struct sim *s, const struct account *a, int node)
{
	const struct sim_account *sa = find(s, a->account_id);

	return sa->holder == node && !sa->released &&
	       a->lease.epoch <= sa->epoch;
}

static const char *order_text(struct sim *s, struct arena *arena,
			      const struct sim_send *m)
{
	char text[2400], peer[24] = "self";

	if (m->peer)
		snprintf(peer, sizeof(peer), "%lld", (long long)m->peer);
	snprintf(text, sizeof(text),
		 "{\"account_id\":\"a%d\",\"peer\":\"%s\","
		 "\"random_id\":\"%lld\",\"text\":\"s%d %*s\"}",
		 m->account, peer, (long long)m->random_id, (int)(m - s->sends),
		 m->big ? 2000 : 1, ".");
	return arena_str(arena, text, strlen(text));
}

/* The node's orders, until they are answered. */
static void give_orders(struct sim *s, int node, struct arena *arena,
			struct wire_answer *ans)
{
	struct wire_command *list =
		arena_array(arena, ORDERS_IN_ANSWER, sizeof(*list));
	uint64_t inc = s->workers[node].known_boot;

	while (s->first_open < s->nsends && s->sends[s->first_open].done)
		s->first_open++;
	for (int i = s->first_open;
	     i < s->nsends && ans->ncommands < ORDERS_IN_ANSWER; i++) {
		struct sim_send *m = &s->sends[i];
		const struct sim_account *a = &s->accounts[m->account];
		char id[32];

		if (m->done || a->holder != node || a->released || a->dead ||
		    m->again_at > sim_now(s))
			continue;
		if (m->node != node || m->incarnation != inc)
			m->tries++;
		m->node = node;
		m->incarnation = inc;
		snprintf(id, sizeof(id), "c%d.%d", i, m->tries);
		list[ans->ncommands++] = (struct wire_command){
			.command_id = arena_str(arena, id, strlen(id)),
			.action = "send_message",
			.params = order_text(s, arena, m),
		};
	}
	ans->commands = list;
}

static size_t give_leases(struct sim *s, int node, struct wire_lease *l)
{
	size_t n = 0;

	for (int i = 0; i < s->naccounts; i++) {
		struct sim_account *a = &s->accounts[i];
		bool fresh = false;

		if (!lease(s, node, a, &fresh))
			continue;
		l[n++] = (struct wire_lease){
			.account_id = a->name,
			.epoch = a->epoch,
			.ttl_ms = SIM_TTL_US / US_PER_MS,
			.has_session = true,
			.session = { .version = a->version,
				     .fingerprint = "00" },
			.has_position = fresh && a->has_pos,
			.position = a->pos,
			.limits = a->limits,
			.nlimits = fresh ? a->nlimits : 0,
		};
	}
	return n;
}

static void send_answer(struct sim *s, int node, uint64_t tag,
			const struct buf *out)
{
	bool lost = !s->calm && sim_chance(s, 3);
	int times = !s->calm && sim_chance(s, 3) ? 2 : 1;
	int64_t late = 0;

	if (!s->calm && sim_chance(s, 10)) {
		sim_hit(s, HIT_ANSWER_LATE);
		late = sim_between(s, 300, 4500) * US_PER_MS;
	}
	if (lost)
		sim_hit(s, HIT_ANSWER_LOST);
	else if (times == 2)
		sim_hit(s, HIT_ANSWER_TWICE);
	for (int i = 0; i < times && !lost; i++)
		sim_plan(s, late + sim_between(s, 2, 300) * US_PER_MS,
			 SIM_ANSWER, (uint64_t)node, tag, buf_head(out),
			 buf_len(out));
}

static void answer(struct sim *s, int node, uint64_t tag, struct arena *arena)
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
	ans.nleases = give_leases(s, node, l);
	give_orders(s, node, arena, &ans);
	buf_init(&out, WIRE_BODY_MAX);
	if (wire_answer_encode(&ans, &out))
		sim_fail(s, "cannot encode an answer");
	send_answer(s, node, tag, &out);
	buf_deinit(&out);
	free(l);
}

/* As control/nodes.c does: nothing from before what is known already. */
static bool in_order(struct sim *s, struct sim_worker *w, uint64_t boot,
		     const struct wire_beat *b)
{
	if (boot < w->known_boot ||
	    (boot == w->known_boot && b->seq < w->known_seq)) {
		sim_hit(s, HIT_BEAT_ORDER);
		return false;
	}
	w->known_boot = boot;
	w->known_seq = b->seq;
	return true;
}

/* The proxy gives it to any that is up; chance is not asked, for the seeds. */
static bool pick(struct sim *s, int node)
{
	for (int i = 0; i < SIM_REPLICAS; i++) {
		s->replica =
			(int)((s->beats + (uint64_t)(node + i)) % SIM_REPLICAS);
		if (!s->replica_down[s->replica])
			return true;
	}
	return false;
}

void sim_control_beat(struct sim *s, const struct sim_event *ev)
{
	int node = (int)ev->a;
	struct err_info ei = { 0 };
	struct wire_beat b;
	struct arena arena;

	if (s->workers[node].cut_control)
		sim_hit(s, HIT_CUT_CONTROL);
	if (!pick(s, node) || s->workers[node].cut_control)
		return;
	arena_init(&arena, 64U << 20);
	if (wire_beat_decode(ev->data, ev->len, &arena, &b, &ei))
		sim_fail(s, "a beat is refused: %s", ei.msg);
	if (in_order(s, &s->workers[node], ev->b >> 32, &b)) {
		s->heard[node] = s->now;
		s->beats++;
		note_held(s, &b);
		take_reports(s, node, &b);
		take_results(s, node, &b);
		take_released(s, node, &b);
		sim_control_place(s);
		answer(s, node, ev->b, &arena);
	}
	arena_deinit(&arena);
}

static struct sim_send *new_send(struct sim *s)
{
	if (s->nsends == s->sends_cap) {
		s->sends_cap = s->sends_cap ? 2 * s->sends_cap : 64;
		s->sends = realloc(s->sends,
				   (size_t)s->sends_cap * sizeof(*s->sends));
		if (!s->sends)
			abort();
	}
	return &s->sends[s->nsends++];
}

void sim_control_send(struct sim *s)
{
	struct sim_account *a = sim_some_account(s);
	int64_t n = sim_number(s, a);
	const int64_t peers[] = { 0, -SIM_CHAT, sim_channel((int)n) };
	int to = (int)sim_between(s, 0, a->boxes[BOX_CHANNEL].pts ? 2 : 1);

	*new_send(s) =
		(struct sim_send){ .account = (int)n,
				   .node = -1,
				   .peer = peers[to],
				   .random_id = 1 + s->nsends +
						((int64_t)s->nsends << 32),
				   .big = sim_chance(s, 10) };
}

/* Accounts of nodes that are silent go to one that is not. */
void sim_control_place(struct sim *s)
{
	int alive[SIM_NODES], n = 0;

	for (int i = 0; i < SIM_NODES; i++)
		if (mono_diff(s->now, s->heard[i]) < SILENT_US)
			alive[n++] = i;
	if (!n || n == SIM_NODES)
		return;
	for (int i = 0; i < s->naccounts; i++) {
		struct sim_account *a = &s->accounts[i];

		if (mono_diff(s->now, s->heard[a->wanted]) >= SILENT_US)
			a->wanted = alive[i % n];
	}
}
