/* SPDX-License-Identifier: MIT */
#include "net/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/metrics.h"
#include "base/text.h"
#include "net/link_int.h"

#define SEND_MAX_DEFAULT (4U << 20)
/* A finishing link must get rid of some bytes in this time ... */
#define FINISH_SEND_US (60 * US_PER_SEC)
/* ... and then waits this long for the peer's end. */
#define FINISH_WAIT_US (2 * US_PER_SEC)
#define KEEPALIVE_S 60
/* An owner who queued this much hears when it is gone. */
#define DRAIN_WORTH_BYTES 65536

static const struct {
	const char *name, *text;
	bool is_error;
} reasons[] = {
#define CLOSE_REASON(sym, counter, is_error, sentence)                         \
	{ counter, sentence, is_error },
#include "net/close_reason.def"
#undef CLOSE_REASON
};

const char *link_reason_name(enum close_reason reason)
{
	BUG_ON(reason >= CLOSE_REASON_COUNT);
	return reasons[reason].name;
}

const char *link_reason_text(enum close_reason reason)
{
	BUG_ON(reason >= CLOSE_REASON_COUNT);
	return reasons[reason].text;
}

bool link_reason_is_error(enum close_reason reason)
{
	BUG_ON(reason >= CLOSE_REASON_COUNT);
	return reasons[reason].is_error;
}

struct link *link_get(const struct loop *l, uint64_t id)
{
	return idtab_get(&l->links, id);
}

static void stop_waiting(struct link *k)
{
	if (!k->room)
		return;
	loop_fd_free(k->room);
	close(k->room_fd);
	k->room = NULL;
}

static void dialing_free(void *ptr)
{
	struct link_dialing *d = ptr;

	buf_deinit(&d->early);
	explicit_bzero(d->filter.password, sizeof(d->filter.password));
	free(d);
}

static void link_destroy(void *ptr)
{
	struct link *k = ptr;

	if (k->dialing)
		dialing_free(k->dialing);
	buf_deinit(&k->out);
	free(k->why);
	free(k);
}

static void unpin(struct link *k)
{
	BUG_ON(!k->pins);
	if (--k->pins == 0)
		loop_bury(k->loop, k, link_destroy);
}

static void on_handle_closed(uv_handle_t *h)
{
	struct link *k = h->data;

	loop_enter(k->loop);
	k->loop->stats.links--;
	metrics_add(METRIC_LINKS, -1);
	unpin(k);
}

/* Done with dialling: libuv holds none of it any more. */
static void dialing_done(struct link *k)
{
	struct link_dialing *d = k->dialing;

	k->dialing = NULL;
	if (d)
		loop_bury(k->loop, d, dialing_free);
}

/*
 * Cut short.  A resolver call cannot be taken back, it frees the struct when it
 * ends; a connect request belongs to libuv until the handle is closed, so the
 * struct goes with the link.
 */
static void dialing_abandon(struct link *k)
{
	struct link_dialing *d = k->dialing;

	if (!d || !d->resolving)
		return;
	k->dialing = NULL;
	d->link = NULL;
	uv_cancel((uv_req_t *)&d->resolve);
}

static void tell_closed(struct link *k)
{
	struct err_info ei = { 0 };

	snprintf(ei.msg, sizeof(ei.msg), "%s",
		 k->why ? k->why : link_reason_text(k->reason));
	idtab_remove(&k->loop->links, k->id);
	if (k->accepted && link_accepted(k)->listener)
		listener_gone(link_accepted(k)->listener, link_accepted(k));
	if (k->ops && k->ops->on_close)
		k->ops->on_close(k->ctx, k->id, k->reason, &ei);
	unpin(k);
}

void link_shut(struct link *k, enum close_reason reason, const char *why)
{
	if (k->state == LINK_CLOSING)
		return;
	if (k->state != LINK_FINISHING)
		k->reason = reason;
	k->state = LINK_CLOSING;
	if (why && !k->why)
		k->why = strdup(why);
	k->loop->closed[k->reason]++;
	k->loop->stats.links_closed++;
	loop_cancel(k->loop, &k->timer);
	loop_undefer(k->loop, &k->call); /* nothing is flushed any more */
	dialing_abandon(k);
	stop_waiting(k);
	buf_reset(&k->out);
	uv_close((uv_handle_t *)&k->tcp, on_handle_closed);
	loop_defer(k->loop, &k->call);
}

void link_shut_all(struct loop *l)
{
	uint32_t cursor = 0;
	struct link *k;

	while ((k = idtab_next(&l->links, &cursor)))
		link_shut(k, CLOSE_SHUTDOWN, NULL);
}

static void shut_uv(struct link *k, int uv_rc, const char *doing)
{
	enum close_reason reason = CLOSE_IO;
	char text[ERR_MSG_MAX];

	if (uv_rc == UV_EOF)
		reason = CLOSE_PEER;
	else if (uv_rc == UV_ECONNRESET || uv_rc == UV_EPIPE)
		reason = CLOSE_RESET;
	else if (uv_rc == UV_ETIMEDOUT)
		reason = CLOSE_TIMEOUT;
	else if (uv_rc == UV_ECONNREFUSED)
		reason = CLOSE_REFUSED;
	else if (uv_rc == UV_EHOSTUNREACH || uv_rc == UV_ENETUNREACH)
		reason = CLOSE_UNREACHABLE;
	else if (uv_rc == UV_ENOMEM)
		reason = CLOSE_NOMEM;
	snprintf(text, sizeof(text), "%s: %s", doing, uv_strerror(uv_rc));
	link_shut(k, reason, text);
}

/* --- sending --- */

static void write_out(struct link *k);

static void queue_empty(struct link *k)
{
	struct link_dialing *d = k->dialing;

	if (k->state == LINK_FINISHING && !k->fin_sent) {
		uv_os_fd_t fd;

		/* uv_shutdown() needs a request; FIN alone does not. */
		k->fin_sent = true;
		loop_arm(k->loop, &k->timer, FINISH_WAIT_US);
		if (uv_fileno((uv_handle_t *)&k->tcp, &fd) == 0)
			shutdown(fd, SHUT_WR);
		return;
	}
	if (!k->want_drain || d)
		return;
	k->want_drain = false;
	if (k->state == LINK_OPEN && k->ops && k->ops->on_drain)
		k->ops->on_drain(k->ctx, k->id);
}

static void on_room(void *ctx, int fd, unsigned int events)
{
	if (events & LOOP_FD_ERROR) /* it is not watched any more */
		stop_waiting(ctx);
	write_out(ctx);
}

/*
 * The socket is full.  What is left stays here: uv_write() would send it inside
 * the poll, before the wake hook had a say.  A second descriptor of the socket
 * is watched for room, as libuv watches the first for its own.
 */
static void wait_for_room(struct link *k)
{
	struct err_info ei;
	uv_os_fd_t fd;

	k->want_drain = true;
	if (k->room)
		return;
	if (uv_fileno((uv_handle_t *)&k->tcp, &fd)) {
		link_shut(k, CLOSE_IO, NULL);
		return;
	}
	k->room_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (k->room_fd < 0) {
		shut_uv(k, uv_translate_sys_error(errno), "wait for room");
		return;
	}
	if (loop_fd_new(k->loop, k->room_fd, on_room, k, &k->room, &ei)) {
		close(k->room_fd);
		link_shut(k, CLOSE_NOMEM, ei.msg);
	} else if (loop_fd_set(k->room, LOOP_FD_WRITE)) {
		link_shut(k, CLOSE_IO, "wait for room");
	}
}

static void write_out(struct link *k)
{
	uv_buf_t b;
	int n;

	if (buf_len(&k->out)) {
		b = uv_buf_init((char *)buf_head(&k->out),
				(unsigned int)buf_len(&k->out));
		n = uv_try_write((uv_stream_t *)&k->tcp, &b, 1);
		if (n < 0 && n != UV_EAGAIN) {
			shut_uv(k, n, "write");
			return;
		}
		if (n > 0) {
			k->loop->stats.bytes_out += (size_t)n;
			buf_consume(&k->out, (size_t)n);
		}
		if (buf_len(&k->out)) {
			wait_for_room(k);
			return;
		}
	}
	stop_waiting(k);
	buf_drained(&k->out);
	queue_empty(k);
}

static void flush(struct link *k)
{
	/* who lost the right to speak since the turn began says it here */
	if (buf_len(&k->out))
		loop_look(k->loop);
	if (k->room || k->state == LINK_CLOSING || k->state == LINK_DIALING)
		return;
	write_out(k);
}

static void on_call(void *ctx)
{
	struct link *k = ctx;

	(k->state == LINK_CLOSING ? tell_closed : flush)(k);
}

enum err link_send(struct loop *l, uint64_t link, const void *data, size_t len)
{
	struct link *k = link_get(l, link);
	enum err rc;

	if (!k || k->state != LINK_OPEN)
		return ERR_EOF;
	rc = buf_append(&k->out, data, len);
	if (rc == ERR_TOOBIG)
		link_shut(k, CLOSE_OVERFLOW, NULL);
	else if (rc)
		link_shut(k, CLOSE_NOMEM, NULL);
	else
		loop_flush_later(l, &k->call);
	if (!rc && buf_len(&k->out) > DRAIN_WORTH_BYTES)
		k->want_drain = true;
	return rc;
}

size_t link_queued(const struct loop *l, uint64_t link)
{
	const struct link *k = link_get(l, link);

	return k ? buf_len(&k->out) : 0;
}

/* --- receiving --- */

static void deliver(struct link *k, const uint8_t *data, size_t len)
{
	if (len && k->state == LINK_OPEN && k->ops && k->ops->on_data)
		k->ops->on_data(k->ctx, k->id, data, len);
}

static void link_opened(struct link *k)
{
	struct link_dialing *d = k->dialing;
	struct buf early = { 0 };

	if (d) {
		early = d->early;
		d->early = (struct buf){ 0 };
	}
	dialing_done(k);
	loop_cancel(k->loop, &k->timer);
	k->state = LINK_OPEN;
	if (k->ops && k->ops->on_open)
		k->ops->on_open(k->ctx, k->id);
	deliver(k, buf_head(&early), buf_len(&early));
	buf_deinit(&early);
}

static void filter_failed(struct link *k, enum err rc, struct err_info *ei)
{
	rc = err_wrap(ei, rc, "%s", k->dialing->filter.ops->name);
	link_shut(k, rc == ERR_NOMEM ? CLOSE_NOMEM : CLOSE_PROXY, ei->msg);
}

static void filter_feed(struct link *k, const uint8_t *data, size_t len)
{
	struct link_dialing *d = k->dialing;
	struct err_info ei = { 0 };
	bool done = false;
	size_t used = 0;
	enum err rc;

	rc = buf_append(&d->early, data, len);
	if (!rc)
		rc = d->filter.ops->feed(&d->filter, buf_head(&d->early),
					 buf_len(&d->early), &used, &done,
					 &k->out, &ei);
	if (rc) {
		filter_failed(k, rc, &ei);
		return;
	}
	buf_consume(&d->early, used);
	if (buf_len(&k->out))
		loop_flush_later(k->loop, &k->call);
	if (done)
		link_opened(k);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *ret)
{
	struct link *k = h->data;

	*ret = uv_buf_init((char *)k->loop->scratch, LOOP_SCRATCH_BYTES);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct link *k = s->data;

	loop_enter(k->loop);
	if (!n || k->state == LINK_CLOSING)
		return;
	if (n < 0) {
		shut_uv(k, (int)n, "read");
		return;
	}
	k->loop->stats.bytes_in += (size_t)n;
	if (k->state == LINK_FILTERING)
		filter_feed(k, (const uint8_t *)b->base, (size_t)n);
	else
		deliver(k, (const uint8_t *)b->base, (size_t)n);
}

static void start_reading(struct link *k)
{
	int rc = uv_read_start((uv_stream_t *)&k->tcp, on_alloc, on_read);

	if (rc)
		shut_uv(k, rc, "read");
}

void link_pause(struct loop *l, uint64_t link)
{
	struct link *k = link_get(l, link);

	if (!k || k->state != LINK_OPEN || k->paused)
		return;
	k->paused = true;
	uv_read_stop((uv_stream_t *)&k->tcp);
}

void link_resume(struct loop *l, uint64_t link)
{
	struct link *k = link_get(l, link);

	if (!k || k->state != LINK_OPEN || !k->paused)
		return;
	k->paused = false;
	start_reading(k);
}

/* --- beginning --- */

static void on_link_timer(struct wheel_timer *t, void *ctx)
{
	struct link *k = ctx;
	uint32_t left = (uint32_t)buf_len(&k->out);

	if (k->state != LINK_FINISHING) {
		link_shut(k, CLOSE_CONNECT_TIMEOUT, NULL);
	} else if (!k->fin_sent && left < k->finish_left) {
		k->finish_left = left;
		loop_arm(k->loop, t, FINISH_SEND_US);
	} else {
		link_shut(k, k->reason, NULL);
	}
}

static enum err link_new(struct loop *l, size_t size, size_t send_max,
			 struct link **ret, struct err_info *ei)
{
	struct link *k = calloc(1, size);
	enum err rc;
	int uv_rc;

	if (!k)
		return err_set(ei, ERR_NOMEM, "connection");
	rc = idtab_add(&l->links, k, &k->id);
	if (rc) {
		free(k);
		return err_set(ei, rc, "more than %u connections",
			       l->links.max);
	}
	uv_rc = uv_tcp_init(&l->uv, &k->tcp);
	if (uv_rc) {
		idtab_remove(&l->links, k->id);
		free(k);
		return loop_uv_err(ei, uv_rc, "new socket");
	}
	k->tcp.data = k;
	k->loop = l;
	k->pins = 2;
	buf_init(&k->out, send_max ? send_max : SEND_MAX_DEFAULT);
	wheel_timer_init(&k->timer, on_link_timer, k);
	k->call = (struct loop_call){ .fn = on_call, .ctx = k };
	l->stats.links++;
	metrics_add(METRIC_LINKS, 1);
	l->stats.links_opened++;
	*ret = k;
	return ERR_OK;
}

static void tune(struct link *k)
{
	uv_tcp_nodelay(&k->tcp, 1);
	uv_tcp_keepalive(&k->tcp, 1, KEEPALIVE_S);
}

static void to_sockaddr(const struct addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (a->family == ADDR_V6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(a->port);
		memcpy(&v6->sin6_addr, a->ip, 16);
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->port);
		memcpy(&v4->sin_addr, a->ip, 4);
	}
}

static void from_sockaddr(const struct sockaddr_storage *ss, struct addr *ret)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)ss;

	*ret = (struct addr){ 0 };
	if (ss->ss_family == AF_INET6) {
		ret->family = ADDR_V6;
		ret->port = ntohs(v6->sin6_port);
		memcpy(ret->ip, &v6->sin6_addr, 16);
	} else if (ss->ss_family == AF_INET) {
		ret->family = ADDR_V4;
		ret->port = ntohs(v4->sin_port);
		memcpy(ret->ip, &v4->sin_addr, 4);
	}
}

static bool read_peer(const struct link *k, struct addr *ret)
{
	struct sockaddr_storage ss;
	int len = sizeof(ss);

	if (uv_tcp_getpeername(&k->tcp, (struct sockaddr *)&ss, &len))
		return false;
	from_sockaddr(&ss, ret);
	return true;
}

enum err link_accept(struct loop *l, uv_stream_t *server, size_t send_max,
		     struct link_accepted **ret)
{
	struct link *k = NULL;
	enum err rc;

	rc = link_new(l, sizeof(**ret), send_max, &k, NULL);
	if (rc)
		return rc;
	BUG_ON(!k);
	k->accepted = true;
	k->state = LINK_OPEN;
	if (uv_accept(server, (uv_stream_t *)&k->tcp) ||
	    !read_peer(k, &link_accepted(k)->peer)) {
		link_shut(k, CLOSE_IO, NULL);
		return ERR_IO;
	}
	tune(k);
	start_reading(k);
	*ret = link_accepted(k);
	return ERR_OK;
}

static void on_connected(uv_connect_t *c, int status)
{
	struct link *k = c->data;
	struct link_dialing *d;
	struct err_info ei = { 0 };
	enum err rc;

	loop_enter(k->loop);
	d = k->dialing;
	if (k->state != LINK_DIALING || !d)
		return;
	if (status) {
		shut_uv(k, status, "connect");
		return;
	}
	tune(k);
	if (!d->filter.ops) {
		link_opened(k);
	} else {
		k->state = LINK_FILTERING;
		rc = d->filter.ops->begin(&d->filter, &k->out, &ei);
		if (rc) {
			filter_failed(k, rc, &ei);
			return;
		}
		loop_flush_later(k->loop, &k->call);
	}
	if (k->state != LINK_CLOSING && !k->paused)
		start_reading(k);
}

static int connect_to(struct link *k, const struct sockaddr *sa)
{
	struct link_dialing *d = k->dialing;
	struct sockaddr_storage from;
	int rc;

	if (d->bind.family) {
		to_sockaddr(&d->bind, &from);
		rc = uv_tcp_bind(&k->tcp, (struct sockaddr *)&from, 0);
		if (rc)
			return rc;
	}
	d->connect.data = k;
	return uv_tcp_connect(&d->connect, &k->tcp, sa, on_connected);
}

static void on_resolved(uv_getaddrinfo_t *r, int status, struct addrinfo *list)
{
	struct link_dialing *d = r->data;
	struct link *k = d->link;
	struct sockaddr_storage ss;
	char text[ERR_MSG_MAX];
	int rc;

	d->resolving = false;
	if (!k) {
		uv_freeaddrinfo(list);
		dialing_free(d);
		return;
	}
	loop_enter(k->loop);
	if (k->state == LINK_CLOSING) /* closed by the wake hook just now */
		goto out;
	if (status) {
		snprintf(text, sizeof(text), "resolve %.100s: %s",
			 d->target.host, uv_strerror(status));
		link_shut(k, CLOSE_RESOLVE, text);
		goto out;
	}
	memcpy(&ss, list->ai_addr, list->ai_addrlen);
	rc = connect_to(k, (struct sockaddr *)&ss);
	if (rc)
		shut_uv(k, rc, "connect");
out:
	uv_freeaddrinfo(list);
}

static void start_dialing(struct link *k)
{
	struct link_dialing *d = k->dialing;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct sockaddr_storage ss;
	struct addr to;
	char port[8];
	int rc;

	if (!addr_from_ip(d->target.host, d->target.port, &to)) {
		to_sockaddr(&to, &ss);
		rc = connect_to(k, (struct sockaddr *)&ss);
	} else {
		if (d->bind.family)
			hints.ai_family =
				d->bind.family == ADDR_V6 ? AF_INET6 : AF_INET;
		snprintf(port, sizeof(port), "%u", d->target.port);
		d->resolve.data = d;
		rc = uv_getaddrinfo(&k->loop->uv, &d->resolve, on_resolved,
				    d->target.host, port, &hints);
		d->resolving = !rc;
	}
	if (rc)
		shut_uv(k, rc, "connect");
}

static enum err copy_credential(char *dst, const char *src, struct err_info *ei)
{
	if (!src)
		return ERR_OK;
	if (!text_copy(dst, LINK_CREDENTIAL_MAX + 1, src))
		return err_set(ei, ERR_INVALID,
			       "proxy user and password: at most %d bytes",
			       LINK_CREDENTIAL_MAX);
	return ERR_OK;
}

static enum err dialing_new(const struct link_dial_options *o,
			    struct link_dialing **ret, struct err_info *ei)
{
	struct link_dialing *d = calloc(1, sizeof(*d));
	enum err rc;

	if (!d)
		return err_set(ei, ERR_NOMEM, "dial");
	d->target = o->proxy ? o->proxy_at : o->to;
	d->bind = o->bind;
	d->filter.to = o->to;
	if (o->proxy == LINK_PROXY_SOCKS5)
		d->filter.ops = &link_proxy_socks5;
	else if (o->proxy == LINK_PROXY_CONNECT)
		d->filter.ops = &link_proxy_connect;
	buf_init(&d->early, LOOP_SCRATCH_BYTES + 8192);
	rc = copy_credential(d->filter.user, o->proxy_user, ei);
	if (!rc)
		rc = copy_credential(d->filter.password, o->proxy_password, ei);
	if (rc) {
		dialing_free(d);
		return rc;
	}
	*ret = d;
	return ERR_OK;
}

enum err link_dial(struct loop *l, const struct link_dial_options *o,
		   const struct link_ops *ops, void *ctx, uint64_t *ret_link,
		   struct err_info *ei)
{
	int64_t timeout = o->connect_timeout_us;
	struct link_dialing *d = NULL;
	struct link *k = NULL;
	enum err rc;

	rc = dialing_new(o, &d, ei);
	if (rc)
		return rc;
	rc = link_new(l, sizeof(*k), o->send_max, &k, ei);
	if (rc) {
		dialing_free(d);
		return rc;
	}
	BUG_ON(!k);
	k->state = LINK_DIALING;
	k->ops = ops;
	k->ctx = ctx;
	k->dialing = d;
	d->link = k;
	loop_arm(l, &k->timer, timeout ? timeout : 10 * US_PER_SEC);
	*ret_link = k->id;
	start_dialing(k);
	return ERR_OK;
}

/* --- the owner's side --- */

void link_close(struct loop *l, uint64_t link, enum close_reason reason)
{
	struct link *k = link_get(l, link);

	if (k)
		link_shut(k, reason, NULL);
}

void link_finish(struct loop *l, uint64_t link, enum close_reason reason)
{
	struct link *k = link_get(l, link);

	if (!k || k->state == LINK_CLOSING || k->state == LINK_FINISHING)
		return;
	if (k->state != LINK_OPEN) {
		link_shut(k, reason, NULL);
		return;
	}
	link_resume(l, link); /* to see the peer's end */
	k->state = LINK_FINISHING;
	k->reason = reason;
	k->finish_left = UINT32_MAX;
	loop_arm(l, &k->timer, FINISH_SEND_US);
	loop_flush_later(l, &k->call);
}

bool link_alive(const struct loop *l, uint64_t link)
{
	const struct link *k = link_get(l, link);

	return k && k->state != LINK_CLOSING;
}

void link_own(struct loop *l, uint64_t link, const struct link_ops *ops,
	      void *ctx)
{
	struct link *k = link_get(l, link);

	if (!k)
		return;
	k->ops = ops;
	k->ctx = ctx;
}

bool link_peer(const struct loop *l, uint64_t link, struct addr *ret)
{
	struct link *k = link_get(l, link);

	if (!k)
		return false;
	if (!k->accepted)
		return read_peer(k, ret);
	*ret = link_accepted(k)->peer;
	return true;
}

bool link_local(const struct loop *l, uint64_t link, struct addr *ret)
{
	const struct link *k = link_get(l, link);
	struct sockaddr_storage ss;
	int len = sizeof(ss);

	if (!k || k->state == LINK_CLOSING ||
	    uv_tcp_getsockname(&k->tcp, (struct sockaddr *)&ss, &len))
		return false;
	from_sockaddr(&ss, ret);
	return true;
}
