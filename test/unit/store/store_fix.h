/* SPDX-License-Identifier: MIT */
/*
 * A fresh, migrated store for each test, of the backend at hand: PostgreSQL when
 * TEST_POSTGRES says where one is (test/lib/postgres.py), SQLite otherwise.  A
 * test's place in PostgreSQL is a schema of its own.
 */
#ifndef TEST_STORE_FIX_H
#define TEST_STORE_FIX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "store/store.h"

struct fix {
	struct store *st;
	const struct store_ops *ops;
	struct arena a;
	struct err_info ei;
	bool pg;
	char dir[64], path[80], url[256];
};

#define OK(call) assert_int_equal((call), ERR_OK)
#define IS(call, rc) assert_int_equal((call), (rc))
/* times as they are today: they need 64 bits */
#define EPOCH INT64_C(1790000000)
#define SEC(n) ((struct wall){ (EPOCH + (n)) * US_PER_SEC })

static inline struct store_hash hash(int n)
{
	struct store_hash h = { { 0 } };

	memcpy(h.bytes, &n, sizeof(n));
	h.bytes[31] = 0x5a;
	return h;
}

static inline void fix_open(struct fix *f)
{
	OK(store_open(f->url, NULL, &f->st, &f->ei));
	f->ops = f->st->ops;
	assert_string_equal(f->ops->name, f->pg ? "postgresql" : "sqlite");
}

static inline void pg_say(const char *sql)
{
	PGconn *c = PQconnectdb(getenv("TEST_POSTGRES"));
	PGresult *r = PQexec(c, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s", PQerrorMessage(c));
	PQclear(r);
	PQfinish(c);
}

static inline void pg_place(struct fix *f)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
		 "SET client_min_messages = error; DROP SCHEMA IF EXISTS "
		 "t%d CASCADE; CREATE SCHEMA t%d",
		 getpid(), getpid());
	pg_say(sql);
	snprintf(f->url, sizeof(f->url), "%s?options=-csearch_path%%3Dt%d",
		 getenv("TEST_POSTGRES"), getpid());
}

static inline int setup_empty(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/db", f->dir);
	snprintf(f->url, sizeof(f->url), "sqlite:%s", f->path);
	f->pg = getenv("TEST_POSTGRES") != NULL;
	if (f->pg)
		pg_place(f);
	arena_init(&f->a, 256 << 20);
	*state = f;
	return 0;
}

static inline void add_node(struct fix *f, const char *id, int64_t max)
{
	struct store_node n = { .node_id = id,
				.name = id,
				.token = hash(id[0] * 256 + id[1]),
				.max_accounts = max };

	OK(f->ops->node_add(f->st, &n, SEC(1), &f->ei));
}

static inline void add_account(struct fix *f, const char *id, const char *node)
{
	struct store_account a = {
		.account_id = id, .node_id = node, .phone = id, .enabled = true
	};

	OK(f->ops->account_add(f->st, &a, SEC(2), &f->ei));
}

/* Nodes n1 and n2, accounts 100, 101, 102 on n1. */
static inline int setup(void **state)
{
	struct fix *f;

	setup_empty(state);
	f = *state;
	fix_open(f);
	OK(f->ops->migrate(f->st, -1, SEC(1), &f->ei));
	OK(store_check_schema(f->st, &f->ei));
	add_node(f, "n1", 0);
	add_node(f, "n2", 2);
	add_account(f, "100", "n1");
	add_account(f, "101", "n1");
	add_account(f, "102", "n1");
	return 0;
}

static inline int teardown(void **state)
{
	struct fix *f = *state;
	char other[96];

	if (f->st && store_check_schema(f->st, NULL) == ERR_OK)
		OK(f->ops->integrity(f->st, &f->ei));
	store_close(f->st);
	unlink(f->path);
	snprintf(other, sizeof(other), "%s-wal", f->path);
	unlink(other);
	snprintf(other, sizeof(other), "%s-shm", f->path);
	unlink(other);
	rmdir(f->dir);
	arena_deinit(&f->a);
	free(f);
	return 0;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define T_EMPTY(fn) cmocka_unit_test_setup_teardown(fn, setup_empty, teardown)

#define RUN_ALL(tests)                                                         \
	int main(void)                                                         \
	{                                                                      \
		return cmocka_run_group_tests_name(                            \
			getenv("TEST_POSTGRES") ? "postgresql" : "sqlite",     \
			tests, NULL, NULL);                                    \
	}

#endif /* TEST_STORE_FIX_H */
