/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/text.h"

#define LINE_MAX_BYTES 2048U

static const struct {
	const char *name, *help;
} events[] = {
#define LOG_EVENT(sym, name, help) [LOGEV_##sym] = { name, help },
#include "base/log.def"
#undef LOG_EVENT
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

/* set once at start, before any thread is there */
static _Atomic enum log_level min_level = LOG_INFO;
static const char *role;
static void (*sink)(void *ctx, const char *line);
static void *sink_ctx;

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static void put(struct line *l, const char *s, size_t n)
{
	size_t room = sizeof(l->text) - 2 - l->len; /* newline and NUL */

	if (n > room)
		n = room;
	memcpy(l->text + l->len, s, n);
	l->len += n;
}

static void put_str(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

static bool needs_quotes(const char *s)
{
	if (!*s)
		return true;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
			return true;
	}
	return false;
}

/* Bytes above 0x7f pass only as valid UTF-8; C1 controls never do. */
static void put_value(struct line *l, const char *s)
{
	bool utf8 = text_utf8_valid(s, strlen(s));

	if (!needs_quotes(s) && utf8) {
		put_str(l, s);
		return;
	}
	put_str(l, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		char esc[8];

		if (c == '"' || c == '\\')
			snprintf(esc, sizeof(esc), "\\%c", c);
		else if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8))
			snprintf(esc, sizeof(esc), "\\x%02x", c);
		else
			snprintf(esc, sizeof(esc), "%c", c);
		put_str(l, esc);
	}
	put_str(l, "\"");
}

static void put_field(struct line *l, const struct log_field *f)
{
	char text[40];

	put_str(l, " ");
	put_str(l, f->key);
	put_str(l, "=");
	switch (f->type) {
	case LOG_F_STR:
		put_value(l, f->str ? f->str : "");
		break;
	case LOG_F_I64:
		snprintf(text, sizeof(text), "%lld", (long long)f->i64);
		put_str(l, text);
		break;
	case LOG_F_U64:
		snprintf(text, sizeof(text), "%llu",
			 (unsigned long long)f->u64);
		put_str(l, text);
		break;
	case LOG_F_PHONE:
		text_mask_phone(f->str ? f->str : "", text, sizeof(text));
		put_value(l, text);
		break;
	}
}

static void emit(struct line *l)
{
	size_t done = 0;

	if (sink) {
		l->text[l->len] = '\0';
		sink(sink_ctx, l->text);
		return;
	}
	l->text[l->len++] = '\n';
	while (done < l->len) { /* one write a line: processes may share it */
		ssize_t n = write(STDERR_FILENO, l->text + done, l->len - done);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

void log_write(enum log_level level, enum log_event event,
	       const struct log_field *fields, size_t n)
{
	char when[WALL_TEXT_MAX];
	struct line l;

	BUG_ON(event >= LOGEV_COUNT || level > LOG_ERROR);
	if (level < atomic_load_explicit(&min_level, memory_order_relaxed))
		return;
	l.len = 0;
	wall_format(clock_wall(clock_system()), when);
	put_str(&l, when);
	put_str(&l, " level=");
	put_str(&l, level_names[level]);
	if (role) {
		put_str(&l, " role=");
		put_str(&l, role);
	}
	put_str(&l, " ev=");
	put_str(&l, events[event].name);
	for (size_t i = 0; i < n; i++)
		put_field(&l, &fields[i]);
	emit(&l);
}

void log_set_level(enum log_level level)
{
	atomic_store(&min_level, level);
}

void log_set_role(const char *name)
{
	role = name;
}

void log_set_sink(void (*fn)(void *ctx, const char *line), void *ctx)
{
	sink = fn;
	sink_ctx = ctx;
}

const char *log_event_name(enum log_event event)
{
	return events[event].name;
}

const char *log_event_help(enum log_event event)
{
	return events[event].help;
}
