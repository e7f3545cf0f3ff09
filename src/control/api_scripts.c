/* SPDX-License-Identifier: MIT */
/* /group-ai/scripts: chat scripts and their versions. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "control/scripts.h"

#define NOTE_MAX 500

static enum err reply(struct http_req *req, int status,
		      const struct store_script *s)
{
	char etag[SCRIPTS_ETAG_MAX];
	struct jsonw w;
	struct buf b;

	scripts_etag(s, etag);
	http_reply_header(req, "ETag", etag);
	control_body_init(&b, &w);
	scripts_write(&w, s);
	control_reply(req, status, &b, &w);
	return ERR_OK;
}

static enum err reply_list(struct control *c, struct http_req *req,
			   struct store_script_query *q, struct err_info *ei)
{
	struct store_scripts l;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = control_page(req, &q->offset, &q->limit, ei);
	if (!rc)
		rc = c->store->ops->script_list(c->store, q,
						http_req_arena(req), &l, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < l.n; i++)
		scripts_write(&w, &l.items[i]);
	return control_list_reply(req, l.total, &b, &w);
}

static enum err list(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct store_script_query q = { 0 };

	return reply_list(ctx, req, &q, ei);
}

static enum err versions(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct store_script_query q = { 0 };
	enum err rc = scripts_path_id(req, &q.script_id, ei);

	return rc ? rc : reply_list(ctx, req, &q, ei);
}

/* --- reading --- */

static enum err read_version(const char *text, int64_t *ret,
			     struct err_info *ei)
{
	if (text && (text_i64(text, ret) || *ret < 1))
		return err_set(ei, ERR_INVALID,
			       "\"%.40s\" is no version: they are counted "
			       "from 1",
			       text);
	return ERR_OK;
}

static enum err load(struct control *c, struct http_req *req,
		     const char *version, struct store_script *ret,
		     struct err_info *ei)
{
	const char *id;
	int64_t v = 0;
	enum err rc = scripts_path_id(req, &id, ei);

	if (!rc)
		rc = read_version(version, &v, ei);
	return rc ? rc
		  : c->store->ops->script_get(c->store, id, v,
					      http_req_arena(req), ret, ei);
}

static enum err get(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct store_script s;
	enum err rc = load(ctx, req, NULL, &s, ei);

	return rc ? rc : reply(req, 200, &s);
}

static enum err get_version(struct http_req *req, void *ctx,
			    struct err_info *ei)
{
	struct store_script s;
	enum err rc = load(ctx, req, http_req_param(req, "v"), &s, ei);

	return rc ? rc : reply(req, 200, &s);
}

/* Does If-None-Match, a list of ETags, name this one? */
static bool known_already(const struct http_req *req, const char *etag)
{
	const char *h = http_req_header(req, "if-none-match");

	return h && (!strcmp(h, "*") || strstr(h, etag));
}

/* For nodes, too. */
static enum err download(struct http_req *req, void *ctx, struct err_info *ei)
{
	char etag[SCRIPTS_ETAG_MAX];
	struct store_script s;
	enum err rc = load(ctx, req, http_req_query(req, "version"), &s, ei);

	if (rc)
		return rc;
	scripts_etag(&s, etag);
	http_reply_header(req, "ETag", etag);
	http_reply_header(req, "Cache-Control", "no-cache");
	if (known_already(req, etag))
		http_reply_empty(req, 304);
	else
		http_reply(req, 200, "application/yaml; charset=utf-8",
			   s.content, s.size);
	return ERR_OK;
}

static enum err validate(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct scripts_text *t;
	struct jsonw w;
	struct buf b;
	enum err rc = scripts_read(req, &t, ei);

	if (rc)
		return rc;
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "valid", t->outline.ok);
	jsonw_str(&w, "script_id", t->outline.script_id);
	jsonw_str(&w, "label", t->outline.label);
	jsonw_int(&w, "schema", t->outline.schema);
	jsonw_str(&w, "shape", t->outline.shape);
	jsonw_u64(&w, "parts", t->outline.parts);
	scripts_write_notes(&w, "notes", t);
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

/* --- writing --- */

static enum err note_change(struct control *c, struct http_req *req,
			    const char *action, const struct store_script *s,
			    struct err_info *ei)
{
	struct jsonw w;
	struct buf b;
	enum err rc;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "version", s->version);
	control_write_hash(&w, "sha256", &s->sha256);
	jsonw_str_or_null(&w, "note", s->note);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	if (!rc)
		rc = audit_note(c, req, action, s->script_id, buf_cstr(&b), ei);
	buf_deinit(&b);
	return rc;
}

static enum err keep(struct control *c, struct http_req *req,
		     const char *action, struct store_script *s,
		     struct err_info *ei)
{
	enum err rc;

	s->author = control_caller(req)->actor;
	s->created = control_wall(c);
	rc = c->store->ops->script_put(c->store, s, ei);
	if (!rc)
		rc = note_change(c, req, action, s, ei);
	return rc ? rc : reply(req, s->version == 1 ? 201 : 200, s);
}

/* What the request holds; its name is the path's, ?script_id= or its own. */
static enum err read_new(struct http_req *req, const char *id,
			 struct store_script *s, struct err_info *ei)
{
	struct scripts_text *t = NULL;
	enum err rc = scripts_read(req, &t, ei);

	if (!rc)
		rc = outline_error(&t->outline, ei);
	if (rc)
		return rc;
	if (id && *t->outline.script_id &&
	    strcmp(id, t->outline.script_id) != 0)
		return err_set(ei, ERR_CONFLICT,
			       "the text says script_id: %.64s, not %.64s",
			       t->outline.script_id, id);
	s->script_id = id ? id : t->outline.script_id;
	s->label = t->outline.label;
	s->content = t->data;
	s->size = t->len;
	s->sha256 = control_sum(t->data, t->len);
	s->note = http_req_query(req, "note");
	if (s->note && strlen(s->note) > NOTE_MAX)
		return err_set(ei, ERR_TOOBIG,
			       "\"note\" is longer than %d "
			       "bytes",
			       NOTE_MAX);
	return outline_check_id(s->script_id, ei);
}

static enum err create(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct store_script s = { .version = 1 };
	enum err rc = read_new(req, http_req_query(req, "script_id"), &s, ei);

	return rc ? rc : keep(ctx, req, "script.create", &s, ei);
}

/* The same text again is no new version. */
static enum err follow(struct control *c, struct http_req *req,
		       const char *action, const struct store_script *now,
		       struct store_script *s, struct err_info *ei)
{
	if (!memcmp(&now->sha256, &s->sha256, sizeof(s->sha256)))
		return reply(req, 200, now);
	s->version = now->version + 1;
	return keep(c, req, action, s, ei);
}

static enum err update(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct store_script s = { 0 }, now;
	enum err rc = load(ctx, req, NULL, &now, ei);

	if (!rc)
		rc = scripts_match(req, &now, ei);
	if (!rc)
		rc = read_new(req, now.script_id, &s, ei);
	return rc ? rc : follow(ctx, req, "script.update", &now, &s, ei);
}

static enum err restore(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct store_script s, now;
	enum err rc = load(ctx, req, http_req_param(req, "v"), &s, ei);

	if (!rc)
		rc = load(ctx, req, NULL, &now, ei);
	if (!rc)
		rc = scripts_match(req, &now, ei);
	if (rc)
		return rc;
	s.note = arena_printf(http_req_arena(req), "version %lld restored",
			      (long long)s.version);
	return follow(ctx, req, "script.restore", &now, &s, ei);
}

static enum err drop(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_script now;
	enum err rc = load(c, req, NULL, &now, ei);

	if (!rc)
		rc = scripts_match(req, &now, ei);
	if (!rc)
		rc = c->store->ops->script_delete(c->store, now.script_id, ei);
	if (!rc)
		rc = note_change(c, req, "script.delete", &now, ei);
	return rc ? rc : control_reply_ok(req);
}

static const struct router_row rows[] = {
	{ "GET", API "/group-ai/scripts", AUTH_READ, 0, 0, list,
	  "List chat scripts" },
	{ "POST", API "/group-ai/scripts", AUTH_WRITE, 0, SCRIPTS_BODY_MAX,
	  create, "Store a new script: its YAML as the body" },
	{ "POST", API "/group-ai/scripts/validate", AUTH_READ, CHANGE_OWN,
	  SCRIPTS_BODY_MAX, validate,
	  "What is wrong with a script, and where" },
	{ "GET", API "/group-ai/scripts/{id}", AUTH_READ, 0, 0, get,
	  "One script" },
	{ "PUT", API "/group-ai/scripts/{id}", AUTH_WRITE, 0, SCRIPTS_BODY_MAX,
	  update, "Its next version: the YAML as the body" },
	{ "DELETE", API "/group-ai/scripts/{id}", AUTH_WRITE, 0, 0, drop,
	  "Remove a script that no account has, with its versions" },
	{ "GET", API "/group-ai/scripts/{id}/download", AUTH_READ | AUTH_NODE,
	  0, 0, download, "Its YAML; ?version= for an earlier one" },
	{ "GET", API "/group-ai/scripts/{id}/versions", AUTH_READ, 0, 0,
	  versions, "Its versions, newest first" },
	{ "GET", API "/group-ai/scripts/{id}/versions/{v}", AUTH_READ, 0, 0,
	  get_version, "One version" },
	{ "POST", API "/group-ai/scripts/{id}/versions/{v}/restore", AUTH_WRITE,
	  0, 4096, restore, "Make an earlier version the newest" },
};

API_TABLE(api_scripts_table);
