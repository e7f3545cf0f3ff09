/* SPDX-License-Identifier: MIT */
#include "script/guard.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

struct key {
	const char *text;
	size_t len;
	struct guard_place at;
};

struct frame {
	bool map, want_key;
	size_t first_key; /* bytes of guard.keys below it */
};

struct guard {
	struct frame frames[GUARD_DEPTH_MAX];
	unsigned int depth;
	size_t nodes, documents;
	struct buf keys; /* struct key, of the maps that are open */
	struct arena arena;
	guard_fn fn;
	void *ctx;
	struct guard_place at;
};

/* Every key is a node, and its text was in the document. */
#define KEYS_MAX (GUARD_NODES_MAX * sizeof(struct key))
#define ARENA_MAX (16U * GUARD_BYTES_MAX)

static struct guard_place place_of(const yaml_mark_t *m)
{
	return (struct guard_place){ m->line + 1, m->column + 1 };
}

static enum err emit(struct guard *g, enum guard_kind kind, struct err_info *ei)
{
	const struct guard_event ev = {
		.kind = kind, .depth = g->depth, .text = "", .at = g->at
	};

	return g->fn(g->ctx, &ev, ei);
}

/* --- keys --- */

static enum err push_key(struct guard *g, const char *text, size_t len,
			 struct err_info *ei)
{
	struct key k = { .len = len, .at = g->at };

	k.text = arena_str(&g->arena, text, len);
	if (!k.text || buf_append(&g->keys, &k, sizeof(k)))
		return err_set(ei, ERR_NOMEM, "out of memory");
	return ERR_OK;
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int c = strcmp(x->text, y->text);

	if (c)
		return c;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	return x->at.column < y->at.column ? -1 : x->at.column > y->at.column;
}

/* The map is complete: sorted, so that no choice of keys makes it slow. */
static enum err pop_keys(struct guard *g, size_t first, struct err_info *ei)
{
	size_t n = (buf_len(&g->keys) - first) / sizeof(struct key);
	struct key *k;

	if (!n)
		return ERR_OK;
	k = (struct key *)(void *)(buf_head(&g->keys) + first);
	qsort(k, n, sizeof(*k), compare_keys);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(k[i - 1].text, k[i].text) != 0)
			continue;
		g->at = k[i].at;
		return err_set(ei, ERR_INVALID,
			       "\"%.64s\" is given twice, first in line %zu",
			       k[i].text, k[i - 1].at.line);
	}
	g->keys.len = g->keys.pos + first;
	return ERR_OK;
}

/* --- nodes --- */

/* One more; *ret_key: it is a map's key. */
static enum err count_node(struct guard *g, bool is_text, bool *ret_key,
			   struct err_info *ei)
{
	struct frame *f = g->depth ? &g->frames[g->depth - 1] : NULL;
	bool key = f && f->map && f->want_key;

	if (++g->nodes > GUARD_NODES_MAX)
		return err_set(ei, ERR_TOOBIG, "more than %d values",
			       GUARD_NODES_MAX);
	if (key && !is_text)
		return err_set(ei, ERR_INVALID,
			       "a key is text, not a list or a map");
	if (f && f->map)
		f->want_key = !f->want_key;
	*ret_key = key;
	return ERR_OK;
}

static enum err check_decor(const yaml_char_t *anchor, const yaml_char_t *tag,
			    struct err_info *ei)
{
	if (anchor)
		return err_set(ei, ERR_INVALID,
			       "anchors (&%.40s) are not taken: write the "
			       "value where it is used",
			       (const char *)anchor);
	if (tag)
		return err_set(ei, ERR_INVALID,
			       "tags (%.40s) are not taken: write the value "
			       "alone",
			       (const char *)tag);
	return ERR_OK;
}

static enum err open_node(struct guard *g, bool map, struct err_info *ei)
{
	bool key;
	enum err rc = count_node(g, false, &key, ei);

	if (rc)
		return rc;
	if (g->depth == GUARD_DEPTH_MAX)
		return err_set(ei, ERR_TOOBIG, "more than %d levels deep",
			       GUARD_DEPTH_MAX);
	rc = emit(g, map ? GUARD_MAP : GUARD_LIST, ei);
	g->frames[g->depth++] = (struct frame){
		.map = map, .want_key = map, .first_key = buf_len(&g->keys)
	};
	return rc;
}

static enum err close_node(struct guard *g, struct err_info *ei)
{
	struct frame *f = &g->frames[--g->depth];
	enum err rc = f->map ? pop_keys(g, f->first_key, ei) : ERR_OK;

	return rc ? rc : emit(g, GUARD_END, ei);
}

static enum err take_text(struct guard *g, const yaml_event_t *y,
			  struct err_info *ei)
{
	struct guard_event ev = {
		.kind = GUARD_TEXT,
		.depth = g->depth,
		.plain = y->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
		.text = (const char *)y->data.scalar.value,
		.len = y->data.scalar.length,
		.at = g->at,
	};
	enum err rc =
		check_decor(y->data.scalar.anchor, y->data.scalar.tag, ei);

	if (!rc)
		rc = count_node(g, true, &ev.key, ei);
	if (!rc && strlen(ev.text) != ev.len)
		rc = err_set(ei, ERR_INVALID, "a text with a NUL in it");
	if (!rc && ev.key)
		rc = push_key(g, ev.text, ev.len, ei);
	return rc ? rc : g->fn(g->ctx, &ev, ei);
}

static enum err begin_document(struct guard *g, const yaml_event_t *y,
			       struct err_info *ei)
{
	if (g->documents++)
		return err_set(ei, ERR_INVALID,
			       "a second document begins here: one a file");
	if (y->data.document_start.tag_directives.start !=
	    y->data.document_start.tag_directives.end)
		return err_set(ei, ERR_INVALID, "%%TAG is not taken");
	return ERR_OK;
}

static enum err take(struct guard *g, const yaml_event_t *y,
		     struct err_info *ei)
{
	enum err rc;

	switch (y->type) {
	case YAML_DOCUMENT_START_EVENT:
		return begin_document(g, y, ei);
	case YAML_SCALAR_EVENT:
		return take_text(g, y, ei);
	case YAML_MAPPING_START_EVENT:
		rc = check_decor(y->data.mapping_start.anchor,
				 y->data.mapping_start.tag, ei);
		return rc ? rc : open_node(g, true, ei);
	case YAML_SEQUENCE_START_EVENT:
		rc = check_decor(y->data.sequence_start.anchor,
				 y->data.sequence_start.tag, ei);
		return rc ? rc : open_node(g, false, ei);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return close_node(g, ei);
	case YAML_ALIAS_EVENT:
		return err_set(ei, ERR_INVALID,
			       "aliases (*%.40s) are not taken: write the "
			       "value where it is used",
			       (const char *)y->data.alias.anchor);
	default:
		return ERR_OK;
	}
}

static enum err refused(struct guard *g, const yaml_parser_t *p,
			struct err_info *ei)
{
	if (p->error == YAML_MEMORY_ERROR)
		return err_set(ei, ERR_NOMEM, "out of memory");
	g->at = place_of(&p->problem_mark);
	return err_set(ei, ERR_SYNTAX, "%s%s%s", p->context ? p->context : "",
		       p->context ? ": " : "",
		       p->problem ? p->problem : "this is no YAML");
}

static enum err parse(struct guard *g, const void *text, size_t len,
		      struct err_info *ei)
{
	yaml_parser_t p;
	yaml_event_t y;
	enum err rc = ERR_OK;
	bool end = false;

	if (!yaml_parser_initialize(&p))
		return err_set(ei, ERR_NOMEM, "out of memory");
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, text, len);
	while (!rc && !end) {
		if (!yaml_parser_parse(&p, &y)) {
			rc = refused(g, &p, ei);
			break;
		}
		g->at = place_of(&y.start_mark);
		rc = take(g, &y, ei);
		end = y.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&y);
	}
	yaml_parser_delete(&p);
	if (!rc && !g->documents) {
		g->at = (struct guard_place){ 0 };
		rc = err_set(ei, ERR_INVALID, "there is nothing in it");
	}
	return rc;
}

/* Where the first byte is that is no UTF-8. */
static struct guard_place bad_byte(const char *text, size_t len)
{
	struct guard_place at = { 1, 1 };
	size_t line = 0;

	/* a valid beginning of whole lines, then of that line */
	for (const char *nl; (nl = memchr(text + line, '\n', len - line));) {
		size_t next = (size_t)(nl - text) + 1;

		if (!text_utf8_valid(text + line, next - line))
			break;
		line = next;
		at.line++;
	}
	for (size_t n = line; n < len && text[n] != '\n'; n++)
		if (((unsigned char)text[n] & 0xc0) != 0x80) {
			if (!text_utf8_valid(text + line, n - line))
				break;
			at.column = n - line + 1;
		}
	return at;
}

static enum err check_bytes(struct guard *g, const void *text, size_t len,
			    struct err_info *ei)
{
	if (len > GUARD_BYTES_MAX)
		return err_set(ei, ERR_TOOBIG,
			       "more than %u bytes: a script has at most 1 MiB",
			       GUARD_BYTES_MAX);
	if (!len)
		return err_set(ei, ERR_INVALID, "there is nothing in it");
	if (!text_utf8_valid(text, len)) {
		g->at = bad_byte(text, len);
		return err_set(ei, ERR_INVALID,
			       "this is no UTF-8: save it as UTF-8, or say "
			       "which encoding it has (gbk, gb18030, big5)");
	}
	return ERR_OK;
}

enum err guard_run(const void *text, size_t len, guard_fn fn, void *ctx,
		   struct guard_place *ret_at, struct err_info *ei)
{
	struct guard g = { .fn = fn, .ctx = ctx };
	enum err rc;

	buf_init(&g.keys, KEYS_MAX);
	arena_init(&g.arena, ARENA_MAX);
	rc = check_bytes(&g, text, len, ei);
	if (!rc && len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text = (const char *)text + 3; /* libyaml wants it gone */
		len -= 3;
	}
	if (!rc)
		rc = parse(&g, text, len, ei);
	arena_deinit(&g.arena);
	buf_deinit(&g.keys);
	if (rc)
		*ret_at = g.at;
	return rc;
}
