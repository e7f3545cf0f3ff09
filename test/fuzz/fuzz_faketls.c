/* SPDX-License-Identifier: MIT */
/*
 * Any bytes from a fake-TLS proxy.  The first byte says whether they follow a
 * hello that proves the secret, so that records are reached; then what comes out
 * must not depend on how the stream was cut, and is never more than went in.
 * The same bytes are also tried as the text of a secret.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/sha.h"
#include "mtproto/faketls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define RANDOM_AT 11

static const struct proxy_secret secret = { .kind = PROXY_SECRET_TLS,
					    .key = { 1, 2, 3 },
					    .domain = "example.com" };

static void must(enum err rc)
{
	if (rc)
		abort();
}

/* The shortest answer that is one. */
static void prove(struct faketls *f, const uint8_t *hello)
{
	static const uint8_t head[] = { 0x16, 3, 3, 0, 38 };
	static const uint8_t tail[] = { 0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, 0 };
	uint8_t all[32 + 43 + sizeof(tail)] = { 0 };
	struct buf plain;

	memcpy(all, hello + RANDOM_AT, 32);
	memcpy(all + 32, head, sizeof(head));
	memcpy(all + 32 + 43, tail, sizeof(tail));
	must(sha_256_hmac(secret.key, sizeof(secret.key), all, sizeof(all),
			  all + 32 + RANDOM_AT));
	buf_init(&plain, 16);
	must(faketls_feed(f, all + 32, sizeof(all) - 32, &plain, NULL));
	if (!faketls_is_open(f) || buf_len(&plain))
		abort();
}

static enum err run(bool proven, const uint8_t *data, size_t len, size_t chunk,
		    struct buf *plain)
{
	struct rnd_seeded rnd;
	struct faketls f;
	struct buf hello;
	enum err rc = ERR_OK;

	rnd_seeded_init(&rnd, 5);
	buf_init(&hello, 4096);
	faketls_init(&f, &secret, &rnd.rnd);
	must(faketls_start(&f, wall_from_sec(1790000000), &hello, NULL));
	if (proven)
		prove(&f, buf_head(&hello));
	for (size_t at = 0; at < len && !rc; at += chunk) {
		size_t n = chunk < len - at ? chunk : len - at;

		rc = faketls_feed(&f, data + at, n, plain, NULL);
	}
	if (!proven && faketls_is_open(&f))
		abort(); /* nobody guesses the proof */
	faketls_deinit(&f);
	buf_deinit(&hello);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct proxy_secret s;
	struct buf whole, cut;
	bool proven;

	if (len < 1 || len > 1 << 17)
		return 0;
	if (!proxy_secret_parse((const char *)data, len, &s, NULL) &&
	    memchr(s.domain, 0, sizeof(s.domain)) == NULL)
		abort();
	proven = data[0] & 1;
	buf_init(&whole, 1 << 18);
	buf_init(&cut, 1 << 18);
	if (run(proven, data + 1, len - 1, len, &whole) !=
		    run(proven, data + 1, len - 1, 1 + data[0] / 2, &cut) ||
	    buf_len(&whole) != buf_len(&cut) || buf_len(&whole) >= len ||
	    (buf_len(&whole) &&
	     memcmp(buf_head(&whole), buf_head(&cut), buf_len(&whole)) != 0))
		abort();
	buf_deinit(&whole);
	buf_deinit(&cut);
	return 0;
}
