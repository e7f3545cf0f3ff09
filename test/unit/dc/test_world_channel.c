/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dc/world_channel.h"

#define NOW 1700000000

struct fixture {
	struct world w;
	struct world_user *a, *b;
	struct world_channel *c;
};

static int setup(void **state)
{
	static struct fixture f;
	struct world_new_user a = { .phone = "9996610001", .first = "A" };
	struct world_new_user b = { .phone = "9996610002", .first = "B" };
	struct world_new_channel n = {
		.title = "Super", .about = "", .megagroup = true, .date = NOW
	};
	struct world_msg *m;

	memset(&f, 0, sizeof(f));
	world_init(&f.w, 1);
	assert_int_equal(world_add_user(&f.w, &a, &f.a), ERR_OK);
	assert_int_equal(world_add_user(&f.w, &b, &f.b), ERR_OK);
	n.creator = f.a->id;
	assert_int_equal(world_add_channel(&f.w, &n, &f.c, &m), ERR_OK);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	world_deinit(&((struct fixture *)*state)->w);
	return 0;
}

static struct world_msg *say(struct fixture *f, const struct world_user *u,
			     const char *text, int64_t random_id, bool *again)
{
	struct world_new_msg n = { .from = u->id,
				   .peer = world_channel_mark(f->c->id),
				   .text = text,
				   .text_len = strlen(text),
				   .random_id = random_id,
				   .date = NOW };
	struct world_msg *m = NULL;

	assert_int_equal(world_send(&f->w, &n, &m, again), ERR_OK);
	return m;
}

static void test_marks(void **state)
{
	(void)state;
	assert_true(world_channel_mark(5) == INT64_C(-1000000000005));
	assert_true(world_mark_channel(INT64_C(-1000000000005)) == 5);
	assert_true(world_mark_channel(-1001) == 0);
	assert_true(world_mark_channel(7) == 0);
}

static void test_posts_have_one_number_for_all(void **state)
{
	struct fixture *f = *state;
	struct world_msg *m;
	bool again;

	m = say(f, f->a, "one", 5, &again);
	assert_false(again);
	assert_int_equal(m->id, 2); /* after the message of its making */
	assert_int_equal(m->pts, world_channel_pts(f->c));
	assert_ptr_equal(say(f, f->a, "other", 5, &again), m);
	assert_true(again);
	/* The same number of somebody else is another message. */
	assert_ptr_not_equal(say(f, f->b, "three", 5, &again), m);
	assert_false(again);
	assert_int_equal(f->a->n_msgs, 0);
}

static void test_seats(void **state)
{
	struct fixture *f = *state;
	struct world_seat *s;

	assert_false(world_channel_sees(f->c, f->b->id));
	assert_int_equal(
		world_channel_join(&f->w, f->c, f->b->id, f->a->id, NOW),
		ERR_OK);
	assert_int_equal(f->c->n_in, 2);
	assert_true(world_channel_sees(f->c, f->b->id));
	assert_ptr_equal(imap_get(&f->b->channels, f->c->id), f->c);
	assert_false(world_channel_can(f->c, f->b->id, WORLD_MAY_POST));
	assert_true(world_channel_can(f->c, f->a->id, WORLD_MAY_ALL));
	s = world_seat(f->c, f->b->id);
	s->rights = WORLD_MAY_POST;
	assert_true(world_channel_can(f->c, f->b->id, WORLD_MAY_POST));
	assert_false(world_channel_can(f->c, f->b->id,
				       WORLD_MAY_POST | WORLD_MAY_BAN));
	world_channel_leave(&f->w, f->c, f->b->id);
	assert_int_equal(f->c->n_in, 1);
	assert_null(imap_get(&f->b->channels, f->c->id));
	s->banned = WORLD_BANNED_VIEW;
	assert_int_equal(
		world_channel_join(&f->w, f->c, f->b->id, f->a->id, NOW),
		ERR_FORBIDDEN);
}

static void test_names_are_one_space(void **state)
{
	struct fixture *f = *state;
	struct world_new_user n = { .phone = "9996610003",
				    .first = "C",
				    .username = "taken" };
	struct world_user *u;

	assert_int_equal(world_add_user(&f->w, &n, &u), ERR_OK);
	assert_int_equal(world_channel_rename(&f->w, f->c, "taken"),
			 ERR_DUPLICATE);
	assert_int_equal(world_channel_rename(&f->w, f->c, "House"), ERR_OK);
	assert_ptr_equal(world_channel_by_name(&f->w, "house"), f->c);
	assert_true(world_channel_sees(f->c, f->b->id));
	assert_int_equal(world_channel_rename(&f->w, f->c, "HOUSE"), ERR_OK);
	assert_ptr_equal(world_channel_by_name(&f->w, "house"), f->c);
	assert_int_equal(world_channel_rename(&f->w, f->c, ""), ERR_OK);
	assert_null(world_channel_by_name(&f->w, "house"));
}

/* A history of a million is held in memory: 172 bytes a plain message. */
static void test_a_message_is_small(void **state)
{
	struct fixture *f = *state;
	bool again;

	assert_int_equal(sizeof(struct world_event), 16);
	assert_true(sizeof(struct world_msg) <= 40);
	assert_true(sizeof(struct world_body) <= 56);
	assert_null(say(f, f->a, "plain", 0, &again)->body->extra);
}

static void test_log_is_the_difference(void **state)
{
	struct fixture *f = *state;
	struct world_rewrite uno = { .text = "uno",
				     .text_len = 3,
				     .date = NOW };
	const struct world_event *e;
	uint32_t n, total;
	struct world_msg *m;
	bool again;
	int32_t before = world_channel_pts(f->c);

	m = say(f, f->a, "one", 0, &again);
	say(f, f->a, "two", 0, &again);
	assert_int_equal(world_channel_edit(&f->w, f->c, m->id, &uno), ERR_OK);
	assert_int_equal(world_channel_edit(&f->w, f->c, m->id, &uno),
			 ERR_INVALID);
	assert_string_equal(m->body->text, "uno");
	assert_int_equal(world_channel_delete(&f->w, f->c, m->id), ERR_OK);
	assert_int_equal(world_channel_delete(&f->w, f->c, 2), ERR_NOTFOUND);
	assert_int_equal(f->c->box.n, 2);
	assert_int_equal(
		world_channel_difference(f->c, before, 3, &e, &n, &total),
		ERR_OK);
	assert_int_equal(n, 3);
	assert_int_equal(total, 4);
	assert_int_equal(e[2].kind, WORLD_EV_EDIT);
	assert_int_equal(world_channel_difference(f->c,
						  world_channel_pts(f->c) + 1,
						  3, &e, &n, &total),
			 ERR_INVALID);
	assert_int_equal(world_channel_unread(f->c, world_seat(f->c, f->a->id)),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_posts_have_one_number_for_all),
		T(test_seats),
		T(test_names_are_one_space),
		T(test_a_message_is_small),
		T(test_log_is_the_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
