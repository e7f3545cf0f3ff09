/* SPDX-License-Identifier: MIT */
/*
 * A new message as its call describes it: what it answers, the topic it goes
 * to, formatting, buttons, protection; and messages the server itself writes
 * ("Ada changed the title").
 */
#include <string.h>

#include "dc/dc_int.h"

/* Where the call's reply_to points; older layers have numbers of their own. */
static int32_t reply_id(struct dc_call *call)
{
	const struct dyn *to = dyn_obj(call->fn, TLF_reply_to);
	int64_t id = dyn_int(to ? to : call->fn, TLF_reply_to_msg_id, 0);

	return id > 0 && id <= INT32_MAX ? (int32_t)id : 0;
}

static int32_t top_id(struct dc_call *call)
{
	const struct dyn *to = dyn_obj(call->fn, TLF_reply_to);
	int64_t id = dyn_int(call->fn, TLF_top_msg_id, 0);

	if (!id && to)
		id = dyn_int(to, TLF_top_msg_id, 0);
	return id > 0 && id <= INT32_MAX ? (int32_t)id : 0;
}

static enum err into_topic(struct dc_call *call, const struct world_channel *c,
			   const struct world_msg *answered, int32_t top,
			   struct world_extra *x)
{
	const struct world_seat *s = world_seat(c, call->user->id);
	struct world_topic *t;

	if (!top && answered)
		top = world_topic(c, answered->id)
			      ? answered->id
			      : world_extra(answered->body)->topic;
	if (!top)
		top = WORLD_TOPIC_GENERAL;
	t = world_topic(c, top);
	if (!t)
		return dc_call_fail(call, 400, "TOPIC_DELETED");
	if (t->closed && call->user->id != c->creator &&
	    call->user->id != t->creator &&
	    !(s && s->rights & WORLD_MAY_TOPICS))
		return dc_call_fail(call, 400, "TOPIC_CLOSED");
	x->topic = top == WORLD_TOPIC_GENERAL ? 0 : top;
	return ERR_OK;
}

enum err dc_compose_place(struct dc_call *call, int64_t peer,
			  struct world_extra *x)
{
	const struct world_channel *c =
		world_channel_of(&call->dc->world, peer);
	int32_t id = reply_id(call);
	struct world_msg m;
	struct dc_view v;
	bool found;

	dc_view_open(call, peer, &v);
	found = id && dc_view_msg(&v, id, &m) && m.peer == peer;
	/* The first message of a topic stands for the topic. */
	if (found && !(c && c->forum && world_topic(c, id)))
		x->reply_to = m.body->id;
	return c && c->forum
		       ? into_topic(call, c, found ? &m : NULL, top_id(call), x)
		       : ERR_OK;
}

/* What clients name by an access hash is told to others without one. */
static struct dyn_vec *entities_of(struct dc_call *call,
				   const struct dyn_vec *in)
{
	struct dyn_vec *out = dyn_vec_new(call->arena);
	struct world_user *u;
	uint32_t i;

	for (i = 0; out && i < dyn_len(in); i++) {
		struct dyn *e = dyn_item(in, i), *name;

		if (dyn_is(e, TLN_inputMessageEntityMentionName)) {
			if (dc_peers_user(call, dyn_obj(e, TLF_user_id), &u))
				continue;
			name = dyn_new(call->arena,
				       TLN_messageEntityMentionName);
			dyn_set_int(name, TLF_offset,
				    dyn_int(e, TLF_offset, 0));
			dyn_set_int(name, TLF_length,
				    dyn_int(e, TLF_length, 0));
			dyn_set_int(name, TLF_user_id, u->id);
			e = name;
		}
		dyn_push_obj(out, e);
	}
	return out;
}

enum err dc_compose_entities(struct dc_call *call, const struct dyn *from,
			     struct world_blob **ret)
{
	const struct dyn_vec *in = dyn_vec(from, TLF_entities);

	return dc_blob_pack_vec(call, TLN_textWithEntities, TLF_entities,
				entities_of(call, in), ret);
}

enum err dc_compose_markup(struct dc_call *call, struct world_blob **ret)
{
	/* Only bots have buttons to offer. */
	return dc_blob_pack(call,
			    *call->user->bot_token
				    ? dyn_obj(call->fn, TLF_reply_markup)
				    : NULL,
			    ret);
}

enum err dc_compose(struct dc_call *call, const struct dyn *text_from,
		    struct world_new_msg *n)
{
	enum err rc = dc_compose_place(call, n->peer, &n->extra);

	n->noforwards = dyn_bool(call->fn, TLF_noforwards);
	if (!rc)
		rc = dc_compose_entities(call, text_from, &n->extra.entities);
	if (!rc)
		rc = dc_compose_markup(call, &n->extra.markup);
	if (rc)
		dc_compose_end(n);
	return rc;
}

void dc_compose_end(struct world_new_msg *n)
{
	world_blob_unref(n->extra.entities);
	world_blob_unref(n->extra.markup);
	world_blob_unref(n->extra.object);
	n->extra.entities = n->extra.markup = n->extra.object = NULL;
}

enum err dc_compose_action(struct dc_call *call, int64_t peer,
			   const struct dyn *action,
			   const struct world_extra *x, struct world_msg **ret)
{
	struct world_new_msg n = { .from = call->user->id,
				   .peer = peer,
				   .kind = WORLD_ACTION,
				   .text = "",
				   .date = call->now };
	bool again;
	enum err rc;

	if (x)
		n.extra = *x;
	/* Of a service message a client may give the number, too. */
	n.random_id = dyn_has(call->fn, TLF_random_id)
			      ? dyn_int(call->fn, TLF_random_id, 0)
			      : 0;
	rc = dc_blob_pack(call, action, &n.extra.object);
	if (!rc)
		rc = world_send(&call->dc->world, &n, ret, &again);
	world_blob_unref(n.extra.object);
	return rc;
}
