/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "sim.h"

/* Time on a connection is that of its server. */
static void set_time(struct sim *s, struct fakedc *d)
{
	d->sec = SIM_START_SEC + sim_now(s) / US_PER_SEC;
}

static void answer_self(struct sim *s, struct sim_link *l,
			const struct fakedc_query *q)
{
	struct sim_account *a = &s->accounts[l->account];
	struct fakedc *d = l->server;
	struct dyn_vec *v = dyn_vec_new(&d->arena);
	const struct dyn_val val = { .kind = DYN_VEC, .vec = v };
	struct dyn *u = fakedc_new(d, TLN_user);
	char wait[32];

	if (sim_now(s) < a->flood_until && a->told == l->node + 1 &&
	    l->id > a->flood_link)
		sim_fail(s, "%s calls while it was told to wait", a->name);
	if (a->flood) {
		int64_t sec = sim_between(s, 2, 20);

		a->flood = false;
		a->flood_link = l->id;
		a->told = 0;
		a->flood_until = sim_now(s) + sec * US_PER_SEC;
		snprintf(wait, sizeof(wait), "FLOOD_WAIT_%d", (int)sec);
		fakedc_error(d, q, 420, wait);
		return;
	}
	if (l->dc != a->home) {
		snprintf(wait, sizeof(wait), "USER_MIGRATE_%d", a->home);
		fakedc_error(d, q, 303, wait);
		return;
	}
	dyn_set_int(u, TLF_id, 1000 + l->account);
	dyn_push_obj(v, u);
	fakedc_answer(d, q, TLN_users_getUsers, &val);
	/* not for late bytes of a connection the client has given up */
	if (l->id > a->link)
		a->link = l->id;
}

static struct dyn *state_obj(struct fakedc *d, const struct sim_account *a)
{
	struct dyn *st = fakedc_new(d, TLN_updates_state);

	dyn_set_int(st, TLF_pts, 1 + a->pts);
	dyn_set_int(st, TLF_date, 100);
	dyn_set_int(st, TLF_seq, 1);
	return st;
}

static struct dyn *message_obj(struct fakedc *d, int id)
{
	struct dyn *m = fakedc_new(d, TLN_message);
	struct dyn *peer = fakedc_new(d, TLN_peerChat);

	dyn_set_int(peer, TLF_chat_id, 55);
	dyn_set_int(m, TLF_id, id);
	dyn_set_obj(m, TLF_peer_id, peer);
	dyn_set_str(m, TLF_message, "hello");
	dyn_set_int(m, TLF_date, 100);
	return m;
}

static void answer_difference(struct sim *s, struct sim_link *l,
			      const struct fakedc_query *q)
{
	struct sim_account *a = &s->accounts[l->account];
	struct fakedc *d = l->server;
	struct dyn *diff = fakedc_new(d, TLN_updates_difference);
	struct dyn_vec *v = dyn_add_vec(diff, TLF_new_messages);
	struct tl_reader r;
	int32_t pts;

	if (!s->calm && sim_chance(s, 10)) {
		fakedc_error(d, q, 500, "RPC_CALL_FAIL");
		return;
	}
	cursor_read(&r, q->body, q->len);
	(void)cursor_get_u32(&r);
	(void)cursor_get_u32(&r);
	pts = cursor_get_i32(&r);
	if (r.rc || pts < 1 || pts > a->pts + 1)
		sim_fail(s, "%s asks for the difference from %d of %d", a->name,
			 pts, a->pts + 1);
	for (int id = pts; id <= a->pts; id++)
		dyn_push_obj(v, message_obj(d, id));
	(void)dyn_add_vec(diff, TLF_new_encrypted_messages);
	(void)dyn_add_vec(diff, TLF_other_updates);
	(void)dyn_add_vec(diff, TLF_chats);
	(void)dyn_add_vec(diff, TLF_users);
	dyn_set_obj(diff, TLF_state, state_obj(d, a));
	fakedc_answer_obj(d, q, TLN_updates_getDifference, diff);
}

void sim_dc_data(struct sim *s, struct sim_link *l, const uint8_t *data,
		 size_t len)
{
	struct fakedc *d = l->server;
	struct fakedc_query q;

	set_time(s, d);
	fakedc_feed(d, data, len);
	while (fakedc_find(d, TLN_users_getUsers)) {
		q = fakedc_take(d, TLN_users_getUsers);
		answer_self(s, l, &q);
	}
	while (fakedc_find(d, TLN_updates_getState)) {
		q = fakedc_take(d, TLN_updates_getState);
		fakedc_answer_obj(d, &q, TLN_updates_getState,
				  state_obj(d, &s->accounts[l->account]));
	}
	while (fakedc_find(d, TLN_updates_getDifference)) {
		q = fakedc_take(d, TLN_updates_getDifference);
		answer_difference(s, l, &q);
	}
	if (d->n)
		sim_fail(s, "a query nobody answers: %08x",
			 (unsigned int)d->queries[0].id);
	sim_net_send(s, l);
}

void sim_dc_talk(struct sim *s, struct sim_account *a)
{
	struct sim_link *l = sim_link_get(s, a->link);
	struct dyn *u, *c;

	if (a->pts + 1 >= SIM_MESSAGES_MAX)
		return;
	a->pts++;
	/* one in five pushes is lost: the gap has to be noticed */
	if (!l || !l->at_dc || (!s->calm && sim_chance(s, 20)))
		return;
	set_time(s, l->server);
	u = fakedc_new(l->server, TLN_updateNewMessage);
	c = fakedc_new(l->server, TLN_updates);
	dyn_set_obj(u, TLF_message, message_obj(l->server, a->pts));
	dyn_set_int(u, TLF_pts, 1 + a->pts);
	dyn_set_int(u, TLF_pts_count, 1);
	dyn_push_obj(dyn_add_vec(c, TLF_updates), u);
	(void)dyn_add_vec(c, TLF_users);
	(void)dyn_add_vec(c, TLF_chats);
	dyn_set_int(c, TLF_date, 101);
	fakedc_push(l->server, c);
	sim_net_send(s, l);
}
