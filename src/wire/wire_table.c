/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/bug.h"
#include "base/text.h"
#include "base/walltime.h"
#include "wire/wire_int.h"

#define SECONDS_MAX 1e9
#define BYTES_MAX 256

struct reader {
	struct arena *arena;
	struct err_info *ei;
};

typedef enum err (*get_fn)(const struct reader *r, const struct wire_row *row,
			   struct json obj, void *base);
typedef void (*put_fn)(struct jsonw *w, const struct wire_row *row,
		       const void *base);

static enum err get_rows(const struct reader *r, const struct wire_table *t,
			 size_t from, struct json obj, void *base);
static void put_rows(struct jsonw *w, const struct wire_table *t, size_t from,
		     const void *base);

static void *field(void *base, size_t at)
{
	return (char *)base + at;
}

static const void *cfield(const void *base, size_t at)
{
	return (const char *)base + at;
}

/* Lists have many types of pointer: their bytes are moved. */
static void set_list(const struct wire_row *row, void *base, const void *list,
		     size_t n)
{
	memcpy(field(base, row->at), &list, sizeof(list));
	*(size_t *)field(base, row->n_at) = n;
}

static const char *get_list(const struct wire_row *row, const void *base,
			    size_t *ret_n)
{
	const char *list;

	memcpy(&list, cfield(base, row->at), sizeof(list));
	*ret_n = *(const size_t *)cfield(base, row->n_at);
	return list;
}

/* --- text --- */

static enum err dump(const struct reader *r, const struct wire_row *row,
		     struct json v, const char **ret)
{
	struct buf out;
	enum err rc;

	buf_init(&out, (size_t)row->max);
	rc = json_dump(v, &out);
	if (!rc) {
		*ret = arena_str(r->arena, buf_head(&out), buf_len(&out));
		rc = *ret ? ERR_OK : ERR_NOMEM;
	}
	buf_deinit(&out);
	return rc == ERR_TOOBIG
		       ? err_set(r->ei, rc, "\"%s\" is too big", row->name)
		       : rc;
}

static enum err copy(const struct reader *r, const struct wire_row *row,
		     struct json obj, const char **ret)
{
	const char *text = NULL;
	enum err rc;

	rc = json_want_str(obj, row->name, (size_t)row->max, &text, r->ei);
	if (rc || !text || !*text)
		return rc;
	*ret = arena_str(r->arena, text, strlen(text));
	return *ret ? ERR_OK : ERR_NOMEM;
}

static enum err get_text(const struct reader *r, const struct wire_row *row,
			 struct json obj, void *base)
{
	const struct json v = json_get(obj, row->name);
	const char *text = row->flags & WIRE_SAY ? NULL : row->dflt;
	bool raw = row->kind == WIRE_JSON ||
		   (row->flags & WIRE_LOOSE && !json_is_string(v));
	enum err rc = ERR_OK;

	if (!json_missing(v) && !json_is_null(v))
		rc = raw ? dump(r, row, v, &text) : copy(r, row, obj, &text);
	if (!rc && !text && row->flags & WIRE_NEED)
		rc = err_set(r->ei, ERR_INVALID, "\"%s\" is missing or empty",
			     row->name);
	if (!rc)
		*(const char **)field(base, row->at) = text;
	return rc;
}

static void put_text(struct jsonw *w, const struct wire_row *row,
		     const void *base)
{
	const char *text = *(const char *const *)cfield(base, row->at);

	if (!text)
		text = row->dflt;
	if (!text && row->flags & WIRE_OMIT)
		return;
	if (text && row->kind == WIRE_JSON)
		jsonw_raw(w, row->name, text, strlen(text));
	else
		jsonw_str_or_null(w, row->name, text);
}

static enum err get_word(const struct reader *r, const struct wire_row *row,
			 struct json obj, void *base)
{
	const char *word = NULL;
	enum err rc = json_need_str(obj, row->name, WIRE_ID_MAX, &word, r->ei);

	if (!rc && !wire_status_parse(word, field(base, row->at)))
		rc = err_set(r->ei, ERR_INVALID,
			     "\"%s\" %s is not known; online, offline and "
			     "error are",
			     row->name, word);
	return rc;
}

static void put_word(struct jsonw *w, const struct wire_row *row,
		     const void *base)
{
	const enum wire_status *word = cfield(base, row->at);

	jsonw_str(w, row->name, wire_status_name(*word));
}

/* --- numbers --- */

static enum err get_int(const struct reader *r, const struct wire_row *row,
			struct json obj, void *base)
{
	int *narrow = field(base, row->at);
	int64_t v, *ret = field(base, row->at);
	enum err rc;

	v = row->kind == WIRE_INT ? *narrow : *ret;
	rc = (row->flags & WIRE_NEED ? json_need_int : json_want_int)(
		obj, row->name, row->min, row->max, &v, r->ei);
	if (rc)
		return rc;
	if (row->kind == WIRE_INT)
		*narrow = (int)v;
	else
		*ret = v;
	return ERR_OK;
}

static void put_int(struct jsonw *w, const struct wire_row *row,
		    const void *base)
{
	int64_t v = row->kind == WIRE_INT
			    ? *(const int *)cfield(base, row->at)
			    : *(const int64_t *)cfield(base, row->at);

	if (v || !(row->flags & WIRE_OMIT))
		jsonw_int(w, row->name, v);
}

static enum err get_bool(const struct reader *r, const struct wire_row *row,
			 struct json obj, void *base)
{
	bool *ret = field(base, row->at);

	if (!(row->flags & WIRE_LOOSE))
		return json_want_bool(obj, row->name, ret, r->ei);
	*ret = json_bool(json_get(obj, row->name), *ret);
	return ERR_OK;
}

static void put_bool(struct jsonw *w, const struct wire_row *row,
		     const void *base)
{
	jsonw_bool(w, row->name, *(const bool *)cfield(base, row->at));
}

/* Milliseconds are what is written, so they are what is read. */
static enum err get_time(const struct reader *r, const struct wire_row *row,
			 struct json obj, void *base)
{
	struct json v = json_get(obj, row->name);
	struct wall *t = field(base, row->at);
	double sec = json_double(v, 0);

	t->us = 0;
	if (json_is_string(v)) {
		if (walltime_parse(json_str(v, ""), t))
			t->us = 0;
	} else if (sec > 0 && sec < SECONDS_MAX * 10) {
		t->us = (int64_t)(sec * (double)US_PER_SEC);
	}
	t->us -= t->us % US_PER_MS;
	return ERR_OK;
}

static void put_time(struct jsonw *w, const struct wire_row *row,
		     const void *base)
{
	const struct wall *t = cfield(base, row->at);

	if (t->us || !(row->flags & WIRE_OMIT))
		jsonw_time(w, row->name, *t);
}

static enum err get_seconds(const struct reader *r, const struct wire_row *row,
			    struct json obj, void *base)
{
	double sec = json_double(json_get(obj, row->name), -1);

	/* less than half a millisecond is none */
	if (!(sec >= 0.0005 && sec < SECONDS_MAX))
		return err_set(r->ei, ERR_INVALID,
			       "\"%s\" must be a positive number of seconds",
			       row->name);
	*(int64_t *)field(base, row->at) = (int64_t)llround(sec * 1000);
	return ERR_OK;
}

static void put_seconds(struct jsonw *w, const struct wire_row *row,
			const void *base)
{
	int64_t ms = *(const int64_t *)cfield(base, row->at);

	if (ms % 1000)
		jsonw_double(w, row->name, (double)ms / 1000);
	else
		jsonw_int(w, row->name, ms / 1000);
}

static void put_count(struct jsonw *w, const struct wire_row *row,
		      const void *base)
{
	size_t n = *(const size_t *)cfield(base, row->at);

	if (!n)
		n = *(const size_t *)cfield(base, row->n_at);
	jsonw_u64(w, row->name, n);
}

static enum err get_missing(const struct reader *r, const struct wire_row *row,
			    struct json obj, void *base)
{
	*(bool *)field(base, row->at) = json_missing(json_get(obj, row->name));
	return ERR_OK;
}

/* --- bytes --- */

static enum err get_bytes(const struct reader *r, const struct wire_row *row,
			  struct json obj, void *base)
{
	uint8_t bytes[BYTES_MAX];
	const char *text = NULL;
	size_t len = 0, n = (size_t)row->max;
	enum err rc;

	BUG_ON(n > sizeof(bytes));
	rc = json_need_str(obj, row->name, TEXT_B64_LEN(n), &text, r->ei);
	if (rc)
		return rc;
	if (text_unb64(bytes, n, &len, text, strlen(text), TEXT_B64_STD) ||
	    len != n)
		rc = err_set(r->ei, ERR_INVALID,
			     "\"%s\" must be %zu bytes in base64", row->name,
			     n);
	else if (row->kind == WIRE_SECRET)
		rc = secret_init(field(base, row->at), bytes, n);
	else
		memcpy(field(base, row->at), bytes, n);
	secret_wipe(bytes, sizeof(bytes));
	return rc;
}

static void put_bytes(struct jsonw *w, const struct wire_row *row,
		      const void *base)
{
	char text[TEXT_B64_LEN(BYTES_MAX) + 1];

	BUG_ON(row->max > BYTES_MAX);
	text_b64(text, cfield(base, row->at), (size_t)row->max, TEXT_B64_STD);
	jsonw_str(w, row->name, text);
}

/* --- lists --- */

static enum err get_struct(const struct reader *r, const struct wire_table *t,
			   struct json obj, void *base)
{
	if (!json_is_object(obj))
		return err_set(r->ei, ERR_INVALID, "must be a JSON object");
	return get_rows(r, t, 0, obj, base);
}

/* A missing list is empty; so is a map that is something else. */
static enum err open_list(const struct reader *r, const struct wire_row *row,
			  struct json v, size_t *ret_n)
{
	bool map = row->kind == WIRE_MAP;

	*ret_n = 0;
	if (json_missing(v) || json_is_null(v) || (map && !json_is_object(v)))
		return ERR_OK;
	if (!map && !json_is_array(v))
		return err_set(r->ei, ERR_INVALID, "\"%s\" must be an array",
			       row->name);
	if (json_len(v) > (size_t)row->max)
		return err_set(r->ei, ERR_TOOBIG,
			       "\"%s\" has %zu items, the most is %lld",
			       row->name, json_len(v), (long long)row->max);
	*ret_n = json_len(v);
	return ERR_OK;
}

static enum err get_numbers(const struct reader *r, const struct wire_row *row,
			    struct json obj, void *base)
{
	struct json v = json_get(obj, row->name);
	struct json_iter it;
	int64_t *list;
	size_t n, i = 0;
	enum err rc;

	rc = open_list(r, row, v, &n);
	if (rc || !n)
		return rc;
	list = arena_array(r->arena, n, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (it = json_iter(v); json_next(&it); i++) {
		if (json_is_int(it.val))
			list[i] = json_int(it.val, 0);
		else if (!json_is_string(it.val) ||
			 text_i64(json_str(it.val, ""), &list[i]))
			return err_set(r->ei, ERR_INVALID,
				       "\"%s\" must be whole numbers",
				       row->name);
	}
	set_list(row, base, list, n);
	return ERR_OK;
}

static void put_numbers(struct jsonw *w, const struct wire_row *row,
			const void *base)
{
	const int64_t *const *list = cfield(base, row->at);
	const size_t *n = cfield(base, row->n_at);

	jsonw_array(w, row->name);
	for (size_t i = 0; i < *n; i++)
		jsonw_int(w, NULL, (*list)[i]);
	jsonw_array_end(w);
}

/* The key is the first row; a value that is no object has no members. */
static enum err get_entry(const struct reader *r, const struct wire_row *row,
			  const struct json_iter *it, void *item)
{
	const struct wire_row *key = &row->of->rows[0];
	const char *text;

	if (!*it->key || strlen(it->key) > (size_t)key->max)
		return err_set(r->ei, ERR_INVALID,
			       "a key of 1 to %lld bytes is expected",
			       (long long)key->max);
	text = arena_str(r->arena, it->key, strlen(it->key));
	if (!text)
		return ERR_NOMEM;
	*(const char **)field(item, key->at) = text;
	return get_rows(r, row->of, 1, it->val, item);
}

static enum err get_items(const struct reader *r, const struct wire_row *row,
			  struct json obj, void *base)
{
	struct json v = json_get(obj, row->name);
	struct json_iter it;
	size_t n, i = 0;
	char *list, *item;
	enum err rc;

	rc = open_list(r, row, v, &n);
	if (rc || !n)
		return rc;
	list = item = arena_array(r->arena, n, row->of->size);
	if (!list)
		return ERR_NOMEM;
	for (it = json_iter(v); json_next(&it); i++, item += row->of->size) {
		rc = it.key ? get_entry(r, row, &it, item)
			    : get_struct(r, row->of, it.val, item);
		if (rc && it.key)
			return err_wrap(r->ei, rc, "%s[%.*s]", row->name,
					WIRE_ID_MAX, it.key);
		if (rc)
			return err_wrap(r->ei, rc, "%s[%zu]", row->name, i);
	}
	set_list(row, base, list, n);
	return ERR_OK;
}

static void put_list(struct jsonw *w, const struct wire_row *row,
		     const void *base)
{
	size_t n;
	const char *item = get_list(row, base, &n);

	if (!n && row->flags & WIRE_OMIT)
		return;
	jsonw_array(w, row->name);
	for (; n; n--, item += row->of->size) {
		jsonw_object(w, NULL);
		put_rows(w, row->of, 0, item);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void put_map(struct jsonw *w, const struct wire_row *row,
		    const void *base)
{
	const size_t key_at = row->of->rows[0].at;
	size_t n;
	const char *item = get_list(row, base, &n);

	jsonw_object(w, row->name);
	for (; n; n--, item += row->of->size) {
		jsonw_object(w, *(const char *const *)cfield(item, key_at));
		put_rows(w, row->of, 1, item);
		jsonw_object_end(w);
	}
	jsonw_object_end(w);
}

/* --- objects --- */

static enum err get_object(const struct reader *r, const struct wire_row *row,
			   struct json obj, void *base)
{
	struct json v = json_get(obj, row->name);
	enum err rc;

	if (!json_is_object(v))
		return ERR_OK;
	rc = get_rows(r, row->of, 0, v, field(base, row->at));
	if (rc)
		return err_wrap(r->ei, rc, "%s", row->name);
	if (row->n_at != WIRE_NOWHERE)
		*(bool *)field(base, row->n_at) = true;
	return ERR_OK;
}

static bool has_object(const struct wire_row *row, const void *base)
{
	const void *obj = cfield(base, row->at);

	if (row->n_at != WIRE_NOWHERE)
		return *(const bool *)cfield(base, row->n_at);
	return *(const char *const *)cfield(obj, row->of->rows[0].at) != NULL;
}

static void put_object(struct jsonw *w, const struct wire_row *row,
		       const void *base)
{
	if (has_object(row, base)) {
		jsonw_object(w, row->name);
		put_rows(w, row->of, 0, cfield(base, row->at));
		jsonw_object_end(w);
	} else if (!(row->flags & WIRE_OMIT)) {
		jsonw_null(w, row->name);
	}
}

static const struct {
	get_fn get; /* NULL: written only */
	put_fn put; /* NULL: read only */
} kinds[WIRE_KINDS] = {
	[WIRE_STR] = { get_text, put_text },
	[WIRE_JSON] = { get_text, put_text },
	[WIRE_I64] = { get_int, put_int },
	[WIRE_INT] = { get_int, put_int },
	[WIRE_BOOL] = { get_bool, put_bool },
	[WIRE_TIME] = { get_time, put_time },
	[WIRE_SECONDS] = { get_seconds, put_seconds },
	[WIRE_WORD] = { get_word, put_word },
	[WIRE_BYTES] = { get_bytes, put_bytes },
	[WIRE_SECRET] = { get_bytes, NULL },
	[WIRE_NUMBERS] = { get_numbers, put_numbers },
	[WIRE_OBJECT] = { get_object, put_object },
	[WIRE_LIST] = { get_items, put_list },
	[WIRE_MAP] = { get_items, put_map },
	[WIRE_COUNT] = { NULL, put_count },
	[WIRE_MISSING] = { get_missing, NULL },
};

static enum err get_rows(const struct reader *r, const struct wire_table *t,
			 size_t from, struct json obj, void *base)
{
	enum err rc;

	for (size_t i = from; i < t->n; i++) {
		if (!kinds[t->rows[i].kind].get)
			continue;
		rc = kinds[t->rows[i].kind].get(r, &t->rows[i], obj, base);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static void put_rows(struct jsonw *w, const struct wire_table *t, size_t from,
		     const void *base)
{
	for (size_t i = from; i < t->n; i++)
		if (kinds[t->rows[i].kind].put)
			kinds[t->rows[i].kind].put(w, &t->rows[i], base);
}

enum err wire_table_encode(const struct wire_table *t, const void *msg,
			   struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	put_rows(&w, t, 0, msg);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

enum err wire_table_decode(const struct wire_table *t, const void *text,
			   size_t len, size_t max_len, struct arena *a,
			   void *msg, struct err_info *ei)
{
	const struct reader r = { a, ei };
	struct json_doc doc;
	enum err rc;

	rc = json_parse(&doc, text, len, max_len, ei);
	if (rc)
		return rc;
	rc = get_struct(&r, t, json_root(&doc), msg);
	json_free(&doc);
	return rc;
}
