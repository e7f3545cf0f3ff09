/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "tg/chats.h"
#include "tg/messages.h"
#include "tl/tl_wanted.h"

#define MANY_WINDOW 32 /* messages under way */

/* ---- peers by name */

static void resolved(struct client *c, const struct engine_event *ev)
{
	if (client_refused(c, ev))
		return;
	*c->order.resolving = chats_resolved(ev->answer);
	c->order.resolved(c);
}

void orders_resolve(struct client *c, const char *member, int64_t *ret,
		    client_order_fn then)
{
	struct json name = json_get(c->order.said, member);
	struct engine_ask ask = client_ask(c, resolved);
	struct err_info ei = { 0 };
	enum err rc;

	c->order.resolving = ret;
	c->order.resolved = then;
	*ret = json_int(name, 0);
	if (json_is_int(name)) {
		then(c);
		return;
	}
	rc = chats_resolve(&c->engine, &ask, json_str(name, ""), ret, &ei);
	if (!rc && *ret)
		then(c);
	else
		client_asked(c, rc, &ei);
}

/* ---- messages */

static void sent(struct client *c, const struct engine_event *ev)
{
	struct jsonw w;
	struct buf out;

	if (client_refused(c, ev))
		return;
	client_begin_answer(c, &w, &out);
	jsonw_int(&w, "message_id", ev->answer->message_id);
	client_end_answer(c, &w, &out);
}

static enum err send_one(struct client *c, client_then_fn then,
			 struct err_info *ei)
{
	const struct messages_to to = { .peer = c->order.to };
	struct engine_ask ask = client_ask(c, then);

	return messages_send(&c->engine, &ask, &to,
			     json_str(json_get(c->order.said, "text"), "text"),
			     (int64_t)rnd_u64(rnd_system()), ei);
}

static void send_now(struct client *c)
{
	struct err_info ei = { 0 };
	enum err rc = send_one(c, sent, &ei);

	client_asked(c, rc, &ei);
}

void orders_send(struct client *c)
{
	orders_resolve(c, "to", &c->order.to, send_now);
}

static void put_texts(struct jsonw *w, const struct tlv_Message *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (list->v[i].kind == TLN_message)
			jsonw_strn(
				w, NULL,
				(const char *)list->v[i].message->message.data,
				list->v[i].message->message.len);
}

const struct tlv_Message *orders_messages(const struct engine_answer *a)
{
	const struct tlt_messages_Messages *m =
		(const struct tlt_messages_Messages *)(const void *)&a->obj;
	static const struct tlv_Message none;

	switch (m->kind) {
	case TLN_messages_messages:
		return &m->messages_messages->messages;
	case TLN_messages_messagesSlice:
		return &m->messages_messagesSlice->messages;
	case TLN_messages_channelMessages:
		return &m->messages_channelMessages->messages;
	default:
		return &none;
	}
}

static void read_history(struct client *c, const struct engine_event *ev)
{
	struct jsonw w;
	struct buf out;

	if (client_refused(c, ev))
		return;
	client_begin_answer(c, &w, &out);
	jsonw_array(&w, "texts");
	put_texts(&w, orders_messages(ev->answer));
	jsonw_array_end(&w);
	client_end_answer(c, &w, &out);
}

static void history_now(struct client *c)
{
	const struct messages_page page = {
		.limit = (int32_t)json_int(json_get(c->order.said, "limit"), 1)
	};
	struct engine_ask ask = client_ask(c, read_history);
	struct err_info ei = { 0 };

	client_asked(
		c, messages_history(&c->engine, &ask, c->order.to, &page, &ei),
		&ei);
}

void orders_history(struct client *c)
{
	orders_resolve(c, "with", &c->order.to, history_now);
}

static void forward_now(struct client *c)
{
	const int32_t id =
		(int32_t)json_int(json_get(c->order.said, "message_id"), 0);
	const int64_t random_id = (int64_t)rnd_u64(rnd_system());
	const struct messages_forward f = { .from = c->order.from,
					    .ids = { &id, 1 },
					    .random_ids = &random_id };
	const struct messages_to to = { .peer = c->order.to };
	struct engine_ask ask = client_ask(c, sent);
	struct err_info ei = { 0 };

	client_asked(c, messages_forward(&c->engine, &ask, &to, &f, &ei), &ei);
}

static void forward_from(struct client *c)
{
	orders_resolve(c, "from", &c->order.from, forward_now);
}

void orders_forward(struct client *c)
{
	orders_resolve(c, "to", &c->order.to, forward_from);
}

static void joined(struct client *c, const struct engine_event *ev)
{
	if (!client_refused(c, ev))
		client_done(c);
}

void orders_join(struct client *c)
{
	struct engine_ask ask = client_ask(c, joined);
	struct err_info ei = { 0 };
	enum err rc = chats_join_invite(
		&c->engine, &ask, json_str(json_get(c->order.said, "hash"), ""),
		&ei);

	client_asked(c, rc, &ei);
}

/* ---- many of them: what `make bench` measures */

static void send_more(struct client *c);

static void sent_one_of_many(struct client *c, const struct engine_event *ev)
{
	c->order.waiting--;
	if (!client_refused(c, ev))
		send_more(c);
}

static void send_more(struct client *c)
{
	struct order *o = &c->order;
	struct err_info ei = { 0 };

	while (o->left && o->waiting < MANY_WINDOW) {
		enum err rc = send_one(c, sent_one_of_many, &ei);

		if (rc) {
			client_fail(c, rc, ei.msg);
			return;
		}
		o->left--;
		o->waiting++;
	}
	plug_push(&c->main);
	if (!o->waiting)
		client_done(c);
}

static void begin_many(struct client *c)
{
	c->order.left = json_int(json_get(c->order.said, "count"), 1);
	send_more(c);
}

/* {"do": "send_many", "to": ..., "count": N, "text": ...} */
void orders_send_many(struct client *c)
{
	orders_resolve(c, "to", &c->order.to, begin_many);
}

/* {"do": "receive", "count": N, "silent": true}: when N more were heard */
void orders_receive(struct client *c)
{
	c->silent = json_bool(json_get(c->order.said, "silent"), true);
	c->order.left = json_int(json_get(c->order.said, "count"), 1);
	c->order.waiting = 0;
}

/* {"do": "echo", "on": true}: what is heard is sent back to where it was said */
void orders_echo(struct client *c)
{
	c->echo = json_bool(json_get(c->order.said, "on"), true);
	client_done(c);
}

/* Its own figures are in every answer. */
void orders_usage(struct client *c)
{
	client_done(c);
}

static void send_back(struct client *c, const struct engine_message *m)
{
	const struct messages_to to = { .peer = m->chat_id };
	const struct messages_text text = { .data = m->text,
					    .len = m->text_len };
	const struct engine_ask ask = {
		.tag = ++c->next_tag,
		.deadline = mono_add(loop_now(c->loop), CLIENT_CALL_US),
	};
	struct err_info ei = { 0 };

	engine_at(&c->engine, loop_now(c->loop));
	if (messages_send_text(&c->engine, &ask, &to, &text,
			       (int64_t)rnd_u64(rnd_system()), &ei))
		fprintf(stderr, "echo: %s\n", ei.msg);
	plug_push(&c->main);
}

static bool receiving(const struct client *c)
{
	return c->order.busy &&
	       !strcmp(json_str(json_get(c->order.said, "do"), ""), "receive");
}

void orders_heard(struct client *c, const struct engine_message *m)
{
	c->heard++;
	if (c->echo)
		send_back(c, m);
	if (!c->silent)
		client_tell(m->from_id, m->text, m->text_len);
	if (receiving(c) && --c->order.left <= 0) {
		c->silent = false;
		client_done(c);
	}
}
