/* SPDX-License-Identifier: MIT */
/*
 * The PostgreSQL backend's door.
 */
#ifndef STORE_PG_H
#define STORE_PG_H

#include "store/store.h"

/* A libpq address: "postgresql://user:password@host:port/database?options". */
enum err pg_open(const char *url, const struct store_options *opt,
		 struct store **ret, struct err_info *ei);

/* The linked library's version, as 15.4. */
const char *pg_library_version(void);

#endif /* STORE_PG_H */
