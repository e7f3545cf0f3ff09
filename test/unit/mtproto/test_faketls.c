/* SPDX-License-Identifier: MIT */
/*
 * The client against a small proxy written from the published scheme: it checks
 * the ClientHello's digest and answers with one of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/sha.h"
#include "mtproto/bytes.h"
#include "mtproto/faketls.h"
#include "mtproto/transport.h"

#define NOW_SEC 1790000000LL
#define RANDOM_AT 11
#define SESSION_AT 43

static struct proxy_secret secret;
static struct rnd_seeded rnd;

static void seed(const char *domain, uint64_t n)
{
	memset(&secret, 0, sizeof(secret));
	secret.kind = PROXY_SECRET_TLS;
	memset(secret.key, 0x5a, sizeof(secret.key));
	snprintf(secret.domain, sizeof(secret.domain), "%s", domain);
	rnd_seeded_init(&rnd, n);
}

static void hmac(const uint8_t *prefix, size_t prefix_len, const uint8_t *data,
		 size_t len, uint8_t out[32])
{
	uint8_t *all = malloc(prefix_len + len);

	if (prefix_len)
		memcpy(all, prefix, prefix_len);
	memcpy(all + prefix_len, data, len);
	memset(all + prefix_len + RANDOM_AT, 0, 32);
	assert_int_equal(
		sha_256_hmac(secret.key, 16, all, prefix_len + len, out),
		ERR_OK);
	free(all);
}

/* ---- the proxy */

/* The time the client says it is, or -1: not of somebody who knows. */
static int64_t check_hello(const uint8_t *p, size_t len)
{
	uint8_t want[32], x[32];

	hmac(NULL, 0, p, len, want);
	for (int i = 0; i < 32; i++)
		x[i] = want[i] ^ p[RANDOM_AT + i];
	for (int i = 0; i < 28; i++) {
		if (x[i])
			return -1;
	}
	return bytes_get_u32(x + 28);
}

static void put(struct buf *b, const void *data, size_t len)
{
	assert_int_equal(buf_append(b, data, len), ERR_OK);
}

/* ServerHello as proxies make it, then `cert` bytes of data. */
static struct buf answer_to(const uint8_t *hello, size_t cert)
{
	uint8_t tail[5] = { 0x17, 3, 3, (uint8_t)(cert >> 8), (uint8_t)cert };
	uint8_t noise[64], digest[32];
	struct buf b;

	buf_init(&b, 1 << 20);
	rnd_fill(&rnd.rnd, noise, sizeof(noise));
	put(&b, "\x16\3\3\0\x7a\2\0\0\x76\3\3", 11);
	put(&b, (uint8_t[32]){ 0 }, 32);
	put(&b, hello + SESSION_AT, 33);
	put(&b, "\x13\1\0\0\x2e\0\x33\0\x24\0\x1d\0\x20", 13);
	put(&b, noise, 32);
	put(&b, "\0\x2b\0\2\3\4", 6);
	put(&b, "\x14\3\3\0\1\1", 6);
	put(&b, tail, 5);
	for (size_t i = 0; i < cert; i++)
		put(&b, noise + i % 64, 1);
	hmac(hello + RANDOM_AT, 32, buf_head(&b), buf_len(&b), digest);
	memcpy(buf_head(&b) + RANDOM_AT, digest, 32);
	return b;
}

/* ---- helpers */

struct pair {
	struct faketls f;
	struct buf hello, plain;
};

static struct pair started(void)
{
	struct pair p;

	buf_init(&p.hello, 4096);
	buf_init(&p.plain, 1 << 20);
	faketls_init(&p.f, &secret, &rnd.rnd);
	assert_int_equal(
		faketls_start(&p.f, wall_from_sec(NOW_SEC), &p.hello, NULL),
		ERR_OK);
	return p;
}

static void ended(struct pair *p)
{
	faketls_deinit(&p->f);
	buf_deinit(&p->hello);
	buf_deinit(&p->plain);
}

static struct pair opened(void)
{
	struct pair p = started();
	struct buf a = answer_to(buf_head(&p.hello), 1000);

	assert_int_equal(
		faketls_feed(&p.f, buf_head(&a), buf_len(&a), &p.plain, NULL),
		ERR_OK);
	assert_true(faketls_is_open(&p.f));
	buf_deinit(&a);
	return p;
}

/* ---- ClientHello */

static unsigned int u16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static bool is_grease(unsigned int v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* Every length in it fits, and each extension comes once. */
static void well_formed(const uint8_t *p, size_t len, const char *domain)
{
	size_t at, n, seen_n = 0;
	unsigned int seen[32];
	bool named = false;

	assert_memory_equal(p, "\x16\3\1", 3);
	assert_int_equal(u16(p + 3), len - 5);
	assert_int_equal(p[5], 1);
	assert_int_equal(p[6], 0);
	assert_int_equal(u16(p + 7), len - 9);
	assert_int_equal(u16(p + 9), 0x0303);
	assert_int_equal(p[SESSION_AT], 32);
	at = SESSION_AT + 33;
	n = u16(p + at);
	assert_int_equal(n, 32);
	assert_true(is_grease(u16(p + at + 2)));
	at += 2 + n;
	assert_memory_equal(p + at, "\1\0", 2);
	assert_int_equal(u16(p + at + 2), len - at - 4);
	for (at += 4; at < len; at += 4 + n) {
		unsigned int id = u16(p + at);

		n = u16(p + at + 2);
		assert_true(at + 4 + n <= len);
		for (size_t i = 0; i < seen_n; i++)
			assert_true(seen[i] != id);
		seen[seen_n++] = id;
		if (id == 0) {
			named = true;
			assert_int_equal(n, strlen(domain) + 5);
			assert_int_equal(u16(p + at + 4), n - 2);
			assert_int_equal(u16(p + at + 7), strlen(domain));
			assert_memory_equal(p + at + 9, domain, strlen(domain));
		}
	}
	assert_int_equal(at, len);
	assert_true(named);
	assert_in_range(seen_n, 17, 18);
}

static void the_hello_proves_the_secret(void **state)
{
	char long_name[183];
	const char *names[] = { "a.b", "www.example.com", long_name };

	memset(long_name, 'x', 182);
	long_name[182] = '\0';
	for (uint64_t i = 0; i < 60; i++) {
		struct pair p;
		uint8_t *b;

		seed(names[i % 3], i);
		p = started();
		b = buf_head(&p.hello);
		if (i % 3 < 2)
			assert_int_equal(buf_len(&p.hello), 517);
		well_formed(b, buf_len(&p.hello), secret.domain);
		assert_true(check_hello(b, buf_len(&p.hello)) == NOW_SEC);
		b[100] ^= 1;
		assert_true(check_hello(b, buf_len(&p.hello)) == -1);
		b[100] ^= 1;
		secret.key[3] ^= 1;
		assert_true(check_hello(b, buf_len(&p.hello)) == -1);
		ended(&p);
	}
}

/* ---- ServerHello */

static void the_proxy_must_know_the_secret(void **state)
{
	struct pair p;
	struct buf a;

	seed("example.com", 1);
	p = started();
	a = answer_to(buf_head(&p.hello), 200);
	for (size_t i = 0; i < buf_len(&a); i++) {
		struct pair q;
		uint8_t *b = buf_head(&a);

		rnd_seeded_init(&rnd, 1);
		q = started();
		/* the same hello, so that only the flip is wrong */
		assert_memory_equal(buf_head(&q.hello), buf_head(&p.hello),
				    517);
		b[i] ^= 0x10;
		/* a longer record is waited for: not an error, not open */
		if (faketls_feed(&q.f, b, buf_len(&a), &q.plain, NULL))
			assert_int_equal(
				faketls_feed(&q.f, "", 0, &q.plain, NULL),
				ERR_PROTO);
		assert_false(faketls_is_open(&q.f));
		assert_int_equal(buf_len(&q.plain), 0);
		b[i] ^= 0x10;
		ended(&q);
	}
	assert_int_equal(
		faketls_feed(&p.f, buf_head(&a), buf_len(&a), &p.plain, NULL),
		ERR_OK);
	assert_true(faketls_is_open(&p.f));
	buf_deinit(&a);
	ended(&p);
}

static void an_answer_to_another_hello_is_refused(void **state)
{
	struct pair p, q;
	struct buf a;

	seed("example.com", 1);
	p = started();
	q = started();
	a = answer_to(buf_head(&p.hello), 200);
	assert_int_equal(
		faketls_feed(&q.f, buf_head(&a), buf_len(&a), &q.plain, NULL),
		ERR_PROTO);
	buf_deinit(&a);
	ended(&p);
	ended(&q);
}

static void refuse(const char *bytes, size_t len, const char *word)
{
	struct err_info ei = { 0 };
	struct pair p = started();

	assert_int_equal(faketls_feed(&p.f, bytes, len, &p.plain, &ei),
			 ERR_PROTO);
	if (!strstr(ei.msg, word))
		fail_msg("%s", ei.msg);
	ended(&p);
}

static void other_servers_are_refused(void **state)
{
	seed("example.com", 1);
	refuse("\x15\3\3\0\2\2\x28", 7, "alert");
	refuse("HTTP/1.1 400", 12, "not a proxy");
	refuse("\x16\3\1", 3, "not a proxy");
	refuse("\x16\3\3\xff\xff", 5, "65535");
	refuse("\x16\3\3\0\1\2", 6, "too short");
	refuse("\x16\3\3\0\0", 5, "too short");
}

static void the_stream_may_be_cut_anywhere(void **state)
{
	static const char text[] = "what the proxy forwards";

	for (size_t cut = 1; cut < 300; cut += 7) {
		struct pair p;
		struct buf a;

		seed("example.com", 3);
		p = started();
		a = answer_to(buf_head(&p.hello), 100);
		for (int i = 0; i < 3; i++) {
			put(&a, "\x17\3\3\0\x17", 5);
			put(&a, text, 23);
		}
		put(&a, "\x17\3\3\0\0", 5); /* empty: allowed */
		for (size_t at = 0; at < buf_len(&a); at += cut) {
			size_t n = buf_len(&a) - at;

			n = n < cut ? n : cut;
			assert_int_equal(faketls_feed(&p.f, buf_head(&a) + at,
						      n, &p.plain, NULL),
					 ERR_OK);
		}
		assert_int_equal(buf_len(&p.plain), 69);
		assert_memory_equal(buf_head(&p.plain) + 46, text, 23);
		assert_null(p.f.in.data); /* nothing is held when idle */
		buf_deinit(&a);
		ended(&p);
	}
}

static void records_out_are_bounded(void **state)
{
	uint8_t *data = calloc(1, 40000);
	struct buf out;
	struct pair p;
	const uint8_t *b;

	seed("example.com", 4);
	p = opened();
	buf_init(&out, 1 << 20);
	assert_int_equal(faketls_send(&p.f, data, 40000, &out, NULL), ERR_OK);
	b = buf_head(&out);
	assert_memory_equal(b, "\x14\3\3\0\1\1", 6);
	assert_memory_equal(b + 6, "\x17\3\3\x40\0", 5);
	assert_memory_equal(b + 6 + 16389, "\x17\3\3\x40\0", 5);
	assert_int_equal(u16(b + 6 + 2 * 16389 + 3), 40000 - 2 * 16384);
	assert_int_equal(buf_len(&out), 6 + 15 + 40000);
	buf_reset(&out);
	assert_int_equal(faketls_send(&p.f, data, 3, &out, NULL), ERR_OK);
	assert_int_equal(buf_len(&out), 8); /* no second change of cipher */
	/* once broken, always */
	assert_int_equal(faketls_feed(&p.f, "\x16\3\3", 3, &p.plain, NULL),
			 ERR_PROTO);
	assert_int_equal(faketls_send(&p.f, data, 3, &out, NULL), ERR_PROTO);
	buf_deinit(&out);
	ended(&p);
	free(data);
}

/* A packet of the transport, through it all. */
static void the_transport_inside(void **state)
{
	struct transport_config cc = { .kind = TRANSPORT_PADDED,
				       .obfuscated = true,
				       .dc_field = 2,
				       .secret = secret.key };
	struct transport_config sc = { .secret = secret.key };
	struct transport client, server;
	struct transport_packet pkt;
	struct buf wire, out;
	struct pair p;
	const uint8_t *b;
	bool has;

	seed("example.com", 5);
	p = opened();
	buf_init(&wire, 1 << 16);
	buf_init(&out, 1 << 16);
	transport_init_client(&client, &cc, &rnd.rnd);
	transport_init_server(&server, &sc, &rnd.rnd);
	assert_int_equal(
		transport_send(&client, "12345678abcdefgh", 16, &wire, NULL),
		ERR_OK);
	assert_int_equal(
		faketls_send(&p.f, buf_head(&wire), buf_len(&wire), &out, NULL),
		ERR_OK);
	b = buf_head(&out) + 6;
	assert_int_equal(u16(b + 3), buf_len(&out) - 11);
	assert_int_equal(transport_feed(&server, b + 5, u16(b + 3), NULL),
			 ERR_OK);
	assert_int_equal(transport_next(&server, &pkt, &has, NULL), ERR_OK);
	assert_true(has);
	assert_memory_equal(pkt.data, "12345678abcdefgh", 16);
	assert_int_equal(transport_dc_field(&server), 2);
	transport_deinit(&client);
	transport_deinit(&server);
	buf_deinit(&wire);
	buf_deinit(&out);
	ended(&p);
}

/* The same when the transport dresses itself. */
static void the_transport_in_costume(void **state)
{
	struct transport_config cc = { .kind = TRANSPORT_FULL,
				       .dc_field = -3,
				       .proxy = &secret };
	struct transport_config sc = { .secret = secret.key };
	struct transport client, server;
	struct transport_packet pkt;
	struct buf hello, answer, out, back;
	uint8_t sealed[40];
	const uint8_t *b;
	bool has;

	seed("example.com", 6);
	buf_init(&hello, 4096);
	buf_init(&out, 1 << 16);
	buf_init(&back, 1 << 16);
	transport_init_client(&client, &cc, &rnd.rnd);
	transport_init_server(&server, &sc, &rnd.rnd);
	assert_false(transport_is_open(&client));
	assert_int_equal(
		transport_start(&client, wall_from_sec(NOW_SEC), &hello, NULL),
		ERR_OK);
	assert_int_equal(check_hello(buf_head(&hello), buf_len(&hello)),
			 NOW_SEC);
	assert_false(transport_is_open(&client));
	answer = answer_to(buf_head(&hello), 1000);
	for (size_t i = 0; i < buf_len(&answer); i++)
		assert_int_equal(
			transport_feed(&client, buf_head(&answer) + i, 1, NULL),
			ERR_OK);
	assert_true(transport_is_open(&client));
	assert_int_equal(transport_next(&client, &pkt, &has, NULL), ERR_OK);
	assert_false(has);

	assert_int_equal(
		transport_send(&client, "12345678abcdefgh", 16, &out, NULL),
		ERR_OK);
	b = buf_head(&out) + 6; /* change_cipher_spec */
	assert_int_equal(u16(b + 3), buf_len(&out) - 11);
	assert_int_equal(transport_feed(&server, b + 5, u16(b + 3), NULL),
			 ERR_OK);
	assert_int_equal(transport_next(&server, &pkt, &has, NULL), ERR_OK);
	assert_true(has);
	assert_memory_equal(pkt.data, "12345678abcdefgh", 16);
	assert_int_equal(transport_dc_field(&server), -3);
	assert_int_equal(transport_kind(&server), TRANSPORT_PADDED);

	buf_reset(&out);
	memset(sealed, 'A', sizeof(sealed)); /* as an encrypted message */
	assert_int_equal(
		transport_send(&server, sealed, sizeof(sealed), &out, NULL),
		ERR_OK);
	assert_int_equal(buf_append(&back, "\x17\3\3\0", 4), ERR_OK);
	assert_int_equal(buf_append_byte(&back, (uint8_t)buf_len(&out)),
			 ERR_OK);
	assert_int_equal(buf_append(&back, buf_head(&out), buf_len(&out)),
			 ERR_OK);
	assert_int_equal(
		transport_feed(&client, buf_head(&back), buf_len(&back), NULL),
		ERR_OK);
	assert_int_equal(transport_next(&client, &pkt, &has, NULL), ERR_OK);
	assert_true(has);
	assert_int_equal(pkt.type, TRANSPORT_DATA);
	assert_int_equal(pkt.len, sizeof(sealed));
	transport_deinit(&client);
	transport_deinit(&server);
	buf_deinit(&hello);
	buf_deinit(&answer);
	buf_deinit(&out);
	buf_deinit(&back);
}

/* Somebody else's web server: the stream is broken and stays so. */
static void the_transport_meets_a_web_server(void **state)
{
	struct transport_config cc = { .kind = TRANSPORT_PADDED,
				       .proxy = &secret };
	struct transport t;
	struct buf hello;

	seed("example.com", 7);
	buf_init(&hello, 4096);
	transport_init_client(&t, &cc, &rnd.rnd);
	assert_int_equal(
		transport_start(&t, wall_from_sec(NOW_SEC), &hello, NULL),
		ERR_OK);
	assert_int_equal(transport_feed(&t, "\x15\3\3\0\2\2\x28", 7, NULL),
			 ERR_PROTO);
	assert_int_equal(transport_feed(&t, "x", 1, NULL), ERR_PROTO);
	assert_false(transport_is_open(&t));
	transport_deinit(&t);
	buf_deinit(&hello);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hello_proves_the_secret),
		cmocka_unit_test(the_proxy_must_know_the_secret),
		cmocka_unit_test(an_answer_to_another_hello_is_refused),
		cmocka_unit_test(other_servers_are_refused),
		cmocka_unit_test(the_stream_may_be_cut_anywhere),
		cmocka_unit_test(records_out_are_bounded),
		cmocka_unit_test(the_transport_inside),
		cmocka_unit_test(the_transport_in_costume),
		cmocka_unit_test(the_transport_meets_a_web_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
