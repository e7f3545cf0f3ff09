/* SPDX-License-Identifier: MIT */
#include "worker/route_test.h"

#include <stdlib.h>

#include "mtproto/envelope.h"
#include "mtproto/handshake_client.h"

#define OUT_MAX 65536U
#define TEST_DC 10000 /* added to a test data centre's id in the handshake */

struct route_test {
	struct route_tests *set;
	struct route_test *prev, *next;
	struct route *route;
	struct route_plan plan;
	struct route_test_result result;
	uint64_t link; /* 0: none any more */
	struct transport transport;
	struct handshake_client *handshake;
	struct buf question; /* empty once it was asked */
	struct mono asked;
	struct wheel_timer timer;
	bool up; /* the transport is there */
};

static struct loop *loop_of(const struct route_test *t)
{
	return t->set->fleet->loop;
}

static void test_free(void *ptr)
{
	struct route_test *t = ptr;

	if (t->up)
		transport_deinit(&t->transport);
	handshake_client_free(t->handshake);
	buf_deinit(&t->question);
	route_free(t->route);
	free(t);
}

/* What it points to may still be on the stack below us. */
static void drop(struct route_test *t)
{
	struct route_tests *s = t->set;

	loop_cancel(s->fleet->loop, &t->timer);
	if (t->link)
		s->fleet->net->abandon(s->fleet->net_ctx, t->link);
	t->link = 0;
	if (t->prev)
		t->prev->next = t->next;
	else
		s->first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	s->n--;
	loop_bury(s->fleet->loop, t, test_free);
}

static void end(struct route_test *t, enum err rc, struct err_info *ei)
{
	struct route_tests *s = t->set;
	struct route_test_result r = t->result;
	char name[ROUTE_NAME_MAX];

	if (rc)
		rc = err_wrap(ei, rc, "through the %s",
			      route_name(t->route, name));
	drop(t);
	s->done(s->ctx, &r, rc, ei);
}

static enum err ask(struct route_test *t, struct buf *out, struct err_info *ei)
{
	int64_t sec = wall_sec(loop_wall(loop_of(t)));
	struct buf packet;
	enum err rc;

	buf_init(&packet, OUT_MAX);
	rc = envelope_plain_seal((uint64_t)sec << 32, buf_head(&t->question),
				 buf_len(&t->question), &packet);
	if (!rc)
		rc = transport_send(&t->transport, buf_head(&packet),
				    buf_len(&packet), out, ei);
	buf_deinit(&packet);
	buf_deinit(&t->question);
	t->asked = loop_now(loop_of(t));
	return rc;
}

/* Once the transport lets us. */
static enum err speak(struct route_test *t, struct buf *out,
		      struct err_info *ei)
{
	const struct fleet *f = t->set->fleet;
	enum err rc = ERR_OK;

	if (transport_is_open(&t->transport) && buf_len(&t->question))
		rc = ask(t, out, ei);
	if (!rc && buf_len(out))
		rc = f->net->send(f->net_ctx, t->link, buf_head(out),
				  buf_len(out));
	return rc;
}

static void on_open(void *ctx, uint64_t link)
{
	struct route_test *t = ctx;
	struct err_info ei = { 0 };
	struct buf out;
	enum err rc;

	buf_init(&out, OUT_MAX);
	transport_init_client(&t->transport, &t->plan.transport,
			      t->set->fleet->rnd);
	t->up = true;
	rc = transport_start(&t->transport, loop_wall(loop_of(t)), &out, &ei);
	if (!rc)
		rc = speak(t, &out, &ei);
	buf_deinit(&out);
	if (rc)
		end(t, rc, &ei);
}

static enum err check_answer(struct route_test *t,
			     const struct transport_packet *pkt,
			     struct err_info *ei)
{
	struct handshake_packet in = { .now = loop_now(loop_of(t)) };
	enum handshake_step step;
	const uint8_t *body = NULL;
	uint64_t msg_id;
	enum err rc;

	if (pkt->type == TRANSPORT_ERROR)
		return transport_error(pkt->code, ei);
	rc = envelope_plain_open(pkt->data, pkt->len, &msg_id, &body, &in.len,
				 ei);
	in.body = body;
	return rc ? rc : handshake_client_feed(t->handshake, &in, &step, ei);
}

static enum err feed(struct route_test *t, const uint8_t *data, size_t len,
		     bool *ret_answered, struct err_info *ei)
{
	struct transport_packet pkt;
	bool has = false;
	enum err rc = ERR_OK;

	for (size_t n; len && !rc && !has; data += n, len -= n) {
		n = len < TRANSPORT_FEED_MAX ? len : TRANSPORT_FEED_MAX;
		rc = transport_feed(&t->transport, data, n, ei);
		if (!rc)
			rc = transport_next(&t->transport, &pkt, &has, ei);
	}
	*ret_answered = has;
	return rc || !has ? rc : check_answer(t, &pkt, ei);
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct route_test *t = ctx;
	struct err_info ei = { 0 };
	bool answered = false;
	struct buf out;
	enum err rc;

	rc = feed(t, data, len, &answered, &ei);
	if (rc || answered) {
		t->result.latency_us =
			mono_diff(clock_mono(loop_clock(loop_of(t))), t->asked);
		end(t, rc, &ei);
		return;
	}
	buf_init(&out, OUT_MAX);
	rc = speak(t, &out, &ei);
	buf_deinit(&out);
	if (rc)
		end(t, rc, &ei);
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *why)
{
	struct route_test *t = ctx;
	struct err_info ei = { 0 };
	const char *text =
		why && why->msg[0] ? why->msg : link_reason_text(reason);

	t->link = 0;
	end(t,
	    err_set(&ei, ERR_PROXY, "%s%s", text,
		    t->up ? " before an answer came" : ""),
	    &ei);
}

static const struct link_ops ops = { .on_open = on_open,
				     .on_data = on_data,
				     .on_close = on_close };

static void on_timer(struct wheel_timer *timer, void *ctx)
{
	struct err_info ei = { 0 };

	end(ctx,
	    err_set(&ei, ERR_TIMEOUT, "no answer for %d s",
		    (int)(ROUTE_TEST_US / US_PER_SEC)),
	    &ei);
}

static enum err find_dc(const struct fleet *f, int dc_id, struct addr_host *at,
			struct route_target *to, struct err_info *ei)
{
	const struct telegram *tg = f->telegram;
	struct dclist_want want = { .dc_id = dc_id ? dc_id : tg->dcs[0].id,
				    .obfuscated = tg->transport.obfuscated,
				    .proxied = true };

	to->at = at;
	to->dc_id = want.dc_id;
	to->test_mode = tg->test_mode;
	to->transport = tg->transport;
	if (!dcs_address(tg, f->dcs, &want, 0, at))
		return err_set(ei, ERR_NOTFOUND,
			       "data centre %d is unknown here", to->dc_id);
	if (!tg->nkeys)
		return err_set(ei, ERR_INVALID,
			       "this node's telegram file has no \"keys\": an "
			       "answer could not be checked");
	return ERR_OK;
}

static enum err dial(struct route_test *t, const struct route_target *to,
		     struct err_info *ei)
{
	const struct fleet *f = t->set->fleet;
	const struct handshake_client_config hc = {
		.keys = f->telegram->keys,
		.key_count = f->telegram->nkeys,
		.dc = to->dc_id + (to->test_mode ? TEST_DC : 0),
		.rnd = f->rnd,
	};
	enum err rc;

	route_plan(t->route, to, &t->plan);
	t->result.dc_id = to->dc_id;
	rc = handshake_client_new(&hc, &t->handshake);
	if (!rc)
		rc = handshake_client_start(t->handshake, &t->question);
	if (rc)
		return err_set(ei, rc, "begin the test of a route");
	return f->net->dial(f->net_ctx, &t->plan.dial, &ops, t, &t->link, ei);
}

static void list(struct route_test *t)
{
	struct route_tests *s = t->set;

	t->next = s->first;
	if (s->first)
		s->first->prev = t;
	s->first = t;
	s->n++;
	loop_arm(s->fleet->loop, &t->timer, ROUTE_TEST_US);
}

enum err route_test_start(struct route_tests *s, struct route *route, int dc_id,
			  uint64_t tag, struct err_info *ei)
{
	struct route_target to = { 0 };
	struct addr_host at = { 0 };
	struct route_test *t = NULL;
	enum err rc = find_dc(s->fleet, dc_id, &at, &to, ei);

	if (!rc && s->n >= ROUTE_TESTS_MAX)
		rc = err_set(ei, ERR_CAPACITY,
			     "%d routes are being tested already: try again",
			     ROUTE_TESTS_MAX);
	if (!rc && !(t = calloc(1, sizeof(*t))))
		rc = err_set(ei, ERR_NOMEM, "test a route");
	if (rc) {
		route_free(route);
		return rc;
	}
	t->set = s;
	t->route = route;
	t->result.tag = tag;
	buf_init(&t->question, OUT_MAX);
	wheel_timer_init(&t->timer, on_timer, t);
	rc = dial(t, &to, ei);
	if (rc)
		test_free(t);
	else
		list(t);
	return rc;
}

void route_tests_deinit(struct route_tests *s)
{
	while (s->first)
		drop(s->first);
}
