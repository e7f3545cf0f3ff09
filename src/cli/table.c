/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define CELL_MAX 4096
#define COLUMNS_MAX 16
#define GAP 2

static struct json lookup(struct json v, const char *path)
{
	char key[64];

	while (path) {
		const char *dot = strchr(path, '.');
		size_t n = dot ? (size_t)(dot - path) : strlen(path);

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		v = json_get(v, key);
		path = dot ? dot + 1 : NULL;
	}
	return v;
}

/* Control characters become '?': what a stranger named cannot move a cursor. */
static void harmless(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?'; /* C1 controls */
	}
}

static enum err words(struct json list, struct buf *out)
{
	enum err rc = ERR_OK;
	bool first = true;

	for (struct json_iter it = json_iter(list); !rc && json_next(&it);) {
		if (!first)
			rc = buf_append_byte(out, ' ');
		first = false;
		if (!rc)
			rc = json_is_string(it.val)
				     ? buf_append_str(out, json_str(it.val, ""))
				     : json_dump(it.val, out);
	}
	return rc;
}

static enum err cell(struct json v, struct buf *out, const char **ret)
{
	enum err rc = ERR_OK;

	buf_reset(out);
	if (json_missing(v) || json_is_null(v))
		rc = buf_append_str(out, "-");
	else if (json_is_string(v))
		rc = buf_append_str(out, json_str(v, ""));
	else if (json_is_bool(v))
		rc = buf_append_str(out, json_bool(v, false) ? "yes" : "no");
	else if (json_is_array(v))
		rc = words(v, out);
	else
		rc = json_dump(v, out);
	if (rc)
		return rc;
	*ret = buf_cstr(out);
	if (!*ret)
		return ERR_NOMEM;
	harmless((char *)buf_head(out));
	return ERR_OK;
}

/* Columns a terminal uses for it; bytes when the locale has no wide names. */
static size_t width(const char *text)
{
	mbstate_t st = { 0 };
	size_t w = 0;

	while (*text) {
		wchar_t c;
		size_t n = mbrtowc(&c, text, MB_CUR_MAX, &st);
		int cols;

		if (n == 0 || n == (size_t)-1 || n == (size_t)-2)
			return w + strlen(text);
		cols = wcwidth(c);
		w += cols > 0 ? (size_t)cols : 0;
		text += n;
	}
	return w;
}

static size_t terminal_width(void)
{
	struct winsize ws;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) ||
	    ws.ws_col == 0)
		return SIZE_MAX;
	return ws.ws_col;
}

/* How many bytes of text take at most `room` columns. */
static size_t fitting(const char *text, size_t room)
{
	size_t n = 0;

	while (text[n]) {
		size_t next = n + 1;
		char part[CELL_MAX + 1];

		while ((text[next] & 0xc0) == 0x80)
			next++;
		if (next > CELL_MAX)
			break;
		memcpy(part, text, next);
		part[next] = '\0';
		if (width(part) > room)
			break;
		n = next;
	}
	return n;
}

static void put_cell(const char *text, size_t col_width, bool last, size_t room)
{
	size_t n =
		last && width(text) > room ? fitting(text, room) : strlen(text);

	printf("%.*s", (int)n, text);
	if (!last)
		printf("%*s", (int)(col_width - width(text) + GAP), "");
}

static enum err measure(struct json items, const struct table_column *columns,
			size_t n, size_t widths[static COLUMNS_MAX],
			struct buf *tmp)
{
	for (size_t c = 0; c < n; c++)
		widths[c] = strlen(columns[c].title);
	for (struct json_iter it = json_iter(items); json_next(&it);) {
		for (size_t c = 0; c < n; c++) {
			const char *text;
			enum err rc;

			rc = cell(lookup(it.val, columns[c].path), tmp, &text);
			if (rc)
				return rc;
			if (width(text) > widths[c])
				widths[c] = width(text);
		}
	}
	return ERR_OK;
}

enum err table_print(struct json items, const struct table_column *columns,
		     size_t ncolumns)
{
	size_t widths[COLUMNS_MAX] = { 0 }, before = 0, room;
	struct buf tmp;
	enum err rc;

	setlocale(LC_CTYPE, "");
	buf_init(&tmp, CELL_MAX);
	rc = measure(items, columns, ncolumns, widths, &tmp);
	for (size_t c = 0; c + 1 < ncolumns; c++)
		before += widths[c] + GAP;
	room = terminal_width() > before ? terminal_width() - before : 1;
	room = room > CELL_MAX ? CELL_MAX : room;
	for (size_t c = 0; !rc && c < ncolumns; c++)
		put_cell(columns[c].title, widths[c], c + 1 == ncolumns, room);
	if (!rc)
		putchar('\n');
	for (struct json_iter it = json_iter(items); !rc && json_next(&it);) {
		for (size_t c = 0; !rc && c < ncolumns; c++) {
			const char *text;

			rc = cell(lookup(it.val, columns[c].path), &tmp, &text);
			if (!rc)
				put_cell(text, widths[c], c + 1 == ncolumns,
					 room);
		}
		putchar('\n');
	}
	buf_deinit(&tmp);
	return rc;
}

enum err table_print_one(struct json object)
{
	struct buf tmp;
	enum err rc = ERR_OK;

	buf_init(&tmp, 1 << 20);
	for (struct json_iter it = json_iter(object); !rc && json_next(&it);) {
		const char *text;

		rc = cell(it.val, &tmp, &text);
		if (!rc)
			printf("%-18s %s\n", it.key, text);
	}
	buf_deinit(&tmp);
	return rc;
}
