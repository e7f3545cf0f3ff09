/* SPDX-License-Identifier: MIT */
/*
 * The records of the store: plain structs, no behaviour.
 *
 * Conventions: a `struct wall` of 0 is "never"; text marked "or NULL" may be
 * absent; lists are arrays in the arena with their length, and `total` counts all
 * matches, not only the page.
 */
#ifndef STORE_STORE_TYPES_H
#define STORE_STORE_TYPES_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

#define STORE_PAGE_MAX 1000	    /* rows a list call answers at most */
#define STORE_NODES_MAX 10000	    /* nodes of a fleet */
#define STORE_USERS_MAX 10000	    /* users; also api keys, join tokens */
#define STORE_TAGS_MAX 32	    /* tags of an account */
#define STORE_POSITION_MAX 16384    /* bytes of an account's position */
#define STORE_LIMITS_MAX 16384	    /* bytes of an account's limits */
#define STORE_TEXT_MAX 1024	    /* ids, names, messages */
#define STORE_JSON_MAX (1 << 20)    /* params, answers, metadata */
#define STORE_RESULT_MAX (8 << 20)  /* a job's: a line an account */
#define STORE_SEALED_MAX (72 << 20) /* one sealed session */
#define STORE_QUEUE_MAX 10000	    /* unfinished commands of a node */
#define STORE_FINDINGS_MAX 10000
#define STORE_SCRIPT_MAX (1 << 20)     /* bytes of a script */
#define STORE_SCRIPTS_MAX 10000	       /* scripts of a fleet */
#define STORE_SCRIPT_VERSIONS_MAX 1000 /* of one: the oldest go */
#define STORE_REPLICAS_MAX 100	       /* serves on one database */

/* SHA-256 of a token or key; what is stored instead of it. */
struct store_hash {
	uint8_t bytes[32];
};

struct store_schema {
	int version;	/* of the database; 0 = empty */
	int newest;	/* this program knows */
	size_t n_steps; /* applied ones, oldest first */
	struct {
		int version;
		char name[64];
		struct wall applied;
	} steps[64];
};

/* --- people --- */

enum {
	STORE_USER_PASSWORD = 1U << 0,
	STORE_USER_ROLE = 1U << 1,
	STORE_USER_DISABLED = 1U << 2,
};

struct store_user {
	int64_t id;
	const char *name;
	const char *password_hash;
	const char *role; /* admin, operator, viewer */
	bool disabled;
	unsigned int failed_logins;
	struct wall locked_until;
	struct wall last_login;
	struct wall created;
};

struct store_users {
	struct store_user *items;
	size_t n;
};

struct store_login {
	struct store_hash token;
	struct store_hash csrf; /* zero for bearer tokens */
	int64_t user_id;
	const char *user_name; /* answered, not stored */
	const char *role;      /* answered, not stored */
	const char *remote;    /* address, or NULL */
	struct wall created;   /* when the password was last given */
	struct wall expires;
};

struct store_apikey {
	const char *id;
	const char *name;
	struct store_hash hash;
	const char *role;
	const char *scopes; /* space separated */
	const char *created_by;
	struct wall created;
	struct wall expires; /* 0 = does not */
	struct wall last_used;
};

struct store_apikeys {
	struct store_apikey *items;
	size_t n;
};

struct store_audit {
	int64_t id; /* given by the store */
	struct wall at;
	const char *actor;	/* "user:admin", "node:n1", "key:k1" */
	const char *action;	/* "account.update" */
	const char *target;	/* or NULL */
	const char *before;	/* JSON, or NULL */
	const char *after;	/* JSON, or NULL */
	const char *remote;	/* or NULL */
	const char *request_id; /* or NULL */
};

struct store_audit_query {
	const char *actor;  /* exact, or NULL */
	const char *action; /* exact, or NULL */
	const char *target; /* exact, or NULL */
	unsigned int offset, limit;
};

struct store_audits {
	struct store_audit *items;
	size_t n;
	int64_t total;
};

struct store_idem {
	const char *actor;
	const char *key;
	struct store_hash request; /* of method, path and body */
	int status;
	const char *body;
	struct wall created;
};

/* --- nodes --- */

struct store_join {
	const char *id;
	struct store_hash hash;
	const char *label; /* or NULL */
	const char *created_by;
	struct wall created;
	struct wall expires;
	struct wall used;	  /* 0 = not yet */
	const char *used_by_node; /* or NULL */
};

struct store_joins {
	struct store_join *items;
	size_t n;
};

enum {
	STORE_NODE_NAME = 1U << 0,
	STORE_NODE_TOKEN = 1U << 1,
	STORE_NODE_PUBLIC_KEY = 1U << 2,
	STORE_NODE_DRAINING = 1U << 3,
	STORE_NODE_MAX_ACCOUNTS = 1U << 4,
	STORE_NODE_ACK_ON_DELIVERY = 1U << 5,
	STORE_NODE_ALLOW_PLAIN = 1U << 6,
};

struct store_node {
	const char *node_id;
	const char *name;
	struct store_hash token;
	uint8_t public_key[32]; /* X25519 */
	bool has_public_key;
	bool draining;
	bool ack_on_delivery; /* plain clients that never answer commands */
	bool allow_plain;     /* sessions may be delivered unsealed */
	const char *hostname; /* or NULL */
	const char *version;  /* or NULL */
	const char *boot_id;  /* or NULL */
	const char *status;   /* as it said itself, or NULL */
	const char *metadata; /* JSON object, or NULL */
	int64_t max_accounts; /* 0 on add = 1000 */
	struct wall last_heartbeat;
	struct wall created;
	struct wall updated;
	int64_t beats;		 /* heard so often */
	bool leaving;		 /* it said goodbye with the last */
	int64_t accounts;	 /* answered: assigned to it */
	int64_t accounts_online; /* answered: of those, status online */
	int64_t leases;		 /* answered: unreleased ones it holds */
};

/* What replicas look at, all the time. */
struct store_node_news {
	const char *node_id;
	int64_t beats;
	bool leaving;
	bool queued; /* a command was never delivered */
};

struct store_node_newses {
	struct store_node_news *items;
	size_t n;
};

struct store_nodes {
	struct store_node *items;
	size_t n;
};

/* --- accounts --- */

/* How an account is reached.  Without a kind: directly. */
struct store_route {
	const char *account_id;
	int64_t version;  /* 0 = it never had one */
	const char *kind; /* "socks5", "http", "mtproxy"; or NULL */
	const char *host; /* or NULL */
	int port;
	const char *user; /* or NULL */
	const void
		*sealed; /* all of it; NULL in accounts, and without a kind */
	size_t sealed_len;
	const void *wrapped_key;
	size_t wrapped_key_len;
	int64_t tested;	  /* the version whose test passed; 0 = none */
	const char *test; /* the last test's outcome: JSON object, or NULL */
};

enum {
	STORE_ACC_PHONE = 1U << 0,
	STORE_ACC_USERNAME = 1U << 1,
	STORE_ACC_USER_ID = 1U << 2,
	STORE_ACC_DISPLAY_NAME = 1U << 3,
	STORE_ACC_NODE = 1U << 4,
	STORE_ACC_ENABLED = 1U << 5,
	STORE_ACC_DESIRED = 1U << 6,
	STORE_ACC_SCRIPT = 1U << 7,
	STORE_ACC_TAGS = 1U << 8,
	STORE_ACC_PRIORITY = 1U << 9,
	STORE_ACC_LIMITED_UNTIL = 1U << 10,
	STORE_ACC_ATTESTED = 1U << 11,
	STORE_ACC_STATUS = 1U << 12, /* status, status_since, error_* */
	STORE_ACC_SOURCE = 1U << 13,
};

struct store_account {
	const char *account_id;
	const char *phone;	  /* digits, or NULL */
	const char *username;	  /* or NULL */
	const char *display_name; /* or NULL */
	int64_t user_id;	  /* 0 = not known */
	const char *source;	  /* local, remote */
	const char *node_id;	  /* assigned, or NULL */
	bool enabled;
	bool desired_online;
	const char *script_id; /* or NULL */
	const char *const *tags;
	size_t n_tags;
	int priority;
	const char *attested_by; /* or NULL */
	struct wall attested_at;

	const char *status; /* offline starting online limited frozen ... */
	struct wall status_since;
	const char *error_code;	   /* or NULL */
	const char *error_message; /* or NULL */
	const char *error_advice;  /* or NULL */
	struct wall limited_until;
	const char *limits;   /* JSON array as the node told it, or NULL */
	const char *position; /* in its updates: JSON object, or NULL */
	int64_t message_count, reply_count; /* since ever */
	int64_t messages_today, replies_today;
	int32_t today; /* the local date those two are of, 20261122 */
	struct wall last_activity;
	const char *session_file; /* name the node told, or NULL */

	/* answered, from other tables */
	int64_t session_version; /* 0 = no live session */
	struct store_hash session_fingerprint;
	struct store_route route;
	int64_t lease_epoch;	 /* 0 = never granted */
	const char *lease_node;	 /* holder of an unreleased lease, or NULL */
	const char *pinned_node; /* the only one it may be on, or NULL */

	struct wall created;
	struct wall updated;
	int64_t version; /* grows with every change by an operator: the ETag */
};

enum store_tristate {
	STORE_ANY,
	STORE_YES,
	STORE_NO,
};

enum store_account_sort {
	STORE_SORT_ID,
	STORE_SORT_PHONE,
	STORE_SORT_USERNAME,
	STORE_SORT_STATUS,
	STORE_SORT_NODE,
	STORE_SORT_PRIORITY,
	STORE_SORT_CREATED,
	STORE_SORT_UPDATED,
	STORE_SORT_LAST_ACTIVITY,
	STORE_SORT_MESSAGES,
};

struct store_account_query {
	const char *node_id;   /* or NULL */
	const char *status;    /* or NULL */
	const char *script_id; /* or NULL */
	const char *tag;       /* or NULL */
	const char *source;    /* or NULL */
	const char *search;    /* part of id, phone, username, name; or NULL */
	enum store_tristate assigned, enabled, desired_online, has_session;
	enum store_account_sort sort;
	bool descending;
	const char *after; /* cursor: ids after it (sort by id only), or NULL */
	unsigned int offset, limit; /* limit 0 = only count */
	bool no_total;		    /* saves counting; total is then 0 */
};

struct store_accounts {
	struct store_account *items;
	size_t n;
	int64_t total;
};

struct store_totals {
	int64_t accounts, enabled, assigned, desired_online, with_session;
	int64_t offline, starting, online, limited, frozen, banned, revoked;
	int64_t error;
	int64_t messages_today, replies_today, messages, replies;
};

/* --- sessions --- */

struct store_session {
	const char *account_id;
	int64_t version;
	const void *sealed; /* NULL in lists and when shredded */
	size_t sealed_len;
	const void *wrapped_key; /* NULL when shredded */
	size_t wrapped_key_len;
	struct store_hash fingerprint; /* SHA-256 of the auth key */
	const char *flavour;	       /* "telethon", "pyrogram", ... */
	int dc_id;
	int64_t user_id;      /* 0 = not known */
	const char *filename; /* or NULL */
	struct wall created;
	struct wall quarantined; /* 0 = live */
};

struct store_session_query {
	const char *account_id; /* or NULL */
	enum store_tristate quarantined;
	bool with_wrapped_key;
	unsigned int offset, limit;
};

struct store_sessions {
	struct store_session *items;
	size_t n;
	int64_t total;
};

/* --- leases --- */

struct store_lease {
	const char *account_id;
	const char *node_id;
	int64_t epoch;
	int64_t renewals; /* of this epoch */
	bool released;
	struct wall granted;
	struct wall renewed;
};

struct store_leases {
	struct store_lease *items;
	size_t n;
};

/* By account id, behind `after`. */
struct store_lease_query {
	const char *node_id; /* NULL, of leases only: of every node */
	const char *after;   /* or NULL */
	unsigned int limit;
};

struct store_lease_grant {
	const char *account_id;
	const char *node_id;
	int64_t expect_epoch, expect_renewals;
	bool takeover; /* the old lease has ended by fleet/lease's rules */
	int64_t session_version; /* the node is told to run */
	int64_t route_version;	 /* and on which way */
	int64_t ttl_us;		 /* the node is told */
	struct wall now;
};

/* A node that was silent for so long, as far as the caller's clock knows. */
struct store_lease_end {
	const char *node_id;
	int64_t beats;	/* when it was heard last: store_node.beats */
	int64_t ttl_us; /* leases of at most this are over */
};

struct store_lease_ref {
	const char *account_id;
	int64_t epoch;
	bool ok; /* answered */
};

struct store_assignment {
	const char *account_id;
	const char *node_id; /* assigned, or NULL */
	bool enabled;
	bool desired_online;
	const char *status;
	const char *script_id;	/* or NULL */
	const char *lease_node; /* last holder, or NULL */
	int64_t lease_epoch;	/* 0 = never granted */
	int64_t lease_renewals; /* of this epoch */
	int64_t lease_ttl_us;	/* told in this epoch, at most; 0 = not known */
	int64_t lease_session;	/* version granted with it; 0 = not known */
	int64_t lease_route;	/* the same of its route; -1 = not known */
	bool fetched;		/* that one was */
	bool released;		/* true also when never granted */
	int64_t session_version;
	struct store_hash session_fingerprint;
	int64_t route_version; /* 0 = it never had one */
	int64_t route_tested;  /* the version whose test passed */
	int64_t version;       /* of the account */
};

struct store_assignments {
	struct store_assignment *items;
	size_t n;
};

struct store_grant {
	struct store_hash hash;
	const char *node_id;
	const char *account_id;
	int64_t epoch;
	int64_t session_version;
	struct wall created;
	struct wall expires;
};

/* --- heartbeats --- */

enum store_report_result {
	STORE_REPORT_APPLIED,
	STORE_REPORT_CREATED, /* was unknown; now exists, source remote */
	STORE_REPORT_STALE,   /* old epoch: nothing changed */
	STORE_REPORT_FOREIGN, /* another node's account: a finding instead */
	STORE_REPORT_REFUSED, /* would exceed the node's max_accounts */
};

struct store_report {
	const char *account_id;
	int64_t epoch; /* 0 = the client knows no leases */
	const char *status;
	struct wall state_since;   /* 0 = now, if the status changed */
	const char *error_code;	   /* or NULL */
	const char *error_message; /* or NULL */
	const char *error_advice;  /* or NULL */
	const char *script_id;	   /* taken if ours is empty or "default" */
	int64_t message_count;	   /* since the node's boot_id began; */
	int64_t reply_count;	   /* -1 = not told */
	struct wall last_activity;
	struct wall limited_until;
	const char *limits;	  /* JSON array, or NULL */
	const char *position;	  /* JSON object; NULL: as it was */
	const char *session_file; /* or NULL */
	const char *phone;	  /* or NULL: taken if ours is absent */
	const char *username;	  /* or NULL */
	int64_t user_id;	  /* or 0 */
	enum store_report_result ret;
};

enum store_command_state {
	STORE_CMD_QUEUED,
	STORE_CMD_DELIVERED,
	STORE_CMD_RUNNING,
	STORE_CMD_SUCCEEDED,
	STORE_CMD_FAILED,
	STORE_CMD_EXPIRED,
};

struct store_command_result {
	const char *command_id;
	enum store_command_state state; /* RUNNING, SUCCEEDED or FAILED */
	const char *data;		/* JSON, or NULL */
	const char *error;		/* or NULL */
	bool ret_known; /* heartbeat_apply answers: such a command exists */
};

struct store_heartbeat {
	const char *node_id;
	const char *boot_id;  /* or NULL */
	int64_t boots, seq;   /* with a boot id: which beat this is */
	bool leaving;	      /* it says goodbye */
	bool full;	      /* it says everything */
	const char *version;  /* or NULL */
	const char *status;   /* or NULL */
	const char *metadata; /* JSON object, or NULL: keep */
	struct wall now;
	int32_t day; /* local date */
	struct store_report *reports;
	size_t n_reports;
	struct store_lease_ref *renewals;
	size_t n_renewals;
	int64_t ttl_us; /* of what is renewed */
	struct store_lease_ref *released;
	size_t n_released;
	struct store_command_result *responses;
	size_t n_responses;
	int64_t ret_beats; /* store_node.beats, counting this one */
	bool ret_stale;	   /* what is stored is not all it said last */
};

/* --- allocation --- */

/* What an allocation needs to know of an account. */
struct store_place {
	const char *account_id;
	const char *node_id;	 /* assigned, or NULL */
	const char *pinned_node; /* or NULL */
	bool running;		 /* a lease is out, or it is reported so */
	bool kept; /* disabled, or its session is only where it is */
};

struct store_places {
	struct store_place *items;
	size_t n;
};

struct store_place_query {
	bool unassigned;      /* only those without a node */
	const char *accounts; /* only these: keys of a JSON object; or NULL */
	unsigned int limit;
};

/* A node's part of the fleet, in one look at all of them. */
struct store_load {
	const char *node_id;
	int64_t accounts, max_accounts;
	bool draining;
	bool has_public_key;
};

struct store_loads {
	struct store_load *items; /* by id */
	size_t n;
	int64_t unassigned;
};

struct store_assign {
	const char *account_id;
	const char *node_id; /* or NULL */
};

/* --- findings --- */

struct store_finding {
	const char *kind; /* "foreign_report", ... */
	const char *account_id;
	const char *node_id;
	const char *detail;   /* or NULL */
	const char *expected; /* the node it is assigned to, or NULL */
	struct wall first_seen, last_seen;
	int64_t count;
};

struct store_findings {
	struct store_finding *items;
	size_t n;
};

/* --- commands and jobs --- */

struct store_command {
	const char *command_id;
	const char *node_id;
	const char *action;
	const char *params;	/* JSON object, or NULL */
	const char *created_by; /* or NULL */
	enum store_command_state state;
	struct wall created;
	struct wall expires;
	struct wall delivered; /* first time */
	struct wall finished;
	unsigned int deliveries;
	const char *data;  /* JSON, or NULL */
	const char *error; /* or NULL */
};

struct store_commands {
	struct store_command *items;
	size_t n;
	int64_t total;
};

struct store_command_query {
	const char *node_id; /* or NULL */
	enum store_tristate finished;
	unsigned int offset, limit;
};

/* --- scripts --- */

/* One version of a script. */
struct store_script {
	const char *script_id;
	int64_t version;   /* counted by the store, from 1 */
	const char *label; /* what it calls itself, "" if nothing */
	struct store_hash sha256;
	const void *content; /* NULL in lists */
	size_t size;
	const char *author;
	const char *note; /* or NULL */
	struct wall created;
};

struct store_scripts {
	struct store_script *items;
	size_t n;
	int64_t total;
};

struct store_script_query {
	const char *script_id; /* its versions; NULL: all scripts as they are */
	unsigned int offset, limit;
};

/* One command to one node. */
struct store_deployment {
	const char *command_id;
	const char *script_id;
	int64_t version;
	const char *node_id;
	const char *created_by;
	struct wall created;
	enum store_command_state state; /* answered; so are the following */
	const char *error;		/* or NULL */
	struct wall finished;
};

struct store_deployments {
	struct store_deployment *items;
	size_t n;
	int64_t total;
};

struct store_deployment_query {
	const char *script_id;
	const char *node_id; /* or NULL */
	unsigned int offset, limit;
};

struct store_job {
	const char *job_id;
	const char *kind;
	const char *state;	/* queued running succeeded failed cancelled */
	const char *progress;	/* JSON, or NULL */
	const char *result;	/* JSON, or NULL */
	const char *error;	/* or NULL */
	const char *created_by; /* or NULL */
	const char *owner;	/* the replica it runs in, or NULL */
	struct wall created, started, finished;
};

/* A serve on this database. */
struct store_replica {
	const char *replica_id;
	int64_t beats; /* grows while it is there */
	struct wall seen;
};

struct store_replicas {
	struct store_replica *items;
	size_t n;
};

struct store_job_query {
	const char *state; /* or NULL */
	unsigned int offset, limit;
};

struct store_jobs {
	struct store_job *items;
	size_t n;
	int64_t total;
};

/* "queued" ... "expired". */
const char *store_command_state_text(enum store_command_state s);
/* ERR_INVALID when it is none of them. */
enum err store_command_state_parse(const char *text,
				   enum store_command_state *ret);
/* "account_id", "status", ...: what sort_by may say.  ERR_INVALID. */
enum err store_account_sort_parse(const char *text,
				  enum store_account_sort *ret);

#endif /* STORE_STORE_TYPES_H */
