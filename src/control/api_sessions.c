/* SPDX-License-Identifier: MIT */
/* /group-ai/sessions for people, /group-ai/node/sessions for nodes. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "control/control_int.h"
#include "control/routes.h"
#include "crypto/sealbox.h"

#define DOC_MAX (64U << 20)

static void write_session(struct jsonw *w, const struct store_session *s)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "account_id", s->account_id);
	jsonw_int(w, "version", s->version);
	jsonw_str(w, "flavour", s->flavour);
	jsonw_int(w, "dc_id", s->dc_id);
	jsonw_int(w, "user_id", s->user_id);
	control_write_hash(w, "fingerprint", &s->fingerprint);
	jsonw_str_or_null(w, "filename", s->filename);
	jsonw_time(w, "created_at", s->created);
	jsonw_time(w, "quarantined_at", s->quarantined);
	jsonw_object_end(w);
}

static enum err list(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	const char *quarantined = http_req_query(req, "quarantined");
	struct store_session_query q = {
		.account_id = http_req_query(req, "account_id"),
		.quarantined = quarantined && !strcmp(quarantined, "true")
				       ? STORE_YES
				       : STORE_NO,
	};
	struct store_sessions sessions;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = control_page(req, &q.offset, &q.limit, ei);
	if (!rc)
		rc = c->store->ops->session_list(
			c->store, &q, http_req_arena(req), &sessions, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	for (size_t i = 0; i < sessions.n; i++)
		write_session(&w, &sessions.items[i]);
	return control_list_reply(req, sessions.total, &b, &w);
}

/* --- delivery: opened here, sealed to the node at once --- */

static enum err open_record(struct control *c, struct arena *a,
			    const struct store_grant *g, struct buf *ret,
			    struct err_info *ei)
{
	struct store_session row;
	struct vault_record rec;
	enum err rc;

	rc = c->store->ops->session_get(c->store, g->account_id,
					g->session_version, a, &row, ei);
	if (rc)
		return rc;
	if (row.quarantined.us || !row.sealed || !row.wrapped_key)
		return err_set(ei, ERR_SESSION_MISSING,
			       "this session is not in use any more");
	rec = (struct vault_record){
		.account_id = row.account_id,
		.version = row.version,
		.sealed = row.sealed,
		.sealed_len = row.sealed_len,
		.wrapped_key = row.wrapped_key,
		.wrapped_key_len = row.wrapped_key_len,
	};
	return vault_open(&c->vault, &rec, ret, ei);
}

static enum err reply_sealed(struct http_req *req, const uint8_t *public_key,
			     const struct buf *doc)
{
	size_t len = buf_len(doc) + SEALBOX_OVERHEAD;
	uint8_t *box = malloc(len);
	enum err rc;

	if (!box)
		return ERR_NOMEM;
	rc = sealbox_seal(public_key, buf_head(doc), buf_len(doc), box);
	if (!rc) {
		http_reply_header(req, "Cache-Control", "no-store");
		http_reply(req, 200, "application/octet-stream", box, len);
	}
	free(box);
	return rc;
}

static enum err use_grant(struct control *c, struct http_req *req,
			  const struct principal *p, struct store_grant *g,
			  struct buf *doc, struct err_info *ei)
{
	const struct store_hash hash =
		control_hash(http_req_param(req, "grant"));
	struct store *st = c->store;
	enum err rc;

	rc = st->ops->grant_consume(st, &hash, p->node.node_id, control_wall(c),
				    http_req_arena(req), g, ei);
	if (rc == ERR_UNAUTHORIZED)
		rc = err_set(ei, ERR_FORBIDDEN,
			     "this address was used, is over, or is not this "
			     "node's: beat again for a new one");
	if (!rc)
		rc = open_record(c, http_req_arena(req), g, doc, ei);
	if (!rc)
		rc = routes_join(c, http_req_arena(req), g->account_id, doc,
				 ei);
	if (!rc)
		rc = audit_note(c, req, "session.deliver", g->account_id, NULL,
				ei);
	return rc;
}

static enum err deliver(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct principal *p = control_caller(req);
	struct control *c = ctx;
	struct store_grant g;
	struct buf doc;
	enum err rc;

	if (!p->node.has_public_key)
		return err_set(ei, ERR_FORBIDDEN,
			       "node %s has no key a session could be sealed "
			       "to",
			       p->node.node_id);
	buf_init(&doc, DOC_MAX);
	rc = use_grant(c, req, p, &g, &doc, ei);
	if (!rc)
		rc = reply_sealed(req, p->node.public_key, &doc);
	buf_wipe(&doc);
	return rc;
}

static const struct router_row rows[] = {
	{ "GET", API "/group-ai/sessions", AUTH_READ, 0, 0, list,
	  "List stored sessions, never their keys" },
	{ "GET", API "/group-ai/node/sessions/{grant}", AUTH_NODE, CHANGE_GET,
	  0, deliver, "One use: the session, sealed to the node's key" },
};

API_TABLE(api_sessions_table);
