/* SPDX-License-Identifier: MIT */
/*
 * The client's side of an MTProxy that looks like a web server ("ee" secrets): a
 * ClientHello whose random proves the secret, a ServerHello that proves it back,
 * then the obfuscated transport inside application data records.
 *
 *	faketls_start(f, wall, out, ei)		bytes to send first
 *	faketls_feed(f, data, len, plain, ei)	bytes came: what they carried
 *	faketls_is_open(f)			the proxy proved itself
 *	faketls_send(f, data, len, out, ei)	only then: bytes to write
 *
 * Sans-IO, between the link and the transport (TRANSPORT_PADDED, obfuscated,
 * with the secret's key).  How the stream is cut makes no difference.
 *
 *   owner     the connection embeds one; secret and rnd are borrowed
 *   memory    the bytes of an unfinished record; none when idle
 *   threads   none
 *   failure   ERR_PROTO for anything else than such a proxy, and from then on:
 *             the connection is of no use.  ERR_TOOBIG if `plain` is full
 */
#ifndef MTPROTO_FAKETLS_H
#define MTPROTO_FAKETLS_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "mtproto/proxy_secret.h"

#define FAKETLS_RECORD_MAX 16640U /* of a record, as TLS 1.3 has it */
#define FAKETLS_FEED_MAX (256U << 10)

struct faketls {
	const struct proxy_secret *secret;
	struct rnd *rnd;
	struct buf in;
	uint8_t random[32]; /* of our hello: the answer covers it */
	uint8_t state;
	bool spoke; /* change_cipher_spec went out */
};

void faketls_init(struct faketls *f, const struct proxy_secret *secret,
		  struct rnd *rnd);
void faketls_deinit(struct faketls *f);

/* Appends the ClientHello; once.  The proxy compares `now` with its clock. */
enum err faketls_start(struct faketls *f, struct wall now, struct buf *out,
		       struct err_info *ei);
/* Appends to plain; len <= FAKETLS_FEED_MAX. */
enum err faketls_feed(struct faketls *f, const void *data, size_t len,
		      struct buf *plain, struct err_info *ei);
bool faketls_is_open(const struct faketls *f);
/* Appends records to out; only when open. */
enum err faketls_send(struct faketls *f, const void *data, size_t len,
		      struct buf *out, struct err_info *ei);

#endif /* MTPROTO_FAKETLS_H */
