/* SPDX-License-Identifier: MIT */
/*
 * The session document: what the vault keeps and a node receives, sealed.
 *
 *	{account_id, version, dc_id, server_address, port, auth_key (base64),
 *	 user_id, is_bot, api_id, test_mode,
 *	 update_state {pts, qts, date, seq} | null, channels [{id, pts}],
 *	 route_version, route {...} | null (wire_route.h),
 *	 peers [{id, access_hash, type, username, phone, name}]}
 *
 * Decoding wipes nothing of the input: that is the caller's secret already.
 *
 *   owner     the caller; wire_session_deinit() wipes the key
 *   memory    strings and peers in the arena
 */
#ifndef WIRE_WIRE_SESSION_H
#define WIRE_WIRE_SESSION_H

#include "base/arena.h"
#include "base/json.h"
#include "base/secret.h"
#include "wire/wire_route.h"
#include "wire/wire_status.h"

#define WIRE_AUTH_KEY_BYTES 256
#define WIRE_PEERS_MAX 100000
#define WIRE_SESSION_CHANNELS_MAX 10000
#define WIRE_SESSION_MAX 67108864 /* bytes of one document */

struct wire_channel;
struct wire_peer {
	int64_t id; /* positive; `type` says of what */
	int64_t access_hash;
	const char *type; /* "user" "bot" "group" "channel" "supergroup" */
	const char *username;
	const char *phone;
	const char *name;
};

struct wire_session {
	const char *account_id; /* NULL in a document not yet given to one */
	int64_t version;
	int dc_id;
	const char *server_address; /* or NULL */
	int port;
	struct secret auth_key;
	int64_t user_id; /* 0 = not known */
	bool is_bot;
	int64_t api_id; /* 0 = not known */
	bool test_mode;
	bool has_update_state;
	int64_t pts, qts, date, seq;
	const struct wire_channel *channels; /* see wire/wire_beat.h */
	size_t nchannels;
	int64_t route_version; /* 0 = it never had one */
	bool has_route;
	struct wire_route route;
	const struct wire_peer *peers;
	size_t npeers;
};

enum err wire_session_decode(const void *text, size_t len, struct arena *a,
			     struct wire_session *ret, struct err_info *ei);
void wire_session_deinit(struct wire_session *s);

#endif /* WIRE_WIRE_SESSION_H */
