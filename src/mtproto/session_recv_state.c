/* SPDX-License-Identifier: MIT */
/*
 * msgs_state_req: which of its messages do we have?
 * msgs_state_info: which of our queries does the server have?
 * msgs_all_info: the same unasked for.
 */
#include "mtproto/service.h"
#include "mtproto/session_int.h"
#include "tl/cursor.h"

enum state {
	STATE_FORGOTTEN = 1, /* too old to tell */
	STATE_MISSING = 2,
	STATE_FUTURE = 3,
	STATE_RECEIVED = 4,
};

static uint8_t state_of(const struct session *s, uint64_t msg_id)
{
	if (msg_id <= s->seen.floor)
		return STATE_FORGOTTEN;
	return seenids_has(&s->seen, msg_id) ? STATE_RECEIVED : STATE_MISSING;
}

static enum err answer(struct session *s, uint64_t req_id,
		       struct tl_reader *ids, uint32_t n)
{
	uint8_t states[SESSION_ACKS_MAX];
	struct tl_writer w;
	struct buf body;
	enum err rc;

	for (uint32_t i = 0; i < n; i++)
		states[i] = state_of(s, (uint64_t)cursor_get_i64(ids));
	buf_init(&body, SESSION_ACKS_MAX + 64);
	cursor_write(&w, &body);
	cursor_put_u32(&w, SERVICE_MSGS_STATE_INFO);
	cursor_put_i64(&w, (int64_t)req_id);
	cursor_put_bytes(&w, states, n);
	rc = w.rc;
	if (!rc)
		rc = session_reply(s, &body);
	buf_deinit(&body);
	return rc;
}

enum err session_recv_state_req(struct session *s, const struct session_in *in,
				struct err_info *ei)
{
	struct tl_reader r;
	uint32_t n;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	n = cursor_get_vector(&r, 8);
	if (r.rc || n > SESSION_ACKS_MAX || cursor_left(&r) != (size_t)n * 8)
		return err_set(ei, ERR_PROTO, "msgs_state_req is malformed");
	rc = answer(s, in->msg_id, &r, n);
	return rc ? err_set(ei, rc, "msgs_state_info") : ERR_OK;
}

enum err session_recv_state_info(struct session *s, const struct session_in *in,
				 struct err_info *ei)
{
	struct tl_reader r;
	struct tl_bytes info;
	uint64_t req_id;
	enum err rc;

	cursor_read(&r, in->body + 4, in->len - 4);
	req_id = (uint64_t)cursor_get_i64(&r);
	info = cursor_get_bytes(&r);
	rc = cursor_finish(&r);
	if (rc)
		return err_set(ei, rc, "msgs_state_info is malformed");
	for (uint32_t i = 0; i < s->queries.n; i++) {
		struct rpcq_item *item = s->queries.items[i];

		if (req_id == 0 || item->state_req_id != req_id ||
		    item->state_index >= info.len)
			continue;
		if ((info.data[item->state_index] & 7) >= STATE_RECEIVED)
			item->acked = true;
		else
			rpcq_requeue_item(item);
	}
	return ERR_OK;
}

/* Only good news is believed: what is missing will be asked about anyway. */
enum err session_recv_all_info(struct session *s, const struct session_in *in,
			       struct err_info *ei)
{
	struct tl_reader r, ids;
	struct tl_bytes info;
	uint32_t n;

	cursor_read(&r, in->body + 4, in->len - 4);
	n = cursor_get_vector(&r, 8);
	ids = r;
	if (!r.rc && n <= SESSION_ACKS_MAX)
		(void)cursor_get_raw(&r, (size_t)n * 8);
	info = cursor_get_bytes(&r);
	if (cursor_finish(&r) || n > SESSION_ACKS_MAX || info.len != n)
		return err_set(ei, ERR_PROTO, "msgs_all_info is malformed");
	for (uint32_t i = 0; i < n; i++) {
		uint64_t id = (uint64_t)cursor_get_i64(&ids);
		struct rpcq_item *item = rpcq_by_msg(&s->queries, id);

		if (item && item->msg_id == id && item->in_flight &&
		    (info.data[i] & 7) >= STATE_RECEIVED)
			item->acked = true;
	}
	return ERR_OK;
}
