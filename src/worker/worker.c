/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/rnd.h"
#include "worker/beat.h"
#include "worker/doorbell.h"
#include "worker/enroll.h"
#include "worker/journal.h"
#include "worker/peerbook.h"
#include "worker/sealed.h"

/* Leaving: this long for links to end and for the last beat. */
#define WORKER_LEAVE_US INT64_C(5000000)
#define WORKER_MMAP_BYTES (64 << 10)
#define WORKER_TRIM_BYTES (128 << 10)

struct worker {
	const struct worker_options *o;
	struct loop *loop;
	struct http_client *http;
	struct node node;
	struct telegram telegram;
	struct dcs dcs;
	struct journal journal;
	struct peerbook peerbook;
	struct fleet fleet;
	struct orders orders;
	struct scriptbook scripts;
	struct beat beat;
	struct doorbell doorbell;
	struct sealed sealed;
	struct enroll enroll;
	struct wheel_timer leave_timer;
	enum err rc; /* why it ended */
	struct err_info ei;
	bool leaving, ready;
};

static void on_urgent(void *ctx)
{
	struct worker *w = ctx;

	if (w->beat.loop)
		beat_soon(&w->beat);
}

static void on_want_session(void *ctx, struct account *a)
{
	struct worker *w = ctx;

	sealed_fetch(&w->sealed, a);
}

static void on_forget_session(void *ctx, struct account *a)
{
	struct worker *w = ctx;

	sealed_forget(&w->sealed, a);
}

static void on_sent(void *ctx, struct account *a, uint64_t tag, enum err rc,
		    int32_t message_id, const struct err_info *ei)
{
	struct worker *w = ctx;

	orders_on_sent(&w->orders, tag, rc, message_id, ei);
}

static const struct fleet_ops ops = {
	.on_urgent = on_urgent,
	.on_want_session = on_want_session,
	.on_forget_session = on_forget_session,
	.on_sent = on_sent,
};

/* After a sleep of any length: leases first, sockets then. */
static void on_wake(void *ctx)
{
	struct worker *w = ctx;

	fleet_check_leases(&w->fleet);
}

static bool all_released(const struct worker *w)
{
	const struct account *a;
	uint32_t cursor = 0;

	while ((a = fleet_next(&w->fleet, &cursor)))
		if (a->lease.epoch || a->release_due || a->link)
			return false;
	return true;
}

static void on_answer(void *ctx, enum err rc)
{
	struct worker *w = ctx;

	if (w->leaving && all_released(w))
		loop_stop(w->loop);
	if (!rc && !w->leaving)
		doorbell_start(&w->doorbell);
}

static void on_leave_timer(struct wheel_timer *t, void *ctx)
{
	struct worker *w = ctx;

	loop_stop(w->loop);
}

static void leave(struct worker *w)
{
	struct account *a;
	uint32_t cursor = 0;

	w->leaving = true;
	w->fleet.closing = true;
	log_info(LOGEV_STOP, log_i64("accounts", fleet_count(&w->fleet)));
	while ((a = fleet_next(&w->fleet, &cursor)))
		account_stop(a, "the worker stops");
	if (!w->ready || all_released(w)) {
		loop_stop(w->loop);
		return;
	}
	w->beat.draining = true;
	beat_soon(&w->beat);
	loop_arm(w->loop, &w->leave_timer, WORKER_LEAVE_US);
}

static void on_signal(void *ctx, int signum)
{
	struct worker *w = ctx;

	if (signum == SIGHUP)
		return;
	if (w->leaving)
		loop_stop(w->loop);
	else
		leave(w);
}

static void on_stall(void *ctx, int64_t took_us)
{
	metrics_add(METRIC_LOOP_SLOW_TURNS, 1);
	log_warn(LOGEV_WATCHDOG, log_i64("took_us", took_us));
}

static void go(struct worker *w)
{
	w->ready = true;
	printf("{\"ready\":true,\"node_id\":\"%s\"}\n", w->node.id);
	fflush(stdout);
	log_info(LOGEV_START, log_str("node", w->node.id),
		 log_str("server", w->node.server));
	beat_now(&w->beat);
}

static void on_enrolled(void *ctx, enum err rc, const struct err_info *ei)
{
	struct worker *w = ctx;

	if (rc) {
		w->rc = rc;
		w->ei = *ei;
		loop_stop(w->loop);
		return;
	}
	log_info(LOGEV_ENROL, log_str("node", w->node.id));
	go(w);
}

static enum err open_state(struct worker *w, struct err_info *ei)
{
	char path[NODE_PATH_MAX];
	enum err rc = node_open(&w->node, w->o->state, ei);

	if (!rc)
		rc = telegram_load(&w->telegram, w->o->telegram, ei);
	if (!rc && w->o->transport)
		rc = transport_parse(w->o->transport, &w->telegram.transport,
				     ei);
	if (!rc && !w->o->permanent_keys)
		rc = telegram_use_pfs(&w->telegram, ei);
	if (!rc)
		rc = node_path(&w->node, "config", path, ei);
	if (!rc)
		rc = dcs_open(&w->dcs, &w->telegram, path, ei);
	if (!rc)
		rc = node_path(&w->node, "positions", path, ei);
	if (!rc)
		rc = journal_open(&w->journal, path, clock_wall(clock_system()),
				  ei);
	if (!rc)
		rc = node_path(&w->node, "peers", path, ei);
	if (!rc)
		rc = peerbook_open(&w->peerbook, path, ei);
	return rc;
}

static enum err start_parts(struct worker *w, struct err_info *ei)
{
	const struct fleet_config fc = { .loop = w->loop,
					 .rnd = rnd_system(),
					 .telegram = &w->telegram,
					 .dcs = &w->dcs,
					 .journal = &w->journal,
					 .peerbook = &w->peerbook,
					 .ops = &ops,
					 .ctx = w };
	enum err rc = fleet_init(&w->fleet, &fc);

	if (!rc)
		rc = orders_init(&w->orders, &w->fleet);
	if (rc)
		return err_set(ei, rc, "start the worker");
	w->orders.key = &w->node.key;
	w->scripts = (struct scriptbook){ .loop = w->loop,
					  .http = w->http,
					  .node = &w->node,
					  .done = orders_on_script,
					  .ctx = &w->orders };
	scriptbook_init(&w->scripts);
	w->orders.scripts = &w->scripts;
	sealed_init(&w->sealed, w->http, &w->node, &w->fleet);
	beat_init(&w->beat, &(struct beat_config){ .loop = w->loop,
						   .rnd = rnd_system(),
						   .http = w->http,
						   .node = &w->node,
						   .fleet = &w->fleet,
						   .orders = &w->orders,
						   .on_answer = on_answer,
						   .ctx = w });
	doorbell_init(&w->doorbell, w->loop, w->http, &w->node, &w->beat);
	wheel_timer_init(&w->leave_timer, on_leave_timer, w);
	loop_on_wake(w->loop, on_wake, w);
	loop_on_stall(w->loop, 0, on_stall, w);
	return loop_on_signal(w->loop, on_signal, w, ei);
}

static enum err begin(struct worker *w, struct err_info *ei)
{
	const char *server =
		w->o->server && w->o->server[0] ? w->o->server : NULL;

	if (w->node.id[0]) {
		/* the same node may find its control plane elsewhere */
		if (server)
			snprintf(w->node.server, sizeof(w->node.server), "%s",
				 server);
		go(w);
		return ERR_OK;
	}
	if (!server || !w->o->join || !w->o->join[0])
		return err_set(ei, ERR_USAGE,
			       "this node is not enrolled yet: give --server "
			       "and --join (make a token with `tgfleet node "
			       "join-token`)");
	w->enroll = (struct enroll){ .loop = w->loop,
				     .http = w->http,
				     .node = &w->node,
				     .server = server,
				     .join = w->o->join,
				     .name = w->o->name,
				     .done = on_enrolled,
				     .ctx = w };
	enroll_start(&w->enroll);
	return ERR_OK;
}

static void end(struct worker *w)
{
	enroll_deinit(&w->enroll);
	doorbell_deinit(&w->doorbell);
	beat_deinit(&w->beat);
	if (w->loop) {
		loop_on_wake(w->loop, NULL, NULL);
		loop_cancel(w->loop, &w->leave_timer);
	}
	scriptbook_deinit(&w->scripts);
	client_free(w->http);
	sealed_deinit(&w->sealed);
	route_tests_deinit(&w->orders.tests);
	fleet_deinit(&w->fleet);
	orders_deinit(&w->orders);
	loop_free(w->loop);
	dcs_close(&w->dcs);
	telegram_deinit(&w->telegram);
	journal_close(&w->journal);
	node_close(&w->node);
}

static enum err run(struct worker *w, struct err_info *ei)
{
	enum err rc = open_state(w, ei);

	if (!rc)
		rc = loop_new(&w->loop, NULL, ei);
	if (!rc)
		rc = client_new(w->loop, NULL, &w->http, ei);
	if (!rc)
		rc = start_parts(w, ei);
	if (!rc)
		rc = begin(w, ei);
	if (rc)
		return rc;
	loop_run(w->loop);
	if (w->rc && ei)
		*ei = w->ei;
	return w->rc;
}

/*
 * Left to itself the allocator learns from one large beat to keep that much for
 * ever, which is more than the idle accounts beside it need.
 */
static void give_memory_back(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, WORKER_MMAP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, WORKER_TRIM_BYTES);
}

enum err worker_run(const struct worker_options *o, struct err_info *ei)
{
	struct worker w = { .o = o, .node = { .lock_fd = -1 } };
	enum err rc;

	w.journal.fd = -1;
	give_memory_back();
	rc = run(&w, ei);
	end(&w);
	return rc;
}
