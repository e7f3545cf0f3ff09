/* SPDX-License-Identifier: MIT */
/*
 * How an account is reached:
 *
 *	{kind: "socks5" | "http" | "mtproxy", host, port, user, password, secret}
 *
 * It travels inside what is sealed only (a session document, the parameters of a
 * route's test): password and secret are in it.  No route is the direct one.
 *
 *   owner     strings in the arena
 *   failure   ERR_INVALID or ERR_TOOBIG naming the member, never its value
 */
#ifndef WIRE_WIRE_ROUTE_H
#define WIRE_WIRE_ROUTE_H

#include "base/arena.h"
#include "base/buf.h"

#define WIRE_ROUTE_HOST_MAX 253
#define WIRE_ROUTE_CREDENTIAL_MAX 255
#define WIRE_ROUTE_SECRET_MAX 400
#define WIRE_ROUTE_MAX 8192 /* bytes of one document */

struct wire_route {
	const char *kind;
	const char *host;
	int port;
	const char *user;     /* or NULL */
	const char *password; /* or NULL */
	const char *secret;   /* an MTProxy's, as people paste it; or NULL */
};

/* A name or an address without brackets; kinds and what each of them needs. */
enum err wire_route_check(const struct wire_route *r, struct err_info *ei);
enum err wire_route_encode(const struct wire_route *r, struct buf *out);
/* Decoded is checked. */
enum err wire_route_decode(const void *text, size_t len, struct arena *a,
			   struct wire_route *ret, struct err_info *ei);

#endif /* WIRE_WIRE_ROUTE_H */
