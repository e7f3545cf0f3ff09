/* SPDX-License-Identifier: MIT */
/*
 * auth.bindTempAuthKey: the proof, sealed with the permanent key in the manner of
 * MTProto 1.0, that a temporary key belongs to it.  Both sides.
 * https://core.telegram.org/method/auth.bindTempAuthKey
 *
 * The message that carries the request must have the very msg_id and session of
 * the proof, so a request that is sent again has to be made again.
 *
 *   memory    make appends to the caller's buffer; open copies 104 bytes
 *   threads   any
 *   failure   make: ERR_NOMEM, ERR_CRYPTO; open: ERR_PROTO naming what is wrong
 */
#ifndef MTPROTO_TEMPBIND_H
#define MTPROTO_TEMPBIND_H

#include "base/buf.h"
#include "base/rnd.h"
#include "mtproto/authkey.h"

#define TEMPBIND_ID                                                            \
	0xcdd42a05U /* auth.bindTempAuthKey, the same in all layers */
#define TEMPBIND_SEALED_LEN 104U
#define TEMPBIND_REQUEST_LEN 132U

struct tempbind {
	uint64_t nonce, temp_key_id, perm_key_id, session_id, msg_id;
	int32_t expires_at; /* server time, seconds */
};

/* Appends the whole request: TEMPBIND_REQUEST_LEN bytes. */
enum err tempbind_make(const struct tempbind *b, const struct authkey *perm,
		       struct rnd *rnd, struct buf *out, struct err_info *ei);
/* The server's half: opens the argument encrypted_message. */
enum err tempbind_open(const struct authkey *perm, const uint8_t *sealed,
		       size_t len, struct tempbind *ret, struct err_info *ei);

#endif /* MTPROTO_TEMPBIND_H */
