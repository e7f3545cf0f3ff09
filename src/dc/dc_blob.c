/* SPDX-License-Identifier: MIT */
/*
 * TL objects as bytes that the world keeps: always of the newest layer, so that
 * they can be written to any other again.
 */
#include "dc/dc_int.h"

enum err dc_blob_pack(struct dc_call *call, const struct dyn *d,
		      struct world_blob **ret)
{
	struct err_info ei = { 0 };
	struct tl_writer w;
	struct buf out;
	enum err rc;

	*ret = NULL;
	if (!d)
		return ERR_OK;
	buf_init(&out, WORLD_BLOB_MAX);
	cursor_write(&w, &out);
	rc = dyn_write(&w, &schema_api_223, d, &ei);
	if (!rc)
		rc = world_blob_new(buf_head(&out), buf_len(&out), ret);
	buf_deinit(&out);
	if (rc == ERR_TOOBIG)
		return dc_call_fail(call, 400, "ENTITIES_TOO_LONG");
	if (rc == ERR_INVALID)
		return dc_call_fail(call, 400, "INPUT_CONSTRUCTOR_INVALID");
	return rc;
}

/* In an object that has such a field: a vector alone has no type. */
enum err dc_blob_pack_vec(struct dc_call *call, uint16_t holder, uint16_t field,
			  struct dyn_vec *v, struct world_blob **ret)
{
	struct dyn *d = dyn_new(call->arena, holder);

	*ret = NULL;
	if (!dyn_len(v))
		return ERR_OK;
	dyn_set_vec(d, field, v);
	return dc_blob_pack(call, d, ret);
}

struct dyn *dc_blob_object(struct arena *a, const struct world_blob *b)
{
	struct tl_reader r;
	struct dyn *d;

	if (!b)
		return NULL;
	cursor_read(&r, b->data, b->len);
	return dyn_read(&r, &schema_api_223, a, &d, NULL) ? NULL : d;
}

void dc_blob_put_vec(struct dyn *to, uint16_t field, const struct world_blob *b)
{
	const struct dyn *holder = dc_blob_object(to->arena, b);
	struct dyn_vec *v = dyn_vec(holder, field);

	if (v)
		dyn_set_vec(to, field, v);
}
