/* SPDX-License-Identifier: MIT */
/*
 * msg_container: several messages in one, for both sides.
 *
 *	rc = container_open(&it, body, len, ei);	body begins with the id
 *	while (!rc && container_next(&it, &msg))
 *		...
 *
 * container_open() checks the whole thing (count, sizes, no container inside, no
 * rest), so nothing of a malformed container is ever handled.
 *
 *   memory    none; messages point into the body
 */
#ifndef MTPROTO_CONTAINER_H
#define MTPROTO_CONTAINER_H

#include "base/buf.h"

#define CONTAINER_MESSAGES_MAX 1020U
#define CONTAINER_ITEM_HEAD 16U /* msg_id, seq_no, length */
#define CONTAINER_HEAD 8U	/* constructor, count */

struct container_msg {
	uint64_t msg_id;
	uint32_t seq_no;
	const uint8_t *body;
	size_t len;
};

struct container {
	const uint8_t *at, *end;
	uint32_t left;
};

enum err container_open(struct container *it, const uint8_t *body, size_t len,
			struct err_info *ei);
bool container_next(struct container *it, struct container_msg *ret);

/* Writing: the head, then each message. */
enum err container_put_head(struct buf *out, uint32_t count);
enum err container_put(struct buf *out, const struct container_msg *msg);

#endif /* MTPROTO_CONTAINER_H */
