/* SPDX-License-Identifier: MIT */
#include "mt_vectors.h"

#include "mtproto/proxy_secret.h"
#include "mtproto/transport.h"

#define LOG_MAX (4U << 20)

struct variant {
	enum transport_kind kind;
	bool obfuscated;
	const char *secret;
};

static const struct variant variants[] = {
	{ TRANSPORT_ABRIDGED, false, NULL },
	{ TRANSPORT_INTERMEDIATE, false, NULL },
	{ TRANSPORT_PADDED, false, NULL },
	{ TRANSPORT_FULL, false, NULL },
	{ TRANSPORT_ABRIDGED, true, NULL },
	{ TRANSPORT_INTERMEDIATE, true, NULL },
	{ TRANSPORT_PADDED, true, NULL },
	{ TRANSPORT_PADDED, true, "0123456789abcdef" },
};

/* Feeds in pieces (chunk 0: random sizes); appends a record per packet. */
static enum err run(struct transport *t, const uint8_t *data, size_t len,
		    size_t chunk, struct buf *log)
{
	struct rnd_seeded rnd;
	struct err_info ei = { 0 };
	size_t at = 0;

	rnd_seeded_init(&rnd, 99);
	while (at < len) {
		size_t n = chunk ? chunk : 1 + rnd_below(&rnd.rnd, 700);
		enum err rc;

		n = n < len - at ? n : len - at;
		rc = transport_feed(t, data + at, n, &ei);
		at += n;
		for (bool has = true; has && !rc;) {
			struct transport_packet p;

			rc = transport_next(t, &p, &has, &ei);
			if (rc || !has)
				break;
			rc = buf_printf(log, "[%d %d %u %d %zu]", p.type,
					p.code, p.token, p.wants_quick_ack,
					p.len);
			if (!rc)
				rc = buf_append(log, p.data, p.len);
		}
		if (rc)
			return rc;
	}
	return ERR_OK;
}

/* An encrypted-looking payload: padding can be told apart. */
static size_t payload(struct rnd *rnd, uint8_t *data, unsigned int i)
{
	static const size_t sizes[] = { 40,   56, 24 + 16 * 30, 504, 520,
					4088, 40, 65544,	40,  72 };
	size_t len = sizes[i % ARRAY_LEN(sizes)];

	rnd_fill(rnd, data, len);
	data[0] = 1;
	return len;
}

static struct transport_config config(const struct variant *v)
{
	return (struct transport_config){
		.kind = v->kind,
		.obfuscated = v->obfuscated,
		.dc_field = v->obfuscated ? -2 : 0,
		.secret = (const uint8_t *)v->secret,
	};
}

/* Twenty packets from `from` in wire, and what they must come out as in log. */
static void make_traffic(struct transport *from, struct rnd *rnd,
			 struct buf *wire, struct buf *log)
{
	uint8_t *data = malloc(1U << 17);

	for (unsigned int i = 0; i < 20; i++) {
		size_t len = payload(rnd, data, i);

		assert_int_equal(transport_send(from, data, len, wire, NULL),
				 ERR_OK);
		assert_int_equal(buf_printf(log, "[0 0 0 0 %zu]", len), ERR_OK);
		assert_int_equal(buf_append(log, data, len), ERR_OK);
	}
	free(data);
}

static void same_bytes(const struct buf *a, const struct buf *b)
{
	assert_int_equal(buf_len(a), buf_len(b));
	assert_memory_equal(buf_head(a), buf_head(b), buf_len(a));
}

static void check_variant(const struct variant *v, size_t chunk)
{
	struct transport_config cfg = config(v);
	struct transport client, server;
	struct buf wire, want, got;
	struct rnd_seeded rnd;

	rnd_seeded_init(&rnd, 5);
	buf_init(&wire, LOG_MAX);
	buf_init(&want, LOG_MAX);
	buf_init(&got, LOG_MAX);
	transport_init_client(&client, &cfg, &rnd.rnd);
	transport_init_server(&server, &cfg, &rnd.rnd);

	make_traffic(&client, &rnd.rnd, &wire, &want);
	assert_int_equal(
		run(&server, buf_head(&wire), buf_len(&wire), chunk, &got),
		ERR_OK);
	same_bytes(&want, &got);
	assert_int_equal(transport_kind(&server), v->kind);
	assert_int_equal(transport_dc_field(&server), cfg.dc_field);
	assert_null(server.in.data); /* idle: no buffer */

	buf_reset(&wire);
	buf_reset(&want);
	buf_reset(&got);
	make_traffic(&server, &rnd.rnd, &wire, &want);
	assert_int_equal(
		run(&client, buf_head(&wire), buf_len(&wire), chunk, &got),
		ERR_OK);
	same_bytes(&want, &got);
	assert_null(client.in.data);

	buf_reset(&wire);
	buf_reset(&got);
	assert_int_equal(transport_send_error(&server, -404, &wire, NULL),
			 ERR_OK);
	assert_int_equal(
		transport_send_quick_ack(&server, 0x12345678, &wire, NULL),
		ERR_OK);
	assert_int_equal(
		run(&client, buf_head(&wire), buf_len(&wire), chunk, &got),
		ERR_OK);
	assert_string_equal(buf_cstr(&got),
			    v->kind == TRANSPORT_FULL
				    ? "[1 -404 0 0 0]"
				    : "[1 -404 0 0 0][2 0 2452903544 0 0]");
	buf_deinit(&wire);
	buf_deinit(&want);
	buf_deinit(&got);
	transport_deinit(&client);
	transport_deinit(&server);
}

static void both_ways_however_cut(void **state)
{
	static const size_t chunks[] = { 1, 3, 64, 0, TRANSPORT_FEED_MAX };

	for (size_t i = 0; i < ARRAY_LEN(variants); i++)
		for (size_t j = 0; j < ARRAY_LEN(chunks); j++)
			check_variant(&variants[i], chunks[j]);
}

/* What rnd must give so that the known answer comes out. */
static struct buf script(struct json v, bool padded)
{
	struct mt_bytes header = mt_hex(json_get(v, "header_random"));
	struct buf b;

	buf_init(&b, LOG_MAX);
	assert_int_equal(buf_append(&b, header.data, header.len), ERR_OK);
	free(header.data);
	if (!padded)
		return b;
	for (struct json_iter it = json_iter(json_get(v, "to_server"));
	     json_next(&it);) {
		struct mt_bytes clear = mt_hex(json_get(it.val, "clear"));
		size_t used = 4 + json_strlen(json_get(it.val, "payload")) / 2;

		assert_int_equal(
			buf_append_byte(&b, (uint8_t)(clear.len - used)),
			ERR_OK);
		assert_int_equal(
			buf_append(&b, clear.data + used, clear.len - used),
			ERR_OK);
		free(clear.data);
	}
	return b;
}

static void check_obfuscated(struct json v)
{
	bool padded = strstr(json_str(json_get(v, "name"), ""), "padded");
	struct buf random = script(v, padded), wire, want;
	struct mt_bytes secret = { 0 }, sent, back, clear;
	struct transport_config cfg = {
		.kind = padded ? TRANSPORT_PADDED : TRANSPORT_INTERMEDIATE,
		.obfuscated = true,
		.dc_field = (int16_t)json_int(json_get(v, "dc_field"), 0),
	};
	struct rnd_fixed rnd;
	struct transport t;

	if (json_is_string(json_get(v, "secret"))) {
		secret = mt_hex(json_get(v, "secret"));
		assert_int_equal(secret.len, TRANSPORT_SECRET_LEN);
		cfg.secret = secret.data;
	}
	rnd_fixed_init(&rnd, buf_head(&random), buf_len(&random));
	transport_init_client(&t, &cfg, &rnd.rnd);
	buf_init(&wire, LOG_MAX);
	buf_init(&want, LOG_MAX);
	sent = mt_hex(json_get(v, "header_sent"));
	assert_int_equal(buf_append(&want, sent.data, sent.len), ERR_OK);
	free(sent.data);
	for (struct json_iter it = json_iter(json_get(v, "to_server"));
	     json_next(&it);) {
		struct mt_bytes data = mt_hex(json_get(it.val, "payload"));

		sent = mt_hex(json_get(it.val, "wire"));
		assert_int_equal(
			transport_send(&t, data.data, data.len, &wire, NULL),
			ERR_OK);
		assert_int_equal(buf_append(&want, sent.data, sent.len),
				 ERR_OK);
		free(sent.data);
		free(data.data);
	}
	same_bytes(&want, &wire);

	/* The other direction is random bytes: look behind the cipher. */
	back = mt_hex(json_get(json_get(v, "from_server"), "wire"));
	clear = mt_hex(json_get(json_get(v, "from_server"), "clear"));
	assert_int_equal(transport_feed(&t, back.data, back.len, NULL), ERR_OK);
	assert_int_equal(buf_len(&t.in), clear.len);
	assert_memory_equal(buf_head(&t.in), clear.data, clear.len);
	free(back.data);
	free(clear.data);
	free(secret.data);
	buf_deinit(&random);
	buf_deinit(&wire);
	buf_deinit(&want);
	transport_deinit(&t);
}

static void obfuscated_known_answers(void **state)
{
	struct json_doc doc = mt_load("aes_ctr.json");
	size_t n = 0;

	for (struct json_iter it =
		     json_iter(json_get(json_root(&doc), "obfuscated2"));
	     json_next(&it); n++)
		check_obfuscated(it.val);
	assert_int_equal(n, 5);
	json_free(&doc);
}

static enum err serve(const void *data, size_t len, size_t max_packet)
{
	struct transport_config cfg = { .max_packet = max_packet };
	struct rnd_seeded rnd;
	struct transport t;
	struct buf log;
	enum err rc, again;

	rnd_seeded_init(&rnd, 1);
	buf_init(&log, LOG_MAX);
	transport_init_server(&t, &cfg, &rnd.rnd);
	rc = run(&t, data, len, 1, &log);
	if (rc) {
		again = transport_feed(&t, data, 1, NULL);
		assert_int_equal(again, ERR_PROTO); /* stays broken */
	}
	buf_deinit(&log);
	transport_deinit(&t);
	return rc;
}

static void foreign_protocols_are_refused(void **state)
{
	static const char tls[] = "\x16\x03\x01\x02\x01\x01\x01\x01";
	uint8_t noise[64];

	memset(noise, 0x55, sizeof(noise));
	assert_int_equal(serve("GET / HTTP/1.1\r\n", 16, 0), ERR_PROTO);
	assert_int_equal(serve("POST /api HTTP/1.1\r\n", 20, 0), ERR_PROTO);
	assert_int_equal(serve("HEAD / HTTP/1.1\r\n", 17, 0), ERR_PROTO);
	assert_int_equal(serve("OPTIONS * HTTP/1.1\r\n", 20, 0), ERR_PROTO);
	assert_int_equal(serve(tls, 8, 0), ERR_PROTO);
	assert_int_equal(serve(noise, 64, 0), ERR_PROTO);
	assert_int_equal(serve(noise, 63, 0), ERR_OK); /* not yet known */
}

static void sizes_are_bounded(void **state)
{
	assert_int_equal(serve("\xef\x00", 2, 0), ERR_PROTO);
	assert_int_equal(serve("\xef\x7f\xff\xff\xff", 5, 1U << 20),
			 ERR_TOOBIG);
	assert_int_equal(serve("\xef\x11", 2, 64), ERR_TOOBIG);
	assert_int_equal(serve("\xef\x10", 2, 64), ERR_OK);
	assert_int_equal(serve("\xee\xee\xee\xee\x03\0\0\0", 8, 0), ERR_PROTO);
	assert_int_equal(serve("\xee\xee\xee\xee\xff\xff\xff\x7f", 8, 0),
			 ERR_TOOBIG);
	assert_int_equal(serve("\x0c\0\0\0\0\0\0\0", 8, 0), ERR_PROTO);
	assert_int_equal(serve("\x11\0\0\0\0\0\0\0", 8, 0), ERR_PROTO);
	assert_int_equal(serve("\xff\xff\xff\x7f\0\0\0\0", 8, 0), ERR_PROTO);
	assert_int_equal(serve("\xfc\xff\xff\x7f\0\0\0\0", 8, 0), ERR_TOOBIG);
}

static void full_checks_number_and_crc(void **state)
{
	struct transport_config cfg = { .kind = TRANSPORT_FULL };
	struct rnd_seeded rnd;
	struct transport t;
	struct buf wire;
	size_t one;

	rnd_seeded_init(&rnd, 1);
	buf_init(&wire, 4096);
	transport_init_client(&t, &cfg, &rnd.rnd);
	assert_int_equal(transport_send(&t, "abcdefgh", 8, &wire, NULL),
			 ERR_OK);
	one = buf_len(&wire);
	assert_int_equal(one, 20);
	assert_int_equal(serve(buf_head(&wire), one, 0), ERR_OK);
	for (size_t i = 8; i < one; i++) {
		buf_head(&wire)[i] ^= 1;
		assert_int_equal(serve(buf_head(&wire), one, 0), ERR_PROTO);
		buf_head(&wire)[i] ^= 1;
	}
	/* The same packet twice: number 0 where 1 is due. */
	assert_int_equal(buf_append(&wire, "", 0), ERR_OK);
	{
		uint8_t twice[40];

		memcpy(twice, buf_head(&wire), 20);
		memcpy(twice + 20, buf_head(&wire), 20);
		assert_int_equal(serve(twice, 40, 0), ERR_PROTO);
	}
	buf_deinit(&wire);
	transport_deinit(&t);
}

static void quick_ack_requests_are_tolerated(void **state)
{
	static const char abridged[] = "\xef\x82"
				       "12345678";
	static const char intermediate[] = "\xee\xee\xee\xee\x08\0\0\x80"
					   "12345678";
	const struct {
		const char *data;
		size_t len;
	} in[] = { { abridged, 10 }, { intermediate, 16 } };

	for (size_t i = 0; i < 2; i++) {
		struct rnd_seeded rnd;
		struct transport t;
		struct buf log;

		rnd_seeded_init(&rnd, 1);
		buf_init(&log, 4096);
		transport_init_server(&t, NULL, &rnd.rnd);
		assert_int_equal(run(&t, (const uint8_t *)in[i].data, in[i].len,
				     1, &log),
				 ERR_OK);
		assert_string_equal(buf_cstr(&log), "[0 0 0 1 8]12345678");
		buf_deinit(&log);
		transport_deinit(&t);
	}
}

static void padded_error_codes_lose_their_padding(void **state)
{
	struct transport_config cfg = { .kind = TRANSPORT_PADDED };
	static const char wire[] = "\x0b\0\0\0\x6c\xfe\xff\xff"
				   "1234567";
	struct rnd_seeded rnd;
	struct transport t;
	struct buf log;

	rnd_seeded_init(&rnd, 1);
	buf_init(&log, 4096);
	transport_init_client(&t, &cfg, &rnd.rnd);
	assert_int_equal(
		run(&t, (const uint8_t *)wire, sizeof(wire) - 1, 1, &log),
		ERR_OK);
	assert_string_equal(buf_cstr(&log), "[1 -404 0 0 0]");
	buf_deinit(&log);
	transport_deinit(&t);
}

static void nothing_is_sent_before_the_kind_is_known(void **state)
{
	struct rnd_seeded rnd;
	struct transport t;
	struct buf out;

	rnd_seeded_init(&rnd, 1);
	buf_init(&out, 4096);
	transport_init_server(&t, NULL, &rnd.rnd);
	assert_int_equal(transport_send(&t, "abcd", 4, &out, NULL),
			 ERR_INVALID);
	assert_int_equal(buf_len(&out), 0);
	buf_deinit(&out);
	transport_deinit(&t);
}

static void error_codes_have_a_meaning(void **state)
{
	struct err_info ei = { 0 };

	assert_int_equal(transport_error(-404, &ei), ERR_AUTH_GONE);
	assert_int_equal(transport_error(-429, &ei), ERR_FLOOD);
	assert_true(ei.arg > 0);
	assert_int_equal(transport_error(-444, &ei), ERR_WRONG_DC);
	assert_int_equal(transport_error(-1, &ei), ERR_PROTO);
}

static void names_of_settings(void **state)
{
	static const struct {
		const char *text;
		enum transport_kind kind;
		bool obfuscated;
	} good[] = {
		{ "full", TRANSPORT_FULL, false },
		{ "abridged", TRANSPORT_ABRIDGED, false },
		{ "intermediate", TRANSPORT_INTERMEDIATE, false },
		{ "padded", TRANSPORT_PADDED, false },
		{ "obfuscated-abridged", TRANSPORT_ABRIDGED, true },
		{ "obfuscated-intermediate", TRANSPORT_INTERMEDIATE, true },
		{ "obfuscated-padded", TRANSPORT_PADDED, true },
	};
	static const char *const bad[] = { "",		 "unknown",
					   "obfuscated", "obfuscated-full",
					   "FULL",	 "obfuscated-" };
	struct transport_config cfg;
	struct err_info ei;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cfg = (struct transport_config){ 0 };
		assert_int_equal(transport_parse(good[i].text, &cfg, NULL),
				 ERR_OK);
		assert_int_equal(cfg.kind, good[i].kind);
		assert_int_equal(cfg.obfuscated, good[i].obfuscated);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(transport_parse(bad[i], &cfg, &ei),
				 ERR_INVALID);
		assert_non_null(strstr(ei.msg, "abridged"));
	}
}

/* What is spoken to an MTProxy with secrets that are not TLS. */
static void a_proxy_has_a_say(void **state)
{
	static const struct {
		enum proxy_secret_kind secret;
		enum transport_kind wish, want;
	} cases[] = {
		{ PROXY_SECRET_PLAIN, TRANSPORT_ABRIDGED, TRANSPORT_ABRIDGED },
		{ PROXY_SECRET_PLAIN, TRANSPORT_FULL, TRANSPORT_INTERMEDIATE },
		{ PROXY_SECRET_PADDED, TRANSPORT_ABRIDGED, TRANSPORT_PADDED },
	};
	struct rnd_seeded rnd;

	rnd_seeded_init(&rnd, 3);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct proxy_secret ps = { .kind = cases[i].secret,
					   .key = "0123456789abcde" };
		struct transport_config cc = { .kind = cases[i].wish,
					       .dc_field = 10002,
					       .proxy = &ps };
		struct transport_config sc = { .secret = ps.key };
		struct transport client, server;
		struct buf wire;

		buf_init(&wire, 4096);
		transport_init_client(&client, &cc, &rnd.rnd);
		transport_init_server(&server, &sc, &rnd.rnd);
		assert_int_equal(
			transport_start(&client, wall_from_sec(1), &wire, NULL),
			ERR_OK);
		assert_int_equal(buf_len(&wire), 0);
		assert_true(transport_is_open(&client));
		assert_int_equal(transport_send(&client, "12345678abcdefgh", 16,
						&wire, NULL),
				 ERR_OK);
		assert_int_equal(transport_feed(&server, buf_head(&wire),
						buf_len(&wire), NULL),
				 ERR_OK);
		assert_int_equal(transport_next(&server,
						&(struct transport_packet){ 0 },
						&(bool){ false }, NULL),
				 ERR_OK);
		assert_int_equal(transport_kind(&server), cases[i].want);
		assert_int_equal(transport_dc_field(&server), 10002);
		transport_deinit(&client);
		transport_deinit(&server);
		buf_deinit(&wire);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_however_cut),
		cmocka_unit_test(obfuscated_known_answers),
		cmocka_unit_test(foreign_protocols_are_refused),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(full_checks_number_and_crc),
		cmocka_unit_test(quick_ack_requests_are_tolerated),
		cmocka_unit_test(padded_error_codes_lose_their_padding),
		cmocka_unit_test(nothing_is_sent_before_the_kind_is_known),
		cmocka_unit_test(error_codes_have_a_meaning),
		cmocka_unit_test(names_of_settings),
		cmocka_unit_test(a_proxy_has_a_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
