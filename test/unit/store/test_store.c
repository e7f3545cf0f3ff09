/* SPDX-License-Identifier: MIT */
/*
 * People, nodes, accounts, commands, jobs.
 */
#include "store_fix.h"

static void test_users(void **state)
{
	struct fix *f = *state;
	struct store_user u = { .name = "root",
				.password_hash = "h1",
				.role = "admin",
				.created = SEC(1) };
	struct store_user got;
	struct store_login l = { .token = hash(1),
				 .created = SEC(1),
				 .expires = SEC(100) };
	int64_t id, id2;

	OK(f->ops->user_add(f->st, &u, &id, &f->ei));
	IS(f->ops->user_add(f->st, &u, &id2, &f->ei), ERR_DUPLICATE);
	u.name = "x";
	u.role = "god";
	IS(f->ops->user_add(f->st, &u, &id2, &f->ei), ERR_INVALID);
	IS(f->ops->user_get(f->st, "nobody", &f->a, &got, &f->ei),
	   ERR_NOTFOUND);
	OK(f->ops->user_get(f->st, "root", &f->a, &got, &f->ei));
	assert_int_equal(got.id, id);

	/* three failures lock, and the count starts again */
	for (int i = 0; i < 3; i++)
		OK(f->ops->user_login_failed(f->st, id, 3, SEC(50), &f->ei));
	OK(f->ops->user_get_id(f->st, id, &f->a, &got, &f->ei));
	assert_int_equal(got.locked_until.us, SEC(50).us);
	assert_int_equal(got.failed_logins, 0);
	OK(f->ops->user_login_ok(f->st, id, SEC(60), &f->ei));
	OK(f->ops->user_get_id(f->st, id, &f->a, &got, &f->ei));
	assert_int_equal(got.locked_until.us, 0);

	/* nobody left to administer: refused, nothing changed */
	got.disabled = true;
	IS(f->ops->user_update(f->st, &got, STORE_USER_DISABLED, &f->ei),
	   ERR_CONFLICT);
	IS(f->ops->user_delete(f->st, id, &f->ei), ERR_CONFLICT);
	OK(f->ops->user_get(f->st, "root", &f->a, &got, &f->ei));
	assert_false(got.disabled);

	l.user_id = id;
	OK(f->ops->login_add(f->st, &l, &f->ei));
	OK(f->ops->login_get(f->st, &l.token, SEC(99), &f->a, &l, &f->ei));
	assert_string_equal(l.user_name, "root");
	OK(f->ops->login_confirm(f->st, &l.token, SEC(70), &f->ei));
	OK(f->ops->login_get(f->st, &l.token, SEC(99), &f->a, &l, &f->ei));
	assert_int_equal(l.created.us, SEC(70).us);
	IS(f->ops->login_get(f->st, &l.token, SEC(100), &f->a, &l, &f->ei),
	   ERR_UNAUTHORIZED);
	/* a new password ends what was signed in */
	got.password_hash = "h2";
	OK(f->ops->user_update(f->st, &got, STORE_USER_PASSWORD, &f->ei));
	IS(f->ops->login_get(f->st, &l.token, SEC(9), &f->a, &l, &f->ei),
	   ERR_UNAUTHORIZED);
	IS(f->ops->login_confirm(f->st, &l.token, SEC(70), &f->ei),
	   ERR_NOTFOUND);
}

static void test_settings_keys_audit(void **state)
{
	struct fix *f = *state;
	struct store_apikey k = { .id = "k1",
				  .name = "ci",
				  .hash = hash(7),
				  .role = "viewer",
				  .created_by = "root",
				  .expires = SEC(10) };
	struct store_audit e = { .actor = "user:root",
				 .action = "account.update",
				 .target = "100",
				 .after = "{}" };
	struct store_audits l;
	struct store_idem i = { .actor = "a", .key = "k", .body = "{}" };
	const char *v;

	OK(f->ops->kv_init(f->st, "instance", "A", &f->a, &v, &f->ei));
	OK(f->ops->kv_init(f->st, "instance", "B", &f->a, &v, &f->ei));
	assert_string_equal(v, "A");
	OK(f->ops->kv_set(f->st, "instance", "C", &f->ei));
	OK(f->ops->kv_get(f->st, "instance", &f->a, &v, &f->ei));
	assert_string_equal(v, "C");
	IS(f->ops->kv_get(f->st, "none", &f->a, &v, &f->ei), ERR_NOTFOUND);

	OK(f->ops->apikey_add(f->st, &k, &f->ei));
	IS(f->ops->apikey_add(f->st, &k, &f->ei), ERR_DUPLICATE);
	OK(f->ops->apikey_get(f->st, &k.hash, SEC(9), &f->a, &k, &f->ei));
	IS(f->ops->apikey_get(f->st, &k.hash, SEC(10), &f->a, &k, &f->ei),
	   ERR_UNAUTHORIZED);
	OK(f->ops->apikey_delete(f->st, "k1", &f->ei));
	IS(f->ops->apikey_delete(f->st, "k1", &f->ei), ERR_NOTFOUND);

	for (int n = 0; n < 5; n++) {
		e.at = SEC(n);
		OK(f->ops->audit_add(f->st, &e, &f->ei));
	}
	OK(f->ops->audit_list(f->st,
			      &(struct store_audit_query){ .target = "100",
							   .offset = 1,
							   .limit = 2 },
			      &f->a, &l, &f->ei));
	assert_int_equal(l.total, 5);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.items[0].at.us, SEC(3).us);
	assert_null(l.items[0].before);

	OK(f->ops->idem_add(f->st, &i, &f->ei));
	IS(f->ops->idem_add(f->st, &i, &f->ei), ERR_DUPLICATE);
	OK(f->ops->idem_get(f->st, "a", "k", &f->a, &i, &f->ei));
	IS(f->ops->idem_get(f->st, "b", "k", &f->a, &i, &f->ei), ERR_NOTFOUND);
}

static void test_enrol(void **state)
{
	struct fix *f = *state;
	struct store_join j = { .id = "j1",
				.hash = hash(3),
				.created_by = "root",
				.created = SEC(1),
				.expires = SEC(10) };
	struct store_node n = { .node_id = "n3",
				.name = "n1",
				.token = hash(33),
				.has_public_key = true };
	struct store_joins l;
	struct store_hash h = hash(3), no = hash(4);

	memset(n.public_key, 9, sizeof(n.public_key));
	OK(f->ops->join_add(f->st, &j, &f->ei));
	IS(f->ops->node_enroll(f->st, &no, &n, SEC(2), &f->ei),
	   ERR_UNAUTHORIZED);
	IS(f->ops->node_enroll(f->st, &h, &n, SEC(10), &f->ei),
	   ERR_UNAUTHORIZED);
	/* the name is taken: the token must not be used up by that */
	IS(f->ops->node_enroll(f->st, &h, &n, SEC(2), &f->ei), ERR_DUPLICATE);
	n.name = "three";
	OK(f->ops->node_enroll(f->st, &h, &n, SEC(2), &f->ei));
	n.node_id = "n4";
	n.name = "four";
	n.token = hash(44);
	IS(f->ops->node_enroll(f->st, &h, &n, SEC(2), &f->ei),
	   ERR_UNAUTHORIZED);
	OK(f->ops->join_list(f->st, &f->a, &l, &f->ei));
	assert_int_equal(l.n, 1);
	assert_string_equal(l.items[0].used_by_node, "n3");
	h = hash(33);
	OK(f->ops->node_by_token(f->st, &h, &f->a, &n, &f->ei));
	assert_string_equal(n.node_id, "n3");
	assert_true(n.has_public_key);
	assert_int_equal(n.public_key[31], 9);
	assert_int_equal(n.max_accounts, 1000);
	h = hash(34);
	IS(f->ops->node_by_token(f->st, &h, &f->a, &n, &f->ei),
	   ERR_UNAUTHORIZED);
}

static void test_nodes(void **state)
{
	struct fix *f = *state;
	struct store_node n = { .node_id = "n1", .name = "n2" };
	struct store_account acc;
	struct store_nodes l;
	int64_t epoch;

	IS(f->ops->node_update(f->st, &n, STORE_NODE_NAME, SEC(3), &f->ei),
	   ERR_DUPLICATE);
	n.name = "one";
	n.draining = true;
	OK(f->ops->node_update(f->st, &n, STORE_NODE_NAME | STORE_NODE_DRAINING,
			       SEC(3), &f->ei));
	OK(f->ops->node_list(f->st, &f->a, &l, &f->ei));
	assert_int_equal(l.n, 2);
	assert_string_equal(l.items[0].name, "one");
	assert_true(l.items[0].draining);
	assert_int_equal(l.items[0].accounts, 3);
	assert_int_equal(l.items[0].token.bytes[31], 0x5a);
	n.node_id = "n9";
	IS(f->ops->node_update(f->st, &n, STORE_NODE_DRAINING, SEC(3), &f->ei),
	   ERR_NOTFOUND);

	OK(f->ops->lease_grant(f->st,
			       &(struct store_lease_grant){ .account_id = "100",
							    .node_id = "n1",
							    .now = SEC(3) },
			       &epoch, &f->ei));
	IS(f->ops->node_delete(f->st, "n1", &f->ei), ERR_CONFLICT);
	OK(f->ops->lease_release(
		f->st, "n1", &(struct store_lease_ref){ "100", epoch, false },
		SEC(4), &f->ei));
	OK(f->ops->node_delete(f->st, "n1", &f->ei));
	OK(f->ops->account_get(f->st, "100", &f->a, &acc, &f->ei));
	assert_null(acc.node_id);
	IS(f->ops->node_delete(f->st, "n1", &f->ei), ERR_NOTFOUND);
}

static void test_accounts(void **state)
{
	struct fix *f = *state;
	const char *tags[] = { "vip", "eu", "vip" };
	struct store_account a = { .account_id = "200",
				   .display_name = "O'Neil; DROP TABLE x",
				   .tags = tags,
				   .n_tags = 3,
				   .source = "remote" };
	struct store_account got;

	OK(f->ops->account_add(f->st, &a, SEC(5), &f->ei));
	IS(f->ops->account_add(f->st, &a, SEC(5), &f->ei), ERR_DUPLICATE);
	OK(f->ops->account_get(f->st, "200", &f->a, &got, &f->ei));
	assert_string_equal(got.display_name, a.display_name);
	assert_int_equal(got.n_tags, 2);
	assert_string_equal(got.tags[1], "vip");
	assert_null(got.phone);
	assert_string_equal(got.status, "offline");
	assert_int_equal(got.version, 1);

	/* only the named fields; the wrong version is refused */
	a.priority = 7;
	a.display_name = "else";
	a.version = 2;
	IS(f->ops->account_update(f->st, &a, STORE_ACC_PRIORITY, SEC(6),
				  &f->ei),
	   ERR_CONFLICT);
	a.version = 1;
	OK(f->ops->account_update(f->st, &a, STORE_ACC_PRIORITY, SEC(6),
				  &f->ei));
	OK(f->ops->account_get(f->st, "200", &f->a, &got, &f->ei));
	assert_int_equal(got.priority, 7);
	assert_int_equal(got.version, 2);
	assert_string_equal(got.display_name, "O'Neil; DROP TABLE x");
	a.version = 0;
	a.status = "limited";
	a.error_code = "FLOOD";
	OK(f->ops->account_update(f->st, &a, STORE_ACC_STATUS, SEC(7), &f->ei));
	OK(f->ops->account_get(f->st, "200", &f->a, &got, &f->ei));
	assert_int_equal(got.version, 2);
	assert_string_equal(got.error_code, "FLOOD");
	assert_int_equal(got.status_since.us, SEC(7).us);

	/* n2 has room for two */
	a.node_id = "n9";
	IS(f->ops->account_update(f->st, &a, STORE_ACC_NODE, SEC(8), &f->ei),
	   ERR_NOTFOUND);
	a.node_id = "n2";
	OK(f->ops->account_update(f->st, &a, STORE_ACC_NODE, SEC(8), &f->ei));
	OK(f->ops->account_update(f->st, &a, STORE_ACC_NODE, SEC(8), &f->ei));
	a.account_id = "100";
	OK(f->ops->account_update(f->st, &a, STORE_ACC_NODE, SEC(8), &f->ei));
	a.account_id = "101";
	IS(f->ops->account_update(f->st, &a, STORE_ACC_NODE, SEC(8), &f->ei),
	   ERR_CAPACITY);
	assert_string_equal(f->ei.msg, "node n2 holds 2 of 2 accounts");

	OK(f->ops->account_delete(f->st, "200", SEC(9), &f->ei));
	IS(f->ops->account_get(f->st, "200", &f->a, &got, &f->ei),
	   ERR_NOTFOUND);
	a.account_id = "";
	IS(f->ops->account_add(f->st, &a, SEC(5), &f->ei), ERR_INVALID);
}

static struct store_accounts list(struct fix *f, struct store_account_query q)
{
	struct store_accounts l;

	if (!q.limit)
		q.limit = 100;
	OK(f->ops->account_list(f->st, &q, &f->a, &l, &f->ei));
	return l;
}

static void fill(struct fix *f, int n)
{
	const char *tags[] = { "even" };

	OK(f->ops->begin(f->st, &f->ei));
	for (int i = 0; i < n; i++) {
		char id[16], name[32];
		struct store_account a = { .account_id = id, .username = name };

		snprintf(id, sizeof(id), "7%06d", i);
		snprintf(name, sizeof(name), "user_%d%%", i);
		a.enabled = i % 2 == 0;
		a.tags = tags;
		a.n_tags = i % 2 == 0;
		a.script_id = i % 4 == 0 ? "welcome" : NULL;
		a.priority = i % 10;
		a.status = i % 5 == 0 ? "online" : NULL;
		OK(f->ops->account_add(f->st, &a, SEC(10 + i), &f->ei));
	}
	OK(f->ops->commit(f->st, &f->ei));
}

#define Q(...) ((struct store_account_query){ __VA_ARGS__ })

static void test_account_lists(void **state)
{
	struct fix *f = *state;
	struct store_accounts l;
	const char *last = NULL;
	int64_t seen = 0;

	fill(f, 20000);
	assert_int_equal(list(f, Q(.limit = 0)).total, 20003);
	l = list(f, Q(.offset = 20000));
	assert_int_equal(l.n, 3);
	assert_string_equal(l.items[2].account_id, "7019999");
	assert_int_equal(list(f, Q(.node_id = "n1")).total, 3);
	assert_int_equal(list(f, Q(.assigned = STORE_NO)).total, 20000);
	assert_int_equal(list(f, Q(.enabled = STORE_NO)).total, 10000);
	assert_int_equal(list(f, Q(.tag = "even")).total, 10000);
	assert_int_equal(
		list(f, Q(.script_id = "welcome", .status = "online")).total,
		1000);
	assert_int_equal(list(f, Q(.source = "remote")).total, 0);
	assert_int_equal(list(f, Q(.has_session = STORE_NO)).total, 20003);
	/* what looks like a pattern is not one */
	assert_int_equal(list(f, Q(.search = "user_19999%")).total, 1);
	assert_int_equal(list(f, Q(.search = "%")).total, 20000);
	assert_int_equal(list(f, Q(.search = "r_1%' OR 1=1")).total, 0);
	l = list(f, Q(.sort = STORE_SORT_PRIORITY, .descending = true));
	assert_int_equal(l.items[99].priority, 9);
	assert_string_equal(l.items[0].account_id, "7019999");
	l = list(f, Q(.sort = STORE_SORT_CREATED, .offset = 3));
	assert_string_equal(l.items[0].account_id, "7000000");

	/* the cursor sees each once */
	do {
		l = list(f, Q(.after = last, .limit = 900, .no_total = true));
		for (size_t i = 0; i < l.n; i++) {
			assert_true(!last ||
				    strcmp(last, l.items[i].account_id) < 0);
			last = l.items[i].account_id;
		}
		seen += (int64_t)l.n;
	} while (l.n);
	assert_int_equal(seen, 20003);
}

static void test_totals(void **state)
{
	struct fix *f = *state;
	struct store_totals t;

	fill(f, 100);
	OK(f->ops->account_totals(f->st, 20261122, &t, &f->ei));
	assert_int_equal(t.accounts, 103);
	assert_int_equal(t.enabled, 53);
	assert_int_equal(t.assigned, 3);
	assert_int_equal(t.online, 20);
	assert_int_equal(t.offline, 83);
	assert_int_equal(t.with_session, 0);
}

static void add_command(struct fix *f, const char *id, int expires)
{
	struct store_command c = { .command_id = id,
				   .node_id = "n1",
				   .action = "reload",
				   .created = SEC(1),
				   .expires = SEC(expires) };

	OK(f->ops->command_add(f->st, &c, &f->ei));
	IS(f->ops->command_add(f->st, &c, &f->ei), ERR_DUPLICATE);
}

static struct store_commands fetch(struct fix *f, int now, unsigned int limit)
{
	struct store_commands l;

	OK(f->ops->command_fetch(f->st, "n1", SEC(now), limit, &f->a, &l,
				 &f->ei));
	return l;
}

static void test_commands(void **state)
{
	struct fix *f = *state;
	struct store_command c = { .command_id = "x",
				   .node_id = "n9",
				   .action = "reload" };
	struct store_command_result r = { "c", STORE_CMD_SUCCEEDED, "{\"n\":1}",
					  NULL, false };
	struct store_commands l;
	size_t n;

	IS(f->ops->command_add(f->st, &c, &f->ei), ERR_NOTFOUND);
	add_command(f, "c", 100);
	add_command(f, "a", 100);
	add_command(f, "b", 20);
	l = fetch(f, 5, 2);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.items[0].command_id, "c");
	assert_int_equal(l.items[0].state, STORE_CMD_DELIVERED);
	/* again, until answered */
	assert_int_equal(fetch(f, 6, 10).n, 3);
	OK(f->ops->command_settle(f->st, "n1", &r, SEC(7), &f->ei));
	r.state = STORE_CMD_FAILED;
	OK(f->ops->command_settle(f->st, "n1", &r, SEC(8), &f->ei));
	OK(f->ops->command_get(f->st, "n1", "c", &f->a, &c, &f->ei));
	assert_int_equal(c.state, STORE_CMD_SUCCEEDED);
	assert_int_equal(c.finished.us, SEC(7).us);
	assert_int_equal(c.deliveries, 2);
	assert_string_equal(c.data, "{\"n\":1}");
	IS(f->ops->command_settle(f->st, "n2", &r, SEC(8), &f->ei),
	   ERR_NOTFOUND);
	assert_int_equal(fetch(f, 20, 10).n, 1);
	OK(f->ops->command_expire(f->st, SEC(20), &n, &f->ei));
	assert_int_equal(n, 1);
	OK(f->ops->command_list(
		f->st,
		&(struct store_command_query){
			.node_id = "n1", .finished = STORE_YES, .limit = 1 },
		&f->a, &l, &f->ei));
	assert_int_equal(l.total, 2);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.items[0].state, STORE_CMD_EXPIRED);
	OK(f->ops->command_delete(f->st, "n1", "a", &f->ei));
	assert_int_equal(fetch(f, 21, 10).n, 0);
}

/* One more of the kind, under a name of its own. */
static enum err add_more(struct fix *f, const struct store_command *like)
{
	static int n;
	struct store_command c = *like;
	char id[16];

	snprintf(id, sizeof(id), "more%d", n++);
	c.command_id = id;
	return f->ops->command_add(f->st, &c, &f->ei);
}

/* The plain client that never answers, and the queue that never ends. */
static void test_command_limits(void **state)
{
	struct fix *f = *state;
	struct store_node n = { .node_id = "n1", .ack_on_delivery = true };
	struct store_command c = { .command_id = "over",
				   .node_id = "n1",
				   .action = "reload" };
	char id[16];
	size_t n_expired;

	OK(f->ops->node_update(f->st, &n, STORE_NODE_ACK_ON_DELIVERY, SEC(1),
			       &f->ei));
	add_command(f, "once", 100);
	assert_int_equal(fetch(f, 5, 10).n, 1);
	assert_int_equal(fetch(f, 6, 10).n, 0);
	OK(f->ops->begin(f->st, &f->ei));
	for (int i = 0; i < STORE_QUEUE_MAX; i++) {
		snprintf(id, sizeof(id), "q%d", i);
		c.command_id = id;
		OK(f->ops->command_add(f->st, &c, &f->ei));
	}
	c.command_id = "over";
	IS(f->ops->command_add(f->st, &c, &f->ei), ERR_CAPACITY);
	/* what leaves the queue in the same batch makes room for one */
	OK(f->ops->command_delete(f->st, "n1", "q7", &f->ei));
	OK(f->ops->command_add(f->st, &c, &f->ei));
	IS(add_more(f, &c), ERR_CAPACITY);
	OK(f->ops->command_settle(
		f->st, "n1",
		&(struct store_command_result){ .command_id = "q8",
						.state = STORE_CMD_FAILED },
		SEC(7), &f->ei));
	OK(add_more(f, &c));
	IS(add_more(f, &c), ERR_CAPACITY);
	OK(f->ops->command_expire(f->st, SEC(1000), &n_expired, &f->ei));
	OK(add_more(f, &c));
	f->ops->rollback(f->st);
	OK(f->ops->command_add(f->st, &c, &f->ei));
}

/* A line for each of ten thousand accounts is kept; more than the limit is not. */
static void test_job_result(void **state)
{
	struct fix *f = *state;
	struct store_job j = { .job_id = "j1",
			       .kind = "start-all",
			       .state = "running",
			       .created = SEC(1) };
	char *big = malloc(STORE_RESULT_MAX + 2);

	assert_non_null(big);
	memset(big, ' ', STORE_RESULT_MAX + 1);
	big[STORE_RESULT_MAX] = '\0';
	OK(f->ops->job_add(f->st, &j, &f->ei));
	j.result = big;
	j.state = "succeeded";
	OK(f->ops->job_update(f->st, &j, &f->ei));
	OK(f->ops->job_get(f->st, "j1", &f->a, &j, &f->ei));
	assert_int_equal(strlen(j.result), STORE_RESULT_MAX);
	big[STORE_RESULT_MAX] = ' ';
	big[STORE_RESULT_MAX + 1] = '\0';
	j.result = big;
	IS(f->ops->job_update(f->st, &j, &f->ei), ERR_TOOBIG);
	j.result = NULL;
	big[STORE_JSON_MAX + 1] = '\0';
	j.progress = big;
	IS(f->ops->job_update(f->st, &j, &f->ei), ERR_TOOBIG);
	free(big);
}

static void test_jobs(void **state)
{
	struct fix *f = *state;
	struct store_job j = { .job_id = "j1",
			       .kind = "start-all",
			       .state = "running",
			       .created = SEC(1) };
	struct store_jobs l;
	size_t n;

	OK(f->ops->job_add(f->st, &j, &f->ei));
	IS(f->ops->job_add(f->st, &j, &f->ei), ERR_DUPLICATE);
	j.job_id = "j2";
	j.created = SEC(2);
	OK(f->ops->job_add(f->st, &j, &f->ei));
	j.state = "succeeded";
	j.result = "{}";
	OK(f->ops->job_update(f->st, &j, &f->ei));
	OK(f->ops->job_interrupt(f->st, NULL, SEC(9), &n, &f->ei));
	assert_int_equal(n, 1);
	OK(f->ops->job_list(f->st, &(struct store_job_query){ NULL, 0, 10 },
			    &f->a, &l, &f->ei));
	assert_int_equal(l.total, 2);
	assert_string_equal(l.items[0].state, "succeeded");
	assert_string_equal(l.items[1].error, "interrupted");
	OK(f->ops->job_get(f->st, "j1", &f->a, &j, &f->ei));
	assert_int_equal(j.finished.us, SEC(9).us);
	j.job_id = "j3";
	IS(f->ops->job_update(f->st, &j, &f->ei), ERR_NOTFOUND);
	OK(f->ops->purge(f->st, SEC(40 * 86400), 1, &n, &f->ei));
	assert_int_equal(n, 1);
	OK(f->ops->purge(f->st, SEC(40 * 86400), 100, &n, &f->ei));
	assert_int_equal(n, 1);
}

static struct store_route a_route(int64_t version)
{
	return (struct store_route){ .account_id = "100",
				     .version = version,
				     .kind = "socks5",
				     .host = "192.0.2.1",
				     .port = 1080,
				     .user = "u",
				     .sealed = "sealed",
				     .sealed_len = 6,
				     .wrapped_key = "key",
				     .wrapped_key_len = 3 };
}

/* What a lease is decided by: the version, and that whose test passed. */
static void is_version(struct fix *f, int64_t version, int64_t tested)
{
	const struct store_lease_query q = { "n1", NULL, 10 };
	struct store_assignments l;
	struct store_account acc;

	OK(f->ops->assignment_list(f->st, &q, &f->a, &l, &f->ei));
	assert_int_equal(l.n, 3);
	assert_string_equal(l.items[0].account_id, "100");
	assert_int_equal(l.items[1].route_version, 0);
	assert_int_equal(l.items[0].route_version, version);
	assert_int_equal(l.items[0].route_tested, tested);
	OK(f->ops->account_get(f->st, "100", &f->a, &acc, &f->ei));
	assert_int_equal(acc.route.version, version);
	assert_int_equal(acc.route.tested, tested);
	assert_null(acc.route.sealed);
}

static void test_routes(void **state)
{
	struct fix *f = *state;
	struct store_route r = a_route(1), got;
	int64_t next;

	is_version(f, 0, 0);
	IS(f->ops->route_get(f->st, "100", &f->a, &got, &f->ei), ERR_NOTFOUND);
	OK(f->ops->route_next_version(f->st, "100", &next, &f->ei));
	assert_int_equal(next, 1);
	r.sealed = NULL;
	IS(f->ops->route_put(f->st, &r, &f->ei), ERR_INVALID);
	r = a_route(1);
	OK(f->ops->route_put(f->st, &r, &f->ei));
	is_version(f, 1, 0);
	OK(f->ops->route_get(f->st, "100", &f->a, &got, &f->ei));
	assert_string_equal(got.host, "192.0.2.1");
	assert_string_equal(got.user, "u");
	assert_int_equal(got.port, 1080);
	assert_int_equal(got.sealed_len, 6);
	assert_memory_equal(got.sealed, "sealed", 6);
	assert_memory_equal(got.wrapped_key, "key", 3);
	assert_null(got.test);

	r.tested = 1;
	r.test = "{\"passed\":true}";
	OK(f->ops->route_set_test(f->st, &r, &f->ei));
	is_version(f, 1, 1);
	/* only the next version may follow, and its test is open */
	IS(f->ops->route_put(f->st, &r, &f->ei), ERR_CONFLICT);
	r = a_route(3);
	IS(f->ops->route_put(f->st, &r, &f->ei), ERR_CONFLICT);
	r = a_route(2);
	OK(f->ops->route_put(f->st, &r, &f->ei));
	is_version(f, 2, 0);
	OK(f->ops->route_get(f->st, "100", &f->a, &got, &f->ei));
	assert_null(got.test);
	/* the outcome of a test of the one before comes too late */
	r = a_route(1);
	r.test = "{}";
	r.tested = 1;
	IS(f->ops->route_set_test(f->st, &r, &f->ei), ERR_NOTFOUND);
	is_version(f, 2, 0);

	/* a name that comes back does not meet its old route again */
	OK(f->ops->account_delete(f->st, "100", SEC(2), &f->ei));
	add_account(f, "100", "n1");
	is_version(f, 3, 3);
	OK(f->ops->route_get(f->st, "100", &f->a, &got, &f->ei));
	assert_null(got.kind);
	assert_null(got.sealed);
	OK(f->ops->route_next_version(f->st, "100", &next, &f->ei));
	assert_int_equal(next, 4);
}

/* A job goes with its replica, not with another one's start. */
static void test_replicas(void **state)
{
	struct fix *f = *state;
	struct store_job j = { .kind = "k", .state = "running" };
	const char *const ids[] = { "mine", "theirs", "gone", "old" };
	const char *const owners[] = { "rep_a", "rep_b", "rep_c", NULL };
	struct store_replicas l;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		j.job_id = ids[i];
		j.owner = owners[i];
		OK(f->ops->job_add(f->st, &j, &f->ei));
	}
	OK(f->ops->replica_beat(f->st, "rep_a", SEC(1), &f->ei));
	OK(f->ops->replica_beat(f->st, "rep_b", SEC(1), &f->ei));
	OK(f->ops->replica_beat(f->st, "rep_b", SEC(2), &f->ei));
	IS(f->ops->replica_beat(f->st, "", SEC(2), &f->ei), ERR_INVALID);
	OK(f->ops->replica_list(f->st, &f->a, &l, &f->ei));
	assert_int_equal(l.n, 2);
	assert_string_equal(l.items[1].replica_id, "rep_b");
	assert_int_equal(l.items[1].beats, 2);
	OK(f->ops->job_interrupt(f->st, NULL, SEC(9), &n, &f->ei));
	assert_int_equal(n, 2); /* gone, old */
	OK(f->ops->job_interrupt(f->st, "rep_a", SEC(9), &n, &f->ei));
	assert_int_equal(n, 1);
	OK(f->ops->job_get(f->st, "theirs", &f->a, &j, &f->ei));
	assert_string_equal(j.state, "running");
	assert_string_equal(j.owner, "rep_b");
	IS(f->ops->replica_drop(f->st, "rep_b", 1, &f->ei), ERR_CONFLICT);
	OK(f->ops->replica_drop(f->st, "rep_b", 2, &f->ei));
	OK(f->ops->job_interrupt(f->st, NULL, SEC(9), &n, &f->ei));
	assert_int_equal(n, 1);
}

/* More rows than a list has room for at first. */
static void test_long_lists(void **state)
{
	struct fix *f = *state;
	struct store_job j = { .kind = "k", .state = "queued" };
	struct store_jobs l;
	char id[16];

	j.job_id = id;
	for (int i = 0; i < 70; i++) {
		snprintf(id, sizeof(id), "j%02d", i);
		OK(f->ops->job_add(f->st, &j, &f->ei));
	}
	for (unsigned int limit = 15; limit < 80; limit++) {
		size_t n = limit < 70 ? limit : 70;

		OK(f->ops->job_list(f->st,
				    &(struct store_job_query){ NULL, 0, limit },
				    &f->a, &l, &f->ei));
		assert_int_equal(l.n, n);
		assert_int_equal(l.total, 70);
		for (size_t i = 0; i < n; i++) {
			snprintf(id, sizeof(id), "j%02u", (unsigned int)i);
			assert_string_equal(l.items[i].job_id, id);
		}
	}
}

static const struct CMUnitTest tests[] = {
	T(test_long_lists),	T(test_users),	    T(test_settings_keys_audit),
	T(test_enrol),		T(test_nodes),	    T(test_accounts),
	T(test_account_lists),	T(test_totals),	    T(test_commands),
	T(test_command_limits), T(test_jobs),	    T(test_routes),
	T(test_replicas),	T(test_job_result),
};

RUN_ALL(tests)
