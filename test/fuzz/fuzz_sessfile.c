/* SPDX-License-Identifier: MIT */
/*
 * Properties: what opens has a key of 256 bytes and reads the same twice; in
 * whatever format it is written, it reads again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tg/sessfile_write.h"

static const enum sessfile_flavour formats[] = {
	SESSFILE_TELETHON_SQLITE, SESSFILE_PYROGRAM_SQLITE,
	SESSFILE_TELETHON_STRING, SESSFILE_PYROGRAM_STRING,
	SESSFILE_GRAMJS_STRING,	  SESSFILE_MTCUTE_STRING,
	SESSFILE_MTKRUTO_STRING,
};

static void write_and_read(const struct sessfile *a, enum sessfile_flavour to)
{
	struct err_info ei = { 0 };
	struct sessfile b;
	struct buf out;

	buf_init(&out, 256U << 20);
	if (!sessfile_write(a, to, (struct wall){ 0 }, &out, &ei)) {
		if (sessfile_read(buf_head(&out), buf_len(&out), "again", &b,
				  &ei)) {
			fprintf(stderr, "%s\n", ei.msg);
			abort();
		}
		if (!secret_equal(&a->auth_key, b.auth_key.bytes,
				  b.auth_key.len))
			abort();
		sessfile_deinit(&b);
	}
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sessfile a, b;

	if (sessfile_read(data, len, "fuzz", &a, NULL))
		return 0;
	if (a.auth_key.len != SESSFILE_KEY_BYTES || a.dc_id < 1 || a.dc_id > 5)
		abort();
	if (sessfile_read(data, len, "fuzz", &b, NULL) ||
	    !secret_equal(&a.auth_key, b.auth_key.bytes, b.auth_key.len) ||
	    a.npeers != b.npeers)
		abort();
	sessfile_deinit(&b);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		write_and_read(&a, formats[i]);
	sessfile_deinit(&a);
	return 0;
}
