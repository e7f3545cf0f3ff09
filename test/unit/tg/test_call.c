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

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_object),	      T(test_vector), T(test_bool),
		T(test_wrong_answer), T(test_tags),   T(test_cancel),
		T(test_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
