/* SPDX-License-Identifier: MIT */
#include "wire/wire_beat.h"

#include "wire/wire_int.h"

#define OF struct wire_fault
static const struct wire_row fault_rows[] = {
	{ "code", W_STR(code, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "message", W_STR(message, WIRE_TEXT_MAX), .flags = WIRE_OMIT },
	{ "advice", W_STR(advice, WIRE_TEXT_MAX), .flags = WIRE_OMIT },
};
static const struct wire_table fault = WIRE_TABLE(OF, fault_rows);
#undef OF

#define OF struct wire_account
static const struct wire_row account_rows[] = {
	{ "account_id", W_STR(account_id, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "status", W_WORD(status) },
	{ "script_id", W_STR(script_id, WIRE_SCRIPT_MAX), .flags = WIRE_OMIT },
	{ "message_count", W_I64(message_count, 0, INT64_MAX) },
	{ "reply_count", W_I64(reply_count, 0, INT64_MAX) },
	{ "last_activity", W_TIME(last_activity), .flags = WIRE_OMIT },
	{ "session_file", W_STR(session_file, WIRE_TEXT_MAX),
	  .flags = WIRE_OMIT },
	{ "group_ids", W_NUMBERS(group_ids, ngroup_ids, WIRE_GROUPS_MAX) },
	/* tgfleet's own */
	{ "epoch", W_I64(epoch, 0, INT64_MAX), .flags = WIRE_OMIT },
	{ "state_since", W_TIME(state_since), .flags = WIRE_OMIT },
	{ "last_error",
	  W_OBJECT(last_error, WIRE_NOWHERE, struct wire_fault, fault),
	  .flags = WIRE_OMIT },
	{ "user_id", W_I64(user_id, 0, INT64_MAX), .flags = WIRE_OMIT },
	{ "username", W_STR(username, WIRE_NAME_MAX), .flags = WIRE_OMIT },
	{ "phone", W_STR(phone, WIRE_ID_MAX), .flags = WIRE_OMIT },
	{ "limited_until", W_TIME(limited_until), .flags = WIRE_OMIT },
	{ "limits",
	  W_LIST(limits, nlimits, struct wire_limit, wire_limit_table,
		 WIRE_LIMITS_MAX),
	  .flags = WIRE_OMIT },
	{ "position",
	  W_OBJECT(position, WIRE_AT(has_position, bool), struct wire_position,
		   wire_position_table),
	  .flags = WIRE_OMIT },
};
static const struct wire_table account = WIRE_TABLE(OF, account_rows);
#undef OF

#define OF struct wire_held
static const struct wire_row held_rows[] = {
	{ "account_id", W_STR(account_id, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "epoch", W_I64(epoch, 0, INT64_MAX), .flags = WIRE_NEED },
};
static const struct wire_table held = WIRE_TABLE(OF, held_rows);
#undef OF

#define OF struct wire_result
static const struct wire_row result_rows[] = {
	{ "command_id", W_STR(command_id, WIRE_ID_MAX) }, /* the key */
	{ "success", W_BOOL(success), .flags = WIRE_LOOSE },
	{ "data", W_JSON(data, WIRE_PARAMS_MAX), .flags = WIRE_OMIT },
	{ "error", W_STR(error, WIRE_PARAMS_MAX), .flags = WIRE_LOOSE },
};
static const struct wire_table result = WIRE_TABLE(OF, result_rows);
#undef OF

#define OF struct wire_beat
static const struct wire_row beat_rows[] = {
	{ "node_id", W_STR(node_id, WIRE_ID_MAX), .flags = WIRE_OMIT },
	{ "status", W_STR(status, WIRE_ID_MAX), .flags = WIRE_SAY,
	  .dflt = "online" },
	{ "account_count", W_COUNT(nheld, naccounts) },
	{ "accounts", W_LIST(accounts, naccounts, struct wire_account, account,
			     WIRE_ACCOUNTS_MAX) },
	{ "metadata", W_JSON(metadata, WIRE_PARAMS_MAX), .flags = WIRE_OMIT },
	{ "command_responses", W_MAP(results, nresults, struct wire_result,
				     result, WIRE_COMMANDS_MAX) },
	/* tgfleet's own */
	{ "version", W_STR(version, WIRE_NAME_MAX), .flags = WIRE_OMIT },
	{ "boot_id", W_STR(boot_id, WIRE_ID_MAX), .flags = WIRE_OMIT },
	{ "seq", W_I64(seq, 0, INT64_MAX) },
	{ "full", W_BOOL(full) },
	{ "held", W_MISSING(plain) },
	{ "held",
	  W_LIST(held, nheld, struct wire_held, held, WIRE_ACCOUNTS_MAX) },
	{ "released", W_LIST(released, nreleased, struct wire_held, held,
			     WIRE_ACCOUNTS_MAX) },
};
static const struct wire_table beats = WIRE_TABLE(OF, beat_rows);
#undef OF

enum err wire_beat_encode(const struct wire_beat *beat, struct buf *out)
{
	return wire_table_encode(&beats, beat, out);
}

enum err wire_beat_decode(const void *text, size_t len, struct arena *a,
			  struct wire_beat *ret, struct err_info *ei)
{
	/* a plain client always tells everything */
	struct wire_beat beat = { .full = true };
	enum err rc;

	rc = wire_table_decode(&beats, text, len, WIRE_BODY_MAX, a, &beat, ei);
	if (!rc)
		*ret = beat;
	return rc;
}
