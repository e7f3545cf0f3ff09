/* SPDX-License-Identifier: MIT */
#include "control/jobs_reply.h"

#include <string.h>

#include "base/text.h"
#include "control/jobs_away.h"

#define RESULT_MAX (32U << 20)

static void write_job(struct jsonw *w, const struct store_job *row,
		      const char *result)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "job_id", row->job_id);
	jsonw_str(w, "kind", row->kind);
	jsonw_str(w, "state", row->state);
	jsonw_str_or_null(w, "created_by", row->created_by);
	jsonw_time(w, "created_at", row->created);
	jsonw_time(w, "finished_at", row->finished);
	control_write_raw(w, "result", result);
	jsonw_str_or_null(w, "error", row->error);
	jsonw_object_end(w);
}

enum err jobs_reply(struct control *c, struct http_req *req, const char *job_id,
		    struct err_info *ei)
{
	struct jobs_entry *live = strmap_get(&c->jobs, job_id);
	struct store_job row;
	const char *result;
	struct buf now, b;
	struct jsonw w;
	enum err rc;

	rc = c->store->ops->job_get(c->store, job_id, http_req_arena(req), &row,
				    ei);
	if (rc)
		return rc;
	result = row.result;
	buf_init(&now, RESULT_MAX);
	if (live) {
		rc = live->result(live->work, &now);
		result = buf_cstr(&now);
	}
	if (!rc) {
		control_body_init(&b, &w);
		write_job(&w, &row, result);
		control_reply(req, live || !row.finished.us ? 202 : 200, &b,
			      &w);
	}
	buf_deinit(&now);
	return rc;
}

static enum err reply_stored(struct control *c, struct http_req *req,
			     const char *job_id, struct err_info *ei)
{
	struct store_job row;
	enum err rc;

	rc = c->store->ops->job_get(c->store, job_id, http_req_arena(req), &row,
				    ei);
	if (rc)
		return rc;
	if (!row.result && !row.finished.us)
		return err_set(ei, ERR_UNAVAILABLE,
			       "job %s is not over yet, and runs in another "
			       "serve: ask for it again",
			       job_id);
	if (!row.result)
		return err_set(ei, ERR_UNAVAILABLE, "job %s: %s", job_id,
			       row.error ? row.error : "it left no result");
	http_reply(req, 200, "application/json", row.result,
		   strlen(row.result));
	return ERR_OK;
}

static enum err reply_live(struct http_req *req, const struct jobs_entry *j)
{
	struct buf out;
	enum err rc;

	buf_init(&out, RESULT_MAX);
	rc = j->result(j->work, &out);
	if (!rc)
		http_reply_json(req, 202, &out);
	buf_deinit(&out);
	return rc;
}

static void on_wait_over(struct control *c, struct http_req *req, void *ctx,
			 bool woken)
{
	const struct jobs_entry *j = strmap_get(&c->jobs, ctx);
	struct err_info ei = { 0 };
	enum err rc;

	rc = j ? reply_live(req, j) : reply_stored(c, req, ctx, &ei);
	if (rc)
		http_reply_error(req, rc, &ei);
}

enum err jobs_reply_result(struct control *c, struct http_req *req,
			   struct jobs_entry *job, const char *job_id,
			   int64_t wait_us, struct err_info *ei)
{
	struct arena *a = http_req_arena(req);
	char *id = arena_str(a, job_id, strlen(job_id));
	bool away = false;
	enum err rc;

	if (!id)
		return ERR_NOMEM;
	if (job && wait_us > 0)
		return waitq_add(&job->waiters, c, req, wait_us, on_wait_over,
				 id);
	if (job)
		return reply_live(req, job);
	rc = jobs_away_running(c, a, id, &away, ei);
	if (!rc && away && wait_us > 0)
		return jobs_away_wait(c, req, id, wait_us, on_wait_over, id);
	return rc ? rc : reply_stored(c, req, id, ei);
}

enum err jobs_read_wait(struct http_req *req, struct json body, int64_t *ret_us,
			struct err_info *ei)
{
	struct json v = json_get(body, "wait");
	int64_t us;

	if (json_missing(v) || json_is_null(v))
		return http_req_query_wait(req, CONTROL_WAIT_MAX_US, ret_us,
					   ei);
	if (json_is_int(v) && json_int(v, -1) >= 0 &&
	    json_int(v, 0) <= CONTROL_WAIT_MAX_US / US_PER_SEC)
		us = json_int(v, 0) * US_PER_SEC;
	else if (!json_is_string(v) || text_duration_us(json_str(v, ""), &us) ||
		 us < 0 || us > CONTROL_WAIT_MAX_US)
		return err_set(ei, ERR_INVALID,
			       "\"wait\" is like \"30s\", at most 600s");
	*ret_us = us;
	return ERR_OK;
}
