/* SPDX-License-Identifier: MIT */
/*
 * Our own client (transport, pfs, session) against the data centre over
 * loopback: temporary keys made, bound, replaced, forgotten, and a long query.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "dc/dc_int.h"
#include "mtproto/bytes.h"
#include "mtproto/pfs.h"
#include "mtproto/service.h"

#define WAIT_TURNS 2000

struct client {
	struct session s;
	struct pfs p;
	struct transport t;
	const struct rsa_key *keys[1];
	uint64_t link;
	bool open, closed, key_unknown;
	enum err failed;
	uint32_t answer; /* constructor of the last result */
	char error[64];
};

static struct loop *loop;
static struct dc *dc;
static struct dc_key *perm;
static struct client *c;
static uint8_t perm_bytes[AUTHKEY_LEN];
static uint8_t prefix[256];
static size_t prefix_len;

static void quiet(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

static void on_event(void *ctx, const struct session_event *ev)
{
	c->key_unknown |= ev->type == SESSION_KEY_UNKNOWN;
	if (pfs_on_event(&c->p, ev))
		return;
	if (ev->type == SESSION_RESULT)
		c->answer = bytes_get_u32(ev->data);
	if (ev->type == SESSION_RPC_ERROR)
		snprintf(c->error, sizeof(c->error), "%.*s", (int)ev->len,
			 (const char *)ev->data);
}

static enum err take(struct transport_packet *pkt, struct err_info *ei)
{
	struct mono now = loop_now(loop);
	struct handshake_client *h;
	uint64_t id;
	enum err rc;

	if (pkt->type == TRANSPORT_ERROR)
		return session_recv_error(&c->s, pkt->code, ei);
	rc = envelope_key_id(pkt->data, pkt->len, &id, ei);
	if (rc || id)
		return rc ? rc
			  : session_recv(&c->s, pkt->data, pkt->len, now, ei);
	rc = pfs_recv(&c->p, pkt->data, pkt->len, now, ei);
	h = rc ? NULL : pfs_take_work(&c->p);
	if (h) {
		handshake_client_work(h);
		rc = pfs_give_back(&c->p, h, now, ei);
	}
	return rc;
}

static enum err send_all(struct err_info *ei)
{
	struct mono now = loop_now(loop);
	struct buf packet, out;
	bool plain = true, sealed = true;
	enum err rc = pfs_verdict(&c->p, ei);

	buf_init(&packet, SESSION_PACKET_MAX);
	buf_init(&out, 8 << 20);
	while (!rc && (plain || sealed)) {
		buf_reset(&packet);
		sealed = false;
		rc = pfs_next_packet(&c->p, now, &packet, &plain, ei);
		if (!rc && !plain)
			rc = session_next_packet(&c->s, now, &packet, &sealed,
						 ei);
		if (!rc && buf_len(&packet))
			rc = transport_send(&c->t, buf_head(&packet),
					    buf_len(&packet), &out, ei);
	}
	if (!rc && buf_len(&out))
		rc = link_send(loop, c->link, buf_head(&out), buf_len(&out));
	buf_deinit(&packet);
	buf_deinit(&out);
	return rc;
}

static void end(enum err rc)
{
	if (!rc || c->failed)
		return;
	c->failed = rc;
	link_close(loop, c->link, CLOSE_LOCAL);
}

static void on_open(void *ctx, uint64_t link)
{
	struct err_info ei = { 0 };
	enum err rc;

	c->open = true;
	rc = pfs_connected(&c->p, loop_now(loop), &ei);
	end(rc ? rc : send_all(&ei));
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct err_info ei = { 0 };
	struct transport_packet pkt;
	bool has = true;
	enum err rc = transport_feed(&c->t, data, len, &ei);

	while (!rc && has) {
		rc = transport_next(&c->t, &pkt, &has, &ei);
		if (!rc && has)
			rc = take(&pkt, &ei);
	}
	end(rc ? rc : send_all(&ei));
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	c->closed = true;
}

static const struct link_ops ops = { .on_open = on_open,
				     .on_data = on_data,
				     .on_close = on_close };

static void dial(void)
{
	const struct transport_config tc = { .kind = TRANSPORT_PADDED,
					     .obfuscated = true,
					     .dc_field = 1 };
	struct link_dial_options o = { 0 };

	snprintf(o.to.host, sizeof(o.to.host), "127.0.0.1");
	o.to.port = listener_addr(dc->nodes[0].listener).port;
	transport_deinit(&c->t);
	transport_init_client(&c->t, &tc, rnd_system());
	c->open = c->closed = false;
	c->failed = ERR_OK;
	assert_int_equal(link_dial(loop, &o, &ops, NULL, &c->link, NULL),
			 ERR_OK);
}

static void hang_up(void)
{
	link_close(loop, c->link, CLOSE_LOCAL);
	for (int i = 0; i < WAIT_TURNS && !c->closed; i++)
		loop_turn(loop, 1000);
	pfs_disconnected(&c->p);
}

static void make_prefix(void)
{
	struct dyn *layer, *init;
	struct arena a;
	struct tl_writer w;
	struct buf b;

	arena_init(&a, 1 << 20);
	buf_init(&b, sizeof(prefix));
	layer = dyn_new(&a, TLN_invokeWithLayer);
	init = dyn_new(&a, TLN_initConnection);
	dyn_set_int(layer, TLF_layer, 223);
	dyn_set_int(init, TLF_api_id, 1);
	dyn_set_str(init, TLF_device_model, "test");
	dyn_set_obj(init, TLF_query, dyn_new(&a, TLN_help_getConfig));
	dyn_set_obj(layer, TLF_query, init);
	cursor_write(&w, &b);
	assert_int_equal(dyn_write(&w, &schema_api_223, layer, NULL), ERR_OK);
	prefix_len = buf_len(&b) - 4; /* without the query */
	memcpy(prefix, buf_head(&b), prefix_len);
	buf_deinit(&b);
	arena_deinit(&a);
}

static int setup(void **state)
{
	struct dc_options o = { .count = 1 };
	struct world_new_user n = { .phone = "9996610001", .first = "Ada" };
	struct session_config sc = { on_event, NULL, rnd_system() };
	struct pfs_config pc = { .key_count = 1,
				 .dc = 1,
				 .lifetime_sec = 3600,
				 .rnd = rnd_system() };
	struct dc_store_key row = { .dc_id = 1, .salt = 99 };
	struct world_user *ada;

	log_set_sink(quiet, NULL);
	assert_int_equal(addr_parse("127.0.0.1:0", &o.listen, NULL), ERR_OK);
	o.admin = o.listen;
	assert_int_equal(loop_new(&loop, NULL, NULL), ERR_OK);
	assert_int_equal(dc_new(&dc, loop, &o, NULL), ERR_OK);
	assert_int_equal(world_add_user(&dc->world, &n, &ada), ERR_OK);
	rnd_fill(rnd_system(), perm_bytes, sizeof(perm_bytes));
	memcpy(row.key, perm_bytes, sizeof(row.key));
	row.created = dc_now(dc);
	assert_int_equal(dc_key_add(dc, &row, &perm), ERR_OK);
	perm->user_id = ada->id;
	make_prefix();
	c = calloc(1, sizeof(*c));
	c->keys[0] = dc->rsa;
	pc.keys = c->keys;
	session_init(&c->s, &sc);
	session_set_prefix(&c->s, prefix, prefix_len);
	pfs_init(&c->p, &pc, &c->s);
	assert_int_equal(pfs_set_perm(&c->p, perm_bytes), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	hang_up();
	transport_deinit(&c->t);
	pfs_deinit(&c->p);
	session_deinit(&c->s);
	dc_free(dc);
	loop_free(loop);
	free(c);
	log_set_sink(NULL, NULL);
	return 0;
}

static void ask(uint64_t tag, const struct dyn *fn)
{
	struct err_info ei = { 0 };
	struct tl_writer w;
	struct buf b;

	buf_init(&b, 1 << 20);
	cursor_write(&w, &b);
	assert_int_equal(dyn_write(&w, &schema_api_223, fn, NULL), ERR_OK);
	assert_int_equal(session_query(&c->s, tag, buf_head(&b), buf_len(&b),
				       MONO_NEVER, NULL),
			 ERR_OK);
	buf_deinit(&b);
	c->answer = 0;
	if (c->open && !c->closed)
		end(send_all(&ei));
}

static void ask_state(void)
{
	struct arena a;

	arena_init(&a, 1 << 16);
	ask(1, dyn_new(&a, TLN_updates_getState));
	arena_deinit(&a);
}

static uint32_t id_of(uint16_t name)
{
	return schema_by_name(&schema_api_223, name)->id;
}

/* Until there is an answer; false if the connection ended. */
static bool answered(void)
{
	for (int i = 0; i < WAIT_TURNS && !c->answer && !c->closed; i++)
		loop_turn(loop, 5000);
	return c->answer != 0;
}

static void test_bound_used_and_used_again(void **state)
{
	uint64_t temp;

	ask_state();
	dial();
	assert_true(answered());
	assert_int_equal(c->answer, id_of(TLN_updates_state));
	assert_int_equal(pfs_state(&c->p), PFS_READY);
	temp = c->s.key.id;
	assert_true(temp != perm->auth.id);
	assert_ptr_equal(dc_pfs_owner(dc_key_get(dc, temp)), perm);
	assert_string_equal(perm->device, "test");
	hang_up();
	ask_state();
	dial();
	assert_true(answered());
	assert_true(c->s.key.id == temp);
	assert_int_equal(dc->counters.handshakes, 1);
}

static void test_a_key_is_replaced_while_connected(void **state)
{
	struct err_info ei = { 0 };
	uint64_t temp;

	ask_state();
	dial();
	assert_true(answered());
	temp = c->s.key.id;
	c->p.renew_at = loop_now(loop); /* as if hours had passed */
	assert_int_equal(pfs_tick(&c->p, loop_now(loop), &ei), ERR_OK);
	end(send_all(&ei));
	for (int i = 0; i < WAIT_TURNS &&
			!(c->s.key.id != temp && pfs_state(&c->p) == PFS_READY);
	     i++)
		loop_turn(loop, 5000);
	assert_true(c->s.key.id != temp);
	ask_state();
	assert_true(answered());
	assert_int_equal(c->answer, id_of(TLN_updates_state));
	assert_int_equal(dc->counters.handshakes, 2);
	assert_int_equal(perm->n_temps, 2);
}

static void test_a_forgotten_key_is_made_again(void **state)
{
	ask_state();
	dial();
	assert_true(answered());
	hang_up();
	dc_key_free(dc, dc_key_get(dc, c->s.key.id)); /* it restarted */
	ask_state();
	dial();
	assert_false(answered());
	assert_true(c->key_unknown);
	pfs_disconnected(&c->p);
	dial();
	assert_true(answered());
	assert_int_equal(c->answer, id_of(TLN_updates_state));
}

static void test_an_unknown_permanent_key(void **state)
{
	struct err_info ei;

	dc_key_free(dc, perm);
	ask_state();
	dial();
	assert_false(answered());
	assert_int_equal(c->failed, ERR_PROTO);
	pfs_disconnected(&c->p);
	dial();
	assert_false(answered());
	assert_int_equal(c->failed, ERR_AUTH_GONE);
	assert_int_equal(pfs_verdict(&c->p, &ei), ERR_AUTH_GONE);
}

static void test_a_key_for_another_dc_is_refused(void **state)
{
	c->p.cfg.dc = 2;
	ask_state();
	dial();
	assert_false(answered());
	assert_int_equal(c->failed, ERR_WRONG_DC);
	assert_int_equal(dc->counters.handshakes, 0);
}

/* The first query of a connection: packed behind its wrappers. */
static void test_a_long_query_first(void **state)
{
	char text[3000];
	struct dyn *fn;
	struct arena a;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	arena_init(&a, 1 << 16);
	fn = dyn_new(&a, TLN_messages_sendMessage);
	dyn_set_obj(fn, TLF_peer, dyn_new(&a, TLN_inputPeerSelf));
	dyn_set_str(fn, TLF_message, text);
	dyn_set_int(fn, TLF_random_id, 4);
	ask(1, fn);
	assert_true(c->s.queries.items[0]->len < 200);
	dial();
	assert_true(answered());
	assert_string_equal(c->error, "");
	arena_deinit(&a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_bound_used_and_used_again),
		T(test_a_key_is_replaced_while_connected),
		T(test_a_forgotten_key_is_made_again),
		T(test_an_unknown_permanent_key),
		T(test_a_key_for_another_dc_is_refused),
		T(test_a_long_query_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
