/* SPDX-License-Identifier: MIT */
#include "cli/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "cli/slurp.h"
#include "http/client.h"

#define ANSWER_MAX (64U << 20)
#define PATH_MAX_BYTES 4096
#define TOKEN_MAX 4096

struct profile {
	char *server, *token;
};

static const struct config_option profile_options[] = {
	{ "server", CONFIG_STR, 0, offsetof(struct profile, server), NULL, 0, 0,
	  "URL", "the control plane" },
	{ "token", CONFIG_STR, CONFIG_SECRET, offsetof(struct profile, token),
	  NULL, 0, 0, "TEXT", "API token" },
};
static const struct config_table profile_table = { "login", profile_options,
						   ARRAY_LEN(profile_options) };

enum err remote_profile_path(char **ret, struct err_info *ei)
{
	const char *base = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	int n;

	if (base && *base)
		n = asprintf(ret, "%s/tgfleet/config.yaml", base);
	else if (home && *home)
		n = asprintf(ret, "%s/.config/tgfleet/config.yaml", home);
	else
		return err_set(ei, ERR_NOTFOUND,
			       "HOME is not set; give --server and "
			       "TGFLEET_TOKEN");
	return n < 0 ? ERR_NOMEM : ERR_OK;
}

static enum err make_parents(char *path, struct err_info *ei)
{
	enum err rc;

	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		rc = files_mkdir(path, ei);
		*p = '/';
		if (rc)
			return rc;
	}
	return ERR_OK;
}

enum err remote_profile_write(const char *server, const char *token,
			      struct err_info *ei)
{
	char *path = NULL;
	struct buf text;
	enum err rc;

	buf_init(&text, 2 * TOKEN_MAX);
	rc = remote_profile_path(&path, ei);
	if (!rc)
		rc = make_parents(path, ei);
	if (!rc)
		rc = buf_printf(&text, "server: \"%s\"\ntoken: \"%s\"\n",
				server, token);
	if (!rc)
		rc = files_write(path, buf_head(&text), buf_len(&text), ei);
	buf_wipe(&text);
	free(path);
	return rc;
}

static enum err read_token_file(struct remote *r, struct err_info *ei)
{
	struct buf text;
	enum err rc;

	buf_init(&text, TOKEN_MAX);
	rc = slurp_line(r->token_file, &text, ei);
	if (!rc && buf_cstr(&text)) {
		free(r->token);
		r->token = strdup(buf_cstr(&text));
		rc = r->token ? ERR_OK : ERR_NOMEM;
	}
	buf_wipe(&text);
	return rc;
}

static bool empty(const char *s)
{
	return !s || !*s;
}

static enum err read_profile(struct remote *r, struct err_info *ei)
{
	struct profile p = { 0 };
	struct config_origins o = { 0 };
	char *path;
	enum err rc;

	rc = remote_profile_path(&path, ei);
	if (rc)
		return rc;
	rc = config_file(&profile_table, &p, &o, path, ei);
	free(path);
	if (rc == ERR_NOTFOUND)
		rc = ERR_OK; /* never logged in: the next check says so */
	if (!rc && empty(r->server) && p.server) {
		free(r->server);
		r->server = p.server;
		p.server = NULL;
	}
	/* a token goes only to the server it was made for */
	if (!rc && empty(r->token) && p.token &&
	    (!p.server || strcmp(p.server, r->server) == 0)) {
		free(r->token);
		r->token = p.token;
		p.token = NULL;
	}
	config_free(&profile_table, &p);
	return rc;
}

enum err remote_resolve(struct remote *r, struct err_info *ei)
{
	enum err rc = ERR_OK;
	size_t n;

	if (!empty(r->token_file))
		rc = read_token_file(r, ei);
	if (!rc && (empty(r->server) || empty(r->token)))
		rc = read_profile(r, ei);
	if (rc)
		return rc;
	if (empty(r->server))
		return err_set(ei, ERR_USAGE,
			       "which control plane? give --server URL, set "
			       "TGFLEET_SERVER, or `tgfleet login` once");
	n = strlen(r->server);
	while (n > 0 && r->server[n - 1] == '/')
		r->server[--n] = '\0';
	return ERR_OK;
}

static enum err percent(struct buf *out, const char *text)
{
	enum err rc = ERR_OK;

	for (; *text && !rc; text++) {
		unsigned char c = (unsigned char)*text;

		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
			   "Z"
			   "0123456789-._~",
			   c))
			rc = buf_append_byte(out, c);
		else
			rc = buf_printf(out, "%%%02X", c);
	}
	return rc;
}

enum err remote_query(struct buf *path, const char *name, const char *value)
{
	bool first = !strchr(buf_cstr(path), '?');
	enum err rc;

	if (empty(value))
		return ERR_OK;
	rc = buf_printf(path, "%c%s=", first ? '?' : '&', name);
	return rc ? rc : percent(path, value);
}

enum err remote_segment(struct buf *path, const char *text)
{
	enum err rc = buf_append_byte(path, '/');

	return rc ? rc : percent(path, text);
}

/* {"error": {"code", "message", "details": {...}, "request_id"}} */
static enum err api_error(int status, struct json answer, struct err_info *ei)
{
	struct json e = json_get(answer, "error");
	const char *advice =
		json_str(json_get(json_get(e, "details"), "advice"), NULL);
	enum err rc = status == 401   ? ERR_UNAUTHORIZED
		      : status == 403 ? ERR_FORBIDDEN
		      : status == 404 ? ERR_NOTFOUND
				      : ERR_INVALID;

	if (status == 401)
		advice = "`tgfleet login` gets a token";
	return err_set(ei, rc, "%s%s%s",
		       json_str(json_get(e, "message"), "the server refused"),
		       advice ? "; " : "", advice ? advice : "");
}

/* Refusals that tell of each item are shown like any other answer. */
static bool is_answer(const struct remote_call *call, int status,
		      const struct json_doc *doc)
{
	return status < 400 ||
	       (call->results &&
		json_is_array(json_get(json_root(doc), "results")));
}

static enum err parse_answer(const struct remote_call *call, int status,
			     const struct buf *body, struct json_doc *ret,
			     struct err_info *ei)
{
	static const char null[] = "null";
	bool none = buf_len(body) == 0;
	enum err rc;

	rc = json_parse(ret, none ? (const void *)null : buf_head(body),
			none ? strlen(null) : buf_len(body), ANSWER_MAX, ei);
	if (rc)
		return err_wrap(ei, rc, "the answer (HTTP %d)", status);
	if (is_answer(call, status, ret))
		return ERR_OK;
	rc = api_error(status, json_root(ret), ei);
	json_free(ret);
	return rc;
}

enum err remote_do(const struct remote *r, const struct remote_call *call,
		   struct json_doc *ret, struct err_info *ei)
{
	struct client_request req = {
		.method = call->method,
		.body = call->body,
		.body_len = call->body_len,
		.content_type = call->content_type,
		.bearer = call->anonymous || empty(r->token) ? NULL : r->token,
		.max_response = ANSWER_MAX,
		.timeout_us = r->timeout_us,
	};
	struct buf url, body;
	int status = 0;
	enum err rc;

	buf_init(&url, PATH_MAX_BYTES);
	buf_init(&body, ANSWER_MAX);
	rc = buf_printf(&url, "%s" REMOTE_API "%s", r->server, call->path);
	req.url = buf_cstr(&url);
	if (!rc)
		rc = client_sync(&req, &status, &body, ei);
	if (rc)
		rc = err_wrap(ei, rc, "%s", r->server);
	else
		rc = parse_answer(call, status, &body, ret, ei);
	buf_wipe(&body);
	buf_deinit(&url);
	return rc;
}
