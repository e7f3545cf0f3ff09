/* SPDX-License-Identifier: MIT */
/*
 * future_salts: kept, the earliest few, so that a change of salt costs nothing.
 */
#include "mtproto/session_int.h"
#include "tl/cursor.h"

#define FUTURE_SALTS_MAX 64U
#define SALT_BYTES 16U

/* By the beginning of their validity. */
static void keep(struct session *s, const struct session_salt *salt)
{
	uint8_t at = s->nsalts;

	while (at > 0 && s->salts[at - 1].since > salt->since)
		at--;
	if (at >= SESSION_SALTS_MAX)
		return;
	if (s->nsalts < SESSION_SALTS_MAX)
		s->nsalts++;
	for (uint8_t i = (uint8_t)(s->nsalts - 1); i > at; i--)
		s->salts[i] = s->salts[i - 1];
	s->salts[at] = *salt;
}

enum err session_recv_salts(struct session *s, const struct session_in *in,
			    struct err_info *ei)
{
	int64_t sec = session_time(s, in->now).us / US_PER_SEC;
	struct tl_reader r;
	uint32_t n;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	(void)cursor_get_i64(&r); /* req_msg_id */
	(void)cursor_get_i32(&r); /* now */
	n = cursor_get_count(&r, SALT_BYTES);
	if (r.rc || n > FUTURE_SALTS_MAX ||
	    cursor_left(&r) != (size_t)n * SALT_BYTES)
		return err_set(ei, ERR_PROTO, "future_salts is malformed");
	s->nsalts = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct session_salt salt;

		salt.since = cursor_get_i32(&r);
		salt.until = cursor_get_i32(&r);
		salt.salt = (uint64_t)cursor_get_i64(&r);
		if (salt.until > sec)
			keep(s, &salt);
	}
	rc = cursor_finish(&r);
	return rc ? err_set(ei, rc, "future_salts is malformed") : ERR_OK;
}
