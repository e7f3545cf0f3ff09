/* SPDX-License-Identifier: MIT */
/*
 * A session and the server it talks to: opens what the session sends and seals
 * what the test tells it to.
 */
#ifndef SESSION_RIG_H
#define SESSION_RIG_H

#include "mt_vectors.h"

#include "mtproto/bytes.h"
#include "mtproto/container.h"
#include "mtproto/envelope.h"
#include "mtproto/gzip.h"
#include "mtproto/service.h"
#include "mtproto/session.h"
#include "tl/cursor.h"

#define START_SEC 1790000000LL
#define SALT 0x1111111111111111ULL
#define SENT_MAX 256
#define TELEGRAM_QUERY 0xc4f9186bU /* help.getConfig */

struct sent {
	uint64_t msg_id;
	uint32_t seq_no;
	uint32_t constructor;
	uint8_t body[256];
	size_t len;
};

struct rig {
	struct session s;
	struct authkey key;
	struct rnd_seeded rnd;
	struct mono now;
	uint64_t next_id; /* last the server used */
	uint32_t srv_seq;
	struct sent sent[SENT_MAX]; /* messages of the last drain */
	size_t nsent, npackets;
	uint64_t packet_id, salt_seen, session_seen;
	struct buf events; /* text */
	struct buf raw;	   /* last sealed by the server */
	uint64_t requery;  /* on the next result ask this */
	bool requeried;
};

static inline void on_event(void *ctx, const struct session_event *ev)
{
	static const char *const names[] = {
		"result", "rpc_error", "failed",      "object", "new_session",
		"salt",	  "time",      "key_unknown", "pong",	"bound",
	};
	struct rig *rig = ctx;
	enum err rc;

	if (ev->type == SESSION_TIME)
		return;
	rc = buf_printf(&rig->events, "%s(", names[ev->type]);
	if (!rc && ev->tag)
		rc = buf_printf(&rig->events, "%llu ",
				(unsigned long long)ev->tag);
	if (!rc && ev->type == SESSION_RPC_ERROR)
		rc = buf_printf(&rig->events, "%d %.*s", ev->code, (int)ev->len,
				(const char *)ev->data);
	if (!rc && ev->type == SESSION_BOUND)
		rc = buf_printf(&rig->events, "%s %.*s", err_name(ev->rc),
				ev->rc == ERR_RPC ? (int)ev->len : 0,
				(const char *)ev->data);
	if (!rc && ev->type == SESSION_FAILED)
		rc = buf_printf(&rig->events, "%s", err_name(ev->rc));
	if (!rc && (ev->type == SESSION_RESULT || ev->type == SESSION_OBJECT))
		rc = buf_printf(&rig->events, "%08x %zu",
				bytes_get_u32(ev->data), ev->len);
	if (!rc)
		rc = buf_append_str(&rig->events, ")");
	assert_int_equal(rc, ERR_OK);
	if (rig->requery && ev->type == SESSION_RESULT) {
		uint8_t body[4];

		bytes_put_u32(body, TELEGRAM_QUERY);
		assert_int_equal(session_query(&rig->s, rig->requery, body, 4,
					       MONO_NEVER, NULL),
				 ERR_OK);
		rig->requery = 0;
	}
}

static inline struct rig *rig_new(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct session_config cfg = { .on_event = on_event, .ctx = rig };
	uint8_t key[AUTHKEY_LEN];

	assert_non_null(rig);
	rnd_seeded_init(&rig->rnd, 42);
	rnd_fill(&rig->rnd.rnd, key, sizeof(key));
	assert_int_equal(authkey_init(&rig->key, key), ERR_OK);
	buf_init(&rig->events, 1U << 20);
	buf_init(&rig->raw, 8U << 20);
	rig->now = (struct mono){ 5000 * US_PER_SEC };
	cfg.rnd = &rig->rnd.rnd;
	session_init(&rig->s, &cfg);
	assert_int_equal(session_set_key(&rig->s, key, SALT), ERR_OK);
	session_set_time(&rig->s, rig->now,
			 (struct srvtime){ START_SEC * US_PER_SEC }, true);
	session_connected(&rig->s, rig->now);
	return rig;
}

static inline void rig_free(struct rig *rig)
{
	session_deinit(&rig->s);
	authkey_deinit(&rig->key);
	buf_deinit(&rig->events);
	buf_deinit(&rig->raw);
	free(rig);
}

static inline void note(struct rig *rig, uint64_t msg_id, uint32_t seq_no,
			const uint8_t *body, size_t len)
{
	struct sent *m = &rig->sent[rig->nsent++];

	assert_true(rig->nsent <= SENT_MAX);
	m->msg_id = msg_id;
	m->seq_no = seq_no;
	m->constructor = bytes_get_u32(body);
	m->len = len;
	memcpy(m->body, body, len < sizeof(m->body) ? len : sizeof(m->body));
}

/* Takes all the session wants to send; rig->sent holds the messages. */
static inline void drain(struct rig *rig)
{
	struct envelope_msg msg;
	struct container_msg item;
	struct container it;
	struct buf out;
	bool has = true;

	rig->nsent = rig->npackets = 0;
	buf_init(&out, SESSION_PACKET_MAX);
	for (;;) {
		buf_reset(&out);
		assert_int_equal(session_next_packet(&rig->s, rig->now, &out,
						     &has, NULL),
				 ERR_OK);
		if (!has)
			break;
		rig->npackets++;
		assert_int_equal(envelope_open(&rig->key, ENVELOPE_TO_SERVER,
					       buf_head(&out), buf_len(&out),
					       &msg, NULL),
				 ERR_OK);
		assert_int_equal(msg.msg_id % 4, 0);
		rig->packet_id = msg.msg_id;
		rig->salt_seen = msg.salt;
		rig->session_seen = msg.session_id;
		if (bytes_get_u32(msg.body) != SERVICE_MSG_CONTAINER) {
			note(rig, msg.msg_id, msg.seq_no, msg.body,
			     msg.body_len);
			continue;
		}
		assert_int_equal(msg.seq_no % 2, 0);
		assert_int_equal(
			container_open(&it, msg.body, msg.body_len, NULL),
			ERR_OK);
		while (container_next(&it, &item)) {
			assert_true(item.msg_id < msg.msg_id);
			note(rig, item.msg_id, item.seq_no, item.body,
			     item.len);
		}
	}
	assert_false(session_wants_send(&rig->s, rig->now));
	buf_deinit(&out);
}

static inline const struct sent *find(const struct rig *rig,
				      uint32_t constructor)
{
	for (size_t i = 0; i < rig->nsent; i++)
		if (rig->sent[i].constructor == constructor)
			return &rig->sent[i];
	return NULL;
}

static inline size_t count(const struct rig *rig, uint32_t constructor)
{
	size_t n = 0;

	for (size_t i = 0; i < rig->nsent; i++)
		n += rig->sent[i].constructor == constructor;
	return n;
}

static inline uint64_t server_id(struct rig *rig, int64_t ahead_sec)
{
	int64_t us = session_time(&rig->s, rig->now).us;
	uint64_t id = (uint64_t)(us / US_PER_SEC + ahead_sec) << 32;

	id |= 1;
	if (ahead_sec == 0) {
		if (id <= rig->next_id)
			id = rig->next_id + 4;
		rig->next_id = id;
	}
	return id;
}

static inline enum err give_as(struct rig *rig, uint64_t session_id,
			       uint64_t msg_id, uint32_t seq_no,
			       const struct buf *body)
{
	struct envelope_msg msg = {
		.salt = SALT,
		.session_id = session_id,
		.msg_id = msg_id,
		.seq_no = seq_no,
		.body = buf_head(body),
		.body_len = buf_len(body),
	};
	uint8_t *copy;
	enum err rc;

	buf_reset(&rig->raw);
	assert_int_equal(envelope_seal(&rig->key, ENVELOPE_FROM_SERVER, &msg,
				       &rig->rnd.rnd, &rig->raw, NULL),
			 ERR_OK);
	copy = malloc(buf_len(&rig->raw));
	memcpy(copy, buf_head(&rig->raw), buf_len(&rig->raw));
	rc = session_recv(&rig->s, copy, buf_len(&rig->raw), rig->now, NULL);
	free(copy);
	return rc;
}

static inline enum err give(struct rig *rig, bool content,
			    const struct buf *body)
{
	return give_as(rig, rig->s.session_id, server_id(rig, 0),
		       content ? 1 : 0, body);
}

/* "u32, u64, ..." by a format: i = 32 bits, l = 64 bits, s = string. */
static inline struct buf tl(const char *fmt, ...)
{
	struct tl_writer w;
	struct buf b;
	va_list ap;

	buf_init(&b, 1U << 20);
	cursor_write(&w, &b);
	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt == 'i')
			cursor_put_u32(&w, va_arg(ap, unsigned int));
		else if (*fmt == 'l')
			cursor_put_i64(&w,
				       (int64_t)va_arg(ap, unsigned long long));
		else
			cursor_put_string(&w, va_arg(ap, const char *));
	}
	va_end(ap);
	assert_int_equal(w.rc, ERR_OK);
	return b;
}

static inline enum err give_free(struct rig *rig, bool content, struct buf body)
{
	enum err rc = give(rig, content, &body);

	buf_deinit(&body);
	return rc;
}

static inline void ask(struct rig *rig, uint64_t tag, struct mono deadline)
{
	uint8_t body[12];

	bytes_put_u32(body, TELEGRAM_QUERY);
	bytes_put_u64(body + 4, tag);
	assert_int_equal(
		session_query(&rig->s, tag, body, sizeof(body), deadline, NULL),
		ERR_OK);
}

static inline const struct sent *query_of(const struct rig *rig, uint64_t tag)
{
	for (size_t i = 0; i < rig->nsent; i++)
		if (rig->sent[i].constructor == TELEGRAM_QUERY &&
		    rig->sent[i].len == 12 &&
		    bytes_get_u64(rig->sent[i].body + 4) == tag)
			return &rig->sent[i];
	return NULL;
}

/* The id a query went out under; fails the test if it did not. */
static inline uint64_t sent_as(const struct rig *rig, uint64_t tag)
{
	const struct sent *m = query_of(rig, tag);

	if (!m)
		fail_msg("query %llu was not sent", (unsigned long long)tag);
	return m->msg_id;
}

#define expect_events(rig, text)                                               \
	do {                                                                   \
		assert_string_equal(buf_cstr(&(rig)->events), text);           \
		buf_reset(&(rig)->events);                                     \
	} while (0)

static inline enum err answer(struct rig *rig, uint64_t req)
{
	return give_free(rig, true,
			 tl("ili", SERVICE_RPC_RESULT, req, 0x997275b5U));
}

#endif /* SESSION_RIG_H */
