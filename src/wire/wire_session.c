/* SPDX-License-Identifier: MIT */
#include "wire/wire_session.h"

#include <string.h>

#include "base/text.h"
#include "wire/wire_int.h"

static enum err read_key(const struct wire_reader *r, struct json obj,
			 struct secret *ret)
{
	uint8_t key[WIRE_AUTH_KEY_BYTES];
	const char *text = NULL;
	size_t len = 0;
	enum err rc;

	rc = json_need_str(obj, "auth_key", TEXT_B64_LEN(sizeof(key)), &text,
			   r->ei);
	if (rc)
		return rc;
	rc = text_unb64(key, sizeof(key), &len, text, strlen(text),
			TEXT_B64_STD);
	if (rc || len != sizeof(key))
		rc = err_set(r->ei, ERR_INVALID,
			     "\"auth_key\" must be %d bytes in base64",
			     WIRE_AUTH_KEY_BYTES);
	else
		rc = secret_init(ret, key, len);
	secret_wipe(key, sizeof(key));
	return rc;
}

static enum err read_update_state(const struct wire_reader *r, struct json obj,
				  struct wire_session *s)
{
	struct json v = json_get(obj, "update_state");
	const struct {
		const char *key;
		int64_t *ret;
	} rows[] = {
		{ "pts", &s->pts },
		{ "qts", &s->qts },
		{ "date", &s->date },
		{ "seq", &s->seq },
	};
	enum err rc;

	if (!json_is_object(v))
		return ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rc = json_need_int(v, rows[i].key, 0, INT32_MAX, rows[i].ret,
				   r->ei);
		if (rc)
			return err_wrap(r->ei, rc, "update_state");
	}
	s->has_update_state = true;
	return ERR_OK;
}

static enum err read_peer(const struct wire_reader *r, struct json obj,
			  struct wire_peer *p)
{
	enum err rc;

	rc = json_need_int(obj, "id", 0, INT64_MAX, &p->id, r->ei);
	if (rc)
		return rc;
	rc = json_need_int(obj, "access_hash", INT64_MIN, INT64_MAX,
			   &p->access_hash, r->ei);
	if (rc)
		return rc;
	rc = wire_read_str(r, obj, "type", WIRE_ID_MAX, &p->type);
	if (rc)
		return rc;
	rc = wire_read_str(r, obj, "username", WIRE_NAME_MAX, &p->username);
	if (rc)
		return rc;
	rc = wire_read_str(r, obj, "phone", WIRE_ID_MAX, &p->phone);
	if (rc)
		return rc;
	return wire_read_str(r, obj, "name", WIRE_TEXT_MAX, &p->name);
}

static enum err read_peers(const struct wire_reader *r, struct json obj,
			   struct wire_session *s)
{
	struct wire_peer *list;
	struct json_iter it;
	struct json v;
	size_t n, i = 0;
	enum err rc;

	rc = wire_read_list(r, obj, "peers", WIRE_PEERS_MAX, &v, &n);
	if (rc || !n)
		return rc;
	list = arena_array(r->arena, n, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (it = json_iter(v); json_next(&it); i++) {
		rc = read_peer(r, it.val, &list[i]);
		if (rc)
			return err_wrap(r->ei, rc, "peers[%zu]", i);
	}
	s->peers = list;
	s->npeers = n;
	return ERR_OK;
}

static enum err read_numbers(const struct wire_reader *r, struct json obj,
			     struct wire_session *s)
{
	int64_t dc_id = 0, port = 443;
	enum err rc;

	rc = json_need_int(obj, "dc_id", 1, 10100, &dc_id, r->ei);
	if (rc)
		return rc;
	rc = json_want_int(obj, "port", 0, 65535, &port, r->ei);
	if (rc)
		return rc;
	rc = json_want_int(obj, "version", 0, INT64_MAX, &s->version, r->ei);
	if (rc)
		return rc;
	rc = json_want_int(obj, "user_id", 0, INT64_MAX, &s->user_id, r->ei);
	if (rc)
		return rc;
	rc = json_want_int(obj, "api_id", 0, INT32_MAX, &s->api_id, r->ei);
	if (rc)
		return rc;
	s->dc_id = (int)dc_id;
	s->port = (int)port;
	return ERR_OK;
}

static enum err read_session(const struct wire_reader *r, struct json obj,
			     struct wire_session *s)
{
	enum err rc;

	rc = wire_read_str(r, obj, "account_id", WIRE_ID_MAX, &s->account_id);
	if (rc)
		return rc;
	rc = wire_read_str(r, obj, "server_address", WIRE_TEXT_MAX,
			   &s->server_address);
	if (rc)
		return rc;
	rc = read_numbers(r, obj, s);
	if (rc)
		return rc;
	rc = json_want_bool(obj, "is_bot", &s->is_bot, r->ei);
	if (rc)
		return rc;
	rc = json_want_bool(obj, "test_mode", &s->test_mode, r->ei);
	if (rc)
		return rc;
	rc = read_update_state(r, obj, s);
	if (rc)
		return rc;
	rc = read_peers(r, obj, s);
	if (rc)
		return rc;
	return read_key(r, obj, &s->auth_key);
}

enum err wire_session_decode(const void *text, size_t len, struct arena *a,
			     struct wire_session *ret, struct err_info *ei)
{
	const struct wire_reader r = { a, ei };
	struct wire_session s = { 0 };
	struct json_doc doc;
	enum err rc;

	rc = json_parse(&doc, text, len, WIRE_SESSION_MAX, ei);
	if (rc)
		return rc;
	rc = read_session(&r, json_root(&doc), &s);
	json_free(&doc);
	if (rc)
		wire_session_deinit(&s);
	else
		*ret = s;
	return rc;
}

void wire_session_deinit(struct wire_session *s)
{
	secret_deinit(&s->auth_key);
	*s = (struct wire_session){ 0 };
}
