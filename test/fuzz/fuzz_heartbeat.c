/* SPDX-License-Identifier: MIT */
/*
 * What nodes and servers send each other.  Whatever decodes must encode, and
 * decode to the same bytes again.
 */
#include <string.h>

#include "base/bug.h"
#include "wire/wire_beat.h"
#include "wire/wire_enroll.h"
#include "wire/wire_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(struct buf *from, struct buf *to)
{
	buf_reset(to);
	BUG_ON(buf_append(to, buf_head(from), buf_len(from)) != ERR_OK);
	buf_reset(from);
}

static void beat(const uint8_t *data, size_t size, struct arena *a)
{
	struct wire_beat b;
	struct buf one, two;

	if (wire_beat_decode(data, size, a, &b, NULL))
		return;
	buf_init(&one, WIRE_BODY_MAX * 4);
	buf_init(&two, WIRE_BODY_MAX * 4);
	BUG_ON(wire_beat_encode(&b, &one) != ERR_OK);
	take(&one, &two);
	BUG_ON(wire_beat_decode(buf_head(&two), buf_len(&two), a, &b, NULL) !=
	       ERR_OK);
	BUG_ON(wire_beat_encode(&b, &one) != ERR_OK);
	BUG_ON(buf_len(&one) != buf_len(&two) ||
	       memcmp(buf_head(&one), buf_head(&two), buf_len(&one)) != 0);
	buf_deinit(&one);
	buf_deinit(&two);
}

static void answer(const uint8_t *data, size_t size, struct arena *a)
{
	struct wire_answer ans;
	struct buf out;

	if (wire_answer_decode(data, size, a, &ans, NULL))
		return;
	buf_init(&out, WIRE_BODY_MAX * 4);
	BUG_ON(wire_answer_encode(&ans, &out) != ERR_OK);
	BUG_ON(wire_answer_decode(buf_head(&out), buf_len(&out), a, &ans,
				  NULL) != ERR_OK);
	buf_deinit(&out);
}

static void others(const uint8_t *data, size_t size, struct arena *a)
{
	struct wire_session s;
	struct wire_enroll e;
	struct wire_enrolled d;

	if (!wire_session_decode(data, size, a, &s, NULL)) {
		BUG_ON(s.auth_key.len != WIRE_AUTH_KEY_BYTES);
		wire_session_deinit(&s);
	}
	if (!wire_enroll_decode(data, size, a, &e, NULL))
		BUG_ON(!e.join_token || !e.node_name);
	if (!wire_enrolled_decode(data, size, a, &d, NULL))
		BUG_ON(!d.node_id || d.lease_ttl_ms <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;

	arena_init(&a, 64U << 20);
	beat(data, size, &a);
	answer(data, size, &a);
	others(data, size, &a);
	arena_deinit(&a);
	return 0;
}
