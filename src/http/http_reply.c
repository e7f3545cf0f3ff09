/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bug.h"
#include "base/metrics.h"
#include "http/http_int.h"

#define HEAD_MAX (HTTP_REPLY_HEADERS_MAX + 1024)

static const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].status == status)
			return table[i].text;
	return "Status";
}

/* RFC 9110 5.6.7: Sun, 06 Nov 1994 08:49:37 GMT */
static void format_date(struct wall w, char out[static 32])
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char iso[WALL_TEXT_MAX];
	size_t day = (size_t)(wall_sec(w) / 86400 % 7), month;

	wall_format(w, iso);
	month = (size_t)(iso[5] - '0') * 10 + (size_t)(iso[6] - '0');
	snprintf(out, 32, "%.3s, %.2s %.3s %.4s %.8s GMT", days + day * 3,
		 iso + 8, months + (month - 1) * 3, iso, iso + 11);
}

static bool token(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 127 || strchr("\"(),/:;<=>?@[\\]{}", *s))
			return false;
	return true;
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if ((uint8_t)*s < ' ' || *s == 127)
			return false;
	return true;
}

void http_reply_header(struct http_req *req, const char *name,
		       const char *value)
{
	if (!token(name) || !printable(value) ||
	    buf_printf(&req->reply_headers, "%s: %s\r\n", name, value))
		req->bad_reply = true;
	if (!strcasecmp(name, "cache-control"))
		req->has_cache_control = true;
}

static enum err write_head(struct http_req *req, int status, const char *type,
			   const char *framing, struct buf *out)
{
	char date[32];
	enum err rc;

	format_date(loop_wall(req->server->loop), date);
	rc = buf_printf(out,
			"HTTP/1.1 %d %s\r\nDate: %s\r\nX-Request-Id: %s\r\n"
			"X-Content-Type-Options: nosniff\r\n%s",
			status, status_text(status), date, req->request_id,
			framing);
	if (!rc && type)
		rc = buf_printf(out, "Content-Type: %s\r\n", type);
	if (!rc && !req->has_cache_control)
		rc = buf_append_str(out, "Cache-Control: no-store\r\n");
	if (!rc && buf_len(&req->reply_headers))
		rc = buf_append(out, buf_head(&req->reply_headers),
				buf_len(&req->reply_headers));
	if (!rc)
		rc = buf_append_str(out, "\r\n");
	return rc;
}

static void finish(struct http_req *req, int status, bool keep)
{
	struct http_conn *c = req->conn;
	struct http_server *s = req->server;

	req->status = status;
	metrics_add(METRIC_HTTP_REQUESTS, 1);
	if (s->o.done)
		s->o.done(req, status, mono_diff(loop_now(s->loop), req->began),
			  s->o.ctx);
	http_req_end(req);
	http_conn_answered(c, keep);
}

static bool may_keep(const struct http_req *req)
{
	const struct http_conn *c = req->conn;

	return req->complete && c->keep_alive && !req->server->draining &&
	       c->requests < req->server->o.limits.requests;
}

/* Sends head and body; what cannot be built ends the connection. */
static void send_now(struct http_req *req, int status, const char *type,
		     const void *body, size_t len)
{
	bool keep = may_keep(req), no_body = status == 204 || status == 304;
	struct http_conn *c = req->conn;
	struct loop *l = req->server->loop;
	char framing[80] = "";
	struct buf head;
	int n = 0;

	buf_init(&head, HEAD_MAX);
	if (!no_body)
		n = snprintf(framing, sizeof(framing),
			     "Content-Length: %zu\r\n", len);
	if (!keep)
		snprintf(framing + n, sizeof(framing) - (size_t)n,
			 "Connection: close\r\n");
	else if (req->http10)
		snprintf(framing + n, sizeof(framing) - (size_t)n,
			 "Connection: keep-alive\r\n");
	if (write_head(req, status, type, framing, &head) ||
	    link_send(l, c->link, buf_head(&head), buf_len(&head)) ||
	    (len && !req->head && !no_body && link_send(l, c->link, body, len)))
		keep = false;
	buf_deinit(&head);
	finish(req, status, keep);
}

/* What cannot be kept is an error without a body. */
static void keep_back(struct http_req *req, int status, const char *type,
		      const void *body, size_t len)
{
	BUG_ON(req->held);
	req->held = true;
	req->held_status = status;
	req->held_type =
		type ? arena_str(&req->arena, type, strlen(type)) : NULL;
	if ((!type || req->held_type) &&
	    !buf_append(&req->held_body, body, len))
		return;
	req->held_status = 503;
	req->held_type = NULL;
	buf_wipe(&req->held_body);
}

static void send_reply(struct http_req *req, int status, const char *type,
		       const void *body, size_t len)
{
	if (req->hold)
		keep_back(req, status, type, body, len);
	else
		send_now(req, status, type, body, len);
}

void http_reply_hold(struct http_req *req)
{
	BUG_ON(req->over || req->hold);
	req->hold = true;
}

bool http_reply_held(const struct http_req *req, int *ret_status,
		     const void **ret_body, size_t *ret_len)
{
	if (!req->held)
		return false;
	*ret_status = req->held_status;
	*ret_body = buf_head(&req->held_body);
	*ret_len = buf_len(&req->held_body);
	return true;
}

void http_reply_release(struct http_req *req)
{
	req->hold = false;
	if (!req->held)
		return;
	req->held = false;
	send_now(req, req->held_status, req->held_type,
		 buf_head(&req->held_body), buf_len(&req->held_body));
}

void http_reply_drop(struct http_req *req)
{
	req->hold = req->held = false;
	req->bad_reply = req->has_cache_control = false;
	buf_wipe(&req->held_body);
	buf_reset(&req->reply_headers);
}

static void bad_reply(struct http_req *req)
{
	buf_reset(&req->reply_headers);
	req->bad_reply = false;
	http_reply_refuse(req, 500, "internal",
			  "the answer could not be written");
}

void http_reply(struct http_req *req, int status, const char *content_type,
		const void *body, size_t len)
{
	BUG_ON(req->over);
	if (req->bad_reply || (content_type && !printable(content_type)))
		bad_reply(req);
	else
		send_reply(req, status, content_type, body, len);
}

void http_reply_json(struct http_req *req, int status, struct buf *body)
{
	http_reply(req, status, "application/json", buf_head(body),
		   buf_len(body));
	buf_reset(body);
	buf_drained(body);
}

void http_reply_empty(struct http_req *req, int status)
{
	http_reply(req, status, NULL, NULL, 0);
}

static void send_error(struct http_req *req, int status, const char *code,
		       const char *message, struct buf *details)
{
	struct jsonw w;
	struct buf b;

	buf_init(&b, 1U << 20);
	jsonw_init(&w, &b);
	jsonw_object(&w, NULL);
	jsonw_object(&w, "error");
	jsonw_str(&w, "code", code);
	jsonw_str(&w, "message", message);
	if (details && buf_len(details))
		jsonw_raw(&w, "details", (const char *)buf_head(details),
			  buf_len(details));
	else
		jsonw_raw(&w, "details", "{}", 2);
	jsonw_str(&w, "request_id", req->request_id);
	jsonw_object_end(&w);
	jsonw_object_end(&w);
	if (jsonw_end(&w))
		buf_reset(&b);
	send_reply(req, status, "application/json", buf_head(&b), buf_len(&b));
	buf_deinit(&b);
}

void http_reply_refuse(struct http_req *req, int status, const char *code,
		       const char *message)
{
	send_error(req, status, code, message, NULL);
}

void http_reply_error_details(struct http_req *req, enum err rc,
			      const struct err_info *ei, struct buf *details)
{
	const char *message = ei && ei->msg[0] ? ei->msg : err_text(rc);
	char seconds[24];

	BUG_ON(req->over);
	if (req->bad_reply) {
		bad_reply(req);
		return;
	}
	if (rc == ERR_FLOOD) {
		snprintf(seconds, sizeof(seconds), "%lld",
			 ei && ei->arg > 0 ? (long long)ei->arg : 1LL);
		http_reply_header(req, "Retry-After", seconds);
	}
	if (rc == ERR_UNAUTHORIZED)
		http_reply_header(req, "WWW-Authenticate", "Bearer");
	send_error(req, err_http_status(rc), err_code(rc), message, details);
}

void http_reply_error(struct http_req *req, enum err rc,
		      const struct err_info *ei)
{
	http_reply_error_details(req, rc, ei, NULL);
}

enum err http_sse_start(struct http_req *req)
{
	struct http_conn *c = req->conn;
	struct buf head;
	enum err rc;

	BUG_ON(req->over || c->phase == HTTP_STREAMING);
	buf_init(&head, HEAD_MAX);
	rc = write_head(req, 200, "text/event-stream",
			"Connection: close\r\nX-Accel-Buffering: no\r\n",
			&head);
	if (!rc)
		rc = link_send(req->server->loop, c->link, buf_head(&head),
			       buf_len(&head));
	buf_deinit(&head);
	c->phase = HTTP_STREAMING;
	return rc;
}

static enum err sse_lines(struct buf *b, const char *data, size_t len)
{
	enum err rc = ERR_OK;
	const char *nl;
	size_t n;

	do {
		nl = memchr(data, '\n', len);
		n = nl ? (size_t)(nl - data) : len;
		rc = buf_append_str(b, "data: ");
		if (!rc)
			rc = buf_append(b, data, n);
		if (!rc)
			rc = buf_append_byte(b, '\n');
		data += n + 1;
		len -= nl ? n + 1 : n;
	} while (!rc && nl);
	return rc;
}

enum err http_sse_send(struct http_req *req, const char *id, const char *event,
		       const char *data, size_t len)
{
	struct http_conn *c = req->conn;
	enum err rc = ERR_OK;
	struct buf b;

	BUG_ON(c->phase != HTTP_STREAMING);
	if ((id && !printable(id)) || (event && !printable(event)))
		return ERR_INVALID;
	buf_init(&b, 2 * len + 4096);
	if (id)
		rc = buf_printf(&b, "id: %s\n", id);
	if (!rc && event)
		rc = buf_printf(&b, "event: %s\n", event);
	if (!rc)
		rc = sse_lines(&b, data, len);
	if (!rc)
		rc = buf_append_byte(&b, '\n');
	if (!rc)
		rc = link_send(req->server->loop, c->link, buf_head(&b),
			       buf_len(&b));
	buf_deinit(&b);
	return rc;
}

enum err http_sse_raw(struct http_req *req, const void *text, size_t len)
{
	BUG_ON(req->conn->phase != HTTP_STREAMING);
	return link_send(req->server->loop, req->conn->link, text, len);
}

size_t http_sse_unsent(const struct http_req *req)
{
	return link_queued(req->server->loop, req->conn->link);
}

void http_sse_end(struct http_req *req)
{
	finish(req, 200, false);
}
