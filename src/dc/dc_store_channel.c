/* SPDX-License-Identifier: MIT */
/* Channels, what bodies carry besides text, and files in the state file. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_store_int.h"
#include "dc/world_channel.h"
#include "dc/world_file.h"
#include "dc/world_invite.h"
#include "dc/world_topic.h"

enum {
	FLAG_MEGAGROUP = 1,
	FLAG_NOFORWARDS = 2,
	FLAG_FORUM = 4,
};

/* Of a seat, of a topic, of a link. */
enum {
	SEAT_IN = 1,
	SEAT_ASKS = 2,
	TOPIC_CLOSED = 1,
	TOPIC_HIDDEN = 2,
	TOPIC_PINNED = 4,
	INVITE_REVOKED = 1,
	INVITE_PERMANENT = 2,
	INVITE_REQUEST = 4,
};

void dc_store_put_extra(struct dc_store *s, const struct world_body *b)
{
	const struct world_extra *x = world_extra(b);

	if (!b->edit_date && world_extra_is_empty(x))
		return;
	dc_store_put_row(s, ST_PUT_EXTRA, "iiiiiiiiiBBB", b->id,
			 (int64_t)b->edit_date, x->fwd_from,
			 (int64_t)x->fwd_date, (int64_t)x->fwd_post,
			 x->grouped_id, x->file_id, x->reply_to,
			 (int64_t)x->topic, x->entities, x->markup, x->object);
}

void dc_store_put_change(struct dc_store *s, int64_t owner,
			 const struct world_event *e)
{
	dc_store_put_row(s, ST_PUT_EVENT, "iiiiiiii", owner, (int64_t)e->pts,
			 (int64_t)e->kind, (int64_t)e->peer, (int64_t)e->value,
			 INT64_C(0), INT64_C(0), INT64_C(0));
}

void dc_store_put_channel(struct dc_store *s, const struct world_channel *c)
{
	int64_t flags = (c->megagroup ? FLAG_MEGAGROUP : 0) |
			(c->noforwards ? FLAG_NOFORWARDS : 0) |
			(c->forum ? FLAG_FORUM : 0);

	dc_store_put_row(s, ST_PUT_CHANNEL, "iiiiisssi", c->id, c->creator,
			 (int64_t)c->date, flags, (int64_t)c->slow_sec,
			 c->title, c->about, c->username, c->migrated_from);
}

void dc_store_put_seat(struct dc_store *s, const struct world_channel *c,
		       const struct world_seat *seat)
{
	int64_t flags = (seat->in ? SEAT_IN : 0) | (seat->asks ? SEAT_ASKS : 0);

	dc_store_put_row(s, ST_PUT_SEAT, "iiiiiiiisi", c->id, seat->user_id,
			 seat->inviter_id, (int64_t)seat->date,
			 (int64_t)seat->rights, (int64_t)seat->banned, flags,
			 (int64_t)seat->read_in, seat->rank,
			 (int64_t)seat->next_send);
}

void dc_store_put_post(struct dc_store *s, const struct world_channel *c,
		       const struct world_event *e)
{
	const struct world_msg *m = NULL;

	if (e->kind == WORLD_EV_MESSAGE)
		m = world_channel_msg(c, e->value);
	dc_store_put_row(s, ST_PUT_POST, "iiiiii", c->id, (int64_t)e->pts,
			 (int64_t)e->kind, (int64_t)e->value,
			 m ? m->body->id : INT64_C(0),
			 m ? m->random_id : INT64_C(0));
}

void dc_store_put_file(struct dc_store *s, const struct world_file *f)
{
	dc_store_put_row(s, ST_PUT_FILE, "iiiissbB", f->id, f->access_hash,
			 (int64_t)f->dc_id * 2 + f->photo, (int64_t)f->date,
			 f->name, f->mime, (const void *)f->data, f->size,
			 f->attributes);
}

void dc_store_put_invite(struct dc_store *s, const struct world_invite *i)
{
	int64_t flags = (i->revoked ? INVITE_REVOKED : 0) |
			(i->permanent ? INVITE_PERMANENT : 0) |
			(i->request ? INVITE_REQUEST : 0);

	dc_store_put_row(s, ST_PUT_INVITE, "siiiiiiis", i->hash, i->peer,
			 i->admin, (int64_t)i->date, (int64_t)i->expires,
			 (int64_t)i->limit, (int64_t)i->used, flags, i->title);
}

void dc_store_put_topic(struct dc_store *s, const struct world_channel *c,
			const struct world_topic *t)
{
	int64_t flags = (t->closed ? TOPIC_CLOSED : 0) |
			(t->hidden ? TOPIC_HIDDEN : 0) |
			(t->pinned ? TOPIC_PINNED : 0);

	if (t->gone) {
		dc_store_put_row(s, ST_DEL_TOPIC, "ii", c->id, (int64_t)t->id);
		return;
	}
	dc_store_put_row(s, ST_PUT_TOPIC, "iiiiiiis", c->id, (int64_t)t->id,
			 t->creator, (int64_t)t->date, (int64_t)t->color,
			 t->emoji, flags, t->title);
}

void dc_store_put_topic_read(struct dc_store *s, const struct world_channel *c,
			     const struct world_topic *t, int64_t user_id)
{
	dc_store_put_row(s, ST_PUT_READ, "iiii", c->id, (int64_t)t->id, user_id,
			 (int64_t)world_topic_read_by(t, user_id));
}

/* ---- loading */

enum err dc_store_load_extra(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct world_body *b =
		imap_get(&l->bodies, sqlite3_column_int64(st, 0));

	struct world_extra x;
	enum err rc;

	if (!b)
		return ERR_CORRUPT;
	b->edit_date = sqlite3_column_int(st, 1);
	x = (struct world_extra){
		.fwd_from = sqlite3_column_int64(st, 2),
		.fwd_date = sqlite3_column_int(st, 3),
		.fwd_post = sqlite3_column_int(st, 4),
		.grouped_id = sqlite3_column_int64(st, 5),
		.file_id = sqlite3_column_int64(st, 6),
		.reply_to = sqlite3_column_int64(st, 7),
		.topic = sqlite3_column_int(st, 8),
	};
	rc = dc_store_blob(st, 9, &x.entities);
	if (!rc)
		rc = dc_store_blob(st, 10, &x.markup);
	if (!rc)
		rc = dc_store_blob(st, 11, &x.object);
	if (!rc)
		rc = world_body_dress(b, &x);
	world_blob_unref(x.entities);
	world_blob_unref(x.markup);
	world_blob_unref(x.object);
	return rc;
}

enum err dc_store_load_channel(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	int flags = sqlite3_column_int(st, 3);
	struct world_channel c = {
		.id = sqlite3_column_int64(st, 0),
		.creator = sqlite3_column_int64(st, 1),
		.date = sqlite3_column_int(st, 2),
		.megagroup = flags & FLAG_MEGAGROUP,
		.noforwards = flags & FLAG_NOFORWARDS,
		.forum = flags & FLAG_FORUM,
		.migrated_from = sqlite3_column_int64(st, 8),
		.slow_sec = sqlite3_column_int(st, 4),
	};

	if (!text_copy(c.title, sizeof(c.title), dc_store_text(st, 5)) ||
	    !text_copy(c.about, sizeof(c.about), dc_store_text(st, 6)) ||
	    !text_copy(c.username, sizeof(c.username), dc_store_text(st, 7)))
		return ERR_CORRUPT;
	return world_load_channel(l->w, &c);
}

enum err dc_store_load_seat(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct world_seat s = {
		.user_id = sqlite3_column_int64(st, 1),
		.inviter_id = sqlite3_column_int64(st, 2),
		.date = sqlite3_column_int(st, 3),
		.rights = (unsigned int)sqlite3_column_int(st, 4),
		.banned = (unsigned int)sqlite3_column_int(st, 5),
		.in = sqlite3_column_int(st, 6) & SEAT_IN,
		.asks = sqlite3_column_int(st, 6) & SEAT_ASKS,
		.read_in = sqlite3_column_int(st, 7),
		.next_send = sqlite3_column_int(st, 9),
	};

	if (!text_copy(s.rank, sizeof(s.rank), dc_store_text(st, 8)))
		return ERR_CORRUPT;
	return world_load_seat(l->w, sqlite3_column_int64(st, 0), &s);
}

enum err dc_store_load_post(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	int64_t id = sqlite3_column_int64(st, 0);
	struct world_event e = {
		.pts = sqlite3_column_int(st, 1),
		.kind = (enum world_event_kind)sqlite3_column_int(st, 2),
		.peer = world_channel_mark(id),
		.value = sqlite3_column_int(st, 3),
	};
	struct world_msg m = { .peer = e.peer,
			       .id = e.value,
			       .pts = e.pts,
			       .random_id = sqlite3_column_int64(st, 5) };

	if (e.kind == WORLD_EV_MESSAGE) {
		m.body = imap_get(&l->bodies, sqlite3_column_int64(st, 4));
		if (!m.body)
			return ERR_CORRUPT;
	}
	return world_load_post(l->w, id, &e, &m);
}

enum err dc_store_load_file(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct world_file f = {
		.id = sqlite3_column_int64(st, 0),
		.access_hash = sqlite3_column_int64(st, 1),
		.photo = sqlite3_column_int(st, 2) & 1,
		.dc_id = sqlite3_column_int(st, 2) / 2,
		.date = sqlite3_column_int(st, 3),
		.size = (size_t)sqlite3_column_bytes(st, 6),
	}, *made;
	enum err rc;

	if (!text_copy(f.name, sizeof(f.name), dc_store_text(st, 4)) ||
	    !text_copy(f.mime, sizeof(f.mime), dc_store_text(st, 5)))
		return ERR_CORRUPT;
	f.data = malloc(f.size ? f.size : 1);
	if (!f.data)
		return ERR_NOMEM;
	if (f.size)
		memcpy(f.data, sqlite3_column_blob(st, 6), f.size);
	rc = dc_store_blob(st, 7, &f.attributes);
	if (!rc)
		rc = world_add_file(l->w, &f, &made);
	world_blob_unref(f.attributes);
	if (rc)
		free(f.data);
	return rc;
}

enum err dc_store_load_invite(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	int flags = sqlite3_column_int(st, 7);
	struct world_invite i = {
		.peer = sqlite3_column_int64(st, 1),
		.admin = sqlite3_column_int64(st, 2),
		.date = sqlite3_column_int(st, 3),
		.expires = sqlite3_column_int(st, 4),
		.limit = sqlite3_column_int(st, 5),
		.used = sqlite3_column_int(st, 6),
		.revoked = flags & INVITE_REVOKED,
		.permanent = flags & INVITE_PERMANENT,
		.request = flags & INVITE_REQUEST,
	}, *made;

	if (!text_copy(i.hash, sizeof(i.hash), dc_store_text(st, 0)) ||
	    !text_copy(i.title, sizeof(i.title), dc_store_text(st, 8)))
		return ERR_CORRUPT;
	return world_invite_add(l->w, &i, &made);
}

enum err dc_store_load_topic(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct world_channel *c =
		world_channel(l->w, sqlite3_column_int64(st, 0));
	int flags = sqlite3_column_int(st, 6);
	struct world_topic t = {
		.id = sqlite3_column_int(st, 1),
		.creator = sqlite3_column_int64(st, 2),
		.date = sqlite3_column_int(st, 3),
		.color = sqlite3_column_int(st, 4),
		.emoji = sqlite3_column_int64(st, 5),
		.closed = flags & TOPIC_CLOSED,
		.hidden = flags & TOPIC_HIDDEN,
		.pinned = flags & TOPIC_PINNED,
	}, *made;

	if (!c || !text_copy(t.title, sizeof(t.title), dc_store_text(st, 7)))
		return ERR_CORRUPT;
	return world_topic_add(l->w, c, &t, &made);
}

enum err dc_store_load_read(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct world_channel *c =
		world_channel(l->w, sqlite3_column_int64(st, 0));
	struct world_topic *t =
		c ? world_topic(c, sqlite3_column_int(st, 1)) : NULL;

	return t ? world_topic_read_to(t, sqlite3_column_int64(st, 2),
				       sqlite3_column_int(st, 3))
		 : ERR_OK; /* of a topic that is no more */
}
