/* SPDX-License-Identifier: MIT */
#include "tg/engine_input.h"

#include "tg/engine_int.h"

void engine_note_peers(struct engine *e, const struct tlt_any *obj)
{
	uint32_t before = e->peers.changes;

	peers_take(&e->peers, obj, engine_server_now(e));
	if (e->peers.changes != before)
		updates_look_again(&e->updates);
}

void engine_note_messages(struct engine *e, const struct tlv_Message *v)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct tlc_message *m = v->v[i].message;
		int64_t chat_id;

		if (v->v[i].kind != TLN_message || m->out)
			continue;
		chat_id = engine_peer_id(&m->peer_id);
		if (chat_id > 0 && chat_id != e->self_id)
			peers_flag(&e->peers, chat_id, PEERS_WROTE);
	}
}

/* Where somebody was seen, if we can say so; his message, or 0. */
static int32_t seen_in(struct engine *e, int64_t id,
		       struct engine_input_seen *ret)
{
	const struct peers_seen *s = peers_where(&e->peers, id);

	if (!s || s->chat_id > 0)
		return 0;
	if (s->chat_id > PEERS_CHANNEL) {
		ret->chat.chat_id = -s->chat_id;
		ret->peer.kind = TLN_inputPeerChat;
		ret->peer.inputPeerChat = &ret->chat;
		return s->message_id;
	}
	ret->channel.access_hash = peers_hash(&e->peers, s->chat_id);
	if (!ret->channel.access_hash)
		return 0;
	ret->channel.channel_id = PEERS_CHANNEL - s->chat_id;
	ret->peer.kind = TLN_inputPeerChannel;
	ret->peer.inputPeerChannel = &ret->channel;
	return s->message_id;
}

static enum err input_user(struct engine *e, struct engine_input *ret,
			   struct err_info *ei)
{
	int64_t hash = peers_hash(&e->peers, ret->id);
	int32_t msg;

	if (hash) {
		ret->user = (struct tlc_inputPeerUser){ ret->id, hash };
		ret->peer.kind = TLN_inputPeerUser;
		ret->peer.inputPeerUser = &ret->user;
		return ERR_OK;
	}
	msg = seen_in(e, ret->id, &ret->seen);
	if (!msg)
		return err_set(ei, ERR_NOTFOUND,
			       "the account has not met this person yet");
	ret->user_from = (struct tlc_inputPeerUserFromMessage){ ret->seen.peer,
								msg, ret->id };
	ret->peer.kind = TLN_inputPeerUserFromMessage;
	ret->peer.inputPeerUserFromMessage = &ret->user_from;
	return ERR_OK;
}

static enum err no_channel(struct err_info *ei)
{
	return err_set(ei, ERR_NOTFOUND,
		       "the account has not seen this channel yet");
}

static enum err input_channel(struct engine *e, struct engine_input *ret,
			      struct err_info *ei)
{
	int64_t hash = peers_hash(&e->peers, ret->id);
	int64_t id = PEERS_CHANNEL - ret->id;
	int32_t msg;

	if (hash) {
		ret->channel = (struct tlc_inputPeerChannel){ id, hash };
		ret->peer.kind = TLN_inputPeerChannel;
		ret->peer.inputPeerChannel = &ret->channel;
		return ERR_OK;
	}
	msg = seen_in(e, ret->id, &ret->seen);
	if (!msg)
		return no_channel(ei);
	ret->channel_from =
		(struct tlc_inputPeerChannelFromMessage){ ret->seen.peer, msg,
							  id };
	ret->peer.kind = TLN_inputPeerChannelFromMessage;
	ret->peer.inputPeerChannelFromMessage = &ret->channel_from;
	return ERR_OK;
}

enum err engine_input_peer(struct engine *e, int64_t peer,
			   struct engine_input *ret, struct err_info *ei)
{
	*ret = (struct engine_input){ .id = peers_current(&e->peers, peer) };
	if (!peer || peer == e->self_id) {
		ret->id = 0;
		ret->peer.kind = TLN_inputPeerSelf;
		ret->peer.inputPeerSelf = &ret->self;
		return ERR_OK;
	}
	peers_use(&e->peers, ret->id);
	if (ret->id > 0)
		return input_user(e, ret, ei);
	if (ret->id <= PEERS_CHANNEL)
		return input_channel(e, ret, ei);
	ret->chat.chat_id = -ret->id;
	ret->peer.kind = TLN_inputPeerChat;
	ret->peer.inputPeerChat = &ret->chat;
	return ERR_OK;
}

static enum err may_write(const struct engine *e, int64_t user_id,
			  struct err_info *ei)
{
	if (user_id == e->self_id || peers_has(&e->peers, user_id, PEERS_WROTE))
		return ERR_OK;
	return err_set(ei, ERR_FORBIDDEN,
		       "no private messages to people who have not written to "
		       "the account first");
}

enum err engine_input_to(struct engine *e, int64_t peer,
			 struct engine_input *ret, struct err_info *ei)
{
	enum err rc = peer > 0 ? may_write(e, peer, ei) : ERR_OK;

	return rc ? rc : engine_input_peer(e, peer, ret, ei);
}

enum err engine_input_channel(struct engine *e, int64_t peer,
			      struct engine_input_channel *ret,
			      struct err_info *ei)
{
	int64_t id = peers_current(&e->peers, peer);
	int32_t msg;

	*ret = (struct engine_input_channel){ .id = id };
	if (id > PEERS_CHANNEL)
		return err_set(ei, ERR_INVALID,
			       "chat %lld is not a channel or supergroup",
			       (long long)peer);
	peers_use(&e->peers, id);
	ret->plain.channel_id = PEERS_CHANNEL - id;
	ret->plain.access_hash = peers_hash(&e->peers, id);
	if (ret->plain.access_hash) {
		ret->channel.kind = TLN_inputChannel;
		ret->channel.inputChannel = &ret->plain;
		return ERR_OK;
	}
	msg = seen_in(e, id, &ret->seen);
	if (!msg)
		return no_channel(ei);
	ret->from = (struct tlc_inputChannelFromMessage){ ret->seen.peer, msg,
							  PEERS_CHANNEL - id };
	ret->channel.kind = TLN_inputChannelFromMessage;
	ret->channel.inputChannelFromMessage = &ret->from;
	return ERR_OK;
}

enum err engine_make(struct engine *e, const struct engine_ask *ask,
		     uint16_t function, const void *args, int64_t peer,
		     struct err_info *ei)
{
	const struct engine_request q = { .function = function,
					  .args = args,
					  .peer = peer,
					  .tag = ask->tag,
					  .deadline = ask->deadline };

	return engine_call(e, &q, ei);
}

/* Calls that show up at the other end. */
static bool reaches_people(uint16_t function)
{
	switch (function) {
	case TLN_messages_sendMessage:
	case TLN_messages_sendMedia:
	case TLN_messages_sendMultiMedia:
	case TLN_messages_forwardMessages:
	case TLN_messages_setTyping:
		return true;
	default:
		return false;
	}
}

enum err engine_check_rules(const struct engine *e,
			    const struct engine_request *q, struct err_info *ei)
{
	const struct tlt_InputPeer *to;
	const struct tlt_any *p;

	if (!reaches_people(q->function))
		return ERR_OK;
	p = bind_obj(q->function, q->args, TLF_to_peer, TLT_InputPeer);
	if (!p)
		p = bind_obj(q->function, q->args, TLF_peer, TLT_InputPeer);
	to = (const void *)p;
	if (!to)
		return err_set(ei, ERR_INVALID, "a message to nobody");
	switch (to->kind) {
	case TLN_inputPeerSelf:
	case TLN_inputPeerChat:
	case TLN_inputPeerChannel:
	case TLN_inputPeerChannelFromMessage:
		return ERR_OK;
	case TLN_inputPeerUser:
		return may_write(e, to->inputPeerUser->user_id, ei);
	case TLN_inputPeerUserFromMessage:
		return may_write(e, to->inputPeerUserFromMessage->user_id, ei);
	default: /* bytes nobody can look into */
		return err_set(ei, ERR_INVALID, "a message to nobody");
	}
}
