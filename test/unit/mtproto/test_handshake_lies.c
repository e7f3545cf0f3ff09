/* SPDX-License-Identifier: MIT */
/*
 * A peer that lies in the key exchange is refused, each lie by its own words.
 *
 * The lying server is written here on its own, from the protocol's description:
 * it shares no code with handshake_*.c but the primitives.
 */
#include "../vectors.h"
#include "crypto/aes_ige.h"
#include "crypto/dh.h"
#include "crypto/mtkdf.h"
#include "crypto/rsa.h"
#include "mtproto/handshake_client.h"
#include "mtproto/handshake_server.h"
#include "tl/cursor.h"

static struct rsa_key *key, *other_key;

static int load(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "handshake.json");
	const char *pem;

	pem = json_str(json_get(json_get(root, "test_key"), "private_pem"), "");
	if (rsa_private_parse(pem, strlen(pem), &key, NULL))
		return -1;
	json_free(&doc);
	return rsa_generate(&other_key, NULL);
}

static int unload(void **state)
{
	rsa_free(key);
	rsa_free(other_key);
	return 0;
}

/* What the lying server says; lie() changes one thing. */
struct answers {
	/* resPQ */
	uint8_t nonce[16];
	uint64_t pq;
	const struct rsa_key *key;
	/* server_DH_params_ok */
	uint8_t params_nonce[32];
	uint32_t inner_id;
	uint8_t inner_nonce[32];
	int32_t g;
	uint8_t prime[256], g_a[256];
	size_t prime_len, padding;
	uint8_t break_hash, cut;
	/* in place of server_DH_params_ok */
	bool params_fail;
	/* dh_gen */
	uint32_t gen_id;
	uint8_t gen_number, gen_nonce[32], break_gen;
};

enum lie {
	HONEST,
	PQ_NONCE,
	PQ_PRIME,
	PQ_KEY,
	PARAMS_NONCE,
	PARAMS_SERVER_NONCE,
	PARAMS_CUT,
	INNER_ID,
	INNER_HASH,
	INNER_PADDING,
	INNER_NONCE,
	INNER_SERVER_NONCE,
	PRIME_SHORT,
	PRIME_BAD,
	G_BAD,
	G_RANGE,
	G_A_ONE,
	G_A_ALMOST_P,
	PARAMS_FAIL,
	PARAMS_FAIL_HASH,
	GEN_NONCE,
	GEN_HASH,
	GEN_OTHER_HASH,
	GEN_FAIL,
	GEN_FOREVER,
	GEN_UNKNOWN,
};

/* In the answers after the group. */
static void lie_later(struct answers *a, enum lie what)
{
	switch (what) {
	case PARAMS_FAIL_HASH:
		a->break_hash = 1;
		a->params_fail = true;
		break;
	case PARAMS_FAIL:
		a->params_fail = true;
		break;
	case GEN_NONCE:
		a->gen_nonce[5] ^= 1;
		break;
	case GEN_HASH:
		a->break_gen = 1;
		break;
	case GEN_OTHER_HASH:
		a->gen_number = 2;
		break;
	case GEN_FAIL:
		a->gen_id = 0xa69dae02;
		a->gen_number = 3;
		break;
	case GEN_FOREVER:
		a->gen_id = 0x46dc1fb9;
		a->gen_number = 2;
		break;
	case GEN_UNKNOWN:
		a->gen_id = 0x12345678;
		break;
	default:
		break; /* honest */
	}
}

static void lie(struct answers *a, enum lie what)
{
	switch (what) {
	case PQ_NONCE:
		a->nonce[3] ^= 1;
		break;
	case PQ_PRIME:
		a->pq = UINT64_C(0x3fffffffffffffc7);
		break;
	case PQ_KEY:
		a->key = other_key;
		break;
	case PARAMS_NONCE:
		a->params_nonce[0] ^= 1;
		break;
	case PARAMS_SERVER_NONCE:
		a->params_nonce[31] ^= 1;
		break;
	case PARAMS_CUT:
		a->cut = 4;
		break;
	case INNER_ID:
		a->inner_id++;
		break;
	case INNER_HASH:
		a->break_hash = 1;
		break;
	case INNER_PADDING:
		a->padding = 16;
		break;
	case INNER_NONCE:
		a->inner_nonce[0] ^= 1;
		break;
	case INNER_SERVER_NONCE:
		a->inner_nonce[16] ^= 1;
		break;
	case PRIME_SHORT:
		a->prime_len = 255;
		break;
	case PRIME_BAD:
		a->prime[255] ^= 0x10;
		a->g = 4;
		break;
	case G_BAD:
		a->g = 2;
		break;
	case G_RANGE:
		a->g = 1;
		break;
	case G_A_ONE:
		memset(a->g_a, 0, 256);
		a->g_a[255] = 1;
		break;
	case G_A_ALMOST_P:
		memcpy(a->g_a, dh_known_prime, 256);
		a->g_a[255]--;
		break;
	default:
		lie_later(a, what);
	}
}

/* One client and the server it believes to talk to. */
struct talk {
	struct rnd_seeded rnd;
	struct handshake_client *client;
	struct buf up, down;
	struct answers say;
	uint8_t nonces[32], new_nonce[32], a[256], auth_key[256];
	struct mtkdf_aes aes;
	bool done;
	enum lie what;
	struct err_info ei;
};

static void talk_begin(struct talk *t, enum lie what)
{
	static const struct rsa_key *keys[1];
	struct handshake_client_config cfg = { .keys = keys, .key_count = 1 };

	keys[0] = key;
	memset(t, 0, sizeof(*t));
	t->what = what;
	rnd_seeded_init(&t->rnd, 5);
	cfg.rnd = &t->rnd.rnd;
	cfg.dc = 2;
	buf_init(&t->up, 4096);
	buf_init(&t->down, 8192);
	assert_int_equal(handshake_client_new(&cfg, &t->client), 0);
	assert_int_equal(handshake_client_start(t->client, &t->up), 0);
	assert_int_equal(buf_len(&t->up), 20);
	memcpy(t->nonces, buf_head(&t->up) + 4, 16);
	memset(t->nonces + 16, 0xa5, 16);
}

static void talk_end(struct talk *t)
{
	handshake_client_free(t->client);
	buf_wipe(&t->up);
	buf_wipe(&t->down);
}

static enum err give(struct talk *t)
{
	struct handshake_packet packet = { .body = buf_head(&t->down),
					   .len = buf_len(&t->down) };

	buf_reset(&t->up);
	return handshake_client_step(t->client, &packet, &t->up, &t->done,
				     &t->ei);
}

static void say_res_pq(struct talk *t)
{
	struct answers *a = &t->say;
	struct tl_writer w;
	uint8_t pq[8];

	memcpy(a->nonce, t->nonces, 16);
	a->pq = UINT64_C(0x17ed48941a08f981);
	a->key = key;
	lie(a, t->what);
	buf_reset(&t->down);
	cursor_write(&w, &t->down);
	cursor_put_u32(&w, 0x05162463);
	cursor_put_raw(&w, a->nonce, 16);
	cursor_put_raw(&w, t->nonces + 16, 16);
	for (int i = 0; i < 8; i++)
		pq[i] = (uint8_t)(a->pq >> 8 * (7 - i));
	cursor_put_bytes(&w, pq, 8);
	cursor_put_vector(&w, 1);
	cursor_put_i64(&w, (int64_t)rsa_fingerprint(a->key));
	assert_int_equal(w.rc, 0);
}

/* new_nonce out of req_DH_params, with the private key. */
static void read_req_dh(struct talk *t)
{
	uint8_t inner[RSA_PAD_OPEN_LEN];
	struct tl_bytes box;
	struct tl_reader r;

	cursor_read(&r, buf_head(&t->up), buf_len(&t->up));
	assert_int_equal(cursor_get_u32(&r), 0xd712e4be);
	cursor_get_raw(&r, 32);
	cursor_get_bytes(&r);
	cursor_get_bytes(&r);
	assert_int_equal(cursor_get_i64(&r), (int64_t)rsa_fingerprint(key));
	box = cursor_get_bytes(&r);
	assert_int_equal(cursor_finish(&r), 0);
	assert_int_equal(box.len, 256);
	assert_int_equal(rsa_pad_decrypt(key, box.data, inner, NULL), 0);
	cursor_read(&r, inner, sizeof(inner));
	assert_int_equal(cursor_get_u32(&r), 0xa9f55f95);
	cursor_get_bytes(&r);
	cursor_get_bytes(&r);
	cursor_get_bytes(&r);
	cursor_get_raw(&r, 32);
	cursor_get_fixed(&r, t->new_nonce, 32);
	assert_int_equal(cursor_get_i32(&r), 2);
	mtkdf_handshake_aes(t->new_nonce, t->nonces + 16, &t->aes);
}

static void honest_params(struct talk *t)
{
	struct answers *a = &t->say;

	memcpy(a->params_nonce, t->nonces, 32);
	memcpy(a->inner_nonce, t->nonces, 32);
	a->inner_id = 0xb5890dba;
	a->g = 3;
	memcpy(a->prime, dh_known_prime, 256);
	a->prime_len = 256;
	memset(t->a, 0x42, 256);
	assert_int_equal(dh_power(3, t->a, dh_known_prime, a->g_a), 0);
	lie(a, t->what);
}

/* SHA-1, data, padding; encrypted. */
static size_t seal(struct talk *t, struct buf *inner, uint8_t *box)
{
	size_t len = 20 + buf_len(inner), padded = (len + 15) / 16 * 16;

	sha_1(buf_head(inner), buf_len(inner), box);
	memcpy(box + 20, buf_head(inner), buf_len(inner));
	padded += t->say.padding;
	memset(box + len, 7, padded - len);
	box[0] ^= t->say.break_hash;
	assert_int_equal(
		aes_ige_encrypt(t->aes.key, t->aes.iv, box, box, padded), 0);
	return padded - t->say.cut;
}

static void say_params(struct talk *t)
{
	struct answers *a = &t->say;
	uint8_t box[1024], hash[20];
	struct tl_writer w;
	struct buf inner;

	honest_params(t);
	buf_init(&inner, 1024);
	cursor_write(&w, &inner);
	cursor_put_u32(&w, a->inner_id);
	cursor_put_raw(&w, a->inner_nonce, 32);
	cursor_put_i32(&w, a->g);
	cursor_put_bytes(&w, a->prime, a->prime_len);
	cursor_put_bytes(&w, a->g_a, 256);
	cursor_put_i32(&w, 1790000000);
	buf_reset(&t->down);
	cursor_write(&w, &t->down);
	cursor_put_u32(&w, a->params_fail ? 0x79cb045d : 0xd0e8075c);
	cursor_put_raw(&w, a->params_nonce, 32);
	sha_1(t->new_nonce, 32, hash);
	hash[4] ^= a->break_hash;
	if (a->params_fail)
		cursor_put_raw(&w, hash + 4, 16);
	else
		cursor_put_bytes(&w, box, seal(t, &inner, box));
	assert_int_equal(w.rc, 0);
	buf_deinit(&inner);
}

/* The key both now share, from set_client_DH_params. */
static void read_client_dh(struct talk *t)
{
	struct tl_reader r;
	struct tl_bytes box, g_b;
	uint8_t plain[1024];

	cursor_read(&r, buf_head(&t->up), buf_len(&t->up));
	assert_int_equal(cursor_get_u32(&r), 0xf5045f1f);
	cursor_get_raw(&r, 32);
	box = cursor_get_bytes(&r);
	assert_int_equal(cursor_finish(&r), 0);
	assert_int_equal(aes_ige_decrypt(t->aes.key, t->aes.iv, box.data, plain,
					 box.len),
			 0);
	cursor_read(&r, plain + 20, box.len - 20);
	assert_int_equal(cursor_get_u32(&r), 0x6643b654);
	cursor_get_raw(&r, 40);
	g_b = cursor_get_bytes(&r);
	assert_int_equal(g_b.len, 256);
	assert_int_equal(dh_modexp(g_b.data, t->a, dh_known_prime, t->auth_key),
			 0);
}

static void say_gen(struct talk *t)
{
	struct answers *a = &t->say;
	struct tl_writer w;
	uint8_t hash[16];

	memcpy(a->gen_nonce, t->nonces, 32);
	a->gen_id = 0x3bcbf734;
	a->gen_number = 1;
	lie(a, t->what);
	mtkdf_new_nonce_hash(t->new_nonce, a->gen_number, t->auth_key, hash);
	hash[15] ^= a->break_gen;
	buf_reset(&t->down);
	cursor_write(&w, &t->down);
	cursor_put_u32(&w, a->gen_id);
	cursor_put_raw(&w, a->gen_nonce, 32);
	cursor_put_raw(&w, hash, 16);
	assert_int_equal(w.rc, 0);
}

static enum err talk_run(struct talk *t)
{
	enum err rc;
	int i;

	say_res_pq(t);
	rc = give(t);
	if (rc)
		return rc;
	read_req_dh(t);
	say_params(t);
	rc = give(t);
	for (i = 0; !rc && !t->done && i < 20; i++) {
		read_client_dh(t);
		say_gen(t);
		rc = give(t);
	}
	return rc;
}

static const struct {
	enum lie what;
	const char *says;
} lies[] = {
	{ PQ_NONCE, "resPQ: nonce differs" },
	{ PQ_PRIME, "resPQ: pq is prime" },
	{ PQ_KEY, "fingerprints" },
	{ PARAMS_NONCE, "server_DH_params_ok: nonce differs" },
	{ PARAMS_SERVER_NONCE, "server_DH_params_ok: server_nonce differs" },
	{ PARAMS_CUT, "encrypted part of" },
	{ INNER_ID, "server_DH_inner_data: another constructor" },
	{ INNER_HASH, "server_DH_inner_data: SHA-1 differs" },
	{ INNER_PADDING, "server_DH_inner_data: too much padding" },
	{ INNER_NONCE, "server_DH_inner_data: nonce differs" },
	{ INNER_SERVER_NONCE, "server_DH_inner_data: server_nonce differs" },
	{ PRIME_SHORT, "dh_prime: 255 bytes" },
	{ PRIME_BAD, "dh_prime: p is not prime" },
	{ G_BAD, "g = 2 is no generator" },
	{ G_RANGE, "g = 1 is not 2..7" },
	{ G_A_ONE, "g_a is below" },
	{ G_A_ALMOST_P, "g_a is above" },
	{ PARAMS_FAIL, "server_DH_params_fail: the server refused" },
	{ PARAMS_FAIL_HASH, "server_DH_params_fail: new_nonce_hash" },
	{ GEN_NONCE, "dh_gen_ok: nonce differs" },
	{ GEN_HASH, "dh_gen_ok: new_nonce_hash1 differs" },
	{ GEN_OTHER_HASH, "dh_gen_ok: new_nonce_hash1 differs" },
	{ GEN_FAIL, "dh_gen_fail: the server refused" },
	{ GEN_FOREVER, "dh_gen_retry: more than 5 times" },
	{ GEN_UNKNOWN, "unexpected answer #12345678" },
};

static void every_lie_has_its_words(void **state)
{
	struct talk t;
	size_t i;

	talk_begin(&t, HONEST);
	assert_int_equal(talk_run(&t), 0);
	assert_true(t.done);
	talk_end(&t);
	for (i = 0; i < ARRAY_LEN(lies); i++) {
		talk_begin(&t, lies[i].what);
		assert_int_equal(talk_run(&t), ERR_PROTO);
		if (!strstr(t.ei.msg, lies[i].says))
			fail_msg("'%s' instead of '%s'", t.ei.msg,
				 lies[i].says);
		assert_false(t.done);
		/* and it stays refused */
		t.ei.msg[0] = '\0';
		assert_int_equal(give(&t), ERR_PROTO);
		assert_non_null(strstr(t.ei.msg, lies[i].says));
		talk_end(&t);
	}
}

static void a_repeated_answer_is_refused(void **state)
{
	struct talk t;

	talk_begin(&t, HONEST);
	say_res_pq(&t);
	assert_int_equal(give(&t), 0);
	assert_int_equal(give(&t), ERR_PROTO);
	assert_non_null(strstr(t.ei.msg, "second time"));
	talk_end(&t);

	talk_begin(&t, HONEST);
	say_res_pq(&t);
	assert_int_equal(give(&t), 0);
	read_req_dh(&t);
	say_params(&t);
	assert_int_equal(give(&t), 0);
	assert_int_equal(give(&t), ERR_PROTO);
	assert_non_null(strstr(t.ei.msg, "second time"));
	talk_end(&t);
}

static void broken_bodies_are_refused(void **state)
{
	struct talk t;
	size_t len;

	for (len = 0; len < 64; len += 4) {
		talk_begin(&t, HONEST);
		say_res_pq(&t);
		t.down.len = t.down.pos + len;
		assert_int_equal(give(&t), ERR_PROTO);
		talk_end(&t);
	}
	talk_begin(&t, HONEST);
	say_res_pq(&t);
	assert_int_equal(buf_append(&t.down, "more", 4), 0);
	assert_int_equal(give(&t), ERR_PROTO);
	assert_non_null(strstr(t.ei.msg, "resPQ: malformed"));
	talk_end(&t);
}

/* While the work runs elsewhere, an answer is refused and nothing is touched. */
static void an_early_answer_waits_for_nobody(void **state)
{
	struct handshake_packet packet;
	enum handshake_step step;
	struct talk t;

	talk_begin(&t, HONEST);
	say_res_pq(&t);
	packet = (struct handshake_packet){ .body = buf_head(&t.down),
					    .len = buf_len(&t.down) };
	assert_int_equal(handshake_client_feed(t.client, &packet, &step, &t.ei),
			 0);
	assert_int_equal(step, HANDSHAKE_WANT_WORK);
	assert_int_equal(handshake_client_feed(t.client, &packet, &step, &t.ei),
			 ERR_PROTO);
	handshake_client_work(t.client);
	buf_reset(&t.up);
	assert_int_equal(handshake_client_resume(t.client, &t.up, &t.ei), 0);
	read_req_dh(&t);
	talk_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_lie_has_its_words),
		cmocka_unit_test(a_repeated_answer_is_refused),
		cmocka_unit_test(broken_bodies_are_refused),
		cmocka_unit_test(an_early_answer_waits_for_nobody),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
