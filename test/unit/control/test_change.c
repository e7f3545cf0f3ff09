/* SPDX-License-Identifier: MIT */
/*
 * Nothing half done: each changing route, with each of its writes failing in
 * turn, leaves the database as it was and answers an error; without a failure all
 * of it is there, and one line of the audit trail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sqlite3.h>

#include "control/control_int.h"
#include "fault_store.h"

#define OK(call) assert_int_equal((call), ERR_OK)
#define USER "tgu_test"
#define NODE "tgn_test"
#define TURNS_MAX 20000
#define WRITES_MAX 40

struct rig {
	struct control_config cfg;
	struct config_origins origins;
	struct loop *l;
	struct control *c;
	sqlite3 *db; /* beside the store's own connection */
	char dir[64];
};

struct call {
	const char *method, *path, *token, *body, *type, *key;
	int status; /* without a failure */
	int audits;
};

struct answer {
	int status;
	char text[65536];
};

/* --- the world before --- */

static void put_node(struct rig *r, const char *id, const char *token)
{
	const struct store_node n = {
		.node_id = id,
		.name = id,
		.token = control_hash(token),
		.has_public_key = true,
		.public_key = { 9 }, /* the curve's base point */
	};

	OK(r->c->store->ops->node_add(r->c->store, &n, control_wall(r->c),
				      NULL));
}

static void put_command(struct rig *r, const char *id)
{
	const struct store_command cmd = {
		.command_id = id,
		.node_id = "n2",
		.action = "reload",
		.state = STORE_CMD_QUEUED,
		.created = control_wall(r->c),
		.expires = { control_wall(r->c).us + 3600 * US_PER_SEC },
	};

	OK(r->c->store->ops->command_add(r->c->store, &cmd, NULL));
}

static void put_join(struct rig *r, const char *id, const char *token)
{
	const struct store_join j = {
		.id = id,
		.hash = control_hash(token),
		.created_by = "user:admin",
		.created = control_wall(r->c),
		.expires = { control_wall(r->c).us + 3600 * US_PER_SEC },
	};

	OK(r->c->store->ops->join_add(r->c->store, &j, NULL));
}

static void fill(struct rig *r)
{
	const struct store_login login = {
		.user_id = 1,
		.token = control_hash(USER),
		.created = control_wall(r->c),
		.expires = { control_wall(r->c).us + 3600 * US_PER_SEC },
	};

	OK(r->c->store->ops->login_add(r->c->store, &login, NULL));
	put_node(r, "n1", NODE);
	put_node(r, "n2", "tgn_other");
	put_command(r, "c1");
	put_command(r, "c2");
	put_join(r, "j1", "tgj_one");
	put_join(r, "j2", "tgj_two");
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	char path[96];

	snprintf(r->dir, sizeof(r->dir), "/tmp/change-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	OK(config_defaults(&control_options, &r->cfg, &r->origins, NULL));
	free(r->cfg.data);
	r->cfg.data = strdup(r->dir);
	free(r->cfg.listen);
	r->cfg.listen = strdup("127.0.0.1:0");
	OK(loop_new(&r->l, NULL, NULL));
	OK(control_new(r->l, &r->cfg, &r->c, NULL));
	fill(r);
	fault_install(r->c->store);
	snprintf(path, sizeof(path), "%s/tgfleet.db", r->dir);
	assert_int_equal(sqlite3_open(path, &r->db), SQLITE_OK);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	char command[128];

	sqlite3_close(r->db);
	control_free(r->c);
	loop_free(r->l);
	config_free(&control_options, &r->cfg);
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	free(r);
	return 0;
}

/* --- what is in the database --- */

static void dump_row(sqlite3_stmt *st, struct buf *out)
{
	for (int i = 0; i < sqlite3_column_count(st); i++) {
		const void *bytes = sqlite3_column_blob(st, i);
		int len = sqlite3_column_bytes(st, i);

		OK(buf_printf(out, "|%d:%d:", sqlite3_column_type(st, i), len));
		if (len)
			OK(buf_append(out, bytes, (size_t)len));
	}
	OK(buf_append_byte(out, '\n'));
}

static void dump_table(struct rig *r, const char *table, struct buf *out)
{
	char sql[128];
	sqlite3_stmt *st;

	snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", table);
	assert_int_equal(sqlite3_prepare_v2(r->db, sql, -1, &st, NULL),
			 SQLITE_OK);
	OK(buf_printf(out, "[%s]\n", table));
	while (sqlite3_step(st) == SQLITE_ROW)
		dump_row(st, out);
	sqlite3_finalize(st);
}

static void dump(struct rig *r, struct buf *out)
{
	sqlite3_stmt *st;

	buf_init(out, 16U << 20);
	assert_int_equal(
		sqlite3_prepare_v2(r->db,
				   "SELECT name FROM sqlite_master "
				   "WHERE type = 'table' ORDER BY name",
				   -1, &st, NULL),
		SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		dump_table(r, (const char *)sqlite3_column_text(st, 0), out);
	sqlite3_finalize(st);
}

static bool same(const struct buf *a, const struct buf *b)
{
	return buf_len(a) == buf_len(b) &&
	       !memcmp(buf_head(a), buf_head(b), buf_len(a));
}

static int audits(struct rig *r)
{
	sqlite3_stmt *st;
	int n;

	assert_int_equal(sqlite3_prepare_v2(r->db, "SELECT count(*) FROM audit",
					    -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* --- a client in the same thread --- */

static int ask(struct rig *r, const struct call *k)
{
	const struct addr at = server_addr(r->c->server);
	struct sockaddr_in to = { .sin_family = AF_INET };
	char text[ADDR_TEXT_MAX], head[8192];
	int fd = socket(AF_INET, SOCK_STREAM, 0), n;

	addr_format(&at, text);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)strtol(strrchr(text, ':') + 1, NULL, 10));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	n = snprintf(head, sizeof(head),
		     "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		     "Authorization: Bearer %s\r\nContent-Type: %s\r\n"
		     "%s%s%sContent-Length: %zu\r\n\r\n%s",
		     k->method, k->path, k->token ? k->token : USER,
		     k->type ? k->type : "application/json",
		     k->key ? "Idempotency-Key: " : "", k->key ? k->key : "",
		     k->key ? "\r\n" : "", k->body ? strlen(k->body) : 0,
		     k->body ? k->body : "");
	assert_true(n > 0 && (size_t)n < sizeof(head));
	assert_int_equal(write(fd, head, (size_t)n), n);
	return fd;
}

/* False: nothing within so many turns. */
static bool hear(struct rig *r, int fd, struct answer *ret, int turns)
{
	size_t len = 0;

	for (int i = 0; i < turns; i++) {
		ssize_t n = recv(fd, ret->text + len,
				 sizeof(ret->text) - 1 - len, MSG_DONTWAIT);

		if (!n)
			break;
		if (n > 0)
			len += (size_t)n;
		else
			loop_turn(r->l, US_PER_MS);
	}
	ret->text[len] = '\0';
	ret->status = len > 12 ? (int)strtol(ret->text + 9, NULL, 10) : 0;
	return len > 0;
}

static void say(struct rig *r, const struct call *k, struct answer *ret)
{
	int fd = ask(r, k);

	assert_true(hear(r, fd, ret, TURNS_MAX));
	close(fd);
}

/* --- one call, failing at every write, then not --- */

static void try_failing(struct rig *r, const struct call *k, int at,
			struct answer *ret)
{
	const size_t jobs = r->c->jobs.count, waiting = r->c->waiting.count;
	struct buf before, after;

	dump(r, &before);
	fault_in = at;
	fault_struck = false;
	say(r, k, ret);
	fault_in = -1;
	dump(r, &after);
	if (fault_struck) {
		if (ret->status < 500 || !same(&before, &after))
			fail_msg("%s %s: write %d failed, answer %s", k->method,
				 k->path, at, ret->text);
		assert_int_equal(r->c->jobs.count, jobs);
		assert_int_equal(r->c->waiting.count, waiting);
	} else if (same(&before, &after)) {
		fail_msg("%s %s changed nothing: %s", k->method, k->path,
			 ret->text);
	}
	assert_null(r->c->change);
	buf_deinit(&before);
	buf_deinit(&after);
}

static void check(struct rig *r, const struct call *k, struct answer *ret)
{
	const int noted = audits(r);
	int at = 0;

	do {
		assert_true(at < WRITES_MAX);
		try_failing(r, k, at++, ret);
	} while (fault_struck);
	/* begin, a write, the commit at least: else nothing was tried */
	assert_true(at > 3);
	if (ret->status != k->status || audits(r) != noted + k->audits)
		fail_msg("%s %s: %d more audit rows, answer %s", k->method,
			 k->path, audits(r) - noted, ret->text);
}

#define A "/api/v1"
#define ACCOUNTS A "/group-ai/accounts"
#define KEY_BYTES_IN_GROUPS 84

/* A session as text: data centre 2, a key of 0x55. */
static const char *form(char out[static 2048])
{
	char *p = out;

	p += sprintf(p, "--b\r\nContent-Disposition: form-data; "
			"name=\"attested\"\r\n\r\ntrue\r\n--b\r\n"
			"Content-Disposition: form-data; name=\"file\"; "
			"filename=\"1005.session\"\r\n\r\n1ApWapzIBu1VV");
	for (int i = 0; i < KEY_BYTES_IN_GROUPS; i++)
		p += sprintf(p, "VVVV");
	sprintf(p, "VVU=\r\n--b--\r\n");
	return out;
}

static void fetch(struct rig *r, const char *beat_answer)
{
	const char *url = strstr(beat_answer, "\"url\":\"");
	char path[256];
	struct answer a;
	size_t n;

	assert_non_null(url);
	url += strlen("\"url\":\"");
	n = strcspn(url, "\"");
	assert_true(n < sizeof(path));
	memcpy(path, url, n);
	path[n] = '\0';
	check(r,
	      &(struct call){ "GET", path, NODE, .status = 200, .audits = 1 },
	      &a);
}

#define BEAT(seq)                                                              \
	"{\"boot_id\":\"1-a\",\"seq\":" #seq ",\"full\":true,"                 \
	"\"accounts\":[],\"held\":[],\"released\":[]}"

#define ONLINE                                                                 \
	"{\"boot_id\":\"1-a\",\"seq\":3,\"full\":true,"                        \
	"\"accounts\":[{\"account_id\":\"1005\",\"status\":\"online\","        \
	"\"epoch\":1}],\"held\":[{\"account_id\":\"1005\",\"epoch\":1}],"      \
	"\"released\":[]}"

static void test_people_every_write(void **state)
{
	const struct call calls[] = {
		{ "POST", A "/users", .status = 201, .audits = 1,
		  .body = "{\"name\":\"bob\",\"password\":\"longenough\","
			  "\"role\":\"viewer\"}" },
		{ "POST", A "/auth/login", .status = 200, .audits = 1,
		  .body = "{\"username\":\"bob\","
			  "\"password\":\"longenough\"}" },
		{ "PATCH", A "/users/2", .body = "{\"role\":\"operator\"}",
		  .status = 200, .audits = 1 },
		{ "POST", A "/users/2/password", .status = 200, .audits = 1,
		  .body = "{\"password\":\"longer yet\"}" },
		{ "POST", A "/api-keys", .status = 201, .key = "a", .audits = 1,
		  .body = "{\"name\":\"k\",\"role\":\"viewer\","
			  "\"scopes\":[\"accounts:read\"]}" },
		{ "DELETE", A "/users/2", .status = 200, .audits = 1 },
	};
	struct answer a = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		check(*state, &calls[i], &a);
}

static void test_every_route_every_write(void **state)
{
	static char session[2048];
	const struct call calls[] = {
		{ "POST", A "/workers/join-tokens", .status = 201, .key = "k",
		  .audits = 1 },
		{ "DELETE", A "/workers/join-tokens/j1", .status = 200,
		  .audits = 1 },
		{ "POST", A "/workers/enroll", .status = 201, .audits = 1,
		  .body = "{\"join_token\":\"tgj_two\",\"node_name\":\"n3\","
			  "\"public_key\":\"CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			  "AAAAAAAAA=\",\"version\":\"1\","
			  "\"hostname\":\"h\"}" },
		{ "POST", A "/workers", .body = "{\"node_id\":\"p1\"}",
		  .status = 201, .audits = 1 },
		{ "PATCH", A "/workers/n2", .body = "{\"name\":\"two\"}",
		  .status = 200, .audits = 1 },
		{ "POST", A "/workers/heartbeat", NODE, BEAT(1),
		  .status = 200 },
		{ "POST", A "/workers/n1/commands", .status = 201,
		  .body = "{\"action\":\"reload\"}", .audits = 1 },
		{ "POST", A "/workers/broadcast", .status = 201,
		  .body = "{\"action\":\"reload\"}", .audits = 1 },
		{ "POST", A "/workers/n2/commands/c1/result", "tgn_other",
		  "{\"success\":true}", .status = 200 },
		{ "DELETE", A "/workers/n2/commands/c2", .status = 200,
		  .audits = 1 },
		{ "POST", A "/group-ai/chat/start", .status = 200,
		  .audits = 1 },
		{ "POST", ACCOUNTS, .body = "{\"account_id\":\"1003\"}",
		  .status = 201, .audits = 1 },
		{ "PATCH", ACCOUNTS "/1003", .body = "{\"priority\":3}",
		  .status = 200, .audits = 1 },
		{ "POST", ACCOUNTS "/upload-session", .body = form(session),
		  .type = "multipart/form-data; boundary=b", .status = 200,
		  .audits = 1 },
		/* what is said at once, then what is waited for */
		{ "POST", ACCOUNTS "/1003/start", .body = "{\"wait\":\"9s\"}",
		  .status = 200, .audits = 1 },
		{ "POST", ACCOUNTS "/1005/start", .body = "{\"wait\":0}",
		  .status = 202, .audits = 1 },
		{ "POST", A "/group-ai/chat/start-all-accounts",
		  .body = "{\"wait\":0}", .status = 202, .audits = 1 },
		{ "POST", A "/workers/heartbeat", NODE, BEAT(2),
		  .status = 200 },
	};
	const struct call later[] = {
		{ "POST", ACCOUNTS "/1005/move", .status = 200, .audits = 1,
		  .body = "{\"server_id\":\"n2\"}" },
		{ "POST", ACCOUNTS "/1005/stop", .status = 200, .audits = 1 },
		{ "DELETE", ACCOUNTS "/1003", .status = 200, .audits = 1 },
		{ "DELETE", A "/workers/p1", .status = 200, .audits = 1 },
		{ "POST", A "/auth/logout", .status = 200, .audits = 1 },
	};
	struct rig *r = *state;
	struct answer a = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		check(r, &calls[i], &a);
	fetch(r, a.text);
	/* it is up: nobody waits for it any more */
	say(r, &(struct call){ "POST", A "/workers/heartbeat", NODE, ONLINE },
	    &a);
	assert_int_equal(r->c->jobs.count, 0);
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		check(r, &later[i], &a);
}

/* --- nobody is told of what did not happen --- */

static void test_a_failed_change_wakes_nobody(void **state)
{
	const struct call poll = { "GET", A "/workers/n1/stream?wait=30s",
				   NODE };
	const struct call patch = { "PATCH", A "/workers/n1",
				    .body = "{\"draining\":true}" };
	struct rig *r = *state;
	struct answer a, heard;
	int fd = ask(r, &poll);

	assert_false(hear(r, fd, &heard, 20));
	/* begin, the update, the audit row: the commit */
	fault_in = 3;
	fault_struck = false;
	say(r, &patch, &a);
	fault_in = -1;
	assert_true(fault_struck);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.text, "nothing was changed: disk full"));
	assert_false(hear(r, fd, &heard, 20));
	say(r, &patch, &a);
	assert_int_equal(a.status, 200);
	assert_true(hear(r, fd, &heard, TURNS_MAX));
	assert_non_null(strstr(heard.text, "\"news\":true"));
	close(fd);
}

/* A wait for a start that was not stored ends with the error, at once. */
static void test_a_failed_start_leaves_no_job(void **state)
{
	static char session[2048];
	const struct call upload = {
		"POST",
		ACCOUNTS "/upload-session",
		.body = form(session),
		.type = "multipart/form-data; boundary=b",
	};
	const struct call start = { "POST", ACCOUNTS "/1005/start",
				    .body = "{\"wait\":\"60s\"}" };
	const struct call beat = { "POST", A "/workers/heartbeat", NODE,
				   BEAT(1) };
	struct rig *r = *state;
	struct answer a;

	say(r, &beat, &a);
	assert_int_equal(a.status, 200);
	say(r, &upload, &a);
	assert_int_equal(a.status, 200);
	for (int at = 0; at < 6; at++) {
		fault_in = at;
		fault_struck = false;
		say(r, &start, &a);
		fault_in = -1;
		assert_true(fault_struck);
		assert_int_equal(a.status, 503);
		assert_int_equal(r->c->jobs.count, 0);
		assert_int_equal(r->c->waiting.count, 0);
	}
}

/* --- Idempotency-Key --- */

static const char *body_of(const struct answer *a)
{
	const char *end = strstr(a->text, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

/* The second time nothing happens, and the answer is the first one's. */
static void twice(struct rig *r, const struct call *k, struct answer *ret)
{
	struct buf before, after;
	struct answer again;

	say(r, k, ret);
	assert_int_equal(ret->status, k->status);
	assert_null(strstr(ret->text, "Idempotency-Replayed"));
	dump(r, &before);
	say(r, k, &again);
	dump(r, &after);
	assert_true(same(&before, &after));
	assert_int_equal(again.status, ret->status);
	assert_string_equal(body_of(&again), body_of(ret));
	assert_non_null(strstr(again.text, "Idempotency-Replayed: true"));
	buf_deinit(&before);
	buf_deinit(&after);
}

static void refused(struct rig *r, const struct call *k)
{
	struct buf before, after;
	struct answer a;

	dump(r, &before);
	say(r, k, &a);
	dump(r, &after);
	assert_int_equal(a.status, k->status);
	assert_true(same(&before, &after));
	buf_deinit(&before);
	buf_deinit(&after);
}

#define JOINS A "/workers/join-tokens"
#define NOTED(what) "{\"label\":\"" what "\"}"

static void test_a_key_is_done_once(void **state)
{
	const struct call join = { "POST", JOINS, .body = NOTED("a"),
				   .key = "k1", .status = 201 };
	const struct call user = {
		"POST",
		A "/users",
		.key = "k3",
		.status = 201,
		.body = "{\"name\":\"eve\",\"password\":\"longenough\","
			"\"role\":\"viewer\"}",
	};
	struct rig *r = *state;
	char token[80] = "";
	struct buf stored;
	struct answer a;

	twice(r, &join, &a);
	assert_int_equal(sscanf(strstr(a.text, "\"tgj_"), "\"%70[^\"]", token),
			 1);
	twice(r, &user, &a);
	/* another body, another route, a refusal */
	refused(r, &(struct call){ "POST", JOINS, .body = NOTED("b"),
				   .key = "k1", .status = 409 });
	refused(r,
		&(struct call){ "POST", A "/workers", .key = "k1",
				.body = "{\"node_id\":\"x\"}", .status = 409 });
	refused(r, &(struct call){ "POST", JOINS, .body = "{\"x\":1}",
				   .key = "k2", .status = 422 });
	twice(r, &(struct call){ "POST", JOINS, .key = "k2", .status = 201 },
	      &a);
	/* the token is nowhere to be read */
	dump(r, &stored);
	assert_null(memmem(buf_head(&stored), buf_len(&stored), token,
			   strlen(token)));
	buf_deinit(&stored);
}

/* Who asks again for what takes time is led to the same job. */
static void test_a_key_finds_its_job(void **state)
{
	static char session[2048];
	const struct call start = { "POST", ACCOUNTS "/1005/start",
				    .body = "{\"wait\":\"40ms\"}", .key = "s",
				    .status = 202 };
	struct rig *r = *state;
	struct answer a;

	say(r, &(struct call){ "POST", A "/workers/heartbeat", NODE, BEAT(1) },
	    &a);
	say(r,
	    &(struct call){ "POST", ACCOUNTS "/upload-session",
			    .body = form(session),
			    .type = "multipart/form-data; boundary=b" },
	    &a);
	assert_int_equal(a.status, 200);
	twice(r, &start, &a);
	assert_int_equal(r->c->jobs.count, 1);
	/* and hears its end */
	say(r, &(struct call){ "POST", A "/workers/heartbeat", NODE, BEAT(2) },
	    &a);
	say(r, &(struct call){ "POST", A "/workers/heartbeat", NODE, ONLINE },
	    &a);
	say(r, &start, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.text, "\"accounts_started\":1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_people_every_write, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_every_route_every_write,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_failed_change_wakes_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_failed_start_leaves_no_job, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_key_is_done_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_key_finds_its_job, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
