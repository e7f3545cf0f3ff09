/* SPDX-License-Identifier: MIT */
#include "wire/wire_beat.h"

#include <string.h>

#include "base/text.h"

#include "wire/wire_int.h"

static void write_str(struct jsonw *w, const char *key, const char *text)
{
	if (text)
		jsonw_str(w, key, text);
}

static void write_raw(struct jsonw *w, const char *key, const char *json)
{
	if (json)
		jsonw_raw(w, key, json, strlen(json));
}

static void write_fault(struct jsonw *w, const struct wire_fault *f)
{
	if (!f->code)
		return;
	jsonw_object(w, "last_error");
	jsonw_str(w, "code", f->code);
	write_str(w, "message", f->message);
	write_str(w, "advice", f->advice);
	jsonw_object_end(w);
}

static void write_account(struct jsonw *w, const struct wire_account *acc)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "account_id", acc->account_id);
	jsonw_str(w, "status", wire_status_name(acc->status));
	write_str(w, "script_id", acc->script_id);
	jsonw_int(w, "message_count", acc->message_count);
	jsonw_int(w, "reply_count", acc->reply_count);
	wire_write_time(w, "last_activity", acc->last_activity);
	write_str(w, "session_file", acc->session_file);
	jsonw_array(w, "group_ids");
	for (size_t i = 0; i < acc->ngroup_ids; i++)
		jsonw_int(w, NULL, acc->group_ids[i]);
	jsonw_array_end(w);
	if (acc->epoch)
		jsonw_int(w, "epoch", acc->epoch);
	wire_write_time(w, "state_since", acc->state_since);
	write_fault(w, &acc->last_error);
	if (acc->user_id)
		jsonw_int(w, "user_id", acc->user_id);
	write_str(w, "username", acc->username);
	write_str(w, "phone", acc->phone);
	jsonw_object_end(w);
}

static void write_held(struct jsonw *w, const char *key,
		       const struct wire_held *held, size_t n)
{
	jsonw_array(w, key);
	for (size_t i = 0; i < n; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "account_id", held[i].account_id);
		jsonw_int(w, "epoch", held[i].epoch);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void write_results(struct jsonw *w, const struct wire_beat *b)
{
	jsonw_object(w, "command_responses");
	for (size_t i = 0; i < b->nresults; i++) {
		const struct wire_result *r = &b->results[i];

		jsonw_object(w, r->command_id);
		jsonw_bool(w, "success", r->success);
		write_raw(w, "data", r->data);
		jsonw_str_or_null(w, "error", r->error);
		jsonw_object_end(w);
	}
	jsonw_object_end(w);
}

enum err wire_beat_encode(const struct wire_beat *b, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	write_str(&w, "node_id", b->node_id);
	jsonw_str(&w, "status", b->status ? b->status : "online");
	jsonw_u64(&w, "account_count", b->nheld ? b->nheld : b->naccounts);
	jsonw_array(&w, "accounts");
	for (size_t i = 0; i < b->naccounts; i++)
		write_account(&w, &b->accounts[i]);
	jsonw_array_end(&w);
	write_raw(&w, "metadata", b->metadata);
	write_results(&w, b);
	write_str(&w, "version", b->version);
	write_str(&w, "boot_id", b->boot_id);
	jsonw_int(&w, "seq", b->seq);
	jsonw_bool(&w, "full", b->full);
	write_held(&w, "held", b->held, b->nheld);
	write_held(&w, "released", b->released, b->nreleased);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

/* Group ids are numbers; older clients write some as text. */
static enum err read_groups(const struct wire_reader *r, struct json obj,
			    struct wire_account *acc)
{
	struct json list;
	struct json_iter it;
	int64_t *ids;
	size_t n, i = 0;
	enum err rc;

	rc = wire_read_list(r, obj, "group_ids", WIRE_GROUPS_MAX, &list, &n);
	if (rc || !n)
		return rc;
	ids = arena_array(r->arena, n, sizeof(*ids));
	if (!ids)
		return ERR_NOMEM;
	for (it = json_iter(list); json_next(&it); i++) {
		if (json_is_int(it.val))
			ids[i] = json_int(it.val, 0);
		else if (!json_is_string(it.val) ||
			 text_i64(json_str(it.val, ""), &ids[i]))
			return err_set(r->ei, ERR_INVALID,
				       "\"group_ids\" must be whole numbers");
	}
	acc->group_ids = ids;
	acc->ngroup_ids = n;
	return ERR_OK;
}

static enum err read_fault(const struct wire_reader *r, struct json obj,
			   struct wire_fault *f)
{
	struct json v = json_get(obj, "last_error");
	enum err rc;

	if (!json_is_object(v))
		return ERR_OK;
	rc = wire_read_need(r, v, "code", WIRE_ID_MAX, &f->code);
	if (rc)
		return rc;
	rc = wire_read_str(r, v, "message", WIRE_TEXT_MAX, &f->message);
	if (rc)
		return rc;
	return wire_read_str(r, v, "advice", WIRE_TEXT_MAX, &f->advice);
}

static enum err read_names(const struct wire_reader *r, struct json obj,
			   struct wire_account *acc)
{
	const struct {
		const char *key, **ret;
		size_t max;
	} rows[] = {
		{ "script_id", &acc->script_id, WIRE_NAME_MAX },
		{ "session_file", &acc->session_file, WIRE_TEXT_MAX },
		{ "username", &acc->username, WIRE_NAME_MAX },
		{ "phone", &acc->phone, WIRE_ID_MAX },
	};
	enum err rc;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rc = wire_read_str(r, obj, rows[i].key, rows[i].max,
				   rows[i].ret);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err read_numbers(const struct wire_reader *r, struct json obj,
			     struct wire_account *acc)
{
	const struct {
		const char *key;
		int64_t *ret;
	} rows[] = {
		{ "message_count", &acc->message_count },
		{ "reply_count", &acc->reply_count },
		{ "epoch", &acc->epoch },
		{ "user_id", &acc->user_id },
	};
	enum err rc;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rc = json_want_int(obj, rows[i].key, 0, INT64_MAX, rows[i].ret,
				   r->ei);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err read_account(const struct wire_reader *r, struct json obj,
			     struct wire_account *acc)
{
	const char *status;
	enum err rc;

	if (!json_is_object(obj))
		return err_set(r->ei, ERR_INVALID, "must be an object");
	rc = wire_read_need(r, obj, "account_id", WIRE_ID_MAX,
			    &acc->account_id);
	if (rc)
		return rc;
	rc = wire_read_need(r, obj, "status", WIRE_ID_MAX, &status);
	if (rc)
		return rc;
	if (!wire_status_parse(status, &acc->status))
		return err_set(r->ei, ERR_INVALID,
			       "\"status\" %s is not known; online, offline "
			       "and error are",
			       status);
	rc = read_names(r, obj, acc);
	if (rc)
		return rc;
	rc = read_numbers(r, obj, acc);
	if (rc)
		return rc;
	acc->last_activity = wire_read_time(obj, "last_activity");
	acc->state_since = wire_read_time(obj, "state_since");
	rc = read_fault(r, obj, &acc->last_error);
	if (rc)
		return rc;
	return read_groups(r, obj, acc);
}

static enum err read_accounts(const struct wire_reader *r, struct json obj,
			      struct wire_beat *b)
{
	struct wire_account *list;
	struct json_iter it;
	struct json v;
	size_t i = 0;
	enum err rc;

	rc = wire_read_list(r, obj, "accounts", WIRE_ACCOUNTS_MAX, &v,
			    &b->naccounts);
	if (rc || !b->naccounts)
		return rc;
	list = arena_array(r->arena, b->naccounts, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (it = json_iter(v); json_next(&it); i++) {
		rc = read_account(r, it.val, &list[i]);
		if (rc)
			return err_wrap(r->ei, rc, "accounts[%zu]", i);
	}
	b->accounts = list;
	return ERR_OK;
}

static enum err read_held(const struct wire_reader *r, struct json obj,
			  const char *key, const struct wire_held **ret,
			  size_t *ret_n)
{
	struct wire_held *list;
	struct json_iter it;
	struct json v;
	size_t n, i = 0;
	enum err rc;

	rc = wire_read_list(r, obj, key, WIRE_ACCOUNTS_MAX, &v, &n);
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
		if (rc)
			return err_wrap(r->ei, rc, "%s[%zu]", key, i);
	}
	*ret = list;
	*ret_n = n;
	return ERR_OK;
}

static enum err read_result(const struct wire_reader *r,
			    const struct json_iter *it, struct wire_result *res)
{
	struct json error = json_get(it->val, "error");
	enum err rc;

	if (!it->key || !*it->key || strlen(it->key) > WIRE_ID_MAX)
		return err_set(r->ei, ERR_INVALID,
			       "\"command_responses\" has a bad command id");
	res->command_id = arena_str(r->arena, it->key, strlen(it->key));
	if (!res->command_id)
		return ERR_NOMEM;
	res->success = json_bool(json_get(it->val, "success"), false);
	rc = wire_read_raw(r, json_get(it->val, "data"), WIRE_PARAMS_MAX,
			   &res->data);
	if (rc)
		return err_set(r->ei, rc, "result of %s is too big",
			       res->command_id);
	if (json_is_string(error))
		return wire_read_str(r, it->val, "error", WIRE_PARAMS_MAX,
				     &res->error);
	return wire_read_raw(r, error, WIRE_PARAMS_MAX, &res->error);
}

static enum err read_results(const struct wire_reader *r, struct json obj,
			     struct wire_beat *b)
{
	struct json v = json_get(obj, "command_responses");
	struct wire_result *list;
	struct json_iter it;
	size_t i = 0;
	enum err rc;

	if (!json_is_object(v) || !json_len(v))
		return ERR_OK;
	if (json_len(v) > WIRE_COMMANDS_MAX)
		return err_set(r->ei, ERR_TOOBIG,
			       "\"command_responses\" has %zu, the most is %d",
			       json_len(v), WIRE_COMMANDS_MAX);
	list = arena_array(r->arena, json_len(v), sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (it = json_iter(v); json_next(&it); i++) {
		rc = read_result(r, &it, &list[i]);
		if (rc)
			return rc;
	}
	b->results = list;
	b->nresults = i;
	return ERR_OK;
}

static enum err read_head(const struct wire_reader *r, struct json obj,
			  struct wire_beat *b)
{
	enum err rc;

	rc = wire_read_str(r, obj, "node_id", WIRE_ID_MAX, &b->node_id);
	if (rc)
		return rc;
	rc = wire_read_str(r, obj, "status", WIRE_ID_MAX, &b->status);
	if (rc)
		return rc;
	rc = wire_read_str(r, obj, "boot_id", WIRE_ID_MAX, &b->boot_id);
	if (rc)
		return rc;
	rc = wire_read_str(r, obj, "version", WIRE_NAME_MAX, &b->version);
	if (rc)
		return rc;
	rc = json_want_int(obj, "seq", 0, INT64_MAX, &b->seq, r->ei);
	if (rc)
		return rc;
	b->full = true; /* a plain client always tells everything */
	rc = json_want_bool(obj, "full", &b->full, r->ei);
	if (rc)
		return rc;
	b->plain = json_missing(json_get(obj, "held"));
	rc = wire_read_raw(r, json_get(obj, "metadata"), WIRE_PARAMS_MAX,
			   &b->metadata);
	return rc ? err_set(r->ei, rc, "\"metadata\" is too big") : ERR_OK;
}

enum err wire_beat_decode(const void *text, size_t len, struct arena *a,
			  struct wire_beat *ret, struct err_info *ei)
{
	const struct wire_reader r = { a, ei };
	struct wire_beat b = { 0 };
	struct json_doc doc;
	struct json obj;
	enum err rc;

	rc = json_parse(&doc, text, len, WIRE_BODY_MAX, ei);
	if (rc)
		return rc;
	obj = json_root(&doc);
	rc = json_is_object(obj)
		     ? read_head(&r, obj, &b)
		     : err_set(ei, ERR_INVALID, "a heartbeat is a JSON object");
	if (!rc)
		rc = read_accounts(&r, obj, &b);
	if (!rc)
		rc = read_held(&r, obj, "held", &b.held, &b.nheld);
	if (!rc)
		rc = read_held(&r, obj, "released", &b.released, &b.nreleased);
	if (!rc)
		rc = read_results(&r, obj, &b);
	json_free(&doc);
	if (!rc)
		*ret = b;
	return rc;
}
