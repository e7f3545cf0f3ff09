/* SPDX-License-Identifier: MIT */
/*
 * logfmt on stderr: one line an event, one line a failure.
 *
 *	2026-11-22T09:15:22.123Z level=warn ev=acc.state acc=417 to=BACKOFF why="..."
 *
 * Only worker/, control/, bot/, dc/ and cli/ log: lower layers return errors and
 * whoever decides logs them once.  Fields are typed; there is none for a secret,
 * phones are masked.  Values are quoted and escaped, so that hostile text can
 * neither break a line nor fake one.  Event names come from base/log.def.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

enum log_event {
#define LOG_EVENT(sym, name, help) LOGEV_##sym,
#include "base/log.def"
#undef LOG_EVENT
	LOGEV_COUNT
};

struct log_field {
	const char *key;
	enum { LOG_F_STR, LOG_F_I64, LOG_F_U64, LOG_F_PHONE } type;
	union {
		const char *str;
		int64_t i64;
		uint64_t u64;
	};
};

#define log_str(k, v) ((struct log_field){ (k), LOG_F_STR, { .str = (v) } })
#define log_i64(k, v) ((struct log_field){ (k), LOG_F_I64, { .i64 = (v) } })
#define log_u64(k, v) ((struct log_field){ (k), LOG_F_U64, { .u64 = (v) } })
#define log_phone(k, v) ((struct log_field){ (k), LOG_F_PHONE, { .str = (v) } })

/* log_at(LOG_WARN, LOGEV_ACC_STATE, log_str("acc", id), log_i64("n", 3)); */
#define log_at(level, event, ...)                                              \
	log_write((level), (event), (const struct log_field[]){ __VA_ARGS__ }, \
		  sizeof((const struct log_field[]){ __VA_ARGS__ }) /          \
			  sizeof(struct log_field))
#define log_info(event, ...) log_at(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) log_at(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_at(LOG_ERROR, event, __VA_ARGS__)
#define log_debug(event, ...) log_at(LOG_DEBUG, event, __VA_ARGS__)

void log_write(enum log_level level, enum log_event event,
	       const struct log_field *fields, size_t n);
/* A failure: err=NAME msg="...", plus the fields. */
#define log_fail(level, event, rc, ei, ...)                                    \
	log_at(level, event, log_str("err", err_name(rc)),                     \
	       log_str("msg", (ei)->msg), __VA_ARGS__)

void log_set_level(enum log_level level);
/* Prefix on every line (role: serve, worker, dc); borrowed. */
void log_set_role(const char *name);
/* Tests: send lines to fn instead of stderr; NULL restores. */
void log_set_sink(void (*fn)(void *ctx, const char *line), void *ctx);
const char *log_event_name(enum log_event event);
const char *log_event_help(enum log_event event);

#endif /* BASE_LOG_H */
