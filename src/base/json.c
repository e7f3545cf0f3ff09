/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

/*
 * yyjson itself does not bound nesting (it parses without recursion), but those
 * who walk the tree do recurse: count brackets outside strings first.
 */
static bool too_deep(const char *text, size_t len)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

enum err json_parse(struct json_doc *d, const void *text, size_t len,
		    size_t max_len, struct err_info *ei)
{
	yyjson_read_err e;
	yyjson_doc *doc;

	if (len > max_len)
		return err_set(ei, ERR_TOOBIG, "JSON of %zu bytes, limit %zu",
			       len, max_len);
	if (too_deep(text, len))
		return err_set(ei, ERR_SYNTAX, "JSON nested deeper than %d",
			       JSON_DEPTH_MAX);
	if (len == 0)
		return err_set(ei, ERR_SYNTAX, "empty, JSON expected");
	/* without YYJSON_READ_INSITU the text is not written to */
	doc = yyjson_read_opts((char *)(uintptr_t)text, len, YYJSON_READ_NOFLAG,
			       NULL, &e);
	if (!doc)
		return err_set(ei,
			       e.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION
				       ? ERR_NOMEM
				       : ERR_SYNTAX,
			       "JSON at byte %zu: %s", e.pos, e.msg);
	d->doc = doc;
	return ERR_OK;
}

void json_free(struct json_doc *d)
{
	yyjson_doc_free(d->doc);
	d->doc = NULL;
}

struct json json_root(const struct json_doc *d)
{
	return (struct json){ yyjson_doc_get_root(d->doc) };
}

bool json_missing(struct json v)
{
	return !v.val;
}

bool json_is_null(struct json v)
{
	return yyjson_is_null(v.val);
}

bool json_is_object(struct json v)
{
	return yyjson_is_obj(v.val);
}

bool json_is_array(struct json v)
{
	return yyjson_is_arr(v.val);
}

bool json_is_string(struct json v)
{
	return yyjson_is_str(v.val);
}

bool json_is_int(struct json v)
{
	if (yyjson_is_uint(v.val))
		return yyjson_get_uint(v.val) <= INT64_MAX;
	return yyjson_is_sint(v.val);
}

bool json_is_bool(struct json v)
{
	return yyjson_is_bool(v.val);
}

bool json_is_number(struct json v)
{
	return yyjson_is_num(v.val);
}

struct json json_get(struct json v, const char *key)
{
	return (struct json){ yyjson_obj_get(v.val, key) };
}

size_t json_len(struct json v)
{
	if (yyjson_is_obj(v.val))
		return yyjson_obj_size(v.val);
	return yyjson_arr_size(v.val);
}

const char *json_str(struct json v, const char *dflt)
{
	return yyjson_is_str(v.val) ? yyjson_get_str(v.val) : dflt;
}

size_t json_strlen(struct json v)
{
	return yyjson_get_len(v.val);
}

int64_t json_int(struct json v, int64_t dflt)
{
	return json_is_int(v) ? yyjson_get_sint(v.val) : dflt;
}

bool json_bool(struct json v, bool dflt)
{
	return yyjson_is_bool(v.val) ? yyjson_get_bool(v.val) : dflt;
}

double json_double(struct json v, double dflt)
{
	return yyjson_is_num(v.val) ? yyjson_get_num(v.val) : dflt;
}

static bool absent(struct json v)
{
	return json_missing(v) || json_is_null(v);
}

enum err json_want_str(struct json obj, const char *key, size_t max_len,
		       const char **ret, struct err_info *ei)
{
	struct json v = json_get(obj, key);

	if (absent(v))
		return ERR_OK;
	if (!json_is_string(v))
		return err_set(ei, ERR_INVALID, "%s: a string is expected",
			       key);
	if (json_strlen(v) > max_len)
		return err_set(ei, ERR_INVALID,
			       "%s: %zu bytes, at most %zu are allowed", key,
			       json_strlen(v), max_len);
	/* a NUL inside would cut the C string silently */
	if (strlen(json_str(v, "")) != json_strlen(v))
		return err_set(ei, ERR_INVALID, "%s: contains a NUL", key);
	*ret = json_str(v, "");
	return ERR_OK;
}

enum err json_need_str(struct json obj, const char *key, size_t max_len,
		       const char **ret, struct err_info *ei)
{
	if (absent(json_get(obj, key)))
		return err_set(ei, ERR_INVALID, "%s: missing", key);
	return json_want_str(obj, key, max_len, ret, ei);
}

enum err json_want_int(struct json obj, const char *key, int64_t min,
		       int64_t max, int64_t *ret, struct err_info *ei)
{
	struct json v = json_get(obj, key);

	if (absent(v))
		return ERR_OK;
	if (!json_is_int(v))
		return err_set(ei, ERR_INVALID,
			       "%s: a whole number is expected", key);
	if (json_int(v, 0) < min || json_int(v, 0) > max)
		return err_set(ei, ERR_INVALID,
			       "%s: %lld is not in %lld to %lld", key,
			       (long long)json_int(v, 0), (long long)min,
			       (long long)max);
	*ret = json_int(v, 0);
	return ERR_OK;
}

enum err json_need_int(struct json obj, const char *key, int64_t min,
		       int64_t max, int64_t *ret, struct err_info *ei)
{
	if (absent(json_get(obj, key)))
		return err_set(ei, ERR_INVALID, "%s: missing", key);
	return json_want_int(obj, key, min, max, ret, ei);
}

enum err json_want_bool(struct json obj, const char *key, bool *ret,
			struct err_info *ei)
{
	struct json v = json_get(obj, key);

	if (absent(v))
		return ERR_OK;
	if (!json_is_bool(v))
		return err_set(ei, ERR_INVALID, "%s: true or false is expected",
			       key);
	*ret = json_bool(v, false);
	return ERR_OK;
}

struct json_iter json_iter(struct json v)
{
	struct json_iter it = { .left = json_len(v) };

	it.object = json_is_object(v);
	if (it.left > 0)
		it.at = it.object ? (void *)unsafe_yyjson_get_first(v.val)
				  : yyjson_arr_get_first(v.val);
	return it;
}

bool json_next(struct json_iter *it)
{
	yyjson_val *at = it->at;

	if (it->left == 0)
		return false;
	it->left--;
	if (it->object) {
		it->key = yyjson_get_str(at);
		at = yyjson_obj_iter_get_val(at);
	}
	it->val.val = at;
	it->at = unsafe_yyjson_get_next(at);
	return true;
}

enum err json_dump(struct json v, struct buf *out)
{
	size_t len;
	char *text = yyjson_val_write(v.val, YYJSON_WRITE_NOFLAG, &len);
	enum err rc;

	if (!text)
		return ERR_NOMEM;
	rc = buf_append(out, text, len);
	free(text);
	return rc;
}

const char *json_library_version(void)
{
	static const char text[] = YYJSON_VERSION_STRING;

	return text;
}
