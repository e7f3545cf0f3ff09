/* SPDX-License-Identifier: MIT */
/*
 * What an rpc_error means: scope, retry rule, effect on the account, advice.
 *
 * The table is tg/rpcerr.def; it is keyed by the error's name, not its number.
 * What a name means in Telegram's own words comes from schema/errors.txt.
 *
 *   memory    `struct rpcerr` owns nothing; texts are static
 *   failure   never: an unknown name gets a row made from its numeric code
 */
#ifndef TG_RPCERR_H
#define TG_RPCERR_H

#include "base/err.h"

#define RPCERR_NAME_MAX 64

enum rpcerr_scope {
	RPCERR_SCOPE_ACCOUNT,
	RPCERR_SCOPE_CHAT,
	RPCERR_SCOPE_METHOD,
	RPCERR_SCOPE_NODE,
};

enum rpcerr_state {
	RPCERR_STATE_KEEP,
	RPCERR_STATE_LIMITED,
	RPCERR_STATE_REVOKED,
	RPCERR_STATE_BANNED,
	RPCERR_STATE_FROZEN,
	RPCERR_STATE_DUPLICATED,
};

struct rpcerr_row {
	const char *pattern;
	enum rpcerr_scope scope;
	enum err_retry retry;
	enum rpcerr_state state;
	enum err err;
	const char *advice;
};

/* Telegram's own list. */
struct rpcerr_known {
	const char *name; /* with %d for numbers */
	const char *description;
	int32_t code;
	int32_t methods; /* known to raise it; 0: any may */
};

struct rpcerr {
	const struct rpcerr_row *row;	  /* never NULL after classify */
	const struct rpcerr_known *known; /* NULL: not in Telegram's list */
	int32_t code;
	int64_t arg;		    /* seconds, DC number; 0 if none */
	char name[RPCERR_NAME_MAX]; /* printable, truncated */
};

/* `name` are the peer's bytes: any content, any length. */
void rpcerr_classify(struct rpcerr *e, int32_t code, const void *name,
		     size_t len);
/* Does the account end here, until an operator does something? */
bool rpcerr_is_final(const struct rpcerr *e);
/* What to do; Telegram's description where we have nothing better to say. */
const char *rpcerr_advice(const struct rpcerr *e);
/* Records it as our own error: "FLOOD_WAIT_30 (420): advice". */
enum err rpcerr_to_err(const struct rpcerr *e, struct err_info *ei);

/* The whole table, for documentation and tests. */
const struct rpcerr_row *rpcerr_rows(size_t *ret_n);
const struct rpcerr_known *rpcerr_list(size_t *ret_n);
/* By the name as it is in the list, %d and all; NULL if it is not there. */
const struct rpcerr_known *rpcerr_list_find(const char *name);

#endif /* TG_RPCERR_H */
