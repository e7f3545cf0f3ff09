/* SPDX-License-Identifier: MIT */
/*
 * The API of a data centre: who is who and where, waits, sending.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct method {
	uint16_t name; /* TLN_* */
	enum sim_call call;
	enum sim_hit hit;
	void (*run)(struct sim *s, struct sim_account *a,
		    const struct sim_query *q);
};

static void run_self(struct sim *s, struct sim_account *a,
		     const struct sim_query *q)
{
	struct dyn_vec *v = dyn_vec_new(&s->reply.arena);
	const struct dyn_val val = { .kind = DYN_VEC, .vec = v };
	struct dyn *u = dyn_new(&s->reply.arena, TLN_user);

	dyn_set_int(u, TLF_id, 1000 + sim_number(s, a));
	dyn_push_obj(v, u);
	sim_server_result(s, q, TLN_users_getUsers, &val);
	/* not for late bytes of a connection the client has given up */
	if (q->link->id > a->link)
		a->link = q->link->id;
}

static void run_state(struct sim *s, struct sim_account *a,
		      const struct sim_query *q)
{
	sim_server_result_obj(s, q, TLN_updates_getState, sim_box_state(s, a));
}

static struct sim_send *send_of(struct sim *s, const char *text)
{
	int n = text[0] == 's' ? atoi(text + 1) : -1;

	if (n < 0 || n >= s->nsends)
		sim_fail(s, "a message nobody ordered: %.20s", text);
	return &s->sends[n];
}

/* What a client ordered before under this random_id, by this account. */
static struct sim_send *sent_before(struct sim *s, int account,
				    int64_t random_id)
{
	for (int i = 0; i < s->nsends; i++) {
		struct sim_send *m = &s->sends[i];

		if (m->stored && m->account == account &&
		    m->random_id == random_id)
			return m;
	}
	return NULL;
}

static struct dyn *id_update(struct sim *s, int id, int64_t random_id)
{
	struct dyn *u = dyn_new(&s->reply.arena, TLN_updateMessageID);

	dyn_set_int(u, TLF_id, id);
	dyn_set_int(u, TLF_random_id, random_id);
	return u;
}

static void tell_sent(struct sim *s, struct sim_account *a,
		      const struct sim_query *q, const struct sim_send *m)
{
	int box = m->peer < -SIM_CHANNEL_BASE ? BOX_CHANNEL : BOX_COMMON;
	struct dyn *c = dyn_new(&s->reply.arena, TLN_updates);
	struct dyn *u = dyn_new(&s->reply.arena,
				box == BOX_CHANNEL ? TLN_updateNewChannelMessage
						   : TLN_updateNewMessage);
	struct dyn_vec *v = dyn_add_vec(c, TLF_updates);

	dyn_push_obj(v, id_update(s, m->id, m->random_id));
	dyn_set_obj(u, TLF_message, sim_box_message(s, a, box, m->id));
	dyn_set_int(u, TLF_pts, box == BOX_CHANNEL ? m->id : 1 + m->id);
	dyn_set_int(u, TLF_pts_count, 1);
	dyn_push_obj(v, u);
	(void)dyn_add_vec(c, TLF_users);
	sim_box_chats(s, a, c);
	dyn_set_int(c, TLF_date, 101);
	sim_server_result_obj(s, q, TLN_messages_sendMessage, c);
}

static void store(struct sim *s, struct sim_account *a,
		  const struct sim_query *q, struct sim_send *m)
{
	int box = m->peer < -SIM_CHANNEL_BASE ? BOX_CHANNEL : BOX_COMMON;

	if (++m->stored > 1)
		sim_fail(s, "%s sent message %d twice", a->name,
			 (int)(m - s->sends));
	m->id = sim_box_add(s, a, box, MARK_OWN);
	sim_hit(s, HIT_SENT);
	tell_sent(s, a, q, m);
}

static void run_send(struct sim *s, struct sim_account *a,
		     const struct sim_query *q)
{
	struct sim_send *m, *before;
	struct tl_reader r;
	struct dyn *f;
	int64_t random_id;

	cursor_read(&r, q->body, q->len);
	if (dyn_read(&r, &schema_api_223, &s->reply.arena, &f, NULL))
		sim_fail(s, "%s sends what nobody can read", a->name);
	random_id = dyn_int(f, TLF_random_id, 0);
	m = send_of(s, dyn_str(f, TLF_message));
	if (m->account != sim_number(s, a))
		sim_fail(s, "%s sends what a%d was to", a->name, m->account);
	before = sent_before(s, m->account, random_id);
	if (before && before != m)
		sim_fail(s, "%s sends two messages under one id", a->name);
	if (!before) {
		if (random_id != m->random_id && m->stored)
			sim_fail(s, "%s sent message %d twice", a->name,
				 (int)(m - s->sends));
		store(s, a, q, m);
		return;
	}
	sim_hit(s, HIT_SENT_AGAIN);
	if (sim_chance(s, 30))
		sim_server_error(s, q, 400, "RANDOM_ID_DUPLICATE");
	else
		tell_sent(s, a, q, m);
}

static const struct method methods[] = {
	{ TLN_users_getUsers, CALL_SELF, HIT_FLOOD_SELF, run_self },
	{ TLN_updates_getState, CALL_STATE, HIT_FLOOD_STATE, run_state },
	{ TLN_updates_getDifference, CALL_DIFF, HIT_FLOOD_DIFF,
	  sim_box_difference },
	{ TLN_updates_getChannelDifference, CALL_CHANNEL, HIT_FLOOD_CHANNEL,
	  sim_box_channel_difference },
	{ TLN_messages_sendMessage, CALL_SEND, HIT_FLOOD_SEND, run_send },
};

static const struct method *method_of(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const struct schema_ctor *c =
			schema_by_name(&schema_api_223, methods[i].name);

		if (c && c->id == id)
			return &methods[i];
	}
	return NULL;
}

/* True: the account is told to wait.  `call` may be of the method as a whole, or
 * of the method with one peer. */
static bool flooded(struct sim *s, struct sim_account *a,
		    const struct sim_query *q, enum sim_call call,
		    enum sim_hit hit)
{
	struct sim_wait *w = &a->waits[call];
	int64_t sec = sim_between(s, 2, 20);
	char text[32];

	if (w->told == q->link->node + 1 && q->born > w->heard &&
	    q->born < w->until)
		sim_fail(s, "%s calls %08x, %.3f s before its time", a->name,
			 (unsigned int)q->id,
			 (double)(w->until - q->born) / US_PER_SEC);
	if (!w->due)
		return false;
	w->due = false;
	w->told = 0;
	w->until = sim_now(s) + sec * US_PER_SEC;
	s->reply.note.tells |= 1U << call;
	snprintf(text, sizeof(text), "%s_WAIT_%d",
		 call == CALL_SLOW ? "SLOWMODE" : "FLOOD", (int)sec);
	sim_hit(s, hit);
	sim_server_error(s, q, 420, text);
	return true;
}

static bool to_channel(struct sim *s, const struct sim_query *q)
{
	struct tl_reader r;
	struct dyn *f;

	cursor_read(&r, q->body, q->len);
	return !dyn_read(&r, &schema_api_223, &s->reply.arena, &f, NULL) &&
	       dyn_is(dyn_obj(f, TLF_peer), TLN_inputPeerChannel);
}

static void die(struct sim *s, struct sim_account *a, const struct sim_query *q)
{
	sim_hit(s, a->dead->hit);
	if (a->dead->code == ENGINE_KEY_UNKNOWN_CODE)
		sim_server_refuse(s, q->link, a->dead->code);
	else
		sim_server_error(s, q, a->dead->code, a->dead->error);
}

static bool troubled(struct sim *s, const struct sim_query *q,
		     enum sim_call call)
{
	if (s->calm || !sim_chance(s, call == CALL_DIFF ? 10 : 1))
		return false;
	sim_hit(s, HIT_RPC_ERROR);
	sim_server_error(s, q, 500, "RPC_CALL_FAIL");
	return true;
}

bool sim_dc_query(struct sim *s, const struct sim_query *q)
{
	struct sim_account *a = &s->accounts[q->link->account];
	const struct method *m = method_of(q->id);
	char text[32];

	sim_say(s, a, "query %08x on link %llu at dc %d", (unsigned int)q->id,
		(unsigned long long)q->link->id, q->link->dc);
	if (!m)
		sim_fail(s, "a query nobody answers: %08x",
			 (unsigned int)q->id);
	if (!s->calm && sim_chance(s, 1)) {
		sim_hit(s, HIT_SWALLOWED);
		return false;
	}
	if (a->dead) {
		die(s, a, q);
	} else if (flooded(s, a, q, m->call, m->hit) ||
		   (m->call == CALL_SEND && to_channel(s, q) &&
		    flooded(s, a, q, CALL_SLOW, HIT_SLOWMODE))) {
		/* told to wait */
	} else if (q->link->dc != a->home) {
		sim_hit(s, HIT_MIGRATE);
		snprintf(text, sizeof(text), "USER_MIGRATE_%d", a->home);
		sim_server_error(s, q, 303, text);
	} else if (!troubled(s, q, m->call)) {
		m->run(s, a, q);
	}
	return true;
}
