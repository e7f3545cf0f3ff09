/* SPDX-License-Identifier: MIT */
/*
 * Incoming packets: the checks every message goes through, then its handler.
 */
#include "mtproto/bytes.h"
#include "mtproto/envelope.h"
#include "mtproto/service.h"
#include "mtproto/session_int.h"

#define WINDOW_ID(sec) ((uint64_t)(sec) << 32)

struct handler {
	uint32_t constructor;
	enum err (*fn)(struct session *s, const struct session_in *in,
		       struct err_info *ei);
};

static const struct handler handlers[] = {
	{ SERVICE_MSG_CONTAINER, session_recv_container },
	{ SERVICE_RPC_RESULT, session_recv_result },
	{ SERVICE_GZIP_PACKED, session_recv_gzip },
	{ SERVICE_MSGS_ACK, session_recv_acks },
	{ SERVICE_PONG, session_recv_pong },
	{ SERVICE_NEW_SESSION_CREATED, session_recv_new_session },
	{ SERVICE_BAD_SERVER_SALT, session_recv_bad_salt },
	{ SERVICE_BAD_MSG_NOTIFICATION, session_recv_bad_msg },
	{ SERVICE_FUTURE_SALTS, session_recv_salts },
	{ SERVICE_MSG_DETAILED_INFO, session_recv_detailed },
	{ SERVICE_MSG_NEW_DETAILED_INFO, session_recv_new_detailed },
	{ SERVICE_MSG_RESEND_REQ, session_recv_resend },
	{ SERVICE_MSGS_STATE_REQ, session_recv_state_req },
	{ SERVICE_MSGS_STATE_INFO, session_recv_state_info },
	{ SERVICE_MSGS_ALL_INFO, session_recv_all_info },
	{ SERVICE_MSG_COPY, session_recv_copy },
	{ SERVICE_DESTROY_SESSION_OK, session_recv_destroyed },
	{ SERVICE_DESTROY_SESSION_NONE, session_recv_destroyed },
	{ SERVICE_DESTROY_AUTH_KEY_OK, session_recv_key_destroyed },
	{ SERVICE_DESTROY_AUTH_KEY_NONE, session_recv_key_destroyed },
	{ SERVICE_DESTROY_AUTH_KEY_FAIL, session_recv_key_destroyed },
	{ SERVICE_PING, session_recv_ping },
	{ SERVICE_PING_DELAY_DISCONNECT, session_recv_ping },
	{ SERVICE_HTTP_WAIT, session_recv_http_wait },
};

enum err session_handle(struct session *s, const struct session_in *in,
			struct err_info *ei)
{
	uint32_t constructor = bytes_get_u32(in->body);

	for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
		if (handlers[i].constructor == constructor)
			return handlers[i].fn(s, in, ei);
	session_emit(s, &(struct session_event){ .type = SESSION_OBJECT,
						 .msg_id = in->msg_id,
						 .data = in->body,
						 .len = in->len });
	return ERR_OK;
}

enum err session_admit(struct session *s, const struct session_in *in,
		       bool *ret_fresh, struct err_info *ei)
{
	enum err rc;

	if (in->msg_id % 4 != 1 && in->msg_id % 4 != 3)
		return err_set(ei, ERR_PROTO,
			       "msg_id %016llx is not a server's",
			       (unsigned long long)in->msg_id);
	rc = seenids_add(&s->seen, in->msg_id, ret_fresh);
	if (rc)
		return err_set(ei, rc, "remember a msg_id");
	if (!*ret_fresh)
		s->stats.duplicates++;
	if (in->seq_no & 1)
		session_ack(s, in->now, in->msg_id);
	return ERR_OK;
}

/* *ret_in: is the message within the window, by what we know of the time? */
static void check_window(struct session *s, const struct envelope_msg *msg,
			 struct mono now, bool *ret_in)
{
	int64_t sec = session_msg_sec(msg->msg_id);
	int64_t ours;

	*ret_in = true;
	if (!s->time_known)
		session_learn_time(s, now, msg->msg_id);
	ours = session_time(s, now).us / US_PER_SEC;
	if (sec < ours - SESSION_WINDOW_PAST_SEC ||
	    sec > ours + SESSION_WINDOW_AHEAD_SEC) {
		*ret_in = false;
		return;
	}
	/* Delays only make a message look older: ahead of us is nearer. */
	if (sec > ours)
		session_learn_time(s, now, msg->msg_id);
}

static enum err recv_message(struct session *s, const struct envelope_msg *msg,
			     struct mono now, struct err_info *ei)
{
	struct session_in in = { now, msg->msg_id, msg->seq_no, msg->body,
				 msg->body_len };
	int64_t oldest;
	bool inside, fresh;
	enum err rc;

	if (msg->msg_id % 4 != 1 && msg->msg_id % 4 != 3)
		return err_set(ei, ERR_PROTO,
			       "msg_id %016llx is not a server's",
			       (unsigned long long)msg->msg_id);
	check_window(s, msg, now, &inside);
	if (!inside) {
		s->stats.out_of_window++;
		if (++s->strikes < SESSION_STRIKES_MAX)
			return ERR_OK;
		return err_set(ei, ERR_PROTO,
			       "%u messages in a row outside the time window",
			       s->strikes);
	}
	s->strikes = 0;
	rc = session_admit(s, &in, &fresh, ei);
	if (rc || !fresh)
		return rc;
	s->last_recv = now;
	oldest = session_time(s, now).us / US_PER_SEC - SESSION_WINDOW_PAST_SEC;
	if (oldest > 0)
		seenids_forget(&s->seen, WINDOW_ID(oldest));
	return session_handle(s, &in, ei);
}

enum err session_recv(struct session *s, uint8_t *packet, size_t len,
		      struct mono now, struct err_info *ei)
{
	struct envelope_msg msg;
	enum err rc;

	rc = envelope_open(&s->key, ENVELOPE_FROM_SERVER, packet, len, &msg,
			   ei);
	if (rc)
		return rc;
	if (msg.session_id == s->session_id)
		return recv_message(s, &msg, now, ei);
	s->stats.other_session++;
	if (s->old_session_id != 0 && msg.session_id == s->old_session_id)
		return ERR_OK; /* still under way when we began anew */
	return err_set(ei, ERR_PROTO, "message of another session");
}
