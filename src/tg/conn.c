/* SPDX-License-Identifier: MIT */
#include "tg/conn.h"

#include "mtproto/envelope.h"

#define HANDSHAKE_US (INT64_C(30) * US_PER_SEC)
#define PLAIN_MAX 8192U

static void begin_session(struct conn *c)
{
	const struct session_config sc = { .on_event = c->cfg.on_event,
					   .ctx = c->cfg.ctx,
					   .rnd = c->cfg.rnd };

	session_init(&c->session, &sc);
	session_set_prefix(&c->session, c->cfg.env->prefix,
			   c->cfg.env->prefix_len);
}

void conn_init(struct conn *c, const struct conn_config *cfg)
{
	*c = (struct conn){ .cfg = *cfg };
	buf_init(&c->plain, PLAIN_MAX);
	begin_session(c);
}

static void drop_transport(struct conn *c)
{
	if (c->transport_up)
		transport_deinit(&c->transport);
	c->transport_up = false;
}

static void drop_handshake(struct conn *c)
{
	handshake_client_free(c->handshake);
	c->handshake = NULL;
	c->work = false;
	buf_wipe(&c->plain);
	buf_init(&c->plain, PLAIN_MAX);
}

void conn_deinit(struct conn *c)
{
	if (!c->cfg.env)
		return;
	drop_handshake(c);
	drop_transport(c);
	session_deinit(&c->session);
	buf_deinit(&c->plain);
	*c = (struct conn){ 0 };
}

void conn_move(struct conn *c, int32_t dc)
{
	conn_disconnected(c);
	session_deinit(&c->session);
	begin_session(c);
	c->keyed = false;
	c->cfg.dc = dc;
}

enum err conn_set_key(struct conn *c, const uint8_t key[AUTHKEY_LEN],
		      struct err_info *ei)
{
	enum err rc = session_set_key(&c->session, key, 0);

	if (rc)
		return err_set(ei, rc, "take the session's key");
	c->keyed = true;
	return ERR_OK;
}

void conn_fail(struct conn *c, enum err rc, const char *why)
{
	if (!c->failed)
		c->failed = err_set(&c->why, rc, "%s", why);
}

/* ---- the handshake */

static enum err start_handshake(struct conn *c, struct err_info *ei)
{
	const struct handshake_client_config hc = {
		.keys = c->cfg.keys,
		.key_count = c->cfg.key_count,
		.dc = c->cfg.dc,
		.rnd = c->cfg.rnd,
	};
	enum err rc = handshake_client_new(&hc, &c->handshake);

	if (!rc)
		rc = handshake_client_start(c->handshake, &c->plain);
	return rc ? err_set(ei, rc, "begin the key exchange") : ERR_OK;
}

static enum err finish_handshake(struct conn *c, struct err_info *ei)
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

static enum err feed_handshake(struct conn *c, const uint8_t *data, size_t len,
			       struct err_info *ei)
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

static uint64_t plain_id(struct conn *c)
{
	uint64_t sec = (uint64_t)(c->wall.us / US_PER_SEC);
	uint64_t frac = (uint64_t)(c->wall.us % US_PER_SEC);
	uint64_t id = sec << 32 | (frac * 4294 & ~UINT64_C(3));

	if (id <= c->last_plain_id)
		id = c->last_plain_id + 4;
	c->last_plain_id = id;
	return id;
}

static enum err send_plain(struct conn *c, struct buf *out, struct err_info *ei)
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

bool conn_wants_work(const struct conn *c)
{
	return c->work;
}

void conn_work(struct conn *c)
{
	handshake_client_work(c->handshake);
}

enum err conn_worked(struct conn *c, struct mono now, struct err_info *ei)
{
	enum err rc;

	c->now = now;
	c->work = false;
	rc = handshake_client_resume(c->handshake, &c->plain, ei);
	if (!c->connected)
		drop_handshake(c); /* it was for a link that is gone */
	return rc;
}

/* ---- life of the connection */

enum err conn_connected(struct conn *c, struct mono now, struct wall wall,
			struct err_info *ei)
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

void conn_disconnected(struct conn *c)
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

static enum err take_packet(struct conn *c, const struct transport_packet *pkt,
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

static enum err feed_part(struct conn *c, const uint8_t *data, size_t len,
			  struct err_info *ei)
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

enum err conn_feed(struct conn *c, const uint8_t *data, size_t len,
		   struct mono now, struct err_info *ei)
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

enum err conn_tick(struct conn *c, struct mono now, struct err_info *ei)
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

static enum err send_sealed(struct conn *c, struct buf *out,
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

enum err conn_output(struct conn *c, struct mono now, struct buf *out,
		     struct err_info *ei)
{
	c->now = now;
	if (!c->connected)
		return ERR_OK;
	return c->keyed ? send_sealed(c, out, ei) : send_plain(c, out, ei);
}

struct mono conn_deadline(const struct conn *c)
{
	if (!c->connected)
		return MONO_NEVER;
	if (!c->keyed)
		return c->work ? MONO_NEVER : c->handshake_due;
	return session_deadline(&c->session);
}
