/* SPDX-License-Identifier: MIT */
/*
 * The Telegram environment file: which data centres there are, and who we are to
 * them.  Flat JSON, written by `tgfleet dc --write-env` or by the operator:
 *
 *	{"api_id": 1, "api_hash": "...", "test_mode": false,
 *	 "dcs": [{"id": 2, "address": "127.0.0.1", "port": 443},
 *		 {"id": 2, "address": "127.0.0.1", "port": 444, "media": true}],
 *	 "keys": [...]}
 *
 * An address marked as media is what Telegram calls media_only: files are moved
 * there, and nobody's main connection goes there.
 *
 * The worker needs neither api_hash nor keys: it never signs in.
 *
 *   owner     struct worker
 *   memory    fixed
 *   failure   ERR_INVALID naming the file and the member
 */
#ifndef WORKER_TELEGRAM_H
#define WORKER_TELEGRAM_H

#include "net/addr.h"
#include "tg/engine.h"

#define TELEGRAM_DCS_MAX 16

struct telegram_dc {
	int id;
	bool media;
	struct addr_host at;
};

struct telegram {
	struct engine_env env;
	bool test_mode;
	struct telegram_dc dcs[TELEGRAM_DCS_MAX];
	size_t ndcs;
};

enum err telegram_load(struct telegram *t, const char *path,
		       struct err_info *ei);
enum err telegram_parse(struct telegram *t, const char *text, size_t len,
			struct err_info *ei);
/* For a main connection; NULL: none. */
const struct addr_host *telegram_find(const struct telegram *t, int dc_id);
/* For files: a media address if there is one, else as above.  *ret_media tells
 * which it is; may be NULL. */
const struct addr_host *telegram_find_media(const struct telegram *t, int dc_id,
					    bool *ret_media);

#endif /* WORKER_TELEGRAM_H */
