/* SPDX-License-Identifier: MIT */
/*
 * Accounts: the only query text that is put together at run time is here, from
 * fixed pieces; values are always bound.
 */
#include <stdlib.h>
#include <string.h>

#include "store/db.h"

/* Between the tags of one row; no tag may contain control characters. */
#define ACCOUNTS_TAG_SEP 31

#define ACCOUNTS_COLS                                                          \
	"a.account_id, a.phone, a.username, a.display_name, a.user_id, "       \
	"a.source, a.node_id, a.enabled, a.desired_online, a.script_id, "      \
	"a.priority, a.attested_by, a.attested_at, a.status, "                 \
	"a.status_since, a.error_code, a.error_message, a.error_advice, "      \
	"a.limited_until, a.limits, a.position, "                              \
	"a.message_count, a.reply_count, "                                     \
	"a.messages_today, a.replies_today, a.today, a.last_activity, "        \
	"a.session_file, a.created, a.updated, a.version, s.version, "         \
	"s.fingerprint, r.version, r.kind, r.host, r.port, r.login, "          \
	"r.tested, r.test, l.epoch, "                                          \
	"CASE WHEN l.released = 0 THEN l.node_id END, "                        \
	"(SELECT group_concat(x.tag, char(31)) FROM (SELECT t.tag FROM "       \
	"account_tags t WHERE t.account_id = a.account_id ORDER BY t.tag) "    \
	"x), "                                                                 \
	"(SELECT p.node_id FROM pins p WHERE p.account_id = a.account_id) "

#define ACCOUNTS_FROM                                                          \
	"FROM accounts a LEFT JOIN sessions s ON s.account_id = "              \
	"a.account_id AND s.quarantined = 0 LEFT JOIN routes r ON "            \
	"r.account_id = a.account_id LEFT JOIN leases l ON "                   \
	"l.account_id = a.account_id "

static void accounts_split_tags(struct db_row *r, struct store_account *acc)
{
	char *text = db_text(r);
	const char **tags;
	size_t n = 1;

	if (!text)
		return;
	for (const char *p = text; *p; p++)
		n += *p == ACCOUNTS_TAG_SEP;
	tags = arena_array(r->arena, n, sizeof(*tags));
	if (!tags) {
		r->oom = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		tags[i] = text;
		text += strcspn(text, "\x1f");
		*text++ = '\0';
	}
	acc->tags = tags;
	acc->n_tags = n;
}

static void accounts_read(struct db_row *r, void *ret)
{
	struct store_account *a = ret;

	a->account_id = db_must(r);
	a->phone = db_text(r);
	a->username = db_text(r);
	a->display_name = db_text(r);
	a->user_id = db_i64(r);
	a->source = db_must(r);
	a->node_id = db_text(r);
	a->enabled = db_i64(r) != 0;
	a->desired_online = db_i64(r) != 0;
	a->script_id = db_text(r);
	a->priority = (int)db_i64(r);
	a->attested_by = db_text(r);
	a->attested_at = db_wall(r);
	a->status = db_must(r);
	a->status_since = db_wall(r);
	a->error_code = db_text(r);
	a->error_message = db_text(r);
	a->error_advice = db_text(r);
	a->limited_until = db_wall(r);
	a->limits = db_text(r);
	a->position = db_text(r);
	a->message_count = db_i64(r);
	a->reply_count = db_i64(r);
	a->messages_today = db_i64(r);
	a->replies_today = db_i64(r);
	a->today = (int32_t)db_i64(r);
	a->last_activity = db_wall(r);
	a->session_file = db_text(r);
	a->created = db_wall(r);
	a->updated = db_wall(r);
	a->version = db_i64(r);
	a->session_version = db_i64(r);
	db_fixed(r, a->session_fingerprint.bytes,
		 sizeof(a->session_fingerprint.bytes));
	a->route = (struct store_route){ .account_id = a->account_id,
					 .version = db_i64(r) };
	a->route.kind = db_text(r);
	a->route.host = db_text(r);
	a->route.port = (int)db_i64(r);
	a->route.user = db_text(r);
	a->route.tested = db_i64(r);
	a->route.test = db_text(r);
	a->lease_epoch = db_i64(r);
	a->lease_node = db_text(r);
	accounts_split_tags(r, a);
	a->pinned_node = db_text(r);
}

static enum err accounts_get(struct store *st, const char *account_id,
			     struct arena *a, struct store_account *ret,
			     struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT " ACCOUNTS_COLS ACCOUNTS_FROM
		      "WHERE a.account_id = ?",
		      "t", account_id);
	if (rc == ERR_OK)
		rc = db_one(&r, accounts_read, sizeof(*ret), ret, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, rc, "no account %s", account_id);
	return rc;
}

/* --- writing --- */

static enum err accounts_check_tags(const struct store_account *acc,
				    struct err_info *ei)
{
	enum err rc = ERR_OK;

	if (acc->n_tags > STORE_TAGS_MAX)
		return err_set(ei, ERR_INVALID,
			       "%zu tags: an account may have %d", acc->n_tags,
			       STORE_TAGS_MAX);
	for (size_t i = 0; rc == ERR_OK && i < acc->n_tags; i++) {
		rc = db_check_text("tag", acc->tags[i], true, ei);
		for (const char *p = acc->tags[i]; rc == ERR_OK && *p; p++)
			if ((unsigned char)*p < 32)
				rc = err_set(ei, ERR_INVALID,
					     "a tag contains a control "
					     "character");
	}
	return rc;
}

static enum err accounts_check(const struct store_account *acc,
			       struct err_info *ei)
{
	const struct {
		const char *what, *text;
	} opt[] = {
		{ "phone", acc->phone },
		{ "username", acc->username },
		{ "display name", acc->display_name },
		{ "script id", acc->script_id },
		{ "attested by", acc->attested_by },
		{ "error code", acc->error_code },
		{ "error message", acc->error_message },
		{ "error advice", acc->error_advice },
		{ "session file", acc->session_file },
	};
	enum err rc = db_check_text("account id", acc->account_id, true, ei);

	for (size_t i = 0; rc == ERR_OK && i < ARRAY_LEN(opt); i++)
		rc = db_check_text(opt[i].what, opt[i].text, false, ei);
	return rc ? rc : accounts_check_tags(acc, ei);
}

static enum err accounts_put_tags(struct db *db,
				  const struct store_account *acc,
				  struct err_info *ei)
{
	enum err rc;

	rc = db_run(db, NULL, ei,
		    "DELETE FROM account_tags WHERE account_id = ?", "t",
		    acc->account_id);
	for (size_t i = 0; rc == ERR_OK && i < acc->n_tags; i++)
		rc = db_run(db, NULL, ei,
			    "INSERT INTO account_tags (account_id, tag) "
			    "VALUES (?, ?) ON CONFLICT DO NOTHING",
			    "tt", acc->account_id, acc->tags[i]);
	return rc;
}

static enum err accounts_insert(struct db *db, const struct store_account *acc,
				struct wall now, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc = ERR_OK;

	if (acc->node_id)
		rc = ops_nodes_room(db, acc->node_id, acc->account_id, ei);
	if (rc == ERR_OK)
		rc = db_run(db, &n, ei,
			    "INSERT INTO accounts (account_id, phone, "
			    "username, display_name, user_id, source, "
			    "node_id, enabled, desired_online, script_id, "
			    "priority, attested_by, attested_at, status, "
			    "status_since, session_file, created, updated) "
			    "VALUES (?, ?, ?, ?, ?, coalesce(?, 'local'), "
			    "?, ?, ?, ?, ?, ?, ?, coalesce(?, 'offline'), "
			    "?, ?, ?, ?) ON CONFLICT (account_id) DO "
			    "NOTHING",
			    "ttttittddtdtwtwtww", acc->account_id, acc->phone,
			    acc->username, acc->display_name, acc->user_id,
			    acc->source, acc->node_id, acc->enabled,
			    acc->desired_online, acc->script_id, acc->priority,
			    acc->attested_by, acc->attested_at, acc->status,
			    now, acc->session_file, now, now);
	if (rc)
		return rc;
	if (n == 0)
		return err_set(ei, ERR_DUPLICATE, "account %s exists already",
			       acc->account_id);
	return accounts_put_tags(db, acc, ei);
}

static enum err accounts_add(struct store *st, const struct store_account *acc,
			     struct wall now, struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = accounts_check(acc, ei);

	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	return db_atomic_end(db, accounts_insert(db, acc, now, ei), ei);
}

/* The version counts what an operator changed; observations do not. */
#define ACCOUNTS_OBSERVED (STORE_ACC_STATUS | STORE_ACC_LIMITED_UNTIL)

#define ACCOUNTS_UPDATE                                                        \
	"UPDATE accounts SET phone = CASE WHEN ?2 & 1 <> 0 THEN ?3 ELSE "      \
	"phone END, "                                                          \
	"username = CASE WHEN ?2 & 2 <> 0 THEN ?4 ELSE username END, "         \
	"user_id = CASE WHEN ?2 & 4 <> 0 THEN ?5 ELSE user_id END, "           \
	"display_name = CASE WHEN ?2 & 8 <> 0 THEN ?6 ELSE display_name END, " \
	"node_id = CASE WHEN ?2 & 16 <> 0 THEN ?7 ELSE node_id END, "          \
	"enabled = CASE WHEN ?2 & 32 <> 0 THEN ?8 ELSE enabled END, "          \
	"desired_online = CASE WHEN ?2 & 64 <> 0 THEN ?9 ELSE desired_online " \
	"END, "                                                                \
	"script_id = CASE WHEN ?2 & 128 <> 0 THEN ?10 ELSE script_id END, "    \
	"priority = CASE WHEN ?2 & 512 <> 0 THEN ?11 ELSE priority END, "      \
	"limited_until = CASE WHEN ?2 & 1024 <> 0 THEN ?12 ELSE "              \
	"limited_until END, "                                                  \
	"attested_by = CASE WHEN ?2 & 2048 <> 0 THEN ?13 ELSE attested_by "    \
	"END, "                                                                \
	"attested_at = CASE WHEN ?2 & 2048 <> 0 THEN ?14 ELSE attested_at "    \
	"END, "                                                                \
	"status = CASE WHEN ?2 & 4096 <> 0 THEN ?15 ELSE status END, "         \
	"status_since = CASE WHEN ?2 & 4096 <> 0 THEN ?16 ELSE status_since "  \
	"END, "                                                                \
	"error_code = CASE WHEN ?2 & 4096 <> 0 THEN ?17 ELSE error_code END, " \
	"error_message = CASE WHEN ?2 & 4096 <> 0 THEN ?18 ELSE "              \
	"error_message END, "                                                  \
	"error_advice = CASE WHEN ?2 & 4096 <> 0 THEN ?19 ELSE error_advice "  \
	"END, "                                                                \
	"source = CASE WHEN ?2 & 8192 <> 0 THEN ?20 ELSE source END, "         \
	"updated = ?21, version = version + ?22 "                              \
	"WHERE account_id = ?1 AND (?23 = 0 OR version = ?23)"

static enum err accounts_write(struct db *db, const struct store_account *a,
			       uint32_t fields, struct wall now,
			       struct err_info *ei)
{
	int64_t n = 0, exists = 0;
	struct wall since = a->status_since.us ? a->status_since : now;
	int operators = (fields & ~(uint32_t)ACCOUNTS_OBSERVED) != 0;
	enum err rc;

	_Static_assert(STORE_ACC_PHONE == 1 && STORE_ACC_SOURCE == 8192,
		       "the UPDATE above");
	rc = db_run(db, &n, ei, ACCOUNTS_UPDATE, "tdttittddtdwtwtwttttwdi",
		    a->account_id, (int)fields, a->phone, a->username,
		    a->user_id, a->display_name, a->node_id, a->enabled,
		    a->desired_online, a->script_id, a->priority,
		    a->limited_until, a->attested_by, a->attested_at, a->status,
		    since, a->error_code, a->error_message, a->error_advice,
		    a->source, now, operators, a->version);
	if (rc || n)
		return rc;
	rc = db_scalar(db, 0, &exists, ei,
		       "SELECT 1 FROM accounts WHERE account_id = ?", "t",
		       a->account_id);
	if (rc)
		return rc;
	if (exists)
		return err_set(ei, ERR_CONFLICT,
			       "account %s was changed by somebody else: read "
			       "it again",
			       a->account_id);
	return err_set(ei, ERR_NOTFOUND, "no account %s", a->account_id);
}

static enum err accounts_change(struct db *db, const struct store_account *acc,
				uint32_t fields, struct wall now,
				struct err_info *ei)
{
	enum err rc = ERR_OK;

	if ((fields & STORE_ACC_NODE) && acc->node_id) {
		rc = ops_allocation_pin_allows(db, acc->account_id,
					       acc->node_id, ei);
		if (rc == ERR_OK)
			rc = ops_nodes_room(db, acc->node_id, acc->account_id,
					    ei);
	}
	if (rc == ERR_OK)
		rc = accounts_write(db, acc, fields, now, ei);
	if (rc == ERR_OK && (fields & STORE_ACC_TAGS))
		rc = accounts_put_tags(db, acc, ei);
	return rc;
}

static enum err accounts_update(struct store *st,
				const struct store_account *acc,
				uint32_t fields, struct wall now,
				struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = accounts_check(acc, ei);

	if (rc == ERR_OK && (fields & STORE_ACC_STATUS))
		rc = db_check_text("status", acc->status, true, ei);
	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	return db_atomic_end(db, accounts_change(db, acc, fields, now, ei), ei);
}

static enum err accounts_remove(struct db *db, const char *account_id,
				struct wall now, struct err_info *ei)
{
	bool out = false;
	int64_t n = 0;
	enum err rc = ops_leases_out(db, account_id, &out, ei);

	if (rc)
		return rc;
	if (out)
		return err_set(ei, ERR_CONFLICT,
			       "account %s still runs on a node: stop it first",
			       account_id);
	rc = db_run(db, &n, ei, "DELETE FROM accounts WHERE account_id = ?",
		    "t", account_id);
	if (rc)
		return rc;
	if (n == 0)
		return err_set(ei, ERR_NOTFOUND, "no account %s", account_id);
	rc = ops_routes_forget(db, account_id, ei);
	if (rc)
		return rc;
	return db_run(db, NULL, ei,
		      "UPDATE sessions SET quarantined = ?2 WHERE "
		      "account_id = ?1 AND quarantined = 0",
		      "tw", account_id, now);
}

static enum err accounts_delete(struct store *st, const char *account_id,
				struct wall now, struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = db_atomic_begin(db, ei);

	if (rc)
		return rc;
	return db_atomic_end(db, accounts_remove(db, account_id, now, ei), ei);
}

/* --- lists --- */

/* A query in the making: fixed text, and what to bind to ?1, ?2, ... */
struct accounts_sql {
	struct buf text;
	enum err rc;
	const char *args[16];
	unsigned int nargs;
};

static void accounts_sql_add(struct accounts_sql *q, const char *text)
{
	if (q->rc == ERR_OK)
		q->rc = buf_append_str(&q->text, text);
}

/* " AND column = ?n" when there is something to compare with. */
static void accounts_sql_is(struct accounts_sql *q, const char *cond,
			    const char *arg)
{
	if (!arg)
		return;
	BUG_ON(q->nargs == ARRAY_LEN(q->args));
	q->args[q->nargs++] = arg;
	accounts_sql_add(q, " AND ");
	accounts_sql_add(q, cond);
}

static void accounts_sql_tri(struct accounts_sql *q, enum store_tristate want,
			     const char *yes, const char *no)
{
	if (want == STORE_ANY)
		return;
	accounts_sql_add(q, " AND ");
	accounts_sql_add(q, want == STORE_YES ? yes : no);
}

/* "%text%" with the wildcards of LIKE escaped. */
static const char *accounts_pattern(struct arena *a, const char *text)
{
	size_t len = strlen(text), n = 0;
	char *p = arena_alloc(a, 2 * len + 3);

	if (!p)
		return NULL;
	p[n++] = '%';
	for (size_t i = 0; i < len; i++) {
		if (strchr("%_\\", text[i]))
			p[n++] = '\\';
		p[n++] = text[i];
	}
	p[n++] = '%';
	return p;
}

static enum err accounts_where(struct accounts_sql *s,
			       const struct store_account_query *q,
			       struct arena *a, struct err_info *ei)
{
	const char *pattern = NULL;

	if (q->search && *q->search) {
		if (strlen(q->search) > STORE_TEXT_MAX)
			return err_set(ei, ERR_INVALID, "search is too long");
		pattern = accounts_pattern(a, q->search);
		if (!pattern)
			return err_set(ei, ERR_NOMEM, "search");
	}
	accounts_sql_add(s, " WHERE 1 = 1");
	accounts_sql_is(s, "a.node_id = ?", q->node_id);
	accounts_sql_is(s, "a.status = ?", q->status);
	accounts_sql_is(s, "a.script_id = ?", q->script_id);
	accounts_sql_is(s, "a.source = ?", q->source);
	accounts_sql_is(s,
			"a.account_id IN (SELECT account_id FROM account_tags "
			"WHERE tag = ?)",
			q->tag);
	accounts_sql_is(s,
			"(coalesce(a.account_id, '') || char(10) || "
			"coalesce(a.phone, '') || char(10) || "
			"coalesce(a.username, '') || char(10) || "
			"coalesce(a.display_name, '')) LIKE ? ESCAPE '\\'",
			pattern);
	accounts_sql_tri(s, q->assigned, "a.node_id IS NOT NULL",
			 "a.node_id IS NULL");
	accounts_sql_tri(s, q->enabled, "a.enabled <> 0", "a.enabled = 0");
	accounts_sql_tri(s, q->desired_online, "a.desired_online <> 0",
			 "a.desired_online = 0");
	accounts_sql_tri(s, q->has_session,
			 "EXISTS (SELECT 1 FROM sessions x WHERE x.account_id "
			 "= a.account_id AND x.quarantined = 0)",
			 "NOT EXISTS (SELECT 1 FROM sessions x WHERE "
			 "x.account_id = a.account_id AND x.quarantined = 0)");
	return ERR_OK;
}

static void accounts_order(struct accounts_sql *s,
			   const struct store_account_query *q)
{
	static const char *const cols[] = {
		[STORE_SORT_ID] = "a.account_id",
		[STORE_SORT_PHONE] = "a.phone",
		[STORE_SORT_USERNAME] = "a.username",
		[STORE_SORT_STATUS] = "a.status",
		[STORE_SORT_NODE] = "a.node_id",
		[STORE_SORT_PRIORITY] = "a.priority",
		[STORE_SORT_CREATED] = "a.created",
		[STORE_SORT_UPDATED] = "a.updated",
		[STORE_SORT_LAST_ACTIVITY] = "a.last_activity",
		[STORE_SORT_MESSAGES] = "a.message_count",
	};
	const char *way =
		q->descending ? " DESC NULLS LAST" : " ASC NULLS FIRST";

	BUG_ON((size_t)q->sort >= ARRAY_LEN(cols));
	accounts_sql_add(s, " ORDER BY ");
	accounts_sql_add(s, cols[q->sort]);
	accounts_sql_add(s, way);
	if (q->sort != STORE_SORT_ID) {
		accounts_sql_add(s, ", a.account_id");
		accounts_sql_add(s, way);
	}
}

/* Begins the query whose text was made, unless making it failed; the text goes. */
static enum err accounts_sql_start(struct accounts_sql *s, enum err rc,
				   struct db *db, struct arena *a,
				   struct db_row *ret, struct err_info *ei)
{
	const char *text = s->rc ? NULL : buf_cstr(&s->text);

	if (rc == ERR_OK && !text)
		rc = err_set(ei, ERR_NOMEM, "query");
	if (rc == ERR_OK)
		rc = db_query_text(db, a, ret, text, s->args, s->nargs, ei);
	buf_deinit(&s->text);
	return rc;
}

static enum err accounts_count(struct db *db,
			       const struct store_account_query *q,
			       struct arena *a, int64_t *ret,
			       struct err_info *ei)
{
	struct accounts_sql s = { 0 };
	struct db_row r;
	bool have = false;
	enum err rc;

	buf_init(&s.text, 8192);
	accounts_sql_add(&s, "SELECT count(*) FROM accounts a");
	rc = accounts_where(&s, q, a, ei);
	rc = accounts_sql_start(&s, rc, db, a, &r, ei);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc || !have)
		return rc;
	*ret = db_i64(&r);
	db_end(&r);
	return ERR_OK;
}

static enum err accounts_page(struct db *db,
			      const struct store_account_query *q,
			      struct arena *a, struct db_row *ret,
			      struct err_info *ei)
{
	struct accounts_sql s = { 0 };
	enum err rc;

	buf_init(&s.text, 8192);
	accounts_sql_add(&s, "SELECT " ACCOUNTS_COLS ACCOUNTS_FROM);
	rc = accounts_where(&s, q, a, ei);
	if (q->after && q->sort == STORE_SORT_ID)
		accounts_sql_is(&s,
				q->descending ? "a.account_id < ?"
					      : "a.account_id > ?",
				q->after);
	accounts_order(&s, q);
	if (s.rc == ERR_OK)
		s.rc = buf_printf(&s.text, " LIMIT %u OFFSET %u",
				  (unsigned int)db_page(q->limit), q->offset);
	return accounts_sql_start(&s, rc, db, a, ret, ei);
}

static enum err accounts_list(struct store *st,
			      const struct store_account_query *q,
			      struct arena *a, struct store_accounts *ret,
			      struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l = { 0 };
	int64_t total = 0;
	struct db_row r;
	enum err rc = ERR_OK;

	if (!q->no_total)
		rc = accounts_count(db, q, a, &total, ei);
	if (rc == ERR_OK && q->limit) {
		rc = accounts_page(db, q, a, &r, ei);
		if (rc == ERR_OK)
			rc = db_all(&r, accounts_read, sizeof(*ret->items), &l,
				    ei);
	}
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	ret->total = total;
	return ERR_OK;
}

/* PostgreSQL's sum is of a wider type than what it adds. */
#define ACCOUNTS_TOTALS                                                        \
	"SELECT count(*), CAST(sum(enabled) AS BIGINT), count(node_id), "      \
	"CAST(sum(desired_online) AS BIGINT), "                                \
	"count(*) FILTER (WHERE status = 'offline'), "                         \
	"count(*) FILTER (WHERE status = 'starting'), "                        \
	"count(*) FILTER (WHERE status = 'online'), "                          \
	"count(*) FILTER (WHERE status = 'limited'), "                         \
	"count(*) FILTER (WHERE status = 'frozen'), "                          \
	"count(*) FILTER (WHERE status = 'banned'), "                          \
	"count(*) FILTER (WHERE status = 'revoked'), "                         \
	"count(*) FILTER (WHERE status = 'error'), "                           \
	"CAST(sum(CASE WHEN today = ?1 THEN messages_today END) AS BIGINT), "  \
	"CAST(sum(CASE WHEN today = ?1 THEN replies_today END) AS BIGINT), "   \
	"CAST(sum(message_count) AS BIGINT), "                                 \
	"CAST(sum(reply_count) AS BIGINT), "                                   \
	"(SELECT count(*) FROM sessions WHERE quarantined = 0) FROM accounts"

static enum err accounts_totals(struct store *st, int32_t day,
				struct store_totals *ret, struct err_info *ei)
{
	struct db *db = db_of(st);
	struct store_totals t = { 0 };
	struct db_row r;
	bool have = false;
	int64_t *const to[] = {
		&t.accounts,	   &t.enabled,	     &t.assigned,
		&t.desired_online, &t.offline,	     &t.starting,
		&t.online,	   &t.limited,	     &t.frozen,
		&t.banned,	   &t.revoked,	     &t.error,
		&t.messages_today, &t.replies_today, &t.messages,
		&t.replies,	   &t.with_session,
	};
	enum err rc;

	rc = db_query(db, NULL, &r, ei, ACCOUNTS_TOTALS, "d", (int)day);
	if (rc == ERR_OK)
		rc = db_next(&r, &have, ei);
	if (rc || !have)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		*to[i] = db_i64(&r);
	db_end(&r);
	*ret = t;
	return ERR_OK;
}

void ops_accounts(struct store_ops *ops)
{
	ops->account_add = accounts_add;
	ops->account_get = accounts_get;
	ops->account_list = accounts_list;
	ops->account_update = accounts_update;
	ops->account_delete = accounts_delete;
	ops->account_totals = accounts_totals;
}
