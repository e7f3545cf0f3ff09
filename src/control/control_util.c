/* SPDX-License-Identifier: MIT */
/* Small things every resource needs. */
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/text.h"
#include "control/control_int.h"
#include "crypto/sha.h"

#define REPLY_MAX (32U << 20)
#define PASSWORD_MIN 8
#define PAGE_MAX 100
#define PAGE_DEFAULT 20

struct wall control_wall(const struct control *c)
{
	return clock_wall(loop_clock(c->loop));
}

struct mono control_mono(const struct control *c)
{
	return loop_now(c->loop);
}

void control_random_id(const char *prefix, size_t bytes, char *ret, size_t size)
{
	uint8_t raw[CONTROL_TOKEN_BYTES];
	char hex[2 * CONTROL_TOKEN_BYTES + 1];

	BUG_ON(bytes > sizeof(raw) || strlen(prefix) + 2 * bytes >= size);
	rnd_fill(rnd_system(), raw, bytes);
	text_hex(hex, raw, bytes);
	snprintf(ret, size, "%s%s", prefix, hex);
	secret_wipe(raw, sizeof(raw));
	secret_wipe(hex, sizeof(hex));
}

struct store_hash control_sum(const void *data, size_t len)
{
	struct store_hash h;

	sha_256(data, len, h.bytes);
	return h;
}

struct store_hash control_hash(const char *token)
{
	return control_sum(token, strlen(token));
}

void control_body_init(struct buf *b, struct jsonw *w)
{
	buf_init(b, REPLY_MAX);
	jsonw_init(w, b);
}

void control_reply(struct http_req *req, int status, struct buf *b,
		   struct jsonw *w)
{
	struct err_info ei = { 0 };
	enum err rc = jsonw_end(w);

	if (rc)
		http_reply_error(req, ERR_UNAVAILABLE, &ei);
	else
		http_reply_json(req, status, b);
	buf_deinit(b);
}

enum err control_reply_ok(struct http_req *req)
{
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

static enum err check_known(struct json obj, const char *const *names,
			    struct err_info *ei)
{
	if (!json_is_object(obj))
		return err_set(ei, ERR_INVALID, "a JSON object is expected");
	for (struct json_iter it = json_iter(obj); json_next(&it);) {
		size_t i = 0;

		while (names[i] && strcmp(names[i], it.key) != 0)
			i++;
		if (!names[i])
			return err_set(ei, ERR_INVALID,
				       "\"%.40s\" cannot be given here",
				       it.key);
	}
	return ERR_OK;
}

enum err control_body(struct http_req *req, const char *const *names,
		      struct json *ret, struct err_info *ei)
{
	enum err rc = http_req_json(req, ret, ei);

	return rc ? rc : check_known(*ret, names, ei);
}

void control_list_init(struct buf *b, struct jsonw *w)
{
	control_body_init(b, w);
	jsonw_object(w, NULL);
	jsonw_array(w, "items");
}

enum err control_list_reply(struct http_req *req, int64_t total, struct buf *b,
			    struct jsonw *w)
{
	jsonw_array_end(w);
	jsonw_int(w, "total", total);
	jsonw_object_end(w);
	control_reply(req, 200, b, w);
	return ERR_OK;
}

enum err control_page(const struct http_req *req, unsigned int *ret_offset,
		      unsigned int *ret_limit, struct err_info *ei)
{
	int64_t page = 1, size = PAGE_DEFAULT;
	enum err rc;

	rc = http_req_query_int(req, "page", 1, 10000000, &page, ei);
	if (rc)
		return rc;
	rc = http_req_query_int(req, "page_size", 1, PAGE_MAX, &size, ei);
	if (rc)
		return rc;
	*ret_offset = (unsigned int)((page - 1) * size);
	*ret_limit = (unsigned int)size;
	return ERR_OK;
}

const char *control_remote(struct http_req *req)
{
	char text[ADDR_TEXT_MAX];

	addr_format_ip(http_req_peer(req), text);
	return arena_str(http_req_arena(req), text, strlen(text));
}

const char *control_body_text(struct http_req *req)
{
	size_t len;
	const uint8_t *body = http_req_body(req, &len);

	return len ? arena_str(http_req_arena(req), body, len) : NULL;
}

const struct principal *control_caller(const struct http_req *req)
{
	return http_req_user(req);
}

void control_write_hash(struct jsonw *w, const char *key,
			const struct store_hash *h)
{
	char hex[2 * sizeof(h->bytes) + 1];

	text_hex(hex, h->bytes, sizeof(h->bytes));
	jsonw_str(w, key, hex);
}

enum err control_account_id(const char *text, struct arena *a, const char **ret,
			    struct err_info *ei)
{
	char id[WIRE_ID_MAX + 1];
	enum err rc;

	rc = text_account_id(text, id, sizeof(id));
	if (rc)
		return err_set(ei, ERR_INVALID,
			       "\"%.64s\" is no account id: a phone number, a "
			       "name of letters, digits, _ . - or @name",
			       text);
	*ret = arena_str(a, id, strlen(id));
	return *ret ? ERR_OK : ERR_NOMEM;
}

enum err control_check_role(const char *role, struct err_info *ei)
{
	if (strcmp(role, "admin") != 0 && strcmp(role, "operator") != 0 &&
	    strcmp(role, "viewer") != 0)
		return err_set(ei, ERR_INVALID,
			       "role is admin, operator or viewer");
	return ERR_OK;
}

enum err control_check_password(const char *password, struct err_info *ei)
{
	if (strlen(password) >= PASSWORD_MIN)
		return ERR_OK;
	return err_set(ei, ERR_INVALID,
		       "a password of at least %d characters is needed",
		       PASSWORD_MIN);
}

void control_write_raw(struct jsonw *w, const char *key, const char *json)
{
	if (json)
		jsonw_raw(w, key, json, strlen(json));
	else
		jsonw_null(w, key);
}

enum err control_path_account(struct control *c, struct http_req *req,
			      struct store_account *ret, struct err_info *ei)
{
	const char *id;
	enum err rc;

	rc = control_account_id(http_req_param(req, "id"), http_req_arena(req),
				&id, ei);
	return rc ? rc
		  : c->store->ops->account_get(c->store, id,
					       http_req_arena(req), ret, ei);
}
