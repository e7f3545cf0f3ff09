/* SPDX-License-Identifier: MIT */
/*
 * Messages as tables.  A row is one member of a JSON object and one member of a C
 * struct; both directions walk the same rows, so they cannot disagree.
 *
 * Reading: unknown members are ignored; a member of a wrong type or beyond its
 * limit is ERR_INVALID or ERR_TOOBIG with its name, and its index in a list.  A
 * member that is missing or null leaves its field as it is (strings and lists
 * become NULL), unless the row NEEDs it.
 *
 *   owner     tables are constants; what is read, the arena
 *   memory    bounded by the rows' limits, and the arena's
 *   threads   none
 *   failure   the struct is then half filled: the caller reads into its own copy
 */
#ifndef WIRE_WIRE_INT_H
#define WIRE_WIRE_INT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "wire/wire_status.h"

enum wire_kind {
	WIRE_STR,     /* const char *; empty = NULL; max: bytes */
	WIRE_JSON,    /* const char *: any value's own text; max: bytes */
	WIRE_I64,     /* int64_t, min to max */
	WIRE_INT,     /* int, min to max */
	WIRE_BOOL,    /* bool */
	WIRE_TIME,    /* struct wall; older clients' many forms; else 0 */
	WIRE_SECONDS, /* int64_t in ms; on the wire seconds, whole or not */
	WIRE_WORD,    /* enum wire_status */
	WIRE_BYTES,   /* uint8_t[max], in base64 */
	WIRE_SECRET,  /* struct secret of max bytes in base64; read only */
	WIRE_NUMBERS, /* array of int64_t; max: items; text is read too */
	WIRE_OBJECT,  /* a struct; anything but an object is none */
	WIRE_LIST,    /* array of structs; max: items */
	WIRE_MAP,     /* the same as an object, whose keys are the first row */
	WIRE_COUNT,   /* size_t, or another when it is 0; written only */
	WIRE_MISSING, /* bool: not there, not even as null; read only */
	WIRE_KINDS
};

enum wire_flag {
	WIRE_NEED = 1U << 0, /* must be there, strings not empty */
	WIRE_OMIT = 1U << 1, /* not written when NULL, 0, or without items */
	/* BOOL: another type is false.  STR: another type is kept as JSON. */
	WIRE_LOOSE = 1U << 2,
	WIRE_SAY = 1U << 3, /* dflt is only written, not read */
};

#define WIRE_NOWHERE SIZE_MAX

struct wire_row {
	const char *name;
	enum wire_kind kind;
	size_t at;   /* offset of the field */
	size_t n_at; /* lists: of their size_t; OBJECT: of its bool, or NOWHERE:
		      * then it is there when its first row is not NULL */
	const struct wire_table *of;
	int64_t min, max;
	unsigned int flags;
	const char *dflt; /* STR, JSON: instead of NULL */
};

struct wire_table {
	const struct wire_row *rows;
	size_t n;
	size_t size; /* of the struct */
};

#define WIRE_TABLE(of, array)                                                  \
	{                                                                      \
		(array), ARRAY_LEN(array), sizeof(of)                          \
	}

/* Rows of the struct OF; a field of another type does not compile. */
#define WIRE_AT(m, type) _Generic(&((OF *)NULL)->m, type * : offsetof(OF, m))
#define WIRE_TO(k, m, type) .kind = (k), .at = WIRE_AT(m, type)
#define W_STR(m, most) WIRE_TO(WIRE_STR, m, const char *), .max = (most)
#define W_JSON(m, most) WIRE_TO(WIRE_JSON, m, const char *), .max = (most)
#define W_I64(m, low, high)                                                    \
	WIRE_TO(WIRE_I64, m, int64_t), .min = (low), .max = (high)
#define W_INT(m, low, high)                                                    \
	WIRE_TO(WIRE_INT, m, int), .min = (low), .max = (high)
#define W_BOOL(m) WIRE_TO(WIRE_BOOL, m, bool)
#define W_TIME(m) WIRE_TO(WIRE_TIME, m, struct wall)
#define W_SECONDS(m) WIRE_TO(WIRE_SECONDS, m, int64_t)
#define W_WORD(m) WIRE_TO(WIRE_WORD, m, enum wire_status)
#define W_BYTES(m)                                                             \
	WIRE_TO(WIRE_BYTES, m[0], uint8_t), .max = sizeof(((OF *)NULL)->m)
#define W_SECRET(m, n) WIRE_TO(WIRE_SECRET, m, struct secret), .max = (n)
#define W_NUMBERS(m, n, most)                                                  \
	WIRE_TO(WIRE_NUMBERS, m, const int64_t *), .n_at = WIRE_AT(n, size_t), \
						   .max = (most)
#define W_OBJECT(m, has, type, table)                                          \
	WIRE_TO(WIRE_OBJECT, m, type), .n_at = (has), .of = &(table)
#define W_LIST(m, n, type, table, most)                                        \
	WIRE_TO(WIRE_LIST, m, const type *), .n_at = WIRE_AT(n, size_t),       \
					     .of = &(table), .max = (most)
#define W_MAP(m, n, type, table, most)                                         \
	WIRE_TO(WIRE_MAP, m, const type *), .n_at = WIRE_AT(n, size_t),        \
					    .of = &(table), .max = (most)
#define W_COUNT(m, other)                                                      \
	WIRE_TO(WIRE_COUNT, m, size_t), .n_at = WIRE_AT(other, size_t)
#define W_MISSING(m) WIRE_TO(WIRE_MISSING, m, bool)

/* Used by more than one message. */
extern const struct wire_table wire_limit_table, wire_channel_table,
	wire_position_table, wire_route_table;

enum err wire_table_encode(const struct wire_table *t, const void *msg,
			   struct buf *out);
/* msg: zero, or what its fields are when not said. */
enum err wire_table_decode(const struct wire_table *t, const void *text,
			   size_t len, size_t max_len, struct arena *a,
			   void *msg, struct err_info *ei);

#endif /* WIRE_WIRE_INT_H */
