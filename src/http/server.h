/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 server on the loop: llhttp, strict, every size and time bounded.
 *
 * Refused with a 4xx JSON error and a closed connection: what llhttp finds
 * malformed (bare LF, two Content-Lengths, Content-Length with
 * Transfer-Encoding, folded headers, bad chunks), a missing, repeated or
 * malformed Host, unknown methods, anything above a limit.  Requests of one
 * connection are answered in order, one at a time; pipelined ones wait unparsed.
 *
 * Order for a request: header complete -> router -> auth -> body -> handler.  So
 * a stranger's body is never read.
 *
 *   owner     main(); handlers see `struct http_req` only
 *   memory    an idle connection holds a parser (~500 bytes), no buffers
 *   threads   the loop's
 *   failure   server_new() names the address
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/http_req.h"
#include "http/router.h"
#include "net/listener.h"

struct rnd;

struct server_limits {		   /* 0: the default in brackets */
	size_t header_bytes;	   /* all headers of a request [32 KiB] */
	uint32_t header_count;	   /* [100] */
	size_t url_bytes;	   /* [8 KiB] */
	size_t body_bytes;	   /* rows without their own [1 MiB] */
	size_t send_bytes;	   /* unsent answer bytes [64 MiB] */
	uint32_t connections;	   /* [10000] */
	uint32_t per_address;	   /* [1000] */
	uint32_t requests;	   /* per connection, then close [10000] */
	int64_t header_timeout_us; /* first byte to last header [10 s] */
	int64_t body_timeout_us;   /* between two pieces of body [30 s] */
	int64_t idle_timeout_us;   /* between requests [75 s] */
	int64_t write_timeout_us;  /* answer not read by the client [60 s] */
};

/* Called before the body is read, for every row (auth 0 included).  Answer
 * ERR_UNAUTHORIZED / ERR_FORBIDDEN / ERR_FLOOD, or ERR_OK. */
typedef enum err (*server_auth_fn)(struct http_req *req, void *ctx,
				   struct err_info *ei);
/* Calls the row's handler, with what belongs around it. */
typedef enum err (*server_run_fn)(struct http_req *req, void *ctx,
				  struct err_info *ei);
/* After an answer: for access logs and metrics. */
typedef void (*server_done_fn)(const struct http_req *req, int status,
			       int64_t took_us, void *ctx);

struct server_options {
	struct addr at;
	const struct router *router; /* borrowed */
	void *ctx;		     /* for handlers, auth, done */
	server_auth_fn auth;	     /* NULL: only rows with auth 0 work */
	server_run_fn run;	     /* NULL: the handler alone */
	server_done_fn done;	     /* may be NULL */
	struct rnd *rnd;	     /* request ids; NULL: rnd_system() */
	struct server_limits limits;
};

enum err server_new(struct loop *l, const struct server_options *o,
		    struct http_server **ret, struct err_info *ei);
/* Closes all connections (http_req_on_close hooks run).  Accepts NULL. */
void server_free(struct http_server *s);
/* Stops accepting, closes idle connections; running requests finish. */
void server_drain(struct http_server *s);
struct addr server_addr(const struct http_server *s);
/* NULL: it was answered or its client went away. */
struct http_req *server_req(const struct http_server *s, uint64_t req_id);
/* Requests that have no answer yet. */
size_t server_pending(const struct http_server *s);

/* Of the HTTP parser, as it was compiled in. */
const char *server_library_version(void);

#endif /* HTTP_SERVER_H */
