/* SPDX-License-Identifier: MIT */
/*
 * The server's end of a session: which messages are believed, what is owed in
 * return, and in what order it leaves.
 * https://core.telegram.org/mtproto/description, /service_messages
 */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "dc/dc_int.h"
#include "mtproto/container.h"
#include "mtproto/gzip.h"
#include "mtproto/service.h"

#define PAST_SEC 300
#define FUTURE_SEC 30
#define SALT_OVERLAP_SEC 1800
#define SALTS_MAX 64
#define IDS_MAX 8192U
#define ITEMS_PER_PACKET 512U
#define PACKET_BYTES (1U << 20)

/* A message being handled: not the envelope, which may hold many. */
struct msg {
	uint64_t id;
	uint32_t seq_no;
	const uint8_t *body;
	size_t len;
};

static uint64_t next_msg_id(struct dc *dc, unsigned int low)
{
	int64_t us = dc_wall(dc).us;
	int64_t sec = us / US_PER_SEC, frac = us % US_PER_SEC;
	int64_t id = sec << 32 | (frac << 32) / US_PER_SEC;

	id &= ~INT64_C(3);
	if (id <= dc->last_msg_id)
		id = dc->last_msg_id + 4;
	dc->last_msg_id = id;
	return (uint64_t)id | low;
}

uint64_t dc_session_msg_id(struct dc *dc)
{
	return next_msg_id(dc, 1);
}

/* ---- salts: a function of the key and the hour, so none need be stored */

int64_t dc_session_hour(const struct dc *dc)
{
	return dc_now(dc) / 3600;
}

uint64_t dc_session_salt(const struct dc *dc, const struct dc_key *key,
			 int64_t hour)
{
	return (uint64_t)world_access_hash(
		&dc->world, (int64_t)key->auth.id ^ key->salt, hour);
}

static bool salt_valid(const struct dc *dc, const struct dc_key *key,
		       uint64_t salt)
{
	int64_t hour = dc_session_hour(dc);
	int32_t now = dc_now(dc);

	if (salt == (uint64_t)key->salt && now - key->created < 3600)
		return true;
	if (salt == dc_session_salt(dc, key, hour))
		return true;
	return now % 3600 < SALT_OVERLAP_SEC &&
	       salt == dc_session_salt(dc, key, hour - 1);
}

/* ---- life */

static void answers_drop(struct dc_sess *s, struct dc_answer **at)
{
	struct dc_answer *a = *at;

	BUG_ON(!a);
	*at = a->next;
	s->n_answers--;
	s->answers_bytes -= a->len;
	free(a);
}

void dc_session_free(struct dc *dc, struct dc_sess *s)
{
	struct dc_sess **at;

	for (at = &s->key->sessions; *at != s; at = &(*at)->next)
		;
	*at = s->next;
	s->key->n_sessions--;
	dc_key_offline(s);
	if (s->conn && s->conn->sess == s)
		s->conn->sess = NULL;
	if (dc->origin == s)
		dc->origin = NULL;
	if (dc->reading == s)
		dc->reading = NULL;
	while (s->answers)
		answers_drop(s, &s->answers);
	seenids_deinit(&s->seen);
	buf_deinit(&s->pending);
	free(s->acks);
	free(s);
}

/* The longest unused one makes room. */
static void evict(struct dc *dc, struct dc_key *key)
{
	struct dc_sess *s, *oldest = NULL;

	for (s = key->sessions; s; s = s->next) {
		if (!s->conn &&
		    (!oldest || mono_before(s->last_used, oldest->last_used)))
			oldest = s;
	}
	if (oldest)
		dc_session_free(dc, oldest);
}

struct dc_sess *dc_session_get(struct dc *dc, struct dc_key *key, uint64_t id,
			       bool *ret_is_new)
{
	struct dc_sess *s;

	for (s = key->sessions; s; s = s->next) {
		if (s->id == id) {
			*ret_is_new = false;
			return s;
		}
	}
	if (key->n_sessions >= DC_SESSIONS_PER_KEY)
		evict(dc, key);
	s = key->n_sessions < DC_SESSIONS_PER_KEY ? calloc(1, sizeof(*s))
						  : NULL;
	if (!s)
		return NULL;
	s->key = key;
	s->crypt = key;
	s->id = id;
	s->last_used = loop_now(dc->loop);
	seenids_init(&s->seen);
	buf_init(&s->pending, DC_PENDING_MAX);
	s->next = key->sessions;
	key->sessions = s;
	key->n_sessions++;
	*ret_is_new = true;
	return s;
}

/* ---- out */

static uint32_t next_seq(struct dc_sess *s, bool content)
{
	return content ? 2 * s->seq_out++ + 1 : 2 * s->seq_out;
}

static enum err queue(struct dc *dc, struct dc_sess *s,
		      const struct container_msg *m)
{
	enum err rc = container_put(&s->pending, m);

	if (rc)
		return rc;
	s->n_pending++;
	if (s->conn)
		dc_conn_touch(dc, s->conn);
	return ERR_OK;
}

enum err dc_session_push(struct dc *dc, struct dc_sess *s, const void *body,
			 size_t len, bool content)
{
	struct container_msg m = { .msg_id = next_msg_id(dc, 3),
				   .seq_no = next_seq(s, content),
				   .body = body,
				   .len = len };

	if (content)
		dc->counters.messages_out++;
	return queue(dc, s, &m);
}

static enum err reply(struct dc *dc, struct dc_sess *s, const struct buf *b)
{
	struct container_msg m = { .msg_id = next_msg_id(dc, 1),
				   .seq_no = next_seq(s, false),
				   .body = buf_head(b),
				   .len = buf_len(b) };

	return queue(dc, s, &m);
}

enum err dc_session_answer(struct dc *dc, struct dc_sess *s, uint64_t req_id,
			   const void *body, size_t len)
{
	struct container_msg m = { .msg_id = next_msg_id(dc, 1),
				   .seq_no = next_seq(s, true),
				   .body = body,
				   .len = len };
	struct dc_answer *a = malloc(sizeof(*a) + len), **at;

	if (!a)
		return ERR_NOMEM;
	*a = (struct dc_answer){ .req_id = req_id,
				 .msg_id = m.msg_id,
				 .seq_no = m.seq_no,
				 .len = len };
	memcpy(a->body, body, len);
	for (at = &s->answers; *at; at = &(*at)->next)
		;
	*at = a;
	s->n_answers++;
	s->answers_bytes += len;
	while (s->n_answers > DC_ANSWERS_MAX ||
	       (s->n_answers > 1 && s->answers_bytes > DC_ANSWERS_BYTES_MAX))
		answers_drop(s, &s->answers);
	dc->counters.messages_out++;
	return queue(dc, s, &m);
}

/* The same result again, for a query that came again. */
static enum err answer_again(struct dc *dc, struct dc_sess *s, uint64_t req_id,
			     bool *ret_found)
{
	const struct dc_answer *a;

	for (a = s->answers; a && a->req_id != req_id; a = a->next)
		;
	*ret_found = a != NULL;
	if (!a)
		return ERR_OK;
	return queue(dc, s,
		     &(struct container_msg){ a->msg_id, a->seq_no, a->body,
					      a->len });
}

static enum err put_acks(struct dc *dc, struct dc_sess *s)
{
	struct tl_writer w;
	uint32_t i;

	buf_reset(&dc->wire);
	cursor_write(&w, &dc->wire);
	cursor_put_u32(&w, SERVICE_MSGS_ACK);
	cursor_put_vector(&w, s->n_acks);
	for (i = 0; i < s->n_acks; i++)
		cursor_put_i64(&w, (int64_t)s->acks[i]);
	s->n_acks = 0;
	return w.rc ? w.rc : reply(dc, s, &dc->wire);
}

/* How many queued items fit one packet, and their bytes. */
static uint32_t measure(const struct dc_sess *s, size_t *ret_bytes)
{
	const uint8_t *at = buf_head(&s->pending);
	uint32_t n, len;
	size_t bytes = 0;

	for (n = 0; n < s->n_pending && n < ITEMS_PER_PACKET; n++) {
		memcpy(&len, at + bytes + 12, sizeof(len));
		if (n && bytes + len > PACKET_BYTES)
			break;
		bytes += CONTAINER_ITEM_HEAD + len;
	}
	*ret_bytes = bytes;
	return n;
}

static enum err seal(struct dc *dc, struct dc_sess *s, uint32_t n, size_t bytes,
		     struct buf *packet, struct err_info *ei)
{
	const uint8_t *at = buf_head(&s->pending);
	struct envelope_msg m = {
		.salt = dc_session_salt(dc, s->crypt, dc_session_hour(dc)),
		.session_id = s->id,
	};
	enum err rc = ERR_OK;

	buf_reset(&dc->wire);
	if (n == 1) {
		memcpy(&m.msg_id, at, 8);
		memcpy(&m.seq_no, at + 8, 4);
		m.body = at + CONTAINER_ITEM_HEAD;
		m.body_len = bytes - CONTAINER_ITEM_HEAD;
	} else {
		m.msg_id = next_msg_id(dc, 3);
		m.seq_no = next_seq(s, false);
		rc = container_put_head(&dc->wire, n);
		if (!rc)
			rc = buf_append(&dc->wire, at, bytes);
		m.body = buf_head(&dc->wire);
		m.body_len = buf_len(&dc->wire);
	}
	if (!rc)
		rc = envelope_seal(&s->crypt->auth, ENVELOPE_FROM_SERVER, &m,
				   rnd_system(), packet, ei);
	return rc;
}

enum err dc_session_next(struct dc *dc, struct dc_sess *s, struct buf *packet,
			 bool *ret_has, struct err_info *ei)
{
	enum err rc = ERR_OK;
	size_t bytes;
	uint32_t n;

	if (s->n_acks)
		rc = put_acks(dc, s);
	if (rc)
		return rc;
	*ret_has = s->n_pending > 0;
	if (!s->n_pending)
		return ERR_OK;
	n = measure(s, &bytes);
	rc = seal(dc, s, n, bytes, packet, ei);
	if (rc)
		return rc;
	buf_consume(&s->pending, bytes);
	s->n_pending -= n;
	buf_drained(&s->pending);
	return ERR_OK;
}

/* ---- in: what is believed */

static enum err bad_msg(struct dc *dc, struct dc_sess *s, const struct msg *m,
			int code)
{
	struct tl_writer w;

	buf_reset(&dc->wire);
	cursor_write(&w, &dc->wire);
	cursor_put_u32(&w, code == SERVICE_BAD_SALT
				   ? SERVICE_BAD_SERVER_SALT
				   : SERVICE_BAD_MSG_NOTIFICATION);
	cursor_put_i64(&w, (int64_t)m->id);
	cursor_put_u32(&w, m->seq_no);
	cursor_put_i32(&w, code);
	if (code == SERVICE_BAD_SALT)
		cursor_put_i64(&w, (int64_t)dc_session_salt(
					   dc, s->crypt, dc_session_hour(dc)));
	return w.rc ? w.rc : reply(dc, s, &dc->wire);
}

/* 0, or what is wrong with the time and number of the message. */
static int check_id(const struct dc *dc, const struct msg *m)
{
	int64_t sec = (int64_t)(m->id >> 32), now = dc_now(dc);

	if (m->id & 3)
		return SERVICE_BAD_ID_BITS;
	if (sec < now - PAST_SEC)
		return SERVICE_BAD_ID_LOW;
	if (sec > now + FUTURE_SEC)
		return SERVICE_BAD_ID_HIGH;
	return 0;
}

/* Numbers must grow with the ids; only content messages are compared. */
static int check_seq(struct dc_sess *s, const struct msg *m)
{
	if (!(m->seq_no & 1))
		return 0;
	if (m->id > s->top_in && s->top_in && m->seq_no <= s->top_in_seq)
		return SERVICE_BAD_SEQ_LOW;
	if (m->id < s->top_in && m->seq_no >= s->top_in_seq)
		return SERVICE_BAD_SEQ_HIGH;
	if (m->id > s->top_in) {
		s->top_in = m->id;
		s->top_in_seq = m->seq_no;
	}
	return 0;
}

static enum err owe_ack(struct dc *dc, struct dc_sess *s, uint64_t id)
{
	if (s->n_acks == s->cap_acks) {
		uint32_t cap = s->cap_acks ? s->cap_acks * 2 : 8;
		uint64_t *p;

		if (cap > IDS_MAX)
			return ERR_TOOBIG;
		p = realloc(s->acks, cap * sizeof(*p));
		if (!p)
			return ERR_NOMEM;
		s->acks = p;
		s->cap_acks = cap;
	}
	s->acks[s->n_acks++] = id;
	if (s->conn)
		dc_conn_touch(dc, s->conn);
	return ERR_OK;
}

/* ---- in: service messages */

static enum err on_ack(struct dc_sess *s, struct tl_reader *r)
{
	uint32_t n = cursor_get_vector(r, 8);

	for (; n && !r->rc; n--) {
		uint64_t id = (uint64_t)cursor_get_i64(r);
		struct dc_answer **at = &s->answers;

		while (*at && (*at)->msg_id != id)
			at = &(*at)->next;
		if (*at)
			answers_drop(s, at);
	}
	return r->rc;
}

static enum err on_ping(struct dc *dc, struct dc_sess *s, const struct msg *m,
			struct tl_reader *r, bool delayed)
{
	int64_t ping_id = cursor_get_i64(r);
	int32_t delay_sec = delayed ? cursor_get_i32(r) : 0;
	struct tl_writer w;

	if (delayed && !r->rc && s->conn)
		dc_conn_hang_up_in(dc, s->conn, delay_sec);

	buf_reset(&dc->wire);
	cursor_write(&w, &dc->wire);
	cursor_put_u32(&w, SERVICE_PONG);
	cursor_put_i64(&w, (int64_t)m->id);
	cursor_put_i64(&w, ping_id);
	if (r->rc || w.rc)
		return r->rc ? r->rc : w.rc;
	return reply(dc, s, &dc->wire);
}

static enum err on_future_salts(struct dc *dc, struct dc_sess *s,
				const struct msg *m, struct tl_reader *r)
{
	int32_t i, num = cursor_get_i32(r);
	int64_t hour = dc_session_hour(dc);
	struct tl_writer w;

	if (r->rc)
		return r->rc;
	num = num < 1 ? 1 : num > SALTS_MAX ? SALTS_MAX : num;
	buf_reset(&dc->wire);
	cursor_write(&w, &dc->wire);
	cursor_put_u32(&w, SERVICE_FUTURE_SALTS);
	cursor_put_i64(&w, (int64_t)m->id);
	cursor_put_i32(&w, dc_now(dc));
	cursor_put_i32(&w, num);
	for (i = 0; i < num; i++, hour++) {
		cursor_put_i32(&w, (int32_t)(hour * 3600));
		cursor_put_i32(&w,
			       (int32_t)((hour + 1) * 3600 + SALT_OVERLAP_SEC));
		cursor_put_i64(&w,
			       (int64_t)dc_session_salt(dc, s->crypt, hour));
	}
	return w.rc ? w.rc : reply(dc, s, &dc->wire);
}

/* One byte an id: 1 never heard of, 4 received. */
static enum err on_state_req(struct dc *dc, struct dc_sess *s,
			     const struct msg *m, struct tl_reader *r)
{
	uint32_t i, n = cursor_get_vector(r, 8);
	uint8_t info[IDS_MAX];
	struct tl_writer w;

	if (r->rc || n > IDS_MAX)
		return ERR_PROTO;
	for (i = 0; i < n; i++) {
		uint64_t id = (uint64_t)cursor_get_i64(r);

		info[i] = seenids_has(&s->seen, id) ? 4 : 1;
	}
	buf_reset(&dc->wire);
	cursor_write(&w, &dc->wire);
	cursor_put_u32(&w, SERVICE_MSGS_STATE_INFO);
	cursor_put_i64(&w, (int64_t)m->id);
	cursor_put_bytes(&w, info, n);
	return w.rc ? w.rc : reply(dc, s, &dc->wire);
}

static enum err on_resend_req(struct dc *dc, struct dc_sess *s,
			      struct tl_reader *r)
{
	uint32_t n = cursor_get_vector(r, 8);
	enum err rc = ERR_OK;

	for (; n && !r->rc && !rc; n--) {
		uint64_t id = (uint64_t)cursor_get_i64(r);
		const struct dc_answer *a = s->answers;

		while (a && a->msg_id != id)
			a = a->next;
		if (a)
			rc = queue(dc, s,
				   &(struct container_msg){ a->msg_id,
							    a->seq_no, a->body,
							    a->len });
	}
	return rc ? rc : r->rc;
}

static enum err on_drop_answer(struct dc *dc, struct dc_sess *s,
			       const struct msg *m, struct tl_reader *r)
{
	uint64_t id = (uint64_t)cursor_get_i64(r);
	struct dc_answer **at = &s->answers;
	struct tl_writer w;

	while (*at && (*at)->req_id != id)
		at = &(*at)->next;
	buf_reset(&dc->answer);
	cursor_write(&w, &dc->answer);
	cursor_put_u32(&w, SERVICE_RPC_RESULT);
	cursor_put_i64(&w, (int64_t)m->id);
	if (*at) {
		cursor_put_u32(&w, SERVICE_RPC_ANSWER_DROPPED);
		cursor_put_i64(&w, (int64_t)(*at)->msg_id);
		cursor_put_u32(&w, (*at)->seq_no);
		cursor_put_i32(&w, (int32_t)(*at)->len);
		answers_drop(s, at);
	} else {
		cursor_put_u32(&w, SERVICE_RPC_ANSWER_UNKNOWN);
	}
	if (r->rc || w.rc)
		return r->rc ? r->rc : w.rc;
	return dc_session_answer(dc, s, m->id, buf_head(&dc->answer),
				 buf_len(&dc->answer));
}

static enum err on_destroy_session(struct dc *dc, struct dc_sess *s,
				   struct tl_reader *r)
{
	uint64_t id = (uint64_t)cursor_get_i64(r);
	struct dc_sess *other = s->key->sessions;
	struct tl_writer w;

	while (other && other->id != id)
		other = other->next;
	if (other == s)
		return ERR_OK;
	buf_reset(&dc->wire);
	cursor_write(&w, &dc->wire);
	cursor_put_u32(&w, other ? SERVICE_DESTROY_SESSION_OK
				 : SERVICE_DESTROY_SESSION_NONE);
	cursor_put_i64(&w, (int64_t)id);
	if (r->rc || w.rc)
		return r->rc ? r->rc : w.rc;
	if (other)
		dc_session_free(dc, other);
	return reply(dc, s, &dc->wire);
}

static enum err on_destroy_key(struct dc *dc, struct dc_sess *s)
{
	struct tl_writer w;

	buf_reset(&dc->wire);
	cursor_write(&w, &dc->wire);
	cursor_put_u32(&w, dc_pfs_destroy(dc, s));
	return w.rc ? w.rc : reply(dc, s, &dc->wire);
}

/* *ret_handled false: it is a query. */
static enum err service(struct dc *dc, struct dc_sess *s, const struct msg *m,
			bool *ret_handled)
{
	struct tl_reader r;

	*ret_handled = true;
	cursor_read(&r, m->body, m->len);
	switch (cursor_get_u32(&r)) {
	case SERVICE_MSGS_ACK:
		return on_ack(s, &r);
	case SERVICE_PING:
		return on_ping(dc, s, m, &r, false);
	case SERVICE_PING_DELAY_DISCONNECT:
		return on_ping(dc, s, m, &r, true);
	case SERVICE_GET_FUTURE_SALTS:
		return on_future_salts(dc, s, m, &r);
	case SERVICE_MSGS_STATE_REQ:
		return on_state_req(dc, s, m, &r);
	case SERVICE_MSG_RESEND_REQ:
		return on_resend_req(dc, s, &r);
	case SERVICE_RPC_DROP_ANSWER:
		return on_drop_answer(dc, s, m, &r);
	case SERVICE_DESTROY_SESSION:
		return on_destroy_session(dc, s, &r);
	case SERVICE_DESTROY_AUTH_KEY:
		return on_destroy_key(dc, s);
	case SERVICE_MSGS_STATE_INFO:
	case SERVICE_MSGS_ALL_INFO:
	case SERVICE_HTTP_WAIT:
		return ERR_OK;
	default:
		*ret_handled = false;
		return ERR_OK;
	}
}

/* ---- in: from an envelope to queries */

static enum err handle_plain(struct dc *dc, struct dc_sess *s,
			     const struct msg *m, struct err_info *ei)
{
	uint32_t id;
	bool handled;
	enum err rc;

	memcpy(&id, m->body, sizeof(id));
	rc = service(dc, s, m, &handled);
	if (rc)
		return err_set(ei, rc, "service message %08x", id);
	if (handled)
		return ERR_OK;
	dc->counters.messages_in++;
	return dc_rpc_handle(dc, s, m->id, m->body, m->len, ei);
}

static enum err handle_gzip(struct dc *dc, struct dc_sess *s, struct msg m,
			    struct err_info *ei)
{
	struct buf out;
	enum err rc;

	buf_init(&out, GZIP_UNPACKED_MAX);
	rc = gzip_unpack(m.body, m.len, &out, ei);
	if (!rc && buf_len(&out) < 4)
		rc = err_set(ei, ERR_PROTO, "gzip_packed holds nothing");
	if (!rc) {
		m.body = buf_head(&out);
		m.len = buf_len(&out);
		rc = handle_plain(dc, s, &m, ei);
	}
	buf_deinit(&out);
	return rc;
}

static enum err handle(struct dc *dc, struct dc_sess *s, const struct msg *m,
		       struct err_info *ei)
{
	int bad = check_id(dc, m);
	bool fresh, found = false;
	enum err rc;
	uint32_t id;

	if (m->len < 4 || m->len % 4)
		return err_set(ei, ERR_PROTO, "message of %zu bytes", m->len);
	if (bad)
		return bad_msg(dc, s, m, bad);
	rc = seenids_add(&s->seen, m->id, &fresh);
	if (rc)
		return rc;
	if (m->seq_no & 1)
		rc = owe_ack(dc, s, m->id);
	if (!rc && !fresh)
		return answer_again(dc, s, m->id, &found);
	if (rc)
		return rc;
	bad = check_seq(s, m);
	if (bad)
		return bad_msg(dc, s, m, bad);
	memcpy(&id, m->body, sizeof(id));
	if (id == SERVICE_GZIP_PACKED)
		return handle_gzip(dc, s, *m, ei);
	return handle_plain(dc, s, m, ei);
}

static enum err handle_container(struct dc *dc, struct dc_sess *s,
				 const struct msg *m, struct err_info *ei)
{
	struct container_msg item;
	struct container it;
	enum err rc;
	int bad;

	bad = check_id(dc, m);
	if (bad)
		return bad_msg(dc, s, m, bad);
	rc = container_open(&it, m->body, m->len, ei);
	if (rc)
		return rc;
	dc->reading = s;
	/* one message may end the session, or the connection, for the next */
	while (!rc && dc->reading && s->conn && container_next(&it, &item)) {
		struct msg inner = { item.msg_id, item.seq_no, item.body,
				     item.len };

		if (inner.id >= m->id)
			rc = bad_msg(dc, s, m, SERVICE_BAD_CONTAINER);
		else
			rc = handle(dc, s, &inner, ei);
	}
	dc->reading = NULL;
	return rc;
}

static enum err greet(struct dc *dc, struct dc_sess *s, uint64_t first_id)
{
	struct tl_writer w;

	buf_reset(&dc->wire);
	cursor_write(&w, &dc->wire);
	cursor_put_u32(&w, SERVICE_NEW_SESSION_CREATED);
	cursor_put_i64(&w, (int64_t)first_id);
	cursor_put_i64(&w, (int64_t)rnd_u64(rnd_system()));
	cursor_put_i64(&w, (int64_t)dc_session_salt(dc, s->crypt,
						    dc_session_hour(dc)));
	return w.rc ? w.rc
		    : dc_session_push(dc, s, buf_head(&dc->wire),
				      buf_len(&dc->wire), true);
}

enum err dc_session_recv(struct dc *dc, struct dc_sess *s,
			 const struct envelope_msg *e, struct err_info *ei)
{
	struct msg m = { e->msg_id, e->seq_no, e->body, e->body_len };
	enum err rc = ERR_OK;
	uint32_t id = 0;

	s->last_used = loop_now(dc->loop);
	if (!salt_valid(dc, s->crypt, e->salt) ||
	    dc_faults_strike(dc, DC_FAULT_SALT, s->key->user_id))
		return bad_msg(dc, s, &m, SERVICE_BAD_SALT);
	if (!s->greeted && !check_id(dc, &m)) {
		rc = greet(dc, s, m.id);
		s->greeted = true;
	}
	if (rc)
		return rc;
	seenids_forget(&s->seen, (uint64_t)(dc_now(dc) - PAST_SEC) << 32);
	if (m.len >= 4)
		memcpy(&id, m.body, sizeof(id));
	if (id == SERVICE_MSG_CONTAINER)
		return handle_container(dc, s, &m, ei);
	return handle(dc, s, &m, ei);
}
