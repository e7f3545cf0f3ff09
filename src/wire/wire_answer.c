/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "wire/wire_beat.h"
#include "wire/wire_int.h"

static void write_command(struct jsonw *w, const struct wire_command *c)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "command_id", c->command_id);
	jsonw_str(w, "action", c->action);
	jsonw_raw(w, "params", c->params ? c->params : "{}",
		  c->params ? strlen(c->params) : 2);
	jsonw_time(w, "created_at", c->created_at);
	jsonw_object_end(w);
}

static void write_lease(struct jsonw *w, const struct wire_lease *l)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "account_id", l->account_id);
	jsonw_int(w, "epoch", l->epoch);
	jsonw_int(w, "ttl_ms", l->ttl_ms);
	if (!l->has_session) {
		jsonw_null(w, "session");
	} else {
		jsonw_object(w, "session");
		jsonw_int(w, "version", l->session.version);
		jsonw_str(w, "fingerprint", l->session.fingerprint);
		jsonw_str_or_null(w, "url", l->session.url);
		jsonw_object_end(w);
	}
	jsonw_object_end(w);
}

enum err wire_answer_encode(const struct wire_answer *ans, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", ans->success);
	jsonw_str(&w, "node_id", ans->node_id);
	jsonw_array(&w, "pending_commands");
	for (size_t i = 0; i < ans->ncommands; i++)
		write_command(&w, &ans->commands[i]);
	jsonw_array_end(&w);
	jsonw_str(&w, "message", ans->message ? ans->message : "");
	wire_write_seconds(&w, "heartbeat_interval",
			   ans->heartbeat_interval_ms);
	jsonw_bool(&w, "full_wanted", ans->full_wanted);
	jsonw_array(&w, "leases");
	for (size_t i = 0; i < ans->nleases; i++)
		write_lease(&w, &ans->leases[i]);
	jsonw_array_end(&w);
	jsonw_array(&w, "stop");
	for (size_t i = 0; i < ans->nstops; i++) {
		jsonw_object(&w, NULL);
		jsonw_str(&w, "account_id", ans->stops[i].account_id);
		jsonw_int(&w, "epoch", ans->stops[i].epoch);
		jsonw_str(&w, "reason", ans->stops[i].reason);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

static enum err read_command(const struct wire_reader *r, struct json obj,
			     struct wire_command *c)
{
	enum err rc;

	rc = wire_read_need(r, obj, "command_id", WIRE_ID_MAX, &c->command_id);
	if (rc)
		return rc;
	rc = wire_read_need(r, obj, "action", WIRE_ID_MAX, &c->action);
	if (rc)
		return rc;
	rc = wire_read_raw(r, json_get(obj, "params"), WIRE_PARAMS_MAX,
			   &c->params);
	if (rc)
		return err_set(r->ei, rc, "params of %s are too big",
			       c->command_id);
	if (!c->params)
		c->params = "{}";
	c->created_at = wire_read_time(obj, "created_at");
	return ERR_OK;
}

static enum err read_session(const struct wire_reader *r, struct json obj,
			     struct wire_lease *l)
{
	struct json v = json_get(obj, "session");
	enum err rc;

	if (!json_is_object(v))
		return ERR_OK;
	l->has_session = true;
	rc = json_need_int(v, "version", 0, INT64_MAX, &l->session.version,
			   r->ei);
	if (rc)
		return rc;
	rc = wire_read_need(r, v, "fingerprint", WIRE_NAME_MAX,
			    &l->session.fingerprint);
	if (rc)
		return rc;
	return wire_read_str(r, v, "url", WIRE_TEXT_MAX, &l->session.url);
}

static enum err read_lease(const struct wire_reader *r, struct json obj,
			   struct wire_lease *l)
{
	enum err rc;

	rc = wire_read_need(r, obj, "account_id", WIRE_ID_MAX, &l->account_id);
	if (rc)
		return rc;
	rc = json_need_int(obj, "epoch", 1, INT64_MAX, &l->epoch, r->ei);
	if (rc)
		return rc;
	rc = json_need_int(obj, "ttl_ms", 1, INT32_MAX, &l->ttl_ms, r->ei);
	if (rc)
		return rc;
	return read_session(r, obj, l);
}

static enum err read_commands(const struct wire_reader *r, struct json obj,
			      struct wire_answer *ans)
{
	struct wire_command *list;
	struct json_iter it;
	struct json v;
	size_t n, i = 0;
	enum err rc;

	rc = wire_read_list(r, obj, "pending_commands", WIRE_COMMANDS_MAX, &v,
			    &n);
	if (rc || !n)
		return rc;
	list = arena_array(r->arena, n, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (it = json_iter(v); json_next(&it); i++) {
		rc = read_command(r, it.val, &list[i]);
		if (rc)
			return err_wrap(r->ei, rc, "pending_commands[%zu]", i);
	}
	ans->commands = list;
	ans->ncommands = n;
	return ERR_OK;
}

static enum err read_leases(const struct wire_reader *r, struct json obj,
			    struct wire_answer *ans)
{
	struct wire_lease *list;
	struct json_iter it;
	struct json v;
	size_t n, i = 0;
	enum err rc;

	rc = wire_read_list(r, obj, "leases", WIRE_ACCOUNTS_MAX, &v, &n);
	if (rc || !n)
		return rc;
	list = arena_array(r->arena, n, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (it = json_iter(v); json_next(&it); i++) {
		rc = read_lease(r, it.val, &list[i]);
		if (rc)
			return err_wrap(r->ei, rc, "leases[%zu]", i);
	}
	ans->leases = list;
	ans->nleases = n;
	return ERR_OK;
}

static enum err read_stops(const struct wire_reader *r, struct json obj,
			   struct wire_answer *ans)
{
	struct wire_stop *list;
	struct json_iter it;
	struct json v;
	size_t n, i = 0;
	enum err rc;

	rc = wire_read_list(r, obj, "stop", WIRE_ACCOUNTS_MAX, &v, &n);
	if (rc || !n)
		return rc;
	list = arena_array(r->arena, n, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (it = json_iter(v); json_next(&it); i++) {
		rc = wire_read_need(r, it.val, "account_id", WIRE_ID_MAX,
				    &list[i].account_id);
		if (!rc)
			rc = json_need_int(it.val, "epoch", 0, INT64_MAX,
					   &list[i].epoch, r->ei);
		if (!rc)
			rc = wire_read_str(r, it.val, "reason", WIRE_TEXT_MAX,
					   &list[i].reason);
		if (rc)
			return err_wrap(r->ei, rc, "stop[%zu]", i);
		if (!list[i].reason)
			list[i].reason = "stopped";
	}
	ans->stops = list;
	ans->nstops = n;
	return ERR_OK;
}

enum err wire_answer_decode(const void *text, size_t len, struct arena *a,
			    struct wire_answer *ret, struct err_info *ei)
{
	const struct wire_reader r = { a, ei };
	struct wire_answer ans = { 0 };
	struct json_doc doc;
	struct json obj;
	enum err rc;

	rc = json_parse(&doc, text, len, WIRE_BODY_MAX, ei);
	if (rc)
		return rc;
	obj = json_root(&doc);
	ans.success = json_bool(json_get(obj, "success"), false);
	ans.full_wanted = json_bool(json_get(obj, "full_wanted"), false);
	rc = wire_read_need(&r, obj, "node_id", WIRE_ID_MAX, &ans.node_id);
	if (!rc)
		rc = wire_read_str(&r, obj, "message", WIRE_TEXT_MAX,
				   &ans.message);
	if (!rc)
		rc = wire_read_seconds(&r, obj, "heartbeat_interval",
				       &ans.heartbeat_interval_ms);
	if (!rc)
		rc = read_commands(&r, obj, &ans);
	if (!rc)
		rc = read_leases(&r, obj, &ans);
	if (!rc)
		rc = read_stops(&r, obj, &ans);
	json_free(&doc);
	if (!rc)
		*ret = ans;
	return rc;
}
