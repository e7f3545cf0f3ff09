/* SPDX-License-Identifier: MIT */
/*
 * Text in the encodings that older scripts have, as UTF-8.
 *
 *   memory    the caller's buf and its maximum
 *   failure   ERR_INVALID names the byte; ERR_TOOBIG
 */
#ifndef CONTROL_CHARSET_H
#define CONTROL_CHARSET_H

#include "base/buf.h"

/* name: "gbk", "gb2312", "gb18030", "big5"; ERR_INVALID for others. */
enum err charset_decode(const char *name, const void *text, size_t len,
			struct buf *out, struct err_info *ei);

#endif /* CONTROL_CHARSET_H */
