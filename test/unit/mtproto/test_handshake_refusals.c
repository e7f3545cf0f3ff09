/* SPDX-License-Identifier: MIT */
/*
 * What the server half refuses: recorded questions of other clients, each with
 * one thing changed.
 */
#include "../vectors.h"
#include "crypto/aes_ige.h"
#include "crypto/mtkdf.h"
#include "crypto/rsa.h"
#include "mtproto/handshake_server.h"
#include "tl/cursor.h"

static struct json_doc doc;
static struct json root, first;
static struct rsa_key *key;

static int load(void **state)
{
	struct json_iter it;
	const char *pem;

	root = vectors_open(&doc, "handshake.json");
	it = json_iter(json_get(root, "handshakes"));
	if (!json_next(&it))
		return -1;
	first = it.val;
	pem = json_str(json_get(json_get(root, "test_key"), "private_pem"), "");
	return rsa_private_parse(pem, strlen(pem), &key, NULL);
}

static int unload(void **state)
{
	rsa_free(key);
	json_free(&doc);
	return 0;
}

struct bench {
	struct json v;
	struct handshake_server *h;
	uint8_t random[1024], body[4096];
	size_t len;
	struct rnd_fixed rnd;
	struct buf out;
	enum handshake_step step;
	struct err_info ei;
};

static void bench_init(struct bench *b, struct json v, const int32_t *dcs)
{
	static const struct rsa_key *keys[1];
	struct handshake_server_config cfg = { .keys = keys,
					       .key_count = 1,
					       .dcs = dcs,
					       .dc_count = dcs ? 1 : 0 };
	size_t n = 0;

	keys[0] = key;
	memset(b, 0, sizeof(*b));
	b->v = v;
	n += vectors_hex(v, "server_nonce", b->random + n, 16);
	n += vectors_hex(v, "p", b->random + n, 8);
	n += vectors_hex(v, "q", b->random + n, 8);
	n += vectors_hex(v, "a", b->random + n, 256);
	n += vectors_hex(v, "answer_padding", b->random + n, 16);
	/* a second beginning */
	n += vectors_hex(v, "server_nonce", b->random + n, 16);
	n += vectors_hex(v, "p", b->random + n, 8);
	n += vectors_hex(v, "q", b->random + n, 8);
	rnd_fixed_init(&b->rnd, b->random, n);
	cfg.rnd = &b->rnd.rnd;
	buf_init(&b->out, 8192);
	assert_int_equal(handshake_server_new(&cfg, &b->h, NULL), 0);
}

static void bench_deinit(struct bench *b)
{
	handshake_server_free(b->h);
	buf_deinit(&b->out);
}

static void take(struct bench *b, struct json v, const char *field)
{
	b->len = vectors_hex(v, field, b->body, sizeof(b->body));
}

static enum err ask(struct bench *b)
{
	struct handshake_packet packet = { .body = b->body, .len = b->len };
	enum err rc;

	packet.now_wall =
		wall_from_sec(json_int(json_get(b->v, "server_time"), 0));
	buf_reset(&b->out);
	rc = handshake_server_feed(b->h, &packet, &b->out, &b->step, &b->ei);
	if (rc || b->step != HANDSHAKE_WANT_WORK)
		return rc;
	handshake_server_work(b->h);
	return handshake_server_resume(b->h, &b->out, &b->step, &b->ei);
}

static uint32_t answer_id(struct bench *b)
{
	struct tl_reader r;

	cursor_read(&r, buf_head(&b->out), buf_len(&b->out));
	return cursor_get_u32(&r);
}

/* Up to req_DH_params, in b->body but not asked yet. */
static void until_req_dh(struct bench *b, struct json v, const int32_t *dcs)
{
	bench_init(b, v, dcs);
	take(b, v, "req_pq_multi");
	assert_int_equal(ask(b), 0);
	take(b, v, "req_DH_params");
}

static void refused(struct bench *b, enum err rc, const char *says)
{
	enum err got = ask(b);

	if (got != rc || !strstr(b->ei.msg, says))
		fail_msg("%s '%s' instead of '%s'", err_name(got), b->ei.msg,
			 says);
	assert_int_equal(buf_len(&b->out), 0);
	/* it stays so, until the client begins again */
	assert_int_equal(ask(b), rc);
	take(b, b->v, "req_pq_multi");
	assert_int_equal(ask(b), 0);
	assert_int_equal(answer_id(b), 0x05162463);
	bench_deinit(b);
}

static void req_dh_lies(void **state)
{
	/* where things lie in req_DH_params: id, 2 nonces, p, q, fingerprint */
	static const struct {
		size_t at;
		enum err rc;
		const char *says;
	} t[] = {
		{ 5, ERR_PROTO, "req_DH_params: nonce differs" },
		{ 21, ERR_PROTO, "req_DH_params: server_nonce differs" },
		{ 38, ERR_PROTO, "wrong p or q" },
		{ 47, ERR_PROTO, "wrong p or q" },
		{ 55, ERR_NOTFOUND, "no key of this fingerprint" },
		{ 100, ERR_PROTO, "" },
		{ 0, ERR_PROTO, "unexpected #" },
	};
	struct bench b;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		until_req_dh(&b, first, NULL);
		b.body[t[i].at] ^= 2;
		refused(&b, t[i].rc, t[i].says);
	}
	until_req_dh(&b, first, NULL);
	b.len -= 4;
	refused(&b, ERR_PROTO, "malformed");
	bench_init(&b, first, NULL);
	take(&b, first, "req_DH_params");
	refused(&b, ERR_PROTO, "unexpected #");
	bench_init(&b, first, NULL);
	b.len = 3;
	refused(&b, ERR_PROTO, "unexpected #");
}

/* Test and media ids count as the plain one; no id is never wrong. */
static void dc_is_checked(void **state)
{
	struct json_iter it = json_iter(json_get(root, "handshakes"));
	int good = 0, bad = 0;

	while (json_next(&it)) {
		struct json dc = json_get(it.val, "dc");
		int32_t plain = (int32_t)llabs(json_int(dc, 2)) % 10000;
		int32_t other = plain + 1;
		struct bench b;

		until_req_dh(&b, it.val, &plain);
		assert_int_equal(ask(&b), 0);
		assert_int_equal(answer_id(&b), 0xd0e8075c);
		bench_deinit(&b);
		good++;
		until_req_dh(&b, it.val, &other);
		if (!json_is_int(dc)) {
			assert_int_equal(ask(&b), 0);
			bench_deinit(&b);
			continue;
		}
		refused(&b, ERR_WRONG_DC, "is not served here");
		bad++;
	}
	assert_true(good > 10 && bad > 5);
}

/* The outer nonce is made to fit, the encrypted one is of another exchange. */
static void foreign_inner_data_gets_a_fail(void **state)
{
	struct bench b;
	uint8_t hash[16];

	bench_init(&b, first, NULL);
	b.random[2] ^= 1;
	take(&b, first, "req_pq_multi");
	assert_int_equal(ask(&b), 0);
	take(&b, first, "req_DH_params");
	b.body[4 + 16 + 2] ^= 1;
	assert_int_equal(ask(&b), 0);
	assert_int_equal(answer_id(&b), 0x79cb045d);
	assert_int_equal(buf_len(&b.out), 52);
	memcpy(hash, buf_head(&b.out) + 36, 16);
	vectors_check(first, "server_DH_params_fail_new_nonce_hash", hash, 16);
	bench_deinit(&b);
}

static struct json round_of(struct json v)
{
	struct json_iter it = json_iter(json_get(v, "rounds"));

	assert_true(json_next(&it));
	return it.val;
}

static void until_set_dh(struct bench *b)
{
	until_req_dh(b, first, NULL);
	assert_int_equal(ask(b), 0);
	take(b, round_of(first), "set_client_DH_params");
}

/* client_DH_inner_data of our own making, in place of the recorded one. */
static void forge(struct bench *b, uint8_t flip_nonce, int64_t retry_id,
		  bool one)
{
	uint8_t g_b[256] = { 0 }, box[1024] = { 0 }, head[32];
	struct mtkdf_aes aes;
	struct tl_writer w;
	struct buf data;
	size_t len;

	vectors_hex(first, "tmp_aes_key", aes.key, 32);
	vectors_hex(first, "tmp_aes_iv", aes.iv, 32);
	memcpy(head, b->body + 4, 32);
	buf_init(&data, 4096);
	cursor_write(&w, &data);
	cursor_put_u32(&w, 0x6643b654);
	head[17] ^= flip_nonce;
	cursor_put_raw(&w, head, 32);
	head[17] ^= flip_nonce;
	cursor_put_i64(&w, retry_id);
	vectors_number(round_of(first), "g_b", g_b, 256);
	if (one) {
		memset(g_b, 0, 256);
		g_b[255] = 1;
	}
	cursor_put_bytes(&w, g_b, 256);
	sha_1(buf_head(&data), buf_len(&data), box);
	memcpy(box + 20, buf_head(&data), buf_len(&data));
	len = (20 + buf_len(&data) + 15) / 16 * 16;
	assert_int_equal(aes_ige_encrypt(aes.key, aes.iv, box, box, len), 0);
	buf_reset(&data);
	cursor_put_u32(&w, 0xf5045f1f);
	cursor_put_raw(&w, head, 32);
	cursor_put_bytes(&w, box, len);
	assert_int_equal(w.rc, 0);
	b->len = buf_len(&data);
	memcpy(b->body, buf_head(&data), b->len);
	buf_deinit(&data);
}

static void until_req_pq(struct bench *b)
{
	bench_init(b, first, NULL);
	take(b, first, "req_pq_multi");
}

static void until_first_req_dh(struct bench *b)
{
	until_req_dh(b, first, NULL);
}

/* 0 to 255 bytes behind a message hide its length; more is not padding. */
static void padding_is_passed_over(void **state)
{
	static void (*const until[])(struct bench *) = {
		until_req_pq,
		until_first_req_dh,
		until_set_dh,
	};
	static const size_t good[] = { 0, 1, 16, 255 };
	struct bench b;
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(until); i++) {
		for (j = 0; j < ARRAY_LEN(good); j++) {
			until[i](&b);
			b.len += good[j];
			assert_int_equal(ask(&b), 0);
			bench_deinit(&b);
		}
		until[i](&b);
		b.len += 256;
		refused(&b, ERR_PROTO, "malformed");
	}
}

static void set_dh_lies(void **state)
{
	struct bench b;

	until_set_dh(&b);
	b.body[4] ^= 1;
	refused(&b, ERR_PROTO, "set_client_DH_params: nonce differs");
	until_set_dh(&b);
	b.body[45] ^= 1; /* garbles all that follows */
	refused(&b, ERR_PROTO, "another constructor or key");
	until_set_dh(&b);
	b.body[b.len - 30] ^= 1;
	refused(&b, ERR_PROTO, "client_DH_inner_data");
	until_set_dh(&b);
	forge(&b, 1, 0, false);
	refused(&b, ERR_PROTO, "a nonce differs");
	until_set_dh(&b);
	forge(&b, 0, 0, true);
	refused(&b, ERR_PROTO, "g_b is below");
}

static void a_wrong_retry_id_gets_a_fail(void **state)
{
	struct bench b;
	uint8_t hash[16];

	until_set_dh(&b);
	forge(&b, 0, 0, false); /* the forgery itself is sound */
	assert_int_equal(ask(&b), 0);
	assert_int_equal(b.step, HANDSHAKE_DONE);
	bench_deinit(&b);
	until_set_dh(&b);
	forge(&b, 0, 77, false);
	assert_int_equal(ask(&b), 0);
	assert_int_equal(b.step, HANDSHAKE_WANT_SEND);
	assert_int_equal(answer_id(&b), 0xa69dae02);
	memcpy(hash, buf_head(&b.out) + 36, 16);
	vectors_check(first, "new_nonce_hash3", hash, 16);
	bench_deinit(&b);
}

static void a_public_key_is_not_enough(void **state)
{
	struct json v = json_get(root, "test_key");
	const char *pem = json_str(json_get(v, "public_pem_pkcs1"), "");
	const struct rsa_key *keys[1];
	struct handshake_server_config cfg = { .keys = keys, .key_count = 1 };
	struct handshake_server *h;
	struct rsa_key *pub;

	assert_int_equal(rsa_public_parse(pem, strlen(pem), &pub, NULL), 0);
	keys[0] = pub;
	assert_int_equal(handshake_server_new(&cfg, &h, NULL), ERR_INVALID);
	rsa_free(pub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(req_dh_lies),
		cmocka_unit_test(padding_is_passed_over),
		cmocka_unit_test(dc_is_checked),
		cmocka_unit_test(foreign_inner_data_gets_a_fail),
		cmocka_unit_test(set_dh_lies),
		cmocka_unit_test(a_wrong_retry_id_gets_a_fail),
		cmocka_unit_test(a_public_key_is_not_enough),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
