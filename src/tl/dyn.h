/* SPDX-License-Identifier: MIT */
/*
 * Dynamic TL objects: built by name, read and written by any layer's table.
 *
 *	struct dyn *m = dyn_new(a, TLN_message);
 *	dyn_set_int(m, TLF_id, 7);
 *	dyn_set_str(m, TLF_message, "hello");
 *	rc = dyn_write(&w, schema_for_layer(conn_layer), m, ei);
 *
 * An object knows its constructor's name (TLN_*), not its id, so it can be
 * written to a layer other than the one it was made for: fields unknown there
 * are dropped, and so are optional ones and items of vectors that hold what that
 * layer cannot say; flags follow from the fields present; a required field that
 * was not set, or holds what the layer cannot say, gets a neutral value (0, false,
 * empty, or a constructor of its type that needs no fields).  What has none is
 * ERR_INVALID naming constructor and field.
 *
 * Building never fails in between: out of memory marks the object, and
 * dyn_write() then says ERR_NOMEM.  Every function takes NULL for an object.
 *
 *   owner     the arena
 *   memory    arena; dyn_set_* copy their bytes, dyn_read() borrows the
 *             input's (it must live as long as the objects)
 *   threads   none
 *   failure   reading: ERR_PROTO (unknown, cut, wrong type, deeper than
 *             SKIP_DEPTH_MAX), ERR_NOMEM; writing: ERR_INVALID, ERR_NOMEM,
 *             ERR_TOOBIG
 */
#ifndef TL_DYN_H
#define TL_DYN_H

#include "base/arena.h"
#include "tl/cursor.h"
#include "tl/schema.h"

enum dyn_kind {
	DYN_NONE,
	DYN_BOOL, /* Bool and true */
	DYN_INT,  /* int and long */
	DYN_DOUBLE,
	DYN_BYTES, /* bytes, string, int128, int256 */
	DYN_OBJ,
	DYN_VEC,
};

struct dyn;
struct dyn_vec;

struct dyn_val {
	enum dyn_kind kind;
	union {
		bool b;
		int64_t i;
		double d;
		struct tl_bytes bytes;
		struct dyn *obj;
		struct dyn_vec *vec;
	};
};

struct dyn_field {
	uint16_t name; /* TLF_* */
	struct dyn_val val;
};

/* Read freely; change by the functions below. */
struct dyn {
	struct arena *arena;
	uint16_t name; /* TLN_* */
	bool bad;      /* out of memory while building */
	uint16_t n, cap;
	struct dyn_field *fields;
};

struct dyn_vec {
	struct arena *arena;
	bool bad;
	uint32_t n, cap;
	struct dyn_val *items;
};

struct dyn *dyn_new(struct arena *a, uint16_t name);
struct dyn_vec *dyn_vec_new(struct arena *a);

void dyn_set_bool(struct dyn *d, uint16_t field, bool v);
void dyn_set_int(struct dyn *d, uint16_t field, int64_t v);
void dyn_set_double(struct dyn *d, uint16_t field, double v);
void dyn_set_str(struct dyn *d, uint16_t field, const char *v);
void dyn_set_bytes(struct dyn *d, uint16_t field, const void *v, size_t len);
/* v NULL marks d bad: it means making v failed. */
void dyn_set_obj(struct dyn *d, uint16_t field, struct dyn *v);
void dyn_set_vec(struct dyn *d, uint16_t field, struct dyn_vec *v);
/* Makes an empty vector in the field and returns it (NULL: out of memory). */
struct dyn_vec *dyn_add_vec(struct dyn *d, uint16_t field);
void dyn_unset(struct dyn *d, uint16_t field);

void dyn_push_int(struct dyn_vec *v, int64_t i);
void dyn_push_bytes(struct dyn_vec *v, const void *data, size_t len);
void dyn_push_str(struct dyn_vec *v, const char *text);
void dyn_push_obj(struct dyn_vec *v, struct dyn *obj);
/* Any value as it is; its bytes are borrowed. */
void dyn_set_val(struct dyn *d, uint16_t field, struct dyn_val v);
void dyn_push_val(struct dyn_vec *v, struct dyn_val val);

/* NULL when the field is not there. */
const struct dyn_val *dyn_get(const struct dyn *d, uint16_t field);
static inline bool dyn_has(const struct dyn *d, uint16_t field)
{
	return dyn_get(d, field) != NULL;
}
static inline bool dyn_is(const struct dyn *d, uint16_t name)
{
	return d && d->name == name;
}
/* With a neutral answer when absent or of another kind. */
bool dyn_bool(const struct dyn *d, uint16_t field);
int64_t dyn_int(const struct dyn *d, uint16_t field, int64_t dflt);
double dyn_double(const struct dyn *d, uint16_t field, double dflt);
struct tl_bytes dyn_bytes(const struct dyn *d, uint16_t field);
/* A NUL-terminated copy in the object's arena; "" if absent, NULL: no memory. */
const char *dyn_str(const struct dyn *d, uint16_t field);
struct dyn *dyn_obj(const struct dyn *d, uint16_t field);
struct dyn_vec *dyn_vec(const struct dyn *d, uint16_t field);
/* Items; 0 for NULL. */
uint32_t dyn_len(const struct dyn_vec *v);
struct dyn *dyn_item(const struct dyn_vec *v, uint32_t i);

/* One boxed object or function of any type; does not ask for the end. */
enum err dyn_read(struct tl_reader *r, const struct schema *s, struct arena *a,
		  struct dyn **ret, struct err_info *ei);
/* The answer to the function TLN_*: an object, a vector, a Bool ... */
enum err dyn_read_result(struct tl_reader *r, const struct schema *s,
			 uint16_t function, struct arena *a,
			 struct dyn_val *ret, struct err_info *ei);

enum err dyn_write(struct tl_writer *w, const struct schema *s,
		   const struct dyn *d, struct err_info *ei);
/* The answer to the function TLN_*, typed by its declaration. */
enum err dyn_write_result(struct tl_writer *w, const struct schema *s,
			  uint16_t function, const struct dyn_val *v,
			  struct err_info *ei);

#endif /* TL_DYN_H */
