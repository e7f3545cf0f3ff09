/* SPDX-License-Identifier: MIT */
/* /workers/{node}/commands and /workers/broadcast. */
#include <string.h>

#include "base/text.h"
#include "control/commands.h"
#include "control/nodes.h"
#include "control/routes.h"

#define TTL_MAX_US (INT64_C(7) * 24 * 3600 * US_PER_SEC)

static void write_command(struct jsonw *w, const struct store_command *cmd)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "command_id", cmd->command_id);
	jsonw_str(w, "node_id", cmd->node_id);
	jsonw_str(w, "action", cmd->action);
	control_write_raw(w, "params", cmd->params);
	jsonw_str(w, "state", store_command_state_text(cmd->state));
	jsonw_str_or_null(w, "created_by", cmd->created_by);
	jsonw_time(w, "created_at", cmd->created);
	jsonw_time(w, "expires_at", cmd->expires);
	jsonw_time(w, "delivered_at", cmd->delivered);
	jsonw_time(w, "finished_at", cmd->finished);
	jsonw_u64(w, "deliveries", cmd->deliveries);
	control_write_raw(w, "data", cmd->data);
	jsonw_str_or_null(w, "error", cmd->error);
	jsonw_object_end(w);
}

/* expires_in: seconds, or "10m". */
static enum err read_ttl(struct json body, int64_t *ret_us, struct err_info *ei)
{
	struct json v = json_get(body, "expires_in");
	int64_t us;

	if (json_missing(v) || json_is_null(v))
		return ERR_OK;
	if (json_is_int(v) && json_int(v, 0) > 0 &&
	    json_int(v, 0) <= TTL_MAX_US / US_PER_SEC)
		us = json_int(v, 0) * US_PER_SEC;
	else if (!json_is_string(v) || text_duration_us(json_str(v, ""), &us) ||
		 us <= 0 || us > TTL_MAX_US)
		return err_set(ei, ERR_INVALID,
			       "\"expires_in\" is seconds or \"10m\", at most "
			       "7 days");
	*ret_us = us;
	return ERR_OK;
}

static enum err read_new(struct http_req *req, struct commands_new *cmd,
			 struct buf *params, struct err_info *ei)
{
	static const char *const known[] = { "action", "params", "expires_in",
					     NULL };
	struct json body, p;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_need_str(body, "action", WIRE_ID_MAX, &cmd->action,
				   ei);
	if (!rc)
		rc = read_ttl(body, &cmd->ttl_us, ei);
	if (rc)
		return rc;
	if (!commands_action_known(cmd->action))
		return err_set(ei, ERR_INVALID, "no action \"%s\"",
			       cmd->action);
	p = json_get(body, "params");
	if (!json_missing(p) && !json_is_null(p) && !json_is_object(p))
		return err_set(ei, ERR_INVALID, "\"params\" is an object");
	if (json_is_object(p)) {
		rc = json_dump(p, params);
		if (rc)
			return err_set(ei, rc, "\"params\" are too big");
		cmd->params = buf_cstr(params);
	}
	cmd->actor = control_caller(req)->actor;
	return ERR_OK;
}

static enum err add_for(struct control *c, struct http_req *req,
			struct commands_new *cmd, struct err_info *ei)
{
	char id[CONTROL_ID_MAX];
	struct store_command row;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = commands_queue(c, cmd, id, ei);
	if (!rc)
		rc = audit_note(c, req, "command.create", cmd->node_id,
				control_body_text(req), ei);
	if (!rc)
		rc = c->store->ops->command_get(c->store, cmd->node_id, id,
						http_req_arena(req), &row, ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	write_command(&w, &row);
	control_reply(req, 201, &b, &w);
	return ERR_OK;
}

static enum err add(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct commands_new cmd = { .node_id = http_req_param(req, "node") };
	struct buf params;
	enum err rc;

	buf_init(&params, WIRE_PARAMS_MAX);
	rc = read_new(req, &cmd, &params, ei);
	if (!rc)
		rc = add_for(ctx, req, &cmd, ei);
	buf_deinit(&params);
	return rc;
}

static enum err send_all(struct control *c, struct http_req *req,
			 struct commands_new *cmd, struct err_info *ei)
{
	struct store_nodes nodes;
	char id[CONTROL_ID_MAX];
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->node_list(c->store, http_req_arena(req), &nodes,
				      ei);
	if (!rc)
		rc = audit_note(c, req, "command.broadcast", NULL,
				control_body_text(req), ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_array(&w, "commands");
	for (size_t i = 0; !rc && i < nodes.n; i++) {
		cmd->node_id = nodes.items[i].node_id;
		if (!nodes_online(c, cmd->node_id))
			continue;
		rc = commands_queue(c, cmd, id, ei);
		jsonw_object(&w, NULL);
		jsonw_str(&w, "node_id", cmd->node_id);
		jsonw_str(&w, "command_id", rc ? "" : id);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	if (rc)
		buf_deinit(&b);
	else
		control_reply(req, 201, &b, &w);
	return rc;
}

static enum err broadcast(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct commands_new cmd = { 0 };
	struct buf params;
	enum err rc;

	buf_init(&params, WIRE_PARAMS_MAX);
	rc = read_new(req, &cmd, &params, ei);
	if (!rc)
		rc = send_all(ctx, req, &cmd, ei);
	buf_deinit(&params);
	return rc;
}

static enum err list(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	const char *pending = http_req_query(req, "pending");
	struct store_command_query q = {
		.node_id = http_req_param(req, "node"),
		.finished = pending && !strcmp(pending, "true") ? STORE_NO
								: STORE_ANY,
	};
	struct store_commands cmds;
	struct store_node node;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = control_page(req, &q.offset, &q.limit, ei);
	if (!rc)
		rc = c->store->ops->node_get(c->store, q.node_id,
					     http_req_arena(req), &node, ei);
	if (!rc)
		rc = c->store->ops->command_list(
			c->store, &q, http_req_arena(req), &cmds, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < cmds.n; i++)
		write_command(&w, &cmds.items[i]);
	return control_list_reply(req, cmds.total, &b, &w);
}

static enum err get(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_command row;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->command_get(c->store, http_req_param(req, "node"),
					http_req_param(req, "id"),
					http_req_arena(req), &row, ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	write_command(&w, &row);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

static enum err drop(struct http_req *req, void *ctx, struct err_info *ei)
{
	const char *node = http_req_param(req, "node");
	const char *id = http_req_param(req, "id");
	struct control *c = ctx;
	enum err rc;

	rc = c->store->ops->command_delete(c->store, node, id, ei);
	if (!rc)
		rc = audit_note(c, req, "command.delete", id, NULL, ei);
	return rc ? rc : control_reply_ok(req);
}

static enum err read_result(struct http_req *req, struct buf *data,
			    struct store_command_result *r, struct err_info *ei)
{
	struct json body, v;
	bool success = false;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc && !json_is_bool(json_get(body, "success")))
		rc = err_set(ei, ERR_INVALID, "\"success\" is needed");
	if (!rc)
		rc = json_want_bool(body, "success", &success, ei);
	if (!rc)
		rc = json_want_str(body, "error", STORE_TEXT_MAX, &r->error,
				   ei);
	if (rc)
		return rc;
	r->state = success ? STORE_CMD_SUCCEEDED : STORE_CMD_FAILED;
	v = json_get(body, "data");
	if (json_missing(v) || json_is_null(v))
		return ERR_OK;
	rc = json_dump(v, data);
	if (rc)
		return err_set(ei, rc, "\"data\" is too big");
	r->data = buf_cstr(data);
	return ERR_OK;
}

static enum err result(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct principal *p = control_caller(req);
	struct store_command_result r = {
		.command_id = http_req_param(req, "id"),
	};
	struct control *c = ctx;
	struct buf data;
	enum err rc;

	if (strcmp(http_req_param(req, "node"), p->node.node_id) != 0)
		return err_set(ei, ERR_FORBIDDEN,
			       "a node may only answer its own commands");
	buf_init(&data, WIRE_PARAMS_MAX);
	rc = read_result(req, &data, &r, ei);
	if (!rc)
		rc = c->store->ops->command_settle(c->store, p->node.node_id,
						   &r, control_wall(c), ei);
	if (!rc)
		rc = events_tell(c, EVENTS_COMMANDS, r.command_id,
				 "command.finished", ei);
	if (!rc)
		rc = routes_on_result(c, http_req_arena(req), p->node.node_id,
				      &r, ei);
	buf_deinit(&data);
	return rc ? rc : control_reply_ok(req);
}

static const struct router_row rows[] = {
	{ "GET", API "/workers/{node}/commands", AUTH_READ, 0, 0, list,
	  "List a node's commands" },
	{ "POST", API "/workers/{node}/commands", AUTH_WRITE, 0, 131072, add,
	  "Queue a command for a node" },
	{ "GET", API "/workers/{node}/commands/{id}", AUTH_READ, 0, 0, get,
	  "One command" },
	{ "DELETE", API "/workers/{node}/commands/{id}", AUTH_WRITE, 0, 0, drop,
	  "Take a command back" },
	{ "POST", API "/workers/{node}/commands/{id}/result", AUTH_NODE, 0,
	  131072, result, "A node says what became of a command" },
	{ "POST", API "/workers/broadcast", AUTH_WRITE, 0, 131072, broadcast,
	  "Queue a command for every node that is online" },
};

API_TABLE(api_commands_table);
