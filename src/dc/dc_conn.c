/* SPDX-License-Identifier: MIT */
/*
 * One connection: transport, key exchange, envelopes; and the flush at the end
 * of a turn, which commits the state file before any byte leaves.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dc/dc_int.h"

#define ERROR_UNKNOWN_KEY (-404)
#define ERROR_WRONG_DC (-444)

static void conn_free(void *ptr)
{
	struct dc_conn *c = ptr;

	transport_deinit(&c->transport);
	handshake_server_free(c->handshake);
	if (c->held)
		buf_deinit(c->held);
	free(c->held);
	free(c);
}

static void detach(struct dc *dc, struct dc_conn *c)
{
	struct dc_sess *s = c->sess;
	struct dc_conn **at;

	if (s && s->conn == c) {
		dc_key_offline(s);
		s->conn = NULL;
		/* What was not sent will be asked for again. */
		buf_reset(&s->pending);
		buf_drained(&s->pending);
		s->n_pending = 0;
	}
	if (s && s->key->main_link == c->link)
		s->key->main_link = 0;
	c->sess = NULL;
	for (at = &dc->dirty; c->dirty && *at; at = &(*at)->next_dirty) {
		if (*at == c) {
			*at = c->next_dirty;
			break;
		}
	}
	c->dirty = false;
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	struct dc_conn *c = ctx;
	struct dc *dc = c->node->dc;

	(void)ei;
	log_debug(LOGEV_DC_CONN, log_i64("dc", c->node->id),
		  log_str("why", link_reason_name(reason)));
	loop_cancel(dc->loop, &c->hang_up);
	detach(dc, c);
	imap_remove(&dc->conns, (int64_t)link);
	loop_bury(dc->loop, c, conn_free);
}

void dc_conn_close(struct dc *dc, struct dc_conn *c, enum close_reason why)
{
	detach(dc, c);
	link_finish(dc->loop, c->link, why);
	c->closing = true;
}

static void on_hang_up(struct wheel_timer *t, void *ctx)
{
	struct dc_conn *c = ctx;

	(void)t;
	dc_conn_close(c->node->dc, c, CLOSE_IDLE);
}

void dc_conn_hang_up_in(struct dc *dc, struct dc_conn *c, int32_t delay_sec)
{
	if (delay_sec > 0)
		loop_arm(dc->loop, &c->hang_up, delay_sec * US_PER_SEC);
}

void dc_conn_drop(struct dc *dc, struct dc_conn *c)
{
	dc->counters.drops++;
	detach(dc, c);
	c->closing = true;
	link_close(dc->loop, c->link, CLOSE_LOCAL);
}

void dc_conn_touch(struct dc *dc, struct dc_conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = dc->dirty;
	dc->dirty = c;
	if (dc->delay_us) {
		if (!wheel_armed(&dc->delayed))
			loop_arm(dc->loop, &dc->delayed, dc->delay_us);
		return;
	}
	loop_defer(dc->loop, &dc->flush);
}

/* ---- out */

static enum err send_packet(struct dc *dc, struct dc_conn *c,
			    const struct buf *packet, struct err_info *ei)
{
	enum err rc;

	buf_reset(&dc->wire);
	rc = transport_send(&c->transport, buf_head(packet), buf_len(packet),
			    &dc->wire, ei);
	if (!rc)
		rc = link_send(dc->loop, c->link, buf_head(&dc->wire),
			       buf_len(&dc->wire));
	dc->counters.packets_out++;
	dc->counters.bytes_out += buf_len(&dc->wire);
	return rc;
}

static void send_error(struct dc *dc, struct dc_conn *c, int32_t code);

/* Held back until the next one has gone. */
static enum err hold(struct dc_conn *c, const struct buf *packet)
{
	c->held = calloc(1, sizeof(*c->held));
	if (!c->held)
		return ERR_NOMEM;
	buf_init(c->held, 2 * (size_t)DC_ANSWER_MAX);
	return buf_append(c->held, buf_head(packet), buf_len(packet));
}

static enum err send_with_faults(struct dc *dc, struct dc_conn *c,
				 struct buf *packet, struct err_info *ei)
{
	struct buf *held = c->held;
	int32_t code = 0;
	enum dc_fault_kind kind =
		dc_faults_packet(dc, c->sess->key->user_id, packet, &code);
	enum err rc = ERR_OK;

	if (kind == DC_FAULT_ERROR) {
		send_error(dc, c, code);
		return ERR_OK;
	}
	if (kind == DC_FAULT_REORDER && !held)
		return hold(c, packet);
	rc = send_packet(dc, c, packet, ei);
	if (!rc && kind == DC_FAULT_DUPLICATE)
		rc = send_packet(dc, c, packet, ei);
	if (!held)
		return rc;
	if (!rc)
		rc = send_packet(dc, c, held, ei);
	buf_deinit(held);
	free(held);
	c->held = NULL;
	return rc;
}

static enum err flush(struct dc *dc, struct dc_conn *c, struct err_info *ei)
{
	enum err rc = ERR_OK;
	bool has = c->sess && c->sess->conn == c;

	while (has && !rc) {
		buf_reset(&dc->packet);
		rc = dc_session_next(dc, c->sess, &dc->packet, &has, ei);
		if (!rc && has)
			rc = dc->n_faults || c->held
				     ? send_with_faults(dc, c, &dc->packet, ei)
				     : send_packet(dc, c, &dc->packet, ei);
		has = has && !c->closing;
	}
	return rc;
}

void dc_conn_flush_all(void *ctx)
{
	struct dc *dc = ctx;
	struct err_info ei = { 0 };
	struct dc_conn *c;
	enum err rc;

	rc = dc_store_commit(dc->store, &ei);
	if (rc) {
		dc_fail(dc, rc, &ei);
		return;
	}
	while ((c = dc->dirty)) {
		dc->dirty = c->next_dirty;
		c->next_dirty = NULL;
		c->dirty = false;
		rc = flush(dc, c, &ei);
		if (rc && rc != ERR_EOF)
			log_fail(LOG_WARN, LOGEV_DC_CONN, rc, &ei,
				 log_i64("dc", c->node->id));
		if (rc || c->closing)
			dc_conn_close(dc, c, CLOSE_LOCAL);
	}
}

static void send_error(struct dc *dc, struct dc_conn *c, int32_t code)
{
	struct err_info ei = { 0 };
	enum err rc;

	buf_reset(&dc->wire);
	dc->counters.refused_packets++;
	rc = transport_send_error(&c->transport, code, &dc->wire, &ei);
	if (!rc)
		rc = link_send(dc->loop, c->link, buf_head(&dc->wire),
			       buf_len(&dc->wire));
	if (rc)
		log_debug(LOGEV_DC_CONN, log_str("what", "error not sent"));
	dc_conn_close(dc, c, CLOSE_PROTO);
}

/* ---- key exchange */

static bool key_taken(void *ctx, uint64_t key_id)
{
	return dc_key_get(ctx, key_id) != NULL;
}

static enum err handshake_open(struct dc *dc, struct dc_conn *c,
			       struct err_info *ei)
{
	struct handshake_server_config cfg = {
		.keys = (const struct rsa_key *const *)&dc->rsa,
		.key_count = 1,
		.dcs = &c->node->id,
		.dc_count = 1,
		.rnd = rnd_system(),
		.key_taken = key_taken,
		.ctx = dc,
	};

	if (c->handshake)
		return ERR_OK;
	return handshake_server_new(&cfg, &c->handshake, ei);
}

static enum err handshake_done(struct dc *dc, struct dc_conn *c,
			       struct err_info *ei)
{
	struct dc_store_key row = { .dc_id = c->node->id,
				    .created = dc_now(dc) };
	struct handshake_result res;
	struct dc_key *key;
	enum err rc;

	rc = handshake_server_result(c->handshake, &res);
	if (rc)
		return err_set(ei, rc, "take the new key");
	row.id = (int64_t)res.key.id;
	row.salt = (int64_t)res.salt;
	memcpy(row.key, res.key.secret.bytes, sizeof(row.key));
	authkey_deinit(&res.key);
	rc = dc_key_add(dc, &row, &key);
	secret_wipe(row.key, sizeof(row.key));
	handshake_server_free(c->handshake);
	c->handshake = NULL;
	if (rc)
		return err_set(ei, rc, "keep the new key");
	if (res.expires_in_sec)
		dc_pfs_made(dc, key, res.expires_in_sec);
	dc_key_save(dc, key);
	dc->counters.handshakes++;
	return ERR_OK;
}

static enum err on_plain(struct dc *dc, struct dc_conn *c,
			 const struct transport_packet *pkt,
			 struct err_info *ei)
{
	struct handshake_packet in = { .now = loop_now(dc->loop),
				       .now_wall = dc_wall(dc) };
	enum handshake_step step;
	const uint8_t *body;
	uint64_t msg_id;
	struct buf out;
	enum err rc;

	rc = envelope_plain_open(pkt->data, pkt->len, &msg_id, &body, &in.len,
				 ei);
	if (!rc)
		rc = handshake_open(dc, c, ei);
	if (rc)
		return rc;
	in.body = body;
	buf_init(&out, HANDSHAKE_BODY_MAX);
	rc = handshake_server_feed(c->handshake, &in, &out, &step, ei);
	if (!rc && step == HANDSHAKE_WANT_WORK) {
		handshake_server_work(c->handshake);
		rc = handshake_server_resume(c->handshake, &out, &step, ei);
	}
	if (!rc && step == HANDSHAKE_DONE)
		rc = handshake_done(dc, c, ei);
	/* The client must not learn of a key that is not on disk. */
	if (!rc)
		rc = dc_store_commit(dc->store, ei);
	if (!rc && buf_len(&out)) {
		buf_reset(&dc->packet);
		rc = envelope_plain_seal(dc_session_msg_id(dc), buf_head(&out),
					 buf_len(&out), &dc->packet);
		if (!rc)
			rc = send_packet(dc, c, &dc->packet, ei);
	}
	buf_deinit(&out);
	return rc;
}

/* ---- messages under a key */

/* The session speaks here from now on. */
static void attach(struct dc *dc, struct dc_conn *c, struct dc_sess *s)
{
	if (c->sess == s && s->conn == c)
		return;
	if (s->conn && s->conn != c) {
		struct dc_conn *old = s->conn;

		dc_conn_close(dc, old, CLOSE_REPLACED);
	}
	/* One connection, several sessions: the latest that spoke is served. */
	if (c->sess && c->sess->conn == c) {
		dc_key_offline(c->sess);
		c->sess->conn = NULL;
	}
	c->sess = s;
	s->conn = c;
}

static enum err on_sealed(struct dc *dc, struct dc_conn *c, uint64_t key_id,
			  const struct transport_packet *pkt,
			  struct err_info *ei)
{
	struct dc_key *key = dc_key_get(dc, key_id);
	struct envelope_msg m;
	struct dc_sess *s;
	bool is_new;
	enum err rc;

	if (!key || key->dc_id != c->node->id || !dc_pfs_usable(dc, key))
		return err_set(ei, ERR_NOTFOUND, "auth key unknown here");
	rc = envelope_open(&key->auth, ENVELOPE_TO_SERVER, pkt->data, pkt->len,
			   &m, ei);
	if (rc)
		return rc;
	s = dc_session_get(dc, dc_pfs_owner(key), m.session_id, &is_new);
	if (!s)
		return err_set(ei, ERR_CAPACITY, "too many sessions of a key");
	s->crypt = key;
	attach(dc, c, s);
	dc_rpc_spoke(dc, key, c);
	return dc_session_recv(dc, s, &m, ei);
}

/* Fault "drop": after so many packets the connection is cut. */
static bool dropped(struct dc *dc, struct dc_conn *c)
{
	int64_t user = c->sess ? c->sess->key->user_id : 0;

	if (!dc->drop_after || (dc->drop_user && user != dc->drop_user))
		return false;
	if (--dc->drop_after)
		return false;
	dc_conn_drop(dc, c);
	return true;
}

static enum err on_packet(struct dc *dc, struct dc_conn *c,
			  const struct transport_packet *pkt,
			  struct err_info *ei)
{
	uint64_t key_id;
	enum err rc;

	dc->counters.packets_in++;
	rc = envelope_key_id(pkt->data, pkt->len, &key_id, ei);
	if (rc)
		return rc;
	if (!key_id)
		return on_plain(dc, c, pkt, ei);
	rc = on_sealed(dc, c, key_id, pkt, ei);
	if (!rc)
		(void)dropped(dc, c);
	return rc;
}

static void refuse(struct dc *dc, struct dc_conn *c, enum err rc,
		   const struct err_info *ei)
{
	log_fail(LOG_WARN, LOGEV_DC_CONN, rc, ei, log_i64("dc", c->node->id));
	send_error(dc, c,
		   rc == ERR_WRONG_DC ? ERROR_WRONG_DC : ERROR_UNKNOWN_KEY);
}

static enum err drain(struct dc *dc, struct dc_conn *c, struct err_info *ei)
{
	struct transport_packet pkt;
	enum err rc = ERR_OK;
	bool has = true;

	while (!rc && !c->closing) {
		rc = transport_next(&c->transport, &pkt, &has, ei);
		if (rc || !has)
			break;
		rc = on_packet(dc, c, &pkt, ei);
	}
	return rc;
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct dc_conn *c = ctx;
	struct dc *dc = c->node->dc;
	struct err_info ei = { 0 };
	enum err rc;

	(void)link;
	dc->counters.bytes_in += len;
	while (len && !c->closing) {
		size_t n = len < TRANSPORT_FEED_MAX ? len : TRANSPORT_FEED_MAX;

		rc = transport_feed(&c->transport, data, n, &ei);
		if (!rc)
			rc = drain(dc, c, &ei);
		if (rc) {
			refuse(dc, c, rc, &ei);
			return;
		}
		data += n;
		len -= n;
	}
}

static const struct link_ops conn_ops = {
	.on_data = on_data,
	.on_close = on_close,
};

void dc_conn_accept(struct dc_node *node, uint64_t link)
{
	struct dc *dc = node->dc;
	struct dc_conn *c = calloc(1, sizeof(*c));

	if (!c || imap_put(&dc->conns, (int64_t)link, c)) {
		free(c);
		return; /* nobody owns it: the listener closes it */
	}
	c->node = node;
	c->link = link;
	wheel_timer_init(&c->hang_up, on_hang_up, c);
	transport_init_server(&c->transport, NULL, rnd_system());
	dc->counters.connections++;
	dc_play_accepted(dc);
	link_own(dc->loop, link, &conn_ops, c);
}
