/* SPDX-License-Identifier: MIT */
#include "tg/signin_conn.h"

#include "base/bug.h"
#include "mtproto/envelope.h"

#define CALL_US (INT64_C(60) * US_PER_SEC)
#define HANDSHAKE_US (INT64_C(30) * US_PER_SEC)
#define PLAIN_MAX 8192U
#define TEST_DC 10000 /* added to a test data centre's id in the handshake */

static void on_session(void *ctx, const struct session_event *ev);

static void begin_session(struct signin_conn *c)
{
	const struct session_config sc = { .on_event = on_session,
					   .ctx = c,
					   .rnd = c->cfg.rnd };

	session_init(&c->session, &sc);
	session_set_prefix(&c->session, c->cfg.env->prefix,
			   c->cfg.env->prefix_len);
}

void signin_conn_init(struct signin_conn *c,
		      const struct signin_conn_config *cfg, int dc_id)
{
	*c = (struct signin_conn){ .cfg = *cfg,
				   .flow = cfg->flow,
				   .dc_id = dc_id };
	buf_init(&c->plain, PLAIN_MAX);
	begin_session(c);
}

static void drop_transport(struct signin_conn *c)
{
	if (c->transport_up)
		transport_deinit(&c->transport);
	c->transport_up = false;
}

static void drop_handshake(struct signin_conn *c)
{
	handshake_client_free(c->handshake);
	c->handshake = NULL;
	c->work = false;
	buf_wipe(&c->plain);
	buf_init(&c->plain, PLAIN_MAX);
}

void signin_conn_deinit(struct signin_conn *c)
{
	if (!c->flow)
		return;
	drop_handshake(c);
	drop_transport(c);
	session_deinit(&c->session);
	buf_deinit(&c->plain);
	*c = (struct signin_conn){ 0 };
}

void signin_conn_move(struct signin_conn *c, struct mono now)
{
	signin_conn_disconnected(c);
	session_deinit(&c->session);
	begin_session(c);
	c->keyed = false;
	c->dc_id = c->flow->dc_id;
	signin_moved(c->flow, now);
}

enum err signin_conn_set_key(struct signin_conn *c,
			     const uint8_t key[AUTHKEY_LEN],
			     struct err_info *ei)
{
	enum err rc = session_set_key(&c->session, key, 0);

	if (rc)
		return err_set(ei, rc, "take the session's key");
	c->keyed = true;
	return ERR_OK;
}

/* ---- the handshake */

static enum err start_handshake(struct signin_conn *c, struct err_info *ei)
{
	const struct handshake_client_config hc = {
		.keys = c->cfg.keys,
		.key_count = c->cfg.key_count,
		.dc = c->dc_id + (c->cfg.test_mode ? TEST_DC : 0),
		.rnd = c->cfg.rnd,
	};
	enum err rc = handshake_client_new(&hc, &c->handshake);

	if (!rc)
		rc = handshake_client_start(c->handshake, &c->plain);
	return rc ? err_set(ei, rc, "begin the key exchange") : ERR_OK;
}

static enum err finish_handshake(struct signin_conn *c, struct err_info *ei)
{
	struct handshake_result r = { 0 };
	struct srvtime srv;
	enum err rc;

	rc = handshake_client_result(c->handshake, &r);
	if (rc)
		return err_set(ei, rc, "end the key exchange");
	rc = session_set_key(&c->session, r.key.secret.bytes, r.salt);
	srv.us = c->now.us + r.time_offset_us;
	authkey_deinit(&r.key);
	if (rc)
		return err_set(ei, rc, "take the new key");
	session_set_time(&c->session, c->now, srv, true);
	drop_handshake(c);
	c->keyed = true;
	session_connected(&c->session, c->now);
	return ERR_OK;
}

static enum err feed_handshake(struct signin_conn *c, const uint8_t *data,
			       size_t len, struct err_info *ei)
{
	struct handshake_packet in = { .now = c->now };
	enum handshake_step step;
	const uint8_t *body;
	uint64_t msg_id;
	enum err rc;

	if (c->work)
		return err_set(ei, ERR_PROTO, "key exchange: two answers");
	rc = envelope_plain_open(data, len, &msg_id, &body, &in.len, ei);
	if (rc)
		return rc;
	in.body = body;
	rc = handshake_client_feed(c->handshake, &in, &step, ei);
	if (rc)
		return rc;
	if (step == HANDSHAKE_DONE)
		return finish_handshake(c, ei);
	c->work = step == HANDSHAKE_WANT_WORK;
	return ERR_OK;
}

static uint64_t plain_id(struct signin_conn *c)
{
	uint64_t sec = (uint64_t)(c->wall.us / US_PER_SEC);
	uint64_t frac = (uint64_t)(c->wall.us % US_PER_SEC);
	uint64_t id = sec << 32 | (frac * 4294 & ~UINT64_C(3));

	if (id <= c->last_plain_id)
		id = c->last_plain_id + 4;
	c->last_plain_id = id;
	return id;
}

static enum err send_plain(struct signin_conn *c, struct buf *out,
			   struct err_info *ei)
{
	struct buf packet;
	enum err rc;

	if (!buf_len(&c->plain))
		return ERR_OK;
	buf_init(&packet, PLAIN_MAX);
	rc = envelope_plain_seal(plain_id(c), buf_head(&c->plain),
				 buf_len(&c->plain), &packet);
	if (!rc)
		rc = transport_send(&c->transport, buf_head(&packet),
				    buf_len(&packet), out, ei);
	buf_deinit(&packet);
	buf_reset(&c->plain);
	return rc;
}

/* ---- work */

bool signin_conn_wants_work(const struct signin_conn *c)
{
	return c->work || signin_step(c->flow) == SIGNIN_STEP_WORK;
}

void signin_conn_work(struct signin_conn *c)
{
	if (c->work)
		handshake_client_work(c->handshake);
	else
		signin_work(c->flow);
}

enum err signin_conn_worked(struct signin_conn *c, struct mono now,
			    struct err_info *ei)
{
	enum err rc;

	c->now = now;
	if (!c->work) {
		signin_worked(c->flow, now);
		return ERR_OK;
	}
	c->work = false;
	rc = handshake_client_resume(c->handshake, &c->plain, ei);
	if (!c->connected)
		drop_handshake(c); /* it was for a link that is gone */
	return rc;
}

/* ---- life of the connection */

enum err signin_conn_connected(struct signin_conn *c, struct mono now,
			       struct wall wall, struct err_info *ei)
{
	const struct transport_config tc = { .kind = TRANSPORT_INTERMEDIATE };

	drop_transport(c);
	transport_init_client(&c->transport, &tc, c->cfg.rnd);
	c->transport_up = true;
	c->connected = true;
	c->now = now;
	c->wall = wall;
	c->failed = ERR_OK;
	if (!c->keyed) {
		drop_handshake(c);
		c->handshake_due = mono_add(now, HANDSHAKE_US);
		return start_handshake(c, ei);
	}
	/* a guess, if nothing better is known: the first answer corrects it */
	session_set_time(&c->session, now, (struct srvtime){ wall.us }, false);
	session_connected(&c->session, now);
	return ERR_OK;
}

void signin_conn_disconnected(struct signin_conn *c)
{
	if (!c->connected)
		return;
	c->connected = false;
	drop_transport(c);
	if (c->keyed)
		session_disconnected(&c->session);
	else if (!c->work) /* else: when the work is done */
		drop_handshake(c);
}

static void on_session(void *ctx, const struct session_event *ev)
{
	struct signin_conn *c = ctx;
	struct rpcerr err;

	switch (ev->type) {
	case SESSION_RESULT:
		signin_on_result(c->flow, ev->tag, ev->data, ev->len, c->now);
		break;
	case SESSION_RPC_ERROR:
		rpcerr_classify(&err, ev->code, ev->data, ev->len);
		signin_on_error(c->flow, ev->tag, &err, c->now);
		break;
	case SESSION_FAILED:
		if (ev->rc != ERR_CANCELED)
			signin_on_failure(c->flow, ev->tag, ev->rc, c->now);
		break;
	case SESSION_OBJECT:
		signin_on_object(c->flow, ev->data, ev->len, c->now);
		break;
	case SESSION_KEY_UNKNOWN:
		c->failed = err_set(&c->why, ERR_AUTH_GONE,
				    "the server forgot the key it just made");
		break;
	default:
		break;
	}
}

static enum err take_packet(struct signin_conn *c,
			    const struct transport_packet *pkt,
			    struct err_info *ei)
{
	switch (pkt->type) {
	case TRANSPORT_DATA:
		if (!c->keyed)
			return feed_handshake(c, pkt->data, pkt->len, ei);
		return session_recv(&c->session, pkt->data, pkt->len, c->now,
				    ei);
	case TRANSPORT_ERROR:
		if (!c->keyed)
			return transport_error(pkt->code, ei);
		return session_recv_error(&c->session, pkt->code, ei);
	case TRANSPORT_QUICK_ACK:
		break;
	}
	return ERR_OK;
}

static enum err feed_part(struct signin_conn *c, const uint8_t *data,
			  size_t len, struct err_info *ei)
{
	struct transport_packet pkt;
	bool has;
	enum err rc;

	rc = transport_feed(&c->transport, data, len, ei);
	while (!rc) {
		rc = transport_next(&c->transport, &pkt, &has, ei);
		if (rc || !has)
			return rc;
		rc = take_packet(c, &pkt, ei);
		if (!rc && c->failed)
			rc = err_set(ei, c->failed, "%s", c->why.msg);
	}
	return rc;
}

enum err signin_conn_feed(struct signin_conn *c, const uint8_t *data,
			  size_t len, struct mono now, struct err_info *ei)
{
	enum err rc = ERR_OK;

	c->now = now;
	while (len && !rc && c->connected) {
		size_t n = len < TRANSPORT_FEED_MAX ? len : TRANSPORT_FEED_MAX;

		rc = feed_part(c, data, n, ei);
		data += n;
		len -= n;
	}
	return rc;
}

enum err signin_conn_tick(struct signin_conn *c, struct mono now,
			  struct err_info *ei)
{
	c->now = now;
	if (!c->connected)
		return ERR_OK;
	if (!c->keyed && !mono_before(now, c->handshake_due))
		return err_set(ei, ERR_TIMEOUT,
			       "key exchange: no answer in time");
	if (!c->keyed)
		return ERR_OK;
	return session_tick(&c->session, now, ei);
}

static enum err ask(struct signin_conn *c, struct err_info *ei)
{
	const uint8_t *body;
	uint64_t tag;
	size_t len;

	if (signin_step(c->flow) != SIGNIN_STEP_SEND)
		return ERR_OK;
	signin_take_call(c->flow, &body, &len, &tag);
	return session_query(&c->session, tag, body, len,
			     mono_add(c->now, CALL_US), ei);
}

static enum err send_sealed(struct signin_conn *c, struct buf *out,
			    struct err_info *ei)
{
	struct buf packet;
	enum err rc;
	bool has;

	buf_init(&packet, SESSION_PACKET_MAX);
	for (;;) {
		buf_reset(&packet);
		rc = session_next_packet(&c->session, c->now, &packet, &has,
					 ei);
		if (rc || !has)
			break;
		rc = transport_send(&c->transport, buf_head(&packet),
				    buf_len(&packet), out, ei);
		if (rc)
			break;
	}
	buf_deinit(&packet);
	return rc;
}

enum err signin_conn_output(struct signin_conn *c, struct mono now,
			    struct buf *out, struct err_info *ei)
{
	enum err rc;

	c->now = now;
	if (!c->connected)
		return ERR_OK;
	if (!c->keyed)
		return send_plain(c, out, ei);
	rc = ask(c, ei);
	return rc ? rc : send_sealed(c, out, ei);
}

struct mono signin_conn_deadline(const struct signin_conn *c)
{
	if (!c->connected)
		return MONO_NEVER;
	if (!c->keyed)
		return c->work ? MONO_NEVER : c->handshake_due;
	return session_deadline(&c->session);
}

const struct authkey *signin_conn_key(const struct signin_conn *c)
{
	return c->keyed ? &c->session.key : NULL;
}

struct srvtime signin_conn_time(const struct signin_conn *c, struct mono now)
{
	return session_time(&c->session, now);
}
