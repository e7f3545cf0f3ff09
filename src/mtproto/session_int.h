/* SPDX-License-Identifier: MIT */
/* What the session_*.c files share. */
#ifndef MTPROTO_SESSION_INT_H
#define MTPROTO_SESSION_INT_H

#include "mtproto/session.h"

#define SESSION_WINDOW_PAST_SEC 300
#define SESSION_WINDOW_AHEAD_SEC 30
#define SESSION_STRIKES_MAX 8U	 /* then the clock must be wrong */
#define SESSION_TRIES_MAX 8U	 /* sendings of one query on bad_msg */
#define SESSION_REFUSED_MAX 100U /* refusals without a good answer */
#define SESSION_QUERY_MAX (1U << 20)
#define SESSION_PING_EVERY_US (60 * US_PER_SEC)
#define SESSION_PING_WAIT_US (20 * US_PER_SEC)
#define SESSION_PING_DISCONNECT_SEC 75
#define SESSION_ACK_DELAY_US (10 * US_PER_SEC)
#define SESSION_ACKS_FLUSH 64U /* that many do not wait */
#define SESSION_STATE_AFTER_US (15 * US_PER_SEC)
#define SESSION_GZIP_FROM 1024U /* shorter queries are not worth packing */

/* One incoming message; body begins with the constructor (len >= 4). */
struct session_in {
	struct mono now;
	uint64_t msg_id;
	uint32_t seq_no;
	const uint8_t *body;
	size_t len;
	bool in_container, in_gzip, in_copy;
};

/* Handlers, one file each. */
enum err session_recv_acks(struct session *s, const struct session_in *in,
			   struct err_info *ei);
enum err session_recv_all_info(struct session *s, const struct session_in *in,
			       struct err_info *ei);
enum err session_recv_bad_msg(struct session *s, const struct session_in *in,
			      struct err_info *ei);
enum err session_recv_bad_salt(struct session *s, const struct session_in *in,
			       struct err_info *ei);
enum err session_recv_container(struct session *s, const struct session_in *in,
				struct err_info *ei);
enum err session_recv_copy(struct session *s, const struct session_in *in,
			   struct err_info *ei);
enum err session_recv_destroyed(struct session *s, const struct session_in *in,
				struct err_info *ei);
enum err session_recv_detailed(struct session *s, const struct session_in *in,
			       struct err_info *ei);
enum err session_recv_gzip(struct session *s, const struct session_in *in,
			   struct err_info *ei);
enum err session_recv_new_detailed(struct session *s,
				   const struct session_in *in,
				   struct err_info *ei);
enum err session_recv_new_session(struct session *s,
				  const struct session_in *in,
				  struct err_info *ei);
enum err session_recv_http_wait(struct session *s, const struct session_in *in,
				struct err_info *ei);
enum err session_recv_key_destroyed(struct session *s,
				    const struct session_in *in,
				    struct err_info *ei);
enum err session_recv_ping(struct session *s, const struct session_in *in,
			   struct err_info *ei);
enum err session_recv_pong(struct session *s, const struct session_in *in,
			   struct err_info *ei);
enum err session_recv_resend(struct session *s, const struct session_in *in,
			     struct err_info *ei);
enum err session_recv_result(struct session *s, const struct session_in *in,
			     struct err_info *ei);
enum err session_recv_salts(struct session *s, const struct session_in *in,
			    struct err_info *ei);
enum err session_recv_state_info(struct session *s, const struct session_in *in,
				 struct err_info *ei);
enum err session_recv_state_req(struct session *s, const struct session_in *in,
				struct err_info *ei);

/* One whole message, after the checks of its envelope. */
enum err session_handle(struct session *s, const struct session_in *in,
			struct err_info *ei);
/* Parity and repetition; *ret_fresh: false means it was handled before. */
enum err session_admit(struct session *s, const struct session_in *in,
		       bool *ret_fresh, struct err_info *ei);

/* ---- session_bind.c */
void session_bind_drop(struct session *s);
/* The request for this msg_id, into the item's body. */
enum err session_bind_refresh(struct session *s, struct rpcq_item *item,
			      uint64_t msg_id);
/* How the query that binds ended, told as SESSION_BOUND. */
void session_bind_ended(struct session *s, const struct session_event *ev);
/* The next to be sent; while a key is being bound that goes first, alone. */
struct rpcq_item *session_unsent(const struct session *s, struct mono now);

/* ERR_PROTO if the server refuses everything we send. */
enum err session_refused(struct session *s, struct err_info *ei);
void session_emit(struct session *s, const struct session_event *ev);
void session_set_salt(struct session *s, uint64_t salt);
/* The server's clock as a msg_id of its tells it, taken as it is. */
void session_learn_time(struct session *s, struct mono now, uint64_t msg_id);
void session_ack(struct session *s, struct mono now, uint64_t msg_id);
/* A whole service message to be sent when there is a packet. */
enum err session_reply(struct session *s, const struct buf *body);
/* rpc_drop_answer, msg_resend_req: a constructor and one id. */
enum err session_reply_id(struct session *s, uint32_t constructor, bool vector,
			  uint64_t id);
/* The item is gone after this; tells FAILED. */
void session_fail(struct session *s, struct rpcq_item *item, enum err rc);
/* The ping under way was lost. */
void session_ping_again(struct session *s, struct mono now);
uint64_t session_new_msg_id(struct session *s, struct mono now);
/* Is it time to ask what became of this query? */
bool session_state_due(const struct rpcq_item *item, struct mono now);

static inline int64_t session_msg_sec(uint64_t msg_id)
{
	return (int64_t)(msg_id >> 32);
}

#endif /* MTPROTO_SESSION_INT_H */
