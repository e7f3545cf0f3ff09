/* SPDX-License-Identifier: MIT */
/* Property: what opens has a key of 256 bytes, and reads the same twice. */
#include <stdlib.h>
#include <string.h>

#include "tg/sessfile.h"

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
	sessfile_deinit(&a);
	return 0;
}
