/* SPDX-License-Identifier: MIT */
#include "test/lib/tl_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

uint16_t tl_json_name(const char *name)
{
	for (uint16_t i = 1; i < TLN_COUNT; i++) {
		if (!strcmp(schema_name_text(i), name))
			return i;
	}
	return TLN_NONE;
}

uint16_t tl_json_type(const char *name)
{
	for (uint16_t i = 1; i < TLT_COUNT; i++) {
		if (!strcmp(schema_type_text(i), name))
			return i;
	}
	return TLT_NONE;
}

struct tl_bytes tl_json_hex(struct json v, struct arena *a)
{
	size_t n = json_strlen(v);
	uint8_t *p = arena_alloc(a, n / 2 + 1);

	if (!p || !json_is_string(v) ||
	    text_unhex(p, n / 2, json_str(v, ""), n))
		abort();
	return (struct tl_bytes){ p, n / 2 };
}

static enum err scalar(struct json v, const struct schema_field *f,
		       struct arena *a, struct dyn_val *ret)
{
	switch ((enum schema_kind)f->kind) {
	case SCHEMA_TRUE:
	case SCHEMA_BOOL:
		*ret = (struct dyn_val){ .kind = DYN_BOOL,
					 .b = json_bool(v, false) };
		return json_is_bool(v) ? ERR_OK : ERR_INVALID;
	case SCHEMA_INT:
		*ret = (struct dyn_val){ .kind = DYN_INT, .i = json_int(v, 0) };
		return json_is_int(v) ? ERR_OK : ERR_INVALID;
	case SCHEMA_LONG:
		*ret = (struct dyn_val){ .kind = DYN_INT };
		return text_i64(json_str(v, ""), &ret->i);
	case SCHEMA_DOUBLE:
		*ret = (struct dyn_val){ .kind = DYN_DOUBLE,
					 .d = json_is_int(v)
						      ? (double)json_int(v, 0)
						      : json_double(v, 0) };
		return json_is_number(v) ? ERR_OK : ERR_INVALID;
	case SCHEMA_STRING:
		*ret = (struct dyn_val){ .kind = DYN_BYTES };
		ret->bytes.len = json_strlen(v);
		ret->bytes.data =
			arena_dup(a, json_str(v, ""), ret->bytes.len + 1);
		return json_is_string(v) ? ERR_OK : ERR_INVALID;
	case SCHEMA_BYTES:
	case SCHEMA_INT128:
	case SCHEMA_INT256:
		*ret = (struct dyn_val){ .kind = DYN_BYTES,
					 .bytes = tl_json_hex(v, a) };
		return ERR_OK;
	case SCHEMA_FLAGS:
	case SCHEMA_OBJ:
	case SCHEMA_BARE:
	case SCHEMA_ANY:
		break;
	}
	return ERR_INVALID;
}

static enum err fields(struct json v, const struct schema *s, uint16_t name,
		       struct arena *a, struct dyn **ret, struct err_info *ei);

static enum err value(struct json v, const struct schema *s,
		      const struct schema_field *f, struct arena *a,
		      struct dyn_val *ret, struct err_info *ei)
{
	if (f->kind == SCHEMA_BARE) {
		ret->kind = DYN_OBJ;
		return fields(v, s, f->type, a, &ret->obj, ei);
	}
	if (f->kind == SCHEMA_OBJ || f->kind == SCHEMA_ANY) {
		ret->kind = DYN_OBJ;
		return tl_json_to_dyn(v, s, a, &ret->obj, ei);
	}
	return scalar(v, f, a, ret);
}

static enum err field(struct json v, const struct schema *s,
		      const struct schema_field *f, struct arena *a,
		      struct dyn_val *ret, struct err_info *ei)
{
	if (!f->vec)
		return value(v, s, f, a, ret, ei);
	if (!json_is_array(v))
		return ERR_INVALID;
	*ret = (struct dyn_val){ .kind = DYN_VEC, .vec = dyn_vec_new(a) };
	for (struct json_iter it = json_iter(v); json_next(&it);) {
		struct dyn_val item = { .kind = DYN_NONE };
		enum err rc = value(it.val, s, f, a, &item, ei);
		if (rc)
			return rc;
		dyn_push_val(ret->vec, item);
	}
	return ERR_OK;
}

static const struct schema_field *field_named(const struct schema *s,
					      const struct schema_ctor *c,
					      const char *name)
{
	const struct schema_field *f = schema_fields(s, c);

	for (size_t i = 0; i < c->n_fields; i++, f++) {
		if (!strcmp(schema_field_text(f->name), name))
			return f;
	}
	return NULL;
}

static enum err fields(struct json v, const struct schema *s, uint16_t name,
		       struct arena *a, struct dyn **ret, struct err_info *ei)
{
	const struct schema_ctor *c = schema_by_name(s, name);
	struct dyn *d;

	if (!c)
		return err_set(ei, ERR_INVALID, "%s is not in %s",
			       schema_name_text(name), s->text);
	d = dyn_new(a, name);
	for (struct json_iter it = json_iter(v); json_next(&it);) {
		const struct schema_field *f;
		struct dyn_val val = { .kind = DYN_NONE };
		enum err rc;

		if (!strcmp(it.key, "_"))
			continue;
		f = field_named(s, c, it.key);
		if (!f)
			return err_set(ei, ERR_INVALID, "%s has no %s",
				       schema_name_text(name), it.key);
		rc = field(it.val, s, f, a, &val, ei);
		if (rc)
			return err_wrap(ei, rc, "%s.%s", schema_name_text(name),
					it.key);
		dyn_set_val(d, f->name, val);
	}
	*ret = d;
	return ERR_OK;
}

enum err tl_json_to_dyn(struct json v, const struct schema *s, struct arena *a,
			struct dyn **ret, struct err_info *ei)
{
	const char *name = json_str(json_get(v, "_"), "");

	ei->msg[0] = '\0';
	if (!tl_json_name(name))
		return err_set(ei, ERR_INVALID, "no constructor %s", name);
	return fields(v, s, tl_json_name(name), a, ret, ei);
}

static bool same_bytes(struct tl_bytes a, struct tl_bytes b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.data, b.data, a.len));
}

static bool same_obj(const struct schema *s, const struct dyn *want,
		     const struct dyn *got, struct err_info *ei);

static bool same_val(const struct schema *s, const struct dyn_val *a,
		     const struct dyn_val *b, struct err_info *ei)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case DYN_NONE:
		break;
	case DYN_BOOL:
		return a->b == b->b;
	case DYN_INT:
		return a->i == b->i;
	case DYN_DOUBLE:
		return !memcmp(&a->d, &b->d, sizeof(a->d));
	case DYN_BYTES:
		return same_bytes(a->bytes, b->bytes);
	case DYN_OBJ:
		return same_obj(s, a->obj, b->obj, ei);
	case DYN_VEC:
		if (a->vec->n != b->vec->n)
			return false;
		for (uint32_t i = 0; i < a->vec->n; i++) {
			if (!same_val(s, &a->vec->items[i], &b->vec->items[i],
				      ei))
				return false;
		}
		return true;
	}
	return false;
}

/* An absent field is one that says no more than its absence. */
static bool absent(const struct schema_field *f, const struct dyn_val *v)
{
	if (!v)
		return true;
	if (f->kind == SCHEMA_TRUE)
		return !v->b;
	return f->vec && f->flag != SCHEMA_ALWAYS && v->vec->n == 0;
}

static bool same_obj(const struct schema *s, const struct dyn *want,
		     const struct dyn *got, struct err_info *ei)
{
	const struct schema_ctor *c = schema_by_name(s, want->name);
	const struct schema_field *f = schema_fields(s, c);

	if (want->name != got->name)
		return false;
	for (size_t i = 0; i < c->n_fields; i++, f++) {
		const struct dyn_val *a = dyn_get(want, f->name);
		const struct dyn_val *b = dyn_get(got, f->name);

		if (absent(f, a) && absent(f, b))
			continue;
		if (!a || !b || !same_val(s, a, b, ei)) {
			(void)err_set(ei, ERR_INVALID, "%s.%s differs",
				      schema_name_text(c->name),
				      schema_field_text(f->name));
			return false;
		}
	}
	return true;
}

bool tl_json_same(struct json v, const struct schema *s, const struct dyn *d,
		  struct err_info *ei)
{
	struct dyn *want = NULL;

	if (tl_json_to_dyn(v, s, d->arena, &want, ei))
		return false;
	return same_obj(s, want, d, ei);
}
