/* SPDX-License-Identifier: MIT */
#include "worker/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"

#define TEST_DC 10000 /* added to a test data centre's id */

static const struct {
	const char *word;
	enum link_proxy link;
} kinds[] = {
	[ROUTE_SOCKS5] = { "socks5", LINK_PROXY_SOCKS5 },
	[ROUTE_HTTP] = { "http", LINK_PROXY_CONNECT },
	[ROUTE_MTPROXY] = { "mtproxy", LINK_PROXY_NONE },
};

static enum err fill(struct route *r, const struct wire_route *w,
		     struct err_info *ei)
{
	enum err rc = wire_route_check(w, ei);

	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(w->kind, kinds[i].word))
			r->kind = (enum route_kind)i;
	if (!text_copy(r->at.host, sizeof(r->at.host), w->host) ||
	    !text_copy(r->user, sizeof(r->user), w->user ? w->user : "") ||
	    !text_copy(r->password, sizeof(r->password),
		       w->password ? w->password : ""))
		return err_set(ei, ERR_TOOBIG, "a route's text is too long");
	r->at.port = (uint16_t)w->port;
	if (r->kind != ROUTE_MTPROXY)
		return ERR_OK;
	return proxy_secret_parse(w->secret, strlen(w->secret), &r->secret, ei);
}

enum err route_new(const struct wire_route *w, struct route **ret,
		   struct err_info *ei)
{
	struct route *r = calloc(1, sizeof(*r));
	enum err rc;

	if (!r)
		return err_set(ei, ERR_NOMEM, "a route");
	rc = fill(r, w, ei);
	if (rc)
		route_free(r);
	else
		*ret = r;
	return rc;
}

void route_free(struct route *r)
{
	if (!r)
		return;
	secret_wipe(r, sizeof(*r));
	free(r);
}

const char *route_name(const struct route *r, char buf[static ROUTE_NAME_MAX])
{
	if (!r)
		return "direct";
	snprintf(buf, ROUTE_NAME_MAX,
		 strchr(r->at.host, ':') ? "%s proxy [%s]:%u"
					 : "%s proxy %s:%u",
		 kinds[r->kind].word, r->at.host, r->at.port);
	return buf;
}

/* What an obfuscated header names: only an MTProxy looks at it. */
static int16_t dc_field(const struct route_target *to)
{
	int dc = to->dc_id + (to->test_mode ? TEST_DC : 0);

	return (int16_t)(to->media ? -dc : dc);
}

void route_plan(const struct route *r, const struct route_target *to,
		struct route_plan *ret)
{
	*ret = (struct route_plan){ .dial = { .to = *to->at },
				    .transport = to->transport };
	if (ret->transport.obfuscated)
		ret->transport.dc_field = dc_field(to);
	if (!r)
		return;
	if (r->kind == ROUTE_MTPROXY) {
		ret->dial.to = r->at;
		ret->transport.proxy = &r->secret;
		ret->transport.dc_field = dc_field(to);
		return;
	}
	ret->dial.proxy = kinds[r->kind].link;
	ret->dial.proxy_at = r->at;
	ret->dial.proxy_user = r->user[0] ? r->user : NULL;
	ret->dial.proxy_password = r->user[0] ? r->password : NULL;
}
