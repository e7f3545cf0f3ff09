/* SPDX-License-Identifier: MIT */
/*
 * Trouble on command.  A fault waits in a short list until it fits: a user (or
 * anybody), a number of things let through first, how often it strikes.
 *
 *   lose       an update is not sent
 *   hold       a call is done, its answer lost with the connection
 *   swallow    the same, and the connection stays
 *   delay      one answer is late (without a method or phone: every packet)
 *   drop       the connection ends, at once or after so many packets
 *   duplicate  a packet is sent twice
 *   reorder    a packet is sent after the next one
 *   truncate   a packet lacks its last bytes
 *   corrupt    a byte of a packet is turned over
 *   error      instead of a packet comes a transport error (code: 404, 429)
 *   salt       a message is refused for its salt
 *   skew       our clock goes wrong by so many seconds
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"
#include "http/http_req.h"

#define BODY_MAX 65536
#define CUT 16 /* a block: what is left can still be decrypted */

static const char *const names[] = {
	[DC_FAULT_LOSE] = "lose",	    [DC_FAULT_HOLD] = "hold",
	[DC_FAULT_SWALLOW] = "swallow",	    [DC_FAULT_DELAY] = "delay",
	[DC_FAULT_DUPLICATE] = "duplicate", [DC_FAULT_REORDER] = "reorder",
	[DC_FAULT_TRUNCATE] = "truncate",   [DC_FAULT_CORRUPT] = "corrupt",
	[DC_FAULT_ERROR] = "error",	    [DC_FAULT_SALT] = "salt",
};

/* An answer that is late. */
struct late {
	struct wheel_timer timer;
	struct dc *dc;
	int64_t key_id;
	uint64_t session_id, req_id;
	size_t len;
	uint8_t body[];
};

static struct dc_fault *strike(struct dc *dc, enum dc_fault_kind from,
			       enum dc_fault_kind to, int64_t user_id,
			       const char *method)
{
	uint32_t i;

	for (i = 0; i < dc->n_faults; i++) {
		struct dc_fault *f = &dc->faults[i];

		if (f->kind < from || f->kind > to || !f->count ||
		    (f->user_id && f->user_id != user_id))
			continue;
		if (*f->method && (!method || strcmp(f->method, method) != 0))
			continue;
		if (f->after) {
			f->after--;
			continue;
		}
		f->count--;
		dc->counters.faults++;
		return f;
	}
	return NULL;
}

bool dc_faults_strike(struct dc *dc, enum dc_fault_kind kind, int64_t user_id)
{
	return dc->n_faults && strike(dc, kind, kind, user_id, NULL);
}

/* ---- answers */

static void on_late(struct wheel_timer *t, void *ctx)
{
	struct late *l = ctx;
	struct dc_key *k = dc_key_get(l->dc, (uint64_t)l->key_id);
	struct dc_sess *s = k ? k->sessions : NULL;

	(void)t;
	while (s && s->id != l->session_id)
		s = s->next;
	if (s && dc_session_answer(l->dc, s, l->req_id, l->body, l->len) &&
	    s->conn)
		dc_conn_drop(l->dc, s->conn);
	imap_remove(&l->dc->late, (int64_t)l->req_id);
	free(l);
}

static enum err answer_late(struct dc *dc, struct dc_sess *s, uint64_t req_id,
			    const struct buf *body, int64_t ms)
{
	struct late *l = calloc(1, sizeof(*l) + buf_len(body));
	enum err rc;

	if (!l)
		return ERR_NOMEM;
	rc = imap_put(&dc->late, (int64_t)req_id, l);
	if (rc) {
		free(l);
		return rc;
	}
	l->dc = dc;
	l->key_id = (int64_t)s->crypt->auth.id;
	l->session_id = s->id;
	l->req_id = req_id;
	l->len = buf_len(body);
	memcpy(l->body, buf_head(body), l->len);
	wheel_timer_init(&l->timer, on_late, l);
	loop_arm(dc->loop, &l->timer, ms * US_PER_MS);
	return ERR_OK;
}

enum err dc_faults_answer(struct dc_call *call, uint64_t req_id,
			  const struct buf *body, bool *ret_done)
{
	struct dc *dc = call->dc;
	const char *method = call->fn ? schema_name_text(call->fn->name) : NULL;
	struct dc_fault *f = strike(dc, DC_FAULT_HOLD, DC_FAULT_DELAY,
				    call->key->user_id, method);

	*ret_done = f != NULL;
	if (!f)
		return ERR_OK;
	if (f->kind == DC_FAULT_DELAY)
		return answer_late(dc, call->sess, req_id, body, f->value);
	if (f->kind == DC_FAULT_HOLD && call->sess->conn)
		dc_conn_drop(dc, call->sess->conn);
	return ERR_OK;
}

void dc_faults_end(struct dc *dc)
{
	struct late *l;
	uint32_t cursor = 0;

	while ((l = imap_next(&dc->late, &cursor))) {
		loop_cancel(dc->loop, &l->timer);
		free(l);
	}
	imap_deinit(&dc->late);
}

/* ---- packets */

enum dc_fault_kind dc_faults_packet(struct dc *dc, int64_t user_id,
				    struct buf *packet, int32_t *ret_code)
{
	struct dc_fault *f =
		strike(dc, DC_FAULT_DUPLICATE, DC_FAULT_ERROR, user_id, NULL);
	size_t len = buf_len(packet);

	if (!f)
		return DC_FAULT_NONE;
	*ret_code = -(int32_t)f->value;
	if (f->kind == DC_FAULT_TRUNCATE && len > CUT)
		packet->len -= CUT;
	if (f->kind == DC_FAULT_CORRUPT && len)
		buf_head(packet)[(size_t)f->value % len] ^= 1;
	return f->kind;
}

/* ---- the admin port */

enum err dc_faults_add(struct dc *dc, const struct dc_fault *f)
{
	if (dc->n_faults == DC_FAULTS_MAX) {
		uint32_t i;

		/* Those that struck as often as they should are done with. */
		for (i = 0; i < dc->n_faults && dc->faults[i].count; i++)
			;
		if (i == dc->n_faults)
			return ERR_CAPACITY;
		dc->faults[i] = dc->faults[--dc->n_faults];
	}
	dc->faults[dc->n_faults++] = *f;
	return ERR_OK;
}

static enum err add(struct dc *dc, const struct dc_fault *f, const char *name,
		    struct err_info *ei)
{
	struct dc_fault to = *f;
	size_t i;

	for (i = 1; i < ARRAY_LEN(names); i++) {
		if (!strcmp(names[i], name))
			break;
	}
	if (i == ARRAY_LEN(names))
		return err_set(ei, ERR_INVALID,
			       "kind: drop, skew, none, lose, hold, swallow, "
			       "delay, duplicate, reorder, truncate, corrupt, "
			       "error or salt is needed");
	to.kind = (enum dc_fault_kind)i;
	if (dc_faults_add(dc, &to))
		return err_set(ei, ERR_CAPACITY,
			       "too many faults: {\"kind\":\"none\"} ends all");
	return ERR_OK;
}

static void drop_now(struct dc *dc, int64_t user_id)
{
	struct dc_conn *c;
	uint32_t cursor = 0;

	while ((c = imap_next(&dc->conns, &cursor))) {
		if (user_id && (!c->sess || c->sess->key->user_id != user_id))
			continue;
		dc_conn_drop(dc, c);
	}
}

void dc_faults_drop(struct dc *dc, int64_t user_id, uint64_t after)
{
	if (!after) {
		drop_now(dc, user_id);
		return;
	}
	dc->drop_after = after;
	dc->drop_user = user_id;
}

static enum err apply(struct dc *dc, const char *kind, struct dc_fault *f,
		      struct err_info *ei)
{
	if (!strcmp(kind, "drop")) {
		dc_faults_drop(dc, f->user_id, f->after);
	} else if (!strcmp(kind, "delay") && !*f->method && !f->user_id) {
		dc->delay_us = f->value * US_PER_MS;
	} else if (!strcmp(kind, "skew")) {
		dc->skew_sec = f->value;
		dc->last_msg_id = 0;
	} else if (!strcmp(kind, "none")) {
		dc->delay_us = 0;
		dc->drop_after = 0;
		dc->skew_sec = 0;
		dc->n_faults = 0;
	} else {
		return add(dc, f, kind, ei);
	}
	return ERR_OK;
}

static enum err post_faults(struct http_req *req, void *ctx,
			    struct err_info *ei)
{
	struct dc *dc = ctx;
	int64_t after = 0, count = 1;
	struct dc_fault f = { 0 };
	struct world_user *u;
	const char *kind, *method = "";
	struct json body;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = json_need_str(body, "kind", 16, &kind, ei);
	if (!rc)
		rc = json_want_int(body, "after", 0, INT32_MAX, &after, ei);
	if (!rc)
		rc = json_want_int(body, "count", 0, INT32_MAX, &count, ei);
	if (!rc)
		rc = json_want_int(body, "delay_ms", 0, 60000, &f.value, ei);
	if (!rc)
		rc = json_want_int(body, "value", INT32_MIN, INT32_MAX,
				   &f.value, ei);
	if (!rc)
		rc = json_want_str(body, "method", DC_FAULT_METHOD_MAX, &method,
				   ei);
	if (!rc && !json_missing(json_get(body, "phone"))) {
		rc = dc_admin_user(dc, body, "phone", &u, ei);
		f.user_id = rc ? 0 : u->id;
	}
	if (rc)
		return rc;
	f.after = (uint64_t)after;
	f.count = (uint64_t)count;
	if (!text_copy(f.method, sizeof(f.method), method))
		return err_set(ei, ERR_INVALID, "method: too long");
	rc = apply(dc, kind, &f, ei);
	return rc ? rc : dc_admin_ok(req);
}

/* ---- from a scenario: fault KIND key=value ... */

static enum err read_word(struct dc *dc, struct dc_fault *f,
			  const struct dc_step_field *w, struct err_info *ei)
{
	const struct world_user *u;
	int64_t n = 0;

	if (!strcmp(w->name, "method"))
		return text_copy(f->method, sizeof(f->method), w->value)
			       ? ERR_OK
			       : err_set(ei, ERR_INVALID, "method: too long");
	if (!strcmp(w->name, "phone")) {
		u = world_user_by_phone(&dc->world, w->value);
		f->user_id = u ? u->id : 0;
		return u ? ERR_OK
			 : err_set(ei, ERR_NOTFOUND, "there is no user %s",
				   w->value);
	}
	if (text_i64(w->value, &n) || n < INT32_MIN || n > INT32_MAX)
		return err_set(ei, ERR_INVALID, "%s: not a number", w->name);
	if (!strcmp(w->name, "after"))
		f->after = (uint64_t)n;
	else if (!strcmp(w->name, "count"))
		f->count = (uint64_t)n;
	else
		f->value = n;
	return ERR_OK;
}

enum err dc_faults_words(struct dc *dc, const char *kind,
			 const struct dc_step_field *words, uint32_t n,
			 struct err_info *ei)
{
	struct dc_fault f = { .count = 1 };
	enum err rc = ERR_OK;
	uint32_t i;

	for (i = 0; i < n && !rc; i++)
		rc = read_word(dc, &f, &words[i], ei);
	return rc ? rc : apply(dc, kind, &f, ei);
}

enum err dc_faults_routes(struct dc *dc, struct err_info *ei)
{
	static const struct router_row rows[] = {
		{ "POST", "/faults", 0, 0, BODY_MAX, post_faults,
		  "Cause trouble" },
	};

	return router_add(&dc->router, rows, ARRAY_LEN(rows), ei);
}
