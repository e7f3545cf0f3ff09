/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

#define BEAT_SOON_US (100 * US_PER_MS)
#define BEAT_LOST_US (5 * US_PER_SEC)

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
	struct sim_account *sa = &w->sim->accounts[atoi(a->account_id + 1)];
	struct wire_session s = { .version = a->grant_version,
				  .dc_id = 1 + (atoi(a->account_id + 1) & 1),
				  .user_id = 7 };

	if (secret_init(&s.auth_key, sa->key, sizeof(sa->key)))
		abort();
	account_take_session(a, &s);
	secret_deinit(&s.auth_key);
}

static void on_forget_session(void *ctx, struct account *a)
{
}

static void on_message(void *ctx, struct account *a,
		       const struct engine_message *m)
{
	struct sim_worker *w = ctx;
	struct sim_account *sa = &w->sim->accounts[atoi(a->account_id + 1)];

	w->sim->delivered++;
	if (m->id < 1 || m->id > sa->pts)
		sim_fail(w->sim, "%s got a message %d nobody wrote", sa->name,
			 m->id);
	if (++sa->got[m->id] > 1 && !sa->taken)
		sim_fail(w->sim, "%s got message %d twice", sa->name, m->id);
}

static void on_sent(void *ctx, struct account *a, uint64_t tag, enum err rc,
		    int32_t message_id, const struct err_info *ei)
{
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
		else
			sim_net_at_client(w->sim, &w->mail[i]);
	}
	drop_mail(w);
}

void sim_worker_mail(struct sim *s, int node, const struct sim_event *ev)
{
	struct sim_worker *w = &s->workers[node];
	struct sim_event *copy;

	if (!w->incarnation)
		return;
	if (w->nmail == w->mail_cap) {
		w->mail_cap = w->mail_cap ? 2 * w->mail_cap : 64;
		w->mail = realloc(w->mail, w->mail_cap * sizeof(*w->mail));
		if (!w->mail)
			abort();
	}
	copy = &w->mail[w->nmail++];
	*copy = *ev;
	if (ev->len) {
		copy->data = malloc(ev->len);
		if (!copy->data)
			abort();
		memcpy(copy->data, ev->data, ev->len);
	}
	if (!w->frozen)
		sim_worker_turn(s, node);
}

void sim_worker_turn(struct sim *s, int node)
{
	struct sim_worker *w = &s->workers[node];

	if (!w->incarnation || w->frozen)
		return;
	if (w->nmail)
		loop_defer(w->loop, &w->inbox);
	loop_turn(w->loop, 0);
}

int64_t sim_worker_due(const struct sim *s, int node)
{
	const struct sim_worker *w = &s->workers[node];

	if (!w->incarnation || w->frozen)
		return INT64_MAX;
	return loop_due(w->loop).us;
}

static void begin_loop(struct sim *s, struct sim_worker *w)
{
	const struct loop_options lo = { .clock = &s->clock.clock };
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
	begin_loop(s, w);
	fc.loop = w->loop;
	if (journal_open(&w->journal, w->path, s->clock.wall, NULL) ||
	    fleet_init(&w->fleet, &fc) || orders_init(&w->orders, &w->fleet))
		abort();
	snprintf(w->id.id, sizeof(w->id.id), "n%d", node);
	w->id.beat_us = SIM_BEAT_US;
	beat_init(&w->beat, &(struct beat_config){ .loop = w->loop,
						   .rnd = &s->rnd.rnd,
						   .node = &w->id,
						   .fleet = &w->fleet,
						   .orders = &w->orders,
						   .on_answer = on_answer,
						   .ctx = w });
	w->incarnation = 1 + s->order++;
	w->frozen = w->beating = false;
	w->beat_planned = false;
	plan_beat(w, sim_between(s, 1, 500) * US_PER_MS);
}

/* As kill -9 does: nothing is said, nothing more is written. */
void sim_worker_kill(struct sim *s, int node)
{
	struct sim_worker *w = &s->workers[node];

	if (!w->incarnation)
		return;
	beat_deinit(&w->beat);
	fleet_deinit(&w->fleet);
	orders_deinit(&w->orders);
	journal_close(&w->journal);
	drop_mail(w);
	w->incarnation = 0;
	w->frozen = false;
}

void sim_worker_stop(struct sim *s, int node)
{
	struct sim_worker *w = &s->workers[node];

	sim_worker_kill(s, node);
	loop_free(w->loop);
	free(w->mail);
	unlink(w->path);
	*w = (struct sim_worker){ 0 };
}

static void send_beat(struct sim *s, struct sim_worker *w)
{
	struct err_info ei = { 0 };
	struct buf out;

	w->beat_planned = false;
	if (w->beating)
		return; /* one at a time */
	sim_worker_turn(s, w->node);
	buf_init(&out, WIRE_BODY_MAX);
	w->beat.sent = s->clock.mono;
	if (beat_encode(&w->beat, &out, &ei))
		sim_fail(s, "%s", ei.msg);
	w->beating = true;
	if (!w->cut_control)
		sim_plan(s, sim_between(s, 2, 300) * US_PER_MS, SIM_BEAT_AT,
			 (uint64_t)w->node, tag_of(w), buf_head(&out),
			 buf_len(&out));
	sim_plan(s, BEAT_LOST_US, SIM_BEAT_LOST, (uint64_t)w->node, tag_of(w),
		 NULL, 0);
	buf_deinit(&out);
}

void sim_worker_event(struct sim *s, const struct sim_event *ev)
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
	default:
		if (!w->cut_control)
			sim_worker_mail(s, w->node, ev);
		break;
	}
}
