/* SPDX-License-Identifier: MIT */
/*
 * The filters against a scripted proxy: what it must hear, what it answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/listener.h"

struct step {
	const char *hear;
	size_t hear_len;
	const char *answer;
	size_t answer_len;
};

static struct loop *loop;
static struct listener *ls;
static const struct step *steps;
static size_t step, nsteps, heard_len;
static char heard[1024], got[64], why[ERR_MSG_MAX];
static bool opened, closed;
static enum close_reason reason;

static void proxy_data(void *ctx, uint64_t link, const uint8_t *data,
		       size_t len)
{
	const struct step *s = &steps[step];

	assert_true(step < nsteps);
	memcpy(heard + heard_len, data, len);
	heard_len += len;
	if (heard_len < s->hear_len)
		return;
	assert_int_equal(heard_len, s->hear_len);
	assert_memory_equal(heard, s->hear, heard_len);
	heard_len = 0;
	step++;
	/* byte by byte: nothing may depend on how answers are cut */
	for (size_t i = 0; i < s->answer_len; i++)
		assert_int_equal(link_send(loop, link, s->answer + i, 1),
				 ERR_OK);
}

static void proxy_close(void *ctx, uint64_t link, enum close_reason r,
			const struct err_info *ei)
{
}

static const struct link_ops proxy_ops = { .on_data = proxy_data,
					   .on_close = proxy_close };

static void on_accept(void *ctx, uint64_t link, const struct addr *peer)
{
	link_own(loop, link, &proxy_ops, NULL);
}

static void on_open(void *ctx, uint64_t link)
{
	opened = true;
	assert_int_equal(link_send(loop, link, "ping", 4), ERR_OK);
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	strncat(got, (const char *)data, len);
}

static void on_close(void *ctx, uint64_t link, enum close_reason r,
		     const struct err_info *ei)
{
	closed = true;
	reason = r;
	snprintf(why, sizeof(why), "%s", ei->msg);
}

static const struct link_ops ops = { on_open, on_data, NULL, on_close };

static int setup(void **state)
{
	struct listener_options o = { 0 };

	step = heard_len = 0;
	opened = closed = false;
	got[0] = why[0] = 0;
	assert_int_equal(addr_from_ip("127.0.0.1", 0, &o.at), ERR_OK);
	assert_int_equal(loop_new(&loop, NULL, NULL), ERR_OK);
	assert_int_equal(listener_new(loop, &o, on_accept, NULL, &ls, NULL),
			 ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	listener_free(ls);
	loop_free(loop);
	return 0;
}

static void dial(enum link_proxy kind, const char *host, uint16_t port,
		 const char *user, const char *password)
{
	struct link_dial_options o = { .proxy = kind,
				       .proxy_user = user,
				       .proxy_password = password };
	uint64_t id;

	strcpy(o.proxy_at.host, "127.0.0.1");
	o.proxy_at.port = listener_addr(ls).port;
	strcpy(o.to.host, host);
	o.to.port = port;
	assert_int_equal(link_dial(loop, &o, &ops, NULL, &id, NULL), ERR_OK);
	for (int i = 0; i < 500 && !closed && strcmp(got, "pong") != 0; i++)
		loop_turn(loop, 10 * US_PER_MS);
}

#define B(text) text, sizeof(text) - 1
#define SCRIPT(...)                                                            \
	static const struct step script[] = { __VA_ARGS__ };                   \
	steps = script;                                                        \
	nsteps = ARRAY_LEN(script)

static void test_socks_v4(void **state)
{
	SCRIPT({ B("\5\1\0"), B("\5\0") },
	       { B("\5\1\0\1\225\232\247\47\1\273"),
		 B("\5\0\0\1\1\2\3\4\0\1") },
	       { B("ping"), B("pong") });
	dial(LINK_PROXY_SOCKS5, "149.154.167.39", 443, NULL, NULL);
	assert_true(opened);
	assert_string_equal(got, "pong");
}

static void test_socks_password_and_name(void **state)
{
	SCRIPT({ B("\5\2\0\2"), B("\5\2") }, { B("\1\1u\2pw"), B("\1\0") },
	       { B("\5\1\0\3\7example\0\120"), B("\5\0\0\3\2ab\0\1") },
	       { B("ping"), B("pong") });
	dial(LINK_PROXY_SOCKS5, "example", 80, "u", "pw");
	assert_true(opened);
	assert_string_equal(got, "pong");
}

static void test_socks_refusals(void **state)
{
	SCRIPT({ B("\5\1\0"), B("\5\0") },
	       { B("\5\1\0\3\1a\0\120"), B("\5\5\0\1\0\0\0\0\0\0") });
	dial(LINK_PROXY_SOCKS5, "a", 80, NULL, NULL);
	assert_false(opened);
	assert_true(closed);
	assert_int_equal(reason, CLOSE_PROXY);
	assert_string_equal(why, "socks5 proxy: connection refused");
}

static void test_socks_wants_a_password(void **state)
{
	SCRIPT({ B("\5\1\0"), B("\5\377") });
	dial(LINK_PROXY_SOCKS5, "a", 80, NULL, NULL);
	assert_false(opened);
	assert_int_equal(reason, CLOSE_PROXY);
	assert_non_null(strstr(why, "no way to sign in"));
}

static void test_connect(void **state)
{
	SCRIPT({ B("CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:443\r\n"
		   "Proxy-Authorization: Basic dTpwdw==\r\n\r\n"),
		 B("HTTP/1.1 200 Fine\r\nX: y\r\n\r\n") },
	       { B("ping"), B("pong") });
	dial(LINK_PROXY_CONNECT, "a.b", 443, "u", "pw");
	assert_true(opened);
	assert_string_equal(got, "pong");
}

static void test_connect_refused(void **state)
{
	SCRIPT({ B("CONNECT [::1]:1 HTTP/1.1\r\nHost: [::1]:1\r\n\r\n"),
		 B("HTTP/1.1 407 No\r\n\r\n") });
	dial(LINK_PROXY_CONNECT, "::1", 1, NULL, NULL);
	assert_false(opened);
	assert_int_equal(reason, CLOSE_PROXY);
	assert_string_equal(why, "http proxy: answered 407");
}

static void test_early_bytes_are_kept(void **state)
{
	SCRIPT({ B("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
		 B("HTTP/1.1 200 OK\r\n\r\npong") },
	       { B("ping"), "", 0 });
	dial(LINK_PROXY_CONNECT, "a", 1, NULL, NULL);
	assert_true(opened);
	assert_string_equal(got, "pong");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_socks_v4),
		T(test_socks_password_and_name),
		T(test_socks_refusals),
		T(test_socks_wants_a_password),
		T(test_connect),
		T(test_connect_refused),
		T(test_early_bytes_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
