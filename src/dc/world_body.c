/* SPDX-License-Identifier: MIT */
/* Bodies: what was said, and what hangs on it. */
#include <stdlib.h>
#include <string.h>

#include "dc/world_int.h"

/* ---- blobs */

enum err world_blob_new(const void *data, size_t len, struct world_blob **ret)
{
	struct world_blob *b;

	if (len > WORLD_BLOB_MAX)
		return ERR_TOOBIG;
	b = malloc(sizeof(*b) + len);
	if (!b)
		return ERR_NOMEM;
	b->refs = 1;
	b->len = (uint32_t)len;
	if (len)
		memcpy(b->data, data, len);
	*ret = b;
	return ERR_OK;
}

struct world_blob *world_blob_ref(struct world_blob *b)
{
	if (b)
		b->refs++;
	return b;
}

void world_blob_unref(struct world_blob *b)
{
	if (b && !--b->refs)
		free(b);
}

static bool same_blob(const struct world_blob *a, const struct world_blob *b)
{
	return a == b || (a && b && a->len == b->len &&
			  !memcmp(a->data, b->data, a->len));
}

/* ---- bodies */

const struct world_extra *world_extra(const struct world_body *b)
{
	static const struct world_extra none;

	return b->extra ? b->extra : &none;
}

bool world_extra_is_empty(const struct world_extra *x)
{
	return !x->fwd_from && !x->grouped_id && !x->file_id && !x->reply_to &&
	       !x->topic && !x->entities && !x->markup && !x->object;
}

static void undress(struct world_body *b)
{
	if (!b->extra)
		return;
	world_blob_unref(b->extra->entities);
	world_blob_unref(b->extra->markup);
	world_blob_unref(b->extra->object);
	free(b->extra);
	b->extra = NULL;
}

enum err world_body_dress(struct world_body *b, const struct world_extra *x)
{
	struct world_extra *copy;

	if (world_extra_is_empty(x)) {
		undress(b);
		return ERR_OK;
	}
	copy = malloc(sizeof(*copy));
	if (!copy)
		return ERR_NOMEM;
	*copy = *x;
	world_blob_ref(copy->entities);
	world_blob_ref(copy->markup);
	world_blob_ref(copy->object);
	undress(b);
	b->extra = copy;
	return ERR_OK;
}

struct world_body *world_body_new(int64_t id, int64_t from, int32_t date,
				  enum world_kind kind, const char *text,
				  size_t text_len)
{
	struct world_body *b = malloc(sizeof(*b) + text_len + 1);

	if (!b)
		return NULL;
	*b = (struct world_body){ .id = id,
				  .from = from,
				  .date = date,
				  .kind = (uint8_t)kind,
				  .refs = 1,
				  .text_len = (uint32_t)text_len };
	b->text = b->first;
	if (text_len)
		memcpy(b->text, text, text_len);
	b->text[text_len] = '\0';
	return b;
}

enum err world_body_make(struct world *w, const struct world_new_msg *n,
			 struct world_body **ret)
{
	struct world_body *b = world_body_new(w->next_body, n->from, n->date,
					      n->kind, n->text, n->text_len);
	enum err rc;

	if (!b)
		return ERR_NOMEM;
	rc = world_body_dress(b, &n->extra);
	if (rc) {
		world_body_unref(b);
		return rc;
	}
	b->noforwards = n->noforwards;
	w->next_body++;
	if (w->observer)
		w->observer->on_body(w->observer_ctx, b);
	*ret = b;
	return ERR_OK;
}

void world_body_unref(struct world_body *b)
{
	if (!b || --b->refs)
		return;
	undress(b);
	if (b->text != b->first)
		free(b->text);
	free(b);
}

/* ---- changed afterwards */

static enum err set_text(struct world_body *b, const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return ERR_NOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (b->text != b->first)
		free(b->text);
	b->text = copy;
	b->text_len = (uint32_t)len;
	return ERR_OK;
}

enum err world_body_edit(struct world_body *b, const struct world_rewrite *r)
{
	struct world_extra x = *world_extra(b);
	bool text = r->text && (r->text_len != b->text_len ||
				memcmp(b->text, r->text, r->text_len) != 0);
	bool entities = r->text && !same_blob(x.entities, r->entities);
	bool markup = !r->keep_markup && !same_blob(x.markup, r->markup);
	enum err rc = ERR_OK;

	if (r->text_len > WORLD_TEXT_MAX || (!text && !entities && !markup))
		return ERR_INVALID;
	if (r->text)
		x.entities = r->entities;
	if (!r->keep_markup)
		x.markup = r->markup;
	if (entities || markup)
		rc = world_body_dress(b, &x);
	if (!rc && text)
		rc = set_text(b, r->text, r->text_len);
	if (!rc)
		b->edit_date = r->date;
	return rc;
}
