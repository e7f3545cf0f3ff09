/* SPDX-License-Identifier: MIT */
/*
 * What keeps one account on one node: leases, sessions, downloads, heartbeats.
 */
#include "store_fix.h"

static enum err grant(struct fix *f, const char *acc, const char *node,
		      int64_t expect, bool takeover, int64_t *ret)
{
	const struct store_lease_grant g = {
		.account_id = acc,
		.node_id = node,
		.expect_epoch = expect,
		.takeover = takeover,
		.session_version = 7,
		.ttl_us = 90,
		.now = SEC(3),
	};

	return f->ops->lease_grant(f->st, &g, ret, &f->ei);
}

static enum err release(struct fix *f, const char *acc, const char *node,
			int64_t epoch)
{
	struct store_lease_ref r = { acc, epoch, false };

	return f->ops->lease_release(f->st, node, &r, SEC(4), &f->ei);
}

static struct store_account get(struct fix *f, const char *id)
{
	struct store_account a = { 0 };

	OK(f->ops->account_get(f->st, id, &f->a, &a, &f->ei));
	return a;
}

static void test_grant(void **state)
{
	struct fix *f = *state;
	struct store_lease l;
	int64_t e = -1;

	IS(f->ops->lease_get(f->st, "100", &f->a, &l, &f->ei), ERR_NOTFOUND);
	IS(grant(f, "100", "n1", 1, true, &e), ERR_STALE_EPOCH);
	assert_int_equal(e, -1);
	OK(grant(f, "100", "n1", 0, false, &e));
	assert_int_equal(e, 1);
	IS(grant(f, "100", "n2", 0, true, &e), ERR_STALE_EPOCH);
	IS(grant(f, "100", "n2", 1, false, &e), ERR_CONFLICT);
	/* its holder may ask again and gets a new epoch */
	OK(grant(f, "100", "n1", 1, false, &e));
	assert_int_equal(e, 2);
	OK(grant(f, "100", "n2", 2, true, &e));
	assert_int_equal(e, 3);
	IS(release(f, "100", "n1", 2), ERR_STALE_EPOCH);
	IS(release(f, "100", "n1", 3), ERR_STALE_EPOCH);
	OK(release(f, "100", "n2", 3));
	OK(release(f, "100", "n2", 3));
	OK(grant(f, "100", "n1", 3, false, &e));
	OK(f->ops->lease_get(f->st, "100", &f->a, &l, &f->ei));
	assert_int_equal(l.epoch, 4);
	assert_false(l.released);
	assert_string_equal(l.node_id, "n1");
}

/* Renewed since it was judged over: it is not. */
static void test_takeover_of_what_was_seen(void **state)
{
	struct fix *f = *state;
	struct store_lease_ref ref = { "100", 1, false };
	struct store_lease_grant g = { .account_id = "100",
				       .node_id = "n2",
				       .expect_epoch = 1,
				       .takeover = true,
				       .ttl_us = 50,
				       .now = SEC(9) };
	const struct store_lease_query q = { "n1", NULL, 1 };
	struct store_assignments as;
	struct store_lease l;
	int64_t e;

	OK(grant(f, "100", "n1", 0, false, &e));
	OK(f->ops->lease_renew(f->st, "n1", &ref, 1, 80, SEC(4), &f->ei));
	OK(f->ops->lease_renew(f->st, "n1", &ref, 1, 95, SEC(5), &f->ei));
	assert_true(ref.ok);
	OK(f->ops->lease_get(f->st, "100", &f->a, &l, &f->ei));
	assert_int_equal(l.renewals, 2);
	OK(f->ops->assignment_list(f->st, &q, &f->a, &as, &f->ei));
	assert_int_equal(as.items[0].lease_renewals, 2);
	/* its holder goes by the longest it was told */
	assert_int_equal(as.items[0].lease_ttl_us, 95);
	assert_int_equal(as.items[0].lease_session, 7);
	assert_false(as.items[0].fetched);
	for (g.expect_renewals = 0; g.expect_renewals < 2; g.expect_renewals++)
		IS(f->ops->lease_grant(f->st, &g, &e, &f->ei), ERR_CONFLICT);
	OK(f->ops->lease_grant(f->st, &g, &e, &f->ei));
	assert_int_equal(e, 2);
	OK(f->ops->lease_get(f->st, "100", &f->a, &l, &f->ei));
	assert_int_equal(l.renewals, 0);
}

static int64_t heard(struct fix *f, const char *node)
{
	struct store_heartbeat hb = { .node_id = node, .now = SEC(50) };

	OK(f->ops->heartbeat_apply(f->st, &hb, &f->ei));
	return hb.ret_beats;
}

/* Leases end with the beats that were counted, and no longer ones with them. */
static void test_end(void **state)
{
	struct fix *f = *state;
	struct store_lease_end q = { "n1", 0, 90 };
	struct store_lease_ref ref = { "101", 1, false };
	size_t n = 9, left = 9;
	struct store_lease l;
	int64_t e;

	OK(grant(f, "100", "n1", 0, false, &e));
	OK(grant(f, "101", "n1", 0, false, &e));
	OK(f->ops->lease_renew(f->st, "n1", &ref, 1, 300, SEC(4), &f->ei));
	assert_int_equal(heard(f, "n1"), 1);
	IS(f->ops->lease_end(f->st, &q, &n, &left, &f->ei), ERR_CONFLICT);
	assert_int_equal(n, 9);
	q.beats = 1;
	q.ttl_us = 89;
	OK(f->ops->lease_end(f->st, &q, &n, &left, &f->ei));
	assert_int_equal(n, 0);
	assert_int_equal(left, 2);
	q.ttl_us = 90;
	OK(f->ops->lease_end(f->st, &q, &n, &left, &f->ei));
	assert_int_equal(n, 1);
	assert_int_equal(left, 1);
	OK(f->ops->lease_get(f->st, "100", &f->a, &l, &f->ei));
	assert_true(l.released);
	OK(f->ops->lease_get(f->st, "101", &f->a, &l, &f->ei));
	assert_false(l.released);
	q.node_id = "n9";
	IS(f->ops->lease_end(f->st, &q, &n, &left, &f->ei), ERR_CONFLICT);
}

static enum err beat_at(struct fix *f, const char *boot, int64_t boots,
			int64_t seq, struct wall now)
{
	struct store_heartbeat hb = {
		.node_id = "n1",
		.boot_id = boot,
		.boots = boots,
		.seq = seq,
		.now = now,
	};

	return f->ops->heartbeat_apply(f->st, &hb, &f->ei);
}

/* Whoever heard the last one: an older one changes nothing. */
static void test_beat_order(void **state)
{
	struct fix *f = *state;
	struct store_node_newses l;

	OK(beat_at(f, "1-a", 1, 5, SEC(50)));
	OK(beat_at(f, "1-a", 1, 5, SEC(51)));
	IS(beat_at(f, "1-a", 1, 4, SEC(52)), ERR_CONFLICT);
	assert_non_null(strstr(f->ei.msg, "4 came after heartbeat 5"));
	OK(beat_at(f, "3-c", 3, 1, SEC(52)));
	IS(beat_at(f, "2-b", 2, 9, SEC(53)), ERR_CONFLICT);
	assert_non_null(strstr(f->ei.msg, "last start"));
	/* a copy of the state folder: the later one is it */
	OK(beat_at(f, "3-d", 3, 1, SEC(54)));
	IS(beat_at(f, "3-c", 3, 2, SEC(55)), ERR_CONFLICT);
	OK(f->ops->node_news(f->st, &f->a, &l, &f->ei));
	assert_string_equal(l.items[0].node_id, "n1");
	assert_int_equal(l.items[0].beats, 4);
	assert_false(l.items[0].queued);
	/* a folder put back from long ago is believed in the end */
	IS(beat_at(f, "2-e", 2, 1, SEC(54 + 3600)), ERR_CONFLICT);
	OK(beat_at(f, "2-e", 2, 1, SEC(55 + 3600)));
}

/* Marked accounts: the changes alone would not tell what they do. */
static void test_stale(void **state)
{
	struct fix *f = *state;
	struct store_heartbeat hb = { .node_id = "n1", .now = SEC(50) };

	OK(f->ops->heartbeat_apply(f->st, &hb, &f->ei));
	assert_false(hb.ret_stale);
	IS(f->ops->node_still(f->st, "n1", 0, &f->ei), ERR_CONFLICT);
	OK(f->ops->node_still(f->st, "n1", 1, &f->ei));
	OK(f->ops->node_stale(f->st, "n1", &f->ei));
	for (int i = 0; i < 2; i++) {
		OK(f->ops->heartbeat_apply(f->st, &hb, &f->ei));
		assert_true(hb.ret_stale);
	}
	hb.full = true;
	OK(f->ops->heartbeat_apply(f->st, &hb, &f->ei));
	assert_false(hb.ret_stale);
	assert_int_equal(hb.ret_beats, 4);
}

/* Two control planes that judged alike: exactly one wins. */
static void test_race(void **state)
{
	struct fix *f = *state;
	struct store *other;
	struct store_lease_grant g = { .account_id = "100",
				       .takeover = true,
				       .now = SEC(3) };
	int64_t e = 0, e2 = 0;

	OK(store_open(f->url, NULL, &other, &f->ei));
	for (int round = 0; round < 20; round++) {
		struct store *first = round % 2 ? other : f->st;
		struct store *second = round % 2 ? f->st : other;

		g.expect_epoch = round;
		g.node_id = "n1";
		OK(first->ops->lease_grant(first, &g, &e, &f->ei));
		g.node_id = "n2";
		IS(second->ops->lease_grant(second, &g, &e2, &f->ei),
		   ERR_STALE_EPOCH);
		assert_int_equal(e, round + 1);
	}
	store_close(other);
}

/* The same with processes that really run at once: epochs are never shared. */
static void test_race_processes(void **state)
{
	struct fix *f = *state;
	enum { KIDS = 4, TRIES = 40 };
	struct store_lease l;
	int status, won = 0;

	store_close(f->st);
	f->st = NULL;
	for (int k = 0; k < KIDS; k++) {
		if (fork() != 0)
			continue;
		fix_open(f);
		for (int i = 0; i < TRIES; i++) {
			struct store_lease_grant g = { .account_id = "100",
						       .node_id = "n1",
						       .expect_epoch = i,
						       .now = SEC(3) };
			int64_t e;

			if (f->ops->lease_grant(f->st, &g, &e, NULL) == ERR_OK)
				won++;
		}
		store_close(f->st);
		_exit(won);
	}
	for (int k = 0; k < KIDS; k++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		won += WEXITSTATUS(status);
	}
	fix_open(f);
	OK(f->ops->lease_get(f->st, "100", &f->a, &l, &f->ei));
	assert_int_equal(l.epoch, won);
	assert_int_equal(won, TRIES);
}

static void test_renew_and_lists(void **state)
{
	struct fix *f = *state;
	struct store_lease_ref refs[3] = { { "100", 1, false },
					   { "101", 2, true },
					   { "102", 1, true } };
	struct store_assignments as;
	struct store_leases l;
	int64_t e;

	OK(grant(f, "100", "n1", 0, false, &e));
	OK(grant(f, "101", "n1", 0, false, &e));
	OK(grant(f, "102", "n2", 0, false, &e));
	OK(f->ops->lease_renew(f->st, "n1", refs, 3, 80, SEC(9), &f->ei));
	assert_true(refs[0].ok);
	assert_false(refs[1].ok);
	assert_false(refs[2].ok);
	OK(f->ops->lease_list(f->st,
			      &(struct store_lease_query){ NULL, NULL, 10 },
			      &f->a, &l, &f->ei));
	assert_int_equal(l.n, 3);
	assert_int_equal(l.items[0].renewed.us, SEC(9).us);
	OK(f->ops->lease_list(f->st,
			      &(struct store_lease_query){ "n1", "100", 10 },
			      &f->a, &l, &f->ei));
	assert_int_equal(l.n, 1);
	/* n2 has nothing assigned, but holds one */
	OK(f->ops->assignment_list(
		f->st, &(struct store_lease_query){ "n2", NULL, 10 }, &f->a,
		&as, &f->ei));
	assert_int_equal(as.n, 1);
	assert_string_equal(as.items[0].account_id, "102");
	assert_string_equal(as.items[0].node_id, "n1");
	OK(release(f, "102", "n2", 1));
	OK(f->ops->assignment_list(
		f->st, &(struct store_lease_query){ "n2", NULL, 10 }, &f->a,
		&as, &f->ei));
	assert_int_equal(as.n, 0);
	OK(f->ops->assignment_list(
		f->st, &(struct store_lease_query){ "n1", "100", 1 }, &f->a,
		&as, &f->ei));
	assert_int_equal(as.n, 1);
	assert_string_equal(as.items[0].account_id, "101");
	assert_int_equal(as.items[0].lease_epoch, 1);
	assert_int_equal(as.items[0].version, get(f, "101").version);
}

/* The epoch outlives the account. */
static void test_epoch_for_ever(void **state)
{
	struct fix *f = *state;
	int64_t e;

	OK(grant(f, "100", "n1", 0, false, &e));
	IS(f->ops->account_delete(f->st, "100", SEC(5), &f->ei), ERR_CONFLICT);
	OK(release(f, "100", "n1", 1));
	OK(f->ops->account_delete(f->st, "100", SEC(5), &f->ei));
	add_account(f, "100", "n1");
	IS(grant(f, "100", "n1", 0, false, &e), ERR_STALE_EPOCH);
	OK(grant(f, "100", "n1", 1, false, &e));
	assert_int_equal(e, 2);
}

static enum err put(struct fix *f, const char *acc, int64_t version, int key)
{
	struct store_session s = { .account_id = acc,
				   .version = version,
				   .sealed = "sealed",
				   .sealed_len = 6,
				   .wrapped_key = "wrapped",
				   .wrapped_key_len = 7,
				   .fingerprint = hash(key),
				   .flavour = "telethon",
				   .dc_id = 2,
				   .created = SEC(version) };

	return f->ops->session_put(f->st, &s, &f->ei);
}

static void test_sessions(void **state)
{
	struct fix *f = *state;
	struct store_session s;
	struct store_sessions l;
	struct store_account acc;
	struct store_hash fp = hash(1);
	const char *who;
	int64_t v;
	size_t n;

	IS(f->ops->session_get(f->st, "100", 0, &f->a, &s, &f->ei),
	   ERR_SESSION_MISSING);
	OK(f->ops->session_next_version(f->st, "100", &v, &f->ei));
	assert_int_equal(v, 1);
	IS(put(f, "999", 1, 1), ERR_NOTFOUND);
	IS(put(f, "100", 2, 1), ERR_CONFLICT);
	OK(put(f, "100", 1, 1));
	IS(put(f, "101", 1, 1), ERR_DUPLICATE);
	assert_non_null(strstr(f->ei.msg, "100"));
	IS(f->ops->session_get(f->st, "101", 0, &f->a, &s, &f->ei),
	   ERR_SESSION_MISSING);
	/* the same key again for the same account is an update */
	OK(put(f, "100", 2, 1));
	OK(f->ops->session_get(f->st, "100", 0, &f->a, &s, &f->ei));
	assert_int_equal(s.version, 2);
	assert_memory_equal(s.sealed, "sealed", 6);
	assert_int_equal(s.wrapped_key_len, 7);
	OK(f->ops->session_get(f->st, "100", 1, &f->a, &s, &f->ei));
	assert_int_equal(s.quarantined.us, SEC(2).us);
	OK(f->ops->account_get(f->st, "100", &f->a, &acc, &f->ei));
	assert_int_equal(acc.session_version, 2);
	OK(f->ops->session_by_fingerprint(f->st, &fp, &f->a, &who, &f->ei));
	assert_string_equal(who, "100");

	OK(f->ops->session_quarantine(f->st, "100", SEC(5), &f->ei));
	IS(f->ops->session_quarantine(f->st, "100", SEC(5), &f->ei),
	   ERR_SESSION_MISSING);
	OK(put(f, "101", 1, 1));
	/* its key went to another account meanwhile */
	IS(f->ops->session_restore(f->st, "100", 2, &f->ei), ERR_DUPLICATE);
	OK(f->ops->session_quarantine(f->st, "101", SEC(6), &f->ei));
	OK(f->ops->session_restore(f->st, "100", 2, &f->ei));
	OK(f->ops->session_rewrap(f->st, "100", 2, "new", 3, &f->ei));
	OK(f->ops->session_list(
		f->st,
		&(struct store_session_query){ .with_wrapped_key = true,
					       .quarantined = STORE_NO,
					       .limit = 10 },
		&f->a, &l, &f->ei));
	assert_int_equal(l.total, 1);
	assert_int_equal(l.items[0].wrapped_key_len, 3);
	assert_null(l.items[0].sealed);

	OK(f->ops->session_shred(f->st, SEC(6), &n, &f->ei));
	assert_int_equal(n, 1);
	IS(f->ops->session_restore(f->st, "100", 1, &f->ei),
	   ERR_SESSION_MISSING);
	/* versions do not come back, not even with the account */
	OK(f->ops->account_delete(f->st, "100", SEC(9), &f->ei));
	OK(f->ops->session_next_version(f->st, "100", &v, &f->ei));
	assert_int_equal(v, 3);
}

/* A running account keeps its key until it is stopped. */
static void test_session_in_use(void **state)
{
	struct fix *f = *state;
	int64_t e;

	OK(put(f, "100", 1, 1));
	OK(grant(f, "100", "n1", 0, false, &e));
	IS(put(f, "100", 2, 2), ERR_CONFLICT);
	IS(f->ops->session_quarantine(f->st, "100", SEC(5), &f->ei),
	   ERR_CONFLICT);
	OK(put(f, "100", 2, 1));
	OK(release(f, "100", "n1", e));
	OK(put(f, "100", 3, 2));
}

static void test_downloads(void **state)
{
	struct fix *f = *state;
	struct store_grant g = { .hash = hash(9),
				 .node_id = "n1",
				 .account_id = "100",
				 .epoch = 1,
				 .session_version = 1,
				 .expires = SEC(20) };
	struct store_grant got;
	struct store_hash h = hash(9), no = hash(8);
	struct store_assignments as;
	int64_t e;

	OK(grant(f, "100", "n1", 0, false, &e));
	OK(f->ops->grant_add(f->st, &g, &f->ei));
	IS(f->ops->grant_consume(f->st, &no, "n1", SEC(5), &f->a, &got, &f->ei),
	   ERR_UNAUTHORIZED);
	IS(f->ops->grant_consume(f->st, &h, "n2", SEC(5), &f->a, &got, &f->ei),
	   ERR_UNAUTHORIZED);
	IS(f->ops->grant_consume(f->st, &h, "n1", SEC(20), &f->a, &got, &f->ei),
	   ERR_UNAUTHORIZED);
	OK(f->ops->grant_consume(f->st, &h, "n1", SEC(5), &f->a, &got, &f->ei));
	assert_string_equal(got.account_id, "100");
	OK(f->ops->assignment_list(f->st,
				   &(struct store_lease_query){ "n1", NULL, 1 },
				   &f->a, &as, &f->ei));
	assert_true(as.items[0].fetched);
	IS(f->ops->grant_consume(f->st, &h, "n1", SEC(5), &f->a, &got, &f->ei),
	   ERR_UNAUTHORIZED);
	/* the lease ended between asking and fetching */
	g.hash = hash(10);
	OK(f->ops->grant_add(f->st, &g, &f->ei));
	OK(release(f, "100", "n1", 1));
	IS(f->ops->grant_consume(f->st, &g.hash, "n1", SEC(5), &f->a, &got,
				 &f->ei),
	   ERR_STALE_EPOCH);
	g.hash = hash(11);
	g.node_id = "n9";
	IS(f->ops->grant_add(f->st, &g, &f->ei), ERR_NOTFOUND);
}

static enum store_report_result beat(struct fix *f, const char *node,
				     const char *boot, struct store_report rep)
{
	struct store_heartbeat hb = { .node_id = node,
				      .boot_id = boot,
				      .now = SEC(50),
				      .day = 20261122,
				      .reports = &rep,
				      .n_reports = 1 };

	if (!rep.status)
		rep.status = "online";
	OK(f->ops->heartbeat_apply(f->st, &hb, &f->ei));
	return rep.ret;
}

#define R(...) ((struct store_report){ __VA_ARGS__ })

static void test_report_epochs(void **state)
{
	struct fix *f = *state;
	struct store_findings l;
	int64_t e;

	/* never granted: an epoch cannot be right */
	assert_int_equal(beat(f, "n1", "b", R("100", .epoch = 1)),
			 STORE_REPORT_STALE);
	OK(grant(f, "100", "n1", 0, false, &e));
	assert_int_equal(beat(f, "n1", "b", R("100", .epoch = 1)),
			 STORE_REPORT_APPLIED);
	assert_string_equal(get(f, "100").status, "online");
	OK(grant(f, "100", "n2", 1, true, &e));
	assert_int_equal(
		beat(f, "n2", "b", R("100", .epoch = 1, .status = "error")),
		STORE_REPORT_STALE);
	assert_int_equal(
		beat(f, "n1", "b", R("100", .epoch = 1, .status = "error")),
		STORE_REPORT_FOREIGN);
	assert_int_equal(beat(f, "n1", "b", R("100", .status = "error")),
			 STORE_REPORT_FOREIGN);
	assert_string_equal(get(f, "100").status, "online");
	OK(f->ops->finding_list(f->st, "foreign_report", &f->a, &l, &f->ei));
	assert_int_equal(l.n, 1);
	assert_int_equal(l.items[0].count, 2);
	/* the last word of an epoch, with or after its release */
	OK(release(f, "100", "n2", 2));
	assert_int_equal(
		beat(f, "n2", "b", R("100", .epoch = 2, .status = "offline")),
		STORE_REPORT_APPLIED);
	assert_string_equal(get(f, "100").status, "offline");
	assert_int_equal(beat(f, "n2", "b", R("777", .epoch = 2)),
			 STORE_REPORT_STALE);
}

static void test_report_plain(void **state)
{
	struct fix *f = *state;

	assert_int_equal(beat(f, "n2", NULL, R("555", .phone = "555")),
			 STORE_REPORT_CREATED);
	assert_string_equal(get(f, "555").source, "remote");
	assert_string_equal(get(f, "555").node_id, "n2");
	assert_string_equal(get(f, "555").status, "online");
	/* assigned elsewhere */
	assert_int_equal(beat(f, "n2", NULL, R("100")), STORE_REPORT_FOREIGN);
	assert_int_equal(beat(f, "n2", NULL, R("556")), STORE_REPORT_CREATED);
	assert_int_equal(beat(f, "n2", NULL, R("557")), STORE_REPORT_REFUSED);
}

static void test_report_operator(void **state)
{
	struct fix *f = *state;
	struct store_account a = { .account_id = "100",
				   .script_id = "default",
				   .phone = "100" };

	OK(f->ops->account_update(f->st, &a,
				  STORE_ACC_SCRIPT | STORE_ACC_ENABLED, SEC(9),
				  &f->ei));
	beat(f, "n1", "b",
	     R("100", .script_id = "theirs", .phone = "666", .error_code = "E",
	       .username = "bob", .user_id = 5));
	a = get(f, "100");
	assert_string_equal(a.script_id, "theirs");
	assert_string_equal(a.phone, "100");
	assert_string_equal(a.username, "bob");
	assert_false(a.enabled);
	assert_int_equal(a.version, 2);
	assert_int_equal(a.status_since.us, SEC(50).us);
	beat(f, "n1", "b", R("100", .script_id = "other"));
	a = get(f, "100");
	assert_string_equal(a.script_id, "theirs");
	assert_null(a.error_code);
	assert_int_equal(a.user_id, 5);
}

/* Kept until told anew; under an old epoch it is not heard. */
static void test_report_position(void **state)
{
	struct fix *f = *state;
	char big[STORE_POSITION_MAX + 2];
	struct store_report rep = { .account_id = "100",
				    .status = "online",
				    .epoch = 1,
				    .position = big };
	struct store_heartbeat hb = {
		.node_id = "n1", .now = SEC(50), .reports = &rep, .n_reports = 1
	};
	int64_t e;

	OK(grant(f, "100", "n1", 0, false, &e));
	assert_null(get(f, "100").position);
	beat(f, "n1", "b", R("100", .epoch = 1, .position = "{\"pts\":1}"));
	assert_string_equal(get(f, "100").position, "{\"pts\":1}");
	beat(f, "n1", "b", R("100", .epoch = 1));
	assert_string_equal(get(f, "100").position, "{\"pts\":1}");
	OK(grant(f, "100", "n2", 1, true, &e));
	beat(f, "n1", "b", R("100", .epoch = 1, .position = "{\"pts\":2}"));
	beat(f, "n2", "b", R("100", .epoch = 1, .position = "{\"pts\":2}"));
	assert_string_equal(get(f, "100").position, "{\"pts\":1}");
	beat(f, "n2", "b", R("100", .epoch = 2, .position = "{\"pts\":3}"));
	assert_string_equal(get(f, "100").position, "{\"pts\":3}");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	IS(f->ops->heartbeat_apply(f->st, &hb, &f->ei), ERR_TOOBIG);
}

static void test_report_counters(void **state)
{
	struct fix *f = *state;
	struct store_account a;

	beat(f, "n1", "boot1", R("100", .message_count = 5, .reply_count = 1));
	beat(f, "n1", "boot1", R("100", .message_count = 5, .reply_count = 1));
	beat(f, "n1", "boot1", R("100", .message_count = 7, .reply_count = -1));
	a = get(f, "100");
	assert_int_equal(a.message_count, 7);
	assert_int_equal(a.reply_count, 1);
	assert_int_equal(a.messages_today, 7);
	/* a new life counts from 0 */
	beat(f, "n1", "boot2", R("100", .message_count = 3, .reply_count = 1));
	a = get(f, "100");
	assert_int_equal(a.message_count, 10);
	assert_int_equal(a.reply_count, 2);
	/* a smaller number in the same life: started again */
	beat(f, "n1", "boot2", R("100", .message_count = 2, .reply_count = 1));
	assert_int_equal(get(f, "100").message_count, 12);
}

static void test_beat_batch(void **state)
{
	struct fix *f = *state;
	struct store_lease_ref rel[] = { { "100", 1, false },
					 { "101", 9, true } };
	struct store_lease_ref ren[] = { { "101", 1, false },
					 { "100", 1, true } };
	struct store_command_result res[] = { { "nope", STORE_CMD_SUCCEEDED,
						NULL, NULL, true } };
	struct store_heartbeat hb = { .node_id = "n1",
				      .boot_id = "b1",
				      .version = "0.1",
				      .metadata = "{}",
				      .now = SEC(60),
				      .released = rel,
				      .n_released = 2,
				      .renewals = ren,
				      .n_renewals = 2,
				      .responses = res,
				      .n_responses = 1 };
	struct store_report bad = { .account_id = "102", .status = NULL };
	struct store_node n;
	int64_t e;

	OK(grant(f, "100", "n1", 0, false, &e));
	OK(grant(f, "101", "n1", 0, false, &e));
	OK(f->ops->heartbeat_apply(f->st, &hb, &f->ei));
	assert_true(rel[0].ok);
	assert_false(rel[1].ok);
	assert_true(ren[0].ok);
	/* released in the same beat: not renewed */
	assert_false(ren[1].ok);
	assert_false(res[0].ret_known);
	OK(f->ops->node_get(f->st, "n1", &f->a, &n, &f->ei));
	assert_int_equal(n.last_heartbeat.us, SEC(60).us);
	assert_string_equal(n.boot_id, "b1");
	assert_int_equal(n.leases, 1);
	/* all or nothing */
	hb.reports = &bad;
	hb.n_reports = 1;
	hb.now = SEC(70);
	IS(f->ops->heartbeat_apply(f->st, &hb, &f->ei), ERR_INVALID);
	OK(f->ops->node_get(f->st, "n1", &f->a, &n, &f->ei));
	assert_int_equal(n.last_heartbeat.us, SEC(60).us);
	hb.node_id = "n9";
	IS(f->ops->heartbeat_apply(f->st, &hb, &f->ei), ERR_NOTFOUND);
}

/* A beat has no way back of its own in a batch: it takes the batch with it. */
static void test_beat_spoils_batch(void **state)
{
	struct fix *f = *state;
	struct store_report bad = { .account_id = "102", .status = NULL };
	struct store_heartbeat hb = { .node_id = "n1", .now = SEC(60) };
	struct store_node n;

	OK(f->ops->begin(f->st, &f->ei));
	OK(f->ops->heartbeat_apply(f->st, &hb, &f->ei));
	OK(f->ops->commit(f->st, &f->ei));
	hb.now = SEC(70);
	hb.reports = &bad;
	hb.n_reports = 1;
	OK(f->ops->begin(f->st, &f->ei));
	IS(f->ops->heartbeat_apply(f->st, &hb, &f->ei), ERR_INVALID);
	IS(f->ops->commit(f->st, &f->ei), ERR_IO);
	OK(f->ops->node_get(f->st, "n1", &f->a, &n, &f->ei));
	assert_int_equal(n.last_heartbeat.us, SEC(60).us);
	/* only the batch it was in */
	hb.n_reports = 0;
	OK(f->ops->begin(f->st, &f->ei));
	OK(f->ops->heartbeat_apply(f->st, &hb, &f->ei));
	hb.reports = &bad;
	hb.n_reports = 1;
	hb.now = SEC(80);
	OK(f->ops->begin(f->st, &f->ei));
	IS(f->ops->heartbeat_apply(f->st, &hb, &f->ei), ERR_INVALID);
	f->ops->rollback(f->st);
	OK(f->ops->commit(f->st, &f->ei));
	OK(f->ops->node_get(f->st, "n1", &f->a, &n, &f->ei));
	assert_int_equal(n.last_heartbeat.us, SEC(70).us);
}

static const struct CMUnitTest tests[] = {
	T(test_beat_spoils_batch),
	T(test_grant),
	T(test_takeover_of_what_was_seen),
	T(test_end),
	T(test_beat_order),
	T(test_stale),
	T(test_race),
	T(test_race_processes),
	T(test_renew_and_lists),
	T(test_epoch_for_ever),
	T(test_sessions),
	T(test_session_in_use),
	T(test_downloads),
	T(test_report_epochs),
	T(test_report_plain),
	T(test_report_operator),
	T(test_report_counters),
	T(test_beat_batch),
	T(test_report_position),
};

RUN_ALL(tests)
