/* SPDX-License-Identifier: MIT */
/* messages.* with files: single ones, albums, uploads ahead of an album. */
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"

#define CAPTION_CHARS_MAX 1024
#define ALBUM_MAX 10

static void copy_name(char *dst, size_t size, struct tl_bytes text)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;

	if (len)
		memcpy(dst, text.data, len);
	dst[len] = '\0';
}

static enum err uploaded(struct dc_call *call, const struct dyn *media,
			 bool photo, struct world_file **ret)
{
	const struct dyn_vec *attributes = dyn_vec(media, TLF_attributes);
	const struct dyn *file = dyn_obj(media, TLF_file);
	struct world_file f = { .photo = photo };
	enum err rc;
	uint32_t i;

	if (!dyn_is(file, TLN_inputFile) && !dyn_is(file, TLN_inputFileBig))
		return dc_call_fail(call, 400, "MEDIA_INVALID");
	copy_name(f.name, sizeof(f.name), dyn_bytes(file, TLF_name));
	copy_name(f.mime, sizeof(f.mime), dyn_bytes(media, TLF_mime_type));
	for (i = 0; i < dyn_len(attributes); i++) {
		const struct dyn *a = dyn_item(attributes, i);

		if (dyn_is(a, TLN_documentAttributeFilename))
			copy_name(f.name, sizeof(f.name),
				  dyn_bytes(a, TLF_file_name));
	}
	rc = dc_blob_pack_vec(call, TLN_document, TLF_attributes,
			      dyn_vec(media, TLF_attributes), &f.attributes);
	if (!rc)
		rc = dc_upload_take(call, file, &f, ret);
	world_blob_unref(f.attributes);
	return rc;
}

static enum err media_file(struct dc_call *call, const struct dyn *media,
			   struct world_file **ret)
{
	switch (media ? media->name : 0) {
	case TLN_inputMediaUploadedDocument:
		return uploaded(call, media, false, ret);
	case TLN_inputMediaUploadedPhoto:
		return uploaded(call, media, true, ret);
	case TLN_inputMediaDocument:
	case TLN_inputMediaPhoto:
		return dc_upload_file_of(call, dyn_obj(media, TLF_id), ret);
	default:
		return dc_call_fail(call, 400, "MEDIA_INVALID");
	}
}

struct item {
	const struct dyn *media;
	const struct dyn *text; /* what holds the caption's formatting */
	struct tl_bytes caption;
	int64_t random_id, grouped_id;
};

static enum err check_item(struct dc_call *call, const struct item *it)
{
	size_t i, chars = 0;

	for (i = 0; i < it->caption.len; i++)
		chars += (it->caption.data[i] & 0xc0) != 0x80;
	if (chars > CAPTION_CHARS_MAX)
		return dc_call_fail(call, 400, "MEDIA_CAPTION_TOO_LONG");
	if (!it->random_id)
		return dc_call_fail(call, 400, "RANDOM_ID_EMPTY");
	return ERR_OK;
}

static const struct world_file *known_file(struct dc_call *call,
					   const struct item *it)
{
	return world_file(&call->dc->world,
			  dyn_int(dyn_obj(it->media, TLF_id), TLF_id, 0));
}

static bool visual(const struct world_file *f)
{
	return f->photo || !strncmp(f->mime, "video/", 6);
}

/* An album holds what was uploaded before; pictures and films, or documents. */
static enum err check_kind(struct dc_call *call, const struct item *first,
			   const struct item *it)
{
	const struct world_file *a, *b;

	if (!dyn_is(it->media, TLN_inputMediaPhoto) &&
	    !dyn_is(it->media, TLN_inputMediaDocument))
		return dc_call_fail(call, 400, "MEDIA_INVALID");
	a = known_file(call, first);
	b = known_file(call, it);
	if (a && b && visual(a) != visual(b))
		return dc_call_fail(call, 400, "MEDIA_INVALID");
	return ERR_OK;
}

/* Media without a file: a place, a contact. */
static enum err bare_media(struct dc_call *call, const struct dyn *media,
			   struct world_blob **ret)
{
	const struct dyn *point = dyn_obj(media, TLF_geo_point);
	struct dyn *d = NULL, *geo;

	if (dyn_is(media, TLN_inputMediaContact)) {
		d = dyn_new(call->arena, TLN_messageMediaContact);
		dyn_set_str(d, TLF_phone_number,
			    dyn_str(media, TLF_phone_number));
		dyn_set_str(d, TLF_first_name, dyn_str(media, TLF_first_name));
		dyn_set_str(d, TLF_last_name, dyn_str(media, TLF_last_name));
		dyn_set_str(d, TLF_vcard, dyn_str(media, TLF_vcard));
	} else if (dyn_is(media, TLN_inputMediaGeoPoint)) {
		d = dyn_new(call->arena, TLN_messageMediaGeo);
		geo = dyn_new(call->arena, TLN_geoPoint);
		dyn_set_double(geo, TLF_lat, dyn_double(point, TLF_lat, 0));
		dyn_set_double(geo, TLF_long, dyn_double(point, TLF_long, 0));
		dyn_set_obj(d, TLF_geo, geo);
	}
	return dc_blob_pack(call, d, ret);
}

static enum err send_item(struct dc_call *call, int64_t peer,
			  const struct item *it, struct world_msg **ret)
{
	struct world_new_msg n = {
		.from = call->user->id,
		.peer = peer,
		.kind = WORLD_TEXT,
		.text = it->caption.len ? (const char *)it->caption.data : "",
		.text_len = it->caption.len,
		.random_id = it->random_id,
		.date = call->now,
	};
	struct world_file *f = NULL;
	bool again;
	enum err rc;

	/* A repeated call must not ask for parts that the first used up. */
	*ret = dc_view_by_random(call, peer, it->random_id);
	if (*ret && call->dc->knobs.repeat == DC_REPEAT_ERROR)
		return dc_call_fail(call, 500, "RANDOM_ID_DUPLICATE");
	if (*ret)
		return ERR_OK;
	rc = dc_compose(call, it->text, &n);
	if (rc)
		return rc;
	rc = bare_media(call, it->media, &n.extra.object);
	if (!rc && !n.extra.object)
		rc = media_file(call, it->media, &f);
	if (!rc) {
		n.extra.file_id = f ? f->id : 0;
		n.extra.grouped_id = it->grouped_id;
		rc = world_send(&call->dc->world, &n, ret, &again);
	}
	dc_compose_end(&n);
	return rc && rc != ERR_RPC ? dc_peers_error(call, rc) : rc;
}

static enum err open_peer(struct dc_call *call, int64_t *ret)
{
	enum err rc = dc_peers_input(call, dyn_obj(call->fn, TLF_peer), ret);

	return rc ? rc : dc_peers_may_post(call, *ret);
}

enum err dc_media_send(struct dc_call *call, struct err_info *ei)
{
	struct item it = { .media = dyn_obj(call->fn, TLF_media),
			   .text = call->fn,
			   .caption = dyn_bytes(call->fn, TLF_message),
			   .random_id = dyn_int(call->fn, TLF_random_id, 0) };
	struct world_msg *m = NULL;
	int64_t peer = 0;
	enum err rc;

	(void)ei;
	rc = open_peer(call, &peer);
	if (!rc)
		rc = check_item(call, &it);
	if (!rc)
		rc = send_item(call, peer, &it, &m);
	if (rc)
		return rc;
	dc_peers_posted(call, peer);
	dc_call_obj(call, dc_view_sent(call, &m, 1));
	return ERR_OK;
}

enum err dc_media_album(struct dc_call *call, struct err_info *ei)
{
	const struct dyn_vec *v = dyn_vec(call->fn, TLF_multi_media);
	int64_t peer = 0, group = 0;
	struct world_msg *sent[ALBUM_MAX] = { NULL };
	struct item items[ALBUM_MAX] = { 0 };
	enum err rc;
	uint32_t i;

	(void)ei;
	if (!dyn_len(v))
		return dc_call_fail(call, 400, "MEDIA_EMPTY");
	if (dyn_len(v) > ALBUM_MAX)
		return dc_call_fail(call, 400, "MULTI_MEDIA_TOO_LONG");
	/* One alone is an ordinary message. */
	if (dyn_len(v) > 1)
		group = (int64_t)(rnd_u64(rnd_system()) >> 1);
	rc = open_peer(call, &peer);
	for (i = 0; i < dyn_len(v) && !rc; i++) {
		const struct dyn *in = dyn_item(v, i);

		items[i] = (struct item){
			.media = dyn_obj(in, TLF_media),
			.text = in,
			.caption = dyn_bytes(in, TLF_message),
			.random_id = dyn_int(in, TLF_random_id, 0),
			.grouped_id = group,
		};
		rc = check_item(call, &items[i]);
		if (!rc)
			rc = check_kind(call, &items[0], &items[i]);
	}
	for (i = 0; i < dyn_len(v) && !rc; i++)
		rc = send_item(call, peer, &items[i], &sent[i]);
	if (rc)
		return rc;
	dc_peers_posted(call, peer);
	dc_call_obj(call, dc_view_sent(call, sent, dyn_len(v)));
	return ERR_OK;
}

enum err dc_media_upload(struct dc_call *call, struct err_info *ei)
{
	struct world_file *f;
	enum err rc;

	(void)ei;
	rc = media_file(call, dyn_obj(call->fn, TLF_media), &f);
	if (!rc)
		dc_call_obj(call,
			    dc_objects_media(call->arena, &call->dc->world, f));
	return rc;
}
