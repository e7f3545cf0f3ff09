/* SPDX-License-Identifier: MIT */
/*
 * The account's place in its updates, and the waits Telegram asked for, as they
 * go from node to node: told in the heartbeat, brought by the grant of a lease.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "net/loop.h"
#include "worker/account_int.h"
#include "worker/fleet.h"

static bool is_channel(int64_t chat_id)
{
	return chat_id < INT64_C(-1000000000000);
}

static void mark(struct account *a)
{
	account_changed(a, false);
	a->place_changed = a->changed;
}

void account_place_restore(struct account *a)
{
	if (!journal_get(a->fleet->journal, a->account_id, &a->place,
			 &a->place_epoch))
		return;
	/* the control plane may have heard less before we went down */
	a->place_changed = a->fleet->changes + 1;
}

void account_place_moved(struct account *a, struct updates_pos pos)
{
	a->place = pos;
	a->place_epoch = a->lease.epoch ? a->lease.epoch : a->released_epoch;
	fleet_note_position(a->fleet, a, pos, a->place_epoch);
	mark(a);
}

void account_place_heard(struct account *a, int64_t chat_id)
{
	if (is_channel(chat_id))
		mark(a);
}

static void set_channel(struct engine *e, const struct wire_channel *c)
{
	if (c->access_hash)
		peers_restore(&e->peers, PEERS_CHANNEL - c->id, c->access_hash,
			      0);
	updates_set_channel(&e->updates, c->id, (int32_t)c->pts);
}

static void set_channels(struct account *a)
{
	for (size_t i = 0; i < a->nchannels; i++)
		set_channel(&a->engine, &a->channels[i]);
	free(a->channels);
	a->channels = NULL;
	a->nchannels = 0;
}

void account_place_apply(struct account *a)
{
	if (a->place.pts > 0)
		engine_set_position(&a->engine, a->place,
				    loop_now(a->fleet->loop));
	set_channels(a);
}

static void keep_channels(struct account *a, const struct wire_position *p)
{
	struct wire_channel *copy;

	if (!p->nchannels)
		return;
	copy = reallocarray(NULL, p->nchannels, sizeof(*copy));
	if (!copy) {
		log_warn(LOGEV_ACC_MSG, log_str("acc", a->account_id),
			 log_str("msg", "places in channels not taken over"));
		return;
	}
	memcpy(copy, p->channels, p->nchannels * sizeof(*copy));
	free(a->channels);
	a->channels = copy;
	a->nchannels = p->nchannels;
}

/* The new key is for the same account: its channels stay where they were. */
void account_place_keep(struct account *a)
{
	const struct updates *u = &a->engine.updates;
	struct wire_channel *all;
	struct updates_place c;

	if (!u->nchannels)
		return;
	all = reallocarray(a->channels, a->nchannels + u->nchannels,
			   sizeof(*all));
	if (!all) {
		log_warn(LOGEV_ACC_MSG, log_str("acc", a->account_id),
			 log_str("msg", "places in channels not kept"));
		return;
	}
	a->channels = all;
	for (uint32_t i = 0; updates_channel_at(u, i, &c); i++)
		all[a->nchannels++] =
			(struct wire_channel){ c.channel_id, c.access_hash,
					       c.pts };
}

/* Ours may be of a stay that ended, with another node's after it. */
static bool is_newer(const struct account *a, const struct wire_position *p)
{
	if (p->epoch != a->place_epoch)
		return p->epoch > a->place_epoch;
	return p->pts > a->place.pts;
}

static void take_limits(struct account *a, const struct wire_lease *l)
{
	struct wall now = account_limits_now(a);
	struct err_info ei = { 0 };

	for (size_t i = 0; i < l->nlimits; i++) {
		struct flood_entry e = { .until = l->limits[i].until,
					 .peer = l->limits[i].peer };

		if (e.until.us <= now.us)
			continue;
		if (!text_copy(e.method, sizeof(e.method),
			       l->limits[i].method) ||
		    !text_copy(e.error, sizeof(e.error), l->limits[i].error) ||
		    flood_put(&a->engine.flood, &e, now, &ei))
			log_warn(LOGEV_ACC_STATE, log_str("acc", a->account_id),
				 log_str("what", "a wait was not taken over"),
				 log_str("msg", ei.msg));
	}
	account_limits_keep(a);
}

void account_place_take(struct account *a, const struct wire_lease *l)
{
	const struct wire_position *p = &l->position;

	take_limits(a, l);
	/* what was told under the epoch before may have come too late */
	mark(a);
	/* what runs knows better: the grant came late */
	if (!l->has_position || a->link)
		return;
	if (is_newer(a, p) && p->pts > 0) {
		a->place =
			(struct updates_pos){ (int32_t)p->pts, (int32_t)p->qts,
					      (int32_t)p->date,
					      (int32_t)p->seq };
		a->place_epoch = p->epoch;
		fleet_note_position(a->fleet, a, a->place, p->epoch);
	}
	keep_channels(a, p);
	if (a->has_session)
		account_place_apply(a);
}

static void add_channel(struct wire_position *p, struct wire_channel *list,
			int64_t id, int64_t access_hash, int64_t pts)
{
	if (p->nchannels < WIRE_CHANNELS_MAX && pts > 0 && id > 0)
		list[p->nchannels++] =
			(struct wire_channel){ id, access_hash, pts };
}

enum err account_place_tell(struct account *a, struct arena *arena,
			    struct wire_account *w)
{
	const struct updates *u = &a->engine.updates;
	struct wire_channel *list;
	struct updates_place c;

	if (!a->place_changed || a->place.pts <= 0)
		return ERR_OK;
	w->has_position = true;
	w->position = (struct wire_position){ .epoch = a->place_epoch,
					      .pts = a->place.pts,
					      .qts = a->place.qts,
					      .date = a->place.date,
					      .seq = a->place.seq };
	if (!u->nchannels && !a->nchannels)
		return ERR_OK;
	list = arena_array(arena, WIRE_CHANNELS_MAX, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	w->position.channels = list;
	for (uint32_t i = 0; updates_channel_at(u, i, &c); i++)
		add_channel(&w->position, list, c.channel_id, c.access_hash,
			    c.pts);
	/* brought, and still waiting for the session */
	for (size_t i = 0; i < a->nchannels; i++)
		add_channel(&w->position, list, a->channels[i].id,
			    a->channels[i].access_hash, a->channels[i].pts);
	return ERR_OK;
}
