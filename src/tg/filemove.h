/* SPDX-License-Identifier: MIT */
/*
 * One file on its way up or down, part by part.
 * https://core.telegram.org/api/files
 *
 * It says which calls are to be made and is told what came of each; tg/media.h
 * does that for several files on one connection:
 *
 *	filemove_next(f, now, &body, &part, &has)	calls to make, while it has any
 *	filemove_on_result(f, part, ...)		exactly one of these for each
 *	filemove_on_error(f, part, ...)
 *	filemove_on_failure(f, part, ...)
 *	filemove_deadline(f)			when to ask for the next again
 *
 * Up: bytes are pulled from the owner when a part is to be sent, and again when
 * it has to be sent again: a pull must be able to give any range at any time.  Up
 * to FILEMOVE_SMALL_MAX bytes go by upload.saveFilePart, with their MD5, more by
 * saveBigFilePart.  Nobody is told of the file: that is messages.sendMedia with
 * filemove_get_input().
 *
 * Down: parts are asked for at multiples of the part size, which divides 1 MiB, so
 * no request crosses a boundary of Telegram's.  They are pushed to the owner in
 * order, unless any_order is set.  cdn_supported is never set: files come from
 * Telegram's own data centres, where what is said is under the key of the
 * session; an answer that redirects to a CDN all the same is an error.
 *
 * Events come from inside the calls above; a callback may call pause, resume,
 * give_reference and cancel, and nothing else.
 *
 *	FILEMOVE_PROGRESS	done_bytes grew
 *	FILEMOVE_WAITING	Telegram asked to wait until `until`; it goes on by itself
 *	FILEMOVE_REFERENCE	the reference is stale: get the message again, then
 *			filemove_give_reference(), or filemove_cancel()
 *	FILEMOVE_MOVED	the file lies in data centre dc_id: give it to a
 *			connection there, which resumes it
 *	FILEMOVE_DONE	all of it is there
 *	FILEMOVE_FAILED	rc and why; cancelled: ERR_CANCELED
 *
 *   owner     the caller embeds one
 *   memory    going up none (a part lies in the session until it is answered);
 *             going down in order at most window - 1 parts that came early
 *   threads   none
 *   failure   the size limit and empty files are refused by the start functions;
 *             a part is tried FILEMOVE_TRIES times
 */
#ifndef TG_FILEMOVE_H
#define TG_FILEMOVE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "crypto/md5.h"
#include "tg/rpcerr.h"
#include "tl/tl_wanted.h"

#define FILEMOVE_PART_MAX (512U << 10)
#define FILEMOVE_PART_MIN (4U << 10)
#define FILEMOVE_SMALL_MAX (INT64_C(10) << 20)
/* Telegram's limits for uploads, upload_max_fileparts_default and _premium. */
#define FILEMOVE_PARTS_MAX 4000U
#define FILEMOVE_PARTS_PREMIUM 8000U
/* Of a download of unknown size: what a file can have at most. */
#define FILEMOVE_SIZE_MAX ((int64_t)FILEMOVE_PARTS_PREMIUM * FILEMOVE_PART_MAX)
#define FILEMOVE_WINDOW 4U
#define FILEMOVE_WINDOW_MAX 16U
#define FILEMOVE_TRIES 6
#define FILEMOVE_REFERENCE_MAX 256U
#define FILEMOVE_NAME_MAX 255U
/* Fresh references, or moves, without a byte between them. */
#define FILEMOVE_REFRESH_MAX 3
#define FILEMOVE_MISSING_MAX 32
/* What filemove_next() needs room for. */
#define FILEMOVE_BODY_MAX (FILEMOVE_PART_MAX + 1024U)
#define FILEMOVE_SIZE_UNKNOWN INT64_C(-1)

enum filemove_event_type {
	FILEMOVE_PROGRESS,
	FILEMOVE_WAITING,
	FILEMOVE_REFERENCE,
	FILEMOVE_MOVED,
	FILEMOVE_DONE,
	FILEMOVE_FAILED,
};

struct filemove;

struct filemove_event {
	enum filemove_event_type type;
	struct filemove *file;
	struct mono until; /* WAITING */
	int dc_id;	   /* MOVED */
	enum err rc;	   /* FAILED */
	const char *why;   /* FAILED */
};

typedef void (*filemove_event_fn)(void *ctx, const struct filemove_event *ev);
/* Exactly len bytes from offset on; an error ends the upload. */
typedef enum err (*filemove_pull_fn)(void *ctx, int64_t offset, uint8_t *dst,
				     size_t len, struct err_info *ei);
/* An error ends the download. */
typedef enum err (*filemove_push_fn)(void *ctx, int64_t offset,
				     const uint8_t *data, size_t len,
				     struct err_info *ei);

/* Where a document or photo lies, as its message said. */
struct filemove_location {
	bool photo;
	char thumb_size[8]; /* "" for the document itself */
	int64_t id, access_hash;
	int64_t size; /* FILEMOVE_SIZE_UNKNOWN: until a part is not full */
	int dc_id; /* where it lies, for who dials; FILEMOVE_MOVED corrects it */
	size_t reference_len;
	uint8_t reference[FILEMOVE_REFERENCE_MAX];
};

struct filemove_config {
	filemove_event_fn on_event;
	void *ctx;	    /* of all callbacks */
	uint32_t part_size; /* 0: FILEMOVE_PART_MAX; else it divides that */
	uint32_t window;    /* parts under way; 0: FILEMOVE_WINDOW */
	bool hash;	    /* of all bytes, in order: filemove_sha256() */
	bool any_order;	    /* down, without hash: push parts as they come */
	const uint8_t *expect_sha256; /* down: or NULL; copied; implies hash */
	/* up */
	filemove_pull_fn pull;
	struct rnd *rnd;
	uint32_t parts_max; /* 0: FILEMOVE_PARTS_MAX */
	int64_t file_id;    /* 0: a new one */
	uint32_t from_part; /* of a big file: those below are there already */
	/* down */
	filemove_push_fn push;
};

enum filemove_state {
	FILEMOVE_STATE_GOING,
	FILEMOVE_STATE_WANT_REFERENCE,
	FILEMOVE_STATE_WANT_DC,
	FILEMOVE_STATE_DONE,
	FILEMOVE_STATE_FAILED,
};

struct filemove_slot {
	uint32_t part;
	uint8_t state, tries;
	uint8_t reference; /* which one it was asked with, of those given */
	struct mono due;   /* not to be sent before */
	uint8_t *held;	   /* came before its turn */
	size_t held_len;
};

struct filemove {
	struct filemove_config cfg;
	struct filemove_location at; /* down */
	struct filemove_slot slots[FILEMOVE_WINDOW_MAX];
	struct mono hold; /* no call before that */
	int64_t size;	  /* FILEMOVE_SIZE_UNKNOWN until the end is seen */
	int64_t done_bytes;
	uint32_t parts;	    /* in all; UINT32_MAX: not known */
	uint32_t next;	    /* to be sent */
	uint32_t done;	    /* up: answered; down: behind the last with bytes */
	uint32_t delivered; /* down, in order: the next to be pushed */
	uint32_t hashed;    /* up: the next to be hashed */
	struct sha_256_sum sha;
	struct md5_sum md5;
	uint8_t sha256[SHA_256_LEN], expected[SHA_256_LEN];
	char md5_hex[2 * MD5_LEN + 1];
	uint8_t state;	    /* enum filemove_state */
	uint8_t refreshed;  /* since the last bytes */
	uint8_t references; /* given */
	uint8_t missed;	    /* parts sent again after the end */
	bool up, big, paused, summed;
	enum err rc;
	struct err_info why;
};

/* ERR_INVALID for an empty file or a bad part size, ERR_TOOBIG above parts_max. */
enum err filemove_start_up(struct filemove *f,
			   const struct filemove_config *cfg, int64_t size,
			   struct err_info *ei);
enum err filemove_start_down(struct filemove *f,
			     const struct filemove_config *cfg,
			     const struct filemove_location *at,
			     struct err_info *ei);
void filemove_deinit(struct filemove *f);
/* The document, or the photo in its largest size, of a message; false: none. */
bool filemove_locate(const struct tlt_MessageMedia *media,
		     struct filemove_location *ret);

/* body is overwritten.  *ret_function: TLN_* of the call. */
void filemove_next(struct filemove *f, struct mono now, struct buf *body,
		   uint16_t *ret_function, uint32_t *ret_part, bool *ret_has);
/* The call could not be made, or was taken back: it counts as never made. */
void filemove_put_back(struct filemove *f, uint32_t part);
void filemove_on_result(struct filemove *f, uint32_t part, const uint8_t *data,
			size_t len, struct mono now);
void filemove_on_error(struct filemove *f, uint32_t part,
		       const struct rpcerr *err, struct mono now);
void filemove_on_failure(struct filemove *f, uint32_t part, enum err rc,
			 struct mono now);
/* MONO_NEVER: only an answer or the owner can move it. */
struct mono filemove_deadline(const struct filemove *f);
/* Any part that is under way; *ret_part tells which. */
bool filemove_under_way(const struct filemove *f, uint32_t *ret_part);

/* No new parts while paused; what is under way still comes. */
void filemove_pause(struct filemove *f);
void filemove_resume(struct filemove *f);
void filemove_cancel(struct filemove *f);
void filemove_fail(struct filemove *f, enum err rc, const char *why);
enum err filemove_give_reference(struct filemove *f, const uint8_t *reference,
				 size_t len, struct err_info *ei);
/* After FILEMOVE_MOVED: it is on a connection to the right data centre. */
void filemove_arrived(struct filemove *f);
/* After FILEMOVE_DONE of an upload Telegram misses this part: FILE_PART_x_MISSING. */
enum err filemove_missing(struct filemove *f, uint32_t part,
			  struct err_info *ei);

/* What messages.sendMedia needs; borrows f and name. */
struct filemove_input {
	struct tlt_InputFile file;
	struct tlc_inputFile small;
	struct tlc_inputFileBig big;
};
void filemove_get_input(const struct filemove *f, const char *name,
			struct filemove_input *ret);

static inline enum filemove_state filemove_state(const struct filemove *f)
{
	return (enum filemove_state)f->state;
}
static inline bool filemove_over(const struct filemove *f)
{
	return f->state == FILEMOVE_STATE_DONE ||
	       f->state == FILEMOVE_STATE_FAILED;
}

#endif /* TG_FILEMOVE_H */
