/* SPDX-License-Identifier: MIT */
/* Loading of the known-answer files for the tests of this directory. */
#ifndef MT_VECTORS_H
#define MT_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"

#define MT_FILE_MAX (4U << 20)

struct mt_bytes {
	uint8_t *data;
	size_t len;
};

static inline struct json_doc mt_load(const char *name)
{
	const char *dir = getenv("TEST_DATA");
	char path[512];
	char *text = malloc(MT_FILE_MAX);
	struct json_doc doc;
	size_t len;
	FILE *f;

	assert_non_null(dir);
	assert_non_null(text);
	snprintf(path, sizeof(path), "%s/vectors/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	len = fread(text, 1, MT_FILE_MAX, f);
	fclose(f);
	assert_int_equal(json_parse(&doc, text, len, MT_FILE_MAX, NULL),
			 ERR_OK);
	free(text);
	return doc;
}

/* The caller frees data. */
static inline struct mt_bytes mt_hex(struct json v)
{
	struct mt_bytes b = { .len = json_strlen(v) / 2 };

	assert_true(json_is_string(v));
	b.data = malloc(b.len + 1);
	assert_non_null(b.data);
	assert_int_equal(
		text_unhex(b.data, b.len, json_str(v, ""), json_strlen(v)),
		ERR_OK);
	return b;
}

static inline uint64_t mt_u64(struct json v)
{
	struct mt_bytes b = mt_hex(v);
	uint64_t n = 0;

	assert_int_equal(b.len, 8);
	for (size_t i = 8; i-- > 0;)
		n = n << 8 | b.data[i];
	free(b.data);
	return n;
}

#endif /* MT_VECTORS_H */
