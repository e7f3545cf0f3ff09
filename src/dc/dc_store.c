/* SPDX-License-Identifier: MIT */
#include "dc/dc_store.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/text.h"
#include "dc/dc_store_int.h"
#include "dc/world_channel.h"
#include "dc/world_file.h"

#define BUSY_MS 2000

static const char *const stmt_sql[ST_COUNT] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_GET_META] = "SELECT value FROM meta WHERE name = ?1",
	[ST_PUT_META] = "INSERT OR REPLACE INTO meta VALUES (?1, ?2)",
	[ST_PUT_USER] =
		"INSERT OR REPLACE INTO users VALUES (?1,?2,?3,?4,?5,?6)",
	[ST_PUT_PASSWORD] = "REPLACE INTO passwords VALUES (?,?,?,?,?)",
	[ST_DEL_PASSWORD] = "DELETE FROM passwords WHERE user_id = ?1",
	[ST_PUT_BOT] = "REPLACE INTO bots VALUES (?,?,?)",
	[ST_PUT_CHAT] = "REPLACE INTO chats VALUES (?,?,?,?,?,?,?,?)",
	[ST_DEL_MEMBERS] = "DELETE FROM members WHERE chat_id = ?1",
	[ST_PUT_MEMBER] = "REPLACE INTO members VALUES (?,?,?,?,?,?)",
	[ST_PUT_BODY] = "REPLACE INTO bodies VALUES (?,?,?,?,?,?)",
	[ST_PUT_EVENT] = "INSERT INTO events VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
	[ST_PUT_EXTRA] = "REPLACE INTO extras VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
	[ST_PUT_CHANNEL] = "REPLACE INTO channels VALUES (?,?,?,?,?,?,?,?,?)",
	[ST_PUT_SEAT] = "REPLACE INTO seats VALUES (?,?,?,?,?,?,?,?,?,?)",
	[ST_PUT_POST] = "INSERT INTO posts VALUES (?1,?2,?3,?4,?5,?6)",
	[ST_PUT_FILE] = "REPLACE INTO files VALUES (?,?,?,?,?,?,?,?)",
	[ST_PUT_INVITE] = "REPLACE INTO invites VALUES (?,?,?,?,?,?,?,?,?)",
	[ST_PUT_TOPIC] = "REPLACE INTO topics VALUES (?,?,?,?,?,?,?,?)",
	[ST_DEL_TOPIC] = "DELETE FROM topics WHERE channel = ?1 AND id = ?2",
	[ST_PUT_READ] = "REPLACE INTO topic_reads VALUES (?,?,?,?)",
	[ST_PUT_KEY] = "REPLACE INTO auth_keys VALUES (?,?,?,?,?,?,?,?,?,?,?)",
	[ST_DEL_KEY] = "DELETE FROM auth_keys WHERE id = ?1",
};

/*
 * events: kind 0 is a message (extra = body id), 1 and 2 are read marks (extra =
 * unread count after it), the others have none; the primary key is the box
 * itself in order of pts.
 */
#define SCHEMA_VERSION 2
static const char schema_sql[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=NORMAL;"
	"PRAGMA user_version=2;"
	"CREATE TABLE IF NOT EXISTS meta ("
	" name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS users ("
	" id INTEGER PRIMARY KEY, phone TEXT, first TEXT, last TEXT,"
	" username TEXT, home_dc INTEGER);"
	"CREATE TABLE IF NOT EXISTS passwords ("
	" user_id INTEGER PRIMARY KEY, salt1 BLOB, salt2 BLOB, verifier BLOB,"
	" hint TEXT);"
	"CREATE TABLE IF NOT EXISTS bots ("
	" user_id INTEGER PRIMARY KEY, token TEXT, commands BLOB);"
	"CREATE TABLE IF NOT EXISTS chats ("
	" id INTEGER PRIMARY KEY, creator INTEGER, date INTEGER,"
	" version INTEGER, flags INTEGER, migrated_to INTEGER, title TEXT,"
	" about TEXT);"
	"CREATE TABLE IF NOT EXISTS members ("
	" chat_id INTEGER, pos INTEGER, user_id INTEGER, inviter_id INTEGER,"
	" date INTEGER, admin INTEGER, PRIMARY KEY (chat_id, pos))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS bodies ("
	" id INTEGER PRIMARY KEY, sender INTEGER, date INTEGER, kind INTEGER,"
	" flags INTEGER, text TEXT);"
	"CREATE TABLE IF NOT EXISTS events ("
	" owner INTEGER, pts INTEGER, kind INTEGER, peer INTEGER,"
	" value INTEGER, extra INTEGER, out INTEGER, random_id INTEGER,"
	" PRIMARY KEY (owner, pts)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS extras ("
	" body INTEGER PRIMARY KEY, edit_date INTEGER, fwd_from INTEGER,"
	" fwd_date INTEGER, fwd_post INTEGER, grouped INTEGER, file INTEGER,"
	" reply_to INTEGER, topic INTEGER, entities BLOB, markup BLOB,"
	" object BLOB);"
	"CREATE TABLE IF NOT EXISTS channels ("
	" id INTEGER PRIMARY KEY, creator INTEGER, date INTEGER, flags INTEGER,"
	" slow_sec INTEGER, title TEXT, about TEXT, username TEXT,"
	" migrated_from INTEGER);"
	"CREATE TABLE IF NOT EXISTS seats ("
	" channel INTEGER, user INTEGER, inviter INTEGER, date INTEGER,"
	" rights INTEGER, banned INTEGER, inside INTEGER, read_in INTEGER,"
	" rank TEXT, next_send INTEGER, PRIMARY KEY (channel, user))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS posts ("
	" channel INTEGER, pts INTEGER, kind INTEGER, value INTEGER,"
	" body INTEGER, random_id INTEGER, PRIMARY KEY (channel, pts))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS files ("
	" id INTEGER PRIMARY KEY, access_hash INTEGER, photo INTEGER,"
	" date INTEGER, name TEXT, mime TEXT, data BLOB, attributes BLOB);"
	"CREATE TABLE IF NOT EXISTS invites ("
	" hash TEXT PRIMARY KEY, peer INTEGER, admin INTEGER, date INTEGER,"
	" expires INTEGER, most INTEGER, used INTEGER, flags INTEGER,"
	" title TEXT) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS topics ("
	" channel INTEGER, id INTEGER, creator INTEGER, date INTEGER,"
	" color INTEGER, emoji INTEGER, flags INTEGER, title TEXT,"
	" PRIMARY KEY (channel, id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS topic_reads ("
	" channel INTEGER, topic INTEGER, user INTEGER, max_id INTEGER,"
	" PRIMARY KEY (channel, topic, user)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS auth_keys ("
	" id INTEGER PRIMARY KEY, dc_id INTEGER, key BLOB, user_id INTEGER,"
	" state INTEGER, layer INTEGER, created INTEGER, salt INTEGER,"
	" device TEXT, app TEXT, api_id INTEGER);";

static enum err db_error(struct dc_store *s, const char *what,
			 struct err_info *ei)
{
	return err_set(ei, ERR_IO, "state file: %s: %s", what,
		       sqlite3_errmsg(s->db));
}

/* SQLite makes its files with the process's umask: ours holds keys. */
static enum err make_private(const char *path, struct err_info *ei)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(ei, ERR_IO, "state file %s: cannot open or make",
			       path);
	close(fd);
	return ERR_OK;
}

/* Our file of another shape is not guessed at. */
static enum err check_version(struct dc_store *s, struct err_info *ei)
{
	static const char sql[] = "SELECT (SELECT user_version FROM"
				  " pragma_user_version), count(*)"
				  " FROM sqlite_master";
	int version = 0, tables = 0;
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
		return db_error(s, "version", ei);
	if (sqlite3_step(st) == SQLITE_ROW) {
		version = sqlite3_column_int(st, 0);
		tables = sqlite3_column_int(st, 1);
	}
	sqlite3_finalize(st);
	if (tables && version != SCHEMA_VERSION)
		return err_set(ei, ERR_CONFLICT,
			       "state file: made by another version of tgfleet "
			       "dc (shape %d, this one reads %d): begin with a "
			       "new file",
			       version, SCHEMA_VERSION);
	return ERR_OK;
}

static enum err prepare(struct dc_store *s, struct err_info *ei)
{
	enum err rc = check_version(s, ei);
	int i;

	if (rc)
		return rc;
	if (sqlite3_exec(s->db, schema_sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(s, "tables", ei);
	for (i = 0; i < ST_COUNT; i++) {
		if (sqlite3_prepare_v2(s->db, stmt_sql[i], -1, &s->stmts[i],
				       NULL) != SQLITE_OK)
			return db_error(s, stmt_sql[i], ei);
	}
	return ERR_OK;
}

enum err dc_store_open(struct dc_store **ret, const char *path,
		       struct err_info *ei)
{
	struct dc_store *s = calloc(1, sizeof(*s));
	enum err rc;

	if (!s)
		return err_set(ei, ERR_NOMEM, "state file");
	if (!path) {
		*ret = s;
		return ERR_OK;
	}
	rc = make_private(path, ei);
	if (rc)
		goto fail;
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK) {
		rc = db_error(s, path, ei);
		goto fail;
	}
	sqlite3_busy_timeout(s->db, BUSY_MS);
	rc = prepare(s, ei);
	if (rc)
		goto fail;
	*ret = s;
	return ERR_OK;

fail:
	dc_store_close(s);
	return rc;
}

void dc_store_close(struct dc_store *s)
{
	int i;

	if (!s)
		return;
	for (i = 0; i < ST_COUNT; i++)
		sqlite3_finalize(s->stmts[i]);
	sqlite3_close(s->db);
	free(s);
}

/* See dc_store_int.h */
static void bind(sqlite3_stmt *st, const char *kinds, va_list ap)
{
	int n;

	for (n = 1; *kinds; kinds++, n++) {
		if (*kinds == 'i') {
			sqlite3_bind_int64(st, n, va_arg(ap, int64_t));
		} else if (*kinds == 's') {
			const char *text = va_arg(ap, const char *);

			sqlite3_bind_text(st, n, text ? text : "", -1,
					  SQLITE_STATIC);
		} else if (*kinds == 'B') {
			const struct world_blob *b =
				va_arg(ap, const struct world_blob *);

			if (b)
				sqlite3_bind_blob(st, n, b->data, (int)b->len,
						  SQLITE_STATIC);
			else
				sqlite3_bind_null(st, n);
		} else {
			const void *data = va_arg(ap, const void *);
			size_t len = va_arg(ap, size_t);

			sqlite3_bind_blob64(st, n, data, len, SQLITE_STATIC);
		}
	}
}

static void step(struct dc_store *s, enum dc_store_stmt which)
{
	sqlite3_stmt *st = s->stmts[which];

	if (sqlite3_step(st) != SQLITE_DONE && !s->rc)
		s->rc = db_error(s, stmt_sql[which], &s->why);
	sqlite3_reset(st);
}

void dc_store_put_row(struct dc_store *s, enum dc_store_stmt which,
		      const char *kinds, ...)
{
	va_list ap;

	if (!s->db || s->rc)
		return;
	if (!s->open_txn) {
		step(s, ST_BEGIN);
		s->open_txn = true;
	}
	va_start(ap, kinds);
	bind(s->stmts[which], kinds, ap);
	va_end(ap);
	step(s, which);
}

enum err dc_store_commit(struct dc_store *s, struct err_info *ei)
{
	if (s->open_txn && !s->rc) {
		step(s, ST_COMMIT);
		s->open_txn = false;
	}
	if (s->rc)
		return err_set(ei, s->rc, "%s", s->why.msg);
	return ERR_OK;
}

enum err dc_store_get_meta(struct dc_store *s, const char *name, void *dst,
			   size_t size, size_t *ret_len, struct err_info *ei)
{
	sqlite3_stmt *st = s->stmts[ST_GET_META];
	enum err rc = ERR_OK;
	size_t len = 0;

	if (!s->db) {
		*ret_len = 0;
		return ERR_OK;
	}
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	switch (sqlite3_step(st)) {
	case SQLITE_DONE:
		break;
	case SQLITE_ROW:
		len = (size_t)sqlite3_column_bytes(st, 0);
		if (len > size)
			rc = err_set(ei, ERR_TOOBIG, "state file: %s", name);
		else if (len)
			memcpy(dst, sqlite3_column_blob(st, 0), len);
		break;
	default:
		rc = db_error(s, name, ei);
	}
	sqlite3_reset(st);
	if (!rc)
		*ret_len = len;
	return rc;
}

void dc_store_put_meta(struct dc_store *s, const char *name, const void *data,
		       size_t len)
{
	dc_store_put_row(s, ST_PUT_META, "sb", name, data, len);
}

void dc_store_put_user(struct dc_store *s, const struct world_user *u)
{
	dc_store_put_row(s, ST_PUT_USER, "issssi", u->id, u->phone, u->first,
			 u->last, u->username, (int64_t)u->home_dc);
}

void dc_store_put_password(struct dc_store *s, const struct world_user *u)
{
	const struct world_password *p = u->password;

	if (!p)
		dc_store_put_row(s, ST_DEL_PASSWORD, "i", u->id);
	else
		dc_store_put_row(s, ST_PUT_PASSWORD, "ibbbs", u->id,
				 (const void *)p->salt1, (size_t)p->salt1_len,
				 (const void *)p->salt2, (size_t)p->salt2_len,
				 (const void *)p->verifier, sizeof(p->verifier),
				 p->hint);
}

void dc_store_put_bot(struct dc_store *s, const struct world_user *u)
{
	dc_store_put_row(s, ST_PUT_BOT, "isB", u->id, u->bot_token,
			 u->commands);
}

void dc_store_put_chat(struct dc_store *s, const struct world_chat *c)
{
	uint32_t i;

	dc_store_put_row(s, ST_PUT_CHAT, "iiiiiiss", c->id, c->creator,
			 (int64_t)c->date, (int64_t)c->version,
			 (int64_t)c->noforwards, c->migrated_to, c->title,
			 c->about);
	dc_store_put_row(s, ST_DEL_MEMBERS, "i", c->id);
	for (i = 0; i < c->n_members; i++)
		dc_store_put_row(s, ST_PUT_MEMBER, "iiiiii", c->id, (int64_t)i,
				 c->members[i].user_id,
				 c->members[i].inviter_id,
				 (int64_t)c->members[i].date,
				 (int64_t)c->members[i].admin);
}

void dc_store_put_body(struct dc_store *s, const struct world_body *b)
{
	dc_store_put_row(s, ST_PUT_BODY, "iiiiib", b->id, b->from,
			 (int64_t)b->date, (int64_t)b->kind,
			 (int64_t)b->noforwards, (const void *)b->text,
			 (size_t)b->text_len);
	dc_store_put_extra(s, b);
}

void dc_store_put_message(struct dc_store *s, int64_t owner,
			  const struct world_msg *m)
{
	dc_store_put_row(s, ST_PUT_EVENT, "iiiiiiii", owner, (int64_t)m->pts,
			 (int64_t)WORLD_EV_MESSAGE, m->peer, (int64_t)m->id,
			 m->body->id, (int64_t)m->out, m->random_id);
}

void dc_store_put_read(struct dc_store *s, int64_t owner,
		       const struct world_event *e, int32_t unread)
{
	dc_store_put_row(s, ST_PUT_EVENT, "iiiiiiii", owner, (int64_t)e->pts,
			 (int64_t)e->kind, e->peer, (int64_t)e->value,
			 (int64_t)unread, INT64_C(0), INT64_C(0));
}

void dc_store_put_key(struct dc_store *s, const struct dc_store_key *k)
{
	dc_store_put_row(s, ST_PUT_KEY, "iibiiiiissi", k->id, (int64_t)k->dc_id,
			 (const void *)k->key, sizeof(k->key), k->user_id,
			 (int64_t)k->state, (int64_t)k->layer,
			 (int64_t)k->created, k->salt, k->device, k->app,
			 k->api_id);
}

void dc_store_del_key(struct dc_store *s, int64_t id)
{
	dc_store_put_row(s, ST_DEL_KEY, "i", id);
}

/* ---- loading: one pass over each table */

enum err dc_store_blob(sqlite3_stmt *st, int col, struct world_blob **ret)
{
	int len = sqlite3_column_bytes(st, col);

	return len > 0 ? world_blob_new(sqlite3_column_blob(st, col),
					(size_t)len, ret)
		       : ERR_OK;
}

const char *dc_store_text(sqlite3_stmt *st, int col)
{
	const unsigned char *t = sqlite3_column_text(st, col);

	return t ? (const char *)t : "";
}

static enum err each(struct dc_store_load_state *l, const char *sql,
		     dc_store_row_fn fn, struct err_info *ei)
{
	sqlite3_stmt *st;
	enum err rc = ERR_OK;
	int got;

	if (sqlite3_prepare_v2(l->s->db, sql, -1, &st, NULL) != SQLITE_OK)
		return db_error(l->s, sql, ei);
	while ((got = sqlite3_step(st)) == SQLITE_ROW && !rc)
		rc = fn(l, st);
	if (rc)
		rc = err_set(ei, rc, "state file: a row of \"%s\" is no good",
			     sql);
	else if (got != SQLITE_DONE)
		rc = db_error(l->s, sql, ei);
	sqlite3_finalize(st);
	return rc;
}

static enum err load_user(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	const char *name = dc_store_text(st, 4);
	struct world_new_user n = {
		.id = sqlite3_column_int64(st, 0),
		.phone = dc_store_text(st, 1),
		.first = dc_store_text(st, 2),
		.last = dc_store_text(st, 3),
		.username = *name ? name : NULL,
		.home_dc = sqlite3_column_int(st, 5),
	};
	struct world_user *u;

	return world_add_user(l->w, &n, &u);
}

static bool blob_at(sqlite3_stmt *st, int col, uint8_t *dst, size_t max,
		    uint32_t *ret_len)
{
	size_t len = (size_t)sqlite3_column_bytes(st, col);

	if (len > max)
		return false;
	if (len)
		memcpy(dst, sqlite3_column_blob(st, col), len);
	*ret_len = (uint32_t)len;
	return true;
}

static enum err load_password(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct world_user *u = world_user(l->w, sqlite3_column_int64(st, 0));
	struct world_password *p;
	uint32_t len = 0;

	if (!u || u->password)
		return ERR_CORRUPT;
	p = calloc(1, sizeof(*p));
	if (!p)
		return ERR_NOMEM;
	u->password = p; /* freed with the user, whatever happens */
	if (!blob_at(st, 1, p->salt1, sizeof(p->salt1), &p->salt1_len) ||
	    !blob_at(st, 2, p->salt2, sizeof(p->salt2), &p->salt2_len) ||
	    !blob_at(st, 3, p->verifier, sizeof(p->verifier), &len) ||
	    len != sizeof(p->verifier) ||
	    !text_copy(p->hint, sizeof(p->hint), dc_store_text(st, 4)))
		return ERR_CORRUPT;
	return ERR_OK;
}

static enum err load_bot(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct world_user *u = world_user(l->w, sqlite3_column_int64(st, 0));

	if (!u || !text_copy(u->bot_token, sizeof(u->bot_token),
			     dc_store_text(st, 1)))
		return ERR_CORRUPT;
	return dc_store_blob(st, 2, &u->commands);
}

static enum err load_members(struct dc_store_load_state *l,
			     struct world_chat *c)
{
	static const char sql[] =
		"SELECT user_id, inviter_id, date, admin FROM members"
		" WHERE chat_id = ?1 ORDER BY pos";
	sqlite3_stmt *st;
	int got;

	if (sqlite3_prepare_v2(l->s->db, sql, -1, &st, NULL) != SQLITE_OK)
		return ERR_IO;
	sqlite3_bind_int64(st, 1, c->id);
	while ((got = sqlite3_step(st)) == SQLITE_ROW &&
	       c->n_members < WORLD_MEMBERS_MAX)
		c->members[c->n_members++] = (struct world_member){
			sqlite3_column_int64(st, 0),
			sqlite3_column_int64(st, 1),
			sqlite3_column_int(st, 2),
			sqlite3_column_int(st, 3) != 0,
		};
	sqlite3_finalize(st);
	return got == SQLITE_DONE ? ERR_OK : ERR_CORRUPT;
}

static enum err load_chat(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct world_member members[WORLD_MEMBERS_MAX];
	struct world_chat c = { .id = sqlite3_column_int64(st, 0),
				.creator = sqlite3_column_int64(st, 1),
				.date = sqlite3_column_int(st, 2),
				.version = sqlite3_column_int(st, 3),
				.noforwards = sqlite3_column_int(st, 4) & 1,
				.migrated_to = sqlite3_column_int64(st, 5),
				.members = members };
	enum err rc;

	if (!text_copy(c.title, sizeof(c.title), dc_store_text(st, 6)) ||
	    !text_copy(c.about, sizeof(c.about), dc_store_text(st, 7)))
		return ERR_CORRUPT;
	rc = load_members(l, &c);
	return rc ? rc : world_load_chat(l->w, &c);
}

static enum err load_body(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	const char *text = dc_store_text(st, 5);
	struct world_body *b = world_body_new(
		sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1),
		sqlite3_column_int(st, 2),
		(enum world_kind)sqlite3_column_int(st, 3), text,
		(size_t)sqlite3_column_bytes(st, 5));
	enum err rc;

	if (!b)
		return ERR_NOMEM;
	b->noforwards = sqlite3_column_int(st, 4) & 1;
	rc = imap_put(&l->bodies, b->id, b);
	if (rc)
		world_body_unref(b);
	return rc;
}

static enum err load_event(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	int64_t owner = sqlite3_column_int64(st, 0);
	struct world_event e = {
		.pts = sqlite3_column_int(st, 1),
		.kind = (enum world_event_kind)sqlite3_column_int(st, 2),
		.peer = sqlite3_column_int64(st, 3),
		.value = sqlite3_column_int(st, 4),
	};
	int64_t extra = sqlite3_column_int64(st, 5);
	struct world_msg m = { .peer = e.peer,
			       .id = e.value,
			       .pts = e.pts,
			       .out = sqlite3_column_int(st, 6) != 0,
			       .random_id = sqlite3_column_int64(st, 7) };

	if (e.kind >= WORLD_EV_EDIT)
		return world_load_change(l->w, owner, &e);
	if (e.kind != WORLD_EV_MESSAGE)
		return world_load_read(l->w, owner, &e, (int32_t)extra);
	m.body = imap_get(&l->bodies, extra);
	return m.body ? world_load_message(l->w, owner, &m) : ERR_CORRUPT;
}

static enum err load_key(struct dc_store_load_state *l, sqlite3_stmt *st)
{
	struct dc_store_key k = {
		.id = sqlite3_column_int64(st, 0),
		.dc_id = sqlite3_column_int(st, 1),
		.user_id = sqlite3_column_int64(st, 3),
		.state = sqlite3_column_int(st, 4),
		.layer = sqlite3_column_int(st, 5),
		.created = sqlite3_column_int(st, 6),
		.salt = sqlite3_column_int64(st, 7),
		.device = dc_store_text(st, 8),
		.app = dc_store_text(st, 9),
		.api_id = sqlite3_column_int64(st, 10),
	};

	if (sqlite3_column_bytes(st, 2) != DC_STORE_KEY_LEN)
		return ERR_CORRUPT;
	memcpy(k.key, sqlite3_column_blob(st, 2), DC_STORE_KEY_LEN);
	return l->on_key(l->ctx, &k);
}

enum err dc_store_load(struct dc_store *s, struct world *w,
		       dc_store_key_fn on_key, void *ctx, struct err_info *ei)
{
	static const struct {
		const char *sql;
		dc_store_row_fn fn;
	} tables[] = {
		{ "SELECT * FROM users ORDER BY id", load_user },
		{ "SELECT * FROM passwords", load_password },
		{ "SELECT * FROM bots", load_bot },
		{ "SELECT * FROM chats ORDER BY id", load_chat },
		{ "SELECT * FROM bodies ORDER BY id", load_body },
		{ "SELECT * FROM extras ORDER BY body", dc_store_load_extra },
		{ "SELECT * FROM files ORDER BY id", dc_store_load_file },
		{ "SELECT * FROM events ORDER BY owner, pts", load_event },
		{ "SELECT * FROM channels ORDER BY id", dc_store_load_channel },
		{ "SELECT * FROM seats ORDER BY channel", dc_store_load_seat },
		{ "SELECT * FROM topics ORDER BY channel, id",
		  dc_store_load_topic },
		{ "SELECT * FROM topic_reads", dc_store_load_read },
		{ "SELECT * FROM invites", dc_store_load_invite },
		{ "SELECT * FROM posts ORDER BY channel, pts",
		  dc_store_load_post },
		{ "SELECT * FROM auth_keys ORDER BY id", load_key },
	};
	struct dc_store_load_state l = { s, w, on_key, ctx, { 0 } };
	struct world_body *b;
	enum err rc = ERR_OK;
	uint32_t cursor = 0;
	size_t i;

	BUG_ON(w->observer);
	for (i = 0; s->db && i < ARRAY_LEN(tables) && !rc; i++)
		rc = each(&l, tables[i].sql, tables[i].fn, ei);
	while ((b = imap_next(&l.bodies, &cursor)))
		world_body_unref(b);
	imap_deinit(&l.bodies);
	return rc;
}
