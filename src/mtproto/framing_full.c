/* SPDX-License-Identifier: MIT */
/*
 * Full: length of everything, packet number, payload, CRC32 of all before it.
 */
#include <zlib.h>

#include "mtproto/bytes.h"
#include "mtproto/framing.h"

#define HEAD 8U
#define TAIL 4U

enum err framing_full_parse(const uint8_t *p, size_t n,
			    const struct framing_limits *lim,
			    struct framing_frame *ret, struct err_info *ei)
{
	uint32_t size, seq, crc, want;

	*ret = (struct framing_frame){ 0 };
	if (n < 4)
		return ERR_OK;
	size = bytes_get_u32(p);
	if (size < HEAD + 4 + TAIL || size % 4 != 0)
		return err_set(ei, ERR_PROTO, "full packet of %u bytes", size);
	if (size - HEAD - TAIL > lim->max_packet)
		return err_set(ei, ERR_TOOBIG,
			       "full packet of %u bytes, limit is %zu", size,
			       lim->max_packet);
	if (n < HEAD)
		return ERR_OK;
	seq = bytes_get_u32(p + 4);
	if (seq != lim->seq)
		return err_set(ei, ERR_PROTO, "full packet number %u, not %u",
			       seq, lim->seq);
	if (n < size)
		return ERR_OK;
	crc = bytes_get_u32(p + size - TAIL);
	want = framing_full_crc(p, HEAD, p + HEAD, size - HEAD - TAIL);
	if (crc != want)
		return err_set(ei, ERR_PROTO, "full packet: CRC32 is wrong");
	*ret = (struct framing_frame){ .total = size,
				       .off = HEAD,
				       .len = size - HEAD - TAIL };
	return ERR_OK;
}

size_t framing_full_head(uint8_t head[FRAMING_HEAD_MAX], size_t len,
			 uint32_t seq)
{
	bytes_put_u32(head, (uint32_t)(len + HEAD + TAIL));
	bytes_put_u32(head + 4, seq);
	return HEAD;
}

uint32_t framing_full_crc(const uint8_t *head, size_t head_len,
			  const uint8_t *data, size_t len)
{
	uLong crc = crc32_z(0, head, head_len);

	return (uint32_t)crc32_z(crc, data, len);
}
