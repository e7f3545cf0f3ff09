/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/bug.h"
#include "tl/bind.h"
#include "tl/skip.h"

struct binding {
	struct tl_writer *w;
	const struct schema *s;
	struct err_info *ei;
};

static enum err write_any(struct binding *b, uint16_t type, unsigned int depth,
			  const struct tlt_any *v);

static const struct bind_ctor *wanted(uint16_t name)
{
	uint16_t i = name < TLN_COUNT ? bind_by_name[name] : 0;

	return i ? &bind_ctors[i - 1] : NULL;
}

static enum err write_query(struct binding *b, const struct tl_bytes *query)
{
	if (query->len == 0)
		return err_set(b->ei, ERR_INVALID, "the query is not set");
	cursor_put_raw(b->w, query->data, query->len);
	return b->w->rc;
}

static enum err write_value(struct binding *b, const struct schema_field *f,
			    unsigned int depth, const void *at)
{
	const struct tl_bytes *bytes = at;

	switch ((enum schema_kind)f->kind) {
	case SCHEMA_BOOL:
		cursor_put_bool(b->w, *(const bool *)at);
		break;
	case SCHEMA_INT:
		cursor_put_i32(b->w, *(const int32_t *)at);
		break;
	case SCHEMA_LONG:
		cursor_put_i64(b->w, *(const int64_t *)at);
		break;
	case SCHEMA_DOUBLE:
		cursor_put_double(b->w, *(const double *)at);
		break;
	case SCHEMA_INT128:
	case SCHEMA_INT256:
		cursor_put_raw(b->w, at, schema_min_bytes(f));
		break;
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
		cursor_put_bytes(b->w, bytes->data, bytes->len);
		break;
	case SCHEMA_OBJ:
		return write_any(b, f->type, depth + 1, at);
	case SCHEMA_ANY:
		return write_query(b, bytes);
	case SCHEMA_TRUE:
	case SCHEMA_FLAGS:
	case SCHEMA_BARE:
		break;
	}
	return b->w->rc;
}

static size_t item_size(const struct schema_field *f)
{
	if (f->kind == SCHEMA_INT)
		return sizeof(int32_t);
	if (f->kind == SCHEMA_LONG)
		return sizeof(int64_t);
	return f->kind == SCHEMA_OBJ ? sizeof(struct tlt_any)
				     : sizeof(struct tl_bytes);
}

static enum err write_vec(struct binding *b, const struct schema_field *f,
			  unsigned int depth, const struct tlv_any *v)
{
	const char *item = (const char *)v->v;

	cursor_put_vector(b->w, v->n);
	for (uint32_t i = 0; i < v->n; i++, item += item_size(f)) {
		enum err rc = write_value(b, f, depth, item);
		if (rc)
			return rc;
	}
	return b->w->rc;
}

static uint32_t flag_word(const struct schema_field *f,
			  const struct bind_field *at, size_t n, uint8_t word,
			  const char *v)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < n; i++) {
		uint16_t where = at[i].has_offset != BIND_NOWHERE
					 ? at[i].has_offset
					 : at[i].offset;

		if (f[i].flag == SCHEMA_ALWAYS || f[i].flag / 32 != word)
			continue;
		if (*(const bool *)(const void *)(v + where))
			bits |= UINT32_C(1) << (f[i].flag % 32);
	}
	return bits;
}

static enum err write_struct(struct binding *b, uint16_t name,
			     unsigned int depth, const char *v)
{
	const struct schema_ctor *c = schema_by_name(b->s, name);
	const struct bind_field *at = wanted(name)->fields;
	const struct schema_field *f = schema_fields(b->s, c);
	uint32_t words[SCHEMA_FLAG_WORDS] = { 0 };

	if (depth > SKIP_DEPTH_MAX)
		return err_set(b->ei, ERR_INVALID, "%s: nested too deeply",
			       schema_name_text(name));
	cursor_put_u32(b->w, c->id);
	for (size_t i = 0; i < c->n_fields; i++) {
		const void *from = v + at[i].offset;
		enum err rc;

		if (f[i].kind == SCHEMA_FLAGS) {
			words[f[i].word] =
				flag_word(f, at, c->n_fields, f[i].word, v);
			cursor_put_u32(b->w, words[f[i].word]);
			continue;
		}
		if (!schema_present(&f[i], words))
			continue;
		rc = f[i].vec ? write_vec(b, &f[i], depth, from)
			      : write_value(b, &f[i], depth, from);
		if (rc)
			return err_wrap(b->ei, rc, "%s.%s",
					schema_name_text(name),
					schema_field_text(f[i].name));
	}
	return b->w->rc;
}

static enum err write_any(struct binding *b, uint16_t type, unsigned int depth,
			  const struct tlt_any *v)
{
	const struct schema_ctor *c = schema_by_name(b->s, v->kind);

	if (v->kind == TLN_NONE && v->raw.len > 0) {
		cursor_put_raw(b->w, v->raw.data, v->raw.len);
		return b->w->rc;
	}
	if (v->kind == TLN_NONE)
		return err_set(b->ei, ERR_INVALID, "no %s is set",
			       schema_type_text(type));
	if (!c || c->is_function || c->type != type || !wanted(v->kind) ||
	    !v->any)
		return err_set(b->ei, ERR_INVALID, "%s is no %s to be written",
			       schema_name_text(v->kind),
			       schema_type_text(type));
	return write_struct(b, v->kind, depth, v->any);
}

static enum err undo(struct tl_writer *w, size_t mark, enum err rc)
{
	if (rc)
		w->out->len = w->out->pos + mark;
	return rc;
}

enum err bind_write(struct tl_writer *w, uint16_t name, const void *v,
		    struct err_info *ei)
{
	const struct bind_ctor *bc = wanted(name);
	struct binding b = { w, NULL, ei };
	size_t mark = buf_len(w->out);

	BUG_ON(!bc);
	b.s = bc->schema;
	if (ei)
		ei->msg[0] = '\0';
	return undo(w, mark, write_struct(&b, name, 0, v));
}

enum err bind_write_type(struct tl_writer *w, const struct schema *s,
			 uint16_t type, const struct tlt_any *v,
			 struct err_info *ei)
{
	struct binding b = { w, s, ei };
	size_t mark = buf_len(w->out);

	if (ei)
		ei->msg[0] = '\0';
	return undo(w, mark, write_any(&b, type, 0, v));
}
