/* SPDX-License-Identifier: MIT */
/*
 * The server's end of MTProto, as strict as Telegram: salts, message ids and
 * their time, sequence parity, sessions that are told when they begin, answers
 * that are sent again until they are acknowledged.
 */
#include <stdlib.h>
#include <string.h>

#include "mtproto/container.h"
#include "mtproto/gzip.h"
#include "mtproto/service.h"
#include "sim.h"

#define ID_INVOKE_WITH_LAYER 0xda9b0d0dU
#define ID_INIT_CONNECTION 0xc1cd5ea9U
#define REPLY_BYTES_MAX (4U << 20)
#define AHEAD_SEC 30
#define PAST_SEC 300
#define SALT_LASTS_SEC 1800

static const struct schema *const layer = &schema_api_223;

/* One message of a client. */
struct message {
	uint64_t msg_id;
	uint32_t seq_no;
	int64_t born;
	const uint8_t *body;
	size_t len;
};

bool sim_server_seen(const struct sim_ids *r, uint64_t id)
{
	for (uint32_t i = 0; i < SIM_IDS_MAX; i++)
		if (r->ids[i] == id)
			return true;
	return false;
}

void sim_server_note(struct sim_ids *r, uint64_t id)
{
	r->ids[r->at++ % SIM_IDS_MAX] = id;
}

static void unnote(struct sim_ids *r, uint64_t id)
{
	for (uint32_t i = 0; i < SIM_IDS_MAX; i++)
		if (r->ids[i] == id)
			r->ids[i] = 0;
}

static void drop_first(struct sim_session *ss)
{
	struct sim_sent *first = ss->unacked;

	ss->unacked = first->next;
	ss->nunacked--;
	free(first);
}

static void drop_session(struct sim_session *ss)
{
	while (ss->unacked)
		drop_first(ss);
	*ss = (struct sim_session){ 0 };
}

void sim_server_forget(struct sim_account *a, int dc)
{
	for (int i = 0; i < SIM_SESSIONS_MAX; i++)
		drop_session(&a->auth[dc].sessions[i]);
}

struct sim_session *sim_server_session(struct sim_account *a, int dc,
				       uint64_t id)
{
	for (int i = 0; i < SIM_SESSIONS_MAX; i++)
		if (id && a->auth[dc].sessions[i].id == id)
			return &a->auth[dc].sessions[i];
	return NULL;
}

static struct sim_session *find_or_begin(struct sim *s, struct sim_account *a,
					 int dc, uint64_t id)
{
	struct sim_session *ss = sim_server_session(a, dc, id);
	struct sim_session *oldest = &a->auth[dc].sessions[0];

	if (!ss) {
		for (int i = 1; i < SIM_SESSIONS_MAX; i++)
			if (a->auth[dc].sessions[i].used < oldest->used)
				oldest = &a->auth[dc].sessions[i];
		ss = oldest;
		drop_session(ss);
		ss->id = id;
	}
	ss->used = s->order;
	return ss;
}

void sim_server_open(struct sim *s, struct sim_link *l)
{
	transport_init_server(&l->transport, NULL, &s->rnd.rnd);
}

/* --- what is said --- */

static uint64_t next_id(struct sim *s, struct sim_session *ss)
{
	uint64_t us = (uint64_t)sim_wall(s).us;
	uint64_t id = (us / 1000000U) << 32 |
		      (((us % 1000000U) << 32) / 1000000U & ~UINT64_C(3));

	id |= 1;
	if (id <= ss->last_id)
		id = ss->last_id + 4;
	ss->last_id = id;
	return id;
}

static void remember(struct sim_session *ss, uint64_t msg_id, uint32_t seq_no,
		     const struct buf *body)
{
	struct sim_sent *m = malloc(sizeof(*m) + buf_len(body));
	struct sim_sent **at = &ss->unacked;

	if (!m)
		abort();
	*m = (struct sim_sent){ .msg_id = msg_id,
				.seq_no = seq_no,
				.len = buf_len(body) };
	memcpy(m->body, buf_head(body), m->len);
	while (*at)
		at = &(*at)->next;
	*at = m;
	if (++ss->nunacked > SIM_UNACKED_MAX)
		drop_first(ss);
}

static void add(struct sim *s, uint64_t msg_id, uint32_t seq_no,
		const void *body, size_t len)
{
	struct sim_reply *r = &s->reply;

	if (r->n == SIM_REPLIES_MAX || buf_append(&r->bytes, body, len))
		sim_fail(s, "a data centre has too much to say");
	r->ids[r->n] = msg_id;
	r->seqs[r->n] = seq_no;
	r->ends[r->n++] = buf_len(&r->bytes);
}

/* What is in r->body; content is sent again until acknowledged. */
static void say(struct sim *s, bool content)
{
	struct sim_reply *r = &s->reply;
	struct sim_session *ss = r->session;
	uint64_t id = next_id(s, ss);
	uint32_t seq = ss->seq * 2;

	if (content) {
		seq = ss->seq++ * 2 + 1;
		remember(ss, id, seq, &r->body);
	}
	add(s, id, seq, buf_head(&r->body), buf_len(&r->body));
	buf_reset(&r->body);
}

static struct container_msg reply_at(const struct sim_reply *r, uint32_t i)
{
	size_t from = i ? r->ends[i - 1] : 0;

	return (struct container_msg){ .msg_id = r->ids[i],
				       .seq_no = r->seqs[i],
				       .body = buf_head(&r->bytes) + from,
				       .len = r->ends[i] - from };
}

static void seal(struct sim *s, const struct container_msg *m)
{
	struct sim_reply *r = &s->reply;
	struct sim_account *a = &s->accounts[r->link->account];
	struct envelope_msg msg = { .salt = a->auth[r->link->dc].salt,
				    .session_id = r->session->id,
				    .msg_id = m->msg_id,
				    .seq_no = m->seq_no,
				    .body = m->body,
				    .body_len = m->len };
	struct buf packet;

	buf_init(&packet, REPLY_BYTES_MAX);
	if (envelope_seal(&a->key, ENVELOPE_FROM_SERVER, &msg, &s->rnd.rnd,
			  &packet, NULL) ||
	    transport_send(&r->link->transport, buf_head(&packet),
			   buf_len(&packet), &r->out, NULL))
		sim_fail(s, "a data centre cannot seal");
	buf_deinit(&packet);
}

static void seal_container(struct sim *s)
{
	struct sim_reply *r = &s->reply;
	struct container_msg all = { 0 };
	struct buf body;

	buf_init(&body, REPLY_BYTES_MAX);
	if (container_put_head(&body, r->n))
		abort();
	for (uint32_t i = 0; i < r->n; i++) {
		const struct container_msg m = reply_at(r, i);

		r->note.ids[r->note.nids++] = m.msg_id;
		if (container_put(&body, &m))
			abort();
	}
	all.msg_id = next_id(s, r->session);
	all.seq_no = r->session->seq * 2;
	all.body = buf_head(&body);
	all.len = buf_len(&body);
	r->note.ids[r->note.nids++] = all.msg_id;
	seal(s, &all);
	buf_deinit(&body);
	sim_hit(s, HIT_CONTAINER);
}

static void seal_one(struct sim *s, uint32_t i)
{
	struct sim_reply *r = &s->reply;
	const struct container_msg m = reply_at(r, i);

	r->note.ids[r->note.nids++] = m.msg_id;
	seal(s, &m);
}

static void seal_all(struct sim *s)
{
	struct sim_reply *r = &s->reply;
	bool backwards = r->n > 1 && sim_chance(s, 20);

	if (r->n > 1 && sim_chance(s, 60)) {
		seal_container(s);
	} else {
		for (uint32_t i = 0; i < r->n; i++)
			seal_one(s, backwards ? r->n - 1 - i : i);
		if (backwards)
			sim_hit(s, HIT_REORDERED);
	}
	if (sim_chance(s, 3))
		seal_one(s, (uint32_t)sim_between(s, 0, r->n - 1));
}

void sim_server_flush(struct sim *s)
{
	struct sim_reply *r = &s->reply;
	struct buf all;

	if (r->n) {
		r->note.session_id = r->session->id;
		seal_all(s);
		buf_init(&all, REPLY_BYTES_MAX);
		if (buf_append(&all, &r->note, sizeof(r->note)) ||
		    buf_append(&all, buf_head(&r->out), buf_len(&r->out)))
			abort();
		sim_net_send(s, r->link, buf_head(&all), buf_len(&all));
		buf_deinit(&all);
	}
	r->n = 0;
	r->note = (struct sim_note){ 0 };
	buf_reset(&r->bytes);
	buf_reset(&r->out);
	arena_reset(&r->arena);
	r->session = NULL;
	r->link = NULL;
}

static void begin(struct sim *s, struct sim_link *l, struct sim_session *ss)
{
	s->reply.link = l;
	s->reply.session = ss;
}

bool sim_server_begin(struct sim *s, struct sim_link *l)
{
	struct sim_account *a = &s->accounts[l->account];
	struct sim_session *ss;

	if (!l->at_dc || l->version != a->version)
		return false;
	ss = sim_server_session(a, l->dc, l->session_id);
	if (!ss || !ss->announced)
		return false;
	begin(s, l, ss);
	return true;
}

void sim_server_refuse(struct sim *s, struct sim_link *l, int32_t code)
{
	struct sim_note note = { 0 };
	struct buf out;

	buf_init(&out, 1024);
	if (buf_append(&out, &note, sizeof(note)) ||
	    transport_send_error(&l->transport, code, &out, NULL))
		abort();
	sim_net_send(s, l, buf_head(&out), buf_len(&out));
	buf_deinit(&out);
}

/* Packs what is in r->body from `from` on, now and then. */
static void maybe_pack(struct sim *s, size_t from)
{
	struct buf *body = &s->reply.body;
	struct buf packed;

	if (!sim_chance(s, 8))
		return;
	buf_init(&packed, REPLY_BYTES_MAX);
	if (gzip_pack(buf_head(body) + from, buf_len(body) - from, &packed))
		abort();
	body->len = from;
	if (buf_append(body, buf_head(&packed), buf_len(&packed)))
		abort();
	buf_deinit(&packed);
	sim_hit(s, HIT_GZIP);
}

static struct tl_writer result_of(struct sim *s, uint64_t msg_id)
{
	struct tl_writer w;

	cursor_write(&w, &s->reply.body);
	cursor_put_u32(&w, SERVICE_RPC_RESULT);
	cursor_put_i64(&w, (int64_t)msg_id);
	return w;
}

void sim_server_result(struct sim *s, const struct sim_query *q,
		       uint16_t function, const struct dyn_val *v)
{
	struct tl_writer w = result_of(s, q->msg_id);
	struct err_info ei = { 0 };

	if (dyn_write_result(&w, layer, function, v, &ei))
		sim_fail(s, "%s", ei.msg);
	maybe_pack(s, 12);
	say(s, true);
}

void sim_server_result_obj(struct sim *s, const struct sim_query *q,
			   uint16_t function, struct dyn *obj)
{
	const struct dyn_val v = { .kind = DYN_OBJ, .obj = obj };

	sim_server_result(s, q, function, &v);
}

void sim_server_error(struct sim *s, const struct sim_query *q, int32_t code,
		      const char *name)
{
	struct tl_writer w = result_of(s, q->msg_id);

	cursor_put_u32(&w, SERVICE_RPC_ERROR);
	cursor_put_i32(&w, code);
	cursor_put_string(&w, name);
	say(s, true);
}

void sim_server_push(struct sim *s, struct dyn *obj)
{
	struct err_info ei = { 0 };
	struct tl_writer w;

	cursor_write(&w, &s->reply.body);
	if (dyn_write(&w, layer, obj, &ei))
		sim_fail(s, "%s", ei.msg);
	maybe_pack(s, 0);
	say(s, true);
}

/* --- what is heard --- */

static void say_new_session(struct sim *s, uint64_t first_msg_id, uint64_t salt)
{
	struct tl_writer w;

	cursor_write(&w, &s->reply.body);
	cursor_put_u32(&w, SERVICE_NEW_SESSION_CREATED);
	cursor_put_i64(&w, (int64_t)first_msg_id);
	cursor_put_i64(&w, (int64_t)rnd_u64(&s->rnd.rnd));
	cursor_put_i64(&w, (int64_t)salt);
	s->reply.session->announced = true;
	sim_hit(s, HIT_NEW_SESSION);
	say(s, true);
}

static void say_bad(struct sim *s, const struct envelope_msg *m, uint32_t code,
		    uint64_t salt)
{
	struct tl_writer w;

	cursor_write(&w, &s->reply.body);
	cursor_put_u32(&w, code == SERVICE_BAD_SALT
				   ? SERVICE_BAD_SERVER_SALT
				   : SERVICE_BAD_MSG_NOTIFICATION);
	cursor_put_i64(&w, (int64_t)m->msg_id);
	cursor_put_u32(&w, m->seq_no);
	cursor_put_u32(&w, code);
	if (code == SERVICE_BAD_SALT)
		cursor_put_i64(&w, (int64_t)salt);
	say(s, false);
}

static void take_acks(struct sim_session *ss, struct tl_reader *r)
{
	for (uint32_t n = cursor_get_vector(r, 8); n > 0; n--) {
		uint64_t id = (uint64_t)cursor_get_i64(r);
		struct sim_sent **at = &ss->unacked, *gone;

		while (*at && (*at)->msg_id != id)
			at = &(*at)->next;
		gone = *at;
		if (!gone)
			continue;
		*at = gone->next;
		ss->nunacked--;
		free(gone);
	}
}

static void pong(struct sim *s, uint64_t msg_id, struct tl_reader *r)
{
	struct tl_writer w;

	cursor_write(&w, &s->reply.body);
	cursor_put_u32(&w, SERVICE_PONG);
	cursor_put_i64(&w, (int64_t)msg_id);
	cursor_put_i64(&w, cursor_get_i64(r));
	say(s, false);
}

static void tell_salts(struct sim *s, uint64_t msg_id)
{
	const struct sim_link *l = s->reply.link;
	int32_t sec = (int32_t)wall_sec(sim_wall(s));
	struct tl_writer w;

	cursor_write(&w, &s->reply.body);
	cursor_put_u32(&w, SERVICE_FUTURE_SALTS);
	cursor_put_i64(&w, (int64_t)msg_id);
	cursor_put_i32(&w, sec);
	cursor_put_i32(&w, 1);
	cursor_put_i32(&w, sec - SALT_LASTS_SEC);
	cursor_put_i32(&w, sec + SALT_LASTS_SEC);
	cursor_put_i64(&w, (int64_t)s->accounts[l->account].auth[l->dc].salt);
	say(s, false);
}

static void tell_states(struct sim *s, uint64_t msg_id, struct tl_reader *r)
{
	uint8_t states[128];
	uint32_t n = cursor_get_vector(r, 8);
	struct tl_writer w;

	if (n > sizeof(states))
		sim_fail(s, "asked for the state of %u messages", n);
	for (uint32_t i = 0; i < n; i++)
		states[i] = sim_server_seen(&s->reply.session->seen,
					    (uint64_t)cursor_get_i64(r))
				    ? 4
				    : 2;
	cursor_write(&w, &s->reply.body);
	cursor_put_u32(&w, SERVICE_MSGS_STATE_INFO);
	cursor_put_i64(&w, (int64_t)msg_id);
	cursor_put_bytes(&w, states, n);
	say(s, false);
}

static void destroy(struct sim *s, struct tl_reader *r)
{
	const struct sim_link *l = s->reply.link;
	uint64_t id = (uint64_t)cursor_get_i64(r);
	struct sim_session *old =
		sim_server_session(&s->accounts[l->account], l->dc, id);
	struct tl_writer w;

	if (old == s->reply.session)
		sim_fail(s, "a client destroys the session it is in");
	cursor_write(&w, &s->reply.body);
	cursor_put_u32(&w, old ? SERVICE_DESTROY_SESSION_OK
			       : SERVICE_DESTROY_SESSION_NONE);
	cursor_put_i64(&w, (int64_t)id);
	if (old)
		drop_session(old);
	say(s, false);
}

/* True: it was a service message. */
static bool serve(struct sim *s, const struct message *m)
{
	struct tl_reader r;

	cursor_read(&r, m->body, m->len);
	switch (cursor_get_u32(&r)) {
	case SERVICE_MSGS_ACK:
		take_acks(s->reply.session, &r);
		return true;
	case SERVICE_PING:
	case SERVICE_PING_DELAY_DISCONNECT:
		pong(s, m->msg_id, &r);
		return true;
	case SERVICE_GET_FUTURE_SALTS:
		tell_salts(s, m->msg_id);
		return true;
	case SERVICE_MSGS_STATE_REQ:
		tell_states(s, m->msg_id, &r);
		return true;
	case SERVICE_DESTROY_SESSION:
		destroy(s, &r);
		return true;
	case SERVICE_RPC_DROP_ANSWER:
	case SERVICE_MSG_RESEND_REQ:
	case SERVICE_MSGS_STATE_INFO:
		return true; /* polite, and without consequences */
	default:
		return false;
	}
}

/* invokeWithLayer(initConnection(...)) before the query. */
static bool take_off_prefix(struct tl_reader *r)
{
	if (cursor_peek_u32(r) != ID_INVOKE_WITH_LAYER)
		return false;
	(void)cursor_get_u32(r);
	(void)cursor_get_i32(r);
	if (cursor_get_u32(r) != ID_INIT_CONNECTION || cursor_get_u32(r))
		cursor_fail(r);
	(void)cursor_get_i32(r);
	for (int i = 0; i < 6; i++)
		(void)cursor_get_string(r);
	return true;
}

static void on_query(struct sim *s, const struct message *m)
{
	struct sim_link *l = s->reply.link;
	struct sim_query q = { .link = l,
			       .msg_id = m->msg_id,
			       .born = m->born };
	struct buf plain;
	struct tl_reader r;

	cursor_read(&r, m->body, m->len);
	if (take_off_prefix(&r))
		l->inited = true;
	buf_init(&plain, REPLY_BYTES_MAX);
	if (cursor_peek_u32(&r) == SERVICE_GZIP_PACKED) {
		sim_hit(s, HIT_GZIP_QUERY);
		if (gzip_unpack(r.at, cursor_left(&r), &plain, NULL))
			cursor_fail(&r);
		cursor_read(&r, buf_head(&plain), buf_len(&plain));
	}
	q.id = cursor_peek_u32(&r);
	q.body = r.at;
	q.len = cursor_left(&r);
	if (r.rc || !schema_find(layer, q.id))
		sim_fail(s, "a%d sends %08x, which is nothing", l->account,
			 q.id);
	if (!l->inited)
		sim_server_error(s, &q, 400, "CONNECTION_NOT_INITED");
	else if (!sim_dc_query(s, &q))
		unnote(&s->reply.session->seen, m->msg_id);
	buf_deinit(&plain);
}

static void on_message(struct sim *s, const struct message *m)
{
	struct sim_session *ss = s->reply.session;

	if (sim_server_seen(&ss->seen, m->msg_id))
		sim_fail(s, "a%d used a message id twice",
			 s->reply.link->account);
	sim_server_note(&ss->seen, m->msg_id);
	if (serve(s, m)) {
		if (m->seq_no & 1)
			sim_fail(s, "a service message with an odd seq_no");
		return;
	}
	if (!(m->seq_no & 1))
		sim_fail(s, "a query with an even seq_no");
	on_query(s, m);
}

static void send_again(struct sim *s, struct sim_session *ss)
{
	if (ss->unacked)
		sim_hit(s, HIT_RESENT);
	for (struct sim_sent *m = ss->unacked; m; m = m->next)
		add(s, m->msg_id, m->seq_no, m->body, m->len);
	sim_server_flush(s);
}

/* 0, or why the message is refused. */
static uint32_t refusal(struct sim *s, const struct envelope_msg *m,
			uint64_t salt)
{
	int64_t sec = (int64_t)(m->msg_id >> 32), now = wall_sec(sim_wall(s));

	if (m->msg_id % 4)
		sim_fail(s, "a message id of a client ends in %d",
			 (int)(m->msg_id % 4));
	if (sec > now + AHEAD_SEC)
		return SERVICE_BAD_ID_HIGH;
	if (sec < now - PAST_SEC)
		return SERVICE_BAD_ID_LOW;
	return m->salt == salt ? 0 : SERVICE_BAD_SALT;
}

static void count_refusal(struct sim *s, uint32_t code)
{
	sim_hit(s, code == SERVICE_BAD_ID_HIGH	? HIT_BAD_HIGH
		   : code == SERVICE_BAD_ID_LOW ? HIT_BAD_LOW
						: HIT_BAD_SALT);
}

static void take_body(struct sim *s, const struct envelope_msg *m, int64_t born,
		      uint64_t salt)
{
	struct message one = { m->msg_id, m->seq_no, born, m->body,
			       m->body_len };
	struct container it = { 0 };
	struct container_msg inner;
	bool packed = m->body_len >= 4 &&
		      !memcmp(m->body, &(uint32_t){ SERVICE_MSG_CONTAINER }, 4);

	if (packed && container_open(&it, m->body, m->body_len, NULL))
		sim_fail(s, "a container that is none");
	if (packed && container_next(&it, &inner))
		one = (struct message){ inner.msg_id, inner.seq_no, born,
					inner.body, inner.len };
	if (!s->reply.session->announced)
		say_new_session(s, one.msg_id, salt);
	on_message(s, &one);
	while (packed && container_next(&it, &inner)) {
		one = (struct message){ inner.msg_id, inner.seq_no, born,
					inner.body, inner.len };
		on_message(s, &one);
	}
}

static void on_packet(struct sim *s, struct sim_link *l,
		      const struct transport_packet *pkt, int64_t born)
{
	struct sim_account *a = &s->accounts[l->account];
	uint64_t salt = a->auth[l->dc].salt;
	struct envelope_msg m;
	struct sim_session *ss;
	uint32_t code;

	if (envelope_open(&a->key, ENVELOPE_TO_SERVER, pkt->data, pkt->len, &m,
			  NULL))
		sim_fail(s, "%s says what cannot be opened", a->name);
	ss = find_or_begin(s, a, l->dc, m.session_id);
	l->session_id = m.session_id;
	code = refusal(s, &m, salt);
	if (code) {
		count_refusal(s, code);
		begin(s, l, ss);
		say_bad(s, &m, code, salt);
		sim_server_flush(s);
		return;
	}
	if (ss->link != l->id && l->id > ss->link) {
		ss->link = l->id;
		begin(s, l, ss);
		send_again(s, ss);
	}
	begin(s, l, ss);
	take_body(s, &m, born, salt);
	sim_server_flush(s);
}

void sim_server_data(struct sim *s, struct sim_link *l,
		     const struct sim_event *ev)
{
	struct transport_packet pkt;
	bool has;

	if (transport_feed(&l->transport, ev->data, ev->len, NULL))
		sim_fail(s, "a%d speaks another transport", l->account);
	for (;;) {
		if (transport_next(&l->transport, &pkt, &has, NULL))
			sim_fail(s, "a%d speaks another transport", l->account);
		if (!has)
			return;
		if (l->version != s->accounts[l->account].version) {
			sim_hit(s, HIT_KEY_UNKNOWN);
			sim_server_refuse(s, l, -404);
			return;
		}
		on_packet(s, l, &pkt, ev->born);
	}
}
