/* SPDX-License-Identifier: MIT */
/*
 * The admin port: plain HTTP and JSON on loopback, for tests, demos and
 * benchmarks.  It has no authentication and therefore refuses to listen
 * anywhere but on loopback.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "dc/dc_int.h"
#include "http/http_req.h"

#define BODY_MAX (1U << 20)
#define OUT_MAX (64U << 20)
#define COUNT_MAX 100000
#define PASSWORD_MAX 1024
#define KEYS_MAX 20000

/* Answers with what fn wrote, in one object. */
enum err dc_admin_end(struct http_req *req, struct jsonw *w, struct buf *out)
{
	enum err rc;

	jsonw_object_end(w);
	rc = jsonw_end(w);
	if (!rc)
		http_reply_json(req, 200, out);
	buf_deinit(out);
	return rc;
}

void dc_admin_begin(struct jsonw *w, struct buf *out)
{
	buf_init(out, OUT_MAX);
	jsonw_init(w, out);
	jsonw_object(w, NULL);
}

enum err dc_admin_ok(struct http_req *req)
{
	struct jsonw w;
	struct buf out;

	dc_admin_begin(&w, &out);
	jsonw_bool(&w, "ok", true);
	return dc_admin_end(req, &w, &out);
}

/* ---- who is meant: {"phone": ...} or {"user_id": ...} */

struct world_user *dc_admin_person(struct dc *dc, struct json v)
{
	return json_is_int(v)
		       ? world_user(&dc->world, json_int(v, 0))
		       : world_user_by_phone(&dc->world, json_str(v, ""));
}

enum err dc_admin_user(struct dc *dc, struct json obj, const char *key,
		       struct world_user **ret, struct err_info *ei)
{
	struct json v = json_get(obj, key);

	if (!json_is_int(v) && !json_is_string(v))
		return err_set(ei, ERR_INVALID,
			       "%s: a phone number or a user id is needed",
			       key);
	*ret = dc_admin_person(dc, v);
	if (!*ret)
		return err_set(ei, ERR_NOTFOUND, "%s: no such user", key);
	return ERR_OK;
}

/* ---- reading */

static void put_calls(const struct dc *dc, struct jsonw *w)
{
	int i;

	jsonw_object(w, "calls");
	for (i = 0; i < DC_METHOD_COUNT; i++) {
		if (dc->counters.calls[i])
			jsonw_u64(w, dc_rpc_method_name((enum dc_method)i),
				  dc->counters.calls[i]);
	}
	if (dc->counters.calls_unknown)
		jsonw_u64(w, "unknown", dc->counters.calls_unknown);
	jsonw_object_end(w);
}

#define COUNTER(name, field)                                                   \
	{                                                                      \
		name, offsetof(struct dc_counters, field)                      \
	}
static const struct {
	const char *name;
	size_t at;
} counters[] = {
	COUNTER("connections", connections),
	COUNTER("handshakes", handshakes),
	COUNTER("messages_received", messages_in),
	COUNTER("messages_sent", messages_out),
	COUNTER("packets_received", packets_in),
	COUNTER("packets_sent", packets_out),
	COUNTER("packets_refused", refused_packets),
	COUNTER("bytes_received", bytes_in),
	COUNTER("bytes_sent", bytes_out),
	COUNTER("file_bytes", file_bytes),
	COUNTER("updates", updates),
	COUNTER("rpc_errors", rpc_errors),
	COUNTER("auth_key_duplicates", duplicates),
	COUNTER("revoked_calls", revoked_calls),
	COUNTER("faults", faults),
	COUNTER("floods", floods),
	COUNTER("calls_during_flood_wait", flood_ignored),
	COUNTER("drops", drops),
};

static uint64_t counter_at(const struct dc *dc, size_t i)
{
	uint64_t n;

	memcpy(&n, (const char *)&dc->counters + counters[i].at, sizeof(n));
	return n;
}

/* By its name in GET /counters, or a method's. */
bool dc_admin_counter(const struct dc *dc, const char *name, uint64_t *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(counters); i++) {
		if (strcmp(counters[i].name, name) != 0)
			continue;
		*ret = counter_at(dc, i);
		return true;
	}
	for (i = 0; i < DC_METHOD_COUNT; i++) {
		if (strcmp(dc_rpc_method_name((enum dc_method)i), name) != 0)
			continue;
		*ret = dc->counters.calls[i];
		return true;
	}
	return false;
}

static enum err get_counters(struct http_req *req, void *ctx,
			     struct err_info *ei)
{
	struct dc *dc = ctx;
	struct jsonw w;
	struct buf out;
	size_t i;

	(void)ei;
	dc_admin_begin(&w, &out);
	for (i = 0; i < ARRAY_LEN(counters); i++)
		jsonw_u64(&w, counters[i].name, counter_at(dc, i));
	jsonw_u64(&w, "open", dc->conns.len);
	jsonw_u64(&w, "files", dc->world.files.len);
	jsonw_u64(&w, "auth_keys", dc->keys.len);
	jsonw_u64(&w, "users", dc->world.users.len);
	jsonw_u64(&w, "chats", dc->world.chats.len);
	jsonw_u64(&w, "channels", dc->world.channels.len);
	put_calls(dc, &w);
	return dc_admin_end(req, &w, &out);
}

static void put_account(const struct dc *dc, struct jsonw *w,
			const struct world_user *u)
{
	const struct dc_account *a = imap_get(&dc->accounts, u->id);
	const struct dc_sess *s;
	unsigned int online = 0;

	for (s = a ? a->online : NULL; s; s = s->next_online)
		online++;
	jsonw_object(w, NULL);
	jsonw_int(w, "user_id", u->id);
	jsonw_str(w, "phone", u->phone);
	jsonw_str(w, "first_name", u->first);
	jsonw_str(w, "username", u->username);
	jsonw_int(w, "home_dc", u->home_dc);
	jsonw_int(w, "pts", world_pts(u));
	jsonw_int(w, "messages", u->n_msgs);
	jsonw_u64(w, "online", online);
	jsonw_u64(w, "connects", a ? a->connects : 0);
	jsonw_u64(w, "calls", a ? a->calls : 0);
	jsonw_u64(w, "updates", a ? a->updates : 0);
	jsonw_object_end(w);
}

static enum err get_accounts(struct http_req *req, void *ctx,
			     struct err_info *ei)
{
	struct dc *dc = ctx;
	const struct world_user *u;
	uint32_t cursor = 0;
	struct jsonw w;
	struct buf out;

	(void)ei;
	dc_admin_begin(&w, &out);
	jsonw_array(&w, "accounts");
	while ((u = imap_next(&dc->world.users, &cursor)))
		put_account(dc, &w, u);
	jsonw_array_end(&w);
	return dc_admin_end(req, &w, &out);
}

static const char *state_name(enum dc_key_state s)
{
	static const char *const names[] = { "live", "revoked", "duplicated",
					     "destroyed" };

	return names[s];
}

static enum err get_sessions(struct http_req *req, void *ctx,
			     struct err_info *ei)
{
	struct dc *dc = ctx;
	const struct dc_key *k;
	uint32_t cursor = 0;
	char id[24];
	struct jsonw w;
	struct buf out;

	(void)ei;
	dc_admin_begin(&w, &out);
	jsonw_array(&w, "sessions");
	while ((k = imap_next(&dc->keys, &cursor))) {
		snprintf(id, sizeof(id), "%lld", (long long)k->auth.id);
		jsonw_object(&w, NULL);
		jsonw_str(&w, "auth_key_id", id);
		jsonw_int(&w, "dc", k->dc_id);
		jsonw_int(&w, "user_id", k->user_id);
		jsonw_str(&w, "state", state_name(k->state));
		jsonw_int(&w, "layer", k->layer);
		jsonw_str(&w, "device", k->device);
		jsonw_str(&w, "app", k->app);
		jsonw_u64(&w, "connects", k->connects);
		jsonw_bool(&w, "open", k->main_link != 0);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	return dc_admin_end(req, &w, &out);
}

/* ---- making */

static enum err add_user(struct dc *dc, const struct world_new_user *n,
			 struct world_user **ret, struct err_info *ei)
{
	enum err rc = world_add_user(&dc->world, n, ret);

	if (rc == ERR_DUPLICATE)
		return err_set(ei, rc, "phone or username is taken");
	if (rc)
		return err_set(ei, rc, "phone: 5 to 15 digits are needed");
	return ERR_OK;
}

static enum err post_users(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct dc *dc = ctx;
	struct world_new_user n = { .first = "Test" };
	const char *password = "", *hint = "";
	struct world_user *u;
	int64_t home = 0;
	struct json body;
	struct jsonw w;
	struct buf out;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = json_need_str(body, "phone", WORLD_PHONE_MAX + 1, &n.phone,
				   ei);
	if (!rc)
		rc = json_want_str(body, "first_name", WORLD_NAME_MAX, &n.first,
				   ei);
	if (!rc)
		rc = json_want_str(body, "last_name", WORLD_NAME_MAX, &n.last,
				   ei);
	if (!rc)
		rc = json_want_str(body, "username", WORLD_USERNAME_MAX,
				   &n.username, ei);
	if (!rc)
		rc = json_want_int(body, "home_dc", 0, dc->n_nodes, &home, ei);
	if (!rc)
		rc = json_want_str(body, "password", PASSWORD_MAX, &password,
				   ei);
	if (!rc)
		rc = json_want_str(body, "hint", WORLD_HINT_MAX, &hint, ei);
	if (rc)
		return rc;
	n.home_dc = (int)home;
	rc = add_user(dc, &n, &u, ei);
	if (!rc && *password)
		rc = dc_password_set(dc, u, password, hint);
	if (rc)
		return rc;
	dc_admin_begin(&w, &out);
	jsonw_int(&w, "user_id", u->id);
	jsonw_str(&w, "phone", u->phone);
	return dc_admin_end(req, &w, &out);
}

static enum err post_chats(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct dc *dc = ctx;
	int64_t members[WORLD_MEMBERS_MAX];
	struct world_new_chat n = { .members = members, .date = dc_now(dc) };
	struct json body, list;
	struct world_chat *c;
	struct world_user *u;
	struct world_msg *m;
	struct jsonw w;
	struct buf out;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = json_need_str(body, "title", WORLD_TITLE_MAX, &n.title,
				   ei);
	if (rc)
		return rc;
	list = json_get(body, "members");
	if (!json_is_array(list) || !json_len(list) ||
	    json_len(list) > WORLD_MEMBERS_MAX)
		return err_set(ei, ERR_INVALID,
			       "members: 1 to %d phone numbers are needed",
			       WORLD_MEMBERS_MAX);
	for (struct json_iter it = json_iter(list); json_next(&it);) {
		u = dc_admin_person(dc, it.val);
		if (!u)
			return err_set(ei, ERR_NOTFOUND,
				       "members: no such user");
		members[n.n_members++] = u->id;
	}
	n.creator = members[0];
	rc = world_add_chat(&dc->world, &n, &c, &m);
	if (rc)
		return err_set(ei, rc, "group \"%s\"", n.title);
	dc_admin_begin(&w, &out);
	jsonw_int(&w, "chat_id", c->id);
	return dc_admin_end(req, &w, &out);
}

/* The link its creator made, if there is one that is good for ever. */
static const char *permanent_link(const struct dc *dc,
				  const struct world_channel *c)
{
	const struct world_invite *i;
	uint32_t cursor = 0;

	while ((i = imap_next(&dc->world.invites, &cursor))) {
		if (i->peer == c->box.peer && i->admin == c->creator &&
		    i->permanent && !i->revoked)
			return i->hash;
	}
	return "";
}

static void put_channel(const struct dc *dc, struct jsonw *w,
			const struct world_channel *c)
{
	jsonw_int(w, "channel_id", c->id);
	jsonw_str(w, "title", c->title);
	jsonw_str(w, "username", c->username);
	jsonw_str(w, "invite", permanent_link(dc, c));
	jsonw_int(w, "members", c->n_in);
	jsonw_int(w, "messages", c->box.n);
	jsonw_int(w, "pts", world_channel_pts(c));
}

static enum err join_all(struct dc *dc, struct world_channel *c,
			 struct json list, struct err_info *ei)
{
	enum err rc = ERR_OK;

	for (struct json_iter it = json_iter(list); json_next(&it) && !rc;) {
		struct world_user *u = dc_admin_person(dc, it.val);

		if (!u)
			return err_set(ei, ERR_NOTFOUND,
				       "members: no such user");
		rc = world_channel_join(&dc->world, c, u->id, c->creator,
					dc_now(dc));
	}
	return rc ? err_set(ei, rc, "members: cannot join") : ERR_OK;
}

static enum err make_channel(struct dc *dc, const struct world_new_channel *n,
			     struct world_channel **ret)
{
	struct world_invite *invite;
	char name[WORLD_USERNAME_MAX];
	struct world_msg *m;
	enum err rc;

	rc = world_add_channel(&dc->world, n, ret, &m);
	if (rc)
		return rc;
	snprintf(name, sizeof(name), "channel_%lld", (long long)(*ret)->id);
	rc = dc_invites_make(dc, (*ret)->box.peer, n->creator, &invite);
	return rc ? rc : world_channel_rename(&dc->world, *ret, name);
}

/* With a name and an invite link of its own. */
static enum err post_channels(struct http_req *req, void *ctx,
			      struct err_info *ei)
{
	struct dc *dc = ctx;
	struct world_new_channel n = { .about = "", .date = dc_now(dc) };
	struct world_channel *c;
	struct world_user *u;
	struct json body;
	struct jsonw w;
	struct buf out;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = json_need_str(body, "title", WORLD_TITLE_MAX, &n.title,
				   ei);
	if (!rc)
		rc = dc_admin_user(dc, body, "creator", &u, ei);
	if (rc)
		return rc;
	n.creator = u->id;
	n.megagroup = !json_bool(json_get(body, "broadcast"), false);
	rc = make_channel(dc, &n, &c);
	if (rc)
		return err_set(ei, rc, "channel \"%s\"", n.title);
	rc = join_all(dc, c, json_get(body, "members"), ei);
	if (rc)
		return rc;
	dc_admin_begin(&w, &out);
	put_channel(dc, &w, c);
	return dc_admin_end(req, &w, &out);
}

enum err dc_admin_peer(struct dc *dc, struct json body, int64_t *ret,
		       struct err_info *ei)
{
	int64_t chat = 0, channel = 0;
	struct world_user *u;
	enum err rc;

	rc = json_want_int(body, "chat", 1, INT32_MAX, &chat, ei);
	if (!rc)
		rc = json_want_int(body, "channel", 1, INT64_MAX / 2, &channel,
				   ei);
	if (rc)
		return rc;
	*ret = channel ? world_channel_mark(channel) : -chat;
	if (*ret)
		return ERR_OK;
	rc = dc_admin_user(dc, body, "to", &u, ei);
	if (!rc)
		*ret = u->id;
	return rc;
}

static enum err post_messages(struct http_req *req, void *ctx,
			      struct err_info *ei)
{
	struct dc *dc = ctx;
	struct world_new_msg n = { .kind = WORLD_TEXT, .date = dc_now(dc) };
	int64_t i, count = 1;
	struct world_msg *m = NULL;
	struct world_user *from;
	struct json body;
	struct jsonw w;
	struct buf out;
	bool again;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = dc_admin_user(dc, body, "from", &from, ei);
	if (!rc)
		rc = dc_admin_peer(dc, body, &n.peer, ei);
	if (!rc)
		rc = json_need_str(body, "text", WORLD_TEXT_MAX, &n.text, ei);
	if (!rc)
		rc = json_want_int(body, "count", 1, COUNT_MAX, &count, ei);
	if (rc)
		return rc;
	n.from = from->id;
	n.text_len = strlen(n.text);
	for (i = 0; i < count && !rc; i++)
		rc = world_send(&dc->world, &n, &m, &again);
	if (rc || !m)
		return err_set(ei, rc ? rc : ERR_INVALID,
			       "message: no such chat, or not in it");
	dc_admin_begin(&w, &out);
	jsonw_int(&w, "sent", count);
	jsonw_int(&w, "message_id", m->id);
	return dc_admin_end(req, &w, &out);
}

/* ---- ending sessions */

static enum err post_revoke(struct http_req *req, void *ctx,
			    struct err_info *ei)
{
	struct dc *dc = ctx;
	struct world_user *u = NULL;
	uint32_t cursor = 0, n = 0;
	struct dc_key *k;
	struct json body;
	int64_t id = 0;
	struct jsonw w;
	struct buf out;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (rc)
		return rc;
	if (json_is_string(json_get(body, "auth_key_id")))
		rc = text_i64(json_str(json_get(body, "auth_key_id"), ""), &id);
	else if (!json_missing(json_get(body, "user_id")))
		rc = dc_admin_user(dc, body, "user_id", &u, ei);
	else
		rc = dc_admin_user(dc, body, "phone", &u, ei);
	if (rc)
		return rc;
	while ((k = imap_next(&dc->keys, &cursor))) {
		if (!k->user_id)
			continue;
		if (u ? k->user_id != u->id : (int64_t)k->auth.id != id)
			continue;
		dc_key_revoke(dc, k);
		n++;
	}
	if (!n)
		return err_set(ei, ERR_NOTFOUND, "no such session");
	dc_admin_begin(&w, &out);
	jsonw_u64(&w, "revoked", n);
	return dc_admin_end(req, &w, &out);
}

/* ---- many signed-in keys at once, for benchmarks */

static void put_key(struct dc *dc, struct jsonw *w, const struct dc_key *k,
		    const struct world_user *u)
{
	struct addr at = listener_addr(dc_node(dc, k->dc_id)->listener);
	char key[TEXT_B64_LEN(AUTHKEY_LEN) + 1], ip[ADDR_TEXT_MAX];

	addr_format_ip(&at, ip);
	text_b64(key, k->auth.secret.bytes, AUTHKEY_LEN, TEXT_B64_STD);
	jsonw_object(w, NULL);
	jsonw_int(w, "dc_id", k->dc_id);
	jsonw_str(w, "address", ip);
	jsonw_int(w, "port", at.port);
	jsonw_str(w, "auth_key", key);
	jsonw_int(w, "user_id", u->id);
	jsonw_str(w, "phone", u->phone);
	jsonw_object_end(w);
	secret_wipe(key, sizeof(key));
}

static enum err make_key(struct dc *dc, const char *phone, struct jsonw *w)
{
	struct world_new_user n = { .phone = phone, .first = "Bench" };
	struct world_user *u = world_user_by_phone(&dc->world, phone);
	struct dc_store_key row = { .created = dc_now(dc), .layer = 0 };
	struct dc_key *k;
	enum err rc = ERR_OK;

	n.home_dc = 1;
	if (!u)
		rc = world_add_user(&dc->world, &n, &u);
	if (rc)
		return rc;
	row.dc_id = u->home_dc ? u->home_dc : 1;
	row.user_id = u->id;
	row.salt = (int64_t)rnd_u64(rnd_system());
	rnd_fill(rnd_system(), row.key, sizeof(row.key));
	rc = dc_key_add(dc, &row, &k);
	secret_wipe(row.key, sizeof(row.key));
	if (rc)
		return rc;
	dc_key_save(dc, k);
	put_key(dc, w, k, u);
	return ERR_OK;
}

static enum err post_authkeys(struct http_req *req, void *ctx,
			      struct err_info *ei)
{
	struct dc *dc = ctx;
	const char *prefix = "999661";
	char phone[WORLD_PHONE_MAX + 1];
	int64_t i, count = 1, first = 0;
	struct json body;
	struct jsonw w;
	struct buf out;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = json_want_int(body, "count", 1, KEYS_MAX, &count, ei);
	if (!rc)
		rc = json_want_int(body, "first", 0, COUNT_MAX, &first, ei);
	if (!rc)
		rc = json_want_str(body, "phone_prefix", 8, &prefix, ei);
	if (rc)
		return rc;
	dc_admin_begin(&w, &out);
	jsonw_array(&w, "authkeys");
	for (i = 0; i < count && !rc; i++) {
		snprintf(phone, sizeof(phone), "%s%04lld", prefix,
			 (long long)first + i);
		rc = make_key(dc, phone, &w);
	}
	if (rc) {
		buf_deinit(&out);
		return err_set(ei, rc, "auth key for %s", phone);
	}
	jsonw_array_end(&w);
	return dc_admin_end(req, &w, &out);
}

/* What there is to ask for. */
static enum err get_routes(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct dc *dc = ctx;
	const struct router_row *r;
	struct jsonw w;
	struct buf out;
	size_t i;

	(void)ei;
	dc_admin_begin(&w, &out);
	jsonw_array(&w, "routes");
	for (i = 0; (r = router_row_at(&dc->router, i)); i++) {
		jsonw_object(&w, NULL);
		jsonw_str(&w, "method", r->method);
		jsonw_str(&w, "path", r->path);
		jsonw_str(&w, "summary", r->summary);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	return dc_admin_end(req, &w, &out);
}

static const struct router_row rows[] = {
	{ "GET", "/", 0, 0, 0, get_routes, "These lines" },
	{ "GET", "/counters", 0, 0, 0, get_counters, "What happened so far" },
	{ "GET", "/accounts", 0, 0, 0, get_accounts, "Users and their use" },
	{ "GET", "/sessions", 0, 0, 0, get_sessions, "Authorisation keys" },
	{ "POST", "/users", 0, 0, BODY_MAX, post_users, "Make a user" },
	{ "POST", "/chats", 0, 0, BODY_MAX, post_chats, "Make a group" },
	{ "POST", "/channels", 0, 0, BODY_MAX, post_channels,
	  "Make a supergroup or channel" },
	{ "POST", "/messages", 0, 0, BODY_MAX, post_messages, "Say something" },
	{ "POST", "/sessions/revoke", 0, 0, BODY_MAX, post_revoke,
	  "End sessions" },
	{ "POST", "/authkeys", 0, 0, BODY_MAX, post_authkeys,
	  "Make signed-in keys" },
};

/* Nothing a caller was told may be lost, here as on the other side. */
static void on_done(const struct http_req *req, int status, int64_t took_us,
		    void *ctx)
{
	struct dc *dc = ctx;
	struct err_info ei = { 0 };
	enum err rc;

	(void)req;
	(void)status;
	(void)took_us;
	rc = dc_store_commit(dc->store, &ei);
	if (rc)
		dc_fail(dc, rc, &ei);
	arena_reset(&dc->arena);
}

enum err dc_admin_start(struct dc *dc, struct err_info *ei)
{
	struct server_options o = { .at = dc->o.admin,
				    .router = &dc->router,
				    .ctx = dc,
				    .done = on_done };
	enum err rc;

	if (!addr_is_loopback(&dc->o.admin))
		return err_set(ei, ERR_INVALID,
			       "admin: must be a loopback address");
	rc = router_add(&dc->router, rows, ARRAY_LEN(rows), ei);
	if (!rc)
		rc = dc_bots_routes(dc, ei);
	if (!rc)
		rc = dc_upload_routes(dc, ei);
	if (!rc)
		rc = dc_faults_routes(dc, ei);
	if (!rc)
		rc = dc_rules_routes(dc, ei);
	if (!rc)
		rc = dc_knobs_routes(dc, ei);
	if (!rc)
		rc = dc_calls_routes(dc, ei);
	if (!rc)
		rc = dc_bulk_routes(dc, ei);
	if (!rc)
		rc = dc_play_routes(dc, ei);
	if (rc)
		return rc;
	return server_new(dc->loop, &o, &dc->admin, ei);
}
