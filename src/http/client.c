/* SPDX-License-Identifier: MIT */
#include "http/client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/dlist.h"
#include "base/idtab.h"

#define MAX_REQUESTS_DEFAULT 1024
#define MAX_RESPONSE_DEFAULT (16U << 20)
#define CONNECT_TIMEOUT_US (10 * US_PER_SEC)
#define TIMEOUT_US (60 * US_PER_SEC)

struct transfer {
	struct dlist_node node;
	struct http_client *client;
	uint64_t id;
	CURL *easy;
	struct curl_slist *headers;
	struct buf response;
	client_fn fn;
	void *ctx;
	bool too_big;
	char error[CURL_ERROR_SIZE];
};

DLIST_DECLARE(transfers, transfer, node);

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct client_options o;
	struct idtab ids;
	struct transfers all;
	struct wheel_timer timer;
	struct loop_call reap;
	bool freeing;
};

static bool global_ready;

static void transfer_free(void *ptr)
{
	struct transfer *t = ptr;

	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	buf_deinit(&t->response);
	free(t);
}

/* Out of curl's and our tables; the memory goes at the end of the turn. */
static void transfer_drop(struct transfer *t)
{
	struct http_client *c = t->client;

	curl_multi_remove_handle(c->multi, t->easy);
	idtab_remove(&c->ids, t->id);
	transfers_remove(&c->all, t);
	loop_bury(c->loop, t, transfer_free);
}

static enum err map_error(const struct transfer *t, CURLcode code)
{
	if (t->too_big)
		return ERR_TOOBIG;
	switch (code) {
	case CURLE_OK:
		return ERR_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_COULDNT_CONNECT:
		return ERR_REFUSED;
	case CURLE_OUT_OF_MEMORY:
		return ERR_NOMEM;
	case CURLE_GOT_NOTHING:
		return ERR_EOF;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_PARTIAL_FILE:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_BAD_CONTENT_ENCODING:
		return ERR_PROTO;
	case CURLE_URL_MALFORMAT:
		return ERR_USAGE;
	default:
		return ERR_IO;
	}
}

static void set_error(struct client_response *r, const struct transfer *t,
		      CURLcode code)
{
	const char *text = t->error[0] ? t->error : curl_easy_strerror(code);
	char *url = NULL;

	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	if (t->too_big)
		text = "the answer is larger than allowed";
	else if (!code)
		text = "the answer has no status";
	r->rc = err_set(&r->ei, r->rc, "%.120s: %s", url ? url : "", text);
}

static const char *header(const struct transfer *t, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h))
		return "";
	return h->value;
}

static void report(struct transfer *t, CURLcode code)
{
	struct client_response r = { .rc = map_error(t, code),
				     .retry_after_s = -1,
				     .content_type = "",
				     .etag = "" };
	curl_off_t wait = 0;
	long status = 0;

	/* curl lets answers pass that are hardly HTTP */
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!r.rc && (status < 100 || status > 999))
		r.rc = ERR_PROTO;
	if (r.rc) {
		set_error(&r, t, code);
	} else {
		r.status = (int)status;
		r.content_type = header(t, "Content-Type");
		r.etag = header(t, "ETag");
		if (*header(t, "Retry-After")) {
			curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &wait);
			r.retry_after_s = wait;
		}
	}
	r.body = (const uint8_t *)buf_cstr(&t->response);
	r.body_len = buf_len(&t->response);
	if (!r.body) {
		r.body = (const uint8_t *)"";
		r.body_len = 0;
	}
	transfer_drop(t);
	t->fn(t->ctx, &r);
}

static void reap(void *ctx)
{
	struct http_client *c = ctx;
	struct transfer *t;
	CURLMsg *m;
	CURLcode code;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		report(t, code);
	}
}

/* curl's sockets and timer, carried by the loop. */

static void on_fd(void *ctx, int fd, unsigned int events)
{
	struct http_client *c = ctx;
	int mask = 0, running;

	if (events & LOOP_FD_READ)
		mask |= CURL_CSELECT_IN;
	if (events & LOOP_FD_WRITE)
		mask |= CURL_CSELECT_OUT;
	if (events & LOOP_FD_ERROR)
		mask |= CURL_CSELECT_ERR;
	curl_multi_socket_action(c->multi, fd, mask, &running);
	loop_defer(c->loop, &c->reap);
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	struct http_client *c = ctx;
	int running;

	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	loop_defer(c->loop, &c->reap);
}

static int on_curl_timer(CURLM *m, long ms, void *ctx)
{
	struct http_client *c = ctx;

	if (ms < 0)
		loop_cancel(c->loop, &c->timer);
	else
		loop_arm(c->loop, &c->timer, ms * US_PER_MS);
	return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx,
			  void *socketp)
{
	struct http_client *c = ctx;
	struct loop_fd *f = socketp;
	unsigned int events = 0;

	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(c->multi, fd, NULL);
		loop_fd_free(f);
		return 0;
	}
	if (!f) {
		if (loop_fd_new(c->loop, fd, on_fd, c, &f, NULL))
			return -1;
		curl_multi_assign(c->multi, fd, f);
	}
	if (what & CURL_POLL_IN)
		events |= LOOP_FD_READ;
	if (what & CURL_POLL_OUT)
		events |= LOOP_FD_WRITE;
	return loop_fd_set(f, events) ? -1 : 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	enum err rc = buf_append(&t->response, data, size * n);

	if (rc == ERR_TOOBIG)
		t->too_big = true;
	return rc ? 0 : size * n;
}

enum err client_new(struct loop *l, const struct client_options *o,
		    struct http_client **ret, struct err_info *ei)
{
	struct http_client *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(ei, ERR_NOMEM, "http client");
	if (!global_ready) {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		global_ready = true;
	}
	c->loop = l;
	if (o)
		c->o = *o;
	c->multi = curl_multi_init();
	if (!c->multi) {
		free(c);
		return err_set(ei, ERR_NOMEM, "http client");
	}
	idtab_init(&c->ids, c->o.max_requests ? c->o.max_requests
					      : MAX_REQUESTS_DEFAULT);
	transfers_init(&c->all);
	wheel_timer_init(&c->timer, on_timer, c);
	c->reap = (struct loop_call){ .fn = reap, .ctx = c };
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	*ret = c;
	return ERR_OK;
}

void client_free(struct http_client *c)
{
	struct client_response r = { .rc = ERR_CANCELED,
				     .body = (const uint8_t *)"",
				     .content_type = "",
				     .etag = "",
				     .retry_after_s = -1 };
	struct transfer *t;

	if (!c)
		return;
	r.rc = err_set(&r.ei, ERR_CANCELED, "the client is stopping");
	c->freeing = true;
	while ((t = transfers_first(&c->all))) {
		transfer_drop(t);
		t->fn(t->ctx, &r);
	}
	curl_multi_cleanup(c->multi);
	loop_cancel(c->loop, &c->timer);
	loop_undefer(c->loop, &c->reap);
	idtab_deinit(&c->ids);
	free(c);
}

static bool add_header(struct transfer *t, const char *line)
{
	struct curl_slist *more;

	/* A line break would begin another header. */
	if (strpbrk(line, "\r\n"))
		return false;
	more = curl_slist_append(t->headers, line);
	if (more)
		t->headers = more;
	return more;
}

static enum err set_headers(struct transfer *t, const struct client_request *r,
			    struct err_info *ei)
{
	const char *type =
		r->content_type ? r->content_type : "application/json";
	const char *const *h;
	struct buf line;
	bool ok = true;

	for (h = r->headers; h && *h && ok; h++)
		ok = add_header(t, *h);
	buf_init(&line, 8192);
	if (r->body && ok)
		ok = !buf_printf(&line, "Content-Type: %s", type) &&
		     buf_cstr(&line) && add_header(t, buf_cstr(&line));
	/* curl would wait a second for 100-continue on large bodies */
	ok = ok && add_header(t, "Expect:");
	buf_deinit(&line);
	if (!ok)
		return err_set(ei, ERR_USAGE,
			       "a request header is too long or malformed");
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return ERR_OK;
}

static void set_credentials(struct transfer *t, const struct client_request *r)
{
	if (r->bearer) {
		curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH,
				 (long)CURLAUTH_BEARER);
		curl_easy_setopt(t->easy, CURLOPT_XOAUTH2_BEARER, r->bearer);
	} else if (r->user) {
		curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH,
				 (long)CURLAUTH_BASIC);
		curl_easy_setopt(t->easy, CURLOPT_USERNAME, r->user);
		curl_easy_setopt(t->easy, CURLOPT_PASSWORD,
				 r->password ? r->password : "");
	}
}

static void set_body(struct transfer *t, const struct client_request *r)
{
	const char *method = r->method ? r->method : r->body ? "POST" : "GET";

	if (r->body) {
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)r->body_len);
		curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, r->body);
	} else if (!strcmp(method, "HEAD")) {
		curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
	} else if (!strcmp(method, "POST") || !strcmp(method, "PUT")) {
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, "");
	}
	curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_options(struct transfer *t, const struct client_request *r)
{
	const struct client_options *o = &t->client->o;
	int64_t connect_us = r->connect_timeout_us ? r->connect_timeout_us
						   : CONNECT_TIMEOUT_US;
	int64_t us = r->timeout_us ? r->timeout_us : TIMEOUT_US;
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(connect_us / US_PER_MS));
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(us / US_PER_MS));
	curl_easy_setopt(e, CURLOPT_USERAGENT,
			 o->user_agent ? o->user_agent : "tgfleet");
	if (o->ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, o->ca_file);
	if (o->source_address)
		curl_easy_setopt(e, CURLOPT_INTERFACE, o->source_address);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
}

static enum err transfer_new(struct http_client *c,
			     const struct client_request *r,
			     struct transfer **ret, struct err_info *ei)
{
	struct transfer *t = calloc(1, sizeof(*t));
	enum err rc;

	if (!t)
		return err_set(ei, ERR_NOMEM, "http request");
	t->client = c;
	buf_init(&t->response,
		 r->max_response ? r->max_response : MAX_RESPONSE_DEFAULT);
	t->easy = curl_easy_init();
	if (!t->easy) {
		transfer_free(t);
		return err_set(ei, ERR_NOMEM, "http request");
	}
	set_options(t, r);
	set_credentials(t, r);
	set_body(t, r);
	rc = set_headers(t, r, ei);
	if (rc) {
		transfer_free(t);
		return rc;
	}
	*ret = t;
	return ERR_OK;
}

enum err client_start(struct http_client *c, const struct client_request *r,
		      client_fn fn, void *ctx, uint64_t *ret_id,
		      struct err_info *ei)
{
	struct transfer *t = NULL;
	enum err rc;

	if (c->freeing)
		return err_set(ei, ERR_CANCELED, "the client is stopping");
	rc = transfer_new(c, r, &t, ei);
	if (rc)
		return rc;
	t->fn = fn;
	t->ctx = ctx;
	rc = idtab_add(&c->ids, t, &t->id);
	if (rc) {
		transfer_free(t);
		return err_set(ei, ERR_UNAVAILABLE, "too many http requests");
	}
	transfers_push(&c->all, t);
	if (curl_multi_add_handle(c->multi, t->easy)) {
		transfer_drop(t);
		return err_set(ei, ERR_NOMEM, "http request");
	}
	*ret_id = t->id;
	return ERR_OK;
}

void client_cancel(struct http_client *c, uint64_t id)
{
	struct transfer *t = idtab_get(&c->ids, id);

	if (t)
		transfer_drop(t);
}

struct sync {
	struct loop *loop;
	int *ret_status;
	struct buf *ret_body;
	struct err_info *ei;
	enum err rc;
	bool done;
};

static void on_sync(void *ctx, const struct client_response *r)
{
	struct sync *s = ctx;

	s->done = true;
	s->rc = r->rc;
	if (r->rc) {
		if (s->ei)
			*s->ei = r->ei;
		return;
	}
	*s->ret_status = r->status;
	s->rc = buf_append(s->ret_body, r->body, r->body_len);
	if (s->rc)
		s->rc = err_set(s->ei, s->rc, "answer of %zu bytes",
				r->body_len);
}

enum err client_sync(const struct client_request *r, int *ret_status,
		     struct buf *ret_body, struct err_info *ei)
{
	struct sync s = { .ret_status = ret_status,
			  .ret_body = ret_body,
			  .ei = ei };
	struct http_client *c = NULL;
	uint64_t id;
	enum err rc;

	rc = loop_new(&s.loop, NULL, ei);
	if (rc)
		return rc;
	rc = client_new(s.loop, NULL, &c, ei);
	if (!rc)
		rc = client_start(c, r, on_sync, &s, &id, ei);
	while (!rc && !s.done)
		loop_turn(s.loop, US_PER_SEC);
	client_free(c);
	loop_free(s.loop);
	return rc ? rc : s.rc;
}

const char *client_library_version(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}
