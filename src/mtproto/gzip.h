/* SPDX-License-Identifier: MIT */
/*
 * gzip_packed for both sides.  Inflating accepts the gzip and the zlib header
 * (clients send either); deflating writes gzip, which all accept.
 *
 *   memory    inflated bytes go to the caller's buffer, whose max is the limit;
 *             on top of that the ratio is bounded (GZIP_RATIO_MAX)
 *   failure   ERR_TOOBIG for a bomb, ERR_PROTO for a damaged or cut stream,
 *             bytes behind it, and an empty one; out is then as it was
 */
#ifndef MTPROTO_GZIP_H
#define MTPROTO_GZIP_H

#include "base/buf.h"

/* Output may always be GZIP_FREE bytes; above, this many times the input. */
#define GZIP_RATIO_MAX 200U
#define GZIP_FREE (64U << 10)
#define GZIP_UNPACKED_MAX (16U << 20) /* what callers should give buf_init() */

/* obj is a gzip_packed object, constructor included; appends what it holds. */
enum err gzip_unpack(const uint8_t *obj, size_t len, struct buf *out,
		     struct err_info *ei);
/* Appends a gzip_packed object holding data. */
enum err gzip_pack(const void *data, size_t len, struct buf *out);

/* The streams alone. */
enum err gzip_inflate(const uint8_t *data, size_t len, struct buf *out,
		      struct err_info *ei);
enum err gzip_deflate(const void *data, size_t len, struct buf *out);

/* The linked library's own word for its version. */
const char *gzip_library_version(void);

#endif /* MTPROTO_GZIP_H */
