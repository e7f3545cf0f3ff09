/* SPDX-License-Identifier: MIT */
/*
 * TL primitives: a bounded reader over borrowed bytes, a writer over a buf.
 *
 * Both are sticky: after the first error every read gives zero (every write does
 * nothing) and `rc` keeps the reason, so a sequence of calls is checked once.
 * A vector's count is checked against the bytes that remain before anyone
 * allocates for it.
 *
 *   owner     the caller's stack
 *   memory    none; slices point into the input and live as long as it does
 *   threads   none
 *   failure   ERR_PROTO in a reader; ERR_TOOBIG, ERR_NOMEM in a writer
 */
#ifndef TL_CURSOR_H
#define TL_CURSOR_H

#include "base/buf.h"

#define CURSOR_VECTOR_ID 0x1cb5c415u
#define CURSOR_TRUE_ID 0x997275b5u
#define CURSOR_FALSE_ID 0xbc799737u

/* Longest TL string: the length has 24 bits. */
#define CURSOR_STRING_MAX 0xffffffu

/* A view of somebody else's bytes; data may be NULL when len is 0. */
struct tl_bytes {
	const uint8_t *data;
	size_t len;
};

struct tl_reader {
	const uint8_t *at, *end;
	enum err rc;
};

struct tl_writer {
	struct buf *out;
	enum err rc;
};

static inline void cursor_read(struct tl_reader *r, const void *data,
			       size_t len)
{
	r->at = data;
	r->end = len > 0 ? r->at + len : r->at;
	r->rc = ERR_OK;
}

static inline size_t cursor_left(const struct tl_reader *r)
{
	return (size_t)(r->end - r->at);
}

/* Marks the reader bad (ERR_PROTO) and empty; the first error stays. */
void cursor_fail(struct tl_reader *r);
/* ERR_PROTO unless everything was read and nothing failed. */
enum err cursor_finish(const struct tl_reader *r);

int32_t cursor_get_i32(struct tl_reader *r);
uint32_t cursor_get_u32(struct tl_reader *r);
int64_t cursor_get_i64(struct tl_reader *r);
double cursor_get_double(struct tl_reader *r);
bool cursor_get_bool(struct tl_reader *r);
/* len bytes as they are, no alignment; NULL when they are not there. */
const uint8_t *cursor_get_raw(struct tl_reader *r, size_t len);
/* int128, int256, or anything fixed: dst is zeroed on failure. */
void cursor_get_fixed(struct tl_reader *r, void *dst, size_t len);
struct tl_bytes cursor_get_bytes(struct tl_reader *r);
/* Like bytes; what is not UTF-8 fails. */
struct tl_bytes cursor_get_string(struct tl_reader *r);
/* Vector header; each item takes at least min_item_bytes (>= 4). */
uint32_t cursor_get_vector(struct tl_reader *r, size_t min_item_bytes);
/* The same without the constructor: vector<...> (bare). */
uint32_t cursor_get_count(struct tl_reader *r, size_t min_item_bytes);
/* The next 32 bits without taking them; 0 at the end. */
uint32_t cursor_peek_u32(const struct tl_reader *r);

static inline void cursor_write(struct tl_writer *w, struct buf *out)
{
	w->out = out;
	w->rc = ERR_OK;
}

void cursor_put_i32(struct tl_writer *w, int32_t v);
void cursor_put_u32(struct tl_writer *w, uint32_t v);
void cursor_put_i64(struct tl_writer *w, int64_t v);
void cursor_put_double(struct tl_writer *w, double v);
void cursor_put_bool(struct tl_writer *w, bool v);
void cursor_put_raw(struct tl_writer *w, const void *data, size_t len);
void cursor_put_bytes(struct tl_writer *w, const void *data, size_t len);
void cursor_put_string(struct tl_writer *w, const char *text);
/* Constructor and count; the items follow. */
void cursor_put_vector(struct tl_writer *w, uint32_t count);

#endif /* TL_CURSOR_H */
