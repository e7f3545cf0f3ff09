/* SPDX-License-Identifier: MIT */
#include "tg/dclist.h"

#include <string.h>

#include "tl/tl_wanted.h"

#define ARENA_MAX (1U << 20)
#define DC_ID_MAX 1000

/* A literal address by its looks; whoever dials it parses it. */
static bool address_ok(struct tl_bytes ip, bool ipv6)
{
	const char *chars = ipv6 ? "0123456789abcdefABCDEF:." : "0123456789.";

	if (ip.len < 2 || ip.len >= DCLIST_ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < ip.len; i++)
		if (!ip.data[i] || !strchr(chars, ip.data[i]))
			return false;
	return true;
}

static bool take(const struct tlc_dcOption *o, struct dclist_entry *e)
{
	if (o->cdn || o->id < 1 || o->id > DC_ID_MAX || o->port < 1 ||
	    o->port > 65535 || !address_ok(o->ip_address, o->ipv6))
		return false;
	*e = (struct dclist_entry){
		.id = o->id,
		.port = (uint16_t)o->port,
		.ipv6 = o->ipv6,
		.media_only = o->media_only,
		.tcpo_only = o->tcpo_only,
		.fixed = o->static_,
		.secret = o->has_secret,
	};
	memcpy(e->address, o->ip_address.data, o->ip_address.len);
	return true;
}

static int32_t ttl(const struct tlc_config *c)
{
	int64_t sec = (int64_t)c->expires - c->date;

	if (sec < DCLIST_TTL_MIN_SEC)
		return DCLIST_TTL_MIN_SEC;
	return sec < DCLIST_TTL_MAX_SEC ? (int32_t)sec : DCLIST_TTL_MAX_SEC;
}

static enum err take_config(const struct tlc_config *c, bool test_mode,
			    struct dclist *ret, struct err_info *ei)
{
	struct dclist l = { .ttl_sec = ttl(c) };

	if (c->test_mode != test_mode)
		return err_set(ei, ERR_INVALID,
			       "the config is that of the %s environment",
			       c->test_mode ? "test" : "production");
	for (uint32_t i = 0; i < c->dc_options.n && l.n < DCLIST_MAX; i++) {
		const struct tlt_DcOption *o = &c->dc_options.v[i];

		if (o->kind == TLN_dcOption && take(o->dcOption, &l.items[l.n]))
			l.n++;
	}
	if (!l.n)
		return err_set(ei, ERR_INVALID,
			       "the config names no data centre");
	*ret = l;
	return ERR_OK;
}

enum err dclist_read(const void *data, size_t len, bool test_mode,
		     struct dclist *ret, struct err_info *ei)
{
	struct tlt_Config c = { 0 };
	struct tl_reader r;
	struct arena a;
	enum err rc;

	arena_init(&a, ARENA_MAX);
	cursor_read(&r, data, len);
	rc = tlt_Config_read(&r, &a, &c, ei);
	if (!rc && c.kind != TLN_config)
		rc = err_set(ei, ERR_PROTO, "help.getConfig: no config");
	if (!rc)
		rc = take_config(c.config, test_mode, ret, ei);
	arena_deinit(&a);
	return rc;
}

/* Lower is better; -1: not for this connection. */
static int rank(const struct dclist_entry *e, const struct dclist_want *want)
{
	if (e->id != want->dc_id || e->secret ||
	    (e->tcpo_only && !want->obfuscated) ||
	    (e->media_only && !want->media))
		return -1;
	return (e->ipv6 ? 4 : 0) + (want->media && !e->media_only ? 2 : 0) +
	       (want->proxied && !e->fixed ? 1 : 0);
}

const struct dclist_entry *dclist_pick(const struct dclist *l,
				       const struct dclist_want *want, size_t n)
{
	for (int best = 0; best < 8; best++)
		for (size_t i = 0; i < l->n; i++)
			if (rank(&l->items[i], want) == best && !n--)
				return &l->items[i];
	return NULL;
}
