/* SPDX-License-Identifier: MIT */
/* Books of peers over restarts, and files that are not what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "worker/peerbook.h"

#define FILE_OF_100 "313030.peers"
#define CHANNEL (PEERS_CHANNEL - 77)

static char dir[64], path[128];
static struct peerbook book;
static const struct wall now = { INT64_C(1790000000) * US_PER_SEC };

static int setup(void **state)
{
	strcpy(dir, "/tmp/test_peerbook.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/%s", dir, FILE_OF_100);
	assert_int_equal(peerbook_open(&book, dir, NULL), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(dir);
}

static void fill(struct peers *p)
{
	uint64_t hash = 0;

	peers_put(p, 5, INT64_MIN, PEERS_BOT);
	peers_put(p, CHANNEL, -7, PEERS_FORUM | PEERS_NOFORWARDS);
	peers_put(p, -55, CHANNEL, PEERS_MIGRATED);
	peers_flag(p, 9, PEERS_WROTE);
	assert_true(peers_name_hash("durov", 5, &hash));
	peers_name(p, hash, 5, now);
}

static void save(const struct peers *p)
{
	struct err_info ei = { 0 };

	if (peerbook_save(&book, "100", 4242, p, &ei))
		fail_msg("%s", ei.msg);
}

static enum err load(struct peers *p, int64_t user_id)
{
	return peerbook_load(&book, "100", user_id, p, now, NULL);
}

static void test_round_trip(void **state)
{
	struct peers p = { 0 }, q = { 0 };
	uint64_t hash = 0;
	struct stat st;
	int64_t id = 0;

	assert_int_equal(load(&q, 4242), ERR_OK); /* none yet */
	assert_int_equal(q.n, 0);
	fill(&p);
	save(&p);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(load(&q, 4242), ERR_OK);
	assert_int_equal(q.n, 4);
	assert_true(peers_hash(&q, 5) == INT64_MIN);
	assert_true(peers_has(&q, 5, PEERS_BOT));
	assert_int_equal(peers_hash(&q, CHANNEL), -7);
	assert_true(peers_has(&q, CHANNEL, PEERS_NOFORWARDS));
	assert_true(peers_current(&q, -55) == CHANNEL);
	assert_true(peers_has(&q, 9, PEERS_WROTE));
	assert_true(peers_name_hash("durov", 5, &hash));
	assert_true(peers_resolve(&q, hash, now, &id));
	assert_int_equal(id, 5);
	peers_deinit(&q);
	/* hashes are one user's */
	assert_int_equal(load(&q, 4243), ERR_OK);
	assert_int_equal(q.n, 0);
	assert_int_equal(load(&q, 0), ERR_OK);
	assert_int_equal(q.n, 4);
	assert_int_equal(peerbook_drop(&book, "100", NULL), ERR_OK);
	assert_int_equal(peerbook_drop(&book, "100", NULL), ERR_OK);
	assert_int_not_equal(stat(path, &st), 0);
	peers_deinit(&p);
	peers_deinit(&q);
}

/* As many as there can be, each as long as it can be, fit into a file. */
static void test_the_most(void **state)
{
	struct peers p = { 0 }, q = { 0 };

	for (uint32_t i = 0; i < PEERS_MAX; i++)
		peers_put(&p, INT64_MIN + (int64_t)i, INT64_MIN, PEERS_TOLD);
	for (uint32_t i = 0; i < PEERS_NAMES_MAX; i++)
		peers_name(&p, UINT64_MAX - i, INT64_MIN, now);
	save(&p);
	assert_int_equal(load(&q, 4242), ERR_OK);
	assert_int_equal(q.n, PEERS_MAX);
	assert_int_equal(q.nnames, PEERS_NAMES_MAX);
	peers_deinit(&p);
	peers_deinit(&q);
}

/* Cut or changed anywhere, it is damaged, and nothing else happens. */
static void test_damage(void **state)
{
	struct peers p = { 0 }, q = { 0 };
	struct buf text;
	enum err rc;

	fill(&p);
	save(&p);
	buf_init(&text, PEERBOOK_FILE_MAX);
	assert_int_equal(files_read(path, &text, NULL), ERR_OK);
	for (size_t i = 0; i < buf_len(&text); i++) {
		assert_int_equal(files_write(path, buf_head(&text), i, NULL),
				 ERR_OK);
		assert_int_equal(load(&q, 4242), ERR_CORRUPT);
		assert_int_equal(q.n, 0);
		buf_head(&text)[i] ^= 0x20;
		assert_int_equal(files_write(path, buf_head(&text),
					     buf_len(&text), NULL),
				 ERR_OK);
		rc = load(&q, 4242);
		assert_int_equal(rc, ERR_CORRUPT);
		assert_int_equal(q.n, 0);
		buf_head(&text)[i] ^= 0x20;
	}
	buf_deinit(&text);
	peers_deinit(&p);
	peers_deinit(&q);
}

/* A file that says of itself it is whole may still say nonsense. */
static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"end 811c9dc5\n", /* the check of nothing */
		"nonsense\nend e8a89ad8\n",
	};
	struct peers q = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(
			files_write(path, texts[i], strlen(texts[i]), NULL),
			ERR_OK);
		assert_int_equal(load(&q, 0), ERR_CORRUPT);
	}
	assert_int_equal(q.n, 0);
}

static void test_too_large(void **state)
{
	struct peers q = { 0 };
	char *big = calloc(1, PEERBOOK_FILE_MAX + 1);

	assert_non_null(big);
	assert_int_equal(files_write(path, big, PEERBOOK_FILE_MAX + 1, NULL),
			 ERR_OK);
	assert_int_equal(load(&q, 0), ERR_TOOBIG);
	free(big);
}

static void test_no_folder(void **state)
{
	struct peers p = { 0 };
	struct err_info ei = { 0 };
	struct peerbook gone = { "/tmp/test_peerbook.none" };
	char long_dir[NODE_PATH_MAX];

	assert_int_equal(peerbook_save(&gone, "100", 1, &p, &ei), ERR_NOTFOUND);
	assert_non_null(strstr(ei.msg, "test_peerbook.none/313030"));
	memset(long_dir, 'x', sizeof(long_dir) - 1);
	long_dir[sizeof(long_dir) - 1] = 0;
	assert_int_equal(peerbook_open(&gone, long_dir, &ei), ERR_TOOBIG);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_round_trip), T(test_the_most),  T(test_damage),
		T(test_nonsense),   T(test_too_large), T(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
