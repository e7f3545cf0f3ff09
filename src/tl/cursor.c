/* SPDX-License-Identifier: MIT */
#include "tl/cursor.h"

#include <string.h>

#include "base/text.h"

void cursor_fail(struct tl_reader *r)
{
	if (!r->rc)
		r->rc = ERR_PROTO;
	r->at = r->end;
}

enum err cursor_finish(const struct tl_reader *r)
{
	if (r->rc)
		return r->rc;
	return r->at == r->end ? ERR_OK : ERR_PROTO;
}

const uint8_t *cursor_get_raw(struct tl_reader *r, size_t len)
{
	const uint8_t *p = r->at;

	if (r->rc || len > cursor_left(r)) {
		cursor_fail(r);
		return NULL;
	}
	r->at += len;
	return p;
}

static uint32_t load_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

uint32_t cursor_get_u32(struct tl_reader *r)
{
	const uint8_t *p = cursor_get_raw(r, 4);

	return p ? load_u32(p) : 0;
}

uint32_t cursor_peek_u32(const struct tl_reader *r)
{
	return r->rc || cursor_left(r) < 4 ? 0 : load_u32(r->at);
}

int32_t cursor_get_i32(struct tl_reader *r)
{
	return (int32_t)cursor_get_u32(r);
}

int64_t cursor_get_i64(struct tl_reader *r)
{
	const uint8_t *p = cursor_get_raw(r, 8);

	if (!p)
		return 0;
	return (int64_t)(load_u32(p) | (uint64_t)load_u32(p + 4) << 32);
}

double cursor_get_double(struct tl_reader *r)
{
	int64_t bits = cursor_get_i64(r);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

bool cursor_get_bool(struct tl_reader *r)
{
	uint32_t id = cursor_get_u32(r);

	if (id != CURSOR_TRUE_ID && id != CURSOR_FALSE_ID)
		cursor_fail(r);
	return id == CURSOR_TRUE_ID;
}

void cursor_get_fixed(struct tl_reader *r, void *dst, size_t len)
{
	const uint8_t *p = cursor_get_raw(r, len);

	if (p)
		memcpy(dst, p, len);
	else
		memset(dst, 0, len);
}

/*
 * One length byte up to 253, or 254 and three bytes; padded to four.  A long form
 * that is not the shortest is tolerated, as are padding bytes other than zero.
 */
struct tl_bytes cursor_get_bytes(struct tl_reader *r)
{
	struct tl_bytes b = { NULL, 0 };
	const uint8_t *head = cursor_get_raw(r, 1);
	size_t head_len = 1, len;

	if (!head)
		return b;
	len = head[0];
	if (len == 255) {
		cursor_fail(r);
		return b;
	}
	if (len == 254) {
		const uint8_t *p = cursor_get_raw(r, 3);

		if (!p)
			return b;
		len = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
		head_len = 4;
	}
	b.data = cursor_get_raw(r, len);
	if (b.data && !cursor_get_raw(r, -(head_len + len) & 3))
		b.data = NULL;
	if (b.data)
		b.len = len;
	return b;
}

struct tl_bytes cursor_get_string(struct tl_reader *r)
{
	struct tl_bytes b = cursor_get_bytes(r);

	if (b.len > 0 && !text_utf8_valid(b.data, b.len)) {
		cursor_fail(r);
		b = (struct tl_bytes){ NULL, 0 };
	}
	return b;
}

uint32_t cursor_get_count(struct tl_reader *r, size_t min_item_bytes)
{
	uint32_t count = cursor_get_u32(r);

	if (count > cursor_left(r) / (min_item_bytes ? min_item_bytes : 4)) {
		cursor_fail(r);
		return 0;
	}
	return count;
}

uint32_t cursor_get_vector(struct tl_reader *r, size_t min_item_bytes)
{
	if (cursor_get_u32(r) != CURSOR_VECTOR_ID) {
		cursor_fail(r);
		return 0;
	}
	return cursor_get_count(r, min_item_bytes);
}

void cursor_put_raw(struct tl_writer *w, const void *data, size_t len)
{
	if (!w->rc && len > 0)
		w->rc = buf_append(w->out, data, len);
}

void cursor_put_u32(struct tl_writer *w, uint32_t v)
{
	uint8_t p[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
			 (uint8_t)(v >> 24) };

	cursor_put_raw(w, p, sizeof(p));
}

void cursor_put_i32(struct tl_writer *w, int32_t v)
{
	cursor_put_u32(w, (uint32_t)v);
}

void cursor_put_i64(struct tl_writer *w, int64_t v)
{
	cursor_put_u32(w, (uint32_t)v);
	cursor_put_u32(w, (uint32_t)((uint64_t)v >> 32));
}

void cursor_put_double(struct tl_writer *w, double v)
{
	int64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	cursor_put_i64(w, bits);
}

void cursor_put_bool(struct tl_writer *w, bool v)
{
	cursor_put_u32(w, v ? CURSOR_TRUE_ID : CURSOR_FALSE_ID);
}

void cursor_put_bytes(struct tl_writer *w, const void *data, size_t len)
{
	static const uint8_t zeros[4];
	uint8_t head[4] = { 254, (uint8_t)len, (uint8_t)(len >> 8),
			    (uint8_t)(len >> 16) };
	size_t head_len = 4;

	if (len > CURSOR_STRING_MAX) {
		if (!w->rc)
			w->rc = ERR_TOOBIG;
		return;
	}
	if (len < 254) {
		head[0] = (uint8_t)len;
		head_len = 1;
	}
	cursor_put_raw(w, head, head_len);
	cursor_put_raw(w, data, len);
	cursor_put_raw(w, zeros, -(head_len + len) & 3);
}

void cursor_put_string(struct tl_writer *w, const char *text)
{
	cursor_put_bytes(w, text, strlen(text));
}

void cursor_put_vector(struct tl_writer *w, uint32_t count)
{
	cursor_put_u32(w, CURSOR_VECTOR_ID);
	cursor_put_u32(w, count);
}
