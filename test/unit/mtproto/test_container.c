/* SPDX-License-Identifier: MIT */
#include "mt_vectors.h"

#include "mtproto/container.h"
#include "mtproto/gzip.h"
#include "mtproto/seenids.h"
#include "mtproto/service.h"

/* Follows a framing as far as it goes; counts objects that are neither. */
static enum err walk(const uint8_t *p, size_t len, unsigned int depth,
		     size_t *count, struct err_info *ei)
{
	uint32_t id = len < 4 ? 0
			      : (uint32_t)p[0] | (uint32_t)p[1] << 8 |
					(uint32_t)p[2] << 16 |
					(uint32_t)p[3] << 24;
	struct container it;
	struct container_msg msg;
	struct buf out;
	enum err rc;

	assert_true(depth < 5);
	if (id == SERVICE_MSG_CONTAINER) {
		rc = container_open(&it, p, len, ei);
		while (!rc && container_next(&it, &msg))
			rc = walk(msg.body, msg.len, depth + 1, count, ei);
		return rc;
	}
	if (id == SERVICE_GZIP_PACKED) {
		buf_init(&out, GZIP_UNPACKED_MAX);
		rc = gzip_unpack(p, len, &out, ei);
		if (!rc)
			rc = walk(buf_head(&out), buf_len(&out), depth + 1,
				  count, ei);
		buf_deinit(&out);
		return rc;
	}
	(*count)++;
	return ERR_OK;
}

static void framing_vectors_open(void **state)
{
	struct json_doc doc = mt_load("tl_223.json");
	size_t containers = 0, packed = 0;

	for (struct json_iter it =
		     json_iter(json_get(json_root(&doc), "vectors"));
	     json_next(&it);) {
		const char *name = json_str(json_get(it.val, "name"), "");
		struct mt_bytes b;
		size_t n = 0;

		if (strcmp(json_str(json_get(it.val, "kind"), ""), "framing"))
			continue;
		b = mt_hex(json_get(it.val, "hex"));
		assert_int_equal(walk(b.data, b.len, 0, &n, NULL), ERR_OK);
		if (!strcmp(name, "msg_container")) {
			struct json list =
				json_get(json_get(it.val, "json"), "messages");

			assert_int_equal(n, json_len(list));
			containers++;
		}
		if (!strcmp(name, "gzip_packed")) {
			assert_int_equal(n, 1);
			packed++;
		}
		free(b.data);
	}
	assert_int_equal(containers, 3);
	assert_int_equal(packed, 2);
	json_free(&doc);
}

static void malformed_framing_is_refused(void **state)
{
	struct json_doc doc = mt_load("tl_223.json");
	size_t refused = 0;

	for (struct json_iter it =
		     json_iter(json_get(json_root(&doc), "malformed"));
	     json_next(&it);) {
		const char *why = json_str(json_get(it.val, "why"), "");
		struct mt_bytes b;
		size_t n = 0;

		if (strncmp(why, "msg_container", 13) &&
		    strncmp(why, "gzip", 4))
			continue;
		/* Seen only by who knows rpc_result, resp. the inner type;
		 * nesting of gzip is the session's rule. */
		if (strstr(why, "inside rpc_result") ||
		    strstr(why, "shorter than the object") ||
		    strstr(why, "gzip_packed inside gzip_packed"))
			continue;
		b = mt_hex(json_get(it.val, "hex"));
		if (!walk(b.data, b.len, 0, &n, NULL))
			fail_msg("not refused: %s", why);
		refused++;
		free(b.data);
	}
	assert_in_range(refused, 12, 100);
	json_free(&doc);
}

static void containers_come_back(void **state)
{
	const struct container_msg in[] = {
		{ 1, 1, (const uint8_t *)"abcd", 4 },
		{ 5, 2, (const uint8_t *)"abcdefgh", 8 },
	};
	struct container_msg msg;
	struct container it;
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(container_put_head(&b, 2), ERR_OK);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(container_put(&b, &in[i]), ERR_OK);
	assert_int_equal(container_open(&it, buf_head(&b), buf_len(&b), NULL),
			 ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_true(container_next(&it, &msg));
		assert_true(msg.msg_id == in[i].msg_id);
		assert_int_equal(msg.seq_no, in[i].seq_no);
		assert_int_equal(msg.len, in[i].len);
		assert_memory_equal(msg.body, in[i].body, msg.len);
	}
	assert_false(container_next(&it, &msg));
	for (size_t n = 0; n < buf_len(&b); n++)
		assert_int_equal(container_open(&it, buf_head(&b), n, NULL),
				 ERR_PROTO);
	assert_int_equal(buf_append(&b, "rest", 4), ERR_OK);
	assert_int_equal(container_open(&it, buf_head(&b), buf_len(&b), NULL),
			 ERR_PROTO);
	buf_deinit(&b);
}

static void gzip_comes_back(void **state)
{
	static const size_t sizes[] = { 1, 4, 100, 4096, 1U << 20 };
	uint8_t *data = malloc(1U << 20);
	struct buf packed, plain;

	for (size_t i = 0; i < 1U << 20; i++)
		data[i] = (uint8_t)(i * 2654435761U >> (i % 7));
	buf_init(&packed, GZIP_UNPACKED_MAX);
	buf_init(&plain, GZIP_UNPACKED_MAX);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		buf_reset(&packed);
		buf_reset(&plain);
		assert_int_equal(gzip_pack(data, sizes[i], &packed), ERR_OK);
		assert_int_equal(gzip_unpack(buf_head(&packed),
					     buf_len(&packed), &plain, NULL),
				 ERR_OK);
		assert_int_equal(buf_len(&plain), sizes[i]);
		assert_memory_equal(buf_head(&plain), data, sizes[i]);
	}
	buf_deinit(&packed);
	buf_deinit(&plain);
	free(data);
}

static void bombs_are_bounded_by_ratio_and_by_size(void **state)
{
	uint8_t *zeros = calloc(1, 8U << 20);
	struct buf packed, plain;
	uint8_t *noise = malloc(8192);

	buf_init(&packed, GZIP_UNPACKED_MAX);
	buf_init(&plain, GZIP_UNPACKED_MAX);
	assert_int_equal(buf_append(&plain, "keep", 4), ERR_OK);
	assert_int_equal(gzip_deflate(zeros, 8U << 20, &packed), ERR_OK);
	assert_int_equal(
		gzip_inflate(buf_head(&packed), buf_len(&packed), &plain, NULL),
		ERR_TOOBIG);
	assert_int_equal(buf_len(&plain), 4); /* as it was */
	/* Small ones may be dense. */
	buf_reset(&packed);
	assert_int_equal(gzip_deflate(zeros, GZIP_FREE, &packed), ERR_OK);
	assert_int_equal(
		gzip_inflate(buf_head(&packed), buf_len(&packed), &plain, NULL),
		ERR_OK);
	assert_int_equal(buf_len(&plain), 4 + GZIP_FREE);
	/* The buffer's own limit, exactly. */
	for (size_t i = 0; i < 8192; i++)
		noise[i] = (uint8_t)(i * 2654435761U >> 9);
	buf_reset(&packed);
	assert_int_equal(gzip_deflate(noise, 8192, &packed), ERR_OK);
	for (size_t max = 8191; max <= 8192; max++) {
		buf_deinit(&plain);
		buf_init(&plain, max);
		assert_int_equal(gzip_inflate(buf_head(&packed),
					      buf_len(&packed), &plain, NULL),
				 max < 8192 ? ERR_TOOBIG : ERR_OK);
	}
	buf_deinit(&packed);
	buf_deinit(&plain);
	free(zeros);
	free(noise);
}

static bool fresh(struct seenids *s, uint64_t id)
{
	bool is = false;

	assert_int_equal(seenids_add(s, id, &is), ERR_OK);
	return is;
}

static void ids_are_seen_once(void **state)
{
	struct seenids s;

	seenids_init(&s);
	for (uint64_t id = 10000; id > 0; id -= 4) {
		/* Falling ids: the set fills, then refuses what is lower. */
		bool is = fresh(&s, id);

		assert_int_equal(is, id > 10000 - 4 * SEENIDS_MAX);
		assert_false(is && fresh(&s, id));
	}
	seenids_deinit(&s);
	for (uint64_t id = 1; id < 40000; id += 4)
		assert_true(fresh(&s, id));
	for (uint64_t id = 1; id < 40000; id += 4)
		assert_false(fresh(&s, id));
	assert_true(s.n <= SEENIDS_MAX);
	assert_true(fresh(&s, 39998)); /* between two that are known */
	seenids_forget(&s, 39996);
	assert_null(s.many); /* few are left: no heap */
	assert_false(fresh(&s, 39990));
	assert_false(fresh(&s, 39997));
	assert_true(fresh(&s, 40001));
	seenids_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(framing_vectors_open),
		cmocka_unit_test(malformed_framing_is_refused),
		cmocka_unit_test(containers_come_back),
		cmocka_unit_test(gzip_comes_back),
		cmocka_unit_test(bombs_are_bounded_by_ratio_and_by_size),
		cmocka_unit_test(ids_are_seen_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
