/* SPDX-License-Identifier: MIT */
/*
 * The client's end of an MTProto session: message ids, sequence numbers, salts,
 * acknowledgements, service messages, keepalive, and the queries it carries.
 *
 * It sits between a transport and tg/.  Packets from transport_next() go to
 * session_recv() (TRANSPORT_DATA) or session_recv_error() (TRANSPORT_ERROR);
 * session_next_packet() is asked for packets to send until it has none:
 *
 *	session_connected(s, now);
 *	loop on bytes:    session_recv(s, pkt.data, pkt.len, now, ei)
 *	loop on time:     session_tick(s, now, ei)	at session_deadline(s)
 *	after either, and after session_query():
 *		for (;;) {
 *			buf_reset(&packet);
 *			rc = session_next_packet(s, now, &packet, &has, ei);
 *			if (rc || !has)
 *				break;
 *			rc = transport_send(t, buf_head(&packet), ...);
 *		}
 *
 * Any error from recv or tick means: hang up, session_disconnected(), connect
 * again later.  Queries stay and are sent again on the next connection.
 *
 * What happens is told through one callback, on_event, called from within recv,
 * tick, recv_error, next_packet (salt only), cancel and reset.  It may call session_query() and
 * session_cancel(), but not recv, tick or deinit.  Bytes in an event are on loan
 * for the duration of the call.
 *
 *   owner     one account embeds one; key, rnd and the prefix: see below
 *   memory    no heap when idle but the auth key; queries: see rpcq.h
 *   threads   none
 *   failure   recv: ERR_PROTO for what a genuine server never sends, nothing of
 *             that packet's remainder is handled; duplicates and messages
 *             outside the time window are dropped silently and counted
 */
#ifndef MTPROTO_SESSION_H
#define MTPROTO_SESSION_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "mtproto/authkey.h"
#include "mtproto/rpcq.h"
#include "mtproto/seenids.h"

#define SESSION_ACKS_MAX 8192U
#define SESSION_SALTS_MAX 4U
#define SESSION_BIND_TAG UINT64_MAX   /* of our own */
#define SESSION_PACKET_MAX (2U << 20) /* what to give buf_init() */

enum session_event_type {
	SESSION_RESULT,	     /* tag, data: the answer, unpacked */
	SESSION_RPC_ERROR,   /* tag, code, data: the name, not terminated */
	SESSION_FAILED,	     /* tag, rc: TIMEOUT, CANCELED, TOOBIG, ... */
	SESSION_OBJECT,	     /* data: updates and whatever we do not know */
	SESSION_NEW_SESSION, /* the server began anew: updates may be missing */
	SESSION_SALT,	     /* value: the salt to store */
	SESSION_TIME,	     /* value: srvtime minus mono, in us */
	SESSION_KEY_UNKNOWN, /* the server does not know our auth key (-404) */
	SESSION_PONG,	     /* value: round trip in us */
	SESSION_BOUND,	     /* rc: OK, RPC with code and data, TIMEOUT, ... */
};

struct session_event {
	enum session_event_type type;
	enum err rc;
	uint64_t tag;
	int32_t code;
	int64_t value;
	uint64_t msg_id; /* of the message this came in */
	const uint8_t *data;
	size_t len;
};

typedef void (*session_event_fn)(void *ctx, const struct session_event *ev);
/* Asked before SESSION_RPC_ERROR is told: true, and the query is sent again at
 * *ret_at instead.  It may call nothing of the session. */
typedef bool (*session_again_fn)(void *ctx, const struct session_event *ev,
				 struct mono *ret_at);

struct session_salt {
	int32_t since, until; /* server time, seconds */
	uint64_t salt;
};

struct session_stats {
	uint32_t duplicates, out_of_window, other_session, resent;
};

/* What binds a temporary key; gone once the server answered. */
struct session_bind;

struct session {
	struct authkey key;
	struct session_bind *bind;
	session_event_fn on_event;
	session_again_fn again;
	void *ctx;
	struct rnd *rnd;
	const uint8_t *prefix; /* borrowed */
	uint32_t prefix_len;
	uint32_t seq; /* content-related messages sent */
	uint64_t session_id, old_session_id;
	uint64_t last_msg_id;
	int64_t time_offset_us; /* srvtime - mono */
	struct rpcq queries;
	struct seenids seen;
	uint64_t *acks;
	uint32_t nacks, acks_cap;
	struct buf replies; /* what we owe: msgs_state_info, resend_req, ... */
	uint32_t nreplies;
	struct session_salt salts[SESSION_SALTS_MAX];
	uint64_t salt;
	uint64_t ping_id;
	struct mono ping_due, ping_sent, ack_due, last_recv;
	uint8_t nsalts;
	uint8_t strikes; /* consecutive messages outside the window */
	uint8_t refused; /* messages of ours since the last good answer */
	bool connected, time_known, init_done, ping_wanted, destroy_old;
	bool no_containers; /* refused on this connection */
	struct session_stats stats;
};

struct session_config {
	session_event_fn on_event;
	void *ctx;
	struct rnd *rnd;
	session_again_fn again; /* NULL: nothing is */
};

void session_init(struct session *s, const struct session_config *cfg);
void session_deinit(struct session *s);

/* A new key begins a new session.  Copies the key. */
enum err session_set_key(struct session *s, const uint8_t key[AUTHKEY_LEN],
			 uint64_t salt);
/*
 * What the server's clock says, as far as known: from the handshake
 * (certain = true), or the wall clock (certain = false: the first message from
 * the server corrects it).  A guess does not replace what is known already.
 */
void session_set_time(struct session *s, struct mono now, struct srvtime srv,
		      bool certain);
struct srvtime session_time(const struct session *s, struct mono now);

/*
 * Bytes put in front of each query until one of them was answered on this
 * connection: invokeWithLayer(initConnection(...)) without its query.  Borrowed
 * until replaced; NULL for none.
 */
void session_set_prefix(struct session *s, const uint8_t *prefix, size_t len);
/* The next queries carry the prefix again (CONNECTION_NOT_INITED). */
void session_init_again(struct session *s);

/* A fresh transport is up: unanswered queries will be sent again. */
void session_connected(struct session *s, struct mono now);
void session_disconnected(struct session *s);
/* Begins a new session_id; queries are kept. */
void session_renew(struct session *s);
/* Fails all queries with `rc`, each with an event. */
void session_reset(struct session *s, enum err rc);

/*
 * Copies body (a whole serialised method; packed when that makes it smaller).
 * `tag` is not 0, not SESSION_BIND_TAG and not in use; the
 * answer is exactly one of RESULT, RPC_ERROR, FAILED.  `deadline` may be
 * MONO_NEVER.
 */
enum err session_query(struct session *s, uint64_t tag, const void *body,
		       size_t len, struct mono deadline, struct err_info *ei);
/* The same for what does not get smaller: it is not tried. */
enum err session_query_unpacked(struct session *s, uint64_t tag,
				const void *body, size_t len,
				struct mono deadline, struct err_info *ei);
/*
 * The key is a temporary one: binds it to `perm` (copied) before any query is
 * sent; told by SESSION_BOUND.  expires_at is server time in seconds.  Lasts over
 * reconnects, until session_set_key().
 */
enum err session_set_bind(struct session *s, const struct authkey *perm,
			  int32_t expires_at, struct err_info *ei);
/*
 * destroy_auth_key: the server forgets the key.  A query like any other; its
 * SESSION_RESULT is destroy_auth_key_ok, _none or _fail (mtproto/service.h).
 */
enum err session_destroy_key(struct session *s, uint64_t tag,
			     struct mono deadline, struct err_info *ei);
enum session_query_state {
	SESSION_QUERY_NONE,    /* no such tag */
	SESSION_QUERY_WAITING, /* to be sent, maybe again */
	SESSION_QUERY_SENT,
};
enum session_query_state session_query_state(const struct session *s,
					     uint64_t tag);
/* Ends in SESSION_FAILED/ERR_CANCELED; false if there is no such query. */
bool session_cancel(struct session *s, uint64_t tag);

/* Overwrites the packet. */
enum err session_recv(struct session *s, uint8_t *packet, size_t len,
		      struct mono now, struct err_info *ei);
/* Always an error: what the code means; KEY_UNKNOWN is told as an event too. */
enum err session_recv_error(struct session *s, int32_t code,
			    struct err_info *ei);

/* One sealed packet appended to out, while there is something to send. */
enum err session_next_packet(struct session *s, struct mono now,
			     struct buf *out, bool *ret_has,
			     struct err_info *ei);
/* Is there something to send now? */
bool session_wants_send(const struct session *s, struct mono now);

/* Time-outs, pings, late acks.  ERR_TIMEOUT: the connection is dead. */
enum err session_tick(struct session *s, struct mono now, struct err_info *ei);
/* When to call session_tick() next. */
struct mono session_deadline(const struct session *s);

#endif /* MTPROTO_SESSION_H */
