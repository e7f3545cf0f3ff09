/* SPDX-License-Identifier: MIT */
#include "tl/dyn_int.h"
#include "tl/skip.h"

struct writing {
	struct tl_writer *w;
	const struct schema *s;
	struct err_info *ei;
};

static enum err write_obj(struct writing *wr, const struct dyn *d,
			  const struct schema_field *f, unsigned int depth);

static enum err unfit(struct writing *wr, const struct schema_field *f,
		      const char *why)
{
	return err_set(wr->ei, ERR_INVALID, "%s: %s",
		       schema_field_text(f->name), why);
}

static bool item_fits(const struct schema *s, const struct schema_field *f,
		      const struct dyn_val *v)
{
	const struct schema_ctor *c;

	switch ((enum schema_kind)f->kind) {
	case SCHEMA_TRUE:
		return true;
	case SCHEMA_BOOL:
		return v->kind == DYN_BOOL;
	case SCHEMA_INT:
	case SCHEMA_LONG:
	case SCHEMA_DOUBLE:
		return v->kind == DYN_INT || v->kind == DYN_DOUBLE;
	case SCHEMA_OBJ:
		if (v->kind != DYN_OBJ)
			return false;
		c = v->obj ? schema_by_name(s, v->obj->name) : NULL;
		return c && !c->is_function && c->type == f->type;
	case SCHEMA_BARE:
	case SCHEMA_ANY:
		return v->kind == DYN_OBJ;
	case SCHEMA_INT128:
	case SCHEMA_INT256:
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
	case SCHEMA_FLAGS:
		break;
	}
	return v->kind == DYN_BYTES;
}

/*
 * May an optional field stay?  Objects are built for the newest layer; what an
 * older one cannot say under the same name is left out there.
 */
static bool stays(const struct schema *s, const struct schema_field *f,
		  const struct dyn_val *v)
{
	if (s == &schema_api_223 || !s->layer)
		return true; /* a misfit is our mistake, and refused */
	if (!f->vec)
		return v->kind != DYN_VEC && item_fits(s, f, v);
	if (v->kind != DYN_VEC)
		return false;
	for (uint32_t i = 0; i < v->vec->n; i++) {
		if (!item_fits(s, f, &v->vec->items[i]))
			return false;
	}
	return true;
}

static uint32_t flag_word(const struct schema *s, const struct schema_ctor *c,
			  const struct dyn *d, uint8_t word)
{
	const struct schema_field *f = schema_fields(s, c);
	uint32_t bits = 0;

	for (size_t i = 0; i < c->n_fields; i++, f++) {
		const struct dyn_val *v;

		if (f->flag == SCHEMA_ALWAYS || f->flag / 32 != word)
			continue;
		v = dyn_get(d, f->name);
		if (v && stays(s, f, v) &&
		    (f->kind != SCHEMA_TRUE || f->vec || v->b))
			bits |= UINT32_C(1) << (f->flag % 32);
	}
	return bits;
}

/* What a required field holds that nobody set. */
static enum err write_neutral(struct writing *wr, const struct schema_field *f)
{
	static const uint8_t zeros[32];
	const struct schema_ctor *c;
	const struct schema_field *inner;

	if (f->vec == SCHEMA_VEC) {
		cursor_put_vector(wr->w, 0);
		return ERR_OK;
	}
	if (f->vec || f->kind != SCHEMA_OBJ) {
		if (!f->vec &&
		    (f->kind == SCHEMA_ANY || f->kind == SCHEMA_BARE))
			return unfit(wr, f, "is required");
		if (!f->vec && f->kind == SCHEMA_BOOL)
			cursor_put_bool(wr->w, false);
		else if (f->vec || f->kind != SCHEMA_TRUE)
			cursor_put_raw(wr->w, zeros,
				       f->vec ? 4 : schema_min_bytes(f));
		return ERR_OK;
	}
	c = schema_default(wr->s, f->type);
	if (!c)
		return unfit(wr, f, "is required");
	cursor_put_u32(wr->w, c->id);
	inner = schema_fields(wr->s, c);
	for (size_t i = 0; i < c->n_fields; i++, inner++) {
		if (inner->kind == SCHEMA_FLAGS)
			cursor_put_u32(wr->w, 0);
	}
	return ERR_OK;
}

static enum err write_bytes(struct writing *wr, const struct schema_field *f,
			    const struct dyn_val *v)
{
	if (v->kind != DYN_BYTES)
		return unfit(wr, f, "wants bytes or a string");
	if (f->kind == SCHEMA_STRING || f->kind == SCHEMA_BYTES) {
		cursor_put_bytes(wr->w, v->bytes.data, v->bytes.len);
		return ERR_OK;
	}
	if (v->bytes.len != schema_min_bytes(f))
		return unfit(wr, f, "has the wrong number of bytes");
	cursor_put_raw(wr->w, v->bytes.data, v->bytes.len);
	return ERR_OK;
}

/* Some fields are an int in one layer and a double in another: no fraction. */
static bool whole(const struct dyn_val *v, int64_t *ret)
{
	if (v->kind == DYN_DOUBLE && v->d > -9e18 && v->d < 9e18)
		*ret = (int64_t)v->d;
	else if (v->kind == DYN_INT)
		*ret = v->i;
	else
		return false;
	return true;
}

static enum err write_scalar(struct writing *wr, const struct schema_field *f,
			     const struct dyn_val *v)
{
	int64_t n = 0;

	switch ((enum schema_kind)f->kind) {
	case SCHEMA_TRUE:
		return ERR_OK;
	case SCHEMA_BOOL:
		if (v->kind != DYN_BOOL)
			return unfit(wr, f, "wants a Bool");
		cursor_put_bool(wr->w, v->b);
		return ERR_OK;
	case SCHEMA_INT:
		if (!whole(v, &n) || n != (int32_t)n)
			return unfit(wr, f, "wants a number of 32 bits");
		cursor_put_i32(wr->w, (int32_t)n);
		return ERR_OK;
	case SCHEMA_LONG:
		if (!whole(v, &n))
			return unfit(wr, f, "wants a number");
		cursor_put_i64(wr->w, n);
		return ERR_OK;
	case SCHEMA_DOUBLE:
		if (v->kind != DYN_DOUBLE && v->kind != DYN_INT)
			return unfit(wr, f, "wants a double");
		cursor_put_double(wr->w,
				  v->kind == DYN_INT ? (double)v->i : v->d);
		return ERR_OK;
	case SCHEMA_INT128:
	case SCHEMA_INT256:
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
	case SCHEMA_FLAGS:
	case SCHEMA_OBJ:
	case SCHEMA_BARE:
	case SCHEMA_ANY:
		break;
	}
	return write_bytes(wr, f, v);
}

static enum err write_value(struct writing *wr, const struct schema_field *f,
			    const struct dyn_val *v, unsigned int depth)
{
	if (f->kind != SCHEMA_OBJ && f->kind != SCHEMA_ANY &&
	    f->kind != SCHEMA_BARE)
		return write_scalar(wr, f, v);
	if (v->kind != DYN_OBJ)
		return unfit(wr, f, "wants an object");
	return write_obj(wr, v->obj, f, depth + 1);
}

/* An older layer has no name for what this is. */
static bool unsayable(const struct schema *s, const struct schema_field *f,
		      const struct dyn_val *v)
{
	return s != &schema_api_223 && s->layer && f->kind == SCHEMA_OBJ &&
	       v->kind == DYN_OBJ && v->obj && !v->obj->bad &&
	       !schema_by_name(s, v->obj->name);
}

static uint32_t sayable(const struct writing *wr, const struct schema_field *f,
			const struct dyn_vec *v)
{
	uint32_t i, n = 0;

	for (i = 0; i < v->n; i++)
		n += !unsayable(wr->s, f, &v->items[i]);
	return n;
}

static enum err write_field(struct writing *wr, const struct schema_field *f,
			    const struct dyn_val *v, unsigned int depth)
{
	if (!v)
		return write_neutral(wr, f);
	if (!f->vec)
		return unsayable(wr->s, f, v) && schema_default(wr->s, f->type)
			       ? write_neutral(wr, f)
			       : write_value(wr, f, v, depth);
	if (v->kind != DYN_VEC)
		return unfit(wr, f, "wants a vector");
	if (v->vec->bad)
		return err_set(wr->ei, ERR_NOMEM, "%s: was out of memory",
			       schema_field_text(f->name));
	if (f->vec == SCHEMA_VEC)
		cursor_put_vector(wr->w, sayable(wr, f, v->vec));
	else
		cursor_put_u32(wr->w, sayable(wr, f, v->vec));
	for (uint32_t i = 0; i < v->vec->n; i++) {
		enum err rc =
			unsayable(wr->s, f, &v->vec->items[i])
				? ERR_OK
				: write_value(wr, f, &v->vec->items[i], depth);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err write_fields(struct writing *wr, const struct schema_ctor *c,
			     const struct dyn *d, unsigned int depth)
{
	const struct schema_field *f = schema_fields(wr->s, c);
	uint32_t words[SCHEMA_FLAG_WORDS] = { 0 };

	for (size_t i = 0; i < c->n_fields; i++, f++) {
		enum err rc;

		if (f->kind == SCHEMA_FLAGS) {
			words[f->word] = flag_word(wr->s, c, d, f->word);
			cursor_put_u32(wr->w, words[f->word]);
			continue;
		}
		if (!schema_present(f, words))
			continue;
		rc = write_field(wr, f, dyn_get(d, f->name), depth);
		if (rc)
			return err_wrap(wr->ei, rc, "%s",
					schema_name_text(d->name));
	}
	return wr->w->rc;
}

/* f says what is expected: a type, any, or a bare constructor; NULL is any. */
static enum err write_obj(struct writing *wr, const struct dyn *d,
			  const struct schema_field *f, unsigned int depth)
{
	const struct schema_ctor *c;

	if (!d || d->bad)
		return err_set(wr->ei, ERR_NOMEM, "%s: was out of memory",
			       d ? schema_name_text(d->name) : "TL object");
	if (depth > SKIP_DEPTH_MAX)
		return err_set(wr->ei, ERR_INVALID, "%s: nested too deeply",
			       schema_name_text(d->name));
	c = schema_by_name(wr->s, d->name);
	if (!c)
		return err_set(wr->ei, ERR_INVALID, "%s: %s has no such thing",
			       schema_name_text(d->name), wr->s->text);
	if (f && f->kind == SCHEMA_OBJ &&
	    (c->is_function || c->type != f->type))
		return err_set(wr->ei, ERR_INVALID, "%s: is no %s",
			       schema_name_text(d->name),
			       schema_type_text(f->type));
	if (f && f->kind == SCHEMA_BARE) {
		if (c->name != f->type)
			return unfit(wr, f, "is another constructor");
	} else {
		cursor_put_u32(wr->w, c->id);
	}
	return write_fields(wr, c, d, depth);
}

/* A failed write leaves the buffer as it was. */
static enum err undo(struct tl_writer *w, size_t mark, enum err rc)
{
	if (rc)
		w->out->len = w->out->pos + mark;
	return rc;
}

enum err dyn_write(struct tl_writer *w, const struct schema *s,
		   const struct dyn *d, struct err_info *ei)
{
	struct writing wr = { w, s, ei };
	size_t mark = buf_len(w->out);

	if (ei)
		ei->msg[0] = '\0';
	return undo(w, mark, write_obj(&wr, d, NULL, 0));
}

enum err dyn_write_result(struct tl_writer *w, const struct schema *s,
			  uint16_t function, const struct dyn_val *v,
			  struct err_info *ei)
{
	const struct schema_ctor *c = schema_by_name(s, function);
	struct writing wr = { w, s, ei };
	size_t mark = buf_len(w->out);
	struct schema_field f;
	enum err rc;

	if (ei)
		ei->msg[0] = '\0';
	if (!c || !c->is_function)
		return err_set(ei, ERR_INVALID, "TL: %s has no function %s",
			       s->text, schema_name_text(function));
	f = (struct schema_field){ .type = c->type,
				   .kind = c->result_kind,
				   .vec = c->result_vec,
				   .flag = SCHEMA_ALWAYS };
	rc = write_field(&wr, &f, v, 0);
	if (!rc)
		rc = w->rc;
	if (rc)
		return undo(w, mark,
			    err_wrap(ei, rc, "answer to %s",
				     schema_name_text(function)));
	return ERR_OK;
}
