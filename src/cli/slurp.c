/* SPDX-License-Identifier: MIT */
#include "cli/slurp.h"

#include <stdio.h>
#include <string.h>

#define STEP 65536U

static size_t step(const struct buf *out)
{
	size_t room = out->max - buf_len(out);

	return room < STEP ? room : STEP;
}

enum err slurp_file(const char *path, struct buf *out, struct err_info *ei)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	enum err rc = ERR_OK;

	if (!f)
		return err_set(ei, ERR_NOTFOUND, "%s: %m", path);
	while (!rc && step(out) > 0) {
		uint8_t *p;
		size_t n;

		rc = buf_reserve(out, step(out), &p);
		if (rc)
			break;
		n = fread(p, 1, step(out), f);
		buf_commit(out, n);
		if (n == 0)
			break;
	}
	if (!rc && ferror(f))
		rc = err_set(ei, ERR_IO, "%s: %m", path);
	if (f != stdin)
		fclose(f);
	return rc;
}

enum err slurp_line(const char *path, struct buf *out, struct err_info *ei)
{
	enum err rc = slurp_file(path, out, ei);
	const char *text;

	if (rc)
		return rc;
	text = buf_cstr(out);
	if (!text)
		return ERR_NOMEM;
	out->len = out->pos + strcspn(text, "\r\n");
	return ERR_OK;
}
