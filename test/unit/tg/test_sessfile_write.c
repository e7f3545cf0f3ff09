/* SPDX-License-Identifier: MIT */
/* What is written is what was read, to the byte where that can be asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tg/sessfile_write.h"

static const struct wall now = { INT64_C(1790000000) * 1000000 };

static void slurp(const char *path, struct buf *ret)
{
	const char *data = getenv("TEST_DATA");
	static uint8_t bytes[65536];
	char full[1024];
	size_t n;
	FILE *f;

	snprintf(full, sizeof(full), "%s/vectors/sessions/%s",
		 data ? data : "test/data", path);
	f = fopen(full, "rb");
	if (!f)
		fail_msg("%s is missing", full);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	buf_init(ret, sizeof(bytes));
	assert_int_equal(buf_append(ret, bytes, n), ERR_OK);
}

static void read_vector(const char *path, struct sessfile *ret)
{
	struct err_info ei = { 0 };
	struct buf b;

	slurp(path, &b);
	if (sessfile_read(buf_head(&b), buf_len(&b), path, ret, &ei))
		fail_msg("%s", ei.msg);
	buf_deinit(&b);
}

static const struct sessfile_target *target(const char *name)
{
	const struct sessfile_target *to = NULL;
	struct err_info ei = { 0 };

	if (sessfile_target_find(name, &to, &ei))
		fail_msg("%s", ei.msg);
	return to;
}

static void write_it(const struct sessfile *s, const struct sessfile_target *to,
		     struct buf *ret)
{
	struct err_info ei = { 0 };

	buf_init(ret, 1 << 20);
	if (sessfile_write(s, to, now, ret, &ei))
		fail_msg("%s: %s", to->name, ei.msg);
}

/* Written and read again. */
static void through(const struct sessfile *s, const struct sessfile_target *to,
		    struct sessfile *ret)
{
	struct err_info ei = { 0 };
	struct buf b;

	write_it(s, to, &b);
	if (sessfile_read(buf_head(&b), buf_len(&b), "again", ret, &ei))
		fail_msg("%s: %s", to->name, ei.msg);
	assert_int_equal(ret->flavour, to->flavour);
	buf_wipe(&b);
}

static void strings_to_the_byte(void **state)
{
	static const char *const all[] = {
		"string/gramjs.txt",	   "string/mtcute.txt",
		"string/mtkruto.txt",	   "string/pyrogram.txt",
		"string/pyrogram_263.txt", "string/pyrogram_267.txt",
		"string/telethon.txt",	   "string/telethon_ipv6.txt",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct sessfile s;
		struct buf in, out;
		size_t len;

		slurp(all[i], &in);
		read_vector(all[i], &s);
		write_it(&s, sessfile_target_usual(s.flavour), &out);
		len = strcspn(buf_cstr(&in), "\r\n");
		assert_int_equal(buf_len(&out), len);
		assert_memory_equal(buf_head(&out), buf_head(&in), len);
		assert_true(sessfile_write_is_text(
			sessfile_target_usual(s.flavour)));
		sessfile_deinit(&s);
		buf_deinit(&in);
		buf_deinit(&out);
	}
}

static void same_str(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void same_key(const struct sessfile *a, const struct sessfile *b)
{
	assert_int_equal(a->dc_id, b->dc_id);
	assert_int_equal(a->auth_key.len, b->auth_key.len);
	assert_memory_equal(a->auth_key.bytes, b->auth_key.bytes,
			    a->auth_key.len);
}

static const struct sessfile_peer *find_peer(const struct sessfile *s,
					     int64_t id)
{
	for (size_t i = 0; i < s->npeers; i++)
		if (s->peers[i].id == id)
			return &s->peers[i];
	fail_msg("peer %lld is gone", (long long)id);
	return NULL;
}

static void same_peers(const struct sessfile *a, const struct sessfile *b,
		       bool types, bool names)
{
	assert_int_equal(a->npeers, b->npeers);
	for (size_t i = 0; i < a->npeers; i++) {
		const struct sessfile_peer *p = &a->peers[i];
		const struct sessfile_peer *q = find_peer(b, p->id);

		assert_int_equal(p->access_hash, q->access_hash);
		same_str(p->username, q->username);
		same_str(p->phone, q->phone);
		if (types)
			assert_int_equal(p->type, q->type);
		same_str(names ? p->name : NULL, q->name);
	}
}

static void same_states(const struct sessfile *s, const struct sessfile *t)
{
	assert_int_equal(s->has_update_state, t->has_update_state);
	assert_int_equal(s->pts, t->pts);
	assert_int_equal(s->qts, t->qts);
	assert_int_equal(s->date, t->date);
	assert_int_equal(s->seq, t->seq);
	assert_int_equal(s->nchannels, t->nchannels);
	for (size_t k = 0; k < s->nchannels; k++) {
		assert_int_equal(s->channels[k].id, t->channels[k].id);
		assert_int_equal(s->channels[k].pts, t->channels[k].pts);
	}
}

static size_t usernames(const struct sessfile *s)
{
	size_t n = s->nusernames;

	for (size_t i = 0; i < s->npeers; i++)
		n += s->peers[i].username != NULL;
	return n;
}

/* What the table says a format holds is there again; the rest is not made up. */
static void same_held(const struct sessfile *s, const struct sessfile *t,
		      const struct sessfile_target *to)
{
	unsigned holds = to->holds;

	same_key(s, t);
	if (to->layout != SESSFILE_TEXT)
		assert_int_equal(t->version, to->version);
	assert_int_equal(t->user_id,
			 holds & SESSFILE_HOLDS_USER ? s->user_id : 0);
	assert_int_equal(t->is_bot, holds & SESSFILE_HOLDS_BOT && s->is_bot);
	assert_int_equal(t->test_mode,
			 holds & SESSFILE_HOLDS_TEST && s->test_mode);
	assert_int_equal(t->api_id,
			 holds & SESSFILE_HOLDS_API_ID ? s->api_id : 0);
	if (holds & SESSFILE_HOLDS_ADDRESS && s->server_address) {
		same_str(s->server_address, t->server_address);
		assert_int_equal(s->port, t->port);
	}
	if (holds & SESSFILE_HOLDS_PEERS)
		same_peers(s, t, holds & SESSFILE_HOLDS_KINDS,
			   holds & SESSFILE_HOLDS_NAMES);
	else
		assert_int_equal(t->npeers, 0);
	if (holds & SESSFILE_HOLDS_USERNAMES)
		assert_int_equal(usernames(t), usernames(s));
	else
		assert_int_equal(t->nusernames, 0);
	if (holds & SESSFILE_HOLDS_STATE)
		same_states(s, t);
	else
		assert_int_equal(t->nstates, 0);
}

/* Every file that opens, written in every format there is, and read again. */
static void all_to_all(void **state)
{
	static const char *const all[] = {
		"telethon/v6.session",
		"telethon/v7.session",
		"telethon/v8.session",
		"telethon/ipv6-dc4.session",
		"pyrogram/v2.session",
		"pyrogram/v3.session",
		"pyrogram/v3-test-bot.session",
		"pyrogram/kurigram-v5.session",
		"string/gramjs.txt",
		"string/mtcute.txt",
		"string/mtkruto.txt",
		"string/pyrogram.txt",
		"string/pyrogram_263.txt",
		"string/telethon_ipv6.txt",
	};
	const struct sessfile_target *to;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		for (size_t k = 0; (to = sessfile_target_at(k)); k++, n++) {
			struct sessfile s, t;

			read_vector(all[i], &s);
			if (!s.user_id)
				s.user_id = 777000;
			if (to->version == 351)
				s.user_id = 777000;
			through(&s, to, &t);
			same_held(&s, &t, to);
			sessfile_deinit(&s);
			sessfile_deinit(&t);
		}
	}
	assert_int_equal(n, ARRAY_LEN(all) * 22);
}

static void channels_are_read(void **state)
{
	struct sessfile s;

	(void)state;
	read_vector("telethon/v7.session", &s);
	assert_int_equal(s.nchannels, 1);
	assert_int_equal(s.channels[0].id, 1234567890);
	assert_int_equal(s.channels[0].pts, 99);
	assert_int_equal(s.pts, 1234);
	sessfile_deinit(&s);
}

/* From anything to anything: the key and the data centre survive. */
static void around(void **state)
{
	static const char *const way[] = {
		"telethon-string", "gramjs-string",  "mtcute-string",
		"telethon-v5",	   "mtkruto-string", "gramjs-string",
		"telethon-string",
	};
	struct sessfile first, s, t;

	(void)state;
	read_vector("pyrogram/v3.session", &first);
	read_vector("pyrogram/v3.session", &s);
	for (size_t i = 0; i < ARRAY_LEN(way); i++) {
		through(&s, target(way[i]), &t);
		same_key(&first, &t);
		sessfile_deinit(&s);
		s = t;
	}
	/* filled in where a format had to have one */
	assert_string_equal(s.server_address, "149.154.167.51");
	assert_int_equal(s.port, 443);
	sessfile_deinit(&s);
	sessfile_deinit(&first);
}

/* The format holds it, or says that it does not. */
static void address_through(struct sessfile *s, const char *to)
{
	struct sessfile t;

	through(s, target(to), &t);
	assert_string_equal(t.server_address, s->server_address);
	assert_int_equal(t.port, s->port);
	assert_int_equal(t.dc_id, s->dc_id);
	sessfile_deinit(&t);
}

/* Every address of Telegram's that clients ship survives every form. */
static void shipped_addresses_survive(void **state)
{
	static const char *const forms[] = { "telethon", "telethon-string",
					     "gramjs-string", "mtcute-string",
					     "kurigram-v7" };
	size_t n = 0, usual = 0;
	struct json_iter it;
	struct json_doc d;
	struct sessfile s;
	struct buf b;

	(void)state;
	slurp("../endpoints.json", &b);
	assert_int_equal(
		json_parse(&d, buf_head(&b), buf_len(&b), 1 << 20, NULL),
		ERR_OK);
	read_vector("pyrogram/v3.session", &s);
	it = json_iter(json_get(json_root(&d), "endpoints"));
	for (; json_next(&it); n++) {
		struct json host = json_get(it.val, "host");
		struct json ip = json_get(it.val, "ip");

		s.dc_id = (int)json_int(json_get(it.val, "dc"), 0);
		s.port = (int)json_int(json_get(it.val, "port"), 0);
		s.test_mode =
			!strcmp(json_str(json_get(it.val, "net"), ""), "test");
		s.server_address = NULL;
		if (!strcmp(json_str(json_get(it.val, "use"), ""), "main") &&
		    s.port == 443) {
			struct sessfile t;

			through(&s, target("telethon"), &t);
			usual += !strcmp(t.server_address, json_str(ip, ""));
			sessfile_deinit(&t);
		}
		s.server_address = json_str(json_missing(ip) ? host : ip, "");
		for (size_t i = 0; i < ARRAY_LEN(forms); i++)
			if (json_missing(host) ||
			    strcmp(forms[i], "telethon-string") != 0)
				address_through(&s, forms[i]);
	}
	assert_int_equal(n, 67);
	assert_int_equal(usual, 8); /* what we fill in: 5 centres and 3 */
	s.server_address = NULL;
	sessfile_deinit(&s);
	json_free(&d);
	buf_deinit(&b);
}

static void what_is_missing_is_said(void **state)
{
	struct err_info ei = { 0 };
	struct sessfile s;
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	read_vector("telethon/v7.session", &s);
	assert_int_equal(
		sessfile_write(&s, target("pyrogram-string"), now, &out, &ei),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "--user-id"));
	assert_int_equal(sessfile_write(&s, target("pyrogram"), now, &out, &ei),
			 ERR_INVALID);
	assert_null(sessfile_target_usual(SESSFILE_TDATA));
	s.server_address = "venus.web.telegram.org";
	assert_int_equal(
		sessfile_write(&s, target("telethon-string"), now, &out, &ei),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "venus.web.telegram.org"));
	s.server_address = NULL;
	s.test_mode = true;
	s.dc_id = 4; /* there are three test centres */
	assert_int_equal(
		sessfile_write(&s, target("telethon-string"), now, &out, &ei),
		ERR_INVALID);
	assert_int_equal(sessfile_write(&s, target("telethon"), now, &out, &ei),
			 ERR_INVALID);
	/* would be read as something else */
	s.test_mode = false;
	s.dc_id = 2;
	s.server_address = "::3";
	assert_int_equal(
		sessfile_write(&s, target("telethon-string"), now, &out, &ei),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "telethon-string"));
	assert_int_equal(buf_len(&out), 0);
	sessfile_deinit(&s);
	buf_deinit(&out);
}

static void lost(const char *from, const char *to, const char *text)
{
	struct sessfile s;
	struct buf b;

	read_vector(from, &s);
	buf_init(&b, 4096);
	assert_int_equal(sessfile_target_lost(target(to), &s, &b), ERR_OK);
	assert_string_equal(buf_cstr(&b) ? buf_cstr(&b) : "", text);
	buf_deinit(&b);
	sessfile_deinit(&s);
}

static void what_is_lost_is_said(void **state)
{
	(void)state;
	lost("telethon/v7.session", "telethon-v8", "");
	lost("telethon/v7.session", "kurigram", "5 names of peers");
	lost("telethon/v7.session", "pyrogram",
	     "5 names of peers, the place in the updates, 1 place in a "
	     "channel");
	lost("telethon/v7.session", "gramjs-string",
	     "5 peers, the place in the updates, 1 place in a channel");
	lost("pyrogram/kurigram-v5.session", "kurigram-v7", "");
	lost("pyrogram/kurigram-v5.session", "kurigram-v4",
	     "the place in the updates, 1 place in a channel");
	lost("pyrogram/kurigram-v5.session", "telethon-v6",
	     "the user id, the api_id, 1 mark of a bot or supergroup, 1 "
	     "further username");
	lost("pyrogram/v3-test-bot.session", "telethon",
	     "that it is a bot, that it is of the test servers, the api_id, "
	     "2 marks of bots and supergroups");
	lost("pyrogram/v3.session", "pyrogram-v2", "the api_id");
	lost("telethon/ipv6-dc4.session", "mtkruto-string",
	     "the server's address");
	lost("string/pyrogram.txt", "pyrogram-string", "");
}

/* A channel's further usernames; what its id says of a peer stands. */
static void kurigrams_usernames(void **state)
{
	const struct sessfile_peer *p;
	struct sessfile s;

	(void)state;
	read_vector("pyrogram/kurigram-v5.session", &s);
	p = find_peer(&s, 1234567890);
	assert_string_equal(p->username, "kanal");
	assert_int_equal(s.nusernames, 1);
	assert_string_equal(s.usernames[0].name, "kanal2");
	assert_ptr_equal(&s.peers[s.usernames[0].peer], p);
	assert_int_equal(s.channels[0].id, 1234567890);
	assert_int_equal(s.channels[0].pts, 99);
	sessfile_deinit(&s);
}

/* mtcute's test servers: said by the string once, by the data centre now. */
static void mtcutes_test_servers(void **state)
{
	struct sessfile s, t;
	struct buf b;

	(void)state;
	slurp("string/mtcute.txt", &b);
	assert_memory_equal(buf_head(&b), "AwEAAAA", 7);
	buf_head(&b)[2] = 'M'; /* flags 1 -> 3 */
	assert_int_equal(
		sessfile_read(buf_head(&b), buf_len(&b), "x", &s, NULL),
		ERR_OK);
	assert_true(s.test_mode);
	buf_deinit(&b);
	write_it(&s, target("mtcute-string"), &b);
	assert_memory_equal(buf_head(&b), "AwEAAAA", 7);
	assert_int_equal(
		sessfile_read(buf_head(&b), buf_len(&b), "x", &t, NULL),
		ERR_OK);
	assert_true(t.test_mode);
	sessfile_deinit(&s);
	sessfile_deinit(&t);
	buf_deinit(&b);
}

/* A user id of more than 32 bits has no place in the oldest string. */
static void pyrograms_oldest_string(void **state)
{
	struct err_info ei = { 0 };
	struct sessfile s;
	struct buf out;

	(void)state;
	read_vector("pyrogram/v3.session", &s);
	buf_init(&out, 4096);
	assert_int_equal(sessfile_write(&s, target("pyrogram-string-351"), now,
					&out, &ei),
			 ERR_INVALID);
	assert_non_null(strstr(ei.msg, "pyrogram-string-356"));
	for (int chars = 351; chars <= 362; chars++) {
		char name[40];

		if (chars != 351 && chars != 356 && chars != 362)
			continue;
		s.user_id = 777000;
		snprintf(name, sizeof(name), "pyrogram-string-%d", chars);
		assert_int_equal(
			sessfile_write(&s, target(name), now, &out, &ei),
			ERR_OK);
		assert_int_equal(buf_len(&out), chars);
		buf_reset(&out);
	}
	buf_deinit(&out);
	sessfile_deinit(&s);
}

static void targets_have_names(void **state)
{
	const struct sessfile_target *to = NULL;
	struct err_info ei;

	(void)state;
	to = target("pyrogram");
	assert_int_equal(to->flavour, SESSFILE_PYROGRAM_SQLITE);
	assert_int_equal(to->version, 3);
	assert_false(sessfile_write_is_text(to));
	to = target("gramjs-string");
	assert_int_equal(to->flavour, SESSFILE_GRAMJS_STRING);
	assert_true(sessfile_write_is_text(to));
	assert_int_equal(target("telethon")->version, 7);
	assert_int_equal(target("telethon-v5")->version, 5);
	assert_ptr_equal(sessfile_target_usual(SESSFILE_TELETHON_SQLITE),
			 target("telethon"));
	assert_int_equal(sessfile_target_find("tdata", &to, &ei), ERR_INVALID);
	for (size_t i = 0; (to = sessfile_target_at(i)); i++)
		if (!strpbrk(to->name, "0123456789"))
			assert_non_null(strstr(ei.msg, to->name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_to_the_byte),
		cmocka_unit_test(channels_are_read),
		cmocka_unit_test(all_to_all),
		cmocka_unit_test(kurigrams_usernames),
		cmocka_unit_test(what_is_lost_is_said),
		cmocka_unit_test(mtcutes_test_servers),
		cmocka_unit_test(pyrograms_oldest_string),
		cmocka_unit_test(around),
		cmocka_unit_test(shipped_addresses_survive),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(targets_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
