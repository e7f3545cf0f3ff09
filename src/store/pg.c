/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL over libpq.
 *
 * The loop waits for the database, as it does for SQLite's disk: an operation is
 * a few statements of some tens of microseconds each, and what they cost is
 * shared by begin()/commit().  What could make it wait longer is bounded:
 * connecting, a statement, a server that does not answer (limits below).
 *
 * A statement that fails would end the whole transaction here.  The store
 * promises that a failed operation undoes only itself, so inside a transaction a
 * statement that can fail travels with a savepoint, in one go (pg_guarded).
 *
 * Several replicas of serve share a database: READ COMMITTED, conditional writes,
 * and rows locked (FOR UPDATE) where an operation reads before it writes.
 */
#include "store/pg.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/migrations.h"
#include "store/pg_bell.h"
#include "store/pg_sql.h"

#define PG_SQL_MAX 16384
#define PG_CLAIM_MS "5000"
#define PG_RETRY_US INT64_C(1000000) /* between tries to connect */

enum { PG_INT8 = 20, PG_TEXT = 25, PG_BYTEA = 17 }; /* pg_type.oid */

struct pg {
	struct db db; /* first */
	PGconn *conn;
	struct mono tried; /* to connect again */
	bool read_only;
	char *url;
	struct pg_bell bell;
	struct db_cache cache;
};

static struct pg *pg_of(struct db *db)
{
	return container_of(db, struct pg, db);
}

/* --- errors --- */

/* SQLSTATE, a class or a whole code; the first that fits. */
static const struct {
	const char *state;
	enum err rc;
	const char *advice;
} pg_states[] = {
	{ "22021", ERR_INVALID, "text is UTF-8 without NUL" },
	{ "23", ERR_CONFLICT, NULL },
	{ "25006", ERR_FORBIDDEN, "this server or login only reads" },
	{ "28", ERR_FORBIDDEN, "check user and password of the address" },
	{ "3D", ERR_NOTFOUND, "create the database" },
	{ "40", ERR_UNAVAILABLE, "others changed the same: try again" },
	{ "42501", ERR_FORBIDDEN, "the login lacks rights on our tables" },
	{ "53100", ERR_IO, "free some space" },
	{ "53200", ERR_NOMEM, NULL },
	{ "53", ERR_UNAVAILABLE, "the server lacks resources" },
	{ "54", ERR_TOOBIG, NULL },
	{ "55P03", ERR_UNAVAILABLE, "others hold the lock: try again" },
	{ "57", ERR_UNAVAILABLE, "the server ended it or is going down" },
	{ "XX001", ERR_CORRUPT, "restore a backup" },
	{ "XX002", ERR_CORRUPT, "restore a backup" },
};

static enum err pg_say(const struct pg *s, const char *state, const char *said,
		       struct err_info *ei)
{
	int len = (int)strcspn(said, "\n");
	enum err rc = *state ? ERR_IO : ERR_UNAVAILABLE;
	const char *advice = NULL;

	for (size_t i = 0; i < ARRAY_LEN(pg_states); i++) {
		if (strncmp(state, pg_states[i].state,
			    strlen(pg_states[i].state)) == 0) {
			rc = pg_states[i].rc;
			advice = pg_states[i].advice;
			break;
		}
	}
	return err_set(ei, rc, "database %s: %.*s%s%s", s->db.name, len, said,
		       advice ? ": " : "", advice ? advice : "");
}

/* r: what failed, or NULL when there was no answer. */
static enum err pg_fail(const struct pg *s, const PGresult *r,
			struct err_info *ei)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *said =
		r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	return pg_say(s, state ? state : "",
		      said ? said : PQerrorMessage(s->conn), ei);
}

static bool pg_ok(const PGresult *r)
{
	ExecStatusType st = PQresultStatus(r);

	return st == PGRES_TUPLES_OK || st == PGRES_COMMAND_OK;
}

/* --- the connection --- */

/* Another program's tables are not ours to write beside. */
static enum err pg_check_ours(struct pg *s, struct err_info *ei)
{
	int64_t ours = 0, tables = 0;
	enum err rc;

	rc = db_scalar(&s->db, 0, &ours, ei, s->db.drv->has_schema, "");
	if (rc == ERR_OK && ours == 0)
		rc = db_scalar(&s->db, 0, &tables, ei,
			       "SELECT count(*) FROM pg_catalog.pg_tables "
			       "WHERE schemaname = current_schema()",
			       "");
	if (rc || tables == 0)
		return rc;
	return err_set(ei, ERR_CORRUPT,
		       "database %s has tables of another program: make one "
		       "for tgfleet",
		       s->db.name);
}

static enum err pg_simple(struct pg *s, const char *sql, struct err_info *ei)
{
	PGresult *r = PQexec(s->conn, sql);
	enum err rc = pg_ok(r) ? ERR_OK : pg_fail(s, r, ei);

	PQclear(r);
	return rc;
}

static enum err pg_setup(struct pg *s, struct err_info *ei)
{
	if (PQserverVersion(s->conn) < 130000)
		return err_set(ei, ERR_UNAVAILABLE,
			       "database %s: PostgreSQL 13 or newer is needed, "
			       "it is %d",
			       s->db.name, PQserverVersion(s->conn) / 10000);
	return pg_simple(s,
			 s->read_only ? "SET default_transaction_read_only = on"
				      : "SET synchronous_commit = on",
			 ei);
}

/* Lost connections come back; what was under way is lost. */
static enum err pg_connected(struct pg *s, struct err_info *ei)
{
	struct mono now;

	if (PQstatus(s->conn) == CONNECTION_OK)
		return ERR_OK;
	now = clock_mono(clock_system());
	if (s->db.depth || mono_diff(now, s->tried) < PG_RETRY_US)
		return err_set(ei, ERR_UNAVAILABLE,
			       "database %s: the connection is lost",
			       s->db.name);
	s->tried = now;
	s->cache = (struct db_cache){ 0 };
	PQreset(s->conn);
	if (PQstatus(s->conn) != CONNECTION_OK)
		return pg_say(s, "", PQerrorMessage(s->conn), ei);
	return pg_setup(s, ei);
}

/* --- statements --- */

struct pg_args {
	int n;
	Oid types[DB_ARGS_MAX];
	const char *values[DB_ARGS_MAX];
	int lengths[DB_ARGS_MAX], formats[DB_ARGS_MAX];
	uint64_t ints[DB_ARGS_MAX];
};

static void pg_take_args(struct pg_args *a, const struct db_arg *args, size_t n)
{
	a->n = (int)n;
	for (size_t i = 0; i < n; i++) {
		const struct db_arg *x = &args[i];

		a->formats[i] = !x->is_text;
		a->values[i] = x->data;
		a->lengths[i] = (int)x->len;
		a->types[i] = x->is_text ? PG_TEXT : PG_BYTEA;
		if (x->is_text || x->is_blob)
			continue;
		a->types[i] = PG_INT8;
		a->ints[i] = htobe64((uint64_t)x->i64);
		a->values[i] = (const char *)&a->ints[i];
		a->lengths[i] = sizeof(a->ints[i]);
	}
}

static void pg_name(const struct pg *s, const struct db_slot *slot,
		    char ret[16])
{
	snprintf(ret, 16, "s%u", (unsigned int)(slot - s->cache.slots));
}

static enum err pg_prepare(struct pg *s, struct db_slot *slot,
			   const struct pg_args *a, struct err_info *ei)
{
	struct buf text;
	char name[16];
	PGresult *r;
	enum err rc;

	pg_name(s, slot, name);
	buf_init(&text, PG_SQL_MAX);
	rc = pg_sql_translate(slot->sql, &text);
	if (rc == ERR_OK && !buf_cstr(&text))
		rc = ERR_NOMEM;
	if (rc == ERR_OK) {
		r = PQprepare(s->conn, name, buf_cstr(&text), a->n, a->types);
		if (!pg_ok(r))
			rc = pg_fail(s, r, ei);
		PQclear(r);
	}
	buf_deinit(&text);
	if (rc == ERR_OK)
		slot->stmt = slot;
	return rc;
}

/* The answer to one statement of a pipeline; the ends between are skipped. */
static PGresult *pg_next_answer(struct pg *s)
{
	PGresult *r = PQgetResult(s->conn);

	return r ? r : PQgetResult(s->conn);
}

/* Reads what the pipeline still has to say. */
static void pg_pipeline_end(struct pg *s)
{
	int nothing = 0;
	PGresult *r;

	while (nothing < 2 && PQstatus(s->conn) == CONNECTION_OK) {
		r = PQgetResult(s->conn);
		nothing = r ? 0 : nothing + 1;
		if (PQresultStatus(r) == PGRES_PIPELINE_SYNC)
			nothing = 2;
		PQclear(r);
	}
	PQexitPipelineMode(s->conn);
}

static PGresult *pg_guarded(struct pg *s, const char *name,
			    const struct pg_args *a)
{
	PGconn *c = s->conn;
	PGresult *mark, *r = NULL;

	if (!PQenterPipelineMode(c))
		return NULL;
	if (PQsendQueryParams(c, "SAVEPOINT st", 0, NULL, NULL, NULL, NULL,
			      1) &&
	    PQsendQueryPrepared(c, name, a->n, a->values, a->lengths,
				a->formats, 1) &&
	    PQsendQueryParams(c, "RELEASE st", 0, NULL, NULL, NULL, NULL, 1) &&
	    PQpipelineSync(c)) {
		mark = pg_next_answer(s);
		PQclear(mark);
		r = pg_next_answer(s);
	}
	pg_pipeline_end(s);
	if (PQtransactionStatus(c) == PQTRANS_INERROR)
		PQclear(PQexec(c, "ROLLBACK TO st; RELEASE st"));
	return r;
}

static enum err pg_execute(struct pg *s, const char *sql,
			   const struct pg_args *a, PGresult **ret,
			   struct err_info *ei)
{
	struct db_slot *slot = db_cache_slot(&s->cache, sql);
	enum err rc = slot->stmt ? ERR_OK : pg_prepare(s, slot, a, ei);
	char name[16];
	PGresult *r;

	if (rc)
		return rc;
	pg_name(s, slot, name);
	if (s->db.depth && pg_sql_kind(sql) == PG_SQL_WRITE)
		r = pg_guarded(s, name, a);
	else
		r = PQexecPrepared(s->conn, name, a->n, a->values, a->lengths,
				   a->formats, 1);
	*ret = r;
	return ERR_OK;
}

static enum err pg_execute_text(struct pg *s, const char *sql,
				const struct pg_args *a, PGresult **ret,
				struct err_info *ei)
{
	struct buf text;
	enum err rc;

	buf_init(&text, PG_SQL_MAX);
	rc = pg_sql_translate(sql, &text);
	if (rc == ERR_OK && !buf_cstr(&text))
		rc = ERR_NOMEM;
	if (rc == ERR_OK)
		*ret = PQexecParams(s->conn, buf_cstr(&text), a->n, a->types,
				    a->values, a->lengths, a->formats, 1);
	else
		rc = err_set(ei, rc, "query");
	buf_deinit(&text);
	return rc;
}

static void pg_end(struct db_row *r)
{
	PQclear(r->stmt);
	r->stmt = NULL;
}

static enum err pg_start(struct db_row *r, const char *sql, bool keep,
			 const struct db_arg *args, size_t nargs,
			 struct err_info *ei)
{
	struct pg *s = pg_of(r->db);
	PGresult *got = NULL;
	struct pg_args a;
	enum err rc = pg_connected(s, ei);

	if (rc)
		return rc;
	pg_take_args(&a, args, nargs);
	rc = keep ? pg_execute(s, sql, &a, &got, ei)
		  : pg_execute_text(s, sql, &a, &got, ei);
	if (rc)
		return rc;
	r->stmt = got;
	r->at = -1;
	if (pg_ok(got))
		return ERR_OK;
	rc = pg_fail(s, got, ei);
	pg_end(r);
	return rc;
}

static enum err pg_next(struct db_row *r, bool *ret_row, struct err_info *ei)
{
	*ret_row = ++r->at < PQntuples(r->stmt);
	if (!*ret_row) {
		r->changes = strtoll(PQcmdTuples(r->stmt), NULL, 10);
		pg_end(r);
	}
	return ERR_OK;
}

/* --- columns --- */

static const void *pg_blob(struct db_row *r, int col, size_t *ret_len)
{
	int row = (int)r->at;

	*ret_len = (size_t)PQgetlength(r->stmt, row, col);
	return PQgetisnull(r->stmt, row, col) ? NULL
					      : PQgetvalue(r->stmt, row, col);
}

static const char *pg_text(struct db_row *r, int col, size_t *ret_len)
{
	return pg_blob(r, col, ret_len);
}

/* Whole numbers of any width, big endian; NULL is 0. */
static int64_t pg_i64(struct db_row *r, int col)
{
	size_t len;
	const uint8_t *p = pg_blob(r, col, &len);
	uint64_t v;

	if (!p)
		return 0;
	BUG_ON(len != 1 && len != 2 && len != 4 && len != 8);
	v = len < 8 && (p[0] & 0x80) ? UINT64_MAX : 0;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

/* --- the rest --- */

static enum err pg_script(struct db *db, const char *sql, struct err_info *ei)
{
	return pg_simple(pg_of(db), sql, ei);
}

static bool pg_in_transaction(struct db *db)
{
	PGTransactionStatusType st = PQtransactionStatus(pg_of(db)->conn);

	return st == PQTRANS_INTRANS || st == PQTRANS_INERROR;
}

static void pg_forget(struct db *db)
{
	struct pg *s = pg_of(db);

	s->cache = (struct db_cache){ 0 };
	if (PQstatus(s->conn) == CONNECTION_OK)
		PQclear(PQexec(s->conn, "DEALLOCATE ALL"));
}

/* The server checks pages itself; what a crash of ours could leave is this. */
static enum err pg_integrity(struct db *db, struct err_info *ei)
{
	struct db_row r;
	bool bad = false;
	enum err rc;

	rc = db_query(db, NULL, &r, ei,
		      "SELECT c.relname FROM pg_catalog.pg_index i JOIN "
		      "pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE NOT "
		      "i.indisvalid AND pg_catalog.pg_table_is_visible(c.oid)",
		      "");
	if (rc == ERR_OK)
		rc = db_next(&r, &bad, ei);
	if (rc || !bad)
		return rc;
	rc = err_set(ei, ERR_CORRUPT,
		     "database %s: the index %s is not valid: REINDEX it",
		     db->name, db_peek(&r));
	db_end(&r);
	return rc;
}

/*
 * Two with one id would take each other's jobs for their own from before.  Held by
 * the connection, so it ends with the process, however that ends; the server may
 * take a moment to see it, which is waited for, whatever the address says of
 * time-outs.
 */
static enum err pg_claim(struct pg *s, const char *id, struct err_info *ei)
{
	enum err rc = pg_simple(s, "SET lock_timeout = " PG_CLAIM_MS, ei);

	if (rc == ERR_OK)
		rc = db_run(&s->db, NULL, ei,
			    "SELECT pg_advisory_lock(1952933477, "
			    "hashtext(current_schema() || ' ' || ?))",
			    "t", id);
	if (rc == ERR_OK)
		rc = pg_simple(s, "RESET lock_timeout", ei);
	if (rc != ERR_UNAVAILABLE)
		return rc;
	return err_set(ei, ERR_CONFLICT,
		       "database %s: another serve is replica %s: give this "
		       "one a data folder of its own, without a replica.id "
		       "that was copied",
		       s->db.name, id);
}

static enum err pg_ring(struct db *db, const char *text, struct err_info *ei)
{
	return db_run(db, NULL, ei,
		      "SELECT pg_notify('" PG_BELL_CHANNEL "', ?)", "t", text);
}

static enum err pg_open_bell(struct db *db, int *ret_fd, struct err_info *ei)
{
	struct pg *s = pg_of(db);

	return pg_bell_open(&s->bell, s->url, ret_fd, ei);
}

static enum err pg_next_call(struct db *db, struct arena *a, const char **ret,
			     struct err_info *ei)
{
	return pg_bell_next(&pg_of(db)->bell, a, ret, ei);
}

static void pg_close(struct db *db)
{
	struct pg *s = pg_of(db);

	pg_bell_close(&s->bell);
	PQfinish(s->conn);
	free(s->url);
	free(db->name);
	free(s);
}

static const struct db_driver pg_driver = {
	.begin = "BEGIN",
	.schema_lock = "SELECT pg_advisory_xact_lock(1952933477)",
	.has_schema = "SELECT count(*) FROM pg_catalog.pg_tables WHERE "
		      "schemaname = current_schema() AND tablename = "
		      "'schema_migrations'",
	.migrations = MIGRATIONS_PG,
	.close = pg_close,
	.start = pg_start,
	.next = pg_next,
	.end = pg_end,
	.text = pg_text,
	.i64 = pg_i64,
	.blob = pg_blob,
	.script = pg_script,
	.in_transaction = pg_in_transaction,
	.forget = pg_forget,
	.integrity = pg_integrity,
	.ring = pg_ring,
	.bell_open = pg_open_bell,
	.bell_next = pg_next_call,
};

/* An address is shown, logged and seen by everyone who lists processes. */
static enum err pg_check_url(const char *url, struct err_info *ei)
{
	char *why = NULL;
	PQconninfoOption *o = PQconninfoParse(url, &why);
	enum err rc = ERR_OK;

	if (!o) {
		rc = err_set(ei, ERR_USAGE, "database address: %.*s",
			     (int)strcspn(why ? why : "", "\n"),
			     why ? why : "out of memory");
		PQfreemem(why);
		return rc;
	}
	for (size_t i = 0; o[i].keyword; i++)
		if (strcmp(o[i].keyword, "password") == 0 && o[i].val)
			rc = err_set(ei, ERR_USAGE,
				     "the database address holds a password: "
				     "put it into a PGPASSFILE (mode 0600) "
				     "instead");
	PQconninfoFree(o);
	return rc;
}

static enum err pg_connect(struct pg *s, const char *url,
			   const struct store_options *opt, struct err_info *ei)
{
	enum err rc;

	s->read_only = opt->read_only;
	s->url = strdup(url);
	if (!s->url)
		return err_set(ei, ERR_NOMEM, "PostgreSQL connection");
	rc = pg_check_url(url, ei);
	if (rc)
		return rc;
	s->conn = pg_dial(url);
	if (!s->conn || asprintf(&s->db.name, "%s/%s", PQhost(s->conn),
				 PQdb(s->conn)) < 0) {
		s->db.name = NULL;
		return err_set(ei, ERR_NOMEM, "PostgreSQL connection");
	}
	if (PQstatus(s->conn) != CONNECTION_OK)
		return pg_say(s, "", PQerrorMessage(s->conn), ei);
	rc = pg_setup(s, ei);
	if (!rc && opt->claim)
		rc = pg_claim(s, opt->claim, ei);
	return rc ? rc : pg_check_ours(s, ei);
}

enum err pg_open(const char *url, const struct store_options *opt,
		 struct store **ret, struct err_info *ei)
{
	static struct store_ops ops;
	struct pg *s = calloc(1, sizeof(*s));
	enum err rc;

	if (!s)
		return err_set(ei, ERR_NOMEM, "PostgreSQL connection");
	db_init(&s->db, &pg_driver, &ops, "postgresql");
	rc = pg_connect(s, url, opt, ei);
	if (rc) {
		pg_close(&s->db);
		return rc;
	}
	*ret = &s->db.store;
	return ERR_OK;
}

const char *pg_library_version(void)
{
	static char text[16];
	int v = PQlibVersion();

	snprintf(text, sizeof(text), "%d.%d", v / 10000, v % 10000);
	return text;
}
