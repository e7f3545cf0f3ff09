/* SPDX-License-Identifier: MIT */
#include "keydc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"

void keydc_init(struct keydc *k, const struct rsa_key *rsa, int64_t sec)
{
	*k = (struct keydc){ .rsa = rsa, .sec = sec };
	keydc_accept(k);
}

void keydc_deinit(struct keydc *k)
{
	handshake_server_free(k->hs);
	fakedc_deinit(&k->dc);
}

void keydc_accept(struct keydc *k)
{
	const struct handshake_server_config cfg = { .keys = &k->rsa,
						     .key_count = 1,
						     .rnd = rnd_system() };
	static const uint8_t none[AUTHKEY_LEN] = { 1 };

	handshake_server_free(k->hs);
	assert_int_equal(handshake_server_new(&cfg, &k->hs, NULL), ERR_OK);
	if (k->dc.rnd)
		fakedc_deinit(&k->dc);
	fakedc_init(&k->dc, rnd_system(), none, k->sec);
	k->keyed = false;
}

static void take_key(struct keydc *k)
{
	struct handshake_result r = { 0 };

	assert_int_equal(handshake_server_result(k->hs, &r), ERR_OK);
	authkey_deinit(&k->dc.key);
	k->dc.key = r.key;
	k->named = r.dc;
	k->keyed = true;
}

/* The key exchange's answers leave as plain messages. */
static void serve_plain(struct keydc *k, const struct transport_packet *pkt)
{
	struct handshake_packet in = { .now_wall = { k->sec * US_PER_SEC } };
	enum handshake_step step;
	const uint8_t *body;
	struct buf out, packet;
	uint64_t id;

	buf_init(&out, HANDSHAKE_BODY_MAX);
	buf_init(&packet, HANDSHAKE_BODY_MAX);
	assert_int_equal(envelope_plain_open(pkt->data, pkt->len, &id, &body,
					     &in.len, NULL),
			 ERR_OK);
	assert_int_equal(id & 3, 0);
	assert_int_equal(id >> 32, k->sec);
	in.body = body;
	assert_int_equal(handshake_server_feed(k->hs, &in, &out, &step, NULL),
			 ERR_OK);
	if (step == HANDSHAKE_WANT_WORK) {
		handshake_server_work(k->hs);
		assert_int_equal(
			handshake_server_resume(k->hs, &out, &step, NULL),
			ERR_OK);
	}
	assert_int_equal(
		envelope_plain_seal(1, buf_head(&out), buf_len(&out), &packet),
		ERR_OK);
	assert_int_equal(transport_send(&k->dc.transport, buf_head(&packet),
					buf_len(&packet), &k->dc.out, NULL),
			 ERR_OK);
	if (step == HANDSHAKE_DONE)
		take_key(k);
	buf_deinit(&out);
	buf_deinit(&packet);
}

void keydc_feed(struct keydc *k, const uint8_t *data, size_t len)
{
	struct transport_packet pkt;
	bool has;

	if (k->keyed) {
		fakedc_feed(&k->dc, data, len);
		return;
	}
	assert_int_equal(transport_feed(&k->dc.transport, data, len, NULL),
			 ERR_OK);
	for (;;) {
		assert_int_equal(
			transport_next(&k->dc.transport, &pkt, &has, NULL),
			ERR_OK);
		if (!has)
			return;
		serve_plain(k, &pkt);
	}
}
