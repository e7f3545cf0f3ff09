/* SPDX-License-Identifier: MIT */
/*
 * Where Telegram says its data centres are: the answer to help.getConfig, checked
 * and cut down to what dialling needs.
 *
 * What no client can use is left out (download-only centres, addresses that are
 * none, impossible numbers); more than DCLIST_MAX are not taken.
 *
 *   owner     plain values
 *   memory    fixed, about 4 KiB
 *   failure   ERR_PROTO: no config; ERR_INVALID: that of the other environment,
 *             or without a single address.  *ret is then untouched
 */
#ifndef TG_DCLIST_H
#define TG_DCLIST_H

#include "base/err.h"

#define DCLIST_MAX 64
#define DCLIST_ADDRESS_MAX 46
/* How long it is believed, whatever it says itself. */
#define DCLIST_TTL_MIN_SEC 300
#define DCLIST_TTL_MAX_SEC 86400

struct dclist_entry {
	char address[DCLIST_ADDRESS_MAX]; /* literal, v4 or v6 */
	int32_t id;
	uint16_t port;
	bool ipv6, media_only;
	bool tcpo_only; /* obfuscated transports only */
	bool fixed;	/* "static": to be preferred through proxies */
	bool secret;	/* only for those who have a secret that is with it */
};

struct dclist {
	struct dclist_entry items[DCLIST_MAX];
	size_t n;
	int32_t ttl_sec;
};

enum err dclist_read(const void *data, size_t len, bool test_mode,
		     struct dclist *ret, struct err_info *ei);

/* Who asks for an address. */
struct dclist_want {
	int dc_id;
	bool media, obfuscated, proxied;
};

/*
 * The n-th address (from 0) such a connection may use, best first: v4 before v6,
 * and through a proxy fixed ones before others.  NULL: there are not so many.
 */
const struct dclist_entry *
dclist_pick(const struct dclist *l, const struct dclist_want *want, size_t n);

#endif /* TG_DCLIST_H */
