/* SPDX-License-Identifier: MIT */
/*
 * What goes out: queries, and what we owe or ask, together in as few packets as
 * fit.
 */
#include <stdlib.h>

#include "base/bug.h"
#include "mtproto/bytes.h"
#include "mtproto/container.h"
#include "mtproto/envelope.h"
#include "mtproto/service.h"
#include "mtproto/session_int.h"
#include "tl/cursor.h"

/* Queries join a packet while it is below this. */
#define PACKET_SOFT_MAX (256U << 10)
#define PACKET_MESSAGES_MAX 100U

/* One packet being put together: container items one after another. */
struct packet {
	struct session *s;
	struct mono now;
	struct buf items; /* CONTAINER_HEAD bytes of room first */
	uint32_t count;
	uint64_t last_id; /* of the item added last */
	enum err rc;
};

uint64_t session_new_msg_id(struct session *s, struct mono now)
{
	uint64_t us = (uint64_t)session_time(s, now).us;
	uint64_t id =
		(us / 1000000U) << 32 | (((us % 1000000U) << 32) / 1000000U);

	id &= ~(uint64_t)3;
	if (id <= s->last_msg_id)
		id = s->last_msg_id + 4;
	s->last_msg_id = id;
	return id;
}

static uint32_t next_seq(struct session *s, bool content)
{
	uint32_t seq = s->seq * 2;

	if (content)
		seq = s->seq++ * 2 + 1;
	return seq;
}

/* head and tail are the body in two pieces. */
static void add_as(struct packet *p, uint64_t msg_id, bool content,
		   struct tl_bytes head, struct tl_bytes tail)
{
	struct container_msg msg = {
		.msg_id = msg_id,
		.seq_no = next_seq(p->s, content),
		.len = head.len + tail.len,
	};
	struct tl_writer w;

	cursor_write(&w, &p->items);
	cursor_put_i64(&w, (int64_t)msg.msg_id);
	cursor_put_u32(&w, msg.seq_no);
	cursor_put_u32(&w, (uint32_t)msg.len);
	if (head.len > 0)
		cursor_put_raw(&w, head.data, head.len);
	if (tail.len > 0)
		cursor_put_raw(&w, tail.data, tail.len);
	if (w.rc && !p->rc)
		p->rc = w.rc;
	p->last_id = msg.msg_id;
	p->count++;
}

static void add(struct packet *p, bool content, struct tl_bytes head,
		struct tl_bytes tail)
{
	add_as(p, session_new_msg_id(p->s, p->now), content, head, tail);
}

static void add_service(struct packet *p, const struct buf *body)
{
	add(p, false, (struct tl_bytes){ buf_head(body), buf_len(body) },
	    (struct tl_bytes){ 0 });
}

static void add_words(struct packet *p, const uint8_t *words, size_t len)
{
	add(p, false, (struct tl_bytes){ words, len }, (struct tl_bytes){ 0 });
}

static void add_replies(struct packet *p)
{
	struct buf *b = &p->s->replies;

	while (p->s->nreplies > 0) {
		uint32_t len = bytes_get_u32(buf_head(b));

		add(p, false, (struct tl_bytes){ buf_head(b) + 4, len },
		    (struct tl_bytes){ 0 });
		buf_consume(b, 4 + (size_t)len);
		p->s->nreplies--;
	}
	buf_drained(b);
}

/* msgs_ack and msgs_state_req: a constructor and a vector of ids. */
static void add_ids(struct packet *p, uint32_t constructor, const uint64_t *ids,
		    uint32_t n)
{
	struct buf body;
	struct tl_writer w;

	buf_init(&body, SESSION_PACKET_MAX);
	cursor_write(&w, &body);
	cursor_put_u32(&w, constructor);
	cursor_put_vector(&w, n);
	for (uint32_t i = 0; i < n; i++)
		cursor_put_i64(&w, (int64_t)ids[i]);
	if (w.rc && !p->rc)
		p->rc = w.rc;
	else if (!w.rc)
		add_service(p, &body);
	buf_deinit(&body);
}

static void add_acks(struct packet *p)
{
	struct session *s = p->s;

	if (s->nacks == 0)
		return;
	add_ids(p, SERVICE_MSGS_ACK, s->acks, s->nacks);
	free(s->acks);
	s->acks = NULL;
	s->nacks = s->acks_cap = 0;
	s->ack_due = MONO_NEVER;
}

static void add_ping(struct packet *p)
{
	struct session *s = p->s;
	uint8_t ping[16], salts[8];

	if (mono_before(p->now, s->ping_due))
		return;
	do {
		s->ping_id = rnd_u64(s->rnd);
	} while (s->ping_id == 0);
	s->ping_sent = p->now;
	s->ping_due =
		mono_add(p->now, rnd_jitter(s->rnd, SESSION_PING_EVERY_US, 10));
	bytes_put_u32(ping, SERVICE_PING_DELAY_DISCONNECT);
	bytes_put_u64(ping + 4, s->ping_id);
	bytes_put_u32(ping + 12, SESSION_PING_DISCONNECT_SEC);
	add_words(p, ping, sizeof(ping));
	if (s->nsalts == 0 && !p->s->no_containers) {
		bytes_put_u32(salts, SERVICE_GET_FUTURE_SALTS);
		bytes_put_u32(salts + 4, SESSION_SALTS_MAX);
		add_words(p, salts, sizeof(salts));
	}
}

static void add_destroy(struct packet *p)
{
	uint8_t words[12];

	if (!p->s->destroy_old)
		return;
	p->s->destroy_old = false;
	bytes_put_u32(words, SERVICE_DESTROY_SESSION);
	bytes_put_u64(words + 4, p->s->old_session_id);
	add_words(p, words, sizeof(words));
}

static void add_state_req(struct packet *p)
{
	const struct rpcq *q = &p->s->queries;
	struct rpcq_item *due[PACKET_MESSAGES_MAX];
	uint64_t ids[PACKET_MESSAGES_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < q->n && n < PACKET_MESSAGES_MAX; i++) {
		if (!session_state_due(q->items[i], p->now))
			continue;
		due[n] = q->items[i];
		ids[n++] = q->items[i]->msg_id;
	}
	if (n == 0)
		return;
	add_ids(p, SERVICE_MSGS_STATE_REQ, ids, n);
	for (uint32_t i = 0; i < n; i++) {
		due[i]->state_req_id = p->last_id;
		due[i]->state_index = i;
	}
}

static void add_query(struct packet *p, struct rpcq_item *item)
{
	struct session *s = p->s;
	bool prefixed = s->prefix_len > 0 && !s->init_done && !item->bare;
	struct tl_bytes prefix = { s->prefix, prefixed ? s->prefix_len : 0 };
	uint64_t msg_id = session_new_msg_id(s, p->now);

	if (item->tag == SESSION_BIND_TAG && !p->rc)
		p->rc = session_bind_refresh(s, item, msg_id);
	add_as(p, msg_id, true, prefix,
	       (struct tl_bytes){ item->body, item->len });
	item->prev_msg_id = item->msg_id;
	item->msg_id = p->last_id;
	item->sent_at = p->now;
	item->in_flight = true;
	item->prefixed = prefixed;
	if (item->tries++ > 0)
		s->stats.resent++;
}

static void add_queries(struct packet *p)
{
	struct rpcq_item *item;

	while (p->count < PACKET_MESSAGES_MAX &&
	       (item = session_unsent(p->s, p->now)) != NULL) {
		size_t len = buf_len(&p->items) + item->len;

		if (p->count > 0 &&
		    (len > PACKET_SOFT_MAX || p->s->no_containers))
			return;
		add_query(p, item);
	}
}

/* Queries in a container are refused together, so they remember it. */
static void mark_container(struct rpcq *q, uint64_t first, uint64_t id)
{
	for (uint32_t i = 0; i < q->n; i++)
		if (q->items[i]->in_flight && q->items[i]->msg_id >= first)
			q->items[i]->container_id = id;
}

static enum err seal(struct packet *p, struct buf *out, struct err_info *ei)
{
	struct session *s = p->s;
	uint8_t *head = buf_head(&p->items);
	const uint8_t *first = head + CONTAINER_HEAD;
	struct envelope_msg msg = {
		.salt = s->salt,
		.session_id = s->session_id,
	};

	if (p->count == 1) {
		msg.msg_id = bytes_get_u64(first);
		msg.seq_no = bytes_get_u32(first + 8);
		msg.body = first + CONTAINER_ITEM_HEAD;
		msg.body_len = bytes_get_u32(first + 12);
	} else {
		bytes_put_u32(head, SERVICE_MSG_CONTAINER);
		bytes_put_u32(head + 4, p->count);
		msg.msg_id = session_new_msg_id(s, p->now);
		msg.seq_no = next_seq(s, false);
		msg.body = head;
		msg.body_len = buf_len(&p->items);
		mark_container(&s->queries, bytes_get_u64(first), msg.msg_id);
	}
	return envelope_seal(&s->key, ENVELOPE_TO_SERVER, &msg, s->rnd, out,
			     ei);
}

/* The salt that is valid by the server's time, if we were told. */
static void choose_salt(struct session *s, struct mono now)
{
	int64_t sec = session_time(s, now).us / US_PER_SEC;
	uint8_t kept = 0;

	for (uint8_t i = 0; i < s->nsalts; i++) {
		if (s->salts[i].until <= sec)
			continue;
		s->salts[kept++] = s->salts[i];
	}
	s->nsalts = kept;
	for (uint8_t i = kept; i-- > 0;) {
		if (s->salts[i].since <= sec) {
			session_set_salt(s, s->salts[i].salt);
			return;
		}
	}
}

static void collect(struct packet *p)
{
	if (p->s->no_containers) {
		/* One at a time, the most pressing first. */
		add_queries(p);
		if (p->count == 0)
			add_ping(p);
		if (p->count == 0)
			add_acks(p);
		return;
	}
	add_replies(p);
	add_acks(p);
	add_destroy(p);
	add_state_req(p);
	add_ping(p);
	add_queries(p);
}

bool session_wants_send(const struct session *s, struct mono now)
{
	if (!s->connected)
		return false;
	if (!mono_before(now, s->ping_due) || session_unsent(s, now))
		return true;
	if (s->nacks > 0 &&
	    (s->nacks >= SESSION_ACKS_FLUSH || !mono_before(now, s->ack_due)))
		return true;
	if (s->no_containers)
		return false;
	if (s->nreplies > 0 || s->destroy_old)
		return true;
	for (uint32_t i = 0; i < s->queries.n; i++)
		if (session_state_due(s->queries.items[i], now))
			return true;
	return false;
}

enum err session_next_packet(struct session *s, struct mono now,
			     struct buf *out, bool *ret_has,
			     struct err_info *ei)
{
	struct packet p = { .s = s, .now = now };
	uint8_t *room;
	enum err rc;

	if (!session_wants_send(s, now)) {
		*ret_has = false;
		return ERR_OK;
	}
	choose_salt(s, now);
	buf_init(&p.items, SESSION_PACKET_MAX);
	rc = buf_reserve(&p.items, CONTAINER_HEAD, &room);
	if (rc)
		return err_set(ei, rc, "packet");
	buf_commit(&p.items, CONTAINER_HEAD);
	collect(&p);
	BUG_ON(p.count == 0 && !p.rc);
	rc = p.rc ? err_set(ei, p.rc, "packet") : seal(&p, out, ei);
	buf_deinit(&p.items);
	if (!rc)
		*ret_has = true;
	return rc;
}
