/* SPDX-License-Identifier: MIT */
/* /group-ai/accounts/{id}/start, stop, move, status. */
#include <string.h>

#include "control/account_json.h"
#include "control/commands.h"
#include "control/jobs_reply.h"
#include "control/nodes.h"
#include "control/startall.h"

#define START_WAIT_US (30 * US_PER_SEC)

static enum err start(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct startall_ask ask = { .actor = control_caller(req)->actor };
	int64_t wait_us = START_WAIT_US;
	struct store_account acc;
	struct jobs_entry *job;
	const char *job_id;
	struct json body;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = jobs_read_wait(req, body, &wait_us, ei);
	if (!rc)
		rc = control_path_account(c, req, &acc, ei);
	if (!rc)
		rc = audit_note(c, req, "account.start", acc.account_id, NULL,
				ei);
	if (rc)
		return rc;
	ask.account_id = acc.account_id;
	rc = startall_begin(c, &ask, http_req_arena(req), &job, &job_id, ei);
	return rc ? rc : jobs_reply_result(c, req, job, job_id, wait_us, ei);
}

static enum err queue_stop(struct control *c, struct http_req *req,
			   const struct store_account *acc, struct err_info *ei)
{
	const char *holder = acc->lease_node ? acc->lease_node : acc->node_id;
	char id[CONTROL_ID_MAX];
	struct jsonw w;
	struct buf p;
	enum err rc;

	if (!holder || !nodes_online(c, holder))
		return ERR_OK; /* it hangs up when its lease ends */
	control_body_init(&p, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "account_id", acc->account_id);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	if (!rc)
		rc = commands_queue(
			c,
			&(struct commands_new){
				.node_id = holder,
				.action = "stop_account",
				.params = buf_cstr(&p),
				.actor = control_caller(req)->actor },
			id, ei);
	buf_deinit(&p);
	return rc;
}

static enum err stop(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_account acc, to = { .desired_online = false };
	enum err rc;

	rc = control_path_account(c, req, &acc, ei);
	if (rc)
		return rc;
	to.account_id = acc.account_id;
	rc = c->store->ops->account_update(c->store, &to, STORE_ACC_DESIRED,
					   control_wall(c), ei);
	if (!rc)
		rc = audit_note(c, req, "account.stop", acc.account_id, NULL,
				ei);
	if (!rc)
		rc = queue_stop(c, req, &acc, ei);
	if (!rc)
		rc = startall_fail(c, acc.account_id,
				   &(struct startall_why){ ERR_CANCELED,
							   "stopped meanwhile",
							   NULL },
				   ei);
	if (rc)
		return rc;
	return account_json_reply(c, req, 200, acc.account_id, ei);
}

static enum err read_target(struct http_req *req, const char **ret,
			    struct err_info *ei)
{
	static const char *const known[] = { "server_id", "node_id", NULL };
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_want_str(body, "server_id", WIRE_ID_MAX, ret, ei);
	if (!rc)
		rc = json_want_str(body, "node_id", WIRE_ID_MAX, ret, ei);
	if (!rc && !*ret)
		rc = err_set(ei, ERR_INVALID, "\"server_id\" is needed");
	return rc;
}

/* The old node is told to stop; its release lets the new one have it. */
static enum err move(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_account acc, to = { 0 };
	enum err rc;

	rc = read_target(req, &to.node_id, ei);
	if (!rc)
		rc = control_path_account(c, req, &acc, ei);
	if (rc)
		return rc;
	to.account_id = acc.account_id;
	rc = c->store->ops->account_update(c->store, &to, STORE_ACC_NODE,
					   control_wall(c), ei);
	if (!rc)
		rc = audit_note(c, req, "account.move", acc.account_id,
				control_body_text(req), ei);
	if (rc)
		return rc;
	if (acc.node_id)
		nodes_poke(c, acc.node_id);
	nodes_poke(c, to.node_id);
	return account_json_reply(c, req, 200, acc.account_id, ei);
}

static enum err status(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_account acc;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = control_path_account(c, req, &acc, ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "account_id", acc.account_id);
	jsonw_str(&w, "status", acc.status);
	jsonw_time(&w, "status_since", acc.status_since);
	jsonw_str(&w, "desired", acc.desired_online ? "online" : "offline");
	jsonw_bool(&w, "enabled", acc.enabled);
	jsonw_str_or_null(&w, "node_id", acc.node_id);
	jsonw_bool(&w, "node_online",
		   acc.node_id && nodes_online(c, acc.node_id));
	account_json_fault(&w, &acc);
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

static void write_limit(struct jsonw *w, struct json v, struct wall now)
{
	int64_t until_us = json_int(json_get(v, "until_us"), 0);
	int64_t peer = json_int(json_get(v, "peer"), 0);

	if (until_us <= now.us)
		return;
	jsonw_object(w, NULL);
	jsonw_str(w, "method", json_str(json_get(v, "method"), ""));
	if (peer)
		jsonw_int(w, "peer", peer);
	else
		jsonw_null(w, "peer");
	jsonw_time(w, "until", (struct wall){ until_us });
	jsonw_int(w, "seconds_left",
		  (until_us - now.us + US_PER_SEC - 1) / US_PER_SEC);
	jsonw_str(w, "error", json_str(json_get(v, "error"), ""));
	jsonw_object_end(w);
}

/* Of what the node told, what is not over. */
static enum err limits(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct wall now = control_wall(c);
	struct json_doc doc = { 0 };
	struct store_account acc;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = control_path_account(c, req, &acc, ei);
	if (!rc && acc.limits)
		rc = json_parse(&doc, acc.limits, strlen(acc.limits),
				STORE_LIMITS_MAX, ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "account_id", acc.account_id);
	jsonw_time(&w, "limited_until",
		   acc.limited_until.us > now.us ? acc.limited_until
						 : (struct wall){ 0 });
	jsonw_array(&w, "limits");
	if (acc.limits)
		for (struct json_iter it = json_iter(json_root(&doc));
		     json_next(&it);)
			write_limit(&w, it.val, now);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	if (acc.limits)
		json_free(&doc);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

static const struct router_row rows[] = {
	{ "POST", API "/group-ai/accounts/{id}/start", AUTH_WRITE, 0, 8192,
	  start, "Bring an account online; ?wait=30s" },
	{ "POST", API "/group-ai/accounts/{id}/stop", AUTH_WRITE, 0, 8192, stop,
	  "Take an account offline" },
	{ "POST", API "/group-ai/accounts/{id}/move", AUTH_WRITE, 0, 8192, move,
	  "Give an account to another node" },
	{ "GET", API "/group-ai/accounts/{id}/status", AUTH_READ, 0, 0, status,
	  "What is known of an account now" },
	{ "GET", API "/group-ai/accounts/{id}/limits", AUTH_READ, 0, 0, limits,
	  "Waits Telegram asked an account for" },
};

API_TABLE(api_account_act_table);
