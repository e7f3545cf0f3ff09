/* SPDX-License-Identifier: MIT */
#include "control/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/failover.h"
#include "control/replicas.h"
#include "control/startall.h"

#define SILENT_BEATS 3

struct nodes_row {
	struct control *c;
	char *id;
	bool online;
	bool news;   /* since its last beat */
	bool poked;  /* by the change under way */
	bool marked; /* its accounts are marked offline */
	bool stale;  /* it has not said everything to us yet */
	bool over;   /* its leases are, and it is stored so */
	bool listed; /* by the look under way */
	int64_t beats;
	struct mono last_beat; /* when we first saw that many */
	struct waitq streams;
	struct wheel_timer timer;
};

static int64_t silent_us(const struct control *c)
{
	return SILENT_BEATS * c->rules.beat_us;
}

/* Read afresh: what was just read from the store was written before this. */
static struct mono time_now(const struct control *c)
{
	return clock_mono(loop_clock(c->loop));
}

static struct mono leases_over(const struct nodes_row *n)
{
	return mono_add(n->last_beat,
			n->c->rules.ttl_us + n->c->rules.grace_us);
}

static void go_offline(struct nodes_row *n)
{
	n->online = false;
	log_warn(LOGEV_NODE, log_str("node", n->id), log_str("to", "offline"),
		 log_str("why", "no heartbeat for three intervals"));
	events_publish(n->c, EVENTS_NODES, n->id, "node.offline");
}

static void arm_failover(struct nodes_row *n)
{
	struct mono due = leases_over(n);

	if (n->over && !n->c->cfg->failover)
		return;
	if (!mono_before(control_mono(n->c), due))
		due = mono_add(control_mono(n->c), silent_us(n->c));
	loop_arm_at(n->c->loop, &n->timer, due);
}

/* A lease of this length, given with its last beat, is over. */
static int64_t told_at_most(const struct nodes_row *n)
{
	return mono_diff(control_mono(n->c), n->last_beat) -
	       n->c->rules.grace_us;
}

/* Silent too long, then accounts to mark, then accounts to move. */
static void on_timer(struct wheel_timer *t, void *ctx)
{
	struct nodes_row *n = ctx;

	if (n->online)
		go_offline(n);
	if (!n->marked) {
		n->marked = failover_mark_offline(n->c, n->id, n->beats);
		if (!n->marked)
			loop_arm(n->c->loop, &n->timer, n->c->rules.beat_us);
		else
			arm_failover(n);
		return;
	}
	if (!mono_before(control_mono(n->c), leases_over(n))) {
		if (!n->over)
			n->over = failover_end_leases(n->c, n->id, n->beats,
						      told_at_most(n));
		if (n->c->cfg->failover)
			failover_move(n->c, n->id, n->beats);
	}
	arm_failover(n);
}

static struct nodes_row *add(struct control *c, const char *node_id)
{
	struct nodes_row *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->c = c;
	n->id = strdup(node_id);
	n->last_beat = time_now(c);
	n->stale = true;
	wheel_timer_init(&n->timer, on_timer, n);
	if (!n->id || strmap_set(&c->nodes, node_id, n)) {
		free(n->id);
		free(n);
		return NULL;
	}
	return n;
}

/*
 * After a restart nobody knows when a node was last answered: its leases count
 * from now, and it is given three intervals to show itself if it was alive when
 * the database last heard of it.
 */
static enum err load_one(struct control *c, const struct store_node *row)
{
	struct nodes_row *n = add(c, row->node_id);
	int64_t age_us = control_wall(c).us - row->last_heartbeat.us;

	if (!n)
		return ERR_NOMEM;
	n->beats = row->beats;
	n->online = row->last_heartbeat.us && age_us < silent_us(c);
	loop_arm(c->loop, &n->timer, silent_us(c));
	return ERR_OK;
}

enum err nodes_load(struct control *c, struct err_info *ei)
{
	struct store_nodes list;
	struct arena a;
	enum err rc;

	arena_init(&a, 64U << 20);
	rc = c->store->ops->node_list(c->store, &a, &list, ei);
	for (size_t i = 0; !rc && i < list.n; i++)
		rc = load_one(c, &list.items[i]);
	arena_deinit(&a);
	return rc;
}

static void free_row(struct nodes_row *n)
{
	loop_cancel(n->c->loop, &n->timer);
	waitq_wake(&n->streams);
	free(n->id);
	free(n);
}

void nodes_free(struct control *c)
{
	struct strmap_iter it = strmap_iter(&c->nodes);

	while (strmap_next(&c->nodes, &it))
		free_row(it.value);
	strmap_deinit(&c->nodes);
}

bool nodes_online(const struct control *c, const char *node_id)
{
	const struct nodes_row *n = strmap_get(&c->nodes, node_id);

	return n && n->online;
}

int64_t nodes_boots(const char *boot_id)
{
	char digits[19];
	size_t n = strspn(boot_id, "0123456789");
	int64_t boots;

	if (boot_id[n] != '-' || n >= sizeof(digits))
		return 0;
	memcpy(digits, boot_id, n);
	digits[n] = '\0';
	return text_i64(digits, &boots) ? 0 : boots;
}

bool nodes_leaving(const struct wire_beat *beat)
{
	return beat->status && !strcmp(beat->status, "draining") &&
	       !beat->plain && beat->nheld == 0;
}

static void tell_change(const struct nodes_row *n, bool online)
{
	if (n->online == online)
		return;
	log_info(LOGEV_NODE, log_str("node", n->id),
		 log_str("to", online ? "online" : "offline"),
		 log_str("why", online ? "heartbeat" : "goodbye"));
	events_publish(n->c, EVENTS_NODES, n->id,
		       online ? "node.online" : "node.offline");
}

bool nodes_full_wanted(const struct control *c,
		       const struct store_heartbeat *hb)
{
	const struct nodes_row *n = strmap_get(&c->nodes, hb->node_id);

	return !hb->full && (hb->ret_stale || !n || n->stale);
}

/* By us or by another replica. */
static void heard(struct nodes_row *n, int64_t beats, bool leaving)
{
	if (beats == n->beats)
		return;
	n->beats = beats;
	tell_change(n, !leaving);
	n->online = !leaving;
	n->marked = n->over = false;
	n->last_beat = time_now(n->c);
	/* it may be back in a moment: its accounts are not moved sooner */
	loop_arm(n->c->loop, &n->timer, leaving ? 0 : silent_us(n->c));
}

void nodes_take_news(struct control *c, const char *node_id)
{
	struct nodes_row *n = strmap_get(&c->nodes, node_id);

	if (n)
		n->news = false;
}

void nodes_beat(struct control *c, const struct store_heartbeat *hb)
{
	struct nodes_row *n = strmap_get(&c->nodes, hb->node_id);

	if (!n)
		n = add(c, hb->node_id);
	if (!n) /* the next one finds room, or it is as if it was silent */
		return;
	if (hb->full)
		n->stale = false;
	heard(n, hb->ret_beats, hb->leaving);
}

static void forget(struct control *c, void *arg, bool committed)
{
	struct nodes_row *n = committed ? strmap_remove(&c->nodes, arg) : NULL;

	if (n)
		free_row(n);
}

enum err nodes_forget(struct control *c, const char *node_id,
		      struct err_info *ei)
{
	return change_after(c, forget, node_id, strlen(node_id) + 1, ei);
}

/*
 * Kept for a poll to come when there is none.  With other replicas, one poll is
 * told once: the node may beat there, and we would not know that it was heard.
 */
static void wake(struct nodes_row *n)
{
	n->news = !n->streams.first || !n->c->replicas;
	waitq_wake(&n->streams);
}

static void poke(struct control *c, void *arg, bool committed)
{
	struct nodes_row *n = strmap_get(&c->nodes, arg);

	if (!n)
		return;
	n->poked = false;
	if (committed)
		wake(n);
}

void nodes_poke(struct control *c, const char *node_id)
{
	struct nodes_row *n = strmap_get(&c->nodes, node_id);
	enum err rc;

	if (n && n->poked)
		return;
	replicas_call(c, node_id);
	if (!n)
		return;
	n->poked = true;
	rc = change_after(c, poke, node_id, strlen(node_id) + 1, NULL);
	if (rc) /* its next beat finds out */
		n->poked = false;
}

void nodes_called(struct control *c, const char *node_id)
{
	struct nodes_row *n = strmap_get(&c->nodes, node_id);

	if (n)
		wake(n);
}

void nodes_wake_all(struct control *c)
{
	struct strmap_iter it = strmap_iter(&c->nodes);

	while (strmap_next(&c->nodes, &it))
		wake(it.value);
}

static enum err look_at(struct control *c, const struct store_node_news *row)
{
	struct nodes_row *n = strmap_get(&c->nodes, row->node_id);

	if (!n)
		n = add(c, row->node_id);
	if (!n)
		return ERR_NOMEM;
	n->listed = true;
	heard(n, row->beats, row->leaving);
	if (row->queued && n->streams.first) /* a call was lost */
		wake(n);
	return ERR_OK;
}

static void forget_unlisted(struct control *c)
{
	struct strmap_iter it = strmap_iter(&c->nodes);

	while (strmap_next(&c->nodes, &it)) {
		struct nodes_row *n = it.value;

		if (!n->listed)
			free_row(strmap_remove(&c->nodes, it.key));
		else
			n->listed = false;
	}
}

enum err nodes_look(struct control *c, struct err_info *ei)
{
	struct store_node_newses list;
	struct arena a;
	enum err rc;

	arena_init(&a, 16U << 20);
	rc = c->store->ops->node_news(c->store, &a, &list, ei);
	for (size_t i = 0; !rc && i < list.n; i++)
		rc = look_at(c, &list.items[i]);
	if (!rc)
		forget_unlisted(c);
	arena_deinit(&a);
	return rc;
}

static void stream_answer(struct control *c, struct http_req *req, void *ctx,
			  bool woken)
{
	struct jsonw w;
	struct buf b;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_bool(&w, "news", woken);
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
}

enum err nodes_stream(struct control *c, struct http_req *req,
		      const char *node_id, int64_t wait_us)
{
	struct nodes_row *n = strmap_get(&c->nodes, node_id);

	if (!n)
		n = add(c, node_id);
	if (!n)
		return ERR_NOMEM;
	if (n->news || wait_us <= 0) {
		stream_answer(c, req, NULL, n->news);
		if (c->replicas)
			n->news = false;
		return ERR_OK;
	}
	return waitq_add(&n->streams, c, req, wait_us, stream_answer, NULL);
}
