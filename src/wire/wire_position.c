/* SPDX-License-Identifier: MIT */
/* What travels with an account: both directions, and as it is stored. */
#include "wire/wire_beat.h"
#include "wire/wire_int.h"

#define OF struct wire_limit
static const struct wire_row limit_rows[] = {
	{ "method", W_STR(method, WIRE_NAME_MAX), .flags = WIRE_NEED },
	{ "peer", W_I64(peer, INT64_MIN, INT64_MAX), .flags = WIRE_OMIT },
	{ "until", W_TIME(until) },
	{ "error", W_STR(error, WIRE_NAME_MAX), .flags = WIRE_NEED },
};
const struct wire_table wire_limit_table = WIRE_TABLE(OF, limit_rows);
#undef OF

#define OF struct wire_channel
static const struct wire_row channel_rows[] = {
	{ "id", W_I64(id, 1, INT64_MAX), .flags = WIRE_NEED },
	{ "access_hash", W_I64(access_hash, INT64_MIN, INT64_MAX),
	  .flags = WIRE_OMIT },
	{ "pts", W_I64(pts, 1, INT32_MAX), .flags = WIRE_NEED },
};
const struct wire_table wire_channel_table = WIRE_TABLE(OF, channel_rows);
#undef OF

#define OF struct wire_position
static const struct wire_row position_rows[] = {
	{ "epoch", W_I64(epoch, 0, INT64_MAX), .flags = WIRE_NEED },
	{ "pts", W_I64(pts, 0, INT32_MAX), .flags = WIRE_NEED },
	{ "qts", W_I64(qts, 0, INT32_MAX) },
	{ "date", W_I64(date, 0, INT32_MAX) },
	{ "seq", W_I64(seq, 0, INT32_MAX) },
	{ "channels",
	  W_LIST(channels, nchannels, struct wire_channel, wire_channel_table,
		 WIRE_CHANNELS_MAX),
	  .flags = WIRE_OMIT },
};
const struct wire_table wire_position_table = WIRE_TABLE(OF, position_rows);
#undef OF

enum err wire_position_encode(const struct wire_position *pos, struct buf *out)
{
	return wire_table_encode(&wire_position_table, pos, out);
}

enum err wire_position_decode(const void *text, size_t len, struct arena *a,
			      struct wire_position *ret, struct err_info *ei)
{
	struct wire_position pos = { 0 };
	enum err rc;

	rc = wire_table_decode(&wire_position_table, text, len,
			       WIRE_POSITION_MAX, a, &pos, ei);
	if (!rc)
		*ret = pos;
	return rc;
}
