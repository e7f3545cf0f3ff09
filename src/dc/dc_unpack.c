/* SPDX-License-Identifier: MIT */
/*
 * A query may be packed behind its wrappers: invokeWithLayer(initConnection(
 * gzip_packed)).  Readers of TL by table know nothing of packing, so it is undone
 * before they see the bytes.
 */
#include <string.h>

#include "dc/dc_int.h"
#include "mtproto/gzip.h"
#include "mtproto/service.h"
#include "tl/skip.h"

#define WRAPPERS_MAX 8

/* Steps over a wrapper's own fields; false: it is none, or malformed. */
static bool enter(struct tl_reader *r, const struct schema *s)
{
	const struct schema_ctor *c = skip_head(r, s, TLT_NONE, NULL);
	const struct schema_field *f = c ? schema_fields(s, c) : NULL;
	uint32_t words[SCHEMA_FLAG_WORDS] = { 0 };

	for (size_t i = 0; c && i < c->n_fields; i++, f++) {
		if (f->kind == SCHEMA_ANY)
			return true;
		if (f->kind == SCHEMA_FLAGS)
			words[f->word] = cursor_get_u32(r);
		else if (schema_present(f, words) &&
			 skip_field(r, s, f, 1, NULL))
			return false;
		if (r->rc)
			return false;
	}
	return false;
}

/* Where gzip_packed begins; NULL: nowhere. */
static const uint8_t *find(const struct schema *s, const uint8_t *body,
			   size_t len)
{
	struct tl_reader r;
	int depth;

	cursor_read(&r, body, len);
	for (depth = 0; depth < WRAPPERS_MAX; depth++) {
		if (!enter(&r, s))
			return NULL;
		if (cursor_peek_u32(&r) == SERVICE_GZIP_PACKED)
			return r.at;
	}
	return NULL;
}

enum err dc_unpack_query(const struct dc_call *call, const uint8_t **body,
			 size_t *len, struct err_info *ei)
{
	const uint8_t *at = find(call->schema, *body, *len);
	size_t head = at ? (size_t)(at - *body) : 0;
	struct buf plain;
	uint8_t *whole;
	enum err rc;

	if (!at)
		return ERR_OK;
	buf_init(&plain, GZIP_UNPACKED_MAX);
	rc = gzip_unpack(at, *len - head, &plain, ei);
	if (!rc) {
		whole = arena_alloc(call->arena, head + buf_len(&plain));
		rc = whole ? ERR_OK : ERR_NOMEM;
	}
	if (!rc) {
		memcpy(whole, *body, head);
		memcpy(whole + head, buf_head(&plain), buf_len(&plain));
		*body = whole;
		*len = head + buf_len(&plain);
	}
	buf_deinit(&plain);
	return rc;
}
