/* SPDX-License-Identifier: MIT */
/*
 * The data centre from the inside: a key made by hand, envelopes given to
 * dc_session_recv(), answers taken from dc_session_next() and opened as a client
 * would.  No sockets are used, though the data centre listens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "dc/dc_int.h"
#include "mtproto/container.h"
#include "mtproto/gzip.h"
#include "mtproto/service.h"

#define SESSION 0x1122334455667788
#define LAYER 223

struct fx {
	struct clock_manual clock;
	struct loop *loop;
	struct dc *dc;
	struct dc_key *key;
	struct dc_conn conn;
	struct dc_sess *sess;
	struct world_user *ada, *boris;
	struct arena arena;
	struct buf body, packet, plain;
	uint64_t msg_id; /* the latest used */
	uint32_t seq;
	const struct schema *schema;
	/* what came back, container items one after the other */
	struct container_msg got[64];
	size_t n_got;
};

static struct fx fx;

static struct world_user *person(const char *phone)
{
	struct world_new_user n = { .phone = phone, .first = "X" };
	struct world_user *u = NULL;

	assert_int_equal(world_add_user(&fx.dc->world, &n, &u), ERR_OK);
	return u;
}

static void quiet(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

static int setup(void **state)
{
	struct loop_options lo = { .clock = &fx.clock.clock };
	struct dc_options o = { .count = 2 };
	struct dc_store_key row = { .dc_id = 1 };
	bool is_new;

	(void)state;
	memset(&fx, 0, sizeof(fx));
	log_set_sink(quiet, NULL);
	clock_manual_init(&fx.clock, (struct mono){ 1000000 },
			  wall_from_sec(1700000000));
	assert_int_equal(addr_parse("127.0.0.1:0", &o.listen, NULL), ERR_OK);
	o.admin = o.listen;
	assert_int_equal(loop_new(&fx.loop, &lo, NULL), ERR_OK);
	assert_int_equal(dc_new(&fx.dc, fx.loop, &o, NULL), ERR_OK);
	row.created = dc_now(fx.dc);
	row.salt = 99;
	memset(row.key, 0x5a, sizeof(row.key));
	assert_int_equal(dc_key_add(fx.dc, &row, &fx.key), ERR_OK);
	fx.conn.node = dc_node(fx.dc, 1);
	fx.conn.dirty = true; /* nothing is flushed: we look ourselves */
	fx.sess = dc_session_get(fx.dc, fx.key, SESSION, &is_new);
	assert_true(is_new);
	fx.sess->conn = &fx.conn;
	fx.conn.sess = fx.sess;
	fx.ada = person("9996610001");
	fx.boris = person("9996610002");
	arena_init(&fx.arena, 8 << 20);
	buf_init(&fx.body, 1 << 20);
	buf_init(&fx.packet, 8 << 20);
	buf_init(&fx.plain, 8 << 20);
	fx.schema = schema_for_layer(LAYER);
	fx.msg_id = (uint64_t)1700000000 << 32;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dc_free(fx.dc);
	loop_free(fx.loop);
	arena_deinit(&fx.arena);
	buf_deinit(&fx.body);
	buf_deinit(&fx.packet);
	buf_deinit(&fx.plain);
	log_set_sink(NULL, NULL);
	return 0;
}

static void unpack(struct envelope_msg *m)
{
	struct container_msg item = { m->msg_id, m->seq_no, m->body,
				      m->body_len };
	struct container it;
	uint32_t id;

	memcpy(&id, m->body, 4);
	if (id != SERVICE_MSG_CONTAINER) {
		fx.got[fx.n_got++] = item;
		return;
	}
	assert_int_equal(container_open(&it, m->body, m->body_len, NULL),
			 ERR_OK);
	while (container_next(&it, &item)) {
		assert_true(item.msg_id < m->msg_id);
		fx.got[fx.n_got++] = item;
	}
}

/* Everything the session has to say, opened; kept until the next call. */
static void collect(void)
{
	struct envelope_msg m;
	bool has = true;

	fx.n_got = 0;
	buf_reset(&fx.packet);
	assert_int_equal(
		dc_session_next(fx.dc, fx.sess, &fx.packet, &has, NULL),
		ERR_OK);
	if (!has)
		return;
	assert_int_equal(envelope_open(&fx.key->auth, ENVELOPE_FROM_SERVER,
				       buf_head(&fx.packet),
				       buf_len(&fx.packet), &m, NULL),
			 ERR_OK);
	assert_true(m.session_id == SESSION);
	unpack(&m);
}

static enum err give_raw(uint64_t salt, uint64_t msg_id, uint32_t seq,
			 const void *body, size_t len)
{
	struct envelope_msg m = { .salt = salt,
				  .session_id = SESSION,
				  .msg_id = msg_id,
				  .seq_no = seq,
				  .body = body,
				  .body_len = len };
	enum err rc = dc_session_recv(fx.dc, fx.sess, &m, NULL);

	if (!rc)
		collect();
	return rc;
}

static uint64_t fresh_id(void)
{
	return fx.msg_id += 4;
}

static uint32_t fresh_seq(void)
{
	fx.seq += 2;
	return fx.seq - 1;
}

static void give(const void *body, size_t len)
{
	assert_int_equal(give_raw(99, fresh_id(), fresh_seq(), body, len),
			 ERR_OK);
}

static const struct container_msg *find(uint32_t id)
{
	size_t i;
	uint32_t got;

	for (i = 0; i < fx.n_got; i++) {
		memcpy(&got, fx.got[i].body, 4);
		if (got == id)
			return &fx.got[i];
	}
	return NULL;
}

static int32_t bad_msg_code(void)
{
	const struct container_msg *m = find(SERVICE_BAD_MSG_NOTIFICATION);
	int32_t code;

	if (!m)
		m = find(SERVICE_BAD_SERVER_SALT);
	assert_non_null(m);
	memcpy(&code, m->body + 16, 4);
	return code;
}

static void put_ping(uint64_t ping_id)
{
	struct tl_writer w;

	buf_reset(&fx.body);
	cursor_write(&w, &fx.body);
	cursor_put_u32(&w, SERVICE_PING);
	cursor_put_i64(&w, (int64_t)ping_id);
	assert_int_equal(w.rc, ERR_OK);
}

static void ping(uint64_t salt, uint64_t msg_id, uint32_t seq)
{
	put_ping(5);
	assert_int_equal(give_raw(salt, msg_id, seq, buf_head(&fx.body),
				  buf_len(&fx.body)),
			 ERR_OK);
}

/* ---- calls */

static void put_call(struct dyn *fn)
{
	struct dyn *layer = dyn_new(&fx.arena, TLN_invokeWithLayer);
	struct tl_writer w;

	dyn_set_int(layer, TLF_layer, fx.schema->layer);
	dyn_set_obj(layer, TLF_query, fn);
	buf_reset(&fx.body);
	cursor_write(&w, &fx.body);
	assert_int_equal(dyn_write(&w, fx.schema, layer, NULL), ERR_OK);
}

static uint64_t sent_id;

/* The rpc_result's body, unpacked. */
static void answer_at(struct tl_reader *r)
{
	const struct container_msg *m = find(SERVICE_RPC_RESULT);

	assert_non_null(m);
	cursor_read(r, m->body + 4, m->len - 4);
	assert_true((uint64_t)cursor_get_i64(r) == sent_id);
	if (cursor_peek_u32(r) != SERVICE_GZIP_PACKED)
		return;
	buf_reset(&fx.plain);
	assert_int_equal(gzip_unpack(r->at, cursor_left(r), &fx.plain, NULL),
			 ERR_OK);
	cursor_read(r, buf_head(&fx.plain), buf_len(&fx.plain));
}

static void call(struct dyn *fn)
{
	put_call(fn);
	sent_id = fresh_id();
	assert_int_equal(give_raw(99, sent_id, fresh_seq(), buf_head(&fx.body),
				  buf_len(&fx.body)),
			 ERR_OK);
}

static struct dyn *call_ok(struct dyn *fn)
{
	struct dyn_val v;
	struct tl_reader r;

	call(fn);
	answer_at(&r);
	assert_int_not_equal(cursor_peek_u32(&r), SERVICE_RPC_ERROR);
	assert_int_equal(
		dyn_read_result(&r, fx.schema, fn->name, &fx.arena, &v, NULL),
		ERR_OK);
	return v.kind == DYN_OBJ ? v.obj : NULL;
}

static void call_fails(struct dyn *fn, int code, const char *name)
{
	struct tl_reader r;
	struct tl_bytes text;

	call(fn);
	answer_at(&r);
	assert_int_equal(cursor_get_u32(&r), SERVICE_RPC_ERROR);
	assert_int_equal(cursor_get_i32(&r), code);
	text = cursor_get_string(&r);
	assert_int_equal(text.len, strlen(name));
	assert_memory_equal(text.data, name, text.len);
}

static struct dyn *fn_new(uint16_t name)
{
	return dyn_new(&fx.arena, name);
}

static struct dyn *peer_user(const struct world_user *u, int64_t hash)
{
	struct dyn *d = fn_new(TLN_inputPeerUser);

	dyn_set_int(d, TLF_user_id, u->id);
	dyn_set_int(d, TLF_access_hash, hash);
	return d;
}

static struct dyn *send_to(struct dyn *peer, const char *text, int64_t random)
{
	struct dyn *d = fn_new(TLN_messages_sendMessage);

	dyn_set_obj(d, TLF_peer, peer);
	dyn_set_str(d, TLF_message, text);
	dyn_set_int(d, TLF_random_id, random);
	return d;
}

static void signed_in(void)
{
	fx.key->user_id = fx.ada->id;
}

/* ---- messages */

static void test_new_session_is_greeted_once(void **state)
{
	(void)state;
	ping(99, fresh_id(), fresh_seq());
	assert_non_null(find(SERVICE_NEW_SESSION_CREATED));
	assert_non_null(find(SERVICE_PONG));
	assert_non_null(find(SERVICE_MSGS_ACK));
	ping(99, fresh_id(), fresh_seq());
	assert_null(find(SERVICE_NEW_SESSION_CREATED));
}

static void test_wrong_salt_tells_the_right_one(void **state)
{
	const struct container_msg *m;
	uint64_t salt;

	(void)state;
	ping(1234, fresh_id(), fresh_seq());
	assert_int_equal(bad_msg_code(), SERVICE_BAD_SALT);
	assert_null(find(SERVICE_PONG));
	m = find(SERVICE_BAD_SERVER_SALT);
	memcpy(&salt, m->body + 20, 8);
	ping(salt, fresh_id(), fresh_seq());
	assert_non_null(find(SERVICE_PONG));
}

static void test_salts_go_out_of_date(void **state)
{
	uint64_t salt = dc_session_salt(fx.dc, fx.key, dc_session_hour(fx.dc));

	(void)state;
	clock_manual_advance(&fx.clock, 3 * 3600 * US_PER_SEC);
	loop_turn(fx.loop, 0);
	fx.msg_id += (uint64_t)3 * 3600 << 32;
	ping(salt, fresh_id(), fresh_seq());
	assert_int_equal(bad_msg_code(), SERVICE_BAD_SALT);
	ping(99, fresh_id(), fresh_seq());
	assert_int_equal(bad_msg_code(), SERVICE_BAD_SALT);
}

static void test_bad_message_ids(void **state)
{
	static const struct {
		int64_t delta_sec;
		uint64_t low;
		int code;
	} cases[] = {
		{ -301, 0, SERVICE_BAD_ID_LOW },
		{ 31, 0, SERVICE_BAD_ID_HIGH },
		{ 0, 1, SERVICE_BAD_ID_BITS },
		{ 0, 2, SERVICE_BAD_ID_BITS },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t id = (uint64_t)(1700000000 + cases[i].delta_sec)
				      << 32 |
			      cases[i].low;

		ping(99, id, fresh_seq());
		assert_int_equal(bad_msg_code(), cases[i].code);
		assert_null(find(SERVICE_PONG));
	}
	ping(99, (uint64_t)(1700000000 - 299) << 32, fresh_seq());
	assert_non_null(find(SERVICE_PONG));
}

static void test_bad_sequence_numbers(void **state)
{
	uint64_t id = fresh_id();

	(void)state;
	ping(99, id + 8, 11);
	ping(99, id + 12, 9);
	assert_int_equal(bad_msg_code(), SERVICE_BAD_SEQ_LOW);
	ping(99, id + 4, 13);
	assert_int_equal(bad_msg_code(), SERVICE_BAD_SEQ_HIGH);
	ping(99, id, 9);
	assert_non_null(find(SERVICE_PONG));
}

static void test_same_message_again_gets_the_same_answer(void **state)
{
	const struct container_msg *m;
	uint64_t id, first;
	uint32_t seq;

	(void)state;
	signed_in();
	put_call(send_to(fn_new(TLN_inputPeerSelf), "x", 5));
	id = fresh_id();
	seq = fresh_seq();
	assert_int_equal(
		give_raw(99, id, seq, buf_head(&fx.body), buf_len(&fx.body)),
		ERR_OK);
	m = find(SERVICE_RPC_RESULT);
	assert_non_null(m);
	first = m->msg_id;
	assert_int_equal(
		give_raw(99, id, seq, buf_head(&fx.body), buf_len(&fx.body)),
		ERR_OK);
	m = find(SERVICE_RPC_RESULT);
	assert_non_null(m);
	assert_true(m->msg_id == first);
	assert_int_equal(fx.ada->n_msgs, 1);
	assert_int_equal(fx.dc->counters.calls[DC_M_messages_sendMessage], 1);
}

static void test_acknowledged_answers_are_forgotten(void **state)
{
	struct tl_writer w;
	uint64_t answer;

	(void)state;
	call(fn_new(TLN_help_getNearestDc));
	assert_int_equal(fx.sess->n_answers, 1);
	answer = find(SERVICE_RPC_RESULT)->msg_id;
	buf_reset(&fx.body);
	cursor_write(&w, &fx.body);
	cursor_put_u32(&w, SERVICE_MSGS_ACK);
	cursor_put_vector(&w, 1);
	cursor_put_i64(&w, (int64_t)answer);
	assert_int_equal(give_raw(99, fresh_id(), fx.seq, buf_head(&fx.body),
				  buf_len(&fx.body)),
			 ERR_OK);
	assert_int_equal(fx.sess->n_answers, 0);
	assert_int_equal(fx.n_got, 0);
}

static void test_answers_kept_are_bounded(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 200; i++)
		call(fn_new(TLN_help_getNearestDc));
	assert_int_equal(fx.sess->n_answers, DC_ANSWERS_MAX);
}

static void test_container_and_gzip(void **state)
{
	struct container_msg a, b;
	struct buf out, packed;

	(void)state;
	buf_init(&out, 65536);
	buf_init(&packed, 65536);
	put_ping(1);
	a = (struct container_msg){ fresh_id(), fresh_seq(), buf_head(&fx.body),
				    buf_len(&fx.body) };
	assert_int_equal(
		gzip_pack(buf_head(&fx.body), buf_len(&fx.body), &packed),
		ERR_OK);
	b = (struct container_msg){ fresh_id(), fresh_seq(), buf_head(&packed),
				    buf_len(&packed) };
	assert_int_equal(container_put_head(&out, 2), ERR_OK);
	assert_int_equal(container_put(&out, &a), ERR_OK);
	assert_int_equal(container_put(&out, &b), ERR_OK);
	assert_int_equal(
		give_raw(99, fresh_id(), fx.seq, buf_head(&out), buf_len(&out)),
		ERR_OK);
	/* greeting, two pongs, acks */
	assert_int_equal(fx.n_got, 4);
	/* A container older than what it holds. */
	b.msg_id = fx.msg_id + 400;
	buf_reset(&out);
	assert_int_equal(container_put_head(&out, 1), ERR_OK);
	assert_int_equal(container_put(&out, &b), ERR_OK);
	assert_int_equal(
		give_raw(99, fresh_id(), fx.seq, buf_head(&out), buf_len(&out)),
		ERR_OK);
	assert_int_equal(bad_msg_code(), SERVICE_BAD_CONTAINER);
	buf_deinit(&out);
	buf_deinit(&packed);
}

/* As TDLib does, and our own client: wrappers first, the query packed. */
static void test_query_packed_behind_its_wrappers(void **state)
{
	struct dyn *init = fn_new(TLN_initConnection);
	struct buf packed;
	struct tl_reader r;

	(void)state;
	signed_in();
	dyn_set_int(init, TLF_api_id, 7);
	dyn_set_str(init, TLF_device_model, "box");
	dyn_set_obj(init, TLF_proxy, fn_new(TLN_inputClientProxy));
	dyn_set_obj(init, TLF_query, fn_new(TLN_updates_getState));
	put_call(init);
	/* the query is the last 4 bytes */
	buf_init(&packed, 4096);
	assert_int_equal(gzip_pack(buf_head(&fx.body) + buf_len(&fx.body) - 4,
				   4, &packed),
			 ERR_OK);
	fx.body.len -= 4;
	assert_int_equal(
		buf_append(&fx.body, buf_head(&packed), buf_len(&packed)),
		ERR_OK);
	sent_id = fresh_id();
	assert_int_equal(give_raw(99, sent_id, fresh_seq(), buf_head(&fx.body),
				  buf_len(&fx.body)),
			 ERR_OK);
	answer_at(&r);
	assert_int_equal(cursor_peek_u32(&r),
			 schema_by_name(fx.schema, TLN_updates_state)->id);
	assert_string_equal(fx.key->device, "box");
	/* damaged: answered with an error, not with silence */
	fx.body.data[fx.body.len - 6] ^= 0x55;
	sent_id = fresh_id();
	assert_int_equal(give_raw(99, sent_id, fresh_seq(), buf_head(&fx.body),
				  buf_len(&fx.body)),
			 ERR_OK);
	answer_at(&r);
	assert_int_equal(cursor_peek_u32(&r), SERVICE_RPC_ERROR);
	buf_deinit(&packed);
}

static void test_damaged_messages_are_refused(void **state)
{
	static const uint8_t cut_container[] = { 0xdc, 0xf8, 0xf1, 0x73,
						 9,    0,    0,	   0 };
	static const uint8_t cut_ack[] = { 0x59, 0xb4, 0xd6, 0x62 };
	static const uint8_t no_gzip[] = { 0xa1, 0xcf, 0x72, 0x30,
					   3,	 'x',  'y',  'z' };

	(void)state;
	assert_int_not_equal(give_raw(99, fresh_id(), 0, cut_container,
				      sizeof(cut_container)),
			     ERR_OK);
	assert_int_not_equal(
		give_raw(99, fresh_id(), 0, cut_ack, sizeof(cut_ack)), ERR_OK);
	assert_int_not_equal(
		give_raw(99, fresh_id(), 1, no_gzip, sizeof(no_gzip)), ERR_OK);
	assert_int_not_equal(give_raw(99, fresh_id(), 3, "abc", 3), ERR_OK);
	assert_int_not_equal(give_raw(99, fresh_id(), 3, "", 0), ERR_OK);
}

static void test_state_of_messages(void **state)
{
	uint64_t known = fresh_id();
	const struct container_msg *m;
	struct tl_bytes info;
	struct tl_reader r;
	struct tl_writer w;

	(void)state;
	ping(99, known, fresh_seq());
	buf_reset(&fx.body);
	cursor_write(&w, &fx.body);
	cursor_put_u32(&w, SERVICE_MSGS_STATE_REQ);
	cursor_put_vector(&w, 2);
	cursor_put_i64(&w, (int64_t)known);
	cursor_put_i64(&w, (int64_t)known - 400);
	give(buf_head(&fx.body), buf_len(&fx.body));
	m = find(SERVICE_MSGS_STATE_INFO);
	assert_non_null(m);
	cursor_read(&r, m->body + 12, m->len - 12);
	info = cursor_get_bytes(&r);
	assert_int_equal(info.len, 2);
	assert_int_equal(info.data[0], 4);
	assert_int_equal(info.data[1], 1);
}

static void test_future_salts_are_bare_and_bounded(void **state)
{
	const struct container_msg *m;
	struct tl_writer w;
	int32_t n;

	(void)state;
	buf_reset(&fx.body);
	cursor_write(&w, &fx.body);
	cursor_put_u32(&w, SERVICE_GET_FUTURE_SALTS);
	cursor_put_i32(&w, 100000);
	give(buf_head(&fx.body), buf_len(&fx.body));
	m = find(SERVICE_FUTURE_SALTS);
	assert_non_null(m);
	memcpy(&n, m->body + 16, 4);
	assert_int_equal(n, 64);
	assert_int_equal(m->len, 20 + 64 * 16);
}

/* ---- calls */

static void test_strangers_get_only_what_is_open(void **state)
{
	(void)state;
	assert_non_null(call_ok(fn_new(TLN_help_getConfig)));
	call_fails(fn_new(TLN_updates_getState), 401, "AUTH_KEY_UNREGISTERED");
	call_fails(send_to(fn_new(TLN_inputPeerSelf), "x", 1), 401,
		   "AUTH_KEY_UNREGISTERED");
	call_fails(fn_new(TLN_help_getPromoData), 401, "AUTH_KEY_UNREGISTERED");
	call_fails(fn_new(TLN_help_getSupport), 400, "METHOD_INVALID");
}

/* The bytes of a call, as put_call() makes them. */
static struct container_msg packed_call(struct dyn *fn, struct buf *keep)
{
	put_call(fn);
	assert_int_equal(
		buf_append(keep, buf_head(&fx.body), buf_len(&fx.body)),
		ERR_OK);
	return (struct container_msg){ fresh_id(), fresh_seq(), buf_head(keep),
				       buf_len(keep) };
}

/* What the first message of a container ends, the second does not use. */
static void test_end_in_the_middle_of_a_container(void **state)
{
	static const struct dc_fault hold = { .kind = DC_FAULT_HOLD,
					      .count = 1 };
	struct buf out, first, second;
	struct container_msg a, b;
	struct envelope_msg m = { .salt = 99, .session_id = SESSION };

	(void)state;
	signed_in();
	for (int ended = 0; ended < 2; ended++) {
		buf_init(&out, 65536);
		buf_init(&first, 65536);
		buf_init(&second, 65536);
		a = packed_call(
			fn_new(ended ? TLN_auth_logOut : TLN_updates_getState),
			&first);
		b = packed_call(fn_new(TLN_updates_getState), &second);
		assert_int_equal(container_put_head(&out, 2), ERR_OK);
		assert_int_equal(container_put(&out, &a), ERR_OK);
		assert_int_equal(container_put(&out, &b), ERR_OK);
		fx.dc->faults[0] = hold;
		fx.dc->n_faults = !ended;
		m.msg_id = fresh_id();
		m.seq_no = fx.seq;
		m.body = buf_head(&out);
		m.body_len = buf_len(&out);
		fx.sess->conn = &fx.conn;
		fx.conn.sess = fx.sess;
		assert_int_equal(dc_session_recv(fx.dc, fx.sess, &m, NULL),
				 ERR_OK);
		if (!ended)
			assert_null(fx.sess->conn);
		buf_deinit(&out);
		buf_deinit(&first);
		buf_deinit(&second);
	}
}

static void test_layer_must_be_announced(void **state)
{
	const struct schema_ctor *c =
		schema_by_name(&schema_api_223, TLN_help_getNearestDc);
	struct tl_reader r;

	(void)state;
	sent_id = fresh_id();
	assert_int_equal(give_raw(99, sent_id, fresh_seq(), &c->id, 4), ERR_OK);
	answer_at(&r);
	assert_int_equal(cursor_get_u32(&r), SERVICE_RPC_ERROR);
	/* Once it was, the key remembers. */
	assert_non_null(call_ok(fn_new(TLN_help_getNearestDc)));
	sent_id = fresh_id();
	assert_int_equal(give_raw(99, sent_id, fresh_seq(), &c->id, 4), ERR_OK);
	answer_at(&r);
	assert_int_not_equal(cursor_get_u32(&r), SERVICE_RPC_ERROR);
}

static void test_config_names_every_dc(void **state)
{
	struct dyn *d = call_ok(fn_new(TLN_help_getConfig));
	struct dyn_vec *v = dyn_vec(d, TLF_dc_options);

	(void)state;
	assert_int_equal(dyn_int(d, TLF_this_dc, 0), 1);
	assert_false(dyn_bool(d, TLF_test_mode));
	assert_int_equal(dyn_len(v), 2);
	assert_int_equal(dyn_int(dyn_item(v, 1), TLF_id, 0), 2);
	assert_int_equal(dyn_int(dyn_item(v, 0), TLF_port, 0),
			 listener_addr(fx.dc->nodes[0].listener).port);
}

static struct dyn *send_code(const char *phone)
{
	struct dyn *d = fn_new(TLN_auth_sendCode);

	dyn_set_str(d, TLF_phone_number, phone);
	dyn_set_int(d, TLF_api_id, 1);
	dyn_set_str(d, TLF_api_hash, "x");
	dyn_set_obj(d, TLF_settings, fn_new(TLN_codeSettings));
	return d;
}

static struct dyn *sign_in(const char *phone, const char *hash,
			   const char *code)
{
	struct dyn *d = fn_new(TLN_auth_signIn);

	dyn_set_str(d, TLF_phone_number, phone);
	dyn_set_str(d, TLF_phone_code_hash, hash);
	dyn_set_str(d, TLF_phone_code, code);
	return d;
}

static void test_sign_in_and_out(void **state)
{
	const char *phone = "9996610077", *hash;
	struct dyn *d;

	(void)state;
	call_fails(send_code("12345678"), 400, "PHONE_NUMBER_INVALID");
	call_fails(send_code("99966100771"), 400, "PHONE_NUMBER_INVALID");
	call_fails(send_code("9996620001"), 303, "PHONE_MIGRATE_2");
	d = call_ok(send_code("+99966 1-0077"));
	hash = dyn_str(d, TLF_phone_code_hash);
	call_fails(sign_in(phone, "nonsense", "11111"), 400,
		   "PHONE_CODE_EXPIRED");
	call_fails(sign_in(phone, hash, "11112"), 400, "PHONE_CODE_INVALID");
	call_fails(sign_in(phone, hash, "1111"), 400, "PHONE_CODE_INVALID");
	call_fails(sign_in(phone, hash, ""), 400, "PHONE_CODE_EMPTY");
	assert_int_equal(fx.key->user_id, 0);
	d = call_ok(sign_in(phone, hash, "11111"));
	assert_true(dyn_is(d, TLN_auth_authorization));
	assert_true(dyn_int(dyn_obj(d, TLF_user), TLF_id, 0) ==
		    fx.key->user_id);
	/* A code works once. */
	call_fails(sign_in(phone, hash, "11111"), 400, "PHONE_CODE_EXPIRED");
	call_ok(fn_new(TLN_auth_logOut));
	call_fails(fn_new(TLN_updates_getState), 401, "AUTH_KEY_UNREGISTERED");
}

static void test_sending_is_checked(void **state)
{
	int64_t hash;
	static char big[4200];

	(void)state;
	signed_in();
	hash = world_access_hash(&fx.dc->world, fx.ada->id, fx.boris->id);
	call_fails(send_to(peer_user(fx.boris, hash + 1), "x", 1), 400,
		   "PEER_ID_INVALID");
	call_fails(send_to(peer_user(fx.boris, hash), "", 1), 400,
		   "MESSAGE_EMPTY");
	call_fails(send_to(peer_user(fx.boris, hash), "x", 0), 400,
		   "RANDOM_ID_EMPTY");
	memset(big, 'a', 4097);
	call_fails(send_to(peer_user(fx.boris, hash), big, 2), 400,
		   "MESSAGE_TOO_LONG");
	assert_int_equal(fx.boris->n_msgs, 0);
	big[4096] = '\0';
	call_ok(send_to(peer_user(fx.boris, hash), big, 2));
	call_ok(send_to(peer_user(fx.boris, hash), big, 2));
	assert_int_equal(fx.boris->n_msgs, 1);
}

static void test_both_layers_say_the_same(void **state)
{
	static const int layers[] = { 144, 223 };
	struct dyn *fn, *d;
	size_t i;

	(void)state;
	signed_in();
	call_ok(send_to(fn_new(TLN_inputPeerSelf), "note", 3));
	for (i = 0; i < ARRAY_LEN(layers); i++) {
		fx.schema = schema_for_layer(layers[i]);
		fn = fn_new(TLN_messages_getHistory);
		dyn_set_obj(fn, TLF_peer, fn_new(TLN_inputPeerSelf));
		dyn_set_int(fn, TLF_limit, 10);
		d = dyn_item(dyn_vec(call_ok(fn), TLF_messages), 0);
		assert_true(dyn_is(d, TLN_message));
		assert_string_equal(dyn_str(d, TLF_message), "note");
		assert_true(dyn_bool(d, TLF_out));
	}
}

static void test_updates_reach_others_but_not_the_origin(void **state)
{
	int64_t hash;

	(void)state;
	signed_in();
	call_ok(fn_new(TLN_updates_getState)); /* online now */
	hash = world_access_hash(&fx.dc->world, fx.ada->id, fx.boris->id);
	call_ok(send_to(peer_user(fx.boris, hash), "x", 9));
	assert_null(find(schema_by_name(fx.schema, TLN_updates)->id));
	/* From elsewhere, the same user's session is told. */
	assert_int_equal(
		world_send(&fx.dc->world,
			   &(struct world_new_msg){ .from = fx.boris->id,
						    .peer = fx.ada->id,
						    .text = "y",
						    .text_len = 1,
						    .date = 5 },
			   &(struct world_msg *){ NULL }, &(bool){ false }),
		ERR_OK);
	collect();
	assert_non_null(find(schema_by_name(fx.schema, TLN_updates)->id));
	assert_int_equal(fx.dc->counters.updates, 1);
}

static void test_without_updates_means_it(void **state)
{
	struct dyn *d = fn_new(TLN_invokeWithoutUpdates);

	(void)state;
	signed_in();
	dyn_set_obj(d, TLF_query, fn_new(TLN_updates_getState));
	call(d);
	assert_non_null(find(SERVICE_RPC_RESULT));
	assert_null(fx.sess->account);
}

static void test_revoked_key(void **state)
{
	(void)state;
	signed_in();
	call_ok(fn_new(TLN_updates_getState));
	dc_key_revoke(fx.dc, fx.key);
	collect();
	assert_non_null(
		find(schema_by_name(fx.schema, TLN_updatesTooLong)->id));
	assert_true(fx.conn.closing);
	call_fails(fn_new(TLN_updates_getState), 401, "SESSION_REVOKED");
	assert_int_equal(fx.dc->counters.revoked_calls, 1);
	assert_non_null(call_ok(fn_new(TLN_help_getConfig)));
}

static void test_difference_in_slices(void **state)
{
	struct dyn *fn, *d;
	int64_t pts = WORLD_FIRST_PTS, n = 0;
	int i;

	(void)state;
	signed_in();
	for (i = 0; i < 205; i++)
		call_ok(send_to(fn_new(TLN_inputPeerSelf), "x", i + 1));
	for (i = 0; i < 3; i++) {
		fn = fn_new(TLN_updates_getDifference);
		dyn_set_int(fn, TLF_pts, pts);
		d = call_ok(fn);
		n += dyn_len(dyn_vec(d, TLF_new_messages));
		assert_true(dyn_is(d, i < 2 ? TLN_updates_differenceSlice
					    : TLN_updates_difference));
		pts = dyn_int(
			dyn_obj(d, i < 2 ? TLF_intermediate_state : TLF_state),
			TLF_pts, 0);
	}
	assert_int_equal(n, 205);
	assert_int_equal(pts, world_pts(fx.ada));
	fn = fn_new(TLN_updates_getDifference);
	dyn_set_int(fn, TLF_pts, pts);
	assert_true(dyn_is(call_ok(fn), TLN_updates_differenceEmpty));
	dyn_set_int(fn, TLF_pts, pts + 1);
	call_fails(fn, 400, "PERSISTENT_TIMESTAMP_INVALID");
	dyn_set_int(fn, TLF_pts, 1);
	dyn_set_int(fn, TLF_pts_total_limit, 10);
	assert_true(dyn_is(call_ok(fn), TLN_updates_differenceTooLong));
}

static void test_authorisation_travels_once(void **state)
{
	struct dyn *fn = fn_new(TLN_auth_exportAuthorization), *d;
	struct dyn *in = fn_new(TLN_auth_importAuthorization);
	struct tl_bytes bytes;

	(void)state;
	signed_in();
	dyn_set_int(fn, TLF_dc_id, 7);
	call_fails(fn, 400, "DC_ID_INVALID");
	dyn_set_int(fn, TLF_dc_id, 2);
	d = call_ok(fn);
	bytes = dyn_bytes(d, TLF_bytes);
	dyn_set_int(in, TLF_id, dyn_int(d, TLF_id, 0));
	dyn_set_bytes(in, TLF_bytes, bytes.data, bytes.len);
	fx.key->user_id = 0;
	assert_true(dyn_is(call_ok(in), TLN_auth_authorization));
	assert_true(fx.key->user_id == fx.ada->id);
	call_fails(in, 400, "AUTH_BYTES_INVALID");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_new_session_is_greeted_once),
		T(test_wrong_salt_tells_the_right_one),
		T(test_salts_go_out_of_date),
		T(test_bad_message_ids),
		T(test_bad_sequence_numbers),
		T(test_same_message_again_gets_the_same_answer),
		T(test_acknowledged_answers_are_forgotten),
		T(test_answers_kept_are_bounded),
		T(test_container_and_gzip),
		T(test_query_packed_behind_its_wrappers),
		T(test_damaged_messages_are_refused),
		T(test_state_of_messages),
		T(test_future_salts_are_bare_and_bounded),
		T(test_strangers_get_only_what_is_open),
		T(test_end_in_the_middle_of_a_container),
		T(test_layer_must_be_announced),
		T(test_config_names_every_dc),
		T(test_sign_in_and_out),
		T(test_sending_is_checked),
		T(test_both_layers_say_the_same),
		T(test_updates_reach_others_but_not_the_origin),
		T(test_without_updates_means_it),
		T(test_revoked_key),
		T(test_difference_in_slices),
		T(test_authorisation_travels_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
