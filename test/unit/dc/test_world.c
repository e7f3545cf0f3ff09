/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dc/world.h"

#define NOW 1700000000

struct heard {
	unsigned int users, chats, bodies, messages, reads;
	int64_t last_owner;
};

static void on_user(void *ctx, const struct world_user *u)
{
	((struct heard *)ctx)->users++;
	(void)u;
}

static void on_chat(void *ctx, const struct world_chat *c)
{
	((struct heard *)ctx)->chats++;
	(void)c;
}

static void on_body(void *ctx, const struct world_body *b)
{
	((struct heard *)ctx)->bodies++;
	(void)b;
}

static void on_message(void *ctx, const struct world_user *owner,
		       const struct world_msg *m)
{
	struct heard *h = ctx;

	h->messages++;
	h->last_owner = owner->id;
	assert_int_equal(m->pts, world_pts(owner));
}

static void on_read(void *ctx, const struct world_user *owner,
		    const struct world_event *e, const struct world_dialog *d)
{
	((struct heard *)ctx)->reads++;
	assert_int_equal(e->pts, world_pts(owner));
	(void)d;
}

static const struct world_observer observer = { on_user, on_chat, on_body,
						on_message, on_read };

struct fixture {
	struct world w;
	struct heard heard;
	struct world_user *a, *b, *c;
};

static struct world_user *person(struct world *w, const char *phone,
				 const char *username)
{
	struct world_new_user n = { .phone = phone,
				    .first = "X",
				    .username = username };
	struct world_user *u = NULL;

	assert_int_equal(world_add_user(w, &n, &u), ERR_OK);
	return u;
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	world_init(&f.w, 42);
	f.w.observer = &observer;
	f.w.observer_ctx = &f.heard;
	f.a = person(&f.w, "9996610001", "ada");
	f.b = person(&f.w, "+9996610002", NULL);
	f.c = person(&f.w, "9996610003", NULL);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	world_deinit(&f->w);
	return 0;
}

static enum err say(struct world *w, int64_t from, int64_t peer,
		    int64_t random_id, struct world_msg **ret, bool *again)
{
	struct world_new_msg n = { .from = from,
				   .peer = peer,
				   .text = "hello",
				   .text_len = 5,
				   .random_id = random_id,
				   .date = NOW };

	return world_send(w, &n, ret, again);
}

static void say_ok(struct world *w, int64_t from, int64_t peer)
{
	struct world_msg *m;
	bool again;

	assert_int_equal(say(w, from, peer, 0, &m, &again), ERR_OK);
}

static void test_users_are_found_and_unique(void **state)
{
	struct fixture *f = *state;
	struct world_new_user n = { .phone = "9996610001", .first = "Y" };
	struct world_user *u = NULL;

	assert_ptr_equal(world_user_by_phone(&f->w, "+9996610002"), f->b);
	assert_ptr_equal(world_user_by_name(&f->w, "ADA"), f->a);
	assert_null(world_user_by_name(&f->w, "adam"));
	assert_null(world_user_by_name(&f->w, ""));
	assert_int_equal(world_add_user(&f->w, &n, &u), ERR_DUPLICATE);
	n.phone = "9996610009";
	n.username = "Ada";
	assert_int_equal(world_add_user(&f->w, &n, &u), ERR_DUPLICATE);
	n.username = NULL;
	n.phone = "99966x";
	assert_int_equal(world_add_user(&f->w, &n, &u), ERR_INVALID);
	n.phone = "1234567890123456";
	assert_int_equal(world_add_user(&f->w, &n, &u), ERR_INVALID);
	assert_null(u);
	assert_int_equal(f->heard.users, 3);
}

static void test_access_hash_depends_on_the_viewer(void **state)
{
	struct fixture *f = *state;
	int64_t ab = world_access_hash(&f->w, f->a->id, f->b->id);

	assert_true(ab == world_access_hash(&f->w, f->a->id, f->b->id));
	assert_true(ab != world_access_hash(&f->w, f->c->id, f->b->id));
	assert_true(ab != world_access_hash(&f->w, f->a->id, f->c->id));
}

static void test_private_message_in_both_boxes(void **state)
{
	struct fixture *f = *state;
	struct world_msg *m, *copy;
	bool again;

	say_ok(&f->w, f->c->id, f->b->id); /* so that the numbers differ */
	assert_int_equal(say(&f->w, f->a->id, f->b->id, 7, &m, &again), ERR_OK);
	assert_false(again);
	assert_true(m->out);
	assert_int_equal(m->id, 1);
	assert_int_equal(m->pts, WORLD_FIRST_PTS + 1);
	copy = world_msg(f->b, 2);
	assert_ptr_equal(copy->body, m->body);
	assert_false(copy->out);
	assert_true(copy->peer == f->a->id);
	assert_int_equal(world_dialog(f->b, f->a->id)->unread, 1);
	assert_int_equal(world_dialog(f->a, f->b->id)->unread, 0);
	assert_null(world_msg(f->b, 3));
	assert_null(world_msg(f->b, 0));
	assert_null(world_msg(f->b, -1));
}

static void test_message_to_self_is_one(void **state)
{
	struct fixture *f = *state;

	say_ok(&f->w, f->a->id, f->a->id);
	assert_int_equal(f->a->n_msgs, 1);
	assert_int_equal(f->heard.messages, 1);
	assert_int_equal(world_dialog(f->a, f->a->id)->unread, 0);
}

static void test_random_id_again(void **state)
{
	struct fixture *f = *state;
	struct world_msg *m1, *m2, *m3;
	bool again;

	assert_int_equal(say(&f->w, f->a->id, f->b->id, 7, &m1, &again),
			 ERR_OK);
	assert_int_equal(say(&f->w, f->a->id, f->b->id, 7, &m2, &again),
			 ERR_OK);
	assert_true(again);
	assert_ptr_equal(m1, m2);
	assert_int_equal(f->b->n_msgs, 1);
	assert_int_equal(f->heard.bodies, 1);
	/* The same number to somebody else, or of somebody else, is new. */
	assert_int_equal(say(&f->w, f->a->id, f->c->id, 7, &m3, &again),
			 ERR_OK);
	assert_false(again);
	assert_int_equal(say(&f->w, f->b->id, f->a->id, 7, &m3, &again),
			 ERR_OK);
	assert_false(again);
	assert_int_equal(f->b->n_msgs, 2);
}

static struct world_chat *group(struct fixture *f)
{
	int64_t members[] = { f->a->id, f->b->id, f->b->id };
	struct world_new_chat n = { .title = "G",
				    .creator = f->a->id,
				    .members = members,
				    .n_members = 3,
				    .date = NOW };
	struct world_chat *c = NULL;
	struct world_msg *m;

	assert_int_equal(world_add_chat(&f->w, &n, &c, &m), ERR_OK);
	assert_int_equal(m->body->kind, WORLD_CHAT_CREATE);
	return c;
}

static void test_group_reaches_members_only(void **state)
{
	struct fixture *f = *state;
	struct world_chat *g = group(f);
	struct world_msg *m;
	bool again;

	assert_int_equal(g->n_members, 2);
	say_ok(&f->w, f->b->id, -g->id);
	assert_int_equal(f->a->n_msgs, 2);
	assert_int_equal(f->b->n_msgs, 2);
	assert_int_equal(f->c->n_msgs, 0);
	assert_true(world_msg(f->a, 2)->peer == -g->id);
	assert_int_equal(say(&f->w, f->c->id, -g->id, 0, &m, &again),
			 ERR_FORBIDDEN);
	assert_int_equal(say(&f->w, f->a->id, -999, 0, &m, &again),
			 ERR_NOTFOUND);
	assert_int_equal(say(&f->w, f->a->id, 999, 0, &m, &again),
			 ERR_NOTFOUND);
	assert_int_equal(f->heard.chats, 1);
}

static void test_group_refusals(void **state)
{
	struct fixture *f = *state;
	int64_t nobody = 12345;
	struct world_new_chat n = { .title = "",
				    .creator = f->a->id,
				    .date = NOW };
	struct world_chat *c = NULL;
	struct world_msg *m;

	assert_int_equal(world_add_chat(&f->w, &n, &c, &m), ERR_INVALID);
	n.title = "G";
	n.members = &nobody;
	n.n_members = 1;
	assert_int_equal(world_add_chat(&f->w, &n, &c, &m), ERR_NOTFOUND);
	assert_null(c);
	assert_int_equal(f->heard.chats, 0);
}

static void test_difference(void **state)
{
	struct fixture *f = *state;
	const struct world_event *e;
	uint32_t n, total;
	int i;

	assert_int_equal(
		world_difference(f->b, world_pts(f->b), 100, &e, &n, &total),
		ERR_OK);
	assert_int_equal(total, 0);
	for (i = 0; i < 10; i++)
		say_ok(&f->w, f->a->id, f->b->id);
	assert_int_equal(
		world_difference(f->b, WORLD_FIRST_PTS + 3, 5, &e, &n, &total),
		ERR_OK);
	assert_int_equal(total, 7);
	assert_int_equal(n, 5);
	assert_int_equal(e[0].pts, WORLD_FIRST_PTS + 4);
	assert_int_equal(e[0].value, 4);
	/* Everything, for a client that knows nothing. */
	assert_int_equal(world_difference(f->b, 0, 100, &e, &n, &total),
			 ERR_OK);
	assert_int_equal(n, 10);
	assert_int_equal(
		world_difference(f->b, WORLD_FIRST_PTS + 11, 5, &e, &n, &total),
		ERR_INVALID);
	assert_int_equal(world_difference(f->b, -1, 5, &e, &n, &total),
			 ERR_INVALID);
}

static void test_read_marks(void **state)
{
	struct fixture *f = *state;
	const struct world_event *e;
	int32_t pts;
	int i;

	for (i = 0; i < 4; i++)
		say_ok(&f->w, f->a->id, f->b->id);
	assert_int_equal(world_read(&f->w, f->b, f->a->id, 2, &e), ERR_OK);
	assert_int_equal(e->kind, WORLD_EV_READ_IN);
	assert_int_equal(world_dialog(f->b, f->a->id)->unread, 2);
	assert_int_equal(world_dialog(f->a, f->b->id)->read_out, 2);
	assert_int_equal(f->heard.reads, 2);
	/* Backwards, again, of nobody: nothing happens. */
	pts = world_pts(f->b);
	assert_int_equal(world_read(&f->w, f->b, f->a->id, 1, &e), ERR_OK);
	assert_null(e);
	assert_int_equal(world_read(&f->w, f->b, f->c->id, 5, &e), ERR_OK);
	assert_null(e);
	assert_int_equal(world_pts(f->b), pts);
	/* 0 and the future both mean: all. */
	assert_int_equal(world_read(&f->w, f->b, f->a->id, 0, &e), ERR_OK);
	assert_int_equal(e->value, 4);
	assert_int_equal(world_dialog(f->b, f->a->id)->unread, 0);
	assert_int_equal(world_dialog(f->a, f->b->id)->read_out, 4);
}

static void test_loading_refuses_gaps(void **state)
{
	struct fixture *f = *state;
	struct world_body *b =
		world_body_new(1, f->a->id, NOW, WORLD_TEXT, "x", 1);
	struct world_msg m = {
		.body = b, .peer = f->a->id, .id = 2, .pts = WORLD_FIRST_PTS + 1
	};

	assert_int_equal(world_load_message(&f->w, f->b->id, &m), ERR_CORRUPT);
	m.id = 1;
	m.pts = WORLD_FIRST_PTS + 2;
	m.random_id = 5;
	assert_int_equal(world_load_message(&f->w, f->b->id, &m), ERR_CORRUPT);
	assert_int_equal(f->b->n_msgs, 0);
	m.pts = WORLD_FIRST_PTS + 1;
	assert_int_equal(world_load_message(&f->w, f->b->id, &m), ERR_OK);
	assert_int_equal(world_load_message(&f->w, 77, &m), ERR_CORRUPT);
	assert_int_equal(f->heard.messages, 0);
	world_body_unref(b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_users_are_found_and_unique),
		T(test_access_hash_depends_on_the_viewer),
		T(test_private_message_in_both_boxes),
		T(test_message_to_self_is_one),
		T(test_random_id_again),
		T(test_group_reaches_members_only),
		T(test_group_refusals),
		T(test_difference),
		T(test_read_marks),
		T(test_loading_refuses_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
