/* SPDX-License-Identifier: MIT */
/* The file that says where Telegram is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "worker/telegram.h"

static struct telegram t;

static enum err parse(const char *dcs, struct err_info *ei)
{
	char text[2048];

	snprintf(text, sizeof(text), "{\"api_id\": 7, \"dcs\": [%s]}", dcs);
	return telegram_parse(&t, text, strlen(text), ei);
}

static void files_go_to_media_addresses_and_nothing_else_does(void **state)
{
	bool media;

	(void)state;
	assert_int_equal(
		parse("{\"id\": 2, \"address\": \"10.0.0.9\", \"port\": 1,"
		      " \"media\": true},"
		      "{\"id\": 2, \"address\": \"10.0.0.2\", \"port\": 2},"
		      "{\"id\": 3, \"address\": \"10.0.0.3\", \"port\": 3},"
		      "{\"id\": 4, \"address\": \"10.0.0.4\", \"port\": 4,"
		      " \"media\": true}",
		      NULL),
		ERR_OK);
	assert_int_equal(telegram_find(&t, 2)->port, 2);
	assert_int_equal(telegram_find_media(&t, 2, &media)->port, 1);
	assert_true(media);
	/* one without an address for files alone has one for all */
	assert_int_equal(telegram_find_media(&t, 3, &media)->port, 3);
	assert_false(media);
	assert_int_equal(telegram_find_media(&t, 4, NULL)->port, 4);
	assert_null(telegram_find(&t, 4));
	assert_null(telegram_find(&t, 5));
	assert_null(telegram_find_media(&t, 5, NULL));
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *dcs, *says;
	} rows[] = {
		{ "", "no data centre" },
		{ "{\"id\": 2, \"port\": 1}", "address" },
		{ "{\"id\": 0, \"address\": \"x\", \"port\": 1}", "id" },
		{ "{\"id\": 1, \"address\": \"x\", \"port\": 0}", "port" },
		{ "{\"id\": 1, \"address\": \"x\", \"port\": 1,"
		  " \"media\": 1}",
		  "media" },
	};
	struct err_info ei;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].dcs, &ei), ERR_INVALID);
		assert_non_null(strstr(ei.msg, rows[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			files_go_to_media_addresses_and_nothing_else_does),
		cmocka_unit_test(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
