/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/listener.h"

/* One end of a connection, as a test sees it. */
struct end {
	struct loop *l;
	uint64_t id;
	int opened, closed, drained;
	enum close_reason reason;
	char why[ERR_MSG_MAX];
	char got[256];
	size_t bytes;
	bool echo;
};

static struct end server, client;
static struct listener *ls;

static void on_open(void *ctx, uint64_t link)
{
	struct end *e = ctx;

	assert_int_equal(e->id, link);
	e->opened++;
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct end *e = ctx;

	assert_int_equal(e->closed, 0);
	for (size_t i = 0; i < len && e->bytes + i < sizeof(e->got) - 1; i++)
		e->got[e->bytes + i] = (char)data[i];
	e->bytes += len;
	if (e->echo)
		assert_int_equal(link_send(e->l, link, data, len), ERR_OK);
}

static void on_drain(void *ctx, uint64_t link)
{
	((struct end *)ctx)->drained++;
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	struct end *e = ctx;

	e->closed++;
	e->reason = reason;
	snprintf(e->why, sizeof(e->why), "%s", ei->msg);
	assert_false(link_alive(e->l, link));
}

static const struct link_ops ops = {
	.on_open = on_open,
	.on_data = on_data,
	.on_drain = on_drain,
	.on_close = on_close,
};

static void on_accept(void *ctx, uint64_t link, const struct addr *peer)
{
	assert_true(addr_is_loopback(peer));
	server.id = link;
	server.opened++;
	link_own(server.l, link, &ops, &server);
}

static struct addr local(uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_from_ip("127.0.0.1", port, &a), ERR_OK);
	return a;
}

static int setup(void **state)
{
	struct listener_options o = { .at = local(0) };
	struct loop *l;

	assert_int_equal(loop_new(&l, NULL, NULL), ERR_OK);
	server = client = (struct end){ .l = l };
	assert_int_equal(listener_new(l, &o, on_accept, NULL, &ls, NULL),
			 ERR_OK);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	listener_free(ls);
	loop_free(*state);
	return 0;
}

#define UNTIL(cond)                                                            \
	do {                                                                   \
		for (int n_ = 0; n_ < 400 && !(cond); n_++)                    \
			loop_turn(client.l, 10 * US_PER_MS);                   \
		assert_true(cond);                                             \
	} while (0)

static struct link_dial_options to_listener(void)
{
	struct link_dial_options o = { 0 };

	strcpy(o.to.host, "127.0.0.1");
	o.to.port = listener_addr(ls).port;
	return o;
}

static void dial(const struct link_dial_options *o)
{
	assert_int_equal(
		link_dial(client.l, o, &ops, &client, &client.id, NULL),
		ERR_OK);
}

static void dial_listener(void)
{
	struct link_dial_options o = to_listener();

	dial(&o);
	UNTIL(client.opened && server.opened);
}

static void test_bytes_both_ways(void **state)
{
	struct loop *l = *state;

	server.echo = true;
	dial_listener();
	assert_int_equal(link_send(l, client.id, "hello ", 6), ERR_OK);
	assert_int_equal(link_send(l, client.id, "world", 5), ERR_OK);
	UNTIL(client.bytes == 11);
	assert_string_equal(client.got, "hello world");
	assert_int_equal(link_queued(l, client.id), 0);
	link_close(l, client.id, CLOSE_LOCAL);
	assert_int_equal(client.closed, 0); /* never inside link_close() */
	assert_false(link_alive(l, client.id));
	assert_int_equal(link_send(l, client.id, "x", 1), ERR_EOF);
	link_close(l, client.id, CLOSE_IO); /* the first reason stands */
	UNTIL(client.closed && server.closed);
	assert_int_equal(client.reason, CLOSE_LOCAL);
	assert_int_equal(server.reason, CLOSE_PEER);
	for (int i = 0; i < 5; i++)
		loop_turn(l, 0);
	assert_int_equal(client.closed, 1);
	assert_int_equal(loop_closed_count(l, CLOSE_LOCAL), 1);
	assert_int_equal(loop_closed_count(l, CLOSE_PEER), 1);
}

static void test_send_before_open_is_refused(void **state)
{
	struct link_dial_options o = to_listener();

	dial(&o);
	assert_int_equal(link_send(*state, client.id, "x", 1), ERR_EOF);
	link_close(*state, client.id, CLOSE_LOCAL);
	UNTIL(client.closed);
	assert_int_equal(client.opened, 0);
}

static void test_refused(void **state)
{
	struct link_dial_options o = to_listener();

	listener_free(ls);
	ls = NULL;
	loop_turn(*state, 0);
	dial(&o);
	UNTIL(client.closed);
	assert_int_equal(client.reason, CLOSE_REFUSED);
	assert_non_null(strstr(client.why, "refused"));
	assert_true(link_reason_is_error(client.reason));
}

static void test_name_that_does_not_resolve(void **state)
{
	struct link_dial_options o = to_listener();

	strcpy(o.to.host, "no-such-host.invalid");
	dial(&o);
	for (int i = 0; i < 2000 && !client.closed; i++)
		loop_turn(*state, 10 * US_PER_MS);
	assert_int_equal(client.closed, 1);
	assert_true(client.reason == CLOSE_RESOLVE ||
		    client.reason == CLOSE_CONNECT_TIMEOUT);
}

static void test_name_resolves(void **state)
{
	struct link_dial_options o = to_listener();

	strcpy(o.to.host, "localhost");
	o.bind = local(0); /* so that ::1 is not tried */
	dial(&o);
	UNTIL(client.opened);
}

static void test_close_while_resolving(void **state)
{
	struct link_dial_options o = to_listener();

	strcpy(o.to.host, "localhost");
	dial(&o);
	link_close(*state, client.id, CLOSE_LEASE);
	UNTIL(client.closed);
	assert_int_equal(client.reason, CLOSE_LEASE);
	assert_int_equal(client.opened, 0);
}

static void test_connect_timeout(void **state)
{
	struct link_dial_options o = { .connect_timeout_us = 30 * US_PER_MS };

	/* TEST-NET-1: routers drop it; some refuse at once, which is fine */
	strcpy(o.to.host, "192.0.2.1");
	o.to.port = 9;
	dial(&o);
	UNTIL(client.closed);
	assert_true(client.reason == CLOSE_CONNECT_TIMEOUT ||
		    client.reason == CLOSE_UNREACHABLE ||
		    client.reason == CLOSE_REFUSED);
	assert_int_equal(client.opened, 0);
}

static void test_source_address(void **state)
{
	struct link_dial_options o = to_listener();
	struct addr from, peer;

	assert_int_equal(addr_from_ip("127.0.0.9", 0, &o.bind), ERR_OK);
	dial(&o);
	UNTIL(client.opened && server.opened);
	assert_true(link_peer(*state, server.id, &peer));
	assert_true(link_local(*state, client.id, &from));
	assert_true(addr_same_ip(&peer, &o.bind));
	assert_int_equal(peer.port, from.port);
}

static void test_big_send_waits_and_drains(void **state)
{
	struct link_dial_options o = to_listener();
	struct loop *l = *state;
	size_t n = 12U << 20;
	char *big = calloc(1, n);

	o.send_max = 16U << 20;
	dial(&o);
	UNTIL(client.opened && server.opened);
	link_pause(l, server.id);
	assert_int_equal(link_send(l, client.id, big, n), ERR_OK);
	for (int i = 0; i < 5; i++)
		loop_turn(l, US_PER_MS);
	assert_true(link_queued(l, client.id) > 0);
	assert_int_equal(server.bytes, 0);
	assert_int_equal(client.drained, 0);
	link_resume(l, server.id);
	UNTIL(server.bytes == n);
	UNTIL(client.drained == 1);
	assert_int_equal(link_queued(l, client.id), 0);
	free(big);
}

static void test_overflow_closes(void **state)
{
	struct link_dial_options o = to_listener();
	char k[1024] = { 0 };

	o.send_max = 1500;
	dial(&o);
	UNTIL(client.opened);
	assert_int_equal(link_send(*state, client.id, k, 1024), ERR_OK);
	assert_int_equal(link_send(*state, client.id, k, 1024), ERR_TOOBIG);
	UNTIL(client.closed);
	assert_int_equal(client.reason, CLOSE_OVERFLOW);
}

static void test_finish_delivers_everything_first(void **state)
{
	struct loop *l = *state;
	size_t n = 3U << 20;
	char *big = calloc(1, n);

	dial_listener();
	assert_int_equal(link_send(l, server.id, big, n), ERR_OK);
	link_finish(l, server.id, CLOSE_PROTO);
	/* bytes that nobody wants must not turn the end into a reset */
	assert_int_equal(link_send(l, client.id, big, 100000), ERR_OK);
	UNTIL(client.closed && server.closed);
	assert_int_equal(client.bytes, n);
	assert_int_equal(client.reason, CLOSE_PEER);
	assert_int_equal(server.reason, CLOSE_PROTO);
	assert_int_equal(server.bytes, 0);
	free(big);
}

/* Only the hook after the poll, when the bytes are there already. */
static void close_client(void *ctx)
{
	if (++*(int *)ctx < 2)
		return;
	link_close(client.l, client.id, CLOSE_LEASE);
}

static void test_wake_hook_comes_before_bytes(void **state)
{
	struct loop *l = *state;
	int calls = 0;

	dial_listener();
	assert_int_equal(link_send(l, server.id, "late", 4), ERR_OK);
	loop_on_wake(l, close_client, &calls);
	UNTIL(client.closed);
	loop_on_wake(l, NULL, NULL);
	assert_int_equal(client.bytes, 0);
	assert_int_equal(client.reason, CLOSE_LEASE);
}

static bool asleep;

/* The process is stopped for long between what is said and when it is sent. */
static void say_and_sleep(void *ctx)
{
	assert_int_equal(link_send(client.l, client.id, "late", 4), ERR_OK);
	asleep = true;
}

static void close_if_slept(void *ctx)
{
	if (asleep)
		link_close(client.l, client.id, CLOSE_LEASE);
}

static void test_wake_hook_comes_before_what_is_sent(void **state)
{
	struct loop_call c = { .fn = say_and_sleep };
	struct loop *l = *state;

	dial_listener();
	asleep = false;
	loop_on_wake(l, close_if_slept, NULL);
	loop_defer(l, &c);
	UNTIL(client.closed && server.closed);
	loop_on_wake(l, NULL, NULL);
	assert_int_equal(server.bytes, 0);
	assert_int_equal(client.reason, CLOSE_LEASE);
}

/* A peer outside of the loop: whatever it reads was written by a turn. */
static int dial_raw(struct loop *l)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct link_dial_options o = { .to.host = "127.0.0.1",
				       .send_max = 64U << 20 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), peer;
	socklen_t len = sizeof(sa);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	o.to.port = ntohs(sa.sin_port);
	dial(&o);
	UNTIL(client.opened);
	peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	assert_true(peer >= 0);
	close(fd);
	return peer;
}

static size_t read_all(int fd, bool *ret_end)
{
	static char part[65536];
	ssize_t n;
	size_t sum = 0;

	while ((n = read(fd, part, sizeof(part))) > 0)
		sum += (size_t)n;
	*ret_end = n == 0 || errno == ECONNRESET;
	return sum;
}

/* The same for what the socket did not take before the stop. */
static void test_wake_hook_comes_before_what_waited(void **state)
{
	struct loop *l = *state;
	size_t n = 48U << 20, taken, got = 0;
	char *big = calloc(1, n);
	int peer = dial_raw(l);
	bool end = false;
	int calls = 0;

	assert_int_equal(link_send(l, client.id, big, n), ERR_OK);
	for (int i = 0; i < 5; i++)
		loop_turn(l, US_PER_MS);
	taken = n - link_queued(l, client.id);
	assert_true(taken < n);
	/* stopped in the next poll; meanwhile there is room again */
	got += read_all(peer, &end);
	loop_on_wake(l, close_client, &calls);
	UNTIL(client.closed);
	loop_on_wake(l, NULL, NULL);
	for (int i = 0; i < 400 && !end; i++) {
		loop_turn(l, US_PER_MS);
		got += read_all(peer, &end);
	}
	assert_true(end);
	assert_true(got <= taken);
	assert_int_equal(client.reason, CLOSE_LEASE);
	close(peer);
	free(big);
}

/* Room comes in small pieces; everything arrives, and nothing is left open. */
static void test_waits_for_room_again_and_again(void **state)
{
	struct loop *l = *state;
	size_t n = 24U << 20, got = 0;
	char *big = calloc(1, n);
	int peer = dial_raw(l), fds = dup(0);
	bool end;

	close(fds);
	for (int i = 0; i < 4; i++)
		assert_int_equal(link_send(l, client.id, big, n / 4), ERR_OK);
	for (int i = 0; i < 100000 && got < n; i++) {
		loop_turn(l, 0);
		got += read_all(peer, &end);
	}
	assert_int_equal(got, n);
	UNTIL(client.drained == 1);
	assert_int_equal(link_queued(l, client.id), 0);
	/* the watcher's descriptor is given back */
	assert_int_equal(dup(0), fds);
	close(fds);
	close(peer);
	free(big);
}

static void test_per_address_limit(void **state)
{
	struct listener_options lo = { .at = local(0), .max_per_ip = 1 };
	struct link_dial_options o;

	listener_free(ls);
	assert_int_equal(listener_new(*state, &lo, on_accept, NULL, &ls, NULL),
			 ERR_OK);
	dial_listener();
	uint64_t first = client.id;
	o = to_listener();
	client.closed = 0;
	dial(&o);
	UNTIL(client.closed); /* the second one */
	assert_int_equal(listener_refused(ls), 1);
	assert_int_equal(listener_count(ls), 1);
	link_close(*state, first, CLOSE_LOCAL);
	UNTIL(listener_count(ls) == 0);
	client = (struct end){ .l = *state };
	dial_listener();
	assert_true(link_alive(*state, client.id));
}

static void test_thousand_links(void **state)
{
	static struct end many[1000];
	struct link_dial_options o = to_listener();
	struct loop *l = *state;
	struct loop_stats st;
	size_t open = 0;

	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = (struct end){ .l = l };
		assert_int_equal(
			link_dial(l, &o, &ops, &many[i], &many[i].id, NULL),
			ERR_OK);
		if (i % 100 == 99)
			loop_turn(l, US_PER_MS);
	}
	for (int n = 0; n < 1000 && open < ARRAY_LEN(many); n++) {
		loop_turn(l, 10 * US_PER_MS);
		open = 0;
		for (size_t i = 0; i < ARRAY_LEN(many); i++)
			open += (size_t)many[i].opened;
	}
	assert_int_equal(open, ARRAY_LEN(many));
	UNTIL(listener_count(ls) == ARRAY_LEN(many));
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		link_close(l, many[i].id, CLOSE_LOCAL);
	loop_get_stats(l, &st);
	while (st.links) {
		loop_turn(l, 10 * US_PER_MS);
		loop_get_stats(l, &st);
	}
	assert_int_equal(listener_count(ls), 0);
	assert_int_equal(st.links_opened, 2000);
	assert_int_equal(st.links_closed, 2000);
}

static void test_stale_id_is_nothing(void **state)
{
	struct addr a;

	dial_listener();
	uint64_t old = client.id;
	link_close(*state, old, CLOSE_LOCAL);
	UNTIL(client.closed);
	client = (struct end){ .l = *state };
	dial_listener();
	assert_int_not_equal(old, client.id);
	link_close(*state, old, CLOSE_LOCAL);
	link_pause(*state, old);
	assert_false(link_peer(*state, old, &a));
	loop_turn(*state, 0);
	assert_int_equal(client.closed, 0);
}

static void test_loop_free_closes_with_shutdown(void **state)
{
	struct loop *l = *state;

	dial_listener();
	listener_free(ls);
	ls = NULL;
	loop_free(l);
	assert_int_equal(client.closed, 1);
	assert_int_equal(client.reason, CLOSE_SHUTDOWN);
	assert_int_equal(loop_new(&l, NULL, NULL), ERR_OK);
	*state = l;
}

static void test_port_in_use(void **state)
{
	struct listener_options o = { .at = listener_addr(ls) };
	struct err_info ei = { 0 };
	struct listener *other;

	assert_int_equal(listener_new(*state, &o, on_accept, NULL, &other, &ei),
			 ERR_IO);
	assert_non_null(strstr(ei.msg, "listen on: 127.0.0.1:"));
	assert_non_null(strstr(ei.msg, "address already in use"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_bytes_both_ways),
		T(test_send_before_open_is_refused),
		T(test_refused),
		T(test_name_that_does_not_resolve),
		T(test_name_resolves),
		T(test_close_while_resolving),
		T(test_connect_timeout),
		T(test_source_address),
		T(test_big_send_waits_and_drains),
		T(test_overflow_closes),
		T(test_finish_delivers_everything_first),
		T(test_wake_hook_comes_before_bytes),
		T(test_wake_hook_comes_before_what_is_sent),
		T(test_wake_hook_comes_before_what_waited),
		T(test_waits_for_room_again_and_again),
		T(test_per_address_limit),
		T(test_thousand_links),
		T(test_stale_id_is_nothing),
		T(test_loop_free_closes_with_shutdown),
		T(test_port_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
