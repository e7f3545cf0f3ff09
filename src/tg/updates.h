/* SPDX-License-Identifier: MIT */
/*
 * Where an account stands in its streams of updates, and what is missing.
 *
 * Four counters, each with the same rule: an update that says (value, count)
 * applies when local + count == value, is old when local + count > value, and
 * shows a gap when local + count < value.
 *
 *	COMMON   pts of private chats and basic groups
 *	QTS      secret chats and bots
 *	SEQ      containers of updates (value = seq, count = seq - seq_start + 1)
 *	CHANNEL  pts, one counter a channel
 *
 * A gap is given UPDATES_GAP_US to close by itself (updates may overtake each
 * other); what came early is held meanwhile, copied, bounded.  Then the
 * difference is asked for.  Use:
 *
 *	switch (updates_offer(u, &it, now)) {
 *	case UPDATES_APPLY:       deliver(it); updates_accept(u, &it, now);
 *	                          while ((h = updates_ready(u))) ... the same
 *	case UPDATES_OLD:         seen before, drop
 *	case UPDATES_HELD:        kept, nothing to do
 *	}
 *	while (updates_poll(u, now, &ask)) send(ask);
 *
 * The position moves in updates_accept() only, after the consumer took the
 * update: what was delivered but not accepted is delivered again.
 *
 * Asking for a channel's difference takes its access hash, from the book of
 * peers; without it the channel waits for the answer or update that brings one.
 *
 *   owner     one account embeds it by value
 *   memory    none until a gap or a channel appears; channels and held updates
 *             are bounded, held ones are dropped for a difference above that
 *   threads   none
 *   failure   never: out of memory turns into "ask for the difference"
 */
#ifndef TG_UPDATES_H
#define TG_UPDATES_H

#include "base/clock.h"
#include "base/err.h"
#include "tg/peers.h"

#define UPDATES_GAP_US INT64_C(500000)
#define UPDATES_SILENCE_US INT64_C(900000000) /* then ask, to be sure */
#define UPDATES_RETRY_US INT64_C(5000000)     /* after a failed difference */
#define UPDATES_HELD_MAX 64
#define UPDATES_HELD_BYTES_MAX 262144
#define UPDATES_CHANNELS_MAX 512

struct updates_pos {
	int32_t pts, qts, date, seq;
};

enum updates_box {
	UPDATES_COMMON,
	UPDATES_QTS,
	UPDATES_SEQ,
	UPDATES_CHANNEL,
};

struct updates_item {
	enum updates_box box;
	int64_t channel_id; /* CHANNEL only */
	int32_t value, count;
	int32_t date;	  /* SEQ only; 0 = not said */
	const void *data; /* NULL: cannot be held, a gap asks at once */
	size_t len;
};

enum updates_verdict {
	UPDATES_APPLY,
	UPDATES_OLD,
	UPDATES_HELD,
};

struct updates_ask {
	bool channel; /* else the common difference */
	int64_t channel_id;
	int64_t access_hash;
	struct updates_pos pos; /* only pts for a channel */
};

struct updates_channel;
struct updates_held;

struct updates_place {
	int64_t channel_id, access_hash;
	int32_t pts;
};

struct updates {
	struct updates_pos pos;
	bool known;   /* pos is one */
	bool running; /* a common difference was asked for */
	bool wanted;
	bool channels_wanted;	 /* some channel wants one: look */
	struct mono gap;	 /* common boxes: when patience ends */
	struct mono channel_gap; /* the earliest of any channel's */
	struct mono silence;
	struct mono retry; /* no difference before, after a failed one */
	const struct peers
		*peers; /* borrowed: a channel is asked by its hash */
	struct updates_channel *channels;
	struct updates_held *held, *taken;
	uint32_t nchannels, nheld;
	size_t held_bytes;
};

void updates_init(struct updates *u, const struct peers *peers);
void updates_deinit(struct updates *u);

/* The stored or fetched state.  `complete`: nothing happened since it. */
void updates_set(struct updates *u, struct updates_pos pos, bool complete,
		 struct mono now);
/* The connection is gone: what was asked for will not be answered. */
void updates_disconnected(struct updates *u);

enum updates_verdict updates_offer(struct updates *u,
				   const struct updates_item *it,
				   struct mono now);
void updates_accept(struct updates *u, const struct updates_item *it,
		    struct mono now);
/* A held update whose turn has come; valid until the next call on u. */
const struct updates_item *updates_ready(struct updates *u);

/* updatesTooLong and refusals of the consumer: ask, whatever the counters. */
void updates_want(struct updates *u);
/* updateChannelTooLong; also makes the channel known (pts 0 = as it is). */
void updates_want_channel(struct updates *u, int64_t channel_id, int32_t pts);
/* The channel is known at least up to there; what came since is asked for. */
void updates_set_channel(struct updates *u, int64_t channel_id, int32_t pts);
/* Where the channel is now: a beginning, if there was none. */
void updates_begin_channel(struct updates *u, int64_t channel_id, int32_t pts);
/* The book of peers has grown: what waited for a hash may be asked for. */
void updates_look_again(struct updates *u);
/* In any order; false = no i-th.  pts 0 = not known yet. */
bool updates_channel_at(const struct updates *u, uint32_t i,
			struct updates_place *ret);
int32_t updates_channel_pts(const struct updates *u, int64_t channel_id);

/* True when a difference must be asked for now; it counts as running then. */
bool updates_poll(struct updates *u, struct mono now, struct updates_ask *ret);
/* An answer was delivered and accepted up to pos; !final = more to ask. */
void updates_diff_done(struct updates *u, struct updates_pos pos, bool final,
		       struct mono now);
void updates_diff_failed(struct updates *u, struct mono now);
void updates_channel_done(struct updates *u, int64_t channel_id, int32_t pts,
			  bool final);
/* `gone`: the account has lost the channel; forget it. */
void updates_channel_failed(struct updates *u, int64_t channel_id, bool gone,
			    struct mono now);

/* When to call updates_poll() again if nothing arrives. */
struct mono updates_deadline(const struct updates *u);

#endif /* TG_UPDATES_H */
