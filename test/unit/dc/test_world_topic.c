/* SPDX-License-Identifier: MIT */
/* Topics of a forum, and links into chats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dc/world_channel.h"
#include "dc/world_invite.h"
#include "dc/world_topic.h"

#define NOW 1700000000

static struct world w;
static struct world_user *a;
static struct world_channel *c;

static int setup(void **state)
{
	struct world_new_user n = { .phone = "9996610001", .first = "A" };
	struct world_new_channel ch = {
		.title = "Forum", .about = "", .megagroup = true, .date = NOW
	};
	struct world_msg *m;

	(void)state;
	world_init(&w, 1);
	assert_int_equal(world_add_user(&w, &n, &a), ERR_OK);
	ch.creator = a->id;
	assert_int_equal(world_add_channel(&w, &ch, &c, &m), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_deinit(&w);
	return 0;
}

static struct world_msg *say(const char *text, int32_t topic)
{
	struct world_new_msg n = { .from = a->id,
				   .peer = c->box.peer,
				   .text = text,
				   .text_len = strlen(text),
				   .date = NOW,
				   .extra.topic = topic };
	struct world_msg *m = NULL;
	bool again;

	assert_int_equal(world_send(&w, &n, &m, &again), ERR_OK);
	return m;
}

static struct world_topic *make(const char *title)
{
	struct world_topic t = { .id = (int32_t)c->n_msgs + 1,
				 .creator = a->id,
				 .date = NOW },
			   *made = NULL;

	snprintf(t.title, sizeof(t.title), "%s", title);
	assert_int_equal(world_topic_add(&w, c, &t, &made), ERR_OK);
	say("made", made->id);
	return made;
}

static void test_general_holds_what_was_said_before(void **state)
{
	struct world_topic *general;

	(void)state;
	say("before", 0);
	assert_null(world_topic(c, WORLD_TOPIC_GENERAL));
	assert_int_equal(world_topic_forum(&w, c, true), ERR_OK);
	general = world_topic(c, WORLD_TOPIC_GENERAL);
	assert_non_null(general);
	assert_int_equal(general->box.n, 2);
	say("after", 0);
	assert_int_equal(general->box.n, 3);
	assert_int_equal(world_topic_forum(&w, c, false), ERR_OK);
	assert_false(c->forum);
	/* Nothing is forgotten while it is no forum. */
	say("between", 0);
	assert_int_equal(world_topic_forum(&w, c, true), ERR_OK);
	assert_int_equal(general->box.n, 4);
}

static void test_a_topic_is_a_box(void **state)
{
	struct world_topic *one, *two, *none;
	struct world_msg *m;

	(void)state;
	assert_int_equal(world_topic_forum(&w, c, true), ERR_OK);
	one = make("one");
	two = make("two");
	m = say("in one", one->id);
	assert_int_equal(one->box.n, 2);
	assert_int_equal(two->box.n, 1);
	assert_ptr_equal(world_topic_of(c, m), one);
	assert_int_equal(world_topic_add(&w, c, two, &none), ERR_DUPLICATE);
	assert_int_equal(world_channel_delete(&w, c, m->id), ERR_OK);
	assert_int_equal(one->box.n, 1);
	world_topic_remove(&w, c, two);
	assert_null(world_topic(c, 3));
}

static void test_read_marks_only_grow(void **state)
{
	struct world_topic *t;

	(void)state;
	t = make("one");
	assert_int_equal(world_topic_read_by(t, a->id), 0);
	assert_int_equal(world_topic_read_to(t, a->id, 7), ERR_OK);
	assert_int_equal(world_topic_read_to(t, a->id, 5), ERR_OK);
	assert_int_equal(world_topic_read_by(t, a->id), 7);
}

static void test_links_end(void **state)
{
	struct world_invite i = { .hash = "abc", .peer = 1, .limit = 2 }, *made;

	(void)state;
	assert_int_equal(world_invite_add(&w, &i, &made), ERR_OK);
	assert_int_equal(world_invite_add(&w, &i, &made), ERR_DUPLICATE);
	assert_ptr_equal(world_invite(&w, "abc"), made);
	assert_null(world_invite(&w, ""));
	assert_true(world_invite_good(made, NOW));
	made->used = 2;
	assert_false(world_invite_good(made, NOW));
	made->limit = 0;
	made->expires = NOW + 1;
	assert_true(world_invite_good(made, NOW));
	assert_false(world_invite_good(made, NOW + 1));
	made->expires = 0;
	made->revoked = true;
	assert_false(world_invite_good(made, NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_general_holds_what_was_said_before),
		T(test_a_topic_is_a_box),
		T(test_read_marks_only_grow),
		T(test_links_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
