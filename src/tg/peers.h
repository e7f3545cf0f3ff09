/* SPDX-License-Identifier: MIT */
/*
 * Whom an account knows: the access hashes it was given, which are its own and
 * good for nobody else, and the usernames it asked for.
 *
 *	peers_take_users(p, users)	from every answer and update
 *	peers_take_chats(p, chats, now)
 *	e = peers_find(p, id)		NULL: never seen in full
 *
 * Peers are numbered as bots see them: users > 0, basic groups -id, channels
 * PEERS_CHANNEL - id.  A basic group has no hash; one that became a channel keeps
 * that channel's number in its place (peers_current()).
 *
 * A `min` constructor says who somebody is, but its hash opens nothing: it is not
 * kept and never replaces a full one.  What makes such a peer reachable is the
 * message it was seen in (peers_seen(), peers_where()).
 *
 * A name that was resolved, or found free, holds for a while: asking is what
 * Telegram limits most.  Of names only a hash is kept.
 *
 *   owner     struct engine embeds one
 *   memory    nothing while empty; else PEERS_MAX entries of 24 bytes, what was
 *             used longest ago makes room; names and contexts less
 *   threads   none
 *   failure   never: without memory a peer is not remembered, and told again by
 *             the next answer
 */
#ifndef TG_PEERS_H
#define TG_PEERS_H

#include "base/clock.h"
#include "base/defs.h"

#define PEERS_MAX 2048U
#define PEERS_NAMES_MAX 256U
#define PEERS_SEEN_MAX 64U
#define PEERS_NAME_MAX 32 /* characters of a username */
#define PEERS_NAME_S INT64_C(86400)
#define PEERS_NOBODY_S INT64_C(3600)
#define PEERS_CHANNEL INT64_C(-1000000000000)

enum peers_flag {
	PEERS_WROTE = 1, /* has written to the account itself, in private */
	PEERS_BOT = 2,
	PEERS_BROADCAST = 4, /* a channel where only its admins post */
	PEERS_FORUM = 8,
	PEERS_NOFORWARDS = 16,
	PEERS_LEFT = 32,
	PEERS_MIGRATED = 64, /* a basic group: the channel is in `hash` */
};
/* What Telegram says of a peer; the others are our own observations. */
#define PEERS_TOLD                                                             \
	(PEERS_BOT | PEERS_BROADCAST | PEERS_FORUM | PEERS_NOFORWARDS |        \
	 PEERS_LEFT | PEERS_MIGRATED)

struct peers_entry {
	int64_t id;
	int64_t hash;	/* 0: not known */
	uint32_t used;	/* in order of use */
	uint32_t flags; /* enum peers_flag */
};

struct peers_name {
	uint64_t hash;
	int64_t id; /* 0: nobody has it */
	struct wall until;
};

/* Where somebody was seen of whom no hash is known. */
struct peers_seen {
	int64_t id, chat_id;
	int32_t message_id;
};

struct peers {
	struct peers_entry *entries; /* in order of id */
	struct peers_name *names;
	struct peers_seen *seen; /* a ring */
	uint16_t n, cap, nnames, nseen, seen_at;
	uint32_t turn;
	uint32_t changes; /* grows with all that is worth keeping */
};

struct tlv_User;
struct tlv_Chat;
struct tlt_any;

void peers_deinit(struct peers *p);

const struct peers_entry *peers_find(const struct peers *p, int64_t id);
/* 0: not known. */
int64_t peers_hash(const struct peers *p, int64_t id);
bool peers_has(const struct peers *p, int64_t id, enum peers_flag flag);
/* The number a basic group has now; others have the one they had. */
int64_t peers_current(const struct peers *p, int64_t id);
/* Put to use: is forgotten later than others. */
void peers_use(struct peers *p, int64_t id);

/* Told by Telegram, in full.  Flags of PEERS_TOLD are replaced. */
void peers_put(struct peers *p, int64_t id, int64_t hash, uint32_t flags);
void peers_flag(struct peers *p, int64_t id, enum peers_flag flag);
/* As kept elsewhere: what is known already stays. */
void peers_restore(struct peers *p, int64_t id, int64_t hash, uint32_t flags);
void peers_forget(struct peers *p, int64_t id);
/* In order of id; NULL: no i-th. */
const struct peers_entry *peers_at(const struct peers *p, uint32_t i);

void peers_see(struct peers *p, int64_t id, int64_t chat_id,
	       int32_t message_id);
/* The newest message, or NULL. */
const struct peers_seen *peers_where(const struct peers *p, int64_t id);

/* Without its @, in any case.  False: longer or shorter than a name can be. */
bool peers_name_hash(const char *name, size_t len, uint64_t *ret);
/* id 0: nobody has it. */
void peers_name(struct peers *p, uint64_t hash, int64_t id, struct wall now);
/* What is still good; false: it has to be asked. */
bool peers_resolve(const struct peers *p, uint64_t hash, struct wall now,
		   int64_t *ret_id);
void peers_restore_name(struct peers *p, const struct peers_name *name,
			struct wall now);
const struct peers_name *peers_name_at(const struct peers *p, uint32_t i);

/* peers_tl.c: from the constructors themselves. */
void peers_take_users(struct peers *p, const struct tlv_User *users);
void peers_take_chats(struct peers *p, const struct tlv_Chat *chats,
		      struct wall now);
/* Whatever users and chats a decoded object has. */
void peers_take(struct peers *p, const struct tlt_any *obj, struct wall now);

#endif /* TG_PEERS_H */
