/* SPDX-License-Identifier: MIT */
/* Health, readiness, metrics, version, the description of the interface. */
#include <string.h>

#include "base/metrics.h"
#include "base/walltime.h"
#include "control/control_int.h"
#include "control/openapi.h"

#define METRICS_MAX 262144

static enum err healthz(struct http_req *req, void *ctx, struct err_info *ei)
{
	http_reply(req, 200, "text/plain; charset=utf-8", "ok\n", 3);
	return ERR_OK;
}

/* Ready: the database answers. */
static enum err readyz(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_schema schema;
	enum err rc = c->store->ops->schema(c->store, &schema, ei);

	if (rc)
		return err_wrap(ei, ERR_UNAVAILABLE, "not ready");
	http_reply(req, 200, "text/plain; charset=utf-8", "ready\n", 6);
	return ERR_OK;
}

static enum err metrics(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_totals t;
	struct buf b;
	enum err rc;

	rc = c->store->ops->account_totals(c->store, 0, &t, ei);
	if (rc)
		return rc;
	metrics_set(METRIC_ACCOUNTS, t.accounts);
	metrics_set(METRIC_ACCOUNTS_ONLINE, t.online);
	buf_init(&b, METRICS_MAX);
	rc = metrics_print(&b);
	if (!rc)
		http_reply(req, 200, "text/plain; version=0.0.4; charset=utf-8",
			   buf_head(&b), buf_len(&b));
	buf_deinit(&b);
	return rc;
}

static enum err version(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "name", "tgfleet");
	jsonw_str(&w, "version", TGFLEET_VERSION);
	jsonw_int(&w, "wire_version", WIRE_VERSION);
	jsonw_str(&w, "instance_id", c->instance_id);
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

static enum err description(struct http_req *req, void *ctx,
			    struct err_info *ei)
{
	http_reply(req, 200, "application/yaml", openapi_yaml,
		   openapi_yaml_len);
	return ERR_OK;
}

static enum err totals(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_totals t;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->account_totals(
		c->store, walltime_local_day(control_wall(c)), &t, ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "accounts", t.accounts);
	jsonw_int(&w, "enabled", t.enabled);
	jsonw_int(&w, "assigned", t.assigned);
	jsonw_int(&w, "desired_online", t.desired_online);
	jsonw_int(&w, "with_session", t.with_session);
	jsonw_object(&w, "by_status");
	jsonw_int(&w, "offline", t.offline);
	jsonw_int(&w, "starting", t.starting);
	jsonw_int(&w, "online", t.online);
	jsonw_int(&w, "limited", t.limited);
	jsonw_int(&w, "frozen", t.frozen);
	jsonw_int(&w, "banned", t.banned);
	jsonw_int(&w, "revoked", t.revoked);
	jsonw_int(&w, "error", t.error);
	jsonw_object_end(&w);
	jsonw_int(&w, "messages_today", t.messages_today);
	jsonw_int(&w, "replies_today", t.replies_today);
	jsonw_int(&w, "messages", t.messages);
	jsonw_int(&w, "replies", t.replies);
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

static void write_audit(struct jsonw *w, const struct store_audit *e)
{
	jsonw_object(w, NULL);
	jsonw_int(w, "id", e->id);
	jsonw_time(w, "at", e->at);
	jsonw_str(w, "actor", e->actor);
	jsonw_str(w, "action", e->action);
	jsonw_str_or_null(w, "target", e->target);
	control_write_raw(w, "before", e->before);
	control_write_raw(w, "after", e->after);
	jsonw_str_or_null(w, "remote", e->remote);
	jsonw_str_or_null(w, "request_id", e->request_id);
	jsonw_object_end(w);
}

static enum err audit(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_audit_query q = {
		.actor = http_req_query(req, "actor"),
		.action = http_req_query(req, "action"),
		.target = http_req_query(req, "target"),
	};
	struct store_audits list;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = control_page(req, &q.offset, &q.limit, ei);
	if (!rc)
		rc = c->store->ops->audit_list(c->store, &q,
					       http_req_arena(req), &list, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < list.n; i++)
		write_audit(&w, &list.items[i]);
	return control_list_reply(req, list.total, &b, &w);
}

static const struct router_row rows[] = {
	{ "GET", "/healthz", 0, 0, 0, healthz, "The process is alive" },
	{ "GET", "/readyz", 0, 0, 0, readyz, "The database answers" },
	{ "GET", "/version", 0, 0, 0, version, "Version of this server" },
	{ "GET", "/metrics", AUTH_READ, 0, 0, metrics,
	  "Counters in Prometheus' text format" },
	{ "GET", API "/healthz", 0, 0, 0, healthz, "The process is alive" },
	{ "GET", API "/readyz", 0, 0, 0, readyz, "The database answers" },
	{ "GET", API "/version", 0, 0, 0, version, "Version of this server" },
	{ "GET", API "/metrics", AUTH_READ, 0, 0, metrics,
	  "Counters in Prometheus' text format" },
	{ "GET", API "/openapi.yaml", AUTH_READ, 0, 0, description,
	  "This interface, described" },
	{ "GET", API "/stats/today", AUTH_READ, 0, 0, totals,
	  "Accounts by status, messages of today" },
	{ "GET", API "/audit", AUTH_ADMIN, 0, 0, audit,
	  "Who changed what, newest first" },
};

API_TABLE(api_ops_table);
