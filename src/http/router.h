/* SPDX-License-Identifier: MIT */
/*
 * Routes as a table.
 *
 * A row says who may come in (auth), how much they may bring (max_body), and who
 * answers.  Patterns are absolute paths whose segments are literals or {name};
 * a literal wins over a {name} at the first segment where two patterns differ.
 * The table is data: documentation and the test that every route refuses
 * strangers iterate over it.
 *
 *   owner     tables are static; a router borrows the rows
 *   memory    one sorted index, built once
 *   failure   router_init(): duplicate or malformed pattern
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "base/err.h"

struct http_req;

/*
 * Answer with http_reply_*() now, or keep http_req_id() and answer later.  A
 * returned error becomes the error reply, so `return err_set(ei, ...)` is all a
 * handler does about a bad request.
 */
typedef enum err (*router_fn)(struct http_req *req, void *ctx,
			      struct err_info *ei);

enum {
	/* The body comes in pieces to http_req_stream()'s callback; the handler
	 * runs when the header is complete and max_body still holds. */
	ROUTER_STREAM = 1U << 0,
	/* From here on the owner's own. */
	ROUTER_OWNER = 1U << 16,
};

struct router_row {
	const char *method; /* "GET"; HEAD is answered by GET's row */
	const char *path;   /* "/api/v1/workers/{node}/commands" */
	unsigned int auth;  /* the owner's classes; 0 is open to everybody */
	unsigned int flags; /* ROUTER_* */
	size_t max_body;    /* bytes; 0: no body wanted, server's default */
	router_fn handler;
	const char *summary; /* one line, for the reference */
};

#define ROUTER_PARAMS_MAX 4

struct router_param {
	const char *name; /* in the pattern, name_len bytes */
	size_t name_len;
	const char *value; /* in the path given, still percent-encoded */
	size_t value_len;
};

struct router_match {
	const struct router_row *row;
	size_t nparams;
	struct router_param params[ROUTER_PARAMS_MAX];
};

struct router {
	const struct router_row **rows; /* sorted by path, then method */
	size_t count, cap;
};

void router_init(struct router *r);
void router_deinit(struct router *r);
/* Several tables may be added; the rows must outlive the router. */
enum err router_add(struct router *r, const struct router_row *rows, size_t n,
		    struct err_info *ei);

/*
 * ERR_NOTFOUND, or ERR_METHOD with the methods there are ("GET, HEAD, POST") in
 * allow.  path[0, len) is without the query.
 */
#define ROUTER_ALLOW_MAX 80
enum err router_find(const struct router *r, const char *method,
		     const char *path, size_t len, struct router_match *ret,
		     char allow[static ROUTER_ALLOW_MAX]);

/* In table order by path; NULL at the end. */
const struct router_row *router_row_at(const struct router *r, size_t i);

#endif /* HTTP_ROUTER_H */
