/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

static void put(struct jsonw *w, const void *data, size_t len)
{
	if (!w->rc)
		w->rc = buf_append(w->out, data, len);
}

static void put_str(struct jsonw *w, const char *text)
{
	put(w, text, strlen(text));
}

/* Invalid UTF-8 is replaced byte by byte, so the output is always JSON. */
static void put_quoted(struct jsonw *w, const char *s, size_t n)
{
	bool valid = text_utf8_valid(s, n);
	size_t from = 0;

	put_str(w, "\"");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		char esc[8];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f &&
		    (c < 0x80 || valid))
			continue;
		put(w, s + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			snprintf(esc, sizeof(esc), "\\%c", c);
		else if (c >= 0x80)
			snprintf(esc, sizeof(esc), "\\ufffd");
		else
			snprintf(esc, sizeof(esc), "\\u%04x", c);
		put_str(w, esc);
	}
	put(w, s + from, n - from);
	put_str(w, "\"");
}

static void begin(struct jsonw *w, const char *key)
{
	uint64_t bit = UINT64_C(1) << w->depth;

	if (w->has_items & bit)
		put_str(w, ",");
	w->has_items |= bit;
	if (key) {
		put_quoted(w, key, strlen(key));
		put_str(w, ":");
	}
}

static void enter(struct jsonw *w, const char *key, const char *bracket)
{
	begin(w, key);
	put_str(w, bracket);
	w->depth++;
	BUG_ON(w->depth > JSON_DEPTH_MAX);
	w->has_items &= ~(UINT64_C(1) << w->depth);
}

static void leave(struct jsonw *w, const char *bracket)
{
	BUG_ON(w->depth == 0);
	w->depth--;
	put_str(w, bracket);
}

void jsonw_init(struct jsonw *w, struct buf *out)
{
	*w = (struct jsonw){ .out = out };
}

enum err jsonw_end(struct jsonw *w)
{
	BUG_ON(w->depth != 0);
	return w->rc;
}

void jsonw_object(struct jsonw *w, const char *key)
{
	enter(w, key, "{");
}

void jsonw_object_end(struct jsonw *w)
{
	leave(w, "}");
}

void jsonw_array(struct jsonw *w, const char *key)
{
	enter(w, key, "[");
}

void jsonw_array_end(struct jsonw *w)
{
	leave(w, "]");
}

void jsonw_strn(struct jsonw *w, const char *key, const char *s, size_t n)
{
	begin(w, key);
	put_quoted(w, s, n);
}

void jsonw_str(struct jsonw *w, const char *key, const char *text)
{
	jsonw_strn(w, key, text, strlen(text));
}

void jsonw_str_or_null(struct jsonw *w, const char *key, const char *text)
{
	if (text)
		jsonw_str(w, key, text);
	else
		jsonw_null(w, key);
}

void jsonw_int(struct jsonw *w, const char *key, int64_t v)
{
	char text[24];

	begin(w, key);
	snprintf(text, sizeof(text), "%lld", (long long)v);
	put_str(w, text);
}

void jsonw_u64(struct jsonw *w, const char *key, uint64_t v)
{
	char text[24];

	begin(w, key);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	put_str(w, text);
}

void jsonw_double(struct jsonw *w, const char *key, double v)
{
	char text[32];

	if (!isfinite(v)) {
		jsonw_null(w, key);
		return;
	}
	begin(w, key);
	snprintf(text, sizeof(text), "%.15g", v);
	put_str(w, text);
}

void jsonw_bool(struct jsonw *w, const char *key, bool v)
{
	begin(w, key);
	put_str(w, v ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
	begin(w, key);
	put_str(w, "null");
}

void jsonw_raw(struct jsonw *w, const char *key, const char *s, size_t n)
{
	begin(w, key);
	put(w, s, n);
}

void jsonw_time(struct jsonw *w, const char *key, struct wall t)
{
	char text[WALL_TEXT_MAX];

	if (t.us == 0) {
		jsonw_null(w, key);
		return;
	}
	wall_format(t, text);
	jsonw_str(w, key, text);
}
