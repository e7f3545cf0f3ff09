/* SPDX-License-Identifier: MIT */
/*
 * What the decoders and encoders of wire/ share.  Readers copy into the arena;
 * a missing, null or empty string is NULL.
 */
#ifndef WIRE_WIRE_INT_H
#define WIRE_WIRE_INT_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "wire/wire_status.h"

struct wire_reader {
	struct arena *arena;
	struct err_info *ei;
};

enum err wire_read_str(const struct wire_reader *r, struct json obj,
		       const char *key, size_t max_len, const char **ret);
enum err wire_read_need(const struct wire_reader *r, struct json obj,
			const char *key, size_t max_len, const char **ret);
/* The JSON text of a member; NULL when missing or null. */
enum err wire_read_raw(const struct wire_reader *r, struct json v,
		       size_t max_len, const char **ret);
/* A missing array is empty; ERR_INVALID when it is another type or too long. */
enum err wire_read_list(const struct wire_reader *r, struct json obj,
			const char *key, size_t max, struct json *ret,
			size_t *ret_n);
/* Anything that is no time is "not said": older clients write many forms. */
struct wall wire_read_time(struct json obj, const char *key);
/* Seconds, whole or not, as milliseconds. */
enum err wire_read_seconds(const struct wire_reader *r, struct json obj,
			   const char *key, int64_t *ret_ms);
void wire_write_seconds(struct jsonw *w, const char *key, int64_t ms);
void wire_write_time(struct jsonw *w, const char *key, struct wall t);

#endif /* WIRE_WIRE_INT_H */
