/* SPDX-License-Identifier: MIT */
/* Forums, links, pins, buttons: what the state file gives back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "dc/dc_store.h"
#include "dc/world_channel.h"
#include "dc/world_file.h"
#include "dc/world_invite.h"
#include "dc/world_topic.h"

#define NOW 1700000000

static char dir[64], path[80];
static struct dc_store *s;
static struct world w;
static struct world_user *a, *b;
static struct world_channel *c;

static void on_user(void *ctx, const struct world_user *u)
{
	dc_store_put_user(ctx, u);
}

static void on_chat(void *ctx, const struct world_chat *chat)
{
	dc_store_put_chat(ctx, chat);
}

static void on_body(void *ctx, const struct world_body *body)
{
	dc_store_put_body(ctx, body);
}

static void on_message(void *ctx, const struct world_user *u,
		       const struct world_msg *m)
{
	dc_store_put_message(ctx, u->id, m);
}

static void on_change(void *ctx, const struct world_user *u,
		      const struct world_event *e)
{
	dc_store_put_change(ctx, u->id, e);
}

static void on_channel(void *ctx, const struct world_channel *ch)
{
	dc_store_put_channel(ctx, ch);
}

static void on_seat(void *ctx, const struct world_channel *ch,
		    const struct world_seat *seat)
{
	dc_store_put_seat(ctx, ch, seat);
}

static void on_event(void *ctx, const struct world_channel *ch,
		     const struct world_event *e)
{
	dc_store_put_post(ctx, ch, e);
}

static void on_file(void *ctx, const struct world_file *f)
{
	dc_store_put_file(ctx, f);
}

static void on_invite(void *ctx, const struct world_invite *i)
{
	dc_store_put_invite(ctx, i);
}

static void on_topic(void *ctx, const struct world_channel *ch,
		     const struct world_topic *t)
{
	dc_store_put_topic(ctx, ch, t);
}

static const struct world_observer observer = {
	.on_user = on_user,
	.on_chat = on_chat,
	.on_body = on_body,
	.on_message = on_message,
	.on_change = on_change,
	.on_channel = on_channel,
	.on_seat = on_seat,
	.on_channel_event = on_event,
	.on_file = on_file,
	.on_invite = on_invite,
	.on_topic = on_topic,
};

static enum err no_keys(void *ctx, const struct dc_store_key *k)
{
	return ERR_CORRUPT;
}

static int setup(void **state)
{
	struct world_new_user ua = { .phone = "9996610001", .first = "A" };
	struct world_new_user ub = { .phone = "9996610002", .first = "B" };
	struct world_new_channel n = {
		.title = "Forum", .about = "", .megagroup = true, .date = NOW
	};
	struct world_msg *m;

	(void)state;
	strcpy(dir, "/tmp/test_dc_chats_XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/s.db", dir);
	assert_int_equal(dc_store_open(&s, path, NULL), ERR_OK);
	world_init(&w, 1);
	w.observer = &observer;
	w.observer_ctx = s;
	assert_int_equal(world_add_user(&w, &ua, &a), ERR_OK);
	assert_int_equal(world_add_user(&w, &ub, &b), ERR_OK);
	n.creator = a->id;
	assert_int_equal(world_add_channel(&w, &n, &c, &m), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	char cmd[100];

	(void)state;
	world_deinit(&w);
	dc_store_close(s);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

/* As after kill -9: all that was committed, read by another. */
static void again(void)
{
	int64_t ia = a->id, ib = b->id, ic = c->id;

	assert_int_equal(dc_store_commit(s, NULL), ERR_OK);
	world_deinit(&w);
	dc_store_close(s);
	assert_int_equal(dc_store_open(&s, path, NULL), ERR_OK);
	world_init(&w, 1);
	assert_int_equal(dc_store_load(s, &w, no_keys, NULL, NULL), ERR_OK);
	w.observer = &observer;
	w.observer_ctx = s;
	a = world_user(&w, ia);
	b = world_user(&w, ib);
	c = world_channel(&w, ic);
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
}

static struct world_msg *say(const struct world_new_msg *like, int64_t peer,
			     const char *text)
{
	struct world_new_msg n = *like;
	struct world_msg *m = NULL;
	bool repeated;

	n.from = a->id;
	n.peer = peer;
	n.text = text;
	n.text_len = strlen(text);
	n.date = NOW;
	assert_int_equal(world_send(&w, &n, &m, &repeated), ERR_OK);
	return m;
}

static void test_topics(void **state)
{
	struct world_topic t = { .creator = a->id,
				 .date = NOW,
				 .color = 7,
				 .emoji = 8,
				 .closed = true,
				 .title = "T" },
			   *made, *gone;
	struct world_new_msg in = { 0 };

	(void)state;
	assert_int_equal(world_topic_forum(&w, c, true), ERR_OK);
	t.id = (int32_t)c->n_msgs + 1;
	assert_int_equal(world_topic_add(&w, c, &t, &made), ERR_OK);
	in.extra.topic = t.id;
	say(&in, c->box.peer, "made");
	say(&in, c->box.peer, "said");
	assert_int_equal(world_topic_read_to(made, b->id, 2), ERR_OK);
	dc_store_put_topic_read(s, c, made, b->id);
	t.id = (int32_t)c->n_msgs + 1;
	assert_int_equal(world_topic_add(&w, c, &t, &gone), ERR_OK);
	world_topic_remove(&w, c, gone);
	again();
	assert_true(c->forum);
	assert_int_equal(c->topics.len, 2);
	made = world_topic(c, 2);
	assert_non_null(made);
	assert_string_equal(made->title, "T");
	assert_true(made->closed);
	assert_int_equal(made->color, 7);
	assert_int_equal(made->emoji, 8);
	assert_int_equal(made->box.n, 2);
	assert_int_equal(world_topic_read_by(made, b->id), 2);
	assert_int_equal(world_topic(c, WORLD_TOPIC_GENERAL)->box.n, 1);
}

static void test_what_hangs_on_a_message(void **state)
{
	struct world_new_msg n = { .noforwards = true };
	struct world_rewrite r = { .text = "new",
				   .text_len = 3,
				   .keep_markup = true,
				   .date = NOW + 1 };
	const struct world_extra *x;
	struct world_msg *m;

	(void)state;
	assert_int_equal(world_blob_new("e", 1, &n.extra.entities), ERR_OK);
	assert_int_equal(world_blob_new("\0m", 2, &n.extra.markup), ERR_OK);
	assert_int_equal(world_blob_new("", 0, &n.extra.object), ERR_OK);
	m = say(&n, c->box.peer, "old");
	assert_int_equal(world_channel_edit(&w, c, m->id, &r), ERR_OK);
	assert_int_equal(world_channel_pin(&w, c, m->id, true), ERR_OK);
	m = say(&n, b->id, "private");
	assert_int_equal(world_pin(&w, a, m->id, true, true), ERR_OK);
	world_blob_unref(n.extra.entities);
	world_blob_unref(n.extra.markup);
	world_blob_unref(n.extra.object);
	again();
	m = world_channel_msg(c, 2);
	x = world_extra(m->body);
	assert_string_equal(m->body->text, "new");
	assert_true(m->body->noforwards);
	assert_true(m->pinned);
	assert_null(x->entities);
	assert_int_equal(x->markup->len, 2);
	assert_memory_equal(x->markup->data, "\0m", 2);
	assert_true(world_msg(a, 1)->pinned);
	assert_false(world_msg(b, 1)->pinned);
	assert_int_equal(world_extra(world_msg(b, 1)->body)->entities->len, 1);
	assert_int_equal(world_channel_pin(&w, c, 2, false), ERR_OK);
	again();
	assert_false(world_channel_msg(c, 2)->pinned);
}

static void test_links_seats_and_groups(void **state)
{
	struct world_invite i = { .hash = "abcd",
				  .peer = c->box.peer,
				  .admin = a->id,
				  .expires = NOW,
				  .limit = 3,
				  .used = 1,
				  .request = true,
				  .title = "t" },
			    *made;
	struct world_new_chat g = { .title = "G", .creator = a->id };
	struct world_seat *seat;
	struct world_chat *chat;
	struct world_msg *m;
	int64_t id;

	(void)state;
	assert_int_equal(world_invite_add(&w, &i, &made), ERR_OK);
	assert_int_equal(world_channel_seat(&w, c, b->id, &seat), ERR_OK);
	seat->asks = true;
	seat->next_send = NOW + 5;
	world_channel_seat_changed(&w, c, seat);
	assert_int_equal(world_add_chat(&w, &g, &chat, &m), ERR_OK);
	assert_int_equal(world_chat_add(&w, chat, b->id, a->id, NOW), ERR_OK);
	world_chat_member(chat, b->id)->admin = true;
	chat->noforwards = true;
	chat->migrated_to = c->id;
	strcpy(chat->about, "about");
	world_chat_changed(&w, chat);
	world_chat_remove(&w, chat, a->id);
	id = chat->id;
	again();
	made = world_invite(&w, "abcd");
	assert_non_null(made);
	assert_int_equal(made->limit, 3);
	assert_int_equal(made->used, 1);
	assert_int_equal(made->expires, NOW);
	assert_true(made->request);
	assert_false(made->revoked);
	seat = world_seat(c, b->id);
	assert_true(seat->asks);
	assert_false(seat->in);
	assert_int_equal(seat->next_send, NOW + 5);
	chat = world_chat(&w, id);
	assert_int_equal(chat->n_members, 1);
	assert_true(world_chat_admin(chat, b->id));
	assert_true(chat->noforwards);
	assert_true(chat->migrated_to == c->id);
	assert_string_equal(chat->about, "about");
}

static void test_another_shape_is_refused(void **state)
{
	struct err_info ei = { 0 };
	struct dc_store *other;
	sqlite3 *db;

	(void)state;
	again();
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "PRAGMA user_version=1", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(dc_store_open(&other, path, &ei), ERR_CONFLICT);
	assert_non_null(strstr(ei.msg, "another version"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_topics),
		T(test_what_hangs_on_a_message),
		T(test_links_seats_and_groups),
		T(test_another_shape_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
