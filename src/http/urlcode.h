/* SPDX-License-Identifier: MIT */
/*
 * Percent-encoding, query strings, forms, Basic credentials.
 *
 *   owner     plain functions; results go to the caller's buffer
 *   failure   ERR_SYNTAX: bad escape, NUL or invalid UTF-8; ERR_TOOBIG
 */
#ifndef HTTP_URLCODE_H
#define HTTP_URLCODE_H

#include "base/buf.h"

/* dst has len + 1 bytes; '+' becomes a space if `form`.  NUL-terminated. */
enum err urlcode_decode(char *dst, size_t *ret_len, const char *src, size_t len,
			bool form);
/* Appends, everything but unreserved characters as %XX. */
enum err urlcode_encode(struct buf *out, const char *src, size_t len);

/* Next name=value of text[*pos, len); false at the end.  Raw slices. */
struct urlcode_pair {
	const char *name, *value;
	size_t name_len, value_len;
};
bool urlcode_next(const char *text, size_t len, size_t *pos,
		  struct urlcode_pair *ret);

/* "Basic dXNlcjpwdw==": both parts NUL-terminated in buf_size bytes at buf,
 * which holds a secret: wipe it.  ERR_SYNTAX if it is not Basic. */
enum err urlcode_basic(const char *header, char *buf, size_t buf_size,
		       const char **ret_user, const char **ret_password);
/* "Bearer xyz" -> "xyz" inside header; NULL if it is not Bearer. */
const char *urlcode_bearer(const char *header);

#endif /* HTTP_URLCODE_H */
