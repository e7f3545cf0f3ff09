/* SPDX-License-Identifier: MIT */
/*
 * How accounts are reached: kept sealed, tested before first use, delivered with
 * the session.
 *
 * A route that changed is a new version.  Until a node has come through to the
 * account's data centre by it (POST .../route/test), nobody is given a lease on
 * the account: it is not connected, neither by the new route nor by the old one,
 * and never directly.
 *
 *   owner     the store; nothing is kept in memory
 *   memory    the request's arena; what was opened is wiped
 *   failure   names what is wrong with a route, never its password or secret
 */
#ifndef CONTROL_ROUTES_H
#define CONTROL_ROUTES_H

#include "control/control_int.h"

/* May it be used?  Without a route it may. */
static inline bool routes_ready(int64_t version, int64_t tested)
{
	return version == 0 || tested == version;
}

/* As people see it: no password, no secret; null when there is none. */
void routes_write(struct jsonw *w, const char *key,
		  const struct store_route *r);
/* v: the route, or null to take it away. */
enum err routes_set(struct control *c, struct http_req *req,
		    const char *account_id, struct json v, struct err_info *ei);
/* The account's fault while its route is not ready. */
void routes_fault(const struct store_route *r, char *ret, size_t size);
#define ROUTES_ADVICE "run `tgfleet account route-test`, or change the route"

/* Puts the route into a session document that is about to be sealed. */
enum err routes_join(struct control *c, struct arena *a, const char *account_id,
		     struct buf *doc, struct err_info *ei);
/* A node answered a command: was it a route's test? */
enum err routes_on_result(struct control *c, struct arena *a,
			  const char *node_id,
			  const struct store_command_result *res,
			  struct err_info *ei);

#endif /* CONTROL_ROUTES_H */
