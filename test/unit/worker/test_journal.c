/* SPDX-License-Identifier: MIT */
/* Positions over restarts, crashes in the middle of a line, and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/journal.h"

static char dir[64], path[96];

static int setup(void **state)
{
	strcpy(dir, "/tmp/test_journal.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/positions", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(dir);
}

static void open_it(struct journal *j)
{
	struct err_info ei = { 0 };

	if (journal_open(j, path, (struct wall){ 1790000000 * US_PER_SEC },
			 &ei))
		fail_msg("%s", ei.msg);
}

static struct updates_pos pos(int pts)
{
	return (struct updates_pos){ pts, 1, 1000 + pts, 2 };
}

static void check(const struct journal *j, const char *id, int pts)
{
	struct updates_pos p;

	assert_true(journal_get(j, id, &p));
	assert_int_equal(p.pts, pts);
	assert_int_equal(p.qts, 1);
	assert_int_equal(p.date, 1000 + pts);
	assert_int_equal(p.seq, 2);
}

static void test_over_restart(void **state)
{
	struct journal j;
	struct updates_pos p;
	struct stat st;

	open_it(&j);
	assert_false(journal_get(&j, "123", &p));
	assert_int_equal(journal_put(&j, "123", pos(5)), ERR_OK);
	assert_int_equal(journal_put(&j, "@bot", pos(6)), ERR_OK);
	assert_int_equal(journal_put(&j, "123", pos(7)), ERR_OK);
	check(&j, "123", 7);
	journal_close(&j);

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	open_it(&j);
	check(&j, "123", 7);
	check(&j, "@bot", 6);
	assert_int_equal(journal_drop(&j, "123"), ERR_OK);
	journal_close(&j);
	open_it(&j);
	assert_false(journal_get(&j, "123", &p));
	check(&j, "@bot", 6);
	journal_close(&j);
}

/* kill -9 after the flush loses nothing: no close, no flush at the end. */
static void test_crash_after_flush(void **state)
{
	struct journal j, again;

	open_it(&j);
	assert_int_equal(journal_put(&j, "1", pos(1)), ERR_OK);
	assert_int_equal(journal_flush(&j, NULL), ERR_OK);
	assert_int_equal(journal_put(&j, "1", pos(2)), ERR_OK);
	open_it(&again);
	check(&again, "1", 1);
	journal_close(&again);
	journal_close(&j);
}

static void cut_to(off_t size)
{
	assert_int_equal(truncate(path, size), 0);
}

/* Whatever the file is cut to, what is whole counts and writing goes on. */
static void test_cut_anywhere(void **state)
{
	struct journal j;
	struct stat st;

	open_it(&j);
	assert_int_equal(journal_put(&j, "1", pos(1)), ERR_OK);
	assert_int_equal(journal_flush(&j, NULL), ERR_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(journal_put(&j, "1", pos(222)), ERR_OK);
	journal_close(&j);
	for (off_t cut = 8; cut > 0; cut--) {
		struct stat whole;

		assert_int_equal(stat(path, &whole), 0);
		cut_to(whole.st_size - cut);
		open_it(&j);
		check(&j, "1", cut == 8 ? 1 : 300 + (int)cut + 1);
		assert_int_equal(journal_put(&j, "1", pos(300 + (int)cut)),
				 ERR_OK);
		journal_close(&j);
		open_it(&j);
		check(&j, "1", 300 + (int)cut);
		/* one more, to be cut in the next round */
		assert_int_equal(journal_put(&j, "1", pos(900)), ERR_OK);
		journal_close(&j);
	}
}

static void test_damage(void **state)
{
	static const char junk[] = "1 5 5 5 5 00000000\n"
				   "no numbers at all\n"
				   "\n"
				   "1 99999999999999999999 1 1 1 12345678\n"
				   "\xff\xfe\x00garbage\n";
	struct updates_pos p;
	struct journal j;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, junk, sizeof(junk) - 1), sizeof(junk) - 1);
	close(fd);
	open_it(&j);
	assert_false(journal_get(&j, "1", &p));
	assert_int_equal(journal_put(&j, "1", pos(4)), ERR_OK);
	journal_close(&j);
	open_it(&j);
	check(&j, "1", 4);
	journal_close(&j);
}

/* Millions of changes do not make a large file. */
static void test_rewritten(void **state)
{
	struct journal j;
	struct stat st;

	open_it(&j);
	for (int i = 1; i <= 20000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i % 100);
		assert_int_equal(journal_put(&j, id, pos(i)), ERR_OK);
		assert_int_equal(journal_flush(&j, NULL), ERR_OK);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 3 * JOURNAL_SLACK_BYTES);
	assert_int_equal(st.st_mode & 0777, 0600);
	journal_close(&j);
	open_it(&j);
	assert_int_equal(j.n, 100);
	check(&j, "0", 20000);
	check(&j, "99", 19999);
	journal_close(&j);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_over_restart), T(test_crash_after_flush),
		T(test_cut_anywhere), T(test_damage),
		T(test_rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
