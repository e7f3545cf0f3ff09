/* SPDX-License-Identifier: MIT */
/*
 * Session and transport together, fed what a hostile network can do to a genuine
 * server's bytes: nothing arrives twice, nothing damaged arrives.
 */
#include "session_rig.h"

#include "mtproto/transport.h"

#define UPDATE 0x12345678U
#define DELIVERED "object(12345678 12)"

struct variant {
	enum transport_kind kind;
	bool obfuscated;
};

static const struct variant variants[] = {
	{ TRANSPORT_ABRIDGED, false },	   { TRANSPORT_ABRIDGED, true },
	{ TRANSPORT_INTERMEDIATE, false }, { TRANSPORT_INTERMEDIATE, true },
	{ TRANSPORT_PADDED, false },	   { TRANSPORT_PADDED, true },
	{ TRANSPORT_FULL, false },
};

/* The account's end and the server's, with the connection just made. */
struct stack {
	struct rig *rig;
	struct transport client, server;
	struct buf wire; /* server to client, not delivered yet */
	size_t framing;	 /* bytes of the last packet that are not sealed */
	size_t sealed;
};

static void stack_init(struct stack *st, const struct variant *v)
{
	struct transport_config cfg = { .kind = v->kind,
					.obfuscated = v->obfuscated };
	struct transport_packet pkt;
	struct buf out;
	bool has;

	memset(st, 0, sizeof(*st));
	st->rig = rig_new();
	transport_init_client(&st->client, &cfg, &st->rig->rnd.rnd);
	transport_init_server(&st->server, NULL, &st->rig->rnd.rnd);
	buf_init(&st->wire, 1 << 20);
	buf_init(&out, 1 << 20);
	assert_int_equal(transport_send(&st->client, "12345678", 8, &out, NULL),
			 ERR_OK);
	assert_int_equal(transport_feed(&st->server, buf_head(&out),
					buf_len(&out), NULL),
			 ERR_OK);
	assert_int_equal(transport_next(&st->server, &pkt, &has, NULL), ERR_OK);
	assert_true(has);
	buf_deinit(&out);
	drain(st->rig);
}

static void stack_deinit(struct stack *st)
{
	rig_free(st->rig);
	transport_deinit(&st->client);
	transport_deinit(&st->server);
	buf_deinit(&st->wire);
}

static void send_sealed(struct stack *st, enum envelope_side side,
			const struct envelope_msg *msg)
{
	struct buf packet;
	size_t before = buf_len(&st->wire);

	buf_init(&packet, 1 << 16);
	assert_int_equal(envelope_seal(&st->rig->key, side, msg,
				       &st->rig->rnd.rnd, &packet, NULL),
			 ERR_OK);
	assert_int_equal(transport_send(&st->server, buf_head(&packet),
					buf_len(&packet), &st->wire, NULL),
			 ERR_OK);
	st->sealed = buf_len(&packet);
	st->framing = buf_len(&st->wire) - before - st->sealed;
	buf_deinit(&packet);
}

static struct envelope_msg update(struct stack *st, const struct buf *body)
{
	return (struct envelope_msg){ .salt = SALT,
				      .session_id = st->rig->s.session_id,
				      .msg_id = server_id(st->rig, 0),
				      .seq_no = 1,
				      .body = buf_head(body),
				      .body_len = buf_len(body) };
}

static void send_update(struct stack *st)
{
	struct buf body = tl("il", UPDATE, 9ULL);
	struct envelope_msg msg = update(st, &body);

	send_sealed(st, ENVELOPE_FROM_SERVER, &msg);
	buf_deinit(&body);
}

/* As the engine does it. */
static enum err deliver(struct stack *st, const uint8_t *data, size_t len)
{
	struct transport_packet pkt;
	bool has = true;
	enum err rc;

	rc = transport_feed(&st->client, data, len, NULL);
	while (!rc) {
		rc = transport_next(&st->client, &pkt, &has, NULL);
		if (rc || !has)
			return rc;
		if (pkt.type == TRANSPORT_DATA)
			rc = session_recv(&st->rig->s, pkt.data, pkt.len,
					  st->rig->now, NULL);
		else if (pkt.type == TRANSPORT_ERROR)
			rc = session_recv_error(&st->rig->s, pkt.code, NULL);
	}
	return rc;
}

static enum err deliver_all(struct stack *st)
{
	enum err rc = deliver(st, buf_head(&st->wire), buf_len(&st->wire));

	buf_reset(&st->wire);
	return rc;
}

static size_t arrived(struct stack *st)
{
	const char *at = buf_cstr(&st->rig->events);
	size_t n = 0;

	for (; (at = strstr(at, DELIVERED)); at++)
		n++;
	buf_reset(&st->rig->events);
	return n;
}

/* ---- tests */

/*
 * Each byte of a packet on the wire, one after the other, with each of a few
 * flips: refused, or (a length that grew) waited for in vain.  Only the noise a
 * padded transport adds behind the sealed bytes is nobody's, and how much of it.
 */
static void one_flip(const struct variant *v, size_t at, uint8_t flip,
		     size_t *ret_len)
{
	struct stack st;
	enum err rc;
	size_t noise;

	stack_init(&st, v);
	send_update(&st);
	*ret_len = buf_len(&st.wire);
	noise = v->kind == TRANSPORT_PADDED ? 4 + st.sealed : *ret_len;
	if (at >= *ret_len) {
		stack_deinit(&st);
		return;
	}
	buf_head(&st.wire)[at] ^= flip;
	rc = deliver_all(&st);
	if (at >= noise) {
		assert_int_equal(rc, ERR_OK);
		assert_int_equal(arrived(&st), 1);
	} else if (v->kind == TRANSPORT_PADDED && at < 4) {
		/* the length may still hold the whole, with less noise */
		assert_true(arrived(&st) <= 1);
	} else {
		assert_int_equal(arrived(&st), 0);
		/* what looks unfinished is given up when time is up */
		if (!rc)
			assert_true(at < 4);
	}
	stack_deinit(&st);
}

static void corrupted_in_each_byte(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };

	for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
		for (size_t f = 0; f < ARRAY_LEN(flips); f++) {
			size_t len = 1;

			for (size_t at = 0; at < len; at++)
				one_flip(&variants[v], at, flips[f], &len);
			assert_true(len > 80);
		}
	}
}

/* A byte less, a byte more: later packets do not arrive by luck. */
static void bytes_lost_or_inserted(void **state)
{
	for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
		for (size_t at = 0; at < 80; at += 3) {
			struct stack st;
			uint8_t *p;
			size_t n;

			stack_init(&st, &variants[v]);
			send_update(&st);
			send_update(&st);
			p = buf_head(&st.wire);
			n = buf_len(&st.wire);
			if (at % 2) {
				memmove(p + at, p + at + 1, n - at - 1);
				st.wire.len--;
			} else {
				memmove(p + at + 1, p + at, n - at - 1);
			}
			(void)!deliver_all(&st);
			assert_int_equal(arrived(&st), 0);
			stack_deinit(&st);
		}
	}
}

static void replayed_on_the_wire(void **state)
{
	for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
		struct stack st;
		struct buf copy;
		enum err rc;

		stack_init(&st, &variants[v]);
		send_update(&st);
		buf_init(&copy, 1 << 16);
		assert_int_equal(buf_append(&copy, buf_head(&st.wire),
					    buf_len(&st.wire)),
				 ERR_OK);
		assert_int_equal(deliver_all(&st), ERR_OK);
		assert_int_equal(arrived(&st), 1);
		rc = deliver(&st, buf_head(&copy), buf_len(&copy));
		assert_int_equal(arrived(&st), 0);
		if (variants[v].kind == TRANSPORT_FULL)
			assert_int_equal(rc, ERR_PROTO); /* numbered */
		else if (!variants[v].obfuscated)
			assert_int_equal(rc, ERR_OK); /* known, dropped */
		buf_deinit(&copy);
		stack_deinit(&st);
	}
}

/* Recorded from one connection, played into the next one of the session. */
static void replayed_on_another_connection(void **state)
{
	struct variant v = { TRANSPORT_INTERMEDIATE, false };
	struct transport_config cfg = { .kind = v.kind };
	struct stack st;
	struct buf copy;

	stack_init(&st, &v);
	send_update(&st);
	buf_init(&copy, 1 << 16);
	assert_int_equal(
		buf_append(&copy, buf_head(&st.wire), buf_len(&st.wire)),
		ERR_OK);
	assert_int_equal(deliver_all(&st), ERR_OK);
	assert_int_equal(arrived(&st), 1);
	for (int round = 0; round < 3; round++) {
		session_disconnected(&st.rig->s);
		transport_deinit(&st.client);
		transport_init_client(&st.client, &cfg, &st.rig->rnd.rnd);
		session_connected(&st.rig->s, st.rig->now);
		assert_int_equal(deliver(&st, buf_head(&copy), buf_len(&copy)),
				 ERR_OK);
		assert_int_equal(arrived(&st), 0);
		/* also when the id is forgotten: it is too old by then */
		st.rig->now = mono_add(st.rig->now, 200 * US_PER_SEC);
	}
	/* and in a session begun anew it is a stranger's */
	session_renew(&st.rig->s);
	session_renew(&st.rig->s);
	assert_int_equal(deliver(&st, buf_head(&copy), buf_len(&copy)),
			 ERR_PROTO);
	assert_int_equal(arrived(&st), 0);
	buf_deinit(&copy);
	stack_deinit(&st);
}

static void reordered_on_the_wire(void **state)
{
	for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
		struct stack st;
		size_t one, n;
		enum err rc;

		stack_init(&st, &variants[v]);
		send_update(&st);
		one = buf_len(&st.wire);
		send_update(&st);
		n = buf_len(&st.wire) - one;
		rc = deliver(&st, buf_head(&st.wire) + one, n);
		if (variants[v].obfuscated) {
			/* another part of the key stream: noise */
			assert_int_equal(arrived(&st), 0);
		} else if (variants[v].kind == TRANSPORT_FULL) {
			assert_int_equal(rc, ERR_PROTO);
			assert_int_equal(arrived(&st), 0);
		} else {
			assert_int_equal(rc, ERR_OK);
			rc = deliver(&st, buf_head(&st.wire), one);
			assert_int_equal(rc, ERR_OK);
			assert_int_equal(arrived(&st), 2);
		}
		stack_deinit(&st);
	}
}

static void forged_fields(void **state)
{
	struct buf body = tl("il", UPDATE, 9ULL);

	for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
		for (int field = 0; field < 6; field++) {
			struct stack st;
			struct envelope_msg msg;
			enum err want = ERR_PROTO;

			stack_init(&st, &variants[v]);
			msg = update(&st, &body);
			if (field == 0)
				msg.session_id++;
			else if (field == 1)
				msg.msg_id += 1; /* parity of nobody */
			else if (field == 2)
				msg.msg_id -= 1; /* a client's */
			else if (field == 3)
				msg.msg_id -= UINT64_C(400) << 32;
			else if (field == 4)
				msg.msg_id += UINT64_C(60) << 32;
			if (field == 3 || field == 4)
				want = ERR_OK; /* out of the window: dropped */
			send_sealed(&st,
				    field == 5 ? ENVELOPE_TO_SERVER
					       : ENVELOPE_FROM_SERVER,
				    &msg);
			assert_int_equal(deliver_all(&st), want);
			assert_int_equal(arrived(&st), 0);
			if (!want) {
				assert_int_equal(st.rig->s.stats.out_of_window,
						 1);
				send_update(&st);
				assert_int_equal(deliver_all(&st), ERR_OK);
				assert_int_equal(arrived(&st), 1);
			}
			stack_deinit(&st);
		}
	}
	buf_deinit(&body);
}

/* Cut into any pieces, everything arrives once; cut off, nothing half. */
static void cut_anywhere(void **state)
{
	for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
		for (size_t chunk = 1; chunk < 60; chunk += 7) {
			struct stack st;
			size_t len, at, n;

			stack_init(&st, &variants[v]);
			for (int i = 0; i < 5; i++)
				send_update(&st);
			len = buf_len(&st.wire) - 1;
			for (at = 0; at < len; at += n) {
				n = len - at < chunk ? len - at : chunk;
				assert_int_equal(
					deliver(&st, buf_head(&st.wire) + at,
						n),
					ERR_OK);
			}
			assert_int_equal(arrived(&st), 4);
			assert_int_equal(
				deliver(&st, buf_head(&st.wire) + len, 1),
				ERR_OK);
			assert_int_equal(arrived(&st), 1);
			stack_deinit(&st);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corrupted_in_each_byte),
		cmocka_unit_test(bytes_lost_or_inserted),
		cmocka_unit_test(replayed_on_the_wire),
		cmocka_unit_test(replayed_on_another_connection),
		cmocka_unit_test(reordered_on_the_wire),
		cmocka_unit_test(forged_fields),
		cmocka_unit_test(cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
