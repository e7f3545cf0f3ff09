/* SPDX-License-Identifier: MIT */
/* The book of peers, filled from what Telegram says of users and chats. */
#include "tg/peers.h"
#include "tl/tl_wanted.h"

static uint32_t flag_if(bool is, enum peers_flag flag)
{
	return is ? (uint32_t)flag : 0;
}

static void take_user(struct peers *p, const struct tlc_user *u)
{
	if (u->min || !u->has_access_hash || !u->access_hash || u->id <= 0)
		return;
	peers_put(p, u->id, u->access_hash, flag_if(u->bot, PEERS_BOT));
}

void peers_take_users(struct peers *p, const struct tlv_User *users)
{
	for (uint32_t i = 0; i < users->n; i++)
		if (users->v[i].kind == TLN_user)
			take_user(p, users->v[i].user);
}

static void take_name(struct peers *p, struct tl_bytes name, int64_t id,
		      struct wall now)
{
	uint64_t hash;

	if (peers_name_hash((const char *)name.data, name.len, &hash))
		peers_name(p, hash, id, now);
}

/* A channel's number as bots see it; 0: no channel has that id. */
static int64_t channel(int64_t id)
{
	return id > 0 && id < -PEERS_CHANNEL ? PEERS_CHANNEL - id : 0;
}

static void take_channel(struct peers *p, const struct tlc_channel *c,
			 struct wall now)
{
	int64_t id = channel(c->id);

	if (c->min || !c->has_access_hash || !c->access_hash || !id)
		return;
	peers_put(p, id, c->access_hash,
		  flag_if(c->broadcast, PEERS_BROADCAST) |
			  flag_if(c->forum, PEERS_FORUM) |
			  flag_if(c->noforwards, PEERS_NOFORWARDS) |
			  flag_if(c->left, PEERS_LEFT));
	if (c->has_username)
		take_name(p, c->username, id, now);
	for (uint32_t i = 0; c->has_usernames && i < c->usernames.n; i++) {
		const struct tlt_Username *u = &c->usernames.v[i];

		if (u->kind == TLN_username && u->username->active)
			take_name(p, u->username->username, id, now);
	}
}

static void take_group(struct peers *p, const struct tlc_chat *c)
{
	const struct tlc_inputChannel *to = c->migrated_to.inputChannel;
	uint32_t flags = flag_if(c->noforwards, PEERS_NOFORWARDS) |
			 flag_if(c->left, PEERS_LEFT);
	int64_t id = c->id > 0 && c->id < -PEERS_CHANNEL ? -c->id : 0;

	if (!id)
		return;
	if (c->has_migrated_to && c->migrated_to.kind == TLN_inputChannel &&
	    channel(to->channel_id)) {
		int64_t now_id = channel(to->channel_id);

		if (to->access_hash && !peers_hash(p, now_id))
			peers_put(p, now_id, to->access_hash, 0);
		peers_put(p, id, now_id, flags | PEERS_MIGRATED);
	} else if (flags || peers_find(p, id)) {
		/* needs no hash: only what is special is worth an entry */
		peers_put(p, id, 0, flags);
	}
}

static void take_chat(struct peers *p, const struct tlt_Chat *c,
		      struct wall now)
{
	const struct tlc_channelForbidden *gone = c->channelForbidden;

	switch (c->kind) {
	case TLN_chat:
		take_group(p, c->chat);
		break;
	case TLN_channel:
		take_channel(p, c->channel, now);
		break;
	case TLN_channelForbidden:
		if (channel(gone->id) && gone->access_hash)
			peers_put(p, channel(gone->id), gone->access_hash,
				  PEERS_LEFT | flag_if(gone->broadcast,
						       PEERS_BROADCAST));
		break;
	default:
		break;
	}
}

void peers_take_chats(struct peers *p, const struct tlv_Chat *chats,
		      struct wall now)
{
	for (uint32_t i = 0; i < chats->n; i++)
		take_chat(p, &chats->v[i], now);
}

void peers_take(struct peers *p, const struct tlt_any *obj, struct wall now)
{
	const struct tlv_any *users, *chats;
	const struct tlt_any *chat;

	if (obj->kind == TLN_user)
		take_user(p, obj->any);
	users = bind_vec(obj->kind, obj->any, TLF_users, TLT_User);
	chats = bind_vec(obj->kind, obj->any, TLF_chats, TLT_Chat);
	chat = bind_obj(obj->kind, obj->any, TLF_chat, TLT_Chat);
	if (users)
		peers_take_users(p, (const void *)users);
	if (chats)
		peers_take_chats(p, (const void *)chats, now);
	if (chat)
		take_chat(p, (const void *)chat, now);
}
