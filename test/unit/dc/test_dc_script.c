/* SPDX-License-Identifier: MIT */
/* Scenario files: what is read, and where an error is said to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dc/dc_script.h"
#include "tl/schema.h"

static struct dc_script s;

static void parse(const char *text)
{
	struct err_info ei = { 0 };
	enum err rc = dc_script_parse(&s, text, strlen(text), &ei);

	if (rc)
		fail_msg("%s", ei.msg);
}

static void refused(const char *text, const char *why)
{
	struct err_info ei = { 0 };

	assert_int_equal(dc_script_parse(&s, text, strlen(text), &ei),
			 ERR_SYNTAX);
	assert_string_equal(ei.msg, why);
}

static void test_steps(void **state)
{
	const struct dc_step *st;

	(void)state;
	parse("# nothing\n\n"
	      "title a  long title # comment\n"
	      "user 9996610001 \"Ada L.\"\n"
	      "expect messages.sendMessage message=\"a \\\"b\\\"\" silent=true"
	      " -> error 400 NO_WAY\n"
	      "never messages.sendMessage for 250ms\n"
	      "say 9996610001 +9996610002 hi times 3\n"
	      "drop after 7\r\n"
	      "check floods >= 12\n"
	      "client 1 2 3");
	assert_int_equal(s.n, 8);
	assert_string_equal(s.title, "a long title");
	st = &s.steps[2];
	assert_int_equal(st->kind, DC_STEP_EXPECT);
	assert_int_equal(st->line, 5);
	assert_int_equal(st->method, TLN_messages_sendMessage);
	assert_int_equal(st->n_fields, 2);
	assert_string_equal(st->fields[0].value, "a \"b\"");
	assert_int_equal(st->reaction, DC_REACT_ERROR);
	assert_int_equal(st->value, 400);
	assert_string_equal(st->error, "NO_WAY");
	assert_int_equal(s.steps[3].n, 250000);
	assert_string_equal(s.steps[4].whom, "9996610002");
	assert_int_equal(s.steps[4].n, 3);
	assert_int_equal(s.steps[5].n, 7);
	assert_int_equal(s.steps[6].op, DC_OP_GE);
	assert_int_equal(s.steps[7].n_words, 3);
	dc_script_deinit(&s);
	parse("expect messages.sendMessage -> flood 30");
	assert_string_equal(s.steps[0].error, "FLOOD_WAIT_30");
	assert_int_equal(s.steps[0].value, 420);
	dc_script_deinit(&s);
	parse("");
	assert_int_equal(s.n, 0);
	dc_script_deinit(&s);
}

static void test_errors_have_a_place(void **state)
{
	(void)state;
	refused("user 9996610001\n\n  dance\n",
		"line 3, column 3: no such statement");
	refused("expect messages.sendMesage",
		"line 1, column 8: there is no such method in any layer");
	refused("expect messages.sendMessage massage=x",
		"line 1, column 29: no method has such a field");
	refused("expect messages.sendMessage -> explode",
		"line 1, column 32: answer, error, flood, hold, swallow, "
		"late, drop or ignore expected");
	refused("expect messages.sendMessage -> error 1000 X",
		"line 1, column 38: an error's code is 1 to 999");
	refused("wait 3", "line 1, column 6: not a duration: 2s or 250ms");
	refused("wait s", "line 1, column 6: not a duration: 2s or 250ms");
	refused("user 12x45", "line 1, column 6: not a phone number");
	refused("say 9996610001 9996610002 \"open",
		"line 1, column 27: a quote is not closed");
	refused("title \"\\t\"",
		"line 1, column 7: \\\", \\\\ or \\n after \\");
	refused("check floods = 1",
		"line 1, column 14: == != < <= > or >= expected");
	refused("drop after 0", "line 1, column 12: after at least 1");
	refused("wait 1s 2s",
		"line 1, column 9: nothing more was expected on this line");
	refused("never messages.sendMessage",
		"line 1, column 7: for and a duration expected");
	refused("fault lose where=1",
		"line 1, column 12: phone, method, after, count, value or "
		"delay_ms expected");
}

static void test_limits(void **state)
{
	struct err_info ei = { 0 };
	size_t n = DC_SCRIPT_BYTES_MAX + 1;
	char *big = malloc(n);
	uint32_t i;

	(void)state;
	assert_non_null(big);
	memset(big, '\n', n);
	assert_int_equal(dc_script_parse(&s, big, n, &ei), ERR_TOOBIG);
	assert_int_equal(dc_script_parse(&s, big, n - 1, &ei), ERR_OK);
	dc_script_deinit(&s);
	for (i = 0; i <= DC_SCRIPT_STEPS_MAX; i++)
		memcpy(big + 8 * (size_t)i, "wait 1s\n", 8);
	n = 8 * (size_t)DC_SCRIPT_STEPS_MAX;
	assert_int_equal(dc_script_parse(&s, big, n, &ei), ERR_OK);
	dc_script_deinit(&s);
	assert_int_equal(dc_script_parse(&s, big, n + 8, &ei), ERR_TOOBIG);
	memset(big, 'a', 100);
	for (i = 1; i < 100; i += 2)
		big[i] = ' ';
	assert_int_equal(dc_script_parse(&s, big, 100, &ei), ERR_SYNTAX);
	assert_int_equal(dc_script_parse(&s, "wait\0 1s", 8, &ei), ERR_SYNTAX);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_errors_have_a_place),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
