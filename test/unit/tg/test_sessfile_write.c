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
	uint8_t bytes[65536];
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

static void write_it(const struct sessfile *s, enum sessfile_flavour to,
		     struct buf *ret)
{
	struct err_info ei = { 0 };

	buf_init(ret, 1 << 20);
	if (sessfile_write(s, to, now, ret, &ei))
		fail_msg("%s: %s", sessfile_flavour_name(to), ei.msg);
}

/* Written and read again. */
static void through(const struct sessfile *s, enum sessfile_flavour to,
		    struct sessfile *ret)
{
	struct err_info ei = { 0 };
	struct buf b;

	write_it(s, to, &b);
	if (sessfile_read(buf_head(&b), buf_len(&b), "again", ret, &ei))
		fail_msg("%s: %s", sessfile_flavour_name(to), ei.msg);
	assert_int_equal(ret->flavour, to);
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
		write_it(&s, s.flavour, &out);
		len = strcspn(buf_cstr(&in), "\r\n");
		assert_int_equal(buf_len(&out), len);
		assert_memory_equal(buf_head(&out), buf_head(&in), len);
		assert_true(sessfile_write_is_text(s.flavour));
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
		       bool types)
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
		else
			same_str(p->name, q->name);
	}
}

static void telethon_file(void **state)
{
	static const char *const all[] = { "telethon/v6.session",
					   "telethon/v7.session",
					   "telethon/v8.session",
					   "telethon/ipv6-dc4.session" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct sessfile s, t;

		read_vector(all[i], &s);
		through(&s, SESSFILE_TELETHON_SQLITE, &t);
		assert_int_equal(t.version, 7);
		same_key(&s, &t);
		same_str(s.server_address, t.server_address);
		assert_int_equal(s.port, t.port);
		same_peers(&s, &t, false);
		assert_int_equal(s.nstates, t.nstates);
		assert_int_equal(s.has_update_state, t.has_update_state);
		assert_int_equal(s.pts, t.pts);
		assert_int_equal(s.qts, t.qts);
		assert_int_equal(s.date, t.date);
		assert_int_equal(s.seq, t.seq);
		assert_int_equal(s.nchannels, t.nchannels);
		for (size_t k = 0; k < s.nchannels; k++) {
			assert_int_equal(s.channels[k].id, t.channels[k].id);
			assert_int_equal(s.channels[k].pts, t.channels[k].pts);
		}
		sessfile_deinit(&s);
		sessfile_deinit(&t);
	}
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

static void pyrogram_file(void **state)
{
	static const char *const all[] = { "pyrogram/v2.session",
					   "pyrogram/v3.session",
					   "pyrogram/v3-test-bot.session",
					   "pyrogram/kurigram-v5.session" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct sessfile s, t;

		read_vector(all[i], &s);
		through(&s, SESSFILE_PYROGRAM_SQLITE, &t);
		assert_int_equal(t.version, 3);
		same_key(&s, &t);
		assert_int_equal(s.user_id, t.user_id);
		assert_int_equal(s.api_id, t.api_id);
		assert_int_equal(s.is_bot, t.is_bot);
		assert_int_equal(s.test_mode, t.test_mode);
		same_peers(&s, &t, true);
		sessfile_deinit(&s);
		sessfile_deinit(&t);
	}
}

/* From anything to anything: the key and the data centre survive. */
static void around(void **state)
{
	static const enum sessfile_flavour way[] = {
		SESSFILE_TELETHON_STRING, SESSFILE_GRAMJS_STRING,
		SESSFILE_MTCUTE_STRING,	  SESSFILE_TELETHON_SQLITE,
		SESSFILE_MTKRUTO_STRING,  SESSFILE_GRAMJS_STRING,
		SESSFILE_TELETHON_STRING,
	};
	struct sessfile first, s, t;

	(void)state;
	read_vector("pyrogram/v3.session", &first);
	read_vector("pyrogram/v3.session", &s);
	for (size_t i = 0; i < ARRAY_LEN(way); i++) {
		through(&s, way[i], &t);
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

static void what_is_missing_is_said(void **state)
{
	struct err_info ei = { 0 };
	struct sessfile s;
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	read_vector("telethon/v7.session", &s);
	assert_int_equal(
		sessfile_write(&s, SESSFILE_PYROGRAM_STRING, now, &out, &ei),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "--user-id"));
	assert_int_equal(
		sessfile_write(&s, SESSFILE_PYROGRAM_SQLITE, now, &out, &ei),
		ERR_INVALID);
	assert_int_equal(sessfile_write(&s, SESSFILE_TDATA, now, &out, &ei),
			 ERR_INVALID);
	s.server_address = "venus.web.telegram.org";
	assert_int_equal(
		sessfile_write(&s, SESSFILE_TELETHON_STRING, now, &out, &ei),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "venus.web.telegram.org"));
	s.server_address = NULL;
	s.test_mode = true;
	s.dc_id = 4; /* there are three test centres */
	assert_int_equal(
		sessfile_write(&s, SESSFILE_TELETHON_STRING, now, &out, &ei),
		ERR_INVALID);
	assert_int_equal(
		sessfile_write(&s, SESSFILE_TELETHON_SQLITE, now, &out, &ei),
		ERR_INVALID);
	/* would be read as something else */
	s.test_mode = false;
	s.dc_id = 2;
	s.server_address = "::3";
	assert_int_equal(
		sessfile_write(&s, SESSFILE_TELETHON_STRING, now, &out, &ei),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "telethon-string"));
	assert_int_equal(buf_len(&out), 0);
	sessfile_deinit(&s);
	buf_deinit(&out);
}

static void targets_have_names(void **state)
{
	enum sessfile_flavour to;
	struct err_info ei;

	(void)state;
	assert_int_equal(sessfile_write_target("pyrogram", &to, &ei), ERR_OK);
	assert_int_equal(to, SESSFILE_PYROGRAM_SQLITE);
	assert_false(sessfile_write_is_text(to));
	assert_int_equal(sessfile_write_target("gramjs-string", &to, &ei),
			 ERR_OK);
	assert_int_equal(to, SESSFILE_GRAMJS_STRING);
	assert_int_equal(sessfile_write_target("tdata", &to, &ei), ERR_INVALID);
	assert_non_null(strstr(ei.msg, "telethon-string"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_to_the_byte),
		cmocka_unit_test(telethon_file),
		cmocka_unit_test(channels_are_read),
		cmocka_unit_test(pyrogram_file),
		cmocka_unit_test(around),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(targets_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
