/* SPDX-License-Identifier: MIT */
/*
 * Enrolment: a single-use join token and a public key against a node id and its
 * token.  The answer carries a secret: it is wiped by whoever decoded it.
 */
#ifndef WIRE_WIRE_ENROLL_H
#define WIRE_WIRE_ENROLL_H

#include "base/arena.h"
#include "base/buf.h"
#include "wire/wire_status.h"

#define WIRE_PUBLIC_KEY_BYTES 32 /* X25519 */

struct wire_enroll {
	const char *join_token;
	const char *node_name;
	uint8_t public_key[WIRE_PUBLIC_KEY_BYTES];
	const char *version;  /* or NULL */
	const char *hostname; /* or NULL */
};

struct wire_enrolled {
	const char *node_id;
	const char *node_token;
	int64_t heartbeat_interval_ms; /* on the wire: seconds */
	int64_t lease_ttl_ms;
};

enum err wire_enroll_encode(const struct wire_enroll *e, struct buf *out);
enum err wire_enroll_decode(const void *text, size_t len, struct arena *a,
			    struct wire_enroll *ret, struct err_info *ei);
enum err wire_enrolled_encode(const struct wire_enrolled *e, struct buf *out);
enum err wire_enrolled_decode(const void *text, size_t len, struct arena *a,
			      struct wire_enrolled *ret, struct err_info *ei);

#endif /* WIRE_WIRE_ENROLL_H */
