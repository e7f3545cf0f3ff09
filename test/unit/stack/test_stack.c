/* SPDX-License-Identifier: MIT */
/*
 * Two accounts of ours in one data centre of ours, over loopback: what one does
 * by the typed calls the other hears, and nobody's updates show a gap by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dc/dc_int.h"
#include "dc/world_file.h"
#include "tg/chats.h"
#include "tg/messages.h"
#include "tl/tl_wanted.h"

#define TURNS 3000

struct person {
	struct engine e;
	struct world_user *user;
	uint64_t link;
	bool online, closed, answered;
	uint64_t tag;
	/* of the last answer */
	enum err rc;
	int32_t message_id;
	uint32_t n; /* messages, dialogs in it */
	int64_t first_id;
	char error[64];
	struct chats_facts facts;
	struct tlc_inputPhoto photo; /* of the last message with one */
	uint8_t reference[64];
	int64_t grouped_id;
	char said[2048];
};

static struct clock_manual clk;
static struct loop *loop;
static struct dc *dc;
static struct engine_env env;
static struct person ada, boris;
static struct world_channel *room;
static int64_t room_id;

static void quiet(void *ctx, const char *line)
{
}

static void say(struct person *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void say(struct person *p, const char *fmt, ...)
{
	size_t n = strlen(p->said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->said + n, sizeof(p->said) - n, fmt, ap);
	va_end(ap);
}

/* The photo of a message, to send it again. */
static void take_photo(struct person *p, const struct engine_message *m)
{
	const struct tlc_messageMediaPhoto *media;
	const struct tlc_photo *photo;

	if (m->media != TLN_messageMediaPhoto || !m->full)
		return;
	media = m->full->media.messageMediaPhoto;
	photo = media->photo.photo;
	p->photo = (struct tlc_inputPhoto){ .id = photo->id,
					    .access_hash = photo->access_hash };
	assert_true(photo->file_reference.len <= sizeof(p->reference));
	memcpy(p->reference, photo->file_reference.data,
	       photo->file_reference.len);
	p->photo.file_reference =
		(struct tl_bytes){ p->reference, photo->file_reference.len };
	p->grouped_id = m->grouped_id;
}

static void hear(struct person *p, const struct engine_message *m)
{
	static const char *const what[] = { "", "~", "!" };

	take_photo(p, m);
	say(p, "%s%d:%.*s%s ", what[m->kind], m->id, (int)m->text_len,
	    m->text ? (const char *)m->text : "", m->forwarded ? "(fwd)" : "");
}

static void count(struct person *p, const struct engine_answer *a)
{
	const struct tlv_any *v;

	v = bind_vec(a->obj.kind, a->obj.any, TLF_dialogs, TLT_Dialog);
	if (!v)
		v = bind_vec(a->obj.kind, a->obj.any, TLF_messages,
			     TLT_Message);
	p->n = v ? v->n : 0;
	if (v && v->n)
		(void)bind_int(v->v[0].kind, v->v[0].any, TLF_id, &p->first_id);
}

static void on_answer(struct person *p, const struct engine_event *ev)
{
	p->answered = true;
	p->rc = ev->rc;
	p->message_id = ev->answer->message_id;
	snprintf(p->error, sizeof(p->error), "%s",
		 ev->rpcerr ? ev->rpcerr->name : "");
	count(p, ev->answer);
	(void)chats_facts(ev->answer, &p->facts);
	if (chats_resolved(ev->answer))
		p->first_id = chats_resolved(ev->answer);
}

static enum err on_event(void *ctx, const struct engine_event *ev)
{
	struct person *p = ctx;

	switch (ev->type) {
	case ENGINE_ONLINE:
		p->online = true;
		break;
	case ENGINE_MESSAGE:
		hear(p, ev->message);
		break;
	case ENGINE_DELETED:
		say(p, "-%d ", ev->deleted->ids[0]);
		break;
	case ENGINE_ANSWER:
		on_answer(p, ev);
		break;
	case ENGINE_REFUSED:
		fail_msg("refused: %s", ev->rpcerr->name);
		break;
	default:
		break;
	}
	return ERR_OK;
}

/* ---- the line */

static void pump(struct person *p)
{
	struct err_info ei = { 0 };
	struct buf out;

	buf_init(&out, 8U << 20);
	if (engine_output(&p->e, loop_now(loop), &out, &ei))
		fail_msg("output: %s", ei.msg);
	if (buf_len(&out))
		assert_int_equal(
			link_send(loop, p->link, buf_head(&out), buf_len(&out)),
			ERR_OK);
	buf_deinit(&out);
}

static void on_open(void *ctx, uint64_t link)
{
	struct person *p = ctx;

	assert_int_equal(
		engine_connected(&p->e, loop_now(loop), loop_wall(loop), NULL),
		ERR_OK);
	pump(p);
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct person *p = ctx;
	struct err_info ei = { 0 };

	if (engine_feed(&p->e, data, len, loop_now(loop), &ei))
		fail_msg("feed: %s", ei.msg);
	pump(p);
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	((struct person *)ctx)->closed = true;
}

static const struct link_ops ops = { .on_open = on_open,
				     .on_data = on_data,
				     .on_close = on_close };

static void dial(struct person *p)
{
	struct link_dial_options o = { 0 };

	snprintf(o.to.host, sizeof(o.to.host), "127.0.0.1");
	o.to.port = listener_addr(dc->nodes[0].listener).port;
	p->online = p->closed = false;
	assert_int_equal(link_dial(loop, &o, &ops, p, &p->link, NULL), ERR_OK);
	for (int i = 0; i < TURNS && !p->online; i++)
		loop_turn(loop, 1000);
	assert_true(p->online);
}

static void hang_up(struct person *p)
{
	link_close(loop, p->link, CLOSE_LOCAL);
	for (int i = 0; i < TURNS && !p->closed; i++)
		loop_turn(loop, 1000);
	engine_disconnected(&p->e);
}

/* Until nobody has anything to say. */
static void settle(void)
{
	for (int i = 0; i < 20; i++)
		loop_turn(loop, 1000);
}

/* ---- who there is */

static void person_begin(struct person *p, const char *phone, const char *name)
{
	struct world_new_user n = { .phone = phone,
				    .first = name,
				    .username = name };
	struct dc_store_key row = { .dc_id = 1, .salt = 99 };
	struct dc_key *key;
	const struct engine_config cfg = { &env, rnd_system(), on_event, p };

	*p = (struct person){ 0 };
	assert_int_equal(world_add_user(&dc->world, &n, &p->user), ERR_OK);
	rnd_fill(rnd_system(), row.key, sizeof(row.key));
	row.created = dc_now(dc);
	assert_int_equal(dc_key_add(dc, &row, &key), ERR_OK);
	key->user_id = p->user->id;
	engine_init(&p->e, &cfg);
	assert_int_equal(engine_set_key(&p->e, row.key, NULL), ERR_OK);
	dial(p);
}

static void room_begin(void)
{
	const struct world_new_channel n = { .title = "room",
					     .about = "",
					     .creator = ada.user->id,
					     .megagroup = true,
					     .date = dc_now(dc) };
	struct world_msg *m;

	assert_int_equal(world_add_channel(&dc->world, &n, &room, &m), ERR_OK);
	assert_int_equal(world_channel_rename(&dc->world, room, "the_room"),
			 ERR_OK);
	room_id = world_channel_mark(room->id);
	settle();
}

static int setup(void **state)
{
	const struct engine_app app = { 1, "test", "test", "test" };
	struct loop_options lo = { .clock = &clk.clock };
	struct dc_options o = { .count = 1 };

	log_set_sink(quiet, NULL);
	clock_manual_init(&clk, (struct mono){ 1000 * US_PER_SEC },
			  wall_from_sec(1790000000));
	assert_int_equal(addr_parse("127.0.0.1:0", &o.listen, NULL), ERR_OK);
	o.admin = o.listen;
	assert_int_equal(loop_new(&loop, &lo, NULL), ERR_OK);
	assert_int_equal(dc_new(&dc, loop, &o, NULL), ERR_OK);
	assert_int_equal(engine_env_init(&env, &app, NULL), ERR_OK);
	person_begin(&ada, "9996610001", "adada");
	person_begin(&boris, "9996610002", "boris");
	room_begin();
	ada.said[0] = boris.said[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	hang_up(&ada);
	hang_up(&boris);
	engine_deinit(&ada.e);
	engine_deinit(&boris.e);
	dc_free(dc);
	loop_free(loop);
	log_set_sink(NULL, NULL);
	return 0;
}

/* ---- a call and its answer */

static struct engine_ask ask(struct person *p)
{
	engine_at(&p->e, loop_now(loop));
	p->answered = false;
	return (struct engine_ask){ .tag = ++p->tag };
}

static void await(struct person *p, enum err made)
{
	assert_int_equal(made, ERR_OK);
	pump(p);
	for (int i = 0; i < TURNS && !p->answered; i++)
		loop_turn(loop, 1000);
	assert_true(p->answered);
	if (p->rc)
		fail_msg("%s %s", err_name(p->rc), p->error);
	settle();
}

#define CALL(p, f, ...)                                                        \
	do {                                                                   \
		const struct engine_ask ask_ = ask(p);                         \
		await(p, f(&(p)->e, &ask_, __VA_ARGS__, NULL));                \
	} while (0)

static void send(struct person *p, int64_t peer, const char *text)
{
	const struct messages_to to = { .peer = peer };

	CALL(p, messages_send, &to, text, (int64_t)p->tag + 1000);
}

static void join(struct person *p)
{
	int64_t id = 0;

	CALL(p, chats_resolve, "the_room", &id);
	assert_int_equal(id, 0);
	assert_true(p->first_id == room_id);
	CALL(p, chats_join, room_id);
}

/* The positions of both are the world's, and no difference was needed. */
static void assert_no_gap(const struct person *p)
{
	assert_int_equal(p->e.updates.pos.pts, world_pts(p->user));
	assert_int_equal(p->e.updates.nheld, 0);
	assert_int_equal(updates_channel_pts(&p->e.updates, room->id),
			 world_channel_pts(room));
}

static void test_a_room(void **state)
{
	const int32_t ids[] = { 4, 5 };
	const int64_t random_ids[] = { 71, 72 };
	const struct messages_ids both = { ids, 2 };
	const struct messages_page page = { .limit = 10 };
	const struct messages_to to = { .peer = room_id };
	struct messages_forward f = { .ids = both, .random_ids = random_ids };
	uint64_t differences;

	join(&boris);
	ada.said[0] = boris.said[0] = 0;
	differences = dc->counters.calls[DC_M_updates_getDifference];
	send(&ada, room_id, "one");
	assert_int_equal(ada.message_id, 3);
	send(&boris, room_id, "two");
	send(&ada, room_id, "three");
	assert_string_equal(ada.said, "3:one 4:two 5:three ");
	assert_string_equal(boris.said, ada.said);
	/* the same again is not sent twice */
	ada.tag--;
	send(&ada, room_id, "three");
	assert_int_equal(ada.message_id, 5);
	assert_string_equal(boris.said, "3:one 4:two 5:three ");
	ada.said[0] = boris.said[0] = 0;
	CALL(&boris, messages_edit, room_id, 4, "TWO");
	f.from = room_id;
	CALL(&ada, messages_forward, &to, &f);
	assert_int_equal(ada.message_id, 6);
	f.drop_author = true;
	f.random_ids = (const int64_t[]){ 73, 74 };
	CALL(&ada, messages_forward, &to, &f);
	CALL(&ada, messages_delete, room_id, &both, true);
	assert_string_equal(ada.said, "~4:TWO 6:TWO(fwd) 7:three(fwd) 8:TWO "
				      "9:three ");
	assert_string_equal(boris.said, "~4:TWO 6:TWO(fwd) 7:three(fwd) 8:TWO "
					"9:three -4 -5 ");
	assert_no_gap(&ada);
	assert_no_gap(&boris);
	assert_int_equal(dc->counters.calls[DC_M_updates_getDifference],
			 differences);
	CALL(&boris, messages_history, room_id, &page);
	assert_true(boris.n >= 5);
	assert_int_equal(boris.first_id, 9);
	CALL(&boris, messages_get, room_id, &both);
	assert_int_equal(boris.n, 2);
	CALL(&boris, messages_search, &to, "three", &page);
	assert_int_equal(boris.n, 2);
	CALL(&boris, messages_read, room_id, 9);
	CALL(&boris, messages_typing, &to);
	CALL(&boris, chats_full, room_id);
	assert_true(boris.facts.id == room_id);
	assert_true(boris.facts.may_send);
	CALL(&boris, chats_leave, room_id);
	assert_false(world_channel_in(room, boris.user->id));
	/* known names are not asked for */
	assert_int_equal(dc->counters.calls[DC_M_contacts_resolveUsername], 1);
}

static void file_begin(struct person *from, const char *name)
{
	struct world_file f = { .dc_id = 1,
				.photo = true,
				.date = dc_now(dc),
				.size = 3,
				.data = malloc(3) };
	struct world_new_msg n = { .from = from->user->id,
				   .peer = room_id,
				   .text = name,
				   .text_len = strlen(name),
				   .date = dc_now(dc) };
	struct world_file *kept;
	struct world_msg *m;
	bool again;

	assert_non_null(f.data);
	memcpy(f.data, "abc", 3);
	assert_int_equal(world_add_file(&dc->world, &f, &kept), ERR_OK);
	n.extra.file_id = kept->id;
	assert_int_equal(world_send(&dc->world, &n, &m, &again), ERR_OK);
	settle();
}

/* A photo that came is sent on as a new one, alone and in an album. */
static void test_media_again(void **state)
{
	struct tlc_inputMediaPhoto photo = { 0 };
	const struct tlt_InputMedia media = { .kind = TLN_inputMediaPhoto,
					      .inputMediaPhoto = &photo };
	const struct messages_media one = {
		&media, { (const uint8_t *)"first", 5, NULL }, 81
	};
	const struct messages_media two[] = {
		{ &media, { (const uint8_t *)"a", 1, NULL }, 82 },
		{ &media, { NULL, 0, NULL }, 83 },
	};
	const struct messages_to to = { .peer = room_id };

	join(&boris);
	file_begin(&ada, "look");
	assert_int_equal(boris.photo.file_reference.len, WORLD_FILE_REF_LEN);
	photo.id.kind = TLN_inputPhoto;
	photo.id.inputPhoto = &boris.photo;
	ada.said[0] = 0;
	CALL(&boris, messages_send_media, &to, &one, 1);
	assert_string_equal(ada.said, "4:first ");
	assert_int_equal(ada.grouped_id, 0);
	CALL(&boris, messages_send_media, &to, two, 2);
	assert_string_equal(ada.said, "4:first 5:a 6: ");
	assert_int_not_equal(ada.grouped_id, 0);
	assert_no_gap(&ada);
	assert_no_gap(&boris);
}

/* Who wrote may be answered, and nobody else. */
static void test_private(void **state)
{
	const struct world_new_msg n = { .from = boris.user->id,
					 .peer = ada.user->id,
					 .text = "hello",
					 .text_len = 5,
					 .date = dc_now(dc) };
	const struct messages_to to = { .peer = boris.user->id };
	const struct messages_page page = { .limit = 10 };
	struct engine_ask first = ask(&ada);
	struct world_msg *m;
	bool again;

	assert_int_equal(messages_send(&ada.e, &first, &to, "hi", 5, NULL),
			 ERR_FORBIDDEN);
	assert_int_equal(world_send(&dc->world, &n, &m, &again), ERR_OK);
	settle();
	assert_string_equal(ada.said, "1:hello ");
	send(&ada, boris.user->id, "hi");
	assert_string_equal(ada.said, "1:hello 2:hi ");
	assert_string_equal(boris.said, "1:hello 2:hi ");
	CALL(&ada, messages_history, boris.user->id, &page);
	assert_int_equal(ada.n, 2);
	/* the answered one may answer as well */
	send(&boris, ada.user->id, "you");
	assert_string_equal(ada.said, "1:hello 2:hi 3:you ");
	CALL(&ada, messages_read, boris.user->id, 3);
	assert_int_equal(ada.e.updates.pos.pts, world_pts(ada.user));
	assert_int_equal(boris.e.updates.pos.pts, world_pts(boris.user));
}

/* Saved messages: deleted by our own call, whose answer alone says so. */
static void test_own_deletion_counts(void **state)
{
	const int32_t ids[] = { 1, 2 };
	const struct messages_ids both = { ids, 2 };

	send(&ada, 0, "a");
	send(&ada, 0, "b");
	CALL(&ada, messages_delete, 0, &both, true);
	assert_int_equal(ada.e.updates.pos.pts, world_pts(ada.user));
	send(&ada, 0, "c");
	assert_int_equal(ada.e.updates.pos.pts, world_pts(ada.user));
	assert_string_equal(ada.said, "1:a 2:b 3:c ");
}

/* Dialogs tell of chats the account never heard of in this process. */
static void test_dialogs(void **state)
{
	const struct chats_page page = { .limit = 20 };
	const struct messages_page last = { .limit = 1 };

	join(&boris);
	send(&boris, room_id, "x");
	send(&boris, 0, "note");
	peers_deinit(&boris.e.peers);
	CALL(&boris, chats_list, &page);
	assert_int_equal(boris.n, 2);
	CALL(&boris, messages_history, room_id, &last);
	assert_int_equal(boris.n, 1);
}

static void test_invite(void **state)
{
	struct world_invite *invite;
	char link[64];

	assert_int_equal(world_channel_rename(&dc->world, room, ""), ERR_OK);
	assert_int_equal(
		dc_invites_make(dc, room->box.peer, room->creator, &invite),
		ERR_OK);
	snprintf(link, sizeof(link), "https://t.me/+%s", invite->hash);
	CALL(&boris, chats_check_invite, link);
	assert_false(world_channel_in(room, boris.user->id));
	CALL(&boris, chats_join_invite, link);
	assert_true(world_channel_in(room, boris.user->id));
	send(&boris, room_id, "here");
	assert_non_null(strstr(ada.said, ":here "));
	/* the answer now says the chat itself */
	peers_deinit(&boris.e.peers);
	CALL(&boris, chats_check_invite, link);
	send(&boris, room_id, "again");
}

/* Missed meanwhile, told after, once; and peers are known by the difference. */
static void test_away(void **state)
{
	join(&boris);
	send(&ada, room_id, "before");
	hang_up(&boris);
	boris.said[0] = 0;
	send(&ada, room_id, "while");
	dial(&boris);
	settle();
	send(&ada, room_id, "after");
	for (int i = 0; i < 3; i++) {
		clock_manual_advance(&clk, UPDATES_GAP_US);
		assert_int_equal(engine_tick(&boris.e, loop_now(loop), NULL),
				 ERR_OK);
		pump(&boris);
		settle();
	}
	assert_string_equal(boris.said, "4:while 5:after ");
	assert_no_gap(&boris);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_room),	 T(test_media_again),
		T(test_private), T(test_own_deletion_counts),
		T(test_dialogs), T(test_invite),
		T(test_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
