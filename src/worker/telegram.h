/* SPDX-License-Identifier: MIT */
/*
 * The Telegram environment file: which data centres there are, and who we are to
 * them.  Flat JSON, written by `tgfleet dc --write-env` or by the operator:
 *
 *	{"api_id": 1, "api_hash": "...", "test_mode": false,
 *	 "dcs": [{"id": 2, "address": "127.0.0.1", "port": 443}], "keys": [...]}
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
const struct addr_host *telegram_find(const struct telegram *t, int dc_id);

#endif /* WORKER_TELEGRAM_H */
