/* SPDX-License-Identifier: MIT */
/*
 * The emulator's world: who exists and what was said.  Nothing here knows TL,
 * connections or a database.
 *
 * Every user owns a box: messages numbered from 1 (the numbers of two users for
 * the same message differ, as on Telegram) and a log of events.  An event moves
 * the user's pts by one, so the log *is* the answer to updates.getDifference.
 * Peers are "marked": a user's id as it is, a basic group's id negated.
 *
 * Whatever changes is told to the observer in the order it happened; the store
 * writes it down and the server pushes it.
 *
 *   owner     the data centre embeds it
 *   memory    everything stays; limits below, ERR_TOOBIG above them
 *   threads   none
 *   time      given by the caller (seconds since 1970)
 */
#ifndef DC_WORLD_H
#define DC_WORLD_H

#include "dc/imap.h"

#define WORLD_NAME_MAX 64
#define WORLD_TITLE_MAX 128
#define WORLD_USERNAME_MAX 32
#define WORLD_PHONE_MAX 15
#define WORLD_TEXT_MAX 16384 /* bytes: 4096 characters */
#define WORLD_MEMBERS_MAX 200
#define WORLD_USERS_MAX 1000000U
#define WORLD_BOX_MAX 10000000U
#define WORLD_FIRST_PTS 1
#define WORLD_SALT_MAX 128
#define WORLD_HINT_MAX 128
#define WORLD_TOKEN_MAX 64

enum world_kind {
	WORLD_TEXT,
	WORLD_CHAT_CREATE,    /* text = title */
	WORLD_CHANNEL_CREATE, /* text = title */
	WORLD_JOINED,	      /* by a link or a name; text = inviter's id */
	WORLD_ADDED,	      /* text = the ids, comma separated */
};

/* What a message may carry besides its text. */
struct world_extra {
	int64_t fwd_from; /* marked peer; 0 = no forward */
	int32_t fwd_date, fwd_post;
	int64_t grouped_id; /* album; 0 = none */
	int64_t file_id;    /* 0 = none */
	int64_t reply_to;   /* body id; 0 = none */
};

/* What was said, shared by the boxes of all who can read it. */
struct world_body {
	int64_t id;
	int64_t from; /* user id */
	int32_t date;
	enum world_kind kind;
	uint32_t refs;
	int32_t edit_date; /* 0 = never */
	struct world_extra extra;
	size_t text_len;
	char *text; /* `first`, until it is edited */
	char first[];
};

struct world_msg {
	struct world_body *body;
	int64_t peer;	   /* whom it is with, from the owner's side */
	int64_t random_id; /* of the sender's own copy; 0 = none */
	int32_t id, pts;
	int32_t reply_id; /* in the same box; 0 = none */
	bool out;
};

enum world_event_kind {
	WORLD_EV_MESSAGE,  /* value = message id */
	WORLD_EV_READ_IN,  /* value = max id read by the owner */
	WORLD_EV_READ_OUT, /* value = max id read by the peer */
	WORLD_EV_EDIT,	   /* value = message id */
	WORLD_EV_DELETE,   /* value = message id */
};

struct world_event {
	enum world_event_kind kind;
	int64_t peer;
	int32_t value, pts;
};

struct world_dialog {
	int64_t peer;
	int32_t read_in, read_out, unread;
	int32_t *ids; /* ascending */
	uint32_t n, cap;
	struct imap by_random; /* random_id -> struct world_msg */
};

/* What is known of a password: enough to check it, not to say it. */
struct world_password {
	uint8_t salt1[WORLD_SALT_MAX], salt2[WORLD_SALT_MAX];
	uint32_t salt1_len, salt2_len;
	uint8_t verifier[256];
	char hint[WORLD_HINT_MAX + 1];
};

struct world_user {
	int64_t id;
	char phone[WORLD_PHONE_MAX + 1];
	char first[WORLD_NAME_MAX + 1];
	char last[WORLD_NAME_MAX + 1];
	char username[WORLD_USERNAME_MAX + 1];
	char bot_token[WORLD_TOKEN_MAX + 1]; /* "" for people */
	int home_dc;
	struct world_password *password; /* or NULL */
	struct world_msg **msgs;	 /* [id - 1] */
	uint32_t n_msgs, cap_msgs;
	struct world_event *events; /* [pts - WORLD_FIRST_PTS - 1] */
	uint32_t n_events, cap_events;
	struct imap dialogs;  /* peer -> struct world_dialog */
	struct imap channels; /* id -> struct world_channel, those joined */
};

struct world_member {
	int64_t user_id, inviter_id;
	int32_t date;
};

struct world_chat {
	int64_t id;
	int64_t creator;
	int32_t date, version;
	char title[WORLD_TITLE_MAX + 1];
	struct world_member *members;
	uint32_t n_members;
};

struct world_channel;
struct world_seat;
struct world_file;

struct world_observer {
	void (*on_user)(void *ctx, const struct world_user *u);
	void (*on_chat)(void *ctx, const struct world_chat *c);
	void (*on_body)(void *ctx, const struct world_body *b);
	void (*on_message)(void *ctx, const struct world_user *owner,
			   const struct world_msg *m);
	void (*on_read)(void *ctx, const struct world_user *owner,
			const struct world_event *e,
			const struct world_dialog *d);
	/* Edited or deleted in this box; the body was told before. */
	void (*on_change)(void *ctx, const struct world_user *owner,
			  const struct world_event *e);
	void (*on_channel)(void *ctx, const struct world_channel *c);
	/* Joined, left, promoted, banned. */
	void (*on_seat)(void *ctx, const struct world_channel *c,
			const struct world_seat *seat);
	void (*on_channel_event)(void *ctx, const struct world_channel *c,
				 const struct world_event *e);
	void (*on_file)(void *ctx, const struct world_file *f);
};

struct world {
	struct imap users; /* id -> user */
	struct imap phones;
	struct imap usernames; /* hash of the name -> user */
	struct imap chats;
	struct imap channels;
	struct imap channel_names; /* hash of the name -> channel */
	struct imap invites;	   /* hash of the link -> channel */
	struct imap files;
	int64_t next_user, next_chat, next_body, next_channel, next_file;
	uint64_t file_epoch; /* file references of another one are stale */
	uint64_t secret;     /* access hashes */
	const struct world_observer *observer;
	void *observer_ctx;
};

void world_init(struct world *w, uint64_t secret);
void world_deinit(struct world *w);

static inline int32_t world_pts(const struct world_user *u)
{
	return WORLD_FIRST_PTS + (int32_t)u->n_events;
}

/* Digits only, 5 to 15 of them; 0 if it is no phone number. */
int64_t world_phone_key(const char *phone);
struct world_user *world_user(const struct world *w, int64_t id);
struct world_user *world_user_by_phone(const struct world *w,
				       const char *phone);
struct world_user *world_user_by_name(const struct world *w, const char *name);
struct world_chat *world_chat(const struct world *w, int64_t id);
bool world_is_member(const struct world_chat *c, int64_t user_id);
/* What `viewer` must present to name `target`: differs by viewer. */
int64_t world_access_hash(const struct world *w, int64_t viewer,
			  int64_t target);

struct world_new_user {
	int64_t id; /* 0 = next free */
	const char *phone, *first, *last, *username;
	int home_dc;
};
/* ERR_DUPLICATE: phone or username taken; ERR_INVALID: bad phone or name. */
enum err world_add_user(struct world *w, const struct world_new_user *n,
			struct world_user **ret);

struct world_new_chat {
	const char *title;
	int64_t creator;
	const int64_t *members; /* the creator need not be among them */
	size_t n_members;
	int32_t date;
	int64_t random_id;
};
/* Also writes the service message; *ret_msg is the creator's copy. */
enum err world_add_chat(struct world *w, const struct world_new_chat *n,
			struct world_chat **ret, struct world_msg **ret_msg);

struct world_new_msg {
	int64_t from, peer; /* peer as the sender sees it */
	enum world_kind kind;
	const char *text;
	size_t text_len;
	int64_t random_id; /* 0 = none */
	int32_t date;
	struct world_extra extra;
};
/*
 * Puts it into every box concerned; *ret_msg is the sender's copy.  The same
 * random_id to the same peer again gives the first message, *ret_again = true,
 * and changes nothing.  ERR_NOTFOUND: no such peer; ERR_FORBIDDEN: not a member.
 */
enum err world_send(struct world *w, const struct world_new_msg *n,
		    struct world_msg **ret_msg, bool *ret_again);

enum err world_edit(struct world *w, struct world_user *u, int32_t id,
		    const char *text, size_t text_len, int32_t date);
/* ERR_NOTFOUND: no such message.  Everybody's copy if revoke. */
enum err world_delete(struct world *w, struct world_user *u, int32_t id,
		      bool revoke);

struct world_msg *world_msg(const struct world_user *u, int32_t id);
struct world_dialog *world_dialog(const struct world_user *u, int64_t peer);
/* Marks read up to max_id; *ret_event NULL when nothing changed. */
enum err world_read(struct world *w, struct world_user *u, int64_t peer,
		    int32_t max_id, const struct world_event **ret_event);

/*
 * Events after `pts`: *ret points into the log, at most `limit`; fewer are left
 * out than *ret_total.  ERR_INVALID for a pts from the future or below the first.
 */
enum err world_difference(const struct world_user *u, int32_t pts,
			  uint32_t limit, const struct world_event **ret,
			  uint32_t *ret_n, uint32_t *ret_total);

/* ---- loading from the store: no observer calls, no checks of meaning */
enum err world_load_chat(struct world *w, const struct world_chat *c);
enum err world_load_message(struct world *w, int64_t owner,
			    const struct world_msg *m);
enum err world_load_read(struct world *w, int64_t owner,
			 const struct world_event *e, int32_t unread);
/* WORLD_EV_EDIT, WORLD_EV_DELETE */
enum err world_load_change(struct world *w, int64_t owner,
			   const struct world_event *e);
/* A body with one reference, the caller's. */
struct world_body *world_body_new(int64_t id, int64_t from, int32_t date,
				  enum world_kind kind, const char *text,
				  size_t text_len);
void world_body_unref(struct world_body *b);

#endif /* DC_WORLD_H */
