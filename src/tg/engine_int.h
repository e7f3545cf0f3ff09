/* SPDX-License-Identifier: MIT */
/*
 * Inside the engine.
 *
 *	engine.c          life, bytes in and out, events of the session
 *	engine_calls.c    the requests we make
 *	engine_answers.c  what they are answered
 *	engine_flood.c    calls under way, and those that have to wait
 *	engine_input.c    whom a call may go to
 *	engine_keys.c     temporary keys
 *	engine_updates.c  what comes: updates, differences
 *	engine_message.c  what one update says to others
 */
#ifndef TG_ENGINE_INT_H
#define TG_ENGINE_INT_H

#include "tg/engine.h"
#include "tl/tl_wanted.h"

#define ENGINE_ARENA_MAX (32U << 20) /* one decoded answer */
#define ENGINE_OPEN_US (INT64_C(30) * US_PER_SEC)

/* Tags of our own queries; a channel's difference is CHANNEL | id. */
#define ENGINE_TAG_SELF (UINT64_C(1) << 60)
#define ENGINE_TAG_STATE (UINT64_C(2) << 60)
#define ENGINE_TAG_DIFF (UINT64_C(3) << 60)
#define ENGINE_TAG_CHANNEL (UINT64_C(4) << 60)
#define ENGINE_TAG_CONFIG (UINT64_C(14) << 60)
#define ENGINE_TAG_KIND(tag) ((tag) & (UINT64_C(15) << 60))
#define ENGINE_TAG_ID(tag) ((tag) & ((UINT64_C(1) << 60) - 1))

/* engine.c */
enum err engine_emit(struct engine *e, const struct engine_event *ev);
/* What the handlers found, and what is to be done next. */
enum err engine_finish(struct engine *e, enum err rc, struct err_info *ei);

/* engine_keys.c: the session's key, straight or through pfs.h */
enum err engine_keys_set(struct engine *e, const uint8_t key[AUTHKEY_LEN]);
void engine_keys_deinit(struct engine *e);
enum err engine_keys_connected(struct engine *e, struct err_info *ei);
void engine_keys_disconnected(struct engine *e);
enum err engine_keys_recv(struct engine *e, uint8_t *packet, size_t len,
			  struct err_info *ei);
/* True: it was about a temporary key and nobody else need know. */
bool engine_keys_event(struct engine *e, const struct session_event *ev);
/* Why the connection is of no use any more. */
enum err engine_keys_verdict(const struct engine *e, struct err_info *ei);
enum err engine_keys_tick(struct engine *e, struct err_info *ei);
struct mono engine_keys_deadline(const struct engine *e);
/* The next packet, whoever has one. */
enum err engine_keys_next_packet(struct engine *e, struct buf *out,
				 bool *ret_has, struct err_info *ei);

/* engine_calls.c */
enum err engine_ask_self(struct engine *e, struct err_info *ei);
enum err engine_ask_state(struct engine *e, struct err_info *ei);
/* Whatever differences are due. */
enum err engine_ask_differences(struct engine *e, struct err_info *ei);

/* What a call says, for an answer that does not repeat it. */
struct engine_said {
	int32_t reply_to;
	size_t len;
	uint8_t text[];
};

/* A call under way. */
struct engine_call {
	uint64_t tag;
	int64_t peer;  /* whose wait it is if Telegram answers with one */
	uint64_t name; /* peers_name_hash() of who is looked for; 0: nobody */
	struct engine_said *said; /* of messages.sendMessage */
	uint16_t function;	  /* TLN_*; 0: no such call */
	bool sent;		  /* on this connection */
	uint8_t tries;		  /* after errors of the server's */
	uint8_t why; /* enum err: we took it back, for this reason */
};

/* engine_answers.c: the end of a call of others', told as ENGINE_ANSWER. */
enum err engine_answered(struct engine *e, const struct engine_call *c,
			 const uint8_t *data, size_t len, struct err_info *ei);
void engine_unanswered(struct engine *e, const struct engine_call *c,
		       enum err rc, const struct rpcerr *err);

/* engine_flood.c: the flood book is asked before a call, told of each error. */
struct wall engine_server_now(const struct engine *e);
enum err engine_call_begin(struct engine *e, const struct engine_request *q,
			   struct err_info *ei);
/* It looks for the name with this hash. */
void engine_call_about(struct engine *e, uint64_t tag, uint64_t name);
/* It is over; what it was, the caller's to drop. */
void engine_call_drop(struct engine_call *c);
struct engine_call engine_call_end(struct engine *e, uint64_t tag);
enum err engine_call_refused(struct engine *e, uint64_t tag,
			     const struct rpcerr *err, struct err_info *ei);
/* Before packets are made: what became forbidden while queued ends. */
void engine_calls_hold(struct engine *e);
/* After it: counts what went out all the same. */
void engine_calls_sent(struct engine *e);
/* Is it to be sent again after this error, and when? */
bool engine_call_again(struct engine *e, uint64_t tag, const struct rpcerr *err,
		       struct mono *ret_at);
/* The connection is about to be given up: what must not be sent twice ends. */
void engine_calls_break(struct engine *e);
/* On losing the connection: keeps those the session will send again. */
void engine_calls_forget(struct engine *e);
/* The same for our own: they are made anew, by what is known then. */
void engine_calls_cancel_own(struct engine *e);
void engine_calls_deinit(struct engine *e);

/* engine_input.c: users and chats of whatever was read. */
void engine_note_peers(struct engine *e, const struct tlt_any *obj);
/* Messages of an answer show who has written. */
void engine_note_messages(struct engine *e, const struct tlv_Message *v);
/* What no call may do, whoever makes it (mission/boundaries.md, 5). */
enum err engine_check_rules(const struct engine *e,
			    const struct engine_request *q,
			    struct err_info *ei);

/* engine_message.c: an Update, or an Updates that is one itself; its position
 * aside.  An error: the consumer did not take it. */
enum err engine_tell_update(struct engine *e, const struct tlt_any *any);
enum err engine_tell_message(struct engine *e, const struct tlt_Message *m,
			     enum engine_message_kind kind);
int64_t engine_peer_id(const struct tlt_Peer *p);

/* engine_updates.c: the answers' bytes; ERR_PROTO if they make no sense. */
enum err engine_on_self(struct engine *e, const uint8_t *data, size_t len,
			struct err_info *ei);
enum err engine_on_state(struct engine *e, const uint8_t *data, size_t len,
			 struct err_info *ei);
enum err engine_on_updates(struct engine *e, const uint8_t *data, size_t len,
			   struct err_info *ei);
enum err engine_on_difference(struct engine *e, const uint8_t *data, size_t len,
			      struct err_info *ei);
enum err engine_on_channel(struct engine *e, int64_t channel_id,
			   const uint8_t *data, size_t len,
			   struct err_info *ei);
/* The same of Updates read already, NULL: that could not be read. */
enum err engine_take_updates(struct engine *e, const struct tlt_Updates *u,
			     struct err_info *ei);
/* updateShortSentMessage: a message of ours, of which only we know the text. */
enum err engine_take_sent(struct engine *e, const struct engine_call *c,
			  const struct tlc_updateShortSentMessage *d,
			  struct err_info *ei);
/* Answers that are no updates, but move pts or say where a channel is. */
enum err engine_count(struct engine *e, const struct engine_call *c,
		      const struct engine_answer *a, struct err_info *ei);
/* Tells the position if it moved. */
void engine_tell_position(struct engine *e);

#endif /* TG_ENGINE_INT_H */
