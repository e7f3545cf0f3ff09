/* SPDX-License-Identifier: MIT */
#include "net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static enum err bad(struct err_info *ei, const char *text)
{
	return err_set(ei, ERR_SYNTAX,
		       "\"%.80s\" is no address; write host:port or [v6]:port",
		       text);
}

enum err addr_from_ip(const char *ip, uint16_t port, struct addr *ret)
{
	struct addr a = { .port = port };

	if (inet_pton(AF_INET, ip, a.ip) == 1)
		a.family = ADDR_V4;
	else if (inet_pton(AF_INET6, ip, a.ip) == 1)
		a.family = ADDR_V6;
	else
		return ERR_SYNTAX;
	*ret = a;
	return ERR_OK;
}

static bool host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* The host part [*ret_host, +*ret_len) and what follows its colon. */
static bool split(const char *text, const char **ret_host, size_t *ret_len,
		  const char **ret_port)
{
	const char *end;

	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || end[1] != ':')
			return false;
		*ret_host = text + 1;
		*ret_port = end + 2;
	} else {
		end = strchr(text, ':');
		if (!end || strchr(end + 1, ':'))
			return false;
		*ret_host = text;
		*ret_port = end + 1;
	}
	*ret_len = (size_t)(end - *ret_host);
	return true;
}

enum err addr_parse_host(const char *text, struct addr_host *ret,
			 struct err_info *ei)
{
	struct addr_host h = { 0 };
	const char *host = "", *port = "";
	uint64_t n = 0;
	struct addr a;
	size_t len, i;

	if (!split(text, &host, &len, &port) || !len || len >= sizeof(h.host))
		return bad(ei, text);
	if (text_u64(port, &n) || n > UINT16_MAX)
		return bad(ei, text);
	memcpy(h.host, host, len);
	h.port = (uint16_t)n;
	if (*text == '[') {
		if (addr_from_ip(h.host, h.port, &a) || a.family != ADDR_V6)
			return bad(ei, text);
	} else {
		for (i = 0; i < len; i++)
			if (!host_char(host[i]))
				return bad(ei, text);
	}
	*ret = h;
	return ERR_OK;
}

enum err addr_parse(const char *text, struct addr *ret, struct err_info *ei)
{
	struct addr_host h;
	enum err rc;

	rc = addr_parse_host(text, &h, ei);
	if (rc)
		return rc;
	rc = addr_from_ip(h.host, h.port, ret);
	if (rc)
		return bad(ei, text);
	return ERR_OK;
}

void addr_format_ip(const struct addr *a, char text[static ADDR_TEXT_MAX])
{
	int family = a->family == ADDR_V6 ? AF_INET6 : AF_INET;

	if (a->family == ADDR_NONE ||
	    !inet_ntop(family, a->ip, text, ADDR_TEXT_MAX))
		memcpy(text, "-", sizeof("-"));
}

void addr_format(const struct addr *a, char text[static ADDR_TEXT_MAX])
{
	char ip[ADDR_TEXT_MAX];

	addr_format_ip(a, ip);
	snprintf(text, ADDR_TEXT_MAX,
		 a->family == ADDR_V6 ? "[%.45s]:%u" : "%.45s:%u", ip, a->port);
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	size_t n = a->family == ADDR_V6 ? 16 : 4;

	return a->family == b->family && memcmp(a->ip, b->ip, n) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (a->family == ADDR_V4)
		return a->ip[0] == 127;
	return a->family == ADDR_V6 && memcmp(a->ip, one, 16) == 0;
}
