/* SPDX-License-Identifier: MIT */
/* Every file of the vectors: opened as its manifest says, or refused. */
#include "tg/sessfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/sha.h"

#define FILE_MAX_BYTES (1U << 20)

static char root[512];

struct file {
	char name[64];
	uint8_t *data;
	size_t len;
};

static void slurp(const char *dir, const char *path, struct file *ret)
{
	char full[1024];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s/%s", root, dir, path);
	snprintf(ret->name, sizeof(ret->name), "%s", path);
	f = fopen(full, "rb");
	if (!f) {
		ret->data = NULL;
		return;
	}
	ret->data = malloc(FILE_MAX_BYTES);
	assert_non_null(ret->data);
	ret->len = fread(ret->data, 1, FILE_MAX_BYTES, f);
	fclose(f);
}

static enum err read_folder(const char *path, const char *passcode,
			    struct sessfile *ret, struct err_info *ei)
{
	static const char *const names[] = { SESSFILE_TDATA_KEY,
					     SESSFILE_TDATA_ACCOUNT };
	struct sessfile_blob blobs[2];
	struct file files[2];
	size_t n = 0;
	enum err rc;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		slurp(path, names[i], &files[n]);
		if (!files[n].data)
			continue;
		blobs[n] = (struct sessfile_blob){ names[i], files[n].data,
						   files[n].len };
		n++;
	}
	rc = sessfile_read_tdata(blobs, n, passcode, ret, ei);
	while (n > 0)
		free(files[--n].data);
	return rc;
}

static enum err read_row(struct json row, struct sessfile *ret,
			 struct err_info *ei)
{
	const char *path = json_str(json_get(row, "path"), "");
	struct file f;
	uint8_t *exact;
	enum err rc;

	if (json_bool(json_get(row, "folder"), false))
		return read_folder(
			path, json_str(json_get(row, "passcode"), ""), ret, ei);
	slurp(".", path, &f);
	assert_non_null(f.data);
	exact = malloc(f.len + !f.len); /* so that ASan sees one byte too far */
	assert_non_null(exact);
	memcpy(exact, f.data, f.len);
	free(f.data);
	rc = sessfile_read(exact, f.len, path, ret, ei);
	free(exact);
	return rc;
}

static void check_int(struct json row, const char *key, int64_t got)
{
	struct json v = json_get(row, key);

	if (!json_missing(v) && !json_is_null(v))
		assert_int_equal(got, json_int(v, -1));
}

static void check_opened(struct json row, const struct sessfile *s)
{
	char hex[SESSFILE_FINGERPRINT_HEX + 1];
	const char *flavour = json_str(json_get(row, "flavour"), "");
	const char *name = sessfile_flavour_name(s->flavour);

	assert_memory_equal(flavour, name, strlen(name));
	assert_int_equal(s->dc_id, json_int(json_get(row, "dc"), -1));
	sessfile_fingerprint(s, hex);
	assert_string_equal(hex, json_str(json_get(row, "key_sha256"), hex));
	sessfile_key_id(s, hex);
	assert_string_equal(hex,
			    json_str(json_get(row, "key_fingerprint"), hex));
	check_int(row, "user_id", s->user_id);
	check_int(row, "port", s->port);
	check_int(row, "api_id", s->api_id);
	check_int(row, "entities", (int64_t)s->npeers);
	check_int(row, "peers", (int64_t)s->npeers);
	check_int(row, "update_states", (int64_t)s->nstates);
	if (strstr(flavour, "sqlite"))
		check_int(row, "version", s->version);
	assert_int_equal(s->test_mode,
			 json_bool(json_get(row, "test_mode"), false));
	assert_int_equal(s->is_bot, json_bool(json_get(row, "is_bot"), false));
	if (!json_missing(json_get(row, "server_address")))
		assert_string_equal(
			s->server_address,
			json_str(json_get(row, "server_address"), ""));
}

static void every_vector(void **state)
{
	struct json_doc d;
	struct json_iter it;
	struct file manifest;
	size_t opened = 0, refused = 0;

	(void)state;
	slurp(".", "manifest.json", &manifest);
	assert_non_null(manifest.data);
	assert_int_equal(json_parse(&d, manifest.data, manifest.len,
				    FILE_MAX_BYTES, NULL),
			 ERR_OK);
	free(manifest.data);
	it = json_iter(json_get(json_root(&d), "files"));
	while (json_next(&it)) {
		const char *path = json_str(json_get(it.val, "path"), "");
		const char *expect = json_str(json_get(it.val, "expect"), "");
		struct err_info ei = { .msg = "" };
		struct sessfile s = { 0 };
		enum err rc = read_row(it.val, &s, &ei);

		print_message("%-36s %-7s %s\n", path, expect,
			      rc ? ei.msg : "opened");
		if (rc) {
			assert_string_not_equal(expect, "open");
			assert_string_not_equal(ei.msg, "");
			refused++;
		} else {
			assert_string_not_equal(expect, "refuse");
			check_opened(it.val, &s);
			sessfile_deinit(&s);
			opened++;
		}
	}
	json_free(&d);
	print_message("%zu opened, %zu refused\n", opened, refused);
	assert_int_equal(opened, 23);
	assert_true(refused >= 35);
}

static void names_the_passcode(void **state)
{
	struct sessfile s;
	struct err_info ei;

	(void)state;
	assert_int_equal(read_folder("tdata-passcode", "", &s, &ei),
			 ERR_INVALID);
	assert_non_null(strstr(ei.msg, "it has a passcode"));
	assert_int_equal(read_folder("tdata-passcode", "wrong", &s, &ei),
			 ERR_INVALID);
	assert_non_null(strstr(ei.msg, "the passcode is wrong"));
}

static void document_has_what_the_file_had(void **state)
{
	struct sessfile s;
	struct json_doc d;
	struct jsonw w;
	struct file f;
	struct json o;
	struct buf b;

	(void)state;
	slurp("telethon", "v7.session", &f);
	assert_int_equal(sessfile_read(f.data, f.len, "x", &s, NULL), ERR_OK);
	free(f.data);
	buf_init(&b, 1 << 20);
	jsonw_init(&w, &b);
	jsonw_object(&w, NULL);
	assert_int_equal(sessfile_to_json(&s, &w), ERR_OK);
	jsonw_object_end(&w);
	assert_int_equal(jsonw_end(&w), ERR_OK);
	assert_int_equal(
		json_parse(&d, buf_head(&b), buf_len(&b), 1 << 20, NULL),
		ERR_OK);
	o = json_root(&d);
	assert_int_equal(json_len(json_get(o, "peers")), 5);
	assert_int_equal(json_strlen(json_get(o, "auth_key")), 344);
	assert_int_equal(json_int(json_get(o, "dc_id"), 0), 2);
	json_free(&d);
	buf_wipe(&b);
	sessfile_deinit(&s);
}

/* Bytes 1 to 4 of a Pyrogram string; the SQLite form has the same limit. */
static void an_api_id_beyond_31_bits(void **state)
{
	struct sessfile s;
	struct err_info ei;
	struct file f;

	(void)state;
	slurp("string", "pyrogram.txt", &f);
	assert_non_null(f.data);
	f.data[1] = 'f'; /* "Ag" -> "Af": the first byte's low bits, the next's
			    high ones */
	assert_int_equal(sessfile_read(f.data, f.len, "x", &s, &ei),
			 ERR_INVALID);
	assert_non_null(strstr(ei.msg, "api id"));
	free(f.data);
}

static void sizes(void **state)
{
	struct sessfile s;
	struct err_info ei;
	uint8_t *big = calloc(1, 2000000);

	(void)state;
	assert_non_null(big);
	assert_int_equal(
		sessfile_read(big, SESSFILE_MAX_BYTES + 1UL, "big", &s, &ei),
		ERR_TOOBIG);
	assert_int_equal(sessfile_read(big, 2000000, "zeroes", &s, &ei),
			 ERR_INVALID);
	assert_int_equal(sessfile_read(big, 0, "nothing", &s, &ei),
			 ERR_INVALID);
	assert_string_equal(ei.msg, "nothing: the file is empty");
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector),
		cmocka_unit_test(names_the_passcode),
		cmocka_unit_test(document_has_what_the_file_had),
		cmocka_unit_test(an_api_id_beyond_31_bits),
		cmocka_unit_test(sizes),
	};
	const char *data = getenv("TEST_DATA");

	snprintf(root, sizeof(root), "%s/vectors/sessions",
		 data ? data : "test/data");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
