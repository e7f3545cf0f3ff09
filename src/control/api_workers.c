/* SPDX-License-Identifier: MIT */
/* /workers: nodes enrol, are listed, drained and removed. */
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "control/control_int.h"
#include "control/nodes.h"
#include "wire/wire_enroll.h"

static const char *node_status(const struct control *c,
			       const struct store_node *n)
{
	if (!nodes_online(c, n->node_id))
		return "offline";
	return n->draining ? "draining" : "online";
}

static void write_node(struct jsonw *w, const struct control *c,
		       const struct store_node *n)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "node_id", n->node_id);
	jsonw_str(w, "name", n->name);
	jsonw_str(w, "status", node_status(c, n));
	jsonw_bool(w, "draining", n->draining);
	jsonw_time(w, "last_heartbeat", n->last_heartbeat);
	jsonw_str_or_null(w, "version", n->version);
	jsonw_str_or_null(w, "hostname", n->hostname);
	jsonw_int(w, "account_count", n->accounts);
	jsonw_int(w, "accounts_online", n->accounts_online);
	jsonw_int(w, "leases", n->leases);
	jsonw_int(w, "max_accounts", n->max_accounts);
	jsonw_bool(w, "sealed_delivery", n->has_public_key);
	jsonw_bool(w, "ack_on_delivery", n->ack_on_delivery);
	control_write_raw(w, "metadata", n->metadata);
	jsonw_time(w, "created_at", n->created);
	jsonw_object_end(w);
}

/* --- enrolment --- */

/* "los angeles 1" -> "los-angeles-1": what goes into URLs. */
static void node_id_from(const char *name, char *id, size_t size)
{
	size_t n = 0;

	for (; *name && n + 1 < size; name++) {
		char ch = *name;
		bool ok = (ch >= 'a' && ch <= 'z') ||
			  (ch >= '0' && ch <= '9') || ch == '_' || ch == '.' ||
			  ch == '-';

		if (ch >= 'A' && ch <= 'Z')
			id[n++] = (char)(ch - 'A' + 'a');
		else if (ok)
			id[n++] = ch;
		else if (n && id[n - 1] != '-')
			id[n++] = '-';
	}
	id[n] = '\0';
}

/* Reserved: they are paths beside {node}. */
static bool id_reserved(const char *id)
{
	static const char *const words[] = { "heartbeat",   "enroll",
					     "check",	    "broadcast",
					     "join-tokens", ".",
					     ".." };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(id, words[i]))
			return true;
	return id[0] == '\0';
}

static enum err enroll_node(struct control *c, struct http_req *req,
			    const struct wire_enroll *e, const char *id,
			    const char *token, struct err_info *ei)
{
	const struct store_hash join = control_hash(e->join_token);
	struct store_node n = {
		.node_id = id,
		.name = e->node_name,
		.token = control_hash(token),
		.has_public_key = true,
		.hostname = e->hostname,
		.version = e->version,
	};
	enum err rc;

	memcpy(n.public_key, e->public_key, sizeof(n.public_key));
	rc = c->store->ops->node_enroll(c->store, &join, &n, control_wall(c),
					ei);
	if (rc)
		return rc;
	log_info(LOGEV_ENROL, log_str("node", id),
		 log_str("remote", control_remote(req)));
	return audit_note(c, req, "node.enroll", id, NULL, ei);
}

static enum err enroll_reply(struct control *c, struct http_req *req,
			     const char *id, const char *token)
{
	const struct wire_enrolled e = {
		.node_id = id,
		.node_token = token,
		.heartbeat_interval_ms = c->rules.beat_us / US_PER_MS,
		.lease_ttl_ms = c->rules.ttl_us / US_PER_MS,
	};
	struct buf b;
	enum err rc;

	buf_init(&b, CONTROL_BODY_MAX);
	rc = wire_enrolled_encode(&e, &b);
	if (!rc) {
		http_reply_header(req, "Cache-Control", "no-store");
		http_reply_json(req, 201, &b);
	}
	buf_wipe(&b);
	return rc;
}

static enum err enroll(struct http_req *req, void *ctx, struct err_info *ei)
{
	char id[WIRE_ID_MAX + 1], token[CONTROL_TOKEN_MAX];
	struct control *c = ctx;
	struct wire_enroll e;
	const uint8_t *body;
	size_t len;
	enum err rc;

	body = http_req_body(req, &len);
	rc = wire_enroll_decode(body, len, http_req_arena(req), &e, ei);
	if (rc)
		return rc;
	node_id_from(e.node_name, id, sizeof(id));
	if (id_reserved(id))
		return err_set(ei, ERR_INVALID,
			       "node_name \"%.64s\" cannot be used; take "
			       "letters, digits, - and _",
			       e.node_name);
	control_random_id("tgn_", CONTROL_TOKEN_BYTES, token, sizeof(token));
	rc = enroll_node(c, req, &e, id, token, ei);
	if (!rc)
		rc = enroll_reply(c, req, id, token);
	secret_wipe(token, sizeof(token));
	return rc;
}

/*
 * A node of the earlier systems: it has no key pair, so an admin makes it and
 * gives it its token.  Sessions are never delivered to it unsealed by default.
 */
static enum err plain_reply(struct control *c, struct http_req *req,
			    const struct store_node *n, const char *token)
{
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "node_id", n->node_id);
	jsonw_str(&w, "node_token", token);
	jsonw_object_end(&w);
	http_reply_header(req, "Cache-Control", "no-store");
	control_reply(req, 201, &b, &w);
	return ERR_OK;
}

static enum err create(struct http_req *req, void *ctx, struct err_info *ei)
{
	static const char *const known[] = { "node_id", "name", "max_accounts",
					     "ack_on_delivery", NULL };
	char id[WIRE_ID_MAX + 1], token[CONTROL_TOKEN_MAX];
	struct control *c = ctx;
	struct store_node n = { .node_id = id };
	const char *given;
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_need_str(body, "node_id", WIRE_ID_MAX, &given, ei);
	if (rc)
		return rc;
	n.name = given;
	rc = json_want_str(body, "name", WIRE_NAME_MAX, &n.name, ei);
	if (!rc)
		rc = json_want_int(body, "max_accounts", 1, 1000000,
				   &n.max_accounts, ei);
	if (!rc)
		rc = json_want_bool(body, "ack_on_delivery", &n.ack_on_delivery,
				    ei);
	if (rc)
		return rc;
	node_id_from(given, id, sizeof(id));
	if (id_reserved(id) || strcmp(id, given) != 0)
		return err_set(ei, ERR_INVALID,
			       "node_id takes lower-case letters, digits, "
			       "- . and _");
	control_random_id("tgn_", CONTROL_TOKEN_BYTES, token, sizeof(token));
	n.token = control_hash(token);
	rc = c->store->ops->node_add(c->store, &n, control_wall(c), ei);
	if (!rc)
		rc = audit_note(c, req, "node.create", id, NULL, ei);
	if (!rc)
		rc = plain_reply(c, req, &n, token);
	secret_wipe(token, sizeof(token));
	return rc;
}

/* --- reading --- */

static enum err list(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_nodes nodes;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->node_list(c->store, http_req_arena(req), &nodes,
				      ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < nodes.n; i++)
		write_node(&w, c, &nodes.items[i]);
	return control_list_reply(req, (int64_t)nodes.n, &b, &w);
}

static enum err get(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_node n;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->node_get(c->store, http_req_param(req, "node"),
				     http_req_arena(req), &n, ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	write_node(&w, c, &n);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

static enum err duplicates(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_findings list;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->finding_list(c->store, NULL, http_req_arena(req),
					 &list, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < list.n; i++) {
		const struct store_finding *f = &list.items[i];

		jsonw_object(&w, NULL);
		jsonw_str(&w, "kind", f->kind);
		jsonw_str(&w, "account_id", f->account_id);
		jsonw_str(&w, "node_id", f->node_id);
		jsonw_str_or_null(&w, "detail", f->detail);
		jsonw_time(&w, "first_seen", f->first_seen);
		jsonw_time(&w, "last_seen", f->last_seen);
		jsonw_int(&w, "count", f->count);
		jsonw_object_end(&w);
	}
	return control_list_reply(req, (int64_t)list.n, &b, &w);
}

/* --- changing --- */

static enum err read_patch(struct http_req *req, struct store_node *n,
			   uint32_t *ret_fields, struct err_info *ei)
{
	static const char *const known[] = { "name", "draining", "max_accounts",
					     "ack_on_delivery", NULL };
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_want_str(body, "name", WIRE_NAME_MAX, &n->name, ei);
	if (!rc)
		rc = json_want_bool(body, "draining", &n->draining, ei);
	if (!rc)
		rc = json_want_int(body, "max_accounts", 1, 1000000,
				   &n->max_accounts, ei);
	if (!rc)
		rc = json_want_bool(body, "ack_on_delivery",
				    &n->ack_on_delivery, ei);
	if (rc)
		return rc;
	*ret_fields = (n->name ? STORE_NODE_NAME : 0) |
		      (json_missing(json_get(body, "draining"))
			       ? 0
			       : STORE_NODE_DRAINING) |
		      (n->max_accounts ? STORE_NODE_MAX_ACCOUNTS : 0) |
		      (json_missing(json_get(body, "ack_on_delivery"))
			       ? 0
			       : STORE_NODE_ACK_ON_DELIVERY);
	return ERR_OK;
}

static enum err patch(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_node n = { .node_id = http_req_param(req, "node") };
	uint32_t fields;
	enum err rc;

	rc = read_patch(req, &n, &fields, ei);
	if (rc)
		return rc;
	rc = c->store->ops->node_update(c->store, &n, fields, control_wall(c),
					ei);
	if (rc)
		return rc;
	rc = audit_note(c, req, "node.update", n.node_id,
			control_body_text(req), ei);
	if (rc)
		return rc;
	nodes_poke(c, n.node_id);
	return get(req, ctx, ei);
}

static enum err drop(struct http_req *req, void *ctx, struct err_info *ei)
{
	const char *id = http_req_param(req, "node");
	struct control *c = ctx;
	enum err rc;

	rc = c->store->ops->node_delete(c->store, id, ei);
	if (!rc)
		rc = audit_note(c, req, "node.delete", id, NULL, ei);
	if (!rc)
		rc = nodes_forget(c, id, ei);
	return rc ? rc : control_reply_ok(req);
}

static const struct router_row rows[] = {
	{ "POST", API "/workers/enroll", 0, 0, 16384, enroll,
	  "A node comes in with a join token" },
	{ "GET", API "/workers", AUTH_READ, 0, 0, list, "List nodes" },
	{ "POST", API "/workers", AUTH_ADMIN, 0, 8192, create,
	  "Add a node that cannot enrol by itself" },
	{ "GET", API "/workers/check/duplicates", AUTH_READ, 0, 0, duplicates,
	  "Accounts reported by more than one node, and other findings" },
	{ "GET", API "/workers/{node}", AUTH_READ, 0, 0, get, "One node" },
	{ "PATCH", API "/workers/{node}", AUTH_WRITE, 0, 8192, patch,
	  "Rename, drain, or change the room of a node" },
	{ "DELETE", API "/workers/{node}", AUTH_ADMIN, 0, 0, drop,
	  "Remove a node that holds no lease" },
};

API_TABLE(api_workers_table);
