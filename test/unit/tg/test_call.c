/* SPDX-License-Identifier: MIT */
/* The general call: what is asked, and the answer read by the function's type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"
#include "tl/tl_wanted.h"

static struct tlc_inputPeerSelf self_;
static const struct tlt_InputPeer to_self = { .kind = TLN_inputPeerSelf,
					      .inputPeerSelf = &self_ };

static enum err call(struct rig *r, uint16_t function, const void *args,
		     uint64_t tag, struct err_info *ei)
{
	const struct engine_request q = { .function = function,
					  .args = args,
					  .tag = tag };
	enum err rc;

	engine_at(&r->e, r->now);
	rc = engine_call(&r->e, &q, ei);
	if (!rc)
		rig_pump(r);
	return rc;
}

static enum err call_history(struct rig *r, uint64_t tag)
{
	const struct tlf_messages_getHistory f = { .peer = to_self,
						   .limit = 3 };

	return call(r, TLN_messages_getHistory, &f, tag, NULL);
}

/* ---- what the hook saw of the last answer */
static struct {
	enum err rc;
	uint16_t function, kind;
	uint32_t n;
	int32_t first_id;
	size_t len;
	bool yes, seen;
} last;

static void on_answer(struct rig *r, const struct engine_event *ev)
{
	const struct engine_answer *a = ev->answer;

	if (ev->type != ENGINE_ANSWER)
		return;
	memset(&last, 0, sizeof(last));
	last.seen = true;
	last.rc = ev->rc;
	last.function = a->function;
	last.kind = a->obj.kind;
	last.yes = a->yes;
	last.len = a->len;
	last.n = a->list.n;
	if (a->obj.kind == TLN_messages_messages) {
		const struct tlt_messages_Messages *m = (const void *)&a->obj;
		const struct tlv_Message *v = &m->messages_messages->messages;

		last.n = v->n;
		last.first_id = v->n ? v->v[0].message->id : 0;
	}
}

static void begin(struct rig *r)
{
	memset(&last, 0, sizeof(last));
	r->hook = on_answer;
	r->dc.pongs = true;
	rig_come_online(r);
}

static void test_object(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;
	struct dyn_vec *v;
	struct dyn *m;

	begin(r);
	assert_int_equal(call_history(r, 9), ERR_OK);
	q = fakedc_take(&r->dc, TLN_messages_getHistory);
	m = fakedc_new(&r->dc, TLN_messages_messages);
	v = dyn_add_vec(m, TLF_messages);
	dyn_push_obj(v, rig_message(r, 31, "a"));
	dyn_push_obj(v, rig_message(r, 30, "b"));
	(void)dyn_add_vec(m, TLF_topics);
	(void)dyn_add_vec(m, TLF_users);
	(void)dyn_add_vec(m, TLF_chats);
	fakedc_answer_obj(&r->dc, &q, TLN_messages_getHistory, m);
	rig_pump(r);
	assert_int_equal(last.rc, ERR_OK);
	assert_int_equal(last.function, TLN_messages_getHistory);
	assert_int_equal(last.kind, TLN_messages_messages);
	assert_int_equal(last.n, 2);
	assert_int_equal(last.first_id, 31);
	/* an answer is no delivery */
	assert_string_equal(r->said, "sent:9:OK:0");
}

static void test_vector(void **state)
{
	const struct tlf_users_getUsers f = { 0 };
	struct rig *r = *state;
	struct fakedc_query q;
	struct dyn_val val = { .kind = DYN_VEC };
	struct dyn *u;

	begin(r);
	assert_int_equal(call(r, TLN_users_getUsers, &f, 1, NULL), ERR_OK);
	q = fakedc_take(&r->dc, TLN_users_getUsers);
	u = fakedc_new(&r->dc, TLN_user);
	dyn_set_int(u, TLF_id, 5);
	val.vec = dyn_vec_new(&r->dc.arena);
	dyn_push_obj(val.vec, u);
	fakedc_answer(&r->dc, &q, TLN_users_getUsers, &val);
	rig_pump(r);
	assert_int_equal(last.rc, ERR_OK);
	assert_int_equal(last.n, 1);
}

static void test_bool(void **state)
{
	struct tlc_sendMessageTypingAction typing = { 0 };
	const struct tlf_messages_setTyping f = {
		.peer = to_self,
		.action = { .kind = TLN_sendMessageTypingAction,
			    .sendMessageTypingAction = &typing },
	};
	struct rig *r = *state;
	struct fakedc_query q;
	const struct dyn_val yes = { .kind = DYN_BOOL, .b = true };

	begin(r);
	assert_int_equal(call(r, TLN_messages_setTyping, &f, 1, NULL), ERR_OK);
	q = fakedc_take(&r->dc, TLN_messages_setTyping);
	fakedc_answer(&r->dc, &q, TLN_messages_setTyping, &yes);
	rig_pump(r);
	assert_int_equal(last.rc, ERR_OK);
	assert_true(last.yes);
}

/* What is not the function's answer is told as such, and costs the call only. */
static void test_wrong_answer(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;
	struct dyn *m;

	begin(r);
	assert_int_equal(call_history(r, 9), ERR_OK);
	q = fakedc_take(&r->dc, TLN_messages_getHistory);
	m = fakedc_new(&r->dc, TLN_updates_state);
	fakedc_answer_obj(&r->dc, &q, TLN_updates_getState, m);
	rig_pump(r);
	assert_true(last.seen);
	assert_int_equal(last.rc, ERR_PROTO);
	assert_int_equal(last.kind, TLN_NONE);
	assert_true(last.len > 4);
	assert_int_equal(r->rc, ERR_OK);
}

static void test_tags(void **state)
{
	struct rig *r = *state;
	struct err_info ei = { 0 };
	const struct tlf_updates_getState f = { 0 };

	begin(r);
	assert_int_equal(call(r, TLN_updates_getState, &f, 0, &ei),
			 ERR_INVALID);
	assert_int_equal(
		call(r, TLN_updates_getState, &f, UINT64_C(1) << 60, &ei),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "tag"));
	assert_int_equal(call(r, TLN_updates_getState, &f, 5, &ei), ERR_OK);
	assert_int_equal(call(r, TLN_updates_getState, &f, 5, &ei),
			 ERR_DUPLICATE);
	assert_int_equal(r->e.ncalls, 1);
	assert_false(last.seen);
}

static void test_cancel(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;

	begin(r);
	assert_int_equal(call_history(r, 9), ERR_OK);
	assert_false(engine_cancel(&r->e, 8));
	assert_false(engine_cancel(&r->e, UINT64_C(1) << 60));
	assert_true(engine_cancel(&r->e, 9));
	assert_int_equal(last.rc, ERR_CANCELED);
	assert_false(engine_cancel(&r->e, 9));
	/* the answer that comes all the same is nobody's */
	last.seen = false;
	q = fakedc_take(&r->dc, TLN_messages_getHistory);
	fakedc_error(&r->dc, &q, 400, "PEER_ID_INVALID");
	rig_pump(r);
	assert_false(last.seen);
	assert_int_equal(r->e.ncalls, 0);
}

static void test_timeout(void **state)
{
	struct rig *r = *state;

	begin(r);
	assert_int_equal(call_history(r, 9), ERR_OK);
	rig_pass(r, ENGINE_CALL_US - 1);
	assert_false(last.seen);
	rig_pass(r, 1);
	assert_true(last.seen);
	assert_int_equal(last.rc, ERR_TIMEOUT);
	assert_int_equal(r->rc, ERR_OK);
}

/* ---- trouble */

static void refuse_with(struct rig *r, uint16_t function, int code,
			const char *name)
{
	struct fakedc_query q = fakedc_take(&r->dc, function);

	fakedc_error(&r->dc, &q, code, name);
	rig_pump(r);
}

/* How long until it is asked again, in tenths of a second; -1: it was told. */
static int asked_again_after(struct rig *r, uint16_t function)
{
	for (int i = 0; i < 600; i++) {
		if (last.seen)
			return -1;
		if (fakedc_find(&r->dc, function))
			return i;
		rig_pass(r, 100 * US_PER_MS);
		assert_int_equal(r->rc, ERR_OK);
	}
	fail_msg("neither asked nor told");
	return -1;
}

static void test_server_trouble(void **state)
{
	static const int seconds[ENGINE_AGAIN_MAX] = { 1, 2, 4, 8, 16 };
	static const struct {
		int code;
		const char *name;
	} errors[] = {
		{ 500, "RPC_CALL_FAIL" },
		{ -503, "Timeout" },
		{ 500, "WHATEVER_NEW" },
		{ 500, "Timedout" },
		{ 503, "" },
	};
	struct rig *r = *state;
	int after;

	begin(r);
	assert_int_equal(call_history(r, 9), ERR_OK);
	for (size_t i = 0; i < ENGINE_AGAIN_MAX; i++) {
		refuse_with(r, TLN_messages_getHistory, errors[i].code,
			    errors[i].name);
		assert_in_range(mono_diff(engine_deadline(&r->e), r->now), 1,
				seconds[i] * US_PER_SEC * 12 / 10);
		after = asked_again_after(r, TLN_messages_getHistory);
		assert_in_range(after, seconds[i] * 8, seconds[i] * 12 + 1);
	}
	refuse_with(r, TLN_messages_getHistory, 500, "RPC_CALL_FAIL");
	assert_true(last.seen);
	assert_int_equal(last.rc, ERR_UNAVAILABLE);
	assert_int_equal(r->e.ncalls, 0);
}

/* Another data centre, or a wait: the caller's to deal with, not repeated. */
static void test_not_repeated(void **state)
{
	static const struct {
		int code;
		const char *name;
		enum err rc;
	} cases[] = {
		{ 303, "FILE_MIGRATE_4", ERR_WRONG_DC },
		{ 400, "PEER_ID_INVALID", ERR_NOTFOUND },
		{ 403, "CHAT_WRITE_FORBIDDEN", ERR_FORBIDDEN },
		{ 420, "FLOOD_WAIT_7", ERR_FLOOD },
	};
	struct rig *r = *state;

	begin(r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		last.seen = false;
		assert_int_equal(call_history(r, 9), ERR_OK);
		refuse_with(r, TLN_messages_getHistory, cases[i].code,
			    cases[i].name);
		assert_true(last.seen);
		assert_int_equal(last.rc, cases[i].rc);
		assert_null(fakedc_find(&r->dc, TLN_messages_getHistory));
		assert_int_equal(r->rc, ERR_OK);
	}
}

/* While it waits the connection may break: it is not asked earlier, nor never. */
static void test_trouble_and_reconnect(void **state)
{
	struct rig *r = *state;

	begin(r);
	assert_int_equal(call_history(r, 9), ERR_OK);
	refuse_with(r, TLN_messages_getHistory, 500, "RPC_CALL_FAIL");
	rig_reconnect(r);
	assert_null(fakedc_find(&r->dc, TLN_messages_getHistory));
	assert_in_range(asked_again_after(r, TLN_messages_getHistory), 8, 13);
}

/* The caller's patience ends before ours. */
static void test_trouble_and_deadline(void **state)
{
	const struct tlf_messages_getHistory f = { .peer = to_self,
						   .limit = 3 };
	struct rig *r = *state;
	const struct engine_request q = {
		.function = TLN_messages_getHistory,
		.args = &f,
		.tag = 9,
		.deadline = mono_add(r->now, 500 * US_PER_MS),
	};

	begin(r);
	assert_int_equal(engine_call(&r->e, &q, NULL), ERR_OK);
	rig_pump(r);
	refuse_with(r, TLN_messages_getHistory, 500, "RPC_CALL_FAIL");
	assert_int_equal(asked_again_after(r, TLN_messages_getHistory), -1);
	assert_int_equal(last.rc, ERR_TIMEOUT);
}

static enum err call_edit(struct rig *r, uint64_t tag)
{
	const struct tlf_messages_editMessage f = {
		.peer = to_self,
		.id = 7,
		.has_message = true,
		.message = { (const uint8_t *)"new", 3 },
	};

	return call(r, TLN_messages_editMessage, &f, tag, NULL);
}

/* What cannot be said twice is not. */
static void test_once(void **state)
{
	struct rig *r = *state;

	begin(r);
	assert_int_equal(call_edit(r, 9), ERR_OK);
	refuse_with(r, TLN_messages_editMessage, 500, "RPC_CALL_FAIL");
	assert_int_equal(last.rc, ERR_UNAVAILABLE);
	/* the connection breaks before the answer: nobody knows */
	last.seen = false;
	assert_int_equal(call_edit(r, 9), ERR_OK);
	(void)fakedc_take(&r->dc, TLN_messages_editMessage);
	rig_hang_up(r);
	assert_true(last.seen);
	assert_int_equal(last.rc, ERR_UNAVAILABLE);
	rig_connect(r);
	assert_null(fakedc_find(&r->dc, TLN_messages_editMessage));
}

/* ... but what never left may still go, and a read is read again. */
static void test_unsent_survives(void **state)
{
	struct rig *r = *state;

	begin(r);
	rig_hang_up(r);
	assert_int_equal(call_edit(r, 9), ERR_OK);
	assert_int_equal(call_history(r, 10), ERR_OK);
	rig_hang_up(r);
	rig_connect(r);
	(void)fakedc_take(&r->dc, TLN_messages_editMessage);
	(void)fakedc_take(&r->dc, TLN_messages_getHistory);
	rig_hang_up(r);
	assert_int_equal(last.rc, ERR_UNAVAILABLE);
	rig_connect(r);
	assert_null(fakedc_find(&r->dc, TLN_messages_editMessage));
	(void)fakedc_take(&r->dc, TLN_messages_getHistory);
}

/* ---- the rules: whoever writes a call, it does not reach a stranger */

static void send_each(struct rig *r, const struct tlt_InputPeer *to,
		      enum err expected)
{
	const struct tlf_messages_sendMessage text = { .peer = *to };
	const struct tlf_messages_sendMedia media = { .peer = *to };
	const struct tlf_messages_sendMultiMedia album = { .peer = *to };
	const struct tlf_messages_forwardMessages forward = { .from_peer =
								      to_self,
							      .to_peer = *to };
	const struct tlf_messages_setTyping typing = { .peer = *to };
	const struct {
		uint16_t function;
		const void *args;
	} all[] = {
		{ TLN_messages_sendMessage, &text },
		{ TLN_messages_sendMedia, &media },
		{ TLN_messages_sendMultiMedia, &album },
		{ TLN_messages_forwardMessages, &forward },
		{ TLN_messages_setTyping, &typing },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct engine_request q = { .function = all[i].function,
						  .args = all[i].args,
						  .tag = i + 1 };
		struct err_info ei = { 0 };
		enum err rc = engine_call(&r->e, &q, &ei);

		if (rc == ERR_OK)
			assert_true(engine_cancel(&r->e, i + 1));
		/* media that is none is found out later than the rule */
		if (expected == ERR_OK)
			assert_int_not_equal(rc, ERR_FORBIDDEN);
		else
			assert_int_equal(rc, expected);
	}
}

static void test_no_cold_messages(void **state)
{
	struct tlc_inputPeerUser user = { 31, 3131 };
	struct tlc_inputPeerUserFromMessage from = { to_self, 4, 31 };
	const struct tlt_InputPeer plain = { .kind = TLN_inputPeerUser,
					     .inputPeerUser = &user };
	const struct tlt_InputPeer seen = {
		.kind = TLN_inputPeerUserFromMessage,
		.inputPeerUserFromMessage = &from
	};
	/* a whole inputPeerUser as bytes: nobody looks into it */
	const struct tlt_InputPeer raw = {
		.raw = { (const uint8_t *)"\x65\x8e\x88\xdd"
					  "0123456789abcdef",
			 20 },
	};
	struct rig *r = *state;
	struct dyn *u;

	begin(r);
	peers_put(&r->e.peers, 31, 3131, 0);
	send_each(r, &plain, ERR_FORBIDDEN);
	send_each(r, &seen, ERR_FORBIDDEN);
	send_each(r, &raw, ERR_INVALID);
	send_each(r, &to_self, ERR_OK);
	/* a message of his in a group changes nothing, nor does one of ours */
	u = rig_new_message(r, 4, "hey", 11);
	dyn_set_obj(dyn_obj(u, TLF_message), TLF_from_id, rig_peer(r, 31));
	rig_push_updates(r, u, 0);
	u = rig_new_message(r, 5, "mine", 12);
	dyn_set_obj(dyn_obj(u, TLF_message), TLF_peer_id, rig_peer(r, 31));
	dyn_set_bool(dyn_obj(u, TLF_message), TLF_out, true);
	rig_push_updates(r, u, 0);
	send_each(r, &plain, ERR_FORBIDDEN);
	/* he writes: he may be answered */
	u = rig_new_message(r, 6, "hello", 13);
	dyn_set_obj(dyn_obj(u, TLF_message), TLF_peer_id, rig_peer(r, 31));
	rig_push_updates(r, u, 0);
	send_each(r, &plain, ERR_OK);
	send_each(r, &seen, ERR_OK);
}

/* That he signed up is told in his name, but he did not write. */
static void test_service_is_no_letter(void **state)
{
	struct rig *r = *state;
	struct dyn *u, *m;

	begin(r);
	m = fakedc_new(&r->dc, TLN_messageService);
	dyn_set_int(m, TLF_id, 6);
	dyn_set_obj(m, TLF_peer_id, rig_peer(r, 31));
	dyn_set_obj(m, TLF_action,
		    fakedc_new(&r->dc, TLN_messageActionContactSignUp));
	u = fakedc_new(&r->dc, TLN_updateNewMessage);
	dyn_set_obj(u, TLF_message, m);
	dyn_set_int(u, TLF_pts, 11);
	dyn_set_int(u, TLF_pts_count, 1);
	rig_push_updates(r, u, 0);
	assert_string_equal(r->said, "!<31:6:");
	assert_false(peers_has(&r->e.peers, 31, PEERS_WROTE));
}

/* Of a stranger's short message only the difference says who he is. */
static void test_stranger_writes(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;
	struct dyn *s, *d, *m;

	begin(r);
	s = fakedc_new(&r->dc, TLN_updateShortMessage);
	dyn_set_int(s, TLF_id, 2);
	dyn_set_int(s, TLF_user_id, 31);
	dyn_set_str(s, TLF_message, "hello");
	dyn_set_int(s, TLF_pts, 11);
	dyn_set_int(s, TLF_pts_count, 1);
	dyn_set_int(s, TLF_date, 101);
	fakedc_push(&r->dc, s);
	rig_pump(r);
	assert_string_equal(r->said, "");
	(void)rig_asked(r, TLN_updates_getDifference, &q);
	d = fakedc_new(&r->dc, TLN_updates_difference);
	m = rig_message(r, 2, "hello");
	dyn_set_obj(m, TLF_peer_id, rig_peer(r, 31));
	dyn_push_obj(dyn_add_vec(d, TLF_new_messages), m);
	(void)dyn_add_vec(d, TLF_new_encrypted_messages);
	(void)dyn_add_vec(d, TLF_other_updates);
	(void)dyn_add_vec(d, TLF_chats);
	dyn_push_obj(dyn_add_vec(d, TLF_users), rig_user(r, 31, 3131));
	m = fakedc_new(&r->dc, TLN_updates_state);
	dyn_set_int(m, TLF_pts, 11);
	dyn_set_int(m, TLF_date, 101);
	dyn_set_int(m, TLF_seq, 1);
	dyn_set_obj(d, TLF_state, m);
	rig_answer(r, &q, TLN_updates_getDifference, d);
	assert_string_equal(r->said, "<31:2:hello");
	assert_int_equal(r->pos.pts, 11);
	assert_int_equal(peers_hash(&r->e.peers, 31), 3131);
	assert_true(peers_has(&r->e.peers, 31, PEERS_WROTE));
	/* from now on the short form is enough */
	dyn_set_int(s, TLF_id, 3);
	dyn_set_int(s, TLF_pts, 12);
	fakedc_push(&r->dc, s);
	rig_pump(r);
	assert_string_equal(r->said, "<31:2:hello <31:3:hello");
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_object),
		T(test_vector),
		T(test_bool),
		T(test_wrong_answer),
		T(test_tags),
		T(test_cancel),
		T(test_timeout),
		T(test_server_trouble),
		T(test_not_repeated),
		T(test_trouble_and_reconnect),
		T(test_trouble_and_deadline),
		T(test_once),
		T(test_unsent_survives),
		T(test_no_cold_messages),
		T(test_service_is_no_letter),
		T(test_stranger_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
