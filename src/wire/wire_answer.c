/* SPDX-License-Identifier: MIT */
#include "wire/wire_beat.h"
#include "wire/wire_int.h"

#define OF struct wire_command
static const struct wire_row command_rows[] = {
	{ "command_id", W_STR(command_id, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "action", W_STR(action, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "params", W_JSON(params, WIRE_PARAMS_MAX), .dflt = "{}" },
	{ "created_at", W_TIME(created_at) },
};
static const struct wire_table command = WIRE_TABLE(OF, command_rows);
#undef OF

#define OF struct wire_session_ref
static const struct wire_row session_rows[] = {
	{ "version", W_I64(version, 0, INT64_MAX), .flags = WIRE_NEED },
	{ "fingerprint", W_STR(fingerprint, WIRE_NAME_MAX),
	  .flags = WIRE_NEED },
	{ "route_version", W_I64(route_version, 0, INT64_MAX),
	  .flags = WIRE_OMIT },
	{ "url", W_STR(url, WIRE_TEXT_MAX) },
};
static const struct wire_table session = WIRE_TABLE(OF, session_rows);
#undef OF

/* A lease without an epoch or a time is no lease. */
#define OF struct wire_lease
static const struct wire_row lease_rows[] = {
	{ "account_id", W_STR(account_id, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "epoch", W_I64(epoch, 1, INT64_MAX), .flags = WIRE_NEED },
	{ "ttl_ms", W_I64(ttl_ms, 1, INT32_MAX), .flags = WIRE_NEED },
	{ "session", W_OBJECT(session, WIRE_AT(has_session, bool),
			      struct wire_session_ref, session) },
	{ "position",
	  W_OBJECT(position, WIRE_AT(has_position, bool), struct wire_position,
		   wire_position_table),
	  .flags = WIRE_OMIT },
	{ "limits",
	  W_LIST(limits, nlimits, struct wire_limit, wire_limit_table,
		 WIRE_LIMITS_MAX),
	  .flags = WIRE_OMIT },
};
static const struct wire_table lease = WIRE_TABLE(OF, lease_rows);
#undef OF

#define OF struct wire_stop
static const struct wire_row stop_rows[] = {
	{ "account_id", W_STR(account_id, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "epoch", W_I64(epoch, 0, INT64_MAX), .flags = WIRE_NEED },
	{ "reason", W_STR(reason, WIRE_TEXT_MAX), .dflt = "stopped" },
};
static const struct wire_table stop = WIRE_TABLE(OF, stop_rows);
#undef OF

#define OF struct wire_answer
static const struct wire_row answer_rows[] = {
	{ "success", W_BOOL(success), .flags = WIRE_LOOSE },
	{ "node_id", W_STR(node_id, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "pending_commands", W_LIST(commands, ncommands, struct wire_command,
				     command, WIRE_COMMANDS_MAX) },
	{ "message", W_STR(message, WIRE_TEXT_MAX), .flags = WIRE_SAY,
	  .dflt = "" },
	{ "heartbeat_interval", W_SECONDS(heartbeat_interval_ms) },
	/* tgfleet's own */
	{ "full_wanted", W_BOOL(full_wanted), .flags = WIRE_LOOSE },
	{ "leases", W_LIST(leases, nleases, struct wire_lease, lease,
			   WIRE_ACCOUNTS_MAX) },
	{ "stop",
	  W_LIST(stops, nstops, struct wire_stop, stop, WIRE_ACCOUNTS_MAX) },
};
static const struct wire_table answer = WIRE_TABLE(OF, answer_rows);
#undef OF

enum err wire_answer_encode(const struct wire_answer *ans, struct buf *out)
{
	return wire_table_encode(&answer, ans, out);
}

enum err wire_answer_decode(const void *text, size_t len, struct arena *a,
			    struct wire_answer *ret, struct err_info *ei)
{
	struct wire_answer ans = { 0 };
	enum err rc;

	rc = wire_table_decode(&answer, text, len, WIRE_BODY_MAX, a, &ans, ei);
	if (!rc)
		*ret = ans;
	return rc;
}
