/* SPDX-License-Identifier: MIT */
/* err, sm, dlist, clock, log, metrics, config, workpool. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/dlist.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/sm.h"
#include "base/workpool.h"

static bool aborts(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	       WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void err_reads_outside_in(void **state)
{
	struct err_info ei;

	(void)state;
	assert_int_equal(err_set(&ei, ERR_FLOOD, "FLOOD_WAIT_30"), ERR_FLOOD);
	assert_int_equal(err_wrap(&ei, ERR_FLOOD, "send to %d", 42), ERR_FLOOD);
	assert_string_equal(ei.msg, "send to 42: FLOOD_WAIT_30");
	assert_int_equal(err_retry(ERR_FLOOD), ERR_RETRY_AFTER);
	assert_int_equal(err_http_status(ERR_FLOOD), 429);
	assert_string_equal(err_code(ERR_STALE_EPOCH), "stale_epoch");
	assert_int_equal(err_set(NULL, ERR_EOF, "unused"), ERR_EOF);
	assert_string_equal(err_name((enum err)9999), "IO");
}

enum { RED, GREEN, BLUE };
static const struct sm_state colours[] = {
	[RED] = { "RED", SM_TO(GREEN), SM_INITIAL },
	[GREEN] = { "GREEN", SM_TO(RED) | SM_TO(BLUE), 0 },
	[BLUE] = { "BLUE", 0, SM_FINAL },
};
static const struct sm_class colour_class = { "colour", colours, 3 };
static char history[128];

static void record(const struct sm *sm, int from, int to, const char *why)
{
	size_t n = strlen(history);

	snprintf(history + n, sizeof(history) - n, "%s>%s(%s) ",
		 sm_state_name(sm, from), sm_state_name(sm, to), why);
}

static void sm_history(void **state)
{
	struct sm sm;

	(void)state;
	sm_init(&sm, &colour_class, RED, record, 0);
	sm_move(&sm, GREEN, "go", 1);
	assert_false(sm_may_move(&sm, GREEN));
	sm_move(&sm, BLUE, "end", 2);
	assert_string_equal(history, "RED>GREEN(go) GREEN>BLUE(end) ");
	sm_deinit(&sm);
}

static void illegal_edge(void)
{
	struct sm sm;

	sm_init(&sm, &colour_class, RED, NULL, 0);
	sm_move(&sm, BLUE, "wishful", 1);
}

struct item {
	int id;
	struct dlist_node node;
};
DLIST_DECLARE(itemlist, item, node);

static void wrong_list(void)
{
	struct itemlist a, b;
	struct item x = { .id = 1 };

	itemlist_init(&a);
	itemlist_init(&b);
	itemlist_push(&a, &x);
	if (itemlist_first(&a) == &x)
		itemlist_remove(&b, &x);
}

static void our_bugs_abort(void **state)
{
	(void)state;
	assert_true(aborts(illegal_edge));
	assert_true(aborts(wrong_list));
}

static void clocks(void **state)
{
	struct clock_manual m;
	char text[WALL_TEXT_MAX];
	struct mono before, after;

	(void)state;
	clock_manual_init(&m, (struct mono){ 5 }, wall_from_sec(0));
	clock_manual_advance(&m, 1500000);
	assert_int_equal(clock_mono(&m.clock).us, 1500005);
	wall_format(clock_wall(&m.clock), text);
	assert_string_equal(text, "1970-01-01T00:00:01.500Z");
	wall_format((struct wall){ -1000 }, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	assert_true(mono_add((struct mono){ 10 }, INT64_MAX).us ==
		    MONO_NEVER.us);
	before = clock_mono(clock_system());
	after = clock_mono(clock_system());
	assert_true(mono_diff(after, before) >= 0);
}

static char logged[4096];

static void sink(void *ctx, const char *line)
{
	(void)ctx;
	snprintf(logged, sizeof(logged), "%s", line);
}

static void log_cannot_be_forged(void **state)
{
	struct err_info ei;
	char big[5000];

	(void)state;
	log_set_sink(sink, NULL);
	(void)err_set(&ei, ERR_IO, "disk \"gone\"");
	log_fail(LOG_WARN, LOGEV_DB, ERR_IO, &ei, log_u64("n", 3),
		 log_str("evil", "a\nlevel=error ev=fake \x1b[2J\xff"),
		 log_phone("phone", "9996610001"), log_str("utf", "中文"));
	assert_non_null(
		strstr(logged,
		       " level=warn ev=db err=IO msg=\"disk \\\"gone\\\"\" n=3 "
		       "evil=\"a\\x0alevel=error ev=fake \\x1b[2J\\xff\" "
		       "phone=99966***** utf=中文"));
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info(LOGEV_DB, log_str("big", big));
	assert_true(strlen(logged) < 2048);
	logged[0] = '\0';
	log_debug(LOGEV_DB, log_str("a", "b"));
	assert_string_equal(logged, "");
	log_set_sink(NULL, NULL);
}

static void metrics_text(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	metrics_set(METRIC_ACCOUNTS, 5);
	metrics_add(METRIC_ACCOUNTS, -2);
	assert_int_equal(metrics_print(&b), ERR_OK);
	assert_non_null(strstr(buf_cstr(&b), "# TYPE tgfleet_accounts gauge\n"
					     "tgfleet_accounts 3\n"));
	buf_deinit(&b);
}

struct values {
	char *name;
	int64_t count;
	bool loud;
	int64_t every_us;
	uint64_t limit;
	char *token;
};

static const struct config_option options[] = {
	{ "name", CONFIG_STR, CONFIG_REQUIRED, offsetof(struct values, name),
	  NULL, 0, 0, "NAME", "who" },
	{ "count", CONFIG_INT, 0, offsetof(struct values, count), "3", 1, 10,
	  "N", "how many" },
	{ "loud", CONFIG_BOOL, 0, offsetof(struct values, loud), "no", 0, 0,
	  NULL, "be loud" },
	{ "every", CONFIG_DURATION, 0, offsetof(struct values, every_us), "30s",
	  1000000, 60000000, "TIME", "how often" },
	{ "limit", CONFIG_SIZE, 0, offsetof(struct values, limit), "64k", 0, 0,
	  "BYTES", "how much" },
	{ "token", CONFIG_STR, CONFIG_SECRET, offsetof(struct values, token),
	  NULL, 0, 0, "TEXT", "a secret" },
};
static const struct config_table table = { "test", options, 6 };

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void config_later_source_wins(void **state)
{
	char arg[4][16] = { "--count", "7", "--loud", "rest" };
	char *argv[] = { arg[0], arg[1], arg[2], arg[3] };
	char path[] = "/tmp/test_config_XXXXXX";
	struct config_origins o;
	struct values v = { 0 };
	struct err_info ei;
	struct buf b;
	int used;

	(void)state;
	assert_true(mkstemp(path) >= 0);
	write_file(path, "# comment\nname: from-file\ncount: 5\nlimit: 1m\n"
			 "token: hush\n");
	setenv("TGFLEET_EVERY", "2s", 1);
	assert_int_equal(config_defaults(&table, &v, &o, &ei), ERR_OK);
	assert_int_equal(v.every_us, 30000000);
	assert_int_equal(config_file(&table, &v, &o, path, &ei), ERR_OK);
	assert_int_equal(config_env(&table, &v, &o, &ei), ERR_OK);
	assert_int_equal(config_args(&table, &v, &o, 4, argv, &used, &ei),
			 ERR_OK);
	assert_int_equal(used, 3);
	assert_int_equal(config_check(&table, &v, &ei), ERR_OK);
	assert_string_equal(v.name, "from-file");
	assert_int_equal(v.count, 7);
	assert_true(v.loud);
	assert_int_equal(v.every_us, 2000000);
	assert_int_equal(v.limit, 1 << 20);
	buf_init(&b, 10000);
	assert_int_equal(config_show(&table, &v, &o, &b), ERR_OK);
	assert_non_null(strstr(buf_cstr(&b), "count: 7  # command line\n"));
	assert_non_null(strstr(buf_cstr(&b), "token: ***  # file\n"));
	assert_null(strstr(buf_cstr(&b), "hush"));
	buf_deinit(&b);
	config_free(&table, &v);
	unsetenv("TGFLEET_EVERY");
	unlink(path);
}

static void config_refusals(void **state)
{
	static const struct {
		const char *text, *msg;
	} files[] = {
		{ "colour: red\n", "unknown setting 'colour'" },
		{ "count: many\n", "count: 'many' is not a whole number" },
		{ "count: 11\n", "count: 11 is not in 1 to 10" },
		{ "every: 61s\n", "every: 61s is not in" },
		{ "- a\n", "'name: value' lines only" },
		{ "name: [a]\n", "'name: value' lines only" },
		{ "name: {a: b}\n", "'name: value' lines" },
		{ "name: *x\n", "" },
		{ "just text\n", "'name: value' lines are expected" },
		{ "name: \"\n", "" },
	};
	char arg[] = "--token=x", *secret[] = { arg };
	char path[] = "/tmp/test_config_XXXXXX";
	struct config_origins o;
	struct values v = { 0 };
	struct err_info ei;
	int used;

	(void)state;
	assert_true(mkstemp(path) >= 0);
	assert_int_equal(config_defaults(&table, &v, &o, &ei), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		enum err rc;

		write_file(path, files[i].text);
		rc = config_file(&table, &v, &o, path, &ei);
		assert_true(rc == ERR_INVALID || rc == ERR_SYNTAX);
		assert_non_null(strstr(ei.msg, files[i].msg));
		assert_non_null(strstr(ei.msg, path));
	}
	/* an empty file says nothing */
	write_file(path, "");
	assert_int_equal(config_file(&table, &v, &o, path, &ei), ERR_OK);
	write_file(path, "\n# nothing\n");
	assert_int_equal(config_file(&table, &v, &o, path, &ei), ERR_OK);
	assert_int_equal(config_file(&table, &v, &o, "/nonexistent", &ei),
			 ERR_NOTFOUND);
	assert_int_equal(config_args(&table, &v, &o, 1, secret, &used, &ei),
			 ERR_USAGE);
	assert_int_equal(config_check(&table, &v, &ei), ERR_USAGE);
	assert_string_equal(ei.msg, "--name is required");
	config_free(&table, &v);
	unlink(path);
}

struct square {
	struct workpool_job job;
	int in, out;
	bool done;
};
static _Atomic int wakes;

static void wake(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&wakes, 1);
}

static void run_square(struct workpool_job *job)
{
	struct square *s = container_of(job, struct square, job);

	s->out = s->in * s->in;
}

static void done_square(struct workpool_job *job)
{
	container_of(job, struct square, job)->done = true;
}

static void workpool_runs_everything(void **state)
{
	enum { N = 500 };
	static struct square s[N];
	struct workpool *p;

	(void)state;
	assert_int_equal(workpool_new(&p, 4, N, wake, NULL, NULL), ERR_OK);
	for (int i = 0; i < N; i++) {
		s[i] = (struct square){ { run_square, done_square, NULL }, i };
		assert_int_equal(workpool_submit(p, &s[i].job), ERR_OK);
	}
	workpool_free(p);
	for (int i = 0; i < N; i++) {
		assert_true(s[i].done);
		assert_int_equal(s[i].out, i * i);
	}
	assert_int_equal(atomic_load(&wakes), N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_reads_outside_in),
		cmocka_unit_test(sm_history),
		cmocka_unit_test(our_bugs_abort),
		cmocka_unit_test(clocks),
		cmocka_unit_test(log_cannot_be_forged),
		cmocka_unit_test(metrics_text),
		cmocka_unit_test(config_later_source_wins),
		cmocka_unit_test(config_refusals),
		cmocka_unit_test(workpool_runs_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
