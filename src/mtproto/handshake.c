/* SPDX-License-Identifier: MIT */
#include "mtproto/handshake_int.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/aes_ige.h"

void handshake_put_head(struct tl_writer *w, uint32_t id,
			const struct handshake_nonces *n)
{
	cursor_put_u32(w, id);
	cursor_put_raw(w, n->client, NONCE_LEN);
	cursor_put_raw(w, n->server, NONCE_LEN);
}

enum err handshake_get_nonces(struct tl_reader *r,
			      const struct handshake_nonces *n,
			      const char *what, struct err_info *ei)
{
	struct handshake_nonces got;

	cursor_get_fixed(r, got.client, NONCE_LEN);
	cursor_get_fixed(r, got.server, NONCE_LEN);
	if (r->rc)
		return err_set(ei, r->rc, "%s: too short", what);
	if (memcmp(got.client, n->client, NONCE_LEN) != 0)
		return err_set(ei, ERR_PROTO, "%s: nonce differs", what);
	if (memcmp(got.server, n->server, NONCE_LEN) != 0)
		return err_set(ei, ERR_PROTO, "%s: server_nonce differs", what);
	return ERR_OK;
}

enum err handshake_seal(const struct mtkdf_aes *aes, struct rnd *rnd,
			struct buf *data)
{
	struct buf box;
	size_t len = SHA_1_LEN + buf_len(data);
	size_t padded = (len + 15) / 16 * 16;
	uint8_t *at;
	enum err rc;

	buf_init(&box, padded);
	rc = buf_reserve(&box, padded, &at);
	if (rc)
		return rc;
	sha_1(buf_head(data), buf_len(data), at);
	memcpy(at + SHA_1_LEN, buf_head(data), buf_len(data));
	rnd_fill(rnd, at + len, padded - len);
	rc = aes_ige_encrypt(aes->key, aes->iv, at, at, padded);
	buf_commit(&box, padded);
	if (rc) {
		buf_wipe(&box);
		return rc;
	}
	buf_wipe(data);
	*data = box;
	return ERR_OK;
}

enum err handshake_open(const struct mtkdf_aes *aes, struct buf *data,
			struct tl_reader *ret, struct err_info *ei)
{
	size_t len = buf_len(data);
	enum err rc;

	if (len % AES_IGE_BLOCK || len < SHA_1_LEN + 4)
		return err_set(ei, ERR_PROTO, "encrypted part of %zu bytes",
			       len);
	rc = aes_ige_decrypt(aes->key, aes->iv, buf_head(data), buf_head(data),
			     len);
	if (rc)
		return rc;
	cursor_read(ret, buf_head(data) + SHA_1_LEN, len - SHA_1_LEN);
	return ERR_OK;
}

enum err handshake_open_end(const struct buf *data, const struct tl_reader *r,
			    const char *what, struct err_info *ei)
{
	const uint8_t *begin = buf_head(data) + SHA_1_LEN;
	uint8_t h[SHA_1_LEN];

	if (r->rc)
		return err_set(ei, ERR_PROTO, "%s: malformed", what);
	if (cursor_left(r) >= AES_IGE_BLOCK)
		return err_set(ei, ERR_PROTO, "%s: too much padding", what);
	sha_1(begin, (size_t)(r->at - begin), h);
	if (!secret_memeq(h, buf_head(data), sizeof(h)))
		return err_set(ei, ERR_PROTO, "%s: SHA-1 differs", what);
	return ERR_OK;
}

uint64_t handshake_salt(const uint8_t new_nonce[static NEW_NONCE_LEN],
			const uint8_t server_nonce[static NONCE_LEN])
{
	uint64_t v = 0;
	int i;

	for (i = 7; i >= 0; i--)
		v = v << 8 | (uint8_t)(new_nonce[i] ^ server_nonce[i]);
	return v;
}
