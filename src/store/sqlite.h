/* SPDX-License-Identifier: MIT */
/*
 * The SQLite backend's door; everything else about it is private.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/store.h"

enum err sqlite_open(const char *path, const struct store_options *opt,
		     struct store **ret, struct err_info *ei);

/* The linked library's own word for its version. */
const char *sqlite_library_version(void);

#endif /* STORE_SQLITE_H */
