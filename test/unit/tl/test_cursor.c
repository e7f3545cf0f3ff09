/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tl/cursor.h"

#define READ(r, ...)                                                           \
	static const uint8_t bytes_of_##r[] = { __VA_ARGS__ };                 \
	struct tl_reader r;                                                    \
	cursor_read(&r, bytes_of_##r, sizeof(bytes_of_##r))

static void test_round_trip(void **state)
{
	struct buf out;
	struct tl_writer w;
	struct tl_reader r;
	uint8_t fixed[16] = { 1, 2, 3 }, back[16];

	buf_init(&out, 1 << 20);
	cursor_write(&w, &out);
	cursor_put_i32(&w, -2);
	cursor_put_u32(&w, 0xdeadbeef);
	cursor_put_i64(&w, INT64_MIN + 1);
	cursor_put_double(&w, -1.5);
	cursor_put_bool(&w, true);
	cursor_put_bool(&w, false);
	cursor_put_raw(&w, fixed, sizeof(fixed));
	cursor_put_vector(&w, 2);
	cursor_put_string(&w, "");
	cursor_put_string(&w, "h\xc3\xa9llo");
	assert_int_equal(w.rc, ERR_OK);

	cursor_read(&r, buf_head(&out), buf_len(&out));
	assert_int_equal(cursor_get_i32(&r), -2);
	assert_int_equal(cursor_peek_u32(&r), 0xdeadbeef);
	assert_int_equal(cursor_get_u32(&r), 0xdeadbeef);
	assert_true(cursor_get_i64(&r) == INT64_MIN + 1);
	assert_true(cursor_get_double(&r) == -1.5);
	assert_true(cursor_get_bool(&r));
	assert_false(cursor_get_bool(&r));
	cursor_get_fixed(&r, back, sizeof(back));
	assert_memory_equal(back, fixed, sizeof(back));
	assert_int_equal(cursor_get_vector(&r, 4), 2);
	assert_int_equal(cursor_get_string(&r).len, 0);
	assert_int_equal(cursor_get_string(&r).len, 6);
	assert_int_equal(cursor_finish(&r), ERR_OK);
	buf_deinit(&out);
}

/* Every length around the two forms and the four paddings. */
static void test_lengths(void **state)
{
	static const size_t len[] = { 0,   1,	2,   3,	  4,   5,    252,
				      253, 254, 255, 256, 257, 70000 };
	static uint8_t data[70000];
	struct buf out;

	memset(data, 7, sizeof(data));
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(len); i++) {
		struct tl_writer w;
		struct tl_reader r;
		struct tl_bytes b;

		buf_reset(&out);
		cursor_write(&w, &out);
		cursor_put_bytes(&w, data, len[i]);
		assert_int_equal(buf_len(&out) % 4, 0);
		assert_true(buf_len(&out) <= len[i] + 7);
		cursor_read(&r, buf_head(&out), buf_len(&out));
		b = cursor_get_bytes(&r);
		assert_int_equal(cursor_finish(&r), ERR_OK);
		assert_int_equal(b.len, len[i]);
		if (b.len > 0)
			assert_memory_equal(b.data, data, b.len);
		/* Cut anywhere, it is refused. */
		cursor_read(&r, buf_head(&out), buf_len(&out) - 1);
		cursor_get_bytes(&r);
		assert_int_equal(r.rc, ERR_PROTO);
	}
	buf_deinit(&out);
}

static void test_sticky(void **state)
{
	READ(r, 1, 0, 0, 0, 2, 0);

	assert_int_equal(cursor_get_i32(&r), 1);
	assert_int_equal(cursor_get_i32(&r), 0);
	assert_int_equal(r.rc, ERR_PROTO);
	assert_int_equal(cursor_left(&r), 0);
	assert_null(cursor_get_raw(&r, 0));
	assert_int_equal(cursor_get_i64(&r), 0);
	assert_int_equal(cursor_finish(&r), ERR_PROTO);
}

static void test_left_over(void **state)
{
	READ(r, 1, 0, 0, 0, 2);

	cursor_get_i32(&r);
	assert_int_equal(r.rc, ERR_OK);
	assert_int_equal(cursor_finish(&r), ERR_PROTO);
}

static void test_vector_bounds(void **state)
{
	READ(huge, 0x15, 0xc4, 0xb5, 0x1c, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4);
	READ(long_items, 0x15, 0xc4, 0xb5, 0x1c, 2, 0, 0, 0, 1, 2, 3, 4, 5, 6,
	     7, 8, 9, 10, 11, 12);
	READ(no_head, 2, 0, 0, 0, 1, 2, 3, 4);

	assert_int_equal(cursor_get_vector(&huge, 4), 0);
	assert_int_equal(huge.rc, ERR_PROTO);
	assert_int_equal(cursor_get_vector(&long_items, 8), 0);
	assert_int_equal(long_items.rc, ERR_PROTO);
	assert_int_equal(cursor_get_vector(&no_head, 4), 0);
	assert_int_equal(no_head.rc, ERR_PROTO);
}

static void test_refusals(void **state)
{
	READ(byte_255, 255, 0, 0, 0, 1, 0, 0, 0);
	READ(not_bool, 1, 0, 0, 0);
	READ(bad_utf8, 2, 0xc3, 0x28, 0);
	READ(same_bytes, 2, 0xc3, 0x28, 0);
	READ(long_form, 254, 3, 0, 0, 'a', 'b', 'c', 0);

	cursor_get_bytes(&byte_255);
	assert_int_equal(byte_255.rc, ERR_PROTO);
	cursor_get_bool(&not_bool);
	assert_int_equal(not_bool.rc, ERR_PROTO);
	cursor_get_string(&bad_utf8);
	assert_int_equal(bad_utf8.rc, ERR_PROTO);
	assert_int_equal(cursor_get_bytes(&same_bytes).len, 2);
	assert_int_equal(cursor_get_bytes(&long_form).len, 3);
	assert_int_equal(cursor_finish(&long_form), ERR_OK);
}

static void test_writer_sticks(void **state)
{
	struct buf out;
	struct tl_writer w;

	buf_init(&out, 6);
	cursor_write(&w, &out);
	cursor_put_i32(&w, 1);
	cursor_put_i32(&w, 2);
	assert_int_equal(w.rc, ERR_TOOBIG);
	cursor_put_raw(&w, "x", 1);
	assert_int_equal(buf_len(&out), 4);
	buf_deinit(&out);

	buf_init(&out, 1 << 26);
	cursor_write(&w, &out);
	cursor_put_bytes(&w, "", CURSOR_STRING_MAX + 1);
	assert_int_equal(w.rc, ERR_TOOBIG);
	assert_int_equal(buf_len(&out), 0);
	buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_left_over),
		cmocka_unit_test(test_vector_bounds),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_writer_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
