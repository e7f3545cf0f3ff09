/* SPDX-License-Identifier: MIT */
/*
 * Every reader of TL on the same bytes: skip and dyn agree on what is well formed
 * and where it ends; what dyn read, it writes, and that is stable; the structs
 * accept a subset of what skip does and give it back.
 */
#include <string.h>

#include "base/bug.h"
#include "tl/bind.h"
#include "tl/dyn.h"
#include "tl/skip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct schema *s, const struct dyn *d,
			struct buf *out)
{
	struct tl_writer w;

	cursor_write(&w, out);
	BUG_ON(dyn_write(&w, s, d, NULL) != ERR_OK);
}

static void stable(const struct schema *s, struct arena *a, const struct dyn *d)
{
	struct buf one, two;
	struct tl_reader r;
	struct dyn *again = NULL;

	buf_init(&one, 1 << 22);
	buf_init(&two, 1 << 22);
	write_again(s, d, &one);
	cursor_read(&r, buf_head(&one), buf_len(&one));
	if (!dyn_read(&r, s, a, &again, NULL)) {
		BUG_ON(cursor_finish(&r) != ERR_OK);
		write_again(s, again, &two);
		BUG_ON(buf_len(&one) != buf_len(&two));
		BUG_ON(memcmp(buf_head(&one), buf_head(&two), buf_len(&one)));
	} else {
		BUG_ON(r.rc != ERR_NOMEM);
	}
	buf_deinit(&one);
	buf_deinit(&two);
}

static void bound(const struct schema *s, struct arena *a, const uint8_t *data,
		  size_t size, size_t used)
{
	const struct schema_ctor *c;
	struct tl_reader r;
	struct tl_writer w;
	struct tlt_any any;
	struct buf out;

	cursor_read(&r, data, size);
	c = schema_find(s, cursor_peek_u32(&r));
	if (!c || c->is_function || s == &schema_api_144 ||
	    s == &schema_api_198)
		return;
	if (bind_read_type(&r, s, c->type, a, &any, NULL)) {
		BUG_ON(used > 0 && r.rc != ERR_NOMEM);
		return;
	}
	BUG_ON(any.raw.len != used);
	buf_init(&out, 1 << 22);
	cursor_write(&w, &out);
	BUG_ON(bind_write_type(&w, s, c->type, &any, NULL) != ERR_OK);
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct schema *const schemas[] = { &schema_api_223,
							&schema_api_144,
							&schema_mtproto,
							&schema_api_198 };
	const struct schema *s;
	struct tl_reader r;
	struct arena a;
	struct dyn *d = NULL;
	size_t used = 0;
	enum err rc;

	if (size == 0)
		return 0;
	s = schemas[data[0] % ARRAY_LEN(schemas)];
	data++;
	size--;
	cursor_read(&r, data, size);
	if (!skip_any(&r, s, NULL))
		used = size - cursor_left(&r);
	arena_init(&a, 1 << 22);
	cursor_read(&r, data, size);
	rc = dyn_read(&r, s, &a, &d, NULL);
	BUG_ON(rc != ERR_NOMEM && (rc == ERR_OK) != (used > 0));
	if (!rc) {
		BUG_ON(size - cursor_left(&r) != used);
		stable(s, &a, d);
	}
	bound(s, &a, data, size, used);
	arena_deinit(&a);
	return 0;
}
