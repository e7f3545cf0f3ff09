/* SPDX-License-Identifier: MIT */
/*
 * JSON from anywhere.  What is read is written the same a second time, and every
 * accessor stands every value.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BYTES_MAX (1U << 20)

static void look(struct json v, int depth)
{
	struct json_iter it = json_iter(v);
	const char *s = "";
	int64_t i = 0;
	bool b = false;
	size_t n = 0;

	if (depth > JSON_DEPTH_MAX)
		abort();
	if (json_is_string(v) && strlen(json_str(v, "")) > json_strlen(v))
		abort();
	(void)json_int(v, 0);
	(void)json_bool(v, false);
	(void)json_double(v, 0);
	(void)!json_need_str(v, "a", 8, &s, NULL);
	(void)!json_want_str(v, "b", 8, &s, NULL);
	if (!json_need_int(v, "a", -5, 5, &i, NULL) && (i < -5 || i > 5))
		abort();
	(void)!json_want_int(v, "b", 0, 9, &i, NULL);
	(void)!json_want_bool(v, "c", &b, NULL);
	while (json_next(&it)) {
		if (it.object != (it.key != NULL))
			abort();
		look(it.val, depth + 1);
		n++;
	}
	if (n != json_len(v))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json_doc d, again;
	struct buf one, two;
	uint8_t *copy = malloc(len + !len);

	if (!copy)
		return 0;
	memcpy(copy, data, len);
	if (json_parse(&d, copy, len, BYTES_MAX, NULL)) {
		free(copy);
		return 0;
	}
	free(copy); /* nothing may point into it */
	look(json_root(&d), 0);
	buf_init(&one, 8U << 20);
	buf_init(&two, 8U << 20);
	if (json_dump(json_root(&d), &one) ||
	    json_parse(&again, buf_head(&one), buf_len(&one), SIZE_MAX, NULL))
		abort();
	if (json_dump(json_root(&again), &two) ||
	    buf_len(&one) != buf_len(&two) ||
	    memcmp(buf_head(&one), buf_head(&two), buf_len(&one)) != 0)
		abort();
	json_free(&again);
	json_free(&d);
	buf_deinit(&one);
	buf_deinit(&two);
	return 0;
}
