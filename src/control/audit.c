/* SPDX-License-Identifier: MIT */
#include "control/control_int.h"

enum err audit_change(struct control *c, struct http_req *req,
		      const char *action, const char *target,
		      const char *before, const char *after,
		      struct err_info *ei)
{
	const struct principal *p = control_caller(req);
	const struct store_audit e = {
		.at = control_wall(c),
		.actor = p ? p->actor : "anonymous",
		.action = action,
		.target = target,
		.before = before,
		.after = after,
		.remote = control_remote(req),
		.request_id = http_req_request_id(req),
	};

	enum err rc = c->store->ops->audit_add(c->store, &e, ei);

	return rc ? rc : events_audited(c, action, target, ei);
}

enum err audit_note(struct control *c, struct http_req *req, const char *action,
		    const char *target, const char *after, struct err_info *ei)
{
	return audit_change(c, req, action, target, NULL, after, ei);
}

enum err audit_self(struct control *c, const char *action, const char *target,
		    const char *after, struct err_info *ei)
{
	const struct store_audit e = {
		.at = control_wall(c),
		.actor = "serve",
		.action = action,
		.target = target,
		.after = after,
	};

	enum err rc = c->store->ops->audit_add(c->store, &e, ei);

	return rc ? rc : events_audited(c, action, target, ei);
}
