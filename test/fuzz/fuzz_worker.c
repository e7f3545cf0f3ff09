/* SPDX-License-Identifier: MIT */
/*
 * A node whose control plane answers anything: leases, stops, commands, positions
 * and sessions.  The input is answers, a NUL between them; one that begins with S
 * is a session document for every account that waits for one.  Connections never
 * open.  After each the next beat can be read and names what the node holds.
 */
#include "base/log.h"
#include "worker/beat.h"
#include "worker/journal.h"
#include "worker/telegram.h"

#include "fuzz_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct clock_manual clock_;
static struct rnd_seeded rnd;
static struct loop *loop;
static struct telegram telegram;
static struct node node;

static struct rig {
	struct fleet fleet;
	struct orders orders;
	struct journal journal;
	struct beat beat;
	uint64_t links;
} r;

static void quiet(void *ctx, const char *line)
{
}

static enum err dial(void *ctx, const struct link_dial_options *o,
		     const struct link_ops *ops, void *who, uint64_t *ret_link,
		     struct err_info *ei)
{
	*ret_link = ++r.links;
	return ERR_OK;
}

static enum err send_bytes(void *ctx, uint64_t link, const void *data,
			   size_t len)
{
	return ERR_OK;
}

static void hang_up(void *ctx, uint64_t link, enum close_reason reason)
{
}

static void abandon(void *ctx, uint64_t link)
{
}

static const struct fleet_net net = { dial, send_bytes, hang_up, abandon };

static void on_urgent(void *ctx)
{
}

static void on_session(void *ctx, struct account *a)
{
}

static void on_sent(void *ctx, struct account *a, uint64_t tag, enum err rc,
		    int32_t message_id, const struct err_info *ei)
{
	orders_on_sent(&r.orders, tag, rc, message_id, ei);
}

static void on_answer(void *ctx, enum err rc)
{
}

static const struct fleet_ops ops = { .on_urgent = on_urgent,
				      .on_want_session = on_session,
				      .on_forget_session = on_session,
				      .on_sent = on_sent };

static void start(void)
{
	static const char env[] =
		"{\"api_id\":1,\"dcs\":[{\"id\":2,\"address\":\"127.0.0.1\","
		"\"port\":9}]}";
	struct loop_options lo = { .clock = &clock_.clock };

	log_set_sink(quiet, NULL);
	fuzz_dir_make();
	clock_manual_init(&clock_, (struct mono){ 1000 * US_PER_SEC },
			  (struct wall){ INT64_C(1790000000) * US_PER_SEC });
	rnd_seeded_init(&rnd, 3);
	strcpy(node.id, "n1");
	node.beat_us = 30 * US_PER_SEC;
	if (loop_new(&loop, &lo, NULL) ||
	    telegram_parse(&telegram, env, strlen(env), NULL))
		abort();
}

static void begin(void)
{
	const struct fleet_config fc = { .loop = loop,
					 .rnd = &rnd.rnd,
					 .telegram = &telegram,
					 .journal = &r.journal,
					 .ops = &ops,
					 .net = &net };
	const struct beat_config bc = { .loop = loop,
					.rnd = &rnd.rnd,
					.node = &node,
					.fleet = &r.fleet,
					.orders = &r.orders,
					.on_answer = on_answer };
	struct err_info ei;

	fuzz_dir_empty("");
	if (journal_open(&r.journal, fuzz_dir_path("positions"), clock_.wall,
			 &ei) ||
	    fleet_init(&r.fleet, &fc) || orders_init(&r.orders, &r.fleet))
		abort();
	beat_init(&r.beat, &bc);
}

static void end(void)
{
	beat_deinit(&r.beat);
	fleet_deinit(&r.fleet);
	orders_deinit(&r.orders);
	loop_turn(loop, 0);
	journal_close(&r.journal);
}

static void next_beat(void)
{
	struct err_info ei = { 0 };
	struct wire_beat w;
	struct arena a;
	struct buf out;

	buf_init(&out, WIRE_BODY_MAX);
	arena_init(&a, 64U << 20);
	r.beat.sent = clock_mono(&clock_.clock);
	if (beat_encode(&r.beat, &out, &ei) ||
	    wire_beat_decode(buf_head(&out), buf_len(&out), &a, &w, &ei)) {
		fprintf(stderr, "%s\n", ei.msg);
		abort();
	}
	for (size_t i = 0; i < w.nheld; i++)
		if (!fleet_find(&r.fleet, w.held[i].account_id))
			abort();
	arena_deinit(&a);
	buf_deinit(&out);
}

static void give_session(const uint8_t *data, size_t len)
{
	struct wire_session s;
	struct account *acc;
	uint32_t cursor = 0;
	struct arena a;

	arena_init(&a, 64U << 20);
	if (!wire_session_decode(data, len, &a, &s, NULL)) {
		while ((acc = fleet_next(&r.fleet, &cursor)) != NULL)
			account_take_session(acc, &s);
		wire_session_deinit(&s);
	}
	arena_deinit(&a);
}

static void give_answer(const uint8_t *data, size_t len)
{
	struct wire_answer ans;
	struct arena a;

	arena_init(&a, 64U << 20);
	if (!wire_answer_decode(data, len, &a, &ans, NULL))
		beat_apply(&r.beat, &ans);
	arena_deinit(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *end_of_all = data + len;

	if (!loop)
		start();
	begin();
	while (data < end_of_all) {
		const uint8_t *nul =
			memchr(data, 0, (size_t)(end_of_all - data));
		size_t n = (size_t)((nul ? nul : end_of_all) - data);

		if (n && data[0] == 'S')
			give_session(data + 1, n - 1);
		else
			give_answer(data, n);
		clock_manual_advance(&clock_, US_PER_SEC);
		loop_turn(loop, 0);
		fleet_check_leases(&r.fleet);
		next_beat();
		data += n + 1;
	}
	end();
	return 0;
}
