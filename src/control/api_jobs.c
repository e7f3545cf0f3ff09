/* SPDX-License-Identifier: MIT */
/* /jobs: what became of long work. */
#include <string.h>

#include "control/jobs_away.h"
#include "control/jobs_reply.h"

static void on_wait_over(struct control *c, struct http_req *req, void *ctx,
			 bool woken)
{
	struct err_info ei = { 0 };
	enum err rc = jobs_reply(c, req, ctx, &ei);

	if (rc)
		http_reply_error(req, rc, &ei);
}

static enum err get(struct http_req *req, void *ctx, struct err_info *ei)
{
	const char *id = http_req_param(req, "id");
	struct control *c = ctx;
	struct jobs_entry *j = strmap_get(&c->jobs, id);
	int64_t wait_us = 0;
	bool away = false;
	char *copy;
	enum err rc;

	rc = http_req_query_wait(req, CONTROL_WAIT_MAX_US, &wait_us, ei);
	if (rc)
		return rc;
	if (!j && wait_us > 0)
		rc = jobs_away_running(c, http_req_arena(req), id, &away, ei);
	if (rc)
		return rc;
	if ((!j && !away) || wait_us <= 0)
		return jobs_reply(c, req, id, ei);
	copy = arena_str(http_req_arena(req), id, strlen(id));
	if (!copy)
		return ERR_NOMEM;
	return j ? waitq_add(&j->waiters, c, req, wait_us, on_wait_over, copy)
		 : jobs_away_wait(c, req, copy, wait_us, on_wait_over, copy);
}

static enum err list(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct store_job_query q = { .state = http_req_query(req, "state") };
	struct control *c = ctx;
	struct store_jobs jobs;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = control_page(req, &q.offset, &q.limit, ei);
	if (!rc)
		rc = c->store->ops->job_list(c->store, &q, http_req_arena(req),
					     &jobs, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < jobs.n; i++) {
		const struct store_job *row = &jobs.items[i];

		jsonw_object(&w, NULL);
		jsonw_str(&w, "job_id", row->job_id);
		jsonw_str(&w, "kind", row->kind);
		jsonw_str(&w, "state", row->state);
		jsonw_str_or_null(&w, "created_by", row->created_by);
		jsonw_time(&w, "created_at", row->created);
		jsonw_time(&w, "finished_at", row->finished);
		jsonw_str_or_null(&w, "error", row->error);
		jsonw_object_end(&w);
	}
	return control_list_reply(req, jobs.total, &b, &w);
}

static const struct router_row rows[] = {
	{ "GET", API "/jobs", AUTH_READ, 0, 0, list, "List jobs" },
	{ "GET", API "/jobs/{id}", AUTH_READ, 0, 0, get,
	  "One job; ?wait=30s waits for its end" },
};

API_TABLE(api_jobs_table);
