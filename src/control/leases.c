/* SPDX-License-Identifier: MIT */
#include "control/leases.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/carry.h"
#include "control/nodes.h"
#include "control/routes.h"

#define PAGE 1000
#define GRANT_BYTES 24
/* As long as an answer takes, nobody else is served: the rest comes at once
 * after, and a node connects a hundred a second anyway. */
#define GRANTS_A_BEAT 500

struct lease_clock {
	struct lease_watch watch;
	struct mono url_until; /* the node has an address until then */
};

struct deciding {
	struct control *c;
	const struct principal *node;
	const struct wire_beat *beat;
	struct arena *arena;
	struct strmap held; /* account id -> wire_held, not yet dealt with */
	struct wire_lease *leases;
	size_t nleases, cleases;
	size_t ngrants;
	bool more; /* to be granted, with the next beat */
	struct wire_stop *stops;
	size_t nstops, cstops;
	bool unheard; /* it has to say everything again */
};

void leases_free(struct control *c)
{
	struct strmap_iter it = strmap_iter(&c->leases);

	while (strmap_next(&c->leases, &it))
		free(it.value);
	strmap_deinit(&c->leases);
}

struct lease_was {
	char account_id[WIRE_ID_MAX + 1];
	bool known; /* else it had no clock */
	struct lease_clock clock;
};

/* What did not happen moves no clock. */
static void put_back(struct control *c, void *arg, bool committed)
{
	const struct lease_was *was = arg;
	struct lease_clock *lc;

	if (committed)
		return;
	lc = strmap_get(&c->leases, was->account_id);
	if (lc && was->known)
		*lc = was->clock;
	else
		free(strmap_remove(&c->leases, was->account_id));
}

static enum err remember(struct control *c, const char *account_id,
			 struct err_info *ei)
{
	const struct lease_clock *lc = strmap_get(&c->leases, account_id);
	struct lease_was was = { .known = lc };

	if (lc)
		was.clock = *lc;
	text_copy(was.account_id, sizeof(was.account_id), account_id);
	return change_after(c, put_back, &was, sizeof(was), ei);
}

static void drop_clock(struct control *c, void *arg, bool committed)
{
	if (committed)
		free(strmap_remove(&c->leases, arg));
}

/* Nobody runs under it: what comes next is seen as new. */
static enum err end_clock(struct control *c, const char *account_id,
			  struct err_info *ei)
{
	if (!strmap_get(&c->leases, account_id))
		return ERR_OK;
	return change_after(c, drop_clock, account_id, strlen(account_id) + 1,
			    ei);
}

bool leases_terminal(const char *status)
{
	return !strcmp(status, "revoked") || !strcmp(status, "banned");
}

bool leases_wanted(const struct store_assignment *as)
{
	return as->enabled && as->desired_online && as->session_version > 0 &&
	       routes_ready(as->route_version, as->route_tested) &&
	       !leases_terminal(as->status);
}

/* Doubles in the arena: old halves go with it. */
static void *one_more(struct arena *a, void *items, size_t n, size_t *cap,
		      size_t size)
{
	void *more;

	if (n < *cap)
		return items;
	more = arena_array(a, *cap ? *cap * 2 : 16, size);
	if (!more)
		return NULL;
	if (n)
		memcpy(more, items, n * size);
	*cap = *cap ? *cap * 2 : 16;
	return more;
}

static enum err add_stop(struct deciding *d, const char *account_id,
			 int64_t epoch, const char *reason)
{
	struct wire_stop *stops = one_more(d->arena, d->stops, d->nstops,
					   &d->cstops, sizeof(*stops));

	if (!stops)
		return ERR_NOMEM;
	d->stops = stops;
	stops[d->nstops++] = (struct wire_stop){ account_id, epoch, reason };
	return ERR_OK;
}

static struct lease_clock *clock_of(struct control *c, const char *account_id,
				    struct err_info *ei)
{
	struct lease_clock *lc = strmap_get(&c->leases, account_id);

	if (remember(c, account_id, ei))
		return NULL;
	if (lc)
		return lc;
	lc = calloc(1, sizeof(*lc));
	if (lc && strmap_set(&c->leases, account_id, lc)) {
		free(lc);
		return NULL;
	}
	return lc;
}

/*
 * How the lease stands in the store, as it was just read.  The clock is read
 * after that: a turn is long where the database is slow, and another replica may
 * have renewed the lease since it began.
 */
static struct lease_clock *see(struct control *c, const char *account_id,
			       const struct lease_stamp *stamp,
			       struct err_info *ei)
{
	struct lease_clock *lc = clock_of(c, account_id, ei);
	const struct mono now = clock_mono(loop_clock(c->loop));

	if (!lc)
		return NULL;
	/* who granted it gave an address, too */
	if (lc->watch.stamp.epoch != stamp->epoch)
		lc->url_until = mono_add(now, c->cfg->grant_ttl_us);
	lease_watch_see(&lc->watch, stamp, now);
	return lc;
}

/* A one-use address for the session, bound to node and epoch. */
static enum err add_url(struct deciding *d, const struct store_assignment *as,
			struct lease_clock *lc, struct wire_session_ref *ref,
			struct err_info *ei)
{
	char id[2 * GRANT_BYTES + 1];
	const struct wall now = control_wall(d->c);
	const int64_t ttl_us = d->c->cfg->grant_ttl_us;
	struct store_grant g = {
		.node_id = d->node->node.node_id,
		.account_id = as->account_id,
		.epoch = lc->watch.stamp.epoch,
		.session_version = as->session_version,
		.created = now,
		.expires = { now.us + ttl_us },
	};

	control_random_id("", GRANT_BYTES, id, sizeof(id));
	g.hash = control_hash(id);
	ref->url = arena_printf(d->arena, API "/group-ai/node/sessions/%s", id);
	if (!ref->url)
		return ERR_NOMEM;
	lc->url_until = mono_add(control_mono(d->c), ttl_us);
	return d->c->store->ops->grant_add(d->c->store, &g, ei);
}

static enum err add_lease(struct deciding *d, const struct store_assignment *as,
			  struct lease_clock *lc, bool with_url,
			  struct err_info *ei)
{
	char hex[2 * sizeof(as->session_fingerprint.bytes) + 1];
	struct wire_lease *l;

	l = one_more(d->arena, d->leases, d->nleases, &d->cleases, sizeof(*l));
	if (!l)
		return ERR_NOMEM;
	d->leases = l;
	l += d->nleases++;
	text_hex(hex, as->session_fingerprint.bytes,
		 sizeof(as->session_fingerprint.bytes));
	*l = (struct wire_lease){
		.account_id = as->account_id,
		.epoch = lc->watch.stamp.epoch,
		.ttl_ms = d->c->rules.ttl_us / US_PER_MS,
		.has_session = true,
		.session = { .version = as->session_version,
			     .route_version = as->route_version,
			     .fingerprint =
				     arena_str(d->arena, hex, strlen(hex)) },
	};
	if (!l->session.fingerprint)
		return ERR_NOMEM;
	return with_url ? add_url(d, as, lc, &l->session, ei) : ERR_OK;
}

struct granted {
	char account_id[WIRE_ID_MAX + 1], node_id[WIRE_ID_MAX + 1];
	int64_t epoch;
	bool takeover;
};

/* What was not committed was not granted. */
static void log_granted(struct control *c, void *arg, bool committed)
{
	const struct granted *g = arg;

	if (committed)
		log_info(LOGEV_LEASE, log_phone("acc", g->account_id),
			 log_str("node", g->node_id),
			 log_i64("epoch", g->epoch),
			 log_str("why", g->takeover ? "takeover" : "grant"));
}

static enum err note_granted(struct control *c,
			     const struct store_lease_grant *g, int64_t epoch,
			     struct err_info *ei)
{
	struct granted note = { .epoch = epoch, .takeover = g->takeover };

	text_copy(note.account_id, sizeof(note.account_id), g->account_id);
	text_copy(note.node_id, sizeof(note.node_id), g->node_id);
	return change_after(c, log_granted, &note, sizeof(note), ei);
}

static enum err grant(struct deciding *d, const struct store_assignment *as,
		      bool takeover, struct err_info *ei)
{
	const struct store_lease_grant g = {
		.account_id = as->account_id,
		.node_id = d->node->node.node_id,
		.expect_epoch = as->lease_epoch,
		.expect_renewals = as->lease_renewals,
		.takeover = takeover,
		.session_version = as->session_version,
		.route_version = as->route_version,
		.ttl_us = d->c->rules.ttl_us,
		.now = control_wall(d->c),
	};
	struct lease_stamp stamp = { 0 };
	struct lease_clock *lc;
	enum err rc;

	rc = d->c->store->ops->lease_grant(d->c->store, &g, &stamp.epoch, ei);
	if (rc == ERR_STALE_EPOCH || rc == ERR_CONFLICT)
		return ERR_OK; /* somebody was faster: not ours this time */
	if (rc)
		return rc;
	d->ngrants++;
	lc = see(d->c, as->account_id, &stamp, ei);
	if (!lc)
		return ERR_NOMEM;
	rc = note_granted(d->c, &g, stamp.epoch, ei);
	if (!rc)
		rc = add_lease(d, as, lc, true, ei);
	return rc ? rc
		  : carry_add(d->c, d->arena, &d->leases[d->nleases - 1], ei);
}

static struct lease_stamp stamp_of(const struct store_assignment *as)
{
	return (struct lease_stamp){ as->lease_epoch, as->lease_renewals };
}

static enum err try_grant(struct deciding *d, const struct store_assignment *as,
			  struct err_info *ei)
{
	struct lease_view view = {
		.stamp = stamp_of(as),
		.holder = as->lease_node,
		.released = as->released,
		.ttl_us = as->lease_ttl_us,
	};
	const struct lease_clock *lc;
	struct mono until;

	if (!as->released) {
		lc = see(d->c, as->account_id, &view.stamp, ei);
		if (!lc)
			return ERR_NOMEM;
		view.seen = lc->watch.seen;
	}
	switch (lease_may_grant(&d->c->rules, &view, d->node->node.node_id,
				control_mono(d->c), &until)) {
	case LEASE_GRANT:
		return grant(d, as, false, ei);
	case LEASE_TAKEOVER:
		return grant(d, as, true, ei);
	case LEASE_WAIT:
		break;
	}
	return ERR_OK;
}

static enum err renew(struct deciding *d, const struct store_assignment *as,
		      struct err_info *ei)
{
	const struct lease_stamp stamp = stamp_of(as);
	struct lease_clock *lc = see(d->c, as->account_id, &stamp, ei);
	bool lost_url;

	if (!lc)
		return ERR_NOMEM;
	/* 0, -1: granted before this was written down */
	if (as->lease_session && as->lease_session != as->session_version)
		return add_stop(d, as->account_id, as->lease_epoch,
				"the session was replaced");
	if (as->lease_route >= 0 && as->lease_route != as->route_version)
		return add_stop(d, as->account_id, as->lease_epoch,
				"the route was changed");
	lost_url =
		!as->fetched && !mono_before(control_mono(d->c), lc->url_until);
	return add_lease(d, as, lc, lost_url, ei);
}

static const char *stop_reason(const struct deciding *d,
			       const struct store_assignment *as)
{
	if (!as->node_id || strcmp(as->node_id, d->node->node.node_id) != 0)
		return "moved to another node";
	if (!as->enabled)
		return "disabled";
	if (!as->desired_online)
		return "stopped";
	if (as->session_version == 0)
		return "no session";
	if (!routes_ready(as->route_version, as->route_tested))
		return "its route is not tested";
	return "the session is dead";
}

/* It says goodbye: what it gave back is not handed to it again. */
static bool is_leaving(const struct deciding *d)
{
	return d->beat->status && !strcmp(d->beat->status, "draining");
}

static enum err decide(struct deciding *d, const struct store_assignment *as,
		       struct err_info *ei)
{
	const char *me = d->node->node.node_id;
	bool mine = as->node_id && !strcmp(as->node_id, me);
	bool holder =
		as->lease_node && !as->released && !strcmp(as->lease_node, me);
	const struct wire_held *h = strmap_remove(&d->held, as->account_id);

	if (!mine || !leases_wanted(as)) {
		if (!holder && !h)
			return ERR_OK;
		return add_stop(d, as->account_id,
				holder ? as->lease_epoch : h->epoch,
				stop_reason(d, as));
	}
	if (holder && h && h->epoch == as->lease_epoch)
		return renew(d, as, ei);
	if (is_leaving(d) || (d->node->node.draining && !holder))
		return ERR_OK;
	d->more = d->ngrants == GRANTS_A_BEAT;
	if (d->more)
		return ERR_OK;
	/* what it told of it just now is of an epoch that is over */
	if (h)
		d->unheard = true;
	return try_grant(d, as, ei);
}

static enum err walk(struct deciding *d, struct err_info *ei)
{
	struct store *st = d->c->store;
	struct store_assignments list = { .n = PAGE };
	struct store_lease_query q = { d->node->node.node_id, NULL, PAGE };
	enum err rc;

	while (list.n == PAGE) {
		rc = st->ops->assignment_list(st, &q, d->arena, &list, ei);
		if (rc)
			return rc;
		for (size_t i = 0; i < list.n; i++) {
			rc = decide(d, &list.items[i], ei);
			if (rc)
				return rc;
			q.after = list.items[i].account_id;
		}
	}
	return ERR_OK;
}

/* What it thinks it holds and nobody gave it. */
static enum err stop_rest(struct deciding *d)
{
	struct strmap_iter it = strmap_iter(&d->held);
	enum err rc;

	while (strmap_next(&d->held, &it)) {
		const struct wire_held *h = it.value;

		rc = add_stop(d, h->account_id, h->epoch, "the lease is over");
		if (rc)
			return rc;
	}
	return ERR_OK;
}

/* Nobody runs it now; a fault that was reported with the release stays. */
static enum err show_offline(struct control *c, const struct store_account *acc,
			     struct err_info *ei)
{
	const struct store_account to = {
		.account_id = acc->account_id,
		.status = wire_status_name(WIRE_OFFLINE),
		.status_since = control_wall(c),
	};
	enum err rc;

	if (strcmp(acc->status, "online") != 0 &&
	    strcmp(acc->status, "starting") != 0 &&
	    strcmp(acc->status, "limited") != 0)
		return ERR_OK;
	rc = c->store->ops->account_update(c->store, &to, STORE_ACC_STATUS,
					   control_wall(c), ei);
	return rc ? rc
		  : events_tell(c, EVENTS_ACCOUNTS, acc->account_id,
				"account.offline", ei);
}

/* Released accounts that belong elsewhere now: their node can have them. */
static enum err after_release(struct control *c, const char *node_id,
			      const struct store_heartbeat *hb, struct arena *a,
			      struct err_info *ei)
{
	for (size_t i = 0; i < hb->n_released; i++) {
		const char *id = hb->released[i].account_id;
		struct store_account acc;
		enum err rc;

		if (!hb->released[i].ok)
			continue;
		rc = end_clock(c, id, ei);
		if (rc)
			return rc;
		rc = c->store->ops->account_get(c->store, id, a, &acc, ei);
		if (rc == ERR_NOTFOUND)
			continue;
		if (!rc)
			rc = show_offline(c, &acc, ei);
		if (rc)
			return rc;
		if (acc.node_id && strcmp(acc.node_id, node_id) != 0)
			nodes_poke(c, acc.node_id);
	}
	return ERR_OK;
}

/* By account id; a copy, since the map's values are not const. */
static enum err map_held(struct deciding *d)
{
	const size_t n = d->beat->nheld;
	struct wire_held *held = arena_array(d->arena, n + 1, sizeof(*held));
	enum err rc;

	if (!held)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		held[i] = d->beat->held[i];
		rc = strmap_set(&d->held, held[i].account_id, &held[i]);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

enum err leases_answer(struct control *c, const struct leases_ask *ask,
		       struct arena *a, struct wire_answer *ans,
		       struct err_info *ei)
{
	struct deciding d = {
		.c = c,
		.node = ask->node,
		.beat = ask->beat,
		.arena = a,
	};
	enum err rc;

	rc = after_release(c, ask->node->node.node_id, ask->hb, a, ei);
	if (rc)
		return rc;
	/* a plain client runs what it likes: it is never given a lease */
	if (ask->beat->plain || !ask->node->node.has_public_key)
		return ERR_OK;
	strmap_init(&d.held, WIRE_ACCOUNTS_MAX);
	rc = map_held(&d);
	if (!rc)
		rc = walk(&d, ei);
	if (!rc)
		rc = stop_rest(&d);
	strmap_deinit(&d.held);
	if (rc)
		return rc;
	ans->leases = d.leases;
	ans->nleases = d.nleases;
	ans->stops = d.stops;
	ans->nstops = d.nstops;
	if (d.more)
		nodes_poke(c, ask->node->node.node_id);
	ans->full_wanted = d.unheard;
	return ERR_OK;
}
