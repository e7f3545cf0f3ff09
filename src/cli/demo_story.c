/* SPDX-License-Identifier: MIT */
/*
 * What the demo shows, in order: the path from a Telethon session file to an
 * account online, and what happens when things break.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/demo_int.h"
#include "cli/slurp.h"
#include "tg/sessfile.h"

#define ONLINE_US (60 * US_PER_SEC)
#define POLL_US 200000
#define BOUNDARY "tgfleet-demo-boundary-5f1c"
/* Enabled, but nobody ever uploaded a session for it. */
#define NO_SESSION "9996617999"

static enum err api(struct demo *d, const char *method, const char *path,
		    const char *body, struct json_doc *ret, struct err_info *ei)
{
	char url[512];
	struct demo_call call = { .method = method,
				  .url = url,
				  .body = body,
				  .bearer = d->token[0] ? d->token : NULL };
	int status = 0;
	enum err rc;

	snprintf(url, sizeof(url), "%s/api/v1%s", d->url, path);
	rc = demo_world_call(d, &call, &status, ret, ei);
	if (rc || status < 400)
		return rc;
	rc = err_set(
		ei, ERR_INVALID, "%s %s: HTTP %d: %s", method, path, status,
		json_str(json_get(json_get(json_root(ret), "error"), "message"),
			 ""));
	json_free(ret);
	return rc;
}

static enum err admin(struct demo *d, const char *method, const char *path,
		      const char *body, struct json_doc *ret,
		      struct err_info *ei)
{
	char url[512];
	struct demo_call call = { .method = method, .url = url, .body = body };
	int status = 0;
	enum err rc;

	snprintf(url, sizeof(url), "%s%s", d->admin, path);
	rc = demo_world_call(d, &call, &status, ret, ei);
	if (rc || status < 400)
		return rc;
	json_free(ret);
	return err_set(ei, ERR_INVALID, "%s %s: HTTP %d", method, path, status);
}

static enum err counter(struct demo *d, const char *name, int64_t *ret,
			struct err_info *ei)
{
	struct json_doc doc;
	enum err rc = admin(d, "GET", "/counters", NULL, &doc, ei);

	if (rc)
		return rc;
	rc = json_need_int(json_root(&doc), name, 0, INT64_MAX, ret, ei);
	json_free(&doc);
	return rc;
}

static enum err start_dc(struct demo *d, struct err_info *ei)
{
	return demo_world_start(d, DEMO_DC, ei);
}

static enum err login(struct demo *d, const char *password, struct err_info *ei)
{
	const char *token = NULL;
	struct json_doc doc;
	char body[512];
	enum err rc;

	snprintf(body, sizeof(body),
		 "{\"username\":\"admin\",\"password\":\"%s\"}", password);
	rc = api(d, "POST", "/auth/login", body, &doc, ei);
	if (rc)
		return rc;
	rc = json_need_str(json_root(&doc), "access_token",
			   sizeof(d->token) - 1, &token, ei);
	if (!rc)
		snprintf(d->token, sizeof(d->token), "%s", token);
	json_free(&doc);
	return rc;
}

static enum err start_serve(struct demo *d, struct err_info *ei)
{
	const char *password = NULL;
	struct json_doc doc;
	enum err rc;

	rc = demo_world_start(d, DEMO_SERVE, ei);
	if (rc)
		return rc;
	rc = json_parse(&doc, d->proc[DEMO_SERVE].ready_line,
			strlen(d->proc[DEMO_SERVE].ready_line), 4096, ei);
	if (rc)
		return rc;
	rc = json_need_str(json_root(&doc), "admin_password", 200, &password,
			   ei);
	if (!rc)
		rc = login(d, password, ei);
	json_free(&doc);
	return rc;
}

static enum err start_workers(struct demo *d, struct err_info *ei)
{
	enum err rc = demo_world_start(d, DEMO_WORKER1, ei);

	return rc ? rc : demo_world_start(d, DEMO_WORKER2, ei);
}

static enum err sign_in(struct demo *d, struct err_info *ei)
{
	return demo_world_sign_in(d, ei);
}

static void session_path(const struct demo *d, int i, char *path, size_t size)
{
	snprintf(path, size, "%s/%s.session", d->dir, d->phones[i]);
}

static enum err inspect(struct demo *d, struct err_info *ei)
{
	for (int i = 0; i < DEMO_ACCOUNTS; i++) {
		struct sessfile s;
		struct buf data;
		char path[600];
		enum err rc;

		session_path(d, i, path, sizeof(path));
		buf_init(&data, SLURP_MAX_BYTES);
		rc = slurp_file(path, &data, ei);
		if (!rc)
			rc = sessfile_read(buf_head(&data), buf_len(&data),
					   path, &s, ei);
		buf_wipe(&data);
		if (rc)
			return rc;
		if (s.flavour != SESSFILE_TELETHON_SQLITE)
			rc = err_set(ei, ERR_INVALID, "%s: not Telethon's",
				     path);
		sessfile_deinit(&s);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err put_file(struct buf *body, const char *path, const char *name,
			 struct err_info *ei)
{
	struct buf data;
	enum err rc;

	buf_init(&data, SLURP_MAX_BYTES);
	rc = slurp_file(path, &data, ei);
	if (!rc)
		rc = buf_printf(body,
				"--" BOUNDARY "\r\nContent-Disposition: "
				"form-data; name=\"file\"; filename=\"%s\""
				"\r\n\r\n",
				name);
	if (!rc)
		rc = buf_append(body, buf_head(&data), buf_len(&data));
	if (!rc)
		rc = buf_append_str(body, "\r\n");
	buf_wipe(&data);
	return rc;
}

/* Files first..last, the file of `first` under `alias` if that is given. */
static enum err upload(struct demo *d, int first, int last, const char *alias,
		       struct json_doc *ret, struct err_info *ei)
{
	char url[256];
	struct demo_call call = {
		.method = "POST",
		.url = url,
		.content_type = "multipart/form-data; boundary=" BOUNDARY,
		.bearer = d->token
	};
	struct buf body;
	int status = 0;
	enum err rc;

	buf_init(&body, 256U << 20);
	rc = buf_append_str(&body, "--" BOUNDARY "\r\nContent-Disposition: "
				   "form-data; name=\"attested\"\r\n\r\ntrue"
				   "\r\n");
	for (int i = first; i <= last && !rc; i++) {
		char path[600], name[64];

		session_path(d, i, path, sizeof(path));
		snprintf(name, sizeof(name), "%s.session",
			 alias ? alias : d->phones[i]);
		rc = put_file(&body, path, name, ei);
	}
	if (!rc)
		rc = buf_append_str(&body, "--" BOUNDARY "--\r\n");
	snprintf(url, sizeof(url), "%s/api/v1/group-ai/accounts/upload-session",
		 d->url);
	call.data = buf_head(&body);
	call.data_len = buf_len(&body);
	if (!rc)
		rc = demo_world_call(d, &call, &status, ret, ei);
	buf_wipe(&body);
	return rc;
}

static size_t count_stored(struct json answer)
{
	struct json_iter it = json_iter(json_get(answer, "results"));
	size_t n = 0;

	while (json_next(&it))
		n += json_bool(json_get(it.val, "success"), false);
	return n;
}

static enum err upload_all(struct demo *d, struct err_info *ei)
{
	struct json_doc doc;
	size_t stored;
	enum err rc;

	rc = upload(d, 0, DEMO_ACCOUNTS - 1, NULL, &doc, ei);
	if (rc)
		return rc;
	stored = count_stored(json_root(&doc));
	json_free(&doc);
	if (stored != DEMO_ACCOUNTS)
		return err_set(ei, ERR_INVALID, "%zu of %d files were stored",
			       stored, DEMO_ACCOUNTS);
	return ERR_OK;
}

static enum err upload_twice(struct demo *d, struct err_info *ei)
{
	struct json_doc doc;
	size_t stored;
	enum err rc;

	rc = upload(d, 0, 0, "9996618888", &doc, ei);
	if (rc)
		return rc;
	stored = count_stored(json_root(&doc));
	json_free(&doc);
	if (stored != 0)
		return err_set(ei, ERR_INVALID,
			       "the same key was stored under two names");
	rc = api(d, "GET", "/group-ai/accounts/9996618888", NULL, &doc, NULL);
	if (rc == ERR_OK) {
		json_free(&doc);
		return err_set(ei, ERR_INVALID,
			       "the refused file left an "
			       "account behind");
	}
	return ERR_OK;
}

static enum err add_without_session(struct demo *d, struct err_info *ei)
{
	struct json_doc doc;
	enum err rc = api(d, "POST", "/group-ai/accounts",
			  "{\"account_id\":\"" NO_SESSION "\"}", &doc, ei);

	if (!rc)
		json_free(&doc);
	return rc;
}

/* The entry of an account in one of start-all's two lists. */
static struct json find(struct json list, const char *account)
{
	struct json_iter it = json_iter(list);

	while (json_next(&it))
		if (!strcmp(json_str(json_get(it.val, "account_id"), ""),
			    account))
			return it.val;
	return (struct json){ NULL };
}

static enum err check_start_all(struct demo *d, struct json answer,
				struct err_info *ei)
{
	struct json ok = json_get(answer, "successful_accounts");
	struct json bad = json_get(answer, "failed_accounts");
	const char *why =
		json_str(json_get(find(bad, NO_SESSION), "error"), "");

	for (int i = 0; i < DEMO_ACCOUNTS; i++)
		if (json_missing(find(ok, d->phones[i])))
			return err_set(
				ei, ERR_INVALID, "%s did not start: %s",
				d->phones[i],
				json_str(json_get(find(bad, d->phones[i]),
						  "error"),
					 "not in the answer"));
	if (!strstr(why, "session file missing: " NO_SESSION ".session"))
		return err_set(ei, ERR_INVALID,
			       "the account without a session was told: '%s'",
			       why);
	if (json_len(ok) != DEMO_ACCOUNTS || json_len(bad) != 1)
		return err_set(ei, ERR_INVALID, "%zu started and %zu failed",
			       json_len(ok), json_len(bad));
	return ERR_OK;
}

static enum err start_all(struct demo *d, struct err_info *ei)
{
	struct json_doc doc;
	enum err rc;

	rc = api(d, "POST", "/group-ai/chat/start-all-accounts",
		 "{\"wait\":\"50s\"}", &doc, ei);
	if (rc)
		return rc;
	rc = check_start_all(d, json_root(&doc), ei);
	json_free(&doc);
	return rc;
}

struct census {
	int online;
	int nodes; /* with at least one account */
	int64_t messages;
	char revoked_status[32];
	bool revoked_has_advice;
};

static enum err count(struct demo *d, struct census *ret, struct err_info *ei)
{
	char seen[DEMO_NODES][128] = { "" };
	struct json_doc doc;
	struct json_iter it;
	enum err rc;

	*ret = (struct census){ 0 };
	rc = api(d, "GET", "/group-ai/accounts?page_size=100", NULL, &doc, ei);
	if (rc)
		return rc;
	it = json_iter(json_get(json_root(&doc), "items"));
	while (json_next(&it)) {
		const char *status = json_str(json_get(it.val, "status"), "");
		const char *node = json_str(json_get(it.val, "node_id"), "");
		int at = 0;

		ret->messages += json_int(json_get(it.val, "message_count"), 0);
		if (!strcmp(json_str(json_get(it.val, "account_id"), ""),
			    d->phones[0])) {
			snprintf(ret->revoked_status,
				 sizeof(ret->revoked_status), "%s", status);
			ret->revoked_has_advice = *json_str(
				json_get(json_get(it.val, "last_error"),
					 "advice"),
				"");
		}
		if (strcmp(status, "online") != 0)
			continue;
		ret->online++;
		while (at < ret->nodes && strcmp(seen[at], node) != 0)
			at++;
		if (at == ret->nodes && at < DEMO_NODES)
			snprintf(seen[ret->nodes++], sizeof(seen[0]), "%s",
				 node);
	}
	json_free(&doc);
	return ERR_OK;
}

/* Until `want` accounts are online; serve itself may be away for a while. */
static enum err wait_online(struct demo *d, int want, struct err_info *ei)
{
	struct mono end = mono_add(clock_mono(clock_system()), ONLINE_US);
	struct census c = { 0 };

	while (mono_before(clock_mono(clock_system()), end) &&
	       !d->interrupted) {
		if (count(d, &c, NULL) == ERR_OK && c.online == want)
			return ERR_OK;
		demo_world_rest(d, POLL_US);
	}
	return err_set(ei, ERR_TIMEOUT, "%d of %d accounts are online",
		       c.online, want);
}

static enum err on_two_nodes(struct demo *d, struct err_info *ei)
{
	struct census c;
	enum err rc = wait_online(d, DEMO_ACCOUNTS, ei);

	if (!rc)
		rc = count(d, &c, ei);
	if (!rc && c.nodes != DEMO_NODES)
		return err_set(ei, ERR_INVALID,
			       "accounts run on %d nodes, not on %d", c.nodes,
			       DEMO_NODES);
	return rc;
}

static enum err message_arrives(struct demo *d, struct err_info *ei)
{
	struct mono end = mono_add(clock_mono(clock_system()), ONLINE_US);
	struct census before, now;
	struct json_doc doc;
	char body[256];
	enum err rc;

	rc = count(d, &before, ei);
	if (rc)
		return rc;
	snprintf(body, sizeof(body),
		 "{\"from\":\"%s\",\"to\":\"%s\",\"text\":\"hello\"}",
		 d->phones[1], d->phones[2]);
	rc = admin(d, "POST", "/messages", body, &doc, ei);
	if (rc)
		return rc;
	json_free(&doc);
	while (mono_before(clock_mono(clock_system()), end)) {
		rc = count(d, &now, ei);
		if (rc || now.messages > before.messages)
			return rc;
		demo_world_rest(d, POLL_US);
	}
	return err_set(ei, ERR_TIMEOUT, "no counter moved");
}

static enum err restart(struct demo *d, enum demo_role role,
			struct err_info *ei)
{
	enum err rc = demo_world_kill(d, role, ei);

	if (!rc)
		rc = demo_world_start(d, role, ei);
	/* what was online before the kill must not be taken for news */
	if (!rc)
		demo_world_rest(d, 3 * US_PER_SEC);
	return rc ? rc : wait_online(d, DEMO_ACCOUNTS, ei);
}

static enum err kill_worker(struct demo *d, struct err_info *ei)
{
	return restart(d, DEMO_WORKER1, ei);
}

static enum err kill_serve(struct demo *d, struct err_info *ei)
{
	return restart(d, DEMO_SERVE, ei);
}

static enum err kill_dc(struct demo *d, struct err_info *ei)
{
	return restart(d, DEMO_DC, ei);
}

static enum err wait_revoked(struct demo *d, struct err_info *ei)
{
	struct mono end = mono_add(clock_mono(clock_system()), ONLINE_US);
	struct census c = { 0 };

	while (mono_before(clock_mono(clock_system()), end)) {
		enum err rc = count(d, &c, ei);

		if (rc)
			return rc;
		if (!strcmp(c.revoked_status, "revoked") &&
		    c.revoked_has_advice)
			return ERR_OK;
		demo_world_rest(d, POLL_US);
	}
	return err_set(ei, ERR_TIMEOUT, "it shows '%s'%s", c.revoked_status,
		       c.revoked_has_advice ? "" : " without advice");
}

static enum err revoke(struct demo *d, struct err_info *ei)
{
	struct json_doc doc;
	char body[64];
	enum err rc;

	snprintf(body, sizeof(body), "{\"phone\":\"%s\"}", d->phones[0]);
	rc = admin(d, "POST", "/sessions/revoke", body, &doc, ei);
	if (rc)
		return rc;
	json_free(&doc);
	return wait_revoked(d, ei);
}

static enum err no_reconnect_loop(struct demo *d, struct err_info *ei)
{
	int64_t before, after;
	enum err rc = counter(d, "connections", &before, ei);

	if (rc)
		return rc;
	demo_world_rest(d, 4 * US_PER_SEC);
	rc = counter(d, "connections", &after, ei);
	if (!rc && after != before)
		return err_set(ei, ERR_INVALID,
			       "%lld connections were made in four seconds",
			       (long long)(after - before));
	return rc;
}

static enum err no_duplicates(struct demo *d, struct err_info *ei)
{
	int64_t n;
	enum err rc = counter(d, "auth_key_duplicates", &n, ei);

	if (!rc && n != 0)
		return err_set(ei, ERR_INVALID,
			       "an auth key was used twice at once, %lld "
			       "times",
			       (long long)n);
	return rc;
}

const struct demo_step demo_story_steps[] = {
	{ "a data centre listens on loopback", start_dc },
	{ "the control plane made its database, admin and vault key",
	  start_serve },
	{ "two nodes enrolled, each with a join token of its own",
	  start_workers },
	{ "Telethon signed in six accounts over four transports", sign_in },
	{ "its .session files were inspected", inspect },
	{ "the files were uploaded and sealed in the vault", upload_all },
	{ "the same key under another name was refused", upload_twice },
	{ "an account without a session was added", add_without_session },
	{ "start-all: six online, one told `session file missing`", start_all },
	{ "the accounts are online on two nodes", on_two_nodes },
	{ "a message arrived and a counter moved", message_arrives },
	{ "kill -9 of a worker: its accounts came back", kill_worker },
	{ "kill -9 of the control plane: all accounts online", kill_serve },
	{ "kill -9 of the data centre: all accounts online", kill_dc },
	{ "a revoked session shows `revoked`, with advice", revoke },
	{ "and is not connected again", no_reconnect_loop },
	{ "no auth key was ever used twice at once", no_duplicates },
};
const size_t demo_story_nsteps = ARRAY_LEN(demo_story_steps);
const size_t demo_story_nsetup = 11;
