/* SPDX-License-Identifier: MIT */
/*
 * Many of our engines on one loop, without leases, journal or control plane: what
 * a message costs the engine itself, and a cheap crowd for the data centre.
 *
 *	load TELEGRAM.json KEYS		KEYS: "dc_id hex" a line, one an account
 *
 * Told what to do by lines on stdin; each is answered by one line of JSON:
 *
 *	connect N	until N of the accounts are online
 *	send N K	the first K accounts say N things to themselves, each one
 *			after the other; until all were answered
 *	count		the messages that came so far
 *
 * Ends with its input.  An account that loses its connection is an end, too: it
 * says why and exits 1, so that no number comes of half a crowd.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/files.h"
#include "base/rnd.h"
#include "base/text.h"
#include "net/link.h"
#include "tg/messages.h"
#include "worker/telegram.h"

#define KEYS_FILE_MAX (32U << 20)
#define DIALS_MAX 100 /* at once: a listener's backlog is no longer */
#define SPARE_FDS 64
#define SEND_US (INT64_C(60) * US_PER_SEC)

struct load;

struct client {
	struct load *load;
	struct engine engine;
	struct wheel_timer timer;
	uint64_t link;
	int64_t to_send;
	bool online;
};

struct load {
	struct loop *loop;
	struct telegram telegram;
	struct client *clients;
	uint8_t (*keys)[AUTHKEY_LEN];
	int *dcs;
	size_t n, dialled, online, wanted;
	int64_t received, sending; /* sent and not answered, or yet to be */
	uint64_t tag;
	struct buf out, input;
	struct loop_fd *in;
	int status;
};

static void fail(struct load *l, const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	l->status = 1;
	loop_stop(l->loop);
}

static void say(const char *name, int64_t n)
{
	printf("{\"%s\": %lld}\n", name, (long long)n);
	fflush(stdout);
}

static struct mono now(const struct client *c)
{
	return loop_now(c->load->loop);
}

static void pump(struct client *c, enum err rc, struct err_info *ei)
{
	struct load *l = c->load;
	struct mono due;

	buf_reset(&l->out);
	if (!rc)
		rc = engine_output(&c->engine, now(c), &l->out, ei);
	if (!rc && buf_len(&l->out))
		rc = link_send(l->loop, c->link, buf_head(&l->out),
			       buf_len(&l->out));
	if (rc) {
		fail(l, "an engine", ei->msg[0] ? ei->msg : err_text(rc));
		return;
	}
	due = engine_deadline(&c->engine);
	if (due.us == MONO_NEVER.us)
		loop_cancel(l->loop, &c->timer);
	else
		loop_arm_at(l->loop, &c->timer, due);
}

/* ---- sending: the next one when the last was answered */

static enum err send_one(struct client *c, struct err_info *ei)
{
	const struct engine_ask ask = { .tag = ++c->load->tag,
					.deadline = mono_add(now(c), SEND_US) };
	const struct messages_to to = { 0 };

	c->to_send--;
	engine_at(&c->engine, now(c));
	return messages_send(&c->engine, &ask, &to,
			     "a message of ordinary length, as people send",
			     (int64_t)rnd_u64(rnd_system()), ei);
}

static enum err on_sent(struct client *c, const struct engine_event *ev)
{
	struct load *l = c->load;
	struct err_info ei = { 0 };

	if (ev->rc) {
		fail(l, "send", err_text(ev->rc));
		return ERR_OK;
	}
	if (--l->sending == 0)
		say("sent", (int64_t)l->tag);
	if (c->to_send > 0 && send_one(c, &ei))
		fail(l, "send", ei.msg);
	return ERR_OK;
}

static void send_all(struct load *l, int64_t n, int64_t clients)
{
	struct err_info ei = { 0 };

	if (clients < 1 || (size_t)clients > l->online || n < clients) {
		fail(l, "send", "more accounts than are online, or no work");
		return;
	}
	l->tag = 0;
	l->sending = n / clients * clients;
	for (int64_t i = 0; i < clients; i++) {
		struct client *c = &l->clients[i];

		c->to_send = n / clients;
		pump(c, send_one(c, &ei), &ei);
	}
}

/* ---- the connections */

static void dial_more(struct load *l);

static enum err on_event(void *ctx, const struct engine_event *ev)
{
	struct client *c = ctx;
	struct load *l = c->load;

	switch (ev->type) {
	case ENGINE_ONLINE:
		if (c->online)
			break;
		c->online = true;
		if (++l->online == l->wanted)
			say("online", (int64_t)l->online);
		dial_more(l);
		break;
	case ENGINE_MESSAGE:
		l->received += !ev->message->out;
		break;
	case ENGINE_ANSWER:
		return on_sent(c, ev);
	case ENGINE_REFUSED:
		fail(l, "refused", ev->rpcerr->name);
		break;
	default:
		break;
	}
	return ERR_OK;
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	struct client *c = ctx;
	struct err_info ei = { 0 };

	(void)t;
	pump(c, engine_tick(&c->engine, now(c), &ei), &ei);
}

static void on_open(void *ctx, uint64_t link)
{
	struct client *c = ctx;
	struct err_info ei = { 0 };

	(void)link;
	pump(c,
	     engine_connected(&c->engine, now(c), loop_wall(c->load->loop),
			      &ei),
	     &ei);
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct client *c = ctx;
	struct err_info ei = { 0 };

	(void)link;
	pump(c, engine_feed(&c->engine, data, len, now(c), &ei), &ei);
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	struct client *c = ctx;

	(void)link;
	if (reason != CLOSE_SHUTDOWN)
		fail(c->load, "connection lost", ei->msg);
}

static const struct link_ops ops = {
	.on_open = on_open,
	.on_data = on_data,
	.on_close = on_close,
};

static enum err dial(struct load *l, size_t at, struct err_info *ei)
{
	const struct engine_config cfg = { .env = &l->telegram.env,
					   .rnd = rnd_system(),
					   .on_event = on_event,
					   .ctx = &l->clients[at] };
	const struct addr_host *to = telegram_find(&l->telegram, l->dcs[at]);
	struct link_dial_options o = { 0 };
	struct client *c = &l->clients[at];
	enum err rc;

	if (!to)
		return err_set(ei, ERR_INVALID, "no data centre %d",
			       l->dcs[at]);
	c->load = l;
	engine_init(&c->engine, &cfg);
	wheel_timer_init(&c->timer, on_timer, c);
	rc = engine_set_key(&c->engine, l->keys[at], ei);
	o.to = *to;
	return rc ? rc : link_dial(l->loop, &o, &ops, c, &c->link, ei);
}

static void dial_more(struct load *l)
{
	struct err_info ei = { 0 };

	while (l->dialled < l->wanted && l->dialled - l->online < DIALS_MAX) {
		if (dial(l, l->dialled, &ei)) {
			fail(l, "dial", ei.msg);
			return;
		}
		l->dialled++;
	}
}

/* ---- orders */

static void obey(struct load *l, const char *line)
{
	long long n = 0, clients = 0;

	/* NOLINTBEGIN(cert-err34-c): what does not fit is refused below */
	if (sscanf(line, "connect %lld", &n) == 1 && n > (int64_t)l->online &&
	    (size_t)n <= l->n) {
		l->wanted = (size_t)n;
		dial_more(l);
	} else if (sscanf(line, "send %lld %lld", &n, &clients) == 2) {
		send_all(l, n, clients);
	} else if (!strcmp(line, "count")) {
		say("received", l->received);
	} else {
		fail(l, "order not understood", line);
	}
	/* NOLINTEND(cert-err34-c) */
}

static void on_input(void *ctx, int fd, unsigned int events)
{
	struct load *l = ctx;
	char bytes[4096], *end;
	ssize_t got = read(fd, bytes, sizeof(bytes));

	(void)events;
	if (got <= 0 || buf_append(&l->input, bytes, (size_t)got)) {
		loop_stop(l->loop);
		return;
	}
	while (buf_len(&l->input) &&
	       (end = memchr(buf_head(&l->input), '\n', buf_len(&l->input)))) {
		const char *line = (const char *)buf_head(&l->input);

		*end = '\0';
		obey(l, line);
		buf_consume(&l->input, (size_t)(end - line) + 1);
	}
}

/* ---- beginning */

static enum err read_key(struct load *l, const char *line, struct err_info *ei)
{
	const char *hex = strchr(line, ' ');

	/* NOLINTNEXTLINE(cert-err34-c): telegram_find() knows what it takes */
	if (!hex || sscanf(line, "%d", &l->dcs[l->n]) != 1 ||
	    text_unhex(l->keys[l->n], AUTHKEY_LEN, hex + 1, strlen(hex + 1)))
		return err_set(ei, ERR_INVALID, "line %zu is no key", l->n + 1);
	l->n++;
	return ERR_OK;
}

static enum err read_keys(struct load *l, const char *path, struct err_info *ei)
{
	struct buf text;
	char *line, *rest;
	size_t lines = 0;
	enum err rc;

	buf_init(&text, KEYS_FILE_MAX);
	rc = files_read(path, &text, ei);
	for (size_t i = 0; !rc && i < buf_len(&text); i++)
		lines += buf_head(&text)[i] == '\n';
	l->clients = calloc(lines + 1, sizeof(*l->clients));
	l->keys = calloc(lines + 1, sizeof(*l->keys));
	l->dcs = calloc(lines + 1, sizeof(*l->dcs));
	if (!rc && (!l->clients || !l->keys || !l->dcs || !buf_cstr(&text)))
		rc = err_set(ei, ERR_NOMEM, "%zu accounts", lines);
	rest = rc ? NULL : (char *)buf_head(&text);
	while (!rc && (line = strsep(&rest, "\n")) && *line)
		rc = read_key(l, line, ei);
	buf_wipe(&text);
	return rc;
}

/* Each account is a socket. */
static enum err room_for(size_t n, struct err_info *ei)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return err_set(ei, ERR_IO, "read the limit of open files");
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur < n + SPARE_FDS)
		return err_set(ei, ERR_CAPACITY,
			       "%zu accounts need %zu open files and the limit "
			       "is %llu: raise it (ulimit -Hn)",
			       n, n + SPARE_FDS,
			       (unsigned long long)r.rlim_cur);
	return ERR_OK;
}

static void end(struct load *l)
{
	loop_fd_free(l->in);
	for (size_t i = 0; i < l->dialled; i++)
		loop_cancel(l->loop, &l->clients[i].timer);
	loop_free(l->loop);
	for (size_t i = 0; i < l->dialled; i++)
		engine_deinit(&l->clients[i].engine);
	if (l->keys)
		secret_wipe(l->keys, l->n * sizeof(*l->keys));
	free(l->keys);
	free(l->clients);
	free(l->dcs);
	buf_deinit(&l->out);
	buf_deinit(&l->input);
}

int main(int argc, char **argv)
{
	struct load l = { 0 };
	struct err_info ei = { 0 };
	enum err rc;

	if (argc != 3) {
		fprintf(stderr, "usage: load TELEGRAM.json KEYS\n");
		return 2;
	}
	buf_init(&l.out, 4U << 20);
	buf_init(&l.input, 4096);
	rc = telegram_load(&l.telegram, argv[1], &ei);
	if (!rc)
		rc = read_keys(&l, argv[2], &ei);
	if (!rc)
		rc = room_for(l.n, &ei);
	if (!rc)
		rc = loop_new(&l.loop, NULL, &ei);
	if (!rc)
		rc = loop_fd_new(l.loop, STDIN_FILENO, on_input, &l, &l.in,
				 &ei);
	if (!rc)
		rc = loop_fd_set(l.in, LOOP_FD_READ);
	if (rc) {
		fprintf(stderr, "load: %s\n",
			ei.msg[0] ? ei.msg : err_text(rc));
		l.status = 1;
	} else {
		say("keys", (int64_t)l.n);
		loop_run(l.loop);
	}
	end(&l);
	return l.status;
}
