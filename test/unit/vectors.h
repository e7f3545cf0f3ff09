/* SPDX-License-Identifier: MIT */
/*
 * Reading test/data/vectors: known answers made by other implementations.
 * A missing file or field fails the test.
 */
#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"

#define VECTORS_SIZE_MAX (1 << 20)

static inline struct json vectors_open(struct json_doc *doc, const char *name)
{
	const char *dir = getenv("TEST_DATA");
	char path[512];
	char *text = malloc(VECTORS_SIZE_MAX);
	size_t len;
	FILE *f;

	assert_non_null(dir);
	assert_non_null(text);
	snprintf(path, sizeof(path), "%s/vectors/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	len = fread(text, 1, VECTORS_SIZE_MAX, f);
	fclose(f);
	assert_int_equal(json_parse(doc, text, len, VECTORS_SIZE_MAX, NULL), 0);
	free(text);
	return json_root(doc);
}

/* A field's bytes; the length is returned. */
static inline size_t vectors_hex(struct json v, const char *key, void *dst,
				 size_t size)
{
	struct json field = json_get(v, key);
	size_t len = json_strlen(field) / 2;

	if (!json_is_string(field))
		fail_msg("no field %s", key);
	assert_true(len <= size);
	assert_int_equal(
		text_unhex(dst, len, json_str(field, ""), json_strlen(field)),
		0);
	return len;
}

/* A number's big-endian bytes, padded in front to `size`. */
static inline void vectors_number(struct json v, const char *key, void *dst,
				  size_t size)
{
	uint8_t tmp[512];
	size_t len = vectors_hex(v, key, tmp, sizeof(tmp));

	assert_true(len <= size);
	memset(dst, 0, size - len);
	memcpy((uint8_t *)dst + size - len, tmp, len);
}

/* A field compared with bytes. */
static inline void vectors_check(struct json v, const char *key,
				 const void *data, size_t len)
{
	uint8_t *want = malloc(len + 4096);

	assert_non_null(want);
	assert_int_equal(vectors_hex(v, key, want, len + 4096), len);
	assert_memory_equal(want, data, len);
	free(want);
}

#endif /* TEST_VECTORS_H */
