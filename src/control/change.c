/* SPDX-License-Identifier: MIT */
#include "control/change.h"

#include <string.h>

#include "base/bug.h"
#include "control/control_int.h"
#include "control/idem.h"

#define CHANGE_ARENA_MAX (256U << 20)

struct change_effect {
	struct change_effect *before;
	change_fn fn;
	void *arg;
};

enum err change_begin(struct change *ch, struct control *c, struct err_info *ei)
{
	enum err rc;

	BUG_ON(c->change);
	rc = c->store->ops->begin(c->store, ei);
	if (rc)
		return rc;
	*ch = (struct change){ .c = c };
	arena_init(&ch->arena, CHANGE_ARENA_MAX);
	c->change = ch;
	return ERR_OK;
}

/* Last to first becomes first to last. */
static struct change_effect *reversed(struct change_effect *e)
{
	struct change_effect *first = NULL, *before;

	for (; e; e = before) {
		before = e->before;
		e->before = first;
		first = e;
	}
	return first;
}

enum err change_end(struct change *ch, enum err rc, struct err_info *ei)
{
	struct control *c = ch->c;
	struct change_effect *e;
	bool committed;

	BUG_ON(c->change != ch);
	if (rc) {
		c->store->ops->rollback(c->store);
	} else if (c->store->ops->commit(c->store, ei)) {
		rc = err_wrap(ei, ERR_UNAVAILABLE, "nothing was changed");
	}
	committed = !rc;
	/* an effect may let another request begin its own */
	c->change = NULL;
	e = committed ? reversed(ch->last) : ch->last;
	for (; e; e = e->before)
		e->fn(c, e->arg, committed);
	arena_deinit(&ch->arena);
	return rc;
}

enum err change_after(struct control *c, change_fn fn, const void *arg,
		      size_t len, struct err_info *ei)
{
	struct change *ch = c->change;
	struct change_effect *e;

	if (!ch) {
		struct arena now;
		void *copy;

		arena_init(&now, CHANGE_ARENA_MAX);
		copy = arena_dup(&now, arg, len);
		if (copy)
			fn(c, copy, true);
		arena_deinit(&now);
		return copy ? ERR_OK : ERR_NOMEM;
	}
	e = arena_alloc(&ch->arena, sizeof(*e));
	if (!e)
		return err_set(ei, ERR_NOMEM, "the change is too big");
	e->arg = arena_dup(&ch->arena, arg, len);
	if (!e->arg)
		return err_set(ei, ERR_NOMEM, "the change is too big");
	e->fn = fn;
	e->before = ch->last;
	ch->last = e;
	return ERR_OK;
}

static bool answered_error(const struct http_req *req)
{
	const void *body;
	int status;
	size_t len;

	return http_reply_held(req, &status, &body, &len) && status >= 400;
}

enum err change_run(struct control *c, struct http_req *req, router_fn fn,
		    void *ctx, struct err_info *ei)
{
	const uint64_t id = http_req_id(req);
	struct change ch;
	bool refused;
	enum err rc;

	rc = change_begin(&ch, c, ei);
	if (rc)
		return rc;
	http_reply_hold(req);
	rc = fn(req, ctx, ei);
	refused = !rc && answered_error(req);
	if (!rc && !refused)
		rc = idem_keep(c, req, ei);
	rc = change_end(&ch, refused ? ERR_CANCELED : rc, ei);
	if (refused)
		rc = ERR_OK;
	req = server_req(c->server, id);
	if (!req)
		return ERR_OK;
	if (rc)
		http_reply_drop(req);
	else
		http_reply_release(req);
	return rc;
}

enum err change_dispatch(struct http_req *req, void *ctx, struct err_info *ei)
{
	const struct router_row *row = http_req_row(req);
	const bool reads = !strcmp(row->method, "GET");
	bool answered;
	enum err rc;

	rc = idem_replay(ctx, req, &answered, ei);
	if (rc || answered)
		return rc;
	if (row->flags & CHANGE_OWN || (reads && !(row->flags & CHANGE_GET)))
		return row->handler(req, ctx, ei);
	return change_run(ctx, req, row->handler, ctx, ei);
}
