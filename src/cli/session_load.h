/* SPDX-License-Identifier: MIT */
/*
 * Session files and tdata folders from disk, and where they go.
 *
 *   memory    the file's copy is wiped; the session's key is in a secret
 *   failure   on `ei`, naming the file
 */
#ifndef CLI_SESSION_LOAD_H
#define CLI_SESSION_LOAD_H

#include "base/clock.h"
#include "tg/sessfile_write.h"

/* A file, or a folder of Telegram Desktop (TGFLEET_PASSCODE). */
enum err session_load(const char *path, struct sessfile *ret,
		      struct err_info *ei);
/* Mode 0600; ERR_CONFLICT if there is something by that name. */
enum err session_save(const struct sessfile *s,
		      const struct sessfile_target *to, const char *path,
		      struct err_info *ei);

#endif /* CLI_SESSION_LOAD_H */
