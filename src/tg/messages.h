/* SPDX-License-Identifier: MIT */
/*
 * Messages: sending, changing, fetching.
 *
 * Every call ends in one ENGINE_ANSWER with the tag of `ask`; what it brings is
 * said with each.  Chats are numbered as in tg/engine.h, 0 is the account itself.
 * A random_id is the caller's name for one message: the same again sends nothing
 * twice.
 *
 * Nothing goes to a person in private who has not written to the account first:
 * ERR_FORBIDDEN.
 *
 *   owner     nothing; a call is copied
 *   memory    none
 *   threads   none
 *   failure   ERR_INVALID for what Telegram would refuse, ERR_NOTFOUND for a
 *             chat the account never met, ERR_FLOOD with the seconds to wait
 */
#ifndef TG_MESSAGES_H
#define TG_MESSAGES_H

#include "tg/engine.h"

#define MESSAGES_IDS_MAX 100U /* forwarded, deleted or fetched in one call */
#define MESSAGES_ALBUM_MAX 10U
#define MESSAGES_PAGE_MAX 100

struct messages_to {
	int64_t peer;
	int32_t reply_to; /* a message of this chat; 0: none */
	int32_t topic;	  /* of a forum; 0: none */
	bool silent, no_webpage;
};

struct messages_ids {
	const int32_t *v;
	size_t n;
};

/* ---- the answer is Updates: engine_message_id(answer, random_id) */

enum err messages_send(struct engine *e, const struct engine_ask *ask,
		       const struct messages_to *to, const char *text,
		       int64_t random_id, struct err_info *ei);
/* Text as Telegram gave it, with what is in it (bold, links, ...). */
struct messages_text {
	const uint8_t *data;
	size_t len;
	const struct tlv_any *entities; /* or NULL */
};
enum err messages_send_text(struct engine *e, const struct engine_ask *ask,
			    const struct messages_to *to,
			    const struct messages_text *text, int64_t random_id,
			    struct err_info *ei);
enum err messages_edit(struct engine *e, const struct engine_ask *ask,
		       int64_t peer, int32_t id, const char *text,
		       struct err_info *ei);

/* One file with its words; `media` is what tlt_InputMedia points to. */
struct messages_media {
	const struct tlt_InputMedia *media;
	struct messages_text caption;
	int64_t random_id;
};
/* Several of them are an album. */
enum err messages_send_media(struct engine *e, const struct engine_ask *ask,
			     const struct messages_to *to,
			     const struct messages_media *media, size_t n,
			     struct err_info *ei);

struct messages_forward {
	int64_t from;
	struct messages_ids ids;
	const int64_t *random_ids; /* one for each */
	bool drop_author, drop_captions;
};
/* reply_to of `to` is not used. */
enum err messages_forward(struct engine *e, const struct engine_ask *ask,
			  const struct messages_to *to,
			  const struct messages_forward *what,
			  struct err_info *ei);

/* ---- messages.AffectedMessages */

/* `revoke`: for all, not only for the account; in channels always. */
enum err messages_delete(struct engine *e, const struct engine_ask *ask,
			 int64_t peer, const struct messages_ids *ids,
			 bool revoke, struct err_info *ei);
/* Up to max_id; of a channel the answer is a Bool. */
enum err messages_read(struct engine *e, const struct engine_ask *ask,
		       int64_t peer, int32_t max_id, struct err_info *ei);

/* ---- messages.Messages */

struct messages_page {
	int32_t offset_id; /* older than this; 0: from the newest */
	int32_t min_id;	   /* newer than this; 0: no end */
	int32_t limit;	   /* 1 to MESSAGES_PAGE_MAX */
};
enum err messages_history(struct engine *e, const struct engine_ask *ask,
			  int64_t peer, const struct messages_page *page,
			  struct err_info *ei);
/* topic 0: the whole chat. */
enum err messages_search(struct engine *e, const struct engine_ask *ask,
			 const struct messages_to *where, const char *words,
			 const struct messages_page *page, struct err_info *ei);
/* What is gone comes as messageEmpty. */
enum err messages_get(struct engine *e, const struct engine_ask *ask,
		      int64_t peer, const struct messages_ids *ids,
		      struct err_info *ei);

/* ---- Bool */

/* "... is typing", for six seconds. */
enum err messages_typing(struct engine *e, const struct engine_ask *ask,
			 const struct messages_to *to, struct err_info *ei);

#endif /* TG_MESSAGES_H */
