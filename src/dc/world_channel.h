/* SPDX-License-Identifier: MIT */
/*
 * Supergroups and broadcast channels: one box and one log of events for all who
 * are in it, other than basic groups, whose messages lie in each member's box.
 *
 * As a peer a channel is marked -(1000000000000 + id).  Everybody who ever was in
 * it, or was banned, has a seat.  Who may do what is asked of world_channel_can();
 * the calls below do not check again.
 *
 *   owner     the world
 *   memory    stays; WORLD_SEATS_MAX people a channel
 */
#ifndef DC_WORLD_CHANNEL_H
#define DC_WORLD_CHANNEL_H

#include "dc/world.h"

#define WORLD_CHANNEL_BASE INT64_C(1000000000000)
#define WORLD_SEATS_MAX 200000U
#define WORLD_RANK_MAX 64

enum {
	WORLD_MAY_INFO = 1 << 0,
	WORLD_MAY_POST = 1 << 1,
	WORLD_MAY_EDIT = 1 << 2,
	WORLD_MAY_DELETE = 1 << 3,
	WORLD_MAY_BAN = 1 << 4,
	WORLD_MAY_INVITE = 1 << 5,
	WORLD_MAY_PIN = 1 << 6,
	WORLD_MAY_PROMOTE = 1 << 7,
	WORLD_MAY_TOPICS = 1 << 8,
	WORLD_MAY_ALL = (1 << 9) - 1,
};

enum {
	WORLD_BANNED_VIEW = 1,
	WORLD_BANNED_SEND = 2,
};

struct world_seat {
	int64_t user_id, inviter_id;
	int32_t date;
	unsigned int rights; /* of an admin */
	unsigned int banned;
	bool in;
	char rank[WORLD_RANK_MAX + 1];
	int32_t read_in;
	int32_t next_send; /* slow mode */
	bool asks;	   /* to be let in */
};

struct world_channel {
	int64_t id, creator;
	int32_t date;
	bool megagroup, noforwards, forum;
	int64_t migrated_from; /* a basic group; 0 = none */
	int32_t slow_sec;
	char title[WORLD_TITLE_MAX + 1];
	char about[WORLD_ABOUT_MAX + 1];
	char username[WORLD_USERNAME_MAX + 1];
	struct imap seats;  /* user id -> struct world_seat */
	struct imap topics; /* id -> struct world_topic */
	uint32_t n_in;
	struct world_msg **msgs; /* [id - 1] */
	uint32_t n_msgs, cap_msgs;
	struct world_event *events;
	uint32_t n_events, cap_events;
	struct world_dialog box; /* ids; by_random mixed with the sender */
};

static inline int64_t world_channel_mark(int64_t id)
{
	return -(WORLD_CHANNEL_BASE + id);
}

/* The channel's id, 0 for any other peer. */
static inline int64_t world_mark_channel(int64_t peer)
{
	return peer < -WORLD_CHANNEL_BASE ? -peer - WORLD_CHANNEL_BASE : 0;
}

static inline int32_t world_channel_pts(const struct world_channel *c)
{
	return WORLD_FIRST_PTS + (int32_t)c->n_events;
}

struct world_channel *world_channel(const struct world *w, int64_t id);
struct world_channel *world_channel_of(const struct world *w, int64_t peer);
struct world_channel *world_channel_by_name(const struct world *w,
					    const char *name);
struct world_seat *world_seat(const struct world_channel *c, int64_t user_id);
bool world_channel_in(const struct world_channel *c, int64_t user_id);
/* The creator may everything. */
bool world_channel_can(const struct world_channel *c, int64_t user_id,
		       unsigned int right);
/* Members, and everybody if it has a name. */
bool world_channel_sees(const struct world_channel *c, int64_t user_id);

struct world_new_channel {
	const char *title, *about;
	int64_t creator;
	bool megagroup;
	int64_t migrated_from;
	int32_t date;
};
/* Also writes the service message, unless it comes from a basic group. */
enum err world_add_channel(struct world *w, const struct world_new_channel *n,
			   struct world_channel **ret,
			   struct world_msg **ret_msg);
/* world_send() comes here. */
enum err world_channel_post(struct world *w, const struct world_new_msg *n,
			    struct world_msg **ret_msg, bool *ret_again);
struct world_msg *world_channel_msg(const struct world_channel *c, int32_t id);
enum err world_channel_edit(struct world *w, struct world_channel *c,
			    int32_t id, const struct world_rewrite *r);
/* ERR_INVALID: it is so already. */
enum err world_channel_pin(struct world *w, struct world_channel *c, int32_t id,
			   bool on);
enum err world_channel_delete(struct world *w, struct world_channel *c,
			      int32_t id);
enum err world_channel_difference(const struct world_channel *c, int32_t pts,
				  uint32_t limit,
				  const struct world_event **ret,
				  uint32_t *ret_n, uint32_t *ret_total);
enum err world_channel_join(struct world *w, struct world_channel *c,
			    int64_t user_id, int64_t inviter_id, int32_t date);
void world_channel_leave(struct world *w, struct world_channel *c,
			 int64_t user_id);
/* Makes a seat if there is none, and lets the caller change it. */
enum err world_channel_seat(struct world *w, struct world_channel *c,
			    int64_t user_id, struct world_seat **ret);
/* After a change to the seat, or to the channel's own fields. */
void world_channel_seat_changed(struct world *w, struct world_channel *c,
				const struct world_seat *seat);
void world_channel_changed(struct world *w, struct world_channel *c);
/* "" takes the name away.  ERR_DUPLICATE: occupied. */
enum err world_channel_rename(struct world *w, struct world_channel *c,
			      const char *username);
int32_t world_channel_unread(const struct world_channel *c,
			     const struct world_seat *seat);

/* ---- loading */
enum err world_load_channel(struct world *w, const struct world_channel *c);
enum err world_load_seat(struct world *w, int64_t channel_id,
			 const struct world_seat *seat);
/* m of WORLD_EV_MESSAGE; for others e alone. */
enum err world_load_post(struct world *w, int64_t channel_id,
			 const struct world_event *e,
			 const struct world_msg *m);

#endif /* DC_WORLD_CHANNEL_H */
