/* SPDX-License-Identifier: MIT */
/*
 * The formats that are written, by the names an operator says, and what each can
 * hold: what it cannot is told before it is left out.
 *
 *   owner     nobody: constant tables
 *   memory    none
 *   failure   ERR_INVALID with the list of names
 */
#ifndef TG_SESSFILE_TARGET_H
#define TG_SESSFILE_TARGET_H

#include "tg/sessfile.h"

/* Beyond data centre and key, which all hold. */
enum sessfile_holds {
	SESSFILE_HOLDS_USER = 1,
	SESSFILE_HOLDS_BOT = 2,
	SESSFILE_HOLDS_TEST = 4,
	SESSFILE_HOLDS_API_ID = 8,
	SESSFILE_HOLDS_ADDRESS = 16,
	SESSFILE_HOLDS_PEERS = 32,
	SESSFILE_HOLDS_KINDS = 64,	/* bot or user, supergroup or channel */
	SESSFILE_HOLDS_NAMES = 128,	/* of peers, besides usernames */
	SESSFILE_HOLDS_USERNAMES = 256, /* more than one a peer */
	SESSFILE_HOLDS_STATE = 512,	/* of updates, channels as well */
};

/* The tables of a database; strings have none. */
enum sessfile_layout {
	SESSFILE_TEXT,
	SESSFILE_TELETHON_5, /* and 6: the same tables */
	SESSFILE_TELETHON_7,
	SESSFILE_TELETHON_8,
	SESSFILE_PYROGRAM_2,
	SESSFILE_PYROGRAM_3,
	SESSFILE_PYROFORK_4,
	SESSFILE_KURIGRAM_4,
	SESSFILE_KURIGRAM_5,
	SESSFILE_KURIGRAM_6,
	SESSFILE_KURIGRAM_7,
};

struct sessfile_target {
	const char *name;
	enum sessfile_flavour flavour;
	int version; /* of Pyrogram's strings: characters, 0 = as it fits */
	enum sessfile_layout layout;
	unsigned holds; /* enum sessfile_holds */
};

/* By name, "telethon-v5"; without a version the one most programs open. */
enum err sessfile_target_find(const char *name,
			      const struct sessfile_target **ret,
			      struct err_info *ei);
/* What a flavour is written as when nothing more is said; NULL: it is not. */
const struct sessfile_target *
sessfile_target_usual(enum sessfile_flavour flavour);
/* For going through them all; NULL after the last. */
const struct sessfile_target *sessfile_target_at(size_t i);

/* Appends what it cannot hold of s: "5 peers, the user id".  Nothing: all goes. */
enum err sessfile_target_lost(const struct sessfile_target *to,
			      const struct sessfile *s, struct buf *out);

#endif /* TG_SESSFILE_TARGET_H */
