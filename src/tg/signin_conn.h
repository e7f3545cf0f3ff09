/* SPDX-License-Identifier: MIT */
/*
 * The connection a sign-in needs: a new key made in the handshake, a session
 * under it, and the sign-in's requests in that.
 *
 *	signin_conn_connected(c, now, wall, ei)		the link is open
 *	signin_conn_feed(c, data, len, now, ei)		bytes came
 *	signin_conn_tick(c, now, ei)		at signin_conn_deadline(c)
 *	signin_conn_output(c, now, out, ei)	after each of these, and after
 *						the person said something
 *	signin_conn_disconnected(c)		the link is gone
 *
 * After each of them: if signin_conn_wants_work(c), run signin_conn_work(c) on
 * any thread and then signin_conn_worked(); and look at signin_step() of the
 * flow.  With step MOVE: signin_conn_move(c), connect to c->flow->dc_id.
 *
 *   owner     the caller embeds one; flow, env, keys and rnd are borrowed
 *   memory    as conn.h says
 *   threads   one at a time; between wants_work and worked another thread may be
 *             in signin_conn_work(): only feed and disconnected may be called
 *   failure   any error means: hang up and, if the flow goes on, connect again
 */
#ifndef TG_SIGNIN_CONN_H
#define TG_SIGNIN_CONN_H

#include "tg/conn.h"
#include "tg/signin.h"

struct signin_conn_config {
	struct signin *flow;
	const struct engine_env *env;
	const struct rsa_key *const *keys;
	size_t key_count;
	bool test_mode;
	struct rnd *rnd;
};

struct signin_conn {
	struct conn conn;
	struct signin *flow;
	int dc_id;
	bool test_mode;
};

/* dc_id: where the first connection goes. */
void signin_conn_init(struct signin_conn *c,
		      const struct signin_conn_config *cfg, int dc_id);
void signin_conn_deinit(struct signin_conn *c);
/* For a log-out: a key that is there already.  Before the connection. */
enum err signin_conn_set_key(struct signin_conn *c,
			     const uint8_t key[AUTHKEY_LEN],
			     struct err_info *ei);
/* Forgets the key: the next connection is to flow->dc_id. */
void signin_conn_move(struct signin_conn *c, struct mono now);

enum err signin_conn_connected(struct signin_conn *c, struct mono now,
			       struct wall wall, struct err_info *ei);
void signin_conn_disconnected(struct signin_conn *c);
enum err signin_conn_feed(struct signin_conn *c, const uint8_t *data,
			  size_t len, struct mono now, struct err_info *ei);
enum err signin_conn_tick(struct signin_conn *c, struct mono now,
			  struct err_info *ei);
enum err signin_conn_output(struct signin_conn *c, struct mono now,
			    struct buf *out, struct err_info *ei);
struct mono signin_conn_deadline(const struct signin_conn *c);

bool signin_conn_wants_work(const struct signin_conn *c);
void signin_conn_work(struct signin_conn *c);
enum err signin_conn_worked(struct signin_conn *c, struct mono now,
			    struct err_info *ei);

/* NULL while there is none. */
const struct authkey *signin_conn_key(const struct signin_conn *c);
/* What the server's clock says: QR codes end by it. */
struct srvtime signin_conn_time(const struct signin_conn *c, struct mono now);

#endif /* TG_SIGNIN_CONN_H */
