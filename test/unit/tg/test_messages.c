/* SPDX-License-Identifier: MIT */
/* The typed calls: what each asks of Telegram, and what its answer changes. */
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
#include "tg/messages.h"
#include "tl/tl_wanted.h"

#define CHANNEL (PEERS_CHANNEL - 77)
#define FRIEND 9

static const struct engine_ask ask = { 5, { 0 } };

/* A channel and a friend who wrote are known. */
static void begin(struct rig *r)
{
	rig_come_online(r);
	engine_at(&r->e, r->now);
	peers_put(&r->e.peers, CHANNEL, 7777, 0);
	peers_put(&r->e.peers, FRIEND, 99, 0);
	peers_flag(&r->e.peers, FRIEND, PEERS_WROTE);
	peers_put(&r->e.peers, 10, 1010, 0); /* a stranger */
}

static void send_hi(struct rig *r, const struct messages_to *to)
{
	assert_int_equal(messages_send(&r->e, &ask, to, "hi", 3, NULL), ERR_OK);
}

static void test_send(void **state)
{
	struct rig *r = *state;

	begin(r);
	send_hi(r, &(struct messages_to){ 0 });
	rig_asked_for(r, TLN_messages_sendMessage,
		      "(messages.sendMessage peer=(inputPeerSelf) message=hi "
		      "random_id=3)");
	send_hi(r, &(struct messages_to){ .peer = RIG_SELF, .silent = true });
	rig_asked_for(r, TLN_messages_sendMessage,
		      "(messages.sendMessage silent=yes peer=(inputPeerSelf) "
		      "message=hi random_id=3)");
	send_hi(r, &(struct messages_to){ .peer = -55, .reply_to = 8 });
	rig_asked_for(r, TLN_messages_sendMessage,
		      "(messages.sendMessage peer=(inputPeerChat chat_id=55) "
		      "reply_to=(inputReplyToMessage reply_to_msg_id=8) "
		      "message=hi random_id=3)");
	send_hi(r, &(struct messages_to){ .peer = CHANNEL, .topic = 4 });
	rig_asked_for(r, TLN_messages_sendMessage,
		      "(messages.sendMessage peer=(inputPeerChannel "
		      "channel_id=77 access_hash=7777) "
		      "reply_to=(inputReplyToMessage reply_to_msg_id=4 "
		      "top_msg_id=4) message=hi random_id=3)");
	send_hi(r, &(struct messages_to){
			   .peer = CHANNEL, .topic = 4, .reply_to = 6 });
	rig_asked_for(r, TLN_messages_sendMessage,
		      "(messages.sendMessage peer=(inputPeerChannel "
		      "channel_id=77 access_hash=7777) "
		      "reply_to=(inputReplyToMessage reply_to_msg_id=6 "
		      "top_msg_id=4) message=hi random_id=3)");
	/* the general topic is no thread */
	send_hi(r, &(struct messages_to){ .peer = -55,
					  .topic = ENGINE_TOPIC_GENERAL });
	rig_asked_for(r, TLN_messages_sendMessage,
		      "(messages.sendMessage peer=(inputPeerChat chat_id=55) "
		      "message=hi random_id=3)");
}

static void test_texts(void **state)
{
	static char long_text[4 * ENGINE_TEXT_MAX + 2];
	struct rig *r = *state;
	struct err_info ei = { 0 };
	const struct messages_to to = { .peer = -55 };

	begin(r);
	memset(long_text, 'x', sizeof(long_text) - 1);
	assert_int_equal(messages_send(&r->e, &ask, &to, "", 3, &ei),
			 ERR_INVALID);
	assert_int_equal(messages_send(&r->e, &ask, &to, long_text, 3, &ei),
			 ERR_INVALID);
	assert_non_null(strstr(ei.msg, "4096"));
	assert_int_equal(messages_edit(&r->e, &ask, -55, 8, "", &ei),
			 ERR_INVALID);
	assert_int_equal(r->e.ncalls, 0);
}

static void test_edit(void **state)
{
	struct rig *r = *state;

	begin(r);
	assert_int_equal(messages_edit(&r->e, &ask, CHANNEL, 8, "new", NULL),
			 ERR_OK);
	rig_asked_for(r, TLN_messages_editMessage,
		      "(messages.editMessage peer=(inputPeerChannel "
		      "channel_id=77 access_hash=7777) id=8 message=new)");
}

static void test_delete(void **state)
{
	static const int32_t v[] = { 8, 9 };
	static int32_t many[MESSAGES_IDS_MAX + 1];
	const struct messages_ids ids = { v, 2 };
	struct rig *r = *state;
	struct err_info ei = { 0 };

	begin(r);
	assert_int_equal(messages_delete(&r->e, &ask, -55, &ids, true, NULL),
			 ERR_OK);
	rig_asked_for(r, TLN_messages_deleteMessages,
		      "(messages.deleteMessages revoke=yes id=8,9)");
	assert_int_equal(messages_delete(&r->e, &ask, -55, &ids, false, NULL),
			 ERR_OK);
	rig_asked_for(r, TLN_messages_deleteMessages,
		      "(messages.deleteMessages id=8,9)");
	assert_int_equal(
		messages_delete(&r->e, &ask, CHANNEL, &ids, true, NULL),
		ERR_OK);
	rig_asked_for(r, TLN_channels_deleteMessages,
		      "(channels.deleteMessages channel=(inputChannel "
		      "channel_id=77 access_hash=7777) id=8,9)");
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (int32_t)i + 1;
	assert_int_equal(
		messages_delete(&r->e, &ask, -55,
				&(struct messages_ids){ many, ARRAY_LEN(many) },
				true, &ei),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "101 messages"));
	assert_int_equal(messages_delete(&r->e, &ask, -55,
					 &(struct messages_ids){ many, 0 },
					 true, &ei),
			 ERR_INVALID);
	many[3] = 0;
	assert_int_equal(messages_delete(&r->e, &ask, -55,
					 &(struct messages_ids){ many, 5 },
					 true, &ei),
			 ERR_INVALID);
}

static struct dyn *affected(struct rig *r, int pts, int count)
{
	struct dyn *a = fakedc_new(&r->dc, TLN_messages_affectedMessages);

	dyn_set_int(a, TLF_pts, pts);
	dyn_set_int(a, TLF_pts_count, count);
	return a;
}

/* What our own deletion did to the box is told by its answer only. */
static void test_affected(void **state)
{
	static const int32_t v[] = { 8, 9 };
	const struct messages_ids ids = { v, 2 };
	struct rig *r = *state;
	struct fakedc_query q;

	begin(r);
	assert_int_equal(messages_delete(&r->e, &ask, -55, &ids, true, NULL),
			 ERR_OK);
	rig_pump(r);
	(void)rig_asked(r, TLN_messages_deleteMessages, &q);
	rig_answer(r, &q, TLN_messages_deleteMessages, affected(r, 12, 2));
	assert_string_equal(r->said, "sent:5:OK:0");
	assert_int_equal(r->pos.pts, 12);
	/* the next update fits */
	rig_push_updates(r, rig_new_message(r, 10, "x", 13), 0);
	assert_string_equal(r->said, "sent:5:OK:0 <-55:10:x");
	/* and one that does not is a gap */
	assert_int_equal(messages_read(&r->e, &ask, -55, 10, NULL), ERR_OK);
	rig_pump(r);
	(void)rig_asked(r, TLN_messages_readHistory, &q);
	rig_answer(r, &q, TLN_messages_readHistory, affected(r, 20, 1));
	rig_answer_difference(r, false, 11, 1,
			      (struct updates_pos){ 20, 0, 101, 1 });
	assert_int_equal(r->pos.pts, 20);
}

static void test_affected_channel(void **state)
{
	static const int32_t v[] = { 8 };
	const struct messages_ids ids = { v, 1 };
	struct rig *r = *state;
	struct fakedc_query q;

	begin(r);
	updates_begin_channel(&r->e.updates, 77, 30);
	assert_int_equal(
		messages_delete(&r->e, &ask, CHANNEL, &ids, true, NULL),
		ERR_OK);
	rig_pump(r);
	(void)rig_asked(r, TLN_channels_deleteMessages, &q);
	rig_answer(r, &q, TLN_channels_deleteMessages, affected(r, 31, 1));
	assert_int_equal(updates_channel_pts(&r->e.updates, 77), 31);
	assert_int_equal(r->pos.pts, 10);
}

static struct dyn *short_sent(struct rig *r, int id, int pts)
{
	struct dyn *u = fakedc_new(&r->dc, TLN_updateShortSentMessage);

	dyn_set_bool(u, TLF_out, true);
	dyn_set_int(u, TLF_id, id);
	dyn_set_int(u, TLF_pts, pts);
	dyn_set_int(u, TLF_pts_count, 1);
	dyn_set_int(u, TLF_date, 100);
	return u;
}

static struct engine_message got;

static void on_message(struct rig *r, const struct engine_event *ev)
{
	if (ev->type == ENGINE_MESSAGE)
		got = *ev->message;
}

/* The short answer says only where the message is: what it says we know. */
static void test_sent_short(void **state)
{
	struct rig *r = *state;
	struct fakedc_query q;

	begin(r);
	r->hook = on_message;
	send_hi(r, &(struct messages_to){ .peer = FRIEND, .reply_to = 4 });
	rig_pump(r);
	(void)rig_asked(r, TLN_messages_sendMessage, &q);
	rig_answer(r, &q, TLN_messages_sendMessage, short_sent(r, 7, 11));
	assert_string_equal(r->said, "sent:5:OK:7 >9:7:hi");
	assert_int_equal(got.reply_to, 4);
	assert_int_equal(got.from_id, RIG_SELF);
	assert_int_equal(got.date, 100);
	assert_int_equal(r->pos.pts, 11);
	/* it comes again by another way: known */
	rig_push_updates(r, rig_new_message(r, 7, "hi", 11), 0);
	assert_string_equal(r->said, "sent:5:OK:7 >9:7:hi");
	/* to itself, and too early: held until what is missing came */
	send_hi(r, &(struct messages_to){ 0 });
	rig_pump(r);
	(void)rig_asked(r, TLN_messages_sendMessage, &q);
	r->said[0] = 0;
	rig_answer(r, &q, TLN_messages_sendMessage, short_sent(r, 9, 13));
	assert_string_equal(r->said, "sent:5:OK:9");
	rig_push_updates(r, rig_new_message(r, 8, "x", 12), 0);
	assert_string_equal(r->said, "sent:5:OK:9 <-55:8:x >4242:9:hi");
	assert_int_equal(r->pos.pts, 13);
}

static void test_forward(void **state)
{
	static const int32_t ids[] = { 8, 9 };
	static const int64_t random_ids[] = { 100, 101 };
	struct messages_forward f = { .from = CHANNEL,
				      .ids = { ids, 2 },
				      .random_ids = random_ids };
	struct messages_to to = { .peer = -55 };
	struct rig *r = *state;
	struct err_info ei = { 0 };

	begin(r);
	assert_int_equal(messages_forward(&r->e, &ask, &to, &f, NULL), ERR_OK);
	rig_asked_for(
		r, TLN_messages_forwardMessages,
		"(messages.forwardMessages from_peer=(inputPeerChannel "
		"channel_id=77 access_hash=7777) id=8,9 random_id=100,101 "
		"to_peer=(inputPeerChat chat_id=55))");
	f.drop_author = f.drop_captions = true;
	f.from = FRIEND;
	to = (struct messages_to){ .peer = CHANNEL,
				   .topic = 4,
				   .silent = true };
	assert_int_equal(messages_forward(&r->e, &ask, &to, &f, NULL), ERR_OK);
	rig_asked_for(r, TLN_messages_forwardMessages,
		      "(messages.forwardMessages silent=yes drop_author=yes "
		      "drop_media_captions=yes from_peer=(inputPeerUser "
		      "user_id=9 access_hash=99) id=8,9 random_id=100,101 "
		      "to_peer=(inputPeerChannel channel_id=77 "
		      "access_hash=7777) top_msg_id=4)");
	/* protected content stays where it is */
	peers_put(&r->e.peers, CHANNEL, 7777, PEERS_NOFORWARDS);
	f.from = CHANNEL;
	to.peer = -55;
	assert_int_equal(messages_forward(&r->e, &ask, &to, &f, &ei),
			 ERR_FORBIDDEN);
	assert_non_null(strstr(ei.msg, "protects"));
}

static void test_media(void **state)
{
	struct tlc_inputPhoto photo = {
		.id = 1,
		.access_hash = 2,
		.file_reference = { (const uint8_t *)"ref", 3 },
	};
	struct tlc_inputMediaPhoto known = {
		.id = { .kind = TLN_inputPhoto, .inputPhoto = &photo },
	};
	const struct tlt_InputMedia media = { .kind = TLN_inputMediaPhoto,
					      .inputMediaPhoto = &known };
	struct messages_media list[MESSAGES_ALBUM_MAX + 1];
	const struct messages_to to = { .peer = -55, .reply_to = 2 };
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		list[i] = (struct messages_media){
			.media = &media,
			.random_id = 10 + (int64_t)i,
		};
	list[0].caption =
		(struct messages_text){ (const uint8_t *)"look", 4, NULL };
	begin(r);
	assert_int_equal(messages_send_media(&r->e, &ask, &to, list, 1, NULL),
			 ERR_OK);
	rig_asked_for(
		r, TLN_messages_sendMedia,
		"(messages.sendMedia peer=(inputPeerChat chat_id=55) "
		"reply_to=(inputReplyToMessage reply_to_msg_id=2) "
		"media=(inputMediaPhoto id=(inputPhoto id=1 access_hash=2 "
		"file_reference=ref)) message=look random_id=10)");
	assert_int_equal(messages_send_media(&r->e, &ask, &to, list, 2, NULL),
			 ERR_OK);
	rig_asked_for(
		r, TLN_messages_sendMultiMedia,
		"(messages.sendMultiMedia peer=(inputPeerChat chat_id=55) "
		"reply_to=(inputReplyToMessage reply_to_msg_id=2) "
		"multi_media=(inputSingleMedia media=(inputMediaPhoto "
		"id=(inputPhoto id=1 access_hash=2 file_reference=ref)) "
		"random_id=10 message=look),(inputSingleMedia "
		"media=(inputMediaPhoto id=(inputPhoto id=1 access_hash=2 "
		"file_reference=ref)) random_id=11 message=))");
	assert_int_equal(messages_send_media(&r->e, &ask, &to, list, 0, NULL),
			 ERR_INVALID);
	assert_int_equal(messages_send_media(&r->e, &ask, &to, list,
					     MESSAGES_ALBUM_MAX + 1, NULL),
			 ERR_INVALID);
}

static void test_fetch(void **state)
{
	static const int32_t v[] = { 8, 9 };
	const struct messages_ids ids = { v, 2 };
	struct messages_page page = { .offset_id = 50,
				      .min_id = 3,
				      .limit = 20 };
	struct rig *r = *state;

	begin(r);
	assert_int_equal(messages_history(&r->e, &ask, -55, &page, NULL),
			 ERR_OK);
	rig_asked_for(r, TLN_messages_getHistory,
		      "(messages.getHistory peer=(inputPeerChat chat_id=55) "
		      "offset_id=50 limit=20 min_id=3)");
	assert_int_equal(messages_search(&r->e, &ask,
					 &(struct messages_to){ .peer = CHANNEL,
								.topic = 4 },
					 "cat", &page, NULL),
			 ERR_OK);
	rig_asked_for(r, TLN_messages_search,
		      "(messages.search peer=(inputPeerChannel channel_id=77 "
		      "access_hash=7777) q=cat top_msg_id=4 "
		      "filter=(inputMessagesFilterEmpty) offset_id=50 limit=20 "
		      "min_id=3)");
	assert_int_equal(messages_get(&r->e, &ask, FRIEND, &ids, NULL), ERR_OK);
	rig_asked_for(r, TLN_messages_getMessages,
		      "(messages.getMessages id=(inputMessageID id=8),"
		      "(inputMessageID id=9))");
	assert_int_equal(messages_get(&r->e, &ask, CHANNEL, &ids, NULL),
			 ERR_OK);
	rig_asked_for(
		r, TLN_channels_getMessages,
		"(channels.getMessages channel=(inputChannel "
		"channel_id=77 access_hash=7777) id=(inputMessageID id=8),"
		"(inputMessageID id=9))");
	page.limit = 0;
	assert_int_equal(messages_history(&r->e, &ask, -55, &page, NULL),
			 ERR_INVALID);
	page.limit = MESSAGES_PAGE_MAX + 1;
	assert_int_equal(messages_history(&r->e, &ask, -55, &page, NULL),
			 ERR_INVALID);
}

static void test_read_and_typing(void **state)
{
	struct rig *r = *state;

	begin(r);
	assert_int_equal(messages_read(&r->e, &ask, FRIEND, 8, NULL), ERR_OK);
	rig_asked_for(r, TLN_messages_readHistory,
		      "(messages.readHistory peer=(inputPeerUser user_id=9 "
		      "access_hash=99) max_id=8)");
	assert_int_equal(messages_read(&r->e, &ask, CHANNEL, 8, NULL), ERR_OK);
	rig_asked_for(r, TLN_channels_readHistory,
		      "(channels.readHistory channel=(inputChannel "
		      "channel_id=77 access_hash=7777) max_id=8)");
	assert_int_equal(messages_typing(&r->e, &ask,
					 &(struct messages_to){ .peer = -55 },
					 NULL),
			 ERR_OK);
	rig_asked_for(r, TLN_messages_setTyping,
		      "(messages.setTyping peer=(inputPeerChat chat_id=55) "
		      "action=(sendMessageTypingAction))");
}

/* A group that became a channel is that channel for whoever still says -55. */
static void test_migrated(void **state)
{
	struct rig *r = *state;
	struct err_info ei = { 0 };
	struct fakedc_query q;

	begin(r);
	peers_put(&r->e.peers, -55, CHANNEL, PEERS_MIGRATED);
	send_hi(r, &(struct messages_to){ .peer = -55 });
	rig_pump(r);
	(void)rig_asked(r, TLN_messages_sendMessage, &q);
	fakedc_error(&r->dc, &q, 420, "SLOWMODE_WAIT_9");
	rig_pump(r);
	/* ... and so are its waits */
	assert_int_equal(messages_send(&r->e, &ask,
				       &(struct messages_to){ .peer = CHANNEL },
				       "hi", 4, &ei),
			 ERR_FLOOD);
	assert_int_equal(ei.arg, 10);
}

/* Whom no hash is known of is named by a message he was seen in. */
static void test_seen_only(void **state)
{
	struct messages_page page = { .limit = 1 };
	struct rig *r = *state;
	struct dyn *m, *u;

	begin(r);
	assert_int_equal(messages_history(&r->e, &ask, 31, &page, NULL),
			 ERR_NOTFOUND);
	u = rig_new_message(r, 4, "hey", 11);
	m = dyn_obj(u, TLF_message);
	dyn_set_obj(m, TLF_from_id, rig_peer(r, 31));
	rig_push_updates(r, u, 0);
	assert_int_equal(messages_history(&r->e, &ask, 31, &page, NULL),
			 ERR_OK);
	rig_asked_for(r, TLN_messages_getHistory,
		      "(messages.getHistory peer=(inputPeerUserFromMessage "
		      "peer=(inputPeerChat chat_id=55) msg_id=4 user_id=31) "
		      "limit=1)");
	/* which is no reason to write to him */
	assert_int_equal(messages_send(&r->e, &ask,
				       &(struct messages_to){ .peer = 31 },
				       "hi", 4, NULL),
			 ERR_FORBIDDEN);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_send),
		T(test_texts),
		T(test_edit),
		T(test_delete),
		T(test_affected),
		T(test_affected_channel),
		T(test_sent_short),
		T(test_forward),
		T(test_media),
		T(test_fetch),
		T(test_read_and_typing),
		T(test_migrated),
		T(test_seen_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
