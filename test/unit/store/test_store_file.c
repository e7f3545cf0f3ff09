/* SPDX-License-Identifier: MIT */
/*
 * The database as a file: made, migrated both ways, refused, killed, damaged.
 */
#include <fcntl.h>
#include <signal.h>

#include <sqlite3.h>

#include "store_fix.h"

static void raw(struct fix *f, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static enum err reopen(struct fix *f, const struct store_options *opt)
{
	store_close(f->st);
	f->st = NULL;
	f->ei.msg[0] = '\0';
	return store_open(f->url, opt, &f->st, &f->ei);
}

static void test_mode(void **state)
{
	struct fix *f = *state;
	const char *end[] = { "", "-wal", "-shm" };
	char path[96];
	struct stat sb;

	umask(0);
	fix_open(f);
	OK(f->ops->migrate(f->st, -1, SEC(1), &f->ei));
	for (size_t i = 0; i < ARRAY_LEN(end); i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, end[i]);
		assert_int_equal(stat(path, &sb), 0);
		assert_int_equal(sb.st_mode & 07777, 0600);
	}
}

static void test_migrate(void **state)
{
	struct fix *f = *state;
	struct store_schema s;
	const char *v;

	fix_open(f);
	OK(f->ops->schema(f->st, &s, &f->ei));
	assert_int_equal(s.version, 0);
	IS(store_check_schema(f->st, &f->ei), ERR_CONFLICT);
	assert_non_null(strstr(f->ei.msg, "db migrate"));
	for (int i = 0; i < 3; i++) {
		OK(f->ops->migrate(f->st, -1, SEC(5), &f->ei));
		OK(f->ops->migrate(f->st, -1, SEC(6), &f->ei));
		OK(store_check_schema(f->st, &f->ei));
		OK(f->ops->schema(f->st, &s, &f->ei));
		assert_int_equal(s.version, s.newest);
		assert_int_equal(s.n_steps, s.newest);
		assert_string_equal(s.steps[0].name, "init");
		assert_int_equal(s.steps[0].applied.us, SEC(5).us);
		OK(f->ops->kv_init(f->st, "k", "v", &f->a, &v, &f->ei));
		OK(f->ops->migrate(f->st, 0, SEC(7), &f->ei));
		OK(f->ops->schema(f->st, &s, &f->ei));
		assert_int_equal(s.version, 0);
		IS(f->ops->kv_get(f->st, "k", &f->a, &v, &f->ei), ERR_IO);
	}
	IS(f->ops->migrate(f->st, 99, SEC(7), &f->ei), ERR_INVALID);
}

/* Nothing of a rolled back schema stays. */
static void test_down_is_clean(void **state)
{
	struct fix *f = *state;
	sqlite3_stmt *s;
	sqlite3 *db;

	fix_open(f);
	OK(f->ops->migrate(f->st, -1, SEC(5), &f->ei));
	OK(f->ops->migrate(f->st, 0, SEC(5), &f->ei));
	store_close(f->st);
	f->st = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_prepare_v2(db,
			   "SELECT count(*) FROM sqlite_schema WHERE name "
			   "NOT LIKE 'sqlite_%' AND name <> "
			   "'schema_migrations'",
			   -1, &s, NULL);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(s, 0), 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static void test_newer(void **state)
{
	struct fix *f = *state;

	raw(f, "INSERT INTO schema_migrations VALUES (99, 'future', 1)");
	OK(reopen(f, NULL));
	IS(store_check_schema(f->st, &f->ei), ERR_CONFLICT);
	assert_non_null(strstr(f->ei.msg, "newer program"));
	IS(f->ops->migrate(f->st, -1, SEC(1), &f->ei), ERR_CONFLICT);
	IS(f->ops->migrate(f->st, 0, SEC(1), &f->ei), ERR_CONFLICT);
}

/* A failing step leaves everything as it was. */
static void test_failed_migration(void **state)
{
	struct fix *f = *state;
	struct store_schema s;

	fix_open(f);
	raw(f, "CREATE TABLE jobs (x)");
	IS(f->ops->migrate(f->st, -1, SEC(1), &f->ei), ERR_IO);
	assert_non_null(strstr(f->ei.msg, "migration 1 init"));
	OK(f->ops->schema(f->st, &s, &f->ei));
	assert_int_equal(s.version, 0);
	raw(f, "DROP TABLE jobs");
	OK(f->ops->migrate(f->st, -1, SEC(1), &f->ei));
}

static void put_file(struct fix *f, const char *text, size_t len)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void test_refused(void **state)
{
	struct fix *f = *state;
	char junk[8192];
	struct store *st = NULL;

	memset(junk, 'x', sizeof(junk));
	put_file(f, junk, sizeof(junk));
	IS(reopen(f, NULL), ERR_CORRUPT);
	assert_non_null(strstr(f->ei.msg, "not an SQLite database"));
	/* nothing was written into it */
	IS(access(f->path, F_OK), 0);
	unlink(f->path);
	raw(f, "CREATE TABLE theirs (x)");
	IS(reopen(f, NULL), ERR_CORRUPT);
	assert_non_null(strstr(f->ei.msg, "another program"));
	unlink(f->path);
	IS(reopen(f, &(struct store_options){ .must_exist = true }),
	   ERR_NOTFOUND);
	IS(store_open("sqlite:/nonexistent/db", NULL, &st, &f->ei),
	   ERR_NOTFOUND);
	IS(store_open(f->dir, NULL, &st, &f->ei), ERR_INVALID);
	IS(store_open("postgresql://u:secret@127.0.0.1:1/x", NULL, &st, &f->ei),
	   ERR_USAGE);
	assert_null(strstr(f->ei.msg, "secret"));
	assert_non_null(strstr(f->ei.msg, "PGPASSFILE"));
	IS(store_open("postgresql://127.0.0.1:1/x", NULL, &st, &f->ei),
	   ERR_UNAVAILABLE);
	IS(store_open("postgresql://%", NULL, &st, &f->ei), ERR_USAGE);
	IS(store_open("", NULL, &st, &f->ei), ERR_USAGE);
	assert_null(st);
}

static void test_read_only(void **state)
{
	struct fix *f = *state;
	struct store_account a;

	OK(reopen(f, &(struct store_options){ .read_only = true }));
	OK(f->ops->account_get(f->st, "100", &f->a, &a, &f->ei));
	IS(f->ops->kv_set(f->st, "k", "v", &f->ei), ERR_FORBIDDEN);
	assert_non_null(strstr(f->ei.msg, "owner and mode"));
	if (geteuid() == 0)
		return; /* root may write anywhere */
	chmod(f->path, 0400);
	IS(reopen(f, NULL), ERR_FORBIDDEN);
	chmod(f->path, 0600);
	OK(reopen(f, NULL));
}

static void test_damaged(void **state)
{
	struct fix *f = *state;
	char zero[4096] = { 0 };
	enum err rc;
	int fd;

	OK(f->ops->begin(f->st, &f->ei));
	for (int i = 0; i < 2000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "8%06d", i);
		add_account(f, id, NULL);
	}
	OK(f->ops->commit(f->st, &f->ei));
	OK(reopen(f, NULL)); /* closing moved the log into the file */
	store_close(f->st);
	f->st = NULL;
	fd = open(f->path, O_WRONLY);
	for (int page = 20; page < 60; page++)
		assert_int_equal(pwrite(fd, zero, 4096, page * 4096L), 4096);
	close(fd);
	rc = store_open(f->url, NULL, &f->st, &f->ei);
	if (rc == ERR_OK)
		rc = f->ops->integrity(f->st, &f->ei);
	assert_int_equal(rc, ERR_CORRUPT);
	assert_non_null(strstr(f->ei.msg, "restore a backup"));
	store_close(f->st);
	f->st = NULL;
}

/* A failed operation undoes itself, not the batch. */
static void test_batch(void **state)
{
	struct fix *f = *state;
	struct store_account a = { .account_id = "100" };
	struct store_totals t;

	OK(f->ops->begin(f->st, &f->ei));
	add_account(f, "900", NULL);
	IS(f->ops->account_add(f->st, &a, SEC(1), &f->ei), ERR_DUPLICATE);
	a.account_id = "901";
	a.node_id = "none";
	IS(f->ops->account_add(f->st, &a, SEC(1), &f->ei), ERR_NOTFOUND);
	add_account(f, "902", NULL);
	OK(f->ops->commit(f->st, &f->ei));
	OK(f->ops->account_totals(f->st, 1, &t, &f->ei));
	assert_int_equal(t.accounts, 5);
	OK(f->ops->begin(f->st, &f->ei));
	add_account(f, "903", NULL);
	f->ops->rollback(f->st);
	OK(f->ops->begin(f->st, &f->ei));
	add_account(f, "904", NULL);
	OK(reopen(f, NULL)); /* closed in the middle */
	OK(f->ops->account_totals(f->st, 1, &t, &f->ei));
	assert_int_equal(t.accounts, 5);
}

/* A batch in a batch fails alone, and lasts only with the outer one. */
static void test_batch_in_batch(void **state)
{
	struct fix *f = *state;
	struct store_account a;
	struct arena *ar = &f->a;

	OK(f->ops->begin(f->st, &f->ei));
	OK(f->ops->begin(f->st, &f->ei));
	add_account(f, "910", NULL);
	OK(f->ops->commit(f->st, &f->ei));
	OK(f->ops->begin(f->st, &f->ei));
	add_account(f, "911", NULL);
	f->ops->rollback(f->st);
	OK(f->ops->begin(f->st, &f->ei));
	add_account(f, "912", NULL);
	OK(f->ops->commit(f->st, &f->ei));
	OK(f->ops->commit(f->st, &f->ei));
	OK(f->ops->account_get(f->st, "910", ar, &a, &f->ei));
	IS(f->ops->account_get(f->st, "911", ar, &a, &f->ei), ERR_NOTFOUND);
	OK(f->ops->account_get(f->st, "912", ar, &a, &f->ei));
	OK(f->ops->begin(f->st, &f->ei));
	OK(f->ops->begin(f->st, &f->ei));
	add_account(f, "913", NULL);
	OK(f->ops->commit(f->st, &f->ei));
	f->ops->rollback(f->st);
	IS(f->ops->account_get(f->st, "913", ar, &a, &f->ei), ERR_NOTFOUND);
	OK(reopen(f, NULL));
	OK(f->ops->account_get(f->st, "912", ar, &a, &f->ei));
}

/* Somebody else's long write is waited for, then told. */
static void test_busy(void **state)
{
	struct fix *f = *state;
	struct store *other;

	OK(store_open(f->url, &(struct store_options){ .busy_timeout_ms = 50 },
		      &other, &f->ei));
	OK(f->ops->begin(f->st, &f->ei));
	add_account(f, "900", NULL);
	IS(other->ops->kv_set(other, "k", "v", &f->ei), ERR_UNAVAILABLE);
	IS(other->ops->begin(other, &f->ei), ERR_UNAVAILABLE);
	OK(f->ops->commit(f->st, &f->ei));
	OK(other->ops->kv_set(other, "k", "v", &f->ei));
	store_close(other);
}

/*
 * The child says on a pipe what it has committed, two rows a commit, until it is
 * killed; all that was said must be there, and never half a commit.
 */
static void writer(struct fix *f, int fd)
{
	fix_open(f);
	for (int i = 0; i < 1000000; i++) {
		char a[16], b[16];

		snprintf(a, sizeof(a), "a%07d", i);
		snprintf(b, sizeof(b), "b%07d", i);
		OK(f->ops->begin(f->st, &f->ei));
		add_account(f, a, NULL);
		add_account(f, b, NULL);
		OK(f->ops->commit(f->st, &f->ei));
		assert_int_equal(write(fd, &i, sizeof(i)), sizeof(i));
	}
}

static void kill_round(struct fix *f, int round)
{
	int fds[2], said = -1, i, status;
	struct store_account acc;
	char id[16];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		writer(f, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	for (int n = 0; n < 20 + 13 * round; n++)
		assert_int_equal(read(fds[0], &said, sizeof(said)),
				 sizeof(said));
	kill(pid, SIGKILL);
	while (read(fds[0], &i, sizeof(i)) == sizeof(i))
		said = i;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));

	fix_open(f);
	OK(f->ops->integrity(f->st, &f->ei));
	for (i = 0; i <= said + 1; i++) {
		enum err one, two;

		snprintf(id, sizeof(id), "a%07d", i);
		one = f->ops->account_get(f->st, id, &f->a, &acc, NULL);
		id[0] = 'b';
		two = f->ops->account_get(f->st, id, &f->a, &acc, NULL);
		assert_int_equal(one, two);
		if (i <= said)
			OK(one);
		if (one == ERR_OK) {
			OK(f->ops->account_delete(f->st, id, SEC(1), NULL));
			id[0] = 'a';
			OK(f->ops->account_delete(f->st, id, SEC(1), NULL));
		}
	}
	store_close(f->st);
	f->st = NULL;
}

static void test_killed(void **state)
{
	struct fix *f = *state;

	store_close(f->st);
	f->st = NULL;
	for (int round = 0; round < 5; round++)
		kill_round(f, round);
}

static const struct CMUnitTest tests[] = {
	T_EMPTY(test_mode),
	T_EMPTY(test_migrate),
	T_EMPTY(test_down_is_clean),
	T(test_newer),
	T_EMPTY(test_failed_migration),
	T_EMPTY(test_refused),
	T(test_read_only),
	T(test_damaged),
	T(test_batch),
	T(test_batch_in_batch),
	T(test_busy),
	T(test_killed),
};

RUN_ALL(tests)
