/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/walltime.h"
#include "wire/wire_int.h"

#define SECONDS_MAX 1e9

enum err wire_read_str(const struct wire_reader *r, struct json obj,
		       const char *key, size_t max_len, const char **ret)
{
	const char *text = NULL;
	enum err rc;

	rc = json_want_str(obj, key, max_len, &text, r->ei);
	if (rc)
		return rc;
	*ret = NULL;
	if (!text || !*text)
		return ERR_OK;
	if (strlen(text) != json_strlen(json_get(obj, key)))
		return err_set(r->ei, ERR_INVALID, "\"%s\" contains a NUL",
			       key);
	*ret = arena_str(r->arena, text, strlen(text));
	return *ret ? ERR_OK : ERR_NOMEM;
}

enum err wire_read_need(const struct wire_reader *r, struct json obj,
			const char *key, size_t max_len, const char **ret)
{
	const char *text = NULL;
	enum err rc;

	rc = wire_read_str(r, obj, key, max_len, &text);
	if (rc)
		return rc;
	if (!text)
		return err_set(r->ei, ERR_INVALID, "\"%s\" is missing or empty",
			       key);
	*ret = text;
	return ERR_OK;
}

enum err wire_read_raw(const struct wire_reader *r, struct json v,
		       size_t max_len, const char **ret)
{
	struct buf out;
	const char *text = NULL;
	enum err rc;

	*ret = NULL;
	if (json_missing(v) || json_is_null(v))
		return ERR_OK;
	buf_init(&out, max_len);
	rc = json_dump(v, &out);
	if (!rc) {
		text = arena_str(r->arena, buf_head(&out), buf_len(&out));
		rc = text ? ERR_OK : ERR_NOMEM;
	}
	buf_deinit(&out);
	*ret = text;
	return rc;
}

enum err wire_read_list(const struct wire_reader *r, struct json obj,
			const char *key, size_t max, struct json *ret,
			size_t *ret_n)
{
	struct json v = json_get(obj, key);

	*ret = (struct json){ NULL };
	*ret_n = 0;
	if (json_missing(v) || json_is_null(v))
		return ERR_OK;
	if (!json_is_array(v))
		return err_set(r->ei, ERR_INVALID, "\"%s\" must be an array",
			       key);
	if (json_len(v) > max)
		return err_set(r->ei, ERR_TOOBIG,
			       "\"%s\" has %zu items, the most is %zu", key,
			       json_len(v), max);
	*ret = v;
	*ret_n = json_len(v);
	return ERR_OK;
}

/* Milliseconds are what is written, so they are what is read. */
struct wall wire_read_time(struct json obj, const char *key)
{
	struct json v = json_get(obj, key);
	struct wall t = { 0 };
	double sec = json_double(v, 0);

	if (json_is_string(v)) {
		if (walltime_parse(json_str(v, ""), &t))
			t.us = 0;
	} else if (sec > 0 && sec < SECONDS_MAX * 10) {
		t.us = (int64_t)(sec * (double)US_PER_SEC);
	}
	t.us -= t.us % US_PER_MS;
	return t;
}

enum err wire_read_seconds(const struct wire_reader *r, struct json obj,
			   const char *key, int64_t *ret_ms)
{
	double sec = json_double(json_get(obj, key), -1);

	if (!(sec > 0 && sec < SECONDS_MAX))
		return err_set(r->ei, ERR_INVALID,
			       "\"%s\" must be a positive number of seconds",
			       key);
	*ret_ms = (int64_t)llround(sec * 1000);
	return ERR_OK;
}

void wire_write_seconds(struct jsonw *w, const char *key, int64_t ms)
{
	if (ms % 1000)
		jsonw_double(w, key, (double)ms / 1000);
	else
		jsonw_int(w, key, ms / 1000);
}

void wire_write_time(struct jsonw *w, const char *key, struct wall t)
{
	if (t.us)
		jsonw_time(w, key, t);
}
