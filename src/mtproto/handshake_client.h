/* SPDX-License-Identifier: MIT */
/*
 * The client's half of the key exchange, core.telegram.org/mtproto/auth_key,
 * with every check of core.telegram.org/mtproto/security_guidelines.
 *
 * Bodies of plain messages go in and out; envelope_plain_*() frames them.
 *
 *	handshake_client_start()	first body to send
 *	handshake_client_feed()		an answer arrived: cheap checks
 *	  HANDSHAKE_WANT_WORK:  handshake_client_work() on any thread,
 *				then handshake_client_resume()
 *	  HANDSHAKE_WANT_SEND:  send what was appended, wait for the answer
 *	  HANDSHAKE_DONE:	handshake_client_result()
 *
 * handshake_client_step() does feed, work and resume at once.
 *
 *   owner     new / free; until resume the thread that works is the only one to
 *             touch it
 *   memory    about 3 KiB, wiped when freed; the keys of the config are borrowed
 *   threads   one at a time; `rnd` is used within work
 *   failure   ERR_PROTO naming the check that failed; then every later call
 *             fails the same, and the connection should be closed
 */
#ifndef MTPROTO_HANDSHAKE_CLIENT_H
#define MTPROTO_HANDSHAKE_CLIENT_H

#include "crypto/rsa.h"
#include "mtproto/handshake.h"

struct handshake_client_config {
	const struct rsa_key *const *keys; /* borrowed: array and keys */
	size_t key_count;
	int32_t dc;		/* + 10000 for test, negative for media */
	int32_t expires_in_sec; /* 0: a permanent key, else a temporary one */
	struct rnd *rnd;
};

struct handshake_client;

enum err handshake_client_new(const struct handshake_client_config *cfg,
			      struct handshake_client **ret);
void handshake_client_free(struct handshake_client *h);

/* Appends req_pq_multi; once. */
enum err handshake_client_start(struct handshake_client *h, struct buf *out);
/* Gives HANDSHAKE_WANT_WORK or HANDSHAKE_DONE. */
enum err handshake_client_feed(struct handshake_client *h,
			       const struct handshake_packet *packet,
			       enum handshake_step *ret_step,
			       struct err_info *ei);
/* Its outcome comes out of resume. */
void handshake_client_work(struct handshake_client *h);
/* Appends the next body; always HANDSHAKE_WANT_SEND. */
enum err handshake_client_resume(struct handshake_client *h, struct buf *out,
				 struct err_info *ei);
/* All three; *ret_done: the key is there. */
enum err handshake_client_step(struct handshake_client *h,
			       const struct handshake_packet *packet,
			       struct buf *out, bool *ret_done,
			       struct err_info *ei);

/* Gives a copy of the key; only after HANDSHAKE_DONE. */
enum err handshake_client_result(struct handshake_client *h,
				 struct handshake_result *ret);

#endif /* MTPROTO_HANDSHAKE_CLIENT_H */
