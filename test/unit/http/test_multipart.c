/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "http/multipart.h"

#define TYPE "multipart/form-data; boundary=XyZ"

/* Everything the callbacks say, as text. */
static struct buf said;

static enum err on_part(void *ctx, const struct multipart_part *p,
			struct err_info *ei)
{
	return buf_printf(&said, "[%s|%s|%s:", p->name, p->filename,
			  p->content_type);
}

static enum err on_part_data(void *ctx, const uint8_t *data, size_t len,
			     struct err_info *ei)
{
	return buf_append(&said, data, len);
}

static enum err on_part_end(void *ctx, struct err_info *ei)
{
	return buf_append_byte(&said, ']');
}

static const struct multipart_ops ops = {
	.on_part = on_part,
	.on_data = on_part_data,
	.on_part_end = on_part_end,
};

static const char good[] =
	"--XyZ\r\n"
	"Content-Disposition: form-data; name=\"note\"\r\n\r\n"
	"\r\n--XyZ\r\n"
	"content-disposition: form-data; filename=\"C:\\\\x\\\\a "
	"\\\"q\\\".session\""
	"; name=file\r\n"
	"Content-Type: application/octet-stream\r\n\r\n"
	"line\r\n--Xy\r\n-\r\n--XyQ\r\r\n"
	"\r\n--XyZ--\r\nignored";
static const char good_said[] =
	"[note||:][file|a \"q\".session|application/octet-stream:"
	"line\r\n--Xy\r\n-\r\n--XyQ\r\r\n]";

static enum err feed_all(const char *body, size_t len, size_t piece,
			 const struct multipart_limits *limits)
{
	struct err_info ei = { 0 };
	struct multipart m;
	enum err rc;
	size_t n;

	buf_reset(&said);
	rc = multipart_init(&m, TYPE, limits, &ops, NULL, &ei);
	while (!rc && len) {
		n = len < piece ? len : piece;
		rc = multipart_feed(&m, body, n, &ei);
		body += n;
		len -= n;
	}
	if (rc) /* sticky */
		assert_int_equal(multipart_feed(&m, "x", 1, NULL), rc);
	if (!rc)
		rc = multipart_end(&m, &ei);
	multipart_deinit(&m);
	assert_true(!rc || ei.msg[0]);
	return rc;
}

static void test_every_piece_size(void **state)
{
	for (size_t piece = 1; piece < sizeof(good); piece++) {
		assert_int_equal(feed_all(good, sizeof(good) - 1, piece, NULL),
				 ERR_OK);
		assert_string_equal(buf_cstr(&said), good_said);
	}
}

static void test_whole(void **state)
{
	struct multipart_slices got;
	struct multipart_slice *s;
	struct arena a;

	arena_init(&a, 1 << 20);
	assert_int_equal(multipart_parse(TYPE, (const uint8_t *)good,
					 sizeof(good) - 1, NULL, &a, &got,
					 NULL),
			 ERR_OK);
	assert_int_equal(got.n, 2);
	s = got.at;
	assert_int_equal(s[0].len, 0);
	assert_string_equal(s[1].head.filename, "a \"q\".session");
	assert_int_equal(s[1].len, 23);
	assert_memory_equal(s[1].data, "line\r\n--Xy", 10);
	arena_deinit(&a);
}

#define CD "Content-Disposition: form-data; name=a"

static void test_refusals(void **state)
{
	static const struct {
		const char *body;
		enum err rc;
	} bad[] = {
		{ "", ERR_SYNTAX },
		{ "preamble\r\n--XyZ\r\n" CD "\r\n\r\n\r\n--XyZ--",
		  ERR_SYNTAX },
		{ "--XyZ\r\n" CD "\r\n\r\nno end", ERR_SYNTAX },
		{ "--XyZ\r\n" CD "\r\n\r\nhalf end\r\n--XyZ", ERR_SYNTAX },
		{ "--XyZ\r\n\r\nno headers\r\n--XyZ--", ERR_SYNTAX },
		{ "--XyZ\n" CD "\n\nbare\n--XyZ--", ERR_SYNTAX },
		{ "--XyZ\r\n" CD "\nX: y\r\n\r\n\r\n--XyZ--", ERR_SYNTAX },
		{ "--XyZ\r\n" CD "\r\n folded\r\n\r\n\r\n--XyZ--", ERR_SYNTAX },
		{ "--XyZ\r\nX-Y: z\r\n\r\n\r\n--XyZ--", ERR_SYNTAX },
		{ "--XyZ\r\n" CD "\r\n" CD "\r\n\r\n\r\n--XyZ--", ERR_SYNTAX },
		{ "--XyZ\r\nContent-Disposition: attachment; name=a\r\n\r\n"
		  "\r\n--XyZ--",
		  ERR_SYNTAX },
		{ "--XyZ\r\n" CD "\r\nContent-Type: multipart/mixed\r\n\r\n"
		  "\r\n--XyZ--",
		  ERR_SYNTAX },
		{ "--XyZ\r\n" CD "\r\nContent-Transfer-Encoding: base64\r\n"
		  "\r\n\r\n--XyZ--",
		  ERR_SYNTAX },
		{ "--XyZ\r\n" CD "\r\n\r\nx\r\n--XyZoops", ERR_SYNTAX },
		{ "--XyZ\r\nContent-Disposition: form-data; name=\"a\r\n\r\n"
		  "\r\n--XyZ--",
		  ERR_SYNTAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		for (size_t piece = 1; piece < 200; piece += 7)
			assert_int_equal(feed_all(bad[i].body,
						  strlen(bad[i].body), piece,
						  NULL),
					 bad[i].rc);
}

static void test_limits(void **state)
{
	struct multipart_limits m = { .parts = 1 };

	assert_int_equal(feed_all(good, sizeof(good) - 1, 9, &m), ERR_TOOBIG);
	m = (struct multipart_limits){ .part_bytes = 22 };
	assert_int_equal(feed_all(good, sizeof(good) - 1, 9, &m), ERR_TOOBIG);
	m = (struct multipart_limits){ .part_bytes = 23 };
	assert_int_equal(feed_all(good, sizeof(good) - 1, 9, &m), ERR_OK);
	m = (struct multipart_limits){ .header_bytes = 60 };
	assert_int_equal(feed_all(good, sizeof(good) - 1, 1000, &m),
			 ERR_TOOBIG);
	assert_int_equal(feed_all(good, sizeof(good) - 1, 1, &m), ERR_TOOBIG);
}

/* A header block of just the limit passes however its end is cut. */
static void test_header_limit_at_every_cut(void **state)
{
	for (uint32_t limit = 30; limit < 200; limit++) {
		struct multipart_limits m = { .header_bytes = limit };
		enum err whole = feed_all(good, sizeof(good) - 1, SIZE_MAX, &m);

		for (size_t piece = 1; piece < 40; piece++)
			assert_int_equal(
				feed_all(good, sizeof(good) - 1, piece, &m),
				whole);
	}
}

static void test_boundary(void **state)
{
	/* 71 characters, one too many */
	static const char long_boundary[] =
		"multipart/form-data; boundary="
		"0123456789012345678901234567890123456789"
		"0123456789012345678901234567890";
	static const char *const bad[] = {
		"",
		"text/plain; boundary=x",
		"multipart/form-data",
		"multipart/form-data; boundary=",
		"multipart/form-data; boundary=\"\"",
		"multipart/form-data; boundary=\"a",
		"multipart/form-data; boundary=a\001b",
		"multipart/form-data; xboundary=a",
		long_boundary,
	};
	struct multipart m;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_not_equal(
			multipart_init(&m, bad[i], NULL, &ops, NULL, NULL),
			ERR_OK);
		multipart_deinit(&m);
	}
	assert_int_equal(multipart_init(&m,
					"Multipart/Form-Data; charset=utf-8; "
					"Boundary=\"a b\"",
					NULL, &ops, NULL, NULL),
			 ERR_OK);
	assert_memory_equal(m.delim, "\r\n--a b", 7);
	multipart_deinit(&m);
}

static void test_file_names_are_only_names(void **state)
{
	static const char *const evil[] = { "../../etc/passwd", "..\\\\..\\\\x",
					    "/abs/olute", "a/..", "." };
	static const char *const tame[] = { "passwd", "x", "olute", "", "" };
	char body[256], want[64];

	for (size_t i = 0; i < ARRAY_LEN(evil); i++) {
		snprintf(body, sizeof(body),
			 "--XyZ\r\n" CD "; filename=\"%s\"\r\n\r\n\r\n--XyZ--",
			 evil[i]);
		assert_int_equal(feed_all(body, strlen(body), 1000, NULL),
				 ERR_OK);
		snprintf(want, sizeof(want), "[a|%s|:]", tame[i]);
		assert_string_equal(buf_cstr(&said), want);
	}
}

static int setup(void **state)
{
	buf_init(&said, 1 << 16);
	return 0;
}

static int teardown(void **state)
{
	buf_deinit(&said);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_piece_size),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_header_limit_at_every_cut),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_file_names_are_only_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
