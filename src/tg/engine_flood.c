/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tg/engine_int.h"
#include "tl/schema.h"

struct wall engine_server_now(const struct engine *e)
{
	return (struct wall){ session_time(&e->session, e->now).us };
}

void engine_calls_deinit(struct engine *e)
{
	free(e->calls);
	e->calls = NULL;
	e->ncalls = e->calls_cap = 0;
	flood_deinit(&e->flood);
}

static struct engine_call *find(const struct engine *e, uint64_t tag)
{
	for (uint32_t i = 0; i < e->ncalls; i++)
		if (e->calls[i].tag == tag)
			return &e->calls[i];
	return NULL;
}

static enum err grow(struct engine *e, struct err_info *ei)
{
	uint32_t cap = e->calls_cap ? e->calls_cap * 2 : 4;
	struct engine_call *p;

	if (e->ncalls < e->calls_cap)
		return ERR_OK;
	/* as many as the session carries, and it refuses first */
	if (cap > 2 * RPCQ_MAX)
		return err_set(ei, ERR_CAPACITY, "too many calls");
	p = realloc(e->calls, cap * sizeof(*p));
	if (!p)
		return err_set(ei, ERR_NOMEM, "note a call");
	e->calls = p;
	e->calls_cap = cap;
	return ERR_OK;
}

enum err engine_call_begin(struct engine *e, const struct engine_request *q,
			   struct err_info *ei)
{
	enum err rc = flood_check(&e->flood, schema_name_text(q->function),
				  q->peer, engine_server_now(e), ei);

	if (!rc && !find(e, q->tag))
		rc = grow(e, ei);
	if (rc)
		return rc;
	/* of a tag in use the session says so */
	if (!find(e, q->tag))
		e->calls[e->ncalls++] = (struct engine_call){
			.tag = q->tag, .peer = q->peer, .function = q->function
		};
	return ERR_OK;
}

void engine_call_about(struct engine *e, uint64_t tag, uint64_t name)
{
	struct engine_call *c = find(e, tag);

	if (c)
		c->name = name;
}

static void shrink(struct engine *e)
{
	if (e->ncalls)
		return;
	free(e->calls);
	e->calls = NULL;
	e->calls_cap = 0;
}

struct engine_call engine_call_end(struct engine *e, uint64_t tag)
{
	struct engine_call *c = find(e, tag), ret = { .tag = tag };

	if (!c)
		return ret;
	ret = *c;
	*c = e->calls[--e->ncalls];
	shrink(e);
	return ret;
}

enum err engine_call_refused(struct engine *e, uint64_t tag,
			     const struct rpcerr *err, struct err_info *ei)
{
	const struct engine_call *c = find(e, tag);

	if (!c)
		return ERR_OK;
	return flood_note(&e->flood, err, schema_name_text(c->function),
			  c->peer, engine_server_now(e), ei);
}

static bool listed(const struct engine *e, const struct engine_call *c)
{
	return flood_find(&e->flood, schema_name_text(c->function), c->peer,
			  engine_server_now(e));
}

void engine_calls_hold(struct engine *e)
{
	if (!e->flood.n)
		return;
	for (uint32_t i = e->ncalls; i-- > 0;) {
		struct engine_call *c;

		/* the end of one may be the end of others */
		if (i >= e->ncalls)
			continue;
		c = &e->calls[i];
		if (session_query_state(&e->session, c->tag) !=
			    SESSION_QUERY_WAITING ||
		    !listed(e, c))
			continue;
		c->held = true;
		(void)session_cancel(&e->session, c->tag);
	}
}

void engine_calls_sent(struct engine *e)
{
	for (uint32_t i = 0; i < e->ncalls; i++) {
		struct engine_call *c = &e->calls[i];
		bool sent = session_query_state(&e->session, c->tag) ==
			    SESSION_QUERY_SENT;

		if (sent && !c->sent && listed(e, c))
			e->flood_broken++;
		c->sent = sent;
	}
}

void engine_calls_forget(struct engine *e)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->ncalls; i++) {
		if (session_query_state(&e->session, e->calls[i].tag) ==
		    SESSION_QUERY_NONE)
			continue;
		e->calls[n] = e->calls[i];
		e->calls[n++].sent = false;
	}
	e->ncalls = n;
	shrink(e);
}
