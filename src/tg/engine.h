/* SPDX-License-Identifier: MIT */
/*
 * One account at Telegram: a transport, a session, the updates, a few calls.
 *
 *	engine_set_transport(e, cfg, dc)	how to speak, if not intermediate
 *	engine_connected(e, now, wall)		the link is open
 *	engine_feed(e, data, len, now, ei)	bytes came
 *	engine_tick(e, now, ei)			at engine_deadline(e)
 *	engine_output(e, now, out, ei)		after each of these: bytes to write
 *	engine_disconnected(e)			the link is gone
 *
 * On connecting it says what it is (invokeWithLayer, initConnection), asks who
 * it is (ENGINE_USER), closes the gap in the updates (ENGINE_MESSAGE ...) and is
 * then ENGINE_ONLINE.  An error from feed, tick or output means: hang up.
 *
 * Calls of the API are made with engine_call(), or with the typed ones of
 * tg/messages.h and its kin, and answered by one ENGINE_ANSWER each.
 *
 * With keys in its env it speaks under temporary keys (mtproto/pfs.h): then there
 * is arithmetic to do, too, which may take milliseconds:
 *
 *	engine_take_work(e)			handshake_client_work() anywhere
 *	engine_give_back(e, work, now, ei)	then, as after a feed
 *
 * Events come through one callback, from inside feed and tick (and cancel, and
 * disconnected); it may make calls and cancel them.  What events point to is on
 * loan.  The answer to ENGINE_MESSAGE counts: anything but ERR_OK means
 * the consumer did not take it, and it will be delivered again.  A position is
 * told (ENGINE_POSITION) after all it covers was taken.  Messages come in the
 * order of their box, at least once; `key` tells repeated ones.
 *
 *   owner     struct account embeds one
 *   memory    see session.h, transport.h, updates.h; decoding uses an arena
 *             that lives for the call
 *   threads   none
 *   failure   ERR_PROTO and friends from below; what Telegram refused comes as
 *             ENGINE_REFUSED first, with the row of tg/rpcerr.def
 */
#ifndef TG_ENGINE_H
#define TG_ENGINE_H

#include "mtproto/pfs.h"
#include "mtproto/session.h"
#include "mtproto/transport.h"
#include "tg/flood.h"
#include "tg/peers.h"
#include "tg/rpcerr.h"
#include "tg/updates.h"
#include "tl/bind.h"

#define ENGINE_LAYER 223
#define ENGINE_TEXT_MAX 4096   /* characters Telegram takes; bytes below x 4 */
#define ENGINE_TOPIC_GENERAL 1 /* of every forum */
#define ENGINE_PREFIX_MAX 512
#define ENGINE_QUERY_MAX (1U << 20) /* one call, written */
#define ENGINE_CALL_US (INT64_C(60) * US_PER_SEC)
/* Trouble of Telegram's own (5xx) is waited out this often, twice as long each
 * time, by calls that may be repeated. */
#define ENGINE_AGAIN_MAX 5
#define ENGINE_AGAIN_US US_PER_SEC
#define ENGINE_KEY_UNKNOWN_CODE (-404)

/* Shared by all accounts of a process: what we say we are, whom we believe. */
struct engine_env {
	uint8_t prefix[ENGINE_PREFIX_MAX];
	size_t prefix_len;
	/* for temporary keys; none: permanent keys are used as they are */
	const struct rsa_key *const *keys; /* borrowed: array and keys */
	size_t key_count;
	bool test_mode;
};

struct engine_app {
	int32_t api_id;
	const char *device_model;
	const char *system_version;
	const char *app_version;
};

enum err engine_env_init(struct engine_env *env, const struct engine_app *app,
			 struct err_info *ei);

enum engine_event_type {
	ENGINE_USER,	 /* user */
	ENGINE_ONLINE,	 /* the gap is closed, updates flow */
	ENGINE_MESSAGE,	 /* message; answer ERR_OK to take it */
	ENGINE_DELETED,	 /* deleted; the same */
	ENGINE_PRESSED,	 /* pressed, for bots; told once only */
	ENGINE_POSITION, /* pos: everything up to here was taken */
	ENGINE_ANSWER,	 /* tag, rc, answer; rpcerr if Telegram refused */
	ENGINE_REFUSED,	 /* rpcerr: about the account or the node */
	ENGINE_CONFIG,	 /* data: answer to engine_ask_config(), see dclist.h */
};

struct engine_user {
	int64_t id;
	bool bot;
	const char *username, *phone, *name; /* "" when not there */
};

enum engine_message_kind {
	ENGINE_NEW,
	ENGINE_EDITED,	/* as it is now */
	ENGINE_SERVICE, /* something happened in the chat: `action` */
};

/* Chats are numbered as bots see them: users > 0, basic groups -id, channels
 * -1000000000000 - id.  Everything is on loan. */
struct engine_message {
	enum engine_message_kind kind;
	int64_t chat_id, from_id;
	int64_t grouped_id; /* of an album; 0: none */
	int32_t id, date, edit_date;
	int32_t reply_to; /* a message's id; 0: none */
	int32_t topic;	 /* of a forum, 1: its general one; 0: not in a forum */
	uint16_t media;	 /* TLN_messageMedia*, TLN_NONE: none */
	uint16_t action; /* TLN_messageAction* */
	bool out, post, silent, mentioned;
	bool entities;	 /* the text is more than plain */
	bool forwarded;	 /* from elsewhere */
	bool noforwards; /* protected: it or its chat */
	const uint8_t *text;
	size_t text_len;
	/* All there is; NULL of messages that come in a short form. */
	const struct tlc_message *full;
	char key[64];
};

struct engine_deleted {
	int64_t chat_id; /* 0: of private chats and basic groups, which share
			    their numbers */
	const int32_t *ids;
	uint32_t n;
};

/* A button under a bot's message; answered with bots_answer(). */
struct engine_pressed {
	int64_t query_id, user_id, chat_id;
	int32_t message_id;
	const uint8_t *data;
	size_t len;
};

/* A call and what came of it.  Without an answer only `function` is set. */
struct engine_answer {
	uint16_t function;   /* TLN_* */
	const uint8_t *data; /* as it came */
	size_t len;
	/* The same read, as the function says what it answers: an object (its
	 * kind is TLN_NONE when nobody wants it), a Vector<T>, a Bool.  Cast to
	 * the tlt_X or tlv_X it is. */
	struct tlt_any obj;
	struct tlv_any list;
	bool yes;
	int32_t message_id; /* of the first message the call made; 0: none */
};

struct engine_event {
	enum engine_event_type type;
	enum err rc;
	uint64_t tag;
	union {
		const struct engine_user *user;
		const struct engine_message *message;
		const struct engine_deleted *deleted;
		const struct engine_pressed *pressed;
		const struct engine_answer *answer;
		struct updates_pos pos;
	};
	const struct rpcerr *rpcerr; /* or NULL */
	const uint8_t *data;
	size_t len;
};

typedef enum err (*engine_event_fn)(void *ctx, const struct engine_event *ev);

struct engine_config {
	const struct engine_env *env; /* borrowed */
	struct rnd *rnd;	      /* borrowed */
	engine_event_fn on_event;
	void *ctx;
};

struct engine_call;
struct tlc_message;

struct engine {
	struct session session;
	struct pfs *pfs; /* NULL: the session's key is the permanent one */
	struct flood flood;
	struct peers peers;
	struct engine_call *calls; /* under way */
	uint32_t ncalls, calls_cap;
	uint32_t flood_broken; /* calls that went out before their time: bugs */
	struct transport transport;
	struct updates updates;
	const struct engine_env *env;
	struct rnd *rnd;
	engine_event_fn on_event;
	void *ctx;
	struct mono now; /* of the call that is running */
	int64_t self_id;
	struct updates_pos told; /* last ENGINE_POSITION */
	enum err failed;	 /* found inside an event: hang up */
	struct mono open_due;	 /* a proxy has to let us speak by then */
	int32_t error_packet;	 /* of this connection: -404, -429, ...; 0 */
	bool connected, hello, online, refused, transport_up;
	bool starts; /* nothing was written on this connection yet */
};

void engine_init(struct engine *e, const struct engine_config *cfg);
void engine_deinit(struct engine *e);

/* The key is copied.  A new key forgets the position. */
enum err engine_set_key(struct engine *e, const uint8_t key[AUTHKEY_LEN],
			struct err_info *ei);
void engine_set_position(struct engine *e, struct updates_pos pos,
			 struct mono now);

/*
 * For the next connection; what cfg points to is borrowed for its life.  dc_id
 * is the data centre it leads to.
 */
void engine_set_transport(struct engine *e, const struct transport_config *cfg,
			  int dc_id);
/* Does the next connection begin with a key exchange? */
bool engine_needs_key(const struct engine *e, struct mono now);
enum err engine_connected(struct engine *e, struct mono now, struct wall wall,
			  struct err_info *ei);
void engine_disconnected(struct engine *e);

enum err engine_feed(struct engine *e, const uint8_t *data, size_t len,
		     struct mono now, struct err_info *ei);
/* Without a connection only what waited too long ends. */
enum err engine_tick(struct engine *e, struct mono now, struct err_info *ei);
/* Nobody will connect it again: every call under way ends with rc. */
void engine_fail_calls(struct engine *e, enum err rc);
/* Appends everything there is to write. */
enum err engine_output(struct engine *e, struct mono now, struct buf *out,
		       struct err_info *ei);
struct mono engine_deadline(const struct engine *e);

/* NULL: nothing to do.  Given back even if the connection is gone meanwhile. */
struct handshake_client *engine_take_work(struct engine *e);
enum err engine_give_back(struct engine *e, struct handshake_client *work,
			  struct mono now, struct err_info *ei);

/* Only when online.  No answer is no failure: ask again, or somebody else. */
enum err engine_ask_config(struct engine *e, struct mono now,
			   struct err_info *ei);

/* What time it is, for the calls below. */
static inline void engine_at(struct engine *e, struct mono now)
{
	e->now = now;
}

/* The time waits are counted in: Telegram's, or `guess` until it is known. */
struct wall engine_time(const struct engine *e, struct mono now,
			struct wall guess);

struct engine_request {
	uint16_t function;    /* TLN_* of one that is wanted */
	const void *args;     /* its tlf_ struct; copied */
	int64_t peer;	      /* the chat it is about, for its waits; 0: none */
	uint64_t tag;	      /* not 0, below 2^60, not in use */
	struct mono deadline; /* 0: ENGINE_CALL_US from now; or MONO_NEVER */
};

/*
 * Asks Telegram.  Answered by exactly one ENGINE_ANSWER with the tag, be it
 * ERR_TIMEOUT or ERR_CANCELED.  What an answer says of updates goes through the
 * same sequence as pushed ones, after the event.
 *
 * A call that may be repeated (it reads, or names what it sends by a random_id)
 * survives a lost connection and Telegram's internal errors.  Any other that was
 * sent when the connection broke ends in ERR_UNAVAILABLE: whether it was done is
 * not known.
 *
 * ERR_FLOOD: Telegram asked to wait, ei->arg seconds more; nothing is sent.  It
 * may also come with ENGINE_ANSWER, when the wait was named for another call
 * while this one was queued.
 */
enum err engine_call(struct engine *e, const struct engine_request *q,
		     struct err_info *ei);
/* False: no such call.  Telegram may have done what was asked all the same. */
bool engine_cancel(struct engine *e, uint64_t tag);
/* The message an answer made for this random_id; 0: it does not say. */
int32_t engine_message_id(const struct engine_answer *a, int64_t random_id);

/* How a typed call is asked for. */
struct engine_ask {
	uint64_t tag;
	struct mono deadline; /* as in struct engine_request */
};

#endif /* TG_ENGINE_H */
