/* SPDX-License-Identifier: MIT */
/* /group-ai/accounts/{id}/route: how an account is reached, and a test of it. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/commands.h"
#include "control/nodes.h"
#include "control/routes_int.h"
#include "crypto/sealbox.h"
#include "wire/wire_route.h"

#define TEST_TTL_US (INT64_C(120) * US_PER_SEC)

struct testing {
	struct control *c;
	struct http_req *req;
	struct store_account acc;
	struct store_route route;
	struct store_node node;
	int dc_id; /* 0: the first the node knows */
};

static enum err get(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct store_account acc;
	struct jsonw w;
	struct buf b;
	enum err rc = control_path_account(ctx, req, &acc, ei);

	if (rc)
		return rc;
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "account_id", acc.account_id);
	routes_write(&w, "route", &acc.route);
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

/* --- the test --- */

static enum err find_node(struct testing *t, const char *asked,
			  struct err_info *ei)
{
	const char *id = asked		     ? asked
			 : t->acc.lease_node ? t->acc.lease_node
					     : t->acc.node_id;
	struct store *st = t->c->store;
	enum err rc;

	if (!id)
		return err_set(ei, ERR_CONFLICT,
			       "account %s is on no node: say \"node_id\"",
			       t->acc.account_id);
	rc = st->ops->node_get(st, id, http_req_arena(t->req), &t->node, ei);
	if (rc)
		return rc;
	if (!nodes_online(t->c, id))
		return err_set(ei, ERR_NODE_OFFLINE,
			       "node %s is offline: start its worker, or name "
			       "another node",
			       id);
	if (!t->node.has_public_key)
		return err_set(ei, ERR_CONFLICT,
			       "node %s has no key a route could be sealed to",
			       id);
	return ERR_OK;
}

static enum err find_dc(struct testing *t, struct err_info *ei)
{
	struct store_session s;
	enum err rc;

	if (!t->acc.session_version)
		return ERR_OK;
	rc = t->c->store->ops->session_get(t->c->store, t->acc.account_id,
					   t->acc.session_version,
					   http_req_arena(t->req), &s, ei);
	if (!rc)
		t->dc_id = s.dc_id;
	return rc;
}

static enum err find_route(struct testing *t, struct err_info *ei)
{
	struct store *st = t->c->store;
	enum err rc;

	if (!t->acc.route.kind)
		return err_set(ei, ERR_CONFLICT,
			       "account %s has no route: there is nothing to "
			       "test",
			       t->acc.account_id);
	rc = st->ops->route_get(st, t->acc.account_id, http_req_arena(t->req),
				&t->route, ei);
	return rc;
}

/* Base64 of the route, sealed to the node. */
static enum err seal_for(struct testing *t, const char **ret,
			 struct err_info *ei)
{
	uint8_t box[WIRE_ROUTE_MAX + SEALBOX_OVERHEAD];
	struct buf doc;
	size_t len;
	char *text;
	enum err rc;

	buf_init(&doc, WIRE_ROUTE_MAX);
	rc = routes_open(t->c, http_req_arena(t->req), &t->route, &doc, ei);
	len = buf_len(&doc) + SEALBOX_OVERHEAD;
	if (!rc)
		rc = sealbox_seal(t->node.public_key, buf_head(&doc),
				  buf_len(&doc), box);
	buf_wipe(&doc);
	if (rc)
		return rc;
	text = arena_alloc(http_req_arena(t->req), TEXT_B64_LEN(len) + 1);
	if (!text)
		return ERR_NOMEM;
	text_b64(text, box, len, TEXT_B64_STD);
	*ret = text;
	return ERR_OK;
}

static enum err queue(struct testing *t, char ret_id[static CONTROL_ID_MAX],
		      struct err_info *ei)
{
	struct commands_new cmd = { .node_id = t->node.node_id,
				    .action = ROUTES_ACTION,
				    .actor = control_caller(t->req)->actor,
				    .ttl_us = TEST_TTL_US };
	const char *sealed = NULL;
	struct jsonw w;
	struct buf p;
	enum err rc = seal_for(t, &sealed, ei);

	if (rc)
		return rc;
	control_body_init(&p, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "account_id", t->acc.account_id);
	jsonw_int(&w, "route_version", t->route.version);
	jsonw_int(&w, "dc_id", t->dc_id);
	jsonw_str(&w, "sealed", sealed);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	cmd.params = buf_cstr(&p);
	if (!rc)
		rc = commands_queue(t->c, &cmd, ret_id, ei);
	buf_deinit(&p);
	return rc;
}

static enum err test(struct http_req *req, void *ctx, struct err_info *ei)
{
	static const char *const known[] = { "node_id", NULL };
	struct testing t = { .c = ctx, .req = req };
	char id[CONTROL_ID_MAX];
	const char *asked = NULL;
	struct json body;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_want_str(body, "node_id", WIRE_ID_MAX, &asked, ei);
	if (!rc)
		rc = control_path_account(t.c, req, &t.acc, ei);
	if (!rc)
		rc = find_route(&t, ei);
	if (!rc)
		rc = find_node(&t, asked && *asked ? asked : NULL, ei);
	if (!rc)
		rc = find_dc(&t, ei);
	if (!rc)
		rc = queue(&t, id, ei);
	if (!rc)
		rc = audit_note(t.c, req, "route.test", t.acc.account_id, NULL,
				ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_str(&w, "account_id", t.acc.account_id);
	jsonw_str(&w, "node_id", t.node.node_id);
	jsonw_str(&w, "command_id", id);
	jsonw_object_end(&w);
	control_reply(req, 202, &b, &w);
	return ERR_OK;
}

static const struct router_row rows[] = {
	{ "GET", API "/group-ai/accounts/{id}/route", AUTH_READ, 0, 0, get,
	  "How the account is reached; no password, no secret" },
	{ "POST", API "/group-ai/accounts/{id}/route/test", AUTH_WRITE, 0, 4096,
	  test, "A node tries the account's route" },
};

API_TABLE(api_routes_table);
