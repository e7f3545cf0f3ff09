/* SPDX-License-Identifier: MIT */
/*
 * One account against a server in memory, with what it said written down, for
 * tests of the engine: a test answers each query itself.
 *
 *	said	user:ID:NAME:PHONE:NAME  online  refused:NAME:ERR
 *		<CHAT:MSG:TEXT (> when ours, ~ before an edit, ! a service one)
 *		-CHAT:N:FIRST of deleted ones   pressed:USER:CHAT:MSG:DATA
 *		sent:TAG:ERR:MSG of every answer
 */
#ifndef TEST_LIB_RIG_H
#define TEST_LIB_RIG_H

#include "fakedc.h"
#include "tg/engine.h"

#define RIG_SEC INT64_C(1790000000)
#define RIG_SELF 4242

struct rig {
	struct engine_env env;
	struct engine e;
	struct fakedc dc;
	struct rnd_seeded rnd;
	struct mono now;
	struct updates_pos pos; /* last told */
	char said[4096];
	int refuse;  /* messages the consumer does not take */
	enum err rc; /* of the last feed or tick */
	/* hears every event after it was written down; may be NULL */
	void (*hook)(struct rig *r, const struct engine_event *ev);
};

int rig_setup(void **state);
int rig_teardown(void **state);
void rig_pump(struct rig *r);
void rig_pass(struct rig *r, int64_t us);
void rig_connect(struct rig *r);
void rig_hang_up(struct rig *r);
void rig_answer_self(struct rig *r);
void rig_answer_state(struct rig *r, struct updates_pos pos);
void rig_come_online(struct rig *r);
struct dyn *rig_message(struct rig *r, int id, const char *text);
struct dyn *rig_new_message(struct rig *r, int id, const char *text, int pts);
void rig_push_updates(struct rig *r, struct dyn *u, int seq);
void rig_answer_difference(struct rig *r, bool slice, int first_id, int n,
			   struct updates_pos pos);
/* Takes a query and reads it; the object lives as long as *ret. */
struct dyn *rig_asked(struct rig *r, uint16_t function,
		      struct fakedc_query *ret);
/* "field=value ..." of an object, in order, objects in brackets. */
const char *rig_text(const struct dyn *d);
/* That was asked, in the words of rig_text(); it is refused, the tag is free. */
void rig_asked_for(struct rig *r, uint16_t function, const char *words);
void rig_answer(struct rig *r, const struct fakedc_query *q, uint16_t function,
		struct dyn *obj);
/* Updates with these in it, and users and chats to be filled. */
struct dyn *rig_updates(struct rig *r, struct dyn *first, struct dyn *second);
struct dyn *rig_channel(struct rig *r, int64_t id, int64_t hash);
struct dyn *rig_user(struct rig *r, int64_t id, int64_t hash);
struct dyn *rig_peer(struct rig *r, int64_t id);
void rig_refuse(struct rig *r, int function, const char *name);
void rig_reconnect(struct rig *r);

#endif /* TEST_LIB_RIG_H */
