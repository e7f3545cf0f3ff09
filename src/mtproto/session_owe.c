/* SPDX-License-Identifier: MIT */
/*
 * What incoming messages leave us owing: acknowledgements and replies.
 */
#include <stdlib.h>

#include "mtproto/bytes.h"
#include "mtproto/session_int.h"
#include "tl/cursor.h"

enum err session_reply(struct session *s, const struct buf *body)
{
	uint8_t head[4];
	enum err rc;

	/* Both or neither: a length without its bytes would be garbage. */
	if (buf_len(body) + sizeof(head) >
	    s->replies.max - buf_len(&s->replies))
		return ERR_TOOBIG;
	bytes_put_u32(head, (uint32_t)buf_len(body));
	rc = buf_append(&s->replies, head, sizeof(head));
	if (rc)
		return rc;
	rc = buf_append(&s->replies, buf_head(body), buf_len(body));
	if (rc) {
		s->replies.len -= sizeof(head);
		return rc;
	}
	s->nreplies++;
	return ERR_OK;
}

enum err session_reply_id(struct session *s, uint32_t constructor, bool vector,
			  uint64_t id)
{
	struct tl_writer w;
	struct buf body;
	enum err rc;

	buf_init(&body, 64);
	cursor_write(&w, &body);
	cursor_put_u32(&w, constructor);
	if (vector)
		cursor_put_vector(&w, 1);
	cursor_put_i64(&w, (int64_t)id);
	rc = w.rc;
	if (!rc)
		rc = session_reply(s, &body);
	buf_deinit(&body);
	return rc;
}

static bool acks_grow(struct session *s)
{
	uint32_t cap = s->acks_cap ? s->acks_cap * 2 : 2;
	uint64_t *acks;

	if (s->nacks < s->acks_cap)
		return true;
	if (s->nacks >= SESSION_ACKS_MAX)
		return false;
	acks = realloc(s->acks, cap * sizeof(*acks));
	if (!acks)
		return false;
	s->acks = acks;
	s->acks_cap = cap;
	return true;
}

/* What cannot be remembered is not acked: the server will send it again. */
void session_ack(struct session *s, struct mono now, uint64_t msg_id)
{
	if (!acks_grow(s))
		return;
	if (s->nacks == 0)
		s->ack_due = mono_add(now, SESSION_ACK_DELAY_US);
	s->acks[s->nacks++] = msg_id;
}

enum err session_refused(struct session *s, struct err_info *ei)
{
	if (s->refused < SESSION_REFUSED_MAX) {
		s->refused++;
		return ERR_OK;
	}
	return err_set(ei, ERR_PROTO,
		       "%u messages in a row were refused by the server",
		       s->refused);
}
