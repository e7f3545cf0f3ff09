/* SPDX-License-Identifier: MIT */
#include "wire/wire_session.h"

#include "wire/wire_beat.h"
#include "wire/wire_int.h"

#define OF struct wire_peer
static const struct wire_row peer_rows[] = {
	{ "id", W_I64(id, 0, INT64_MAX), .flags = WIRE_NEED },
	{ "access_hash", W_I64(access_hash, INT64_MIN, INT64_MAX),
	  .flags = WIRE_NEED },
	{ "type", W_STR(type, WIRE_ID_MAX) },
	{ "username", W_STR(username, WIRE_NAME_MAX) },
	{ "phone", W_STR(phone, WIRE_ID_MAX) },
	{ "name", W_STR(name, WIRE_TEXT_MAX) },
};
static const struct wire_table peer = WIRE_TABLE(OF, peer_rows);
#undef OF

#define OF struct wire_session
static const struct wire_row state_rows[] = {
	{ "pts", W_I64(pts, 0, INT32_MAX), .flags = WIRE_NEED },
	{ "qts", W_I64(qts, 0, INT32_MAX), .flags = WIRE_NEED },
	{ "date", W_I64(date, 0, INT32_MAX), .flags = WIRE_NEED },
	{ "seq", W_I64(seq, 0, INT32_MAX), .flags = WIRE_NEED },
};
static const struct wire_table state = WIRE_TABLE(OF, state_rows);

static const struct wire_row session_rows[] = {
	{ "account_id", W_STR(account_id, WIRE_ID_MAX) },
	{ "version", W_I64(version, 0, INT64_MAX) },
	{ "dc_id", W_INT(dc_id, 1, 10100), .flags = WIRE_NEED },
	{ "server_address", W_STR(server_address, WIRE_TEXT_MAX) },
	{ "port", W_INT(port, 0, 65535) },
	{ "user_id", W_I64(user_id, 0, INT64_MAX) },
	{ "is_bot", W_BOOL(is_bot) },
	{ "api_id", W_I64(api_id, 0, INT32_MAX) },
	{ "test_mode", W_BOOL(test_mode) },
	/* its members are the session's */
	{ "update_state", .kind = WIRE_OBJECT, .at = 0,
	  .n_at = WIRE_AT(has_update_state, bool), .of = &state },
	{ "channels", W_LIST(channels, nchannels, struct wire_channel,
			     wire_channel_table, WIRE_SESSION_CHANNELS_MAX) },
	{ "route_version", W_I64(route_version, 0, INT64_MAX) },
	{ "route", W_OBJECT(route, WIRE_AT(has_route, bool), struct wire_route,
			    wire_route_table) },
	{ "peers",
	  W_LIST(peers, npeers, struct wire_peer, peer, WIRE_PEERS_MAX) },
	{ "auth_key", W_SECRET(auth_key, WIRE_AUTH_KEY_BYTES) },
};
static const struct wire_table session = WIRE_TABLE(OF, session_rows);
#undef OF

enum err wire_session_decode(const void *text, size_t len, struct arena *a,
			     struct wire_session *ret, struct err_info *ei)
{
	struct wire_session s = { .port = 443 };
	enum err rc;

	rc = wire_table_decode(&session, text, len, WIRE_SESSION_MAX, a, &s,
			       ei);
	if (!rc && s.has_route)
		rc = wire_route_check(&s.route, ei);
	if (rc)
		wire_session_deinit(&s);
	else
		*ret = s;
	return rc;
}

void wire_session_deinit(struct wire_session *s)
{
	secret_deinit(&s->auth_key);
	*s = (struct wire_session){ 0 };
}
