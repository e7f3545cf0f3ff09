/* SPDX-License-Identifier: MIT */
/* From no key at all to a user, over one connection or several, in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "keydc.h"
#include "tg/signin_conn.h"

#define SEC INT64_C(1790000000)

struct fix {
	struct engine_env env;
	struct signin flow;
	struct signin_conn c;
	struct keydc k;
	struct mono now;
};

static struct rsa_key *rsa;

static int group_setup(void **state)
{
	(void)state;
	return rsa_generate(&rsa, NULL) ? -1 : 0;
}

static int group_teardown(void **state)
{
	(void)state;
	rsa_free(rsa);
	return 0;
}

static int setup(void **state)
{
	static struct fix f;
	const struct engine_app app = { .api_id = 77,
					.device_model = "test",
					.system_version = "1",
					.app_version = "1" };
	const struct signin_config fc = { .api_id = 77,
					  .api_hash = "cafe",
					  .rnd = rnd_system() };
	static const struct rsa_key *keys[1];
	struct signin_conn_config cc = { .flow = &f.flow,
					 .env = &f.env,
					 .keys = keys,
					 .key_count = 1,
					 .rnd = rnd_system() };

	keys[0] = rsa;
	memset(&f, 0, sizeof(f));
	f.now.us = 5000000;
	if (engine_env_init(&f.env, &app, NULL))
		return -1;
	signin_init(&f.flow, &fc, NULL, f.now);
	signin_conn_init(&f.c, &cc, 2);
	keydc_init(&f.k, rsa, SEC);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	signin_conn_deinit(&f->c);
	signin_deinit(&f->flow);
	keydc_deinit(&f->k);
	return 0;
}

static void work(struct fix *f)
{
	struct err_info ei = { 0 };

	if (!signin_conn_wants_work(&f->c))
		return;
	signin_conn_work(&f->c);
	if (signin_conn_worked(&f->c, f->now, &ei))
		fail_msg("%s", ei.msg);
}

/* Bytes go to and fro until nobody has more to say. */
static void settle(struct fix *f)
{
	struct err_info ei = { 0 };
	struct buf out;
	bool more = true;

	while (more) {
		buf_init(&out, 4U << 20);
		work(f);
		if (signin_conn_output(&f->c, f->now, &out, &ei))
			fail_msg("%s", ei.msg);
		more = buf_len(&out) > 0;
		if (more)
			keydc_feed(&f->k, buf_head(&out), buf_len(&out));
		buf_deinit(&out);
		if (buf_len(&f->k.dc.out)) {
			more = true;
			if (signin_conn_feed(&f->c, buf_head(&f->k.dc.out),
					     buf_len(&f->k.dc.out), f->now,
					     &ei))
				fail_msg("%s", ei.msg);
			buf_reset(&f->k.dc.out);
		}
	}
}

static void connect_it(struct fix *f)
{
	const struct wall wall = { SEC * US_PER_SEC };

	assert_int_equal(signin_conn_connected(&f->c, f->now, wall, NULL),
			 ERR_OK);
	settle(f);
}

static void answer_code(struct fix *f, const char *hash)
{
	struct fakedc_query q = fakedc_take(&f->k.dc, TLN_auth_sendCode);
	struct dyn *d = fakedc_new(&f->k.dc, TLN_auth_sentCode);
	struct dyn *t = fakedc_new(&f->k.dc, TLN_auth_sentCodeTypeSms);

	assert_true(q.prefixed);
	assert_int_equal(q.layer, ENGINE_LAYER);
	dyn_set_int(t, TLF_length, 5);
	dyn_set_obj(d, TLF_type, t);
	dyn_set_str(d, TLF_phone_code_hash, hash);
	fakedc_answer_obj(&f->k.dc, &q, TLN_auth_sendCode, d);
	settle(f);
	assert_int_equal(signin_step(&f->flow), SIGNIN_STEP_ASK_CODE);
}

static void answer_sign_in(struct fix *f)
{
	struct fakedc_query q = fakedc_take(&f->k.dc, TLN_auth_signIn);
	struct dyn *d = fakedc_new(&f->k.dc, TLN_auth_authorization);
	struct dyn *u = fakedc_new(&f->k.dc, TLN_user);

	dyn_set_int(u, TLF_id, 4711);
	dyn_set_obj(d, TLF_user, u);
	fakedc_answer_obj(&f->k.dc, &q, TLN_auth_signIn, d);
	settle(f);
	assert_int_equal(signin_step(&f->flow), SIGNIN_STEP_DONE);
	assert_int_equal(f->flow.user.id, 4711);
}

static void from_nothing_to_a_user(void **state)
{
	struct fix *f = *state;
	const struct authkey *key;

	assert_null(signin_conn_key(&f->c));
	signin_start_phone(&f->flow, "9996620001", f->now);
	connect_it(f);
	assert_true(f->k.keyed);
	assert_int_equal(f->k.named, 2);
	answer_code(f, "h");
	signin_give_code(&f->flow, "22222", f->now);
	settle(f);
	answer_sign_in(f);
	key = signin_conn_key(&f->c);
	assert_non_null(key);
	assert_true(secret_equal(&key->secret, f->k.dc.key.secret.bytes,
				 AUTHKEY_LEN));
	/* the handshake told the server's time */
	assert_int_equal(signin_conn_time(&f->c, f->now).us / US_PER_SEC, SEC);
}

static void connection_lost_while_the_person_looks_for_the_code(void **state)
{
	struct fix *f = *state;
	uint8_t key[AUTHKEY_LEN];

	signin_start_phone(&f->flow, "9996620001", f->now);
	connect_it(f);
	answer_code(f, "h");
	memcpy(key, signin_conn_key(&f->c)->secret.bytes, sizeof(key));
	signin_conn_disconnected(&f->c);
	assert_int_equal(signin_conn_deadline(&f->c).us, MONO_NEVER.us);
	signin_give_code(&f->flow, "22222", f->now);
	fakedc_accept(&f->k.dc);
	f->now.us += US_PER_SEC;
	connect_it(f);
	/* the same key: no second exchange */
	assert_true(secret_equal(&signin_conn_key(&f->c)->secret, key,
				 sizeof(key)));
	answer_sign_in(f);
}

static void connection_lost_in_the_key_exchange(void **state)
{
	struct fix *f = *state;
	const struct wall wall = { SEC * US_PER_SEC };
	struct buf out;

	signin_start_phone(&f->flow, "9996620001", f->now);
	assert_int_equal(signin_conn_connected(&f->c, f->now, wall, NULL),
			 ERR_OK);
	buf_init(&out, 1 << 20);
	assert_int_equal(signin_conn_output(&f->c, f->now, &out, NULL), ERR_OK);
	keydc_feed(&f->k, buf_head(&out), buf_len(&out));
	assert_int_equal(signin_conn_feed(&f->c, buf_head(&f->k.dc.out),
					  buf_len(&f->k.dc.out), f->now, NULL),
			 ERR_OK);
	/* gone while the work is done elsewhere */
	assert_true(signin_conn_wants_work(&f->c));
	signin_conn_work(&f->c);
	signin_conn_disconnected(&f->c);
	assert_int_equal(signin_conn_worked(&f->c, f->now, NULL), ERR_OK);
	assert_false(signin_conn_wants_work(&f->c));
	buf_deinit(&out);
	keydc_accept(&f->k);
	connect_it(f);
	answer_code(f, "h");
}

static void answers_while_the_key_is_worked_on(void **state)
{
	struct fix *f = *state;
	const struct wall wall = { SEC * US_PER_SEC };
	struct err_info ei = { 0 };
	struct buf out;

	signin_start_phone(&f->flow, "9996620001", f->now);
	assert_int_equal(signin_conn_connected(&f->c, f->now, wall, NULL),
			 ERR_OK);
	buf_init(&out, 1 << 20);
	assert_int_equal(signin_conn_output(&f->c, f->now, &out, NULL), ERR_OK);
	keydc_feed(&f->k, buf_head(&out), buf_len(&out));
	assert_int_equal(signin_conn_feed(&f->c, buf_head(&f->k.dc.out),
					  buf_len(&f->k.dc.out), f->now, NULL),
			 ERR_OK);
	assert_true(signin_conn_wants_work(&f->c));
	/* a second answer is not looked at, and ends the connection */
	assert_int_equal(signin_conn_feed(&f->c, buf_head(&f->k.dc.out),
					  buf_len(&f->k.dc.out), f->now, &ei),
			 ERR_PROTO);
	assert_non_null(strstr(ei.msg, "two answers"));
	signin_conn_disconnected(&f->c);
	signin_conn_work(&f->c);
	assert_int_equal(signin_conn_worked(&f->c, f->now, NULL), ERR_OK);
	assert_null(signin_conn_key(&f->c));
	buf_deinit(&out);
}

static void moves_and_takes_a_new_key(void **state)
{
	struct fix *f = *state;
	struct fakedc_query q;
	uint8_t key[AUTHKEY_LEN];

	signin_start_phone(&f->flow, "9996640001", f->now);
	connect_it(f);
	memcpy(key, signin_conn_key(&f->c)->secret.bytes, sizeof(key));
	q = fakedc_take(&f->k.dc, TLN_auth_sendCode);
	fakedc_error(&f->k.dc, &q, 303, "PHONE_MIGRATE_4");
	settle(f);
	assert_int_equal(signin_step(&f->flow), SIGNIN_STEP_MOVE);
	signin_conn_move(&f->c, f->now);
	assert_null(signin_conn_key(&f->c));
	assert_int_equal(f->c.dc_id, 4);
	keydc_accept(&f->k);
	connect_it(f);
	assert_int_equal(f->k.named, 4);
	assert_false(secret_equal(&signin_conn_key(&f->c)->secret, key,
				  sizeof(key)));
	answer_code(f, "h4");
}

static void server_that_says_nothing(void **state)
{
	struct fix *f = *state;
	const struct wall wall = { SEC * US_PER_SEC };
	struct err_info ei = { 0 };

	signin_start_phone(&f->flow, "9996620001", f->now);
	assert_int_equal(signin_conn_connected(&f->c, f->now, wall, NULL),
			 ERR_OK);
	assert_int_equal(signin_conn_tick(&f->c, f->now, &ei), ERR_OK);
	f->now = signin_conn_deadline(&f->c);
	assert_int_equal(signin_conn_tick(&f->c, f->now, &ei), ERR_TIMEOUT);
	assert_non_null(strstr(ei.msg, "key exchange"));
}

static void server_that_talks_nonsense(void **state)
{
	static const uint8_t garbage[] = { 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t flood[] = { 4, 0, 0, 0, 0x53, 0xfe, 0xff, 0xff };
	const struct wall wall = { SEC * US_PER_SEC };
	struct fix *f = *state;
	struct err_info ei = { 0 };

	signin_start_phone(&f->flow, "9996620001", f->now);
	assert_int_equal(signin_conn_connected(&f->c, f->now, wall, NULL),
			 ERR_OK);
	assert_int_equal(
		signin_conn_feed(&f->c, garbage, sizeof(garbage), f->now, &ei),
		ERR_PROTO);
	signin_conn_disconnected(&f->c);
	assert_int_equal(signin_conn_connected(&f->c, f->now, wall, NULL),
			 ERR_OK);
	/* -429 */
	assert_int_equal(
		signin_conn_feed(&f->c, flood, sizeof(flood), f->now, &ei),
		ERR_FLOOD);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(from_nothing_to_a_user),
		T(connection_lost_while_the_person_looks_for_the_code),
		T(connection_lost_in_the_key_exchange),
		T(answers_while_the_key_is_worked_on),
		T(moves_and_takes_a_new_key),
		T(server_that_says_nothing),
		T(server_that_talks_nonsense),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
