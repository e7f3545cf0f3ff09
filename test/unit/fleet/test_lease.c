/* SPDX-License-Identifier: MIT */
/*
 * The lease promise under lossy, slow networks, clocks that run apart,
 * several control planes and their restarts: two nodes never believe at the same time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rnd.h"
#include "fleet/lease.h"

static const struct lease_rules rules = { 30 * US_PER_SEC, 90 * US_PER_SEC,
					  30 * US_PER_SEC };

static struct mono at(int64_t sec)
{
	return (struct mono){ sec * US_PER_SEC };
}

static void test_rules(void **state)
{
	struct lease_rules r = rules;
	struct err_info ei;

	assert_int_equal(lease_rules_check(&r, NULL), ERR_OK);
	r.ttl_us = 90 * US_PER_SEC - 1;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_INVALID);
	assert_non_null(strstr(ei.msg, "3 heartbeat"));
	r = rules;
	r.grace_us = r.ttl_us / 50 - 1;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_INVALID);
	r.grace_us = r.ttl_us / 50;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_OK);
	r.beat_us = 0;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_INVALID);
	r = rules;
	r.ttl_us = INT64_MAX;
	assert_int_equal(lease_rules_check(&r, &ei), ERR_INVALID);
}

static void test_may_grant(void **state)
{
	struct lease_view v = { 0 };
	struct mono until = { -1 };

	assert_int_equal(lease_may_grant(&rules, &v, "a", at(0), &until),
			 LEASE_GRANT);
	v = (struct lease_view){ .stamp = { 3, 0 },
				 .holder = "a",
				 .seen = at(100) };
	assert_int_equal(lease_may_grant(&rules, &v, "a", at(101), &until),
			 LEASE_GRANT);
	assert_int_equal(until.us, -1);
	assert_int_equal(lease_may_grant(&rules, &v, "b", at(219), &until),
			 LEASE_WAIT);
	assert_int_equal(until.us, at(220).us);
	assert_int_equal(lease_may_grant(&rules, &v, "b", at(220), &until),
			 LEASE_TAKEOVER);
	v.released = true;
	assert_int_equal(lease_may_grant(&rules, &v, "b", at(101), &until),
			 LEASE_GRANT);
}

/* Its holder was told another ttl than ours: the longer one counts. */
static void test_told_ttl(void **state)
{
	struct lease_view v = { .stamp = { 3, 9 },
				.holder = "a",
				.ttl_us = 300 * US_PER_SEC,
				.seen = at(1000) };

	assert_int_equal(lease_over_at(&rules, &v).us, at(1330).us);
	v.ttl_us = 5 * US_PER_SEC;
	assert_int_equal(lease_over_at(&rules, &v).us, at(1120).us);
	/* no number in the store leads past the end of time */
	v.ttl_us = INT64_MAX;
	assert_true(lease_over_at(&rules, &v).us > at(300000000).us);
	assert_true(lease_over_at(&rules, &v).us < INT64_MAX / 2);
}

/* Only what is another stamp counts anew. */
static void test_watch(void **state)
{
	struct lease_watch w = { 0 };

	lease_watch_see(&w, &(struct lease_stamp){ 3, 0 }, at(10));
	assert_int_equal(w.seen.us, at(10).us);
	lease_watch_see(&w, &(struct lease_stamp){ 3, 0 }, at(20));
	assert_int_equal(w.seen.us, at(10).us);
	lease_watch_see(&w, &(struct lease_stamp){ 3, 1 }, at(30));
	assert_int_equal(w.seen.us, at(30).us);
	lease_watch_see(&w, &(struct lease_stamp){ 4, 0 }, at(40));
	assert_int_equal(w.seen.us, at(40).us);
	assert_int_equal(w.stamp.epoch, 4);
}

static void test_hold(void **state)
{
	struct lease_hold h = { 0 };

	assert_false(lease_hold_valid(&h, at(0)));
	assert_false(lease_hold_confirm(&h, 0, at(0), rules.ttl_us));
	assert_true(lease_hold_confirm(&h, 5, at(10), rules.ttl_us));
	assert_true(lease_hold_valid(&h, at(99)));
	assert_false(lease_hold_valid(&h, at(100)));
	/* an answer to an earlier request comes late */
	assert_true(lease_hold_confirm(&h, 5, at(5), rules.ttl_us));
	assert_int_equal(h.deadline.us, at(100).us);
	/* another epoch altogether */
	assert_false(lease_hold_confirm(&h, 4, at(50), rules.ttl_us));
	assert_int_equal(h.deadline.us, at(100).us);
	assert_true(lease_hold_confirm(&h, 6, at(20), rules.ttl_us));
	assert_int_equal(h.epoch, 6);
	assert_int_equal(h.deadline.us, at(110).us);
}

/*
 * A world of one account, two nodes and two replicas of the control plane on a
 * true clock; each party's clock runs up to 1 % fast or slow.  Requests and answers
 * take up to 40 s or get lost, and come to either replica; a replica looks at the
 * store, waits up to 5 s, and writes what it decided if the stamp is still that;
 * it restarts at times and forgets what it saw.
 */
struct flight {
	bool on;
	bool answer;
	int node;
	int64_t due, sent, epoch;
};

/* A replica that looked, and has not written yet. */
struct thought {
	bool on;
	int node;
	int64_t due, sent;
	struct lease_stamp stamp;
	bool takeover;
};

struct world {
	struct rnd_seeded rnd;
	int64_t now, next_beat[2];
	double rate[4]; /* nodes 0 and 1, replicas 0 and 1 */
	struct lease_view store;
	struct lease_watch watch[2];
	struct thought thoughts[2];
	struct lease_hold hold[2];
	struct flight net[32];
	unsigned int grants, takeovers;
};

static struct mono local(const struct world *w, int who)
{
	return (struct mono){ (int64_t)((double)w->now * w->rate[who]) };
}

static void post(struct world *w, bool answer, int node, int64_t sent,
		 int64_t epoch)
{
	if (rnd_below(&w->rnd.rnd, 100) < 20)
		return; /* lost */
	for (size_t i = 0; i < ARRAY_LEN(w->net); i++) {
		if (w->net[i].on)
			continue;
		w->net[i] = (struct flight){
			true,
			answer,
			node,
			w->now + (int64_t)rnd_below(&w->rnd.rnd, 40 * US_PER_SEC),
			sent,
			epoch
		};
		return;
	}
}

static const char *const names[] = { "a", "b" };

/* One conditional write, as in store/ops_leases.c, and its answer. */
static void replica_writes(struct world *w, int replica)
{
	struct thought *t = &w->thoughts[replica];
	struct lease_view *v = &w->store;
	bool his = v->holder == names[t->node];

	if (!t->on || t->due > w->now)
		return;
	t->on = false;
	if (t->stamp.epoch != v->stamp.epoch ||
	    (v->stamp.epoch && !his &&
	     (!t->takeover || t->stamp.renewals != v->stamp.renewals)))
		return;
	w->grants++;
	w->takeovers += t->takeover;
	*v = (struct lease_view){ .stamp = { v->stamp.epoch + 1, 0 },
				  .holder = names[t->node] };
	lease_watch_see(&w->watch[replica], &v->stamp, local(w, 2 + replica));
	post(w, true, t->node, t->sent, v->stamp.epoch);
}

static void replica_gets(struct world *w, int node, int64_t sent, int64_t epoch)
{
	int replica = (int)rnd_below(&w->rnd.rnd, 2);
	struct lease_view v = w->store;
	struct mono now = local(w, 2 + replica), until;
	enum lease_verdict verdict;

	if (v.holder == names[node] && epoch && epoch == v.stamp.epoch) {
		w->store.stamp.renewals++;
		lease_watch_see(&w->watch[replica], &w->store.stamp, now);
		post(w, true, node, sent, epoch);
		return;
	}
	lease_watch_see(&w->watch[replica], &v.stamp, now);
	v.seen = w->watch[replica].seen;
	verdict = lease_may_grant(&rules, &v, names[node], now, &until);
	if (verdict == LEASE_WAIT || w->thoughts[replica].on)
		return;
	w->thoughts[replica] = (struct thought){
		true,
		node,
		w->now + (int64_t)rnd_below(&w->rnd.rnd, 5 * US_PER_SEC),
		sent,
		v.stamp,
		verdict == LEASE_TAKEOVER
	};
}

static void replica_restarts(struct world *w, int replica)
{
	w->watch[replica] = (struct lease_watch){ 0 };
	w->thoughts[replica].on = false;
}

static void world_step(struct world *w)
{
	w->now += (int64_t)rnd_below(&w->rnd.rnd, US_PER_SEC / 2);
	for (size_t i = 0; i < ARRAY_LEN(w->net); i++) {
		struct flight f = w->net[i];

		if (!f.on || f.due > w->now)
			continue;
		w->net[i].on = false;
		if (f.answer)
			lease_hold_confirm(&w->hold[f.node], f.epoch,
					   (struct mono){ f.sent },
					   rules.ttl_us);
		else
			replica_gets(w, f.node, f.sent, f.epoch);
	}
	for (int n = 0; n < 2; n++) {
		int64_t epoch = lease_hold_valid(&w->hold[n], local(w, n))
					? w->hold[n].epoch
					: 0;

		if (w->now < w->next_beat[n])
			continue;
		/* beats early, late, or sulks for minutes */
		w->next_beat[n] = w->now + (int64_t)rnd_below(&w->rnd.rnd,
							      200 * US_PER_SEC);
		post(w, false, n, local(w, n).us, epoch);
	}
	for (int r = 0; r < 2; r++) {
		replica_writes(w, r);
		if (rnd_below(&w->rnd.rnd, 4000) == 0)
			replica_restarts(w, r);
	}
	assert_false(lease_hold_valid(&w->hold[0], local(w, 0)) &&
		     lease_hold_valid(&w->hold[1], local(w, 1)));
}

static void test_never_two(void **state)
{
	unsigned int takeovers = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct world w = { 0 };

		rnd_seeded_init(&w.rnd, seed);
		for (size_t i = 0; i < ARRAY_LEN(w.rate); i++)
			w.rate[i] = 0.99 + (double)rnd_below(&w.rnd.rnd, 2001) /
						   100000.0;
		for (int i = 0; i < 20000; i++)
			world_step(&w);
		assert_true(w.grants > 1);
		takeovers += w.takeovers;
	}
	/* The test would be worth nothing if the account never moved. */
	assert_true(takeovers > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_may_grant),
		cmocka_unit_test(test_told_ttl),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_never_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
