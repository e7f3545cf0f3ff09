/* SPDX-License-Identifier: MIT */
/* /group-ai/account-allocation: auto, summary, findings. */
#include <stdio.h>
#include <string.h>

#include "control/allocation.h"

/* Moves an answer shows; a dry run, which is for looking at them, shows more. */
#define MOVES_SHOWN 200
#define MOVES_SHOWN_DRY 100000
#define ROOM_MAX 1000000

/* --- auto --- */

struct auto_ask {
	struct allocation_ask plan;
	const char *strategy;
	bool dry_run;
};

static enum err read_auto(struct http_req *req, struct auto_ask *ask,
			  struct err_info *ei)
{
	static const char *const known[] = {
		"strategy",	     "dry_run",	   "max_accounts_per_server",
		"include_allocated", "reallocate", "move_running",
		"include_offline",   NULL
	};
	bool allocated = false, anew = false;
	struct json body;
	enum err rc;

	ask->strategy = "balanced";
	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_want_str(body, "strategy", WIRE_ID_MAX,
				   &ask->strategy, ei);
	if (!rc)
		rc = placement_parse(ask->strategy, &ask->plan.strategy, ei);
	if (!rc)
		rc = json_want_bool(body, "dry_run", &ask->dry_run, ei);
	if (!rc)
		rc = json_want_int(body, "max_accounts_per_server", 1, ROOM_MAX,
				   &ask->plan.max_per_node, ei);
	if (!rc)
		rc = json_want_bool(body, "include_allocated", &allocated, ei);
	if (!rc)
		rc = json_want_bool(body, "reallocate", &anew, ei);
	if (!rc)
		rc = json_want_bool(body, "move_running",
				    &ask->plan.move_running, ei);
	if (!rc)
		rc = json_want_bool(body, "include_offline",
				    &ask->plan.include_offline, ei);
	ask->plan.mode = anew	     ? ALLOCATE_ANEW
			 : allocated ? ALLOCATE_REBALANCE
				     : ALLOCATE_NEW;
	return rc;
}

static const char *node_name(const struct allocation *al, uint32_t node)
{
	return node == ALLOCATE_NOWHERE ? NULL : al->nodes[node].node_id;
}

/* The first `most` of those that change. */
static void write_moves(struct jsonw *w, const struct allocation *al,
			size_t most)
{
	size_t n = 0;

	jsonw_array(w, "moves");
	for (size_t i = 0; i < al->places.n && n < most; i++) {
		const struct allocate_account *a = &al->accounts[i];

		if (a->from == a->to)
			continue;
		n++;
		jsonw_object(w, NULL);
		jsonw_str(w, "account_id", al->places.items[i].account_id);
		jsonw_str_or_null(w, "from", node_name(al, a->from));
		jsonw_str_or_null(w, "server_id", node_name(al, a->to));
		jsonw_bool(w, "running", al->places.items[i].running);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_u64(w, "moves_not_shown", al->nchanged - n);
}

static void write_skipped(struct jsonw *w, const struct allocation *al)
{
	jsonw_array(w, "skipped_servers");
	for (size_t i = 0; i < al->loads.n; i++) {
		const char *why = allocation_closed(al, i);

		if (!why)
			continue;
		jsonw_object(w, NULL);
		jsonw_str(w, "server_id", al->nodes[i].node_id);
		jsonw_str(w, "reason", why);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void write_message(struct jsonw *w, const struct allocation *al,
			  bool dry_run)
{
	const struct allocate_plan *p = &al->plan;
	char text[240];

	snprintf(text, sizeof(text), "%zu accounts %s placed, %zu moved%s",
		 p->placed, dry_run ? "would be" : "were", p->moved,
		 p->homeless || p->left_over
			 ? "; there is no room for all: start a node, undrain "
			   "one, or raise max_accounts"
			 : "");
	jsonw_str(w, "message", text);
}

static void reply_auto(struct http_req *req, const struct allocation *al,
		       const struct auto_ask *ask)
{
	int64_t total = al->loads.unassigned;
	struct jsonw w;
	struct buf b;

	for (size_t i = 0; i < al->loads.n; i++)
		total += al->loads.items[i].accounts;
	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	write_message(&w, al, ask->dry_run);
	jsonw_str(&w, "strategy", ask->strategy);
	jsonw_bool(&w, "dry_run", ask->dry_run);
	jsonw_int(&w, "total", total);
	jsonw_u64(&w, "changed", al->nchanged);
	jsonw_u64(&w, "placed", al->plan.placed);
	jsonw_u64(&w, "moved", al->plan.moved);
	jsonw_int(&w, "unallocated", al->loads.unassigned);
	jsonw_u64(&w, "left_on_draining", al->plan.left_over);
	write_moves(&w, al, ask->dry_run ? MOVES_SHOWN_DRY : MOVES_SHOWN);
	write_skipped(&w, al);
	allocation_write_summary(&w, "summary", &al->loads);
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
}

/* Who asked for what, and who was moved from where. */
static enum err note_auto(struct http_req *req, const struct allocation *al,
			  const struct auto_ask *ask, struct err_info *ei)
{
	struct jsonw w;
	struct buf b;
	enum err rc;

	control_body_init(&b, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "strategy", ask->strategy);
	jsonw_bool(&w, "include_allocated", ask->plan.mode != ALLOCATE_NEW);
	jsonw_bool(&w, "reallocate", ask->plan.mode == ALLOCATE_ANEW);
	jsonw_bool(&w, "move_running", ask->plan.move_running);
	jsonw_u64(&w, "changed", al->nchanged);
	write_moves(&w, al, MOVES_SHOWN);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	if (!rc)
		rc = audit_note(al->c, req, "allocation.auto", NULL,
				buf_cstr(&b), ei);
	buf_deinit(&b);
	return rc;
}

static enum err run_auto(struct http_req *req, struct control *c,
			 const struct auto_ask *ask, struct arena *a,
			 struct err_info *ei)
{
	struct allocation al;
	enum err rc;

	rc = allocation_plan(&al, c, &ask->plan, a, ei);
	if (!rc && al.nchanged && !ask->dry_run) {
		rc = allocation_keep(&al, ei);
		if (!rc)
			rc = note_auto(req, &al, ask, ei);
	}
	if (!rc)
		reply_auto(req, &al, ask);
	return rc;
}

static enum err automatic(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct auto_ask ask = { 0 };
	struct arena a;
	enum err rc;

	rc = read_auto(req, &ask, ei);
	if (rc)
		return rc;
	arena_init(&a, ALLOCATION_ARENA_MAX);
	rc = run_auto(req, ctx, &ask, &a, ei);
	arena_deinit(&a);
	return rc;
}

/* --- summary --- */

static enum err summary(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct store_loads loads;
	struct jsonw w;
	struct arena a;
	struct buf b;
	enum err rc;

	arena_init(&a, ALLOCATION_ARENA_MAX);
	rc = c->store->ops->load_list(c->store, &a, &loads, ei);
	if (!rc) {
		control_body_init(&b, &w);
		allocation_write_summary(&w, NULL, &loads);
		control_reply(req, 200, &b, &w);
	}
	arena_deinit(&a);
	return rc;
}

/* --- findings --- */

static const struct finding_kind {
	const char *kind, *plural, *advice;
} kinds[] = {
	{ "duplicate", "duplicates",
	  "stop it on that node: it runs there without being given to it" },
	{ "orphan", "orphans",
	  "it is on its way: that node gives it back, or its lease ends" },
	{ "missing", "missing",
	  "it is wanted and runs nowhere: look at its last_error and its "
	  "node" },
	{ "foreign_report", "foreign_reports",
	  "that node reported it and was not believed" },
};

static void write_finding(struct jsonw *w, const struct store_finding *f,
			  const struct finding_kind *k)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "kind", f->kind);
	jsonw_str(w, "account_id", f->account_id);
	jsonw_str_or_null(w, "node_id", *f->node_id ? f->node_id : NULL);
	jsonw_str_or_null(w, "expected_node_id", f->expected);
	jsonw_str_or_null(w, "detail", f->detail);
	jsonw_str(w, "advice", k->advice);
	jsonw_time(w, "first_seen", f->first_seen);
	jsonw_time(w, "last_seen", f->last_seen);
	jsonw_int(w, "count", f->count);
	jsonw_object_end(w);
}

/* Those of the wanted kind; all are counted. */
static void write_findings(struct jsonw *w, const struct store_findings *list,
			   const char *only, size_t *counts, int64_t *total)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct store_finding *f = &list->items[i];

		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			if (strcmp(kinds[k].kind, f->kind) != 0)
				continue;
			counts[k]++;
			if (only && strcmp(only, f->kind) != 0)
				continue;
			(*total)++;
			write_finding(w, f, &kinds[k]);
		}
	}
}

static enum err read_kind(const struct http_req *req, const char **ret,
			  struct err_info *ei)
{
	const char *v = http_req_query(req, "kind");

	*ret = v && *v ? v : NULL;
	for (size_t i = 0; *ret && i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].kind, *ret) == 0)
			return ERR_OK;
	if (!*ret)
		return ERR_OK;
	return err_set(ei, ERR_INVALID,
		       "kind is duplicate, orphan, missing or foreign_report");
}

static enum err list_findings(struct http_req *req, struct control *c,
			      struct arena *a, struct err_info *ei)
{
	/* what a node says three times too late it does not say any more */
	const struct wall since = { control_wall(c).us - 3 * c->rules.beat_us };
	const struct store_ops *ops = c->store->ops;
	struct store_findings now, all;
	size_t counts[ARRAY_LEN(kinds)] = { 0 };
	const char *only;
	int64_t total = 0;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = read_kind(req, &only, ei);
	if (!rc)
		rc = ops->difference_list(c->store, since, a, &now, ei);
	if (!rc)
		rc = ops->finding_list(c->store, NULL, a, &all, ei);
	if (rc)
		return rc;
	control_list_init(&b, &w);
	write_findings(&w, &now, only, counts, &total);
	write_findings(&w, &all, only, counts, &total);
	jsonw_array_end(&w);
	jsonw_int(&w, "total", total);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		jsonw_u64(&w, kinds[i].plural, counts[i]);
	jsonw_object_end(&w);
	control_reply(req, 200, &b, &w);
	return ERR_OK;
}

static enum err findings(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct arena a;
	enum err rc;

	arena_init(&a, ALLOCATION_ARENA_MAX);
	rc = list_findings(req, ctx, &a, ei);
	arena_deinit(&a);
	return rc;
}

static const struct router_row rows[] = {
	{ "POST", API "/group-ai/account-allocation/auto", AUTH_WRITE, 0, 8192,
	  automatic, "Give accounts to nodes, by a strategy" },
	{ "GET", API "/group-ai/account-allocation/summary", AUTH_READ, 0, 0,
	  summary, "How many accounts each node has, and may have" },
	{ "GET", API "/group-ai/account-allocation/findings", AUTH_READ, 0, 0,
	  findings, "Where what runs differs from what is wanted" },
};

API_TABLE(api_allocation_table);
