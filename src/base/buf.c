/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/secret.h"

#define CAP_MIN 256U

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max < BUF_MAX ? (uint32_t)max : BUF_MAX };
}

void buf_deinit(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		secret_wipe(b->data, b->cap);
	buf_deinit(b);
}

void buf_reset(struct buf *b)
{
	b->pos = b->len = 0;
}

void buf_drained(struct buf *b)
{
	if (buf_len(b) == 0)
		buf_deinit(b);
}

static void compact(struct buf *b)
{
	if (!b->data || b->pos == 0)
		return;
	b->len -= b->pos;
	memmove(b->data, b->data + b->pos, b->len);
	b->pos = 0;
}

/* One byte beyond the content is always there for buf_cstr(). */
static enum err grow(struct buf *b, size_t extra)
{
	size_t need, cap, most;
	uint8_t *data;

	if (extra > b->max || buf_len(b) > b->max - extra)
		return ERR_TOOBIG;
	if (b->cap > b->len && extra < b->cap - b->len)
		return ERR_OK;
	if (b->pos >= b->len / 2)
		compact(b);
	need = (size_t)b->len + extra + 1;
	if (need <= b->cap)
		return ERR_OK;
	cap = b->cap ? b->cap : CAP_MIN;
	while (cap < need)
		cap *= 2;
	most = (size_t)b->max + b->pos + 1;
	if (cap > most && most >= need)
		cap = most;
	data = realloc(b->data, cap);
	if (!data)
		return ERR_NOMEM;
	b->data = data;
	b->cap = (uint32_t)cap;
	return ERR_OK;
}

enum err buf_reserve(struct buf *b, size_t len, uint8_t **ret)
{
	enum err rc = grow(b, len);

	if (rc)
		return rc;
	*ret = b->data + b->len;
	return ERR_OK;
}

void buf_commit(struct buf *b, size_t len)
{
	BUG_ON(len > b->cap - b->len);
	b->len += (uint32_t)len;
}

enum err buf_append(struct buf *b, const void *data, size_t len)
{
	enum err rc;

	if (len == 0)
		return ERR_OK;
	rc = grow(b, len);
	if (rc)
		return rc;
	memcpy(b->data + b->len, data, len);
	b->len += (uint32_t)len;
	return ERR_OK;
}

enum err buf_append_str(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

enum err buf_append_byte(struct buf *b, uint8_t byte)
{
	return buf_append(b, &byte, 1);
}

enum err buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	enum err rc;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0) {
		va_end(again);
		return ERR_INVALID;
	}
	rc = grow(b, (size_t)n);
	if (!rc) {
		vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (uint32_t)n;
	}
	va_end(again);
	return rc;
}

enum err buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	enum err rc;

	va_start(ap, fmt);
	rc = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return rc;
}

void buf_consume(struct buf *b, size_t len)
{
	BUG_ON(len > buf_len(b));
	b->pos += (uint32_t)len;
	if (b->pos == b->len)
		b->pos = b->len = 0;
}

const char *buf_cstr(struct buf *b)
{
	if (!b->data && grow(b, 0))
		return NULL;
	if (!b->data)
		return "";
	b->data[b->len] = '\0';
	return (const char *)b->data + b->pos;
}

void buf_take(struct buf *b, uint8_t **ret_data, size_t *ret_len)
{
	compact(b);
	*ret_data = b->data;
	*ret_len = b->len;
	*b = (struct buf){ .max = b->max };
}
