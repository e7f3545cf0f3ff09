/* SPDX-License-Identifier: MIT */
/*
 * Commands that speak to a control plane: where it is, who we are, one call.
 *
 * Server and token come from --server / --token-file, TGFLEET_SERVER and
 * TGFLEET_TOKEN, or the profile that `tgfleet login` writes, in this order.
 *
 *   owner     the command's stack
 *   failure   one line on stderr; an API error is shown with its own message
 */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "base/json.h"
#include "cli/cli.h"

#define REMOTE_API "/api/v1"

struct remote {
	char *server; /* "http://127.0.0.1:8470", no slash at the end */
	char *token;
	char *token_file;
	bool json; /* print the answer as it is */
	int64_t timeout_us;
};

/* For a command's own option table: these rows first. */
#define REMOTE_OPTIONS(type, member)                                            \
	{ "server",                                                             \
	  CONFIG_STR,                                                           \
	  0,                                                                    \
	  offsetof(type, member.server),                                        \
	  NULL,                                                                 \
	  0,                                                                    \
	  0,                                                                    \
	  "URL",                                                                \
	  "the control plane" },                                                \
		{ "token",                                                      \
		  CONFIG_STR,                                                   \
		  CONFIG_SECRET,                                                \
		  offsetof(type, member.token),                                 \
		  NULL,                                                         \
		  0,                                                            \
		  0,                                                            \
		  "TEXT",                                                       \
		  "API token (TGFLEET_TOKEN or the profile)" },                 \
		{ "token-file",                                                 \
		  CONFIG_STR,                                                   \
		  0,                                                            \
		  offsetof(type, member.token_file),                            \
		  NULL,                                                         \
		  0,                                                            \
		  0,                                                            \
		  "FILE",                                                       \
		  "file that holds the API token" },                            \
		{ "json", CONFIG_BOOL, 0,    offsetof(type, member.json), "no", \
		  0,	  0,	       NULL, "print the server's JSON" },       \
	{                                                                       \
		"timeout", CONFIG_DURATION, 0,                                  \
			offsetof(type, member.timeout_us), "60s", 1000000,      \
			INT64_C(3600000000), "TIME", "longest wait"             \
	}

/* Fills server and token from the profile where they are not set yet. */
enum err remote_resolve(struct remote *r, struct err_info *ei);

struct remote_call {
	const char *method;
	const char *path; /* behind REMOTE_API, query included */
	const void *body;
	size_t body_len;
	const char *content_type; /* NULL = application/json */
	bool anonymous;		  /* send no token */
	bool results; /* "results" of a refused call are an answer too */
};

/* The parsed answer; an HTTP status >= 400 is an error with the API's words. */
enum err remote_do(const struct remote *r, const struct remote_call *call,
		   struct json_doc *ret, struct err_info *ei);

/* Appends ?name=value or &name=value, percent-encoded; NULL is skipped. */
enum err remote_query(struct buf *path, const char *name, const char *value);
/* Appends a path segment, percent-encoded. */
enum err remote_segment(struct buf *path, const char *text);

/* Path of the profile; the caller frees it. */
enum err remote_profile_path(char **ret, struct err_info *ei);
enum err remote_profile_write(const char *server, const char *token,
			      struct err_info *ei);

#endif /* CLI_REMOTE_H */
