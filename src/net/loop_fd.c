/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "net/loop_int.h"

struct loop_fd {
	uv_poll_t poll;
	struct loop *loop;
	int fd;
	loop_fd_fn fn;
	void *ctx;
};

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct loop_fd *f = p->data;
	unsigned int ev = 0;

	loop_enter(f->loop);
	if (status < 0)
		ev |= LOOP_FD_ERROR;
	if (events & UV_READABLE)
		ev |= LOOP_FD_READ;
	if (events & UV_WRITABLE)
		ev |= LOOP_FD_WRITE;
	if (f->fn)
		f->fn(f->ctx, f->fd, ev);
}

enum err loop_fd_new(struct loop *l, int fd, loop_fd_fn fn, void *ctx,
		     struct loop_fd **ret, struct err_info *ei)
{
	struct loop_fd *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return err_set(ei, ERR_NOMEM, "watch fd %d", fd);
	rc = uv_poll_init(&l->uv, &f->poll, fd);
	if (rc) {
		free(f);
		return loop_uv_err(ei, rc, "watch fd");
	}
	f->poll.data = f;
	f->loop = l;
	f->fd = fd;
	f->fn = fn;
	f->ctx = ctx;
	*ret = f;
	return ERR_OK;
}

enum err loop_fd_set(struct loop_fd *f, unsigned int events)
{
	int uv_events = 0;
	int rc;

	if (events & LOOP_FD_READ)
		uv_events |= UV_READABLE;
	if (events & LOOP_FD_WRITE)
		uv_events |= UV_WRITABLE;
	if (uv_events)
		rc = uv_poll_start(&f->poll, uv_events, on_poll);
	else
		rc = uv_poll_stop(&f->poll);
	return rc ? ERR_IO : ERR_OK;
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

void loop_fd_free(struct loop_fd *f)
{
	if (!f)
		return;
	f->fn = NULL;
	uv_close((uv_handle_t *)&f->poll, on_closed);
}
