/* SPDX-License-Identifier: MIT */
/*
 * A connection to a data centre: transport, session, and before that the key
 * exchange, if there is no key yet.  What is asked there is its owner's affair.
 *
 *	conn_connected(c, now, wall, ei)	the link is open
 *	conn_feed(c, data, len, now, ei)	bytes came
 *	conn_tick(c, now, ei)			at conn_deadline(c)
 *	conn_output(c, now, out, ei)		after each of these, and after a
 *						session_query(&c->session, ...)
 *	conn_disconnected(c)			the link is gone
 *
 * After each of them: if conn_wants_work(c), run conn_work(c) on any thread and
 * then conn_worked().  A key stays over reconnects, and so do queries.
 *
 *   owner     signin_conn and media embed one; env, keys and rnd are borrowed
 *   memory    as session.h, transport.h and handshake_client.h say
 *   threads   one at a time; between wants_work and worked another thread may be
 *             in conn_work(): only feed and disconnected may be called
 *   failure   any error means: hang up, and connect again later
 */
#ifndef TG_CONN_H
#define TG_CONN_H

#include "mtproto/handshake_client.h"
#include "mtproto/session.h"
#include "mtproto/transport.h"
#include "tg/engine.h"

/* Added to a test data centre's id in the key exchange. */
#define CONN_TEST_DC 10000

struct conn_config {
	session_event_fn on_event;
	void *ctx;
	const struct engine_env *env;
	const struct rsa_key *const *keys; /* not needed when the key is set */
	size_t key_count;
	int32_t dc; /* as in handshake_client.h */
	struct rnd *rnd;
};

struct conn {
	struct conn_config cfg;
	struct transport transport;
	struct session session;
	struct handshake_client *handshake; /* while there is no key */
	struct buf plain;		    /* its next message */
	struct mono now, handshake_due;
	struct wall wall;
	uint64_t last_plain_id;
	bool connected, transport_up, keyed, work;
	enum err failed;
	struct err_info why;
};

void conn_init(struct conn *c, const struct conn_config *cfg);
void conn_deinit(struct conn *c);
/* A key that is there already.  Before the connection. */
enum err conn_set_key(struct conn *c, const uint8_t key[AUTHKEY_LEN],
		      struct err_info *ei);
/* Forgets the key and all that was asked: the next connection is to dc. */
void conn_move(struct conn *c, int32_t dc);
/* From within on_event: this connection is of no more use. */
void conn_fail(struct conn *c, enum err rc, const char *why);

enum err conn_connected(struct conn *c, struct mono now, struct wall wall,
			struct err_info *ei);
void conn_disconnected(struct conn *c);
enum err conn_feed(struct conn *c, const uint8_t *data, size_t len,
		   struct mono now, struct err_info *ei);
enum err conn_tick(struct conn *c, struct mono now, struct err_info *ei);
enum err conn_output(struct conn *c, struct mono now, struct buf *out,
		     struct err_info *ei);
struct mono conn_deadline(const struct conn *c);

bool conn_wants_work(const struct conn *c);
void conn_work(struct conn *c);
enum err conn_worked(struct conn *c, struct mono now, struct err_info *ei);

#endif /* TG_CONN_H */
