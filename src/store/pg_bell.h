/* SPDX-License-Identifier: MIT */
/*
 * What replicas call to each other: NOTIFY on a connection that does nothing but
 * LISTEN, so that its socket is readable when somebody called.
 *
 * A call is a hint and may be lost with the connection; who relies on it looks
 * into the database, too.
 *
 *   owner     the store; `url` is borrowed
 *   failure   ERR_UNAVAILABLE: the connection is gone, open again
 */
#ifndef STORE_PG_BELL_H
#define STORE_PG_BELL_H

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/err.h"

#define PG_BELL_CHANNEL "tgfleet"
#define PG_BELL_TEXT_MAX 4096 /* PostgreSQL's own limit is 8000 */

struct pg_bell {
	PGconn *conn; /* NULL: not open */
};

/* What the address does not say for itself; waits, some seconds at most. */
PGconn *pg_dial(const char *url);

/* Closes what was open before. */
enum err pg_bell_open(struct pg_bell *b, const char *url, int *ret_fd,
		      struct err_info *ei);
/* The next call, or NULL: none so far. */
enum err pg_bell_next(struct pg_bell *b, struct arena *a, const char **ret,
		      struct err_info *ei);
void pg_bell_close(struct pg_bell *b);

#endif /* STORE_PG_BELL_H */
