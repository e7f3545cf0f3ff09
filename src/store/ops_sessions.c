/* SPDX-License-Identifier: MIT */
/*
 * Sealed sessions.  Versions of an account only grow, also over deletion: the
 * seal is bound to (account, version), so a pair must never mean two things.
 */
#include "store/db.h"

#define SESSIONS_WRAPPED_MAX 512

static enum err sessions_next(struct db *db, const char *account_id,
			      int64_t *ret, struct err_info *ei)
{
	return db_scalar(db, 1, ret, ei,
			 "SELECT coalesce(max(version), 0) + 1 FROM "
			 "sessions WHERE account_id = ?",
			 "t", account_id);
}

static enum err sessions_next_version(struct store *st, const char *account_id,
				      int64_t *ret, struct err_info *ei)
{
	return sessions_next(db_of(st), account_id, ret, ei);
}

static enum err sessions_check(const struct store_session *s,
			       struct err_info *ei)
{
	enum err rc = db_check_text("account id", s->account_id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("flavour", s->flavour, true, ei);
	if (rc == ERR_OK)
		rc = db_check_text("file name", s->filename, false, ei);
	if (rc)
		return rc;
	if (!s->sealed || !s->sealed_len || !s->wrapped_key ||
	    !s->wrapped_key_len)
		return err_set(ei, ERR_INVALID, "the session is not sealed");
	if (s->sealed_len > STORE_SEALED_MAX ||
	    s->wrapped_key_len > SESSIONS_WRAPPED_MAX)
		return err_set(ei, ERR_TOOBIG,
			       "the session of %s has %zu bytes, at most %d",
			       s->account_id, s->sealed_len, STORE_SEALED_MAX);
	return ERR_OK;
}

/* Nobody else may have the key live. */
static enum err sessions_check_key(struct db *db, const struct store_hash *fp,
				   const char *account_id, struct err_info *ei)
{
	struct db_row r;
	bool have = false;
	enum err rc;

	rc = db_query(db, NULL, &r, ei,
		      "SELECT account_id FROM sessions WHERE fingerprint = "
		      "? AND quarantined = 0 AND account_id <> ?",
		      "ht", fp, account_id);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc || !have)
		return rc;
	rc = err_set(ei, ERR_DUPLICATE,
		     "this session is already stored for account %.100s: one "
		     "session may serve one account only",
		     db_peek(&r));
	db_end(&r);
	return rc;
}

static enum err sessions_account(struct db *db, const char *account_id,
				 struct err_info *ei)
{
	int64_t have = 0;
	enum err rc;

	rc = db_scalar(db, 0, &have, ei,
		       "SELECT 1 FROM accounts WHERE account_id = ? "
		       "/* FOR UPDATE */",
		       "t", account_id);
	if (rc || have)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "no account %s", account_id);
}

static enum err sessions_retire(struct db *db, const char *account_id,
				struct wall now, int64_t *ret_n,
				struct err_info *ei)
{
	return db_run(db, ret_n, ei,
		      "UPDATE sessions SET quarantined = ?2 WHERE "
		      "account_id = ?1 AND quarantined = 0",
		      "tw", account_id, now);
}

/* A running account may only get its own key again (with fresher peers). */
static enum err sessions_refuse_swap(struct db *db,
				     const struct store_session *s,
				     struct err_info *ei)
{
	int64_t other = 0;
	enum err rc;

	rc = db_scalar(db, 0, &other, ei,
		       "SELECT 1 FROM sessions s JOIN leases l ON "
		       "l.account_id = s.account_id WHERE s.account_id = ? "
		       "AND s.quarantined = 0 AND l.released = 0 AND "
		       "s.fingerprint <> ?",
		       "th", s->account_id, &s->fingerprint);
	if (rc || !other)
		return rc;
	return err_set(ei, ERR_CONFLICT,
		       "account %s runs with another session: stop it first",
		       s->account_id);
}

static enum err sessions_insert(struct db *db, const struct store_session *s,
				struct err_info *ei)
{
	int64_t next = 0;
	enum err rc = sessions_account(db, s->account_id, ei);

	if (rc == ERR_OK)
		rc = sessions_next(db, s->account_id, &next, ei);
	if (rc == ERR_OK && s->version != next)
		rc = err_set(ei, ERR_CONFLICT,
			     "the session of %s was changed meanwhile: try "
			     "again",
			     s->account_id);
	if (rc == ERR_OK)
		rc = sessions_check_key(db, &s->fingerprint, s->account_id, ei);
	if (rc == ERR_OK)
		rc = sessions_refuse_swap(db, s, ei);
	if (rc == ERR_OK)
		rc = sessions_retire(db, s->account_id, s->created, NULL, ei);
	if (rc)
		return rc;
	return db_run(db, NULL, ei,
		      "INSERT INTO sessions (account_id, version, sealed, "
		      "wrapped_key, fingerprint, flavour, dc_id, user_id, "
		      "filename, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
		      "?, ?)",
		      "tibbhtditw", s->account_id, s->version, s->sealed,
		      s->sealed_len, s->wrapped_key, s->wrapped_key_len,
		      &s->fingerprint, s->flavour, s->dc_id, s->user_id,
		      s->filename, s->created);
}

static enum err sessions_put(struct store *st, const struct store_session *s,
			     struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = sessions_check(s, ei);

	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	return db_atomic_end(db, sessions_insert(db, s, ei), ei);
}

static void sessions_read(struct db_row *r, void *ret)
{
	struct store_session *s = ret;

	s->account_id = db_must(r);
	s->version = db_i64(r);
	s->sealed = db_blob(r, &s->sealed_len);
	s->wrapped_key = db_blob(r, &s->wrapped_key_len);
	db_fixed(r, s->fingerprint.bytes, sizeof(s->fingerprint.bytes));
	s->flavour = db_must(r);
	s->dc_id = (int)db_i64(r);
	s->user_id = db_i64(r);
	s->filename = db_text(r);
	s->created = db_wall(r);
	s->quarantined = db_wall(r);
}

static enum err sessions_get(struct store *st, const char *account_id,
			     int64_t version, struct arena *a,
			     struct store_session *ret, struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT account_id, version, sealed, wrapped_key, "
		      "fingerprint, flavour, dc_id, user_id, filename, "
		      "created, quarantined FROM sessions WHERE account_id "
		      "= ?1 AND CASE WHEN ?2 = 0 THEN quarantined = 0 "
		      "ELSE version = ?2 END",
		      "ti", account_id, version);
	if (rc == ERR_OK)
		rc = db_one(&r, sessions_read, sizeof(*ret), ret, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, ERR_SESSION_MISSING,
			       "no session is stored for account %s: upload "
			       "one",
			       account_id);
	return rc;
}

static enum err sessions_by_fingerprint(struct store *st,
					const struct store_hash *fp,
					struct arena *a,
					const char **ret_account_id,
					struct err_info *ei)
{
	struct db_row r;
	const char *id;
	bool have = false;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT account_id FROM sessions WHERE fingerprint = "
		      "? AND quarantined = 0",
		      "h", fp);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc)
		return rc;
	if (!have)
		return err_set(ei, ERR_NOTFOUND, "no account has this session");
	id = db_must(&r);
	db_end(&r);
	rc = db_row_check(&r, ei);
	if (rc == ERR_OK)
		*ret_account_id = id;
	return rc;
}

static enum err sessions_refuse_out(struct db *db, const char *account_id,
				    struct err_info *ei)
{
	bool out = false;
	enum err rc = ops_leases_out(db, account_id, &out, ei);

	if (rc || !out)
		return rc;
	return err_set(ei, ERR_CONFLICT,
		       "account %s still runs on a node: stop it first",
		       account_id);
}

static enum err sessions_quarantine(struct store *st, const char *account_id,
				    struct wall now, struct err_info *ei)
{
	struct db *db = db_of(st);
	int64_t n = 0;
	enum err rc = db_atomic_begin(db, ei);

	if (rc)
		return rc;
	rc = sessions_refuse_out(db, account_id, ei);
	if (rc == ERR_OK)
		rc = sessions_retire(db, account_id, now, &n, ei);
	if (rc == ERR_OK && n == 0)
		rc = err_set(ei, ERR_SESSION_MISSING,
			     "no session is stored for account %s", account_id);
	return db_atomic_end(db, rc, ei);
}

static enum err sessions_revive(struct db *db, const char *account_id,
				int64_t version, struct err_info *ei)
{
	struct store_hash fp;
	struct db_row r;
	bool have = false;
	enum err rc;

	rc = db_query(db, NULL, &r, ei,
		      "SELECT fingerprint FROM sessions WHERE account_id = "
		      "? AND version = ? AND quarantined <> 0 AND "
		      "wrapped_key IS NOT NULL",
		      "ti", account_id, version);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc)
		return rc;
	if (!have)
		return err_set(ei, ERR_SESSION_MISSING,
			       "account %s has no session %lld in quarantine",
			       account_id, (long long)version);
	db_fixed(&r, fp.bytes, sizeof(fp.bytes));
	db_end(&r);
	rc = sessions_check_key(db, &fp, account_id, ei);
	if (rc)
		return rc;
	rc = db_run(db, NULL, ei,
		    "UPDATE sessions SET quarantined = (SELECT quarantined "
		    "FROM sessions WHERE account_id = ?1 AND version = ?2) "
		    "WHERE account_id = ?1 AND quarantined = 0",
		    "ti", account_id, version);
	if (rc)
		return rc;
	return db_run(db, NULL, ei,
		      "UPDATE sessions SET quarantined = 0 WHERE "
		      "account_id = ? AND version = ?",
		      "ti", account_id, version);
}

static enum err sessions_restore(struct store *st, const char *account_id,
				 int64_t version, struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = db_atomic_begin(db, ei);

	if (rc)
		return rc;
	rc = sessions_account(db, account_id, ei);
	if (rc == ERR_OK)
		rc = sessions_refuse_out(db, account_id, ei);
	if (rc == ERR_OK)
		rc = sessions_revive(db, account_id, version, ei);
	return db_atomic_end(db, rc, ei);
}

#define SESSIONS_WHERE                                                         \
	" FROM sessions WHERE (?1 IS NULL OR account_id = ?1) AND "            \
	"(?2 = 0 OR (quarantined <> 0) = (?2 = 1))"

static enum err sessions_list(struct store *st,
			      const struct store_session_query *q,
			      struct arena *a, struct store_sessions *ret,
			      struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	int64_t total = 0;
	struct db_row r;
	enum err rc;

	_Static_assert(STORE_ANY == 0 && STORE_YES == 1, "SESSIONS_WHERE");
	rc = db_scalar(db, 0, &total, ei, "SELECT count(*)" SESSIONS_WHERE,
		       "td", q->account_id, (int)q->quarantined);
	if (rc == ERR_OK)
		rc = db_query(db, a, &r, ei,
			      "SELECT account_id, version, NULL, CASE "
			      "WHEN ?3 <> 0 THEN wrapped_key END, "
			      "fingerprint, flavour, "
			      "dc_id, user_id, filename, created, "
			      "quarantined" SESSIONS_WHERE
			      " ORDER BY account_id, version LIMIT ?4 "
			      "OFFSET ?5",
			      "tddii", q->account_id, (int)q->quarantined,
			      q->with_wrapped_key, db_page(q->limit),
			      (int64_t)q->offset);
	if (rc == ERR_OK)
		rc = db_all(&r, sessions_read, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	ret->total = total;
	return ERR_OK;
}

static enum err sessions_rewrap(struct store *st, const char *account_id,
				int64_t version, const void *wrapped,
				size_t len, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	if (len == 0 || len > SESSIONS_WRAPPED_MAX)
		return err_set(ei, ERR_INVALID, "not a wrapped key");
	rc = db_run(db_of(st), &n, ei,
		    "UPDATE sessions SET wrapped_key = ?3 WHERE account_id "
		    "= ?1 AND version = ?2 AND wrapped_key IS NOT NULL",
		    "tib", account_id, version, wrapped, len);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "no session %lld of account %s",
		       (long long)version, account_id);
}

static enum err sessions_shred(struct store *st, struct wall before,
			       size_t *ret_rows, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db_of(st), &n, ei,
		    "UPDATE sessions SET wrapped_key = NULL, sealed = NULL "
		    "WHERE quarantined <> 0 AND quarantined < ? AND "
		    "wrapped_key IS NOT NULL",
		    "w", before);
	if (rc == ERR_OK)
		*ret_rows = (size_t)n;
	return rc;
}

void ops_sessions(struct store_ops *ops)
{
	ops->session_next_version = sessions_next_version;
	ops->session_put = sessions_put;
	ops->session_get = sessions_get;
	ops->session_by_fingerprint = sessions_by_fingerprint;
	ops->session_quarantine = sessions_quarantine;
	ops->session_restore = sessions_restore;
	ops->session_list = sessions_list;
	ops->session_rewrap = sessions_rewrap;
	ops->session_shred = sessions_shred;
}
