/* SPDX-License-Identifier: MIT */
/* The flood book, in virtual time: what may be called, and when again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/rnd.h"
#include "tg/flood.h"

#define SEND "messages.sendMessage"
#define FORWARD "messages.forwardMessages"
#define HISTORY "messages.getHistory"
#define GETFILE "upload.getFile"
#define SLOW (-1000000000007)

static struct wall at(int64_t sec)
{
	return (struct wall){ (INT64_C(1790000000) + sec) * US_PER_SEC };
}

static void note(struct flood *f, const char *name, const char *method,
		 int64_t peer, int64_t sec)
{
	struct rpcerr e;

	rpcerr_classify(&e, 420, name, strlen(name));
	assert_int_equal(flood_note(f, &e, method, peer, at(sec), NULL),
			 ERR_OK);
}

static bool may(const struct flood *f, const char *method, int64_t peer,
		int64_t sec)
{
	return flood_check(f, method, peer, at(sec), NULL) == ERR_OK;
}

static void check_sorted(const struct flood *f)
{
	assert_true(f->n <= FLOOD_ENTRIES_MAX);
	for (uint32_t i = 1; i < f->n; i++)
		assert_true(f->entries[i - 1].until.us <=
			    f->entries[i].until.us);
}

static void test_wait(void **state)
{
	struct flood f = { 0 };
	struct err_info ei = { 0 };

	assert_true(may(&f, SEND, -55, 0));
	note(&f, "FLOOD_WAIT_30", SEND, -55, 0);
	assert_int_equal(flood_check(&f, SEND, -55, at(0), &ei), ERR_FLOOD);
	assert_int_equal(ei.arg, 31);
	assert_non_null(strstr(ei.msg, "FLOOD_WAIT_30"));
	/* the wait is the method's: other chats too, other methods not */
	assert_false(may(&f, SEND, -56, 0));
	assert_true(may(&f, HISTORY, -55, 0));
	assert_int_equal(
		flood_check(&f, SEND, 0, (struct wall){ at(30).us + 1 }, &ei),
		ERR_FLOOD);
	assert_int_equal(ei.arg, 1);
	assert_true(may(&f, SEND, -55, 31));
	flood_expire(&f, at(31));
	assert_int_equal(f.n, 0);
	assert_null(f.entries);
	flood_deinit(&f);
}

static void test_scopes(void **state)
{
	struct flood f = { 0 };

	note(&f, "SLOWMODE_WAIT_60", SEND, SLOW, 0);
	assert_false(may(&f, SEND, SLOW, 60));
	assert_false(may(&f, FORWARD, SLOW, 60));
	assert_true(may(&f, HISTORY, SLOW, 0));
	assert_true(may(&f, SEND, -55, 0));
	assert_int_equal(flood_limited_until(&f, at(0)).us, 0);
	note(&f, "FLOOD_PREMIUM_WAIT_5", GETFILE, 0, 0);
	assert_false(may(&f, "upload.saveBigFilePart", 0, 5));
	assert_false(may(&f, GETFILE, 0, 5));
	assert_true(may(&f, "uploads", 0, 5));
	assert_true(may(&f, SEND, 0, 0));
	assert_true(may(&f, GETFILE, 0, 6));
	/* an account that may not move files for a while is not limited */
	assert_int_equal(flood_limited_until(&f, at(0)).us, 0);
	note(&f, "FLOOD_WAIT_10", HISTORY, -55, 0);
	note(&f, "FLOOD_WAIT_20", SEND, -55, 0);
	assert_int_equal(flood_limited_until(&f, at(0)).us, at(21).us);
	assert_int_equal(flood_limited_until(&f, at(21)).us, 0);
	check_sorted(&f);
	flood_deinit(&f);
}

static void test_no_wait(void **state)
{
	static const char *const names[] = { "FROZEN_METHOD_INVALID",
					     "PEER_FLOOD", "FLOOD_WAIT_",
					     "USER_MIGRATE_2",
					     "FILE_PART_3_MISSING" };
	struct flood f = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		note(&f, names[i], SEND, 0, 0);
	assert_int_equal(f.n, 0);
	/* no seconds at all are a second, for the margin */
	note(&f, "FLOOD_WAIT_0", SEND, 0, 0);
	assert_false(may(&f, SEND, 0, 0));
	assert_true(may(&f, SEND, 0, 1));
	/* and no number makes it wait for ever */
	note(&f, "FLOOD_WAIT_99999999999999999999", SEND, 0, 0);
	assert_false(may(&f, SEND, 0, 31536000));
	assert_true(may(&f, SEND, 0, 31536001));
	flood_deinit(&f);
}

static void test_never_shortened(void **state)
{
	struct flood f = { 0 };
	uint64_t changes;

	note(&f, "FLOOD_WAIT_100", SEND, 0, 0);
	changes = f.changes;
	note(&f, "FLOOD_WAIT_5", SEND, 0, 10);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.changes, changes);
	assert_false(may(&f, SEND, 0, 100));
	note(&f, "FLOOD_WAIT_200", SEND, 0, 10);
	assert_int_equal(f.n, 1);
	assert_true(f.changes > changes);
	assert_false(may(&f, SEND, 0, 210));
	assert_true(may(&f, SEND, 0, 211));
	flood_deinit(&f);
}

static void test_put(void **state)
{
	struct flood f = { 0 }, g = { 0 };
	struct flood_entry bad = { .method = SEND };

	note(&f, "FLOOD_WAIT_100", SEND, 0, 0);
	note(&f, "SLOWMODE_WAIT_10", SEND, SLOW, 0);
	for (uint32_t i = 0; i < f.n; i++)
		assert_int_equal(flood_put(&g, &f.entries[i], at(20), NULL),
				 ERR_OK);
	/* over meanwhile */
	assert_int_equal(g.n, 1);
	assert_false(may(&g, SEND, SLOW, 100));
	bad.until = at(31536000 + 100);
	assert_int_equal(flood_put(&g, &bad, at(0), NULL), ERR_INVALID);
	bad.until = (struct wall){ INT64_MAX };
	assert_int_equal(flood_put(&g, &bad, at(0), NULL), ERR_INVALID);
	bad.until = (struct wall){ INT64_MIN };
	assert_int_equal(flood_put(&g, &bad, at(0), NULL), ERR_OK);
	bad.until = at(5);
	memset(bad.error, 'x', sizeof(bad.error));
	assert_int_equal(flood_put(&g, &bad, at(0), NULL), ERR_INVALID);
	bad.error[0] = bad.method[0] = 0;
	assert_int_equal(flood_put(&g, &bad, at(0), NULL), ERR_INVALID);
	assert_int_equal(g.n, 1);
	flood_deinit(&f);
	flood_deinit(&g);
}

/* Without room the book gets coarser, never more generous. */
static void test_full(void **state)
{
	struct flood f = { 0 };
	char method[32];

	for (int i = 0; i < 200; i++) {
		note(&f, "SLOWMODE_WAIT_900", SEND, -1 - i, i);
		check_sorted(&f);
	}
	for (int i = 0; i < 200; i++)
		assert_false(may(&f, SEND, -1 - i, i + 900));
	assert_true(may(&f, HISTORY, -1, 0));
	flood_deinit(&f);
	for (int i = 0; i < 200; i++) {
		snprintf(method, sizeof(method), "test.method%d", i);
		note(&f, "FLOOD_WAIT_900", method, 0, i);
		check_sorted(&f);
	}
	for (int i = 0; i < 200; i++) {
		snprintf(method, sizeof(method), "test.method%d", i);
		assert_false(may(&f, method, 0, i + 900));
	}
	flood_deinit(&f);
}

/* Against a plain list of everything that was ever said. */
static void test_random(void **state)
{
	static const char *const methods[] = { SEND, FORWARD, HISTORY,
					       GETFILE };
	static const char *const kinds[] = { "FLOOD_WAIT", "SLOWMODE_WAIT",
					     "FLOOD_PREMIUM_WAIT" };
	enum { SAID = 3000 };
	static struct {
		const char *method;
		int64_t peer, until;
		int kind;
	} said[SAID];
	struct rnd_seeded rnd;
	struct flood f = { 0 };

	rnd_seeded_init(&rnd, 11);
	for (int i = 0; i < SAID; i++) {
		uint32_t wait = (uint32_t)(rnd_u64(&rnd.rnd) % 500);
		char name[64];

		said[i].method = methods[rnd_u64(&rnd.rnd) % 4];
		said[i].peer = -1 - (int64_t)(rnd_u64(&rnd.rnd) % 60);
		said[i].kind = (int)(rnd_u64(&rnd.rnd) % 3);
		said[i].until = i + wait + 1;
		snprintf(name, sizeof(name), "%s_%u", kinds[said[i].kind],
			 wait);
		note(&f, name, said[i].method, said[i].peer, i);
		check_sorted(&f);
		for (int k = 0; k <= i; k++)
			if (said[k].until > i &&
			    may(&f,
				said[k].kind == 2   ? GETFILE
				: said[k].kind == 1 ? FORWARD
						    : said[k].method,
				said[k].peer, i))
				fail_msg("at %d: wait %d was forgotten", i, k);
	}
	flood_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_no_wait),
		cmocka_unit_test(test_never_shortened),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
