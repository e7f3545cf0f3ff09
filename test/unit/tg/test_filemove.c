/* SPDX-License-Identifier: MIT */
/* Files up and down against a server that loses, mixes, refuses and lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rnd.h"
#include "tg/filemove.h"
#include "tl/schema.h"

#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define PENDING_MAX 32

struct pending {
	uint16_t function;
	uint32_t part;
	struct buf body;
};

struct rig {
	struct filemove f;
	struct filemove_config cfg;
	struct rnd_seeded rnd;
	struct mono now;
	uint8_t *data, *got; /* what is moved; what arrived at the other end */
	bool *seen;	     /* parts that arrived */
	int64_t size, got_size;
	struct pending pending[PENDING_MAX];
	size_t npending;
	char said[512];
	struct mono until;
	int moved_to, pulls;
	enum err sink_rc;
	uint8_t reference; /* the one the server takes */
	int64_t pushed_to; /* in order: where the next one must begin */
};

static void on_event(void *ctx, const struct filemove_event *ev)
{
	static const char *const names[] = { "",       "wait ", "reference ",
					     "moved ", "done ", "failed " };
	struct rig *r = ctx;
	size_t n = strlen(r->said);

	assert_ptr_equal(ev->file, &r->f);
	if (ev->type == FILEMOVE_WAITING)
		r->until = ev->until;
	if (ev->type == FILEMOVE_MOVED)
		r->moved_to = ev->dc_id;
	snprintf(r->said + n, sizeof(r->said) - n, "%s", names[ev->type]);
}

static enum err pull(void *ctx, int64_t offset, uint8_t *dst, size_t len,
		     struct err_info *ei)
{
	struct rig *r = ctx;

	r->pulls++;
	if (r->sink_rc)
		return err_set(ei, r->sink_rc, "no disk");
	assert_true(offset + (int64_t)len <= r->size);
	memcpy(dst, r->data + offset, len);
	return ERR_OK;
}

static enum err push(void *ctx, int64_t offset, const uint8_t *data, size_t len,
		     struct err_info *ei)
{
	struct rig *r = ctx;

	if (r->sink_rc)
		return err_set(ei, r->sink_rc, "no room");
	if (!r->cfg.any_order)
		assert_int_equal(offset, r->pushed_to);
	assert_true(offset + (int64_t)len <= r->size);
	memcpy(r->got + offset, data, len);
	r->pushed_to = offset + (int64_t)len;
	r->got_size += (int64_t)len;
	return ERR_OK;
}

static void begin(struct rig *r, int64_t size, uint64_t seed)
{
	size_t room = size > 0 ? (size_t)size : 1;

	memset(r, 0, sizeof(*r));
	rnd_seeded_init(&r->rnd, seed);
	r->now.us = 1000 * US_PER_SEC;
	r->size = size;
	r->data = malloc(room);
	r->got = calloc(1, room);
	r->seen = calloc(1, room / FILEMOVE_PART_MIN + 2);
	assert_non_null(r->data);
	assert_non_null(r->got);
	assert_non_null(r->seen);
	rnd_fill(&r->rnd.rnd, r->data, room);
	r->reference = 1;
	r->cfg = (struct filemove_config){ .on_event = on_event,
					   .ctx = r,
					   .pull = pull,
					   .push = push,
					   .rnd = &r->rnd.rnd,
					   .hash = true };
}

static void end(struct rig *r)
{
	for (size_t i = 0; i < r->npending; i++)
		buf_deinit(&r->pending[i].body);
	filemove_deinit(&r->f);
	free(r->data);
	free(r->got);
	free(r->seen);
}

static void up(struct rig *r)
{
	assert_int_equal(filemove_start_up(&r->f, &r->cfg, r->size, NULL),
			 ERR_OK);
}

static void down(struct rig *r, bool know_size)
{
	const struct filemove_location at = {
		.id = 5,
		.access_hash = 6,
		.size = know_size ? r->size : FILEMOVE_SIZE_UNKNOWN,
		.reference_len = 1,
		.reference = { 1 },
	};

	assert_int_equal(filemove_start_down(&r->f, &r->cfg, &at, NULL),
			 ERR_OK);
}

/* Takes all calls there are; how many wait for an answer now. */
static size_t calls(struct rig *r)
{
	struct pending *p;
	bool has;

	for (;;) {
		assert_true(r->npending < PENDING_MAX);
		p = &r->pending[r->npending];
		buf_init(&p->body, FILEMOVE_BODY_MAX);
		filemove_next(&r->f, r->now, &p->body, &p->function, &p->part,
			      &has);
		if (!has) {
			buf_deinit(&p->body);
			return r->npending;
		}
		r->npending++;
	}
}

static struct pending take(struct rig *r, size_t i)
{
	struct pending p = r->pending[i];

	assert_true(i < r->npending);
	memmove(&r->pending[i], &r->pending[i + 1],
		(--r->npending - i) * sizeof(p));
	return p;
}

static void result(struct rig *r, uint32_t part, const struct buf *b)
{
	/* exactly as long: a byte too far is seen */
	uint8_t *copy = malloc(buf_len(b));

	assert_non_null(copy);
	memcpy(copy, buf_head(b), buf_len(b));
	filemove_on_result(&r->f, part, copy, buf_len(b), r->now);
	free(copy);
}

static void say_true(struct rig *r, uint32_t part)
{
	struct tl_writer w;
	struct buf b;

	buf_init(&b, 64);
	cursor_write(&w, &b);
	cursor_put_bool(&w, true);
	result(r, part, &b);
	buf_deinit(&b);
}

static void say_file(struct rig *r, uint32_t part, const uint8_t *data,
		     size_t len)
{
	struct tl_writer w;
	struct buf b;

	buf_init(&b, 4 * MIB);
	cursor_write(&w, &b);
	cursor_put_u32(&w,
		       schema_by_name(&schema_api_223, TLN_upload_file)->id);
	cursor_put_u32(
		&w,
		schema_by_name(&schema_api_223, TLN_storage_filePartial)->id);
	cursor_put_i32(&w, 1);
	cursor_put_bytes(&w, data, len);
	assert_int_equal(w.rc, ERR_OK);
	result(r, part, &b);
	buf_deinit(&b);
}

static void error(struct rig *r, uint32_t part, int code, const char *name)
{
	struct rpcerr err;

	rpcerr_classify(&err, code, name, strlen(name));
	filemove_on_error(&r->f, part, &err, r->now);
}

/* What a part that arrives must look like. */
static void keep_part(struct rig *r, uint32_t part, struct tl_bytes bytes)
{
	int64_t at = (int64_t)part * r->f.cfg.part_size;

	assert_true(at + (int64_t)bytes.len <= r->size);
	if (part + 1 < r->f.parts)
		assert_int_equal(bytes.len, r->f.cfg.part_size);
	memcpy(r->got + at, bytes.data, bytes.len);
	if (!r->seen[part])
		r->got_size += (int64_t)bytes.len;
	r->seen[part] = true;
}

static void serve_up(struct rig *r, const struct pending *p)
{
	struct tlf_upload_saveBigFilePart big = { 0 };
	struct tlf_upload_saveFilePart small = { 0 };
	struct tl_reader in;
	struct arena a;

	arena_init(&a, 4096);
	cursor_read(&in, buf_head(&p->body), buf_len(&p->body));
	if (p->function == TLN_upload_saveFilePart) {
		assert_true(r->size <= 10 * MIB);
		assert_int_equal(
			tlf_upload_saveFilePart_read(&in, &a, &small, NULL),
			ERR_OK);
		assert_int_equal(small.file_part, p->part);
		assert_int_equal(small.file_id, r->f.cfg.file_id);
		keep_part(r, p->part, small.bytes);
	} else {
		assert_int_equal(p->function, TLN_upload_saveBigFilePart);
		assert_true(r->size > 10 * MIB);
		assert_int_equal(
			tlf_upload_saveBigFilePart_read(&in, &a, &big, NULL),
			ERR_OK);
		assert_int_equal(big.file_part, p->part);
		assert_int_equal(big.file_total_parts,
				 (r->size + FILEMOVE_PART_MAX - 1) /
					 FILEMOVE_PART_MAX);
		keep_part(r, p->part, big.bytes);
	}
	assert_int_equal(cursor_finish(&in), ERR_OK);
	arena_deinit(&a);
	say_true(r, p->part);
}

/* As Telegram: no request crosses a boundary of 1 MiB. */
static void serve_down(struct rig *r, const struct pending *p)
{
	struct tlf_upload_getFile get = { 0 };
	const struct tlc_inputDocumentFileLocation *at;
	struct tl_reader in;
	struct arena a;
	int64_t n;

	arena_init(&a, 4096);
	cursor_read(&in, buf_head(&p->body), buf_len(&p->body));
	assert_int_equal(p->function, TLN_upload_getFile);
	assert_int_equal(tlf_upload_getFile_read(&in, &a, &get, NULL), ERR_OK);
	at = get.location.inputDocumentFileLocation;
	assert_int_equal(at->id, 5);
	assert_int_equal(at->access_hash, 6);
	assert_false(get.cdn_supported);
	assert_int_equal(get.offset % (4 * KIB), 0);
	assert_int_equal(MIB % get.limit, 0);
	assert_int_equal(get.offset / MIB, (get.offset + get.limit - 1) / MIB);
	if (at->file_reference.data[0] != r->reference) {
		error(r, p->part, 400, "FILE_REFERENCE_EXPIRED");
	} else {
		n = get.offset < r->size ? r->size - get.offset : 0;
		say_file(r, p->part, r->data + (n ? get.offset : 0),
			 (size_t)(n < get.limit ? n : get.limit));
	}
	arena_deinit(&a);
}

static void serve(struct rig *r, size_t i)
{
	struct pending p = take(r, i);

	if (r->f.up)
		serve_up(r, &p);
	else
		serve_down(r, &p);
	buf_deinit(&p.body);
}

static void drop_pending(struct rig *r)
{
	while (r->npending) {
		struct pending p = take(r, 0);

		buf_deinit(&p.body);
	}
}

/* Answers in order until there is nothing left to do. */
static void run(struct rig *r)
{
	while (!filemove_over(&r->f) && calls(r))
		serve(r, 0);
	(void)calls(r);
}

static void check_arrived(struct rig *r)
{
	uint8_t want[SHA_256_LEN], got[SHA_256_LEN];

	sha_256(r->data, (size_t)r->size, want);
	sha_256(r->got, (size_t)r->size, got);
	assert_memory_equal(want, got, sizeof(want));
	assert_int_equal(r->got_size, r->size);
	assert_int_equal(r->f.done_bytes, r->size);
	assert_int_equal(r->f.size, r->size);
	if (r->f.cfg.hash)
		assert_memory_equal(want, r->f.sha256, sizeof(want));
}

static const int64_t sizes[] = {
	1,	     253,	    254,     4096,	   512 * KIB - 1,
	512 * KIB,   512 * KIB + 1, 2 * MIB, 5 * MIB + 77, 10 * MIB,
	10 * MIB + 1
};

static void sizes_go_up(void **state)
{
	struct filemove_input in;
	struct rig r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		begin(&r, sizes[i], i + 1);
		up(&r);
		run(&r);
		assert_string_equal(r.said, "done ");
		check_arrived(&r);
		filemove_get_input(&r.f, "a.bin", &in);
		if (sizes[i] > 10 * MIB) {
			assert_int_equal(in.file.kind, TLN_inputFileBig);
			assert_int_equal(in.big.parts, 21);
		} else {
			assert_int_equal(in.file.kind, TLN_inputFile);
			assert_int_equal(in.small.md5_checksum.len, 32);
		}
		end(&r);
	}
}

static void sizes_come_down(void **state)
{
	struct rig r;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
		begin(&r, sizes[i / 2], i + 1);
		down(&r, i % 2);
		run(&r);
		assert_string_equal(r.said, "done ");
		check_arrived(&r);
		end(&r);
	}
}

static void nothing_comes_down_and_does_not_go_up(void **state)
{
	struct err_info ei = { 0 };
	struct rig r;

	(void)state;
	begin(&r, 0, 1);
	assert_int_equal(filemove_start_up(&r.f, &r.cfg, 0, &ei), ERR_INVALID);
	assert_non_null(strstr(ei.msg, "empty"));
	down(&r, true);
	assert_int_equal(filemove_deadline(&r.f).us, 0);
	assert_int_equal(calls(&r), 0); /* without a single call */
	assert_string_equal(r.said, "done ");
	assert_int_equal(filemove_deadline(&r.f).us, MONO_NEVER.us);
	r.said[0] = 0;
	filemove_deinit(&r.f);
	down(&r, false);
	run(&r);
	assert_string_equal(r.said, "done ");
	assert_int_equal(r.f.size, 0);
	end(&r);
}

static void md5_is_the_files(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 3, 1);
	memcpy(r.data, "abc", 3);
	up(&r);
	assert_int_equal(calls(&r), 1);
	/* sent again: not hashed twice */
	filemove_put_back(&r.f, 0);
	drop_pending(&r);
	run(&r);
	assert_string_equal(r.f.md5_hex, "900150983cd24fb0d6963f7d28e17f72");
	assert_int_equal(r.pulls, 2);
	end(&r);
}

static void limits_are_told_up_front(void **state)
{
	static const struct {
		int64_t size;
		uint32_t parts_max, part_size, window;
		enum err rc;
	} rows[] = {
		{ 2000 * MIB, 0, 0, 0, ERR_OK },
		{ 2000 * MIB + 1, 0, 0, 0, ERR_TOOBIG },
		{ 4000 * MIB, FILEMOVE_PARTS_PREMIUM, 0, 0, ERR_OK },
		{ 4000 * MIB + 1, FILEMOVE_PARTS_PREMIUM, 0, 0, ERR_TOOBIG },
		{ INT64_MAX, FILEMOVE_PARTS_PREMIUM, 0, 0, ERR_TOOBIG },
		{ 1, FILEMOVE_PARTS_PREMIUM + 1, 0, 0, ERR_INVALID },
		{ 16 * MIB, 0, 4096, 0, ERR_TOOBIG },
		{ 15 * MIB, 0, 4096, 0, ERR_OK },
		{ 1, 0, 1000, 0, ERR_INVALID },
		{ 1, 0, 2048, 0, ERR_INVALID },
		{ 1, 0, 1 << 20, 0, ERR_INVALID },
		{ 1, 0, 0, FILEMOVE_WINDOW_MAX, ERR_OK },
		{ 1, 0, 0, FILEMOVE_WINDOW_MAX + 1, ERR_INVALID },
		{ -1, 0, 0, 0, ERR_INVALID },
	};
	struct err_info ei;
	struct rig r;

	(void)state;
	begin(&r, 1, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		r.cfg.parts_max = rows[i].parts_max;
		r.cfg.part_size = rows[i].part_size;
		r.cfg.window = rows[i].window;
		assert_int_equal(
			filemove_start_up(&r.f, &r.cfg, rows[i].size, &ei),
			rows[i].rc);
		filemove_deinit(&r.f);
	}
	assert_non_null(strstr(ei.msg, "empty"));
	end(&r);
}

static void downloads_have_limits_too(void **state)
{
	struct filemove_location at = { .size = FILEMOVE_SIZE_MAX };
	struct rig r;

	(void)state;
	begin(&r, 1, 1);
	assert_int_equal(filemove_start_down(&r.f, &r.cfg, &at, NULL), ERR_OK);
	at.size++;
	assert_int_equal(filemove_start_down(&r.f, &r.cfg, &at, NULL),
			 ERR_TOOBIG);
	at.size = -2;
	assert_int_equal(filemove_start_down(&r.f, &r.cfg, &at, NULL),
			 ERR_INVALID);
	at.size = 1;
	at.reference_len = FILEMOVE_REFERENCE_MAX + 1;
	assert_int_equal(filemove_start_down(&r.f, &r.cfg, &at, NULL),
			 ERR_INVALID);
	r.cfg.any_order = true;
	assert_int_equal(filemove_start_down(&r.f, &r.cfg, &at, NULL),
			 ERR_INVALID);
	end(&r);
}

static void window_is_kept(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 8 * MIB, 1);
	r.cfg.window = 3;
	down(&r, true);
	assert_int_equal(calls(&r), 3);
	/* the first is missing: the others are kept, none is asked for */
	serve(&r, 2);
	serve(&r, 1);
	assert_int_equal(calls(&r), 1);
	assert_int_equal(r.got_size, 0);
	assert_int_equal(filemove_deadline(&r.f).us, MONO_NEVER.us);
	serve(&r, 0);
	assert_int_equal(r.got_size, 3 * FILEMOVE_PART_MAX);
	assert_int_equal(calls(&r), 3);
	run(&r);
	check_arrived(&r);
	end(&r);
}

static void any_order_is_given_at_once(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 2 * MIB + 5, 1);
	r.cfg.hash = false;
	r.cfg.any_order = true;
	down(&r, false);
	assert_int_equal(calls(&r), 4);
	serve(&r, 3);
	assert_int_equal(r.got_size, FILEMOVE_PART_MAX);
	while (calls(&r))
		serve(&r, r.npending - 1);
	assert_string_equal(r.said, "done ");
	check_arrived(&r);
	end(&r);
}

static void end_seen_before_what_is_before_it(void **state)
{
	struct rig r;

	(void)state;
	/* parts 0, 1 full, 2 short; 3 is empty and comes first */
	begin(&r, 2 * FILEMOVE_PART_MAX + 9, 1);
	down(&r, false);
	assert_int_equal(calls(&r), 4);
	serve(&r, 3);
	serve(&r, 2);
	assert_int_equal(calls(&r), 2); /* nothing behind the end */
	serve(&r, 1);
	serve(&r, 0);
	assert_string_equal(r.said, "done ");
	check_arrived(&r);
	end(&r);
}

static void bytes_behind_the_end(void **state)
{
	struct rig r;
	uint8_t x[16] = { 0 };

	(void)state;
	for (int first = 0; first < 2; first++) {
		begin(&r, 2 * MIB, 1);
		down(&r, false);
		assert_int_equal(calls(&r), 4);
		say_file(&r, first ? 1 : 2, first ? x : r.data,
			 first ? sizeof(x) : FILEMOVE_PART_MAX);
		assert_string_equal(r.said, "");
		say_file(&r, first ? 2 : 1, first ? r.data : x,
			 first ? FILEMOVE_PART_MAX : sizeof(x));
		assert_string_equal(r.said, "failed ");
		assert_int_equal(r.f.rc, ERR_PROTO);
		assert_non_null(strstr(r.f.why.msg, "behind the file's end"));
		end(&r);
	}
}

static void sizes_must_be_as_told(void **state)
{
	static const size_t wrong[] = { 0, 1, FILEMOVE_PART_MAX - 1,
					FILEMOVE_PART_MAX + 1 };
	struct rig r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		begin(&r, 2 * MIB, 1);
		down(&r, true);
		(void)calls(&r);
		say_file(&r, 0, r.data, wrong[i]);
		assert_string_equal(r.said, "failed ");
		assert_int_equal(r.f.rc, ERR_PROTO);
		end(&r);
	}
	begin(&r, 2 * MIB, 1);
	down(&r, false);
	(void)calls(&r);
	say_file(&r, 0, r.data, FILEMOVE_PART_MAX + 1);
	assert_int_equal(r.f.rc, ERR_PROTO);
	end(&r);
}

static void sum_must_be_as_told(void **state)
{
	uint8_t sum[SHA_256_LEN];
	struct rig r;

	(void)state;
	begin(&r, MIB, 1);
	sha_256(r.data, (size_t)r.size, sum);
	r.cfg.expect_sha256 = sum;
	down(&r, true);
	run(&r);
	assert_string_equal(r.said, "done ");
	filemove_deinit(&r.f);
	r.said[0] = 0;
	r.pushed_to = 0;
	sum[7] ^= 1;
	down(&r, true);
	sum[7] ^= 1; /* it was copied */
	run(&r);
	assert_string_equal(r.said, "failed ");
	assert_int_equal(r.f.rc, ERR_CORRUPT);
	end(&r);
}

static void waits_are_obeyed(void **state)
{
	static const char *const names[] = { "FLOOD_WAIT_7",
					     "FLOOD_PREMIUM_WAIT_7" };
	struct rig r;

	(void)state;
	for (int i = 0; i < 4; i++) {
		begin(&r, 5 * MIB, 1);
		if (i / 2)
			up(&r);
		else
			down(&r, true);
		(void)calls(&r);
		error(&r, 0, 420, names[i % 2]);
		assert_string_equal(r.said, "wait ");
		/* what the others say is no news */
		error(&r, 1, 420, "FLOOD_WAIT_3");
		assert_string_equal(r.said, "wait ");
		drop_pending(&r);
		filemove_put_back(&r.f, 2);
		filemove_put_back(&r.f, 3);
		assert_int_equal(mono_diff(r.until, r.now), 8 * US_PER_SEC);
		assert_int_equal(filemove_deadline(&r.f).us, r.until.us);
		r.now.us = r.until.us - 1;
		assert_int_equal(calls(&r), 0);
		r.now.us++;
		assert_int_equal(calls(&r), 4);
		run(&r);
		assert_string_equal(r.said, "wait done ");
		check_arrived(&r);
		end(&r);
	}
}

static void a_wait_gone_mad_is_a_year(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 1, 1);
	up(&r);
	(void)calls(&r);
	error(&r, 0, 420, "FLOOD_WAIT_9223372036854775807");
	assert_int_equal(mono_diff(r.until, r.now),
			 INT64_C(31536001) * US_PER_SEC);
	end(&r);
}

static void trouble_is_tried_again_and_has_an_end(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 1, 1);
	up(&r);
	for (int i = 0; i < FILEMOVE_TRIES; i++) {
		r.now = mono_add(filemove_deadline(&r.f), 0);
		if (r.now.us == 0)
			r.now.us = 1000 * US_PER_SEC;
		assert_int_equal(calls(&r), 1);
		drop_pending(&r);
		if (i % 2)
			error(&r, 0, 500, "RPC_CALL_FAIL");
		else
			filemove_on_failure(&r.f, 0, ERR_TIMEOUT, r.now);
	}
	assert_string_equal(r.said, "failed ");
	assert_non_null(strstr(r.f.why.msg, "part 0"));
	assert_non_null(strstr(r.f.why.msg, "RPC_CALL_FAIL"));
	/* late answers to it are nothing any more */
	say_true(&r, 0);
	assert_string_equal(r.said, "failed ");
	end(&r);
}

static void refusals_end_it(void **state)
{
	static const struct {
		int code;
		const char *name;
	} rows[] = { { 400, "FILE_PART_INVALID" },
		     { 400, "FILE_PART_EMPTY" },
		     { 400, "FILE_PART_TOO_BIG" },
		     { 400, "FILE_PARTS_INVALID" },
		     { 400, "FILE_REFERENCE_EXPIRED" }, /* of an upload? */
		     { 303, "FILE_MIGRATE_3" },
		     { 400, "MD5_CHECKSUM_INVALID" } };
	struct rig r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin(&r, MIB, 1);
		up(&r);
		(void)calls(&r);
		error(&r, 1, rows[i].code, rows[i].name);
		assert_string_equal(r.said, "failed ");
		assert_non_null(strstr(r.f.why.msg, rows[i].name));
		assert_non_null(strstr(r.f.why.msg, "part 1"));
		end(&r);
	}
}

static void a_fresh_reference_goes_on(void **state)
{
	struct rig r;
	uint8_t ref;

	(void)state;
	begin(&r, 3 * MIB, 1);
	down(&r, true);
	(void)calls(&r);
	serve(&r, 0);
	r.reference = 2;
	while (r.npending)
		serve(&r, 0);
	assert_string_equal(r.said, "reference "); /* once */
	assert_int_equal(calls(&r), 0);
	assert_int_equal(filemove_deadline(&r.f).us, MONO_NEVER.us);
	ref = 2;
	assert_int_equal(filemove_give_reference(&r.f, &ref, 1, NULL), ERR_OK);
	run(&r);
	assert_string_equal(r.said, "reference done ");
	check_arrived(&r);
	assert_int_equal(filemove_give_reference(&r.f, &ref, 1, NULL),
			 ERR_CONFLICT);
	end(&r);
}

static void an_old_reference_is_no_news(void **state)
{
	struct rig r;
	uint8_t ref = 2;

	(void)state;
	begin(&r, 3 * MIB, 1);
	down(&r, true);
	(void)calls(&r);
	r.reference = 2;
	serve(&r, 0);
	assert_int_equal(filemove_give_reference(&r.f, &ref, 1, NULL), ERR_OK);
	while (r.npending) /* those asked with the first one */
		serve(&r, 0);
	assert_string_equal(r.said, "reference ");
	run(&r);
	assert_string_equal(r.said, "reference done ");
	check_arrived(&r);
	end(&r);
}

static void stale_references_have_an_end(void **state)
{
	struct rig r;
	uint8_t ref = 9;

	(void)state;
	begin(&r, MIB, 1);
	r.reference = 2;
	r.cfg.window = 1;
	down(&r, true);
	for (int i = 0; i < FILEMOVE_REFRESH_MAX; i++) {
		assert_int_equal(calls(&r), 1);
		serve(&r, 0);
		assert_int_equal(filemove_state(&r.f),
				 FILEMOVE_STATE_WANT_REFERENCE);
		assert_int_equal(filemove_give_reference(&r.f, &ref, 1, NULL),
				 ERR_OK);
	}
	assert_int_equal(filemove_give_reference(&r.f, &ref, 0, NULL),
			 ERR_INVALID);
	assert_int_equal(filemove_give_reference(&r.f, r.data,
						 FILEMOVE_REFERENCE_MAX + 1,
						 NULL),
			 ERR_INVALID);
	(void)calls(&r);
	serve(&r, 0);
	assert_int_equal(filemove_state(&r.f), FILEMOVE_STATE_FAILED);
	end(&r);
}

static void moves_to_its_data_centre(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 3 * MIB, 1);
	down(&r, true);
	(void)calls(&r);
	error(&r, 0, 303, "FILE_MIGRATE_4");
	error(&r, 1, 303, "FILE_MIGRATE_4");
	assert_string_equal(r.said, "moved ");
	assert_int_equal(r.moved_to, 4);
	drop_pending(&r);
	filemove_put_back(&r.f, 2);
	filemove_put_back(&r.f, 3);
	assert_int_equal(calls(&r), 0);
	filemove_arrived(&r.f);
	run(&r);
	assert_string_equal(r.said, "moved done ");
	check_arrived(&r);
	end(&r);
	begin(&r, MIB, 1);
	down(&r, true);
	(void)calls(&r);
	error(&r, 0, 303, "USER_MIGRATE_4"); /* not the file's affair */
	assert_int_equal(filemove_state(&r.f), FILEMOVE_STATE_FAILED);
	end(&r);
}

static void sent_round_in_circles(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 1, 1);
	down(&r, true);
	for (int i = 0; i < FILEMOVE_REFRESH_MAX; i++) {
		assert_int_equal(calls(&r), 1);
		drop_pending(&r);
		error(&r, 0, 303, i % 2 ? "FILE_MIGRATE_1" : "FILE_MIGRATE_2");
		filemove_arrived(&r.f);
	}
	(void)calls(&r);
	error(&r, 0, 303, "FILE_MIGRATE_2");
	assert_int_equal(filemove_state(&r.f), FILEMOVE_STATE_FAILED);
	end(&r);
}

static void redirects_and_nonsense_are_errors(void **state)
{
	struct tl_writer w;
	struct rig r;
	struct buf b;

	(void)state;
	begin(&r, MIB, 1);
	down(&r, true);
	(void)calls(&r);
	buf_init(&b, 1024);
	cursor_write(&w, &b);
	cursor_put_u32(
		&w, schema_by_name(&schema_api_223, TLN_upload_fileCdnRedirect)
			    ->id);
	cursor_put_i32(&w, 203);
	for (int i = 0; i < 3; i++)
		cursor_put_bytes(&w, "x", 1);
	cursor_put_vector(&w, 0);
	result(&r, 0, &b);
	assert_int_equal(r.f.rc, ERR_PROTO);
	assert_non_null(strstr(r.f.why.msg, "CDN"));
	end(&r);
	for (int i = 0; i < 2; i++) {
		begin(&r, MIB, 1);
		if (i)
			up(&r);
		else
			down(&r, true);
		(void)calls(&r);
		buf_reset(&b);
		cursor_write(&w, &b);
		cursor_put_u32(&w, 0x12345678);
		result(&r, 0, &b);
		assert_int_equal(r.f.rc, ERR_PROTO);
		end(&r);
	}
	buf_deinit(&b);
}

static void paused_and_cancelled(void **state)
{
	struct rig r;
	uint32_t part;

	(void)state;
	begin(&r, 5 * MIB, 1);
	down(&r, true);
	assert_int_equal(calls(&r), 4);
	filemove_pause(&r.f);
	while (r.npending)
		serve(&r, 0);
	assert_int_equal(calls(&r), 0);
	assert_int_equal(r.got_size, 2 * MIB);
	assert_int_equal(filemove_deadline(&r.f).us, MONO_NEVER.us);
	filemove_resume(&r.f);
	assert_int_equal(calls(&r), 4);
	assert_true(filemove_under_way(&r.f, &part));
	filemove_cancel(&r.f);
	assert_false(filemove_under_way(&r.f, &part));
	assert_string_equal(r.said, "failed ");
	assert_int_equal(r.f.rc, ERR_CANCELED);
	serve(&r, 0); /* its answer comes all the same */
	assert_int_equal(r.got_size, 2 * MIB);
	filemove_cancel(&r.f);
	assert_string_equal(r.said, "failed ");
	end(&r);
}

static void the_owner_may_fail_too(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, MIB, 1);
	r.sink_rc = ERR_IO;
	up(&r);
	assert_int_equal(calls(&r), 0);
	assert_int_equal(r.f.rc, ERR_IO);
	assert_non_null(strstr(r.f.why.msg, "no disk"));
	filemove_deinit(&r.f);
	down(&r, true);
	(void)calls(&r);
	serve(&r, 0);
	assert_int_equal(r.f.rc, ERR_IO);
	assert_non_null(strstr(r.f.why.msg, "no room"));
	end(&r);
}

static void a_missing_part_is_sent_again(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 3 * MIB, 1);
	up(&r);
	assert_int_equal(filemove_missing(&r.f, 1, NULL), ERR_CONFLICT);
	run(&r);
	r.seen[4] = false;
	r.got_size -= FILEMOVE_PART_MAX;
	assert_int_equal(filemove_missing(&r.f, 6, NULL), ERR_CONFLICT);
	assert_int_equal(filemove_missing(&r.f, 4, NULL), ERR_OK);
	run(&r);
	assert_string_equal(r.said, "done done ");
	check_arrived(&r);
	/* the same again and again has an end */
	for (int i = 1; i <= FILEMOVE_MISSING_MAX; i++) {
		enum err rc = filemove_missing(&r.f, 4, NULL);

		assert_int_equal(rc,
				 i < FILEMOVE_MISSING_MAX ? ERR_OK : ERR_PROTO);
		(void)calls(&r);
		drop_pending(&r);
		say_true(&r, 4);
	}
	end(&r);
}

static void goes_on_in_the_middle(void **state)
{
	struct err_info ei;
	struct rig r;

	(void)state;
	begin(&r, 12 * MIB, 1);
	r.cfg.from_part = 20;
	r.cfg.file_id = 99;
	assert_int_equal(filemove_start_up(&r.f, &r.cfg, r.size, &ei),
			 ERR_INVALID);
	r.cfg.hash = false;
	assert_int_equal(filemove_start_up(&r.f, &r.cfg, 5 * MIB, &ei),
			 ERR_INVALID);
	up(&r);
	run(&r);
	assert_string_equal(r.said, "done ");
	assert_int_equal(r.got_size, 2 * MIB);
	assert_int_equal(r.pulls, 4);
	assert_int_equal(r.f.done_bytes, r.size);
	end(&r);
}

/* ---- everything at once */

static uint32_t pick(struct rig *r, uint32_t n)
{
	return rnd_below(&r->rnd.rnd, n);
}

static void mishap(struct rig *r, size_t i)
{
	struct pending p = take(r, i);
	uint8_t ref;

	switch (pick(r, 6)) {
	case 0:
		filemove_on_failure(&r->f, p.part, ERR_TIMEOUT, r->now);
		break;
	case 1:
		error(r, p.part, 420, "FLOOD_PREMIUM_WAIT_2");
		break;
	case 2:
		error(r, p.part, 500, "INTERNAL");
		break;
	case 3: /* a connection that is lost takes nothing back by itself */
		filemove_put_back(&r->f, p.part);
		break;
	case 4:
		if (r->f.up || r->reference > 200) {
			filemove_put_back(&r->f, p.part);
			break;
		}
		error(r, p.part, 400, "FILE_REFERENCE_EXPIRED");
		ref = ++r->reference;
		if (!filemove_over(&r->f))
			assert_int_equal(
				filemove_give_reference(&r->f, &ref, 1, NULL),
				ERR_OK);
		break;
	default:
		if (r->f.up) {
			filemove_on_failure(&r->f, p.part, ERR_CANCELED,
					    r->now);
			break;
		}
		error(r, p.part, 303, "FILE_MIGRATE_2");
		filemove_arrived(&r->f);
		break;
	}
	buf_deinit(&p.body);
}

static void any_mishaps_in_any_order(void **state)
{
	int good = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct rig r;

		begin(&r, 0, seed);
		end(&r);
		begin(&r, 1 + (int64_t)(seed * 7919 % 300000), seed);
		r.cfg.part_size = 4096U << pick(&r, 3);
		r.cfg.window = 1 + pick(&r, FILEMOVE_WINDOW_MAX);
		r.cfg.any_order = pick(&r, 2);
		r.cfg.hash = !r.cfg.any_order;
		if (pick(&r, 2))
			up(&r);
		else
			down(&r, pick(&r, 2));
		while (!filemove_over(&r.f)) {
			struct mono due;

			if (calls(&r)) {
				size_t i = pick(&r, (uint32_t)r.npending);

				if (pick(&r, 8))
					serve(&r, i);
				else
					mishap(&r, i);
				continue;
			}
			if (filemove_over(&r.f))
				break;
			due = filemove_deadline(&r.f);
			assert_int_not_equal(due.us, MONO_NEVER.us);
			r.now = due;
		}
		/* a part may have had more bad luck than tries */
		if (filemove_state(&r.f) == FILEMOVE_STATE_DONE) {
			check_arrived(&r);
			good++;
		} else if (!strstr(r.f.why.msg, "tried") &&
			   !strstr(r.f.why.msg, "fresh references") &&
			   !strstr(r.f.why.msg, "from one data centre")) {
			fail_msg("seed %llu: %s", (unsigned long long)seed,
				 r.f.why.msg);
		}
		end(&r);
	}
	assert_true(good >= 190);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_go_up),
		cmocka_unit_test(sizes_come_down),
		cmocka_unit_test(nothing_comes_down_and_does_not_go_up),
		cmocka_unit_test(md5_is_the_files),
		cmocka_unit_test(limits_are_told_up_front),
		cmocka_unit_test(downloads_have_limits_too),
		cmocka_unit_test(window_is_kept),
		cmocka_unit_test(any_order_is_given_at_once),
		cmocka_unit_test(end_seen_before_what_is_before_it),
		cmocka_unit_test(bytes_behind_the_end),
		cmocka_unit_test(sizes_must_be_as_told),
		cmocka_unit_test(sum_must_be_as_told),
		cmocka_unit_test(waits_are_obeyed),
		cmocka_unit_test(a_wait_gone_mad_is_a_year),
		cmocka_unit_test(trouble_is_tried_again_and_has_an_end),
		cmocka_unit_test(refusals_end_it),
		cmocka_unit_test(a_fresh_reference_goes_on),
		cmocka_unit_test(an_old_reference_is_no_news),
		cmocka_unit_test(stale_references_have_an_end),
		cmocka_unit_test(moves_to_its_data_centre),
		cmocka_unit_test(sent_round_in_circles),
		cmocka_unit_test(redirects_and_nonsense_are_errors),
		cmocka_unit_test(paused_and_cancelled),
		cmocka_unit_test(the_owner_may_fail_too),
		cmocka_unit_test(a_missing_part_is_sent_again),
		cmocka_unit_test(goes_on_in_the_middle),
		cmocka_unit_test(any_mishaps_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
