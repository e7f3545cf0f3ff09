/* SPDX-License-Identifier: MIT */
#include "control/pwjob.h"

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

enum err pwjob_start(struct control *c, struct http_req *req, const char *text,
		     const char *password, pwjob_fn fn, void *ctx,
		     struct err_info *ei)
{
	struct pwjob *j;
	enum err rc;

	if (strlen(password) >= PWJOB_PASSWORD_MAX) {
		free(ctx);
		return err_set(ei, ERR_INVALID, "the password is too long");
	}
	j = calloc(1, sizeof(*j));
	if (!j) {
		free(ctx);
		return ERR_NOMEM;
	}
	j->job = (struct workpool_job){ .run = run, .done = done };
	j->c = c;
	j->req_id = http_req_id(req);
	j->fn = fn;
	j->ctx = ctx;
	j->verify = text != NULL;
	if (text && strlen(text) < sizeof(j->text))
		strcpy(j->text, text);
	strcpy(j->password, password);
	rc = loop_submit(c->loop, &j->job);
	if (rc) {
		secret_wipe(j, sizeof(*j));
		free(j);
		free(ctx);
		return err_set(ei, rc, "too many sign-ins at a time");
	}
	j->next = c->pwjobs;
	if (j->next)
		j->next->prev = j;
	c->pwjobs = j;
	return ERR_OK;
}

void pwjob_orphan_all(struct control *c)
{
	for (struct pwjob *j = c->pwjobs; j; j = j->next)
		j->c = NULL;
	c->pwjobs = NULL;
}
