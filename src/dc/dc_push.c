/* SPDX-License-Identifier: MIT */
/*
 * What the world reports: written down at once, pushed to who is online.  The
 * flush at the end of the turn commits before anything leaves.
 */
#include "dc/dc_int.h"

void dc_push_update(struct dc *dc, int64_t user_id, const struct dyn *updates)
{
	struct dc_account *a = imap_get(&dc->accounts, user_id);
	struct err_info ei = { 0 };
	struct dc_sess *s;

	if (dc_faults_strike(dc, DC_FAULT_LOSE, user_id))
		return;
	for (s = a ? a->online : NULL; s; s = s->next_online) {
		struct tl_writer w;

		if (s == dc->origin || !s->conn)
			continue;
		buf_reset(&dc->answer);
		cursor_write(&w, &dc->answer);
		if (dyn_write(&w, schema_for_layer(s->key->layer), updates,
			      &ei) ||
		    dc_session_push(dc, s, buf_head(&dc->answer),
				    buf_len(&dc->answer), true)) {
			/* Cannot be told now: the difference will. */
			s->conn->closing = true;
			dc_conn_touch(dc, s->conn);
			continue;
		}
		dc->counters.updates++;
		a->updates++;
	}
}

static bool anyone_online(const struct dc *dc, int64_t user_id)
{
	const struct dc_account *a = imap_get(&dc->accounts, user_id);

	return !dc->quiet && a && a->online &&
	       (a->online != dc->origin || a->online->next_online);
}

static void push_event(struct dc *dc, const struct world_user *u,
		       const struct world_event *e)
{
	struct arena *a = &dc->push_arena;
	struct dyn *holder, *update;
	struct dc_refs refs;

	if (!anyone_online(dc, u->id))
		return;
	holder = dyn_new(a, TLN_updates);
	dc_refs_init(&refs, &dc->world, u->id, holder);
	update = dc_objects_event(a, &dc->world, u, e);
	if (e->kind == WORLD_EV_MESSAGE)
		dc_refs_msg(&refs, world_msg(u, e->value));
	else
		dc_refs_peer(&refs, e->peer);
	dc_push_update(dc, u->id,
		       dc_objects_updates(&refs, a, update, dc_now(dc)));
	dc_refs_deinit(&refs);
	arena_reset(a);
}

static void on_user(void *ctx, const struct world_user *u)
{
	struct dc *dc = ctx;

	dc_store_put_user(dc->store, u);
}

static void on_chat(void *ctx, const struct world_chat *c)
{
	struct dc *dc = ctx;

	dc_store_put_chat(dc->store, c);
}

static void on_body(void *ctx, const struct world_body *b)
{
	struct dc *dc = ctx;

	dc_store_put_body(dc->store, b);
}

static void on_message(void *ctx, const struct world_user *owner,
		       const struct world_msg *m)
{
	struct dc *dc = ctx;

	dc_store_put_message(dc->store, owner->id, m);
	push_event(dc, owner,
		   &(struct world_event){ WORLD_EV_MESSAGE, m->peer, m->id,
					  m->pts });
}

static void on_read(void *ctx, const struct world_user *owner,
		    const struct world_event *e, const struct world_dialog *d)
{
	struct dc *dc = ctx;

	dc_store_put_read(dc->store, owner->id, e, d->unread);
	push_event(dc, owner, e);
}

static void on_change(void *ctx, const struct world_user *owner,
		      const struct world_event *e)
{
	struct dc *dc = ctx;

	dc_store_put_change(dc->store, owner->id, e);
	push_event(dc, owner, e);
}

/* ---- channels */

static void push_channel(struct dc *dc, const struct world_channel *c,
			 const struct world_event *e, int64_t to)
{
	const struct world_msg *m = world_channel_msg(c, e->value);
	struct arena *a = &dc->push_arena;
	struct dyn *holder, *update;
	struct dc_refs refs;

	if (!anyone_online(dc, to))
		return;
	holder = dyn_new(a, TLN_updates);
	dc_refs_init(&refs, &dc->world, to, holder);
	update = dc_objects_channel_event(a, &dc->world, to, c, e);
	if (m)
		dc_refs_msg(&refs, m);
	else
		dc_refs_peer(&refs, c->box.peer);
	dc_push_update(dc, to,
		       dc_objects_updates(&refs, a, update, dc_now(dc)));
	dc_refs_deinit(&refs);
	arena_reset(a);
}

static void on_channel(void *ctx, const struct world_channel *c)
{
	struct dc *dc = ctx;

	dc_store_put_channel(dc->store, c);
}

/* "Look at this channel again": joined, left, promoted. */
static void on_seat(void *ctx, const struct world_channel *c,
		    const struct world_seat *seat)
{
	struct dc *dc = ctx;
	struct arena *a = &dc->push_arena;
	struct dyn *update;
	struct dc_refs refs;

	dc_store_put_seat(dc->store, c, seat);
	if (!anyone_online(dc, seat->user_id))
		return;
	dc_refs_init(&refs, &dc->world, seat->user_id, dyn_new(a, TLN_updates));
	update = dyn_new(a, TLN_updateChannel);
	dyn_set_int(update, TLF_channel_id, c->id);
	dc_refs_peer(&refs, c->box.peer);
	dc_push_update(dc, seat->user_id,
		       dc_objects_updates(&refs, a, update, dc_now(dc)));
	dc_refs_deinit(&refs);
	arena_reset(a);
}

static void on_channel_event(void *ctx, const struct world_channel *c,
			     const struct world_event *e)
{
	struct dc *dc = ctx;
	const struct world_seat *s;
	uint32_t cursor = 0;

	dc_store_put_post(dc->store, c, e);
	while ((s = imap_next(&c->seats, &cursor))) {
		if (s->in)
			push_channel(dc, c, e, s->user_id);
	}
}

static void on_file(void *ctx, const struct world_file *f)
{
	struct dc *dc = ctx;

	dc_store_put_file(dc->store, f);
}

static void on_invite(void *ctx, const struct world_invite *i)
{
	struct dc *dc = ctx;

	dc_store_put_invite(dc->store, i);
}

static void on_topic(void *ctx, const struct world_channel *c,
		     const struct world_topic *t)
{
	struct dc *dc = ctx;

	dc_store_put_topic(dc->store, c, t);
}

const struct world_observer dc_push_observer = {
	.on_invite = on_invite,
	.on_topic = on_topic,
	.on_change = on_change,
	.on_channel = on_channel,
	.on_seat = on_seat,
	.on_channel_event = on_channel_event,
	.on_file = on_file,
	.on_user = on_user,
	.on_chat = on_chat,
	.on_body = on_body,
	.on_message = on_message,
	.on_read = on_read,
};
