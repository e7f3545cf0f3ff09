/* SPDX-License-Identifier: MIT */
/*
 * Long work: started by a request, finished by what nodes report, asked for by
 * id.  A live job is here; its last word is in the store.
 *
 *   owner     control->jobs until job_finish()
 *   failure   a job that cannot be written to the store is logged and ends
 */
#ifndef CONTROL_JOBS_H
#define CONTROL_JOBS_H

#include "control/control_int.h"
#include "control/waitq.h"

struct jobs_entry;

/* Writes the job's result object (members and all) as it stands now. */
typedef enum err (*jobs_result_fn)(void *work, struct buf *out);

struct jobs_entry {
	struct control *c;
	char id[CONTROL_ID_MAX];
	const char *kind; /* static */
	char *created_by;
	struct wall created;
	struct waitq waiters;
	jobs_result_fn result;
	void (*free_work)(void *work);
	void *work;
};

/*
 * The entry's `work` is the job's from success on.  A change under way that does
 * not happen takes the job with it.
 */
enum err jobs_start(struct control *c, const char *kind, const char *actor,
		    const struct jobs_entry *tmpl, struct jobs_entry **ret,
		    struct err_info *ei);
/* Stores the result, answers who waits, frees entry and work. */
void jobs_finish(struct jobs_entry *j, bool success);
/*
 * Of a change under way, whose answer has the result: the store's error, and the
 * job lives on, to go with the change.
 */
enum err jobs_finish_now(struct jobs_entry *j, bool success,
			 struct err_info *ei);
void jobs_free(struct control *c);

#endif /* CONTROL_JOBS_H */
