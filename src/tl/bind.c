/* SPDX-License-Identifier: MIT */
#include "tl/bind.h"

#include <string.h>

#include "base/bug.h"
#include "tl/skip.h"

struct binding {
	struct tl_reader *r;
	const struct schema *s;
	struct arena *a;
	struct err_info *ei;
};

static enum err read_any(struct binding *b, uint16_t type, unsigned int depth,
			 struct tlt_any *ret);

static const struct bind_ctor *wanted(uint16_t name)
{
	uint16_t i = name < TLN_COUNT ? bind_by_name[name] : 0;

	return i ? &bind_ctors[i - 1] : NULL;
}

static size_t item_size(const struct schema_field *f)
{
	switch ((enum schema_kind)f->kind) {
	case SCHEMA_INT:
		return sizeof(int32_t);
	case SCHEMA_LONG:
		return sizeof(int64_t);
	case SCHEMA_OBJ:
		return sizeof(struct tlt_any);
	case SCHEMA_FLAGS:
	case SCHEMA_TRUE:
	case SCHEMA_BOOL:
	case SCHEMA_DOUBLE:
	case SCHEMA_INT128:
	case SCHEMA_INT256:
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
	case SCHEMA_BARE:
	case SCHEMA_ANY:
		break;
	}
	return sizeof(struct tl_bytes);
}

/* !X: whatever follows, as it is. */
static void read_query(struct binding *b, unsigned int depth,
		       struct tl_bytes *ret)
{
	const struct schema_field any = { .kind = SCHEMA_ANY };

	ret->data = b->r->at;
	if (!skip_field(b->r, b->s, &any, depth, b->ei))
		ret->len = (size_t)(b->r->at - ret->data);
}

static enum err read_value(struct binding *b, const struct schema_field *f,
			   unsigned int depth, void *at)
{
	struct tl_reader *r = b->r;

	switch ((enum schema_kind)f->kind) {
	case SCHEMA_TRUE:
		*(bool *)at = true;
		break;
	case SCHEMA_BOOL:
		*(bool *)at = cursor_get_bool(r);
		break;
	case SCHEMA_INT:
		*(int32_t *)at = cursor_get_i32(r);
		break;
	case SCHEMA_LONG:
		*(int64_t *)at = cursor_get_i64(r);
		break;
	case SCHEMA_DOUBLE:
		*(double *)at = cursor_get_double(r);
		break;
	case SCHEMA_INT128:
	case SCHEMA_INT256:
		cursor_get_fixed(r, at, schema_min_bytes(f));
		break;
	case SCHEMA_STRING:
		*(struct tl_bytes *)at = cursor_get_string(r);
		break;
	case SCHEMA_BYTES:
		*(struct tl_bytes *)at = cursor_get_bytes(r);
		break;
	case SCHEMA_OBJ:
		return read_any(b, f->type, depth + 1, at);
	case SCHEMA_ANY:
		read_query(b, depth + 1, at);
		break;
	case SCHEMA_FLAGS:
	case SCHEMA_BARE: /* the generator refuses it in a wanted struct */
		cursor_fail(r);
		break;
	}
	return r->rc;
}

static enum err read_vec(struct binding *b, const struct schema_field *f,
			 unsigned int depth, struct tlv_any *ret)
{
	uint32_t n = cursor_get_vector(b->r, schema_min_bytes(f));
	size_t size = item_size(f);
	char *items = NULL;

	if (n > 0) {
		items = arena_array(b->a, n, size);
		if (!items) {
			b->r->rc = ERR_NOMEM;
			return ERR_NOMEM;
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		enum err rc = read_value(b, f, depth, items + i * size);
		if (rc)
			return rc;
	}
	ret->n = n;
	ret->v = (struct tlt_any *)(void *)items;
	return b->r->rc;
}

static enum err read_struct(struct binding *b, const struct schema_ctor *c,
			    unsigned int depth, char *out)
{
	const struct bind_field *at = wanted(c->name)->fields;
	const struct schema_field *f = schema_fields(b->s, c);
	uint32_t words[SCHEMA_FLAG_WORDS] = { 0 };

	if (depth > SKIP_DEPTH_MAX)
		return skip_bad(b->r, b->ei, "nested too deeply",
				schema_name_text(c->name));
	for (size_t i = 0; i < c->n_fields; i++, f++, at++) {
		void *to = out + at->offset;

		if (f->kind == SCHEMA_FLAGS) {
			words[f->word] = cursor_get_u32(b->r);
			continue;
		}
		if (!schema_present(f, words))
			continue;
		if (at->has_offset != BIND_NOWHERE)
			*(bool *)(void *)(out + at->has_offset) = true;
		if (f->vec ? read_vec(b, f, depth, to)
			   : read_value(b, f, depth, to))
			return err_wrap(b->ei, b->r->rc, "%s.%s",
					schema_name_text(c->name),
					schema_field_text(f->name));
	}
	return b->r->rc;
}

static enum err read_any(struct binding *b, uint16_t type, unsigned int depth,
			 struct tlt_any *ret)
{
	const uint8_t *start = b->r->at;
	const struct schema_ctor *c = skip_head(b->r, b->s, type, b->ei);
	const struct bind_ctor *bc;
	struct tlt_any out = { TLN_NONE, { start, 0 }, NULL };
	enum err rc;

	if (!c)
		return b->r->rc;
	bc = wanted(c->name);
	if (bc) {
		out.kind = c->name;
		out.any = arena_alloc(b->a, bc->size);
		if (!out.any) {
			b->r->rc = ERR_NOMEM;
			return ERR_NOMEM;
		}
		rc = read_struct(b, c, depth, out.any);
	} else {
		rc = skip_body(b->r, b->s, c, depth, b->ei);
	}
	if (rc)
		return rc;
	out.raw.len = (size_t)(b->r->at - start);
	*ret = out;
	return ERR_OK;
}

static void fresh(struct err_info *ei)
{
	if (ei)
		ei->msg[0] = '\0';
}

enum err bind_read(struct tl_reader *r, uint16_t name, struct arena *a,
		   void *ret, struct err_info *ei)
{
	const struct bind_ctor *bc = wanted(name);
	struct binding b = { r, NULL, a, ei };
	const struct schema_ctor *c;

	BUG_ON(!bc);
	b.s = bc->schema;
	fresh(ei);
	c = skip_head(r, bc->schema, TLT_NONE, ei);
	if (!c)
		return r->rc;
	if (c->name != name)
		return skip_bad(r, ei, "is another constructor",
				schema_name_text(name));
	memset(ret, 0, bc->size);
	return read_struct(&b, c, 0, ret);
}

enum err bind_read_type(struct tl_reader *r, const struct schema *s,
			uint16_t type, struct arena *a, struct tlt_any *ret,
			struct err_info *ei)
{
	struct binding b = { r, s, a, ei };

	fresh(ei);
	return read_any(&b, type, 0, ret);
}

enum err bind_read_vec(struct tl_reader *r, const struct schema *s,
		       uint16_t type, struct arena *a, struct tlv_any *ret,
		       struct err_info *ei)
{
	const struct schema_field f = { .kind = SCHEMA_OBJ,
					.type = type,
					.vec = SCHEMA_VEC };
	struct binding b = { r, s, a, ei };

	fresh(ei);
	return read_vec(&b, &f, 0, ret);
}

/* Where a field of the struct v is; NULL: it has none, or it is absent. */
static const void *field_at(uint16_t name, const void *v, uint16_t field,
			    const struct schema_field **ret)
{
	const struct bind_ctor *bc = wanted(name);
	const struct schema_ctor *c;
	const struct schema_field *f;
	size_t i = 0;

	if (!bc || !v)
		return NULL;
	c = schema_by_name(bc->schema, name);
	f = schema_fields(bc->schema, c);
	while (i < c->n_fields && f[i].name != field)
		i++;
	if (i == c->n_fields)
		return NULL;
	if (bc->fields[i].has_offset != BIND_NOWHERE &&
	    !*(const bool *)((const char *)v + bc->fields[i].has_offset))
		return NULL;
	*ret = &f[i];
	return (const char *)v + bc->fields[i].offset;
}

bool bind_int(uint16_t name, const void *v, uint16_t field, int64_t *ret)
{
	const struct schema_field *f;
	const void *at = field_at(name, v, field, &f);

	if (!at || f->vec || (f->kind != SCHEMA_INT && f->kind != SCHEMA_LONG))
		return false;
	*ret = f->kind == SCHEMA_INT ? *(const int32_t *)at
				     : *(const int64_t *)at;
	return true;
}

const struct tlt_any *bind_obj(uint16_t name, const void *v, uint16_t field,
			       uint16_t type)
{
	const struct schema_field *f;
	const void *at = field_at(name, v, field, &f);

	return at && !f->vec && f->kind == SCHEMA_OBJ && f->type == type ? at
									 : NULL;
}

const struct tlv_any *bind_vec(uint16_t name, const void *v, uint16_t field,
			       uint16_t type)
{
	const struct schema_field *f;
	const void *at = field_at(name, v, field, &f);

	return at && f->vec && f->kind == SCHEMA_OBJ && f->type == type ? at
									: NULL;
}
