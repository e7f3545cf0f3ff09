/* SPDX-License-Identifier: MIT */
#include "wire/wire_enroll.h"

#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "wire/wire_int.h"

#define BODY_MAX 16384

enum err wire_enroll_encode(const struct wire_enroll *e, struct buf *out)
{
	char key[TEXT_B64_LEN(WIRE_PUBLIC_KEY_BYTES) + 1];
	struct jsonw w;

	text_b64(key, e->public_key, sizeof(e->public_key), TEXT_B64_STD);
	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "join_token", e->join_token);
	jsonw_str(&w, "node_name", e->node_name);
	jsonw_str(&w, "public_key", key);
	jsonw_str_or_null(&w, "version", e->version);
	jsonw_str_or_null(&w, "hostname", e->hostname);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

static enum err read_key(const struct wire_reader *r, struct json obj,
			 uint8_t key[static WIRE_PUBLIC_KEY_BYTES])
{
	const char *text = NULL;
	size_t len = 0;
	enum err rc;

	rc = json_need_str(obj, "public_key", WIRE_NAME_MAX, &text, r->ei);
	if (rc)
		return rc;
	if (text_unb64(key, WIRE_PUBLIC_KEY_BYTES, &len, text, strlen(text),
		       TEXT_B64_STD) ||
	    len != WIRE_PUBLIC_KEY_BYTES)
		return err_set(r->ei, ERR_INVALID,
			       "\"public_key\" must be %d bytes in base64",
			       WIRE_PUBLIC_KEY_BYTES);
	return ERR_OK;
}

static enum err read_enroll(const struct wire_reader *r, struct json obj,
			    struct wire_enroll *e)
{
	enum err rc;

	rc = wire_read_need(r, obj, "join_token", WIRE_NAME_MAX,
			    &e->join_token);
	if (rc)
		return rc;
	rc = wire_read_need(r, obj, "node_name", WIRE_ID_MAX, &e->node_name);
	if (rc)
		return rc;
	rc = read_key(r, obj, e->public_key);
	if (rc)
		return rc;
	rc = wire_read_str(r, obj, "version", WIRE_NAME_MAX, &e->version);
	if (rc)
		return rc;
	return wire_read_str(r, obj, "hostname", WIRE_TEXT_MAX, &e->hostname);
}

enum err wire_enroll_decode(const void *text, size_t len, struct arena *a,
			    struct wire_enroll *ret, struct err_info *ei)
{
	const struct wire_reader r = { a, ei };
	struct wire_enroll e = { 0 };
	struct json_doc doc;
	enum err rc;

	rc = json_parse(&doc, text, len, BODY_MAX, ei);
	if (rc)
		return rc;
	rc = read_enroll(&r, json_root(&doc), &e);
	json_free(&doc);
	if (!rc)
		*ret = e;
	return rc;
}

enum err wire_enrolled_encode(const struct wire_enrolled *e, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "node_id", e->node_id);
	jsonw_str(&w, "node_token", e->node_token);
	wire_write_seconds(&w, "heartbeat_interval", e->heartbeat_interval_ms);
	wire_write_seconds(&w, "lease_ttl", e->lease_ttl_ms);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

static enum err read_enrolled(const struct wire_reader *r, struct json obj,
			      struct wire_enrolled *e)
{
	enum err rc;

	rc = wire_read_need(r, obj, "node_id", WIRE_ID_MAX, &e->node_id);
	if (rc)
		return rc;
	rc = wire_read_need(r, obj, "node_token", WIRE_NAME_MAX,
			    &e->node_token);
	if (rc)
		return rc;
	rc = wire_read_seconds(r, obj, "heartbeat_interval",
			       &e->heartbeat_interval_ms);
	if (rc)
		return rc;
	return wire_read_seconds(r, obj, "lease_ttl", &e->lease_ttl_ms);
}

enum err wire_enrolled_decode(const void *text, size_t len, struct arena *a,
			      struct wire_enrolled *ret, struct err_info *ei)
{
	const struct wire_reader r = { a, ei };
	struct wire_enrolled e = { 0 };
	struct json_doc doc;
	enum err rc;

	rc = json_parse(&doc, text, len, BODY_MAX, ei);
	if (rc)
		return rc;
	rc = read_enrolled(&r, json_root(&doc), &e);
	json_free(&doc);
	if (!rc)
		*ret = e;
	return rc;
}
