/* SPDX-License-Identifier: MIT */
/*
 * A connection that moves files for an account, beside its main one.
 *
 * To the account's own data centre it goes with the account's key, in a session
 * of its own; to another one with a key it makes there, and the account is let in
 * by an authorization that the main connection exports.
 *
 *	media_wants_link(m)		dial m->cfg.dc_id; then as with tg/conn.h:
 *	media_connected, media_feed, media_tick at media_deadline, media_output,
 *	media_disconnected, media_wants_work, media_work, media_worked
 *	media_wants_export(m)		auth.exportAuthorization(dc_id) on the main
 *					connection, then media_give_export()
 *	media_attach(m, file, ei)	it moves from now on, in turn with others
 *	media_done_with(m, now)		nothing to do for a while: hang up
 *
 * Telegram ends a session (AUTH_KEY_DUPLICATED) whose key makes calls over two
 * connections at once, unless the second is to a media server or only moves files.
 * So there is no way to make any other call here than upload.saveFilePart,
 * upload.saveBigFilePart, upload.getFile and auth.importAuthorization; none of
 * them subscribes the connection to updates.  Whoever dials should prefer an
 * address Telegram marks as media_only.
 *
 * FLOOD_WAIT and FLOOD_PREMIUM_WAIT go into the account's flood book, which is
 * asked before each call.
 *
 *   owner     the caller embeds one; files, flood book, keys, env, rnd borrowed
 *   memory    as conn.h says; at most MEDIA_BYTES_MAX of parts on their way up
 *   threads   as conn.h says
 *   failure   of feed, tick and output: hang up, connect again later; the files
 *             go on.  What ends the account's right to move files ends the files,
 *             and media_refused() tells of it
 */
#ifndef TG_MEDIA_H
#define TG_MEDIA_H

#include "tg/conn.h"
#include "tg/filemove.h"

#define MEDIA_FILES_MAX 16U
#define MEDIA_CALLS_MAX 32U
#define MEDIA_BYTES_MAX (2U << 20)
#define MEDIA_IDLE_US (INT64_C(15) * US_PER_SEC)
#define MEDIA_EXPORT_MAX 1024U
/* Let in that often without a file call that worked between. */
#define MEDIA_IMPORTS_MAX 3

struct media_config {
	const struct engine_env *env;
	const struct rsa_key *const *keys; /* not needed with media_set_home */
	size_t key_count;
	int dc_id;
	bool test_mode, media_only; /* of the address */
	struct rnd *rnd;
	struct flood *flood; /* the account's */
};

enum media_state {
	MEDIA_OUTSIDE,	/* the account is not let in here yet */
	MEDIA_ASKED,	/* an export is on its way */
	MEDIA_ENTERING, /* imported, not answered */
	MEDIA_READY,
	MEDIA_REFUSED,
};

struct media {
	struct conn conn;
	struct media_config cfg;
	struct filemove *files[MEDIA_FILES_MAX];
	uint32_t ids[MEDIA_FILES_MAX]; /* in the tags of its calls */
	uint32_t nfiles, next_id, turn;
	uint8_t state, imports;
	bool home, key_lost;
	struct mono idle_since;
	struct buf body; /* scratch while calls are made */
	struct rpcerr refusal;
};

void media_init(struct media *m, const struct media_config *cfg);
void media_deinit(struct media *m);
/* The account's own data centre, and its key there. */
enum err media_set_home(struct media *m, const uint8_t key[AUTHKEY_LEN],
			struct err_info *ei);

/* ERR_CAPACITY when it moves MEDIA_FILES_MAX already. */
enum err media_attach(struct media *m, struct filemove *f, struct err_info *ei);
/* Takes back what is under way; needed before a file goes away, too. */
void media_detach(struct media *m, struct filemove *f);

bool media_wants_link(const struct media *m);
bool media_wants_export(const struct media *m);
/* The export is on its way: it is not wanted again, unless media_ask_again(). */
void media_export_asked(struct media *m);
void media_ask_again(struct media *m);
/* From auth.exportedAuthorization. */
enum err media_give_export(struct media *m, int64_t id, struct tl_bytes bytes,
			   struct mono now, struct err_info *ei);
/* All files fail with it. */
void media_fail(struct media *m, enum err rc, const char *why);
bool media_done_with(const struct media *m, struct mono now);
/* What Telegram said that ended it; NULL: nothing. */
const struct rpcerr *media_refused(const struct media *m);

enum err media_connected(struct media *m, struct mono now, struct wall wall,
			 struct err_info *ei);
void media_disconnected(struct media *m, struct mono now);
enum err media_feed(struct media *m, const uint8_t *data, size_t len,
		    struct mono now, struct err_info *ei);
enum err media_tick(struct media *m, struct mono now, struct err_info *ei);
enum err media_output(struct media *m, struct mono now, struct buf *out,
		      struct err_info *ei);
struct mono media_deadline(const struct media *m);
bool media_wants_work(const struct media *m);
void media_work(struct media *m);
enum err media_worked(struct media *m, struct mono now, struct err_info *ei);

#endif /* TG_MEDIA_H */
