/* SPDX-License-Identifier: MIT */
/*
 * Bytes that other implementations wrote (test/data/vectors/README.md,
 * tools/tl/fixtures_144.py), through everything that reads or writes TL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/tl_json.h"
#include "tl/bind.h"
#include "tl/skip.h"

#define ARENA_MAX (16u << 20)

static struct json_doc v223, v198, v144;
static struct arena arena;
static struct buf out;
static struct err_info ei;

static void load(struct json_doc *d, const char *name)
{
	char path[512];
	char *text = malloc(1 << 20);
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", getenv("TEST_DATA"), name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(text, 1, 1 << 20, f);
	fclose(f);
	assert_int_equal(json_parse(d, text, n, 1 << 20, &ei), ERR_OK);
	free(text);
}

static int set_up(void **state)
{
	load(&v223, "vectors/tl_223.json");
	load(&v198, "tl_198.json");
	load(&v144, "tl_144.json");
	arena_init(&arena, ARENA_MAX);
	buf_init(&out, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	json_free(&v223);
	json_free(&v198);
	json_free(&v144);
	arena_deinit(&arena);
	buf_deinit(&out);
	return 0;
}

static bool kind_is(struct json v, const char *kind)
{
	return !strcmp(json_str(json_get(v, "kind"), ""), kind);
}

/* The API's table, or that of the service objects. */
static const struct schema *schema_of(struct json v, const struct schema *api)
{
	const char *name = json_str(json_get(json_get(v, "json"), "_"), "");

	return schema_by_name(api, tl_json_name(name)) ? api : &schema_mtproto;
}

static struct tl_writer fresh_writer(void)
{
	struct tl_writer w;

	buf_reset(&out);
	cursor_write(&w, &out);
	return w;
}

static void expect_out(struct tl_bytes want)
{
	assert_int_equal(buf_len(&out), want.len);
	assert_memory_equal(buf_head(&out), want.data, want.len);
}

/* json -> dyn -> bytes, bytes -> dyn -> json, skip. */
static void check(struct json v, const struct schema *s)
{
	struct tl_bytes want = tl_json_hex(json_get(v, "hex"), &arena);
	struct json js = json_get(v, "json");
	struct tl_writer w = fresh_writer();
	struct tl_reader r;
	struct dyn *d = NULL;

	if (tl_json_to_dyn(js, s, &arena, &d, &ei) || dyn_write(&w, s, d, &ei))
		fail_msg("%s", ei.msg);
	if (buf_len(&out) != want.len ||
	    memcmp(buf_head(&out), want.data, want.len) != 0)
		print_message("%s\n", json_str(json_get(js, "_"), ""));
	expect_out(want);

	cursor_read(&r, want.data, want.len);
	if (dyn_read(&r, s, &arena, &d, &ei) || cursor_finish(&r) ||
	    !tl_json_same(js, s, d, &ei))
		fail_msg("%s", ei.msg);

	cursor_read(&r, want.data, want.len);
	assert_int_equal(skip_any(&r, s, &ei), ERR_OK);
	assert_int_equal(cursor_finish(&r), ERR_OK);
	/* Any cut is noticed, and never read beyond (the sanitizer's job). */
	for (size_t len = 0; len < want.len && len < 200; len++) {
		cursor_read(&r, want.data, len);
		assert_int_equal(skip_any(&r, s, &ei), ERR_PROTO);
	}
}

static size_t check_all(struct json_doc *doc, const struct schema *s)
{
	struct json_iter it = json_iter(json_get(json_root(doc), "vectors"));
	size_t n = 0;

	for (; json_next(&it); arena_reset(&arena)) {
		if (kind_is(it.val, "framing"))
			continue;
		check(it.val, schema_of(it.val, s));
		n++;
	}
	return n;
}

static void test_223(void **state)
{
	assert_int_equal(check_all(&v223, &schema_api_223), 285);
}

static void test_144(void **state)
{
	assert_true(check_all(&v144, &schema_api_144) > 250);
}

static void test_198(void **state)
{
	assert_true(check_all(&v198, &schema_api_198) > 300);
}

static bool is_call(struct json v)
{
	const struct schema *s = schema_of(v, &schema_api_223);
	const char *name = json_str(json_get(v, "name"), "");

	return schema_by_name(s, tl_json_name(name))->is_function;
}

static void bound_object(struct json v, struct tl_bytes in)
{
	const char *type = json_str(json_get(v, "type"), "");
	struct tl_writer w = fresh_writer();
	struct tlt_any any;
	struct tl_reader r;
	uint16_t t = tl_json_type(type);
	const struct schema *s = schema_of(v, &schema_api_223);

	cursor_read(&r, in.data, in.len);
	if (bind_read_type(&r, s, t, &arena, &any, &ei))
		fail_msg("%s: %s", type, ei.msg);
	assert_int_equal(cursor_finish(&r), ERR_OK);
	assert_int_equal(any.raw.len, in.len);
	if (bind_write_type(&w, s, t, &any, &ei))
		fail_msg("%s: %s", type, ei.msg);
	expect_out(in);
}

static bool bound_call(struct json v, struct tl_bytes in)
{
	uint16_t name = tl_json_name(json_str(json_get(v, "name"), ""));
	struct tl_writer w = fresh_writer();
	struct tl_reader r;
	void *call;

	if (!bind_by_name[name])
		return false;
	call = arena_alloc(&arena, bind_ctors[bind_by_name[name] - 1].size);
	cursor_read(&r, in.data, in.len);
	if (bind_read(&r, name, &arena, call, &ei) ||
	    bind_write(&w, name, call, &ei))
		fail_msg("%s", ei.msg);
	expect_out(in);
	return true;
}

/* The structs give back what they read, wanted or not. */
static void test_bound(void **state)
{
	struct json_iter it = json_iter(json_get(json_root(&v223), "vectors"));
	size_t calls = 0;

	for (; json_next(&it); arena_reset(&arena)) {
		struct tl_bytes in;

		if (kind_is(it.val, "framing"))
			continue;
		in = tl_json_hex(json_get(it.val, "hex"), &arena);
		if (is_call(it.val))
			calls += bound_call(it.val, in);
		else
			bound_object(it.val, in);
	}
	assert_true(calls >= 5);
}

/* service objects that are plain TL */
static void test_service(void **state)
{
	struct json_iter it = json_iter(json_get(json_root(&v223), "vectors"));
	size_t n = 0;

	for (; json_next(&it); arena_reset(&arena)) {
		uint16_t name =
			tl_json_name(json_str(json_get(it.val, "name"), ""));

		if (!kind_is(it.val, "framing") ||
		    !schema_by_name(&schema_mtproto, name))
			continue;
		check(it.val, &schema_mtproto);
		n++;
	}
	assert_true(n >= 1); /* future_salts: a bare vector of bare objects */
}

static bool by_hand(uint32_t id)
{
	return id == 0x73f1f8dc || id == 0xf35c6d01 || id == 0x3072cfa1 ||
	       id == 0xe06046b2;
}

static void read_whole(struct tl_bytes in, enum err *ret_skip,
		       enum err *ret_dyn)
{
	struct tl_reader r;
	struct dyn *d;
	const struct schema *s = &schema_api_223;

	cursor_read(&r, in.data, in.len);
	if (!schema_find(s, cursor_peek_u32(&r)))
		s = &schema_mtproto;
	*ret_skip = skip_any(&r, s, &ei);
	if (!*ret_skip)
		*ret_skip = cursor_finish(&r);
	cursor_read(&r, in.data, in.len);
	*ret_dyn = dyn_read(&r, s, &arena, &d, &ei);
	if (!*ret_dyn)
		*ret_dyn = cursor_finish(&r);
}

static void test_malformed(void **state)
{
	struct json_iter it =
		json_iter(json_get(json_root(&v223), "malformed"));
	size_t n = 0;

	for (; json_next(&it); arena_reset(&arena)) {
		struct tl_bytes in =
			tl_json_hex(json_get(it.val, "hex"), &arena);
		struct tl_reader r;
		enum err skipped, read;

		cursor_read(&r, in.data, in.len);
		if (by_hand(cursor_peek_u32(&r)))
			continue;
		read_whole(in, &skipped, &read);
		if (skipped != ERR_PROTO || read != ERR_PROTO)
			fail_msg("not refused: %s",
				 json_str(json_get(it.val, "why"), ""));
		n++;
	}
	assert_int_equal(n, 40); /* the other 18: test_session_service.c */
}

static void test_either(void **state)
{
	struct json_iter it = json_iter(json_get(json_root(&v223), "either"));

	for (; json_next(&it); arena_reset(&arena)) {
		enum err skipped, read;

		read_whole(tl_json_hex(json_get(it.val, "hex"), &arena),
			   &skipped, &read);
		assert_int_equal(skipped, ERR_OK);
		assert_int_equal(read, ERR_OK);
	}
}

/* Layer 223 objects on an older connection: well formed, or refused. */
static size_t down(const struct schema *to)
{
	struct json_iter it = json_iter(json_get(json_root(&v223), "vectors"));
	size_t written = 0, refused = 0;

	for (; json_next(&it); arena_reset(&arena)) {
		struct tl_writer w = fresh_writer();
		struct tl_reader r;
		struct dyn *d = NULL;
		enum err rc;

		if (kind_is(it.val, "framing") ||
		    schema_of(it.val, &schema_api_223) == &schema_mtproto)
			continue;
		assert_int_equal(tl_json_to_dyn(json_get(it.val, "json"),
						&schema_api_223, &arena, &d,
						&ei),
				 ERR_OK);
		rc = dyn_write(&w, to, d, &ei);
		if (rc) {
			assert_int_equal(rc, ERR_INVALID);
			assert_true(strlen(ei.msg) > 5);
			assert_int_equal(buf_len(&out), 0);
			refused++;
			continue;
		}
		cursor_read(&r, buf_head(&out), buf_len(&out));
		if (skip_any(&r, to, &ei))
			fail_msg("%s", ei.msg);
		assert_int_equal(cursor_finish(&r), ERR_OK);
		written++;
	}
	assert_true(refused > 10);
	return written;
}

static void test_down(void **state)
{
	size_t oldest = down(&schema_api_144);

	assert_true(oldest > 100);
	assert_true(down(&schema_api_198) > oldest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_223),
		cmocka_unit_test(test_144),
		cmocka_unit_test(test_198),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_either),
		cmocka_unit_test(test_down),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
