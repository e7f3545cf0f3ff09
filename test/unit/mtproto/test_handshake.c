/* SPDX-License-Identifier: MIT */
/*
 * Replays of recorded exchanges of other clients, both halves; then a client
 * against our server.  Lies are in test_handshake_lies.c.
 */
#include "../vectors.h"
#include "crypto/rsa.h"
#include "mtproto/handshake_client.h"
#include "mtproto/handshake_server.h"

static struct json_doc doc;
static struct json root;
static struct rsa_key *key;

static int load(void **state)
{
	const char *pem;

	root = vectors_open(&doc, "handshake.json");
	pem = json_str(json_get(json_get(root, "test_key"), "private_pem"), "");
	return rsa_private_parse(pem, strlen(pem), &key, NULL);
}

static int unload(void **state)
{
	rsa_free(key);
	json_free(&doc);
	return 0;
}

/* Random bytes for a replay, in the order they are asked for. */
struct script {
	uint8_t bytes[8192];
	size_t len;
	struct rnd_fixed rnd;
};

static void script_add(struct script *s, struct json v, const char *field)
{
	s->len += vectors_hex(v, field, s->bytes + s->len,
			      sizeof(s->bytes) - s->len);
}

static void check_out(struct json v, const char *field, struct buf *out)
{
	vectors_check(v, field, buf_head(out), buf_len(out));
	buf_reset(out);
}

static void check_result(struct json v, const struct handshake_result *res)
{
	uint8_t salt[8], id[8];
	int i;

	assert_true(authkey_present(&res->key));
	vectors_check(v, "auth_key", res->key.secret.bytes, 256);
	for (i = 0; i < 8; i++) {
		salt[i] = (uint8_t)(res->salt >> 8 * i);
		id[i] = (uint8_t)(res->key.id >> 8 * i);
	}
	vectors_check(v, "server_salt", salt, 8);
	vectors_check(v, "auth_key_id", id, 8);
	assert_int_equal(res->expires_in_sec,
			 json_int(json_get(v, "expires_in"), 0));
	assert_int_equal(res->dc, json_int(json_get(v, "dc"), 0));
}

static bool client_step(struct handshake_client *h, struct json v,
			const char *field, struct buf *out)
{
	struct handshake_packet packet = { .now = { 1000000 } };
	struct err_info ei = { 0 };
	uint8_t body[4096];
	bool done = false;

	packet.body = body;
	packet.len = vectors_hex(v, field, body, sizeof(body));
	if (handshake_client_step(h, &packet, out, &done, &ei))
		fail_msg("%s: %s", field, ei.msg);
	return done;
}

static void client_script(struct script *s, struct json v)
{
	struct json rsa = json_get(v, "rsa");
	struct json_iter it = json_iter(json_get(rsa, "rejected_temp_keys"));

	script_add(s, v, "nonce");
	script_add(s, v, "new_nonce");
	script_add(s, rsa, "padding");
	for (; json_next(&it); s->len += 32)
		assert_int_equal(text_unhex(s->bytes + s->len, 32,
					    json_str(it.val, ""), 64),
				 0);
	script_add(s, rsa, "temp_key");
	it = json_iter(json_get(v, "rounds"));
	while (json_next(&it)) {
		script_add(s, it.val, "b");
		script_add(s, it.val, "padding");
	}
	rnd_fixed_init(&s->rnd, s->bytes, s->len);
}

static void client_rounds(struct handshake_client *h, struct json v,
			  struct buf *out)
{
	struct json_iter it = json_iter(json_get(v, "rounds"));
	bool short_g_b =
		strstr(json_str(json_get(v, "name"), ""), "255 bytes") != NULL;
	bool done = false;

	while (json_next(&it)) {
		assert_false(done);
		/* we send all 256 bytes: same meaning, other bytes */
		if (!short_g_b)
			check_out(it.val, "set_client_DH_params", out);
		buf_reset(out);
		done = client_step(h, it.val, "answer", out);
	}
	assert_true(done);
}

static void client_replay(struct json v)
{
	const struct rsa_key *keys[] = { key };
	struct handshake_client_config cfg = {
		.keys = keys,
		.key_count = 1,
		.dc = (int32_t)json_int(json_get(v, "dc"), 0),
		.expires_in_sec =
			(int32_t)json_int(json_get(v, "expires_in"), 0),
	};
	struct script s = { .len = 0 };
	struct handshake_client *h;
	struct handshake_result res;
	struct buf out;

	client_script(&s, v);
	cfg.rnd = &s.rnd.rnd;
	buf_init(&out, HANDSHAKE_BODY_MAX);
	assert_int_equal(handshake_client_new(&cfg, &h), 0);
	assert_int_equal(handshake_client_start(h, &out), 0);
	check_out(v, "req_pq_multi", &out);
	assert_false(client_step(h, v, "resPQ", &out));
	check_out(v, "req_DH_params", &out);
	assert_false(client_step(h, v, "server_DH_params_ok", &out));
	client_rounds(h, v, &out);
	assert_int_equal(s.rnd.pos, s.len);
	assert_int_equal(handshake_client_result(h, &res), 0);
	check_result(v, &res);
	assert_int_equal(res.time_offset_us,
			 (json_int(json_get(v, "server_time"), 0) - 1) *
				 US_PER_SEC);
	authkey_deinit(&res.key);
	handshake_client_free(h);
	buf_deinit(&out);
}

static void client_replays(void **state)
{
	struct json_iter it = json_iter(json_get(root, "handshakes"));
	int n = 0;

	while (json_next(&it)) {
		const char *type =
			json_str(json_get(it.val, "p_q_inner_data_type"), "");
		const char *method = json_str(
			json_get(json_get(it.val, "rsa"), "method"), "");

		/* what we do not send: no dc, the older padding */
		if (!strcmp(type, "p_q_inner_data") ||
		    strcmp(method, "rsa_pad") != 0)
			continue;
		client_replay(it.val);
		n++;
	}
	assert_true(n >= 8);
}

/* Says "taken" for all rounds but the last. */
static bool taken(void *ctx, uint64_t key_id)
{
	int *left = ctx;

	return --*left > 0;
}

static enum handshake_step server_step(struct handshake_server *h,
				       struct json v, const char *field,
				       struct buf *out)
{
	struct handshake_packet packet = { 0 };
	enum handshake_step step;
	struct err_info ei = { 0 };
	uint8_t body[4096];
	enum err rc;

	packet.body = body;
	packet.len = vectors_hex(v, field, body, sizeof(body));
	packet.now_wall =
		wall_from_sec(json_int(json_get(v, "server_time"), 0));
	rc = handshake_server_feed(h, &packet, out, &step, &ei);
	if (!rc && step == HANDSHAKE_WANT_WORK) {
		handshake_server_work(h);
		rc = handshake_server_resume(h, out, &step, &ei);
	}
	if (rc)
		fail_msg("%s: %s", field, ei.msg);
	return step;
}

static void server_script(struct script *s, struct json v)
{
	script_add(s, v, "server_nonce");
	script_add(s, v, "p");
	script_add(s, v, "q");
	script_add(s, v, "a");
	script_add(s, v, "answer_padding");
	rnd_fixed_init(&s->rnd, s->bytes, s->len);
}

/* The recorded server named another key in front of ours. */
static void check_res_pq(struct json v, struct buf *out)
{
	uint8_t want[128];
	size_t len = vectors_hex(v, "resPQ", want, sizeof(want));

	assert_int_equal(len, 72);
	assert_int_equal(buf_len(out), 64);
	assert_memory_equal(buf_head(out), want, 52);
	assert_memory_equal(buf_head(out) + 56, want + 64, 8);
	buf_reset(out);
}

static void server_replay(struct json v)
{
	struct json_iter it = json_iter(json_get(v, "rounds"));
	int left = (int)json_len(json_get(v, "rounds"));
	const struct rsa_key *keys[] = { key };
	struct handshake_server_config cfg = { .keys = keys, .key_count = 1 };
	enum handshake_step step = HANDSHAKE_WANT_SEND;
	struct script s = { .len = 0 };
	struct handshake_server *h;
	struct handshake_result res;
	struct buf out;

	server_script(&s, v);
	cfg.rnd = &s.rnd.rnd;
	cfg.key_taken = taken;
	cfg.ctx = &left;
	buf_init(&out, HANDSHAKE_BODY_MAX);
	assert_int_equal(handshake_server_new(&cfg, &h, NULL), 0);
	server_step(h, v, "req_pq_multi", &out);
	check_res_pq(v, &out);
	server_step(h, v, "req_DH_params", &out);
	check_out(v, "server_DH_params_ok", &out);
	while (json_next(&it)) {
		assert_int_equal(step, HANDSHAKE_WANT_SEND);
		step = server_step(h, it.val, "set_client_DH_params", &out);
		check_out(it.val, "answer", &out);
	}
	assert_int_equal(step, HANDSHAKE_DONE);
	assert_int_equal(s.rnd.pos, s.len);
	assert_int_equal(handshake_server_result(h, &res), 0);
	check_result(v, &res);
	authkey_deinit(&res.key);
	handshake_server_free(h);
	buf_deinit(&out);
}

static void server_replays(void **state)
{
	struct json_iter it = json_iter(json_get(root, "handshakes"));
	int n = 0;

	for (; json_next(&it); n++)
		server_replay(it.val);
	assert_true(n >= 11);
}

/* Client and server joined; *ret_c and *ret_s get what each came to. */
static void join(struct handshake_client *c, struct handshake_server *s)
{
	enum handshake_step step = HANDSHAKE_WANT_SEND;
	struct handshake_packet packet = { .now_wall = wall_from_sec(77) };
	struct buf up, down;
	bool done = false;
	int turns;

	buf_init(&up, HANDSHAKE_BODY_MAX);
	buf_init(&down, HANDSHAKE_BODY_MAX);
	assert_int_equal(handshake_client_start(c, &up), 0);
	for (turns = 0; !done; turns++) {
		assert_true(turns < 10);
		packet.body = buf_head(&up);
		packet.len = buf_len(&up);
		assert_int_equal(
			handshake_server_feed(s, &packet, &down, &step, NULL),
			0);
		if (step == HANDSHAKE_WANT_WORK) {
			handshake_server_work(s);
			assert_int_equal(
				handshake_server_resume(s, &down, &step, NULL),
				0);
		}
		buf_reset(&up);
		packet.body = buf_head(&down);
		packet.len = buf_len(&down);
		assert_int_equal(
			handshake_client_step(c, &packet, &up, &done, NULL), 0);
		buf_reset(&down);
	}
	assert_int_equal(step, HANDSHAKE_DONE);
	buf_deinit(&up);
	buf_deinit(&down);
}

static void loopback(int32_t dc, int32_t expires, int rounds)
{
	static const int32_t dcs[] = { 1, 2 };
	const struct rsa_key *keys[] = { key };
	struct rnd_seeded rnd;
	struct handshake_client_config cc = { keys, 1, dc, expires, &rnd.rnd };
	struct handshake_server_config sc = { .keys = keys,
					      .key_count = 1,
					      .dcs = dcs,
					      .dc_count = 2,
					      .rnd = &rnd.rnd,
					      .key_taken = taken,
					      .ctx = &rounds };
	struct handshake_result a, b;
	struct handshake_client *c;
	struct handshake_server *s;

	rnd_seeded_init(&rnd, (uint64_t)dc);
	assert_int_equal(handshake_client_new(&cc, &c), 0);
	assert_int_equal(handshake_server_new(&sc, &s, NULL), 0);
	join(c, s);
	assert_int_equal(handshake_client_result(c, &a), 0);
	assert_int_equal(handshake_server_result(s, &b), 0);
	assert_memory_equal(a.key.secret.bytes, b.key.secret.bytes, 256);
	assert_int_equal(a.key.id, b.key.id);
	assert_int_equal(a.salt, b.salt);
	assert_int_equal(b.expires_in_sec, expires);
	assert_int_equal(b.dc, dc);
	assert_int_equal(a.time_offset_us, 77 * US_PER_SEC);
	authkey_deinit(&a.key);
	authkey_deinit(&b.key);
	handshake_client_free(c);
	handshake_server_free(s);
}

static void both_halves_agree(void **state)
{
	loopback(2, 0, 1);
	loopback(10001, 0, 1);
	loopback(-2, 86400, 1);
	loopback(1, 0, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_replays),
		cmocka_unit_test(server_replays),
		cmocka_unit_test(both_halves_agree),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
