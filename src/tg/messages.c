/* SPDX-License-Identifier: MIT */
#include "tg/messages.h"

#include <string.h>

#include "tg/engine_input.h"

#define TEXT_BYTES_MAX (4U * ENGINE_TEXT_MAX)

static struct tl_bytes text_bytes(const char *s)
{
	return (struct tl_bytes){ (const uint8_t *)s, strlen(s) };
}

static enum err check_text(size_t len, size_t min, struct err_info *ei)
{
	if (len >= min && len <= TEXT_BYTES_MAX)
		return ERR_OK;
	return err_set(ei, ERR_INVALID, "a message has 1 to %d characters",
		       ENGINE_TEXT_MAX);
}

static enum err check_ids(const struct messages_ids *ids, struct err_info *ei)
{
	if (!ids->n || ids->n > MESSAGES_IDS_MAX)
		return err_set(ei, ERR_INVALID,
			       "%zu messages: from 1 to %u go in one call",
			       ids->n, MESSAGES_IDS_MAX);
	for (size_t i = 0; i < ids->n; i++)
		if (ids->v[i] <= 0)
			return err_set(ei, ERR_INVALID, "message %d: no such",
				       ids->v[i]);
	return ERR_OK;
}

/* What is in no topic is in the general one, which has no thread. */
static int32_t thread_of(const struct messages_to *to)
{
	return to->topic == ENGINE_TOPIC_GENERAL ? 0 : to->topic;
}

/* In a topic even a message that replies to nothing says where it is. */
static bool fill_reply(struct tlc_inputReplyToMessage *r,
		       struct tlt_InputReplyTo *ret,
		       const struct messages_to *to)
{
	int32_t thread = thread_of(to);

	if (!to->reply_to && !thread)
		return false;
	r->reply_to_msg_id = to->reply_to ? to->reply_to : thread;
	r->has_top_msg_id = thread;
	r->top_msg_id = thread;
	ret->kind = TLN_inputReplyToMessage;
	ret->inputReplyToMessage = r;
	return true;
}

enum err messages_send_text(struct engine *e, const struct engine_ask *ask,
			    const struct messages_to *to,
			    const struct messages_text *text, int64_t random_id,
			    struct err_info *ei)
{
	struct tlf_messages_sendMessage f = { .message = { text->data,
							   text->len },
					      .silent = to->silent,
					      .no_webpage = to->no_webpage,
					      .random_id = random_id };
	struct tlc_inputReplyToMessage reply = { 0 };
	struct engine_input in;
	enum err rc;

	rc = check_text(text->len, 1, ei);
	if (!rc)
		rc = engine_input_to(e, to->peer, &in, ei);
	if (rc)
		return rc;
	f.peer = in.peer;
	f.has_reply_to = fill_reply(&reply, &f.reply_to, to);
	f.has_entities = text->entities && text->entities->n;
	if (f.has_entities)
		f.entities = *text->entities;
	return engine_make(e, ask, TLN_messages_sendMessage, &f, in.id, ei);
}

enum err messages_send(struct engine *e, const struct engine_ask *ask,
		       const struct messages_to *to, const char *text,
		       int64_t random_id, struct err_info *ei)
{
	const struct messages_text t = { .data = (const uint8_t *)text,
					 .len = strlen(text) };

	return messages_send_text(e, ask, to, &t, random_id, ei);
}

enum err messages_edit(struct engine *e, const struct engine_ask *ask,
		       int64_t peer, int32_t id, const char *text,
		       struct err_info *ei)
{
	struct tlf_messages_editMessage f = { .id = id,
					      .has_message = true,
					      .message = text_bytes(text) };
	struct engine_input in;
	enum err rc;

	rc = check_text(f.message.len, 1, ei);
	if (!rc)
		rc = engine_input_peer(e, peer, &in, ei);
	if (rc)
		return rc;
	f.peer = in.peer;
	return engine_make(e, ask, TLN_messages_editMessage, &f, in.id, ei);
}

static enum err send_one(struct engine *e, const struct engine_ask *ask,
			 const struct messages_to *to,
			 const struct messages_media *m, struct err_info *ei)
{
	struct tlf_messages_sendMedia f = { .silent = to->silent,
					    .media = *m->media,
					    .message = { m->caption.data,
							 m->caption.len },
					    .random_id = m->random_id };
	struct tlc_inputReplyToMessage reply = { 0 };
	struct engine_input in;
	enum err rc = engine_input_to(e, to->peer, &in, ei);

	if (rc)
		return rc;
	f.peer = in.peer;
	f.has_reply_to = fill_reply(&reply, &f.reply_to, to);
	f.has_entities = m->caption.entities && m->caption.entities->n;
	if (f.has_entities)
		f.entities = *m->caption.entities;
	return engine_make(e, ask, TLN_messages_sendMedia, &f, in.id, ei);
}

static void fill_single(struct tlc_inputSingleMedia *s,
			const struct messages_media *m)
{
	s->media = *m->media;
	s->random_id = m->random_id;
	s->message = (struct tl_bytes){ m->caption.data, m->caption.len };
	s->has_entities = m->caption.entities && m->caption.entities->n;
	if (s->has_entities)
		s->entities = *m->caption.entities;
}

static enum err send_album(struct engine *e, const struct engine_ask *ask,
			   const struct messages_to *to,
			   const struct messages_media *media, size_t n,
			   struct err_info *ei)
{
	struct tlc_inputSingleMedia single[MESSAGES_ALBUM_MAX] = { 0 };
	struct tlt_InputSingleMedia list[MESSAGES_ALBUM_MAX] = { 0 };
	struct tlf_messages_sendMultiMedia f = { .silent = to->silent };
	struct tlc_inputReplyToMessage reply = { 0 };
	struct engine_input in;
	enum err rc = engine_input_to(e, to->peer, &in, ei);

	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		fill_single(&single[i], &media[i]);
		list[i].kind = TLN_inputSingleMedia;
		list[i].inputSingleMedia = &single[i];
	}
	f.peer = in.peer;
	f.multi_media.n = (uint32_t)n;
	f.multi_media.v = list;
	f.has_reply_to = fill_reply(&reply, &f.reply_to, to);
	return engine_make(e, ask, TLN_messages_sendMultiMedia, &f, in.id, ei);
}

enum err messages_send_media(struct engine *e, const struct engine_ask *ask,
			     const struct messages_to *to,
			     const struct messages_media *media, size_t n,
			     struct err_info *ei)
{
	if (!n || n > MESSAGES_ALBUM_MAX)
		return err_set(ei, ERR_INVALID,
			       "%zu files: an album has up to %u", n,
			       MESSAGES_ALBUM_MAX);
	for (size_t i = 0; i < n; i++) {
		enum err rc = check_text(media[i].caption.len, 0, ei);

		if (rc)
			return rc;
	}
	return n == 1 ? send_one(e, ask, to, media, ei)
		      : send_album(e, ask, to, media, n, ei);
}

/* The caller's ids as a call takes them. */
struct id_list {
	struct tlv_int vec;
	int32_t v[MESSAGES_IDS_MAX];
};

static void fill_ids(struct id_list *l, const struct messages_ids *ids)
{
	memcpy(l->v, ids->v, ids->n * sizeof(*l->v));
	l->vec = (struct tlv_int){ (uint32_t)ids->n, l->v };
}

enum err messages_forward(struct engine *e, const struct engine_ask *ask,
			  const struct messages_to *to,
			  const struct messages_forward *what,
			  struct err_info *ei)
{
	struct tlf_messages_forwardMessages f = {
		.silent = to->silent,
		.drop_author = what->drop_author,
		.drop_media_captions = what->drop_captions,
		.has_top_msg_id = thread_of(to),
		.top_msg_id = thread_of(to),
	};
	int64_t random_ids[MESSAGES_IDS_MAX];
	struct engine_input from, in;
	struct id_list ids;
	enum err rc;

	rc = check_ids(&what->ids, ei);
	if (!rc)
		rc = engine_input_peer(e, what->from, &from, ei);
	if (!rc)
		rc = engine_input_to(e, to->peer, &in, ei);
	if (rc)
		return rc;
	if (peers_has(&e->peers, from.id, PEERS_NOFORWARDS))
		return err_set(ei, ERR_FORBIDDEN,
			       "the chat protects its content; nothing is "
			       "forwarded from it");
	fill_ids(&ids, &what->ids);
	memcpy(random_ids, what->random_ids, what->ids.n * sizeof(*random_ids));
	f.id = ids.vec;
	f.random_id = (struct tlv_long){ ids.vec.n, random_ids };
	f.from_peer = from.peer;
	f.to_peer = in.peer;
	return engine_make(e, ask, TLN_messages_forwardMessages, &f, in.id, ei);
}

static enum err delete_posts(struct engine *e, const struct engine_ask *ask,
			     int64_t peer, struct tlv_int ids,
			     struct err_info *ei)
{
	struct tlf_channels_deleteMessages f = { .id = ids };
	struct engine_input_channel in;
	enum err rc = engine_input_channel(e, peer, &in, ei);

	if (rc)
		return rc;
	f.channel = in.channel;
	return engine_make(e, ask, TLN_channels_deleteMessages, &f, in.id, ei);
}

enum err messages_delete(struct engine *e, const struct engine_ask *ask,
			 int64_t peer, const struct messages_ids *ids,
			 bool revoke, struct err_info *ei)
{
	struct tlf_messages_deleteMessages f = { .revoke = revoke };
	enum err rc = check_ids(ids, ei);
	struct id_list list;

	if (rc)
		return rc;
	fill_ids(&list, ids);
	if (engine_input_is_channel(e, peer))
		return delete_posts(e, ask, peer, list.vec, ei);
	f.id = list.vec;
	return engine_make(e, ask, TLN_messages_deleteMessages, &f, peer, ei);
}

static enum err read_channel(struct engine *e, const struct engine_ask *ask,
			     int64_t peer, int32_t max_id, struct err_info *ei)
{
	struct tlf_channels_readHistory f = { .max_id = max_id };
	struct engine_input_channel in;
	enum err rc = engine_input_channel(e, peer, &in, ei);

	if (rc)
		return rc;
	f.channel = in.channel;
	return engine_make(e, ask, TLN_channels_readHistory, &f, in.id, ei);
}

enum err messages_read(struct engine *e, const struct engine_ask *ask,
		       int64_t peer, int32_t max_id, struct err_info *ei)
{
	struct tlf_messages_readHistory f = { .max_id = max_id };
	struct engine_input in;
	enum err rc;

	if (engine_input_is_channel(e, peer))
		return read_channel(e, ask, peer, max_id, ei);
	rc = engine_input_peer(e, peer, &in, ei);
	if (rc)
		return rc;
	f.peer = in.peer;
	return engine_make(e, ask, TLN_messages_readHistory, &f, in.id, ei);
}

static enum err check_page(const struct messages_page *p, struct err_info *ei)
{
	if (p->limit >= 1 && p->limit <= MESSAGES_PAGE_MAX &&
	    p->offset_id >= 0 && p->min_id >= 0)
		return ERR_OK;
	return err_set(ei, ERR_INVALID, "a page has 1 to %d messages",
		       MESSAGES_PAGE_MAX);
}

enum err messages_history(struct engine *e, const struct engine_ask *ask,
			  int64_t peer, const struct messages_page *page,
			  struct err_info *ei)
{
	struct tlf_messages_getHistory f = { .offset_id = page->offset_id,
					     .min_id = page->min_id,
					     .limit = page->limit };
	struct engine_input in;
	enum err rc = check_page(page, ei);

	if (!rc)
		rc = engine_input_peer(e, peer, &in, ei);
	if (rc)
		return rc;
	f.peer = in.peer;
	return engine_make(e, ask, TLN_messages_getHistory, &f, in.id, ei);
}

enum err messages_search(struct engine *e, const struct engine_ask *ask,
			 const struct messages_to *where, const char *words,
			 const struct messages_page *page, struct err_info *ei)
{
	struct tlc_inputMessagesFilterEmpty all = { 0 };
	struct tlf_messages_search f = {
		.q = text_bytes(words),
		.has_top_msg_id = thread_of(where),
		.top_msg_id = thread_of(where),
		.filter = { .kind = TLN_inputMessagesFilterEmpty,
			    .inputMessagesFilterEmpty = &all },
		.offset_id = page->offset_id,
		.min_id = page->min_id,
		.limit = page->limit,
	};
	struct engine_input in;
	enum err rc = check_page(page, ei);

	if (!rc)
		rc = engine_input_peer(e, where->peer, &in, ei);
	if (rc)
		return rc;
	f.peer = in.peer;
	return engine_make(e, ask, TLN_messages_search, &f, in.id, ei);
}

enum err messages_get(struct engine *e, const struct engine_ask *ask,
		      int64_t peer, const struct messages_ids *ids,
		      struct err_info *ei)
{
	struct tlc_inputMessageID id[MESSAGES_IDS_MAX];
	struct tlt_InputMessage list[MESSAGES_IDS_MAX] = { 0 };
	struct tlf_channels_getMessages of_channel = { 0 };
	struct tlf_messages_getMessages f = { 0 };
	struct engine_input_channel in;
	enum err rc = check_ids(ids, ei);

	if (rc)
		return rc;
	for (size_t i = 0; i < ids->n; i++) {
		id[i].id = ids->v[i];
		list[i].kind = TLN_inputMessageID;
		list[i].inputMessageID = &id[i];
	}
	f.id.n = of_channel.id.n = (uint32_t)ids->n;
	f.id.v = of_channel.id.v = list;
	if (!engine_input_is_channel(e, peer))
		return engine_make(e, ask, TLN_messages_getMessages, &f, peer,
				   ei);
	rc = engine_input_channel(e, peer, &in, ei);
	if (rc)
		return rc;
	of_channel.channel = in.channel;
	return engine_make(e, ask, TLN_channels_getMessages, &of_channel, in.id,
			   ei);
}

enum err messages_typing(struct engine *e, const struct engine_ask *ask,
			 const struct messages_to *to, struct err_info *ei)
{
	struct tlc_sendMessageTypingAction typing = { 0 };
	struct tlf_messages_setTyping f = {
		.has_top_msg_id = thread_of(to),
		.top_msg_id = thread_of(to),
		.action = { .kind = TLN_sendMessageTypingAction,
			    .sendMessageTypingAction = &typing },
	};
	struct engine_input in;
	enum err rc = engine_input_to(e, to->peer, &in, ei);

	if (rc)
		return rc;
	f.peer = in.peer;
	return engine_make(e, ask, TLN_messages_setTyping, &f, in.id, ei);
}
