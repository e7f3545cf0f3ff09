/* SPDX-License-Identifier: MIT */
/*
 * A growable byte buffer that is born with a maximum.
 *
 *	bytes:  data[0 .. pos)      consumed, room to be reclaimed
 *	        data[pos .. len)    held
 *	        data[len .. cap)    free
 *
 *   owner     whoever embeds it by value
 *   memory    malloc; never more than `max` bytes held; buf_drained() gives the
 *             memory back, so idle objects hold none
 *   threads   none
 *   failure   ERR_TOOBIG above max, ERR_NOMEM; the content stays as it was
 *
 * It is also the tree's string builder: buf_cstr() adds the NUL (not counted).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/err.h"

/* Lengths are 32 bits, as every account has several of these. */
#define BUF_MAX (1U << 30)

struct buf {
	uint8_t *data;
	uint32_t pos, len, cap, max;
};

/* A maximum above BUF_MAX is BUF_MAX. */
void buf_init(struct buf *b, size_t max);
void buf_deinit(struct buf *b);
/* Forgets the bytes, keeps the memory. */
void buf_reset(struct buf *b);
/* Gives the memory back if nothing is held. */
void buf_drained(struct buf *b);

static inline size_t buf_len(const struct buf *b)
{
	return b->len - b->pos;
}
static inline uint8_t *buf_head(const struct buf *b)
{
	/* NULL + 0 is undefined, and an empty buffer has no memory */
	return b->data ? b->data + b->pos : NULL;
}

enum err buf_append(struct buf *b, const void *data, size_t len);
enum err buf_append_str(struct buf *b, const char *text);
enum err buf_append_byte(struct buf *b, uint8_t byte);
enum err buf_printf(struct buf *b, const char *fmt, ...) PRINTF_FMT(2, 3);
enum err buf_vprintf(struct buf *b, const char *fmt, va_list ap)
	PRINTF_FMT(2, 0);
/* Room for `len` more bytes at *ret, to be filled and then buf_commit()ted. */
enum err buf_reserve(struct buf *b, size_t len, uint8_t **ret);
void buf_commit(struct buf *b, size_t len);
void buf_consume(struct buf *b, size_t len);
/* NUL-terminates; "" when empty; NULL only when out of memory. */
const char *buf_cstr(struct buf *b);
/* Moves the held bytes out; the caller free()s *ret_data. */
void buf_take(struct buf *b, uint8_t **ret_data, size_t *ret_len);
/* Like buf_deinit(), overwriting first: for bytes that were secret. */
void buf_wipe(struct buf *b);

#endif /* BASE_BUF_H */
