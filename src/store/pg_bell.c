/* SPDX-License-Identifier: MIT */
#include "store/pg_bell.h"

#include <string.h>

#define PG_CONNECT_S "5"
#define PG_OPTIONS "-c statement_timeout=10000 -c lock_timeout=5000"
#define PG_SILENCE_MS "10000" /* of the network, while we wait */

static void pg_no_notice(void *ctx, const PGresult *r)
{
}

PGconn *pg_dial(const char *url)
{
	const char *const names[] = { "connect_timeout", "application_name",
				      "client_encoding", "tcp_user_timeout",
				      "keepalives_idle", "options",
				      "dbname",		 NULL };
	/* the address last: what it says itself counts */
	const char *const values[] = { PG_CONNECT_S,  "tgfleet", "UTF8",
				       PG_SILENCE_MS, "30",	 PG_OPTIONS,
				       url,	      NULL };
	PGconn *c = PQconnectdbParams(names, values, 1);

	if (c)
		PQsetNoticeReceiver(c, pg_no_notice, NULL);
	return c;
}

void pg_bell_close(struct pg_bell *b)
{
	PQfinish(b->conn);
	b->conn = NULL;
}

static enum err pg_bell_lost(struct pg_bell *b, const char *what,
			     struct err_info *ei)
{
	const char *said = b->conn ? PQerrorMessage(b->conn) : "not open";

	return err_set(ei, ERR_UNAVAILABLE, "%s: %.*s", what,
		       (int)strcspn(said, "\n"), said);
}

enum err pg_bell_open(struct pg_bell *b, const char *url, int *ret_fd,
		      struct err_info *ei)
{
	PGresult *r;
	bool ok;

	pg_bell_close(b);
	b->conn = pg_dial(url);
	if (!b->conn || PQstatus(b->conn) != CONNECTION_OK)
		return pg_bell_lost(b, "connect to listen", ei);
	r = PQexec(b->conn, "LISTEN " PG_BELL_CHANNEL);
	ok = PQresultStatus(r) == PGRES_COMMAND_OK;
	PQclear(r);
	if (!ok)
		return pg_bell_lost(b, "LISTEN", ei);
	*ret_fd = PQsocket(b->conn);
	return ERR_OK;
}

enum err pg_bell_next(struct pg_bell *b, struct arena *a, const char **ret,
		      struct err_info *ei)
{
	PGnotify *n;

	*ret = NULL;
	if (!b->conn || !PQconsumeInput(b->conn) ||
	    PQstatus(b->conn) != CONNECTION_OK)
		return pg_bell_lost(b, "listen", ei);
	n = PQnotifies(b->conn);
	if (!n)
		return ERR_OK;
	*ret = arena_str(a, n->extra, strnlen(n->extra, PG_BELL_TEXT_MAX));
	PQfreemem(n);
	return *ret ? ERR_OK : ERR_NOMEM;
}
