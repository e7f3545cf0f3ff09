/* SPDX-License-Identifier: MIT */
/* Shared by sessfile_write*.c only. */
#ifndef TG_SESSFILE_WRITE_INT_H
#define TG_SESSFILE_WRITE_INT_H

#include "tg/sessfile_write.h"

/* The session's own, or the well-known one; NULL if there is none. */
const char *sessfile_write_address(const struct sessfile *s);
int sessfile_write_port(const struct sessfile *s);
enum err sessfile_write_need_user(const struct sessfile *s,
				  struct err_info *ei);

enum err sessfile_write_no_address(const struct sessfile *s,
				   struct err_info *ei);

enum err sessfile_write_sqlite(const struct sessfile *s,
			       const struct sessfile_target *to,
			       struct wall now, struct buf *out,
			       struct err_info *ei);

#endif /* TG_SESSFILE_WRITE_INT_H */
