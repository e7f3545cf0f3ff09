/* SPDX-License-Identifier: MIT */
/*
 * Small files: read whole, written whole or not at all.
 *
 *   memory    the caller's buf and its maximum
 *   failure   ERR_IO, ERR_NOTFOUND, ERR_TOOBIG naming the file
 */
#ifndef BASE_FILES_H
#define BASE_FILES_H

#include "base/buf.h"

enum err files_read(const char *path, struct buf *out, struct err_info *ei);
/* Mode 0600; a temporary file, fsync, rename: old or new, never half. */
enum err files_write(const char *path, const void *data, size_t len,
		     struct err_info *ei);
/* The same without waiting for the disk: a process that dies leaves the old or
 * the new one, a power cut maybe neither. */
enum err files_replace(const char *path, const void *data, size_t len,
		       struct err_info *ei);
/* Mode 0600, durable with its name; ERR_DUPLICATE if it is there already. */
enum err files_create(const char *path, const void *data, size_t len,
		      struct err_info *ei);
/* Mode 0700; exists already is fine. */
enum err files_mkdir(const char *path, struct err_info *ei);
/* Held until the process ends; ERR_CONFLICT if somebody else has it. */
enum err files_lock(const char *path, int *ret_fd, struct err_info *ei);
/* Missing is fine. */
enum err files_remove(const char *path, struct err_info *ei);

#endif /* BASE_FILES_H */
