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

enum err dc_peers_input(struct dc_call *call, const struct dyn *peer,
			int64_t *ret)
{
	const struct world_chat *c;
	struct world_user *u = NULL;
	int64_t id;
	enum err rc;

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
