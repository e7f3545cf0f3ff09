/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "net/link_int.h"

#define MAX_LINKS_DEFAULT 10000
#define BACKLOG_DEFAULT 511
#define IP_BUCKETS 256

/* How many connections one address has. */
struct ip_count {
	struct ip_count *next;
	struct addr ip;
	uint32_t count;
};

struct listener {
	uv_tcp_t tcp;
	struct loop *loop;
	struct listener_options o;
	listener_fn fn;
	void *ctx;
	struct addr at;
	struct ip_count *ips[IP_BUCKETS];
	struct link_accepted *links;
	uint32_t count;
	uint64_t refused;
};

static struct ip_count **ip_find(struct listener *ls, const struct addr *a)
{
	struct ip_count **p;
	uint32_t h = 2166136261U;
	size_t i;

	for (i = 0; i < sizeof(a->ip); i++)
		h = (h ^ a->ip[i]) * 16777619U;
	p = &ls->ips[(h ^ (h >> 16)) % IP_BUCKETS];
	while (*p && !addr_same_ip(&(*p)->ip, a))
		p = &(*p)->next;
	return p;
}

static bool ip_add(struct listener *ls, const struct addr *a)
{
	struct ip_count **p = ip_find(ls, a);

	if (!*p) {
		*p = calloc(1, sizeof(**p));
		if (!*p)
			return false;
		(*p)->ip = *a;
	}
	if (ls->o.max_per_ip && (*p)->count >= ls->o.max_per_ip)
		return false;
	(*p)->count++;
	return true;
}

static void ip_remove(struct listener *ls, const struct addr *a)
{
	struct ip_count **p = ip_find(ls, a), *gone = *p;

	BUG_ON(!gone || !gone->count);
	if (--gone->count)
		return;
	*p = gone->next;
	free(gone);
}

static void links_add(struct listener *ls, struct link_accepted *k)
{
	k->listener = ls;
	k->next = ls->links;
	if (ls->links)
		ls->links->prev = k;
	ls->links = k;
	ls->count++;
}

void listener_gone(struct listener *ls, struct link_accepted *k)
{
	if (k->prev)
		k->prev->next = k->next;
	else
		ls->links = k->next;
	if (k->next)
		k->next->prev = k->prev;
	k->listener = NULL;
	ls->count--;
	ip_remove(ls, &k->peer);
}

static void on_connection(uv_stream_t *s, int status)
{
	struct listener *ls = s->data;
	struct link_accepted *k;

	loop_enter(ls->loop);
	if (status)
		return;
	if (link_accept(ls->loop, s, ls->o.send_max, &k)) {
		ls->refused++;
		return;
	}
	if (ls->count >= ls->o.max_links || !ip_add(ls, &k->peer)) {
		ls->refused++;
		link_shut(&k->link, CLOSE_LIMIT, NULL);
		return;
	}
	links_add(ls, k);
	ls->fn(ls->ctx, k->link.id, &k->peer);
	if (!k->link.ops)
		link_shut(&k->link, CLOSE_LOCAL, NULL);
}

static int bind_to(struct listener *ls)
{
	struct sockaddr_storage ss;
	char ip[ADDR_TEXT_MAX];
	int rc;

	addr_format_ip(&ls->o.at, ip);
	if (ls->o.at.family == ADDR_V6)
		rc = uv_ip6_addr(ip, ls->o.at.port, (struct sockaddr_in6 *)&ss);
	else
		rc = uv_ip4_addr(ip, ls->o.at.port, (struct sockaddr_in *)&ss);
	if (!rc)
		rc = uv_tcp_bind(&ls->tcp, (struct sockaddr *)&ss, 0);
	if (!rc)
		rc = uv_listen((uv_stream_t *)&ls->tcp, ls->o.backlog,
			       on_connection);
	return rc;
}

static int read_port(struct listener *ls)
{
	struct sockaddr_storage ss;
	int len = sizeof(ss), rc;

	rc = uv_tcp_getsockname(&ls->tcp, (struct sockaddr *)&ss, &len);
	if (rc)
		return rc;
	ls->at = ls->o.at;
	ls->at.port = ntohs(ss.ss_family == AF_INET6
				    ? ((struct sockaddr_in6 *)&ss)->sin6_port
				    : ((struct sockaddr_in *)&ss)->sin_port);
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

enum err listener_new(struct loop *l, const struct listener_options *o,
		      listener_fn fn, void *ctx, struct listener **ret,
		      struct err_info *ei)
{
	struct listener *ls = calloc(1, sizeof(*ls));
	char text[ADDR_TEXT_MAX];
	enum err rc;
	int uv_rc;

	addr_format(&o->at, text);
	if (!ls)
		return err_set(ei, ERR_NOMEM, "listen on %s", text);
	ls->loop = l;
	ls->o = *o;
	ls->fn = fn;
	ls->ctx = ctx;
	if (!ls->o.max_links)
		ls->o.max_links = MAX_LINKS_DEFAULT;
	if (!ls->o.backlog)
		ls->o.backlog = BACKLOG_DEFAULT;
	uv_rc = uv_tcp_init(&l->uv, &ls->tcp);
	if (uv_rc) {
		free(ls);
		return loop_uv_err(ei, uv_rc, "new socket");
	}
	ls->tcp.data = ls;
	uv_rc = bind_to(ls);
	if (!uv_rc)
		uv_rc = read_port(ls);
	if (uv_rc) {
		uv_close((uv_handle_t *)&ls->tcp, on_closed);
		rc = loop_uv_err(ei, uv_rc, text);
		return err_wrap(ei, rc, "listen on");
	}
	*ret = ls;
	return ERR_OK;
}

void listener_free(struct listener *ls)
{
	if (!ls)
		return;
	while (ls->links)
		listener_gone(ls, ls->links);
	uv_close((uv_handle_t *)&ls->tcp, on_closed);
}

struct addr listener_addr(const struct listener *ls)
{
	return ls->at;
}

uint32_t listener_count(const struct listener *ls)
{
	return ls->count;
}

uint64_t listener_refused(const struct listener *ls)
{
	return ls->refused;
}
