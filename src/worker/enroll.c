/* SPDX-License-Identifier: MIT */
#include "worker/enroll.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#define ENROLL_RETRY_US INT64_C(1000000)

static enum err store(struct enroll *e, const struct client_response *rsp,
		      struct err_info *ei)
{
	struct wire_enrolled w;
	struct arena arena;
	enum err rc;

	arena_init(&arena, 65536);
	rc = wire_enrolled_decode(rsp->body, rsp->body_len, &arena, &w, ei);
	if (!rc) {
		rc = node_enrolled(e->node, e->server, &w, ei);
		secret_wipe((char *)(uintptr_t)w.node_token,
			    strlen(w.node_token));
	}
	arena_deinit(&arena);
	return rc;
}

/* error.message of an answer, or its status. */
static enum err refused(const struct client_response *rsp, struct err_info *ei)
{
	struct json_doc doc;
	struct err_info ignored;
	enum err rc;

	if (json_parse(&doc, rsp->body, rsp->body_len, 65536, &ignored))
		return err_set(ei, ERR_FORBIDDEN,
			       "enrol: the control plane answered %d",
			       rsp->status);
	rc = err_set(ei, ERR_FORBIDDEN, "enrol: %s",
		     json_str(json_get(json_get(json_root(&doc), "error"),
				       "message"),
			      "refused"));
	json_free(&doc);
	return rc;
}

static void again(struct enroll *e, const struct client_response *rsp)
{
	if (!e->complained)
		log_fail(LOG_WARN, LOGEV_ENROL, rsp->rc ? rsp->rc : ERR_REFUSED,
			 &rsp->ei, log_str("server", e->server),
			 log_i64("status", rsp->status));
	e->complained = true;
	loop_arm(e->loop, &e->timer, ENROLL_RETRY_US);
}

static void on_response(void *ctx, const struct client_response *rsp)
{
	struct enroll *e = ctx;
	struct err_info ei = { 0 };
	enum err rc;

	e->under_way = false;
	if (rsp->rc || rsp->status >= 500 || rsp->status == 429) {
		again(e, rsp);
		return;
	}
	if (rsp->status >= 300)
		rc = refused(rsp, &ei);
	else
		rc = store(e, rsp, &ei);
	e->done(e->ctx, rc, &ei);
}

static enum err send(struct enroll *e, struct err_info *ei)
{
	char url[640], host[256] = "";
	struct client_request r = { .url = url, .max_response = 65536 };
	struct wire_enroll w = { .join_token = e->join,
				 .node_name = e->name,
				 .version = TGFLEET_VERSION,
				 .hostname = host };
	struct buf text;
	enum err rc;

	if (gethostname(host, sizeof(host) - 1))
		text_copy(host, sizeof(host), "unknown");
	if (!w.node_name)
		w.node_name = host;
	memcpy(w.public_key, e->node->public_key, sizeof(w.public_key));
	snprintf(url, sizeof(url), "%s/api/v1/workers/enroll", e->server);
	buf_init(&text, 65536);
	rc = wire_enroll_encode(&w, &text);
	if (!rc) {
		r.body = buf_head(&text);
		r.body_len = buf_len(&text);
		rc = client_start(e->http, &r, on_response, e, &e->request, ei);
	}
	buf_wipe(&text);
	return rc;
}

static void attempt(struct enroll *e)
{
	struct err_info ei = { 0 };
	enum err rc = send(e, &ei);

	e->under_way = !rc;
	if (rc)
		e->done(e->ctx, rc, &ei);
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	attempt(ctx);
}

void enroll_start(struct enroll *e)
{
	wheel_timer_init(&e->timer, on_timer, e);
	loop_arm(e->loop, &e->timer, 0);
}

void enroll_deinit(struct enroll *e)
{
	if (!e->loop)
		return;
	loop_cancel(e->loop, &e->timer);
	if (e->under_way)
		client_cancel(e->http, e->request);
	*e = (struct enroll){ 0 };
}
