/* SPDX-License-Identifier: MIT */
#include "tg/updates.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

struct updates_channel {
	int64_t id;
	struct mono gap, retry;
	int32_t pts; /* 0 = not known yet */
	bool running, wanted;
};

struct updates_held {
	struct updates_held *next;
	struct updates_item it;
	uint8_t data[];
};

void updates_init(struct updates *u, const struct peers *peers)
{
	*u = (struct updates){ .peers = peers,
			       .gap = MONO_NEVER,
			       .channel_gap = MONO_NEVER,
			       .silence = MONO_NEVER };
}

static void drop_held(struct updates *u)
{
	while (u->held) {
		struct updates_held *h = u->held;

		u->held = h->next;
		free(h);
	}
	u->nheld = 0;
	u->held_bytes = 0;
}

void updates_deinit(struct updates *u)
{
	drop_held(u);
	free(u->taken);
	free(u->channels);
	updates_init(u, u->peers);
}

void updates_set(struct updates *u, struct updates_pos pos, bool complete,
		 struct mono now)
{
	u->pos = pos;
	u->known = true;
	u->wanted = !complete;
	u->silence = mono_add(now, UPDATES_SILENCE_US);
}

void updates_disconnected(struct updates *u)
{
	drop_held(u);
	u->running = false;
	u->wanted = u->known;
	u->retry = (struct mono){ 0 };
	u->gap = MONO_NEVER;
	u->channel_gap = MONO_NEVER;
	u->silence = MONO_NEVER;
	for (uint32_t i = 0; i < u->nchannels; i++) {
		struct updates_channel *c = &u->channels[i];

		c->wanted = c->wanted || c->running;
		u->channels_wanted = u->channels_wanted || c->wanted;
		c->running = false;
		c->gap = MONO_NEVER;
	}
}

static struct updates_channel *find(const struct updates *u, int64_t id)
{
	for (uint32_t i = 0; i < u->nchannels; i++)
		if (u->channels[i].id == id)
			return &u->channels[i];
	return NULL;
}

static struct updates_channel *find_or_add(struct updates *u, int64_t id)
{
	struct updates_channel *c = find(u, id);

	if (c || u->nchannels >= UPDATES_CHANNELS_MAX)
		return c;
	/* capacity is the next power of two: grown when the count is one */
	if (!(u->nchannels & (u->nchannels - 1))) {
		size_t cap = u->nchannels ? u->nchannels * 2 : 1;

		c = reallocarray(u->channels, cap, sizeof(*c));
		if (!c)
			return NULL;
		u->channels = c;
	}
	c = &u->channels[u->nchannels++];
	*c = (struct updates_channel){ .id = id, .gap = MONO_NEVER };
	return c;
}

/* The local counter of an item's box; false: it has none yet. */
static bool local_value(const struct updates *u, const struct updates_item *it,
			int32_t *ret)
{
	const struct updates_channel *c;

	switch (it->box) {
	case UPDATES_COMMON:
		*ret = u->pos.pts;
		return u->known;
	case UPDATES_QTS:
		*ret = u->pos.qts;
		return u->known;
	case UPDATES_SEQ:
		*ret = u->pos.seq;
		return u->known;
	case UPDATES_CHANNEL:
		c = find(u, it->channel_id);
		*ret = c ? c->pts : 0;
		return c && c->pts;
	}
	return false;
}

static bool difference_running(const struct updates *u,
			       const struct updates_item *it)
{
	const struct updates_channel *c;

	if (it->box != UPDATES_CHANNEL)
		return u->running;
	c = find(u, it->channel_id);
	return c && c->running;
}

static enum updates_verdict judge(const struct updates *u,
				  const struct updates_item *it)
{
	int32_t local;
	int64_t after;

	/* before the position is known there is nothing to go on from, and
	 * nobody could be told where a channel is */
	if (!u->known)
		return UPDATES_HELD;
	/* a channel's first update begins it */
	if (!local_value(u, it, &local))
		return UPDATES_APPLY;
	after = (int64_t)local + it->count;
	if (after > it->value)
		return UPDATES_OLD;
	/* while the difference is under way, its answer decides */
	if (difference_running(u, it))
		return UPDATES_HELD;
	return after == it->value ? UPDATES_APPLY : UPDATES_HELD;
}

static void want_for(struct updates *u, const struct updates_item *it)
{
	if (it->box == UPDATES_CHANNEL)
		updates_want_channel(u, it->channel_id, 0);
	else
		updates_want(u);
}

static bool hold(struct updates *u, const struct updates_item *it)
{
	struct updates_held *h, **at = &u->held;

	if (u->nheld >= UPDATES_HELD_MAX ||
	    it->len > UPDATES_HELD_BYTES_MAX - u->held_bytes)
		return false;
	h = malloc(sizeof(*h) + it->len);
	if (!h)
		return false;
	h->it = *it;
	h->it.data = h->data;
	if (it->len)
		memcpy(h->data, it->data, it->len);
	while (*at)
		at = &(*at)->next;
	h->next = NULL;
	*at = h;
	u->nheld++;
	u->held_bytes += it->len;
	return true;
}

static void start_gap(struct updates *u, const struct updates_item *it,
		      struct mono now)
{
	struct mono until = mono_add(now, UPDATES_GAP_US);
	struct updates_channel *c;

	if (it->box != UPDATES_CHANNEL) {
		u->gap = mono_min(u->gap, until);
		return;
	}
	c = find(u, it->channel_id);
	BUG_ON(!c && u->known); /* an unknown channel has no gap */
	if (!c)
		return;
	c->gap = mono_min(c->gap, until);
	u->channel_gap = mono_min(u->channel_gap, c->gap);
}

enum updates_verdict
updates_offer(struct updates *u, const struct updates_item *it, struct mono now)
{
	enum updates_verdict v;

	if (it->count < 0 || it->value < 0) {
		want_for(u, it); /* no such update: trust the server's answer */
		return UPDATES_OLD;
	}
	v = judge(u, it);
	u->silence = mono_add(now, UPDATES_SILENCE_US);
	if (v != UPDATES_HELD)
		return v;
	if (!it->data) {
		want_for(u, it);
		return v;
	}
	if (!hold(u, it)) {
		drop_held(u);
		want_for(u, it);
		updates_want(u);
		return UPDATES_HELD;
	}
	if (!difference_running(u, it))
		start_gap(u, it, now);
	return UPDATES_HELD;
}

static bool holds_box(const struct updates *u, const struct updates_item *it)
{
	for (const struct updates_held *h = u->held; h; h = h->next) {
		if (it->box != UPDATES_CHANNEL && h->it.box != UPDATES_CHANNEL)
			return true;
		if (h->it.box == it->box && h->it.channel_id == it->channel_id)
			return true;
	}
	return false;
}

static void accept_channel(struct updates *u, const struct updates_item *it)
{
	struct updates_channel *c = find_or_add(u, it->channel_id);

	if (!c)
		return;
	c->pts = it->value;
	if (!holds_box(u, it))
		c->gap = MONO_NEVER;
}

void updates_accept(struct updates *u, const struct updates_item *it,
		    struct mono now)
{
	switch (it->box) {
	case UPDATES_COMMON:
		u->pos.pts = it->value;
		break;
	case UPDATES_QTS:
		u->pos.qts = it->value;
		break;
	case UPDATES_SEQ:
		u->pos.seq = it->value;
		if (it->date > u->pos.date)
			u->pos.date = it->date;
		break;
	case UPDATES_CHANNEL:
		accept_channel(u, it);
		return;
	}
	if (!holds_box(u, it))
		u->gap = MONO_NEVER;
	u->silence = mono_add(now, UPDATES_SILENCE_US);
}

const struct updates_item *updates_ready(struct updates *u)
{
	struct updates_held **at = &u->held;

	free(u->taken);
	u->taken = NULL;
	while (*at) {
		struct updates_held *h = *at;
		enum updates_verdict v = judge(u, &h->it);

		if (v == UPDATES_HELD) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		u->nheld--;
		u->held_bytes -= h->it.len;
		if (v == UPDATES_APPLY) {
			u->taken = h;
			return &h->it;
		}
		free(h);
	}
	if (!u->nheld)
		u->gap = MONO_NEVER;
	return NULL;
}

void updates_want(struct updates *u)
{
	u->wanted = true;
}

void updates_want_channel(struct updates *u, int64_t channel_id, int32_t pts)
{
	struct updates_channel *c = find_or_add(u, channel_id);

	if (!c)
		return;
	if (!c->pts)
		c->pts = pts;
	c->wanted = true;
	u->channels_wanted = true;
}

void updates_set_channel(struct updates *u, int64_t channel_id, int32_t pts)
{
	struct updates_channel *c = find_or_add(u, channel_id);

	if (!c)
		return;
	if (pts > c->pts)
		c->pts = pts;
	c->wanted = true;
	u->channels_wanted = true;
}

void updates_begin_channel(struct updates *u, int64_t channel_id, int32_t pts)
{
	struct updates_channel *c = find_or_add(u, channel_id);

	if (c && !c->pts && pts > 0)
		c->pts = pts;
}

void updates_look_again(struct updates *u)
{
	u->channels_wanted = u->channels_wanted || u->nchannels;
}

static int64_t hash_of(const struct updates *u, const struct updates_channel *c)
{
	return peers_hash(u->peers, PEERS_CHANNEL - c->id);
}

bool updates_channel_at(const struct updates *u, uint32_t i,
			struct updates_place *ret)
{
	if (i >= u->nchannels)
		return false;
	*ret = (struct updates_place){ u->channels[i].id,
				       hash_of(u, &u->channels[i]),
				       u->channels[i].pts };
	return true;
}

int32_t updates_channel_pts(const struct updates *u, int64_t channel_id)
{
	const struct updates_channel *c = find(u, channel_id);

	return c ? c->pts : 0;
}

static bool channel_due(const struct updates *u, struct updates_channel *c,
			struct mono now)
{
	if (!mono_before(now, c->gap)) {
		c->gap = MONO_NEVER;
		c->wanted = true;
	}
	/* without hash or position it cannot be asked; the next update tells */
	return c->wanted && !c->running && c->pts &&
	       !mono_before(now, c->retry) && hash_of(u, c);
}

static bool poll_channels(struct updates *u, struct mono now,
			  struct updates_ask *ret)
{
	struct mono next = MONO_NEVER;

	if (!u->channels_wanted && mono_before(now, u->channel_gap))
		return false;
	for (uint32_t i = 0; i < u->nchannels; i++) {
		struct updates_channel *c = &u->channels[i];

		if (channel_due(u, c, now)) {
			c->wanted = false;
			c->running = true;
			*ret = (struct updates_ask){
				.channel = true,
				.channel_id = c->id,
				.access_hash = hash_of(u, c),
				.pos = { .pts = c->pts },
			};
			return true;
		}
		next = mono_min(next, c->gap);
		if (c->wanted && mono_before(now, c->retry))
			next = mono_min(next, c->retry);
	}
	u->channels_wanted = false;
	u->channel_gap = next;
	return false;
}

bool updates_poll(struct updates *u, struct mono now, struct updates_ask *ret)
{
	if (!u->known)
		return false;
	if (!mono_before(now, u->gap) || !mono_before(now, u->silence)) {
		u->gap = MONO_NEVER;
		u->silence = mono_add(now, UPDATES_SILENCE_US);
		u->wanted = true;
	}
	if (u->wanted && !u->running && !mono_before(now, u->retry)) {
		u->wanted = false;
		u->running = true;
		*ret = (struct updates_ask){ .pos = u->pos };
		return true;
	}
	return poll_channels(u, now, ret);
}

void updates_diff_done(struct updates *u, struct updates_pos pos, bool final,
		       struct mono now)
{
	u->pos = pos;
	u->running = false;
	u->wanted = u->wanted || !final;
	u->silence = mono_add(now, UPDATES_SILENCE_US);
	/* what was held meanwhile and still does not fit is a new gap */
	u->gap = u->nheld && final ? mono_add(now, UPDATES_GAP_US) : MONO_NEVER;
}

void updates_diff_failed(struct updates *u, struct mono now)
{
	u->running = false;
	u->wanted = true;
	u->retry = mono_add(now, UPDATES_RETRY_US);
}

void updates_channel_done(struct updates *u, int64_t channel_id, int32_t pts,
			  bool final)
{
	struct updates_channel *c = find(u, channel_id);

	if (!c)
		return;
	c->pts = pts;
	c->running = false;
	c->wanted = c->wanted || !final;
	u->channels_wanted = true;
}

void updates_channel_failed(struct updates *u, int64_t channel_id, bool gone,
			    struct mono now)
{
	struct updates_channel *c = find(u, channel_id);

	if (!c)
		return;
	if (gone) {
		*c = u->channels[u->nchannels - 1];
		/* leave the slot unused: the array grows at powers of two */
		u->nchannels--;
		if (!u->nchannels) {
			free(u->channels);
			u->channels = NULL;
		}
		return;
	}
	c->running = false;
	c->wanted = true;
	c->retry = mono_add(now, UPDATES_RETRY_US);
	u->channel_gap = mono_min(u->channel_gap, c->retry);
}

struct mono updates_deadline(const struct updates *u)
{
	struct mono t = mono_min(u->silence, u->channel_gap);

	if (!u->known)
		return MONO_NEVER;
	if (u->channels_wanted)
		return (struct mono){ 0 };
	if (u->wanted && !u->running)
		return mono_min(t, u->retry);
	return mono_min(t, u->gap);
}
