/* SPDX-License-Identifier: MIT */
#include "tg/chats.h"

#include <string.h>

#include "tg/engine_input.h"
#include "tg/engine_int.h"

static struct tl_bytes text_bytes(const char *s, size_t len)
{
	return (struct tl_bytes){ (const uint8_t *)s, len };
}

enum err chats_resolve(struct engine *e, const struct engine_ask *ask,
		       const char *name, int64_t *ret_id, struct err_info *ei)
{
	struct tlf_contacts_resolveUsername f = { 0 };
	uint64_t hash;
	int64_t id;
	enum err rc;

	if (name[0] == '@')
		name++;
	f.username = text_bytes(name, strlen(name));
	if (!peers_name_hash(name, f.username.len, &hash))
		return err_set(ei, ERR_INVALID,
			       "a username has up to %d characters",
			       PEERS_NAME_MAX);
	if (peers_resolve(&e->peers, hash, engine_server_now(e), &id)) {
		if (!id)
			return err_set(ei, ERR_NOTFOUND,
				       "nobody has the username @%s", name);
		/* without its hash the number would be of no use */
		if (id == e->self_id || peers_hash(&e->peers, id)) {
			*ret_id = id;
			return ERR_OK;
		}
	}
	rc = engine_make(e, ask, TLN_contacts_resolveUsername, &f, 0, ei);
	if (rc)
		return rc;
	engine_call_about(e, ask->tag, hash);
	*ret_id = 0;
	return ERR_OK;
}

int64_t chats_resolved(const struct engine_answer *a)
{
	const struct tlc_contacts_resolvedPeer *r = a->obj.any;

	return a->obj.kind == TLN_contacts_resolvedPeer
		       ? engine_peer_id(&r->peer)
		       : 0;
}

enum err chats_join(struct engine *e, const struct engine_ask *ask,
		    int64_t peer, struct err_info *ei)
{
	struct tlf_channels_joinChannel f = { 0 };
	struct engine_input_channel in;
	enum err rc = engine_input_channel(e, peer, &in, ei);

	if (rc)
		return rc;
	f.channel = in.channel;
	return engine_make(e, ask, TLN_channels_joinChannel, &f, in.id, ei);
}

static bool is_hash_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The hash in an invite, however it is written. */
static enum err invite_hash(const char *invite, struct tl_bytes *ret,
			    struct err_info *ei)
{
	static const char *const before[] = { "joinchat/", "invite=", "+" };
	const char *at = invite;
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(before) && at == invite; i++) {
		const char *found = strstr(invite, before[i]);

		if (found)
			at = found + strlen(before[i]);
	}
	while (is_hash_char(at[len]))
		len++;
	/* what follows is at most the link's own rest */
	if (!len || len > CHATS_INVITE_MAX ||
	    (at[len] && !strchr("?&#/", at[len])))
		return err_set(ei, ERR_INVALID,
			       "not an invite: write https://t.me/+... or what "
			       "follows the +");
	*ret = text_bytes(at, len);
	return ERR_OK;
}

enum err chats_check_invite(struct engine *e, const struct engine_ask *ask,
			    const char *invite, struct err_info *ei)
{
	struct tlf_messages_checkChatInvite f = { 0 };
	enum err rc = invite_hash(invite, &f.hash, ei);

	if (rc)
		return rc;
	return engine_make(e, ask, TLN_messages_checkChatInvite, &f, 0, ei);
}

enum err chats_join_invite(struct engine *e, const struct engine_ask *ask,
			   const char *invite, struct err_info *ei)
{
	struct tlf_messages_importChatInvite f = { 0 };
	enum err rc = invite_hash(invite, &f.hash, ei);

	if (rc)
		return rc;
	return engine_make(e, ask, TLN_messages_importChatInvite, &f, 0, ei);
}

static enum err leave_group(struct engine *e, const struct engine_ask *ask,
			    int64_t peer, struct err_info *ei)
{
	struct tlc_inputUserSelf self = { 0 };
	const struct tlf_messages_deleteChatUser f = {
		.chat_id = -peer,
		.user_id = { .kind = TLN_inputUserSelf,
			     .inputUserSelf = &self },
	};

	return engine_make(e, ask, TLN_messages_deleteChatUser, &f, peer, ei);
}

enum err chats_leave(struct engine *e, const struct engine_ask *ask,
		     int64_t peer, struct err_info *ei)
{
	struct tlf_channels_leaveChannel f = { 0 };
	struct engine_input_channel in;
	enum err rc;

	if (peer >= 0)
		return err_set(ei, ERR_INVALID,
			       "only groups and channels can be left");
	if (!engine_input_is_channel(e, peer))
		return leave_group(e, ask, peer, ei);
	rc = engine_input_channel(e, peer, &in, ei);
	if (rc)
		return rc;
	f.channel = in.channel;
	return engine_make(e, ask, TLN_channels_leaveChannel, &f, in.id, ei);
}

static enum err check_limit(int32_t limit, struct err_info *ei)
{
	if (limit >= 1 && limit <= CHATS_PAGE_MAX)
		return ERR_OK;
	return err_set(ei, ERR_INVALID, "a page has 1 to %d entries",
		       CHATS_PAGE_MAX);
}

enum err chats_list(struct engine *e, const struct engine_ask *ask,
		    const struct chats_page *page, struct err_info *ei)
{
	struct tlc_inputPeerEmpty nobody = { 0 };
	struct tlf_messages_getDialogs f = {
		.offset_date = page->offset_date,
		.offset_id = page->offset_id,
		.offset_peer = { .kind = TLN_inputPeerEmpty,
				 .inputPeerEmpty = &nobody },
		.limit = page->limit,
	};
	struct engine_input in;
	enum err rc = check_limit(page->limit, ei);

	if (!rc && page->offset_peer) {
		rc = engine_input_peer(e, page->offset_peer, &in, ei);
		f.offset_peer = in.peer;
	}
	if (rc)
		return rc;
	return engine_make(e, ask, TLN_messages_getDialogs, &f, 0, ei);
}

enum err chats_full(struct engine *e, const struct engine_ask *ask,
		    int64_t peer, struct err_info *ei)
{
	const struct tlf_messages_getFullChat group = { .chat_id = -peer };
	struct tlf_channels_getFullChannel f = { 0 };
	struct engine_input_channel in;
	enum err rc;

	if (peer >= 0)
		return err_set(ei, ERR_INVALID, "chat %lld is a person",
			       (long long)peer);
	if (!engine_input_is_channel(e, peer))
		return engine_make(e, ask, TLN_messages_getFullChat, &group,
				   peer, ei);
	rc = engine_input_channel(e, peer, &in, ei);
	if (rc)
		return rc;
	f.channel = in.channel;
	return engine_make(e, ask, TLN_channels_getFullChannel, &f, in.id, ei);
}

enum err chats_topics(struct engine *e, const struct engine_ask *ask,
		      int64_t peer, const struct chats_topics *page,
		      struct err_info *ei)
{
	struct tlf_messages_getForumTopics f = {
		.offset_date = page->offset_date,
		.offset_id = page->offset_id,
		.offset_topic = page->offset_topic,
		.limit = page->limit,
	};
	struct engine_input in;
	enum err rc = check_limit(page->limit, ei);

	if (!rc)
		rc = engine_input_peer(e, peer, &in, ei);
	if (rc)
		return rc;
	f.peer = in.peer;
	return engine_make(e, ask, TLN_messages_getForumTopics, &f, in.id, ei);
}

/* ---- what a full chat says about writing there */

static void forbid(struct chats_facts *f, const struct tlt_ChatBannedRights *v)
{
	const struct tlc_chatBannedRights *r = v->chatBannedRights;

	if (v->kind != TLN_chatBannedRights)
		return;
	if (r->view_messages || r->send_messages || r->send_plain)
		f->may_send = false;
	if (r->view_messages || r->send_messages || r->send_media ||
	    r->send_photos || r->send_docs)
		f->may_send_media = false;
}

static void channel_facts(struct chats_facts *f, const struct tlc_channel *c)
{
	bool admin = c->creator || c->has_admin_rights;

	f->noforwards = c->noforwards;
	f->broadcast = c->broadcast;
	f->forum = c->forum;
	f->left = c->left;
	f->may_send = f->may_send_media = !c->left;
	if (c->broadcast && !c->creator)
		f->may_send = f->may_send_media =
			c->has_admin_rights &&
			c->admin_rights.kind == TLN_chatAdminRights &&
			c->admin_rights.chatAdminRights->post_messages;
	if (admin)
		return;
	if (c->has_banned_rights)
		forbid(f, &c->banned_rights);
	if (c->has_default_banned_rights && !c->broadcast)
		forbid(f, &c->default_banned_rights);
}

static void group_facts(struct chats_facts *f, const struct tlc_chat *c)
{
	f->noforwards = c->noforwards;
	f->left = c->left;
	f->may_send = f->may_send_media = !c->left && !c->deactivated;
	if (!c->creator && !c->has_admin_rights && c->has_default_banned_rights)
		forbid(f, &c->default_banned_rights);
}

static void find_chat(struct chats_facts *f, const struct tlv_Chat *chats)
{
	for (uint32_t i = 0; i < chats->n; i++) {
		const struct tlt_Chat *c = &chats->v[i];

		if (c->kind == TLN_channel &&
		    PEERS_CHANNEL - c->channel->id == f->id)
			channel_facts(f, c->channel);
		else if (c->kind == TLN_chat && -c->chat->id == f->id)
			group_facts(f, c->chat);
	}
}

bool chats_facts(const struct engine_answer *a, struct chats_facts *ret)
{
	const struct tlc_messages_chatFull *full = a->obj.any;
	struct chats_facts f = { 0 };

	if (a->obj.kind != TLN_messages_chatFull)
		return false;
	if (full->full_chat.kind == TLN_channelFull) {
		const struct tlc_channelFull *c = full->full_chat.channelFull;

		f.id = PEERS_CHANNEL - c->id;
		f.slowmode_s = c->slowmode_seconds;
		f.next_send_date = c->slowmode_next_send_date;
	} else if (full->full_chat.kind == TLN_chatFull) {
		f.id = -full->full_chat.chatFull->id;
	} else {
		return false;
	}
	find_chat(&f, &full->chats);
	*ret = f;
	return true;
}
