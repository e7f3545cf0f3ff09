/* SPDX-License-Identifier: MIT */
/*
 * The tables of Telethon (versions 5 to 8) and of Pyrogram (2, 3) and its forks
 * Kurigram (4 to 7) and Pyrofork (4).  Which program wrote a file is told by
 * tables and columns; version numbers mean different things in every fork.
 */
#include <stdio.h>
#include <string.h>

#include "tg/sessfile_sqlite_int.h"

#define MARK_MIN (-20 * SESSFILE_CHANNEL_MARK)

static enum err take_key(struct sessfile_db *f, sqlite3_stmt *st, int i)
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

static enum err one_session(struct sessfile_db *f, const char *sql,
			    sessfile_row_fn fn)
{
	size_t rows = 0;
	enum err rc = sessfile_sqlite_rows(f, sql, 1, fn, &rows);

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

/* Columns 0 dc_id, 1 server_address, 2 port, 3 auth_key */
static enum err telethon_row(struct sessfile_db *f, sqlite3_stmt *st)
{
	int64_t dc, port;
	const char *address;
	enum err rc;

	rc = sessfile_sqlite_int(f, st, 0, &dc);
	if (!rc)
		rc = sessfile_set_dc(f->s, dc, f->ei);
	if (!rc)
		rc = sessfile_sqlite_int(f, st, 2, &port);
	if (rc)
		return rc;
	address = (const char *)sqlite3_column_text(st, 1);
	rc = take_key(f, st, 3);
	if (rc)
		return rc;
	return sessfile_set_address(f->s, address ? address : "", port, f->ei);
}

/* Of the forks, Kurigram's newest says it; NULL in a file made of an older one. */
static enum err pyrogram_address(struct sessfile_db *f, sqlite3_stmt *st)
{
	const char *address = (const char *)sqlite3_column_text(st, 6);
	int64_t port;
	enum err rc;

	if (!address || !*address)
		return ERR_OK;
	rc = sessfile_sqlite_int(f, st, 7, &port);
	return rc ? rc : sessfile_set_address(f->s, address, port, f->ei);
}

/*
 * Columns 0 dc_id, 1 test_mode, 2 user_id, 3 is_bot, 4 auth_key, 5 api_id,
 * 6 server_address, 7 port
 */
static enum err pyrogram_row(struct sessfile_db *f, sqlite3_stmt *st)
{
	int64_t dc, test, user, bot, api;
	enum err rc;

	rc = sessfile_sqlite_int(f, st, 0, &dc);
	if (!rc)
		rc = sessfile_set_dc(f->s, dc, f->ei);
	if (!rc)
		rc = sessfile_sqlite_int(f, st, 1, &test);
	if (!rc)
		rc = sessfile_sqlite_int(f, st, 2, &user);
	if (!rc)
		rc = sessfile_sqlite_int(f, st, 3, &bot);
	if (!rc)
		rc = sessfile_sqlite_int(f, st, 5, &api);
	if (rc)
		return rc;
	if (user < 0 || api < 0 || api > INT32_MAX)
		return err_set(f->ei, ERR_INVALID,
			       "its user_id or api_id is impossible");
	f->s->test_mode = test != 0;
	f->s->user_id = user;
	f->s->is_bot = bot != 0;
	f->s->api_id = api;
	rc = take_key(f, st, 4);
	return rc ? rc : pyrogram_address(f, st);
}

/* `all` or a copy with room for one more: lists grow by doubling. */
static void *grow(struct arena *a, const void *all, size_t n, size_t size)
{
	void *more;

	if ((n & (n - 1)) != 0)
		return (void *)(uintptr_t)all;
	more = arena_array(a, n ? n * 2 : 1, size);
	if (more && n > 0)
		memcpy(more, all, n * size);
	return more;
}

static struct sessfile_peer *add_peer(struct sessfile *s)
{
	struct sessfile_peer *all =
		grow(&s->arena, s->peers, s->npeers, sizeof(*all));

	if (!all)
		return NULL;
	s->peers = all;
	return &all[s->npeers++];
}

static enum err add_username(struct sessfile_db *f, size_t peer,
			     const char *name)
{
	struct sessfile *s = f->s;
	struct sessfile_username *all =
		grow(&s->arena, s->usernames, s->nusernames, sizeof(*all));

	if (!all)
		return ERR_NOMEM;
	if (s->nusernames == SESSFILE_PEERS_MAX)
		return err_set(f->ei, ERR_TOOBIG,
			       "more than %d further usernames",
			       SESSFILE_PEERS_MAX);
	s->usernames = all;
	all[s->nusernames++] = (struct sessfile_username){ peer, name };
	return ERR_OK;
}

static enum err add_channel(struct sessfile *s, int64_t id, int64_t pts)
{
	struct sessfile_channel *all =
		grow(&s->arena, s->channels, s->nchannels, sizeof(*all));

	if (!all)
		return ERR_NOMEM;
	s->channels = all;
	all[s->nchannels++] = (struct sessfile_channel){ id, pts };
	return ERR_OK;
}

static void unmark(int64_t marked, struct sessfile_peer *p)
{
	if (marked > 0) {
		p->id = marked;
		p->type = SESSFILE_USER;
	} else if (marked >= -SESSFILE_CHANNEL_MARK) {
		p->id = -marked;
		p->type = SESSFILE_GROUP;
	} else {
		p->id = -marked - SESSFILE_CHANNEL_MARK;
		p->type = SESSFILE_CHANNEL;
	}
}

/* Columns 0 id, 1 hash, 2 username, 3 phone, 4 name; *ret NULL: not a peer */
static enum err read_peer(struct sessfile_db *f, sqlite3_stmt *st,
			  struct sessfile_peer **ret)
{
	struct sessfile_peer *p;
	int64_t marked, hash = 0;
	enum err rc;

	*ret = NULL;
	rc = sessfile_sqlite_int(f, st, 0, &marked);
	if (!rc)
		rc = sessfile_sqlite_int(f, st, 1, &hash);
	if (rc || marked < MARK_MIN)
		return rc;
	if (marked == 0) {
		/* Telethon notes there who the account itself is */
		if (f->s->flavour == SESSFILE_TELETHON_SQLITE && hash > 0)
			f->s->user_id = hash;
		return ERR_OK;
	}
	p = add_peer(f->s);
	if (!p)
		return ERR_NOMEM;
	unmark(marked, p);
	p->access_hash = hash;
	p->username = sessfile_sqlite_str(f, st, 2);
	p->phone = sessfile_sqlite_str(f, st, 3);
	p->name = sessfile_sqlite_str(f, st, 4);
	*ret = p;
	return ERR_OK;
}

static enum err entity_row(struct sessfile_db *f, sqlite3_stmt *st)
{
	struct sessfile_peer *p;

	return read_peer(f, st, &p);
}

/* What the id says of a peer stands; the type says more about it. */
static void refine(struct sessfile_peer *p, const char *type)
{
	static const struct {
		const char *name;
		enum sessfile_peer_type from, to;
	} finer[] = {
		{ "bot", SESSFILE_USER, SESSFILE_BOT },
		{ "supergroup", SESSFILE_CHANNEL, SESSFILE_SUPERGROUP },
		/* Kurigram's: supergroups with topics, of several kinds */
		{ "forum", SESSFILE_CHANNEL, SESSFILE_SUPERGROUP },
		{ "direct", SESSFILE_CHANNEL, SESSFILE_SUPERGROUP },
		{ "community", SESSFILE_CHANNEL, SESSFILE_SUPERGROUP },
	};

	for (size_t i = 0; type && i < ARRAY_LEN(finer); i++) {
		if (p->type == finer[i].from &&
		    strcmp(type, finer[i].name) == 0) {
			p->type = finer[i].to;
			return;
		}
	}
}

static enum err peer_row(struct sessfile_db *f, sqlite3_stmt *st)
{
	struct sessfile_peer *p;
	enum err rc = read_peer(f, st, &p);

	if (!rc && p)
		refine(p, (const char *)sqlite3_column_text(st, 5));
	return rc;
}

/* The peers came in the order of their marked ids. */
static bool find_peer(const struct sessfile *s, int64_t marked, size_t *ret)
{
	size_t low = 0, high = s->npeers;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (sessfile_mark(&s->peers[mid]) < marked)
			low = mid + 1;
		else
			high = mid;
	}
	*ret = low;
	return low < s->npeers && sessfile_mark(&s->peers[low]) == marked;
}

/* Columns 0 the peer's id, 1 username; one of a peer not there is no use. */
static enum err username_row(struct sessfile_db *f, sqlite3_stmt *st)
{
	const char *name = sessfile_sqlite_str(f, st, 1);
	struct sessfile_peer *p;
	int64_t marked;
	size_t i;
	enum err rc = sessfile_sqlite_int(f, st, 0, &marked);

	if (rc || !name || !find_peer(f->s, marked, &i))
		return rc;
	p = (struct sessfile_peer *)(uintptr_t)&f->s->peers[i];
	if (!p->username)
		p->username = name;
	else if (strcmp(p->username, name) != 0)
		return add_username(f, i, name);
	return ERR_OK;
}

/* Telethon's dates may have fractions of a second. */
static enum err state_number(struct sessfile_db *f, sqlite3_stmt *st, int i,
			     int64_t *ret)
{
	enum err rc = ERR_OK;

	if (i == 3 && sqlite3_column_type(st, i) == SQLITE_FLOAT)
		*ret = sqlite3_column_int64(st, i);
	else
		rc = sessfile_sqlite_int(f, st, i, ret);
	if (!rc && (*ret < 0 || *ret > INT32_MAX))
		return err_set(f->ei, ERR_INVALID,
			       "its place in the updates is impossible: %s "
			       "%lld",
			       sqlite3_column_name(st, i), (long long)*ret);
	return rc;
}

/*
 * Columns 0 id, 1 pts, 2 qts, 3 date, 4 seq.  The account's own place is at 0.
 * Telethon says a channel's id, the forks of Pyrogram the marked one; only the
 * pts of a channel counts.
 */
static enum err state_row(struct sessfile_db *f, sqlite3_stmt *st)
{
	struct sessfile *s = f->s;
	int64_t id = 0, v[5] = { 0 };
	enum err rc = sessfile_sqlite_int(f, st, 0, &id);
	bool own = id == 0 ||
		   (s->flavour == SESSFILE_PYROGRAM_SQLITE && id == s->user_id);

	s->nstates++;
	for (int i = 1; i < (own ? 5 : 2) && !rc; i++)
		rc = state_number(f, st, i, &v[i]);
	if (rc || v[1] == 0)
		return rc;
	if (own) {
		s->has_update_state = true;
		s->pts = v[1];
		s->qts = v[2];
		s->date = v[3];
		s->seq = v[4];
		return ERR_OK;
	}
	if (id < MARK_MIN || id > -MARK_MIN)
		return ERR_OK;
	if (id < 0)
		id = -id - SESSFILE_CHANNEL_MARK;
	return id > 0 ? add_channel(s, id, v[1]) : ERR_OK;
}

static enum err read_states(struct sessfile_db *f)
{
	static const char *const needed[] = { "id", "pts", "qts", "date",
					      "seq" };
	struct sessfile_columns c = { 0 };
	size_t rows;
	enum err rc = sessfile_sqlite_columns(f, "update_state", &c);

	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!sessfile_sqlite_has(&c, needed[i]))
			return ERR_OK;
	return sessfile_sqlite_rows(
		f, "SELECT id, pts, qts, date, seq FROM update_state",
		SESSFILE_STATES_MAX, state_row, &rows);
}

static enum err read_entities(struct sessfile_db *f)
{
	struct sessfile_columns c = { 0 };
	size_t rows;
	enum err rc = sessfile_sqlite_columns(f, "entities", &c);

	if (rc || !sessfile_sqlite_has(&c, "id"))
		return rc;
	return sessfile_sqlite_rows(
		f, "SELECT id, hash, username, phone, name FROM entities",
		SESSFILE_PEERS_MAX + 1, entity_row, &rows);
}

static enum err read_peers(struct sessfile_db *f)
{
	struct sessfile_columns c = { 0 };
	size_t rows;
	enum err rc = sessfile_sqlite_columns(f, "peers", &c);

	if (rc || !sessfile_sqlite_has(&c, "id"))
		return rc;
	return sessfile_sqlite_rows(
		f,
		/* Kurigram's newer files keep usernames elsewhere only */
		sessfile_sqlite_has(&c, "username")
			? "SELECT id, access_hash, username, phone_number, "
			  "NULL, type FROM peers ORDER BY id"
			: "SELECT id, access_hash, NULL, phone_number, NULL, "
			  "type FROM peers ORDER BY id",
		SESSFILE_PEERS_MAX, peer_row, &rows);
}

static enum err read_usernames(struct sessfile_db *f)
{
	struct sessfile_columns c = { 0 };
	const char *sql;
	size_t rows;
	enum err rc = sessfile_sqlite_columns(f, "usernames", &c);

	if (rc)
		return rc;
	if (sessfile_sqlite_has(&c, "peer_id")) /* Pyrofork */
		sql = "SELECT peer_id, id FROM usernames";
	else if (sessfile_sqlite_has(&c, "username")) /* Kurigram */
		sql = "SELECT id, username FROM usernames";
	else
		return ERR_OK;
	/* each peer's first, and the further ones */
	return sessfile_sqlite_rows(f, sql, 2 * SESSFILE_PEERS_MAX,
				    username_row, &rows);
}

static enum err version_row(struct sessfile_db *f, sqlite3_stmt *st)
{
	f->s->version = sqlite3_column_int(st, 0);
	return ERR_OK;
}

static enum err read_version(struct sessfile_db *f, const char *column)
{
	struct sessfile_columns c = { 0 };
	char sql[64];
	size_t rows;
	enum err rc = sessfile_sqlite_columns(f, "version", &c);

	if (rc || !sessfile_sqlite_has(&c, column))
		return rc;
	snprintf(sql, sizeof(sql), "SELECT %s FROM version LIMIT 1", column);
	return sessfile_sqlite_rows(f, sql, 1, version_row, &rows);
}

static enum err read_telethon(struct sessfile_db *f)
{
	enum err rc;

	f->s->flavour = SESSFILE_TELETHON_SQLITE;
	rc = one_session(f,
			 "SELECT dc_id, server_address, port, auth_key FROM "
			 "sessions LIMIT 2",
			 telethon_row);
	if (!rc)
		rc = read_version(f, "version");
	if (!rc)
		rc = read_entities(f);
	return rc ? rc : read_states(f);
}

static enum err read_pyrogram(struct sessfile_db *f,
			      const struct sessfile_columns *c)
{
	bool has_address = sessfile_sqlite_has(c, "server_address") &&
			   sessfile_sqlite_has(c, "port");
	char sql[160];
	enum err rc;

	f->s->flavour = SESSFILE_PYROGRAM_SQLITE;
	snprintf(sql, sizeof(sql),
		 "SELECT dc_id, test_mode, user_id, is_bot, auth_key, %s, %s "
		 "FROM sessions LIMIT 2",
		 sessfile_sqlite_has(c, "api_id") ? "api_id" : "NULL",
		 has_address ? "server_address, port" : "NULL, NULL");
	rc = one_session(f, sql, pyrogram_row);
	if (!rc)
		rc = read_version(f, "number");
	if (!rc)
		rc = read_peers(f);
	if (!rc)
		rc = read_usernames(f);
	return rc ? rc : read_states(f);
}

enum err sessfile_sqlite_read(struct sessfile_db *f)
{
	struct sessfile_columns c = { 0 };
	enum err rc = sessfile_sqlite_columns(f, "sessions", &c);

	if (rc)
		return rc;
	if (c.n == 0)
		return err_set(f->ei, ERR_INVALID,
			       "an SQLite database, but there is no sessions "
			       "table in it: not a session file");
	/* Kurigram's newest says an address, too: Pyrogram comes first */
	if (sessfile_sqlite_has(&c, "dc_id") &&
	    sessfile_sqlite_has(&c, "auth_key")) {
		if (sessfile_sqlite_has(&c, "user_id") &&
		    sessfile_sqlite_has(&c, "test_mode") &&
		    sessfile_sqlite_has(&c, "is_bot"))
			return read_pyrogram(f, &c);
		if (sessfile_sqlite_has(&c, "server_address") &&
		    sessfile_sqlite_has(&c, "port"))
			return read_telethon(f);
	}
	return err_set(f->ei, ERR_INVALID,
		       "its sessions table has neither Telethon's nor "
		       "Pyrogram's columns");
}
