/* SPDX-License-Identifier: MIT */
#include "control/scripts.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "control/charset.h"

static enum err decode(struct http_req *req, struct scripts_text *t,
		       struct err_info *ei)
{
	struct buf out;
	enum err rc;

	t->encoding = http_req_query(req, "encoding");
	if (t->encoding && (!*t->encoding || !strcmp(t->encoding, "utf-8")))
		t->encoding = NULL;
	if (!t->encoding || !t->len)
		return ERR_OK;
	buf_init(&out, GUARD_BYTES_MAX);
	rc = charset_decode(t->encoding, t->data, t->len, &out, ei);
	if (!rc) {
		t->len = buf_len(&out);
		t->data =
			arena_str(http_req_arena(req), buf_head(&out), t->len);
		rc = t->data ? ERR_OK : ERR_NOMEM;
	}
	buf_deinit(&out);
	return rc;
}

enum err scripts_read(struct http_req *req, struct scripts_text **ret,
		      struct err_info *ei)
{
	struct arena *a = http_req_arena(req);
	struct scripts_text *t = arena_alloc(a, sizeof(*t));
	enum err rc;

	if (!t)
		return ERR_NOMEM;
	t->data = (const char *)http_req_body(req, &t->len);
	rc = decode(req, t, ei);
	if (!rc)
		rc = outline_read(t->data, t->len, a, &t->outline);
	if (!rc)
		*ret = t;
	return rc;
}

enum err scripts_path_id(struct http_req *req, const char **ret,
			 struct err_info *ei)
{
	*ret = http_req_param(req, "id");
	return outline_check_id(*ret, ei);
}

void scripts_etag(const struct store_script *s,
		  char ret[static SCRIPTS_ETAG_MAX])
{
	const size_t digits = 2 * sizeof(s->sha256.bytes);

	_Static_assert(2 * sizeof(s->sha256.bytes) + 3 <= SCRIPTS_ETAG_MAX,
		       "an ETag fits");
	ret[0] = '"';
	text_hex(ret + 1, s->sha256.bytes, sizeof(s->sha256.bytes));
	ret[digits + 1] = '"';
	ret[digits + 2] = '\0';
}

enum err scripts_match(const struct http_req *req, const struct store_script *s,
		       struct err_info *ei)
{
	const char *h = http_req_header(req, "if-match");
	char etag[SCRIPTS_ETAG_MAX];

	scripts_etag(s, etag);
	if (!h || !strcmp(h, "*") || !strcmp(h, etag))
		return ERR_OK;
	return err_set(ei, ERR_CONFLICT,
		       "script %s is at version %lld by now: read it again",
		       s->script_id, (long long)s->version);
}

void scripts_write(struct jsonw *w, const struct store_script *s)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "script_id", s->script_id);
	jsonw_int(w, "version", s->version);
	jsonw_str(w, "label", s->label);
	control_write_hash(w, "sha256", &s->sha256);
	jsonw_u64(w, "size", s->size);
	jsonw_str(w, "author", s->author);
	jsonw_str_or_null(w, "note", s->note);
	jsonw_time(w, "created_at", s->created);
	if (s->content)
		jsonw_strn(w, "content", s->content, s->size);
	jsonw_object_end(w);
}

static void write_note(struct jsonw *w, bool fatal, struct guard_place at,
		       const char *text)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "severity", fatal ? "error" : "note");
	jsonw_u64(w, "line", at.line);
	jsonw_u64(w, "column", at.column);
	jsonw_str(w, "message", text);
	jsonw_object_end(w);
}

void scripts_write_notes(struct jsonw *w, const char *key,
			 const struct scripts_text *t)
{
	const struct outline *o = &t->outline;
	char text[64];

	jsonw_array(w, key);
	for (size_t i = 0; i < o->n_notes; i++)
		write_note(w, o->notes[i].fatal, o->notes[i].at,
			   o->notes[i].text);
	if (t->encoding) {
		snprintf(text, sizeof(text), "converted from %.20s to UTF-8",
			 t->encoding);
		write_note(w, false, (struct guard_place){ 0 }, text);
	}
	jsonw_array_end(w);
}
