/* SPDX-License-Identifier: MIT */
#include "cli/slurp.h"

#include <string.h>

#include "base/files.h"

enum err slurp_file(const char *path, struct buf *out, struct err_info *ei)
{
	return files_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, out,
			  ei);
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
