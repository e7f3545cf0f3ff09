/* SPDX-License-Identifier: MIT */
/* Private to faketls*.c: the first bytes a browser sends. */
#ifndef MTPROTO_FAKETLS_INT_H
#define MTPROTO_FAKETLS_INT_H

#include "base/buf.h"
#include "base/rnd.h"

#define FAKETLS_RANDOM_AT 11U /* of a hello, from the record's first byte */

/* Appends a ClientHello naming `domain`; its random is zero. */
enum err faketls_hello_put(struct buf *out, const char *domain,
			   struct rnd *rnd);

#endif /* MTPROTO_FAKETLS_INT_H */
