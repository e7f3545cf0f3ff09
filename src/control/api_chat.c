/* SPDX-License-Identifier: MIT */
/* /group-ai/chat and its aliases: start everything, chat on, chat off. */
#include <string.h>

#include "base/text.h"
#include "control/commands.h"
#include "control/jobs_reply.h"
#include "control/nodes.h"
#include "control/startall.h"

#define START_WAIT_US (30 * US_PER_SEC)

/* A number, or one written as text. */
static enum err read_group(struct json body, bool *ret_has, int64_t *ret,
			   struct err_info *ei)
{
	struct json v = json_get(body, "group_id");
	enum err rc = ERR_OK;

	if (json_missing(v) || json_is_null(v))
		return ERR_OK;
	if (json_is_int(v))
		*ret = json_int(v, 0);
	else if (!json_is_string(v) || text_i64(json_str(v, ""), ret))
		rc = err_set(ei, ERR_INVALID, "\"group_id\" is a number");
	*ret_has = !rc;
	return rc;
}

static enum err start_all(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct startall_ask ask = { .actor = control_caller(req)->actor };
	int64_t wait_us = START_WAIT_US;
	struct jobs_entry *job;
	const char *job_id;
	struct json body;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = read_group(body, &ask.has_group, &ask.group_id, ei);
	if (!rc)
		rc = jobs_read_wait(req, body, &wait_us, ei);
	if (!rc)
		rc = audit_note(c, req, "chat.start_all", NULL,
				control_body_text(req), ei);
	if (rc)
		return rc;
	rc = startall_begin(c, &ask, http_req_arena(req), &job, &job_id, ei);
	return rc ? rc : jobs_reply_result(c, req, job, job_id, wait_us, ei);
}

/* --- chat on and off: a command to each node --- */

struct chat_run {
	struct control *c;
	const char *action;
	const char *only_node; /* or NULL */
	const char *actor;
	struct buf params;
	struct jsonw w;
	int64_t total, sent, failed;
};

static enum err read_chat(struct http_req *req, struct chat_run *r,
			  struct err_info *ei)
{
	bool has_group = false;
	int64_t group = 0;
	struct json body;
	struct jsonw w;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = json_want_str(body, "node_id", WIRE_ID_MAX, &r->only_node,
				   ei);
	if (!rc)
		rc = read_group(body, &has_group, &group, ei);
	if (rc)
		return rc;
	jsonw_init(&w, &r->params);
	jsonw_object(&w, NULL);
	if (has_group)
		jsonw_int(&w, "group_id", group);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

/*
 * An offline node gets its command too: it is pending until it is back.  A node
 * of our own runs no chat scripts yet: it would only refuse, so it is told to who
 * asks instead, and nothing is sent.
 */
static enum err send_to(struct chat_run *r, const struct store_node *node,
			char id[static CONTROL_ID_MAX], struct err_info *ei)
{
	if (node->has_public_key)
		return err_set(ei, ERR_CONFLICT,
			       "not sent: no chat scripts run on this node "
			       "yet (tgfleet %s)",
			       node->version ? node->version : "worker");
	return commands_queue(
		r->c,
		&(struct commands_new){ .node_id = node->node_id,
					.action = r->action,
					.params = buf_cstr(&r->params),
					.actor = r->actor },
		id, ei);
}

/* Refused for one node is a result; trouble with the database ends it all. */
static bool is_refusal(enum err rc)
{
	return rc == ERR_CAPACITY || rc == ERR_CONFLICT;
}

static enum err send_one(struct chat_run *r, const struct store_node *node,
			 struct err_info *ret_ei)
{
	bool online = nodes_online(r->c, node->node_id);
	struct err_info ei = { 0 };
	char id[CONTROL_ID_MAX];
	enum err rc = send_to(r, node, id, &ei);

	if (rc && !is_refusal(rc)) {
		*ret_ei = ei;
		return rc;
	}
	r->total++;
	if (rc)
		r->failed++;
	else
		r->sent++;
	jsonw_object(&r->w, NULL);
	jsonw_str(&r->w, "node_id", node->node_id);
	jsonw_str(&r->w, "status",
		  rc	   ? "failed"
		  : online ? "queued"
			   : "pending");
	jsonw_str(&r->w, "message",
		  rc	   ? ei.msg
		  : online ? "queued for the node; its command says what "
			     "became of it"
			   : "node offline: it gets the command when it is "
			     "back");
	jsonw_str_or_null(&r->w, "command_id", rc ? NULL : id);
	jsonw_object_end(&r->w);
	return ERR_OK;
}

static enum err send_all(struct chat_run *r, struct http_req *req,
			 struct err_info *ei)
{
	struct store_nodes nodes;
	struct store_node one;
	enum err rc;

	if (r->only_node) {
		rc = r->c->store->ops->node_get(r->c->store, r->only_node,
						http_req_arena(req), &one, ei);
		nodes = (struct store_nodes){ .items = &one, .n = 1 };
	} else {
		rc = r->c->store->ops->node_list(
			r->c->store, http_req_arena(req), &nodes, ei);
	}
	for (size_t i = 0; !rc && i < nodes.n; i++)
		rc = send_one(r, &nodes.items[i], ei);
	return rc;
}

static enum err chat(struct control *c, struct http_req *req,
		     const char *action, struct err_info *ei)
{
	struct chat_run r = {
		.c = c,
		.action = action,
		.actor = control_caller(req)->actor,
	};
	struct buf b;
	enum err rc;

	buf_init(&r.params, 256);
	control_body_init(&b, &r.w);
	rc = read_chat(req, &r, ei);
	if (!rc)
		rc = audit_note(c, req, action, r.only_node,
				control_body_text(req), ei);
	jsonw_object(&r.w, NULL);
	jsonw_array(&r.w, "results");
	if (!rc)
		rc = send_all(&r, req, ei);
	jsonw_array_end(&r.w);
	jsonw_bool(&r.w, "success", !r.failed);
	jsonw_int(&r.w, "total_nodes", r.total);
	jsonw_int(&r.w, "success_count", r.sent);
	jsonw_int(&r.w, "failed_count", r.failed);
	jsonw_object_end(&r.w);
	if (rc)
		buf_deinit(&b);
	else
		control_reply(req, 200, &b, &r.w);
	buf_deinit(&r.params);
	return rc;
}

static enum err chat_start(struct http_req *req, void *ctx, struct err_info *ei)
{
	return chat(ctx, req, "start_enhanced_chat", ei);
}

static enum err chat_stop(struct http_req *req, void *ctx, struct err_info *ei)
{
	return chat(ctx, req, "stop_enhanced_chat", ei);
}

/* The same three under each name they ever had. */
#define CHAT_ROWS(prefix)                                                      \
	{ "POST",                                                              \
	  API prefix "/start-all-accounts",                                    \
	  AUTH_WRITE,                                                          \
	  0,                                                                   \
	  8192,                                                                \
	  start_all,                                                           \
	  "Bring every enabled account online; truth for each" },              \
		{ "POST",                                                      \
		  API prefix "/start",                                         \
		  AUTH_WRITE,                                                  \
		  0,                                                           \
		  8192,                                                        \
		  chat_start,                                                  \
		  "Scripted chat on, at one node or all" },                    \
	{                                                                      \
		"POST", API prefix "/stop", AUTH_WRITE, 0, 8192, chat_stop,    \
			"Scripted chat off, at one node or all"                \
	}

static const struct router_row rows[] = {
	CHAT_ROWS("/group-ai/chat"),
	CHAT_ROWS("/chat"),
	CHAT_ROWS("/group-ai/chat-features/chat"),
};

API_TABLE(api_chat_table);
