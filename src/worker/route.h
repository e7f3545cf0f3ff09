/* SPDX-License-Identifier: MIT */
/*
 * How an account is reached.  The one place that says where a connection goes
 * and how it begins: who dials asks route_plan() and adds nothing to it.
 *
 * A route is fixed before the first packet.  With one, the only address dialled
 * is the proxy's, whatever happens: there is no falling back to the data centre
 * itself.  Without one (NULL) it is the data centre's.
 *
 *	socks5, http	the proxy connects to the data centre
 *	mtproxy		the proxy knows the data centres by number
 *
 *   owner     struct account owns one, or has none
 *   memory    2 KiB, wiped when freed; a plan borrows from route and telegram
 *   failure   ERR_INVALID saying what is wrong, never password or secret
 */
#ifndef WORKER_ROUTE_H
#define WORKER_ROUTE_H

#include "mtproto/proxy_secret.h"
#include "mtproto/transport.h"
#include "net/link.h"
#include "wire/wire_route.h"

enum route_kind {
	ROUTE_SOCKS5,
	ROUTE_HTTP,
	ROUTE_MTPROXY,
};

#define ROUTE_NAME_MAX 288

struct route {
	enum route_kind kind;
	struct addr_host at;
	char user[WIRE_ROUTE_CREDENTIAL_MAX + 1];
	char password[WIRE_ROUTE_CREDENTIAL_MAX + 1];
	struct proxy_secret secret; /* of an MTProxy */
};

enum err route_new(const struct wire_route *w, struct route **ret,
		   struct err_info *ei);
/* NULL is fine. */
void route_free(struct route *r);

/* "socks5 proxy 10.0.0.1:1080"; NULL: "direct". */
const char *route_name(const struct route *r, char buf[static ROUTE_NAME_MAX]);

/* What a connection is for. */
struct route_target {
	const struct addr_host *at; /* of the data centre */
	int dc_id;
	bool test_mode, media;
	struct transport_config transport; /* as the node is set to speak */
};

struct route_plan {
	struct link_dial_options dial;
	struct transport_config transport;
};

/* Borrows r, which may be NULL, for the life of the connection. */
void route_plan(const struct route *r, const struct route_target *to,
		struct route_plan *ret);

#endif /* WORKER_ROUTE_H */
