/* SPDX-License-Identifier: MIT */
/*
 * Histories: very many messages of all kinds at once, the same ones for the same
 * request.  And the other way round: what a chat holds, as JSON.
 *
 *	POST /messages/bulk {"from": ["9996610001"], "channel": 2000000001,
 *		"count": 1000000, "text": "message {n}", "media_every": 5,
 *		"album_every": 40, "album_size": 4, "service_every": 100,
 *		"delete_every": 50, "reply_every": 9}
 *
 * Nothing is pushed to who is online: clients find a gap, as after an absence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"
#include "http/http_req.h"

#define BODY_MAX 65536U
#define FROM_MAX 64
#define TOPICS_MAX 64
#define FILES_MAX 1000
#define ALBUM_MIN 2
#define ALBUM_MAX 10
#define LIST_MAX 1000

struct bulk {
	struct dc *dc;
	int64_t from[FROM_MAX], topics[TOPICS_MAX], files[FILES_MAX];
	uint32_t n_from, n_topics;
	int64_t n_files, file_size, peer, count, step, date;
	int64_t media_every, album_every, album_size, service_every;
	int64_t delete_every, reply_every;
	const char *text;
	struct world_blob *action;
	/* while it runs */
	int64_t last_body, group, group_left;
	int64_t first_id, last_id, deleted, albums;
};

/* ---- the request */

static enum err read_users(struct dc *dc, struct json v, struct bulk *b,
			   struct err_info *ei)
{
	struct json list = v;

	if (!json_is_array(list) || !json_len(list) ||
	    json_len(list) > FROM_MAX)
		return err_set(ei, ERR_INVALID,
			       "from: a list of 1 to %d numbers or ids",
			       FROM_MAX);
	for (struct json_iter it = json_iter(list); json_next(&it);) {
		const struct world_user *u = dc_admin_person(dc, it.val);

		if (!u)
			return err_set(ei, ERR_NOTFOUND, "from: no such user");
		b->from[b->n_from++] = u->id;
	}
	return ERR_OK;
}

static enum err read_topics(struct json v, struct bulk *b, struct err_info *ei)
{
	if (json_missing(v))
		return ERR_OK;
	if (!json_is_array(v) || json_len(v) > TOPICS_MAX)
		return err_set(ei, ERR_INVALID,
			       "topics: a list of up to %d numbers",
			       TOPICS_MAX);
	for (struct json_iter it = json_iter(v); json_next(&it);) {
		int64_t id = json_int(it.val, 0);
		const struct world_channel *c =
			world_channel_of(&b->dc->world, b->peer);

		if (!c || id < 1 || id > INT32_MAX ||
		    !world_topic(c, (int32_t)id))
			return err_set(ei, ERR_NOTFOUND,
				       "topics: no such topic");
		b->topics[b->n_topics++] = id;
	}
	return ERR_OK;
}

static enum err read_numbers(struct json body, struct bulk *b,
			     struct err_info *ei)
{
	const struct {
		const char *key;
		int64_t min, max, *to;
	} rows[] = {
		{ "count", 1, DC_BULK_MAX, &b->count },
		{ "files", 1, FILES_MAX, &b->n_files },
		{ "file_size", 1, 1 << 20, &b->file_size },
		{ "media_every", 0, DC_BULK_MAX, &b->media_every },
		{ "album_every", 0, DC_BULK_MAX, &b->album_every },
		{ "album_size", ALBUM_MIN, ALBUM_MAX, &b->album_size },
		{ "service_every", 0, DC_BULK_MAX, &b->service_every },
		{ "delete_every", 0, DC_BULK_MAX, &b->delete_every },
		{ "reply_every", 0, DC_BULK_MAX, &b->reply_every },
		{ "date_step", 0, 86400, &b->step },
		{ "first_date", 1, INT32_MAX, &b->date },
	};
	enum err rc = ERR_OK;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows) && !rc; i++)
		rc = json_want_int(body, rows[i].key, rows[i].min, rows[i].max,
				   rows[i].to, ei);
	if (!rc && b->date + b->step * b->count > INT32_MAX)
		rc = err_set(ei, ERR_INVALID,
			     "date_step: the last date is beyond 2038");
	if (!rc && b->album_every && b->album_every < b->album_size)
		rc = err_set(ei, ERR_INVALID,
			     "album_every: an album does not fit in between");
	return rc;
}

static enum err read_bulk(struct dc *dc, struct json body, struct bulk *b,
			  struct err_info *ei)
{
	enum err rc;

	*b = (struct bulk){ .dc = dc,
			    .count = 1,
			    .n_files = 10,
			    .file_size = 2048,
			    .album_size = 4,
			    .date = dc_now(dc),
			    .text = "message {n}" };
	rc = read_users(dc, json_get(body, "from"), b, ei);
	if (!rc)
		rc = dc_admin_peer(dc, body, &b->peer, ei);
	if (!rc)
		rc = json_want_str(body, "text", WORLD_TEXT_MAX / 2, &b->text,
				   ei);
	if (!rc)
		rc = read_numbers(body, b, ei);
	return rc ? rc : read_topics(json_get(body, "topics"), b, ei);
}

/* ---- files: some of each kind, used again and again */

static const struct {
	const char *name, *mime;
	bool photo;
} kinds[] = {
	{ "", "", true },
	{ "film.mp4", "video/mp4", false },
	{ "paper.pdf", "application/pdf", false },
	{ "song.mp3", "audio/mpeg", false },
	{ "voice.ogg", "audio/ogg", false },
};

static enum err make_file(struct bulk *b, int64_t i)
{
	const size_t k = (size_t)i % ARRAY_LEN(kinds);
	struct world_file f = { .photo = kinds[k].photo,
				.dc_id = 1,
				.date = (int32_t)b->date,
				.size = (size_t)b->file_size },
			  *made;
	size_t at;
	enum err rc;

	f.data = malloc(f.size);
	if (!f.data)
		return ERR_NOMEM;
	for (at = 0; at < f.size; at++)
		f.data[at] = (uint8_t)(at * 31 + (size_t)i);
	if (!text_copy(f.name, sizeof(f.name), kinds[k].name) ||
	    !text_copy(f.mime, sizeof(f.mime), kinds[k].mime))
		rc = ERR_INVALID;
	else
		rc = world_add_file(&b->dc->world, &f, &made);
	if (rc) {
		free(f.data);
		return rc;
	}
	b->files[i] = made->id;
	return ERR_OK;
}

static enum err prepare(struct bulk *b)
{
	struct dc_call call = { .dc = b->dc, .arena = &b->dc->arena };
	struct dyn *action = dyn_new(call.arena, TLN_messageActionCustomAction);
	enum err rc = ERR_OK;
	int64_t i;

	for (i = 0; (b->media_every || b->album_every) && i < b->n_files && !rc;
	     i++)
		rc = make_file(b, i);
	if (rc || !b->service_every)
		return rc;
	dyn_set_str(action, TLF_message, "something happened");
	return dc_blob_pack(&call, action, &b->action);
}

/* ---- the messages */

static size_t put_text(const struct bulk *b, int64_t n, char *dst, size_t size)
{
	const char *at = strstr(b->text, "{n}");
	int len = at ? snprintf(dst, size, "%.*s%lld%s", (int)(at - b->text),
				b->text, (long long)n, at + 3)
		     : snprintf(dst, size, "%s", b->text);

	return (size_t)len < size ? (size_t)len : size - 1;
}

static bool each(int64_t every, int64_t n)
{
	return every && n % every == 0;
}

/* The first of every pair of `files` is a picture: an album is of those. */
static void decorate(struct bulk *b, int64_t n, struct world_new_msg *m)
{
	bool begins = each(b->album_every, n) && !b->group_left;

	if (begins) {
		b->group = (int64_t)(rnd_u64(rnd_system()) >> 1);
		b->group_left = b->album_size;
		b->albums++;
	}
	if (b->group_left) {
		b->group_left--;
		m->extra.grouped_id = b->group;
		m->extra.file_id = b->files[0];
		if (!begins)
			m->text_len = 0; /* one caption for all */
		return;
	}
	if (b->action && each(b->service_every, n)) {
		m->kind = WORLD_ACTION;
		m->text_len = 0;
		m->extra.object = b->action;
		return;
	}
	if (each(b->media_every, n))
		m->extra.file_id = b->files[n / b->media_every % b->n_files];
	if (each(b->reply_every, n))
		m->extra.reply_to = b->last_body;
}

static enum err take_back(struct bulk *b, int64_t from,
			  const struct world_msg *m)
{
	struct world *w = &b->dc->world;
	struct world_channel *c = world_channel_of(w, b->peer);

	b->deleted++;
	return c ? world_channel_delete(w, c, m->id)
		 : world_delete(w, world_user(w, from), m->id, true);
}

static enum err say(struct bulk *b, int64_t n)
{
	char text[WORLD_TEXT_MAX + 1];
	struct world_new_msg m = {
		.from = b->from[n % b->n_from],
		.peer = b->peer,
		.text = text,
		.text_len = put_text(b, n, text, sizeof(text)),
		.date = (int32_t)(b->date + b->step * n),
	};
	struct world_msg *made = NULL;
	bool again;
	enum err rc;

	if (b->n_topics)
		m.extra.topic = (int32_t)b->topics[n % b->n_topics];
	if (m.extra.topic == WORLD_TOPIC_GENERAL)
		m.extra.topic = 0;
	decorate(b, n, &m);
	rc = world_send(&b->dc->world, &m, &made, &again);
	if (rc)
		return rc;
	if (!b->first_id)
		b->first_id = made->id;
	b->last_id = made->id;
	b->last_body = made->body->id;
	/* Albums stay whole. */
	if (each(b->delete_every, n) && !m.extra.grouped_id)
		return take_back(b, m.from, made);
	return ERR_OK;
}

static enum err post_bulk(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct dc *dc = ctx;
	struct bulk b;
	struct json body;
	struct jsonw w;
	struct buf out;
	int64_t n;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = read_bulk(dc, body, &b, ei);
	if (rc)
		return rc;
	dc->quiet = true;
	rc = prepare(&b);
	for (n = 1; n <= b.count && !rc; n++)
		rc = say(&b, n);
	dc->quiet = false;
	world_blob_unref(b.action);
	if (rc)
		return err_set(ei, rc,
			       "message %lld: no such chat, not in it, or full",
			       (long long)n - 1);
	dc_admin_begin(&w, &out);
	jsonw_int(&w, "sent", b.count);
	jsonw_int(&w, "first_id", b.first_id);
	jsonw_int(&w, "last_id", b.last_id);
	jsonw_int(&w, "deleted", b.deleted);
	jsonw_int(&w, "albums", b.albums);
	return dc_admin_end(req, &w, &out);
}

/* ---- reading: GET /messages?channel=...&after=0&limit=100 */

static void put_message(struct jsonw *w, const struct world_msg *m)
{
	const struct world_extra *x = world_extra(m->body);

	jsonw_object(w, NULL);
	jsonw_int(w, "id", m->id);
	jsonw_int(w, "from", m->body->from);
	jsonw_int(w, "date", m->body->date);
	jsonw_str(w, "text", m->body->text);
	if (m->body->kind != WORLD_TEXT)
		jsonw_bool(w, "service", true);
	if (x->fwd_from)
		jsonw_int(w, "forwarded_from", x->fwd_from);
	if (x->grouped_id)
		jsonw_int(w, "album", x->grouped_id);
	if (x->file_id)
		jsonw_int(w, "file", x->file_id);
	if (x->topic)
		jsonw_int(w, "topic", x->topic);
	if (m->reply_id)
		jsonw_int(w, "reply_to", m->reply_id);
	if (m->random_id)
		jsonw_int(w, "random_id", m->random_id);
	if (m->pinned)
		jsonw_bool(w, "pinned", true);
	jsonw_object_end(w);
}

/* channel=, or chat= or user= in the box of owner=. */
static enum err open_box(struct http_req *req, struct dc *dc,
			 struct dc_view *ret, struct err_info *ei)
{
	int64_t channel = 0, chat = 0, user = 0, owner = 0;
	enum err rc;

	rc = http_req_query_int(req, "channel", 1, INT64_MAX / 2, &channel, ei);
	if (!rc)
		rc = http_req_query_int(req, "chat", 1, INT32_MAX, &chat, ei);
	if (!rc)
		rc = http_req_query_int(req, "user", 1, INT64_MAX, &user, ei);
	if (!rc)
		rc = http_req_query_int(req, "owner", 1, INT64_MAX, &owner, ei);
	if (rc)
		return rc;
	*ret = (struct dc_view){ .user = world_user(&dc->world, owner) };
	if (channel) {
		ret->channel = world_channel(&dc->world, channel);
		ret->box = ret->channel ? &ret->channel->box : NULL;
	} else if (ret->user) {
		ret->box = world_dialog(ret->user, user ? user : -chat);
	}
	return ret->box ? ERR_OK
			: err_set(ei, ERR_NOTFOUND,
				  "channel, or owner with chat or user: "
				  "nothing was said there");
}

static enum err get_messages(struct http_req *req, void *ctx,
			     struct err_info *ei)
{
	int64_t after = 0, limit = 100, n = 0;
	struct dc_view v;
	struct jsonw w;
	struct buf out;
	uint32_t i;
	enum err rc;

	rc = open_box(req, ctx, &v, ei);
	if (!rc)
		rc = http_req_query_int(req, "after", 0, INT32_MAX, &after, ei);
	if (!rc)
		rc = http_req_query_int(req, "limit", 1, LIST_MAX, &limit, ei);
	if (rc)
		return rc;
	dc_admin_begin(&w, &out);
	jsonw_int(&w, "count", v.box->n);
	jsonw_array(&w, "messages");
	for (i = 0; i < v.box->n && n < limit; i++) {
		int32_t id = v.box->ids[i];

		if (id <= after)
			continue;
		put_message(&w, v.channel ? world_channel_msg(v.channel, id)
					  : world_msg(v.user, id));
		n++;
	}
	jsonw_array_end(&w);
	return dc_admin_end(req, &w, &out);
}

enum err dc_bulk_routes(struct dc *dc, struct err_info *ei)
{
	static const struct router_row rows[] = {
		{ "GET", "/messages", 0, 0, 0, get_messages,
		  "What a chat holds" },
		{ "POST", "/messages/bulk", 0, 0, BODY_MAX, post_bulk,
		  "Make a long history" },
	};

	return router_add(&dc->router, rows, ARRAY_LEN(rows), ei);
}
