/* SPDX-License-Identifier: MIT */
/*
 * Chat scripts as documents: what the calls about them share.
 *
 * A script is kept as it was sent, once the guard let it pass and it has the shape
 * of one (script/outline.h); nothing here runs it.  Its ETag is the SHA-256 of its
 * text, so the same text is the same version.
 *
 *	scripts.c      reading a script from a request, keeping, showing
 *	api_scripts.c  /group-ai/scripts: documents and their versions
 *	api_deploy.c   /group-ai/scripts/deploy: to nodes
 *
 *   owner     the store; nothing is kept in memory
 *   memory    the request's arena
 *   failure   names the line and column of what is wrong
 */
#ifndef CONTROL_SCRIPTS_H
#define CONTROL_SCRIPTS_H

#include "control/control_int.h"
#include "script/outline.h"

#define SCRIPTS_ETAG_MAX 72 /* "<64 hex digits>" and its quotes */
/* Two bytes of an older encoding may be three of UTF-8, never fewer. */
#define SCRIPTS_BODY_MAX (GUARD_BYTES_MAX + 4096)

/* A script that came with a request. */
struct scripts_text {
	const char *data;
	size_t len;
	const char *encoding; /* it was converted from, or NULL */
	struct outline outline;
};

/* The body, converted if ?encoding= says so; what is wrong is in the outline. */
enum err scripts_read(struct http_req *req, struct scripts_text **ret,
		      struct err_info *ei);
/* {id} of the path, checked. */
enum err scripts_path_id(struct http_req *req, const char **ret,
			 struct err_info *ei);
/* Refuses when If-Match is given and is not s. */
enum err scripts_match(const struct http_req *req, const struct store_script *s,
		       struct err_info *ei);
void scripts_etag(const struct store_script *s,
		  char ret[static SCRIPTS_ETAG_MAX]);
void scripts_write(struct jsonw *w, const struct store_script *s);
/* The notes of an outline: [{severity, line, column, message}]. */
void scripts_write_notes(struct jsonw *w, const char *key,
			 const struct scripts_text *t);

#endif /* CONTROL_SCRIPTS_H */
