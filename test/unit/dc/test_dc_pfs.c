/* SPDX-License-Identifier: MIT */
/* Temporary keys at the server: bound or refused, expired, destroyed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "dc/dc_int.h"
#include "mtproto/bytes.h"
#include "mtproto/container.h"
#include "mtproto/service.h"
#include "mtproto/tempbind.h"

#define START_SEC 1700000000
#define LIFE_SEC 86400

struct fx {
	struct clock_manual clock;
	struct loop *loop;
	struct dc *dc;
	struct dc_key *perm, *temp;
	struct dc_conn conn;
	struct dc_sess *sess;
	struct world_user *ada;
	struct arena arena;
	struct buf body, packet;
	uint64_t msg_id;
	uint32_t seq, result; /* constructor of the rpc_result's object */
	int32_t code;
	char error[64];
	uint32_t services; /* the constructor of the last service message */
};

static struct fx fx;

static void quiet(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

static struct dc_key *add_key(uint8_t fill, bool temporary)
{
	struct dc_store_key row = { .dc_id = 1,
				    .created = dc_now(fx.dc),
				    .salt = 99 };
	struct dc_key *k;

	memset(row.key, fill, sizeof(row.key));
	assert_int_equal(dc_key_add(fx.dc, &row, &k), ERR_OK);
	if (temporary)
		dc_pfs_made(fx.dc, k, LIFE_SEC);
	dc_key_save(fx.dc, k);
	return k;
}

/* A packet with this session and key arrives. */
static void use(struct dc_key *k, uint64_t session)
{
	bool is_new;

	if (fx.sess)
		fx.sess->conn = NULL;
	fx.sess = dc_session_get(fx.dc, dc_pfs_owner(k), session, &is_new);
	assert_non_null(fx.sess);
	fx.sess->crypt = k;
	fx.sess->conn = &fx.conn;
	fx.conn.sess = fx.sess;
}

static int setup(void **state)
{
	struct loop_options lo = { .clock = &fx.clock.clock };
	struct dc_options o = { .count = 2 };
	struct world_new_user n = { .phone = "9996610001", .first = "Ada" };

	(void)state;
	memset(&fx, 0, sizeof(fx));
	log_set_sink(quiet, NULL);
	clock_manual_init(&fx.clock, (struct mono){ 1000000 },
			  wall_from_sec(START_SEC));
	assert_int_equal(addr_parse("127.0.0.1:0", &o.listen, NULL), ERR_OK);
	o.admin = o.listen;
	assert_int_equal(loop_new(&fx.loop, &lo, NULL), ERR_OK);
	assert_int_equal(dc_new(&fx.dc, fx.loop, &o, NULL), ERR_OK);
	assert_int_equal(world_add_user(&fx.dc->world, &n, &fx.ada), ERR_OK);
	fx.conn.node = dc_node(fx.dc, 1);
	fx.conn.dirty = true; /* nothing is flushed: we look ourselves */
	fx.perm = add_key(1, false);
	fx.perm->user_id = fx.ada->id;
	fx.temp = add_key(2, true);
	use(fx.temp, 7);
	arena_init(&fx.arena, 8 << 20);
	buf_init(&fx.body, 1 << 20);
	buf_init(&fx.packet, 8 << 20);
	fx.msg_id = (uint64_t)START_SEC << 32;
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
	log_set_sink(NULL, NULL);
	return 0;
}

static void note(const uint8_t *body, size_t len)
{
	struct tl_reader r;
	struct tl_bytes text;

	cursor_read(&r, body, len);
	if (cursor_get_u32(&r) != SERVICE_RPC_RESULT) {
		if (bytes_get_u32(body) != SERVICE_MSGS_ACK)
			fx.services = bytes_get_u32(body);
		return;
	}
	assert_true((uint64_t)cursor_get_i64(&r) == fx.msg_id);
	fx.result = cursor_get_u32(&r);
	if (fx.result != SERVICE_RPC_ERROR)
		return;
	fx.code = cursor_get_i32(&r);
	text = cursor_get_string(&r);
	snprintf(fx.error, sizeof(fx.error), "%.*s", (int)text.len,
		 (const char *)text.data);
}

/* What the server has to say, under the key the session speaks. */
static void collect(void)
{
	struct container_msg item;
	struct envelope_msg m;
	struct container it;
	bool has;

	fx.result = fx.services = 0;
	fx.error[0] = '\0';
	buf_reset(&fx.packet);
	assert_int_equal(
		dc_session_next(fx.dc, fx.sess, &fx.packet, &has, NULL),
		ERR_OK);
	assert_true(has);
	assert_int_equal(envelope_open(&fx.sess->crypt->auth,
				       ENVELOPE_FROM_SERVER,
				       buf_head(&fx.packet),
				       buf_len(&fx.packet), &m, NULL),
			 ERR_OK);
	if (bytes_get_u32(m.body) != SERVICE_MSG_CONTAINER) {
		note(m.body, m.body_len);
		return;
	}
	assert_int_equal(container_open(&it, m.body, m.body_len, NULL), ERR_OK);
	while (container_next(&it, &item))
		note(item.body, item.len);
}

static void give(void)
{
	struct envelope_msg m = { .salt = 99,
				  .session_id = fx.sess->id,
				  .msg_id = fx.msg_id,
				  .body = buf_head(&fx.body),
				  .body_len = buf_len(&fx.body) };

	fx.seq += 2;
	m.seq_no = fx.seq - 1;
	assert_int_equal(dc_session_recv(fx.dc, fx.sess, &m, NULL), ERR_OK);
	collect();
}

static struct tempbind proof(void)
{
	fx.msg_id += 4;
	return (struct tempbind){ .nonce = 5,
				  .temp_key_id = fx.sess->crypt->auth.id,
				  .perm_key_id = fx.perm->auth.id,
				  .session_id = fx.sess->id,
				  .msg_id = fx.msg_id,
				  .expires_at = START_SEC + LIFE_SEC };
}

static void send_bind(const struct tempbind *b, const struct authkey *key)
{
	buf_reset(&fx.body);
	assert_int_equal(tempbind_make(b, key, rnd_system(), &fx.body, NULL),
			 ERR_OK);
	give();
}

static void bind_ok(void)
{
	struct tempbind b = proof();

	send_bind(&b, &fx.perm->auth);
	assert_int_equal(fx.result, CURSOR_TRUE_ID);
}

static void call(struct dyn *fn)
{
	struct dyn *layer = dyn_new(&fx.arena, TLN_invokeWithLayer);
	struct tl_writer w;

	dyn_set_int(layer, TLF_layer, 198);
	dyn_set_obj(layer, TLF_query, fn);
	fx.msg_id += 4;
	buf_reset(&fx.body);
	cursor_write(&w, &fx.body);
	assert_int_equal(dyn_write(&w, &schema_api_198, layer, NULL), ERR_OK);
	give();
}

static void get_state(void)
{
	call(dyn_new(&fx.arena, TLN_updates_getState));
}

static uint32_t state_id(void)
{
	return schema_by_name(&schema_api_198, TLN_updates_state)->id;
}

static void expect_error(int32_t code, const char *name)
{
	assert_int_equal(fx.result, SERVICE_RPC_ERROR);
	assert_int_equal(fx.code, code);
	assert_string_equal(fx.error, name);
}

/* ---- tests */

static void test_bound_is_as_good_as_permanent(void **state)
{
	(void)state;
	get_state();
	expect_error(401, "AUTH_KEY_PERM_EMPTY");
	call(dyn_new(&fx.arena, TLN_help_getConfig));
	expect_error(401, "AUTH_KEY_PERM_EMPTY");
	bind_ok();
	assert_ptr_equal(fx.sess->key, fx.perm);
	assert_ptr_equal(fx.sess->crypt, fx.temp);
	assert_ptr_equal(dc_pfs_owner(fx.temp), fx.perm);
	get_state();
	assert_int_equal(fx.result, state_id());
	assert_int_equal(fx.perm->layer, 198);
	/* The same once more is no mistake; another session neither. */
	bind_ok();
	use(fx.temp, 8);
	get_state();
	assert_int_equal(fx.result, state_id());
	/* The permanent key itself goes on. */
	use(fx.perm, 9);
	get_state();
	assert_int_equal(fx.result, state_id());
}

static void test_without_layer(void **state)
{
	(void)state;
	fx.msg_id += 4;
	buf_reset(&fx.body);
	assert_int_equal(buf_append(&fx.body, "\x6b\x18\xf9\xc4", 4), ERR_OK);
	give(); /* help.getConfig, bare */
	expect_error(401, "AUTH_KEY_PERM_EMPTY");
}

static void test_every_field_of_the_proof_counts(void **state)
{
	struct tempbind b;

	(void)state;
	for (int i = 0; i < 6; i++) {
		b = proof();
		b.nonce += i == 0;
		b.temp_key_id += i == 1;
		b.session_id += i == 2;
		b.msg_id += i == 3 ? 4 : 0;
		b.expires_at += i == 4;
		buf_reset(&fx.body);
		assert_int_equal(
			tempbind_make(&b,
				      i == 5 ? &fx.temp->auth : &fx.perm->auth,
				      rnd_system(), &fx.body, NULL),
			ERR_OK);
		/* outside it says what is true */
		bytes_put_u64(buf_head(&fx.body) + 12, 5);
		bytes_put_u32(buf_head(&fx.body) + 20, START_SEC + LIFE_SEC);
		give();
		expect_error(400, "ENCRYPTED_MESSAGE_INVALID");
	}
	/* No such permanent key, and a temporary one for it. */
	b = proof();
	b.perm_key_id++;
	send_bind(&b, &fx.perm->auth);
	expect_error(400, "ENCRYPTED_MESSAGE_INVALID");
	b = proof();
	b.perm_key_id = fx.temp->auth.id;
	send_bind(&b, &fx.temp->auth);
	expect_error(400, "ENCRYPTED_MESSAGE_INVALID");
	assert_null(fx.temp->perm);
	get_state();
	expect_error(401, "AUTH_KEY_PERM_EMPTY");
}

static void test_other_refusals(void **state)
{
	struct dc_key *other = add_key(3, false);
	struct tempbind b;

	(void)state;
	b = proof();
	b.expires_at = START_SEC;
	send_bind(&b, &fx.perm->auth);
	expect_error(400, "EXPIRES_AT_INVALID");
	b = proof();
	b.expires_at = START_SEC + LIFE_SEC + 301;
	send_bind(&b, &fx.perm->auth);
	expect_error(400, "EXPIRES_AT_INVALID");
	bind_ok();
	b = proof();
	b.perm_key_id = other->auth.id;
	send_bind(&b, &other->auth);
	expect_error(400, "TEMP_AUTH_KEY_ALREADY_BOUND");
	use(fx.perm, 9);
	b = proof();
	send_bind(&b, &fx.perm->auth);
	expect_error(400, "TEMP_AUTH_KEY_EMPTY");
}

static void test_keys_expire(void **state)
{
	(void)state;
	bind_ok();
	assert_true(dc_pfs_usable(fx.dc, fx.temp));
	clock_manual_advance(&fx.clock, (LIFE_SEC - 1) * US_PER_SEC);
	loop_turn(fx.loop, 0);
	assert_true(dc_pfs_usable(fx.dc, fx.temp));
	clock_manual_advance(&fx.clock, US_PER_SEC);
	loop_turn(fx.loop, 0);
	assert_false(dc_pfs_usable(fx.dc, fx.temp));
	assert_true(dc_pfs_usable(fx.dc, fx.perm));
}

static void test_revoked_through_the_permanent_key(void **state)
{
	(void)state;
	bind_ok();
	get_state();
	dc_key_revoke(fx.dc, fx.perm);
	get_state();
	expect_error(401, "SESSION_REVOKED");
}

static void test_many_keys_the_oldest_goes(void **state)
{
	struct dc_key *k;
	uint64_t first = fx.temp->auth.id;

	(void)state;
	bind_ok();
	fx.temp->expires_at = START_SEC + 5;
	for (uint8_t i = 0; i < 16; i++) {
		k = add_key((uint8_t)(10 + i), true);
		use(k, 100 + i);
		bind_ok();
	}
	assert_null(dc_key_get(fx.dc, first));
	assert_int_equal(fx.perm->n_temps, 16);
	/* Freeing the permanent one leaves the others to themselves. */
	fx.sess->conn = NULL;
	fx.sess = NULL;
	dc_key_free(fx.dc, fx.perm);
	assert_null(k->perm);
}

static void destroy(void)
{
	fx.msg_id += 4;
	buf_reset(&fx.body);
	assert_int_equal(buf_append(&fx.body, "\x60\x51\x43\xd1", 4), ERR_OK);
	give();
}

static void test_destroyed_keys_are_unknown(void **state)
{
	(void)state;
	bind_ok();
	destroy();
	assert_int_equal(fx.services, SERVICE_DESTROY_AUTH_KEY_OK);
	assert_false(dc_pfs_usable(fx.dc, fx.temp));
	assert_true(dc_pfs_usable(fx.dc, fx.perm));
	destroy();
	assert_int_equal(fx.services, SERVICE_DESTROY_AUTH_KEY_NONE);
	fx.temp = add_key(4, true);
	use(fx.temp, 20);
	bind_ok();
	use(fx.perm, 21);
	destroy();
	assert_int_equal(fx.services, SERVICE_DESTROY_AUTH_KEY_OK);
	assert_false(dc_pfs_usable(fx.dc, fx.perm));
	assert_false(dc_pfs_usable(fx.dc, fx.temp));
}

static void test_dropped_but_for_the_ones_named(void **state)
{
	struct dyn *fn = dyn_new(&fx.arena, TLN_auth_dropTempAuthKeys);
	struct dc_key *first = fx.temp, *other = add_key(3, true);
	struct dyn_vec *keep = dyn_add_vec(fn, TLF_except_auth_keys);

	(void)state;
	call(fn);
	expect_error(401, "AUTH_KEY_PERM_EMPTY");
	bind_ok();
	fx.temp = add_key(4, true);
	use(fx.temp, 20);
	bind_ok();
	dyn_push_int(keep, (int64_t)fx.temp->auth.id);
	call(fn);
	assert_int_equal(fx.result, CURSOR_TRUE_ID);
	assert_false(dc_pfs_usable(fx.dc, first));
	assert_true(dc_pfs_usable(fx.dc, fx.temp));
	assert_true(dc_pfs_usable(fx.dc, fx.perm));
	/* not ours */
	assert_true(dc_pfs_usable(fx.dc, other));
	/* The one that asks stays, named or not. */
	dyn_add_vec(fn, TLF_except_auth_keys);
	call(fn);
	assert_true(dc_pfs_usable(fx.dc, fx.temp));
	use(fx.perm, 21);
	call(fn);
	assert_int_equal(fx.result, CURSOR_TRUE_ID);
	assert_false(dc_pfs_usable(fx.dc, fx.temp));
	assert_true(dc_pfs_usable(fx.dc, fx.perm));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_bound_is_as_good_as_permanent),
		T(test_without_layer),
		T(test_every_field_of_the_proof_counts),
		T(test_other_refusals),
		T(test_keys_expire),
		T(test_revoked_through_the_permanent_key),
		T(test_many_keys_the_oldest_goes),
		T(test_destroyed_keys_are_unknown),
		T(test_dropped_but_for_the_ones_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
