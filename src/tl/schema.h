/* SPDX-License-Identifier: MIT */
/*
 * The TL schemas as tables, one for each layer, generated from src/tl/schema/.
 *
 * Names of constructors and functions (TLN_*), of fields (TLF_*) and of types
 * (TLT_*) are numbered over all schemas together (tl/tl_ids.h), so the same thing
 * has the same number in every layer.  Spelling is the schema's, dots become
 * underscores: TLN_messages_sendMessage, TLF_access_hash, TLT_InputPeer.
 *
 *   owner     constant data
 *   memory    none
 *   threads   any
 *   failure   NULL when there is no such thing
 */
#ifndef TL_SCHEMA_H
#define TL_SCHEMA_H

#include "base/defs.h"
#include "tl/tl_ids.h"

enum schema_kind {
	SCHEMA_FLAGS, /* # */
	SCHEMA_TRUE,  /* flags.N?true: no bytes, only the bit */
	SCHEMA_BOOL,
	SCHEMA_INT,
	SCHEMA_LONG,
	SCHEMA_DOUBLE,
	SCHEMA_INT128,
	SCHEMA_INT256,
	SCHEMA_STRING,
	SCHEMA_BYTES,
	SCHEMA_OBJ,  /* boxed object of `type` */
	SCHEMA_BARE, /* object without constructor; `type` is a TLN_* */
	SCHEMA_ANY,  /* !X: any constructor or function */
};

enum schema_vec {
	SCHEMA_NO_VEC,
	SCHEMA_VEC,	 /* Vector<...> */
	SCHEMA_BARE_VEC, /* vector<...>: count only */
};

#define SCHEMA_ALWAYS 0xff /* not behind a flag */
#define SCHEMA_FLAG_WORDS 2

struct schema_field {
	uint16_t name; /* TLF_* */
	uint16_t type; /* TLT_*, or TLN_* when bare */
	uint8_t kind;  /* enum schema_kind; of the items when a vector */
	uint8_t vec;   /* enum schema_vec */
	uint8_t flag;  /* word * 32 + bit, or SCHEMA_ALWAYS */
	uint8_t word;  /* of a SCHEMA_FLAGS field: which flag word it is */
};

struct schema_ctor {
	uint32_t id;
	uint16_t name; /* TLN_* */
	uint16_t type; /* TLT_*; of a function: what it answers */
	uint16_t first_field;
	uint8_t n_fields;
	bool is_function;
	uint8_t result_kind; /* functions: enum schema_kind */
	uint8_t result_vec;
};

struct schema {
	const char *text;		 /* "api_223" */
	int layer;			 /* 0: mtproto */
	const struct schema_ctor *ctors; /* sorted by id */
	const struct schema_field *fields;
	const uint16_t *by_name; /* [TLN_*] -> index + 1, 0 = none */
	const uint16_t
		*defaults; /* [TLT_*] -> index + 1 of a ctor that needs no
				     fields, 0 = none */
	uint16_t n_ctors;
};

extern const struct schema schema_api_223, schema_api_198, schema_api_144,
	schema_mtproto;

/* The newest table whose layer is not above `layer`, else the oldest. */
const struct schema *schema_for_layer(int layer);

const struct schema_ctor *schema_find(const struct schema *s, uint32_t id);
const struct schema_ctor *schema_by_name(const struct schema *s, uint16_t name);
/* The constructor of a type that needs no fields: its neutral value. */
const struct schema_ctor *schema_default(const struct schema *s, uint16_t type);
static inline const struct schema_field *
schema_fields(const struct schema *s, const struct schema_ctor *c)
{
	return &s->fields[c->first_field];
}

/* Spelling as in the schema; "?" for a number that is none. */
const char *schema_name_text(uint16_t name);
const char *schema_field_text(uint16_t field);
const char *schema_type_text(uint16_t type);

/* Is an optional field there?  words: the flag words read so far. */
static inline bool schema_present(const struct schema_field *f,
				  const uint32_t words[SCHEMA_FLAG_WORDS])
{
	return f->flag == SCHEMA_ALWAYS ||
	       (words[f->flag / 32] >> (f->flag % 32) & 1);
}

/* Least bytes an item of this field's kind takes; for cursor_get_vector(). */
size_t schema_min_bytes(const struct schema_field *f);

#endif /* TL_SCHEMA_H */
