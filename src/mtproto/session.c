/* SPDX-License-Identifier: MIT */
#include "mtproto/session.h"

#include <stdlib.h>

#include "base/bug.h"
#include "mtproto/bytes.h"
#include "mtproto/gzip.h"
#include "mtproto/service.h"
#include "mtproto/session_int.h"
#include "mtproto/transport.h"
#include "tl/cursor.h"

#define REPLIES_MAX (64U << 10)
#define PING_JITTER_PERCENT 10U

void session_init(struct session *s, const struct session_config *cfg)
{
	*s = (struct session){
		.on_event = cfg->on_event,
		.again = cfg->again,
		.ctx = cfg->ctx,
		.rnd = cfg->rnd,
		.ping_due = MONO_NEVER,
		.ack_due = MONO_NEVER,
	};
	rpcq_init(&s->queries);
	seenids_init(&s->seen);
	buf_init(&s->replies, REPLIES_MAX);
}

static void drop_acks(struct session *s)
{
	free(s->acks);
	s->acks = NULL;
	s->nacks = s->acks_cap = 0;
	s->ack_due = MONO_NEVER;
}

void session_deinit(struct session *s)
{
	session_bind_drop(s);
	authkey_deinit(&s->key);
	rpcq_deinit(&s->queries);
	seenids_deinit(&s->seen);
	buf_deinit(&s->replies);
	drop_acks(s);
}

void session_emit(struct session *s, const struct session_event *ev)
{
	if (ev->tag == SESSION_BIND_TAG)
		session_bind_ended(s, ev);
	else if (s->on_event)
		s->on_event(s->ctx, ev);
}

static uint64_t fresh_session_id(struct session *s)
{
	uint64_t id;

	do {
		id = rnd_u64(s->rnd);
	} while (id == 0 || id == s->session_id);
	return id;
}

/* Nothing of the session before is valid in the next one. */
static void begin(struct session *s)
{
	s->session_id = fresh_session_id(s);
	s->seq = 0;
	s->last_msg_id = 0;
	s->init_done = false;
	s->ping_id = 0;
	seenids_deinit(&s->seen);
	buf_deinit(&s->replies);
	s->nreplies = 0;
	drop_acks(s);
	rpcq_restart(&s->queries);
}

enum err session_set_key(struct session *s, const uint8_t key[AUTHKEY_LEN],
			 uint64_t salt)
{
	struct authkey fresh;
	enum err rc;

	rc = authkey_init(&fresh, key);
	if (rc)
		return rc;
	session_bind_drop(s);
	authkey_deinit(&s->key);
	s->key = fresh;
	s->salt = salt;
	s->nsalts = 0;
	s->old_session_id = 0;
	s->destroy_old = false;
	begin(s);
	return ERR_OK;
}

void session_renew(struct session *s)
{
	s->old_session_id = s->session_id;
	s->destroy_old = true;
	begin(s);
	if (s->connected)
		s->ping_due = (struct mono){ 0 };
}

void session_set_time(struct session *s, struct mono now, struct srvtime srv,
		      bool certain)
{
	/* What the server said is better than any guess, and stays true. */
	if (!certain && s->time_known)
		return;
	s->time_offset_us = srv.us - now.us;
	s->time_known = certain;
}

struct srvtime session_time(const struct session *s, struct mono now)
{
	return (struct srvtime){ now.us + s->time_offset_us };
}

void session_learn_time(struct session *s, struct mono now, uint64_t msg_id)
{
	uint64_t fraction = ((msg_id & 0xffffffffU) * 1000000U) >> 32;

	s->time_offset_us = session_msg_sec(msg_id) * US_PER_SEC +
			    (int64_t)fraction - now.us;
	s->time_known = true;
	session_emit(s, &(struct session_event){ .type = SESSION_TIME,
						 .value = s->time_offset_us });
}

void session_set_salt(struct session *s, uint64_t salt)
{
	if (salt == s->salt)
		return;
	s->salt = salt;
	session_emit(s, &(struct session_event){ .type = SESSION_SALT,
						 .value = (int64_t)salt });
}

void session_set_prefix(struct session *s, const uint8_t *prefix, size_t len)
{
	BUG_ON(len % 4 != 0 || len > SESSION_QUERY_MAX);
	s->prefix = prefix;
	s->prefix_len = prefix ? (uint32_t)len : 0;
	s->init_done = false;
}

void session_init_again(struct session *s)
{
	s->init_done = false;
}

void session_connected(struct session *s, struct mono now)
{
	BUG_ON(!authkey_present(&s->key));
	if (s->strikes > 0) {
		/* The last we heard was outside the window, so our idea of the
		 * time may be wrong: learn it anew.  Under a new session id
		 * nothing old can be replayed meanwhile. */
		session_renew(s);
		s->time_known = false;
	}
	s->strikes = 0;
	s->refused = 0;
	s->connected = true;
	s->init_done = false;
	s->no_containers = false;
	s->last_recv = now;
	rpcq_requeue_all(&s->queries);
	session_ping_again(s, now);
}

void session_disconnected(struct session *s)
{
	s->connected = false;
	s->ping_id = 0;
	s->ping_due = MONO_NEVER;
	/* Replies answer what came over the old connection. */
	buf_deinit(&s->replies);
	s->nreplies = 0;
}

void session_ping_again(struct session *s, struct mono now)
{
	s->ping_id = 0;
	s->ping_due = now;
}

void session_fail(struct session *s, struct rpcq_item *item, enum err rc)
{
	uint64_t tag = item->tag;

	rpcq_remove(&s->queries, item);
	session_emit(s, &(struct session_event){
				.type = SESSION_FAILED, .tag = tag, .rc = rc });
}

void session_reset(struct session *s, enum err rc)
{
	/* Not those the callback adds. */
	for (uint32_t n = s->queries.n; n > 0 && s->queries.n > 0; n--)
		session_fail(s, s->queries.items[0], rc);
}

/* Packed only if that saves an eighth; whatever fails, it goes as it is. */
static bool pack(struct buf *ret, const void *body, size_t len)
{
	return len >= SESSION_GZIP_FROM &&
	       bytes_get_u32(body) != SERVICE_GZIP_PACKED &&
	       !gzip_pack(body, len, ret) && buf_len(ret) <= len - len / 8;
}

static enum err check_query(uint64_t tag, size_t len, struct err_info *ei)
{
	if (len < 4 || len % 4 != 0)
		return err_set(ei, ERR_INVALID, "query of %zu bytes", len);
	if (len > SESSION_QUERY_MAX)
		return err_set(ei, ERR_TOOBIG,
			       "query of %zu bytes, limit is %u", len,
			       SESSION_QUERY_MAX);
	BUG_ON(tag == SESSION_BIND_TAG);
	return ERR_OK;
}

static enum err add(struct session *s, uint64_t tag, struct tl_bytes body,
		    struct mono deadline, struct err_info *ei)
{
	enum err rc = rpcq_add(&s->queries, tag, body.data, body.len, deadline);

	if (rc)
		return err_set(ei, rc, "queue a query (%u are waiting)",
			       s->queries.n);
	return ERR_OK;
}

enum err session_query_unpacked(struct session *s, uint64_t tag,
				const void *body, size_t len,
				struct mono deadline, struct err_info *ei)
{
	enum err rc = check_query(tag, len, ei);

	return rc ? rc
		  : add(s, tag, (struct tl_bytes){ body, len }, deadline, ei);
}

enum err session_query(struct session *s, uint64_t tag, const void *body,
		       size_t len, struct mono deadline, struct err_info *ei)
{
	struct tl_bytes what = { body, len };
	struct buf packed;
	enum err rc = check_query(tag, len, ei);

	if (rc)
		return rc;
	buf_init(&packed, SESSION_QUERY_MAX);
	if (pack(&packed, body, len))
		what = (struct tl_bytes){ buf_head(&packed), buf_len(&packed) };
	rc = add(s, tag, what, deadline, ei);
	buf_deinit(&packed);
	return rc;
}

/* Tells the server not to bother; if that cannot be queued, it will. */
static void drop_answer(struct session *s, const struct rpcq_item *item)
{
	enum err rc;

	if (!s->connected || !item->in_flight)
		return;
	rc = session_reply_id(s, SERVICE_RPC_DROP_ANSWER, false, item->msg_id);
	if (rc)
		return;
}

enum session_query_state session_query_state(const struct session *s,
					     uint64_t tag)
{
	const struct rpcq_item *item = rpcq_by_tag(&s->queries, tag);

	if (!item)
		return SESSION_QUERY_NONE;
	return item->in_flight ? SESSION_QUERY_SENT : SESSION_QUERY_WAITING;
}

bool session_cancel(struct session *s, uint64_t tag)
{
	struct rpcq_item *item = rpcq_by_tag(&s->queries, tag);

	if (!item)
		return false;
	drop_answer(s, item);
	session_fail(s, item, ERR_CANCELED);
	return true;
}

static void expire(struct session *s, struct mono now)
{
	struct rpcq_item *item;

	for (uint32_t n = s->queries.n; n > 0; n--) {
		item = rpcq_expired(&s->queries, now);
		if (!item)
			return;
		drop_answer(s, item);
		session_fail(s, item, ERR_TIMEOUT);
	}
}

/* Has the server been silent since it was pinged? */
static bool silent(const struct session *s)
{
	return s->ping_id != 0 && s->last_recv.us <= s->ping_sent.us;
}

enum err session_tick(struct session *s, struct mono now, struct err_info *ei)
{
	expire(s, now);
	if (s->connected && silent(s) &&
	    mono_diff(now, s->ping_sent) >= SESSION_PING_WAIT_US)
		return err_set(ei, ERR_TIMEOUT,
			       "no answer to a ping for %lld s",
			       (long long)(SESSION_PING_WAIT_US / US_PER_SEC));
	return ERR_OK;
}

bool session_state_due(const struct rpcq_item *item, struct mono now)
{
	return item->in_flight && !item->acked && item->state_req_id == 0 &&
	       mono_diff(now, item->sent_at) >= SESSION_STATE_AFTER_US;
}

struct mono session_deadline(const struct session *s)
{
	struct mono due = rpcq_deadline(&s->queries);

	if (!s->connected)
		return due;
	due = mono_min(due, s->ping_due);
	/* while a key is being bound, nothing else is sent */
	if (!s->bind)
		due = mono_min(due, rpcq_again(&s->queries));
	if (s->nacks > 0)
		due = mono_min(due, s->ack_due);
	if (silent(s))
		due = mono_min(due,
			       mono_add(s->ping_sent, SESSION_PING_WAIT_US));
	for (uint32_t i = 0; i < s->queries.n && !s->no_containers; i++) {
		const struct rpcq_item *item = s->queries.items[i];

		if (item->in_flight && !item->acked && !item->state_req_id)
			due = mono_min(due, mono_add(item->sent_at,
						     SESSION_STATE_AFTER_US));
	}
	return due;
}

enum err session_recv_error(struct session *s, int32_t code,
			    struct err_info *ei)
{
	if (code == -404)
		session_emit(
			s, &(struct session_event){ .type = SESSION_KEY_UNKNOWN,
						    .code = code });
	return transport_error(code, ei);
}
