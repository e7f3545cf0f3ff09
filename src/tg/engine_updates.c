/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "tg/engine_int.h"

static const struct schema *const layer = &schema_api_223;

static struct tlt_any any_update(const struct tlt_Update *u)
{
	return (struct tlt_any){ u->kind, u->raw, u->any };
}

static int64_t channel_of_message(const struct tlt_Message *m)
{
	const struct tlt_Peer *p;

	switch (m->kind) {
	case TLN_message:
		p = &m->message->peer_id;
		break;
	case TLN_messageService:
		p = &m->messageService->peer_id;
		break;
	case TLN_messageEmpty:
		p = &m->messageEmpty->peer_id;
		break;
	default:
		return 0;
	}
	return p->kind == TLN_peerChannel ? p->peerChannel->channel_id : 0;
}

/* False: the update is of a channel, but does not say of which. */
static bool find_box(const struct tlt_any *u, struct updates_item *it)
{
	const struct tlc_updateNewChannelMessage *post;
	const struct tlc_updateEditChannelMessage *edit;
	bool of_channel = true;

	switch (u->kind) {
	case TLN_updateNewChannelMessage:
		post = u->any;
		it->channel_id = channel_of_message(&post->message);
		break;
	case TLN_updateEditChannelMessage:
		edit = u->any;
		it->channel_id = channel_of_message(&edit->message);
		break;
	default:
		of_channel = bind_int(u->kind, u->any, TLF_channel_id,
				      &it->channel_id);
		break;
	}
	it->box = of_channel ? UPDATES_CHANNEL : UPDATES_COMMON;
	return !of_channel || it->channel_id;
}

/* False: the update has no place in any sequence. */
static bool place_of(const struct tlt_any *u, struct updates_item *it)
{
	int64_t value, count;

	if (bind_int(u->kind, u->any, TLF_pts, &value) &&
	    bind_int(u->kind, u->any, TLF_pts_count, &count)) {
		it->value = (int32_t)value;
		it->count = (int32_t)count;
		return find_box(u, it);
	}
	if (bind_int(u->kind, u->any, TLF_qts, &value)) {
		it->box = UPDATES_QTS;
		it->value = (int32_t)value;
		it->count = 1;
		return true;
	}
	return false;
}

/* A refused delivery is not an error of the connection: it comes again. */
static void deliver(struct engine *e, const struct tlt_any *u,
		    const struct updates_item *it)
{
	if (engine_tell_update(e, u))
		updates_want(&e->updates);
	else
		updates_accept(&e->updates, it, e->now);
}

/* A short message of somebody unknown: only the difference says who it is, and
 * without that there is no answering. */
static bool is_from_stranger(const struct engine *e, const struct tlt_any *u)
{
	const struct tlc_updateShortMessage *m = u->any;

	return u->kind == TLN_updateShortMessage && !m->out &&
	       !peers_hash(&e->peers, m->user_id);
}

static enum err offer_update(struct engine *e, const struct tlt_any *u)
{
	struct updates_item it = { .data = u->raw.data, .len = u->raw.len };

	if (is_from_stranger(e, u)) {
		updates_want(&e->updates);
		return ERR_OK;
	}
	if (u->kind == TLN_updateChannelTooLong) {
		const struct tlc_updateChannelTooLong *d = u->any;

		updates_want_channel(&e->updates, d->channel_id, d->pts);
		return ERR_OK;
	}
	if (!place_of(u, &it))
		return engine_tell_update(e, u);
	if (updates_offer(&e->updates, &it, e->now) == UPDATES_APPLY)
		deliver(e, u, &it);
	return ERR_OK;
}

static void offer_or_want(struct engine *e, const struct tlt_any *u)
{
	if (offer_update(e, u))
		updates_want(&e->updates);
}

/* updates and updatesCombined. */
struct container {
	const struct tlv_Update *updates;
	int32_t date, seq_start, seq;
};

static struct container container_of_updates(const struct tlt_Updates *u)
{
	if (u->kind == TLN_updatesCombined)
		return (struct container){ &u->updatesCombined->updates,
					   u->updatesCombined->date,
					   u->updatesCombined->seq_start,
					   u->updatesCombined->seq };
	return (struct container){ &u->updates->updates, u->updates->date,
				   u->updates->seq, u->updates->seq };
}

/* The inner updates of a container whose turn it is. */
static void open_container(struct engine *e, const struct container *c)
{
	for (uint32_t i = 0; i < c->updates->n; i++) {
		const struct tlt_any u = any_update(&c->updates->v[i]);

		offer_or_want(e, &u);
	}
}

static enum err on_container(struct engine *e, const struct tlt_Updates *u,
			     struct err_info *ei)
{
	const struct container c = container_of_updates(u);
	struct updates_item it = { .box = UPDATES_SEQ,
				   .data = u->raw.data,
				   .len = u->raw.len,
				   .date = c.date,
				   .value = c.seq };

	if (c.seq_start < 0 || c.seq < c.seq_start)
		return err_set(ei, ERR_PROTO, "updates %d to %d", c.seq_start,
			       c.seq);
	it.count = c.seq - c.seq_start + 1;
	/* seq 0: no order among containers */
	if (!c.seq) {
		open_container(e, &c);
		return ERR_OK;
	}
	if (updates_offer(&e->updates, &it, e->now) != UPDATES_APPLY)
		return ERR_OK;
	open_container(e, &c);
	updates_accept(&e->updates, &it, e->now);
	return ERR_OK;
}

static enum err open_held(struct engine *e, const struct updates_item *it,
			  struct arena *a, struct err_info *ei)
{
	struct tlt_Updates u = { 0 };
	struct container c;
	struct tl_reader r;
	enum err rc;

	cursor_read(&r, it->data, it->len);
	rc = tlt_Updates_read(&r, a, &u, ei);
	if (rc)
		return rc;
	c = container_of_updates(&u);
	open_container(e, &c);
	updates_accept(&e->updates, it, e->now);
	return ERR_OK;
}

/* An Update, or an Updates that is one itself. */
static enum err deliver_held(struct engine *e, const struct updates_item *it,
			     struct arena *a, struct err_info *ei)
{
	const struct schema_ctor *c;
	struct tlt_any u = { 0 };
	struct tl_reader r;
	enum err rc;

	cursor_read(&r, it->data, it->len);
	c = schema_find(layer, cursor_peek_u32(&r));
	if (!c)
		return err_set(ei, ERR_PROTO, "held update is none");
	rc = bind_read_type(&r, layer, c->type, a, &u, ei);
	if (!rc)
		deliver(e, &u, it);
	return rc;
}

/* Held updates whose turn has come. */
static enum err drain(struct engine *e, struct err_info *ei)
{
	const struct updates_item *it;
	enum err rc = ERR_OK;
	struct arena a;

	arena_init(&a, ENGINE_ARENA_MAX);
	while (!rc && (it = updates_ready(&e->updates))) {
		/* `it` dies with the next call: accept a copy */
		const struct updates_item copy = *it;

		if (copy.box == UPDATES_SEQ)
			rc = open_held(e, &copy, &a, ei);
		else
			rc = deliver_held(e, &copy, &a, ei);
		arena_reset(&a);
	}
	arena_deinit(&a);
	return rc;
}

void engine_tell_position(struct engine *e)
{
	const struct engine_event ev = { .type = ENGINE_POSITION,
					 .pos = e->updates.pos };

	if (!e->updates.known ||
	    !memcmp(&e->told, &e->updates.pos, sizeof(e->told)))
		return;
	e->told = e->updates.pos;
	(void)!engine_emit(e, &ev);
}

static enum err on_one_of_updates(struct engine *e, const struct tlt_Updates *u,
				  struct err_info *ei)
{
	struct tlt_any one = { u->kind, u->raw, u->any };

	switch (u->kind) {
	case TLN_updatesTooLong:
		updates_want(&e->updates);
		return ERR_OK;
	case TLN_updates:
	case TLN_updatesCombined:
		return on_container(e, u, ei);
	case TLN_updateShort:
		one = any_update(&u->updateShort->update);
		break;
	default: /* updateShortMessage and its kin are one update themselves */
		break;
	}
	offer_or_want(e, &one);
	return ERR_OK;
}

enum err engine_take_updates(struct engine *e, const struct tlt_Updates *u,
			     struct err_info *ei)
{
	enum err rc = ERR_PROTO;

	if (u) {
		engine_note_peers(e, (const void *)u);
		rc = on_one_of_updates(e, u, ei);
	}
	if (rc == ERR_PROTO) {
		/* what no schema knows cannot be stepped over: the difference
		 * says the rest */
		updates_want(&e->updates);
		rc = ERR_OK;
	}
	if (!rc)
		rc = drain(e, ei);
	if (!rc)
		engine_tell_position(e);
	return rc;
}

static void set_peer(struct tlt_Peer *ret, struct tlc_peerUser *user,
		     struct tlc_peerChat *chat, int64_t id)
{
	if (id > 0) {
		user->user_id = id;
		ret->kind = TLN_peerUser;
		ret->peerUser = user;
	} else {
		chat->chat_id = -id;
		ret->kind = TLN_peerChat;
		ret->peerChat = chat;
	}
}

/* Written out as the update others get of it: so it may be held, too. */
static enum err offer_written(struct engine *e, struct tlt_Update *u,
			      struct err_info *ei)
{
	struct tl_writer w;
	struct tlt_any any;
	struct buf raw;
	enum err rc;

	buf_init(&raw, ENGINE_QUERY_MAX);
	cursor_write(&w, &raw);
	rc = tlt_Update_write(&w, u, ei);
	if (!rc) {
		u->raw = (struct tl_bytes){ buf_head(&raw), buf_len(&raw) };
		any = any_update(u);
		offer_or_want(e, &any);
	}
	buf_deinit(&raw);
	return rc;
}

enum err engine_take_sent(struct engine *e, const struct engine_call *c,
			  const struct tlc_updateShortSentMessage *d,
			  struct err_info *ei)
{
	struct tlc_peerUser self = { e->self_id }, user;
	struct tlc_messageReplyHeader reply = { .has_reply_to_msg_id = true };
	struct tlc_message m = { .out = true,
				 .id = d->id,
				 .date = d->date,
				 .has_from_id = true,
				 .has_media = d->has_media,
				 .media = d->media,
				 .has_entities = d->has_entities,
				 .entities = d->entities };
	struct tlc_updateNewMessage n = { .pts = d->pts,
					  .pts_count = d->pts_count };
	struct tlt_Update u = { .kind = TLN_updateNewMessage };
	struct tlc_peerChat chat;
	enum err rc = ERR_OK;

	u.updateNewMessage = &n;
	n.message.kind = TLN_message;
	n.message.message = &m;
	m.from_id.kind = TLN_peerUser;
	m.from_id.peerUser = &self;
	set_peer(&m.peer_id, &user, &chat, c->peer ? c->peer : e->self_id);
	if (c->said) {
		m.message = (struct tl_bytes){ c->said->text, c->said->len };
		reply.reply_to_msg_id = c->said->reply_to;
		m.has_reply_to = c->said->reply_to;
		m.reply_to.kind = TLN_messageReplyHeader;
		m.reply_to.messageReplyHeader = &reply;
		rc = offer_written(e, &u, ei);
	}
	if (!c->said || rc)
		updates_want(&e->updates);
	rc = drain(e, ei);
	if (!rc)
		engine_tell_position(e);
	return rc;
}

enum err engine_on_updates(struct engine *e, const uint8_t *data, size_t len,
			   struct err_info *ei)
{
	const struct schema_ctor *c;
	struct tlt_Updates u = { 0 };
	struct tl_reader r;
	struct arena a;
	enum err rc;

	cursor_read(&r, data, len);
	c = schema_find(layer, cursor_peek_u32(&r));
	if (!c || c->type != TLT_Updates)
		return ERR_OK; /* something else the server tells; not ours */
	arena_init(&a, ENGINE_ARENA_MAX);
	rc = tlt_Updates_read(&r, &a, &u, ei);
	if (!rc || rc == ERR_PROTO)
		rc = engine_take_updates(e, rc ? NULL : &u, ei);
	arena_deinit(&a);
	return rc;
}

static void say_online(struct engine *e)
{
	const struct engine_event ev = { .type = ENGINE_ONLINE };

	engine_tell_position(e);
	if (e->online)
		return;
	e->online = true;
	(void)!engine_emit(e, &ev);
}

static char *user_name(struct arena *a, const struct tlc_user *u)
{
	size_t first = u->first_name.len, last = u->last_name.len;
	char *name = arena_alloc(a, first + last + 2), *at = name;

	if (!name)
		return NULL;
	if (first)
		memcpy(at, u->first_name.data, first);
	at += first;
	if (first && last)
		*at++ = ' ';
	if (last)
		memcpy(at, u->last_name.data, last);
	return name;
}

static enum err take_self(struct engine *e, struct arena *a,
			  const struct tlv_User *users, struct err_info *ei)
{
	struct engine_user u = { 0 };
	const struct engine_event ev = { .type = ENGINE_USER, .user = &u };
	const struct tlc_user *d;

	if (!users->n || users->v[0].kind != TLN_user || !users->v[0].user->id)
		return err_set(ei, ERR_PROTO,
			       "the server does not say who we are");
	d = users->v[0].user;
	u.id = d->id;
	u.bot = d->bot;
	u.username = arena_str(a, d->username.data, d->username.len);
	u.phone = arena_str(a, d->phone.data, d->phone.len);
	u.name = user_name(a, d);
	if (!u.username || !u.phone || !u.name)
		return err_set(ei, ERR_NOMEM, "read who we are");
	e->self_id = u.id;
	e->hello = true;
	return engine_emit(e, &ev);
}

enum err engine_on_self(struct engine *e, const uint8_t *data, size_t len,
			struct err_info *ei)
{
	struct tlv_User users = { 0 };
	struct tl_reader r;
	struct arena a;
	enum err rc;

	arena_init(&a, ENGINE_ARENA_MAX);
	cursor_read(&r, data, len);
	rc = tlv_User_read(&r, &a, &users, ei);
	if (!rc)
		rc = take_self(e, &a, &users, ei);
	arena_deinit(&a);
	/* a known position asks for its difference by itself */
	if (!rc && !e->updates.known)
		rc = engine_ask_state(e, ei);
	return rc;
}

static bool read_pos(const struct tlt_updates_State *s, struct updates_pos *pos)
{
	const struct tlc_updates_state *d = s->updates_state;

	if (s->kind != TLN_updates_state)
		return false;
	*pos = (struct updates_pos){ d->pts, d->qts, d->date, d->seq };
	return true;
}

enum err engine_on_state(struct engine *e, const uint8_t *data, size_t len,
			 struct err_info *ei)
{
	struct tlt_updates_State s = { 0 };
	struct updates_pos pos;
	struct tl_reader r;
	struct arena a;
	enum err rc;

	arena_init(&a, ENGINE_ARENA_MAX);
	cursor_read(&r, data, len);
	rc = tlt_updates_State_read(&r, &a, &s, ei);
	if (!rc && !read_pos(&s, &pos))
		rc = err_set(ei, ERR_PROTO, "no state in updates.getState");
	if (!rc) {
		updates_set(&e->updates, pos, true, e->now);
		/* what came before it was known */
		rc = drain(e, ei);
	}
	if (!rc)
		say_online(e);
	arena_deinit(&a);
	return rc;
}

/* What the differences have in common; all may be NULL. */
struct content {
	const struct tlv_Message *messages;
	const struct tlv_Update *others;
};

static enum err take_messages(struct engine *e, const struct tlv_Message *v)
{
	enum err rc = ERR_OK;

	for (uint32_t i = 0; i < v->n && !rc; i++)
		rc = engine_tell_message(e, &v->v[i], ENGINE_NEW);
	return rc;
}

/* Channels have their own order; everything else is covered by the answer. */
static enum err take_others(struct engine *e, const struct tlv_Update *v)
{
	enum err rc = ERR_OK;

	for (uint32_t i = 0; i < v->n && !rc; i++) {
		struct tlt_any u = any_update(&v->v[i]);
		struct updates_item it = { 0 };

		u.raw = (struct tl_bytes){ 0 }; /* not to be held */
		if (u.kind == TLN_updateChannelTooLong ||
		    (place_of(&u, &it) && it.box == UPDATES_CHANNEL))
			rc = offer_update(e, &u);
		else
			rc = engine_tell_update(e, &u);
	}
	return rc;
}

static enum err take_content(struct engine *e, const struct content *c)
{
	enum err rc = ERR_OK;

	if (c->messages)
		rc = take_messages(e, c->messages);
	if (!rc && c->others)
		rc = take_others(e, c->others);
	return rc;
}

/* Where the account stands after it, *final if that is now; false: none. */
static bool read_difference(const struct tlt_updates_Difference *d,
			    struct content *c, struct updates_pos *pos,
			    bool *final)
{
	const struct tlc_updates_difference *full = d->updates_difference;
	const struct tlc_updates_differenceSlice *part =
		d->updates_differenceSlice;

	*final = true;
	switch (d->kind) {
	case TLN_updates_differenceEmpty:
		pos->date = d->updates_differenceEmpty->date;
		pos->seq = d->updates_differenceEmpty->seq;
		return true;
	case TLN_updates_difference:
		*c = (struct content){ &full->new_messages,
				       &full->other_updates };
		return read_pos(&full->state, pos);
	case TLN_updates_differenceSlice:
		*c = (struct content){ &part->new_messages,
				       &part->other_updates };
		*final = false;
		return read_pos(&part->intermediate_state, pos);
	case TLN_updates_differenceTooLong:
		pos->pts = d->updates_differenceTooLong->pts;
		*final = false;
		return true;
	default:
		return false;
	}
}

static enum err take_difference(struct engine *e,
				const struct tlt_updates_Difference *d,
				struct err_info *ei)
{
	struct updates_pos pos = e->updates.pos;
	struct content c = { 0 };
	bool final;
	enum err rc;

	engine_note_peers(e, (const void *)d);
	if (!read_difference(d, &c, &pos, &final))
		return err_set(ei, ERR_PROTO, "not a difference");
	if (!final && !memcmp(&pos, &e->updates.pos, sizeof(pos)))
		return err_set(ei, ERR_PROTO, "the difference does not end");
	if (take_content(e, &c)) { /* the consumer will get it again */
		updates_diff_failed(&e->updates, e->now);
		return ERR_OK;
	}
	updates_diff_done(&e->updates, pos, final, e->now);
	rc = drain(e, ei);
	if (rc)
		return rc;
	if (final)
		say_online(e);
	else
		engine_tell_position(e);
	return ERR_OK;
}

enum err engine_on_difference(struct engine *e, const uint8_t *data, size_t len,
			      struct err_info *ei)
{
	struct tlt_updates_Difference d = { 0 };
	struct tl_reader r;
	struct arena a;
	enum err rc;

	arena_init(&a, ENGINE_ARENA_MAX);
	cursor_read(&r, data, len);
	rc = tlt_updates_Difference_read(&r, &a, &d, ei);
	if (!rc)
		rc = take_difference(e, &d, ei);
	arena_deinit(&a);
	return rc;
}

/* A channel's; pts 0: not said. */
static void read_channel(const struct tlt_updates_ChannelDifference *d,
			 struct content *c, int32_t *pts, bool *final)
{
	const struct tlc_updates_channelDifference *full =
		d->updates_channelDifference;
	const struct tlc_updates_channelDifferenceTooLong *lost =
		d->updates_channelDifferenceTooLong;

	switch (d->kind) {
	case TLN_updates_channelDifference:
		*c = (struct content){ &full->new_messages,
				       &full->other_updates };
		*pts = full->pts;
		*final = full->final;
		break;
	case TLN_updates_channelDifferenceTooLong:
		*c = (struct content){ &lost->messages, NULL };
		if (lost->dialog.kind == TLN_dialog)
			*pts = lost->dialog.dialog->pts;
		*final = lost->final;
		break;
	case TLN_updates_channelDifferenceEmpty:
		*pts = d->updates_channelDifferenceEmpty->pts;
		*final = d->updates_channelDifferenceEmpty->final;
		break;
	default:
		break;
	}
}

static enum err take_channel(struct engine *e, int64_t id,
			     const struct tlt_updates_ChannelDifference *d,
			     struct err_info *ei)
{
	struct content c = { 0 };
	bool final = false;
	int32_t pts = 0;
	enum err rc;

	engine_note_peers(e, (const void *)d);
	read_channel(d, &c, &pts, &final);
	if (take_content(e, &c)) {
		updates_channel_failed(&e->updates, id, false, e->now);
		return ERR_OK;
	}
	updates_channel_done(&e->updates, id, pts, final);
	rc = drain(e, ei);
	/* what was held need not have been the channel's */
	if (!rc)
		engine_tell_position(e);
	return rc;
}

enum err engine_on_channel(struct engine *e, int64_t channel_id,
			   const uint8_t *data, size_t len, struct err_info *ei)
{
	struct tlt_updates_ChannelDifference d = { 0 };
	struct tl_reader r;
	struct arena a;
	enum err rc;

	arena_init(&a, ENGINE_ARENA_MAX);
	cursor_read(&r, data, len);
	rc = tlt_updates_ChannelDifference_read(&r, &a, &d, ei);
	if (!rc)
		rc = take_channel(e, channel_id, &d, ei);
	arena_deinit(&a);
	return rc;
}

/* messages.affectedMessages and its kin: what our own call did to the box. */
static void count_affected(struct engine *e, const struct engine_call *c,
			   const struct tlt_any *obj)
{
	struct updates_item it = { .box = UPDATES_COMMON };
	int64_t value, count;

	if (!bind_int(obj->kind, obj->any, TLF_pts, &value) ||
	    !bind_int(obj->kind, obj->any, TLF_pts_count, &count))
		return;
	it.value = (int32_t)value;
	it.count = (int32_t)count;
	if (c->peer <= PEERS_CHANNEL) {
		it.box = UPDATES_CHANNEL;
		it.channel_id = PEERS_CHANNEL - c->peer;
	}
	if (updates_offer(&e->updates, &it, e->now) == UPDATES_APPLY)
		updates_accept(&e->updates, &it, e->now);
}

static void begin_channels(struct engine *e, const struct tlv_any *dialogs)
{
	for (uint32_t i = 0; i < dialogs->n; i++) {
		const struct tlc_dialog *d = dialogs->v[i].any;

		if (dialogs->v[i].kind == TLN_dialog && d->has_pts &&
		    d->peer.kind == TLN_peerChannel)
			updates_begin_channel(&e->updates,
					      d->peer.peerChannel->channel_id,
					      d->pts);
	}
}

enum err engine_count(struct engine *e, const struct engine_call *c,
		      const struct engine_answer *a, struct err_info *ei)
{
	const struct tlv_any *dialogs =
		bind_vec(a->obj.kind, a->obj.any, TLF_dialogs, TLT_Dialog);
	enum err rc;

	if (dialogs)
		begin_channels(e, dialogs);
	count_affected(e, c, &a->obj);
	rc = drain(e, ei);
	if (!rc)
		engine_tell_position(e);
	return rc;
}
