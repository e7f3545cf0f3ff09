/* SPDX-License-Identifier: MIT */
/* What the files of the data centre share; nobody else includes this. */
#ifndef DC_DC_INT_H
#define DC_DC_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/idtab.h"
#include "base/json.h"
#include "base/rnd.h"
#include "crypto/rsa.h"
#include "dc/dc.h"
#include "dc/dc_script.h"
#include "dc/dc_store.h"
#include "dc/world.h"
#include "dc/world_channel.h"
#include "dc/world_file.h"
#include "dc/world_invite.h"
#include "dc/world_topic.h"
#include "http/server.h"
#include "mtproto/authkey.h"
#include "mtproto/envelope.h"
#include "mtproto/handshake_server.h"
#include "mtproto/seenids.h"
#include "mtproto/transport.h"
#include "net/link.h"
#include "net/listener.h"
#include "tl/dyn.h"

#define DC_KEYS_MAX 200000U
#define DC_SESSIONS_PER_KEY 16U
#define DC_PENDING_MAX (16U << 20) /* unsent bytes of one session */
#define DC_ANSWERS_MAX 64U	   /* unacknowledged results kept */
#define DC_ANSWERS_BYTES_MAX (1U << 20)
#define DC_ARENA_MAX (32U << 20)
#define DC_ANSWER_MAX (8U << 20)
#define DC_DEVICE_MAX 64

enum dc_key_state {
	DC_KEY_LIVE,
	DC_KEY_REVOKED,
	DC_KEY_DUPLICATED,
	DC_KEY_DESTROYED, /* by its client: no such key any more */
};

/* Answers, then packets, lie together: see dc_faults.c */
enum dc_fault_kind {
	DC_FAULT_NONE,
	DC_FAULT_LOSE,
	DC_FAULT_HOLD,
	DC_FAULT_SWALLOW,
	DC_FAULT_DELAY,
	DC_FAULT_DUPLICATE,
	DC_FAULT_REORDER,
	DC_FAULT_TRUNCATE,
	DC_FAULT_CORRUPT,
	DC_FAULT_ERROR,
	DC_FAULT_SALT,
};

#define DC_FAULTS_MAX 64
#define DC_FAULT_METHOD_MAX 63

struct dc_fault {
	enum dc_fault_kind kind;
	int64_t user_id; /* 0 = anybody */
	uint64_t after, count;
	int64_t value;
	char method[DC_FAULT_METHOD_MAX + 1]; /* "" = any */
};

#define DC_RULES_MAX 64
#define DC_RULE_TEXT_MAX 63

struct dc_rule {
	int64_t user_id, chat; /* 0 = any */
	bool per_chat;	       /* each chat has a budget of its own */
	uint32_t budget;
	int64_t window_sec, wait_sec;
	char method[DC_RULE_TEXT_MAX + 1], error[DC_RULE_TEXT_MAX + 1];
};

enum dc_account_state {
	DC_STATE_OK,
	DC_STATE_BANNED,
	DC_STATE_FROZEN,
	DC_STATE_GONE,
};

enum dc_method {
#define DC_METHOD(name, flags, handler) DC_M_##name,
#include "dc/dc_methods.def"
#undef DC_METHOD
	DC_METHOD_COUNT
};

/* One of the data centres: an address, and the keys made there. */
struct dc_node {
	struct dc *dc;
	int id;
	struct listener *listener;
};

/* An authorisation key: one client, whichever way it is connected. */
struct dc_key {
	struct authkey auth;
	struct dc_key *perm; /* of a temporary one: what it stands for */
	int32_t expires_at;  /* 0: a permanent key */
	uint32_t n_temps;    /* bound to this one */
	int dc_id;
	enum dc_key_state state;
	int64_t user_id; /* 0 = not signed in */
	int64_t salt;	 /* from the handshake */
	int32_t created, active;
	int layer;
	int64_t api_id;
	char device[DC_DEVICE_MAX + 1], app[DC_DEVICE_MAX + 1];
	struct dc_sess *sessions;
	uint32_t n_sessions;
	uint64_t main_link;	/* the main connection, 0 = none */
	struct mono main_spoke; /* when it last sent anything */
	uint64_t
		quiet_link; /* a main one that was silent when another took over */
	int64_t main_session;	/* its session */
	uint64_t connects;	/* connections that made an authorised call */
	struct dc_proof *proof; /* two-step verification under way */
};

struct dc_answer {
	struct dc_answer *next;
	uint64_t req_id, msg_id;
	uint32_t seq_no;
	size_t len;
	uint8_t body[];
};

/* A session of a key; lives on while its client reconnects. */
struct dc_sess {
	struct dc_sess *next; /* of the key */
	struct dc_key *key;   /* whose it is: the permanent one, once bound */
	struct dc_key *crypt; /* what it is sealed with */
	uint64_t id;
	struct dc_conn *conn; /* NULL while nobody is connected */
	struct seenids seen;
	uint64_t top_in; /* the newest content message, and its number */
	uint32_t top_in_seq;
	uint32_t seq_out;   /* content messages sent */
	struct buf pending; /* container items not flushed yet */
	uint32_t n_pending;
	uint64_t *acks; /* owed */
	uint32_t n_acks, cap_acks;
	struct dc_answer *answers; /* oldest first */
	uint32_t n_answers;
	size_t answers_bytes;
	struct dc_account *account;  /* gets its updates; NULL = none */
	struct dc_sess *next_online; /* of the account */
	bool greeted;		     /* new_session_created was sent */
	struct mono last_used;
};

/* A call that was made; see dc_calls.c */
#define DC_CALLS_MAX 128U
struct dc_logged {
	int64_t at_us, peer;
	uint16_t method; /* TLN_* */
	int16_t code;	 /* 0 = it was done */
	char error[36];
};

/* What is online of a user, and what the user did. */
struct dc_account {
	int64_t user_id;
	struct dc_sess *online;
	uint64_t connects, calls, updates;
	enum dc_account_state state;
	struct dc_logged *log; /* a ring of the last calls */
	uint32_t log_cap;
	uint64_t n_logged; /* ever */
};

struct dc_conn {
	struct dc_node *node;
	uint64_t link;
	struct transport transport;
	struct handshake_server *handshake; /* until keyed */
	struct dc_sess *sess;		    /* the latest that spoke */
	struct wheel_timer hang_up;
	bool counted; /* as a connection of an account */
	bool dirty, closing;
	struct buf *held; /* fault: a packet that waits for the next */
	struct dc_conn *next_dirty;
};

struct dc_counters {
	uint64_t connections, handshakes, messages_in, messages_out;
	uint64_t packets_in, packets_out, updates, duplicates;
	uint64_t file_bytes;	      /* sent by upload.getFile */
	uint64_t bytes_in, bytes_out; /* of all connections */
	uint64_t faults, floods;      /* that struck; that were answered */
	uint64_t flood_ignored;	      /* calls made during a flood wait */
	uint64_t refused_packets, rpc_errors, revoked_calls, drops;
	uint64_t calls[DC_METHOD_COUNT];
	uint64_t calls_unknown;
};

/* What the admin port may set; see dc_knobs.c */
enum dc_repeat {
	DC_REPEAT_MIXED, /* sends answer again, forwards refuse */
	DC_REPEAT_ANSWER,
	DC_REPEAT_ERROR,
};

struct dc_knobs {
	int64_t callback_ms;  /* a bot's time to answer a button */
	int64_t file_ref_sec; /* a file reference lives; 0 = for ever */
	int64_t repeat;	      /* enum dc_repeat: a random_id used again */
};

struct dc_code {
	int64_t phone;
	int sent; /* how often, each time in another way */
	char hash[24];
};

struct dc_export {
	int64_t id, user_id;
	int32_t until;
	uint8_t bytes[32];
};

struct dc {
	struct loop *loop;
	struct dc_options o;
	char *state_path;
	char *api_hash;
	struct dc_node nodes[DC_NODES_MAX];
	int n_nodes;
	struct rsa_key *rsa;
	struct world world;
	struct dc_store *store;
	struct imap keys;     /* auth_key_id -> dc_key */
	struct imap accounts; /* user id -> dc_account */
	struct imap conns;    /* link -> dc_conn */
	struct imap codes;    /* phone -> dc_code */
	struct imap exports;  /* id -> dc_export */
	struct imap uploads;  /* of a user and a file id -> dc_upload */
	uint64_t upload_bytes;
	struct imap logins; /* id -> dc_login */
	struct dc_conn *dirty;
	struct loop_call flush;
	bool quiet;		 /* nothing is pushed: many things are made */
	struct dc_sess *origin;	 /* whose call is being handled */
	struct dc_sess *reading; /* whose container is; NULL: it is gone */
	struct arena arena;	 /* one call's objects */
	struct arena push_arena; /* one update's, while a call runs */
	struct buf answer;	 /* one answer's bytes */
	struct buf packet, wire, inflated;
	int64_t last_msg_id;
	struct router router;
	struct http_server *admin;
	struct dc_counters counters;
	int64_t delay_us; /* fault: answers wait */
	struct wheel_timer delayed;
	int64_t skew_sec; /* fault: our clock is wrong */
	struct dc_fault faults[DC_FAULTS_MAX];
	uint32_t n_faults;
	struct imap late;    /* request id -> an answer that waits */
	struct imap queries; /* id -> a pressed button without an answer */
	struct dc_knobs knobs;
	struct dc_play *play; /* NULL: no scenario */
	struct dc_rule rules[DC_RULES_MAX];
	uint32_t n_rules;
	uint64_t rules_set;  /* how often they were replaced */
	struct imap spent;   /* what accounts used up under the rules */
	uint64_t n_states;   /* 0: no account was ever banned */
	uint64_t drop_after; /* fault: packets until a drop; 0 = off */
	int64_t drop_user;   /* only of this user; 0 = any */
	enum err failure;
	struct err_info why;
};

/* ---- one call */

struct dc_call {
	struct dc *dc;
	struct dc_conn *conn;
	struct dc_sess *sess;
	struct dc_key *key;
	uint64_t msg_id;
	struct world_user *user; /* NULL: not signed in */
	const struct schema *schema;
	const struct dyn *fn;
	struct arena *arena;
	int32_t now;
	bool without_updates;
	bool later; /* the answer comes by dc_rpc_finish() */
	struct dyn_val result;
	int error_code; /* with ERR_RPC */
	char error[64];
};

enum {
	DC_OPEN = 1,  /* needs no sign-in */
	DC_QUIET = 2, /* does not make the connection a main one */
	DC_WRITE = 4, /* not for frozen accounts */
};

/* ERR_OK with call->result set, or dc_call_fail(). */
typedef enum err (*dc_method_fn)(struct dc_call *call, struct err_info *ei);

/* Returns ERR_RPC; the analyzer sees only what is in this file. */
enum err dc_call_fail(struct dc_call *call, int code, const char *fmt, ...)
	PRINTF_FMT(3, 4);
#if defined(__clang_analyzer__) && !defined(DC_RPC_IMPLEMENTATION)
#define dc_call_fail(...) ((void)dc_call_fail(__VA_ARGS__), ERR_RPC)
#endif
void dc_call_obj(struct dc_call *call, struct dyn *d);
void dc_call_bool(struct dc_call *call, bool v);

#define DC_METHOD(name, flags, handler)                                        \
	enum err handler(struct dc_call *call, struct err_info *ei);
#include "dc/dc_methods.def"
#undef DC_METHOD

/* ---- dc_rpc.c */
/* Handles one query and queues its rpc_result. */
enum err dc_rpc_handle(struct dc *dc, struct dc_sess *s, uint64_t msg_id,
		       const uint8_t *body, size_t len, struct err_info *ei);
const char *dc_rpc_method_name(enum dc_method m);
/* For a call answered later: what dc_rpc_finish() needs of it. */
void dc_rpc_resume(struct dc *dc, struct dc_sess *s, uint16_t method,
		   struct dc_call *ret);
enum err dc_rpc_finish(struct dc_call *call, uint64_t msg_id, enum err rc);
/* Something came under the key on c: is the key in use at two places? */
void dc_rpc_spoke(struct dc *dc, struct dc_key *key, struct dc_conn *c);

/* ---- dc_unpack.c */
/* *body, *len: with the query unpacked, in the call's arena if it was packed. */
enum err dc_unpack_query(const struct dc_call *call, const uint8_t **body,
			 size_t *len, struct err_info *ei);

/* ---- dc_session.c */
struct dc_sess *dc_session_get(struct dc *dc, struct dc_key *key, uint64_t id,
			       bool *ret_is_new);
void dc_session_free(struct dc *dc, struct dc_sess *s);
/* One opened envelope. */
enum err dc_session_recv(struct dc *dc, struct dc_sess *s,
			 const struct envelope_msg *e, struct err_info *ei);
/* Queues a message; it leaves with the flush at the end of the turn. */
enum err dc_session_push(struct dc *dc, struct dc_sess *s, const void *body,
			 size_t len, bool content);
enum err dc_session_answer(struct dc *dc, struct dc_sess *s, uint64_t req_id,
			   const void *body, size_t len);
/* Moves what is queued into one envelope; false: nothing queued. */
enum err dc_session_next(struct dc *dc, struct dc_sess *s, struct buf *packet,
			 bool *ret_has, struct err_info *ei);
uint64_t dc_session_salt(const struct dc *dc, const struct dc_key *key,
			 int64_t hour);
int64_t dc_session_hour(const struct dc *dc);
/* For plain answers of the key exchange. */
uint64_t dc_session_msg_id(struct dc *dc);

/* ---- dc_key.c */
struct dc_key *dc_key_get(const struct dc *dc, uint64_t id);
enum err dc_key_add(struct dc *dc, const struct dc_store_key *k,
		    struct dc_key **ret);
void dc_key_save(struct dc *dc, const struct dc_key *k);
void dc_key_free(struct dc *dc, struct dc_key *k);
struct dc_account *dc_key_account(struct dc *dc, int64_t user_id);
void dc_key_online(struct dc *dc, struct dc_sess *s, int64_t user_id);
void dc_key_offline(struct dc_sess *s);
void dc_key_revoke(struct dc *dc, struct dc_key *k);
/* How many of that user's there were. */
uint32_t dc_key_revoke_all(struct dc *dc, int64_t user_id);

/* ---- dc_pfs.c: temporary keys */
/* The key whose account it is: itself, or what it is bound to. */
struct dc_key *dc_pfs_owner(struct dc_key *k);
void dc_pfs_made(struct dc *dc, struct dc_key *k, int32_t expires_in_sec);
/* Neither expired nor destroyed? */
bool dc_pfs_usable(struct dc *dc, const struct dc_key *k);
/* Is this, the key of a call, a temporary one that was never bound? */
bool dc_pfs_unbound(const struct dc_key *k);
/* Before a key is freed: nothing refers to it after. */
void dc_pfs_forget(struct dc *dc, struct dc_key *k);
/* destroy_auth_key; returns the answer's constructor. */
uint32_t dc_pfs_destroy(struct dc *dc, struct dc_sess *s);

/* ---- dc_conn.c */
void dc_conn_accept(struct dc_node *node, uint64_t link);
void dc_conn_touch(struct dc *dc, struct dc_conn *c);
void dc_conn_flush_all(void *ctx);
/* ping_delay_disconnect: unless the client says so again before. */
void dc_conn_hang_up_in(struct dc *dc, struct dc_conn *c, int32_t delay_sec);
/* At once, as a broken network would. */
void dc_conn_drop(struct dc *dc, struct dc_conn *c);
void dc_conn_close(struct dc *dc, struct dc_conn *c, enum close_reason why);

/* ---- dc_objects.c: layer 223 objects, as `viewer` sees them */
struct dyn *dc_objects_user(struct arena *a, const struct world *w,
			    int64_t viewer, const struct world_user *u);
struct dyn *dc_objects_chat(struct arena *a, const struct world *w,
			    int64_t viewer, const struct world_chat *c,
			    bool member);
struct dyn *dc_objects_peer(struct arena *a, int64_t peer);
struct dyn *dc_objects_message(struct arena *a, const struct world *w,
			       const struct world_msg *m);
/* ---- dc_msgobj.c */
struct dyn *dc_objects_channel(struct arena *a, const struct world *w,
			       int64_t viewer, const struct world_channel *c);
struct dyn *dc_objects_post(struct arena *a, const struct world *w,
			    int64_t viewer, const struct world_msg *m);
struct dyn *dc_objects_channel_event(struct arena *a, const struct world *w,
				     int64_t viewer,
				     const struct world_channel *c,
				     const struct world_event *e);
struct dyn *dc_objects_rights(struct arena *a, unsigned int may);
unsigned int dc_objects_rights_of(const struct dyn *d);
struct dyn *dc_objects_banned(struct arena *a, unsigned int banned);
struct dyn *dc_objects_media(struct arena *a, const struct world *w,
			     const struct world_file *f);
/* Users and chats an answer mentions, each once. */
#define DC_REFS_MAX 4096U
struct dc_refs {
	const struct world *w;
	int64_t viewer;
	struct imap seen;
	struct dyn_vec *users, *chats;
};
void dc_refs_init(struct dc_refs *r, const struct world *w, int64_t viewer,
		  struct dyn *into);
void dc_refs_peer(struct dc_refs *r, int64_t peer);
void dc_refs_msg(struct dc_refs *r, const struct world_msg *m);
void dc_refs_deinit(struct dc_refs *r);
struct dyn *dc_objects_event(struct arena *a, const struct world *w,
			     const struct world_user *u,
			     const struct world_event *e);
/* An `updates` object with this one inside. */
struct dyn *dc_objects_updates(struct dc_refs *r, struct arena *a,
			       struct dyn *update, int32_t date);

/* ---- dc_auth.c, dc_password.c, dc_bots.c, dc_users.c */
/* Where a number lives; 0: anywhere. */
int dc_auth_home(const struct dc *dc, const char *phone);
/* The call's key is u's from now on; the answer is auth.authorization. */
void dc_auth_authorise(struct dc_call *call, struct world_user *u);
/* Everything but the password was right: SESSION_PASSWORD_NEEDED. */
enum err dc_password_need(struct dc_call *call, const struct world_user *u);
void dc_password_forget(struct dc_key *k);
/* "" takes it away. */
enum err dc_password_set(struct dc *dc, struct world_user *u,
			 const char *password, const char *hint);
struct dyn *dc_bots_info(struct arena *a, const struct world_user *u);
void dc_bots_token(struct dc *dc, struct world_user *u);
enum err dc_bots_routes(struct dc *dc, struct err_info *ei);
struct dyn *dc_account_authorization(struct dc_call *call,
				     const struct dc_key *k);

/* ---- dc_view.c: a dialog or a channel, read in the same way */
struct dc_view {
	const struct world_user *user;
	const struct world_channel *channel; /* or NULL */
	const struct world_dialog *box;	     /* or NULL: nothing said yet */
};
void dc_view_open(struct dc_call *call, int64_t peer, struct dc_view *ret);
/* false: no such message; *ret is as the user sees it. */
bool dc_view_msg(const struct dc_view *v, int32_t id, struct world_msg *ret);
/* What the caller sent there under this number; NULL: nothing. */
struct world_msg *dc_view_by_random(struct dc_call *call, int64_t peer,
				    int64_t random_id);
/* The caller's own news of a message, with its random_id. */
struct dyn *dc_view_sent(struct dc_call *call, struct world_msg *const *msgs,
			 uint32_t n);

typedef bool (*dc_view_fits)(const struct world *w, const struct world_msg *m,
			     const void *ctx);

/* ---- dc_search.c: what messages.search looks for */
struct dc_search {
	struct tl_bytes text;
	uint16_t filter; /* TLN_*; 0 = all */
	int64_t from, min_date, max_date;
};
enum err dc_search_read(struct dc_call *call, struct dc_search *ret);
bool dc_search_is_all(const struct dc_search *s);
bool dc_search_fits(const struct world *w, const struct world_msg *m,
		    const void *ctx);

/* ---- dc_history.c */
struct dyn *dc_dialog_object(struct dc_call *call, int64_t peer);
void dc_dialog_push_top(struct dc_call *call, struct dyn_vec *msgs,
			struct dc_refs *refs, int64_t peer);

/* ---- dc_channels.c */
/* The call's channel (or peer); CHAT_ADMIN_REQUIRED without the right. */
enum err dc_channels_open(struct dc_call *call, unsigned int right,
			  struct world_channel **ret);
/* Updates that only say: look at this channel again. */
struct dyn *dc_channels_look(struct dc_call *call,
			     const struct world_channel *c);
/* ---- dc_blob.c: TL objects as bytes the world keeps */
/* d NULL: *ret NULL.  Both answer what cannot be kept with an error. */
enum err dc_blob_pack(struct dc_call *call, const struct dyn *d,
		      struct world_blob **ret);
enum err dc_blob_pack_vec(struct dc_call *call, uint16_t holder, uint16_t field,
			  struct dyn_vec *v, struct world_blob **ret);
/* NULL: none; borrows the blob's bytes. */
struct dyn *dc_blob_object(struct arena *a, const struct world_blob *b);
void dc_blob_put_vec(struct dyn *to, uint16_t field,
		     const struct world_blob *b);

/* ---- dc_compose.c: new messages */
/* reply_to and topic of the call, for a message to peer. */
enum err dc_compose_place(struct dc_call *call, int64_t peer,
			  struct world_extra *x);
enum err dc_compose_entities(struct dc_call *call, const struct dyn *from,
			     struct world_blob **ret);
enum err dc_compose_markup(struct dc_call *call, struct world_blob **ret);
/* All of it; n->peer is known.  Then dc_compose_end() after sending. */
enum err dc_compose(struct dc_call *call, const struct dyn *text_from,
		    struct world_new_msg *n);
void dc_compose_end(struct world_new_msg *n);
/* A service message by the caller; x may be NULL. */
enum err dc_compose_action(struct dc_call *call, int64_t peer,
			   const struct dyn *action,
			   const struct world_extra *x, struct world_msg **ret);

/* ---- dc_members.c */
enum err dc_members_join(struct dc_call *call, struct world_channel *c,
			 int64_t inviter, struct dyn **ret);
enum err dc_members_join_error(struct dc_call *call, enum err rc);
/* The answer to an invitation. */
void dc_members_invited(struct dc_call *call, struct dyn *updates);

/* ---- dc_invites.c */
/* A link without an end; for the admin port, too. */
enum err dc_invites_make(struct dc *dc, int64_t peer, int64_t admin,
			 struct world_invite **ret);

/* ---- dc_groups.c: groups and channels alike */
/* The chat of a call's peer, chat_id or channel, if the caller may change it. */
struct dc_group {
	int64_t peer;
	struct world_chat *chat;       /* or */
	struct world_channel *channel; /* one of them */
};
enum err dc_groups_open(struct dc_call *call, unsigned int right,
			struct dc_group *ret);
enum err dc_groups_add(struct dc_call *call, struct world_chat *c,
		       struct world_user *u, struct world_msg **ret);

/* ---- dc_callbacks.c */
void dc_callbacks_end(struct dc *dc);

/* ---- dc_calls.c */
void dc_calls_note(struct dc_call *call, enum err rc);
void dc_calls_clear(struct dc_account *a);
enum err dc_calls_routes(struct dc *dc, struct err_info *ei);

/* ---- dc_bulk.c */
#define DC_BULK_MAX 1000000
enum err dc_bulk_routes(struct dc *dc, struct err_info *ei);

/* ---- dc_play.c: a scenario */
enum err dc_play_start(struct dc *dc, const char *text, size_t len,
		       struct err_info *ei);
enum err dc_play_file(struct dc *dc, const char *path, struct err_info *ei);
/* Before a call is done; may answer it with an error, or not at all. */
enum err dc_play_call(struct dc_call *call);
void dc_play_accepted(struct dc *dc);
/* "none", "running", "done" or "failed", and why it failed. */
void dc_play_look(const struct dc *dc, char *state, size_t state_size,
		  char *why, size_t why_size);
void dc_play_end(struct dc *dc);
enum err dc_play_routes(struct dc *dc, struct err_info *ei);

/* ---- dc_knobs.c */
enum err dc_knobs_load(struct dc *dc, struct err_info *ei);
enum err dc_knobs_routes(struct dc *dc, struct err_info *ei);

/* ---- dc_updates.c */
struct dyn *dc_updates_state_object(struct dc_call *call, int32_t pts);

/* ---- dc_faults.c */
bool dc_faults_strike(struct dc *dc, enum dc_fault_kind kind, int64_t user_id);
/* *ret_done: the answer needs no more care. */
enum err dc_faults_answer(struct dc_call *call, uint64_t req_id,
			  const struct buf *body, bool *ret_done);
/* May change the packet; says what else is to be done with it. */
enum dc_fault_kind dc_faults_packet(struct dc *dc, int64_t user_id,
				    struct buf *packet, int32_t *ret_code);
enum err dc_faults_add(struct dc *dc, const struct dc_fault *f);
/* Connections of a user (0: all) end, at once or after so many packets. */
void dc_faults_drop(struct dc *dc, int64_t user_id, uint64_t after);
enum err dc_faults_words(struct dc *dc, const char *kind,
			 const struct dc_step_field *words, uint32_t n,
			 struct err_info *ei);
void dc_faults_end(struct dc *dc);
enum err dc_faults_routes(struct dc *dc, struct err_info *ei);

/* ---- dc_rules.c */
enum err dc_rules_check(struct dc_call *call, unsigned int flags);
enum dc_account_state dc_rules_state(struct dc *dc, int64_t user_id);
enum err dc_rules_set_state(struct dc *dc, struct world_user *u,
			    const char *text, struct err_info *ei);
void dc_rules_describe(struct dc_call *call, struct dyn_vec *v);
void dc_rules_clear(struct dc *dc);
enum err dc_rules_load(struct dc *dc, struct err_info *ei);
enum err dc_rules_routes(struct dc *dc, struct err_info *ei);

/* ---- dc_upload.c */
void dc_upload_free_all(struct dc *dc);
enum err dc_upload_load(struct dc *dc, struct err_info *ei);
enum err dc_upload_routes(struct dc *dc, struct err_info *ei);
/* Parts become a file; f says what it is. */
enum err dc_upload_take(struct dc_call *call, const struct dyn *input,
			struct world_file *f, struct world_file **ret);
/* By id, access hash and a reference that is not stale. */
enum err dc_upload_file_of(struct dc_call *call, const struct dyn *input,
			   struct world_file **ret);

/* ---- dc_push.c */
extern const struct world_observer dc_push_observer;
/* To every online session of the user but the origin. */
void dc_push_update(struct dc *dc, int64_t user_id, const struct dyn *updates);

/* ---- dc_peers.c: what clients send to name somebody */
enum err dc_peers_input(struct dc_call *call, const struct dyn *peer,
			int64_t *ret);
enum err dc_peers_channel(struct dc_call *call, const struct dyn *input,
			  struct world_channel **ret);
enum err dc_peers_error(struct dc_call *call, enum err rc);
/* Nothing said there may be forwarded. */
bool dc_peers_protected(struct dc_call *call, int64_t peer);
/* Does slow mode count for the caller there? */
bool dc_peers_slow(struct dc_call *call, int64_t peer);
enum err dc_peers_may_write(struct dc_call *call,
			    const struct world_channel *c);
/* May the caller say something there, now? */
enum err dc_peers_may_post(struct dc_call *call, int64_t peer);
/* Afterwards: slow mode counts. */
void dc_peers_posted(struct dc_call *call, int64_t peer);
enum err dc_peers_user(struct dc_call *call, const struct dyn *input,
		       struct world_user **ret);

/* ---- dc_admin.c, dc_seed.c, dc.c */
/* An answer: one object, its fields between the two. */
void dc_admin_begin(struct jsonw *w, struct buf *out);
enum err dc_admin_end(struct http_req *req, struct jsonw *w, struct buf *out);
bool dc_admin_counter(const struct dc *dc, const char *name, uint64_t *ret);
/* {"ok":true} */
enum err dc_admin_ok(struct http_req *req);
/* By number or id; NULL: nobody. */
struct world_user *dc_admin_person(struct dc *dc, struct json v);
/* Where a message goes: "channel", "chat" or "to". */
enum err dc_admin_peer(struct dc *dc, struct json body, int64_t *ret,
		       struct err_info *ei);
/* Whom the body's key names, by number or id. */
enum err dc_admin_user(struct dc *dc, struct json obj, const char *key,
		       struct world_user **ret, struct err_info *ei);
enum err dc_admin_start(struct dc *dc, struct err_info *ei);
enum err dc_seed_demo(struct dc *dc, struct err_info *ei);
/* Stops the loop: the state file can no longer be trusted. */
void dc_fail(struct dc *dc, enum err rc, const struct err_info *ei);
int32_t dc_now(const struct dc *dc);
struct wall dc_wall(const struct dc *dc);
struct dc_node *dc_node(struct dc *dc, int id);

#endif /* DC_DC_INT_H */
