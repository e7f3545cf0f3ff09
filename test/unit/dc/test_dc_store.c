/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dc/dc_store.h"

#define NOW 1700000000

static char dir[64], path[80];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_dc_store_XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/s.db", dir);
	return 0;
}

static int teardown(void **state)
{
	char cmd[100];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct dc_store *open_store(void)
{
	struct dc_store *s = NULL;

	assert_int_equal(dc_store_open(&s, path, NULL), ERR_OK);
	return s;
}

static void on_user(void *ctx, const struct world_user *u)
{
	dc_store_put_user(ctx, u);
}

static void on_chat(void *ctx, const struct world_chat *c)
{
	dc_store_put_chat(ctx, c);
}

static void on_body(void *ctx, const struct world_body *b)
{
	dc_store_put_body(ctx, b);
}

static void on_message(void *ctx, const struct world_user *u,
		       const struct world_msg *m)
{
	dc_store_put_message(ctx, u->id, m);
}

static void on_read(void *ctx, const struct world_user *u,
		    const struct world_event *e, const struct world_dialog *d)
{
	dc_store_put_read(ctx, u->id, e, d->unread);
}

static const struct world_observer observer = { on_user, on_chat, on_body,
						on_message, on_read };

static enum err no_keys(void *ctx, const struct dc_store_key *k)
{
	(void)ctx;
	(void)k;
	return ERR_CORRUPT;
}

static void populate(struct world *w)
{
	struct world_new_user a = { .phone = "9996610001",
				    .first = "A",
				    .username = "ada" };
	struct world_new_user b = { .phone = "9996610002",
				    .first = "B",
				    .home_dc = 2 };
	struct world_user *ua, *ub;
	struct world_new_msg n = {
		.text = "h\xc3\xa4", .text_len = 3, .random_id = -5, .date = NOW
	};
	struct world_new_chat g = { .title = "G", .date = NOW };
	const struct world_event *e;
	struct world_chat *c;
	struct world_msg *m;
	bool again;

	assert_int_equal(world_add_user(w, &a, &ua), ERR_OK);
	assert_int_equal(world_add_user(w, &b, &ub), ERR_OK);
	n.from = ua->id;
	n.peer = ub->id;
	assert_int_equal(world_send(w, &n, &m, &again), ERR_OK);
	n.random_id = 6;
	assert_int_equal(world_send(w, &n, &m, &again), ERR_OK);
	g.creator = ua->id;
	g.members = &ub->id;
	g.n_members = 1;
	assert_int_equal(world_add_chat(w, &g, &c, &m), ERR_OK);
	assert_int_equal(world_read(w, ub, ua->id, 1, &e), ERR_OK);
}

static void test_passwords_and_tokens_come_back(void **state)
{
	struct dc_store *s = open_store();
	struct world_password *p;
	struct world_user *u;
	struct world w;

	(void)state;
	world_init(&w, 1);
	w.observer = &observer;
	w.observer_ctx = s;
	populate(&w);
	u = world_user_by_phone(&w, "9996610001");
	p = calloc(1, sizeof(*p));
	assert_non_null(p);
	u->password = p;
	memset(p->salt1, 1, 40);
	memset(p->salt2, 2, 16);
	memset(p->verifier, 3, sizeof(p->verifier));
	p->salt1_len = 40;
	p->salt2_len = 16;
	strncpy(p->hint, "h\xc3\xa4", sizeof(p->hint) - 1);
	strncpy(u->bot_token, "1:abc", sizeof(u->bot_token) - 1);
	dc_store_put_password(s, u);
	dc_store_put_bot(s, u);
	assert_int_equal(dc_store_commit(s, NULL), ERR_OK);
	world_deinit(&w);
	dc_store_close(s);

	s = open_store();
	world_init(&w, 1);
	assert_int_equal(dc_store_load(s, &w, no_keys, NULL, NULL), ERR_OK);
	u = world_user_by_phone(&w, "9996610001");
	assert_non_null(u->password);
	assert_int_equal(u->password->salt1_len, 40);
	assert_int_equal(u->password->salt1[39], 1);
	assert_int_equal(u->password->salt2_len, 16);
	assert_int_equal(u->password->verifier[255], 3);
	assert_string_equal(u->password->hint, "h\xc3\xa4");
	assert_string_equal(u->bot_token, "1:abc");
	assert_null(world_user_by_phone(&w, "9996610002")->password);
	/* taken away, it stays away */
	free(u->password);
	u->password = NULL;
	dc_store_put_password(s, u);
	assert_int_equal(dc_store_commit(s, NULL), ERR_OK);
	world_deinit(&w);
	world_init(&w, 1);
	assert_int_equal(dc_store_load(s, &w, no_keys, NULL, NULL), ERR_OK);
	assert_null(world_user_by_phone(&w, "9996610001")->password);
	world_deinit(&w);
	dc_store_close(s);
}

static void test_world_comes_back(void **state)
{
	struct dc_store *s = open_store();
	struct world_user *a, *b;
	struct world w, v;
	struct world_new_msg n = {
		.text = "x", .text_len = 1, .random_id = -5, .date = NOW
	};
	struct world_msg *m;
	bool again;

	(void)state;
	world_init(&w, 1);
	w.observer = &observer;
	w.observer_ctx = s;
	populate(&w);
	assert_int_equal(dc_store_commit(s, NULL), ERR_OK);
	dc_store_close(s);

	s = open_store();
	world_init(&v, 1);
	assert_int_equal(dc_store_load(s, &v, no_keys, NULL, NULL), ERR_OK);
	a = world_user_by_name(&v, "ada");
	b = world_user_by_phone(&v, "9996610002");
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(b->home_dc, 2);
	assert_int_equal(world_pts(a),
			 world_pts(world_user_by_name(&w, "ada")));
	assert_int_equal(world_pts(b), world_pts(world_user(&w, b->id)));
	assert_int_equal(world_dialog(b, a->id)->unread, 1);
	assert_int_equal(world_dialog(a, b->id)->read_out, 1);
	assert_string_equal(world_msg(b, 1)->body->text, "h\xc3\xa4");
	assert_ptr_equal(world_msg(b, 1)->body, world_msg(a, 1)->body);
	assert_true(v.next_user == w.next_user);
	assert_true(v.next_chat == w.next_chat);
	assert_true(v.next_body == w.next_body);
	/* The random_id is remembered as well. */
	n.from = a->id;
	n.peer = b->id;
	assert_int_equal(world_send(&v, &n, &m, &again), ERR_OK);
	assert_true(again);
	assert_int_equal(m->id, 1);
	world_deinit(&w);
	world_deinit(&v);
	dc_store_close(s);
}

static void test_uncommitted_is_gone(void **state)
{
	struct dc_store *s = open_store();
	size_t len = 99;
	char got[8];

	(void)state;
	dc_store_put_meta(s, "a", "1", 1);
	assert_int_equal(dc_store_commit(s, NULL), ERR_OK);
	dc_store_put_meta(s, "b", "2", 1);
	dc_store_close(s); /* as a crash would */
	s = open_store();
	assert_int_equal(dc_store_get_meta(s, "a", got, 8, &len, NULL), ERR_OK);
	assert_int_equal(len, 1);
	assert_int_equal(dc_store_get_meta(s, "b", got, 8, &len, NULL), ERR_OK);
	assert_int_equal(len, 0);
	dc_store_close(s);
}

static enum err take_key(void *ctx, const struct dc_store_key *k)
{
	struct dc_store_key *dst = ctx;

	*dst = *k;
	assert_string_equal(k->device, "dev");
	return ERR_OK;
}

static void test_keys_come_back(void **state)
{
	struct dc_store *s = open_store();
	struct dc_store_key k = { .id = INT64_MIN,
				  .dc_id = 2,
				  .user_id = 9,
				  .state = 1,
				  .layer = 144,
				  .created = NOW,
				  .salt = -1,
				  .device = "dev",
				  .app = "",
				  .api_id = 4 };
	struct dc_store_key got = { 0 };
	struct world w;

	(void)state;
	memset(k.key, 0xa5, sizeof(k.key));
	dc_store_put_key(s, &k);
	assert_int_equal(dc_store_commit(s, NULL), ERR_OK);
	world_init(&w, 1);
	assert_int_equal(dc_store_load(s, &w, take_key, &got, NULL), ERR_OK);
	assert_true(got.id == k.id && got.salt == -1 && got.user_id == 9);
	assert_int_equal(got.layer, 144);
	assert_memory_equal(got.key, k.key, sizeof(k.key));
	world_deinit(&w);
	dc_store_close(s);
}

static void test_file_is_private_and_must_be_ours(void **state)
{
	struct dc_store *s = open_store();
	struct err_info ei = { 0 };
	struct stat st;
	FILE *f;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	dc_store_close(s);
	snprintf(path, sizeof(path), "%s/junk", dir);
	f = fopen(path, "w");
	fputs("this is no database, but it is long enough to look at it. "
	      "this is no database, but it is long enough to look at it.",
	      f);
	fclose(f);
	assert_int_equal(dc_store_open(&s, path, &ei), ERR_IO);
	assert_non_null(strstr(ei.msg, "state file"));
	assert_int_equal(dc_store_open(&s, "/nowhere/x/y", &ei), ERR_IO);
}

static void test_without_a_file(void **state)
{
	struct dc_store *s = NULL;
	struct world w;
	size_t len = 5;
	char c;

	(void)state;
	assert_int_equal(dc_store_open(&s, NULL, NULL), ERR_OK);
	dc_store_put_meta(s, "a", "1", 1);
	assert_int_equal(dc_store_get_meta(s, "a", &c, 1, &len, NULL), ERR_OK);
	assert_int_equal(len, 0);
	world_init(&w, 1);
	assert_int_equal(dc_store_load(s, &w, no_keys, NULL, NULL), ERR_OK);
	assert_int_equal(dc_store_commit(s, NULL), ERR_OK);
	dc_store_close(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_world_comes_back),
		T(test_passwords_and_tokens_come_back),
		T(test_uncommitted_is_gone),
		T(test_keys_come_back),
		T(test_file_is_private_and_must_be_ours),
		T(test_without_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
