/* SPDX-License-Identifier: MIT */
#include "mtproto/gzip.h"

#define ZLIB_CONST /* next_in is const */
#include <zlib.h>

#include "mtproto/service.h"
#include "tl/cursor.h"

#define WINDOW_AUTO (15 + 32) /* gzip or zlib, by header */
#define WINDOW_GZIP (15 + 16)
#define STEP (16U << 10)

static size_t output_limit(size_t in_len, const struct buf *out)
{
	size_t limit = in_len > SIZE_MAX / GZIP_RATIO_MAX
			       ? SIZE_MAX
			       : in_len * GZIP_RATIO_MAX;
	size_t room = out->max - buf_len(out);

	if (limit < GZIP_FREE)
		limit = GZIP_FREE;
	return limit < room ? limit : room;
}

/* One step: inflates into the room at the end of out. */
static enum err step(z_stream *z, struct buf *out, size_t limit, bool *ret_end,
		     struct err_info *ei)
{
	size_t left = limit - z->total_out;
	size_t want = left < STEP ? left + 1 : STEP; /* +1 finds excess */
	uint8_t spare, *room = &spare;
	int zrc;
	enum err rc;

	if (left > 0) {
		want = left < STEP ? left : STEP;
		rc = buf_reserve(out, want, &room);
		if (rc)
			return err_set(ei, rc, "inflate");
	}
	z->next_out = room;
	z->avail_out = (uInt)want;
	zrc = inflate(z, Z_NO_FLUSH);
	if (zrc != Z_OK && zrc != Z_STREAM_END)
		return err_set(ei, ERR_PROTO, "gzip stream is damaged or cut");
	if (left == 0 && z->avail_out == 0)
		return err_set(ei, ERR_TOOBIG,
			       "gzip stream unpacks to more than %zu bytes",
			       limit);
	if (left > 0)
		buf_commit(out, want - z->avail_out);
	*ret_end = zrc == Z_STREAM_END;
	return ERR_OK;
}

static enum err inflate_all(z_stream *z, size_t in_len, struct buf *out,
			    struct err_info *ei)
{
	size_t limit = output_limit(in_len, out);
	bool end = false;
	enum err rc;

	while (!end) {
		rc = step(z, out, limit, &end, ei);
		if (rc)
			return rc;
	}
	if (z->avail_in > 0)
		return err_set(ei, ERR_PROTO, "%u bytes behind a gzip stream",
			       z->avail_in);
	if (z->total_out == 0)
		return err_set(ei, ERR_PROTO, "gzip stream of nothing");
	return ERR_OK;
}

enum err gzip_inflate(const uint8_t *data, size_t len, struct buf *out,
		      struct err_info *ei)
{
	size_t before = buf_len(out);
	z_stream z = { .next_in = data, .avail_in = (uInt)len };
	enum err rc;

	if (len == 0)
		return err_set(ei, ERR_PROTO, "gzip stream of no bytes");
	if (len > GZIP_UNPACKED_MAX)
		return err_set(ei, ERR_TOOBIG, "gzip stream of %zu bytes", len);
	if (inflateInit2(&z, WINDOW_AUTO) != Z_OK)
		return err_set(ei, ERR_NOMEM, "inflate");
	rc = inflate_all(&z, len, out, ei);
	(void)inflateEnd(&z);
	if (rc)
		out->len = out->pos + before;
	return rc;
}

enum err gzip_deflate(const void *data, size_t len, struct buf *out)
{
	z_stream z = { .next_in = data, .avail_in = (uInt)len };
	size_t bound;
	uint8_t *room;
	enum err rc;
	int zrc;

	if (len > GZIP_UNPACKED_MAX)
		return ERR_TOOBIG;
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return ERR_NOMEM;
	bound = deflateBound(&z, (uLong)len);
	rc = buf_reserve(out, bound, &room);
	if (rc) {
		(void)deflateEnd(&z);
		return rc;
	}
	z.next_out = room;
	z.avail_out = (uInt)bound;
	zrc = deflate(&z, Z_FINISH);
	bound -= z.avail_out;
	(void)deflateEnd(&z);
	if (zrc != Z_STREAM_END)
		return ERR_NOMEM;
	buf_commit(out, bound);
	return ERR_OK;
}

enum err gzip_unpack(const uint8_t *obj, size_t len, struct buf *out,
		     struct err_info *ei)
{
	struct tl_reader r;
	struct tl_bytes packed;
	enum err rc;

	cursor_read(&r, obj, len);
	if (cursor_get_u32(&r) != SERVICE_GZIP_PACKED)
		cursor_fail(&r);
	packed = cursor_get_bytes(&r);
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "gzip_packed is malformed");
	return gzip_inflate(packed.data, packed.len, out, ei);
}

enum err gzip_pack(const void *data, size_t len, struct buf *out)
{
	size_t before = buf_len(out);
	struct tl_writer w;
	struct buf packed;
	enum err rc;

	buf_init(&packed, GZIP_UNPACKED_MAX + (64U << 10));
	rc = gzip_deflate(data, len, &packed);
	if (!rc) {
		cursor_write(&w, out);
		cursor_put_u32(&w, SERVICE_GZIP_PACKED);
		cursor_put_bytes(&w, buf_head(&packed), buf_len(&packed));
		rc = w.rc;
		if (rc)
			out->len = out->pos + before;
	}
	buf_deinit(&packed);
	return rc;
}

const char *gzip_library_version(void)
{
	return zlibVersion();
}
