/* SPDX-License-Identifier: MIT */
/*
 * The HTTP server behind a real socket: hostile bytes, cut at a random place,
 * must neither crash it nor make it answer anything but HTTP.
 */
#include <stdlib.h>
#include <string.h>

#include "http/server.h"

static struct loop *loop;
static struct http_server *srv;
static struct router router;
static bool is_open, is_closed, answered;

static enum err echo(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct json doc;
	size_t len;
	const uint8_t *body = http_req_body(req, &len);

	(void)http_req_cookie(req, "a");
	(void)http_req_form(req, "a");
	if (http_req_query(req, "json")) {
		enum err rc = http_req_json(req, &doc, ei);

		if (rc)
			return rc;
	}
	http_reply(req, 200, "text/plain", body, len);
	return ERR_OK;
}

static enum err piece(struct http_req *req, void *ctx, const uint8_t *data,
		      size_t len, bool last, struct err_info *ei)
{
	if (last)
		http_reply_empty(req, 204);
	return ERR_OK;
}

static enum err stream(struct http_req *req, void *ctx, struct err_info *ei)
{
	http_req_stream(req, piece, NULL);
	return ERR_OK;
}

static const struct router_row rows[] = {
	{ "GET", "/", 0, 0, 0, echo, "" },
	{ "POST", "/", 0, 0, 64, echo, "" },
	{ "POST", "/s", 0, ROUTER_STREAM, 64, stream, "" },
	{ "GET", "/a/{x}/b/{y}", 0, 0, 0, echo, "" },
};

static void on_open(void *ctx, uint64_t link)
{
	is_open = true;
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	if (!answered && len >= 9 && memcmp(data, "HTTP/1.1 ", 9) != 0)
		abort();
	answered = true;
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	is_closed = true;
}

static const struct link_ops ops = { on_open, on_data, NULL, on_close };

static void start(void)
{
	struct server_options o = { .router = &router };

	o.limits.header_bytes = 512;
	o.limits.header_count = 8;
	o.limits.url_bytes = 128;
	router_init(&router);
	if (router_add(&router, rows, ARRAY_LEN(rows), NULL) ||
	    loop_new(&loop, NULL, NULL) ||
	    addr_from_ip("127.0.0.1", 0, &o.at) ||
	    server_new(loop, &o, &srv, NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct link_dial_options o = { 0 };
	size_t cut;
	uint64_t id;

	if (!srv)
		start();
	if (!len)
		return 0;
	strcpy(o.to.host, "127.0.0.1");
	o.to.port = server_addr(srv).port;
	is_open = is_closed = answered = false;
	if (link_dial(loop, &o, &ops, NULL, &id, NULL))
		return 0;
	while (!is_open && !is_closed)
		loop_turn(loop, US_PER_SEC);
	cut = data[0] % len;
	(void)!link_send(loop, id, data + 1, cut);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	(void)!link_send(loop, id, data + 1 + cut, len - 1 - cut);
	for (int i = 0; i < 4; i++)
		loop_turn(loop, 0);
	link_close(loop, id, CLOSE_LOCAL);
	while (!is_closed)
		loop_turn(loop, US_PER_SEC);
	for (int i = 0; i < 50 && server_pending(srv); i++)
		loop_turn(loop, US_PER_MS);
	if (server_pending(srv))
		abort();
	return 0;
}
