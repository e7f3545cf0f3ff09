/* SPDX-License-Identifier: MIT */
/* What a data centre says of connections: too many, another one, elsewhere. */
#include "fleet_rig.h"

/* "Too many connections": the data centre is left alone, by every account. */
static void test_too_many_connections(void **state)
{
	struct rig *r = *state;
	struct wire_lease l[2] = { { .account_id = "100",
				     .epoch = 1,
				     .ttl_ms = 600000,
				     .has_session = true,
				     .session = { .version = 1 } } };
	const struct wire_answer both = { .success = true,
					  .leases = l,
					  .nleases = 2 };

	l[1] = l[0];
	l[1].account_id = "200";
	r->packet_error = -429;
	(void)beat(r);
	answer_lease(r, &l[0]);
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "BACKOFF");
	assert_string_equal(fleet_find(&r->fleet, "100")->fault.code,
			    "rate_limited");
	assert_int_equal(r->accepted, 1);
	r->packet_error = 0;
	(void)beat(r);
	beat_apply(&r->beat, &both);
	for (int i = 0; i < 50; i++)
		pass(r, US_PER_SEC);
	assert_int_equal(r->accepted, 1);
	assert_string_equal(state_of(r, "200"), "BACKOFF");
	for (int i = 0; i < 40 && r->accepted < 2; i++)
		pass(r, US_PER_SEC);
	assert_true(r->accepted >= 2);
}

/* -444: the address is that of another data centre; nothing is revoked. */
static void test_address_of_another(void **state)
{
	struct rig *r = *state;
	struct account *a;

	r->packet_error = -444;
	(void)beat(r);
	answer(r, 1, "100");
	pass(r, 20 * US_PER_MS);
	a = fleet_find(&r->fleet, "100");
	assert_string_equal(state_of(r, "100"), "BACKOFF");
	assert_string_equal(a->fault.code, "wrong_dc");
	assert_non_null(strstr(a->fault.message, "-444"));
	assert_non_null(strstr(a->fault.advice, "telegram file"));
	assert_int_equal(a->dc_id, 1);
}

/* A route that changed is fetched like a session that did. */
static void test_new_route_version(void **state)
{
	struct rig *r = *state;
	struct wire_lease l = { .account_id = "100",
				.epoch = 1,
				.ttl_ms = TTL_MS,
				.has_session = true,
				.session = { .version = 1 } };

	come_online(r);
	assert_int_equal(r->wanted, 1);
	(void)beat(r);
	l.session.route_version = 3;
	answer_lease(r, &l);
	pass(r, 20 * US_PER_MS);
	assert_int_equal(r->wanted, 2);
	assert_int_equal(fleet_find(&r->fleet, "100")->route_version, 3);
	assert_int_equal(r->accepted, 2);
	(void)beat(r);
	answer_lease(r, &l);
	assert_int_equal(r->wanted, 2);
}

/* ... but where Telegram itself said it is, it is looked for. */
static void test_sent_where_only_telegram_knows(void **state)
{
	struct rig *r = *state;
	struct dcs dcs = { .telegram = &r->telegram, .due = MONO_NEVER };
	struct account *a;

	dcs.list.items[0] = (struct dclist_entry){
		.address = "127.0.0.1",
		.id = 9,
		.port = listener_addr(r->listener).port,
	};
	dcs.list.n = 1;
	r->fleet.dcs = &dcs;
	r->refuse = "USER_MIGRATE_9";
	r->refuse_code = 303;
	(void)beat(r);
	answer(r, 1, "100");
	pass(r, 20 * US_PER_MS);
	a = fleet_find(&r->fleet, "100");
	assert_int_equal(a->dc_id, 9);
	r->refuse = NULL;
	for (int s = 0; s < 20 && strcmp(state_of(r, "100"), "ONLINE") != 0;
	     s++) {
		pass(r, US_PER_SEC / 2);
		(void)beat(r);
		answer(r, 1, "100");
	}
	assert_string_equal(state_of(r, "100"), "ONLINE");
	assert_int_equal(a->dc_id, 9);
	r->fleet.dcs = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_too_many_connections),
		T(test_address_of_another),
		T(test_new_route_version),
		T(test_sent_where_only_telegram_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
