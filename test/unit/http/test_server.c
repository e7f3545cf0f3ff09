/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/server.h"
#include "http/urlcode.h"

/* A raw client: what it says and hears is bytes. */
struct peer {
	uint64_t link;
	bool open, closed;
	char got[65536];
	size_t len;
};

static struct loop *loop;
static struct http_server *srv;
static struct router router;
static uint64_t waiting; /* request id of the long poll */
static int abandoned, streams_closed, done_calls, last_status, auth_calls;
static size_t streamed;
static bool stream_last;

static void on_open(void *ctx, uint64_t link)
{
	((struct peer *)ctx)->open = true;
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct peer *p = ctx;
	size_t room = sizeof(p->got) - 1 - p->len;

	len = len < room ? len : room;
	memcpy(p->got + p->len, data, len);
	p->len += len;
	p->got[p->len] = 0;
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	((struct peer *)ctx)->closed = true;
}

static const struct link_ops peer_ops = {
	.on_open = on_open,
	.on_data = on_data,
	.on_close = on_close,
};

/* --- handlers --- */

static enum err hello(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct jsonw w;
	struct buf b;

	buf_init(&b, 4096);
	jsonw_init(&w, &b);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "name", http_req_param(req, "name"));
	jsonw_str_or_null(&w, "q", http_req_query(req, "q"));
	jsonw_str_or_null(&w, "x", http_req_header(req, "x-test"));
	jsonw_object_end(&w);
	assert_int_equal(jsonw_end(&w), ERR_OK);
	http_reply_json(req, 200, &b);
	buf_deinit(&b);
	return ERR_OK;
}

static enum err echo(struct http_req *req, void *ctx, struct err_info *ei)
{
	size_t len;
	const uint8_t *body = http_req_body(req, &len);

	http_reply(req, 200, "application/octet-stream", body, len);
	return ERR_OK;
}

static enum err fails(struct http_req *req, void *ctx, struct err_info *ei)
{
	ei->arg = 17;
	return err_set(ei, ERR_FLOOD, "slow \"down\"");
}

static void on_abandoned(void *ctx)
{
	abandoned++;
}

static enum err poll_wait(struct http_req *req, void *ctx, struct err_info *ei)
{
	waiting = http_req_id(req);
	http_req_on_close(req, on_abandoned, NULL);
	return ERR_OK;
}

static enum err piece(struct http_req *req, void *ctx, const uint8_t *data,
		      size_t len, bool last, struct err_info *ei)
{
	streamed += len;
	if (last) {
		stream_last = true;
		http_reply_empty(req, 204);
	}
	return ERR_OK;
}

static enum err upload(struct http_req *req, void *ctx, struct err_info *ei)
{
	http_req_stream(req, piece, NULL);
	return ERR_OK;
}

static void on_stream_closed(void *ctx)
{
	streams_closed++;
}

static enum err events(struct http_req *req, void *ctx, struct err_info *ei)
{
	waiting = http_req_id(req);
	http_req_on_close(req, on_stream_closed, NULL);
	return http_sse_start(req);
}

static enum err splitting(struct http_req *req, void *ctx, struct err_info *ei)
{
	http_reply_header(req, "X-Evil", http_req_query(req, "v"));
	http_reply_empty(req, 204);
	return ERR_OK;
}

static enum err big(struct http_req *req, void *ctx, struct err_info *ei)
{
	size_t n = 20000;
	char *x = malloc(n);

	memset(x, 'x', n);
	http_reply(req, 200, "text/plain", x, n);
	free(x);
	return ERR_OK;
}

static const struct router_row rows[] = {
	{ "GET", "/hello/{name}", 0, 0, 0, hello, "greets" },
	{ "POST", "/echo", 0, 0, 0, echo, "echoes" },
	{ "PUT", "/echo", 0, 0, 1000, echo, "echoes little" },
	{ "GET", "/fails", 0, 0, 0, fails, "fails" },
	{ "GET", "/wait", 0, 0, 0, poll_wait, "waits" },
	{ "POST", "/upload", 0, ROUTER_STREAM, 3000000, upload, "streams" },
	{ "GET", "/events", 0, 0, 0, events, "events" },
	{ "GET", "/split", 0, 0, 0, splitting, "header injection" },
	{ "GET", "/big", 0, 0, 0, big, "20 kB" },
	{ "POST", "/private", 1, 0, 0, echo, "needs a password" },
};

static enum err auth(struct http_req *req, void *ctx, struct err_info *ei)
{
	const char *h = http_req_header(req, "authorization");

	auth_calls++;
	if (!http_req_row(req)->auth)
		return ERR_OK;
	if (h && urlcode_bearer(h) && !strcmp(urlcode_bearer(h), "good"))
		return ERR_OK;
	return err_set(ei, ERR_UNAUTHORIZED, "no good token");
}

static void done(const struct http_req *req, int status, int64_t took_us,
		 void *ctx)
{
	done_calls++;
	last_status = status;
}

static void start(const struct server_limits *limits)
{
	struct server_options o = { .router = &router,
				    .auth = auth,
				    .done = done };

	assert_int_equal(addr_from_ip("127.0.0.1", 0, &o.at), ERR_OK);
	if (limits)
		o.limits = *limits;
	assert_int_equal(server_new(loop, &o, &srv, NULL), ERR_OK);
}

static int setup(void **state)
{
	waiting = 0;
	abandoned = streams_closed = done_calls = last_status = 0;
	auth_calls = 0;
	streamed = 0;
	stream_last = false;
	router_init(&router);
	assert_int_equal(router_add(&router, rows, ARRAY_LEN(rows), NULL),
			 ERR_OK);
	assert_int_equal(loop_new(&loop, NULL, NULL), ERR_OK);
	srv = NULL;
	return 0;
}

static int teardown(void **state)
{
	server_free(srv);
	loop_free(loop);
	router_deinit(&router);
	return 0;
}

#define UNTIL(cond)                                                            \
	do {                                                                   \
		for (int n_ = 0; n_ < 600 && !(cond); n_++)                    \
			loop_turn(loop, 10 * US_PER_MS);                       \
		assert_true(cond);                                             \
	} while (0)

static struct peer *dial(void)
{
	struct link_dial_options o = { 0 };
	struct peer *p = calloc(1, sizeof(*p));

	strcpy(o.to.host, "127.0.0.1");
	o.to.port = server_addr(srv).port;
	assert_int_equal(link_dial(loop, &o, &peer_ops, p, &p->link, NULL),
			 ERR_OK);
	UNTIL(p->open);
	return p;
}

static void hang_up(struct peer *p)
{
	link_close(loop, p->link, CLOSE_LOCAL);
	UNTIL(p->closed);
	free(p);
}

static void say_n(struct peer *p, const void *data, size_t len)
{
	assert_int_equal(link_send(loop, p->link, data, len), ERR_OK);
}

static void say(struct peer *p, const char *text)
{
	say_n(p, text, strlen(text));
}

static void clear(struct peer *p)
{
	p->len = 0;
	p->got[0] = 0;
}

#define HEARD(p, text) (strstr((p)->got, (text)) != NULL)

static size_t count(const char *hay, const char *needle)
{
	size_t n = 0;

	for (; (hay = strstr(hay, needle)); hay++)
		n++;
	return n;
}

static void test_get(void **state)
{
	struct peer *p;

	start(NULL);
	p = dial();
	say(p, "GET /hello/J%C3%BCrgen?q=a+b%26c&z HTTP/1.1\r\nHost: x\r\n"
	       "X-Test: 1\r\nx-test: 2\r\n\r\n");
	UNTIL(HEARD(p, "}"));
	assert_true(HEARD(p, "HTTP/1.1 200 OK\r\n"));
	assert_true(HEARD(p, "X-Request-Id: "));
	assert_true(HEARD(p, "Date: "));
	assert_true(HEARD(p, "Cache-Control: no-store\r\n"));
	assert_false(HEARD(p, "Connection: close"));
	assert_true(HEARD(p, "{\"name\":\"J\xc3\xbcrgen\",\"q\":\"a b&c\","
			     "\"x\":\"1, 2\"}"));
	assert_int_equal(last_status, 200);
	/* the connection is used again */
	clear(p);
	say(p, "HEAD /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(HEARD(p, "\r\n\r\n"));
	assert_true(HEARD(p, "Content-Length: 30\r\n"));
	assert_false(HEARD(p, "{"));
	hang_up(p);
}

static const struct {
	const char *what, *request, *status, *body;
} bad[] = {
	{ "bare LF", "GET /hello/x HTTP/1.1\nHost: x\n\n", "400",
	  "bad_syntax" },
	{ "two lengths",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
	  "Content-Length: 2\r\n\r\nab",
	  "400", "bad_syntax" },
	{ "same length twice",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
	  "Content-Length: 1\r\n\r\na",
	  "400", "bad_syntax" },
	{ "length and chunked",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
	  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  "400", "bad_syntax" },
	{ "chunked and length",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
	  "Content-Length: 1\r\n\r\n0\r\n\r\n",
	  "400", "bad_syntax" },
	{ "length list",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na",
	  "400", "bad_syntax" },
	{ "signed length",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
	  "400", "bad_syntax" },
	{ "huge length",
	  "POST /echo HTTP/1.1\r\nHost: x\r\n"
	  "Content-Length: 99999999999999999999\r\n\r\n",
	  "400", "bad_syntax" },
	{ "folded header",
	  "GET /hello/x HTTP/1.1\r\nHost: x\r\nX-Test: a\r\n b\r\n\r\n", "400",
	  "bad_syntax" },
	{ "space before colon", "GET /hello/x HTTP/1.1\r\nHost : x\r\n\r\n",
	  "400", "bad_syntax" },
	{ "bad chunk",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "zz\r\n",
	  "400", "bad_syntax" },
	{ "chunk without CRLF",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "1\r\nab\r\n0\r\n\r\n",
	  "400", "bad_syntax" },
	{ "other transfer encoding",
	  "POST /echo HTTP/1.1\r\nHost: x\r\n"
	  "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	  "400", "bad_syntax" },
	{ "chunked twice",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
	  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  "400", "bad_syntax" },
	{ "chunked in 1.0",
	  "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "0\r\n\r\n",
	  "400", "bad_syntax" },
	{ "no host", "GET /hello/x HTTP/1.1\r\n\r\n", "400", "Host" },
	{ "empty host", "GET /hello/x HTTP/1.1\r\nHost: \r\n\r\n", "400",
	  "Host" },
	{ "two hosts", "GET /hello/x HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
	  "400", "bad_syntax" },
	{ "bad host", "GET /hello/x HTTP/1.1\r\nHost: x/y\r\n\r\n", "400",
	  "Host" },
	{ "two tokens",
	  "GET /hello/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\n"
	  "Authorization: Bearer b\r\n\r\n",
	  "400", "bad_syntax" },
	{ "unknown method", "FROB /hello/x HTTP/1.1\r\nHost: x\r\n\r\n", "501",
	  "bad_method" },
	{ "foreign method", "PROPFIND /hello/x HTTP/1.1\r\nHost: x\r\n\r\n",
	  "501", "bad_method" },
	{ "connect", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "501",
	  "bad_method" },
	{ "absolute target", "GET http://x/hello/x HTTP/1.1\r\nHost: x\r\n\r\n",
	  "400", "target" },
	{ "version", "GET /hello/x HTTP/2.0\r\nHost: x\r\n\r\n", "505",
	  "bad_version" },
	{ "bad escape", "GET /hello/%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400",
	  "encoded" },
	{ "NUL in path", "GET /hello/%00 HTTP/1.1\r\nHost: x\r\n\r\n", "400",
	  "encoded" },
	{ "not UTF-8", "GET /hello/%ff HTTP/1.1\r\nHost: x\r\n\r\n", "400",
	  "encoded" },
	{ "expectation",
	  "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n"
	  "Content-Length: 1\r\n\r\n",
	  "417", "expect" },
	{ "not HTTP", "\x16\x03\x01\x02\x01\x01", "501", "bad_method" },
};

static void test_malformed(void **state)
{
	char want[32];
	struct peer *p;

	start(NULL);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		p = dial();
		say(p, bad[i].request);
		for (int n = 0; n < 600 && !p->closed; n++)
			loop_turn(loop, 10 * US_PER_MS);
		snprintf(want, sizeof(want), "HTTP/1.1 %s ", bad[i].status);
		if (!p->closed || !HEARD(p, want) || !HEARD(p, bad[i].body))
			fail_msg("%s: %.300s", bad[i].what, p->got);
		assert_true(HEARD(p, "Connection: close\r\n"));
		assert_true(HEARD(p, "{\"error\":{\"code\":\""));
		assert_true(HEARD(p, "\"request_id\":\""));
		assert_int_equal(count(p->got, "X-Request-Id"), 1);
		free(p);
	}
	assert_int_equal(server_pending(srv), 0);
}

static void test_every_split_is_the_same(void **state)
{
	static const char req[] = "POST /echo?x=1 HTTP/1.1\r\nHost: x\r\n"
				  "Transfer-Encoding: chunked\r\n\r\n"
				  "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
	struct peer *p;

	start(NULL);
	p = dial();
	for (size_t i = 1; i < sizeof(req) - 1; i++) {
		clear(p);
		say_n(p, req, i);
		loop_turn(loop, 0);
		loop_turn(loop, 0);
		say(p, req + i);
		UNTIL(HEARD(p, "\r\n\r\nabcde"));
	}
	hang_up(p);
}

static void test_pipelined_in_order(void **state)
{
	struct peer *p;
	char *at;

	start(NULL);
	p = dial();
	say(p, "GET /hello/one HTTP/1.1\r\nHost: x\r\n\r\n"
	       "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
	       "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo"
	       "GET /hello/three HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(HEARD(p, "\"one\"") && waiting);
	for (int i = 0; i < 5; i++)
		loop_turn(loop, US_PER_MS);
	assert_false(HEARD(p, "two"));
	http_reply(server_req(srv, waiting), 200, "text/plain", "now", 3);
	assert_null(server_req(srv, waiting));
	UNTIL(HEARD(p, "\"three\""));
	at = strstr(p->got, "\"one\"");
	at = strstr(at, "now");
	assert_non_null(at);
	at = strstr(at, "two");
	assert_non_null(at);
	assert_non_null(strstr(at, "\"three\""));
	assert_int_equal(done_calls, 4);
	hang_up(p);
}

static void test_many_pipelined_with_big_answers(void **state)
{
	static const char req[] = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
	struct peer *p;

	start(NULL);
	p = dial();
	for (int i = 0; i < 500; i++)
		say(p, req);
	UNTIL(done_calls == 500);
	hang_up(p);
}

static void test_errors_are_json(void **state)
{
	struct peer *p;

	start(NULL);
	p = dial();
	say(p, "GET /fails HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(HEARD(p, "}}"));
	assert_true(HEARD(p, "HTTP/1.1 429 "));
	assert_true(HEARD(p, "Retry-After: 17\r\n"));
	assert_true(HEARD(p, "\"message\":\"slow \\\"down\\\"\""));
	clear(p);
	say(p, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(HEARD(p, "}}"));
	assert_true(HEARD(p, "HTTP/1.1 404 "));
	UNTIL(p->closed); /* refused before the body: nothing more is read */
	free(p);
	p = dial();
	say(p, "DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(p->closed);
	assert_true(HEARD(p, "HTTP/1.1 405 "));
	assert_true(HEARD(p, "Allow: POST, PUT\r\n"));
	free(p);
}

static void test_answer_headers_cannot_be_injected(void **state)
{
	struct peer *p;

	start(NULL);
	p = dial();
	say(p, "GET /split?v=a%0d%0aSet-Cookie:b HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(HEARD(p, "}}"));
	assert_true(HEARD(p, "HTTP/1.1 500 "));
	assert_false(HEARD(p, "Set-Cookie"));
	hang_up(p);
}

static void test_body_limits(void **state)
{
	static char data[70000];
	struct server_limits m = { .body_bytes = 50000 };
	struct peer *p;

	start(&m);
	memset(data, 'a', sizeof(data));
	p = dial();
	say(p, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 50001\r\n"
	       "\r\n");
	say_n(p, data, 50001);
	UNTIL(p->closed); /* the answer arrives in spite of the rest */
	assert_true(HEARD(p, "HTTP/1.1 413 "));
	free(p);
	p = dial();
	say(p, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n"
	       "\r\n");
	say_n(p, data, 50000);
	UNTIL(p->len > 50000);
	assert_true(HEARD(p, "HTTP/1.1 200 "));
	hang_up(p);
	/* a row's own limit, and the same for chunks */
	p = dial();
	say(p, "PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
	       "\r\n3e8\r\n");
	say_n(p, data, 1000);
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	assert_int_equal(p->len, 0);
	say(p, "\r\n1\r\na\r\n0\r\n\r\n");
	UNTIL(p->closed);
	assert_true(HEARD(p, "HTTP/1.1 413 "));
	free(p);
}

static void test_head_limits(void **state)
{
	static char big[9000];
	struct server_limits m = { .header_bytes = 4096,
				   .header_count = 10,
				   .url_bytes = 1000 };
	struct peer *p;

	start(&m);
	memset(big, 'a', sizeof(big) - 1);
	p = dial();
	say(p, "GET /hello/x HTTP/1.1\r\nHost: x\r\nX-Test: ");
	say(p, big);
	UNTIL(p->closed);
	assert_true(HEARD(p, "HTTP/1.1 431 "));
	free(p);
	p = dial();
	say(p, "GET /hello/");
	say(p, big);
	UNTIL(p->closed);
	assert_true(HEARD(p, "HTTP/1.1 414 "));
	free(p);
	p = dial();
	say(p, "GET /hello/x HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 11; i++) {
		char line[32];

		snprintf(line, sizeof(line), "A%d: b\r\n", i);
		say(p, line);
	}
	UNTIL(p->closed);
	assert_true(HEARD(p, "HTTP/1.1 431 "));
	free(p);
}

static void test_timeouts(void **state)
{
	struct server_limits m = { .header_timeout_us = 60 * US_PER_MS,
				   .body_timeout_us = 60 * US_PER_MS,
				   .idle_timeout_us = 60 * US_PER_MS };
	struct peer *p;

	start(&m);
	p = dial();
	UNTIL(p->closed); /* said nothing at all */
	assert_int_equal(p->len, 0);
	free(p);
	p = dial();
	say(p, "GET /hello/x HTTP/1.1\r\n");
	/* a header now and then does not buy time */
	for (int i = 0; i < 100 && !HEARD(p, "\r\n\r\n"); i++) {
		if (link_alive(loop, p->link))
			say(p, "A: b\r\n");
		loop_turn(loop, 10 * US_PER_MS);
	}
	UNTIL(p->closed);
	assert_true(HEARD(p, "HTTP/1.1 408 "));
	free(p);
	p = dial();
	say(p, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab");
	UNTIL(p->closed);
	assert_true(HEARD(p, "HTTP/1.1 408 "));
	free(p);
	p = dial();
	say(p, "GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(HEARD(p, "}"));
	UNTIL(p->closed);
	assert_int_equal(count(p->got, "HTTP/1.1"), 1);
	free(p);
}

static void test_long_poll(void **state)
{
	struct server_limits m = { .idle_timeout_us = 30 * US_PER_MS,
				   .header_timeout_us = 30 * US_PER_MS };
	struct peer *p;

	start(&m);
	p = dial();
	say(p, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(waiting);
	for (int i = 0; i < 10; i++)
		loop_turn(loop, 10 * US_PER_MS);
	assert_false(p->closed); /* waiting is not idling */
	http_reply(server_req(srv, waiting), 200, "text/plain", "woke", 4);
	assert_int_equal(abandoned, 1); /* the hook runs either way */
	UNTIL(HEARD(p, "woke"));
	hang_up(p);

	p = dial();
	waiting = 0;
	say(p, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(waiting);
	assert_int_equal(server_pending(srv), 1);
	hang_up(p);
	UNTIL(abandoned == 2);
	assert_null(server_req(srv, waiting));
	assert_int_equal(server_pending(srv), 0);
}

static void test_expect_and_auth_before_body(void **state)
{
	struct peer *p;

	start(NULL);
	p = dial();
	say(p, "POST /private HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
	       "Expect: 100-continue\r\nAuthorization: Bearer good\r\n\r\n");
	UNTIL(HEARD(p, "HTTP/1.1 100 Continue\r\n\r\n"));
	say(p, "hello");
	UNTIL(HEARD(p, "\r\n\r\nhello"));
	hang_up(p);
	p = dial();
	say(p, "POST /private HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
	       "Expect: 100-continue\r\nAuthorization: Bearer bad\r\n\r\n");
	UNTIL(p->closed);
	assert_false(HEARD(p, "100 Continue"));
	assert_true(HEARD(p, "HTTP/1.1 401 "));
	assert_true(HEARD(p, "WWW-Authenticate: Bearer"));
	free(p);
}

static void test_streamed_upload(void **state)
{
	size_t n = 2500000;
	char *data = calloc(1, n);
	struct peer *p;

	start(NULL);
	p = dial();
	say(p, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 2500000\r\n"
	       "\r\n");
	say_n(p, data, n);
	UNTIL(HEARD(p, "HTTP/1.1 204 "));
	assert_int_equal(streamed, n);
	assert_true(stream_last);
	/* the same connection goes on */
	clear(p);
	say(p, "GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(HEARD(p, "}"));
	hang_up(p);
	free(data);
}

static void test_events(void **state)
{
	struct peer *p;

	start(NULL);
	p = dial();
	say(p, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(HEARD(p, "text/event-stream"));
	assert_int_equal(
		http_sse_send(server_req(srv, waiting), "7", "node", "a\nb", 3),
		ERR_OK);
	UNTIL(HEARD(p, "id: 7\nevent: node\ndata: a\ndata: b\n\n"));
	assert_int_equal(
		http_sse_send(server_req(srv, waiting), "7\n8", NULL, "", 0),
		ERR_INVALID);
	hang_up(p);
	UNTIL(streams_closed == 1);
	assert_null(server_req(srv, waiting));
}

static void test_http10(void **state)
{
	struct peer *p;

	start(NULL);
	p = dial();
	say(p, "GET /hello/x HTTP/1.0\r\n\r\n");
	UNTIL(p->closed);
	assert_true(HEARD(p, "HTTP/1.1 200 OK"));
	assert_true(HEARD(p, "Connection: close"));
	free(p);
}

static void test_upgrade_is_ignored(void **state)
{
	struct peer *p;

	start(NULL);
	p = dial();
	say(p, "GET /hello/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
	       "Upgrade: h2c\r\n\r\n");
	UNTIL(HEARD(p, "HTTP/1.1 200 OK"));
	clear(p);
	say(p, "GET /hello/y HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(HEARD(p, "\"y\""));
	hang_up(p);
}

static void test_requests_per_connection(void **state)
{
	struct server_limits m = { .requests = 2 };
	struct peer *p;

	start(&m);
	p = dial();
	for (int i = 0; i < 3; i++)
		say(p, "GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(p->closed);
	assert_int_equal(count(p->got, "HTTP/1.1 200"), 2);
	assert_int_equal(count(p->got, "Connection: close"), 1);
	free(p);
}

static void test_drain(void **state)
{
	struct peer *idle, *busy;

	start(NULL);
	idle = dial();
	busy = dial();
	say(busy, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(waiting);
	server_drain(srv);
	UNTIL(idle->closed);
	assert_false(busy->closed);
	http_reply_empty(server_req(srv, waiting), 204);
	UNTIL(busy->closed);
	assert_true(HEARD(busy, "HTTP/1.1 204 "));
	free(idle);
	free(busy);
}

static void test_free_with_requests_waiting(void **state)
{
	struct peer *p;

	start(NULL);
	p = dial();
	say(p, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(waiting);
	server_free(srv);
	srv = NULL;
	assert_int_equal(abandoned, 1);
	UNTIL(p->closed);
	free(p);
}

static void test_connections_come_and_go(void **state)
{
	struct peer *p[100];

	start(NULL);
	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < ARRAY_LEN(p); i++)
			p[i] = dial();
		for (size_t i = 0; i < ARRAY_LEN(p); i++)
			say(p[i], i % 2 ? "GET /hello/x HTTP/1.1\r\nHost: x\r\n"
					  "\r\n"
					: "GET /wait HTTP/1.1\r\nHo");
		UNTIL(done_calls == (round + 1) * 50);
		for (size_t i = 0; i < ARRAY_LEN(p); i++)
			hang_up(p[i]);
	}
	assert_int_equal(server_pending(srv), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_get),
		T(test_malformed),
		T(test_every_split_is_the_same),
		T(test_pipelined_in_order),
		T(test_many_pipelined_with_big_answers),
		T(test_errors_are_json),
		T(test_answer_headers_cannot_be_injected),
		T(test_body_limits),
		T(test_head_limits),
		T(test_timeouts),
		T(test_long_poll),
		T(test_expect_and_auth_before_body),
		T(test_streamed_upload),
		T(test_events),
		T(test_http10),
		T(test_upgrade_is_ignored),
		T(test_requests_per_connection),
		T(test_drain),
		T(test_free_with_requests_waiting),
		T(test_connections_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
