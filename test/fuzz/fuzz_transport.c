/* SPDX-License-Identifier: MIT */
/*
 * Any bytes into a server's transport (or, by the first byte, a client's): what
 * comes out must not depend on how they were cut.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtproto/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct digest {
	uint64_t hash;
	size_t packets;
	enum err rc;
};

static void mix(struct digest *d, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		d->hash = (d->hash ^ data[i]) * 0x100000001b3U;
}

static void take_all(struct transport *t, struct digest *d)
{
	struct transport_packet p;
	bool has = true;

	for (;;) {
		d->rc = transport_next(t, &p, &has, NULL);
		if (d->rc || !has)
			return;
		d->packets++;
		mix(d, (const uint8_t *)&p.type, sizeof(p.type));
		mix(d, (const uint8_t *)&p.code, sizeof(p.code));
		if (p.len > 0)
			mix(d, p.data, p.len);
	}
}

static struct digest run(uint8_t mode, const uint8_t *data, size_t len,
			 size_t chunk)
{
	struct transport_config cfg = { .kind = TRANSPORT_ABRIDGED + mode % 4,
					.max_packet = 4096 };
	struct digest d = { .hash = 1 };
	struct rnd_seeded rnd;
	struct transport t;

	rnd_seeded_init(&rnd, 1);
	if (mode & 0x80)
		transport_init_client(&t, &cfg, &rnd.rnd);
	else
		transport_init_server(&t, &cfg, &rnd.rnd);
	for (size_t at = 0; at < len && !d.rc; at += chunk) {
		size_t n = chunk < len - at ? chunk : len - at;

		d.rc = transport_feed(&t, data + at, n, NULL);
		if (!d.rc)
			take_all(&t, &d);
	}
	transport_deinit(&t);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const size_t chunks[] = { 1, 7, 64 };
	struct digest whole;

	if (len < 2 || len > TRANSPORT_FEED_MAX)
		return 0;
	whole = run(data[0], data + 1, len - 1, len);
	for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
		struct digest d = run(data[0], data + 1, len - 1, chunks[i]);

		if (d.hash != whole.hash || d.packets != whole.packets ||
		    d.rc != whole.rc)
			abort();
	}
	return 0;
}
