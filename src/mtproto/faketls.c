/* SPDX-License-Identifier: MIT */
#include "mtproto/faketls.h"

#include <string.h>

#include "base/bug.h"
#include "base/secret.h"
#include "crypto/sha.h"
#include "mtproto/bytes.h"
#include "mtproto/faketls_int.h"

#define RECORD_HEAD 5U
#define SEND_MAX 16384U /* of plain bytes in a record we write */
#define RECORD_CIPHER_SPEC 0x14
#define RECORD_ALERT 0x15
#define RECORD_HANDSHAKE 0x16
#define RECORD_DATA 0x17
#define PROOF_LEN 28U /* the rest of the random is xored with the time */

enum state { NEW, WAIT_HELLO, OPEN, BROKEN };

static const uint8_t cipher_spec[] = { 0x14, 3, 3, 0, 1, 1 };

void faketls_init(struct faketls *f, const struct proxy_secret *secret,
		  struct rnd *rnd)
{
	*f = (struct faketls){ .secret = secret, .rnd = rnd };
	/* the answer to the hello is three records, checked as one */
	buf_init(&f->in,
		 3 * (RECORD_HEAD + FAKETLS_RECORD_MAX) + FAKETLS_FEED_MAX);
}

void faketls_deinit(struct faketls *f)
{
	buf_deinit(&f->in);
	secret_wipe(f->random, sizeof(f->random));
}

bool faketls_is_open(const struct faketls *f)
{
	return f->state == OPEN;
}

enum err faketls_start(struct faketls *f, struct wall now, struct buf *out,
		       struct err_info *ei)
{
	size_t at = buf_len(out);
	uint32_t sec = (uint32_t)wall_sec(now);
	uint8_t *hello, *random;
	enum err rc;

	BUG_ON(f->state != NEW);
	rc = faketls_hello_put(out, f->secret->domain, f->rnd);
	if (rc)
		return err_set(ei, rc, "ClientHello");
	hello = buf_head(out) + at;
	random = hello + FAKETLS_RANDOM_AT;
	rc = sha_256_hmac(f->secret->key, sizeof(f->secret->key), hello,
			  buf_len(out) - at, f->random);
	if (rc)
		return err_set(ei, rc, "ClientHello");
	bytes_put_u32(f->random + PROOF_LEN,
		      bytes_get_u32(f->random + PROOF_LEN) ^ sec);
	memcpy(random, f->random, sizeof(f->random));
	f->state = WAIT_HELLO;
	return ERR_OK;
}

/* ---- in */

/* Bytes of the record at p, 0 if it is not all there; its head may be checked. */
static size_t record_len(const uint8_t *p, size_t n)
{
	size_t len = n < RECORD_HEAD ? 0 : (size_t)p[3] << 8 | p[4];

	return n >= RECORD_HEAD && n - RECORD_HEAD >= len ? RECORD_HEAD + len
							  : 0;
}

static enum err check_head(const uint8_t *p, size_t n, uint8_t type,
			   struct err_info *ei)
{
	if (n > 0 && p[0] == RECORD_ALERT)
		return err_set(ei, ERR_PROTO,
			       "the proxy refused us with a TLS alert: is its "
			       "secret right?");
	if ((n > 0 && p[0] != type) || (n > 1 && p[1] != 3) ||
	    (n > 2 && p[2] != 3))
		return err_set(ei, ERR_PROTO,
			       "not a proxy's TLS record (type %u)", p[0]);
	if (n >= RECORD_HEAD &&
	    ((unsigned int)p[3] << 8 | p[4]) > FAKETLS_RECORD_MAX)
		return err_set(ei, ERR_PROTO, "TLS record of %u bytes",
			       (unsigned int)p[3] << 8 | p[4]);
	return ERR_OK;
}

/* The answer's own random is the proof over ours and the rest of it. */
static enum err check_proof(const struct faketls *f, const uint8_t *p,
			    size_t len, struct err_info *ei)
{
	uint8_t want[SHA_256_LEN];
	struct buf whole;
	enum err rc;

	buf_init(&whole, sizeof(f->random) + len);
	rc = buf_append(&whole, f->random, sizeof(f->random));
	if (!rc)
		rc = buf_append(&whole, p, len);
	if (!rc) {
		memset(buf_head(&whole) + sizeof(f->random) + FAKETLS_RANDOM_AT,
		       0, SHA_256_LEN);
		rc = sha_256_hmac(f->secret->key, sizeof(f->secret->key),
				  buf_head(&whole), buf_len(&whole), want);
	}
	buf_deinit(&whole);
	if (rc)
		return err_set(ei, rc, "check the proxy's hello");
	if (!secret_memeq(want, p + FAKETLS_RANDOM_AT, sizeof(want)))
		return err_set(ei, ERR_PROTO,
			       "the proxy does not know the secret");
	return ERR_OK;
}

/* ServerHello, change_cipher_spec, and a first record of data: all or nothing. */
static enum err take_hello(struct faketls *f, bool *ret_more,
			   struct err_info *ei)
{
	static const uint8_t types[] = { RECORD_HANDSHAKE, RECORD_CIPHER_SPEC,
					 RECORD_DATA };
	const uint8_t *p = buf_head(&f->in);
	size_t n = buf_len(&f->in), at = 0;
	enum err rc;

	*ret_more = false;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t len;

		rc = check_head(p + at, n - at, types[i], ei);
		if (rc)
			return rc;
		len = record_len(p + at, n - at);
		if (!len)
			return ERR_OK;
		if (i == 0 && len < FAKETLS_RANDOM_AT + SHA_256_LEN)
			return err_set(ei, ERR_PROTO, "ServerHello too short");
		if (i == 1 && (len != sizeof(cipher_spec) ||
			       memcmp(p + at, cipher_spec, len) != 0))
			return err_set(ei, ERR_PROTO,
				       "change_cipher_spec is malformed");
		at += len;
	}
	rc = check_proof(f, p, at, ei);
	if (rc)
		return rc;
	buf_consume(&f->in, at);
	f->state = OPEN;
	*ret_more = true;
	return ERR_OK;
}

static enum err take_record(struct faketls *f, struct buf *plain,
			    bool *ret_more, struct err_info *ei)
{
	const uint8_t *p = buf_head(&f->in);
	size_t len;
	enum err rc;

	rc = check_head(p, buf_len(&f->in), RECORD_DATA, ei);
	if (rc)
		return rc;
	len = record_len(p, buf_len(&f->in));
	*ret_more = len > 0;
	if (!len)
		return ERR_OK;
	rc = buf_append(plain, p + RECORD_HEAD, len - RECORD_HEAD);
	if (rc)
		return err_set(ei, rc, "a TLS record");
	buf_consume(&f->in, len);
	return ERR_OK;
}

enum err faketls_feed(struct faketls *f, const void *data, size_t len,
		      struct buf *plain, struct err_info *ei)
{
	bool more = true;
	enum err rc;

	BUG_ON(f->state == NEW || len > FAKETLS_FEED_MAX);
	if (f->state == BROKEN)
		return err_set(ei, ERR_PROTO, "the stream was broken before");
	rc = buf_append(&f->in, data, len);
	if (rc)
		rc = err_set(ei, rc, "bytes of a proxy");
	while (!rc && more && buf_len(&f->in) > 0)
		rc = f->state == OPEN ? take_record(f, plain, &more, ei)
				      : take_hello(f, &more, ei);
	if (rc)
		f->state = BROKEN;
	buf_drained(&f->in);
	return rc;
}

/* ---- out */

enum err faketls_send(struct faketls *f, const void *data, size_t len,
		      struct buf *out, struct err_info *ei)
{
	const uint8_t *p = data;
	enum err rc = ERR_OK;

	BUG_ON(f->state != OPEN && f->state != BROKEN);
	if (f->state == BROKEN)
		return err_set(ei, ERR_PROTO, "the stream was broken before");
	if (!f->spoke)
		rc = buf_append(out, cipher_spec, sizeof(cipher_spec));
	f->spoke = true;
	while (!rc && len > 0) {
		size_t n = len < SEND_MAX ? len : SEND_MAX;
		const uint8_t head[RECORD_HEAD] = { RECORD_DATA, 3, 3,
						    (uint8_t)(n >> 8),
						    (uint8_t)n };

		rc = buf_append(out, head, sizeof(head));
		if (!rc)
			rc = buf_append(out, p, n);
		p += n;
		len -= n;
	}
	if (!rc)
		return ERR_OK;
	f->state = BROKEN; /* part of a record may be out */
	return err_set(ei, rc, "a TLS record");
}
