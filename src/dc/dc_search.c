/* SPDX-License-Identifier: MIT */
/* What messages.search may ask for. */
#include <string.h>
#include <strings.h>

#include "dc/dc_int.h"

enum err dc_search_read(struct dc_call *call, struct dc_search *ret)
{
	const struct dyn *filter = dyn_obj(call->fn, TLF_filter);
	enum err rc = ERR_OK;

	*ret = (struct dc_search){
		.text = dyn_bytes(call->fn, TLF_q),
		.filter = filter ? filter->name : 0,
		.min_date = dyn_int(call->fn, TLF_min_date, 0),
		.max_date = dyn_int(call->fn, TLF_max_date, 0),
	};
	if (ret->filter == TLN_inputMessagesFilterEmpty)
		ret->filter = 0;
	if (dyn_has(call->fn, TLF_from_id))
		rc = dc_peers_input(call, dyn_obj(call->fn, TLF_from_id),
				    &ret->from);
	return rc;
}

bool dc_search_is_all(const struct dc_search *s)
{
	return !s->text.len && !s->filter && !s->from && !s->min_date &&
	       !s->max_date;
}

/* Case does not matter, for letters that have one in ASCII. */
static bool contains(const struct world_body *b, struct tl_bytes text)
{
	size_t i;

	for (i = 0; i + text.len <= b->text_len; i++) {
		if (!strncasecmp(b->text + i, (const char *)text.data,
				 text.len))
			return true;
	}
	return false;
}

static bool is_mime(const struct world_file *f, const char *prefix)
{
	return f && !f->photo && !strncmp(f->mime, prefix, strlen(prefix));
}

static bool holds(const struct world_body *b, uint32_t ctor)
{
	const struct world_blob *o = world_extra(b)->object;
	uint32_t id;

	if (!o || b->kind != WORLD_TEXT || o->len < sizeof(id))
		return false;
	memcpy(&id, o->data, sizeof(id));
	return id == ctor;
}

static bool has_kind(const struct world *w, const struct world_msg *m,
		     uint16_t filter)
{
	const struct world_file *f =
		world_file(w, world_extra(m->body)->file_id);

	switch (filter) {
	case TLN_inputMessagesFilterPhotos:
		return f && f->photo;
	case TLN_inputMessagesFilterPhotoVideo:
		return (f && f->photo) || is_mime(f, "video/");
	case TLN_inputMessagesFilterVideo:
		return is_mime(f, "video/");
	case TLN_inputMessagesFilterVoice:
		return is_mime(f, "audio/ogg");
	case TLN_inputMessagesFilterMusic:
		return is_mime(f, "audio/") && !is_mime(f, "audio/ogg");
	case TLN_inputMessagesFilterDocument:
		return f && !f->photo && !is_mime(f, "video/") &&
		       !is_mime(f, "audio/");
	case TLN_inputMessagesFilterUrl:
		return m->body->kind == WORLD_TEXT &&
		       strstr(m->body->text, "://");
	case TLN_inputMessagesFilterPinned:
		return m->pinned;
	case TLN_inputMessagesFilterContacts:
		return holds(m->body, schema_by_name(&schema_api_223,
						     TLN_messageMediaContact)
					      ->id);
	case TLN_inputMessagesFilterGeo:
		return holds(m->body, schema_by_name(&schema_api_223,
						     TLN_messageMediaGeo)
					      ->id);
	default:
		return false; /* there are none of that kind here */
	}
}

bool dc_search_fits(const struct world *w, const struct world_msg *m,
		    const void *ctx)
{
	const struct dc_search *s = ctx;

	if (s->text.len &&
	    (m->body->kind != WORLD_TEXT || !contains(m->body, s->text)))
		return false;
	if ((s->from && m->body->from != s->from) ||
	    (s->min_date && m->body->date < s->min_date) ||
	    (s->max_date && m->body->date > s->max_date))
		return false;
	return !s->filter || has_kind(w, m, s->filter);
}
