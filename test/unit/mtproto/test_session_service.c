/* SPDX-License-Identifier: MIT */
/* Service messages seen rarely, packed queries, and what may not be nested. */
#include "session_rig.h"

#include "mtproto/tempbind.h"

#define PONG_LEN 20

static void a_server_that_pings_gets_a_pong(void **state)
{
	struct rig *rig = rig_new();
	const struct sent *pong;

	drain(rig);
	assert_int_equal(give_free(rig, false, tl("il", SERVICE_PING, 77ULL)),
			 ERR_OK);
	drain(rig);
	pong = find(rig, SERVICE_PONG);
	assert_non_null(pong);
	assert_int_equal(pong->len, PONG_LEN);
	assert_int_equal(pong->seq_no % 2, 0);
	assert_true(bytes_get_u64(pong->body + 4) == rig->next_id);
	assert_true(bytes_get_u64(pong->body + 12) == 77);
	assert_int_equal(
		give_free(rig, false,
			  tl("ili", SERVICE_PING_DELAY_DISCONNECT, 78ULL, 75U)),
		ERR_OK);
	drain(rig);
	pong = find(rig, SERVICE_PONG);
	assert_non_null(pong);
	assert_true(bytes_get_u64(pong->body + 12) == 78);
	/* Too short, too long. */
	assert_int_equal(give_free(rig, false, tl("ii", SERVICE_PING, 7U)),
			 ERR_PROTO);
	assert_int_equal(
		give_free(rig, false, tl("ili", SERVICE_PING, 78ULL, 75U)),
		ERR_PROTO);
	expect_events(rig, "");
	rig_free(rig);
}

static void http_wait_is_tolerated(void **state)
{
	struct rig *rig = rig_new();

	drain(rig);
	assert_int_equal(
		give_free(rig, false,
			  tl("iiii", SERVICE_HTTP_WAIT, 0U, 0U, 25000U)),
		ERR_OK);
	drain(rig);
	assert_int_equal(rig->nsent, 0);
	expect_events(rig, "");
	rig_free(rig);
}

/* msgs_all_info: what it confirms need not be asked about. */
static void all_info_confirms(void **state)
{
	struct rig *rig = rig_new();
	uint64_t a, b;

	ask(rig, 1, MONO_NEVER);
	ask(rig, 2, MONO_NEVER);
	drain(rig);
	a = sent_as(rig, 1);
	b = sent_as(rig, 2);
	assert_int_equal(give_free(rig, false,
				   tl("iiills", SERVICE_MSGS_ALL_INFO,
				      SERVICE_VECTOR, 2U, a, b, "\4\1")),
			 ERR_OK);
	rig->now = mono_add(rig->now, 16 * US_PER_SEC);
	drain(rig);
	assert_int_equal(count(rig, SERVICE_MSGS_STATE_REQ), 1);
	/* constructor, vector, count, and b alone */
	assert_int_equal(find(rig, SERVICE_MSGS_STATE_REQ)->len, 20);
	assert_true(bytes_get_u64(find(rig, SERVICE_MSGS_STATE_REQ)->body +
				  12) == b);
	/* As many states as ids, or it is refused. */
	assert_int_equal(give_free(rig, false,
				   tl("iiills", SERVICE_MSGS_ALL_INFO,
				      SERVICE_VECTOR, 2U, a, b, "\4")),
			 ERR_PROTO);
	rig_free(rig);
}

/*
 * The ids of a session begin anew with it, and may be those of the one before,
 * of other queries: nothing old counts.  (Asking for the states of messages
 * never ended once one's id was another's old one.)
 */
static void ids_of_the_session_before_mean_nothing(void **state)
{
	struct rig *rig = rig_new();
	uint8_t key[AUTHKEY_LEN];
	uint64_t was;

	memcpy(key, rig->key.secret.bytes, sizeof(key));
	for (uint64_t tag = 1; tag <= 3; tag++)
		ask(rig, tag, MONO_NEVER);
	drain(rig);
	was = sent_as(rig, 1);
	assert_int_equal(session_set_key(&rig->s, key, SALT), ERR_OK);
	drain(rig);
	assert_true(sent_as(rig, 3) == was);
	rig->now = mono_add(rig->now, 16 * US_PER_SEC);
	drain(rig);
	assert_int_equal(count(rig, SERVICE_MSGS_STATE_REQ), 1);
	buf_reset(&rig->events);
	assert_int_equal(
		give_free(rig, true,
			  tl("ili", SERVICE_RPC_RESULT, was, 0x997275b5U)),
		ERR_OK);
	assert_string_equal(buf_cstr(&rig->events), "result(3 997275b5 4)");
	rig_free(rig);
}

static void keys_are_destroyed(void **state)
{
	static const uint8_t prefix[8] = { 0xde, 0xad, 0xbe, 0xef };
	struct rig *rig = rig_new();
	const struct sent *m;

	session_set_prefix(&rig->s, prefix, sizeof(prefix));
	assert_int_equal(session_destroy_key(&rig->s, 9, MONO_NEVER, NULL),
			 ERR_OK);
	drain(rig);
	m = find(rig, SERVICE_DESTROY_AUTH_KEY); /* without the prefix */
	assert_non_null(m);
	assert_int_equal(m->len, 4);
	/* A server may answer as to a query ... */
	assert_int_equal(give_free(rig, true,
				   tl("ili", SERVICE_RPC_RESULT, m->msg_id,
				      SERVICE_DESTROY_AUTH_KEY_OK)),
			 ERR_OK);
	expect_events(rig, "result(9 f660e1d4 4)");
	/* ... or with the object alone. */
	assert_int_equal(session_destroy_key(&rig->s, 10, MONO_NEVER, NULL),
			 ERR_OK);
	drain(rig);
	assert_int_equal(
		give_free(rig, false, tl("i", SERVICE_DESTROY_AUTH_KEY_FAIL)),
		ERR_OK);
	expect_events(rig, "result(10 ea109b13 4)");
	/* Unasked for it means nothing; with a tail it is malformed. */
	assert_int_equal(
		give_free(rig, false, tl("i", SERVICE_DESTROY_AUTH_KEY_OK)),
		ERR_OK);
	assert_int_equal(give_free(rig, false,
				   tl("ii", SERVICE_DESTROY_AUTH_KEY_OK, 1U)),
			 ERR_PROTO);
	expect_events(rig, "");
	rig_free(rig);
}

static enum err query(struct rig *rig, uint64_t tag, bool random, size_t len)
{
	uint8_t *body = calloc(1, len);
	enum err rc;

	if (random)
		rnd_fill(&rig->rnd.rnd, body, len);
	bytes_put_u32(body, TELEGRAM_QUERY);
	rc = session_query(&rig->s, tag, body, len, MONO_NEVER, NULL);
	free(body);
	return rc;
}

static void long_queries_are_packed_when_it_pays(void **state)
{
	struct rig *rig = rig_new();
	const struct sent *m;
	struct buf plain;

	buf_init(&plain, 1 << 20);
	assert_int_equal(query(rig, 1, false, 1020), ERR_OK);
	assert_int_equal(query(rig, 2, true, 40000), ERR_OK);
	assert_int_equal(query(rig, 3, false, 40000), ERR_OK);
	drain(rig);
	assert_int_equal(count(rig, TELEGRAM_QUERY), 2);
	assert_int_equal(count(rig, SERVICE_GZIP_PACKED), 1);
	m = find(rig, SERVICE_GZIP_PACKED);
	assert_int_equal(m->seq_no % 2, 1);
	assert_true(m->len < sizeof(m->body));
	assert_int_equal(gzip_unpack(m->body, m->len, &plain, NULL), ERR_OK);
	assert_int_equal(buf_len(&plain), 40000);
	assert_int_equal(bytes_get_u32(buf_head(&plain)), TELEGRAM_QUERY);
	assert_int_equal(answer(rig, m->msg_id), ERR_OK);
	expect_events(rig, "result(3 997275b5 4)");
	buf_deinit(&plain);
	rig_free(rig);
}

static void what_does_not_get_smaller_is_not_tried(void **state)
{
	struct rig *rig = rig_new();
	uint8_t body[4096] = { 0 };

	bytes_put_u32(body, TELEGRAM_QUERY);
	assert_int_equal(session_query_unpacked(&rig->s, 1, body, sizeof(body),
						MONO_NEVER, NULL),
			 ERR_OK);
	assert_int_equal(
		session_query_unpacked(&rig->s, 2, body, 6, MONO_NEVER, NULL),
		ERR_INVALID);
	drain(rig);
	assert_int_equal(count(rig, TELEGRAM_QUERY), 1);
	assert_int_equal(count(rig, SERVICE_GZIP_PACKED), 0);
	rig_free(rig);
}

/* head, then data in gzip_packed, `times` times over. */
static struct buf packed(struct buf head, const struct buf *data, int times)
{
	struct buf a, b;

	buf_init(&a, 1 << 20);
	assert_int_equal(buf_append(&a, buf_head(data), buf_len(data)), ERR_OK);
	for (; times > 0; times--) {
		buf_init(&b, 1 << 20);
		assert_int_equal(gzip_pack(buf_head(&a), buf_len(&a), &b),
				 ERR_OK);
		buf_deinit(&a);
		a = b;
	}
	assert_int_equal(buf_append(&head, buf_head(&a), buf_len(&a)), ERR_OK);
	buf_deinit(&a);
	return head;
}

static struct buf boxed(struct rig *rig, const struct buf *body)
{
	struct container_msg msg = { .msg_id = server_id(rig, 0),
				     .seq_no = 1,
				     .body = buf_head(body),
				     .len = buf_len(body) };
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(container_put_head(&b, 1), ERR_OK);
	assert_int_equal(container_put(&b, &msg), ERR_OK);
	return b;
}

static void what_may_not_be_nested_is_refused(void **state)
{
	struct rig *rig = rig_new();
	struct buf object = tl("iill", SERVICE_VECTOR, 2U, 5ULL, 6ULL);
	struct buf box = boxed(rig, &object), b;
	uint64_t req;

	ask(rig, 1, MONO_NEVER);
	drain(rig);
	req = sent_as(rig, 1);
	/* A container as the result, plain and packed. */
	b = tl("il", SERVICE_RPC_RESULT, req);
	assert_int_equal(buf_append(&b, buf_head(&box), buf_len(&box)), ERR_OK);
	assert_int_equal(give_free(rig, true, b), ERR_PROTO);
	b = packed(tl("il", SERVICE_RPC_RESULT, req), &box, 1);
	assert_int_equal(give_free(rig, true, b), ERR_PROTO);
	/* gzip_packed in gzip_packed: as a message, as a result, around one. */
	assert_int_equal(give_free(rig, true, packed(tl(""), &object, 2)),
			 ERR_PROTO);
	b = packed(tl("il", SERVICE_RPC_RESULT, req), &object, 2);
	assert_int_equal(give_free(rig, true, b), ERR_PROTO);
	b = packed(tl("il", SERVICE_RPC_RESULT, req), &object, 1);
	assert_int_equal(give_free(rig, true, packed(tl(""), &b, 1)),
			 ERR_PROTO);
	buf_deinit(&b);
	/* rpc_result as a result, msg_copy as one. */
	b = tl("ilili", SERVICE_RPC_RESULT, req, SERVICE_RPC_RESULT, req,
	       0x997275b5U);
	assert_int_equal(give_free(rig, true, b), ERR_PROTO);
	/* container in a container, also behind gzip_packed */
	b = boxed(rig, &box);
	assert_int_equal(give(rig, false, &b), ERR_PROTO);
	buf_deinit(&b);
	b = packed(tl(""), &box, 1);
	assert_int_equal(give_free(rig, false, boxed(rig, &b)), ERR_PROTO);
	buf_deinit(&b);
	expect_events(rig, ""); /* and the query still waits */
	assert_int_equal(answer(rig, req), ERR_OK);
	expect_events(rig, "result(1 997275b5 4)");
	buf_deinit(&box);
	buf_deinit(&object);
	rig_free(rig);
}

/* ---- binding a temporary key */

static struct authkey perm_key(struct rig *rig)
{
	uint8_t bytes[AUTHKEY_LEN];
	struct authkey k;

	rnd_fill(&rig->rnd.rnd, bytes, sizeof(bytes));
	assert_int_equal(authkey_init(&k, bytes), ERR_OK);
	return k;
}

/* The proof is for the message and session it came in. */
static uint64_t check_bind(struct rig *rig, const struct authkey *perm)
{
	const struct sent *m = find(rig, TEMPBIND_ID);
	struct tempbind b;

	assert_non_null(m);
	assert_int_equal(m->len, TEMPBIND_REQUEST_LEN);
	assert_int_equal(m->seq_no % 2, 1);
	assert_int_equal(tempbind_open(perm, m->body + 25, TEMPBIND_SEALED_LEN,
				       &b, NULL),
			 ERR_OK);
	assert_true(b.msg_id == m->msg_id);
	assert_true(b.session_id == rig->session_seen);
	assert_true(b.temp_key_id == rig->key.id);
	assert_true(b.perm_key_id == perm->id);
	assert_true(b.nonce == bytes_get_u64(m->body + 12));
	assert_int_equal(b.expires_at, 1790003600);
	return m->msg_id;
}

/* The vectors that only a session can judge: refused, and nothing delivered. */
static void malformed_framing_is_refused(void **state)
{
	struct json_doc doc = mt_load("tl_223.json");
	struct json_iter it = json_iter(json_get(json_root(&doc), "malformed"));
	size_t n = 0;

	while (json_next(&it)) {
		struct mt_bytes in = mt_hex(json_get(it.val, "hex"));
		const char *why = json_str(json_get(it.val, "why"), "");
		uint32_t id = in.len >= 4 ? bytes_get_u32(in.data) : 0;
		struct rig *rig;
		struct buf body;
		enum err rc;

		if (id != SERVICE_MSG_CONTAINER && id != SERVICE_RPC_RESULT &&
		    id != SERVICE_GZIP_PACKED) {
			free(in.data);
			continue;
		}
		rig = rig_new();
		ask(rig, 1, MONO_NEVER);
		drain(rig);
		if (id == SERVICE_RPC_RESULT)
			bytes_put_u64(in.data + 4, sent_as(rig, 1));
		buf_init(&body, 1U << 20);
		assert_int_equal(buf_append(&body, in.data, in.len), ERR_OK);
		buf_reset(&rig->events);
		rc = give(rig, true, &body);
		if ((rc != ERR_PROTO && rc != ERR_TOOBIG) ||
		    buf_len(&rig->events) > 0)
			fail_msg("not refused: %s", why);
		n++;
		buf_deinit(&body);
		rig_free(rig);
		free(in.data);
	}
	assert_int_equal(n, 18);
	json_free(&doc);
}

static void queries_wait_for_the_binding(void **state)
{
	struct rig *rig = rig_new();
	struct authkey perm = perm_key(rig);
	uint64_t first, second;

	ask(rig, 1, MONO_NEVER);
	assert_int_equal(session_set_bind(&rig->s, &perm, 1790003600, NULL),
			 ERR_OK);
	drain(rig);
	first = check_bind(rig, &perm);
	assert_null(query_of(rig, 1));
	/* Another salt: sent again, proven again. */
	assert_int_equal(give_free(rig, false,
				   tl("iliil", SERVICE_BAD_SERVER_SALT,
				      rig->packet_id, 0U, 48U, 0x2222ULL)),
			 ERR_OK);
	drain(rig);
	second = check_bind(rig, &perm);
	assert_true(second > first);
	/* A lost connection: once more. */
	session_disconnected(&rig->s);
	session_connected(&rig->s, rig->now);
	drain(rig);
	second = check_bind(rig, &perm);
	assert_null(query_of(rig, 1));
	buf_reset(&rig->events);
	assert_int_equal(answer(rig, second), ERR_OK);
	expect_events(rig, "bound(OK )");
	drain(rig);
	assert_int_equal(answer(rig, sent_as(rig, 1)), ERR_OK);
	expect_events(rig, "result(1 997275b5 4)");
	authkey_deinit(&perm);
	rig_free(rig);
}

static void a_refused_binding_is_told(void **state)
{
	struct rig *rig = rig_new();
	struct authkey perm = perm_key(rig);
	uint64_t id;

	assert_int_equal(session_set_bind(&rig->s, &perm, 1790003600, NULL),
			 ERR_OK);
	drain(rig);
	id = check_bind(rig, &perm);
	assert_int_equal(
		give_free(rig, true,
			  tl("iliis", SERVICE_RPC_RESULT, id, SERVICE_RPC_ERROR,
			     400U, "ENCRYPTED_MESSAGE_INVALID")),
		ERR_OK);
	expect_events(rig, "bound(RPC ENCRYPTED_MESSAGE_INVALID)");
	/* boolFalse is no yes */
	assert_int_equal(session_set_bind(&rig->s, &perm, 1790003600, NULL),
			 ERR_OK);
	drain(rig);
	id = check_bind(rig, &perm);
	assert_int_equal(
		give_free(rig, true,
			  tl("ili", SERVICE_RPC_RESULT, id, 0xbc799737U)),
		ERR_OK);
	expect_events(rig, "bound(PROTO )");
	/* a new key forgets the binding of the old one, without a word */
	assert_int_equal(session_set_bind(&rig->s, &perm, 1790003600, NULL),
			 ERR_OK);
	assert_int_equal(session_set_key(&rig->s, rig->key.secret.bytes, 1),
			 ERR_OK);
	drain(rig);
	assert_null(find(rig, TEMPBIND_ID));
	expect_events(rig, "");
	authkey_deinit(&perm);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_pings_gets_a_pong),
		cmocka_unit_test(http_wait_is_tolerated),
		cmocka_unit_test(all_info_confirms),
		cmocka_unit_test(ids_of_the_session_before_mean_nothing),
		cmocka_unit_test(keys_are_destroyed),
		cmocka_unit_test(long_queries_are_packed_when_it_pays),
		cmocka_unit_test(what_does_not_get_smaller_is_not_tried),
		cmocka_unit_test(what_may_not_be_nested_is_refused),
		cmocka_unit_test(malformed_framing_is_refused),
		cmocka_unit_test(queries_wait_for_the_binding),
		cmocka_unit_test(a_refused_binding_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
