/* SPDX-License-Identifier: MIT */
#include "mtproto/container.h"

#include "mtproto/bytes.h"
#include "mtproto/service.h"

static enum err check_item(const uint8_t *p, size_t left, struct err_info *ei)
{
	uint32_t len;

	if (left < CONTAINER_ITEM_HEAD + 4)
		return err_set(ei, ERR_PROTO, "container is cut short");
	len = bytes_get_u32(p + 12);
	if (len < 4 || len % 4 != 0)
		return err_set(ei, ERR_PROTO,
			       "message of %u bytes in a container", len);
	if (len > left - CONTAINER_ITEM_HEAD)
		return err_set(ei, ERR_PROTO,
			       "message of %u bytes reaches out of its "
			       "container",
			       len);
	if (bytes_get_u32(p + CONTAINER_ITEM_HEAD) == SERVICE_MSG_CONTAINER)
		return err_set(ei, ERR_PROTO, "container inside a container");
	return ERR_OK;
}

enum err container_open(struct container *it, const uint8_t *body, size_t len,
			struct err_info *ei)
{
	const uint8_t *p, *end = body + len;
	uint32_t count;
	enum err rc;

	if (len < CONTAINER_HEAD)
		return err_set(ei, ERR_PROTO, "container without a count");
	count = bytes_get_u32(body + 4);
	if (count > CONTAINER_MESSAGES_MAX)
		return err_set(ei, ERR_PROTO, "container of %u messages",
			       count);
	p = body + CONTAINER_HEAD;
	for (uint32_t i = 0; i < count; i++) {
		rc = check_item(p, (size_t)(end - p), ei);
		if (rc)
			return rc;
		p += CONTAINER_ITEM_HEAD + bytes_get_u32(p + 12);
	}
	if (p != end)
		return err_set(ei, ERR_PROTO, "%zu bytes behind a container",
			       (size_t)(end - p));
	*it = (struct container){ body + CONTAINER_HEAD, end, count };
	return ERR_OK;
}

bool container_next(struct container *it, struct container_msg *ret)
{
	const uint8_t *p = it->at;

	if (it->left == 0)
		return false;
	*ret = (struct container_msg){
		.msg_id = bytes_get_u64(p),
		.seq_no = bytes_get_u32(p + 8),
		.body = p + CONTAINER_ITEM_HEAD,
		.len = bytes_get_u32(p + 12),
	};
	it->at = ret->body + ret->len;
	it->left--;
	return true;
}

enum err container_put_head(struct buf *out, uint32_t count)
{
	uint8_t head[CONTAINER_HEAD];

	bytes_put_u32(head, SERVICE_MSG_CONTAINER);
	bytes_put_u32(head + 4, count);
	return buf_append(out, head, sizeof(head));
}

enum err container_put(struct buf *out, const struct container_msg *msg)
{
	uint8_t head[CONTAINER_ITEM_HEAD];
	enum err rc;

	bytes_put_u64(head, msg->msg_id);
	bytes_put_u32(head + 8, msg->seq_no);
	bytes_put_u32(head + 12, (uint32_t)msg->len);
	rc = buf_append(out, head, sizeof(head));
	if (rc)
		return rc;
	return buf_append(out, msg->body, msg->len);
}
