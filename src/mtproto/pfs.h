/* SPDX-License-Identifier: MIT */
/*
 * Perfect forward secrecy: a session that speaks under temporary keys, each made
 * by a key exchange, bound to the account's permanent key and replaced before it
 * expires.  https://core.telegram.org/api/pfs
 *
 * It sits beside a session, between it and the transport:
 *
 *	pfs_connected(p, now, ei)	instead of session_connected()
 *	packet with key id 0:		pfs_recv(), anything else: session_recv()
 *	to send:			pfs_next_packet(), then session_next_packet()
 *	on time:			pfs_tick() at pfs_deadline()
 *	a session event:		pfs_on_event() first; true: it was for us
 *	after each of these:		pfs_verdict(); not OK: hang up
 *	CPU work:			pfs_take_work(), handshake_client_work() on
 *					any thread, pfs_give_back()
 *	pfs_disconnected(p)		instead of session_disconnected()
 *
 * On a connection with a key at hand nothing is exchanged.  A new key is made
 * while the old one is in use, and taken when no query is waiting for an answer,
 * or when the old one is about to expire.
 *
 *   owner     one account embeds one; session, keys and rnd are borrowed
 *   memory    the permanent key; while keys are made about 3 KiB, which go with
 *             the exchange
 *   threads   none; work lent out belongs to whoever has it
 *   failure   a key exchange that fails or takes too long ends the connection
 *             only if there is no key to go on with.  The verdict is ERR_PROTO
 *             (connect again: a new key will be made), ERR_FLOOD (the same
 *             after ei->arg seconds) or ERR_AUTH_GONE (the server does not know
 *             the permanent key)
 */
#ifndef MTPROTO_PFS_H
#define MTPROTO_PFS_H

#include "mtproto/handshake_client.h"
#include "mtproto/session.h"

#define PFS_LIFETIME_SEC 86400
#define PFS_HANDSHAKE_US (30 * US_PER_SEC)
#define PFS_RETRY_US (60 * US_PER_SEC)
#define PFS_INVALID_MAX 2 /* refusals of the proof until it is believed */

enum pfs_state {
	PFS_OFF,     /* not connected */
	PFS_MAKING,  /* no key yet */
	PFS_BINDING, /* the server has not confirmed it */
	PFS_READY,
};

struct pfs_config {
	const struct rsa_key *const *keys; /* borrowed: array and keys */
	size_t key_count;
	int32_t dc;	      /* as in handshake_client.h */
	int32_t lifetime_sec; /* 0: PFS_LIFETIME_SEC */
	struct rnd *rnd;
};

struct pfs_key; /* a temporary key that was made and waits to be taken */

struct pfs {
	struct pfs_config cfg;
	struct session *session;
	struct authkey perm;
	struct handshake_client *handshake; /* NULL: none, or lent out */
	struct handshake_client *lent;
	struct buf out;	      /* a body to be sent in the plain */
	struct pfs_key *next; /* NULL: none */
	int64_t expires_sec;  /* of the session's key; 0: it has none */
	uint64_t last_msg_id;
	struct mono started, renew_at;
	enum err verdict;
	int32_t wait_sec; /* of verdict FLOOD */
	uint8_t state, invalid;
	bool bound, work;
};

void pfs_init(struct pfs *p, const struct pfs_config *cfg, struct session *s);
/* Work that is still lent out must be given back before. */
void pfs_deinit(struct pfs *p);
/* Copies; temporary keys of another permanent key are forgotten. */
enum err pfs_set_perm(struct pfs *p, const uint8_t key[AUTHKEY_LEN]);

/* Will the next connection have to make a key first? */
bool pfs_needs_key(const struct pfs *p, struct mono now);
enum err pfs_connected(struct pfs *p, struct mono now, struct err_info *ei);
void pfs_disconnected(struct pfs *p);

/* A packet with key id 0. */
enum err pfs_recv(struct pfs *p, const uint8_t *packet, size_t len,
		  struct mono now, struct err_info *ei);
enum err pfs_next_packet(struct pfs *p, struct mono now, struct buf *out,
			 bool *ret_has, struct err_info *ei);
/* For the session's on_event; true: nobody else needs to know. */
bool pfs_on_event(struct pfs *p, const struct session_event *ev);
enum err pfs_verdict(const struct pfs *p, struct err_info *ei);

enum err pfs_tick(struct pfs *p, struct mono now, struct err_info *ei);
struct mono pfs_deadline(const struct pfs *p);

/* NULL: there is none.  The object is the caller's until it is given back. */
struct handshake_client *pfs_take_work(struct pfs *p);
enum err pfs_give_back(struct pfs *p, struct handshake_client *h,
		       struct mono now, struct err_info *ei);

static inline enum pfs_state pfs_state(const struct pfs *p)
{
	return (enum pfs_state)p->state;
}

#endif /* MTPROTO_PFS_H */
