/* SPDX-License-Identifier: MIT */
#include "tl/dyn_int.h"
#include "tl/skip.h"

struct reading {
	struct tl_reader *r;
	const struct schema *s;
	struct arena *a;
	struct err_info *ei;
};

static enum err read_fields(struct reading *rd, const struct schema_ctor *c,
			    unsigned int depth, struct dyn **ret);

static enum err nomem(struct reading *rd)
{
	rd->r->rc = ERR_NOMEM;
	return err_set(rd->ei, ERR_NOMEM, "TL: too much for the arena");
}

static enum err read_obj(struct reading *rd, uint16_t type, unsigned int depth,
			 struct dyn_val *ret)
{
	const struct schema_ctor *c = skip_head(rd->r, rd->s, type, rd->ei);

	if (!c)
		return rd->r->rc;
	ret->kind = DYN_OBJ;
	return read_fields(rd, c, depth, &ret->obj);
}

static enum err read_scalar(struct reading *rd, const struct schema_field *f,
			    struct dyn_val *ret)
{
	struct tl_reader *r = rd->r;

	switch ((enum schema_kind)f->kind) {
	case SCHEMA_TRUE:
		*ret = (struct dyn_val){ .kind = DYN_BOOL, .b = true };
		break;
	case SCHEMA_BOOL:
		*ret = (struct dyn_val){ .kind = DYN_BOOL,
					 .b = cursor_get_bool(r) };
		break;
	case SCHEMA_LONG:
		*ret = (struct dyn_val){ .kind = DYN_INT,
					 .i = cursor_get_i64(r) };
		break;
	case SCHEMA_DOUBLE:
		*ret = (struct dyn_val){ .kind = DYN_DOUBLE,
					 .d = cursor_get_double(r) };
		break;
	case SCHEMA_STRING:
		*ret = (struct dyn_val){ .kind = DYN_BYTES,
					 .bytes = cursor_get_string(r) };
		break;
	case SCHEMA_BYTES:
		*ret = (struct dyn_val){ .kind = DYN_BYTES,
					 .bytes = cursor_get_bytes(r) };
		break;
	case SCHEMA_INT128:
	case SCHEMA_INT256:
		ret->kind = DYN_BYTES;
		ret->bytes.len = schema_min_bytes(f);
		ret->bytes.data = cursor_get_raw(r, ret->bytes.len);
		break;
	case SCHEMA_FLAGS:
	case SCHEMA_INT:
	case SCHEMA_OBJ:
	case SCHEMA_BARE:
	case SCHEMA_ANY:
		*ret = (struct dyn_val){ .kind = DYN_INT,
					 .i = cursor_get_i32(r) };
		break;
	}
	return r->rc;
}

static enum err read_value(struct reading *rd, const struct schema_field *f,
			   unsigned int depth, struct dyn_val *ret)
{
	if (f->kind == SCHEMA_OBJ)
		return read_obj(rd, f->type, depth + 1, ret);
	if (f->kind == SCHEMA_ANY)
		return read_obj(rd, TLT_NONE, depth + 1, ret);
	if (f->kind == SCHEMA_BARE) {
		ret->kind = DYN_OBJ;
		return read_fields(rd, schema_by_name(rd->s, f->type),
				   depth + 1, &ret->obj);
	}
	return read_scalar(rd, f, ret);
}

static enum err read_vec(struct reading *rd, const struct schema_field *f,
			 unsigned int depth, struct dyn_val *ret)
{
	struct dyn_vec *v = dyn_vec_new(rd->a);
	size_t min = schema_min_bytes(f);
	uint32_t n = f->vec == SCHEMA_VEC ? cursor_get_vector(rd->r, min)
					  : cursor_get_count(rd->r, min);

	if (rd->r->rc)
		return rd->r->rc;
	if (!v)
		return nomem(rd);
	v->items = n > 0 ? arena_array(rd->a, n, sizeof(*v->items)) : NULL;
	if (n > 0 && !v->items)
		return nomem(rd);
	v->n = n;
	v->cap = n;
	for (uint32_t i = 0; i < n; i++) {
		enum err rc = read_value(rd, f, depth, &v->items[i]);
		if (rc)
			return rc;
	}
	*ret = (struct dyn_val){ .kind = DYN_VEC, .vec = v };
	return ERR_OK;
}

static enum err read_field(struct reading *rd, const struct schema_field *f,
			   unsigned int depth, struct dyn_val *ret)
{
	*ret = (struct dyn_val){ .kind = DYN_NONE };
	return f->vec ? read_vec(rd, f, depth, ret)
		      : read_value(rd, f, depth, ret);
}

static enum err read_fields(struct reading *rd, const struct schema_ctor *c,
			    unsigned int depth, struct dyn **ret)
{
	const struct schema_field *f = schema_fields(rd->s, c);
	uint32_t words[SCHEMA_FLAG_WORDS] = { 0 };
	struct dyn *d;

	if (depth > SKIP_DEPTH_MAX)
		return skip_bad(rd->r, rd->ei, "nested too deeply",
				schema_name_text(c->name));
	d = dyn_new(rd->a, c->name);
	if (!d)
		return nomem(rd);
	for (size_t i = 0; i < c->n_fields; i++, f++) {
		struct dyn_val v;

		if (f->kind == SCHEMA_FLAGS) {
			words[f->word] = cursor_get_u32(rd->r);
			continue;
		}
		if (!schema_present(f, words))
			continue;
		if (read_field(rd, f, depth, &v))
			return err_wrap(rd->ei, rd->r->rc, "%s.%s",
					schema_name_text(c->name),
					schema_field_text(f->name));
		if (dyn_append(d, f->name, v))
			return nomem(rd);
	}
	if (rd->r->rc)
		return skip_bad(rd->r, rd->ei, "cut",
				schema_name_text(c->name));
	*ret = d;
	return ERR_OK;
}

enum err dyn_read(struct tl_reader *r, const struct schema *s, struct arena *a,
		  struct dyn **ret, struct err_info *ei)
{
	struct reading rd = { r, s, a, ei };
	struct dyn_val v = { .kind = DYN_NONE };
	enum err rc;

	if (ei)
		ei->msg[0] = '\0';
	rc = read_obj(&rd, TLT_NONE, 0, &v);
	if (rc)
		return rc;
	*ret = v.obj;
	return ERR_OK;
}

enum err dyn_read_result(struct tl_reader *r, const struct schema *s,
			 uint16_t function, struct arena *a,
			 struct dyn_val *ret, struct err_info *ei)
{
	const struct schema_ctor *c = schema_by_name(s, function);
	struct reading rd = { r, s, a, ei };
	struct schema_field f;
	struct dyn_val v;
	enum err rc;

	if (!c || !c->is_function)
		return err_set(ei, ERR_INVALID, "TL: %s has no function %s",
			       s->text, schema_name_text(function));
	if (ei)
		ei->msg[0] = '\0';
	f = (struct schema_field){ .type = c->type,
				   .kind = c->result_kind,
				   .vec = c->result_vec,
				   .flag = SCHEMA_ALWAYS };
	rc = read_field(&rd, &f, 0, &v);
	if (rc)
		return err_wrap(ei, rc, "answer to %s",
				schema_name_text(function));
	*ret = v;
	return ERR_OK;
}
