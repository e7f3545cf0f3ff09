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
#define WORLD_ABOUT_MAX 1020
#define WORLD_BLOB_MAX 65536U

enum world_kind {
	WORLD_TEXT,
	WORLD_CHAT_CREATE,    /* text = title */
	WORLD_CHANNEL_CREATE, /* text = title */
	WORLD_JOINED,	      /* by a link or a name; text = inviter's id */
	WORLD_ADDED,	      /* text = the ids, comma separated */
	WORLD_ACTION,	      /* extra.object says what */
};

/* Bytes nobody here looks into: TL, for whoever made them. */
struct world_blob {
	uint32_t refs, len;
	uint8_t data[];
};

/* What a message may carry besides its text. */
struct world_extra {
	int64_t fwd_from; /* marked peer; 0 = no forward */
	int32_t fwd_date, fwd_post;
	int64_t grouped_id; /* album; 0 = none */
	int64_t file_id;    /* 0 = none */
	int64_t reply_to;   /* body id; 0 = none */
	int32_t topic;	    /* of a forum, by its first message; 0 = none */
	struct world_blob *entities, *markup, *object;
};

/*
 * What was said, shared by the boxes of all who can read it.  There may be a
 * million: most have no extra.
 */
struct world_body {
	int64_t id;
	int64_t from;		   /* user id */
	struct world_extra *extra; /* NULL: nothing, see world_extra() */
	char *text;		   /* `first`, until it is edited */
	uint32_t text_len, refs;
	int32_t date, edit_date; /* 0 = never */
	uint8_t kind;		 /* enum world_kind */
	bool noforwards;
	char first[];
};

struct world_msg {
	struct world_body *body;
	int64_t peer;	   /* whom it is with, from the owner's side */
	int64_t random_id; /* of the sender's own copy; 0 = none */
	int32_t id, pts;
	int32_t reply_id; /* in the same box; 0 = none */
	bool out, pinned;
};

enum world_event_kind {
	WORLD_EV_MESSAGE,  /* value = message id */
	WORLD_EV_READ_IN,  /* value = max id read by the owner */
	WORLD_EV_READ_OUT, /* value = max id read by the peer */
	WORLD_EV_EDIT,	   /* value = message id */
	WORLD_EV_DELETE,   /* value = message id */
	WORLD_EV_PIN,	   /* value = message id */
	WORLD_EV_UNPIN,	   /* value = message id */
};

/* As many as messages, and more: 16 bytes. */
struct world_event {
	int64_t kind : 8; /* enum world_event_kind */
	int64_t peer : 56;
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
	bool deleted; /* its owner ended it: shown without a name */
	struct world_password *password; /* or NULL */
	struct world_msg **msgs;	 /* [id - 1] */
	uint32_t n_msgs, cap_msgs;
	struct world_event *events; /* [pts - WORLD_FIRST_PTS - 1] */
	uint32_t n_events, cap_events;
	struct imap dialogs;  /* peer -> struct world_dialog */
	struct imap channels; /* id -> struct world_channel, those joined */
	struct world_blob *commands; /* of a bot; or NULL */
};

struct world_member {
	int64_t user_id, inviter_id;
	int32_t date;
	bool admin;
};

struct world_chat {
	int64_t id;
	int64_t creator;
	int32_t date, version;
	bool noforwards;
	int64_t migrated_to; /* a channel's id: nothing is said here any more */
	char title[WORLD_TITLE_MAX + 1];
	char about[WORLD_ABOUT_MAX + 1];
	struct world_member *members;
	uint32_t n_members;
};

struct world_channel;
struct world_seat;
struct world_file;
struct world_invite;
struct world_topic;

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
	void (*on_invite)(void *ctx, const struct world_invite *i);
	void (*on_topic)(void *ctx, const struct world_channel *c,
			 const struct world_topic *t);
};

struct world {
	struct imap users; /* id -> user */
	struct imap phones;
	struct imap usernames; /* hash of the name -> user */
	struct imap chats;
	struct imap channels;
	struct imap channel_names; /* hash of the name -> channel */
	struct imap invites;	   /* hash of the link -> world_invite */
	struct imap files;
	int64_t next_user, next_chat, next_body, next_channel, next_file;
	uint64_t file_epoch; /* file references of another one are stale */
	int64_t file_stamp;  /* and of one before the last; 0: for ever */
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

/* "" takes the name away.  ERR_DUPLICATE: taken. */
enum err world_user_rename(struct world *w, struct world_user *u,
			   const char *username);
/* After a change to its plain fields. */
void world_user_changed(struct world *w, const struct world_user *u);

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
	bool noforwards;
	struct world_extra extra; /* its blobs stay the caller's */
};
/*
 * Puts it into every box concerned; *ret_msg is the sender's copy.  The same
 * random_id to the same peer again gives the first message, *ret_again = true,
 * and changes nothing.  ERR_NOTFOUND: no such peer; ERR_FORBIDDEN: not a member.
 */
enum err world_send(struct world *w, const struct world_new_msg *n,
		    struct world_msg **ret_msg, bool *ret_again);

struct world_rewrite {
	const char *text; /* NULL: as it is, entities too */
	size_t text_len;
	struct world_blob *entities, *markup; /* NULL: none any more */
	bool keep_markup;
	int32_t date;
};
/* ERR_INVALID: nothing would change. */
enum err world_edit(struct world *w, struct world_user *u, int32_t id,
		    const struct world_rewrite *r);
/* ERR_NOTFOUND: no such message.  Everybody's copy if revoke. */
enum err world_delete(struct world *w, struct world_user *u, int32_t id,
		      bool revoke);

struct world_msg *world_msg(const struct world_user *u, int32_t id);
/* Its number in the dialog of u; 0: not there. */
int32_t world_msg_of_body(const struct world_user *u,
			  const struct world_dialog *d,
			  const struct world_body *b);
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

/* ---- basic groups: world_chat.c; who may do what is the caller's question */
struct world_member *world_chat_member(const struct world_chat *c,
				       int64_t user_id);
/* The creator, and who was made one. */
bool world_chat_admin(const struct world_chat *c, int64_t user_id);
enum err world_chat_add(struct world *w, struct world_chat *c, int64_t user_id,
			int64_t inviter_id, int32_t date);
void world_chat_remove(struct world *w, struct world_chat *c, int64_t user_id);
/* After a change to its fields. */
void world_chat_changed(struct world *w, struct world_chat *c);

/* ---- pins; everybody's copy unless oneside.  ERR_INVALID: it is so already. */
enum err world_pin(struct world *w, struct world_user *u, int32_t id, bool on,
		   bool oneside);

/* ---- bytes with a count of who holds them */
enum err world_blob_new(const void *data, size_t len, struct world_blob **ret);
struct world_blob *world_blob_ref(struct world_blob *b); /* NULL is NULL */
void world_blob_unref(struct world_blob *b);
/* Never NULL. */
const struct world_extra *world_extra(const struct world_body *b);
bool world_extra_is_empty(const struct world_extra *x);

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
/* Takes references of its own to the blobs; ERR_NOMEM. */
enum err world_body_dress(struct world_body *b, const struct world_extra *x);

#endif /* DC_WORLD_H */
