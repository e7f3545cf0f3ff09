/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tg/filemove_int.h"

#define ANSWER_ARENA_MAX 4096U

/* ---- where a message says it is */

static bool take_reference(struct filemove_location *at, struct tl_bytes ref)
{
	if (ref.len > sizeof(at->reference))
		return false;
	at->reference_len = ref.len;
	if (ref.len)
		memcpy(at->reference, ref.data, ref.len);
	return true;
}

static bool locate_document(const struct tlc_messageMediaDocument *m,
			    struct filemove_location *ret)
{
	const struct tlc_document *d = m->document.document;

	if (!m->has_document || m->document.kind != TLN_document)
		return false;
	*ret = (struct filemove_location){ .id = d->id,
					   .access_hash = d->access_hash,
					   .size = d->size,
					   .dc_id = d->dc_id };
	return take_reference(ret, d->file_reference);
}

/* Of progressive ones the last size is that of the whole. */
static void size_of(const struct tlt_PhotoSize *s, struct tl_bytes *ret_type,
		    int64_t *ret_size)
{
	const struct tlv_int *sizes;

	*ret_size = FILEMOVE_SIZE_UNKNOWN;
	if (s->kind == TLN_photoSize) {
		*ret_type = s->photoSize->type;
		*ret_size = s->photoSize->size;
	} else if (s->kind == TLN_photoSizeProgressive) {
		sizes = &s->photoSizeProgressive->sizes;
		*ret_type = s->photoSizeProgressive->type;
		if (sizes->n)
			*ret_size = sizes->v[sizes->n - 1];
	}
}

static bool locate_photo(const struct tlc_messageMediaPhoto *m,
			 struct filemove_location *ret)
{
	const struct tlc_photo *p = m->photo.photo;

	if (!m->has_photo || m->photo.kind != TLN_photo)
		return false;
	*ret = (struct filemove_location){ .photo = true,
					   .id = p->id,
					   .access_hash = p->access_hash,
					   .size = FILEMOVE_SIZE_UNKNOWN,
					   .dc_id = p->dc_id };
	for (uint32_t i = 0; i < p->sizes.n; i++) {
		struct tl_bytes type = { 0 };
		int64_t size;

		size_of(&p->sizes.v[i], &type, &size);
		if (size <= ret->size || !type.len ||
		    type.len >= sizeof(ret->thumb_size))
			continue;
		ret->size = size;
		memcpy(ret->thumb_size, type.data, type.len);
		ret->thumb_size[type.len] = '\0';
	}
	return take_reference(ret, p->file_reference);
}

bool filemove_locate(const struct tlt_MessageMedia *media,
		     struct filemove_location *ret)
{
	switch (media->kind) {
	case TLN_messageMediaDocument:
		return locate_document(media->messageMediaDocument, ret);
	case TLN_messageMediaPhoto:
		return locate_photo(media->messageMediaPhoto, ret);
	default:
		return false;
	}
}

/* ---- the transfer */

static enum err check(const struct filemove_location *at, struct err_info *ei)
{
	if (at->size < FILEMOVE_SIZE_UNKNOWN)
		return err_set(ei, ERR_INVALID, "a file of %lld bytes",
			       (long long)at->size);
	if (at->size > FILEMOVE_SIZE_MAX)
		return err_set(ei, ERR_TOOBIG,
			       "the file has %lld bytes, the limit is %lld",
			       (long long)at->size,
			       (long long)FILEMOVE_SIZE_MAX);
	if (at->reference_len > FILEMOVE_REFERENCE_MAX)
		return err_set(ei, ERR_INVALID,
			       "a file reference of %zu bytes: at most %u",
			       at->reference_len, FILEMOVE_REFERENCE_MAX);
	return ERR_OK;
}

enum err filemove_start_down(struct filemove *f,
			     const struct filemove_config *cfg,
			     const struct filemove_location *at,
			     struct err_info *ei)
{
	enum err rc = filemove_init(f, cfg, false, ei);
	int64_t part = f->cfg.part_size;

	if (!rc)
		rc = check(at, ei);
	if (rc)
		return rc;
	f->at = *at;
	f->size = at->size;
	f->parts = FILEMOVE_PARTS_UNKNOWN;
	if (at->size != FILEMOVE_SIZE_UNKNOWN)
		f->parts = (uint32_t)((at->size + part - 1) / part);
	return ERR_OK;
}

enum err filemove_down_write(struct filemove *f,
			     const struct filemove_slot *slot, struct buf *body,
			     uint16_t *ret_function, struct err_info *ei)
{
	const struct filemove_location *at = &f->at;
	struct tl_bytes ref = { at->reference, at->reference_len };
	struct tl_bytes thumb = { (const uint8_t *)at->thumb_size,
				  strnlen(at->thumb_size,
					  sizeof(at->thumb_size)) };
	struct tlc_inputDocumentFileLocation doc = { at->id, at->access_hash,
						     ref, thumb };
	struct tlc_inputPhotoFileLocation photo = { at->id, at->access_hash,
						    ref, thumb };
	struct tlf_upload_getFile get = {
		.location.kind = TLN_inputDocumentFileLocation,
		.location.inputDocumentFileLocation = &doc,
		.offset = filemove_offset(f, slot->part),
		.limit = (int32_t)f->cfg.part_size,
	};
	struct tl_writer w;

	if (at->photo) {
		get.location.kind = TLN_inputPhotoFileLocation;
		get.location.inputPhotoFileLocation = &photo;
	}
	cursor_write(&w, body);
	*ret_function = TLN_upload_getFile;
	return tlf_upload_getFile_write(&w, &get, ei);
}

/* ---- what comes */

static enum err read_answer(const uint8_t *data, size_t len,
			    struct tl_bytes *ret, struct err_info *ei)
{
	struct tlt_upload_File file = { 0 };
	struct tl_reader r;
	struct arena a;
	enum err rc;

	arena_init(&a, ANSWER_ARENA_MAX);
	cursor_read(&r, data, len);
	rc = tlt_upload_File_read(&r, &a, &file, ei);
	if (!rc && file.kind == TLN_upload_file)
		*ret = file.upload_file->bytes; /* of data, not of the arena */
	else if (!rc)
		rc = err_set(ei, ERR_PROTO,
			     "redirected to a CDN, which we did not say we "
			     "can do");
	arena_deinit(&a);
	return rc;
}

static enum err check_len(const struct filemove *f, uint32_t part, size_t len,
			  struct err_info *ei)
{
	size_t full = f->cfg.part_size, want = full;
	int64_t left = f->size - filemove_offset(f, part);

	if (f->size == FILEMOVE_SIZE_UNKNOWN)
		want = len < full ? len : full;
	else if (left < (int64_t)full)
		want = (size_t)left;
	if (len != want)
		return err_set(ei, ERR_PROTO,
			       "part %u has %zu bytes where %zu belong", part,
			       len, want);
	if (filemove_offset(f, part) + (int64_t)len > FILEMOVE_SIZE_MAX)
		return err_set(ei, ERR_TOOBIG,
			       "the file has more than %lld bytes",
			       (long long)FILEMOVE_SIZE_MAX);
	return ERR_OK;
}

/* Of a file of unknown size: the first part that is not full is the last one,
 * and an empty one is behind it.  Parts come in any order. */
static enum err see_end(struct filemove *f, uint32_t part, size_t len,
			struct err_info *ei)
{
	uint32_t end = part + (len > 0);

	if (f->done < end && len)
		f->done = end; /* behind the last one with bytes */
	if (len < f->cfg.part_size && end < f->parts)
		f->parts = end;
	if (f->done > f->parts)
		return err_set(ei, ERR_PROTO, "bytes behind the file's end");
	for (uint32_t i = 0; i < FILEMOVE_WINDOW_MAX; i++)
		if (f->slots[i].state == FILEMOVE_SLOT_DUE &&
		    f->slots[i].part >= f->parts)
			f->slots[i].state = FILEMOVE_SLOT_FREE;
	return ERR_OK;
}

static enum err push(struct filemove *f, uint32_t part, const uint8_t *data,
		     size_t len, struct err_info *ei)
{
	enum err rc = f->cfg.push(f->cfg.ctx, filemove_offset(f, part), data,
				  len, ei);

	if (rc)
		return err_wrap(ei, rc, "keep part %u of the file", part);
	if (f->cfg.hash)
		sha_256_add(&f->sha, data, len);
	f->delivered++;
	filemove_progress(f, len);
	return ERR_OK;
}

static enum err hold(struct filemove_slot *s, const uint8_t *data, size_t len,
		     struct err_info *ei)
{
	s->held = malloc(len);
	if (!s->held)
		return err_set(ei, ERR_NOMEM, "keep part %u", s->part);
	memcpy(s->held, data, len);
	s->held_len = len;
	s->state = FILEMOVE_SLOT_HELD;
	return ERR_OK;
}

static struct filemove_slot *held(struct filemove *f, uint32_t part)
{
	for (uint32_t i = 0; i < FILEMOVE_WINDOW_MAX; i++)
		if (f->slots[i].state == FILEMOVE_SLOT_HELD &&
		    f->slots[i].part == part)
			return &f->slots[i];
	return NULL;
}

/* Those that waited for the one that was just pushed. */
static enum err push_held(struct filemove *f, struct err_info *ei)
{
	struct filemove_slot *s;
	enum err rc = ERR_OK;

	while (!rc && !filemove_over(f) && (s = held(f, f->delivered))) {
		struct filemove_slot was = *s;

		*s = (struct filemove_slot){ 0 };
		rc = push(f, was.part, was.held, was.held_len, ei);
		free(was.held);
	}
	return rc;
}

static enum err take(struct filemove *f, struct filemove_slot *s,
		     struct tl_bytes bytes, struct err_info *ei)
{
	uint32_t part = s->part;
	enum err rc;

	if (!f->cfg.any_order && part != f->delivered)
		return hold(s, bytes.data, bytes.len, ei);
	*s = (struct filemove_slot){ 0 };
	rc = push(f, part, bytes.data, bytes.len, ei);
	return rc ? rc : push_held(f, ei);
}

void filemove_down_answered(struct filemove *f, struct filemove_slot *slot,
			    const uint8_t *data, size_t len)
{
	struct err_info ei = { 0 };
	struct tl_bytes bytes = { 0 };
	uint32_t part = slot->part;
	enum err rc = read_answer(data, len, &bytes, &ei);

	if (!rc)
		rc = check_len(f, part, bytes.len, &ei);
	if (!rc)
		rc = see_end(f, part, bytes.len, &ei);
	if (!rc && part >= f->parts)
		*slot = (struct filemove_slot){
			0
		}; /* nothing, behind the end */
	else if (!rc)
		rc = take(f, slot, bytes, &ei);
	if (rc)
		filemove_fail(f, rc, ei.msg);
	else if (!filemove_over(f) && filemove_complete(f))
		filemove_finish(f);
}
