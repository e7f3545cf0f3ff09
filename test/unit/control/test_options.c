/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/control.h"

static enum err with(const char *interval, const char *ttl, const char *grace,
		     struct err_info *ei)
{
	const char *const words[] = { "--heartbeat-interval", interval,
				      "--lease-ttl",	      ttl,
				      "--lease-grace",	      grace };
	struct control_config cfg = { 0 };
	struct config_origins o = { 0 };
	char *argv[ARRAY_LEN(words)];
	int used = 0;
	enum err rc;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		argv[i] = strdup(words[i]);
	rc = config_defaults(&control_options, &cfg, &o, ei);
	if (!rc)
		rc = config_args(&control_options, &cfg, &o, ARRAY_LEN(words),
				 argv, &used, ei);
	if (!rc)
		rc = control_config_check(&cfg, ei);
	config_free(&control_options, &cfg);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		free(argv[i]);
	return rc;
}

static void test_lease_rules(void **state)
{
	struct err_info ei = { 0 };

	assert_int_equal(with("30s", "90s", "30s", &ei), ERR_OK);
	assert_int_equal(with("300ms", "900ms", "100ms", &ei), ERR_OK);
	assert_int_equal(with("30s", "89s", "30s", &ei), ERR_INVALID);
	assert_non_null(strstr(ei.msg, "three heartbeat intervals"));
	assert_int_equal(with("30s", "3600s", "1s", &ei), ERR_INVALID);
	assert_int_not_equal(with("0s", "90s", "30s", &ei), ERR_OK);
	assert_int_not_equal(with("x", "90s", "30s", &ei), ERR_OK);
}

static void test_defaults_are_the_designs(void **state)
{
	struct control_config cfg = { 0 };
	struct config_origins o = { 0 };

	assert_int_equal(config_defaults(&control_options, &cfg, &o, NULL),
			 ERR_OK);
	assert_int_equal(cfg.heartbeat_interval_us, 30000000);
	assert_int_equal(cfg.lease_ttl_us, 90000000);
	assert_int_equal(cfg.lease_grace_us, 30000000);
	assert_true(cfg.failover);
	assert_int_equal(control_config_check(&cfg, NULL), ERR_OK);
	config_free(&control_options, &cfg);
}

/* Every route says who may call it, and has a line for the reference. */
static void test_routes(void **state)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	assert_int_equal(control_print_routes(&out), ERR_OK);
	assert_non_null(strstr(buf_cstr(&out), "/api/v1/workers/heartbeat"));
	assert_null(strstr(buf_cstr(&out), "\"summary\":\"\""));
	buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lease_rules),
		cmocka_unit_test(test_defaults_are_the_designs),
		cmocka_unit_test(test_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
