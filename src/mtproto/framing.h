/* SPDX-License-Identifier: MIT */
/*
 * How each transport marks packets in a stream.  Pure functions used by
 * transport.c: parse looks at the bytes held, head writes what goes in front.
 */
#ifndef MTPROTO_FRAMING_H
#define MTPROTO_FRAMING_H

#include "base/err.h"

#define FRAMING_HEAD_MAX 8U
#define FRAMING_QUICK_ACK 0x80000000U

struct framing_frame {
	size_t total;	 /* bytes of the stream it takes; 0: feed me more */
	size_t off, len; /* the payload within */
	uint32_t token;
	bool quick_ack; /* not a packet: token only */
	bool wants_quick_ack;
};

struct framing_limits {
	size_t max_packet;
	uint32_t seq; /* full: the number the next packet must have */
	bool server;
};

enum err framing_abridged_parse(const uint8_t *p, size_t n,
				const struct framing_limits *lim,
				struct framing_frame *ret, struct err_info *ei);
enum err framing_intermediate_parse(const uint8_t *p, size_t n,
				    const struct framing_limits *lim,
				    struct framing_frame *ret,
				    struct err_info *ei);
enum err framing_full_parse(const uint8_t *p, size_t n,
			    const struct framing_limits *lim,
			    struct framing_frame *ret, struct err_info *ei);

/* Returns how many bytes of head were written. */
size_t framing_abridged_head(uint8_t head[FRAMING_HEAD_MAX], size_t len);
size_t framing_intermediate_head(uint8_t head[FRAMING_HEAD_MAX], size_t len);
size_t framing_full_head(uint8_t head[FRAMING_HEAD_MAX], size_t len,
			 uint32_t seq);
/* The checksum that ends a full packet. */
uint32_t framing_full_crc(const uint8_t *head, size_t head_len,
			  const uint8_t *data, size_t len);

#endif /* MTPROTO_FRAMING_H */
