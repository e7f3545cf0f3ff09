/* SPDX-License-Identifier: MIT */
#include "wire/wire_route.h"

#include <string.h>

#include "wire/wire_int.h"

#define OF struct wire_route
static const struct wire_row rows[] = {
	{ "kind", W_STR(kind, WIRE_ID_MAX), .flags = WIRE_NEED },
	{ "host", W_STR(host, WIRE_ROUTE_HOST_MAX), .flags = WIRE_NEED },
	{ "port", W_INT(port, 1, 65535), .flags = WIRE_NEED },
	{ "user", W_STR(user, WIRE_ROUTE_CREDENTIAL_MAX), .flags = WIRE_OMIT },
	{ "password", W_STR(password, WIRE_ROUTE_CREDENTIAL_MAX),
	  .flags = WIRE_OMIT },
	{ "secret", W_STR(secret, WIRE_ROUTE_SECRET_MAX), .flags = WIRE_OMIT },
};
#undef OF
const struct wire_table wire_route_table = WIRE_TABLE(struct wire_route, rows);

static bool host_ok(const char *host)
{
	size_t n = host ? strlen(host) : 0;

	if (!n || n > WIRE_ROUTE_HOST_MAX)
		return false;
	return strspn(host, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789.-_:") == n;
}

static bool short_enough(const char *s)
{
	return !s || strlen(s) <= WIRE_ROUTE_CREDENTIAL_MAX;
}

enum err wire_route_check(const struct wire_route *r, struct err_info *ei)
{
	bool mtproxy = r->kind && !strcmp(r->kind, "mtproxy");

	if (!r->kind || (!mtproxy && strcmp(r->kind, "socks5") != 0 &&
			 strcmp(r->kind, "http") != 0))
		return err_set(ei, ERR_INVALID,
			       "a route's kind is socks5, http or mtproxy");
	if (!host_ok(r->host))
		return err_set(ei, ERR_INVALID,
			       "a route's host is a name or an address");
	if (r->port < 1 || r->port > 65535)
		return err_set(ei, ERR_INVALID,
			       "a route's port is from 1 to 65535");
	if (!short_enough(r->user) || !short_enough(r->password))
		return err_set(ei, ERR_TOOBIG,
			       "a route's user and password: at most %d bytes",
			       WIRE_ROUTE_CREDENTIAL_MAX);
	if (mtproxy && (!r->secret || r->user || r->password))
		return err_set(ei, ERR_INVALID,
			       "an mtproxy has a secret, no user and password");
	if (!mtproxy && r->secret)
		return err_set(ei, ERR_INVALID,
			       "a secret is for mtproxy, not for %s", r->kind);
	if (r->password && !r->user)
		return err_set(ei, ERR_INVALID,
			       "a route's password needs a user");
	return ERR_OK;
}

enum err wire_route_encode(const struct wire_route *r, struct buf *out)
{
	return wire_table_encode(&wire_route_table, r, out);
}

enum err wire_route_decode(const void *text, size_t len, struct arena *a,
			   struct wire_route *ret, struct err_info *ei)
{
	struct wire_route r = { 0 };
	enum err rc;

	rc = wire_table_decode(&wire_route_table, text, len, WIRE_ROUTE_MAX, a,
			       &r, ei);
	if (!rc)
		rc = wire_route_check(&r, ei);
	if (!rc)
		*ret = r;
	return rc;
}
