/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tg/filemove_int.h"

static enum err check(const struct filemove *f, struct err_info *ei)
{
	const struct filemove_config *c = &f->cfg;
	int64_t max = (int64_t)c->parts_max * c->part_size;

	if (c->parts_max > FILEMOVE_PARTS_PREMIUM)
		return err_set(ei, ERR_INVALID, "%u parts: at most %u",
			       c->parts_max, FILEMOVE_PARTS_PREMIUM);
	if (f->size <= 0)
		return err_set(ei, ERR_INVALID,
			       "Telegram takes no empty files");
	if (f->size > max)
		return err_set(ei, ERR_TOOBIG,
			       "the file has %lld bytes, the limit is %lld "
			       "(%u parts of %u)",
			       (long long)f->size, (long long)max, c->parts_max,
			       c->part_size);
	if (c->from_part && (!f->big || c->hash || c->from_part >= f->parts))
		return err_set(ei, ERR_INVALID,
			       "begin at part %u: only big files, not hashed, "
			       "go on in the middle",
			       c->from_part);
	return ERR_OK;
}

enum err filemove_start_up(struct filemove *f,
			   const struct filemove_config *cfg, int64_t size,
			   struct err_info *ei)
{
	enum err rc = filemove_init(f, cfg, true, ei);
	struct filemove_config *c = &f->cfg;

	if (rc)
		return rc;
	c->parts_max = c->parts_max ? c->parts_max : FILEMOVE_PARTS_MAX;
	f->size = size;
	f->big = size > FILEMOVE_SMALL_MAX;
	if (size > 0 && size <= FILEMOVE_SIZE_MAX)
		f->parts = (uint32_t)((size + c->part_size - 1) / c->part_size);
	rc = check(f, ei);
	if (rc)
		return rc;
	while (!c->file_id)
		c->file_id = (int64_t)rnd_u64(c->rnd);
	f->next = f->done = f->hashed = c->from_part;
	f->done_bytes = filemove_offset(f, c->from_part);
	md5_begin(&f->md5);
	return ERR_OK;
}

static size_t part_len(const struct filemove *f, uint32_t part)
{
	int64_t left = f->size - filemove_offset(f, part);

	return left < f->cfg.part_size ? (size_t)left : f->cfg.part_size;
}

/* Parts are first sent in order, so each is hashed when it is first seen. */
static void digest(struct filemove *f, uint32_t part, const uint8_t *data,
		   size_t len)
{
	if (part != f->hashed)
		return;
	f->hashed++;
	if (f->cfg.hash)
		sha_256_add(&f->sha, data, len);
	if (!f->big)
		md5_add(&f->md5, data, len);
}

/* What is in front of the bytes, made by the generated writer: they are empty
 * there, and come behind it by themselves, without being copied twice. */
static enum err write_head(struct filemove *f, uint32_t part, struct buf *body,
			   uint16_t *ret_function, struct err_info *ei)
{
	const struct tlf_upload_saveFilePart small = {
		.file_id = f->cfg.file_id, .file_part = (int32_t)part
	};
	const struct tlf_upload_saveBigFilePart big = {
		.file_id = f->cfg.file_id,
		.file_part = (int32_t)part,
		.file_total_parts = (int32_t)f->parts,
	};
	struct tl_writer w;
	enum err rc;

	cursor_write(&w, body);
	*ret_function =
		f->big ? TLN_upload_saveBigFilePart : TLN_upload_saveFilePart;
	rc = f->big ? tlf_upload_saveBigFilePart_write(&w, &big, ei)
		    : tlf_upload_saveFilePart_write(&w, &small, ei);
	if (!rc)
		body->len -= 4; /* the empty bytes */
	return rc;
}

enum err filemove_up_write(struct filemove *f, const struct filemove_slot *slot,
			   struct buf *body, uint16_t *ret_function,
			   struct err_info *ei)
{
	size_t len = part_len(f, slot->part);
	size_t head = len < 254 ? 1 : 4;
	size_t pad = (4 - (head + len) % 4) % 4;
	uint8_t *p;
	enum err rc = write_head(f, slot->part, body, ret_function, ei);

	if (!rc)
		rc = buf_reserve(body, head + len + pad, &p);
	if (rc)
		return err_set(ei, rc, "write part %u", slot->part);
	if (head == 1)
		p[0] = (uint8_t)len;
	else
		memcpy(p,
		       (uint8_t[]){ 254, (uint8_t)len, (uint8_t)(len >> 8),
				    (uint8_t)(len >> 16) },
		       4);
	rc = f->cfg.pull(f->cfg.ctx, filemove_offset(f, slot->part), p + head,
			 len, ei);
	if (rc)
		return err_wrap(ei, rc, "read part %u of the file", slot->part);
	memset(p + head + len, 0, pad);
	buf_commit(body, head + len + pad);
	digest(f, slot->part, p + head, len);
	return ERR_OK;
}

void filemove_up_answered(struct filemove *f, struct filemove_slot *slot,
			  const uint8_t *data, size_t len)
{
	size_t sent = part_len(f, slot->part);
	struct tl_reader r;
	uint32_t id;

	cursor_read(&r, data, len);
	id = cursor_get_u32(&r);
	if (cursor_finish(&r) || id != CURSOR_TRUE_ID) {
		filemove_fail(f, ERR_PROTO,
			      "the answer to a part is not \"true\"");
		return;
	}
	*slot = (struct filemove_slot){ 0 };
	f->done++;
	filemove_progress(f, sent);
	if (!filemove_over(f) && filemove_complete(f))
		filemove_finish(f);
}

enum err filemove_missing(struct filemove *f, uint32_t part,
			  struct err_info *ei)
{
	if (!f->up || f->state != FILEMOVE_STATE_DONE || part >= f->parts)
		return err_set(ei, ERR_CONFLICT,
			       "part %u cannot be sent again: the upload is "
			       "not done, or has no such part",
			       part);
	if (++f->missed > FILEMOVE_MISSING_MAX)
		return err_set(ei, ERR_PROTO,
			       "Telegram lost %d parts; upload the file again",
			       FILEMOVE_MISSING_MAX);
	f->slots[0] = (struct filemove_slot){ .part = part,
					      .state = FILEMOVE_SLOT_DUE };
	f->done--;
	f->done_bytes -= (int64_t)part_len(f, part);
	f->state = FILEMOVE_STATE_GOING;
	return ERR_OK;
}

void filemove_get_input(const struct filemove *f, const char *name,
			struct filemove_input *ret)
{
	size_t len = strnlen(name, FILEMOVE_NAME_MAX);
	struct tl_bytes n = { (const uint8_t *)name, len };
	struct tl_bytes md5 = { (const uint8_t *)f->md5_hex,
				strlen(f->md5_hex) };

	ret->small = (struct tlc_inputFile){ .id = f->cfg.file_id,
					     .parts = (int32_t)f->parts,
					     .name = n,
					     .md5_checksum = md5 };
	ret->big = (struct tlc_inputFileBig){ .id = f->cfg.file_id,
					      .parts = (int32_t)f->parts,
					      .name = n };
	ret->file = (struct tlt_InputFile){ .kind = f->big ? TLN_inputFileBig
							   : TLN_inputFile };
	if (f->big)
		ret->file.inputFileBig = &ret->big;
	else
		ret->file.inputFile = &ret->small;
}
