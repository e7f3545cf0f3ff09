/* SPDX-License-Identifier: MIT */
/*
 * A ClientHello (RFC 8446, section 4.1.2) with the extensions, their order and
 * the total length common among browsers, GREASE (RFC 8701) included.  A real
 * public key is in it: half of all random numbers are not on the curve, and an
 * observer can tell.
 */
#include <string.h>

#include "crypto/sealbox.h"
#include "mtproto/faketls_int.h"

#define HELLO_LEN 517U /* padded to this, as long as the domain lets it */
#define GREASE_COUNT 5

enum extension {
	EXT_SERVER_NAME = 0x0000,
	EXT_STATUS_REQUEST = 0x0005,
	EXT_GROUPS = 0x000a,
	EXT_POINT_FORMATS = 0x000b,
	EXT_SIGNATURES = 0x000d,
	EXT_ALPN = 0x0010,
	EXT_CERT_TIMESTAMP = 0x0012,
	EXT_PADDING = 0x0015,
	EXT_MASTER_SECRET = 0x0017,
	EXT_COMPRESS_CERT = 0x001b,
	EXT_TICKET = 0x0023,
	EXT_VERSIONS = 0x002b,
	EXT_PSK_MODES = 0x002d,
	EXT_KEY_SHARE = 0x0033,
	EXT_RENEGOTIATION = 0xff01,
};

struct hello {
	struct buf *out;
	struct rnd *rnd;
	uint8_t grease[GREASE_COUNT];
	enum err rc;
};

static void put(struct hello *h, const void *data, size_t len)
{
	if (!h->rc)
		h->rc = buf_append(h->out, data, len);
}

static void put_u16(struct hello *h, unsigned int v)
{
	const uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(h, b, sizeof(b));
}

static void put_zeros(struct hello *h, size_t n)
{
	static const uint8_t zeros[64];

	for (; n > 0 && !h->rc; n -= n < sizeof(zeros) ? n : sizeof(zeros))
		put(h, zeros, n < sizeof(zeros) ? n : sizeof(zeros));
}

static void put_random(struct hello *h, size_t n)
{
	uint8_t b[32];

	rnd_fill(h->rnd, b, n);
	put(h, b, n);
}

static void put_grease(struct hello *h, int which)
{
	put_u16(h, h->grease[which] * 0x101U);
}

/* A length of 16 bits to be known later. */
static size_t open_len(struct hello *h)
{
	put_u16(h, 0);
	return buf_len(h->out);
}

static void close_len(struct hello *h, size_t at)
{
	size_t len = buf_len(h->out) - at;
	uint8_t *p;

	if (h->rc)
		return;
	p = buf_head(h->out) + at;
	p[-2] = (uint8_t)(len >> 8);
	p[-1] = (uint8_t)len;
}

static void put_ext(struct hello *h, unsigned int id, const void *data,
		    size_t len)
{
	put_u16(h, id);
	put_u16(h, (unsigned int)len);
	put(h, data, len);
}

#define PUT_EXT(h, id, ...)                                                    \
	do {                                                                   \
		static const uint8_t ext_bytes[] = { __VA_ARGS__ };            \
		put_ext(h, id, ext_bytes, sizeof(ext_bytes));                  \
	} while (0)

static void choose_grease(struct hello *h)
{
	rnd_fill(h->rnd, h->grease, sizeof(h->grease));
	for (int i = 0; i < GREASE_COUNT; i++)
		h->grease[i] = (h->grease[i] & 0xf0) | 0x0a;
	/* the two extensions must not be the same one */
	if (h->grease[2] == h->grease[3])
		h->grease[3] ^= 0x10;
}

static void put_server_name(struct hello *h, const char *domain)
{
	size_t ext, list, name;

	put_u16(h, EXT_SERVER_NAME);
	ext = open_len(h);
	list = open_len(h);
	put(h, "", 1); /* host_name */
	name = open_len(h);
	put(h, domain, strlen(domain));
	close_len(h, name);
	close_len(h, list);
	close_len(h, ext);
}

static void put_key_share(struct hello *h)
{
	uint8_t scalar[SEALBOX_SECRET_LEN], key[SEALBOX_PUBLIC_LEN];
	struct secret secret;

	rnd_fill(h->rnd, scalar, sizeof(scalar));
	if (!h->rc)
		h->rc = secret_init(&secret, scalar, sizeof(scalar));
	secret_wipe(scalar, sizeof(scalar));
	if (h->rc)
		return;
	h->rc = sealbox_public(&secret, key);
	secret_deinit(&secret);
	put_u16(h, EXT_KEY_SHARE);
	put_u16(h, 43);
	put_u16(h, 41);
	put_grease(h, 1);
	put(h, "\0\1", 3); /* one byte: 0 */
	put(h, "\0\x1d\0\x20", 4);
	put(h, key, sizeof(key));
}

static void put_groups(struct hello *h)
{
	put_u16(h, EXT_GROUPS);
	put_u16(h, 10);
	put_u16(h, 8);
	put_grease(h, 1);
	put(h, "\0\x1d\0\x17\0\x18", 6); /* x25519, P-256, P-384 */
}

static void put_versions(struct hello *h)
{
	put_u16(h, EXT_VERSIONS);
	put_u16(h, 7);
	put(h, "\6", 1);
	put_grease(h, 4);
	put(h, "\3\4\3\3", 4);
}

static void put_extensions(struct hello *h, const char *domain)
{
	put_grease(h, 2);
	put_u16(h, 0);
	put_server_name(h, domain);
	put_ext(h, EXT_MASTER_SECRET, "", 0);
	PUT_EXT(h, EXT_RENEGOTIATION, 0);
	put_groups(h);
	PUT_EXT(h, EXT_POINT_FORMATS, 1, 0);
	put_ext(h, EXT_TICKET, "", 0);
	PUT_EXT(h, EXT_ALPN, 0, 12, 2, 'h', '2', 8, 'h', 't', 't', 'p', '/',
		'1', '.', '1');
	PUT_EXT(h, EXT_STATUS_REQUEST, 1, 0, 0, 0, 0);
	PUT_EXT(h, EXT_SIGNATURES, 0, 16, 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8,
		6, 6, 1);
	put_ext(h, EXT_CERT_TIMESTAMP, "", 0);
	put_key_share(h);
	PUT_EXT(h, EXT_PSK_MODES, 1, 1);
	put_versions(h);
	PUT_EXT(h, EXT_COMPRESS_CERT, 2, 0, 2); /* brotli */
	put_grease(h, 3);
	put(h, "\0\1", 3); /* one byte: 0 */
}

static void put_ciphers(struct hello *h)
{
	static const uint8_t ciphers[] = {
		0x13, 0x01, 0x13, 0x02, 0x13, 0x03, 0xc0, 0x2b, 0xc0, 0x2f,
		0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9, 0xcc, 0xa8, 0xc0, 0x13,
		0xc0, 0x14, 0x00, 0x9c, 0x00, 0x9d, 0x00, 0x2f, 0x00, 0x35,
	};

	put_u16(h, sizeof(ciphers) + 2);
	put_grease(h, 0);
	put(h, ciphers, sizeof(ciphers));
}

enum err faketls_hello_put(struct buf *out, const char *domain, struct rnd *rnd)
{
	struct hello h = { .out = out, .rnd = rnd };
	size_t start = buf_len(out), record, body, exts, len;

	choose_grease(&h);
	put(&h, "\x16\3\1", 3);
	record = open_len(&h);
	put(&h, "\1", 2); /* client_hello; its length has 24 bits */
	body = open_len(&h);
	put(&h, "\3\3", 2);
	put_zeros(&h, 32);
	put(&h, "\x20", 1);
	put_random(&h, 32);
	put_ciphers(&h);
	put(&h, "\1", 2); /* no compression */
	exts = open_len(&h);
	put_extensions(&h, domain);
	len = buf_len(out) - start;
	if (len + 4 < HELLO_LEN) {
		put_u16(&h, EXT_PADDING);
		put_u16(&h, (unsigned int)(HELLO_LEN - 4 - len));
		put_zeros(&h, HELLO_LEN - 4 - len);
	}
	close_len(&h, exts);
	close_len(&h, body);
	close_len(&h, record);
	if (h.rc)
		out->len = out->pos + start;
	return h.rc;
}
