/* SPDX-License-Identifier: MIT */
/*
 * HTTP client: libcurl's multi interface on the loop.
 *
 * Only http and https, no redirects, no proxies from the environment, no
 * cookies.  Connections are reused.  The callback runs exactly once per request
 * that started, never inside client_start(); not after client_cancel().
 *
 *   owner     whoever called client_new(); free it before its loop
 *   memory    a request: its body, and the answer up to max_response
 *   failure   rc of the answer: ERR_REFUSED, ERR_TIMEOUT, ERR_TOOBIG, ERR_IO,
 *             ERR_PROTO.  An HTTP status >= 400 is an answer, not an error.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/buf.h"
#include "net/loop.h"

struct http_client;
struct secret;

struct client_options {
	const char *user_agent;	    /* NULL: "tgfleet" */
	uint32_t max_requests;	    /* at a time; 0: 1024 */
	const char *ca_file;	    /* NULL: the system's */
	const char *source_address; /* NULL: any */
};

struct client_request {
	const char *method; /* NULL: GET, or POST when there is a body */
	const char *url;
	const char *const
		*headers;	  /* "Name: value", NULL-terminated, or NULL */
	const char *content_type; /* NULL with a body: application/json */
	const char *bearer;	  /* Authorization: Bearer, or NULL */
	const char *user, *password; /* Basic, or NULL */
	const void *body;	     /* copied */
	size_t body_len;
	size_t max_response;	    /* 0: 16 MiB */
	int64_t connect_timeout_us; /* 0: 10 s */
	int64_t timeout_us;	    /* whole request; 0: 60 s */
};

struct client_response {
	enum err rc; /* 0: there is an answer */
	struct err_info ei;
	int status;
	const uint8_t *body; /* NUL-terminated for convenience */
	size_t body_len;
	const char *content_type; /* "" if absent */
	const char *etag;	  /* "" if absent */
	int64_t retry_after_s;	  /* -1 if absent */
};

/* The response is borrowed for the call. */
typedef void (*client_fn)(void *ctx, const struct client_response *rsp);

enum err client_new(struct loop *l, const struct client_options *o,
		    struct http_client **ret, struct err_info *ei);
/* Requests under way get ERR_CANCELED.  Accepts NULL. */
void client_free(struct http_client *c);

enum err client_start(struct http_client *c, const struct client_request *r,
		      client_fn fn, void *ctx, uint64_t *ret_id,
		      struct err_info *ei);
/* fn does not run any more; a stale id is fine. */
void client_cancel(struct http_client *c, uint64_t id);

/* For the CLI: a loop of its own, returns when the answer is there.  *ret_body
 * must be buf_init()ed; an HTTP status >= 400 is not an error here either. */
enum err client_sync(const struct client_request *r, int *ret_status,
		     struct buf *ret_body, struct err_info *ei);

/* The linked library's own word for its version. */
const char *client_library_version(void);

#endif /* HTTP_CLIENT_H */
