/* SPDX-License-Identifier: MIT */
/*
 * Bringing accounts online, and telling the truth about each.
 *
 * A start writes "desired: online", sees to a node, queues start_account, and then
 * waits until the node has reported what became of it, or the time is over.
 * Nothing is counted as started that was not observed online.
 *
 *   owner     the job (control/jobs.h) owns the work
 *   memory    one small struct an account, until the job ends
 */
#ifndef CONTROL_STARTALL_H
#define CONTROL_STARTALL_H

#include "control/control_int.h"
#include "control/jobs.h"

struct startall_ask {
	const char *account_id; /* one; NULL: every enabled account */
	bool has_group;
	int64_t group_id;
	const char *actor;
};

/*
 * Inside a change.  *ret_job NULL: it ended at once; the store has the result under *ret_job_id,
 * which is in the arena.
 */
enum err startall_begin(struct control *c, const struct startall_ask *ask,
			struct arena *a, struct jobs_entry **ret_job,
			const char **ret_job_id, struct err_info *ei);

struct store_report;
/* A node reported: does somebody wait for this account? */
void startall_on_report(struct control *c, const struct store_report *r);

/* Reports that other replicas got, a part of the accounts at a time. */
enum err startall_look(struct control *c, struct err_info *ei);

struct startall_why {
	enum err rc;
	const char *error, *advice; /* static, or NULL */
};

/* Who waits for it hears why it will not come; after the change under way. */
enum err startall_fail(struct control *c, const char *account_id,
		       const struct startall_why *why, struct err_info *ei);

#endif /* CONTROL_STARTALL_H */
