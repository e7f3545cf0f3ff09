/* SPDX-License-Identifier: MIT */
/*
 * Properties: what is taken of a configuration can be dialled, and each address is
 * picked at most once for a connection.
 */
#include <stdlib.h>
#include <string.h>

#include "tg/dclist.h"

static void check(const struct dclist *l)
{
	if (!l->n || l->n > DCLIST_MAX || l->ttl_sec < DCLIST_TTL_MIN_SEC ||
	    l->ttl_sec > DCLIST_TTL_MAX_SEC)
		abort();
	for (size_t i = 0; i < l->n; i++) {
		const struct dclist_entry *e = &l->items[i];
		const struct dclist_want want = { .dc_id = e->id,
						  .media = true,
						  .obfuscated = true };
		size_t n = 0;

		if (!e->port || e->id < 1 ||
		    strnlen(e->address, sizeof(e->address)) < 2 ||
		    strnlen(e->address, sizeof(e->address)) ==
			    sizeof(e->address))
			abort();
		while (dclist_pick(l, &want, n))
			if (++n > l->n)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dclist l;

	for (int test_mode = 0; test_mode < 2; test_mode++)
		if (!dclist_read(data, len, test_mode, &l, NULL))
			check(&l);
	return 0;
}
