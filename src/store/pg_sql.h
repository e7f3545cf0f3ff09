/* SPDX-License-Identifier: MIT */
/*
 * The operations' SQL in PostgreSQL's words.  Of what the two databases do not
 * share the operations use five things (pg_sql.c:words), and ? for parameters.
 */
#ifndef STORE_PG_SQL_H
#define STORE_PG_SQL_H

#include "base/buf.h"

/* Appends; ERR_NOMEM or ERR_TOOBIG of the buffer. */
enum err pg_sql_translate(const char *sql, struct buf *out);

/* What may stand at the beginning of a statement, and what it means for us. */
enum pg_sql_kind {
	PG_SQL_CONTROL, /* BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE */
	PG_SQL_READ,	/* SELECT that locks nothing */
	PG_SQL_WRITE,	/* may fail for what is in the database */
};
enum pg_sql_kind pg_sql_kind(const char *sql);

#endif /* STORE_PG_SQL_H */
