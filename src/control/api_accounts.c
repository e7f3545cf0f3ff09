/* SPDX-License-Identifier: MIT */
/* /group-ai/accounts: the list and each account. */
#include <string.h>

#include "base/text.h"
#include "control/account_json.h"
#include "control/control_int.h"
#include "control/nodes.h"
#include "control/routes.h"
#include "script/outline.h"

#define PRIORITY_MAX 1000000

/* --- list --- */

static enum err tristate(const struct http_req *req, const char *name,
			 enum store_tristate *ret, struct err_info *ei)
{
	const char *v = http_req_query(req, name);

	if (!v || !*v)
		return ERR_OK;
	if (!strcmp(v, "true") || !strcmp(v, "1"))
		*ret = STORE_YES;
	else if (!strcmp(v, "false") || !strcmp(v, "0"))
		*ret = STORE_NO;
	else
		return err_set(ei, ERR_INVALID, "%s is true or false", name);
	return ERR_OK;
}

static const char *filter(const struct http_req *req, const char *name)
{
	const char *v = http_req_query(req, name);

	return v && *v ? v : NULL;
}

static enum err read_order(const struct http_req *req,
			   struct store_account_query *q, struct err_info *ei)
{
	const char *by = filter(req, "sort_by");
	const char *order = filter(req, "sort_order");

	if (by && store_account_sort_parse(by, &q->sort))
		return err_set(ei, ERR_INVALID, "sort_by cannot be \"%.40s\"",
			       by);
	if (order && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0)
		return err_set(ei, ERR_INVALID, "sort_order is asc or desc");
	q->descending = order && !strcmp(order, "desc");
	return ERR_OK;
}

static enum err read_query(const struct http_req *req,
			   struct store_account_query *q, struct err_info *ei)
{
	enum err rc;

	q->node_id = filter(req, "node_id");
	if (!q->node_id)
		q->node_id = filter(req, "server_id");
	q->status = filter(req, "status");
	q->script_id = filter(req, "script_id");
	q->tag = filter(req, "tag");
	q->source = filter(req, "source");
	q->search = filter(req, "search");
	rc = tristate(req, "enabled", &q->enabled, ei);
	if (!rc)
		rc = tristate(req, "assigned", &q->assigned, ei);
	if (!rc)
		rc = tristate(req, "has_session", &q->has_session, ei);
	if (!rc)
		rc = read_order(req, q, ei);
	return rc ? rc : control_page(req, &q->offset, &q->limit, ei);
}

static enum err list(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_account_query q = { .sort = STORE_SORT_ID };
	struct store_accounts accs;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = read_query(req, &q, ei);
	if (!rc)
		rc = c->store->ops->account_list(
			c->store, &q, http_req_arena(req), &accs, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < accs.n; i++)
		account_json_write(&w, NULL, &accs.items[i]);
	return control_list_reply(req, accs.total, &b, &w);
}

/* --- changes --- */

static enum err read_tags(struct json body, struct arena *a,
			  struct store_account *acc, uint32_t *fields,
			  struct err_info *ei)
{
	struct json v = json_get(body, "tags");
	const char **tags;
	size_t n = 0;

	if (json_missing(v))
		return ERR_OK;
	if (!json_is_array(v) || json_len(v) > STORE_TAGS_MAX)
		return err_set(ei, ERR_INVALID, "\"tags\" is at most %d words",
			       STORE_TAGS_MAX);
	tags = arena_array(a, json_len(v) + 1, sizeof(*tags));
	if (!tags)
		return ERR_NOMEM;
	for (struct json_iter it = json_iter(v); json_next(&it);) {
		const char *tag = json_str(it.val, "");

		if (!*tag || strlen(tag) > WIRE_ID_MAX)
			return err_set(ei, ERR_INVALID,
				       "a tag is a word of 1 to %d bytes",
				       WIRE_ID_MAX);
		tags[n++] = tag;
	}
	acc->tags = tags;
	acc->n_tags = n;
	*fields |= STORE_ACC_TAGS;
	return ERR_OK;
}

static enum err read_names(struct json body, struct store_account *acc,
			   uint32_t *fields, struct err_info *ei)
{
	const struct {
		const char *key, **ret;
		size_t max;
		uint32_t field;
	} texts[] = {
		{ "phone", &acc->phone, 32, STORE_ACC_PHONE },
		{ "username", &acc->username, 64, STORE_ACC_USERNAME },
		{ "display_name", &acc->display_name, 128,
		  STORE_ACC_DISPLAY_NAME },
		{ "script_id", &acc->script_id, OUTLINE_ID_BYTES_MAX,
		  STORE_ACC_SCRIPT },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		enum err rc = json_want_str(body, texts[i].key, texts[i].max,
					    texts[i].ret, ei);

		if (rc)
			return rc;
		if (!json_missing(json_get(body, texts[i].key)))
			*fields |= texts[i].field;
	}
	return ERR_OK;
}

/* Only digits are stored of a phone number. */
static enum err tidy_phone(struct arena *a, struct store_account *acc,
			   struct err_info *ei)
{
	enum err rc;

	if (!acc->phone || !*acc->phone)
		return ERR_OK;
	rc = control_account_id(acc->phone, a, &acc->phone, ei);
	if (!rc && acc->phone[strspn(acc->phone, "0123456789")])
		rc = err_set(ei, ERR_INVALID, "\"phone\" is no phone number");
	return rc;
}

static enum err read_fields(struct http_req *req, struct json body,
			    struct store_account *acc, uint32_t *fields,
			    struct err_info *ei)
{
	int64_t priority = 0;
	enum err rc;

	rc = read_names(body, acc, fields, ei);
	if (!rc)
		rc = tidy_phone(http_req_arena(req), acc, ei);
	if (!rc)
		rc = read_tags(body, http_req_arena(req), acc, fields, ei);
	if (!rc)
		rc = json_want_int(body, "priority", -PRIORITY_MAX,
				   PRIORITY_MAX, &priority, ei);
	if (!rc)
		rc = json_want_bool(body, "enabled", &acc->enabled, ei);
	if (rc)
		return rc;
	acc->priority = (int)priority;
	if (!json_missing(json_get(body, "priority")))
		*fields |= STORE_ACC_PRIORITY;
	if (!json_missing(json_get(body, "enabled")))
		*fields |= STORE_ACC_ENABLED;
	return ERR_OK;
}

static enum err attest(struct http_req *req, struct json body,
		       struct store_account *acc, struct err_info *ei)
{
	bool attested = false;
	enum err rc;

	rc = json_want_bool(body, "attested", &attested, ei);
	if (rc || !attested)
		return rc;
	acc->attested_by = control_caller(req)->actor;
	return ERR_OK;
}

static enum err create(struct http_req *req, void *ctx, struct err_info *ei)
{
	static const char *const known[] = {
		"account_id", "phone",	   "username", "display_name",
		"script_id",  "tags",	   "priority", "enabled",
		"node_id",    "server_id", "attested", NULL
	};
	struct control *c = ctx;
	struct store_account acc = { .enabled = true, .source = "local" };
	const char *id = NULL;
	uint32_t fields = 0;
	struct json body;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_want_str(body, "account_id", WIRE_ID_MAX, &id, ei);
	if (!rc && !id)
		rc = json_need_str(body, "phone", WIRE_ID_MAX, &id, ei);
	if (!rc)
		rc = control_account_id(id, http_req_arena(req),
					&acc.account_id, ei);
	if (!rc)
		rc = read_fields(req, body, &acc, &fields, ei);
	if (!rc)
		rc = json_want_str(body, "server_id", WIRE_ID_MAX, &acc.node_id,
				   ei);
	if (!rc)
		rc = json_want_str(body, "node_id", WIRE_ID_MAX, &acc.node_id,
				   ei);
	if (!rc)
		rc = attest(req, body, &acc, ei);
	if (rc)
		return rc;
	if (acc.attested_by)
		acc.attested_at = control_wall(c);
	rc = c->store->ops->account_add(c->store, &acc, control_wall(c), ei);
	if (!rc)
		rc = audit_note(c, req, "account.create", acc.account_id,
				control_body_text(req), ei);
	return rc ? rc : account_json_reply(c, req, 201, acc.account_id, ei);
}

static enum err path_id(struct http_req *req, const char **ret,
			struct err_info *ei)
{
	return control_account_id(http_req_param(req, "id"),
				  http_req_arena(req), ret, ei);
}

static enum err get(struct http_req *req, void *ctx, struct err_info *ei)
{
	const char *id;
	enum err rc = path_id(req, &id, ei);

	return rc ? rc : account_json_reply(ctx, req, 200, id, ei);
}

/* If-Match: "7" -> 7; absent or * -> 0. */
static enum err read_match(const struct http_req *req, int64_t *ret,
			   struct err_info *ei)
{
	const char *h = http_req_header(req, "if-match");
	char digits[24];
	size_t len;

	if (!h || !strcmp(h, "*"))
		return ERR_OK;
	len = strlen(h);
	if (len < 3 || len > sizeof(digits) || h[0] != '"' || h[len - 1] != '"')
		return err_set(ei, ERR_SYNTAX, "If-Match is an ETag");
	memcpy(digits, h + 1, len - 2);
	digits[len - 2] = '\0';
	if (text_i64(digits, ret))
		return err_set(ei, ERR_CONFLICT,
			       "the account has changed: read it again");
	return ERR_OK;
}

static void put_value(struct jsonw *w, const char *key, struct json v)
{
	struct buf text;

	if (json_missing(v))
		return;
	buf_init(&text, CONTROL_BODY_MAX);
	if (!w->rc)
		w->rc = json_dump(v, &text);
	if (!w->rc)
		control_write_raw(w, key, buf_cstr(&text));
	buf_deinit(&text);
}

/* What was asked for; of a route only what may be seen. */
static enum err say_change(struct json body, struct buf *out)
{
	static const char *const shown[] = { "kind", "host", "port", "user" };
	struct json route = json_get(body, "route");
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	for (struct json_iter it = json_iter(body); json_next(&it);)
		if (strcmp(it.key, "route") != 0)
			put_value(&w, it.key, it.val);
	if (json_is_null(route))
		jsonw_null(&w, "route");
	if (json_is_object(route)) {
		jsonw_object(&w, "route");
		for (size_t i = 0; i < ARRAY_LEN(shown); i++)
			put_value(&w, shown[i], json_get(route, shown[i]));
		jsonw_object_end(&w);
	}
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

static enum err note_change(struct control *c, struct http_req *req,
			    const char *id, struct json body,
			    struct err_info *ei)
{
	struct buf text;
	enum err rc;

	if (json_missing(json_get(body, "route")))
		return audit_note(c, req, "account.update", id,
				  control_body_text(req), ei);
	buf_init(&text, CONTROL_BODY_MAX);
	rc = say_change(body, &text);
	if (!rc)
		rc = audit_note(c, req, "account.update", id, buf_cstr(&text),
				ei);
	buf_deinit(&text);
	return rc;
}

static enum err patch_pin(struct control *c, const char *id, struct json body,
			  struct err_info *ei)
{
	const char *node_id = NULL;
	enum err rc;

	if (json_missing(json_get(body, "pinned_node_id")))
		return ERR_OK;
	rc = json_want_str(body, "pinned_node_id", WIRE_ID_MAX, &node_id, ei);
	return rc ? rc
		  : c->store->ops->pin(c->store, id, node_id, control_wall(c),
				       ei);
}

static enum err patch(struct http_req *req, void *ctx, struct err_info *ei)
{
	static const char *const known[] = { "phone",	       "username",
					     "display_name",   "script_id",
					     "tags",	       "priority",
					     "enabled",	       "route",
					     "pinned_node_id", NULL };
	struct control *c = ctx;
	struct store_account acc = { 0 }, before;
	uint32_t fields = 0;
	struct json body, route, pin;
	enum err rc;

	rc = path_id(req, &acc.account_id, ei);
	if (!rc)
		rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = read_fields(req, body, &acc, &fields, ei);
	if (!rc)
		rc = read_match(req, &acc.version, ei);
	if (!rc)
		rc = c->store->ops->account_get(c->store, acc.account_id,
						http_req_arena(req), &before,
						ei);
	if (rc)
		return rc;
	route = json_get(body, "route");
	pin = json_get(body, "pinned_node_id");
	if (!fields && !(json_missing(route) && json_missing(pin))) {
		/* a new route or pin is a change like any other: its version
		 * is looked at, too */
		acc.enabled = before.enabled;
		fields = STORE_ACC_ENABLED;
	}
	if (fields)
		rc = c->store->ops->account_update(c->store, &acc, fields,
						   control_wall(c), ei);
	if (!rc && !json_missing(route))
		rc = routes_set(c, req, acc.account_id, route, ei);
	if (!rc)
		rc = patch_pin(c, acc.account_id, body, ei);
	if (!rc)
		rc = note_change(c, req, acc.account_id, body, ei);
	if (rc)
		return rc;
	if (before.node_id &&
	    (fields & STORE_ACC_ENABLED || !json_missing(route)))
		nodes_poke(c, before.node_id);
	if (before.lease_node && !json_missing(route))
		nodes_poke(c, before.lease_node);
	return account_json_reply(c, req, 200, acc.account_id, ei);
}

static enum err drop(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_account acc;
	const char *id;
	enum err rc;

	rc = path_id(req, &id, ei);
	if (!rc)
		rc = c->store->ops->account_get(c->store, id,
						http_req_arena(req), &acc, ei);
	if (rc)
		return rc;
	if (acc.lease_node)
		return err_set(ei, ERR_CONFLICT,
			       "node %s still runs %s: stop it first",
			       acc.lease_node, id);
	rc = c->store->ops->account_delete(c->store, id, control_wall(c), ei);
	if (!rc)
		rc = audit_note(c, req, "account.delete", id, NULL, ei);
	return rc ? rc : control_reply_ok(req);
}

static const struct router_row rows[] = {
	{ "GET", API "/group-ai/accounts", AUTH_READ, 0, 0, list,
	  "List accounts" },
	{ "POST", API "/group-ai/accounts", AUTH_WRITE, 0, 65536, create,
	  "Add an account" },
	{ "GET", API "/group-ai/accounts/{id}", AUTH_READ, 0, 0, get,
	  "One account" },
	{ "PATCH", API "/group-ai/accounts/{id}", AUTH_WRITE, 0, 65536, patch,
	  "Change what the operator decides" },
	{ "DELETE", API "/group-ai/accounts/{id}", AUTH_WRITE, 0, 0, drop,
	  "Remove a stopped account; its session goes to quarantine" },
};

API_TABLE(api_accounts_table);
