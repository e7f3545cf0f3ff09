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

#define NOW INT64_C(1790000000)

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

	if (journal_open(j, path, (struct wall){ NOW * US_PER_SEC }, &ei))
		fail_msg("%s", ei.msg);
}

static struct updates_pos pos(int pts)
{
	return (struct updates_pos){ pts, 1, 1000 + pts, 2 };
}

static void check(const struct journal *j, const char *id, int pts)
{
	struct updates_pos p;
	int64_t epoch = 0;

	assert_true(journal_get(j, id, &p, &epoch));
	assert_int_equal(epoch, 3);
	assert_int_equal(p.pts, pts);
	assert_int_equal(p.qts, 1);
	assert_int_equal(p.date, 1000 + pts);
	assert_int_equal(p.seq, 2);
}

static void test_over_restart(void **state)
{
	struct journal j;
	struct updates_pos p;
	int64_t epoch;
	struct stat st;

	open_it(&j);
	assert_false(journal_get(&j, "123", &p, &epoch));
	assert_int_equal(journal_put(&j, "123", pos(5), 3), ERR_OK);
	assert_int_equal(journal_put(&j, "@bot", pos(6), 3), ERR_OK);
	assert_int_equal(journal_put(&j, "123", pos(7), 3), ERR_OK);
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
	assert_false(journal_get(&j, "123", &p, &epoch));
	check(&j, "@bot", 6);
	journal_close(&j);
}

/* kill -9 after the flush loses nothing: no close, no flush at the end. */
static void test_crash_after_flush(void **state)
{
	struct journal j, again;

	open_it(&j);
	assert_int_equal(journal_put(&j, "1", pos(1), 3), ERR_OK);
	assert_int_equal(journal_flush(&j, NULL), ERR_OK);
	assert_int_equal(journal_put(&j, "1", pos(2), 3), ERR_OK);
	open_it(&again);
	check(&again, "1", 1);
	journal_close(&again);
	journal_close(&j);
}

static struct flood_entry wait_of(const char *method, int64_t peer, int64_t sec,
				  const char *error)
{
	struct flood_entry e = {
		.until = { (NOW + sec) * US_PER_SEC },
		.peer = peer,
	};

	snprintf(e.method, sizeof(e.method), "%s", method);
	snprintf(e.error, sizeof(e.error), "%s", error);
	return e;
}

static void put_wait(struct journal *j, const char *id, struct flood_entry e)
{
	assert_int_equal(
		journal_put_flood(j, id, &e, (struct wall){ NOW * US_PER_SEC }),
		ERR_OK);
}

static int64_t until(const struct journal *j, const char *id,
		     const char *method, int64_t peer)
{
	const struct flood *f = journal_flood(j, id);
	const struct flood_entry *e;

	if (!f)
		return 0;
	e = flood_find(f, method, peer, (struct wall){ NOW * US_PER_SEC });
	return e ? e->until.us / US_PER_SEC - NOW : 0;
}

/* Waits live beside positions, and do not go with them. */
static void test_floods(void **state)
{
	struct journal j, again;
	struct updates_pos p;
	int64_t epoch;

	open_it(&j);
	assert_null(journal_flood(&j, "1"));
	put_wait(&j, "1",
		 wait_of("messages.sendMessage", 0, 60, "FLOOD_WAIT_60"));
	put_wait(&j, "1",
		 wait_of("sending", -1000000000007, 90, "SLOWMODE_WAIT_90"));
	put_wait(&j, "2", wait_of("*", 0, 30, "A strange error of 30"));
	assert_false(journal_get(&j, "1", &p, &epoch));
	assert_int_equal(journal_put(&j, "1", pos(5), 3), ERR_OK);
	/* never shortened, by whoever writes it */
	put_wait(&j, "1",
		 wait_of("messages.sendMessage", 0, 5, "FLOOD_WAIT_5"));
	assert_int_equal(journal_flush(&j, NULL), ERR_OK);
	open_it(&again);
	assert_int_equal(until(&again, "1", "messages.sendMessage", 0), 60);
	assert_int_equal(
		until(&again, "1", "messages.sendMessage", -1000000000007), 90);
	assert_int_equal(until(&again, "2", "users.getUsers", 0), 30);
	assert_string_equal(journal_flood(&again, "2")->entries[0].error,
			    "A strange error of 30");
	check(&again, "1", 5);
	assert_int_equal(journal_drop(&again, "1"), ERR_OK);
	assert_false(journal_get(&again, "1", &p, &epoch));
	assert_int_equal(until(&again, "1", "messages.sendMessage", 0), 60);
	journal_close(&again);
	journal_close(&j);
	open_it(&j);
	assert_false(journal_get(&j, "1", &p, &epoch));
	assert_int_equal(until(&j, "1", "messages.sendMessage", 0), 60);
	journal_close(&j);
	/* over meanwhile */
	assert_int_equal(journal_open(&j, path,
				      (struct wall){ (NOW + 60) * US_PER_SEC },
				      NULL),
			 ERR_OK);
	assert_int_equal(journal_flood(&j, "1")->n, 1);
	assert_null(journal_flood(&j, "2"));
	journal_close(&j);
}

/* The file is rewritten many times; what is not over stays in it. */
static void test_floods_rewritten(void **state)
{
	struct journal j;
	struct stat st;

	open_it(&j);
	put_wait(&j, "1",
		 wait_of("messages.sendMessage", 0, 60, "FLOOD_WAIT_60"));
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(journal_put(&j, "1", pos(i), 3), ERR_OK);
		if (i % 100 == 0)
			assert_int_equal(journal_flush(&j, NULL), ERR_OK);
	}
	journal_close(&j);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 4 * JOURNAL_SLACK_BYTES);
	open_it(&j);
	assert_int_equal(until(&j, "1", "messages.sendMessage", 0), 60);
	check(&j, "1", 19999);
	journal_close(&j);
}

/* A damaged wait is none, and breaks nothing beside it. */
static void test_floods_damaged(void **state)
{
	struct journal j;
	char text[400];
	size_t n;
	FILE *f;

	open_it(&j);
	put_wait(&j, "1",
		 wait_of("messages.sendMessage", 0, 60, "FLOOD_WAIT_60"));
	journal_close(&j);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	for (size_t i = 0; i < n; i++) {
		char damaged[400];

		memcpy(damaged, text, n);
		damaged[i] ^= 1;
		f = fopen(path, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(damaged, 1, n, f), n);
		fclose(f);
		open_it(&j);
		assert_null(journal_flood(&j, "1"));
		assert_int_equal(journal_put(&j, "3", pos(1), 3), ERR_OK);
		journal_close(&j);
		open_it(&j);
		check(&j, "3", 1);
		journal_close(&j);
	}
}

static void cut_to(off_t size)
{
	assert_int_equal(truncate(path, size), 0);
}

/* Lines from before epochs were written, one with a check of digits only. */
static void test_without_epoch(void **state)
{
	struct updates_pos p;
	struct journal j;
	int64_t epoch = 9;
	int digits = 0;

	for (int i = 1; i < 400; i++) {
		char line[64], check[9];
		uint32_t h = 2166136261u;
		int n = snprintf(line, sizeof(line), "1 %d 1 5 2 ", i);
		FILE *f = fopen(path, "w");

		for (int k = 0; k < n; k++)
			h = (h ^ (uint8_t)line[k]) * 16777619u;
		snprintf(check, sizeof(check), "%08x", h);
		digits += strspn(check, "0123456789") == 8;
		assert_non_null(f);
		assert_true(fprintf(f, "%s%s\n", line, check) > 0);
		assert_int_equal(fclose(f), 0);
		open_it(&j);
		assert_true(journal_get(&j, "1", &p, &epoch));
		assert_int_equal(epoch, 0);
		assert_int_equal(p.pts, i);
		journal_close(&j);
	}
	assert_true(digits > 0);
}

/* Whatever the file is cut to, what is whole counts and writing goes on. */
static void test_cut_anywhere(void **state)
{
	struct journal j;
	struct stat st;

	open_it(&j);
	assert_int_equal(journal_put(&j, "1", pos(1), 3), ERR_OK);
	assert_int_equal(journal_flush(&j, NULL), ERR_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(journal_put(&j, "1", pos(222), 3), ERR_OK);
	journal_close(&j);
	for (off_t cut = 8; cut > 0; cut--) {
		struct stat whole;

		assert_int_equal(stat(path, &whole), 0);
		cut_to(whole.st_size - cut);
		open_it(&j);
		check(&j, "1", cut == 8 ? 1 : 300 + (int)cut + 1);
		assert_int_equal(journal_put(&j, "1", pos(300 + (int)cut), 3),
				 ERR_OK);
		journal_close(&j);
		open_it(&j);
		check(&j, "1", 300 + (int)cut);
		/* one more, to be cut in the next round */
		assert_int_equal(journal_put(&j, "1", pos(900), 3), ERR_OK);
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
	int64_t epoch;
	struct journal j;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, junk, sizeof(junk) - 1), sizeof(junk) - 1);
	close(fd);
	open_it(&j);
	assert_false(journal_get(&j, "1", &p, &epoch));
	assert_int_equal(journal_put(&j, "1", pos(4), 3), ERR_OK);
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
		assert_int_equal(journal_put(&j, id, pos(i), 3), ERR_OK);
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
		T(test_over_restart),	T(test_crash_after_flush),
		T(test_without_epoch),	T(test_cut_anywhere),
		T(test_floods),		T(test_floods_rewritten),
		T(test_floods_damaged), T(test_damage),
		T(test_rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
