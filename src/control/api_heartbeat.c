/* SPDX-License-Identifier: MIT */
/* /workers/heartbeat and the long poll: what nodes say and are told. */
#include <string.h>

#include "base/metrics.h"
#include "base/walltime.h"
#include "control/carry.h"
#include "control/control_int.h"
#include "control/leases.h"
#include "control/nodes.h"
#include "control/routes.h"
#include "control/startall.h"

#define STREAM_WAIT_US (25 * US_PER_SEC)
#define COMMANDS_A_BEAT WIRE_COMMANDS_MAX

struct beat_run {
	struct control *c;
	struct http_req *req;
	const struct principal *node;
	struct arena *arena;
	struct wire_beat beat;
	struct store_heartbeat hb;
	struct wire_answer ans;
};

static struct store_report report_from(const struct wire_account *acc)
{
	return (struct store_report){
		.account_id = acc->account_id,
		.epoch = acc->epoch,
		.status = wire_status_name(acc->status),
		.state_since = acc->state_since,
		.error_code = acc->last_error.code,
		.error_message = acc->last_error.message,
		.error_advice = acc->last_error.advice,
		.script_id = acc->script_id,
		.message_count = acc->message_count,
		.reply_count = acc->reply_count,
		.last_activity = acc->last_activity,
		.session_file = acc->session_file,
		.phone = acc->phone,
		.username = acc->username,
		.user_id = acc->user_id,
		.limited_until = acc->limited_until,
	};
}

static enum err take_reports(struct beat_run *r, struct err_info *ei)
{
	size_t n = r->beat.naccounts;
	enum err rc;

	r->hb.reports = arena_array(r->arena, n + 1, sizeof(*r->hb.reports));
	if (!r->hb.reports)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		r->hb.reports[i] = report_from(&r->beat.accounts[i]);
		rc = control_account_id(r->beat.accounts[i].account_id,
					r->arena, &r->hb.reports[i].account_id,
					ei);
		if (!rc)
			rc = carry_limits_text(&r->beat.accounts[i], r->arena,
					       &r->hb.reports[i].limits);
		if (!rc)
			rc = carry_position_text(&r->beat.accounts[i], r->arena,
						 &r->hb.reports[i].position);
		if (rc)
			return err_wrap(ei, rc, "accounts[%zu]", i);
	}
	r->hb.n_reports = n;
	return ERR_OK;
}

static enum err take_refs(struct arena *a, const struct wire_held *from,
			  size_t n, struct store_lease_ref **ret, size_t *ret_n)
{
	struct store_lease_ref *refs = arena_array(a, n + 1, sizeof(*refs));

	if (!refs)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		refs[i] = (struct store_lease_ref){
			.account_id = from[i].account_id,
			.epoch = from[i].epoch,
		};
	*ret = refs;
	*ret_n = n;
	return ERR_OK;
}

static enum err take_results(struct beat_run *r)
{
	size_t n = r->beat.nresults;
	struct store_command_result *list;

	list = arena_array(r->arena, n + 1, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		list[i] = (struct store_command_result){
			.command_id = r->beat.results[i].command_id,
			.state = r->beat.results[i].success
					 ? STORE_CMD_SUCCEEDED
					 : STORE_CMD_FAILED,
			.data = r->beat.results[i].data,
			.error = r->beat.results[i].error,
		};
	r->hb.responses = list;
	r->hb.n_responses = n;
	return ERR_OK;
}

static enum err prepare(struct beat_run *r, struct err_info *ei)
{
	const struct wire_beat *b = &r->beat;
	enum err rc;

	r->hb.node_id = r->node->node.node_id;
	r->hb.boot_id = b->boot_id;
	if (b->boot_id) {
		r->hb.boots = nodes_boots(b->boot_id);
		r->hb.seq = b->seq;
	}
	r->hb.leaving = nodes_leaving(b);
	r->hb.full = b->full;
	r->hb.version = b->version;
	r->hb.status = b->status;
	r->hb.metadata = b->metadata;
	r->hb.now = control_wall(r->c);
	r->hb.ttl_us = r->c->rules.ttl_us;
	r->hb.day = walltime_local_day(r->hb.now);
	rc = take_reports(r, ei);
	if (!rc)
		rc = take_refs(r->arena, b->held, b->nheld, &r->hb.renewals,
			       &r->hb.n_renewals);
	if (!rc)
		rc = take_refs(r->arena, b->released, b->nreleased,
			       &r->hb.released, &r->hb.n_released);
	if (!rc)
		rc = take_results(r);
	return rc;
}

static enum err fetch_commands(struct beat_run *r, struct err_info *ei)
{
	struct store *st = r->c->store;
	struct store_commands list;
	struct wire_command *out;
	enum err rc;

	rc = st->ops->command_fetch(st, r->hb.node_id, r->hb.now,
				    COMMANDS_A_BEAT, r->arena, &list, ei);
	if (rc)
		return rc;
	out = arena_array(r->arena, list.n + 1, sizeof(*out));
	if (!out)
		return ERR_NOMEM;
	for (size_t i = 0; i < list.n; i++)
		out[i] = (struct wire_command){
			.command_id = list.items[i].command_id,
			.action = list.items[i].action,
			.params = list.items[i].params,
			.created_at = list.items[i].created,
		};
	r->ans.commands = out;
	r->ans.ncommands = list.n;
	return ERR_OK;
}

/* What it said, what it may run, what it shall do. */
static enum err apply(struct beat_run *r, struct err_info *ei)
{
	const struct leases_ask ask = { r->node, &r->beat, &r->hb };
	struct store *st = r->c->store;
	enum err rc;

	rc = st->ops->heartbeat_apply(st, &r->hb, ei);
	if (!rc)
		nodes_take_news(r->c, r->hb.node_id);
	for (size_t i = 0; !rc && i < r->hb.n_responses; i++)
		rc = routes_on_result(r->c, r->arena, r->hb.node_id,
				      &r->hb.responses[i], ei);
	if (!rc)
		rc = leases_answer(r->c, &ask, r->arena, &r->ans, ei);
	if (!rc)
		rc = fetch_commands(r, ei);
	return rc;
}

/* After the commit: jobs hear of it, refusals are told once each beat. */
static void tell(struct control *c, void *arg, bool committed)
{
	struct beat_run *r = arg;
	size_t refused = 0;
	const char *which = NULL;

	if (!committed)
		return;
	metrics_add(METRIC_HEARTBEATS, 1);
	nodes_beat(c, &r->hb);
	for (size_t i = 0; i < r->hb.n_reports; i++) {
		const struct store_report *rep = &r->hb.reports[i];

		if (rep->ret == STORE_REPORT_APPLIED ||
		    rep->ret == STORE_REPORT_CREATED) {
			startall_on_report(c, rep);
			events_publish(c, EVENTS_ACCOUNTS, rep->account_id,
				       "account.report");
			continue;
		}
		refused++;
		which = rep->account_id;
	}
	for (size_t i = 0; i < r->hb.n_responses; i++)
		events_publish(c, EVENTS_COMMANDS,
			       r->hb.responses[i].command_id,
			       "command.finished");
	if (refused)
		log_warn(LOGEV_LEASE, log_str("node", r->hb.node_id),
			 log_str("why", "reports of accounts it does not hold "
					"were ignored"),
			 log_u64("n", refused), log_phone("acc", which));
}

static enum err answer(struct beat_run *r)
{
	struct buf b;
	enum err rc;

	r->ans.success = true;
	if (nodes_full_wanted(r->c, &r->hb))
		r->ans.full_wanted = true;
	r->ans.node_id = r->hb.node_id;
	r->ans.message = "ok";
	r->ans.heartbeat_interval_ms = r->c->rules.beat_us / US_PER_MS;
	buf_init(&b, WIRE_BODY_MAX);
	rc = wire_answer_encode(&r->ans, &b);
	if (!rc)
		http_reply_json(r->req, 200, &b);
	buf_deinit(&b);
	return rc;
}

static enum err run(struct beat_run *r, struct err_info *ei)
{
	const uint8_t *body;
	size_t len;
	enum err rc;

	body = http_req_body(r->req, &len);
	rc = wire_beat_decode(body, len, r->arena, &r->beat, ei);
	if (rc)
		return rc;
	if (r->beat.node_id &&
	    strcmp(r->beat.node_id, r->node->node.node_id) != 0)
		return err_set(ei, ERR_FORBIDDEN,
			       "the credentials are of node %s, the heartbeat "
			       "of %s",
			       r->node->node.node_id, r->beat.node_id);
	rc = prepare(r, ei);
	if (!rc)
		rc = apply(r, ei);
	if (!rc)
		rc = change_after(r->c, tell, r, sizeof(*r), ei);
	return rc ? rc : answer(r);
}

static enum err heartbeat(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct beat_run r = {
		.c = ctx,
		.req = req,
		.node = control_caller(req),
	};

	r.arena = &r.c->change->arena;
	return run(&r, ei);
}

static enum err stream(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct principal *p = control_caller(req);
	int64_t wait_us = STREAM_WAIT_US;
	enum err rc;

	if (strcmp(http_req_param(req, "node"), p->node.node_id) != 0)
		return err_set(ei, ERR_FORBIDDEN,
			       "a node may only wait for its own news");
	rc = http_req_query_wait(req, CONTROL_WAIT_MAX_US, &wait_us, ei);
	return rc ? rc : nodes_stream(ctx, req, p->node.node_id, wait_us);
}

static const struct router_row rows[] = {
	{ "POST", API "/workers/heartbeat", AUTH_NODE, 0, WIRE_BODY_MAX,
	  heartbeat, "A node reports and is told what to run" },
	{ "GET", API "/workers/{node}/stream", AUTH_NODE, 0, 0, stream,
	  "Long poll: answers when there is news for the node" },
};

API_TABLE(api_heartbeat_table);
