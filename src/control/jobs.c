/* SPDX-License-Identifier: MIT */
#include "control/jobs.h"

#include <stdlib.h>
#include <string.h>

#define JOBS_MAX 1000
#define RESULT_MAX (32U << 20)

static enum err store_new(struct jobs_entry *j, struct err_info *ei)
{
	const struct store_job row = {
		.job_id = j->id,
		.kind = j->kind,
		.state = "running",
		.created_by = j->created_by,
		.owner = j->c->replica_id,
		.created = j->created,
		.started = j->created,
	};

	return j->c->store->ops->job_add(j->c->store, &row, ei);
}

static void free_entry(struct jobs_entry *j)
{
	if (j->free_work)
		j->free_work(j->work);
	free(j->created_by);
	free(j);
}

/* It was never there: its request is told so. */
static void abandon(struct control *c, void *arg, bool committed)
{
	struct jobs_entry *j = committed ? NULL : strmap_remove(&c->jobs, arg);

	if (!j)
		return;
	waitq_drop(&j->waiters);
	free_entry(j);
}

enum err jobs_start(struct control *c, const char *kind, const char *actor,
		    const struct jobs_entry *tmpl, struct jobs_entry **ret,
		    struct err_info *ei)
{
	struct jobs_entry *j;
	enum err rc;

	if (c->jobs.count >= JOBS_MAX)
		return err_set(ei, ERR_UNAVAILABLE,
			       "%d jobs are running already", JOBS_MAX);
	j = calloc(1, sizeof(*j));
	if (!j)
		return ERR_NOMEM;
	*j = *tmpl;
	j->c = c;
	j->kind = kind;
	j->created = control_wall(c);
	j->created_by = strdup(actor);
	control_random_id("job_", 12, j->id, sizeof(j->id));
	rc = j->created_by ? store_new(j, ei) : ERR_NOMEM;
	if (!rc)
		rc = change_after(c, abandon, j->id, sizeof(j->id), ei);
	if (!rc)
		rc = strmap_set(&c->jobs, j->id, j);
	if (rc) {
		free(j->created_by);
		free(j);
		return rc;
	}
	/* the job is there all the same: its end is told */
	(void)events_tell(c, EVENTS_JOBS, j->id, "job.started", NULL);
	log_info(LOGEV_JOB, log_str("job", j->id), log_str("kind", kind),
		 log_str("to", "running"));
	if (c->change)
		c->change->job_id =
			arena_str(&c->change->arena, j->id, strlen(j->id));
	*ret = j;
	return ERR_OK;
}

static enum err store_end(struct jobs_entry *j, bool success,
			  struct err_info *ei)
{
	struct store_job row = {
		.job_id = j->id,
		.kind = j->kind,
		.state = success ? "succeeded" : "failed",
		.created = j->created,
		.started = j->created,
		.finished = control_wall(j->c),
	};
	struct buf out;
	enum err rc;

	buf_init(&out, RESULT_MAX);
	rc = j->result(j->work, &out);
	if (!rc)
		row.result = buf_cstr(&out);
	if (!rc && !row.result)
		rc = ERR_NOMEM;
	if (!rc)
		rc = j->c->store->ops->job_update(j->c->store, &row, ei);
	buf_deinit(&out);
	return rc;
}

static void log_end(const struct jobs_entry *j, bool success)
{
	log_info(LOGEV_JOB, log_str("job", j->id), log_str("kind", j->kind),
		 log_str("to", success ? "succeeded" : "failed"));
}

void jobs_finish(struct jobs_entry *j, bool success)
{
	struct err_info ei = { 0 };
	enum err rc = store_end(j, success, &ei);

	if (rc)
		log_fail(LOG_ERROR, LOGEV_JOB, rc, &ei, log_str("job", j->id));
	else
		log_end(j, success);
	if (!rc)
		(void)events_tell(j->c, EVENTS_JOBS, j->id, "job.finished",
				  NULL);
	strmap_remove(&j->c->jobs, j->id);
	waitq_wake(&j->waiters);
	free_entry(j);
}

enum err jobs_finish_now(struct jobs_entry *j, bool success,
			 struct err_info *ei)
{
	enum err rc = store_end(j, success, ei);

	if (!rc)
		rc = events_tell(j->c, EVENTS_JOBS, j->id, "job.finished", ei);
	if (rc)
		return rc;
	log_end(j, success);
	strmap_remove(&j->c->jobs, j->id);
	free_entry(j);
	return ERR_OK;
}

void jobs_free(struct control *c)
{
	struct strmap_iter it = strmap_iter(&c->jobs);

	while (strmap_next(&c->jobs, &it)) {
		struct jobs_entry *j = it.value;

		waitq_wake(&j->waiters);
		free_entry(j);
	}
	strmap_deinit(&c->jobs);
}
