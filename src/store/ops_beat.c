/* SPDX-License-Identifier: MIT */
/*
 * One heartbeat, one transaction.
 *
 * A node reports; it never decides.  Columns of the operator (enabled, names,
 * script, node) are not written here, except that an absent one may be filled.
 * A report counts only if the node may speak for the account: with an epoch, the
 * lease must be that epoch and the node's; without one (clients that know no
 * leases), no other node may hold a lease or have the account assigned.
 */
#include <stdio.h>
#include <string.h>

#include "store/db.h"

#define BEAT_BY_MAX 256

static enum err beat_check_node(const struct store_heartbeat *hb,
				struct err_info *ei)
{
	enum err rc = db_check_text("boot id", hb->boot_id, false, ei);

	if (rc == ERR_OK)
		rc = db_check_text("version", hb->version, false, ei);
	if (rc == ERR_OK)
		rc = db_check_text("status", hb->status, false, ei);
	if (rc == ERR_OK)
		rc = db_check_json("metadata", hb->metadata, ei);
	return rc;
}

/*
 * A boot id is known from its start on, and so is the one before it.  A node
 * that was not heard for long is believed whatever it counts: its state folder
 * may be a copy from before.
 */
#define BEAT_ORDER_US (INT64_C(3600) * US_PER_SEC)
#define BEAT_IN_ORDER                                                          \
	"(?3 IS NULL OR last_heartbeat < ?11 OR (?3 <> coalesce(old_boot_id, " \
	"'') AND ?7 >= boots AND (?3 <> coalesce(boot_id, '') OR ?8 >= seq)))"

static enum err beat_why_not(struct db *db, const struct store_heartbeat *hb,
			     struct err_info *ei)
{
	int64_t seq = -1;
	enum err rc;

	rc = db_scalar(db, -1, &seq, ei,
		       "SELECT CASE WHEN boot_id = ?2 THEN seq ELSE 0 END "
		       "FROM nodes WHERE node_id = ?1",
		       "tt", hb->node_id, hb->boot_id);
	if (rc)
		return rc;
	if (seq < 0)
		return err_set(ei, ERR_NOTFOUND, "no node %s", hb->node_id);
	if (seq > hb->seq)
		return err_set(ei, ERR_CONFLICT,
			       "heartbeat %lld came after heartbeat %lld",
			       (long long)hb->seq, (long long)seq);
	return err_set(ei, ERR_CONFLICT,
		       "a heartbeat from before the node's last start");
}

/* The row is the node's lock: its beats come one after the other. */
static enum err beat_node(struct db *db, struct store_heartbeat *hb,
			  struct err_info *ei)
{
	int64_t got = -1;
	enum err rc = beat_check_node(hb, ei);

	if (rc)
		return rc;
	/* both in one number: stale is cleared by this, or was not set */
	rc = db_scalar(
		db, -1, &got, ei,
		"UPDATE nodes SET last_heartbeat = ?2, old_boot_id = CASE WHEN "
		"?3 IS NULL OR ?3 = boot_id THEN old_boot_id ELSE boot_id END, "
		"boots = CASE WHEN ?3 IS NULL THEN boots ELSE ?7 END, seq = "
		"CASE WHEN ?3 IS NULL THEN seq ELSE ?8 END, boot_id = ?3, "
		"version = coalesce(?4, version), status = ?5, metadata = "
		"coalesce(?6, metadata), leaving = ?9, stale = CASE WHEN ?10 "
		"<> 0 THEN 0 ELSE stale END, beats = beats + 1 WHERE node_id "
		"= ?1 AND " BEAT_IN_ORDER " RETURNING beats * 2 + stale",
		"twttttiiddw", hb->node_id, hb->now, hb->boot_id, hb->version,
		hb->status, hb->metadata, hb->boots, hb->seq, hb->leaving,
		hb->full, (struct wall){ hb->now.us - BEAT_ORDER_US });
	if (rc)
		return rc;
	if (got < 0)
		return beat_why_not(db, hb, ei);
	hb->ret_beats = got / 2;
	hb->ret_stale = got % 2 != 0;
	return ERR_OK;
}

/*
 * May the node speak for it?  0 unknown account, 1 yes, 2 old epoch, 3 another
 * node's.  One query, on primary keys.
 */
static enum err beat_standing(struct db *db, const struct store_heartbeat *hb,
			      const struct store_report *rep, int64_t *ret,
			      struct err_info *ei)
{
	return db_scalar(
		db, 0, ret, ei,
		"SELECT CASE "
		"WHEN ?3 > 0 AND l.node_id = ?2 AND l.epoch = ?3 THEN 1 "
		"WHEN ?3 > 0 AND l.node_id = ?2 THEN 2 "
		"WHEN l.node_id <> ?2 AND l.released = 0 THEN 3 "
		"WHEN ?3 > 0 THEN 2 "
		"WHEN a.node_id IS NOT NULL AND a.node_id <> ?2 THEN 3 "
		"ELSE 1 END FROM accounts a LEFT JOIN leases l ON l.account_id "
		"= a.account_id WHERE a.account_id = ?1",
		"tti", rep->account_id, hb->node_id, rep->epoch);
}

static enum err beat_finding(struct db *db, const struct store_heartbeat *hb,
			     const struct store_report *rep,
			     struct err_info *ei)
{
	return db_run(db, NULL, ei,
		      "INSERT INTO findings (kind, account_id, node_id, "
		      "detail, first_seen, last_seen) SELECT "
		      "'foreign_report', ?1, ?2, ?3, ?4, ?4 WHERE (SELECT "
		      "count(*) FROM findings) < ?5 ON CONFLICT (kind, "
		      "account_id, node_id) DO UPDATE SET detail = ?3, "
		      "last_seen = ?4, count = findings.count + 1",
		      "tttwd", rep->account_id, hb->node_id, rep->status,
		      hb->now, STORE_FINDINGS_MAX);
}

/* A node without leases knew the account first: it is recorded as its own. */
static enum err beat_create(struct db *db, const struct store_heartbeat *hb,
			    struct store_report *rep, struct err_info *ei)
{
	enum err rc = ops_nodes_room(db, hb->node_id, rep->account_id, ei);

	rep->ret = STORE_REPORT_REFUSED;
	if (rc == ERR_CAPACITY)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = db_run(db, NULL, ei,
			    "INSERT INTO accounts (account_id, source, "
			    "node_id, enabled, desired_online, created, "
			    "updated) VALUES (?, 'remote', ?, 1, ?, ?, ?)",
			    "ttdww", rep->account_id, hb->node_id, 0, hb->now,
			    hb->now);
	if (rc == ERR_OK)
		rep->ret = STORE_REPORT_CREATED;
	return rc;
}

/*
 * Counters: the node tells what it counted in this life (counted_by); what was
 * counted already in the same life is subtracted, so nothing counts twice.
 */
#define BEAT_UPDATE                                                            \
	"UPDATE accounts SET "                                                 \
	"status_since = CASE WHEN ?3 <> 0 THEN ?3 WHEN status = ?2 THEN "      \
	"status_since ELSE ?18 END, status = ?2, "                             \
	"error_code = ?4, error_message = ?5, error_advice = ?6, "             \
	"script_id = CASE WHEN coalesce(script_id, '') IN ('', 'default') "    \
	"THEN coalesce(?7, script_id) ELSE script_id END, "                    \
	"last_activity = CASE WHEN last_activity > ?8 THEN last_activity "     \
	"ELSE ?8 END, limited_until = ?9, "                                    \
	"session_file = coalesce(?10, session_file), "                         \
	"phone = coalesce(phone, ?11), username = coalesce(?12, username), "   \
	"user_id = CASE WHEN ?13 <> 0 THEN ?13 ELSE user_id END, "             \
	"message_count = message_count + d.m, "                                \
	"reply_count = reply_count + d.r, "                                    \
	"messages_today = CASE WHEN today = ?17 THEN messages_today ELSE 0 "   \
	"END + d.m, "                                                          \
	"replies_today = CASE WHEN today = ?17 THEN replies_today ELSE 0 END " \
	"+ d.r, today = ?17, counted_by = ?16, "                               \
	"counted_messages = CASE WHEN ?14 < 0 THEN counted_messages ELSE ?14 " \
	"END, "                                                                \
	"counted_replies = CASE WHEN ?15 < 0 THEN counted_replies ELSE ?15 "   \
	"END, "                                                                \
	"updated = ?18, limits = ?19, position = coalesce(?20, position) "     \
	"FROM (SELECT CASE WHEN ?14 < 0 THEN 0 WHEN c.counted_by = ?16 AND "   \
	"c.counted_messages <= ?14 THEN ?14 - c.counted_messages ELSE ?14 "    \
	"END AS m, "                                                           \
	"CASE WHEN ?15 < 0 THEN 0 WHEN c.counted_by = ?16 AND "                \
	"c.counted_replies <= ?15 THEN ?15 - c.counted_replies ELSE ?15 END "  \
	"AS r FROM accounts c WHERE c.account_id = ?1) AS d "                  \
	"WHERE accounts.account_id = ?1"

static enum err beat_write(struct db *db, const struct store_heartbeat *hb,
			   const struct store_report *r, struct err_info *ei)
{
	char by[BEAT_BY_MAX];

	snprintf(by, sizeof(by), "%.100s/%.100s", hb->node_id,
		 hb->boot_id ? hb->boot_id : "");
	return db_run(db, NULL, ei, BEAT_UPDATE, "ttwttttwwtttiiitdwtt",
		      r->account_id, r->status, r->state_since, r->error_code,
		      r->error_message, r->error_advice, r->script_id,
		      r->last_activity, r->limited_until, r->session_file,
		      r->phone, r->username, r->user_id, r->message_count,
		      r->reply_count, by, (int)hb->day, hb->now, r->limits,
		      r->position);
}

static enum err beat_check_report(const struct store_report *r,
				  struct err_info *ei)
{
	const struct {
		const char *what, *text;
	} opt[] = {
		{ "error code", r->error_code },
		{ "error message", r->error_message },
		{ "error advice", r->error_advice },
		{ "script id", r->script_id },
		{ "session file", r->session_file },
		{ "phone", r->phone },
		{ "username", r->username },
	};
	enum err rc = db_check_text("account id", r->account_id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("status", r->status, true, ei);
	for (size_t i = 0; rc == ERR_OK && i < ARRAY_LEN(opt); i++)
		rc = db_check_text(opt[i].what, opt[i].text, false, ei);
	if (rc == ERR_OK && r->limits && strlen(r->limits) > STORE_LIMITS_MAX)
		rc = err_set(ei, ERR_TOOBIG, "limits: over %d bytes",
			     STORE_LIMITS_MAX);
	if (rc == ERR_OK && r->position &&
	    strlen(r->position) > STORE_POSITION_MAX)
		rc = err_set(ei, ERR_TOOBIG, "position: over %d bytes",
			     STORE_POSITION_MAX);
	return rc;
}

static enum err beat_report(struct db *db, const struct store_heartbeat *hb,
			    struct store_report *rep, struct err_info *ei)
{
	int64_t standing = 0;
	enum err rc = beat_check_report(rep, ei);

	if (rc == ERR_OK)
		rc = beat_standing(db, hb, rep, &standing, ei);
	if (rc)
		return rc;
	switch (standing) {
	case 0:
		/* An epoch of an account that is gone is an old one. */
		rep->ret = STORE_REPORT_STALE;
		if (rep->epoch > 0)
			return ERR_OK;
		rc = beat_create(db, hb, rep, ei);
		if (rc || rep->ret == STORE_REPORT_REFUSED)
			return rc;
		return beat_write(db, hb, rep, ei);
	case 1:
		rep->ret = STORE_REPORT_APPLIED;
		return beat_write(db, hb, rep, ei);
	case 2:
		rep->ret = STORE_REPORT_STALE;
		return ERR_OK;
	default:
		rep->ret = STORE_REPORT_FOREIGN;
		return beat_finding(db, hb, rep, ei);
	}
}

static enum err beat_leases(struct db *db, struct store_heartbeat *hb,
			    struct err_info *ei)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < hb->n_released; i++) {
		struct store_lease_ref *ref = &hb->released[i];

		rc = ops_leases_release_ref(db, hb->node_id, ref, hb->now,
					    NULL);
		ref->ok = rc == ERR_OK;
		if (rc == ERR_STALE_EPOCH)
			rc = ERR_OK;
	}
	for (size_t i = 0; rc == ERR_OK && i < hb->n_renewals; i++)
		rc = ops_leases_renew_ref(db, hb->node_id, &hb->renewals[i],
					  hb->ttl_us, hb->now, ei);
	return rc;
}

static enum err beat_responses(struct db *db, struct store_heartbeat *hb,
			       struct err_info *ei)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < hb->n_responses; i++) {
		struct store_command_result *r = &hb->responses[i];

		rc = ops_commands_settle_one(db, hb->node_id, r, hb->now, ei);
		r->ret_known = rc == ERR_OK;
		if (rc == ERR_NOTFOUND)
			rc = ERR_OK;
	}
	return rc;
}

/* Reports first: the last word of an epoch comes with its release. */
static enum err beat_all(struct db *db, struct store_heartbeat *hb,
			 struct err_info *ei)
{
	enum err rc = beat_node(db, hb, ei);

	for (size_t i = 0; rc == ERR_OK && i < hb->n_reports; i++)
		rc = beat_report(db, hb, &hb->reports[i], ei);
	if (rc == ERR_OK)
		rc = beat_leases(db, hb, ei);
	if (rc == ERR_OK)
		rc = beat_responses(db, hb, ei);
	return rc;
}

static enum err beat_apply(struct store *st, struct store_heartbeat *hb,
			   struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = db_joined_begin(db, ei);

	if (rc)
		return rc;
	return db_joined_end(db, beat_all(db, hb, ei), ei);
}

static void beat_read_finding(struct db_row *r, void *ret)
{
	struct store_finding *f = ret;

	f->kind = db_must(r);
	f->account_id = db_must(r);
	f->node_id = db_must(r);
	f->detail = db_text(r);
	f->first_seen = db_wall(r);
	f->last_seen = db_wall(r);
	f->count = db_i64(r);
}

static enum err beat_findings(struct store *st, const char *kind,
			      struct arena *a, struct store_findings *ret,
			      struct err_info *ei)
{
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT kind, account_id, node_id, detail, "
		      "first_seen, last_seen, count FROM findings WHERE "
		      "(?1 IS NULL OR kind = ?1) ORDER BY last_seen DESC "
		      "LIMIT ?2",
		      "td", kind, STORE_PAGE_MAX);
	if (rc == ERR_OK)
		rc = db_all(&r, beat_read_finding, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

void ops_beat(struct store_ops *ops)
{
	ops->heartbeat_apply = beat_apply;
	ops->finding_list = beat_findings;
}
