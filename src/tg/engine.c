/* SPDX-License-Identifier: MIT */
#include "tg/engine.h"

#include <string.h>

#include "tg/engine_int.h"

#define TEST_DC 10000 /* added to a test data centre's id in the handshake */

static void on_session(void *ctx, const struct session_event *ev);
static bool on_rpc_trouble(void *ctx, const struct session_event *ev,
			   struct mono *ret_at);

void engine_init(struct engine *e, const struct engine_config *cfg)
{
	const struct session_config sc = { .on_event = on_session,
					   .ctx = e,
					   .rnd = cfg->rnd,
					   .again = on_rpc_trouble };

	*e = (struct engine){ .env = cfg->env,
			      .rnd = cfg->rnd,
			      .on_event = cfg->on_event,
			      .ctx = cfg->ctx };
	session_init(&e->session, &sc);
	session_set_prefix(&e->session, e->env->prefix, e->env->prefix_len);
	updates_init(&e->updates, &e->peers);
}

static void drop_transport(struct engine *e)
{
	if (e->transport_up)
		transport_deinit(&e->transport);
	e->transport_up = false;
}

void engine_deinit(struct engine *e)
{
	drop_transport(e);
	engine_keys_deinit(e);
	session_deinit(&e->session);
	engine_calls_deinit(e);
	updates_deinit(&e->updates);
	peers_deinit(&e->peers);
	*e = (struct engine){ 0 };
}

enum err engine_set_key(struct engine *e, const uint8_t key[AUTHKEY_LEN],
			struct err_info *ei)
{
	enum err rc = engine_keys_set(e, key);

	if (rc)
		return err_set(ei, rc, "take the session's key");
	updates_deinit(&e->updates);
	return ERR_OK;
}

void engine_set_position(struct engine *e, struct updates_pos pos,
			 struct mono now)
{
	updates_set(&e->updates, pos, false, now);
	e->told = pos;
}

enum err engine_emit(struct engine *e, const struct engine_event *ev)
{
	return e->on_event(e->ctx, ev);
}

void engine_set_transport(struct engine *e, const struct transport_config *cfg,
			  int dc_id)
{
	drop_transport(e);
	transport_init_client(&e->transport, cfg, e->rnd);
	e->transport_up = true;
	if (e->pfs)
		e->pfs->cfg.dc = dc_id + (e->env->test_mode ? TEST_DC : 0);
}

enum err engine_connected(struct engine *e, struct mono now, struct wall wall,
			  struct err_info *ei)
{
	const struct transport_config tc = { .kind = TRANSPORT_INTERMEDIATE };
	enum err rc;

	if (!e->transport_up)
		transport_init_client(&e->transport, &tc, e->rnd);
	e->transport_up = true;
	e->starts = true;
	e->error_packet = 0;
	e->open_due = mono_add(now, ENGINE_OPEN_US);
	e->now = now;
	e->connected = true;
	e->online = false;
	e->hello = false;
	e->refused = false;
	e->failed = ERR_OK;
	/* ours is only a guess: the first answer corrects it */
	session_set_time(&e->session, now, (struct srvtime){ wall.us }, false);
	rc = engine_keys_connected(e, ei);
	return rc ? rc : engine_ask_self(e, ei);
}

void engine_disconnected(struct engine *e)
{
	if (!e->connected)
		return;
	e->connected = false;
	e->online = false;
	e->hello = false;
	/* only what others asked for is worth asking again by itself */
	engine_calls_cancel_own(e);
	engine_calls_break(e);
	engine_keys_disconnected(e);
	engine_calls_forget(e);
	updates_disconnected(&e->updates);
	drop_transport(e);
}

static void refuse(struct engine *e, const struct rpcerr *err)
{
	const struct engine_event ev = { .type = ENGINE_REFUSED,
					 .rc = err->row->err,
					 .rpcerr = err };

	e->refused = true;
	e->failed = err->row->err;
	(void)!engine_emit(e, &ev);
}

static enum err on_config(struct engine *e, const uint8_t *data, size_t len)
{
	const struct engine_event ev = { .type = ENGINE_CONFIG,
					 .data = data,
					 .len = len };

	return engine_emit(e, &ev);
}

static void on_result(struct engine *e, const struct session_event *ev)
{
	struct engine_call c = engine_call_end(e, ev->tag);
	struct err_info ei = { 0 };
	enum err rc = ERR_OK;

	switch (ENGINE_TAG_KIND(ev->tag)) {
	case ENGINE_TAG_SELF:
		rc = engine_on_self(e, ev->data, ev->len, &ei);
		break;
	case ENGINE_TAG_STATE:
		rc = engine_on_state(e, ev->data, ev->len, &ei);
		break;
	case ENGINE_TAG_DIFF:
		rc = engine_on_difference(e, ev->data, ev->len, &ei);
		break;
	case ENGINE_TAG_CONFIG:
		rc = on_config(e, ev->data, ev->len);
		break;
	case ENGINE_TAG_CHANNEL:
		rc = engine_on_channel(e, (int64_t)ENGINE_TAG_ID(ev->tag),
				       ev->data, ev->len, &ei);
		break;
	default:
		rc = engine_answered(e, &c, ev->data, ev->len, &ei);
		break;
	}
	engine_call_drop(&c);
	if (rc && !e->failed)
		e->failed = rc;
}

/* An account's own request failed for a reason that is not the account's. */
static void on_own_failure(struct engine *e, uint64_t tag, enum err rc,
			   bool gone)
{
	struct err_info ei;

	switch (ENGINE_TAG_KIND(tag)) {
	case ENGINE_TAG_DIFF:
		if (gone)
			rc = engine_ask_state(e, &ei);
		else
			rc = ERR_OK;
		updates_diff_failed(&e->updates, e->now);
		break;
	case ENGINE_TAG_CHANNEL:
		updates_channel_failed(&e->updates, (int64_t)ENGINE_TAG_ID(tag),
				       gone, e->now);
		rc = ERR_OK;
		break;
	case ENGINE_TAG_CONFIG:
		rc = ERR_OK;
		break;
	default:
		break; /* without self or state there is no being online */
	}
	if (rc && !e->failed)
		e->failed = rc;
}

static bool concerns_account(const struct rpcerr *err, uint64_t tag)
{
	if (rpcerr_is_final(err) || err->row->scope == RPCERR_SCOPE_NODE)
		return true;
	if (err->row->scope != RPCERR_SCOPE_ACCOUNT)
		return false;
	/* a wait for one message is no reason to hang up */
	return err->row->retry == ERR_RETRY_ELSEWHERE ||
	       ENGINE_TAG_KIND(tag) == ENGINE_TAG_SELF ||
	       ENGINE_TAG_KIND(tag) == ENGINE_TAG_STATE;
}

static void on_rpc_error(struct engine *e, const struct session_event *ev)
{
	struct rpcerr err;
	uint64_t kind = ENGINE_TAG_KIND(ev->tag);
	struct engine_call c;
	struct err_info ei = { 0 };
	enum err rc;

	rpcerr_classify(&err, ev->code, ev->data, ev->len);
	rc = engine_call_refused(e, ev->tag, &err, &ei);
	if (rc && !e->failed)
		e->failed = rc;
	c = engine_call_end(e, ev->tag);
	if (!kind)
		engine_unanswered(e, &c, err.row->err, &err);
	engine_call_drop(&c);
	if (engine_keys_verdict(e, NULL))
		return; /* the key's fault, not the account's */
	if (concerns_account(&err, ev->tag))
		refuse(e, &err);
	else if (kind)
		on_own_failure(e, ev->tag, err.row->err,
			       err.row->retry == ERR_RETRY_NEVER);
}

static bool on_rpc_trouble(void *ctx, const struct session_event *ev,
			   struct mono *ret_at)
{
	struct engine *e = ctx;
	struct rpcerr err;

	rpcerr_classify(&err, ev->code, ev->data, ev->len);
	return !e->refused && engine_call_again(e, ev->tag, &err, ret_at);
}

static void on_failed(struct engine *e, const struct session_event *ev)
{
	struct engine_call c = engine_call_end(e, ev->tag);
	/* not Telegram's end, but ours: it has to wait, or nobody knows */
	enum err rc = c.why ? (enum err)c.why : ev->rc;

	engine_call_drop(&c);
	if (!ENGINE_TAG_KIND(ev->tag))
		engine_unanswered(e, &c, rc, NULL);
	else if (e->connected && rc != ERR_CANCELED)
		on_own_failure(e, ev->tag, rc, false);
}

static void on_key_unknown(struct engine *e)
{
	struct rpcerr err;

	rpcerr_classify(&err, ENGINE_KEY_UNKNOWN_CODE, "AUTH_KEY_UNREGISTERED",
			strlen("AUTH_KEY_UNREGISTERED"));
	refuse(e, &err);
}

/* After a refusal nothing more is done on this connection.  But the session has
 * let go of the call: who made it has to hear how it ended. */
static void on_late_answer(struct engine *e, const struct session_event *ev)
{
	bool ours = ENGINE_TAG_KIND(ev->tag) != 0;
	struct engine_call c;
	struct rpcerr err;

	if (ev->type == SESSION_RPC_ERROR) {
		rpcerr_classify(&err, ev->code, ev->data, ev->len);
		(void)!engine_call_refused(e, ev->tag, &err, NULL);
	}
	c = engine_call_end(e, ev->tag);
	if (!ours && ev->type == SESSION_RPC_ERROR)
		engine_unanswered(e, &c, err.row->err, &err);
	else if (!ours)
		(void)!engine_answered(e, &c, ev->data, ev->len, NULL);
	engine_call_drop(&c);
}

static void on_session(void *ctx, const struct session_event *ev)
{
	struct engine *e = ctx;
	struct err_info ei = { 0 };
	enum err rc = ERR_OK;

	if (e->refused && ev->type != SESSION_FAILED) {
		if (ev->type == SESSION_RESULT || ev->type == SESSION_RPC_ERROR)
			on_late_answer(e, ev);
		return;
	}
	if (engine_keys_event(e, ev))
		return;
	switch (ev->type) {
	case SESSION_RESULT:
		on_result(e, ev);
		break;
	case SESSION_RPC_ERROR:
		on_rpc_error(e, ev);
		break;
	case SESSION_FAILED:
		on_failed(e, ev);
		break;
	case SESSION_OBJECT:
		rc = engine_on_updates(e, ev->data, ev->len, &ei);
		break;
	case SESSION_NEW_SESSION:
		if (e->online)
			updates_want(&e->updates);
		break;
	case SESSION_KEY_UNKNOWN:
		on_key_unknown(e);
		break;
	case SESSION_SALT:
	case SESSION_TIME:
	case SESSION_PONG:
	case SESSION_BOUND:
		break;
	}
	if (rc && !e->failed)
		e->failed = rc;
}

enum err engine_finish(struct engine *e, enum err rc, struct err_info *ei)
{
	enum err key = engine_keys_verdict(e, ei);

	if (key == ERR_AUTH_GONE && !e->refused)
		on_key_unknown(e);
	if (key || rc)
		return key ? key : rc;
	/* the reason was told by an event */
	if (e->failed)
		return err_set(ei, e->failed, "%s", err_text(e->failed));
	/* differences only once the account knows who it is */
	if (e->hello)
		return engine_ask_differences(e, ei);
	return ERR_OK;
}

static enum err take_packet(struct engine *e,
			    const struct transport_packet *pkt,
			    struct err_info *ei)
{
	switch (pkt->type) {
	case TRANSPORT_DATA:
		return engine_keys_recv(e, pkt->data, pkt->len, ei);
	case TRANSPORT_ERROR:
		e->error_packet = pkt->code;
		return session_recv_error(&e->session, pkt->code, ei);
	case TRANSPORT_QUICK_ACK:
		return ERR_OK;
	}
	return ERR_OK;
}

static enum err feed_part(struct engine *e, const uint8_t *data, size_t len,
			  struct err_info *ei)
{
	struct transport_packet pkt;
	bool has;
	enum err rc;

	rc = transport_feed(&e->transport, data, len, ei);
	if (rc)
		return rc;
	for (;;) {
		rc = transport_next(&e->transport, &pkt, &has, ei);
		if (rc || !has)
			return rc;
		rc = take_packet(e, &pkt, ei);
		if (rc || e->failed)
			return rc;
	}
}

enum err engine_feed(struct engine *e, const uint8_t *data, size_t len,
		     struct mono now, struct err_info *ei)
{
	enum err rc = ERR_OK;

	if (!e->connected)
		return ERR_OK;
	e->now = now;
	while (len && !rc && !e->failed) {
		size_t n = len < TRANSPORT_FEED_MAX ? len : TRANSPORT_FEED_MAX;

		rc = feed_part(e, data, n, ei);
		data += n;
		len -= n;
	}
	return engine_finish(e, rc, ei);
}

enum err engine_tick(struct engine *e, struct mono now, struct err_info *ei)
{
	enum err rc;

	e->now = now;
	if (!e->connected)
		return session_tick(&e->session, now, ei);
	if (!transport_is_open(&e->transport) && !mono_before(now, e->open_due))
		return err_set(ei, ERR_TIMEOUT,
			       "the proxy did not answer our hello");
	rc = engine_keys_tick(e, ei);
	return engine_finish(e, rc, ei);
}

void engine_fail_calls(struct engine *e, enum err rc)
{
	session_reset(&e->session, rc);
}

/* A proxy may have to be talked to before anything can be said through it. */
static enum err start(struct engine *e, struct buf *out, struct err_info *ei)
{
	struct wall wall = { session_time(&e->session, e->now).us };

	if (!e->starts)
		return ERR_OK;
	e->starts = false;
	return transport_start(&e->transport, wall, out, ei);
}

enum err engine_output(struct engine *e, struct mono now, struct buf *out,
		       struct err_info *ei)
{
	struct buf packet;
	enum err rc = ERR_OK;
	bool has;

	e->now = now;
	if (e->connected)
		engine_calls_hold(e);
	if (e->failed)
		return err_set(ei, e->failed, "%s", err_text(e->failed));
	if (!e->connected)
		return ERR_OK;
	rc = start(e, out, ei);
	if (rc || !transport_is_open(&e->transport))
		return rc;
	buf_init(&packet, SESSION_PACKET_MAX);
	for (;;) {
		buf_reset(&packet);
		rc = engine_keys_next_packet(e, &packet, &has, ei);
		if (rc || !has)
			break;
		rc = transport_send(&e->transport, buf_head(&packet),
				    buf_len(&packet), out, ei);
		if (rc)
			break;
	}
	buf_deinit(&packet);
	engine_calls_sent(e);
	return rc;
}

struct mono engine_deadline(const struct engine *e)
{
	struct mono t = mono_min(session_deadline(&e->session),
				 engine_keys_deadline(e));

	if (!e->connected)
		return MONO_NEVER;
	if (!transport_is_open(&e->transport))
		t = mono_min(t, e->open_due);
	if (e->hello)
		t = mono_min(t, updates_deadline(&e->updates));
	return t;
}
