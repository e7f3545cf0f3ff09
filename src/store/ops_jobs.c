/* SPDX-License-Identifier: MIT */
/*
 * Jobs, the audit log, and the purge of what is past keeping.
 */
#include <string.h>

#include "store/db.h"

#define JOBS_DAY_US (INT64_C(86400) * US_PER_SEC)

/* --- audit --- */

static enum err jobs_audit_check(const struct store_audit *e,
				 struct err_info *ei)
{
	enum err rc = db_check_text("actor", e->actor, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("action", e->action, true, ei);
	if (rc == ERR_OK)
		rc = db_check_text("target", e->target, false, ei);
	if (rc == ERR_OK)
		rc = db_check_json("before", e->before, ei);
	if (rc == ERR_OK)
		rc = db_check_json("after", e->after, ei);
	return rc;
}

static enum err jobs_audit_add(struct store *st, const struct store_audit *e,
			       struct err_info *ei)
{
	enum err rc = jobs_audit_check(e, ei);

	if (rc)
		return rc;
	return db_run(db_of(st), NULL, ei,
		      "INSERT INTO audit (at, actor, action, target, "
		      "before, after, remote, request_id) VALUES "
		      "(?, ?, ?, ?, ?, ?, ?, ?)",
		      "wttttttt", e->at, e->actor, e->action, e->target,
		      e->before, e->after, e->remote, e->request_id);
}

#define JOBS_AUDIT_WHERE                                                       \
	" FROM audit WHERE (?1 IS NULL OR actor = ?1) AND "                    \
	"(?2 IS NULL OR action = ?2) AND (?3 IS NULL OR target = ?3)"

static void jobs_audit_read(struct db_row *r, void *ret)
{
	struct store_audit *e = ret;

	e->id = db_i64(r);
	e->at = db_wall(r);
	e->actor = db_must(r);
	e->action = db_must(r);
	e->target = db_text(r);
	e->before = db_text(r);
	e->after = db_text(r);
	e->remote = db_text(r);
	e->request_id = db_text(r);
}

static enum err jobs_audit_list(struct store *st,
				const struct store_audit_query *q,
				struct arena *a, struct store_audits *ret,
				struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	int64_t total = 0;
	struct db_row r;
	enum err rc;

	rc = db_scalar(db, 0, &total, ei, "SELECT count(*)" JOBS_AUDIT_WHERE,
		       "ttt", q->actor, q->action, q->target);
	if (rc == ERR_OK)
		rc = db_query(db, a, &r, ei,
			      "SELECT id, at, actor, action, target, "
			      "before, after, remote, "
			      "request_id" JOBS_AUDIT_WHERE
			      " ORDER BY id DESC LIMIT ?4 OFFSET ?5",
			      "tttii", q->actor, q->action, q->target,
			      db_page(q->limit), (int64_t)q->offset);
	if (rc == ERR_OK)
		rc = db_all(&r, jobs_audit_read, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	ret->total = total;
	return ERR_OK;
}

/* --- jobs --- */

static enum err jobs_check_result(const char *text, struct err_info *ei)
{
	if (text && strnlen(text, STORE_RESULT_MAX + 1) > STORE_RESULT_MAX)
		return err_set(
			ei, ERR_TOOBIG,
			"result is longer than %d bytes: do it for fewer "
			"accounts at once",
			STORE_RESULT_MAX);
	return ERR_OK;
}

static enum err jobs_check(const struct store_job *j, struct err_info *ei)
{
	enum err rc = db_check_text("job id", j->job_id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_json("progress", j->progress, ei);
	if (rc == ERR_OK)
		rc = jobs_check_result(j->result, ei);
	if (rc == ERR_OK)
		rc = db_check_json("error", j->error, ei);
	return rc;
}

static enum err jobs_add(struct store *st, const struct store_job *j,
			 struct err_info *ei)
{
	int64_t n = 0;
	enum err rc = jobs_check(j, ei);

	if (rc == ERR_OK)
		rc = db_check_text("kind", j->kind, true, ei);
	if (rc == ERR_OK)
		rc = db_run(db_of(st), &n, ei,
			    "INSERT INTO jobs (job_id, kind, state, "
			    "progress, result, error, created_by, owner, "
			    "created, started, finished) VALUES (?, ?, ?, ?, "
			    "?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job_id) DO "
			    "NOTHING",
			    "ttttttttwww", j->job_id, j->kind, j->state,
			    j->progress, j->result, j->error, j->created_by,
			    j->owner, j->created, j->started, j->finished);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_DUPLICATE, "job %s exists already", j->job_id);
}

static enum err jobs_update(struct store *st, const struct store_job *j,
			    struct err_info *ei)
{
	int64_t n = 0;
	enum err rc = jobs_check(j, ei);

	if (rc == ERR_OK)
		rc = db_run(db_of(st), &n, ei,
			    "UPDATE jobs SET state = ?2, progress = ?3, "
			    "result = ?4, error = ?5, started = ?6, "
			    "finished = ?7 WHERE job_id = ?1",
			    "tttttww", j->job_id, j->state, j->progress,
			    j->result, j->error, j->started, j->finished);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "no job %s", j->job_id);
}

#define JOBS_COLS                                                              \
	"job_id, kind, state, progress, result, error, created_by, owner, "    \
	"created, started, finished"

static void jobs_read(struct db_row *r, void *ret)
{
	struct store_job *j = ret;

	j->job_id = db_must(r);
	j->kind = db_must(r);
	j->state = db_must(r);
	j->progress = db_text(r);
	j->result = db_text(r);
	j->error = db_text(r);
	j->created_by = db_text(r);
	j->owner = db_text(r);
	j->created = db_wall(r);
	j->started = db_wall(r);
	j->finished = db_wall(r);
}

static enum err jobs_get(struct store *st, const char *job_id, struct arena *a,
			 struct store_job *ret, struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT " JOBS_COLS " FROM jobs WHERE job_id = ?", "t",
		      job_id);
	if (rc == ERR_OK)
		rc = db_one(&r, jobs_read, sizeof(*ret), ret, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, rc, "no job %s", job_id);
	return rc;
}

static enum err jobs_list(struct store *st, const struct store_job_query *q,
			  struct arena *a, struct store_jobs *ret,
			  struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	int64_t total = 0;
	struct db_row r;
	enum err rc;

	rc = db_scalar(db, 0, &total, ei,
		       "SELECT count(*) FROM jobs WHERE (?1 IS "
		       "NULL OR state = ?1)",
		       "t", q->state);
	if (rc == ERR_OK)
		rc = db_query(db, a, &r, ei,
			      "SELECT " JOBS_COLS
			      " FROM jobs WHERE (?1 IS NULL OR state = ?1) "
			      "ORDER BY created DESC, job_id LIMIT ?2 "
			      "OFFSET ?3",
			      "tii", q->state, db_page(q->limit),
			      (int64_t)q->offset);
	if (rc == ERR_OK)
		rc = db_all(&r, jobs_read, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	ret->total = total;
	return ERR_OK;
}

static enum err jobs_interrupt(struct store *st, const char *owner,
			       struct wall now, size_t *ret_rows,
			       struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db_of(st), &n, ei,
		    "UPDATE jobs SET state = 'failed', error = "
		    "'interrupted', finished = ?2 WHERE state IN ('queued', "
		    "'running') AND (owner = ?1 OR owner IS NULL OR owner NOT "
		    "IN (SELECT replica_id FROM replicas))",
		    "tw", owner, now);
	if (rc == ERR_OK)
		*ret_rows = (size_t)n;
	return rc;
}

/* --- purge --- */

/* What goes, and how many days after the time in its row. */
static const struct {
	const char *sql;
	int64_t days;
} jobs_purges[] = {
	{ "DELETE FROM logins WHERE token IN (SELECT token FROM logins WHERE "
	  "expires <= ? LIMIT ?)",
	  0 },
	{ "DELETE FROM grants WHERE hash IN (SELECT hash FROM grants WHERE "
	  "expires <= ? LIMIT ?)",
	  0 },
	{ "DELETE FROM idem WHERE (actor, key) IN (SELECT actor, key FROM idem "
	  "WHERE created < ? LIMIT ?)",
	  1 },
	/* how a deployment ended outlives its command: the same rows as below */
	{ "UPDATE script_deployments SET (state, error, finished) = (SELECT "
	  "c.state, c.error, c.finished FROM commands c WHERE c.command_id = "
	  "script_deployments.command_id) WHERE command_id IN (SELECT "
	  "command_id FROM commands WHERE state > 2 AND finished < ? ORDER BY "
	  "seq LIMIT ?)",
	  7 },
	{ "DELETE FROM commands WHERE seq IN (SELECT seq FROM commands WHERE "
	  "state > 2 AND finished < ? ORDER BY seq LIMIT ?)",
	  7 },
	{ "DELETE FROM script_deployments WHERE seq IN (SELECT seq FROM "
	  "script_deployments WHERE created < ? LIMIT ?)",
	  90 },
	{ "DELETE FROM jobs WHERE job_id IN (SELECT job_id FROM jobs WHERE "
	  "created < ? AND state NOT IN ('queued', 'running') LIMIT ?)",
	  30 },
	{ "DELETE FROM joins WHERE id IN (SELECT id FROM joins WHERE expires < "
	  "? LIMIT ?)",
	  30 },
};

static enum err jobs_purge_some(struct db *db, struct wall now,
				unsigned int limit, size_t *ret_rows,
				struct err_info *ei)
{
	size_t total = 0;

	for (size_t i = 0; i < ARRAY_LEN(jobs_purges); i++) {
		const int64_t age_us = jobs_purges[i].days * JOBS_DAY_US;
		int64_t n = 0;
		enum err rc;

		rc = db_run(db, &n, ei, jobs_purges[i].sql, "wd",
			    (struct wall){ now.us - age_us }, (int)limit);
		if (rc)
			return rc;
		total += (size_t)n;
	}
	*ret_rows = total;
	return ERR_OK;
}

static enum err jobs_purge(struct store *st, struct wall now,
			   unsigned int limit, size_t *ret_rows,
			   struct err_info *ei)
{
	struct db *db = db_of(st);
	size_t total = 0;
	enum err rc = db_atomic_begin(db, ei);

	if (rc)
		return rc;
	rc = jobs_purge_some(db, now, limit, &total, ei);
	rc = db_atomic_end(db, rc, ei);
	if (rc == ERR_OK)
		*ret_rows = total;
	return rc;
}

void ops_jobs(struct store_ops *ops)
{
	ops->audit_add = jobs_audit_add;
	ops->audit_list = jobs_audit_list;
	ops->job_add = jobs_add;
	ops->job_update = jobs_update;
	ops->job_get = jobs_get;
	ops->job_list = jobs_list;
	ops->job_interrupt = jobs_interrupt;
	ops->purge = jobs_purge;
}
