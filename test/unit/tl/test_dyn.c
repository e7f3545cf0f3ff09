/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tl/dyn.h"
#include "tl/skip.h"
#include "tl/tl_wanted.h"

static struct arena arena;
static struct buf out;
static struct err_info ei;

static int set_up(void **state)
{
	arena_init(&arena, 1 << 20);
	buf_init(&out, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	buf_deinit(&out);
	return 0;
}

static struct dyn *peer(int64_t user_id)
{
	struct dyn *p = dyn_new(&arena, TLN_peerUser);

	dyn_set_int(p, TLF_user_id, user_id);
	return p;
}

static struct dyn *message(int id, const char *text)
{
	struct dyn *m = dyn_new(&arena, TLN_message);

	dyn_set_int(m, TLF_id, id);
	dyn_set_bool(m, TLF_out, true);
	dyn_set_obj(m, TLF_peer_id, peer(77));
	dyn_set_obj(m, TLF_from_id, peer(INT64_C(5000000000)));
	dyn_set_int(m, TLF_date, 1790000000);
	dyn_set_str(m, TLF_message, text);
	/* Not known in layer 144. */
	dyn_set_int(m, TLF_from_boosts_applied, 3);
	return m;
}

static enum err write_to(const struct schema *s, const struct dyn *d)
{
	struct tl_writer w;

	buf_reset(&out);
	cursor_write(&w, &out);
	return dyn_write(&w, s, d, &ei);
}

static struct dyn *read_back(const struct schema *s)
{
	struct tl_reader r;
	struct dyn *d = NULL;

	cursor_read(&r, buf_head(&out), buf_len(&out));
	if (dyn_read(&r, s, &arena, &d, &ei) || cursor_finish(&r))
		fail_msg("%s", ei.msg);
	return d;
}

static void test_layers(void **state)
{
	struct dyn *m = message(7, "hello"), *d;

	assert_ptr_equal(schema_for_layer(223), &schema_api_223);
	assert_ptr_equal(schema_for_layer(300), &schema_api_223);
	assert_ptr_equal(schema_for_layer(222), &schema_api_198);
	assert_ptr_equal(schema_for_layer(198), &schema_api_198);
	assert_ptr_equal(schema_for_layer(197), &schema_api_144);
	assert_ptr_equal(schema_for_layer(1), &schema_api_144);

	assert_int_equal(write_to(&schema_api_223, m), ERR_OK);
	d = read_back(&schema_api_223);
	assert_int_equal(dyn_int(d, TLF_from_boosts_applied, 0), 3);

	assert_int_equal(write_to(&schema_api_144, m), ERR_OK);
	d = read_back(&schema_api_144);
	assert_true(dyn_is(d, TLN_message));
	assert_false(dyn_has(d, TLF_from_boosts_applied));
	assert_int_equal(dyn_int(d, TLF_id, 0), 7);
	assert_true(dyn_bool(d, TLF_out));
	assert_false(dyn_bool(d, TLF_silent));
	assert_string_equal(dyn_str(d, TLF_message), "hello");
	assert_true(dyn_int(dyn_obj(d, TLF_from_id), TLF_user_id, 0) ==
		    INT64_C(5000000000));
}

/*
 * user.stories_max_id is an int up to some layer and an object after: what an
 * older reader would take for something else is left out, not refused.
 */
static void test_changed_fields(void **state)
{
	struct dyn *u = dyn_new(&arena, TLN_user), *d;
	struct dyn *story = dyn_new(&arena, TLN_recentStory);
	struct dyn *m = message(8, "x");

	dyn_set_int(u, TLF_id, 9);
	dyn_set_str(u, TLF_first_name, "Anna");
	dyn_set_obj(u, TLF_stories_max_id, story);
	assert_int_equal(write_to(&schema_api_223, u), ERR_OK);
	d = read_back(&schema_api_223);
	assert_true(dyn_has(d, TLF_stories_max_id));
	assert_int_equal(write_to(&schema_api_198, u), ERR_OK);
	d = read_back(&schema_api_198);
	assert_false(dyn_has(d, TLF_stories_max_id));
	assert_string_equal(dyn_str(d, TLF_first_name), "Anna");

	/* A constructor of the type that came later. */
	dyn_set_obj(m, TLF_media, dyn_new(&arena, TLN_messageMediaToDo));
	assert_int_equal(write_to(&schema_api_198, m), ERR_OK);
	d = read_back(&schema_api_198);
	assert_false(dyn_has(d, TLF_media));
	assert_int_equal(dyn_int(d, TLF_from_boosts_applied, 0), 3);
	/* In its own layer a mistake is one: todo is missing there. */
	assert_int_equal(write_to(&schema_api_223, m), ERR_INVALID);
}

static struct dyn *built(uint16_t name)
{
	struct dyn *d = dyn_new(&arena, name);

	dyn_set_int(d, TLF_id, 9);
	dyn_set_str(d, TLF_title, "title");
	dyn_set_str(d, TLF_first_name, "Anna");
	dyn_set_int(d, TLF_date, 1790000000);
	return d;
}

/* What the emulator says first, in both layers, by the table and by the structs. */
/* documentAttributeVideo.duration: int in layer 144, double in 223. */
static void test_numbers_cross_layers(void **state)
{
	static const double durations[] = { 7, 7.9, -1, 1e300 };
	struct dyn *d, *back;
	struct tl_reader r;
	struct tl_writer w;
	struct arena a;
	struct buf b;
	size_t i;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&b, 4096);
	for (i = 0; i < ARRAY_LEN(durations); i++) {
		enum err rc;

		d = dyn_new(&a, TLN_documentAttributeVideo);
		dyn_set_double(d, TLF_duration, durations[i]);
		buf_reset(&b);
		cursor_write(&w, &b);
		rc = dyn_write(&w, &schema_api_144, d, NULL);
		assert_int_equal(rc, i == 3 ? ERR_INVALID : ERR_OK);
		if (rc)
			continue;
		cursor_read(&r, buf_head(&b), buf_len(&b));
		assert_int_equal(dyn_read(&r, &schema_api_144, &a, &back, NULL),
				 ERR_OK);
		assert_int_equal(dyn_int(back, TLF_duration, 0),
				 (int)durations[i]);
		buf_reset(&b);
		cursor_write(&w, &b);
		assert_int_equal(dyn_write(&w, &schema_api_223, back, NULL),
				 ERR_OK);
		cursor_read(&r, buf_head(&b), buf_len(&b));
		assert_int_equal(dyn_read(&r, &schema_api_223, &a, &back, NULL),
				 ERR_OK);
		assert_true(dyn_double(back, TLF_duration, 0) ==
			    (int)durations[i]);
	}
	buf_deinit(&b);
	arena_deinit(&a);
}

static void test_neutral_fields(void **state)
{
	static const uint16_t names[] = { TLN_user, TLN_chat, TLN_channel,
					  TLN_config, TLN_dcOption };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct dyn *d = built(names[i]), *back;

		assert_int_equal(write_to(&schema_api_144, d), ERR_OK);
		back = read_back(&schema_api_144);
		assert_int_equal(back->name, names[i]);
		assert_int_equal(write_to(&schema_api_198, d), ERR_OK);
		back = read_back(&schema_api_198);
		assert_int_equal(back->name, names[i]);
		assert_int_equal(write_to(&schema_api_223, d), ERR_OK);
		back = read_back(&schema_api_223);
		assert_int_equal(back->name, names[i]);
		if (names[i] == TLN_chat) {
			assert_true(dyn_is(dyn_obj(back, TLF_photo),
					   TLN_chatPhotoEmpty));
			assert_string_equal(dyn_str(back, TLF_title), "title");
			assert_int_equal(dyn_int(back, TLF_version, -1), 0);
		}
	}
}

static void test_refused_writes(void **state)
{
	struct dyn *m = dyn_new(&arena, TLN_message);

	/* peer_id has no neutral constructor. */
	assert_int_equal(write_to(&schema_api_223, m), ERR_INVALID);
	assert_non_null(strstr(ei.msg, "message: peer_id"));
	assert_int_equal(buf_len(&out), 0);

	dyn_set_obj(m, TLF_peer_id, dyn_new(&arena, TLN_user));
	assert_int_equal(write_to(&schema_api_223, m), ERR_INVALID);
	dyn_set_obj(m, TLF_peer_id, peer(1));
	assert_int_equal(write_to(&schema_api_223, m), ERR_OK);
	dyn_set_int(m, TLF_id, INT64_C(1) << 31);
	assert_int_equal(write_to(&schema_api_223, m), ERR_INVALID);
	dyn_set_str(m, TLF_id, "seven");
	assert_int_equal(write_to(&schema_api_223, m), ERR_INVALID);
	/* A constructor of a later layer. */
	assert_int_equal(
		write_to(&schema_api_144, dyn_new(&arena, TLN_updateStory)),
		ERR_INVALID);
	assert_non_null(strstr(ei.msg, "updateStory"));
	assert_int_equal(write_to(&schema_api_144, NULL), ERR_NOMEM);
}

static void test_out_of_memory(void **state)
{
	struct arena small;
	struct dyn *m;
	struct dyn_vec *v;

	arena_init(&small, 4096);
	m = dyn_new(&small, TLN_message);
	assert_non_null(m);
	while (arena_alloc(&small, 16))
		;
	dyn_set_int(m, TLF_id, 1);
	dyn_set_obj(m, TLF_peer_id, dyn_new(&small, TLN_peerUser));
	v = dyn_add_vec(m, TLF_entities);
	dyn_push_int(v, 1);
	assert_int_equal(write_to(&schema_api_223, m), ERR_NOMEM);
	arena_deinit(&small);
}

static void test_setters(void **state)
{
	struct dyn *d = dyn_new(&arena, TLN_message);
	struct dyn_vec *v;

	for (uint16_t f = 1; f < 40; f++)
		dyn_set_int(d, f, f);
	dyn_set_int(d, 3, 300);
	dyn_unset(d, 5);
	assert_int_equal(d->n, 38);
	for (uint16_t f = 1; f < 40; f++)
		assert_int_equal(dyn_int(d, f, -1), f == 3   ? 300
						    : f == 5 ? -1
							     : f);
	/* Another kind is absent for the getter. */
	assert_false(dyn_bool(d, 3));
	assert_int_equal(dyn_bytes(d, 3).len, 0);
	assert_null(dyn_obj(d, 3));
	v = dyn_add_vec(d, TLF_entities);
	for (int i = 0; i < 100; i++)
		dyn_push_int(v, i);
	assert_int_equal(dyn_len(dyn_vec(d, TLF_entities)), 100);
	assert_int_equal(v->items[99].i, 99);
	assert_null(dyn_item(v, 0));
	assert_null(dyn_item(v, 100));
}

static void test_results(void **state)
{
	struct dyn_vec *v = dyn_vec_new(&arena);
	struct dyn_val val = { .kind = DYN_VEC, .vec = v };
	struct tlv_User users;
	struct tl_writer w;
	struct tl_reader r;
	struct dyn *u = built(TLN_user);

	dyn_push_obj(v, u);
	buf_reset(&out);
	cursor_write(&w, &out);
	assert_int_equal(dyn_write_result(&w, &schema_api_223,
					  TLN_users_getUsers, &val, &ei),
			 ERR_OK);
	cursor_read(&r, buf_head(&out), buf_len(&out));
	assert_int_equal(tlv_User_read(&r, &arena, &users, &ei), ERR_OK);
	assert_int_equal(cursor_finish(&r), ERR_OK);
	assert_int_equal(users.n, 1);
	assert_int_equal(users.v[0].kind, TLN_user);
	assert_true(users.v[0].user->has_first_name);
	assert_memory_equal(users.v[0].user->first_name.data, "Anna", 4);
	assert_false(users.v[0].user->has_last_name);

	cursor_read(&r, buf_head(&out), buf_len(&out));
	assert_int_equal(dyn_read_result(&r, &schema_api_223,
					 TLN_users_getUsers, &arena, &val, &ei),
			 ERR_OK);
	assert_int_equal(dyn_len(val.vec), 1);

	/* A Bool, and an answer of the wrong kind. */
	buf_reset(&out);
	val = (struct dyn_val){ .kind = DYN_BOOL, .b = true };
	assert_int_equal(dyn_write_result(&w, &schema_api_144,
					  TLN_account_updateStatus, &val, &ei),
			 ERR_OK);
	assert_int_equal(buf_len(&out), 4);
	assert_int_equal(dyn_write_result(&w, &schema_api_144,
					  TLN_users_getUsers, &val, &ei),
			 ERR_INVALID);
	assert_int_equal(buf_len(&out), 4);
}

/* The engine's side writes a call by structs, the emulator's reads it. */
static void test_call_between(void **state)
{
	struct tlc_inputPeerUser to = { .user_id = 12, .access_hash = -34 };
	struct tlf_messages_sendMessage send = {
		.peer = { .kind = TLN_inputPeerUser, .inputPeerUser = &to },
		.message = { (const uint8_t *)"hi", 2 },
		.random_id = 56,
		.silent = true,
	};
	struct tlf_invokeWithLayer with = { .layer = 223 };
	struct buf inner;
	struct tl_writer w;
	struct dyn *d, *q;

	buf_init(&inner, 4096);
	cursor_write(&w, &inner);
	assert_int_equal(tlf_messages_sendMessage_write(&w, &send, &ei),
			 ERR_OK);
	with.query = (struct tl_bytes){ buf_head(&inner), buf_len(&inner) };
	buf_reset(&out);
	cursor_write(&w, &out);
	assert_int_equal(tlf_invokeWithLayer_write(&w, &with, &ei), ERR_OK);

	d = read_back(&schema_api_223);
	assert_true(dyn_is(d, TLN_invokeWithLayer));
	q = dyn_obj(d, TLF_query);
	assert_true(dyn_is(q, TLN_messages_sendMessage));
	assert_true(dyn_bool(q, TLF_silent));
	assert_string_equal(dyn_str(q, TLF_message), "hi");
	assert_int_equal(dyn_int(dyn_obj(q, TLF_peer), TLF_access_hash, 0),
			 -34);

	send.peer.kind = TLN_NONE;
	assert_int_equal(tlf_messages_sendMessage_write(&w, &send, &ei),
			 ERR_INVALID);
	assert_non_null(strstr(ei.msg, "messages.sendMessage.peer"));
	buf_deinit(&inner);
}

/* Updates with parts nobody wants: the rest is there. */
static void test_unwanted_part(void **state)
{
	struct dyn *u = dyn_new(&arena, TLN_updates), *story;
	struct dyn_vec *v = dyn_add_vec(u, TLF_updates);
	struct tlt_Updates got;
	struct tl_reader r;

	story = dyn_new(&arena, TLN_updateConfig);
	dyn_push_obj(v, story);
	story = dyn_new(&arena, TLN_updateNewMessage);
	dyn_set_obj(story, TLF_message, message(4, "text"));
	dyn_set_int(story, TLF_pts, 10);
	dyn_push_obj(v, story);
	assert_int_equal(write_to(&schema_api_223, u), ERR_OK);
	cursor_read(&r, buf_head(&out), buf_len(&out));
	assert_int_equal(tlt_Updates_read(&r, &arena, &got, &ei), ERR_OK);
	assert_int_equal(got.kind, TLN_updates);
	assert_int_equal(got.updates->updates.n, 2);
	assert_int_equal(got.updates->updates.v[0].kind, TLN_NONE);
	assert_int_equal(got.updates->updates.v[0].raw.len, 4);
	assert_int_equal(got.updates->updates.v[1].kind, TLN_updateNewMessage);
	assert_int_equal(got.updates->updates.v[1].updateNewMessage->pts, 10);
}

/* A service message of a later layer, and an update. */
static void test_older_layers_hear_less(void **state)
{
	struct dyn *u = dyn_new(&arena, TLN_updates), *d, *m, *back;
	struct dyn_vec *v = dyn_add_vec(u, TLF_updates);
	struct tl_reader r;

	dyn_push_obj(v, dyn_new(&arena, TLN_updateStory));
	m = dyn_new(&arena, TLN_messageService);
	dyn_set_obj(m, TLF_peer_id, peer(1));
	d = dyn_new(&arena, TLN_messageActionTopicCreate);
	dyn_set_str(d, TLF_title, "topic");
	dyn_set_obj(m, TLF_action, d);
	d = dyn_new(&arena, TLN_updateNewMessage);
	dyn_set_obj(d, TLF_message, m);
	dyn_push_obj(v, d);
	assert_int_equal(write_to(&schema_api_144, u), ERR_OK);
	cursor_read(&r, buf_head(&out), buf_len(&out));
	assert_int_equal(dyn_read(&r, &schema_api_144, &arena, &back, &ei),
			 ERR_OK);
	assert_int_equal(dyn_len(dyn_vec(back, TLF_updates)), 1);
	d = dyn_obj(dyn_item(dyn_vec(back, TLF_updates), 0), TLF_message);
	assert_true(dyn_is(dyn_obj(d, TLF_action), TLN_messageActionEmpty));
	/* In the newest layer a misfit is a mistake. */
	dyn_push_obj(v, dyn_new(&arena, TLN_user));
	assert_int_equal(write_to(&schema_api_223, u), ERR_INVALID);
}

static void test_depth(void **state)
{
	for (int depth = SKIP_DEPTH_MAX - 1; depth <= SKIP_DEPTH_MAX + 2;
	     depth++) {
		struct dyn *d = dyn_new(&arena, TLN_help_getConfig);
		bool fits = depth <= SKIP_DEPTH_MAX;
		struct tl_reader r;
		struct dyn *back;

		buf_reset(&out);
		for (int i = 0; i < depth; i++) {
			struct dyn *q =
				dyn_new(&arena, TLN_invokeWithoutUpdates);
			uint8_t id[] = { 0xb7, 0x59, 0x94, 0xbf };

			dyn_set_obj(q, TLF_query, d);
			d = q;
			assert_int_equal(buf_append(&out, id, 4), ERR_OK);
		}
		assert_int_equal(buf_append(&out, "\x6b\x18\xf9\xc4", 4),
				 ERR_OK);
		cursor_read(&r, buf_head(&out), buf_len(&out));
		assert_int_equal(skip_any(&r, &schema_api_223, &ei),
				 fits ? ERR_OK : ERR_PROTO);
		cursor_read(&r, buf_head(&out), buf_len(&out));
		assert_int_equal(
			dyn_read(&r, &schema_api_223, &arena, &back, &ei),
			fits ? ERR_OK : ERR_PROTO);
		assert_int_equal(write_to(&schema_api_223, d),
				 fits ? ERR_OK : ERR_INVALID);
	}
}

static void test_texts(void **state)
{
	assert_string_equal(schema_name_text(TLN_messages_sendMessage),
			    "messages.sendMessage");
	assert_string_equal(schema_field_text(TLF_access_hash), "access_hash");
	assert_string_equal(schema_type_text(TLT_InputPeer), "InputPeer");
	assert_string_equal(schema_name_text(65535), "?");
	assert_null(schema_find(&schema_api_223, 0));
	assert_null(schema_find(&schema_api_223, 0xffffffff));
	for (uint16_t i = 0; i < schema_api_223.n_ctors; i++) {
		const struct schema_ctor *c = &schema_api_223.ctors[i];

		assert_ptr_equal(schema_find(&schema_api_223, c->id), c);
		assert_ptr_equal(schema_by_name(&schema_api_223, c->name), c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_changed_fields),
		cmocka_unit_test(test_numbers_cross_layers),
		cmocka_unit_test(test_neutral_fields),
		cmocka_unit_test(test_refused_writes),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_setters),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_call_between),
		cmocka_unit_test(test_unwanted_part),
		cmocka_unit_test(test_older_layers_hear_less),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
