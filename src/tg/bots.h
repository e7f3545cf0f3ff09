/* SPDX-License-Identifier: MIT */
/*
 * Buttons under bots' messages: pressed by people, answered by bots.
 *
 * Calls as in tg/messages.h: one ENGINE_ANSWER each.
 */
#ifndef TG_BOTS_H
#define TG_BOTS_H

#include "tg/engine.h"

#define BOTS_DATA_MAX 64  /* bytes a button carries */
#define BOTS_TEXT_MAX 200 /* characters of an answer */

/* Presses a button: messages.BotCallbackAnswer, once the bot answered. */
struct bots_button {
	int64_t peer;
	int32_t message_id;
	const void *data;
	size_t len;
};
enum err bots_press(struct engine *e, const struct engine_ask *ask,
		    const struct bots_button *b, struct err_info *ei);

/* What a bot answers to ENGINE_PRESSED: Bool. */
struct bots_reply {
	int64_t query_id;
	const char *text; /* or NULL */
	bool alert;	  /* a box, not a line */
	int32_t cache_s;  /* how long clients may keep the answer */
};
enum err bots_answer(struct engine *e, const struct engine_ask *ask,
		     const struct bots_reply *r, struct err_info *ei);

#endif /* TG_BOTS_H */
