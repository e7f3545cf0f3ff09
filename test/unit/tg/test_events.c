/* SPDX-License-Identifier: MIT */
/* What a message's event says, for whoever decides by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rig.h"
#include "tl/tl_wanted.h"

#define CHANNEL (PEERS_CHANNEL - 77)

/* The last message told; what it points to is gone. */
static struct engine_message got;
static char got_text[64];

static void on_message(struct rig *r, const struct engine_event *ev)
{
	if (ev->type != ENGINE_MESSAGE)
		return;
	got = *ev->message;
	memset(got_text, 0, sizeof(got_text));
	if (got.text_len)
		memcpy(got_text, got.text, got.text_len);
}

static void begin(struct rig *r)
{
	rig_come_online(r);
	peers_put(&r->e.peers, CHANNEL, 7777, 0);
	memset(&got, 0, sizeof(got));
	r->hook = on_message;
}

static struct dyn *post(struct rig *r, uint16_t update, struct dyn *m, int pts)
{
	struct dyn *u = fakedc_new(&r->dc, update);

	dyn_set_obj(u, TLF_message, m);
	dyn_set_int(u, TLF_pts, pts);
	dyn_set_int(u, TLF_pts_count, 1);
	return u;
}

static struct dyn *channel_message(struct rig *r, int id)
{
	struct dyn *m = rig_message(r, id, "text");

	dyn_set_obj(m, TLF_peer_id, rig_peer(r, CHANNEL));
	dyn_set_obj(m, TLF_from_id, rig_peer(r, 31));
	return m;
}

static void push_post(struct rig *r, struct dyn *m, int pts)
{
	rig_push_updates(r, post(r, TLN_updateNewChannelMessage, m, pts), 0);
}

static void test_plain(void **state)
{
	struct rig *r = *state;

	begin(r);
	push_post(r, channel_message(r, 4), 1);
	assert_int_equal(got.kind, ENGINE_NEW);
	assert_true(got.chat_id == CHANNEL);
	assert_int_equal(got.from_id, 31);
	assert_int_equal(got.id, 4);
	assert_int_equal(got.date, 100);
	assert_string_equal(got_text, "text");
	assert_string_equal(got.key, "-1000000000077/4");
	assert_int_equal(got.media, TLN_NONE);
	assert_int_equal(got.topic, 0);
	assert_int_equal(got.reply_to, 0);
	assert_false(got.out || got.post || got.entities || got.forwarded ||
		     got.noforwards || got.grouped_id);
	assert_non_null(got.full);
}

static void test_rich(void **state)
{
	struct rig *r = *state;
	struct dyn *m, *bold, *fwd, *media;

	begin(r);
	m = channel_message(r, 4);
	bold = fakedc_new(&r->dc, TLN_messageEntityBold);
	dyn_set_int(bold, TLF_length, 2);
	dyn_push_obj(dyn_add_vec(m, TLF_entities), bold);
	dyn_set_int(m, TLF_grouped_id, 123456789012);
	fwd = fakedc_new(&r->dc, TLN_messageFwdHeader);
	dyn_set_obj(fwd, TLF_from_id, rig_peer(r, PEERS_CHANNEL - 90));
	dyn_set_int(fwd, TLF_date, 50);
	dyn_set_obj(m, TLF_fwd_from, fwd);
	media = fakedc_new(&r->dc, TLN_messageMediaGeo);
	dyn_set_obj(media, TLF_geo, fakedc_new(&r->dc, TLN_geoPointEmpty));
	dyn_set_obj(m, TLF_media, media);
	dyn_set_bool(m, TLF_noforwards, true);
	dyn_set_bool(m, TLF_silent, true);
	dyn_set_bool(m, TLF_mentioned, true);
	dyn_set_bool(m, TLF_post, true);
	push_post(r, m, 1);
	assert_true(got.entities && got.forwarded && got.noforwards &&
		    got.silent && got.mentioned && got.post);
	assert_true(got.grouped_id == 123456789012);
	/* also of what nobody wants in full the kind is known */
	assert_int_equal(got.media, TLN_messageMediaGeo);
	/* where it came from may be looked at by this message */
	assert_int_equal(
		peers_where(&r->e.peers, PEERS_CHANNEL - 90)->message_id, 4);
}

static struct dyn *reply_header(struct rig *r, int to, int top, bool topic)
{
	struct dyn *h = fakedc_new(&r->dc, TLN_messageReplyHeader);

	dyn_set_int(h, TLF_reply_to_msg_id, to);
	if (top)
		dyn_set_int(h, TLF_reply_to_top_id, top);
	if (topic)
		dyn_set_bool(h, TLF_forum_topic, true);
	return h;
}

static void test_replies_and_topics(void **state)
{
	static const struct {
		int to, top;
		bool topic, forum;
		int reply_to, in_topic;
	} cases[] = {
		{ 3, 0, false, false, 3, 0 }, /* a reply */
		{ 3, 2, false, false, 3, 0 }, /* in a thread of comments */
		{ 8, 0, true, true, 0, 8 },   /* in a topic */
		{ 9, 8, true, true, 9, 8 },   /* a reply in a topic */
		{ 3, 0, false, true, 3, 1 },  /* a reply in the general one */
		{ 0, 0, false, true, 0, 1 },
	};
	struct rig *r = *state;

	begin(r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dyn *m = channel_message(r, 20 + (int)i);

		peers_put(&r->e.peers, CHANNEL, 7777,
			  cases[i].forum ? PEERS_FORUM : 0);
		if (cases[i].to)
			dyn_set_obj(m, TLF_reply_to,
				    reply_header(r, cases[i].to, cases[i].top,
						 cases[i].topic));
		push_post(r, m, 1 + (int)i);
		assert_int_equal(got.id, 20 + (int)i);
		assert_int_equal(got.reply_to, cases[i].reply_to);
		assert_int_equal(got.topic, cases[i].in_topic);
	}
}

/* A reply to what another chat said is to none of this one. */
static void test_reply_elsewhere(void **state)
{
	struct rig *r = *state;
	struct dyn *m, *h;

	begin(r);
	m = channel_message(r, 4);
	h = reply_header(r, 3, 0, false);
	dyn_set_obj(h, TLF_reply_to_peer_id, rig_peer(r, -55));
	dyn_set_obj(m, TLF_reply_to, h);
	push_post(r, m, 1);
	assert_int_equal(got.id, 4);
	assert_int_equal(got.reply_to, 0);
}

static void test_protected_chat(void **state)
{
	struct rig *r = *state;

	begin(r);
	peers_put(&r->e.peers, CHANNEL, 7777, PEERS_NOFORWARDS);
	push_post(r, channel_message(r, 4), 1);
	assert_true(got.noforwards);
}

/* Each edit is an event of its own, the same one twice is not. */
static void test_edits(void **state)
{
	struct rig *r = *state;
	struct dyn *m;
	char first[sizeof(got.key)];

	begin(r);
	m = channel_message(r, 4);
	dyn_set_int(m, TLF_edit_date, 200);
	rig_push_updates(r, post(r, TLN_updateEditChannelMessage, m, 1), 0);
	assert_int_equal(got.kind, ENGINE_EDITED);
	assert_int_equal(got.edit_date, 200);
	memcpy(first, got.key, sizeof(first));
	assert_string_equal(first, "-1000000000077/4/e200");
	dyn_set_int(m, TLF_edit_date, 201);
	rig_push_updates(r, post(r, TLN_updateEditChannelMessage, m, 2), 0);
	assert_string_not_equal(got.key, first);
	m = rig_message(r, 7, "b");
	dyn_set_int(m, TLF_edit_date, 202);
	rig_push_updates(r, post(r, TLN_updateEditMessage, m, 11), 0);
	assert_string_equal(got.key, "m/7/e202");
	assert_string_equal(r->said, "~<-1000000000077:4:text "
				     "~<-1000000000077:4:text ~<-55:7:b");
	assert_int_equal(r->pos.pts, 11);
}

static void test_service(void **state)
{
	struct rig *r = *state;
	struct dyn *m, *action;

	begin(r);
	action = fakedc_new(&r->dc, TLN_messageActionChatEditTitle);
	dyn_set_str(action, TLF_title, "new");
	m = fakedc_new(&r->dc, TLN_messageService);
	dyn_set_int(m, TLF_id, 4);
	dyn_set_int(m, TLF_date, 100);
	dyn_set_obj(m, TLF_peer_id, rig_peer(r, CHANNEL));
	dyn_set_obj(m, TLF_action, action);
	push_post(r, m, 1);
	assert_int_equal(got.kind, ENGINE_SERVICE);
	assert_int_equal(got.action, TLN_messageActionChatEditTitle);
	assert_true(got.chat_id == CHANNEL);
	assert_null(got.full);
}

static void test_deleted(void **state)
{
	struct rig *r = *state;
	struct dyn *u;
	struct dyn_vec *v;

	begin(r);
	u = fakedc_new(&r->dc, TLN_updateDeleteMessages);
	v = dyn_add_vec(u, TLF_messages);
	dyn_push_int(v, 8);
	dyn_push_int(v, 9);
	dyn_set_int(u, TLF_pts, 12);
	dyn_set_int(u, TLF_pts_count, 2);
	rig_push_updates(r, u, 0);
	u = fakedc_new(&r->dc, TLN_updateDeleteChannelMessages);
	dyn_set_int(u, TLF_channel_id, 77);
	dyn_push_int(dyn_add_vec(u, TLF_messages), 5);
	dyn_set_int(u, TLF_pts, 3);
	dyn_set_int(u, TLF_pts_count, 1);
	rig_push_updates(r, u, 0);
	assert_string_equal(r->said, "-0:2:8 --1000000000077:1:5");
	assert_int_equal(r->pos.pts, 12);
	assert_int_equal(updates_channel_pts(&r->e.updates, 77), 3);
}

/* Users and chats that come with an update are known from then on. */
static void test_peers_of_updates(void **state)
{
	struct rig *r = *state;
	struct dyn *u;

	begin(r);
	u = rig_updates(r, rig_new_message(r, 1, "x", 11), NULL);
	dyn_push_obj(dyn_vec(u, TLF_users), rig_user(r, 31, 3131));
	dyn_push_obj(dyn_vec(u, TLF_chats), rig_channel(r, 88, 8888));
	fakedc_push(&r->dc, u);
	rig_pump(r);
	assert_int_equal(peers_hash(&r->e.peers, 31), 3131);
	assert_int_equal(peers_hash(&r->e.peers, PEERS_CHANNEL - 88), 8888);
}

/* A channel whose hash comes late is asked for when it came. */
static void test_late_hash(void **state)
{
	struct rig *r = *state;
	struct dyn *u;

	begin(r);
	u = fakedc_new(&r->dc, TLN_updateChannelTooLong);
	dyn_set_int(u, TLF_channel_id, 88);
	dyn_set_int(u, TLF_pts, 40);
	rig_push_updates(r, u, 0);
	rig_pass(r, US_PER_SEC);
	assert_null(fakedc_find(&r->dc, TLN_updates_getChannelDifference));
	u = rig_updates(r, rig_new_message(r, 1, "x", 11), NULL);
	dyn_push_obj(dyn_vec(u, TLF_chats), rig_channel(r, 88, 8888));
	fakedc_push(&r->dc, u);
	rig_pump(r);
	assert_non_null(fakedc_find(&r->dc, TLN_updates_getChannelDifference));
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_plain),
		T(test_rich),
		T(test_replies_and_topics),
		T(test_reply_elsewhere),
		T(test_protected_chat),
		T(test_edits),
		T(test_service),
		T(test_deleted),
		T(test_peers_of_updates),
		T(test_late_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
