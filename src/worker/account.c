/* SPDX-License-Identifier: MIT */
#include "worker/account.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rnd.h"
#include "base/text.h"
#include "net/loop.h"
#include "worker/account_int.h"
#include "worker/fleet.h"
#include "worker/route.h"

#define ACCOUNT_BACK_OFF_FIRST_US INT64_C(1000000)
#define ACCOUNT_BACK_OFF_MAX_US INT64_C(60000000)
#define ACCOUNT_BACK_OFF_JITTER 30 /* percent */

static int64_t now_us(const struct account *a)
{
	return loop_now(a->fleet->loop).us;
}

enum err account_new(struct fleet *f, const char *account_id,
		     struct account **ret)
{
	struct account *a = calloc(1, sizeof(*a));

	if (!a)
		return ERR_NOMEM;
	a->account_id = strdup(account_id);
	if (!a->account_id) {
		free(a);
		return ERR_NOMEM;
	}
	a->fleet = f;
	a->state_since = loop_wall(f->loop);
	sm_init(&a->sm, &account_sm_class, ACCOUNT_PARKED, NULL, now_us(a));
	account_engine_init(a);
	account_limits_restore(a);
	account_place_restore(a);
	*ret = a;
	return ERR_OK;
}

void account_free(struct account *a)
{
	if (account_state(a) == ACCOUNT_PARKED)
		sm_move(&a->sm, ACCOUNT_GONE, "removed", now_us(a));
	loop_cancel(a->fleet->loop, &a->timer);
	account_peers_keep(a, true);
	engine_deinit(&a->engine);
	account_clear_fault(a);
	route_free(a->route);
	free(a->channels);
	free(a->dc_at);
	free(a->grant_url);
	free(a->username);
	free(a->phone);
	free(a->account_id);
	free(a);
}

void account_changed(struct account *a, bool urgent)
{
	struct fleet *f = a->fleet;

	a->changed = ++f->changes;
	/* without memory for the mark the next full beat tells it */
	(void)!bset_add(&f->dirty, idtab_index(a->id));
	if (urgent)
		f->ops->on_urgent(f->ctx);
}

static void count_online(enum account_state from, enum account_state to)
{
	if (from != ACCOUNT_ONLINE && to == ACCOUNT_ONLINE)
		metrics_add(METRIC_ACCOUNTS_ONLINE, 1);
	if (from == ACCOUNT_ONLINE && to != ACCOUNT_ONLINE)
		metrics_add(METRIC_ACCOUNTS_ONLINE, -1);
}

/* From dialling to being online, or to whatever else. */
static void count_keying(struct account *a, enum account_state to)
{
	bool keying = a->keying;

	if (to == ACCOUNT_DIALING)
		keying = engine_needs_key(&a->engine, loop_now(a->fleet->loop));
	else if (to != ACCOUNT_SYNCING)
		keying = false;
	if (keying && !a->keying)
		a->fleet->keying++;
	else if (a->keying && !keying)
		a->fleet->keying--;
	a->keying = keying;
}

void account_move(struct account *a, enum account_state to, const char *why)
{
	enum account_state from = account_state(a);
	bool quiet = account_state_status(from) == account_state_status(to);

	if (from == to)
		return;
	if (account_state_is_end(to))
		a->ended = (uint8_t)to;
	else if (to == ACCOUNT_ONLINE)
		a->ended = 0;
	sm_move(&a->sm, to, why, now_us(a));
	a->state_since = loop_wall(a->fleet->loop);
	count_online(from, to);
	count_keying(a, to);
	if (to != ACCOUNT_WAITING)
		bset_remove(&a->fleet->waiting, idtab_index(a->id));
	log_at(account_state_is_end(to) ? LOG_WARN : LOG_DEBUG, LOGEV_ACC_STATE,
	       log_str("acc", a->account_id),
	       log_str("from", sm_state_name(&a->sm, from)),
	       log_str("to", sm_state_name(&a->sm, to)), log_str("why", why));
	account_changed(a, !quiet);
}

enum wire_status account_status(const struct account *a)
{
	if (account_state(a) == ACCOUNT_ONLINE &&
	    flood_limited_until(&a->engine.flood, account_limits_now(a)).us)
		return WIRE_LIMITED;
	/* a dead session is not just offline because nobody holds it */
	if (account_state(a) == ACCOUNT_PARKED && a->ended)
		return account_state_status((enum account_state)a->ended);
	return account_state_status(account_state(a));
}

void account_set_fault(struct account *a, enum err rc, const char *message,
		       const char *advice)
{
	char *copy = strdup(message);

	account_clear_fault(a);
	a->fault.message = copy;
	a->fault.code = err_code(rc);
	a->fault.advice = advice;
}

void account_clear_fault(struct account *a)
{
	free(a->fault.message);
	a->fault = (struct account_fault){ 0 };
}

static bool may_run(const struct account *a)
{
	return !a->fleet->closing && !a->pinned_stop &&
	       lease_hold_valid(&a->lease, loop_now(a->fleet->loop));
}

void account_start(struct account *a)
{
	enum account_state st = account_state(a);

	/* a->link: the last one is about to be gone, the timer comes after */
	if (!may_run(a) || a->link ||
	    (st != ACCOUNT_PARKED && st != ACCOUNT_BACKOFF))
		return;
	if (st == ACCOUNT_BACKOFF)
		loop_cancel(a->fleet->loop, &a->timer);
	if (a->has_session) {
		account_move(a, ACCOUNT_WAITING, "started");
		fleet_wait(a->fleet, a);
		return;
	}
	account_move(a, ACCOUNT_FETCHING, "started");
	a->fleet->ops->on_want_session(a->fleet->ctx, a);
}

/* Hung up for good, or to begin anew: no link is left. */
static void parked(struct account *a)
{
	bool again = a->again;

	a->again = false;
	a->fails = 0;
	if (a->wipe) {
		a->wipe = false;
		a->has_session = false;
		a->session_version = 0;
		account_peers_forget(a);
		a->fleet->ops->on_forget_session(a->fleet->ctx, a);
	}
	if (again && may_run(a)) {
		account_start(a);
		return;
	}
	engine_fail_calls(&a->engine, ERR_LEASE_LOST);
	if (!a->lease.epoch)
		return;
	a->released_epoch = a->lease.epoch;
	a->release_due = true;
	a->pinned_stop = false;
	a->lease = (struct lease_hold){ 0 };
	account_changed(a, true);
}

void account_gone_link(struct account *a)
{
	a->link = 0;
	engine_disconnected(&a->engine);
	account_peers_keep(a, true);
	if (account_state(a) == ACCOUNT_CLOSING) {
		account_move(a, ACCOUNT_PARKED, "hung up");
		parked(a);
	}
}

static void hang_up(struct account *a, const char *why)
{
	loop_cancel(a->fleet->loop, &a->timer);
	if (a->link) {
		account_move(a, ACCOUNT_CLOSING, why);
		a->fleet->net->close(a->fleet->net_ctx, a->link, CLOSE_LOCAL);
		return;
	}
	account_move(a, ACCOUNT_PARKED, why);
	parked(a);
}

void account_stop(struct account *a, const char *why)
{
	a->again = false;
	if (account_state(a) == ACCOUNT_PARKED)
		parked(a);
	else if (account_state(a) != ACCOUNT_CLOSING)
		hang_up(a, why);
}

void account_restart(struct account *a, const char *why)
{
	if (account_state(a) == ACCOUNT_PARKED) {
		account_start(a);
		return;
	}
	a->again = true;
	if (account_state(a) != ACCOUNT_CLOSING)
		hang_up(a, why);
}

static int64_t back_off_us(struct account *a)
{
	int64_t us = ACCOUNT_BACK_OFF_FIRST_US;

	for (unsigned int i = 0; i < a->fails && us < ACCOUNT_BACK_OFF_MAX_US;
	     i++)
		us *= 2;
	if (us > ACCOUNT_BACK_OFF_MAX_US)
		us = ACCOUNT_BACK_OFF_MAX_US;
	return rnd_jitter(a->fleet->rnd, us, ACCOUNT_BACK_OFF_JITTER);
}

void account_back_off(struct account *a, int64_t at_least_us, const char *why)
{
	int64_t us = back_off_us(a);

	if (us < at_least_us)
		us = at_least_us;
	if (a->fails < 16)
		a->fails++;
	account_move(a, ACCOUNT_BACKOFF, why);
	loop_arm(a->fleet->loop, &a->timer, us);
}

/* Only those whose access hash came along can be asked about. */
static void set_channels(struct engine *e, const struct wire_session *s)
{
	for (size_t i = 0; i < s->nchannels; i++) {
		const struct wire_channel *c = &s->channels[i];

		if (peers_hash(&e->peers, PEERS_CHANNEL - c->id))
			updates_set_channel(&e->updates, c->id,
					    (int32_t)c->pts);
	}
}

static enum err take_key(struct account *a, const struct wire_session *s,
			 struct err_info *ei)
{
	/* ours is newer than what came with the session, if there is one */
	bool fresh = a->place.pts <= 0 && s->has_update_state && s->pts > 0;
	enum err rc;

	account_place_keep(a);
	rc = engine_set_key(&a->engine, s->auth_key.bytes, ei);
	if (rc)
		return rc;
	if (fresh)
		a->place =
			(struct updates_pos){ (int32_t)s->pts, (int32_t)s->qts,
					      (int32_t)s->date,
					      (int32_t)s->seq };
	account_place_apply(a);
	account_peers_take(a, s);
	if (fresh)
		set_channels(&a->engine, s);
	return ERR_OK;
}

static bool find_dc(struct account *a, const struct wire_session *s)
{
	a->dc_id = s->dc_id;
	a->home_dc = s->dc_id;
	a->moves = 0;
	free(a->dc_at);
	a->dc_at = NULL;
	if (fleet_knows_dc(a->fleet, s->dc_id))
		return true;
	if (!s->server_address || s->port <= 0 || s->port > 65535)
		return false;
	a->dc_at = calloc(1, sizeof(*a->dc_at));
	if (!a->dc_at || !text_copy(a->dc_at->host, sizeof(a->dc_at->host),
				    s->server_address))
		return false;
	a->dc_at->port = (uint16_t)s->port;
	return true;
}

/* The engine is not connected: nothing borrows from the old one any more. */
static enum err take_route(struct account *a, const struct wire_session *s,
			   struct err_info *ei)
{
	struct route *fresh = NULL;
	enum err rc = ERR_OK;

	if (s->has_route)
		rc = route_new(&s->route, &fresh, ei);
	if (rc)
		return err_wrap(ei, rc, "the account's route");
	route_free(a->route);
	a->route = fresh;
	a->route_version = s->route_version;
	return ERR_OK;
}

void account_take_session(struct account *a, const struct wire_session *s)
{
	struct err_info ei = { 0 };
	enum err rc;

	if (account_state(a) != ACCOUNT_FETCHING)
		return; /* stopped meanwhile */
	rc = find_dc(a, s)
		     ? ERR_OK
		     : err_set(&ei, ERR_INVALID,
			       "data centre %d is unknown here", s->dc_id);
	if (!rc)
		rc = take_route(a, s, &ei);
	if (!rc)
		rc = take_key(a, s, &ei);
	if (rc) {
		account_session_failed(a, rc, &ei);
		return;
	}
	a->has_session = true;
	a->session_version = s->version;
	a->user_id = s->user_id;
	account_move(a, ACCOUNT_WAITING, "session here");
	fleet_wait(a->fleet, a);
}

void account_session_failed(struct account *a, enum err rc,
			    const struct err_info *ei)
{
	if (account_state(a) != ACCOUNT_FETCHING)
		return;
	account_set_fault(a, rc, ei->msg[0] ? ei->msg : err_text(rc),
			  "the node could not get the account's session; it "
			  "asks the control plane again");
	log_fail(LOG_WARN, LOGEV_SESSION, rc, ei,
		 log_str("acc", a->account_id));
	/* a grant is good once: give the lease back and get a new one */
	account_move(a, ACCOUNT_PARKED, "no session");
	a->again = false;
	parked(a);
}
