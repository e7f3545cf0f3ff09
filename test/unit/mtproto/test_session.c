/* SPDX-License-Identifier: MIT */
/*
 * The session against a small server that speaks through the envelope only: it
 * opens what the session sends and seals what the test tells it to.
 */
#include "session_rig.h"

static void a_query_is_answered_and_acked(void **state)
{
	struct rig *rig = rig_new();
	const struct sent *ping, *acks;
	uint64_t req;

	ask(rig, 7, MONO_NEVER);
	drain(rig);
	assert_int_equal(rig->npackets, 1);
	assert_true(rig->salt_seen == SALT);
	ping = find(rig, SERVICE_PING_DELAY_DISCONNECT);
	assert_non_null(ping);
	assert_int_equal(ping->seq_no % 2, 0);
	req = sent_as(rig, 7);
	assert_int_equal(query_of(rig, 7)->seq_no, 1);
	assert_int_equal(give_free(rig, false,
				   tl("ill", SERVICE_PONG, ping->msg_id,
				      bytes_get_u64(ping->body + 4))),
			 ERR_OK);
	expect_events(rig, "pong()");
	assert_int_equal(answer(rig, req), ERR_OK);
	expect_events(rig, "result(7 997275b5 4)");
	assert_int_equal(answer(rig, req), ERR_OK); /* once more: no news */
	expect_events(rig, "");
	/* Acks wait a little, then go by themselves. */
	drain(rig);
	assert_int_equal(rig->nsent, 0);
	rig->now = session_deadline(&rig->s);
	assert_int_equal(session_tick(&rig->s, rig->now, NULL), ERR_OK);
	drain(rig);
	acks = find(rig, SERVICE_MSGS_ACK);
	assert_non_null(acks);
	assert_int_equal(bytes_get_u32(acks->body + 8), 2);
	assert_int_equal(acks->seq_no, 2);
	/* Idle again: no heap but the key. */
	assert_null(rig->s.acks);
	assert_null(rig->s.queries.items);
	assert_null(rig->s.seen.many);
	assert_null(rig->s.replies.data);
	assert_true(sizeof(rig->s) < 1536);
	rig_free(rig);
}

static void the_prefix_goes_until_one_is_answered(void **state)
{
	static const uint8_t prefix[8] = { 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4 };
	struct rig *rig = rig_new();
	uint64_t first;

	session_set_prefix(&rig->s, prefix, sizeof(prefix));
	ask(rig, 1, MONO_NEVER);
	ask(rig, 2, MONO_NEVER);
	drain(rig);
	assert_int_equal(count(rig, 0xefbeaddeU), 2);
	assert_null(query_of(rig, 1));
	first = find(rig, 0xefbeaddeU)->msg_id;
	assert_int_equal(find(rig, 0xefbeaddeU)->len, 20);
	assert_int_equal(answer(rig, first), ERR_OK);
	ask(rig, 3, MONO_NEVER);
	drain(rig);
	first = sent_as(rig, 3); /* bare now */
	assert_int_equal(
		give_free(rig, true,
			  tl("iliis", SERVICE_RPC_RESULT, first,
			     SERVICE_RPC_ERROR, 400U, "CONNECTION_NOT_INITED")),
		ERR_OK);
	drain(rig);
	assert_int_equal(count(rig, 0xefbeaddeU), 1); /* by itself */
	expect_events(rig, "result(1 997275b5 4)");
	session_disconnected(&rig->s);
	session_connected(&rig->s, rig->now);
	drain(rig);
	assert_int_equal(count(rig, 0xefbeaddeU), 2); /* 2 and 3, again */
	rig_free(rig);
}

static void errors_and_gzip_results(void **state)
{
	struct rig *rig = rig_new();
	struct buf packed, body,
		object = tl("iill", 0x1cb5c415U, 2U, 5ULL, 6ULL);
	uint64_t req;

	ask(rig, 1, MONO_NEVER);
	ask(rig, 2, MONO_NEVER);
	drain(rig);
	req = sent_as(rig, 2);
	assert_int_equal(
		give_free(rig, true,
			  tl("iliis", SERVICE_RPC_RESULT, sent_as(rig, 1),
			     SERVICE_RPC_ERROR, 303U, "PHONE_MIGRATE_4")),
		ERR_OK);
	expect_events(rig, "rpc_error(1 303 PHONE_MIGRATE_4)");
	buf_init(&packed, 4096);
	body = tl("il", SERVICE_RPC_RESULT, req);
	assert_int_equal(
		gzip_pack(buf_head(&object), buf_len(&object), &packed),
		ERR_OK);
	assert_int_equal(buf_append(&body, buf_head(&packed), buf_len(&packed)),
			 ERR_OK);
	assert_int_equal(give_free(rig, true, body), ERR_OK);
	expect_events(rig, "result(2 1cb5c415 24)");
	/* A packed update. */
	assert_int_equal(give(rig, true, &packed), ERR_OK);
	expect_events(rig, "object(1cb5c415 24)");
	buf_deinit(&packed);
	buf_deinit(&object);
	rig_free(rig);
}

static struct mono again_at;
static int errors_asked;

static bool again(void *ctx, const struct session_event *ev,
		  struct mono *ret_at)
{
	assert_int_equal(ev->type, SESSION_RPC_ERROR);
	assert_int_equal(ev->tag, 1);
	*ret_at = again_at;
	return ++errors_asked < 3;
}

static void give_trouble(struct rig *rig)
{
	assert_int_equal(
		give_free(rig, true,
			  tl("iliis", SERVICE_RPC_RESULT, sent_as(rig, 1),
			     SERVICE_RPC_ERROR, 500U, "RPC_CALL_FAIL")),
		ERR_OK);
}

/* Its owner decides; until then nobody hears of the error. */
static void an_error_may_be_waited_out(void **state)
{
	struct rig *rig = rig_new();

	errors_asked = 0;
	rig->s.again = again;
	ask(rig, 1, MONO_NEVER);
	drain(rig);
	again_at = mono_add(rig->now, 2 * US_PER_SEC);
	give_trouble(rig);
	expect_events(rig, "");
	drain(rig);
	assert_null(query_of(rig, 1));
	assert_int_equal(session_query_state(&rig->s, 1),
			 SESSION_QUERY_WAITING);
	assert_true(session_deadline(&rig->s).us <= again_at.us);
	/* a new connection changes nothing about it */
	session_disconnected(&rig->s);
	session_connected(&rig->s, rig->now);
	drain(rig);
	assert_null(query_of(rig, 1));
	rig->now = again_at;
	drain(rig);
	assert_non_null(query_of(rig, 1));
	again_at = (struct mono){ 0 }; /* at once */
	give_trouble(rig);
	drain(rig);
	assert_non_null(query_of(rig, 1));
	give_trouble(rig);
	expect_events(rig, "rpc_error(1 500 RPC_CALL_FAIL)");
	assert_int_equal(errors_asked, 3);
	assert_null(rig->s.queries.items);
	/* one that waits can be given up like any other */
	errors_asked = 0;
	again_at = MONO_NEVER;
	ask(rig, 1, MONO_NEVER);
	drain(rig);
	give_trouble(rig);
	assert_true(session_cancel(&rig->s, 1));
	expect_events(rig, "failed(1 CANCELED)");
	rig_free(rig);
}

static void nothing_is_delivered_twice_or_damaged(void **state)
{
	struct rig *rig = rig_new();
	struct buf body = tl("il", 0x12345678U, 9ULL);
	uint8_t *copy;
	size_t len;

	drain(rig);
	assert_int_equal(give(rig, true, &body), ERR_OK);
	expect_events(rig, "object(12345678 12)");
	len = buf_len(&rig->raw);
	copy = malloc(len);
	memcpy(copy, buf_head(&rig->raw), len);
	assert_int_equal(session_recv(&rig->s, copy, len, rig->now, NULL),
			 ERR_OK);
	expect_events(rig, "");
	assert_int_equal(rig->s.stats.duplicates, 1);
	for (size_t i = 0; i < len; i++) {
		memcpy(copy, buf_head(&rig->raw), len);
		copy[i] ^= 0x20;
		assert_int_equal(
			session_recv(&rig->s, copy, len, rig->now, NULL),
			ERR_PROTO);
	}
	expect_events(rig, "");
	/* Replayed when its id is long forgotten. */
	rig->now = mono_add(rig->now, 200 * US_PER_SEC);
	assert_int_equal(give(rig, true, &body), ERR_OK);
	rig->now = mono_add(rig->now, 200 * US_PER_SEC);
	assert_int_equal(give(rig, true, &body), ERR_OK);
	expect_events(rig, "object(12345678 12)object(12345678 12)");
	assert_int_equal(
		give_as(rig, rig->s.session_id, server_id(rig, -350), 1, &body),
		ERR_OK);
	expect_events(rig, "");
	assert_int_equal(rig->s.stats.out_of_window, 1);
	free(copy);
	buf_deinit(&body);
	rig_free(rig);
}

static void reordered_messages_arrive_once_each(void **state)
{
	struct rig *rig = rig_new();
	struct buf body = tl("il", 0x12345678U, 9ULL);
	uint64_t base = server_id(rig, 0);
	uint64_t sid = rig->s.session_id;

	for (unsigned int round = 0; round < 2; round++)
		for (uint64_t i = 0; i < 600; i++)
			assert_int_equal(give_as(rig, sid,
						 base + i * 7 % 600 * 4, 1,
						 &body),
					 ERR_OK);
	assert_int_equal(buf_len(&rig->events),
			 600 * strlen("object(12345678 12)"));
	assert_int_equal(rig->s.stats.duplicates, 600);
	buf_deinit(&body);
	rig_free(rig);
}

static void strangers_are_refused(void **state)
{
	struct rig *rig = rig_new();
	struct buf body = tl("il", 0x12345678U, 9ULL);
	uint64_t sid = rig->s.session_id;
	uint64_t id = server_id(rig, 0);

	assert_int_equal(give_as(rig, sid + 1, id, 1, &body), ERR_PROTO);
	assert_int_equal(give_as(rig, sid, id - 1, 1, &body), ERR_PROTO);
	assert_int_equal(give_as(rig, sid, id + 1, 1, &body), ERR_PROTO);
	assert_int_equal(give_as(rig, sid, server_id(rig, -301), 1, &body),
			 ERR_OK);
	assert_int_equal(give_as(rig, sid, server_id(rig, 31), 1, &body),
			 ERR_OK);
	expect_events(rig, "");
	assert_int_equal(rig->s.stats.out_of_window, 2);
	assert_int_equal(give_as(rig, sid, server_id(rig, -299), 1, &body),
			 ERR_OK);
	assert_int_equal(give_as(rig, sid, server_id(rig, 29), 1, &body),
			 ERR_OK);
	expect_events(rig, "object(12345678 12)object(12345678 12)");
	buf_deinit(&body);
	rig_free(rig);
}

/* The last five of envelope.json: the session's part. */
static void known_refusals(void **state)
{
	struct json_doc doc = mt_load("envelope.json");
	struct json root = json_root(&doc);
	struct json ctx = json_get(root, "refuse_context");
	size_t i = 0;

	for (struct json_iter it = json_iter(json_get(root, "refuse"));
	     json_next(&it); i++) {
		struct rig *rig = rig_new();
		struct mt_bytes key = mt_hex(json_get(ctx, "auth_key"));
		struct mt_bytes packet = mt_hex(json_get(it.val, "packet"));
		enum err rc;

		assert_int_equal(session_set_key(&rig->s, key.data, SALT),
				 ERR_OK);
		rig->s.session_id = mt_u64(json_get(ctx, "session_id"));
		rc = session_recv(&rig->s, packet.data, packet.len, rig->now,
				  NULL);
		if (!rc && rig->s.stats.out_of_window == 0)
			fail_msg("accepted: %s",
				 json_str(json_get(it.val, "why"), ""));
		expect_events(rig, "");
		free(packet.data);
		packet = mt_hex(json_get(ctx, "valid_packet"));
		assert_int_equal(session_recv(&rig->s, packet.data, packet.len,
					      rig->now, NULL),
				 ERR_OK);
		free(packet.data);
		free(key.data);
		rig_free(rig);
	}
	assert_int_equal(i, 20);
	json_free(&doc);
}

static void queries_survive_reconnects(void **state)
{
	struct rig *rig = rig_new();
	uint64_t first, second;

	ask(rig, 1, MONO_NEVER);
	ask(rig, 2, MONO_NEVER);
	drain(rig);
	first = sent_as(rig, 1);
	assert_int_equal(answer(rig, sent_as(rig, 2)), ERR_OK);
	session_disconnected(&rig->s);
	drain(rig);
	assert_int_equal(rig->nsent, 0);
	ask(rig, 3, MONO_NEVER);
	session_connected(&rig->s, rig->now);
	drain(rig);
	assert_null(query_of(rig, 2));
	second = sent_as(rig, 1);
	assert_true(second > first);
	(void)sent_as(rig, 3);
	/* The answer to the first sending is as good; it counts once. */
	buf_reset(&rig->events);
	assert_int_equal(answer(rig, first), ERR_OK);
	expect_events(rig, "result(1 997275b5 4)");
	assert_int_equal(answer(rig, second), ERR_OK);
	expect_events(rig, "");
	rig_free(rig);
}

static void salts_are_corrected(void **state)
{
	struct rig *rig = rig_new();
	uint64_t req;

	ask(rig, 1, MONO_NEVER);
	drain(rig);
	req = rig->packet_id; /* the container is what is refused */
	assert_int_equal(give_free(rig, false,
				   tl("iliil", SERVICE_BAD_SERVER_SALT, req, 0U,
				      48U, 0x77ULL)),
			 ERR_OK);
	expect_events(rig, "salt()");
	drain(rig);
	assert_true(rig->salt_seen == 0x77);
	assert_true(sent_as(rig, 1) > req);
	assert_int_equal(answer(rig, sent_as(rig, 1)), ERR_OK);
	expect_events(rig, "result(1 997275b5 4)");
	/* Announced salts are used when their time comes. */
	assert_int_equal(
		give_free(rig, false,
			  tl("iliiiiliil", SERVICE_FUTURE_SALTS, 4ULL,
			     (uint32_t)START_SEC, 2U, (uint32_t)START_SEC + 100,
			     (uint32_t)START_SEC + 300, 0x99ULL,
			     (uint32_t)START_SEC - 100,
			     (uint32_t)START_SEC + 100, 0x88ULL)),
		ERR_OK);
	ask(rig, 2, MONO_NEVER);
	drain(rig);
	assert_true(rig->salt_seen == 0x88);
	rig->now = mono_add(rig->now, 150 * US_PER_SEC);
	ask(rig, 3, MONO_NEVER);
	drain(rig);
	assert_true(rig->salt_seen == 0x99);
	rig_free(rig);
}

static void a_server_that_always_refuses_is_given_up(void **state)
{
	struct rig *rig = rig_new();
	enum err rc = ERR_OK;
	unsigned int i;

	ask(rig, 1, MONO_NEVER);
	for (i = 0; i < 1000 && !rc; i++) {
		drain(rig);
		rc = give_free(rig, false,
			       tl("iliil", SERVICE_BAD_SERVER_SALT,
				  rig->packet_id, 0U, 48U,
				  (unsigned long long)i));
	}
	assert_int_equal(rc, ERR_PROTO);
	assert_in_range(i, 10, 200);
	rig_free(rig);
}

static void the_clock_is_corrected(void **state)
{
	struct rig *rig = rig_new();
	uint64_t req, sid = rig->s.session_id;
	int64_t sec;

	/* A guess does not replace what is known. */
	session_set_time(&rig->s, rig->now, (struct srvtime){ US_PER_SEC },
			 false);
	assert_int_equal(session_time(&rig->s, rig->now).us / US_PER_SEC,
			 START_SEC);
	/* We are 200 s behind; nothing is certain yet. */
	rig->s.time_known = false;
	session_set_time(&rig->s, rig->now,
			 (struct srvtime){ (START_SEC - 200) * US_PER_SEC },
			 false);
	ask(rig, 1, MONO_NEVER);
	drain(rig);
	req = rig->packet_id;
	{
		struct buf b =
			tl("ilii", SERVICE_BAD_MSG_NOTIFICATION, req, 0U, 16U);

		assert_int_equal(give_as(rig, sid,
					 ((uint64_t)START_SEC << 32) + 1, 0,
					 &b),
				 ERR_OK);
		buf_deinit(&b);
	}
	sec = session_time(&rig->s, rig->now).us / US_PER_SEC;
	assert_int_equal(sec, START_SEC);
	drain(rig);
	assert_int_equal(sent_as(rig, 1) >> 32, START_SEC);
	assert_true(rig->session_seen == sid);
	/* Ahead: ids must fall, which only a new session allows. */
	session_set_time(&rig->s, rig->now,
			 (struct srvtime){ (START_SEC + 100) * US_PER_SEC },
			 true);
	ask(rig, 2, MONO_NEVER);
	drain(rig);
	{
		struct buf b = tl("ilii", SERVICE_BAD_MSG_NOTIFICATION,
				  rig->packet_id, 0U, 17U);

		assert_int_equal(give_as(rig, sid,
					 ((uint64_t)START_SEC << 32) + 5, 0,
					 &b),
				 ERR_OK);
		buf_deinit(&b);
	}
	drain(rig);
	assert_true(rig->session_seen != sid);
	assert_int_equal(sent_as(rig, 2) >> 32, START_SEC);
	(void)sent_as(rig, 1);
	assert_non_null(find(rig, SERVICE_DESTROY_SESSION));
	assert_true(bytes_get_u64(find(rig, SERVICE_DESTROY_SESSION)->body +
				  4) == sid);
	rig_free(rig);
}

static void bad_sequence_numbers_begin_a_new_session(void **state)
{
	static const unsigned int codes[] = { 32, 33, 34, 35 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *rig = rig_new();
		uint64_t sid = rig->s.session_id;
		struct buf late = tl("il", 0x12345678U, 9ULL);

		ask(rig, 1, MONO_NEVER);
		drain(rig);
		assert_int_equal(
			give_free(rig, false,
				  tl("ilii", SERVICE_BAD_MSG_NOTIFICATION,
				     sent_as(rig, 1), 1U, codes[i])),
			ERR_OK);
		drain(rig);
		assert_true(rig->session_seen != sid);
		assert_int_equal(query_of(rig, 1)->seq_no, 1);
		/* What was under way for the old one is let go silently. */
		assert_int_equal(give_as(rig, sid, server_id(rig, 0), 1, &late),
				 ERR_OK);
		expect_events(rig, "");
		buf_deinit(&late);
		rig_free(rig);
	}
}

static void refused_containers_are_not_used_again(void **state)
{
	struct rig *rig = rig_new();

	ask(rig, 1, MONO_NEVER);
	ask(rig, 2, MONO_NEVER);
	drain(rig);
	assert_int_equal(rig->npackets, 1);
	assert_int_equal(give_free(rig, false,
				   tl("ilii", SERVICE_BAD_MSG_NOTIFICATION,
				      rig->packet_id, 0U, 64U)),
			 ERR_OK);
	drain(rig);
	assert_int_equal(rig->npackets, rig->nsent);
	(void)sent_as(rig, 1);
	(void)sent_as(rig, 2);
	rig_free(rig);
}

static void a_new_server_session_is_told(void **state)
{
	struct rig *rig = rig_new();
	uint64_t first, second;

	ask(rig, 1, MONO_NEVER);
	drain(rig);
	first = sent_as(rig, 1);
	ask(rig, 2, MONO_NEVER);
	drain(rig);
	second = sent_as(rig, 2);
	assert_int_equal(give_free(rig, true,
				   tl("illl", SERVICE_NEW_SESSION_CREATED,
				      second, 1ULL, 0x55ULL)),
			 ERR_OK);
	expect_events(rig, "salt()new_session()");
	drain(rig);
	assert_true(sent_as(rig, 1) > first); /* forgotten by the server */
	assert_null(query_of(rig, 2));
	assert_true(rig->salt_seen == 0x55);
	rig_free(rig);
}

static void containers_are_taken_apart(void **state)
{
	struct rig *rig = rig_new();
	struct buf c, object = tl("il", 0x12345678U, 9ULL);
	uint64_t id = server_id(rig, 0);

	drain(rig);
	buf_init(&c, 4096);
	assert_int_equal(container_put_head(&c, 3), ERR_OK);
	for (uint64_t i = 0; i < 3; i++) {
		struct container_msg msg = { id + (i % 2) * 4, 1,
					     buf_head(&object),
					     buf_len(&object) };

		assert_int_equal(container_put(&c, &msg), ERR_OK);
	}
	rig->next_id = id + 8;
	assert_int_equal(give(rig, false, &c), ERR_OK);
	expect_events(rig, "object(12345678 12)object(12345678 12)");
	assert_int_equal(rig->s.nacks, 3);
	/* Cut anywhere: refused whole. */
	buf_head(&c)[4] = 4;
	assert_int_equal(give(rig, false, &c), ERR_PROTO);
	expect_events(rig, "");
	buf_deinit(&c);
	buf_deinit(&object);
	rig_free(rig);
}

static void state_questions_both_ways(void **state)
{
	struct rig *rig = rig_new();
	const struct sent *m;
	uint64_t req, id = server_id(rig, 0);
	struct buf object = tl("il", 0x12345678U, 9ULL);

	ask(rig, 1, MONO_NEVER);
	drain(rig);
	req = sent_as(rig, 1);
	rig->now = mono_add(rig->now, 16 * US_PER_SEC);
	drain(rig); /* no ack, no answer: what became of it? */
	m = find(rig, SERVICE_MSGS_STATE_REQ);
	assert_non_null(m);
	assert_true(bytes_get_u64(m->body + 12) == req);
	assert_int_equal(give_free(rig, true,
				   tl("ils", SERVICE_MSGS_STATE_INFO, m->msg_id,
				      "\x02")),
			 ERR_OK);
	drain(rig);
	assert_true(sent_as(rig, 1) > req);

	assert_int_equal(give_as(rig, rig->s.session_id, id, 1, &object),
			 ERR_OK);
	assert_int_equal(give_free(rig, true,
				   tl("iiill", SERVICE_MSGS_STATE_REQ,
				      SERVICE_VECTOR, 2U, id, id + 400)),
			 ERR_OK);
	drain(rig);
	m = find(rig, SERVICE_MSGS_STATE_INFO);
	assert_non_null(m);
	assert_memory_equal(m->body + 12, "\x02\x04\x02\x00", 4);
	buf_deinit(&object);
	rig_free(rig);
}

static void detailed_info_asks_or_acks(void **state)
{
	struct rig *rig = rig_new();
	uint64_t answer_id = server_id(rig, 0) + 4000;
	const struct sent *m;

	ask(rig, 1, MONO_NEVER);
	drain(rig);
	assert_int_equal(give_free(rig, false,
				   tl("illii", SERVICE_MSG_DETAILED_INFO,
				      sent_as(rig, 1), answer_id, 100U, 0U)),
			 ERR_OK);
	drain(rig);
	m = find(rig, SERVICE_MSG_RESEND_REQ);
	assert_non_null(m);
	assert_true(bytes_get_u64(m->body + 12) == answer_id);
	/* About a query nobody waits for. */
	assert_int_equal(give_free(rig, false,
				   tl("illii", SERVICE_MSG_DETAILED_INFO, 4ULL,
				      answer_id + 4, 100U, 0U)),
			 ERR_OK);
	assert_int_equal(rig->s.nacks, 1);
	assert_true(rig->s.acks[0] == answer_id + 4);
	rig_free(rig);
}

static void timeouts_and_cancelling(void **state)
{
	struct rig *rig = rig_new();
	uint64_t req;

	ask(rig, 1, mono_add(rig->now, 5 * US_PER_SEC));
	ask(rig, 2, MONO_NEVER);
	drain(rig);
	req = sent_as(rig, 2);
	assert_true(session_deadline(&rig->s).us ==
		    rig->now.us + 5 * US_PER_SEC);
	assert_true(session_cancel(&rig->s, 2));
	assert_false(session_cancel(&rig->s, 2));
	rig->now = session_deadline(&rig->s);
	assert_int_equal(session_tick(&rig->s, rig->now, NULL), ERR_OK);
	expect_events(rig, "failed(2 CANCELED)failed(1 TIMEOUT)");
	drain(rig);
	assert_int_equal(count(rig, SERVICE_RPC_DROP_ANSWER), 2);
	assert_int_equal(answer(rig, req), ERR_OK); /* too late */
	expect_events(rig, "");
	ask(rig, 3, MONO_NEVER);
	session_reset(&rig->s, ERR_AUTH_GONE);
	expect_events(rig, "failed(3 AUTH_GONE)");
	rig_free(rig);
}

static void silence_ends_the_connection(void **state)
{
	struct rig *rig = rig_new();
	struct err_info ei = { 0 };
	enum err rc = ERR_OK;
	struct mono start;

	drain(rig);
	start = rig->now;
	for (int i = 0; i < 100 && !rc; i++) {
		rig->now = session_deadline(&rig->s);
		rc = session_tick(&rig->s, rig->now, &ei);
		drain(rig);
	}
	assert_int_equal(rc, ERR_TIMEOUT);
	assert_in_range(mono_diff(rig->now, start) / US_PER_SEC, 20, 25);
	rig_free(rig);
}

static void idle_sessions_ping_once_a_minute(void **state)
{
	struct rig *rig = rig_new();
	struct mono start = rig->now;
	size_t pings = 0;

	while (mono_diff(rig->now, start) < 3600 * US_PER_SEC) {
		const struct sent *ping;

		drain(rig);
		ping = find(rig, SERVICE_PING_DELAY_DISCONNECT);
		if (ping) {
			pings++;
			assert_int_equal(
				give_free(rig, false,
					  tl("ill", SERVICE_PONG, ping->msg_id,
					     bytes_get_u64(ping->body + 4))),
				ERR_OK);
		}
		assert_true(session_deadline(&rig->s).us > rig->now.us);
		rig->now = session_deadline(&rig->s);
		assert_int_equal(session_tick(&rig->s, rig->now, NULL), ERR_OK);
	}
	assert_in_range(pings, 54, 68);
	assert_null(rig->s.seen.many);
	rig_free(rig);
}

static void events_may_ask_again(void **state)
{
	struct rig *rig = rig_new();

	ask(rig, 1, MONO_NEVER);
	drain(rig);
	rig->requery = 1; /* the same tag is free by then */
	assert_int_equal(answer(rig, sent_as(rig, 1)), ERR_OK);
	expect_events(rig, "result(1 997275b5 4)");
	drain(rig);
	assert_non_null(find(rig, TELEGRAM_QUERY));
	rig_free(rig);
}

static void limits_of_the_queue(void **state)
{
	struct rig *rig = rig_new();
	uint8_t body[8] = { 1 };

	assert_int_equal(session_query(&rig->s, 1, body, 3, MONO_NEVER, NULL),
			 ERR_INVALID);
	for (uint64_t tag = 1; tag <= RPCQ_MAX; tag++)
		assert_int_equal(
			session_query(&rig->s, tag, body, 8, MONO_NEVER, NULL),
			ERR_OK);
	assert_int_equal(session_query(&rig->s, 5, body, 8, MONO_NEVER, NULL),
			 ERR_DUPLICATE);
	assert_int_equal(
		session_query(&rig->s, RPCQ_MAX + 1, body, 8, MONO_NEVER, NULL),
		ERR_CAPACITY);
	rig_free(rig);
}

static void malformed_service_messages_are_refused(void **state)
{
	static const uint32_t ids[] = {
		SERVICE_MSG_CONTAINER,
		SERVICE_GZIP_PACKED,
		SERVICE_MSGS_ACK,
		SERVICE_PONG,
		SERVICE_NEW_SESSION_CREATED,
		SERVICE_BAD_SERVER_SALT,
		SERVICE_FUTURE_SALTS,
		SERVICE_BAD_MSG_NOTIFICATION,
		SERVICE_MSG_DETAILED_INFO,
		SERVICE_MSG_NEW_DETAILED_INFO,
		SERVICE_MSG_RESEND_REQ,
		SERVICE_MSGS_STATE_REQ,
		SERVICE_MSGS_STATE_INFO,
		SERVICE_MSG_COPY,
		SERVICE_DESTROY_SESSION_OK,
		SERVICE_RPC_RESULT,
		SERVICE_MSGS_ALL_INFO,
		SERVICE_PING_DELAY_DISCONNECT,
		SERVICE_HTTP_WAIT,
	};
	struct rig *rig = rig_new();

	drain(rig);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_int_equal(give_free(rig, false, tl("i", ids[i])),
				 ERR_PROTO);
		/* A count of 2^31 and nothing behind. */
		assert_int_equal(give_free(rig, false,
					   tl("iii", ids[i], SERVICE_VECTOR,
					      0x80000000U)),
				 ids[i] == SERVICE_DESTROY_SESSION_OK
					 ? ERR_OK
					 : ERR_PROTO);
	}
	expect_events(rig, "");
	rig_free(rig);
}

static void an_unknown_key_is_told(void **state)
{
	struct rig *rig = rig_new();

	assert_int_equal(session_recv_error(&rig->s, -404, NULL),
			 ERR_AUTH_GONE);
	expect_events(rig, "key_unknown()");
	assert_int_equal(session_recv_error(&rig->s, -429, NULL), ERR_FLOOD);
	expect_events(rig, "");
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_is_answered_and_acked),
		cmocka_unit_test(the_prefix_goes_until_one_is_answered),
		cmocka_unit_test(errors_and_gzip_results),
		cmocka_unit_test(an_error_may_be_waited_out),
		cmocka_unit_test(nothing_is_delivered_twice_or_damaged),
		cmocka_unit_test(reordered_messages_arrive_once_each),
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(known_refusals),
		cmocka_unit_test(queries_survive_reconnects),
		cmocka_unit_test(salts_are_corrected),
		cmocka_unit_test(a_server_that_always_refuses_is_given_up),
		cmocka_unit_test(the_clock_is_corrected),
		cmocka_unit_test(bad_sequence_numbers_begin_a_new_session),
		cmocka_unit_test(refused_containers_are_not_used_again),
		cmocka_unit_test(a_new_server_session_is_told),
		cmocka_unit_test(containers_are_taken_apart),
		cmocka_unit_test(state_questions_both_ways),
		cmocka_unit_test(detailed_info_asks_or_acks),
		cmocka_unit_test(timeouts_and_cancelling),
		cmocka_unit_test(silence_ends_the_connection),
		cmocka_unit_test(idle_sessions_ping_once_a_minute),
		cmocka_unit_test(events_may_ask_again),
		cmocka_unit_test(limits_of_the_queue),
		cmocka_unit_test(malformed_service_messages_are_refused),
		cmocka_unit_test(an_unknown_key_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
