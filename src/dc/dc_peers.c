/* SPDX-License-Identifier: MIT */
/* InputPeer and InputUser: whom a client means, access hash checked. */
#include "dc/dc_int.h"

static enum err by_hash(struct dc_call *call, const struct dyn *d,
			struct world_user **ret)
{
	int64_t id = dyn_int(d, TLF_user_id, 0);
	int64_t hash = dyn_int(d, TLF_access_hash, 0);
	struct world *w = &call->dc->world;
	struct world_user *u = world_user(w, id);

	if (!u || (u != call->user &&
		   hash != world_access_hash(w, call->user->id, id)))
		return dc_call_fail(call, 400, "PEER_ID_INVALID");
	*ret = u;
	return ERR_OK;
}

enum err dc_peers_user(struct dc_call *call, const struct dyn *input,
		       struct world_user **ret)
{
	switch (input ? input->name : 0) {
	case TLN_inputUserSelf:
	case TLN_inputPeerSelf:
		*ret = call->user;
		return ERR_OK;
	case TLN_inputUser:
	case TLN_inputPeerUser:
		return by_hash(call, input, ret);
	default:
		return dc_call_fail(call, 400, "USER_ID_INVALID");
	}
}

enum err dc_peers_channel(struct dc_call *call, const struct dyn *input,
			  struct world_channel **ret)
{
	int64_t id = dyn_int(input, TLF_channel_id, 0);
	const struct world *w = &call->dc->world;
	struct world_channel *c = id > 0 ? world_channel(w, id) : NULL;

	if (!dyn_is(input, TLN_inputChannel) &&
	    !dyn_is(input, TLN_inputPeerChannel))
		return dc_call_fail(call, 400, "CHANNEL_INVALID");
	if (!c || dyn_int(input, TLF_access_hash, 0) !=
			  world_access_hash(w, call->user->id,
					    world_channel_mark(id)))
		return dc_call_fail(call, 400, "CHANNEL_INVALID");
	if (!world_channel_sees(c, call->user->id))
		return dc_call_fail(call, 400, "CHANNEL_PRIVATE");
	*ret = c;
	return ERR_OK;
}

bool dc_peers_protected(struct dc_call *call, int64_t peer)
{
	const struct world *w = &call->dc->world;
	const struct world_channel *ch = world_channel_of(w, peer);
	const struct world_chat *c = peer < 0 ? world_chat(w, -peer) : NULL;

	return ch ? ch->noforwards : c && c->noforwards;
}

bool dc_peers_slow(struct dc_call *call, int64_t peer)
{
	const struct world_channel *c =
		world_channel_of(&call->dc->world, peer);
	const struct world_seat *s = c ? world_seat(c, call->user->id) : NULL;

	return c && c->slow_sec && c->creator != call->user->id &&
	       !(s && s->rights);
}

/* Slow mode aside. */
enum err dc_peers_may_write(struct dc_call *call, const struct world_channel *c)
{
	const struct world_seat *s = world_seat(c, call->user->id);

	if (!s || !s->in)
		return dc_call_fail(call, 403, "CHAT_WRITE_FORBIDDEN");
	if (!c->megagroup &&
	    !world_channel_can(c, call->user->id, WORLD_MAY_POST))
		return dc_call_fail(call, 400, "CHAT_ADMIN_REQUIRED");
	if (s->banned & WORLD_BANNED_SEND)
		return dc_call_fail(call, 400, "USER_BANNED_IN_CHANNEL");
	return ERR_OK;
}

static enum err may_post_channel(struct dc_call *call,
				 const struct world_channel *c)
{
	const struct world_seat *s = world_seat(c, call->user->id);
	enum err rc = dc_peers_may_write(call, c);

	if (!rc && s && dc_peers_slow(call, c->box.peer) &&
	    call->now < s->next_send)
		rc = dc_call_fail(call, 420, "SLOWMODE_WAIT_%d",
				  s->next_send - call->now);
	return rc;
}

enum err dc_peers_may_post(struct dc_call *call, int64_t peer)
{
	const struct world *w = &call->dc->world;
	const struct world_channel *c = world_channel_of(w, peer);
	const struct world_user *u = peer > 0 ? world_user(w, peer) : NULL;

	if (u && u->deleted)
		return dc_call_fail(call, 400, "INPUT_USER_DEACTIVATED");
	return c ? may_post_channel(call, c) : ERR_OK;
}

void dc_peers_posted(struct dc_call *call, int64_t peer)
{
	const struct world_channel *c =
		world_channel_of(&call->dc->world, peer);
	struct world_seat *s = c ? world_seat(c, call->user->id) : NULL;

	if (!s || !dc_peers_slow(call, peer))
		return;
	s->next_send = call->now + c->slow_sec;
	dc_store_put_seat(call->dc->store, c, s);
}

enum err dc_peers_input(struct dc_call *call, const struct dyn *peer,
			int64_t *ret)
{
	const struct world_chat *c;
	struct world_user *u = NULL;
	int64_t id;
	enum err rc;

	if (dyn_is(peer, TLN_inputPeerChannel)) {
		struct world_channel *channel = NULL;

		rc = dc_peers_channel(call, peer, &channel);
		if (!rc)
			*ret = world_channel_mark(channel->id);
		return rc;
	}
	if (!dyn_is(peer, TLN_inputPeerChat)) {
		rc = dc_peers_user(call, peer, &u);
		if (rc)
			return dc_call_fail(call, 400, "PEER_ID_INVALID");
		*ret = u->id;
		return ERR_OK;
	}
	id = dyn_int(peer, TLF_chat_id, 0);
	c = id > 0 ? world_chat(&call->dc->world, id) : NULL;
	if (!c || !world_is_member(c, call->user->id))
		return dc_call_fail(call, 400, "CHAT_ID_INVALID");
	*ret = -id;
	return ERR_OK;
}

enum err dc_peers_error(struct dc_call *call, enum err rc)
{
	switch (rc) {
	case ERR_NOTFOUND:
		return dc_call_fail(call, 400, "PEER_ID_INVALID");
	case ERR_FORBIDDEN:
		return dc_call_fail(call, 403, "CHAT_WRITE_FORBIDDEN");
	default:
		return rc;
	}
}
