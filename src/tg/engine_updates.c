/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "tg/engine_int.h"
#include "tl/skip.h"

static const struct schema *const layer = &schema_api_223;

static int64_t peer_id(const struct dyn *peer)
{
	if (dyn_is(peer, TLN_peerUser))
		return dyn_int(peer, TLF_user_id, 0);
	if (dyn_is(peer, TLN_peerChat))
		return -dyn_int(peer, TLF_chat_id, 0);
	if (dyn_is(peer, TLN_peerChannel))
		return -ENGINE_CHANNEL_BASE - dyn_int(peer, TLF_channel_id, 0);
	return 0;
}

static enum err emit_message(struct engine *e, struct engine_message *m)
{
	const struct engine_event ev = { .type = ENGINE_MESSAGE, .message = m };

	/* channels number their messages themselves, the rest counts as one */
	if (m->chat_id <= -ENGINE_CHANNEL_BASE)
		snprintf(m->key, sizeof(m->key), "%lld/%d",
			 (long long)m->chat_id, m->id);
	else
		snprintf(m->key, sizeof(m->key), "m/%d", m->id);
	return engine_emit(e, &ev);
}

/* A Message of any kind; what is no text message is none for us. */
static enum err take_message(struct engine *e, const struct dyn *d)
{
	struct engine_message m = { 0 };
	struct tl_bytes text;

	if (!dyn_is(d, TLN_message))
		return ERR_OK;
	text = dyn_bytes(d, TLF_message);
	m.id = (int32_t)dyn_int(d, TLF_id, 0);
	m.date = (int32_t)dyn_int(d, TLF_date, 0);
	m.out = dyn_bool(d, TLF_out);
	m.chat_id = peer_id(dyn_obj(d, TLF_peer_id));
	m.from_id = peer_id(dyn_obj(d, TLF_from_id));
	if (!m.from_id)
		m.from_id = m.out ? e->self_id : m.chat_id;
	m.text = text.data;
	m.text_len = text.len;
	return emit_message(e, &m);
}

/* updateShortMessage, updateShortChatMessage: a message without its wrapping. */
static enum err take_short(struct engine *e, const struct dyn *d)
{
	struct engine_message m = { 0 };
	struct tl_bytes text = dyn_bytes(d, TLF_message);

	m.id = (int32_t)dyn_int(d, TLF_id, 0);
	m.date = (int32_t)dyn_int(d, TLF_date, 0);
	m.out = dyn_bool(d, TLF_out);
	if (dyn_is(d, TLN_updateShortChatMessage)) {
		m.chat_id = -dyn_int(d, TLF_chat_id, 0);
		m.from_id = dyn_int(d, TLF_from_id, 0);
	} else {
		m.chat_id = dyn_int(d, TLF_user_id, 0);
		m.from_id = m.out ? e->self_id : m.chat_id;
	}
	m.text = text.data;
	m.text_len = text.len;
	return emit_message(e, &m);
}

/* What one update says, its position aside. */
static enum err take_update(struct engine *e, const struct dyn *d)
{
	if (dyn_is(d, TLN_updateNewMessage) ||
	    dyn_is(d, TLN_updateNewChannelMessage))
		return take_message(e, dyn_obj(d, TLF_message));
	if (dyn_is(d, TLN_updateShortMessage) ||
	    dyn_is(d, TLN_updateShortChatMessage))
		return take_short(e, d);
	return ERR_OK; /* counted, but nothing to us */
}

/* The channel an update belongs to; 0: it is one of the common box. */
static int64_t channel_of(const struct dyn *d)
{
	const struct dyn *peer;

	if (dyn_has(d, TLF_channel_id))
		return dyn_int(d, TLF_channel_id, 0);
	if (!dyn_is(d, TLN_updateNewChannelMessage) &&
	    !dyn_is(d, TLN_updateEditChannelMessage))
		return 0;
	peer = dyn_obj(dyn_obj(d, TLF_message), TLF_peer_id);
	return dyn_int(peer, TLF_channel_id, 0);
}

/* False: the update has no place in any sequence. */
static bool place_of(const struct dyn *d, struct updates_item *it)
{
	if (dyn_has(d, TLF_pts) && dyn_has(d, TLF_pts_count)) {
		it->channel_id = channel_of(d);
		it->box = it->channel_id ? UPDATES_CHANNEL : UPDATES_COMMON;
		it->value = (int32_t)dyn_int(d, TLF_pts, 0);
		it->count = (int32_t)dyn_int(d, TLF_pts_count, 0);
		return true;
	}
	if (dyn_has(d, TLF_qts)) {
		it->box = UPDATES_QTS;
		it->value = (int32_t)dyn_int(d, TLF_qts, 0);
		it->count = 1;
		return true;
	}
	return false;
}

/* A refused delivery is not an error of the connection: it comes again. */
static void deliver(struct engine *e, const struct dyn *d,
		    const struct updates_item *it)
{
	if (take_update(e, d))
		updates_want(&e->updates);
	else
		updates_accept(&e->updates, it, e->now);
}

static enum err read_object(const void *data, size_t len, struct arena *a,
			    struct dyn **ret, struct err_info *ei)
{
	struct tl_reader r;

	cursor_read(&r, data, len);
	return dyn_read(&r, layer, a, ret, ei);
}

static enum err offer_update(struct engine *e, const struct dyn *d,
			     const void *data, size_t len)
{
	struct updates_item it = { .data = data, .len = len };

	if (dyn_is(d, TLN_updateChannelTooLong)) {
		updates_want_channel(&e->updates, dyn_int(d, TLF_channel_id, 0),
				     (int32_t)dyn_int(d, TLF_pts, 0));
		return ERR_OK;
	}
	if (!place_of(d, &it))
		return take_update(e, d);
	if (updates_offer(&e->updates, &it, e->now) == UPDATES_APPLY)
		deliver(e, d, &it);
	return ERR_OK;
}

static enum err on_update_bytes(struct engine *e, const uint8_t *data,
				size_t len, struct err_info *ei)
{
	struct arena a;
	struct dyn *d;
	enum err rc;

	arena_init(&a, ENGINE_ARENA_MAX);
	rc = read_object(data, len, &a, &d, ei);
	if (!rc && offer_update(e, d, data, len))
		updates_want(&e->updates);
	arena_deinit(&a);
	return rc;
}

static void note_chat(struct engine *e, const struct dyn *d)
{
	int64_t hash = dyn_int(d, TLF_access_hash, 0);

	/* a `min` channel's hash is good for nothing but its photo */
	if (dyn_is(d, TLN_channel) && hash && !dyn_bool(d, TLF_min))
		updates_channel_hash(&e->updates, dyn_int(d, TLF_id, 0), hash);
}

static void note_chats(struct engine *e, const struct dyn_vec *chats)
{
	for (uint32_t i = 0; i < dyn_len(chats); i++)
		note_chat(e, dyn_item(chats, i));
}

/* Vector<Update>, each with its own bytes: some may have to be kept. */
static enum err walk_updates(struct engine *e, struct tl_reader *r,
			     struct err_info *ei)
{
	uint32_t n = cursor_get_vector(r, 4);

	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *start = r->at;
		enum err rc = skip_type(r, layer, TLT_Update, ei);

		if (rc)
			return rc;
		rc = on_update_bytes(e, start, (size_t)(r->at - start), ei);
		if (rc)
			return rc;
	}
	return r->rc;
}

static enum err read_chats(struct engine *e, struct tl_reader *r,
			   struct err_info *ei)
{
	uint32_t n = cursor_get_vector(r, 4);
	enum err rc = r->rc;
	struct arena a;

	arena_init(&a, ENGINE_ARENA_MAX);
	for (uint32_t i = 0; i < n && !rc; i++) {
		struct dyn *d;

		rc = dyn_read(r, layer, &a, &d, ei);
		if (!rc)
			note_chat(e, d);
		arena_reset(&a);
	}
	arena_deinit(&a);
	return rc;
}

static enum err skip_vector(struct tl_reader *r, uint16_t type,
			    struct err_info *ei)
{
	uint32_t n = cursor_get_vector(r, 4);
	enum err rc = r->rc;

	for (uint32_t i = 0; i < n && !rc; i++)
		rc = skip_type(r, layer, type, ei);
	return rc;
}

/* The end of updates and updatesCombined: date, [seq_start], seq. */
static enum err container_place(struct tl_reader *r, bool combined,
				struct updates_item *it, struct err_info *ei)
{
	int32_t start = 0, seq;

	it->box = UPDATES_SEQ;
	it->date = cursor_get_i32(r);
	if (combined)
		start = cursor_get_i32(r);
	seq = cursor_get_i32(r);
	if (r->rc)
		return err_set(ei, r->rc, "updates cut short");
	if (!combined)
		start = seq;
	it->value = seq;
	it->count = seq - start + 1;
	if (start < 0 || seq < start)
		return err_set(ei, ERR_PROTO, "updates %d to %d", start, seq);
	return ERR_OK;
}

/* The inner updates of a container whose turn it is. */
static enum err open_container(struct engine *e, const struct updates_item *it,
			       struct err_info *ei)
{
	struct tl_reader r;

	cursor_read(&r, it->data, it->len);
	(void)cursor_get_u32(&r);
	return walk_updates(e, &r, ei);
}

static enum err drain(struct engine *e, struct err_info *ei);

static enum err on_container(struct engine *e, const uint8_t *data, size_t len,
			     bool combined, struct err_info *ei)
{
	struct updates_item it = { .data = data, .len = len };
	struct tl_reader r;
	enum err rc;

	cursor_read(&r, data, len);
	(void)cursor_get_u32(&r);
	rc = skip_vector(&r, TLT_Update, ei);
	if (!rc)
		rc = skip_vector(&r, TLT_User, ei);
	if (!rc)
		rc = read_chats(e, &r, ei);
	if (!rc)
		rc = container_place(&r, combined, &it, ei);
	if (rc)
		return rc;
	/* seq 0: no order among containers */
	if (!it.value)
		return open_container(e, &it, ei);
	if (updates_offer(&e->updates, &it, e->now) != UPDATES_APPLY)
		return ERR_OK;
	rc = open_container(e, &it, ei);
	if (!rc)
		updates_accept(&e->updates, &it, e->now);
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
		struct updates_item copy = *it;
		struct dyn *d;

		if (copy.box == UPDATES_SEQ) {
			rc = open_container(e, &copy, ei);
			if (!rc)
				updates_accept(&e->updates, &copy, e->now);
			continue;
		}
		rc = read_object(copy.data, copy.len, &a, &d, ei);
		if (!rc)
			deliver(e, d, &copy);
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

enum err engine_on_updates(struct engine *e, const uint8_t *data, size_t len,
			   struct err_info *ei)
{
	const struct schema_ctor *c;
	struct tl_reader r;
	enum err rc = ERR_OK;

	cursor_read(&r, data, len);
	c = schema_find(layer, cursor_peek_u32(&r));
	if (!c || c->type != TLT_Updates)
		return ERR_OK; /* something else the server tells; not ours */
	switch (c->name) {
	case TLN_updatesTooLong:
		updates_want(&e->updates);
		break;
	case TLN_updates:
	case TLN_updatesCombined:
		rc = on_container(e, data, len, c->name == TLN_updatesCombined,
				  ei);
		break;
	case TLN_updateShort:
		(void)cursor_get_u32(&r);
		rc = on_update_bytes(e, r.at, cursor_left(&r), ei);
		break;
	default: /* updateShortMessage and its kin are one update themselves */
		rc = on_update_bytes(e, data, len, ei);
		break;
	}
	if (!rc)
		rc = drain(e, ei);
	if (!rc)
		engine_tell_position(e);
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

static enum err read_result(const uint8_t *data, size_t len, uint16_t function,
			    struct arena *a, struct dyn_val *ret,
			    struct err_info *ei)
{
	struct tl_reader r;

	cursor_read(&r, data, len);
	return dyn_read_result(&r, layer, function, a, ret, ei);
}

static const char *user_name(struct arena *a, const struct dyn *d)
{
	const char *first = dyn_str(d, TLF_first_name);
	const char *last = dyn_str(d, TLF_last_name);

	if (!first || !last)
		return NULL;
	return arena_printf(a, "%s%s%s", first, first[0] && last[0] ? " " : "",
			    last);
}

static enum err take_self(struct engine *e, struct arena *a,
			  const struct dyn *d, struct err_info *ei)
{
	struct engine_user u = { .id = dyn_int(d, TLF_id, 0),
				 .bot = dyn_bool(d, TLF_bot) };
	const struct engine_event ev = { .type = ENGINE_USER, .user = &u };

	if (!dyn_is(d, TLN_user) || !u.id)
		return err_set(ei, ERR_PROTO,
			       "the server does not say who we are");
	u.username = dyn_str(d, TLF_username);
	u.phone = dyn_str(d, TLF_phone);
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
	struct dyn_val v;
	struct arena a;
	enum err rc;

	arena_init(&a, ENGINE_ARENA_MAX);
	rc = read_result(data, len, TLN_users_getUsers, &a, &v, ei);
	if (!rc)
		rc = take_self(e, &a,
			       v.kind == DYN_VEC ? dyn_item(v.vec, 0) : NULL,
			       ei);
	arena_deinit(&a);
	/* a known position asks for its difference by itself */
	if (!rc && !e->updates.known)
		rc = engine_ask_state(e, ei);
	return rc;
}

static struct updates_pos read_pos(const struct dyn *d)
{
	return (struct updates_pos){
		.pts = (int32_t)dyn_int(d, TLF_pts, 0),
		.qts = (int32_t)dyn_int(d, TLF_qts, 0),
		.date = (int32_t)dyn_int(d, TLF_date, 0),
		.seq = (int32_t)dyn_int(d, TLF_seq, 0),
	};
}

enum err engine_on_state(struct engine *e, const uint8_t *data, size_t len,
			 struct err_info *ei)
{
	struct dyn_val v;
	struct arena a;
	enum err rc;

	arena_init(&a, ENGINE_ARENA_MAX);
	rc = read_result(data, len, TLN_updates_getState, &a, &v, ei);
	if (!rc && (v.kind != DYN_OBJ || !dyn_is(v.obj, TLN_updates_state)))
		rc = err_set(ei, ERR_PROTO, "no state in updates.getState");
	if (!rc) {
		updates_set(&e->updates, read_pos(v.obj), true, e->now);
		say_online(e);
	}
	arena_deinit(&a);
	return rc;
}

static enum err take_messages(struct engine *e, const struct dyn_vec *v)
{
	enum err rc = ERR_OK;

	for (uint32_t i = 0; i < dyn_len(v) && !rc; i++)
		rc = take_message(e, dyn_item(v, i));
	return rc;
}

/* Channels have their own order; everything else is covered by the answer. */
static enum err take_others(struct engine *e, const struct dyn_vec *v)
{
	enum err rc = ERR_OK;

	for (uint32_t i = 0; i < dyn_len(v) && !rc; i++) {
		const struct dyn *d = dyn_item(v, i);
		struct updates_item it = { 0 };

		if (dyn_is(d, TLN_updateChannelTooLong) ||
		    (place_of(d, &it) && it.box == UPDATES_CHANNEL))
			rc = offer_update(e, d, NULL, 0);
		else
			rc = take_update(e, d);
	}
	return rc;
}

static enum err take_content(struct engine *e, const struct dyn *d)
{
	enum err rc;

	note_chats(e, dyn_vec(d, TLF_chats));
	rc = take_messages(e, dyn_vec(d, TLF_new_messages));
	if (!rc)
		rc = take_others(e, dyn_vec(d, TLF_other_updates));
	return rc;
}

/* True when pos is where the account stands after d, *final if that is now. */
static bool difference_pos(const struct engine *e, const struct dyn *d,
			   struct updates_pos *pos, bool *final)
{
	*pos = e->updates.pos;
	*final = true;
	switch (d->name) {
	case TLN_updates_differenceEmpty:
		pos->date = (int32_t)dyn_int(d, TLF_date, pos->date);
		pos->seq = (int32_t)dyn_int(d, TLF_seq, pos->seq);
		return true;
	case TLN_updates_difference:
		*pos = read_pos(dyn_obj(d, TLF_state));
		return true;
	case TLN_updates_differenceSlice:
		*pos = read_pos(dyn_obj(d, TLF_intermediate_state));
		*final = false;
		return true;
	case TLN_updates_differenceTooLong:
		pos->pts = (int32_t)dyn_int(d, TLF_pts, pos->pts);
		*final = false;
		return true;
	default:
		return false;
	}
}

static enum err take_difference(struct engine *e, const struct dyn *d,
				struct err_info *ei)
{
	struct updates_pos pos;
	bool final;
	enum err rc;

	if (!difference_pos(e, d, &pos, &final))
		return err_set(ei, ERR_PROTO, "not a difference");
	if (!final && !memcmp(&pos, &e->updates.pos, sizeof(pos)))
		return err_set(ei, ERR_PROTO, "the difference does not end");
	if (take_content(e, d)) { /* the consumer will get it again */
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
	struct dyn_val v;
	struct arena a;
	enum err rc;

	arena_init(&a, ENGINE_ARENA_MAX);
	rc = read_result(data, len, TLN_updates_getDifference, &a, &v, ei);
	if (!rc && v.kind != DYN_OBJ)
		rc = err_set(ei, ERR_PROTO, "not a difference");
	if (!rc)
		rc = take_difference(e, v.obj, ei);
	arena_deinit(&a);
	return rc;
}

static enum err take_channel(struct engine *e, int64_t id, const struct dyn *d,
			     struct err_info *ei)
{
	const struct dyn *pos = d;

	if (dyn_is(d, TLN_updates_channelDifferenceTooLong))
		pos = dyn_obj(d, TLF_dialog);
	if (take_content(e, d) || take_messages(e, dyn_vec(d, TLF_messages))) {
		updates_channel_failed(&e->updates, id, false, e->now);
		return ERR_OK;
	}
	updates_channel_done(&e->updates, id, (int32_t)dyn_int(pos, TLF_pts, 0),
			     dyn_bool(d, TLF_final));
	return drain(e, ei);
}

enum err engine_on_channel(struct engine *e, int64_t channel_id,
			   const uint8_t *data, size_t len, struct err_info *ei)
{
	struct dyn_val v;
	struct arena a;
	enum err rc;

	arena_init(&a, ENGINE_ARENA_MAX);
	rc = read_result(data, len, TLN_updates_getChannelDifference, &a, &v,
			 ei);
	if (!rc && v.kind != DYN_OBJ)
		rc = err_set(ei, ERR_PROTO, "not a channel difference");
	if (!rc)
		rc = take_channel(e, channel_id, v.obj, ei);
	arena_deinit(&a);
	return rc;
}

int32_t engine_sent_id(const uint8_t *data, size_t len)
{
	struct err_info ei;
	struct dyn *d;
	struct arena a;
	int32_t id = 0;

	arena_init(&a, ENGINE_ARENA_MAX);
	if (!read_object(data, len, &a, &d, &ei)) {
		const struct dyn_vec *v = dyn_vec(d, TLF_updates);

		id = (int32_t)dyn_int(d, TLF_id, 0);
		for (uint32_t i = 0; i < dyn_len(v); i++)
			if (dyn_is(dyn_item(v, i), TLN_updateMessageID))
				id = (int32_t)dyn_int(dyn_item(v, i), TLF_id,
						      0);
	}
	arena_deinit(&a);
	return id;
}
