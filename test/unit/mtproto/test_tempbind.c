/* SPDX-License-Identifier: MIT */
/* auth.bindTempAuthKey against the recorded vectors, byte for byte. */
#include "mt_vectors.h"

#include "mtproto/envelope.h"
#include "mtproto/tempbind.h"

static struct authkey key_of(struct json v, const char *field)
{
	struct mt_bytes b = mt_hex(json_get(v, field));
	struct authkey k;

	assert_int_equal(b.len, AUTHKEY_LEN);
	assert_int_equal(authkey_init(&k, b.data), ERR_OK);
	free(b.data);
	return k;
}

static void same(struct json v, const char *field, const struct buf *got)
{
	struct mt_bytes want = mt_hex(json_get(v, field));

	assert_int_equal(buf_len(got), want.len);
	assert_memory_equal(buf_head(got), want.data, want.len);
	free(want.data);
}

static struct tempbind bind_of(struct json v)
{
	return (struct tempbind){
		.nonce = mt_u64(json_get(v, "nonce")),
		.temp_key_id = mt_u64(json_get(v, "temp_auth_key_id")),
		.perm_key_id = mt_u64(json_get(v, "perm_auth_key_id")),
		.session_id = mt_u64(json_get(v, "temp_session_id")),
		.msg_id = mt_u64(json_get(v, "msg_id")),
		.expires_at = (int32_t)json_int(json_get(v, "expires_at"), 0),
	};
}

static void make(struct json v, struct buf *out)
{
	struct mt_bytes prefix = mt_hex(json_get(v, "random_prefix"));
	struct mt_bytes padding = mt_hex(json_get(v, "padding"));
	struct authkey perm = key_of(v, "perm_auth_key");
	struct tempbind b = bind_of(v);
	uint8_t random[24];
	struct rnd_fixed rnd;

	memcpy(random, prefix.data, 16);
	memcpy(random + 16, padding.data, 8);
	rnd_fixed_init(&rnd, random, sizeof(random));
	assert_true(perm.id == b.perm_key_id);
	assert_int_equal(tempbind_make(&b, &perm, &rnd.rnd, out, NULL), ERR_OK);
	authkey_deinit(&perm);
	free(prefix.data);
	free(padding.data);
}

static void open_sealed(struct json v)
{
	struct mt_bytes sealed = mt_hex(json_get(v, "encrypted_message"));
	struct authkey perm = key_of(v, "perm_auth_key");
	struct authkey temp = key_of(v, "temp_auth_key");
	struct tempbind got, want = bind_of(v);
	struct err_info ei = { 0 };

	assert_int_equal(
		tempbind_open(&perm, sealed.data, sealed.len, &got, &ei),
		ERR_OK);
	assert_true(got.nonce == want.nonce && got.msg_id == want.msg_id);
	assert_true(got.temp_key_id == want.temp_key_id);
	assert_true(got.temp_key_id == temp.id);
	assert_true(got.perm_key_id == want.perm_key_id);
	assert_true(got.session_id == want.session_id);
	assert_int_equal(got.expires_at, want.expires_at);
	assert_int_equal(
		tempbind_open(&temp, sealed.data, sealed.len, &got, &ei),
		ERR_PROTO);
	/* Cut, and each bit position of each byte but the padding's. */
	for (size_t n = 0; n < sealed.len; n++)
		assert_int_equal(
			tempbind_open(&perm, sealed.data, n, &got, &ei),
			ERR_PROTO);
	for (size_t i = 0; i < 88; i++) {
		sealed.data[i] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(tempbind_open(&perm, sealed.data, sealed.len,
					       &got, &ei),
				 ERR_PROTO);
		sealed.data[i] ^= (uint8_t)(1 << i % 8);
	}
	authkey_deinit(&perm);
	authkey_deinit(&temp);
	free(sealed.data);
}

/* The message that carries it, as the other client sealed it. */
static void outer(struct json v, const struct buf *request)
{
	struct mt_bytes packet = mt_hex(json_get(v, "outer_packet"));
	struct authkey temp = key_of(v, "temp_auth_key");
	struct envelope_msg msg;

	assert_int_equal(envelope_open(&temp, ENVELOPE_TO_SERVER, packet.data,
				       packet.len, &msg, NULL),
			 ERR_OK);
	assert_true(msg.msg_id == mt_u64(json_get(v, "msg_id")));
	assert_true(msg.session_id == mt_u64(json_get(v, "temp_session_id")));
	assert_int_equal(msg.body_len, buf_len(request));
	assert_memory_equal(msg.body, buf_head(request), msg.body_len);
	authkey_deinit(&temp);
	free(packet.data);
}

static void vectors(void **state)
{
	struct json_doc doc = mt_load("mtproto1_bind.json");
	struct json_iter it = json_iter(json_get(json_root(&doc), "vectors"));
	size_t n = 0;

	for (; json_next(&it); n++) {
		struct buf out;

		buf_init(&out, 1024);
		make(it.val, &out);
		assert_int_equal(buf_len(&out), TEMPBIND_REQUEST_LEN);
		same(it.val, "request", &out);
		outer(it.val, &out);
		open_sealed(it.val);
		buf_deinit(&out);
	}
	assert_int_equal(n, 6);
	json_free(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
