/* SPDX-License-Identifier: MIT */
#include "control/pwjob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "control/control_int.h"

struct pwjob {
	struct workpool_job job;
	struct pwjob *prev, *next;
	struct control *c; /* NULL: nobody waits any more */
	uint64_t req_id;
	pwjob_fn fn;
	void *ctx;
	bool verify;
	enum err rc;
	char text[PWHASH_TEXT_MAX];
	char password[PWJOB_PASSWORD_MAX];
};

static void run(struct workpool_job *job)
{
	struct pwjob *j = container_of(job, struct pwjob, job);

	j->rc = j->verify ? pwhash_verify(j->text, j->password)
			  : pwhash_make(j->password, &pwhash_cost_default,
					j->text);
	secret_wipe(j->password, sizeof(j->password));
}

static void done(struct workpool_job *job)
{
	struct pwjob *j = container_of(job, struct pwjob, job);
	struct control *c = j->c;

	if (c) {
		if (j->prev)
			j->prev->next = j->next;
		else
			c->pwjobs = j->next;
		if (j->next)
			j->next->prev = j->prev;
		j->fn(c, server_req(c->server, j->req_id), j->ctx, j->rc,
		      j->text);
	}
	free(j->ctx);
	secret_wipe(j, sizeof(*j));
	free(j);
}

static struct pwjob *new_job(struct control *c, struct http_req *req,
			     const struct pwjob_ask *ask)
{
	struct pwjob *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->job = (struct workpool_job){ .run = run, .done = done };
	j->c = c;
	j->req_id = http_req_id(req);
	j->fn = ask->fn;
	j->ctx = ask->ctx;
	j->verify = ask->text != NULL;
	if (ask->text)
		snprintf(j->text, sizeof(j->text), "%s", ask->text);
	snprintf(j->password, sizeof(j->password), "%s", ask->password);
	return j;
}

static enum err submit(struct control *c, struct http_req *req,
		       const struct pwjob_ask *ask, struct err_info *ei)
{
	struct pwjob *j;
	enum err rc;

	if (strlen(ask->password) >= PWJOB_PASSWORD_MAX)
		return err_set(ei, ERR_INVALID, "the password is too long");
	j = new_job(c, req, ask);
	if (!j)
		return ERR_NOMEM;
	rc = loop_submit(c->loop, &j->job);
	if (rc) {
		secret_wipe(j, sizeof(*j));
		free(j);
		return err_set(ei, rc, "too many sign-ins at a time");
	}
	j->next = c->pwjobs;
	if (j->next)
		j->next->prev = j;
	c->pwjobs = j;
	return ERR_OK;
}

enum err pwjob_start(struct control *c, struct http_req *req,
		     const struct pwjob_ask *ask, struct err_info *ei)
{
	enum err rc = submit(c, req, ask, ei);

	if (rc)
		free(ask->ctx);
	return rc;
}

void pwjob_orphan_all(struct control *c)
{
	for (struct pwjob *j = c->pwjobs; j; j = j->next)
		j->c = NULL;
	c->pwjobs = NULL;
}
