/* SPDX-License-Identifier: MIT */
#include "mtproto/envelope.h"

#include <string.h>

#include "base/bug.h"
#include "crypto/aes_ige.h"
#include "crypto/mtkdf.h"
#include "mtproto/bytes.h"

#define KEY_ID_LEN 8U
#define BODY_MAX (16U << 20)
#define QUICK_ACK_KEY_AT 88U /* to the server only: x = 0 */

static enum mtkdf_dir dir_of(enum envelope_side side)
{
	return side == ENVELOPE_TO_SERVER ? MTKDF_TO_SERVER : MTKDF_FROM_SERVER;
}

static void put_inner_head(uint8_t *p, const struct envelope_msg *msg)
{
	bytes_put_u64(p, msg->salt);
	bytes_put_u64(p + 8, msg->session_id);
	bytes_put_u64(p + 16, msg->msg_id);
	bytes_put_u32(p + 24, msg->seq_no);
	bytes_put_u32(p + 28, (uint32_t)msg->body_len);
}

/* plain is encrypted where it lies; `packet` is the head in front of it. */
static enum err encrypt(const struct authkey *key, enum envelope_side side,
			uint8_t *packet, uint8_t *plain, size_t len)
{
	struct mtkdf_aes aes;
	uint8_t *msg_key = packet + KEY_ID_LEN;
	enum err rc;

	bytes_put_u64(packet, key->id);
	mtkdf_msg_key(key->secret.bytes, dir_of(side), plain, len, msg_key);
	mtkdf_aes(key->secret.bytes, dir_of(side), msg_key, &aes);
	rc = aes_ige_encrypt(aes.key, aes.iv, plain, plain, len);
	secret_wipe(&aes, sizeof(aes));
	return rc;
}

enum err envelope_seal_padded(const struct authkey *key,
			      enum envelope_side side,
			      const struct envelope_msg *msg,
			      const uint8_t *padding, size_t padding_len,
			      struct buf *out)
{
	size_t len = ENVELOPE_INNER_HEAD + msg->body_len + padding_len;
	uint8_t *p;
	enum err rc;

	BUG_ON(!authkey_present(key));
	BUG_ON(padding_len < ENVELOPE_PADDING_MIN ||
	       padding_len > ENVELOPE_PADDING_MAX);
	if (msg->body_len == 0 || msg->body_len % 4 != 0)
		return ERR_INVALID;
	if (msg->body_len > BODY_MAX)
		return ERR_TOOBIG;
	BUG_ON(len % AES_IGE_BLOCK != 0);
	rc = buf_reserve(out, ENVELOPE_HEAD + len, &p);
	if (rc)
		return rc;
	put_inner_head(p + ENVELOPE_HEAD, msg);
	memcpy(p + ENVELOPE_HEAD + ENVELOPE_INNER_HEAD, msg->body,
	       msg->body_len);
	memcpy(p + ENVELOPE_HEAD + len - padding_len, padding, padding_len);
	rc = encrypt(key, side, p, p + ENVELOPE_HEAD, len);
	if (rc)
		return rc;
	buf_commit(out, ENVELOPE_HEAD + len);
	return ERR_OK;
}

enum err envelope_seal(const struct authkey *key, enum envelope_side side,
		       const struct envelope_msg *msg, struct rnd *rnd,
		       struct buf *out, struct err_info *ei)
{
	uint8_t padding[ENVELOPE_PADDING_MIN + AES_IGE_BLOCK];
	size_t unpadded = ENVELOPE_INNER_HEAD + msg->body_len;
	size_t n = ENVELOPE_PADDING_MIN;
	enum err rc;

	n += (AES_IGE_BLOCK - (unpadded + n) % AES_IGE_BLOCK) % AES_IGE_BLOCK;
	rnd_fill(rnd, padding, n);
	rc = envelope_seal_padded(key, side, msg, padding, n, out);
	if (rc)
		return err_set(ei, rc, "seal a message of %zu bytes",
			       msg->body_len);
	return ERR_OK;
}

static enum err check_sizes(const struct authkey *key, const uint8_t *packet,
			    size_t len, struct err_info *ei)
{
	size_t cipher;

	if (len < ENVELOPE_HEAD)
		return err_set(ei, ERR_PROTO,
			       "packet of %zu bytes is shorter than its head",
			       len);
	if (bytes_get_u64(packet) != key->id)
		return err_set(ei, ERR_PROTO,
			       "packet is for another authorisation key");
	cipher = len - ENVELOPE_HEAD;
	if (cipher % AES_IGE_BLOCK != 0)
		return err_set(ei, ERR_PROTO,
			       "%zu encrypted bytes are no multiple of 16",
			       cipher);
	if (cipher < ENVELOPE_INNER_HEAD + AES_IGE_BLOCK)
		return err_set(ei, ERR_PROTO,
			       "%zu encrypted bytes cannot hold a message",
			       cipher);
	return ERR_OK;
}

/* After msg_key was found right: what the sender itself got wrong. */
static enum err check_inner(const uint8_t *plain, size_t len,
			    struct envelope_msg *ret, struct err_info *ei)
{
	uint32_t body_len = bytes_get_u32(plain + 28);
	size_t room = len - ENVELOPE_INNER_HEAD;

	if (body_len > room)
		return err_set(
			ei, ERR_PROTO,
			"declared length %u is above the %zu bytes there",
			body_len, room);
	if (body_len % 4 != 0 || body_len == 0)
		return err_set(ei, ERR_PROTO,
			       "declared length %u is no multiple of 4",
			       body_len);
	if (room - body_len < ENVELOPE_PADDING_MIN)
		return err_set(ei, ERR_PROTO, "padding of %zu bytes, below 12",
			       room - body_len);
	if (room - body_len > ENVELOPE_PADDING_MAX)
		return err_set(ei, ERR_PROTO,
			       "padding of %zu bytes, above 1024",
			       room - body_len);
	*ret = (struct envelope_msg){
		.salt = bytes_get_u64(plain),
		.session_id = bytes_get_u64(plain + 8),
		.msg_id = bytes_get_u64(plain + 16),
		.seq_no = bytes_get_u32(plain + 24),
		.body = plain + ENVELOPE_INNER_HEAD,
		.body_len = body_len,
	};
	return ERR_OK;
}

enum err envelope_open(const struct authkey *key, enum envelope_side side,
		       uint8_t *packet, size_t len, struct envelope_msg *ret,
		       struct err_info *ei)
{
	uint8_t msg_key[MTKDF_MSG_KEY_LEN];
	struct mtkdf_aes aes;
	uint8_t *plain = packet + ENVELOPE_HEAD;
	enum err rc;

	BUG_ON(!authkey_present(key));
	rc = check_sizes(key, packet, len, ei);
	if (rc)
		return rc;
	len -= ENVELOPE_HEAD;
	mtkdf_aes(key->secret.bytes, dir_of(side), packet + KEY_ID_LEN, &aes);
	rc = aes_ige_decrypt(aes.key, aes.iv, plain, plain, len);
	secret_wipe(&aes, sizeof(aes));
	if (rc)
		return err_set(ei, rc, "decrypt a packet");
	mtkdf_msg_key(key->secret.bytes, dir_of(side), plain, len, msg_key);
	if (!secret_memeq(msg_key, packet + KEY_ID_LEN, sizeof(msg_key)))
		return err_set(ei, ERR_PROTO,
			       "msg_key does not fit the packet");
	return check_inner(plain, len, ret, ei);
}

uint32_t envelope_quick_ack(const struct authkey *key, const uint8_t *opened,
			    size_t len)
{
	uint8_t hash[SHA_256_LEN]; /* the middle of which is msg_key */
	const struct sha_part parts[] = {
		{ key->secret.bytes + QUICK_ACK_KEY_AT, 32 },
		{ opened + ENVELOPE_HEAD, len - ENVELOPE_HEAD },
	};

	BUG_ON(len < ENVELOPE_HEAD);
	sha_256_parts(parts, ARRAY_LEN(parts), hash);
	return bytes_get_u32(hash) | 0x80000000U;
}

enum err envelope_key_id(const uint8_t *packet, size_t len, uint64_t *ret_id,
			 struct err_info *ei)
{
	if (len < ENVELOPE_PLAIN_HEAD)
		return err_set(ei, ERR_PROTO,
			       "packet of %zu bytes is no message", len);
	*ret_id = bytes_get_u64(packet);
	return ERR_OK;
}

enum err envelope_plain_seal(uint64_t msg_id, const void *body, size_t len,
			     struct buf *out)
{
	uint8_t *p;
	enum err rc;

	if (len == 0 || len % 4 != 0)
		return ERR_INVALID;
	if (len > BODY_MAX)
		return ERR_TOOBIG;
	rc = buf_reserve(out, ENVELOPE_PLAIN_HEAD + len, &p);
	if (rc)
		return rc;
	bytes_put_u64(p, 0);
	bytes_put_u64(p + 8, msg_id);
	bytes_put_u32(p + 16, (uint32_t)len);
	memcpy(p + ENVELOPE_PLAIN_HEAD, body, len);
	buf_commit(out, ENVELOPE_PLAIN_HEAD + len);
	return ERR_OK;
}

enum err envelope_plain_open(const uint8_t *packet, size_t len,
			     uint64_t *ret_msg_id, const uint8_t **ret_body,
			     size_t *ret_len, struct err_info *ei)
{
	uint32_t body_len;

	if (len < ENVELOPE_PLAIN_HEAD + 4)
		return err_set(ei, ERR_PROTO,
			       "plain message of %zu bytes is too short", len);
	if (bytes_get_u64(packet) != 0)
		return err_set(ei, ERR_PROTO,
			       "encrypted message where a plain one is due");
	body_len = bytes_get_u32(packet + 16);
	if (body_len != len - ENVELOPE_PLAIN_HEAD || body_len % 4 != 0)
		return err_set(ei, ERR_PROTO,
			       "plain message says %u bytes, has %zu", body_len,
			       len - ENVELOPE_PLAIN_HEAD);
	*ret_msg_id = bytes_get_u64(packet + 8);
	*ret_body = packet + ENVELOPE_PLAIN_HEAD;
	*ret_len = body_len;
	return ERR_OK;
}
