/* SPDX-License-Identifier: MIT */
/*
 * The server's half of the key exchange, for the emulator: strict where
 * Telegram is, and tolerant of what real clients do (req_pq, the older SHA-1
 * padding, inner data without a dc, short numbers).
 *
 * Used like handshake_client.h: feed, perhaps work, resume; it never ends by
 * itself, a client may begin again with req_pq at any time.
 *
 *   owner     new / free; until resume the thread that works is the only one to
 *             touch it
 *   memory    about 3 KiB, wiped when freed; the config is copied, its keys,
 *             prime and ids are borrowed
 *   threads   one at a time; `rnd` is used within work, key_taken within resume
 *   failure   ERR_PROTO naming what was wrong, ERR_WRONG_DC for a dc that is not
 *             served (answer with -444), ERR_NOTFOUND for a fingerprint we do
 *             not have (-404); later calls fail the same until the client's
 *             next req_pq
 */
#ifndef MTPROTO_HANDSHAKE_SERVER_H
#define MTPROTO_HANDSHAKE_SERVER_H

#include "crypto/rsa.h"
#include "mtproto/handshake.h"

struct handshake_server_config {
	const struct rsa_key *const *keys; /* borrowed: array and keys */
	size_t key_count;
	const uint8_t *prime; /* 256 bytes; NULL: dh_known_prime */
	int32_t g;	      /* 0: 3 */
	const int32_t *dcs;   /* plain ids accepted, test and media folded in */
	size_t dc_count;      /* 0: any */
	struct rnd *rnd;
	/* true: a key of this id exists, so dh_gen_retry; may be NULL */
	bool (*key_taken)(void *ctx, uint64_t key_id);
	void *ctx;
};

struct handshake_server;

enum err handshake_server_new(const struct handshake_server_config *cfg,
			      struct handshake_server **ret,
			      struct err_info *ei);
void handshake_server_free(struct handshake_server *h);

/*
 * WANT_SEND: an answer was appended (resPQ); WANT_WORK as usual.  The clock the
 * client is told is packet->now_wall.
 */
enum err handshake_server_feed(struct handshake_server *h,
			       const struct handshake_packet *packet,
			       struct buf *out, enum handshake_step *ret_step,
			       struct err_info *ei);
/* Its outcome comes out of resume. */
void handshake_server_work(struct handshake_server *h);
/* Appends the answer, to be sent; DONE: the key is there as well. */
enum err handshake_server_resume(struct handshake_server *h, struct buf *out,
				 enum handshake_step *ret_step,
				 struct err_info *ei);

/* Gives a copy of the key; only after HANDSHAKE_DONE. */
enum err handshake_server_result(struct handshake_server *h,
				 struct handshake_result *ret);

#endif /* MTPROTO_HANDSHAKE_SERVER_H */
