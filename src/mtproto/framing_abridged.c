/* SPDX-License-Identifier: MIT */
/*
 * Abridged: the length in 4-byte words, in one byte or, after 7f, in three.  The
 * top bit of the first byte asks for (client) or begins (server) a quick ack.
 */
#include "mtproto/framing.h"

#define LONG_FORM 0x7fU
#define TOP_BIT 0x80U

static uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

enum err framing_abridged_parse(const uint8_t *p, size_t n,
				const struct framing_limits *lim,
				struct framing_frame *ret, struct err_info *ei)
{
	struct framing_frame f = { .off = 1 };

	*ret = f;
	if (n < 1)
		return ERR_OK;
	if (!lim->server && (p[0] & TOP_BIT)) {
		if (n >= 4)
			*ret = (struct framing_frame){ .total = 4,
						       .quick_ack = true,
						       .token = get_be32(p) };
		return ERR_OK;
	}
	f.wants_quick_ack = p[0] & TOP_BIT;
	f.len = p[0] & ~TOP_BIT;
	if (f.len == LONG_FORM) {
		if (n < 4)
			return ERR_OK;
		f.len = (size_t)p[1] | (size_t)p[2] << 8 | (size_t)p[3] << 16;
		f.off = 4;
	}
	f.len *= 4;
	if (f.len == 0)
		return err_set(ei, ERR_PROTO, "abridged packet of no bytes");
	if (f.len > lim->max_packet)
		return err_set(ei, ERR_TOOBIG,
			       "abridged packet of %zu bytes, limit is %zu",
			       f.len, lim->max_packet);
	if (n - f.off < f.len)
		return ERR_OK;
	f.total = f.off + f.len;
	*ret = f;
	return ERR_OK;
}

size_t framing_abridged_head(uint8_t head[FRAMING_HEAD_MAX], size_t len)
{
	size_t words = len / 4;

	if (words < LONG_FORM) {
		head[0] = (uint8_t)words;
		return 1;
	}
	head[0] = LONG_FORM;
	head[1] = (uint8_t)words;
	head[2] = (uint8_t)(words >> 8);
	head[3] = (uint8_t)(words >> 16);
	return 4;
}
