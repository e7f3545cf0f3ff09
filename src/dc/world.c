/* SPDX-License-Identifier: MIT */
#include "dc/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "dc/world_int.h"

#define FIRST_USER_ID 5000000001
#define FIRST_CHAT_ID 1001
#define FIRST_CHANNEL_ID 2000000001
#define FIRST_FILE_ID 7000000001

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

int64_t world_name_key(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++) {
		uint8_t c = (uint8_t)*name;

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + 'a' - 'A');
		h = (h ^ c) * UINT64_C(0x100000001b3);
	}
	return (int64_t)h;
}

void world_init(struct world *w, uint64_t secret)
{
	*w = (struct world){ .next_user = FIRST_USER_ID,
			     .next_chat = FIRST_CHAT_ID,
			     .next_channel = FIRST_CHANNEL_ID,
			     .next_file = FIRST_FILE_ID,
			     .file_epoch = 1,
			     .next_body = 1,
			     .secret = secret };
}

static void dialog_free(struct world_dialog *d)
{
	imap_deinit(&d->by_random);
	free(d->ids);
	free(d);
}

static void user_free(struct world_user *u)
{
	struct world_dialog *d;
	uint32_t i, cursor = 0;

	while ((d = imap_next(&u->dialogs, &cursor)))
		dialog_free(d);
	imap_deinit(&u->dialogs);
	imap_deinit(&u->channels);
	world_blob_unref(u->commands);
	for (i = 0; i < u->n_msgs; i++) {
		if (!u->msgs[i])
			continue;
		world_body_unref(u->msgs[i]->body);
		free(u->msgs[i]);
	}
	free(u->msgs);
	free(u->events);
	free(u->password);
	free(u);
}

void world_deinit(struct world *w)
{
	struct world_user *u;
	struct world_chat *c;
	uint32_t cursor = 0;

	while ((u = imap_next(&w->users, &cursor)))
		user_free(u);
	cursor = 0;
	while ((c = imap_next(&w->chats, &cursor))) {
		free(c->members);
		free(c);
	}
	world_channel_free_all(w);
	world_invite_free_all(w);
	world_file_free_all(w);
	imap_deinit(&w->users);
	imap_deinit(&w->phones);
	imap_deinit(&w->usernames);
	imap_deinit(&w->chats);
}

int64_t world_phone_key(const char *phone)
{
	int64_t key = 0;
	size_t n = 0;

	if (*phone == '+')
		phone++;
	for (; *phone; phone++, n++) {
		if (*phone < '0' || *phone > '9' || n == WORLD_PHONE_MAX)
			return 0;
		key = key * 10 + (*phone - '0');
	}
	return n >= 5 ? key : 0;
}

struct world_user *world_user(const struct world *w, int64_t id)
{
	return imap_get(&w->users, id);
}

struct world_user *world_user_by_phone(const struct world *w, const char *phone)
{
	int64_t key = world_phone_key(phone);

	return key ? imap_get(&w->phones, key) : NULL;
}

struct world_user *world_user_by_name(const struct world *w, const char *name)
{
	return *name ? imap_get(&w->usernames, world_name_key(name)) : NULL;
}

struct world_chat *world_chat(const struct world *w, int64_t id)
{
	return imap_get(&w->chats, id);
}

bool world_is_member(const struct world_chat *c, int64_t user_id)
{
	return world_chat_member(c, user_id) != NULL;
}

int64_t world_access_hash(const struct world *w, int64_t viewer, int64_t target)
{
	uint64_t h = mix(w->secret ^ mix((uint64_t)viewer));

	return (int64_t)mix(h + (uint64_t)target);
}

static bool copy_text(char *dst, size_t max, const char *src)
{
	size_t len = src ? strlen(src) : 0;

	if (len > max)
		return false;
	memcpy(dst, src ? src : "", len);
	dst[len] = '\0';
	return true;
}

static enum err user_index(struct world *w, struct world_user *u)
{
	int64_t phone = world_phone_key(u->phone);
	enum err rc;

	if (phone) {
		rc = imap_put(&w->phones, phone, u);
		if (rc)
			return rc;
	}
	if (*u->username) {
		rc = imap_put(&w->usernames, world_name_key(u->username), u);
		if (rc) {
			imap_remove(&w->phones, phone);
			return rc;
		}
	}
	rc = imap_put(&w->users, u->id, u);
	if (rc) {
		imap_remove(&w->phones, phone);
		imap_remove(&w->usernames, world_name_key(u->username));
	}
	return rc;
}

enum err world_add_user(struct world *w, const struct world_new_user *n,
			struct world_user **ret)
{
	const char *phone = n->phone ? n->phone : "";
	struct world_user *u;
	enum err rc;

	if (*phone == '+')
		phone++;
	if (*phone && !world_phone_key(phone))
		return ERR_INVALID;
	if ((*phone && world_user_by_phone(w, phone)) ||
	    (n->username && world_user_by_name(w, n->username)) ||
	    (n->id && world_user(w, n->id)))
		return ERR_DUPLICATE;
	if (w->users.len >= WORLD_USERS_MAX)
		return ERR_TOOBIG;
	u = calloc(1, sizeof(*u));
	if (!u)
		return ERR_NOMEM;
	if (!copy_text(u->phone, WORLD_PHONE_MAX, phone) ||
	    !copy_text(u->first, WORLD_NAME_MAX, n->first) ||
	    !copy_text(u->last, WORLD_NAME_MAX, n->last) ||
	    !copy_text(u->username, WORLD_USERNAME_MAX, n->username)) {
		free(u);
		return ERR_INVALID;
	}
	u->id = n->id ? n->id : w->next_user;
	u->home_dc = n->home_dc;
	rc = user_index(w, u);
	if (rc) {
		free(u);
		return rc;
	}
	if (u->id >= w->next_user)
		w->next_user = u->id + 1;
	if (w->observer)
		w->observer->on_user(w->observer_ctx, u);
	*ret = u;
	return ERR_OK;
}

void world_user_changed(struct world *w, const struct world_user *u)
{
	if (w->observer)
		w->observer->on_user(w->observer_ctx, u);
}

enum err world_user_rename(struct world *w, struct world_user *u,
			   const char *username)
{
	const struct world_user *other = world_user_by_name(w, username);
	int64_t old = world_name_key(u->username);
	enum err rc;

	if (strlen(username) > WORLD_USERNAME_MAX)
		return ERR_INVALID;
	if ((other && other != u) || world_channel_by_name(w, username))
		return ERR_DUPLICATE;
	if (*username) {
		rc = imap_put(&w->usernames, world_name_key(username), u);
		if (rc)
			return rc;
	}
	if (*u->username && old != world_name_key(username))
		imap_remove(&w->usernames, old);
	if (!copy_text(u->username, WORLD_USERNAME_MAX, username))
		return ERR_INVALID;
	world_user_changed(w, u);
	return ERR_OK;
}

enum err world_load_chat(struct world *w, const struct world_chat *c)
{
	struct world_chat *copy = malloc(sizeof(*copy));
	enum err rc;

	if (!copy)
		return ERR_NOMEM;
	*copy = *c;
	copy->members =
		calloc(c->n_members ? c->n_members : 1, sizeof(*c->members));
	if (!copy->members) {
		free(copy);
		return ERR_NOMEM;
	}
	if (c->n_members)
		memcpy(copy->members, c->members,
		       c->n_members * sizeof(*c->members));
	rc = imap_put(&w->chats, c->id, copy);
	if (rc) {
		free(copy->members);
		free(copy);
		return rc;
	}
	if (c->id >= w->next_chat)
		w->next_chat = c->id + 1;
	return ERR_OK;
}

enum err world_add_chat(struct world *w, const struct world_new_chat *n,
			struct world_chat **ret, struct world_msg **ret_msg)
{
	struct world_member members[WORLD_MEMBERS_MAX];
	struct world_chat c = { .id = w->next_chat,
				.creator = n->creator,
				.date = n->date,
				.version = 1,
				.members = members };
	struct world_new_msg msg;
	bool again;
	enum err rc;
	size_t i;

	if (!n->title || !*n->title ||
	    !copy_text(c.title, WORLD_TITLE_MAX, n->title))
		return ERR_INVALID;
	if (!world_user(w, n->creator))
		return ERR_NOTFOUND;
	members[c.n_members++] = (struct world_member){
		.user_id = n->creator, .inviter_id = n->creator, .date = n->date
	};
	for (i = 0; i < n->n_members; i++) {
		if (!world_user(w, n->members[i]))
			return ERR_NOTFOUND;
		if (world_is_member(&c, n->members[i]))
			continue;
		if (c.n_members == WORLD_MEMBERS_MAX)
			return ERR_TOOBIG;
		members[c.n_members++] = (struct world_member){
			.user_id = n->members[i],
			.inviter_id = n->creator,
			.date = n->date,
		};
	}
	rc = world_load_chat(w, &c);
	if (rc)
		return rc;
	*ret = world_chat(w, c.id);
	if (w->observer)
		w->observer->on_chat(w->observer_ctx, *ret);
	msg = (struct world_new_msg){ .from = n->creator,
				      .peer = -c.id,
				      .kind = WORLD_CHAT_CREATE,
				      .text = c.title,
				      .text_len = strlen(c.title),
				      .random_id = n->random_id,
				      .date = n->date };
	return world_send(w, &msg, ret_msg, &again);
}
