/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define DIAL_TIMEOUT_US (10 * US_PER_SEC)

/* A worker whose packets to the data centres go nowhere: TCP waits. */
static bool cut(const struct sim *s, const struct sim_link *l)
{
	return s->workers[l->node].cut_dc || s->dc_down[l->dc];
}

static int64_t latency(struct sim *s)
{
	return sim_chance(s, 5) ? sim_between(s, 200, 2000) * US_PER_MS
				: sim_between(s, 5, 120) * US_PER_MS;
}

struct sim_link *sim_link_get(struct sim *s, uint64_t id)
{
	return id && id <= s->nlinks ? s->links[id - 1] : NULL;
}

static void drop_if_over(struct sim *s, struct sim_link *l)
{
	if (l->at_client || l->at_dc || l->ops)
		return;
	if (l->server) {
		fakedc_deinit(l->server);
		free(l->server);
	}
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
	l->ops = ops;
	l->who = who;
	l->at_client = true;
	s->connects++;
	if (!lease_hold_valid(&a->lease, s->clock.mono))
		sim_fail(s, "%s connects without a lease", a->account_id);
	if (++s->accounts[l->account].live > 1 && used_elsewhere(s, l))
		sim_fail(s, "%s: its key on two connections", a->account_id);
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
	if (!lease_hold_valid(&((struct account *)l->who)->lease,
			      s->clock.mono))
		sim_fail(s, "a%d speaks without a lease", l->account);
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

static void open_at_dc(struct sim *s, struct sim_link *l)
{
	struct sim_account *a = &s->accounts[l->account];

	l->at_dc = true;
	l->server = calloc(1, sizeof(*l->server));
	if (!l->server)
		abort();
	fakedc_init(l->server, &s->rnd.rnd, a->key,
		    SIM_START_SEC + sim_now(s) / US_PER_SEC);
	l->server->pongs = true;
}

void sim_net_hang_up(struct sim *s, struct sim_link *l)
{
	if (!l->at_dc)
		return;
	l->at_dc = false;
	if (s->accounts[l->account].link == l->id)
		s->accounts[l->account].link = 0;
	if (l->at_client)
		sim_plan(s, latency(s), SIM_END_AT_CLIENT, l->id,
			 l->to_client.sent++, NULL, 0);
	else
		drop_if_over(s, l);
}

/* Bytes that meet a cut wait and keep their order, as TCP would have it. */
static bool arrives(struct sim *s, struct sim_link *l,
		    const struct sim_event *ev, struct sim_pipe *p)
{
	int64_t wait = 0;

	if (cut(s, l))
		wait = US_PER_SEC;
	else if (ev->b != p->arrived)
		wait = 5 * US_PER_MS;
	if (wait)
		sim_plan(s, wait, ev->what, ev->a, ev->b, ev->data, ev->len);
	else
		p->arrived++;
	return !wait;
}

static void on_open(struct sim *s, struct sim_link *l,
		    const struct sim_event *ev)
{
	if (!l->at_client)
		return;
	if (cut(s, l)) {
		sim_plan(s, DIAL_TIMEOUT_US, SIM_REFUSED, ev->a, 0, NULL, 0);
		return;
	}
	open_at_dc(s, l);
	sim_worker_mail(s, l->node, ev);
}

void sim_net_event(struct sim *s, const struct sim_event *ev)
{
	struct sim_link *l = sim_link_get(s, ev->a);

	if (!l)
		return;
	switch (ev->what) {
	case SIM_TO_DC:
		if (l->at_dc && arrives(s, l, ev, &l->to_dc))
			sim_dc_data(s, l, ev->data, ev->len);
		break;
	case SIM_END_AT_DC:
		if (l->at_dc && arrives(s, l, ev, &l->to_dc))
			sim_net_hang_up(s, l);
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
		if (l->id == s->accounts[l->account].flood_link)
			s->accounts[l->account].told = l->node + 1;
		l->ops->on_data(l->who, l->id, ev->data, ev->len);
	} else {
		tell_end(s, l,
			 ev->what == SIM_REFUSED ? CLOSE_CONNECT_TIMEOUT
						 : CLOSE_PEER);
	}
}

void sim_net_send(struct sim *s, struct sim_link *l)
{
	struct buf *out = &l->server->out;

	if (buf_len(out))
		sim_plan(s, latency(s), SIM_TO_CLIENT, l->id,
			 l->to_client.sent++, buf_head(out), buf_len(out));
	buf_reset(out);
	arena_reset(&l->server->arena);
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
