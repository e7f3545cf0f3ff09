/* SPDX-License-Identifier: MIT */
/*
 * An account's updates at its data centre: the common box and one channel's.
 * A message's id is the pts it came with.
 */
#include <stdio.h>

#include "sim.h"

#define PUSH_MANY 20 /* messages at once: the difference will be a long one */

static int64_t channel_of(struct sim *s, const struct sim_account *a)
{
	return 5000 + sim_number(s, a);
}

static struct dyn *new_obj(struct sim *s, uint16_t name)
{
	return dyn_new(&s->reply.arena, name);
}

struct dyn *sim_box_state(struct sim *s, struct sim_account *a)
{
	struct dyn *st = new_obj(s, TLN_updates_state);

	dyn_set_int(st, TLF_pts, 1 + a->boxes[BOX_COMMON].pts);
	dyn_set_int(st, TLF_date, 100);
	dyn_set_int(st, TLF_seq, 1);
	return st;
}

struct dyn *sim_box_message(struct sim *s, struct sim_account *a, int box,
			    int id)
{
	struct dyn *m = new_obj(s, TLN_message);
	struct dyn *peer;

	if (box == BOX_CHANNEL) {
		peer = new_obj(s, TLN_peerChannel);
		dyn_set_int(peer, TLF_channel_id, channel_of(s, a));
	} else {
		peer = new_obj(s, TLN_peerChat);
		dyn_set_int(peer, TLF_chat_id, SIM_CHAT);
	}
	if (a->boxes[box].mark[id] & MARK_OWN)
		dyn_set_bool(m, TLF_out, true);
	dyn_set_int(m, TLF_id, id);
	dyn_set_obj(m, TLF_peer_id, peer);
	dyn_set_str(m, TLF_message, "hello");
	dyn_set_int(m, TLF_date, 100);
	return m;
}

void sim_box_chats(struct sim *s, struct sim_account *a, struct dyn *in)
{
	struct dyn_vec *v = dyn_add_vec(in, TLF_chats);
	struct dyn *c = new_obj(s, TLN_channel);

	dyn_set_int(c, TLF_id, channel_of(s, a));
	dyn_set_int(c, TLF_access_hash, 77 + channel_of(s, a));
	dyn_set_str(c, TLF_title, "all");
	dyn_push_obj(v, c);
}

int sim_box_add(struct sim *s, struct sim_account *a, int box, uint8_t mark)
{
	struct sim_box *b = &a->boxes[box];

	if (b->pts + 1 >= SIM_MESSAGES_MAX)
		return 0;
	b->mark[++b->pts] = mark;
	return b->pts;
}

static void write_to(struct sim *s, struct sim_account *a, int box)
{
	int id = sim_box_add(s, a, box, 0);

	if (!id)
		return;
	/* one in five pushes is lost: the gap has to be noticed */
	if (!s->calm && sim_chance(s, 20)) {
		sim_hit(s, HIT_PUSH_LOST);
		return;
	}
	sim_plan(s, s->calm ? 0 : sim_between(s, 0, 300) * US_PER_MS, SIM_PUSH,
		 (uint64_t)sim_number(s, a), (uint64_t)box << 32 | (uint64_t)id,
		 NULL, 0);
}

void sim_box_talk(struct sim *s, struct sim_account *a)
{
	int box = sim_chance(s, 40) ? BOX_CHANNEL : BOX_COMMON;

	if (s->calm) {
		write_to(s, a, BOX_COMMON);
		write_to(s, a, BOX_CHANNEL);
		return;
	}
	if (!sim_chance(s, 2)) {
		write_to(s, a, box);
		return;
	}
	for (int i = 0; i < PUSH_MANY; i++)
		(void)sim_box_add(s, a, box, 0);
}

static struct dyn *new_message(struct sim *s, struct sim_account *a, int box,
			       int id)
{
	struct dyn *u =
		new_obj(s, box == BOX_CHANNEL ? TLN_updateNewChannelMessage
					      : TLN_updateNewMessage);

	dyn_set_obj(u, TLF_message, sim_box_message(s, a, box, id));
	dyn_set_int(u, TLF_pts, box == BOX_CHANNEL ? id : 1 + id);
	dyn_set_int(u, TLF_pts_count, 1);
	return u;
}

static struct dyn *short_message(struct sim *s, int id)
{
	struct dyn *u = new_obj(s, TLN_updateShortChatMessage);

	dyn_set_int(u, TLF_id, id);
	dyn_set_int(u, TLF_from_id, 9);
	dyn_set_int(u, TLF_chat_id, SIM_CHAT);
	dyn_set_str(u, TLF_message, "hello");
	dyn_set_int(u, TLF_pts, 1 + id);
	dyn_set_int(u, TLF_pts_count, 1);
	dyn_set_int(u, TLF_date, 100);
	return u;
}

static struct dyn *too_long_channel(struct sim *s, struct sim_account *a,
				    bool say_pts)
{
	struct dyn *u = new_obj(s, TLN_updateChannelTooLong);

	dyn_set_int(u, TLF_channel_id, channel_of(s, a));
	if (say_pts)
		dyn_set_int(u, TLF_pts, a->boxes[BOX_CHANNEL].pts);
	return u;
}

static struct dyn *container_with(struct sim *s, struct sim_account *a,
				  struct dyn *update)
{
	struct dyn *c = new_obj(s, TLN_updates);

	dyn_push_obj(dyn_add_vec(c, TLF_updates), update);
	(void)dyn_add_vec(c, TLF_users);
	sim_box_chats(s, a, c);
	dyn_set_int(c, TLF_date, 101);
	return c;
}

/* A data centre may say that there is something, and not what. */
static bool push_too_long(struct sim *s, struct sim_account *a, int box)
{
	if (s->calm || !sim_chance(s, 4))
		return false;
	if (box == BOX_CHANNEL) {
		sim_hit(s, HIT_CHANNEL_TOO_LONG);
		sim_server_push(
			s, container_with(s, a, too_long_channel(s, a, true)));
	} else {
		sim_hit(s, HIT_UPDATES_TOO_LONG);
		sim_server_push(s, new_obj(s, TLN_updatesTooLong));
	}
	return true;
}

void sim_box_push(struct sim *s, const struct sim_event *ev)
{
	struct sim_account *a = &s->accounts[ev->a];
	int box = (int)(ev->b >> 32), id = (int)(ev->b & UINT32_MAX);
	struct sim_link *l = sim_link_get(s, a->link);

	if (id < a->boxes[box].pushed)
		sim_hit(s, HIT_PUSH_LATE);
	else
		a->boxes[box].pushed = id;
	if (!l || a->dead || !sim_server_begin(s, l))
		return;
	if (push_too_long(s, a, box)) {
		/* that was all */
	} else if (box == BOX_COMMON && sim_chance(s, 20)) {
		sim_server_push(s, short_message(s, id));
	} else {
		sim_server_push(
			s, container_with(s, a, new_message(s, a, box, id)));
	}
	sim_server_flush(s);
}

/* From where a client asks; *ret_to: up to where it is told, *ret_skip: from
 * where on, as the difference is too long. */
struct span {
	int from, to;
	bool slice, too_long;
};

static struct span span_of(struct sim *s, const struct sim_box *b, int from)
{
	struct span p = { .from = from, .to = b->pts };

	if (p.to - from > 15 && sim_chance(s, 30))
		p.too_long = true;
	else if (p.to - from > 5 && sim_chance(s, 50))
		p.slice = true;
	if (p.too_long)
		p.to -= 3;
	if (p.slice)
		p.to = from + 5;
	return p;
}

static int32_t asked_pts(struct sim *s, const struct sim_account *a,
			 const struct sim_query *q, int box)
{
	const struct dyn *f;
	struct tl_reader r;
	struct dyn *read;
	int32_t pts;

	cursor_read(&r, q->body, q->len);
	if (dyn_read(&r, &schema_api_223, &s->reply.arena, &read, NULL))
		sim_fail(s, "%s asks for a difference nobody can read",
			 a->name);
	f = read;
	pts = (int32_t)dyn_int(f, TLF_pts, 0) - (box == BOX_COMMON);
	if (pts < 0 || pts > a->boxes[box].pts)
		sim_fail(s, "%s asks for the difference from %d of %d", a->name,
			 pts, a->boxes[box].pts);
	return pts;
}

static void skip(struct sim_box *b, const struct span *p)
{
	for (int id = p->from + 1; id <= p->to; id++)
		b->mark[id] |= MARK_SKIPPED;
}

static void put_messages(struct sim *s, struct sim_account *a, int box,
			 struct dyn *in, const struct span *p)
{
	struct dyn_vec *v = dyn_add_vec(in, TLF_new_messages);

	for (int id = p->from + 1; id <= p->to; id++)
		dyn_push_obj(v, sim_box_message(s, a, box, id));
}

void sim_box_difference(struct sim *s, struct sim_account *a,
			const struct sim_query *q)
{
	int from = asked_pts(s, a, q, BOX_COMMON);
	struct span p = span_of(s, &a->boxes[BOX_COMMON], from);
	struct dyn_vec *others;
	struct dyn *d, *state;

	if (p.too_long) {
		sim_hit(s, HIT_DIFF_TOO_LONG);
		skip(&a->boxes[BOX_COMMON], &p);
		d = new_obj(s, TLN_updates_differenceTooLong);
		dyn_set_int(d, TLF_pts, 1 + p.to);
		sim_server_result_obj(s, q, TLN_updates_getDifference, d);
		return;
	}
	d = new_obj(s, p.slice ? TLN_updates_differenceSlice
			       : TLN_updates_difference);
	put_messages(s, a, BOX_COMMON, d, &p);
	(void)dyn_add_vec(d, TLF_new_encrypted_messages);
	others = dyn_add_vec(d, TLF_other_updates);
	if (a->boxes[BOX_CHANNEL].pts)
		dyn_push_obj(others, too_long_channel(s, a, false));
	sim_box_chats(s, a, d);
	(void)dyn_add_vec(d, TLF_users);
	state = sim_box_state(s, a);
	if (p.slice) {
		sim_hit(s, HIT_DIFF_SLICE);
		dyn_set_int(state, TLF_pts, 1 + p.to);
	}
	dyn_set_obj(d, p.slice ? TLF_intermediate_state : TLF_state, state);
	sim_server_result_obj(s, q, TLN_updates_getDifference, d);
}

static struct dyn *channel_too_long(struct sim *s, struct sim_account *a,
				    struct span *p)
{
	struct dyn *d = new_obj(s, TLN_updates_channelDifferenceTooLong);
	struct dyn *dialog = new_obj(s, TLN_dialog);
	struct dyn *peer = new_obj(s, TLN_peerChannel);
	struct dyn_vec *v = dyn_add_vec(d, TLF_messages);

	sim_hit(s, HIT_CHANNEL_DIFF_TOO_LONG);
	skip(&a->boxes[BOX_CHANNEL], p);
	dyn_set_bool(d, TLF_final, true);
	dyn_set_int(peer, TLF_channel_id, channel_of(s, a));
	dyn_set_obj(dialog, TLF_peer, peer);
	dyn_set_int(dialog, TLF_pts, a->boxes[BOX_CHANNEL].pts);
	dyn_set_obj(d, TLF_dialog, dialog);
	for (int id = p->to + 1; id <= a->boxes[BOX_CHANNEL].pts; id++)
		dyn_push_obj(v, sim_box_message(s, a, BOX_CHANNEL, id));
	return d;
}

void sim_box_channel_difference(struct sim *s, struct sim_account *a,
				const struct sim_query *q)
{
	int from = asked_pts(s, a, q, BOX_CHANNEL);
	struct span p = span_of(s, &a->boxes[BOX_CHANNEL], from);
	struct dyn *d;

	if (p.too_long) {
		d = channel_too_long(s, a, &p);
	} else if (p.from == p.to) {
		d = new_obj(s, TLN_updates_channelDifferenceEmpty);
		dyn_set_bool(d, TLF_final, true);
		dyn_set_int(d, TLF_pts, p.to);
	} else {
		d = new_obj(s, TLN_updates_channelDifference);
		dyn_set_bool(d, TLF_final, !p.slice);
		dyn_set_int(d, TLF_pts, p.to);
		put_messages(s, a, BOX_CHANNEL, d, &p);
		(void)dyn_add_vec(d, TLF_other_updates);
	}
	if (p.slice)
		sim_hit(s, HIT_CHANNEL_SLICE);
	if (p.from != p.to || p.too_long) {
		sim_box_chats(s, a, d);
		(void)dyn_add_vec(d, TLF_users);
	}
	sim_server_result_obj(s, q, TLN_updates_getChannelDifference, d);
}
