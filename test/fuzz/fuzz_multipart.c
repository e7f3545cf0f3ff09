/* SPDX-License-Identifier: MIT */
/*
 * The multipart parser: the same parts however the body is cut.
 */
#include <stdlib.h>
#include <string.h>

#include "http/multipart.h"

struct seen {
	struct buf text;
};

static enum err on_part(void *ctx, const struct multipart_part *p,
			struct err_info *ei)
{
	struct seen *s = ctx;

	if (strchr(p->filename, '/') || strchr(p->filename, '\\'))
		abort();
	return buf_printf(&s->text, "[%s|%s|%s:", p->name, p->filename,
			  p->content_type);
}

static enum err on_data(void *ctx, const uint8_t *data, size_t len,
			struct err_info *ei)
{
	return buf_append(&((struct seen *)ctx)->text, data, len);
}

static enum err on_end(void *ctx, struct err_info *ei)
{
	return buf_append_byte(&((struct seen *)ctx)->text, ']');
}

static enum err run(const uint8_t *data, size_t len, size_t piece,
		    struct buf *out)
{
	static const struct multipart_ops ops = { on_part, on_data, on_end };
	static const struct multipart_limits limits = { .parts = 8,
							.header_bytes = 256,
							.part_bytes = 4096 };
	struct seen s;
	struct multipart m;
	enum err rc;
	size_t n;

	buf_init(&s.text, 1 << 20);
	rc = multipart_init(&m, "multipart/form-data; boundary=aa", &limits,
			    &ops, &s, NULL);
	while (!rc && len) {
		n = len < piece ? len : piece;
		rc = multipart_feed(&m, data, n, NULL);
		data += n;
		len -= n;
	}
	if (!rc)
		rc = multipart_end(&m, NULL);
	multipart_deinit(&m);
	*out = s.text;
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf whole, cut;
	enum err a, b;

	if (!len)
		return 0;
	a = run(data + 1, len - 1, SIZE_MAX, &whole);
	b = run(data + 1, len - 1, data[0] % 32 + 1, &cut);
	if (a != b)
		abort();
	if (!a && (buf_len(&whole) != buf_len(&cut) ||
		   (buf_len(&cut) && memcmp(buf_head(&whole), buf_head(&cut),
					    buf_len(&cut)) != 0)))
		abort();
	buf_deinit(&whole);
	buf_deinit(&cut);
	return 0;
}
