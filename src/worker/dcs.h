/* SPDX-License-Identifier: MIT */
/*
 * Where the data centres are: what the environment file says, then what Telegram
 * itself said last (help.getConfig), for data centres the file does not know and
 * for addresses of its that fail.
 *
 * One account of the node asks, not each; the answer is kept on disk as it came
 * and checked again when it is read back.  It is asked for again when it is over,
 * and once after a start.
 *
 *   owner     struct worker
 *   memory    4 KiB
 *   failure   a file that makes no sense is said and left aside; an answer that
 *             makes none changes nothing
 */
#ifndef WORKER_DCS_H
#define WORKER_DCS_H

#include "base/clock.h"
#include "tg/dclist.h"
#include "worker/telegram.h"

#define DCS_FILE_MAX 65536
#define DCS_RETRY_US (INT64_C(60) * US_PER_SEC)

struct dcs {
	const struct telegram *telegram;
	char *path; /* NULL: not kept */
	struct dclist list;
	struct mono due; /* when to ask */
};

/* Reads the file if it is there. */
enum err dcs_open(struct dcs *d, const struct telegram *t, const char *path,
		  struct err_info *ei);
void dcs_close(struct dcs *d);

static inline bool dcs_due(const struct dcs *d, struct mono now)
{
	return !mono_before(now, d->due);
}
/* Somebody asks now: nobody else need, for a while. */
static inline void dcs_asked(struct dcs *d, struct mono now)
{
	d->due = mono_add(now, DCS_RETRY_US);
}
/* The answer; an error changes nothing. */
enum err dcs_take(struct dcs *d, const void *data, size_t len, struct mono now,
		  struct err_info *ei);

/* The n-th address, from 0; d may be NULL.  False: there are not so many. */
bool dcs_address(const struct telegram *t, const struct dcs *d,
		 const struct dclist_want *want, size_t n,
		 struct addr_host *ret);

#endif /* WORKER_DCS_H */
