/* SPDX-License-Identifier: MIT */
/* Edits and deletions in the boxes of people and basic groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dc/world.h"

#define NOW 1700000000

static struct world w;
static struct world_user *a, *b;
static struct world_chat *group;

static int setup(void **state)
{
	struct world_new_user na = { .phone = "9996610001", .first = "A" };
	struct world_new_user nb = { .phone = "9996610002", .first = "B" };
	struct world_new_chat g = { .title = "G", .n_members = 1, .date = NOW };
	struct world_msg *m;

	(void)state;
	world_init(&w, 1);
	assert_int_equal(world_add_user(&w, &na, &a), ERR_OK);
	assert_int_equal(world_add_user(&w, &nb, &b), ERR_OK);
	g.creator = a->id;
	g.members = &b->id;
	return world_add_chat(&w, &g, &group, &m);
}

static int teardown(void **state)
{
	(void)state;
	world_deinit(&w);
	return 0;
}

static struct world_msg *say(int64_t from, int64_t peer, const char *text,
			     int64_t reply_to)
{
	struct world_new_msg n = { .from = from,
				   .peer = peer,
				   .text = text,
				   .text_len = strlen(text),
				   .random_id = 9,
				   .date = NOW,
				   .extra.reply_to = reply_to };
	struct world_msg *m = NULL;
	bool again;

	assert_int_equal(world_send(&w, &n, &m, &again), ERR_OK);
	return m;
}

static void test_everybodys_copy_changes(void **state)
{
	struct world_rewrite x = { .text = "x", .text_len = 1, .date = NOW };
	struct world_rewrite fresh = { .text = "new",
				       .text_len = 3,
				       .date = NOW };
	int64_t peers[] = { b->id, -group->id };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct world_msg *m = say(a->id, peers[i], "old", 0);
		int32_t pts_a = world_pts(a), pts_b = world_pts(b);
		int32_t theirs = (int32_t)b->n_msgs, mine = m->id;

		assert_int_equal(world_edit(&w, b, theirs, &x), ERR_FORBIDDEN);
		assert_int_equal(world_edit(&w, a, mine, &fresh), ERR_OK);
		assert_string_equal(world_msg(b, theirs)->body->text, "new");
		assert_int_equal(world_pts(a), pts_a + 1);
		assert_int_equal(world_pts(b), pts_b + 1);
		assert_int_equal(world_delete(&w, a, mine, true), ERR_OK);
		assert_null(world_msg(a, mine));
		assert_null(world_msg(b, theirs));
		assert_int_equal(world_delete(&w, a, mine, true), ERR_NOTFOUND);
		assert_int_equal(b->events[b->n_events - 1].kind,
				 WORLD_EV_DELETE);
		assert_int_equal(b->events[b->n_events - 1].value, theirs);
	}
	assert_int_equal(world_edit(&w, a, 1, &x), ERR_NOTFOUND);
}

static void test_only_mine(void **state)
{
	struct world_msg *m = say(a->id, b->id, "hi", 0);
	int32_t theirs = (int32_t)b->n_msgs;

	(void)state;
	assert_int_equal(world_dialog(b, a->id)->unread, 1);
	assert_int_equal(world_delete(&w, a, m->id, false), ERR_OK);
	assert_non_null(world_msg(b, theirs));
	assert_int_equal(world_dialog(a, b->id)->n, 0);
	/* Its number is not used again. */
	assert_int_equal(say(a->id, b->id, "again", 0)->id, 3);
	assert_int_equal(world_delete(&w, b, theirs, false), ERR_OK);
	assert_int_equal(world_dialog(b, a->id)->unread, 1);
}

static void test_reply_is_found_in_each_box(void **state)
{
	struct world_msg *first, *second;

	(void)state;
	say(b->id, b->id, "only in b's box", 0);
	first = say(a->id, b->id, "question", 0);
	second = say(b->id, a->id, "answer", first->body->id);
	assert_int_equal(second->reply_id, (int32_t)b->n_msgs - 1);
	assert_int_equal(world_msg(a, (int32_t)a->n_msgs)->reply_id, first->id);
	/* What the other one does not have is no reply there. */
	assert_int_equal(world_delete(&w, a, first->id, false), ERR_OK);
	second = say(b->id, -group->id, "elsewhere", first ? 2 : 0);
	assert_int_equal(second->reply_id, 0);
}

static void test_formatting_and_buttons_are_kept(void **state)
{
	struct world_msg *m = say(a->id, b->id, "old", 0);
	struct world_rewrite r = { .date = NOW };
	struct world_blob *one, *two;

	(void)state;
	assert_int_equal(world_blob_new("one", 3, &one), ERR_OK);
	assert_int_equal(world_blob_new("two", 3, &two), ERR_OK);
	r.markup = one;
	assert_int_equal(world_edit(&w, a, m->id, &r), ERR_OK);
	assert_string_equal(m->body->text, "old");
	assert_ptr_equal(world_extra(m->body)->markup, one);
	assert_int_equal(one->refs, 2);
	assert_int_equal(world_edit(&w, a, m->id, &r), ERR_INVALID);
	r = (struct world_rewrite){ .text = "old",
				    .text_len = 3,
				    .entities = two,
				    .keep_markup = true,
				    .date = NOW };
	assert_int_equal(world_edit(&w, a, m->id, &r), ERR_OK);
	assert_ptr_equal(world_extra(m->body)->markup, one);
	assert_ptr_equal(world_extra(m->body)->entities, two);
	r.entities = NULL;
	r.keep_markup = false;
	assert_int_equal(world_edit(&w, a, m->id, &r), ERR_OK);
	assert_null(m->body->extra);
	assert_int_equal(one->refs, 1);
	world_blob_unref(one);
	world_blob_unref(two);
	assert_int_equal(world_blob_new("x", WORLD_BLOB_MAX + 1, &one),
			 ERR_TOOBIG);
}

static void test_pins(void **state)
{
	struct world_msg *m = say(a->id, b->id, "look", 0);
	int32_t theirs = (int32_t)b->n_msgs;

	(void)state;
	assert_int_equal(world_pin(&w, a, 77, true, false), ERR_NOTFOUND);
	assert_int_equal(world_pin(&w, a, m->id, true, true), ERR_OK);
	assert_false(world_msg(b, theirs)->pinned);
	assert_int_equal(world_pin(&w, a, m->id, true, true), ERR_INVALID);
	assert_int_equal(world_pin(&w, a, m->id, false, false), ERR_OK);
	assert_int_equal(world_pin(&w, a, m->id, true, false), ERR_OK);
	assert_true(m->pinned);
	assert_true(world_msg(b, theirs)->pinned);
	assert_int_equal(b->events[b->n_events - 1].kind, WORLD_EV_PIN);
	assert_int_equal(b->events[b->n_events - 1].peer, a->id);
}

static void test_group_members_come_and_go(void **state)
{
	struct world_new_user n = { .phone = "9996610009", .first = "C" };
	struct world_user *c;
	int32_t version = group->version;
	uint32_t before = group->n_members;

	(void)state;
	assert_int_equal(world_add_user(&w, &n, &c), ERR_OK);
	assert_int_equal(world_chat_add(&w, group, 1, a->id, NOW),
			 ERR_NOTFOUND);
	assert_int_equal(world_chat_add(&w, group, c->id, b->id, NOW), ERR_OK);
	assert_int_equal(world_chat_add(&w, group, c->id, b->id, NOW),
			 ERR_DUPLICATE);
	assert_int_equal(group->version, version + 1);
	assert_false(world_chat_admin(group, c->id));
	world_chat_member(group, c->id)->admin = true;
	assert_true(world_chat_admin(group, c->id));
	assert_true(world_chat_admin(group, group->creator));
	world_chat_remove(&w, group, c->id);
	assert_null(world_chat_member(group, c->id));
	assert_int_equal(group->n_members, before);
	group->migrated_to = 5;
	assert_int_equal(world_send(&w,
				    &(struct world_new_msg){ .from = a->id,
							     .peer = -group->id,
							     .text = "x",
							     .text_len = 1 },
				    &(struct world_msg *){ NULL },
				    &(bool){ false }),
			 ERR_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_everybodys_copy_changes),
		T(test_only_mine),
		T(test_reply_is_found_in_each_box),
		T(test_formatting_and_buttons_are_kept),
		T(test_pins),
		T(test_group_members_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
