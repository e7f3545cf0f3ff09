/* SPDX-License-Identifier: MIT */
#include "control/account_json.h"

#include <stdio.h>

#include "control/routes.h"

/* Derived, so it can be neither lost nor left over. */
static void write_untested(struct jsonw *w, const struct store_account *acc)
{
	char text[512];

	routes_fault(&acc->route, text, sizeof(text));
	jsonw_object(w, "last_error");
	jsonw_str(w, "code", err_code(ERR_ROUTE_UNTESTED));
	jsonw_str(w, "message", text);
	jsonw_str(w, "advice", ROUTES_ADVICE);
	jsonw_object_end(w);
}

void account_json_fault(struct jsonw *w, const struct store_account *acc)
{
	if (!routes_ready(acc->route.version, acc->route.tested)) {
		write_untested(w, acc);
		return;
	}
	if (!acc->error_code) {
		jsonw_null(w, "last_error");
		return;
	}
	jsonw_object(w, "last_error");
	jsonw_str(w, "code", acc->error_code);
	jsonw_str_or_null(w, "message", acc->error_message);
	jsonw_str_or_null(w, "advice", acc->error_advice);
	jsonw_object_end(w);
}

static void write_session(struct jsonw *w, const struct store_account *acc)
{
	if (!acc->session_version) {
		jsonw_null(w, "session");
		return;
	}
	jsonw_object(w, "session");
	jsonw_int(w, "version", acc->session_version);
	control_write_hash(w, "fingerprint", &acc->session_fingerprint);
	jsonw_object_end(w);
}

static void write_operator(struct jsonw *w, const struct store_account *acc)
{
	jsonw_str_or_null(w, "node_id", acc->node_id);
	jsonw_str_or_null(w, "server_id", acc->node_id);
	jsonw_str_or_null(w, "pinned_node_id", acc->pinned_node);
	jsonw_bool(w, "enabled", acc->enabled);
	jsonw_str(w, "desired", acc->desired_online ? "online" : "offline");
	jsonw_str_or_null(w, "script_id", acc->script_id);
	jsonw_array(w, "tags");
	for (size_t i = 0; i < acc->n_tags; i++)
		jsonw_str(w, NULL, acc->tags[i]);
	jsonw_array_end(w);
	jsonw_int(w, "priority", acc->priority);
	jsonw_str_or_null(w, "attested_by", acc->attested_by);
	jsonw_time(w, "attested_at", acc->attested_at);
}

static void write_observed(struct jsonw *w, const struct store_account *acc)
{
	jsonw_str(w, "status", acc->status);
	jsonw_time(w, "status_since", acc->status_since);
	account_json_fault(w, acc);
	jsonw_time(w, "limited_until", acc->limited_until);
	jsonw_int(w, "message_count", acc->message_count);
	jsonw_int(w, "reply_count", acc->reply_count);
	jsonw_int(w, "messages_today", acc->messages_today);
	jsonw_int(w, "replies_today", acc->replies_today);
	jsonw_time(w, "last_activity", acc->last_activity);
	jsonw_str_or_null(w, "session_file", acc->session_file);
}

void account_json_write(struct jsonw *w, const char *key,
			const struct store_account *acc)
{
	jsonw_object(w, key);
	jsonw_str(w, "account_id", acc->account_id);
	jsonw_str_or_null(w, "phone", acc->phone);
	jsonw_str_or_null(w, "username", acc->username);
	jsonw_str_or_null(w, "display_name", acc->display_name);
	if (acc->user_id)
		jsonw_int(w, "user_id", acc->user_id);
	else
		jsonw_null(w, "user_id");
	jsonw_str(w, "source", acc->source);
	write_operator(w, acc);
	write_observed(w, acc);
	write_session(w, acc);
	routes_write(w, "route", &acc->route);
	jsonw_object(w, "lease");
	jsonw_int(w, "epoch", acc->lease_epoch);
	jsonw_str_or_null(w, "node_id", acc->lease_node);
	jsonw_object_end(w);
	jsonw_time(w, "created_at", acc->created);
	jsonw_time(w, "updated_at", acc->updated);
	jsonw_int(w, "version", acc->version);
	jsonw_object_end(w);
}

enum err account_json_reply(struct control *c, struct http_req *req, int status,
			    const char *account_id, struct err_info *ei)
{
	struct store_account acc;
	char etag[32];
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = c->store->ops->account_get(c->store, account_id,
					http_req_arena(req), &acc, ei);
	if (rc)
		return rc;
	snprintf(etag, sizeof(etag), "\"%lld\"", (long long)acc.version);
	http_reply_header(req, "ETag", etag);
	control_body_init(&b, &w);
	account_json_write(&w, NULL, &acc);
	control_reply(req, status, &b, &w);
	return ERR_OK;
}
