/* SPDX-License-Identifier: MIT */
#include "dc/dc_int.h"

void dc_view_open(struct dc_call *call, int64_t peer, struct dc_view *ret)
{
	const struct world_channel *c =
		world_channel_of(&call->dc->world, peer);

	*ret = (struct dc_view){
		.user = call->user,
		.channel = c,
		.box = c ? &c->box : world_dialog(call->user, peer),
	};
}

bool dc_view_msg(const struct dc_view *v, int32_t id, struct world_msg *ret)
{
	const struct world_msg *m = v->channel
					    ? world_channel_msg(v->channel, id)
					    : world_msg(v->user, id);

	if (!m)
		return false;
	*ret = *m;
	if (v->channel)
		ret->out = m->body->from == v->user->id;
	return true;
}

struct world_msg *dc_view_by_random(struct dc_call *call, int64_t peer,
				    int64_t random_id)
{
	struct dc_view v;

	dc_view_open(call, peer, &v);
	if (v.channel)
		random_id ^= call->user->id;
	return v.box ? imap_get(&v.box->by_random, random_id) : NULL;
}

static void push_message_id(struct dyn_vec *v, const struct world_msg *m)
{
	struct dyn *d = dyn_new(v->arena, TLN_updateMessageID);

	dyn_set_int(d, TLF_id, m->id);
	dyn_set_int(d, TLF_random_id, m->random_id);
	dyn_push_obj(v, d);
}

struct dyn *dc_view_sent(struct dc_call *call, struct world_msg *const *msgs,
			 uint32_t n)
{
	struct dyn *holder = dyn_new(call->arena, TLN_updates), *d;
	const struct world *w = &call->dc->world;
	struct dc_refs refs;
	struct dyn_vec *v;
	uint32_t i;

	dc_refs_init(&refs, w, call->user->id, holder);
	for (i = 0; i < n; i++)
		dc_refs_msg(&refs, msgs[i]);
	d = dc_objects_updates(&refs, call->arena, NULL, call->now);
	v = dyn_vec(d, TLF_updates);
	for (i = 0; v && i < n; i++) {
		if (msgs[i]->random_id)
			push_message_id(v, msgs[i]);
	}
	for (i = 0; v && i < n; i++) {
		struct world_event e = { WORLD_EV_MESSAGE, msgs[i]->peer,
					 msgs[i]->id, msgs[i]->pts };
		const struct world_channel *c =
			world_channel_of(w, msgs[i]->peer);

		dyn_push_obj(
			v,
			c ? dc_objects_channel_event(call->arena, w,
						     call->user->id, c, &e)
			  : dc_objects_event(call->arena, w, call->user, &e));
	}
	dc_refs_deinit(&refs);
	return d;
}
