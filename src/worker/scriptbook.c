/* SPDX-License-Identifier: MIT */
#include "worker/scriptbook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/text.h"

#define TIMEOUT_US (INT64_C(30) * US_PER_SEC)

struct scriptbook_job {
	struct scriptbook_job *next;
	uint64_t tag;
	unsigned int tries;
	uint8_t sha256[SHA_256_LEN];
	char name[2 * SHA_256_LEN + 1]; /* of its files */
	char url[SCRIPTBOOK_URL_MAX];
};

static void go_on(struct scriptbook *s);

/* --- files --- */

/* end: ".yaml" or ".before.yaml" */
static enum err path_of(const struct scriptbook *s,
			const struct scriptbook_job *j, const char *end,
			char ret[static NODE_PATH_MAX], struct err_info *ei)
{
	char name[2 * SHA_256_LEN + 32];

	snprintf(name, sizeof(name), "scripts/%s%s", j->name, end);
	return node_path(s->node, name, ret, ei);
}

static bool is_wanted(const struct scriptbook_job *j, const void *text,
		      size_t len)
{
	uint8_t sum[SHA_256_LEN];

	sha_256(text, len, sum);
	return !memcmp(sum, j->sha256, sizeof(sum));
}

/* What is kept of this script; empty when nothing is. */
static enum err read_kept(const struct scriptbook *s,
			  const struct scriptbook_job *j, struct buf *ret,
			  struct err_info *ei)
{
	char path[NODE_PATH_MAX];
	enum err rc = path_of(s, j, ".yaml", path, ei);

	if (!rc)
		rc = files_read(path, ret, ei);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static bool is_kept(const struct scriptbook *s, const struct scriptbook_job *j)
{
	struct buf kept;
	bool same;

	buf_init(&kept, SCRIPTBOOK_BYTES_MAX);
	same = !read_kept(s, j, &kept, NULL) && buf_len(&kept) > 0 &&
	       is_wanted(j, buf_head(&kept), buf_len(&kept));
	buf_deinit(&kept);
	return same;
}

/* The one before first: killed after it, both are the old one. */
static enum err keep(const struct scriptbook *s, const struct scriptbook_job *j,
		     const void *text, size_t len, struct err_info *ei)
{
	char path[NODE_PATH_MAX];
	struct buf before;
	enum err rc;

	buf_init(&before, SCRIPTBOOK_BYTES_MAX);
	rc = read_kept(s, j, &before, ei);
	if (!rc && buf_len(&before)) {
		rc = path_of(s, j, ".before.yaml", path, ei);
		if (!rc)
			rc = files_write(path, buf_head(&before),
					 buf_len(&before), ei);
	}
	buf_deinit(&before);
	if (!rc)
		rc = path_of(s, j, ".yaml", path, ei);
	return rc ? rc : files_write(path, text, len, ei);
}

/* --- one after the other --- */

/* Takes the first out. */
static void finish(struct scriptbook *s, bool changed, enum err rc,
		   const struct err_info *ei)
{
	struct scriptbook_job *j = s->first;
	uint64_t tag = j->tag;

	s->first = j->next;
	if (!s->first)
		s->last = NULL;
	s->n--;
	free(j);
	s->done(s->ctx, tag, changed, rc, ei);
}

static enum err took(struct scriptbook *s, const struct client_response *rsp,
		     struct err_info *ei)
{
	if (rsp->rc)
		return err_set(ei, rsp->rc, "download the script: %s",
			       rsp->ei.msg);
	if (rsp->status != 200)
		return err_set(
			ei, rsp->status >= 500 ? ERR_UNAVAILABLE : ERR_NOTFOUND,
			"download the script: the control plane "
			"answered %d",
			rsp->status);
	if (!is_wanted(s->first, rsp->body, rsp->body_len))
		return err_set(ei, ERR_CONFLICT,
			       "the script that came is not the one that was "
			       "told: its SHA-256 differs");
	return keep(s, s->first, rsp->body, rsp->body_len, ei);
}

static void on_response(void *ctx, const struct client_response *rsp)
{
	struct scriptbook *s = ctx;
	struct err_info ei = { 0 };
	enum err rc;

	s->request = 0;
	if (rsp->rc == ERR_CANCELED)
		return; /* the worker ends */
	rc = took(s, rsp, &ei);
	if (rc && err_retry(rc) == ERR_RETRY_SOON &&
	    ++s->first->tries < SCRIPTBOOK_TRIES) {
		loop_arm(s->loop, &s->timer, SCRIPTBOOK_PAUSE_US);
		return;
	}
	finish(s, true, rc, &ei);
	go_on(s);
}

static enum err download(struct scriptbook *s, struct err_info *ei)
{
	char url[sizeof(s->node->server) + SCRIPTBOOK_URL_MAX];
	const struct client_request r = {
		.url = url,
		.bearer = (char *)s->node->token.bytes,
		.max_response = SCRIPTBOOK_BYTES_MAX,
		.timeout_us = TIMEOUT_US,
	};

	snprintf(url, sizeof(url), "%s%s", s->node->server, s->first->url);
	return client_start(s->http, &r, on_response, s, &s->request, ei);
}

/* Until one waits for its download, or there is none. */
static void go_on(struct scriptbook *s)
{
	while (s->first && !s->request) {
		struct err_info ei = { 0 };
		enum err rc = ERR_OK;
		bool kept = is_kept(s, s->first);

		if (!kept)
			rc = download(s, &ei);
		if (kept || rc)
			finish(s, false, rc, &ei);
	}
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	go_on(ctx);
}

/* --- asked for --- */

static enum err check(const struct scriptbook_ask *ask,
		      struct scriptbook_job *j, struct err_info *ei)
{
	uint8_t name[SHA_256_LEN];

	if (text_unhex(j->sha256, sizeof(j->sha256), ask->sha256,
		       strlen(ask->sha256)))
		return err_set(ei, ERR_INVALID,
			       "\"sha256\" is 64 hexadecimal digits");
	/* our token goes along: to nobody else */
	if (ask->url[0] != '/' || strpbrk(ask->url, "\r\n \t") ||
	    !text_copy(j->url, sizeof(j->url), ask->url))
		return err_set(ei, ERR_INVALID,
			       "\"download_url\" is a path at the control "
			       "plane, \"/api/...\"");
	sha_256(ask->script_id, strlen(ask->script_id), name);
	text_hex(j->name, name, sizeof(name));
	j->tag = ask->tag;
	return ERR_OK;
}

enum err scriptbook_update(struct scriptbook *s,
			   const struct scriptbook_ask *ask,
			   struct err_info *ei)
{
	struct scriptbook_job *j;
	bool idle = !s->first;
	enum err rc;

	if (s->n == SCRIPTBOOK_MAX)
		return err_set(ei, ERR_CAPACITY,
			       "%d scripts wait for their download already",
			       SCRIPTBOOK_MAX);
	j = calloc(1, sizeof(*j));
	if (!j)
		return err_set(ei, ERR_NOMEM, "take a script");
	rc = check(ask, j, ei);
	if (rc) {
		free(j);
		return rc;
	}
	if (s->last)
		s->last->next = j;
	else
		s->first = j;
	s->last = j;
	s->n++;
	if (idle)
		go_on(s);
	return ERR_OK;
}

void scriptbook_init(struct scriptbook *s)
{
	wheel_timer_init(&s->timer, on_timer, s);
}

void scriptbook_deinit(struct scriptbook *s)
{
	if (s->loop)
		loop_cancel(s->loop, &s->timer);
	if (s->request)
		client_cancel(s->http, s->request);
	s->request = 0;
	while (s->first) {
		struct scriptbook_job *j = s->first;

		s->first = j->next;
		free(j);
	}
	s->last = NULL;
	s->n = 0;
}
