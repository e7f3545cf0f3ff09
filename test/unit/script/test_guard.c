/* SPDX-License-Identifier: MIT */
/*
 * What is taken, what is refused, and where it says that the fault is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "script/guard.h"

struct seen {
	char text[512];
	size_t events;
};

static enum err see(void *ctx, const struct guard_event *ev,
		    struct err_info *ei)
{
	static const char *const names[] = { "{", "[", "/", "" };
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	s->events++;
	snprintf(s->text + n, sizeof(s->text) - n, "%u%s%s%s ", ev->depth,
		 names[ev->kind], ev->text, ev->key ? ":" : "");
	return ERR_OK;
}

static enum err run(const char *text, size_t len, struct seen *s,
		    struct guard_place *at, struct err_info *ei)
{
	*s = (struct seen){ 0 };
	*at = (struct guard_place){ 0 };
	*ei = (struct err_info){ 0 };
	return guard_run(text, len, see, s, at, ei);
}

static void test_events(void **state)
{
	const char *text = "\xef\xbb\xbf"
			   "a: [1, {b: 'two'}]\nc:\n  - d\n";
	struct guard_place at;
	struct err_info ei;
	struct seen s;

	assert_int_equal(run(text, strlen(text), &s, &at, &ei), ERR_OK);
	assert_string_equal(s.text, "0{ 1a: 1[ 21 2{ 3b: 3two 2/ 1/ 1c: 1[ 2d "
				    "1/ 0/ ");
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		enum err rc;
		size_t line, column;
		const char *says;
	} all[] = {
		{ "", ERR_INVALID, 0, 0, "nothing" },
		{ "# only words\n", ERR_INVALID, 0, 0, "nothing" },
		{ "a: 1\na: 2\n", ERR_INVALID, 2, 1, "\"a\" is given twice" },
		{ "x:\n  b: 1\n  c: 2\n  b: 3\n", ERR_INVALID, 4, 3,
		  "first in line 2" },
		{ "a: &x 1\n", ERR_INVALID, 1, 4, "anchors" },
		{ "a: *x\n", ERR_INVALID, 1, 4, "aliases" },
		{ "a: !!python/object:os.system 1\n", ERR_INVALID, 1, 4,
		  "tags" },
		{ "a: ! 1\n", ERR_INVALID, 1, 4, "tags" },
		{ "!x {a: 1}\n", ERR_INVALID, 1, 1, "tags" },
		{ "a: &x [1]\n", ERR_INVALID, 1, 4, "anchors" },
		{ "? [a]\n: 1\n", ERR_INVALID, 1, 3, "a key is text" },
		{ "a: 1\n---\nb: 1\n", ERR_INVALID, 2, 1, "second document" },
		{ "%TAG !x! tag:x,2000:\n---\na: 1\n", ERR_INVALID, 1, 1,
		  "%TAG" },
		{ "a: \"x\\0y\"\n", ERR_INVALID, 1, 4, "NUL" },
		{ "a: [1\n", ERR_SYNTAX, 2, 1, "flow sequence" },
		{ "a: b: c\n", ERR_SYNTAX, 1, 5, "mapping values" },
		{ "a: 1\nb: \xff\n", ERR_INVALID, 2, 4, "UTF-8" },
		{ "a: \xe4\xbd\xa0\nbc\xe4\xbd\n", ERR_INVALID, 2, 3, "UTF-8" },
		{ "a: \x01\n", ERR_SYNTAX, 1, 1, "control" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct guard_place at;
		struct err_info ei;
		struct seen s;
		enum err rc =
			run(all[i].text, strlen(all[i].text), &s, &at, &ei);

		if (rc != all[i].rc || at.line != all[i].line ||
		    at.column != all[i].column || !strstr(ei.msg, all[i].says))
			fail_msg("%zu: %d %zu:%zu %s", i, rc, at.line,
				 at.column, ei.msg);
	}
}

static char *repeat(const char *head, const char *part, size_t n,
		    const char *tail, size_t *ret_len)
{
	struct buf b;
	uint8_t *text;

	buf_init(&b, 16U << 20);
	assert_int_equal(buf_append_str(&b, head), ERR_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_append_str(&b, part), ERR_OK);
	assert_int_equal(buf_append_str(&b, tail), ERR_OK);
	buf_take(&b, &text, ret_len);
	return (char *)text;
}

static enum err run_long(const char *head, const char *part, size_t n,
			 const char *tail, const char *says)
{
	struct guard_place at;
	struct err_info ei;
	struct seen s;
	size_t len;
	char *text = repeat(head, part, n, tail, &len);
	enum err rc = run(text, len, &s, &at, &ei);

	free(text);
	if (rc && !strstr(ei.msg, says))
		fail_msg("%s", ei.msg);
	return rc;
}

static void test_bounds(void **state)
{
	/* a map, and a list in it that is GUARD_DEPTH_MAX - 1 deep */
	assert_int_equal(run_long("a: ", "[", GUARD_DEPTH_MAX - 1,
				  "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n", ""),
			 ERR_OK);
	assert_int_equal(run_long("a: ", "[", GUARD_DEPTH_MAX, "", "levels"),
			 ERR_TOOBIG);
	assert_int_equal(run_long("", "[", 1000000, "", "levels"), ERR_TOOBIG);
	assert_int_equal(run_long("", "{a: ", 250000, "", "levels"),
			 ERR_TOOBIG);
	assert_int_equal(run_long("[", "1,", GUARD_NODES_MAX - 1, "]", ""),
			 ERR_OK);
	assert_int_equal(run_long("[", "1,", GUARD_NODES_MAX, "]", "values"),
			 ERR_TOOBIG);
	/* "a: " and a line's end */
	assert_int_equal(run_long("a: ", "x", GUARD_BYTES_MAX - 4, "\n", ""),
			 ERR_OK);
	assert_int_equal(
		run_long("a: ", "x", GUARD_BYTES_MAX - 3, "\n", "1 MiB"),
		ERR_TOOBIG);
}

/* The same name in maps beside and in each other is no repetition. */
static void test_keys_are_their_maps(void **state)
{
	const char *text = "a: {a: {a: 1}, b: 1}\nb: [{a: 1}, {a: 2}]\n";
	struct guard_place at;
	struct err_info ei;
	struct seen s;

	assert_int_equal(run(text, strlen(text), &s, &at, &ei), ERR_OK);
}

static enum err stop(void *ctx, const struct guard_event *ev,
		     struct err_info *ei)
{
	return ev->key ? err_set(ei, ERR_CANCELED, "enough") : ERR_OK;
}

static void test_a_reader_may_stop(void **state)
{
	struct guard_place at = { 0 };
	struct err_info ei = { 0 };

	assert_int_equal(guard_run("\n\n b: 1\n", 8, stop, NULL, &at, &ei),
			 ERR_CANCELED);
	assert_int_equal(at.line, 3);
	assert_int_equal(at.column, 2);
	assert_string_equal(ei.msg, "enough");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_keys_are_their_maps),
		cmocka_unit_test(test_a_reader_may_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
