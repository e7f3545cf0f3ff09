/* SPDX-License-Identifier: MIT */
/*
 * What did this account do?  The last calls of each, with what came of them.
 *
 *   memory    grows from nothing to DC_CALLS_MAX entries an account
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"
#include "http/http_req.h"

#define FIRST 8U

static int64_t peer_of(const struct dc_call *call)
{
	static const uint16_t fields[] = { TLF_to_peer, TLF_peer, TLF_channel };
	const struct dyn *d = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields) && !d; i++)
		d = dyn_obj(call->fn, fields[i]);
	if (!d)
		return -dyn_int(call->fn, TLF_chat_id, 0);
	if (dyn_is(d, TLN_inputPeerSelf))
		return call->user->id;
	if (dyn_has(d, TLF_channel_id))
		return world_channel_mark(dyn_int(d, TLF_channel_id, 0));
	if (dyn_has(d, TLF_chat_id))
		return -dyn_int(d, TLF_chat_id, 0);
	return dyn_int(d, TLF_user_id, 0);
}

static bool grow(struct dc_account *a)
{
	uint32_t cap = a->log_cap ? a->log_cap * 2 : FIRST;
	struct dc_logged *more;

	if (a->n_logged < a->log_cap || a->log_cap == DC_CALLS_MAX)
		return a->log_cap != 0;
	more = realloc(a->log, cap * sizeof(*more));
	if (!more)
		return a->log_cap != 0;
	a->log = more;
	a->log_cap = cap;
	return true;
}

void dc_calls_note(struct dc_call *call, enum err rc)
{
	struct dc_account *a =
		call->user ? dc_key_account(call->dc, call->user->id) : NULL;
	struct dc_logged *l;

	if (!a || !grow(a))
		return;
	l = &a->log[a->n_logged++ % a->log_cap];
	*l = (struct dc_logged){ .at_us = dc_wall(call->dc).us,
				 .peer = peer_of(call),
				 .method = call->fn->name };
	if (rc == ERR_RPC) {
		l->code = (int16_t)call->error_code;
		(void)text_copy(l->error, sizeof(l->error), call->error);
	} else if (rc) {
		l->code = 500;
	}
}

void dc_calls_clear(struct dc_account *a)
{
	free(a->log);
	a->log = NULL;
	a->log_cap = 0;
}

/* ---- the admin port: GET /accounts/calls?phone=...&after=... */

static void put_call(struct jsonw *w, const struct dc_logged *l, uint64_t n)
{
	jsonw_object(w, NULL);
	jsonw_u64(w, "n", n);
	jsonw_int(w, "at_ms", l->at_us / US_PER_MS);
	jsonw_str(w, "method", schema_name_text(l->method));
	jsonw_int(w, "peer", l->peer);
	if (l->code) {
		jsonw_int(w, "code", l->code);
		jsonw_str(w, "error", l->error);
	}
	jsonw_object_end(w);
}

static enum err get_calls(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct dc *dc = ctx;
	const char *phone = http_req_query(req, "phone");
	int64_t id = 0, after = 0;
	const struct world_user *u;
	const struct dc_account *a;
	uint64_t n, first;
	struct jsonw w;
	struct buf out;
	enum err rc;

	rc = http_req_query_int(req, "user_id", 1, INT64_MAX, &id, ei);
	if (!rc)
		rc = http_req_query_int(req, "after", 0, INT64_MAX, &after, ei);
	if (rc)
		return rc;
	u = phone ? world_user_by_phone(&dc->world, phone)
		  : world_user(&dc->world, id);
	if (!u)
		return err_set(ei, ERR_NOTFOUND,
			       "phone or user_id: no such user");
	a = imap_get(&dc->accounts, u->id);
	first = a && a->n_logged > a->log_cap ? a->n_logged - a->log_cap : 0;
	dc_admin_begin(&w, &out);
	jsonw_u64(&w, "calls_ever", a ? a->n_logged : 0);
	jsonw_u64(&w, "forgotten", first);
	jsonw_array(&w, "calls");
	for (n = first; a && n < a->n_logged; n++) {
		if (n >= (uint64_t)after)
			put_call(&w, &a->log[n % a->log_cap], n + 1);
	}
	jsonw_array_end(&w);
	return dc_admin_end(req, &w, &out);
}

enum err dc_calls_routes(struct dc *dc, struct err_info *ei)
{
	static const struct router_row rows[] = {
		{ "GET", "/accounts/calls", 0, 0, 0, get_calls,
		  "The last calls of an account, and their errors" },
	};

	return router_add(&dc->router, rows, ARRAY_LEN(rows), ei);
}
