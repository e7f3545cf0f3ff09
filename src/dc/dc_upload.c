/* SPDX-License-Identifier: MIT */
/* upload.*: parts come in, files go out.  Files live in the DC they came to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "crypto/md5.h"
#include "dc/dc_int.h"
#include "http/http_req.h"

#define PART_MAX (512U << 10)
#define PARTS_MAX 8000
#define UPLOADS_MAX 10000U
#define UPLOADS_BYTES_MAX (UINT64_C(512) << 20)
#define CHUNK_MAX (1 << 20)
#define ALIGN 1024
#define META_EPOCH "file_epoch"

struct part {
	size_t len;
	uint8_t data[];
};

struct dc_upload {
	int64_t user_id, file_id;
	int64_t total; /* of a big file, as its parts said; 0 = small */
	struct part *parts[PARTS_MAX];
};

static int64_t key_of(int64_t user_id, int64_t file_id)
{
	return (int64_t)((uint64_t)file_id ^ (uint64_t)user_id << 20);
}

static void upload_free(struct dc *dc, struct dc_upload *u)
{
	int i;

	for (i = 0; i < PARTS_MAX; i++) {
		if (u->parts[i])
			dc->upload_bytes -= u->parts[i]->len;
		free(u->parts[i]);
	}
	free(u);
}

void dc_upload_free_all(struct dc *dc)
{
	struct dc_upload *u;
	uint32_t cursor = 0;

	while ((u = imap_next(&dc->uploads, &cursor)))
		upload_free(dc, u);
	imap_deinit(&dc->uploads);
}

static struct dc_upload *find(struct dc *dc, int64_t user_id, int64_t file_id)
{
	struct dc_upload *u = imap_get(&dc->uploads, key_of(user_id, file_id));

	return u && u->user_id == user_id && u->file_id == file_id ? u : NULL;
}

static enum err get_or_make(struct dc_call *call, int64_t file_id,
			    struct dc_upload **ret)
{
	struct dc *dc = call->dc;
	struct dc_upload *u = find(dc, call->user->id, file_id);
	enum err rc;

	if (!u) {
		if (dc->uploads.len >= UPLOADS_MAX)
			return dc_call_fail(call, 400, "FILE_PARTS_INVALID");
		u = calloc(1, sizeof(*u));
		if (!u)
			return ERR_NOMEM;
		u->user_id = call->user->id;
		u->file_id = file_id;
		rc = imap_put(&dc->uploads, key_of(u->user_id, file_id), u);
		if (rc) {
			free(u);
			return rc;
		}
	}
	*ret = u;
	return ERR_OK;
}

/* Every part of a big file says how many there are; -1: not known yet. */
static enum err check_total(struct dc_call *call, struct dc_upload *u,
			    int64_t part)
{
	int64_t total = dyn_int(call->fn, TLF_file_total_parts, 0);

	if (!total || total == -1)
		return ERR_OK;
	if (total < 1 || total > PARTS_MAX || part >= total ||
	    (u->total && u->total != total))
		return dc_call_fail(call, 400, "FILE_PARTS_INVALID");
	u->total = total;
	return ERR_OK;
}

enum err dc_upload_part(struct dc_call *call, struct err_info *ei)
{
	struct tl_bytes bytes = dyn_bytes(call->fn, TLF_bytes);
	int64_t n = dyn_int(call->fn, TLF_file_part, -1);
	struct dc_upload *u = NULL;
	struct part *p;
	enum err rc;

	(void)ei;
	if (n < 0 || n >= PARTS_MAX)
		return dc_call_fail(call, 400, "FILE_PART_INVALID");
	if (!bytes.len)
		return dc_call_fail(call, 400, "FILE_PART_EMPTY");
	if (bytes.len > PART_MAX)
		return dc_call_fail(call, 400, "FILE_PART_TOO_BIG");
	if (call->dc->upload_bytes + bytes.len > UPLOADS_BYTES_MAX)
		return dc_call_fail(call, 400, "FILE_PARTS_INVALID");
	rc = get_or_make(call, dyn_int(call->fn, TLF_file_id, 0), &u);
	if (rc)
		return rc;
	rc = check_total(call, u, n);
	if (rc)
		return rc;
	p = malloc(sizeof(*p) + bytes.len);
	if (!p)
		return ERR_NOMEM;
	p->len = bytes.len;
	memcpy(p->data, bytes.data, bytes.len);
	if (u->parts[n])
		call->dc->upload_bytes -= u->parts[n]->len;
	free(u->parts[n]);
	u->parts[n] = p;
	call->dc->upload_bytes += bytes.len;
	dc_call_bool(call, true);
	return ERR_OK;
}

/* ---- parts become a file */

static enum err check_parts(struct dc_call *call, const struct dc_upload *u,
			    int64_t n, size_t *ret_size)
{
	size_t size = 0;
	int i;

	if (n < 1 || n > PARTS_MAX || (u && u->total && u->total != n))
		return dc_call_fail(call, 400, "FILE_PARTS_INVALID");
	for (i = 0; i < n; i++) {
		if (!u || !u->parts[i])
			return dc_call_fail(call, 400, "FILE_PART_%d_MISSING",
					    i);
		if (i < n - 1 && u->parts[i]->len != u->parts[0]->len)
			return dc_call_fail(call, 400,
					    "FILE_PART_SIZE_CHANGED");
		size += u->parts[i]->len;
	}
	/* Whole KiB, a divisor of 512 KiB; only the last may be shorter. */
	if (n > 1 && (u->parts[0]->len % ALIGN || PART_MAX % u->parts[0]->len ||
		      u->parts[n - 1]->len > u->parts[0]->len))
		return dc_call_fail(call, 400, "FILE_PART_SIZE_INVALID");
	if (size > WORLD_FILE_MAX)
		return dc_call_fail(call, 400, "FILE_PARTS_INVALID");
	*ret_size = size;
	return ERR_OK;
}

/* A small file may come with its sum. */
static enum err check_md5(struct dc_call *call, const struct dyn *input,
			  const struct world_file *f)
{
	const char *said = dyn_str(input, TLF_md5_checksum);
	struct sha_part all = { f->data, f->size };
	char text[2 * MD5_LEN + 1];
	uint8_t sum[MD5_LEN];

	if (!said)
		return ERR_NOMEM;
	if (!*said)
		return ERR_OK;
	md5_parts(&all, 1, sum);
	text_hex(text, sum, sizeof(sum));
	return strcasecmp(text, said)
		       ? dc_call_fail(call, 400, "MD5_CHECKSUM_INVALID")
		       : ERR_OK;
}

enum err dc_upload_take(struct dc_call *call, const struct dyn *input,
			struct world_file *f, struct world_file **ret)
{
	int64_t i, n = dyn_int(input, TLF_parts, 0);
	struct dc *dc = call->dc;
	struct dc_upload *u =
		find(dc, call->user->id, dyn_int(input, TLF_id, 0));
	size_t at = 0;
	enum err rc;

	rc = check_parts(call, u, n, &f->size);
	if (rc)
		return rc;
	f->data = malloc(f->size);
	if (!f->data)
		return ERR_NOMEM;
	for (i = 0; i < n; i++) {
		memcpy(f->data + at, u->parts[i]->data, u->parts[i]->len);
		at += u->parts[i]->len;
	}
	f->date = call->now;
	f->dc_id = call->conn->node->id;
	rc = check_md5(call, input, f);
	if (!rc)
		rc = world_add_file(&dc->world, f, ret);
	if (rc) {
		free(f->data);
		return rc;
	}
	imap_remove(&dc->uploads, key_of(u->user_id, u->file_id));
	upload_free(dc, u);
	return ERR_OK;
}

/* ---- files go out */

enum err dc_upload_file_of(struct dc_call *call, const struct dyn *input,
			   struct world_file **ret)
{
	struct tl_bytes given = dyn_bytes(input, TLF_file_reference);
	struct world_file *f =
		world_file(&call->dc->world, dyn_int(input, TLF_id, 0));

	if (!f || f->access_hash != dyn_int(input, TLF_access_hash, 0))
		return dc_call_fail(call, 400, "LOCATION_INVALID");
	if (!given.len)
		return dc_call_fail(call, 400, "FILE_REFERENCE_EMPTY");
	if (!world_file_ref_good(&call->dc->world, f, given.data, given.len))
		return dc_call_fail(call, 400, "FILE_REFERENCE_EXPIRED");
	*ret = f;
	return ERR_OK;
}

static enum err check_range(struct dc_call *call, int64_t offset, int64_t limit)
{
	if (limit < ALIGN || limit > CHUNK_MAX || limit % ALIGN)
		return dc_call_fail(call, 400, "LIMIT_INVALID");
	if (offset < 0 || offset % ALIGN ||
	    offset / CHUNK_MAX != (offset + limit - 1) / CHUNK_MAX)
		return dc_call_fail(call, 400, "OFFSET_INVALID");
	return ERR_OK;
}

enum err dc_upload_get(struct dc_call *call, struct err_info *ei)
{
	int64_t offset = dyn_int(call->fn, TLF_offset, 0);
	int64_t limit = dyn_int(call->fn, TLF_limit, 0);
	struct dyn *d = dyn_new(call->arena, TLN_upload_file);
	struct dyn_val bytes = { .kind = DYN_BYTES };
	struct world_file *f;
	enum err rc;

	(void)ei;
	rc = dc_upload_file_of(call, dyn_obj(call->fn, TLF_location), &f);
	if (rc)
		return rc;
	if (f->dc_id != call->conn->node->id)
		return dc_call_fail(call, 303, "FILE_MIGRATE_%d", f->dc_id);
	rc = check_range(call, offset, limit);
	if (rc)
		return rc;
	if (offset > (int64_t)f->size)
		offset = (int64_t)f->size;
	if (limit > (int64_t)f->size - offset)
		limit = (int64_t)f->size - offset;
	bytes.bytes = (struct tl_bytes){ f->data + offset, (size_t)limit };
	dyn_set_obj(d, TLF_type, dyn_new(call->arena, TLN_storage_filePartial));
	dyn_set_int(d, TLF_mtime, f->date);
	dyn_set_val(d, TLF_bytes, bytes);
	call->dc->counters.file_bytes += (uint64_t)limit;
	dc_call_obj(call, d);
	return ERR_OK;
}

/* ---- references that were given out become stale */

enum err dc_upload_load(struct dc *dc, struct err_info *ei)
{
	uint64_t epoch;
	size_t len;
	enum err rc;

	rc = dc_store_get_meta(dc->store, META_EPOCH, &epoch, sizeof(epoch),
			       &len, ei);
	if (!rc && len == sizeof(epoch))
		dc->world.file_epoch = epoch;
	return rc;
}

static enum err post_expire(struct http_req *req, void *ctx,
			    struct err_info *ei)
{
	struct dc *dc = ctx;

	(void)ei;
	dc->world.file_epoch++;
	dc_store_put_meta(dc->store, META_EPOCH, &dc->world.file_epoch,
			  sizeof(dc->world.file_epoch));
	return dc_admin_ok(req);
}

enum err dc_upload_routes(struct dc *dc, struct err_info *ei)
{
	static const struct router_row rows[] = {
		{ "POST", "/files/expire", 0, 0, 4096, post_expire,
		  "Make every file reference stale" },
	};

	return router_add(&dc->router, rows, ARRAY_LEN(rows), ei);
}
