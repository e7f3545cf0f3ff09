/* SPDX-License-Identifier: MIT */
/*
 * Idempotency-Key: a POST that is sent again does nothing again and gets the
 * answer of the first time.
 *
 * The answer is stored with the change it tells of, sealed by the vault since it
 * may hold a token; who waits for a job is led to the same job.  Kept for a day,
 * for each user by itself.  What was refused is not kept.
 *
 *   owner     change.c calls both around the handler
 *   memory    the request's arena
 *   failure   ERR_CONFLICT: the key was used for something else
 */
#ifndef CONTROL_IDEM_H
#define CONTROL_IDEM_H

#include "base/err.h"

struct control;
struct http_req;

/* *ret_answered: it was done before, and is answered. */
enum err idem_replay(struct control *c, struct http_req *req,
		     bool *ret_answered, struct err_info *ei);
/* Inside the change, its answer held back or a job begun. */
enum err idem_keep(struct control *c, struct http_req *req,
		   struct err_info *ei);

#endif /* CONTROL_IDEM_H */
