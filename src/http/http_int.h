/* SPDX-License-Identifier: MIT */
/*
 * Inside the server: connections and requests.  Included by server.c and the
 * http_*.c files only.
 */
#ifndef HTTP_HTTP_INT_H
#define HTTP_HTTP_INT_H

#include <llhttp.h>

#include "base/dlist.h"
#include "base/idtab.h"
#include "http/server.h"
#include "net/loop.h"

#define HTTP_HEADERS_HARD_MAX 256
#define HTTP_REPLY_HEADERS_MAX 4096
#define HTTP_ARENA_MAX (16U << 20)
/* Bytes of following requests kept while one is answered. */
#define HTTP_AHEAD_MAX 65536

struct http_header {
	const char *name; /* lower case */
	const char *value;
};

enum http_phase {
	HTTP_IDLE,    /* nothing of a request yet */
	HTTP_HEADERS, /* reading the head */
	HTTP_BODY,
	HTTP_WORKING,	/* the handler has it */
	HTTP_STREAMING, /* server-sent events */
	HTTP_ENDING,	/* answered, the link is finishing */
};

struct http_conn {
	struct dlist_node node;
	struct http_server *server;
	uint64_t link;
	struct addr peer;
	llhttp_t parser;
	enum http_phase phase;
	struct http_req *req;
	struct buf ahead;
	struct wheel_timer timer;
	struct loop_call pump;
	size_t queued_before; /* at the last write check */
	struct mono body_deadline;
	uint32_t requests;
	bool keep_alive, ahead_paused, parsing;
};

DLIST_DECLARE(http_conns, http_conn, node);

struct http_server {
	struct loop *loop;
	struct server_options o;
	struct listener *listener;
	struct addr at;
	llhttp_settings_t settings;
	struct idtab reqs;
	struct http_conns conns;
	size_t pending;
	bool draining;
};

struct http_req {
	struct http_server *server;
	struct http_conn *conn; /* NULL once over */
	uint64_t id;
	struct arena arena;
	struct buf url, field, value, body, reply_headers;
	struct http_header headers[HTTP_HEADERS_HARD_MAX];
	uint32_t nheaders;
	size_t header_bytes, streamed;
	const char *method, *path, *query;
	struct router_match match;
	const char *params[ROUTER_PARAMS_MAX];
	struct http_header *queries;
	size_t nqueries;
	char request_id[HTTP_REQUEST_ID_MAX];
	struct mono began;
	struct json_doc json;
	bool has_json, complete, over, bad_reply, has_cache_control;
	bool has_body, http10, head;
	bool hold, held; /* answers wait; one does */
	int held_status;
	const char *held_type;
	struct buf held_body;
	void *user;
	void (*close_fn)(void *ctx);
	void *close_ctx;
	http_stream_fn stream_fn;
	void *stream_ctx;
	int status;
};

/* http_conn.c */
void http_conn_settings(llhttp_settings_t *st);
void http_conn_accept(void *ctx, uint64_t link, const struct addr *peer);
void http_conn_abort(struct http_conn *c, enum close_reason reason);
/* Now; its request, if any, is over. */
void http_conn_free(struct http_conn *c);
/* The answer of c->req was queued. */
void http_conn_answered(struct http_conn *c, bool keep_alive);

/* http_req.c */
struct http_req *http_req_new(struct http_conn *c);
/* Over, answered or not: hook, id; freed at the end of the turn. */
void http_req_end(struct http_req *req);
enum err http_req_parse_target(struct http_req *req, struct err_info *ei);
enum err http_req_take_params(struct http_req *req, struct err_info *ei);

/* http_reply.c */
void http_reply_refuse(struct http_req *req, int status, const char *code,
		       const char *message);

#endif /* HTTP_HTTP_INT_H */
