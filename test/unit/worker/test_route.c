/* SPDX-License-Identifier: MIT */
/*
 * How accounts are reached, with the emulator's core as the data centre and a
 * small proxy on the same loop: real sockets, real time, real key exchanges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/rnd.h"
#include "dc/dc_int.h"
#include "net/listener.h"
#include "worker/account_int.h"
#include "worker/fleet.h"
#include "worker/journal.h"
#include "worker/route.h"

#define WAIT_TURNS 3000

enum proxy_mood { RELAY, DENY, SILENT };

struct rig {
	struct loop *loop;
	struct dc *dc;
	struct dc_key *key;
	struct telegram telegram;
	struct dcs dcs;
	struct journal journal;
	struct fleet fleet;
	struct account *acc;
	char dir[64], path[96], config[96];
	/* what was dialled */
	int dials, direct;
	struct link_dial_options last;
	/* the proxy: one client at a time */
	struct listener *listener;
	uint64_t near, far;
	enum proxy_mood mood;
	int heard; /* messages of the SOCKS5 greeting */
	bool through;
	struct wire_route route;
	int64_t user;
	bool crowd; /* each account has a key of its own */
};

static struct rig *rig;

static void make_key(void)
{
	struct dc_store_key row = { .dc_id = 1, .salt = 99 };

	row.created = dc_now(rig->dc);
	rnd_fill(rnd_system(), row.key, sizeof(row.key));
	assert_int_equal(dc_key_add(rig->dc, &row, &rig->key), ERR_OK);
	rig->key->user_id = rig->user;
	dc_key_save(rig->dc, rig->key);
}

static void quiet(void *ctx, const char *line)
{
}

/* ---- fleet */

static void nothing(void *ctx)
{
}

static void forget(void *ctx, struct account *a)
{
}

static void on_want_session(void *ctx, struct account *a)
{
	struct wire_session s = { .version = a->grant_version,
				  .route_version = a->grant_route,
				  .dc_id = 1,
				  .has_route = rig->route.kind,
				  .route = rig->route };

	if (rig->crowd)
		make_key();
	assert_int_equal(secret_init(&s.auth_key, rig->key->auth.secret.bytes,
				     AUTHKEY_LEN),
			 ERR_OK);
	account_take_session(a, &s);
	secret_deinit(&s.auth_key);
}

static void on_sent(void *ctx, struct account *a, uint64_t tag, enum err rc,
		    int32_t message_id, const struct err_info *ei)
{
}

static const struct fleet_ops ops = { .on_urgent = nothing,
				      .on_want_session = on_want_session,
				      .on_forget_session = forget,
				      .on_sent = on_sent };

static uint16_t dc_port(int id)
{
	return listener_addr(dc_node(rig->dc, id)->listener).port;
}

static enum err spy_dial(void *ctx, const struct link_dial_options *o,
			 const struct link_ops *link_ops, void *who,
			 uint64_t *ret_link, struct err_info *ei)
{
	rig->dials++;
	rig->last = *o;
	rig->direct += !o->proxy &&
		       (o->to.port == dc_port(1) || o->to.port == dc_port(2));
	return link_dial(rig->loop, o, link_ops, who, ret_link, ei);
}

static enum err spy_send(void *ctx, uint64_t link, const void *data, size_t len)
{
	return link_send(rig->loop, link, data, len);
}

static void spy_close(void *ctx, uint64_t link, enum close_reason reason)
{
	link_close(rig->loop, link, reason);
}

static void spy_abandon(void *ctx, uint64_t link)
{
	static const struct link_ops nobody = { 0 };

	link_own(rig->loop, link, &nobody, NULL);
	link_close(rig->loop, link, CLOSE_SHUTDOWN);
}

static const struct fleet_net spy = { spy_dial, spy_send, spy_close,
				      spy_abandon };

/* ---- a SOCKS5 proxy, as RFC 1928 has it, without names and passwords */

static void far_open(void *ctx, uint64_t link)
{
	static const uint8_t ok[] = { 5, 0, 0, 1, 0, 0, 0, 0, 0, 0 };

	rig->through = true;
	(void)!link_send(rig->loop, rig->near, ok, sizeof(ok));
}

static void far_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	(void)!link_send(rig->loop, rig->near, data, len);
}

static void far_close(void *ctx, uint64_t link, enum close_reason reason,
		      const struct err_info *ei)
{
	if (link == rig->far)
		link_close(rig->loop, rig->near, CLOSE_LOCAL);
}

static const struct link_ops far_ops = { far_open, far_data, NULL, far_close };

static void connect_far(const uint8_t *req, size_t len)
{
	static const uint8_t denied[] = { 5, 2, 0, 1, 0, 0, 0, 0, 0, 0 };
	struct link_dial_options o = { 0 };
	struct addr a = { .family = ADDR_V4 };
	char ip[ADDR_TEXT_MAX];

	assert_int_equal(len, 10);
	memcpy(a.ip, req + 4, 4);
	addr_format_ip(&a, ip);
	snprintf(o.to.host, sizeof(o.to.host), "%s", ip);
	o.to.port = (uint16_t)(req[8] << 8 | req[9]);
	if (rig->mood == DENY)
		(void)!link_send(rig->loop, rig->near, denied, sizeof(denied));
	else
		assert_int_equal(link_dial(rig->loop, &o, &far_ops, NULL,
					   &rig->far, NULL),
				 ERR_OK);
}

static void near_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	if (link != rig->near || rig->mood == SILENT)
		return;
	if (rig->through) {
		(void)!link_send(rig->loop, rig->far, data, len);
		return;
	}
	if (rig->heard++ == 0)
		(void)!link_send(rig->loop, link, "\5\0", 2);
	else
		connect_far(data, len);
}

static void near_close(void *ctx, uint64_t link, enum close_reason reason,
		       const struct err_info *ei)
{
	if (link == rig->near)
		link_close(rig->loop, rig->far, CLOSE_LOCAL);
}

static const struct link_ops near_ops = { .on_data = near_data,
					  .on_close = near_close };

static void on_accept(void *ctx, uint64_t link, const struct addr *peer)
{
	link_own(rig->loop, link, &near_ops, NULL);
	rig->near = link;
	rig->heard = 0;
	rig->through = false;
}

/* ---- rig */

static void begin_dc(void)
{
	struct dc_options o = { .count = 2, .api_id = 5, .api_hash = "x" };
	struct world_new_user n = { .phone = "9996610001", .first = "Ada" };
	struct world_user *ada;
	struct buf env;

	assert_int_equal(addr_parse("127.0.0.1:0", &o.listen, NULL), ERR_OK);
	o.admin = o.listen;
	assert_int_equal(dc_new(&rig->dc, rig->loop, &o, NULL), ERR_OK);
	assert_int_equal(world_add_user(&rig->dc->world, &n, &ada), ERR_OK);
	rig->user = ada->id;
	make_key();
	buf_init(&env, 1 << 16);
	assert_int_equal(dc_env_json(rig->dc, &env), ERR_OK);
	assert_int_equal(telegram_parse(&rig->telegram,
					(const char *)buf_head(&env),
					buf_len(&env), NULL),
			 ERR_OK);
	buf_deinit(&env);
}

static int setup(void **state)
{
	struct listener_options o = { 0 };
	struct fleet_config fc;

	log_set_sink(quiet, NULL);
	rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	assert_int_equal(loop_new(&rig->loop, NULL, NULL), ERR_OK);
	begin_dc();
	assert_int_equal(addr_parse("127.0.0.1:0", &o.at, NULL), ERR_OK);
	assert_int_equal(listener_new(rig->loop, &o, on_accept, NULL,
				      &rig->listener, NULL),
			 ERR_OK);
	strcpy(rig->dir, "/tmp/test_route.XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->path, sizeof(rig->path), "%s/positions", rig->dir);
	assert_int_equal(journal_open(&rig->journal, rig->path,
				      loop_wall(rig->loop), NULL),
			 ERR_OK);
	fc = (struct fleet_config){ .loop = rig->loop,
				    .rnd = rnd_system(),
				    .telegram = &rig->telegram,
				    .journal = &rig->journal,
				    .ops = &ops,
				    .net = &spy };
	assert_int_equal(fleet_init(&rig->fleet, &fc), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	fleet_deinit(&rig->fleet);
	dc_free(rig->dc);
	listener_free(rig->listener);
	loop_free(rig->loop);
	dcs_close(&rig->dcs);
	telegram_deinit(&rig->telegram);
	journal_close(&rig->journal);
	unlink(rig->config);
	unlink(rig->path);
	rmdir(rig->dir);
	free(rig);
	return 0;
}

static void begin(void)
{
	assert_int_equal(fleet_find_or_add(&rig->fleet, "100", &rig->acc),
			 ERR_OK);
	rig->acc->grant_version = 1;
	assert_true(lease_hold_confirm(&rig->acc->lease, 1, loop_now(rig->loop),
				       3600 * US_PER_SEC));
	account_start(rig->acc);
}

static void turns_until(bool (*is)(void))
{
	for (int i = 0; i < WAIT_TURNS && !is(); i++)
		loop_turn(rig->loop, 20 * US_PER_MS);
	if (!is())
		fail_msg("state %s: %s",
			 sm_state_name(&rig->acc->sm, rig->acc->sm.state),
			 rig->acc->fault.message ? rig->acc->fault.message
						 : "no fault");
}

static bool online(void)
{
	return account_state(rig->acc) == ACCOUNT_ONLINE;
}

static bool backed_off(void)
{
	return account_state(rig->acc) == ACCOUNT_BACKOFF &&
	       rig->acc->fault.code;
}

static bool dialled_thrice(void)
{
	return rig->dials >= 3 && backed_off();
}

static void by_proxy(const char *kind)
{
	rig->route = (struct wire_route){
		.kind = kind,
		.host = "127.0.0.1",
		.port = listener_addr(rig->listener).port
	};
}

/* ---- tests */

static void direct_and_permanent(void **state)
{
	begin();
	turns_until(online);
	assert_int_equal(rig->direct, 1);
	assert_null(rig->acc->engine.pfs);
}

static void every_transport_of_the_setting(void **state)
{
	static const char *const names[] = {
		"full",
		"abridged",
		"intermediate",
		"padded",
		"obfuscated-abridged",
		"obfuscated-intermediate",
		"obfuscated-padded",
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(transport_parse(names[i],
						 &rig->telegram.transport,
						 NULL),
				 ERR_OK);
		account_restart(rig->acc, "another transport");
		turns_until(online);
		assert_int_equal(rig->acc->engine.transport.kind,
				 rig->telegram.transport.kind);
		assert_int_equal(rig->acc->engine.transport.obf != NULL,
				 rig->telegram.transport.obfuscated);
		account_restart(rig->acc, "away");
	}
}

static void through_socks5(void **state)
{
	by_proxy("socks5");
	begin();
	turns_until(online);
	assert_true(rig->through);
	assert_int_equal(rig->direct, 0);
	assert_int_equal(rig->last.proxy, LINK_PROXY_SOCKS5);
	assert_int_equal(rig->last.to.port, dc_port(1));
}

/* Whatever the proxy does: nobody ever dials the data centre. */
static void never_around_the_proxy(void **state)
{
	by_proxy("socks5");
	rig->route.user = "anna";
	rig->route.password = "opensesame";
	rig->mood = DENY;
	begin();
	turns_until(dialled_thrice);
	assert_int_equal(rig->direct, 0);
	assert_string_equal(rig->acc->fault.code, "proxy_error");
	assert_non_null(
		strstr(rig->acc->fault.message, "socks5 proxy 127.0.0.1:"));
	assert_non_null(strstr(rig->acc->fault.message, "not allowed"));
	assert_null(strstr(rig->acc->fault.message, "opensesame"));
	assert_null(strstr(rig->acc->fault.message, "anna"));
	assert_non_null(strstr(rig->acc->fault.advice, "never goes around"));
	assert_string_equal(rig->last.proxy_password, "opensesame");
}

static void a_proxy_that_is_not_there(void **state)
{
	by_proxy("http");
	listener_free(rig->listener);
	rig->listener = NULL;
	begin();
	turns_until(dialled_thrice);
	assert_int_equal(rig->direct, 0);
	assert_string_equal(rig->acc->fault.code, "proxy_error");
	assert_non_null(
		strstr(rig->acc->fault.message, "http proxy 127.0.0.1:"));
	assert_non_null(strstr(rig->acc->fault.message, "refused"));
}

/* An MTProxy is dialled itself, and told the data centre's number. */
static void an_mtproxy_is_the_address(void **state)
{
	by_proxy("mtproxy");
	rig->route.secret = "dd00112233445566778899aabbccddeeff";
	rig->mood = SILENT;
	begin();
	for (int i = 0; i < 50 && !rig->dials; i++)
		loop_turn(rig->loop, 20 * US_PER_MS);
	assert_int_equal(rig->dials, 1);
	assert_int_equal(rig->last.proxy, LINK_PROXY_NONE);
	assert_int_equal(rig->last.to.port, listener_addr(rig->listener).port);
	for (int i = 0; i < 50 && !rig->acc->engine.connected; i++)
		loop_turn(rig->loop, 20 * US_PER_MS);
	assert_int_equal(rig->acc->engine.transport.kind, TRANSPORT_PADDED);
	assert_int_equal(rig->acc->engine.transport.dc_field, 1);
}

/* An address nobody can be told to dial: the account says so, and nothing goes
 * out. */
static void a_route_that_is_none(void **state)
{
	by_proxy("mtproxy");
	rig->route.secret = "sesame";
	begin();
	assert_int_equal(account_state(rig->acc), ACCOUNT_PARKED);
	assert_string_equal(rig->acc->fault.code, "invalid");
	assert_null(strstr(rig->acc->fault.message, "sesame"));
	for (int i = 0; i < 20; i++)
		loop_turn(rig->loop, 5 * US_PER_MS);
	assert_int_equal(rig->dials, 0);
}

static void plans(void **state)
{
	static const struct addr_host at = { "192.0.2.1", 443 };
	struct route_target to = { .at = &at,
				   .dc_id = 2,
				   .transport = { .kind = TRANSPORT_FULL } };
	struct wire_route w = { .kind = "mtproxy",
				.host = "proxy.example.org",
				.port = 8443,
				.secret = "00112233445566778899aabbccddeeff" };
	char name[ROUTE_NAME_MAX];
	struct route_plan p;
	struct route *r;

	route_plan(NULL, &to, &p);
	assert_string_equal(p.dial.to.host, "192.0.2.1");
	assert_int_equal(p.dial.proxy, LINK_PROXY_NONE);
	assert_int_equal(p.transport.dc_field, 0);
	assert_string_equal(route_name(NULL, name), "direct");

	assert_int_equal(route_new(&w, &r, NULL), ERR_OK);
	to.media = true;
	route_plan(r, &to, &p);
	assert_string_equal(p.dial.to.host, "proxy.example.org");
	assert_int_equal(p.dial.to.port, 8443);
	assert_int_equal(p.transport.dc_field, -2);
	to.test_mode = true;
	to.media = false;
	route_plan(r, &to, &p);
	assert_int_equal(p.transport.dc_field, 10002);
	assert_string_equal(route_name(r, name),
			    "mtproxy proxy proxy.example.org:8443");
	route_free(r);

	w = (struct wire_route){ .kind = "http",
				 .host = "2001:db8::1",
				 .port = 3128,
				 .user = "u",
				 .password = "p" };
	assert_int_equal(route_new(&w, &r, NULL), ERR_OK);
	route_plan(r, &to, &p);
	assert_string_equal(p.dial.to.host, "192.0.2.1");
	assert_string_equal(p.dial.proxy_at.host, "2001:db8::1");
	assert_string_equal(p.dial.proxy_user, "u");
	assert_string_equal(p.dial.proxy_password, "p");
	assert_string_equal(route_name(r, name),
			    "http proxy [2001:db8::1]:3128");
	route_free(r);
}

static void refused_routes(void **state)
{
	static const struct wire_route bad[] = {
		{ .kind = NULL, .host = "h", .port = 1 },
		{ .kind = "socks4", .host = "h", .port = 1 },
		{ .kind = "http", .host = "h", .port = 0 },
		{ .kind = "http", .host = "h", .port = 65536 },
		{ .kind = "http", .host = "", .port = 1 },
		{ .kind = "http", .host = "a b", .port = 1 },
		{ .kind = "http", .host = "h\r\n", .port = 1 },
		{ .kind = "http", .host = "h", .port = 1, .password = "x" },
		{ .kind = "http", .host = "h", .port = 1, .secret = "x" },
		{ .kind = "mtproxy", .host = "h", .port = 1 },
		{ .kind = "mtproxy",
		  .host = "h",
		  .port = 1,
		  .user = "x",
		  .secret = "00112233445566778899aabbccddeeff" },
		{ .kind = "mtproxy",
		  .host = "h",
		  .port = 1,
		  .secret = "sesame-sesame" },
	};
	struct err_info ei;
	struct route *r;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(route_new(&bad[i], &r, &ei), ERR_INVALID);
		assert_null(strstr(ei.msg, "sesame"));
	}
}

/* ---- temporary keys */

static void temporary_keys(void **state)
{
	struct dc_key *temp;
	uint64_t id;

	assert_int_equal(telegram_use_pfs(&rig->telegram, NULL), ERR_OK);
	begin();
	turns_until(online);
	assert_non_null(rig->acc->engine.pfs);
	assert_int_equal(pfs_state(rig->acc->engine.pfs), PFS_READY);
	id = rig->acc->engine.session.key.id;
	assert_true(id != rig->key->auth.id);
	assert_int_equal(rig->key->n_temps, 1);

	/* over a reconnect the key stays */
	link_close(rig->loop, rig->acc->link, CLOSE_LOCAL);
	turns_until(backed_off);
	turns_until(online);
	assert_true(rig->acc->engine.session.key.id == id);

	/* the server forgot it: another is made */
	temp = imap_get(&rig->dc->keys, id);
	assert_non_null(temp);
	link_close(rig->loop, rig->acc->link, CLOSE_LOCAL);
	turns_until(backed_off);
	temp->expires_at = 1;
	turns_until(online);
	assert_true(rig->acc->engine.session.key.id != id);
	assert_true(rig->acc->engine.session.key.id != rig->key->auth.id);
}

/* The account's end is found through temporary keys, too. */
static bool revoked(void)
{
	return account_state(rig->acc) == ACCOUNT_REVOKED;
}

static void the_permanent_key_is_gone(void **state)
{
	assert_int_equal(telegram_use_pfs(&rig->telegram, NULL), ERR_OK);
	begin();
	turns_until(online);
	dc_key_revoke(rig->dc, rig->key);
	turns_until(revoked);
}

static bool none_left(void)
{
	struct account *a;
	uint32_t cursor = 0;

	while ((a = fleet_next(&rig->fleet, &cursor)))
		if (account_state(a) != ACCOUNT_ONLINE)
			return false;
	return true;
}

/* A crowd makes its keys a few at a time. */
static void a_crowd(void **state)
{
	char id[16];
	uint32_t most = 0;

	assert_int_equal(telegram_use_pfs(&rig->telegram, NULL), ERR_OK);
	rig->crowd = true;
	rig->fleet.keying = FLEET_KEYS_MAX - 2; /* others are at it */
	for (int i = 0; i < 6; i++) {
		struct account *a;

		snprintf(id, sizeof(id), "%d", 100 + i);
		assert_int_equal(fleet_find_or_add(&rig->fleet, id, &a),
				 ERR_OK);
		a->grant_version = 1;
		assert_true(lease_hold_confirm(
			&a->lease, 1, loop_now(rig->loop), 3600 * US_PER_SEC));
		account_start(a);
		rig->acc = a;
	}
	for (int i = 0; i < WAIT_TURNS && !none_left(); i++) {
		loop_turn(rig->loop, 20 * US_PER_MS);
		if (rig->fleet.keying > most)
			most = rig->fleet.keying;
	}
	assert_true(none_left());
	assert_int_equal(most, FLEET_KEYS_MAX);
	assert_int_equal(rig->fleet.keying, FLEET_KEYS_MAX - 2);
}

/* It is taken away in the middle of the arithmetic. */
static void gone_while_computing(void **state)
{
	assert_int_equal(telegram_use_pfs(&rig->telegram, NULL), ERR_OK);
	begin();
	for (int i = 0; i < WAIT_TURNS && !rig->fleet.jobs; i++)
		loop_turn(rig->loop, 0);
	assert_non_null(rig->fleet.jobs);
	account_stop(rig->acc, "taken away");
	for (int i = 0; i < WAIT_TURNS && rig->fleet.jobs; i++)
		loop_turn(rig->loop, 20 * US_PER_MS);
	assert_null(rig->fleet.jobs);
	assert_int_equal(account_state(rig->acc), ACCOUNT_PARKED);
}

static void the_fleet_ends_while_computing(void **state)
{
	assert_int_equal(telegram_use_pfs(&rig->telegram, NULL), ERR_OK);
	begin();
	for (int i = 0; i < WAIT_TURNS && !rig->fleet.jobs; i++)
		loop_turn(rig->loop, 0);
	assert_non_null(rig->fleet.jobs);
	/* teardown is the test: the job ends after its fleet */
}

static void temporary_keys_through_a_proxy(void **state)
{
	assert_int_equal(telegram_use_pfs(&rig->telegram, NULL), ERR_OK);
	by_proxy("socks5");
	begin();
	turns_until(online);
	assert_int_equal(rig->direct, 0);
	assert_int_equal(pfs_state(rig->acc->engine.pfs), PFS_READY);
}

static void no_keys_no_temporary_ones(void **state)
{
	static const char env[] =
		"{\"api_id\":5,\"dcs\":[{\"id\":1,\"address\":\"127.0.0.1\","
		"\"port\":1}]}";
	struct telegram t;
	struct err_info ei;

	assert_int_equal(telegram_parse(&t, env, strlen(env), NULL), ERR_OK);
	assert_int_equal(telegram_use_pfs(&t, &ei), ERR_INVALID);
	assert_non_null(strstr(ei.msg, "--pfs"));
	telegram_deinit(&t);
}

/* ---- where the data centres are */

static bool told(void)
{
	return rig->dcs.list.n > 0;
}

static void ask_for_config(void)
{
	snprintf(rig->config, sizeof(rig->config), "%s/config", rig->dir);
	assert_int_equal(dcs_open(&rig->dcs, &rig->telegram, rig->config, NULL),
			 ERR_OK);
	rig->fleet.dcs = &rig->dcs;
}

/* One account asks; the next one does not; a restart reads it from disk. */
static void the_config_once_a_node(void **state)
{
	struct dcs again;

	ask_for_config();
	begin();
	turns_until(told);
	assert_int_equal(rig->dcs.list.n, 2);
	assert_false(dcs_due(&rig->dcs, loop_now(rig->loop)));
	assert_int_equal(dcs_open(&again, &rig->telegram, rig->config, NULL),
			 ERR_OK);
	assert_int_equal(again.list.n, 2);
	assert_true(dcs_due(&again, loop_now(rig->loop)));
	dcs_close(&again);
	rig->telegram.test_mode = true;
	assert_int_equal(dcs_open(&again, &rig->telegram, rig->config, NULL),
			 ERR_OK);
	assert_int_equal(again.list.n, 0);
	dcs_close(&again);
}

/* The file's address is dead, Telegram's own is not. */
static void an_address_that_fails(void **state)
{
	ask_for_config();
	begin();
	turns_until(told);
	account_restart(rig->acc, "again");
	for (size_t i = 0; i < rig->telegram.ndcs; i++)
		rig->telegram.dcs[i].at.port = 1;
	turns_until(online);
	assert_int_equal(rig->last.to.port, dc_port(1));
	assert_true(rig->acc->at_try > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(direct_and_permanent),
		T(every_transport_of_the_setting),
		T(through_socks5),
		T(never_around_the_proxy),
		T(a_proxy_that_is_not_there),
		T(an_mtproxy_is_the_address),
		T(a_route_that_is_none),
		cmocka_unit_test(plans),
		cmocka_unit_test(refused_routes),
		T(temporary_keys),
		T(the_permanent_key_is_gone),
		T(a_crowd),
		T(gone_while_computing),
		T(the_fleet_ends_while_computing),
		T(temporary_keys_through_a_proxy),
		cmocka_unit_test(no_keys_no_temporary_ones),
		T(the_config_once_a_node),
		T(an_address_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
