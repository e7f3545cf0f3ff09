/* SPDX-License-Identifier: MIT */
/*
 * The databases of Telethon, Pyrogram and its forks, made in memory with the
 * tables that those programs make.
 */
#include <sqlite3.h>
#include <string.h>

#include "tg/sessfile_int.h"
#include "tg/sessfile_write_int.h"

/* tables that several versions have */
#define T_VERSION "CREATE TABLE version (version integer primary key);"
#define T_SESSIONS(more)                                                       \
	"CREATE TABLE sessions (dc_id integer primary key,"                    \
	" server_address text, port integer, auth_key blob,"                   \
	" takeout_id integer" more ");"
#define T_ENTITIES(more)                                                       \
	"CREATE TABLE entities (id integer primary key,"                       \
	" hash integer not null, username text, phone integer,"                \
	" name text" more ");"
#define T_REST                                                                 \
	"CREATE TABLE sent_files (md5_digest blob, file_size integer,"         \
	" type integer, id integer, hash integer,"                             \
	" primary key(md5_digest, file_size, type));"                          \
	"CREATE TABLE update_state (id integer primary key, pts integer,"      \
	" qts integer, date integer, seq integer);"

#define P_SESSIONS(address, api)                                               \
	"CREATE TABLE sessions (dc_id INTEGER PRIMARY KEY," address api        \
	" test_mode INTEGER, auth_key BLOB, date INTEGER NOT NULL,"            \
	" user_id INTEGER, is_bot INTEGER);"
#define P_API " api_id INTEGER,"
#define P_ADDRESS " server_address TEXT, port INTEGER,"
#define P_PEERS(username)                                                      \
	"CREATE TABLE peers (id INTEGER PRIMARY KEY,"                          \
	" access_hash INTEGER, type INTEGER NOT NULL," username                \
	" phone_number TEXT, last_update_on INTEGER NOT NULL DEFAULT"          \
	" (CAST(STRFTIME('%s', 'now') AS INTEGER)));"                          \
	"CREATE TABLE version (number INTEGER PRIMARY KEY);"                   \
	"CREATE INDEX idx_peers_id ON peers (id);"                             \
	"CREATE INDEX idx_peers_phone_number ON peers (phone_number);"         \
	"CREATE TRIGGER trg_peers_last_update_on AFTER UPDATE ON peers"        \
	" BEGIN UPDATE peers SET last_update_on ="                             \
	" CAST(STRFTIME('%s', 'now') AS INTEGER) WHERE id = NEW.id; END;"
#define P_NAMED_PEERS                                                          \
	P_PEERS(" username TEXT,")                                             \
	"CREATE INDEX idx_peers_username ON peers (username);"
#define P_STATE                                                                \
	"CREATE TABLE update_state (id INTEGER PRIMARY KEY, pts INTEGER,"      \
	" qts INTEGER, date INTEGER, seq INTEGER);"
#define K_USERNAMES                                                            \
	"CREATE TABLE usernames (id INTEGER, username TEXT,"                   \
	" FOREIGN KEY (id) REFERENCES peers(id));"                             \
	"CREATE INDEX idx_usernames_username ON usernames (username);"
#define K_INDEX "CREATE INDEX idx_usernames_id ON usernames (id);"
#define F_USERNAMES                                                            \
	"CREATE TABLE usernames (id TEXT PRIMARY KEY,"                         \
	" peer_id INTEGER NOT NULL, last_update_on INTEGER NOT NULL"           \
	" DEFAULT (CAST(STRFTIME('%s', 'now') AS INTEGER)));"                  \
	"CREATE TRIGGER trg_usernames_last_update_on AFTER UPDATE ON"          \
	" usernames BEGIN UPDATE usernames SET last_update_on ="               \
	" CAST(STRFTIME('%s', 'now') AS INTEGER) WHERE id = NEW.id; END;"

/* ?1 dc ?2 address ?3 port ?4 api_id ?5 test ?6 key ?7 date ?8 user ?9 bot */
#define SESSION_OF_TELETHON                                                    \
	"INSERT INTO sessions (dc_id, server_address, port, auth_key)"         \
	" VALUES (?1, ?2, ?3, ?6)"
#define SELF_OF_TELETHON                                                       \
	"INSERT INTO entities (id, hash, date) SELECT 0, ?8, ?7"               \
	" WHERE ?8 <> 0"
#define SESSION_OF_PYROGRAM                                                    \
	"INSERT INTO sessions (dc_id, api_id, test_mode, auth_key, date,"      \
	" user_id, is_bot) VALUES (?1, NULLIF(?4, 0), ?5, ?6, ?7, ?8, ?9)"
/* ?1 id ?2 hash ?3 type ?4 username ?5 phone ?6 name ?7 date */
#define PEER_OF_PYROGRAM "INSERT OR REPLACE INTO peers VALUES (?1, ?2, ?3,"
#define NAMED_PEER PEER_OF_PYROGRAM " ?4, ?5, ?7)"
#define PLAIN_PEER PEER_OF_PYROGRAM " ?5, ?7)"
#define UNNAMED_PEER PEER_OF_PYROGRAM " NULL, ?5, ?7)"
/* ?1 the peer's id ?2 username ?3 date */
#define USERNAME_OF_KURIGRAM "INSERT INTO usernames VALUES (?1, ?2)"

static const struct layout {
	const char *schema;
	const char *session, *self, *peer, *username;
	bool all_usernames; /* a peer's first one, too, is in that table */
} layouts[] = {
	[SESSFILE_TELETHON_5] = {
		.schema = T_VERSION T_SESSIONS("") T_ENTITIES("") T_REST,
		.session = SESSION_OF_TELETHON,
		.peer = "INSERT OR REPLACE INTO entities VALUES"
			" (?1, ?2, ?4, ?5, ?6)",
	},
	[SESSFILE_TELETHON_7] = {
		.schema = T_VERSION T_SESSIONS("")
			T_ENTITIES(", date integer") T_REST,
		.session = SESSION_OF_TELETHON,
		.self = SELF_OF_TELETHON,
		.peer = "INSERT OR REPLACE INTO entities VALUES"
			" (?1, ?2, ?4, ?5, ?6, ?7)",
	},
	[SESSFILE_TELETHON_8] = {
		.schema = T_VERSION T_SESSIONS(", tmp_auth_key blob")
			T_ENTITIES(", date integer") T_REST,
		.session = SESSION_OF_TELETHON,
		.self = SELF_OF_TELETHON,
		.peer = "INSERT OR REPLACE INTO entities VALUES"
			" (?1, ?2, ?4, ?5, ?6, ?7)",
	},
	[SESSFILE_PYROGRAM_2] = {
		.schema = P_SESSIONS("", "") P_NAMED_PEERS,
		.session = "INSERT INTO sessions VALUES"
			   " (?1, ?5, ?6, ?7, ?8, ?9)",
		.peer = NAMED_PEER,
	},
	[SESSFILE_PYROGRAM_3] = {
		.schema = P_SESSIONS("", P_API) P_NAMED_PEERS,
		.session = SESSION_OF_PYROGRAM,
		.peer = NAMED_PEER,
	},
	[SESSFILE_PYROFORK_4] = {
		.schema = P_SESSIONS("", P_API) P_NAMED_PEERS P_STATE
			F_USERNAMES,
		.session = SESSION_OF_PYROGRAM,
		.peer = NAMED_PEER,
		.username = "INSERT OR REPLACE INTO usernames VALUES"
			    " (?2, ?1, ?3)",
	},
	/* as Kurigram leaves them that brought an older file up */
	[SESSFILE_KURIGRAM_4] = {
		.schema = P_SESSIONS("", P_API) P_NAMED_PEERS K_USERNAMES,
		.session = SESSION_OF_PYROGRAM,
		.peer = UNNAMED_PEER,
		.username = USERNAME_OF_KURIGRAM,
		.all_usernames = true,
	},
	[SESSFILE_KURIGRAM_5] = {
		.schema = P_SESSIONS("", P_API) P_NAMED_PEERS K_USERNAMES
			P_STATE,
		.session = SESSION_OF_PYROGRAM,
		.peer = UNNAMED_PEER,
		.username = USERNAME_OF_KURIGRAM,
		.all_usernames = true,
	},
	[SESSFILE_KURIGRAM_6] = {
		.schema = P_SESSIONS("", P_API) P_PEERS("") K_USERNAMES
			K_INDEX P_STATE,
		.session = SESSION_OF_PYROGRAM,
		.peer = PLAIN_PEER,
		.username = USERNAME_OF_KURIGRAM,
		.all_usernames = true,
	},
	[SESSFILE_KURIGRAM_7] = {
		.schema = P_SESSIONS(P_ADDRESS, P_API) P_PEERS("")
			K_USERNAMES K_INDEX P_STATE,
		.session = "INSERT INTO sessions VALUES (?1, ?2, ?3,"
			   " NULLIF(?4, 0), ?5, ?6, ?7, ?8, ?9)",
		.peer = PLAIN_PEER,
		.username = USERNAME_OF_KURIGRAM,
		.all_usernames = true,
	},
};

struct out {
	sqlite3 *db;
	const struct sessfile *s;
	const struct sessfile_target *to;
	int64_t date;
	struct err_info *ei;
};

static enum err failed(struct out *o)
{
	if (sqlite3_errcode(o->db) == SQLITE_NOMEM)
		return ERR_NOMEM;
	return err_set(o->ei, ERR_IO, "SQLite says: %s", sqlite3_errmsg(o->db));
}

static enum err prepare(struct out *o, const char *sql, sqlite3_stmt **ret)
{
	if (sqlite3_prepare_v2(o->db, sql, -1, ret, NULL) != SQLITE_OK)
		return failed(o);
	return ERR_OK;
}

/*
 * Binds from ?1 on and runs it: i integer (int64_t), t text or NULL, k the key,
 * n nothing.  A layout without a column for a value has no place for it either.
 */
static enum err put(struct out *o, sqlite3_stmt *st, const char *types, ...)
{
	enum err rc = ERR_OK;
	va_list ap;

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
	sqlite3_reset(st);
	return rc;
}

static enum err put_session(struct out *o, const char *sql)
{
	const struct sessfile *s = o->s;
	sqlite3_stmt *st;
	enum err rc = prepare(o, sql, &st);

	if (rc)
		return rc;
	rc = put(o, st, "itiiikiii", (int64_t)s->dc_id,
		 sessfile_write_address(s), (int64_t)sessfile_write_port(s),
		 s->api_id, (int64_t)s->test_mode, o->date, s->user_id,
		 (int64_t)s->is_bot);
	sqlite3_finalize(st);
	return rc;
}

static enum err put_peers(struct out *o, const char *sql)
{
	const struct sessfile *s = o->s;
	sqlite3_stmt *st;
	enum err rc = prepare(o, sql, &st);

	for (size_t i = 0; i < s->npeers && !rc; i++) {
		const struct sessfile_peer *p = &s->peers[i];

		rc = put(o, st, "iitttti", sessfile_mark(p), p->access_hash,
			 sessfile_peer_type_name(p->type), p->username,
			 p->phone, p->name, o->date);
	}
	sqlite3_finalize(st);
	return rc;
}

static enum err put_usernames(struct out *o, const struct layout *l)
{
	const struct sessfile *s = o->s;
	sqlite3_stmt *st;
	enum err rc = prepare(o, l->username, &st);

	for (size_t i = 0; i < s->npeers && !rc && l->all_usernames; i++)
		if (s->peers[i].username)
			rc = put(o, st, "iti", sessfile_mark(&s->peers[i]),
				 s->peers[i].username, o->date);
	for (size_t i = 0; i < s->nusernames && !rc; i++) {
		const struct sessfile_username *u = &s->usernames[i];

		rc = put(o, st, "iti", sessfile_mark(&s->peers[u->peer]),
			 u->name, o->date);
	}
	sqlite3_finalize(st);
	return rc;
}

/* Telethon has a channel's id, 0 for what channels lack; the forks a marked one */
static enum err put_states(struct out *o)
{
	const struct sessfile *s = o->s;
	bool marked = o->to->flavour == SESSFILE_PYROGRAM_SQLITE;
	sqlite3_stmt *st;
	enum err rc;

	rc = prepare(o,
		     marked ? "INSERT OR REPLACE INTO update_state VALUES"
			      " (?1, ?2, NULLIF(?3, 0), ?4, NULLIF(?5, 0))"
			    : "INSERT OR REPLACE INTO update_state VALUES"
			      " (?1, ?2, ?3, ?4, ?5)",
		     &st);
	if (!rc && s->has_update_state)
		rc = put(o, st, "iiiii", INT64_C(0), s->pts, s->qts, s->date,
			 s->seq);
	for (size_t i = 0; i < s->nchannels && !rc; i++) {
		const struct sessfile_channel *c = &s->channels[i];

		rc = put(o, st, "iiiii",
			 marked ? -SESSFILE_CHANNEL_MARK - c->id : c->id,
			 c->pts, INT64_C(0), o->date, INT64_C(0));
	}
	sqlite3_finalize(st);
	return rc;
}

static enum err put_version(struct out *o)
{
	sqlite3_stmt *st;
	enum err rc = prepare(o, "INSERT INTO version VALUES (?1)", &st);

	if (!rc)
		rc = put(o, st, "i", (int64_t)o->to->version);
	sqlite3_finalize(st);
	return rc;
}

static enum err put_all(struct out *o, const struct layout *l)
{
	enum err rc = put_version(o);

	if (!rc)
		rc = put_session(o, l->session);
	if (!rc && l->self)
		rc = put_session(o, l->self);
	if (!rc)
		rc = put_peers(o, l->peer);
	if (!rc && l->username)
		rc = put_usernames(o, l);
	if (!rc && (o->to->holds & SESSFILE_HOLDS_STATE))
		rc = put_states(o);
	return rc;
}

static enum err check(struct out *o)
{
	if ((o->to->holds & SESSFILE_HOLDS_ADDRESS) &&
	    !sessfile_write_address(o->s))
		return sessfile_write_no_address(o->s, o->ei);
	if (o->to->flavour == SESSFILE_PYROGRAM_SQLITE)
		return sessfile_write_need_user(o->s, o->ei);
	return ERR_OK;
}

static enum err fill(struct out *o)
{
	const struct layout *l = &layouts[o->to->layout];
	enum err rc = check(o);

	if (rc)
		return rc;
	if (sqlite3_exec(o->db, l->schema, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(o->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return failed(o);
	rc = put_all(o, l);
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
			       const struct sessfile_target *to,
			       struct wall now, struct buf *out,
			       struct err_info *ei)
{
	struct out o = {
		.s = s, .to = to, .date = now.us / US_PER_SEC, .ei = ei
	};
	enum err rc;

	if (sqlite3_open_v2(":memory:", &o.db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		sqlite3_close(o.db);
		return ERR_NOMEM;
	}
	rc = fill(&o);
	if (!rc)
		rc = take_image(&o, out);
	sqlite3_close(o.db);
	return rc;
}
