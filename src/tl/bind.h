/* SPDX-License-Identifier: MIT */
/*
 * Between TL bytes and the C structs of the wanted list (src/tl/wanted.txt), by
 * tables of offsets.  Use the typed functions of tl/tl_wanted.h:
 *
 *	struct tlt_Updates u;
 *	rc = tlt_Updates_read(&r, arena, &u, ei);
 *	switch (u.kind) { case TLN_updateShort: ... u.updateShort->date ... }
 *
 *   tlc_x   a constructor's fields     tlf_x   a function's fields
 *   tlt_X   one of a type: `kind` is the TLN_* of the arm that is set, TLN_NONE
 *           for a constructor that is not wanted; `raw` is the whole object as
 *           it was read, constructor included
 *   tlv_X   a vector
 *
 * Optional fields have has_x beside them, except `true`, which is a bool itself.
 * A nested object of a type nobody wants is a tlt_any: raw only.  So an update
 * with unknown parts does not break the rest; what is in no schema table does.
 *
 * Writing uses the arm, or, when kind is TLN_NONE, raw as it is.
 *
 *   owner     the arena
 *   memory    structs and vectors from the arena; strings, bytes and raw are
 *             borrowed from the input, which must live as long
 *   threads   none
 *   failure   reading ERR_PROTO, ERR_NOMEM; writing ERR_INVALID for a required
 *             object that is not set, ERR_TOOBIG, ERR_NOMEM (the buffer stays as
 *             it was)
 */
#ifndef TL_BIND_H
#define TL_BIND_H

#include "base/arena.h"
#include "tl/cursor.h"
#include "tl/schema.h"

/* Every tlt_X and tlv_X has the layout of these. */
struct tlt_any {
	uint16_t kind;
	struct tl_bytes raw;
	void *any;
};

struct tlv_any {
	uint32_t n;
	struct tlt_any *v;
};

struct tlv_int {
	uint32_t n;
	int32_t *v;
};

struct tlv_long {
	uint32_t n;
	int64_t *v;
};

struct tlv_bytes {
	uint32_t n;
	struct tl_bytes *v;
};

#define BIND_NOWHERE 0xffff

struct bind_field {
	uint16_t offset, has_offset;
};

/* One row a wanted name; fields in the order of the schema's. */
struct bind_ctor {
	const struct schema *schema;
	const struct bind_field *fields;
	size_t size;
};

extern const struct bind_ctor bind_ctors[];
extern const uint16_t bind_by_name[]; /* [TLN_*] -> index + 1, 0 = not wanted */

/* Exactly the constructor or function TLN_*, boxed, into its struct. */
enum err bind_read(struct tl_reader *r, uint16_t name, struct arena *a,
		   void *ret, struct err_info *ei);
enum err bind_read_type(struct tl_reader *r, const struct schema *s,
			uint16_t type, struct arena *a, struct tlt_any *ret,
			struct err_info *ei);
/* Vector<type>, boxed. */
enum err bind_read_vec(struct tl_reader *r, const struct schema *s,
		       uint16_t type, struct arena *a, struct tlv_any *ret,
		       struct err_info *ei);

/* The int or long `field` of the tlc_ or tlf_ struct v, whatever it is; false if
 * it has none or that was absent. */
bool bind_int(uint16_t name, const void *v, uint16_t field, int64_t *ret);
/* The object, or the Vector<type>, `field` of the tlc_ or tlf_ struct v; NULL if
 * it has none of that type or it was absent. */
const struct tlt_any *bind_obj(uint16_t name, const void *v, uint16_t field,
			       uint16_t type);
const struct tlv_any *bind_vec(uint16_t name, const void *v, uint16_t field,
			       uint16_t type);

enum err bind_write(struct tl_writer *w, uint16_t name, const void *v,
		    struct err_info *ei);
enum err bind_write_type(struct tl_writer *w, const struct schema *s,
			 uint16_t type, const struct tlt_any *v,
			 struct err_info *ei);

#endif /* TL_BIND_H */
