/* SPDX-License-Identifier: MIT */
/*
 * Scripts, their versions, and which nodes were given which.
 */
#include "store_fix.h"

static struct store_script a_script(int64_t version, int n)
{
	return (struct store_script){ .script_id = "welcome",
				      .version = version,
				      .label = "1.0",
				      .sha256 = hash(n),
				      .content = "scenes: [1]\n",
				      .size = 12,
				      .author = "user:root",
				      .created = SEC(n) };
}

static struct store_scripts list_of(struct fix *f, const char *id)
{
	struct store_script_query q = { .script_id = id, .limit = 100 };
	struct store_scripts l;

	OK(f->ops->script_list(f->st, &q, &f->a, &l, &f->ei));
	return l;
}

static void test_versions(void **state)
{
	struct fix *f = *state;
	struct store_script s = a_script(1, 1), got;
	struct store_scripts l;

	IS(f->ops->script_get(f->st, "welcome", 0, &f->a, &got, &f->ei),
	   ERR_NOTFOUND);
	OK(f->ops->script_put(f->st, &s, &f->ei));
	IS(f->ops->script_put(f->st, &s, &f->ei), ERR_DUPLICATE);
	s = a_script(3, 3);
	IS(f->ops->script_put(f->st, &s, &f->ei), ERR_CONFLICT);
	s = a_script(2, 2);
	s.note = "better";
	s.content = "scenes: [1, 2]\n";
	s.size = 15;
	OK(f->ops->script_put(f->st, &s, &f->ei));

	OK(f->ops->script_get(f->st, "welcome", 0, &f->a, &got, &f->ei));
	assert_int_equal(got.version, 2);
	assert_int_equal(got.size, 15);
	assert_memory_equal(got.content, "scenes: [1, 2]\n", 15);
	assert_string_equal(got.note, "better");
	assert_memory_equal(&got.sha256, &s.sha256, sizeof(s.sha256));
	OK(f->ops->script_get(f->st, "welcome", 1, &f->a, &got, &f->ei));
	assert_int_equal(got.size, 12);
	assert_null(got.note);
	IS(f->ops->script_get(f->st, "welcome", 3, &f->a, &got, &f->ei),
	   ERR_NOTFOUND);

	l = list_of(f, "welcome");
	assert_int_equal(l.total, 2);
	assert_int_equal(l.items[0].version, 2);
	assert_null(l.items[0].content);
	l = list_of(f, NULL);
	assert_int_equal(l.total, 1);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.items[0].version, 2);
	IS(f->ops->script_list(f->st,
			       &(struct store_script_query){ .script_id = "x" },
			       &f->a, &l, &f->ei),
	   ERR_NOTFOUND);
}

static void test_bounds(void **state)
{
	struct fix *f = *state;
	struct store_script s = a_script(1, 1), got;
	struct store_scripts l;
	char *big = calloc(1, STORE_SCRIPT_MAX + 1);

	s.size = STORE_SCRIPT_MAX + 1;
	s.content = big;
	IS(f->ops->script_put(f->st, &s, &f->ei), ERR_TOOBIG);
	s.size--;
	OK(f->ops->script_put(f->st, &s, &f->ei));
	free(big);
	/* the oldest go */
	OK(f->ops->begin(f->st, &f->ei));
	for (int i = 2; i <= STORE_SCRIPT_VERSIONS_MAX + 2; i++) {
		s = a_script(i, i);
		OK(f->ops->script_put(f->st, &s, &f->ei));
	}
	OK(f->ops->commit(f->st, &f->ei));
	l = list_of(f, "welcome");
	assert_int_equal(l.total, STORE_SCRIPT_VERSIONS_MAX);
	IS(f->ops->script_get(f->st, "welcome", 2, &f->a, &got, &f->ei),
	   ERR_NOTFOUND);
	OK(f->ops->script_get(f->st, "welcome", 3, &f->a, &got, &f->ei));
	s = a_script(1, 1);
	s.script_id = "empty";
	s.size = 0;
	IS(f->ops->script_put(f->st, &s, &f->ei), ERR_INVALID);
}

static void test_deleting(void **state)
{
	struct fix *f = *state;
	struct store_script s = a_script(1, 1), got;
	struct store_account acc = { .account_id = "900",
				     .source = "local",
				     .script_id = "welcome" };

	IS(f->ops->script_delete(f->st, "welcome", &f->ei), ERR_NOTFOUND);
	/* an account may have a script that is nowhere here */
	OK(f->ops->account_add(f->st, &acc, SEC(1), &f->ei));
	IS(f->ops->script_delete(f->st, "welcome", &f->ei), ERR_NOTFOUND);
	OK(f->ops->script_put(f->st, &s, &f->ei));
	IS(f->ops->script_delete(f->st, "welcome", &f->ei), ERR_CONFLICT);
	acc.script_id = NULL;
	OK(f->ops->account_update(f->st, &acc, STORE_ACC_SCRIPT, SEC(2),
				  &f->ei));
	OK(f->ops->script_delete(f->st, "welcome", &f->ei));
	IS(f->ops->script_get(f->st, "welcome", 1, &f->a, &got, &f->ei),
	   ERR_NOTFOUND);
	/* the name begins anew */
	OK(f->ops->script_put(f->st, &s, &f->ei));
}

static void deploy(struct fix *f, const char *command_id)
{
	struct store_command c = { .command_id = command_id,
				   .node_id = "n1",
				   .action = "update_script",
				   .created = SEC(1),
				   .expires = SEC(100) };
	struct store_deployment d = { .command_id = command_id,
				      .script_id = "welcome",
				      .version = 1,
				      .node_id = "n1",
				      .created_by = "user:root",
				      .created = SEC(1) };

	OK(f->ops->command_add(f->st, &c, &f->ei));
	OK(f->ops->deployment_add(f->st, &d, &f->ei));
}

static struct store_deployment last(struct fix *f, int64_t total)
{
	struct store_deployment_query q = { .script_id = "welcome",
					    .limit = 1 };
	struct store_deployments l;

	OK(f->ops->deployment_list(f->st, &q, &f->a, &l, &f->ei));
	assert_int_equal(l.total, total);
	assert_int_equal(l.n, total != 0);
	return l.n ? l.items[0] : (struct store_deployment){ 0 };
}

static void test_deployments(void **state)
{
	struct fix *f = *state;
	struct store_script s = a_script(1, 1);
	struct store_command_result r = { .command_id = "c1",
					  .state = STORE_CMD_FAILED,
					  .error = "no room" };
	struct store_deployment_query q = { .script_id = "welcome",
					    .node_id = "n2",
					    .limit = 5 };
	struct store_deployment d = { .command_id = "c0",
				      .script_id = "welcome",
				      .node_id = "nowhere",
				      .created_by = "x" };
	struct store_deployments l;
	struct store_commands cmds;
	size_t rows;

	OK(f->ops->script_put(f->st, &s, &f->ei));
	IS(f->ops->deployment_add(f->st, &d, &f->ei), ERR_NOTFOUND);
	deploy(f, "c1");
	assert_int_equal(last(f, 1).state, STORE_CMD_QUEUED);
	OK(f->ops->command_fetch(f->st, "n1", SEC(2), 5, &f->a, &cmds, &f->ei));
	assert_int_equal(last(f, 1).state, STORE_CMD_DELIVERED);
	OK(f->ops->command_settle(f->st, "n1", &r, SEC(3), &f->ei));
	d = last(f, 1);
	assert_int_equal(d.state, STORE_CMD_FAILED);
	assert_string_equal(d.error, "no room");
	assert_int_equal(d.finished.us, SEC(3).us);

	/* how it ended is known when its command is long gone */
	OK(f->ops->purge(f->st, SEC(3 + 8 * 86400), 100, &rows, &f->ei));
	IS(f->ops->command_settle(f->st, "n1", &r, SEC(3), &f->ei),
	   ERR_NOTFOUND);
	d = last(f, 1);
	assert_int_equal(d.state, STORE_CMD_FAILED);
	assert_string_equal(d.error, "no room");
	assert_int_equal(d.finished.us, SEC(3).us);

	deploy(f, "c2");
	OK(f->ops->command_delete(f->st, "n1", "c2", &f->ei));
	d = last(f, 2);
	assert_string_equal(d.command_id, "c2");
	assert_int_equal(d.state, STORE_CMD_FAILED);
	assert_string_equal(d.error, "the command was taken back");

	OK(f->ops->deployment_list(f->st, &q, &f->a, &l, &f->ei));
	assert_int_equal(l.total, 0);
	OK(f->ops->purge(f->st, SEC(91 * 86400), 100, &rows, &f->ei));
	last(f, 0);
	deploy(f, "c3");
	OK(f->ops->node_delete(f->st, "n1", &f->ei));
	last(f, 0);
}

static const struct CMUnitTest tests[] = {
	T(test_versions),
	T(test_bounds),
	T(test_deleting),
	T(test_deployments),
};

RUN_ALL(tests)
