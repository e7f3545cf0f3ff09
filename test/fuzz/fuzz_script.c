/* SPDX-License-Identifier: MIT */
/*
 * A chat script from anywhere: events that open and close in order and stay within
 * the bounds, or a refusal with words and a place inside the text; what is valid has
 * a name that may be one, and is read the same twice.
 */
#include <stdlib.h>
#include <string.h>

#include "script/outline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	unsigned int depth;
	size_t nodes;
	bool want_key[GUARD_DEPTH_MAX + 1], map[GUARD_DEPTH_MAX + 1];
};

static enum err see(void *ctx, const struct guard_event *ev,
		    struct err_info *ei)
{
	struct seen *s = ctx;

	if (ev->kind == GUARD_END) {
		if (!s->depth || (s->map[s->depth] && !s->want_key[s->depth]))
			abort(); /* a key without its value */
		s->depth--;
	}
	if (ev->depth != s->depth || strlen(ev->text) != ev->len ||
	    !ev->at.line || !ev->at.column)
		abort();
	if (ev->kind == GUARD_END)
		return ERR_OK;
	if (ev->key != (s->map[s->depth] && s->want_key[s->depth]))
		abort();
	s->want_key[s->depth] = !s->want_key[s->depth];
	if (++s->nodes > GUARD_NODES_MAX)
		abort();
	if (ev->kind == GUARD_TEXT)
		return ERR_OK;
	if (++s->depth > GUARD_DEPTH_MAX)
		abort();
	s->map[s->depth] = ev->kind == GUARD_MAP;
	s->want_key[s->depth] = true;
	return ERR_OK;
}

static void check_place(struct guard_place at, const uint8_t *data, size_t len)
{
	size_t lines = 1;

	/* carriage returns and others end a line, too */
	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80)
			lines++;
	if (at.line > lines + 1 || at.column > len + 1)
		abort();
}

static void check_outline(const struct outline *o, const uint8_t *data,
			  size_t len)
{
	struct err_info ei = { 0 };
	bool fatal = false;

	if (o->n_notes > OUTLINE_NOTES_MAX)
		abort();
	for (size_t i = 0; i < o->n_notes; i++) {
		fatal = fatal || o->notes[i].fatal;
		if (!o->notes[i].text[0])
			abort();
		check_place(o->notes[i].at, data, len);
	}
	if (o->ok == (outline_error(o, &ei) != ERR_OK) || (o->ok && fatal))
		abort();
	if (o->ok && (!*o->shape || !o->parts))
		abort();
	if (o->ok && *o->script_id && outline_check_id(o->script_id, NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct guard_place at = { 0 };
	struct seen s = { 0 };
	struct err_info ei = { 0 };
	struct outline one, two;
	struct arena a;
	enum err rc;

	rc = guard_run(data, len, see, &s, &at, &ei);
	if (rc && !ei.msg[0])
		abort();
	if (rc)
		check_place(at, data, len);
	if (!rc && (s.depth || !s.nodes))
		abort();
	arena_init(&a, 64U << 20);
	if (outline_read(data, len, &a, &one) ||
	    outline_read(data, len, &a, &two))
		abort();
	if (rc && one.ok)
		abort();
	check_outline(&one, data, len);
	if (one.ok != two.ok || one.parts != two.parts ||
	    strcmp(one.script_id, two.script_id) != 0)
		abort();
	arena_deinit(&a);
	return 0;
}
