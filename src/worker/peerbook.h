/* SPDX-License-Identifier: MIT */
/*
 * The accounts' books of peers (tg/peers.h), kept over restarts: one text file
 * an account, written whole.
 *
 *	peers 1 <user_id>\n
 *	<id> <hash> <flags>\n
 *	@ <hash of a name> <id> <until_us>\n
 *	end <check>\n
 *
 * It is a cache: what is lost is told again by Telegram.  So nothing waits for
 * the disk, a file that is damaged or of another user is as good as none, and
 * one that cannot be written is only reported.
 *
 *   owner     struct worker
 *   memory    a path; a file while it is read or written, PEERBOOK_FILE_MAX
 *   failure   names the file
 */
#ifndef WORKER_PEERBOOK_H
#define WORKER_PEERBOOK_H

#include "tg/peers.h"
#include "worker/node.h"

#define PEERBOOK_FILE_MAX (256U << 10)

struct peerbook {
	char dir[NODE_PATH_MAX];
};

/* Makes the folder if need be. */
enum err peerbook_open(struct peerbook *b, const char *dir,
		       struct err_info *ei);
/* Into `p`; a missing file is fine.  user_id 0: not known, any will do. */
enum err peerbook_load(const struct peerbook *b, const char *account_id,
		       int64_t user_id, struct peers *p, struct wall now,
		       struct err_info *ei);
enum err peerbook_save(const struct peerbook *b, const char *account_id,
		       int64_t user_id, const struct peers *p,
		       struct err_info *ei);
enum err peerbook_drop(const struct peerbook *b, const char *account_id,
		       struct err_info *ei);

#endif /* WORKER_PEERBOOK_H */
