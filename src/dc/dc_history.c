/* SPDX-License-Identifier: MIT */
/* messages.* that read: history, single messages, dialogs, chats. */
#include <stdlib.h>
#include <string.h>

#include "dc/dc_int.h"

#define LIMIT_MAX 100

struct page {
	int64_t offset_id, offset_date, add_offset, limit, max_id, min_id;
};

static struct page page_of(const struct dyn *fn)
{
	struct page p = {
		.offset_id = dyn_int(fn, TLF_offset_id, 0),
		.offset_date = dyn_int(fn, TLF_offset_date, 0),
		.add_offset = dyn_int(fn, TLF_add_offset, 0),
		.limit = dyn_int(fn, TLF_limit, 0),
		.max_id = dyn_int(fn, TLF_max_id, 0),
		.min_id = dyn_int(fn, TLF_min_id, 0),
	};

	if (p.limit < 0 || p.limit > LIMIT_MAX)
		p.limit = LIMIT_MAX;
	return p;
}

/* How many of the dialog's messages lie before the page's offset. */
static uint32_t before_offset(const struct dc_view *v, const struct page *p)
{
	uint32_t lo = 0, hi = v->box->n;
	struct world_msg m;

	if (!p->offset_id && !p->offset_date)
		return hi;
	/* Dates grow with ids, so either can be bisected. */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int32_t id = v->box->ids[mid];
		bool before = p->offset_id
				      ? id < p->offset_id
				      : dc_view_msg(v, id, &m) &&
						m.body->date < p->offset_date;

		if (before)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct dyn *messages_object(struct dc_call *call,
				   const struct dc_view *v, uint32_t total,
				   bool whole)
{
	uint16_t name = v && v->channel ? TLN_messages_channelMessages
			: whole		? TLN_messages_messages
					: TLN_messages_messagesSlice;
	struct dyn *d = dyn_new(call->arena, name);

	dyn_add_vec(d, TLF_messages);
	if (v && v->channel)
		dyn_set_int(d, TLF_pts, world_channel_pts(v->channel));
	if (!whole || (v && v->channel))
		dyn_set_int(d, TLF_count, total);
	return d;
}

static void push_msg(struct dc_call *call, struct dc_refs *refs, struct dyn *d,
		     const struct world_msg *m)
{
	dyn_push_obj(dyn_vec(d, TLF_messages),
		     dc_objects_message(call->arena, &call->dc->world, m));
	dc_refs_msg(refs, m);
}

/* A page of what the view shows, newest first. */
static void put_page(struct dc_call *call, const struct dc_view *v,
		     const struct page *p)
{
	uint32_t n = 0, total = v->box ? v->box->n : 0;
	struct dyn *d = messages_object(call, v, total, total <= p->limit);
	struct dc_refs refs;
	struct world_msg m;
	int64_t i = v->box ? (int64_t)before_offset(v, p) : 0;

	i -= p->add_offset;
	if (i > total)
		i = total;
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	for (; v->box && i > 0 && n < p->limit; i--) {
		if (!dc_view_msg(v, v->box->ids[i - 1], &m) ||
		    (p->max_id && m.id >= p->max_id))
			continue;
		if (m.id <= p->min_id)
			break;
		push_msg(call, &refs, d, &m);
		n++;
	}
	if (v->box)
		dc_refs_peer(&refs, v->box->peer);
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
}

static enum err open_view(struct dc_call *call, struct dc_view *ret)
{
	int64_t peer;
	enum err rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &peer);

	if (!rc)
		dc_view_open(call, peer, ret);
	return rc;
}

enum err dc_messages_history(struct dc_call *call, struct err_info *ei)
{
	struct page p = page_of(call->fn);
	struct dc_view v;
	enum err rc;

	(void)ei;
	rc = open_view(call, &v);
	if (!rc)
		put_page(call, &v, &p);
	return rc;
}

/* Those of the view that fit, as a list of their own. */
static enum err select_ids(struct dc_call *call, struct dc_view *v,
			   dc_view_fits fits, const void *ctx)
{
	struct world_dialog *box = arena_alloc(call->arena, sizeof(*box));
	struct world_msg m;
	uint32_t i;

	if (!v->box)
		return ERR_OK;
	if (!box)
		return ERR_NOMEM;
	*box = (struct world_dialog){ .peer = v->box->peer };
	box->ids = arena_array(call->arena, v->box->n + 1, sizeof(*box->ids));
	if (!box->ids)
		return ERR_NOMEM;
	for (i = 0; i < v->box->n; i++) {
		if (dc_view_msg(v, v->box->ids[i], &m) &&
		    fits(&call->dc->world, &m, ctx))
			box->ids[box->n++] = m.id;
	}
	v->box = box;
	return ERR_OK;
}

static enum err only_topic(struct dc_call *call, struct dc_view *v, int64_t id)
{
	const struct world_topic *t =
		v->channel && id > 0 && id <= INT32_MAX
			? world_topic(v->channel, (int32_t)id)
			: NULL;

	if (!t)
		return dc_call_fail(call, 400, "TOPIC_ID_INVALID");
	v->box = &t->box;
	return ERR_OK;
}

enum err dc_messages_search(struct dc_call *call, struct err_info *ei)
{
	struct page p = page_of(call->fn);
	struct dc_search s;
	struct dc_view v;
	enum err rc;

	(void)ei;
	rc = open_view(call, &v);
	if (!rc && dyn_has(call->fn, TLF_top_msg_id))
		rc = only_topic(call, &v, dyn_int(call->fn, TLF_top_msg_id, 0));
	if (!rc)
		rc = dc_search_read(call, &s);
	if (!rc && !dc_search_is_all(&s))
		rc = select_ids(call, &v, dc_search_fits, &s);
	if (!rc)
		put_page(call, &v, &p);
	return rc;
}

/* Whose it is, or whose it was before somebody forwarded it. */
static bool is_by(const struct world *w, const struct world_msg *m,
		  const void *ctx)
{
	const int64_t *author = ctx;
	int64_t fwd = world_extra(m->body)->fwd_from;

	(void)w;
	return (fwd ? fwd : m->body->from) == *author;
}

/* Saved Messages, sorted by whom they are from. */
enum err dc_messages_saved(struct dc_call *call, struct err_info *ei)
{
	struct page p = page_of(call->fn);
	struct dc_view v;
	int64_t author;
	enum err rc;

	(void)ei;
	rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), &author);
	if (rc)
		return rc;
	dc_view_open(call, call->user->id, &v);
	rc = select_ids(call, &v, is_by, &author);
	if (!rc)
		put_page(call, &v, &p);
	return rc;
}

static bool answers(const struct world *w, const struct world_msg *m,
		    const void *ctx)
{
	const int32_t *id = ctx;

	(void)w;
	return m->reply_id == *id;
}

/* A topic of a forum; elsewhere, the answers to a message. */
enum err dc_messages_replies(struct dc_call *call, struct err_info *ei)
{
	int64_t top = dyn_int(call->fn, TLF_msg_id, 0);
	struct page p = page_of(call->fn);
	int32_t id = (int32_t)top;
	struct world_msg m;
	struct dc_view v;
	enum err rc;

	(void)ei;
	rc = open_view(call, &v);
	if (rc)
		return rc;
	if (v.channel && v.channel->forum)
		rc = only_topic(call, &v, top);
	else if (top != id || !dc_view_msg(&v, id, &m) || !v.box ||
		 m.peer != v.box->peer)
		rc = dc_call_fail(call, 400, "MSG_ID_INVALID");
	else
		rc = select_ids(call, &v, answers, &id);
	if (!rc)
		put_page(call, &v, &p);
	return rc;
}

static void get_ids(struct dc_call *call, const struct dc_view *v)
{
	const struct dyn_vec *ids = dyn_vec(call->fn, TLF_id);
	struct dyn *d = messages_object(call, v, dyn_len(ids), true), *item;
	struct dc_refs refs;
	struct world_msg m;
	uint32_t i;

	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	for (i = 0; i < dyn_len(ids) && i < LIMIT_MAX; i++) {
		int32_t id = (int32_t)dyn_int(dyn_item(ids, i), TLF_id, 0);

		if (dc_view_msg(v, id, &m)) {
			push_msg(call, &refs, d, &m);
			continue;
		}
		item = dyn_new(call->arena, TLN_messageEmpty);
		dyn_set_int(item, TLF_id, id);
		dyn_push_obj(dyn_vec(d, TLF_messages), item);
	}
	if (v->channel)
		dc_refs_peer(&refs, v->channel->box.peer);
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
}

enum err dc_messages_get(struct dc_call *call, struct err_info *ei)
{
	struct dc_view v = { .user = call->user };

	(void)ei;
	get_ids(call, &v);
	return ERR_OK;
}

enum err dc_channels_messages(struct dc_call *call, struct err_info *ei)
{
	struct dc_view v = { .user = call->user };
	struct world_channel *c = NULL;
	enum err rc;

	(void)ei;
	rc = dc_peers_channel(call, dyn_obj(call->fn, TLF_channel), &c);
	if (rc)
		return rc;
	v.channel = c;
	get_ids(call, &v);
	return ERR_OK;
}

/* ---- dialogs: newest first */

static int newer_first(const void *a, const void *b)
{
	const struct world_msg *x = *(const struct world_msg *const *)a;
	const struct world_msg *y = *(const struct world_msg *const *)b;

	if (x->body->date != y->body->date)
		return x->body->date < y->body->date ? 1 : -1;
	return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

/* The last message of every dialog, newest first. */
static const struct world_msg **tops_of(struct dc_call *call, uint32_t *ret_n)
{
	const struct world_user *u = call->user;
	const struct world_msg **tops;
	const struct world_dialog *d;
	const struct world_channel *c;
	uint32_t cursor = 0, n = 0;

	tops = arena_array(call->arena, u->dialogs.len + u->channels.len + 1,
			   sizeof(*tops));
	if (!tops)
		return NULL;
	while ((d = imap_next(&u->dialogs, &cursor))) {
		if (d->n)
			tops[n++] = world_msg(u, d->ids[d->n - 1]);
	}
	cursor = 0;
	while ((c = imap_next(&u->channels, &cursor))) {
		if (c->box.n)
			tops[n++] =
				world_channel_msg(c, c->box.ids[c->box.n - 1]);
	}
	qsort(tops, n, sizeof(*tops), newer_first);
	*ret_n = n;
	return tops;
}

struct dyn *dc_dialog_object(struct dc_call *call, int64_t peer)
{
	struct dyn *d = dyn_new(call->arena, TLN_dialog);
	const struct world_seat *seat;
	struct dc_view v;

	dc_view_open(call, peer, &v);
	dyn_set_obj(d, TLF_peer, dc_objects_peer(call->arena, peer));
	dyn_set_obj(d, TLF_notify_settings,
		    dyn_new(call->arena, TLN_peerNotifySettings));
	if (v.box && v.box->n)
		dyn_set_int(d, TLF_top_message, v.box->ids[v.box->n - 1]);
	if (v.channel) {
		seat = world_seat(v.channel, call->user->id);
		dyn_set_int(d, TLF_pts, world_channel_pts(v.channel));
		if (seat)
			dyn_set_int(d, TLF_read_inbox_max_id, seat->read_in);
		if (seat)
			dyn_set_int(d, TLF_unread_count,
				    world_channel_unread(v.channel, seat));
	} else if (v.box) {
		dyn_set_int(d, TLF_read_inbox_max_id, v.box->read_in);
		dyn_set_int(d, TLF_read_outbox_max_id, v.box->read_out);
		dyn_set_int(d, TLF_unread_count, v.box->unread);
	}
	return d;
}

void dc_dialog_push_top(struct dc_call *call, struct dyn_vec *msgs,
			struct dc_refs *refs, int64_t peer)
{
	struct world_msg m;
	struct dc_view v;

	dc_view_open(call, peer, &v);
	dc_refs_peer(refs, peer);
	if (!v.box || !v.box->n ||
	    !dc_view_msg(&v, v.box->ids[v.box->n - 1], &m))
		return;
	dyn_push_obj(msgs,
		     dc_objects_message(call->arena, &call->dc->world, &m));
	dc_refs_msg(refs, &m);
}

/* Already shown on an earlier page? */
static bool shown(const struct page *p, const struct world_msg *m)
{
	if (!p->offset_date)
		return false;
	if (m->body->date != p->offset_date)
		return m->body->date > p->offset_date;
	return p->offset_id && m->id >= p->offset_id;
}

enum err dc_messages_dialogs(struct dc_call *call, struct err_info *ei)
{
	bool archive = dyn_int(call->fn, TLF_folder_id, 0) == 1;
	struct page p = page_of(call->fn);
	const struct world_msg **tops;
	struct dyn_vec *dialogs, *msgs;
	uint32_t i, total, n = 0;
	struct dc_refs refs;
	struct dyn *d;

	(void)ei;
	tops = tops_of(call, &total);
	if (!tops)
		return ERR_NOMEM;
	if (archive)
		total = 0;
	d = dyn_new(call->arena, total <= p.limit ? TLN_messages_dialogs
						  : TLN_messages_dialogsSlice);
	if (total > p.limit)
		dyn_set_int(d, TLF_count, total);
	dialogs = dyn_add_vec(d, TLF_dialogs);
	msgs = dyn_add_vec(d, TLF_messages);
	dc_refs_init(&refs, &call->dc->world, call->user->id, d);
	for (i = 0; i < total && n < p.limit; i++) {
		if (shown(&p, tops[i]))
			continue;
		dyn_push_obj(dialogs, dc_dialog_object(call, tops[i]->peer));
		dc_dialog_push_top(call, msgs, &refs, tops[i]->peer);
		n++;
	}
	dc_refs_deinit(&refs);
	dc_call_obj(call, d);
	return ERR_OK;
}

/* Nobody has folders of their own: there is the list of all chats. */
enum err dc_messages_filters(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_dialogFilters);
	struct dyn_vec *v = dyn_add_vec(d, TLF_filters);

	(void)ei;
	dyn_push_obj(v, dyn_new(call->arena, TLN_dialogFilterDefault));
	if (schema_by_name(call->schema, TLN_messages_dialogFilters))
		dc_call_obj(call, d);
	else
		call->result = (struct dyn_val){ .kind = DYN_VEC, .vec = v };
	return ERR_OK;
}

enum err dc_messages_chats(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_messages_chats);
	const struct dyn_vec *ids = dyn_vec(call->fn, TLF_id);
	struct dyn_vec *v = dyn_add_vec(d, TLF_chats);
	uint32_t i;

	(void)ei;
	for (i = 0; i < dyn_len(ids) && i < LIMIT_MAX; i++) {
		const struct world_chat *c =
			world_chat(&call->dc->world, ids->items[i].i);

		if (!c || !world_is_member(c, call->user->id))
			return dc_call_fail(call, 400, "CHAT_ID_INVALID");
		dyn_push_obj(v, dc_objects_chat(call->arena, &call->dc->world,
						call->user->id, c, true));
	}
	dc_call_obj(call, d);
	return ERR_OK;
}
