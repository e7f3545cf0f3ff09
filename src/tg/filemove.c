/* SPDX-License-Identifier: MIT */
#include "tg/filemove.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tg/filemove_int.h"

#define BACKOFF_US US_PER_SEC
#define BACKOFF_MAX_US (32 * US_PER_SEC)
/* Telegram's clock and ours, and what was rounded down: as in flood.c. */
#define WAIT_MARGIN_US US_PER_SEC
#define DC_MAX 1000
#define WAIT_MAX_S INT64_C(31536000)

/* ---- events */

static void emit(struct filemove *f, struct filemove_event ev)
{
	ev.file = f;
	f->cfg.on_event(f->cfg.ctx, &ev);
}

void filemove_emit(struct filemove *f, enum filemove_event_type type)
{
	emit(f, (struct filemove_event){ .type = type });
}

void filemove_progress(struct filemove *f, size_t len)
{
	f->done_bytes += (int64_t)len;
	f->refreshed = 0;
	filemove_emit(f, FILEMOVE_PROGRESS);
}

static void forget(struct filemove_slot *s)
{
	free(s->held);
	*s = (struct filemove_slot){ 0 };
}

static void forget_all(struct filemove *f)
{
	for (uint32_t i = 0; i < FILEMOVE_WINDOW_MAX; i++)
		forget(&f->slots[i]);
}

void filemove_fail(struct filemove *f, enum err rc, const char *why)
{
	if (filemove_over(f))
		return;
	forget_all(f);
	f->state = FILEMOVE_STATE_FAILED;
	f->rc = err_set(&f->why, rc, "%s", why);
	emit(f, (struct filemove_event){
			.type = FILEMOVE_FAILED, .rc = rc, .why = f->why.msg });
}

void filemove_cancel(struct filemove *f)
{
	filemove_fail(f, ERR_CANCELED, "the transfer was cancelled");
}

/* Once: a part may have to be sent again after the end. */
static void sum_up(struct filemove *f)
{
	uint8_t md5[MD5_LEN];

	if (f->summed)
		return;
	f->summed = true;
	if (f->cfg.hash)
		sha_256_end(&f->sha, f->sha256);
	if (!f->up || f->big)
		return;
	md5_end(&f->md5, md5);
	text_hex(f->md5_hex, md5, sizeof(md5));
}

void filemove_finish(struct filemove *f)
{
	forget_all(f);
	sum_up(f);
	if (f->size == FILEMOVE_SIZE_UNKNOWN)
		f->size = f->done_bytes;
	if (f->cfg.expect_sha256 &&
	    memcmp(f->sha256, f->expected, sizeof(f->sha256)) != 0) {
		filemove_fail(f, ERR_CORRUPT,
			      "the file is not the one expected (SHA-256)");
		return;
	}
	f->state = FILEMOVE_STATE_DONE;
	filemove_emit(f, FILEMOVE_DONE);
}

/* ---- life */

enum err filemove_init(struct filemove *f, const struct filemove_config *cfg,
		       bool up, struct err_info *ei)
{
	struct filemove_config *c = &f->cfg;

	*f = (struct filemove){ .cfg = *cfg, .up = up };
	c->part_size = c->part_size ? c->part_size : FILEMOVE_PART_MAX;
	c->window = c->window ? c->window : FILEMOVE_WINDOW;
	if (c->part_size < FILEMOVE_PART_MIN ||
	    FILEMOVE_PART_MAX % c->part_size)
		return err_set(ei, ERR_INVALID,
			       "part size %u: it must divide %u and be at "
			       "least %u",
			       c->part_size, FILEMOVE_PART_MAX,
			       FILEMOVE_PART_MIN);
	if (c->window > FILEMOVE_WINDOW_MAX)
		return err_set(ei, ERR_INVALID,
			       "%u parts at a time: at most %u", c->window,
			       FILEMOVE_WINDOW_MAX);
	if (c->expect_sha256) {
		memcpy(f->expected, c->expect_sha256, sizeof(f->expected));
		c->expect_sha256 = f->expected;
		c->hash = true;
	}
	if (c->hash && c->any_order)
		return err_set(ei, ERR_INVALID,
			       "parts in any order cannot be hashed");
	if (c->hash)
		sha_256_begin(&f->sha);
	return ERR_OK;
}

void filemove_deinit(struct filemove *f)
{
	forget_all(f);
	*f = (struct filemove){ 0 };
}

/* ---- parts */

static struct filemove_slot *slot_of(struct filemove *f, uint32_t part)
{
	for (uint32_t i = 0; i < FILEMOVE_WINDOW_MAX; i++)
		if (f->slots[i].state != FILEMOVE_SLOT_FREE &&
		    f->slots[i].part == part)
			return &f->slots[i];
	return NULL;
}

static struct filemove_slot *sent_slot(struct filemove *f, uint32_t part)
{
	struct filemove_slot *s = slot_of(f, part);

	return s && s->state == FILEMOVE_SLOT_SENT ? s : NULL;
}

bool filemove_under_way(const struct filemove *f, uint32_t *ret_part)
{
	for (uint32_t i = 0; i < FILEMOVE_WINDOW_MAX; i++) {
		if (f->slots[i].state != FILEMOVE_SLOT_SENT)
			continue;
		*ret_part = f->slots[i].part;
		return true;
	}
	return false;
}

static bool asks(const struct filemove *f)
{
	return f->state == FILEMOVE_STATE_GOING && !f->paused;
}

/* One that had to be sent again comes first. */
static struct filemove_slot *due_slot(struct filemove *f, struct mono now)
{
	struct filemove_slot *best = NULL;

	for (uint32_t i = 0; i < FILEMOVE_WINDOW_MAX; i++) {
		struct filemove_slot *s = &f->slots[i];

		if (s->state == FILEMOVE_SLOT_DUE &&
		    !mono_before(now, s->due) &&
		    (!best || s->part < best->part))
			best = s;
	}
	return best;
}

/* A part never asked for, if there is room for it. */
static struct filemove_slot *fresh_slot(struct filemove *f)
{
	struct filemove_slot *s = NULL;

	if (f->next >= f->parts)
		return NULL;
	for (uint32_t i = 0; i < f->cfg.window && !s; i++)
		if (f->slots[i].state == FILEMOVE_SLOT_FREE)
			s = &f->slots[i];
	if (s)
		*s = (struct filemove_slot){ .part = f->next++,
					     .state = FILEMOVE_SLOT_DUE };
	return s;
}

void filemove_next(struct filemove *f, struct mono now, struct buf *body,
		   uint16_t *ret_function, uint32_t *ret_part, bool *ret_has)
{
	struct err_info ei = { 0 };
	struct filemove_slot *s;
	enum err rc;

	*ret_has = false;
	if (asks(f) && filemove_complete(f)) /* nothing to be asked for */
		filemove_finish(f);
	if (!asks(f) || mono_before(now, f->hold))
		return;
	s = due_slot(f, now);
	if (!s)
		s = fresh_slot(f);
	if (!s)
		return;
	buf_reset(body);
	rc = f->up ? filemove_up_write(f, s, body, ret_function, &ei)
		   : filemove_down_write(f, s, body, ret_function, &ei);
	if (rc) {
		filemove_fail(f, rc, ei.msg);
		return;
	}
	s->state = FILEMOVE_SLOT_SENT;
	s->reference = f->references;
	*ret_part = s->part;
	*ret_has = true;
}

struct mono filemove_deadline(const struct filemove *f)
{
	struct mono t = MONO_NEVER;
	bool room = false;

	if (!asks(f))
		return t;
	for (uint32_t i = 0; i < FILEMOVE_WINDOW_MAX; i++) {
		const struct filemove_slot *s = &f->slots[i];

		if (s->state == FILEMOVE_SLOT_DUE)
			t = mono_min(t, s->due);
		room |= i < f->cfg.window && s->state == FILEMOVE_SLOT_FREE;
	}
	if (filemove_complete(f) || (room && f->next < f->parts))
		t = (struct mono){ 0 };
	return t.us != MONO_NEVER.us && mono_before(t, f->hold) ? f->hold : t;
}

void filemove_put_back(struct filemove *f, uint32_t part)
{
	struct filemove_slot *s = sent_slot(f, part);

	if (s)
		s->state = FILEMOVE_SLOT_DUE;
}

/* ---- answers */

void filemove_on_result(struct filemove *f, uint32_t part, const uint8_t *data,
			size_t len, struct mono now)
{
	struct filemove_slot *s = sent_slot(f, part);

	(void)now;
	if (!s || filemove_over(f))
		return;
	if (f->up)
		filemove_up_answered(f, s, data, len);
	else
		filemove_down_answered(f, s, data, len);
}

static void again_later(struct filemove *f, struct filemove_slot *s,
			enum err rc, const char *why, struct mono now)
{
	int64_t wait = BACKOFF_US << s->tries;
	struct err_info ei;

	if (++s->tries >= FILEMOVE_TRIES) {
		(void)!err_set(&ei, rc, "part %u, tried %d times: %s", s->part,
			       FILEMOVE_TRIES, why);
		filemove_fail(f, rc, ei.msg);
		return;
	}
	s->state = FILEMOVE_SLOT_DUE;
	s->due = mono_add(now, wait < BACKOFF_MAX_US ? wait : BACKOFF_MAX_US);
}

/* Obeyed by all parts: the wait is about the account, not about one of them. */
static void wait(struct filemove *f, struct filemove_slot *s, int64_t seconds,
		 struct mono now)
{
	struct mono until;

	s->state = FILEMOVE_SLOT_DUE;
	if (seconds < 0)
		seconds = 0;
	if (seconds > WAIT_MAX_S)
		seconds = WAIT_MAX_S;
	until = mono_add(now, seconds * US_PER_SEC + WAIT_MARGIN_US);
	if (!mono_before(f->hold, until))
		return;
	f->hold = until;
	emit(f, (struct filemove_event){ .type = FILEMOVE_WAITING,
					 .until = until });
}

static bool refresh(struct filemove *f, enum filemove_state state,
		    const char *why)
{
	if (f->state == state)
		return false; /* another part said so already */
	if (++f->refreshed > FILEMOVE_REFRESH_MAX) {
		filemove_fail(f, ERR_PROTO, why);
		return false;
	}
	f->state = (uint8_t)state;
	return true;
}

static void moved(struct filemove *f, int64_t dc)
{
	if (refresh(f, FILEMOVE_STATE_WANT_DC,
		    "the file is sent from one data centre to the next"))
		emit(f, (struct filemove_event){ .type = FILEMOVE_MOVED,
						 .dc_id = (int)dc });
}

static bool about_reference(const struct rpcerr *err)
{
	return !strncmp(err->name, "FILE_REFERENCE_", 15) ||
	       !strcmp(err->name, "FILEREF_UPGRADE_NEEDED");
}

static void refused(struct filemove *f, const struct filemove_slot *s,
		    const struct rpcerr *err)
{
	struct err_info ei, why;
	enum err rc = rpcerr_to_err(err, &why);

	(void)!err_set(&ei, rc, "part %u: %s", s->part, why.msg);
	filemove_fail(f, rc, ei.msg);
}

void filemove_on_error(struct filemove *f, uint32_t part,
		       const struct rpcerr *err, struct mono now)
{
	struct filemove_slot *s = sent_slot(f, part);

	if (!s || filemove_over(f))
		return;
	if (!f->up && about_reference(err)) {
		s->state = FILEMOVE_SLOT_DUE;
		if (s->reference != f->references)
			return; /* there is a newer one already */
		if (refresh(f, FILEMOVE_STATE_WANT_REFERENCE,
			    "fresh references are refused, too"))
			filemove_emit(f, FILEMOVE_REFERENCE);
		return;
	}
	switch (err->row->retry) {
	case ERR_RETRY_AFTER:
		wait(f, s, err->arg, now);
		break;
	case ERR_RETRY_SOON:
		again_later(f, s, err->row->err, err->name, now);
		break;
	case ERR_RETRY_ELSEWHERE:
		if (f->up || strncmp(err->name, "FILE_MIGRATE_", 13) != 0 ||
		    err->arg <= 0 || err->arg > DC_MAX) {
			refused(f, s, err);
			break;
		}
		s->state = FILEMOVE_SLOT_DUE;
		moved(f, err->arg);
		break;
	case ERR_RETRY_NEVER:
		refused(f, s, err);
		break;
	}
}

void filemove_on_failure(struct filemove *f, uint32_t part, enum err rc,
			 struct mono now)
{
	struct filemove_slot *s = sent_slot(f, part);

	if (!s || filemove_over(f))
		return;
	if (rc == ERR_CANCELED)
		s->state = FILEMOVE_SLOT_DUE;
	else
		again_later(f, s, rc, err_text(rc), now);
}

/* ---- the owner's side */

void filemove_pause(struct filemove *f)
{
	f->paused = true;
}

void filemove_resume(struct filemove *f)
{
	f->paused = false;
}

enum err filemove_give_reference(struct filemove *f, const uint8_t *reference,
				 size_t len, struct err_info *ei)
{
	if (f->up || filemove_over(f))
		return err_set(ei, ERR_CONFLICT,
			       "no reference is wanted: the transfer is over, "
			       "or an upload");
	if (!len || len > FILEMOVE_REFERENCE_MAX)
		return err_set(ei, ERR_INVALID,
			       "a file reference has 1 to %u bytes, not %zu",
			       FILEMOVE_REFERENCE_MAX, len);
	memcpy(f->at.reference, reference, len);
	f->at.reference_len = len;
	f->references++;
	if (f->state == FILEMOVE_STATE_WANT_REFERENCE)
		f->state = FILEMOVE_STATE_GOING;
	return ERR_OK;
}

void filemove_arrived(struct filemove *f)
{
	if (f->state == FILEMOVE_STATE_WANT_DC)
		f->state = FILEMOVE_STATE_GOING;
}
