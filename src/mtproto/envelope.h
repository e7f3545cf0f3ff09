/* SPDX-License-Identifier: MIT */
/*
 * The MTProto 2.0 envelope (core.telegram.org/mtproto/description): sealing and
 * opening of messages in both directions, and the plain form the handshake uses.
 *
 * Checked here: key id, sizes, msg_key (constant time, before anything else is
 * believed), body length, padding 12..1024.  What depends on state, i.e. the
 * session id, salt, msg_id and seq_no, is the session's business.
 *
 *   memory    seal appends to the caller's buffer and encrypts there; open
 *             decrypts the packet where it lies
 *   failure   ERR_PROTO with the check that failed; ERR_CRYPTO
 */
#ifndef MTPROTO_ENVELOPE_H
#define MTPROTO_ENVELOPE_H

#include "base/buf.h"
#include "base/rnd.h"
#include "mtproto/authkey.h"

#define ENVELOPE_HEAD 24U	/* auth_key_id, msg_key */
#define ENVELOPE_INNER_HEAD 32U /* salt, session_id, msg_id, seq_no, length */
#define ENVELOPE_PLAIN_HEAD 20U /* zero, msg_id, length */
#define ENVELOPE_PADDING_MIN 12U
#define ENVELOPE_PADDING_MAX 1024U

/* The offset into the key that tells the directions apart. */
enum envelope_side {
	ENVELOPE_TO_SERVER = 0,
	ENVELOPE_FROM_SERVER = 8,
};

struct envelope_msg {
	uint64_t salt, session_id, msg_id;
	uint32_t seq_no;
	const uint8_t *body; /* borrowed */
	size_t body_len;     /* a multiple of 4 */
};

/* Appends the packet to out; padding is 12..27 random bytes. */
enum err envelope_seal(const struct authkey *key, enum envelope_side side,
		       const struct envelope_msg *msg, struct rnd *rnd,
		       struct buf *out, struct err_info *ei);
/*
 * `padding` must be within bounds and make the whole a multiple of 16; used for
 * known answers and for traffic that hides its sizes.
 */
enum err envelope_seal_padded(const struct authkey *key,
			      enum envelope_side side,
			      const struct envelope_msg *msg,
			      const uint8_t *padding, size_t padding_len,
			      struct buf *out);

/* Overwrites the packet; ret->body points into it. */
enum err envelope_open(const struct authkey *key, enum envelope_side side,
		       uint8_t *packet, size_t len, struct envelope_msg *ret,
		       struct err_info *ei);

/*
 * The token a server sends for a quick ack, of a packet that was opened (and so
 * decrypted where it lies).
 */
uint32_t envelope_quick_ack(const struct authkey *key, const uint8_t *opened,
			    size_t len);

/* The first 8 bytes: 0 for a plain message; ERR_PROTO if there are fewer. */
enum err envelope_key_id(const uint8_t *packet, size_t len, uint64_t *ret_id,
			 struct err_info *ei);

enum err envelope_plain_seal(uint64_t msg_id, const void *body, size_t len,
			     struct buf *out);
/* *ret_body points into the packet. */
enum err envelope_plain_open(const uint8_t *packet, size_t len,
			     uint64_t *ret_msg_id, const uint8_t **ret_body,
			     size_t *ret_len, struct err_info *ei);

#endif /* MTPROTO_ENVELOPE_H */
