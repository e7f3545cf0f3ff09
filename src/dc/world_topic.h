/* SPDX-License-Identifier: MIT */
/*
 * Topics of a forum: a topic's number is that of the message that made it; the
 * messages of a topic are a list of their own, so that its history is read as
 * any other.  Number 1 is "General": what was said outside every topic.
 *
 *   owner     the channel
 *   memory    WORLD_TOPICS_MAX a channel, 4 bytes a message
 */
#ifndef DC_WORLD_TOPIC_H
#define DC_WORLD_TOPIC_H

#include "dc/world.h"

#define WORLD_TOPICS_MAX 10000U
#define WORLD_TOPIC_GENERAL 1
#define WORLD_TOPIC_TITLE_MAX 512

struct world_topic {
	int32_t id;
	int64_t creator;
	int32_t date, color;
	int64_t emoji;
	bool closed, hidden, pinned;
	bool gone; /* told to the observer as the last thing */
	char title[WORLD_TOPIC_TITLE_MAX + 1];
	struct world_dialog box; /* ids only */
	struct imap reads;	 /* user id -> struct world_topic_read */
};

struct world_topic_read {
	int64_t user_id;
	int32_t max_id;
};

struct world_topic *world_topic(const struct world_channel *c, int32_t id);
/* Of a message; General if it is in none. */
struct world_topic *world_topic_of(const struct world_channel *c,
				   const struct world_msg *m);
/* Copies the plain fields; its box begins empty. */
enum err world_topic_add(struct world *w, struct world_channel *c,
			 const struct world_topic *t, struct world_topic **ret);
/* Makes General of what was said so far. */
enum err world_topic_forum(struct world *w, struct world_channel *c, bool on);
/* After a change to its fields. */
void world_topic_changed(struct world *w, const struct world_channel *c,
			 const struct world_topic *t);
void world_topic_remove(struct world *w, struct world_channel *c,
			struct world_topic *t);
enum err world_topic_read_to(struct world_topic *t, int64_t user_id,
			     int32_t max_id);
int32_t world_topic_read_by(const struct world_topic *t, int64_t user_id);
/* For posts: in and out of the topic's box. */
enum err world_topic_put(struct world_channel *c, const struct world_msg *m);
void world_topic_drop(struct world_channel *c, const struct world_msg *m);

#endif /* DC_WORLD_TOPIC_H */
