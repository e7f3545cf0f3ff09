/* SPDX-License-Identifier: MIT */
#include "control/charset.h"

#include <errno.h>
#include <iconv.h>
#include <strings.h>

#include "base/defs.h"

/* Who says gb2312 means gbk, which has all of it. */
static const struct {
	const char *name, *iconv;
} charsets[] = {
	{ "gbk", "GBK" },
	{ "gb2312", "GBK" },
	{ "gb18030", "GB18030" },
	{ "big5", "BIG5" },
};

static enum err convert(iconv_t cd, const void *text, size_t len,
			struct buf *out, struct err_info *ei)
{
	/* iconv() does not write there, it only says that it may */
	char *in = (char *)(uintptr_t)text;
	size_t left = len;

	while (left) {
		char chunk[4096], *to = chunk;
		size_t room = sizeof(chunk);
		size_t n = iconv(cd, &in, &left, &to, &room);
		int e = errno;

		if (buf_append(out, chunk, sizeof(chunk) - room))
			return err_set(ei, ERR_TOOBIG,
				       "more than %u bytes as UTF-8", out->max);
		if (n == (size_t)-1 && e != E2BIG)
			return err_set(ei, ERR_INVALID,
				       "byte %zu is not of that encoding",
				       len - left + 1);
	}
	return ERR_OK;
}

enum err charset_decode(const char *name, const void *text, size_t len,
			struct buf *out, struct err_info *ei)
{
	const char *from = NULL;
	iconv_t cd;
	enum err rc;

	for (size_t i = 0; i < ARRAY_LEN(charsets); i++)
		if (!strcasecmp(charsets[i].name, name))
			from = charsets[i].iconv;
	if (!from)
		return err_set(ei, ERR_INVALID,
			       "encoding \"%.20s\" is not one of gbk, gb2312, "
			       "gb18030, big5 (UTF-8 needs none)",
			       name);
	cd = iconv_open("UTF-8", from);
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): POSIX's way to fail */
	if (cd == (iconv_t)-1)
		return err_set(ei, ERR_UNAVAILABLE,
			       "this machine has no tables for %s: send UTF-8",
			       name);
	rc = convert(cd, text, len, out, ei);
	iconv_close(cd);
	return rc;
}
