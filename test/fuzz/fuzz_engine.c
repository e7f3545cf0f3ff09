/* SPDX-License-Identifier: MIT */
/*
 * One account and a hostile server that holds its key.  Every record of the
 * input is a command (time, send, reconnect, raw bytes, a packet once more) or a
 * message sealed properly: pushed, or as the answer to one of the last queries.
 * Each call is answered exactly once, and a packet that delivered
 * something delivers nothing when it comes again.
 */
#include <stdlib.h>
#include <string.h>

#include "mtproto/bytes.h"
#include "mtproto/envelope.h"
#include "tg/bots.h"
#include "tg/chats.h"
#include "tg/engine.h"
#include "tg/messages.h"
#include "tl/tl_wanted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TAGS 32
#define ASKED 8
#define START_SEC INT64_C(1790000000)

struct world {
	struct engine e;
	struct engine_env env;
	struct authkey key;
	struct transport server;
	struct rnd_seeded rnd;
	struct mono now;
	uint64_t asked[ASKED]; /* ids of the client's last messages */
	uint64_t nasked, ids, session_id;
	struct buf packet; /* the last one given */
	bool told;	   /* ... delivered something */
	unsigned int messages, refuse;
	uint8_t open[TAGS + 1];
	uint64_t tag;
};

/* What callers read out of an answer. */
static void look_at(const struct engine_event *ev)
{
	const struct engine_answer *a = ev->answer;
	struct chats_facts facts;

	if (!a->function || (ev->rc && (a->obj.kind || a->list.n)))
		abort();
	(void)engine_message_id(a, 5);
	(void)chats_resolved(a);
	if (chats_facts(a, &facts) && !facts.id)
		abort();
}

static enum err on_event(void *ctx, const struct engine_event *ev)
{
	struct world *w = ctx;

	switch (ev->type) {
	case ENGINE_ANSWER:
		if (!ev->tag || ev->tag > TAGS || !w->open[ev->tag])
			abort();
		w->open[ev->tag] = 0;
		look_at(ev);
		break;
	case ENGINE_DELETED:
		if (!ev->deleted->n || !ev->deleted->ids)
			abort();
		break;
	case ENGINE_PRESSED:
		if (ev->pressed->len && !ev->pressed->data)
			abort();
		break;
	case ENGINE_MESSAGE:
		if (strlen(ev->message->key) < 3 ||
		    (ev->message->text_len && !ev->message->text))
			abort();
		w->messages++;
		if (w->refuse) {
			w->refuse--;
			return ERR_UNAVAILABLE;
		}
		break;
	default:
		break;
	}
	return ERR_OK;
}

/* A wait that forbids even the first call is waited for. */
static void connect_it(struct world *w)
{
	struct err_info ei = { 0 };
	enum err rc = ERR_FLOOD;

	for (int i = 0; i < 64 && rc == ERR_FLOOD; i++) {
		const struct wall wall = { w->now.us + START_SEC * US_PER_SEC };

		engine_disconnected(&w->e);
		transport_deinit(&w->server);
		transport_init_server(&w->server, NULL, &w->rnd.rnd);
		rc = engine_connected(&w->e, w->now, wall, &ei);
		if (rc == ERR_FLOOD)
			w->now = mono_add(w->now, (ei.arg + 1) * US_PER_SEC);
	}
	if (rc)
		abort();
}

/* Remembers what may be answered; containers are opened one deep. */
static void note_asked(struct world *w, const struct envelope_msg *m)
{
	size_t at = 8;

	w->asked[w->nasked++ % ASKED] = m->msg_id;
	if (m->body_len < 8 || bytes_get_u32(m->body) != 0x73f1f8dc)
		return;
	while (at + 16 <= m->body_len) {
		w->asked[w->nasked++ % ASKED] = bytes_get_u64(m->body + at);
		at += 16 + bytes_get_u32(m->body + at + 12);
	}
}

static void hear(struct world *w)
{
	struct transport_packet pkt;
	struct envelope_msg msg;
	struct buf out;
	bool has;

	buf_init(&out, 8U << 20);
	if (engine_output(&w->e, w->now, &out, NULL) ||
	    transport_feed(&w->server, buf_head(&out), buf_len(&out), NULL))
		abort();
	while (!transport_next(&w->server, &pkt, &has, NULL) && has) {
		if (envelope_open(&w->key, ENVELOPE_TO_SERVER, pkt.data,
				  pkt.len, &msg, NULL))
			abort();
		w->session_id = msg.session_id;
		note_asked(w, &msg);
	}
	buf_deinit(&out);
}

static void feed(struct world *w, const void *data, size_t len)
{
	if (engine_feed(&w->e, data, len, w->now, NULL))
		connect_it(w);
	hear(w);
}

static void give_packet(struct world *w)
{
	unsigned int before = w->messages;
	struct buf out;

	buf_init(&out, 1U << 17);
	if (transport_send(&w->server, buf_head(&w->packet),
			   buf_len(&w->packet), &out, NULL))
		abort();
	feed(w, buf_head(&out), buf_len(&out));
	buf_deinit(&out);
	if (w->messages != before && w->told)
		abort(); /* twice */
	w->told = w->told || w->messages != before;
}

/* `to`: 0 a push, else the to'th last query is answered. */
static void give(struct world *w, uint8_t to, const void *data, size_t len)
{
	uint8_t body[12 + 2048];
	struct envelope_msg msg = { .salt = 1,
				    .session_id = w->session_id,
				    .seq_no = 1,
				    .body = body };
	size_t head = to ? 12 : 0;

	if (!w->nasked)
		return;
	bytes_put_u32(body, 0xf35c6d01);
	bytes_put_u64(body + 4, w->asked[(w->nasked - to) % ASKED]);
	memcpy(body + head, data, len);
	msg.body_len = head + len;
	w->ids += 4;
	msg.msg_id = ((uint64_t)(START_SEC + w->now.us / US_PER_SEC) << 32) +
		     w->ids + 1;
	buf_reset(&w->packet);
	w->told = false;
	if (envelope_seal(&w->key, ENVELOPE_FROM_SERVER, &msg, &w->rnd.rnd,
			  &w->packet, NULL))
		abort();
	give_packet(w);
}

static void answer_self(struct world *w)
{
	struct tlc_user self = { .id = 7 };
	struct tlt_User user = { .kind = TLN_user, .user = &self };
	struct tl_writer tw;
	struct buf out;

	buf_init(&out, 1024);
	cursor_write(&tw, &out);
	cursor_put_vector(&tw, 1);
	if (tlt_User_write(&tw, &user, NULL))
		abort();
	give(w, 1, buf_head(&out), buf_len(&out));
	buf_deinit(&out);
}

static void answer_state(struct world *w)
{
	const struct tlc_updates_state s = { .pts = 10, .date = 9, .seq = 1 };
	struct tl_writer tw;
	struct buf out;

	buf_init(&out, 1024);
	cursor_write(&tw, &out);
	if (tlc_updates_state_write(&tw, &s, NULL))
		abort();
	give(w, 1, buf_head(&out), buf_len(&out));
	buf_deinit(&out);
}

static enum err send_something(struct engine *e, const struct engine_ask *ask,
			       uint8_t what, const struct messages_to *to)
{
	static const int32_t ids[] = { 3, 4 };
	static const int64_t random_ids[] = { 6, 7 };
	struct tlc_inputPhoto photo = { .id = 1 };
	struct tlc_inputMediaPhoto input = {
		.id = { .kind = TLN_inputPhoto, .inputPhoto = &photo },
	};
	const struct tlt_InputMedia media = { .kind = TLN_inputMediaPhoto,
					      .inputMediaPhoto = &input };
	const struct messages_media two[] = { { .media = &media },
					      { .media = &media } };
	const struct messages_forward f = { .from = to->peer,
					    .ids = { ids, 2 },
					    .random_ids = random_ids };

	switch (what) {
	case 0:
		return messages_send_media(e, ask, to, two, 2, NULL);
	case 1:
		return messages_forward(e, ask, to, &f, NULL);
	case 2:
		return messages_edit(e, ask, to->peer, 3, "new", NULL);
	case 3:
		return messages_delete(e, ask, to->peer, &f.ids, true, NULL);
	case 4:
		return messages_get(e, ask, to->peer, &f.ids, NULL);
	case 5:
		return messages_typing(e, ask, to, NULL);
	case 6:
		return messages_read(e, ask, to->peer, 3, NULL);
	default:
		return messages_send(e, ask, to, "hi", 5, NULL);
	}
}

static enum err ask_something(struct engine *e, const struct engine_ask *ask,
			      uint8_t what, const struct messages_to *to)
{
	const struct messages_page page = { .limit = 10 };
	const struct chats_page list = { .limit = 10 };
	const struct chats_topics topics = { .limit = 10 };
	const struct bots_button button = { to->peer, 3, "yes", 3 };
	const struct bots_reply reply = { .query_id = 1 };
	int64_t id = 0;
	enum err rc;

	switch (what) {
	case 8:
		return messages_history(e, ask, to->peer, &page, NULL);
	case 9:
		return messages_search(e, ask, to, "x", &page, NULL);
	case 10:
		return chats_list(e, ask, &list, NULL);
	case 11:
		return chats_full(e, ask, to->peer, NULL);
	case 12:
		return chats_topics(e, ask, to->peer, &topics, NULL);
	case 13:
		return chats_check_invite(e, ask, "abc", NULL);
	case 14:
		return chats_join(e, ask, to->peer, NULL);
	case 15:
		return chats_leave(e, ask, to->peer, NULL);
	case 16:
		return bots_press(e, ask, &button, NULL);
	case 17:
		return bots_answer(e, ask, &reply, NULL);
	case 18:
		rc = chats_resolve(e, ask, "somebody", &id, NULL);
		return !rc && id ? ERR_DUPLICATE : rc; /* nothing is asked */
	default:
		return chats_join_invite(e, ask, "abc", NULL);
	}
}

static void call(struct world *w, uint8_t what)
{
	const int64_t peers[] = { -1000000000123, 0, -5, 9 };
	const struct messages_to to = { .peer = peers[what / 24 % 4],
					.topic = what / 96 };
	struct engine_ask ask = { .deadline =
					  mono_add(w->now, 60 * US_PER_SEC) };
	enum err rc;

	if (w->tag >= TAGS)
		return;
	ask.tag = ++w->tag;
	w->open[ask.tag] = 1;
	engine_at(&w->e, w->now);
	rc = what % 24 < 8 ? send_something(&w->e, &ask, what % 24, &to)
			   : ask_something(&w->e, &ask, what % 24, &to);
	if (rc)
		w->open[ask.tag] = 0;
	hear(w);
}

static void pass(struct world *w, int64_t us)
{
	w->now = mono_add(w->now, us);
	if (engine_tick(&w->e, w->now, NULL))
		connect_it(w);
	hear(w);
}

static size_t step(struct world *w, const uint8_t *data, size_t len)
{
	size_t n = (size_t)data[1] * 4;

	switch (data[0] % 8) {
	case 0:
		pass(w, data[1] * US_PER_SEC / 8);
		return 2;
	case 1:
		call(w, data[1]);
		return 2;
	case 2:
		connect_it(w);
		hear(w);
		w->refuse = data[1] % 4;
		return 2;
	case 3:
		if (buf_len(&w->packet))
			give_packet(w);
		return 2;
	case 4:
		n = n < len - 2 ? n : len - 2;
		feed(w, data + 2, n);
		return 2 + n;
	default:
		n = n < len - 2 ? n : (len - 2) & ~(size_t)3;
		if (n >= 4)
			give(w, (data[0] >> 4) % ASKED, data + 2, n);
		return 2 + n;
	}
}

static void begin(struct world *w)
{
	static const struct engine_app app = { 1, "d", "s", "a" };
	const struct engine_config cfg = { &w->env, &w->rnd.rnd, on_event, w };
	const uint8_t key[AUTHKEY_LEN] = { 3 };

	rnd_seeded_init(&w->rnd, 7);
	w->now = (struct mono){ US_PER_SEC };
	buf_init(&w->packet, 1U << 16);
	transport_init_server(&w->server, NULL, &w->rnd.rnd);
	if (engine_env_init(&w->env, &app, NULL) || authkey_init(&w->key, key))
		abort();
	engine_init(&w->e, &cfg);
	if (engine_set_key(&w->e, key, NULL))
		abort();
	peers_put(&w->e.peers, PEERS_CHANNEL - 123, 1, 0);
	peers_put(&w->e.peers, 9, 1, 0);
	peers_flag(&w->e.peers, 9, PEERS_WROTE);
	connect_it(w);
	hear(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w || !len || len > 65536) {
		free(w);
		return 0;
	}
	begin(w);
	if (data[0] & 1) {
		answer_self(w);
		answer_state(w);
		if (!w->e.online)
			abort();
	}
	for (size_t at = 1; at + 2 <= len;)
		at += step(w, data + at, len - at);
	session_reset(&w->e.session, ERR_CANCELED);
	for (size_t i = 0; i <= TAGS; i++)
		if (w->open[i])
			abort(); /* a message nobody heard of again */
	engine_deinit(&w->e);
	transport_deinit(&w->server);
	authkey_deinit(&w->key);
	buf_deinit(&w->packet);
	free(w);
	return 0;
}
