/* SPDX-License-Identifier: MIT */
/* The book of peers: what it keeps, what it lets go, and what it never believes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tg/peers.h"
#include "tl/tl_wanted.h"

#define CHANNEL(id) (PEERS_CHANNEL - (id))

static const struct wall now = { 1000 * US_PER_SEC };

static struct wall later(int64_t s)
{
	return (struct wall){ now.us + s * US_PER_SEC };
}

static uint64_t name(const char *s)
{
	uint64_t hash = 0;

	assert_true(peers_name_hash(s, strlen(s), &hash));
	return hash;
}

static void take_user(struct peers *p, struct tlc_user u)
{
	struct tlt_User t = { .kind = TLN_user, .user = &u };

	peers_take_users(p, &(struct tlv_User){ 1, &t });
}

static void take_channel(struct peers *p, struct tlc_channel c)
{
	struct tlt_Chat t = { .kind = TLN_channel, .channel = &c };

	peers_take_chats(p, &(struct tlv_Chat){ 1, &t }, now);
}

static void take_chat(struct peers *p, struct tlc_chat c)
{
	struct tlt_Chat t = { .kind = TLN_chat, .chat = &c };

	peers_take_chats(p, &(struct tlv_Chat){ 1, &t }, now);
}

static void test_empty_costs_nothing(void **state)
{
	struct peers p = { 0 };

	assert_true(sizeof(p) <= 48);
	assert_true(sizeof(struct peers_entry) <= 24);
	assert_null(peers_find(&p, 5));
	assert_int_equal(peers_hash(&p, 5), 0);
	assert_int_equal(peers_current(&p, -5), -5);
	assert_null(peers_at(&p, 0));
	assert_null(p.entries);
	peers_deinit(&p);
}

static void test_in_order(void **state)
{
	struct peers p = { 0 };

	for (int64_t i = 0; i < 200; i++)
		peers_put(&p, (i * 37) % 200 + 1, i + 1, 0);
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(peers_at(&p, i)->id, i + 1);
	for (int64_t i = 0; i < 200; i++)
		assert_int_equal(peers_hash(&p, (i * 37) % 200 + 1), i + 1);
	peers_forget(&p, 100);
	assert_null(peers_find(&p, 100));
	assert_int_equal(peers_at(&p, 99)->id, 101);
	peers_deinit(&p);
}

/* The one used longest ago makes room, and only it. */
static void test_bounded(void **state)
{
	struct peers p = { 0 };

	for (int64_t i = 1; i <= PEERS_MAX; i++)
		peers_put(&p, i, i, 0);
	peers_use(&p, 1);
	peers_put(&p, PEERS_MAX + 1, 9, 0);
	assert_int_equal(p.n, PEERS_MAX);
	assert_null(peers_find(&p, 2));
	assert_int_equal(peers_hash(&p, 1), 1);
	assert_int_equal(peers_hash(&p, PEERS_MAX + 1), 9);
	/* an import pushes nobody out */
	peers_restore(&p, PEERS_MAX + 2, 9, 0);
	assert_null(peers_find(&p, PEERS_MAX + 2));
	/* nor does it wear out */
	p.turn = UINT32_MAX;
	peers_use(&p, 3);
	peers_put(&p, PEERS_MAX + 3, 9, 0);
	assert_int_equal(peers_hash(&p, 3), 3);
	assert_null(peers_find(&p, 4));
	peers_deinit(&p);
}

static void test_min_is_not_believed(void **state)
{
	struct peers p = { 0 };

	take_user(&p, (struct tlc_user){ .id = 5,
					 .min = true,
					 .has_access_hash = true,
					 .access_hash = 66 });
	assert_null(peers_find(&p, 5));
	take_user(&p, (struct tlc_user){ .id = 5,
					 .has_access_hash = true,
					 .access_hash = 55 });
	take_user(&p, (struct tlc_user){ .id = 5,
					 .min = true,
					 .has_access_hash = true,
					 .access_hash = 66 });
	assert_int_equal(peers_hash(&p, 5), 55);
	take_channel(&p, (struct tlc_channel){ .id = 7,
					       .has_access_hash = true,
					       .access_hash = 77,
					       .noforwards = true });
	take_channel(&p, (struct tlc_channel){ .id = 7,
					       .min = true,
					       .has_access_hash = true,
					       .access_hash = 66 });
	assert_int_equal(peers_hash(&p, CHANNEL(7)), 77);
	assert_true(peers_has(&p, CHANNEL(7), PEERS_NOFORWARDS));
	/* without a hash there is nothing to keep */
	take_channel(&p, (struct tlc_channel){ .id = 8 });
	assert_null(peers_find(&p, CHANNEL(8)));
	peers_deinit(&p);
}

/* What Telegram says replaces what it said; that somebody wrote stays. */
static void test_flags(void **state)
{
	struct peers p = { 0 };
	struct tlc_user u = {
		.id = 5, .has_access_hash = true, .access_hash = 55, .bot = true
	};
	uint32_t changes;

	peers_flag(&p, 5, PEERS_WROTE);
	assert_int_equal(peers_hash(&p, 5), 0);
	take_user(&p, u);
	assert_true(peers_has(&p, 5, PEERS_WROTE));
	assert_true(peers_has(&p, 5, PEERS_BOT));
	changes = p.changes;
	take_user(&p, u);
	assert_int_equal(p.changes, changes);
	u.bot = false;
	take_user(&p, u);
	assert_false(peers_has(&p, 5, PEERS_BOT));
	assert_true(peers_has(&p, 5, PEERS_WROTE));
	assert_int_not_equal(p.changes, changes);
	peers_restore(&p, 5, 44, PEERS_BROADCAST);
	assert_int_equal(peers_hash(&p, 5), 55);
	peers_deinit(&p);
}

static void test_migrated(void **state)
{
	struct tlc_inputChannel to = { .channel_id = 9, .access_hash = 99 };
	const struct tlc_chat c = {
		.id = 5,
		.deactivated = true,
		.has_migrated_to = true,
		.migrated_to = { .kind = TLN_inputChannel,
				 .inputChannel = &to },
	};
	struct peers p = { 0 };

	take_chat(&p, (struct tlc_chat){ .id = 5 });
	assert_null(peers_find(&p, -5)); /* nothing special */
	take_chat(&p, c);
	assert_int_equal(peers_current(&p, -5), CHANNEL(9));
	assert_int_equal(peers_hash(&p, -5), 0);
	assert_int_equal(peers_hash(&p, CHANNEL(9)), 99);
	assert_int_equal(peers_current(&p, CHANNEL(9)), CHANNEL(9));
	peers_deinit(&p);
}

/* Numbers no chat can have are not made into those of another kind. */
static void test_mad_numbers(void **state)
{
	static const int64_t ids[] = { 0, -1, INT64_MIN, INT64_MAX,
				       -PEERS_CHANNEL };
	struct peers p = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct tlc_inputChannel to = { ids[i], 7 };

		take_channel(&p, (struct tlc_channel){ .id = ids[i],
						       .has_access_hash = true,
						       .access_hash = 1 });
		take_chat(&p, (struct tlc_chat){ .id = ids[i], .left = true });
		take_chat(&p, (struct tlc_chat){
				      .id = 4,
				      .has_migrated_to = true,
				      .migrated_to = { .kind = TLN_inputChannel,
						       .inputChannel = &to } });
	}
	take_user(&p, (struct tlc_user){ .id = -5,
					 .has_access_hash = true,
					 .access_hash = 1 });
	assert_int_equal(p.n, 0);
	peers_deinit(&p);
}

static void test_seen(void **state)
{
	struct peers p = { 0 };

	assert_null(peers_where(&p, 5));
	peers_see(&p, 5, CHANNEL(1), 10);
	peers_see(&p, 5, CHANNEL(1), 12);
	peers_see(&p, 5, -3, 7);
	assert_int_equal(p.nseen, 2);
	assert_int_equal(peers_where(&p, 5)->message_id, 12);
	assert_true(peers_where(&p, 5)->chat_id == CHANNEL(1));
	for (int i = 0; i < 1000; i++)
		peers_see(&p, 100 + i, -3, i);
	assert_int_equal(p.nseen, PEERS_SEEN_MAX);
	assert_null(peers_where(&p, 5));
	assert_non_null(peers_where(&p, 1099));
	/* who is known in full needs no context */
	peers_put(&p, 6, 66, 0);
	peers_see(&p, 6, -3, 7);
	assert_null(peers_where(&p, 6));
	peers_deinit(&p);
}

static void test_names(void **state)
{
	struct peers p = { 0 };
	struct peers_name kept;
	uint64_t hash;
	int64_t id = 1;

	assert_false(peers_name_hash("abc", 3, &hash));
	assert_false(peers_name_hash("abcdefghijklmnopqrstuvwxyz0123456", 33,
				     &hash));
	assert_true(name("Durov") == name("dUROV"));
	assert_true(name("durov") != name("durow"));
	assert_false(peers_resolve(&p, name("durov"), now, &id));
	peers_name(&p, name("durov"), 5, now);
	peers_name(&p, name("nobody"), 0, now);
	assert_true(
		peers_resolve(&p, name("DUROV"), later(PEERS_NAME_S - 1), &id));
	assert_int_equal(id, 5);
	assert_false(
		peers_resolve(&p, name("durov"), later(PEERS_NAME_S), &id));
	assert_true(peers_resolve(&p, name("nobody"), later(PEERS_NOBODY_S - 1),
				  &id));
	assert_int_equal(id, 0);
	assert_false(
		peers_resolve(&p, name("nobody"), later(PEERS_NOBODY_S), &id));
	/* kept elsewhere: not for longer than it would have been here */
	kept = (struct peers_name){ name("later"), 9, later(2 * PEERS_NAME_S) };
	peers_restore_name(&p, &kept, now);
	assert_false(peers_resolve(&p, kept.hash, now, &id));
	kept.until = later(5);
	peers_restore_name(&p, &kept, now);
	assert_true(peers_resolve(&p, kept.hash, now, &id));
	for (int i = 0; i < 1000; i++)
		peers_name(&p, (uint64_t)i, i, later(i));
	assert_int_equal(p.nnames, PEERS_NAMES_MAX);
	assert_true(peers_resolve(&p, 999, later(999), &id));
	peers_deinit(&p);
}

static void test_names_of_channels(void **state)
{
	struct tlc_username more = {
		.active = true, .username = { (const uint8_t *)"second", 6 }
	};
	struct tlc_username off = { .username = { (const uint8_t *)"third",
						  5 } };
	struct tlt_Username list[] = {
		{ .kind = TLN_username, .username = &more },
		{ .kind = TLN_username, .username = &off },
	};
	struct peers p = { 0 };
	uint32_t changes;
	int64_t id = 0;
	struct tlc_channel c = { .id = 7,
				 .has_access_hash = true,
				 .access_hash = 77,
				 .has_username = true,
				 .username = { (const uint8_t *)"First", 5 },
				 .has_usernames = true,
				 .usernames = { 2, list } };

	take_channel(&p, c);
	assert_true(peers_resolve(&p, name("first"), now, &id));
	assert_true(id == CHANNEL(7));
	assert_true(peers_resolve(&p, name("second"), now, &id));
	assert_false(peers_resolve(&p, name("third"), now, &id));
	/* seen again it is no news */
	changes = p.changes;
	take_channel(&p, c);
	assert_int_equal(p.changes, changes);
	peers_deinit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_costs_nothing),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_min_is_not_believed),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_migrated),
		cmocka_unit_test(test_mad_numbers),
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_of_channels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
