/* SPDX-License-Identifier: MIT */
/*
 * What the files of control/ share: the one object, the classes of callers, and
 * small helpers every resource needs.
 */
#ifndef CONTROL_CONTROL_INT_H
#define CONTROL_CONTROL_INT_H

#include "base/json.h"
#include "base/log.h"
#include "control/change.h"
#include "control/control.h"
#include "control/events.h"
#include "control/strmap.h"
#include "control/vault.h"
#include "fleet/lease.h"
#include "http/server.h"
#include "net/loop.h"
#include "store/store.h"
#include "wire/wire_beat.h"
#include "wire/wire_status.h"

#define API "/api/v1"
#define CONTROL_TOKEN_BYTES 32
/* "tgu_" + 64 hex digits + NUL, with room. */
#define CONTROL_TOKEN_MAX 80
#define CONTROL_ID_MAX 40
#define CONTROL_WAIT_MAX_US (INT64_C(600) * US_PER_SEC)
#define CONTROL_ACCOUNTS_MAX 2000000
#define CONTROL_BODY_MAX 1048576

/* Who may call a route: router_row.auth; 0 is everybody. */
enum {
	AUTH_ADMIN = 1U << 0,
	AUTH_OPERATOR = 1U << 1,
	AUTH_VIEWER = 1U << 2,
	AUTH_NODE = 1U << 3,
};
#define AUTH_WRITE (AUTH_ADMIN | AUTH_OPERATOR)
#define AUTH_READ (AUTH_ADMIN | AUTH_OPERATOR | AUTH_VIEWER)

/* router_row.flags, beside CHANGE_*: gives access away, so it takes a person whose
 * password was given in the last confirm_ttl_us (POST /auth/confirm). */
enum {
	AUTH_CONFIRMED = ROUTER_OWNER << 2,
};

#define AUTH_COOKIE "tgfleet"

/* Who called; in the request's arena, http_req_user(). */
struct principal {
	unsigned int class;	  /* one AUTH_* bit */
	const char *actor;	  /* "user:admin", "node:n1" */
	struct store_node node;	  /* AUTH_NODE */
	struct store_login login; /* people */
	const char *scopes;	  /* of an API key; NULL: no key */
	const char *cookie;	  /* the token, when a cookie brought it */
};

struct control {
	struct loop *loop;
	const struct control_config *cfg;
	struct lease_rules rules;
	struct store *store;
	struct change *change; /* under way, or NULL */
	struct vault vault;
	struct router router;
	struct http_server *server;
	int lock_fd;
	char instance_id[CONTROL_ID_MAX];
	char replica_id[CONTROL_ID_MAX];
	struct replicas *replicas; /* NULL: there is one serve */
	char *admin_password;	   /* made by this start, until printed */
	struct strmap nodes;	   /* id -> struct node */
	struct strmap leases;	   /* account id -> struct lease_clock */
	struct strmap jobs;	   /* id -> struct job, the unfinished ones */
	struct strmap jobs_away;   /* id -> struct waitq, run by others */
	struct strmap waiting;	   /* account id -> struct start_wait */
	char waiting_after[WIRE_ID_MAX + 1]; /* looked at up to this one */
	struct strmap limits;		     /* address -> struct login_limit */
	struct pwjob *pwjobs;		     /* password work under way */
	char *dummy_hash;     /* verified when the user is not known */
	struct events events; /* who listens, and what was told */
	struct wheel_timer housekeeping;
};

/* --- helpers: control.c, audit.c --- */

struct wall control_wall(const struct control *c);
struct mono control_mono(const struct control *c);
/* prefix + random hex; `bytes` of randomness. */
void control_random_id(const char *prefix, size_t bytes, char *ret,
		       size_t size);
struct store_hash control_hash(const char *token);
struct store_hash control_sum(const void *data, size_t len);
/* A reply body bounded by the server's send limit. */
void control_body_init(struct buf *b, struct jsonw *w);
/* Ends the writer and sends it; a failure becomes a 503. */
void control_reply(struct http_req *req, int status, struct buf *b,
		   struct jsonw *w);
/* {"success":true} */
enum err control_reply_ok(struct http_req *req);
/* {"items":[ ... ],"total":n} */
void control_list_init(struct buf *b, struct jsonw *w);
enum err control_list_reply(struct http_req *req, int64_t total, struct buf *b,
			    struct jsonw *w);
/*
 * The request's JSON object.  Members that are not in the NULL-terminated list
 * are refused by name.
 */
enum err control_body(struct http_req *req, const char *const *names,
		      struct json *ret, struct err_info *ei);
/* page, page_size -> offset, limit. */
enum err control_page(const struct http_req *req, unsigned int *ret_offset,
		      unsigned int *ret_limit, struct err_info *ei);
/* "127.0.0.1" of the caller, in its arena; NULL when out of memory. */
const char *control_remote(struct http_req *req);
/* The body, which was parsed as JSON already; NULL when empty. */
const char *control_body_text(struct http_req *req);
const struct principal *control_caller(const struct http_req *req);
void control_write_hash(struct jsonw *w, const char *key,
			const struct store_hash *h);
/* The account id a path or body names, normalised, in the arena. */
enum err control_account_id(const char *text, struct arena *a, const char **ret,
			    struct err_info *ei);
enum err control_check_role(const char *role, struct err_info *ei);
/* Long enough for a new one? */
enum err control_check_password(const char *password, struct err_info *ei);
/* The account {id} of the path names. */
enum err control_path_account(struct control *c, struct http_req *req,
			      struct store_account *ret, struct err_info *ei);
/* text or NULL -> JSON value or null. */
void control_write_raw(struct jsonw *w, const char *key, const char *json);

/* The audit trail: who, what, before and after; the store has it or the change
 * did not happen. */
enum err audit_note(struct control *c, struct http_req *req, const char *action,
		    const char *target, const char *after, struct err_info *ei);
enum err audit_change(struct control *c, struct http_req *req,
		      const char *action, const char *target,
		      const char *before, const char *after,
		      struct err_info *ei);
/* By the control plane itself. */
enum err audit_self(struct control *c, const char *action, const char *target,
		    const char *after, struct err_info *ei);

/* --- auth.c --- */

enum err auth_check(struct http_req *req, void *ctx, struct err_info *ei);
/*
 * Creates the admin when there is no user, else resets its password when asked:
 * sets c->admin_password.
 */
enum err auth_start(struct control *c, bool reset, struct err_info *ei);
/* What a browser's requests must say beside the cookie; as the store has it. */
void auth_csrf(const char *token, char ret[static CONTROL_TOKEN_MAX]);
struct store_hash auth_csrf_hash(const char *token);
/* The password was given out: forget it. */
void auth_printed(struct control *c);
void auth_deinit(struct control *c);

/* --- resources: one table each --- */

struct api_table {
	const struct router_row *rows;
	size_t n;
};
#define API_TABLE(name) const struct api_table name = { rows, ARRAY_LEN(rows) }

extern const struct api_table api_auth_table, api_ops_table, api_workers_table,
	api_heartbeat_table, api_commands_table, api_accounts_table,
	api_account_act_table, api_routes_table, api_upload_table,
	api_sessions_table, api_chat_table, api_jobs_table,
	api_allocation_table, api_allocation_batch_table, api_scripts_table,
	api_deploy_table, api_users_table, api_keys_table, api_self_table,
	events_table;

#endif /* CONTROL_CONTROL_INT_H */
