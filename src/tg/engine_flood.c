/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tg/engine_int.h"

struct wall engine_server_now(const struct engine *e)
{
	return (struct wall){ session_time(&e->session, e->now).us };
}

struct wall engine_time(const struct engine *e, struct mono now,
			struct wall guess)
{
	if (!e->session.time_known)
		return guess;
	return (struct wall){ session_time(&e->session, now).us };
}

void engine_call_drop(struct engine_call *c)
{
	free(c->said);
	c->said = NULL;
}

void engine_calls_deinit(struct engine *e)
{
	for (uint32_t i = 0; i < e->ncalls; i++)
		engine_call_drop(&e->calls[i]);
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

/* Without memory the difference tells of the message. */
static struct engine_said *keep(const struct engine_request *q)
{
	const struct tlf_messages_sendMessage *f = q->args;
	const struct tlc_inputReplyToMessage *r;
	struct engine_said *s;

	if (q->function != TLN_messages_sendMessage)
		return NULL;
	s = malloc(sizeof(*s) + f->message.len);
	if (!s)
		return NULL;
	r = f->reply_to.inputReplyToMessage;
	*s = (struct engine_said){ .len = f->message.len };
	if (f->has_reply_to && f->reply_to.kind == TLN_inputReplyToMessage)
		s->reply_to = r->reply_to_msg_id;
	if (s->len)
		memcpy(s->text, f->message.data, s->len);
	return s;
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
		e->calls[e->ncalls++] =
			(struct engine_call){ .tag = q->tag,
					      .peer = q->peer,
					      .said = keep(q),
					      .function = q->function };
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

/* May it be sent twice?  It reads, or says the same thing again. */
static bool repeatable(uint16_t function)
{
	switch (function) {
	case TLN_users_getUsers:
	case TLN_users_getFullUser:
	case TLN_updates_getState:
	case TLN_updates_getDifference:
	case TLN_updates_getChannelDifference:
	case TLN_messages_getHistory:
	case TLN_messages_getMessages:
	case TLN_messages_getDialogs:
	case TLN_messages_getFullChat:
	case TLN_messages_getForumTopics:
	case TLN_messages_search:
	case TLN_messages_checkChatInvite:
	case TLN_channels_getMessages:
	case TLN_channels_getFullChannel:
	case TLN_contacts_resolveUsername:
	case TLN_help_getConfig:
	case TLN_auth_exportAuthorization:
	/* a part of a file, read or written, is the same part */
	case TLN_upload_getFile:
	case TLN_upload_saveFilePart:
	case TLN_upload_saveBigFilePart:
	/* with a random_id */
	case TLN_messages_sendMessage:
	case TLN_messages_sendMedia:
	case TLN_messages_sendMultiMedia:
	case TLN_messages_forwardMessages:
	/* gone is gone, read is read */
	case TLN_messages_deleteMessages:
	case TLN_channels_deleteMessages:
	case TLN_messages_readHistory:
	case TLN_channels_readHistory:
	case TLN_messages_setTyping:
		return true;
	default:
		return false;
	}
}

bool engine_call_again(struct engine *e, uint64_t tag, const struct rpcerr *err,
		       struct mono *ret_at)
{
	struct engine_call *c = find(e, tag);
	int64_t us;

	if (!c || err->row->retry != ERR_RETRY_SOON ||
	    err->row->scope == RPCERR_SCOPE_NODE || !repeatable(c->function) ||
	    c->tries >= ENGINE_AGAIN_MAX)
		return false;
	us = ENGINE_AGAIN_US << c->tries++;
	*ret_at = mono_add(e->now, rnd_jitter(e->rnd, us, 20));
	return true;
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
		c->why = ERR_FLOOD;
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

void engine_calls_break(struct engine *e)
{
	for (uint32_t i = e->ncalls; i-- > 0;) {
		struct engine_call *c;

		/* the end of one may be the end of others */
		if (i >= e->ncalls)
			continue;
		c = &e->calls[i];
		if (repeatable(c->function) ||
		    session_query_state(&e->session, c->tag) !=
			    SESSION_QUERY_SENT)
			continue;
		c->why = ERR_UNAVAILABLE;
		(void)session_cancel(&e->session, c->tag);
	}
}

void engine_calls_cancel_own(struct engine *e)
{
	/* the last takes the place of one that ends: from the end, then */
	for (uint32_t i = e->ncalls; i-- > 0;)
		if (i < e->ncalls && ENGINE_TAG_KIND(e->calls[i].tag))
			(void)session_cancel(&e->session, e->calls[i].tag);
}

void engine_calls_forget(struct engine *e)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->ncalls; i++) {
		if (session_query_state(&e->session, e->calls[i].tag) ==
		    SESSION_QUERY_NONE) {
			engine_call_drop(&e->calls[i]);
			continue;
		}
		e->calls[n] = e->calls[i];
		e->calls[n++].sent = false;
	}
	e->ncalls = n;
	shrink(e);
}
