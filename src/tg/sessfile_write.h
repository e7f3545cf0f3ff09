/* SPDX-License-Identifier: MIT */
/*
 * Session files of other programs, written from the one form of sessfile.h.
 *
 * What a file says goes over; what it does not say is not made up: a format that
 * cannot do without a user id is refused when there is none.  Only an address
 * is filled in: every data centre has a well-known one.
 *
 *   owner     the caller; `out` holds a key afterwards, so buf_wipe() it
 *   memory    `out`, and SQLite's for the run
 *   threads   none
 *   failure   ERR_INVALID saying what is missing; ERR_NOMEM; ERR_TOOBIG
 */
#ifndef TG_SESSFILE_WRITE_H
#define TG_SESSFILE_WRITE_H

#include "base/clock.h"
#include "tg/sessfile_target.h"

bool sessfile_write_is_text(const struct sessfile_target *to);

/* Appends a whole file, or a string without an end of line. */
enum err sessfile_write(const struct sessfile *s,
			const struct sessfile_target *to, struct wall now,
			struct buf *out, struct err_info *ei);

#endif /* TG_SESSFILE_WRITE_H */
