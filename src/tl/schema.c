/* SPDX-License-Identifier: MIT */
#include "tl/schema.h"

#include "tl/schema_int.h"

const struct schema *schema_for_layer(int layer)
{
	static const struct schema *const newest_first[] = {
		&schema_api_223,
		&schema_api_198,
		&schema_api_144,
	};
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(newest_first) &&
	       newest_first[i]->layer > layer)
		i++;
	return newest_first[i];
}

const struct schema_ctor *schema_find(const struct schema *s, uint32_t id)
{
	size_t lo = 0, hi = s->n_ctors;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->ctors[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < s->n_ctors && s->ctors[lo].id == id)
		return &s->ctors[lo];
	return NULL;
}

const struct schema_ctor *schema_by_name(const struct schema *s, uint16_t name)
{
	uint16_t index = name < TLN_COUNT ? s->by_name[name] : 0;

	return index ? &s->ctors[index - 1] : NULL;
}

const struct schema_ctor *schema_default(const struct schema *s, uint16_t type)
{
	uint16_t index = type < TLT_COUNT ? s->defaults[type] : 0;

	return index ? &s->ctors[index - 1] : NULL;
}

const char *schema_name_text(uint16_t name)
{
	return schema_name_texts[name < TLN_COUNT ? name : 0];
}

const char *schema_field_text(uint16_t field)
{
	return schema_field_texts[field < TLF_COUNT ? field : 0];
}

const char *schema_type_text(uint16_t type)
{
	return schema_type_texts[type < TLT_COUNT ? type : 0];
}

size_t schema_min_bytes(const struct schema_field *f)
{
	switch ((enum schema_kind)f->kind) {
	case SCHEMA_LONG:
	case SCHEMA_DOUBLE:
		return 8;
	case SCHEMA_INT128:
		return 16;
	case SCHEMA_INT256:
		return 32;
	case SCHEMA_FLAGS:
	case SCHEMA_TRUE:
	case SCHEMA_BOOL:
	case SCHEMA_INT:
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
	case SCHEMA_OBJ:
	case SCHEMA_BARE:
	case SCHEMA_ANY:
		break;
	}
	return 4;
}
