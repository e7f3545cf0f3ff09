/* SPDX-License-Identifier: MIT */
/*
 * JSON: reading on yyjson, writing by ourselves.  Nothing else in the tree
 * includes yyjson.h.
 *
 * Reading is strict RFC 8259 and bounded: size and depth are limits of the call.
 * A `struct json` is a borrowed handle into the document: it dies with it.  All
 * accessors accept a missing value (json_missing), so paths can be chained and
 * checked once.  Integers are exact 64 bit; a float is never silently an int.
 *
 * Writing appends to a `struct buf`; commas are its own business, errors stick
 * and come out of jsonw_end().
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

#define JSON_DEPTH_MAX 32

struct json_doc {
	void *doc; /* yyjson_doc */
};

struct json {
	void *val; /* yyjson_val, NULL = missing */
};

/* Copies nothing of the caller's; text may go after the call. */
enum err json_parse(struct json_doc *d, const void *text, size_t len,
		    size_t max_len, struct err_info *ei);
void json_free(struct json_doc *d);
struct json json_root(const struct json_doc *d);

bool json_missing(struct json v);
bool json_is_null(struct json v);
bool json_is_object(struct json v);
bool json_is_array(struct json v);
bool json_is_string(struct json v);
bool json_is_int(struct json v); /* fits int64 */
bool json_is_bool(struct json v);
bool json_is_number(struct json v);

/* Member of an object; json_missing when v is none or has none. */
struct json json_get(struct json v, const char *key);
size_t json_len(struct json v); /* items of an array, members of an object */

/* With a default for missing, null or another type. */
const char *json_str(struct json v, const char *dflt);
size_t json_strlen(struct json v);
int64_t json_int(struct json v, int64_t dflt);
bool json_bool(struct json v, bool dflt);
double json_double(struct json v, double dflt);

/* Checked: ERR_INVALID naming `key` if missing or of another type/size. */
enum err json_need_str(struct json obj, const char *key, size_t max_len,
		       const char **ret, struct err_info *ei);
enum err json_need_int(struct json obj, const char *key, int64_t min,
		       int64_t max, int64_t *ret, struct err_info *ei);
/* The same, but a missing or null member leaves *ret as it is. */
enum err json_want_str(struct json obj, const char *key, size_t max_len,
		       const char **ret, struct err_info *ei);
enum err json_want_int(struct json obj, const char *key, int64_t min,
		       int64_t max, int64_t *ret, struct err_info *ei);
enum err json_want_bool(struct json obj, const char *key, bool *ret,
			struct err_info *ei);

/* for (struct json_iter it = json_iter(v); json_next(&it);) it.key / it.val */
struct json_iter {
	void *at;
	size_t left;
	bool object;
	const char *key; /* NULL in arrays */
	struct json val;
};
struct json_iter json_iter(struct json v);
bool json_next(struct json_iter *it);

/* Appends v, compact, to out. */
enum err json_dump(struct json v, struct buf *out);

/* The linked library's own word for its version. */
const char *json_library_version(void);

struct jsonw {
	struct buf *out;
	enum err rc;
	unsigned int depth;
	uint64_t has_items; /* bit per depth */
};

void jsonw_init(struct jsonw *w, struct buf *out);
/* The first error met, or ERR_OK; BUG if something is still open. */
enum err jsonw_end(struct jsonw *w);

/* key is NULL inside arrays and at the root. */
void jsonw_object(struct jsonw *w, const char *key);
void jsonw_object_end(struct jsonw *w);
void jsonw_array(struct jsonw *w, const char *key);
void jsonw_array_end(struct jsonw *w);
void jsonw_str(struct jsonw *w, const char *key, const char *text);
void jsonw_strn(struct jsonw *w, const char *key, const char *s, size_t n);
void jsonw_int(struct jsonw *w, const char *key, int64_t v);
void jsonw_u64(struct jsonw *w, const char *key, uint64_t v);
void jsonw_double(struct jsonw *w, const char *key, double v);
void jsonw_bool(struct jsonw *w, const char *key, bool v);
void jsonw_null(struct jsonw *w, const char *key);
/* Text NULL writes null. */
void jsonw_str_or_null(struct jsonw *w, const char *key, const char *text);
/* A value that is JSON already (trusted: made by jsonw or json_dump). */
void jsonw_raw(struct jsonw *w, const char *key, const char *s, size_t n);
/* RFC 3339 with milliseconds, or null for 0. */
struct wall;
void jsonw_time(struct jsonw *w, const char *key, struct wall t);

#endif /* BASE_JSON_H */
