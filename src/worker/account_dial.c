/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/link.h"
#include "tg/messages.h"
#include "worker/account_int.h"
#include "worker/fleet.h"
#include "worker/route.h"

/* Online this long: earlier failures are forgotten. */
#define ACCOUNT_STABLE_US INT64_C(30000000)
/* Error packets that say "no such key" before it is believed. */
#define ACCOUNT_KEYS_UNKNOWN_MAX 3
/* Data centres it is sent on to before it goes back to its own. */
#define ACCOUNT_MOVES_MAX 3
#define ACCOUNT_LOOK_US (INT64_C(60) * US_PER_SEC)
#define ACCOUNT_SEND_US (INT64_C(120) * US_PER_SEC)

static struct mono now(const struct account *a)
{
	return loop_now(a->fleet->loop);
}

/* Who has a route is told of it: there is no other way to the data centre. */
static enum err blame_route(const struct account *a, enum err rc,
			    struct err_info *ei)
{
	bool dialing = account_state(a) == ACCOUNT_DIALING;
	char name[ROUTE_NAME_MAX];

	if (!a->route)
		return rc;
	if (dialing || !transport_is_open(&a->engine.transport))
		rc = ERR_PROXY;
	return err_wrap(ei, rc, "through the %s", route_name(a->route, name));
}

static const char *advice_for(enum err rc)
{
	static const struct {
		enum err rc;
		const char *advice;
	} known[] = {
		{ ERR_PROXY,
		  "it tries again by itself and never goes around the proxy: "
		  "repair it, or give the account another route" },
		{ ERR_WRONG_DC,
		  "the address of that data centre leads to another one: "
		  "correct the node's telegram file" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].rc == rc)
			return known[i].advice;
	return "it tries again by itself";
}

static void go_home(struct account *a, const char *why);

static void hold_dc(struct account *a)
{
	fleet_hold_dc(a->fleet, a->dc_id);
}

static void wrong_dc(struct account *a)
{
	if (a->dc_id == a->home_dc)
		return;
	a->wait_us = 1;
	go_home(a, "the address Telegram's other data centre is said to have "
		   "leads elsewhere");
}

/* What else a data centre's error packet means than the end of a connection. */
static void heed_error_packet(struct account *a)
{
	static const struct {
		int32_t code;
		void (*act)(struct account *a);
	} known[] = { { -429, hold_dc }, { -444, wrong_dc } };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (a->engine.error_packet == known[i].code)
			known[i].act(a);
	a->engine.error_packet = 0;
}

static void failed(struct account *a, enum err rc, struct err_info *ei)
{
	bool was_online = account_state(a) == ACCOUNT_ONLINE;
	int64_t wait;

	if (!ei->msg[0])
		rc = err_set(ei, rc, "%s", err_text(rc));
	rc = blame_route(a, rc, ei);
	heed_error_packet(a);
	wait = a->wait_us;
	a->wait_us = 0;
	engine_disconnected(&a->engine);
	if (a->link)
		a->fleet->net->close(a->fleet->net_ctx, a->link, CLOSE_LOCAL);
	loop_cancel(a->fleet->loop, &a->timer);
	if (a->end) {
		enum account_state end = (enum account_state)a->end;

		a->end = 0;
		engine_fail_calls(&a->engine, rc);
		account_move(a, end, a->fault.code);
		return;
	}
	/* messages wait for the next connection, but not for ever */
	(void)!engine_tick(&a->engine, now(a), NULL);
	if (was_online && mono_diff(now(a), (struct mono){ a->sm.since_us }) >
				  ACCOUNT_STABLE_US)
		a->fails = 0;
	if (!wait)
		account_set_fault(a, rc, ei->msg, advice_for(rc));
	/* the flood book did not even let it ask who it is */
	if (!wait && rc == ERR_FLOOD)
		wait = ei->arg * US_PER_SEC;
	log_fail(LOG_INFO, LOGEV_ACC_CLOSE, rc, ei,
		 log_str("acc", a->account_id), log_i64("fails", a->fails));
	account_back_off(a, wait, "connection lost");
}

static void rearm(struct account *a)
{
	struct mono due =
		mono_min(engine_deadline(&a->engine), account_limits_due(a));

	if (due.us == MONO_NEVER.us)
		loop_cancel(a->fleet->loop, &a->timer);
	else
		loop_arm_at(a->fleet->loop, &a->timer, due);
}

/* Writes what the engine has to say; then sleeps until its deadline. */
static void pump(struct account *a, enum err rc, struct err_info *ei)
{
	struct buf *out = &a->fleet->out;

	account_limits_note(a);
	if (!rc) {
		buf_reset(out);
		rc = engine_output(&a->engine, now(a), out, ei);
	}
	if (!rc)
		rc = account_keys_work(a, ei);
	if (!rc && buf_len(out)) {
		metrics_add(METRIC_MT_PACKETS_OUT, 1);
		rc = a->fleet->net->send(a->fleet->net_ctx, a->link,
					 buf_head(out), buf_len(out));
		if (rc)
			rc = err_set(ei, rc, "send: %s", err_text(rc));
	}
	account_limits_note(a);
	account_peers_keep(a, false);
	if (rc)
		failed(a, rc, ei);
	else
		rearm(a);
}

/* Where the account's data centre is: the next address after each failure. */
static struct addr_host address_of(const struct account *a)
{
	const struct telegram *t = a->fleet->telegram;
	const struct dclist_want want = { .dc_id = a->dc_id,
					  .obfuscated = t->transport.obfuscated,
					  .proxied = a->route };
	struct addr_host at = { 0 };
	size_t n = 0;

	while (n <= a->at_try && dcs_address(t, a->fleet->dcs, &want, n, &at))
		n++;
	if (n && n <= a->at_try)
		(void)dcs_address(t, a->fleet->dcs, &want, a->at_try % n, &at);
	return n || !a->dc_at ? at : *a->dc_at;
}

static void plan(const struct account *a, struct route_plan *ret)
{
	const struct telegram *t = a->fleet->telegram;
	const struct addr_host at = address_of(a);
	const struct route_target to = { .at = &at,
					 .dc_id = a->dc_id,
					 .test_mode = t->test_mode,
					 .transport = t->transport };

	route_plan(a->route, &to, ret);
}

static void on_open(void *ctx, uint64_t link)
{
	struct account *a = ctx;
	struct route_plan p;
	struct err_info ei = { 0 };
	enum err rc;

	if (link != a->link || account_state(a) != ACCOUNT_DIALING)
		return;
	account_move(a, ACCOUNT_SYNCING, "connected");
	plan(a, &p);
	engine_set_transport(&a->engine, &p.transport, a->dc_id);
	rc = engine_connected(&a->engine, now(a), account_limits_now(a), &ei);
	pump(a, rc, &ei);
}

static bool speaks(const struct account *a)
{
	return account_state(a) == ACCOUNT_SYNCING ||
	       account_state(a) == ACCOUNT_ONLINE;
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct account *a = ctx;
	struct err_info ei = { 0 };
	enum err rc;

	if (link != a->link || !speaks(a))
		return;
	metrics_add(METRIC_MT_PACKETS_IN, 1);
	rc = engine_feed(&a->engine, data, len, now(a), &ei);
	if (rc)
		metrics_add(METRIC_MT_REFUSED, 1);
	pump(a, rc, &ei);
}

void account_key_worked(struct account *a, struct handshake_client *work)
{
	struct err_info ei = { 0 };
	enum err rc = engine_give_back(&a->engine, work, now(a), &ei);

	if (speaks(a))
		pump(a, rc, &ei);
}

static enum err err_of_reason(enum close_reason reason)
{
	switch (reason) {
	case CLOSE_REFUSED:
		return ERR_REFUSED;
	case CLOSE_CONNECT_TIMEOUT:
	case CLOSE_TIMEOUT:
		return ERR_TIMEOUT;
	case CLOSE_PROXY:
		return ERR_PROXY;
	case CLOSE_PEER:
		return ERR_EOF;
	default:
		return ERR_IO;
	}
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	struct account *a = ctx;
	bool lost = account_state(a) == ACCOUNT_DIALING || speaks(a);
	struct err_info why = { 0 };

	if (link != a->link)
		return;
	account_gone_link(a);
	if (!lost)
		return;
	if (account_state(a) == ACCOUNT_DIALING)
		a->at_try++;
	(void)!err_set(&why, err_of_reason(reason), "%s",
		       ei && ei->msg[0] ? ei->msg : link_reason_text(reason));
	failed(a, err_of_reason(reason), &why);
}

static const struct link_ops account_link_ops = {
	.on_open = on_open,
	.on_data = on_data,
	.on_close = on_close,
};

/* The clock that names the end may be put right meanwhile: it is looked at again
 * now and then. */
static void wait_for(struct account *a, int64_t us)
{
	loop_arm(a->fleet->loop, &a->timer,
		 us < ACCOUNT_LOOK_US ? us : ACCOUNT_LOOK_US);
}

void account_dial(struct account *a)
{
	struct route_plan p;
	struct err_info ei = { 0 };
	int64_t wait_us;
	enum err rc;

	if (account_state(a) != ACCOUNT_WAITING)
		return;
	if (!lease_hold_valid(&a->lease, now(a)) || a->link) {
		account_back_off(a, 0, "not its turn");
		return;
	}
	/* a lease that went and came back does not shorten a flood wait */
	wait_us = account_limits_dial_wait_us(a);
	if (!wait_us)
		wait_us = rnd_jitter(a->fleet->rnd,
				     fleet_held_us(a->fleet, a->dc_id), 20);
	if (wait_us) {
		account_move(a, ACCOUNT_BACKOFF, "told to wait");
		wait_for(a, wait_us);
		return;
	}
	plan(a, &p);
	account_move(a, ACCOUNT_DIALING, "its turn");
	rc = a->fleet->net->dial(a->fleet->net_ctx, &p.dial, &account_link_ops,
				 a, &a->link, &ei);
	if (rc)
		failed(a, rc, &ei);
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	struct account *a = ctx;
	struct err_info ei = { 0 };
	int64_t wait_us;
	enum err rc;

	if (account_state(a) == ACCOUNT_BACKOFF) {
		wait_us = account_limits_dial_wait_us(a);
		if (a->link)
			loop_arm(a->fleet->loop, &a->timer, US_PER_SEC);
		else if (wait_us)
			wait_for(a, wait_us);
		else
			account_start(a);
		return;
	}
	if (!speaks(a))
		return;
	account_limits_expire(a);
	rc = engine_tick(&a->engine, now(a), &ei);
	pump(a, rc, &ei);
}

static char *dup_or_null(const char *s)
{
	return s[0] ? strdup(s) : NULL;
}

static void on_user(struct account *a, const struct engine_user *u)
{
	free(a->username);
	free(a->phone);
	a->user_id = u->id;
	a->username = dup_or_null(u->username);
	a->phone = dup_or_null(u->phone);
	a->keys_unknown = 0;
	account_limits_learn_time(a);
	account_changed(a, false);
}

static void on_message(struct account *a, const struct engine_message *m)
{
	if (m->out || m->kind != ENGINE_NEW)
		return;
	a->received++;
	a->last_activity = loop_wall(a->fleet->loop);
	metrics_add(METRIC_MESSAGES_IN, 1);
	if (a->fleet->ops->on_message)
		a->fleet->ops->on_message(a->fleet->ctx, a, m);
	log_debug(LOGEV_ACC_MSG, log_str("acc", a->account_id),
		  log_i64("chat", m->chat_id), log_i64("msg", m->id));
	account_changed(a, false);
	account_place_heard(a, m->chat_id);
}

static void limited(struct account *a, const struct rpcerr *err)
{
	struct err_info ei = { 0 };
	enum err rc = rpcerr_to_err(err, &ei);

	account_set_fault(a, rc, ei.msg, rpcerr_advice(err));
	account_changed(a, true);
}

static void on_sent(struct account *a, const struct engine_event *ev)
{
	struct err_info ei = { 0 };

	if (ev->rpcerr)
		(void)!rpcerr_to_err(ev->rpcerr, &ei);
	else if (ev->rc)
		(void)!err_set(&ei, ev->rc, "%s", err_text(ev->rc));
	if (!ev->rc) {
		a->sent++;
		a->last_activity = loop_wall(a->fleet->loop);
		metrics_add(METRIC_MESSAGES_OUT, 1);
		account_changed(a, false);
	}
	if (ev->rpcerr && ev->rpcerr->row->state == RPCERR_STATE_LIMITED)
		limited(a, ev->rpcerr);
	a->fleet->ops->on_sent(a->fleet->ctx, a, ev->tag, ev->rc,
			       ev->answer->message_id, &ei);
}

static enum account_state end_of(const struct rpcerr *err)
{
	switch (err->row->state) {
	case RPCERR_STATE_REVOKED:
		return ACCOUNT_REVOKED;
	case RPCERR_STATE_BANNED:
		return ACCOUNT_BANNED;
	case RPCERR_STATE_FROZEN:
		return ACCOUNT_FROZEN;
	case RPCERR_STATE_DUPLICATED:
		return ACCOUNT_DUPLICATED;
	case RPCERR_STATE_KEEP:
	case RPCERR_STATE_LIMITED:
		break;
	}
	return ACCOUNT_REFUSED;
}

/* True: an error packet is not believed at once, a server may be confused. */
static bool believe_later(struct account *a, const struct rpcerr *err)
{
	return err->code == ENGINE_KEY_UNKNOWN_CODE &&
	       ++a->keys_unknown < ACCOUNT_KEYS_UNKNOWN_MAX;
}

static void go_home(struct account *a, const char *why)
{
	account_set_fault(a, ERR_WRONG_DC, why,
			  "the session's key belongs to the data centre it was "
			  "made at; if Telegram moved the account, sign in "
			  "anew");
	a->moves = 0;
	a->dc_id = a->home_dc;
}

/*
 * An auth key belongs to one data centre.  Being sent on with a signed-in session
 * means that the session's file named a wrong one, and then the key is at home
 * where we are sent; or that Telegram moved the account, and then the key is
 * unknown there, which must not be taken for a revoked session.
 */
static void move_to_dc(struct account *a, int dc_id)
{
	char why[80];

	a->wait_us = 1; /* no failure of the account's */
	if (++a->moves > ACCOUNT_MOVES_MAX) {
		go_home(a, "Telegram sends the account from one data centre "
			   "to the next");
	} else if (dc_id != a->home_dc && !fleet_knows_dc(a->fleet, dc_id)) {
		snprintf(why, sizeof(why),
			 "Telegram sends the account to data centre %d, which "
			 "is unknown here",
			 dc_id);
		go_home(a, why);
	} else {
		a->dc_id = dc_id;
	}
}

static bool unknown_away_from_home(struct account *a, const struct rpcerr *err)
{
	if (err->code != ENGINE_KEY_UNKNOWN_CODE || a->dc_id == a->home_dc)
		return false;
	a->wait_us = 1;
	go_home(a, "the data centre Telegram sends the account to does not "
		   "know its key");
	return true;
}

static void on_refused(struct account *a, const struct rpcerr *err)
{
	struct err_info ei = { 0 };
	enum err rc = rpcerr_to_err(err, &ei);

	account_set_fault(a, rc, ei.msg, rpcerr_advice(err));
	if (err->row->retry == ERR_RETRY_AFTER) {
		/* as long as the flood book says */
		a->wait_us = (err->arg + 1) * US_PER_SEC;
		return;
	}
	if (err->row->retry == ERR_RETRY_ELSEWHERE) {
		move_to_dc(a, (int)err->arg);
		return;
	}
	if (unknown_away_from_home(a, err))
		return;
	if (err->row->retry == ERR_RETRY_SOON || believe_later(a, err))
		return;
	a->end = (uint8_t)end_of(err);
}

void account_ask_config(struct account *a)
{
	struct dcs *d = a->fleet->dcs;
	struct err_info ei = { 0 };

	if (!d || !dcs_due(d, now(a)))
		return;
	dcs_asked(d, now(a));
	/* whatever is wrong with this one: another will be asked */
	(void)!engine_ask_config(&a->engine, now(a), &ei);
	loop_arm_at(a->fleet->loop, &a->timer, now(a));
}

static enum err on_event(void *ctx, const struct engine_event *ev)
{
	struct account *a = ctx;

	switch (ev->type) {
	case ENGINE_USER:
		on_user(a, ev->user);
		break;
	case ENGINE_ONLINE:
		a->moves = 0;
		account_clear_fault(a);
		account_move(a, ACCOUNT_ONLINE, "online");
		account_ask_config(a);
		break;
	case ENGINE_CONFIG:
		fleet_take_config(a->fleet, ev->data, ev->len);
		break;
	case ENGINE_MESSAGE:
		on_message(a, ev->message);
		break;
	case ENGINE_DELETED:
	case ENGINE_PRESSED: /* nobody here asks for them yet */
		break;
	case ENGINE_POSITION:
		account_place_moved(a, ev->pos);
		break;
	case ENGINE_ANSWER:
		on_sent(a, ev);
		break;
	case ENGINE_REFUSED:
		on_refused(a, ev->rpcerr);
		break;
	}
	return ERR_OK;
}

void account_engine_init(struct account *a)
{
	const struct engine_config cfg = { .env = &a->fleet->telegram->env,
					   .rnd = a->fleet->rnd,
					   .on_event = on_event,
					   .ctx = a };

	engine_init(&a->engine, &cfg);
	wheel_timer_init(&a->timer, on_timer, a);
}

enum err account_send_text(struct account *a, int64_t peer, const char *text,
			   int64_t random_id, uint64_t tag, struct err_info *ei)
{
	const struct engine_ask ask = { tag,
					mono_add(now(a), ACCOUNT_SEND_US) };
	const struct messages_to to = { .peer = peer };
	struct err_info why = { 0 };
	enum err rc;

	if (account_state(a) != ACCOUNT_ONLINE)
		return err_set(ei, ERR_UNAVAILABLE,
			       "account %s is not online (%s)", a->account_id,
			       account_state_help(account_state(a)));
	engine_at(&a->engine, now(a));
	rc = messages_send(&a->engine, &ask, &to, text, random_id, ei);
	if (rc == ERR_FLOOD)
		metrics_add(METRIC_FLOOD_HELD, 1);
	if (!rc)
		pump(a, ERR_OK, &why);
	return rc;
}
