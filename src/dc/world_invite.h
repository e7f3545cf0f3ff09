/* SPDX-License-Identifier: MIT */
/*
 * Links that let people into groups and channels: several for each, some with an
 * end, a number of uses, or an admin who must agree.
 *
 *   owner     the world; a link stays, revoked or not
 *   memory    WORLD_INVITES_MAX links
 */
#ifndef DC_WORLD_INVITE_H
#define DC_WORLD_INVITE_H

#include "dc/world.h"

#define WORLD_INVITE_LEN 16
#define WORLD_INVITES_MAX 100000U
#define WORLD_INVITE_TITLE_MAX 128

struct world_invite {
	char hash[WORLD_INVITE_LEN + 1];
	int64_t peer, admin;
	int32_t date, expires; /* 0 = never */
	int32_t limit, used;   /* 0 = no limit */
	bool revoked, permanent, request;
	char title[WORLD_INVITE_TITLE_MAX + 1];
};

/* Copied; a permanent one revokes its admin's permanent one of before. */
enum err world_invite_add(struct world *w, const struct world_invite *i,
			  struct world_invite **ret);
struct world_invite *world_invite(const struct world *w, const char *hash);
/* After a change to its fields. */
void world_invite_changed(struct world *w, const struct world_invite *i);
/* Not revoked, not over, not used up. */
bool world_invite_good(const struct world_invite *i, int32_t now);

#endif /* DC_WORLD_INVITE_H */
