/* SPDX-License-Identifier: MIT */
/*
 * The shapes there are, what is noted of each, and what a script may be called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "script/outline.h"

static struct arena a;

static struct outline read_it(const char *text)
{
	struct outline o;

	assert_int_equal(outline_read(text, strlen(text), &a, &o), ERR_OK);
	return o;
}

static const struct outline_note *find(const struct outline *o,
				       const char *says)
{
	for (size_t i = 0; i < o->n_notes; i++)
		if (strstr(o->notes[i].text, says))
			return &o->notes[i];
	return NULL;
}

static void test_schema_2(void **state)
{
	struct outline o = read_it("schema: 2\nscript_id: welcome\n"
				   "version: \"1.1\"\nroles: []\nscenes:\n"
				   "  - {id: a, triggers: []}\n  - {id: b}\n");

	assert_true(o.ok);
	assert_int_equal(o.n_notes, 0);
	assert_string_equal(o.script_id, "welcome");
	assert_string_equal(o.label, "1.1");
	assert_string_equal(o.shape, "scenes");
	assert_int_equal(o.schema, 2);
	assert_int_equal(o.parts, 2);

	o = read_it("{schema: 2, script_id: 欢迎, version: 1.10, scenes: "
		    "{a: {id: x}, b: {}, c: {}}}");
	assert_true(o.ok);
	assert_int_equal(o.parts, 3);
	assert_string_equal(o.label, "1.10");
	assert_non_null(find(&o, "write \"1.10\""));
}

static void test_older_shapes(void **state)
{
	static const char *const all[] = { "scenes", "steps", "timeline",
					   "rules", "messages" };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		char text[64];
		struct outline o;

		snprintf(text, sizeof(text), "%s:\n- {a: 1}\n", all[i]);
		o = read_it(text);
		assert_true(o.ok);
		assert_string_equal(o.shape, all[i]);
		assert_int_equal(o.parts, 1);
		assert_non_null(find(&o, "script_id is missing"));
		assert_non_null(find(&o, "older"));
	}
}

static void test_faults_have_places(void **state)
{
	struct outline o = read_it("schema: 2\nscript_id: ../x\nscenes: 5\n");
	struct err_info ei = { 0 };

	assert_false(o.ok);
	assert_int_equal(find(&o, "no script_id")->at.line, 2);
	assert_int_equal(find(&o, "no script_id")->at.column, 12);
	assert_int_equal(find(&o, "is a list or a map")->at.line, 3);
	assert_true(find(&o, "version is missing")->fatal);
	assert_int_equal(outline_error(&o, &ei), ERR_INVALID);
	assert_non_null(strstr(ei.msg, "line 2, column 12: \"../x\""));

	o = read_it("script_id: a\nscenes: []\n");
	assert_non_null(find(&o, "\"scenes\" is empty"));
	assert_false(o.ok);
	o = read_it("script_id: a\n");
	assert_non_null(find(&o, "there are no scenes"));
	o = read_it("schema: 3\nscript_id: a\nversion: b\nscenes: [1]\n");
	assert_int_equal(find(&o, "schema is 2")->at.line, 1);
	o = read_it("schema: 2\nscript_id: a\nversion: b\nsteps: [1]\n");
	assert_int_equal(find(&o, "not \"steps\"")->at.line, 4);
	o = read_it("script_id: [a]\nsteps: {a: 1}\n");
	assert_non_null(find(&o, "\"script_id\" is a text"));
	assert_non_null(find(&o, "\"steps\" is a list"));
	o = read_it("- a\n");
	assert_non_null(find(&o, "a script is a map"));
	o = read_it("a: [\n");
	assert_int_equal(outline_error(&o, &ei), ERR_SYNTAX);
	/* the first shape counts */
	o = read_it("scenes: [1]\nsteps: [1, 2]\n");
	assert_true(o.ok);
	assert_int_equal(o.parts, 1);
	assert_int_equal(find(&o, "only the first")->at.line, 2);
}

/* What found no room among the notes is still a refusal. */
static void test_a_refusal_without_a_note(void **state)
{
	const struct outline o = { .ok = false };
	struct err_info ei = { 0 };

	assert_int_equal(outline_error(&o, &ei), ERR_INVALID);
}

static void test_names(void **state)
{
	static const char *const good[] = { "a", "welcome-1.1_x", "剧本",
					    "Приветствие", "café" };
	static const char *const bad[] = {
		"",	   ".",	      "..",   "../x",	"a/b",	  "a\\b",
		"a b",	   ".hidden", "a\nb", "a%2fb",	"a:b",	  "\xff",
		"a\u200b", "\u202ea", "a／b", "deploy", "import", "validate",
	};
	char text[3 * (OUTLINE_ID_MAX + 1) + 1] = "";

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (outline_check_id(good[i], NULL))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!outline_check_id(bad[i], NULL))
			fail_msg("%zu: %s", i, bad[i]);
	/* three bytes each */
	for (size_t i = 0; i <= OUTLINE_ID_MAX; i++)
		memcpy(text + 3 * i, "剧", 3);
	assert_int_equal(outline_check_id(text, NULL), ERR_INVALID);
	text[3 * OUTLINE_ID_MAX] = '\0';
	assert_int_equal(outline_check_id(text, NULL), ERR_OK);
}

static int setup(void **state)
{
	arena_init(&a, 1U << 20);
	return 0;
}

static int teardown(void **state)
{
	arena_deinit(&a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema_2),
		cmocka_unit_test(test_older_shapes),
		cmocka_unit_test(test_faults_have_places),
		cmocka_unit_test(test_a_refusal_without_a_note),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
