/* SPDX-License-Identifier: MIT */
/*
 * One connection of the server: bytes to requests, phases and their time-outs.
 *
 * The parser stops at the end of each request (HPE_PAUSED); what came behind it
 * waits in `ahead` until the answer is queued.  Only then the pump, a deferred
 * call, goes on: so an answer given inside a handler never re-enters the parser.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bug.h"
#include "base/metrics.h"
#include "http/http_int.h"

/* The whole body may take this many times the pause allowed in it. */
#define BODY_TIMES 20
#define QUEUED_ENOUGH 65536

static void refuse(struct http_conn *c, int status, const char *code,
		   const char *message)
{
	if (c->phase == HTTP_ENDING)
		return;
	if (!c->req)
		c->req = http_req_new(c);
	if (!c->req) {
		http_conn_abort(c, CLOSE_NOMEM);
		return;
	}
	c->req->complete = false; /* whatever follows cannot be trusted */
	metrics_add(METRIC_HTTP_REFUSED, 1);
	http_reply_refuse(c->req, status, code, message);
}

static void refuse_err(struct http_conn *c, enum err rc,
		       const struct err_info *ei)
{
	c->req->complete = false;
	metrics_add(METRIC_HTTP_REFUSED, 1);
	http_reply_error(c->req, rc, ei);
}

static void arm(struct http_conn *c, int64_t us)
{
	loop_arm(c->server->loop, &c->timer, us);
}

static void arm_body(struct http_conn *c)
{
	struct mono soon = mono_add(loop_now(c->server->loop),
				    c->server->o.limits.body_timeout_us);

	loop_arm_at(c->server->loop, &c->timer,
		    mono_min(soon, c->body_deadline));
}

/* --- parser callbacks --- */

static struct http_req *parser_req(llhttp_t *p)
{
	return ((struct http_conn *)p->data)->req;
}

static int on_begin(llhttp_t *p)
{
	struct http_conn *c = p->data;

	BUG_ON(c->req);
	c->req = http_req_new(c);
	if (!c->req) {
		http_conn_abort(c, CLOSE_NOMEM);
		return -1;
	}
	c->requests++;
	c->phase = HTTP_HEADERS;
	arm(c, c->server->o.limits.header_timeout_us);
	return 0;
}

static int stop(struct http_conn *c, int status, const char *code,
		const char *message)
{
	refuse(c, status, code, message);
	return -1;
}

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	if (buf_append(&parser_req(p)->url, at, len))
		return stop(p->data, 414, "url_too_long",
			    "the request target is too long");
	return 0;
}

static int head_piece(llhttp_t *p, struct buf *b, const char *at, size_t len)
{
	struct http_req *req = parser_req(p);

	req->header_bytes += len;
	if (req->header_bytes > req->server->o.limits.header_bytes ||
	    buf_append(b, at, len))
		return stop(p->data, 431, "headers_too_big",
			    "the headers are too big");
	return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t len)
{
	return head_piece(p, &parser_req(p)->field, at, len);
}

static int on_value(llhttp_t *p, const char *at, size_t len)
{
	return head_piece(p, &parser_req(p)->value, at, len);
}

static char *lower(char *s)
{
	for (char *p = s; p && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 'a' - 'A');
	return s;
}

static bool single(const char *name)
{
	static const char *const names[] = { "host", "authorization",
					     "content-type", "if-match",
					     "idempotency-key" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* A name seen before: joined, or refused where two would be ambiguous. */
static int add_repeated(struct http_conn *c, struct http_header *h,
			const char *value)
{
	const char *sep = strcmp(h->name, "cookie") ? ", " : "; ";

	if (single(h->name))
		return stop(c, 400, "bad_syntax",
			    "a header that must be single is repeated");
	h->value = arena_printf(&c->req->arena, "%s%s%s", h->value, sep, value);
	if (!h->value)
		return stop(c, 503, "out_of_memory", "out of memory");
	return 0;
}

static int on_value_complete(llhttp_t *p)
{
	struct http_conn *c = p->data;
	struct http_req *req = c->req;
	char *name, *value;
	uint32_t i;

	name = arena_str(&req->arena, buf_head(&req->field),
			 buf_len(&req->field));
	value = arena_str(&req->arena, buf_head(&req->value),
			  buf_len(&req->value));
	if (!name || !value)
		return stop(c, 503, "out_of_memory", "out of memory");
	if (strlen(value) != buf_len(&req->value))
		return stop(c, 400, "bad_syntax", "NUL in a header");
	lower(name);
	buf_reset(&req->field);
	buf_reset(&req->value);
	for (i = 0; i < req->nheaders; i++)
		if (!strcmp(req->headers[i].name, name))
			return add_repeated(c, &req->headers[i], value);
	if (req->nheaders >= req->server->o.limits.header_count)
		return stop(c, 431, "headers_too_big", "too many headers");
	req->headers[req->nheaders++] = (struct http_header){ name, value };
	return 0;
}

static bool host_ok(const char *host)
{
	if (!*host)
		return false;
	for (; *host; host++)
		if (!((*host >= 'a' && *host <= 'z') ||
		      (*host >= 'A' && *host <= 'Z') ||
		      (*host >= '0' && *host <= '9') ||
		      strchr(".-_:[]", *host)))
			return false;
	return true;
}

static bool method_ok(uint8_t m)
{
	return m == HTTP_GET || m == HTTP_HEAD || m == HTTP_POST ||
	       m == HTTP_PUT || m == HTTP_PATCH || m == HTTP_DELETE ||
	       m == HTTP_OPTIONS;
}

/* What llhttp leaves to us; false when the request was refused. */
static bool check_head(struct http_conn *c, llhttp_t *p)
{
	const char *host = http_req_header(c->req, "host");
	const char *te = http_req_header(c->req, "transfer-encoding");
	const char *expect = http_req_header(c->req, "expect");

	if (p->http_major != 1 || p->http_minor > 1)
		refuse(c, 505, "bad_version", "only HTTP/1.1 is spoken here");
	else if (!method_ok(p->method))
		refuse(c, 501, "bad_method", "the method is not known here");
	else if (host ? !host_ok(host) : p->http_minor == 1)
		refuse(c, 400, "bad_syntax", "the Host header is not valid");
	else if (te && (p->http_minor == 0 || strcasecmp(te, "chunked") != 0))
		refuse(c, 400, "bad_syntax",
		       "only the transfer encoding \"chunked\" is known");
	else if (expect && strcasecmp(expect, "100-continue") != 0)
		refuse(c, 417, "bad_expectation",
		       "only 100-continue can be expected");
	else
		return true;
	return false;
}

/* Target, route, permission.  Refuses by itself. */
static bool admit(struct http_conn *c)
{
	char allow[ROUTER_ALLOW_MAX];
	struct http_req *req = c->req;
	struct http_server *s = c->server;
	struct err_info ei = { 0 };
	enum err rc;

	rc = http_req_parse_target(req, &ei);
	if (!rc) {
		const char *url = buf_cstr(&req->url);

		rc = router_find(s->o.router, req->method, url,
				 strcspn(url, "?"), &req->match, allow);
		if (rc == ERR_METHOD)
			http_reply_header(req, "Allow", allow);
		if (rc)
			rc = err_set(&ei, rc, "%s %.100s: %s", req->method,
				     req->path, err_text(rc));
	}
	if (!rc)
		rc = http_req_take_params(req, &ei);
	if (!rc && s->o.auth)
		rc = s->o.auth(req, s->o.ctx, &ei);
	else if (!rc && req->match.row->auth)
		rc = err_set(&ei, ERR_UNAUTHORIZED, "sign in first");
	if (rc && c->req == req)
		refuse_err(c, rc, &ei);
	return !rc && c->req == req;
}

static bool start_body(struct http_conn *c, llhttp_t *p)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_req *req = c->req;
	size_t max = req->match.row->max_body;
	bool chunked = p->flags & F_CHUNKED;

	if (!max)
		max = c->server->o.limits.body_bytes;
	req->has_body = chunked || p->content_length;
	req->body.max = max;
	c->phase = HTTP_BODY;
	if (!chunked && p->content_length > max) {
		refuse(c, 413, "too_big", "the body is too big");
		return false;
	}
	if (!req->has_body)
		return true;
	c->body_deadline =
		mono_add(loop_now(c->server->loop),
			 BODY_TIMES * c->server->o.limits.body_timeout_us);
	arm_body(c);
	if (http_req_header(req, "expect") && p->http_minor == 1)
		return !link_send(c->server->loop, c->link, go_on,
				  sizeof(go_on) - 1);
	return true;
}

static void run_handler(struct http_conn *c)
{
	const struct server_options *o = &c->server->o;
	struct http_req *req = c->req;
	struct err_info ei = { 0 };
	enum err rc;

	rc = o->run ? o->run(req, o->ctx, &ei)
		    : req->match.row->handler(req, o->ctx, &ei);
	if (rc && !req->over)
		http_reply_error(req, rc, &ei);
}

static int on_headers_complete(llhttp_t *p)
{
	struct http_conn *c = p->data;
	struct http_req *req = c->req;

	p->upgrade = 0; /* we speak nothing else; the offer is ignored */
	req->method = llhttp_method_name((llhttp_method_t)p->method);
	req->head = p->method == HTTP_HEAD;
	req->http10 = p->http_minor == 0;
	if (!check_head(c, p) || !admit(c) || !start_body(c, p))
		return -1;
	if (req->match.row->flags & ROUTER_STREAM)
		run_handler(c);
	return c->req == req ? 0 : -1;
}

static int feed_stream(struct http_conn *c, const void *data, size_t len,
		       bool last)
{
	struct http_req *req = c->req;
	struct err_info ei = { 0 };
	enum err rc;

	rc = req->stream_fn(req, req->stream_ctx, data, len, last, &ei);
	if (rc && !req->over)
		refuse_err(c, rc, &ei);
	return c->req == req ? 0 : -1;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	struct http_conn *c = p->data;
	struct http_req *req = c->req;
	enum err rc;

	arm_body(c);
	if (req->stream_fn) {
		req->streamed += len;
		if (req->streamed > req->body.max)
			return stop(c, 413, "too_big", "the body is too big");
		return feed_stream(c, at, len, false);
	}
	rc = buf_append(&req->body, at, len);
	if (rc == ERR_TOOBIG)
		return stop(c, 413, "too_big", "the body is too big");
	if (rc)
		return stop(c, 503, "out_of_memory", "out of memory");
	return 0;
}

static int on_complete(llhttp_t *p)
{
	struct http_conn *c = p->data;

	c->keep_alive = llhttp_should_keep_alive(p);
	c->req->complete = true;
	return HPE_PAUSED;
}

void http_conn_settings(llhttp_settings_t *st)
{
	llhttp_settings_init(st);
	st->on_message_begin = on_begin;
	st->on_url = on_url;
	st->on_header_field = on_field;
	st->on_header_value = on_value;
	st->on_header_value_complete = on_value_complete;
	st->on_headers_complete = on_headers_complete;
	st->on_body = on_body;
	st->on_message_complete = on_complete;
}

/* --- driving the parser --- */

static void dispatch(struct http_conn *c)
{
	struct http_req *req = c->req;

	c->phase = HTTP_WORKING;
	loop_cancel(c->server->loop, &c->timer);
	if (!(req->match.row->flags & ROUTER_STREAM)) {
		run_handler(c);
	} else if (req->stream_fn) {
		(void)feed_stream(c, NULL, 0, true);
	}
}

/* Keeps what belongs to later requests. */
static void keep_ahead(struct http_conn *c, const char *data, size_t len)
{
	if (!len || c->phase == HTTP_ENDING)
		return;
	if (buf_append(&c->ahead, data, len)) {
		http_conn_abort(c, CLOSE_NOMEM);
		return;
	}
	if (buf_len(&c->ahead) > HTTP_AHEAD_MAX && !c->ahead_paused) {
		c->ahead_paused = true;
		link_pause(c->server->loop, c->link);
	}
}

static bool busy(const struct http_conn *c)
{
	return c->phase == HTTP_WORKING || c->phase == HTTP_STREAMING ||
	       link_queued(c->server->loop, c->link) > QUEUED_ENOUGH;
}

static void parse_failed(struct http_conn *c, llhttp_errno_t e)
{
	char text[ERR_MSG_MAX];
	struct err_info ei = { 0 };
	const char *why = llhttp_get_error_reason(&c->parser);

	if (c->phase == HTTP_ENDING)
		return;
	if (e == HPE_INVALID_METHOD) {
		refuse(c, 501, "bad_method", "the method is not known here");
		return;
	}
	(void)err_set(&ei, ERR_SYNTAX, "not well-formed HTTP: %s",
		      why && *why ? why : llhttp_errno_name(e));
	memcpy(text, ei.msg, sizeof(text));
	refuse(c, 400, "bad_syntax", text);
}

/* Parses data; never re-entered. */
static void parse(struct http_conn *c, const char *data, size_t len)
{
	const char *rest;
	llhttp_errno_t e;

	BUG_ON(c->parsing);
	c->parsing = true;
	e = llhttp_execute(&c->parser, data, len);
	c->parsing = false;
	if (c->phase == HTTP_ENDING || e == HPE_OK)
		return;
	if (e != HPE_PAUSED) {
		parse_failed(c, e);
		return;
	}
	rest = llhttp_get_error_pos(&c->parser);
	llhttp_resume(&c->parser);
	keep_ahead(c, rest, len - (size_t)(rest - data));
	if (c->phase != HTTP_ENDING)
		dispatch(c);
}

static void pump(void *ctx)
{
	struct http_conn *c = ctx;
	uint8_t *data;
	size_t len;

	if (c->phase == HTTP_ENDING || busy(c))
		return;
	if (!buf_len(&c->ahead)) {
		buf_drained(&c->ahead);
		return;
	}
	buf_take(&c->ahead, &data, &len);
	parse(c, (const char *)data, len);
	free(data);
	if (c->phase != HTTP_ENDING && c->ahead_paused &&
	    buf_len(&c->ahead) <= HTTP_AHEAD_MAX) {
		c->ahead_paused = false;
		link_resume(c->server->loop, c->link);
	}
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct http_conn *c = ctx;

	if (c->phase == HTTP_ENDING)
		return;
	if (busy(c) || buf_len(&c->ahead)) {
		keep_ahead(c, (const char *)data, len);
		return;
	}
	parse(c, (const char *)data, len);
}

static void on_drain(void *ctx, uint64_t link)
{
	struct http_conn *c = ctx;

	loop_defer(c->server->loop, &c->pump);
}

/* --- life --- */

static void conn_destroy(void *ptr)
{
	struct http_conn *c = ptr;

	buf_deinit(&c->ahead);
	free(c);
}

void http_conn_free(struct http_conn *c)
{
	struct http_server *s = c->server;

	c->phase = HTTP_ENDING;
	loop_cancel(s->loop, &c->timer);
	loop_undefer(s->loop, &c->pump);
	if (c->req)
		http_req_end(c->req);
	http_conns_remove(&s->conns, c);
	metrics_add(METRIC_HTTP_CONNECTIONS, -1);
	loop_bury(s->loop, c, conn_destroy);
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	http_conn_free(ctx);
}

static const struct link_ops conn_ops = {
	.on_data = on_data,
	.on_drain = on_drain,
	.on_close = on_close,
};

void http_conn_abort(struct http_conn *c, enum close_reason reason)
{
	if (c->phase == HTTP_ENDING)
		return;
	c->phase = HTTP_ENDING;
	link_close(c->server->loop, c->link, reason);
}

void http_conn_answered(struct http_conn *c, bool keep_alive)
{
	struct loop *l = c->server->loop;

	if (c->phase == HTTP_ENDING)
		return;
	if (!keep_alive) {
		c->phase = HTTP_ENDING;
		c->queued_before = SIZE_MAX;
		buf_reset(&c->ahead);
		arm(c, c->server->o.limits.write_timeout_us);
		link_finish(l, c->link, CLOSE_LOCAL);
		return;
	}
	c->phase = HTTP_IDLE;
	c->queued_before = SIZE_MAX;
	arm(c, link_queued(l, c->link) > QUEUED_ENOUGH
		       ? c->server->o.limits.write_timeout_us
		       : c->server->o.limits.idle_timeout_us);
	loop_defer(l, &c->pump);
}

/* The client must take its answer, however slowly. */
static bool write_moves(struct http_conn *c)
{
	size_t queued = link_queued(c->server->loop, c->link);
	bool moves = queued && queued < c->queued_before;

	if (moves) {
		c->queued_before = queued;
		arm(c, c->server->o.limits.write_timeout_us);
	}
	return moves;
}

static void idle_timeout(struct http_conn *c)
{
	bool queued = link_queued(c->server->loop, c->link);

	if (!queued || !write_moves(c))
		http_conn_abort(c, queued ? CLOSE_TIMEOUT : CLOSE_IDLE);
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	struct http_conn *c = ctx;

	if (c->phase == HTTP_HEADERS)
		refuse(c, 408, "timeout", "the headers took too long");
	else if (c->phase == HTTP_BODY)
		refuse(c, 408, "timeout", "the body took too long");
	else if (c->phase == HTTP_IDLE)
		idle_timeout(c);
	else if (c->phase == HTTP_ENDING && !write_moves(c))
		link_close(c->server->loop, c->link, CLOSE_TIMEOUT);
}

void http_conn_accept(void *ctx, uint64_t link, const struct addr *peer)
{
	struct http_server *s = ctx;
	struct http_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return; /* nobody takes the link: it is closed */
	c->server = s;
	c->link = link;
	c->peer = *peer;
	llhttp_init(&c->parser, HTTP_REQUEST, &s->settings);
	c->parser.data = c;
	buf_init(&c->ahead, HTTP_AHEAD_MAX + 2 * 65536);
	wheel_timer_init(&c->timer, on_timer, c);
	c->pump = (struct loop_call){ .fn = pump, .ctx = c };
	http_conns_push(&s->conns, c);
	metrics_add(METRIC_HTTP_CONNECTIONS, 1);
	link_own(s->loop, link, &conn_ops, c);
	arm(c, s->o.limits.header_timeout_us);
}
