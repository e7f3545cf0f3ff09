/* SPDX-License-Identifier: MIT */
/* Messages, channels and files as TL objects of layer 223. */
#include <stdlib.h>
#include <string.h>

#include "dc/dc_int.h"

static const struct {
	uint16_t field;
	unsigned int right;
} rights[] = {
	{ TLF_change_info, WORLD_MAY_INFO },
	{ TLF_post_messages, WORLD_MAY_POST },
	{ TLF_edit_messages, WORLD_MAY_EDIT },
	{ TLF_delete_messages, WORLD_MAY_DELETE },
	{ TLF_ban_users, WORLD_MAY_BAN },
	{ TLF_invite_users, WORLD_MAY_INVITE },
	{ TLF_pin_messages, WORLD_MAY_PIN },
	{ TLF_add_admins, WORLD_MAY_PROMOTE },
	{ TLF_manage_topics, WORLD_MAY_TOPICS },
};

struct dyn *dc_objects_rights(struct arena *a, unsigned int may)
{
	struct dyn *d = dyn_new(a, TLN_chatAdminRights);
	size_t i;

	for (i = 0; i < ARRAY_LEN(rights); i++) {
		if (may & rights[i].right)
			dyn_set_bool(d, rights[i].field, true);
	}
	return d;
}

unsigned int dc_objects_rights_of(const struct dyn *d)
{
	unsigned int may = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rights); i++) {
		if (dyn_bool(d, rights[i].field))
			may |= rights[i].right;
	}
	return may;
}

struct dyn *dc_objects_banned(struct arena *a, unsigned int banned)
{
	struct dyn *d = dyn_new(a, TLN_chatBannedRights);

	if (banned & WORLD_BANNED_VIEW)
		dyn_set_bool(d, TLF_view_messages, true);
	if (banned)
		dyn_set_bool(d, TLF_send_messages, true);
	dyn_set_int(d, TLF_until_date, 0);
	return d;
}

static void put_standing(struct dyn *d, int64_t viewer,
			 const struct world_channel *c)
{
	const struct world_seat *s = world_seat(c, viewer);

	if (!s || !s->in)
		dyn_set_bool(d, TLF_left, true);
	if (c->creator == viewer)
		dyn_set_bool(d, TLF_creator, true);
	if (c->creator == viewer || (s && s->rights))
		dyn_set_obj(d, TLF_admin_rights,
			    dc_objects_rights(d->arena, c->creator == viewer
								? WORLD_MAY_ALL
								: s->rights));
	if (s && s->banned)
		dyn_set_obj(d, TLF_banned_rights,
			    dc_objects_banned(d->arena, s->banned));
	dyn_set_int(d, TLF_date, s && s->in ? s->date : c->date);
}

struct dyn *dc_objects_channel(struct arena *a, const struct world *w,
			       int64_t viewer, const struct world_channel *c)
{
	bool sees = world_channel_sees(c, viewer);
	struct dyn *d = dyn_new(a, sees ? TLN_channel : TLN_channelForbidden);

	dyn_set_int(d, TLF_id, c->id);
	dyn_set_int(d, TLF_access_hash,
		    world_access_hash(w, viewer, world_channel_mark(c->id)));
	dyn_set_str(d, TLF_title, c->title);
	dyn_set_bool(d, c->megagroup ? TLF_megagroup : TLF_broadcast, true);
	if (!sees)
		return d;
	if (*c->username)
		dyn_set_str(d, TLF_username, c->username);
	if (c->noforwards)
		dyn_set_bool(d, TLF_noforwards, true);
	if (c->slow_sec)
		dyn_set_bool(d, TLF_slowmode_enabled, true);
	if (c->forum)
		dyn_set_bool(d, TLF_forum, true);
	dyn_set_obj(d, TLF_photo, dyn_new(a, TLN_chatPhotoEmpty));
	if (c->megagroup)
		dyn_set_obj(d, TLF_default_banned_rights,
			    dc_objects_banned(a, 0));
	dyn_set_int(d, TLF_participants_count, c->n_in);
	put_standing(d, viewer, c);
	return d;
}

/* ---- messages */

static void put_members(struct dyn *action, const struct world *w,
			const struct world_msg *m)
{
	const struct world_chat *c = world_chat(w, -m->peer);
	struct dyn_vec *v = dyn_add_vec(action, TLF_users);
	uint32_t i;

	for (i = 0; c && i < c->n_members; i++)
		dyn_push_int(v, c->members[i].user_id);
}

static void put_ids(struct dyn *action, const char *text)
{
	struct dyn_vec *v = dyn_add_vec(action, TLF_users);
	char *end;

	while (*text) {
		dyn_push_int(v, strtoll(text, &end, 10));
		if (end == text)
			break;
		text = *end == ',' ? end + 1 : end;
	}
}

static struct dyn *action(struct arena *a, const struct world *w,
			  const struct world_msg *m)
{
	const char *text = m->body->text;
	struct dyn *d;

	switch ((enum world_kind)m->body->kind) {
	case WORLD_ACTION:
		d = dc_blob_object(a, world_extra(m->body)->object);
		return d ? d : dyn_new(a, TLN_messageActionEmpty);
	case WORLD_CHANNEL_CREATE:
		d = dyn_new(a, TLN_messageActionChannelCreate);
		dyn_set_str(d, TLF_title, text);
		return d;
	case WORLD_JOINED:
		d = dyn_new(a, TLN_messageActionChatJoinedByLink);
		dyn_set_int(d, TLF_inviter_id, strtoll(text, NULL, 10));
		return d;
	case WORLD_ADDED:
		d = dyn_new(a, TLN_messageActionChatAddUser);
		put_ids(d, text);
		return d;
	default:
		d = dyn_new(a, TLN_messageActionChatCreate);
		dyn_set_str(d, TLF_title, text);
		put_members(d, w, m);
		return d;
	}
}

static void put_extra(struct dyn *d, const struct world *w,
		      const struct world_msg *m)
{
	const struct world_extra *x = world_extra(m->body);
	const struct world_file *f = world_file(w, x->file_id);

	if (x->fwd_from) {
		struct dyn *h = dyn_new(d->arena, TLN_messageFwdHeader);

		dyn_set_obj(h, TLF_from_id,
			    dc_objects_peer(d->arena, x->fwd_from));
		dyn_set_int(h, TLF_date, x->fwd_date);
		if (x->fwd_post)
			dyn_set_int(h, TLF_channel_post, x->fwd_post);
		dyn_set_obj(d, TLF_fwd_from, h);
	}
	if (x->grouped_id)
		dyn_set_int(d, TLF_grouped_id, x->grouped_id);
	if (f)
		dyn_set_obj(d, TLF_media, dc_objects_media(d->arena, w, f));
	else if (x->object)
		dyn_set_obj(d, TLF_media, dc_blob_object(d->arena, x->object));
	dc_blob_put_vec(d, TLF_entities, x->entities);
	if (x->markup)
		dyn_set_obj(d, TLF_reply_markup,
			    dc_blob_object(d->arena, x->markup));
	if (m->body->noforwards)
		dyn_set_bool(d, TLF_noforwards, true);
	if (m->body->edit_date)
		dyn_set_int(d, TLF_edit_date, m->body->edit_date);
}

/* What it answers; in a forum also, or only, the topic it is in. */
static void put_reply(struct dyn *d, const struct world_msg *m)
{
	int32_t topic = world_extra(m->body)->topic;
	struct dyn *h;

	if (!m->reply_id && (!topic || topic == m->id))
		return;
	h = dyn_new(d->arena, TLN_messageReplyHeader);
	if (topic)
		dyn_set_bool(h, TLF_forum_topic, true);
	dyn_set_int(h, TLF_reply_to_msg_id, m->reply_id ? m->reply_id : topic);
	if (topic && m->reply_id)
		dyn_set_int(h, TLF_reply_to_top_id, topic);
	dyn_set_obj(d, TLF_reply_to, h);
}

struct dyn *dc_objects_message(struct arena *a, const struct world *w,
			       const struct world_msg *m)
{
	const struct world_channel *c = world_channel_of(w, m->peer);
	bool service = m->body->kind != WORLD_TEXT;
	bool post = c && !c->megagroup;
	struct dyn *d = dyn_new(a, service ? TLN_messageService : TLN_message);

	dyn_set_int(d, TLF_id, m->id);
	if (m->out)
		dyn_set_bool(d, TLF_out, true);
	if (post)
		dyn_set_bool(d, TLF_post, true);
	/* In a private chat the other side's messages need no author. */
	if ((m->peer < 0 && !post) || (m->peer > 0 && m->out))
		dyn_set_obj(d, TLF_from_id, dc_objects_peer(a, m->body->from));
	dyn_set_obj(d, TLF_peer_id, dc_objects_peer(a, m->peer));
	dyn_set_int(d, TLF_date, m->body->date);
	put_reply(d, m);
	if (m->pinned)
		dyn_set_bool(d, TLF_pinned, true);
	if (service) {
		dyn_set_obj(d, TLF_action, action(a, w, m));
		return d;
	}
	dyn_set_bytes(d, TLF_message, m->body->text, m->body->text_len);
	put_extra(d, w, m);
	return d;
}

struct dyn *dc_objects_post(struct arena *a, const struct world *w,
			    int64_t viewer, const struct world_msg *m)
{
	struct world_msg copy = *m;

	copy.out = m->body->from == viewer;
	return dc_objects_message(a, w, &copy);
}

struct dyn *dc_objects_channel_event(struct arena *a, const struct world *w,
				     int64_t viewer,
				     const struct world_channel *c,
				     const struct world_event *e)
{
	const struct world_msg *m = world_channel_msg(c, e->value);
	struct dyn *d;

	if (e->kind == WORLD_EV_PIN || e->kind == WORLD_EV_UNPIN) {
		d = dyn_new(a, TLN_updatePinnedChannelMessages);
		if (e->kind == WORLD_EV_PIN)
			dyn_set_bool(d, TLF_pinned, true);
		dyn_set_int(d, TLF_channel_id, c->id);
		dyn_push_int(dyn_add_vec(d, TLF_messages), e->value);
	} else if (e->kind == WORLD_EV_DELETE || !m) {
		d = dyn_new(a, TLN_updateDeleteChannelMessages);
		dyn_set_int(d, TLF_channel_id, c->id);
		dyn_push_int(dyn_add_vec(d, TLF_messages), e->value);
	} else {
		d = dyn_new(a, e->kind == WORLD_EV_EDIT
				       ? TLN_updateEditChannelMessage
				       : TLN_updateNewChannelMessage);
		dyn_set_obj(d, TLF_message, dc_objects_post(a, w, viewer, m));
	}
	dyn_set_int(d, TLF_pts, e->pts);
	dyn_set_int(d, TLF_pts_count, 1);
	return d;
}

/* ---- files */

static struct dyn *photo(struct arena *a, const struct world *w,
			 const struct world_file *f)
{
	struct dyn *d = dyn_new(a, TLN_photo), *size;
	uint8_t ref[WORLD_FILE_REF_LEN];

	world_file_ref(w, f, ref);
	dyn_set_int(d, TLF_id, f->id);
	dyn_set_int(d, TLF_access_hash, f->access_hash);
	dyn_set_bytes(d, TLF_file_reference, ref, sizeof(ref));
	dyn_set_int(d, TLF_date, f->date);
	size = dyn_new(a, TLN_photoSize);
	dyn_set_str(size, TLF_type, "x");
	/* Nobody looks into the picture here: a size must be given. */
	dyn_set_int(size, TLF_w, 800);
	dyn_set_int(size, TLF_h, 600);
	dyn_set_int(size, TLF_size, (int64_t)f->size);
	dyn_push_obj(dyn_add_vec(d, TLF_sizes), size);
	dyn_set_int(d, TLF_dc_id, f->dc_id);
	return d;
}

static struct dyn *document(struct arena *a, const struct world *w,
			    const struct world_file *f)
{
	struct dyn *d = dyn_new(a, TLN_document), *name;
	uint8_t ref[WORLD_FILE_REF_LEN];
	struct dyn_vec *v;

	world_file_ref(w, f, ref);
	dyn_set_int(d, TLF_id, f->id);
	dyn_set_int(d, TLF_access_hash, f->access_hash);
	dyn_set_bytes(d, TLF_file_reference, ref, sizeof(ref));
	dyn_set_int(d, TLF_date, f->date);
	dyn_set_str(d, TLF_mime_type, f->mime);
	dyn_set_int(d, TLF_size, (int64_t)f->size);
	dyn_set_int(d, TLF_dc_id, f->dc_id);
	v = dyn_add_vec(d, TLF_attributes);
	dc_blob_put_vec(d, TLF_attributes, f->attributes);
	if (*f->name && !f->attributes) {
		name = dyn_new(a, TLN_documentAttributeFilename);
		dyn_set_str(name, TLF_file_name, f->name);
		dyn_push_obj(v, name);
	}
	return d;
}

struct dyn *dc_objects_media(struct arena *a, const struct world *w,
			     const struct world_file *f)
{
	struct dyn *d = dyn_new(a, f->photo ? TLN_messageMediaPhoto
					    : TLN_messageMediaDocument);

	if (f->photo)
		dyn_set_obj(d, TLF_photo, photo(a, w, f));
	else
		dyn_set_obj(d, TLF_document, document(a, w, f));
	return d;
}
