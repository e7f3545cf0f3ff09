/* SPDX-License-Identifier: MIT */
/*
 * A scenario being played.  Steps that do something run from the loop, at the
 * end of a turn; steps that wait are looked at by what they wait for: a call, a
 * connection, a timer.  What fits no step is answered as always.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "dc/dc_int.h"
#include "dc/dc_script.h"
#include "http/http_req.h"

#define POLL_US (10 * US_PER_MS)
#define TIMEOUT_US (30 * US_PER_SEC)
#define WHY_MAX 255

enum play_state { PLAY_RUNNING, PLAY_DONE, PLAY_FAILED };

struct dc_play {
	struct dc *dc;
	struct dc_script script;
	uint32_t at;
	enum play_state state;
	int64_t timeout_us, accepted;
	struct mono since; /* of the step that waits */
	struct wheel_timer timer;
	struct loop_call go;
	char why[WHY_MAX + 1];
};

static const char *const states[] = { "running", "done", "failed" };

static const struct dc_step *step_of(const struct dc_play *p)
{
	return &p->script.steps[p->at];
}

static void fail(struct dc_play *p, const struct dc_step *st, const char *fmt,
		 ...) PRINTF_FMT(3, 4);
static void fail(struct dc_play *p, const struct dc_step *st, const char *fmt,
		 ...)
{
	va_list ap;
	int n = snprintf(p->why, sizeof(p->why), "line %u: ", st->line);

	va_start(ap, fmt);
	vsnprintf(p->why + n, sizeof(p->why) - (size_t)n, fmt, ap);
	va_end(ap);
	p->state = PLAY_FAILED;
	loop_cancel(p->dc->loop, &p->timer);
	log_warn(LOGEV_DC, log_str("what", "the scenario failed"),
		 log_str("why", p->why));
}

/* ---- steps that do something */

static struct world_user *person(struct dc_play *p, const struct dc_step *st,
				 const char *phone)
{
	struct world_user *u = world_user_by_phone(&p->dc->world, phone);

	if (!u)
		fail(p, st, "there is no user %s", phone);
	return u;
}

static void do_user(struct dc_play *p, const struct dc_step *st)
{
	struct world_new_user n = { .phone = st->who, .first = st->text };
	struct world_user *u;

	if (world_user_by_phone(&p->dc->world, st->who))
		return;
	n.home_dc = dc_auth_home(p->dc, st->who);
	if (world_add_user(&p->dc->world, &n, &u))
		fail(p, st, "cannot make user %s", st->who);
}

static void do_say(struct dc_play *p, const struct dc_step *st)
{
	const struct world_user *from = person(p, st, st->who);
	const struct world_user *to = from ? person(p, st, st->whom) : NULL;
	struct world_new_msg n = { .kind = WORLD_TEXT,
				   .text = st->text,
				   .text_len = strlen(st->text),
				   .date = dc_now(p->dc) };
	struct world_msg *m;
	bool again;
	int64_t i;

	if (!to)
		return;
	n.from = from->id;
	n.peer = to->id;
	for (i = 0; i < st->n; i++) {
		if (world_send(&p->dc->world, &n, &m, &again)) {
			fail(p, st, "cannot say it");
			return;
		}
	}
}

static void do_drop(struct dc_play *p, const struct dc_step *st)
{
	const struct world_user *u = NULL;

	if (st->who) {
		u = person(p, st, st->who);
		if (!u)
			return;
	}
	dc_faults_drop(p->dc, u ? u->id : 0, (uint64_t)st->n);
}

static void do_fault(struct dc_play *p, const struct dc_step *st)
{
	struct err_info ei = { 0 };

	if (dc_faults_words(p->dc, st->text, st->fields, st->n_fields, &ei))
		fail(p, st, "%s", ei.msg);
}

static void do_state(struct dc_play *p, const struct dc_step *st)
{
	struct world_user *u = person(p, st, st->who);
	struct err_info ei = { 0 };

	if (u && dc_rules_set_state(p->dc, u, st->text, &ei))
		fail(p, st, "%s", ei.msg);
}

static void do_revoke(struct dc_play *p, const struct dc_step *st)
{
	const struct world_user *u = person(p, st, st->who);

	if (u && !dc_key_revoke_all(p->dc, u->id))
		fail(p, st, "%s has no session", st->who);
}

static void do_check(struct dc_play *p, const struct dc_step *st)
{
	uint64_t n = 0, want = (uint64_t)st->n;
	bool good[6];

	if (!dc_admin_counter(p->dc, st->text, &n)) {
		fail(p, st, "there is no counter %s", st->text);
		return;
	}
	good[DC_OP_EQ] = n == want;
	good[DC_OP_NE] = n != want;
	good[DC_OP_LT] = n < want;
	good[DC_OP_LE] = n <= want;
	good[DC_OP_GT] = n > want;
	good[DC_OP_GE] = n >= want;
	if (!good[st->op])
		fail(p, st, "%s is %llu", st->text, (unsigned long long)n);
}

/* false: the step waits. */
static bool run_step(struct dc_play *p, const struct dc_step *st)
{
	switch (st->kind) {
	case DC_STEP_TITLE:
	case DC_STEP_CLIENT:
		return true;
	case DC_STEP_USER:
		do_user(p, st);
		return true;
	case DC_STEP_TIMEOUT:
		p->timeout_us = st->n;
		return true;
	case DC_STEP_SAY:
		do_say(p, st);
		return true;
	case DC_STEP_DROP:
		do_drop(p, st);
		return true;
	case DC_STEP_FAULT:
		do_fault(p, st);
		return true;
	case DC_STEP_STATE:
		do_state(p, st);
		return true;
	case DC_STEP_REVOKE:
		do_revoke(p, st);
		return true;
	case DC_STEP_CHECK:
		do_check(p, st);
		return true;
	default:
		return false;
	}
}

/* ---- steps that wait */

static bool is_online(const struct dc_play *p, const struct dc_step *st)
{
	const struct world_user *u =
		world_user_by_phone(&p->dc->world, st->who);
	const struct dc_account *a =
		u ? imap_get(&p->dc->accounts, u->id) : NULL;
	const struct dc_sess *s;

	for (s = a ? a->online : NULL; s; s = s->next_online) {
		if (s->conn)
			return true;
	}
	return false;
}

/* Has the step got what it waits for, and need not a call for that? */
static bool satisfied(const struct dc_play *p, const struct dc_step *st,
		      int64_t waited_us)
{
	switch (st->kind) {
	case DC_STEP_WAIT:
	case DC_STEP_NEVER:
		return waited_us >= st->n;
	case DC_STEP_ACCEPT:
		return p->accepted >= st->n;
	case DC_STEP_ONLINE:
		return is_online(p, st);
	case DC_STEP_OFFLINE:
		return !is_online(p, st);
	default:
		return false;
	}
}

static const char *waited_for(const struct dc_step *st)
{
	switch (st->kind) {
	case DC_STEP_ACCEPT:
		return "a connection";
	case DC_STEP_ONLINE:
	case DC_STEP_OFFLINE:
		return st->who;
	default:
		return schema_name_text(st->method);
	}
}

static void begin_step(struct dc_play *p)
{
	p->since = loop_now(p->dc->loop);
	p->accepted = 0;
}

static void leave_step(struct dc_play *p)
{
	p->at++;
	begin_step(p);
	loop_defer(p->dc->loop, &p->go);
}

static void advance(void *ctx)
{
	struct dc_play *p = ctx;

	while (p->state == PLAY_RUNNING && p->at < p->script.n) {
		const struct dc_step *st = step_of(p);
		int64_t waited = mono_diff(loop_now(p->dc->loop), p->since);

		if (run_step(p, st) || satisfied(p, st, waited)) {
			p->at++;
			begin_step(p);
			continue;
		}
		if (waited >= p->timeout_us && st->kind != DC_STEP_WAIT &&
		    st->kind != DC_STEP_NEVER) {
			fail(p, st, "waited in vain for %s", waited_for(st));
			return;
		}
		loop_arm(p->dc->loop, &p->timer, POLL_US);
		return;
	}
	if (p->state == PLAY_RUNNING)
		p->state = PLAY_DONE;
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	(void)t;
	advance(ctx);
}

void dc_play_accepted(struct dc *dc)
{
	if (dc->play)
		dc->play->accepted++;
}

/* ---- calls */

static bool field_is(const struct dyn *fn, const struct dc_step_field *f)
{
	char text[24];
	uint32_t i;

	for (i = 0; i < fn->n; i++) {
		const struct dyn_val *v = &fn->fields[i].val;
		struct tl_bytes b = v->kind == DYN_BYTES
					    ? v->bytes
					    : (struct tl_bytes){ 0 };

		if (strcmp(schema_field_text(fn->fields[i].name), f->name) != 0)
			continue;
		if (v->kind == DYN_INT)
			snprintf(text, sizeof(text), "%lld", (long long)v->i);
		else if (v->kind == DYN_BOOL)
			snprintf(text, sizeof(text), "%s",
				 v->b ? "true" : "false");
		else if (v->kind == DYN_OBJ)
			return v->obj && !strcmp(schema_name_text(v->obj->name),
						 f->value);
		else
			return b.len == strlen(f->value) &&
			       (!b.len || !memcmp(b.data, f->value, b.len));
		return !strcmp(text, f->value);
	}
	return false;
}

static bool fits(const struct dc_call *call, const struct dc_step *st)
{
	uint32_t i;

	if (call->fn->name != st->method)
		return false;
	for (i = 0; i < st->n_fields; i++) {
		if (!field_is(call->fn, &st->fields[i]))
			return false;
	}
	return true;
}

/* Done as always, and then something happens to the answer. */
static enum err after(struct dc_call *call, enum dc_fault_kind kind,
		      int64_t value)
{
	struct dc_fault f = { .kind = kind,
			      .user_id = call->key->user_id,
			      .count = 1,
			      .value = value };

	(void)text_copy(f.method, sizeof(f.method),
			schema_name_text(call->fn->name));
	return dc_faults_add(call->dc, &f)
		       ? dc_call_fail(call, 500, "SCENARIO_FAILED")
		       : ERR_OK;
}

static enum err react(struct dc_call *call, const struct dc_step *st)
{
	switch (st->reaction) {
	case DC_REACT_ERROR:
		call->dc->counters.floods += st->value == 420;
		return dc_call_fail(call, (int)st->value, "%s", st->error);
	case DC_REACT_HOLD:
		return after(call, DC_FAULT_HOLD, 0);
	case DC_REACT_SWALLOW:
		return after(call, DC_FAULT_SWALLOW, 0);
	case DC_REACT_LATE:
		return after(call, DC_FAULT_DELAY, st->value / US_PER_MS);
	case DC_REACT_DROP:
		dc_conn_drop(call->dc, call->conn);
		call->later = true;
		return ERR_OK;
	case DC_REACT_IGNORE:
		call->later = true;
		return ERR_OK;
	default:
		return ERR_OK;
	}
}

enum err dc_play_call(struct dc_call *call)
{
	struct dc_play *p = call->dc->play;
	const struct dc_step *st;

	if (!p || p->state != PLAY_RUNNING || p->at >= p->script.n)
		return ERR_OK;
	st = step_of(p);
	if (st->kind == DC_STEP_NEVER && fits(call, st)) {
		fail(p, st, "%s came after %lld ms",
		     schema_name_text(st->method),
		     (long long)(mono_diff(loop_now(p->dc->loop), p->since) /
				 US_PER_MS));
	} else if (st->kind == DC_STEP_NEXT && !fits(call, st)) {
		fail(p, st, "expected %s, not %s", schema_name_text(st->method),
		     schema_name_text(call->fn->name));
	} else if ((st->kind == DC_STEP_EXPECT || st->kind == DC_STEP_NEXT) &&
		   fits(call, st)) {
		enum err rc = react(call, st);

		leave_step(p);
		return rc;
	}
	return ERR_OK;
}

/* ---- from a file, or by the admin port */

void dc_play_look(const struct dc *dc, char *state, size_t state_size,
		  char *why, size_t why_size)
{
	const struct dc_play *p = dc->play;

	snprintf(state, state_size, "%s", p ? states[p->state] : "none");
	snprintf(why, why_size, "%s", p ? p->why : "");
}

void dc_play_end(struct dc *dc)
{
	struct dc_play *p = dc->play;

	if (!p)
		return;
	loop_cancel(dc->loop, &p->timer);
	loop_undefer(dc->loop, &p->go);
	dc_script_deinit(&p->script);
	free(p);
	dc->play = NULL;
}

enum err dc_play_start(struct dc *dc, const char *text, size_t len,
		       struct err_info *ei)
{
	struct dc_script script;
	struct dc_play *p;
	enum err rc = dc_script_parse(&script, text, len, ei);

	if (rc)
		return rc;
	p = calloc(1, sizeof(*p));
	if (!p) {
		dc_script_deinit(&script);
		return err_set(ei, ERR_NOMEM, "scenario");
	}
	dc_play_end(dc);
	p->dc = dc;
	p->script = script;
	p->timeout_us = TIMEOUT_US;
	wheel_timer_init(&p->timer, on_timer, p);
	p->go = (struct loop_call){ .fn = advance, .ctx = p };
	begin_step(p);
	dc->play = p;
	loop_defer(dc->loop, &p->go);
	return ERR_OK;
}

enum err dc_play_file(struct dc *dc, const char *path, struct err_info *ei)
{
	struct buf text;
	enum err rc;

	buf_init(&text, DC_SCRIPT_BYTES_MAX + 1);
	rc = files_read(path, &text, ei);
	if (!rc)
		rc = dc_play_start(dc, (const char *)buf_head(&text),
				   buf_len(&text), ei);
	buf_deinit(&text);
	return rc ? err_wrap(ei, rc, "scenario %s", path) : ERR_OK;
}

static enum err get_scenario(struct http_req *req, void *ctx,
			     struct err_info *ei)
{
	struct dc *dc = ctx;
	const struct dc_play *p = dc->play;
	struct jsonw w;
	struct buf out;

	(void)ei;
	dc_admin_begin(&w, &out);
	jsonw_str(&w, "state", p ? states[p->state] : "none");
	if (p) {
		jsonw_str(&w, "title", p->script.title);
		jsonw_int(&w, "steps", p->script.n);
		jsonw_int(&w, "done", p->at);
		jsonw_int(&w, "line",
			  p->at < p->script.n ? step_of(p)->line : 0);
		jsonw_str(&w, "why", p->why);
	}
	return dc_admin_end(req, &w, &out);
}

static enum err post_scenario(struct http_req *req, void *ctx,
			      struct err_info *ei)
{
	const char *text;
	struct json body;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = json_need_str(body, "text", DC_SCRIPT_BYTES_MAX, &text,
				   ei);
	if (!rc)
		rc = dc_play_start(ctx, text, strlen(text), ei);
	return rc ? rc : dc_admin_ok(req);
}

enum err dc_play_routes(struct dc *dc, struct err_info *ei)
{
	static const struct router_row rows[] = {
		{ "GET", "/scenario", 0, 0, 0, get_scenario,
		  "How far the scenario is" },
		{ "POST", "/scenario", 0, 0, 2 * DC_SCRIPT_BYTES_MAX,
		  post_scenario, "Play a scenario from its beginning" },
	};

	return router_add(&dc->router, rows, ARRAY_LEN(rows), ei);
}
