/* SPDX-License-Identifier: MIT */
/* Channels, what bodies carry besides text, and files in the state file. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_store_int.h"
#include "dc/world_channel.h"
#include "dc/world_file.h"

enum {
	FLAG_MEGAGROUP = 1,
	FLAG_NOFORWARDS = 2,
};

void dc_store_put_extra(struct dc_store *s, const struct world_body *b)
{
	const struct world_extra *x = &b->extra;

	if (!b->edit_date && !x->fwd_from && !x->grouped_id && !x->file_id &&
	    !x->reply_to)
		return;
	dc_store_put_row(s, ST_PUT_EXTRA, "iiiiiiii", b->id,
			 (int64_t)b->edit_date, x->fwd_from,
			 (int64_t)x->fwd_date, (int64_t)x->fwd_post,
			 x->grouped_id, x->file_id, x->reply_to);
}

void dc_store_put_change(struct dc_store *s, int64_t owner,
			 const struct world_event *e)
{
	dc_store_put_row(s, ST_PUT_EVENT, "iiiiiiii", owner, (int64_t)e->pts,
			 (int64_t)e->kind, e->peer, (int64_t)e->value,
			 INT64_C(0), INT64_C(0), INT64_C(0));
}

void dc_store_put_channel(struct dc_store *s, const struct world_channel *c)
{
	int64_t flags = (c->megagroup ? FLAG_MEGAGROUP : 0) |
			(c->noforwards ? FLAG_NOFORWARDS : 0);

	dc_store_put_row(s, ST_PUT_CHANNEL, "iiiiissss", c->id, c->creator,
			 (int64_t)c->date, flags, (int64_t)c->slow_sec,
			 c->title, c->about, c->username, c->invite);
}

void dc_store_put_seat(struct dc_store *s, const struct world_channel *c,
		       const struct world_seat *seat)
{
	dc_store_put_row(s, ST_PUT_SEAT, "iiiiiiiis", c->id, seat->user_id,
			 seat->inviter_id, (int64_t)seat->date,
			 (int64_t)seat->rights, (int64_t)seat->banned,
			 (int64_t)seat->in, (int64_t)seat->read_in, seat->rank);
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
	dc_store_put_row(s, ST_PUT_FILE, "iiiissb", f->id, f->access_hash,
			 (int64_t)f->dc_id * 2 + f->photo, (int64_t)f->date,
			 f->name, f->mime, (const void *)f->data, f->size);
}

/* ---- loading */

enum err dc_store_load_extra(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct world_body *b =
		imap_get(&l->bodies, sqlite3_column_int64(st, 0));

	if (!b)
		return ERR_CORRUPT;
	b->edit_date = sqlite3_column_int(st, 1);
	b->extra = (struct world_extra){
		.fwd_from = sqlite3_column_int64(st, 2),
		.fwd_date = sqlite3_column_int(st, 3),
		.fwd_post = sqlite3_column_int(st, 4),
		.grouped_id = sqlite3_column_int64(st, 5),
		.file_id = sqlite3_column_int64(st, 6),
		.reply_to = sqlite3_column_int64(st, 7),
	};
	return ERR_OK;
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
		.slow_sec = sqlite3_column_int(st, 4),
	};

	if (!text_copy(c.title, sizeof(c.title), dc_store_text(st, 5)) ||
	    !text_copy(c.about, sizeof(c.about), dc_store_text(st, 6)) ||
	    !text_copy(c.username, sizeof(c.username), dc_store_text(st, 7)) ||
	    !text_copy(c.invite, sizeof(c.invite), dc_store_text(st, 8)))
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
		.in = sqlite3_column_int(st, 6) != 0,
		.read_in = sqlite3_column_int(st, 7),
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
	rc = world_add_file(l->w, &f, &made);
	if (rc)
		free(f.data);
	return rc;
}
