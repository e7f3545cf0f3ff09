/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

#define BEAT_SOON_US (100 * US_PER_MS)
#define BEAT_LOST_US (5 * US_PER_SEC)

static int64_t shows(const struct sim_clock *k, int64_t us)
{
	return k->base_us + us + us * k->rate / 1000000;
}

static struct mono mono_of(const struct clock *c)
{
	const struct sim_clock *k = (const struct sim_clock *)c;

	return (struct mono){ shows(k, sim_now(k->sim)) };
}

static struct wall wall_of(const struct clock *c)
{
	const struct sim_clock *k = (const struct sim_clock *)c;

	return (struct wall){ sim_wall(k->sim).us + k->wall_off_us };
}

struct mono sim_worker_mono(const struct sim_worker *w)
{
	return mono_of(&w->clock.clock);
}

/* The first moment at which the node's clock shows `due`. */
static int64_t when_is(const struct sim_worker *w, struct mono due)
{
	int64_t us;

	if (due.us == MONO_NEVER.us)
		return INT64_MAX;
	us = (int64_t)((double)(due.us - w->clock.base_us) * 1e6 /
		       (double)(1000000 + w->clock.rate)) -
	     2;
	while (shows(&w->clock, us) < due.us)
		us++;
	return us;
}

static uint64_t tag_of(const struct sim_worker *w)
{
	return w->incarnation << 32 | (w->beat.seq & UINT32_MAX);
}

static void plan_beat(struct sim_worker *w, int64_t delay_us)
{
	sim_plan(w->sim, delay_us, SIM_BEAT, (uint64_t)w->node, w->incarnation,
		 NULL, 0);
}

static void on_urgent(void *ctx)
{
	struct sim_worker *w = ctx;

	if (w->beat_planned)
		return;
	w->beat_planned = true;
	sim_plan(w->sim, BEAT_SOON_US, SIM_BEAT_SOON, (uint64_t)w->node,
		 w->incarnation, NULL, 0);
}

static void on_want_session(void *ctx, struct account *a)
{
	struct sim_worker *w = ctx;
	int n = atoi(a->account_id + 1);

	a->fetch = ++w->fetches;
	sim_plan(w->sim, sim_between(w->sim, 2, 200) * US_PER_MS, SIM_SESSION,
		 (uint64_t)w->node, a->fetch, &n, sizeof(n));
}

/* A grant is for the session there was when it was made. */
static void take_session(struct sim_worker *w, const struct sim_event *ev)
{
	struct sim *s = w->sim;
	struct err_info ei = { 0 };
	struct wire_session ws = { .user_id = 7 };
	struct sim_account *sa;
	struct account *a;
	int n;

	memcpy(&n, ev->data, sizeof(n));
	sa = &s->accounts[n];
	a = fleet_find(&w->fleet, sa->name);
	if (!a || a->fetch != ev->b)
		return;
	a->fetch = 0;
	if (a->grant_version != sa->version || w->cut_control ||
	    (!s->calm && sim_chance(s, 3))) {
		sim_hit(s, HIT_SESSION_FAILED);
		(void)!err_set(&ei, ERR_UNAVAILABLE, "no answer");
		account_session_failed(a, ERR_UNAVAILABLE, &ei);
		return;
	}
	ws.version = sa->version;
	ws.dc_id = 1 + (n & 1);
	if (secret_init(&ws.auth_key, sa->key.secret.bytes, AUTHKEY_LEN))
		abort();
	account_take_session(a, &ws);
	secret_deinit(&ws.auth_key);
}

static void on_forget_session(void *ctx, struct account *a)
{
}

static void note_fresh(struct sim_worker *w, int account, int id)
{
	if (w->nfresh == w->fresh_cap) {
		w->fresh_cap = w->fresh_cap ? 2 * w->fresh_cap : 64;
		w->fresh = realloc(w->fresh, w->fresh_cap * sizeof(*w->fresh));
		if (!w->fresh)
			abort();
	}
	w->fresh[w->nfresh++] = (struct sim_fresh){ account, id };
}

static void on_message(void *ctx, struct account *a,
		       const struct engine_message *m)
{
	struct sim_worker *w = ctx;
	struct sim_account *sa = &w->sim->accounts[atoi(a->account_id + 1)];
	int box = m->chat_id < -SIM_CHANNEL_BASE ? BOX_CHANNEL : BOX_COMMON;

	w->sim->delivered++;
	sim_check_got(w->sim, sa, box, m->id);
	if (box == BOX_COMMON)
		note_fresh(w, sim_number(w->sim, sa), m->id);
}

static void on_sent(void *ctx, struct account *a, uint64_t tag, enum err rc,
		    int32_t message_id, const struct err_info *ei)
{
	struct sim_worker *w = ctx;

	orders_on_sent(&w->orders, tag, rc, message_id, ei);
}

static const struct fleet_ops ops = { .on_urgent = on_urgent,
				      .on_want_session = on_want_session,
				      .on_forget_session = on_forget_session,
				      .on_message = on_message,
				      .on_sent = on_sent };

static void on_wake(void *ctx)
{
	struct sim_worker *w = ctx;

	if (w->incarnation)
		fleet_check_leases(&w->fleet);
}

static void on_answer(void *ctx, enum err rc)
{
}

static void drop_mail(struct sim_worker *w)
{
	for (size_t i = 0; i < w->nmail; i++)
		free(w->mail[i].data);
	w->nmail = 0;
}

static void take_answer(struct sim_worker *w, const struct sim_event *ev)
{
	struct wire_answer ans;
	struct err_info ei = { 0 };
	struct arena arena;

	if (ev->b != tag_of(w) || !w->beating)
		return; /* to a beat that was given up, or to another process */
	w->beating = false;
	arena_init(&arena, 64U << 20);
	if (w->clock.rate)
		sim_hit(w->sim, HIT_CLOCK_RATE);
	if (wire_answer_decode(ev->data, ev->len, &arena, &ans, &ei))
		sim_fail(w->sim, "an answer is refused: %s", ei.msg);
	beat_apply(&w->beat, &ans);
	arena_deinit(&arena);
}

static void read_mail(void *ctx)
{
	struct sim_worker *w = ctx;

	for (size_t i = 0; i < w->nmail; i++) {
		if (w->mail[i].what == SIM_ANSWER)
			take_answer(w, &w->mail[i]);
		else if (w->mail[i].what == SIM_SESSION)
			take_session(w, &w->mail[i]);
		else
			sim_net_at_client(w->sim, &w->mail[i]);
	}
	drop_mail(w);
}

void sim_worker_mail(struct sim *s, int node, struct sim_event *ev)
{
	struct sim_worker *w = &s->workers[node];

	if (!w->incarnation)
		return;
	if (w->nmail == w->mail_cap) {
		w->mail_cap = w->mail_cap ? 2 * w->mail_cap : 64;
		w->mail = realloc(w->mail, w->mail_cap * sizeof(*w->mail));
		if (!w->mail)
			abort();
	}
	w->mail[w->nmail++] = *ev;
	ev->data = NULL;
	ev->len = 0;
	if (!w->frozen)
		sim_worker_turn(s, node);
}

void sim_worker_turn(struct sim *s, int node)
{
	struct sim_worker *w = &s->workers[node];

	if (!w->incarnation || w->frozen)
		return;
	w->nfresh = 0;
	w->journal_was = w->journal.file_bytes;
	if (w->nmail)
		loop_defer(w->loop, &w->inbox);
	loop_turn(w->loop, 0);
	sim_check_written(s, w);
	if (w->doomed && w->nfresh)
		sim_worker_kill(s, node, true);
}

int64_t sim_worker_due(const struct sim *s, int node)
{
	const struct sim_worker *w = &s->workers[node];

	if (!w->incarnation || w->frozen)
		return INT64_MAX;
	return when_is(w, loop_due(w->loop));
}

static void begin_loop(struct sim *s, struct sim_worker *w)
{
	const struct loop_options lo = { .clock = &w->clock.clock };
	static const char env[] =
		"{\"api_id\":5,\"dcs\":["
		"{\"id\":1,\"address\":\"10.0.0.1\",\"port\":443},"
		"{\"id\":2,\"address\":\"10.0.0.2\",\"port\":443}]}";

	if (w->loop)
		return;
	w->inbox = (struct loop_call){ .fn = read_mail, .ctx = w };
	snprintf(w->path, sizeof(w->path), "%s/positions%d", s->dir, w->node);
	if (loop_new(&w->loop, &lo, NULL) ||
	    telegram_parse(&w->telegram, env, strlen(env), NULL))
		abort();
	loop_on_wake(w->loop, on_wake, w);
}

void sim_worker_start(struct sim *s, int node)
{
	struct sim_worker *w = &s->workers[node];
	struct fleet_config fc = { .rnd = &s->rnd.rnd,
				   .telegram = &w->telegram,
				   .journal = &w->journal,
				   .ops = &ops,
				   .ctx = w,
				   .net = &sim_net,
				   .net_ctx = w };

	if (w->incarnation)
		return;
	w->sim = s;
	w->node = node;
	w->clock.clock = (struct clock){ mono_of, wall_of };
	w->clock.sim = s;
	begin_loop(s, w);
	fc.loop = w->loop;
	if (journal_open(&w->journal, w->path, clock_wall(&w->clock.clock),
			 NULL) ||
	    fleet_init(&w->fleet, &fc) || orders_init(&w->orders, &w->fleet))
		abort();
	snprintf(w->id.id, sizeof(w->id.id), "n%d", node);
	w->id.beat_us = SIM_BEAT_US;
	w->id.boots = ++w->boots;
	beat_init(&w->beat, &(struct beat_config){ .loop = w->loop,
						   .rnd = &s->rnd.rnd,
						   .node = &w->id,
						   .fleet = &w->fleet,
						   .orders = &w->orders,
						   .on_answer = on_answer,
						   .ctx = w });
	w->incarnation = 1 + s->order++;
	w->frozen = w->beating = false;
	w->beat_planned = w->doomed = false;
	plan_beat(w, sim_between(s, 1, 500) * US_PER_MS);
}

/* What was delivered in the turn that was not written may come once more, and
 * what was heard in it is not known. */
static void tear(struct sim *s, struct sim_worker *w, size_t was)
{
	off_t cut = (off_t)sim_between(s, (int64_t)w->journal_was,
				       (int64_t)was - 1);

	if (truncate(w->path, cut))
		abort();
	for (size_t i = 0; i < w->nfresh; i++)
		sim_check_again(
			&s->accounts[w->fresh[i].account].boxes[BOX_COMMON],
			w->fresh[i].id);
	sim_hit(s, HIT_KILL_TORN);
}

/* The accounts it had: what they knew that is not in the journal is gone. */
static void forget_knowledge(struct sim *s, int node, bool torn)
{
	for (int i = 0; i < s->naccounts; i++) {
		struct sim_account *a = &s->accounts[i];

		if (a->holder == node)
			sim_say(s, a, "n%d is killed%s", node,
				torn ? ", its last turn unwritten" : "");
		if (a->holder == node)
			a->lost = s->workers[node].incarnation;
		for (int c = 0; c < CALLS; c++)
			if (a->waits[c].told == node + 1 &&
			    (s->workers[node].clock.wall_off_us ||
			     (torn && a->waits[c].heard == sim_now(s))))
				a->waits[c].told = 0;
	}
}

/* As kill -9 does: nothing is said, nothing more is written. */
void sim_worker_kill(struct sim *s, int node, bool torn)
{
	struct sim_worker *w = &s->workers[node];
	size_t was = w->journal.file_bytes;

	if (!w->incarnation)
		return;
	sim_hit(s, HIT_KILL);
	beat_deinit(&w->beat);
	fleet_deinit(&w->fleet);
	orders_deinit(&w->orders);
	journal_close(&w->journal);
	torn = torn && was > w->journal_was;
	if (torn)
		tear(s, w, was);
	forget_knowledge(s, node, torn);
	drop_mail(w);
	w->incarnation = 0;
	w->frozen = w->doomed = false;
}

void sim_worker_stop(struct sim *s, int node)
{
	struct sim_worker *w = &s->workers[node];

	sim_worker_kill(s, node, false);
	loop_free(w->loop);
	free(w->mail);
	free(w->fresh);
	unlink(w->path);
	*w = (struct sim_worker){ 0 };
}

/* To the control plane: now, late, twice or never. */
static void post_beat(struct sim *s, struct sim_worker *w,
		      const struct buf *out)
{
	int64_t late = 0;
	int times = 1;

	if (!s->calm && sim_chance(s, 4)) {
		sim_hit(s, HIT_BEAT_LOST);
		return;
	}
	if (!s->calm && sim_chance(s, 4)) {
		sim_hit(s, HIT_BEAT_LATE);
		late = sim_between(s, 5, 20) * US_PER_SEC;
	}
	if (!s->calm && sim_chance(s, 4)) {
		sim_hit(s, HIT_BEAT_TWICE);
		times = 2;
	}
	for (int i = 0; i < times; i++)
		sim_plan(s, late + sim_between(s, 2, 300) * US_PER_MS,
			 SIM_BEAT_AT, (uint64_t)w->node, tag_of(w),
			 buf_head(out), buf_len(out));
}

static void send_beat(struct sim *s, struct sim_worker *w)
{
	struct err_info ei = { 0 };
	struct buf out;

	w->beat_planned = false;
	if (w->beating)
		return; /* one at a time */
	sim_worker_turn(s, w->node);
	if (!w->incarnation)
		return;
	buf_init(&out, WIRE_BODY_MAX);
	w->beat.sent = sim_worker_mono(w);
	if (beat_encode(&w->beat, &out, &ei))
		sim_fail(s, "%s", ei.msg);
	w->beating = true;
	post_beat(s, w, &out);
	sim_plan(s, BEAT_LOST_US, SIM_BEAT_LOST, (uint64_t)w->node, tag_of(w),
		 NULL, 0);
	buf_deinit(&out);
}

void sim_worker_event(struct sim *s, struct sim_event *ev)
{
	struct sim_worker *w = &s->workers[ev->a];

	switch (ev->what) {
	case SIM_BEAT:
	case SIM_BEAT_SOON:
		if (w->incarnation != ev->b)
			break;
		if (ev->what == SIM_BEAT)
			plan_beat(w, rnd_jitter(&s->rnd.rnd, SIM_BEAT_US, 10));
		if (w->frozen)
			w->beat_planned = false;
		else
			send_beat(s, w);
		break;
	case SIM_BEAT_LOST:
		if (w->incarnation && ev->b == tag_of(w))
			w->beating = false;
		break;
	case SIM_SESSION: /* or that there is none */
		sim_worker_mail(s, w->node, ev);
		break;
	default:
		if (!w->cut_control)
			sim_worker_mail(s, w->node, ev);
		break;
	}
}
