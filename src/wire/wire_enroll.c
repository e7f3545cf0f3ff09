/* SPDX-License-Identifier: MIT */
#include "wire/wire_enroll.h"

#include "wire/wire_int.h"

#define BODY_MAX 16384

#define OF struct wire_enroll
static const struct wire_row enroll_rows[] = {
	{ "join_token", W_STR(join_token, WIRE_NAME_MAX), .flags = WIRE_NEED },
	{ "node_name", W_STR(node_name, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "public_key", W_BYTES(public_key) },
	{ "version", W_STR(version, WIRE_NAME_MAX) },
	{ "hostname", W_STR(hostname, WIRE_TEXT_MAX) },
};
static const struct wire_table enroll = WIRE_TABLE(OF, enroll_rows);
#undef OF

#define OF struct wire_enrolled
static const struct wire_row enrolled_rows[] = {
	{ "node_id", W_STR(node_id, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "node_token", W_STR(node_token, WIRE_NAME_MAX), .flags = WIRE_NEED },
	{ "heartbeat_interval", W_SECONDS(heartbeat_interval_ms) },
	{ "lease_ttl", W_SECONDS(lease_ttl_ms) },
};
static const struct wire_table enrolled = WIRE_TABLE(OF, enrolled_rows);
#undef OF

enum err wire_enroll_encode(const struct wire_enroll *e, struct buf *out)
{
	return wire_table_encode(&enroll, e, out);
}

enum err wire_enroll_decode(const void *text, size_t len, struct arena *a,
			    struct wire_enroll *ret, struct err_info *ei)
{
	struct wire_enroll e = { 0 };
	enum err rc;

	rc = wire_table_decode(&enroll, text, len, BODY_MAX, a, &e, ei);
	if (!rc)
		*ret = e;
	return rc;
}

enum err wire_enrolled_encode(const struct wire_enrolled *e, struct buf *out)
{
	return wire_table_encode(&enrolled, e, out);
}

enum err wire_enrolled_decode(const void *text, size_t len, struct arena *a,
			      struct wire_enrolled *ret, struct err_info *ei)
{
	struct wire_enrolled e = { 0 };
	enum err rc;

	rc = wire_table_decode(&enrolled, text, len, BODY_MAX, a, &e, ei);
	if (!rc)
		*ret = e;
	return rc;
}
