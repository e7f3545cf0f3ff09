/* SPDX-License-Identifier: MIT */
#include "script/outline.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define SCHEMA_NEWEST 2

/* What stands at the top, and what it must be. */
enum field {
	FIELD_ID,
	FIELD_VERSION,
	FIELD_SCHEMA,
	FIELD_SCENES,
	FIELD_STEPS,
	FIELD_TIMELINE,
	FIELD_RULES,
	FIELD_MESSAGES,
	FIELD_OTHER,
};

static const char *const fields[] = {
	[FIELD_ID] = "script_id",  [FIELD_VERSION] = "version",
	[FIELD_SCHEMA] = "schema", [FIELD_SCENES] = "scenes",
	[FIELD_STEPS] = "steps",   [FIELD_TIMELINE] = "timeline",
	[FIELD_RULES] = "rules",   [FIELD_MESSAGES] = "messages",
};

struct reader {
	struct outline *o;
	struct arena *a;
	enum field field; /* whose value comes, or is being read */
	struct guard_place shape_at;
	bool inside; /* the shape's own list or map */
	bool map;    /* it is a map */
};

/* --- names --- */

/* Signs among the letters of the world: no part of a name. */
static const struct {
	uint32_t first, last;
} no_letters[] = {
	{ 0x80, 0xbf },	    { 0xd7, 0xd7 },	{ 0xf7, 0xf7 },
	{ 0x2000, 0x2bff }, { 0x2e00, 0x2e7f }, { 0x3000, 0x3004 },
	{ 0x3008, 0x3020 }, { 0xd800, 0xf8ff }, { 0xfe00, 0xfe6f },
	{ 0xfeff, 0xff0f }, { 0xff1a, 0xff20 }, { 0xff3b, 0xff40 },
	{ 0xff5b, 0xff65 }, { 0xffe0, 0xffff }, { 0xe0000, 0x10ffff },
};

static bool is_letter(uint32_t c)
{
	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		       (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
		       c == '-';
	for (size_t i = 0; i < ARRAY_LEN(no_letters); i++)
		if (c >= no_letters[i].first && c <= no_letters[i].last)
			return false;
	return true;
}

/* Of text that is valid. */
static uint32_t next_letter(const unsigned char **at)
{
	const unsigned char *p = *at;
	uint32_t c = *p++;
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	if (more)
		c &= 0x3fU >> more;
	while (more--)
		c = c << 6 | (*p++ & 0x3f);
	*at = p;
	return c;
}

enum err outline_check_id(const char *id, struct err_info *ei)
{
	static const char *const taken[] = { "deploy", "validate", "import" };
	const unsigned char *p = (const unsigned char *)id;
	size_t n = 0;
	bool ok = *id && *id != '.' && text_utf8_valid(id, strlen(id));

	for (; ok && *p; n++)
		ok = n < OUTLINE_ID_MAX && is_letter(next_letter(&p));
	if (!ok)
		return err_set(ei, ERR_INVALID,
			       "\"%.64s\" is no script_id: 1 to %d letters, "
			       "digits, . _ or -, the first no dot",
			       id, OUTLINE_ID_MAX);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (!strcmp(id, taken[i]))
			return err_set(ei, ERR_INVALID,
				       "a script cannot be called \"%s\": an "
				       "address of the API is",
				       id);
	return ERR_OK;
}

/* --- notes --- */

static void PRINTF_FMT(4, 5) note(struct outline *o, enum err rc,
				  struct guard_place at, const char *fmt, ...)
{
	struct outline_note *n = &o->notes[o->n_notes];
	va_list ap;

	if (rc)
		o->ok = false;
	if (o->n_notes == OUTLINE_NOTES_MAX)
		return;
	o->n_notes++;
	n->fatal = rc != ERR_OK;
	n->rc = rc;
	n->at = at;
	va_start(ap, fmt);
	vsnprintf(n->text, sizeof(n->text), fmt, ap);
	va_end(ap);
}

enum err outline_error(const struct outline *o, struct err_info *ei)
{
	for (size_t i = 0; i < o->n_notes; i++) {
		const struct outline_note *n = &o->notes[i];

		if (!n->fatal)
			continue;
		if (!n->at.line)
			return err_set(ei, n->rc, "%s", n->text);
		return err_set(ei, n->rc, "line %zu, column %zu: %s",
			       n->at.line, n->at.column, n->text);
	}
	/* more notes than there is room for */
	return o->ok ? ERR_OK : err_set(ei, ERR_INVALID, "this is no script");
}

/* --- what it says of itself --- */

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789.") == strlen(s);
}

static enum err take_value(struct reader *r, const struct guard_event *ev,
			   struct err_info *ei)
{
	struct outline *o = r->o;
	struct err_info why = { 0 };
	const char *text = arena_str(r->a, ev->text, ev->len);

	if (!text)
		return err_set(ei, ERR_NOMEM, "out of memory");
	switch (r->field) {
	case FIELD_ID:
		o->script_id = text;
		if (outline_check_id(text, &why))
			note(o, ERR_INVALID, ev->at, "%s", why.msg);
		break;
	case FIELD_VERSION:
		o->label = text;
		if (ev->len > OUTLINE_LABEL_MAX)
			note(o, ERR_INVALID, ev->at,
			     "the version is longer than %d bytes",
			     OUTLINE_LABEL_MAX);
		else if (ev->plain && is_number(text))
			note(o, ERR_OK, ev->at,
			     "the version is a number: write \"%s\", since "
			     "1.10 as a number is 1.1",
			     text);
		break;
	case FIELD_SCHEMA:
		if (text_i64(text, &o->schema) || o->schema != SCHEMA_NEWEST)
			note(o, ERR_INVALID, ev->at,
			     "schema is %d, or left out for an older script",
			     SCHEMA_NEWEST);
		break;
	case FIELD_OTHER:
		break;
	default:
		note(o, ERR_INVALID, ev->at, "\"%s\" is a list%s",
		     fields[r->field],
		     r->field == FIELD_SCENES ? " or a map" : "");
	}
	return ERR_OK;
}

static enum field field_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!strcmp(fields[i], name))
			return (enum field)i;
	return FIELD_OTHER;
}

/* A list or a map begins as the value of r->field. */
static void open_value(struct reader *r, const struct guard_event *ev)
{
	struct outline *o = r->o;
	bool map = ev->kind == GUARD_MAP;

	if (r->field < FIELD_SCENES) {
		note(o, ERR_INVALID, ev->at, "\"%s\" is a text",
		     fields[r->field]);
		return;
	}
	if (r->field == FIELD_OTHER)
		return;
	if (map && r->field != FIELD_SCENES) {
		note(o, ERR_INVALID, ev->at, "\"%s\" is a list",
		     fields[r->field]);
		return;
	}
	if (*o->shape) {
		note(o, ERR_OK, ev->at,
		     "\"%s\" beside \"%s\": only the first is looked at",
		     fields[r->field], o->shape);
		return;
	}
	o->shape = fields[r->field];
	r->shape_at = ev->at;
	r->inside = true;
	r->map = map;
}

static enum err on_event(void *ctx, const struct guard_event *ev,
			 struct err_info *ei)
{
	struct reader *r = ctx;

	if (ev->depth == 0 && ev->kind != GUARD_MAP && ev->kind != GUARD_END)
		return err_set(ei, ERR_INVALID,
			       "a script is a map: script_id, version, scenes");
	if (ev->depth == 1 && ev->kind == GUARD_END)
		r->inside = false;
	else if (ev->depth == 1 && ev->key)
		r->field = field_of(ev->text);
	else if (ev->depth == 1 && ev->kind == GUARD_TEXT)
		return take_value(r, ev, ei);
	else if (ev->depth == 1)
		open_value(r, ev);
	else if (ev->depth == 2 && r->inside && ev->kind != GUARD_END &&
		 (!r->map || ev->key))
		r->o->parts++;
	return ERR_OK;
}

/* What is missing. */
static void check_whole(struct reader *r)
{
	static const struct guard_place whole;
	struct outline *o = r->o;
	enum err must = o->schema ? ERR_INVALID : ERR_OK;

	if (!*o->script_id)
		note(o, must, whole, "script_id is missing");
	if (!*o->label)
		note(o, must, whole, "version is missing");
	if (!o->schema)
		note(o, ERR_OK, whole,
		     "without `schema: %d`: kept as the older script it is",
		     SCHEMA_NEWEST);
	if (o->schema && *o->shape && strcmp(o->shape, "scenes") != 0)
		note(o, ERR_INVALID, r->shape_at,
		     "with schema %d a script has \"scenes\", not \"%s\"",
		     SCHEMA_NEWEST, o->shape);
	if (!*o->shape && o->ok)
		note(o, ERR_INVALID, whole,
		     "there are no scenes (nor steps, timeline, rules or "
		     "messages of an older script)");
	else if (*o->shape && !o->parts)
		note(o, ERR_INVALID, r->shape_at, "\"%s\" is empty", o->shape);
}

enum err outline_read(const void *text, size_t len, struct arena *a,
		      struct outline *ret)
{
	struct reader r = { .o = ret, .a = a, .field = FIELD_OTHER };
	struct err_info ei = { 0 };
	struct guard_place at;
	enum err rc;

	*ret = (struct outline){
		.script_id = "", .label = "", .shape = "", .ok = true
	};
	rc = guard_run(text, len, on_event, &r, &at, &ei);
	if (rc == ERR_NOMEM)
		return rc;
	if (rc)
		note(ret, rc, at, "%s", ei.msg);
	else
		check_whole(&r);
	return ERR_OK;
}
