/* SPDX-License-Identifier: MIT */
/*
 * Password hashing for a request, on the work pool.
 *
 * The request may be gone when it is done: done() gets NULL for it then and only
 * frees.  control_free() orphans what is under way.
 */
#ifndef CONTROL_PWJOB_H
#define CONTROL_PWJOB_H

#include "base/workpool.h"
#include "crypto/pwhash.h"

struct control;
struct http_req;
struct pwjob;

#define PWJOB_PASSWORD_MAX 1024

/* rc: of pwhash_verify() or pwhash_make(); text: the stored form. */
typedef void (*pwjob_fn)(struct control *c, struct http_req *req, void *ctx,
			 enum err rc, const char *text);

struct pwjob_ask {
	const char *text; /* verify against it; NULL: make one */
	const char *password;
	pwjob_fn fn;
	void *ctx; /* free()d after fn, and on failure */
};

enum err pwjob_start(struct control *c, struct http_req *req,
		     const struct pwjob_ask *ask, struct err_info *ei);
void pwjob_orphan_all(struct control *c);

#endif /* CONTROL_PWJOB_H */
