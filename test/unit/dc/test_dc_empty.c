/* SPDX-License-Identifier: MIT */
/*
 * What clients ask for as soon as they are signed in: things there are none of,
 * in every layer, and the few lists that are never empty.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dc/dc_int.h"

#define NOW 1700000000

static const struct schema *const layers[] = {
	&schema_api_144,
	&schema_api_198,
	&schema_api_223,
};

static struct dc *dc;
static struct arena arena;
static struct buf bytes;
static struct world_user *ada, *boris;

static struct world_user *person(const char *phone)
{
	struct world_new_user n = { .phone = phone, .first = "X" };
	struct world_user *u = NULL;

	assert_int_equal(world_add_user(&dc->world, &n, &u), ERR_OK);
	return u;
}

static int setup(void **state)
{
	(void)state;
	dc = calloc(1, sizeof(*dc));
	world_init(&dc->world, 1);
	arena_init(&arena, 8 << 20);
	buf_init(&bytes, 1 << 20);
	ada = person("9996610001");
	boris = person("9996610002");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_deinit(&dc->world);
	arena_deinit(&arena);
	buf_deinit(&bytes);
	free(dc);
	return 0;
}

static struct dc_call call_new(const struct schema *s, struct dyn *fn)
{
	return (struct dc_call){ .dc = dc,
				 .schema = s,
				 .arena = &arena,
				 .user = ada,
				 .fn = fn,
				 .now = NOW };
}

/* Written in the caller's layer, and read again as its client does. */
static struct dyn_val through(const struct dc_call *call)
{
	struct err_info ei = { 0 };
	struct tl_writer w;
	struct tl_reader r;
	struct dyn_val v;

	buf_reset(&bytes);
	cursor_write(&w, &bytes);
	if (dyn_write_result(&w, call->schema, call->fn->name, &call->result,
			     &ei))
		fail_msg("%s: %s", call->schema->text, ei.msg);
	cursor_read(&r, buf_head(&bytes), buf_len(&bytes));
	assert_int_equal(dyn_read_result(&r, call->schema, call->fn->name,
					 &arena, &v, NULL),
			 ERR_OK);
	assert_int_equal(cursor_left(&r), 0);
	return v;
}

static struct dyn_val answer(const struct schema *s, dc_method_fn handler,
			     struct dyn *fn)
{
	struct dc_call call = call_new(s, fn);

	assert_int_equal(handler(&call, NULL), ERR_OK);
	return through(&call);
}

static const struct {
	uint16_t method;
	dc_method_fn handler;
	unsigned int flags;
} rows[] = {
#define DC_EMPTY(name, flags, answer) { TLN_##name, dc_empty_answer, flags },
#define DC_EMPTY_LIST(name, flags) { TLN_##name, dc_empty_list, flags },
#define DC_EMPTY_ERROR(name, flags, error)
#include "dc/dc_empty.def"
#undef DC_EMPTY
#undef DC_EMPTY_LIST
#undef DC_EMPTY_ERROR
};

/* No vector of an answer has anything in it. */
static void is_empty(const struct dyn_val *v)
{
	uint16_t i;

	if (v->kind == DYN_VEC)
		assert_int_equal(v->vec->n, 0);
	for (i = 0; v->kind == DYN_OBJ && i < v->obj->n; i++)
		is_empty(&v->obj->fields[i].val);
}

static void every_layer_can_say_it(void **state)
{
	size_t i, j, said[ARRAY_LEN(layers)] = { 0 };

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		for (j = 0; j < ARRAY_LEN(layers); j++) {
			struct dyn_val v;

			if (!schema_by_name(layers[j], rows[i].method))
				continue;
			v = answer(layers[j], rows[i].handler,
				   dyn_new(&arena, rows[i].method));
			is_empty(&v);
			said[j]++;
		}
	}
	assert_int_equal(said[2], ARRAY_LEN(rows));
	assert_true(said[0] > 20 && said[1] > said[0]);
}

/* The translations come before the sign-in. */
static void nobody_need_be_signed_in(void **state)
{
	struct dyn *fn = dyn_new(&arena, TLN_langpack_getLangPack);
	struct dc_call call = call_new(layers[2], fn);
	struct dyn_val v;
	size_t i, open = 0;

	(void)state;
	dyn_set_str(fn, TLF_lang_code, "pt");
	call.user = NULL;
	assert_int_equal(dc_empty_answer(&call, NULL), ERR_OK);
	v = through(&call);
	assert_string_equal(dyn_str(v.obj, TLF_lang_code), "pt");
	for (i = 0; i < ARRAY_LEN(rows); i++)
		open += (rows[i].flags & DC_OPEN) != 0;
	assert_int_equal(open, 5);
}

static void what_is_more_than_nothing(void **state)
{
	struct dyn_val v;

	(void)state;
	v = answer(layers[2], dc_empty_answer,
		   dyn_new(&arena, TLN_help_getPromoData));
	assert_true(dyn_int(v.obj, TLF_expires, 0) > NOW);
	v = answer(layers[2], dc_empty_answer,
		   dyn_new(&arena, TLN_messages_getPinnedDialogs));
	assert_int_equal(dyn_int(dyn_obj(v.obj, TLF_state), TLF_date, 0), NOW);
}

static void a_sticker_set_is_an_error(void **state)
{
	struct dc_call call = call_new(
		layers[2], dyn_new(&arena, TLN_messages_getStickerSet));

	(void)state;
	assert_int_equal(dc_empty_error(&call, NULL), ERR_RPC);
	assert_int_equal(call.error_code, 400);
	assert_string_equal(call.error, "STICKERSET_INVALID");
}

static void all_chats_are_a_folder(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(layers); i++) {
		struct dyn_val v =
			answer(layers[i], dc_messages_filters,
			       dyn_new(&arena, TLN_messages_getDialogFilters));
		const struct dyn_vec *list =
			v.kind == DYN_VEC ? v.vec : dyn_vec(v.obj, TLF_filters);

		assert_int_equal(dyn_len(list), 1);
		assert_true(dyn_is(dyn_item(list, 0), TLN_dialogFilterDefault));
	}
}

/* ---- Saved Messages */

static void save(const char *text, int64_t fwd_from)
{
	struct world_new_msg n = { .from = ada->id,
				   .peer = ada->id,
				   .kind = WORLD_TEXT,
				   .text = text,
				   .text_len = strlen(text),
				   .date = NOW,
				   .extra = { .fwd_from = fwd_from } };
	struct world_msg *m;
	bool again;

	assert_int_equal(world_send(&dc->world, &n, &m, &again), ERR_OK);
}

static struct dyn *saved_from(const struct world_user *u)
{
	struct dyn *fn = dyn_new(&arena, TLN_messages_getSavedHistory);
	struct dyn *peer = dyn_new(&arena, TLN_inputPeerUser);

	dyn_set_int(peer, TLF_user_id, u->id);
	dyn_set_int(peer, TLF_access_hash,
		    world_access_hash(&dc->world, ada->id, u->id));
	dyn_set_obj(fn, TLF_peer, peer);
	dyn_set_int(fn, TLF_limit, 10);
	return fn;
}

static void saved_messages_by_author(void **state)
{
	const struct dyn_vec *msgs;
	struct dyn_val v;

	(void)state;
	save("mine", 0);
	save("of boris", boris->id);
	v = answer(layers[2], dc_messages_saved, saved_from(boris));
	msgs = dyn_vec(v.obj, TLF_messages);
	assert_int_equal(dyn_len(msgs), 1);
	assert_string_equal(dyn_str(dyn_item(msgs, 0), TLF_message),
			    "of boris");
	v = answer(layers[2], dc_messages_saved, saved_from(ada));
	msgs = dyn_vec(v.obj, TLF_messages);
	assert_int_equal(dyn_len(msgs), 1);
	assert_string_equal(dyn_str(dyn_item(msgs, 0), TLF_message), "mine");
}

static void saved_messages_of_nobody(void **state)
{
	struct dyn *fn = saved_from(boris);
	struct dc_call call = call_new(layers[2], fn);

	(void)state;
	dyn_set_obj(fn, TLF_peer, dyn_new(&arena, TLN_inputPeerEmpty));
	assert_int_equal(dc_messages_saved(&call, NULL), ERR_RPC);
	assert_string_equal(call.error, "PEER_ID_INVALID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(every_layer_can_say_it),    T(nobody_need_be_signed_in),
		T(what_is_more_than_nothing), T(a_sticker_set_is_an_error),
		T(all_chats_are_a_folder),    T(saved_messages_by_author),
		T(saved_messages_of_nobody),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
