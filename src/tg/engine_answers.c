/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tg/engine_int.h"

static const struct schema *const layer = &schema_api_223;

/* Updates that came as an answer; NULL if it is something else. */
static const struct tlt_Updates *updates_of(const struct engine_answer *a)
{
	switch (a->obj.kind) {
	case TLN_updates:
	case TLN_updatesCombined:
	case TLN_updateShort:
	case TLN_updateShortMessage:
	case TLN_updateShortChatMessage:
	case TLN_updateShortSentMessage:
	case TLN_updatesTooLong:
		return (const void *)&a->obj;
	default:
		return NULL;
	}
}

/* random_id 0: the first, whatever it is. */
static int32_t id_in(const struct tlv_Update *v, int64_t random_id)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct tlc_updateMessageID *m = v->v[i].updateMessageID;

		if (v->v[i].kind == TLN_updateMessageID &&
		    (!random_id || m->random_id == random_id))
			return m->id;
	}
	return 0;
}

int32_t engine_message_id(const struct engine_answer *a, int64_t random_id)
{
	const struct tlt_Updates *u = updates_of(a);

	if (!u)
		return 0;
	switch (u->kind) {
	case TLN_updateShortSentMessage:
		return u->updateShortSentMessage->id;
	case TLN_updates:
		return id_in(&u->updates->updates, random_id);
	case TLN_updatesCombined:
		return id_in(&u->updatesCombined->updates, random_id);
	default:
		return 0;
	}
}

static enum err decode(struct engine_answer *an, struct arena *a,
		       const struct schema_ctor *f, struct err_info *ei)
{
	struct tl_reader r;

	cursor_read(&r, an->data, an->len);
	if (f->result_kind == SCHEMA_BOOL && !f->result_vec) {
		an->yes = cursor_get_bool(&r);
		return r.rc;
	}
	if (f->result_kind != SCHEMA_OBJ)
		return ERR_OK; /* numbers: as they are */
	if (f->result_vec)
		return bind_read_vec(&r, layer, f->type, a, &an->list, ei);
	return bind_read_type(&r, layer, f->type, a, &an->obj, ei);
}

static void tell(struct engine *e, const struct engine_call *c, enum err rc,
		 const struct rpcerr *err, const struct engine_answer *a)
{
	const struct engine_event ev = { .type = ENGINE_ANSWER,
					 .rc = rc,
					 .tag = c->tag,
					 .answer = a,
					 .rpcerr = err };

	(void)!engine_emit(e, &ev);
}

void engine_unanswered(struct engine *e, const struct engine_call *c,
		       enum err rc, const struct rpcerr *err)
{
	const struct engine_answer a = { .function = c->function };

	if (c->name && err && !strcmp(err->name, "USERNAME_NOT_OCCUPIED"))
		peers_name(&e->peers, c->name, 0, engine_server_now(e));
	tell(e, c, rc, err, &a);
}

/* What the answer says besides; updates are noted when they are taken. */
static void note(struct engine *e, const struct engine_call *c,
		 const struct schema_ctor *f, const struct engine_answer *a)
{
	const struct tlc_contacts_resolvedPeer *found = a->obj.any;
	const struct tlv_any *messages;

	if (f && f->type == TLT_User && a->list.n)
		peers_take_users(&e->peers, (const void *)&a->list);
	engine_note_peers(e, &a->obj);
	messages = bind_vec(a->obj.kind, a->obj.any, TLF_messages, TLT_Message);
	if (messages)
		engine_note_messages(e, (const void *)messages);
	if (c->name && a->obj.kind == TLN_contacts_resolvedPeer)
		peers_name(&e->peers, c->name, engine_peer_id(&found->peer),
			   engine_server_now(e));
}

enum err engine_answered(struct engine *e, const struct engine_call *c,
			 const uint8_t *data, size_t len, struct err_info *ei)
{
	const struct schema_ctor *f = schema_by_name(layer, c->function);
	struct engine_answer a = { .function = c->function,
				   .data = data,
				   .len = len };
	struct arena arena;
	enum err rc;

	arena_init(&arena, ENGINE_ARENA_MAX);
	rc = f ? decode(&a, &arena, f, ei) : ERR_OK;
	if (rc) {
		a.obj = (struct tlt_any){ 0 };
		a.list = (struct tlv_any){ 0 };
	}
	note(e, c, f, &a);
	a.message_id = engine_message_id(&a, 0);
	if (f && f->type == TLT_Updates && f->result_kind == SCHEMA_OBJ) {
		/* done it is, even where a newer server says it in words we do
		 * not know; and it moves pts like any other update */
		tell(e, c, ERR_OK, NULL, &a);
		if (a.obj.kind == TLN_updateShortSentMessage)
			rc = engine_take_sent(e, c, a.obj.any, ei);
		else
			rc = engine_take_updates(e, rc ? NULL : updates_of(&a),
						 ei);
	} else {
		tell(e, c, rc, NULL, &a);
		rc = rc ? ERR_OK : engine_count(e, c, &a, ei);
	}
	arena_deinit(&arena);
	return rc;
}
