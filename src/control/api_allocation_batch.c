/* SPDX-License-Identifier: MIT */
/*
 * POST /group-ai/account-allocation/batch: named accounts to named nodes, all or
 * none.  What cannot be is refused one by one, so that one answer tells all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/allocation.h"
#include "control/nodes.h"

#define BATCH_MAX 10000
#define REFUSED_SHOWN 500
#define MOVES_SHOWN 200

struct batch_item {
	const char *account_id;
	const char *server_id; /* NULL: on none */
	const struct store_place *place;
	uint32_t from, to;
	bool refused;
};

struct batch {
	struct control *c;
	struct arena *arena;
	struct batch_item *items;
	size_t n;
	bool move_running, dry_run;
	struct strmap seen; /* account id -> its item */
	struct store_loads loads;
	/* what is refused */
	struct buf refused;
	struct jsonw w;
	size_t nrefused;
	enum err first;
	struct err_info first_ei;
	size_t nchanged;
};

/* --- the request --- */

static enum err read_item(struct json v, size_t i, struct arena *a,
			  struct batch_item *ret, struct err_info *ei)
{
	const char *id;
	enum err rc;

	rc = json_need_str(v, "account_id", WIRE_ID_MAX, &id, ei);
	if (!rc)
		rc = control_account_id(id, a, &ret->account_id, ei);
	if (!rc)
		rc = json_want_str(v, "server_id", WIRE_ID_MAX, &ret->server_id,
				   ei);
	if (!rc && !ret->server_id)
		rc = json_want_str(v, "node_id", WIRE_ID_MAX, &ret->server_id,
				   ei);
	if (!rc && !ret->server_id && json_missing(json_get(v, "server_id")) &&
	    json_missing(json_get(v, "node_id")))
		rc = err_set(ei, ERR_INVALID, "\"server_id\" is needed");
	return rc ? err_wrap(ei, rc, "allocations[%zu]", i) : ERR_OK;
}

static enum err read_batch(struct http_req *req, struct batch *b,
			   struct err_info *ei)
{
	static const char *const known[] = { "allocations", "move_running",
					     "dry_run", NULL };
	struct json body, list;
	enum err rc;

	rc = control_body(req, known, &body, ei);
	if (!rc)
		rc = json_want_bool(body, "move_running", &b->move_running, ei);
	if (!rc)
		rc = json_want_bool(body, "dry_run", &b->dry_run, ei);
	if (rc)
		return rc;
	list = json_get(body, "allocations");
	if (!json_is_array(list) || json_len(list) == 0)
		return err_set(ei, ERR_INVALID,
			       "\"allocations\" is a list of {account_id, "
			       "server_id}");
	if (json_len(list) > BATCH_MAX)
		return err_set(ei, ERR_TOOBIG,
			       "%zu allocations, at most %d in one call",
			       json_len(list), BATCH_MAX);
	b->items = arena_array(b->arena, json_len(list), sizeof(*b->items));
	if (!b->items)
		return ERR_NOMEM;
	for (struct json_iter it = json_iter(list); !rc && json_next(&it);) {
		rc = read_item(it.val, b->n, b->arena, &b->items[b->n], ei);
		b->n++;
	}
	return rc;
}

/* --- what there is --- */

static enum err list_ids(const struct batch *b, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	for (size_t i = 0; i < b->n; i++)
		jsonw_int(&w, b->items[i].account_id, 1);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

static enum err read_places(struct batch *b, const char *ids,
			    struct err_info *ei)
{
	const struct store_place_query q = { .accounts = ids,
					     .limit = BATCH_MAX };
	struct store *st = b->c->store;
	struct store_places list;
	struct strmap map;
	enum err rc;

	rc = st->ops->place_list(st, &q, b->arena, &list, ei);
	if (rc)
		return rc;
	strmap_init(&map, BATCH_MAX);
	for (size_t i = 0; !rc && i < list.n; i++)
		rc = strmap_set(&map, list.items[i].account_id, &list.items[i]);
	for (size_t i = 0; i < b->n; i++)
		b->items[i].place = strmap_get(&map, b->items[i].account_id);
	strmap_deinit(&map);
	return rc;
}

static enum err read_fleet(struct batch *b, struct err_info *ei)
{
	struct store *st = b->c->store;
	const char *text;
	struct buf ids;
	enum err rc;

	buf_init(&ids, 2 * CONTROL_BODY_MAX);
	rc = list_ids(b, &ids);
	text = rc ? NULL : buf_cstr(&ids);
	if (!rc)
		rc = text ? read_places(b, text, ei) : ERR_NOMEM;
	buf_deinit(&ids);
	if (!rc)
		rc = st->ops->load_list(st, b->arena, &b->loads, ei);
	return rc;
}

/* --- refusals --- */

static void refuse(struct batch *b, struct batch_item *it, enum err rc,
		   const struct err_info *ei)
{
	if (b->nrefused++ == 0) {
		b->first = rc;
		b->first_ei = *ei;
	}
	it->refused = true;
	if (b->nrefused > REFUSED_SHOWN)
		return;
	jsonw_object(&b->w, NULL);
	jsonw_str(&b->w, "account_id", it->account_id);
	jsonw_str_or_null(&b->w, "server_id", it->server_id);
	jsonw_str(&b->w, "code", err_code(rc));
	jsonw_str(&b->w, "message", ei->msg);
	jsonw_object_end(&b->w);
}

/* What can be said of it alone. */
static enum err check_item(const struct batch *b, const struct batch_item *it,
			   struct err_info *ei)
{
	const struct store_place *p = it->place;

	if (!p)
		return err_set(ei, ERR_NOTFOUND, "no account %s",
			       it->account_id);
	if (it->server_id && it->to == ALLOCATE_NOWHERE)
		return err_set(ei, ERR_NOTFOUND, "no server %s", it->server_id);
	if (strmap_get(&b->seen, it->account_id))
		return err_set(ei, ERR_INVALID, "account %s is given twice",
			       it->account_id);
	if (it->from == it->to)
		return ERR_OK;
	if (p->pinned_node && it->server_id &&
	    strcmp(p->pinned_node, it->server_id) != 0)
		return err_set(ei, ERR_CONFLICT,
			       "account %s is pinned to %s: unpin it first",
			       it->account_id, p->pinned_node);
	if (p->running && !b->move_running)
		return err_set(ei, ERR_CONFLICT,
			       "account %s is running: stop it first, or say "
			       "\"move_running\": true",
			       it->account_id);
	return ERR_OK;
}

static enum err check_items(struct batch *b)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; !rc && i < b->n; i++) {
		struct batch_item *it = &b->items[i];
		struct err_info ei = { 0 };
		enum err why;

		it->to = allocation_node(&b->loads, it->server_id);
		it->from = allocation_node(
			&b->loads, it->place ? it->place->node_id : NULL);
		why = check_item(b, it, &ei);
		if (why)
			refuse(b, it, why, &ei);
		else
			rc = strmap_set(&b->seen, it->account_id, it);
	}
	return rc;
}

/* First all leave, then they come as they were named, until a node is full. */
static void check_room(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct batch_item *it = &b->items[i];

		if (it->refused || it->from == it->to)
			continue;
		b->nchanged++;
		if (it->from == ALLOCATE_NOWHERE)
			b->loads.unassigned--;
		else
			b->loads.items[it->from].accounts--;
		if (it->to == ALLOCATE_NOWHERE)
			b->loads.unassigned++;
	}
	for (size_t i = 0; i < b->n; i++) {
		struct batch_item *it = &b->items[i];
		struct err_info ei = { 0 };
		struct store_load *l;

		if (it->refused || it->from == it->to ||
		    it->to == ALLOCATE_NOWHERE)
			continue;
		l = &b->loads.items[it->to];
		if (l->accounts < l->max_accounts) {
			l->accounts++;
			continue;
		}
		refuse(b, it,
		       err_set(&ei, ERR_CAPACITY,
			       "server %s holds %lld of %lld accounts",
			       l->node_id, (long long)l->accounts,
			       (long long)l->max_accounts),
		       &ei);
	}
}

/* --- doing it --- */

static enum err keep(struct batch *b, struct http_req *req, struct err_info *ei)
{
	struct store *st = b->c->store;
	struct store_assign *list;
	size_t n = 0;
	enum err rc;

	list = arena_array(b->arena, b->n, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < b->n; i++) {
		const struct batch_item *it = &b->items[i];

		if (it->from == it->to)
			continue;
		list[n++] =
			(struct store_assign){ it->account_id, it->server_id };
		if (it->from != ALLOCATE_NOWHERE)
			nodes_poke(b->c, it->place->node_id);
		if (it->to != ALLOCATE_NOWHERE)
			nodes_poke(b->c, it->server_id);
	}
	rc = st->ops->assign(st, list, n, control_wall(b->c), ei);
	return rc ? rc
		  : audit_note(b->c, req, "allocation.batch", NULL,
			       control_body_text(req), ei);
}

static void reply(struct http_req *req, const struct batch *b)
{
	size_t shown = b->n < MOVES_SHOWN ? b->n : MOVES_SHOWN;
	struct jsonw w;
	struct buf out;

	control_body_init(&out, &w);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_bool(&w, "dry_run", b->dry_run);
	jsonw_u64(&w, "total", b->n);
	jsonw_u64(&w, "changed", b->nchanged);
	jsonw_array(&w, "allocations");
	for (size_t i = 0; i < shown; i++) {
		const struct batch_item *it = &b->items[i];

		jsonw_object(&w, NULL);
		jsonw_str(&w, "account_id", it->account_id);
		jsonw_str_or_null(&w, "from", it->place->node_id);
		jsonw_str_or_null(&w, "server_id", it->server_id);
		jsonw_bool(&w, "running", it->place->running);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	jsonw_u64(&w, "allocations_not_shown", b->n - shown);
	allocation_write_summary(&w, "summary", &b->loads);
	jsonw_object_end(&w);
	control_reply(req, 200, &out, &w);
}

static void reply_refused(struct http_req *req, struct batch *b)
{
	size_t more = b->nrefused - 1;
	struct err_info ei = b->first_ei;

	if (more)
		snprintf(ei.msg, sizeof(ei.msg),
			 "%.160s; and %zu more (see details): nothing was "
			 "changed",
			 b->first_ei.msg, more);
	http_reply_error_details(req, b->first, &ei, &b->refused);
}

static enum err run_batch(struct http_req *req, struct batch *b,
			  struct err_info *ei)
{
	enum err rc = read_batch(req, b, ei);

	if (!rc)
		rc = read_fleet(b, ei);
	jsonw_object(&b->w, NULL);
	jsonw_array(&b->w, "refused");
	if (!rc)
		rc = check_items(b);
	if (!rc)
		check_room(b);
	jsonw_array_end(&b->w);
	jsonw_u64(&b->w, "total", b->nrefused);
	jsonw_object_end(&b->w);
	if (!rc)
		rc = jsonw_end(&b->w);
	if (rc)
		return rc;
	if (b->nrefused) {
		reply_refused(req, b);
		return ERR_OK;
	}
	if (b->nchanged && !b->dry_run)
		rc = keep(b, req, ei);
	if (!rc)
		reply(req, b);
	return rc;
}

static enum err batch(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct batch b = { .c = ctx };
	struct arena a;
	enum err rc;

	arena_init(&a, ALLOCATION_ARENA_MAX);
	b.arena = &a;
	strmap_init(&b.seen, BATCH_MAX);
	buf_init(&b.refused, 8 * CONTROL_BODY_MAX);
	jsonw_init(&b.w, &b.refused);
	rc = run_batch(req, &b, ei);
	buf_deinit(&b.refused);
	strmap_deinit(&b.seen);
	arena_deinit(&a);
	return rc;
}

static const struct router_row rows[] = {
	{ "POST", API "/group-ai/account-allocation/batch", AUTH_WRITE, 0,
	  CONTROL_BODY_MAX, batch, "Give named accounts to named nodes" },
};

API_TABLE(api_allocation_batch_table);
