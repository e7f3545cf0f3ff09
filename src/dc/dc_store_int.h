/* SPDX-License-Identifier: MIT */
/* What the files of the state file share. */
#ifndef DC_DC_STORE_INT_H
#define DC_DC_STORE_INT_H

#include <sqlite3.h>

#include "dc/dc_store.h"

enum dc_store_stmt {
	ST_BEGIN,
	ST_COMMIT,
	ST_GET_META,
	ST_PUT_META,
	ST_PUT_USER,
	ST_PUT_PASSWORD,
	ST_DEL_PASSWORD,
	ST_PUT_BOT,
	ST_PUT_CHAT,
	ST_DEL_MEMBERS,
	ST_PUT_MEMBER,
	ST_PUT_BODY,
	ST_PUT_EVENT,
	ST_PUT_KEY,
	ST_DEL_KEY,
	ST_PUT_EXTRA,
	ST_PUT_CHANNEL,
	ST_PUT_SEAT,
	ST_PUT_POST,
	ST_PUT_FILE,
	ST_PUT_INVITE,
	ST_PUT_TOPIC,
	ST_DEL_TOPIC,
	ST_PUT_READ,
	ST_COUNT
};

struct dc_store {
	sqlite3 *db;
	sqlite3_stmt *stmts[ST_COUNT];
	bool open_txn;
	enum err rc;
	struct err_info why;
};

struct dc_store_load_state {
	struct dc_store *s;
	struct world *w;
	dc_store_key_fn on_key;
	void *ctx;
	struct imap bodies;
};

typedef enum err (*dc_store_row_fn)(struct dc_store_load_state *l,
				    sqlite3_stmt *st);

/*
 * One letter a parameter: i int64_t, s text (NULL = ''), b data and size_t,
 * B a blob (NULL = NULL).
 */
void dc_store_put_row(struct dc_store *s, enum dc_store_stmt which,
		      const char *kinds, ...);
/* NULL is "". */
const char *dc_store_text(sqlite3_stmt *st, int col);
/* Leaves *ret when there is none. */
enum err dc_store_blob(sqlite3_stmt *st, int col, struct world_blob **ret);

/* dc_store_channel.c */
enum err dc_store_load_channel(struct dc_store_load_state *l, sqlite3_stmt *st);
enum err dc_store_load_seat(struct dc_store_load_state *l, sqlite3_stmt *st);
enum err dc_store_load_post(struct dc_store_load_state *l, sqlite3_stmt *st);
enum err dc_store_load_extra(struct dc_store_load_state *l, sqlite3_stmt *st);
enum err dc_store_load_file(struct dc_store_load_state *l, sqlite3_stmt *st);
enum err dc_store_load_invite(struct dc_store_load_state *l, sqlite3_stmt *st);
enum err dc_store_load_topic(struct dc_store_load_state *l, sqlite3_stmt *st);
enum err dc_store_load_read(struct dc_store_load_state *l, sqlite3_stmt *st);

#endif /* DC_DC_STORE_INT_H */
