/* SPDX-License-Identifier: MIT */
/* A whole file, up to a limit, "-" being standard input. */
#ifndef CLI_SLURP_H
#define CLI_SLURP_H

#include "base/buf.h"

/* A session file's limit and a bit, so that "too large" is the reader's word. */
#define SLURP_MAX_BYTES (65UL << 20)

/* ERR_NOTFOUND, ERR_IO, ERR_TOOBIG. */
enum err slurp_file(const char *path, struct buf *out, struct err_info *ei);
/* The first line, without its end: how passwords and passcodes come in. */
enum err slurp_line(const char *path, struct buf *out, struct err_info *ei);

#endif /* CLI_SLURP_H */
