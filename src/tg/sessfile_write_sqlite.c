/* SPDX-License-Identifier: MIT */
/*
 * Telethon's (version 7) and Pyrogram's (version 3) databases, made in memory
 * with the tables those programs make.
 */
#include <sqlite3.h>
#include <string.h>

#include "tg/sessfile_write_int.h"

#define CHANNEL_MARK INT64_C(1000000000000)

static const char telethon_schema[] =
	"CREATE TABLE version (version integer primary key);"
	"CREATE TABLE sessions (dc_id integer primary key,"
	" server_address text, port integer, auth_key blob,"
	" takeout_id integer);"
	"CREATE TABLE entities (id integer primary key,"
	" hash integer not null, username text, phone integer, name text,"
	" date integer);"
	"CREATE TABLE sent_files (md5_digest blob, file_size integer,"
	" type integer, id integer, hash integer,"
	" primary key(md5_digest, file_size, type));"
	"CREATE TABLE update_state (id integer primary key, pts integer,"
	" qts integer, date integer, seq integer);"
	"INSERT INTO version VALUES (7);";

static const char pyrogram_schema[] =
	"CREATE TABLE sessions (dc_id INTEGER PRIMARY KEY, api_id INTEGER,"
	" test_mode INTEGER, auth_key BLOB, date INTEGER NOT NULL,"
	" user_id INTEGER, is_bot INTEGER);"
	"CREATE TABLE peers (id INTEGER PRIMARY KEY, access_hash INTEGER,"
	" type INTEGER NOT NULL, username TEXT, phone_number TEXT,"
	" last_update_on INTEGER NOT NULL DEFAULT"
	" (CAST(STRFTIME('%s', 'now') AS INTEGER)));"
	"CREATE TABLE version (number INTEGER PRIMARY KEY);"
	"CREATE INDEX idx_peers_id ON peers (id);"
	"CREATE INDEX idx_peers_username ON peers (username);"
	"CREATE INDEX idx_peers_phone_number ON peers (phone_number);"
	"CREATE TRIGGER trg_peers_last_update_on AFTER UPDATE ON peers BEGIN"
	" UPDATE peers SET last_update_on ="
	" CAST(STRFTIME('%s', 'now') AS INTEGER) WHERE id = NEW.id; END;"
	"INSERT INTO version VALUES (3);";

struct out {
	sqlite3 *db;
	const struct sessfile *s;
	int64_t date;
	struct err_info *ei;
};

static enum err failed(struct out *o)
{
	if (sqlite3_errcode(o->db) == SQLITE_NOMEM)
		return ERR_NOMEM;
	return err_set(o->ei, ERR_IO, "SQLite says: %s", sqlite3_errmsg(o->db));
}

/* i integer (int64_t), t text or NULL, k the key */
static enum err insert(struct out *o, const char *sql, const char *types, ...)
{
	sqlite3_stmt *st;
	enum err rc = ERR_OK;
	va_list ap;

	if (sqlite3_prepare_v2(o->db, sql, -1, &st, NULL) != SQLITE_OK)
		return failed(o);
	va_start(ap, types);
	for (int i = 0; types[i]; i++) {
		if (types[i] == 'i')
			sqlite3_bind_int64(st, i + 1, va_arg(ap, int64_t));
		else if (types[i] == 't')
			sqlite3_bind_text(st, i + 1, va_arg(ap, const char *),
					  -1, SQLITE_STATIC);
		else if (types[i] == 'k')
			sqlite3_bind_blob(st, i + 1, o->s->auth_key.bytes,
					  (int)o->s->auth_key.len,
					  SQLITE_STATIC);
	}
	va_end(ap);
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = failed(o);
	sqlite3_finalize(st);
	return rc;
}

/* As bots see them, which is how both programs number their peers. */
static int64_t mark(const struct sessfile_peer *p)
{
	switch (p->type) {
	case SESSFILE_GROUP:
		return -p->id;
	case SESSFILE_CHANNEL:
	case SESSFILE_SUPERGROUP:
		return -CHANNEL_MARK - p->id;
	case SESSFILE_USER:
	case SESSFILE_BOT:
		break;
	}
	return p->id;
}

static enum err telethon_states(struct out *o)
{
	static const char sql[] =
		"INSERT OR REPLACE INTO update_state VALUES (?,?,?,?,?)";
	const struct sessfile *s = o->s;
	enum err rc = ERR_OK;

	if (s->has_update_state)
		rc = insert(o, sql, "iiiii", INT64_C(0), s->pts, s->qts,
			    s->date, s->seq);
	for (size_t i = 0; i < s->nchannels && !rc; i++)
		rc = insert(o, sql, "iiiii", s->channels[i].id,
			    s->channels[i].pts, INT64_C(0), o->date,
			    INT64_C(0));
	return rc;
}

static enum err telethon(struct out *o)
{
	const struct sessfile *s = o->s;
	const char *address = sessfile_write_address(s);
	enum err rc;

	if (!address)
		return err_set(o->ei, ERR_INVALID,
			       "no address is known for data centre %d",
			       s->dc_id);
	rc = insert(o, "INSERT INTO sessions VALUES (?,?,?,?,NULL)", "itik",
		    (int64_t)s->dc_id, address,
		    (int64_t)sessfile_write_port(s));
	for (size_t i = 0; i < s->npeers && !rc; i++) {
		const struct sessfile_peer *p = &s->peers[i];

		rc = insert(o,
			    "INSERT OR REPLACE INTO entities VALUES "
			    "(?,?,?,?,?,?)",
			    "iittti", mark(p), p->access_hash, p->username,
			    p->phone, p->name, o->date);
	}
	return rc ? rc : telethon_states(o);
}

static enum err pyrogram(struct out *o)
{
	const struct sessfile *s = o->s;
	enum err rc = sessfile_write_need_user(s, o->ei);

	if (!rc)
		rc = insert(o,
			    "INSERT INTO sessions VALUES "
			    "(?,NULLIF(?,0),?,?,?,?,?)",
			    "iiikiii", (int64_t)s->dc_id, s->api_id,
			    (int64_t)s->test_mode, o->date, s->user_id,
			    (int64_t)s->is_bot);
	for (size_t i = 0; i < s->npeers && !rc; i++) {
		const struct sessfile_peer *p = &s->peers[i];

		rc = insert(o,
			    "INSERT OR REPLACE INTO peers VALUES (?,?,?,?,?,?)",
			    "iittti", mark(p), p->access_hash,
			    sessfile_peer_type_name(p->type), p->username,
			    p->phone, o->date);
	}
	return rc;
}

static enum err fill(struct out *o, enum sessfile_flavour to)
{
	bool is_telethon = to == SESSFILE_TELETHON_SQLITE;
	enum err rc;

	if (sqlite3_exec(o->db, is_telethon ? telethon_schema : pyrogram_schema,
			 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(o->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return failed(o);
	rc = is_telethon ? telethon(o) : pyrogram(o);
	if (rc)
		return rc;
	if (sqlite3_exec(o->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return failed(o);
	return ERR_OK;
}

static enum err take_image(struct out *o, struct buf *out)
{
	sqlite3_int64 len = 0;
	unsigned char *image = sqlite3_serialize(o->db, "main", &len, 0);
	enum err rc;

	if (!image)
		return ERR_NOMEM;
	rc = buf_append(out, image, (size_t)len);
	secret_wipe(image, (size_t)len);
	sqlite3_free(image);
	return rc;
}

enum err sessfile_write_sqlite(const struct sessfile *s,
			       enum sessfile_flavour to, struct wall now,
			       struct buf *out, struct err_info *ei)
{
	struct out o = { .s = s, .date = now.us / US_PER_SEC, .ei = ei };
	enum err rc;

	if (sqlite3_open_v2(":memory:", &o.db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		sqlite3_close(o.db);
		return ERR_NOMEM;
	}
	rc = fill(&o, to);
	if (!rc)
		rc = take_image(&o, out);
	sqlite3_close(o.db);
	return rc;
}
