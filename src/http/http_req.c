/* SPDX-License-Identifier: MIT */
#include "http/http_req.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bug.h"
#include "base/rnd.h"
#include "base/text.h"
#include "http/http_int.h"
#include "http/urlcode.h"

#define QUERIES_MAX 64

struct http_req *http_req_new(struct http_conn *c)
{
	struct http_server *s = c->server;
	struct http_req *req = calloc(1, sizeof(*req));
	struct rnd *rnd = s->o.rnd ? s->o.rnd : rnd_system();
	uint8_t raw[8];

	if (!req)
		return NULL;
	if (idtab_add(&s->reqs, req, &req->id)) {
		free(req);
		return NULL;
	}
	req->server = s;
	req->conn = c;
	req->began = loop_now(s->loop);
	req->method = req->path = "";
	arena_init(&req->arena, HTTP_ARENA_MAX);
	buf_init(&req->url, s->o.limits.url_bytes);
	buf_init(&req->field, s->o.limits.header_bytes);
	buf_init(&req->value, s->o.limits.header_bytes);
	buf_init(&req->body, s->o.limits.body_bytes);
	buf_init(&req->reply_headers, HTTP_REPLY_HEADERS_MAX);
	buf_init(&req->held_body, BUF_MAX);
	rnd_fill(rnd, raw, sizeof(raw));
	text_hex(req->request_id, raw, sizeof(raw));
	s->pending++;
	return req;
}

static void req_destroy(void *ptr)
{
	struct http_req *req = ptr;

	if (req->has_json)
		json_free(&req->json);
	arena_deinit(&req->arena);
	buf_deinit(&req->url);
	buf_deinit(&req->field);
	buf_deinit(&req->value);
	buf_deinit(&req->body);
	buf_deinit(&req->reply_headers);
	buf_wipe(&req->held_body);
	free(req);
}

void http_req_end(struct http_req *req)
{
	struct http_server *s = req->server;

	if (req->over)
		return;
	req->over = true;
	idtab_remove(&s->reqs, req->id);
	s->pending--;
	if (req->close_fn)
		req->close_fn(req->close_ctx);
	req->conn->req = NULL;
	loop_bury(s->loop, req, req_destroy);
}

/* Splits the query into decoded pairs; all in the arena. */
static enum err parse_query(struct http_req *req, const char *text,
			    struct err_info *ei)
{
	size_t pos = 0, n, len = strlen(text);
	struct urlcode_pair pair;
	char *name, *value;

	req->query = text;
	if (!len)
		return ERR_OK;
	req->queries =
		arena_array(&req->arena, QUERIES_MAX, sizeof(*req->queries));
	if (!req->queries)
		return err_set(ei, ERR_NOMEM, "query");
	while (urlcode_next(text, len, &pos, &pair)) {
		if (req->nqueries == QUERIES_MAX)
			return err_set(ei, ERR_SYNTAX,
				       "more than %d query parameters",
				       QUERIES_MAX);
		name = arena_alloc(&req->arena, pair.name_len + 1);
		value = arena_alloc(&req->arena, pair.value_len + 1);
		if (!name || !value)
			return err_set(ei, ERR_NOMEM, "query");
		if (urlcode_decode(name, &n, pair.name, pair.name_len, true) ||
		    urlcode_decode(value, &n, pair.value, pair.value_len, true))
			return err_set(ei, ERR_SYNTAX,
				       "the query is not well encoded");
		req->queries[req->nqueries++] =
			(struct http_header){ name, value };
	}
	return ERR_OK;
}

enum err http_req_parse_target(struct http_req *req, struct err_info *ei)
{
	const char *url = buf_cstr(&req->url);
	size_t len, n;
	char *path;

	if (!url)
		return err_set(ei, ERR_NOMEM, "target");
	if (*url != '/')
		return err_set(ei, ERR_SYNTAX,
			       "the request target must begin with /");
	len = strcspn(url, "?");
	path = arena_alloc(&req->arena, len + 1);
	if (!path)
		return err_set(ei, ERR_NOMEM, "target");
	if (urlcode_decode(path, &n, url, len, false))
		return err_set(ei, ERR_SYNTAX, "the path is not well encoded");
	req->path = path;
	return parse_query(req, url[len] ? url + len + 1 : "", ei);
}

enum err http_req_take_params(struct http_req *req, struct err_info *ei)
{
	const struct router_param *p;
	size_t i, n;
	char *text;

	for (i = 0; i < req->match.nparams; i++) {
		p = &req->match.params[i];
		text = arena_alloc(&req->arena, p->value_len + 1);
		if (!text)
			return err_set(ei, ERR_NOMEM, "path");
		if (urlcode_decode(text, &n, p->value, p->value_len, false))
			return err_set(ei, ERR_SYNTAX,
				       "the path is not well encoded");
		req->params[i] = text;
	}
	return ERR_OK;
}

uint64_t http_req_id(const struct http_req *req)
{
	return req->id;
}

const char *http_req_request_id(const struct http_req *req)
{
	return req->request_id;
}

struct http_server *http_req_server(const struct http_req *req)
{
	return req->server;
}

struct loop *http_req_loop(const struct http_req *req)
{
	return req->server->loop;
}

const struct router_row *http_req_row(const struct http_req *req)
{
	return req->match.row;
}

const char *http_req_method(const struct http_req *req)
{
	return req->method;
}

const char *http_req_path(const struct http_req *req)
{
	return req->path;
}

const char *http_req_param(const struct http_req *req, const char *name)
{
	const struct router_param *p;
	size_t i;

	for (i = 0; i < req->match.nparams; i++) {
		p = &req->match.params[i];
		if (strlen(name) == p->name_len &&
		    !memcmp(name, p->name, p->name_len))
			return req->params[i];
	}
	BUG_ON(i == req->match.nparams);
	return NULL;
}

const char *http_req_query(const struct http_req *req, const char *name)
{
	size_t i;

	for (i = 0; i < req->nqueries; i++)
		if (!strcmp(req->queries[i].name, name))
			return req->queries[i].value;
	return NULL;
}

const char *http_req_header(const struct http_req *req, const char *name)
{
	uint32_t i;

	for (i = 0; i < req->nheaders; i++)
		if (!strcmp(req->headers[i].name, name))
			return req->headers[i].value;
	return NULL;
}

const struct addr *http_req_peer(const struct http_req *req)
{
	return &req->conn->peer;
}

const uint8_t *http_req_body(const struct http_req *req, size_t *ret_len)
{
	*ret_len = buf_len(&req->body);
	return *ret_len ? buf_head(&req->body) : (const uint8_t *)"";
}

const char *http_req_content_type(const struct http_req *req)
{
	const char *value = http_req_header(req, "content-type");
	struct arena *a = &((struct http_req *)(uintptr_t)req)->arena;
	char *text;
	size_t i;

	if (!value)
		return "";
	text = arena_str(a, value, strcspn(value, "; \t"));
	if (!text)
		return "";
	for (i = 0; text[i]; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] + 'a' - 'A');
	return text;
}

const char *http_req_cookie(struct http_req *req, const char *name)
{
	const char *p = http_req_header(req, "cookie");
	size_t len = strlen(name), n;

	while (p && *p) {
		p += strspn(p, "; \t");
		n = strcspn(p, ";");
		if (n > len && p[len] == '=' && !memcmp(p, name, len))
			return arena_str(&req->arena, p + len + 1, n - len - 1);
		p += n;
	}
	return NULL;
}

struct arena *http_req_arena(struct http_req *req)
{
	return &req->arena;
}

enum err http_req_json(struct http_req *req, struct json *ret,
		       struct err_info *ei)
{
	const char *type = http_req_content_type(req);
	size_t len;
	const uint8_t *body = http_req_body(req, &len);
	enum err rc;

	if (req->has_json) {
		*ret = json_root(&req->json);
		return ERR_OK;
	}
	if (len && strcmp(type, "application/json") != 0)
		return err_set(ei, ERR_MEDIA_TYPE,
			       "send the body as application/json");
	if (!len) {
		body = (const uint8_t *)"{}";
		len = 2;
	}
	rc = json_parse(&req->json, body, len, len, ei);
	if (rc)
		return err_wrap(ei, rc, "body");
	req->has_json = true;
	*ret = json_root(&req->json);
	return ERR_OK;
}

const char *http_req_form(struct http_req *req, const char *name)
{
	size_t len, pos = 0, n;
	const char *body = (const char *)http_req_body(req, &len);
	struct urlcode_pair pair;
	char *got, *value;

	if (strcmp(http_req_content_type(req),
		   "application/x-www-form-urlencoded") != 0)
		return NULL;
	while (urlcode_next(body, len, &pos, &pair)) {
		if (pair.name_len > 3 * strlen(name))
			continue;
		got = arena_alloc(&req->arena, pair.name_len + 1);
		if (!got)
			return NULL;
		if (urlcode_decode(got, &n, pair.name, pair.name_len, true) ||
		    strcmp(got, name) != 0)
			continue;
		value = arena_alloc(&req->arena, pair.value_len + 1);
		if (!value ||
		    urlcode_decode(value, &n, pair.value, pair.value_len, true))
			return NULL;
		return value;
	}
	return NULL;
}

enum err http_req_query_int(const struct http_req *req, const char *name,
			    int64_t min, int64_t max, int64_t *ret,
			    struct err_info *ei)
{
	const char *text = http_req_query(req, name);
	int64_t v;

	if (!text)
		return ERR_OK;
	if (text_i64(text, &v) || v < min || v > max)
		return err_set(ei, ERR_INVALID,
			       "%s must be a number from %lld to %lld", name,
			       (long long)min, (long long)max);
	*ret = v;
	return ERR_OK;
}

enum err http_req_query_wait(const struct http_req *req, int64_t max_us,
			     int64_t *ret_us, struct err_info *ei)
{
	const char *text = http_req_query(req, "wait");
	int64_t us;

	if (!text)
		return ERR_OK;
	if (text_duration_us(text, &us) || us < 0)
		return err_set(ei, ERR_INVALID,
			       "wait must be a time like 25s or 500ms");
	*ret_us = us < max_us ? us : max_us;
	return ERR_OK;
}

void http_req_set_user(struct http_req *req, void *user)
{
	req->user = user;
}

void *http_req_user(const struct http_req *req)
{
	return req->user;
}

void http_req_on_close(struct http_req *req, void (*fn)(void *ctx), void *ctx)
{
	req->close_fn = fn;
	req->close_ctx = ctx;
}

void http_req_stream(struct http_req *req, http_stream_fn fn, void *ctx)
{
	req->stream_fn = fn;
	req->stream_ctx = ctx;
}
