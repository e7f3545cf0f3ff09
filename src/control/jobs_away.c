/* SPDX-License-Identifier: MIT */
#include "control/jobs_away.h"

#include <stdlib.h>
#include <string.h>

static bool is_over(const struct store_job *row)
{
	return strcmp(row->state, "queued") != 0 &&
	       strcmp(row->state, "running") != 0;
}

enum err jobs_away_running(struct control *c, struct arena *a,
			   const char *job_id, bool *ret, struct err_info *ei)
{
	struct store_job row;
	enum err rc;

	*ret = false;
	if (!c->replicas || strmap_get(&c->jobs, job_id))
		return ERR_OK;
	rc = c->store->ops->job_get(c->store, job_id, a, &row, ei);
	if (rc)
		return rc == ERR_NOTFOUND ? ERR_OK : rc;
	*ret = !is_over(&row) && c->jobs_away.count < JOBS_AWAY_MAX;
	return ERR_OK;
}

enum err jobs_away_wait(struct control *c, struct http_req *req,
			const char *job_id, int64_t wait_us, waitq_fn fn,
			void *ctx)
{
	struct waitq *q = strmap_get(&c->jobs_away, job_id);

	if (q)
		return waitq_add(q, c, req, wait_us, fn, ctx);
	q = calloc(1, sizeof(*q));
	if (!q || strmap_set(&c->jobs_away, job_id, q)) {
		free(q);
		return ERR_NOMEM;
	}
	return waitq_add(q, c, req, wait_us, fn, ctx);
}

static enum err look_at(struct control *c, const char *job_id, struct waitq *q,
			struct err_info *ei)
{
	struct store_job row;
	struct arena a;
	bool over = true;
	enum err rc = ERR_OK;

	if (q->first) {
		arena_init(&a, 64U << 20);
		rc = c->store->ops->job_get(c->store, job_id, &a, &row, ei);
		over = rc == ERR_NOTFOUND || (!rc && is_over(&row));
		arena_deinit(&a);
	}
	if (!over)
		return rc;
	strmap_remove(&c->jobs_away, job_id);
	waitq_wake(q);
	free(q);
	return ERR_OK;
}

enum err jobs_away_look(struct control *c, struct err_info *ei)
{
	struct strmap_iter it = strmap_iter(&c->jobs_away);
	enum err rc = ERR_OK;

	while (!rc && strmap_next(&c->jobs_away, &it))
		rc = look_at(c, it.key, it.value, ei);
	return rc;
}

void jobs_away_free(struct control *c)
{
	struct strmap_iter it = strmap_iter(&c->jobs_away);

	while (strmap_next(&c->jobs_away, &it)) {
		waitq_drop(it.value);
		free(it.value);
	}
	strmap_deinit(&c->jobs_away);
}
