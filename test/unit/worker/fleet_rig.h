/* SPDX-License-Identifier: MIT */
/*
 * A worker without its process: real fleet, orders and beat on a loop whose clock
 * the test moves.  The control plane is the test; the data centre is a listener
 * on loopback with the in-memory server behind it.
 */
#ifndef TEST_FLEET_RIG_H
#define TEST_FLEET_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "fakedc.h"
#include "net/listener.h"
#include "net/loop.h"
#include "worker/account_int.h"
#include "worker/beat.h"
#include "worker/journal.h"
#include "worker/peerbook.h"

#define TTL_MS 3000
#define SEC INT64_C(1790000000)

struct rig {
	struct clock_manual clock;
	struct rnd_seeded rnd;
	struct loop *loop;
	struct telegram telegram;
	struct journal journal;
	struct peerbook peerbook;
	struct fleet fleet;
	struct orders orders;
	struct node node;
	struct beat beat;
	struct arena arena;
	struct listener *listener;
	struct fakedc dc;
	uint8_t key[AUTHKEY_LEN];
	char dir[64], path[96], peers[96];
	uint64_t dc_link;
	size_t bytes_in; /* at the data centre */
	int urgent, wanted, forgotten, accepted;
	int asked; /* users.getUsers, at the data centre */
	const struct wire_session *session; /* NULL: one that says little */
	bool no_session, mute; /* the data centre does not answer */
	const char *refuse;    /* error to users.getUsers */
	int refuse_code;       /* 0: 401 */
	int32_t packet_error;  /* to users.getUsers */
	bool lost;	       /* data centre 2 does not know the key */
};

static inline void on_urgent(void *ctx)
{
	((struct rig *)ctx)->urgent++;
}

static inline void on_want_session(void *ctx, struct account *a)
{
	struct rig *r = ctx;
	struct err_info ei = { 0 };
	const struct wire_peer peers[] = {
		{ .id = 77, .access_hash = 1, .type = "supergroup" },
		{ .id = 78, .access_hash = 2, .type = "channel" },
		{ .id = 79, .access_hash = 3, .type = "user" },
		{ .id = 80, .access_hash = 4, .type = "group" },
		{ .id = 81, .access_hash = 0, .type = "user" },
		{ .id = 0, .access_hash = 5, .type = "user" },
		{ .id = 82, .access_hash = 6 },
	};
	struct wire_session s = { .version = a->grant_version,
				  .route_version = a->grant_route,
				  .dc_id = 1,
				  .user_id = 7,
				  .peers = peers,
				  .npeers = ARRAY_LEN(peers) };

	r->wanted++;
	if (r->session)
		s = *r->session;
	if (r->no_session) {
		account_session_failed(
			a, err_set(&ei, ERR_SESSION_MISSING, "no session"),
			&ei);
		return;
	}
	assert_int_equal(secret_init(&s.auth_key, r->key, sizeof(r->key)),
			 ERR_OK);
	account_take_session(a, &s);
	secret_deinit(&s.auth_key);
}

static inline void on_forget_session(void *ctx, struct account *a)
{
	((struct rig *)ctx)->forgotten++;
}

static inline void on_sent(void *ctx, struct account *a, uint64_t tag,
			   enum err rc, int32_t message_id,
			   const struct err_info *ei)
{
	orders_on_sent(&((struct rig *)ctx)->orders, tag, rc, message_id, ei);
}

static const struct fleet_ops ops = { .on_urgent = on_urgent,
				      .on_want_session = on_want_session,
				      .on_forget_session = on_forget_session,
				      .on_sent = on_sent };

static inline void on_answer(void *ctx, enum err rc)
{
}

/* ---- the data centre */

static inline void answer_self(struct rig *r, const struct fakedc_query *q)
{
	struct dyn_vec *v = dyn_vec_new(&r->dc.arena);
	const struct dyn_val val = { .kind = DYN_VEC, .vec = v };
	struct dyn *u = fakedc_new(&r->dc, TLN_user);

	dyn_set_int(u, TLF_id, 7);
	dyn_set_str(u, TLF_username, "anna");
	dyn_push_obj(v, u);
	fakedc_answer(&r->dc, q, TLN_users_getUsers, &val);
}

static inline void answer_state(struct rig *r, const struct fakedc_query *q)
{
	struct dyn *s = fakedc_new(&r->dc, TLN_updates_state);

	dyn_set_int(s, TLF_pts, 10);
	dyn_set_int(s, TLF_date, 100);
	dyn_set_int(s, TLF_seq, 1);
	fakedc_answer_obj(&r->dc, q, TLN_updates_getState, s);
}

static inline void answer_difference(struct rig *r,
				     const struct fakedc_query *q)
{
	struct dyn *d = fakedc_new(&r->dc, TLN_updates_differenceEmpty);

	dyn_set_int(d, TLF_date, 100);
	dyn_set_int(d, TLF_seq, 1);
	fakedc_answer_obj(&r->dc, q, TLN_updates_getDifference, d);
}

static inline void dc_flush(struct rig *r)
{
	if (buf_len(&r->dc.out))
		(void)!link_send(r->loop, r->dc_link, buf_head(&r->dc.out),
				 buf_len(&r->dc.out));
	buf_reset(&r->dc.out);
}

static inline void dc_data(void *ctx, uint64_t link, const uint8_t *data,
			   size_t len)
{
	struct rig *r = ctx;
	struct fakedc_query q;

	r->bytes_in += len;
	if (link != r->dc_link || r->mute)
		return;
	fakedc_feed(&r->dc, data, len);
	while (fakedc_find(&r->dc, TLN_users_getUsers)) {
		q = fakedc_take(&r->dc, TLN_users_getUsers);
		r->asked++;
		if (r->packet_error)
			fakedc_push_error(&r->dc, r->packet_error);
		else if (r->lost && fleet_find(&r->fleet, "100")->dc_id == 2)
			fakedc_push_error(&r->dc, -404);
		else if (r->refuse)
			fakedc_error(&r->dc, &q,
				     r->refuse_code ? r->refuse_code : 401,
				     r->refuse);
		else
			answer_self(r, &q);
	}
	if (fakedc_find(&r->dc, TLN_updates_getState)) {
		q = fakedc_take(&r->dc, TLN_updates_getState);
		answer_state(r, &q);
	}
	if (fakedc_find(&r->dc, TLN_updates_getDifference)) {
		q = fakedc_take(&r->dc, TLN_updates_getDifference);
		answer_difference(r, &q);
	}
	dc_flush(r);
}

static inline void dc_close(void *ctx, uint64_t link, enum close_reason reason,
			    const struct err_info *ei)
{
	struct rig *r = ctx;

	if (link == r->dc_link)
		r->dc_link = 0;
}

static const struct link_ops dc_ops = { .on_data = dc_data,
					.on_close = dc_close };

static inline void dc_accept(void *ctx, uint64_t link, const struct addr *peer)
{
	struct rig *r = ctx;

	link_own(r->loop, link, &dc_ops, r);
	r->accepted++;
	r->dc_link = link;
	fakedc_accept(&r->dc);
}

/* ---- rig */

static inline void quiet(void *ctx, const char *line)
{
}

static inline void begin_dc(struct rig *r)
{
	struct listener_options o = { 0 };
	char env[256];

	assert_int_equal(addr_parse("127.0.0.1:0", &o.at, NULL), ERR_OK);
	assert_int_equal(
		listener_new(r->loop, &o, dc_accept, r, &r->listener, NULL),
		ERR_OK);
	snprintf(env, sizeof(env),
		 "{\"api_id\":5,\"dcs\":[{\"id\":1,\"address\":\"127.0.0.1\","
		 "\"port\":%d},{\"id\":2,\"address\":\"127.0.0.1\","
		 "\"port\":%d}]}",
		 listener_addr(r->listener).port,
		 listener_addr(r->listener).port);
	assert_int_equal(telegram_parse(&r->telegram, env, strlen(env), NULL),
			 ERR_OK);
	rnd_fill(&r->rnd.rnd, r->key, sizeof(r->key));
	fakedc_init(&r->dc, &r->rnd.rnd, r->key, SEC);
}

static inline void begin_worker(struct rig *r)
{
	const struct fleet_config fc = { .loop = r->loop,
					 .rnd = &r->rnd.rnd,
					 .telegram = &r->telegram,
					 .journal = &r->journal,
					 .peerbook = &r->peerbook,
					 .ops = &ops,
					 .ctx = r };

	assert_int_equal(fleet_init(&r->fleet, &fc), ERR_OK);
	assert_int_equal(orders_init(&r->orders, &r->fleet), ERR_OK);
	strcpy(r->node.id, "n1");
	beat_init(&r->beat, &(struct beat_config){ .loop = r->loop,
						   .rnd = &r->rnd.rnd,
						   .node = &r->node,
						   .fleet = &r->fleet,
						   .orders = &r->orders,
						   .on_answer = on_answer,
						   .ctx = r });
}

static inline void on_wake(void *ctx)
{
	fleet_check_leases(&((struct rig *)ctx)->fleet);
}

static inline int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct loop_options lo = { 0 };

	assert_non_null(r);
	log_set_sink(quiet, NULL);
	rnd_seeded_init(&r->rnd, 3);
	clock_manual_init(&r->clock, (struct mono){ 1000 * US_PER_SEC },
			  (struct wall){ SEC * US_PER_SEC });
	lo.clock = &r->clock.clock;
	assert_int_equal(loop_new(&r->loop, &lo, NULL), ERR_OK);
	strcpy(r->dir, "/tmp/test_fleet.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/positions", r->dir);
	assert_int_equal(
		journal_open(&r->journal, r->path, r->clock.wall, NULL),
		ERR_OK);
	snprintf(r->peers, sizeof(r->peers), "%s/peers", r->dir);
	assert_int_equal(peerbook_open(&r->peerbook, r->peers, NULL), ERR_OK);
	arena_init(&r->arena, 8U << 20);
	begin_dc(r);
	begin_worker(r);
	loop_on_wake(r->loop, on_wake, r);
	*state = r;
	return 0;
}

static inline int teardown(void **state)
{
	struct rig *r = *state;

	loop_on_wake(r->loop, NULL, NULL);
	beat_deinit(&r->beat);
	fleet_deinit(&r->fleet);
	orders_deinit(&r->orders);
	listener_free(r->listener);
	loop_free(r->loop);
	fakedc_deinit(&r->dc);
	arena_deinit(&r->arena);
	journal_close(&r->journal);
	(void)!peerbook_drop(&r->peerbook, "100", NULL);
	unlink(r->path);
	assert_int_equal(rmdir(r->peers), 0);
	rmdir(r->dir);
	free(r);
	return 0;
}

/* Sockets are real, time is not. */
static inline void turn(struct rig *r)
{
	for (int i = 0; i < 8; i++)
		loop_turn(r->loop, 300);
}

static inline void pass(struct rig *r, int64_t us)
{
	clock_manual_advance(&r->clock, us);
	turn(r);
}

/* The next beat is made, now; what it says is decoded again. */
static inline struct wire_beat beat(struct rig *r)
{
	struct wire_beat w;
	struct err_info ei = { 0 };
	struct buf out;

	buf_init(&out, WIRE_BODY_MAX);
	r->beat.sent = clock_mono(&r->clock.clock);
	assert_int_equal(beat_encode(&r->beat, &out, &ei), ERR_OK);
	if (wire_beat_decode(buf_head(&out), buf_len(&out), &r->arena, &w, &ei))
		fail_msg("%s", ei.msg);
	buf_deinit(&out);
	return w;
}

static inline void answer_lease(struct rig *r, const struct wire_lease *l)
{
	const struct wire_answer ans = { .success = true,
					 .leases = l,
					 .nleases = l->account_id ? 1 : 0 };

	beat_apply(&r->beat, &ans);
	turn(r);
}

static inline void answer(struct rig *r, int64_t epoch, const char *id)
{
	const struct wire_lease l = { .account_id = id,
				      .epoch = epoch,
				      .ttl_ms = TTL_MS,
				      .has_session = true,
				      .session = { .version = 1 } };

	answer_lease(r, &l);
}

static const char *state_of(struct rig *r, const char *id)
{
	struct account *a = fleet_find(&r->fleet, id);

	return a ? sm_state_name(&a->sm, a->sm.state) : "none";
}

static inline void come_online(struct rig *r)
{
	(void)beat(r);
	answer(r, 1, "100");
	pass(r, 20 * US_PER_MS);
	assert_string_equal(state_of(r, "100"), "ONLINE");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif /* TEST_FLEET_RIG_H */
