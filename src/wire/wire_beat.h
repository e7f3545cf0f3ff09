/* SPDX-License-Identifier: MIT */
/*
 * The heartbeat: what a node says (wire_beat) and what it is told (wire_answer).
 *
 * The shape is the one plain clients of the earlier systems send; everything
 * below "tgfleet's own" may be absent.  Decoders copy into the caller's arena,
 * so the JSON document may go; unknown members are ignored, members of a wrong
 * type or beyond a limit are refused with their name.
 *
 *   owner     arrays and strings of a decoded message: the arena; of a message
 *             to be encoded: the caller
 *   memory    bounded by the WIRE_*_MAX limits and the arena's maximum
 *   threads   none
 *   failure   ERR_SYNTAX not JSON, ERR_INVALID with the member, ERR_TOOBIG
 */
#ifndef WIRE_WIRE_BEAT_H
#define WIRE_WIRE_BEAT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "wire/wire_status.h"

#define WIRE_POSITION_MAX 16384 /* bytes of one, as text */

/* A wait Telegram asked for; see tg/flood.h. */
struct wire_limit {
	const char *method; /* or a group of methods */
	int64_t peer;	    /* as bots see it; 0 = any */
	struct wall until;
	const char *error; /* as Telegram said it */
};

/* `id` as Telegram has it, without the -100 bots see before it. */
struct wire_channel {
	int64_t id;
	int64_t access_hash; /* 0 = not known */
	int64_t pts;
};

/*
 * Up to where an account's updates were taken, and the epoch of the lease under
 * which that was: of two positions the one with the higher epoch is right, of
 * the same epoch the one with the larger pts.
 */
struct wire_position {
	int64_t epoch;
	int64_t pts, qts, date, seq;
	const struct wire_channel *channels;
	size_t nchannels;
};

/* Times are written as RFC 3339; 0 = not said. */
struct wire_account {
	const char *account_id;
	enum wire_status status;
	const char *script_id;	  /* or NULL */
	const char *session_file; /* or NULL */
	struct wall last_activity;
	const int64_t *group_ids;
	size_t ngroup_ids;
	/*
	 * Counted since the node's boot (boot_id), never deltas: the receiver
	 * subtracts what it knows of the same boot, so a beat that arrives
	 * twice, or whose answer is lost, counts nothing twice.
	 */
	int64_t message_count;
	int64_t reply_count;
	/* tgfleet's own */
	int64_t epoch; /* of the lease it runs under; 0 = not said */
	struct wall state_since;
	struct wire_fault last_error;
	int64_t user_id; /* 0 = not known */
	const char *username;
	const char *phone;
	struct wall limited_until; /* the account as a whole; 0 = it is not */
	const struct wire_limit *limits;
	size_t nlimits;
	bool has_position; /* it moved since it was last told */
	struct wire_position position;
};

struct wire_held {
	const char *account_id;
	int64_t epoch;
};

struct wire_result {
	const char *command_id;
	bool success;
	const char *data;  /* JSON text, or NULL */
	const char *error; /* or NULL */
};

struct wire_beat {
	const char *node_id; /* may be NULL: the credentials say who it is */
	const char *status;  /* "online", "draining"; NULL = online */
	const struct wire_account *accounts;
	size_t naccounts;
	const struct wire_result *results; /* command_responses */
	size_t nresults;
	const char *metadata; /* JSON object text, or NULL */
	/* tgfleet's own; boot_id NULL = a plain client */
	const char *boot_id;
	int64_t seq; /* grows with every beat of a boot */
	bool full;   /* accounts are all there are, not only the changed */
	bool plain;  /* decoded: said nothing of held: it knows no leases */
	const struct wire_held *held; /* leases it lives under */
	size_t nheld;
	const struct wire_held *released; /* hung up; may be given away */
	size_t nreleased;
	const char *version;
};

struct wire_command {
	const char *command_id;
	const char *action;
	const char *params; /* JSON object text, never NULL when decoded */
	struct wall created_at;
};

/* A session the node has to fetch before it can run the account. */
struct wire_session_ref {
	int64_t version;
	const char *fingerprint; /* hex SHA-256 of the key */
	int64_t route_version;	 /* of the route it is to be run by; 0: none */
	const char *url;	 /* path, one use; NULL = nothing to fetch */
};

struct wire_lease {
	const char *account_id;
	int64_t epoch;
	int64_t ttl_ms; /* from the moment the beat was sent */
	bool has_session;
	struct wire_session_ref session;
	/* Newly granted only: what the last node told of the account. */
	bool has_position;
	struct wire_position position;
	const struct wire_limit *limits;
	size_t nlimits;
};

struct wire_stop {
	const char *account_id;
	int64_t epoch;
	const char *reason;
};

struct wire_answer {
	bool success;
	const char *node_id;
	const char *message;
	int64_t heartbeat_interval_ms; /* "heartbeat_interval": seconds */
	bool full_wanted; /* say everything next time: we may have missed it */
	const struct wire_command *commands;
	size_t ncommands;
	/* All this node shall run now; what is not here must be hung up. */
	const struct wire_lease *leases;
	size_t nleases;
	const struct wire_stop *stops;
	size_t nstops;
};

enum err wire_beat_encode(const struct wire_beat *beat, struct buf *out);
enum err wire_beat_decode(const void *text, size_t len, struct arena *a,
			  struct wire_beat *ret, struct err_info *ei);
enum err wire_answer_encode(const struct wire_answer *ans, struct buf *out);
enum err wire_answer_decode(const void *text, size_t len, struct arena *a,
			    struct wire_answer *ret, struct err_info *ei);
/* As the store keeps it. */
enum err wire_position_encode(const struct wire_position *pos, struct buf *out);
enum err wire_position_decode(const void *text, size_t len, struct arena *a,
			      struct wire_position *ret, struct err_info *ei);

#endif /* WIRE_WIRE_BEAT_H */
