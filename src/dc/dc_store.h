/* SPDX-License-Identifier: MIT */
/*
 * The emulator's memory on disk: one SQLite file.
 *
 * Writes go into one transaction that is opened by the first of them and closed
 * by dc_store_commit(), which the server calls before any answer leaves.  A
 * kill -9 therefore loses nothing that a client was told (WAL; the file is not
 * synced for each commit, so a power cut may).
 *
 *   owner     the data centre; without a path every call succeeds and does nothing
 *   memory    SQLite's
 *   threads   none
 *   failure   the first error sticks and comes out of dc_store_commit()
 */
#ifndef DC_DC_STORE_H
#define DC_DC_STORE_H

#include "dc/world.h"

struct dc_store;

#define DC_STORE_KEY_LEN 256

struct dc_store_key {
	int64_t id;
	int dc_id;
	uint8_t key[DC_STORE_KEY_LEN];
	int64_t user_id; /* 0 = not signed in */
	int state;	 /* enum dc_key_state */
	int layer;
	int32_t created;
	int64_t salt;
	const char *device, *app;
	int64_t api_id;
};

typedef enum err (*dc_store_key_fn)(void *ctx, const struct dc_store_key *k);

/* Creates the file (mode 0600) when it is missing.  path NULL: memory only. */
enum err dc_store_open(struct dc_store **ret, const char *path,
		       struct err_info *ei);
void dc_store_close(struct dc_store *s);

/* Fills the world and hands over the keys; w->observer must not be set yet. */
enum err dc_store_load(struct dc_store *s, struct world *w,
		       dc_store_key_fn on_key, void *ctx, struct err_info *ei);

/* *ret_len 0: there is none.  ERR_TOOBIG if it does not fit. */
enum err dc_store_get_meta(struct dc_store *s, const char *name, void *dst,
			   size_t size, size_t *ret_len, struct err_info *ei);
void dc_store_put_meta(struct dc_store *s, const char *name, const void *data,
		       size_t len);
void dc_store_put_user(struct dc_store *s, const struct world_user *u);
/* The password, or that there is none any more; the token and commands. */
void dc_store_put_password(struct dc_store *s, const struct world_user *u);
void dc_store_put_bot(struct dc_store *s, const struct world_user *u);
void dc_store_put_chat(struct dc_store *s, const struct world_chat *c);
void dc_store_put_body(struct dc_store *s, const struct world_body *b);
void dc_store_put_message(struct dc_store *s, int64_t owner,
			  const struct world_msg *m);
void dc_store_put_read(struct dc_store *s, int64_t owner,
		       const struct world_event *e, int32_t unread);
/* What a body has besides its text, if anything. */
void dc_store_put_extra(struct dc_store *s, const struct world_body *b);
/* Edited, deleted, pinned. */
void dc_store_put_change(struct dc_store *s, int64_t owner,
			 const struct world_event *e);
void dc_store_put_channel(struct dc_store *s, const struct world_channel *c);
void dc_store_put_seat(struct dc_store *s, const struct world_channel *c,
		       const struct world_seat *seat);
void dc_store_put_post(struct dc_store *s, const struct world_channel *c,
		       const struct world_event *e);
void dc_store_put_file(struct dc_store *s, const struct world_file *f);
void dc_store_put_invite(struct dc_store *s, const struct world_invite *i);
/* Or that it is gone. */
void dc_store_put_topic(struct dc_store *s, const struct world_channel *c,
			const struct world_topic *t);
void dc_store_put_topic_read(struct dc_store *s, const struct world_channel *c,
			     const struct world_topic *t, int64_t user_id);
void dc_store_put_key(struct dc_store *s, const struct dc_store_key *k);
void dc_store_del_key(struct dc_store *s, int64_t id);

enum err dc_store_commit(struct dc_store *s, struct err_info *ei);

#endif /* DC_DC_STORE_H */
