/* SPDX-License-Identifier: MIT */
#include "mtproto/obfuscated.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/sha.h"
#include "mtproto/bytes.h"

#define KEY_AT 8U
#define IV_AT 40U
#define TAG_AT 56U
#define DC_AT 60U
#define SEED_LEN 48U /* key and iv */

bool obfuscated_reserved(const uint8_t head[8])
{
	static const uint32_t taken[] = {
		0x44414548,			    /* HEAD */
		0x54534f50,			    /* POST */
		0x20544547,			    /* GET  */
		0x4954504f,			    /* OPTI */
		0xdddddddd, 0xeeeeeeee, 0x02010316, /* TLS client hello */
	};
	uint32_t first = bytes_get_u32(head);

	if (head[0] == 0xef || bytes_get_u32(head + 4) == 0)
		return true;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (first == taken[i])
			return true;
	return false;
}

/* One direction: seed is 32 bytes of key, 16 of counter. */
static enum err start(struct aes_ctr *c, const uint8_t seed[SEED_LEN],
		      const uint8_t *secret)
{
	uint8_t key[SHA_256_LEN];
	enum err rc;

	memcpy(key, seed, AES_CTR_KEY_LEN);
	if (secret) {
		struct sha_part parts[] = { { seed, AES_CTR_KEY_LEN },
					    { secret, 16 } };

		sha_256_parts(parts, 2, key);
	}
	rc = aes_ctr_init(c, key, seed + AES_CTR_KEY_LEN);
	secret_wipe(key, sizeof(key));
	return rc;
}

/* `there` gets the seed as it stands in the header, `back` the reversed one. */
static enum err start_both(const uint8_t header[OBFUSCATED_HEADER],
			   const uint8_t *secret, struct aes_ctr *there,
			   struct aes_ctr *back)
{
	uint8_t reversed[SEED_LEN];
	enum err rc;

	for (size_t i = 0; i < SEED_LEN; i++)
		reversed[i] = header[KEY_AT + SEED_LEN - 1 - i];
	rc = start(there, header + KEY_AT, secret);
	if (!rc)
		rc = start(back, reversed, secret);
	secret_wipe(reversed, sizeof(reversed));
	return rc;
}

enum err obfuscated_client(struct obfuscated *o,
			   const struct obfuscated_hello *hello,
			   struct rnd *rnd, uint8_t ret_sent[OBFUSCATED_HEADER])
{
	uint8_t clear[OBFUSCATED_HEADER], sealed[OBFUSCATED_HEADER];
	enum err rc;

	*o = (struct obfuscated){ 0 };
	do {
		rnd_fill(rnd, clear, sizeof(clear));
	} while (obfuscated_reserved(clear));
	bytes_put_u32(clear + TAG_AT, hello->tag);
	if (hello->dc != 0) {
		clear[DC_AT] = (uint8_t)hello->dc;
		clear[DC_AT + 1] = (uint8_t)((uint16_t)hello->dc >> 8);
	}
	rc = start_both(clear, hello->secret, &o->tx, &o->rx);
	if (!rc)
		rc = aes_ctr_xor(&o->tx, clear, sealed, sizeof(clear));
	if (rc) {
		obfuscated_deinit(o);
		return rc;
	}
	memcpy(ret_sent, clear, TAG_AT);
	memcpy(ret_sent + TAG_AT, sealed + TAG_AT, OBFUSCATED_HEADER - TAG_AT);
	return ERR_OK;
}

enum err obfuscated_server(struct obfuscated *o,
			   const uint8_t header[OBFUSCATED_HEADER],
			   struct obfuscated_hello *hello, struct err_info *ei)
{
	uint8_t clear[OBFUSCATED_HEADER];
	uint32_t tag;
	enum err rc;

	*o = (struct obfuscated){ 0 };
	rc = start_both(header, hello->secret, &o->rx, &o->tx);
	if (!rc)
		rc = aes_ctr_xor(&o->rx, header, clear, sizeof(clear));
	if (rc) {
		obfuscated_deinit(o);
		return err_set(ei, rc, "obfuscated transport: no cipher");
	}
	tag = bytes_get_u32(clear + TAG_AT);
	if (tag != 0xefefefef && tag != 0xeeeeeeee && tag != 0xdddddddd) {
		obfuscated_deinit(o);
		return err_set(ei, ERR_PROTO,
			       "obfuscated transport: unknown tag %08x "
			       "(wrong secret, or not MTProto)",
			       tag);
	}
	hello->tag = tag;
	hello->dc = (int16_t)(clear[DC_AT] | clear[DC_AT + 1] << 8);
	return ERR_OK;
}

void obfuscated_deinit(struct obfuscated *o)
{
	aes_ctr_deinit(&o->tx);
	aes_ctr_deinit(&o->rx);
}
