/* SPDX-License-Identifier: MIT */
/*
 * Settings, users, logins, API keys, idempotency keys.
 */
#include <string.h>

#include "store/db.h"

#define SQLITE_HOUR_US (INT64_C(3600) * US_PER_SEC)

static enum err people_kv_set(struct store *st, const char *key,
			      const char *value, struct err_info *ei)
{
	enum err rc = db_check_text("setting", key, true, ei);

	if (rc == ERR_OK)
		rc = db_check_json(key, value, ei);
	if (rc)
		return rc;
	return db_run(db_of(st), NULL, ei,
		      "INSERT INTO kv (key, value) VALUES (?, ?) ON "
		      "CONFLICT (key) DO UPDATE SET value = excluded.value",
		      "tt", key, value);
}

static void people_read_value(struct db_row *r, void *ret)
{
	*(const char **)ret = db_must(r);
}

static enum err people_kv_get(struct store *st, const char *key,
			      struct arena *a, const char **ret,
			      struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT value FROM kv WHERE key = ?", "t", key);
	if (rc == ERR_OK)
		rc = db_one(&r, people_read_value, sizeof(*ret), ret, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, rc, "no setting %s", key);
	return rc;
}

static enum err people_kv_init(struct store *st, const char *key,
			       const char *value, struct arena *a,
			       const char **ret, struct err_info *ei)
{
	enum err rc = db_check_text("setting", key, true, ei);

	if (rc == ERR_OK)
		rc = db_check_json(key, value, ei);
	if (rc == ERR_OK)
		rc = db_run(db_of(st), NULL, ei,
			    "INSERT INTO kv (key, value) VALUES (?, ?) ON "
			    "CONFLICT (key) DO NOTHING",
			    "tt", key, value);
	if (rc)
		return rc;
	return people_kv_get(st, key, a, ret, ei);
}

/* --- users --- */

#define PEOPLE_USER_COLS                                                       \
	"id, name, password_hash, role, disabled, failed_logins, "             \
	"locked_until, last_login, created"

static void people_read_user(struct db_row *r, void *ret)
{
	struct store_user *u = ret;

	u->id = db_i64(r);
	u->name = db_must(r);
	u->password_hash = db_must(r);
	u->role = db_must(r);
	u->disabled = db_i64(r) != 0;
	u->failed_logins = (unsigned int)db_i64(r);
	u->locked_until = db_wall(r);
	u->last_login = db_wall(r);
	u->created = db_wall(r);
}

static enum err people_check_role(const char *role, struct err_info *ei)
{
	if (role &&
	    (strcmp(role, "admin") == 0 || strcmp(role, "operator") == 0 ||
	     strcmp(role, "viewer") == 0))
		return ERR_OK;
	return err_set(ei, ERR_INVALID,
		       "role must be admin, operator or viewer");
}

static enum err people_user_add(struct store *st, const struct store_user *u,
				int64_t *ret_id, struct err_info *ei)
{
	struct db *db = db_of(st);
	int64_t id = 0;
	enum err rc;

	rc = db_check_text("user name", u->name, true, ei);
	if (rc == ERR_OK)
		rc = db_check_text("password hash", u->password_hash, true, ei);
	if (rc == ERR_OK)
		rc = people_check_role(u->role, ei);
	if (rc == ERR_OK)
		rc = db_scalar(db, 0, &id, ei,
			       "INSERT INTO users (name, password_hash, role, "
			       "disabled, created) SELECT ?1, ?2, ?3, ?4, ?5 "
			       "WHERE (SELECT count(*) FROM users) < ?6 ON "
			       "CONFLICT (name) DO NOTHING RETURNING id",
			       "tttdwd", u->name, u->password_hash, u->role,
			       u->disabled, u->created, STORE_USERS_MAX);
	if (rc)
		return rc;
	if (id == 0)
		return err_set(ei, ERR_DUPLICATE,
			       "user %s exists already, or there are %d users",
			       u->name, STORE_USERS_MAX);
	*ret_id = id;
	return ERR_OK;
}

static enum err people_one_user(struct db_row *r, const char *what,
				struct store_user *ret, struct err_info *ei)
{
	enum err rc;

	rc = db_one(r, people_read_user, sizeof(*ret), ret, ei);
	return rc == ERR_NOTFOUND ? err_set(ei, rc, "no user %s", what) : rc;
}

static enum err people_user_get(struct store *st, const char *name,
				struct arena *a, struct store_user *ret,
				struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT " PEOPLE_USER_COLS " FROM users WHERE name = ?",
		      "t", name);
	return rc ? rc : people_one_user(&r, name, ret, ei);
}

static enum err people_user_get_id(struct store *st, int64_t id,
				   struct arena *a, struct store_user *ret,
				   struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT " PEOPLE_USER_COLS " FROM users WHERE id = ?",
		      "i", id);
	return rc ? rc : people_one_user(&r, "with this id", ret, ei);
}

static enum err people_user_list(struct store *st, struct arena *a,
				 struct store_users *ret, struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db, a, &r, ei,
		      "SELECT " PEOPLE_USER_COLS
		      " FROM users ORDER BY name LIMIT ?",
		      "i", (int64_t)STORE_USERS_MAX);
	if (rc == ERR_OK)
		rc = db_all(&r, people_read_user, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

/* Two who each leave the other as the last admin must not pass at once. */
static enum err people_lock(struct db *db, struct err_info *ei)
{
	return db_run(db, NULL, ei,
		      "SELECT id FROM users WHERE role = 'admin' ORDER BY id "
		      "/* FOR UPDATE */",
		      "");
}

/* ERR_CONFLICT if nobody could administer any more. */
static enum err people_still_admin(struct db *db, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_scalar(db, 0, &n, ei,
		       "SELECT count(*) FROM users WHERE role = 'admin' "
		       "AND disabled = 0",
		       "");
	if (rc || n > 0)
		return rc;
	return err_set(
		ei, ERR_CONFLICT,
		"this is the last enabled admin: make another one first");
}

static enum err people_user_change(struct db *db, const struct store_user *u,
				   uint32_t fields, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(
		db, &n, ei,
		"UPDATE users SET "
		"password_hash = CASE WHEN ?2 & 1 <> 0 THEN ?3 ELSE "
		"password_hash END, "
		"role = CASE WHEN ?2 & 2 <> 0 THEN ?4 ELSE role END, "
		"disabled = CASE WHEN ?2 & 4 <> 0 THEN ?5 ELSE disabled END, "
		"failed_logins = CASE WHEN ?2 & 1 <> 0 THEN 0 ELSE "
		"failed_logins END, "
		"locked_until = CASE WHEN ?2 & 1 <> 0 THEN 0 ELSE locked_until "
		"END "
		"WHERE id = ?1",
		"idttd", u->id, (int)fields, u->password_hash, u->role,
		u->disabled);
	if (rc)
		return rc;
	if (n == 0)
		return err_set(ei, ERR_NOTFOUND, "no user with this id");
	if (fields & (STORE_USER_PASSWORD | STORE_USER_DISABLED))
		rc = db_run(db, NULL, ei,
			    "DELETE FROM logins WHERE user_id = ?", "i", u->id);
	return rc ? rc : people_still_admin(db, ei);
}

static enum err people_user_update(struct store *st, const struct store_user *u,
				   uint32_t fields, struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = ERR_OK;

	_Static_assert(STORE_USER_PASSWORD == 1 && STORE_USER_ROLE == 2 &&
			       STORE_USER_DISABLED == 4,
		       "the UPDATE above");
	if (fields & STORE_USER_PASSWORD)
		rc = db_check_text("password hash", u->password_hash, true, ei);
	if (rc == ERR_OK && (fields & STORE_USER_ROLE))
		rc = people_check_role(u->role, ei);
	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	rc = people_lock(db, ei);
	if (rc == ERR_OK)
		rc = people_user_change(db, u, fields, ei);
	return db_atomic_end(db, rc, ei);
}

static enum err people_user_remove(struct db *db, int64_t id,
				   struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db, &n, ei, "DELETE FROM users WHERE id = ?", "i", id);
	if (rc)
		return rc;
	if (n == 0)
		return err_set(ei, ERR_NOTFOUND, "no user with this id");
	return people_still_admin(db, ei);
}

static enum err people_user_delete(struct store *st, int64_t id,
				   struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = db_atomic_begin(db, ei);

	if (rc)
		return rc;
	rc = people_lock(db, ei);
	if (rc == ERR_OK)
		rc = people_user_remove(db, id, ei);
	return db_atomic_end(db, rc, ei);
}

static enum err people_login_failed(struct store *st, int64_t id,
				    unsigned int max, struct wall until,
				    struct err_info *ei)
{
	/* The lock starts the count again: it ends by itself. */
	return db_run(db_of(st), NULL, ei,
		      "UPDATE users SET "
		      "locked_until = CASE WHEN failed_logins + 1 >= ?2 "
		      "THEN ?3 ELSE locked_until END, "
		      "failed_logins = CASE WHEN failed_logins + 1 >= ?2 "
		      "THEN 0 ELSE failed_logins + 1 END WHERE id = ?1",
		      "idw", id, (int)max, until);
}

static enum err people_login_ok(struct store *st, int64_t id, struct wall now,
				struct err_info *ei)
{
	return db_run(db_of(st), NULL, ei,
		      "UPDATE users SET failed_logins = 0, locked_until = "
		      "0, last_login = ?2 WHERE id = ?1",
		      "iw", id, now);
}

/* --- logins --- */

static enum err people_login_add(struct store *st, const struct store_login *l,
				 struct err_info *ei)
{
	enum err rc = db_check_text("address", l->remote, false, ei);

	if (rc)
		return rc;
	return db_run(db_of(st), NULL, ei,
		      "INSERT INTO logins (token, csrf, user_id, remote, "
		      "created, expires) VALUES (?, ?, ?, ?, ?, ?)",
		      "hhitww", &l->token, &l->csrf, l->user_id, l->remote,
		      l->created, l->expires);
}

static enum err people_login_get(struct store *st,
				 const struct store_hash *token,
				 struct wall now, struct arena *a,
				 struct store_login *ret, struct err_info *ei)
{
	struct store_login l = { .token = *token };
	struct db_row r;
	bool have = false;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT l.csrf, l.user_id, u.name, u.role, l.remote, "
		      "l.created, l.expires FROM logins l JOIN users u ON "
		      "u.id = l.user_id WHERE l.token = ? AND l.expires > "
		      "? AND u.disabled = 0",
		      "hw", token, now);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc)
		return rc;
	if (!have)
		return err_set(ei, ERR_UNAUTHORIZED,
			       "the login is unknown or has expired: sign in "
			       "again");
	db_fixed(&r, l.csrf.bytes, sizeof(l.csrf.bytes));
	l.user_id = db_i64(&r);
	l.user_name = db_must(&r);
	l.role = db_must(&r);
	l.remote = db_text(&r);
	l.created = db_wall(&r);
	l.expires = db_wall(&r);
	db_end(&r);
	rc = db_row_check(&r, ei);
	if (rc == ERR_OK)
		*ret = l;
	return rc;
}

static enum err people_login_confirm(struct store *st,
				     const struct store_hash *token,
				     struct wall now, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db_of(st), &n, ei,
		    "UPDATE logins SET created = ? WHERE token = ?", "wh", now,
		    token);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "the login has ended");
}

static enum err people_login_delete(struct store *st,
				    const struct store_hash *token,
				    struct err_info *ei)
{
	return db_run(db_of(st), NULL, ei, "DELETE FROM logins WHERE token = ?",
		      "h", token);
}

/* --- API keys --- */

#define PEOPLE_KEY_COLS                                                        \
	"id, name, hash, role, scopes, created_by, created, expires, "         \
	"last_used"

static void people_read_key(struct db_row *r, void *ret)
{
	struct store_apikey *k = ret;

	k->id = db_must(r);
	k->name = db_must(r);
	db_fixed(r, k->hash.bytes, sizeof(k->hash.bytes));
	k->role = db_must(r);
	k->scopes = db_must(r);
	k->created_by = db_must(r);
	k->created = db_wall(r);
	k->expires = db_wall(r);
	k->last_used = db_wall(r);
}

static enum err people_apikey_add(struct store *st,
				  const struct store_apikey *k,
				  struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_check_text("key id", k->id, true, ei);
	if (rc == ERR_OK)
		rc = db_check_text("key name", k->name, true, ei);
	if (rc == ERR_OK)
		rc = db_check_text("scopes", k->scopes, false, ei);
	if (rc == ERR_OK)
		rc = people_check_role(k->role, ei);
	if (rc == ERR_OK)
		rc = db_run(db_of(st), &n, ei,
			    "INSERT INTO apikeys (id, name, hash, role, "
			    "scopes, created_by, created, expires) SELECT "
			    "?1, ?2, ?3, ?4, coalesce(?5, ''), ?6, ?7, ?8 "
			    "WHERE (SELECT count(*) FROM apikeys) < ?9 ON "
			    "CONFLICT DO NOTHING",
			    "tthtttwwd", k->id, k->name, &k->hash, k->role,
			    k->scopes, k->created_by, k->created, k->expires,
			    STORE_USERS_MAX);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_DUPLICATE,
		       "API key %s exists already, or there are %d keys", k->id,
		       STORE_USERS_MAX);
}

static enum err people_apikey_get(struct store *st,
				  const struct store_hash *hash,
				  struct wall now, struct arena *a,
				  struct store_apikey *ret, struct err_info *ei)
{
	struct db *db = db_of(st);
	struct store_apikey k;
	struct db_row r;
	enum err rc;

	rc = db_query(db, a, &r, ei,
		      "SELECT " PEOPLE_KEY_COLS " FROM apikeys WHERE hash "
		      "= ? AND (expires = 0 OR expires > ?)",
		      "hw", hash, now);
	if (rc == ERR_OK)
		rc = db_one(&r, people_read_key, sizeof(k), &k, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, ERR_UNAUTHORIZED,
			       "the API key is unknown or has expired");
	/* Not a write for every request. */
	if (rc == ERR_OK && now.us - k.last_used.us > SQLITE_HOUR_US)
		rc = db_run(db, NULL, ei,
			    "UPDATE apikeys SET last_used = ? WHERE id = ?",
			    "wt", now, k.id);
	if (rc == ERR_OK)
		*ret = k;
	return rc;
}

static enum err people_apikey_list(struct store *st, struct arena *a,
				   struct store_apikeys *ret,
				   struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db, a, &r, ei,
		      "SELECT " PEOPLE_KEY_COLS
		      " FROM apikeys ORDER BY id LIMIT ?",
		      "i", (int64_t)STORE_USERS_MAX);
	if (rc == ERR_OK)
		rc = db_all(&r, people_read_key, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

static enum err people_apikey_delete(struct store *st, const char *id,
				     struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db_of(st), &n, ei, "DELETE FROM apikeys WHERE id = ?", "t",
		    id);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "no API key %s", id);
}

/* --- idempotency --- */

static enum err people_idem_add(struct store *st, const struct store_idem *i,
				struct err_info *ei)
{
	int64_t n = 0;
	enum err rc = db_check_text("Idempotency-Key", i->key, true, ei);

	if (rc == ERR_OK)
		rc = db_check_json("answer", i->body, ei);
	if (rc == ERR_OK)
		rc = db_run(db_of(st), &n, ei,
			    "INSERT INTO idem (actor, key, request, "
			    "status, body, created) VALUES (?, ?, ?, ?, ?, "
			    "?) ON CONFLICT DO NOTHING",
			    "tthdtw", i->actor, i->key, &i->request, i->status,
			    i->body, i->created);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_DUPLICATE, "this Idempotency-Key was used");
}

static enum err people_idem_get(struct store *st, const char *actor,
				const char *key, struct arena *a,
				struct store_idem *ret, struct err_info *ei)
{
	struct store_idem i = { .actor = actor, .key = key };
	struct db_row r;
	bool have = false;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT request, status, body, created FROM idem "
		      "WHERE actor = ? AND key = ?",
		      "tt", actor, key);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc)
		return rc;
	if (!have)
		return err_set(ei, ERR_NOTFOUND, "new Idempotency-Key");
	db_fixed(&r, i.request.bytes, sizeof(i.request.bytes));
	i.status = (int)db_i64(&r);
	i.body = db_must(&r);
	i.created = db_wall(&r);
	db_end(&r);
	rc = db_row_check(&r, ei);
	if (rc == ERR_OK)
		*ret = i;
	return rc;
}

void ops_people(struct store_ops *ops)
{
	ops->kv_set = people_kv_set;
	ops->kv_init = people_kv_init;
	ops->kv_get = people_kv_get;
	ops->user_add = people_user_add;
	ops->user_get = people_user_get;
	ops->user_get_id = people_user_get_id;
	ops->user_list = people_user_list;
	ops->user_update = people_user_update;
	ops->user_delete = people_user_delete;
	ops->user_login_failed = people_login_failed;
	ops->user_login_ok = people_login_ok;
	ops->login_add = people_login_add;
	ops->login_get = people_login_get;
	ops->login_confirm = people_login_confirm;
	ops->login_delete = people_login_delete;
	ops->apikey_add = people_apikey_add;
	ops->apikey_get = people_apikey_get;
	ops->apikey_list = people_apikey_list;
	ops->apikey_delete = people_apikey_delete;
	ops->idem_add = people_idem_add;
	ops->idem_get = people_idem_get;
}
