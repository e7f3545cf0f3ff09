/* SPDX-License-Identifier: MIT */
/* Chats and buttons: found, joined, left, listed, pressed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"
#include "tg/bots.h"
#include "tg/chats.h"
#include "tl/tl_wanted.h"

#define CHANNEL (PEERS_CHANNEL - 77)

static const struct engine_ask ask = { 5, { 0 } };

static struct chats_facts facts;
static bool has_facts;
static int64_t resolved;

static void on_answer(struct rig *r, const struct engine_event *ev)
{
	if (ev->type != ENGINE_ANSWER)
		return;
	has_facts = chats_facts(ev->answer, &facts);
	resolved = chats_resolved(ev->answer);
}

static void begin(struct rig *r)
{
	rig_come_online(r);
	engine_at(&r->e, r->now);
	peers_put(&r->e.peers, CHANNEL, 7777, 0);
	r->hook = on_answer;
	has_facts = false;
	resolved = 0;
}

static enum err resolve(struct rig *r, const char *name, int64_t *ret)
{
	enum err rc;

	engine_at(&r->e, r->now);
	rc = chats_resolve(&r->e, &ask, name, ret, NULL);
	rig_pump(r);
	return rc;
}

static void answer_resolve(struct rig *r, int64_t id, int64_t hash)
{
	struct dyn *p = fakedc_new(&r->dc, TLN_contacts_resolvedPeer);
	struct dyn_vec *users, *chats;
	struct fakedc_query q;

	(void)rig_asked(r, TLN_contacts_resolveUsername, &q);
	dyn_set_obj(p, TLF_peer, rig_peer(r, id));
	chats = dyn_add_vec(p, TLF_chats);
	users = dyn_add_vec(p, TLF_users);
	if (id > 0)
		dyn_push_obj(users, rig_user(r, id, hash));
	else
		dyn_push_obj(chats, rig_channel(r, PEERS_CHANNEL - id, hash));
	rig_answer(r, &q, TLN_contacts_resolveUsername, p);
}

/* What is known is not asked again, until it is too old. */
static void test_resolve(void **state)
{
	struct rig *r = *state;
	int64_t id = 1;

	begin(r);
	r->dc.pongs = true;
	assert_int_equal(resolve(r, "@Some_Body", &id), ERR_OK);
	assert_int_equal(id, 0);
	answer_resolve(r, 31, 3131);
	assert_int_equal(resolved, 31);
	assert_string_equal(r->said, "sent:5:OK:0");
	assert_int_equal(peers_hash(&r->e.peers, 31), 3131);
	assert_int_equal(resolve(r, "some_body", &id), ERR_OK);
	assert_int_equal(id, 31);
	assert_null(fakedc_find(&r->dc, TLN_contacts_resolveUsername));
	/* a number without its hash is asked for */
	peers_forget(&r->e.peers, 31);
	assert_int_equal(resolve(r, "some_body", &id), ERR_OK);
	assert_int_equal(id, 0);
	answer_resolve(r, CHANNEL - 1, 7878);
	assert_true(resolved == CHANNEL - 1);
	assert_int_equal(resolve(r, "some_body", &id), ERR_OK);
	assert_true(id == CHANNEL - 1);
	r->now = mono_add(r->now, PEERS_NAME_S * US_PER_SEC);
	assert_int_equal(resolve(r, "some_body", &id), ERR_OK);
	assert_int_equal(id, 0);
}

static void test_resolve_nobody(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;
	int64_t id = 1;

	begin(r);
	assert_int_equal(resolve(r, "no", &id), ERR_INVALID);
	assert_int_equal(resolve(r, "nobody", &id), ERR_OK);
	q = fakedc_take(&r->dc, TLN_contacts_resolveUsername);
	fakedc_error(&r->dc, &q, 400, "USERNAME_NOT_OCCUPIED");
	rig_pump(r);
	assert_string_equal(r->said, "sent:5:NOTFOUND:0");
	assert_int_equal(resolve(r, "nobody", &id), ERR_NOTFOUND);
	assert_null(fakedc_find(&r->dc, TLN_contacts_resolveUsername));
	r->now = mono_add(r->now, PEERS_NOBODY_S * US_PER_SEC);
	assert_int_equal(resolve(r, "nobody", &id), ERR_OK);
	assert_int_equal(id, 0);
}

/* A wait forbids asking, not knowing. */
static void test_resolve_in_a_wait(void **state)
{
	struct rig *r = *state;
	int64_t id = 0;

	begin(r);
	assert_int_equal(resolve(r, "some_body", &id), ERR_OK);
	answer_resolve(r, 31, 3131);
	assert_int_equal(resolve(r, "another", &id), ERR_OK);
	rig_refuse(r, TLN_contacts_resolveUsername, "FLOOD_WAIT_500");
	assert_int_equal(resolve(r, "another", &id), ERR_FLOOD);
	assert_int_equal(resolve(r, "third", &id), ERR_FLOOD);
	assert_int_equal(resolve(r, "some_body", &id), ERR_OK);
	assert_int_equal(id, 31);
	assert_int_equal(r->e.flood_broken, 0);
}

static void test_join_and_leave(void **state)
{
	struct rig *r = *state;

	begin(r);
	assert_int_equal(chats_join(&r->e, &ask, CHANNEL, NULL), ERR_OK);
	rig_asked_for(r, TLN_channels_joinChannel,
		      "(channels.joinChannel channel=(inputChannel "
		      "channel_id=77 access_hash=7777))");
	assert_int_equal(chats_join(&r->e, &ask, -55, NULL), ERR_INVALID);
	assert_int_equal(chats_join(&r->e, &ask, CHANNEL - 5, NULL),
			 ERR_NOTFOUND);
	assert_int_equal(chats_leave(&r->e, &ask, CHANNEL, NULL), ERR_OK);
	rig_asked_for(r, TLN_channels_leaveChannel,
		      "(channels.leaveChannel channel=(inputChannel "
		      "channel_id=77 access_hash=7777))");
	assert_int_equal(chats_leave(&r->e, &ask, -55, NULL), ERR_OK);
	rig_asked_for(r, TLN_messages_deleteChatUser,
		      "(messages.deleteChatUser chat_id=55 "
		      "user_id=(inputUserSelf))");
	assert_int_equal(chats_leave(&r->e, &ask, 9, NULL), ERR_INVALID);
}

static void test_invites(void **state)
{
	static const char *const good[] = {
		"AbC-_1",
		"https://t.me/+AbC-_1",
		"t.me/joinchat/AbC-_1",
		"tg://join?invite=AbC-_1",
		"https://t.me/+AbC-_1?x=1",
	};
	static const char *const bad[] = {
		"",
		"https://t.me/+",
		"https://t.me/somebody",
		"a b",
	};
	char long_one[CHATS_INVITE_MAX + 2] = { 0 };
	struct rig *r = *state;

	begin(r);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(chats_join_invite(&r->e, &ask, good[i], NULL),
				 ERR_OK);
		rig_asked_for(r, TLN_messages_importChatInvite,
			      "(messages.importChatInvite hash=AbC-_1)");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(chats_check_invite(&r->e, &ask, bad[i], NULL),
				 ERR_INVALID);
	memset(long_one, 'x', CHATS_INVITE_MAX + 1);
	assert_int_equal(chats_check_invite(&r->e, &ask, long_one, NULL),
			 ERR_INVALID);
	assert_int_equal(chats_check_invite(&r->e, &ask, "t.me/+xyz", NULL),
			 ERR_OK);
	rig_asked_for(r, TLN_messages_checkChatInvite,
		      "(messages.checkChatInvite hash=xyz)");
}

/* An invite to a chat the account is in says the chat: it may be written to. */
static void test_invite_tells_the_chat(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;
	struct dyn *a;

	begin(r);
	assert_int_equal(chats_check_invite(&r->e, &ask, "xyz", NULL), ERR_OK);
	rig_pump(r);
	(void)rig_asked(r, TLN_messages_checkChatInvite, &q);
	a = fakedc_new(&r->dc, TLN_chatInviteAlready);
	dyn_set_obj(a, TLF_chat, rig_channel(r, 88, 8888));
	rig_answer(r, &q, TLN_messages_checkChatInvite, a);
	assert_int_equal(peers_hash(&r->e.peers, PEERS_CHANNEL - 88), 8888);
}

static struct dyn *dialog(struct rig *r, int64_t id, int pts)
{
	struct dyn *d = fakedc_new(&r->dc, TLN_dialog);

	dyn_set_obj(d, TLF_peer, rig_peer(r, id));
	dyn_set_obj(d, TLF_notify_settings,
		    fakedc_new(&r->dc, TLN_peerNotifySettings));
	if (pts)
		dyn_set_int(d, TLF_pts, pts);
	return d;
}

static void test_list(void **state)
{
	struct chats_page page = { .limit = 20 };
	struct rig *r = *state;
	struct fakedc_query q;
	struct dyn *a, *m;
	struct dyn_vec *v;

	begin(r);
	assert_int_equal(chats_list(&r->e, &ask, &page, NULL), ERR_OK);
	rig_asked_for(r, TLN_messages_getDialogs,
		      "(messages.getDialogs offset_peer=(inputPeerEmpty) "
		      "limit=20)");
	page = (struct chats_page){ .limit = 2,
				    .offset_date = 7,
				    .offset_id = 8,
				    .offset_peer = CHANNEL };
	assert_int_equal(chats_list(&r->e, &ask, &page, NULL), ERR_OK);
	rig_pump(r);
	assert_string_equal(rig_text(rig_asked(r, TLN_messages_getDialogs, &q)),
			    "(messages.getDialogs offset_date=7 offset_id=8 "
			    "offset_peer=(inputPeerChannel channel_id=77 "
			    "access_hash=7777) limit=2)");
	a = fakedc_new(&r->dc, TLN_messages_dialogs);
	v = dyn_add_vec(a, TLF_dialogs);
	dyn_push_obj(v, dialog(r, 31, 0));
	dyn_push_obj(v, dialog(r, CHANNEL, 400));
	/* a message from there shows that he wrote */
	m = rig_message(r, 6, "hello");
	dyn_set_obj(m, TLF_peer_id, rig_peer(r, 31));
	dyn_push_obj(dyn_add_vec(a, TLF_messages), m);
	(void)dyn_add_vec(a, TLF_chats);
	dyn_push_obj(dyn_add_vec(a, TLF_users), rig_user(r, 31, 3131));
	rig_answer(r, &q, TLN_messages_getDialogs, a);
	assert_string_equal(r->said, "sent:5:RPC:0 sent:5:OK:0");
	assert_int_equal(peers_hash(&r->e.peers, 31), 3131);
	assert_true(peers_has(&r->e.peers, 31, PEERS_WROTE));
	assert_int_equal(updates_channel_pts(&r->e.updates, 77), 400);
	page.limit = 0;
	assert_int_equal(chats_list(&r->e, &ask, &page, NULL), ERR_INVALID);
}

/* ---- what a chat lets one do */

static struct dyn *rights(struct rig *r, uint16_t forbidden)
{
	struct dyn *b = fakedc_new(&r->dc, TLN_chatBannedRights);

	if (forbidden)
		dyn_set_bool(b, forbidden, true);
	return b;
}

static void full_channel(struct rig *r, struct dyn *channel)
{
	struct dyn *a = fakedc_new(&r->dc, TLN_messages_chatFull);
	struct dyn *f = fakedc_new(&r->dc, TLN_channelFull);
	struct fakedc_query q;

	assert_int_equal(chats_full(&r->e, &ask, CHANNEL, NULL), ERR_OK);
	rig_pump(r);
	assert_string_equal(
		rig_text(rig_asked(r, TLN_channels_getFullChannel, &q)),
		"(channels.getFullChannel channel=(inputChannel "
		"channel_id=77 access_hash=7777))");
	dyn_set_int(f, TLF_id, 77);
	dyn_set_obj(f, TLF_chat_photo, fakedc_new(&r->dc, TLN_photoEmpty));
	dyn_set_obj(f, TLF_notify_settings,
		    fakedc_new(&r->dc, TLN_peerNotifySettings));
	dyn_set_int(f, TLF_slowmode_seconds, 30);
	dyn_set_int(f, TLF_slowmode_next_send_date, 1790000009);
	dyn_set_obj(a, TLF_full_chat, f);
	dyn_push_obj(dyn_add_vec(a, TLF_chats), channel);
	(void)dyn_add_vec(a, TLF_users);
	has_facts = false;
	rig_answer(r, &q, TLN_channels_getFullChannel, a);
	assert_true(has_facts);
	assert_true(facts.id == CHANNEL);
}

static void test_full_channel(void **state)
{
	struct rig *r = *state;
	struct dyn *c, *admin;

	begin(r);
	c = rig_channel(r, 77, 7777);
	dyn_set_bool(c, TLF_forum, true);
	full_channel(r, c);
	assert_int_equal(facts.slowmode_s, 30);
	assert_int_equal(facts.next_send_date, 1790000009);
	assert_true(facts.forum && facts.may_send && facts.may_send_media);
	assert_false(facts.noforwards || facts.broadcast || facts.left);
	assert_true(peers_has(&r->e.peers, CHANNEL, PEERS_FORUM));

	c = rig_channel(r, 77, 7777);
	dyn_set_bool(c, TLF_noforwards, true);
	dyn_set_obj(c, TLF_default_banned_rights, rights(r, TLF_send_photos));
	full_channel(r, c);
	assert_true(facts.noforwards && facts.may_send);
	assert_false(facts.may_send_media);
	assert_true(peers_has(&r->e.peers, CHANNEL, PEERS_NOFORWARDS));

	c = rig_channel(r, 77, 7777);
	dyn_set_obj(c, TLF_banned_rights, rights(r, TLF_send_messages));
	full_channel(r, c);
	assert_false(facts.may_send || facts.may_send_media);

	/* in a broadcast only admins that may post do */
	c = rig_channel(r, 77, 7777);
	dyn_set_bool(c, TLF_broadcast, true);
	full_channel(r, c);
	assert_true(facts.broadcast);
	assert_false(facts.may_send);
	admin = fakedc_new(&r->dc, TLN_chatAdminRights);
	dyn_set_bool(admin, TLF_post_messages, true);
	dyn_set_obj(c, TLF_admin_rights, admin);
	full_channel(r, c);
	assert_true(facts.may_send);

	c = rig_channel(r, 77, 7777);
	dyn_set_bool(c, TLF_left, true);
	full_channel(r, c);
	assert_true(facts.left);
	assert_false(facts.may_send);
}

static void test_full_group(void **state)
{
	struct rig *r = *state;
	struct dyn *a, *f, *c, *members;
	struct fakedc_query q;

	begin(r);
	assert_int_equal(chats_full(&r->e, &ask, 9, NULL), ERR_INVALID);
	assert_int_equal(chats_full(&r->e, &ask, -55, NULL), ERR_OK);
	rig_pump(r);
	assert_string_equal(
		rig_text(rig_asked(r, TLN_messages_getFullChat, &q)),
		"(messages.getFullChat chat_id=55)");
	a = fakedc_new(&r->dc, TLN_messages_chatFull);
	f = fakedc_new(&r->dc, TLN_chatFull);
	members = fakedc_new(&r->dc, TLN_chatParticipantsForbidden);
	dyn_set_int(members, TLF_chat_id, 55);
	dyn_set_int(f, TLF_id, 55);
	dyn_set_obj(f, TLF_participants, members);
	dyn_set_obj(f, TLF_notify_settings,
		    fakedc_new(&r->dc, TLN_peerNotifySettings));
	dyn_set_obj(a, TLF_full_chat, f);
	c = fakedc_new(&r->dc, TLN_chat);
	dyn_set_int(c, TLF_id, 55);
	dyn_set_bool(c, TLF_noforwards, true);
	dyn_set_obj(c, TLF_photo, fakedc_new(&r->dc, TLN_chatPhotoEmpty));
	dyn_push_obj(dyn_add_vec(a, TLF_chats), c);
	(void)dyn_add_vec(a, TLF_users);
	rig_answer(r, &q, TLN_messages_getFullChat, a);
	assert_true(has_facts);
	assert_int_equal(facts.id, -55);
	assert_true(facts.noforwards && facts.may_send);
	assert_true(peers_has(&r->e.peers, -55, PEERS_NOFORWARDS));
}

static void test_topics(void **state)
{
	const struct chats_topics page = { .offset_topic = 3, .limit = 10 };
	struct rig *r = *state;

	begin(r);
	assert_int_equal(chats_topics(&r->e, &ask, CHANNEL, &page, NULL),
			 ERR_OK);
	rig_asked_for(r, TLN_messages_getForumTopics,
		      "(messages.getForumTopics peer=(inputPeerChannel "
		      "channel_id=77 access_hash=7777) offset_topic=3 "
		      "limit=10)");
}

static void test_buttons(void **state)
{
	struct bots_button b = {
		.peer = -55, .message_id = 8, .data = "yes", .len = 3
	};
	struct bots_reply reply = {
		.query_id = 6, .text = "ok", .alert = true, .cache_s = 4
	};
	struct rig *r = *state;

	begin(r);
	assert_int_equal(bots_press(&r->e, &ask, &b, NULL), ERR_OK);
	rig_asked_for(r, TLN_messages_getBotCallbackAnswer,
		      "(messages.getBotCallbackAnswer peer=(inputPeerChat "
		      "chat_id=55) msg_id=8 data=yes)");
	b.len = BOTS_DATA_MAX + 1;
	assert_int_equal(bots_press(&r->e, &ask, &b, NULL), ERR_INVALID);
	assert_int_equal(bots_answer(&r->e, &ask, &reply, NULL), ERR_OK);
	rig_asked_for(r, TLN_messages_setBotCallbackAnswer,
		      "(messages.setBotCallbackAnswer alert=yes query_id=6 "
		      "message=ok cache_time=4)");
	reply = (struct bots_reply){ .query_id = 6 };
	assert_int_equal(bots_answer(&r->e, &ask, &reply, NULL), ERR_OK);
	rig_asked_for(r, TLN_messages_setBotCallbackAnswer,
		      "(messages.setBotCallbackAnswer query_id=6)");
}

static void test_pressed(void **state)
{
	struct rig *r = *state;
	struct dyn *u;

	begin(r);
	u = fakedc_new(&r->dc, TLN_updateBotCallbackQuery);
	dyn_set_int(u, TLF_query_id, 6);
	dyn_set_int(u, TLF_user_id, 9);
	dyn_set_obj(u, TLF_peer, rig_peer(r, CHANNEL));
	dyn_set_int(u, TLF_msg_id, 8);
	dyn_set_int(u, TLF_chat_instance, 1);
	dyn_set_bytes(u, TLF_data, "yes", 3);
	rig_push_updates(r, u, 0);
	assert_string_equal(r->said, "pressed:9:-1000000000077:8:yes");
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_resolve),
		T(test_resolve_nobody),
		T(test_resolve_in_a_wait),
		T(test_join_and_leave),
		T(test_invites),
		T(test_invite_tells_the_chat),
		T(test_list),
		T(test_full_channel),
		T(test_full_group),
		T(test_topics),
		T(test_buttons),
		T(test_pressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
