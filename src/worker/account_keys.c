/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of key exchanges, on the work pool.  A job holds ids only: its
 * account may be gone when it is done, and the fleet, too.
 */
#include <stdlib.h>

#include "worker/account_int.h"
#include "worker/fleet.h"

struct account_job {
	struct workpool_job job; /* first */
	struct fleet *fleet;	 /* NULL: it is gone */
	struct account_job *prev, *next;
	uint64_t account;
	struct handshake_client *work;
};

static void run(struct workpool_job *job)
{
	handshake_client_work(((struct account_job *)(void *)job)->work);
}

static void unlist(struct account_job *j)
{
	if (!j->fleet)
		return;
	if (j->prev)
		j->prev->next = j->next;
	else
		j->fleet->jobs = j->next;
	if (j->next)
		j->next->prev = j->prev;
}

static void done(struct workpool_job *job)
{
	struct account_job *j = (struct account_job *)(void *)job;
	struct account *a = j->fleet ? fleet_get(j->fleet, j->account) : NULL;
	struct handshake_client *work = j->work;

	unlist(j);
	free(j);
	if (a)
		account_key_worked(a, work);
	else
		handshake_client_free(work);
}

static void list(struct account_job *j)
{
	struct fleet *f = j->fleet;

	j->next = f->jobs;
	if (f->jobs)
		f->jobs->prev = j;
	f->jobs = j;
}

enum err account_keys_work(struct account *a, struct err_info *ei)
{
	struct handshake_client *work = engine_take_work(&a->engine);
	struct account_job *j;
	enum err rc;

	if (!work)
		return ERR_OK;
	j = calloc(1, sizeof(*j));
	rc = j ? ERR_OK : ERR_NOMEM;
	if (!rc) {
		*j = (struct account_job){ .job = { .run = run, .done = done },
					   .fleet = a->fleet,
					   .account = a->id,
					   .work = work };
		rc = loop_submit(a->fleet->loop, &j->job);
	}
	if (!rc) {
		list(j);
		return ERR_OK;
	}
	free(j);
	handshake_client_free(work);
	return err_set(ei, rc, "no room to make a temporary key now");
}

void account_keys_orphan(struct fleet *f)
{
	for (struct account_job *j = f->jobs; j; j = j->next)
		j->fleet = NULL;
	f->jobs = NULL;
}
