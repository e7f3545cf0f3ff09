/* SPDX-License-Identifier: MIT */
/*
 * Bytes as a packet (refused), as the inside of a well-sealed packet with
 * chosen lengths, as a container, as gzip_packed, as the proof that binds a key.
 */
#include <stdlib.h>
#include <string.h>

#include "mtproto/bytes.h"
#include "mtproto/container.h"
#include "mtproto/envelope.h"
#include "mtproto/gzip.h"
#include "mtproto/tempbind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void as_packet(const struct authkey *key, const uint8_t *data,
		      size_t len)
{
	struct envelope_msg msg;
	uint8_t *copy = malloc(len + 1);

	if (!copy)
		return;
	memcpy(copy, data, len);
	if (len >= 8)
		bytes_put_u64(copy, key->id);
	if (!envelope_open(key, ENVELOPE_FROM_SERVER, copy, len, &msg, NULL))
		abort(); /* SHA-256 was broken */
	free(copy);
}

static void as_binding(const struct authkey *key, const uint8_t *data,
		       size_t len)
{
	uint8_t sealed[TEMPBIND_SEALED_LEN] = { 0 };
	struct tempbind b;

	if (!tempbind_open(key, data, len, &b, NULL))
		abort(); /* SHA-1 was broken */
	memcpy(sealed, data, len < sizeof(sealed) ? len : sizeof(sealed));
	bytes_put_u64(sealed, key->id);
	if (!tempbind_open(key, sealed, sizeof(sealed), &b, NULL))
		abort();
}

static void as_container(const uint8_t *data, size_t len)
{
	struct container it;
	struct container_msg msg;
	uint32_t sum = 0;

	if (container_open(&it, data, len, NULL))
		return;
	while (container_next(&it, &msg))
		for (size_t i = 0; i < msg.len; i++)
			sum += msg.body[i];
	if (sum == 0xdeadbeef)
		abort(); /* reads every byte */
}

static void as_gzip(const uint8_t *data, size_t len)
{
	struct buf out;
	enum err rc;

	buf_init(&out, 1U << 20);
	rc = gzip_unpack(data, len, &out, NULL);
	if (rc && buf_len(&out) > 0)
		abort();
	buf_reset(&out);
	rc = gzip_inflate(data, len, &out, NULL);
	if (!rc && buf_len(&out) > GZIP_FREE &&
	    buf_len(&out) > len * GZIP_RATIO_MAX)
		abort();
	buf_deinit(&out);
}

static void as_plain(const uint8_t *data, size_t len)
{
	const uint8_t *body;
	uint64_t msg_id;
	size_t body_len;

	if (!envelope_plain_open(data, len, &msg_id, &body, &body_len, NULL) &&
	    (body + body_len != data + len || body_len % 4 != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t bytes[AUTHKEY_LEN] = { 9 };
	struct authkey key;

	if (authkey_init(&key, bytes))
		return 0;
	as_packet(&key, data, len);
	as_container(data, len);
	as_gzip(data, len);
	as_plain(data, len);
	as_binding(&key, data, len);
	authkey_deinit(&key);
	return 0;
}
