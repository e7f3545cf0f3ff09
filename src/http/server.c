/* SPDX-License-Identifier: MIT */
#include "http/server.h"

#include <stdlib.h>

#include "base/bug.h"
#include "http/http_int.h"

static const struct server_limits defaults = {
	.header_bytes = 32768,
	.header_count = 100,
	.url_bytes = 8192,
	.body_bytes = 1U << 20,
	.send_bytes = 64U << 20,
	.connections = 10000,
	.per_address = 1000,
	.requests = 10000,
	.header_timeout_us = 10 * US_PER_SEC,
	.body_timeout_us = 30 * US_PER_SEC,
	.idle_timeout_us = 75 * US_PER_SEC,
	.write_timeout_us = 60 * US_PER_SEC,
};

static void fill_limits(struct server_limits *m)
{
#define DEFAULT(field)                                                         \
	do {                                                                   \
		if (!m->field)                                                 \
			m->field = defaults.field;                             \
	} while (0)
	DEFAULT(header_bytes);
	DEFAULT(header_count);
	DEFAULT(url_bytes);
	DEFAULT(body_bytes);
	DEFAULT(send_bytes);
	DEFAULT(connections);
	DEFAULT(per_address);
	DEFAULT(requests);
	DEFAULT(header_timeout_us);
	DEFAULT(body_timeout_us);
	DEFAULT(idle_timeout_us);
	DEFAULT(write_timeout_us);
#undef DEFAULT
	if (m->header_count > HTTP_HEADERS_HARD_MAX)
		m->header_count = HTTP_HEADERS_HARD_MAX;
}

enum err server_new(struct loop *l, const struct server_options *o,
		    struct http_server **ret, struct err_info *ei)
{
	struct listener_options lo = { .at = o->at };
	struct http_server *s = calloc(1, sizeof(*s));
	enum err rc;

	if (!s)
		return err_set(ei, ERR_NOMEM, "http server");
	s->loop = l;
	s->o = *o;
	fill_limits(&s->o.limits);
	http_conns_init(&s->conns);
	http_conn_settings(&s->settings);
	lo.max_links = s->o.limits.connections;
	lo.max_per_ip = s->o.limits.per_address;
	lo.send_max = s->o.limits.send_bytes;
	idtab_init(&s->reqs, lo.max_links);
	rc = listener_new(l, &lo, http_conn_accept, s, &s->listener, ei);
	if (rc) {
		free(s);
		return rc;
	}
	s->at = listener_addr(s->listener);
	*ret = s;
	return ERR_OK;
}

static void destroy(void *ptr)
{
	free(ptr);
}

void server_free(struct http_server *s)
{
	struct http_conn *c;

	if (!s)
		return;
	listener_free(s->listener);
	s->listener = NULL;
	while ((c = http_conns_first(&s->conns))) {
		link_own(s->loop, c->link, NULL, NULL);
		link_close(s->loop, c->link, CLOSE_SHUTDOWN);
		http_conn_free(c);
	}
	BUG_ON(s->pending);
	idtab_deinit(&s->reqs);
	loop_bury(s->loop, s, destroy);
}

void server_drain(struct http_server *s)
{
	struct http_conn *c;
	struct dlist_node *n, *next;

	if (s->draining)
		return;
	s->draining = true;
	listener_free(s->listener);
	s->listener = NULL;
	for (n = s->conns.head.next; n != &s->conns.head; n = next) {
		next = n->next;
		c = container_of(n, struct http_conn, node);
		if (c->phase == HTTP_IDLE)
			http_conn_abort(c, CLOSE_SHUTDOWN);
	}
}

struct addr server_addr(const struct http_server *s)
{
	return s->at;
}

struct http_req *server_req(const struct http_server *s, uint64_t req_id)
{
	return idtab_get(&s->reqs, req_id);
}

size_t server_pending(const struct http_server *s)
{
	return s->pending;
}

#define SERVER_TEXT(x) #x
#define SERVER_DOTTED(a, b, c)                                                 \
	SERVER_TEXT(a) "." SERVER_TEXT(b) "." SERVER_TEXT(c)

const char *server_library_version(void)
{
	return SERVER_DOTTED(LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR,
			     LLHTTP_VERSION_PATCH);
}
