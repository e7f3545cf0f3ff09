/* SPDX-License-Identifier: MIT */
/*
 * What only PostgreSQL has: a connection that can be lost, transactions that die
 * of one error, and other writers.
 */
#include <poll.h>

#include "store/db.h"
#include "store_fix.h"

static int setup_pg(void **state)
{
	assert_non_null(getenv("TEST_POSTGRES"));
	return setup(state);
}

/* A failed operation undoes only itself, whatever the server says. */
static void test_failure_in_batch(void **state)
{
	struct fix *f = *state;
	struct store_login l = { .token = hash(1),
				 .created = SEC(1),
				 .expires = SEC(9),
				 .user_id = 999 }; /* nobody */
	const char *got;

	OK(f->ops->begin(f->st, &f->ei));
	OK(f->ops->kv_set(f->st, "a", "1", &f->ei));
	IS(f->ops->login_add(f->st, &l, &f->ei), ERR_CONFLICT);
	IS(f->ops->kv_set(f->st, "b", "\xff\xfe", &f->ei), ERR_INVALID);
	assert_non_null(strstr(f->ei.msg, "UTF-8"));
	OK(f->ops->kv_set(f->st, "c", "3", &f->ei));
	OK(f->ops->commit(f->st, &f->ei));
	OK(f->ops->kv_get(f->st, "a", &f->a, &got, &f->ei));
	OK(f->ops->kv_get(f->st, "c", &f->a, &got, &f->ei));
	IS(f->ops->kv_get(f->st, "b", &f->a, &got, &f->ei), ERR_NOTFOUND);
}

/* And waits until they are: the server is told, and does it when it can. */
static void lose_connections(void)
{
	PGconn *c = PQconnectdb(getenv("TEST_POSTGRES"));
	PGresult *r;
	int left;

	do {
		r = PQexec(c, "SELECT pg_terminate_backend(pid) FROM "
			      "pg_stat_activity WHERE application_name = "
			      "'tgfleet'");
		assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
		left = PQntuples(r);
		PQclear(r);
		usleep(10000);
	} while (left);
	PQfinish(c);
}

static enum err once_more(struct fix *f, const char *key)
{
	enum err rc = ERR_UNAVAILABLE;

	/* it connects again at most once a second */
	for (int i = 0; i < 100 && rc == ERR_UNAVAILABLE; i++) {
		rc = f->ops->kv_set(f->st, key, "x", &f->ei);
		if (rc)
			usleep(100000);
	}
	return rc;
}

static void test_connection_lost(void **state)
{
	struct fix *f = *state;
	const char *got;

	OK(f->ops->begin(f->st, &f->ei));
	OK(f->ops->kv_set(f->st, "lost", "1", &f->ei));
	lose_connections();
	IS(f->ops->kv_set(f->st, "lost2", "1", &f->ei), ERR_UNAVAILABLE);
	/* not half of it: the batch is over, and says so */
	IS(f->ops->kv_set(f->st, "lost3", "1", &f->ei), ERR_UNAVAILABLE);
	IS(f->ops->commit(f->st, &f->ei), ERR_IO);
	OK(once_more(f, "back"));
	IS(f->ops->kv_get(f->st, "lost", &f->a, &got, &f->ei), ERR_NOTFOUND);
	OK(f->ops->kv_get(f->st, "back", &f->a, &got, &f->ei));
	/* and outside a batch */
	lose_connections();
	OK(once_more(f, "again"));
}

static void test_theirs(void **state)
{
	struct fix *f = *state;
	struct store *st = NULL;
	char sql[64];

	store_close(f->st);
	f->st = NULL;
	snprintf(sql, sizeof(sql), "DROP TABLE t%d.schema_migrations",
		 getpid());
	pg_say(sql);
	IS(store_open(f->url, NULL, &st, &f->ei), ERR_CORRUPT);
	assert_non_null(strstr(f->ei.msg, "another program"));
	assert_null(st);
}

static void test_read_only(void **state)
{
	struct fix *f = *state;
	const struct store_options opt = { .read_only = true };
	struct store_account a;
	struct store *st;

	OK(store_open(f->url, &opt, &st, &f->ei));
	OK(st->ops->account_get(st, "100", &f->a, &a, &f->ei));
	IS(st->ops->kv_set(st, "k", "v", &f->ei), ERR_FORBIDDEN);
	store_close(st);
}

/* Two with one id would end each other's jobs; others may be there. */
static void test_claim(void **state)
{
	struct fix *f = *state;
	const struct store_options a = { .claim = "rep_a" };
	const struct store_options b = { .claim = "rep_b" };
	struct store *first, *second = NULL;

	OK(store_open(f->url, &a, &first, &f->ei));
	assert_true(first->ops->shared(first));
	IS(store_open(f->url, &a, &second, &f->ei), ERR_CONFLICT);
	assert_non_null(strstr(f->ei.msg, "another serve is replica rep_a"));
	OK(store_open(f->url, &b, &second, &f->ei));
	store_close(second);
	/* tools may look */
	OK(store_open(f->url, NULL, &second, &f->ei));
	store_close(second);
	store_close(first);
	OK(store_open(f->url, &a, &first, &f->ei));
	store_close(first);
}

/* The next call within a second: they come over a connection of their own. */
static const char *called(struct fix *f, struct store *st, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	const char *text = NULL;

	OK(st->ops->bell_next(st, &f->a, &text, &f->ei));
	for (int i = 0; !text && i < 10 && poll(&p, 1, 1000) > 0; i++)
		OK(st->ops->bell_next(st, &f->a, &text, &f->ei));
	return text;
}

static void test_calls(void **state)
{
	struct fix *f = *state;
	const char *text = "";
	struct store *other;
	char longer[5000];
	int fd = -1;

	OK(store_open(f->url, NULL, &other, &f->ei));
	IS(other->ops->bell_next(other, &f->a, &text, &f->ei), ERR_UNAVAILABLE);
	OK(other->ops->bell_open(other, &fd, &f->ei));
	assert_true(fd >= 0);
	OK(other->ops->bell_next(other, &f->a, &text, &f->ei));
	assert_null(text);
	/* only what is committed, and once a batch */
	OK(f->ops->begin(f->st, &f->ei));
	OK(f->ops->ring(f->st, "never", &f->ei));
	f->ops->rollback(f->st);
	OK(f->ops->begin(f->st, &f->ei));
	OK(f->ops->ring(f->st, "r n1", &f->ei));
	OK(f->ops->ring(f->st, "r n1", &f->ei));
	OK(f->ops->ring(f->st, "r n'2", &f->ei));
	OK(f->ops->commit(f->st, &f->ei));
	assert_string_equal(called(f, other, fd), "r n1");
	assert_string_equal(called(f, other, fd), "r n'2");
	OK(other->ops->bell_next(other, &f->a, &text, &f->ei));
	assert_null(text);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	IS(f->ops->ring(f->st, longer, &f->ei), ERR_TOOBIG);
	/* the server ends it: said, and opened again */
	OK(db_script(db_of(f->st),
		     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
		     "WHERE query LIKE 'LISTEN%'",
		     &f->ei));
	for (int i = 0; i < 100; i++) {
		if (other->ops->bell_next(other, &f->a, &text, &f->ei))
			break;
		poll(NULL, 0, 50);
	}
	IS(other->ops->bell_next(other, &f->a, &text, &f->ei), ERR_UNAVAILABLE);
	OK(other->ops->bell_open(other, &fd, &f->ei));
	OK(f->ops->ring(f->st, "again", &f->ei));
	assert_string_equal(called(f, other, fd), "again");
	store_close(other);
}

static void test_large(void **state)
{
	struct fix *f = *state;
	size_t len = 5U << 20;
	uint8_t *data = malloc(len);
	struct store_session s = { .account_id = "100",
				   .version = 1,
				   .sealed = data,
				   .sealed_len = len,
				   .wrapped_key = "key",
				   .wrapped_key_len = 3,
				   .fingerprint = hash(7),
				   .flavour = "telethon",
				   .dc_id = 2,
				   .user_id = INT64_MAX,
				   .created = SEC(5) };
	struct store_session got;

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 31 + i / 251);
	OK(f->ops->session_put(f->st, &s, &f->ei));
	OK(f->ops->session_get(f->st, "100", 0, &f->a, &got, &f->ei));
	assert_int_equal(got.sealed_len, len);
	assert_memory_equal(got.sealed, data, len);
	assert_true(got.user_id == INT64_MAX);
	free(data);
}

/* --- two replicas: each try in a process of its own, all at once --- */

#define REPLICAS 8

typedef enum err (*try_fn)(struct store *st, int who, struct err_info *ei);

/* How many of the tries succeeded; the others must say `loser`. */
static int race(struct fix *f, try_fn try, enum err loser)
{
	pid_t pids[REPLICAS];
	int won = 0, status;

	for (int i = 0; i < REPLICAS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct err_info ei = { 0 };
			struct store *st;
			enum err rc = store_open(f->url, NULL, &st, &ei);

			if (rc == ERR_OK)
				rc = try(st, i, &ei);
			_exit((int)rc);
		}
	}
	for (int i = 0; i < REPLICAS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == ERR_OK)
			won++;
		else
			assert_int_equal(WEXITSTATUS(status), loser);
	}
	return won;
}

static enum err try_grant(struct store *st, int who, struct err_info *ei)
{
	const struct store_lease_grant g = { .account_id = "100",
					     .node_id = who % 2 ? "n1" : "n2",
					     .expect_epoch = 0,
					     .now = SEC(10) };
	int64_t epoch;

	return st->ops->lease_grant(st, &g, &epoch, ei);
}

static enum err try_takeover(struct store *st, int who, struct err_info *ei)
{
	const struct store_lease_grant g = { .account_id = "100",
					     .node_id = who % 2 ? "n1" : "n2",
					     .expect_epoch = 1,
					     .takeover = true,
					     .now = SEC(10) };
	int64_t epoch;

	return st->ops->lease_grant(st, &g, &epoch, ei);
}

static void test_race_lease(void **state)
{
	struct fix *f = *state;

	assert_int_equal(race(f, try_grant, ERR_STALE_EPOCH), 1);
	assert_int_equal(race(f, try_takeover, ERR_STALE_EPOCH), 1);
}

/* A takeover that waits for a renewal under way finds it done. */
static void test_race_renewed(void **state)
{
	struct fix *f = *state;
	struct store_lease_ref ref = { "100", 1, false };
	pid_t pid;
	int status;

	assert_int_equal(race(f, try_grant, ERR_STALE_EPOCH), 1);
	OK(f->ops->begin(f->st, &f->ei));
	for (int i = 0; i < 2 && !ref.ok; i++)
		OK(f->ops->lease_renew(f->st, i ? "n2" : "n1", &ref, 1, 9,
				       SEC(20), &f->ei));
	assert_true(ref.ok);
	pid = fork();
	if (pid == 0) {
		const struct store_lease_grant g = { .account_id = "100",
						     .node_id = "n3",
						     .expect_epoch = 1,
						     .takeover = true,
						     .now = SEC(21) };
		struct store *st;
		int64_t epoch;

		if (store_open(f->url, NULL, &st, NULL))
			_exit(1);
		_exit((int)st->ops->lease_grant(st, &g, &epoch, NULL));
	}
	poll(NULL, 0, 300);
	OK(f->ops->commit(f->st, &f->ei));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), ERR_CONFLICT);
}

/* n2 has room for two. */
static enum err try_place(struct store *st, int who, struct err_info *ei)
{
	char id[8];
	const struct store_account a = { .account_id = id,
					 .node_id = "n2",
					 .enabled = true };

	snprintf(id, sizeof(id), "90%d", who);
	return st->ops->account_add(st, &a, SEC(9), ei);
}

static void test_race_capacity(void **state)
{
	struct fix *f = *state;

	assert_int_equal(race(f, try_place, ERR_CAPACITY), 2);
}

static enum err try_session(struct store *st, int who, struct err_info *ei)
{
	const struct store_session s = { .account_id = who % 2 ? "100" : "101",
					 .version = 1,
					 .sealed = "sealed",
					 .sealed_len = 6,
					 .wrapped_key = "key",
					 .wrapped_key_len = 3,
					 .fingerprint = hash(1),
					 .flavour = "telethon",
					 .dc_id = 2,
					 .created = SEC(5) };
	enum err rc = st->ops->session_put(st, &s, ei);

	/* not the next version, another's key, or both wrote at once */
	return rc == ERR_DUPLICATE ? ERR_CONFLICT : rc;
}

/* One key, two accounts: it lives under one of them. */
static void test_race_key(void **state)
{
	struct fix *f = *state;

	assert_int_equal(race(f, try_session, ERR_CONFLICT), 1);
}

static enum err try_migrate(struct store *st, int who, struct err_info *ei)
{
	return st->ops->migrate(st, -1, SEC(1), ei);
}

static void test_race_migrate(void **state)
{
	struct fix *f = *state;

	OK(f->ops->migrate(f->st, 0, SEC(1), &f->ei));
	assert_int_equal(race(f, try_migrate, ERR_OK), REPLICAS);
	OK(store_check_schema(f->st, &f->ei));
}

#define P(fn) cmocka_unit_test_setup_teardown(fn, setup_pg, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		P(test_failure_in_batch),
		P(test_connection_lost),
		P(test_theirs),
		P(test_read_only),
		P(test_claim),
		P(test_calls),
		P(test_large),
		P(test_race_renewed),
		P(test_race_lease),
		P(test_race_capacity),
		P(test_race_key),
		P(test_race_migrate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
