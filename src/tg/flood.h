/* SPDX-License-Identifier: MIT */
/*
 * The flood book of one account: what Telegram asked it not to call, until when.
 *
 *	flood_note(f, err, method, peer, now, ei)	Telegram named a wait
 *	flood_check(f, method, peer, now, ei)		before every call
 *
 * An entry is (method, peer) -> until.  The scope of the error decides the key:
 * a FLOOD_WAIT is about the method, a SLOWMODE_WAIT about sending to the chat, a
 * FLOOD_PREMIUM_WAIT about moving files.  "Method" is a method of the API, or one
 * of the groups FLOOD_*.  Peers are numbered as bots see them; 0 in an entry: any.
 *
 * A wait of n seconds is kept for n + 1.  An entry is never shortened: not by a
 * later error, nor for want of room, when entries are put together into wider
 * ones.  Times are UTC, so that they hold over restarts.
 *
 *   owner     struct engine embeds one
 *   memory    nothing without entries; else FLOOD_ENTRIES_MAX at most
 *   threads   none
 *   failure   ERR_NOMEM leaves the book as it was
 */
#ifndef TG_FLOOD_H
#define TG_FLOOD_H

#include "base/clock.h"
#include "tg/rpcerr.h"

#define FLOOD_ENTRIES_MAX 32U
#define FLOOD_METHOD_MAX 64
#define FLOOD_WAIT_MAX_S INT64_C(31536000)

#define FLOOD_ALL "*"
#define FLOOD_SENDING "sending"
#define FLOOD_FILES "files"

struct flood_entry {
	struct wall until;
	int64_t peer; /* 0: any */
	char method[FLOOD_METHOD_MAX];
	char error[RPCERR_NAME_MAX]; /* as Telegram said it */
};

struct flood {
	struct flood_entry *entries; /* in order of `until` */
	uint32_t n, cap;
	uint64_t changes; /* grows whenever an entry comes or is prolonged */
};

void flood_deinit(struct flood *f);

/* Of an error that names no time nothing is kept. */
enum err flood_note(struct flood *f, const struct rpcerr *err,
		    const char *method, int64_t peer, struct wall now,
		    struct err_info *ei);
/* What was kept elsewhere.  A text too long or a time gone mad is refused. */
enum err flood_put(struct flood *f, const struct flood_entry *entry,
		   struct wall now, struct err_info *ei);

/* The entry that forbids the call the longest; NULL: it may go out. */
const struct flood_entry *flood_find(const struct flood *f, const char *method,
				     int64_t peer, struct wall now);
/* ERR_FLOOD with the seconds left in ei->arg. */
enum err flood_check(const struct flood *f, const char *method, int64_t peer,
		     struct wall now, struct err_info *ei);
/* Rounded up: after that many seconds it is over. */
int64_t flood_seconds_left(const struct flood_entry *entry, struct wall now);

/* How long the account as a whole counts as limited; 0 = it does not. */
struct wall flood_limited_until(const struct flood *f, struct wall now);
/* Forgets what is over. */
void flood_expire(struct flood *f, struct wall now);

#endif /* TG_FLOOD_H */
