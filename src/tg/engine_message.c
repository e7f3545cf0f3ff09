/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "mtproto/bytes.h"
#include "tg/engine_int.h"

int64_t engine_peer_id(const struct tlt_Peer *p)
{
	switch (p->kind) {
	case TLN_peerUser:
		return p->peerUser->user_id;
	case TLN_peerChat:
		return -p->peerChat->chat_id;
	case TLN_peerChannel:
		return PEERS_CHANNEL - p->peerChannel->channel_id;
	default:
		return 0;
	}
}

/* The same message has the same key, and each of its edits one of its own. */
static void set_key(struct engine_message *m)
{
	/* channels number their messages themselves, the rest counts as one */
	bool own = m->chat_id <= PEERS_CHANNEL;
	int n = own ? snprintf(m->key, sizeof(m->key), "%lld/%d",
			       (long long)m->chat_id, m->id)
		    : snprintf(m->key, sizeof(m->key), "m/%d", m->id);

	if (m->kind == ENGINE_EDITED && n > 0)
		snprintf(m->key + n, sizeof(m->key) - (size_t)n, "/e%d",
			 m->edit_date);
}

static enum err emit_message(struct engine *e, struct engine_message *m)
{
	const struct engine_event ev = { .type = ENGINE_MESSAGE, .message = m };

	if (!m->from_id)
		m->from_id = m->out ? e->self_id : m->chat_id;
	/* a person who wrote may be answered */
	if (m->kind == ENGINE_NEW && !m->out && m->chat_id > 0 &&
	    m->chat_id != e->self_id)
		peers_flag(&e->peers, m->chat_id, PEERS_WROTE);
	if (m->from_id != m->chat_id && m->from_id != e->self_id)
		peers_see(&e->peers, m->from_id, m->chat_id, m->id);
	if (peers_has(&e->peers, m->chat_id, PEERS_NOFORWARDS))
		m->noforwards = true;
	if (!m->topic && peers_has(&e->peers, m->chat_id, PEERS_FORUM))
		m->topic = ENGINE_TOPIC_GENERAL;
	set_key(m);
	return engine_emit(e, &ev);
}

/* What constructor an object is that nobody wants in full. */
static uint16_t name_of(struct tl_bytes raw)
{
	const struct schema_ctor *c =
		raw.len < 4
			? NULL
			: schema_find(&schema_api_223, bytes_get_u32(raw.data));

	return c ? c->name : TLN_NONE;
}

static void take_reply(struct engine_message *m,
		       const struct tlt_MessageReplyHeader *v)
{
	const struct tlc_messageReplyHeader *h = v->messageReplyHeader;

	if (v->kind != TLN_messageReplyHeader)
		return;
	/* a reply to another chat's message is to none of this one */
	if (h->has_reply_to_msg_id && !h->has_reply_to_peer_id)
		m->reply_to = h->reply_to_msg_id;
	if (!h->forum_topic)
		return;
	m->topic = h->has_reply_to_top_id ? h->reply_to_top_id
					  : h->reply_to_msg_id;
	/* what only says where it is replies to nothing */
	if (!h->has_reply_to_top_id)
		m->reply_to = 0;
}

/* A channel somebody forwarded from may be one we do not know. */
static void see_origin(struct engine *e, const struct engine_message *m,
		       const struct tlt_MessageFwdHeader *v)
{
	int64_t from = 0;

	if (v->kind == TLN_messageFwdHeader && v->messageFwdHeader->has_from_id)
		from = engine_peer_id(&v->messageFwdHeader->from_id);
	if (from > 0 || from <= PEERS_CHANNEL)
		peers_see(&e->peers, from, m->chat_id, m->id);
}

/* What every form of a message says in the same words. */
#define MESSAGE_HEAD(d)                                                        \
	.id = (d)->id, .date = (d)->date, .out = (d)->out,                     \
	.silent = (d)->silent, .mentioned = (d)->mentioned
#define MESSAGE_BODY(d)                                                        \
	.entities = (d)->has_entities && (d)->entities.n,                      \
	.forwarded = (d)->has_fwd_from, .text = (d)->message.data,             \
	.text_len = (d)->message.len

static enum err tell_full(struct engine *e, const struct tlc_message *d,
			  enum engine_message_kind kind)
{
	struct engine_message m = {
		.kind = kind,
		MESSAGE_HEAD(d),
		MESSAGE_BODY(d),
		.edit_date = d->edit_date,
		.grouped_id = d->grouped_id,
		.chat_id = engine_peer_id(&d->peer_id),
		.from_id = engine_peer_id(&d->from_id),
		.post = d->post,
		.noforwards = d->noforwards,
		.media = d->has_media ? name_of(d->media.raw) : TLN_NONE,
		.full = d,
	};

	if (d->has_reply_to)
		take_reply(&m, &d->reply_to);
	if (d->has_fwd_from)
		see_origin(e, &m, &d->fwd_from);
	return emit_message(e, &m);
}

static enum err tell_service(struct engine *e,
			     const struct tlc_messageService *d)
{
	struct engine_message m = {
		.kind = ENGINE_SERVICE,
		MESSAGE_HEAD(d),
		.chat_id = engine_peer_id(&d->peer_id),
		.from_id = engine_peer_id(&d->from_id),
		.post = d->post,
		.action = name_of(d->action.raw),
	};

	if (d->has_reply_to)
		take_reply(&m, &d->reply_to);
	return emit_message(e, &m);
}

enum err engine_tell_message(struct engine *e, const struct tlt_Message *m,
			     enum engine_message_kind kind)
{
	switch (m->kind) {
	case TLN_message:
		return tell_full(e, m->message, kind);
	case TLN_messageService:
		/* an edited one is a service message all the same */
		return tell_service(e, m->messageService);
	default:
		return ERR_OK;
	}
}

/* updateShortMessage, updateShortChatMessage: a message without its wrapping. */
static enum err tell_short(struct engine *e,
			   const struct tlc_updateShortMessage *d)
{
	struct engine_message m = {
		MESSAGE_HEAD(d),
		MESSAGE_BODY(d),
		.chat_id = d->user_id,
	};

	if (d->has_reply_to)
		take_reply(&m, &d->reply_to);
	return emit_message(e, &m);
}

static enum err tell_short_chat(struct engine *e,
				const struct tlc_updateShortChatMessage *d)
{
	struct engine_message m = {
		MESSAGE_HEAD(d),
		MESSAGE_BODY(d),
		.chat_id = -d->chat_id,
		.from_id = d->from_id,
	};

	if (d->has_reply_to)
		take_reply(&m, &d->reply_to);
	return emit_message(e, &m);
}

static enum err tell_deleted(struct engine *e, int64_t chat_id,
			     const struct tlv_int *ids)
{
	const struct engine_deleted d = { chat_id, ids->v, ids->n };
	const struct engine_event ev = { .type = ENGINE_DELETED,
					 .deleted = &d };

	return ids->n ? engine_emit(e, &ev) : ERR_OK;
}

static enum err tell_pressed(struct engine *e,
			     const struct tlc_updateBotCallbackQuery *d)
{
	const struct engine_pressed p = { .query_id = d->query_id,
					  .user_id = d->user_id,
					  .chat_id = engine_peer_id(&d->peer),
					  .message_id = d->msg_id,
					  .data = d->data.data,
					  .len = d->data.len };
	const struct engine_event ev = { .type = ENGINE_PRESSED,
					 .pressed = &p };

	return engine_emit(e, &ev);
}

enum err engine_tell_update(struct engine *e, const struct tlt_any *any)
{
	/* an Updates that is one itself has the same layout */
	const struct tlt_Update *u = (const void *)any;

	switch (any->kind) {
	case TLN_updateNewMessage:
		return engine_tell_message(e, &u->updateNewMessage->message,
					   ENGINE_NEW);
	case TLN_updateNewChannelMessage:
		return engine_tell_message(
			e, &u->updateNewChannelMessage->message, ENGINE_NEW);
	case TLN_updateEditMessage:
		return engine_tell_message(e, &u->updateEditMessage->message,
					   ENGINE_EDITED);
	case TLN_updateEditChannelMessage:
		return engine_tell_message(
			e, &u->updateEditChannelMessage->message,
			ENGINE_EDITED);
	case TLN_updateDeleteMessages:
		return tell_deleted(e, 0, &u->updateDeleteMessages->messages);
	case TLN_updateDeleteChannelMessages:
		return tell_deleted(
			e,
			PEERS_CHANNEL -
				u->updateDeleteChannelMessages->channel_id,
			&u->updateDeleteChannelMessages->messages);
	case TLN_updateBotCallbackQuery:
		return tell_pressed(e, u->updateBotCallbackQuery);
	case TLN_updateShortMessage:
		return tell_short(e, any->any);
	case TLN_updateShortChatMessage:
		return tell_short_chat(e, any->any);
	default: /* counted, but nothing to us */
		return ERR_OK;
	}
}
