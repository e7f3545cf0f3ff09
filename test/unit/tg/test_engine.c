/* SPDX-License-Identifier: MIT */
/* One account against a server in memory: what it asks, says and remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtproto/proxy_secret.h"
#include "rig.h"
#include "tg/messages.h"

static enum err send_text(struct rig *r, int64_t peer, const char *text,
			  int64_t random_id, uint64_t tag, struct err_info *ei)
{
	const struct engine_ask ask = { tag, MONO_NEVER };
	const struct messages_to to = { .peer = peer };

	return messages_send(&r->e, &ask, &to, text, random_id, ei);
}

static void test_first_time(void **state)
{
	struct rig *r = *state;

	rig_connect(r);
	assert_null(fakedc_find(&r->dc, TLN_updates_getState));
	rig_answer_self(r);
	assert_string_equal(r->said, "user:4242:anna:9996612345:Anna");
	rig_answer_state(r, (struct updates_pos){ 10, 2, 100, 1 });
	assert_string_equal(r->said, "user:4242:anna:9996612345:Anna online");
	assert_int_equal(r->pos.pts, 10);
	assert_int_equal(r->pos.qts, 2);
	assert_int_equal(r->rc, ERR_OK);
}

static void test_from_position(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;
	struct tl_reader rd;

	engine_set_position(&r->e, (struct updates_pos){ 7, 1, 90, 1 }, r->now);
	rig_connect(r);
	rig_answer_self(r);
	r->said[0] = 0;
	assert_null(fakedc_find(&r->dc, TLN_updates_getState));
	q = *fakedc_find(&r->dc, TLN_updates_getDifference);
	cursor_read(&rd, q.body, q.len);
	(void)cursor_get_u32(&rd);
	assert_int_equal(cursor_get_i32(&rd), 0);
	assert_int_equal(cursor_get_i32(&rd), 7);
	assert_int_equal(cursor_get_i32(&rd), 90);
	assert_int_equal(cursor_get_i32(&rd), 1);
	assert_int_equal(cursor_finish(&rd), ERR_OK);
	rig_answer_difference(r, true, 1, 2,
			      (struct updates_pos){ 9, 1, 95, 1 });
	assert_false(r->e.online);
	assert_int_equal(r->pos.pts, 9);
	rig_answer_difference(r, false, 3, 1,
			      (struct updates_pos){ 10, 1, 99, 2 });
	assert_string_equal(r->said, "<-55:1:d <-55:2:d <-55:3:d online");
	assert_int_equal(r->pos.pts, 10);
	assert_int_equal(r->pos.seq, 2);
}

static void test_pushed(void **state)
{
	struct rig *r = *state;
	struct dyn *s;

	rig_come_online(r);
	peers_put(&r->e.peers, 9, 99, 0);
	rig_push_updates(r, rig_new_message(r, 1, "hello", 11), 0);
	rig_push_updates(r, rig_new_message(r, 1, "hello", 11), 0); /* again */
	s = fakedc_new(&r->dc, TLN_updateShortMessage);
	dyn_set_int(s, TLF_id, 2);
	dyn_set_int(s, TLF_user_id, 9);
	dyn_set_str(s, TLF_message, "short");
	dyn_set_int(s, TLF_pts, 12);
	dyn_set_int(s, TLF_pts_count, 1);
	dyn_set_int(s, TLF_date, 101);
	fakedc_push(&r->dc, s);
	rig_pump(r);
	assert_string_equal(r->said, "<-55:1:hello <9:2:short");
	assert_int_equal(r->pos.pts, 12);
}

static void test_gap(void **state)
{
	struct rig *r = *state;

	rig_come_online(r);
	rig_push_updates(r, rig_new_message(r, 3, "late", 13), 2);
	assert_string_equal(r->said, "");
	rig_pass(r, UPDATES_GAP_US - 1);
	assert_null(fakedc_find(&r->dc, TLN_updates_getDifference));
	rig_pass(r, 1);
	rig_answer_difference(r, false, 1, 3,
			      (struct updates_pos){ 13, 0, 101, 2 });
	assert_string_equal(r->said, "<-55:1:d <-55:2:d <-55:3:d");
	assert_int_equal(r->pos.pts, 13);
}

static void test_overtaken(void **state)
{
	struct rig *r = *state;

	rig_come_online(r);
	rig_push_updates(r, rig_new_message(r, 2, "b", 12), 3);
	rig_push_updates(r, rig_new_message(r, 1, "a", 11), 2);
	assert_string_equal(r->said, "<-55:1:a <-55:2:b");
	rig_pass(r, 2 * UPDATES_GAP_US);
	assert_null(fakedc_find(&r->dc, TLN_updates_getDifference));
	assert_int_equal(r->pos.pts, 12);
	assert_int_equal(r->pos.seq, 3);
}

/* What the consumer did not take is delivered again, and counts once taken. */
static void test_not_taken(void **state)
{
	struct rig *r = *state;

	rig_come_online(r);
	r->refuse = 1;
	rig_push_updates(r, rig_new_message(r, 1, "x", 11), 0);
	assert_int_equal(r->pos.pts, 10);
	rig_answer_difference(r, false, 1, 1,
			      (struct updates_pos){ 11, 0, 101, 1 });
	assert_string_equal(r->said, "<-55:1:x <-55:1:d");
	assert_int_equal(r->pos.pts, 11);
}

static void test_reconnect(void **state)
{
	struct rig *r = *state;

	rig_come_online(r);
	rig_hang_up(r);
	rig_connect(r);
	/* nothing is known to be complete until the difference says so */
	assert_null(fakedc_find(&r->dc, TLN_updates_getDifference));
	rig_answer_self(r);
	assert_false(r->e.online);
	rig_answer_difference(r, false, 1, 0,
			      (struct updates_pos){ 10, 0, 101, 1 });
	assert_true(r->e.online);
}

static void test_refusals(void **state)
{
	static const struct {
		int code;
		const char *name;
		enum err rc;
	} cases[] = {
		{ 401, "AUTH_KEY_UNREGISTERED", ERR_AUTH_GONE },
		{ 401, "SESSION_REVOKED", ERR_AUTH_GONE },
		{ 401, "USER_DEACTIVATED_BAN", ERR_BANNED },
		{ 406, "AUTH_KEY_DUPLICATED", ERR_DUPLICATED },
		{ 420, "FROZEN_METHOD_INVALID", ERR_FROZEN },
		{ 420, "FLOOD_WAIT_9", ERR_FLOOD },
		{ 303, "USER_MIGRATE_4", ERR_WRONG_DC },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fakedc_query q;
		char expect[96];

		rig_connect(r);
		q = fakedc_take(&r->dc, TLN_users_getUsers);
		r->said[0] = 0;
		fakedc_error(&r->dc, &q, cases[i].code, cases[i].name);
		rig_pump(r);
		snprintf(expect, sizeof(expect), "refused:%s:%s", cases[i].name,
			 err_name(cases[i].rc));
		assert_string_equal(r->said, expect);
		assert_int_equal(r->rc, cases[i].rc);
		/* nothing more is said on this connection */
		assert_null(fakedc_find(&r->dc, TLN_updates_getState));
		rig_hang_up(r);
		/* a wait is waited out */
		r->now = mono_add(r->now, 10 * US_PER_SEC);
	}
}

static void test_revoked_while_online(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;

	rig_come_online(r);
	assert_int_equal(send_text(r, 0, "hi", 5, 1, NULL), ERR_OK);
	rig_pump(r);
	q = fakedc_take(&r->dc, TLN_messages_sendMessage);
	fakedc_error(&r->dc, &q, 401, "SESSION_REVOKED");
	rig_pump(r);
	assert_string_equal(r->said, "sent:1:AUTH_GONE:0 "
				     "refused:SESSION_REVOKED:AUTH_GONE");
	assert_int_equal(r->rc, ERR_AUTH_GONE);
}

static void test_key_unknown(void **state)
{
	struct rig *r = *state;

	rig_connect(r);
	fakedc_push_error(&r->dc, -404);
	rig_pump(r);
	assert_string_equal(r->said, "refused:AUTH_KEY_UNREGISTERED:AUTH_GONE");
	assert_int_not_equal(r->rc, ERR_OK);
}

static int64_t random_id_of(const struct fakedc_query *q)
{
	struct tl_reader rd;

	cursor_read(&rd, q->body, q->len);
	(void)cursor_get_u32(&rd);
	(void)cursor_get_u32(&rd);
	assert_int_equal(cursor_get_u32(&rd), 0x35a95cb9); /* inputPeerChat */
	assert_int_equal(cursor_get_i64(&rd), 55);
	(void)cursor_get_string(&rd);
	return cursor_get_i64(&rd);
}

static enum err send_to(struct rig *r, int64_t peer, uint64_t tag,
			struct err_info *ei)
{
	enum err rc;

	engine_at(&r->e, r->now);
	rc = send_text(r, peer, "hi", (int64_t)tag, tag, ei);
	if (!rc)
		rig_pump(r);
	return rc;
}

/* Nothing is sent during a wait, over reconnects, and it may be after it. */
static void test_flood(void **state)
{
	struct rig *r = *state;
	struct err_info ei = { 0 };

	rig_come_online(r);
	assert_int_equal(send_to(r, -55, 1, NULL), ERR_OK);
	rig_refuse(r, TLN_messages_sendMessage, "FLOOD_WAIT_30");
	assert_string_equal(r->said, "sent:1:FLOOD:0");
	assert_int_equal(r->rc, ERR_OK);
	assert_int_equal(send_to(r, -55, 2, &ei), ERR_FLOOD);
	assert_int_equal(ei.arg, 31);
	assert_non_null(strstr(ei.msg, "messages.sendMessage: Telegram said "
				       "FLOOD_WAIT_30"));
	assert_int_equal(send_to(r, 0, 2, &ei), ERR_FLOOD);
	rig_hang_up(r);
	r->now = mono_add(r->now, 30 * US_PER_SEC);
	rig_reconnect(r);
	assert_int_equal(send_to(r, -55, 2, &ei), ERR_FLOOD);
	assert_int_equal(ei.arg, 1);
	assert_null(fakedc_find(&r->dc, TLN_messages_sendMessage));
	rig_pass(r, 1 * US_PER_SEC);
	assert_int_equal(send_to(r, -55, 2, &ei), ERR_OK);
	(void)fakedc_take(&r->dc, TLN_messages_sendMessage);
	assert_int_equal(r->e.flood_broken, 0);
}

/* Sent, but without an answer when the connection broke: it must wait, too. */
static void test_flood_resent(void **state)
{
	struct rig *r = *state;

	rig_come_online(r);
	assert_int_equal(send_to(r, -55, 1, NULL), ERR_OK);
	assert_int_equal(send_to(r, -55, 2, NULL), ERR_OK);
	rig_refuse(r, TLN_messages_sendMessage, "FLOOD_WAIT_30");
	(void)fakedc_take(&r->dc, TLN_messages_sendMessage);
	assert_string_equal(r->said, "sent:1:FLOOD:0");
	rig_hang_up(r);
	r->said[0] = 0;
	rig_connect(r);
	assert_string_equal(r->said, "sent:2:FLOOD:0");
	assert_null(fakedc_find(&r->dc, TLN_messages_sendMessage));
	assert_int_equal(r->e.flood_broken, 0);
	assert_int_equal(r->e.ncalls, 1); /* getUsers */
	rig_answer_self(r);
	rig_answer_difference(r, false, 1, 0,
			      (struct updates_pos){ 10, 0, 101, 1 });
	assert_int_equal(r->e.ncalls, 0);
	assert_null(r->e.calls);
}

static void test_flood_slow_mode(void **state)
{
	struct rig *r = *state;
	struct err_info ei = { 0 };

	rig_come_online(r);
	assert_int_equal(send_to(r, -55, 1, NULL), ERR_OK);
	rig_refuse(r, TLN_messages_sendMessage, "SLOWMODE_WAIT_5");
	assert_int_equal(send_to(r, -55, 2, &ei), ERR_FLOOD);
	assert_int_equal(send_to(r, -56, 2, &ei), ERR_OK);
	assert_int_equal(send_to(r, 0, 3, &ei), ERR_OK);
	rig_pass(r, 6 * US_PER_SEC);
	assert_int_equal(send_to(r, -55, 4, &ei), ERR_OK);
}

/* Its own questions wait as well, and the account stays on line. */
static void test_flood_difference(void **state)
{
	struct rig *r = *state;

	rig_come_online(r);
	rig_push_updates(r, rig_new_message(r, 3, "late", 13), 2);
	rig_pass(r, UPDATES_GAP_US);
	rig_refuse(r, TLN_updates_getDifference, "FLOOD_WAIT_20");
	assert_int_equal(r->rc, ERR_OK);
	for (int i = 0; i < 20; i++) {
		rig_pass(r, US_PER_SEC);
		assert_null(fakedc_find(&r->dc, TLN_updates_getDifference));
		assert_true(r->e.online);
	}
	for (int i = 0; i < 30; i++)
		rig_pass(r, US_PER_SEC);
	rig_answer_difference(r, false, 1, 3,
			      (struct updates_pos){ 13, 0, 101, 2 });
	assert_string_equal(r->said, "<-55:1:d <-55:2:d <-55:3:d");
	assert_int_equal(r->e.flood_broken, 0);
}

/* Not even who it is may be asked: nothing is said at all. */
static void test_flood_self(void **state)
{
	struct rig *r = *state;
	struct err_info ei = { 0 };

	rig_connect(r);
	rig_refuse(r, TLN_users_getUsers, "FLOOD_WAIT_9");
	assert_int_equal(r->rc, ERR_FLOOD);
	rig_hang_up(r);
	fakedc_accept(&r->dc);
	assert_int_equal(engine_connected(&r->e, r->now,
					  (struct wall){ RIG_SEC * US_PER_SEC },
					  &ei),
			 ERR_FLOOD);
	assert_int_equal(ei.arg, 10);
	rig_pump(r);
	assert_null(fakedc_find(&r->dc, TLN_users_getUsers));
	rig_hang_up(r);
	r->now = mono_add(r->now, 10 * US_PER_SEC);
	rig_come_online(r);
}

/* Behind a proxy that wears TLS nothing is said before it has answered. */
static void test_a_proxy_that_does_not_answer(void **state)
{
	struct rig *r = *state;
	struct proxy_secret secret = { .kind = PROXY_SECRET_TLS,
				       .domain = "example.org" };
	const struct transport_config cfg = { .kind = TRANSPORT_PADDED,
					      .dc_field = 2,
					      .proxy = &secret };
	struct err_info ei = { 0 };
	struct buf out;

	buf_init(&out, 1 << 16);
	engine_set_transport(&r->e, &cfg, 2);
	assert_int_equal(engine_connected(&r->e, r->now,
					  (struct wall){ RIG_SEC * US_PER_SEC },
					  &ei),
			 ERR_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(engine_output(&r->e, r->now, &out, &ei),
				 ERR_OK);
	assert_true(buf_len(&out) > 100 && buf_len(&out) < 3000);
	assert_int_equal(buf_head(&out)[0], 0x16); /* one ClientHello */
	assert_true(engine_deadline(&r->e).us <=
		    mono_add(r->now, 30 * US_PER_SEC).us);
	r->now = mono_add(r->now, 30 * US_PER_SEC - 1);
	assert_int_equal(engine_tick(&r->e, r->now, &ei), ERR_OK);
	r->now = mono_add(r->now, 1);
	assert_int_equal(engine_tick(&r->e, r->now, &ei), ERR_TIMEOUT);
	assert_non_null(strstr(ei.msg, "proxy"));
	buf_deinit(&out);
	rig_hang_up(r);
	/* the next connection is another matter */
	rig_come_online(r);
}

/* What was kept elsewhere holds from the first call on. */
static void test_flood_restored(void **state)
{
	struct rig *r = *state;
	struct err_info ei = { 0 };
	const struct flood_entry kept = {
		.until = { (RIG_SEC + 50) * US_PER_SEC },
		.method = "messages.sendMessage",
		.error = "FLOOD_WAIT_100",
	};

	assert_int_equal(flood_put(&r->e.flood, &kept,
				   (struct wall){ RIG_SEC * US_PER_SEC }, NULL),
			 ERR_OK);
	rig_come_online(r);
	assert_int_equal(send_to(r, -55, 1, &ei), ERR_FLOOD);
	assert_in_range(ei.arg, 40, 50);
	rig_pass(r, 50 * US_PER_SEC);
	assert_int_equal(send_to(r, -55, 1, &ei), ERR_OK);
}

/* The connection breaks before the answer: the same message is sent again. */
static void test_send(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;
	struct dyn *c, *u;
	struct dyn_vec *v;

	rig_come_online(r);
	assert_int_equal(send_text(r, -55, "hi", 9876, 3, NULL), ERR_OK);
	rig_pump(r);
	q = fakedc_take(&r->dc, TLN_messages_sendMessage);
	assert_int_equal(random_id_of(&q), 9876);
	rig_hang_up(r);
	rig_connect(r);
	q = fakedc_take(&r->dc, TLN_messages_sendMessage);
	assert_int_equal(random_id_of(&q), 9876);
	rig_answer_self(r);
	rig_answer_difference(r, false, 1, 0,
			      (struct updates_pos){ 10, 0, 101, 1 });
	r->said[0] = 0;

	c = fakedc_new(&r->dc, TLN_updates);
	v = dyn_add_vec(c, TLF_updates);
	u = fakedc_new(&r->dc, TLN_updateMessageID);
	dyn_set_int(u, TLF_id, 77);
	dyn_set_int(u, TLF_random_id, 9876);
	dyn_push_obj(v, u);
	u = rig_new_message(r, 77, "hi", 11);
	dyn_set_bool(dyn_obj(u, TLF_message), TLF_out, true);
	dyn_push_obj(v, u);
	(void)dyn_add_vec(c, TLF_users);
	(void)dyn_add_vec(c, TLF_chats);
	dyn_set_int(c, TLF_date, 101);
	fakedc_answer_obj(&r->dc, &q, TLN_messages_sendMessage, c);
	rig_pump(r);
	assert_string_equal(r->said, "sent:3:OK:77 >-55:77:hi");
	assert_int_equal(r->pos.pts, 11);
}

static void test_send_refused(void **state)
{
	struct rig *r = *state;
	struct err_info ei = { 0 };
	struct fakedc_query q;

	rig_come_online(r);
	/* no private messages to other people, whatever the caller says */
	assert_int_equal(send_text(r, 12345, "hi", 1, 1, &ei), ERR_FORBIDDEN);
	assert_int_equal(send_text(r, 0, "", 1, 1, &ei), ERR_INVALID);
	assert_int_equal(send_text(r, -1000000000123, "hi", 1, 1, &ei),
			 ERR_NOTFOUND);
	/* a refusal of one message is not the connection's end */
	assert_int_equal(send_text(r, -55, "hi", 1, 1, &ei), ERR_OK);
	rig_pump(r);
	q = fakedc_take(&r->dc, TLN_messages_sendMessage);
	fakedc_error(&r->dc, &q, 403, "CHAT_WRITE_FORBIDDEN");
	rig_pump(r);
	assert_string_equal(r->said, "sent:1:FORBIDDEN:0");
	assert_int_equal(r->rc, ERR_OK);
}

static struct dyn *two_updates(struct rig *r, struct dyn *first,
			       struct dyn *second)
{
	struct dyn *c = fakedc_new(&r->dc, TLN_updates);
	struct dyn_vec *v = dyn_add_vec(c, TLF_updates);

	dyn_push_obj(v, first);
	dyn_push_obj(v, second);
	(void)dyn_add_vec(c, TLF_users);
	(void)dyn_add_vec(c, TLF_chats);
	dyn_set_int(c, TLF_date, 101);
	return c;
}

/* An update nobody wants, with parts nobody wants, beside one that counts. */
static void test_unwanted(void **state)
{
	struct rig *r = *state;
	struct dyn *typing, *action;

	rig_come_online(r);
	typing = fakedc_new(&r->dc, TLN_updateUserTyping);
	action = fakedc_new(&r->dc, TLN_sendMessageRecordVideoAction);
	dyn_set_int(typing, TLF_user_id, 9);
	dyn_set_obj(typing, TLF_action, action);
	fakedc_push(&r->dc,
		    two_updates(r, typing, rig_new_message(r, 1, "after", 11)));
	rig_pump(r);
	assert_int_equal(r->rc, ERR_OK);
	assert_string_equal(r->said, "<-55:1:after");
	assert_int_equal(r->pos.pts, 11);
}

/* One that says nothing to us still takes its place in the order. */
static void test_counted(void **state)
{
	struct rig *r = *state;
	struct dyn *pinned, *peer;

	rig_come_online(r);
	pinned = fakedc_new(&r->dc, TLN_updatePinnedMessages);
	peer = fakedc_new(&r->dc, TLN_peerUser);
	dyn_set_int(peer, TLF_user_id, 9);
	dyn_set_obj(pinned, TLF_peer, peer);
	dyn_push_int(dyn_add_vec(pinned, TLF_messages), 5);
	dyn_set_int(pinned, TLF_pts, 11);
	dyn_set_int(pinned, TLF_pts_count, 1);
	rig_push_updates(r, pinned, 0);
	rig_push_updates(r, rig_new_message(r, 1, "x", 12), 0);
	assert_string_equal(r->said, "<-55:1:x");
	assert_int_equal(r->pos.pts, 12);
}

/* A constructor no schema has: the connection lives, the difference tells. */
static void test_unknown(void **state)
{
	struct rig *r = *state;
	const struct schema_ctor *ctor;
	struct dyn *typing;
	struct tl_writer w;
	struct buf out;
	uint8_t *at;

	rig_come_online(r);
	typing = fakedc_new(&r->dc, TLN_updateUserTyping);
	dyn_set_int(typing, TLF_user_id, 9);
	dyn_set_obj(typing, TLF_action,
		    fakedc_new(&r->dc, TLN_sendMessageTypingAction));
	buf_init(&out, 4096);
	cursor_write(&w, &out);
	assert_int_equal(dyn_write(&w, &schema_api_223,
				   two_updates(r, typing,
					       rig_new_message(r, 1, "x", 11)),
				   NULL),
			 ERR_OK);
	ctor = schema_by_name(&schema_api_223, TLN_updateUserTyping);
	at = memmem(buf_head(&out), buf_len(&out), &ctor->id, 4);
	assert_non_null(at);
	memcpy(at, "\x01\x02\x03\x04", 4);
	fakedc_push_raw(&r->dc, buf_head(&out), buf_len(&out));
	buf_deinit(&out);
	rig_pump(r);
	assert_int_equal(r->rc, ERR_OK);
	rig_answer_difference(r, false, 1, 1,
			      (struct updates_pos){ 11, 0, 101, 1 });
	assert_string_equal(r->said, "<-55:1:d");
	assert_int_equal(r->pos.pts, 11);
}

static bool has_field(const struct schema_ctor *c, uint16_t name)
{
	const struct schema_field *f = schema_fields(&schema_api_223, c);

	for (size_t i = 0; i < c->n_fields; i++)
		if (f[i].name == name)
			return true;
	return false;
}

/* A newer schema must not bring updates whose pts nobody counts. */
static void test_every_counter_is_wanted(void **state)
{
	const struct schema *s = &schema_api_223;
	int n = 0;

	for (size_t i = 0; i < s->n_ctors; i++) {
		const struct schema_ctor *c = &s->ctors[i];

		if (c->type != TLT_Update || c->is_function ||
		    !strncmp(schema_name_text(c->name), "mtcute", 6))
			continue;
		if (!(has_field(c, TLF_pts) && has_field(c, TLF_pts_count)) &&
		    !has_field(c, TLF_qts))
			continue;
		n++;
		if (!bind_by_name[c->name])
			fail_msg("wanted.txt misses %s",
				 schema_name_text(c->name));
	}
	assert_true(n > 20);
}

/* Bytes that are no packets, cut anywhere, end in an error or in waiting. */
static void test_garbage(void **state)
{
	struct rig *r = *state;
	uint8_t junk[256];

	for (int i = 0; i < 300; i++) {
		rig_connect(r);
		rnd_fill(&r->rnd.rnd, junk, sizeof(junk));
		(void)!engine_feed(&r->e, junk,
				   rnd_below(&r->rnd.rnd, sizeof(junk)), r->now,
				   NULL);
		rig_hang_up(r);
	}
}

static void test_env(void **state)
{
	struct engine_app app = { .device_model = "d",
				  .system_version = "s",
				  .app_version = "a" };
	struct engine_env env;
	char name[600];

	assert_int_equal(engine_env_init(&env, &app, NULL), ERR_INVALID);
	app.api_id = 1;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	app.device_model = name;
	assert_int_equal(engine_env_init(&env, &app, NULL), ERR_TOOBIG);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_proxy_that_does_not_answer),
		T(test_first_time),
		T(test_from_position),
		T(test_pushed),
		T(test_gap),
		T(test_overtaken),
		T(test_not_taken),
		T(test_reconnect),
		T(test_refusals),
		T(test_revoked_while_online),
		T(test_key_unknown),
		T(test_flood),
		T(test_flood_resent),
		T(test_flood_slow_mode),
		T(test_flood_difference),
		T(test_flood_self),
		T(test_flood_restored),
		T(test_send),
		T(test_send_refused),
		T(test_unwanted),
		T(test_counted),
		T(test_unknown),
		T(test_every_counter_is_wanted),
		T(test_garbage),
		T(test_env),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
