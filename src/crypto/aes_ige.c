/* SPDX-License-Identifier: MIT */
/*
 * IGE:  c[i] = E(p[i] ^ c[i-1]) ^ p[i-1],  p[i] = D(c[i] ^ p[i-1]) ^ c[i-1].
 *
 * With d[i] = c[i] ^ p[i-1] encryption becomes d[i] = E(x[i] ^ d[i-1]) for
 * x[i] = p[i] ^ p[i-2], which is CBC: one call a chunk instead of one a block,
 * and the processor's AES at its CBC speed.  Decryption has no such twin and
 * goes block by block.
 */
#include "crypto/aes_ige.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/aes_int.h"

#define CHUNK 1024

struct block {
	uint64_t w[2];
};

static struct block load(const uint8_t *p)
{
	struct block b;

	memcpy(&b, p, sizeof(b));
	return b;
}

static void store(uint8_t *p, struct block b)
{
	memcpy(p, &b, sizeof(b));
}

static struct block xor2(struct block a, struct block b)
{
	return (struct block){ { a.w[0] ^ b.w[0], a.w[1] ^ b.w[1] } };
}

/* p1, p2: the plaintext blocks one and two back. */
struct past {
	struct block p1, p2;
};

static bool encrypt_chunk(EVP_CIPHER_CTX *ctx, struct past *past,
			  const uint8_t *in, uint8_t *out, size_t len)
{
	uint8_t x[CHUNK] = { 0 };
	struct block p2 = past->p2, p1 = past->p1, p;
	int got;
	bool ok;
	size_t i;

	for (i = 0; i < len; i += AES_IGE_BLOCK) {
		p = load(in + i);
		store(x + i, xor2(p, p2));
		p2 = p1;
		p1 = p;
	}
	ok = EVP_EncryptUpdate(ctx, x, &got, x, (int)len) == 1;
	p1 = past->p1;
	past->p2 = p2;
	for (i = 0; ok && i < len; i += AES_IGE_BLOCK) {
		p = load(in + i);
		store(out + i, xor2(load(x + i), p1));
		p1 = p;
	}
	past->p1 = p1;
	secret_wipe(x, len);
	return ok;
}

static EVP_CIPHER_CTX *context(enum aes_cipher_kind kind, const uint8_t *key,
			       const uint8_t *iv, int encrypt)
{
	const EVP_CIPHER *cipher = aes_cipher(kind);
	EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;

	if (!ctx)
		return NULL;
	if (EVP_CipherInit_ex2(ctx, cipher, key, iv, encrypt, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

enum err aes_ige_encrypt(const uint8_t key[static AES_IGE_KEY_LEN],
			 const uint8_t iv[static AES_IGE_IV_LEN],
			 const uint8_t *in, uint8_t *out, size_t len)
{
	struct past past = { .p1 = load(iv + AES_IGE_BLOCK) };
	EVP_CIPHER_CTX *ctx;
	bool ok = true;
	size_t n;

	if (len % AES_IGE_BLOCK)
		return ERR_INVALID;
	/* p[-1] counts as zero: the CBC iv is c[0], not d[0] */
	ctx = context(AES_CIPHER_256_CBC, key, iv, 1);
	if (!ctx)
		return ERR_NOMEM;
	for (; ok && len; in += n, out += n, len -= n) {
		n = len < CHUNK ? len : CHUNK;
		ok = encrypt_chunk(ctx, &past, in, out, n);
	}
	EVP_CIPHER_CTX_free(ctx);
	secret_wipe(&past, sizeof(past));
	return ok ? ERR_OK : ERR_CRYPTO;
}

enum err aes_ige_decrypt(const uint8_t key[static AES_IGE_KEY_LEN],
			 const uint8_t iv[static AES_IGE_IV_LEN],
			 const uint8_t *in, uint8_t *out, size_t len)
{
	struct block prev_c = load(iv), prev_p = load(iv + AES_IGE_BLOCK), c;
	uint8_t x[AES_IGE_BLOCK];
	EVP_CIPHER_CTX *ctx;
	bool ok = true;
	size_t i;
	int got;

	if (len % AES_IGE_BLOCK)
		return ERR_INVALID;
	ctx = context(AES_CIPHER_256_ECB, key, NULL, 0);
	if (!ctx)
		return ERR_NOMEM;
	for (i = 0; ok && i < len; i += AES_IGE_BLOCK) {
		c = load(in + i);
		store(x, xor2(c, prev_p));
		ok = EVP_DecryptUpdate(ctx, x, &got, x, sizeof(x)) == 1;
		prev_p = xor2(load(x), prev_c);
		prev_c = c;
		store(out + i, prev_p);
	}
	EVP_CIPHER_CTX_free(ctx);
	secret_wipe(x, sizeof(x));
	secret_wipe(&prev_p, sizeof(prev_p));
	return ok ? ERR_OK : ERR_CRYPTO;
}
