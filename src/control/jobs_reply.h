/* SPDX-License-Identifier: MIT */
/* Answering with a job: its result, or that it goes on. */
#ifndef CONTROL_JOBS_REPLY_H
#define CONTROL_JOBS_REPLY_H

#include "control/jobs.h"

/* 200 and the job as it is stored, or 202 while it runs. */
enum err jobs_reply(struct control *c, struct http_req *req, const char *job_id,
		    struct err_info *ei);
/*
 * 200 with only the result's object; 202 with what there is of it when the job
 * runs on after wait_us.  job NULL: it is over.
 */
enum err jobs_reply_result(struct control *c, struct http_req *req,
			   struct jobs_entry *job, const char *job_id,
			   int64_t wait_us, struct err_info *ei);
/* ?wait=30s or the body's "wait"; absent leaves *ret_us. */
enum err jobs_read_wait(struct http_req *req, struct json body, int64_t *ret_us,
			struct err_info *ei);

#endif /* CONTROL_JOBS_REPLY_H */
