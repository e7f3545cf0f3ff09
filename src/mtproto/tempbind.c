/* SPDX-License-Identifier: MIT */
#include "mtproto/tempbind.h"

#include <string.h>

#include "crypto/aes_ige.h"
#include "crypto/mtkdf.h"
#include "mtproto/bytes.h"
#include "tl/cursor.h"

#define INNER_ID 0x75a3f765U /* bind_auth_key_inner */
#define INNER_LEN 40U
#define PREFIX_LEN 16U
#define PLAIN_LEN 72U /* prefix, msg_id, seq_no, length, inner */
#define PADDED_LEN 80U
#define HEAD_LEN 24U /* perm key id, msg_key */

_Static_assert(HEAD_LEN + PADDED_LEN == TEMPBIND_SEALED_LEN, "sizes");

static void put_plain(const struct tempbind *b, struct rnd *rnd,
		      uint8_t plain[static PADDED_LEN])
{
	uint8_t *p = plain + PREFIX_LEN;

	rnd_fill(rnd, plain, PREFIX_LEN);
	bytes_put_u64(p, b->msg_id);
	bytes_put_u32(p + 8, 0); /* seq_no */
	bytes_put_u32(p + 12, INNER_LEN);
	bytes_put_u32(p + 16, INNER_ID);
	bytes_put_u64(p + 20, b->nonce);
	bytes_put_u64(p + 28, b->temp_key_id);
	bytes_put_u64(p + 36, b->perm_key_id);
	bytes_put_u64(p + 44, b->session_id);
	bytes_put_u32(p + 52, (uint32_t)b->expires_at);
	rnd_fill(rnd, plain + PLAIN_LEN, PADDED_LEN - PLAIN_LEN);
}

static enum err seal(const struct tempbind *b, const struct authkey *perm,
		     struct rnd *rnd, uint8_t out[static TEMPBIND_SEALED_LEN])
{
	uint8_t *plain = out + HEAD_LEN;
	struct mtkdf_aes aes;
	enum err rc;

	put_plain(b, rnd, plain);
	bytes_put_u64(out, perm->id);
	mtkdf_v1_msg_key(plain, PLAIN_LEN, out + 8);
	mtkdf_v1_aes(perm->secret.bytes, MTKDF_TO_SERVER, out + 8, &aes);
	rc = aes_ige_encrypt(aes.key, aes.iv, plain, plain, PADDED_LEN);
	secret_wipe(&aes, sizeof(aes));
	return rc;
}

enum err tempbind_make(const struct tempbind *b, const struct authkey *perm,
		       struct rnd *rnd, struct buf *out, struct err_info *ei)
{
	uint8_t sealed[TEMPBIND_SEALED_LEN];
	struct tl_writer w;
	enum err rc;

	rc = seal(b, perm, rnd, sealed);
	if (rc)
		return err_set(ei, rc, "seal the binding of a temporary key");
	cursor_write(&w, out);
	cursor_put_u32(&w, TEMPBIND_ID);
	cursor_put_i64(&w, (int64_t)b->perm_key_id);
	cursor_put_i64(&w, (int64_t)b->nonce);
	cursor_put_i32(&w, b->expires_at);
	cursor_put_bytes(&w, sealed, sizeof(sealed));
	return w.rc ? err_set(ei, w.rc, "auth.bindTempAuthKey") : ERR_OK;
}

static enum err check(const uint8_t plain[static PADDED_LEN],
		      const uint8_t msg_key[static MTKDF_MSG_KEY_LEN],
		      struct err_info *ei)
{
	uint8_t want[MTKDF_MSG_KEY_LEN];

	mtkdf_v1_msg_key(plain, PLAIN_LEN, want);
	if (!secret_memeq(want, msg_key, sizeof(want)))
		return err_set(ei, ERR_PROTO, "binding: msg_key differs");
	if (bytes_get_u32(plain + PREFIX_LEN + 12) != INNER_LEN ||
	    bytes_get_u32(plain + PREFIX_LEN + 16) != INNER_ID)
		return err_set(ei, ERR_PROTO,
			       "binding: holds no bind_auth_key_inner");
	return ERR_OK;
}

enum err tempbind_open(const struct authkey *perm, const uint8_t *sealed,
		       size_t len, struct tempbind *ret, struct err_info *ei)
{
	uint8_t plain[PADDED_LEN];
	struct mtkdf_aes aes;
	const uint8_t *p = plain + PREFIX_LEN;
	enum err rc;

	if (len != TEMPBIND_SEALED_LEN)
		return err_set(ei, ERR_PROTO, "binding of %zu bytes", len);
	if (bytes_get_u64(sealed) != perm->id)
		return err_set(ei, ERR_PROTO, "binding: another key's");
	mtkdf_v1_aes(perm->secret.bytes, MTKDF_TO_SERVER, sealed + 8, &aes);
	rc = aes_ige_decrypt(aes.key, aes.iv, sealed + HEAD_LEN, plain,
			     PADDED_LEN);
	secret_wipe(&aes, sizeof(aes));
	if (rc)
		return err_set(ei, rc, "open the binding of a temporary key");
	rc = check(plain, sealed + 8, ei);
	if (rc)
		return rc;
	*ret = (struct tempbind){
		.msg_id = bytes_get_u64(p),
		.nonce = bytes_get_u64(p + 20),
		.temp_key_id = bytes_get_u64(p + 28),
		.perm_key_id = bytes_get_u64(p + 36),
		.session_id = bytes_get_u64(p + 44),
		.expires_at = (int32_t)bytes_get_u32(p + 52),
	};
	return ERR_OK;
}
