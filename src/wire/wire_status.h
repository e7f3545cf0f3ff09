/* SPDX-License-Identifier: MIT */
/*
 * Words both sides use: what an account is seen to be, why something failed,
 * where a command stands; and the limits of what may be said.
 *
 * The status words are the REST interface's: they never change.
 */
#ifndef WIRE_WIRE_STATUS_H
#define WIRE_WIRE_STATUS_H

#include "base/defs.h"

#define WIRE_VERSION 1
#define WIRE_ID_MAX 64	       /* account, node, command ids */
#define WIRE_NAME_MAX 128      /* names, versions, host names */
#define WIRE_SCRIPT_MAX 400    /* a script_id: 100 letters in UTF-8 */
#define WIRE_TEXT_MAX 512      /* messages and advice */
#define WIRE_BODY_MAX 16777216 /* bytes of one heartbeat or its answer */
#define WIRE_ACCOUNTS_MAX 20000
#define WIRE_LIMITS_MAX 32   /* waits of one account */
#define WIRE_CHANNELS_MAX 64 /* places in channels told of one account */
#define WIRE_GROUPS_MAX 256  /* group ids of one account */
#define WIRE_COMMANDS_MAX 256
#define WIRE_PARAMS_MAX 65536 /* bytes of a command's params or result */

/* What an account was seen to be. */
enum wire_status {
	WIRE_OFFLINE,
	WIRE_STARTING,
	WIRE_ONLINE,
	WIRE_LIMITED,
	WIRE_FROZEN,
	WIRE_BANNED,
	WIRE_REVOKED,
	WIRE_ERROR,
	WIRE_STATUS_COUNT
};

/* Why it is so: shown to people as it is.  All NULL = no fault. */
struct wire_fault {
	const char *code;
	const char *message;
	const char *advice;
};

const char *wire_status_name(enum wire_status status);
/* False for a word that is none. */
bool wire_status_parse(const char *name, enum wire_status *ret);

#endif /* WIRE_WIRE_STATUS_H */
