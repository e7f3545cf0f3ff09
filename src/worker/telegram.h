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
 * The worker needs no api_hash: it never signs in.  The keys, the data centres'
 * RSA public keys, are for temporary keys (telegram_use_pfs()).
 *
 *   owner     struct worker
 *   memory    fixed, and the keys; telegram_deinit()
 *   failure   ERR_INVALID naming the file and the member
 */
#ifndef WORKER_TELEGRAM_H
#define WORKER_TELEGRAM_H

#include "net/addr.h"
#include "tg/engine.h"

#define TELEGRAM_DCS_MAX 16
#define TELEGRAM_KEYS_MAX 16

struct telegram_dc {
	int id;
	bool media;
	struct addr_host at;
};

struct telegram {
	struct engine_env env;		   /* keys: see telegram_use_pfs() */
	struct transport_config transport; /* as the node is set to speak */
	bool test_mode;
	struct telegram_dc dcs[TELEGRAM_DCS_MAX];
	size_t ndcs;
	struct rsa_key *owned[TELEGRAM_KEYS_MAX];
	const struct rsa_key *keys[TELEGRAM_KEYS_MAX];
	size_t nkeys;
};

enum err telegram_load(struct telegram *t, const char *path,
		       struct err_info *ei);
enum err telegram_parse(struct telegram *t, const char *text, size_t len,
			struct err_info *ei);
void telegram_deinit(struct telegram *t);
/* Accounts make temporary keys; ERR_INVALID if no key of a server is known. */
enum err telegram_use_pfs(struct telegram *t, struct err_info *ei);
/* For a main connection; NULL: none. */
const struct addr_host *telegram_find(const struct telegram *t, int dc_id);
/* For files: a media address if there is one, else as above.  *ret_media tells
 * which it is; may be NULL. */
const struct addr_host *telegram_find_media(const struct telegram *t, int dc_id,
					    bool *ret_media);

#endif /* WORKER_TELEGRAM_H */
