/* SPDX-License-Identifier: MIT */
/*
 * Inside a transfer.
 *
 *	filemove.c       parts under way, waits, retries, events
 *	filemove_up.c    what an upload sends
 *	filemove_down.c  what a download asks for and is given
 */
#ifndef TG_FILEMOVE_INT_H
#define TG_FILEMOVE_INT_H

#include "tg/filemove.h"

#define FILEMOVE_PARTS_UNKNOWN UINT32_MAX

enum {
	FILEMOVE_SLOT_FREE,
	FILEMOVE_SLOT_DUE,  /* to be sent, maybe again */
	FILEMOVE_SLOT_SENT, /* an answer will come */
	FILEMOVE_SLOT_HELD, /* down: here before its turn */
};

/* filemove.c: checks and copies what both ways have in common. */
enum err filemove_init(struct filemove *f, const struct filemove_config *cfg,
		       bool up, struct err_info *ei);
void filemove_emit(struct filemove *f, enum filemove_event_type type);
void filemove_progress(struct filemove *f, size_t len);
/* Ends well: FILEMOVE_DONE. */
void filemove_finish(struct filemove *f);

/* filemove_up.c, filemove_down.c */
enum err filemove_up_write(struct filemove *f, const struct filemove_slot *slot,
			   struct buf *body, uint16_t *ret_function,
			   struct err_info *ei);
void filemove_up_answered(struct filemove *f, struct filemove_slot *slot,
			  const uint8_t *data, size_t len);
enum err filemove_down_write(struct filemove *f,
			     const struct filemove_slot *slot, struct buf *body,
			     uint16_t *ret_function, struct err_info *ei);
void filemove_down_answered(struct filemove *f, struct filemove_slot *slot,
			    const uint8_t *data, size_t len);

static inline int64_t filemove_offset(const struct filemove *f, uint32_t part)
{
	return (int64_t)part * f->cfg.part_size;
}

static inline bool filemove_complete(const struct filemove *f)
{
	return (f->up ? f->done : f->delivered) >= f->parts;
}

#endif /* TG_FILEMOVE_INT_H */
