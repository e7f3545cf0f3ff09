/* SPDX-License-Identifier: MIT */
/*
 * The small readers: numbers, durations, times, codecs, addresses, URLs, ids.
 * What was read and is written is read the same; nothing is read beyond its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/walltime.h"
#include "http/urlcode.h"
#include "net/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TEXT_MAX 4096

static void numbers(const char *text)
{
	char again[32];
	struct wall t;
	uint64_t u, v;
	int64_t i, k;

	if (!text_u64(text, &u)) {
		snprintf(again, sizeof(again), "%llu", (unsigned long long)u);
		if (text_u64(again, &v) || u != v)
			abort();
	}
	if (!text_i64(text, &i)) {
		snprintf(again, sizeof(again), "%lld", (long long)i);
		if (text_i64(again, &k) || i != k)
			abort();
	}
	if (!text_duration_us(text, &i) && i < 0)
		abort();
	(void)!text_size(text, &u);
	if (!walltime_parse(text, &t) && t.us < 0)
		abort();
}

static void codecs(const char *text, size_t len)
{
	uint8_t raw[TEXT_MAX];
	char again[TEXT_B64_LEN(TEXT_MAX) + 1];
	size_t n;

	for (int kind = TEXT_B64_STD; kind <= TEXT_B64_URL_PAD; kind++) {
		if (text_unb64(raw, sizeof(raw), &n, text, len,
			       (enum text_b64)kind))
			continue;
		if (text_b64(again, raw, n, (enum text_b64)kind) != len ||
		    memcmp(again, text, len) != 0)
			abort(); /* two texts for the same bytes */
	}
	(void)!text_unhex(raw, len / 2, text, len);
	(void)text_utf8_valid(text, len);
}

static void addresses(const char *text)
{
	char again[ADDR_TEXT_MAX];
	struct addr_host host;
	struct addr a, b;

	if (!addr_parse(text, &a, NULL)) {
		addr_format(&a, again);
		if (addr_parse(again, &b, NULL) || !addr_same_ip(&a, &b) ||
		    a.port != b.port)
			abort();
	}
	if (!addr_parse_host(text, &host, NULL) && !host.host[0])
		abort();
}

static void urls(const char *text, size_t len)
{
	char plain[TEXT_MAX + 1], again[TEXT_MAX + 1], id[65], user[512];
	const char *name, *password;
	struct urlcode_pair p;
	size_t n, m, pos = 0;
	struct buf b;

	buf_init(&b, 4 * TEXT_MAX);
	if (!urlcode_decode(plain, &n, text, len, false)) {
		if (urlcode_encode(&b, plain, n) ||
		    urlcode_decode(again, &m, (const char *)buf_head(&b),
				   buf_len(&b), false) ||
		    n != m || memcmp(plain, again, n) != 0)
			abort();
	}
	buf_deinit(&b);
	while (urlcode_next(text, len, &pos, &p))
		if (p.name < text || p.value + p.value_len > text + len)
			abort();
	if (!urlcode_basic(text, user, sizeof(user), &name, &password) &&
	    (!memchr(name, 0, sizeof(user)) || !memchr(password, 0, 512)))
		abort();
	(void)urlcode_bearer(text);
	if (!text_account_id(text, id, sizeof(id)) &&
	    (text_account_id(id, again, sizeof(id)) || strcmp(id, again) != 0))
		abort();
	text_mask_phone(text, id, sizeof(id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text;

	if (len > TEXT_MAX)
		return 0;
	text = malloc(len + 1);
	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	numbers(text);
	codecs(text, len);
	addresses(text);
	urls(text, len);
	free(text);
	return 0;
}
