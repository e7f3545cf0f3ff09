/* SPDX-License-Identifier: MIT */
/*
 * One request, as a handler sees it, and its answer.
 *
 * Exactly one answer per request.  Who answers later keeps http_req_id() and asks
 * server_req() for it: NULL means the client went away.  http_req_on_close() runs
 * when the request ends, answered or abandoned, so that waiting work can be
 * dropped.
 *
 *   owner     the server; gone after the answer was queued (do not touch it
 *             after http_reply_*()) or when the connection ends
 *   memory    its arena and body, bounded by the server's and the row's limits
 *   failure   the answer is always sent: what cannot be built becomes a 503
 */
#ifndef HTTP_HTTP_REQ_H
#define HTTP_HTTP_REQ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "http/router.h"
#include "net/addr.h"

struct loop;
struct http_server;

#define HTTP_REQUEST_ID_MAX 24

uint64_t http_req_id(const struct http_req *req);
const char *http_req_request_id(const struct http_req *req);
struct http_server *http_req_server(const struct http_req *req);
struct loop *http_req_loop(const struct http_req *req);
const struct router_row *http_req_row(const struct http_req *req);

const char *http_req_method(const struct http_req *req);
/* Decoded, without the query. */
const char *http_req_path(const struct http_req *req);
/* {name} of the row's pattern, percent-decoded; BUG if the pattern has none. */
const char *http_req_param(const struct http_req *req, const char *name);
/* First ?name=, decoded; NULL if absent.  A bare ?name is "". */
const char *http_req_query(const struct http_req *req, const char *name);
/* Name in lower case; repeated headers joined with ", "; NULL if absent. */
const char *http_req_header(const struct http_req *req, const char *name);
const struct addr *http_req_peer(const struct http_req *req);
/* Complete when the handler runs (except ROUTER_STREAM). */
const uint8_t *http_req_body(const struct http_req *req, size_t *ret_len);
/* The media type without parameters, lower case; "" if absent. */
const char *http_req_content_type(const struct http_req *req);
/* Value of cookie `name` in the request's arena; NULL if absent. */
const char *http_req_cookie(struct http_req *req, const char *name);
struct arena *http_req_arena(struct http_req *req);

/* The body as JSON: ERR_MEDIA_TYPE, ERR_SYNTAX; freed with the request.  An
 * empty body is an empty object. */
enum err http_req_json(struct http_req *req, struct json *ret,
		       struct err_info *ei);
/* First `name` of an application/x-www-form-urlencoded body; NULL if absent. */
const char *http_req_form(struct http_req *req, const char *name);
/* ?name= as an integer in [min, max]; absent leaves *ret. */
enum err http_req_query_int(const struct http_req *req, const char *name,
			    int64_t min, int64_t max, int64_t *ret,
			    struct err_info *ei);
/* ?wait=25s, at most max_us; absent leaves *ret_us. */
enum err http_req_query_wait(const struct http_req *req, int64_t max_us,
			     int64_t *ret_us, struct err_info *ei);

/* What the auth callback found out; borrowed or in the arena. */
void http_req_set_user(struct http_req *req, void *user);
void *http_req_user(const struct http_req *req);

/* Runs once when the request is over, however; one per request. */
void http_req_on_close(struct http_req *req, void (*fn)(void *ctx), void *ctx);

/* ROUTER_STREAM rows: pieces of the body, then one call with len 0 and last
 * set.  An error answers with it and closes. */
typedef enum err (*http_stream_fn)(struct http_req *req, void *ctx,
				   const uint8_t *data, size_t len, bool last,
				   struct err_info *ei);
void http_req_stream(struct http_req *req, http_stream_fn fn, void *ctx);

/* Adds a header to the answer; name and value are copied.  A value with
 * control characters is refused (the answer becomes a 500). */
void http_reply_header(struct http_req *req, const char *name,
		       const char *value);

/* The bytes of body are sent and the buf is left empty (deinit it still). */
void http_reply_json(struct http_req *req, int status, struct buf *body);
void http_reply(struct http_req *req, int status, const char *content_type,
		const void *body, size_t len);
/* 204, or any status without a body. */
void http_reply_empty(struct http_req *req, int status);
/*
 * {"error":{code,message,details,request_id}} with the table's status; the
 * message is ei->msg (else the table's text).  FLOOD sends Retry-After: ei->arg.
 */
void http_reply_error(struct http_req *req, enum err rc,
		      const struct err_info *ei);
/* details: an object already written, e.g. {"path":"accounts[3].epoch"}. */
void http_reply_error_details(struct http_req *req, enum err rc,
			      const struct err_info *ei, struct buf *details);

/*
 * Between hold and release an answer is kept back, and the request lives on: what
 * it tells must be true first.  Drop forgets the answer and its headers; then
 * another one may be given.
 */
void http_reply_hold(struct http_req *req);
void http_reply_release(struct http_req *req);
void http_reply_drop(struct http_req *req);
/* The answer kept back; false when there is none yet. */
bool http_reply_held(const struct http_req *req, int *ret_status,
		     const void **ret_body, size_t *ret_len);

/*
 * Server-sent events: the answer stays open until the client goes or
 * http_sse_end().  The request keeps its id.  ERR_TOOBIG: the client reads too
 * slowly and is being closed.
 */
enum err http_sse_start(struct http_req *req);
/* id and event may be NULL; data may have several lines. */
enum err http_sse_send(struct http_req *req, const char *id, const char *event,
		       const char *data, size_t len);
/* Of bytes already in that form, which many clients share. */
enum err http_sse_raw(struct http_req *req, const void *text, size_t len);
/* Bytes the client did not read yet. */
size_t http_sse_unsent(const struct http_req *req);
void http_sse_end(struct http_req *req);

#endif /* HTTP_HTTP_REQ_H */
