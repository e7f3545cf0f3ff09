/* SPDX-License-Identifier: MIT */
/*
 * The one truth: a vtable of domain operations over a database.
 *
 * Callers say st->ops->lease_grant(st, ...); SQL exists only behind this table,
 * for SQLite and PostgreSQL (store/db.h).  Each operation is
 * atomic by itself; begin()/commit() around several makes them one commit, which
 * is also the group commit of a turn of the loop: answer the outside world only
 * after commit() has returned.
 *
 *   owner     store_open() makes it, store_close() frees it
 *   memory    results are copied into the caller's arena; text given in is
 *             borrowed for the call.  Optional text is NULL when absent, in both
 *             directions; all other text is never NULL
 *   threads   one thread at a time (the loop's)
 *   failure   ERR_NOTFOUND / DUPLICATE / CONFLICT / STALE_EPOCH / CAPACITY are
 *             answers and change nothing; ERR_IO / CORRUPT / UNAVAILABLE are the
 *             database's trouble.  A failed operation inside begin() leaves the
 *             batch usable: it undid only itself
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "store/store_types.h"

struct store_ops;

struct store {
	const struct store_ops *ops;
};

struct store_options {
	int64_t busy_timeout_ms; /* 0 = 5000 */
	bool must_exist;	 /* do not create the file */
	bool read_only;
	/* PostgreSQL: a replica's id; ERR_CONFLICT while another is it. */
	const char *claim;
};

/*
 * "sqlite:PATH" or a plain path: the file is made with mode 0600.
 * "postgresql://...": an address for libpq, without a password (ERR_USAGE).  The
 * schema is not touched: see ops->migrate().  Refuses what is not a database of
 * ours (ERR_CORRUPT).
 */
enum err store_open(const char *url, const struct store_options *opt,
		    struct store **ret, struct err_info *ei);
/* Rolls back what is not committed.  NULL is fine. */
void store_close(struct store *st);
/* Refuses (ERR_CONFLICT, saying what to run) unless the schema is just ours. */
enum err store_check_schema(struct store *st, struct err_info *ei);

struct store_ops {
	const char *name; /* "sqlite" */
	void (*close)(struct store *st);

	/* --- schema --- */
	enum err (*schema)(struct store *st, struct store_schema *ret,
			   struct err_info *ei);
	/* To `version` (-1 = newest); up or down, all steps in one transaction. */
	enum err (*migrate)(struct store *st, int version, struct wall now,
			    struct err_info *ei);
	/* ERR_CORRUPT with the first complaint. */
	enum err (*integrity)(struct store *st, struct err_info *ei);

	/* --- batches ---
	 * One in another is a part that may fail by itself: its rollback
	 * undoes only it, and only the outer commit makes it last.
	 */
	enum err (*begin)(struct store *st, struct err_info *ei);
	enum err (*commit)(struct store *st, struct err_info *ei);
	void (*rollback)(struct store *st);
	/* Deletes what is past keeping, at most `limit` rows of each kind. */
	enum err (*purge)(struct store *st, struct wall now, unsigned int limit,
			  size_t *ret_rows, struct err_info *ei);

	/* --- settings --- */
	enum err (*kv_set)(struct store *st, const char *key, const char *value,
			   struct err_info *ei);
	/* Sets it unless present; answers what is stored now. */
	enum err (*kv_init)(struct store *st, const char *key,
			    const char *value, struct arena *a,
			    const char **ret, struct err_info *ei);
	enum err (*kv_get)(struct store *st, const char *key, struct arena *a,
			   const char **ret, struct err_info *ei);

	/* --- users, logins, keys, audit --- */
	/* u->id is ignored; *ret_id is the new one. */
	enum err (*user_add)(struct store *st, const struct store_user *u,
			     int64_t *ret_id, struct err_info *ei);
	enum err (*user_get)(struct store *st, const char *name,
			     struct arena *a, struct store_user *ret,
			     struct err_info *ei);
	enum err (*user_get_id)(struct store *st, int64_t id, struct arena *a,
				struct store_user *ret, struct err_info *ei);
	enum err (*user_list)(struct store *st, struct arena *a,
			      struct store_users *ret, struct err_info *ei);
	/* fields: STORE_USER_*; a new password or `disabled` ends its logins. */
	enum err (*user_update)(struct store *st, const struct store_user *u,
				uint32_t fields, struct err_info *ei);
	/* ERR_CONFLICT when it is the last enabled admin. */
	enum err (*user_delete)(struct store *st, int64_t id,
				struct err_info *ei);
	/* Counts one; at `max` in a row the account is locked until `until`. */
	enum err (*user_login_failed)(struct store *st, int64_t id,
				      unsigned int max, struct wall until,
				      struct err_info *ei);
	enum err (*user_login_ok)(struct store *st, int64_t id, struct wall now,
				  struct err_info *ei);

	enum err (*login_add)(struct store *st, const struct store_login *l,
			      struct err_info *ei);
	/* ERR_UNAUTHORIZED: unknown, expired, or its user disabled. */
	enum err (*login_get)(struct store *st, const struct store_hash *token,
			      struct wall now, struct arena *a,
			      struct store_login *ret, struct err_info *ei);
	/* Its password was given again: `created` is now.  ERR_NOTFOUND. */
	enum err (*login_confirm)(struct store *st,
				  const struct store_hash *token,
				  struct wall now, struct err_info *ei);
	enum err (*login_delete)(struct store *st,
				 const struct store_hash *token,
				 struct err_info *ei);

	enum err (*apikey_add)(struct store *st, const struct store_apikey *k,
			       struct err_info *ei);
	/* ERR_UNAUTHORIZED: unknown or expired.  Notes the use (by the hour). */
	enum err (*apikey_get)(struct store *st, const struct store_hash *hash,
			       struct wall now, struct arena *a,
			       struct store_apikey *ret, struct err_info *ei);
	enum err (*apikey_list)(struct store *st, struct arena *a,
				struct store_apikeys *ret, struct err_info *ei);
	enum err (*apikey_delete)(struct store *st, const char *id,
				  struct err_info *ei);

	enum err (*audit_add)(struct store *st, const struct store_audit *e,
			      struct err_info *ei);
	/* Newest first. */
	enum err (*audit_list)(struct store *st,
			       const struct store_audit_query *q,
			       struct arena *a, struct store_audits *ret,
			       struct err_info *ei);

	/* --- idempotency keys: the first answer given, to be given again --- */
	/* ERR_DUPLICATE when the (actor, key) is known. */
	enum err (*idem_add)(struct store *st, const struct store_idem *i,
			     struct err_info *ei);
	enum err (*idem_get)(struct store *st, const char *actor,
			     const char *key, struct arena *a,
			     struct store_idem *ret, struct err_info *ei);

	/* --- nodes --- */
	enum err (*join_add)(struct store *st, const struct store_join *j,
			     struct err_info *ei);
	enum err (*join_list)(struct store *st, struct arena *a,
			      struct store_joins *ret, struct err_info *ei);
	enum err (*join_delete)(struct store *st, const char *id,
				struct err_info *ei);
	/*
	 * Uses up the join token and adds the node, both or neither.
	 * ERR_UNAUTHORIZED: unknown, used or expired token; ERR_DUPLICATE: the
	 * node's id or name exists.
	 */
	enum err (*node_enroll)(struct store *st, const struct store_hash *join,
				const struct store_node *n, struct wall now,
				struct err_info *ei);
	enum err (*node_add)(struct store *st, const struct store_node *n,
			     struct wall now, struct err_info *ei);
	enum err (*node_get)(struct store *st, const char *node_id,
			     struct arena *a, struct store_node *ret,
			     struct err_info *ei);
	/* ERR_UNAUTHORIZED when unknown. */
	enum err (*node_by_token)(struct store *st,
				  const struct store_hash *token,
				  struct arena *a, struct store_node *ret,
				  struct err_info *ei);
	/* All of them (at most STORE_NODES_MAX), by id. */
	enum err (*node_list)(struct store *st, struct arena *a,
			      struct store_nodes *ret, struct err_info *ei);
	/* The same, but only what changes with every beat and command. */
	enum err (*node_news)(struct store *st, struct arena *a,
			      struct store_node_newses *ret,
			      struct err_info *ei);
	/* fields: STORE_NODE_*. */
	enum err (*node_update)(struct store *st, const struct store_node *n,
				uint32_t fields, struct wall now,
				struct err_info *ei);
	/*
	 * ERR_CONFLICT while it holds leases; its accounts become unassigned,
	 * its commands go.
	 */
	enum err (*node_delete)(struct store *st, const char *node_id,
				struct err_info *ei);

	/* --- accounts --- */
	/* Takes the operator's and identity fields of *acc; ERR_DUPLICATE. */
	enum err (*account_add)(struct store *st,
				const struct store_account *acc,
				struct wall now, struct err_info *ei);
	enum err (*account_get)(struct store *st, const char *account_id,
				struct arena *a, struct store_account *ret,
				struct err_info *ei);
	enum err (*account_list)(struct store *st,
				 const struct store_account_query *q,
				 struct arena *a, struct store_accounts *ret,
				 struct err_info *ei);
	/*
	 * fields: STORE_ACC_*.  acc->version != 0 must be the stored version
	 * (If-Match) or ERR_CONFLICT.  An assignment to a node counts against
	 * its max_accounts (ERR_CAPACITY) and needs the node (ERR_NOTFOUND).
	 */
	enum err (*account_update)(struct store *st,
				   const struct store_account *acc,
				   uint32_t fields, struct wall now,
				   struct err_info *ei);
	/*
	 * ERR_CONFLICT while a lease is out (release it first).  Its session is
	 * quarantined; its lease epoch is remembered for ever.
	 */
	enum err (*account_delete)(struct store *st, const char *account_id,
				   struct wall now, struct err_info *ei);
	/* `day` is the local date, e.g. 20261122. */
	enum err (*account_totals)(struct store *st, int32_t day,
				   struct store_totals *ret,
				   struct err_info *ei);

	/* --- allocation --- */
	/* By account id. */
	enum err (*place_list)(struct store *st,
			       const struct store_place_query *q,
			       struct arena *a, struct store_places *ret,
			       struct err_info *ei);
	enum err (*load_list)(struct store *st, struct arena *a,
			      struct store_loads *ret, struct err_info *ei);
	/*
	 * All or none: ERR_NOTFOUND when an account or node is not there,
	 * ERR_CAPACITY when a node would hold more than it may.  Does not look
	 * at pins: the caller did.
	 */
	enum err (*assign)(struct store *st, const struct store_assign *list,
			   size_t n, struct wall now, struct err_info *ei);
	/* NULL: it may be anywhere again.  Moves nothing.  ERR_NOTFOUND. */
	enum err (*pin)(struct store *st, const char *account_id,
			const char *node_id, struct wall now,
			struct err_info *ei);
	/*
	 * How what is differs from what is wanted, as findings of the kinds
	 * duplicate (reported by another node since `since`), orphan (its
	 * lease is with another node), missing (on no node, though wanted).
	 */
	enum err (*difference_list)(struct store *st, struct wall since,
				    struct arena *a, struct store_findings *ret,
				    struct err_info *ei);

	/* --- sessions (sealed by control/vault) --- */
	/* The version a new record of this account must be sealed for. */
	enum err (*session_next_version)(struct store *st,
					 const char *account_id, int64_t *ret,
					 struct err_info *ei);
	/*
	 * Becomes the account's live record; the one before is quarantined.
	 * ERR_DUPLICATE, naming the account, when the key is live under another
	 * one; ERR_CONFLICT when s->version is not the next, or when the account
	 * runs now with another key; ERR_NOTFOUND
	 * without the account.
	 */
	enum err (*session_put)(struct store *st, const struct store_session *s,
				struct err_info *ei);
	/* version 0 = the live one, else ERR_SESSION_MISSING. */
	enum err (*session_get)(struct store *st, const char *account_id,
				int64_t version, struct arena *a,
				struct store_session *ret, struct err_info *ei);
	/* Which account has this key live?  ERR_NOTFOUND when none. */
	enum err (*session_by_fingerprint)(struct store *st,
					   const struct store_hash *fp,
					   struct arena *a,
					   const char **ret_account_id,
					   struct err_info *ei);
	/* ERR_CONFLICT while a lease on the account is out. */
	enum err (*session_quarantine)(struct store *st, const char *account_id,
				       struct wall now, struct err_info *ei);
	/* Makes a quarantined one live; refusals as session_put(). */
	enum err (*session_restore)(struct store *st, const char *account_id,
				    int64_t version, struct err_info *ei);
	/* Without the sealed bytes. */
	enum err (*session_list)(struct store *st,
				 const struct store_session_query *q,
				 struct arena *a, struct store_sessions *ret,
				 struct err_info *ei);
	/* Key rotation: replaces the wrapped data key only. */
	enum err (*session_rewrap)(struct store *st, const char *account_id,
				   int64_t version, const void *wrapped,
				   size_t len, struct err_info *ei);
	/* Destroys key and content of records quarantined before `before`. */
	enum err (*session_shred)(struct store *st, struct wall before,
				  size_t *ret_rows, struct err_info *ei);

	/* --- routes --- */
	/* ERR_NOTFOUND when it never had one. */
	enum err (*route_get)(struct store *st, const char *account_id,
			      struct arena *a, struct store_route *ret,
			      struct err_info *ei);
	/* Which one route_put() must have. */
	enum err (*route_next_version)(struct store *st, const char *account_id,
				       int64_t *ret, struct err_info *ei);
	/* ERR_CONFLICT when its version is not the next.  Its test is open. */
	enum err (*route_put)(struct store *st, const struct store_route *r,
			      struct err_info *ei);
	/* Of r: account, version, tested, test.  ERR_NOTFOUND: another one. */
	enum err (*route_set_test)(struct store *st,
				   const struct store_route *r,
				   struct err_info *ei);

	/* --- scripts --- */
	/*
	 * s->version is the next: 1 makes the script (ERR_DUPLICATE when there
	 * is one, ERR_CAPACITY), another one follows (ERR_CONFLICT).
	 */
	enum err (*script_put)(struct store *st, const struct store_script *s,
			       struct err_info *ei);
	/* version 0 = the newest.  ERR_NOTFOUND. */
	enum err (*script_get)(struct store *st, const char *script_id,
			       int64_t version, struct arena *a,
			       struct store_script *ret, struct err_info *ei);
	/* By id; the versions of one newest first (ERR_NOTFOUND). */
	enum err (*script_list)(struct store *st,
				const struct store_script_query *q,
				struct arena *a, struct store_scripts *ret,
				struct err_info *ei);
	/* With versions and deployments.  ERR_CONFLICT while accounts have it. */
	enum err (*script_delete)(struct store *st, const char *script_id,
				  struct err_info *ei);
	/* After its command.  ERR_NOTFOUND without script or node. */
	enum err (*deployment_add)(struct store *st,
				   const struct store_deployment *d,
				   struct err_info *ei);
	/* Newest first. */
	enum err (*deployment_list)(struct store *st,
				    const struct store_deployment_query *q,
				    struct arena *a,
				    struct store_deployments *ret,
				    struct err_info *ei);

	/* --- leases --- */
	/*
	 * One conditional write: succeeds only if the account's last epoch is
	 * still g->expect_epoch (0 = never granted) and that lease is released,
	 * or it is g->node_id's own, or g->takeover says that the caller's
	 * clock has judged it over, and it was not renewed since
	 * g->expect_renewals.  The new epoch is one higher.  ERR_STALE_EPOCH
	 * when somebody else was faster, ERR_CONFLICT when it is still out.
	 */
	enum err (*lease_grant)(struct store *st,
				const struct store_lease_grant *g,
				int64_t *ret_epoch, struct err_info *ei);
	/* ERR_NOTFOUND when never granted. */
	enum err (*lease_get)(struct store *st, const char *account_id,
			      struct arena *a, struct store_lease *ret,
			      struct err_info *ei);
	/* Sets refs[i].ok; one transaction.  Counts each renewal. */
	enum err (*lease_renew)(struct store *st, const char *node_id,
				struct store_lease_ref *refs, size_t n,
				int64_t ttl_us, struct wall now,
				struct err_info *ei);
	/* Again is fine; ERR_STALE_EPOCH when it is not (or no longer) his. */
	enum err (*lease_release)(struct store *st, const char *node_id,
				  const struct store_lease_ref *ref,
				  struct wall now, struct err_info *ei);
	/*
	 * A node's, which the caller's clock has judged over; *ret_left were told
	 * longer.  ERR_CONFLICT when somebody heard the node since.
	 */
	enum err (*lease_end)(struct store *st, const struct store_lease_end *q,
			      size_t *ret_rows, size_t *ret_left,
			      struct err_info *ei);
	/* Unreleased ones after account id `after` (NULL = all nodes / start). */
	enum err (*lease_list)(struct store *st,
			       const struct store_lease_query *q,
			       struct arena *a, struct store_leases *ret,
			       struct err_info *ei);
	/*
	 * What concerns a node, by account id after `after`: accounts assigned
	 * to it and accounts whose unreleased lease it holds.
	 */
	enum err (*assignment_list)(struct store *st,
				    const struct store_lease_query *q,
				    struct arena *a,
				    struct store_assignments *ret,
				    struct err_info *ei);

	/* --- one-use session downloads --- */
	enum err (*grant_add)(struct store *st, const struct store_grant *g,
			      struct err_info *ei);
	/*
	 * One conditional write.  ERR_UNAUTHORIZED: unknown, used, expired or
	 * another node's; ERR_STALE_EPOCH: the lease it was made for is over.
	 */
	enum err (*grant_consume)(struct store *st,
				  const struct store_hash *hash,
				  const char *node_id, struct wall now,
				  struct arena *a, struct store_grant *ret,
				  struct err_info *ei);

	/* --- heartbeats --- */
	/*
	 * ERR_CONFLICT when the node was heard since store_node.beats was
	 * `beats`; else it is not heard before the batch ends.
	 */
	enum err (*node_still)(struct store *st, const char *node_id,
			       int64_t beats, struct err_info *ei);
	/* Its accounts are marked: its next beat has to say everything. */
	enum err (*node_stale)(struct store *st, const char *node_id,
			       struct err_info *ei);
	/*
	 * All or nothing; fills in the `ret` members of *hb.  ERR_CONFLICT for a
	 * beat older than the last one heard: it was delayed on the way. A
	 * batch in which it failed cannot be committed.
	 */
	enum err (*heartbeat_apply)(struct store *st,
				    struct store_heartbeat *hb,
				    struct err_info *ei);
	enum err (*finding_list)(struct store *st, const char *kind,
				 struct arena *a, struct store_findings *ret,
				 struct err_info *ei);

	/* --- commands --- */
	/* ERR_DUPLICATE id, ERR_NOTFOUND node, ERR_CAPACITY queue full. */
	enum err (*command_add)(struct store *st, const struct store_command *c,
				struct err_info *ei);
	/*
	 * The node's unfinished, unexpired ones in order; queued ones become
	 * delivered (succeeded for a node with ack_on_delivery).
	 */
	enum err (*command_fetch)(struct store *st, const char *node_id,
				  struct wall now, unsigned int limit,
				  struct arena *a, struct store_commands *ret,
				  struct err_info *ei);
	/* A finished one stays as it was, without error. ERR_NOTFOUND. */
	enum err (*command_settle)(struct store *st, const char *node_id,
				   const struct store_command_result *r,
				   struct wall now, struct err_info *ei);
	enum err (*command_get)(struct store *st, const char *node_id,
				const char *command_id, struct arena *a,
				struct store_command *ret, struct err_info *ei);
	enum err (*command_list)(struct store *st,
				 const struct store_command_query *q,
				 struct arena *a, struct store_commands *ret,
				 struct err_info *ei);
	enum err (*command_delete)(struct store *st, const char *node_id,
				   const char *command_id, struct err_info *ei);
	/* Moves those past their time to expired; answers how many. */
	enum err (*command_expire)(struct store *st, struct wall now,
				   size_t *ret_rows, struct err_info *ei);

	/* --- jobs --- */
	enum err (*job_add)(struct store *st, const struct store_job *j,
			    struct err_info *ei);
	/* Writes state, progress, result, error, started, finished. */
	enum err (*job_update)(struct store *st, const struct store_job *j,
			       struct err_info *ei);
	enum err (*job_get)(struct store *st, const char *job_id,
			    struct arena *a, struct store_job *ret,
			    struct err_info *ei);
	enum err (*job_list)(struct store *st, const struct store_job_query *q,
			     struct arena *a, struct store_jobs *ret,
			     struct err_info *ei);
	/*
	 * Unfinished jobs of `owner` (NULL: nobody's), and of replicas that are
	 * not there, become failed, error "interrupted".
	 */
	enum err (*job_interrupt)(struct store *st, const char *owner,
				  struct wall now, size_t *ret_rows,
				  struct err_info *ei);

	/* --- replicas: several serves on one database --- */
	/* Can there be others? */
	bool (*shared)(struct store *st);
	/* I am here. */
	enum err (*replica_beat)(struct store *st, const char *replica_id,
				 struct wall now, struct err_info *ei);
	enum err (*replica_list)(struct store *st, struct arena *a,
				 struct store_replicas *ret,
				 struct err_info *ei);
	/* ERR_CONFLICT when it was there since it had so many beats. */
	enum err (*replica_drop)(struct store *st, const char *replica_id,
				 int64_t beats, struct err_info *ei);
	/*
	 * Tells the others, when the batch is committed; the same text again in
	 * a batch is told once.  A hint: it may be lost.
	 */
	enum err (*ring)(struct store *st, const char *text,
			 struct err_info *ei);
	/*
	 * Listens from now on.  *ret_fd is readable when somebody called; the
	 * store's, and gone with the next bell_open().  -1: nobody can.
	 */
	enum err (*bell_open)(struct store *st, int *ret_fd,
			      struct err_info *ei);
	/* The next call (ours, too), or NULL.  ERR_UNAVAILABLE: open again. */
	enum err (*bell_next)(struct store *st, struct arena *a,
			      const char **ret, struct err_info *ei);
};

/* Commits the batch when rc is none, else rolls back and answers rc. */
enum err store_batch_end(struct store *st, enum err rc, struct err_info *ei);

#endif /* STORE_STORE_H */
