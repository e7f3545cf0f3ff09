/* SPDX-License-Identifier: MIT */
/* What the control plane does by the clock, over weeks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/control.h"
#include "control/control_int.h"

#define DAY_US (INT64_C(24) * 3600 * US_PER_SEC)
#define OK(call) assert_int_equal((call), ERR_OK)

struct rig {
	struct clock_manual clock;
	struct control_config cfg;
	struct config_origins origins;
	struct loop *l;
	struct control *c;
	char dir[64];
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct loop_options o = { .clock = &r->clock.clock };

	snprintf(r->dir, sizeof(r->dir), "/tmp/keep-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	clock_manual_init(&r->clock, (struct mono){ US_PER_SEC },
			  (struct wall){ INT64_C(1800000000) * US_PER_SEC });
	OK(config_defaults(&control_options, &r->cfg, &r->origins, NULL));
	free(r->cfg.data);
	r->cfg.data = strdup(r->dir);
	free(r->cfg.listen);
	r->cfg.listen = strdup("127.0.0.1:0");
	OK(loop_new(&r->l, &o, NULL));
	OK(control_new(r->l, &r->cfg, &r->c, NULL));
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	char command[128];

	control_free(r->c);
	loop_free(r->l);
	config_free(&control_options, &r->cfg);
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	free(r);
	return 0;
}

static void pass(struct rig *r, int64_t us)
{
	clock_manual_advance(&r->clock, us);
	/* timers of a day, then what those armed */
	for (int i = 0; i < 3; i++) {
		loop_turn(r->l, 0);
		clock_manual_advance(&r->clock, 31 * US_PER_SEC);
	}
	loop_turn(r->l, 0);
}

static void put(struct rig *r, int64_t version)
{
	const struct store_account acc = { .account_id = "1", .enabled = true };
	const struct store_session s = {
		.account_id = "1",
		.version = version,
		.sealed = (const uint8_t *)"sealed",
		.sealed_len = 6,
		.wrapped_key = (const uint8_t *)"key",
		.wrapped_key_len = 3,
		.fingerprint = { { (uint8_t)version } },
		.flavour = "telethon",
		.created = control_wall(r->c),
	};
	const struct store_ops *ops = r->c->store->ops;

	if (version == 1)
		OK(ops->account_add(r->c->store, &acc, s.created, NULL));
	OK(ops->session_put(r->c->store, &s, NULL));
}

static bool has_key(struct rig *r, int64_t version)
{
	struct store_session s;
	struct arena a;
	bool has;

	arena_init(&a, 1 << 20);
	OK(r->c->store->ops->session_get(r->c->store, "1", version, &a, &s,
					 NULL));
	has = s.wrapped_key != NULL;
	assert_int_equal(has, s.sealed != NULL);
	arena_deinit(&a);
	return has;
}

static void test_quarantine_ends_after_thirty_days(void **state)
{
	struct rig *r = *state;

	put(r, 1);
	pass(r, 100 * DAY_US);
	assert_true(has_key(r, 1)); /* in use: whatever its age */
	put(r, 2);
	pass(r, 29 * DAY_US);
	assert_true(has_key(r, 1));
	OK(r->c->store->ops->session_restore(r->c->store, "1", 1, NULL));
	put(r, 3);
	pass(r, 2 * DAY_US);
	assert_true(has_key(r, 1)); /* counted anew */
	assert_false(has_key(r, 2));
	assert_int_equal(
		r->c->store->ops->session_restore(r->c->store, "1", 2, NULL),
		ERR_SESSION_MISSING);
	pass(r, 29 * DAY_US);
	assert_false(has_key(r, 1));
	assert_true(has_key(r, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_quarantine_ends_after_thirty_days, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
