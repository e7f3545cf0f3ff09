/* SPDX-License-Identifier: MIT */
#include "tg/signin_conn.h"

#define CALL_US (INT64_C(60) * US_PER_SEC)

static void on_session(void *ctx, const struct session_event *ev)
{
	struct signin_conn *c = ctx;
	struct rpcerr err;

	switch (ev->type) {
	case SESSION_RESULT:
		signin_on_result(c->flow, ev->tag, ev->data, ev->len,
				 c->conn.now);
		break;
	case SESSION_RPC_ERROR:
		rpcerr_classify(&err, ev->code, ev->data, ev->len);
		signin_on_error(c->flow, ev->tag, &err, c->conn.now);
		break;
	case SESSION_FAILED:
		if (ev->rc != ERR_CANCELED)
			signin_on_failure(c->flow, ev->tag, ev->rc,
					  c->conn.now);
		break;
	case SESSION_OBJECT:
		signin_on_object(c->flow, ev->data, ev->len, c->conn.now);
		break;
	case SESSION_KEY_UNKNOWN:
		conn_fail(&c->conn, ERR_AUTH_GONE,
			  "the server forgot the key it just made");
		break;
	default:
		break;
	}
}

static int32_t dc_field(const struct signin_conn *c)
{
	return c->dc_id + (c->test_mode ? CONN_TEST_DC : 0);
}

void signin_conn_init(struct signin_conn *c,
		      const struct signin_conn_config *cfg, int dc_id)
{
	struct conn_config cc = { .on_event = on_session,
				  .ctx = c,
				  .env = cfg->env,
				  .keys = cfg->keys,
				  .key_count = cfg->key_count,
				  .rnd = cfg->rnd };

	*c = (struct signin_conn){ .flow = cfg->flow,
				   .test_mode = cfg->test_mode,
				   .dc_id = dc_id };
	cc.dc = dc_field(c);
	conn_init(&c->conn, &cc);
}

void signin_conn_deinit(struct signin_conn *c)
{
	conn_deinit(&c->conn);
	*c = (struct signin_conn){ 0 };
}

void signin_conn_move(struct signin_conn *c, struct mono now)
{
	c->dc_id = c->flow->dc_id;
	conn_move(&c->conn, dc_field(c));
	signin_moved(c->flow, now);
}

enum err signin_conn_set_key(struct signin_conn *c,
			     const uint8_t key[AUTHKEY_LEN],
			     struct err_info *ei)
{
	return conn_set_key(&c->conn, key, ei);
}

bool signin_conn_wants_work(const struct signin_conn *c)
{
	return conn_wants_work(&c->conn) ||
	       signin_step(c->flow) == SIGNIN_STEP_WORK;
}

void signin_conn_work(struct signin_conn *c)
{
	if (conn_wants_work(&c->conn))
		conn_work(&c->conn);
	else
		signin_work(c->flow);
}

enum err signin_conn_worked(struct signin_conn *c, struct mono now,
			    struct err_info *ei)
{
	if (conn_wants_work(&c->conn))
		return conn_worked(&c->conn, now, ei);
	c->conn.now = now;
	signin_worked(c->flow, now);
	return ERR_OK;
}

enum err signin_conn_connected(struct signin_conn *c, struct mono now,
			       struct wall wall, struct err_info *ei)
{
	return conn_connected(&c->conn, now, wall, ei);
}

void signin_conn_disconnected(struct signin_conn *c)
{
	conn_disconnected(&c->conn);
}

enum err signin_conn_feed(struct signin_conn *c, const uint8_t *data,
			  size_t len, struct mono now, struct err_info *ei)
{
	return conn_feed(&c->conn, data, len, now, ei);
}

enum err signin_conn_tick(struct signin_conn *c, struct mono now,
			  struct err_info *ei)
{
	return conn_tick(&c->conn, now, ei);
}

static enum err ask(struct signin_conn *c, struct err_info *ei)
{
	const uint8_t *body;
	uint64_t tag;
	size_t len;

	if (signin_step(c->flow) != SIGNIN_STEP_SEND)
		return ERR_OK;
	signin_take_call(c->flow, &body, &len, &tag);
	return session_query(&c->conn.session, tag, body, len,
			     mono_add(c->conn.now, CALL_US), ei);
}

enum err signin_conn_output(struct signin_conn *c, struct mono now,
			    struct buf *out, struct err_info *ei)
{
	enum err rc = ERR_OK;

	c->conn.now = now;
	if (c->conn.connected && c->conn.keyed)
		rc = ask(c, ei);
	return rc ? rc : conn_output(&c->conn, now, out, ei);
}

struct mono signin_conn_deadline(const struct signin_conn *c)
{
	return conn_deadline(&c->conn);
}

const struct authkey *signin_conn_key(const struct signin_conn *c)
{
	return c->conn.keyed ? &c->conn.session.key : NULL;
}

struct srvtime signin_conn_time(const struct signin_conn *c, struct mono now)
{
	return session_time(&c->conn.session, now);
}
