/* SPDX-License-Identifier: MIT */
/*
 * /group-ai/scripts/deploy: a script to nodes.
 *
 * A node gets one command; who asks again while it is under way gets the same one,
 * and a node that has this version already gets none unless force_update says so.
 */
#include <string.h>

#include "control/commands.h"
#include "control/nodes.h"
#include "control/scripts.h"
#include "http/urlcode.h"

#define NODES_MAX 1000
/* What is offline for longer is deployed to again. */
#define TTL_US (INT64_C(7) * 24 * 3600 * US_PER_SEC)

struct deploy {
	struct control *c;
	struct http_req *req;
	struct store_script script;
	bool force;
	struct json node_ids;
	struct buf params;
	struct jsonw w; /* the answer */
	int64_t total, failed;
};

/* What became of it, as people say it. */
static const char *state_text(const struct control *c, const char *node_id,
			      enum store_command_state s)
{
	switch (s) {
	case STORE_CMD_QUEUED:
		return nodes_online(c, node_id) ? "queued" : "pending";
	case STORE_CMD_DELIVERED:
	case STORE_CMD_RUNNING:
		return "delivered";
	case STORE_CMD_SUCCEEDED:
		return "succeeded";
	default:
		return "failed";
	}
}

/* --- what is asked for --- */

static enum err read_ask(struct deploy *d, const char **ret_id,
			 struct err_info *ei)
{
	static const char *const known[] = { "script_id", "node_ids",
					     "force_update", NULL };
	struct json body;
	enum err rc = http_req_json(d->req, &body, ei);

	/* the alias takes the bare list, too */
	if (!rc && *ret_id && json_is_array(body)) {
		d->node_ids = body;
		return ERR_OK;
	}
	if (!rc)
		rc = control_body(d->req, known, &body, ei);
	if (!rc && !*ret_id)
		rc = json_need_str(body, "script_id", OUTLINE_ID_BYTES_MAX,
				   ret_id, ei);
	if (!rc)
		rc = json_want_bool(body, "force_update", &d->force, ei);
	if (!rc)
		d->node_ids = json_get(body, "node_ids");
	return rc;
}

static enum err check_nodes(struct json ids, struct err_info *ei)
{
	size_t n = json_len(ids), i = 0;

	if (!json_is_array(ids) || !n || n > NODES_MAX)
		return err_set(ei, ERR_INVALID,
			       "\"node_ids\" is a list of 1 to %d nodes",
			       NODES_MAX);
	for (struct json_iter it = json_iter(ids); json_next(&it); i++) {
		struct json_iter before = json_iter(ids);
		const char *id = json_str(it.val, "");

		if (!*id || json_strlen(it.val) > WIRE_ID_MAX)
			return err_set(ei, ERR_INVALID,
				       "node_ids[%zu] is no node's id", i);
		for (size_t k = 0; k < i && json_next(&before); k++)
			if (!strcmp(json_str(before.val, ""), id))
				return err_set(ei, ERR_INVALID,
					       "node %s is named twice", id);
	}
	return ERR_OK;
}

/* The command's params, the same for every node. */
static enum err make_params(struct deploy *d)
{
	const struct store_script *s = &d->script;
	struct buf url;
	struct jsonw w;
	enum err rc;

	buf_init(&url, 4096);
	rc = buf_append_str(&url, API "/group-ai/scripts/");
	if (!rc)
		rc = urlcode_encode(&url, s->script_id, strlen(s->script_id));
	if (!rc)
		rc = buf_printf(&url, "/download?version=%lld",
				(long long)s->version);
	if (!rc) {
		jsonw_init(&w, &d->params);
		jsonw_object(&w, NULL);
		jsonw_str(&w, "script_id", s->script_id);
		jsonw_int(&w, "version", s->version);
		control_write_hash(&w, "sha256", &s->sha256);
		jsonw_str(&w, "download_url", buf_cstr(&url));
		jsonw_object_end(&w);
		rc = jsonw_end(&w);
	}
	buf_deinit(&url);
	return rc;
}

/* --- one node --- */

/* The last time this node got it; false: not this version, or it failed. */
static enum err find_last(struct deploy *d, const char *node_id,
			  struct store_deployment *ret, bool *ret_found,
			  struct err_info *ei)
{
	const struct store_deployment_query q = {
		.script_id = d->script.script_id, .node_id = node_id, .limit = 1
	};
	struct store_deployments l;
	enum err rc;

	rc = d->c->store->ops->deployment_list(d->c->store, &q,
					       http_req_arena(d->req), &l, ei);
	if (rc || !l.n)
		return rc;
	*ret = l.items[0];
	*ret_found = ret->version == d->script.version &&
		     ret->state <= STORE_CMD_SUCCEEDED &&
		     !(d->force && ret->state == STORE_CMD_SUCCEEDED);
	return ERR_OK;
}

static enum err send_new(struct deploy *d, const char *node_id,
			 struct store_deployment *ret, struct err_info *ei)
{
	const struct commands_new cmd = {
		.node_id = node_id,
		.action = "update_script",
		.params = buf_cstr(&d->params),
		.actor = control_caller(d->req)->actor,
		.ttl_us = TTL_US,
	};
	char id[CONTROL_ID_MAX];
	enum err rc = commands_queue(d->c, &cmd, id, ei);

	if (rc)
		return rc;
	*ret = (struct store_deployment){
		.command_id = arena_str(http_req_arena(d->req), id, strlen(id)),
		.script_id = d->script.script_id,
		.version = d->script.version,
		.node_id = node_id,
		.created_by = cmd.actor,
		.created = control_wall(d->c),
		.state = STORE_CMD_QUEUED,
	};
	if (!ret->command_id)
		return ERR_NOMEM;
	return d->c->store->ops->deployment_add(d->c->store, ret, ei);
}

static const char *message_of(const char *status)
{
	if (!strcmp(status, "pending"))
		return "node offline: it gets the script when it is back";
	if (!strcmp(status, "succeeded"))
		return "the node has this version already; force_update sends "
		       "it again";
	return "the node is told; its deployment says what became of it";
}

static void write_result(struct deploy *d, const char *node_id,
			 const char *status, const char *message,
			 const char *command_id)
{
	jsonw_object(&d->w, NULL);
	jsonw_str(&d->w, "node_id", node_id);
	jsonw_str(&d->w, "status", status);
	jsonw_str(&d->w, "message", message);
	jsonw_str_or_null(&d->w, "command_id", command_id);
	jsonw_object_end(&d->w);
}

/* Refused for one node is a result; trouble with the database ends it all. */
static enum err deploy_one(struct deploy *d, const char *node_id,
			   struct err_info *ret_ei)
{
	struct store_deployment dep = { 0 };
	struct err_info ei = { 0 };
	const char *status;
	bool found = false;
	enum err rc = find_last(d, node_id, &dep, &found, &ei);

	if (!rc && !found)
		rc = send_new(d, node_id, &dep, &ei);
	d->total++;
	if (rc == ERR_NOTFOUND || rc == ERR_CAPACITY) {
		d->failed++;
		write_result(d, node_id, "failed", ei.msg, NULL);
		return ERR_OK;
	}
	if (rc) {
		*ret_ei = ei;
		return rc;
	}
	status = state_text(d->c, node_id, dep.state);
	write_result(d, node_id, status, message_of(status), dep.command_id);
	return ERR_OK;
}

static enum err deploy_all(struct deploy *d, struct err_info *ei)
{
	enum err rc = make_params(d);

	if (!rc)
		rc = audit_note(d->c, d->req, "script.deploy",
				d->script.script_id, buf_cstr(&d->params), ei);
	jsonw_object(&d->w, NULL);
	jsonw_str(&d->w, "script_id", d->script.script_id);
	jsonw_int(&d->w, "version", d->script.version);
	jsonw_array(&d->w, "results");
	for (struct json_iter it = json_iter(d->node_ids);
	     !rc && json_next(&it);)
		rc = deploy_one(d, json_str(it.val, ""), ei);
	jsonw_array_end(&d->w);
	jsonw_bool(&d->w, "success", !d->failed);
	jsonw_int(&d->w, "total_nodes", d->total);
	jsonw_int(&d->w, "success_count", d->total - d->failed);
	jsonw_int(&d->w, "failed_count", d->failed);
	jsonw_object_end(&d->w);
	return rc;
}

static enum err deploy(struct control *c, struct http_req *req, const char *id,
		       struct err_info *ei)
{
	struct deploy d = { .c = c, .req = req };
	struct buf b;
	enum err rc;

	buf_init(&d.params, WIRE_PARAMS_MAX);
	control_body_init(&b, &d.w);
	rc = read_ask(&d, &id, ei);
	if (!rc)
		rc = check_nodes(d.node_ids, ei);
	if (!rc)
		rc = outline_check_id(id, ei);
	if (!rc)
		rc = c->store->ops->script_get(
			c->store, id, 0, http_req_arena(req), &d.script, ei);
	if (!rc)
		rc = deploy_all(&d, ei);
	if (rc)
		buf_deinit(&b);
	else
		control_reply(req, 200, &b, &d.w);
	buf_deinit(&d.params);
	return rc;
}

static enum err deploy_any(struct http_req *req, void *ctx, struct err_info *ei)
{
	return deploy(ctx, req, NULL, ei);
}

static enum err deploy_id(struct http_req *req, void *ctx, struct err_info *ei)
{
	return deploy(ctx, req, http_req_param(req, "id"), ei);
}

/* --- progress --- */

static void write_deployment(const struct control *c, struct jsonw *w,
			     const struct store_deployment *d)
{
	const char *error = d->error;

	if (d->state == STORE_CMD_EXPIRED && !error)
		error = "the node did not come for it in time: deploy again";
	jsonw_object(w, NULL);
	jsonw_str(w, "command_id", d->command_id);
	jsonw_str(w, "script_id", d->script_id);
	jsonw_int(w, "version", d->version);
	jsonw_str(w, "node_id", d->node_id);
	jsonw_str(w, "state", state_text(c, d->node_id, d->state));
	jsonw_str_or_null(w, "message", error);
	jsonw_str(w, "created_by", d->created_by);
	jsonw_time(w, "created_at", d->created);
	jsonw_time(w, "finished_at", d->finished);
	jsonw_object_end(w);
}

static enum err deployments(struct http_req *req, void *ctx,
			    struct err_info *ei)
{
	struct store_deployment_query q = {
		.node_id = http_req_query(req, "node_id"),
	};
	struct control *c = ctx;
	struct store_deployments l;
	struct store_script s;
	struct jsonw w;
	struct buf b;
	enum err rc = scripts_path_id(req, &q.script_id, ei);

	if (!rc)
		rc = control_page(req, &q.offset, &q.limit, ei);
	if (!rc)
		rc = c->store->ops->script_get(c->store, q.script_id, 0,
					       http_req_arena(req), &s, ei);
	if (!rc)
		rc = c->store->ops->deployment_list(
			c->store, &q, http_req_arena(req), &l, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < l.n; i++)
		write_deployment(c, &w, &l.items[i]);
	return control_list_reply(req, l.total, &b, &w);
}

static const struct router_row rows[] = {
	{ "POST", API "/group-ai/scripts/deploy", AUTH_WRITE, 0, 131072,
	  deploy_any, "A script to nodes" },
	{ "POST", API "/group-ai/scripts/deploy/{id}", AUTH_WRITE, 0, 131072,
	  deploy_id, "The same; the body is the list of nodes" },
	{ "GET", API "/group-ai/scripts/{id}/deployments", AUTH_READ, 0, 0,
	  deployments, "Which nodes were given it, and what became of that" },
};

API_TABLE(api_deploy_table);
