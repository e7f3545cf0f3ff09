/* SPDX-License-Identifier: MIT */
/* What the files of the world share. */
#ifndef DC_WORLD_INT_H
#define DC_WORLD_INT_H

#include "dc/world.h"
#include "dc/world_channel.h"
#include "dc/world_file.h"
#include "dc/world_invite.h"
#include "dc/world_topic.h"

int64_t world_name_key(const char *name);
/* Room for one more item, doubling. */
enum err world_box_room(void **items, uint32_t n, uint32_t *cap, size_t size);
enum err world_box_event(struct world_user *u, const struct world_event *e);
/* The newest message of the dialog that is not newer than the body; 0 = none. */
int32_t world_box_find(const struct world_dialog *d,
		       struct world_msg *const *msgs, int64_t body_id);
/* Takes a number out of the list, if it is there. */
void world_box_drop(struct world_dialog *d, int32_t id);
int32_t world_box_reply(const struct world_dialog *d,
			struct world_msg *const *msgs,
			const struct world_body *b);
/* ERR_INVALID: it is like that already. */
enum err world_body_edit(struct world_body *b, const struct world_rewrite *r);
/* A body of what n says, one reference the caller's; told to the observer. */
enum err world_body_make(struct world *w, const struct world_new_msg *n,
			 struct world_body **ret);
void world_channel_free_all(struct world *w);
void world_file_free_all(struct world *w);
void world_invite_free_all(struct world *w);
void world_topic_free_all(struct world_channel *c);

#endif /* DC_WORLD_INT_H */
