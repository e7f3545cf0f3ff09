/* SPDX-License-Identifier: MIT */
/*
 * Inside the engine.
 *
 *	engine.c          life, bytes in and out, events of the session
 *	engine_calls.c    the requests we make
 *	engine_flood.c    calls under way, and those that have to wait
 *	engine_updates.c  what comes: updates, differences, messages
 */
#ifndef TG_ENGINE_INT_H
#define TG_ENGINE_INT_H

#include "tg/engine.h"

#define ENGINE_ARENA_MAX (32U << 20) /* one decoded answer */
#define ENGINE_CALL_US (INT64_C(60) * US_PER_SEC)

/* Tags of our own queries; a channel's difference is CHANNEL | id. */
#define ENGINE_TAG_SELF (UINT64_C(1) << 60)
#define ENGINE_TAG_STATE (UINT64_C(2) << 60)
#define ENGINE_TAG_DIFF (UINT64_C(3) << 60)
#define ENGINE_TAG_CHANNEL (UINT64_C(4) << 60)
#define ENGINE_TAG_KIND(tag) ((tag) & (UINT64_C(15) << 60))
#define ENGINE_TAG_ID(tag) ((tag) & ((UINT64_C(1) << 60) - 1))

#define ENGINE_CHANNEL_BASE INT64_C(1000000000000)

/* engine.c */
enum err engine_emit(struct engine *e, const struct engine_event *ev);

/* engine_calls.c */
enum err engine_ask_self(struct engine *e, struct err_info *ei);
enum err engine_ask_state(struct engine *e, struct err_info *ei);
/* Whatever differences are due. */
enum err engine_ask_differences(struct engine *e, struct err_info *ei);

/* engine_flood.c: the flood book is asked before a call, told of each error. */
enum err engine_call_begin(struct engine *e, uint64_t tag, uint16_t function,
			   int64_t peer, struct err_info *ei);
/* True: it was not Telegram's end, but ours, as it has to wait: ERR_FLOOD. */
bool engine_call_end(struct engine *e, uint64_t tag);
enum err engine_call_refused(struct engine *e, uint64_t tag,
			     const struct rpcerr *err, struct err_info *ei);
/* Before packets are made: what became forbidden while queued ends. */
void engine_calls_hold(struct engine *e);
/* After it: counts what went out all the same. */
void engine_calls_sent(struct engine *e);
/* On losing the connection: keeps those the session will send again. */
void engine_calls_forget(struct engine *e);
void engine_calls_deinit(struct engine *e);

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
/* The id of the message an answer to sendMessage tells of; 0 if none. */
int32_t engine_sent_id(const uint8_t *data, size_t len);
/* Tells the position if it moved. */
void engine_tell_position(struct engine *e);

#endif /* TG_ENGINE_INT_H */
