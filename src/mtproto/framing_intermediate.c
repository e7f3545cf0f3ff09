/* SPDX-License-Identifier: MIT */
/*
 * Intermediate: a 4-byte length.  Its top bit asks for a quick ack (client) or
 * says that these four bytes are one (server).  Padded intermediate differs only
 * in what the payload is followed by; transport.c takes that off.
 */
#include "mtproto/bytes.h"
#include "mtproto/framing.h"

enum err framing_intermediate_parse(const uint8_t *p, size_t n,
				    const struct framing_limits *lim,
				    struct framing_frame *ret,
				    struct err_info *ei)
{
	struct framing_frame f = { .off = 4 };
	uint32_t word;

	*ret = f;
	if (n < 4)
		return ERR_OK;
	word = bytes_get_u32(p);
	if (!lim->server && (word & FRAMING_QUICK_ACK)) {
		*ret = (struct framing_frame){ .total = 4,
					       .quick_ack = true,
					       .token = word };
		return ERR_OK;
	}
	f.wants_quick_ack = word & FRAMING_QUICK_ACK;
	f.len = word & ~FRAMING_QUICK_ACK;
	if (f.len < 4)
		return err_set(ei, ERR_PROTO, "packet of %zu bytes", f.len);
	if (f.len > lim->max_packet)
		return err_set(ei, ERR_TOOBIG,
			       "packet of %zu bytes, limit is %zu", f.len,
			       lim->max_packet);
	if (n - f.off < f.len)
		return ERR_OK;
	f.total = f.off + f.len;
	*ret = f;
	return ERR_OK;
}

size_t framing_intermediate_head(uint8_t head[FRAMING_HEAD_MAX], size_t len)
{
	bytes_put_u32(head, (uint32_t)len);
	return 4;
}
