/* SPDX-License-Identifier: MIT */
/*
 * Chats: found by name, joined, left, listed, looked at.
 *
 * Calls as in tg/messages.h: one ENGINE_ANSWER each, of the type named here.
 * What an answer says of users and chats is in the book of peers before it is
 * told.
 *
 *   owner     nothing; a call is copied
 *   memory    none
 *   threads   none
 *   failure   ERR_INVALID, ERR_NOTFOUND, ERR_FLOOD with the seconds to wait
 */
#ifndef TG_CHATS_H
#define TG_CHATS_H

#include "tg/engine.h"

#define CHATS_PAGE_MAX 100
#define CHATS_INVITE_MAX 64

/*
 * The number of who has this username ("@name" or "name").  Telegram limits
 * asking more than anything else, so nothing is asked that is known: then *ret_id
 * is set, and no answer comes; else it is 0 and contacts.ResolvedPeer does.
 * ERR_NOTFOUND: nobody has it, as was found out a while ago.
 */
enum err chats_resolve(struct engine *e, const struct engine_ask *ask,
		       const char *name, int64_t *ret_id, struct err_info *ei);
/* The number in such an answer; 0: none. */
int64_t chats_resolved(const struct engine_answer *a);

/* A channel or supergroup known by now (chats_resolve()): Updates. */
enum err chats_join(struct engine *e, const struct engine_ask *ask,
		    int64_t peer, struct err_info *ei);
/*
 * By invite: "https://t.me/+HASH", "t.me/joinchat/HASH", "tg://join?invite=HASH"
 * or the hash itself.  check: ChatInvite; join: Updates.
 */
enum err chats_check_invite(struct engine *e, const struct engine_ask *ask,
			    const char *invite, struct err_info *ei);
enum err chats_join_invite(struct engine *e, const struct engine_ask *ask,
			   const char *invite, struct err_info *ei);
/* Updates. */
enum err chats_leave(struct engine *e, const struct engine_ask *ask,
		     int64_t peer, struct err_info *ei);

/* messages.Dialogs; the next page begins where the last one ended. */
struct chats_page {
	int32_t offset_date, offset_id;
	int64_t offset_peer; /* 0: from the newest */
	int32_t limit;	     /* 1 to CHATS_PAGE_MAX */
};
enum err chats_list(struct engine *e, const struct engine_ask *ask,
		    const struct chats_page *page, struct err_info *ei);

/* messages.ChatFull, and what of it matters to who wants to write there. */
struct chats_facts {
	int64_t id;
	int32_t slowmode_s;	/* between two messages; 0: none */
	int32_t next_send_date; /* not before; 0: now */
	bool noforwards, broadcast, forum, left;
	bool may_send;	     /* text, by the rights Telegram told */
	bool may_send_media; /* photos and files */
};
enum err chats_full(struct engine *e, const struct engine_ask *ask,
		    int64_t peer, struct err_info *ei);
/* False: not an answer to chats_full(). */
bool chats_facts(const struct engine_answer *a, struct chats_facts *ret);

/* Topics of a forum: messages.ForumTopics. */
struct chats_topics {
	int32_t offset_date, offset_id, offset_topic;
	int32_t limit; /* 1 to CHATS_PAGE_MAX */
};
enum err chats_topics(struct engine *e, const struct engine_ask *ask,
		      int64_t peer, const struct chats_topics *page,
		      struct err_info *ei);

#endif /* TG_CHATS_H */
