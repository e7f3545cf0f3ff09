/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define LINE_MAX_BYTES (1U << 20)
#define ANSWER_MAX (8U << 20)

static const struct {
	const char *name;
	client_order_fn fn;
} orders[] = {
	{ "sign_in", client_sign_in },	 { "open", client_open },
	{ "save", client_save },	 { "send", orders_send },
	{ "history", orders_history },	 { "forward", orders_forward },
	{ "join", orders_join },	 { "send_file", moving_send_file },
	{ "get_file", moving_get_file }, { "send_many", orders_send_many },
	{ "receive", orders_receive },	 { "echo", orders_echo },
	{ "usage", orders_usage },	 { "missed", orders_usage },
};

static struct buf input;

/* ---- lines out */

static void print(const struct buf *line)
{
	fwrite(buf_head(line), 1, buf_len(line), stdout);
	putchar('\n');
	fflush(stdout);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double cpu(const struct rusage *u)
{
	return seconds(u->ru_utime) + seconds(u->ru_stime);
}

/* In KiB, of this moment: the second number of the line, in pages. */
static int64_t resident(void)
{
	char line[256] = "";
	FILE *f = fopen("/proc/self/statm", "re");
	char *second = NULL;

	if (f && fgets(line, sizeof(line), f))
		second = strchr(line, ' ');
	if (f)
		fclose(f);
	if (!second)
		return 0;
	return strtoll(second, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* What it cost is in each answer: since the order came, and in all. */
static void put_usage(struct client *c, struct jsonw *w)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	jsonw_double(
		w, "seconds",
		(double)mono_diff(clock_mono(clock_system()), c->order.since) /
			US_PER_SEC);
	jsonw_double(w, "cpu_seconds", cpu(&u) - cpu(&c->order.began));
	jsonw_double(w, "cpu_total", cpu(&u));
	jsonw_int(w, "rss_kib", resident());
	jsonw_int(w, "max_rss_kib", u.ru_maxrss);
	jsonw_int(w, "heard", c->heard);
}

void client_begin_answer(struct client *c, struct jsonw *w, struct buf *out)
{
	buf_init(out, ANSWER_MAX);
	jsonw_init(w, out);
	jsonw_object(w, NULL);
	jsonw_int(w, "id", c->order.id);
	jsonw_bool(w, "ok", true);
}

static void end_order(struct client *c)
{
	json_free(&c->order.doc);
	c->order = (struct order){ 0 };
}

void client_end_answer(struct client *c, struct jsonw *w, struct buf *out)
{
	put_usage(c, w);
	jsonw_object_end(w);
	if (!jsonw_end(w))
		print(out);
	buf_deinit(out);
	end_order(c);
}

void client_done(struct client *c)
{
	struct jsonw w;
	struct buf out;

	client_begin_answer(c, &w, &out);
	client_end_answer(c, &w, &out);
}

static void say_error(int64_t id, const char *name, const char *why)
{
	char both[ERR_MSG_MAX + 64];
	struct jsonw w;
	struct buf out;

	snprintf(both, sizeof(both), "%s: %s", name, why);
	buf_init(&out, ANSWER_MAX);
	jsonw_init(&w, &out);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "id", id);
	jsonw_str(&w, "error", both);
	jsonw_object_end(&w);
	if (!jsonw_end(&w))
		print(&out);
	buf_deinit(&out);
}

void client_fail(struct client *c, enum err rc, const char *why)
{
	if (!c->order.busy)
		return;
	fprintf(stderr, "%s: %s\n", err_name(rc), why);
	say_error(c->order.id, err_name(rc), why);
	end_order(c);
}

void client_tell(int64_t from, const uint8_t *text, size_t len)
{
	struct jsonw w;
	struct buf out;

	buf_init(&out, ANSWER_MAX);
	jsonw_init(&w, &out);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "event", "message");
	jsonw_strn(&w, "text", (const char *)text, len);
	jsonw_int(&w, "from", from);
	jsonw_object_end(&w);
	if (!jsonw_end(&w))
		print(&out);
	buf_deinit(&out);
}

/* ---- lines in */

static void begin(struct client *c, struct json_doc doc)
{
	struct order *o = &c->order;

	*o = (struct order){ .busy = true,
			     .doc = doc,
			     .said = json_root(&doc),
			     .since = clock_mono(clock_system()) };
	o->id = json_int(json_get(o->said, "id"), 0);
	getrusage(RUSAGE_SELF, &o->began);
}

static void obey(struct client *c, const uint8_t *line, size_t len)
{
	struct json_doc doc;
	const char *what;
	size_t i = 0;

	if (json_parse(&doc, line, len, LINE_MAX_BYTES, NULL)) {
		say_error(0, "bad_syntax", "a line is one JSON object");
		return;
	}
	if (c->order.busy) {
		say_error(json_int(json_get(json_root(&doc), "id"), 0), "busy",
			  "one order at a time");
		json_free(&doc);
		return;
	}
	begin(c, doc);
	what = json_str(json_get(c->order.said, "do"), "");
	if (!strcmp(what, "stop")) {
		client_done(c);
		loop_stop(c->loop);
		return;
	}
	while (i < ARRAY_LEN(orders) && strcmp(orders[i].name, what) != 0)
		i++;
	if (i < ARRAY_LEN(orders))
		orders[i].fn(c);
	else
		client_fail(c, ERR_METHOD, what);
}

static void take_lines(struct client *c)
{
	const uint8_t *end;

	while (buf_len(&input) &&
	       (end = memchr(buf_head(&input), '\n', buf_len(&input)))) {
		size_t len = (size_t)(end - buf_head(&input));

		if (len)
			obey(c, buf_head(&input), len);
		buf_consume(&input, len + 1);
	}
}

static void on_stdin(void *ctx, int fd, unsigned int events)
{
	struct client *c = ctx;
	char part[65536];
	ssize_t n = 0;
	bool end = false;

	(void)events;
	while (!end && (n = read(fd, part, sizeof(part))) > 0)
		end = buf_append(&input, part, (size_t)n) != ERR_OK;
	if (!end)
		end = n == 0 || errno != EAGAIN;
	take_lines(c);
	if (end)
		loop_stop(c->loop);
}

static enum err run(struct client *c, const char *env, struct err_info *ei)
{
	struct loop_fd *lines = NULL;
	enum err rc = sign_in_env_load(&c->env, env, ei);

	if (rc)
		return rc;
	rc = loop_new(&c->loop, NULL, ei);
	if (rc)
		return rc;
	client_init(c);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	rc = loop_fd_new(c->loop, STDIN_FILENO, on_stdin, c, &lines, ei);
	if (!rc)
		rc = loop_fd_set(lines, LOOP_FD_READ);
	if (!rc)
		loop_run(c->loop);
	loop_fd_free(lines);
	client_deinit(c);
	return rc;
}

int main(int argc, char **argv)
{
	static struct client c;
	struct err_info ei = { 0 };
	enum err rc;

	if (argc != 2) {
		fprintf(stderr, "usage: engine_client ENV.json\n");
		return 2;
	}
	buf_init(&input, LINE_MAX_BYTES);
	rc = run(&c, argv[1], &ei);
	if (rc)
		fprintf(stderr, "engine_client: %s\n", ei.msg);
	loop_free(c.loop);
	sign_in_env_free(&c.env);
	buf_deinit(&input);
	return rc != ERR_OK;
}
