/* SPDX-License-Identifier: MIT */
#include "control/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "control/control_int.h"
#include "control/jobs.h"
#include "control/jobs_away.h"
#include "control/leases.h"
#include "control/nodes.h"
#include "control/pwjob.h"
#include "control/replicas.h"
#include "control/scope.h"

#define HOUSEKEEPING_US (30 * US_PER_SEC)
#define PURGE_ROWS 1000
#define INSTANCE_KEY "instance_id"
#define NODES_MAX STORE_NODES_MAX
#define JOBS_MAX 1000
#define ADDRESSES_MAX 100000

static const struct api_table *const tables[] = {
	&api_auth_table,	&api_ops_table,
	&api_workers_table,	&api_heartbeat_table,
	&api_commands_table,	&api_accounts_table,
	&api_account_act_table, &api_routes_table,
	&api_upload_table,	&api_sessions_table,
	&api_chat_table,	&api_jobs_table,
	&api_allocation_table,	&api_allocation_batch_table,
	&api_scripts_table,	&api_deploy_table,
	&api_users_table,	&api_keys_table,
	&api_self_table,	&events_table,
};

/* --- the data folder --- */

static enum err open_data(struct control *c, struct arena *a,
			  struct err_info *ei)
{
	const char *dir = c->cfg->data, *path;
	struct stat st;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_set(ei, ERR_IO, "create data folder %s: %s", dir,
			       strerror(errno));
	if (stat(dir, &st))
		return err_set(ei, ERR_IO, "data folder %s: %s", dir,
			       strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(ei, ERR_INVALID, "%s is not a folder", dir);
	if (st.st_mode & 077)
		return err_set(ei, ERR_FORBIDDEN,
			       "others may enter data folder %s: chmod 700 it",
			       dir);
	path = arena_printf(a, "%s/lock", dir);
	if (!path)
		return ERR_NOMEM;
	return files_lock(path, &c->lock_fd, ei);
}

static enum err open_store(struct control *c, struct arena *a,
			   struct err_info *ei)
{
	const struct store_options opt = { .claim = c->replica_id };
	const char *url = c->cfg->db;
	enum err rc;

	if (!url || !*url)
		url = arena_printf(a, "sqlite:%s/tgfleet.db", c->cfg->data);
	if (!url)
		return ERR_NOMEM;
	rc = store_open(url, &opt, &c->store, ei);
	if (rc)
		return err_wrap(ei, rc, "database");
	rc = c->store->ops->migrate(c->store, -1, control_wall(c), ei);
	return rc ? err_wrap(ei, rc, "database") : ERR_OK;
}

/* Does the key open this record?  True, too, for one that was shredded. */
static bool opens(struct control *c, const struct store_session *s,
		  struct arena *a)
{
	struct store_session row;
	struct buf doc;
	enum err rc;

	rc = c->store->ops->session_get(c->store, s->account_id, s->version, a,
					&row, NULL);
	if (rc || !row.sealed || !row.wrapped_key)
		return !rc;
	buf_init(&doc, row.sealed_len);
	rc = vault_open(&c->vault,
			&(struct vault_record){
				.account_id = row.account_id,
				.version = row.version,
				.sealed = row.sealed,
				.sealed_len = row.sealed_len,
				.wrapped_key = row.wrapped_key,
				.wrapped_key_len = row.wrapped_key_len,
			},
			&doc, NULL);
	buf_wipe(&doc);
	return !rc;
}

/* Of a database that several may share, only the first one makes the key. */
static enum err is_first(struct control *c, struct arena *a, bool *ret,
			 struct err_info *ei)
{
	struct err_info none = { 0 };
	const char *id;
	enum err rc;

	*ret = true;
	if (!c->store->ops->shared(c->store))
		return ERR_OK;
	rc = c->store->ops->kv_get(c->store, INSTANCE_KEY, a, &id, &none);
	*ret = rc == ERR_NOTFOUND;
	if (rc && rc != ERR_NOTFOUND)
		return err_set(ei, rc, "%s", none.msg);
	return ERR_OK;
}

/*
 * Sessions in the database without their key file mean that the file was lost: a
 * new key would not open them, so none is made.  A key that opens none of a few
 * is another database's: better said now than at every start of an account.
 */
static enum err open_vault(struct control *c, struct arena *a,
			   struct err_info *ei)
{
	const struct store_session_query q = { .limit = 5 };
	struct store_sessions some;
	enum vault_source source;
	const char *path;
	bool first;
	enum err rc;

	rc = c->store->ops->session_list(c->store, &q, a, &some, ei);
	if (!rc)
		rc = is_first(c, a, &first, ei);
	if (rc)
		return rc;
	path = arena_printf(a, "%s/vault.key", c->cfg->data);
	if (!path)
		return ERR_NOMEM;
	rc = vault_load(&c->vault, path, first && some.n == 0, rnd_system(),
			&source, ei);
	if (rc)
		return err_wrap(ei, rc, "vault key");
	for (size_t i = 0; i < some.n; i++)
		if (opens(c, &some.items[i], a))
			return ERR_OK;
	return some.n ? err_set(ei, ERR_CORRUPT,
				"vault key: it opens none of the stored "
				"sessions; put back the key of this database "
				"(%s)",
				source == VAULT_FROM_ENV ? VAULT_ENV : path)
		      : ERR_OK;
}

/* --- what was before --- */

static enum err load_instance(struct control *c, struct arena *a,
			      struct err_info *ei)
{
	char fresh[CONTROL_ID_MAX];
	const char *id;
	enum err rc;

	control_random_id("fleet_", 8, fresh, sizeof(fresh));
	rc = c->store->ops->kv_init(c->store, INSTANCE_KEY, fresh, a, &id, ei);
	if (rc)
		return rc;
	text_copy(c->instance_id, sizeof(c->instance_id), id);
	return ERR_OK;
}

static enum err load(struct control *c, struct arena *a, struct err_info *ei)
{
	enum err rc;

	rc = load_instance(c, a, ei);
	if (!rc)
		rc = auth_start(c, c->cfg->reset_admin_password, ei);
	if (!rc)
		rc = nodes_load(c, ei);
	return rc ? rc : replicas_start(c, ei);
}

/* --- serving --- */

static enum err add_routes(struct router *r, struct err_info *ei)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		enum err rc = router_add(r, tables[i]->rows, tables[i]->n, ei);

		if (rc)
			return rc;
	}
	return ERR_OK;
}

/* Our own failures are worth a line; refusals are the caller's business. */
static void on_done(const struct http_req *req, int status, int64_t took_us,
		    void *ctx)
{
	const struct router_row *row = http_req_row(req);

	if (status < 500 || !row)
		return;
	log_error(LOGEV_HTTP, log_str("method", row->method),
		  log_str("route", row->path), log_i64("status", status),
		  log_str("request_id", http_req_request_id(req)));
}

static enum err listen_at(struct control *c, struct err_info *ei)
{
	struct server_options o = {
		.router = &c->router,
		.ctx = c,
		.auth = auth_check,
		.run = change_dispatch,
		.done = on_done,
		/* long polls answer late, and that is fine */
		.limits = { .body_bytes = CONTROL_BODY_MAX },
	};
	enum err rc;

	rc = addr_parse(c->cfg->listen, &o.at, ei);
	if (!rc)
		rc = server_new(c->loop, &o, &c->server, ei);
	return rc ? err_wrap(ei, rc, "listen") : ERR_OK;
}

static void sweep_limits(struct control *c)
{
	struct strmap_iter it = strmap_iter(&c->limits);

	/* coarse: all go; a window is a minute and this runs twice in it */
	if (c->limits.count < ADDRESSES_MAX / 2)
		return;
	while (strmap_next(&c->limits, &it))
		free(strmap_remove(&c->limits, it.key));
}

/* What was put aside can be had back for a while; then nobody can. */
static enum err shred(struct control *c, struct err_info *ei)
{
	const struct wall before = { control_wall(c).us -
				     c->cfg->quarantine_keep_us };
	struct change change;
	size_t rows = 0;
	enum err rc;

	rc = change_begin(&change, c, ei);
	if (rc)
		return rc;
	rc = c->store->ops->session_shred(c->store, before, &rows, ei);
	if (!rc && rows)
		rc = audit_self(c, "session.shred", NULL, NULL, ei);
	rc = change_end(&change, rc, ei);
	if (!rc && rows)
		log_info(LOGEV_SESSION,
			 log_str("why", "quarantine is over: shredded"),
			 log_u64("n", rows));
	return rc;
}

static void on_housekeeping(struct wheel_timer *t, void *ctx)
{
	struct control *c = ctx;
	struct err_info ei = { 0 };
	size_t rows;
	enum err rc;

	rc = c->store->ops->command_expire(c->store, control_wall(c), &rows,
					   &ei);
	if (!rc)
		rc = c->store->ops->purge(c->store, control_wall(c), PURGE_ROWS,
					  &rows, &ei);
	if (!rc)
		rc = shred(c, &ei);
	if (rc)
		log_fail(LOG_ERROR, LOGEV_DB, rc, &ei, log_i64("purge", 1));
	sweep_limits(c);
	loop_arm(c->loop, &c->housekeeping, HOUSEKEEPING_US);
}

static void init(struct control *c, struct loop *l,
		 const struct control_config *cfg)
{
	c->loop = l;
	c->cfg = cfg;
	c->lock_fd = -1;
	c->rules = (struct lease_rules){
		.beat_us = cfg->heartbeat_interval_us,
		.ttl_us = cfg->lease_ttl_us,
		.grace_us = cfg->lease_grace_us,
	};
	strmap_init(&c->nodes, NODES_MAX);
	strmap_init(&c->leases, CONTROL_ACCOUNTS_MAX);
	strmap_init(&c->jobs, JOBS_MAX);
	strmap_init(&c->jobs_away, JOBS_AWAY_MAX);
	strmap_init(&c->waiting, CONTROL_ACCOUNTS_MAX);
	strmap_init(&c->limits, ADDRESSES_MAX);
	router_init(&c->router);
	events_init(c);
	wheel_timer_init(&c->housekeeping, on_housekeeping, c);
}

enum err control_new(struct loop *l, const struct control_config *cfg,
		     struct control **ret, struct err_info *ei)
{
	struct control *c = calloc(1, sizeof(*c));
	struct arena a;
	enum err rc;

	if (!c)
		return ERR_NOMEM;
	init(c, l, cfg);
	arena_init(&a, CONTROL_BODY_MAX);
	rc = open_data(c, &a, ei);
	if (!rc)
		rc = replicas_name(c, &a, ei);
	if (!rc)
		rc = open_store(c, &a, ei);
	if (!rc)
		rc = open_vault(c, &a, ei);
	if (!rc)
		rc = load(c, &a, ei);
	if (!rc)
		rc = add_routes(&c->router, ei);
	if (!rc)
		rc = listen_at(c, ei);
	arena_deinit(&a);
	if (rc) {
		control_free(c);
		return rc;
	}
	loop_arm(l, &c->housekeeping, HOUSEKEEPING_US);
	*ret = c;
	return ERR_OK;
}

void control_free(struct control *c)
{
	struct strmap_iter it;

	if (!c)
		return;
	loop_cancel(c->loop, &c->housekeeping);
	replicas_free(c);
	pwjob_orphan_all(c);
	jobs_free(c);
	jobs_away_free(c);
	nodes_free(c);
	server_free(c->server);
	events_deinit(c);
	leases_free(c);
	strmap_deinit(&c->waiting);
	it = strmap_iter(&c->limits);
	while (strmap_next(&c->limits, &it))
		free(it.value);
	strmap_deinit(&c->limits);
	router_deinit(&c->router);
	auth_deinit(c);
	vault_deinit(&c->vault);
	store_close(c->store);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	free(c);
}

void control_drain(struct control *c)
{
	server_drain(c->server);
	nodes_wake_all(c);
	events_end(c);
}

bool control_idle(const struct control *c)
{
	return server_pending(c->server) == 0;
}

/* --- saying so --- */

enum err control_ready_line(struct control *c, struct buf *out)
{
	const struct addr at = server_addr(c->server);
	char text[ADDR_TEXT_MAX], url[ADDR_TEXT_MAX + 8];
	struct jsonw w;

	addr_format(&at, text);
	snprintf(url, sizeof(url), "http://%s", text);
	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "ready", true);
	jsonw_str(&w, "url", url);
	jsonw_str(&w, "instance_id", c->instance_id);
	if (c->admin_password)
		jsonw_str(&w, "admin_password", c->admin_password);
	jsonw_object_end(&w);
	auth_printed(c);
	return jsonw_end(&w);
}

static void write_route(struct jsonw *w, const struct router_row *row)
{
	static const char *const names[] = { "admin", "operator", "viewer",
					     "node" };
	char scope[SCOPE_TEXT_MAX];

	scope_of(row, scope);
	jsonw_object(w, NULL);
	jsonw_str(w, "method", row->method);
	jsonw_str(w, "path", row->path);
	jsonw_array(w, "auth");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (row->auth & 1U << i)
			jsonw_str(w, NULL, names[i]);
	jsonw_array_end(w);
	jsonw_str_or_null(w, "scope", *scope ? scope : NULL);
	jsonw_bool(w, "confirm", row->flags & AUTH_CONFIRMED);
	jsonw_str(w, "summary", row->summary);
	jsonw_object_end(w);
}

enum err control_print_routes(struct buf *out)
{
	const struct router_row *row;
	struct router r;
	struct jsonw w;
	enum err rc;

	router_init(&r);
	rc = add_routes(&r, NULL);
	for (size_t i = 0; !rc && (row = router_row_at(&r, i)); i++) {
		jsonw_init(&w, out);
		write_route(&w, row);
		rc = jsonw_end(&w);
		if (!rc)
			rc = buf_append_byte(out, '\n');
	}
	router_deinit(&r);
	return rc;
}
