/* SPDX-License-Identifier: MIT */
#include "worker/beat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/rnd.h"
#include "base/text.h"

#define BEAT_ARENA_MAX (64U << 20)
#define BEAT_SOON_US INT64_C(100000)
#define BEAT_RETRY_US INT64_C(1000000)
#define BEAT_JITTER 10 /* percent */
#define BEAT_TIMEOUT_MIN_US INT64_C(2000000)

static void on_timer(struct wheel_timer *t, void *ctx);

void beat_init(struct beat *b, const struct beat_config *cfg)
{
	char hex[2 * BEAT_BOOT_RANDOM + 1];
	uint8_t id[BEAT_BOOT_RANDOM];

	*b = (struct beat){ .loop = cfg->loop,
			    .http = cfg->http,
			    .node = cfg->node,
			    .fleet = cfg->fleet,
			    .orders = cfg->orders,
			    .on_answer = cfg->on_answer,
			    .ctx = cfg->ctx,
			    .full = true };
	rnd_fill(cfg->rnd, id, sizeof(id));
	text_hex(hex, id, sizeof(id));
	/* the number says which of two boots is the later one */
	snprintf(b->boot_id, sizeof(b->boot_id), "%lld-%s",
		 (long long)cfg->node->boots, hex);
	wheel_timer_init(&b->timer, on_timer, b);
}

void beat_deinit(struct beat *b)
{
	if (!b->loop)
		return;
	loop_cancel(b->loop, &b->timer);
	if (b->under_way)
		client_cancel(b->http, b->request);
	*b = (struct beat){ 0 };
}

static void fill_account(const struct account *a, struct wire_account *w)
{
	*w = (struct wire_account){
		.account_id = a->account_id,
		.status = account_status(a),
		.last_activity = a->last_activity,
		.message_count = a->received,
		.reply_count = a->sent,
		.epoch = a->lease.epoch ? a->lease.epoch : a->released_epoch,
		.state_since = a->state_since,
		.last_error = { .code = a->fault.code,
				.message = a->fault.message,
				.advice = a->fault.advice },
		.user_id = a->user_id,
		.username = a->username,
		.phone = a->phone,
	};
}

/* Texts on loan from the account, which outlives the beat's making. */
static enum err fill_limits(const struct account *a, struct wall now,
			    struct arena *arena, struct wire_account *w)
{
	const struct flood *f = &a->engine.flood;
	struct wire_limit *list;

	if (!f->n)
		return ERR_OK;
	list = arena_array(arena, f->n, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	w->limited_until = flood_limited_until(f, now);
	w->limits = list;
	for (uint32_t i = 0; i < f->n; i++) {
		const struct flood_entry *e = &f->entries[i];

		if (e->until.us <= now.us)
			continue;
		list[w->nlimits++] = (struct wire_limit){ .method = e->method,
							  .peer = e->peer,
							  .until = e->until,
							  .error = e->error };
	}
	return ERR_OK;
}

struct lists {
	struct wire_account *accounts;
	struct wire_held *held, *released;
	size_t naccounts, nheld, nreleased;
};

static enum err add_report(struct beat *b, struct arena *arena, struct lists *l,
			   struct account *a)
{
	struct wire_account *w = &l->accounts[l->naccounts++];

	enum err rc;

	fill_account(a, w);
	rc = fill_limits(a, account_limits_now(a), arena, w);
	if (!rc)
		rc = account_place_tell(a, arena, w);
	if (w->has_position)
		a->place_beat = b->seq;
	return rc;
}

static enum err add_account(struct beat *b, struct arena *arena,
			    struct lists *l, struct account *a)
{
	enum err rc = ERR_OK;

	/* a release carries the last word, whatever else it does */
	if (b->full || a->release_due ||
	    bset_has(&b->fleet->dirty, idtab_index(a->id)))
		rc = add_report(b, arena, l, a);
	if (a->lease.epoch)
		l->held[l->nheld++] =
			(struct wire_held){ a->account_id, a->lease.epoch };
	if (a->release_due) {
		a->release_beat = b->seq;
		l->released[l->nreleased++] =
			(struct wire_held){ a->account_id, a->released_epoch };
	}
	return rc;
}

static enum err gather(struct beat *b, struct arena *arena, struct lists *l)
{
	size_t n = fleet_count(b->fleet);
	struct account *a;
	uint32_t cursor = 0;
	enum err rc = ERR_OK;

	l->accounts = arena_array(arena, n + 1, sizeof(*l->accounts));
	l->held = arena_array(arena, n + 1, sizeof(*l->held));
	l->released = arena_array(arena, n + 1, sizeof(*l->released));
	if (!l->accounts || !l->held || !l->released)
		return ERR_NOMEM;
	while (!rc && (a = fleet_next(b->fleet, &cursor)))
		rc = add_account(b, arena, l, a);
	return rc;
}

static enum err encode(struct beat *b, struct arena *arena, struct buf *out)
{
	struct lists l = { 0 };
	struct wire_beat w = { .node_id = b->node->id,
			       .status = b->draining ? "draining" : "online",
			       .boot_id = b->boot_id,
			       .seq = (int64_t)b->seq,
			       .full = b->full,
			       .version = TGFLEET_VERSION };
	enum err rc = gather(b, arena, &l);

	if (!rc)
		rc = orders_results(b->orders, arena, b->seq, &w.results,
				    &w.nresults);
	if (rc)
		return rc;
	w.accounts = l.accounts;
	w.naccounts = l.naccounts;
	w.held = l.held;
	w.nheld = l.nheld;
	w.released = l.released;
	w.nreleased = l.nreleased;
	return wire_beat_encode(&w, out);
}

enum err beat_encode(struct beat *b, struct buf *out, struct err_info *ei)
{
	struct arena arena;
	enum err rc;

	b->seq++;
	b->mark = b->fleet->changes;
	arena_init(&arena, BEAT_ARENA_MAX);
	rc = encode(b, &arena, out);
	arena_deinit(&arena);
	return rc ? err_set(ei, rc, "make a heartbeat") : ERR_OK;
}

static void set_grant(struct account *a, const struct wire_lease *l)
{
	if (!l->has_session)
		return;
	a->grant_version = l->session.version;
	a->grant_route = l->session.route_version;
	if (!l->session.url)
		return;
	free(a->grant_url);
	a->grant_url = strdup(l->session.url);
}

static void apply_lease(struct beat *b, const struct wire_lease *l)
{
	struct account *a;
	int64_t before;

	if (fleet_find_or_add(b->fleet, l->account_id, &a)) {
		log_warn(LOGEV_LEASE, log_str("acc", l->account_id),
			 log_str("what", "no room for the account"));
		return;
	}
	/* hung up and released meanwhile: the answer is older than that */
	if (l->epoch <= a->released_epoch)
		return;
	before = a->lease.epoch;
	if (!lease_hold_confirm(&a->lease, l->epoch, b->sent,
				l->ttl_ms * US_PER_MS))
		return;
	a->seen_beat = b->seq;
	a->wipe = false;
	fleet_note_lease(b->fleet, a->lease.deadline);
	set_grant(a, l);
	if (l->epoch != before)
		account_place_take(a, l);
	if (a->has_session && a->grant_version &&
	    (a->grant_version != a->session_version ||
	     a->grant_route != a->route_version)) {
		a->has_session = false;
		account_restart(a, "new session or route");
	} else if (l->epoch != before &&
		   account_state_is_end(account_state(a))) {
		account_restart(a, "granted anew");
	} else if (account_state(a) == ACCOUNT_PARKED) {
		account_start(a);
	}
}

static void take_away(struct beat *b, struct account *a, const char *reason)
{
	log_info(LOGEV_LEASE, log_str("acc", a->account_id),
		 log_i64("epoch", a->lease.epoch), log_str("what", reason));
	a->wipe = true;
	account_stop(a, "taken away");
}

static const char *reason_of(const struct wire_answer *ans,
			     const struct account *a)
{
	for (size_t i = 0; i < ans->nstops; i++)
		if (!strcmp(ans->stops[i].account_id, a->account_id))
			return ans->stops[i].reason;
	return "not ours any more";
}

/* What we hold or have just given back, after the leases were applied. */
static void settle(struct beat *b, const struct wire_answer *ans,
		   struct account *a)
{
	if (a->lease.epoch && a->seen_beat != b->seq) {
		take_away(b, a, reason_of(ans, a));
		return;
	}
	if (a->release_due && a->release_beat == b->seq)
		a->release_due = false;
	if (a->place_beat == b->seq && a->place_changed <= b->mark)
		a->place_changed = 0;
	if (bset_has(&b->fleet->dirty, idtab_index(a->id)) &&
	    a->changed <= b->mark)
		bset_remove(&b->fleet->dirty, idtab_index(a->id));
	if (!a->lease.epoch && !a->release_due && !a->link &&
	    account_state(a) == ACCOUNT_PARKED && a->changed <= b->mark)
		fleet_remove(b->fleet, a);
}

void beat_apply(struct beat *b, const struct wire_answer *ans)
{
	struct account *a;
	uint32_t cursor = 0;

	orders_confirmed(b->orders, b->seq);
	for (size_t i = 0; i < ans->nleases; i++)
		apply_lease(b, &ans->leases[i]);
	while ((a = fleet_next(b->fleet, &cursor)))
		settle(b, ans, a);
	/* an answer that came after all it gives had ended */
	fleet_check_leases(b->fleet);
	for (size_t i = 0; i < ans->ncommands; i++)
		orders_take(b->orders, &ans->commands[i]);
	if (ans->heartbeat_interval_ms > 0)
		b->node->beat_us = ans->heartbeat_interval_ms * US_PER_MS;
	b->full = b->orders->full_wanted || ans->full_wanted;
	b->orders->full_wanted = false;
}

static void failed(struct beat *b, enum err rc, const struct err_info *ei)
{
	int64_t wait = BEAT_RETRY_US;

	metrics_add(METRIC_HEARTBEAT_FAILURES, 1);
	if (!b->fails)
		log_fail(LOG_WARN, LOGEV_HB, rc, ei, log_u64("seq", b->seq));
	for (unsigned int i = 0; i < b->fails && wait < b->node->beat_us; i++)
		wait *= 2;
	if (wait > b->node->beat_us)
		wait = b->node->beat_us;
	if (b->fails < 16)
		b->fails++;
	loop_arm(b->loop, &b->timer,
		 rnd_jitter(b->fleet->rnd, wait, BEAT_JITTER));
	b->on_answer(b->ctx, rc);
}

static enum err read_answer(struct beat *b, const struct client_response *rsp,
			    struct err_info *ei)
{
	struct wire_answer ans;
	struct arena arena;
	enum err rc = rsp->rc;

	if (rc)
		return err_set(ei, rc, "heartbeat: %s", rsp->ei.msg);
	if (rsp->status == 401 || rsp->status == 403)
		return err_set(ei, ERR_UNAUTHORIZED,
			       "the control plane does not know this node any "
			       "more: remove its state folder and enrol again");
	if (rsp->status != 200)
		return err_set(ei, ERR_UNAVAILABLE,
			       "the control plane answered %d", rsp->status);
	arena_init(&arena, BEAT_ARENA_MAX);
	rc = wire_answer_decode(rsp->body, rsp->body_len, &arena, &ans, ei);
	if (!rc)
		beat_apply(b, &ans);
	arena_deinit(&arena);
	return rc;
}

static void on_response(void *ctx, const struct client_response *rsp)
{
	struct beat *b = ctx;
	struct err_info ei = { 0 };
	enum err rc;

	b->under_way = false;
	rc = read_answer(b, rsp, &ei);
	if (rc) {
		failed(b, rc, &ei);
		return;
	}
	if (b->fails)
		log_info(LOGEV_HB, log_str("what", "answered again"),
			 log_u64("seq", b->seq));
	b->fails = 0;
	metrics_add(METRIC_HEARTBEATS, 1);
	if (b->again || b->full)
		loop_arm(b->loop, &b->timer, BEAT_SOON_US);
	else if (!wheel_armed(&b->timer))
		loop_arm(b->loop, &b->timer,
			 rnd_jitter(b->fleet->rnd, b->node->beat_us,
				    BEAT_JITTER));
	b->again = false;
	b->on_answer(b->ctx, ERR_OK);
}

static enum err send(struct beat *b, struct err_info *ei)
{
	int64_t timeout = b->node->beat_us;
	char url[640];
	struct client_request r = { .url = url,
				    .bearer = (char *)b->node->token.bytes,
				    .max_response = WIRE_BODY_MAX };
	struct buf text;
	enum err rc;

	/* a beat that hangs must leave time for another before the lease ends */
	if (timeout < BEAT_TIMEOUT_MIN_US)
		timeout = BEAT_TIMEOUT_MIN_US;
	r.timeout_us = timeout;
	snprintf(url, sizeof(url), "%s/api/v1/workers/heartbeat",
		 b->node->server);
	buf_init(&text, WIRE_BODY_MAX);
	rc = beat_encode(b, &text, ei);
	if (!rc) {
		r.body = buf_head(&text);
		r.body_len = buf_len(&text);
		/* the clock itself, not the turn's: nothing may be gained */
		b->sent = clock_mono(loop_clock(b->loop));
		rc = client_start(b->http, &r, on_response, b, &b->request, ei);
	}
	buf_deinit(&text);
	return rc;
}

void beat_now(struct beat *b)
{
	struct err_info ei = { 0 };
	enum err rc;

	if (b->under_way) {
		b->again = true;
		return;
	}
	loop_cancel(b->loop, &b->timer);
	b->under_way = true;
	rc = send(b, &ei);
	if (rc) {
		b->under_way = false;
		failed(b, rc, &ei);
	}
}

void beat_soon(struct beat *b)
{
	struct mono due;

	if (b->under_way) {
		b->again = true;
		return;
	}
	due = mono_add(loop_now(b->loop), BEAT_SOON_US);
	if (b->fails ||
	    (wheel_armed(&b->timer) && mono_before(b->timer.due, due)))
		return;
	loop_arm_at(b->loop, &b->timer, due);
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	beat_now(ctx);
}
