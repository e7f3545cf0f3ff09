/* SPDX-License-Identifier: MIT */
#include "mt_vectors.h"

#include "crypto/sha.h"
#include "mtproto/envelope.h"

static struct authkey key_of(struct json v)
{
	struct mt_bytes b = mt_hex(v);
	struct authkey key;

	assert_int_equal(b.len, AUTHKEY_LEN);
	assert_int_equal(authkey_init(&key, b.data), ERR_OK);
	free(b.data);
	return key;
}

static enum envelope_side side_of(struct json v)
{
	return strcmp(json_str(json_get(v, "direction"), ""), "to_server")
		       ? ENVELOPE_FROM_SERVER
		       : ENVELOPE_TO_SERVER;
}

static void check_open(struct json v, const struct authkey *key)
{
	struct mt_bytes packet = mt_hex(json_get(v, "packet"));
	struct mt_bytes body = mt_hex(json_get(v, "body"));
	struct envelope_msg msg;

	assert_int_equal(envelope_open(key, side_of(v), packet.data, packet.len,
				       &msg, NULL),
			 ERR_OK);
	assert_true(msg.salt == mt_u64(json_get(v, "salt")));
	assert_true(msg.session_id == mt_u64(json_get(v, "session_id")));
	assert_true(msg.msg_id == mt_u64(json_get(v, "msg_id")));
	assert_int_equal(msg.seq_no, json_int(json_get(v, "seq_no"), -1));
	assert_int_equal(msg.body_len, body.len);
	assert_memory_equal(msg.body, body.data, body.len);
	free(packet.data);
	free(body.data);
}

static void check_seal(struct json v, const struct authkey *key)
{
	struct mt_bytes packet = mt_hex(json_get(v, "packet"));
	struct mt_bytes body = mt_hex(json_get(v, "body"));
	struct mt_bytes padding = mt_hex(json_get(v, "padding"));
	struct envelope_msg msg = {
		.salt = mt_u64(json_get(v, "salt")),
		.session_id = mt_u64(json_get(v, "session_id")),
		.msg_id = mt_u64(json_get(v, "msg_id")),
		.seq_no = (uint32_t)json_int(json_get(v, "seq_no"), -1),
		.body = body.data,
		.body_len = body.len,
	};
	struct buf out;

	buf_init(&out, 1U << 20);
	assert_int_equal(envelope_seal_padded(key, side_of(v), &msg,
					      padding.data, padding.len, &out),
			 ERR_OK);
	assert_int_equal(buf_len(&out), packet.len);
	assert_memory_equal(buf_head(&out), packet.data, packet.len);
	buf_deinit(&out);
	free(packet.data);
	free(body.data);
	free(padding.data);
}

static void known_answers(void **state)
{
	struct json_doc doc = mt_load("envelope.json");
	size_t n = 0;

	for (struct json_iter it =
		     json_iter(json_get(json_root(&doc), "vectors"));
	     json_next(&it); n++) {
		struct authkey key = key_of(json_get(it.val, "auth_key"));

		assert_true(key.id == mt_u64(json_get(it.val, "auth_key_id")));
		check_open(it.val, &key);
		check_seal(it.val, &key);
		authkey_deinit(&key);
	}
	assert_int_equal(n, 25);
	json_free(&doc);
}

/* The last five of the file are for the session: see test_session.c. */
static void refusals_each_say_why(void **state)
{
	static const char *const texts[] = {
		"another authorisation key",
		"msg_key",
		"msg_key",
		"multiple of 16",
		"msg_key",
		"cannot hold",
		"shorter than its head",
		"msg_key",
		"below 12",
		"below 12",
		"above 1024",
		"above the",
		"above the",
		"multiple of 4",
		"above 1024",
	};
	struct json_doc doc = mt_load("envelope.json");
	struct json root = json_root(&doc);
	struct authkey key =
		key_of(json_get(json_get(root, "refuse_context"), "auth_key"));
	size_t i = 0;

	for (struct json_iter it = json_iter(json_get(root, "refuse"));
	     json_next(&it) && i < ARRAY_LEN(texts); i++) {
		struct mt_bytes packet = mt_hex(json_get(it.val, "packet"));
		struct err_info ei = { 0 };
		struct envelope_msg msg;
		enum err rc;

		rc = envelope_open(&key, ENVELOPE_FROM_SERVER, packet.data,
				   packet.len, &msg, &ei);
		if (rc != ERR_PROTO || !strstr(ei.msg, texts[i]))
			fail_msg("%s: rc %d, '%s'",
				 json_str(json_get(it.val, "why"), ""), rc,
				 ei.msg);
		free(packet.data);
	}
	assert_int_equal(i, ARRAY_LEN(texts));
	authkey_deinit(&key);
	json_free(&doc);
}

static void any_changed_byte_is_refused(void **state)
{
	struct json_doc doc = mt_load("envelope.json");
	struct json ctx = json_get(json_root(&doc), "refuse_context");
	struct authkey key = key_of(json_get(ctx, "auth_key"));
	struct mt_bytes packet = mt_hex(json_get(ctx, "valid_packet"));
	uint8_t *copy = malloc(packet.len);
	struct envelope_msg msg;

	for (size_t i = 0; i < packet.len; i++) {
		memcpy(copy, packet.data, packet.len);
		copy[i] ^= (uint8_t)(1U << (i % 8));
		assert_int_equal(envelope_open(&key, ENVELOPE_FROM_SERVER, copy,
					       packet.len, &msg, NULL),
				 ERR_PROTO);
	}
	for (size_t len = 0; len < packet.len; len++) {
		memcpy(copy, packet.data, packet.len);
		assert_int_equal(envelope_open(&key, ENVELOPE_FROM_SERVER, copy,
					       len, &msg, NULL),
				 ERR_PROTO);
	}
	memcpy(copy, packet.data, packet.len);
	assert_int_equal(envelope_open(&key, ENVELOPE_TO_SERVER, copy,
				       packet.len, &msg, NULL),
			 ERR_PROTO);
	memcpy(copy, packet.data, packet.len);
	assert_int_equal(envelope_open(&key, ENVELOPE_FROM_SERVER, copy,
				       packet.len, &msg, NULL),
			 ERR_OK);
	free(copy);
	free(packet.data);
	authkey_deinit(&key);
	json_free(&doc);
}

static void seal_pads_within_bounds(void **state)
{
	uint8_t bytes[AUTHKEY_LEN] = { 7 };
	uint8_t body[256] = { 1, 2, 3 };
	struct rnd_seeded rnd;
	struct authkey key;
	struct buf out;

	rnd_seeded_init(&rnd, 1);
	assert_int_equal(authkey_init(&key, bytes), ERR_OK);
	buf_init(&out, 4096);
	for (size_t len = 4; len <= sizeof(body); len += 4) {
		struct envelope_msg msg = { .msg_id = 4,
					    .body = body,
					    .body_len = len };
		struct envelope_msg back;
		size_t padding;

		buf_reset(&out);
		assert_int_equal(envelope_seal(&key, ENVELOPE_TO_SERVER, &msg,
					       &rnd.rnd, &out, NULL),
				 ERR_OK);
		padding = buf_len(&out) - ENVELOPE_HEAD - ENVELOPE_INNER_HEAD -
			  len;
		assert_in_range(padding, 12, 27);
		assert_int_equal(envelope_open(&key, ENVELOPE_TO_SERVER,
					       buf_head(&out), buf_len(&out),
					       &back, NULL),
				 ERR_OK);
		assert_memory_equal(back.body, body, len);
	}
	for (size_t len = 0; len < 4; len++) {
		struct envelope_msg bad = { .body = body, .body_len = len };

		assert_int_equal(envelope_seal(&key, ENVELOPE_TO_SERVER, &bad,
					       &rnd.rnd, &out, NULL),
				 ERR_INVALID);
	}
	buf_deinit(&out);
	authkey_deinit(&key);
}

/* The token is of the same hash as msg_key, found here by another way. */
static void quick_acks_come_from_the_hash_of_msg_key(void **state)
{
	struct json_doc doc = mt_load("envelope.json");
	struct json_iter it = json_iter(json_get(json_root(&doc), "vectors"));
	struct mt_bytes packet, bytes;
	struct envelope_msg msg;
	uint8_t joined[4096], hash[SHA_256_LEN];
	struct authkey key;
	uint32_t token;

	assert_true(json_next(&it));
	key = key_of(json_get(it.val, "auth_key"));
	bytes = mt_hex(json_get(it.val, "auth_key"));
	packet = mt_hex(json_get(it.val, "packet"));
	assert_int_equal(envelope_open(&key, ENVELOPE_TO_SERVER, packet.data,
				       packet.len, &msg, NULL),
			 ERR_OK);
	memcpy(joined, bytes.data + 88, 32);
	memcpy(joined + 32, packet.data + 24, packet.len - 24);
	sha_256(joined, 32 + packet.len - 24, hash);
	assert_memory_equal(hash + 8, packet.data + 8, 16); /* msg_key */
	token = envelope_quick_ack(&key, packet.data, packet.len);
	assert_int_equal(token & 0xff, hash[0]);
	assert_int_equal(token >> 24, hash[3] | 0x80);
	free(packet.data);
	free(bytes.data);
	authkey_deinit(&key);
	json_free(&doc);
}

static void plain_messages(void **state)
{
	const uint8_t *body;
	uint64_t msg_id, id = 1;
	size_t len;
	struct buf out;

	buf_init(&out, 1024);
	assert_int_equal(
		envelope_plain_seal(0x1122334455667788, "abcdefgh", 8, &out),
		ERR_OK);
	assert_int_equal(
		envelope_key_id(buf_head(&out), buf_len(&out), &id, NULL),
		ERR_OK);
	assert_true(id == 0);
	assert_int_equal(envelope_plain_open(buf_head(&out), buf_len(&out),
					     &msg_id, &body, &len, NULL),
			 ERR_OK);
	assert_true(msg_id == 0x1122334455667788 && len == 8);
	assert_memory_equal(body, "abcdefgh", 8);
	for (size_t n = 0; n < buf_len(&out); n++)
		assert_int_equal(envelope_plain_open(buf_head(&out), n, &msg_id,
						     &body, &len, NULL),
				 ERR_PROTO);
	buf_head(&out)[0] = 1;
	assert_int_equal(envelope_plain_open(buf_head(&out), buf_len(&out),
					     &msg_id, &body, &len, NULL),
			 ERR_PROTO);
	assert_int_equal(envelope_plain_seal(4, "abc", 3, &out), ERR_INVALID);
	buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(refusals_each_say_why),
		cmocka_unit_test(any_changed_byte_is_refused),
		cmocka_unit_test(seal_pads_within_bounds),
		cmocka_unit_test(quick_acks_come_from_the_hash_of_msg_key),
		cmocka_unit_test(plain_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
