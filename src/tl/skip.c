/* SPDX-License-Identifier: MIT */
#include "tl/skip.h"

static enum err skip_ctor(struct tl_reader *r, const struct schema *s,
			  const struct schema_ctor *c, unsigned int depth,
			  struct err_info *ei);

enum err skip_bad(struct tl_reader *r, struct err_info *ei, const char *why,
		  const char *what)
{
	cursor_fail(r);
	return err_set(ei, r->rc, "TL: %s: %s", what, why);
}

const struct schema_ctor *skip_head(struct tl_reader *r, const struct schema *s,
				    uint16_t type, struct err_info *ei)
{
	uint32_t id = cursor_get_u32(r);
	const struct schema_ctor *c = r->rc ? NULL : schema_find(s, id);
	enum err rc = ERR_PROTO;

	if (r->rc)
		rc = err_set(ei, r->rc, "TL: cut before a constructor");
	else if (!c)
		rc = err_set(ei, rc, "TL: constructor %08x is not in %s", id,
			     s->text);
	else if (type && (c->is_function || c->type != type))
		rc = err_set(ei, rc, "TL: %s where %s is expected",
			     schema_name_text(c->name), schema_type_text(type));
	else
		return c;
	if (rc)
		cursor_fail(r);
	return NULL;
}

static enum err skip_head_and_body(struct tl_reader *r, const struct schema *s,
				   uint16_t type, unsigned int depth,
				   struct err_info *ei)
{
	const struct schema_ctor *c = skip_head(r, s, type, ei);

	return c ? skip_ctor(r, s, c, depth, ei) : r->rc;
}

static enum err skip_value(struct tl_reader *r, const struct schema *s,
			   const struct schema_field *f, unsigned int depth,
			   struct err_info *ei)
{
	switch ((enum schema_kind)f->kind) {
	case SCHEMA_TRUE:
		return ERR_OK;
	case SCHEMA_BOOL:
		cursor_get_bool(r);
		return r->rc;
	case SCHEMA_STRING:
		cursor_get_string(r);
		return r->rc;
	case SCHEMA_BYTES:
		cursor_get_bytes(r);
		return r->rc;
	case SCHEMA_OBJ:
		return skip_head_and_body(r, s, f->type, depth + 1, ei);
	case SCHEMA_ANY:
		return skip_head_and_body(r, s, TLT_NONE, depth + 1, ei);
	case SCHEMA_BARE:
		return skip_ctor(r, s, schema_by_name(s, f->type), depth + 1,
				 ei);
	case SCHEMA_FLAGS:
	case SCHEMA_INT:
	case SCHEMA_LONG:
	case SCHEMA_DOUBLE:
	case SCHEMA_INT128:
	case SCHEMA_INT256:
		break;
	}
	cursor_get_raw(r, schema_min_bytes(f));
	return r->rc;
}

enum err skip_field(struct tl_reader *r, const struct schema *s,
		    const struct schema_field *f, unsigned int depth,
		    struct err_info *ei)
{
	uint32_t n = 1;
	enum err rc = ERR_OK;

	if (f->vec == SCHEMA_VEC)
		n = cursor_get_vector(r, schema_min_bytes(f));
	else if (f->vec == SCHEMA_BARE_VEC)
		n = cursor_get_count(r, schema_min_bytes(f));
	while (n-- > 0 && !rc)
		rc = skip_value(r, s, f, depth, ei);
	return rc ? rc : r->rc;
}

static enum err skip_ctor(struct tl_reader *r, const struct schema *s,
			  const struct schema_ctor *c, unsigned int depth,
			  struct err_info *ei)
{
	const struct schema_field *f = schema_fields(s, c);
	uint32_t words[SCHEMA_FLAG_WORDS] = { 0 };

	if (depth > SKIP_DEPTH_MAX)
		return skip_bad(r, ei, "nested too deeply",
				schema_name_text(c->name));
	for (size_t i = 0; i < c->n_fields; i++, f++) {
		if (f->kind == SCHEMA_FLAGS)
			words[f->word] = cursor_get_u32(r);
		else if (schema_present(f, words))
			(void)skip_field(r, s, f, depth, ei);
		if (r->rc)
			return err_wrap(ei, r->rc, "%s.%s",
					schema_name_text(c->name),
					schema_field_text(f->name));
	}
	return ERR_OK;
}

enum err skip_any(struct tl_reader *r, const struct schema *s,
		  struct err_info *ei)
{
	return skip_type(r, s, TLT_NONE, ei);
}

enum err skip_type(struct tl_reader *r, const struct schema *s, uint16_t type,
		   struct err_info *ei)
{
	if (ei)
		ei->msg[0] = '\0';
	return skip_head_and_body(r, s, type, 0, ei);
}

enum err skip_body(struct tl_reader *r, const struct schema *s,
		   const struct schema_ctor *c, unsigned int depth,
		   struct err_info *ei)
{
	return skip_ctor(r, s, c, depth, ei);
}
