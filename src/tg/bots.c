/* SPDX-License-Identifier: MIT */
#include "tg/bots.h"

#include <string.h>

#include "tg/engine_input.h"

enum err bots_press(struct engine *e, const struct engine_ask *ask,
		    const struct bots_button *b, struct err_info *ei)
{
	struct tlf_messages_getBotCallbackAnswer f = { .msg_id = b->message_id,
						       .has_data = b->len,
						       .data = { b->data,
								 b->len } };
	struct engine_input in;
	enum err rc;

	if (b->len > BOTS_DATA_MAX)
		return err_set(ei, ERR_INVALID,
			       "a button carries up to %d bytes",
			       BOTS_DATA_MAX);
	rc = engine_input_peer(e, b->peer, &in, ei);
	if (rc)
		return rc;
	f.peer = in.peer;
	return engine_make(e, ask, TLN_messages_getBotCallbackAnswer, &f, in.id,
			   ei);
}

enum err bots_answer(struct engine *e, const struct engine_ask *ask,
		     const struct bots_reply *r, struct err_info *ei)
{
	const char *text = r->text ? r->text : "";
	const struct tlf_messages_setBotCallbackAnswer f = {
		.query_id = r->query_id,
		.alert = r->alert,
		.has_message = text[0],
		.message = { (const uint8_t *)text, strlen(text) },
		.cache_time = r->cache_s,
	};

	if (f.message.len > 4U * BOTS_TEXT_MAX)
		return err_set(ei, ERR_INVALID,
			       "a button is answered with up to %d characters",
			       BOTS_TEXT_MAX);
	return engine_make(e, ask, TLN_messages_setBotCallbackAnswer, &f, 0,
			   ei);
}
