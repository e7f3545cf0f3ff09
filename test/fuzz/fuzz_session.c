/* SPDX-License-Identifier: MIT */
/*
 * A hostile server that holds the key: every record of the input is a command
 * (time, query, reconnect) or a message sealed properly.  Each query must be
 * told of exactly once, and after each step the session must be able to send.
 */
#include <stdlib.h>
#include <string.h>

#include "mtproto/bytes.h"
#include "mtproto/envelope.h"
#include "mtproto/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TAGS 64

struct world {
	struct session s;
	struct authkey key;
	struct rnd_seeded rnd;
	struct mono now;
	uint64_t last_sent; /* some id of the client's, to refer to */
	uint64_t server_id;
	uint8_t open[TAGS + 1];
	uint64_t tag;
};

static void on_event(void *ctx, const struct session_event *ev)
{
	struct world *w = ctx;

	if (ev->type == SESSION_RESULT || ev->type == SESSION_RPC_ERROR ||
	    ev->type == SESSION_FAILED) {
		if (ev->tag == 0 || ev->tag > TAGS || !w->open[ev->tag])
			abort();
		w->open[ev->tag] = 0;
	}
}

static void send_all(struct world *w)
{
	struct envelope_msg msg;
	struct buf out;
	bool has = true;

	buf_init(&out, SESSION_PACKET_MAX);
	for (int i = 0; has; i++) {
		if (i > 2000)
			abort(); /* never ends */
		buf_reset(&out);
		if (session_next_packet(&w->s, w->now, &out, &has, NULL))
			abort();
		if (!has)
			break;
		if (envelope_open(&w->key, ENVELOPE_TO_SERVER, buf_head(&out),
				  buf_len(&out), &msg, NULL))
			abort();
		w->last_sent = msg.msg_id;
	}
	buf_deinit(&out);
}

/* `refer`: where in the body to put an id the client knows; 0 = nowhere. */
static void give(struct world *w, uint8_t flags, uint8_t refer,
		 const uint8_t *data, size_t len)
{
	uint8_t body[1024];
	struct envelope_msg msg = { .session_id = w->s.session_id,
				    .seq_no = flags & 1,
				    .body = body,
				    .body_len = len };
	struct buf out;

	memcpy(body, data, len);
	if (refer > 0 && (size_t)refer * 4 + 8 <= len)
		bytes_put_u64(body + (size_t)refer * 4, w->last_sent);
	w->server_id += 4;
	msg.msg_id = ((uint64_t)(session_time(&w->s, w->now).us / US_PER_SEC)
		      << 32) +
		     w->server_id + 1;
	buf_init(&out, 1U << 16);
	if (envelope_seal(&w->key, ENVELOPE_FROM_SERVER, &msg, &w->rnd.rnd,
			  &out, NULL))
		abort();
	if (session_recv(&w->s, buf_head(&out), buf_len(&out), w->now, NULL)) {
		session_disconnected(&w->s);
		session_connected(&w->s, w->now);
	}
	buf_deinit(&out);
}

static void ask(struct world *w)
{
	if (w->tag >= TAGS)
		return;
	w->tag++;
	w->open[w->tag] = 1;
	if (session_query(&w->s, w->tag, "querytag", 8,
			  mono_add(w->now, 100 * US_PER_SEC), NULL))
		abort();
}

static size_t step(struct world *w, const uint8_t *data, size_t len)
{
	size_t n;

	switch (data[0] % 8) {
	case 0:
		w->now = mono_add(w->now, data[1] * US_PER_SEC / 4);
		if (session_tick(&w->s, w->now, NULL)) {
			session_disconnected(&w->s);
			session_connected(&w->s, w->now);
		}
		return 2;
	case 1:
		ask(w);
		return 1;
	case 2:
		session_disconnected(&w->s);
		session_connected(&w->s, w->now);
		return 1;
	case 3:
		(void)session_cancel(&w->s, data[1] % TAGS + 1U);
		return 2;
	default:
		if (len < 4)
			return len;
		n = (size_t)data[1] * 4;
		n = n < len - 3 ? n : (len - 3) & ~(size_t)3;
		if (n >= 4)
			give(w, data[0] >> 4, data[2] % 8, data + 3, n);
		return 3 + n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world *w = calloc(1, sizeof(*w));
	struct session_config cfg = { on_event, w, NULL };
	uint8_t key[AUTHKEY_LEN] = { 3 };

	if (!w || len > 65536) {
		free(w);
		return 0;
	}
	rnd_seeded_init(&w->rnd, 7);
	cfg.rnd = &w->rnd.rnd;
	w->now = (struct mono){ US_PER_SEC };
	session_init(&w->s, &cfg);
	if (session_set_key(&w->s, key, 1) || authkey_init(&w->key, key))
		abort();
	session_set_time(&w->s, w->now,
			 (struct srvtime){ 1790000000 * US_PER_SEC }, true);
	session_connected(&w->s, w->now);
	for (size_t at = 0; at + 2 <= len;) {
		at += step(w, data + at, len - at);
		send_all(w);
	}
	session_reset(&w->s, ERR_CANCELED);
	for (size_t i = 0; i <= TAGS; i++)
		if (w->open[i])
			abort(); /* a query nobody heard of again */
	session_deinit(&w->s);
	authkey_deinit(&w->key);
	free(w);
	return 0;
}
