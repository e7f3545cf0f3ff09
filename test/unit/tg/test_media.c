/* SPDX-License-Identifier: MIT */
/* The connection that moves files: at home, elsewhere, and when things go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keydc.h"
#include "tg/media.h"

#define SEC INT64_C(1790000000)
#define PART 4096U

static struct rsa_key *rsa;

struct fix {
	struct engine_env env;
	struct media m;
	struct flood flood;
	struct keydc k;
	struct mono now;
	struct filemove f[MEDIA_FILES_MAX + 1];
	uint8_t data[64 << 10];
	size_t got;
	char said[256];
	enum err rc; /* of the last feed */
};

static int group_setup(void **state)
{
	(void)state;
	return rsa_generate(&rsa, NULL) ? -1 : 0;
}

static int group_teardown(void **state)
{
	(void)state;
	rsa_free(rsa);
	return 0;
}

static void on_event(void *ctx, const struct filemove_event *ev)
{
	static const char *const names[] = { "",       "wait ", "reference ",
					     "moved ", "done ", "failed " };
	struct fix *f = ctx;
	size_t n = strlen(f->said);

	snprintf(f->said + n, sizeof(f->said) - n, "%s", names[ev->type]);
}

static enum err push(void *ctx, int64_t offset, const uint8_t *data, size_t len,
		     struct err_info *ei)
{
	struct fix *f = ctx;

	(void)ei;
	assert_memory_equal(data, f->data + offset, len);
	f->got += len;
	return ERR_OK;
}

static enum err pull(void *ctx, int64_t offset, uint8_t *dst, size_t len,
		     struct err_info *ei)
{
	(void)ctx;
	(void)offset;
	(void)ei;
	memset(dst, 'u', len);
	return ERR_OK;
}

static int setup(void **state)
{
	const struct engine_app app = { .api_id = 77,
					.device_model = "test",
					.system_version = "1",
					.app_version = "1" };
	static const struct rsa_key *keys[1];
	struct fix *f = calloc(1, sizeof(*f));
	struct media_config mc = {
		.keys = keys, .key_count = 1, .dc_id = 4, .rnd = rnd_system()
	};

	if (!f)
		return -1;
	keys[0] = rsa;
	f->now.us = 5000000;
	rnd_fill(rnd_system(), f->data, sizeof(f->data));
	if (engine_env_init(&f->env, &app, NULL))
		return -1;
	mc.env = &f->env;
	mc.flood = &f->flood;
	media_init(&f->m, &mc);
	keydc_init(&f->k, rsa, SEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	media_deinit(&f->m);
	flood_deinit(&f->flood);
	keydc_deinit(&f->k);
	for (size_t i = 0; i < ARRAY_LEN(f->f); i++)
		filemove_deinit(&f->f[i]);
	free(f);
	return 0;
}

/* The account's own data centre: both know the key. */
static void at_home(struct fix *f)
{
	uint8_t key[AUTHKEY_LEN];

	rnd_fill(rnd_system(), key, sizeof(key));
	assert_int_equal(media_set_home(&f->m, key, NULL), ERR_OK);
	authkey_deinit(&f->k.dc.key);
	assert_int_equal(authkey_init(&f->k.dc.key, key), ERR_OK);
	f->k.keyed = true;
}

static struct filemove *add(struct fix *f, size_t i, bool up, int64_t size)
{
	const struct filemove_config cfg = { .on_event = on_event,
					     .ctx = f,
					     .pull = pull,
					     .push = push,
					     .rnd = rnd_system(),
					     .part_size = up ? 0 : PART };
	const struct filemove_location at = { .id = 5,
					      .size = size,
					      .reference_len = 1 };

	assert_int_equal(up ? filemove_start_up(&f->f[i], &cfg, size, NULL)
			    : filemove_start_down(&f->f[i], &cfg, &at, NULL),
			 ERR_OK);
	assert_int_equal(media_attach(&f->m, &f->f[i], NULL), ERR_OK);
	return &f->f[i];
}

/* Whatever comes here makes no main connection of it. */
static void only_files(const struct fix *f)
{
	static const uint16_t may[] = { TLN_upload_getFile,
					TLN_upload_saveFilePart,
					TLN_upload_saveBigFilePart,
					TLN_auth_importAuthorization };

	for (size_t i = 0; i < f->k.dc.n; i++) {
		size_t j = 0;

		while (j < ARRAY_LEN(may) &&
		       schema_by_name(&schema_api_223, may[j])->id !=
			       f->k.dc.queries[i].id)
			j++;
		assert_true(j < ARRAY_LEN(may));
	}
}

/* Bytes go to and fro until nobody has more to say. */
static void settle(struct fix *f)
{
	struct buf out;
	bool more = true;

	while (more && !f->rc) {
		buf_init(&out, 4U << 20);
		if (media_wants_work(&f->m)) {
			media_work(&f->m);
			assert_int_equal(media_worked(&f->m, f->now, NULL),
					 ERR_OK);
		}
		assert_int_equal(media_output(&f->m, f->now, &out, NULL),
				 ERR_OK);
		more = buf_len(&out) > 0;
		if (more)
			keydc_feed(&f->k, buf_head(&out), buf_len(&out));
		buf_deinit(&out);
		if (!buf_len(&f->k.dc.out))
			continue;
		more = true;
		f->rc = media_feed(&f->m, buf_head(&f->k.dc.out),
				   buf_len(&f->k.dc.out), f->now, NULL);
		buf_reset(&f->k.dc.out);
	}
	only_files(f);
}

static void connect_it(struct fix *f)
{
	const struct wall wall = { SEC * US_PER_SEC };

	f->rc = ERR_OK;
	assert_true(media_wants_link(&f->m));
	assert_int_equal(media_connected(&f->m, f->now, wall, NULL), ERR_OK);
	settle(f);
}

static void hang_up(struct fix *f)
{
	media_disconnected(&f->m, f->now);
	fakedc_accept(&f->k.dc);
}

static int64_t offset_of(const struct fakedc_query *q)
{
	struct tlf_upload_getFile get = { 0 };
	struct tl_reader r;
	struct arena a;

	arena_init(&a, 4096);
	cursor_read(&r, q->body, q->len);
	assert_int_equal(tlf_upload_getFile_read(&r, &a, &get, NULL), ERR_OK);
	arena_deinit(&a);
	return get.offset;
}

static void answer_part(struct fix *f, int64_t size)
{
	struct fakedc_query q = fakedc_take(&f->k.dc, TLN_upload_getFile);
	struct dyn *d = fakedc_new(&f->k.dc, TLN_upload_file);
	int64_t at = offset_of(&q), n = size - at;
	struct dyn_val bytes = { .kind = DYN_BYTES };

	bytes.bytes = (struct tl_bytes){ f->data + at,
					 (size_t)(n < PART ? n : PART) };
	dyn_set_obj(d, TLF_type, fakedc_new(&f->k.dc, TLN_storage_filePartial));
	dyn_set_val(d, TLF_bytes, bytes);
	fakedc_answer_obj(&f->k.dc, &q, TLN_upload_getFile, d);
	settle(f);
}

static void refuse(struct fix *f, uint16_t function, int code, const char *name)
{
	struct fakedc_query q = fakedc_take(&f->k.dc, function);

	fakedc_error(&f->k.dc, &q, code, name);
	settle(f);
}

static void home_needs_no_letting_in(void **state)
{
	struct fix *f = *state;

	at_home(f);
	assert_false(media_wants_link(&f->m));
	add(f, 0, false, 3 * PART + 5);
	connect_it(f);
	assert_false(media_wants_export(&f->m));
	assert_int_equal(f->k.dc.n, 4);
	assert_true(f->k.dc.queries[0].prefixed);
	for (int i = 0; i < 4; i++)
		answer_part(f, 3 * PART + 5);
	assert_string_equal(f->said, "done ");
	assert_int_equal(f->got, 3 * PART + 5);
	assert_int_equal(f->m.nfiles, 0);
}

static void idle_ones_are_closed(void **state)
{
	struct fix *f = *state;

	at_home(f);
	add(f, 0, false, PART);
	connect_it(f);
	assert_false(media_done_with(&f->m, f->now));
	answer_part(f, PART);
	assert_false(media_done_with(&f->m, f->now));
	assert_true(mono_diff(media_deadline(&f->m), f->now) <= MEDIA_IDLE_US);
	f->now = mono_add(f->now, MEDIA_IDLE_US);
	assert_true(media_done_with(&f->m, f->now));
	hang_up(f);
	assert_int_equal(media_deadline(&f->m).us, MONO_NEVER.us);
	/* and made again when there is something to do */
	add(f, 1, false, PART);
	connect_it(f);
	answer_part(f, PART);
	assert_string_equal(f->said, "done done ");
}

static void let_in(struct fix *f)
{
	const struct tl_bytes pass = { (const uint8_t *)"pass", 4 };
	struct fakedc_query q;
	struct dyn *d, *u;

	assert_true(media_wants_export(&f->m));
	assert_null(fakedc_find(&f->k.dc, TLN_upload_getFile));
	media_export_asked(&f->m);
	assert_false(media_wants_export(&f->m));
	assert_int_equal(media_give_export(&f->m, 4711, pass, f->now, NULL),
			 ERR_OK);
	settle(f);
	q = fakedc_take(&f->k.dc, TLN_auth_importAuthorization);
	d = fakedc_new(&f->k.dc, TLN_auth_authorization);
	u = fakedc_new(&f->k.dc, TLN_user);
	dyn_set_int(u, TLF_id, 4711);
	dyn_set_obj(d, TLF_user, u);
	fakedc_answer_obj(&f->k.dc, &q, TLN_auth_importAuthorization, d);
	settle(f);
}

static void elsewhere_it_is_let_in(void **state)
{
	struct fix *f = *state;

	add(f, 0, false, PART);
	connect_it(f);
	assert_true(f->k.keyed);
	assert_int_equal(f->k.named, 4);
	let_in(f);
	answer_part(f, PART);
	assert_string_equal(f->said, "done ");
	/* the next time it has a key and is inside */
	hang_up(f);
	add(f, 1, false, PART);
	connect_it(f);
	assert_false(media_wants_export(&f->m));
	answer_part(f, PART);
	assert_string_equal(f->said, "done done ");
}

static void media_only_and_test_are_named(void **state)
{
	struct fix *f = *state;

	media_deinit(&f->m);
	media_init(&f->m, &(struct media_config){
				  .env = &f->env,
				  .keys = (const struct rsa_key *[]){ rsa },
				  .key_count = 1,
				  .dc_id = 2,
				  .test_mode = true,
				  .media_only = true,
				  .rnd = rnd_system(),
				  .flood = &f->flood });
	add(f, 0, false, PART);
	connect_it(f);
	assert_int_equal(f->k.named, -10002);
}

static void lost_authorization_is_asked_again_and_has_an_end(void **state)
{
	struct fix *f = *state;

	add(f, 0, false, PART);
	connect_it(f);
	let_in(f);
	refuse(f, TLN_upload_getFile, 401, "AUTH_KEY_UNREGISTERED");
	assert_string_equal(f->said, "");
	let_in(f);
	refuse(f, TLN_upload_getFile, 401, "SESSION_REVOKED");
	let_in(f);
	refuse(f, TLN_upload_getFile, 401, "AUTH_KEY_UNREGISTERED");
	assert_string_equal(f->said, "failed ");
	assert_non_null(media_refused(&f->m));
	assert_int_equal(f->f[0].rc, ERR_AUTH_GONE);
	assert_int_equal(media_attach(&f->m, &f->f[1], NULL), ERR_CONFLICT);
}

static void imports_refused_have_an_end(void **state)
{
	const struct tl_bytes pass = { (const uint8_t *)"pass", 4 };
	struct fix *f = *state;

	add(f, 0, false, PART);
	connect_it(f);
	for (int i = 0; i < MEDIA_IMPORTS_MAX; i++) {
		assert_string_equal(f->said, "");
		assert_true(media_wants_export(&f->m));
		media_export_asked(&f->m);
		assert_int_equal(
			media_give_export(&f->m, 1, pass, f->now, NULL),
			ERR_OK);
		settle(f);
		refuse(f, TLN_auth_importAuthorization, 400,
		       "AUTH_BYTES_INVALID");
	}
	assert_string_equal(f->said, "failed ");
	assert_non_null(strstr(f->f[0].why.msg, "AUTH_BYTES_INVALID"));
}

static void exports_must_be_wanted_and_small(void **state)
{
	static const uint8_t big[MEDIA_EXPORT_MAX + 1];
	struct fix *f = *state;

	add(f, 0, false, PART);
	assert_int_equal(media_give_export(&f->m, 1,
					   (struct tl_bytes){ big, 4 }, f->now,
					   NULL),
			 ERR_CONFLICT); /* no key yet */
	connect_it(f);
	assert_int_equal(
		media_give_export(&f->m, 1,
				  (struct tl_bytes){ big, sizeof(big) }, f->now,
				  NULL),
		ERR_PROTO);
	media_export_asked(&f->m);
	media_ask_again(&f->m); /* the main connection could not */
	assert_true(media_wants_export(&f->m));
	let_in(f);
	assert_int_equal(media_give_export(&f->m, 1,
					   (struct tl_bytes){ big, 4 }, f->now,
					   NULL),
			 ERR_CONFLICT);
	answer_part(f, PART);
}

static void home_that_refuses_ends_all_files(void **state)
{
	static const struct {
		int code;
		const char *name;
		enum err rc;
	} rows[] = {
		{ 401, "AUTH_KEY_UNREGISTERED", ERR_AUTH_GONE },
		{ 406, "AUTH_KEY_DUPLICATED", ERR_DUPLICATED },
		{ 401, "USER_DEACTIVATED_BAN", ERR_BANNED },
	};
	struct fix *f;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		teardown(state);
		setup(state);
		f = *state;
		at_home(f);
		add(f, 0, false, PART);
		add(f, 1, false, PART);
		connect_it(f);
		refuse(f, TLN_upload_getFile, rows[i].code, rows[i].name);
		assert_string_equal(f->said, "failed failed ");
		assert_int_equal(f->f[1].rc, rows[i].rc);
		assert_string_equal(media_refused(&f->m)->name, rows[i].name);
	}
}

static void forgotten_keys(void **state)
{
	struct fix *f = *state;

	add(f, 0, false, 3 * PART);
	connect_it(f);
	let_in(f);
	answer_part(f, 3 * PART);
	fakedc_push_error(&f->k.dc, -404);
	settle(f);
	assert_int_equal(f->rc, ERR_AUTH_GONE);
	media_disconnected(&f->m, f->now);
	/* another one is made, and the file goes on */
	keydc_accept(&f->k);
	connect_it(f);
	assert_true(f->k.keyed);
	let_in(f);
	answer_part(f, 3 * PART);
	answer_part(f, 3 * PART);
	assert_string_equal(f->said, "done ");
	assert_int_equal(f->got, 3 * PART);
}

static void home_key_forgotten_ends_it(void **state)
{
	struct fix *f = *state;

	at_home(f);
	add(f, 0, false, PART);
	connect_it(f);
	fakedc_push_error(&f->k.dc, -404);
	settle(f);
	assert_string_equal(f->said, "failed ");
	assert_int_equal(media_refused(&f->m)->row->err, ERR_AUTH_GONE);
}

static void lost_in_the_middle(void **state)
{
	struct fix *f = *state;

	at_home(f);
	add(f, 0, false, 8 * PART);
	connect_it(f);
	answer_part(f, 8 * PART);
	assert_int_equal(f->k.dc.n, 4);
	hang_up(f);
	f->now = mono_add(f->now, US_PER_SEC);
	connect_it(f);
	assert_int_equal(f->k.dc.n, 4); /* asked again by themselves */
	for (int i = 1; i < 8; i++)
		answer_part(f, 8 * PART);
	assert_string_equal(f->said, "done ");
	assert_int_equal(f->got, 8 * PART);
}

static void waits_are_in_the_book(void **state)
{
	struct fix *f = *state;
	const struct flood_entry *e;

	at_home(f);
	add(f, 0, false, PART);
	connect_it(f);
	refuse(f, TLN_upload_getFile, 420, "FLOOD_PREMIUM_WAIT_9");
	assert_string_equal(f->said, "wait ");
	e = flood_find(&f->flood, "upload.saveFilePart", 0,
		       (struct wall){ SEC * US_PER_SEC });
	assert_non_null(e);
	/* another file, and one going up, wait as well */
	add(f, 1, false, PART);
	add(f, 2, true, PART);
	settle(f);
	assert_int_equal(f->k.dc.n, 0);
	assert_true(mono_diff(media_deadline(&f->m), f->now) > 9 * US_PER_SEC);
	f->now = mono_add(f->now, 9 * US_PER_SEC);
	settle(f);
	assert_int_equal(f->k.dc.n, 0);
	f->now = mono_add(f->now, 11 * US_PER_SEC / 10);
	settle(f);
	assert_int_equal(f->k.dc.n, 3);
}

static void moved_and_cancelled_files_leave(void **state)
{
	struct fix *f = *state;

	at_home(f);
	add(f, 0, false, 8 * PART);
	add(f, 1, false, 8 * PART);
	connect_it(f);
	assert_int_equal(f->k.dc.n, 8); /* in turn */
	refuse(f, TLN_upload_getFile, 303, "FILE_MIGRATE_3");
	assert_string_equal(f->said, "moved ");
	assert_int_equal(f->m.nfiles, 1);
	filemove_cancel(&f->f[0]);
	filemove_cancel(&f->f[1]);
	settle(f);
	assert_string_equal(f->said, "moved failed failed ");
	assert_int_equal(f->m.nfiles, 0);
	assert_int_equal(f->m.conn.session.queries.n, 0);
}

static void detached_and_attached_again(void **state)
{
	struct fix *f = *state;

	at_home(f);
	add(f, 0, false, 2 * PART);
	connect_it(f);
	answer_part(f, 2 * PART);
	media_detach(&f->m, &f->f[0]);
	media_detach(&f->m, &f->f[0]); /* harmless */
	settle(f);
	(void)fakedc_take(&f->k.dc, TLN_upload_getFile);
	assert_int_equal(media_attach(&f->m, &f->f[0], NULL), ERR_OK);
	settle(f);
	answer_part(f, 2 * PART);
	assert_string_equal(f->said, "done ");
}

static void there_are_limits(void **state)
{
	struct fix *f = *state;
	size_t parts = 0;

	at_home(f);
	for (size_t i = 0; i < MEDIA_FILES_MAX; i++)
		add(f, i, true, 20 << 20);
	assert_int_equal(media_attach(&f->m, &f->f[MEDIA_FILES_MAX], NULL),
			 ERR_CAPACITY);
	connect_it(f);
	for (size_t i = 0; i < f->k.dc.n; i++)
		parts += f->k.dc.queries[i].whole > FILEMOVE_PART_MAX;
	assert_int_equal(parts, MEDIA_BYTES_MAX / FILEMOVE_PART_MAX);
	assert_int_equal(f->k.dc.n, parts);
	/* all of them of other files */
	for (size_t i = 0; i < MEDIA_FILES_MAX; i++) {
		assert_true(f->f[i].next <= 1);
		filemove_cancel(&f->f[i]);
	}
	settle(f);
	/* many small requests: as many as calls may be open */
	f->k.dc.n = 0;
	for (size_t i = 0; i < MEDIA_FILES_MAX; i++) {
		filemove_deinit(&f->f[i]);
		add(f, i, false, 8 * PART);
	}
	settle(f);
	assert_int_equal(f->k.dc.n, MEDIA_CALLS_MAX);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(home_needs_no_letting_in),
		T(idle_ones_are_closed),
		T(elsewhere_it_is_let_in),
		T(media_only_and_test_are_named),
		T(lost_authorization_is_asked_again_and_has_an_end),
		T(imports_refused_have_an_end),
		T(exports_must_be_wanted_and_small),
		T(home_that_refuses_ends_all_files),
		T(forgotten_keys),
		T(home_key_forgotten_ends_it),
		T(lost_in_the_middle),
		T(waits_are_in_the_book),
		T(moved_and_cancelled_files_leave),
		T(detached_and_attached_again),
		T(there_are_limits),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
