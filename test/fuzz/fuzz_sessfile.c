/* SPDX-License-Identifier: MIT */
/*
 * Properties: what opens has a key of 256 bytes and reads the same twice; in
 * whatever format it is written, it reads again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tg/sessfile_write.h"

/* What a format holds comes back. */
static void same(const struct sessfile *a, const struct sessfile *b,
		 const struct sessfile_target *to)
{
	unsigned holds = to->holds;

	if (!secret_equal(&a->auth_key, b->auth_key.bytes, b->auth_key.len) ||
	    a->dc_id != b->dc_id || b->flavour != to->flavour ||
	    ((holds & SESSFILE_HOLDS_USER) && a->user_id != b->user_id) ||
	    ((holds & SESSFILE_HOLDS_BOT) && a->is_bot != b->is_bot) ||
	    ((holds & SESSFILE_HOLDS_TEST) && a->test_mode != b->test_mode) ||
	    ((holds & SESSFILE_HOLDS_API_ID) && a->api_id != b->api_id &&
	     to->flavour == SESSFILE_PYROGRAM_SQLITE) ||
	    ((holds & SESSFILE_HOLDS_STATE) &&
	     (a->has_update_state != b->has_update_state || a->pts != b->pts ||
	      a->qts != b->qts || a->date != b->date || a->seq != b->seq ||
	      b->nchannels > a->nchannels)) ||
	    ((holds & SESSFILE_HOLDS_PEERS) && b->npeers > a->npeers)) {
		fprintf(stderr, "%s: not what was written\n", to->name);
		abort();
	}
}

static void write_and_read(const struct sessfile *a,
			   const struct sessfile_target *to)
{
	struct err_info ei = { 0 };
	struct sessfile b;
	struct buf out;

	buf_init(&out, 256U << 20);
	if (sessfile_target_lost(to, a, &out))
		abort();
	buf_reset(&out);
	if (!sessfile_write(a, to, (struct wall){ 0 }, &out, &ei)) {
		if (sessfile_read(buf_head(&out), buf_len(&out), "again", &b,
				  &ei)) {
			fprintf(stderr, "%s\n", ei.msg);
			abort();
		}
		same(a, &b, to);
		sessfile_deinit(&b);
	}
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct sessfile_target *to;
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
	for (size_t i = 0; (to = sessfile_target_at(i)); i++)
		write_and_read(&a, to);
	sessfile_deinit(&a);
	return 0;
}
