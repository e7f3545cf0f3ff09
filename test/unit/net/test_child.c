/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/child.h"

static struct loop *loop;
static char said[4096];
static size_t longest;
static int exits, status, signum;

static void on_line(void *ctx, const char *line, size_t len)
{
	size_t used = strlen(said);

	assert_int_equal(exits, 0);
	longest = len > longest ? len : longest;
	snprintf(said + used, sizeof(said) - used, "<%.40s>", line);
}

static void on_child_exit(void *ctx, int st, int sig)
{
	exits++;
	status = st;
	signum = sig;
}

static const struct child_ops ops = {
	.on_stdout = on_line,
	.on_exit = on_child_exit,
};

static int setup(void **state)
{
	said[0] = 0;
	longest = 0;
	exits = status = signum = 0;
	return loop_new(&loop, NULL, NULL) != ERR_OK;
}

static int teardown(void **state)
{
	loop_free(loop);
	return 0;
}

static struct child *sh(const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct child_options o = { .file = "sh", .argv = argv };
	struct child *c;

	assert_int_equal(child_spawn(loop, &o, &ops, NULL, &c, NULL), ERR_OK);
	assert_true(child_pid(c) > 0);
	return c;
}

static void wait_exit(void)
{
	for (int i = 0; i < 1000 && !exits; i++)
		loop_turn(loop, 10 * US_PER_MS);
	assert_int_equal(exits, 1);
}

static void test_lines_then_exit(void **state)
{
	sh("printf 'one\\ntw'; sleep 0.05; printf 'o\\n\\nlast'; exit 7");
	wait_exit();
	assert_string_equal(said, "<one><two><><last>");
	assert_int_equal(status, 7);
	assert_int_equal(signum, 0);
}

static void test_kill(void **state)
{
	struct child *c = sh("echo up; exec sleep 60");

	for (int i = 0; i < 500 && !said[0]; i++)
		loop_turn(loop, 10 * US_PER_MS);
	assert_string_equal(said, "<up>");
	assert_int_equal(child_kill(c, SIGTERM), ERR_OK);
	wait_exit();
	assert_int_equal(signum, SIGTERM);
}

static void test_long_line_comes_in_pieces(void **state)
{
	sh("head -c 100000 /dev/zero | tr '\\0' x; echo");
	wait_exit();
	assert_int_equal(longest, CHILD_LINE_MAX);
	assert_int_equal(status, 0);
}

static void test_no_such_program(void **state)
{
	const char *const argv[] = { "/no/such", NULL };
	struct child_options o = { .file = "/no/such", .argv = argv };
	struct err_info ei = { 0 };
	struct child *c;

	assert_int_equal(child_spawn(loop, &o, &ops, NULL, &c, &ei),
			 ERR_NOTFOUND);
	assert_non_null(strstr(ei.msg, "/no/such"));
	loop_turn(loop, 0);
	assert_int_equal(exits, 0);
}

static void test_loop_free_kills(void **state)
{
	int pid = child_pid(sh("exec sleep 60"));

	loop_free(loop);
	loop = NULL;
	assert_int_equal(exits, 0);
	/* killed: either gone or a zombie nobody can wake */
	for (int i = 0; i < 100 && !kill(pid, 0); i++) {
		char path[64], text[512] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "r");
		if (!f || !fgets(text, sizeof(text), f) || strstr(text, ") Z"))
			i = 1000;
		if (f)
			fclose(f);
		if (i == 99)
			fail();
		usleep(10000);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_lines_then_exit),	   T(test_kill),
		T(test_long_line_comes_in_pieces), T(test_no_such_program),
		T(test_loop_free_kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
