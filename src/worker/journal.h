/* SPDX-License-Identifier: MIT */
/*
 * Where each account stands in its updates, and what Telegram asked it not to
 * call until when, kept over restarts.
 *
 * One text file, a line a change, the last line of an account counts:
 *
 *	<account_id> <pts> <qts> <date> <seq> <epoch> <check>\n
 *	! <account_id> <until_us> <peer> <method> <error> <check>\n
 *
 * The epoch is that of the lease under which the updates were taken: another
 * node may have gone further since (account_place.c).  Lines from before it was
 * written have none; it is 0.
 *
 * The lines of waits (!) add up, as in tg/flood.h, until each is over.  Waits
 * outlive the account's stay here: they are Telegram's, not ours.
 *
 * Positions are gathered during a turn of the loop and appended with one
 * write() at its end, so a kill -9 loses at most the turn, and what is lost is
 * only delivered again (a position is written after the consumer took the
 * update).  A line cut short or damaged fails its check and is skipped.  The
 * file is rewritten (temporary file, fsync, rename) when most of it is history.
 * There is no fsync per line: after a power cut more is delivered again.
 *
 *   owner     struct worker
 *   memory    ~100 bytes an account, JOURNAL_ACCOUNTS_MAX accounts
 *   failure   opening reports; a failing write is reported by journal_flush()
 *             and tried again with the next
 */
#ifndef WORKER_JOURNAL_H
#define WORKER_JOURNAL_H

#include "base/buf.h"
#include "tg/flood.h"
#include "tg/updates.h"

#define JOURNAL_ACCOUNTS_MAX 65536
#define JOURNAL_SLACK_BYTES 65536 /* history below this is never rewritten */

struct journal_entry;

struct journal {
	char *path;
	int fd; /* -1 = none */
	struct journal_entry **buckets;
	uint32_t nbuckets, n, nfloods;
	struct wall now; /* the last told */
	struct buf pending;
	size_t file_bytes;
};

/* Waits that were over by `now` are left out. */
enum err journal_open(struct journal *j, const char *path, struct wall now,
		      struct err_info *ei);
/* Flushes; accepts a journal that was never opened but zeroed. */
void journal_close(struct journal *j);

bool journal_get(const struct journal *j, const char *account_id,
		 struct updates_pos *ret, int64_t *ret_epoch);
/* Remembered at once, written by the next flush. */
enum err journal_put(struct journal *j, const char *account_id,
		     struct updates_pos pos, int64_t epoch);
/* NULL: none; else on loan until the next call. */
const struct flood *journal_flood(const struct journal *j,
				  const char *account_id);
enum err journal_put_flood(struct journal *j, const char *account_id,
			   const struct flood_entry *entry, struct wall now);
/* The account is no longer ours: forgets its position. */
enum err journal_drop(struct journal *j, const char *account_id);
enum err journal_flush(struct journal *j, struct err_info *ei);

#endif /* WORKER_JOURNAL_H */
