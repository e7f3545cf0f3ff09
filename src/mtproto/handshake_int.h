/* SPDX-License-Identifier: MIT */
/*
 * Private to handshake*.c: constructors, and the SHA-1 prefixed AES-IGE box that
 * both sides put their second inner data into.
 *
 *   owner     nothing is kept between calls
 *   failure   ERR_PROTO for a box that does not open
 */
#ifndef MTPROTO_HANDSHAKE_INT_H
#define MTPROTO_HANDSHAKE_INT_H

#include "base/rnd.h"
#include "crypto/mtkdf.h"
#include "crypto/pq.h"
#include "tl/cursor.h"

enum handshake_id {
	ID_REQ_PQ = 0x60469778,
	ID_REQ_PQ_MULTI = 0xbe7e8ef1,
	ID_RES_PQ = 0x05162463,
	ID_INNER = 0x83c95aec,
	ID_INNER_DC = 0xa9f55f95,
	ID_INNER_TEMP = 0x3c6a84d4,
	ID_INNER_TEMP_DC = 0x56fddf88,
	ID_REQ_DH_PARAMS = 0xd712e4be,
	ID_DH_PARAMS_FAIL = 0x79cb045d,
	ID_DH_PARAMS_OK = 0xd0e8075c,
	ID_SERVER_INNER = 0xb5890dba,
	ID_CLIENT_INNER = 0x6643b654,
	ID_SET_CLIENT_DH = 0xf5045f1f,
	ID_DH_GEN_OK = 0x3bcbf734,
	ID_DH_GEN_RETRY = 0x46dc1fb9,
	ID_DH_GEN_FAIL = 0xa69dae02,
};

#define NONCE_LEN 16
#define NEW_NONCE_LEN 32

struct handshake_nonces {
	uint8_t client[NONCE_LEN], server[NONCE_LEN];
};

/* Constructor and both nonces: how all but the first body begin. */
void handshake_put_head(struct tl_writer *w, uint32_t id,
			const struct handshake_nonces *n);
/* ERR_PROTO naming `what` and the nonce that differs. */
enum err handshake_get_nonces(struct tl_reader *r,
			      const struct handshake_nonces *n,
			      const char *what, struct err_info *ei);

/* Encrypts SHA-1(data), data, random padding; replaces data by it. */
enum err handshake_seal(const struct mtkdf_aes *aes, struct rnd *rnd,
			struct buf *data);
/* Decrypts in place; *ret reads what follows the SHA-1. */
enum err handshake_open(const struct mtkdf_aes *aes, struct buf *data,
			struct tl_reader *ret, struct err_info *ei);
/*
 * After everything was read: well formed, less than 16 bytes of padding, and the
 * SHA-1 in front is that of what was read.
 */
enum err handshake_open_end(const struct buf *data, const struct tl_reader *r,
			    const char *what, struct err_info *ei);

/* new_nonce[0, 8) xor server_nonce[0, 8) */
uint64_t handshake_salt(const uint8_t new_nonce[static NEW_NONCE_LEN],
			const uint8_t server_nonce[static NONCE_LEN]);

#endif /* MTPROTO_HANDSHAKE_INT_H */
