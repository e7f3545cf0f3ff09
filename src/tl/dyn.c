/* SPDX-License-Identifier: MIT */
#include "tl/dyn.h"

#include <string.h>

#include "tl/dyn_int.h"

#define FIELDS_FIRST 8
#define ITEMS_FIRST 4

struct dyn *dyn_new(struct arena *a, uint16_t name)
{
	struct dyn *d = arena_alloc(a, sizeof(*d));

	if (!d)
		return NULL;
	d->arena = a;
	d->name = name;
	return d;
}

struct dyn_vec *dyn_vec_new(struct arena *a)
{
	struct dyn_vec *v = arena_alloc(a, sizeof(*v));

	if (v)
		v->arena = a;
	return v;
}

static struct dyn_field *find(const struct dyn *d, uint16_t field)
{
	for (size_t i = 0; d && i < d->n; i++) {
		if (d->fields[i].name == field)
			return &d->fields[i];
	}
	return NULL;
}

/* The old array stays in the arena until that dies. */
static enum err grow_fields(struct dyn *d)
{
	uint16_t cap = d->cap ? (uint16_t)(2 * d->cap) : FIELDS_FIRST;
	struct dyn_field *f = arena_array(d->arena, cap, sizeof(*f));

	if (!f) {
		d->bad = true;
		return ERR_NOMEM;
	}
	if (d->n > 0)
		memcpy(f, d->fields, d->n * sizeof(*f));
	d->fields = f;
	d->cap = cap;
	return ERR_OK;
}

enum err dyn_append(struct dyn *d, uint16_t field, struct dyn_val v)
{
	if (d->n == d->cap) {
		enum err rc = grow_fields(d);
		if (rc)
			return rc;
	}
	d->fields[d->n].name = field;
	d->fields[d->n++].val = v;
	return ERR_OK;
}

void dyn_set_val(struct dyn *d, uint16_t field, struct dyn_val v)
{
	struct dyn_field *f = find(d, field);

	if (f)
		f->val = v;
	else if (d && dyn_append(d, field, v))
		d->bad = true;
}

void dyn_unset(struct dyn *d, uint16_t field)
{
	struct dyn_field *f = find(d, field);

	if (f)
		*f = d->fields[--d->n];
}

void dyn_set_bool(struct dyn *d, uint16_t field, bool v)
{
	dyn_set_val(d, field, (struct dyn_val){ .kind = DYN_BOOL, .b = v });
}

void dyn_set_int(struct dyn *d, uint16_t field, int64_t v)
{
	dyn_set_val(d, field, (struct dyn_val){ .kind = DYN_INT, .i = v });
}

void dyn_set_double(struct dyn *d, uint16_t field, double v)
{
	dyn_set_val(d, field, (struct dyn_val){ .kind = DYN_DOUBLE, .d = v });
}

/* Copies; kind DYN_NONE when there was no memory. */
static struct dyn_val copied(struct arena *a, const void *data, size_t len)
{
	struct dyn_val v = { .kind = DYN_BYTES };

	if (len > 0) {
		v.bytes.data = arena_dup(a, data, len);
		v.bytes.len = len;
		if (!v.bytes.data)
			v.kind = DYN_NONE;
	}
	return v;
}

void dyn_set_bytes(struct dyn *d, uint16_t field, const void *v, size_t len)
{
	struct dyn_val val;

	if (!d)
		return;
	val = copied(d->arena, v, len);
	if (val.kind == DYN_NONE)
		d->bad = true;
	else
		dyn_set_val(d, field, val);
}

void dyn_set_str(struct dyn *d, uint16_t field, const char *v)
{
	dyn_set_bytes(d, field, v, strlen(v));
}

void dyn_set_obj(struct dyn *d, uint16_t field, struct dyn *v)
{
	if (v)
		dyn_set_val(d, field,
			    (struct dyn_val){ .kind = DYN_OBJ, .obj = v });
	else if (d)
		d->bad = true;
}

void dyn_set_vec(struct dyn *d, uint16_t field, struct dyn_vec *v)
{
	if (v)
		dyn_set_val(d, field,
			    (struct dyn_val){ .kind = DYN_VEC, .vec = v });
	else if (d)
		d->bad = true;
}

struct dyn_vec *dyn_add_vec(struct dyn *d, uint16_t field)
{
	struct dyn_vec *v = d ? dyn_vec_new(d->arena) : NULL;

	dyn_set_vec(d, field, v);
	return v;
}

void dyn_push_val(struct dyn_vec *v, struct dyn_val val)
{
	if (!v || v->bad)
		return;
	if (v->n == v->cap) {
		uint32_t cap = v->cap ? 2 * v->cap : ITEMS_FIRST;
		struct dyn_val *items =
			arena_array(v->arena, cap, sizeof(*items));

		if (!items) {
			v->bad = true;
			return;
		}
		if (v->n > 0)
			memcpy(items, v->items, v->n * sizeof(*items));
		v->items = items;
		v->cap = cap;
	}
	v->items[v->n++] = val;
}

void dyn_push_int(struct dyn_vec *v, int64_t i)
{
	dyn_push_val(v, (struct dyn_val){ .kind = DYN_INT, .i = i });
}

void dyn_push_bytes(struct dyn_vec *v, const void *data, size_t len)
{
	struct dyn_val val;

	if (!v)
		return;
	val = copied(v->arena, data, len);
	if (val.kind == DYN_NONE)
		v->bad = true;
	else
		dyn_push_val(v, val);
}

void dyn_push_str(struct dyn_vec *v, const char *text)
{
	dyn_push_bytes(v, text, strlen(text));
}

void dyn_push_obj(struct dyn_vec *v, struct dyn *obj)
{
	if (obj)
		dyn_push_val(v,
			     (struct dyn_val){ .kind = DYN_OBJ, .obj = obj });
	else if (v)
		v->bad = true;
}

const struct dyn_val *dyn_get(const struct dyn *d, uint16_t field)
{
	const struct dyn_field *f = find(d, field);

	return f ? &f->val : NULL;
}

static const struct dyn_val *get_kind(const struct dyn *d, uint16_t field,
				      enum dyn_kind kind)
{
	const struct dyn_val *v = dyn_get(d, field);

	return v && v->kind == kind ? v : NULL;
}

bool dyn_bool(const struct dyn *d, uint16_t field)
{
	const struct dyn_val *v = get_kind(d, field, DYN_BOOL);

	return v && v->b;
}

int64_t dyn_int(const struct dyn *d, uint16_t field, int64_t dflt)
{
	const struct dyn_val *v = get_kind(d, field, DYN_INT);

	return v ? v->i : dflt;
}

double dyn_double(const struct dyn *d, uint16_t field, double dflt)
{
	const struct dyn_val *v = get_kind(d, field, DYN_DOUBLE);

	return v ? v->d : dflt;
}

struct tl_bytes dyn_bytes(const struct dyn *d, uint16_t field)
{
	const struct dyn_val *v = get_kind(d, field, DYN_BYTES);

	return v ? v->bytes : (struct tl_bytes){ NULL, 0 };
}

const char *dyn_str(const struct dyn *d, uint16_t field)
{
	struct tl_bytes b = dyn_bytes(d, field);

	return b.len > 0 ? arena_str(d->arena, b.data, b.len) : "";
}

struct dyn *dyn_obj(const struct dyn *d, uint16_t field)
{
	const struct dyn_val *v = get_kind(d, field, DYN_OBJ);

	return v ? v->obj : NULL;
}

struct dyn_vec *dyn_vec(const struct dyn *d, uint16_t field)
{
	const struct dyn_val *v = get_kind(d, field, DYN_VEC);

	return v ? v->vec : NULL;
}

uint32_t dyn_len(const struct dyn_vec *v)
{
	return v ? v->n : 0;
}

struct dyn *dyn_item(const struct dyn_vec *v, uint32_t i)
{
	if (!v || i >= v->n || v->items[i].kind != DYN_OBJ)
		return NULL;
	return v->items[i].obj;
}
