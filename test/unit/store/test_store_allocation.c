/* SPDX-License-Identifier: MIT */
/*
 * Many accounts at once: what is read for a plan, and a plan written whole or not
 * at all.
 */
#include "store_fix.h"

static struct store_places places(struct fix *f, bool unassigned,
				  const char *accounts, unsigned int limit)
{
	const struct store_place_query q = { unassigned, accounts, limit };
	struct store_places l;

	OK(f->ops->place_list(f->st, &q, &f->a, &l, &f->ei));
	return l;
}

static const char *node_of(struct fix *f, const char *account)
{
	struct store_account acc;

	OK(f->ops->account_get(f->st, account, &f->a, &acc, &f->ei));
	return acc.node_id ? acc.node_id : "-";
}

static void test_places(void **state)
{
	struct fix *f = *state;
	struct store_account acc = { .account_id = "102", .status = "online" };
	struct store_places l;
	int64_t epoch;

	add_account(f, "200", NULL);
	acc.status_since = SEC(3);
	OK(f->ops->account_update(f->st, &acc, STORE_ACC_STATUS, SEC(3),
				  &f->ei));
	OK(f->ops->lease_grant(f->st,
			       &(struct store_lease_grant){ .account_id = "101",
							    .node_id = "n1",
							    .expect_epoch = 0,
							    .takeover = false,
							    .now = SEC(3) },
			       &epoch, &f->ei));
	acc = (struct store_account){ .account_id = "100" };
	OK(f->ops->account_update(f->st, &acc, STORE_ACC_ENABLED, SEC(3),
				  &f->ei));
	acc = (struct store_account){ .account_id = "300",
				      .source = "remote",
				      .node_id = "n2",
				      .enabled = true };
	OK(f->ops->account_add(f->st, &acc, SEC(3), &f->ei));

	l = places(f, false, NULL, 100);
	assert_int_equal(l.n, 5);
	assert_string_equal(l.items[0].account_id, "100");
	assert_true(l.items[0].kept && !l.items[0].running);
	assert_true(!l.items[1].kept && l.items[1].running);
	assert_true(l.items[2].running);
	assert_null(l.items[3].node_id);
	assert_true(!l.items[3].kept && !l.items[3].running);
	assert_string_equal(l.items[4].node_id, "n2");
	assert_true(l.items[4].kept); /* its session is there only */
	assert_int_equal(places(f, false, NULL, 2).n, 2);
	l = places(f, true, NULL, 100);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.items[0].account_id, "200");
	l = places(f, false, "{\"300\":1,\"nobody\":1,\"101\":1}", 100);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.items[0].account_id, "101");
	/* released: it may be moved again */
	OK(f->ops->lease_release(
		f->st, "n1", &(struct store_lease_ref){ "101", epoch, false },
		SEC(4), &f->ei));
	assert_false(places(f, false, NULL, 9).items[1].running);
}

static void test_loads(void **state)
{
	struct fix *f = *state;
	struct store_loads l;

	add_node(f, "a1", 7);
	add_account(f, "200", NULL);
	OK(f->ops->load_list(f->st, &f->a, &l, &f->ei));
	assert_int_equal(l.n, 3);
	assert_string_equal(l.items[0].node_id, "a1");
	assert_int_equal(l.items[0].accounts, 0);
	assert_int_equal(l.items[0].max_accounts, 7);
	assert_int_equal(l.items[1].accounts, 3);
	assert_false(l.items[1].draining);
	assert_int_equal(l.unassigned, 1);
}

static void test_assign(void **state)
{
	struct fix *f = *state;
	struct store_assign list[] = { { "100", "n2" },
				       { "101", NULL },
				       { "102", "n2" } };
	struct store_account acc;

	OK(f->ops->assign(f->st, list, 3, SEC(5), &f->ei));
	assert_string_equal(node_of(f, "100"), "n2");
	assert_string_equal(node_of(f, "101"), "-");
	OK(f->ops->account_get(f->st, "102", &f->a, &acc, &f->ei));
	assert_string_equal(acc.node_id, "n2");
	assert_int_equal(acc.version, 2);
	assert_int_equal(acc.updated.us, SEC(5).us);

	/* one that cannot be, and none is */
	list[0].node_id = list[2].node_id = "n1";
	list[1].account_id = "nobody";
	IS(f->ops->assign(f->st, list, 3, SEC(6), &f->ei), ERR_NOTFOUND);
	list[1] = (struct store_assign){ "101", "nowhere" };
	IS(f->ops->assign(f->st, list, 3, SEC(6), &f->ei), ERR_NOTFOUND);
	add_node(f, "s1", 2);
	for (size_t i = 0; i < 3; i++)
		list[i].node_id = "s1";
	IS(f->ops->assign(f->st, list, 3, SEC(6), &f->ei), ERR_CAPACITY);
	assert_non_null(strstr(f->ei.msg, "node s1 would hold 3"));
	assert_string_equal(node_of(f, "100"), "n2");
	assert_string_equal(node_of(f, "101"), "-");
	OK(f->ops->assign(f->st, list, 2, SEC(6), &f->ei));
	/* nothing to do is fine */
	OK(f->ops->assign(f->st, list, 0, SEC(6), &f->ei));
	/* as a part of a batch it undoes only itself */
	OK(f->ops->begin(f->st, &f->ei));
	IS(f->ops->assign(f->st, list, 3, SEC(6), &f->ei), ERR_CAPACITY);
	list[2].node_id = "n1";
	OK(f->ops->assign(f->st, list + 2, 1, SEC(6), &f->ei));
	OK(f->ops->commit(f->st, &f->ei));
	assert_string_equal(node_of(f, "102"), "n1");
}

#define MANY 3000

static void test_assign_many(void **state)
{
	static struct store_assign list[MANY];
	static char ids[MANY][16];
	struct fix *f = *state;
	struct store_loads l;

	OK(f->ops->begin(f->st, &f->ei));
	for (size_t i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "@\"acc%zu", i);
		add_account(f, ids[i], NULL);
		list[i] = (struct store_assign){ ids[i], i % 3 ? "n2" : "s1" };
	}
	OK(f->ops->commit(f->st, &f->ei));
	add_node(f, "s1", MANY / 3);
	add_node(f, "n3", 9);
	OK(f->ops->node_update(
		f->st,
		&(struct store_node){ .node_id = "n2", .max_accounts = MANY },
		STORE_NODE_MAX_ACCOUNTS, SEC(3), &f->ei));
	OK(f->ops->assign(f->st, list, MANY, SEC(5), &f->ei));
	OK(f->ops->load_list(f->st, &f->a, &l, &f->ei));
	assert_string_equal(l.items[3].node_id, "s1");
	assert_int_equal(l.items[3].accounts, MANY / 3);
	assert_int_equal(l.items[1].accounts, MANY - MANY / 3);
	assert_int_equal(l.unassigned, 0);
}

static void test_pins(void **state)
{
	struct fix *f = *state;
	struct store_account acc = { .account_id = "100", .node_id = "n2" };
	struct store_account got;

	OK(f->ops->pin(f->st, "100", "n1", SEC(5), &f->ei));
	OK(f->ops->account_get(f->st, "100", &f->a, &got, &f->ei));
	assert_string_equal(got.pinned_node, "n1");
	assert_int_equal(got.version, 2);
	assert_string_equal(places(f, false, NULL, 9).items[0].pinned_node,
			    "n1");
	IS(f->ops->account_update(f->st, &acc, STORE_ACC_NODE, SEC(6), &f->ei),
	   ERR_CONFLICT);
	assert_non_null(strstr(f->ei.msg, "unpin it first"));
	OK(f->ops->pin(f->st, "100", "n2", SEC(5), &f->ei));
	OK(f->ops->account_update(f->st, &acc, STORE_ACC_NODE, SEC(6), &f->ei));
	OK(f->ops->pin(f->st, "100", NULL, SEC(5), &f->ei));
	assert_null(places(f, false, NULL, 9).items[0].pinned_node);
	IS(f->ops->pin(f->st, "100", "n9", SEC(5), &f->ei), ERR_NOTFOUND);
	IS(f->ops->pin(f->st, "999", "n1", SEC(5), &f->ei), ERR_NOTFOUND);
	/* a node or an account that goes takes its pins along */
	OK(f->ops->pin(f->st, "100", "n2", SEC(5), &f->ei));
	OK(f->ops->pin(f->st, "101", "n1", SEC(5), &f->ei));
	OK(f->ops->node_delete(f->st, "n2", &f->ei));
	assert_null(places(f, false, NULL, 9).items[0].pinned_node);
	OK(f->ops->account_delete(f->st, "101", SEC(6), &f->ei));
}

static void test_differences(void **state)
{
	struct fix *f = *state;
	struct store_report rep = { .account_id = "100", .status = "online" };
	struct store_heartbeat hb = { .node_id = "n2",
				      .now = SEC(100),
				      .reports = &rep,
				      .n_reports = 1 };
	struct store_account acc = { .account_id = "102",
				     .desired_online = true };
	struct store_findings l;
	int64_t epoch;

	OK(f->ops->difference_list(f->st, SEC(50), &f->a, &l, &f->ei));
	assert_int_equal(l.n, 0);
	/* n2 runs what is n1's; 101 is moved while n1 holds it; 102 waits */
	OK(f->ops->lease_grant(f->st,
			       &(struct store_lease_grant){ .account_id = "100",
							    .node_id = "n1",
							    .expect_epoch = 0,
							    .takeover = false,
							    .now = SEC(3) },
			       &epoch, &f->ei));
	OK(f->ops->heartbeat_apply(f->st, &hb, &f->ei));
	OK(f->ops->lease_grant(f->st,
			       &(struct store_lease_grant){ .account_id = "101",
							    .node_id = "n1",
							    .expect_epoch = 0,
							    .takeover = false,
							    .now = SEC(3) },
			       &epoch, &f->ei));
	OK(f->ops->assign(f->st, &(struct store_assign){ "101", "n2" }, 1,
			  SEC(4), &f->ei));
	OK(f->ops->account_update(f->st, &acc, STORE_ACC_DESIRED, SEC(5),
				  &f->ei));
	OK(f->ops->difference_list(f->st, SEC(50), &f->a, &l, &f->ei));
	assert_int_equal(l.n, 3);
	assert_string_equal(l.items[0].kind, "duplicate");
	assert_string_equal(l.items[0].account_id, "100");
	assert_string_equal(l.items[0].node_id, "n2");
	assert_string_equal(l.items[0].expected, "n1");
	assert_string_equal(l.items[1].kind, "missing");
	assert_string_equal(l.items[1].account_id, "102");
	assert_string_equal(l.items[1].expected, "n1");
	assert_string_equal(l.items[2].kind, "orphan");
	assert_string_equal(l.items[2].node_id, "n1");
	assert_string_equal(l.items[2].expected, "n2");
	/* long ago is not now */
	OK(f->ops->difference_list(f->st, SEC(101), &f->a, &l, &f->ei));
	assert_int_equal(l.n, 2);
}

static const struct CMUnitTest tests[] = {
	T(test_places),	     T(test_loads), T(test_assign),
	T(test_assign_many), T(test_pins),  T(test_differences),
};

RUN_ALL(tests)
