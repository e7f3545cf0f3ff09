/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/client.h"
#include "http/server.h"

static struct loop *loop;
static struct http_server *srv;
static struct http_client *cl;
static struct router router;
static uint64_t waiting;
static int abandoned;

struct answer {
	int calls, status;
	enum err rc;
	char msg[ERR_MSG_MAX], body[512], type[64], etag[64];
	size_t len;
	int64_t retry_after;
};

static void on_answer(void *ctx, const struct client_response *r)
{
	struct answer *a = ctx;

	a->calls++;
	a->status = r->status;
	a->rc = r->rc;
	a->len = r->body_len;
	a->retry_after = r->retry_after_s;
	snprintf(a->msg, sizeof(a->msg), "%s", r->ei.msg);
	snprintf(a->body, sizeof(a->body), "%s", (const char *)r->body);
	snprintf(a->type, sizeof(a->type), "%s", r->content_type);
	snprintf(a->etag, sizeof(a->etag), "%s", r->etag);
}

/* Says what came in: method, credentials, type, length. */
static enum err mirror(struct http_req *req, void *ctx, struct err_info *ei)
{
	const char *auth = http_req_header(req, "authorization");
	const char *extra = http_req_header(req, "x-extra");
	char text[512];
	size_t len;

	http_req_body(req, &len);
	snprintf(text, sizeof(text), "%s %s [%s] %s %zu %s",
		 http_req_method(req), auth ? auth : "-",
		 http_req_content_type(req), extra ? extra : "-", len,
		 http_req_header(req, "expect") ? "expect" : "");
	http_reply_header(req, "ETag", "\"v1\"");
	http_reply(req, 200, "text/plain", text, strlen(text));
	return ERR_OK;
}

static enum err fails(struct http_req *req, void *ctx, struct err_info *ei)
{
	if (ei)
		ei->arg = 9;
	return err_set(ei, ERR_FLOOD, "slow down");
}

static enum err moved(struct http_req *req, void *ctx, struct err_info *ei)
{
	http_reply_header(req, "Location", "/mirror");
	http_reply_empty(req, 303);
	return ERR_OK;
}

static enum err large(struct http_req *req, void *ctx, struct err_info *ei)
{
	char *x = calloc(1, 100000);

	http_reply(req, 200, "text/plain", x, 100000);
	free(x);
	return ERR_OK;
}

static void on_abandoned(void *ctx)
{
	abandoned++;
}

static enum err waits(struct http_req *req, void *ctx, struct err_info *ei)
{
	waiting = http_req_id(req);
	http_req_on_close(req, on_abandoned, NULL);
	return ERR_OK;
}

static const struct router_row rows[] = {
	{ "GET", "/mirror", 0, 0, 0, mirror, "" },
	{ "POST", "/mirror", 0, 0, 8000000, mirror, "" },
	{ "DELETE", "/mirror", 0, 0, 0, mirror, "" },
	{ "GET", "/fails", 0, 0, 0, fails, "" },
	{ "GET", "/moved", 0, 0, 0, moved, "" },
	{ "GET", "/large", 0, 0, 0, large, "" },
	{ "GET", "/wait", 0, 0, 0, waits, "" },
};

static int setup(void **state)
{
	struct server_options o = { .router = &router };

	waiting = 0;
	abandoned = 0;
	router_init(&router);
	assert_int_equal(router_add(&router, rows, ARRAY_LEN(rows), NULL),
			 ERR_OK);
	assert_int_equal(loop_new(&loop, NULL, NULL), ERR_OK);
	assert_int_equal(addr_from_ip("127.0.0.1", 0, &o.at), ERR_OK);
	assert_int_equal(server_new(loop, &o, &srv, NULL), ERR_OK);
	assert_int_equal(client_new(loop, NULL, &cl, NULL), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	client_free(cl);
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

static char *url(const char *path)
{
	static char text[256];
	char at[ADDR_TEXT_MAX];
	struct addr a = server_addr(srv);

	addr_format(&a, at);
	snprintf(text, sizeof(text), "http://%s%s", at, path);
	return text;
}

static uint64_t start(struct client_request *r, struct answer *a)
{
	uint64_t id;

	*a = (struct answer){ 0 };
	assert_int_equal(client_start(cl, r, on_answer, a, &id, NULL), ERR_OK);
	assert_int_equal(a->calls, 0);
	return id;
}

static void ask(struct client_request *r, struct answer *a)
{
	start(r, a);
	UNTIL(a->calls);
	assert_int_equal(a->calls, 1);
}

static void test_requests(void **state)
{
	static const char *const extra[] = { "X-Extra: yes", NULL };
	struct client_request r = { .url = url("/mirror"), .headers = extra };
	struct answer a;

	ask(&r, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "GET - [] yes 0 ");
	assert_string_equal(a.type, "text/plain");
	assert_string_equal(a.etag, "\"v1\"");
	assert_int_equal(a.retry_after, -1);
	r.body = "{}";
	r.body_len = 2;
	r.bearer = "tok";
	r.headers = NULL;
	ask(&r, &a);
	assert_string_equal(a.body, "POST Bearer tok [application/json] - 2 ");
	r = (struct client_request){ .url = url("/mirror"),
				     .method = "DELETE",
				     .user = "n",
				     .password = "p" };
	ask(&r, &a);
	assert_string_equal(a.body, "DELETE Basic bjpw [] - 0 ");
	r = (struct client_request){ .url = url("/mirror"), .method = "POST" };
	ask(&r, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(strncmp(a.body, "POST - ", 7), 0);
}

static void test_large_body_without_waiting(void **state)
{
	size_t n = 6000000;
	char *data = calloc(1, n);
	struct client_request r = { .url = url("/mirror"),
				    .content_type = "application/octet-stream",
				    .body = data,
				    .body_len = n };
	struct answer a;

	ask(&r, &a);
	assert_string_equal(a.body,
			    "POST - [application/octet-stream] - 6000000 ");
	free(data);
}

static void test_status_is_an_answer(void **state)
{
	struct client_request r = { .url = url("/fails") };
	struct answer a;

	ask(&r, &a);
	assert_int_equal(a.rc, ERR_OK);
	assert_int_equal(a.status, 429);
	assert_int_equal(a.retry_after, 9);
	assert_non_null(strstr(a.body, "\"code\":\"rate_limited\""));
	r.url = url("/moved");
	ask(&r, &a);
	assert_int_equal(a.status, 303); /* not followed */
}

static void test_failures(void **state)
{
	struct client_request r = { .url = "http://127.0.0.1:1/" };
	struct answer a;

	ask(&r, &a);
	assert_int_equal(a.rc, ERR_REFUSED);
	assert_non_null(strstr(a.msg, "127.0.0.1:1"));
	r.url = "file:///etc/passwd";
	ask(&r, &a);
	assert_int_equal(a.rc, ERR_PROTO);
	assert_int_equal(a.len, 0);
	r = (struct client_request){ .url = url("/large"),
				     .max_response = 1000 };
	ask(&r, &a);
	assert_int_equal(a.rc, ERR_TOOBIG);
	r = (struct client_request){ .url = url("/wait"),
				     .timeout_us = 50 * US_PER_MS };
	ask(&r, &a);
	assert_int_equal(a.rc, ERR_TIMEOUT);
	UNTIL(abandoned == 1);
}

static void test_header_with_line_break_is_refused(void **state)
{
	static const char *const evil[] = { "X: a\r\nY: b", NULL };
	struct client_request r = { .url = url("/mirror"), .headers = evil };
	uint64_t id;

	assert_int_equal(client_start(cl, &r, on_answer, NULL, &id, NULL),
			 ERR_USAGE);
}

static void test_cancel(void **state)
{
	struct client_request r = { .url = url("/wait") };
	struct answer a;
	uint64_t id = start(&r, &a);

	UNTIL(waiting);
	client_cancel(cl, id);
	client_cancel(cl, id);
	UNTIL(abandoned == 1);
	assert_int_equal(a.calls, 0);
}

static void test_free_cancels(void **state)
{
	struct client_request r = { .url = url("/wait") };
	struct answer a;

	start(&r, &a);
	UNTIL(waiting);
	client_free(cl);
	cl = NULL;
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.rc, ERR_CANCELED);
}

static void test_connections_are_reused(void **state)
{
	struct client_request r = { .url = url("/mirror") };
	struct loop_stats st;
	struct answer a;

	for (int i = 0; i < 20; i++)
		ask(&r, &a);
	loop_get_stats(loop, &st);
	assert_int_equal(st.links_opened, 1);
}

static void test_many_at_once(void **state)
{
	static struct answer a[200];
	struct client_request r = { .url = url("/mirror") };
	size_t ok = 0;

	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		start(&r, &a[i]);
	for (int n = 0; n < 600 && ok < ARRAY_LEN(a); n++) {
		loop_turn(loop, 10 * US_PER_MS);
		ok = 0;
		for (size_t i = 0; i < ARRAY_LEN(a); i++)
			ok += a[i].calls == 1 && a[i].status == 200;
	}
	assert_int_equal(ok, ARRAY_LEN(a));
}

static void test_sync_without_server(void **state)
{
	struct client_request r = { .url = "http://127.0.0.1:1/" };
	struct err_info ei = { 0 };
	struct buf body;
	int status = -1;

	buf_init(&body, 1000);
	assert_int_equal(client_sync(&r, &status, &body, &ei), ERR_REFUSED);
	assert_int_equal(status, -1);
	assert_true(ei.msg[0]);
	buf_deinit(&body);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_requests),
		T(test_large_body_without_waiting),
		T(test_status_is_an_answer),
		T(test_failures),
		T(test_header_with_line_break_is_refused),
		T(test_cancel),
		T(test_free_cancels),
		T(test_connections_are_reused),
		T(test_many_at_once),
		T(test_sync_without_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
