/* SPDX-License-Identifier: MIT */
/*
 * Who waits here for a job that another replica runs: the database is asked each
 * second whether it is over.
 *
 *   memory    at most JOBS_AWAY_MAX jobs; one more is answered as it stands
 */
#ifndef CONTROL_JOBS_AWAY_H
#define CONTROL_JOBS_AWAY_H

#include "control/control_int.h"
#include "control/waitq.h"

#define JOBS_AWAY_MAX 1000

/* Does another replica run it, and can we wait for it?  Unknown jobs: no. */
enum err jobs_away_running(struct control *c, struct arena *a,
			   const char *job_id, bool *ret, struct err_info *ei);
enum err jobs_away_wait(struct control *c, struct http_req *req,
			const char *job_id, int64_t wait_us, waitq_fn fn,
			void *ctx);
enum err jobs_away_look(struct control *c, struct err_info *ei);
void jobs_away_free(struct control *c);

#endif /* CONTROL_JOBS_AWAY_H */
