/* SPDX-License-Identifier: MIT */
#include "control/routes.h"

#include <stdio.h>
#include <string.h>

#include "control/nodes.h"
#include "control/routes_int.h"
#include "mtproto/proxy_secret.h"
#include "wire/wire_route.h"

/* --- what people see --- */

void routes_write(struct jsonw *w, const char *key, const struct store_route *r)
{
	if (!r->kind) {
		jsonw_null(w, key);
		return;
	}
	jsonw_object(w, key);
	jsonw_str(w, "kind", r->kind);
	jsonw_str(w, "host", r->host);
	jsonw_int(w, "port", r->port);
	jsonw_str_or_null(w, "user", r->user);
	jsonw_int(w, "version", r->version);
	jsonw_bool(w, "tested", routes_ready(r->version, r->tested));
	control_write_raw(w, "test", r->test);
	jsonw_object_end(w);
}

void routes_fault(const struct store_route *r, char *ret, size_t size)
{
	snprintf(ret, size, "the route (%s proxy %s, port %d) %s", r->kind,
		 r->host, r->port,
		 r->test ? "did not pass its test" : "was not tested yet");
}

/* --- sealing --- */

/* Bound to the account and to being a route: it opens as nothing else. */
static const char *seal_name(struct arena *a, const char *account_id)
{
	return arena_printf(a, "route:%s", account_id);
}

static enum err seal(struct control *c, struct arena *a,
		     const struct wire_route *route, struct store_route *row,
		     struct err_info *ei)
{
	struct vault_record rec = { .account_id = seal_name(a, row->account_id),
				    .version = row->version };
	struct buf doc;
	enum err rc;

	if (!rec.account_id)
		return ERR_NOMEM;
	buf_init(&doc, WIRE_ROUTE_MAX);
	rc = wire_route_encode(route, &doc);
	if (!rc)
		rc = vault_seal(&c->vault, buf_head(&doc), buf_len(&doc), a,
				&rec, ei);
	buf_wipe(&doc);
	row->sealed = rec.sealed;
	row->sealed_len = rec.sealed_len;
	row->wrapped_key = rec.wrapped_key;
	row->wrapped_key_len = rec.wrapped_key_len;
	return rc;
}

enum err routes_open(struct control *c, struct arena *a,
		     const struct store_route *row, struct buf *ret,
		     struct err_info *ei)
{
	const struct vault_record rec = {
		.account_id = seal_name(a, row->account_id),
		.version = row->version,
		.sealed = row->sealed,
		.sealed_len = row->sealed_len,
		.wrapped_key = row->wrapped_key,
		.wrapped_key_len = row->wrapped_key_len,
	};
	enum err rc;

	if (!rec.account_id)
		return ERR_NOMEM;
	rc = vault_open(&c->vault, &rec, ret, ei);
	return rc ? err_wrap(ei, rc, "the account's route") : ERR_OK;
}

enum err routes_join(struct control *c, struct arena *a, const char *account_id,
		     struct buf *doc, struct err_info *ei)
{
	struct store_route r;
	enum err rc;

	rc = c->store->ops->route_get(c->store, account_id, a, &r, ei);
	if (rc == ERR_NOTFOUND)
		return ERR_OK;
	if (!rc && !routes_ready(r.version, r.tested))
		rc = err_set(ei, ERR_ROUTE_UNTESTED, "%s",
			     err_text(ERR_ROUTE_UNTESTED));
	if (!rc && (buf_len(doc) < 2 || buf_cstr(doc)[buf_len(doc) - 1] != '}'))
		rc = err_set(ei, ERR_CORRUPT, "the session is no document");
	if (rc)
		return rc;
	doc->len--;
	rc = buf_printf(doc, ",\"route_version\":%lld", (long long)r.version);
	if (!rc && r.kind)
		rc = buf_append_str(doc, ",\"route\":");
	if (!rc && r.kind)
		rc = routes_open(c, a, &r, doc, ei);
	return rc ? rc : buf_append_byte(doc, '}');
}

/* --- changing it --- */

static enum err read_route(struct json v, struct wire_route *r,
			   struct err_info *ei)
{
	int64_t port = 0;
	enum err rc;

	rc = json_need_str(v, "kind", WIRE_ID_MAX, &r->kind, ei);
	if (!rc)
		rc = json_need_str(v, "host", WIRE_ROUTE_HOST_MAX, &r->host,
				   ei);
	if (!rc)
		rc = json_need_int(v, "port", 1, 65535, &port, ei);
	if (!rc)
		rc = json_want_str(v, "user", WIRE_ROUTE_CREDENTIAL_MAX,
				   &r->user, ei);
	if (!rc)
		rc = json_want_str(v, "password", WIRE_ROUTE_CREDENTIAL_MAX,
				   &r->password, ei);
	if (!rc)
		rc = json_want_str(v, "secret", WIRE_ROUTE_SECRET_MAX,
				   &r->secret, ei);
	r->port = (int)port;
	return rc ? err_wrap(ei, rc, "route") : wire_route_check(r, ei);
}

static enum err check_members(struct json v, struct err_info *ei)
{
	static const char *const known[] = { "kind", "host",	 "port",
					     "user", "password", "secret" };

	if (!json_is_object(v))
		return err_set(ei, ERR_INVALID,
			       "\"route\" is an object, or null for none");
	for (struct json_iter it = json_iter(v); json_next(&it);) {
		size_t i = 0;

		while (i < ARRAY_LEN(known) && strcmp(it.key, known[i]) != 0)
			i++;
		if (i == ARRAY_LEN(known))
			return err_set(ei, ERR_INVALID,
				       "route: unknown member \"%.40s\"",
				       it.key);
	}
	return ERR_OK;
}

static enum err check_secret(const struct wire_route *r, struct err_info *ei)
{
	struct proxy_secret s;
	enum err rc;

	if (!r->secret)
		return ERR_OK;
	rc = proxy_secret_parse(r->secret, strlen(r->secret), &s, ei);
	if (!rc)
		proxy_secret_wipe(&s);
	return rc;
}

/* Empty text is none. */
static const char *some(const char *s)
{
	return s && *s ? s : NULL;
}

static enum err fill(struct control *c, struct arena *a, struct json v,
		     struct store_route *row, struct err_info *ei)
{
	struct wire_route r = { 0 };
	enum err rc = check_members(v, ei);

	if (!rc)
		rc = read_route(v, &r, ei);
	if (!rc)
		rc = check_secret(&r, ei);
	if (rc)
		return rc;
	row->kind = r.kind;
	row->host = r.host;
	row->port = r.port;
	row->user = some(r.user);
	return seal(c, a, &r, row, ei);
}

enum err routes_set(struct control *c, struct http_req *req,
		    const char *account_id, struct json v, struct err_info *ei)
{
	struct store_route row = { .account_id = account_id };
	struct store *st = c->store;
	enum err rc;

	rc = st->ops->route_next_version(st, account_id, &row.version, ei);
	if (!rc && json_is_null(v))
		row.tested = row.version; /* nothing to be tested */
	else if (!rc)
		rc = fill(c, http_req_arena(req), v, &row, ei);
	return rc ? rc : st->ops->route_put(st, &row, ei);
}

/* --- what became of a test --- */

static enum err outcome(const struct store_command_result *res,
			const struct store_command *cmd, struct wall now,
			struct buf *out)
{
	bool ok = res->state == STORE_CMD_SUCCEEDED;
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "passed", ok);
	jsonw_str(&w, "command_id", cmd->command_id);
	jsonw_str(&w, "node_id", cmd->node_id);
	jsonw_time(&w, "at", now);
	if (ok)
		control_write_raw(&w, "result", res->data);
	else
		jsonw_str_or_null(&w, "error", res->error);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

static enum err keep(struct control *c, struct arena *a,
		     const struct store_command_result *res,
		     const struct store_command *cmd, struct err_info *ei)
{
	struct store_route r = { 0 };
	struct json_doc params;
	struct json root;
	struct buf text;
	enum err rc;

	rc = json_parse(&params, cmd->params, strlen(cmd->params),
			WIRE_PARAMS_MAX, ei);
	if (rc)
		return rc;
	root = json_root(&params);
	r.account_id = json_str(json_get(root, "account_id"), "");
	r.version = json_int(json_get(root, "route_version"), 0);
	if (res->state == STORE_CMD_SUCCEEDED)
		r.tested = r.version;
	buf_init(&text, ROUTES_TEST_MAX);
	rc = outcome(res, cmd, control_wall(c), &text);
	r.test = rc ? NULL : buf_cstr(&text);
	if (!rc)
		rc = c->store->ops->route_set_test(c->store, &r, ei);
	if (rc == ERR_NOTFOUND)
		rc = ERR_OK; /* it was changed meanwhile: nothing was tested */
	buf_deinit(&text);
	json_free(&params);
	return rc;
}

enum err routes_on_result(struct control *c, struct arena *a,
			  const char *node_id,
			  const struct store_command_result *res,
			  struct err_info *ei)
{
	struct store_command cmd;
	enum err rc;

	if (res->state == STORE_CMD_RUNNING)
		return ERR_OK;
	rc = c->store->ops->command_get(c->store, node_id, res->command_id, a,
					&cmd, ei);
	if (rc == ERR_NOTFOUND)
		return ERR_OK;
	if (rc || strcmp(cmd.action, ROUTES_ACTION) != 0 || !cmd.params)
		return rc;
	rc = keep(c, a, res, &cmd, ei);
	if (!rc)
		nodes_poke(c, node_id);
	return rc;
}
