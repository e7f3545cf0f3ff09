/* SPDX-License-Identifier: MIT */
/* Leases, positions, orders and refusals of a node's accounts. */
#include "fleet_rig.h"

/* ---- tests */

static void test_lease_brings_it_online(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;

	w = beat(r);
	assert_true(w.full);
	assert_int_equal(w.naccounts, 0);
	assert_int_equal(r->accepted, 0);
	answer(r, 1, "100");
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "ONLINE");
	assert_int_equal(r->accepted, 1);
	assert_true(r->urgent > 0);

	w = beat(r);
	assert_false(w.full);
	assert_int_equal(w.naccounts, 1);
	assert_int_equal(w.accounts[0].status, WIRE_ONLINE);
	assert_int_equal(w.accounts[0].epoch, 1);
	assert_string_equal(w.accounts[0].username, "anna");
	assert_int_equal(w.nheld, 1);
	answer(r, 1, "100");

	/* nothing changed: nothing to say, but what it holds */
	w = beat(r);
	assert_int_equal(w.naccounts, 0);
	assert_int_equal(w.nheld, 1);
	answer(r, 1, "100");
	assert_int_equal(r->accepted, 1);
}

/* A beat whose answer was lost: the change is told again. */
static void test_lost_answer(void **state)
{
	struct rig *r = *state;

	come_online(r);
	assert_int_equal(beat(r).naccounts, 1);
	assert_int_equal(beat(r).naccounts, 1);
	answer(r, 1, "100");
	assert_int_equal(beat(r).naccounts, 0);
}

static void test_not_renewed(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;

	come_online(r);
	(void)beat(r);
	answer(r, 1, "100"); /* the deadline runs from this beat */
	pass(r, TTL_MS * US_PER_MS - 1);
	assert_string_equal(state_of(r, "100"), "ONLINE");
	pass(r, 1);
	assert_string_equal(state_of(r, "100"), "PARKED");
	assert_int_equal(r->dc_link, 0);
	pass(r, 60 * US_PER_SEC);
	assert_int_equal(r->accepted, 1);

	w = beat(r);
	assert_int_equal(w.nheld, 0);
	assert_int_equal(w.nreleased, 1);
	assert_int_equal(w.released[0].epoch, 1);
	/* the answer is older than the release: nothing starts */
	answer(r, 1, "100");
	assert_int_equal(r->accepted, 1);
	(void)beat(r);
	answer(r, 2, "100");
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "ONLINE");
	assert_int_equal(r->accepted, 2);
}

/* The deadline counts from the sending, not from the answer. */
static void test_late_answer(void **state)
{
	struct rig *r = *state;

	(void)beat(r);
	clock_manual_advance(&r->clock, TTL_MS * US_PER_MS);
	answer(r, 1, "100");
	pass(r, US_PER_SEC);
	assert_int_equal(r->accepted, 0);

	(void)beat(r);
	clock_manual_advance(&r->clock, TTL_MS * US_PER_MS - 100);
	answer(r, 2, "100");
	clock_manual_advance(&r->clock, 100);
	turn(r);
	assert_string_equal(state_of(r, "100"), "PARKED");
	assert_int_equal(r->dc_link, 0);
}

/* SIGSTOP for longer than the lease, with bytes waiting on the socket and
 * timers long due: the first thing done is hanging up. */
static void test_woken_too_late(void **state)
{
	struct rig *r = *state;
	size_t before;

	come_online(r);
	(void)beat(r);
	answer(r, 1, "100");
	fakedc_push(&r->dc, fakedc_new(&r->dc, TLN_updatesTooLong));
	dc_flush(r);
	before = r->bytes_in;
	clock_manual_advance(&r->clock, 3600 * US_PER_SEC);
	turn(r);
	assert_int_equal(r->bytes_in, before);
	assert_int_equal(r->dc_link, 0);
	assert_string_equal(state_of(r, "100"), "PARKED");
}

static void test_taken_away(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;

	come_online(r);
	(void)beat(r);
	answer(r, 0, NULL);
	assert_string_equal(state_of(r, "100"), "PARKED");
	assert_int_equal(r->dc_link, 0);
	assert_int_equal(r->forgotten, 1);
	w = beat(r);
	assert_int_equal(w.nreleased, 1);
	assert_int_equal(w.nheld, 0);
	answer(r, 0, NULL);
	/* reported: nothing is left of it */
	assert_string_equal(state_of(r, "100"), "none");
	assert_int_equal(beat(r).nreleased, 0);
}

/* Until it was heard, and not again after. */
static void test_position_is_told(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;

	come_online(r);
	for (int lost = 0; lost < 2; lost++) {
		w = beat(r);
		assert_int_equal(w.naccounts, 1);
		assert_true(w.accounts[0].has_position);
		assert_int_equal(w.accounts[0].position.epoch, 1);
		assert_int_equal(w.accounts[0].position.pts, 10);
		assert_int_equal(w.accounts[0].position.date, 100);
	}
	answer(r, 1, "100");
	account_changed(fleet_find(&r->fleet, "100"), false);
	w = beat(r);
	assert_int_equal(w.naccounts, 1);
	assert_false(w.accounts[0].has_position);
	answer(r, 1, "100");
}

/* What the control plane may not have heard comes with the release. */
static void test_release_has_the_last_word(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;

	come_online(r);
	(void)beat(r);
	answer(r, 1, "100");
	updates_set_channel(&fleet_find(&r->fleet, "100")->engine.updates, 77,
			    9);
	(void)beat(r);
	account_place_moved(fleet_find(&r->fleet, "100"),
			    (struct updates_pos){ 11, 0, 100, 1 });
	answer(r, 0, NULL);
	for (int lost = 0; lost < 2; lost++) {
		w = beat(r);
		assert_int_equal(w.nreleased, 1);
		assert_int_equal(w.naccounts, 1);
		assert_int_equal(w.accounts[0].epoch, 1);
		assert_true(w.accounts[0].has_position);
		assert_int_equal(w.accounts[0].position.pts, 11);
		assert_int_equal(w.accounts[0].position.nchannels, 1);
		assert_int_equal(w.accounts[0].position.channels[0].id, 77);
		assert_int_equal(w.accounts[0].position.channels[0].pts, 9);
	}
	answer(r, 0, NULL);
	assert_string_equal(state_of(r, "100"), "none");
}

static void grant_at(struct rig *r, int64_t epoch, int64_t at_epoch, int pts)
{
	const struct wire_channel ch = { 77, 5, 9 };
	const struct wire_lease l = { .account_id = "100",
				      .epoch = epoch,
				      .ttl_ms = TTL_MS,
				      .has_session = true,
				      .session = { .version = 1 },
				      .has_position = true,
				      .position = { .epoch = at_epoch,
						    .pts = pts,
						    .date = 1,
						    .channels = &ch,
						    .nchannels = 1 } };

	(void)beat(r);
	answer(r, 0, NULL); /* taken away, ... */
	(void)beat(r);	    /* ... released, and back */
	answer_lease(r, &l);
}

static void at(struct rig *r, int64_t epoch, int pts)
{
	const struct account *a = fleet_find(&r->fleet, "100");
	struct updates_pos kept;
	int64_t kept_epoch;

	assert_int_equal(a->place_epoch, epoch);
	assert_int_equal(a->place.pts, pts);
	assert_int_equal(a->engine.updates.pos.pts, pts);
	assert_int_equal(updates_channel_pts(&a->engine.updates, 77), 9);
	assert_true(journal_get(&r->journal, "100", &kept, &kept_epoch));
	assert_int_equal(kept.pts, pts);
	assert_int_equal(kept_epoch, epoch);
}

/* A session's own place counts until there is one of ours. */
static void test_position_of_the_session(void **state)
{
	const struct wire_channel ch[] = { { .id = 77, .pts = 9 },
					   { .id = 78, .pts = 9 } };
	const struct wire_peer peer = { .id = 77,
					.access_hash = 5,
					.type = "channel" };
	const struct wire_session s = { .version = 1,
					.dc_id = 1,
					.user_id = 7,
					.has_update_state = true,
					.pts = 4,
					.date = 1,
					.channels = ch,
					.nchannels = 2,
					.peers = &peer,
					.npeers = 1 };
	struct rig *r = *state;
	struct account *a;

	r->session = &s;
	(void)beat(r);
	answer(r, 1, "100");
	a = fleet_find(&r->fleet, "100");
	assert_int_equal(a->place.pts, 4);
	assert_int_equal(updates_channel_pts(&a->engine.updates, 77), 9);
	/* without an access hash it cannot be asked about */
	assert_int_equal(updates_channel_pts(&a->engine.updates, 78), 0);
}

/* The higher epoch wins; under the same one, whoever got further. */
static void test_position_of_another_node(void **state)
{
	struct rig *r = *state;

	come_online(r); /* pts 10 under epoch 1 */
	grant_at(r, 3, 2, 7);
	at(r, 2, 7);
	grant_at(r, 5, 2, 6);
	at(r, 2, 7);
	grant_at(r, 7, 2, 8);
	at(r, 2, 8);
	grant_at(r, 9, 1, 900);
	at(r, 2, 8);
	grant_at(r, 10, 9, 4);
	at(r, 9, 4);
}

/* A wait that another node was told of is kept here, and told again. */
static void test_waits_travel(void **state)
{
	struct rig *r = *state;
	const struct wire_limit limit = {
		.method = "users.getUsers",
		.until = { (SEC + 60) * US_PER_SEC },
		.error = "FLOOD_WAIT_60",
	};
	const struct wire_lease l = { .account_id = "100",
				      .epoch = 2,
				      .ttl_ms = TTL_MS,
				      .has_session = true,
				      .session = { .version = 1 },
				      .limits = &limit,
				      .nlimits = 1 };
	const struct flood *kept;
	struct wire_beat w;

	(void)beat(r);
	answer_lease(r, &l);
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "BACKOFF");
	assert_int_equal(r->asked, 0);
	w = beat(r);
	assert_int_equal(w.accounts[0].nlimits, 1);
	assert_string_equal(w.accounts[0].limits[0].method, "users.getUsers");
	assert_int_equal(w.accounts[0].limits[0].until.us, limit.until.us);
	kept = journal_flood(&r->journal, "100");
	assert_non_null(kept);
	assert_int_equal(kept->n, 1);
}

static void test_revoked(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;
	int urgent;

	r->refuse = "SESSION_REVOKED";
	urgent = r->urgent;
	(void)beat(r);
	answer(r, 1, "100");
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "REVOKED");
	assert_true(r->urgent > urgent);
	w = beat(r);
	assert_int_equal(w.accounts[0].status, WIRE_REVOKED);
	assert_string_equal(w.accounts[0].last_error.code, "session_revoked");
	assert_non_null(w.accounts[0].last_error.advice);
	for (int i = 0; i < 30; i++) {
		answer(r, 1, "100");
		pass(r, US_PER_SEC);
		(void)beat(r);
	}
	assert_int_equal(r->accepted, 1);
	/* taken away, it is still revoked, not just offline */
	answer(r, 0, NULL);
	w = beat(r);
	assert_int_equal(w.accounts[0].status, WIRE_REVOKED);
	/* a new grant is a new try: somebody put a new session there */
	r->refuse = NULL;
	answer(r, 2, "100");
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "ONLINE");
}

/* kill -9 and a new process: only what is in the files is known. */
static void start_again(struct rig *r)
{
	struct journal dead = r->journal;

	beat_deinit(&r->beat);
	fleet_deinit(&r->fleet);
	orders_deinit(&r->orders);
	/* what was not written yet is lost */
	buf_reset(&dead.pending);
	journal_close(&dead);
	assert_int_equal(
		journal_open(&r->journal, r->path, r->clock.wall, NULL),
		ERR_OK);
	begin_worker(r);
	turn(r);
}

static const struct peers *peers_of(struct rig *r)
{
	return &fleet_find(&r->fleet, "100")->engine.peers;
}

static void push_channel(struct rig *r, int64_t id, int64_t hash)
{
	struct dyn *u = fakedc_new(&r->dc, TLN_updates);
	struct dyn *c = fakedc_new(&r->dc, TLN_channel);

	dyn_set_int(c, TLF_id, id);
	dyn_set_int(c, TLF_access_hash, hash);
	dyn_set_obj(c, TLF_photo, fakedc_new(&r->dc, TLN_chatPhotoEmpty));
	(void)dyn_add_vec(u, TLF_updates);
	(void)dyn_add_vec(u, TLF_users);
	dyn_push_obj(dyn_add_vec(u, TLF_chats), c);
	dyn_set_int(u, TLF_date, 101);
	fakedc_push(&r->dc, u);
	dc_flush(r);
	turn(r);
}

/* What a session brings is known; what is learned outlives the process, unless
 * the account is taken away. */
static void test_peers_are_kept(void **state)
{
	struct rig *r = *state;
	struct peers p = { 0 };

	come_online(r);
	assert_int_equal(peers_of(r)->n, 3);
	assert_int_equal(peers_hash(peers_of(r), PEERS_CHANNEL - 77), 1);
	assert_int_equal(peers_hash(peers_of(r), 79), 3);
	push_channel(r, 77, 10);
	push_channel(r, 90, 11);
	start_again(r);
	(void)beat(r);
	answer(r, 2, "100");
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "ONLINE");
	/* newer than what the session says */
	assert_int_equal(peers_hash(peers_of(r), PEERS_CHANNEL - 77), 10);
	assert_int_equal(peers_hash(peers_of(r), PEERS_CHANNEL - 90), 11);
	assert_int_equal(peers_hash(peers_of(r), 79), 3);
	(void)beat(r);
	answer(r, 0, NULL);
	turn(r);
	assert_int_equal(peers_of(r)->n, 0);
	assert_int_equal(
		peerbook_load(&r->peerbook, "100", 0, &p, r->clock.wall, NULL),
		ERR_OK);
	assert_int_equal(p.n, 0);
}

/* A busy account's file is not written at every change. */
static void test_peers_are_kept_now_and_then(void **state)
{
	struct rig *r = *state;
	struct peers p = { 0 };

	come_online(r);
	push_channel(r, 90, 11);
	push_channel(r, 91, 12);
	assert_int_equal(
		peerbook_load(&r->peerbook, "100", 7, &p, r->clock.wall, NULL),
		ERR_OK);
	assert_int_equal(peers_hash(&p, PEERS_CHANNEL - 90), 11);
	assert_int_equal(peers_hash(&p, PEERS_CHANNEL - 91), 0);
	pass(r, 60 * US_PER_SEC);
	peers_deinit(&p);
	assert_int_equal(
		peerbook_load(&r->peerbook, "100", 7, &p, r->clock.wall, NULL),
		ERR_OK);
	assert_int_equal(peers_hash(&p, PEERS_CHANNEL - 91), 12);
	peers_deinit(&p);
}

static void seconds(struct rig *r, int n, int64_t epoch)
{
	while (n--) {
		pass(r, US_PER_SEC);
		(void)beat(r);
		answer(r, epoch, "100");
	}
}

/* Nothing is asked during a wait, over kill -9 and new leases. */
static void test_flood_wait_is_kept(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;

	r->refuse = "FLOOD_WAIT_60";
	r->refuse_code = 420;
	(void)beat(r);
	answer(r, 1, "100");
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "BACKOFF");
	assert_int_equal(r->asked, 1);
	w = beat(r);
	assert_string_equal(w.accounts[0].last_error.code, "rate_limited");
	r->refuse = NULL;
	seconds(r, 20, 1);
	start_again(r);
	(void)beat(r);
	answer(r, 2, "100");
	seconds(r, 19, 2);
	start_again(r);
	(void)beat(r);
	answer(r, 3, "100");
	seconds(r, 20, 3);
	assert_int_equal(r->asked, 1);
	assert_int_equal(metrics_get(METRIC_FLOOD_BROKEN), 0);
	for (int i = 0; i < 10 && strcmp(state_of(r, "100"), "ONLINE") != 0;
	     i++)
		seconds(r, 1, 3);
	assert_string_equal(state_of(r, "100"), "ONLINE");
	assert_int_equal(r->asked, 2);
}

/* On line, limited, and then not any more: it says so by itself. */
static void test_limited(void **state)
{
	struct rig *r = *state;
	struct account *a;
	struct wire_beat w;
	struct err_info ei = { 0 };
	struct fakedc_query q;

	come_online(r);
	a = fleet_find(&r->fleet, "100");
	(void)beat(r);
	answer(r, 1, "100");
	assert_int_equal(account_send_text(a, -55, "hi", 1, 1, &ei), ERR_OK);
	turn(r);
	q = fakedc_take(&r->dc, TLN_messages_sendMessage);
	fakedc_error(&r->dc, &q, 420, "FLOOD_WAIT_5");
	dc_flush(r);
	turn(r);
	w = beat(r);
	assert_int_equal(w.naccounts, 1);
	assert_int_equal(w.accounts[0].status, WIRE_LIMITED);
	assert_int_equal(account_send_text(a, -55, "hi", 2, 2, &ei), ERR_FLOOD);
	assert_in_range(ei.arg, 5, 6);
	assert_null(fakedc_find(&r->dc, TLN_messages_sendMessage));
	seconds(r, 5, 1);
	assert_int_equal(account_status(a), WIRE_LIMITED);
	pass(r, 1100 * US_PER_MS);
	w = beat(r);
	assert_int_equal(w.naccounts, 1);
	assert_int_equal(w.accounts[0].status, WIRE_ONLINE);
	assert_int_equal(account_send_text(a, -55, "hi", 3, 3, &ei), ERR_OK);
}

/* Sent on and on: after a few data centres it waits, at home. */
static void test_sent_in_circles(void **state)
{
	struct rig *r = *state;
	struct account *a;

	r->refuse = "USER_MIGRATE_2";
	r->refuse_code = 303;
	(void)beat(r);
	answer(r, 1, "100");
	pass(r, 20 * US_PER_MS);
	a = fleet_find(&r->fleet, "100");
	assert_int_equal(a->dc_id, 2);
	for (int s = 0; s < 240; s++) {
		pass(r, US_PER_SEC / 2);
		(void)beat(r);
		answer(r, 1, "100");
		assert_true(a->moves <= 3);
	}
	assert_true(r->accepted >= 5);
	assert_true(r->accepted <= 12);
	assert_string_equal(a->fault.code, "wrong_dc");
	r->refuse = NULL;
	for (int s = 0; s < 170 && strcmp(state_of(r, "100"), "ONLINE") != 0;
	     s++) {
		pass(r, US_PER_SEC / 2);
		(void)beat(r);
		answer(r, 1, "100");
	}
	assert_string_equal(state_of(r, "100"), "ONLINE");
}

/* Where it was sent to nobody knows its key: that is no revoked session. */
static void test_sent_where_the_key_is_unknown(void **state)
{
	struct rig *r = *state;
	struct account *a;

	r->lost = true;
	r->refuse = "USER_MIGRATE_2";
	r->refuse_code = 303;
	(void)beat(r);
	answer(r, 1, "100");
	a = fleet_find(&r->fleet, "100");
	for (int s = 0; s < 240; s++) {
		pass(r, US_PER_SEC / 2);
		(void)beat(r);
		answer(r, 1, "100");
		assert_false(account_state_is_end(account_state(a)));
	}
	assert_true(r->accepted >= 6);
	assert_true(r->accepted <= 14);
	assert_string_equal(a->fault.code, "wrong_dc");
	/* ... and one that is unknown here is not looked for elsewhere */
	r->refuse = "USER_MIGRATE_9";
	for (int s = 0; s < 240; s++) {
		pass(r, US_PER_SEC / 2);
		(void)beat(r);
		answer(r, 1, "100");
	}
	assert_int_equal(a->dc_id, 1);
	assert_non_null(strstr(a->fault.message, "data centre 9"));
}

/* A data centre that hangs up at once is not hammered. */
static void test_backs_off(void **state)
{
	struct rig *r = *state;

	r->mute = true;
	(void)beat(r);
	answer(r, 1, "100");
	for (int s = 0; s < 120; s++) {
		pass(r, US_PER_SEC / 2);
		if (r->dc_link)
			link_close(r->loop, r->dc_link, CLOSE_LOCAL);
		(void)beat(r);
		answer(r, 1, "100");
	}
	assert_true(r->accepted >= 4);
	assert_true(r->accepted <= 12);
}

static void test_no_session(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;

	r->no_session = true;
	(void)beat(r);
	answer(r, 1, "100");
	w = beat(r);
	/* the lease goes back with the reason, for a fresh grant */
	assert_int_equal(w.nreleased, 1);
	assert_string_equal(w.accounts[0].last_error.code, "session_missing");
	r->no_session = false;
	answer(r, 2, "100");
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "ONLINE");
	assert_int_equal(r->wanted, 2);
}

static void test_new_session_version(void **state)
{
	struct rig *r = *state;
	struct wire_lease l = { .account_id = "100",
				.epoch = 1,
				.ttl_ms = TTL_MS,
				.has_session = true,
				.session = { .version = 2 } };
	const struct wire_answer ans = { .leases = &l, .nleases = 1 };

	come_online(r);
	(void)beat(r);
	beat_apply(&r->beat, &ans);
	turn(r);
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "ONLINE");
	assert_int_equal(r->wanted, 2);
	assert_int_equal(r->accepted, 2);
}

static void test_counters(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;
	struct dyn *s;

	come_online(r);
	(void)beat(r);
	answer(r, 1, "100");
	peers_put(&fleet_find(&r->fleet, "100")->engine.peers, 9, 99, 0);
	s = fakedc_new(&r->dc, TLN_updateShortMessage);
	dyn_set_int(s, TLF_id, 2);
	dyn_set_int(s, TLF_user_id, 9);
	dyn_set_str(s, TLF_message, "hi");
	dyn_set_int(s, TLF_pts, 11);
	dyn_set_int(s, TLF_pts_count, 1);
	dyn_set_int(s, TLF_date, 101);
	fakedc_push(&r->dc, s);
	fakedc_push(&r->dc, s); /* twice is once */
	dc_flush(r);
	turn(r);
	w = beat(r);
	assert_int_equal(w.naccounts, 1);
	assert_int_equal(w.accounts[0].message_count, 1);
	assert_int_equal(w.accounts[0].last_activity.us / US_PER_SEC, SEC);
}

static void command(struct rig *r, const char *id, const char *action,
		    const char *params)
{
	const struct wire_command c = { .command_id = id,
					.action = action,
					.params = params };

	orders_take(&r->orders, &c);
	turn(r);
}

static void test_commands_once(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;

	come_online(r);
	command(r, "c1", "send_message",
		"{\"account_id\":\"100\",\"peer\":\"self\",\"text\":\"x\"}");
	command(r, "c1", "send_message",
		"{\"account_id\":\"100\",\"peer\":\"self\",\"text\":\"x\"}");
	w = beat(r);
	assert_int_equal(w.nresults, 0); /* not answered yet */
	{
		struct fakedc_query q =
			fakedc_take(&r->dc, TLN_messages_sendMessage);

		assert_null(fakedc_find(&r->dc, TLN_messages_sendMessage));
		fakedc_error(&r->dc, &q, 403, "CHAT_WRITE_FORBIDDEN");
		dc_flush(r);
		turn(r);
	}
	answer(r, 1, "100");
	w = beat(r);
	assert_int_equal(w.nresults, 1);
	assert_false(w.results[0].success);
	assert_non_null(strstr(w.results[0].error, "CHAT_WRITE_FORBIDDEN"));
	/* until the answer came it is said again, then no more */
	assert_int_equal(beat(r).nresults, 1);
	answer(r, 1, "100");
	assert_int_equal(beat(r).nresults, 0);
	/* delivered once more: the same answer, and nothing is sent */
	command(r, "c1", "send_message",
		"{\"account_id\":\"100\",\"peer\":\"self\",\"text\":\"x\"}");
	assert_null(fakedc_find(&r->dc, TLN_messages_sendMessage));
	assert_int_equal(beat(r).nresults, 1);
}

static void test_commands_refused(void **state)
{
	static const struct {
		const char *action, *params, *error;
	} cases[] = {
		{ "dance", "{}", "dance" },
		{ "start_account", "{}", "account_id" },
		{ "start_account", "{\"account_id\":\"9\"}", "not on this" },
		{ "start_account", "not json", "" },
		{ "send_message",
		  "{\"account_id\":\"100\",\"peer\":5,\"text\":\"x\"}",
		  "no private messages" },
		{ "send_message",
		  "{\"account_id\":\"100\",\"peer\":{},\"text\":\"x\"}",
		  "peer" },
		{ "send_message",
		  "{\"account_id\":\"100\",\"peer\":\"self\",\"text\":\"\"}",
		  "characters" },
	};
	struct rig *r = *state;

	come_online(r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char id[8];
		struct wire_beat w;

		snprintf(id, sizeof(id), "c%zu", i);
		command(r, id, cases[i].action, cases[i].params);
		w = beat(r);
		assert_int_equal(w.nresults, 1);
		assert_false(w.results[0].success);
		if (!strstr(w.results[0].error, cases[i].error))
			fail_msg("%s: %s", cases[i].params, w.results[0].error);
		answer(r, 1, "100");
	}
}

static void test_stop_and_start_commands(void **state)
{
	struct rig *r = *state;
	struct wire_beat w;

	come_online(r);
	command(r, "s", "stop_account", "{\"account_id\":\"100\"}");
	assert_string_equal(state_of(r, "100"), "PARKED");
	assert_int_equal(r->dc_link, 0);
	w = beat(r);
	assert_int_equal(w.nreleased, 1);
	assert_true(w.results[0].success);
	/* without a lease there is no starting */
	command(r, "t", "start_account", "{\"account_id\":\"100\"}");
	pass(r, US_PER_SEC);
	assert_int_equal(r->accepted, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lease_brings_it_online),
		T(test_lost_answer),
		T(test_not_renewed),
		T(test_late_answer),
		T(test_woken_too_late),
		T(test_taken_away),
		T(test_position_is_told),
		T(test_release_has_the_last_word),
		T(test_position_of_the_session),
		T(test_position_of_another_node),
		T(test_waits_travel),
		T(test_revoked),
		T(test_flood_wait_is_kept),
		T(test_limited),
		T(test_sent_in_circles),
		T(test_sent_where_the_key_is_unknown),

		T(test_backs_off),
		T(test_no_session),
		T(test_peers_are_kept),
		T(test_peers_are_kept_now_and_then),
		T(test_new_session_version),

		T(test_counters),
		T(test_commands_once),
		T(test_commands_refused),
		T(test_stop_and_start_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
