/* SPDX-License-Identifier: MIT */
/*
 * A chat's number made into what a call takes: for those who write calls.
 *
 *	struct engine_input to;
 *	rc = engine_input_peer(e, peer, &to, ei);
 *	f.peer = to.peer;	... and `peer` of the request is to.id
 *
 * 0 and the account's own number are the account itself.  A basic group that
 * became a channel is that channel.  Whom no hash is known of is named by the
 * newest message he was seen in.
 *
 *   owner     the caller; ret points into itself, so it is not copied
 *   failure   ERR_NOTFOUND: the account never met this peer
 */
#ifndef TG_ENGINE_INPUT_H
#define TG_ENGINE_INPUT_H

#include "tg/engine.h"
#include "tl/tl_wanted.h"

/* The chat a message was seen in. */
struct engine_input_seen {
	struct tlt_InputPeer peer;
	union {
		struct tlc_inputPeerChat chat;
		struct tlc_inputPeerChannel channel;
	};
};

struct engine_input {
	int64_t id; /* as it is now; the account itself: 0 */
	struct tlt_InputPeer peer;
	union {
		struct tlc_inputPeerSelf self;
		struct tlc_inputPeerChat chat;
		struct tlc_inputPeerUser user;
		struct tlc_inputPeerChannel channel;
		struct tlc_inputPeerUserFromMessage user_from;
		struct tlc_inputPeerChannelFromMessage channel_from;
	};
	struct engine_input_seen seen;
};

struct engine_input_channel {
	int64_t id;
	struct tlt_InputChannel channel;
	union {
		struct tlc_inputChannel plain;
		struct tlc_inputChannelFromMessage from;
	};
	struct engine_input_seen seen;
};

enum err engine_input_peer(struct engine *e, int64_t peer,
			   struct engine_input *ret, struct err_info *ei);
/* The same of whom something is sent to; ERR_FORBIDDEN: not to this person. */
enum err engine_input_to(struct engine *e, int64_t peer,
			 struct engine_input *ret, struct err_info *ei);
/* ERR_INVALID: not a channel or supergroup. */
enum err engine_input_channel(struct engine *e, int64_t peer,
			      struct engine_input_channel *ret,
			      struct err_info *ei);
/* A request like any other; `peer` as engine_input_peer() found it. */
enum err engine_make(struct engine *e, const struct engine_ask *ask,
		     uint16_t function, const void *args, int64_t peer,
		     struct err_info *ei);
static inline bool engine_input_is_channel(const struct engine *e, int64_t peer)
{
	return peers_current(&e->peers, peer) <= PEERS_CHANNEL;
}

#endif /* TG_ENGINE_INPUT_H */
