/* SPDX-License-Identifier: MIT */
/*
 * What changed, told to whoever listens: GET /events.
 *
 * An event names a thing and what happened to it, no more: who wants to know how
 * it is now reads it, and is shown what its role may see.  So every role may
 * listen to every topic.
 *
 * The last EVENTS_KEPT are kept, already encoded; a client gets the same bytes as
 * all others, and one that comes back with the id of the last it saw gets those
 * since.  When they are not there any more, or another process made them, it gets
 * `reset`: read everything anew.  A stream ends after EVENTS_LIFE_US and the
 * client comes back by itself: so a sign-in that ended hears no more.
 *
 * Other replicas' changes come in by events_publish(), too.
 *
 *   owner     control->events
 *   memory    EVENTS_KEPT events; EVENTS_CLIENTS_MAX clients, each with up to
 *             EVENTS_UNSENT_MAX bytes it did not read yet: one above is cut
 *   failure   events_tell(): the change is too big
 */
#ifndef CONTROL_EVENTS_H
#define CONTROL_EVENTS_H

#include "base/clock.h"
#include "net/loop.h"

#define EVENTS_KEPT 4096
#define EVENTS_CLIENTS_MAX 500
#define EVENTS_UNSENT_MAX 262144
#define EVENTS_LIFE_US (INT64_C(300) * US_PER_SEC)
#define EVENTS_BEAT_US (INT64_C(15) * US_PER_SEC)
#define EVENTS_WHAT_MAX 32
#define EVENTS_ID_MAX 128
#define EVENTS_BOOT_MAX 24

struct control;
struct http_req;

enum events_topic {
	EVENTS_ACCOUNTS,
	EVENTS_NODES,
	EVENTS_COMMANDS,
	EVENTS_JOBS,
	EVENTS_TOPICS,
};

struct events_item {
	char *text; /* as it is sent */
	size_t len;
	enum events_topic topic;
	char id[EVENTS_ID_MAX];
};

struct events_client;

struct events {
	char boot[EVENTS_BOOT_MAX]; /* whose numbers these are */
	uint64_t last;		    /* number of the newest; from 1 */
	struct events_item kept[EVENTS_KEPT];
	struct events_client *clients;
	size_t nclients;
	struct wheel_timer beat;
};

void events_init(struct control *c);
void events_deinit(struct control *c);
/* All streams end: the clients come back to whoever is there then. */
void events_end(struct control *c);

/* After the change under way, if it happens; else at once.  what: static. */
enum err events_tell(struct control *c, enum events_topic topic, const char *id,
		     const char *what, struct err_info *ei);
/* Of an action in the audit log; those of no topic are not told. */
enum err events_audited(struct control *c, const char *action,
			const char *target, struct err_info *ei);
/* It has happened. */
void events_publish(struct control *c, enum events_topic topic, const char *id,
		    const char *what);

#endif /* CONTROL_EVENTS_H */
