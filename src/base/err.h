/* SPDX-License-Identifier: MIT */
/*
 * Results, and the story behind a bad one.
 *
 * A function that can fail returns `enum err`: 0 or one code from err.def.  The
 * type itself is [[nodiscard]], so dropping a result is a compile error in every
 * caller without anyone having to remember an attribute.  A function that can
 * explain *why* also takes a trailing `struct err_info *`, which may be NULL.
 *
 *	rc = dc_dial(dc, &fd, ei);
 *	if (rc)
 *		return err_wrap(ei, rc, "dial dc %d", dc->id);
 *
 * Layers below worker/ and control/ do not log errors; they return them, so each
 * failure is logged exactly once, by whoever decides what happens next.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/defs.h"

enum [[nodiscard]] err{
	ERR_OK = 0,
#define ERR(name, number, retry, http, code, text) ERR_##name = (number),
#include "base/err.def"
#undef ERR
};

enum err_retry {
	ERR_RETRY_NEVER,
	ERR_RETRY_SOON,
	ERR_RETRY_AFTER,
	ERR_RETRY_ELSEWHERE,
};

#define ERR_MSG_MAX 240

/* Lives on the caller's stack; owns nothing, so it is never freed. */
struct err_info {
	int64_t arg; /* seconds to wait, DC id, errno: see err.def */
	char msg[ERR_MSG_MAX];
};

/* Record the innermost reason.  Returns rc, so `return err_set(...)` reads. */
enum err err_set(struct err_info *ei, enum err rc, const char *fmt, ...)
	PRINTF_FMT(3, 4);

/* Put "context: " in front of the reason.  Truncates the tail, never the head. */
enum err err_wrap(struct err_info *ei, enum err rc, const char *fmt, ...)
	PRINTF_FMT(3, 4);

/* The analyzer cannot know that what comes back is rc, and not 0. */
#if defined(__clang_analyzer__) && !defined(ERR_IMPLEMENTATION)
#define err_set(ei, rc, ...) ((void)err_set(ei, rc, __VA_ARGS__), (rc))
#define err_wrap(ei, rc, ...) ((void)err_wrap(ei, rc, __VA_ARGS__), (rc))
#endif

const char *err_name(enum err rc);
const char *err_text(enum err rc);
enum err_retry err_retry(enum err rc);
int err_http_status(enum err rc);

/* The API's `error.code` for rc: a stable lower-case word. */
const char *err_code(enum err rc);

#endif /* BASE_ERR_H */
