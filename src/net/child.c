/* SPDX-License-Identifier: MIT */
#include "net/child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bug.h"
#include "net/loop_int.h"

struct child_stream {
	uv_pipe_t pipe;
	struct child *child;
	void (*fn)(void *ctx, const char *line, size_t len);
	struct buf line;
};

struct child {
	struct loop_child_base base; /* first */
	uv_process_t process;
	struct loop *loop;
	struct child_ops ops;
	void *ctx;
	struct child_stream out, err;
	int status, signum;
	bool started, exited, reported;
	uint8_t handles; /* not closed yet */
	uint8_t streams; /* not at their end yet */
};

static void child_destroy(void *ptr)
{
	struct child *c = ptr;

	buf_deinit(&c->out.line);
	buf_deinit(&c->err.line);
	free(c);
}

static void on_closed(uv_handle_t *h)
{
	struct child *c = h->data;

	if (--c->handles == 0)
		loop_bury(c->loop, c, child_destroy);
}

static void emit(struct child_stream *s)
{
	const char *text = buf_cstr(&s->line);

	if (text && s->fn)
		s->fn(s->child->ctx, text, buf_len(&s->line));
	buf_reset(&s->line);
}

/* Reported once the process ended and its pipes did. */
static void maybe_report(struct child *c)
{
	if (!c->exited || c->streams || c->reported)
		return;
	c->reported = true;
	if (c->base.node.owner)
		loop_children_remove(&c->loop->children, &c->base);
	uv_close((uv_handle_t *)&c->process, on_closed);
	if (c->ops.on_exit)
		c->ops.on_exit(c->ctx, c->status, c->signum);
}

static void stream_end(struct child_stream *s)
{
	if (uv_is_closing((uv_handle_t *)&s->pipe))
		return;
	if (buf_len(&s->line))
		emit(s);
	uv_close((uv_handle_t *)&s->pipe, on_closed);
	s->child->streams--;
	maybe_report(s->child);
}

static void feed(struct child_stream *s, const char *data, size_t len)
{
	const char *nl;
	size_t n, room;

	while (len) {
		nl = memchr(data, '\n', len);
		n = nl ? (size_t)(nl - data) : len;
		room = CHILD_LINE_MAX - buf_len(&s->line);
		if (n > room) {
			n = room;
			nl = NULL;
		}
		if (buf_append(&s->line, data, n))
			buf_reset(
				&s->line); /* a line lost for want of memory */
		if (nl || buf_len(&s->line) == CHILD_LINE_MAX)
			emit(s);
		n += nl ? 1 : 0;
		data += n;
		len -= n;
	}
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *ret)
{
	struct child *c = h->data;

	*ret = uv_buf_init((char *)c->loop->scratch, LOOP_SCRATCH_BYTES);
}

static void on_read(uv_stream_t *st, ssize_t n, const uv_buf_t *b)
{
	struct child_stream *s =
		container_of((uv_pipe_t *)st, struct child_stream, pipe);

	loop_enter(s->child->loop);
	if (n > 0)
		feed(s, b->base, (size_t)n);
	else if (n < 0)
		stream_end(s);
}

static void on_exited(uv_process_t *p, int64_t status, int signum)
{
	struct child *c = p->data;

	loop_enter(c->loop);
	c->exited = true;
	c->status = (int)status;
	c->signum = signum;
	maybe_report(c);
}

/* loop_free(): nobody is told any more. */
static void abandon(struct loop_child_base *b)
{
	struct child *c = container_of(b, struct child, base);

	c->ops = (struct child_ops){ 0 };
	c->out.fn = c->err.fn = NULL;
	if (c->started && !c->exited)
		uv_process_kill(&c->process, SIGKILL);
	if (c->out.pipe.data && !uv_is_closing((uv_handle_t *)&c->out.pipe))
		uv_close((uv_handle_t *)&c->out.pipe, on_closed);
	if (c->err.pipe.data && !uv_is_closing((uv_handle_t *)&c->err.pipe))
		uv_close((uv_handle_t *)&c->err.pipe, on_closed);
	if (c->process.data)
		uv_close((uv_handle_t *)&c->process, on_closed);
	else if (!c->handles)
		child_destroy(c);
}

static int open_stream(struct child *c, struct child_stream *s,
		       void (*fn)(void *ctx, const char *line, size_t len),
		       uv_stdio_container_t *ret, int fd)
{
	int rc;

	s->child = c;
	s->fn = fn;
	buf_init(&s->line, CHILD_LINE_MAX);
	if (!fn) {
		ret->flags = UV_INHERIT_FD;
		ret->data.fd = fd;
		return 0;
	}
	rc = uv_pipe_init(&c->loop->uv, &s->pipe, 0);
	if (rc)
		return rc;
	s->pipe.data = c;
	c->handles++;
	c->streams++;
	ret->flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
	ret->data.stream = (uv_stream_t *)&s->pipe;
	return 0;
}

static int start(struct child *c, const struct child_options *o)
{
	uv_stdio_container_t io[3] = { { .flags = UV_IGNORE } };
	uv_process_options_t po = {
		.exit_cb = on_exited,
		.file = o->file,
		.args = (char **)(uintptr_t)o->argv,
		.env = (char **)(uintptr_t)o->env,
		.cwd = o->cwd,
		.flags = o->new_group ? UV_PROCESS_DETACHED : 0,
		.stdio_count = 3,
		.stdio = io,
	};
	int rc;

	rc = open_stream(c, &c->out, c->ops.on_stdout, &io[1], 1);
	if (!rc)
		rc = open_stream(c, &c->err, c->ops.on_stderr, &io[2], 2);
	if (rc)
		return rc;
	c->process.data = c;
	c->handles++;
	return uv_spawn(&c->loop->uv, &c->process, &po);
}

enum err child_spawn(struct loop *l, const struct child_options *o,
		     const struct child_ops *ops, void *ctx, struct child **ret,
		     struct err_info *ei)
{
	struct child *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return err_set(ei, ERR_NOMEM, "start %s", o->file);
	c->base.abandon = abandon;
	c->loop = l;
	c->ops = *ops;
	c->ctx = ctx;
	rc = start(c, o);
	if (rc) {
		abandon(&c->base);
		return err_wrap(ei, loop_uv_err(ei, rc, o->file), "start");
	}
	c->started = true;
	loop_children_push(&l->children, &c->base);
	if (c->out.pipe.data)
		uv_read_start((uv_stream_t *)&c->out.pipe, on_alloc, on_read);
	if (c->err.pipe.data)
		uv_read_start((uv_stream_t *)&c->err.pipe, on_alloc, on_read);
	*ret = c;
	return ERR_OK;
}

enum err child_kill(struct child *c, int signum)
{
	if (c->exited)
		return ERR_NOTFOUND;
	return uv_process_kill(&c->process, signum) ? ERR_IO : ERR_OK;
}

int child_pid(const struct child *c)
{
	return c->process.pid;
}
