/* SPDX-License-Identifier: MIT */
/*
 * Temporary keys from the first exchange to the third, against a server that
 * makes keys with handshake_server and checks each binding.
 */
#include "mt_vectors.h"

#include "mtproto/bytes.h"
#include "mtproto/container.h"
#include "mtproto/envelope.h"
#include "mtproto/handshake_server.h"
#include "mtproto/pfs.h"
#include "mtproto/service.h"
#include "mtproto/tempbind.h"
#include "tl/cursor.h"

#define START_SEC 1790000000LL
#define LIFE_SEC 3600
#define QUERY 0xc4f9186bU
#define KEYS_MAX 8

struct rig {
	struct session s;
	struct pfs p;
	struct rnd_seeded rnd;
	struct authkey perm;
	struct handshake_server *hs;
	struct authkey keys[KEYS_MAX]; /* temporary ones, as made */
	int nkeys, bound;	       /* bindings that were good */
	int64_t made_sec;	       /* the newest */
	struct mono now;
	struct mono booted; /* now here is START_SEC there */
	uint64_t next_id, last_query, old_id;
	const char *refuse; /* the next binding */
	bool hush;	    /* no answer to bindings */
	char events[1024];
};

static struct json_doc doc;
static struct rsa_key *rsa;
static const struct rsa_key *rsa_list[1];

static int load(void **state)
{
	const char *pem;

	doc = mt_load("handshake.json");
	pem = json_str(
		json_get(json_get(json_root(&doc), "test_key"), "private_pem"),
		"");
	if (rsa_private_parse(pem, strlen(pem), &rsa, NULL))
		return -1;
	rsa_list[0] = rsa;
	return 0;
}

static int unload(void **state)
{
	rsa_free(rsa);
	json_free(&doc);
	return 0;
}

static void on_event(void *ctx, const struct session_event *ev)
{
	struct rig *rig = ctx;
	size_t n = strlen(rig->events);

	if (pfs_on_event(&rig->p, ev))
		return;
	if (ev->type == SESSION_RESULT || ev->type == SESSION_RPC_ERROR)
		snprintf(rig->events + n, sizeof(rig->events) - n, "%s %llu;",
			 ev->type == SESSION_RESULT ? "result" : "error",
			 (unsigned long long)ev->tag);
}

static void server_open(struct rig *rig)
{
	const struct handshake_server_config cfg = { .keys = rsa_list,
						     .key_count = 1,
						     .rnd = &rig->rnd.rnd };

	handshake_server_free(rig->hs);
	assert_int_equal(handshake_server_new(&cfg, &rig->hs, NULL), ERR_OK);
}

static struct rig *rig_new(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const struct session_config sc = { on_event, rig, &rig->rnd.rnd };
	const struct pfs_config pc = { .keys = rsa_list,
				       .key_count = 1,
				       .dc = 2,
				       .lifetime_sec = LIFE_SEC,
				       .rnd = &rig->rnd.rnd };
	uint8_t key[AUTHKEY_LEN];

	assert_non_null(rig);
	rnd_seeded_init(&rig->rnd, 11);
	rnd_fill(&rig->rnd.rnd, key, sizeof(key));
	assert_int_equal(authkey_init(&rig->perm, key), ERR_OK);
	rig->now = rig->booted = (struct mono){ 900 * US_PER_SEC };
	session_init(&rig->s, &sc);
	pfs_init(&rig->p, &pc, &rig->s);
	assert_int_equal(pfs_set_perm(&rig->p, key), ERR_OK);
	server_open(rig);
	return rig;
}

static void rig_free(struct rig *rig)
{
	pfs_disconnected(&rig->p);
	pfs_deinit(&rig->p);
	session_deinit(&rig->s);
	handshake_server_free(rig->hs);
	for (int i = 0; i < rig->nkeys; i++)
		authkey_deinit(&rig->keys[i]);
	authkey_deinit(&rig->perm);
	free(rig);
}

static struct wall server_wall(const struct rig *rig)
{
	return (struct wall){ START_SEC * US_PER_SEC +
			      mono_diff(rig->now, rig->booted) };
}

static uint64_t server_id(struct rig *rig)
{
	uint64_t id = (uint64_t)wall_sec(server_wall(rig)) << 32 | 1;

	if (id <= rig->next_id)
		id = rig->next_id + 4;
	rig->next_id = id;
	return id;
}

/* ---- the server's side of the key exchange */

static void key_made(struct rig *rig)
{
	struct handshake_result res;

	assert_int_equal(handshake_server_result(rig->hs, &res), ERR_OK);
	assert_int_equal(res.expires_in_sec, LIFE_SEC);
	assert_int_equal(res.dc, 2);
	assert_true(rig->nkeys < KEYS_MAX);
	rig->keys[rig->nkeys++] = res.key;
	rig->made_sec = wall_sec(server_wall(rig));
}

static enum err plain_answer(struct rig *rig, const struct buf *out)
{
	struct buf packet;
	enum err rc;

	buf_init(&packet, 1 << 16);
	assert_int_equal(envelope_plain_seal(server_id(rig), buf_head(out),
					     buf_len(out), &packet),
			 ERR_OK);
	rc = pfs_recv(&rig->p, buf_head(&packet), buf_len(&packet), rig->now,
		      NULL);
	buf_deinit(&packet);
	return rc;
}

static enum err on_plain(struct rig *rig, const struct buf *packet)
{
	struct handshake_packet in = { .now_wall = server_wall(rig) };
	enum handshake_step step;
	const uint8_t *body;
	uint64_t msg_id;
	struct buf out;
	enum err rc;

	assert_int_equal(envelope_plain_open(buf_head(packet), buf_len(packet),
					     &msg_id, &body, &in.len, NULL),
			 ERR_OK);
	assert_int_equal(msg_id % 4, 0);
	in.body = body;
	buf_init(&out, HANDSHAKE_BODY_MAX);
	rc = handshake_server_feed(rig->hs, &in, &out, &step, NULL);
	assert_int_equal(rc, ERR_OK);
	if (step == HANDSHAKE_WANT_WORK) {
		handshake_server_work(rig->hs);
		assert_int_equal(
			handshake_server_resume(rig->hs, &out, &step, NULL),
			ERR_OK);
	}
	if (step == HANDSHAKE_DONE)
		key_made(rig);
	rc = plain_answer(rig, &out);
	buf_deinit(&out);
	return rc;
}

/* ---- and of a session */

static enum err give(struct rig *rig, const struct authkey *key,
		     const struct buf *body)
{
	struct envelope_msg msg = { .session_id = rig->s.session_id,
				    .msg_id = server_id(rig),
				    .seq_no = 1,
				    .body = buf_head(body),
				    .body_len = buf_len(body) };
	struct buf packet;
	enum err rc;

	buf_init(&packet, 1 << 16);
	assert_int_equal(envelope_seal(key, ENVELOPE_FROM_SERVER, &msg,
				       &rig->rnd.rnd, &packet, NULL),
			 ERR_OK);
	rc = session_recv(&rig->s, buf_head(&packet), buf_len(&packet),
			  rig->now, NULL);
	buf_deinit(&packet);
	return rc;
}

static enum err result(struct rig *rig, uint64_t req, const char *error)
{
	struct tl_writer w;
	struct buf b;
	enum err rc;

	buf_init(&b, 256);
	cursor_write(&w, &b);
	cursor_put_u32(&w, SERVICE_RPC_RESULT);
	cursor_put_i64(&w, (int64_t)req);
	if (error) {
		cursor_put_u32(&w, SERVICE_RPC_ERROR);
		cursor_put_i32(&w, !strncmp(error, "FLOOD", 5) ? 420 : 400);
		cursor_put_string(&w, error);
	} else {
		cursor_put_bool(&w, true);
	}
	rc = give(rig, &rig->keys[rig->nkeys - 1], &b);
	buf_deinit(&b);
	return rc;
}

static enum err on_bind(struct rig *rig, uint64_t msg_id, const uint8_t *body)
{
	const struct authkey *temp = &rig->keys[rig->nkeys - 1];
	const char *refuse = rig->refuse;
	struct tempbind b;

	assert_int_equal(tempbind_open(&rig->perm, body + 25,
				       TEMPBIND_SEALED_LEN, &b, NULL),
			 ERR_OK);
	assert_true(b.msg_id == msg_id && b.temp_key_id == temp->id);
	assert_true(b.session_id == rig->s.session_id);
	assert_in_range(b.expires_at, rig->made_sec + LIFE_SEC - 60,
			rig->made_sec + LIFE_SEC);
	if (rig->hush)
		return ERR_OK;
	rig->refuse = NULL;
	rig->bound += !refuse;
	return result(rig, msg_id, refuse);
}

static enum err on_message(struct rig *rig, uint64_t msg_id,
			   const uint8_t *body)
{
	if (bytes_get_u32(body) == TEMPBIND_ID)
		return on_bind(rig, msg_id, body);
	if (bytes_get_u32(body) == QUERY)
		rig->last_query = msg_id;
	return ERR_OK;
}

static enum err on_sealed(struct rig *rig, struct buf *packet)
{
	struct container_msg item;
	struct envelope_msg msg;
	struct container it;
	enum err rc = ERR_OK;
	uint64_t id;

	assert_int_equal(
		envelope_key_id(buf_head(packet), buf_len(packet), &id, NULL),
		ERR_OK);
	assert_true(rig->nkeys > 0);
	if (id == rig->old_id)
		return ERR_OK; /* goes on while the next key is made */
	assert_true(id == rig->keys[rig->nkeys - 1].id);
	assert_int_equal(envelope_open(&rig->keys[rig->nkeys - 1],
				       ENVELOPE_TO_SERVER, buf_head(packet),
				       buf_len(packet), &msg, NULL),
			 ERR_OK);
	if (bytes_get_u32(msg.body) != SERVICE_MSG_CONTAINER)
		return on_message(rig, msg.msg_id, msg.body);
	assert_int_equal(container_open(&it, msg.body, msg.body_len, NULL),
			 ERR_OK);
	while (!rc && container_next(&it, &item))
		rc = on_message(rig, item.msg_id, item.body);
	return rc;
}

static enum err work(struct rig *rig)
{
	struct handshake_client *h = pfs_take_work(&rig->p);

	if (!h)
		return ERR_OK;
	handshake_client_work(h);
	return pfs_give_back(&rig->p, h, rig->now, NULL);
}

/* Everything there is to say, until both are silent. */
static enum err run(struct rig *rig)
{
	struct buf packet;
	bool plain = true, sealed = true;
	enum err rc = ERR_OK;

	buf_init(&packet, SESSION_PACKET_MAX);
	while (!rc && (plain || sealed)) {
		sealed = false;
		rc = work(rig);
		buf_reset(&packet);
		if (!rc)
			rc = pfs_next_packet(&rig->p, rig->now, &packet, &plain,
					     NULL);
		if (!rc && plain)
			rc = on_plain(rig, &packet);
		buf_reset(&packet);
		if (!rc)
			rc = session_next_packet(&rig->s, rig->now, &packet,
						 &sealed, NULL);
		if (!rc && sealed)
			rc = on_sealed(rig, &packet);
		if (!rc)
			rc = pfs_verdict(&rig->p, NULL);
	}
	buf_deinit(&packet);
	return rc;
}

static enum err connect(struct rig *rig)
{
	enum err rc = pfs_connected(&rig->p, rig->now, NULL);

	return rc ? rc : run(rig);
}

static void ask(struct rig *rig, uint64_t tag)
{
	uint8_t body[4];

	bytes_put_u32(body, QUERY);
	assert_int_equal(session_query(&rig->s, tag, body, 4, MONO_NEVER, NULL),
			 ERR_OK);
}

static void expect(struct rig *rig, const char *events)
{
	assert_string_equal(rig->events, events);
	rig->events[0] = '\0';
}

/* ---- tests */

static void a_key_is_made_bound_and_used(void **state)
{
	struct rig *rig = rig_new();

	ask(rig, 1);
	assert_true(pfs_deadline(&rig->p).us == MONO_NEVER.us);
	assert_int_equal(connect(rig), ERR_OK);
	assert_int_equal(pfs_state(&rig->p), PFS_READY);
	assert_int_equal(rig->nkeys, 1);
	assert_int_equal(rig->bound, 1);
	assert_true(rig->s.key.id == rig->keys[0].id);
	assert_int_equal(result(rig, rig->last_query, NULL), ERR_OK);
	expect(rig, "result 1;");
	/* Connecting again: the same key, nothing exchanged. */
	pfs_disconnected(&rig->p);
	assert_int_equal(pfs_state(&rig->p), PFS_OFF);
	ask(rig, 2);
	assert_int_equal(connect(rig), ERR_OK);
	assert_int_equal(pfs_state(&rig->p), PFS_READY);
	assert_int_equal(rig->nkeys, 1);
	assert_int_equal(rig->bound, 1);
	assert_int_equal(result(rig, rig->last_query, NULL), ERR_OK);
	expect(rig, "result 2;");
	rig_free(rig);
}

static void a_binding_is_asked_again_after_a_lost_connection(void **state)
{
	struct rig *rig = rig_new();

	rig->hush = true;
	assert_int_equal(connect(rig), ERR_OK);
	assert_int_equal(pfs_state(&rig->p), PFS_BINDING);
	pfs_disconnected(&rig->p);
	rig->hush = false;
	assert_int_equal(connect(rig), ERR_OK);
	assert_int_equal(pfs_state(&rig->p), PFS_READY);
	assert_int_equal(rig->nkeys, 1);
	rig_free(rig);
}

static void wait_until(struct rig *rig, struct mono t)
{
	rig->now = t;
	assert_int_equal(pfs_tick(&rig->p, rig->now, NULL), ERR_OK);
	rig->old_id = rig->s.key.id;
	assert_int_equal(run(rig), ERR_OK);
}

static void keys_are_renewed_in_time(void **state)
{
	struct rig *rig = rig_new();
	struct mono due;

	assert_int_equal(connect(rig), ERR_OK);
	due = pfs_deadline(&rig->p);
	assert_in_range(mono_diff(due, rig->now) / US_PER_SEC,
			LIFE_SEC * 70 / 100, LIFE_SEC * 90 / 100);
	wait_until(rig, mono_add(due, -1));
	assert_int_equal(rig->nkeys, 1);
	wait_until(rig, due);
	assert_int_equal(rig->nkeys, 2);
	assert_int_equal(rig->bound, 2);
	assert_true(rig->s.key.id == rig->keys[1].id);
	/* A query under way keeps the old key, but not for ever. */
	rig->old_id = 0;
	ask(rig, 5);
	assert_int_equal(run(rig), ERR_OK);
	due = pfs_deadline(&rig->p);
	wait_until(rig, due);
	assert_int_equal(rig->nkeys, 3);
	assert_true(rig->s.key.id == rig->keys[1].id);
	due = pfs_deadline(&rig->p);
	assert_true(mono_before(rig->now, due));
	assert_true(due.us / US_PER_SEC < rig->p.expires_sec - START_SEC + 900);
	rig->old_id = rig->keys[1].id;
	rig->now = due;
	assert_int_equal(pfs_tick(&rig->p, rig->now, NULL), ERR_OK);
	assert_int_equal(run(rig), ERR_OK);
	assert_true(rig->s.key.id == rig->keys[2].id);
	assert_int_equal(rig->bound, 3);
	assert_int_equal(result(rig, rig->last_query, NULL), ERR_OK);
	expect(rig, "result 5;");
	rig_free(rig);
}

static void the_next_key_waits_for_the_answer(void **state)
{
	struct rig *rig = rig_new();

	assert_int_equal(connect(rig), ERR_OK);
	ask(rig, 5);
	assert_int_equal(run(rig), ERR_OK);
	wait_until(rig, pfs_deadline(&rig->p));
	assert_int_equal(rig->nkeys, 2);
	assert_true(rig->s.key.id == rig->keys[0].id);
	/* answered under the old key; then the new one is taken at once */
	rig->nkeys = 1;
	assert_int_equal(result(rig, rig->last_query, NULL), ERR_OK);
	rig->nkeys = 2;
	expect(rig, "result 5;");
	assert_false(mono_before(rig->now, pfs_deadline(&rig->p)));
	wait_until(rig, rig->now);
	rig->old_id = 0;
	assert_int_equal(run(rig), ERR_OK);
	assert_true(rig->s.key.id == rig->keys[1].id);
	rig_free(rig);
}

static void an_expired_key_is_not_used(void **state)
{
	struct rig *rig = rig_new();

	assert_int_equal(connect(rig), ERR_OK);
	pfs_disconnected(&rig->p);
	rig->now = mono_add(rig->now, LIFE_SEC * US_PER_SEC);
	assert_int_equal(connect(rig), ERR_OK);
	assert_int_equal(rig->nkeys, 2);
	assert_int_equal(pfs_state(&rig->p), PFS_READY);
	rig_free(rig);
}

static void refusals_of_the_binding(void **state)
{
	struct rig *rig = rig_new();

	rig->refuse = "EXPIRES_AT_INVALID";
	assert_int_equal(connect(rig), ERR_PROTO);
	pfs_disconnected(&rig->p);
	rig->refuse = "ENCRYPTED_MESSAGE_INVALID";
	assert_int_equal(connect(rig), ERR_PROTO);
	pfs_disconnected(&rig->p);
	/* A second time with a new key: the permanent one is gone. */
	rig->refuse = "ENCRYPTED_MESSAGE_INVALID";
	assert_int_equal(connect(rig), ERR_AUTH_GONE);
	pfs_disconnected(&rig->p);
	assert_int_equal(rig->nkeys, 3);
	assert_int_equal(connect(rig), ERR_OK);
	rig_free(rig);
}

/* Being told to wait is no failure of the key's, and the time is passed on. */
static void a_wait_before_binding(void **state)
{
	struct rig *rig = rig_new();
	struct err_info ei = { 0 };

	rig->refuse = "FLOOD_WAIT_17";
	assert_int_equal(connect(rig), ERR_FLOOD);
	assert_int_equal(pfs_verdict(&rig->p, &ei), ERR_FLOOD);
	assert_int_equal(ei.arg, 17);
	assert_non_null(strstr(ei.msg, "17 s"));
	assert_true(pfs_needs_key(&rig->p, rig->now));
	pfs_disconnected(&rig->p);
	assert_int_equal(connect(rig), ERR_OK);
	assert_false(pfs_needs_key(&rig->p, rig->now));
	rig_free(rig);
}

static void the_server_forgot_the_temporary_key(void **state)
{
	struct rig *rig = rig_new();

	assert_int_equal(connect(rig), ERR_OK);
	assert_int_equal(session_recv_error(&rig->s, -404, NULL),
			 ERR_AUTH_GONE);
	assert_int_equal(pfs_verdict(&rig->p, NULL), ERR_PROTO);
	pfs_disconnected(&rig->p);
	ask(rig, 3);
	assert_int_equal(connect(rig), ERR_OK);
	assert_int_equal(rig->nkeys, 2);
	/* ... or that it was bound. */
	assert_int_equal(result(rig, rig->last_query, "AUTH_KEY_PERM_EMPTY"),
			 ERR_OK);
	expect(rig, "error 3;");
	assert_int_equal(pfs_verdict(&rig->p, NULL), ERR_PROTO);
	pfs_disconnected(&rig->p);
	assert_int_equal(connect(rig), ERR_OK);
	assert_int_equal(rig->nkeys, 3);
	rig_free(rig);
}

static void slow_or_broken_exchanges(void **state)
{
	static const uint8_t junk[32];
	struct rig *rig = rig_new();
	struct handshake_client *h;
	struct buf packet;
	bool has;

	buf_init(&packet, 1 << 16);
	assert_int_equal(pfs_connected(&rig->p, rig->now, NULL), ERR_OK);
	rig->now = pfs_deadline(&rig->p);
	assert_int_equal(pfs_tick(&rig->p, rig->now, NULL), ERR_TIMEOUT);
	pfs_disconnected(&rig->p);
	assert_int_equal(pfs_recv(&rig->p, junk, sizeof(junk), rig->now, NULL),
			 ERR_PROTO);
	assert_int_equal(pfs_connected(&rig->p, rig->now, NULL), ERR_OK);
	assert_int_equal(pfs_recv(&rig->p, junk, sizeof(junk), rig->now, NULL),
			 ERR_PROTO);
	pfs_disconnected(&rig->p);
	/* Work that comes back after the connection is gone is dropped. */
	assert_int_equal(pfs_connected(&rig->p, rig->now, NULL), ERR_OK);
	assert_int_equal(
		pfs_next_packet(&rig->p, rig->now, &packet, &has, NULL),
		ERR_OK);
	assert_true(has);
	assert_int_equal(on_plain(rig, &packet), ERR_OK);
	h = pfs_take_work(&rig->p);
	assert_non_null(h);
	assert_null(pfs_take_work(&rig->p));
	assert_int_equal(pfs_recv(&rig->p, junk, sizeof(junk), rig->now, NULL),
			 ERR_PROTO);
	pfs_disconnected(&rig->p);
	handshake_client_work(h);
	server_open(rig);
	assert_int_equal(pfs_connected(&rig->p, rig->now, NULL), ERR_OK);
	assert_int_equal(pfs_give_back(&rig->p, h, rig->now, NULL), ERR_OK);
	assert_int_equal(run(rig), ERR_OK);
	assert_int_equal(pfs_state(&rig->p), PFS_READY);
	buf_deinit(&packet);
	rig_free(rig);
}

static void a_failed_renewal_does_not_hurt(void **state)
{
	struct rig *rig = rig_new();

	assert_int_equal(connect(rig), ERR_OK);
	rig->now = pfs_deadline(&rig->p);
	assert_int_equal(pfs_tick(&rig->p, rig->now, NULL), ERR_OK);
	rig->now = pfs_deadline(&rig->p); /* nobody answered */
	assert_int_equal(pfs_tick(&rig->p, rig->now, NULL), ERR_OK);
	assert_int_equal(pfs_state(&rig->p), PFS_READY);
	assert_int_equal(mono_diff(pfs_deadline(&rig->p), rig->now),
			 PFS_RETRY_US);
	server_open(rig);
	wait_until(rig, pfs_deadline(&rig->p));
	assert_int_equal(rig->nkeys, 2);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_made_bound_and_used),
		cmocka_unit_test(
			a_binding_is_asked_again_after_a_lost_connection),
		cmocka_unit_test(keys_are_renewed_in_time),
		cmocka_unit_test(the_next_key_waits_for_the_answer),
		cmocka_unit_test(an_expired_key_is_not_used),
		cmocka_unit_test(refusals_of_the_binding),
		cmocka_unit_test(a_wait_before_binding),
		cmocka_unit_test(the_server_forgot_the_temporary_key),
		cmocka_unit_test(slow_or_broken_exchanges),
		cmocka_unit_test(a_failed_renewal_does_not_hurt),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
