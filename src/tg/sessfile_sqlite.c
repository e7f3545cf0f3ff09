/* SPDX-License-Identifier: MIT */
/*
 * Telethon's and Pyrogram's SQLite files.  Which program wrote one is told by
 * tables and columns; version numbers mean different things in every fork.
 *
 * The file is foreign and may be hostile.  It is opened as bytes in memory,
 * read-only and defensive; an authorizer lets pass nothing but SELECTs of the
 * columns named here, a step limit ends whatever takes too long.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tg/sessfile_int.h"

#define STEPS_MAX 20000000 /* virtual machine steps over all queries */
#define STEPS_EACH 10000
#define TEXT_MAX_BYTES 512
#define COLUMNS_MAX 32

/* Telethon and Pyrogram mark chats with -id and channels with -100id. */
#define CHANNEL_MARK INT64_C(1000000000000)

struct file {
	sqlite3 *db;
	struct sessfile *s;
	struct err_info *ei;
	int steps_left;
	bool locked; /* authorizer on */
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

bool sessfile_sqlite_magic(const uint8_t *data, size_t len)
{
	return len >= 16 && memcmp(data, "SQLite format 3", 16) == 0;
}

/* Whether the header and the length agree, before SQLite believes either. */
static enum err check_header(const uint8_t *data, size_t len,
			     struct err_info *ei)
{
	size_t page;

	if (len < 512)
		return err_set(ei, ERR_INVALID,
			       "an SQLite header and nothing behind it");
	page = (size_t)data[16] << 8 | data[17];
	page = page == 1 ? 65536 : page;
	if (page < 512 || (page & (page - 1)) != 0)
		return err_set(ei, ERR_INVALID,
			       "damaged: an SQLite page size of %zu", page);
	if (len % page != 0)
		return err_set(ei, ERR_INVALID,
			       "damaged: %zu bytes are no whole number of "
			       "%zu-byte pages; it was cut",
			       len, page);
	if (be32(data + 24) == be32(data + 92) && be32(data + 28) != len / page)
		return err_set(ei, ERR_INVALID,
			       "damaged: the header says %u pages, the file "
			       "has %zu; it was cut",
			       be32(data + 28), len / page);
	return ERR_OK;
}

static int on_steps(void *ctx)
{
	struct file *f = ctx;

	f->steps_left -= STEPS_EACH;
	return f->steps_left < 0;
}

static int authorize(void *ctx, int action, const char *a, const char *b,
		     const char *db, const char *inner)
{
	const struct file *f = ctx;

	(void)a;
	(void)b;
	(void)db;
	if (!f->locked)
		return SQLITE_OK;
	/* `inner` names a view or trigger that the file brought along */
	if ((action == SQLITE_SELECT || action == SQLITE_READ) && !inner)
		return SQLITE_OK;
	return SQLITE_DENY;
}

static enum err damaged(struct file *f)
{
	int rc = sqlite3_errcode(f->db);

	if (rc == SQLITE_NOMEM)
		return ERR_NOMEM;
	if (rc == SQLITE_INTERRUPT)
		return err_set(f->ei, ERR_INVALID,
			       "reading it takes too long; refused");
	return err_set(f->ei, ERR_INVALID, "damaged: SQLite says: %s",
		       sqlite3_errmsg(f->db));
}

static void limit(sqlite3 *db)
{
	static const struct {
		int what, max;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, 1 << 20 },
		{ SQLITE_LIMIT_SQL_LENGTH, 16384 },
		{ SQLITE_LIMIT_COLUMN, 100 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 20 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 2 },
		{ SQLITE_LIMIT_VDBE_OP, 25000 },
		{ SQLITE_LIMIT_FUNCTION_ARG, 8 },
		{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
	};
	static const struct {
		int what, on;
	} configs[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		sqlite3_limit(db, limits[i].what, limits[i].max);
	for (size_t i = 0; i < ARRAY_LEN(configs); i++)
		sqlite3_db_config(db, configs[i].what, configs[i].on, NULL);
}

static enum err open_copy(struct file *f, const uint8_t *data, size_t len)
{
	uint8_t *copy;

	if (sqlite3_open_v2(":memory:", &f->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY |
				    SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return ERR_NOMEM;
	copy = sqlite3_malloc64(len);
	if (!copy)
		return ERR_NOMEM;
	memcpy(copy, data, len);
	/* a file left in WAL mode: its log is not here, and not needed */
	copy[18] = copy[19] = 1;
	limit(f->db);
	sqlite3_progress_handler(f->db, STEPS_EACH, on_steps, f);
	/* FREEONCLOSE frees the copy on failure, too */
	if (sqlite3_deserialize(
		    f->db, "main", copy, (sqlite3_int64)len, (sqlite3_int64)len,
		    SQLITE_DESERIALIZE_FREEONCLOSE |
			    SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
		return damaged(f);
	sqlite3_set_authorizer(f->db, authorize, f);
	return ERR_OK;
}

/* Columns of a plain table, as a set of names. */
struct columns {
	char name[COLUMNS_MAX][40];
	size_t n;
};

static bool has(const struct columns *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->name[i], name) == 0)
			return true;
	return false;
}

static enum err prepare(struct file *f, const char *sql, sqlite3_stmt **ret)
{
	if (sqlite3_prepare_v2(f->db, sql, -1, ret, NULL) != SQLITE_OK)
		return damaged(f);
	return ERR_OK;
}

/* *ret_is_table: there is one; a view or anything else by that name is not. */
static enum err find_table(struct file *f, const char *table,
			   bool *ret_is_table)
{
	sqlite3_stmt *st;
	enum err rc;
	int step;

	rc = prepare(f,
		     "SELECT type FROM sqlite_master WHERE name = ?1 COLLATE "
		     "NOCASE AND type IN ('table', 'view')",
		     &st);
	if (rc)
		return rc;
	sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		const char *type = (const char *)sqlite3_column_text(st, 0);

		*ret_is_table = type && strcmp(type, "table") == 0;
		if (!*ret_is_table)
			rc = err_set(f->ei, ERR_INVALID,
				     "its %s is a view, not a table: no "
				     "program writes that; refused",
				     table);
	} else if (step == SQLITE_DONE) {
		*ret_is_table = false;
	} else {
		rc = damaged(f);
	}
	sqlite3_finalize(st);
	return rc;
}

static enum err list_columns(struct file *f, const char *table,
			     struct columns *ret)
{
	sqlite3_stmt *st;
	bool is_table = false;
	enum err rc;
	int step;

	ret->n = 0;
	rc = find_table(f, table, &is_table);
	if (rc || !is_table)
		return rc;
	rc = prepare(f, "SELECT name, hidden FROM pragma_table_xinfo(?1)", &st);
	if (rc)
		return rc;
	sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(st, 0);

		/* generated columns are code of the file: not read */
		if (!name || sqlite3_column_int(st, 1) != 0 ||
		    strlen(name) >= sizeof(ret->name[0]) ||
		    ret->n == COLUMNS_MAX)
			continue;
		snprintf(ret->name[ret->n++], sizeof(ret->name[0]), "%s", name);
	}
	if (step != SQLITE_DONE)
		rc = damaged(f);
	sqlite3_finalize(st);
	return rc;
}

/* An integer column: text or a float where a number belongs is refused. */
static enum err column_int(struct file *f, sqlite3_stmt *st, int i,
			   int64_t *ret)
{
	switch (sqlite3_column_type(st, i)) {
	case SQLITE_INTEGER:
		*ret = sqlite3_column_int64(st, i);
		return ERR_OK;
	case SQLITE_NULL:
		*ret = 0;
		return ERR_OK;
	default:
		return err_set(f->ei, ERR_INVALID, "its %s is no number",
			       sqlite3_column_name(st, i));
	}
}

/* Text (or a number shown as text: Telethon's phones) kept short and valid. */
static const char *column_str(struct file *f, sqlite3_stmt *st, int i)
{
	int type = sqlite3_column_type(st, i);
	const char *text;
	size_t len;

	if (type != SQLITE_TEXT && type != SQLITE_INTEGER)
		return NULL;
	text = (const char *)sqlite3_column_text(st, i);
	len = text ? strlen(text) : 0;
	if (len == 0 || len > TEXT_MAX_BYTES || !text_utf8_valid(text, len))
		return NULL;
	return arena_str(&f->s->arena, text, len);
}

static enum err take_key(struct file *f, sqlite3_stmt *st, int i)
{
	int type = sqlite3_column_type(st, i);
	const void *key;

	if (type == SQLITE_NULL)
		return sessfile_set_key(f->s, NULL, 0, f->ei);
	if (type != SQLITE_BLOB)
		return err_set(f->ei, ERR_INVALID,
			       "its auth key is text, not bytes");
	key = sqlite3_column_blob(st, i);
	return sessfile_set_key(f->s, key, (size_t)sqlite3_column_bytes(st, i),
				f->ei);
}

typedef enum err (*row_fn)(struct file *f, sqlite3_stmt *st);

/* Runs fn on each row; more than `max` rows are refused. */
static enum err each_row(struct file *f, const char *sql, size_t max, row_fn fn,
			 size_t *ret_rows)
{
	sqlite3_stmt *st;
	size_t rows = 0;
	enum err rc;
	int step;

	rc = prepare(f, sql, &st);
	if (rc)
		return rc;
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		if (++rows > max)
			rc = err_set(f->ei, ERR_TOOBIG,
				     "more than %zu rows where at most that "
				     "many belong",
				     max);
		else
			rc = fn(f, st);
	}
	if (!rc && step != SQLITE_DONE)
		rc = damaged(f);
	sqlite3_finalize(st);
	if (!rc)
		*ret_rows = rows;
	return rc;
}

static enum err one_session(struct file *f, const char *sql, row_fn fn)
{
	size_t rows = 0;
	enum err rc = each_row(f, sql, 1, fn, &rows);

	if (rc == ERR_TOOBIG)
		return err_set(f->ei, ERR_INVALID,
			       "two sessions in one file; which one is meant "
			       "cannot be told");
	if (rc)
		return rc;
	if (rows == 0)
		return err_set(f->ei, ERR_INVALID,
			       "its sessions table is empty: it was never "
			       "signed in");
	return ERR_OK;
}

static enum err telethon_row(struct file *f, sqlite3_stmt *st)
{
	int64_t dc, port;
	const char *address;
	enum err rc;

	rc = column_int(f, st, 0, &dc);
	if (!rc)
		rc = sessfile_set_dc(f->s, dc, f->ei);
	if (!rc)
		rc = column_int(f, st, 2, &port);
	if (rc)
		return rc;
	address = (const char *)sqlite3_column_text(st, 1);
	rc = take_key(f, st, 3);
	if (rc)
		return rc;
	return sessfile_set_address(f->s, address ? address : "", port, f->ei);
}

static enum err pyrogram_row(struct file *f, sqlite3_stmt *st)
{
	int64_t dc, test, user, bot, api;
	enum err rc;

	rc = column_int(f, st, 0, &dc);
	if (!rc)
		rc = sessfile_set_dc(f->s, dc, f->ei);
	if (!rc)
		rc = column_int(f, st, 1, &test);
	if (!rc)
		rc = column_int(f, st, 2, &user);
	if (!rc)
		rc = column_int(f, st, 3, &bot);
	if (!rc)
		rc = column_int(f, st, 5, &api);
	if (rc)
		return rc;
	if (user < 0 || api < 0 || api > INT32_MAX)
		return err_set(f->ei, ERR_INVALID,
			       "its user_id or api_id is impossible");
	f->s->test_mode = test != 0;
	f->s->user_id = user;
	f->s->is_bot = bot != 0;
	f->s->api_id = api;
	return take_key(f, st, 4);
}

/* Grows the peers by doubling inside the arena. */
static struct sessfile_peer *add_peer(struct sessfile *s)
{
	struct sessfile_peer *peers =
		(struct sessfile_peer *)(uintptr_t)s->peers;

	if ((s->npeers & (s->npeers - 1)) == 0) {
		size_t cap = s->npeers ? s->npeers * 2 : 1;

		peers = arena_array(&s->arena, cap, sizeof(*peers));
		if (!peers)
			return NULL;
		if (s->npeers > 0)
			memcpy(peers, s->peers, s->npeers * sizeof(*peers));
		s->peers = peers;
	}
	return &peers[s->npeers++];
}

static void unmark(int64_t marked, struct sessfile_peer *p)
{
	if (marked > 0) {
		p->id = marked;
		p->type = SESSFILE_USER;
	} else if (marked > -CHANNEL_MARK) {
		p->id = -marked;
		p->type = SESSFILE_GROUP;
	} else {
		p->id = -marked - CHANNEL_MARK;
		p->type = SESSFILE_CHANNEL;
	}
}

static enum err entity_row(struct file *f, sqlite3_stmt *st)
{
	struct sessfile_peer *p;
	int64_t marked, hash = 0;
	enum err rc;

	rc = column_int(f, st, 0, &marked);
	if (!rc)
		rc = column_int(f, st, 1, &hash);
	if (rc)
		return rc;
	if (marked == 0 || marked < -2 * CHANNEL_MARK * 10)
		return ERR_OK; /* Telethon keeps notes of its own at id 0 */
	p = add_peer(f->s);
	if (!p)
		return ERR_NOMEM;
	unmark(marked, p);
	p->access_hash = hash;
	p->username = column_str(f, st, 2);
	p->phone = column_str(f, st, 3);
	p->name = column_str(f, st, 4);
	return ERR_OK;
}

static enum err peer_row(struct file *f, sqlite3_stmt *st)
{
	static const enum sessfile_peer_type types[] = {
		SESSFILE_USER,	  SESSFILE_BOT,	       SESSFILE_GROUP,
		SESSFILE_CHANNEL, SESSFILE_SUPERGROUP,
	};
	const char *type;
	enum err rc;

	rc = entity_row(f, st);
	type = (const char *)sqlite3_column_text(st, 5);
	if (rc || !type || f->s->npeers == 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct sessfile_peer *p = (struct sessfile_peer *)(uintptr_t)&f
						  ->s->peers[f->s->npeers - 1];

		if (strcmp(type, sessfile_peer_type_name(types[i])) == 0)
			p->type = types[i];
	}
	return ERR_OK;
}

/* Grows as the peers do. */
static enum err add_channel(struct sessfile *s, int64_t id, int64_t pts)
{
	struct sessfile_channel *all =
		(struct sessfile_channel *)(uintptr_t)s->channels;

	if ((s->nchannels & (s->nchannels - 1)) == 0) {
		size_t cap = s->nchannels ? s->nchannels * 2 : 1;

		all = arena_array(&s->arena, cap, sizeof(*all));
		if (!all)
			return ERR_NOMEM;
		if (s->nchannels > 0)
			memcpy(all, s->channels, s->nchannels * sizeof(*all));
		s->channels = all;
	}
	all[s->nchannels++] = (struct sessfile_channel){ id, pts };
	return ERR_OK;
}

/* Telethon says the channel's id, the forks of Pyrogram the marked one. */
static enum err channel_state(struct sessfile *s, int64_t id, int64_t pts)
{
	if (id < 0)
		id = -id - CHANNEL_MARK;
	return id > 0 && pts > 0 ? add_channel(s, id, pts) : ERR_OK;
}

static enum err state_row(struct file *f, sqlite3_stmt *st)
{
	int64_t v[5];

	for (int i = 0; i < 5; i++) {
		enum err rc = column_int(f, st, i, &v[i]);

		if (rc)
			return rc;
	}
	f->s->nstates++;
	if (v[0] == 0 || v[0] == f->s->user_id) {
		f->s->has_update_state = v[1] > 0;
		f->s->pts = v[1];
		f->s->qts = v[2];
		f->s->date = v[3];
		f->s->seq = v[4];
		return ERR_OK;
	}
	return channel_state(f->s, v[0], v[1]);
}

static enum err read_states(struct file *f)
{
	struct columns c = { 0 };
	size_t rows;
	enum err rc = list_columns(f, "update_state", &c);

	if (rc || !has(&c, "id") || !has(&c, "pts") || !has(&c, "qts") ||
	    !has(&c, "date") || !has(&c, "seq"))
		return rc;
	f->locked = true;
	rc = each_row(f, "SELECT id, pts, qts, date, seq FROM update_state",
		      SESSFILE_STATES_MAX, state_row, &rows);
	f->locked = false;
	return rc;
}

static enum err read_peers(struct file *f, const char *table, const char *sql,
			   row_fn fn)
{
	struct columns c = { 0 };
	size_t rows;
	enum err rc = list_columns(f, table, &c);

	if (rc || !has(&c, "id") || !has(&c, "username"))
		return rc;
	f->locked = true;
	rc = each_row(f, sql, SESSFILE_PEERS_MAX, fn, &rows);
	f->locked = false;
	return rc;
}

static enum err read_version(struct file *f, const char *column)
{
	struct columns c = { 0 };
	sqlite3_stmt *st;
	char sql[64];
	enum err rc = list_columns(f, "version", &c);

	if (rc || !has(&c, column))
		return rc;
	snprintf(sql, sizeof(sql), "SELECT %s FROM version", column);
	rc = prepare(f, sql, &st);
	if (rc)
		return rc;
	if (sqlite3_step(st) == SQLITE_ROW)
		f->s->version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return ERR_OK;
}

static enum err read_telethon(struct file *f)
{
	enum err rc;

	f->s->flavour = SESSFILE_TELETHON_SQLITE;
	f->locked = true;
	rc = one_session(f,
			 "SELECT dc_id, server_address, port, auth_key FROM "
			 "sessions LIMIT 2",
			 telethon_row);
	f->locked = false;
	if (!rc)
		rc = read_version(f, "version");
	if (!rc)
		rc = read_peers(f, "entities",
				"SELECT id, hash, username, phone, name FROM "
				"entities",
				entity_row);
	return rc ? rc : read_states(f);
}

static enum err read_pyrogram(struct file *f, bool has_api_id)
{
	enum err rc;

	f->s->flavour = SESSFILE_PYROGRAM_SQLITE;
	f->locked = true;
	rc = one_session(f,
			 has_api_id
				 ? "SELECT dc_id, test_mode, user_id, is_bot, "
				   "auth_key, api_id FROM sessions LIMIT 2"
				 : "SELECT dc_id, test_mode, user_id, is_bot, "
				   "auth_key, NULL FROM sessions LIMIT 2",
			 pyrogram_row);
	f->locked = false;
	if (!rc)
		rc = read_version(f, "number");
	if (!rc)
		rc = read_peers(f, "peers",
				"SELECT id, access_hash, username, "
				"phone_number, NULL, type FROM peers",
				peer_row);
	return rc ? rc : read_states(f);
}

static enum err read_tables(struct file *f)
{
	struct columns c = { 0 };
	enum err rc = list_columns(f, "sessions", &c);

	if (rc)
		return rc;
	if (c.n == 0)
		return err_set(f->ei, ERR_INVALID,
			       "an SQLite database, but there is no sessions "
			       "table in it: not a session file");
	if (has(&c, "dc_id") && has(&c, "auth_key") &&
	    has(&c, "server_address") && has(&c, "port"))
		return read_telethon(f);
	if (has(&c, "dc_id") && has(&c, "auth_key") && has(&c, "user_id") &&
	    has(&c, "test_mode") && has(&c, "is_bot"))
		return read_pyrogram(f, has(&c, "api_id"));
	return err_set(f->ei, ERR_INVALID,
		       "its sessions table has neither Telethon's nor "
		       "Pyrogram's columns");
}

enum err sessfile_read_sqlite(const uint8_t *data, size_t len,
			      struct sessfile *ret, struct err_info *ei)
{
	struct file f = { .s = ret, .ei = ei, .steps_left = STEPS_MAX };
	enum err rc;

	sessfile_init(ret, SESSFILE_TELETHON_SQLITE);
	rc = check_header(data, len, ei);
	if (rc)
		return rc;
	rc = open_copy(&f, data, len);
	if (!rc)
		rc = read_tables(&f);
	sqlite3_close(f.db);
	return rc;
}
