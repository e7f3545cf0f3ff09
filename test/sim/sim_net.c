/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define DIAL_TIMEOUT_US (10 * US_PER_SEC)
/* A server gives up a connection it hears nothing of. */
#define SERVER_PATIENCE_US (75 * US_PER_SEC)

/* A worker whose packets to the data centres go nowhere: TCP waits. */
static bool cut(const struct sim *s, const struct sim_link *l)
{
	return s->workers[l->node].cut_dc || s->dc_down[l->dc];
}

static int64_t latency(struct sim *s)
{
	if (sim_chance(s, 95))
		return sim_between(s, 5, 120) * US_PER_MS;
	sim_hit(s, HIT_LATENCY);
	return sim_between(s, 200, 2000) * US_PER_MS;
}

struct sim_link *sim_link_get(struct sim *s, uint64_t id)
{
	return id && id <= s->nlinks ? s->links[id - 1] : NULL;
}

static void drop_if_over(struct sim *s, struct sim_link *l)
{
	if (l->at_client || l->at_dc || l->ops)
		return;
	transport_deinit(&l->transport);
	s->links[l->id - 1] = NULL;
	free(l);
}

static void gone_at_client(struct sim *s, struct sim_link *l)
{
	if (!l->at_client)
		return;
	l->at_client = false;
	s->accounts[l->account].live--;
}

static struct sim_link *add_link(struct sim *s)
{
	struct sim_link *l = calloc(1, sizeof(*l));

	if (s->nlinks == s->links_cap) {
		s->links_cap = s->links_cap ? 2 * s->links_cap : 1024;
		s->links = realloc(s->links, s->links_cap * sizeof(l));
	}
	if (!l || !s->links)
		abort();
	s->links[s->nlinks++] = l;
	l->id = s->nlinks;
	return l;
}

static int number_in(const char *text, char after)
{
	return atoi(strrchr(text, after) + 1);
}

/* A process that is stopped cannot hang up; it can say nothing either, and
 * when it wakes up it must not (send_bytes() looks). */
static bool used_elsewhere(const struct sim *s, const struct sim_link *l)
{
	for (uint64_t i = 0; i < s->nlinks; i++) {
		const struct sim_link *o = s->links[i];

		if (o && o != l && o->account == l->account && o->at_client &&
		    !s->workers[o->node].frozen)
			return true;
	}
	return false;
}

/* By the node's own clock, and by the control plane's books. */
static void may_speak(struct sim *s, const struct sim_link *l, const char *what)
{
	const struct sim_worker *w = &s->workers[l->node];
	const struct account *a = l->who;

	if (!lease_hold_valid(&a->lease, sim_worker_mono(w)))
		sim_fail(s, "%s %s without a lease", a->account_id, what);
	if (!sim_control_lease_is(s, a, l->node))
		sim_fail(s, "%s %s by a lease that is not the one given out",
			 a->account_id, what);
}

static void check_dial(struct sim *s, struct sim_link *l)
{
	struct sim_account *sa = &s->accounts[l->account];
	const struct account *a = l->who;

	may_speak(s, l, "connects");
	if (sa->ended_epoch == a->lease.epoch &&
	    sa->ended_version == a->session_version)
		sim_fail(s, "%s connects after it came to its end", sa->name);
	if (++sa->live > 1 && used_elsewhere(s, l))
		sim_fail(s, "%s: its key on two connections", sa->name);
}

static enum err dial(void *ctx, const struct link_dial_options *o,
		     const struct link_ops *ops, void *who, uint64_t *ret_link,
		     struct err_info *ei)
{
	struct sim_worker *w = ctx;
	struct sim *s = w->sim;
	struct account *a = who;
	struct sim_link *l = add_link(s);

	l->node = w->node;
	l->incarnation = w->incarnation;
	l->account = number_in(a->account_id, 'a');
	l->dc = number_in(o->to.host, '.');
	l->version = a->session_version;
	l->ops = ops;
	l->who = who;
	l->at_client = true;
	s->connects++;
	check_dial(s, l);
	if (cut(s, l))
		sim_plan(s, s->dc_down[l->dc] ? latency(s) : DIAL_TIMEOUT_US,
			 SIM_REFUSED, l->id, 0, NULL, 0);
	else
		sim_plan(s, 2 * latency(s), SIM_OPEN, l->id, 0, NULL, 0);
	*ret_link = l->id;
	return ERR_OK;
}

static enum err send_bytes(void *ctx, uint64_t link, const void *data,
			   size_t len)
{
	struct sim_worker *w = ctx;
	struct sim *s = w->sim;
	struct sim_link *l = sim_link_get(s, link);

	if (!l || !l->at_client || !l->open)
		return ERR_EOF;
	may_speak(s, l, "speaks");
	if (l->hole)
		sim_hit(s, HIT_BLACK_HOLE);
	sim_plan(s, latency(s), SIM_TO_DC, link, l->to_dc.sent++, data, len);
	return ERR_OK;
}

static void end_from_client(struct sim *s, struct sim_link *l)
{
	gone_at_client(s, l);
	if (l->at_dc)
		sim_plan(s, latency(s), SIM_END_AT_DC, l->id, l->to_dc.sent++,
			 NULL, 0);
}

static void close_link(void *ctx, uint64_t link, enum close_reason reason)
{
	struct sim_worker *w = ctx;
	struct sim *s = w->sim;
	struct sim_link *l = sim_link_get(s, link);

	if (!l || !l->at_client)
		return;
	end_from_client(s, l);
	/* on_close comes later, from the loop */
	sim_plan(s, 1, SIM_CLOSED, link, reason, NULL, 0);
}

static void abandon(void *ctx, uint64_t link)
{
	struct sim_worker *w = ctx;
	struct sim *s = w->sim;
	struct sim_link *l = sim_link_get(s, link);

	if (!l)
		return;
	l->ops = NULL;
	end_from_client(s, l);
	drop_if_over(s, l);
}

const struct fleet_net sim_net = { dial, send_bytes, close_link, abandon };

static void gone_at_dc(struct sim *s, struct sim_link *l)
{
	if (!l->at_dc)
		return;
	l->at_dc = false;
	if (s->accounts[l->account].link == l->id)
		s->accounts[l->account].link = 0;
}

void sim_net_hang_up(struct sim *s, struct sim_link *l)
{
	if (!l->at_dc)
		return;
	gone_at_dc(s, l);
	if (l->at_client) {
		sim_hit(s, HIT_HUNG_UP);
		sim_plan(s, latency(s), SIM_END_AT_CLIENT, l->id,
			 l->to_client.sent++, NULL, 0);
	} else {
		drop_if_over(s, l);
	}
}

/* Some router forgot the connection: both ends think it is there. */
void sim_net_black_hole(struct sim *s, struct sim_link *l)
{
	if (l->hole || !l->at_dc)
		return;
	l->hole = true;
	sim_plan(s, SERVER_PATIENCE_US, SIM_END_AT_DC, l->id, 0, NULL, 0);
}

/* Bytes that meet a cut wait and keep their order, as TCP would have it. */
static bool arrives(struct sim *s, struct sim_link *l, struct sim_event *ev,
		    struct sim_pipe *p)
{
	int64_t wait = 0;

	if (l->hole)
		return false;
	if (cut(s, l))
		wait = US_PER_SEC;
	else if (ev->b != p->arrived)
		wait = 5 * US_PER_MS;
	if (cut(s, l))
		sim_hit(s, s->dc_down[l->dc] ? HIT_DC_DOWN : HIT_CUT_DC);
	if (wait)
		sim_plan_again(s, wait, ev);
	else
		p->arrived++;
	return !wait;
}

static void on_open(struct sim *s, struct sim_link *l, struct sim_event *ev)
{
	if (!l->at_client)
		return;
	if (cut(s, l)) {
		sim_plan(s, DIAL_TIMEOUT_US, SIM_REFUSED, ev->a, 0, NULL, 0);
		return;
	}
	l->at_dc = true;
	sim_server_open(s, l);
	sim_worker_mail(s, l->node, ev);
}

static void end_at_dc(struct sim *s, struct sim_link *l, struct sim_event *ev)
{
	if (l->hole) {
		/* only the server's patience ends it */
		if (sim_now(s) - ev->born < SERVER_PATIENCE_US)
			return;
		gone_at_dc(s, l);
		drop_if_over(s, l);
	} else if (l->at_dc && arrives(s, l, ev, &l->to_dc)) {
		sim_net_hang_up(s, l);
	}
}

void sim_net_event(struct sim *s, struct sim_event *ev)
{
	struct sim_link *l = sim_link_get(s, ev->a);

	if (!l)
		return;
	switch (ev->what) {
	case SIM_TO_DC:
		if (l->at_dc && arrives(s, l, ev, &l->to_dc))
			sim_server_data(s, l, ev);
		break;
	case SIM_END_AT_DC:
		end_at_dc(s, l, ev);
		break;
	case SIM_OPEN:
		on_open(s, l, ev);
		break;
	case SIM_TO_CLIENT:
	case SIM_END_AT_CLIENT:
		if (l->at_client && arrives(s, l, ev, &l->to_client))
			sim_worker_mail(s, l->node, ev);
		break;
	default:
		sim_worker_mail(s, l->node, ev);
		break;
	}
}

static void tell_end(struct sim *s, struct sim_link *l,
		     enum close_reason reason)
{
	const struct link_ops *ops = l->ops;
	struct err_info ei = { 0 };
	uint64_t id = l->id;
	void *who = l->who;

	gone_at_client(s, l);
	l->ops = NULL;
	drop_if_over(s, l);
	if (ops)
		ops->on_close(who, id, reason, &ei);
}

static bool listens(const struct account *a, const struct sim_link *l,
		    uint64_t session_id)
{
	return a->link == l->id && a->engine.connected &&
	       a->engine.session.session_id == session_id;
}

/* Which of these came before? */
static uint32_t note_heard(struct sim_session *ss, const struct sim_note *n)
{
	uint32_t again = 0;

	for (uint32_t i = 0; ss && i < n->nids; i++) {
		if (sim_server_seen(&ss->heard, n->ids[i]))
			again++;
		else
			sim_server_note(&ss->heard, n->ids[i]);
	}
	return again;
}

static bool in_book(const struct flood *f, const char *method, int64_t peer)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (!strcmp(f->entries[i].method, method) &&
		    f->entries[i].peer == peer)
			return true;
	return false;
}

/* It may have hung up before it read them all: what is in the book counts. */
static void note_told(struct sim *s, struct sim_link *l, uint32_t tells)
{
	static const char *const names[CALLS] = {
		"users.getUsers",	 "updates.getState",
		"updates.getDifference", "updates.getChannelDifference",
		"messages.sendMessage",	 FLOOD_SENDING,
	};
	const struct account *a = l->who;

	for (int c = 0; c < CALLS; c++) {
		struct sim_wait *w = &s->accounts[l->account].waits[c];
		int64_t peer = c == CALL_SLOW ? sim_channel(l->account) : 0;

		if (!(tells & 1U << c) ||
		    !in_book(&a->engine.flood, names[c], peer))
			continue;
		w->told = l->node + 1;
		w->heard = sim_now(s);
	}
}

static void data_at_client(struct sim *s, struct sim_link *l,
			   const struct sim_event *ev)
{
	struct sim_account *sa = &s->accounts[l->account];
	struct account *a = l->who;
	struct session *session = &a->engine.session;
	struct sim_note note;
	bool listened, still;
	uint64_t waits = a->engine.flood.changes;
	uint32_t dups = session->stats.duplicates, again = 0;

	memcpy(&note, ev->data, sizeof(note));
	listened = listens(a, l, note.session_id);
	l->ops->on_data(l->who, l->id, ev->data + sizeof(note),
			ev->len - sizeof(note));
	still = listens(a, l, note.session_id);
	if (listened && still)
		again = note_heard(
			sim_server_session(sa, l->dc, note.session_id), &note);
	if (again)
		sim_hit(s, HIT_DUPLICATE);
	if (again > session->stats.duplicates - dups)
		sim_fail(s, "%s handled a message id twice", sa->name);
	if (a->engine.flood.changes != waits)
		note_told(s, l, note.tells);
	if (account_state_is_end(account_state(a))) {
		sa->ended_epoch = a->lease.epoch;
		sa->ended_version = a->session_version;
	}
}

void sim_net_at_client(struct sim *s, const struct sim_event *ev)
{
	struct sim_link *l = sim_link_get(s, ev->a);

	if (!l || !l->ops || l->incarnation != s->workers[l->node].incarnation)
		return;
	if (ev->what == SIM_CLOSED) {
		tell_end(s, l, (enum close_reason)ev->b);
		return;
	}
	if (!l->at_client)
		return; /* closed here: only its end is told */
	if (ev->what == SIM_OPEN) {
		l->open = true;
		l->ops->on_open(l->who, l->id);
	} else if (ev->what == SIM_TO_CLIENT) {
		data_at_client(s, l, ev);
	} else {
		if (ev->what == SIM_REFUSED)
			sim_hit(s, HIT_REFUSED);
		tell_end(s, l,
			 ev->what == SIM_REFUSED ? CLOSE_CONNECT_TIMEOUT
						 : CLOSE_PEER);
	}
}

void sim_net_send(struct sim *s, struct sim_link *l, const void *data,
		  size_t len)
{
	if (l->hole)
		sim_hit(s, HIT_BLACK_HOLE);
	sim_plan(s, latency(s), SIM_TO_CLIENT, l->id, l->to_client.sent++, data,
		 len);
}

void sim_net_free(struct sim *s)
{
	for (uint64_t i = 0; i < s->nlinks; i++) {
		struct sim_link *l = s->links[i];

		if (!l)
			continue;
		l->at_client = l->at_dc = false;
		l->ops = NULL;
		drop_if_over(s, l);
	}
	free(s->links);
	s->links = NULL;
	s->nlinks = s->links_cap = 0;
}
